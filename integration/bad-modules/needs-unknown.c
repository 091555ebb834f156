/* Its function needs a feature that no runtime has yet, and has no invoke. */
#include "sound.h"

static faas_function echo = {SOUND_FUNCTION, .needs = UINT64_C(1) << 60};
static const faas_function *const functions[] = {&echo};
static const faas_module module = {SOUND_MODULE, .functions = functions, .function_count = 1};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)major, (void)minor;
    echo.invoke = NULL;
    return &module;
}
