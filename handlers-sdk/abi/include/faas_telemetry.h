/* faas_telemetry.h - the service "faas.telemetry" 1: numbers and spans.
 *
 * One module gathers and sends, all others report. No call blocks, waits for memory or fails: what finds no room is dropped
 * and counted by the provider. The rules of faas.h hold: P2 to P4, OWNERSHIP, SERVICES.
 *
 * Names are of letters, digits, `_` and `.`, with the unit at the end as in Prometheus: orders_total, payment_seconds.
 * Labels are few and have few values: a user's id is none. All texts are lent for the call. */
#ifndef FAAS_TELEMETRY_H
#define FAAS_TELEMETRY_H

#include "faas.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FAAS_TELEMETRY "faas.telemetry"
#define FAAS_TELEMETRY_MAJOR UINT32_C(1)

/* The same table under a second name, offered by whoever takes spans: numbers and spans may have two providers. Ask for
 * spans under this name. The functions of a table that its provider has no use for drop what they are told. */
#define FAAS_SPANS "faas.spans"
#define FAAS_SPANS_MAJOR UINT32_C(1)

/* The name of an extension (FAAS_LIST_EXTENSION): the traceparent of the function's own span, left by a layer that has
 * one beside the invocation's. Parent of what a function begins; where there is none, FAAS_META_TRACEPARENT is. */
#define FAAS_FUNCTION_SPAN "faas.function-span"

/* How a span ended. */
#define FAAS_SPAN_UNSET UINT32_C(0)
#define FAAS_SPAN_OK UINT32_C(1)
#define FAAS_SPAN_ERROR UINT32_C(2)

/* Bytes of a traceparent (W3C Trace Context, version 00). */
#define FAAS_TRACEPARENT_BYTES UINT32_C(55)

typedef struct faas_telemetry {
    size_t size;
    void *provider; /* the first argument of each function */

    /* Adds to a sum that never falls; a negative value is dropped. */
    void (*counter)(void *provider, faas_bytes name, double value, const faas_pair *labels, size_t count);
    /* What a value is now. */
    void (*gauge)(void *provider, faas_bytes name, double value, const faas_pair *labels, size_t count);
    /* One more observation. The provider's configuration has the buckets. */
    void (*histogram)(void *provider, faas_bytes name, double value, const faas_pair *labels, size_t count);

    /* Begins a span. parent: a traceparent, as host->meta(FAAS_META_TRACEPARENT) has it; empty or not well-formed: a trace
     * of its own. Returns its number; 0 if it is not sampled or there is no room, which every function below takes and
     * ignores. A span that nobody ends is dropped after a while. */
    uint64_t (*span_begin)(void *provider, faas_bytes parent, faas_bytes name, const faas_pair *attributes, size_t count);
    /* Writes the traceparent of a span to `out`, FAAS_TRACEPARENT_BYTES long, for its children. FAAS_E_NOT_FOUND if there
     * is no such span, and out is as it was. */
    faas_status (*span_context)(void *provider, uint64_t span, uint8_t *out);
    /* Something happened within a span, now. */
    void (*span_event)(void *provider, uint64_t span, faas_bytes name, const faas_pair *attributes, size_t count);
    /* Ends a span, now. result: FAAS_SPAN_*. The attributes are added to those of its beginning. */
    void (*span_end)(void *provider, uint64_t span, uint32_t result, const faas_pair *attributes, size_t count);
} faas_telemetry;

#ifdef __cplusplus
}
#endif
#endif /* FAAS_TELEMETRY_H */
