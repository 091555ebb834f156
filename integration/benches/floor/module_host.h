/* The smallest host that faas.h allows: one function of one library, called inline, its reply taken. Of version 1.0 it has
 * every member, as a host must; what an echo does not need does nothing. */
#ifndef MODULE_HOST_H
#define MODULE_HOST_H

#include "faas.h"

#include <dlfcn.h>
#include <time.h>

struct module {
    const faas_function *function;
    void *self;
};

/* What is behind the opaque faas_inv. */
struct call {
    faas_bytes event;
    faas_buf reply;
    int replied;
};

static faas_bytes host_event(const faas_inv *inv)
{
    return ((const struct call *)inv)->event;
}

static faas_bytes host_meta(const faas_inv *inv, uint32_t key)
{
    (void)inv, (void)key;
    return (faas_bytes){NULL, 0};
}

static uint64_t host_num(const faas_inv *inv, uint32_t key)
{
    (void)inv, (void)key;
    return 0;
}

static uint32_t host_cancelled(const faas_inv *inv)
{
    (void)inv;
    return 0;
}

static faas_status host_reply(faas_inv *inv, uint32_t code, faas_buf body)
{
    struct call *call = (struct call *)inv;
    (void)code;
    call->reply = body;
    call->replied = 1;
    return FAAS_OK;
}

static faas_status host_fail(faas_inv *inv, faas_bytes kind, faas_bytes message, faas_bytes detail)
{
    (void)inv, (void)kind, (void)message, (void)detail;
    return FAAS_OK;
}

static faas_status host_config(faas_host_ctx *ctx, faas_bytes key, faas_bytes *out)
{
    (void)ctx, (void)key, (void)out;
    return FAAS_E_NOT_FOUND;
}

static uint64_t host_now_ns(faas_host_ctx *ctx)
{
    struct timespec now;
    (void)ctx;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define DOES_NOT(name, parameters) \
    static faas_status name parameters { return FAAS_E_UNSUPPORTED; }

DOES_NOT(host_offer, (faas_host_ctx *ctx, faas_bytes name, uint32_t major, const void *table))
DOES_NOT(host_set_meta, (faas_inv *inv, uint32_t key, faas_bytes value))
DOES_NOT(host_set_body, (faas_inv *inv, faas_buf body))
DOES_NOT(host_at, (const faas_inv *inv, uint32_t list, size_t index, faas_pair *out))
DOES_NOT(host_get, (const faas_inv *inv, uint32_t list, faas_bytes name, faas_bytes *out))
DOES_NOT(host_set, (faas_inv *inv, uint32_t list, faas_bytes name, faas_bytes value))
DOES_NOT(host_add, (faas_inv *inv, uint32_t list, faas_bytes name, faas_bytes value))
DOES_NOT(host_remove, (faas_inv *inv, uint32_t list, faas_bytes name))
DOES_NOT(host_set_slot, (faas_inv *inv, const void *key, void *value, void (*drop)(void *value)))
DOES_NOT(host_stream_begin, (faas_inv *inv, uint32_t code))
DOES_NOT(host_stream_write, (faas_inv *inv, faas_buf chunk, faas_tok *room))
DOES_NOT(host_stream_read, (faas_inv *inv, faas_buf *out, faas_tok *ready))
DOES_NOT(host_set_num, (faas_inv *inv, uint32_t key, uint64_t value))
DOES_NOT(host_stream_filter, (faas_inv *inv, faas_status (*filter)(void *arg, faas_bytes piece, uint32_t is_last, faas_buf *out),
                              void *arg, void (*drop)(void *arg)))

static void host_done(faas_tok *tok, faas_status status) {}
static uint32_t host_log_enabled(faas_host_ctx *ctx, uint32_t level, faas_bytes target) { return 0; }
static void host_log(faas_host_ctx *ctx, const faas_inv *inv, uint32_t level, faas_bytes target, faas_bytes message,
                     const faas_field *fields, size_t count) {}
static void host_emit(faas_host_ctx *ctx, faas_bytes line) {}
static const void *host_service(faas_host_ctx *ctx, faas_bytes name, uint32_t major) { return NULL; }
static size_t host_count(const faas_inv *inv, uint32_t list) { return 0; }
static void *host_scratch(faas_inv *inv, size_t size, size_t align) { return NULL; }
static void *host_slot(const faas_inv *inv, const void *key) { return NULL; }
static faas_bytes host_reply_body(const faas_inv *inv) { return (faas_bytes){NULL, 0}; }
static faas_tok *host_token(faas_inv *inv, void (*fn)(void *arg, faas_status status), void *arg) { return NULL; }
#pragma GCC diagnostic pop

static const faas_host host = {
    .size = sizeof(faas_host),
    .major = FAAS_MAJOR,
    .minor = FAAS_MINOR,
    .features = FAAS_F_MAY_BLOCK,
    .event = host_event,
    .body = host_event,
    .meta = host_meta,
    .num = host_num,
    .cancelled = host_cancelled,
    .reply = host_reply,
    .fail = host_fail,
    .config = host_config,
    .now_ns = host_now_ns,
    .done = host_done,
    .log_enabled = host_log_enabled,
    .log = host_log,
    .emit = host_emit,
    .service = host_service,
    .offer = host_offer,
    .set_meta = host_set_meta,
    .set_body = host_set_body,
    .count = host_count,
    .at = host_at,
    .get = host_get,
    .set = host_set,
    .add = host_add,
    .remove = host_remove,
    .scratch = host_scratch,
    .set_slot = host_set_slot,
    .slot = host_slot,
    .reply_body = host_reply_body,
    .stream_begin = host_stream_begin,
    .stream_write = host_stream_write,
    .stream_read = host_stream_read,
    .token = host_token,
    .set_num = host_set_num,
    .stream_filter = host_stream_filter,
};

static int load(struct module *module, const char *path)
{
    const faas_module *(*entry)(uint32_t, uint32_t);
    const faas_module *table;
    faas_buf why = {NULL, 0, NULL, NULL};
    faas_bytes config = {NULL, 0};
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : NULL;
    if (!library)
        return 0;
    *(void **)&entry = dlsym(library, "faas_module_v1");
    table = entry ? entry(FAAS_MAJOR, FAAS_MINOR) : NULL;
    if (!table || table->magic != FAAS_MAGIC || table->function_count == 0)
        return 0;
    module->function = table->functions[0];
    return module->function->create(&host, config, &module->self, &why) == FAAS_OK;
}

static int answer(const struct module *module, struct call *call, const char *event, size_t len)
{
    *call = (struct call){.event = {(const uint8_t *)event, len}};
    return module->function->invoke(module->self, (faas_inv *)call, NULL) == FAAS_OK && call->replied;
}

static void finish(const struct call *call)
{
    if (call->reply.release)
        call->reply.release(call->reply.owner);
}

#endif
