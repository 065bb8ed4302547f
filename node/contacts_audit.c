/* The audit log as this node sees it: heads alone, each proven by the hub to be of one history with
 * the last one checked (contacts.h, PROTOCOL.md 10.4 and 10.5). */
#include <stdlib.h>
#include <string.h>

#include "contacts_internal.h"
#include "heads.h"
#include "log.h"
#include "meta.h"
#include "vault.h"

/* --- on disk ----------------------------------------------------------------------------------
 */

void seen_key(uint32_t epoch, uint64_t size, uint8_t key[SEEN_KEY])
{
    put_be32(key, epoch);
    put_be64(key + 4, size);
}

static void closed_write(struct writer *w, const struct closed_epoch *x)
{
    wr_array(w, 5);
    wr_uint(w, x->number);
    wr_ckpt(w, &x->held);
    wr_uint(w, x->common);
    wr_fixed(w, x->root, sizeof x->root);
    wr_uint(w, x->lost);
}

static void closed_read(struct reader *r, struct closed_epoch *x)
{
    rd_array(r, 5);
    x->number = rd_u32(r, EPOCH_MAX);
    rd_ckpt(r, &x->held);
    x->common = rd_uint(r, UINT64_MAX);
    rd_fixed(r, x->root, sizeof x->root);
    x->lost = rd_uint(r, UINT64_MAX);
}

static enum err closed_load(struct node *n, struct txn *t, struct contacts *c)
{
    struct bytes row = {0};
    enum err e = meta_get(n, t, "audit_closed", &row);

    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (!e) {
        struct reader r = reader_over(bytes_span(&row));

        c->closed_count = rd_array_between(&r, 0, EPOCHS_KNOWN_MAX);
        for (size_t i = 0; i < c->closed_count && !rd_error(&r); i++)
            closed_read(&r, &c->closed[i]);
        e = row_end(&r);
    }
    seal_bytes_free(&row);
    return e;
}

static enum err closed_keep(struct node *n, struct txn *t, const struct closed_epoch *list,
                            size_t count)
{
    struct bytes row = {0};
    struct writer w;
    enum err e;

    wr_init(&w);
    wr_array(&w, count);
    for (size_t i = 0; i < count; i++)
        closed_write(&w, &list[i]);
    if (!(e = wr_take(&w, &row)))
        e = meta_put(n, t, "audit_closed", bytes_span(&row));
    bytes_free(&row);
    return e;
}

enum err seen_read(struct span key, struct span row, struct seen_head *out)
{
    struct reader r = reader_over(row);

    if (key.len != SEEN_KEY)
        return ERR_CORRUPT;
    out->epoch = get_be32(key.ptr);
    rd_ckpt(&r, &out->head);
    return row_end(&r);
}

static enum err newest_of(void *arg, struct span key, struct span row)
{
    struct contacts *c = arg;
    struct seen_head x;
    enum err e = seen_read(key, row, &x);

    if (!e && x.epoch == c->audit_epoch && x.head.size > c->newest.size)
        c->newest = x.head;
    return e;
}

enum err audit_load(struct node *n, struct txn *t, struct contacts *c)
{
    uint64_t epoch;
    enum err e;

    if ((e = meta_get_u64(n, t, "audit_epoch", 0, &epoch)))
        return e;
    c->audit_epoch = (uint32_t)epoch;
    if ((e = head_load(n, t, "audit_head", &c->audit)) || (e = closed_load(n, t, c)))
        return e;
    c->newest = c->audit;
    return vault_scan(n->vault, t, TABLE_SEEN_HEAD, span_text(""), span_text(""), SIZE_MAX,
                      newest_of, c);
}

/* --- epochs -----------------------------------------------------------------------------------
 */

uint32_t contacts_epoch(const struct node *n)
{
    return n->contacts->audit_epoch;
}

uint64_t contacts_restores(const struct node *n)
{
    return n->contacts->closed_count;
}

enum err audit_epoch_of(const struct node *n, const struct ckpt *head, uint32_t *epoch,
                        struct sign_public *pk)
{
    const struct contacts *c = n->contacts;
    enum err e = ERR_CHECKPOINT;

    *epoch = c->audit_epoch;
    if (c->audit_epoch)
        e = audit_signer(c, c->audit_epoch, head, pk);
    for (size_t i = c->closed_count; e == ERR_CHECKPOINT && i-- > 0;) {
        *epoch = c->closed[i].number;
        e = audit_signer(c, c->closed[i].number, head, pk);
    }
    return e;
}

uint64_t contacts_epoch_end(const struct node *n, uint32_t epoch)
{
    const struct closed_epoch *x = closed_find(n->contacts, epoch);

    return x ? x->lost : 0;
}

size_t contacts_epochs(const struct node *n, uint32_t out[EPOCHS_KNOWN_MAX + 1])
{
    const struct contacts *c = n->contacts;
    size_t count = 0;

    for (size_t i = 0; i < c->closed_count; i++)
        out[count++] = c->closed[i].number;
    if (c->audit_epoch)
        out[count++] = c->audit_epoch;
    return count;
}

enum err contacts_epoch_of(const struct node *n, const struct ckpt *head, uint32_t *epoch,
                           struct sign_public *pk)
{
    return audit_epoch_of(n, head, epoch, pk);
}

struct closed_epoch *closed_find(struct contacts *c, uint32_t number)
{
    for (size_t i = 0; i < c->closed_count; i++)
        if (c->closed[i].number == number)
            return &c->closed[i];
    return NULL;
}

/* What the leaf 0 of an epoch says of the former one. */
static enum err opening_read(const struct contacts *c, uint32_t epoch, struct span opening,
                             struct closed_epoch *out)
{
    char origin[ORIGIN_ROOM];
    struct sign_public pk;
    struct receipt_facts f;
    struct receipt r;
    enum err e;

    audit_origin(&c->pins, epoch, origin);
    if ((e = receipt_decode(opening, &r)) || (e = audit_signer(c, epoch, &r.head, &pk)) ||
        (e = receipt_check(&r, span_text(origin), &pk, &f)))
        return e == ERR_NOMEM ? e : ERR_EPOCH;
    if (r.index != 0 || f.type != AUDIT_EPOCH || f.detail.epoch >= epoch ||
        f.detail.lost < f.detail.common)
        return ERR_EPOCH;
    *out = (struct closed_epoch){
        .number = (uint32_t)f.detail.epoch, .common = f.detail.common, .lost = f.detail.lost};
    memcpy(out->root, f.detail.common_root, sizeof out->root);
    return ERR_OK;
}

/* Does the ending of the former epoch fit what we hold of it? A head beyond `lost`, or another
 * root at `common`, is another history. */
static enum err ending_check(struct node *n, const struct closed_epoch *x)
{
    struct contacts *c = n->contacts;
    struct ckpt end = {.size = x->common};

    memcpy(end.root, x->root, sizeof end.root);
    if (x->held.size > x->lost || c->newest.size > x->lost)
        return two_histories(n, ERR_ROLLBACK, "audit epoch", &c->newest, &end);
    if (x->held.size == x->common && x->held.size > 0 &&
        memcmp(x->held.root, x->root, sizeof x->root) != 0)
        return two_histories(n, ERR_SPLIT_VIEW, "audit epoch", &x->held, &end);
    return ERR_OK;
}

#define LOST_A_TIME 64
struct lost_heads {
    size_t count;
    uint8_t key[LOST_A_TIME][SEEN_KEY];
};

static enum err lost_one(void *arg, struct span key, struct span value)
{
    struct lost_heads *l = arg;

    (void)value;
    if (key.len != SEEN_KEY)
        return ERR_CORRUPT;
    memcpy(l->key[l->count++], key.ptr, SEEN_KEY);
    return l->count == LOST_A_TIME ? ERR_ENOUGH : ERR_OK;
}

/* Heads that were seen and not proven yet, of what is declared lost: nobody can prove them. */
static enum err lost_drop(struct txn *t, const struct closed_epoch *x)
{
    uint8_t from[SEEN_KEY], to[SEEN_KEY];
    struct lost_heads l;
    enum err e;

    seen_key(x->number, x->common + 1, from);
    seen_key(x->number + 1, 0, to);
    do {
        l.count = 0;
        e = store_scan(t, TABLE_SEEN_HEAD, SPAN_OF(from), SPAN_OF(to), SIZE_MAX, lost_one, &l);
        for (size_t i = 0; i < l.count && !e; i++)
            e = store_del(t, TABLE_SEEN_HEAD, SPAN_OF(l.key[i]));
    } while (!e && l.count == LOST_A_TIME);
    return e;
}

static void lost_forget(struct contacts *c, const struct closed_epoch *x)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->fresh_count; i++)
        if (c->fresh[i].epoch != x->number || c->fresh[i].head.size <= x->common)
            c->fresh[kept++] = c->fresh[i];
    c->fresh_count = kept;
}

static enum err epoch_keep(struct node *n, uint32_t epoch, const struct closed_epoch *former)
{
    struct contacts *c = n->contacts;
    struct closed_epoch list[EPOCHS_KNOWN_MAX];
    const struct ckpt none = {0};
    size_t count = c->closed_count;
    struct txn *t = NULL;
    enum err e;

    memcpy(list, c->closed, count * sizeof list[0]);
    if (former && count == EPOCHS_KNOWN_MAX)
        return ERR_ITEMS;
    if (former)
        list[count++] = *former;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if ((e = closed_keep(n, t, list, count)) || (e = head_keep(n, t, "audit_head", &none)) ||
        (e = meta_put_u64(n, t, "audit_epoch", epoch)) || (former && (e = lost_drop(t, former))) ||
        (former && former->held.size &&
         ((e = meta_put_u64(n, t, "reoffer_from", former->common)) ||
          (e = meta_put_u64(n, t, "reoffer_epoch", former->number))))) {
        store_abort(&t);
        return e;
    }
    if ((e = node_commit(n, &t)))
        return e;
    if (former)
        lost_forget(c, former);
    memcpy(c->closed, list, count * sizeof list[0]);
    c->closed_count = count;
    c->audit_epoch = epoch;
    c->audit = none;
    c->newest = none;
    return ERR_OK;
}

enum err contacts_see_epoch(struct node *n, uint32_t epoch, struct span opening)
{
    struct contacts *c = n->contacts;
    struct closed_epoch former = {0};
    enum err e;

    if (!c->joined)
        return ERR_NOT_JOINED;
    if (epoch == c->audit_epoch)
        return ERR_OK;
    if (epoch < c->audit_epoch)
        return two_histories(n, ERR_ROLLBACK, "audit epoch", &c->newest, &c->newest);
    if (opening.len == 0) /* the first that we hear of may be the first there is */
        return c->audit_epoch ? ERR_EPOCH : epoch_keep(n, epoch, NULL);
    if ((e = opening_read(c, epoch, opening, &former)))
        return e;
    if (c->audit_epoch && former.number < c->audit_epoch)
        return ERR_EPOCH;
    if (former.number == c->audit_epoch) {
        former.held = c->audit;
        if ((e = ending_check(n, &former)))
            return e;
    }
    if ((e = epoch_keep(n, epoch, &former)))
        return e;
    log_warn("audit.epoch", "new=%u former=%u common=%llu lost=%llu", epoch, former.number,
             (unsigned long long)former.common, (unsigned long long)former.lost);
    if (former.held.size > 0 && former.held.size < former.common) {
        struct ckpt end = {.size = former.common};

        memcpy(end.root, former.root, sizeof end.root);
        return audit_note(n, former.number, &end, "audit epoch");
    }
    return ERR_OK;
}

/* --- seeing -----------------------------------------------------------------------------------
 */

const struct ckpt *held_of(struct contacts *c, uint32_t epoch)
{
    struct closed_epoch *x;

    if (epoch == c->audit_epoch)
        return &c->audit;
    x = closed_find(c, epoch);
    return x ? &x->held : NULL;
}

bool contacts_is_checked(const struct node *n, uint32_t epoch, const struct ckpt *head)
{
    struct contacts *c = n->contacts;
    const struct ckpt *held = held_of(c, epoch);

    if (held && head_same(held, head))
        return true;
    for (size_t i = 0; i < CHECKED_KEPT; i++)
        if (c->checked[i].epoch == epoch && head_same(&c->checked[i].head, head))
            return true;
    return false;
}

static enum err fresh_add(struct contacts *c, uint32_t epoch, const struct ckpt *head)
{
    if (c->fresh_count == c->fresh_cap) {
        size_t more = c->fresh_cap ? 2 * c->fresh_cap : 16;
        struct seen_head *bigger = realloc(c->fresh, more * sizeof *bigger);

        if (!bigger)
            return ERR_NOMEM;
        c->fresh = bigger;
        c->fresh_cap = more;
    }
    c->fresh[c->fresh_count++] = (struct seen_head){epoch, *head};
    return ERR_OK;
}

enum err audit_note(struct node *n, uint32_t epoch, const struct ckpt *head, const char *what)
{
    struct contacts *c = n->contacts;
    const struct ckpt *held = held_of(c, epoch);
    const struct closed_epoch *x = closed_find(c, epoch);

    if (!held || head->size == 0 || contacts_is_checked(n, epoch, head))
        return ERR_OK;
    if (x && (held->size == 0 || head->size > x->common)) /* of what is declared lost, or of what
                                                             we have nothing to compare with */
        return head->size > x->lost ? two_histories(n, ERR_ROLLBACK, what, held, head) : ERR_OK;
    if (held->size == head->size)
        return two_histories(n, ERR_SPLIT_VIEW, what, held, head);
    for (size_t i = 0; i < c->fresh_count; i++) {
        if (c->fresh[i].epoch != epoch || c->fresh[i].head.size != head->size)
            continue;
        return head_same(&c->fresh[i].head, head)
                   ? ERR_OK
                   : two_histories(n, ERR_SPLIT_VIEW, what, &c->fresh[i].head, head);
    }
    if (epoch == c->audit_epoch && head->size > c->newest.size)
        c->newest = *head;
    return fresh_add(c, epoch, head);
}

/* The first head of an epoch that we hear of is where we begin. */
static enum err audit_begin(struct node *n, const struct ckpt *head)
{
    struct contacts *c = n->contacts;
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = head_keep(n, t, "audit_head", head)))
        e = store_commit(&t);
    store_abort(&t);
    if (e)
        return e;
    c->audit = *head;
    c->newest = *head;
    return ERR_OK;
}

enum err contacts_note_audit(struct node *n, uint32_t epoch, const struct ckpt *head)
{
    struct contacts *c = n->contacts;
    struct sign_public pk;
    enum err e;

    if (!c->joined)
        return ERR_NOT_JOINED;
    if (epoch != c->audit_epoch)
        return ERR_EPOCH;
    if (head->size == 0)
        return ERR_OK;
    if ((e = audit_signer(c, epoch, head, &pk)))
        return e;
    if (c->audit.size == 0 && c->newest.size == 0)
        return audit_begin(n, head);
    return audit_note(n, epoch, head, "audit head");
}

enum err contacts_see_audit(struct node *n, uint32_t epoch, const struct ckpt *head)
{
    const struct contacts *c = n->contacts;
    enum err e = contacts_note_audit(n, epoch, head);

    if (!e && head->size < c->newest.size)
        return two_histories(n, ERR_ROLLBACK, "audit head", &c->newest, head);
    return e;
}

enum err contacts_check_dir(struct node *n, const struct ckpt *keys, const struct ckpt *audit)
{
    struct sign_public pk;
    uint32_t epoch = 0;
    enum err e;

    if (keys->size > 0 && (e = keys_head_check(n, keys, "keys head of a sender")))
        return e;
    if (audit->size == 0)
        return ERR_OK;
    if ((e = audit_epoch_of(n, audit, &epoch, &pk)))
        return e;
    return audit_note(n, epoch, audit, "audit head of a sender");
}
