/* Functions that answer at once, for the tests of the server.
 *
 * echo: the path says what.  /empty 204 | /big/<n> n bytes | /own a response with headers of its own, some of which no
 * function may set | /who request id and client address | anything else: the body as it came.
 * short: as echo, marked FAAS_IS_INLINE. */
#include "faas.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(s) ((faas_bytes){(const uint8_t *)(s), sizeof(s) - 1})

static const faas_host *host;

static faas_status create(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    (void)config, (void)why;
    host = given;
    *self = NULL;
    return FAAS_OK;
}

static int begins(faas_bytes text, const char *start) {
    return text.len >= strlen(start) && memcmp(text.ptr, start, strlen(start)) == 0;
}

static faas_status big(faas_inv *inv, faas_bytes path) {
    size_t length = 0;
    for (size_t at = 5; at < path.len; at++)
        length = length * 10 + (size_t)(path.ptr[at] - '0');
    uint8_t *bytes = malloc(length);
    for (size_t at = 0; at < length; at++)
        bytes[at] = (uint8_t)('a' + at % 23);
    return host->reply(inv, 200, (faas_buf){bytes, length, free, bytes});
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_bytes path = host->meta(inv, FAAS_META_PATH);
    if (begins(path, "/empty"))
        return host->reply(inv, 204, (faas_buf){0});
    if (begins(path, "/big/"))
        return big(inv, path);
    if (begins(path, "/own")) {
        host->set(inv, FAAS_LIST_REPLY_HEADER, TEXT("x-own"), TEXT("1"));
        host->set(inv, FAAS_LIST_REPLY_HEADER, TEXT("Connection"), TEXT("close"));
        host->set(inv, FAAS_LIST_REPLY_HEADER, TEXT("Transfer-Encoding"), TEXT("chunked"));
        host->set(inv, FAAS_LIST_REPLY_HEADER, TEXT("Content-Length"), TEXT("999"));
        return host->reply(inv, 418, (faas_buf){(const uint8_t *)"own", 3, NULL, NULL});
    }
    if (begins(path, "/who")) {
        faas_bytes id = host->meta(inv, FAAS_META_REQUEST_ID), ip = host->meta(inv, FAAS_META_CLIENT_IP);
        uint8_t *text = host->scratch(inv, id.len + 1 + ip.len, 1);
        memcpy(text, id.ptr, id.len);
        text[id.len] = ' ';
        memcpy(text + id.len + 1, ip.ptr, ip.len);
        return host->reply(inv, 200, (faas_buf){text, id.len + 1 + ip.len, NULL, NULL});
    }
    faas_bytes body = host->body(inv);
    return host->reply(inv, 200, (faas_buf){body.ptr, body.len, NULL, NULL});
}

#define FUNCTION(word, bits)                                                                                           \
    {                                                                                                                  \
        .size = sizeof(faas_function), .name = {(const uint8_t *)word, sizeof(word) - 1},                              \
        .flags = FAAS_IS_REENTRANT | (bits), .create = create, .invoke = invoke,                                       \
    }

static const faas_function echo = FUNCTION("echo", 0);
static const faas_function brief = FUNCTION("short", FAAS_IS_INLINE);
static const faas_function *const functions[] = {&echo, &brief};
static const faas_module module = {
    .size = sizeof module,
    .magic = FAAS_MAGIC,
    .major = FAAS_MAJOR,
    .name = {(const uint8_t *)"echo", 4},
    .functions = functions,
    .function_count = 2,
};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)minor;
    return major == FAAS_MAJOR ? &module : NULL;
}
