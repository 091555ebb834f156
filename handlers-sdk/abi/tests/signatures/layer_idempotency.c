/* A call that was seen gets the reply of the first: "faas.kv" says whether it was, and the hook is pending meanwhile. */
#include "common.h"
#include <faas_kv.h>

struct first {
    faas_inv *inv;
    faas_tok *tok;
};

static void heard(void *arg, faas_status status, faas_buf value, uint64_t version) {
    struct first *first = (struct first *)arg;
    (void)version;
    if (status == FAAS_E_CONFLICT && value.len > 0) { /* another was first: its reply, given on as it was given */
        status = host->reply(first->inv, FAAS_REPLY_VALUE, value);
        host->done(first->tok, status == FAAS_OK ? FAAS_END : status);
        return;
    }
    if (value.release) value.release(value.owner);
    host->done(first->tok, status);
}

static void written(void *arg, faas_status status, faas_buf value, uint64_t version) {
    (void)arg, (void)status, (void)version;
    if (value.release) value.release(value.owner);
}

static const faas_kv *store(void) { return (const faas_kv *)host->service(host->ctx, text(FAAS_KV), FAAS_KV_MAJOR); }

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase;
    const faas_kv *kv = store();
    struct first *first = (struct first *)host->scratch(inv, sizeof *first, sizeof(void *));
    if (!kv || !first) return kv ? FAAS_E_INTERNAL : FAAS_OK;
    first->inv = inv;
    first->tok = tok;
    kv->put_if_absent(kv->provider, host->meta(inv, FAAS_META_REQUEST_ID), lent(text("")), 60000, heard, first);
    return FAAS_PENDING;
}

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    const faas_kv *kv = store();
    faas_bytes id = host->meta(inv, FAAS_META_REQUEST_ID);
    if (kv && host->num(inv, FAAS_NUM_REPLY_CODE) < 300)
        kv->put(kv->provider, id, lent(text("done")), 3600000, written, NULL);
    return FAAS_OK;
}

static faas_status on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    const faas_kv *kv = store();
    if (kv) kv->remove(kv->provider, host->meta(inv, FAAS_META_REQUEST_ID), 0, written, NULL);
    return inner;
}

faas_layer signature(void) {
    faas_layer made = a_layer("idempotency");
    made.before_phases = made.after_phases = made.error_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.before = before;
    made.after = after;
    made.on_error = on_error;
    return made;
}
