/* Names that point nowhere, are too long to be names, or are no UTF-8; all in one list. */
#include "sound.h"

static faas_function echo = {SOUND_FUNCTION};
static faas_function bytes = {SOUND_FUNCTION};
static faas_function unnamed = {SOUND_FUNCTION};
static const faas_function *const functions[] = {&echo, &bytes, &unnamed};
static faas_module module = {SOUND_MODULE, .functions = functions, .function_count = 3};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)major, (void)minor;
    module.name = (faas_bytes){(const uint8_t *)(uintptr_t)0x10, 8};
    echo.name.len = SIZE_MAX;
    bytes.name = (faas_bytes)TEXT("\xff\xfe");
    unnamed.name = (faas_bytes){NULL, 0};
    return &module;
}
