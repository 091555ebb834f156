/* A deadline of one's own, and a reply of one's own when it has passed, for functions that heed cancel. */
#include "common.h"

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    uint64_t mine = host->now_ns(host->ctx) + UINT64_C(2000000000), theirs = host->num(inv, FAAS_NUM_DEADLINE_NS);
    return theirs == 0 || mine < theirs ? host->set_num(inv, FAAS_NUM_DEADLINE_NS, mine) : FAAS_OK;
}

static faas_status on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    if (host->cancelled(inv) != FAAS_CANCEL_DEADLINE) return inner;
    return host->reply(inv, 503, lent(text("try again")));
}

faas_layer signature(void) {
    faas_layer made = a_layer("early-timeout");
    made.before_phases = made.error_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.before = before;
    made.on_error = on_error;
    return made;
}
