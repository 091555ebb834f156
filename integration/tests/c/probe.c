/* Functions that show the tests what they could not see from outside: that invocations overlap, what the environment
 * holds, that one is running at this moment. In C, so that no SDK stands between the test and the contract. */

#define _POSIX_C_SOURCE 200809L
#define KIND "Function.Probe"
#include "stateless.h"
#include "streaming.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LITERAL_BUF(text) {(const uint8_t *)(text), sizeof(text) - 1, NULL, NULL}

/* environment: the value of the variable the event names. */
static faas_status environment(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    char *name = event_text(inv);
    const char *value = name ? getenv(name) : NULL;
    if (!value) value = "(not set)";
    return answer(inv, value, strlen(value));
}

/* gate: the event is a number; nobody gets through before that many are inside at once. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long inside, opened;

static faas_status gate(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    char *text = event_text(inv);
    long wanted = text ? strtol(text, NULL, 10) : 0;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    int late = 0;
    pthread_mutex_lock(&lock);
    long mine = opened;
    if (++inside >= wanted) {
        inside = 0;
        opened++;
        pthread_cond_broadcast(&changed);
    }
    while (mine == opened && !late) late = pthread_cond_timedwait(&changed, &lock, &until) != 0;
    if (late) inside--;
    pthread_mutex_unlock(&lock);
    return late ? failed(inv, "the others did not come") : answer(inv, "met", 3);
}

/* hold: writes the line "holding", then stays until the file exists that the event names. */
static faas_status hold(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    char *path = event_text(inv);
    faas_bytes line = LITERAL("holding");
    host->emit(host->ctx, line);
    struct timespec pause = {0, 1000000};
    while (path && access(path, F_OK) != 0) {
        if (host->cancelled(inv)) {
            faas_bytes told = LITERAL("cancelled");
            host->emit(host->ctx, told);
            return FAAS_E_CANCELLED;
        }
        nanosleep(&pause, NULL);
    }
    return answer(inv, "let go", 6);
}

/* status: over HTTP; the path names the status, the reply has a body whatever it is. */
static faas_status status_of_path(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes path = host->meta(inv, FAAS_META_PATH);
    uint32_t code = 0;
    for (size_t at = 1; at < path.len && path.ptr[at] >= '0' && path.ptr[at] <= '9'; at++)
        code = code * 10 + (uint32_t)(path.ptr[at] - '0');
    faas_buf body = LITERAL_BUF("a body all the same");
    return host->reply(inv, code, body);
}

/* streaming: the event is `path|ending`. Sends "first", writes the line "holding", stays until the file exists, sends
 * "second". The ending `fail` fails then; `empty` sends nothing at all. */
static faas_status streaming(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    char *path = event_text(inv);
    char *ending = path ? strchr(path, '|') : NULL;
    if (!ending) return failed(inv, "the event has no |");
    *ending++ = 0;
    faas_bytes name = LITERAL("x-probe"), value = LITERAL("1");
    host->add(inv, FAAS_LIST_REPLY_HEADER, name, value);
    faas_status status = host->stream_begin(inv, host->num(inv, FAAS_NUM_IS_HTTP) ? 201 : FAAS_REPLY_RAW);
    if (status < 0 || strcmp(ending, "empty") == 0) return status;
    status = write_part(inv, "first", 5);
    if (status < 0) return status;
    faas_bytes line = LITERAL("holding");
    host->emit(host->ctx, line);
    struct timespec pause = {0, 1000000};
    while (access(path, F_OK) != 0) nanosleep(&pause, NULL);
    status = write_part(inv, "second", 6);
    if (status < 0) return status;
    return strcmp(ending, "fail") == 0 ? failed(inv, "the rest is missing") : FAAS_OK;
}

/* failing_start: its FunctionStart fails. */
static faas_status failing_start(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    return phase == FAAS_FUNCTION_START ? failed(inv, "the database is not there") : FAAS_OK;
}

/* slow_start: FunctionStart holds as `hold` does, for the file that PROBE_FILE names. */
static faas_status slow_start(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)inv;
    (void)tok;
    const char *path = getenv("PROBE_FILE");
    faas_bytes line = LITERAL("holding");
    if (phase == FAAS_FUNCTION_START) host->emit(host->ctx, line);
    struct timespec pause = {0, 1000000};
    while (phase == FAAS_FUNCTION_START && path && access(path, F_OK) != 0) nanosleep(&pause, NULL);
    return FAAS_OK;
}

/* phases: writes a line for everything that happens to it, and fails if the event is "fail". With a configuration the
 * line begins with the name that the host gives the function. The layers outer and inner write theirs around it; inner must not be skipped. */
static void say(const char *who, const char *hook, uint32_t phase) {
    static const char *const names[] = {"RuntimeStart", "FunctionStart", "Invoke", "Close",
                                        "Suspend",      "Resume",        "Replied"};
    char line[64];
    int len = snprintf(line, sizeof line, "%s %s %s", who, hook, phase < 7 ? names[phase] : "?");
    faas_bytes bytes = {(const uint8_t *)line, (size_t)len};
    host->emit(host->ctx, bytes);
}

static void say_of_function(const void *self, faas_inv *inv, uint32_t phase) {
    faas_bytes name = host->meta(inv, FAAS_META_FUNCTION);
    char who[32];
    snprintf(who, sizeof who, "%.*s", (int)name.len, (const char *)name.ptr);
    say(self ? who : "function", "in", phase);
}

static faas_status create_phases(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    faas_status status = create(given, config, self, why);
    if (config.len) *self = (void *)"named";
    return status;
}

static faas_status phases_invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)tok;
    say_of_function(self, inv, FAAS_INVOKE);
    char *text = event_text(inv);
    if (text && strcmp(text, "fail") == 0) return failed(inv, "as asked");
    return answer(inv, "done", 4);
}

static faas_status phases_phase(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)tok;
    say_of_function(self, inv, phase);
    return FAAS_OK;
}

static faas_status create_outer(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    faas_status status = create(given, config, self, why);
    *self = (void *)"outer";
    return status;
}

static faas_status create_inner(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    faas_status status = create(given, config, self, why);
    *self = (void *)"inner";
    return status;
}

static faas_status layer_before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)inv;
    (void)tok;
    say(self, "before", phase);
    return FAAS_OK;
}

static faas_status layer_after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)inv;
    (void)tok;
    say(self, "after", phase);
    return FAAS_OK;
}

static faas_status layer_on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)inv;
    (void)tok;
    say(self, "on_error", phase);
    return inner;
}

FUNCTION_ENTRY(environment, "environment", FAAS_IS_INLINE, 0, environment, NULL);
FUNCTION_ENTRY(gate, "gate", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, 0, gate, NULL);
FUNCTION_ENTRY(hold, "hold", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, 0, hold, NULL);
FUNCTION_ENTRY(streaming, "streaming", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, 0, streaming, NULL);
FUNCTION_ENTRY(status, "status", FAAS_IS_REENTRANT, 0, status_of_path, NULL);
FUNCTION_ENTRY(failing_start, "failing_start", 0, FAAS_PHASE_BIT(FAAS_FUNCTION_START), echo, failing_start);
FUNCTION_ENTRY(slow_start, "slow_start", 0, FAAS_PHASE_BIT(FAAS_FUNCTION_START), echo, slow_start);
FUNCTION_ENTRY(ending, "ending", 0, FAAS_PHASE_BIT(FAAS_CLOSE), echo, says_closed);

#define ALL_PHASES                                                                                                     \
    (FAAS_PHASE_BIT(FAAS_RUNTIME_START) | FAAS_PHASE_BIT(FAAS_FUNCTION_START) | FAAS_PHASE_BIT(FAAS_INVOKE) |         \
     FAAS_PHASE_BIT(FAAS_CLOSE))

#define FREEZES (FAAS_PHASE_BIT(FAAS_SUSPEND) | FAAS_PHASE_BIT(FAAS_RESUME))

static const faas_function phases_entry = {
    .size = sizeof(faas_function), .name = LITERAL("phases"), .phases = ALL_PHASES | FREEZES,
    .create = create_phases,       .invoke = phases_invoke,   .phase = phases_phase};

#define LAYER(id, is)                                                                                                  \
    static const faas_layer id##_layer = {                                                                             \
        .size = sizeof(faas_layer),   .name = LITERAL(#id),        .before_phases = ALL_PHASES, .flags = (is),         \
        .after_phases = ALL_PHASES,   .error_phases = ALL_PHASES,  .create = create_##id,                              \
        .before = layer_before,       .after = layer_after,        .on_error = layer_on_error}

LAYER(outer, 0);
LAYER(inner, FAAS_IS_REQUIRED);
static const faas_layer *const layers[] = {&outer_layer, &inner_layer};

static const faas_function *const functions[] = {
    &environment_entry, &gate_entry,          &hold_entry,       &streaming_entry,
    &status_entry,      &failing_start_entry, &slow_start_entry, &ending_entry,
    &phases_entry,
};

MODULE("probe", .layers = layers, .layer_count = sizeof layers / sizeof layers[0])
