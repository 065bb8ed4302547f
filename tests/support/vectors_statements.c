/* statements.json: the keys log (PROTOCOL.md 7) and the chain of one circle (8). */
#include <string.h>

#include "vectors.h"
#include "vectors_chain.h"

#define KEYS_T0 (VEC_T0 - 60 * VEC_DAY)
#define EMERGENCY_DELAY_S 86400

/* ---- JSON of one signed statement ---- */

static json_t *put_ss(json_t *list, const char *what, const char *label, struct span stmt,
                      struct span ss)
{
    json_t *v = add_object(list);
    uint8_t digest[64];

    put_text(v, "what", what);
    put_span(v, "stmt", stmt);
    put_decoded(v, "decoded", stmt);
    MUST(digest_of(label, stmt, digest, 64));
    put_span(v, "digest", SPAN_OF(digest));
    put_span(v, "ss", ss);
    return v;
}

static void put_key_names(json_t *file, const char *const *names, size_t count)
{
    json_t *list = put_array(file, "signing_keys");

    for (size_t i = 0; i < count; i++) {
        struct sign_public pk = vec_sign_pk(names[i]);
        json_t *v = add_object(list);
        uint8_t seed[32];
        uint8_t kid[16];

        vec_secret(names[i], seed);
        MUST(digest_of("relais/kid/sign", SPAN_OF(pk.b), kid, 16));
        put_text(v, "name", names[i]);
        put_span(v, "seed", SPAN_OF(seed));
        put_span(v, "pk", SPAN_OF(pk.b));
        put_span(v, "kid", SPAN_OF(kid));
    }
}

/* ---- pieces ---- */

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

static void key_text(struct writer *w, uint64_t key, const char *text)
{
    wr_key(w, key);
    wr_text(w, span_text(text));
}

static void key_org(struct writer *w, uint64_t key, enum vec_member m)
{
    uint8_t org[ID_BYTES];

    vec_org(m, org);
    key_bin(w, key, SPAN_OF(org));
}

/* Keys 1 to 3. */
static struct writer begin(uint64_t kind, unsigned day, size_t more)
{
    uint8_t federation[ID_BYTES];
    struct writer w;

    vec_id("federation", federation);
    wr_init(&w);
    wr_map(&w, 3 + more);
    key_uint(&w, 1, kind);
    key_bin(&w, 2, SPAN_OF(federation));
    key_uint(&w, 3, KEYS_T0 + day * VEC_DAY);
    return w;
}

static void end(json_t *list, const char *what, struct writer *w, const struct vec_signer *signers,
                size_t count)
{
    struct bytes stmt = vec_take(w);
    struct bytes ss = {0};

    vec_ss(bytes_span(&stmt), "relais/keys1/stmt", SIGN_KEYS, signers, count, &ss);
    put_ss(list, what, "relais/keys1/stmt", bytes_span(&stmt), bytes_span(&ss));
    bytes_free(&stmt);
    bytes_free(&ss);
}

static const struct vec_signer by_registrar = {1, {0}, "registrar"};
static const struct vec_signer by_hub = {5, {0}, "hub"};

/* Ascending by (role, org): the order of two organisations follows from their ids. */
static void two_signers(struct vec_signer out[3], uint64_t role, enum vec_member a,
                        enum vec_member b)
{
    struct vec_signer first = vec_signer_of(role, a);
    struct vec_signer second = vec_signer_of(role, b);
    bool turned = memcmp(first.org, second.org, ID_BYTES) > 0;

    out[0] = by_registrar;
    out[1] = turned ? second : first;
    out[2] = turned ? first : second;
}

/* ---- the log ---- */

static void genesis(json_t *list)
{
    static const enum vec_member founders[] = {HOSPITAL, DAC};
    const struct box_public transport = vec_box_pk("hub transport");
    static const char *const names[] = {"hub", "keys log", "audit log", "registrar"};
    struct writer w = begin(1, 0, 10);
    struct vec_signer signers[3];

    key_text(&w, 4, VEC_FEDERATION);
    key_uint(&w, 5, MODE_EXERCISE);
    key_bin(&w, 6, SPAN_OF(transport.b));
    for (uint64_t i = 0; i < 4; i++) {
        struct sign_public pk = vec_sign_pk(names[i]);

        key_bin(&w, 7 + i, SPAN_OF(pk.b));
    }
    wr_key(&w, 11);
    wr_array(&w, 2);
    for (size_t i = 0; i < 2; i++) {
        struct sign_public pk = vec_sign_pk(vec_key(founders[i], "signing"));
        uint8_t org[ID_BYTES];

        vec_org(founders[i], org);
        wr_array(&w, 2);
        wr_bin(&w, SPAN_OF(org));
        wr_bin(&w, SPAN_OF(pk.b));
    }
    key_uint(&w, 12, EMERGENCY_DELAY_S);
    key_org(&w, 13, DAC);
    two_signers(signers, 2, HOSPITAL, DAC);
    end(list, "genesis", &w, signers, 3);
}

static struct bytes prekey_stmt(enum vec_member m, unsigned number, unsigned day)
{
    struct box_public pk = vec_box_pk(vec_key(m, number == 1 ? "prekey 1" : "prekey 2"));
    struct writer w = begin(3, day, number == 1 ? 4 : 5);
    uint8_t id[ID_BYTES];

    key_org(&w, 4, m);
    vec_node(m, id);
    key_bin(&w, 5, SPAN_OF(id));
    key_uint(&w, 6, number);
    key_bin(&w, 7, SPAN_OF(pk.b));
    if (number > 1) {
        vec_prekey_kid(m, number - 1, id);
        key_bin(&w, 8, SPAN_OF(id));
    }
    return vec_take(&w);
}

static void prekey(json_t *list, enum vec_member m, unsigned number, unsigned day)
{
    struct bytes stmt = prekey_stmt(m, number, day);
    struct vec_signer signer = vec_signer_of(3, m);
    struct bytes ss = {0};

    vec_ss(bytes_span(&stmt), "relais/keys1/stmt", SIGN_KEYS, &signer, 1, &ss);
    put_ss(list, "prekey 2 of the EHPAD", "relais/keys1/stmt", bytes_span(&stmt), bytes_span(&ss));
    bytes_free(&stmt);
    bytes_free(&ss);
}

static struct bytes enrolment_body(enum vec_member m, unsigned day)
{
    struct sign_public signing = vec_sign_pk(vec_key(m, "signing"));
    struct box_public transport = vec_box_pk(vec_key(m, "transport"));
    struct vec_signer node = vec_signer_of(3, m);
    struct bytes stmt = prekey_stmt(m, 1, day);
    struct bytes ss = {0};
    uint8_t id[ID_BYTES];
    struct writer w;

    vec_ss(bytes_span(&stmt), "relais/keys1/stmt", SIGN_KEYS, &node, 1, &ss);
    wr_init(&w);
    wr_map(&w, 11);
    key_org(&w, 1, m);
    key_text(&w, 2, vec_cast[m].name);
    key_uint(&w, 3, vec_cast[m].kind);
    key_text(&w, 4, m == EHPAD ? "1990000017" : "");
    key_text(&w, 5, "Loire-Bruyères");
    wr_key(&w, 6);
    wr_array(&w, 2);
    wr_text(&w, SPAN_STR("hébergement"));
    wr_text(&w, SPAN_STR("accueil de jour"));
    vec_node(m, id);
    key_bin(&w, 7, SPAN_OF(id));
    key_bin(&w, 8, SPAN_OF(signing.b));
    key_bin(&w, 9, SPAN_OF(transport.b));
    key_bin(&w, 10, bytes_span(&ss));
    vec_id(vec_key(m, "invitation"), id);
    key_bin(&w, 11, SPAN_OF(id));
    bytes_free(&stmt);
    bytes_free(&ss);
    return vec_take(&w);
}

static void enrolment(json_t *list, const char *what, enum vec_member m, unsigned day)
{
    bool late = vec_cast[m].kind == ORG_EMERGENCY;
    struct bytes body = enrolment_body(m, day);
    struct writer w = begin(2, day, 3);
    struct vec_signer signers[3];
    uint8_t digest[64];
    uint8_t possession[64];
    json_t *v;

    MUST(digest_of("relais/keys1/possession", bytes_span(&body), digest, 64));
    vec_sign_as(vec_key(m, "signing"), SIGN_POSSESSION, digest, possession);
    key_bin(&w, 4, bytes_span(&body));
    key_bin(&w, 5, SPAN_OF(possession));
    key_uint(&w, 6, KEYS_T0 + day * VEC_DAY + (late ? UINT64_C(1000) * EMERGENCY_DELAY_S : 0));
    two_signers(signers, 4, HOSPITAL, EHPAD);
    end(list, what, &w, signers, late ? 3 : 1);
    v = json_array_get(list, json_array_size(list) - 1);
    put_decoded(v, "decoded_body", bytes_span(&body));
    put_span(v, "possession_digest", SPAN_OF(digest));
    bytes_free(&body);
}

static void suspension(json_t *list, const char *what, uint64_t kind, unsigned day)
{
    struct writer w = begin(kind, day, 2);

    key_org(&w, 4, SSIAD);
    key_uint(&w, 5, 1);
    end(list, what, &w, &by_hub, 1);
}

static void revocation(json_t *list)
{
    struct writer w = begin(6, 40, 3);
    uint8_t node[ID_BYTES];

    vec_node(SSIAD, node);
    key_org(&w, 4, SSIAD);
    key_bin(&w, 5, SPAN_OF(node));
    key_uint(&w, 6, 2);
    end(list, "revocation of the node of the SSIAD: lost", &w, &by_registrar, 1);
}

/* ---- another key of the hub (7.8) ---- */

enum {
    TRANSPORT = 1,
    SIGNING,
    KEYS_LOG,
    AUDIT_LOG
};

struct rotated {
    const char *what;
    const char *error; /* NULL: it is of the log */
    uint64_t which;
    const char *key; /* the new one */
    const char *hub; /* who signs as the hub; NULL: two houses do */
    unsigned day;    /* of its ts */
    uint64_t later_s;
    uint64_t epoch; /* 0: no field */
    bool possession;
};

static const struct rotated rotated[] = {
    {"another keys log key, with the hub",           NULL, KEYS_LOG,  "keys log 2",      "hub",   44, 0,                 0,    true},
    {"another audit log key, for epoch 2027",        NULL, AUDIT_LOG, "audit log 2",     "hub",   45, 0,                 2027,
     true                                                                                                                          },
    {"another transport key, in a week",             NULL, TRANSPORT, "hub transport 2", "hub",   46, 604800,            0,
     false                                                                                                                         },
    {"another signing key, the former lost",         NULL, SIGNING,   "hub 2",           NULL,    47, EMERGENCY_DELAY_S, 0,
     true                                                                                                                          },
    {"a third keys log key, by the new signing key", NULL, KEYS_LOG,  "keys log 3",      "hub 2", 49, 0,
     0,                                                                                                                        true},
};
static const struct rotated not_rotated[] = {
    {"signed by the former signing key",      "KEY_UNKNOWN",   KEYS_LOG,  "keys log 4",      "hub",   50, 0,           0,
     true                                                                                                                         },
    {"a keys log key that was one before",    "EXISTS",        KEYS_LOG,  "keys log 2",      "hub 2", 50, 0,           0,
     true                                                                                                                         },
    {"a key of genesis, for another purpose", "EXISTS",        AUDIT_LOG, "keys log",        "hub 2", 50, 0,           2028,
     true                                                                                                                         },
    {"a node's signing key",                  "EXISTS",        KEYS_LOG,  "ehpad signing",   "hub 2", 50, 0,           0,    true },
    {"an epoch that has a key",               "FIELD_VALUE",   AUDIT_LOG, "audit log 3",     "hub 2", 50, 0,           2027,
     true                                                                                                                         },
    {"an audit log key without an epoch",     "FIELD_MISSING", AUDIT_LOG, "audit log 3",     "hub 2", 50, 0,
     0,                                                                                                                      true },
    {"a keys log key with an epoch",          "FIELD_VALUE",   KEYS_LOG,  "keys log 4",      "hub 2", 50, 0,           2028,
     true                                                                                                                         },
    {"a log key without possession",          "FIELD_MISSING", KEYS_LOG,  "keys log 4",      "hub 2", 50, 0,           0,
     false                                                                                                                        },
    {"a transport key with possession",       "FIELD_VALUE",   TRANSPORT, "hub transport 3", "hub 2", 50, 0,
     0,                                                                                                                      true },
    {"a log key that waits, though agreed",   "FIELD_VALUE",   KEYS_LOG,  "keys log 4",      "hub 2", 50, 1,
     0,                                                                                                                      true },
    {"lost, and in effect before the delay",  "FIELD_VALUE",   KEYS_LOG,  "keys log 4",      NULL,    50, 86399,
     0,                                                                                                                      true },
    {"a transport key in more than a year",   "FIELD_VALUE",   TRANSPORT, "hub transport 3", "hub 2",
     50,                                                                                                  367 * 86400, 0,    false},
    {"another sort of key",                   "FIELD_VALUE",   5,         "keys log 4",      "hub 2", 50, 0,           0,    true },
};

static void possession_of(const struct rotated *r, const uint8_t pk[KEY_BYTES], uint8_t sig[64])
{
    const uint8_t which = (uint8_t)r->which;
    uint8_t federation[ID_BYTES], digest[64];
    struct bytes data = {0};

    vec_id("federation", federation);
    MUST(bytes_append(&data, SPAN_OF(federation)));
    MUST(bytes_append(&data, span_of(&which, 1)));
    MUST(bytes_append(&data, span_of(pk, KEY_BYTES)));
    MUST(digest_of("relais/keys1/possession", bytes_span(&data), digest, 64));
    vec_sign_as(r->key, SIGN_POSSESSION, digest, sig);
    bytes_free(&data);
}

static json_t *rotation(json_t *list, const struct rotated *r)
{
    const struct box_public box = vec_box_pk(r->key);
    const struct sign_public sign = vec_sign_pk(r->key);
    const uint8_t *pk = r->which == TRANSPORT ? box.b : sign.b;
    struct writer w = begin(8, r->day, 3U + (r->possession ? 1U : 0U) + (r->epoch ? 1U : 0U));
    struct vec_signer signers[3];
    uint8_t sig[64];

    key_uint(&w, 4, r->which);
    key_bin(&w, 5, span_of(pk, KEY_BYTES));
    if (r->possession) {
        possession_of(r, pk, sig);
        key_bin(&w, 6, SPAN_OF(sig));
    }
    key_uint(&w, 7, KEYS_T0 + r->day * VEC_DAY + r->later_s * 1000);
    if (r->epoch)
        key_uint(&w, 8, r->epoch);
    two_signers(signers, 4, HOSPITAL, EHPAD);
    if (r->hub)
        signers[1] = (struct vec_signer){5, {0}, r->hub};
    end(list, r->what, &w, signers, r->hub ? 2 : 3);
    return json_array_get(list, json_array_size(list) - 1);
}

/* ---- other keys of a node (7.9) ---- */

struct rekeyed {
    const char *what;
    const char *error; /* NULL: it is of the log */
    const char *former, *next, *transport, *prekey;
    const char *prekey_by;
    enum vec_member of;
    unsigned number; /* of the prekey; the one before it is named */
    unsigned day;
};

static const struct rekeyed rekeyed = {"other keys of the DAC",
                                       NULL,
                                       "dac signing",
                                       "dac signing 2",
                                       "dac transport 2",
                                       "dac prekey 2",
                                       "dac signing 2",
                                       DAC,
                                       2,
                                       51};
/* Each differs in one thing from other keys of the hospital that would be taken. */
static const struct rekeyed not_rekeyed[] = {
    {"keys of a node by a key that is not its own", "KEY_UNKNOWN", "ehpad signing",
     "hospital signing 2",                                                                                   "hospital transport 2", "hospital prekey 2", "hospital signing 2",
     HOSPITAL,                                                                                                                                                                            2, 52},
    {"keys of a node by its former key",            "KEY_UNKNOWN", "dac signing",      "dac signing 3",
     "dac transport 3",                                                                                                              "dac prekey 3",      "dac signing 3",      DAC,      3, 52},
    {"the former signing key again",                "EXISTS",      "dac signing 2",    "dac signing",        "dac transport 3",
     "dac prekey 3",                                                                                                                                      "dac signing",        DAC,      3, 52},
    {"the former transport key again",              "EXISTS",      "dac signing 2",    "dac signing 3",      "dac transport",
     "dac prekey 3",                                                                                                                                      "dac signing 3",      DAC,      3, 52},
    {"a prekey for transport",                      "EXISTS",      "hospital signing", "hospital signing 2",
     "hospital prekey 2",                                                                                                            "hospital prekey 2", "hospital signing 2", HOSPITAL, 2, 52},
    {"its prekey by the key in force",              "KEY_UNKNOWN", "hospital signing", "hospital signing 2",
     "hospital transport 2",                                                                                                         "hospital prekey 2", "hospital signing",   HOSPITAL, 2, 52},
    {"a prekey number passed over",                 "CHAIN",       "hospital signing", "hospital signing 2",
     "hospital transport 2",                                                                                                         "hospital prekey 3", "hospital signing 2", HOSPITAL, 3, 52},
    {"keys of a node that is revoked",              "REVOKED",     "ssiad signing",    "ssiad signing 2",
     "ssiad transport 2",                                                                                                            "ssiad prekey 2",    "ssiad signing 2",    SSIAD,    2, 52},
};

static struct bytes rekeyed_prekey(const struct rekeyed *r)
{
    const struct box_public pk = vec_box_pk(r->prekey);
    struct vec_signer by = {3, {0}, r->prekey_by};
    struct writer w = begin(3, r->day, 5);
    struct bytes stmt, ss = {0};
    uint8_t id[ID_BYTES];

    key_org(&w, 4, r->of);
    vec_node(r->of, id);
    key_bin(&w, 5, SPAN_OF(id));
    key_uint(&w, 6, r->number);
    key_bin(&w, 7, SPAN_OF(pk.b));
    vec_prekey_kid(r->of, r->of == DAC ? r->number - 1 : 1, id);
    key_bin(&w, 8, SPAN_OF(id));
    stmt = vec_take(&w);
    vec_org(r->of, by.org);
    vec_ss(bytes_span(&stmt), "relais/keys1/stmt", SIGN_KEYS, &by, 1, &ss);
    bytes_free(&stmt);
    return ss;
}

static json_t *rekeying(json_t *list, const struct rekeyed *r)
{
    const struct sign_public signing = vec_sign_pk(r->next);
    const struct box_public transport = vec_box_pk(r->transport);
    struct vec_signer by[2] = {
        {3, {0}, r->former},
        {8, {0}, r->next  }
    };
    struct bytes prekey = rekeyed_prekey(r);
    struct writer w = begin(7, r->day, 5);
    uint8_t id[ID_BYTES];

    vec_org(r->of, by[0].org);
    vec_org(r->of, by[1].org);
    key_org(&w, 4, r->of);
    vec_node(r->of, id);
    key_bin(&w, 5, SPAN_OF(id));
    key_bin(&w, 6, SPAN_OF(signing.b));
    key_bin(&w, 7, SPAN_OF(transport.b));
    key_bin(&w, 8, bytes_span(&prekey));
    bytes_free(&prekey);
    end(list, r->what, &w, by, 2);
    return json_array_get(list, json_array_size(list) - 1);
}

/* ---- another node, and a reset (7.3) ---- */

struct another {
    const char *what;
    const char *error; /* NULL: it is of the log */
    uint64_t kind, later_s;
    enum vec_member of;
    const char *node, *signing, *transport, *prekey;
    uint64_t role; /* of who signs beside the registrar */
    enum vec_member first, second;
    const char *first_key, *second_key; /* NULL: nobody */
};

#define NEW_OF(x) x " node 3", x " signing 3", x " transport 3", x " prekey 9"

static void another(json_t *list, const char *error, const struct another *a)
{
    struct sign_public signing = vec_sign_pk(a->signing);
    struct box_public transport = vec_box_pk(a->transport), box = vec_box_pk(a->prekey);
    struct vec_signer by[3] = {by_registrar};
    struct vec_signer self = {3, {0}, a->signing};
    size_t count = 1;
    struct writer w = begin(3, 53, 4);
    struct bytes stmt, first = {0}, body;
    uint8_t node[ID_BYTES], id[ID_BYTES], digest[64], possession[64];

    vec_id(a->node, node);
    vec_id(a->signing, id);
    vec_org(a->of, self.org);
    key_org(&w, 4, a->of);
    key_bin(&w, 5, SPAN_OF(node));
    key_uint(&w, 6, 1);
    key_bin(&w, 7, SPAN_OF(box.b));
    stmt = vec_take(&w);
    vec_ss(bytes_span(&stmt), "relais/keys1/stmt", SIGN_KEYS, &self, 1, &first);
    wr_init(&w);
    wr_map(&w, 11);
    key_org(&w, 1, a->of);
    key_text(&w, 2, vec_cast[a->of].name);
    key_uint(&w, 3, vec_cast[a->of].kind);
    key_text(&w, 4, "");
    key_text(&w, 5, "Loire-Bruyères");
    wr_key(&w, 6);
    wr_array(&w, 0);
    key_bin(&w, 7, SPAN_OF(node));
    key_bin(&w, 8, SPAN_OF(signing.b));
    key_bin(&w, 9, SPAN_OF(transport.b));
    key_bin(&w, 10, bytes_span(&first));
    key_bin(&w, 11, SPAN_OF(id));
    body = vec_take(&w);
    MUST(digest_of("relais/keys1/possession", bytes_span(&body), digest, 64));
    vec_sign_as(a->signing, SIGN_POSSESSION, digest, possession);
    w = begin(a->kind, 53, 3);
    key_bin(&w, 4, bytes_span(&body));
    key_bin(&w, 5, SPAN_OF(possession));
    key_uint(&w, 6, KEYS_T0 + 53 * VEC_DAY + a->later_s * 1000);
    if (a->first_key) {
        by[count] = (struct vec_signer){a->role, {0}, a->first_key};
        vec_org(a->first, by[count++].org);
    }
    if (a->second_key) {
        by[count] = (struct vec_signer){a->role, {0}, a->second_key};
        vec_org(a->second, by[count++].org);
    }
    if (count == 3 && memcmp(by[1].org, by[2].org, ID_BYTES) > 0) {
        self = by[1];
        by[1] = by[2];
        by[2] = self;
    }
    end(list, a->what, &w, by, count);
    if (error)
        put_text(json_array_get(list, json_array_size(list) - 1), "error", error);
    else {
        json_t *v = json_array_get(list, json_array_size(list) - 1);
        put_decoded(v, "decoded_body", bytes_span(&body));
        put_span(v, "possession_digest", SPAN_OF(digest));
    }
    bytes_free(&stmt);
    bytes_free(&first);
    bytes_free(&body);
}

/* clang-format off: version 14 crashes on the rows */
static const struct another others[] = {
    {"another node of the hospital, which says so",             NULL,            2,  0,                     HOSPITAL, NEW_OF("hospital"), 3,
     HOSPITAL,                                                                                                                                         HOSPITAL, "hospital signing", NULL           },
    {"the SSIAD begins anew without its keys",                  NULL,            13, EMERGENCY_DELAY_S,     SSIAD,    NEW_OF("ssiad"),
     4,                                                                                                                                      HOSPITAL, EHPAD,    "hospital signing", "ehpad signing"},
    {"another node of the EHPAD, by the registrar alone",       "FIELD_MISSING", 2,  0,                     EHPAD,
     NEW_OF("ehpad"),                                                                                                                     3, HOSPITAL, HOSPITAL, NULL,               NULL           },
    {"another node of the EHPAD, by another house",             "FIELD_MISSING", 2,  0,                     EHPAD,    NEW_OF("ehpad"),
     3,                                                                                                                                      HOSPITAL, HOSPITAL, "hospital signing", NULL           },
    {"another node of the EHPAD, by a key that is not its own", "KEY_UNKNOWN",   2,  0,                     EHPAD,
     NEW_OF("ehpad"),                                                                                                                     3, EHPAD,    HOSPITAL, "hospital signing", NULL           },
    {"a reset by the registrar alone",                          "COUNTERSIGN",   13, EMERGENCY_DELAY_S,     EHPAD,    NEW_OF("ehpad"),
     4,                                                                                                                                      HOSPITAL, HOSPITAL, NULL,               NULL           },
    {"a reset by one house",                                    "COUNTERSIGN",   13, EMERGENCY_DELAY_S,     EHPAD,    NEW_OF("ehpad"),    4,
     HOSPITAL,                                                                                                                                         HOSPITAL, "hospital signing", NULL           },
    {"a reset with the operator",                               "COUNTERSIGN",   13, EMERGENCY_DELAY_S,     EHPAD,    NEW_OF("ehpad"),    4,
     HOSPITAL,                                                                                                                                         DAC,      "hospital signing", "dac signing 2"},
    {"a reset before the delay",                                "FIELD_VALUE",   13, EMERGENCY_DELAY_S - 1, HOSPITAL, NEW_OF("h"),        4,
     EHPAD,                                                                                                                                            SAMU,     "ehpad signing",    "samu signing" },
};
/* clang-format on */

static void put_others(json_t *list, bool good)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (good == !others[i].error)
            another(list, others[i].error, &others[i]);
}

/* ---- absences ---- */

#define DAY(n) ((KEYS_T0 / VEC_DAY + (n)) * VEC_DAY) /* its first instant */

struct absent {
    const char *what;
    const char *error; /* NULL: it is of the log */
    enum vec_member of, by;
    unsigned day; /* of its ts */
    uint64_t from, until;
    int substitute; /* an enum vec_member; none, a stranger */
};
enum {
    NO_SUBSTITUTE = -1,
    A_STRANGER = -2
};

static const struct absent absences[] = {
    {"the EHPAD is closed for a month, turn to the hospital", NULL, EHPAD, EHPAD, 41, DAY(50),
     DAY(81),                                                                                           HOSPITAL     },
    {"the EHPAD takes it back",                               NULL, EHPAD, EHPAD, 42, 0,             0, NO_SUBSTITUTE},
    {"the EHPAD is closed for a day, as far ahead as may be", NULL, EHPAD, EHPAD, 43, DAY(43 + 365),
     DAY(43 + 366),                                                                                     NO_SUBSTITUTE},
};
static const struct absent not_absences[] = {
    {"a day of 23 hours",                  "FIELD_VALUE", EHPAD, EHPAD,    44, DAY(50),           DAY(51) - 3600000,
     NO_SUBSTITUTE                                                                                                                },
    {"a day that begins at one o'clock",   "FIELD_VALUE", EHPAD, EHPAD,    44, DAY(50) + 3600000,
     DAY(51),                                                                                                        NO_SUBSTITUTE},
    {"it ends when it begins",             "FIELD_VALUE", EHPAD, EHPAD,    44, DAY(50),           DAY(50),           NO_SUBSTITUTE},
    {"it ends before it begins",           "FIELD_VALUE", EHPAD, EHPAD,    44, DAY(51),           DAY(50),           NO_SUBSTITUTE},
    {"it is over when it is said",         "FIELD_VALUE", EHPAD, EHPAD,    44, DAY(40),           DAY(44),
     NO_SUBSTITUTE                                                                                                                },
    {"taken back, and a substitute named", "FIELD_VALUE", EHPAD, EHPAD,    44, 0,                 0,                 HOSPITAL     },
    {"more than 366 days ahead",           "RANGE",       EHPAD, EHPAD,    44, DAY(50),           DAY(44 + 367),     NO_SUBSTITUTE},
    {"one's own substitute",               "FIELD_VALUE", EHPAD, EHPAD,    44, DAY(50),           DAY(81),           EHPAD        },
    {"a substitute who is not enrolled",   "NOT_FOUND",   EHPAD, EHPAD,    44, DAY(50),           DAY(81),
     A_STRANGER                                                                                                                   },
    {"said at the moment of the last one", "EXISTS",      EHPAD, EHPAD,    43, DAY(50),           DAY(81),
     NO_SUBSTITUTE                                                                                                                },
    {"an old one, said again",             "CHAIN",       EHPAD, EHPAD,    41, DAY(50),           DAY(81),           HOSPITAL     },
    {"signed by another house",            "KEY_UNKNOWN", EHPAD, HOSPITAL, 44, DAY(50),           DAY(81),
     NO_SUBSTITUTE                                                                                                                },
    {"of a node that is revoked",          "REVOKED",     SSIAD, SSIAD,    44, DAY(50),           DAY(81),           NO_SUBSTITUTE},
};

static json_t *absence(json_t *list, const struct absent *a)
{
    struct writer w = begin(9, a->day, a->substitute == NO_SUBSTITUTE ? 4 : 5);
    struct vec_signer signer = vec_signer_of(3, a->by);
    uint8_t id[ID_BYTES];

    vec_org(a->of, signer.org);
    key_org(&w, 4, a->of);
    vec_node(a->of, id);
    key_bin(&w, 5, SPAN_OF(id));
    key_uint(&w, 6, a->from);
    key_uint(&w, 7, a->until);
    if (a->substitute == A_STRANGER) {
        vec_id("a stranger", id);
        key_bin(&w, 8, SPAN_OF(id));
    } else if (a->substitute != NO_SUBSTITUTE) {
        key_org(&w, 8, (enum vec_member)a->substitute);
    }
    end(list, a->what, &w, &signer, 1);
    return json_array_get(list, json_array_size(list) - 1);
}

/* ---- witnesses (7.6) ---- */

struct witness_set {
    const char *what;
    const char *error; /* NULL: it is of the log */
    const char *by;    /* key of the registrar's signature */
    int seats[3];      /* enum vec_member; -1 a stranger, -2 none */
    uint64_t quorum;
};
static const struct witness_set witness_sets[] = {
    {"the hospital and the EHPAD are witnesses, both must cosign",
     NULL,                                                                        "registrar",
     {HOSPITAL, EHPAD, -2},
     2                                                                                                                 },
    {"half of them is no quorum",                                  "FIELD_VALUE", "registrar", {HOSPITAL, EHPAD, -2}, 1},
    {"more than there are",                                        "FIELD_VALUE", "registrar", {HOSPITAL, EHPAD, -2}, 3},
    {"the operator's organisation",                                "FIELD_VALUE", "registrar", {HOSPITAL, DAC, -2},   2},
    {"one witness twice",                                          "FIELD_VALUE", "registrar", {EHPAD, EHPAD, -2},    2},
    {"a node that nobody knows",                                   "NOT_FOUND",   "registrar", {HOSPITAL, -1, -2},    2},
    {"a node that is revoked",                                     "REVOKED",     "registrar", {HOSPITAL, SSIAD, -2}, 2},
    {"named by the hub, as if it were the registrar",
     "KEY_UNKNOWN",                                                               "hub",
     {HOSPITAL, EHPAD, -2},
     2                                                                                                                 },
};

static void witness_set(json_t *list, const struct witness_set *s)
{
    struct writer w = begin(10, 50, 2);
    struct vec_signer signer = {1, {0}, s->by};
    size_t count = 0;
    uint8_t id[ID_BYTES];

    while (count < 3 && s->seats[count] != -2)
        count++;
    wr_key(&w, 4);
    wr_array(&w, count);
    for (size_t i = 0; i < count; i++) {
        if (s->seats[i] == -1)
            vec_id("a stranger", id);
        else
            vec_node((enum vec_member)s->seats[i], id);
        wr_bin(&w, SPAN_OF(id));
    }
    key_uint(&w, 5, s->quorum);
    end(list, s->what, &w, &signer, 1);
}

struct witness_key {
    const char *what;
    const char *error;
    enum vec_member of, by;
    uint64_t number;
    const char *key;
};
static const struct witness_key witness_keys[] = {
    {"witness key 1 of the hospital",               NULL,          HOSPITAL, HOSPITAL, 1, "hospital witness 1"},
    {"witness key 1 of the EHPAD",                  NULL,          EHPAD,    EHPAD,    1, "ehpad witness 1"   },
    {"witness key 2 of the EHPAD: it was restored", NULL,          EHPAD,    EHPAD,    2, "ehpad witness 2"   },
    {"a number is left out",                        "CHAIN",       EHPAD,    EHPAD,    4, "ehpad witness 3"   },
    {"a number again",                              "CHAIN",       EHPAD,    EHPAD,    2, "ehpad witness 3"   },
    {"the key that was retired, again",             "EXISTS",      EHPAD,    EHPAD,    3, "ehpad witness 1"   },
    {"another witness's key",                       "EXISTS",      EHPAD,    EHPAD,    3, "hospital witness 1"},
    {"the node's own signing key",                  "EXISTS",      EHPAD,    EHPAD,    3, "ehpad signing"     },
    {"the key of the audit log",                    "EXISTS",      EHPAD,    EHPAD,    3, "audit log"         },
    {"signed by another house",                     "KEY_UNKNOWN", EHPAD,    HOSPITAL, 3, "ehpad witness 3"   },
    {"of a node that is revoked",                   "REVOKED",     SSIAD,    SSIAD,    1, "ssiad witness 1"   },
};

static void witness_key(json_t *list, const struct witness_key *k)
{
    struct sign_public pk = vec_sign_pk(k->key);
    struct writer w = begin(12, 51, 4);
    struct vec_signer signer = vec_signer_of(3, k->by);
    uint8_t id[ID_BYTES];

    vec_org(k->of, signer.org);
    key_org(&w, 4, k->of);
    vec_node(k->of, id);
    key_bin(&w, 5, SPAN_OF(id));
    key_uint(&w, 6, k->number);
    key_bin(&w, 7, SPAN_OF(pk.b));
    end(list, k->what, &w, &signer, 1);
}

static void put_witnesses(json_t *list, bool good)
{
    for (size_t i = 0; i < sizeof witness_sets / sizeof witness_sets[0]; i++)
        if (good == !witness_sets[i].error) {
            witness_set(list, &witness_sets[i]);
            if (!good)
                put_text(json_array_get(list, json_array_size(list) - 1), "error",
                         witness_sets[i].error);
        }
    for (size_t i = 0; i < sizeof witness_keys / sizeof witness_keys[0]; i++)
        if (good == !witness_keys[i].error) {
            witness_key(list, &witness_keys[i]);
            if (!good)
                put_text(json_array_get(list, json_array_size(list) - 1), "error",
                         witness_keys[i].error);
        }
}

/* On the log as it stands at its end. */
static void put_keys_judged(json_t *file)
{
    json_t *list = put_array(file, "keys_judged");

    for (size_t i = 0; i < sizeof not_absences / sizeof not_absences[0]; i++)
        put_text(absence(list, &not_absences[i]), "error", not_absences[i].error);
    for (size_t i = 0; i < sizeof not_rotated / sizeof not_rotated[0]; i++)
        put_text(rotation(list, &not_rotated[i]), "error", not_rotated[i].error);
    put_witnesses(list, false);
    for (size_t i = 0; i < sizeof not_rekeyed / sizeof not_rekeyed[0]; i++)
        put_text(rekeying(list, &not_rekeyed[i]), "error", not_rekeyed[i].error);
    put_others(list, false);
}

static void put_keys_log(json_t *file)
{
    json_t *list = put_array(file, "keys_log");

    genesis(list);
    enrolment(list, "enrolment of the hospital, a founder", HOSPITAL, 1);
    enrolment(list, "enrolment of the DAC, a founder and the operator", DAC, 2);
    enrolment(list, "enrolment of the EHPAD", EHPAD, 3);
    enrolment(list, "enrolment of the SSIAD", SSIAD, 4);
    enrolment(list, "enrolment of the SAMU, countersigned, in effect a day later", SAMU, 5);
    prekey(list, EHPAD, 2, 10);
    suspension(list, "suspension of the SSIAD", 4, 20);
    suspension(list, "resumption of the SSIAD", 5, 30);
    revocation(list);
    for (size_t i = 0; i < sizeof absences / sizeof absences[0]; i++)
        absence(list, &absences[i]);
    for (size_t i = 0; i < sizeof rotated / sizeof rotated[0]; i++)
        rotation(list, &rotated[i]);
    put_witnesses(list, true);
    rekeying(list, &rekeyed);
    put_others(list, true);
}

/* ---- the circle ---- */

static void put_chain(json_t *file)
{
    const struct vec_chain *c = vec_chain();
    json_t *o = put_object(file, "circle");
    json_t *list;

    put_id(o, "handle", c->handle);
    list = put_array(o, "chain");
    for (size_t i = 0; i < c->count; i++) {
        const struct vec_link *l = &c->link[i];
        json_t *v =
            put_ss(list, l->what, "relais/chain1/stmt", bytes_span(&l->stmt), bytes_span(&l->ss));

        put_uint(v, "n", i);
        put_text(v, "author", vec_cast[l->author].key);
        put_span(v, "link", SPAN_OF(l->hash));
    }
    list = put_array(o, "judged");
    for (size_t i = 0; i < c->judged_count; i++) {
        json_t *v = add_object(list);

        put_text(v, "what", c->judged[i].what);
        put_uint(v, "after", c->judged[i].after);
        put_span(v, "ss", bytes_span(&c->judged[i].ss));
        put_text(v, "error", c->judged[i].error);
    }
}

static void put_offer(json_t *list, const char *what, struct span offer)
{
    struct reader r = reader_over(offer);
    json_t *v = add_object(list);
    uint8_t digest[64];
    struct span map;

    put_text(v, "what", what);
    put_span(v, "signed_offer", offer);
    rd_array(&r, 4);
    map = rd_blob(&r, 1, SIZE_MAX);
    MUST(rd_error(&r));
    put_decoded(v, "decoded", map);
    MUST(digest_of("relais/chain1/offer", map, digest, 64));
    put_span(v, "digest", SPAN_OF(digest));
}

json_t *vectors_statements(void)
{
    static const char *const names[] = {
        "registrar",   "hub",           "hospital signing",   "ehpad signing",
        "dac signing", "samu signing",  "ssiad signing",      "keys log",
        "audit log",   "keys log 2",    "keys log 3",         "audit log 2",
        "hub 2",       "dac signing 2", "hospital signing 3", "ssiad signing 3"};
    const struct vec_chain *c = vec_chain();
    json_t *file = json_object();
    json_t *list;

    put_text(file, "about", "Signed statements of the keys log and of a circle (PROTOCOL.md 7, 8)");
    put_key_names(file, names, sizeof names / sizeof names[0]);
    put_keys_log(file);
    put_keys_judged(file);
    put_chain(file);
    list = put_array(file, "offers");
    put_offer(list, "to the EHPAD, to join", bytes_span(&c->offer_ehpad));
    put_offer(list, "to the DAC, to join", bytes_span(&c->offer_dac));
    put_offer(list, "to the SAMU, to join", bytes_span(&c->offer_samu));
    put_offer(list, "to the DAC, to become référent", bytes_span(&c->offer_referent));
    return file;
}
