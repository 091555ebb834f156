/* The instance of a function without a state of its own, for the tests' modules in C: the host's table and nothing else;
 * and the tables of functions and of the module. */

#include <faas.h>
#include <stddef.h>

#define LITERAL(text) {(const uint8_t *)(text), sizeof(text) - 1}

static const faas_host *host;

static faas_status create(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    (void)config;
    (void)why;
    host = given;
    *self = NULL;
    return FAAS_OK;
}

/* Replies the event as it came. */
static inline faas_status echo(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes event = host->event(inv);
    faas_buf body = {event.ptr, event.len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

/* The table id_entry of a function. */
#define FUNCTION_ENTRY(id, label, bits, phase_bits, invoke_fn, phase_fn)                                               \
    static const faas_function id##_entry = {.size = sizeof(faas_function), .name = LITERAL(label), .flags = (bits),   \
                                             .phases = (phase_bits),        .create = create,                          \
                                             .invoke = (invoke_fn),         .phase = (phase_fn)}

/* The module of the array `functions`. Further members of its table may follow the name: a version, layers. */
#define MODULE(label, ...)                                                                                             \
    static const faas_module module = {.size = sizeof(faas_module),                                                    \
                                       .magic = FAAS_MAGIC,                                                            \
                                       .major = FAAS_MAJOR,                                                            \
                                       .name = LITERAL(label),                                                         \
                                       .functions = functions,                                                         \
                                       .function_count = sizeof functions / sizeof functions[0],                       \
                                       __VA_ARGS__};                                                                   \
    const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor) {                                      \
        (void)host_minor;                                                                                              \
        return host_major == FAAS_MAJOR ? &module : NULL;                                                              \
    }
