/* faas_http.h - the service "faas.http" 1: requests over HTTP to others.
 *
 *   const faas_http *http = host->service(host->ctx, name, FAAS_HTTP_MAJOR);
 *
 * One module owns connections, TLS and their threads, and all others share them. The rules of faas.h hold: P2 to P4 for what
 * may change, OWNERSHIP, and SERVICES for who is there when. */
#ifndef FAAS_HTTP_H
#define FAAS_HTTP_H

#include "faas.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FAAS_HTTP "faas.http"
#define FAAS_HTTP_MAJOR UINT32_C(1)

typedef struct faas_http_request { /* a table: it begins with its size. Lent for the call of send. */
    size_t size;
    faas_bytes method;        /* empty: GET */
    faas_bytes url;           /* absolute, http or https */
    const faas_pair *headers; /* without Host, Content-Length and Transfer-Encoding, which the provider writes */
    size_t header_count;
    faas_buf body;            /* given: taken also when the request fails */
    uint64_t deadline_ns;     /* on the clock of host->now_ns, for all of it; 0 = the provider's own limit */
    uint64_t most_bytes;      /* a longer body of the reply is FAAS_E_TOO_BIG; 0 = the provider's own limit */
} faas_http_request;

typedef struct faas_http_reply { /* a table. Lent for the call of fn; body is given, and is fn's to release. */
    size_t size;
    uint64_t status; /* 200 to 599 */
    const faas_pair *headers; /* names in lower case, in order, with repeats */
    size_t header_count;
    faas_buf body; /* whole, its transfer coding undone; its content coding stands */
} faas_http_reply;

typedef struct faas_http {
    size_t size;
    void *provider; /* the first argument of each function */

    /* Sends a request. fn gets FAAS_OK and the reply, whatever its status; or a failure, and reply is NULL:
     * FAAS_E_INVALID      the request cannot be sent: its URL, its method, a header
     * FAAS_E_CANCELLED    cancel was called, or the provider is being destroyed
     * FAAS_E_DEADLINE     the deadline has passed
     * FAAS_E_TOO_BIG      the reply is longer than it may be
     * FAAS_E_NOT_FOUND    the host's name leads nowhere, or nobody listens there
     * FAAS_E_INTERNAL     anything else on the way
     * A redirect is a reply. Nothing is sent twice, unless nothing of it had left.
     * Returns a number for cancel, which no other request of the process has; never 0. */
    uint64_t (*send)(void *provider, const faas_http_request *request,
                     void (*fn)(void *arg, faas_status status, const faas_http_reply *reply), void *arg);

    /* A wish: fn is called soon, with FAAS_E_CANCELLED if the reply was not there yet. An unknown number means nothing. */
    void (*cancel)(void *provider, uint64_t request);
} faas_http;

#ifdef __cplusplus
}
#endif
#endif /* FAAS_HTTP_H */
