/* The default function: a whole router behind one entry, over the raw path and query. */
#include "common.h"

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_bytes path = host->meta(inv, FAAS_META_RAW_PATH), query = host->meta(inv, FAAS_META_RAW_QUERY);
    return host->reply(inv, is(path, "/") && query.len == 0 ? 200 : 404, lent(path));
}

faas_function signature(void) {
    faas_function made = a_function("router", invoke);
    made.flags = FAAS_IS_DEFAULT;
    return made;
}
