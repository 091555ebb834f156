/* What a function without a state of its own needs, for the tests' functions in C: replies, failures, the event as text, and
 * the line that says that Close came. `KIND`, the kind of its failures, is defined by who includes this. */

#include "instance.h"
#include <string.h>

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

/* A phase hook that says in the log that Close came. */
static faas_status says_closed(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)inv;
    (void)tok;
    faas_bytes line = LITERAL("closed");
    if (phase == FAAS_CLOSE) host->emit(host->ctx, line);
    return FAAS_OK;
}
