/* The tables. A table of C's needs no initialisation, so the entry function is as pure as the contract asks. */
#include "_cgo_export.h"

#define TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* There is nothing to keep but the host, whose table lives as long as the process. */
static faas_status create(const faas_host *host, faas_bytes config, void **self, faas_buf *why)
{
    (void)config, (void)why;
    *self = (void *)(uintptr_t)host;
    return FAAS_OK;
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok)
{
    (void)tok;
    return goInvoke(self, inv);
}

static const faas_function function = {
    .size = sizeof(faas_function),
    .name = TEXT("hello"),
    .flags = FAAS_IS_REENTRANT,
    .triggers = TEXT("[{\"http\": true}]"),
    .create = create,
    .invoke = invoke,
};

static const faas_function *const functions[] = {&function};

static const faas_module module = {
    .size = sizeof(faas_module),
    .magic = FAAS_MAGIC,
    .major = FAAS_MAJOR,
    .name = TEXT("@NAME@"),
    .version = TEXT("0.1.0"),
    .built_with = TEXT("Go and cgo"),
    .functions = functions,
    .function_count = 1,
};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor)
{
    (void)host_minor;
    return host_major == FAAS_MAJOR ? &module : NULL;
}
