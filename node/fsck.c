#include "fsck.h"

#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "contacts.h"
#include "digest.h"
#include "inbox.h"
#include "intake.h"
#include "ledger.h"
#include "outrow.h"
#include "reader.h"
#include "vault.h"

struct fsck {
    struct node *n;
    struct txn *t;
    void (*found)(void *arg, const char *table, struct span key, const char *what);
    void *arg;
    struct fsck_result r;
    enum err failed;  /* of the machine: ends the check */
    uint64_t journal; /* rows so far */
    uint8_t link[32]; /* of the last one */
};

static void report(struct fsck *f, const char *table, struct span key, const char *what)
{
    if (f->r.findings++ < FSCK_FINDINGS_MAX)
        f->found(f->arg, table, key, what);
}

/* --- whose key ------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t id[ID_BYTES])
{
    static const uint8_t zero[ID_BYTES];

    return memcmp(id, zero, ID_BYTES) == 0;
}

/* The record opens under the key of `person` (NULL: the node's own) where it lies. */
static const char *opens(struct fsck *f, int table, const uint8_t *person, struct span key,
                         struct span record)
{
    struct bytes plain = {0};
    enum err e = vault_reveal(f->n->vault, f->t, table, person, key, record, &plain);

    seal_bytes_free(&plain);
    if (e == ERR_NOT_FOUND) {
        f->r.erased++;
        return NULL;
    }
    if (e == ERR_NOMEM)
        f->failed = e;
    return e ? "l'enregistrement ne s'ouvre pas à sa place" : NULL;
}

static const char *own_row(struct fsck *f, int table, struct span key, struct span record)
{
    return opens(f, table, NULL, key, record);
}

static const char *person_row(struct fsck *f, int table, struct span key, struct span record)
{
    if (key.len != ID_BYTES)
        return "la clé n'a pas sa longueur";
    return opens(f, table, key.ptr, key, record);
}

static const char *key_row(struct fsck *f, int table, struct span key, struct span record)
{
    (void)table;
    (void)record;
    if (key.len != ID_BYTES || vault_person_check(f->n->vault, f->t, key.ptr))
        return "la clé de la personne ne s'ouvre pas";
    return NULL;
}

static const char *received_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct in_status s;

    if (key.len != IN_KEY_BYTES || inbox_get(f->n, f->t, key.ptr, key.ptr + ID_BYTES, &s))
        return "rien ne dit ce qui a été reçu";
    return opens(f, table, in_person(&s), key, record);
}

static const char *sent_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct out_status s;

    if (key.len != ID_BYTES || outbox_get(f->n, f->t, key.ptr, &s))
        return "rien ne dit ce qui a été envoyé";
    return opens(f, table, is_zero(s.person) ? NULL : s.person, key, record);
}

static const char *index_row(struct fsck *f, int table, struct span key, struct span record)
{
    (void)f;
    (void)table;
    return key.len != 32 + ID_BYTES || record.len != 0 ? "la ligne n'a pas sa forme" : NULL;
}

static const char *out_live_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct out_status s;

    (void)table;
    (void)record;
    return key.len != OUT_LIVE_BYTES ||
                   outbox_get(f->n, f->t, key.ptr + OUT_LIVE_BYTES - ID_BYTES, &s)
               ? "un envoi en attente n'existe pas"
               : NULL;
}

static const char *act_live_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct span act;

    (void)table;
    (void)record;
    return key.len != 8 + ID_BYTES ||
                   store_get(f->t, TABLE_ACT, span_of(key.ptr + 8, ID_BYTES), &act)
               ? "un acte en attente n'existe pas"
               : NULL;
}

static const char *bell_live_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct span bell;

    (void)table;
    (void)record;
    return key.len != 1 + IN_KEY_BYTES ||
                   store_get(f->t, TABLE_BELL, span_of(key.ptr + 1, IN_KEY_BYTES), &bell)
               ? "une notification en attente n'existe pas"
               : NULL;
}

static const char *att_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct att_row row;

    if (key.len != 1 + ATTACHMENT_ADDRESS_BYTES || key.ptr[0] < ATT_OUT || key.ptr[0] > ATT_IN)
        return "la ligne n'a pas sa forme";
    if (attach_get(f->n, f->t, (enum att_way)key.ptr[0], key.ptr + 1, &row))
        return opens(f, table, NULL, key, record) ? "l'enregistrement ne s'ouvre pas à sa place"
                                                  : "l'enregistrement est illisible";
    return NULL;
}

static const char *att_live_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct att_row row;

    (void)table;
    return key.len != 1 + ATTACHMENT_ADDRESS_BYTES || record.len != ID_BYTES ||
                   attach_get(f->n, f->t, (enum att_way)key.ptr[0], key.ptr + 1, &row) ||
                   memcmp(row.mid, record.ptr, ID_BYTES) != 0
               ? "une pièce jointe en route n'existe pas"
               : NULL;
}

static const char *att_scan_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct att_row row;

    (void)table;
    return key.len != ATTACHMENT_ADDRESS_BYTES || record.len != 1 ||
                   attach_get(f->n, f->t, ATT_IN, key.ptr, &row) ||
                   record.ptr[0] != (uint8_t)row.scan
               ? "une pièce jointe à analyser n'existe pas"
               : NULL;
}

/* Nothing writes here yet: whose key it would be is not known. */
static const char *care_row(struct fsck *f, int table, struct span key, struct span record)
{
    (void)f, (void)table, (void)key, (void)record;
    return "personne n'écrit ici";
}

/* Each row begins with the hash of the one before: none was taken out or put in. */
static const char *journal_row(struct fsck *f, int table, struct span key, struct span record)
{
    struct bytes plain = {0};
    struct reader r;
    uint8_t link[32] = {0};
    const char *what = NULL;

    if (key.len != 8 || get_be64(key.ptr) != f->journal)
        what = "le numéro ne suit pas";
    else if (vault_reveal(f->n->vault, f->t, table, NULL, key, record, &plain))
        what = "l'enregistrement ne s'ouvre pas à sa place";
    if (!what) {
        r = reader_over(bytes_span(&plain));
        rd_array_between(&r, 1, UINT8_MAX);
        rd_fixed(&r, link, sizeof link);
        if (rd_error(&r) || memcmp(link, f->link, sizeof link) != 0)
            what = "le lien vers la ligne précédente est faux";
        if (digest_of("relais/node/journal", bytes_span(&plain), f->link, DIGEST_256))
            what = "l'enregistrement est illisible";
    }
    f->journal = key.len == 8 ? get_be64(key.ptr) + 1 : f->journal + 1;
    seal_bytes_free(&plain);
    return what;
}

/* --- all tables ------------------------------------------------------------------------------ */

/* A table is looked at here row by row, or as part of the keys log's replica (keys_check). One that
 * has no line is not known: a test goes over the names. */
static const struct {
    const char *(*row)(struct fsck *f, int table, struct span key, struct span record);
    bool log;
} checks[NODE_TABLES] = {
    [TABLE_META] = {.row = own_row},
    [TABLE_PKEY] = {.row = key_row},
    [TABLE_INDEX] = {.row = index_row},
    [TABLE_PREKEY] = {.row = own_row},
    [TABLE_PIN] = {.row = own_row},
    [TABLE_K_ENTRY] = {.log = true},
    [TABLE_K_SIDE] = {.log = true},
    [TABLE_K_TILE] = {.log = true},
    [TABLE_K_ROOT] = {.log = true},
    [TABLE_SEEN_HEAD] = {.row = own_row},
    [TABLE_ALARM] = {.row = own_row},
    [TABLE_CIRCLE] = {.row = own_row},
    [TABLE_CHAIN] = {.row = own_row},
    [TABLE_OFFER] = {.row = own_row},
    [TABLE_ACT] = {.row = own_row},
    [TABLE_ACT_LIVE] = {.row = act_live_row},
    [TABLE_OUT] = {.row = own_row},
    [TABLE_OUT_BODY] = {.row = sent_row},
    [TABLE_OUT_LIVE] = {.row = out_live_row},
    [TABLE_OUT_SEALED] = {.row = own_row},
    [TABLE_RECEIPT] = {.row = own_row},
    [TABLE_IN] = {.row = own_row},
    [TABLE_IN_BODY] = {.row = received_row},
    [TABLE_IN_PROOF] = {.row = received_row},
    [TABLE_IN_HELD] = {.row = own_row},
    [TABLE_REPORT] = {.row = own_row},
    [TABLE_ACTOR] = {.row = own_row},
    [TABLE_JOURNAL] = {.row = journal_row},
    [TABLE_PERSON] = {.row = person_row},
    [TABLE_LINK] = {.row = own_row},
    [TABLE_ATT] = {.row = att_row},
    [TABLE_ATT_SCAN] = {.row = att_scan_row},
    [TABLE_ATT_LIVE] = {.row = att_live_row},
    [TABLE_CARE] = {.row = care_row},
    [TABLE_TOLD] = {.row = own_row},
    [TABLE_BELL] = {.row = own_row},
    [TABLE_BELL_LIVE] = {.row = bell_live_row},
    [TABLE_ATTESTED] = {.row = own_row},
};

bool fsck_knows(enum node_table table)
{
    return checks[table].row || checks[table].log;
}

struct scan {
    struct fsck *f;
    int table;
};

static enum err one_row(void *arg, struct span key, struct span record)
{
    struct scan *s = arg;
    const char *what = checks[s->table].row(s->f, s->table, key, record);

    s->f->r.rows++;
    if (what)
        report(s->f, vault_table_names()[s->table], key, what);
    return s->f->failed;
}

/* --- the replica of the keys log ---------------------------------------------------------------
 */

static void keys_check(struct fsck *f)
{
    static const struct ledger_tables tables = {TABLE_K_ENTRY, TABLE_K_SIDE, TABLE_K_TILE,
                                                TABLE_K_ROOT, KEYS_EPOCH};
    struct ledger *l = NULL;
    struct ledger_audit a = {0};
    struct pins p = {0};
    char what[160];
    uint8_t key[8];
    enum err e = pins_get(f->n, f->t, &p);

    if (e) /* not joined; a damaged row was found with the others */
        return;
    snprintf(f->r.keys_origin, sizeof f->r.keys_origin, "%s/keys", p.name);
    e = ledger_open(f->n->store, &tables, span_text(f->r.keys_origin), &l);
    if (!e)
        e = ledger_fsck(l, f->t, NULL, NULL, &a);
    f->r.rows += a.size;
    f->r.keys_size = a.size;
    memcpy(f->r.keys_root, a.root, sizeof a.root);
    ledger_close(l);
    if (e == ERR_CORRUPT) {
        put_be64(key, a.bad_index);
        snprintf(what, sizeof what, "la feuille ne se vérifie pas (%s)", a.what ? a.what : "?");
        report(f, "k.entry", SPAN_OF(key), what);
    } else if (e) {
        f->failed = e;
    }
}

enum err node_fsck(struct node *n,
                   void (*found)(void *arg, const char *table, struct span key, const char *what),
                   void *arg, struct fsck_result *out)
{
    struct fsck f = {.n = n, .found = found, .arg = arg};
    enum err e = store_begin(n->store, TXN_READ, &f.t);

    vault_forget(n->vault); /* nothing remembered is trusted */
    for (int table = 0; table < NODE_TABLES && !e; table++) {
        struct scan s = {&f, table};

        if (checks[table].row)
            e = store_scan(f.t, table, (struct span){0}, (struct span){0}, SIZE_MAX, one_row, &s);
    }
    if (!e) {
        keys_check(&f);
        e = f.failed;
    }
    store_abort(&f.t);
    if (e == ERR_IO || e == ERR_CORRUPT) { /* pages that make no sense, or a disk that fails */
        report(&f, "store", (struct span){0}, "des pages du fichier ne se lisent pas");
        e = ERR_OK;
    }
    *out = f.r;
    return !e && f.r.findings > 0 ? ERR_CORRUPT : e;
}
