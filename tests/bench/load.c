#include "load.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "merkle.h"

/* --- sealing -----------------------------------------------------------------------------------
 */

static void leaf_of(struct span envelope, uint8_t out[32])
{
    struct envelope_view view;
    struct env_header header;
    uint8_t digest[DIGEST_BYTES];

    ok(envelope_parse(envelope, &view, &header, NULL), "parse");
    ok(envelope_digest(&view, digest), "digest");
    receipt_path_leaf(header.mid, digest, out);
}

/* `count` envelopes, signed together if there are several. */
static void letters_make(struct member_node *from, const uint8_t circle[ID_BYTES],
                         struct member_node *const *to, size_t to_count, struct span body,
                         struct bytes *out, size_t count)
{
    if (count == 1)
        ok(member_letter(from, circle, to, to_count, body, out), "seal");
    else
        ok(member_letters(from, circle, to, to_count, body, out, count), "seal");
}

static struct load load_of(struct member_node *from, const uint8_t circle[ID_BYTES],
                           struct member_node *const *to, size_t to_count, size_t n,
                           size_t body_bytes, size_t batch)
{
    struct load l = {.frame = calloc(n, sizeof *l.frame),
                     .leaf = calloc(n, sizeof *l.leaf),
                     .n = n,
                     .body_bytes = body_bytes};
    uint8_t *body = calloc(1, body_bytes);

    must(l.frame && l.leaf && body, "memory");
    for (size_t i = 0; i < n;) {
        struct bytes envelope[BATCH] = {0};
        size_t count = n - i < batch ? n - i : batch;

        letters_make(from, circle, to, to_count, span_of(body, body_bytes), envelope, count);
        for (size_t k = 0; k < count; k++, i++) {
            ok(member_put_frame(i + 1, bytes_span(&envelope[k]), &l.frame[i]), "frame");
            leaf_of(bytes_span(&envelope[k]), l.leaf[i]);
            bytes_free(&envelope[k]);
        }
    }
    free(body);
    return l;
}

struct load load_make(struct member_node *from, const uint8_t circle[ID_BYTES],
                      struct member_node *const *to, size_t to_count, size_t n, size_t body_bytes)
{
    return load_of(from, circle, to, to_count, n, body_bytes, 1);
}

void load_free(struct load *l)
{
    for (size_t i = 0; i < l->n; i++)
        bytes_free(&l->frame[i]);
    free(l->frame);
    free(l->leaf);
    *l = (struct load){0};
}

struct sealing {
    struct world *w;
    size_t first, senders, recipients, each, batch;
    struct load *out;
};

static void *seal_half(void *arg)
{
    const struct sealing *s = arg;

    for (size_t i = s->first; i < s->senders; i += 2)
        s->out[i] = load_of(s->w->m[i], s->w->scene.circle->handle, s->w->to, s->recipients,
                            s->each, BODY_BYTES, s->batch);
    return NULL;
}

/* Members are confined to one thread each, and share nothing that sealing writes. */
void loads_make(struct world *w, size_t senders, size_t recipients, size_t each, size_t batch,
                struct load *out)
{
    struct sealing half[2] = {
        {w, 0, senders, recipients, each, batch, out},
        {w, 1, senders, recipients, each, batch, out}
    };
    pthread_t second;

    must(pthread_create(&second, NULL, seal_half, &half[1]) == 0, "thread");
    seal_half(&half[0]);
    pthread_join(second, NULL);
}

/* --- sending -----------------------------------------------------------------------------------
 */

static bool on_answer(struct member_node *m, const struct message *frame, void *arg)
{
    struct pusher *p = arg;

    (void)m;
    switch (frame->type) {
    case MSG_ERR:
        p->refused++;
        p->answered++;
        return true;
    case MSG_RECEIPT:
        p->answered++;
        return true;
    case MSG_DELIVER:
        p->upto = frame->deliver.seq;
        return true;
    default:
        return false;
    }
}

void pusher_open(struct pusher *p, struct member_node *m)
{
    *p = (struct pusher){.m = m};
    member_on_frame(m, on_answer, p);
}

void pusher_close(struct pusher *p)
{
    member_on_frame(p->m, NULL, NULL);
    load_free(&p->load);
}

static void ack_send(struct member_node *m, const struct message *say)
{
    ok(member_tell(m, say), "ack");
    member_settled(m, say->ack.upto);
}

void pusher_turn(struct pusher *p)
{
    struct message say = {
        .type = MSG_ACK,
        .ack = {.upto = p->upto, .credit_messages = TAKER_MESSAGES, .credit_bytes = TAKER_BYTES}
    };

    while (p->sent < p->load.n && p->sent - p->answered < WINDOW) {
        if (member_send(p->m, bytes_span(&p->load.frame[p->sent])))
            return;
        p->sent++;
    }
    if (p->upto > p->acked) {
        ack_send(p->m, &say);
        p->acked = p->upto;
    }
}

/* --- what is known of each envelope ------------------------------------------------------------
 */

struct known {
    const struct load *loads;
    size_t mask;
    struct place {
        uint64_t key; /* the end of its signature; 0: free */
        uint32_t load;
        uint32_t i;
    } at[];
};

static uint64_t key_of(struct span envelope)
{
    uint64_t key;

    memcpy(&key, envelope.ptr + envelope.len - sizeof key, sizeof key);
    return key | 1;
}

static const struct place *known_find(const struct known *k, struct span envelope)
{
    uint64_t key = key_of(envelope);
    size_t at = (key >> 8) & k->mask;

    while (k->at[at].key && k->at[at].key != key)
        at = (at + 1) & k->mask;
    return k->at[at].key ? &k->at[at] : NULL;
}

struct known *known_make(const struct load *loads, size_t n)
{
    size_t total = 0;
    size_t room = 64;
    struct known *k;

    for (size_t i = 0; i < n; i++)
        total += loads[i].n;
    while (room < 2 * total)
        room *= 2;
    k = calloc(1, sizeof *k + room * sizeof k->at[0]);
    must(k != NULL, "memory");
    k->loads = loads;
    k->mask = room - 1;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < loads[i].n; j++) {
            struct span frame = bytes_span(&loads[i].frame[j]);
            uint64_t key = key_of(frame); /* a PUT ends with its envelope */
            size_t at = (key >> 8) & k->mask;

            while (k->at[at].key)
                at = (at + 1) & k->mask;
            k->at[at] = (struct place){key, (uint32_t)i, (uint32_t)j};
        }
    }
    return k;
}

void known_free(struct known *k)
{
    free(k);
}

/* --- taking ------------------------------------------------------------------------------------
 */

static bool on_delivery(struct member_node *m, const struct message *frame, void *arg)
{
    const struct msg_deliver *d = &frame->deliver;
    struct taker *t = arg;
    const struct place *at;

    (void)m;
    if (frame->type != MSG_DELIVER)
        return false;
    t->upto = d->seq;
    if (d->kind != DELIVER_ENVELOPE)
        return true;
    at = known_find(t->known, d->item);
    must(at != NULL, "an envelope that nobody sealed");
    must(t->batch < sizeof t->leaf / sizeof t->leaf[0], "more than the credit");
    memcpy(t->leaf[t->batch++], t->known->loads[at->load].leaf[at->i], 32);
    t->taken++;
    if (t->on_message)
        t->on_message(t, at->load, at->i, t->arg);
    return true;
}

void taker_credit(struct member_node *m)
{
    member_credit(m, TAKER_MESSAGES, TAKER_BYTES);
}

void taker_open(struct taker *t, struct member_node *m, const struct known *known)
{
    *t = (struct taker){.m = m, .known = known};
    member_on_frame(m, on_delivery, t);
}

void taker_close(struct taker *t)
{
    member_on_frame(t->m, NULL, NULL);
}

static enum err subtree(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    const struct taker *t = arg;
    uint8_t left[32];
    uint8_t right[32];
    enum err e;

    if (level == 0) {
        memcpy(out, t->leaf[index], 32);
        return ERR_OK;
    }
    if ((e = subtree(arg, level - 1, 2 * index, left)) ||
        (e = subtree(arg, level - 1, 2 * index + 1, right)))
        return e;
    merkle_node_hash(left, right, out);
    return ERR_OK;
}

void taker_turn(struct taker *t)
{
    struct merkle_source source = {subtree, t};
    struct message say = {
        .type = MSG_ACK,
        .ack = {.upto = t->upto,
                .credit_messages = TAKER_MESSAGES,
                .credit_bytes = TAKER_BYTES,
                .count = (uint32_t)t->batch}
    };

    if (t->upto <= member_acked(t->m) || seconds() - t->acked_at < COMMIT_S)
        return;
    t->acked_at = seconds();
    if (t->batch > 0) {
        ok(merkle_root(&source, t->batch, say.ack.root), "root");
        ok(member_ack_sign(t->m, &say.ack), "sign");
    }
    ack_send(t->m, &say);
    t->acked += t->batch;
    t->batch = 0;
}

void member_again(struct member_node *m, bool as_taker)
{
    struct msg_hello hello;

    member_disconnect(m);
    if (as_taker)
        taker_credit(m);
    ok(member_connect(m), "connect");
    ok(member_hello_make(m, &hello), "hello");
    ok(member_hello(m, &hello), "hello");
}
