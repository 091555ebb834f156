/* HTTP/1.1 as the floors need it: one buffer, whole messages, content-length and chunked. Included, not linked: a floor
 * is one file to the compiler. Knows nothing of what the messages mean. */
#ifndef WIRE_H
#define WIRE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Everything between `start` and `end` has been read and not been used. */
struct wire {
    int fd;
    char *bytes;
    size_t cap, start, end;
};

/* A whole message. The pointers hold until the next call of `receive`. */
struct message {
    const char *id; /* Lambda-Runtime-Aws-Request-Id */
    size_t id_len;
    char *body;
    size_t body_len;
    size_t size; /* of all of it, on the wire */
};

static int is_header(const char *line, const char *end, const char *name, size_t name_len)
{
    return (size_t)(end - line) > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0;
}

/* Makes room for `more` bytes behind `end`. */
static void reserve(struct wire *wire, size_t more)
{
    if (wire->cap - wire->end >= more)
        return;
    if (wire->start > 0) {
        memmove(wire->bytes, wire->bytes + wire->start, wire->end - wire->start);
        wire->end -= wire->start;
        wire->start = 0;
    }
    if (wire->cap - wire->end < more) {
        wire->cap = wire->end + more;
        wire->bytes = realloc(wire->bytes, wire->cap);
        if (!wire->bytes)
            _exit(70);
    }
}

/* Reads once; 0 at the end of the stream. */
static int fill(struct wire *wire, size_t want)
{
    ssize_t got;
    reserve(wire, want);
    do
        got = read(wire->fd, wire->bytes + wire->end, wire->cap - wire->end);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return 0;
    wire->end += (size_t)got;
    return 1;
}

/* Reads one message, and takes the one before out of the buffer. 0: the stream has ended. */
static int receive(struct wire *wire, struct message *message)
{
    size_t head = 0, length = 0, at, out;
    int chunked = 0;
    wire->start += message->size;
    memset(message, 0, sizeof *message);
    if (wire->start == wire->end)
        wire->start = wire->end = 0;
    for (;;) {
        char *begin = wire->bytes + wire->start;
        char *end = wire->end > wire->start ? memmem(begin, wire->end - wire->start, "\r\n\r\n", 4) : NULL;
        if (end) {
            head = (size_t)(end - begin) + 4;
            break;
        }
        if (!fill(wire, 16384))
            return 0;
    }
    size_t id_at = 0;
    for (char *line = wire->bytes + wire->start, *end = line + head - 2; line < end;) {
        char *eol = memchr(line, '\r', (size_t)(end - line));
        if (!eol)
            break;
        if (is_header(line, eol, "content-length", 14))
            length = strtoul(line + 15, NULL, 10);
        else if (is_header(line, eol, "transfer-encoding", 17))
            chunked = 1;
        else if (is_header(line, eol, "lambda-runtime-aws-request-id", 29)) {
            char *value = line + 30;
            while (*value == ' ')
                value++;
            id_at = (size_t)(value - wire->bytes) - wire->start;
            message->id_len = (size_t)(eol - value);
        }
        line = eol + 2;
    }
    if (!chunked) {
        while (wire->end - wire->start < head + length)
            if (!fill(wire, head + length - (wire->end - wire->start)))
                return 0;
        message->size = head + length;
    } else {
        /* Decoded in place: `at` reads, `out` writes, both counted from the message's first byte. */
        at = out = head;
        for (;;) {
            char *begin, *eol;
            while (!(begin = wire->bytes + wire->start,
                     eol = memmem(begin + at, wire->end - wire->start - at, "\r\n", 2)))
                if (!fill(wire, 65536))
                    return 0;
            size_t size = strtoul(begin + at, NULL, 16);
            at = (size_t)(eol - begin) + 2;
            while (wire->end - wire->start < at + size + 2)
                if (!fill(wire, size + 65536))
                    return 0;
            memmove(wire->bytes + wire->start + out, wire->bytes + wire->start + at, size);
            out += size;
            at += size + 2;
            if (size == 0)
                break;
        }
        length = out - head;
        message->size = at;
    }
    message->id = wire->bytes + wire->start + id_at;
    message->body = wire->bytes + wire->start + head;
    message->body_len = length;
    return 1;
}

#endif
