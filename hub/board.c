#include "board.h"

#include <pthread.h>
#include <stdlib.h>

struct board {
    pthread_mutex_t lock;
    struct figures f;
    _Atomic uint64_t beat_ms;
};

enum err board_new(struct board **out)
{
    struct board *b = calloc(1, sizeof *b);

    if (!b)
        return ERR_NOMEM;
    if (pthread_mutex_init(&b->lock, NULL)) {
        free(b);
        return ERR_NOMEM;
    }
    *out = b;
    return ERR_OK;
}

void board_free(struct board *b)
{
    if (!b)
        return;
    pthread_mutex_destroy(&b->lock);
    free(b);
}

void board_beat(struct board *b, uint64_t mono_ms)
{
    b->beat_ms = mono_ms;
}

uint64_t board_last_beat(const struct board *b)
{
    return b->beat_ms;
}

void board_write(struct board *b, const struct figures *f)
{
    pthread_mutex_lock(&b->lock);
    b->f = *f;
    pthread_mutex_unlock(&b->lock);
}

void board_read(struct board *b, struct figures *out)
{
    pthread_mutex_lock(&b->lock);
    *out = b->f;
    pthread_mutex_unlock(&b->lock);
}
