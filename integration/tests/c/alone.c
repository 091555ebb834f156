/* The only function of its library, which says of itself that it is for the requests of one route. It replies its name. */

#include "instance.h"

static faas_status reply(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    static const char name[] = "page";
    faas_buf body = {(const uint8_t *)name, sizeof name - 1, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

static const faas_function alone_entry = {.size = sizeof(faas_function),
                                          .name = LITERAL("page"),
                                          .create = create,
                                          .invoke = reply,
                                          .triggers = LITERAL("[{\"http\":{\"method\":\"get\",\"path\":\"/alone/:id\"}}]")};

static const faas_function *const functions[] = {&alone_entry};
MODULE("alone")
