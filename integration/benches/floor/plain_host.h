/* A host of the library `plain`: no contract, two functions by name. */
#ifndef PLAIN_HOST_H
#define PLAIN_HOST_H

#include <dlfcn.h>
#include <stdint.h>

struct module {
    uint8_t *(*echo)(const uint8_t *event, size_t len);
    void (*release)(uint8_t *copy, size_t len);
};

struct call {
    struct {
        uint8_t *ptr;
        size_t len;
    } reply;
    void (*release)(uint8_t *copy, size_t len);
};

static int load(struct module *module, const char *path)
{
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : NULL;
    if (!library)
        return 0;
    *(void **)&module->echo = dlsym(library, "plain_echo");
    *(void **)&module->release = dlsym(library, "plain_release");
    return module->echo && module->release;
}

static int answer(const struct module *module, struct call *call, const char *event, size_t len)
{
    *call = (struct call){{module->echo((const uint8_t *)event, len), len}, module->release};
    return call->reply.ptr != NULL;
}

static void finish(const struct call *call)
{
    call->release(call->reply.ptr, call->reply.len);
}

#endif
