/*
 * statement - signed statements (SS, PROTOCOL.md 7.1): bytes that say something, and who signed
 * them. Used by the keys log, by the chains of circles and by reports; what a statement means is
 * directory.h's, circle.h's and the hub's. Also the files of section 14: armour, and the pieces of
 * a statement that is signed in several houses.
 *
 * Received bytes are verified as received: nothing is encoded again in order to verify.
 * Thread rule: plain data and pure functions, any thread.
 */
#ifndef RELAIS_STATEMENT_H
#define RELAIS_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "ids.h"
#include "keys.h"
#include "sign.h"
#include "span.h"

#define STMT_MAX 4096
#define SS_SIGNATURES_MAX 16
#define SS_MAX 5767 /* a full stmt and all signatures: nothing larger can be an SS */
#define STMT_LINK_BYTES 32
/* Times and dates in statements: 2^53 - 1, so that every language counts them exactly. */
#define STMT_TIME_MAX ((UINT64_C(1) << 53) - 1)

enum statement_role {
    ROLE_REGISTRAR = 1, /* org is zero */
    ROLE_FOUNDER,
    ROLE_NODE,
    ROLE_COUNTERSIGNER,
    ROLE_HUB,      /* org is zero */
    ROLE_AUTHOR,   /* of a circle's statement */
    ROLE_COUNTER,  /* reserved */
    ROLE_SUCCESSOR /* of a node: the key that takes the place of the one in force */
};

/* What is signed is H-512(label of the family, stmt) in the context of the family. */
enum statement_family {
    STATEMENT_KEYS,   /* relais/keys1/stmt,  relais/keys1/statement */
    STATEMENT_CHAIN,  /* relais/chain1/stmt, relais/chain1/statement */
    STATEMENT_REPORT, /* relais/report1/stmt, relais/report1 */
    STATEMENT_RECALL  /* relais/recall1/stmt, relais/recall1 */
};

struct statement_sig {
    uint8_t role; /* enum statement_role */
    uint8_t org[ID_BYTES];
    uint8_t kid[KID_BYTES];
    uint8_t sig[SIG_BYTES];
};

struct statement {
    struct span stmt; /* borrowed from the bytes parsed */
    size_t count;
    struct statement_sig sig[SS_SIGNATURES_MAX];
};

/* Strict: sizes, order (role, org), each pair once, zero org where demanded, stmt one MP1 map.
 * Nothing is verified. statement_parse() asks for at least one signature; a REQUEST may have none.
 * Reader errors; ERR_SIZE, ERR_KEY_ORDER, ERR_DUPLICATE_KEY, ERR_FIELD_VALUE (role or org). */
enum err statement_parse(struct span ss, struct statement *out);
enum err statement_parse_request(struct span ss, struct statement *out);

/* Puts the signatures in order and encodes. *out is overwritten with owned bytes. The result is
 * what statement_parse_request() reads back; ERR_EXISTS: a (role, org) occurs twice. */
enum err statement_join(struct span stmt, const struct statement_sig *sigs, size_t count,
                        struct bytes *out);

/* org: NULL is zero (registrar, hub). */
enum err statement_sign(enum statement_family family, struct span stmt, enum statement_role role,
                        const uint8_t *org, const struct secret_sign *key,
                        struct statement_sig *out);
/* Sign and join in one: an SS with a single signature. */
enum err statement_sign_alone(enum statement_family family, struct span stmt,
                              enum statement_role role, const uint8_t *org,
                              const struct secret_sign *key, struct bytes *out);
/* ERR_KEY_UNKNOWN: the signature names another key than pk. ERR_FORGED. */
enum err statement_verify(enum statement_family family, struct span stmt,
                          const struct statement_sig *sig, const struct sign_public *pk);

/* The signature of that role and organisation (NULL is zero), or NULL. Borrowed from s. */
const struct statement_sig *statement_find(const struct statement *s, enum statement_role role,
                                           const uint8_t *org);

/* H-256("relais/chain1/link", stmt): prev of the successor, and field 12 of an audit detail. */
enum err statement_link(struct span stmt, uint8_t link[STMT_LINK_BYTES]);

/* --- files (section 14) ------------------------------------------------------------------- */

enum armour_kind {
    ARMOUR_INVITATION = 1, /* struct invitation; holds a secret */
    ARMOUR_REQUEST,        /* an SS still lacking signatures */
    ARMOUR_SIGNATURE,      /* one signature, for a REQUEST */
    ARMOUR_STATEMENT       /* a complete SS */
};
#define ARMOUR_DATA_MAX 16384 /* bytes inside */
#define ARMOUR_TEXT_MAX 32768

/* *out becomes the text, NUL-terminated behind its length. It ends in a newline. */
enum err armour_write(enum armour_kind kind, struct span data, struct bytes *out);
/* The one way to write it, and white space after its end, is read; all else is ERR_TEXT_FORM (also
 * the armour of another kind) or ERR_SIZE. *out is owned; seal_bytes_free() it: an invitation holds
 * a secret. */
enum err armour_read(enum armour_kind kind, struct span text, struct bytes *out);
/* What it says it is; ERR_TEXT_FORM when it begins like no armour. */
enum err armour_peek(struct span text, enum armour_kind *out);

/* A file of the keys log (section 14): this line, then one KEYS_PAGE a line, in base64. */
#define KEYS_FILE_TITLE "RELAIS KEYS 1"

/* SIGNATURE: [1, H-256("relais/file1", stmt), [role, org, kid, sig]]. */
#define SIGNATURE_FILE_KEYS 1
#define SIGNATURE_FILE_MAX 160
enum err signature_encode(struct span stmt, const struct statement_sig *sig, struct bytes *out);
enum err signature_decode(struct span data, uint8_t about[32], struct statement_sig *sig);

/* *out becomes the request with the signature in it. The same signature again changes nothing.
 * ERR_CONFLICT: the signature is about another statement. ERR_EXISTS: another signature of that
 * (role, org) is there. It is not verified: directory_apply() does, once it is complete. */
enum err request_merge(struct span request, struct span signature, struct bytes *out);

/* INVITATION: [body, sig] by the hub. All spans are borrowed from the bytes decoded. */
#define INVITATION_TEXT_MAX 256
#define INVITATION_SERVICES_MAX 64
struct invitation {
    uint8_t id[ID_BYTES];
    uint8_t federation[ID_BYTES];
    struct span federation_name;
    uint64_t mode; /* enum mode */
    struct span endpoint;
    struct span join_endpoint;
    struct box_public hub_transport;
    struct sign_public hub;
    struct sign_public keys_log;
    struct sign_public audit_log;
    struct sign_public registrar;
    struct span secret; /* one-time transport secret, 32 bytes */
    uint64_t expires_ms;
    uint8_t org[ID_BYTES];
    struct span org_name;
    uint64_t kind; /* enum org_kind */
    struct span national_id;
    struct span territory;
    size_t service_count;
    struct span services[INVITATION_SERVICES_MAX];
    bool founder;
};

/* Secrets go into *out: seal_bytes_free() it. The result is read back strictly before it is given,
 * so what a decoder would refuse is refused here. ERR_USAGE: hub is not the key given. */
enum err invitation_encode(const struct invitation *i, const struct secret_sign *hub,
                           struct bytes *out);
/* Strict; then verified under the hub key *inside it*: ERR_FORGED means damaged or altered. Who
 * that hub is, the fingerprint tells. Whether it has expired is the caller's question. */
enum err invitation_decode(struct span data, struct invitation *out);

#endif
