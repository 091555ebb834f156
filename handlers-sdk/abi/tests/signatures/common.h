/* What the signatures share: the host, and an instance without a state of its own. C11 and C++17 alike. */

#ifndef SIGNATURES_COMMON_H
#define SIGNATURES_COMMON_H

#include <faas.h>
#include <stddef.h>
#include <string.h>

static const faas_host *host;

static inline faas_bytes text(const char *of) {
    faas_bytes bytes;
    bytes.ptr = (const uint8_t *)of;
    bytes.len = strlen(of);
    return bytes;
}

static inline faas_buf lent(faas_bytes bytes) { /* static, or of the invocation: nothing to release */
    faas_buf buf;
    buf.ptr = bytes.ptr;
    buf.len = bytes.len;
    buf.release = NULL;
    buf.owner = NULL;
    return buf;
}

static inline int is(faas_bytes one, const char *other) {
    return one.len == strlen(other) && (one.len == 0 || memcmp(one.ptr, other, one.len) == 0);
}

static inline faas_status create(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    (void)config, (void)why;
    host = given;
    *self = NULL;
    return FAAS_OK;
}

static inline faas_status failed(faas_inv *inv, const char *kind, const char *message) {
    host->fail(inv, text(kind), text(message), text(""));
    return FAAS_E_USER;
}

static inline faas_function a_function(const char *name, faas_status (*invoke)(void *, faas_inv *, faas_tok *)) {
    faas_function made;
    memset(&made, 0, sizeof made);
    made.size = sizeof made;
    made.name = text(name);
    made.create = create;
    made.invoke = invoke;
    return made;
}

static inline faas_layer a_layer(const char *name) {
    faas_layer made;
    memset(&made, 0, sizeof made);
    made.size = sizeof made;
    made.name = text(name);
    made.create = create;
    return made;
}

#endif
