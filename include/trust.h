/*
 * trust - the trust policy an auditor holds: which logs, which witnesses, which quorum, which
 * signing keys of which organisations. A text file in the form of c2sp.org/tlog-policy:
 *
 *   log <vkey> [<url>]                        name of the vkey = origin of the log
 *   former <vkey> <size>                      a log's key that was replaced, or whose log is
 * closed: it counts up to that size of the tree, and no further witness <name> <vkey> [<url>]
 * signature type 0x04; <name> is local to this file group <name> <k|any|all> <member>... members:
 * witnesses or groups named above quorum <witness|group|none>               exactly once, after
 * what it names org <hex id 16 bytes> <name to the end of the line> key <hex org id> <hex kid 16
 * bytes> <base64 Ed25519 key>   org named above
 *
 * Lines end in a newline, items are separated by blanks or tabs, lines starting with # and empty
 * lines are skipped, any other line is an error. `former`, `org` and `key` are additions of Relais:
 * without them the file is a C2SP policy, with two differences. One key may serve several origins
 * (a hub has two logs and a new one each year; the signed text names the origin), so a log is a
 * duplicate only with the same origin and key. And a witness may not use the key of a log. A policy
 * is immutable once read. Thread rule: any thread.
 */
#ifndef RELAIS_TRUST_H
#define RELAIS_TRUST_H

#include <stddef.h>
#include <stdint.h>

#include "checkpoint.h"
#include "err.h"
#include "keys.h"
#include "span.h"

#define TRUST_FILE_MAX (1024 * 1024)
#define TRUST_LOGS_MAX 128 /* `former` ones among them */
#define TRUST_WITNESSES_MAX 32
#define TRUST_GROUPS_MAX 32
#define TRUST_ORGS_MAX 4096
#define TRUST_KEYS_MAX 8192
#define TRUST_NAME_MAX 200 /* bytes of an organisation's name */
#define TRUST_ORG_BYTES 16

struct trust;

/* On failure *line (may be NULL) is the offending line, counted from 1, or 0 when the whole file
 * is at fault (too large, no quorum line, out of memory). ERR_FIELD_UNKNOWN for an unknown line,
 * ERR_FIELD_MISSING, ERR_FIELD_VALUE, ERR_TEXT_FORM, ERR_DUPLICATE_KEY, ERR_ITEMS (too many). */
enum err trust_read(struct span text, struct trust **out, unsigned *line);
void trust_free(struct trust *t); /* NULL is fine */

size_t trust_log_count(const struct trust *t);
const struct note_key *trust_log(const struct trust *t, size_t i); /* NULL when out of range */
size_t trust_witness_count(const struct trust *t);
const struct note_key *trust_witness(const struct trust *t, size_t i);
const char *trust_witness_name(const struct trust *t, size_t i); /* as in the file; NULL */

const char *trust_org_name(const struct trust *t, const uint8_t org[TRUST_ORG_BYTES]); /* NULL */
enum err trust_org_key(const struct trust *t, const uint8_t org[TRUST_ORG_BYTES],
                       const uint8_t kid[KID_BYTES], struct sign_public *pk); /* ERR_KEY_UNKNOWN */

/* What a checkpoint is worth under the policy. */
struct trust_verdict {
    size_t log;         /* index of the log key that signed */
    uint32_t witnesses; /* bit i: witness i cosigned */
    unsigned cosigned;  /* how many bits that is */
    int quorum_met;     /* also 1 under `quorum none` */
    int quorum_none;    /* the policy asks for no witness */
    uint64_t oldest_s;  /* cosigning times, POSIX seconds; both 0 without a cosignature */
    uint64_t newest_s;
    uint64_t time_s[TRUST_WITNESSES_MAX]; /* of witness i, if its bit is set */
};

/* ERR_KEY_UNKNOWN: no listed log of this origin signed. ERR_KEY_REVOKED: only a former one did, and
 * the tree is larger than it may sign. ERR_CHECKPOINT: a listed log or witness
 * key is named in a signature line and the signature is wrong (the whole note is refused). */
enum err trust_checkpoint(const struct trust *t, const struct checkpoint *c,
                          struct trust_verdict *out);

/* Does this set of witnesses (bit i as above) satisfy the quorum rule? */
int trust_quorum(const struct trust *t, uint32_t witnesses);

#endif
