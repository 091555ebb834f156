/* Two functions of one group that do not agree on what an instance is. */
#include "sound.h"

static void destroy(void *self) { (void)self; }

static const faas_function one = {SOUND_FUNCTION, .group = TEXT("shop")};
static const faas_function other = {.size = sizeof(faas_function), .name = TEXT("other"),   .flags = FAAS_IS_REENTRANT,
                                    .group = TEXT("shop"),         .create = create, .invoke = invoke,
                                    .destroy = destroy};
static const faas_function *const functions[] = {&one, &other};
static const faas_module module = {SOUND_MODULE, .functions = functions, .function_count = 2};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)major, (void)minor;
    return &module;
}
