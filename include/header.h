/*
 * header - the part of an envelope that everybody may read, and that the sender's signature covers:
 * who writes to whom, when, on which basis (PROTOCOL.md 5.1). It is signed as bytes and never
 * encoded again in order to verify.
 *
 * Decoding is strict: it refuses an unknown key below 64 (ERR_FIELD_UNKNOWN), an absent mandatory
 * field (ERR_FIELD_MISSING), a value out of range or lists that are not aligned (ERR_FIELD_VALUE),
 * another suite (ERR_SUITE), and what reader.h refuses. Keys from 64 on are skipped. What depends
 * on the moment (ts, exp) is judged by header_check_times().
 *
 * Needs libc only. Thread rule: plain data and pure functions.
 */
#ifndef RELAIS_HEADER_H
#define RELAIS_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attachment.h"
#include "ckpt.h"
#include "ids.h"
#include "reader.h"
#include "writer.h"

enum {
    HEADER_MAX = 4096,
    RECIPIENTS_MAX = 64,               /* deputies among them */
    DEPUTIES_MAX = RECIPIENTS_MAX / 2, /* one for each recipient */
    DEPUTY_AFTER_MIN_S = 60,
    DEPUTY_AFTER_MAX_S = 30 * 24 * 60 * 60,
    ENVELOPE_SUITE = 1,
    ENVELOPE_SIGN_SINGLE = 1,
    ENVELOPE_SIGN_BATCH = 2,
    SKEW_MAX_MS = 10 * 60 * 1000,
};
#define LIFETIME_MAX_MS (UINT64_C(30) * 24 * 60 * 60 * 1000)

enum header_key {
    HEADER_SUITE = 1,
    HEADER_MID,
    HEADER_TYPE,
    HEADER_FROM,
    HEADER_SKID,
    HEADER_TO,
    HEADER_TS,
    HEADER_EXP,
    HEADER_SEQ,
    HEADER_CIRCLE,
    HEADER_CLASS,
    HEADER_BASIS,
    HEADER_PURPOSE,
    HEADER_CONSENT,
    HEADER_STATUS,
    HEADER_SIGN,
    HEADER_PRIO,
    HEADER_RE,
    HEADER_DEPUTY,
    HEADER_DIR,
    HEADER_ATT,
    HEADER_ACTOR,
    HEADER_SCAT,
    HEADER_RCAT,
    HEADER_NOTICE
};

/* One attachment that travels beside the envelope. */
struct env_attachment {
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    uint64_t size; /* of its ciphertext */
};

/* One of the last ones of `to`: in whose place, and how long after the hub accepted it. */
struct env_deputy {
    uint64_t instead; /* place in `to` */
    uint64_t after_s;
};

/* Numbers are as wide as on the wire; decoding has put each within the range of its row. */
struct env_header {
    uint64_t suite;        /* ENVELOPE_SUITE */
    uint8_t mid[ID_BYTES]; /* 6 bytes of big-endian milliseconds, 10 random ones */
    uint64_t type;         /* enum envelope_type */
    uint8_t from[ID_BYTES];
    uint8_t skid[ID_BYTES];
    size_t to_count; /* 1..RECIPIENTS_MAX, deputies included */
    uint8_t to[RECIPIENTS_MAX][ID_BYTES];
    uint64_t ts;
    uint64_t exp;
    uint64_t seq;
    uint8_t circle[ID_BYTES];
    uint64_t class_mask; /* enum class_bit */
    uint64_t basis;      /* enum basis */
    uint64_t purpose;    /* 1..7 */
    bool has_consent;    /* with BASIS_CONSENTI and with nothing else */
    uint64_t consent;
    uint64_t status; /* enum mode */
    uint64_t sign;   /* ENVELOPE_SIGN_SINGLE or _BATCH */
    uint64_t prio;   /* 1 urgent */
    bool has_re;
    uint8_t re[ID_BYTES];
    struct ckpt keys_head; /* dir[0] */
    struct ckpt audit_head;
    uint8_t actor[ID_BYTES];
    uint64_t scat;                 /* enum category_bit */
    uint64_t rcat[RECIPIENTS_MAX]; /* to_count masks */
    bool has_notice;
    uint64_t notice;
    bool has_att;
    size_t att_count; /* 1..ATTACHMENTS_MAX with has_att */
    struct env_attachment att[ATTACHMENTS_MAX];
    bool has_deputy;
    size_t deputy_count; /* 1..DEPUTIES_MAX with has_deputy */
    struct env_deputy deputy[DEPUTIES_MAX];
};

/* Writes what it is given, right or wrong: envelope_seal() reads its result back strictly. Counts
 * above RECIPIENTS_MAX fail the writer with ERR_RANGE. */
void header_encode(struct writer *w, const struct env_header *h);

/* Reads the header and rd_end()s the reader. On failure *out is untouched. */
enum err header_decode(struct reader *r, struct env_header *out);

/* Step 3 of the receive order: ERR_SUITE if the first pair says another suite, ERR_OK if it says
 * ours or cannot be read (then header_decode() says what is wrong). */
enum err header_check_suite(struct span hdr);

/* Step 9, in this order: ERR_SKEW (ts more than SKEW_MAX_MS ahead), ERR_EXPIRED (exp < now),
 * ERR_EXPIRY_LIMIT (unless ts < exp <= ts + LIFETIME_MAX_MS). */
enum err header_check_times(const struct env_header *h, uint64_t now_ms);

/* How many of `to` are recipients from the start: the others are deputies (PROTOCOL.md 5.5). */
size_t header_principals(const struct env_header *h);
/* What `to[i]` is a deputy for; NULL: he is none. */
const struct env_deputy *header_deputy(const struct env_header *h, size_t i);
/* The place in `to` of the deputy of `to[i]`; to_count: there is none. */
size_t header_deputy_of(const struct env_header *h, size_t i);

/* Index of an organisation in `to`; to_count when it is not addressed. */
size_t header_recipient(const struct env_header *h, const uint8_t org[ID_BYTES]);

#endif
