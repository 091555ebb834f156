/* A layer that keeps secrets, and functions that tell them: what the runtime shows of what they say is the tests' matter.
 *
 * The layer `params` offers faas.params. Of "asked/inline" it gives the value at once, of "asked/later" from a thread, and
 * of nothing else.
 *
 * The function `tell` writes its variable TELL to the log, beside a field and as a line of its own. Of the event "fail" it
 * fails with it; otherwise the number of its bytes is the reply. */

#include "instance.h"
#include <faas_params.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static faas_bytes config(const faas_host *of, const char *name) {
    faas_bytes key = {(const uint8_t *)name, strlen(name)}, value = {NULL, 0};
    of->config(of->ctx, key, &value);
    return value;
}

static faas_status tell(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes word = config(host, "TELL"), none = {NULL, 0}, kind = LITERAL("Function.Told"), target = LITERAL("tell");
    faas_field field = {LITERAL("word"), word, FAAS_TEXT, 0};
    host->log(host->ctx, inv, 3, target, word, &field, 1);
    host->emit(host->ctx, word);
    faas_bytes event = host->body(inv);
    if (event.len == 4 && memcmp(event.ptr, "fail", 4) == 0) {
        host->fail(inv, kind, word, none);
        return FAAS_E_USER;
    }
    char *text = host->scratch(inv, 24, 1);
    if (!text) return FAAS_E_INTERNAL;
    int len = snprintf(text, 24, "%zu", word.len);
    faas_buf body = {(const uint8_t *)text, (size_t)len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

/* A question that a thread answers. */
struct question {
    void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version);
    void *arg;
};

static const faas_buf inline_value = {(const uint8_t *)"asked-and-told", 14, NULL, NULL};
static const faas_buf later_value = {(const uint8_t *)"told-by-a-thread", 16, NULL, NULL};
static const faas_buf no_value = {NULL, 0, NULL, NULL};
static struct question later;

static void *answer(void *of) {
    struct question *question = of;
    question->fn(question->arg, FAAS_OK, later_value, 1);
    return NULL;
}

static void get(void *provider, faas_bytes name,
                void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg) {
    (void)provider;
    if (name.len == 12 && memcmp(name.ptr, "asked/inline", 12) == 0) {
        fn(arg, FAAS_OK, inline_value, 1);
        return;
    }
    if (name.len == 11 && memcmp(name.ptr, "asked/later", 11) == 0) {
        later.fn = fn;
        later.arg = arg;
        pthread_t thread;
        if (pthread_create(&thread, NULL, answer, &later) == 0) {
            pthread_detach(thread);
            return;
        }
        fn(arg, FAAS_E_INTERNAL, no_value, 0);
        return;
    }
    fn(arg, FAAS_E_NOT_FOUND, no_value, 0);
}

static uint64_t watch(void *provider, faas_bytes name,
                      void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg) {
    get(provider, name, fn, arg);
    return 1;
}

static void unwatch(void *provider, uint64_t number) { (void)provider, (void)number; }

static const faas_params params = {sizeof params, NULL, get, watch, unwatch};

static faas_status offer(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    faas_status made = create(given, config, self, why);
    faas_bytes name = LITERAL(FAAS_PARAMS);
    return made < 0 ? made : given->offer(given->ctx, name, FAAS_PARAMS_MAJOR, &params);
}

static const faas_layer layer = {.size = sizeof(faas_layer), .name = LITERAL("params"), .create = offer};
static const faas_layer *const layers[] = {&layer};
FUNCTION_ENTRY(tell, "tell", 0, 0, tell, NULL);
static const faas_function *const functions[] = {&tell_entry};
MODULE("secretive", .layers = layers, .layer_count = 1)
