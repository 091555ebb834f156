/* Functions that show the tests of OpenWhisk what they could not see from outside: what an action finds when it starts, that
 * one is running at this moment, which descriptors its children would have. They answer JSON objects. */

#define _POSIX_C_SOURCE 200809L
#include "../c/instance.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static faas_status answer(faas_inv *inv, uint32_t code, const char *text, size_t len) {
    char *copy = host->scratch(inv, len + 1, 1);
    if (!copy) return FAAS_E_INTERNAL;
    memcpy(copy, text, len);
    faas_buf body = {(const uint8_t *)copy, len, NULL, NULL};
    return host->reply(inv, code, body);
}

/* The configured value of that name, quoted, or null. */
static void configured(const char *name, char *out, size_t room) {
    faas_bytes key = {(const uint8_t *)name, strlen(name)}, value;
    if (host->config(host->ctx, key, &value) != FAAS_OK)
        snprintf(out, room, "null");
    else
        snprintf(out, room, "\"%.*s\"", (int)value.len, value.len ? (const char *)value.ptr : "");
}

/* A word of the platform's about this call, quoted, or null. */
static void told_of(const faas_inv *inv, const char *name, char *out, size_t room) {
    faas_bytes key = {(const uint8_t *)name, strlen(name)}, value;
    if (host->get(inv, FAAS_LIST_PLATFORM, key, &value) != FAAS_OK)
        snprintf(out, room, "null");
    else
        snprintf(out, room, "\"%.*s\"", (int)value.len, value.len ? (const char *)value.ptr : "");
}

/* told: the values of four names when it started, and what a call is told. */
static char greeting[256], empty[256], absent[256], namespace[256];

static faas_status told_phase(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)inv;
    (void)tok;
    if (phase != FAAS_FUNCTION_START) return FAAS_OK;
    configured("GREETING", greeting, sizeof greeting);
    configured("EMPTY", empty, sizeof empty);
    configured("ABSENT", absent, sizeof absent);
    configured("__OW_NAMESPACE", namespace, sizeof namespace);
    return FAAS_OK;
}

static faas_status told(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    char container[256], call[256], transaction[256], text[2048];
    configured("__OW_API_HOST", container, sizeof container);
    told_of(inv, "__OW_API_HOST", call, sizeof call);
    told_of(inv, "__OW_TRANSACTION_ID", transaction, sizeof transaction);
    int len = snprintf(text, sizeof text,
                       "{\"greeting\":%s,\"empty\":%s,\"absent\":%s,\"namespace\":%s,\"container_api_host\":%s,"
                       "\"call_api_host\":%s,\"transaction\":%s}",
                       greeting, empty, absent, namespace, container, call, transaction);
    return answer(inv, FAAS_REPLY_VALUE, text, (size_t)len);
}

/* hold: writes the line "holding", then stays until the file exists that stands between `"go":"` and the next quote. */
static faas_status hold(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes event = host->event(inv), line = LITERAL("holding");
    char *text = host->scratch(inv, event.len + 1, 1);
    if (!text) return FAAS_E_INTERNAL;
    memcpy(text, event.ptr, event.len);
    char *path = strstr(text, "\"go\":\""), *end = path ? strchr(path + 6, '"') : NULL;
    if (!end) return answer(inv, FAAS_REPLY_VALUE, "{\"no\":\"path\"}", 13);
    *end = 0;
    host->emit(host->ctx, line);
    struct timespec pause = {0, 1000000};
    while (access(path + 6, F_OK) != 0) {
        if (host->cancelled(inv)) return FAAS_E_CANCELLED;
        nanosleep(&pause, NULL);
    }
    return answer(inv, FAAS_REPLY_VALUE, "{\"let\":\"go\"}", 12);
}

/* descriptors: those behind the first three that a program started from here would have. */
static faas_status descriptors(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    char text[1024] = "{\"inherited\":[";
    size_t len = strlen(text);
    int first = 1;
    for (int fd = 3; fd < 256 && len + 8 < sizeof text; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || flags & FD_CLOEXEC) continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d", first ? "" : ",", fd);
        first = 0;
    }
    memcpy(text + len, "]}", 2);
    return answer(inv, FAAS_REPLY_VALUE, text, len + 2);
}

/* noisy: prints on standard output by itself, and answers with line feeds between its values. */
static faas_status noisy(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    printf("{\"printed\":true}\n");
    fflush(stdout);
    static const char text[] = "{\n  \"lines\": [\n    1,\n    \"a\\nb\"\n  ]\n}\n";
    return answer(inv, FAAS_REPLY_RAW, text, sizeof text - 1);
}

/* picture: an HTTP reply with bytes, repeated headers and cookies. */
static faas_status picture(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes type = LITERAL("content-type"), png = LITERAL("image/png"), name = LITERAL("x-twice");
    faas_bytes one = LITERAL("1"), two = LITERAL("2"), none = {NULL, 0}, a = LITERAL("a=1"), b = LITERAL("b=2; Path=/");
    host->add(inv, FAAS_LIST_REPLY_HEADER, type, png);
    host->add(inv, FAAS_LIST_REPLY_HEADER, name, one);
    host->add(inv, FAAS_LIST_REPLY_HEADER, name, two);
    host->add(inv, FAAS_LIST_REPLY_COOKIE, none, a);
    host->add(inv, FAAS_LIST_REPLY_COOKIE, none, b);
    return answer(inv, 201, "\x89PNG", 4);
}

FUNCTION_ENTRY(told, "told", 0, FAAS_PHASE_BIT(FAAS_FUNCTION_START), told, told_phase);
FUNCTION_ENTRY(hold, "hold", FAAS_IS_BLOCKING | FAAS_IS_REENTRANT, 0, hold, NULL);
FUNCTION_ENTRY(descriptors, "descriptors", 0, 0, descriptors, NULL);
FUNCTION_ENTRY(noisy, "noisy", 0, 0, noisy, NULL);
FUNCTION_ENTRY(picture, "picture", 0, 0, picture, NULL);

static const faas_function *const functions[] = {&told_entry, &hold_entry, &descriptors_entry, &noisy_entry,
                                                 &picture_entry};

MODULE("action", .version = LITERAL("1"))
