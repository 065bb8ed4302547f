#include "session_table.h"

#include <stdlib.h>
#include <string.h>

struct session *session_find(struct session *all, const uint8_t node[ID_BYTES])
{
    struct session *s;

    HASH_FIND(hh, all, node, ID_BYTES, s);
    return s;
}

struct session *session_make(struct session **all, const struct member *who)
{
    struct session *s = session_find(*all, who->node);

    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    memcpy(s->node, who->node, sizeof s->node);
    s->who = *who;
    s->waiting_end = &s->waiting;
    HASH_ADD(hh, *all, node, ID_BYTES, s);
    if (s->hh.tbl)
        return s;
    free(s);
    return NULL;
}

void session_drop_waiting(struct session *s)
{
    while (s->waiting) {
        struct waiting *w = s->waiting;

        s->waiting = w->next;
        parcel_free(w->parcel);
        free(w);
    }
    s->waiting_end = &s->waiting;
    s->waiting_count = 0;
    s->waiting_bytes = 0;
}

enum err session_wait(struct session *s, struct parcel *p)
{
    size_t bytes = sizeof *p + p->frame.len;
    struct waiting *w = NULL;

    if (s->waiting_bytes + bytes > WAITING_BYTES_MAX || !(w = calloc(1, sizeof *w))) {
        parcel_free(p);
        return s->waiting_bytes + bytes > WAITING_BYTES_MAX ? ERR_FULL : ERR_NOMEM;
    }
    w->parcel = p;
    *s->waiting_end = w;
    s->waiting_end = &w->next;
    s->waiting_count++;
    s->waiting_bytes += bytes;
    return ERR_OK;
}

void sessions_free(struct session **all)
{
    struct session *s;
    struct session *next;

    HASH_ITER (hh, *all, s, next) {
        HASH_DEL(*all, s);
        session_drop_waiting(s);
        free(s);
    }
}

static void bucket_fill(struct bucket *b, uint64_t now_ms, uint32_t rate, uint32_t burst)
{
    if (now_ms > b->filled_ms) {
        b->tokens += (double)(now_ms - b->filled_ms) * rate / 1000.0;
        b->filled_ms = now_ms;
    }
    if (!b->begun || b->tokens > burst)
        b->tokens = burst;
    b->begun = true;
}

bool bucket_take(struct bucket *b, uint64_t now_ms, uint32_t rate, uint32_t burst, uint32_t tokens)
{
    bucket_fill(b, now_ms, rate, burst);
    if (b->tokens < tokens)
        return false;
    b->tokens -= tokens;
    return true;
}

uint64_t bucket_owe_ms(struct bucket *b, uint64_t now_ms, uint32_t rate, uint32_t burst,
                       uint32_t tokens, uint32_t most_ms)
{
    double least = -(double)most_ms * rate / 1000.0;

    bucket_fill(b, now_ms, rate, burst);
    b->tokens -= tokens;
    if (b->tokens < least)
        b->tokens = least;
    return b->tokens < 0 ? (uint64_t)(-b->tokens * 1000.0 / rate) : 0;
}

void bucket_drain(struct bucket *b, uint64_t until_ms)
{
    *b = (struct bucket){.filled_ms = until_ms, .begun = true};
}
