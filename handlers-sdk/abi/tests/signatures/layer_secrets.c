/* A secret that may change: watched, never kept longer than its value, wiped when it is released. */
#include "common.h"
#include <faas_params.h>

static faas_buf secret;
static uint64_t number;

static void changed(void *arg, faas_status status, faas_buf value, uint64_t version) {
    (void)arg, (void)version;
    if (secret.release) secret.release(secret.owner);
    secret = value;
    if (status == FAAS_E_CANCELLED) number = 0;
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)inv, (void)tok;
    const faas_params *params = (const faas_params *)host->service(host->ctx, text(FAAS_PARAMS), FAAS_PARAMS_MAJOR);
    if (params && number == 0) number = params->watch(params->provider, text("db/password"), changed, NULL);
    return FAAS_OK;
}

static faas_status context(void *self, faas_inv *inv) {
    (void)self;
    return secret.len ? host->add(inv, FAAS_LIST_EXTENSION, text("db"), text("ready")) : FAAS_OK;
}

faas_layer signature(void) {
    faas_layer made = a_layer("secrets");
    made.before_phases = FAAS_PHASE_BIT(FAAS_RUNTIME_START) | FAAS_PHASE_BIT(FAAS_RESUME);
    made.before = before;
    made.context = context;
    return made;
}
