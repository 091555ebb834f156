/* faas_kv.h - the service "faas.kv" 1: values by key that outlive an invocation and an instance.
 *
 * The rules of faas.h hold: P2 to P4, OWNERSHIP, SERVICES. Keys are any bytes of 1 to 512; values are any bytes up to a limit
 * of the provider's. Each write of a key gives it another version, a number that is never 0; whoever names the version that
 * it has read writes only if nobody else has written since.
 *
 * Every function ends with one call of fn:
 * FAAS_OK             done; value and version are those that are there now
 * FAAS_E_NOT_FOUND    there is no such key, or its time is over
 * FAAS_E_CONFLICT     it is not as the caller expected it; value and version are those that are there
 * FAAS_E_INVALID      such a key cannot be
 * FAAS_E_TOO_BIG      the value is longer than the provider keeps
 * FAAS_E_DEADLINE     the store did not answer in the provider's own time; whether it has written is unknown
 * FAAS_E_CANCELLED    the provider is being destroyed; as above
 * FAAS_E_INTERNAL     anything else; as above
 * value is given, and is fn's to release. Where nothing is said of it, it is empty and version is 0. */
#ifndef FAAS_KV_H
#define FAAS_KV_H

#include "faas.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FAAS_KV "faas.kv"
#define FAAS_KV_MAJOR UINT32_C(1)

typedef struct faas_kv {
    size_t size;
    void *provider; /* the first argument of each function */

    /* Reads. */
    void (*get)(void *provider, faas_bytes key, void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version),
                void *arg);
    /* Writes, whatever is there. ttl_ms: it is gone after that time; 0 = never. fn gets the new version, and no value. */
    void (*put)(void *provider, faas_bytes key, faas_buf value, uint64_t ttl_ms,
                void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg);
    /* Writes if there is no such key, as whoever wants to be the first. FAAS_E_CONFLICT: another was; its value is there. */
    void (*put_if_absent)(void *provider, faas_bytes key, faas_buf value, uint64_t ttl_ms,
                          void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg);
    /* Writes if the key still has this version. */
    void (*put_if_version)(void *provider, faas_bytes key, uint64_t expected, faas_buf value, uint64_t ttl_ms,
                           void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg);
    /* Removes. expected: only if the key still has this version; 0 = whatever is there. */
    void (*remove)(void *provider, faas_bytes key, uint64_t expected,
                   void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg);
} faas_kv;

#ifdef __cplusplus
}
#endif
#endif /* FAAS_KV_H */
