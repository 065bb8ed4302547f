/*
 * err - the one error type of Relais. Codes travel on the wire (PROTOCOL.md 9) and in logs:
 * a row is never renumbered or reused, rows are only added. What a person reads in French is
 * made from the code by the program that speaks to her, never by the library.
 * Thread rule: constants only, any thread.
 */
#ifndef RELAIS_ERR_H
#define RELAIS_ERR_H

/* clang-format off */
#define ERRORS(X)                                                                                 \
    X(ERR_OK, 0, "success")                                                                       \
    /* the machine: 1 to 29 */                                                                    \
    X(ERR_NOMEM, 1, "out of memory")                                                              \
    X(ERR_RANGE, 2, "a value is outside its limits")                                              \
    X(ERR_USAGE, 3, "arguments are missing or make no sense together")                            \
    X(ERR_IO, 4, "input or output error")                                                         \
    X(ERR_NOT_FOUND, 5, "no such thing")                                                          \
    X(ERR_EXISTS, 6, "exists already")                                                            \
    X(ERR_STATE, 7, "not possible in this state")                                                 \
    X(ERR_BUSY, 8, "queue full: slow down and offer again")                                       \
    X(ERR_TIMEOUT, 9, "no answer in time")                                                        \
    X(ERR_LOCKED, 10, "in use by another process")                                                \
    X(ERR_FULL, 11, "no space left on the device or in the map")                                  \
    X(ERR_READONLY, 12, "the file system or file is read-only")                                   \
    X(ERR_CORRUPT, 13, "stored data does not check")                                              \
    X(ERR_UNSUPPORTED, 14, "not supported by this build")                                         \
    X(ERR_INTERNAL, 15, "an invariant does not hold")                                             \
    X(ERR_CONF, 16, "the configuration is not valid")                                             \
    X(ERR_CLOSED, 17, "the other side is gone")                                                   \
    X(ERR_AGAIN, 18, "nothing to do now")                                                         \
    X(ERR_FILESYSTEM, 19, "this file system cannot hold a store (network file system)")           \
    X(ERR_CONFLICT, 20, "another writer came first: read again and retry")                        \
    X(ERR_UNKNOWN, 21, "the outcome of the commit is unknown: ask again with the same id")        \
    X(ERR_PERMISSION, 22, "permission denied, or permissions too open")                           \
    X(ERR_STOPPING, 23, "the daemon is stopping")                                                 \
    X(ERR_ENOUGH, 24, "a visitor has seen enough: ends a scan, never an answer")                  \
    /* reading bytes: 30 to 49 */                                                                 \
    X(ERR_SIZE, 30, "larger or smaller than allowed")                                             \
    X(ERR_TRUNCATED, 31, "ends too early")                                                        \
    X(ERR_TRAILING, 32, "bytes after the end")                                                    \
    X(ERR_TYPE, 33, "a value of another type was expected")                                       \
    X(ERR_NOT_CANONICAL, 34, "not the one canonical encoding")                                    \
    X(ERR_DEPTH, 35, "nested too deeply")                                                         \
    X(ERR_ITEMS, 36, "too many items")                                                            \
    X(ERR_DUPLICATE_KEY, 37, "a key occurs twice")                                                \
    X(ERR_KEY_ORDER, 38, "keys are not in ascending order")                                       \
    X(ERR_UTF8, 39, "text is not valid UTF-8, or contains a NUL")                                 \
    X(ERR_NFC, 40, "text is not in Unicode normal form C")                                        \
    X(ERR_FIELD_UNKNOWN, 41, "a field that is not in the schema")                                 \
    X(ERR_FIELD_MISSING, 42, "a required field is missing")                                       \
    X(ERR_FIELD_VALUE, 43, "a field has a value that is not allowed")                             \
    X(ERR_TEXT_FORM, 44, "text form (hex, base64, armour) is damaged")                            \
    /* cryptography and proofs: 50 to 69 */                                                       \
    X(ERR_FORGED, 50, "signature does not verify")                                                \
    X(ERR_OPEN, 51, "content cannot be opened")                                                   \
    X(ERR_PASSPHRASE, 52, "wrong passphrase, or the key file was altered")                        \
    X(ERR_KEY_UNKNOWN, 53, "signing key is not known for this organisation")                      \
    X(ERR_KEY_REVOKED, 54, "signing key is revoked")                                              \
    X(ERR_VERSION, 55, "version is not supported")                                                \
    X(ERR_SUITE, 56, "cryptographic suite is not supported")                                      \
    X(ERR_PROOF, 57, "inclusion or consistency proof does not check")                             \
    X(ERR_CHECKPOINT, 58, "checkpoint does not verify under the log's key")                       \
    X(ERR_SPLIT_VIEW, 59, "two histories of one log: evidence kept, service stopped")             \
    X(ERR_FINGERPRINT, 60, "fingerprint differs: somebody stands between, or a typing error")     \
    X(ERR_RANDOM, 61, "no randomness available")                                                  \
    X(ERR_ROLLBACK, 62, "older than what was seen before")                                        \
    X(ERR_RECOVERING, 63, "hub restored from a backup: it collects what its members hold")        \
    X(ERR_EPOCH, 64, "an audit log epoch without the leaf that says where it came from")          \
    X(ERR_UNWITNESSED, 65, "no quorum of witnesses has cosigned the keys log for too long")       \
    X(ERR_BEHIND, 66, "the hub has lost what its logs have signed: it serves nobody")             \
    /* session and enrolment: 70 to 89 */                                                         \
    X(ERR_NOT_ENROLLED, 70, "key is not enrolled")                                                \
    X(ERR_SUSPENDED, 71, "organisation is suspended")                                             \
    X(ERR_REVOKED, 72, "organisation or key is revoked")                                          \
    X(ERR_FROM, 73, "sender is not the organisation of this session")                             \
    X(ERR_FENCED, 74, "a newer session of this node has taken over")                              \
    X(ERR_CLONED, 75, "the same key runs in two places: delivery stopped until a human decides")  \
    X(ERR_MESSAGE_UNKNOWN, 76, "unknown message type")                                            \
    X(ERR_MESSAGE_STATE, 77, "message not expected now")                                          \
    X(ERR_INVITATION, 78, "invitation unknown, used or expired")                                  \
    X(ERR_RATE, 79, "rate limit reached: slow down")                                              \
    X(ERR_CREDIT, 80, "credit exceeded")                                                          \
    X(ERR_POSSESSION, 81, "proof of possession does not verify")                                  \
    X(ERR_WAITING, 82, "enrolment is not complete: waiting for the registrar")                    \
    X(ERR_COUNTERSIGN, 83, "a required countersignature is missing")                              \
    X(ERR_NOT_YET, 84, "enrolment has not taken effect yet")                                      \
    X(ERR_OPERATOR, 85, "a named operator has to sign this act")                                  \
    X(ERR_OPERATOR_SAME, 86, "another operator has to confirm, not the first again")             \
    X(ERR_OPERATORS_FEW, 87, "fewer operators are named than this act needs")                     \
    X(ERR_HUB_KEY, 88, "the hub lacks a key that the keys log has in force")                      \
    X(ERR_HUB_KEY_HOLD, 89, "a log of the hub has another key, not in effect yet")                \
    /* admission: 90 to 119 */                                                                    \
    X(ERR_ADDRESSEE, 90, "a recipient is unknown, or the key used is not its live key")           \
    X(ERR_EXPIRED, 91, "expired")                                                                 \
    X(ERR_EXPIRY_LIMIT, 92, "expires too late, or before it was made")                            \
    X(ERR_SKEW, 93, "clocks differ by more than ten minutes")                                     \
    X(ERR_DUPLICATE, 94, "accepted before: the first receipt stands")                             \
    X(ERR_MID_REUSED, 95, "this message id was used for other content")                           \
    X(ERR_STALE_HEAD, 96, "the circle has moved on: read its chain and try again")                \
    X(ERR_QUOTA, 97, "quota reached")                                                             \
    X(ERR_MODE, 98, "real and exercise do not mix")                                               \
    X(ERR_RECALLED, 99, "recalled")                                                               \
    X(ERR_TOO_LATE, 100, "nobody is left to recall it from: too late")                            \
    X(ERR_ATTACHMENT_MISSING, 104, "an attachment is not whole at the hub")                       \
    X(ERR_ATTACHMENT_RIGHT, 105, "this attachment was not sent to this organisation")             \
    X(ERR_ATTACHMENT_QUOTA, 106, "the hub keeps as many bytes of attachments as it may: later")   \
    X(ERR_ATTACHMENT_ADDRESS, 107, "a chunk is not what the attachment's address says")           \
    X(ERR_SENDER_QUOTA, 108, "the sender's undelivered messages fill its quota: later")           \
    X(ERR_HUB_QUOTA, 109, "the hub keeps as many messages as it may: later")                      \
    X(ERR_HUB_FULL, 110, "the disk of the hub is full: later")                                    \
    X(ERR_NO_ROOM, 111, "no room on this disk for an attachment that comes: later")               \
    X(ERR_LOG_DAY, 112, "the organisation has logged as much as it may in a day: tomorrow")       \
    X(ERR_LOG_TOTAL, 113, "the organisation has logged as much as it may: the operator decides")  \
    X(ERR_CIRCLES_QUOTA, 114, "the organisation has created as many circles as it may")           \
    /* circle and lawful basis: 120 to 159 */                                                     \
    X(ERR_NOT_IN_CIRCLE, 120, "not a member of this circle")                                      \
    X(ERR_FORMER_MEMBER, 121, "no longer a member of this circle")                                \
    X(ERR_RIGHT, 122, "this statement needs a right that its author does not have")               \
    X(ERR_NOTICE_MISSING, 123, "no information notice covers this recipient and class")           \
    X(ERR_OPPOSITION, 124, "the person opposes this exchange")                                    \
    X(ERR_CONSENT_MISSING, 125, "no consent covers this recipient and class")                     \
    X(ERR_CONSENT_WITHDRAWN, 126, "the consent was withdrawn")                                    \
    X(ERR_CONSENT_VERSION, 127, "the consent relied on is not the current one")                   \
    X(ERR_CLASS, 128, "this class of information is not open to that recipient")                  \
    X(ERR_BASIS, 129, "no lawful basis is stated, or it does not fit")                            \
    X(ERR_NOT_IN_TEAM, 130, "recipient is not in the same equipe de soins")                       \
    X(ERR_CATEGORY, 131, "declared professional category does not fit the circle")                \
    X(ERR_CIRCLE_CLOSED, 132, "the circle is closed")                                             \
    X(ERR_WIDENING, 133, "a widening must name what it supersedes and come from who may widen")   \
    X(ERR_MISLABELLED, 134, "content does not match its label")                                   \
    X(ERR_CHAIN, 135, "statement chain does not verify")                                          \
    X(ERR_AUDIENCE, 136, "restricted content has exactly one recipient")                          \
    /* node: persons and documents: 160 to 199 */                                                 \
    X(ERR_INS_KEY, 160, "INS check key is wrong")                                                 \
    X(ERR_INS_MODE, 161, "test identities and real ones do not mix")                              \
    X(ERR_INS_STATUS, 162, "identity status does not allow this")                                 \
    X(ERR_TRAITS, 163, "identity traits are missing or not valid")                                \
    X(ERR_UNIDENTIFIED, 164, "the person is not identified yet: a human must link first")         \
    X(ERR_ATTACHMENT_SIZE, 165, "attachment is too large for this version")                       \
    X(ERR_SCHEMA, 166, "document does not follow its schema")                                     \
    X(ERR_ACTOR, 167, "acting professional is not stated or not valid")                           \
    X(ERR_NOT_JOINED, 168, "this node is not enrolled at a hub yet")                              \
    X(ERR_OFFLINE, 169, "hub not reachable: kept, will be sent")                                  \
    X(ERR_QUARANTINED, 170, "kept aside: label and content disagree")                             \
    X(ERR_FILE_KIND, 171, "not an open regular file, or not open for this")                       \
    X(ERR_FILE_CHANGED, 172, "the file changed while it was read")                                \
    X(ERR_NOT_SCANNED, 176, "no scanner has looked at this attachment")                           \
    X(ERR_INFECTED, 177, "the scanner found this attachment infected")                            \
    X(ERR_NOT_HERE_YET, 178, "the attachment is not here yet")
/* clang-format on */

#define X(name, code, text) name = code,
enum [[nodiscard]] err{ERRORS(X)};
#undef X

const char *err_name(enum err e); /* "ERR_OK"; "ERR_?" for a number that is no row. Static. */
const char *err_text(enum err e); /* English, for logs and developers. Static. */
int err_known(unsigned code);     /* 1 if the number is a row */

#endif
