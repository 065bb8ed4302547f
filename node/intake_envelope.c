/* The receive order of PROTOCOL.md 5.4, for one delivered envelope. Whatever is wrong with it is
 * recorded and reported; only a failing store stops the batch. */
#include <string.h>

#include "attach.h"
#include "bell.h"
#include "circles.h"
#include "contacts.h"
#include "declared.h"
#include "inbox.h"
#include "log.h"
#include "meta.h"
#include "prekeys.h"
#include "vault.h"

struct arriving {
    struct node *n;
    struct txn *t;
    uint64_t seq;
    struct span item;
    struct span receipt;
    struct receipt_facts accepted; /* once proven */
    struct received r;
    struct care_payload payload;
    struct prekey prekey; /* the one that step 8 asked for */
    struct in_status s;
    bool seen; /* under (mid, from), in s the row of then */
};

/* --- the questions of envelope_receive() -------------------------------------------------------
 */

/* The position in the log decides, and the hub judged there: a key revoked later had signed. */
static enum err ask_signer(void *arg, const uint8_t org[ID_BYTES], const uint8_t skid[KID_BYTES],
                           struct sign_public *pk)
{
    struct arriving *a = arg;
    const struct directory *d = contacts_directory(a->n);
    const struct directory_node *node = directory_find_signing(d, skid);

    if (node && node->revoked && node->revoked_reason == REVOKE_COMPROMISED)
        return ERR_KEY_REVOKED;
    return directory_signed(d, org, skid, pk);
}

static enum err ask_prekey(void *arg, const uint8_t kid[KID_BYTES], const struct secret_box **out)
{
    struct arriving *a = arg;
    enum err e;

    prekey_wipe(&a->prekey);
    e = prekey_get(a->n, a->t, kid, &a->prekey);
    if (!e)
        *out = a->prekey.key;
    return e;
}

static enum err ask_seen(void *arg, const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                         uint8_t digest[DIGEST_BYTES])
{
    struct arriving *a = arg;
    struct in_status s;
    enum err e = inbox_get(a->n, a->t, mid, from, &s);

    if (e)
        return e;
    if (s.state == IN_LAPSED) /* announced as lost, and here it is; never so what was recalled */
        return ERR_NOT_FOUND;
    a->seen = true;
    memcpy(digest, s.digest, DIGEST_BYTES);
    return ERR_OK;
}

/* --- recording
 * ------------------------------------------------------------------------------------ */

static void status_fill(struct arriving *a)
{
    const struct env_header *h = &a->r.header;
    struct in_status *s = &a->s;

    s->received_ms = node_now_ms(a->n);
    s->accepted_ms = a->accepted.time_ms;
    s->seq = a->seq;
    s->type = h->type;
    s->class_mask = h->class_mask;
    s->basis = h->basis;
    s->ts_ms = h->ts;
    s->exp_ms = h->exp;
    s->urgent = h->prio == 1;
    s->has_re = h->has_re;
    memcpy(s->mid, h->mid, ID_BYTES);
    memcpy(s->from, h->from, ID_BYTES);
    memcpy(s->re, h->re, ID_BYTES);
    memcpy(s->circle, h->circle, ID_BYTES);
    memcpy(s->digest, a->r.digest, DIGEST_BYTES);
    if (a->accepted.type == AUDIT_DEPUTY) {
        s->as_deputy = true;
        s->deputed_ms = a->accepted.time_ms;
        memcpy(s->deputed, a->accepted.detail.instead, ID_BYTES);
    }
}

struct outcome {
    enum in_state state;
    enum audit_type report;
};

/* How a refusal is kept and what the hub is told of it. */
static struct outcome outcome_of(enum receive_step step, enum err why)
{
    if (why == ERR_MISLABELLED)
        return (struct outcome){IN_QUARANTINED, AUDIT_MISLABELLED};
    if (step == STEP_ADDRESSEE || (step >= STEP_UNWRAP && step <= STEP_PADDING))
        return (struct outcome){IN_UNREADABLE, AUDIT_UNREADABLE};
    return (struct outcome){IN_REFUSED, AUDIT_REFUSED};
}

static enum err body_put(struct arriving *a)
{
    uint8_t key[IN_KEY_BYTES];

    in_key(a->s.mid, a->s.from, key);
    return vault_put(a->n->vault, a->t, TABLE_IN_BODY, in_person(&a->s), SPAN_OF(key),
                     bytes_span(&a->r.body));
}

/* Refused by `step`. Until step 7 has passed nobody has proven to be its sender: a row under his
 * name would shut out the real one, so the log alone tells. */
static enum err refuse(struct arriving *a, enum receive_step step, enum err why)
{
    struct outcome o = outcome_of(step, why);
    enum err e;

    log_limited(LEVEL_WARN, "envelope.refused", "step=%d why=%s", (int)step, err_name(why));
    if (step <= STEP_SIGNATURE)
        return ERR_OK;
    status_fill(a);
    a->s.state = o.state;
    a->s.code = (uint32_t)(o.state == IN_UNREADABLE ? ERR_OPEN : why);
    a->s.step = (uint32_t)step;
    memset(a->s.person, 0, ID_BYTES);
    if ((e = in_put(a->n, a->t, &a->s)))
        return e;
    if ((e = proof_put(a->n, a->t, &a->s, &a->r, a->receipt)))
        return e;
    if (a->r.body.len > 0 && (e = body_put(a)))
        return e;
    return report_add(a->n, a->t, o.report, &a->s, a->s.code, NULL);
}

/* Whole and unopened, until the statements are here that say whether it may be opened. */
static enum err hold(struct arriving *a)
{
    uint8_t key[IN_KEY_BYTES];
    struct writer w;
    enum err e;

    status_fill(a);
    a->s.state = IN_HELD;
    in_key(a->s.mid, a->s.from, key);
    wr_init(&w);
    wr_array(&w, 3);
    wr_uint(&w, a->seq);
    wr_bin(&w, a->item);
    wr_bin(&w, a->receipt);
    if ((e = row_put(a->n, a->t, TABLE_IN_HELD, NULL, SPAN_OF(key), &w)))
        return e;
    if ((e = in_put(a->n, a->t, &a->s)))
        return e;
    return circle_mark(a->n, a->t, a->s.circle, true);
}

/* --- step 17
 * --------------------------------------------------------------------------------------- */

static enum err judge(const struct node *n, const struct env_header *h, const struct circle *c)
{
    size_t i = header_recipient(h, n->self.org);
    struct disclosure ask;

    if (i == h->to_count)
        return ERR_ADDRESSEE;
    disclosure_of_header(h, &ask);
    memcpy(ask.to, n->self.org, ID_BYTES);
    ask.rcat = h->rcat[i];
    ask.recipients = h->to_count;
    return disclosure_judge(c, &ask, JUDGE_RECIPIENT, NULL);
}

enum err intake_judge_now(struct node *n, struct txn *t, const struct env_header *h)
{
    struct circle *now = NULL;
    enum err e = circles_get(n, t, h->circle, &now);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_AGAIN : e;
    return judge(n, h, now);
}

/* At the position that `accepted` proves, and at what this node knows by now: what has been
 * narrowed since is not shown either. ERR_AGAIN: statements are missing. */
static enum err circle_rules(struct arriving *a)
{
    uint64_t position = a->accepted.detail.chain_n;
    struct circle *then = NULL;
    struct circle *now = NULL;
    enum err e;

    if (position >= CIRCLE_STATEMENTS_MAX)
        return ERR_PROOF;
    e = circles_get(a->n, a->t, a->r.header.circle, &now);
    if (e == ERR_NOT_FOUND || (!e && circle_size(now) <= position))
        return ERR_AGAIN;
    if (e)
        return e;
    if (circle_size(now) == position + 1)
        return judge(a->n, &a->r.header, now);
    if ((e = circles_at(a->n, a->t, a->r.header.circle, (uint32_t)position + 1, &then)))
        return e;
    e = judge(a->n, &a->r.header, then);
    circle_free(then);
    return e ? e : judge(a->n, &a->r.header, now);
}

/* An invitation comes to one who is no member and holds no chain: its offer speaks for itself. */
static enum err offer_rules(struct arriving *a)
{
    struct circle_signers signers = contacts_signers(a->n);
    const struct env_header *h = &a->r.header;
    struct circle_offer o;
    enum err e;

    if (h->to_count != 1)
        return ERR_AUDIENCE;
    if ((e = circle_offer_verify(a->payload.offer, &signers, &o)))
        return e;
    if (o.kind != CIRCLE_JOIN || memcmp(o.circle, h->circle, ID_BYTES) != 0 ||
        memcmp(o.by, h->from, ID_BYTES) != 0 || memcmp(o.to, a->n->self.org, ID_BYTES) != 0)
        return ERR_MISLABELLED;
    return o.expires_ms < node_now_ms(a->n) ? ERR_EXPIRED : ERR_OK;
}

/* --- the end of a good one -----------------------------------------------------------------------
 */

static enum err invitation_keep(struct arriving *a)
{
    struct circle_invited i = {.received_ms = a->s.received_ms};
    enum err e;

    memcpy(i.handle, a->s.circle, ID_BYTES);
    memcpy(i.from, a->s.from, ID_BYTES);
    memcpy(i.mid, a->s.mid, ID_BYTES);
    memcpy(i.person, a->s.person, ID_BYTES);
    if (!(e = bytes_copy(&i.offer, a->payload.offer)))
        e = circle_invited_put(a->n, a->t, &i);
    circle_invited_wipe(&i);
    return e;
}

static enum err keep(struct arriving *a)
{
    enum err e;

    status_fill(a);
    a->s.state = IN_RECEIVED;
    if ((e = in_put(a->n, a->t, &a->s)) || (e = body_put(a)))
        return e;
    if ((e = proof_put(a->n, a->t, &a->s, &a->r, a->receipt)))
        return e;
    if (a->payload.type == ENVELOPE_INVITATION && (e = invitation_keep(a)))
        return e;
    if ((e = bell_hang(a->n, a->t, &a->s, &a->payload)) ||
        (e = attach_received(a->n, a->t, &a->r.header)))
        return e;
    if (a->n->care->kept)
        return a->n->care->kept(a->n, a->t, &a->payload, &a->r.header, a->s.person);
    return ERR_OK;
}

static enum err whose(struct arriving *a)
{
    struct circle_info info = {0};
    enum err e = circle_info_get(a->n, a->t, a->r.header.circle, &info);

    if (e && e != ERR_NOT_FOUND)
        return e;
    return a->n->care->person(a->n, a->t, &a->payload, &a->r.header,
                              info.has_person ? info.person : NULL, a->s.person);
}

static enum err opened(struct arriving *a)
{
    enum err e;

    if ((e = a->n->care->open(a->n, bytes_span(&a->r.body), &a->r.header, &a->payload))) {
        if (err_of_machine(e))
            return e;
        return refuse(a, e == ERR_MISLABELLED ? STEP_LABEL : STEP_PAYLOAD, e);
    }
    e = a->payload.type == ENVELOPE_INVITATION ? offer_rules(a) : circle_rules(a);
    if (e == ERR_AGAIN)
        return hold(a);
    if (!e)
        e = whose(a);
    if (e && err_of_machine(e))
        return e;
    return e ? refuse(a, STEP_CIRCLE, e) : keep(a);
}

/* --- the beginning -------------------------------------------------------------------------------
 */

/* A recipient's by its acceptance; a deputy's by its release to him, in that recipient's place. */
static bool is_ours_by(const struct arriving *a)
{
    const struct env_deputy *deputy = header_deputy(&a->r.header, a->r.index);
    const struct detail *d = &a->accepted.detail;

    if (!deputy)
        return a->accepted.type == AUDIT_ACCEPTED;
    return a->accepted.type == AUDIT_DEPUTY && d->code == 0 && d->to_count == 1 &&
           memcmp(d->to[0], a->n->self.org, ID_BYTES) == 0 &&
           memcmp(d->instead, a->r.header.to[deputy->instead], ID_BYTES) == 0;
}

static enum err accepted_proves(struct arriving *a)
{
    const struct detail *d = &a->accepted.detail;
    const struct env_header *h = &a->r.header;
    struct receipt r;
    enum err e;

    if ((e = receipt_decode(a->receipt, &r)) || (e = contacts_receipt(a->n, &r, &a->accepted)))
        return e;
    if (!is_ours_by(a) || memcmp(d->mid, h->mid, ID_BYTES) != 0 ||
        memcmp(d->digest, a->r.digest, DIGEST_BYTES) != 0 ||
        memcmp(d->circle, h->circle, ID_BYTES) != 0 || memcmp(d->from, h->from, ID_BYTES) != 0)
        return ERR_PROOF;
    return ERR_OK;
}

static enum err after_opening(struct arriving *a)
{
    enum err e;

    if ((e = accepted_proves(a)))
        return err_of_machine(e) ? e : refuse(a, STEP_CIRCLE, e);
    e = contacts_check_dir(a->n, &a->r.header.keys_head, &a->r.header.audit_head);
    if (e == ERR_SPLIT_VIEW || e == ERR_ROLLBACK || err_of_machine(e))
        return e;
    return e ? refuse(a, STEP_CIRCLE, e) : opened(a);
}

static enum err received(struct arriving *a)
{
    struct receive_ctx ctx = {.mode = a->n->self.mode,
                              .now_ms = node_now_ms(a->n),
                              .signing_key = ask_signer,
                              .prekey = ask_prekey,
                              .seen = ask_seen,
                              .arg = a};
    enum err e;

    memcpy(ctx.org, a->n->self.org, ID_BYTES);
    e = envelope_receive(&ctx, a->item, &a->r);
    if (!e)
        return after_opening(a);
    if (err_of_machine(e))
        return e;
    if (a->seen) { /* the row of the first one stands, whatever this one says */
        log_limited(LEVEL_INFO, "envelope.again", "why=%s", err_name(e));
        return ERR_OK;
    }
    return refuse(a, a->r.step, e);
}

enum err intake_envelope(struct node *n, struct txn *t, uint64_t seq, struct span item,
                         struct span receipt)
{
    struct arriving a = {.n = n, .t = t, .seq = seq, .item = item, .receipt = receipt};
    enum err e = received(&a);

    if (a.payload.doc)
        n->care->release(&a.payload);
    received_wipe(&a.r);
    prekey_wipe(&a.prekey);
    return e;
}
