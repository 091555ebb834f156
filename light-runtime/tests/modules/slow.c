/* A function that goes on when the test says so, for the tests of the server.
 *
 * Each invocation connects to the Unix socket named by the configuration (a JSON string) and sends its path and a line
 * end: that is how a test knows that it runs. Then the path says what it does:
 *   /hold    answers when a byte comes; when it is cancelled, sends "cancelled <reason>\n" and fails
 *   /hang    as /hold, deaf to cancel
 *   /stream  begins a stream, writes "first;", and after a byte "second;"
 *   /broken  begins a stream, writes "first;", and after a byte fails
 * late: answers at once; after the response it connects, sends "replied\n" and waits for a byte. */
#include "faas.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT(s) ((faas_bytes){(const uint8_t *)(s), sizeof(s) - 1})

static const faas_host *host;
static struct sockaddr_un gate = {.sun_family = AF_UNIX};

static faas_status create(const faas_host *given, faas_bytes config, void **self, faas_buf *why) {
    host = given;
    *self = NULL;
    if (config.len < 3 || config.len - 2 >= sizeof gate.sun_path) {
        static const uint8_t text[] = "expected the path of a socket as configuration";
        *why = (faas_buf){text, sizeof text - 1, NULL, NULL};
        return FAAS_E_INVALID;
    }
    memcpy(gate.sun_path, config.ptr + 1, config.len - 2);
    return FAAS_OK;
}

/* Little is written: nobody has to wait for room. */
static void heedless(void *arg, faas_status status) {
    (void)arg;
    (void)status;
}

static faas_status write_text(faas_inv *inv, const char *text) {
    faas_buf chunk = {(const uint8_t *)text, strlen(text), NULL, NULL};
    return host->stream_write(inv, chunk, host->token(inv, heedless, NULL));
}

/* Waits for a byte. 0: cancelled. */
static int wait_for_it(faas_inv *inv, int fd, int deaf) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char byte;
    while (poll(&ready, 1, 2) == 0)
        if (!deaf && host->cancelled(inv)) {
            dprintf(fd, "cancelled %u\n", host->cancelled(inv));
            return 0;
        }
    return read(fd, &byte, 1) >= 0;
}

static faas_status run(faas_inv *inv, int fd, faas_bytes path) {
    if (path.len > 1 && path.ptr[1] == 'h')
        return wait_for_it(inv, fd, path.ptr[2] == 'a') ? host->reply(inv, 200, (faas_buf){path.ptr, path.len, NULL, NULL})
                                                        : FAAS_E_CANCELLED;
    host->set(inv, FAAS_LIST_REPLY_HEADER, TEXT("content-type"), TEXT("text/plain"));
    faas_status status = host->stream_begin(inv, 200);
    if (status == FAAS_OK)
        status = write_text(inv, "first;");
    if (status != FAAS_OK || !wait_for_it(inv, fd, 1))
        return FAAS_E_CANCELLED;
    return path.ptr[1] == 's' ? write_text(inv, "second;") : FAAS_E_USER;
}

static faas_status invoke(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    faas_bytes path = host->meta(inv, FAAS_META_PATH);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&gate, sizeof gate) != 0)
        return FAAS_E_INTERNAL;
    dprintf(fd, "%.*s\n", (int)path.len, (const char *)path.ptr);
    faas_status status = run(inv, fd, path);
    close(fd);
    return status;
}

static faas_status reply_at_once(void *self, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)tok;
    return host->reply(inv, 204, (faas_buf){0});
}

static faas_status replied(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase, (void)tok;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&gate, sizeof gate) != 0)
        return FAAS_E_INTERNAL;
    dprintf(fd, "replied\n");
    wait_for_it(inv, fd, 1);
    close(fd);
    return FAAS_OK;
}

static const faas_function late = {
    .size = sizeof late,
    .name = {(const uint8_t *)"late", 4},
    .flags = FAAS_IS_REENTRANT,
    .phases = FAAS_PHASE_BIT(FAAS_REPLIED),
    .create = create,
    .invoke = reply_at_once,
    .phase = replied,
};
static const faas_function slow = {
    .size = sizeof slow,
    .name = {(const uint8_t *)"slow", 4},
    .flags = FAAS_IS_REENTRANT,
    .create = create,
    .invoke = invoke,
};
static const faas_function *const functions[] = {&slow, &late};
static const faas_module module = {
    .size = sizeof module,
    .magic = FAAS_MAGIC,
    .major = FAAS_MAJOR,
    .name = {(const uint8_t *)"slow", 4},
    .functions = functions,
    .function_count = 2,
};

const faas_module *faas_module_v1(uint32_t major, uint32_t minor) {
    (void)minor;
    return major == FAAS_MAJOR ? &module : NULL;
}
