/* Log lines from where there is least to hold on to.
 *
 * The function beside  a thread logs with the invocation while this one changes it, a thousand times each.
 * The function fields  one line with a field of each kind.
 * The function drops   gives a reply whose release logs, and a slot whose drop logs; its reply replaces another.
 * The function pours   a stream of three parts of 64 KiB, whose releases log. */

#define _POSIX_C_SOURCE 200809L
#include "instance.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const faas_bytes target = LITERAL("talker");

static void say(const faas_inv *inv, const char *text) {
    faas_bytes message = {(const uint8_t *)text, strlen(text)};
    host->log(host->ctx, inv, 3, target, message, NULL, 0);
}

struct talk {
    const faas_inv *inv;
    atomic_int ends;
};

static void *talk_along(void *arg) {
    struct talk *talk = arg;
    for (int line = 0; line < 1000; line++) {
        if (host->cancelled(talk->inv)) break;
        say(talk->inv, "beside a writer");
    }
    atomic_store(&talk->ends, 1);
    return NULL;
}

static faas_status beside(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    struct talk talk = {inv, 0};
    pthread_t thread;
    faas_bytes name = LITERAL("name"), value = LITERAL("a value that takes some room in the list of extensions");
    if (pthread_create(&thread, NULL, talk_along, &talk) != 0) return FAAS_E_INTERNAL;
    for (int change = 0; change < 1000 || !atomic_load(&talk.ends); change++) {
        host->set(inv, FAAS_LIST_EXTENSION, name, value);
        host->set(inv, FAAS_LIST_REPLY_HEADER, name, value);
        if (change >= 100000) break;
    }
    pthread_join(thread, NULL);
    faas_buf body = {(const uint8_t *)"said", 4, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_VALUE, body);
}

static faas_status fields(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_bytes message = LITERAL("with fields");
    const faas_field fields[] = {
        {LITERAL("text"), LITERAL("3"), FAAS_TEXT, 0},
        {LITERAL("number"), LITERAL("3"), FAAS_JSON, 0},
        {LITERAL("object"), LITERAL("{\"a\":\n[1]}"), FAAS_JSON, 0},
        {LITERAL("broken"), LITERAL("{\"a\":"), FAAS_JSON, 0},
        {LITERAL("later"), LITERAL("{}"), 77, 0},
    };
    host->log(host->ctx, inv, 3, target, message, fields, sizeof fields / sizeof fields[0]);
    faas_buf body = {(const uint8_t *)"said", 4, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_VALUE, body);
}

static void release(void *owner) {
    say(NULL, owner);
}

static char slot_key;

static faas_status drops(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_buf first = {(const uint8_t *)"first", 5, release, "the first reply is released"};
    faas_buf second = {(const uint8_t *)"second", 6, release, "the second reply is released"};
    host->set_slot(inv, &slot_key, "the slot is dropped", release);
    host->reply(inv, FAAS_REPLY_VALUE, first);
    return host->reply(inv, FAAS_REPLY_VALUE, second);
}

static uint8_t part[64 << 10];

static faas_status pours(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_status status = host->stream_begin(inv, 200);
    for (int count = 0; count < 3 && status == FAAS_OK; count++) {
        faas_buf chunk = {part, sizeof part, release, "a part of the stream is released"};
        status = host->stream_write(inv, chunk, NULL);
    }
    return status;
}

FUNCTION_ENTRY(beside, "beside", FAAS_IS_BLOCKING, 0, beside, NULL);
FUNCTION_ENTRY(fields, "fields", FAAS_IS_INLINE, 0, fields, NULL);
FUNCTION_ENTRY(drops, "drops", FAAS_IS_INLINE, 0, drops, NULL);
FUNCTION_ENTRY(pours, "pours", FAAS_IS_BLOCKING, 0, pours, NULL);
static const faas_function *const functions[] = {&beside_entry, &fields_entry, &drops_entry, &pours_entry};

MODULE("talker", .version = LITERAL("1"))
