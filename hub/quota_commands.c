/* Commands about what an organisation may use, and about a node that was locked out. */
#include <inttypes.h>
#include <string.h>

#include "lasting.h"
#include "operator.h"

#define MIB (UINT64_C(1) << 20)
#define DIGITS_MAX 15

/* "20000", "64k", "20m", "2g". ERR_RANGE: anything else, and 0. */
static enum err amount(const char *text, uint64_t *out)
{
    static const char units[] = "kmg";
    size_t n = strspn(text, "0123456789");
    const char *unit = text[n] ? strchr(units, text[n]) : NULL;
    uint64_t v = 0;

    if (n == 0 || n > DIGITS_MAX || (text[n] && (!unit || text[n + 1])))
        return ERR_RANGE;
    for (size_t i = 0; i < n; i++)
        v = 10 * v + (uint64_t)(text[i] - '0');
    if (unit)
        v <<= 10 * (unit - units + 1);
    if (v == 0 || v > INT64_MAX)
        return ERR_RANGE;
    *out = v;
    return ERR_OK;
}

static enum err limit_read(const struct asked *a, const char *name, uint64_t *out)
{
    const char *text = arg_text(a, name);

    return *text ? amount(text, out) : ERR_OK;
}

/* Less holds no message worth sending: somebody forgot the unit. The same as hub.conf. */
#define QUOTA_BYTES_LEAST (UINT64_C(1) << 20)

/* In the order of quota_limit(). */
static const char *const limit_names[QUOTA_LIMITS] = {
    "messages", "bytes",     "inflight-messages", "inflight-bytes",
    "log-day",  "log-total", "circles-day",       "circles-total"};

static enum err limits_read(const struct asked *a, struct quota_limits *l)
{
    enum err e = ERR_OK;

    if (arg_flag(a, "standard"))
        *l = (struct quota_limits){0};
    for (size_t i = 0; i < QUOTA_LIMITS && !e; i++)
        e = limit_read(a, limit_names[i], quota_limit(l, i));
    return e;
}

static enum err lasting_say(struct asked *a, const struct usage *u, const struct quota_limits *l,
                            json_t *about)
{
    const struct lasting *now = &u->lasting;
    bool same_day = now->day == a->c->now_ms / LASTING_DAY_MS;
    uint64_t bytes = same_day ? now->day_bytes : 0;
    uint64_t circles = same_day ? now->day_circles : 0;
    json_t *log =
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "day_bytes", (json_int_t)bytes,
                  "day_max", (json_int_t)l->log_day, "bytes", (json_int_t)now->bytes, "max",
                  (json_int_t)l->log_total, "day_circles", (json_int_t)circles, "day_circles_max",
                  (json_int_t)l->circles_day, "circles", (json_int_t)now->circles, "circles_max",
                  (json_int_t)l->circles_total, "percent", (json_int_t)lasting_percent(a->c, u));

    if (json_object_set_new(about, "log", log))
        return ERR_NOMEM;
    return bytes_printf(&a->text,
                        "    au journal   aujourd'hui %" PRIu64 " Mio sur %" PRIu64 ", %" PRIu64
                        " cercles sur %" PRIu64 " ; en tout %" PRIu64 " Mio sur %" PRIu64
                        ", %" PRIu64 " cercles sur %" PRIu64 "\n",
                        bytes / MIB, l->log_day / MIB, circles, l->circles_day, now->bytes / MIB,
                        l->log_total / MIB, now->circles, l->circles_total);
}

enum err quota_say(struct asked *a, const uint8_t org[ID_BYTES], json_t *one)
{
    const struct usage *u = quota_usage(a->c, org);
    struct quota_limits l;
    json_t *about;
    enum err e;

    if (!u)
        return ERR_NOMEM;
    l = quota_limits_of(a->c, u);
    about = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "messages", (json_int_t)u->messages, "bytes",
                      (json_int_t)u->bytes, "messages_max", (json_int_t)l.messages, "bytes_max",
                      (json_int_t)l.bytes, "inflight_messages", (json_int_t)l.inflight_messages,
                      "inflight_bytes", (json_int_t)l.inflight_bytes, "own",
                      memcmp(&u->limits, &(struct quota_limits){0}, sizeof u->limits) != 0);
    if (json_object_set_new(one, "quota", about))
        return ERR_NOMEM;
    if ((e = bytes_printf(&a->text,
                          "    en attente   %" PRIu64 " messages sur %" PRIu64 ", %" PRIu64
                          " Mio sur %" PRIu64 "\n",
                          u->messages, l.messages, u->bytes / MIB, l.bytes / MIB)))
        return e;
    return lasting_say(a, u, &l, about);
}

enum err org_quota(struct asked *a)
{
    struct usage *u;
    struct quota_limits l;
    uint8_t org[ID_BYTES];
    uint8_t about[QUOTA_ROW_BYTES];
    enum err e;

    if ((e = arg_org(a, org)))
        return e;
    if (!(u = quota_usage(a->c, org)))
        return ERR_NOMEM;
    l = u->limits;
    if ((e = limits_read(a, &l)))
        return e;
    if ((l.bytes && l.bytes < QUOTA_BYTES_LEAST) ||
        (l.inflight_bytes && l.inflight_bytes < QUOTA_BYTES_LEAST))
        return because(a, ERR_FIELD_VALUE,
                       "--bytes et --inflight-bytes : 1m au moins, comme 20m ou 2g ; rien n'a "
                       "changé");
    if (memcmp(&l, &u->limits, sizeof l) == 0)
        return quota_say(a, org, a->data);
    quota_row(&l, about);
    if ((e = quota_set(a->c, org, &l)) || (e = act_log(a->c, ACT_QUOTA, org, SPAN_OF(about))))
        return e;
    if ((e = bytes_printf(&a->text, "Limites de l'organisation enregistrées.\n")))
        return e;
    return quota_say(a, org, a->data);
}

/* --- locked out ------------------------------------------------------------------------------ */

/* The door found it sending a message without end, or holding far more than its share. */
enum err on_lock(struct core *c, struct job *j)
{
    struct mailbox *m = mailbox_of(c, j->who.number);
    struct detail d = {.has = RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_BY_NODE) | RD_KEY(DETAIL_ACT),
                       .act = ACT_LOCK};
    uint64_t index;
    enum err e;

    if (!m || m->locked)
        return ERR_OK;
    memcpy(d.by_org, m->who.org, sizeof d.by_org);
    memcpy(d.by_node, m->who.node, sizeof d.by_node);
    if ((e = audit_add(c, AUDIT_ALARM, &d, &index)))
        return e;
    m->locked = true;
    return mailbox_save(c, m);
}

static enum err lock_tell(struct core *c, const struct mailbox *m)
{
    struct parcel *p = calloc(1, sizeof *p);

    if (!p)
        return ERR_NOMEM;
    p->kind = PARCEL_LOCK;
    p->who = m->who;
    p->allow = !m->locked;
    return core_stage(c, p);
}

struct announcing {
    struct core *c;
    enum err e;
};

static void announce_one(struct mailbox *m, void *arg)
{
    struct announcing *all = arg;

    if (m->locked && !all->e)
        all->e = lock_tell(all->c, m);
}

enum err locks_announce(struct core *c)
{
    struct announcing all = {c, ERR_OK};

    mailbox_each(c, announce_one, &all);
    return all.e;
}

enum err node_lock(struct core *c, struct mailbox *m, bool locked)
{
    enum err e;

    m->locked = locked;
    e = mailbox_save(c, m);
    return e ? e : lock_tell(c, m);
}

static bool is_locked(const struct mailbox *m)
{
    return m->locked;
}

enum err node_allow(struct asked *a)
{
    struct mailbox *m = NULL;
    enum err e;

    if ((e = arg_node(a, is_locked, &m)))
        return e;
    if (!m->locked)
        return ERR_STATE;
    if ((e = node_lock(a->c, m, false)) ||
        (e = act_log(a->c, ACT_ALLOW, m->who.org, SPAN_OF(m->who.node))))
        return e;
    return bytes_printf(&a->text, "Nœud admis de nouveau : sa prochaine connexion est acceptée.\n");
}
