/* A class in C: functions of one group, which share an instance, and say themselves what they serve.
 *
 * look   GET /orders/:id        add   POST /orders and the queue "jobs"        page   whatever nobody else serves
 * alone  is of no group, and serves GET /alone.
 * Each replies its name, the instance's configuration, and how many calls the instance has had. The log has one line for each
 * create, phase and destroy. */

#include "instance.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shop {
    char config[64];
    atomic_int calls;
};

static void say(const struct shop *shop, const char *what) {
    char line[128];
    int length = snprintf(line, sizeof line, "shop %s: %s", shop->config, what);
    faas_bytes text = {(const uint8_t *)line, (size_t)length};
    host->emit(host->ctx, text);
}

static faas_status create_shop(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    struct shop *shop = calloc(1, sizeof *shop);
    if (!shop || config.len >= sizeof shop->config) return FAAS_E_INTERNAL;
    create(given, config, self, why);
    if (config.len) memcpy(shop->config, config.ptr, config.len);
    *self = shop;
    say(shop, "created");
    return FAAS_OK;
}

static faas_status phase_shop(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)inv, (void)tok;
    say(self, phase == FAAS_FUNCTION_START ? "started" : phase == FAAS_CLOSE ? "closed" : "replied");
    return FAAS_OK;
}

static void destroy_shop(void *self) {
    say(self, "destroyed");
    free(self);
}

static faas_status answer(struct shop *shop, faas_inv *inv, const char *name) {
    char *text = host->scratch(inv, 128, 1);
    if (!text) return FAAS_E_INTERNAL;
    int length = snprintf(text, 128, "%s %s %d", name, shop->config, atomic_fetch_add(&shop->calls, 1) + 1);
    faas_buf body = {(const uint8_t *)text, (size_t)length, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_VALUE, body);
}

#define SHOP(id, bits, of_group, written_for)                                                                          \
    static faas_status id(void *self, faas_inv *inv, faas_tok *tok) {                                                  \
        (void)tok;                                                                                                     \
        return answer(self, inv, #id);                                                                                 \
    }                                                                                                                  \
    static const faas_function id##_entry = {                                                                          \
        .size = sizeof(faas_function), .name = LITERAL(#id),        .flags = (bits) | FAAS_IS_REENTRANT,               \
        .phases = FAAS_PHASE_BIT(FAAS_FUNCTION_START) | FAAS_PHASE_BIT(FAAS_CLOSE),                                    \
        .triggers = LITERAL(written_for), .group = LITERAL(of_group), .create = create_shop, .invoke = id,             \
        .phase = phase_shop,           .destroy = destroy_shop}

SHOP(look, 0, "shop", "[{\"http\": {\"method\": [\"get\"], \"path\": \"/orders/:id\"}}]");
SHOP(add, 0, "shop", "[{\"http\": {\"method\": \"post\", \"path\": \"/orders\"}}, {\"queue\": {\"source\": \"jobs\"}}]");
SHOP(page, FAAS_IS_DEFAULT, "shop", "");
SHOP(alone, 0, "", "[{\"http\": {\"method\": \"get\", \"path\": \"/alone\"}}, {\"timer\": {\"cron\": \"0 5 * * *\"}}]");

static const faas_function *const functions[] = {&look_entry, &add_entry, &page_entry, &alone_entry};

MODULE("shop", .version = LITERAL("1"))
