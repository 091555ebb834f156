/* Refuses every runtime, and says why. */
#include "sound.h"

static const faas_function echo = {SOUND_FUNCTION};
static const faas_function *const functions[] = {&echo};
static const faas_module module = {SOUND_MODULE, .functions = functions, .function_count = 1,
                                   .refusal = TEXT("it needs a moon in its first quarter")};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)major, (void)minor;
    return &module;
}
