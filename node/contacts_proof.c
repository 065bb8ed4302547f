/* What the hub's logs prove: receipts, and two histories when they contradict (contacts.h). */
#include <stdlib.h>
#include <string.h>

#include "contacts_internal.h"
#include "heads.h"
#include "log.h"
#include "meta.h"

enum err signer_ever(void *arg, const uint8_t org[ID_BYTES], const uint8_t kid[KID_BYTES],
                     struct sign_public *pk)
{
    const struct node *n = arg;
    const struct directory *d = n->contacts->dir;

    return directory_signed(d, org, kid, pk);
}

/* --- evidence and alarm ---------------------------------------------------------------------- */

static enum err alarm_keep(struct node *n, struct txn *t, enum err why, struct span what,
                           struct span ours, struct span theirs)
{
    uint8_t key[8] = {0};
    struct span last;
    struct span value;
    struct writer w;
    enum err e = store_last(t, TABLE_ALARM, &last, &value);

    if (e && e != ERR_NOT_FOUND)
        return e;
    if (!e && last.len == sizeof key)
        put_be64(key, get_be64(last.ptr) + 1);
    wr_init(&w);
    wr_array(&w, 5);
    wr_uint(&w, (uint64_t)why);
    wr_uint(&w, node_now_ms(n));
    wr_text(&w, what);
    wr_bin(&w, ours);
    wr_bin(&w, theirs);
    if ((e = row_put(n, t, TABLE_ALARM, NULL, SPAN_OF(key), &w)) || why == ERR_BEHIND)
        return e;
    return meta_put_u64(n, t, "alarm", (uint64_t)why);
}

static enum err alarm_write(struct node *n, enum err why, struct span what, struct span ours,
                            struct span theirs)
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e && !(e = alarm_keep(n, t, why, what, ours, theirs)))
        e = store_commit(&t);
    store_abort(&t);
    return e;
}

void evidence_free(struct contacts *c)
{
    bytes_free(&c->unwritten.what);
    bytes_free(&c->unwritten.ours);
    bytes_free(&c->unwritten.theirs);
    c->unwritten = (struct evidence){0};
}

static enum err evidence_stash(struct contacts *c, enum err why, struct span what, struct span ours,
                               struct span theirs)
{
    enum err e;

    evidence_free(c);
    if ((e = bytes_copy(&c->unwritten.what, what)) || (e = bytes_copy(&c->unwritten.ours, ours)) ||
        (e = bytes_copy(&c->unwritten.theirs, theirs)))
        return e;
    c->unwritten.why = why;
    return ERR_OK;
}

/* The alarm is raised in memory first: a full disk is no reason to go on. */
enum err contacts_alarm(struct node *n, enum err why, struct span what, struct span ours,
                        struct span theirs)
{
    enum err e;

    n->alarm = why;
    log_error("node.alarm", "why=%s what=%.*s", err_name(why), (int)what.len,
              (const char *)what.ptr);
    e = alarm_write(n, why, what, ours, theirs);
    return e == ERR_BUSY ? evidence_stash(n->contacts, why, what, ours, theirs) : e;
}

void contacts_alarm_flush(struct node *n)
{
    struct evidence *x = n->contacts ? &n->contacts->unwritten : NULL;
    enum err e;

    if (!x || !x->why)
        return;
    e = alarm_write(n, x->why, bytes_span(&x->what), bytes_span(&x->ours), bytes_span(&x->theirs));
    if (e)
        log_error("node.alarm.unwritten", "why=%s", err_name(e));
    if (e != ERR_BUSY)
        evidence_free(n->contacts);
}

enum err head_bytes(const struct ckpt *head, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    wr_ckpt(&w, head);
    return wr_take(&w, out);
}

enum err two_histories(struct node *n, enum err why, const char *what, const struct ckpt *ours,
                       const struct ckpt *theirs)
{
    struct bytes a = {0};
    struct bytes b = {0};
    enum err e;

    if (!(e = head_bytes(ours, &a)) && !(e = head_bytes(theirs, &b)))
        e = contacts_alarm(n, why, span_text(what), bytes_span(&a), bytes_span(&b));
    bytes_free(&a);
    bytes_free(&b);
    if (e)
        log_error("node.alarm.unwritten", "why=%s", err_name(e));
    return why;
}

/* One row for each head that we hold and the hub has not, however often it says so. */
static enum err behind_keep(struct node *n, const struct ckpt *ours, const struct ckpt *own)
{
    struct bytes a = {0};
    struct bytes b = {0};
    struct txn *t = NULL;
    uint64_t kept = 0;
    enum err e;

    if ((e = head_bytes(ours, &a)) || (e = head_bytes(own, &b)) ||
        (e = store_begin(n->store, TXN_WRITE, &t)))
        goto out;
    if ((e = meta_get_u64(n, t, "behind_kept", 0, &kept)) || kept == ours->size)
        goto out;
    if ((e = alarm_keep(n, t, ERR_BEHIND, span_text("hub behind"), bytes_span(&a),
                        bytes_span(&b))) ||
        (e = meta_put_u64(n, t, "behind_kept", ours->size)))
        goto out;
    e = node_commit(n, &t);
out:
    node_abort(n, &t);
    bytes_free(&a);
    bytes_free(&b);
    return e;
}

enum err contacts_behind(struct node *n, const struct log_name *of, const struct ckpt *own)
{
    const struct contacts *c = n->contacts;
    char origin[ORIGIN_ROOM];
    struct ckpt keys = {0};
    struct ckpt audit = {0};
    const struct ckpt *ours = of->log == LOG_AUDIT ? &audit : &keys;
    enum err e;

    if (!c->joined)
        return ERR_NOT_JOINED;
    contacts_newest(n, &keys, &audit);
    if (of->log == LOG_AUDIT)
        audit_origin(&c->pins, of->epoch, origin);
    else
        keys_origin(&c->pins, origin);
    if (own->size > 0 &&
        (e = head_verify(origin, of->log == LOG_AUDIT ? &c->pins.audit_log : &c->pins.keys_log,
                         own)))
        return e;
    if (of->log == LOG_AUDIT && of->epoch > c->audit_epoch)
        return ERR_OK;
    if (ours->size < own->size || head_same(ours, own))
        return ERR_OK;
    return behind_keep(n, ours, own);
}

/* --- receipts ----------------------------------------------------------------------------------
 */

static enum err ack_in_receipt(struct node *n, const struct receipt_facts *f)
{
    const struct detail *d = &f->detail;
    struct ack_claim a = {.upto = d->upto, .count = (uint32_t)d->count};
    struct sign_public pk;
    uint8_t digest[DIGEST_BYTES];
    enum err e;

    if (d->about.len != 2 * ID_BYTES + 8 || d->count > UINT32_MAX)
        return ERR_FIELD_VALUE;
    if (memcmp(d->about.ptr, n->self.federation, ID_BYTES) != 0)
        return ERR_FORGED;
    memcpy(a.federation, d->about.ptr, ID_BYTES);
    memcpy(a.hub, d->about.ptr + ID_BYTES, ID_BYTES);
    memcpy(a.org, d->by_org, ID_BYTES);
    memcpy(a.node, d->by_node, ID_BYTES);
    memcpy(a.root, d->root, sizeof a.root);
    a.after = get_be64(d->about.ptr + 2 * ID_BYTES);
    if ((e = signer_ever(n, d->by_org, d->kid, &pk)))
        return e;
    if ((e = ack_digest(&a, digest)))
        return e;
    return verify_digest(SIGN_ACK, &pk, digest, d->sig);
}

static enum err act_in_receipt(struct node *n, const struct receipt_facts *f,
                               enum statement_family family)
{
    const struct detail *d = &f->detail;
    struct statement_sig sig = {.role = ROLE_NODE};
    struct sign_public pk;
    enum err e;

    memcpy(sig.org, d->by_org, ID_BYTES);
    memcpy(sig.kid, d->kid, KID_BYTES);
    memcpy(sig.sig, d->sig, SIG_BYTES);
    if ((e = signer_ever(n, d->by_org, d->kid, &pk)))
        return e;
    return statement_verify(family, d->about, &sig, &pk);
}

enum err contacts_receipt(struct node *n, const struct receipt *r, struct receipt_facts *facts)
{
    struct contacts *c = n->contacts;
    char origin[ORIGIN_ROOM];
    struct sign_public pk;
    uint32_t epoch = 0;
    enum err e;

    if (!c->joined)
        return ERR_NOT_JOINED;
    if (r->log != LOG_AUDIT)
        return ERR_FIELD_VALUE;
    if ((e = audit_epoch_of(n, &r->head, &epoch, &pk)))
        return e;
    audit_origin(&c->pins, epoch, origin);
    if ((e = receipt_check(r, span_text(origin), &pk, facts)) ||
        (e = audit_note(n, epoch, &r->head, "receipt")))
        return e;
    switch (facts->type) {
    case AUDIT_DELIVERED:
        return ack_in_receipt(n, facts);
    case AUDIT_OPENED:
    case AUDIT_REFUSED:
    case AUDIT_UNREADABLE:
    case AUDIT_MISLABELLED:
        return act_in_receipt(n, facts, STATEMENT_REPORT);
    case AUDIT_RECALLED: /* its sender's own, or nobody's */
        if (memcmp(facts->detail.by_org, facts->detail.from, ID_BYTES) != 0)
            return ERR_FORGED;
        return act_in_receipt(n, facts, STATEMENT_RECALL);
    default:
        return ERR_OK;
    }
}
