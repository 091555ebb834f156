/* Functions that show the tests of Function Compute what they could not see from outside: what a call is told, in which
 * phase an instance is, what becomes of a reply's headers. */

#define _POSIX_C_SOURCE 200809L
#include "../c/instance.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void emit(const char *text) {
    faas_bytes line = {(const uint8_t *)text, strlen(text)};
    host->emit(host->ctx, line);
}

static faas_status answer(faas_inv *inv, uint32_t code, const char *text, size_t len) {
    char *copy = host->scratch(inv, len + 1, 1);
    if (!copy) return FAAS_E_INTERNAL;
    memcpy(copy, text, len);
    faas_buf body = {(const uint8_t *)copy, len, NULL, NULL};
    return host->reply(inv, code, body);
}

/* told: a line of the event is m and a key of meta, n and a key of num, p and a name of the platform's list, h and a name
 * of a request's header. The lines of the reply are the values, of the lists as many as there are. */
static size_t values(const faas_inv *inv, uint32_t list, const char *name, char *out, size_t room) {
    size_t used = 0;
    for (size_t index = 0; index < host->count(inv, list); index++) {
        faas_pair pair;
        if (host->at(inv, list, index, &pair) != FAAS_OK || pair.name.len != strlen(name)) continue;
        int same = 1;
        for (size_t at = 0; at < pair.name.len; at++) same &= ((pair.name.ptr[at] | 32) == ((uint8_t)name[at] | 32));
        if (!same || used + pair.value.len + 1 >= room) continue;
        if (pair.value.len) memcpy(out + used, pair.value.ptr, pair.value.len);
        used += pair.value.len;
        out[used++] = ';';
    }
    return used;
}

static faas_status told(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes body = host->body(inv);
    char *asked = host->scratch(inv, body.len + 1, 1);
    size_t room = 16384, used = 0;
    char *out = host->scratch(inv, room, 1);
    if (!asked || !out) return FAAS_E_INTERNAL;
    if (body.len) memcpy(asked, body.ptr, body.len);
    asked[body.len] = 0;
    char *rest = asked;
    while (*rest && used + 64 < room) {
        char *line = rest;
        rest = strchr(line, '\n');
        rest = rest ? (*rest = 0, rest + 1) : line + strlen(line);
        if (*line == 'm') {
            faas_bytes text = host->meta(inv, (uint32_t)atoi(line + 1));
            if (text.len && used + text.len < room) memcpy(out + used, text.ptr, text.len), used += text.len;
        } else if (*line == 'n') {
            used += (size_t)snprintf(out + used, room - used, "%llu", (unsigned long long)host->num(inv, (uint32_t)atoi(line + 1)));
        } else {
            used += values(inv, *line == 'p' ? FAAS_LIST_PLATFORM : FAAS_LIST_HEADER, line + 1, out + used, room - used - 1);
        }
        out[used++] = '\n';
    }
    return answer(inv, FAAS_REPLY_RAW, out, used);
}

/* life: writes a line for each phase. FunctionStart fails where LIFE_FAILS is set; Close stays until the file is there
 * that LIFE_FILE names, and says when it is over. */
static faas_status life(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    static const char *const names[] = {"RuntimeStart", "FunctionStart", "Invoke", "Close", "Suspend", "Resume"};
    (void)self;
    (void)tok;
    char line[64];
    snprintf(line, sizeof line, "life %s", phase < 6 ? names[phase] : "?");
    emit(line);
    if (phase == FAAS_FUNCTION_START && getenv("LIFE_FAILS")) {
        faas_bytes kind = LITERAL("Life.Failed"), words = LITERAL("no life without water"), none = {NULL, 0};
        host->fail(inv, kind, words, none);
        return FAAS_E_USER;
    }
    const char *file = getenv("LIFE_FILE");
    struct timespec pause = {0, 1000000};
    while (phase == FAAS_CLOSE && file && access(file, F_OK) != 0) nanosleep(&pause, NULL);
    if (phase == FAAS_CLOSE) emit("life is over");
    return FAAS_OK;
}

static faas_status alive(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    emit("life Invoke");
    return answer(inv, FAAS_REPLY_RAW, "alive", 5);
}

/* headers: sets some that are not a function's to set. */
static faas_status headers(void *self, faas_inv *inv, faas_tok *tok) {
    static const char *const pairs[][2] = {{"X-Fc-Status", "404"}, {"x-fc-request-id", "own"}, {"Connection", "close"},
                                           {"Keep-Alive", "1"},    {"x-own", "1"},             {"X-Own", "2"}};
    (void)self;
    (void)tok;
    for (size_t index = 0; index < sizeof pairs / sizeof pairs[0]; index++) {
        faas_bytes name = {(const uint8_t *)pairs[index][0], strlen(pairs[index][0])};
        faas_bytes value = {(const uint8_t *)pairs[index][1], strlen(pairs[index][1])};
        host->add(inv, FAAS_LIST_REPLY_HEADER, name, value);
    }
    return answer(inv, 418, "tea", 3);
}

#define PHASES                                                                                                         \
    (FAAS_PHASE_BIT(FAAS_FUNCTION_START) | FAAS_PHASE_BIT(FAAS_CLOSE) | FAAS_PHASE_BIT(FAAS_SUSPEND) |                \
     FAAS_PHASE_BIT(FAAS_RESUME))

FUNCTION_ENTRY(told, "told", FAAS_IS_REENTRANT, 0, told, NULL);
FUNCTION_ENTRY(life, "life", FAAS_IS_BLOCKING, PHASES, alive, life);
FUNCTION_ENTRY(headers, "headers", FAAS_IS_REENTRANT, 0, headers, NULL);

static const faas_function *const functions[] = {&told_entry, &life_entry, &headers_entry};

MODULE("fc", .version = LITERAL("1"))
