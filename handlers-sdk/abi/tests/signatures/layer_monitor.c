/* How long each phase takes: begun in before, kept in a slot, told in after and on_error. */
#include "common.h"

static char key;

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    uint64_t *began = (uint64_t *)host->scratch(inv, sizeof *began, sizeof *began);
    if (!began) return FAAS_E_INTERNAL;
    *began = host->now_ns(host->ctx);
    return host->set_slot(inv, &key, began, NULL);
}

static faas_status tell(faas_inv *inv, faas_bytes how) {
    const uint64_t *began = (const uint64_t *)host->slot(inv, &key);
    if (!began || !host->log_enabled(host->ctx, 3, text("monitor"))) return FAAS_OK;
    uint64_t took = host->now_ns(host->ctx) - *began, waited = *began - host->num(inv, FAAS_NUM_STARTED_NS);
    faas_field fields[2];
    memset(fields, 0, sizeof fields);
    fields[0].name = text("slow");
    fields[0].value = text(took > 1000000000 || waited == 0 ? "true" : "false");
    fields[0].kind = FAAS_JSON;
    fields[1].name = text("cold");
    fields[1].value = text(host->num(inv, FAAS_NUM_COLD_START) ? "true" : "false");
    fields[1].kind = FAAS_JSON;
    host->log(host->ctx, inv, 3, text("monitor"), how, fields, 2);
    return FAAS_OK;
}

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    return tell(inv, text(host->num(inv, FAAS_NUM_STREAMED) ? "streamed" : "replied"));
}

static faas_status on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    tell(inv, host->meta(inv, FAAS_META_ERROR_KIND));
    return inner;
}

faas_layer signature(void) {
    faas_layer made = a_layer("monitor");
    made.wants = FAAS_F_REPLIED;
    made.before_phases = made.error_phases = FAAS_PHASE_BIT(FAAS_INVOKE) | FAAS_PHASE_BIT(FAAS_FUNCTION_START);
    made.after_phases = made.before_phases | FAAS_PHASE_BIT(FAAS_REPLIED);
    made.before = before;
    made.after = after;
    made.on_error = on_error;
    return made;
}
