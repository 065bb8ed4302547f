/* DECLARE and CHAIN: the chains of circles (PROTOCOL.md 8). */
#include <string.h>

#include "circle.h"
#include "lasting.h"

#define PAGE_BYTES_MAX 280000

/* What a statement needs beside its circle. */
struct declared {
    bool brought;   /* by another than its author: of a lost range (PROTOCOL.md 10.5) */
    uint64_t at_ms; /* the clock that judges it; 0: as by who replays a chain */
    struct circle_statement s;
    uint8_t handle[ID_BYTES];
    struct circle *circle; /* in the cache, the statement applied */
};

static void chain_key(const uint8_t handle[ID_BYTES], uint32_t n, uint8_t key[ID_BYTES + 4])
{
    memcpy(key, handle, ID_BYTES);
    be32_write(n, key + ID_BYTES);
}

static enum err create(struct core *c, const struct job *j, struct declared *d)
{
    struct circle_signers signers = circles_signers(c, d->brought);
    struct circle *fresh = NULL;
    enum err e;

    e = circles_get(c, d->handle, &d->circle);
    if (e != ERR_NOT_FOUND)
        return e ? e : ERR_EXISTS;
    if ((e = circle_new(d->handle, &fresh)))
        return e;
    if ((e = circle_apply(fresh, j->message.statement.ss, &signers, d->at_ms))) {
        circle_free(fresh);
        return e;
    }
    if ((e = circles_add(c, d->handle, fresh)))
        return e;
    d->circle = fresh;
    return ERR_OK;
}

static enum err extend(struct core *c, const struct job *j, struct declared *d)
{
    struct circle_signers signers = circles_signers(c, d->brought);
    enum err e;

    memcpy(d->handle, d->s.circle, sizeof d->handle);
    e = circles_get(c, d->handle, &d->circle);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_NOT_IN_CIRCLE : e;
    return circle_apply(d->circle, j->message.statement.ss, &signers, d->at_ms);
}

/* Every active node of an organisation keeps the chains of its circles. */
static void nodes_of(struct core *c, const uint8_t org[ID_BYTES], struct item *it)
{
    const struct directory_org *o = directory_find_org(c->dir, org);

    if (!o)
        return;
    for (uint32_t i = o->newest_node; i != DIRECTORY_NONE;) {
        const struct directory_node *n = directory_node(c->dir, i);

        if (!n->revoked && it->count < ITEM_RECIPIENTS_MAX)
            it->to[it->count++] = (uint32_t)n->enrolled_at;
        i = n->previous_of_org;
    }
}

/* Members learn every statement, and he who is no longer one learns that he is not. */
static void audience(struct core *c, const struct declared *d, struct item *it)
{
    for (size_t i = 0; i < circle_member_count(d->circle); i++) {
        const struct circle_member *m = circle_member(d->circle, i);

        if (m->current || m->until == d->s.n)
            nodes_of(c, m->row.org, it);
    }
}

static enum err declare_log(struct core *c, const struct declared *d, const struct job *j,
                            uint64_t *index)
{
    struct detail detail = {.has = RD_KEY(DETAIL_FROM) | RD_KEY(DETAIL_ACTOR) |
                                   RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_STATEMENT) |
                                   RD_KEY(DETAIL_CHAIN_N),
                            .chain_n = d->s.n};
    enum err e;

    memcpy(detail.from, d->s.author, sizeof detail.from);
    memcpy(detail.actor, d->s.actor, sizeof detail.actor);
    memcpy(detail.circle, d->handle, sizeof detail.circle);
    if ((e = statement_link(j->ss.stmt, detail.statement)))
        return e;
    return lasting_leaf(c, j->who.org, AUDIT_STATEMENT, &detail, index);
}

static enum err chain_row_put(struct core *c, struct span key, uint64_t index, struct span ss)
{
    uint8_t row[CHAIN_ROW_SS + SS_MAX];

    if (ss.len > SS_MAX)
        return ERR_INTERNAL;
    be64_write(index, row);
    memcpy(row + CHAIN_ROW_SS, ss.ptr, ss.len);
    return store_put_new(c->t, TABLE_CHAIN, key, span_of(row, CHAIN_ROW_SS + ss.len));
}

/* What was on its way when the circle narrowed is held back in the same commit. */
static enum err narrowed(struct core *c, const struct declared *d)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < circle_member_count(d->circle) && !e; i++) {
        const struct circle_member *m = circle_member(d->circle, i);

        if (m->current || m->until == d->s.n)
            e = issued_judge(c, d->handle, m->row.org);
    }
    return e;
}

static enum err declare_keep(struct core *c, const struct declared *d, const struct job *j)
{
    struct item it = {.kind = DELIVER_STATEMENT};
    uint8_t key[ID_BYTES + 4];
    uint64_t index;
    enum err e;

    if ((e = declare_log(c, d, j, &index)))
        return e;
    chain_key(d->handle, d->s.n, key);
    if ((e = chain_row_put(c, SPAN_OF(key), index, j->message.statement.ss)) ||
        (e = lasting_add(c, j->who.org, LASTING_STATEMENT + j->message.statement.ss.len)) ||
        (d->s.kind == CIRCLE_CREATE && (e = lasting_circle(c, j->who.org))))
        return e;
    it.index = index;
    audience(c, d, &it);
    if ((e = item_add(c, &it, j->message.statement.ss)))
        return e;
    if (circle_narrows(d->s.kind) && (e = narrowed(c, d)))
        return e;
    c->count.statements++;
    return core_say_receipt(c, j, index);
}

/* Repeated after an answer that was lost: it stands, and has its receipt. */
static enum err repeat(struct core *c, const struct job *j, const struct declared *d, bool *known)
{
    uint8_t key[ID_BYTES + 4];
    struct span row;
    struct span ss;
    enum err e;

    *known = false;
    chain_key(d->handle, d->s.n, key);
    if ((e = store_get(c->t, TABLE_CHAIN, SPAN_OF(key), &row)))
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if ((e = chain_row_ss(row, &ss)))
        return e;
    if (!span_equal(ss, j->message.statement.ss))
        return ERR_OK;
    *known = true;
    return core_say_receipt(c, j, be64_read(row.ptr));
}

/* Who is not of the circle does not learn its head. */
static enum err stale(struct core *c, const struct job *j, const struct declared *d)
{
    struct msg_err m = {.req = j->req, .code = ERR_STALE_HEAD, .extra = EXTRA_HEAD};
    const struct circle *circle = d->circle;
    const struct circle_member *by = circle_find(circle, j->who.org);

    if (d->brought && (!by || !by->current))
        return core_refuse(c, j, ERR_STALE_HEAD);
    m.head_n = circle_size(circle) - 1;
    memcpy(m.head, circle_head(circle), sizeof m.head);
    return core_refuse_with(c, j, &m);
}

static enum err statement_apply(struct core *c, const struct job *j, struct declared *d)
{
    return d->s.kind == CIRCLE_CREATE ? create(c, j, d) : extend(c, j, d);
}

/* What narrows is never held against a quota. */
static enum err room_check(struct core *c, const struct job *j, const struct declared *d)
{
    return circle_narrows(d->s.kind) ? ERR_OK
                                     : lasting_check(c, j->who.org, d->s.kind == CIRCLE_CREATE);
}

static bool is_store_failure(enum err e)
{
    return e == ERR_NOMEM || e == ERR_IO || e == ERR_CORRUPT || e == ERR_INTERNAL;
}

/* After a restore, what was said before it: its author's signature and its place in the chain say
 * that it is his, and who holds it may be the only one left who does. */
static enum err may_bring(struct core *c, const struct circle_statement *s)
{
    struct span entry;
    struct span side;
    uint64_t type;
    uint64_t began_ms;
    uint8_t commitment[32];
    enum err e;

    if (c->epoch_count == 1)
        return ERR_FROM;
    if ((e = ledger_entry(c->audit, c->t, 0, &entry, &side, NULL)) ||
        (e = entry_decode(entry, &type, &began_ms, commitment)))
        return e;
    return s->ts_ms <= began_ms ? ERR_OK : ERR_FROM;
}

enum err on_declare(struct core *c, struct job *j)
{
    struct declared d = {0};
    bool known;
    enum err e;

    if ((e = circle_decode(j->ss.stmt, &d.s)))
        return core_refuse(c, j, e);
    d.brought = memcmp(d.s.author, j->who.org, ID_BYTES) != 0;
    if (d.brought && (e = may_bring(c, &d.s)))
        return e == ERR_FROM ? core_refuse(c, j, e) : e;
    d.at_ms = d.brought ? 0 : c->now_ms;
    if (d.s.kind == CIRCLE_CREATE)
        e = circle_handle_of(j->ss.stmt, d.handle);
    else
        memcpy(d.handle, d.s.circle, sizeof d.handle);
    if (e || (e = repeat(c, j, &d, &known)) || known)
        return e;
    if (!(e = room_check(c, j, &d)))
        e = statement_apply(c, j, &d);
    if (e == ERR_STALE_HEAD && d.circle)
        return stale(c, j, &d);
    if (e) {
        j->costly = e == ERR_FORGED;
        return is_store_failure(e) ? e : core_refuse(c, j, e);
    }
    return declare_keep(c, &d, j);
}

/* --- CHAIN --------------------------------------------------------------------------------- */

struct page {
    struct message m;
    size_t bytes;
};

static enum err page_visit(void *arg, struct span key, struct span row)
{
    struct page *p = arg;
    struct span ss;
    enum err e;

    (void)key;
    if ((e = chain_row_ss(row, &ss)))
        return e;
    if (p->m.chain_page.n == PAGE_ITEMS_MAX || p->bytes + ss.len > PAGE_BYTES_MAX)
        return ERR_ENOUGH;
    p->m.chain_page.ss[p->m.chain_page.n++] = ss;
    p->bytes += ss.len;
    return ERR_OK;
}

static enum err reader_check(const struct circle *circle, const struct job *j)
{
    const struct circle_member *m = circle ? circle_find(circle, j->who.org) : NULL;

    if (!m)
        return ERR_NOT_IN_CIRCLE;
    return m->current ? ERR_OK : ERR_FORMER_MEMBER;
}

enum err on_chain(struct core *c, struct job *j)
{
    const struct msg_chain *ask = &j->message.chain;
    struct page p = {.m = {.type = MSG_CHAIN_PAGE}};
    struct circle *circle = NULL;
    uint8_t from[ID_BYTES + 4];
    uint8_t to[ID_BYTES + 4];
    enum err e = circles_get(c, ask->circle, &circle);

    if (e && e != ERR_NOT_FOUND)
        return e;
    if ((e = reader_check(circle, j)))
        return core_refuse(c, j, e);
    chain_key(ask->circle, ask->from > UINT32_MAX ? UINT32_MAX : (uint32_t)ask->from, from);
    chain_key(ask->circle, UINT32_MAX, to);
    if ((e = store_scan(c->t, TABLE_CHAIN, SPAN_OF(from), SPAN_OF(to), PAGE_ITEMS_MAX, page_visit,
                        &p)))
        return e;
    p.m.chain_page.req = j->req;
    memcpy(p.m.chain_page.circle, ask->circle, ID_BYTES);
    p.m.chain_page.from = ask->from;
    p.m.chain_page.total = circle_size(circle);
    return core_say(c, j, &p.m, true);
}
