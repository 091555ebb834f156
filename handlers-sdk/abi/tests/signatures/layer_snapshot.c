/* Around a snapshot: connections are closed before, ids and seeds made anew after. */
#include "common.h"

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    if (phase == FAAS_SUSPEND) host->log(host->ctx, inv, 3, text("snapshot"), text("connections closed"), NULL, 0);
    return FAAS_OK;
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    if (phase == FAAS_RESUME) host->log(host->ctx, inv, 3, text("snapshot"), text("seeded anew"), NULL, 0);
    return FAAS_OK;
}

faas_layer signature(void) {
    faas_layer made = a_layer("snapshot");
    made.wants = FAAS_F_SUSPEND;
    made.after_phases = FAAS_PHASE_BIT(FAAS_SUSPEND);
    made.before_phases = FAAS_PHASE_BIT(FAAS_RESUME);
    made.after = after;
    made.before = before;
    return made;
}
