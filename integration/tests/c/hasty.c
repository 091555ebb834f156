/* Calls that end where the contract allows it and where it does not.
 *
 * The function early    completes before it has returned FAAS_PENDING, and wants a feature that no host has.
 * The function counted  replies how often the hooks of `waiting` have been called.
 * The layer waiting     answers FAAS_PENDING in recognise, context and health, which have no token. */

#include "instance.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_int called;

static faas_status early(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    faas_buf body = {(const uint8_t *)"early", 5, NULL, NULL};
    faas_status status = host->reply(inv, FAAS_REPLY_VALUE, body);
    host->done(tok, status);
    return FAAS_PENDING;
}

static faas_status counted(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    char *text = host->scratch(inv, 16, 1);
    if (!text) return FAAS_E_INTERNAL;
    int length = snprintf(text, 16, "%d", atomic_load(&called));
    faas_buf body = {(const uint8_t *)text, (size_t)length, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_VALUE, body);
}

static faas_status pending(void *self, faas_inv *inv) {
    (void)self, (void)inv;
    atomic_fetch_add(&called, 1);
    return FAAS_PENDING;
}

static faas_status pending_health(void *self, faas_buf *why) {
    (void)self, (void)why;
    return FAAS_PENDING;
}

static const faas_layer waiting = {.size = sizeof waiting,
                                   .name = LITERAL("waiting"),
                                   .create = create,
                                   .recognise = pending,
                                   .context = pending,
                                   .health = pending_health};
static const faas_layer *const layers[] = {&waiting};

static const faas_function early_entry = {.size = sizeof early_entry,
                                          .name = LITERAL("early"),
                                          .wants = FAAS_F_UPGRADE,
                                          .create = create,
                                          .invoke = early};
FUNCTION_ENTRY(counted, "counted", FAAS_IS_INLINE, 0, counted, NULL);
static const faas_function *const functions[] = {&early_entry, &counted_entry};

MODULE("hasty", .layers = layers, .layer_count = 1)
