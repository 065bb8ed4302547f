#include "vectors_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"
#include "vectors_chain.h"

#define DEPUTY_GOOD 21 /* in envelope-good.json */
#define DELIVERED_AFTER 41
#define DELIVERED_UPTO 46 /* five items of the mailbox, three of them envelopes */

/* ---- RFC 6962 2.1 ---- */

static size_t split(size_t n) /* the largest power of two below n */
{
    size_t k = 1;

    while (k * 2 < n)
        k *= 2;
    return k;
}

void vec_tree_root(const uint8_t (*leaves)[32], size_t n, uint8_t root[32])
{
    uint8_t left[32];
    uint8_t right[32];

    if (n == 1) {
        memcpy(root, leaves[0], 32);
        return;
    }
    vec_tree_root(leaves, split(n), left);
    vec_tree_root(leaves + split(n), n - split(n), right);
    sha256_node(left, right, root);
}

void vec_tree_path(const uint8_t (*leaves)[32], size_t n, size_t index, struct vec_path *path)
{
    size_t k = split(n);

    if (n == 1)
        return;
    if (path->count == VEC_PATH_MAX)
        abort();
    if (index < k) {
        vec_tree_path(leaves, k, index, path);
        vec_tree_root(leaves + k, n - k, path->hash[path->count]);
    } else {
        vec_tree_path(leaves + k, n - k, index - k, path);
        vec_tree_root(leaves, k, path->hash[path->count]);
    }
    path->count++;
}

/* ---- entries ---- */

static void key_bin(struct writer *w, uint64_t key, struct span value)
{
    wr_key(w, key);
    wr_bin(w, value);
}

static void key_uint(struct writer *w, uint64_t key, uint64_t value)
{
    wr_key(w, key);
    wr_uint(w, value);
}

static void key_org(struct writer *w, uint64_t key, enum vec_member m)
{
    uint8_t org[ID_BYTES];

    vec_org(m, org);
    key_bin(w, key, SPAN_OF(org));
}

static struct writer begin(size_t pairs)
{
    struct writer w;

    wr_init(&w);
    wr_map(&w, pairs);
    return w;
}

static void end(struct vec_log *l, struct writer *w, const char *what, uint64_t type)
{
    struct vec_leaf *leaf = &l->leaf[l->size];
    struct span detail;
    uint8_t c[32];
    char name[32];

    snprintf(name, sizeof name, "salt %zu", l->size);
    vec_secret(name, leaf->salt);
    leaf->what = what;
    leaf->type = type;
    MUST(wr_take(w, &leaf->detail));
    detail = bytes_span(&leaf->detail);
    MUST(digest_parts("relais/audit1", SPAN_OF(leaf->salt), &detail, 1, c, 32));
    wr_init(w);
    wr_array(w, 3);
    wr_uint(w, type);
    wr_uint(w, VEC_T0 + l->size * VEC_MINUTE);
    wr_bin(w, SPAN_OF(c));
    MUST(wr_take(w, &leaf->entry));
    sha256_leaf(bytes_span(&leaf->entry), l->hash[l->size]);
    l->size++;
}

/* Keys 6 and 7: number in the circle, and the hash of the circle's entry before. */
static void key_place(struct writer *w, const struct vec_log *l, uint64_t n, size_t before)
{
    uint8_t link[32] = {0};

    if (n > 1)
        MUST(digest_of("relais/audit1/link", bytes_span(&l->leaf[before].entry), link, 32));
    key_uint(w, 6, n);
    key_bin(w, 7, SPAN_OF(link));
}

static void act(struct vec_log *l, const char *what, uint64_t code, enum vec_member m)
{
    struct writer w = begin(2);

    key_org(&w, 14, m);
    key_uint(&w, 19, code);
    end(l, &w, what, code == 9 ? 14 : 13);
}

static void circle_created(struct vec_log *l)
{
    const struct vec_chain *c = vec_chain();
    struct writer w = begin(7);
    uint8_t actor[ID_BYTES];

    vec_id("hospital actor", actor);
    key_org(&w, 3, HOSPITAL);
    key_bin(&w, 4, SPAN_OF(actor));
    key_bin(&w, 5, SPAN_OF(c->handle));
    key_place(&w, l, 1, 0);
    key_bin(&w, 12, SPAN_OF(c->link[0].hash));
    key_uint(&w, 13, 0);
    end(l, &w, "the circle is created", 10);
}

static void key_to(struct writer *w, const struct env_header *h)
{
    wr_key(w, 8);
    wr_array(w, h->to_count);
    for (size_t i = 0; i < h->to_count; i++)
        wr_bin(w, SPAN_OF(h->to[i]));
}

/* mid, digest and sender of an envelope, in three keys from `first` on */
static void key_envelope_from(struct writer *w, const struct forge *f, uint64_t first)
{
    key_bin(w, first, SPAN_OF(f->h.mid));
    key_bin(w, first + 1, SPAN_OF(f->digest));
    key_bin(w, first + 2, SPAN_OF(f->h.from));
}

static void key_envelope(struct writer *w, const struct forge *f)
{
    key_envelope_from(w, f, 1);
}

static void accepted(struct vec_log *l, size_t good, uint64_t n)
{
    static struct forge f;
    struct writer w = begin(9);

    vectors_good_envelope(good, &f);
    key_envelope(&w, &f);
    key_bin(&w, 4, SPAN_OF(f.h.actor));
    key_bin(&w, 5, SPAN_OF(f.h.circle));
    key_place(&w, l, n, l->size - 1);
    key_to(&w, &f.h);
    key_uint(&w, 13, 5);
    end(l, &w, good == 0 ? "accepted: one-recipient" : "accepted: three-recipients", 1);
    forge_free(&f);
}

/* ---- delivered ---- */

static void add_le(struct bytes *b, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        MUST(bytes_append(b, span_of(&(uint8_t){(uint8_t)(value >> (8 * i))}, 1)));
}

static void make_ack(struct vec_delivered *d)
{
    static const size_t goods[] = {0, 1, 7};
    static struct forge f;

    vec_id("federation", d->federation);
    vec_id("hub incarnation", d->incarnation);
    vec_org(EHPAD, d->org);
    vec_node(EHPAD, d->node);
    d->after = DELIVERED_AFTER;
    d->upto = DELIVERED_UPTO;
    d->count = sizeof goods / sizeof goods[0];
    for (size_t i = 0; i < d->count; i++) {
        vectors_good_envelope(goods[i], &f);
        memcpy(d->item[i], f.h.mid, 16);
        memcpy(d->item[i] + 16, f.digest, 64);
        sha256_leaf(SPAN_OF(d->item[i]), d->leaf[i]);
        forge_free(&f);
    }
    vec_tree_root(d->leaf, d->count, d->root);
    MUST(bytes_append(&d->data, SPAN_OF(d->federation)));
    MUST(bytes_append(&d->data, SPAN_OF(d->incarnation)));
    MUST(bytes_append(&d->data, SPAN_OF(d->org)));
    MUST(bytes_append(&d->data, SPAN_OF(d->node)));
    add_le(&d->data, d->after, 8);
    add_le(&d->data, d->upto, 8);
    add_le(&d->data, d->count, 4);
    MUST(bytes_append(&d->data, SPAN_OF(d->root)));
    MUST(digest_of("relais/ack1/body", bytes_span(&d->data), d->digest, 64));
    vec_sign_as("ehpad signing", SIGN_ACK, d->digest, d->sig);
}

static void delivered(struct vec_log *l)
{
    struct vec_delivered *d = &l->delivered;
    struct writer w = begin(8);
    uint8_t kid[KID_BYTES];
    uint8_t about[16 + 16 + 8];

    make_ack(d);
    vec_skid(EHPAD, kid);
    memcpy(about, d->federation, 16);
    memcpy(about + 16, d->incarnation, 16);
    for (size_t i = 0; i < 8; i++)
        about[32 + i] = (uint8_t)(d->after >> (8 * (7 - i)));
    key_bin(&w, 10, SPAN_OF(d->root));
    key_uint(&w, 11, d->upto);
    key_bin(&w, 14, SPAN_OF(d->org));
    key_bin(&w, 15, SPAN_OF(d->node));
    key_bin(&w, 16, SPAN_OF(kid));
    key_bin(&w, 17, SPAN_OF(d->sig));
    key_uint(&w, 18, d->count);
    key_bin(&w, 20, SPAN_OF(about));
    end(l, &w, "delivered: the EHPAD acknowledges three envelopes", 2);
}

/* ---- what became of an envelope ---- */

static void make_report(struct vec_log *l, const struct forge *f, uint64_t outcome)
{
    struct vec_signer signer = vec_signer_of(3, EHPAD);
    uint8_t actor[ID_BYTES];
    struct writer w = begin(8);

    vec_id("ehpad actor", actor);
    key_uint(&w, 1, outcome);
    key_bin(&w, 2, SPAN_OF(f->h.mid));
    key_bin(&w, 3, SPAN_OF(f->digest));
    key_bin(&w, 4, SPAN_OF(f->h.from));
    key_org(&w, 5, EHPAD);
    key_uint(&w, 6, VEC_T0 + 7 * VEC_MINUTE);
    key_uint(&w, 7, 0);
    key_bin(&w, 8, SPAN_OF(actor));
    MUST(wr_take(&w, &l->report));
    vec_ss(bytes_span(&l->report), "relais/report1/stmt", SIGN_REPORT, &signer, 1, &l->report_ss);
}

static void opened(struct vec_log *l)
{
    static struct forge f;
    uint8_t digest[64];
    uint8_t sig[64];
    uint8_t kid[KID_BYTES];
    struct writer w;

    vectors_good_envelope(0, &f);
    make_report(l, &f, 3);
    vec_skid(EHPAD, kid);
    MUST(digest_of("relais/report1/stmt", bytes_span(&l->report), digest, 64));
    vec_sign_as("ehpad signing", SIGN_REPORT, digest, sig);
    w = begin(11);
    key_envelope(&w, &f);
    key_bin(&w, 5, SPAN_OF(f.h.circle));
    key_place(&w, l, 4, 4);
    key_uint(&w, 9, 0);
    key_org(&w, 14, EHPAD);
    key_bin(&w, 16, SPAN_OF(kid));
    key_bin(&w, 17, SPAN_OF(sig));
    key_bin(&w, 20, bytes_span(&l->report));
    end(l, &w, "opened by the EHPAD", 3);
    forge_free(&f);
}

/* The sender takes back what the EHPAD has not acknowledged. */
static void recalled(struct vec_log *l)
{
    struct vec_signer signer = vec_signer_of(3, HOSPITAL);
    static struct forge f;
    uint8_t to[ID_BYTES], actor[ID_BYTES], digest[64], sig[64], kid[KID_BYTES];
    struct writer w = begin(8);

    vectors_plain_envelope(&f, "recalled", NULL);
    vec_id("hospital actor", actor);
    key_uint(&w, 1, 9);
    key_envelope_from(&w, &f, 2);
    key_bin(&w, 5, SPAN_OF(f.h.from));
    key_uint(&w, 6, VEC_T0 + 11 * VEC_MINUTE);
    key_uint(&w, 7, 2);
    key_bin(&w, 8, SPAN_OF(actor));
    MUST(wr_take(&w, &l->recall));
    vec_ss(bytes_span(&l->recall), "relais/recall1/stmt", SIGN_RECALL, &signer, 1, &l->recall_ss);
    MUST(digest_of("relais/recall1/stmt", bytes_span(&l->recall), digest, 64));
    vec_sign_as("hospital signing", SIGN_RECALL, digest, sig);
    vec_skid(HOSPITAL, kid);
    vec_org(EHPAD, to);
    w = begin(12);
    key_envelope(&w, &f);
    key_bin(&w, 5, SPAN_OF(f.h.circle));
    key_place(&w, l, 7, 9);
    wr_key(&w, 8);
    wr_array(&w, 1);
    wr_bin(&w, SPAN_OF(to));
    key_uint(&w, 9, 2);
    key_bin(&w, 14, SPAN_OF(f.h.from));
    key_bin(&w, 16, SPAN_OF(kid));
    key_bin(&w, 17, SPAN_OF(sig));
    key_bin(&w, 20, bytes_span(&l->recall));
    end(l, &w, "recalled by the hospital before the EHPAD had it", 9);
    forge_free(&f);
}

static void rejected(struct vec_log *l)
{
    static struct forge f;
    struct writer w = begin(4);

    vectors_plain_envelope(&f, "refused by the hub", NULL);
    key_bin(&w, 1, SPAN_OF(f.h.mid));
    key_bin(&w, 3, SPAN_OF(f.h.from));
    key_bin(&w, 5, SPAN_OF(f.h.circle));
    key_uint(&w, 9, ERR_CONSENT_WITHDRAWN);
    end(l, &w, "refused by the hub: the consent was withdrawn", 11);
    forge_free(&f);
}

static void ended(struct vec_log *l, const char *what, uint64_t type, uint64_t n, size_t before)
{
    static struct forge f;
    struct writer w = begin(type == 12 ? 8 : 7);

    vectors_plain_envelope(&f, what, NULL);
    key_envelope(&w, &f);
    key_bin(&w, 5, SPAN_OF(f.h.circle));
    key_place(&w, l, n, before);
    key_to(&w, &f.h);
    if (type == 12)
        key_uint(&w, 9, ERR_FORMER_MEMBER);
    end(l, &w, what, type);
    forge_free(&f);
}

/* After four hours: to the deputy, or, the person having opposed it since, not. */
static void deputy(struct vec_log *l, const char *what, uint64_t n, uint64_t code, uint64_t chain_n)
{
    static struct forge f;
    struct writer w = begin(11);

    vectors_good_envelope(DEPUTY_GOOD, &f);
    key_envelope(&w, &f);
    key_bin(&w, 5, SPAN_OF(f.h.circle));
    key_place(&w, l, n, l->size - 1);
    wr_key(&w, 8);
    wr_array(&w, 1);
    wr_bin(&w, SPAN_OF(f.h.to[1]));
    key_uint(&w, 9, code);
    key_uint(&w, 13, chain_n);
    key_bin(&w, 23, SPAN_OF(f.h.to[0]));
    key_uint(&w, 24, VEC_T0 + 4 * 60 * VEC_MINUTE);
    end(l, &w, what, 15);
    forge_free(&f);
}

const struct vec_log *vec_log(void)
{
    static struct vec_log log;

    if (log.size)
        return &log;
    act(&log, "genesis", 8, DAC);
    act(&log, "the hub starts", 7, DAC);
    circle_created(&log);
    accepted(&log, 0, 2);
    accepted(&log, 1, 3);
    delivered(&log);
    opened(&log);
    rejected(&log);
    ended(&log, "expired", 8, 5, 6);
    ended(&log, "held back", 12, 6, 8);
    act(&log, "a clone is seen", 9, SSIAD);
    recalled(&log);
    deputy(&log, "released to the deputy", 8, 0, 5);
    deputy(&log, "not released to the deputy", 9, ERR_OPPOSITION, 6);
    return &log;
}
