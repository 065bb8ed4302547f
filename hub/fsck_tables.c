/* fsck: one row of this file for each table, beside the logs. */
#include <string.h>

#include "attached.h"
#include "deputy.h"
#include "fsck_internal.h"
#include "invites.h"
#include "lasting.h"
#include "operators.h"
#include "quota.h"
#include "warnings.h"

static bool is_leaf_of(struct fsck *f, uint64_t index, enum audit_type wanted, struct detail *d)
{
    uint64_t type;

    return fsck_leaf(f, index, &type, d) && type == (uint64_t)wanted;
}

static const char *meta_row(struct fsck *f, struct span key, struct span row)
{
    struct statement s;
    struct span last;
    struct span value;

    if (span_equal(key, SPAN_STR("next_seq"))) {
        if (row.len != 8)
            return "la valeur n'a pas sa longueur";
        if (store_last(f->c->t, TABLE_ITEM, &last, &value) == ERR_OK && last.len == 8 &&
            be64_read(last.ptr) >= be64_read(row.ptr))
            return "des remises portent un numéro déjà dépassé";
        return NULL;
    }
    if (key.len > 8 && memcmp(key.ptr, "request:", 8) == 0)
        return statement_parse_request(row, &s) ? "la demande est illisible" : NULL;
    if (span_equal(key, SPAN_STR("epochs")))
        return row.len == 4 * f->c->epoch_count ? NULL : "la valeur n'a pas sa longueur";
    if (span_equal(key, SPAN_STR("behind")))
        return NULL; /* behind.c */
    if (span_equal(key, SPAN_STR("restored")))
        return row.len == 1 ? NULL : "la valeur n'a pas sa longueur";
    if (key.len > 9 && memcmp(key.ptr, "escalate:", 9) == 0)
        return escalation_row(key, row) ? "la ligne est illisible" : NULL;
    return "personne ne connaît ce nom";
}

static const char *invite_row(struct fsck *f, struct span key, struct span row)
{
    struct invite i;

    (void)f;
    if (key.len != ID_BYTES || invite_decode(row, &i))
        return "l'invitation est illisible";
    return memcmp(i.id, key.ptr, ID_BYTES) != 0 ? "l'invitation porte un autre numéro" : NULL;
}

static const struct directory_node *node_of(const struct fsck *f, uint32_t number)
{
    const struct directory_node *n;

    for (size_t i = 0; (n = directory_node(f->c->dir, i)); i++)
        if (n->enrolled_at == number)
            return n;
    return NULL;
}

static const char *node_row(struct fsck *f, struct span key, struct span row)
{
    const struct directory_node *n;
    struct mailbox m;

    if (mailbox_decode(key, row, &m))
        return "la ligne est illisible";
    n = node_of(f, m.who.number);
    if (!n || memcmp(n->id, m.who.node, ID_BYTES) != 0)
        return "le nœud n'est pas dans le journal des clés";
    return NULL;
}

/* --- what waits ------------------------------------------------------------------------------ */

static const char *envelope_check(const struct item *it, struct span body)
{
    struct envelope_view view;
    struct env_header h;
    uint8_t digest[DIGEST_BYTES];

    if (envelope_parse(body, &view, &h, NULL) || envelope_digest(&view, digest))
        return "l'enveloppe est illisible";
    if (memcmp(digest, it->digest, sizeof digest) != 0)
        return "l'enveloppe n'est pas celle qui a été acceptée";
    if (memcmp(h.mid, it->mid, ID_BYTES) != 0 || memcmp(h.from, it->from, ID_BYTES) != 0 ||
        h.exp != it->exp_ms)
        return "la ligne et l'enveloppe ne disent pas la même chose";
    return NULL;
}

/* Of which type is the leaf that an item of this kind rests on. */
static bool rests_on(const struct item *it, uint64_t type, const struct detail *d)
{
    if (it->kind == DELIVER_ENVELOPE)
        return (type == AUDIT_ACCEPTED || (type == AUDIT_DEPUTY && d->code == 0)) &&
               memcmp(d->mid, it->mid, ID_BYTES) == 0;
    if (it->kind == DELIVER_STATEMENT)
        return type == AUDIT_STATEMENT;
    return it->kind == DELIVER_RECEIPT;
}

static const char *item_row(struct fsck *f, struct span key, struct span row)
{
    struct detail d;
    struct item it;
    struct span body;
    uint64_t type;

    (void)row;
    if (key.len != 8 || item_read(f->c->t, be64_read(key.ptr), &it))
        return "la ligne est illisible";
    if (!fsck_leaf(f, it.index, &type, &d) || !rests_on(&it, type, &d))
        return "sa feuille du journal n'existe pas, ou est d'un autre genre";
    for (size_t i = 0; i < it.count; i++)
        if (!node_of(f, it.to[i]))
            return "un destinataire n'est pas dans le journal des clés";
    if (item_body(f->c->t, it.seq, &body))
        return "le corps manque";
    if (body.len != it.body_bytes)
        return "le corps n'a pas sa longueur";
    return it.kind == DELIVER_ENVELOPE ? envelope_check(&it, body) : NULL;
}

static const char *body_row(struct fsck *f, struct span key, struct span row)
{
    struct span item;

    (void)row;
    if (key.len != 8)
        return "la ligne est illisible";
    return store_get(f->c->t, TABLE_ITEM, key, &item) ? "un corps sans remise" : NULL;
}

static const char *seen_row(struct fsck *f, struct span key, struct span row)
{
    struct detail d;
    struct seen s;

    (void)row;
    if (key.len != 2 * ID_BYTES || seen_get(f->c->t, key.ptr, key.ptr + ID_BYTES, &s))
        return "la ligne est illisible";
    if (!is_leaf_of(f, s.index, AUDIT_ACCEPTED, &d) || memcmp(d.mid, key.ptr, ID_BYTES) != 0 ||
        memcmp(d.digest, s.digest, sizeof s.digest) != 0)
        return "l'acceptation n'est pas dans le journal";
    return NULL;
}

static const char *reported_row(struct fsck *f, struct span key, struct span row)
{
    struct ended ended;
    struct detail d;
    enum audit_type how;

    (void)row;
    if (key.len != 2 * ID_BYTES + 1)
        return "la ligne est illisible";
    how = (enum audit_type)key.ptr[2 * ID_BYTES];
    if (ended_get(f->c->t, key.ptr, key.ptr + ID_BYTES, how, &ended))
        return "la ligne est illisible";
    if (!is_leaf_of(f, ended.index, how, &d) ||
        ((d.has & RD_KEY(DETAIL_MID)) && memcmp(d.mid, key.ptr, ID_BYTES) != 0))
        return "l'issue n'est pas dans le journal";
    return NULL;
}

/* --- circles --------------------------------------------------------------------------------- */

static const char *circle_row(struct fsck *f, struct span key, struct span row)
{
    struct last_of *one = NULL;

    if (key.len != ID_BYTES || row.len != 8 + LINK_BYTES)
        return "la ligne est illisible";
    HASH_FIND(hh, f->circles, key.ptr, ID_BYTES, one);
    if (!one)
        return "aucune feuille ne parle de ce cercle";
    one->has_row = true;
    if (be64_read(row.ptr) != one->n || memcmp(row.ptr + 8, one->link, LINK_BYTES) != 0)
        return "le cercle n'en est pas là où le journal le dit";
    return NULL;
}

static const char *chain_row(struct fsck *f, struct span key, struct span row)
{
    struct circle *circle;
    struct detail d;
    enum err e;

    if (key.len != ID_BYTES + 4 || row.len <= CHAIN_ROW_SS)
        return "la ligne est illisible";
    if (!is_leaf_of(f, be64_read(row.ptr), AUDIT_STATEMENT, &d) ||
        memcmp(d.circle, key.ptr, ID_BYTES) != 0 || d.chain_n != be32_read(key.ptr + ID_BYTES))
        return "la déclaration n'est pas dans le journal";
    if (memcmp(f->last_chain, key.ptr, ID_BYTES) == 0)
        return NULL;
    memcpy(f->last_chain, key.ptr, ID_BYTES); /* once a circle */
    e = circles_get(f->c, key.ptr, &circle);
    if (e == ERR_NOMEM)
        f->failed = e;
    return e ? "la chaîne du cercle ne se vérifie pas" : NULL;
}

static const char *head_row(struct fsck *f, struct span key, struct span row)
{
    const struct epoch *at;
    uint64_t size;

    if (key.len != 8 || row.len != 8 || place_read(f->c, be64_read(key.ptr), &at, &size))
        return "la ligne est illisible";
    return size > ledger_committed_size(at->ledger) ? "une tête au-delà de la fin du journal"
                                                    : NULL;
}

static void circles_without_row(struct fsck *f)
{
    for (const struct last_of *one = f->circles; one; one = one->hh.next)
        if (!one->has_row)
            fsck_found(f, "circle", SPAN_OF(one->handle), "la ligne manque");
}

static void last_head(struct fsck *f)
{
    uint64_t size = ledger_committed_size(f->c->audit);
    struct span value;
    uint8_t key[8];

    if (size > 0 && store_get(f->c->t, TABLE_HEAD, key_u64(leaf_place(f->c, size), key), &value))
        fsck_found(f, "head", SPAN_OF(key), "la dernière tête manque");
}

static const char *att_ref_row(struct fsck *f, struct span key, struct span row)
{
    struct attachment_ref ref;

    (void)f;
    return attached_row_read(key, row, &ref) ? "la ligne est illisible" : NULL;
}

/* Two who are known, and a message that has them, or is over. */
static const char *deputy_row(struct fsck *f, struct span key, struct span row)
{
    struct deputy_due d;
    struct item it;
    enum err e;

    if (deputy_due_decode(key, row, &d))
        return "la ligne est illisible";
    if (!node_of(f, d.number) || !node_of(f, d.instead))
        return "le suppléant ou son destinataire n'est pas dans le journal des clés";
    e = item_read(f->c->t, d.seq, &it);
    if (e == ERR_NOT_FOUND)
        return NULL;
    return e || it.kind != DELIVER_ENVELOPE ? "un suppléant pour ce qui n'est pas un message"
                                            : NULL;
}

static const char *released_row(struct fsck *f, struct span key, struct span row)
{
    struct item it;
    enum err e;

    if (key.len != 9 || row.len != 8)
        return "la ligne est illisible";
    e = item_read(f->c->t, be64_read(row.ptr), &it);
    if (e == ERR_NOT_FOUND)
        return NULL; /* he has it */
    return e || it.kind != DELIVER_ENVELOPE || it.count != 1
               ? "la remise au suppléant n'en est pas une"
               : NULL;
}

static const char *lasting_row(struct fsck *f, struct span key, struct span row)
{
    struct lasting l;

    if (lasting_decode(key, row, &l))
        return "la ligne est illisible";
    return directory_find_org(f->c->dir, key.ptr)
               ? NULL
               : "l'organisation n'est pas dans le journal des clés";
}

/* --- organisations and nodes -------------------------------------------------------------------
 */

static const char *quota_limits_row(struct fsck *f, struct span key, struct span row)
{
    if (key.len != ID_BYTES || row.len != QUOTA_ROW_BYTES)
        return "la ligne est illisible";
    return directory_find_org(f->c->dir, key.ptr)
               ? NULL
               : "l'organisation n'est pas dans le journal des clés";
}

static const char *cosign_row(struct fsck *f, struct span key, struct span row)
{
    if (key.len != 5 || row.len != COSIGN_ROW_BYTES ||
        (key.ptr[0] != LOG_KEYS && key.ptr[0] != LOG_AUDIT))
        return "la ligne est illisible";
    return node_of(f, be32_read(key.ptr + 1)) ? NULL : "le nœud n'est pas dans le journal des clés";
}

static const char *silent_row(struct fsck *f, struct span key, struct span row)
{
    if (key.len != SILENT_KEY || row.len != 8)
        return "la ligne est illisible";
    return node_of(f, be32_read(key.ptr)) ? NULL : "le nœud n'est pas dans le journal des clés";
}

static const char *escalated_row(struct fsck *f, struct span key, struct span row)
{
    struct detail d;

    if (key.len != 2 * ID_BYTES || row.len != ESCALATED_ROW_BYTES)
        return "la ligne est illisible";
    if (!is_leaf_of(f, be64_read(row.ptr + ESCALATED_ROW_BYTES - 8), AUDIT_ESCALATED, &d) ||
        memcmp(d.circle, key.ptr, ID_BYTES) != 0)
        return "l'alarme n'est pas dans le journal";
    return NULL;
}

static const char *operator_row(struct fsck *f, struct span key, struct span row)
{
    enum err e = operator_row_check(key, row);

    if (e == ERR_NOMEM)
        f->failed = e;
    return e ? "la ligne est illisible" : NULL;
}

/* --- all of them ----------------------------------------------------------------------------- */

/* A table is looked at here row by row, or with the log that it is part of (fsck_logs.c). One that
 * has no line is not known: a test goes over the names. */
static const struct {
    const char *(*row)(struct fsck *f, struct span key, struct span row); /* NULL: in order */
    bool log;
} checks[HUB_TABLES] = {
    [TABLE_META] = {.row = meta_row},
    [TABLE_INVITE] = {.row = invite_row},
    [TABLE_NODE] = {.row = node_row},
    [TABLE_ITEM] = {.row = item_row},
    [TABLE_BODY] = {.row = body_row},
    [TABLE_SEEN] = {.row = seen_row},
    [TABLE_REPORTED] = {.row = reported_row},
    [TABLE_CIRCLE] = {.row = circle_row},
    [TABLE_CHAIN] = {.row = chain_row},
    [TABLE_HEAD] = {.row = head_row},
    [TABLE_K_ENTRY] = {.log = true},
    [TABLE_K_SIDE] = {.log = true},
    [TABLE_K_TILE] = {.log = true},
    [TABLE_K_ROOT] = {.log = true},
    [TABLE_A_ENTRY] = {.log = true},
    [TABLE_A_SIDE] = {.log = true},
    [TABLE_A_TILE] = {.log = true},
    [TABLE_A_ROOT] = {.log = true},
    [TABLE_QUOTA] = {.row = quota_limits_row},
    [TABLE_COSIGN] = {.row = cosign_row},
    [TABLE_SILENT] = {.row = silent_row},
    [TABLE_ESCALATED] = {.row = escalated_row},
    [TABLE_OPERATOR] = {.row = operator_row},
    [TABLE_ATT_REF] = {.row = att_ref_row},
    [TABLE_DEPUTY] = {.row = deputy_row},
    [TABLE_RELEASED] = {.row = released_row},
    [TABLE_LASTING] = {.row = lasting_row},
};

bool fsck_knows(enum hub_table table)
{
    return checks[table].row || checks[table].log;
}

struct scan {
    struct fsck *f;
    int table;
};

static enum err one_row(void *arg, struct span key, struct span row)
{
    struct scan *s = arg;
    const char *what = checks[s->table].row(s->f, key, row);

    s->f->r.rows++;
    if (what)
        fsck_found(s->f, core_table_names()[s->table], key, what);
    return s->f->failed;
}

void fsck_tables(struct fsck *f)
{
    for (int table = 0; table < HUB_TABLES && !f->failed; table++) {
        struct scan s = {f, table};
        enum err e = ERR_OK;

        if (checks[table].row)
            e = store_scan(f->c->t, table, (struct span){0}, (struct span){0}, SIZE_MAX, one_row,
                           &s);
        if (e && !f->failed)
            f->failed = e;
    }
    if (f->failed)
        return;
    circles_without_row(f);
    last_head(f);
}
