/* Functions that read the body of their request by stream_read: `whole`, whose host hands it out in one piece, and
 * `streamed`, which wants it as it comes. The reply says what they found:
 *
 *   streamed=1 body=0 refused=-1 bytes=5 sum=532 end=0
 *
 * FAAS_NUM_STREAMED_IN, the length of body(), the status of a read without a token, the bytes read and their sum, and the
 * length of what comes after the end. A failure of a read ends it: its status stands for the last number. */

#define _POSIX_C_SOURCE 200809L
#include "instance.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* A wait for more of the body. Its token is told once, at the latest with the end of the invocation, and may come late: the
 * last of the two sides frees it. */
struct wait {
    pthread_mutex_t lock;
    pthread_cond_t told;
    int done, sides;
};

static void leave(struct wait *wait) {
    int last = --wait->sides == 0;
    pthread_mutex_unlock(&wait->lock);
    if (!last) return;
    pthread_cond_destroy(&wait->told);
    pthread_mutex_destroy(&wait->lock);
    free(wait);
}

static void go_on(void *arg, faas_status status) {
    (void)status;
    struct wait *wait = arg;
    pthread_mutex_lock(&wait->lock);
    wait->done = 1;
    pthread_cond_signal(&wait->told);
    leave(wait);
}

/* The next part, for which this thread waits. */
static faas_status next(faas_inv *inv, faas_buf *part) {
    for (;;) {
        struct wait *wait = calloc(1, sizeof *wait);
        if (!wait) return FAAS_E_INTERNAL;
        pthread_mutex_init(&wait->lock, NULL);
        pthread_cond_init(&wait->told, NULL);
        wait->sides = 2;
        faas_status status = host->stream_read(inv, part, host->token(inv, go_on, wait));
        pthread_mutex_lock(&wait->lock);
        if (status == FAAS_PENDING)
            while (!wait->done) pthread_cond_wait(&wait->told, &wait->lock);
        leave(wait);
        if (status != FAAS_PENDING) return status;
    }
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_buf part;
    unsigned long bytes = 0, sum = 0;
    long end = 0;
    faas_status refused = host->stream_read(inv, &part, NULL);
    for (;;) {
        faas_status status = next(inv, &part);
        if (status < 0) end = status;
        if (status < 0 || part.len == 0) break;
        bytes += part.len;
        for (size_t at = 0; at < part.len; at++) sum += part.ptr[at];
        if (part.release) part.release(part.owner);
    }
    if (end == 0) {
        faas_status status = next(inv, &part);
        end = status < 0 ? status : (long)part.len;
    }
    char *text = host->scratch(inv, 200, 1);
    if (!text) return FAAS_E_INTERNAL;
    int len = snprintf(text, 200, "streamed=%lu body=%zu refused=%d bytes=%lu sum=%lu end=%ld",
                       (unsigned long)host->num(inv, FAAS_NUM_STREAMED_IN), host->body(inv).len, (int)refused, bytes, sum,
                       end);
    faas_buf body = {(const uint8_t *)text, (size_t)len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

static const faas_function whole = {
    .size = sizeof(faas_function),
    .name = LITERAL("whole"),
    .flags = FAAS_IS_BLOCKING | FAAS_IS_REENTRANT,
    .create = create,
    .invoke = invoke,
};
static const faas_function streamed = {
    .size = sizeof(faas_function),
    .name = LITERAL("streamed"),
    .flags = FAAS_IS_BLOCKING | FAAS_IS_REENTRANT,
    .wants = FAAS_F_STREAM_IN,
    .create = create,
    .invoke = invoke,
};
static const faas_function *const functions[] = {&whole, &streamed};

static const faas_module module = {
    .size = sizeof(faas_module),
    .magic = FAAS_MAGIC,
    .major = FAAS_MAJOR,
    .name = LITERAL("reader"),
    .version = LITERAL("1"),
    .built_with = LITERAL("C11"),
    .functions = functions,
    .function_count = 2,
};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor) {
    (void)host_minor;
    return host_major == FAAS_MAJOR ? &module : NULL;
}
