/* A reply written in parts. On a host that lends its thread, room may be waited for; elsewhere the call is pending. */
#include "common.h"

static faas_status write_all(faas_inv *inv, faas_tok *room) {
    faas_status status = host->stream_begin(inv, 200);
    if (status != FAAS_OK) return status;
    status = host->stream_write(inv, lent(text("one\n")), room);
    if (status == FAAS_PENDING) return FAAS_PENDING; /* the room's token goes on with the rest */
    return status == FAAS_OK ? host->stream_write(inv, lent(text("two\n")), NULL) : status;
}

static void there_is_room(void *arg, faas_status status) { host->done((faas_tok *)arg, status); }

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    if (!(host->features & FAAS_F_STREAM_OUT)) return host->reply(inv, 200, lent(text("one\ntwo\n")));
    host->set(inv, FAAS_LIST_REPLY_HEADER, text("content-type"), text("text/plain"));
    return write_all(inv, host->token(inv, there_is_room, tok));
}

faas_function signature(void) {
    faas_function made = a_function("stream", invoke);
    made.wants = FAAS_F_STREAM_OUT;
    return made;
}
