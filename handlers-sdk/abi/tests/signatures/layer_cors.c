/* Preflight answered by the layer; the head of every other reply, and of an error reply, gets its header. */
#include "common.h"

static void allow(faas_inv *inv) {
    faas_bytes origin;
    if (host->get(inv, FAAS_LIST_HEADER, text("origin"), &origin) == FAAS_OK)
        host->set(inv, FAAS_LIST_REPLY_HEADER, text("access-control-allow-origin"), origin);
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    if (!is(host->meta(inv, FAAS_META_METHOD), "OPTIONS")) return FAAS_OK;
    allow(inv);
    faas_status status = host->reply(inv, 204, lent(text("")));
    return status == FAAS_OK ? FAAS_END : status;
}

static void head(void *self, faas_inv *inv) {
    (void)self;
    allow(inv);
}

static faas_status on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    allow(inv);
    return inner;
}

faas_layer signature(void) {
    faas_layer made = a_layer("cors");
    made.before_phases = made.error_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.before = before;
    made.head = head;
    made.on_error = on_error;
    return made;
}
