#include "circles.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#include <uthash.h>

#include "contacts.h"
#include "declared.h"
#include "log.h"
#include "meta.h"
#include "vault.h"

#define CIRCLES_CACHED 64
#define INFO_FIELDS 4
#define CHAIN_KEY_BYTES (ID_BYTES + 4)

struct cached {
    uint8_t handle[ID_BYTES];
    struct circle *circle;
    UT_hash_handle hh;
};
struct circles {
    struct cached *all;
};

enum err circles_open(struct node *n, struct circles **out)
{
    struct circles *c = calloc(1, sizeof *c);

    (void)n;
    if (!c)
        return ERR_NOMEM;
    *out = c;
    return ERR_OK;
}

static void drop(struct circles *c, struct cached *x)
{
    HASH_DEL(c->all, x);
    circle_free(x->circle);
    free(x);
}

static void drop_all(struct circles *c)
{
    struct cached *x;
    struct cached *next;

    HASH_ITER (hh, c->all, x, next)
        drop(c, x);
}

void circles_close(struct circles *c)
{
    if (!c)
        return;
    drop_all(c);
    free(c);
}

void circles_forget(struct node *n)
{
    drop_all(n->circles);
}

/* --- what is known beside the chain ------------------------------------------------------------
 */

enum err circle_info_put(struct node *n, struct txn *t, const struct circle_info *i)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, INFO_FIELDS);
    if (i->has_person)
        wr_fixed(&w, i->person, ID_BYTES);
    else
        wr_nil(&w);
    wr_bool(&w, i->incomplete);
    wr_uint(&w, i->since_ms);
    wr_uint(&w, i->restores);
    return row_put(n, t, TABLE_CIRCLE, NULL, SPAN_OF(i->handle), &w);
}

static enum err info_decode(struct span key, struct span row, struct circle_info *out)
{
    struct reader r = reader_over(row);
    struct circle_info i = {0};
    enum err e;

    rd_array(&r, INFO_FIELDS);
    i.has_person = !rd_skip_nil(&r);
    if (i.has_person)
        rd_fixed(&r, i.person, ID_BYTES);
    i.incomplete = rd_bool(&r);
    i.since_ms = rd_uint(&r, UINT64_MAX);
    i.restores = rd_uint(&r, UINT64_MAX);
    if ((e = row_end(&r)))
        return e;
    if (key.len != ID_BYTES)
        return ERR_CORRUPT;
    memcpy(i.handle, key.ptr, ID_BYTES);
    *out = i;
    return ERR_OK;
}

enum err circle_info_get(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                         struct circle_info *out)
{
    struct span key = span_of(handle, ID_BYTES);
    struct bytes row = {0};
    enum err e = vault_get(n->vault, t, TABLE_CIRCLE, NULL, key, &row);

    if (!e)
        e = info_decode(key, bytes_span(&row), out);
    seal_bytes_free(&row);
    return e;
}

struct info_visit {
    enum err (*visit)(void *arg, const struct circle_info *i);
    void *arg;
};

static enum err info_one(void *arg, struct span key, struct span row)
{
    struct info_visit *v = arg;
    struct circle_info i;
    enum err e = info_decode(key, row, &i);

    return e ? e : v->visit(v->arg, &i);
}

enum err circle_info_each(struct node *n, struct txn *t,
                          enum err (*visit)(void *arg, const struct circle_info *i), void *arg)
{
    struct info_visit v = {visit, arg};

    return vault_scan(n->vault, t, TABLE_CIRCLE, span_text(""), span_text(""), SIZE_MAX, info_one,
                      &v);
}

/* The row as it is, or a fresh one. */
static enum err info_make(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                          struct circle_info *out, bool *fresh)
{
    enum err e = circle_info_get(n, t, handle, out);

    *fresh = e == ERR_NOT_FOUND;
    if (!*fresh)
        return e;
    *out = (struct circle_info){.since_ms = node_now_ms(n), .restores = contacts_restores(n)};
    memcpy(out->handle, handle, ID_BYTES);
    return ERR_OK;
}

enum err circle_mark(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES], bool incomplete)
{
    struct circle_info i;
    bool fresh;
    enum err e = info_make(n, t, handle, &i, &fresh);

    if (e || (!fresh && i.incomplete == incomplete))
        return e;
    i.incomplete = incomplete;
    return circle_info_put(n, t, &i);
}

/* --- chains --------------------------------------------------------------------------------------
 */

static void chain_key(const uint8_t handle[ID_BYTES], uint32_t at, uint8_t key[CHAIN_KEY_BYTES])
{
    memcpy(key, handle, ID_BYTES);
    put_be32(key + ID_BYTES, at);
}

enum err circles_statement(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                           uint32_t at, struct bytes *ss)
{
    uint8_t key[CHAIN_KEY_BYTES];

    chain_key(handle, at, key);
    return vault_get(n->vault, t, TABLE_CHAIN, NULL, SPAN_OF(key), ss);
}

struct loading {
    struct circle *circle;
    uint32_t size;
};

static enum err load_one(void *arg, struct span key, struct span ss)
{
    struct loading *l = arg;
    enum err e;

    if (key.len != CHAIN_KEY_BYTES || get_be32(key.ptr + ID_BYTES) != circle_size(l->circle))
        return ERR_CORRUPT;
    if (circle_size(l->circle) == l->size)
        return ERR_ENOUGH;
    e = circle_load(l->circle, ss);
    return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CORRUPT;
}

static enum err chain_load(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                           uint32_t size, struct circle **out)
{
    uint8_t from[CHAIN_KEY_BYTES];
    uint8_t to[CHAIN_KEY_BYTES];
    struct loading l = {.size = size};
    enum err e;

    if ((e = circle_new(handle, &l.circle)))
        return e;
    chain_key(handle, 0, from);
    chain_key(handle, UINT32_MAX, to);
    e = vault_scan(n->vault, t, TABLE_CHAIN, SPAN_OF(from), SPAN_OF(to), SIZE_MAX, load_one, &l);
    if (!e && circle_size(l.circle) == 0)
        e = ERR_NOT_FOUND;
    if (e) {
        circle_free(l.circle);
        return e;
    }
    *out = l.circle;
    return ERR_OK;
}

static enum err remember(struct circles *c, const uint8_t handle[ID_BYTES], struct circle *circle)
{
    struct cached *x = calloc(1, sizeof *x);

    if (!x)
        return ERR_NOMEM;
    if (HASH_COUNT(c->all) >= CIRCLES_CACHED)
        drop_all(c);
    memcpy(x->handle, handle, ID_BYTES);
    x->circle = circle;
    HASH_ADD(hh, c->all, handle, ID_BYTES, x);
    if (!x->hh.tbl) {
        free(x);
        return ERR_NOMEM;
    }
    return ERR_OK;
}

enum err circles_get(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                     struct circle **out)
{
    struct circle *circle = NULL;
    struct cached *x;
    enum err e;

    HASH_FIND(hh, n->circles->all, handle, ID_BYTES, x);
    if (x) {
        *out = x->circle;
        return ERR_OK;
    }
    if ((e = chain_load(n, t, handle, UINT32_MAX, &circle)))
        return e;
    if ((e = remember(n->circles, handle, circle))) {
        circle_free(circle);
        return e;
    }
    *out = circle;
    return ERR_OK;
}

enum err circles_at(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES], uint32_t size,
                    struct circle **out)
{
    struct circle *circle = NULL;
    enum err e = chain_load(n, t, handle, size, &circle);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_RANGE : e;
    if (circle_size(circle) < size) {
        circle_free(circle);
        return ERR_RANGE;
    }
    *out = circle;
    return ERR_OK;
}

/* --- a committed statement
 * ------------------------------------------------------------------------ */

struct taking {
    struct span ss;
    struct circle_statement s;
    uint8_t handle[ID_BYTES];
};

static enum err taking_read(struct span ss, struct taking *out)
{
    struct statement st;
    enum err e;

    out->ss = ss;
    if ((e = statement_parse(ss, &st)))
        return e;
    if ((e = circle_decode(st.stmt, &out->s)))
        return e;
    if (out->s.kind == CIRCLE_CREATE)
        return circle_handle_of(st.stmt, out->handle);
    memcpy(out->handle, out->s.circle, ID_BYTES);
    return ERR_OK;
}

static enum err held_already(struct node *n, struct txn *t, const struct taking *k)
{
    uint8_t key[CHAIN_KEY_BYTES];
    struct bytes row = {0};
    enum err e;

    chain_key(k->handle, k->s.n, key);
    e = vault_get(n->vault, t, TABLE_CHAIN, NULL, SPAN_OF(key), &row);
    if (!e && !span_equal(bytes_span(&row), k->ss))
        e = ERR_SPLIT_VIEW;
    seal_bytes_free(&row);
    return e;
}

static enum err append(struct node *n, struct txn *t, struct circle *circle, const struct taking *k)
{
    struct circle_signers signers = contacts_signers(n);
    uint8_t key[CHAIN_KEY_BYTES];
    struct circle_info info;
    bool fresh;
    enum err e;

    if ((e = circle_apply(circle, k->ss, &signers, 0)))
        return e;
    chain_key(k->handle, k->s.n, key);
    if ((e = vault_put(n->vault, t, TABLE_CHAIN, NULL, SPAN_OF(key), k->ss)))
        return e;
    if ((e = info_make(n, t, k->handle, &info, &fresh)) || !fresh)
        return e;
    return circle_info_put(n, t, &info);
}

/* The first statement of a chain we do not hold yet. */
static enum err begin_chain(struct node *n, struct txn *t, const struct taking *k)
{
    struct circle *circle = NULL;
    enum err e;

    if ((e = circle_new(k->handle, &circle)))
        return e;
    if ((e = append(n, t, circle, k)) || (e = remember(n->circles, k->handle, circle)))
        circle_free(circle);
    return e;
}

enum err circles_take(struct node *n, struct txn *t, struct span ss, bool *gap)
{
    struct circle *circle = NULL;
    struct taking k = {0};
    enum err e;

    *gap = false;
    if ((e = taking_read(ss, &k)))
        return e;
    e = circles_get(n, t, k.handle, &circle);
    if (e && e != ERR_NOT_FOUND)
        return e;
    if (e == ERR_NOT_FOUND && k.s.n == 0)
        return begin_chain(n, t, &k);
    if (e == ERR_NOT_FOUND || k.s.n > circle_size(circle)) {
        *gap = true;
        return circle_mark(n, t, k.handle, true);
    }
    if (k.s.n < circle_size(circle))
        return held_already(n, t, &k);
    return append(n, t, circle, &k);
}

/* --- judging
 * ---------------------------------------------------------------------------------------- */

enum err circles_judge(struct node *n, struct txn *t, const struct env_header *h, struct verdict *v,
                       size_t *which)
{
    struct circle *circle = NULL;
    struct circle *ahead = NULL;
    struct disclosure ask;
    enum err e = circles_ahead(n, t, h->circle, &ahead);

    if (e)
        return e;
    if ((e = circles_get(n, t, h->circle, &circle)) && e != ERR_NOT_FOUND)
        goto out;
    disclosure_of_header(h, &ask);
    e = disclosure_judge_all(ahead ? ahead : circle, &ask, h->to, h->rcat, h->to_count,
                             JUDGE_SENDER, v, which);
out:
    circle_free(ahead);
    return e;
}

static bool act_covers(const struct circle *c, const struct circle_act *a, enum circle_kind kind,
                       const uint8_t org[ID_BYTES], uint64_t class_mask)
{
    uint64_t asked = class_mask & ~(uint64_t)CLASS_IDENTITY;

    return a->kind == kind && (asked & ~(uint64_t)a->class_mask) == 0 &&
           circle_act_names(c, a, org);
}

static enum err newest_covering(const struct circle *c, enum circle_kind kind,
                                const uint8_t (*orgs)[ID_BYTES], size_t count, uint64_t class_mask,
                                bool live, uint64_t *n_out)
{
    for (size_t i = circle_act_count(c); i-- > 0;) {
        const struct circle_act *a = circle_act(c, i);
        size_t covered = 0;

        if (live && !a->live)
            continue;
        while (covered < count && act_covers(c, a, kind, orgs[covered], class_mask))
            covered++;
        if (covered == count) {
            *n_out = a->n;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

enum err circles_notice_for(const struct circle *c, const uint8_t (*orgs)[ID_BYTES], size_t count,
                            uint64_t class_mask, uint64_t *n_out)
{
    return newest_covering(c, CIRCLE_NOTICE, orgs, count, class_mask, true, n_out);
}

enum err circles_consent_for(const struct circle *c, const uint8_t (*orgs)[ID_BYTES], size_t count,
                             uint64_t class_mask, uint64_t *n_out)
{
    if (newest_covering(c, CIRCLE_CONSENT, orgs, count, class_mask, true, n_out) == ERR_OK)
        return ERR_OK;
    return newest_covering(c, CIRCLE_CONSENT, orgs, count, class_mask, false, n_out);
}
