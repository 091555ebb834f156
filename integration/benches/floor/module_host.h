/* The smallest host that faas.h allows: one function of one library, called inline, its reply taken. A member it lacks is
 * NULL, as P3 says. */
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
