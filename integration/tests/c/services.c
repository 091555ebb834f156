/* Who is there when, among modules that offer services and use them. Each says in the log what it finds.
 *
 * The layer kv       offers "faas.kv", twice; its values are what they are called.
 * The layer asker    uses it: in create, in before, in destroy.
 * The layer failing  offers "faas.params", and its create fails.
 * The function user  uses "faas.kv" in create, invoke and destroy, and asks for "faas.params". */

#include "instance.h"
#include <faas_kv.h>
#include <faas_params.h>
#include <stdio.h>
#include <string.h>

static void say(const char *who, const char *when, const char *what) {
    char line[128];
    int length = snprintf(line, sizeof line, "%s in %s: %s", who, when, what);
    faas_bytes text = {(const uint8_t *)line, (size_t)length};
    host->emit(host->ctx, text);
}

static int is_closed;

/* The key is the value, in static memory. */
static void get(void *provider, faas_bytes key,
                void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg) {
    (void)provider;
    faas_buf none = {NULL, 0, NULL, NULL}, value = {key.ptr, key.len, NULL, NULL};
    if (is_closed) fn(arg, FAAS_E_CANCELLED, none, 0);
    else fn(arg, FAAS_OK, value, 1);
}

static const faas_kv table = {.size = sizeof table, .get = get};

static const faas_bytes kv_name = LITERAL(FAAS_KV), params_name = LITERAL(FAAS_PARAMS);

static const faas_kv *kv_service(void) { return host->service(host->ctx, kv_name, FAAS_KV_MAJOR); }

static void note(void *arg, faas_status status, faas_buf value, uint64_t version) {
    (void)version;
    *(int *)arg = status == FAAS_OK ? (int)value.len : (int)status;
    if (value.release) value.release(value.owner);
}

/* What comes of a call of the service's. */
static const char *found(const faas_kv *kv) {
    static const faas_bytes key = LITERAL("key");
    int heard = 0;
    if (!kv) return "absent";
    kv->get(kv->provider, key, note, &heard);
    return heard == 3 ? "works" : heard == FAAS_E_CANCELLED ? "cancelled" : "broken";
}

static const faas_kv *kept;

static faas_status create_kv(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    faas_status status = create(given, config, self, why);
    if (status == FAAS_OK) status = host->offer(host->ctx, kv_name, FAAS_KV_MAJOR, &table);
    faas_status again = host->offer(host->ctx, kv_name, FAAS_KV_MAJOR, &table);
    say("kv", "create", again == FAAS_E_CONFLICT ? "one owner" : "two owners");
    return status;
}

static void destroy_kv(void *self) {
    (void)self;
    is_closed = 1;
    say("kv", "destroy", found(kv_service()));
    say("kv", "destroy, for whoever kept the table", found(kept));
}

static faas_status create_failing(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    static const faas_params params = {.size = sizeof params};
    create(given, config, self, why);
    say("failing", "create", host->offer(host->ctx, params_name, FAAS_PARAMS_MAJOR, &params) == FAAS_OK ? "offers" : "no");
    return FAAS_E_USER;
}

static faas_status create_asker(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    faas_status status = create(given, config, self, why);
    say("asker", "create", found(kv_service()));
    return status;
}

static faas_status before_asker(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)inv, (void)tok;
    say("asker", "before", found(kv_service()));
    return FAAS_OK;
}

static void destroy_asker(void *self) {
    (void)self;
    say("asker", "destroy", found(kv_service()));
}

static faas_status create_user(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    faas_status status = create(given, config, self, why);
    kept = kv_service();
    say("user", "create", found(kept));
    say("params", "create", host->service(host->ctx, params_name, FAAS_PARAMS_MAJOR) ? "offered" : "taken back");
    return status;
}

static faas_status invoke_user(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    const char *what = found(kept);
    faas_buf body = {(const uint8_t *)what, strlen(what), NULL, NULL};
    return host->reply(inv, FAAS_REPLY_VALUE, body);
}

static void destroy_user(void *self) {
    (void)self;
    say("user", "destroy", found(kept));
}

static const faas_layer kv_layer = {
    .size = sizeof kv_layer, .name = LITERAL("kv"), .create = create_kv, .destroy = destroy_kv};
static const faas_layer failing_layer = {.size = sizeof failing_layer, .name = LITERAL("failing"), .create = create_failing};
static const faas_layer asker_layer = {.size = sizeof asker_layer,
                                       .name = LITERAL("asker"),
                                       .before_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
                                       .create = create_asker,
                                       .before = before_asker,
                                       .destroy = destroy_asker};
static const faas_layer *const layers[] = {&kv_layer, &failing_layer, &asker_layer};

static const faas_function user = {.size = sizeof user,
                                   .name = LITERAL("user"),
                                   .create = create_user,
                                   .invoke = invoke_user,
                                   .destroy = destroy_user};
static const faas_function *const functions[] = {&user};

MODULE("services", .layers = layers, .layer_count = sizeof layers / sizeof layers[0])
