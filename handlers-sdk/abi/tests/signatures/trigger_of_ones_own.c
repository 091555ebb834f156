/* An event only its user knows: a layer, outermost, makes a request of it, and its own envelope of the reply. */
#include "common.h"

static faas_status recognise(void *self, faas_inv *inv) {
    (void)self;
    faas_bytes event = host->event(inv);
    if (event.len < 4 || memcmp(event.ptr, "GET ", 4) != 0) return FAAS_E_NOT_FOUND;
    faas_bytes path = {event.ptr + 4, event.len - 4};
    host->set_meta(inv, FAAS_META_TRIGGER, text("http"));
    host->set_meta(inv, FAAS_META_SOURCE, text("shop:line"));
    host->set_meta(inv, FAAS_META_METHOD, text("GET"));
    host->set_meta(inv, FAAS_META_PATH, path);
    host->add(inv, FAAS_LIST_HEADER, text("accept"), text("*/*"));
    return host->set_body(inv, lent(text("")));
}

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    if (!is(host->meta(inv, FAAS_META_SOURCE), "shop:line")) return FAAS_OK;
    faas_pair first;
    int has_headers = host->at(inv, FAAS_LIST_REPLY_HEADER, 0, &first) == FAAS_OK;
    int is_fine = host->num(inv, FAAS_NUM_REPLY_STATUS) < 400 && (has_headers || host->reply_body(inv).len > 0);
    return host->reply(inv, FAAS_REPLY_RAW, lent(text(is_fine ? "+" : "-")));
}

faas_layer signature(void) {
    faas_layer made = a_layer("line");
    made.after_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.recognise = recognise;
    made.after = after;
    return made;
}
