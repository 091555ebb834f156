/* A request, whichever platform brought it: the view, repeats, and the event and the platform's own metadata untouched. The
 * host writes the platform's own shape. */
#include "common.h"

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    if (!host->num(inv, FAAS_NUM_IS_HTTP)) return failed(inv, "Shop.NoRequest", "expected a request");
    faas_bytes method = host->meta(inv, FAAS_META_METHOD), id;
    if (!is(method, "GET") && !is(method, "PUT")) return host->reply(inv, 405, lent(text("")));
    if (host->get(inv, FAAS_LIST_PATH_PARAM, text("id"), &id) != FAAS_OK) id = host->meta(inv, FAAS_META_PATH);
    size_t asked = host->count(inv, FAAS_LIST_QUERY);
    for (size_t index = 0; index < asked; index++) {
        faas_pair pair;
        if (host->at(inv, FAAS_LIST_QUERY, index, &pair) == FAAS_OK)
            host->add(inv, FAAS_LIST_REPLY_HEADER, text("x-asked"), pair.name);
    }
    faas_bytes body = host->body(inv);   /* its base64 undone */
    faas_bytes event = host->event(inv); /* the envelope, as it came */
    faas_pair own;
    if (host->at(inv, FAAS_LIST_PLATFORM, 0, &own) == FAAS_OK && event.len < body.len) return FAAS_E_INTERNAL;
    host->add(inv, FAAS_LIST_REPLY_COOKIE, text(""), text("seen=1; Path=/; HttpOnly"));
    return host->reply(inv, 200, lent(body.len ? body : id));
}

faas_function signature(void) { return a_function("http", invoke); }
