/* A node shows a head of our own log, signed by us, that our log does not have: what we were put
 * back to is older, without `restore` having been told (a copied directory, a virtual machine gone
 * back to a snapshot, a disk that lies). Going on would be a second history. The hub keeps both
 * heads, says so, and serves nobody until it is restored (PROTOCOL.md 10.5). */
#include <string.h>

#include "checkpoint.h"
#include "core.h"
#include "log.h"
#include "operator.h"
#include "recovery.h"
#include "screen.h"

#define ROW "behind" /* of TABLE_META: what was shown first; gone after `restore` */
#define HEAD_BYTES (8 + 32 + 64)
#define ROW_BYTES (1 + 4 + 2 * HEAD_BYTES + ID_BYTES + 8)

/* A head of ours that a node showed, and what we have there. */
struct behind {
    struct log_name of;
    struct ckpt shown;
    struct ckpt own; /* at that size, or the newest if we are not that far */
    uint8_t node[ID_BYTES];
    uint64_t at_ms;
};

/* --- on disk ----------------------------------------------------------------------------------
 */

static uint8_t *head_out(const struct ckpt *head, uint8_t *at)
{
    be64_write(head->size, at);
    memcpy(at + 8, head->root, 32);
    memcpy(at + 40, head->sig, 64);
    return at + HEAD_BYTES;
}

static const uint8_t *head_in(const uint8_t *at, struct ckpt *head)
{
    head->size = be64_read(at);
    memcpy(head->root, at + 8, 32);
    memcpy(head->sig, at + 40, 64);
    return at + HEAD_BYTES;
}

static enum err behind_put(struct core *c, const struct behind *b)
{
    uint8_t row[ROW_BYTES];
    uint8_t *at = row + 5;

    row[0] = (uint8_t)b->of.log;
    be32_write(b->of.epoch, row + 1);
    at = head_out(&b->own, head_out(&b->shown, at));
    memcpy(at, b->node, ID_BYTES);
    be64_write(b->at_ms, at + ID_BYTES);
    return store_put(c->t, TABLE_META, SPAN_STR(ROW), SPAN_OF(row));
}

static enum err behind_get(struct txn *t, struct behind *out)
{
    struct span row;
    const uint8_t *at;
    enum err e = store_get(t, TABLE_META, SPAN_STR(ROW), &row);

    if (e)
        return e;
    if (row.len != ROW_BYTES)
        return ERR_CORRUPT;
    out->of = (struct log_name){row.ptr[0], be32_read(row.ptr + 1)};
    at = head_in(head_in(row.ptr + 5, &out->shown), &out->own);
    memcpy(out->node, at, ID_BYTES);
    out->at_ms = be64_read(at + ID_BYTES);
    return ERR_OK;
}

enum err behind_load(struct txn *t, bool *behind)
{
    struct behind b;
    enum err e = behind_get(t, &b);

    if (e && e != ERR_NOT_FOUND)
        return e;
    *behind = e == ERR_OK;
    return ERR_OK;
}

enum err behind_forget(struct txn *t)
{
    enum err e = store_del(t, TABLE_META, SPAN_STR(ROW));

    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* --- seeing it --------------------------------------------------------------------------------
 */

static void origin_of(const struct core *c, const struct log_name *of, char out[96])
{
    struct span name = c->id->federation.name;

    if (of->log == LOG_KEYS)
        snprintf(out, 96, "%s", c->id->keys_origin);
    else
        snprintf(out, 96, "%.*s/audit/%u", (int)name.len, (const char *)name.ptr,
                 (unsigned)of->epoch);
}

enum err head_is_ours(const struct core *c, const struct log_name *of, const struct ckpt *head)
{
    bool audit = of->log == LOG_AUDIT;
    struct bytes body = {0};
    char origin[96];
    bool ours;
    enum err e;

    origin_of(c, of, origin);
    if ((e = checkpoint_body(span_text(origin), head->size, head->root, &body)))
        return e == ERR_NOMEM ? e : ERR_CHECKPOINT; /* without memory nothing is known of it */
    /* by the newest key: whoever stole a former one must not stop us with it */
    ours = core_log_signed(c, audit ? HUB_KEY_AUDIT_LOG : HUB_KEY_KEYS_LOG, UINT64_MAX,
                           bytes_span(&body), head->sig, NULL);
    bytes_free(&body);
    return ours ? ERR_OK : ERR_CHECKPOINT;
}

/* ERR_AGAIN: it is of our history, or not signed by us. */
static enum err compare(struct core *c, const struct log_name *of, const struct ckpt *shown,
                        struct behind *out)
{
    bool audit = of->log == LOG_AUDIT;
    struct ledger *l = audit ? c->audit : c->keys;
    bool ahead = audit && of->epoch > epoch_now(c)->number;
    uint64_t size = ledger_committed_size(l);
    uint8_t root[32];
    enum err e;

    if (shown->size == 0 || (audit && of->epoch < epoch_now(c)->number))
        return ERR_AGAIN;
    if (!ahead && shown->size <= size) {
        if ((e = ledger_root(l, c->t, shown->size, root)))
            return e;
        if (memcmp(root, shown->root, sizeof root) == 0)
            return ERR_AGAIN;
        size = shown->size;
    }
    e = head_is_ours(c, of, shown);
    if (e)
        return e == ERR_CHECKPOINT ? ERR_AGAIN : e;
    *out = (struct behind){.of = *of, .shown = *shown, .at_ms = c->now_ms};
    if (ahead)
        out->of.epoch = epoch_now(c)->number;
    return audit ? audit_head(c, c->t, size, &out->own) : keys_head(c, c->t, size, &out->own);
}

/* --- stopping ---------------------------------------------------------------------------------
 */

enum err behind_refuse(struct core *c, const struct job *j)
{
    struct msg_err m = {.req = j->kind == JOB_HELLO ? 0 : j->req, .code = ERR_BEHIND};
    struct behind b;
    enum err e = behind_get(c->t, &b);

    if (e)
        return e;
    m.extra = EXTRA_OWN;
    m.own_log = b.of;
    m.own = b.own;
    return core_refuse_with(c, j, &m);
}

struct telling {
    struct core *c;
    const struct job *but; /* who has his own answer */
    enum err e;
};

static void tell_one(struct mailbox *m, void *arg)
{
    struct telling *x = arg;
    struct job to = {.kind = JOB_HELLO, .peer = m->peer, .session = m->session, .who = m->who};

    if (x->e == ERR_OK && m->open && m->session != x->but->session)
        x->e = behind_refuse(x->c, &to);
}

static enum err stop(struct core *c, const struct job *j, struct behind *b)
{
    struct detail d = {.has = RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_BY_NODE) | RD_KEY(DETAIL_ACT),
                       .act = ACT_SPLIT_VIEW};
    struct telling x = {.c = c, .but = j};
    uint64_t index;
    enum err e;

    log_error("behind", "number=%u log=%u shown=%llu own=%llu", j->who.number, b->of.log,
              (unsigned long long)b->shown.size, (unsigned long long)b->own.size);
    memcpy(d.by_org, j->who.org, sizeof d.by_org);
    memcpy(d.by_node, j->who.node, sizeof d.by_node);
    memcpy(b->node, j->who.node, sizeof b->node);
    if ((e = behind_put(c, b)) || (e = audit_add(c, AUDIT_ALARM, &d, &index)))
        return e;
    c->recovery.on = true; /* the next groups decide nothing (core.c) */
    c->recovery.behind = true;
    mailbox_each(c, tell_one, &x);
    return x.e ? x.e : behind_refuse(c, j);
}

enum err behind_check(struct core *c, const struct job *j, uint32_t epoch, const struct ckpt *keys,
                      const struct ckpt *audit, bool *stopped)
{
    struct log_name keys_log = {LOG_KEYS, 0};
    struct log_name audit_log = {LOG_AUDIT, epoch};
    struct behind b;
    enum err e = compare(c, &keys_log, keys, &b);

    if (e == ERR_AGAIN)
        e = compare(c, &audit_log, audit, &b);
    *stopped = e == ERR_OK;
    if (e)
        return e == ERR_AGAIN ? ERR_OK : e;
    return stop(c, j, &b);
}

/* --- telling ----------------------------------------------------------------------------------
 */

static const char behind_words[] =
    "ARRÊT : ce hub a perdu ce que son propre journal a signé. Un nœud (%s) a montré le %s une "
    "tête du journal %s à %llu entrées ; ce dossier n'en a que %llu, ou d'autres. C'est une "
    "copie plus ancienne, remise sans « relais-hub restore », ou un disque qui a menti. Personne "
    "n'est plus servi et rien n'est effacé. Les deux têtes : « relais-hub evidence A B ». Puis "
    "arrêtez le service, gardez ce dossier, et remettez la dernière sauvegarde avec « relais-hub "
    "restore ».\n";

enum err behind_text(struct core *c, struct bytes *text)
{
    char node[2 * ID_BYTES + 1];
    char when[WHEN_BYTES];
    struct behind b;
    enum err e = behind_get(c->t, &b);

    if (e || (e = when_said(b.at_ms, when)))
        return e;
    hex_text(b.node, ID_BYTES, node);
    return bytes_printf(text, behind_words, node, when,
                        b.of.log == LOG_AUDIT ? "d'audit" : "des clés",
                        (unsigned long long)b.shown.size, (unsigned long long)b.own.size);
}

static enum err note_set(struct asked *a, const char *name, const struct log_name *of,
                         const struct ckpt *head)
{
    const struct core *c = a->c;
    bool audit = of->log == LOG_AUDIT;
    struct bytes body = {0}, note = {0};
    struct sign_public pk;
    char origin[96];
    enum err e;

    origin_of(c, of, origin);
    if ((e = checkpoint_body(span_text(origin), head->size, head->root, &body)))
        return e;
    if (!core_log_signed(c, audit ? HUB_KEY_AUDIT_LOG : HUB_KEY_KEYS_LOG,
                         audit ? of->epoch : head->size, bytes_span(&body), head->sig, &pk))
        e = ERR_CHECKPOINT;
    bytes_free(&body);
    if (!e)
        e = checkpoint_assemble(span_text(origin), head->size, head->root, &pk, head->sig, &note);
    if (!e)
        e = data_set(a, name, json_stringn((const char *)note.ptr, note.len));
    bytes_free(&note);
    return e;
}

enum err evidence_run(struct asked *a)
{
    struct behind b;
    enum err e = behind_get(a->c->t, &b);

    if (e)
        return e;
    if ((e = note_set(a, "shown", &b.of, &b.shown)) ||
        (b.own.size > 0 && (e = note_set(a, "own", &b.of, &b.own))))
        return e;
    return bytes_printf(&a->text, "Tête montrée par un nœud, et la nôtre : gardez les deux.\n");
}
