/*
 * operator_act - what a named operator signs (PROTOCOL.md 9.1), and the key file he signs with. The
 * file is the person's own: the hub has his public key and never the file. Used by the core, which
 * verifies, and by the command line, which signs.
 * Thread rule: pure functions.
 */
#ifndef HUB_OPERATOR_ACT_H
#define HUB_OPERATOR_ACT_H

#include "ids.h"
#include "keyfile.h"
#include "sign.h"

#define OPERATOR_ACT_MAX 256
#define OPERATOR_SUBJECT_MAX 32
#define OPERATOR_REQUEST_MAX 1024

struct operator_act {
    uint8_t federation[ID_BYTES];
    uint64_t act;        /* enum audit_act */
    struct span subject; /* of an organisation, a node, an invitation, an operator: its id */
    uint8_t request[DIGEST_256]; /* H-256("relais/operator1/request", the command as JSON) */
    uint8_t nonce[ID_BYTES];
    uint64_t expires_ms;
};

enum err operator_act_encode(const struct operator_act *a, struct bytes *out);
enum err operator_act_decode(struct span bytes, struct operator_act *out); /* subject borrows */
enum err operator_act_sign(struct span act, const struct secret_sign *key, uint8_t sig[SIG_BYTES]);
enum err operator_act_verify(struct span act, const struct sign_public *pk,
                             const uint8_t sig[SIG_BYTES]);
enum err operator_request_hash(struct span request, uint8_t out[DIGEST_256]);

/* ERR_EXISTS and what key files answer. */
enum err operator_key_make(const char *path, struct span passphrase, struct keyfile_cost cost,
                           const struct entropy *entropy, struct sign_public *pk);
enum err operator_key_open(const char *path, struct span passphrase, struct secret_sign **out);

#endif
