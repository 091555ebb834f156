/* What is sound in every bad module: one function, `echo`, and a module table to spoil. */
#include "faas.h"

#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

static const faas_host *host;

static faas_status create(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    (void)config, (void)why;
    host = given;
    *self = NULL;
    return FAAS_OK;
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_bytes event = host->event(inv);
    faas_buf same = {event.ptr, event.len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, same);
}

#define SOUND_FUNCTION .size = sizeof(faas_function), .name = TEXT("echo"), .create = create, .invoke = invoke
#define SOUND_MODULE \
    .size = sizeof(faas_module), .magic = FAAS_MAGIC, .major = FAAS_MAJOR, .name = TEXT("bad"), .version = TEXT("0")
