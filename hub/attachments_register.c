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

static struct att_owner *owner_of(struct attachments *a, const uint8_t org[ID_BYTES], bool make)
{
    struct att_owner *o;

    HASH_FIND(hh, a->owners, org, ID_BYTES, o);
    if (o || !make || !(o = calloc(1, sizeof *o)))
        return o;
    memcpy(o->org, org, ID_BYTES);
    HASH_ADD(hh, a->owners, org, ID_BYTES, o);
    if (!o->hh.tbl) {
        free(o);
        return NULL;
    }
    return o;
}

enum err held_add(struct attachments *a, const struct attfile_facts *facts, bool whole)
{
    struct att_owner *o = owner_of(a, facts->owner, true);
    struct held_attachment *h = o ? calloc(1, sizeof *h) : NULL;

    if (!h)
        return ERR_NOMEM;
    h->facts = *facts;
    h->whole = whole;
    h->owner = o;
    HASH_ADD(hh, a->held, facts.address, ATTACHMENT_ADDRESS_BYTES, h);
    if (!h->hh.tbl) {
        free(h);
        return ERR_NOMEM;
    }
    a->bytes += ATTACHMENT_COST(facts->size);
    o->bytes += ATTACHMENT_COST(facts->size);
    return ERR_OK;
}

void held_drop(struct attachments *a, struct held_attachment *h)
{
    a->bytes -= ATTACHMENT_COST(h->facts.size);
    h->owner->bytes -= ATTACHMENT_COST(h->facts.size);
    HASH_DEL(a->held, h);
    free(h->refs);
    free(h);
}

void owners_free(struct attachments *a)
{
    struct att_owner *o;
    struct att_owner *next;

    HASH_ITER (hh, a->owners, o, next) {
        HASH_DEL(a->owners, o);
        free(o);
    }
}

enum err held_room(struct attachments *a, const uint8_t owner[ID_BYTES], uint64_t size)
{
    const struct att_owner *o = owner_of(a, owner, false);
    uint64_t cost = ATTACHMENT_COST(size);
    uint64_t his = o ? o->bytes : 0;

    if (cost > a->o.max_bytes || a->bytes > a->o.max_bytes - cost || cost > a->o.quota_bytes ||
        his > a->o.quota_bytes - cost) {
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
            e = ref->grants ? ERR_OK : ERR_ATTACHMENT_RIGHT;
            break;
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
    struct att_owner *o;
    struct att_owner *after;

    if (!a)
        return u;
    pthread_mutex_lock(&a->lock);
    HASH_ITER (hh, a->held, h, next) {
        u.count++;
        u.whole += h->whole;
    }
    HASH_ITER (hh, a->owners, o, after)
        u.fullest_bytes = o->bytes > u.fullest_bytes ? o->bytes : u.fullest_bytes;
    u.bytes = a->bytes;
    u.max_bytes = a->o.max_bytes;
    u.quota_bytes = a->o.quota_bytes;
    u.removed = a->removed;
    u.refused = a->refused;
    u.strangers = a->strangers;
    pthread_mutex_unlock(&a->lock);
    return u;
}
