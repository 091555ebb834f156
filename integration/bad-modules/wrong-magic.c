/* The magic is another's. */
#include "sound.h"

static const faas_function echo = {SOUND_FUNCTION};
static const faas_function *const functions[] = {&echo};
static faas_module module = {SOUND_MODULE, .functions = functions, .function_count = 1};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)major, (void)minor;
    module.magic = UINT64_C(0x1122334455667788);
    return &module;
}
