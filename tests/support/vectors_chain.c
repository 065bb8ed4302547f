#include "vectors_chain.h"

#include <stdio.h>
#include <string.h>

#define CHAIN_T0 (VEC_T0 - 10 * VEC_DAY)

/* ---- signed statements ---- */

struct vec_signer vec_signer_of(uint64_t role, enum vec_member m)
{
    static char names[MEMBERS][64];
    struct vec_signer s = {.role = role, .name = names[m]};

    snprintf(names[m], sizeof names[m], "%s signing", vec_cast[m].key);
    vec_org(m, s.org);
    return s;
}

void vec_ss(struct span stmt, const char *label, enum sign_context context,
            const struct vec_signer *signers, size_t count, struct bytes *out)
{
    uint8_t digest[64];
    struct writer w;

    MUST(digest_of(label, stmt, digest, 64));
    wr_init(&w);
    wr_array(&w, 2);
    wr_bin(&w, stmt);
    wr_array(&w, count);
    for (size_t i = 0; i < count; i++) {
        struct sign_public pk = vec_sign_pk(signers[i].name);
        uint8_t kid[16];
        uint8_t sig[64];

        MUST(digest_of("relais/kid/sign", SPAN_OF(pk.b), kid, 16));
        vec_sign_as(signers[i].name, context, digest, sig);
        wr_array(&w, 4);
        wr_uint(&w, signers[i].role);
        wr_bin(&w, SPAN_OF(signers[i].org));
        wr_bin(&w, SPAN_OF(kid));
        wr_bin(&w, SPAN_OF(sig));
    }
    MUST(wr_take(&w, out));
}

/* ---- pieces ---- */

struct row {
    enum vec_member org;
    uint64_t team, category, classes, rights;
};

static const struct row row_hospital = {HOSPITAL, 0, 1, 31, 3};
static const struct row row_ehpad = {EHPAD, 1, 3, 15, 0};
static const struct row row_dac = {DAC, 1, 2, 15, 1};
static const struct row row_samu = {SAMU, 0, 1, 13, 0};
static const struct row row_ehpad_again = {EHPAD, 2, 3, 15, 1};

static void write_row(struct writer *w, const struct row *row)
{
    uint8_t org[ID_BYTES];

    vec_org(row->org, org);
    wr_map(w, 5);
    wr_key(w, 1);
    wr_bin(w, SPAN_OF(org));
    wr_key(w, 2);
    wr_uint(w, row->team);
    wr_key(w, 3);
    wr_uint(w, row->category);
    wr_key(w, 4);
    wr_uint(w, row->classes);
    wr_key(w, 5);
    wr_uint(w, row->rights);
}

static void key_org(struct writer *w, uint64_t key, enum vec_member m)
{
    uint8_t org[ID_BYTES];

    vec_org(m, org);
    wr_key(w, key);
    wr_bin(w, SPAN_OF(org));
}

static void key_id(struct writer *w, uint64_t key, const char *name)
{
    uint8_t id[ID_BYTES];

    vec_id(name, id);
    wr_key(w, key);
    wr_bin(w, SPAN_OF(id));
}

static void key_uint(struct writer *w, uint64_t key, uint64_t value)
{
    wr_key(w, key);
    wr_uint(w, value);
}

static void key_orgs(struct writer *w, uint64_t key, const enum vec_member *orgs, size_t count)
{
    wr_key(w, key);
    wr_array(w, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t org[ID_BYTES];

        vec_org(orgs[i], org);
        wr_bin(w, SPAN_OF(org));
    }
}

static struct bytes sign_offer(enum vec_member by, struct bytes *offer)
{
    uint8_t org[ID_BYTES];
    uint8_t skid[KID_BYTES];
    uint8_t digest[64];
    uint8_t sig[64];
    struct writer w;

    vec_org(by, org);
    vec_skid(by, skid);
    MUST(digest_of("relais/chain1/offer", bytes_span(offer), digest, 64));
    vec_sign_as(vec_key(by, "signing"), SIGN_OFFER, digest, sig);
    wr_init(&w);
    wr_array(&w, 4);
    wr_bin(&w, bytes_span(offer));
    wr_bin(&w, SPAN_OF(org));
    wr_bin(&w, SPAN_OF(skid));
    wr_bin(&w, SPAN_OF(sig));
    bytes_free(offer);
    return vec_take(&w);
}

/* How an offer is made; each lasts thirty days. */
struct letter {
    enum vec_member by;
    const char *nonce; /* NULL: the usual, of the one to whom it is */
    int64_t late;      /* `at` is so far beyond the head */
};

/* kind 2 with a row, kind 5 without */
static struct bytes make_offer(const struct vec_chain *c, const struct letter *how,
                               enum vec_member to, const struct row *row)
{
    struct bytes offer;
    struct writer w;

    wr_init(&w);
    wr_map(&w, row ? 8 : 7);
    key_uint(&w, 1, row ? 2 : 5);
    wr_key(&w, 2);
    wr_bin(&w, SPAN_OF(c->handle));
    key_org(&w, 3, how->by);
    key_org(&w, 4, to);
    if (row) {
        wr_key(&w, 5);
        write_row(&w, row);
    }
    key_uint(&w, 6, CHAIN_T0 + 30 * VEC_DAY);
    key_id(&w, 7, how->nonce ? how->nonce : vec_key(to, row ? "join offer" : "referent offer"));
    key_uint(&w, 8, (uint64_t)((int64_t)c->count - 1 + how->late));
    offer = vec_take(&w);
    return sign_offer(how->by, &offer);
}

/* ---- the chain ---- */

/* Keys 1 to 7; the kind's own `fields` follow. */
static struct writer begin(const struct vec_chain *c, uint64_t kind, enum vec_member author,
                           size_t fields)
{
    bool first = c->count == 0;
    struct writer w;

    wr_init(&w);
    wr_map(&w, (first ? 5 : 7) + fields);
    key_uint(&w, 1, kind);
    if (!first) {
        wr_key(&w, 2);
        wr_bin(&w, SPAN_OF(c->handle));
        wr_key(&w, 3);
        wr_bin(&w, SPAN_OF(c->link[c->count - 1].hash));
    }
    key_org(&w, 4, author);
    key_id(&w, 5, vec_key(author, "actor"));
    key_uint(&w, 6, CHAIN_T0 + c->count * VEC_DAY / 2);
    key_uint(&w, 7, c->count);
    return w;
}

static void end(struct vec_chain *c, struct writer *w, const char *what, enum vec_member author)
{
    struct vec_signer signer = vec_signer_of(6, author);
    struct vec_link *l = &c->link[c->count++];

    l->what = what;
    l->author = author;
    MUST(wr_take(w, &l->stmt));
    vec_ss(bytes_span(&l->stmt), "relais/chain1/stmt", SIGN_STATEMENT, &signer, 1, &l->ss);
    MUST(digest_of("relais/chain1/link", bytes_span(&l->stmt), l->hash, 32));
}

static void create(struct vec_chain *c)
{
    struct writer w = begin(c, 1, HOSPITAL, 2);
    uint8_t whole[32];

    key_id(&w, 8, "circle nonce");
    wr_key(&w, 9);
    write_row(&w, &row_hospital);
    end(c, &w, "create", HOSPITAL);
    MUST(digest_of("relais/chain1/create", bytes_span(&c->link[0].stmt), whole, 32));
    memcpy(c->handle, whole, ID_BYTES);
}

static void join_with(struct vec_chain *c, const struct row *row, const struct letter *how,
                      struct bytes *offer)
{
    struct writer w = begin(c, 2, row->org, 2);

    *offer = make_offer(c, how, row->org, row);
    wr_key(&w, 9);
    write_row(&w, row);
    wr_key(&w, 10);
    wr_bin(&w, bytes_span(offer));
    end(c, &w, "join", row->org);
}

static const struct letter usual = {HOSPITAL, NULL, 0};

static void join(struct vec_chain *c, const struct row *row, struct bytes *offer)
{
    join_with(c, row, &usual, offer);
}

static void notice(struct vec_chain *c)
{
    static const enum vec_member orgs[] = {HOSPITAL, EHPAD, DAC};
    struct writer w = begin(c, 6, HOSPITAL, 4);

    key_uint(&w, 12, 15);
    key_orgs(&w, 13, orgs, 3);
    key_uint(&w, 15, CHAIN_T0);
    key_uint(&w, 16, 1);
    end(c, &w, "notice", HOSPITAL);
}

static void consent(struct vec_chain *c)
{
    static const enum vec_member orgs[] = {EHPAD, DAC, SAMU};
    struct writer w = begin(c, 7, HOSPITAL, 7);
    uint8_t evidence[32];

    vec_secret("evidence", evidence);
    key_uint(&w, 12, 15);
    key_orgs(&w, 13, orgs, 3);
    key_uint(&w, 15, CHAIN_T0 + VEC_DAY);
    key_uint(&w, 16, 3);
    wr_key(&w, 17);
    wr_bin(&w, SPAN_OF(evidence));
    key_uint(&w, 18, 1);
    wr_key(&w, 20);
    wr_bool(&w, true);
    end(c, &w, "consent", HOSPITAL);
}

static void withdrawal(struct vec_chain *c)
{
    struct writer w = begin(c, 8, EHPAD, 2);

    key_uint(&w, 15, CHAIN_T0 + 3 * VEC_DAY);
    key_uint(&w, 21, 5);
    end(c, &w, "withdrawal", EHPAD);
}

static void consent_again(struct vec_chain *c)
{
    static const enum vec_member orgs[] = {DAC};
    struct writer w = begin(c, 7, HOSPITAL, 7);

    key_uint(&w, 12, 7);
    key_orgs(&w, 13, orgs, 1);
    key_uint(&w, 15, CHAIN_T0 + 4 * VEC_DAY);
    key_uint(&w, 16, 4);
    key_uint(&w, 18, 2);
    key_uint(&w, 19, 6);
    wr_key(&w, 20);
    wr_bool(&w, false);
    end(c, &w, "consent, superseding the withdrawal", HOSPITAL);
}

static void opposition(struct vec_chain *c)
{
    static const enum vec_member orgs[] = {SAMU};
    struct writer w = begin(c, 9, EHPAD, 4);

    key_uint(&w, 12, 12);
    key_orgs(&w, 13, orgs, 1);
    key_uint(&w, 15, CHAIN_T0 + 4 * VEC_DAY);
    wr_key(&w, 22);
    wr_bool(&w, true);
    end(c, &w, "opposition", EHPAD);
}

static void lift(struct vec_chain *c)
{
    struct writer w = begin(c, 10, EHPAD, 3);

    key_uint(&w, 15, CHAIN_T0 + 5 * VEC_DAY);
    key_uint(&w, 16, 1);
    key_uint(&w, 21, 8);
    end(c, &w, "lift", EHPAD);
}

static void referent(struct vec_chain *c, enum vec_member who, const struct letter *how,
                     struct bytes *offer)
{
    struct writer w = begin(c, 5, who, 1);

    *offer = make_offer(c, how, who, NULL);
    wr_key(&w, 10);
    wr_bin(&w, bytes_span(offer));
    end(c, &w, "referent", who);
}

static void leave(struct vec_chain *c, enum vec_member who)
{
    struct writer w = begin(c, 3, who, 0);

    end(c, &w, "leave", who);
}

static void leave_and_remove(struct vec_chain *c)
{
    struct writer w;

    leave(c, EHPAD);
    w = begin(c, 4, HOSPITAL, 1);
    key_org(&w, 11, SAMU);
    end(c, &w, "remove", HOSPITAL);
}

/* The référent leaves; the EHPAD comes back and takes his place, which the responsible offers. */
static void come_back(struct vec_chain *c)
{
    static const struct letter again = {HOSPITAL, "ehpad second join offer", 0};
    struct bytes offer = {0};

    leave(c, DAC);
    join_with(c, &row_ehpad_again, &again, &offer);
    bytes_free(&offer);
    referent(c, EHPAD, &usual, &offer);
    bytes_free(&offer);
}

static void shut(struct vec_chain *c)
{
    struct writer w = begin(c, 14, HOSPITAL, 2);

    key_uint(&w, 15, CHAIN_T0 + 6 * VEC_DAY);
    key_uint(&w, 23, 1);
    end(c, &w, "close", HOSPITAL);
}

/* ---- what is judged beside it ---- */

/* A join (row) or a new référent (no row) on the head of link[after]. */
static void judged(struct vec_chain *c, const char *what, size_t after, const char *error,
                   const struct letter *how, enum vec_member who, const struct row *row)
{
    struct vec_judged *j = &c->judged[c->judged_count++];
    struct vec_chain then = *c;
    struct bytes offer = {0};

    then.count = after + 1;
    then.link[after + 1] = (struct vec_link){0}; /* what stands there is the chain's */
    if (row)
        join_with(&then, row, how, &offer);
    else
        referent(&then, who, how, &offer);
    *j = (struct vec_judged){what, after, error, then.link[after + 1].ss};
    bytes_free(&then.link[after + 1].stmt);
    bytes_free(&offer);
}

static void judge_rows(struct vec_chain *c)
{
    static const struct letter of_dac = {DAC, "dac offers", 0};
    static const struct row own = {SAMU, 1, 1, 31, 1};
    static const struct row more_rights = {SAMU, 0, 1, 13, 3};
    static const struct row other_team = {SAMU, 2, 1, 13, 0};

    judged(c, "a member gives his own rights and team", 2, "OK", &of_dac, SAMU, &own);
    judged(c, "a member gives a right that he has not", 2, "RIGHT", &of_dac, SAMU, &more_rights);
    judged(c, "a member gives another team than his own", 2, "RIGHT", &of_dac, SAMU, &other_team);
    judged(c, "the référent, who is not responsible, gives a right that he has not", 12, "OK",
           &of_dac, SAMU, &more_rights);
}

static void judge_dates(struct vec_chain *c)
{
    static const struct letter old = {HOSPITAL, "ehpad old letter", -2};
    static const struct letter in_time = {HOSPITAL, "ehpad old letter", -1};
    static const struct letter beyond = {HOSPITAL, "ehpad old letter", 1};

    judged(c, "back with an offer made before leaving", 12, "FORMER_MEMBER", &old, EHPAD,
           &row_ehpad);
    judged(c, "back with an offer made at the head that the leaving is", 12, "OK", &in_time, EHPAD,
           &row_ehpad);
    judged(c, "an offer made beyond the head", 12, "STALE_HEAD", &beyond, EHPAD, &row_ehpad);
    judged(c, "an offer that was used before", 12, "EXISTS", &usual, EHPAD, &row_ehpad);
}

static void judge_referents(struct vec_chain *c)
{
    judged(c, "the responsible offers the place of a référent who is there", 10, "RIGHT", &usual,
           EHPAD, NULL);
    judged(c, "a member offers the place that the référent left", 14, "RIGHT",
           &(struct letter){EHPAD, "of the ehpad", 0}, EHPAD, NULL);
}

const struct vec_chain *vec_chain(void)
{
    static struct vec_chain chain;

    if (chain.count)
        return &chain;
    create(&chain);
    join(&chain, &row_ehpad, &chain.offer_ehpad);
    join(&chain, &row_dac, &chain.offer_dac);
    join(&chain, &row_samu, &chain.offer_samu);
    notice(&chain);
    consent(&chain);
    withdrawal(&chain);
    consent_again(&chain);
    opposition(&chain);
    lift(&chain);
    referent(&chain, DAC, &usual, &chain.offer_referent);
    leave_and_remove(&chain);
    come_back(&chain);
    shut(&chain);
    judge_rows(&chain);
    judge_dates(&chain);
    judge_referents(&chain);
    return &chain;
}

void vec_circle(uint8_t handle[ID_BYTES])
{
    memcpy(handle, vec_chain()->handle, ID_BYTES);
}
