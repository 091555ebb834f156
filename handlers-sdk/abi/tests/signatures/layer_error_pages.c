/* Pages for errors, and another status, in the head of a reply and on an error's way out. */
#include "common.h"

static void head(void *self, faas_inv *inv) {
    (void)self;
    if (host->num(inv, FAAS_NUM_REPLY_STATUS) == 418) host->set_num(inv, FAAS_NUM_REPLY_CODE, 400);
}

static faas_status on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    if (inner != FAAS_E_USER) return inner;
    host->set(inv, FAAS_LIST_REPLY_HEADER, text("x-error"), host->meta(inv, FAAS_META_ERROR_KIND));
    return host->reply(inv, 422, lent(host->meta(inv, FAAS_META_ERROR_MESSAGE)));
}

faas_layer signature(void) {
    faas_layer made = a_layer("error-pages");
    made.error_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.head = head;
    made.on_error = on_error;
    return made;
}
