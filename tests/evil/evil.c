/*
 * evil - what a compromised hub does to the frames it sends: the real relais-hub, with the real
 * keys, whose last step before the wire goes through here (-Wl,--wrap=link_send). EVIL names a file
 * that holds one word, the case, read again for every frame; each evil act is a line of EVIL.acts.
 * Without a case every frame passes. Frames of one node only are touched: EVIL_VICTIM, its
 * organisation's id in hex.
 * Thread rule: the door's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "core.h"
#include "identity.h"
#include "merkle.h"
#include "recovery.h"
#include "transport.h"

enum err __real_link_send(struct link_socket *s, const struct link_peer *to, struct span payload);
enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload);
enum err __real_identity_open(const char *dir, struct span passphrase, struct identity **out);
enum err __wrap_identity_open(const char *dir, struct span passphrase, struct identity **out);

enum err __real_behind_check(struct core *c, const struct job *j, uint32_t epoch,
                             const struct ckpt *keys, const struct ckpt *audit, bool *stopped);
enum err __wrap_behind_check(struct core *c, const struct job *j, uint32_t epoch,
                             const struct ckpt *keys, const struct ckpt *audit, bool *stopped);

#define HELD_MAX 64

static struct evil {
    const struct identity *id; /* the true keys */
    char now[32];              /* the case */
    struct bytes held[HELD_MAX];
    size_t held_count;
    unsigned turn;
    struct ckpt first_audit; /* what was told first: for rolling back to it */
    struct ckpt first_keys;
} evil;

enum err __wrap_identity_open(const char *dir, struct span passphrase, struct identity **out)
{
    enum err e = __real_identity_open(dir, passphrase, out);

    if (!e)
        evil.id = *out;
    return e;
}

/* --- telling ------------------------------------------------------------------------------- */

static void case_read(void)
{
    const char *path = getenv("EVIL");
    FILE *f = path ? fopen(path, "r") : NULL;

    evil.now[0] = '\0';
    if (f && fscanf(f, "%31s", evil.now) != 1)
        evil.now[0] = '\0';
    if (f)
        fclose(f);
}

static void acted(const char *what)
{
    char path[1024];
    FILE *f;

    snprintf(path, sizeof path, "%s.acts", getenv("EVIL"));
    if ((f = fopen(path, "a"))) {
        fprintf(f, "%s %s\n", evil.now, what);
        fclose(f);
    }
}

static bool is(const char *name)
{
    return strcmp(evil.now, name) == 0;
}

/* What a node shows is not looked at. Of the store's thread: it reads the case for itself. */
enum err __wrap_behind_check(struct core *c, const struct job *j, uint32_t epoch,
                             const struct ckpt *keys, const struct ckpt *audit, bool *stopped)
{
    const char *path = getenv("EVIL");
    FILE *f = path ? fopen(path, "r") : NULL;
    char now[32] = "";

    if (f && fscanf(f, "%31s", now) != 1)
        now[0] = '\0';
    if (f)
        fclose(f);
    if (strcmp(now, "blind") != 0)
        return __real_behind_check(c, j, epoch, keys, audit, stopped);
    *stopped = false;
    return ERR_OK;
}

/* --- lies under true signatures -------------------------------------------------------------- */

static void head_sign(struct ckpt *head, const char *origin, const struct secret_sign *key)
{
    struct bytes body = {0};

    if (checkpoint_body(span_text(origin), head->size, head->root, &body) ||
        sign_note(key, bytes_span(&body), head->sig))
        abort();
    bytes_free(&body);
}

static void audit_lie(struct ckpt *head)
{
    head->root[0] ^= 1;
    head_sign(head, evil.id->audit_origin, evil.id->audit_log);
}

static void keys_lie(struct ckpt *head)
{
    head->root[0] ^= 1;
    head_sign(head, evil.id->keys_origin, evil.id->keys_log);
}

/* The root that a leaf and its inclusion proof lead to (RFC 9162 2.1.3.2). */
static void root_of(const struct receipt *r, uint8_t root[32])
{
    uint64_t fn = r->index;
    uint64_t sn = r->head.size - 1;

    merkle_leaf_hash(r->entry, root);
    for (size_t i = 0; i < r->inclusion.count; i++) {
        if ((fn & 1) || fn == sn) {
            merkle_node_hash(r->inclusion.hash[i], root, root);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node_hash(root, r->inclusion.hash[i], root);
        }
        fn >>= 1;
        sn >>= 1;
    }
}

/* Another entry at the same index, proven in a tree that was never shown to anybody else: an hour
 * later, or with another member signature in its detail. */
static bool receipt_lie(struct span receipt, bool member, struct bytes *out)
{
    struct bytes entry = {0};
    struct bytes detail = {0};
    struct receipt r;
    struct detail d;
    uint64_t type;
    uint64_t ms;
    uint8_t c[32];
    bool done = false;

    if (receipt_decode(receipt, &r) || entry_decode(r.entry, &type, &ms, c))
        return false;
    if (member) {
        if (detail_decode(r.detail, &d) || !(d.has & RD_KEY(DETAIL_SIG)))
            return false;
        d.sig[0] ^= 1;
        if (detail_encode(&d, &detail) || detail_commit(r.salt, bytes_span(&detail), c))
            abort();
        r.detail = bytes_span(&detail);
    } else {
        ms += 3600000;
    }
    if (entry_encode((enum audit_type)type, ms, c, &entry))
        abort();
    r.entry = bytes_span(&entry);
    root_of(&r, r.head.root);
    head_sign(&r.head, evil.id->audit_origin, evil.id->audit_log);
    done = receipt_encode(&r, out) == ERR_OK;
    bytes_free(&entry);
    bytes_free(&detail);
    return done;
}

/* --- what is changed in a message --------------------------------------------------------------
 */

static void remember(const struct message *m)
{
    if (m->type == MSG_WELCOME && evil.first_audit.size == 0) {
        evil.first_audit = m->welcome.audit;
        evil.first_keys = m->welcome.keys;
    }
}

static bool change_heads(struct message *m)
{
    if (m->type == MSG_HEADS && is("fork-audit"))
        audit_lie(&m->heads.audit);
    else if (m->type == MSG_HEADS && is("fork-keys"))
        keys_lie(&m->heads.keys);
    else if (m->type == MSG_CONSISTENCY_PROOF && is("false-proof") && m->consistency_proof.n > 0)
        m->consistency_proof.hash[0][0] ^= 1;
    else if (m->type == MSG_WELCOME && is("rollback") &&
             m->welcome.audit.size > evil.first_audit.size)
        m->welcome.audit = evil.first_audit;
    else if (m->type == MSG_WELCOME && is("cut-tail") && m->welcome.keys.size > 1) {
        m->welcome.keys.size--; /* the last leaf was never there */
        keys_lie(&m->welcome.keys);
    } else if (m->type == MSG_WELCOME && is("epoch"))
        m->welcome.epoch++; /* a new log, and no leaf that says where the former ended */
    else
        return false;
    return true;
}

/* A byte of the last statement of the page, and a head that fits nobody's tree but this one. */
static bool change_keys(struct message *m, struct bytes *copy)
{
    struct msg_keys_page *p = &m->keys_page;

    if (m->type != MSG_KEYS_PAGE || !is("substitute") || p->n == 0)
        return false;
    if (bytes_copy(copy, p->ss[p->n - 1]))
        abort();
    copy->ptr[copy->len / 3] ^= 1;
    p->ss[p->n - 1] = bytes_span(copy);
    keys_lie(&p->head);
    return true;
}

static bool change_receipt(struct message *m, struct bytes *copy)
{
    if (m->type == MSG_RECEIPT && is("equivocate") &&
        receipt_lie(m->receipt.receipt, false, copy)) {
        m->receipt.receipt = bytes_span(copy);
        return true;
    }
    if (m->type == MSG_DELIVER && m->deliver.kind == DELIVER_RECEIPT && is("forge-delivered") &&
        receipt_lie(m->deliver.receipt, true, copy)) {
        m->deliver.receipt = bytes_span(copy);
        return true;
    }
    return false;
}

/* --- what happens to a frame -------------------------------------------------------------------
 */

static bool is_cargo(const struct message *m)
{
    return m->type == MSG_DELIVER || m->type == MSG_RECEIPT;
}

static enum err hold(struct span frame)
{
    if (evil.held_count == HELD_MAX || bytes_copy(&evil.held[evil.held_count], frame))
        abort();
    evil.held_count++;
    return ERR_OK;
}

static enum err let_go(struct link_socket *s, const struct link_peer *to)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < evil.held_count; i++) {
        e = __real_link_send(s, to, bytes_span(&evil.held[i]));
        bytes_free(&evil.held[i]);
    }
    evil.held_count = 0;
    return e;
}

static enum err pass(struct link_socket *s, const struct link_peer *to, const struct message *m,
                     struct span frame)
{
    enum err e;

    if (!is_cargo(m)) {
        e = __real_link_send(s, to, frame);
        if (!e && evil.held_count > 0 && (is("delay") || is("")))
            e = let_go(s, to); /* with the next frame of another kind */
        return e;
    }
    if (is("withhold") || (is("drop") && evil.turn++ % 2 == 0)) {
        acted(message_name(m->type));
        return ERR_OK;
    }
    if (is("delay")) {
        acted(message_name(m->type));
        return hold(frame);
    }
    if (is("reorder") && evil.held_count == 0) {
        acted(message_name(m->type));
        return hold(frame);
    }
    if (is("replay")) {
        acted(message_name(m->type));
        if ((e = __real_link_send(s, to, frame)))
            return e;
    }
    e = __real_link_send(s, to, frame);
    return e ? e : let_go(s, to); /* the one before comes after it */
}

static bool is_victim(const struct link_peer *to)
{
    const char *victim = getenv("EVIL_VICTIM");

    return victim && strncmp(to->user, "node:", 5) == 0 &&
           strncmp(to->user + 5, victim, strlen(victim)) == 0;
}

enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload)
{
    struct bytes copy = {0};
    struct bytes changed = {0};
    struct message m;
    enum err e;

    if (!to || !is_victim(to) || message_decode(payload, SENT_BY_HUB, &m))
        return __real_link_send(s, to, payload);
    case_read();
    remember(&m);
    if (change_heads(&m) || change_keys(&m, &copy) || change_receipt(&m, &copy)) {
        acted(message_name(m.type));
        if (message_encode(&m, &changed))
            abort();
        payload = bytes_span(&changed);
    }
    e = pass(s, to, &m, payload);
    bytes_free(&copy);
    bytes_free(&changed);
    return e;
}
