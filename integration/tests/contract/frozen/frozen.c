/* A module as it was built when version 1.0 was frozen: a function and a layer of no library but the contract. */

#include <faas.h>

#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

static const faas_host *host;

static faas_status create(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    (void)config, (void)why;
    host = given;
    *self = NULL;
    return FAAS_OK;
}

/* Replies the event, with what the layer has left in a header. */
static faas_status echo(void *self, faas_inv *inv, faas_tok *tok) {
    static const faas_bytes name = TEXT("who"), header = TEXT("x-who");
    (void)self, (void)tok;
    faas_bytes who, event = host->event(inv);
    faas_buf body = {event.ptr, event.len, NULL, NULL};
    if (host->get(inv, FAAS_LIST_EXTENSION, name, &who) == FAAS_OK)
        host->set(inv, FAAS_LIST_REPLY_HEADER, header, who);
    return host->reply(inv, 200, body);
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    static const faas_bytes name = TEXT("who"), value = TEXT("frozen");
    (void)self, (void)phase;
    host->done(tok, host->set(inv, FAAS_LIST_EXTENSION, name, value));
    return FAAS_PENDING;
}

static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    static const faas_bytes target = TEXT("frozen"), message = TEXT("replied");
    static const faas_field field = {TEXT("version"), TEXT("1.0"), FAAS_JSON, 0};
    (void)self, (void)phase, (void)tok;
    host->log(host->ctx, inv, 3, target, message, &field, 1);
    return FAAS_OK;
}

static void destroy(void *self) {
    static const faas_bytes line = TEXT("the frozen module is destroyed");
    (void)self;
    host->emit(host->ctx, line);
}

static const faas_function echo_entry = {.size = sizeof echo_entry,
                                         .name = TEXT("echo"),
                                         .flags = FAAS_IS_INLINE | FAAS_IS_REENTRANT,
                                         .triggers = TEXT("[{\"http\": true}]"),
                                         .group = TEXT("frozen"),
                                         .create = create,
                                         .invoke = echo,
                                         .destroy = destroy};
static const faas_layer layer_entry = {.size = sizeof layer_entry,
                                       .name = TEXT("layer"),
                                       .flags = FAAS_IS_REENTRANT,
                                       .before_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
                                       .after_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
                                       .create = create,
                                       .before = before,
                                       .after = after};
static const faas_function *const functions[] = {&echo_entry};
static const faas_layer *const layers[] = {&layer_entry};
static const faas_module module = {.size = sizeof module,
                                   .magic = FAAS_MAGIC,
                                   .major = FAAS_MAJOR,
                                   .name = TEXT("frozen"),
                                   .version = TEXT("1.0"),
                                   .functions = functions,
                                   .function_count = 1,
                                   .layers = layers,
                                   .layer_count = 1};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor) {
    (void)host_major, (void)host_minor;
    return &module;
}
