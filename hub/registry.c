/* The keys log: statements that are verified, logged and announced; and the JOIN port
 * (PROTOCOL.md 7, 11). The hub publishes what others have signed; it can make none of it alone but
 * a suspension. */
#include <string.h>

#include "core.h"
#include "invites.h"
#include "log.h"

#define PAGE_BYTES_MAX 280000
#define ENROL_BODY_MAX (STMT_MAX - 192) /* with the possession it is a statement of its own */
#define WITNESS_KEYS_MAX 64             /* of one node, ever: one each time it is restored */
#define PREKEYS_LIVE_MAX 64             /* of one node: honest ones have two or three */
#define NODE_KEYS_MAX 64                /* of one node, ever: rotated each month, five years */
#define ABSENCE_SKEW_MS 600000          /* its ts ahead of our clock */

/* To the door and the workers, for their replicas of the directory. */
static enum err keys_tell(struct core *c, uint64_t index, uint64_t time_ms, struct span ss)
{
    struct parcel *p = calloc(1, sizeof *p);
    enum err e;

    if (!p)
        return ERR_NOMEM;
    p->kind = PARCEL_KEYS;
    p->index = index;
    p->time_ms = time_ms;
    if ((e = bytes_copy(&p->frame, ss))) {
        parcel_free(p);
        return e;
    }
    return core_stage(c, p);
}

/* Does the keys log have another key for the next epoch of the audit log? A hub that takes back
 * from nodes what it has lost of the keys log writes no leaf. */
static bool audit_key_turned(const struct core *c)
{
    const struct hub_key_used *list;
    size_t count = directory_hub_keys(c->dir, HUB_KEY_AUDIT_LOG, &list);

    return !c->recovery.on && count > 1 && list[count - 1].from > epoch_now(c)->number;
}

enum err registry_append(struct core *c, struct span ss)
{
    uint64_t at = directory_size(c->dir);
    uint8_t when[8];
    uint64_t index;
    enum err e;

    if ((e = directory_check(c->dir, at, ss)))
        return e;
    be64_write(c->now_ms, when);
    if ((e = ledger_append(c->keys, c->t, ss, SPAN_OF(when), &index)))
        return e;
    if ((e = directory_apply(c->dir, index, c->now_ms, ss)))
        return e;
    for (size_t i = 0; directory_node(c->dir, i); i++) {
        const struct directory_node *n = directory_node(c->dir, i);
        struct member who = {.number = (uint32_t)n->enrolled_at};

        if (n->enrolled_at != index)
            continue;
        memcpy(who.node, n->id, sizeof who.node);
        memcpy(who.org, directory_org(c->dir, n->org)->id, sizeof who.org);
        if ((e = mailbox_make(c, &who)) || (e = mailbox_save(c, mailbox_of(c, who.number))))
            return e;
    }
    mailboxes_ready(c); /* a suspension may have ended */
    if ((e = keys_tell(c, index, c->now_ms, ss)))
        return e;
    return audit_key_turned(c) ? epoch_turn(c) : ERR_OK;
}

static enum err leaf_read(struct core *c, struct txn *t, uint64_t i, struct span *ss,
                          uint64_t *time_ms)
{
    struct span when;
    enum err e = ledger_entry(c->keys, t, i, ss, &when, NULL);

    if (e)
        return e;
    if (when.len != 8)
        return ERR_CORRUPT;
    *time_ms = be64_read(when.ptr);
    return ERR_OK;
}

enum err registry_each(struct core *c,
                       enum err (*visit)(void *arg, uint64_t index, uint64_t time_ms,
                                         struct span ss),
                       void *arg)
{
    struct txn *t = NULL;
    struct span ss;
    uint64_t time_ms;
    enum err e = store_begin(c->store, TXN_READ, &t);

    for (uint64_t i = 0; !e && i < ledger_committed_size(c->keys); i++)
        if (!(e = leaf_read(c, t, i, &ss, &time_ms)))
            e = visit(arg, i, time_ms, ss);
    store_abort(&t);
    return e;
}

static enum err load_one(void *arg, uint64_t index, uint64_t time_ms, struct span ss)
{
    enum err e = directory_apply(arg, index, time_ms, ss);

    return e && e != ERR_NOMEM ? ERR_CORRUPT : e;
}

enum err registry_load(struct core *c)
{
    struct directory *fresh = NULL;
    enum err e;

    if ((e = directory_new(DIRECTORY_LEAF_TIME, c->entropy, &fresh)))
        return e;
    if ((e = registry_each(c, load_one, fresh))) {
        directory_free(fresh);
        return e;
    }
    directory_free(c->dir);
    c->dir = fresh;
    return ERR_OK;
}

static enum err tell_missed(void *arg, uint64_t index, uint64_t time_ms, struct span ss)
{
    struct core *c = arg;

    return index < c->keys_told ? ERR_OK : keys_tell(c, index, time_ms, ss);
}

/* A commit in doubt was kept after all: its leaves are in the log, and nobody was told of them. */
enum err registry_tell_missed(struct core *c)
{
    return registry_each(c, tell_missed, c);
}

/* --- KEYS, KEYS_PUT -------------------------------------------------------------------------- */

enum err keys_page(struct core *c, uint64_t from, struct message *m)
{
    uint64_t size = ledger_committed_size(c->keys);
    struct msg_keys_page *p = &m->keys_page;
    size_t bytes = 0;
    enum err e;

    *m = (struct message){.type = MSG_KEYS_PAGE, .keys_page = {.from = from}};
    for (uint64_t i = from; i < size && p->n < PAGE_ITEMS_MAX; i++) {
        struct span ss;
        uint64_t time_ms;

        if ((e = leaf_read(c, c->t, i, &ss, &time_ms)))
            return e;
        if (bytes + ss.len > PAGE_BYTES_MAX)
            break;
        bytes += ss.len;
        p->ss[p->n++] = ss;
    }
    /* The head that goes with a page is that of its own end, so that a node which has applied the
     * page can check the root at once. */
    if (p->n > 0)
        size = from + p->n;
    return keys_head(c, c->t, size, &p->head);
}

enum err on_keys(struct core *c, struct job *j)
{
    struct message m;
    enum err e = keys_page(c, j->message.keys.from, &m);

    if (e)
        return e;
    m.keys_page.req = j->req;
    return core_say(c, j, &m, true);
}

/* Leaves of the keys log are for ever and for everybody: a node does not write them at will. */
static bool prekeys_crowded(const struct core *c, const struct directory_node *n)
{
    const struct directory_prekey *p = directory_prekey(c->dir, n->prekey);
    size_t live = 0;

    while (p && live < PREKEYS_LIVE_MAX && directory_prekey_live(c->dir, p, c->now_ms)) {
        live++;
        p = directory_prekey(c->dir, p->previous);
    }
    return live == PREKEYS_LIVE_MAX;
}

/* What depends on our clock, and so on us alone: the log itself never asks for the time. */
static enum err absence_timely(const struct core *c, const struct job *j,
                               const struct directory_node *n)
{
    struct absence_statement s;
    enum err e;

    if ((e = absence_decode(j->ss.stmt, &s)))
        return e;
    if (s.ts_ms > c->now_ms && s.ts_ms - c->now_ms > ABSENCE_SKEW_MS)
        return ERR_SKEW;
    return directory_absences_full(n, c->now_ms) ? ERR_QUOTA : ERR_OK;
}

/* Does the log have room for one more of the kind, from this node? */
static enum err room_check(const struct core *c, const struct job *j, enum keys_kind kind,
                           const struct directory_node *n)
{
    switch (kind) {
    case KEYS_PREKEY:
        return prekeys_crowded(c, n) ? ERR_QUOTA : ERR_OK;
    case KEYS_ROTATE_NODE:
        return n->rekeyed >= NODE_KEYS_MAX || prekeys_crowded(c, n) ? ERR_QUOTA : ERR_OK;
    case KEYS_WITNESS_KEY:
        return n->witness_number >= WITNESS_KEYS_MAX ? ERR_QUOTA : ERR_OK;
    case KEYS_ABSENCE:
        return absence_timely(c, j, n);
    default:
        return ERR_RIGHT;
    }
}

static enum err put_check(struct core *c, const struct job *j)
{
    const struct directory_node *n = directory_find_node(c->dir, j->who.node);
    uint8_t federation[ID_BYTES];
    enum keys_kind kind;
    enum err e;

    if ((e = keys_stmt_peek(j->ss.stmt, &kind, federation)))
        return e;
    if (kind != KEYS_PREKEY && kind != KEYS_WITNESS_KEY && kind != KEYS_ABSENCE &&
        kind != KEYS_ROTATE_NODE)
        return ERR_RIGHT;
    if (!n || j->ss.count != (kind == KEYS_ROTATE_NODE ? 2 : 1) ||
        memcmp(j->ss.sig[0].kid, n->kid, KID_BYTES) != 0)
        return ERR_FROM;
    if ((e = directory_check(c->dir, directory_size(c->dir), j->message.statement.ss)))
        return e;
    return room_check(c, j, kind, n);
}

enum err on_keys_put(struct core *c, struct job *j)
{
    struct message m = {.type = MSG_KEYS_PAGE, .keys_page = {.req = j->req}};
    enum err e;

    if ((e = put_check(c, j))) {
        j->costly = e == ERR_FORGED;
        return e == ERR_NOMEM ? e : core_refuse(c, j, e);
    }
    /* The answer is an empty page at the log's committed end: the node asks KEYS and finds its
     * statement there. It goes before what the statement does, which may end the session. */
    m.keys_page.from = ledger_committed_size(c->keys);
    if ((e = keys_head(c, c->t, ledger_committed_size(c->keys), &m.keys_page.head)) ||
        (e = core_say(c, j, &m, true)))
        return e;
    return registry_append(c, j->message.statement.ss);
}

/* --- JOIN ------------------------------------------------------------------------------------ */

static enum err mac_check(struct core *c, const struct enrolment *en, const struct msg_join *join)
{
    struct secret32 *shared = NULL;
    uint8_t mac[32];
    enum err e;

    if ((e = secret_box_shared(identity_transport(c->id, c->dir, c->now_ms), &en->transport,
                               &shared)))
        return ERR_POSSESSION;
    e = digest_parts("relais/join1", secret32_span(shared), &join->body, 1, mac, DIGEST_256);
    secret32_free(shared);
    if (e)
        return e;
    return seal_equal(mac, join->mac, sizeof mac) ? ERR_OK : ERR_POSSESSION;
}

static bool same_services(const struct enrolment *en, const struct invite *i)
{
    if (en->service_count != i->service_count)
        return false;
    for (size_t k = 0; k < i->service_count; k++)
        if (!span_equal(en->services[k], i->services[k]))
            return false;
    return true;
}

/* The node may add its keys to what it was invited as, and nothing else. */
static enum err as_invited(const struct enrolment *en, const struct invite *i)
{
    bool same = memcmp(en->org, i->org, ID_BYTES) == 0 &&
                memcmp(en->invitation, i->id, ID_BYTES) == 0 && en->kind == i->kind &&
                span_equal(en->name, i->name) && span_equal(en->national_id, i->national_id) &&
                span_equal(en->territory, i->territory) && same_services(en, i);

    return same ? ERR_OK : ERR_INVITATION;
}

static enum err join_check(struct core *c, const struct job *j, const struct invite *i)
{
    const struct msg_join *join = &j->message.join;
    struct enrolment en;
    enum err e;

    if (i->expires_ms < c->now_ms)
        return ERR_INVITATION;
    if (versions_common(&join->versions) == 0)
        return ERR_VERSION;
    if (join->body.len > ENROL_BODY_MAX)
        return ERR_SIZE;
    if ((e = enrolment_verify(join->body, join->possession, c->id->federation.id, &en)))
        return e;
    if ((e = as_invited(&en, i)))
        return e;
    return mac_check(c, &en, join);
}

static enum err join_say(struct core *c, const struct job *j, enum join_state state, enum err code,
                         const struct invite *i)
{
    struct message m = {
        .type = MSG_JOIN_STATE, .join_state = {.state = state, .code = (uint32_t)code}
    };
    struct bytes genesis = {0};
    uint64_t time_ms;
    enum err e = ERR_OK;

    if (ledger_committed_size(c->keys) > 0) {
        struct span ss;

        if ((e = leaf_read(c, c->t, 0, &ss, &time_ms)) || (e = bytes_copy(&genesis, ss)))
            goto out;
        m.join_state.genesis = bytes_span(&genesis);
    }
    if (state == JOIN_ENROLLED &&
        (e = leaf_read(c, c->t, i->leaf, &m.join_state.enrolment, &time_ms)))
        goto out;
    e = core_say(c, j, &m, false);
out:
    bytes_free(&genesis);
    return e;
}

static enum err join_again(struct core *c, const struct job *j, const struct invite *i)
{
    static const enum join_state states[] = {[INVITE_OPEN] = JOIN_APPROVAL,
                                             [INVITE_ASKED] = JOIN_APPROVAL,
                                             [INVITE_APPROVED] = JOIN_REGISTRAR,
                                             [INVITE_ENROLLED] = JOIN_ENROLLED,
                                             [INVITE_REFUSED] = JOIN_REFUSED};

    if (!span_equal(i->body, j->message.join.body))
        return join_say(c, j, JOIN_REFUSED, ERR_INVITATION, NULL);
    /* Told as enrolled only once the leaf is on disk. */
    if (i->state == INVITE_ENROLLED && i->leaf >= ledger_committed_size(c->keys))
        return join_say(c, j, JOIN_REGISTRAR, ERR_WAITING, NULL);
    return join_say(c, j, states[i->state], i->state == INVITE_ENROLLED ? ERR_OK : ERR_WAITING, i);
}

enum err on_join(struct core *c, struct job *j)
{
    uint8_t id[ID_BYTES];
    struct invite i;
    enum err e;

    if ((e = hex_read_fixed(id, sizeof id, span_text(j->invite))))
        return ERR_OK; /* a name that the door made itself: cannot be */
    e = invite_get(c, id, &i);
    if (e)
        return e == ERR_NOT_FOUND ? join_say(c, j, JOIN_REFUSED, ERR_INVITATION, NULL) : e;
    if (i.body.len > 0)
        return join_again(c, j, &i);
    if ((e = join_check(c, j, &i))) {
        log_limited(LEVEL_WARN, "join.refused", "why=%s", err_name(e));
        return e == ERR_NOMEM ? e : join_say(c, j, JOIN_REFUSED, e, NULL);
    }
    i.state = INVITE_ASKED;
    i.body = j->message.join.body;
    memcpy(i.possession, j->message.join.possession, sizeof i.possession);
    if ((e = invite_put(c, &i)))
        return e;
    log_info("join.asked", "invite=%s", j->invite);
    return join_say(c, j, JOIN_APPROVAL, ERR_WAITING, NULL);
}

static enum err announce_one(void *arg, const struct invite *i)
{
    struct core *c = arg;

    if (i->state == INVITE_REFUSED || i->expires_ms < clock_now_ms(c->clock))
        return ERR_OK;
    return invite_tell(c, i, true);
}

enum err registry_announce(struct core *c)
{
    return invite_each(c, announce_one, c);
}
