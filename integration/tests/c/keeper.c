/* The function `stand`, whose event "fail" makes it fail, and a layer that keeps what it is shown while it changes everything, and reads all of it again on the way out: an address
 * that the host hands out is good until the invocation is done. Built with the address sanitizer, a text that has moved
 * ends the process; without it, a text that has changed is a failure. */

#include <faas.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

static const faas_host *host;

enum { MOST = 4000, ROUNDS = 60 };

/* What was shown, and what it said then. The books are freed with the invocation's slot. */
struct books {
    size_t count;
    faas_bytes shown[MOST];
    char *said[MOST];
};

static void drop_books(void *value) {
    struct books *books = value;
    for (size_t at = 0; at < books->count; at++) free(books->said[at]);
    free(books);
}

static void note(struct books *books, faas_bytes shown) {
    if (books->count == MOST || shown.len == 0) return;
    char *copy = malloc(shown.len);
    if (!copy) abort();
    memcpy(copy, shown.ptr, shown.len);
    books->shown[books->count] = shown;
    books->said[books->count++] = copy;
}

static const uint32_t keys[] = {FAAS_META_REQUEST_ID, FAAS_META_FUNCTION,  FAAS_META_TRIGGER,   FAAS_META_SOURCE,
                                FAAS_META_METHOD,     FAAS_META_PATH,      FAAS_META_RAW_PATH,  FAAS_META_RAW_QUERY,
                                FAAS_META_HOST,       FAAS_META_SCHEME,    FAAS_META_CLIENT_IP, FAAS_META_ROUTE,
                                FAAS_META_TRACEPARENT, FAAS_META_TRACESTATE, FAAS_META_ERROR_KIND,
                                FAAS_META_ERROR_MESSAGE, FAAS_META_ERROR_DETAIL};
static const uint32_t lists[] = {FAAS_LIST_HEADER,    FAAS_LIST_QUERY,        FAAS_LIST_COOKIE,      FAAS_LIST_PATH_PARAM,
                                 FAAS_LIST_EXTENSION, FAAS_LIST_REPLY_HEADER, FAAS_LIST_REPLY_COOKIE, FAAS_LIST_PLATFORM};

#define EACH(item, array) for (size_t item = 0; item < sizeof(array) / sizeof *(array); item++)

static void note_all(struct books *books, faas_inv *inv) {
    EACH(key, keys) note(books, host->meta(inv, keys[key]));
    EACH(list, lists) {
        faas_pair pair;
        for (size_t at = 0; at < host->count(inv, lists[list]) && at < 4; at++) {
            if (host->at(inv, lists[list], at, &pair) != FAAS_OK) continue;
            note(books, pair.name);
            note(books, pair.value);
        }
    }
    note(books, host->event(inv));
    note(books, host->body(inv));
    note(books, host->reply_body(inv));
}

/* Some text, whose length differs from round to round. */
static faas_bytes words(faas_inv *inv, unsigned round) {
    size_t len = 40 + (round * 37) % 200;
    uint8_t *text = host->scratch(inv, len, 1);
    if (!text) abort();
    memset(text, 'a' + round % 26, len);
    faas_bytes bytes = {text, len};
    return bytes;
}

static void release(void *owner) {
    memset(owner, '!', 64); /* whoever still reads it without a sanitizer sees it */
    free(owner);
}

static faas_buf given(unsigned round) {
    uint8_t *bytes = malloc(64);
    if (!bytes) abort();
    memset(bytes, 'A' + round % 26, 64);
    faas_buf buf = {bytes, 64, release, bytes};
    return buf;
}

/* Changes all that can be changed. Refusals are fine: an event has no headers. */
static void change_all(faas_inv *inv, unsigned round) {
    faas_bytes name = TEXT("x-kept"), other = TEXT("x-other"), path = TEXT("/changed");
    EACH(list, lists) {
        host->set(inv, lists[list], name, words(inv, round));
        if (round % 7 == 0) host->add(inv, lists[list], other, words(inv, round));
        if (round % 11 == 0) host->remove(inv, lists[list], other);
    }
    EACH(key, keys) {
        int is_path = keys[key] == FAAS_META_PATH || keys[key] == FAAS_META_RAW_PATH;
        host->set_meta(inv, keys[key], is_path ? path : words(inv, round));
    }
    host->set_body(inv, given(round));
}

static faas_status check(const struct books *books) {
    for (size_t at = 0; at < books->count; at++)
        if (memcmp(books->shown[at].ptr, books->said[at], books->shown[at].len) != 0) return FAAS_E_INTERNAL;
    return FAAS_OK;
}

static const char slot_key;

static faas_status create(const faas_host *table, faas_bytes config, void **self, faas_buf *why) {
    (void)config, (void)why;
    host = table;
    *self = NULL;
    return FAAS_OK;
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    struct books *books = calloc(1, sizeof *books);
    if (!books) abort();
    host->set_slot(inv, &slot_key, books, drop_books);
    note_all(books, inv);
    for (unsigned round = 0; round < ROUNDS; round++) {
        change_all(inv, round);
        if (round % 8 == 0) note_all(books, inv);
    }
    note_all(books, inv);
    return check(books);
}

/* The reply is changed in the same way; that of the last round stands. */
static faas_status after(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    struct books *books = host->slot(inv, &slot_key);
    uint64_t code = host->num(inv, FAAS_NUM_REPLY_CODE);
    for (unsigned round = 0; round < ROUNDS; round++) {
        change_all(inv, round);
        if (host->num(inv, FAAS_NUM_STREAMED) == 0) host->reply(inv, (uint32_t)code, given(round));
        if (round % 8 == 0) note_all(books, inv);
    }
    return check(books);
}

static faas_status on_error(void *self, uint32_t phase, faas_inv *inv, faas_status inner, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    struct books *books = host->slot(inv, &slot_key);
    faas_bytes kind = TEXT("Keeper.Failed"), message = TEXT("as it was to fail"), none = {NULL, 0};
    note_all(books, inv);
    host->fail(inv, kind, message, none);
    note_all(books, inv);
    host->fail(inv, message, kind, none);
    note_all(books, inv);
    faas_status status = check(books);
    return status == FAAS_OK ? inner : status;
}

static faas_status stand(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_bytes event = host->event(inv), kind = TEXT("Stand.Asked"), message = TEXT("it was asked to"), none = {NULL, 0};
    if (event.len == 4 && memcmp(event.ptr, "fail", 4) == 0) {
        host->fail(inv, kind, message, none);
        return FAAS_E_USER;
    }
    faas_buf body = {event.ptr, event.len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_VALUE, body);
}

static const faas_function function = {
    .size = sizeof function, .name = TEXT("stand"), .flags = FAAS_IS_REENTRANT, .create = create, .invoke = stand};
static const faas_function *const functions[] = {&function};

static const faas_layer keeper = {
    .size = sizeof keeper,
    .name = TEXT("keeper"),
    .flags = FAAS_IS_REENTRANT,
    .before_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
    .after_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
    .error_phases = FAAS_PHASE_BIT(FAAS_INVOKE),
    .create = create,
    .before = before,
    .after = after,
    .on_error = on_error,
};
static const faas_layer *const layers[] = {&keeper};
static const faas_module module = {.size = sizeof module,
                                   .magic = FAAS_MAGIC,
                                   .major = FAAS_MAJOR,
                                   .name = TEXT("keeper"),
                                   .functions = functions,
                                   .function_count = 1,
                                   .layers = layers,
                                   .layer_count = 1};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor) {
    (void)host_major, (void)host_minor;
    return &module;
}
