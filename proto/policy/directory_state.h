/*
 * directory_state - the inside of struct directory, for directory.c (questions),
 * directory_verify.c (may this be applied?) and directory_apply.c (the one writer).
 * Thread rule: as directory.h.
 */
#ifndef RELAIS_DIRECTORY_STATE_H
#define RELAIS_DIRECTORY_STATE_H

#include "directory.h"
#include "idmap.h"

struct directory {
    enum directory_clock clock;
    uint64_t size; /* leaves applied */
    bool founded;
    struct federation federation; /* its name lies in name[] */
    uint8_t name[FEDERATION_NAME_MAX];

    struct directory_org *orgs;
    size_t org_count, org_cap;
    struct directory_node *nodes;
    uint8_t **bodies; /* of the enrolment of each node, owned; spans of orgs point in */
    size_t node_count, node_cap, body_cap;
    struct directory_prekey *prekeys;
    size_t prekey_count, prekey_cap;
    struct directory_suspension *suspensions;
    size_t suspension_count, suspension_cap;
    struct directory_former *formers;
    size_t former_count, former_cap;

    struct directory_witnesses witnesses; /* count 0: none */

    struct hub_key_list {
        size_t count;
        struct hub_key_used row[HUB_KEYS_MAX + 1]; /* the last is that of `federation` */
    } hub_keys[HUB_KEY_AUDIT_LOG + 1];             /* by enum hub_key */
    uint64_t hub_hold_ms;                          /* directory_hub_hold_ms() */

    struct idmap by_org, by_node;
    struct idmap by_signing, by_transport, by_prekey, by_witness; /* by key id */
};

/* A statement understood and found good. */
struct verified {
    enum keys_kind kind;
    struct federation federation; /* GENESIS */
    struct enrolment enrolment;   /* ENROL, RESET */
    struct span body;
    uint64_t effect_ms;
    struct prekey_statement prekey; /* ENROL (number 1), PREKEY, ROTATE_NODE */
    uint64_t reason;                /* SUSPEND, REVOKE */
    uint32_t org;                   /* index; DIRECTORY_NONE: a new one */
    uint32_t node;                  /* index; REVOKE: DIRECTORY_NONE is all */
    uint64_t ts_ms;
    struct directory_witnesses witnesses; /* WITNESS_SET, without its leaf */
    struct witness_key_statement witness; /* WITNESS_KEY */
    struct node_key_statement node_key;   /* ROTATE_NODE */
    struct hub_key_statement hub_key;     /* ROTATE_HUB */
    bool agreed;                          /* ROTATE_HUB: by the hub itself */
    bool by_own_node;                     /* ENROL: by a node of the same organisation */
    struct directory_absence absence;     /* ABSENCE, without its leaf */
};

enum err directory_verify(const struct directory *d, uint64_t index, struct span ss,
                          struct verified *out); /* *out is zeroed by the caller */

/* directory_witness.c */
enum err witness_set_verify(const struct directory *d, const struct statement *s,
                            struct verified *v);
enum err witness_key_verify(const struct directory *d, const struct statement *s,
                            struct verified *v);
void witness_apply(struct directory *d, const struct verified *v);
/* directory_hubkey.c */
enum err hub_key_verify(const struct directory *d, const struct statement *s, struct verified *v);
void hub_key_apply(struct directory *d, const struct verified *v);
void hub_keys_begin(struct directory *d); /* those of the genesis */
/* Statements by the hub are of then or later. */
uint64_t hub_signs_since(const struct directory *d);
/* Beside the registrar two houses of different kinds have signed, none the operator's nor the one
 * that it is about, and nobody else. ERR_COUNTERSIGN. */
enum err directory_countersigned(const struct directory *d, const struct statement *s,
                                 const struct verified *v);
/* directory_nodekey.c */
enum err node_key_verify(const struct directory *d, const struct statement *s, struct verified *v);
/* directory_verify.c: signed by that one, beside others. */
enum err directory_signed_by(const struct statement *s, enum statement_role role,
                             const uint8_t *org, const struct sign_public *pk);
/* May a node of this organisation sign with it; may it be a transport key or prekey? Each key has
 * one purpose, and one owner, for ever. */
bool directory_signing_free(const struct directory *d, const uint8_t org[ID_BYTES],
                            const struct sign_public *pk);
bool directory_box_free(const struct directory *d, const struct box_public *pk);
/* The prekey follows the newest of that node. ERR_CHAIN, ERR_EXISTS. */
enum err directory_prekey_follows(const struct directory *d, const struct directory_node *n,
                                  const struct prekey_statement *p);
/* directory_absence.c */
enum err absence_verify(const struct directory *d, const struct statement *s, struct verified *v);
void absence_apply(struct directory *d, const struct verified *v, uint64_t since_ms);
/* Signed by that one and nobody else: a signature that nobody verifies is not let in. */
enum err directory_signed_alone(const struct statement *s, enum statement_role role,
                                const uint8_t *org, const struct sign_public *pk);
/* The registrar's, or one that the hub has or had. */
bool directory_key_is_hubs(const struct directory *d, const uint8_t pk[KEY_BYTES]);

#endif
