/* The audit log: leaves, heads and receipts (PROTOCOL.md 9, 10). */
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "core.h"
#include "sign.h"

#define HEADS_KEPT 1024 /* a power of two */

struct heads {
    struct head_slot {
        bool used;
        struct ckpt ckpt;
    } audit[HEADS_KEPT], keys[HEADS_KEPT];
};

enum err heads_new(struct heads **out)
{
    struct heads *h = calloc(1, sizeof *h);

    if (!h)
        return ERR_NOMEM;
    *out = h;
    return ERR_OK;
}

void heads_free(struct heads *h)
{
    free(h);
}

void heads_forget(struct heads *h)
{
    memset(h, 0, sizeof *h);
}

/* --- leaves -------------------------------------------------------------------------------- */

#define CIRCLE_ROW_BYTES (8 + LINK_BYTES)

static enum err circle_row_read(struct core *c, struct detail *d)
{
    struct span row;
    enum err e = store_get(c->t, TABLE_CIRCLE, SPAN_OF(d->circle), &row);

    d->n = 1;
    memset(d->link, 0, sizeof d->link);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e)
        return e;
    if (row.len != CIRCLE_ROW_BYTES)
        return ERR_CORRUPT;
    d->n = be64_read(row.ptr) + 1;
    memcpy(d->link, row.ptr + 8, sizeof d->link);
    return ERR_OK;
}

static enum err circle_row_write(struct core *c, const struct detail *d, struct span entry)
{
    uint8_t row[CIRCLE_ROW_BYTES];
    enum err e;

    be64_write(d->n, row);
    if ((e = entry_link(entry, row + 8)))
        return e;
    return store_put(c->t, TABLE_CIRCLE, SPAN_OF(d->circle), SPAN_OF(row));
}

enum err audit_add_sized(struct core *c, enum audit_type type, struct detail *d, uint64_t *index,
                         size_t *size)
{
    struct bytes detail = {0}, entry = {0}, side = {0};
    bool in_circle = d->has & RD_KEY(DETAIL_CIRCLE);
    uint8_t salt[SALT_BYTES];
    uint8_t commitment[32];
    enum err e;

    if (in_circle) {
        d->has |= RD_KEY(DETAIL_N) | RD_KEY(DETAIL_LINK);
        if ((e = circle_row_read(c, d)))
            return e;
    }
    if ((e = entropy_fill(c->entropy, salt, sizeof salt)))
        return e;
    if ((e = detail_encode(d, &detail)))
        goto out;
    if ((e = detail_commit(salt, bytes_span(&detail), commitment)))
        goto out;
    if ((e = entry_encode(type, c->now_ms, commitment, &entry)))
        goto out;
    if ((e = bytes_append(&side, SPAN_OF(salt))) || (e = bytes_append(&side, bytes_span(&detail))))
        goto out;
    if ((e = ledger_append(c->audit, c->t, bytes_span(&entry), bytes_span(&side), index)))
        goto out;
    *index = leaf_place(c, *index);
    *size = entry.len + side.len;
    if (in_circle)
        e = circle_row_write(c, d, bytes_span(&entry));
out:
    bytes_free(&detail);
    bytes_free(&entry);
    bytes_free(&side);
    return e;
}

enum err audit_add(struct core *c, enum audit_type type, struct detail *d, uint64_t *index)
{
    size_t size;

    return audit_add_sized(c, type, d, index, &size);
}

/* --- heads --------------------------------------------------------------------------------- */

static enum err head_make(struct ledger *l, struct txn *t, uint64_t size, const char *origin,
                          const struct secret_sign *key, struct ckpt *out)
{
    struct bytes body = {0};
    struct ckpt head = {.size = size};
    enum err e;

    if (!key)
        return ERR_HUB_KEY;
    if ((e = ledger_root(l, t, size, head.root)))
        return e;
    if ((e = checkpoint_body(span_text(origin), size, head.root, &body)))
        return e;
    if ((e = sign_note(key, bytes_span(&body), head.sig)))
        goto out;
    *out = head;
out:
    bytes_free(&body);
    return e;
}

static enum err head_get(struct ledger *l, struct head_slot *slots, struct txn *t, uint64_t size,
                         const char *origin, const struct secret_sign *key, struct ckpt *out)
{
    struct head_slot *slot = &slots[size & (HEADS_KEPT - 1)];
    enum err e;

    if (size > ledger_committed_size(l))
        return ERR_STATE; /* a head leaves the machine only after its commit */
    if (!slot->used || slot->ckpt.size != size) {
        slot->used = false;
        if ((e = head_make(l, t, size, origin, key, &slot->ckpt)))
            return e;
        slot->used = true;
    }
    *out = slot->ckpt;
    return ERR_OK;
}

enum err audit_head(struct core *c, struct txn *t, uint64_t size, struct ckpt *out)
{
    const struct epoch *at = epoch_now(c);

    return head_get(c->audit, c->heads->audit, t, size, at->origin,
                    core_log_key(c, HUB_KEY_AUDIT_LOG, at->number), out);
}

enum err keys_head(struct core *c, struct txn *t, uint64_t size, struct ckpt *out)
{
    return head_get(c->keys, c->heads->keys, t, size, c->id->keys_origin,
                    core_log_key(c, HUB_KEY_KEYS_LOG, size), out);
}

/* Did one of the keys that may have signed there sign this? ERR_CHECKPOINT. */
static enum err head_signed(const struct core *c, enum hub_key which, uint64_t at,
                            const char *origin, const struct ckpt *head)
{
    struct bytes body = {0};
    enum err e = checkpoint_body(span_text(origin), head->size, head->root, &body);

    if (e)
        return e == ERR_NOMEM ? e : ERR_CHECKPOINT; /* without memory nothing is known of it */
    e = core_log_signed(c, which, at, bytes_span(&body), head->sig, NULL) ? ERR_OK : ERR_CHECKPOINT;
    bytes_free(&body);
    return e;
}

/* A member tells us a head of ours. That it is our history is one comparison; only a stranger
 * head costs a signature check, and then it is either rubbish, of a key we had before, or a grave
 * matter. own: our head of that size, if we have one. */
static enum err head_judge(const struct core *c, enum hub_key which, uint64_t at,
                           const char *origin, const struct ckpt *head, const struct ckpt *own)
{
    bool same = own && memcmp(own->root, head->root, sizeof own->root) == 0;
    enum err e;

    if (same && memcmp(own->sig, head->sig, sizeof own->sig) == 0)
        return ERR_OK;
    if ((e = head_signed(c, which, at, origin, head)))
        return e;
    return same ? ERR_OK : ERR_SPLIT_VIEW;
}

/* A head of a closed epoch: within what it held it must be that; beyond, it is of the range that
 * the next epoch's leaf 0 declares lost (restore.c). */
static enum err closed_check(struct core *c, const struct epoch *at, const struct ckpt *head)
{
    uint8_t root[32];
    enum err e;

    if ((e = head_signed(c, HUB_KEY_AUDIT_LOG, at->number, at->origin, head)))
        return e;
    if (head->size > ledger_committed_size(at->ledger))
        return ERR_OK;
    if ((e = ledger_root(at->ledger, c->t, head->size, root)))
        return e;
    return memcmp(root, head->root, sizeof root) == 0 ? ERR_OK : ERR_SPLIT_VIEW;
}

enum err audit_check_head(struct core *c, const struct ckpt *head)
{
    const struct epoch *at = epoch_now(c);
    bool ours = head->size <= ledger_committed_size(c->audit);
    struct ckpt own;
    enum err e = ours ? audit_head(c, c->t, head->size, &own) : ERR_OK;

    if (e)
        return e;
    e = head_judge(c, HUB_KEY_AUDIT_LOG, at->number, at->origin, head, ours ? &own : NULL);
    for (size_t i = c->epoch_count - 1; e == ERR_CHECKPOINT && i-- > 0;)
        e = closed_check(c, &c->epochs[i], head);
    return e;
}

enum err keys_check_head(struct core *c, const struct ckpt *head)
{
    bool ours = head->size <= ledger_committed_size(c->keys);
    struct ckpt own;
    enum err e = ours ? keys_head(c, c->t, head->size, &own) : ERR_OK;

    return e ? e
             : head_judge(c, HUB_KEY_KEYS_LOG, head->size, c->id->keys_origin, head,
                          ours ? &own : NULL);
}

enum err audit_detail(struct core *c, uint64_t place, struct detail *out)
{
    const struct epoch *at;
    struct span entry;
    struct span side;
    uint64_t index;
    enum err e = place_read(c, place, &at, &index);

    if (e || (e = ledger_entry(at->ledger, c->t, index, &entry, &side, NULL)))
        return e;
    if (side.len <= SALT_BYTES)
        return ERR_NOT_FOUND;
    return detail_decode(span_of(side.ptr + SALT_BYTES, side.len - SALT_BYTES), out);
}

/* --- receipts ------------------------------------------------------------------------------ */

static enum err first_key(void *arg, struct span key, struct span value)
{
    uint64_t *size = arg;

    (void)value;
    if (key.len != 8)
        return ERR_CORRUPT;
    *size = be64_read(key.ptr);
    return ERR_ENOUGH;
}

/* The tree that the commit of this leaf left: a receipt is always made for that one. */
static enum err size_of_commit(struct txn *t, uint64_t place, uint64_t *size)
{
    uint64_t after = 0;
    uint8_t from[8];
    enum err e;

    e = store_scan(t, TABLE_HEAD, key_u64(place + 1, from), (struct span){0}, 1, first_key, &after);
    if (e)
        return e;
    if (after >> PLACE_SHIFT != place >> PLACE_SHIFT)
        return ERR_NOT_FOUND;
    *size = after & ((UINT64_C(1) << PLACE_SHIFT) - 1);
    return *size ? ERR_OK : ERR_NOT_FOUND;
}

static enum err receipt_head(struct core *c, struct txn *t, const struct epoch *at, uint64_t size,
                             struct ckpt *out)
{
    if (at == epoch_now(c))
        return audit_head(c, t, size, out);
    return head_make(at->ledger, t, size, at->origin,
                     core_log_key(c, HUB_KEY_AUDIT_LOG, at->number), out);
}

enum err audit_receipt(struct core *c, struct txn *t, uint64_t place,
                       const struct receipt_path *path, struct bytes *out)
{
    struct receipt r = {.log = LOG_AUDIT};
    const struct epoch *at;
    struct span side;
    uint64_t size;
    enum err e;

    if ((e = place_read(c, place, &at, &r.index)))
        return e;
    if ((e = size_of_commit(t, place, &size)))
        return e;
    if ((e = receipt_head(c, t, at, size, &r.head)))
        return e;
    if ((e = ledger_inclusion(at->ledger, t, r.index, size, &r.inclusion)))
        return e;
    if ((e = ledger_entry(at->ledger, t, r.index, &r.entry, &side, NULL)))
        return e;
    if (side.len <= SALT_BYTES)
        return ERR_NOT_FOUND; /* erased */
    memcpy(r.salt, side.ptr, SALT_BYTES);
    r.detail = span_of(side.ptr + SALT_BYTES, side.len - SALT_BYTES);
    if (path) {
        r.has_path = true;
        r.path = *path;
    }
    return receipt_encode(&r, out);
}
