/* What attachments there are, whose they are, and who may fetch them. */
#include <stdlib.h>
#include <string.h>

#include "attachments_internal.h"

struct held_attachment *held_find(struct attachments *a, const uint8_t *address)
{
    struct held_attachment *h;

    HASH_FIND(hh, a->held, address, ATTACHMENT_ADDRESS_BYTES, h);
    return h;
}

enum err held_add(struct attachments *a, const struct attfile_facts *facts, bool whole)
{
    struct held_attachment *h = calloc(1, sizeof *h);

    if (!h)
        return ERR_NOMEM;
    h->facts = *facts;
    h->whole = whole;
    HASH_ADD(hh, a->held, facts.address, ATTACHMENT_ADDRESS_BYTES, h);
    if (!h->hh.tbl) {
        free(h);
        return ERR_NOMEM;
    }
    a->bytes += facts->size;
    return ERR_OK;
}

void held_drop(struct attachments *a, struct held_attachment *h)
{
    a->bytes -= h->facts.size;
    HASH_DEL(a->held, h);
    free(h->refs);
    free(h);
}

enum err held_room(struct attachments *a, const uint8_t owner[ID_BYTES], uint64_t size)
{
    struct held_attachment *h;
    struct held_attachment *next;
    uint64_t his = 0;

    HASH_ITER (hh, a->held, h, next)
        if (memcmp(h->facts.owner, owner, ID_BYTES) == 0)
            his += h->facts.size;
    if (size > a->o.max_bytes || a->bytes > a->o.max_bytes - size || size > a->o.quota_bytes ||
        his > a->o.quota_bytes - size) {
        a->refused++;
        return ERR_ATTACHMENT_QUOTA;
    }
    return ERR_OK;
}

enum err attachments_check(struct attachments *a, const uint8_t address[ATTACHMENT_ADDRESS_BYTES],
                           uint64_t size, const uint8_t owner[ID_BYTES])
{
    struct held_attachment *h;
    enum err e = ERR_ATTACHMENT_MISSING;

    if (!a)
        return e;
    pthread_mutex_lock(&a->lock);
    h = held_find(a, address);
    if (h && h->whole && h->going == STAYS && h->facts.size == size &&
        memcmp(h->facts.owner, owner, ID_BYTES) == 0)
        e = ERR_OK;
    pthread_mutex_unlock(&a->lock);
    return e;
}

static enum err refer(struct held_attachment *h, const struct attachment_ref *ref)
{
    struct attachment_ref *more;

    for (size_t i = 0; i < h->count; i++)
        if (memcmp(h->refs[i].org, ref->org, ID_BYTES) == 0) {
            h->refs[i] = *ref;
            return ERR_OK;
        }
    if (!(more = realloc(h->refs, (h->count + 1) * sizeof *more)))
        return ERR_NOMEM;
    h->refs = more;
    h->refs[h->count++] = *ref;
    return ERR_OK;
}

enum err attachments_refer(struct attachments *a, const uint8_t address[ATTACHMENT_ADDRESS_BYTES],
                           const struct attachment_ref *ref)
{
    struct held_attachment *h;
    enum err e = ERR_NOT_FOUND;

    pthread_mutex_lock(&a->lock);
    if ((h = held_find(a, address)))
        e = refer(h, ref);
    pthread_mutex_unlock(&a->lock);
    return e;
}

void attachments_forget(struct attachments *a)
{
    struct held_attachment *h;
    struct held_attachment *next;

    pthread_mutex_lock(&a->lock);
    HASH_ITER (hh, a->held, h, next) {
        h->count = 0;
        h->going = h->going == GOING ? STAYS : h->going;
    }
    pthread_mutex_unlock(&a->lock);
}

enum err attachments_may(struct attachments *a, const uint8_t address[ATTACHMENT_ADDRESS_BYTES],
                         const uint8_t org[ID_BYTES], struct attachment_ref *ref)
{
    struct held_attachment *h;
    enum err e = ERR_NOT_FOUND;

    *ref = (struct attachment_ref){0};
    pthread_mutex_lock(&a->lock);
    if ((h = held_find(a, address)) && h->going != GOES)
        e = memcmp(h->facts.owner, org, ID_BYTES) == 0 ? ERR_OK : ERR_ATTACHMENT_RIGHT;
    for (size_t i = 0; e == ERR_ATTACHMENT_RIGHT && i < h->count; i++)
        if (memcmp(h->refs[i].org, org, ID_BYTES) == 0) {
            *ref = h->refs[i];
            e = ERR_OK;
        }
    pthread_mutex_unlock(&a->lock);
    return e;
}

/* Unsent, for a day; or sent, and nobody waits for it any more. */
static bool may_go(const struct held_attachment *h, uint64_t now_ms)
{
    if (h->going != STAYS)
        return false;
    if (h->count == 0)
        return now_ms > h->facts.made_ms && now_ms - h->facts.made_ms > ATTACHMENT_UNCLAIMED_MS;
    for (size_t i = 0; i < h->count; i++)
        if (!h->refs[i].done && h->refs[i].until_ms >= now_ms)
            return false;
    return true;
}

enum err attachments_next_gone(struct attachments *a, uint64_t now_ms, struct attachment_gone *out)
{
    struct held_attachment *h;
    struct held_attachment *next;
    enum err e = ERR_NOT_FOUND;

    pthread_mutex_lock(&a->lock);
    HASH_ITER (hh, a->held, h, next) {
        if (!may_go(h, now_ms))
            continue;
        *out = (struct attachment_gone){
            .number = h->facts.number, .size = h->facts.size, .was_sent = h->count > 0};
        memcpy(out->address, h->facts.address, sizeof out->address);
        memcpy(out->owner, h->facts.owner, ID_BYTES);
        for (size_t i = 0; i < h->count; i++)
            if (!h->refs[i].done && out->count < sizeof out->waiting / sizeof out->waiting[0])
                out->waiting[out->count++] = h->refs[i];
        h->going = GOING;
        e = ERR_OK;
        break;
    }
    pthread_mutex_unlock(&a->lock);
    return e;
}

void attachments_committed(struct attachments *a)
{
    struct held_attachment *h;
    struct held_attachment *next;
    bool wake = false;

    pthread_mutex_lock(&a->lock);
    HASH_ITER (hh, a->held, h, next)
        if (h->going == GOING) {
            h->going = GOES;
            wake = true;
        }
    pthread_mutex_unlock(&a->lock);
    if (wake)
        fair_wake(a->in);
}

struct attachments_use attachments_use(struct attachments *a)
{
    struct attachments_use u = {0};
    struct held_attachment *h;
    struct held_attachment *next;

    if (!a)
        return u;
    pthread_mutex_lock(&a->lock);
    HASH_ITER (hh, a->held, h, next) {
        u.count++;
        u.whole += h->whole;
    }
    u.bytes = a->bytes;
    u.removed = a->removed;
    u.refused = a->refused;
    pthread_mutex_unlock(&a->lock);
    return u;
}
