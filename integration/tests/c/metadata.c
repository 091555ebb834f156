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

#define FUNCTION(id)                                                                                                   \
    static const faas_function id##_entry = {sizeof(faas_function), LITERAL(#id), FAAS_IS_INLINE, 0, 0, 0,             \
                                             {NULL, 0},             create,       id,             NULL, NULL, NULL}

FUNCTION(metadata);
FUNCTION(mirror);
static const faas_function *const functions[] = {&metadata_entry, &mirror_entry};

static const faas_module module = {
    sizeof(faas_module), FAAS_MAGIC, FAAS_MAJOR, 0, LITERAL("metadata"), LITERAL("1"), LITERAL("C11"), functions, 2, NULL, 0,
};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor) {
    (void)host_major;
    (void)host_minor;
    return &module;
}
