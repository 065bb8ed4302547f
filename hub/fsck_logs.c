/* fsck: the two logs from their raw entries, and all that only they can say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsck_internal.h"

static struct span leaf_key(uint64_t index, uint8_t key[8])
{
    return key_u64(index, key);
}

static enum err never_erased(void *arg, uint64_t index, struct span entry)
{
    (void)arg;
    (void)index;
    (void)entry;
    return ERR_CORRUPT; /* no leaf of this version names an erasure */
}

static void log_check(struct fsck *f, struct ledger *l, size_t which, const char *table)
{
    struct ledger_audit a = {0};
    char what[160];
    uint8_t key[8];
    enum err e = ledger_fsck(l, f->c->t, never_erased, NULL, &a);

    f->r.rows += a.size;
    f->r.logs[which].size = ledger_committed_size(l);
    memcpy(f->r.logs[which].root, a.root, sizeof a.root);
    if (e == ERR_CORRUPT) {
        snprintf(what, sizeof what, "la feuille ne se vérifie pas (%s)", a.what ? a.what : "?");
        fsck_found(f, table, leaf_key(a.bad_index, key), what);
    } else if (e) {
        f->failed = e;
    }
}

/* --- keys ------------------------------------------------------------------------------------ */

static void directory_check_all(struct fsck *f)
{
    uint8_t key[8];

    for (uint64_t i = 0; i < ledger_committed_size(f->c->keys) && !f->failed; i++) {
        struct span ss = {0};
        struct span when = {0};
        enum err e = ledger_entry(f->c->keys, f->c->t, i, &ss, &when, NULL);

        if (!e && when.len != 8)
            e = ERR_CORRUPT;
        if (!e)
            e = directory_apply(f->c->dir, i, be64_read(when.ptr), ss);
        if (e == ERR_NOMEM)
            f->failed = e;
        else if (e) {
            fsck_found(f, "k_entry", leaf_key(i, key),
                       "la déclaration ne s'enchaîne pas aux précédentes");
            return; /* all that follows rests on it */
        }
    }
}

/* --- audit ----------------------------------------------------------------------------------- */

bool fsck_leaf(struct fsck *f, uint64_t place, uint64_t *type, struct detail *d)
{
    const struct epoch *at;
    uint64_t index;
    struct span entry;
    struct span side;
    uint8_t c[32];
    uint64_t ms;

    if (place_read(f->c, place, &at, &index) || index >= ledger_committed_size(at->ledger) ||
        ledger_entry(at->ledger, f->c->t, index, &entry, &side, NULL) ||
        entry_decode(entry, type, &ms, c) || side.len <= SALT_BYTES)
        return false;
    return detail_decode(span_of(side.ptr + SALT_BYTES, side.len - SALT_BYTES), d) == ERR_OK;
}

static struct last_of *circle_of(struct fsck *f, const uint8_t handle[ID_BYTES])
{
    struct last_of *one;

    HASH_FIND(hh, f->circles, handle, ID_BYTES, one);
    if (one)
        return one;
    if (!(one = calloc(1, sizeof *one))) {
        f->failed = ERR_NOMEM;
        return NULL;
    }
    memcpy(one->handle, handle, ID_BYTES);
    HASH_ADD(hh, f->circles, handle, ID_BYTES, one);
    if (one->hh.tbl)
        return one;
    free(one);
    f->failed = ERR_NOMEM;
    return NULL;
}

/* Number and link of an entry of a circle follow the one before. */
static const char *circle_step(struct fsck *f, const struct detail *d, struct span entry)
{
    struct last_of *one;
    const char *what = NULL;

    if (!(d->has & RD_KEY(DETAIL_CIRCLE)))
        return NULL;
    if (!(one = circle_of(f, d->circle)))
        return NULL;
    if (d->n != one->n + 1)
        what = "le numéro dans le cercle ne suit pas";
    else if (memcmp(d->link, one->link, sizeof one->link) != 0)
        what = "le lien vers l'entrée précédente du cercle est faux";
    one->n = d->n;
    if (entry_link(entry, one->link))
        what = "l'entrée est illisible";
    return what;
}

static const char *leaf_check(struct fsck *f, struct span entry, struct span side)
{
    struct detail d;
    uint8_t said[32];
    uint8_t is[32];
    uint64_t type;
    uint64_t ms;

    if (entry_decode(entry, &type, &ms, said))
        return "l'entrée est illisible";
    if (side.len <= SALT_BYTES)
        return "le détail manque";
    if (detail_decode(span_of(side.ptr + SALT_BYTES, side.len - SALT_BYTES), &d))
        return "le détail est illisible";
    if (detail_commit(side.ptr, span_of(side.ptr + SALT_BYTES, side.len - SALT_BYTES), is) ||
        memcmp(is, said, sizeof is) != 0)
        return "le détail n'est pas celui que l'entrée engage";
    return circle_step(f, &d, entry);
}

static void leaves_check(struct fsck *f, struct ledger *l)
{
    uint8_t key[8];

    for (uint64_t i = 0; i < ledger_committed_size(l) && !f->failed; i++) {
        struct span entry;
        struct span side;
        const char *what = "l'entrée manque";

        if (ledger_entry(l, f->c->t, i, &entry, &side, NULL) == ERR_OK)
            what = leaf_check(f, entry, side);
        if (what)
            fsck_found(f, "a_side", leaf_key(i, key), what);
    }
}

/* --- heads of elsewhere ------------------------------------------------------------------------
 */

static void head_check(struct fsck *f, struct ledger *l, size_t i)
{
    const struct manifest *m = f->o->against;
    uint8_t root[MERKLE_HASH_BYTES];
    uint8_t key[8];
    enum err e = ERR_RANGE;

    if (m->logs[i].size <= ledger_committed_size(l))
        e = ledger_root(l, f->c->t, m->logs[i].size, root);
    if (e == ERR_RANGE)
        fsck_found(f, m->logs[i].origin, leaf_key(m->logs[i].size, key),
                   "le journal est plus court que dans la sauvegarde");
    else if (e || memcmp(root, m->logs[i].root, sizeof root) != 0)
        fsck_found(f, m->logs[i].origin, leaf_key(m->logs[i].size, key),
                   "le journal n'a pas l'histoire que la sauvegarde atteste");
}

static void heads_check(struct fsck *f)
{
    for (size_t i = 0; f->o->against && i < f->o->against->log_count; i++) {
        const char *origin = f->o->against->logs[i].origin;

        if (strcmp(origin, f->o->identity->keys_origin) == 0)
            head_check(f, f->c->keys, i);
        for (size_t k = 0; k < f->c->epoch_count; k++)
            if (strcmp(origin, f->c->epochs[k].origin) == 0)
                head_check(f, f->c->epochs[k].ledger, i);
    }
}

void fsck_logs(struct fsck *f)
{
    log_check(f, f->c->keys, 0, "k_entry");
    for (size_t k = 0; k < f->c->epoch_count && !f->failed; k++)
        log_check(f, f->c->epochs[k].ledger, 1, "a_entry"); /* the newest is told */
    snprintf(f->r.logs[0].origin, sizeof f->r.logs[0].origin, "%s", f->o->identity->keys_origin);
    snprintf(f->r.logs[1].origin, sizeof f->r.logs[1].origin, "%s", epoch_now(f->c)->origin);
    if (!f->failed)
        directory_check_all(f);
    for (size_t k = 0; k < f->c->epoch_count && !f->failed; k++)
        leaves_check(f, f->c->epochs[k].ledger);
    if (!f->failed)
        heads_check(f);
}
