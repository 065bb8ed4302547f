#include "forge.h"

#include <stdlib.h>
#include <string.h>

#include "hpke.h"
#include "secretbox.h"

void forge_set_bytes(struct bytes *b, struct span value)
{
    MUST(bytes_copy(b, value));
}

/* ---- the scene ---- */

static void set_head(struct ckpt *c, const char *origin, const char *log, const char *root,
                     uint64_t size)
{
    c->size = size;
    vec_secret(root, c->root);
    vec_head_sig(origin, log, size, c->root, c->sig);
}

static void set_mid(struct forge *f, const char *name)
{
    uint8_t random[ID_BYTES];

    vec_id(name, random);
    memcpy(f->h.mid, random, ID_BYTES);
    for (int i = 0; i < 6; i++)
        f->h.mid[i] = (uint8_t)(f->h.ts >> (8 * (5 - i)));
}

void forge_address(struct forge *f, const enum vec_member *to, size_t count)
{
    f->h.to_count = count;
    for (size_t i = 0; i < count; i++) {
        vec_org(to[i], f->h.to[i]);
        f->h.rcat[i] = vec_cast[to[i]].category;
        f->prekey[i] = vec_box_pk(vec_key(to[i], "prekey 2"));
    }
}

void forge_init(struct forge *f, const char *name)
{
    static const enum vec_member to[] = {EHPAD};

    *f = (struct forge){
        .receiver = EHPAD, .mode = MODE_EXERCISE, .now_ms = VEC_T0, .sender = HOSPITAL};
    f->signer = "hospital signing";
    f->context = SIGN_ENVELOPE;
    f->version = 1;
    f->h.suite = 1;
    f->h.type = ENVELOPE_SHEET;
    f->h.ts = VEC_T0 - VEC_MINUTE;
    f->h.exp = f->h.ts + 7 * VEC_DAY;
    set_mid(f, name);
    vec_org(HOSPITAL, f->h.from);
    vec_skid(HOSPITAL, f->h.skid);
    forge_address(f, to, 1);
    f->h.seq = 417;
    vec_circle(f->h.circle);
    f->h.class_mask = CLASS_IDENTITY | CLASS_AUTONOMY | CLASS_MEDICAL;
    f->h.basis = BASIS_ECHANGE;
    f->h.purpose = 2;
    f->h.status = MODE_EXERCISE;
    f->h.sign = 1;
    f->h.has_notice = true;
    f->h.notice = 4;
    set_head(&f->h.keys_head, VEC_FEDERATION "/keys", "keys log", "keys root", 9);
    set_head(&f->h.audit_head, VEC_FEDERATION "/audit/2026", "audit log", "audit root", 5);
    vec_id("hospital actor", f->h.actor);
    f->h.scat = CATEGORY_HEALTH;
}

void forge_free(struct forge *f)
{
    bytes_free(&f->body);
    for (size_t i = 0; i < f->pair_count; i++) {
        bytes_free(&f->pair[i].key);
        bytes_free(&f->pair[i].value);
    }
    bytes_free(&f->hdr);
    bytes_free(&f->rcp);
    bytes_free(&f->padded);
    bytes_free(&f->ct);
    bytes_free(&f->batch_path);
    for (size_t i = 0; i < f->part_count; i++)
        bytes_free(&f->part[i]);
    bytes_free(&f->whole);
    *f = (struct forge){0};
}

/* ---- header ---- */

void forge_insert_pair(struct forge *f, size_t at, struct span key, struct span value)
{
    if (f->pair_count == FORGE_PAIRS_MAX || at > f->pair_count)
        abort();
    memmove(&f->pair[at + 1], &f->pair[at], (f->pair_count - at) * sizeof f->pair[0]);
    f->pair[at] = (struct forge_pair){0};
    f->pair_count++;
    forge_set_bytes(&f->pair[at].key, key);
    forge_set_bytes(&f->pair[at].value, value);
}

static void add(struct forge *f, uint64_t key, struct writer *w)
{
    struct bytes value = vec_take(w);
    struct writer name;
    struct bytes encoded;

    wr_init(&name);
    wr_uint(&name, key);
    encoded = vec_take(&name);
    forge_insert_pair(f, f->pair_count, bytes_span(&encoded), bytes_span(&value));
    bytes_free(&encoded);
    bytes_free(&value);
}

static void add_uint(struct forge *f, uint64_t key, uint64_t value)
{
    struct writer w;

    wr_init(&w);
    wr_uint(&w, value);
    add(f, key, &w);
}

static void add_id(struct forge *f, uint64_t key, const uint8_t id[ID_BYTES])
{
    struct writer w;

    wr_init(&w);
    wr_bin(&w, span_of(id, ID_BYTES));
    add(f, key, &w);
}

static void add_to(struct forge *f)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, f->h.to_count);
    for (size_t i = 0; i < f->h.to_count; i++)
        wr_bin(&w, SPAN_OF(f->h.to[i]));
    add(f, 6, &w);
}

static void add_rcat(struct forge *f)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, f->h.to_count);
    for (size_t i = 0; i < f->h.to_count; i++)
        wr_uint(&w, f->h.rcat[i]);
    add(f, 24, &w);
}

static void write_head(struct writer *w, const struct ckpt *c)
{
    wr_array(w, 3);
    wr_uint(w, c->size);
    wr_bin(w, SPAN_OF(c->root));
    wr_bin(w, SPAN_OF(c->sig));
}

static void add_dir(struct forge *f)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, 2);
    write_head(&w, &f->h.keys_head);
    write_head(&w, &f->h.audit_head);
    add(f, 20, &w);
}

static void add_deputies(struct forge *f)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, f->h.deputy_count);
    for (size_t i = 0; i < f->h.deputy_count; i++) {
        wr_array(&w, 2);
        wr_uint(&w, f->h.deputy[i].instead);
        wr_uint(&w, f->h.deputy[i].after_s);
    }
    add(f, 19, &w);
}

static void make_pairs(struct forge *f)
{
    const struct env_header *h = &f->h;

    add_uint(f, 1, h->suite);
    add_id(f, 2, h->mid);
    add_uint(f, 3, h->type);
    add_id(f, 4, h->from);
    add_id(f, 5, h->skid);
    add_to(f);
    add_uint(f, 7, h->ts);
    add_uint(f, 8, h->exp);
    add_uint(f, 9, h->seq);
    add_id(f, 10, h->circle);
    add_uint(f, 11, h->class_mask);
    add_uint(f, 12, h->basis);
    add_uint(f, 13, h->purpose);
    if (h->has_consent)
        add_uint(f, 14, h->consent);
    add_uint(f, 15, h->status);
    add_uint(f, 16, h->sign);
    add_uint(f, 17, h->prio);
    if (h->has_re)
        add_id(f, 18, h->re);
    if (h->has_deputy)
        add_deputies(f);
    add_dir(f);
    add_id(f, 22, h->actor);
    add_uint(f, 23, h->scat);
    add_rcat(f);
    if (h->has_notice)
        add_uint(f, 25, h->notice);
}

struct forge_pair *forge_pair_of(struct forge *f, uint64_t key)
{
    for (size_t i = 0; i < f->pair_count; i++)
        if (f->pair[i].key.len == 1 && f->pair[i].key.ptr[0] == key)
            return &f->pair[i];
    abort();
}

void forge_drop_pair(struct forge *f, uint64_t key)
{
    struct forge_pair *p = forge_pair_of(f, key);

    bytes_free(&p->key);
    bytes_free(&p->value);
    f->pair_count--;
    memmove(p, p + 1, (size_t)(&f->pair[f->pair_count] - p) * sizeof *p);
}

static void make_hdr(struct forge *f)
{
    struct writer w;

    wr_init(&w);
    wr_map(&w, f->pair_count);
    for (size_t i = 0; i < f->pair_count; i++) {
        wr_raw(&w, bytes_span(&f->pair[i].key));
        wr_raw(&w, bytes_span(&f->pair[i].value));
    }
    MUST(wr_take(&w, &f->hdr));
}

/* ---- keys and stanzas ---- */

static void make_keys(struct forge *f)
{
    uint8_t seed[64];
    struct span parts[] = {SPAN_OF(f->h.mid), SPAN_OF(seed)};

    memset(seed, 0, sizeof seed);
    MUST(digest_parts("relais/vectors1/mk", NO_KEY, parts, 2, f->body_mk, 32));
    for (size_t i = 0; i < f->h.to_count; i++) {
        seed[0] = (uint8_t)i;
        memcpy(f->mk[i], f->body_mk, 32);
        MUST(digest_parts("relais/vectors1/ephemeral", NO_KEY, parts, 2, f->ephemeral[i], 32));
        f->wrap_index[i] = i;
    }
}

void forge_stanza(struct forge *f, size_t i, uint8_t out[FORGE_STANZA])
{
    struct secret_box *ephemeral = vec_box_of(f->ephemeral[i]);
    uint8_t info[1 + 16 + 64] = "\x10"
                                "relais/env1/wrap";
    uint8_t aad[2 + 16 + 16] = {(uint8_t)f->wrap_index[i], (uint8_t)(f->wrap_index[i] >> 8)};

    MUST(digest_of("relais/kid/box", SPAN_OF(f->prekey[i].b), out, 16));
    memcpy(info + 17, f->hh, 64);
    memcpy(aad + 2, out, 16);
    memcpy(aad + 18, f->h.to[i], 16);
    MUST(hpke_seal_with(ephemeral, &f->prekey[i], SPAN_OF(info), SPAN_OF(aad), SPAN_OF(f->mk[i]),
                        out + 16, out + 48));
    secret_box_free(ephemeral);
}

static void make_rcp(struct forge *f)
{
    uint8_t stanza[FORGE_STANZA];

    for (size_t i = 0; i < f->h.to_count; i++) {
        forge_stanza(f, i, stanza);
        MUST(bytes_append(&f->rcp, SPAN_OF(stanza)));
    }
}

/* ---- body ---- */

size_t forge_padded_len(size_t body_len)
{
    size_t wanted = body_len + 1;
    size_t unit = 256;
    size_t e = 0;
    size_t s = 0;

    if (wanted > 4096) {
        while ((wanted >> (e + 1)) > 0)
            e++;
        while ((e >> (s + 1)) > 0)
            s++;
        s++;
        unit = (size_t)1 << (e - s);
    }
    return (wanted / unit + (wanted % unit ? 1 : 0)) * unit;
}

static void make_padded(struct forge *f)
{
    static const uint8_t zero[256];
    size_t len = forge_padded_len(f->body.len);

    forge_set_bytes(&f->padded, bytes_span(&f->body));
    MUST(bytes_append(&f->padded, SPAN_STR("\x80")));
    while (f->padded.len < len) {
        size_t more = len - f->padded.len;

        MUST(bytes_append(&f->padded, span_of(zero, more < sizeof zero ? more : sizeof zero)));
    }
}

static void make_com(struct forge *f)
{
    struct span hh = SPAN_OF(f->hh);

    MUST(digest_parts("relais/env1/commit", SPAN_OF(f->body_mk), &hh, 1, f->com, 32));
}

void forge_encrypt(struct forge *f, const uint8_t mk[32], const uint8_t rh[64],
                   const uint8_t com[32])
{
    struct span secret[] = {SPAN_OF(f->hh), span_of(com, 32)};
    struct span clear[] = {SPAN_OF(f->hh), span_of(rh, 64), span_of(com, 32)};

    MUST(digest_parts("relais/env1/body", span_of(mk, 32), secret, 2, f->body_key, 64));
    MUST(digest_parts("relais/env1/aad", NO_KEY, clear, 3, f->body_aad, 64));
    f->ct.len = 0;
    MUST(bytes_reserve(&f->ct, f->padded.len + 16));
    aead_seal(f->body_key, f->body_key + 32, SPAN_OF(f->body_aad), bytes_span(&f->padded),
              f->ct.ptr);
    f->ct.len = f->padded.len + 16;
}

/* ---- signature and whole ---- */

static void make_digest(struct forge *f)
{
    uint8_t version = (uint8_t)f->version;
    uint8_t ch[64];
    struct span parts[] = {span_of(&version, 1), SPAN_OF(f->hh), SPAN_OF(f->rh), SPAN_OF(f->com),
                           SPAN_OF(ch)};

    MUST(digest_of("relais/env1/ct", bytes_span(&f->ct), ch, 64));
    MUST(digest_parts("relais/env1/digest", NO_KEY, parts, 5, f->digest, 64));
}

/* ---- batch: the tree as RFC 6962 2.1 defines it, from above ---- */

static void batch_leaf(const struct forge *f, size_t i, uint8_t out[32])
{
    uint8_t number[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
    uint8_t digest[64];

    memcpy(digest, f->digest, sizeof digest);
    if (i != f->batch_index)
        MUST(digest_of("relais/vectors1/neighbour", SPAN_OF(number), digest, sizeof digest));
    MUST(digest_of("relais/env1/leaf", SPAN_OF(digest), out, 32));
}

static size_t batch_split(size_t n)
{
    size_t k = 1;

    while (2 * k < n)
        k *= 2;
    return k;
}

static void batch_tree(const struct forge *f, size_t from, size_t n, uint8_t out[32])
{
    size_t k = batch_split(n);
    uint8_t both[64];

    if (n == 1) {
        batch_leaf(f, from, out);
        return;
    }
    batch_tree(f, from, k, both);
    batch_tree(f, from + k, n - k, both + 32);
    MUST(digest_of("relais/env1/node", SPAN_OF(both), out, 32));
}

static void batch_climb(struct forge *f, size_t from, size_t n)
{
    size_t k = batch_split(n);
    uint8_t other[32];

    if (n == 1)
        return;
    if (f->batch_index < from + k) {
        batch_climb(f, from, k);
        batch_tree(f, from + k, n - k, other);
    } else {
        batch_climb(f, from + k, n - k);
        batch_tree(f, from, k, other);
    }
    MUST(bytes_append(&f->batch_path, SPAN_OF(other)));
}

static void batch_sign(struct forge *f)
{
    uint8_t le32[4] = {(uint8_t)f->batch_count, (uint8_t)(f->batch_count >> 8)};
    uint8_t from[ID_BYTES];
    uint8_t root[32];
    uint8_t claim[64];
    struct span parts[] = {SPAN_OF(from), SPAN_OF(f->h.skid), SPAN_OF(le32), SPAN_OF(root)};

    memcpy(from, f->h.from, sizeof from);
    if (f->batch_from_set)
        vec_org(f->batch_from, from);
    batch_tree(f, 0, f->batch_count, root);
    batch_climb(f, 0, f->batch_count);
    MUST(digest_parts("relais/env1/batchroot", NO_KEY, parts, 4, claim, 64));
    vec_sign_as(f->signer, f->context, claim, f->sig);
}

static void batch_part(struct forge *f)
{
    uint8_t place[4] = {(uint8_t)f->batch_index, (uint8_t)(f->batch_index >> 8),
                        (uint8_t)f->batch_count, (uint8_t)(f->batch_count >> 8)};
    struct bytes sig = {0};

    MUST(bytes_append(&sig, SPAN_OF(f->sig)));
    MUST(bytes_append(&sig, SPAN_OF(place)));
    MUST(bytes_append(&sig, bytes_span(&f->batch_path)));
    forge_set_bin_part(f, 5, bytes_span(&sig));
    bytes_free(&sig);
}

void forge_set_bin_part(struct forge *f, size_t part, struct span value)
{
    struct writer w;

    wr_init(&w);
    wr_bin(&w, value);
    MUST(wr_take(&w, &f->part[part]));
}

static void make_parts(struct forge *f)
{
    struct writer w;

    wr_init(&w);
    wr_uint(&w, f->version);
    MUST(wr_take(&w, &f->part[0]));
    forge_set_bin_part(f, 1, bytes_span(&f->hdr));
    forge_set_bin_part(f, 2, bytes_span(&f->rcp));
    forge_set_bin_part(f, 3, SPAN_OF(f->com));
    forge_set_bin_part(f, 4, bytes_span(&f->ct));
    if (f->batch_count)
        batch_part(f);
    else
        forge_set_bin_part(f, 5, SPAN_OF(f->sig));
    f->part_count = 6;
}

static void make_whole(struct forge *f)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, f->part_count);
    for (size_t i = 0; i < f->part_count; i++)
        wr_raw(&w, bytes_span(&f->part[i]));
    MUST(wr_take(&w, &f->whole));
}

static void reach(struct forge *f, enum forge_point point, const struct forge_edit *how)
{
    if (how && how->edit && how->point == point)
        how->edit(f, how);
}

void forge_seal(struct forge *f, const struct forge_edit *how)
{
    make_pairs(f);
    reach(f, AT_PAIRS, how);
    make_hdr(f);
    reach(f, AT_HDR, how);
    MUST(digest_of("relais/env1/hdr", bytes_span(&f->hdr), f->hh, 64));
    make_keys(f);
    reach(f, AT_KEYS, how);
    make_rcp(f);
    reach(f, AT_RCP, how);
    MUST(digest_of("relais/env1/rcp", bytes_span(&f->rcp), f->rh, 64));
    make_com(f);
    reach(f, AT_COM, how);
    make_padded(f);
    reach(f, AT_PADDED, how);
    forge_encrypt(f, f->body_mk, f->rh, f->com);
    reach(f, AT_CT, how);
    make_digest(f);
    reach(f, AT_DIGEST, how);
    if (f->batch_count)
        batch_sign(f);
    else
        vec_sign_as(f->signer, f->context, f->digest, f->sig);
    reach(f, AT_SIG, how);
    make_parts(f);
    reach(f, AT_PARTS, how);
    make_whole(f);
    reach(f, AT_WHOLE, how);
}
