/* Sound, but linked against libmissing.so, which is not there when it is loaded. */
#include "sound.h"

extern int from_missing(void);

static faas_function echo = {SOUND_FUNCTION};
static const faas_function *const functions[] = {&echo};
static const faas_module module = {SOUND_MODULE, .functions = functions, .function_count = 1};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)major, (void)minor;
    echo.flags = (uint32_t)from_missing();
    return &module;
}
