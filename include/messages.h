/*
 * messages - every message between node and hub as a struct (PROTOCOL.md 11), decoded once at the
 * door and encoded in one place. Decoded spans borrow from the frame.
 * message_decode() refuses an unknown type, a type the other side may not send, and a frame above
 * the type's largest size, before it reads a field.
 * Thread rule: plain data.
 */
#ifndef RELAIS_MESSAGES_H
#define RELAIS_MESSAGES_H

#include <stdbool.h>

#include "ckpt.h"
#include "ids.h"
#include "span.h"

enum message_sender {
    SENT_BY_NODE = 1,
    SENT_BY_HUB = 2,
    SENT_BY_BOTH = 3
};

enum message_type {
#define MESSAGE(name, id, by, largest, meaning) MSG_##name = id,
#include "messages.def"
#undef MESSAGE
};

#define WIRE_VERSION 1
#define VERSIONS_MAX 8
#define PAGE_ITEMS_MAX 512
#define FRAME_MAX 327680 /* ZMQ_MAXMSGSIZE: 320 KiB */
#define MESSAGE_ENVELOPE_MAX 300000
#define STATEMENT_MAX 6144 /* an SS: 4,096 bytes of statement and its signatures */

struct versions {
    size_t n;
    uint32_t v[VERSIONS_MAX];
};

struct msg_hello {
    struct versions versions;
    uint8_t incarnation[ID_BYTES];
    uint64_t session;
    uint8_t nonce[ID_BYTES];
    uint8_t hub[ID_BYTES]; /* zeros: none known */
    uint64_t last_seq;
    uint32_t credit_messages;
    uint32_t credit_bytes;
    struct ckpt keys; /* the newest heads the node holds; size 0: none */
    uint32_t epoch;   /* of the audit log; 0: none */
    struct ckpt audit;
};

struct msg_welcome {
    uint32_t version;
    uint8_t federation[ID_BYTES];
    uint8_t hub[ID_BYTES];
    uint64_t head_seq;
    struct ckpt keys;
    uint32_t epoch; /* of the audit log */
    struct ckpt audit;
    struct span opening; /* receipt of the epoch's leaf 0; empty in the first epoch */
    uint64_t time_ms;
    uint64_t acked_seq;
};

struct msg_put {
    uint64_t req;
    struct span envelope;
};

struct msg_receipt {
    uint64_t req;
    struct span receipt;
};

enum deliver_kind {
    DELIVER_ENVELOPE = 1,
    DELIVER_STATEMENT = 2,
    DELIVER_RECEIPT = 3
};

struct msg_deliver {
    uint64_t seq;
    uint64_t previous;
    enum deliver_kind kind;
    struct span item;
    struct span receipt;
};

struct msg_ack {
    uint64_t upto;
    uint32_t count;
    uint8_t root[32];
    uint32_t credit_messages;
    uint32_t credit_bytes;
    bool is_signed;
    uint8_t sig[64];
};

/* REPORT, DECLARE, KEYS_PUT, RECALL: one signed statement. */
struct msg_statement {
    uint64_t req;
    struct span ss;
};

struct msg_chain {
    uint64_t req;
    uint8_t circle[ID_BYTES];
    uint64_t from;
};

struct msg_chain_page {
    uint64_t req;
    uint8_t circle[ID_BYTES];
    uint64_t from;
    uint64_t total;
    size_t n;
    struct span ss[PAGE_ITEMS_MAX];
};

struct msg_keys {
    uint64_t req;
    uint64_t from;
};

struct msg_keys_page {
    uint64_t req;
    uint64_t from;
    size_t n;
    struct span ss[PAGE_ITEMS_MAX];
    struct ckpt head;
};

struct msg_ping {
    uint64_t seq;
    uint64_t time_ms;
    uint64_t keys_size;
};

#define WITNESSES_MAX 15 /* with the log's own line they fill a C2SP note */
#define EPOCH_MAX UINT16_MAX

/* A head and who cosigned it so far. size 0: none yet. */
struct cosigned {
    struct ckpt head;
    size_t n;
    struct cosignature {
        uint8_t node[ID_BYTES];
        uint64_t time_s;
        uint8_t sig[64];
    } by[WITNESSES_MAX];
};

struct msg_heads {
    uint32_t epoch;
    struct ckpt audit;
    struct ckpt keys;
    struct cosigned audit_seen; /* of this epoch */
    struct cosigned keys_seen;
};

/* Which log a question is about: 1 keys (epoch 0), 2 audit. */
struct log_name {
    uint32_t log;
    uint32_t epoch;
};

struct msg_consistency {
    uint64_t req;
    struct log_name of;
    uint64_t from;
    uint64_t to;
};

#define CONSISTENCY_HASHES_MAX 64
struct msg_consistency_proof {
    uint64_t req;
    struct log_name of;
    uint64_t from;
    uint64_t to;
    size_t n;
    uint8_t hash[CONSISTENCY_HASHES_MAX][32];
};

struct msg_cosign {
    uint64_t req;
    struct log_name of;
    uint64_t size;
    uint8_t root[32];
    uint64_t time_s;
    uint8_t sig[64];
};

/* Of attachments; what it is called and how large is in attachment.h. */
struct msg_att_open {
    uint64_t req;
    uint8_t address[32];
    uint64_t size;      /* of the ciphertext; 0: what have you of it? */
    struct span hashes; /* of every chunk; empty with size 0 */
};

struct msg_att_state {
    uint64_t req;
    uint8_t address[32];
    uint64_t size;
    uint32_t next; /* chunks on disk, from the first */
    bool whole;
    struct span hashes; /* for who asked with size 0 */
};

/* ATT_PUT, ATT_GET (no bytes), ATT_CHUNK, ATT_DONE (no number either). */
struct msg_att_chunk {
    uint64_t req;
    uint8_t address[32];
    uint32_t i;
    struct span chunk;
};

enum err_extra {
    EXTRA_NONE,
    EXTRA_HEAD,
    EXTRA_SUPPORTED,
    EXTRA_OWN
};

struct msg_err {
    uint64_t req;
    uint32_t code;       /* a row of err.h; an unknown number is kept as it is */
    struct span about;   /* mid, or empty */
    struct span receipt; /* may be empty */
    enum err_extra extra;
    uint64_t head_n; /* EXTRA_HEAD */
    uint8_t head[32];
    struct versions supported; /* EXTRA_SUPPORTED */
    struct log_name own_log;   /* EXTRA_OWN: which log, and what the hub has of it */
    struct ckpt own;
};

struct msg_join {
    struct versions versions;
    struct span body;
    uint8_t possession[64];
    uint8_t mac[32];
};

enum join_state {
    JOIN_APPROVAL = 1,
    JOIN_REGISTRAR = 2,
    JOIN_ENROLLED = 3,
    JOIN_REFUSED = 4
};

struct msg_join_state {
    enum join_state state;
    uint32_t code;
    struct span enrolment; /* SS, or empty */
    struct span genesis;   /* SS, or empty */
};

struct message {
    enum message_type type;
    union {
        struct msg_hello hello;
        struct msg_welcome welcome;
        struct msg_put put;
        struct msg_receipt receipt;
        struct msg_deliver deliver;
        struct msg_ack ack;
        struct msg_statement statement; /* REPORT, DECLARE, KEYS_PUT, RECALL */
        struct msg_chain chain;
        struct msg_chain_page chain_page;
        struct msg_keys keys;
        struct msg_keys_page keys_page;
        struct msg_ping ping;
        struct msg_heads heads;
        struct msg_consistency consistency;
        struct msg_consistency_proof consistency_proof;
        struct msg_cosign cosign;
        struct msg_att_open att_open;
        struct msg_att_state att_state;
        struct msg_att_chunk att_chunk; /* ATT_PUT, ATT_GET, ATT_CHUNK, ATT_DONE */
        struct msg_err err;
        struct msg_join join;
        struct msg_join_state join_state;
    };
};

/* by: who sent the frame. ERR_MESSAGE_UNKNOWN, ERR_MESSAGE_STATE (not that side's to send),
 * ERR_SIZE, or a reading error; on error *out holds at most the type. The req of a frame whose
 * fields are damaged is told by message_req(), so that the refusal can name it. */
enum err message_decode(struct span frame, enum message_sender by, struct message *out);
uint64_t message_req(struct span frame); /* 0: none */

/* *out is replaced by the frame. */
enum err message_encode(const struct message *m, struct bytes *out);

const char *message_name(enum message_type t); /* "HELLO"; "?" for no row. Static. */

/* What an ERR says of a request: false for BUSY, RATE, UNKNOWN, FULL ... (PROTOCOL.md 11, PUT):
 * whoever asked offers the same bytes again. A number that no row has is final. */
bool refusal_is_final(uint32_t code);

/* True if `v` is in the set; the highest common version, 0: none. */
uint32_t versions_common(const struct versions *theirs);

#endif
