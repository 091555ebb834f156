/* What a function without a state of its own needs, for the tests' functions in C: the host's table, replies, failures, and
 * the event as text. `KIND`, the kind of its failures, is defined by who includes this. */

#include <faas.h>
#include <string.h>

#define LITERAL(text) {(const uint8_t *)(text), sizeof(text) - 1}

static const faas_host *host;

static faas_status create(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    (void)config;
    (void)why;
    host = given;
    *self = NULL;
    return FAAS_OK;
}

static faas_status answer(faas_inv *inv, const char *text, size_t len) {
    char *copy = host->scratch(inv, len + 1, 1);
    if (!copy) return FAAS_E_INTERNAL;
    memcpy(copy, text, len);
    faas_buf body = {(const uint8_t *)copy, len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

static faas_status failed(faas_inv *inv, const char *message) {
    faas_bytes kind = LITERAL(KIND), words = {(const uint8_t *)message, strlen(message)}, none = {NULL, 0};
    host->fail(inv, kind, words, none);
    return FAAS_E_USER;
}

/* The event's text, ended by a zero. */
static char *event_text(faas_inv *inv) {
    faas_bytes event = host->body(inv);
    char *text = host->scratch(inv, event.len + 1, 1);
    if (text && event.len) memcpy(text, event.ptr, event.len);
    return text;
}
