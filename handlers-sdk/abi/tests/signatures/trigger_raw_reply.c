/* The platform's own reply shape, made by hand: Azure's Outputs, an object of API Gateway's. */
#include "common.h"

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    if (!is(host->meta(inv, FAAS_META_PLATFORM), "azure-functions")) return FAAS_E_UNSUPPORTED;
    return host->reply(inv, FAAS_REPLY_RAW, lent(text("{\"Outputs\":{\"message\":\"done\"},\"ReturnValue\":null}")));
}

faas_function signature(void) { return a_function("raw-reply", invoke); }
