/* faas_params.h - the service "faas.params" 1: parameters and secrets, which may change while the process runs.
 *
 * host->config gives what the environment was at start, for as long as the process lives. A secret is better asked for here
 * when it is needed: a value is given, its release wipes it, and whoever watches is told of a new one. The rules of faas.h
 * hold: P2 to P4, OWNERSHIP, SERVICES. Values are never logged. */
#ifndef FAAS_PARAMS_H
#define FAAS_PARAMS_H

#include "faas.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FAAS_PARAMS "faas.params"
#define FAAS_PARAMS_MAJOR UINT32_C(1)

typedef struct faas_params {
    size_t size;
    void *provider; /* the first argument of each function */

    /* Gives the value of a name to fn once: FAAS_OK, or FAAS_E_NOT_FOUND, FAAS_E_DEADLINE (the store did not answer in the
     * provider's own time and there is no older value), FAAS_E_CANCELLED, FAAS_E_INTERNAL, each with an empty value.
     * value is given, and is fn's to release. version differs from one value of a name to the next. Inline where the
     * provider has the value at hand. */
    void (*get)(void *provider, faas_bytes name, void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version),
                void *arg);

    /* Calls fn with the value, and again whenever it changes, never twice at once: FAAS_OK and the value; FAAS_E_NOT_FOUND
     * when it is removed; at last FAAS_E_CANCELLED, once, by unwatch or by the provider's destroy, after which arg may be
     * freed. Returns a number for unwatch, which no other watch of the process has; never 0. */
    uint64_t (*watch)(void *provider, faas_bytes name,
                      void (*fn)(void *arg, faas_status status, faas_buf value, uint64_t version), void *arg);

    /* Ends a watch. fn may still be running, and is called once more with FAAS_E_CANCELLED. */
    void (*unwatch)(void *provider, uint64_t watch);
} faas_params;

#ifdef __cplusplus
}
#endif
#endif /* FAAS_PARAMS_H */
