/* What cgo cannot say for itself: calls through the host's table, whose members are function pointers. */
#ifndef MODULE_H
#define MODULE_H

#include <faas.h>
#include <stdlib.h>

static inline faas_bytes event_of(const faas_host *host, const faas_inv *inv) { return host->event(inv); }

static inline faas_bytes query_of(const faas_host *host, const faas_inv *inv, faas_bytes name)
{
    faas_bytes value = {NULL, 0};
    (void)host->get(inv, FAAS_LIST_QUERY, name, &value);
    return value;
}

static inline faas_status reply_with(const faas_host *host, faas_inv *inv, uint32_t code, void *copy, size_t len)
{
    faas_buf body = {copy, len, free, copy};
    return host->reply(inv, code, body);
}

static inline faas_status set_header(const faas_host *host, faas_inv *inv, faas_bytes name, faas_bytes value)
{
    return host->set(inv, FAAS_LIST_REPLY_HEADER, name, value);
}

static inline void fail_with(const faas_host *host, faas_inv *inv, faas_bytes kind, faas_bytes message)
{
    faas_bytes none = {NULL, 0};
    host->fail(inv, kind, message, none);
}

#endif
