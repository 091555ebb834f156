/* A function and a layer that keep books on every buffer they give away: how many, how many were released, how many more
 * than once. Close writes the balance as a line. The event names what is to happen. In C, so that no destructor of a
 * language helps. */

#define _POSIX_C_SOURCE 200809L
#include "instance.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static atomic_ulong given, released, released_again;

/* What a buffer's owner points to. It outlives its bytes, so that a second release is counted and harms nothing; all of
 * them stay reachable. */
struct gift {
    struct gift *next;
    atomic_int is_released;
    char *bytes;
};

static _Atomic(struct gift *) gifts;

static void release(void *owner) {
    struct gift *gift = owner;
    if (atomic_exchange(&gift->is_released, 1)) {
        atomic_fetch_add(&released_again, 1);
        return;
    }
    free(gift->bytes);
    gift->bytes = NULL;
    atomic_fetch_add(&released, 1);
}

/* A JSON text of that size, to be released. */
static faas_buf give(size_t len) {
    struct gift *gift = calloc(1, sizeof *gift);
    char *bytes = malloc(len);
    if (!gift || !bytes) abort();
    memset(bytes, 'g', len);
    bytes[0] = bytes[len - 1] = '"';
    gift->bytes = bytes;
    gift->next = atomic_load(&gifts);
    while (!atomic_compare_exchange_weak(&gifts, &gift->next, gift)) {}
    atomic_fetch_add(&given, 1);
    faas_buf buf = {(const uint8_t *)bytes, len, release, gift};
    return buf;
}

static faas_status fail(faas_inv *inv, const char *message) {
    faas_bytes kind = LITERAL("Ledger.Asked"), words = {(const uint8_t *)message, strlen(message)}, none = {NULL, 0};
    host->fail(inv, kind, words, none);
    return FAAS_E_USER;
}

static int is(faas_inv *inv, const char *wish) {
    faas_bytes event = host->body(inv);
    return event.len == strlen(wish) && memcmp(event.ptr, wish, event.len) == 0;
}

static faas_status reply(faas_inv *inv) {
    return host->reply(inv, FAAS_REPLY_VALUE, give(100));
}

/* A wait for room in a stream. Its token is told once, be it that the invocation
 * is done before anybody needed it: the last of the two sides frees it, so that a token told twice or never shows. */
struct room {
    pthread_mutex_t lock;
    pthread_cond_t there;
    int done, sides;
    faas_status status;
};

static void leave(struct room *room) {
    int last = --room->sides == 0;
    pthread_mutex_unlock(&room->lock);
    if (!last) return;
    pthread_cond_destroy(&room->there);
    pthread_mutex_destroy(&room->lock);
    free(room);
}

static void room_there(void *arg, faas_status status) {
    struct room *room = arg;
    pthread_mutex_lock(&room->lock);
    room->done = 1;
    room->status = status;
    pthread_cond_signal(&room->there);
    leave(room);
}

static faas_status write_chunk(faas_inv *inv) {
    faas_buf chunk = give(2000);
    struct room *room = calloc(1, sizeof *room);
    if (!room) abort();
    pthread_mutex_init(&room->lock, NULL);
    pthread_cond_init(&room->there, NULL);
    room->sides = 2;
    faas_status status = host->stream_write(inv, chunk, host->token(inv, room_there, room));
    pthread_mutex_lock(&room->lock);
    if (status == FAAS_PENDING) {
        while (!room->done) pthread_cond_wait(&room->there, &room->lock);
        status = room->status;
    }
    leave(room);
    return status;
}

static faas_status write_chunks(faas_inv *inv) {
    faas_status status = FAAS_OK;
    for (int at = 0; at < 3 && status >= 0; at++) status = write_chunk(inv);
    return status;
}

static faas_status begin(faas_inv *inv) {
    return host->stream_begin(inv, host->num(inv, FAAS_NUM_IS_HTTP) ? 200 : FAAS_REPLY_RAW);
}

/* Completes a pending call from another thread, and then once more. */
struct later {
    faas_inv *inv;
    faas_tok *tok;
};

static void *complete_twice(void *arg) {
    struct later later = *(struct later *)arg;
    free(arg);
    host->reply(later.inv, FAAS_REPLY_VALUE, give(100));
    host->done(later.tok, FAAS_OK);
    host->done(later.tok, FAAS_E_INTERNAL);
    return NULL;
}

static faas_status pend(faas_inv *inv, faas_tok *tok) {
    struct later *later = malloc(sizeof *later);
    pthread_t thread;
    if (!later) return FAAS_E_INTERNAL;
    *later = (struct later){inv, tok};
    if (pthread_create(&thread, NULL, complete_twice, later)) {
        free(later);
        return FAAS_E_INTERNAL;
    }
    pthread_detach(thread);
    return FAAS_PENDING;
}

/* Holds a reply until it is cancelled. */
static faas_status hold(faas_inv *inv) {
    faas_bytes line = LITERAL("holding");
    struct timespec pause = {0, 1000000};
    reply(inv);
    host->emit(host->ctx, line);
    while (!host->cancelled(inv)) nanosleep(&pause, NULL);
    return FAAS_E_CANCELLED;
}

static void drop(void *value) {
    release(value);
}

static faas_status keep(faas_inv *inv) {
    static const char key, other;
    host->set_slot(inv, &key, give(10).owner, drop);
    host->set_slot(inv, &key, give(10).owner, drop); /* replaces the first */
    host->set_slot(inv, &other, give(10).owner, drop);
    host->set_body(inv, give(100));
    host->set_body(inv, give(200)); /* replaces the first */
    return reply(inv);
}

/* Writes a byte too far: what an instrument has to find, or it sees nothing at all. */
static faas_status overrun(faas_inv *inv) {
    volatile size_t size = 8;
    volatile char *bytes = malloc(size);
    if (bytes) bytes[size] = 1;
    free((void *)bytes);
    return reply(inv);
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    faas_status status;
    if (is(inv, "overrun")) return overrun(inv);
    if (is(inv, "twice")) return reply(inv), reply(inv);
    if (is(inv, "reply, fail")) return reply(inv), fail(inv, "after a reply");
    if (is(inv, "fail, reply")) return fail(inv, "before a reply"), reply(inv);
    if (is(inv, "reply, panic")) return reply(inv), FAAS_E_PANIC;
    if (is(inv, "reply, cancelled")) return reply(inv), FAAS_E_CANCELLED;
    if (is(inv, "no such code")) return host->reply(inv, 7, give(100)), fail(inv, "the code was refused");
    if (is(inv, "too big")) return host->reply(inv, FAAS_REPLY_VALUE, give(7000000));
    if (is(inv, "keep")) return keep(inv);
    if (is(inv, "pending")) return pend(inv, tok);
    if (is(inv, "hold")) return hold(inv);
    if (is(inv, "stream")) return (status = begin(inv)) < 0 ? status : write_chunks(inv);
    if (is(inv, "stream, fail")) return begin(inv), write_chunks(inv), fail(inv, "in the middle");
    if (is(inv, "stream, panic")) return begin(inv), write_chunks(inv), FAAS_E_PANIC;
    if (is(inv, "reply, stream")) return reply(inv), (status = begin(inv)) < 0 ? status : write_chunks(inv);
    if (is(inv, "stream, reply")) return begin(inv), write_chunks(inv), reply(inv), FAAS_OK;
    if (is(inv, "no stream")) return write_chunk(inv), reply(inv);
    if (is(inv, "recover")) return reply(inv), fail(inv, "the layer recovers");
    return reply(inv);
}

/* The layer: over a reply it sets its own, and from one failure it recovers. */
static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)phase;
    (void)tok;
    return is(inv, "over") ? reply(inv) : FAAS_OK;
}

static faas_status on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)self;
    (void)phase;
    (void)tok;
    return is(inv, "recover") ? reply(inv) : inner;
}

static faas_status close_books(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)inv;
    (void)tok;
    char line[100];
    if (phase != FAAS_CLOSE) return FAAS_OK;
    int len = snprintf(line, sizeof line, "balance: %lu given, %lu released, %lu released again", atomic_load(&given),
                       atomic_load(&released), atomic_load(&released_again));
    faas_bytes bytes = {(const uint8_t *)line, (size_t)len};
    host->emit(host->ctx, bytes);
    return FAAS_OK;
}

FUNCTION_ENTRY(ledger, "ledger", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, FAAS_PHASE_BIT(FAAS_CLOSE), invoke, close_books);
static const faas_function *const functions[] = {&ledger_entry};

static const faas_layer layer = {
    .size = sizeof(faas_layer),
    .name = LITERAL("over"),
    .flags = FAAS_IS_REENTRANT,
    .after_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
    .error_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
    .create = create,
    .after = after,
    .on_error = on_error,
};
static const faas_layer *const layers[] = {&layer};

MODULE("ledger", .layers = layers, .layer_count = 1)
