/*
 * person - the persons this node knows, each record under her own key.
 *
 * An *own* person was entered here. A *provisional* one (personne à identifier) was opened by a
 * document about somebody this node does not know; a human links it to an own person. A link is one
 * row that points: nothing is copied, merged or moved, so taking it back restores what was,
 * exactly. Documents stay under the person they came for, and are listed under whom she is linked
 * to. Thread rule: the loop's. t is the caller's transaction.
 */
#ifndef CARE_PERSON_H
#define CARE_PERSON_H

#include "identity.h"
#include "node.h"

struct person {
    uint8_t id[ID_BYTES];
    bool provisional;
    uint8_t from[ID_BYTES]; /* provisional: the organisation whose document opened her */
    uint64_t created_ms;
    struct identity identity;
};

/* p->id is given by the vault. ERR_EXISTS: an own person has this local identifier; else as
 * identity_check(). */
enum err person_add(struct node *n, struct txn *t, struct person *p);
enum err person_get(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], struct person *out);
/* Replaces identity and indexes of one that exists. */
enum err person_put(struct node *n, struct txn *t, const struct person *p);
enum err person_each(struct node *n, struct txn *t,
                     enum err (*visit)(void *arg, const struct person *p), void *arg);
/* As typed: hex id, its first or last digits (4 at least, unique), or the local identifier of an
 * own person. ERR_NOT_FOUND; ERR_USAGE: several fit. */
enum err person_find(struct node *n, struct txn *t, const char *typed, uint8_t id[ID_BYTES]);

/* Whom this one stands for: herself, or whom she is linked to. */
enum err person_resolve(struct node *n, struct txn *t, const uint8_t id[ID_BYTES],
                        uint8_t resolved[ID_BYTES]);
/* ERR_STATE: `from` is not provisional, or `to` is; ERR_EXISTS: linked already. */
enum err person_link(struct node *n, struct txn *t, const uint8_t from[ID_BYTES],
                     const uint8_t to[ID_BYTES], const uint8_t actor[ID_BYTES]);
enum err person_unlink(struct node *n, struct txn *t, const uint8_t from[ID_BYTES],
                       uint8_t was[ID_BYTES]); /* ERR_NOT_FOUND: not linked */
enum err person_links_each(struct node *n, struct txn *t,
                           enum err (*visit)(void *arg, const uint8_t from[ID_BYTES],
                                             const uint8_t to[ID_BYTES]),
                           void *arg);

/* care_hooks.person and .circle_ready */
enum err person_of_document(struct node *n, struct txn *t, const struct identity *who,
                            const uint8_t from[ID_BYTES], const uint8_t *circle_person,
                            uint8_t person[ID_BYTES]);
enum err person_circle_ready(struct node *n, struct txn *t, const uint8_t id[ID_BYTES]);

#endif
