/* A CloudEvent in either mode: its attributes, its data, and an event as the reply. */
#include "common.h"

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_bytes type, source;
    if (host->get(inv, FAAS_LIST_ATTRIBUTE, text("type"), &type) != FAAS_OK ||
        host->get(inv, FAAS_LIST_ATTRIBUTE, text("source"), &source) != FAAS_OK)
        return host->reply(inv, FAAS_REPLY_VALUE, lent(host->event(inv))); /* a batch, or no CloudEvent */
    host->add(inv, FAAS_LIST_REPLY_HEADER, text("ce-specversion"), text("1.0"));
    host->add(inv, FAAS_LIST_REPLY_HEADER, text("ce-id"), host->meta(inv, FAAS_META_REQUEST_ID));
    host->add(inv, FAAS_LIST_REPLY_HEADER, text("ce-type"), type);
    host->add(inv, FAAS_LIST_REPLY_HEADER, text("ce-source"), source);
    return host->reply(inv, 200, lent(host->body(inv)));
}

faas_function signature(void) {
    faas_function made = a_function("event", invoke);
    made.triggers = text("[{\"event\": {\"type\": \"com.shop.paid\"}}]");
    return made;
}
