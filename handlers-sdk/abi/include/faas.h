/* faas.h - the one contract between a runtime (the host) and a module (functions and layers in a shared library).
 *
 * COMPATIBILITY POLICY. Cite the rules by number.
 *  P1  A module exports exactly one symbol, faas_module_v1. The major version is in its name; a file may serve several
 *      majors by exporting several names, and a host asks for the newest it knows first.
 *  P2  Within a major nothing released is reordered, retyped, removed or given another meaning. A new meaning is a new
 *      name.
 *  P3  Tables (faas_host, faas_function, faas_layer, faas_module) begin with their size in bytes and grow at the end
 *      only. Every member of 1.0 lies inside every table. Of a host none is NULL: a module calls those of its min_minor
 *      without asking. Of a module those marked "never NULL" are not. For a later member ask with FAAS_HAS, for a
 *      function that may be NULL with FAAS_CALLABLE.
 *  P4  Value types (faas_bytes, faas_pair, faas_buf, faas_field) are passed by value and never change. Growth is a new type.
 *  P5  Constants may be added. A reader treats an unknown negative status as FAAS_E_INTERNAL, and ignores unknown bits,
 *      phases, lists and keys. A module treats an unknown positive status as FAAS_OK. A host treats a positive status
 *      that has no meaning for the call as FAAS_E_INTERNAL: a module returns one only to a host whose minor knows it.
 *  P6  Minor versions count additions. A module names the oldest host minor it can live with (min_minor) and, entry by
 *      entry, the feature bits it cannot do without (needs).
 *  P7  Names, versions and toolchains are shown to people and never compared.
 *  P8  Pointers are 64 bits wide in v1.
 *
 * OWNERSHIP. There are three kinds of memory and no shared allocator.
 *  borrowed  faas_bytes: valid until the call returns, unless its line says "invocation" (readable and unchanged until
 *            the invocation is done, whatever is written, replaced or removed meanwhile) or "process".
 *  given     faas_buf: the receiver calls release(owner) exactly once, on any thread, maybe inside the call that gives
 *            it. release NULL = static storage, or memory that lives as long as the invocation.
 *  scratch   from host->scratch: zeroed, freed by the host when the invocation is done.
 *  release and drop functions return at once. Of the host's they may call what is marked [any] and belongs to no
 *  invocation, so that they can log; a host that calls them holds no lock which that takes. Their invocation is done or
 *  about to be: they do not use it.
 *
 * THREADS. A host calls one entry's functions from several threads at once only if the entry is marked
 * FAAS_IS_REENTRANT. For one invocation, functions marked [any] may be called from any thread at any time until it is
 * done; those marked [read] from several threads at once while nobody writes; those marked [write] by one thread at a
 * time, with no reader beside it. Streams have two lanes of their own: those marked [in] are called by one thread at a
 * time, those marked [out] by one thread at a time, and both beside each other and beside readers; [write] excludes them.
 * No function of the host's waits for anything but a lock that is held for a moment. cancel may be called beside any
 * other function of its entry. No call re-enters the module, except stream_begin, which runs the layers' head hooks, done
 * on a token of host->token, which runs fn, and calls that take a faas_buf or replace a slot, which may run release or
 * drop.
 *
 * SERVICES. A module offers a table to the others by name and major ("faas.http", 1); faas_http.h, faas_telemetry.h,
 * faas_kv.h and faas_params.h beside this file are four that are agreed on.
 *  S1  Offered in create, and by one owner: the first one stands. An offer of a create that fails is taken back.
 *  S2  Instances are made in one order: the layers of the process outermost first, then each function with the layers
 *      around it alone before it. So what a layer offers is there in the create of whatever stands further in. Who asks
 *      earlier gets NULL, and may ask again at any time, for instance in its first invocation.
 *  S3  They are ended in the reverse order, but for those that have offered a service: these come last, after all others
 *      and in reverse among themselves. From the provider's destroy on, service gives NULL.
 *  S4  The table and all it points to stay readable for the life of the process. The provider's destroy ends whatever
 *      is open with FAAS_E_CANCELLED before it returns; a call that comes later ends at once with FAAS_E_CANCELLED.
 *  S5  All of a service's functions are [any], return at once and copy what they are lent. A completion fn is called
 *      exactly once, on any thread, maybe inside the call. It may call the service, and must not block.
 *
 * UNWINDING. No exception, panic or longjmp crosses this border in either direction.
 *
 * RECORDS. An event of a queue, topic, stream or table may be a batch. A function that is FAAS_IS_PER_RECORD is called for
 * each of its records, inside the layers' FAAS_RECORD hooks; all of that happens inside one INVOKE, whose hooks run once.
 *  R1  Each record is an invocation of its own. Its event is the record, its body the payload, the source's base64 undone.
 *      RECORD_ID, RECORD_GROUP, RECORD_INDEX and ATTEMPT are its own; PLATFORM has what its source says of it, ATTRIBUTE
 *      the attributes if it is a CloudEvent. All else that meta and num give is the batch's, the deadline included;
 *      EXTENSION begins as a copy of the batch's. Slots, scratch and tokens are its own and end with it. There is no HTTP
 *      view. A cancel of the batch cancels the records that are in progress.
 *  R2  A record has no reply: one that is set can be read by its layers and is dropped with the record. So END and a
 *      recovery need none in FAAS_RECORD. stream_begin and set_num of DEADLINE_NS or AFTER_REPLY are FAAS_E_UNSUPPORTED. head
 *      and context are not called for records.
 *  R3  Records of one group run one after the other, in the order of the batch. Others may be in progress at once, also on
 *      one thread; a host that wants that of a function that is FAAS_IS_INLINE does not give it FAAS_F_MAY_BLOCK. A record
 *      is not begun behind a failed one of its group or, where the platform goes on from the first failure, of the batch;
 *      nor when the batch was cancelled or its time is nearly over. Such a record counts as failed, without any call.
 *  R4  A failure of the function or of a FAAS_RECORD hook is the record's and nobody else's. It joins the batch's
 *      FAILED_RECORD list before the INVOKE hooks leave, and is reported to the platform if it takes such reports;
 *      otherwise the INVOKE fails.
 *  R5  An event that is no batch is one record without an id: the FAAS_RECORD hooks and the function are called for the
 *      invocation itself, whose reply stands.
 *  R6  A function that is called with the whole batch finds its records in RECORD, and may add to FAILED_RECORD until it
 *      returns; R4 then holds for them.
 */
#ifndef FAAS_H
#define FAAS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
static_assert(sizeof(void *) == 8, "faas.h, P8: pointers are 64 bits wide in v1");
extern "C" {
#else
_Static_assert(sizeof(void *) == 8, "faas.h, P8: pointers are 64 bits wide in v1");
#endif

/* Keeps faas_module_v1 visible in a library built with -fvisibility=hidden. */
#if defined(__GNUC__)
#define FAAS_EXPORT __attribute__((visibility("default")))
#else
#define FAAS_EXPORT
#endif

#define FAAS_MAGIC UINT64_C(0x464141532d414249) /* "FAAS-ABI" */
#define FAAS_MAJOR UINT32_C(1)
#define FAAS_MINOR UINT32_C(1)

/* Does table *p of type T have member f, of whatever kind? And is that a function that can be called? */
#define FAAS_HAS(T, p, f) ((p)->size >= offsetof(T, f) + sizeof((p)->f))
#define FAAS_CALLABLE(T, p, f) (FAAS_HAS(T, p, f) && (p)->f != NULL)

/* ---- values ------------------------------------------------------------------------------------------------------ */

typedef struct faas_bytes { /* any bytes; ptr may be NULL only if len is 0 */
    const uint8_t *ptr;
    size_t len;
} faas_bytes;

typedef struct faas_pair {
    faas_bytes name;
    faas_bytes value;
} faas_pair;

typedef struct faas_buf {
    const uint8_t *ptr;
    size_t len;
    void (*release)(void *owner);
    void *owner;
} faas_buf;

/* Kinds of a field's value. What is said to be JSON and is not counts as a text. */
#define FAAS_TEXT UINT32_C(0)
#define FAAS_JSON UINT32_C(1)

typedef struct faas_field { /* a named value beside a log line's message */
    faas_bytes name;
    faas_bytes value;
    uint32_t kind;     /* FAAS_TEXT or FAAS_JSON */
    uint32_t reserved; /* 0 */
} faas_field;

/* ---- status: what a call says ------------------------------------------------------------------------------------ */

typedef int32_t faas_status;

#define FAAS_OK 0          /* done, inline */
/* exactly one host->done(tok, status) ends the call, from any thread; it may come before FAAS_PENDING is returned */
#define FAAS_PENDING 1
#define FAAS_END 2         /* layer.before only: a reply is set; do not go further inward */
#define FAAS_E_INVALID (-1)
#define FAAS_E_UNSUPPORTED (-2)
#define FAAS_E_CANCELLED (-3) /* cancelled, or the peer of a stream is gone */
#define FAAS_E_DEADLINE (-4)
#define FAAS_E_TOO_BIG (-5)
#define FAAS_E_PANIC (-6)
#define FAAS_E_USER (-7) /* the author's own error: callers may read the message given to host->fail */
#define FAAS_E_INTERNAL (-8)
#define FAAS_E_NOT_FOUND (-9)
#define FAAS_E_CONFLICT (-10) /* it is there already, or is not as the caller expected it */

/* ---- phases ------------------------------------------------------------------------------------------------------ */

#define FAAS_RUNTIME_START UINT32_C(0)
#define FAAS_FUNCTION_START UINT32_C(1)
#define FAAS_INVOKE UINT32_C(2)
#define FAAS_CLOSE UINT32_C(3)
#define FAAS_SUSPEND UINT32_C(4) /* about to be frozen or snapshotted: functions, then layers' `after`, outward */
#define FAAS_RESUME UINT32_C(5)  /* restored: layers' `before`, inward, then functions */
/* the reply is out, and is not changed any more: function, then layers' `after`, outward; failures are logged */
#define FAAS_REPLIED UINT32_C(6)
#define FAAS_RECORD UINT32_C(7)  /* one record of a batch, around a function that is FAAS_IS_PER_RECORD; see RECORDS */
#define FAAS_PHASE_BIT(phase) (UINT32_C(1) << (phase))

/* ---- features a host may have, and an entry may need or want ----------------------------------------------------- */

#define FAAS_F_MAY_BLOCK (UINT64_C(1) << 0)  /* the host lends its thread: blocking in a call is fine */
#define FAAS_F_STREAM_OUT (UINT64_C(1) << 1) /* stream_begin, stream_write */
#define FAAS_F_STREAM_IN (UINT64_C(1) << 2)  /* stream_read; wanted by a function: bodies come piece by piece */
#define FAAS_F_CONCURRENT (UINT64_C(1) << 3) /* several invocations may be in flight */
#define FAAS_F_SUSPEND (UINT64_C(1) << 4)    /* the platform freezes or snapshots and says so */
#define FAAS_F_REPLIED (UINT64_C(1) << 5)    /* time after the reply is given */
#define FAAS_F_RECORDS (UINT64_C(1) << 6)    /* batches are handed out record by record: FAAS_IS_PER_RECORD */
#define FAAS_F_UPGRADE (UINT64_C(1) << 7)    /* reserved for another protocol after a reply of 101; no host has it yet */

/* ---- flags of an entry ------------------------------------------------------------------------------------------- */

#define FAAS_IS_BLOCKING (UINT32_C(1) << 0)   /* its calls may block: never call on an event loop */
#define FAAS_IS_INLINE (UINT32_C(1) << 1)     /* its calls are short and never block: call right there */
#define FAAS_IS_REENTRANT (UINT32_C(1) << 2)  /* may be called from several threads at once */
#define FAAS_IS_ABORTING (UINT32_C(1) << 3)   /* a fault in it ends the process (built with panic=abort) */
#define FAAS_IS_DEFAULT (UINT32_C(1) << 4)    /* function: serves what no other function of the unit serves */
#define FAAS_IS_WHOLE_BODY (UINT32_C(1) << 5) /* layer: needs the whole reply body; see faas_layer */
#define FAAS_IS_PER_RECORD (UINT32_C(1) << 6) /* function, needs FAAS_F_RECORDS: called record by record; see RECORDS */
/* layer: must not be skipped, as one that decides who may call. A host that is configured to treat it as optional refuses
 * to start. */
#define FAAS_IS_REQUIRED (UINT32_C(1) << 7)

/* ---- lists of name-value pairs: order and repeats are kept ------------------------------------------------------- */

#define FAAS_LIST_HEADER UINT32_C(0)       /* request headers of the HTTP view */
#define FAAS_LIST_QUERY UINT32_C(1)        /* decoded query */
#define FAAS_LIST_COOKIE UINT32_C(2)       /* request cookies */
#define FAAS_LIST_PATH_PARAM UINT32_C(3)   /* path parameters */
/* the platform's own metadata as it came, e.g. its headers; of a record, what its source says of it; read only */
#define FAAS_LIST_PLATFORM UINT32_C(4)
#define FAAS_LIST_EXTENSION UINT32_C(5)    /* values that layers leave for whoever comes after */
#define FAAS_LIST_REPLY_HEADER UINT32_C(6) /* changeable until the head is out */
#define FAAS_LIST_REPLY_COOKIE UINT32_C(7) /* name empty, value a whole Set-Cookie text */
#define FAAS_LIST_RECORD UINT32_C(8)        /* of a batch: name a record's id, value the record; read only */
#define FAAS_LIST_FAILED_RECORD UINT32_C(9) /* of a batch: name a record's id, value a reason; RECORDS, R4 and R6 */
#define FAAS_LIST_ATTRIBUTE UINT32_C(10)    /* of a CloudEvent, whatever mode it came in; body is its data; read only */
#define FAAS_LIST_REPLY_TRAILER UINT32_C(11) /* reserved for fields after a stream; no host has it yet */
/* The calls of this invocation that have ended since FAAS_NUM_TIMED was set, in that order; read only. Name: the layer's, empty
 * for the function and for the writing of the reply. Value: the hook, and when it began and ended on the clock of
 * host->now_ns, "before 1200 1850". Hooks: before, head, after, on_error, invoke, reply, replied; others may come. What the
 * host does between two calls counts to the later one. */
#define FAAS_LIST_CALL UINT32_C(12)

/* ---- keys of host->meta: texts; an unknown or absent one is empty -------------------------------------------------
 * host->set_meta takes, from a layer in recognise, context and before: TRIGGER, SOURCE, METHOD, PATH, RAW_PATH, RAW_QUERY,
 * HOST, SCHEME, CLIENT_IP, ROUTE, TRACEPARENT, TRACESTATE. Those from METHOD to ROUTE are parts of the HTTP view, which
 * only recognise can make where there is none. A traceparent that is not well-formed is FAAS_E_INVALID, all other keys are
 * FAAS_E_UNSUPPORTED. */

#define FAAS_META_REQUEST_ID UINT32_C(1)
#define FAAS_META_FUNCTION UINT32_C(2)
#define FAAS_META_VERSION UINT32_C(3)
#define FAAS_META_SERVICE UINT32_C(4)
#define FAAS_META_STAGE UINT32_C(5)
#define FAAS_META_PLATFORM UINT32_C(6)  /* "aws-lambda", "http", ... */
#define FAAS_META_REGION UINT32_C(7)
#define FAAS_META_TRIGGER UINT32_C(8)   /* "http", "timer", "queue", ..., "raw" */
#define FAAS_META_SOURCE UINT32_C(9)    /* the trigger's own kind: "aws:apigateway:v2", "aws:sqs", ... */
#define FAAS_META_INVOKED_AS UINT32_C(10) /* the name this call used: an ARN with alias, a qualifier */
#define FAAS_META_TENANT UINT32_C(11)
#define FAAS_META_ACCOUNT UINT32_C(12)
#define FAAS_META_HANDLER UINT32_C(13)  /* the configured handler text */
#define FAAS_META_TRACEPARENT UINT32_C(20) /* W3C; made from the platform's ids where it has none of its own */
#define FAAS_META_TRACESTATE UINT32_C(21)
#define FAAS_META_TRACE UINT32_C(22)    /* the platform's own trace text, e.g. Root=...;Parent=...;Sampled=1 */
#define FAAS_META_METHOD UINT32_C(30)
#define FAAS_META_PATH UINT32_C(31)     /* its percent-coding undone */
#define FAAS_META_RAW_PATH UINT32_C(32) /* percent-coded: as it came, or made anew where the platform decodes it */
#define FAAS_META_RAW_QUERY UINT32_C(33) /* percent-coded, without "?" */
#define FAAS_META_HOST UINT32_C(34)
#define FAAS_META_SCHEME UINT32_C(35)
#define FAAS_META_CLIENT_IP UINT32_C(36)
#define FAAS_META_PROTOCOL UINT32_C(37) /* "HTTP/1.1" */
#define FAAS_META_ROUTE UINT32_C(38)    /* the pattern that matched, where one did */
#define FAAS_META_CONTENT_TYPE UINT32_C(39) /* of the event */
#define FAAS_META_CLIENT_CONTEXT UINT32_C(40) /* JSON */
#define FAAS_META_IDENTITY UINT32_C(41)       /* JSON */
#define FAAS_META_ERROR_KIND UINT32_C(50)     /* after a failure: what failed */
#define FAAS_META_ERROR_MESSAGE UINT32_C(51)
#define FAAS_META_ERROR_DETAIL UINT32_C(52)
#define FAAS_META_RECORD_ID UINT32_C(60)    /* of the record at hand: what a retry of it has in common */
#define FAAS_META_RECORD_GROUP UINT32_C(61) /* what it is ordered by: message group, partition, shard */

/* ---- keys of host->num: numbers; an unknown key is 0, and so is what is unknown or absent, where nothing else is said --
 * host->set_num takes DEADLINE_NS and TIMED, from a layer in before, REPLY_CODE, until the head of the reply is out, and
 * AFTER_REPLY, from a function in INVOKE. All other keys are FAAS_E_UNSUPPORTED. */

#define FAAS_NUM_DEADLINE_EPOCH_MS UINT32_C(1) /* 0 = no deadline */
#define FAAS_NUM_REMAINING_MS UINT32_C(2)      /* 0 = the deadline is past; UINT64_MAX = no deadline */
#define FAAS_NUM_COLD_START UINT32_C(3)        /* 1 for the first invocation of this process */
#define FAAS_NUM_ATTEMPT UINT32_C(4)           /* the platform's retry count, 0 for the first attempt */
#define FAAS_NUM_MEMORY_MB UINT32_C(5)
#define FAAS_NUM_IS_HTTP UINT32_C(6)           /* 1 if there is an HTTP view */
#define FAAS_NUM_REPLY_STATUS UINT32_C(7)      /* 0 = no reply is set; 200 for a reply that is no HTTP reply */
#define FAAS_NUM_REPLY_BYTES UINT32_C(8)
#define FAAS_NUM_STREAMED UINT32_C(9)          /* 1 once the head of a stream is out */
#define FAAS_NUM_RECEIVED_NS UINT32_C(10)      /* host->now_ns when the event was whole */
#define FAAS_NUM_IN_FLIGHT UINT32_C(11)        /* invocations in this process now */
#define FAAS_NUM_DEADLINE_NS UINT32_C(12)      /* on the clock of host->now_ns; 0 = no deadline; only set earlier */
#define FAAS_NUM_REPLY_CODE UINT32_C(13)       /* as given to reply; UINT64_MAX = no reply is set, since 0 is a code */
#define FAAS_NUM_STREAMED_IN UINT32_C(14)      /* 1 if the body comes through stream_read alone, and body() is empty */
#define FAAS_NUM_STARTED_NS UINT32_C(15)       /* host->now_ns when the process began; 0 = unknown */
#define FAAS_NUM_RECORD_INDEX UINT32_C(16)     /* of the record at hand, from 0 */
#define FAAS_NUM_AFTER_REPLY UINT32_C(17)      /* 1 = `phase` of the function has work in REPLIED for this invocation,
                                                * whatever its `phases` say */
#define FAAS_NUM_TIMED UINT32_C(18)            /* 1 = the host notes the calls of this invocation in FAAS_LIST_CALL */
#define FAAS_NUM_TAKES_FILTERS UINT32_C(19)    /* 1 in the head hooks of a stream that goes out piece by piece, on a host
                                                * that has stream_filter (1.1) */

/* ---- reply codes: what the bytes of a reply are ------------------------------------------------------------------ */

#define FAAS_REPLY_RAW UINT32_C(0)   /* the platform's own form: handed on untouched */
#define FAAS_REPLY_VALUE UINT32_C(1) /* a value: bare for an event, body of a 200 for an HTTP trigger */
/* 200 to 599: status of an HTTP reply. 100 to 199 are reserved for interim replies and for an upgrade (101). */

/* ---- reasons of cancel ------------------------------------------------------------------------------------------- */

#define FAAS_CANCEL_DEADLINE UINT32_C(1)
#define FAAS_CANCEL_PEER_GONE UINT32_C(2)
#define FAAS_CANCEL_CLOSING UINT32_C(3)

/* ---- opaque, host owned ------------------------------------------------------------------------------------------ */

typedef struct faas_host_ctx faas_host_ctx; /* one entry's view of the host; lives as long as the process */
typedef struct faas_inv faas_inv;           /* one invocation, or one lifecycle phase */
typedef struct faas_tok faas_tok;           /* a one-shot completion; a late or second use is ignored and counted */

/* ---- what the host offers ---------------------------------------------------------------------------------------- */

typedef struct faas_host {
    size_t size;
    uint32_t major;
    uint32_t minor;
    uint64_t features;
    faas_host_ctx *ctx;

    /* [any] Ends a call that returned FAAS_PENDING. */
    void (*done)(faas_tok *tok, faas_status status);

    /* [any], also with an invocation that somebody else writes to. level 1 error, 2 warn, 3 info, 4 debug, 5 trace. Ask
     * first, format after. The host stamps time and entry name, and of the invocation request id, tenant and trace as
     * they were before its first call. In a log of JSON lines a field that is FAAS_JSON is a value, not a text. */
    uint32_t (*log_enabled)(faas_host_ctx *ctx, uint32_t level, faas_bytes target);
    void (*log)(faas_host_ctx *ctx, const faas_inv *inv_or_null, uint32_t level, faas_bytes target, faas_bytes message,
                const faas_field *fields, size_t count);
    /* [any] One whole line on the platform's log stream, as it is (e.g. a metric document). No newline in it. */
    void (*emit)(faas_host_ctx *ctx, faas_bytes line);

    /* [any] A configured or environment value as it was at start. out: process. FAAS_E_NOT_FOUND. Entries with the same
     * value of "faas.environment", which is not found on a host where all have, have the same value of every other key. */
    faas_status (*config)(faas_host_ctx *ctx, faas_bytes key, faas_bytes *out);
    uint64_t (*now_ns)(faas_host_ctx *ctx); /* [any] monotonic, never 0 */

    /* [any] Services: sized tables that modules offer to one another by name and major: see SERVICES. offer: in create;
     * FAAS_E_CONFLICT if another has offered it. service: NULL if nobody offers it now; ask again later. */
    const void *(*service)(faas_host_ctx *ctx, faas_bytes name, uint32_t major);
    faas_status (*offer)(faas_host_ctx *ctx, faas_bytes name, uint32_t major, const void *table);

    /* The request. All results: invocation. */
    faas_bytes (*meta)(const faas_inv *inv, uint32_t key);                        /* [read] */
    uint64_t (*num)(const faas_inv *inv, uint32_t key);                           /* [read] */
    faas_status (*set_meta)(faas_inv *inv, uint32_t key, faas_bytes value);       /* [write] copies; keys: see there */
    faas_bytes (*event)(const faas_inv *inv);                                     /* [read] as it came */
    faas_bytes (*body)(const faas_inv *inv); /* [read] HTTP body, its base64 undone; else the event */
    faas_status (*set_body)(faas_inv *inv, faas_buf body); /* [write] takes it: what body() gives from here on */

    /* Lists. All results: invocation. Header names compare without case. get: the first of that name; set: replaces all of that name; add: one
     * more; remove: all of that name. */
    size_t (*count)(const faas_inv *inv, uint32_t list);                                      /* [read] */
    faas_status (*at)(const faas_inv *inv, uint32_t list, size_t index, faas_pair *out);      /* [read] */
    faas_status (*get)(const faas_inv *inv, uint32_t list, faas_bytes name, faas_bytes *out); /* [read] */
    faas_status (*set)(faas_inv *inv, uint32_t list, faas_bytes name, faas_bytes value);      /* [write] copies */
    faas_status (*add)(faas_inv *inv, uint32_t list, faas_bytes name, faas_bytes value);      /* [write] copies */
    faas_status (*remove)(faas_inv *inv, uint32_t list, faas_bytes name);                     /* [write] */

    uint32_t (*cancelled)(const faas_inv *inv); /* [any] 0, or a reason of cancel */

    /* Memory that lives as long as the invocation. scratch: NULL if align is no power of two or memory is out. A slot's
     * key is any address of yours; drop may be NULL. */
    void *(*scratch)(faas_inv *inv, size_t size, size_t align);                                      /* [write] */
    faas_status (*set_slot)(faas_inv *inv, const void *key, void *value, void (*drop)(void *value)); /* [write] */
    void *(*slot)(const faas_inv *inv, const void *key);                                             /* [read] */

    /* The reply. Last one wins. In after and on_error it is readable and changeable. Reply headers and cookies are
     * apart from it: they stay when it is replaced or dropped, and also go out with the error reply of an HTTP trigger,
     * content-* excepted. */
    faas_status (*reply)(faas_inv *inv, uint32_t code, faas_buf body); /* [write] takes body, also when it fails */
    /* [read] Empty for a stream. Readable, also when another reply has replaced it, until the reply is sent: up to the
     * end of the last `after` or `on_error` of FAAS_INVOKE. In FAAS_REPLIED it may be empty, its bytes handed on. */
    faas_bytes (*reply_body)(const faas_inv *inv);
    /* [write] copies; drops a reply. Callers may read the kind, and the message if the call ends with FAAS_E_USER. The
     * detail is for the log: "at file:line:column" on its first line, a stack, then lines that begin with "caused by". */
    faas_status (*fail)(faas_inv *inv, faas_bytes kind, faas_bytes message, faas_bytes detail);

    /* Streams. begin fixes code and reply headers and runs the head hooks. write takes the chunk, whatever it returns, and
     * says FAAS_OK (room for more), FAAS_PENDING (wait until room is done before the next), FAAS_E_CANCELLED (the peer is
     * gone), FAAS_E_INVALID (room is NULL, or no stream has begun) or FAAS_E_INTERNAL (a filter has failed). The end of the
     * call ends the stream; a failure after begin is the protocol's mid-stream error.
     * read gives the next chunk of the request's body; length 0 is its end, as often as it is asked. FAAS_PENDING: none is
     * here yet, read again after ready. FAAS_E_INVALID: ready is NULL, or the client breaks its framing. FAAS_E_TOO_BIG: the
     * body is larger than the host takes. FAAS_E_DEADLINE: the client was slower than it may be. FAAS_E_CANCELLED: the
     * client is gone. A failure stands: every later read says the same. Nothing is read of a client ahead of its reader,
     * but for what one call of the system brings.
     * read works on a whole body too: one chunk, then length 0. A host streams the body of a request for a function that
     * wants FAAS_F_STREAM_IN, where the platform sends it as HTTP: FAAS_NUM_STREAMED_IN is 1 and body() empty, also for the
     * layers in front. set_body drops what is left of such a body, and read gives the new one. What nobody has read when
     * the invocation is done is thrown away.
     * Reserved: codes 100 to 199 for interim answers and upgrades, and a list of trailers. */
    faas_status (*stream_begin)(faas_inv *inv, uint32_t code);                        /* [write] */
    faas_status (*stream_write)(faas_inv *inv, faas_buf chunk, faas_tok *room);       /* [out] takes chunk */
    faas_status (*stream_read)(faas_inv *inv, faas_buf *out, faas_tok *ready);        /* [in] out: given */
    /* [read] A completion that calls fn once, on any thread: when done ends it, at the latest when the invocation is
     * done (FAAS_E_CANCELLED). It is used up only by a call that returned FAAS_PENDING. NULL if fn is. */
    faas_tok *(*token)(faas_inv *inv, void (*fn)(void *arg, faas_status status), void *arg);

    faas_status (*set_num)(faas_inv *inv, uint32_t key, uint64_t value); /* [write] keys: see there */

    /* Since 1.1: ask with FAAS_HAS, or for FAAS_NUM_TAKES_FILTERS, which an older host answers with 0.
     * [write], in head. Every piece of the stream that begins passes through filter before it goes out; see O7. It returns
     * in *out, which is given and empty to begin with, what goes out in its place: nothing where it keeps the piece back.
     * piece: borrowed. is_last is 1 in the last call, whose piece may be empty. FAAS_OK; any other status breaks the stream,
     * and no call follows. filter takes no invocation and must not block; it is called by one thread at a time, maybe beside
     * hooks of its layer for other invocations. drop, which may be NULL, is called once when the host needs arg no more.
     * FAAS_E_INVALID: filter is NULL, or FAAS_NUM_TAKES_FILTERS is 0; then arg stays the caller's. */
    faas_status (*stream_filter)(faas_inv *inv,
                                 faas_status (*filter)(void *arg, faas_bytes piece, uint32_t is_last, faas_buf *out),
                                 void *arg, void (*drop)(void *arg));
} faas_host;

/* ---- what a module offers ---------------------------------------------------------------------------------------- */

typedef struct faas_function {
    size_t size;
    faas_bytes name;
    uint32_t flags;  /* FAAS_IS_* */
    uint32_t phases; /* FAAS_PHASE_BITs for which `phase` has work */
    uint64_t needs; /* FAAS_F_*: without one of them the host refuses the module */
    uint64_t wants; /* FAAS_F_*: without one of them the entry does less; the host says so in its log */
    /* What it is written for: a JSON array of objects with one key each, the kind of event, as in a function's `events` of
     * the manifest: [{"http": {"method": ["get"], "path": "/orders/:id"}}, {"timer": {"cron": "0 5 * * *"}},
     * {"queue": {"source": "jobs"}}, {"topic": ...}, {"storage": ...}, {"log": ...}, {"stream": ...}, {"table": ...},
     * {"event": {"type": "...", "source": "..."}}]; true in the place of the inner object = every event of the kind. Empty =
     * anything. What a manifest says of a function's events counts instead. */
    faas_bytes triggers;
    /* Functions of one module with the same group, which is not empty, are one instance for each configuration: whichever
     * comes first is created, and its `self` is given to the calls of them all. They have the same create, phase, cancel,
     * destroy and phases, and the same FAAS_IS_REENTRANT and FAAS_IS_ABORTING: a host refuses others. phase is called once
     * for the instance, but FAAS_REPLIED once for each invocation; layers see FAAS_FUNCTION_START once for each function.
     * destroy is called once, after the last. Empty = an instance of its own. */
    faas_bytes group;
    /* Makes one instance. config: JSON, borrowed. why: set on failure. host: process. Never NULL. */
    faas_status (*create)(const faas_host *host, faas_bytes config, void **self, faas_buf *why);
    faas_status (*invoke)(void *self, faas_inv *inv, faas_tok *tok); /* never NULL */
    /* What follows may be NULL, which is: no work. */
    faas_status (*phase)(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok);
    /* A wish, once, from any thread, while invoke or phase is in progress; returns at once. If the wish came before the
     * call began, host->cancelled says so from the start and this is not called. */
    void (*cancel)(void *self, faas_inv *inv, uint32_t reason);
    void (*destroy)(void *self); /* after CLOSE, when no call is in progress */
} faas_function;

/* A layer. Hooks are called only for the phases named in the masks. For each phase:
 *  O1  before, in configured order. OK: entered. END: a reply is set; nothing further in is called, this layer is not
 *      entered, the way out begins. Negative: failed, not entered, the way out begins.
 *  O2  On the way out each entered layer, in reverse, gets exactly one of after (status >= 0) or on_error (< 0).
 *  O3  on_error returning OK means recovered: a reply must be set; further out `after` runs. after returning a negative
 *      status turns the rest into on_error. Another negative status from on_error replaces it; the first is kept as
 *      the cause.
 *  O4  before, after and on_error may return FAAS_PENDING. head, recognise, context and health have no token: a host
 *      treats FAAS_PENDING of theirs as a failure, with a line in the log.
 *  O5  head runs once, outward over the entered layers, as soon as a reply's head is fixed: in stream_begin, or before
 *      the first `after`. It may change code, headers and cookies, and must not block.
 *      Where a failure came first and nobody recovers from it, there is no head: on_error sets what its layer wants
 *      on the error reply.
 *  O6  CLOSE runs for every entry whose create succeeded, also after a failed start.
 *  O7  Filters that head hooks gave to stream_filter stand in the order of those hooks: a piece passes the innermost
 *      layer's first. They are called from stream_write, and for the last time when the call that began the stream has
 *      ended well, before any `after`. A filter that fails breaks the stream as a failure of the function would.
 * FAAS_IS_WHOLE_BODY: on a stream the host refuses such a layer or skips it, by its policy, and says so. */
typedef struct faas_layer {
    size_t size;
    faas_bytes name;
    uint32_t flags;
    int32_t order; /* a hint for hosts that are given no order; lower is further out */
    uint64_t needs;
    uint64_t wants;
    uint32_t before_phases;
    uint32_t after_phases;
    uint32_t error_phases;
    uint32_t reserved; /* 0 */
    faas_status (*create)(const faas_host *host, faas_bytes config, void **self, faas_buf *why); /* never NULL */
    faas_status (*before)(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok);
    faas_status (*after)(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok);
    faas_status (*on_error)(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok);
    void (*head)(void *self, faas_inv *inv);
    void (*cancel)(void *self, faas_inv *inv, uint32_t reason); /* as a function's, while a hook is in progress */
    void (*destroy)(void *self);
    /* Extensions of the host. recognise: names trigger, source and HTTP view of an event the host knows only as raw;
     * OK = mine, FAAS_E_NOT_FOUND = not mine, and nothing that it has set stays. context: adds to every invocation before
     * the first before hook. A failure of either ends the invocation: no layer is entered, so no after and no on_error
     * runs, and the function is not called. That of an optional layer is logged instead, and the invocation goes on.
     * health: OK, or a reason; asked by readiness probes, which a required layer's ill health fails. */
    faas_status (*recognise)(void *self, faas_inv *inv);
    faas_status (*context)(void *self, faas_inv *inv);
    faas_status (*health)(void *self, faas_buf *why);
} faas_layer;

typedef struct faas_module {
    size_t size;
    uint64_t magic;
    uint32_t major;
    uint32_t min_minor;
    faas_bytes name;       /* P7 */
    faas_bytes version;    /* P7 */
    faas_bytes built_with; /* P7 */
    faas_bytes refusal;    /* not empty: the module refuses that host, for this reason, and offers nothing */
    const faas_function *const *functions;
    size_t function_count;
    const faas_layer *const *layers;
    size_t layer_count;
} faas_module;

/* The only exported symbol. Pure: no threads, no allocation, no host calls. The table lives as long as the process.
 * A module that refuses that host returns a table with a refusal, or NULL where it has nothing to say. */
FAAS_EXPORT const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor);

#ifdef __cplusplus
}
#endif
#endif /* FAAS_H */
