/*
 * circle - the chain of signed statements of one circle of care (PROTOCOL.md 8.1 to 8.3), folded
 * into its present state: members, référent, responsible, notices, consents, oppositions.
 *
 * The hub folds before it commits, every member's node folds again: a statement that was not by
 * its author, not at the head, or not his to make, is refused and has no effect. Narrowing
 * (leaving, withdrawal, opposition) is any member's, at once; widening names what it supersedes.
 * Everything is bounded: 4,096 statements, 256 organisations, 256 live acts of each sort; the last
 * room is kept for narrowing, so that no one member can fill it and so silence the others.
 * What is lawful to send is disclosure.h's question to this state.
 *
 * Borrowed results live until the next circle_apply(), circle_load() or circle_free().
 * Thread rule: confine a circle to one thread; a clone is another circle.
 */
#ifndef RELAIS_CIRCLE_H
#define RELAIS_CIRCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids.h"
#include "keys.h"
#include "span.h"
#include "statement.h"

#define CIRCLE_STATEMENTS_MAX 4096
#define CIRCLE_NARROWING_ROOM 512    /* of them, the last: kinds 3, 4, 8, 9, 14 alone */
#define CIRCLE_MEMBERS_MAX 256       /* present and former */
#define CIRCLE_LIVE_MAX 256          /* notices, consents, oppositions, each */
#define CIRCLE_OPPOSITION_ROOM 64    /* the last live ones: for authors who have none */
#define CIRCLE_OPPOSITIONS_OF_ONE 64 /* live, by one author */
#define CIRCLE_ACT_ORGS_MAX 16
#define CIRCLE_TEAM_MAX 65535
#define CIRCLE_OFFER_MAX 512 /* bytes of [offer, org, skid, sig] */

enum circle_kind {
    CIRCLE_CREATE = 1,
    CIRCLE_JOIN,
    CIRCLE_LEAVE,
    CIRCLE_REMOVE,
    CIRCLE_REFERENT,
    CIRCLE_NOTICE,
    CIRCLE_CONSENT,
    CIRCLE_WITHDRAWAL,
    CIRCLE_OPPOSITION,
    CIRCLE_LIFT,
    CIRCLE_RESPONSIBILITY, /* reserved, with 12 merge and 13 erase: ERR_UNSUPPORTED */
    CIRCLE_MERGE,
    CIRCLE_ERASE,
    CIRCLE_CLOSE
};
enum circle_right {
    CIRCLE_RIGHT_INVITE = 1,
    CIRCLE_RIGHT_CONSENT = 2,
    CIRCLE_RIGHT_ALL = 3
};
enum circle_way {
    WAY_ORAL = 1,
    WAY_WRITTEN,
    WAY_FALC,
    WAY_REPRESENTATIVE
};
enum circle_given_by {
    GIVEN_BY_PERSON = 1,
    GIVEN_BY_REPRESENTATIVE
};
enum circle_end {
    END_NORMAL = 1,
    END_DEATH,
    END_MOVED
};

struct circle_row {
    uint8_t org[ID_BYTES];
    uint32_t team;    /* 0: none */
    uint8_t category; /* mask of enum category_bit */
    uint8_t class_mask;
    uint8_t rights; /* mask of enum circle_right */
};

struct circle_offer {
    enum circle_kind kind; /* CIRCLE_JOIN or CIRCLE_REFERENT */
    uint8_t circle[ID_BYTES];
    uint8_t by[ID_BYTES];
    uint8_t to[ID_BYTES];
    struct circle_row row; /* CIRCLE_JOIN */
    uint64_t expires_ms;
    uint8_t nonce[ID_BYTES];
    uint32_t at; /* n of the head when it was made: circle_size() - 1 */
};

/* One statement, decoded. Only the fields of its kind mean anything (PROTOCOL.md 8.3). */
struct circle_statement {
    enum circle_kind kind;
    uint8_t circle[ID_BYTES];      /* not in CREATE */
    uint8_t prev[STMT_LINK_BYTES]; /* not in CREATE */
    uint8_t author[ID_BYTES];
    uint8_t actor[ID_BYTES]; /* the acting professional, a pseudonym of the author's node */
    uint64_t ts_ms;
    uint32_t n;
    uint8_t nonce[ID_BYTES];
    struct circle_row row;
    struct span offer;        /* borrowed */
    uint8_t target[ID_BYTES]; /* REMOVE */
    uint8_t class_mask;
    size_t org_count;
    uint8_t orgs[CIRCLE_ACT_ORGS_MAX][ID_BYTES];
    uint64_t date_ms;
    uint8_t way; /* enum circle_way */
    bool has_evidence;
    uint8_t evidence[32];
    uint8_t given_by; /* enum circle_given_by */
    bool has_supersedes;
    uint32_t supersedes; /* n of a withdrawal */
    bool own_opinion;
    uint32_t about; /* 21: n of a consent (0: all) or of an opposition */
    bool emergency; /* OPPOSITION */
    uint8_t reason; /* CLOSE: enum circle_end */
};

struct circle_member {
    struct circle_row row; /* the last, for a former member */
    bool current;
    uint32_t since; /* n of the (last) joining */
    uint32_t until; /* n of the leaving or removal; 0 while current */
    uint32_t left;  /* n of the last leaving or removal, also after coming back; 0: none */
};

/* A notice, consent or opposition. */
struct circle_act {
    enum circle_kind kind; /* NOTICE, CONSENT, OPPOSITION */
    uint32_t n;
    uint8_t author[ID_BYTES];
    uint8_t class_mask;
    bool emergency;   /* OPPOSITION: also in an emergency */
    bool live;        /* not withdrawn, not lifted */
    uint32_t ended_n; /* of the withdrawal or lift; 0 while live */
    uint64_t date_ms;
    uint32_t first_org; /* circle_act_orgs() */
    uint32_t org_count; /* OPPOSITION: 0 is everybody */
};

struct circle;

/* The signing key of (org, kid). The hub answers for the present (ERR_KEY_UNKNOWN, _REVOKED); a
 * node that replays an old chain answers for keys that have signed since. */
struct circle_signers {
    enum err (*find)(void *arg, const uint8_t org[ID_BYTES], const uint8_t kid[KID_BYTES],
                     struct sign_public *pk);
    void *arg;
};

/* handle (NULL: any): a create statement that gives another one is ERR_CHAIN. */
enum err circle_new(const uint8_t *handle, struct circle **out);
void circle_free(struct circle *c); /* NULL is fine */
enum err circle_clone(const struct circle *c, struct circle **out);
size_t circle_bytes(const struct circle *c); /* memory held, for a cache */

/*
 * The next statement. circle_check() has no effect; circle_apply() has all of it or, on any error,
 * none. now_ms: the hub's clock, against which offers expire; a replaying node passes 0 and the
 * ts of the joining decides alone. In this order:
 *   form        reader and field errors; ERR_UNSUPPORTED (reserved kind)
 *   chain       ERR_CHAIN: another circle, or a first statement that is no create
 *   signature   ERR_KEY_UNKNOWN, ERR_KEY_REVOKED, ERR_FORGED: the author's alone, and the offer's
 *   author      ERR_NOT_IN_CIRCLE, ERR_FORMER_MEMBER; joining: ERR_EXISTS (member already), the
 *               offer, ERR_QUOTA (members)
 *   circle      ERR_CIRCLE_CLOSED; ERR_STALE_HEAD (n or prev); ERR_QUOTA (statements, live acts)
 *   kind        ERR_RIGHT, ERR_WIDENING, ERR_NOT_FOUND (no consent or opposition of that n),
 *               ERR_STATE (it has ended already), ERR_NOT_IN_CIRCLE and ERR_FORMER_MEMBER (who is
 *               removed); référent: the offer
 * An offer: ERR_RIGHT (not his, not of this circle), ERR_EXISTS (used), ERR_EXPIRED, ERR_RIGHT (its
 * maker may not make it, or gives more than he has), ERR_EXISTS (référent already),
 * ERR_FORMER_MEMBER (older than the taker's last leaving), ERR_STALE_HEAD (made beyond the head).
 * So who is not of the circle does not learn its head.
 */
enum err circle_check(const struct circle *c, struct span ss, const struct circle_signers *signers,
                      uint64_t now_ms);
enum err circle_apply(struct circle *c, struct span ss, const struct circle_signers *signers,
                      uint64_t now_ms);
/* For statements this program has verified before and reads back from its own store: as
 * circle_apply() with everything but the signatures. */
enum err circle_load(struct circle *c, struct span ss);

uint32_t circle_size(const struct circle *c);         /* statements; the head's n is one less */
const uint8_t *circle_head(const struct circle *c);   /* STMT_LINK_BYTES; NULL before create */
const uint8_t *circle_handle(const struct circle *c); /* ID_BYTES; NULL before create */
bool circle_closed(const struct circle *c);
bool circle_narrows(enum circle_kind kind); /* takes something away, and never gives */
const uint8_t *circle_responsible(const struct circle *c); /* NULL before create */
const uint8_t *circle_referent(const struct circle *c);    /* NULL: none (he left) */

size_t circle_member_count(const struct circle *c); /* present and former */
const struct circle_member *circle_member(const struct circle *c, size_t i);
const struct circle_member *circle_find(const struct circle *c, const uint8_t org[ID_BYTES]);

size_t circle_act_count(const struct circle *c); /* ascending n, ended ones included */
const struct circle_act *circle_act(const struct circle *c, size_t i);
const struct circle_act *circle_act_of(const struct circle *c, uint32_t n);
const uint8_t *circle_act_org(const struct circle *c, const struct circle_act *a, size_t i);
bool circle_act_names(const struct circle *c, const struct circle_act *a,
                      const uint8_t org[ID_BYTES]);
/* The n that field 19 of a consent to these must name; 0: none, the field is absent. */
uint32_t circle_supersedes(const struct circle *c, uint8_t class_mask,
                           const uint8_t (*orgs)[ID_BYTES], size_t count);

/* --- making statements -------------------------------------------------------------------- */

/* Fills circle, prev and n from the head (CREATE: c may be NULL) and zeroes the rest. */
enum err circle_next(const struct circle *c, enum circle_kind kind, const uint8_t author[ID_BYTES],
                     const uint8_t actor[ID_BYTES], uint64_t ts_ms, struct circle_statement *out);
/* The stmt: fields of the kind, in order; no judgement. ERR_UNSUPPORTED: reserved kind. */
enum err circle_encode(const struct circle_statement *s, struct bytes *out);
enum err circle_decode(struct span stmt, struct circle_statement *out); /* strict */
/* Encoded and signed by the author: an SS for DECLARE. */
enum err circle_sign(const struct circle_statement *s, const struct secret_sign *key,
                     struct bytes *out);
/* H-256("relais/chain1/create", stmt), its first 16 bytes. */
enum err circle_handle_of(struct span stmt, uint8_t handle[ID_BYTES]);

/* [offer, org, skid, sig], signed by offer->by. */
enum err circle_offer_sign(const struct circle_offer *o, const struct secret_sign *key,
                           struct bytes *out);
/* Strict; the signature is not verified: circle_offer_verify(). skid may be NULL. */
enum err circle_offer_decode(struct span offer, struct circle_offer *out, uint8_t *skid);
enum err circle_offer_verify(struct span offer, const struct circle_signers *signers,
                             struct circle_offer *out);

#endif
