/* A layer that does to an invocation what no layer should, and a function that replies its event. The variable ERRANT says
 * what:
 *
 *   hang      stays in before for ever, asleep, with the line "holding"
 *   pending   says that before is pending, and never ends it
 *   status    ends before with a success that the contract does not have
 *   failure   ends before with a failure that the contract does not have, and no words
 *   after     the same, in after
 *   bytes     fails in before, with words that are no text
 *   hoard     takes memory in before until there is none, and uses all of it
 *
 * An event that is "spared" has nothing done to it. In C, so that no SDK softens any of it. */

#define _POSIX_C_SOURCE 200809L
#include "instance.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int means(const char *what) {
    const char *errant = getenv("ERRANT");
    return errant && strcmp(errant, what) == 0;
}

static int is_spared(faas_inv *inv) {
    faas_bytes event = host->event(inv);
    return event.len == 6 && memcmp(event.ptr, "spared", 6) == 0;
}

static void hoard(void) {
    const size_t piece = (size_t)1 << 20;
    for (;;) {
        char *more = malloc(piece);
        if (!more) abort();
        memset(more, 1, piece);
    }
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    if (phase != FAAS_INVOKE || is_spared(inv)) return FAAS_OK;
    if (means("hang")) {
        faas_bytes line = LITERAL("holding");
        host->emit(host->ctx, line);
        struct timespec hour = {3600, 0};
        for (;;) nanosleep(&hour, NULL);
    }
    if (means("hoard")) hoard();
    if (means("pending")) return FAAS_PENDING;
    if (means("status")) return 4711;
    if (means("failure")) return -4711;
    if (means("bytes")) {
        faas_bytes kind = LITERAL("\xff\xfe"), message = LITERAL("\x00\xc3\x28\x1b[2J\n\"}"), detail = {NULL, 0};
        host->fail(inv, kind, message, detail);
        return FAAS_E_USER;
    }
    return FAAS_OK;
}

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    return phase == FAAS_INVOKE && means("after") && !is_spared(inv) ? -4711 : FAAS_OK;
}

static const faas_layer errant = {.size = sizeof(faas_layer),
                                  .name = LITERAL("errant"),
                                  .flags = FAAS_IS_BLOCKING | FAAS_IS_REENTRANT,
                                  .before_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
                                  .after_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
                                  .create = create,
                                  .before = before,
                                  .after = after};
static const faas_layer *const layers[] = {&errant};

FUNCTION_ENTRY(echo, "echo", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, 0, echo, NULL);

static const faas_function *const functions[] = {&echo_entry};

MODULE("errant", .layers = layers, .layer_count = sizeof layers / sizeof layers[0])
