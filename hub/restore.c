/* A hub put back from a backup: before it serves again it hears what its members hold, fetches what
 * of the keys log they have and it has not, and opens a new epoch of the audit log if leaves that
 * others have seen are lost (PROTOCOL.md 10.5). Until then it decides nothing and writes no leaf.
 */
#include <string.h>

#include "core.h"
#include "log.h"
#include "operators.h"
#include "recovery.h"
#include "serve.h"

#define ROW "restored" /* of TABLE_META, put there by restore_mark() */
#define ACCEPTED 2     /* its value once the operators have agreed; 1 before */
#define WAIT_STANDARD_S 600

enum err restore_mark(struct store *s)
{
    struct txn *t = NULL;
    uint8_t one = 1;
    enum err e;

    if ((e = store_incarnation_renew(s)) || (e = store_begin(s, TXN_WRITE, &t)))
        return e;
    if (!(e = store_put(t, TABLE_META, SPAN_STR(ROW), span_of(&one, 1))) && !(e = behind_forget(t)))
        e = store_commit(&t);
    store_abort(&t);
    return e;
}

enum err recovery_load(struct core *c)
{
    struct txn *t = NULL;
    struct span row;
    bool accepted;
    bool behind = false;
    bool on;
    enum err e = store_begin(c->store, TXN_READ, &t);

    if (e)
        return e;
    e = store_get(t, TABLE_META, SPAN_STR(ROW), &row);
    accepted = e == ERR_OK && row.len == 1 && row.ptr[0] == ACCEPTED;
    on = e == ERR_OK;
    if (!e || e == ERR_NOT_FOUND)
        e = behind_load(t, &behind);
    store_abort(&t);
    if (e)
        return e;
    on = on || behind;
    if (!on)
        c->recovery = (struct recovery){0};
    else if (c->recovery.began_ms == 0) /* what was heard outlives a failed group, the last too */
        c->recovery.began_ms = clock_mono_ms(c->clock);
    c->recovery.on = on;
    c->recovery.accepted = accepted;
    c->recovery.behind = behind;
    return ERR_OK;
}

enum err recovery_accept(struct core *c)
{
    const uint8_t row = ACCEPTED;
    enum err e = store_put(c->t, TABLE_META, SPAN_STR(ROW), span_of(&row, 1));

    c->recovery.accepted = e == ERR_OK;
    return e;
}

/* --- hearing -----------------------------------------------------------------------------------
 */

static void heard(struct core *c, struct mailbox *m)
{
    if (m->shown)
        return;
    m->shown = true;
    c->recovery.heard++;
}

/* Asks the node for the statements it has and we have not; its session opens for that alone. */
static enum err keys_ask(struct core *c, const struct job *j)
{
    struct message say = {
        .type = MSG_KEYS, .keys = {.req = 1, .from = ledger_size(c->keys)}
    };
    struct parcel *p = calloc(1, sizeof *p);
    enum err e;

    if (!p)
        return ERR_NOMEM;
    p->kind = PARCEL_OPEN;
    p->peer = j->peer;
    p->session = j->session;
    p->who = j->who;
    if ((e = message_encode(&say, &p->frame))) {
        parcel_free(p);
        return e;
    }
    return core_stage(c, p);
}

enum err recovery_hello(struct core *c, const struct job *j, struct mailbox *m)
{
    const struct msg_hello *h = &j->message.hello;
    const struct log_name audit = {LOG_AUDIT, epoch_now(c)->number}, keys = {LOG_KEYS, 0};
    struct recovery *r = &c->recovery;

    if (r->behind)
        return behind_refuse(c, j);
    if (h->epoch == epoch_now(c)->number && h->audit.size > r->audit &&
        head_is_ours(c, &audit, &h->audit) == ERR_OK)
        r->audit = h->audit.size;
    if (h->keys.size > ledger_size(c->keys) && head_is_ours(c, &keys, &h->keys) == ERR_OK) {
        if (h->keys.size > r->keys)
            r->keys = h->keys.size;
        return keys_ask(c, j);
    }
    heard(c, m);
    return core_refuse(c, j, ERR_RECOVERING);
}

/* --- what nodes have of the keys log ------------------------------------------------------------
 */

/* Each statement is judged like a new one; a page whose end is not the head that its sender shows
 * under our own signature changes nothing, for the group fails with it. */
static enum err keys_take(struct core *c, const struct msg_keys_page *p)
{
    const struct log_name keys = {LOG_KEYS, 0};
    uint8_t root[32];
    enum err e;

    if (p->from != ledger_size(c->keys) || p->n == 0 || p->head.size != p->from + p->n ||
        head_is_ours(c, &keys, &p->head))
        return ERR_CHECKPOINT;
    for (size_t i = 0; i < p->n; i++)
        if ((e = registry_append(c, p->ss[i])))
            return e;
    if ((e = ledger_root(c->keys, c->t, p->head.size, root)))
        return e;
    return memcmp(root, p->head.root, sizeof root) == 0 ? ERR_OK : ERR_CONFLICT;
}

enum err recovery_member(struct core *c, struct job *j)
{
    enum err e = ERR_OK;

    if (c->recovery.behind)
        return behind_refuse(c, j);
    if (j->message.type == MSG_KEYS_PAGE && j->verdict == ERR_OK) {
        e = keys_take(c, &j->message.keys_page);
        log_info("recovery.keys", "number=%u why=%s size=%llu", j->who.number, err_name(e),
                 (unsigned long long)ledger_size(c->keys));
        if (e && e != ERR_CHECKPOINT)
            return e; /* half a page is none: the group is lost */
    }
    return core_refuse(c, j, ERR_RECOVERING);
}

/* --- serving again ------------------------------------------------------------------------------
 */

/* Not a quorum of witnesses: any node may hold a receipt of a later leaf than they have seen, and
 * what is declared lost must reach that far. */
static bool enough(const struct core *c)
{
    uint64_t wait_ms = (c->conf ? c->conf->restore_wait_s : WAIT_STANDARD_S) * UINT64_C(1000);
    const struct directory_node *n;
    size_t active = 0;

    if (ledger_size(c->keys) < c->recovery.keys)
        return false; /* whom we would serve is not known */
    for (size_t i = 0; (n = directory_node(c->dir, i)); i++)
        active += directory_node_state(c->dir, n, DIRECTORY_NOW, c->now_ms) == DIRECTORY_ACTIVE;
    return (active > 0 && c->recovery.heard >= active) ||
           clock_mono_ms(c->clock) - c->recovery.began_ms >= wait_ms;
}

static enum err epoch_open_after(struct core *c, uint64_t lost)
{
    struct detail d = {.has = RD_KEY(DETAIL_EPOCH) | RD_KEY(DETAIL_COMMON) |
                              RD_KEY(DETAIL_COMMON_ROOT) | RD_KEY(DETAIL_LOST),
                       .epoch = epoch_now(c)->number,
                       .common = ledger_committed_size(c->audit),
                       .lost = lost};
    uint64_t index;
    enum err e;

    if ((e = ledger_root(c->audit, c->t, d.common, d.common_root)))
        return e;
    if ((e = epoch_add(c)) || (e = audit_add(c, AUDIT_EPOCH, &d, &index)))
        return e;
    log_error("recovery.epoch", "new=%u common=%llu lost=%llu", epoch_now(c)->number,
              (unsigned long long)d.common, (unsigned long long)lost);
    return ERR_OK;
}

enum err recovery_tick(struct core *c)
{
    struct detail start = {.has = RD_KEY(DETAIL_ACT), .act = ACT_START};
    uint64_t index;
    bool held;
    enum err e;

    if (c->recovery.behind || !enough(c))
        return ERR_OK;
    if ((e = operators_hold(c, &held)))
        return e;
    if (held) {
        log_limited(LEVEL_WARN, "recovery.held", "why=%s", "operators");
        return ERR_OK;
    }
    if (c->recovery.audit > ledger_committed_size(c->audit) &&
        (e = epoch_open_after(c, c->recovery.audit)))
        return e;
    if ((e = audit_add(c, AUDIT_ACT, &start, &index)) ||
        (e = store_del(c->t, TABLE_META, SPAN_STR(ROW))))
        return e;
    log_info("recovery.done", "heard=%zu epoch=%u", c->recovery.heard, epoch_now(c)->number);
    c->recovery.on = false;
    return operators_recovered(c);
}

enum err recovery_text(struct core *c, struct bytes *text)
{
    if (!c->recovery.on)
        return ERR_OK;
    if (c->recovery.behind)
        return behind_text(c, text);
    return bytes_printf(text,
                        "RESTAURATION : le hub rassemble ce que ses membres détiennent ; %zu "
                        "entendu(s)%s. Il ne sert personne avant d'avoir fini.\n",
                        c->recovery.heard,
                        ledger_committed_size(c->keys) < c->recovery.keys
                            ? ", l'annuaire n'est pas encore retrouvé"
                            : "");
}
