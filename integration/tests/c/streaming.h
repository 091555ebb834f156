/* A part of a stream, for the tests' functions in C: written so that the call returns when there is room for the next. */

#include <pthread.h>
#include <stdlib.h>

/* A wait for room in a stream. Never freed: its token may come late. */
struct room {
    pthread_mutex_t lock;
    pthread_cond_t there;
    int done;
    faas_status status;
};

static void room_there(void *arg, faas_status status) {
    struct room *room = arg;
    pthread_mutex_lock(&room->lock);
    room->done = 1;
    room->status = status;
    pthread_cond_signal(&room->there);
    pthread_mutex_unlock(&room->lock);
}

static faas_status write_chunk(faas_inv *inv, faas_buf chunk) {
    struct room *room = calloc(1, sizeof *room);
    pthread_mutex_init(&room->lock, NULL);
    pthread_cond_init(&room->there, NULL);
    faas_status status = host->stream_write(inv, chunk, host->token(inv, room_there, room));
    if (status != FAAS_PENDING) return status;
    pthread_mutex_lock(&room->lock);
    while (!room->done) pthread_cond_wait(&room->there, &room->lock);
    status = room->status;
    pthread_mutex_unlock(&room->lock);
    return status;
}

static inline faas_status write_part(faas_inv *inv, const void *bytes, size_t len) {
    return write_chunk(inv, (faas_buf){bytes, len, NULL, NULL});
}
