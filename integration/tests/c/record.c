/* A function in C11 that takes one record of a batch at a time.
 *
 * | payload begins with | the record |
 * |---|---|
 * | bad | fails by an error |
 * | poison | ends with FAAS_E_PANIC |
 * | wait | is done by another thread |
 * | anything else | is done |
 *
 * Each of them writes the line "begun <payload>".
 */
#define _GNU_SOURCE /* memmem */
#include "instance.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int begins(faas_bytes text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.ptr, word, len) == 0;
}

static void *end(void *tok)
{
    host->done(tok, FAAS_OK);
    return NULL;
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok)
{
    static const faas_bytes target = LITERAL("record"), kind = LITERAL("Job.Bad"), message = LITERAL("it is bad");
    const faas_bytes none = {NULL, 0}, job = host->body(inv);
    char line[128] = "begun ";
    size_t len = job.len < sizeof line - 6 ? job.len : sizeof line - 6;
    (void)self;
    memcpy(line + 6, job.ptr, len);
    host->log(host->ctx, inv, 3, target, (faas_bytes){(const uint8_t *)line, 6 + len}, NULL, 0);
    /* A record of a batch has an id, and an event that is none has not. */
    if (host->meta(inv, FAAS_META_RECORD_ID).len == 0) {
        return FAAS_OK;
    }
    /* A reply is taken and dropped with the record; a stream there is none. */
    if (host->reply(inv, FAAS_REPLY_VALUE, (faas_buf){job.ptr, job.len, NULL, NULL}) < 0
        || host->stream_begin(inv, 200) != FAAS_E_UNSUPPORTED) {
        return FAAS_E_INTERNAL;
    }
    if (begins(job, "bad")) {
        host->fail(inv, kind, message, none);
        return FAAS_E_USER;
    }
    if (begins(job, "poison")) {
        return FAAS_E_PANIC;
    }
    if (begins(job, "wait")) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, end, tok) != 0) {
            return FAAS_E_INTERNAL;
        }
        pthread_detach(thread);
        return FAAS_PENDING;
    }
    return FAAS_OK;
}

static const faas_function record = {
    .size = sizeof(faas_function),
    .name = LITERAL("record"),
    .flags = FAAS_IS_REENTRANT | FAAS_IS_PER_RECORD,
    .needs = FAAS_F_RECORDS,
    .create = create,
    .invoke = invoke,
};

/* A function that is called with the whole batch, and says itself which of its records failed. */
static faas_status invoke_whole(void *self, faas_inv *inv, faas_tok *tok)
{
    static const faas_bytes why = LITERAL("it is bad");
    (void)self, (void)tok;
    for (size_t index = 0; index < host->count(inv, FAAS_LIST_RECORD); index++) {
        faas_pair record;
        if (host->at(inv, FAAS_LIST_RECORD, index, &record) < 0) {
            return FAAS_E_INTERNAL;
        }
        if (memmem(record.value.ptr, record.value.len, "bad", 3) != NULL) {
            host->add(inv, FAAS_LIST_FAILED_RECORD, record.name, why);
        }
    }
    return FAAS_OK;
}

static const faas_function whole = {
    .size = sizeof(faas_function),
    .name = LITERAL("whole"),
    .flags = FAAS_IS_REENTRANT,
    .create = create,
    .invoke = invoke_whole,
};

static const faas_function *const functions[] = {&record, &whole};

MODULE("record")
