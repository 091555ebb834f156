/* A function in C11, against faas.h and nothing else: it greets whoever is named in the query of a request. */
#include "faas.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* There is one instance and it knows only its host, whose table lives as long as the process. */
static faas_status create(const faas_host *host, faas_bytes config, void **self, faas_buf *why)
{
    (void)config, (void)why;
    *self = (void *)(uintptr_t)host;
    return FAAS_OK;
}

/* The greeting of a name: returns its length, and writes it to `text` where that is not NULL. */
static size_t greet(faas_bytes name, char *text)
{
    static const char hello[] = "hello, ";
    if (text != NULL) {
        memcpy(text, hello, sizeof hello - 1);
        memcpy(text + sizeof hello - 1, name.ptr, name.len);
    }
    return sizeof hello - 1 + name.len;
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok)
{
    static const faas_bytes key = TEXT("name"), type = TEXT("content-type"), plain = TEXT("text/plain; charset=utf-8");
    const faas_host *host = self;
    faas_bytes name = TEXT("world");
    char *text;
    size_t len;
    (void)tok;
    /* What is not there leaves `name` as it is. */
    (void)host->get(inv, FAAS_LIST_QUERY, key, &name);
    len = greet(name, NULL);
    text = host->scratch(inv, len, 1);
    if (text == NULL)
        return FAAS_E_TOO_BIG;
    (void)greet(name, text);
    (void)host->set(inv, FAAS_LIST_REPLY_HEADER, type, plain);
    /* No release: the text lives as long as the invocation. */
    return host->reply(inv, 200, (faas_buf){(const uint8_t *)text, len, NULL, NULL});
}

static const faas_function function = {
    .size = sizeof(faas_function),
    .name = TEXT("hello"),
    .flags = FAAS_IS_INLINE | FAAS_IS_REENTRANT,
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
    .built_with = TEXT("C11"),
    .functions = functions,
    .function_count = 1,
};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor)
{
    (void)host_minor;
    return host_major == FAAS_MAJOR ? &module : NULL;
}
