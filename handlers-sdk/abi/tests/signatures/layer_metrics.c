/* Counts, offers "faas.telemetry" to others, and answers a scrape itself. */
#include "common.h"
#include <faas_telemetry.h>

static double total;

static void counter(void *provider, faas_bytes name, double value, const faas_pair *labels, size_t count) {
    (void)provider, (void)name, (void)labels, (void)count;
    if (value >= 0) total += value;
}

static faas_telemetry table;

static faas_status create_metrics(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    create(given, config, self, why);
    table.size = sizeof table;
    table.counter = counter;
    return host->offer(host->ctx, text(FAAS_TELEMETRY), FAAS_TELEMETRY_MAJOR, &table);
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    if (!is(host->meta(inv, FAAS_META_PATH), "/metrics")) return FAAS_OK;
    faas_status status = host->reply(inv, 200, lent(text(total > 0 ? "calls_total 1\n" : "calls_total 0\n")));
    return status == FAAS_OK ? FAAS_END : status;
}

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    faas_pair labels[2] = {{text("function"), host->meta(inv, FAAS_META_FUNCTION)},
                           {text("trigger"), host->meta(inv, FAAS_META_TRIGGER)}};
    counter(NULL, text("calls_total"), 1, labels, 2);
    host->emit(host->ctx, text("{\"calls\":1}")); /* a document on the platform's log stream */
    return FAAS_OK;
}

faas_layer signature(void) {
    faas_layer made = a_layer("metrics");
    made.before_phases = made.after_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.create = create_metrics;
    made.before = before;
    made.after = after;
    return made;
}
