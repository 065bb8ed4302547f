#include "rekey.h"

#include <string.h>

#include "absence.h"
#include "circles.h"
#include "contacts.h"
#include "intake.h"
#include "log.h"
#include "meta.h"
#include "outbox.h"
#include "prekeys.h"
#include "vault.h"

#define ROW_NAME "rekey"
#define ROW_FIELDS 5
#define SIGN_NAME "sign"
#define CURVE_NAME "curve"
#define SIGN_NEXT "sign.next"
#define CURVE_NEXT "curve.next"

/* What TABLE_META keeps of it. */
struct row {
    enum rekey_phase phase;
    enum err why;
    uint8_t kid[KID_BYTES];    /* of the next signing key */
    uint8_t prekey[KID_BYTES]; /* the one in the statement */
    struct bytes ss;           /* owned */
};

static enum err row_read(struct node *n, struct txn *t, struct row *out)
{
    struct bytes row = {0};
    struct row x = {0};
    struct span ss;
    enum err e = meta_get(n, t, ROW_NAME, &row);

    if (!e) {
        struct reader r = reader_over(bytes_span(&row));

        rd_array(&r, ROW_FIELDS);
        x.phase = (enum rekey_phase)rd_uint_between(&r, REKEY_DRAINING, REKEY_REFUSED);
        x.why = (enum err)rd_u32(&r, UINT32_MAX);
        rd_fixed(&r, x.kid, sizeof x.kid);
        rd_fixed(&r, x.prekey, sizeof x.prekey);
        ss = rd_blob(&r, 1, SS_MAX);
        if (!(e = row_end(&r)))
            e = bytes_copy(&x.ss, ss);
    }
    seal_bytes_free(&row);
    if (!e)
        *out = x;
    return e;
}

static enum err row_write(struct node *n, struct txn *t, const struct row *x)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, ROW_FIELDS);
    wr_uint(&w, x->phase);
    wr_uint(&w, (uint64_t)x->why);
    wr_fixed(&w, x->kid, sizeof x->kid);
    wr_fixed(&w, x->prekey, sizeof x->prekey);
    wr_bin(&w, bytes_span(&x->ss));
    return row_put(n, t, TABLE_META, NULL, span_text(ROW_NAME), &w);
}

/* --- node.key --------------------------------------------------------------------------------- */

static enum err ring_drop(struct keyring *ring, const char *name)
{
    enum err e = keyring_remove(ring, name);

    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err ring_put(struct keyring *ring, const char *name, const struct secret32 *secret)
{
    enum err e = ring_drop(ring, name);

    return e ? e : keyring_add(ring, name, secret);
}

static enum err ring_keys(struct keyring *ring, const char *sign_name, const char *curve_name,
                          const struct secret_sign *sign, const struct secret_box *curve)
{
    struct secret32 *seed = NULL;
    struct secret32 *secret = NULL;
    enum err e;

    if (!(e = secret_sign_seed(sign, &seed)) && !(e = ring_put(ring, sign_name, seed)) &&
        !(e = secret_box_secret(curve, &secret)))
        e = ring_put(ring, curve_name, secret);
    secret32_free(seed);
    secret32_free(secret);
    return e;
}

static enum err ring_forget(struct node *n)
{
    enum err e;

    if ((e = ring_drop(n->ring, SIGN_NEXT)) || (e = ring_drop(n->ring, CURVE_NEXT)))
        return e;
    return keyring_save(n->ring, &n->entropy);
}

/* ERR_NOT_FOUND: node.key has not those that the statement names. */
static enum err next_load(struct node *n)
{
    struct secret32 *seed = NULL;
    struct secret32 *secret = NULL;
    uint8_t kid[KID_BYTES];
    enum err e;

    if (!(e = keyring_get(n->ring, SIGN_NEXT, &seed)) &&
        !(e = keyring_get(n->ring, CURVE_NEXT, &secret)) &&
        !(e = secret_sign_from_seed(seed, &n->rekey.sign)))
        e = secret_box_from(secret, &n->rekey.curve);
    secret32_free(seed);
    secret32_free(secret);
    if (e)
        return e;
    sign_kid(secret_sign_public(n->rekey.sign), kid);
    return memcmp(kid, n->rekey.kid, KID_BYTES) == 0 ? ERR_OK : ERR_NOT_FOUND;
}

static void next_free(struct node *n)
{
    secret_sign_free(n->rekey.sign);
    secret_box_free(n->rekey.curve);
    n->rekey.sign = NULL;
    n->rekey.curve = NULL;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Are they the node's own already? */
static bool in_place(const struct node *n)
{
    return memcmp(n->self.kid, n->rekey.kid, KID_BYTES) == 0;
}

void rekey_close(struct node *n)
{
    next_free(n);
    n->rekey = (struct rekey){0};
}

enum err rekey_open(struct node *n)
{
    struct row x = {0};
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_READ, &t);

    if (!e)
        e = row_read(n, t, &x);
    store_abort(&t);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    bytes_free(&x.ss);
    n->rekey.phase = x.phase;
    n->rekey.why = x.why;
    memcpy(n->rekey.kid, x.kid, KID_BYTES);
    if (x.phase == REKEY_REFUSED || in_place(n))
        return ERR_OK; /* in the second case the rest is to be done */
    if (!(e = next_load(n)))
        return ERR_OK;
    next_free(n);
    log_error("rekey.next", "why=%s", err_name(e)); /* another node.key than this store's */
    return e == ERR_NOT_FOUND ? ERR_OK : e;         /* rekey_lost() */
}

bool rekey_lost(const struct node *n)
{
    return (n->rekey.phase == REKEY_DRAINING || n->rekey.phase == REKEY_OFFERED) &&
           !n->rekey.sign && !in_place(n);
}

/* --- beginning -------------------------------------------------------------------------------- */

static enum err next_make(struct node *n)
{
    enum err e;

    next_free(n);
    if ((e = secret_sign_generate(&n->entropy, &n->rekey.sign)) ||
        (e = secret_box_generate(&n->entropy, &n->rekey.curve)) ||
        (e = ring_keys(n->ring, SIGN_NEXT, CURVE_NEXT, n->rekey.sign, n->rekey.curve)))
        return e;
    return keyring_save(n->ring, &n->entropy);
}

static enum err statement_make(struct node *n, const struct prekey *p, struct bytes *ss)
{
    struct node_key_statement s = {.ts_ms = node_now_ms(n),
                                   .transport = *secret_box_public(n->rekey.curve),
                                   .prekey = bytes_span(&p->ss)};

    memcpy(s.federation, n->self.federation, ID_BYTES);
    memcpy(s.org, n->self.org, ID_BYTES);
    memcpy(s.node, n->self.node, ID_BYTES);
    return node_key_sign(&s, n->sign, n->rekey.sign, ss);
}

/* The statement, its prekey and the row: one commit. */
static enum err begin_in(struct node *n, struct txn **t, struct row *x)
{
    struct prekey newest = {0};
    struct prekey next = {0};
    enum err e;

    if ((e = prekey_newest(n, *t, &newest)))
        return e;
    if (!directory_find_prekey(contacts_directory(n), newest.kid)) {
        e = ERR_AGAIN;
        goto out;
    }
    if ((e = prekey_make(n, n->rekey.sign, n->self.federation, n->self.org, n->self.node,
                         newest.number + 1, newest.kid, &next)) ||
        (e = prekey_keep(n, *t, &next)) || (e = statement_make(n, &next, &x->ss)))
        goto out;
    memcpy(x->prekey, next.kid, KID_BYTES);
    sign_kid(secret_sign_public(n->rekey.sign), x->kid);
    if (!(e = row_write(n, *t, x)))
        e = node_commit(n, t);
out:
    prekey_wipe(&newest);
    prekey_wipe(&next);
    return e;
}

static enum err begin_allowed(const struct node *n)
{
    const struct directory_node *me;

    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if (n->alarm)
        return n->alarm;
    if (n->rekey.phase == REKEY_DRAINING || n->rekey.phase == REKEY_OFFERED)
        return ERR_STATE;
    me = directory_find_node(contacts_directory(n), n->self.node);
    if (!me)
        return ERR_NOT_ENROLLED;
    return memcmp(me->kid, n->self.kid, KID_BYTES) == 0 ? ERR_OK : ERR_KEY_REVOKED;
}

/* As the store has it: a commit in doubt may have been kept, and names keys that must stay. */
static enum err read_anew(struct node *n)
{
    enum err e;

    rekey_close(n);
    if ((e = rekey_open(n)))
        return e;
    return n->rekey.phase == REKEY_DRAINING || n->rekey.phase == REKEY_OFFERED ? ERR_STATE : ERR_OK;
}

enum err rekey_begin(struct node *n)
{
    struct row x = {.phase = REKEY_DRAINING};
    struct txn *t = NULL;
    enum err e;

    if ((e = begin_allowed(n)) || (e = read_anew(n)) || (e = next_make(n)))
        return e;
    if (!(e = store_begin(n->store, TXN_WRITE, &t)))
        e = begin_in(n, &t, &x);
    node_abort(n, &t);
    bytes_free(&x.ss);
    if (e)
        return e; /* keys that nothing names: the next beginning makes others */
    n->rekey.phase = REKEY_DRAINING;
    n->rekey.why = ERR_OK;
    memcpy(n->rekey.kid, x.kid, KID_BYTES);
    log_info("rekey.begun", "phase=%d", (int)n->rekey.phase);
    return ERR_OK;
}

/* --- to the hub ------------------------------------------------------------------------------- */

static enum err one_act(void *arg, const struct act *a)
{
    (void)arg;
    (void)a;
    return ERR_AGAIN;
}

static enum err offer_in(struct node *n, struct txn **t)
{
    struct row x = {0};
    bool sealed;
    enum err e;

    if ((e = outbox_has_sealed(n, *t, &sealed)))
        return e;
    if (sealed)
        return ERR_AGAIN;
    if ((e = act_each_waiting(n, *t, one_act, NULL)) || (e = row_read(n, *t, &x)))
        return e;
    x.phase = REKEY_OFFERED;
    if (!(e = row_write(n, *t, &x)))
        e = node_commit(n, t);
    bytes_free(&x.ss);
    return e;
}

enum err rekey_offer(struct node *n)
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e)
        e = offer_in(n, &t);
    node_abort(n, &t);
    if (!e)
        n->rekey.phase = REKEY_OFFERED;
    return e;
}

enum err rekey_statement(struct node *n, struct bytes *ss)
{
    struct row x = {0};
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_READ, &t);

    if (!e)
        e = row_read(n, t, &x);
    store_abort(&t);
    if (!e)
        *ss = x.ss;
    return e;
}

bool rekey_logged(const struct node *n)
{
    const struct directory_node *me;

    if (n->rekey.phase != REKEY_DRAINING && n->rekey.phase != REKEY_OFFERED)
        return false;
    me = directory_find_node(contacts_directory(n), n->self.node);
    return me && memcmp(me->kid, n->rekey.kid, KID_BYTES) == 0;
}

/* --- the log has it --------------------------------------------------------------------------- */

static enum err take_place(struct node *n)
{
    enum err e;

    if (!n->rekey.sign) /* node.key has them in their place, or nobody has them */
        return in_place(n) ? ERR_OK : ERR_KEY_REVOKED;
    if ((e = ring_keys(n->ring, SIGN_NAME, CURVE_NAME, n->rekey.sign, n->rekey.curve)) ||
        (e = ring_forget(n)))
        return e;
    secret_sign_free(n->sign);
    secret_box_free(n->curve);
    n->sign = n->rekey.sign;
    n->curve = n->rekey.curve;
    n->rekey.sign = NULL;
    n->rekey.curve = NULL;
    memcpy(n->self.kid, n->rekey.kid, KID_BYTES);
    return ERR_OK;
}

/* What was signed here and has not left. */
static enum err sign_again(struct node *n, struct txn *t)
{
    enum err e;

    if ((e = outbox_resign(n, t)) || (e = acts_unsign(n, t)) || (e = reports_resign(n, t)) ||
        (e = absence_resign(n, t)))
        return e;
    return meta_del(n, t, ROW_NAME);
}

enum err rekey_settle(struct node *n)
{
    struct txn *t = NULL;
    enum err e;

    if ((e = take_place(n)))
        return e;
    if (!(e = store_begin(n->store, TXN_WRITE, &t)) && !(e = sign_again(n, t)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    if (e)
        return e;
    n->rekey.phase = REKEY_NONE;
    log_info("rekey.done", "number=%llu",
             (unsigned long long)directory_find_node(contacts_directory(n), n->self.node)->rekeyed);
    return ERR_OK;
}

/* --- or never will ---------------------------------------------------------------------------- */

static enum err abandon_in(struct node *n, struct txn **t, enum err why)
{
    struct row x = {0};
    enum err e = row_read(n, *t, &x);

    if (e)
        return e;
    x.phase = REKEY_REFUSED;
    x.why = why;
    e = store_del(*t, TABLE_PREKEY, SPAN_OF(x.prekey));
    if ((!e || e == ERR_NOT_FOUND) && !(e = row_write(n, *t, &x)))
        e = node_commit(n, t);
    bytes_free(&x.ss);
    return e;
}

enum err rekey_abandon(struct node *n, enum err why)
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e)
        e = abandon_in(n, &t, why);
    node_abort(n, &t);
    if (e)
        return e;
    n->rekey.phase = REKEY_REFUSED;
    n->rekey.why = why;
    next_free(n);
    log_warn("rekey.refused", "why=%s", err_name(why));
    if ((e = ring_forget(n))) /* keys that nothing names */
        log_warn("rekey.forget", "why=%s", err_name(e));
    return ERR_OK;
}
