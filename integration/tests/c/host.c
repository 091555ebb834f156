/* A host with just enough of the table to run the C modules of these tests under gcc's sanitizers, with which the
 * runtimes cannot be built: everything a module reads or gives away lies in a block of its own, so that one byte too far
 * is seen, and is freed or released at the first moment the contract allows. One invocation at a time.
 *
 *   host <library> <event>...       runs function 0 over each event, then Close; exits with 1 if the module broke a rule
 */

#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <faas.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(condition, words)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, words);                                                 \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

enum { MOST = 64 };

struct faas_tok {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int is_done, wasted;
    faas_status status;
};

struct slot {
    const void *key;
    void *value;
    void (*drop)(void *value);
};

struct token {
    void (*fn)(void *arg, faas_status status);
    void *arg;
};

struct faas_inv {
    faas_bytes event;
    faas_buf body, reply;
    int has_body, has_reply, has_failed, streams, refuses;
    size_t streamed;
    void *scratch[MOST];
    size_t scratches;
    struct slot slots[MOST];
    size_t slot_count;
    struct token tokens[MOST];
    size_t token_count;
};

/* A copy in a block of its own; never NULL. */
static uint8_t *copy_of(const void *bytes, size_t len) {
    uint8_t *copy = malloc(len ? len : 1);
    CHECK(copy, "no memory");
    if (len) memcpy(copy, bytes, len);
    return copy;
}

static void let_go(faas_buf *buf) {
    if (buf->release) buf->release(buf->owner);
    *buf = (faas_buf){NULL, 0, NULL, NULL};
}

/* Looks at every byte: the sanitizer sees what is not there. */
static unsigned look_at(const uint8_t *bytes, size_t len) {
    unsigned sum = 0;
    CHECK(bytes || !len, "bytes without an address");
    for (size_t at = 0; at < len; at++) sum += bytes[at];
    return sum;
}

static void done(faas_tok *tok, faas_status status) {
    pthread_mutex_lock(&tok->lock);
    if (tok->is_done) tok->wasted++;
    else tok->status = status;
    tok->is_done = 1;
    pthread_cond_broadcast(&tok->changed);
    pthread_mutex_unlock(&tok->lock);
}

static void emit(faas_host_ctx *ctx, faas_bytes line) {
    (void)ctx;
    look_at(line.ptr, line.len);
    printf("%.*s\n", (int)line.len, (const char *)line.ptr);
}

static faas_bytes event(const faas_inv *inv) {
    return inv->event;
}

static faas_bytes body(const faas_inv *inv) {
    return inv->has_body ? (faas_bytes){inv->body.ptr, inv->body.len} : inv->event;
}

static faas_status set_body(faas_inv *inv, faas_buf given) {
    look_at(given.ptr, given.len);
    if (inv->has_body) let_go(&inv->body);
    inv->body = given;
    inv->has_body = 1;
    return FAAS_OK;
}

static uint64_t num(const faas_inv *inv, uint32_t key) {
    (void)inv;
    (void)key;
    return 0;
}

static uint32_t cancelled(const faas_inv *inv) {
    (void)inv;
    return FAAS_CANCEL_PEER_GONE;
}

static void *scratch(faas_inv *inv, size_t size, size_t align) {
    if (inv->scratches == MOST || align == 0 || (align & (align - 1))) return NULL;
    if (align < 16) align = 16;
    void *room = aligned_alloc(align, (size + align) / align * align);
    if (room) memset(room, 0, size);
    if (room) inv->scratch[inv->scratches++] = room;
    return room;
}

static faas_status set_slot(faas_inv *inv, const void *key, void *value, void (*drop)(void *value)) {
    size_t at = 0;
    while (at < inv->slot_count && inv->slots[at].key != key) at++;
    if (at == MOST) return FAAS_E_INTERNAL;
    if (at < inv->slot_count && inv->slots[at].drop) inv->slots[at].drop(inv->slots[at].value);
    if (at == inv->slot_count) inv->slot_count++;
    inv->slots[at] = (struct slot){key, value, drop};
    return FAAS_OK;
}

static faas_status reply(faas_inv *inv, uint32_t code, faas_buf given) {
    look_at(given.ptr, given.len);
    if (inv->refuses || inv->streams || (code > FAAS_REPLY_VALUE && (code < 200 || code > 599))) {
        let_go(&given);
        return FAAS_E_INVALID;
    }
    if (inv->has_reply) let_go(&inv->reply);
    inv->reply = given;
    inv->has_reply = 1;
    return FAAS_OK;
}

static faas_status fail(faas_inv *inv, faas_bytes kind, faas_bytes message, faas_bytes detail) {
    look_at(kind.ptr, kind.len);
    look_at(message.ptr, message.len);
    look_at(detail.ptr, detail.len);
    if (inv->has_reply) let_go(&inv->reply);
    inv->has_reply = 0;
    inv->has_failed = 1;
    return FAAS_OK;
}

static faas_status stream_begin(faas_inv *inv, uint32_t code) {
    (void)code;
    if (inv->has_reply) let_go(&inv->reply);
    inv->has_reply = 0;
    inv->streams = 1;
    return FAAS_OK;
}

/* There is always room, so that a token only ends with its invocation. */
static faas_tok *token(faas_inv *inv, void (*fn)(void *arg, faas_status status), void *arg) {
    if (inv->token_count == sizeof inv->tokens / sizeof *inv->tokens) return NULL;
    inv->tokens[inv->token_count].fn = fn;
    inv->tokens[inv->token_count].arg = arg;
    return (faas_tok *)&inv->tokens[inv->token_count++];
}

static faas_status stream_write(faas_inv *inv, faas_buf chunk, faas_tok *room) {
    if (!room) {
        let_go(&chunk);
        return FAAS_E_INVALID;
    }
    look_at(chunk.ptr, chunk.len);
    inv->streamed += chunk.len;
    let_go(&chunk);
    return inv->streams ? FAAS_OK : FAAS_E_INVALID;
}

static const faas_host table = {
    .size = sizeof(faas_host),
    .major = FAAS_MAJOR,
    .minor = FAAS_MINOR,
    .features = FAAS_F_MAY_BLOCK | FAAS_F_STREAM_OUT,
    .done = done,
    .emit = emit,
    .event = event,
    .body = body,
    .set_body = set_body,
    .num = num,
    .cancelled = cancelled,
    .scratch = scratch,
    .set_slot = set_slot,
    .reply = reply,
    .fail = fail,
    .stream_begin = stream_begin,
    .stream_write = stream_write,
    .token = token,
};

static void end(faas_inv *inv) {
    for (size_t at = 0; at < inv->token_count; at++) inv->tokens[at].fn(inv->tokens[at].arg, FAAS_E_CANCELLED);
    if (inv->has_reply) {
        look_at(inv->reply.ptr, inv->reply.len);
        let_go(&inv->reply);
    }
    if (inv->has_body) let_go(&inv->body);
    for (size_t at = 0; at < inv->slot_count; at++)
        if (inv->slots[at].drop) inv->slots[at].drop(inv->slots[at].value);
    for (size_t at = 0; at < inv->scratches; at++) free(inv->scratch[at]);
    free((void *)(uintptr_t)inv->event.ptr);
}

static void run(const faas_function *function, void *self, faas_bytes given, int refuses) {
    faas_inv inv = {.event = given, .refuses = refuses};
    faas_tok tok = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
    faas_status status = function->invoke(self, &inv, &tok);
    if (status == FAAS_PENDING) {
        /* Also for the second completion, whose token is gone after it: the module is known to send two. */
        pthread_mutex_lock(&tok.lock);
        while (!tok.is_done || !tok.wasted) pthread_cond_wait(&tok.changed, &tok.lock);
        status = tok.status;
        pthread_mutex_unlock(&tok.lock);
    }
    CHECK(status < 0 || inv.has_reply || inv.streams, "it succeeded without a reply");
    CHECK(status != FAAS_E_USER || inv.has_failed, "its own error has no words");
    CHECK(!refuses || status < 0, "it succeeded though the reply was refused");
    end(&inv);
}

/* Tables older than what the module needs are refused with a reason. */
static void create_on_a_smaller_table(const faas_function *function) {
    faas_host smaller = table;
    faas_buf why = {NULL, 0, NULL, NULL};
    faas_bytes none = {NULL, 0};
    void *self = NULL;
    smaller.size = offsetof(faas_host, event);
    if (function->create(&smaller, none, &self, &why) == FAAS_OK) return;
    CHECK(why.len, "it refused without a reason");
    look_at(why.ptr, why.len);
    let_go(&why);
}

int main(int count, char **words) {
    CHECK(count > 1, "expected a library");
    void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    CHECK(library, dlerror());
    const faas_module *(*enter)(uint32_t, uint32_t);
    *(void **)&enter = dlsym(library, "faas_module_v1");
    CHECK(enter, "it exports no faas_module_v1");
    CHECK(!enter(FAAS_MAJOR + 1, 0), "it accepts a major it cannot know");
    const faas_module *module = enter(FAAS_MAJOR, FAAS_MINOR);
    CHECK(module && module->magic == FAAS_MAGIC && module->function_count, "it has no function");
    const faas_function *function = module->functions[0];
    look_at(function->name.ptr, function->name.len);
    create_on_a_smaller_table(function);

    faas_buf why = {NULL, 0, NULL, NULL};
    faas_bytes none = {NULL, 0};
    void *self = NULL;
    CHECK(function->create(&table, none, &self, &why) == FAAS_OK, "create failed");
    for (int at = 2; at < count; at++) {
        size_t len = strlen(words[at]);
        run(function, self, (faas_bytes){copy_of(words[at], len), len}, 0);
    }
    run(function, self, none, 0);
    run(function, self, (faas_bytes){copy_of("refused", 7), 7}, 1);
    if (function->phase && (function->phases & FAAS_PHASE_BIT(FAAS_CLOSE))) {
        faas_inv inv = {.event = none};
        faas_tok tok = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
        CHECK(function->phase(self, FAAS_CLOSE, &inv, &tok) == FAAS_OK, "Close failed");
        end(&inv);
    }
    if (function->destroy) function->destroy(self);
    puts("closed");
    return 0;
}
