/* A schedule: which one, and the event as it came. */
#include "common.h"

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    if (!is(host->meta(inv, FAAS_META_TRIGGER), "timer")) return failed(inv, "Report.NoTimer", "expected a timer");
    faas_bytes source = host->meta(inv, FAAS_META_SOURCE);
    host->log(host->ctx, inv, 3, text("report"), source, NULL, 0);
    return host->reply(inv, FAAS_REPLY_VALUE, lent(host->event(inv)));
}

faas_function signature(void) {
    faas_function made = a_function("report", invoke);
    made.triggers = text("[{\"timer\": {\"cron\": \"0 5 * * *\"}}]");
    return made;
}
