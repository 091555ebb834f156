/* Sound, but its function cannot start, and says why. */
#include "sound.h"

static faas_status refuse(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    (void)create(given, config, self, why);
    static const char reason[] = "the table `orders` is not configured";
    *why = (faas_buf){(const uint8_t *)reason, sizeof reason - 1, NULL, NULL};
    return FAAS_E_USER;
}

static faas_function echo = {SOUND_FUNCTION};
static const faas_function *const functions[] = {&echo};
static const faas_module module = {SOUND_MODULE, .functions = functions, .function_count = 1};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)major, (void)minor;
    echo.create = refuse;
    return &module;
}
