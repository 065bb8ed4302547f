/* Statements of ours on their way to the hub (circles.h). */
#include <string.h>

#include "circles.h"
#include "commands.h"
#include "contacts.h"
#include "log.h"
#include "meta.h"
#include "outbox.h"
#include "vault.h"

#define ACT_FIELDS 7
#define ACT_LIVE_KEY (8 + ID_BYTES)

void act_wipe(struct act *a)
{
    bytes_free(&a->stmt);
    bytes_free(&a->ss);
    bytes_free(&a->receipt);
    *a = (struct act){0};
}

static void live_key(const struct act *a, uint8_t key[ACT_LIVE_KEY])
{
    put_be64(key, a->made_ms);
    memcpy(key + 8, a->id, ID_BYTES);
}

static enum err act_put(struct node *n, struct txn *t, const struct act *a)
{
    uint8_t key[ACT_LIVE_KEY];
    struct writer w;
    enum err e;

    wr_init(&w);
    wr_array(&w, ACT_FIELDS);
    wr_uint(&w, (uint64_t)a->state);
    wr_uint(&w, a->code);
    wr_uint(&w, a->made_ms);
    wr_fixed(&w, a->person, ID_BYTES);
    wr_bin(&w, bytes_span(&a->stmt));
    wr_bin(&w, bytes_span(&a->ss));
    wr_bin(&w, bytes_span(&a->receipt));
    if ((e = row_put(n, t, TABLE_ACT, NULL, SPAN_OF(a->id), &w)))
        return e;
    live_key(a, key);
    if (a->state == ACT_WAITING)
        return store_put(t, TABLE_ACT_LIVE, SPAN_OF(key), span_text(""));
    e = store_del(t, TABLE_ACT_LIVE, SPAN_OF(key));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err act_get(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], struct act *out)
{
    struct bytes row = {0};
    struct act a = {0};
    enum err e = vault_get(n->vault, t, TABLE_ACT, NULL, span_of(id, ID_BYTES), &row);

    if (!e) {
        struct reader r = reader_over(bytes_span(&row));
        struct span stmt;
        struct span ss;
        struct span receipt;

        memcpy(a.id, id, ID_BYTES);
        rd_array(&r, ACT_FIELDS);
        a.state = (enum act_state)rd_uint_between(&r, ACT_WAITING, ACT_FAILED);
        a.code = rd_u32(&r, UINT32_MAX);
        a.made_ms = rd_uint(&r, UINT64_MAX);
        rd_fixed(&r, a.person, ID_BYTES);
        stmt = rd_blob(&r, 1, STMT_MAX);
        ss = rd_blob(&r, 0, SS_MAX);
        receipt = rd_blob(&r, 0, RECEIPT_MAX);
        if (!(e = row_end(&r)) && !(e = bytes_copy(&a.stmt, stmt)) && !(e = bytes_copy(&a.ss, ss)))
            e = bytes_copy(&a.receipt, receipt);
    }
    seal_bytes_free(&row);
    if (e) {
        act_wipe(&a);
        return e;
    }
    *out = a;
    return ERR_OK;
}

struct act_visit {
    struct node *n;
    struct txn *t;
    enum err (*visit)(void *arg, const struct act *a);
    void *arg;
};

static enum err act_one(void *arg, struct span key, struct span value)
{
    struct act_visit *v = arg;
    struct act a = {0};
    enum err e;

    (void)value;
    if (key.len != ACT_LIVE_KEY)
        return ERR_CORRUPT;
    if (!(e = act_get(v->n, v->t, key.ptr + 8, &a)))
        e = v->visit(v->arg, &a);
    act_wipe(&a);
    return e;
}

enum err act_each_waiting(struct node *n, struct txn *t,
                          enum err (*visit)(void *arg, const struct act *a), void *arg)
{
    struct act_visit v = {n, t, visit, arg};

    return store_scan(t, TABLE_ACT_LIVE, span_text(""), span_text(""), SIZE_MAX, act_one, &v);
}

/* --- making
 * ----------------------------------------------------------------------------------------- */

/* The statement on the head of our chain, signed, and found to be lawful there. */
static enum err sign_on_head(struct node *n, struct txn *t, struct circle_statement *s,
                             struct bytes *ss)
{
    struct circle_signers signers = contacts_signers(n);
    struct circle *circle = NULL;
    struct bytes fresh = {0};
    enum err e;

    if ((e = circles_get(n, t, s->circle, &circle)))
        return e == ERR_NOT_FOUND ? ERR_NOT_IN_CIRCLE : e;
    s->n = circle_size(circle);
    memcpy(s->prev, circle_head(circle), STMT_LINK_BYTES);
    if ((e = circle_sign(s, n->sign, &fresh)))
        goto out;
    if ((e = circle_check(circle, bytes_span(&fresh), &signers, node_now_ms(n))))
        goto out;
    bytes_free(ss);
    *ss = fresh;
    fresh = (struct bytes){0};
out:
    bytes_free(&fresh);
    return e;
}

static enum err sign_create(struct node *n, struct circle_statement *s, struct bytes *ss)
{
    struct circle_signers signers = contacts_signers(n);
    struct circle *circle = NULL;
    struct bytes stmt = {0};
    enum err e;

    if ((e = circle_encode(s, &stmt)) || (e = circle_handle_of(bytes_span(&stmt), s->circle)))
        goto out;
    if ((e = circle_new(NULL, &circle)) || (e = circle_sign(s, n->sign, ss)))
        goto out;
    e = circle_check(circle, bytes_span(ss), &signers, node_now_ms(n));
out:
    circle_free(circle);
    bytes_free(&stmt);
    return e;
}

static enum err sign_join(struct node *n, struct circle_statement *s, struct bytes *ss)
{
    struct circle_signers signers = contacts_signers(n);
    struct circle_offer offer;
    enum err e = circle_offer_verify(s->offer, &signers, &offer);

    return e ? e : circle_sign(s, n->sign, ss);
}

static enum err first_sign(struct node *n, struct txn *t, struct circle_statement *s,
                           struct bytes *ss)
{
    bytes_free(ss);
    switch (s->kind) {
    case CIRCLE_CREATE:
        return sign_create(n, s, ss);
    case CIRCLE_JOIN: /* the head is not known to who is not a member: a guess, then STALE_HEAD */
        s->n = s->n ? s->n : 1;
        return sign_join(n, s, ss);
    default:
        return sign_on_head(n, t, s, ss);
    }
}

static enum err info_for(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                         const uint8_t *person)
{
    struct circle_info i = {.since_ms = node_now_ms(n), .restores = contacts_restores(n)};

    if (!person)
        return ERR_OK;
    memcpy(i.handle, handle, ID_BYTES);
    i.has_person = true;
    memcpy(i.person, person, ID_BYTES);
    return circle_info_put(n, t, &i);
}

static enum err newest_one(void *arg, struct span key, struct span value)
{
    uint64_t *made_ms = arg;

    (void)value;
    if (key.len != ACT_LIVE_KEY)
        return ERR_CORRUPT;
    *made_ms = get_be64(key.ptr);
    return ERR_OK;
}

/* They are declared in the order of this time: later than all that wait, whatever the clock says.
 */
static enum err made_time(struct node *n, struct txn *t, uint64_t *out)
{
    uint64_t now_ms = node_now_ms(n);
    uint64_t newest_ms = 0;
    enum err e = store_scan(t, TABLE_ACT_LIVE, span_text(""), span_text(""), SIZE_MAX, newest_one,
                            &newest_ms);

    if (!e)
        *out = now_ms > newest_ms ? now_ms : newest_ms + 1;
    return e;
}

enum err act_add(struct node *n, struct txn *t, struct circle_statement *s, const uint8_t *person,
                 uint8_t id[ID_BYTES])
{
    struct act a = {.state = ACT_WAITING};
    enum err e;

    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if ((e = made_time(n, t, &a.made_ms)))
        return e;
    if ((e = first_sign(n, t, s, &a.ss)))
        goto out;
    if ((e = circle_encode(s, &a.stmt)))
        goto out;
    if ((e = node_random(n, a.id, sizeof a.id)))
        goto out;
    if (person)
        memcpy(a.person, person, ID_BYTES);
    if ((e = info_for(n, t, s->circle, person)))
        goto out;
    if ((e = act_put(n, t, &a)))
        goto out;
    memcpy(id, a.id, ID_BYTES);
out:
    act_wipe(&a);
    return e;
}

/* --- signing for the moment
 * ----------------------------------------------------------------------------- */

/* Is what was signed before still what to send: its place on our chain is free, or it stands there
 * already (then the hub answers with its receipt)? */
static enum err signed_stands(struct node *n, struct txn *t, const struct act *a,
                              const struct circle_statement *s, bool *stands)
{
    struct circle *circle = NULL;
    struct statement st;
    struct circle_statement said;
    bool gap;
    enum err e;

    *stands = false;
    if (a->ss.len == 0)
        return ERR_OK;
    *stands = true;
    if (s->kind == CIRCLE_CREATE || s->kind == CIRCLE_JOIN)
        return ERR_OK;
    if ((e = statement_parse(bytes_span(&a->ss), &st)) || (e = circle_decode(st.stmt, &said)))
        return ERR_CORRUPT;
    if ((e = circles_get(n, t, s->circle, &circle)))
        return e;
    if (said.n >= circle_size(circle))
        return ERR_OK;
    e = circles_take(n, t, bytes_span(&a->ss), &gap); /* compares: writes nothing below the head */
    *stands = e == ERR_OK;
    return e == ERR_SPLIT_VIEW ? ERR_OK : e;
}

enum err act_sign(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], struct bytes *ss)
{
    struct circle_statement s;
    struct act a = {0};
    bool stands;
    enum err e;

    if ((e = act_get(n, t, id, &a)))
        return e;
    if ((e = circle_decode(bytes_span(&a.stmt), &s))) {
        e = ERR_CORRUPT;
        goto out;
    }
    if ((e = signed_stands(n, t, &a, &s, &stands)))
        goto out;
    if (!stands) {
        if ((e = first_sign(n, t, &s, &a.ss)))
            goto out;
        if ((e = act_put(n, t, &a)))
            goto out;
    }
    e = bytes_copy(ss, bytes_span(&a.ss));
out:
    act_wipe(&a);
    return e;
}

static enum err signed_one(void *arg, const struct act *a)
{
    uint8_t *id = arg;

    if (a->ss.len == 0)
        return ERR_OK;
    memcpy(id, a->id, ID_BYTES);
    return ERR_ENOUGH;
}

enum err acts_unsign(struct node *n, struct txn *t)
{
    static const uint8_t none[ID_BYTES];

    for (;;) {
        uint8_t id[ID_BYTES] = {0};
        struct act a = {0};
        enum err e = act_each_waiting(n, t, signed_one, id);

        if (e || memcmp(id, none, ID_BYTES) == 0)
            return e;
        if ((e = act_get(n, t, id, &a)))
            return e;
        bytes_free(&a.ss);
        e = act_put(n, t, &a);
        act_wipe(&a);
        if (e)
            return e;
    }
}

/* --- the hub's answers
 * ------------------------------------------------------------------------------------ */

static enum err handle_of(const struct act *a, struct circle_statement *s, uint8_t out[ID_BYTES])
{
    enum err e = act_statement(a, s);

    if (!e)
        memcpy(out, s->circle, ID_BYTES);
    return e;
}

/* The receipt must be about this statement, or it is none. */
static enum err receipt_of_act(struct node *n, const struct act *a, struct span receipt)
{
    struct receipt_facts facts;
    struct receipt r;
    struct statement st;
    uint8_t link[STMT_LINK_BYTES];
    enum err e;

    if ((e = receipt_decode(receipt, &r)) || (e = contacts_receipt(n, &r, &facts)))
        return e;
    if ((e = statement_parse(bytes_span(&a->ss), &st)) || (e = statement_link(st.stmt, link)))
        return e;
    if (facts.type != AUDIT_STATEMENT || memcmp(link, facts.detail.statement, sizeof link) != 0)
        return ERR_PROOF;
    return ERR_OK;
}

static enum err committed_in(struct node *n, struct txn *t, struct act *a, struct span receipt)
{
    struct circle_statement s;
    uint8_t handle[ID_BYTES];
    bool gap;
    enum err e;

    if ((e = receipt_of_act(n, a, receipt)))
        return e;
    if ((e = handle_of(a, &s, handle)))
        return e;
    if ((e = circles_take(n, t, bytes_span(&a->ss), &gap)))
        return e;
    if (s.kind == CIRCLE_JOIN && (e = store_del(t, TABLE_OFFER, SPAN_OF(handle))) &&
        e != ERR_NOT_FOUND)
        return e;
    a->state = ACT_DONE;
    if ((e = bytes_copy(&a->receipt, receipt)))
        return e;
    if ((e = receipts_put(n, t, a->id, AUDIT_STATEMENT, n->self.org, receipt)))
        return e;
    return act_put(n, t, a);
}

enum err act_committed(struct node *n, const uint8_t id[ID_BYTES], struct span receipt)
{
    struct txn *t = NULL;
    struct act a = {0};
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = act_get(n, t, id, &a)) && a.state == ACT_WAITING) {
        if (!(e = committed_in(n, t, &a, receipt)))
            e = node_commit(n, &t);
        if (!e)
            waits_settle(n, id, ERR_OK);
    }
    node_abort(n, &t);
    act_wipe(&a);
    return e;
}

static enum err refused_in(struct node *n, struct txn *t, struct act *a, enum err why,
                           uint8_t handle[ID_BYTES])
{
    struct circle_statement s;
    enum err e;

    if ((e = handle_of(a, &s, handle)))
        return e;
    if (s.kind == CIRCLE_CREATE && (e = store_del(t, TABLE_CIRCLE, span_of(handle, ID_BYTES))) &&
        e != ERR_NOT_FOUND)
        return e;
    a->state = ACT_FAILED;
    a->code = (uint32_t)why;
    return act_put(n, t, a);
}

enum err act_refused(struct node *n, const uint8_t id[ID_BYTES], enum err why)
{
    uint8_t handle[ID_BYTES];
    struct txn *t = NULL;
    struct act a = {0};
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = act_get(n, t, id, &a)) && a.state == ACT_WAITING) {
        if (!(e = refused_in(n, t, &a, why, handle)))
            e = node_commit(n, &t);
        if (!e) {
            log_info("statement.refused", "why=%s", err_name(why));
            waits_settle(n, id, why);
            waits_settle(n, handle, why);
        }
    }
    node_abort(n, &t);
    act_wipe(&a);
    return e;
}

static enum err stale_in(struct node *n, struct txn *t, struct act *a, uint64_t head_n,
                         const uint8_t head[STMT_LINK_BYTES])
{
    struct circle *circle = NULL;
    struct circle_statement s;
    enum err e;

    if (circle_decode(bytes_span(&a->stmt), &s))
        return ERR_CORRUPT;
    if (head_n >= CIRCLE_STATEMENTS_MAX)
        return ERR_QUOTA;
    if (s.kind == CIRCLE_JOIN) {
        s.n = (uint32_t)head_n + 1;
        memcpy(s.prev, head, STMT_LINK_BYTES);
        bytes_free(&a->ss);
        struct bytes stmt = {0}; /* s.offer borrows from the old one */
        if ((e = circle_encode(&s, &stmt)))
            return e;
        bytes_free(&a->stmt);
        a->stmt = stmt;
        return act_put(n, t, a);
    }
    if ((e = circles_get(n, t, s.circle, &circle)))
        return e;
    if (circle_size(circle) > head_n)
        return ERR_OK;
    return circle_mark(n, t, s.circle, true);
}

enum err act_stale(struct node *n, const uint8_t id[ID_BYTES], uint64_t head_n,
                   const uint8_t head[STMT_LINK_BYTES])
{
    struct txn *t = NULL;
    struct act a = {0};
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = act_get(n, t, id, &a)) && a.state == ACT_WAITING &&
        !(e = stale_in(n, t, &a, head_n, head)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    act_wipe(&a);
    return e;
}
