/* Readiness, and a warm-up that never reaches the function. */
#include "common.h"

static faas_status health(void *self, faas_buf *why) {
    (void)self;
    faas_bytes url;
    if (host->config(host->ctx, text("DATABASE_URL"), &url) == FAAS_OK) return FAAS_OK;
    *why = lent(text("DATABASE_URL is not set"));
    return FAAS_E_USER;
}

static faas_status recognise(void *self, faas_inv *inv) {
    (void)self;
    return is(host->event(inv), "warm") ? host->set_meta(inv, FAAS_META_TRIGGER, text("warmup")) : FAAS_E_NOT_FOUND;
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    if (!is(host->meta(inv, FAAS_META_TRIGGER), "warmup")) return FAAS_OK;
    faas_status status = host->reply(inv, FAAS_REPLY_VALUE, lent(text("null")));
    return status == FAAS_OK ? FAAS_END : status;
}

faas_layer signature(void) {
    faas_layer made = a_layer("health");
    made.before_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.before = before;
    made.recognise = recognise;
    made.health = health;
    return made;
}
