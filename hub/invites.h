/*
 * invites - the invitations this hub has made, and what has come back on each (PROTOCOL.md 7.3,
 * 14). A record never holds the one-time secret, only its public half. Thread rule: the core's.
 */
#ifndef HUB_INVITES_H
#define HUB_INVITES_H

#include "core.h"

/* OPEN: nobody has come. ASKED: a node has sent its keys. APPROVED: the operator has compared the
 * fingerprint; signatures are being collected. ENROLLED: in the keys log. REFUSED: by the operator.
 */
enum invite_state {
    INVITE_OPEN,
    INVITE_ASKED,
    INVITE_APPROVED,
    INVITE_ENROLLED,
    INVITE_REFUSED
};

struct invite {
    uint8_t id[ID_BYTES];
    enum invite_state state;
    uint64_t expires_ms;
    uint8_t key[32]; /* one-time public key */
    bool founder;
    uint8_t org[ID_BYTES];
    struct span name; /* spans borrow from the record read */
    uint64_t kind;
    struct span national_id;
    struct span territory;
    size_t service_count;
    struct span services[ORG_SERVICES_MAX];
    struct span body; /* what the node sent: enrolment body, or empty */
    uint8_t possession[SIG_BYTES];
    uint64_t leaf; /* ENROLLED: index in the keys log */
};

enum err invite_put(struct core *c, const struct invite *i);
/* Borrowed until the next write of the transaction. ERR_NOT_FOUND. */
enum err invite_get(struct core *c, const uint8_t id[ID_BYTES], struct invite *out);
enum err invite_decode(struct span row, struct invite *out);
/* In order of ids; visit returns ERR_ENOUGH to stop. */
enum err invite_each(struct core *c, enum err (*visit)(void *arg, const struct invite *i),
                     void *arg);
/* Tells the door to let the one-time key in, or to stop doing so. */
enum err invite_tell(struct core *c, const struct invite *i, bool allow);

/* --- statements of the keys log that still lack signatures ---------------------------------- */

/* Keeps an SS without, or with some, signatures. about: H-256("relais/file1", stmt). */
enum err request_put(struct core *c, struct span request, uint8_t about[32]);
enum err request_get(struct core *c, const uint8_t about[32], struct span *out); /* borrowed */
enum err request_drop(struct core *c, const uint8_t about[32]);
enum err request_each(struct core *c, enum err (*visit)(void *arg, struct span request), void *arg);
/* Adds a signature (data of a SIGNATURE file) to the request it is about; when nothing is missing
 * any more the statement goes into the keys log. *done says whether. ERR_NOT_FOUND: no request
 * waits for it. ERR_NOT_YET: signed too late for the delay of an emergency service, the request is
 * gone and the operator approves again. ERR_FORGED and the rest of directory_check(): the signature
 * is thrown away. */
enum err request_sign(struct core *c, struct span signature, bool *done);

#endif
