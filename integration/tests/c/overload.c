/* Functions for tests of overload, in C, so that no SDK stands between the test and the contract.
 *
 * pending  returns FAAS_PENDING and completes from a thread of its own. Its event is that of the module crowd: two
 *          numbers, how many are to be in progress at once and how many milliseconds it stays then; its reply is the
 *          largest number that was ever in progress at once.
 * either   with the event "spin" it never ends and never looks up; any other event is a path: it writes the line
 *          "holding" and stays until that file exists.
 * closing  replies its event, and writes the line "closed" when it is closed.
 * flood    a stream as the module stream makes it: with the query chunks=3&bytes=16 as many parts of as many bytes.
 * inlined  replies its event, and says that it never blocks.
 *
 * The layer stuck stays, against what its flags promise: before an invocation whose event is a path, with the line
 * "before holds", until that file exists; in health, with the line "health holds", for as long as the file exists that
 * the variable STUCK_HEALTH names. */

#define _POSIX_C_SOURCE 200809L
#define KIND "Function.Overload"
#include "stateless.h"
#include "streaming.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t grown = PTHREAD_COND_INITIALIZER;
static long inside, most;

struct call {
    faas_inv *inv;
    faas_tok *tok;
    long until, ms;
};

static void *complete(void *arg) {
    struct call call = *(struct call *)arg;
    free(arg);
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 15;
    int late = 0;
    pthread_mutex_lock(&lock);
    if (++inside > most) most = inside;
    pthread_cond_broadcast(&grown);
    while (most < call.until && !late) late = pthread_cond_timedwait(&grown, &lock, &end) != 0;
    pthread_mutex_unlock(&lock);
    struct timespec pause = {call.ms / 1000, call.ms % 1000 * 1000000};
    if (!late) nanosleep(&pause, NULL);
    pthread_mutex_lock(&lock);
    inside--;
    char text[24];
    int len = snprintf(text, sizeof text, "%ld", most);
    pthread_mutex_unlock(&lock);
    host->done(call.tok, late ? failed(call.inv, "the others did not come") : answer(call.inv, text, (size_t)len));
    return NULL;
}

static faas_status pending(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    char *text = event_text(inv);
    struct call *call = calloc(1, sizeof *call);
    if (!text || !call || sscanf(text, "%ld %ld", &call->until, &call->ms) != 2) {
        free(call);
        return failed(inv, "expected two numbers");
    }
    call->inv = inv;
    call->tok = tok;
    pthread_t thread;
    if (pthread_create(&thread, NULL, complete, call) != 0) {
        free(call);
        return failed(inv, "no thread");
    }
    pthread_detach(thread);
    return FAAS_PENDING;
}

static faas_status either(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    char *text = event_text(inv);
    if (!text) return FAAS_E_INTERNAL;
    struct timespec pause = {0, 1000000};
    if (strcmp(text, "spin") == 0)
        for (;;) nanosleep(&pause, NULL);
    faas_bytes line = LITERAL("holding");
    host->emit(host->ctx, line);
    while (access(text, F_OK) != 0) nanosleep(&pause, NULL);
    return answer(inv, "let go", 6);
}

static faas_status flood(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes query = host->meta(inv, FAAS_META_RAW_QUERY);
    char text[64] = {0};
    memcpy(text, query.ptr, query.len < sizeof text ? query.len : sizeof text - 1);
    long chunks, bytes;
    if (sscanf(text, "chunks=%ld&bytes=%ld", &chunks, &bytes) != 2) return failed(inv, "expected chunks and bytes");
    char *part = calloc(1, (size_t)bytes);
    faas_status status = part ? host->stream_begin(inv, 200) : failed(inv, "no memory");
    while (status >= 0 && chunks-- > 0) status = write_part(inv, part, (size_t)bytes);
    free(part);
    return status < 0 ? status : FAAS_OK;
}

static faas_status stuck_before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    char *text = phase == FAAS_INVOKE ? event_text(inv) : NULL;
    if (!text || *text != '/') return FAAS_OK;
    struct timespec pause = {0, 1000000};
    faas_bytes line = LITERAL("before holds");
    host->emit(host->ctx, line);
    while (access(text, F_OK) != 0) nanosleep(&pause, NULL);
    return FAAS_OK;
}

static faas_status stuck_health(void *self, faas_buf *why) {
    (void)self;
    (void)why;
    const char *path = getenv("STUCK_HEALTH");
    struct timespec pause = {0, 1000000};
    faas_bytes line = LITERAL("health holds");
    if (!path || access(path, F_OK) != 0) return FAAS_OK;
    host->emit(host->ctx, line);
    while (access(path, F_OK) == 0) nanosleep(&pause, NULL);
    return FAAS_OK;
}

static const faas_layer stuck = {
    .size = sizeof(faas_layer), .name = LITERAL("stuck"), .flags = FAAS_IS_INLINE | FAAS_IS_REENTRANT,
    .before_phases = FAAS_PHASE_BIT(FAAS_INVOKE), .create = create, .before = stuck_before, .health = stuck_health};
static const faas_layer *const layers[] = {&stuck};

FUNCTION_ENTRY(pending, "pending", FAAS_IS_REENTRANT, 0, pending, NULL);
FUNCTION_ENTRY(either, "either", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, FAAS_PHASE_BIT(FAAS_CLOSE), either, says_closed);
FUNCTION_ENTRY(flood, "flood", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, 0, flood, NULL);
FUNCTION_ENTRY(closing, "closing", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, FAAS_PHASE_BIT(FAAS_CLOSE), echo, says_closed);

FUNCTION_ENTRY(inlined, "inlined", FAAS_IS_INLINE | FAAS_IS_REENTRANT, 0, echo, NULL);

static const faas_function *const functions[] = {&pending_entry, &either_entry, &flood_entry, &closing_entry, &inlined_entry};

MODULE("overload", .layers = layers, .layer_count = sizeof layers / sizeof layers[0])
