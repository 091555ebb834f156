/* The least a process can do on AWS' Runtime API: ask, echo, ask again. No error handling, no log, no deadlines: what a
 * runtime costs is what it costs above this.
 *
 *   -DPIPELINED    the answer and the next poll in one write
 *   -DWITH_MODULE  the answer comes from the shared library FLOOR_MODULE, through the smallest host that faas.h allows
 *   -DWITH_PLAIN   the answer comes from the shared library FLOOR_MODULE, which knows nothing of faas.h
 */
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifdef WITH_MODULE
#include "module_host.h"
#define LOADS
#endif
#ifdef WITH_PLAIN
#include "plain_host.h"
#define LOADS
#endif

#define NEXT "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: "

static int connect_to(const char *endpoint)
{
    char host[64];
    const char *colon = strchr(endpoint, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!colon || (size_t)(colon - endpoint) >= sizeof host)
        return -1;
    memcpy(host, endpoint, (size_t)(colon - endpoint));
    host[colon - endpoint] = 0;
    address.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static int send_all(int fd, struct iovec *parts, int count)
{
    while (count > 0) {
        ssize_t sent = writev(fd, parts, count);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return 0;
        while (count > 0 && (size_t)sent >= parts->iov_len) {
            sent -= (ssize_t)parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + sent;
            parts->iov_len -= (size_t)sent;
        }
    }
    return 1;
}

static char *put(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static char *put_number(char *at, size_t number)
{
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *at++ = digits[--count];
    return at;
}

int main(void)
{
    const char *endpoint = getenv("AWS_LAMBDA_RUNTIME_API");
    char next[256], head[512];
    struct wire wire = {0};
    struct message message = {0};
    if (!endpoint || strlen(endpoint) > 64)
        return 2;
#ifdef LOADS
    struct module module;
    if (!load(&module, getenv("FLOOR_MODULE")))
        return 3;
#endif
    wire.fd = connect_to(endpoint);
    if (wire.fd < 0)
        return 4;
    char *end = PUT(next, NEXT);
    end = put(end, endpoint, strlen(endpoint));
    end = PUT(end, "\r\n\r\n");
    struct iovec poll = {next, (size_t)(end - next)};
    struct iovec first = poll;
    if (!send_all(wire.fd, &first, 1))
        return 5;
    for (;;) {
        if (!receive(&wire, &message) || message.id_len > 128)
            return 6;
        const char *body = message.body;
        size_t body_len = message.body_len;
#ifdef LOADS
        struct call call;
        if (!answer(&module, &call, message.body, message.body_len))
            return 7;
        body = (const char *)call.reply.ptr;
        body_len = call.reply.len;
#endif
        end = PUT(head, "POST /2018-06-01/runtime/invocation/");
        end = put(end, message.id, message.id_len);
        end = PUT(end, "/response HTTP/1.1\r\nHost: ");
        end = put(end, endpoint, strlen(endpoint));
        end = PUT(end, "\r\nContent-Type: application/json\r\nContent-Length: ");
        end = put_number(end, body_len);
        end = PUT(end, "\r\n\r\n");
        struct iovec parts[3] = {{head, (size_t)(end - head)}, {(char *)(uintptr_t)body, body_len}, poll};
#ifdef PIPELINED
        if (!send_all(wire.fd, parts, 3))
            return 8;
#else
        if (!send_all(wire.fd, parts, 2))
            return 8;
#endif
#ifdef LOADS
        finish(&call);
#endif
        if (!receive(&wire, &message))
            return 9;
#ifndef PIPELINED
        first = poll;
        if (!send_all(wire.fd, &first, 1))
            return 10;
#endif
    }
}
