/* The event's bytes, unchanged, in C11 against faas.h and nothing else:
 *
 *   cc -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -fPIC -shared -fvisibility=hidden \
 *      -I handlers-sdk/abi/include -o libecho-c.so integration/examples/echo-c/echo.c
 */
#include "faas.h"

#define TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* There is one instance and it knows only its host. The table lives as long as the process. */
static faas_status create(const faas_host *host, faas_bytes config, void **self, faas_buf *why)
{
    static const char missing[] = "the host lacks `event`, `reply` or `fail`";
    (void)config;
    if (!FAAS_HAS(faas_host, host, event) || !FAAS_HAS(faas_host, host, reply) || !FAAS_HAS(faas_host, host, fail)) {
        *why = (faas_buf){(const uint8_t *)missing, sizeof missing - 1, NULL, NULL};
        return FAAS_E_UNSUPPORTED;
    }
    *self = (void *)(uintptr_t)host;
    return FAAS_OK;
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok)
{
    const faas_host *host = self;
    faas_bytes event = host->event(inv);
    /* No release: the event lives as long as the invocation, and so does the reply to it. */
    faas_buf body = {event.ptr, event.len, NULL, NULL};
    faas_status status = host->reply(inv, FAAS_REPLY_RAW, body);
    (void)tok;
    if (status < 0) {
        faas_bytes kind = TEXT("Echo.ReplyRefused"), message = TEXT("the host refused the reply"), none = {NULL, 0};
        host->fail(inv, kind, message, none);
        return FAAS_E_USER;
    }
    return FAAS_OK;
}

static const faas_function echo = {
    .size = sizeof(faas_function),
    .name = TEXT("echo-c"),
    .flags = FAAS_IS_INLINE | FAAS_IS_REENTRANT,
    .create = create,
    .invoke = invoke,
};

static const faas_function *const functions[] = {&echo};

static const faas_module module = {
    .size = sizeof(faas_module),
    .magic = FAAS_MAGIC,
    .major = FAAS_MAJOR,
    .name = TEXT("echo-c"),
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
