/* Returns a sound table on its heap: it may be freed tomorrow, and no runtime can tell that it is readable. */
#include "sound.h"
#include <stdlib.h>
#include <string.h>

static const faas_function echo = {SOUND_FUNCTION};
static const faas_function *const functions[] = {&echo};
static const faas_module module = {SOUND_MODULE, .functions = functions, .function_count = 1};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)major, (void)minor;
    faas_module *copy = malloc(sizeof module);
    return copy == NULL ? NULL : memcpy(copy, &module, sizeof module);
}
