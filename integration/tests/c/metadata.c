/* metadata: the event names a header of the platform's, the reply is its value, or "(none)". mirror: the request's body is
 * the reply's, with the status 201. In C, so that no SDK stands between the test and the contract. */

#include "instance.h"
#include <string.h>

static int is_same(faas_bytes name, faas_bytes other) {
    if (name.len != other.len) return 0;
    for (size_t at = 0; at < name.len; at++)
        if ((name.ptr[at] | 32) != (other.ptr[at] | 32)) return 0;
    return 1;
}

static faas_status metadata(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes asked = host->body(inv), found = LITERAL("(none)");
    for (size_t index = 0; index < host->count(inv, FAAS_LIST_PLATFORM); index++) {
        faas_pair pair;
        if (host->at(inv, FAAS_LIST_PLATFORM, index, &pair) == FAAS_OK && is_same(pair.name, asked)) found = pair.value;
    }
    uint8_t *copy = host->scratch(inv, found.len + 1, 1);
    if (!copy) return FAAS_E_INTERNAL;
    memcpy(copy, found.ptr, found.len);
    faas_buf body = {copy, found.len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

static faas_status mirror(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes asked = host->body(inv);
    uint8_t *copy = host->scratch(inv, asked.len + 1, 1);
    if (!copy) return FAAS_E_INTERNAL;
    if (asked.len) memcpy(copy, asked.ptr, asked.len);
    faas_buf body = {copy, asked.len, NULL, NULL};
    return host->reply(inv, 201, body);
}

FUNCTION_ENTRY(metadata, "metadata", FAAS_IS_INLINE, 0, metadata, NULL);
FUNCTION_ENTRY(mirror, "mirror", FAAS_IS_INLINE, 0, mirror, NULL);
static const faas_function *const functions[] = {&metadata_entry, &mirror_entry};

MODULE("metadata", .version = LITERAL("1"))
