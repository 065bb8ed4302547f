/* fsck: one row of this file for each table, beside the logs. */
#include <string.h>

#include "attached.h"
#include "deputy.h"
#include "fsck_internal.h"
#include "invites.h"

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
    return NULL; /* of another module */
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

/* --- all of them ----------------------------------------------------------------------------- */

static const struct {
    enum hub_table table;
    const char *name;
    const char *(*row)(struct fsck *f, struct span key, struct span row); /* NULL: in order */
} checks[] = {
    {TABLE_META,     "meta",     meta_row    },
    {TABLE_INVITE,   "invite",   invite_row  },
    {TABLE_NODE,     "node",     node_row    },
    {TABLE_ITEM,     "item",     item_row    },
    {TABLE_BODY,     "body",     body_row    },
    {TABLE_SEEN,     "seen",     seen_row    },
    {TABLE_REPORTED, "report",   reported_row},
    {TABLE_CIRCLE,   "circle",   circle_row  },
    {TABLE_CHAIN,    "chain",    chain_row   },
    {TABLE_HEAD,     "head",     head_row    },
    {TABLE_ATT_REF,  "att_ref",  att_ref_row },
    {TABLE_DEPUTY,   "deputy",   deputy_row  },
    {TABLE_RELEASED, "released", released_row},
};

struct scan {
    struct fsck *f;
    size_t check;
};

static enum err one_row(void *arg, struct span key, struct span row)
{
    struct scan *s = arg;
    const char *what = checks[s->check].row(s->f, key, row);

    s->f->r.rows++;
    if (what)
        fsck_found(s->f, checks[s->check].name, key, what);
    return s->f->failed;
}

void fsck_tables(struct fsck *f)
{
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && !f->failed; i++) {
        struct scan s = {f, i};
        enum err e = store_scan(f->c->t, (int)checks[i].table, (struct span){0}, (struct span){0},
                                SIZE_MAX, one_row, &s);

        if (e && !f->failed)
            f->failed = e;
    }
    if (f->failed)
        return;
    circles_without_row(f);
    last_head(f);
}
