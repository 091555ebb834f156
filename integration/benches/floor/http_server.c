/* The least an HTTP server can do: one thread, epoll, keep-alive, one text for every request. epoll and not poll, since
 * a floor is to be the best there is, and poll grows with idle connections. PORT names the port. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT "hello, world\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\n" TEXT

struct client {
    int fd;
    size_t len;
    char bytes[8192];
};

static void hang_up(struct client *client)
{
    close(client->fd);
    free(client);
}

/* Answers every request that is whole. 0: the client is gone, or sends what a floor does not know (a body). */
static int serve(struct client *client)
{
    size_t used = 0;
    ssize_t got = read(client->fd, client->bytes + client->len, sizeof client->bytes - client->len);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    client->len += (size_t)got;
    for (char *end; (end = memmem(client->bytes + used, client->len - used, "\r\n\r\n", 4));) {
        used = (size_t)(end - client->bytes) + 4;
        if (write(client->fd, ANSWER, sizeof ANSWER - 1) != (ssize_t)sizeof ANSWER - 1)
            return 0;
    }
    memmove(client->bytes, client->bytes + used, client->len - used);
    client->len -= used;
    return client->len < sizeof client->bytes;
}

int main(void)
{
    const char *port = getenv("PORT");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN}, ready[256];
    int one = 1, epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address.sin_port = htons((uint16_t)(port ? atoi(port) : 8080));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024))
        return 2;
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, ready, 256, -1);
        for (int index = 0; index < count; index++) {
            struct client *client = ready[index].data.ptr;
            if (client) {
                if (!serve(client))
                    hang_up(client);
                continue;
            }
            for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
                client = malloc(sizeof *client);
                if (!client)
                    return 3;
                client->fd = fd;
                client->len = 0;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                struct epoll_event added = {.events = EPOLLIN, .data.ptr = client};
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &added);
            }
        }
    }
}
