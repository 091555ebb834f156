/* A span around each invocation, whose context is what everybody further in sees as the invocation's; flushed when the
 * reply is out, for as long as there is time. */
#include "common.h"
#include <faas_telemetry.h>

static char key;

static const faas_telemetry *telemetry(void) {
    return (const faas_telemetry *)host->service(host->ctx, text(FAAS_TELEMETRY), FAAS_TELEMETRY_MAJOR);
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    const faas_telemetry *spans = telemetry();
    if (!spans) return FAAS_OK; /* nobody offers it now */
    uint64_t *span = (uint64_t *)host->scratch(inv, sizeof *span, sizeof *span);
    uint8_t *context = (uint8_t *)host->scratch(inv, FAAS_TRACEPARENT_BYTES, 1);
    if (!span || !context) return FAAS_E_INTERNAL;
    faas_pair attribute = {text("faas.trigger"), host->meta(inv, FAAS_META_TRIGGER)};
    faas_bytes parent = host->meta(inv, FAAS_META_TRACEPARENT), name = host->meta(inv, FAAS_META_FUNCTION);
    *span = spans->span_begin(spans->provider, parent, name, &attribute, 1);
    if (spans->span_context(spans->provider, *span, context) == FAAS_OK) {
        faas_bytes child = {context, FAAS_TRACEPARENT_BYTES};
        host->set_meta(inv, FAAS_META_TRACEPARENT, child);
        host->set_meta(inv, FAAS_META_TRACESTATE, text("shop=1"));
    }
    return host->set_slot(inv, &key, span, NULL);
}

static void end(const faas_inv *inv, uint32_t result) {
    const faas_telemetry *spans = telemetry();
    const uint64_t *span = (const uint64_t *)host->slot(inv, &key);
    if (spans && span) spans->span_end(spans->provider, *span, result, NULL, 0);
}

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    if (phase == FAAS_INVOKE) end(inv, FAAS_SPAN_OK);
    if (phase == FAAS_REPLIED && host->num(inv, FAAS_NUM_REMAINING_MS) < 50) return FAAS_OK; /* the next one flushes */
    return FAAS_OK;
}

static faas_status on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    end(inv, FAAS_SPAN_ERROR);
    return inner;
}

faas_layer signature(void) {
    faas_layer made = a_layer("tracing");
    made.wants = FAAS_F_REPLIED | FAAS_F_SUSPEND;
    made.before_phases = made.error_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.after_phases = FAAS_PHASE_BIT(FAAS_INVOKE) | FAAS_PHASE_BIT(FAAS_REPLIED);
    made.before = before;
    made.after = after;
    made.on_error = on_error;
    return made;
}
