/* One function that does to its process what no function should. The event is a command:
 *
 *   hold PATH    writes the line "holding", stays until the file exists, replies "let go"; listens to cancel
 *   fail PATH    the same, and fails then
 *   spin         never ends, on the processor
 *   deaf         never ends, asleep, whatever it is told
 *   fork         leaves a child behind that sleeps for minutes, replies with its number
 *   mute         closes standard output
 *   print        writes to standard output, whatever that is now
 *   exit CODE    ends the process
 *   abort, segv  ends it by a signal
 *   torn PATH    a stream: sends "first", then as hold, sends "second"; deaf to cancel
 *
 * Anything else is its reply. At Close it writes the line "closed". In C, so that no SDK softens any of it. */

#define _POSIX_C_SOURCE 200809L
#include "instance.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void say(const char *text) {
    faas_bytes line = {(const uint8_t *)text, strlen(text)};
    host->emit(host->ctx, line);
}

static faas_status reply(faas_inv *inv, const char *text) {
    size_t len = strlen(text);
    char *copy = host->scratch(inv, len + 1, 1);
    if (!copy) return FAAS_E_INTERNAL;
    memcpy(copy, text, len);
    faas_buf body = {(const uint8_t *)copy, len, NULL, NULL};
    return host->reply(inv, FAAS_REPLY_RAW, body);
}

/* True once the file is there; false if the invocation is cancelled first, unless nobody listens. */
static int hold(faas_inv *inv, const char *path, int listens) {
    say("holding");
    struct timespec pause = {0, 1000000};
    while (access(path, F_OK) != 0) {
        if (listens && host->cancelled(inv)) return 0;
        nanosleep(&pause, NULL);
    }
    return 1;
}

static faas_status leave_a_child(faas_inv *inv) {
    pid_t child = fork();
    if (child < 0) return FAAS_E_INTERNAL;
    if (child == 0) {
        /* Whoever waits for the end of the outputs does not wait for this one: the runtime has copies of them, too. */
        for (int fd = 0; fd < 256; fd++) {
            struct stat found;
            if (fstat(fd, &found) == 0 && S_ISFIFO(found.st_mode)) close(fd);
        }
        sleep(600);
        _exit(0);
    }
    char number[24];
    snprintf(number, sizeof number, "%ld", (long)child);
    return reply(inv, number);
}

/* Little is written: nobody has to wait for room. */
static void heedless(void *arg, faas_status status) {
    (void)arg;
    (void)status;
}

static faas_status torn(faas_inv *inv, const char *path) {
    faas_status status = host->stream_begin(inv, FAAS_REPLY_RAW);
    if (status < 0) return status;
    static const char first[] = "first", second[] = "second";
    faas_buf chunk = {(const uint8_t *)first, sizeof first - 1, NULL, NULL};
    status = host->stream_write(inv, chunk, host->token(inv, heedless, NULL));
    if (status < 0) return status;
    hold(inv, path, 0);
    faas_buf rest = {(const uint8_t *)second, sizeof second - 1, NULL, NULL};
    return host->stream_write(inv, rest, host->token(inv, heedless, NULL));
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)tok;
    faas_bytes event = host->body(inv);
    char *command = host->scratch(inv, event.len + 1, 1);
    if (!command) return FAAS_E_INTERNAL;
    if (event.len) memcpy(command, event.ptr, event.len);
    char *rest = strchr(command, ' ');
    if (rest) *rest++ = 0;
    else rest = command + event.len;

    if (strcmp(command, "hold") == 0 || strcmp(command, "fail") == 0) {
        if (!hold(inv, rest, 1)) return FAAS_E_CANCELLED;
        if (command[0] == 'h') return reply(inv, "let go");
        faas_bytes kind = LITERAL("Function.Unruly"), words = LITERAL("as asked"), none = {NULL, 0};
        host->fail(inv, kind, words, none);
        return FAAS_E_USER;
    }
    if (strcmp(command, "torn") == 0) return torn(inv, rest);
    if (strcmp(command, "spin") == 0) {
        say("holding");
        for (volatile unsigned long turns = 0;; turns++) {
        }
    }
    if (strcmp(command, "deaf") == 0) {
        say("holding");
        struct timespec hour = {3600, 0};
        for (;;) nanosleep(&hour, NULL);
    }
    if (strcmp(command, "fork") == 0) return leave_a_child(inv);
    if (strcmp(command, "mute") == 0) close(1);
    if (strcmp(command, "print") == 0) {
        static const char line[] = "GET /printed HTTP/1.1\r\n\r\n";
        /* Fails where the descriptor is closed, which is what is wanted. */
        if (write(1, line, sizeof line - 1) < 0) return reply(inv, "closed");
    }
    if (strcmp(command, "exit") == 0) exit((int)strtol(rest, NULL, 10));
    if (strcmp(command, "abort") == 0) abort();
    if (strcmp(command, "segv") == 0) {
        volatile int *volatile nowhere = NULL;
        *nowhere = 1;
    }
    return reply(inv, command);
}

static faas_status phase(void *self, uint32_t which, faas_inv *inv, faas_tok *tok) {
    (void)self;
    (void)inv;
    (void)tok;
    if (which == FAAS_CLOSE) say("closed");
    return FAAS_OK;
}

static const faas_function function = {
    .size = sizeof(faas_function),
    .name = LITERAL("unruly"),
    .flags = FAAS_IS_BLOCKING | FAAS_IS_REENTRANT,
    .phases = FAAS_PHASE_BIT(FAAS_CLOSE),
    .create = create,
    .invoke = invoke,
    .phase = phase,
};
static const faas_function *const functions[] = {&function};

static const faas_module module = {
    .size = sizeof(faas_module),
    .magic = FAAS_MAGIC,
    .major = FAAS_MAJOR,
    .name = LITERAL("unruly"),
    .version = LITERAL("1"),
    .built_with = LITERAL("C11"),
    .functions = functions,
    .function_count = 1,
};

const faas_module *faas_module_v1(uint32_t host_major, uint32_t host_minor) {
    (void)host_major;
    (void)host_minor;
    return &module;
}
