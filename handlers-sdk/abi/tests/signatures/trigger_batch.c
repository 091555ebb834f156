/* A queue's or topic's batch as one invocation: the records, and those that failed, in the platform's form. */
#include "common.h"

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    size_t count = host->count(inv, FAAS_LIST_RECORD);
    for (size_t index = 0; index < count; index++) {
        faas_pair record;
        if (host->at(inv, FAAS_LIST_RECORD, index, &record) != FAAS_OK) continue;
        if (record.value.len == 0) host->add(inv, FAAS_LIST_FAILED_RECORD, record.name, text("it is empty"));
    }
    return host->reply(inv, FAAS_REPLY_VALUE, lent(text("")));
}

faas_function signature(void) {
    faas_function made = a_function("batch", invoke);
    made.triggers = text("[{\"queue\": {\"source\": \"jobs\"}}, {\"topic\": true}]");
    return made;
}
