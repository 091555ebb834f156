/* The pieces of a streamed reply in capitals, and a count behind the last: a host of 1.0 has no filters, and its streams
 * pass as they are. */
#include "common.h"
#include <stdlib.h>

typedef struct capitals {
    size_t pieces;
} capitals;

static void release(void *owner) { free(owner); }

static faas_status filter(void *arg, faas_bytes piece, uint32_t is_last, faas_buf *out) {
    capitals *state = (capitals *)arg;
    uint8_t *made = (uint8_t *)malloc(piece.len + 1);
    if (!made) return FAAS_E_INTERNAL;
    for (size_t at = 0; at < piece.len; at++)
        made[at] = piece.ptr[at] >= 'a' && piece.ptr[at] <= 'z' ? (uint8_t)(piece.ptr[at] - 32) : piece.ptr[at];
    state->pieces += piece.len > 0;
    if (is_last) made[piece.len] = (uint8_t)('0' + state->pieces % 10);
    out->ptr = made;
    out->len = piece.len + (is_last ? 1 : 0);
    out->release = release;
    out->owner = made;
    return FAAS_OK;
}

static void head(void *self, faas_inv *inv) {
    (void)self;
    if (!host->num(inv, FAAS_NUM_TAKES_FILTERS)) return;
    capitals *state = (capitals *)calloc(1, sizeof *state);
    if (!state) return;
    if (host->stream_filter(inv, filter, state, free) != FAAS_OK) {
        free(state); /* a host that refuses has not taken it */
        return;
    }
    host->remove(inv, FAAS_LIST_REPLY_HEADER, text("content-length"));
}

faas_layer signature(void) {
    faas_layer made = a_layer("capitals");
    made.head = head;
    return made;
}
