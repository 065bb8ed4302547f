/*
 * receipt - what the audit log says about one event, with its proof: the wire form of
 * PROTOCOL.md 10.2, the detail map of section 9, and the commitment that binds the two.
 * A decoded receipt borrows from the bytes it was read from. Nothing is verified by decoding:
 * receipt_check() does it. Needs libc and seal/ only.
 * Thread rule: plain data.
 */
#ifndef RELAIS_RECEIPT_H
#define RELAIS_RECEIPT_H

#include <stdbool.h>

#include "ckpt.h"
#include "ids.h"
#include "keys.h"
#include "merkle.h"
#include "span.h"

#define RECEIPT_MAX 8000
#define DETAIL_MAX 6144 /* 64 recipients and a report fit */
#define ENTRY_MAX 64
#define SALT_BYTES 32
#define LINK_BYTES 32

enum receipt_log {
    LOG_KEYS = 1,
    LOG_AUDIT = 2
};

/* Detail: `has` says which keys of section 9 are present (RD_KEY(n)). Arrays borrow. */
struct detail {
    uint64_t has;
    uint8_t mid[ID_BYTES];
    uint8_t digest[DIGEST_BYTES];
    uint8_t from[ID_BYTES];
    uint8_t actor[ID_BYTES];
    uint8_t circle[ID_BYTES];
    uint64_t n;
    uint8_t link[LINK_BYTES];
    size_t to_count;
    uint8_t to[64][ID_BYTES];
    uint32_t code;
    uint8_t root[32];
    uint64_t upto;
    uint8_t statement[32];
    uint64_t chain_n;
    uint8_t by_org[ID_BYTES];
    uint8_t by_node[ID_BYTES];
    uint8_t kid[KID_BYTES];
    uint8_t sig[64];
    uint64_t count;
    uint64_t act;
    struct span about;         /* borrowed */
    uint8_t instead[ID_BYTES]; /* for whom a deputy stands in, and from when on */
    uint64_t due_ms;
    uint64_t epoch;  /* the former one */
    uint64_t common; /* its size that all share, and the root there */
    uint8_t common_root[32];
    uint64_t lost; /* leaves from there up to this size are lost */
    uint64_t heard_ms;
    uint64_t roles;
    uint8_t operator1[KID_BYTES]; /* who signed first, and second */
    uint8_t operator1_sig[64];
    uint8_t operator2[KID_BYTES];
    uint8_t operator2_sig[64];
    uint8_t address[32]; /* of an attachment, and its size */
    uint64_t size;
};

enum detail_key {
    DETAIL_MID = 1,
    DETAIL_DIGEST,
    DETAIL_FROM,
    DETAIL_ACTOR,
    DETAIL_CIRCLE,
    DETAIL_N,
    DETAIL_LINK,
    DETAIL_TO,
    DETAIL_CODE,
    DETAIL_ROOT,
    DETAIL_UPTO,
    DETAIL_STATEMENT,
    DETAIL_CHAIN_N,
    DETAIL_BY_ORG,
    DETAIL_BY_NODE,
    DETAIL_KID,
    DETAIL_SIG,
    DETAIL_COUNT,
    DETAIL_ACT,
    DETAIL_ABOUT,
    DETAIL_HEARD,
    DETAIL_ROLES,
    DETAIL_INSTEAD,
    DETAIL_DUE,
    DETAIL_EPOCH = 26,
    DETAIL_COMMON,
    DETAIL_COMMON_ROOT,
    DETAIL_LOST,
    DETAIL_ADDRESS = 30,
    DETAIL_SIZE,
    DETAIL_OPERATOR = 34,
    DETAIL_OPERATOR_SIG,
    DETAIL_SECOND,
    DETAIL_SECOND_SIG
};

enum err detail_encode(const struct detail *d, struct bytes *out);
enum err detail_decode(struct span in, struct detail *out);

/* Entry = [type, hub time, c]; c = H-256[salt]("relais/audit1", detail). */
enum err entry_encode(enum audit_type type, uint64_t time_ms, const uint8_t c[32],
                      struct bytes *out);
enum err entry_decode(struct span in, uint64_t *type, uint64_t *time_ms, uint8_t c[32]);
enum err detail_commit(const uint8_t salt[SALT_BYTES], struct span detail, uint8_t c[32]);
/* Link of the next entry of a circle: H-256("relais/audit1/link", entry). */
enum err entry_link(struct span entry, uint8_t link[LINK_BYTES]);

/* Where (mid, digest) stands in the tree of one ACK. */
struct receipt_path {
    uint8_t mid[ID_BYTES];
    uint8_t digest[DIGEST_BYTES];
    uint64_t index;
    uint64_t count;
    struct merkle_proof proof;
};

struct receipt {
    enum receipt_log log;
    uint64_t index;
    struct span entry; /* borrowed */
    uint8_t salt[SALT_BYTES];
    struct span detail; /* borrowed */
    struct merkle_proof inclusion;
    struct ckpt head; /* size, root and the log's signature */
    bool has_path;
    struct receipt_path path;
};

enum err receipt_encode(const struct receipt *r, struct bytes *out);
enum err receipt_decode(struct span in, struct receipt *out);

/* Leaf of an ACK's tree: RFC 6962 leaf over mid || digest. */
void receipt_path_leaf(const uint8_t mid[ID_BYTES], const uint8_t digest[DIGEST_BYTES],
                       uint8_t leaf[32]);

/* What a receipt proves once checked. */
struct receipt_facts {
    uint64_t type;
    uint64_t time_ms;
    struct detail detail; /* borrows */
};
/* Salt, detail and entry fit each other, and (type delivered) the path leads to the root that was
 * signed. Says nothing about the log. ERR_PROOF or a reading error. */
enum err receipt_read(const struct receipt *r, struct receipt_facts *out);
/* Commitment, inclusion, checkpoint signature under the audit log's key, and (type delivered) the
 * path. ERR_PROOF, ERR_CHECKPOINT, or a reading error. */
enum err receipt_check(const struct receipt *r, struct span origin, const struct sign_public *log,
                       struct receipt_facts *out);

/* The extra of a receipt file (10.3): [1, entry, salt, detail, path]. */
enum err receipt_extra_encode(const struct receipt *r, struct bytes *out);
enum err receipt_extra_decode(struct span in, struct receipt *out); /* fills those fields only */

/* Digest that an ACK signs (PROTOCOL.md 11). */
struct ack_claim {
    uint8_t federation[ID_BYTES];
    uint8_t hub[ID_BYTES]; /* incarnation */
    uint8_t org[ID_BYTES];
    uint8_t node[ID_BYTES];
    uint64_t after;
    uint64_t upto;
    uint32_t count;
    uint8_t root[32];
};
enum err ack_digest(const struct ack_claim *a, uint8_t out[DIGEST_BYTES]);

#endif
