#include <stdlib.h>
#include <string.h>

#include "lasting.h"
#include "machine.h"
#include "serve.h"

enum err quotas_new(struct quotas **out)
{
    struct quotas *q = calloc(1, sizeof *q);

    if (!q)
        return ERR_NOMEM;
    *out = q;
    return ERR_OK;
}

void quotas_free(struct quotas *q)
{
    struct usage *u;
    struct usage *next;

    if (!q)
        return;
    HASH_ITER (hh, q->each, u, next) {
        HASH_DEL(q->each, u);
        free(u);
    }
    free(q);
}

void quotas_forget(struct core *c)
{
    for (struct usage *u = c->quotas->each; u; u = u->hh.next) {
        u->messages = 0;
        u->bytes = 0;
        u->limits = (struct quota_limits){0};
        u->lasting = (struct lasting){0};
        u->changed = false;
    }
    c->quotas->changed = NULL;
    c->quotas->messages = 0;
}

struct usage *quota_usage(struct core *c, const uint8_t org[ID_BYTES])
{
    struct usage *u;

    HASH_FIND(hh, c->quotas->each, org, ID_BYTES, u);
    if (u)
        return u;
    if (!(u = calloc(1, sizeof *u)))
        return NULL;
    memcpy(u->org, org, ID_BYTES);
    HASH_ADD(hh, c->quotas->each, org, ID_BYTES, u);
    if (u->hh.tbl)
        return u;
    free(u);
    return NULL;
}

/* --- counting ------------------------------------------------------------------------------ */

/* Whose it is: an envelope its sender's, a receipt his whom it was made for: who sends and takes
 * back, or lets expire, pays for what the absent are left. NULL: nobody's. */
static const uint8_t *org_of(const struct item *it)
{
    return it->kind == DELIVER_ENVELOPE || it->kind == DELIVER_RECEIPT ? it->from : NULL;
}

enum err quota_count(struct core *c, const struct item *it)
{
    const uint8_t *org = org_of(it);
    struct usage *u;

    if (!org)
        return ERR_OK;
    if (!(u = quota_usage(c, org)))
        return ERR_NOMEM;
    u->messages += it->count;
    u->bytes += it->body_bytes;
    c->quotas->messages += it->count;
    if (c->quotas->messages > c->quotas->highest)
        c->quotas->highest = c->quotas->messages;
    return ERR_OK;
}

void quota_uncount(struct core *c, const struct item *it)
{
    const uint8_t *org = org_of(it);
    struct usage *u = NULL;

    if (org)
        HASH_FIND(hh, c->quotas->each, org, ID_BYTES, u);
    if (!u)
        return;
    u->messages -= it->count;
    u->bytes -= it->body_bytes;
    c->quotas->messages -= it->count;
}

/* --- limits -------------------------------------------------------------------------------- */

uint64_t *quota_limit(struct quota_limits *l, size_t i)
{
    uint64_t *const all[QUOTA_LIMITS] = {
        &l->messages, &l->bytes,     &l->inflight_messages, &l->inflight_bytes,
        &l->log_day,  &l->log_total, &l->circles_day,       &l->circles_total};

    return all[i];
}

struct quota_limits quota_limits_of(const struct core *c, const struct usage *u)
{
    const struct hub_conf *conf = c->conf;
    struct quota_limits standard = {0};
    struct quota_limits l = u->limits;

    if (conf)
        standard = (struct quota_limits){
            conf->quota_messages, conf->quota_bytes, conf->inflight_messages, conf->inflight_bytes,
            conf->log_day,        conf->log_total,   conf->circles_day,       conf->circles_total};
    for (size_t i = 0; i < QUOTA_LIMITS; i++) {
        uint64_t *one = quota_limit(&l, i);

        if (!conf)
            *one = UINT64_MAX;
        else if (!*one)
            *one = *quota_limit(&standard, i);
    }
    return l;
}

enum err quota_check(struct core *c, const uint8_t org[ID_BYTES], size_t count, size_t bytes)
{
    struct usage *u = quota_usage(c, org);
    struct quota_limits l;

    if (!u)
        return ERR_NOMEM;
    l = quota_limits_of(c, u);
    if (u->messages + count > l.messages || u->bytes + bytes > l.bytes) {
        c->quotas->sender_refused++;
        return ERR_SENDER_QUOTA;
    }
    if (c->conf && c->quotas->messages + count > c->conf->waiting_max) {
        c->quotas->hub_refused++;
        return ERR_HUB_QUOTA;
    }
    return ERR_OK;
}

/* What may be in flight is counted at the door. */
static enum err limits_tell(struct core *c, const struct usage *u)
{
    struct quota_limits l = quota_limits_of(c, u);
    struct parcel *p = calloc(1, sizeof *p);

    if (!p)
        return ERR_NOMEM;
    p->kind = PARCEL_LIMITS;
    memcpy(p->who.org, u->org, ID_BYTES);
    p->limits = (struct account_limits){
        l.inflight_messages < UINT32_MAX ? (uint32_t)l.inflight_messages : UINT32_MAX,
        l.inflight_bytes};
    return core_stage(c, p);
}

static enum err row_load(void *arg, struct span key, struct span row)
{
    struct core *c = arg;
    struct usage *u;

    if (key.len != ID_BYTES || row.len != QUOTA_ROW_BYTES)
        return ERR_CORRUPT;
    if (!(u = quota_usage(c, key.ptr)))
        return ERR_NOMEM;
    for (size_t i = 0; i < QUOTA_LIMITS; i++)
        *quota_limit(&u->limits, i) = be64_read(row.ptr + 8 * i);
    return ERR_OK;
}

enum err quotas_load(struct core *c, struct txn *t)
{
    enum err e =
        store_scan(t, TABLE_QUOTA, (struct span){0}, (struct span){0}, SIZE_MAX, row_load, c);

    return e ? e : lasting_load(c, t);
}

enum err quotas_announce(struct core *c)
{
    enum err e = ERR_OK;

    for (const struct usage *u = c->quotas->each; u && !e; u = u->hh.next)
        if (u->limits.inflight_messages || u->limits.inflight_bytes)
            e = limits_tell(c, u);
    return e;
}

void quota_row(const struct quota_limits *limits, uint8_t row[QUOTA_ROW_BYTES])
{
    struct quota_limits l = *limits;

    for (size_t i = 0; i < QUOTA_LIMITS; i++)
        be64_write(*quota_limit(&l, i), row + 8 * i);
}

enum err quota_set(struct core *c, const uint8_t org[ID_BYTES], const struct quota_limits *limits)
{
    struct usage *u = quota_usage(c, org);
    uint8_t row[QUOTA_ROW_BYTES];
    enum err e;

    if (!u)
        return ERR_NOMEM;
    quota_row(limits, row);
    if ((e = store_put(c->t, TABLE_QUOTA, span_of(org, ID_BYTES), SPAN_OF(row))))
        return e;
    u->limits = *limits; /* a failed commit reads it again */
    return limits_tell(c, u);
}

/* --- how near ------------------------------------------------------------------------------ */

unsigned quota_percent(const struct core *c, const struct usage *u)
{
    const struct quota_limits l = quota_limits_of(c, u);
    unsigned messages = percent_of(u->messages, l.messages);
    unsigned bytes = percent_of(u->bytes, l.bytes);

    return messages > bytes ? messages : bytes;
}

unsigned quota_hub_percent(const struct core *c)
{
    return c->conf ? percent_of(c->quotas->messages, c->conf->waiting_max) : 0;
}

unsigned quota_most(const struct core *c,
                    unsigned (*percent)(const struct core *c, const struct usage *u))
{
    unsigned most = 0;

    for (const struct usage *u = c->quotas->each; u; u = u->hh.next) {
        unsigned one = percent(c, u);

        most = one > most ? one : most;
    }
    return most;
}
