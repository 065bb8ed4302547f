#include "prekeys.h"

#include <string.h>

#include "contacts.h"
#include "directory.h"
#include "log.h"
#include "meta.h"
#include "vault.h"

#define PREKEY_FIELDS 4
#define PREKEYS_KEPT_MAX 64 /* a year of weeks, more than the grace ever needs */

void prekey_wipe(struct prekey *p)
{
    secret_box_free(p->key);
    bytes_free(&p->ss);
    *p = (struct prekey){0};
}

enum err prekey_make(struct node *n, const struct secret_sign *by,
                     const uint8_t federation[ID_BYTES], const uint8_t org[ID_BYTES],
                     const uint8_t node_id[ID_BYTES], uint64_t number, const uint8_t *previous,
                     struct prekey *out)
{
    struct prekey_statement s = {.ts_ms = node_now_ms(n), .number = number};
    struct prekey p = {.number = number, .created_ms = s.ts_ms};
    enum err e;

    if ((e = secret_box_generate(&n->entropy, &p.key)))
        goto out;
    s.pk = *secret_box_public(p.key);
    memcpy(s.federation, federation, ID_BYTES);
    memcpy(s.org, org, ID_BYTES);
    memcpy(s.node, node_id, ID_BYTES);
    if (previous)
        memcpy(s.previous, previous, KID_BYTES);
    box_kid(&s.pk, p.kid);
    if ((e = prekey_sign(&s, by, &p.ss)))
        goto out;
    *out = p;
    p = (struct prekey){0};
out:
    prekey_wipe(&p);
    return e;
}

enum err prekey_keep(struct node *n, struct txn *t, const struct prekey *p)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, PREKEY_FIELDS);
    wr_uint(&w, p->number);
    wr_uint(&w, p->created_ms);
    wr_bin(&w, secret_box_span(p->key));
    wr_bin(&w, bytes_span(&p->ss));
    return row_put(n, t, TABLE_PREKEY, NULL, SPAN_OF(p->kid), &w);
}

static enum err prekey_row(struct span kid, struct span row, struct prekey *out)
{
    struct reader r = reader_over(row);
    struct secret32 *secret = NULL;
    struct prekey p = {0};
    struct span key;
    struct span ss;
    enum err e;

    rd_array(&r, PREKEY_FIELDS);
    p.number = rd_uint(&r, UINT64_MAX);
    p.created_ms = rd_uint(&r, UINT64_MAX);
    key = rd_blob(&r, KEY_BYTES, KEY_BYTES);
    ss = rd_blob(&r, 1, SS_MAX);
    if ((e = row_end(&r)))
        return e;
    if (kid.len != KID_BYTES)
        return ERR_CORRUPT;
    memcpy(p.kid, kid.ptr, KID_BYTES);
    if (!(e = secret32_copy(key, &secret)) && !(e = secret_box_from(secret, &p.key)))
        e = bytes_copy(&p.ss, ss);
    secret32_free(secret);
    if (e) {
        prekey_wipe(&p);
        return e;
    }
    *out = p;
    return ERR_OK;
}

enum err prekey_get(struct node *n, struct txn *t, const uint8_t kid[KID_BYTES], struct prekey *out)
{
    struct span key = span_of(kid, KID_BYTES);
    struct bytes row = {0};
    enum err e = vault_get(n->vault, t, TABLE_PREKEY, NULL, key, &row);

    if (!e)
        e = prekey_row(key, bytes_span(&row), out);
    seal_bytes_free(&row);
    return e;
}

static enum err newer(void *arg, struct span kid, struct span row)
{
    struct prekey *best = arg;
    struct prekey p = {0};
    enum err e = prekey_row(kid, row, &p);

    if (e)
        return e;
    if (p.number > best->number) {
        struct prekey old = *best;

        *best = p;
        p = old;
    }
    prekey_wipe(&p);
    return ERR_OK;
}

enum err prekey_newest(struct node *n, struct txn *t, struct prekey *out)
{
    struct prekey best = {0};
    enum err e =
        vault_scan(n->vault, t, TABLE_PREKEY, span_text(""), span_text(""), SIZE_MAX, newer, &best);

    if (!e && !best.key)
        e = ERR_NOT_FOUND;
    if (e) {
        prekey_wipe(&best);
        return e;
    }
    *out = best;
    return ERR_OK;
}

/* --- rotation --------------------------------------------------------------------------------- */

static enum err due_in(struct node *n, struct txn *t, struct bytes *ss)
{
    const struct directory *d = contacts_directory(n);
    const struct directory_prekey *logged;
    struct prekey next = {0};
    struct prekey p = {0};
    enum err e;

    if ((e = prekey_newest(n, t, &p)))
        return e;
    logged = directory_find_prekey(d, p.kid);
    if (!logged) { /* made before, not in the log yet: the same bytes */
        e = p.number == 1 ? ERR_AGAIN : bytes_copy(ss, bytes_span(&p.ss));
        goto out;
    }
    if (logged->since_ms + n->settings.prekey_every_s * 1000 > node_now_ms(n)) {
        e = ERR_AGAIN;
        goto out;
    }
    if ((e = prekey_make(n, n->sign, n->self.federation, n->self.org, n->self.node, p.number + 1,
                         p.kid, &next)))
        goto out;
    if ((e = prekey_keep(n, t, &next)))
        goto out;
    if ((e = store_commit(&t)))
        goto out;
    e = bytes_copy(ss, bytes_span(&next.ss));
out:
    store_abort(&t);
    prekey_wipe(&p);
    prekey_wipe(&next);
    return e;
}

enum err prekey_due(struct node *n, struct bytes *ss)
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (e)
        return e;
    return due_in(n, t, ss);
}

struct pruning {
    struct node *n;
    uint64_t drained_ms;
    size_t count;
    uint8_t kids[PREKEYS_KEPT_MAX][KID_BYTES];
};

static enum err prune_one(void *arg, struct span kid, struct span record)
{
    struct pruning *x = arg;
    const struct directory_prekey *p;

    (void)record;
    if (kid.len != KID_BYTES)
        return ERR_CORRUPT;
    p = directory_find_prekey(contacts_directory(x->n), kid.ptr);
    if (!p || !p->replaced || p->replaced_ms + PREKEY_GRACE_MS > node_now_ms(x->n) ||
        x->drained_ms < p->replaced_ms + PREKEY_GRACE_MS)
        return ERR_OK;
    memcpy(x->kids[x->count++], kid.ptr, KID_BYTES);
    return x->count == PREKEYS_KEPT_MAX ? ERR_ENOUGH : ERR_OK;
}

enum err prekey_prune(struct node *n, uint64_t drained_ms)
{
    struct pruning x = {.n = n, .drained_ms = drained_ms};
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (e)
        return e;
    e = store_scan(t, TABLE_PREKEY, span_text(""), span_text(""), SIZE_MAX, prune_one, &x);
    for (size_t i = 0; i < x.count && !e; i++)
        e = store_del(t, TABLE_PREKEY, SPAN_OF(x.kids[i]));
    if (!e && x.count > 0) {
        e = store_commit(&t);
        log_info("prekey.destroyed", "count=%zu why=%s", x.count, err_name(e));
    }
    store_abort(&t);
    return e;
}
