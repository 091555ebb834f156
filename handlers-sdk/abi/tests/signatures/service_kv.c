/* A provider: what is offered in create, and what its destroy owes to whoever waits. */
#include "common.h"
#include <faas_kv.h>

static int is_closed;

static void nothing(void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg) {
    fn(arg, is_closed ? FAAS_E_CANCELLED : FAAS_E_NOT_FOUND, lent(text("")), 0);
}

static void get(void *provider, faas_bytes key, void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version),
                void *arg) {
    (void)provider, (void)key;
    nothing(fn, arg);
}

static void put(void *provider, faas_bytes key, faas_buf value, uint64_t ttl_ms,
                void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg) {
    (void)provider, (void)key, (void)ttl_ms;
    if (value.release) value.release(value.owner); /* taken, also where nothing comes of it */
    nothing(fn, arg);
}

static faas_kv table;

static faas_status create_kv(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    create(given, config, self, why);
    table.size = sizeof table;
    table.get = get;
    table.put = table.put_if_absent = put;
    faas_status status = host->offer(host->ctx, text(FAAS_KV), FAAS_KV_MAJOR, &table);
    if (status == FAAS_E_CONFLICT) *why = lent(text("another layer offers faas.kv already"));
    return status;
}

static void destroy(void *self) {
    (void)self;
    is_closed = 1;
}

faas_layer signature(void) {
    faas_layer made = a_layer("kv");
    made.create = create_kv;
    made.destroy = destroy;
    return made;
}
