/*
 * directory - the keys log (PROTOCOL.md 7), replayed into memory: the federation, its
 * organisations, their nodes and keys, who is in effect, suspended or revoked.
 *
 * Every statement is verified in full, by the hub before it commits and by every node when it
 * reads. Whether a statement is accepted depends on the log alone (never on a clock), so that hub
 * and nodes cannot disagree. A refused statement has no effect.
 * Position in the log decides: questions take `size`, "the log of its first `size` leaves", and
 * DIRECTORY_NOW for all of it. Ids and keys are chosen by members: lookups are hashed under a
 * secret seed. What lookups return is borrowed until the next directory_apply() or _free().
 *
 * Thread rule: confine a directory to one thread.
 */
#ifndef RELAIS_DIRECTORY_H
#define RELAIS_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids.h"
#include "keys.h"
#include "random.h"
#include "sign.h"
#include "span.h"
#include "statement.h"

#define DIRECTORY_NOW UINT64_MAX
#define FEDERATION_NAME_MAX 64
#define FOUNDERS_MAX 16
#define ORG_NAME_MAX 200
#define ORG_TERRITORY_MAX 100
#define ORG_SERVICES_MAX 64
#define ORG_SERVICE_MAX 32
#define EMERGENCY_DELAY_MAX_S 31536000 /* a year: more is a typing error */
#define PREKEY_LIVE_MS (UINT64_C(14) * 24 * 60 * 60 * 1000)
#define ABSENCE_DAY_MS UINT64_C(86400000)
#define ABSENCE_AHEAD_MS (366 * ABSENCE_DAY_MS) /* until - ts: more is a typing error */
#define ABSENCES_A_DAY 4                        /* of one node, at the hub: everybody keeps them */
#define FINGERPRINT_TEXT 25                     /* XXXX-XXXX-XXXX-XXXX-XXXX and NUL */

enum keys_kind {
    KEYS_GENESIS = 1,
    KEYS_ENROL,
    KEYS_PREKEY,
    KEYS_SUSPEND,
    KEYS_RESUME,
    KEYS_REVOKE,
    KEYS_ROTATE_NODE,
    KEYS_ROTATE_HUB,
    KEYS_ABSENCE = 9,
    KEYS_WITNESS_SET = 10,
    KEYS_WITNESS_KEY = 12,
    KEYS_RESET = 13 /* an enrolment that takes the place of every node of its organisation */
};
enum revoke_reason {
    REVOKE_ENDED = 1,
    REVOKE_LOST,
    REVOKE_COMPROMISED
};

struct founder {
    uint8_t org[ID_BYTES];
    struct sign_public pk;
};

struct federation {
    uint8_t id[ID_BYTES];
    uint64_t ts_ms;
    struct span name;
    uint64_t mode; /* enum mode */
    struct box_public hub_transport;
    struct sign_public hub;
    struct sign_public keys_log;
    struct sign_public audit_log; /* may be the keys log's: the signed text names the log */
    struct sign_public registrar;
    size_t founder_count;
    struct founder founders[FOUNDERS_MAX];
    uint64_t emergency_delay_s;
    uint8_t operator_org[ID_BYTES];
};

/* The body of an enrolment (7.3). Spans are borrowed. */
struct enrolment {
    uint8_t org[ID_BYTES];
    struct span name;
    uint64_t kind; /* enum org_kind */
    struct span national_id;
    struct span territory;
    size_t service_count;
    struct span services[ORG_SERVICES_MAX];
    uint8_t node[ID_BYTES];
    struct sign_public signing;
    struct box_public transport;
    struct span prekey; /* the SS of prekey 1 */
    uint8_t invitation[ID_BYTES];
};

/* Who tells how old a prekey is (PREKEY_LIVE_MS). It decides liveness and nothing else. */
enum directory_clock {
    DIRECTORY_LEAF_TIME,     /* the hub: time_ms of directory_apply() is the leaf's commit time */
    DIRECTORY_STATEMENT_TIME /* a node: the ts in the statement; time_ms is ignored */
};

enum directory_state {
    DIRECTORY_ABSENT,
    DIRECTORY_PENDING, /* enrolled, not yet in effect (kind emergency) */
    DIRECTORY_ACTIVE,
    DIRECTORY_SUSPENDED,
    DIRECTORY_REVOKED
};

struct directory_prekey {
    uint8_t kid[KID_BYTES];
    struct box_public pk;
    uint64_t number; /* 1, 2, ... */
    uint64_t at;     /* index of its leaf (number 1: of the enrolment) */
    uint64_t since_ms;
    bool replaced;        /* a successor exists */
    uint64_t replaced_ms; /* its since_ms */
    uint32_t node;        /* directory_node() */
    uint32_t previous;    /* directory_prekey(), or DIRECTORY_NONE */
};
#define DIRECTORY_NONE UINT32_MAX

struct directory_node {
    uint8_t id[ID_BYTES];
    uint8_t kid[KID_BYTES]; /* of signing */
    struct sign_public signing;
    struct box_public transport;
    uint64_t enrolled_at; /* index of its leaf */
    uint64_t keyed_at;    /* of the leaf that brought signing and transport */
    uint64_t rekeyed;     /* how often it had others before */
    uint32_t former;      /* directory_former(): the last of those, or DIRECTORY_NONE */
    uint64_t effect_ms;   /* 0: at its leaf, whatever a clock says; else delayed until then */
    bool revoked;
    uint64_t revoked_at;
    uint64_t revoked_reason;  /* enum revoke_reason */
    uint32_t org;             /* directory_org() */
    uint32_t previous_of_org; /* directory_node() enrolled before it, or DIRECTORY_NONE */
    uint32_t prekey;          /* the newest */
    uint64_t witness_number;  /* of its witness key in force; 0: it has none */
    uint64_t absences_ms[ABSENCES_A_DAY]; /* when it announced its last ones, a ring */
    uint64_t absence_count;               /* ever */
    struct sign_public witness;
};

/* Keys that a node had before it rotated them (7.9). */
struct directory_former {
    uint8_t kid[KID_BYTES];
    struct sign_public signing;
    struct box_public transport;
    uint64_t since;    /* indexes of leaves: in force from that one on */
    uint64_t until;    /* until this one, which brought the next */
    uint32_t node;     /* directory_node() */
    uint32_t previous; /* of the same node, or DIRECTORY_NONE */
};

/* What an organisation has announced last (7.7). Days are whole, in UTC. */
struct directory_absence {
    uint64_t at; /* index of the leaf; 0: it never said anything */
    uint64_t ts_ms;
    uint64_t from_ms;
    uint64_t until_ms;   /* not included; 0: taken back */
    uint32_t node;       /* directory_node(): who signed */
    uint32_t substitute; /* directory_org(), or DIRECTORY_NONE */
};

struct directory_org {
    uint8_t id[ID_BYTES];
    struct span name;
    uint64_t kind; /* enum org_kind */
    struct span national_id;
    struct span territory;
    struct span enrolment; /* body of the newest: enrolment_decode(), directory_services() */
    uint64_t enrolled_at;  /* of its first node */
    uint32_t newest_node;
    uint32_t newest_suspension; /* directory_suspension(), or DIRECTORY_NONE */
    struct directory_absence absence;
};

struct directory_suspension {
    uint64_t from; /* index of the leaf */
    uint64_t to;   /* of the resumption; UINT64_MAX while it lasts */
    uint64_t reason;
    uint32_t previous; /* of the same organisation, or DIRECTORY_NONE */
};

#define WITNESS_SET_MAX 15 /* with the log's own line they fill a C2SP note */
#define WITNESS_SET_FULL 5 /* fewer are allowed in exercise mode alone */

/* Who watches the logs (7.6): one node each of different organisations, none the operator's. */
struct directory_witnesses {
    uint64_t at;     /* index of the leaf */
    uint64_t ts_ms;  /* of the statement */
    uint64_t quorum; /* more than half of them */
    size_t count;
    uint32_t node[WITNESS_SET_MAX]; /* directory_node() */
};

struct directory;

/* Entropy is asked once, for the seed of the lookups. */
enum err directory_new(enum directory_clock clock, const struct entropy *source,
                       struct directory **out);
void directory_free(struct directory *d); /* NULL is fine */

/*
 * The leaf `index` of the log. directory_check() has no effect; directory_apply() has all of it or,
 * on any error, none. ERR_STATE: index is not directory_size(), or a statement that changes
 * nothing (suspending the suspended, resuming the active, a second genesis, a first leaf that is
 * none). ERR_UNSUPPORTED: kind 11 and above 12. ERR_FIELD_VALUE: also another federation.
 * ERR_FORGED, ERR_POSSESSION. ERR_KEY_UNKNOWN: signed by a key that may not sign this.
 * ERR_FIELD_MISSING: the signature that is needed is not there. ERR_COUNTERSIGN. ERR_EXISTS: a key
 * or node id (or absence) seen before. ERR_CHAIN: prekey number or predecessor, an absence older
 * than the last. ERR_RANGE: an absence too far ahead. ERR_NOT_FOUND: no such organisation or node.
 * ERR_REVOKED, ERR_SUSPENDED, ERR_NOT_YET: whom the statement comes from.
 */
enum err directory_check(const struct directory *d, uint64_t index, struct span ss);
enum err directory_apply(struct directory *d, uint64_t index, uint64_t time_ms, struct span ss);

uint64_t directory_size(const struct directory *d);
const struct federation *directory_federation(const struct directory *d); /* NULL before leaf 0 */
/* Is this the federation, and the registrar, that the invitation spoke of? ERR_FINGERPRINT. The
 * hub's own keys may have become others since genesis: that they are of this log is found when all
 * of it is read. */
enum err federation_matches(const struct federation *f, const struct invitation *i);

/* The set in force; NULL: none was ever named. */
const struct directory_witnesses *directory_witnesses(const struct directory *d);
/* Is this node of the set, with a key, and neither revoked nor suspended? */
bool directory_is_witness(const struct directory *d, const struct directory_node *n);

/* What the organisation has announced and is not over at now_ms, begun or not; NULL: nothing. */
const struct directory_absence *directory_absence(const struct directory *d,
                                                  const uint8_t org[ID_BYTES], uint64_t now_ms);
/* Of those that the node announced, has the hub had ABSENCES_A_DAY in the day before now_ms? */
bool directory_absences_full(const struct directory_node *n, uint64_t now_ms);

/* Iteration, and the links above; NULL when out of range. Orgs and nodes in order of the log. */
size_t directory_org_count(const struct directory *d);
const struct directory_org *directory_org(const struct directory *d, size_t i);
const struct directory_node *directory_node(const struct directory *d, size_t i);
const struct directory_prekey *directory_prekey(const struct directory *d, size_t i);
const struct directory_suspension *directory_suspension(const struct directory *d, size_t i);
const struct directory_former *directory_former(const struct directory *d, size_t i);

/* NULL: not there. */
const struct directory_org *directory_find_org(const struct directory *d,
                                               const uint8_t id[ID_BYTES]);
const struct directory_node *directory_find_node(const struct directory *d,
                                                 const uint8_t id[ID_BYTES]);
const struct directory_node *directory_find_transport(const struct directory *d,
                                                      const struct box_public *pk);
/* Whose signing key it is, or was. */
const struct directory_node *directory_find_signing(const struct directory *d,
                                                    const uint8_t kid[KID_BYTES]);
const struct directory_prekey *directory_find_prekey(const struct directory *d,
                                                     const uint8_t kid[KID_BYTES]);

/* ERR_ITEMS when there are more than `max`; *count is written on success. */
enum err directory_services(const struct directory_org *o, struct span *out, size_t max,
                            size_t *count);

/* An organisation is what the best of its nodes is; suspension is the organisation's. */
enum directory_state directory_org_state(const struct directory *d, const struct directory_org *o,
                                         uint64_t size, uint64_t now_ms);
enum directory_state directory_node_state(const struct directory *d, const struct directory_node *n,
                                          uint64_t size, uint64_t now_ms);
/* ERR_NOT_ENROLLED, ERR_NOT_YET, ERR_SUSPENDED, ERR_REVOKED; ERR_OK for DIRECTORY_ACTIVE. */
enum err directory_state_err(enum directory_state s);

/* Step 6 of 5.4: the key that signs for org under kid. ERR_KEY_UNKNOWN (also: pending), or
 * ERR_KEY_REVOKED (also: its node has rotated it). Suspension does not unsign what was signed: ask
 * directory_org_state() too. */
enum err directory_signer(const struct directory *d, const uint8_t org[ID_BYTES],
                          const uint8_t kid[KID_BYTES], uint64_t size, uint64_t now_ms,
                          struct sign_public *out);

/* The key that signed for org under kid at any time: for what the hub has judged in its place.
 * ERR_KEY_UNKNOWN. */
enum err directory_signed(const struct directory *d, const uint8_t org[ID_BYTES],
                          const uint8_t kid[KID_BYTES], struct sign_public *out);

bool directory_prekey_live(const struct directory *d, const struct directory_prekey *p,
                           uint64_t now_ms);
/* Section 12, ADDRESSEE: kid is a live prekey of an active node of org. ERR_ADDRESSEE otherwise. */
enum err directory_addressee(const struct directory *d, const uint8_t org[ID_BYTES],
                             const uint8_t kid[KID_BYTES], uint64_t now_ms,
                             const struct directory_prekey **out);
/* What a sender seals to: the newest prekey of the newest active node. ERR_ADDRESSEE. */
enum err directory_seal_to(const struct directory *d, const uint8_t org[ID_BYTES], uint64_t now_ms,
                           const struct directory_prekey **out);

/* --- making statements: each writes a stmt (not signed) to owned *out --------------------------
 * Values are written as given; whoever applies the statement judges them. */
enum err genesis_encode(const struct federation *f, struct bytes *out);
enum err enrolment_encode(const struct enrolment *e, struct bytes *out); /* the body */
enum err enrolment_decode(struct span body, struct enrolment *out);      /* strict, no signature */
enum err possession_sign(struct span body, const struct secret_sign *key, uint8_t sig[SIG_BYTES]);
/* ERR_POSSESSION. Also decodes the body and verifies prekey 1 in it: what a hub asks of JOIN. */
enum err enrolment_verify(struct span body, const uint8_t possession[SIG_BYTES],
                          const uint8_t federation[ID_BYTES], struct enrolment *out);
/* kind: KEYS_ENROL or KEYS_RESET. */
enum err enrol_encode(enum keys_kind kind, const uint8_t federation[ID_BYTES], uint64_t ts_ms,
                      struct span body, const uint8_t possession[SIG_BYTES], uint64_t effect_ms,
                      struct bytes *out);
/* What an enrolment or reset is about, for who is asked to sign it (a REQUEST): unverified. */
enum err enrol_decode(struct span stmt, struct span *body, uint64_t *effect_ms);

struct prekey_statement {
    uint8_t federation[ID_BYTES];
    uint64_t ts_ms;
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    uint64_t number;
    struct box_public pk;
    uint8_t previous[KID_BYTES]; /* number > 1 */
};
enum err prekey_encode(const struct prekey_statement *p, struct bytes *out);
enum err prekey_decode(struct span stmt, struct prekey_statement *out); /* strict, no signature */
/* An SS signed by the node: for KEYS_PUT, or for enrolment.prekey. */
enum err prekey_sign(const struct prekey_statement *p, const struct secret_sign *key,
                     struct bytes *out);
enum err suspend_encode(const uint8_t federation[ID_BYTES], uint64_t ts_ms, bool resume,
                        const uint8_t org[ID_BYTES], uint64_t reason, struct bytes *out);
enum err revoke_encode(const uint8_t federation[ID_BYTES], uint64_t ts_ms,
                       const uint8_t org[ID_BYTES], const uint8_t *node, /* NULL: all */
                       enum revoke_reason reason, struct bytes *out);
struct revoke_statement {
    uint8_t federation[ID_BYTES];
    uint64_t ts_ms;
    uint8_t org[ID_BYTES];
    bool has_node; /* else all of them */
    uint8_t node[ID_BYTES];
    uint64_t reason; /* enum revoke_reason */
};
enum err revoke_decode(struct span stmt, struct revoke_statement *out); /* strict, no signature */
struct witness_key_statement {
    uint8_t federation[ID_BYTES];
    uint64_t ts_ms;
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    uint64_t number; /* 1, 2, ...: each retires the one before */
    struct sign_public pk;
};
enum err witness_key_encode(const struct witness_key_statement *s, struct bytes *out);
enum err witness_key_decode(struct span stmt, struct witness_key_statement *out);
/* An SS signed by the node, for KEYS_PUT. */
enum err witness_key_sign(const struct witness_key_statement *s, const struct secret_sign *key,
                          struct bytes *out);

/* Other keys of a node (7.9): all of them at once, and its next prekey. */
struct node_key_statement {
    uint8_t federation[ID_BYTES];
    uint64_t ts_ms;
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    struct sign_public signing;
    struct box_public transport;
    struct span prekey; /* the SS of the next prekey, by the new signing key; borrowed */
};
enum err node_key_encode(const struct node_key_statement *s, struct bytes *out);
enum err node_key_decode(struct span stmt, struct node_key_statement *out);
/* An SS signed by the key in force and by the one that follows it, for KEYS_PUT. s->signing is
 * filled in. */
enum err node_key_sign(const struct node_key_statement *s, const struct secret_sign *former,
                       const struct secret_sign *next, struct bytes *out);

struct witness_set_statement {
    uint8_t federation[ID_BYTES];
    uint64_t ts_ms;
    uint64_t quorum;
    size_t count;
    uint8_t node[WITNESS_SET_MAX][ID_BYTES];
};
enum err witness_set_encode(const struct witness_set_statement *s, struct bytes *out);
enum err witness_set_decode(struct span stmt, struct witness_set_statement *out);

/* Another key of the hub (7.8). */
enum hub_key {
    HUB_KEY_TRANSPORT = 1,
    HUB_KEY_SIGNING,
    HUB_KEY_KEYS_LOG,
    HUB_KEY_AUDIT_LOG
};
#define HUB_KEYS_MAX 32 /* former ones of each sort: more is no rotation */

struct hub_key_statement {
    uint8_t federation[ID_BYTES];
    uint64_t ts_ms;
    uint64_t which;                /* enum hub_key */
    uint8_t pk[KEY_BYTES];         /* X25519 for HUB_KEY_TRANSPORT, else Ed25519 */
    uint8_t possession[SIG_BYTES]; /* not for HUB_KEY_TRANSPORT: such a key signs nothing */
    uint64_t effect_ms; /* ts where the hub agrees; later: a transport key, or a lost one */
    uint64_t epoch;     /* HUB_KEY_AUDIT_LOG: the first that it signs */
};
/* key: the new one's, for its proof of possession; NULL for HUB_KEY_TRANSPORT. s->pk and
 * s->possession are filled in from it. */
enum err hub_key_encode(const struct hub_key_statement *s, const struct secret_sign *key,
                        struct bytes *out);
enum err hub_key_decode(struct span stmt, struct hub_key_statement *out);

/* A key that the hub has, or had. */
struct hub_key_used {
    uint8_t pk[KEY_BYTES];
    uint64_t from; /* keys log: the first size, audit log: the first epoch, others: the moment */
    bool agreed;   /* by the hub with its signing key; else two houses have countersigned */
};
/* Of that sort, the oldest first; the last one is the newest. 0 before genesis. Borrowed. */
size_t directory_hub_keys(const struct directory *d, enum hub_key which,
                          const struct hub_key_used **out);
/* Was this once the hub's key of that sort, and is no more? */
bool directory_hub_key_was(const struct directory *d, enum hub_key which,
                           const uint8_t pk[KEY_BYTES]);
/* May list[i] have signed a head of the keys log of size `at`, or one of the audit log's epoch
 * `at`? The one in force there, and each later one: a hub that lost the former signs old heads
 * anew. */
bool hub_key_signs(const struct hub_key_used *list, size_t count, size_t i, uint64_t at);
/* Until when nothing new is sealed, because a log's key was replaced without the former one's hub
 * (7.8); 0: no such thing. */
uint64_t directory_hub_hold_ms(const struct directory *d);
struct absence_statement {
    uint8_t federation[ID_BYTES];
    uint64_t ts_ms;
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    uint64_t from_ms; /* both 0: the last one is taken back */
    uint64_t until_ms;
    bool has_substitute;
    uint8_t substitute[ID_BYTES];
};
enum err absence_encode(const struct absence_statement *s, struct bytes *out);
enum err absence_decode(struct span stmt, struct absence_statement *out);
/* An SS signed by the node, for KEYS_PUT. */
enum err absence_sign(const struct absence_statement *s, const struct secret_sign *key,
                      struct bytes *out);

/* The kind and federation of a stmt of this log. */
enum err keys_stmt_peek(struct span stmt, enum keys_kind *kind, uint8_t federation[ID_BYTES]);

/* Section 4: what two humans compare before the registrar signs. f: id, name, founders unused. */
enum err fingerprint_of(const struct sign_public *signing, const struct box_public *transport,
                        const struct box_public *prekey, const struct federation *f,
                        char text[FINGERPRINT_TEXT]);
/* As a human types it: case, blanks and hyphens do not matter. ERR_FINGERPRINT. */
enum err fingerprint_compare(const char expected[FINGERPRINT_TEXT], struct span typed);

#endif
