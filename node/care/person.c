#include "person.h"

#include <string.h>

#include "commands.h"
#include "match.h"
#include "meta.h"
#include "vault.h"

#define RECORD_VERSION_PERSON 1
#define RECORD_FIELDS 5
#define LINK_FIELDS 4
#define LINK_VERSION 1
#define INDEX_LOCAL "person.local"
#define INDEX_PEER "person.peer"
#define CANDIDATES_MAX 16

/* --- records --------------------------------------------------------------------------------- */

static enum err record_put(struct node *n, struct txn *t, const struct person *p)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, RECORD_FIELDS);
    wr_uint(&w, RECORD_VERSION_PERSON);
    wr_bool(&w, p->provisional);
    wr_bin(&w, SPAN_OF(p->from));
    wr_uint(&w, p->created_ms);
    identity_encode(&w, &p->identity, IDENTITY_KEPT);
    return row_put(n, t, TABLE_PERSON, p->id, SPAN_OF(p->id), &w);
}

static enum err record_read(struct span plain, const uint8_t id[ID_BYTES], struct person *out)
{
    struct reader r = reader_over(plain);
    struct person p = {.provisional = false};
    enum err e;

    rd_array(&r, RECORD_FIELDS);
    (void)rd_uint_between(&r, RECORD_VERSION_PERSON, RECORD_VERSION_PERSON);
    p.provisional = rd_bool(&r);
    rd_fixed(&r, p.from, sizeof p.from);
    p.created_ms = rd_uint(&r, UINT64_MAX);
    identity_decode(&r, IDENTITY_KEPT, &p.identity);
    memcpy(p.id, id, ID_BYTES);
    if (!(e = row_end(&r)))
        *out = p;
    return e;
}

enum err person_get(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], struct person *out)
{
    struct bytes plain = {0};
    enum err e = vault_get(n->vault, t, TABLE_PERSON, id, span_of(id, ID_BYTES), &plain);

    if (!e)
        e = record_read(bytes_span(&plain), id, out);
    seal_bytes_free(&plain);
    return e;
}

/* --- what a record is found by --------------------------------------------------------------- */

/* Local identifiers are the organisation's own: exact, not folded. */
static enum err peer_value(const uint8_t from[ID_BYTES], const char *local, struct bytes *out)
{
    enum err e = bytes_append(out, span_of(from, ID_BYTES));

    return e ? e : bytes_append(out, span_text(local));
}

static enum err peer_index(struct node *n, struct txn *t, const struct person *p)
{
    struct bytes value = {0};
    enum err e = peer_value(p->from, p->identity.local, &value);

    if (!e)
        e = vault_index_put(n->vault, t, INDEX_PEER, bytes_span(&value), p->id);
    seal_bytes_free(&value);
    return e;
}

static enum err index_put(struct node *n, struct txn *t, const struct person *p)
{
    enum err e = p->provisional ? peer_index(n, t, p)
                                : vault_index_put(n->vault, t, INDEX_LOCAL,
                                                  span_text(p->identity.local), p->id);

    return e ? e : match_index(n, t, p);
}

static enum err local_find(struct node *n, struct txn *t, const char *local, uint8_t id[ID_BYTES])
{
    uint8_t ids[1][ID_BYTES];
    size_t count = 0;
    enum err e = vault_index_find(n->vault, t, INDEX_LOCAL, span_text(local), ids, 1, &count);

    if (e)
        return e == ERR_FULL ? ERR_CORRUPT : e; /* person_add() keeps it unique */
    if (count == 0)
        return ERR_NOT_FOUND;
    memcpy(id, ids[0], ID_BYTES);
    return ERR_OK;
}

enum err person_add(struct node *n, struct txn *t, struct person *p)
{
    uint8_t other[ID_BYTES];
    enum err e;

    if (!p->provisional) {
        if ((e = identity_check(&p->identity, n->self.mode)))
            return e;
        if ((e = local_find(n, t, p->identity.local, other)) != ERR_NOT_FOUND)
            return e ? e : ERR_EXISTS;
    }
    if ((e = vault_person_new(n->vault, t, p->id)))
        return e;
    p->created_ms = node_now_ms(n);
    if ((e = record_put(n, t, p)))
        return e;
    return index_put(n, t, p);
}

enum err person_put(struct node *n, struct txn *t, const struct person *p)
{
    struct person before;
    enum err e;

    if ((e = person_get(n, t, p->id, &before)) || (e = match_unindex(n, t, &before)) ||
        (e = record_put(n, t, p)))
        return e;
    return index_put(n, t, p);
}

struct each {
    struct node *n;
    struct txn *t;
    enum err (*visit)(void *arg, const struct person *p);
    void *arg;
};

static enum err each_row(void *arg, struct span key, struct span value)
{
    const struct each *a = arg;
    struct bytes plain = {0};
    struct person p;
    enum err e;

    if (key.len != ID_BYTES)
        return ERR_CORRUPT;
    e = vault_reveal(a->n->vault, a->t, TABLE_PERSON, key.ptr, key, value, &plain);
    if (!e)
        e = record_read(bytes_span(&plain), key.ptr, &p);
    seal_bytes_free(&plain);
    return e ? e : a->visit(a->arg, &p);
}

enum err person_each(struct node *n, struct txn *t,
                     enum err (*visit)(void *arg, const struct person *p), void *arg)
{
    struct each a = {n, t, visit, arg};
    struct span all = {NULL, 0};

    return store_scan(t, TABLE_PERSON, all, all, SIZE_MAX, each_row, &a);
}

/* --- what a human types ---------------------------------------------------------------------- */

struct prefix {
    const char *typed;
    size_t hits;
    uint8_t id[ID_BYTES];
};

static enum err prefix_row(void *arg, struct span key, struct span value)
{
    struct prefix *p = arg;

    (void)value;
    if (key.len == ID_BYTES && id_fits(p->typed, key.ptr)) {
        p->hits++;
        memcpy(p->id, key.ptr, ID_BYTES);
    }
    return p->hits > 1 ? ERR_ENOUGH : ERR_OK;
}

enum err person_find(struct node *n, struct txn *t, const char *typed, uint8_t id[ID_BYTES])
{
    struct prefix p = {.typed = typed};
    struct span all = {NULL, 0};
    enum err e = local_find(n, t, typed, id);

    if (e != ERR_NOT_FOUND || !id_is_typed(typed))
        return e;
    if ((e = store_scan(t, TABLE_PERSON, all, all, SIZE_MAX, prefix_row, &p)))
        return e;
    if (p.hits != 1)
        return p.hits == 0 ? ERR_NOT_FOUND : ERR_USAGE;
    memcpy(id, p.id, ID_BYTES);
    return ERR_OK;
}

/* --- links ----------------------------------------------------------------------------------- */

static enum err link_read(struct span plain, uint8_t to[ID_BYTES])
{
    struct reader r = reader_over(plain);
    uint8_t actor[ID_BYTES];
    uint8_t id[ID_BYTES];
    enum err e;

    rd_array(&r, LINK_FIELDS);
    (void)rd_uint_between(&r, LINK_VERSION, LINK_VERSION);
    rd_fixed(&r, id, sizeof id);
    rd_fixed(&r, actor, sizeof actor);
    (void)rd_uint(&r, UINT64_MAX); /* when */
    if (!(e = row_end(&r)))
        memcpy(to, id, ID_BYTES);
    return e;
}

static enum err link_get(struct node *n, struct txn *t, const uint8_t from[ID_BYTES],
                         uint8_t to[ID_BYTES])
{
    struct bytes plain = {0};
    enum err e = vault_get(n->vault, t, TABLE_LINK, NULL, span_of(from, ID_BYTES), &plain);

    if (!e)
        e = link_read(bytes_span(&plain), to);
    seal_bytes_free(&plain);
    return e;
}

enum err person_resolve(struct node *n, struct txn *t, const uint8_t id[ID_BYTES],
                        uint8_t resolved[ID_BYTES])
{
    uint8_t to[ID_BYTES];
    enum err e = link_get(n, t, id, to);

    if (e == ERR_NOT_FOUND) {
        memmove(resolved, id, ID_BYTES);
        return ERR_OK;
    }
    if (!e)
        memcpy(resolved, to, ID_BYTES);
    return e;
}

enum err person_link(struct node *n, struct txn *t, const uint8_t from[ID_BYTES],
                     const uint8_t to[ID_BYTES], const uint8_t actor[ID_BYTES])
{
    uint8_t was[ID_BYTES];
    struct person p;
    struct writer w;
    enum err e;

    if ((e = person_get(n, t, from, &p)))
        return e;
    if (!p.provisional)
        return ERR_STATE;
    if ((e = person_get(n, t, to, &p)))
        return e;
    if (p.provisional)
        return ERR_STATE; /* one step only: a link never leads to a link */
    if ((e = link_get(n, t, from, was)) != ERR_NOT_FOUND)
        return e ? e : ERR_EXISTS;
    wr_init(&w);
    wr_array(&w, LINK_FIELDS);
    wr_uint(&w, LINK_VERSION);
    wr_fixed(&w, to, ID_BYTES);
    wr_fixed(&w, actor, ID_BYTES);
    wr_uint(&w, node_now_ms(n));
    return row_put(n, t, TABLE_LINK, NULL, span_of(from, ID_BYTES), &w);
}

enum err person_unlink(struct node *n, struct txn *t, const uint8_t from[ID_BYTES],
                       uint8_t was[ID_BYTES])
{
    enum err e = link_get(n, t, from, was);

    return e ? e : store_del(t, TABLE_LINK, span_of(from, ID_BYTES));
}

struct each_link {
    enum err (*visit)(void *arg, const uint8_t from[ID_BYTES], const uint8_t to[ID_BYTES]);
    void *arg;
};

static enum err link_row(void *arg, struct span key, struct span plain)
{
    const struct each_link *a = arg;
    uint8_t to[ID_BYTES];
    enum err e;

    if (key.len != ID_BYTES)
        return ERR_CORRUPT;
    e = link_read(plain, to);
    return e ? e : a->visit(a->arg, key.ptr, to);
}

enum err person_links_each(struct node *n, struct txn *t,
                           enum err (*visit)(void *arg, const uint8_t from[ID_BYTES],
                                             const uint8_t to[ID_BYTES]),
                           void *arg)
{
    struct each_link a = {visit, arg};
    struct span all = {NULL, 0};

    return vault_scan(n->vault, t, TABLE_LINK, all, all, SIZE_MAX, link_row, &a);
}

/* --- whose document is it? ------------------------------------------------------------------- */

static int richness(const struct identity *p)
{
    return p->status == INS_QUAL ? 2 : identity_has_traits(p) ? 1 : 0;
}

/* A provisional person is as well known as the best document of whoever opened her. */
static enum err enrich(struct node *n, struct txn *t, struct person *p, const struct identity *who,
                       const uint8_t from[ID_BYTES])
{
    if (!p->provisional || memcmp(p->from, from, ID_BYTES) != 0 ||
        richness(who) <= richness(&p->identity))
        return ERR_OK;
    p->identity = *who;
    return person_put(n, t, p);
}

static enum err known_to_circle(struct node *n, struct txn *t, const struct identity *who,
                                const uint8_t from[ID_BYTES], const uint8_t id[ID_BYTES])
{
    struct person p;
    enum err e = person_get(n, t, id, &p);

    if (e)
        return e;
    return identity_agree(&p.identity, who) ? enrich(n, t, &p, who, from) : ERR_MISLABELLED;
}

/* The provisional person that this organisation has spoken of before under the same identifier,
 * unless what it says now contradicts it. */
static enum err known_from_peer(struct node *n, struct txn *t, const struct identity *who,
                                const uint8_t from[ID_BYTES], struct person *out)
{
    uint8_t ids[CANDIDATES_MAX][ID_BYTES];
    struct bytes value = {0};
    size_t count = 0;
    enum err e = peer_value(from, who->local, &value);

    if (!e)
        e = vault_index_find(n->vault, t, INDEX_PEER, bytes_span(&value), ids, CANDIDATES_MAX,
                             &count);
    seal_bytes_free(&value);
    if (e && e != ERR_FULL)
        return e;
    for (size_t i = 0; i < count && i < CANDIDATES_MAX; i++) {
        if ((e = person_get(n, t, ids[i], out)))
            return e;
        if (identity_agree(&out->identity, who))
            return enrich(n, t, out, who, from);
    }
    return ERR_NOT_FOUND;
}

enum err person_of_document(struct node *n, struct txn *t, const struct identity *who,
                            const uint8_t from[ID_BYTES], const uint8_t *circle_person,
                            uint8_t person[ID_BYTES])
{
    struct person p;
    enum err e;

    if (circle_person) {
        if (!(e = known_to_circle(n, t, who, from, circle_person)))
            memmove(person, circle_person, ID_BYTES);
        return e;
    }
    if ((e = known_from_peer(n, t, who, from, &p)) == ERR_NOT_FOUND) {
        p = (struct person){.provisional = true, .identity = *who};
        memcpy(p.from, from, ID_BYTES);
        e = person_add(n, t, &p);
    }
    if (!e)
        memcpy(person, p.id, ID_BYTES);
    return e;
}

/* Her circle speaks to others about her: only of somebody a human here answers for. */
enum err person_circle_ready(struct node *n, struct txn *t, const uint8_t id[ID_BYTES])
{
    uint8_t resolved[ID_BYTES];
    struct person p;
    enum err e;

    if ((e = person_resolve(n, t, id, resolved)) || (e = person_get(n, t, resolved, &p)))
        return e;
    return p.provisional ? ERR_UNIDENTIFIED : ERR_OK;
}
