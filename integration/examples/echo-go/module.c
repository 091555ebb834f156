/* The tables. A table of C's needs no initialisation, so the entry function is as pure as the contract asks. */
#include "_cgo_export.h"

#define TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* There is nothing to keep but the host, whose table lives as long as the process. */
static faas_status create(const faas_host *host, faas_bytes config, void **self, faas_buf *why)
{
    static const char missing[] = "the host lacks `event`, `reply`, `set` or `fail`";
    (void)config;
    if (!FAAS_HAS(faas_host, host, event) || !FAAS_HAS(faas_host, host, reply) || !FAAS_HAS(faas_host, host, set) ||
        !FAAS_HAS(faas_host, host, fail)) {
        *why = (faas_buf){(const uint8_t *)missing, sizeof missing - 1, NULL, NULL};
        return FAAS_E_UNSUPPORTED;
    }
    *self = (void *)host;
    return FAAS_OK;
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok)
{
    (void)tok;
    return goEcho(self, inv);
}

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok)
{
    (void)phase, (void)tok;
    return goStamp(self, inv);
}

static const faas_function function = {
    .size = sizeof(faas_function),
    .name = TEXT("echo"),
    .flags = FAAS_IS_REENTRANT,
    .create = create,
    .invoke = invoke,
};

static const faas_layer layer = {
    .size = sizeof(faas_layer),
    .name = TEXT("stamp"),
    .flags = FAAS_IS_REENTRANT,
    .after_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
    .create = create,
    .after = after,
};

static const faas_function *const functions[] = {&function};
static const faas_layer *const layers[] = {&layer};

static const faas_module module = {
    .size = sizeof(faas_module),
    .magic = FAAS_MAGIC,
    .major = FAAS_MAJOR,
    .name = TEXT("echo-go"),
    .version = TEXT("0.1.0"),
    .built_with = TEXT("Go and cgo"),
    .functions = functions,
    .function_count = 1,
    .layers = layers,
    .layer_count = 1,
};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor)
{
    (void)host_minor;
    return host_major == FAAS_MAJOR ? &module : NULL;
}
