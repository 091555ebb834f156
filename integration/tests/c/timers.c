/* Two functions that say of themselves that they are for a timer, by a schedule and without a name, and one that says nothing.
 * Each replies its own name. */

#include "instance.h"

static faas_status reply(faas_inv *inv, faas_bytes name) {
    faas_buf body = {name.ptr, name.len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

#define TIMER_FUNCTION(id, text, schedule)                                                                             \
    static faas_status id(void *self, faas_inv *inv, faas_tok *tok) {                                                  \
        (void)self;                                                                                                    \
        (void)tok;                                                                                                     \
        faas_bytes name = LITERAL(text);                                                                               \
        return reply(inv, name);                                                                                       \
    }                                                                                                                  \
    static const faas_function id##_entry = {.size = sizeof(faas_function), .name = LITERAL(text), .create = create,   \
                                             .invoke = id, .triggers = LITERAL(schedule)}

TIMER_FUNCTION(night, "night", "[{\"timer\":{\"cron\":\"0 2 * * *\"}}]");
TIMER_FUNCTION(often, "often", "[{\"timer\":{\"every\":\"5m\"}}]");
TIMER_FUNCTION(quiet, "quiet", "");

static const faas_function *const functions[] = {&night_entry, &often_entry, &quiet_entry};
MODULE("timers")
