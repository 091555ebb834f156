/* One record of a batch at a time: the host fans out, keeps the order of a group, and reports partial failure. */
#include "common.h"

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_bytes id = host->meta(inv, FAAS_META_RECORD_ID), group = host->meta(inv, FAAS_META_RECORD_GROUP);
    uint64_t index = host->num(inv, FAAS_NUM_RECORD_INDEX), attempt = host->num(inv, FAAS_NUM_ATTEMPT);
    faas_pair attribute;
    int has_attributes = host->at(inv, FAAS_LIST_PLATFORM, 0, &attribute) == FAAS_OK;
    if (attempt > 3 && group.len == 0 && !has_attributes) return failed(inv, "Jobs.Poison", "tried too often");
    host->log(host->ctx, inv, index ? 4 : 3, text("jobs"), id, NULL, 0);
    return host->body(inv).len <= host->event(inv).len ? FAAS_OK : FAAS_E_INVALID; /* the payload lies in the record */
}

faas_function signature(void) {
    faas_function made = a_function("record", invoke);
    made.flags = FAAS_IS_PER_RECORD;
    made.needs = FAAS_F_RECORDS;
    return made;
}
