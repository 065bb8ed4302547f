/* Reports on their way to the hub: what became of an envelope we received (intake.h). */
#include <string.h>

#include "contacts.h"
#include "inbox.h"
#include "meta.h"
#include "statement.h"
#include "vault.h"

#define REPORT_PAIRS 8

static enum err report_encode(struct node *n, enum audit_type outcome,
                              const struct in_status *about, uint32_t code, const uint8_t *actor,
                              struct bytes *out)
{
    static const uint8_t nobody[ID_BYTES];
    struct writer w;

    wr_init(&w);
    wr_map(&w, REPORT_PAIRS);
    wr_key(&w, 1);
    wr_uint(&w, (uint64_t)outcome);
    wr_key(&w, 2);
    wr_fixed(&w, about->mid, ID_BYTES);
    wr_key(&w, 3);
    wr_fixed(&w, about->digest, DIGEST_BYTES);
    wr_key(&w, 4);
    wr_fixed(&w, about->from, ID_BYTES);
    wr_key(&w, 5);
    wr_fixed(&w, n->self.org, ID_BYTES);
    wr_key(&w, 6);
    wr_uint(&w, node_now_ms(n));
    wr_key(&w, 7);
    wr_uint(&w, code);
    wr_key(&w, 8);
    wr_fixed(&w, actor ? actor : nobody, ID_BYTES);
    return wr_take(&w, out);
}

enum err report_add(struct node *n, struct txn *t, enum audit_type outcome,
                    const struct in_status *about, uint32_t code, const uint8_t *actor)
{
    enum statement_family family = outcome == AUDIT_RECALLED ? STATEMENT_RECALL : STATEMENT_REPORT;
    uint8_t key[REPORT_KEY_BYTES];
    struct bytes stmt = {0};
    struct bytes ss = {0};
    enum err e;

    in_key(about->mid, about->from, key);
    key[2 * ID_BYTES] = (uint8_t)outcome;
    if ((e = report_encode(n, outcome, about, code, actor, &stmt)))
        goto out;
    if ((e = statement_sign_alone(family, bytes_span(&stmt), ROLE_NODE, n->self.org, n->sign, &ss)))
        goto out;
    e = vault_put_new(n->vault, t, TABLE_REPORT, NULL, SPAN_OF(key), bytes_span(&ss));
    if (e == ERR_EXISTS) /* said, and not yet sent: the first words stand */
        e = ERR_OK;
out:
    bytes_free(&stmt);
    bytes_free(&ss);
    return e;
}

enum err reports_each(struct node *n, struct txn *t,
                      enum err (*visit)(void *arg, struct span key, struct span ss), void *arg)
{
    return vault_scan(n->vault, t, TABLE_REPORT, span_text(""), span_text(""), SIZE_MAX, visit,
                      arg);
}

struct unsigned_one {
    const struct node *n;
    bool found;
    uint8_t key[REPORT_KEY_BYTES];
    struct bytes ss; /* owned */
};

static enum err by_another_key(void *arg, struct span key, struct span ss)
{
    struct unsigned_one *u = arg;
    struct statement s;

    if (key.len != REPORT_KEY_BYTES || statement_parse(ss, &s))
        return ERR_CORRUPT;
    if (memcmp(s.sig[0].kid, u->n->self.kid, KID_BYTES) == 0)
        return ERR_OK;
    u->found = true;
    memcpy(u->key, key.ptr, key.len);
    if (bytes_copy(&u->ss, ss))
        return ERR_NOMEM;
    return ERR_ENOUGH;
}

static enum err resign_one(struct node *n, struct txn *t, const struct unsigned_one *u)
{
    bool recall = u->key[REPORT_KEY_BYTES - 1] == AUDIT_RECALLED;
    struct bytes fresh = {0};
    struct statement s;
    enum err e;

    if ((e = statement_parse(bytes_span(&u->ss), &s)))
        return e;
    if (!(e = statement_sign_alone(recall ? STATEMENT_RECALL : STATEMENT_REPORT, s.stmt, ROLE_NODE,
                                   n->self.org, n->sign, &fresh)))
        e = vault_put(n->vault, t, TABLE_REPORT, NULL, SPAN_OF(u->key), bytes_span(&fresh));
    bytes_free(&fresh);
    return e;
}

enum err reports_resign(struct node *n, struct txn *t)
{
    struct unsigned_one u = {.n = n, .found = true};
    enum err e = ERR_OK;

    while (!e && u.found) {
        u.found = false;
        e = reports_each(n, t, by_another_key, &u);
        if (!e && u.found)
            e = resign_one(n, t, &u);
        bytes_free(&u.ss);
    }
    return e;
}

/* The receipt must be about what was reported; the report itself is in it. */
static enum err receipt_of_report(struct node *n, const uint8_t key[REPORT_KEY_BYTES],
                                  struct span receipt)
{
    struct receipt_facts facts;
    struct receipt r;
    enum err e;

    if ((e = receipt_decode(receipt, &r)) || (e = contacts_receipt(n, &r, &facts)))
        return e;
    if (facts.type != key[2 * ID_BYTES] || memcmp(facts.detail.mid, key, ID_BYTES) != 0)
        return ERR_PROOF;
    return ERR_OK;
}

enum err reports_done(struct node *n, const uint8_t key[REPORT_KEY_BYTES], struct span receipt)
{
    struct txn *t = NULL;
    enum err e;

    if (receipt.len > 0 && (e = receipt_of_report(n, key, receipt)))
        return e;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (receipt.len > 0 && (e = receipts_put(n, t, key, key[2 * ID_BYTES], n->self.org, receipt)))
        goto out;
    if ((e = store_del(t, TABLE_REPORT, span_of(key, REPORT_KEY_BYTES))) && e != ERR_NOT_FOUND)
        goto out;
    e = node_commit(n, &t);
out:
    node_abort(n, &t);
    return e;
}
