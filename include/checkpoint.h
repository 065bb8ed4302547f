/*
 * checkpoint - signed tree heads: c2sp.org/tlog-checkpoint inside c2sp.org/signed-note, Ed25519.
 *
 *     origin \n size \n base64(root) \n \n  then lines   "— " name " " base64(key id || sig) \n
 *
 * Signature types: 0x01, a log signs its own head; 0x04, a witness cosigns it with its time
 * (c2sp.org/tlog-cosignature, cosignature/v1). No extension lines. Lines of keys the reader does
 * not know are carried and ignored, a line of a known key must verify or the note is refused.
 * A cosignature does not commit to the name: a witness role has a key of its own.
 * Thread rule: plain data; a read checkpoint borrows from its text.
 */
#ifndef RELAIS_CHECKPOINT_H
#define RELAIS_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "merkle.h"
#include "sign.h"
#include "span.h"

#define NOTE_MAX 4096          /* bytes of a whole note */
#define NOTE_NAME_MAX 128      /* of a key name, and of an origin */
#define NOTE_SIGNATURES_MAX 16 /* what signed-note asks for at least */
#define NOTE_KEY_ID_BYTES 4
#define NOTE_BLOB_MAX (8 + SIG_BYTES) /* after the key id: time and signature */
#define NOTE_TIME_MAX INT64_MAX

enum note_kind {
    NOTE_SIGNED = 0x01,
    NOTE_COSIGNED = 0x04
};

struct note_key {
    struct sign_public pk;
    enum note_kind kind;
    uint8_t id[NOTE_KEY_ID_BYTES]; /* SHA-256(name \n kind pk)[:4] */
    size_t name_len;
    char name[NOTE_NAME_MAX + 1]; /* NUL-terminated */
};

/* ERR_FIELD_VALUE: empty, too long, a space, a plus, a control character, or not UTF-8. */
enum err note_name_check(struct span name);
enum err note_key_init(struct note_key *k, struct span name, enum note_kind kind,
                       const struct sign_public *pk);
/* All *out of this header: what it held is freed, a failed call leaves it untouched.
 * The vkey form: name "+" 8 hex digits "+" base64(kind pk). The key id in it is checked. Reading:
 * ERR_TEXT_FORM, ERR_FIELD_VALUE, ERR_UNSUPPORTED (another signature type). */
enum err note_key_read(struct span vkey, struct note_key *out);
enum err note_key_write(const struct note_key *k, struct bytes *out); /* NUL-terminated */

struct note_line {
    struct span name;
    uint8_t id[NOTE_KEY_ID_BYTES];
    size_t blob_len;             /* as signed; above NOTE_BLOB_MAX only its length is kept */
    uint8_t blob[NOTE_BLOB_MAX]; /* [time u64 BE ||] signature */
};

struct checkpoint {
    struct span note;   /* everything */
    struct span body;   /* the signed text: three lines with their newlines */
    struct span origin; /* without newline */
    uint64_t size;
    uint8_t root[MERKLE_HASH_BYTES];
    size_t line_count; /* 1 to NOTE_SIGNATURES_MAX */
    struct note_line lines[NOTE_SIGNATURES_MAX];
};

/* Strict reading; nothing is verified. ERR_SIZE, ERR_UTF8 (also: control characters), ERR_ITEMS,
 * ERR_RANGE (tree size), ERR_TRUNCATED, ERR_TEXT_FORM, ERR_NOMEM. */
enum err checkpoint_read(struct span note, struct checkpoint *out);

/* The log's own signature. ERR_KEY_UNKNOWN: this key has no line, or its name is not the origin.
 * ERR_CHECKPOINT: a line of this key does not verify. */
enum err checkpoint_verify(const struct checkpoint *c, const struct note_key *log_key);

/* The same, and the verified signature itself, for the short form of the wire. */
enum err checkpoint_signature(const struct checkpoint *c, const struct note_key *log_key,
                              uint8_t sig[SIG_BYTES]);

/* A witness's. *time_s (may be NULL) is the newest if it has several lines; all must verify. */
enum err checkpoint_verify_cosigned(const struct checkpoint *c, const struct note_key *witness,
                                    uint64_t *time_s);

/* *out becomes the signed text alone: three lines, origin being a key name. */
enum err checkpoint_body(struct span origin, uint64_t size, const uint8_t root[MERKLE_HASH_BYTES],
                         struct bytes *out);

/* *out becomes the note from its parts, as the wire carries them (PROTOCOL.md 10.1). The signature
 * is not verified. */
enum err checkpoint_assemble(struct span origin, uint64_t size,
                             const uint8_t root[MERKLE_HASH_BYTES], const struct sign_public *pk,
                             const uint8_t sig[SIG_BYTES], struct bytes *out);

/* *out becomes the note with one line, named like the origin. The same head gives the same bytes.
 * Whoever calls this must know that the head is committed: a log never signs two histories. */
enum err checkpoint_sign(struct span origin, uint64_t size, const uint8_t root[MERKLE_HASH_BYTES],
                         const struct secret_sign *key, struct bytes *out);

/* *out becomes one signature line over a note that the caller has verified and found consistent
 * with all it cosigned before. ERR_RANGE: time above NOTE_TIME_MAX. */
enum err checkpoint_cosign(const struct checkpoint *c, struct span name, uint64_t time_s,
                           const struct secret_sign *key, struct bytes *out);

/* The same in the short form of the wire: the signature alone. Names do not matter to it. */
enum err cosignature_make(struct span origin, uint64_t size, const uint8_t root[MERKLE_HASH_BYTES],
                          uint64_t time_s, const struct secret_sign *key, uint8_t sig[SIG_BYTES]);
/* ERR_CHECKPOINT unless it is this witness's. */
enum err cosignature_verify(struct span origin, uint64_t size,
                            const uint8_t root[MERKLE_HASH_BYTES], uint64_t time_s,
                            const struct sign_public *witness, const uint8_t sig[SIG_BYTES]);
/* *out becomes the signature line of a note, made from the short form. */
enum err cosignature_line(struct span name, const struct sign_public *witness, uint64_t time_s,
                          const uint8_t sig[SIG_BYTES], struct bytes *out);

/* *out becomes the note with the line added at its end, once it verifies under this witness key.
 * ERR_EXISTS if the note has a line of that key, ERR_ITEMS and ERR_SIZE when full. */
enum err checkpoint_add_line(const struct checkpoint *c, struct span line,
                             const struct note_key *witness, struct bytes *out);

#endif
