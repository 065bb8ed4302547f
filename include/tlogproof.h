/*
 * tlogproof - receipts as files: c2sp.org/tlog-proof@v1. One text holds the place of a leaf, the
 * way from it to a root, the signed checkpoint with that root, and `extra`: bytes that nobody
 * signed and that only help the reader to recompute the leaf (PROTOCOL.md, receipts).
 * A read proof borrows from the text it was read from. Thread rule: plain data.
 */
#ifndef RELAIS_TLOGPROOF_H
#define RELAIS_TLOGPROOF_H

#include "checkpoint.h"
#include "merkle.h"
#include "span.h"
#include "trust.h"

#define TLOG_EXTRA_MAX 16384 /* decoded bytes */
#define TLOG_PROOF_MAX 32768 /* the whole file */

struct tlog_proof {
    struct bytes extra; /* owned; empty if the file has none */
    uint64_t index;
    struct merkle_proof path;
    struct checkpoint checkpoint; /* borrows from the text */
};

/* Appends nothing: *out becomes the file. `extra` may be empty (the line is then left out). `note`
 * is a whole signed checkpoint and is included verbatim; it is parsed first, and a proof whose
 * length does not fit index and size is refused with ERR_PROOF. */
enum err tlog_proof_write(struct span extra, uint64_t index, const struct merkle_proof *path,
                          struct span note, struct bytes *out);

/* Strict: exactly the specified lines and nothing else; what is accepted here is written back
 * byte for byte by tlog_proof_write(). Nothing is verified yet. Free with tlog_proof_wipe(). */
enum err tlog_proof_read(struct span text, struct tlog_proof *out);
void tlog_proof_wipe(struct tlog_proof *p); /* a zeroed struct is fine */

/* That `leaf` (merkle_leaf_hash of the logged entry) is in a log whose checkpoint this log key
 * signed. ERR_PROOF, ERR_KEY_UNKNOWN (key did not sign), ERR_CHECKPOINT (signature wrong, or the
 * checkpoint's origin is not the key's name). */
enum err tlog_proof_check(const struct tlog_proof *p, const uint8_t leaf[MERKLE_HASH_BYTES],
                          const struct note_key *log_key);

/* The same under an auditor's policy; what was proven and by whom is in *out. A quorum that is
 * not met is no error (a receipt is logged first and witnessed later): the caller decides. */
enum err tlog_proof_verify(const struct tlog_proof *p, const uint8_t leaf[MERKLE_HASH_BYTES],
                           const struct trust *policy, struct trust_verdict *out);

#endif
