/*
 * contacts - the pinned federation and a replica of its whole keys log (PROTOCOL.md 7). Every
 * entry is verified, hashed into our own tree and compared with the head the hub signed, before it
 * counts. A head that is not our history stops this node: ERR_SPLIT_VIEW or ERR_ROLLBACK, both
 * heads kept as evidence (TABLE_ALARM), node.alarm set; nothing is sealed or delivered any more.
 * Thread rule: the loop's.
 */
#ifndef NODE_CONTACTS_H
#define NODE_CONTACTS_H

#include "circle.h"
#include "ckpt.h"
#include "directory.h"
#include "messages.h"
#include "node.h"
#include "receipt.h"

#define KEYS_EPOCH 1 /* of its rows in the store */

/* What the invitation said and genesis confirmed; kept for ever. */
struct pins {
    uint8_t federation[ID_BYTES];
    char name[FEDERATION_NAME_MAX + 1];
    uint64_t mode;
    struct box_public hub_transport;
    struct sign_public hub;
    struct sign_public keys_log;
    struct sign_public audit_log;
    struct sign_public registrar;
    char endpoint[257];
    uint8_t org[ID_BYTES]; /* own */
    uint8_t node[ID_BYTES];
    char org_name[ORG_NAME_MAX + 1];
    uint8_t genesis[32]; /* H-256("relais/pin", genesis SS): leaf 0 must be it */
};
enum err genesis_pin(struct span ss, uint8_t out[32]);
enum err pins_put(struct node *n, struct txn *t, const struct pins *p);
enum err pins_get(struct node *n, struct txn *t, struct pins *out); /* ERR_NOT_JOINED */

enum err contacts_open(struct node *n, struct contacts **out);
void contacts_close(struct contacts *c);
enum err contacts_reload(struct node *n);

const struct pins *contacts_pins(const struct node *n);           /* NULL: not joined */
const struct directory *contacts_directory(const struct node *n); /* may be empty, never NULL */
uint64_t contacts_keys_size(const struct node *n);
/* Newest heads seen and verified, for header.dir. Size 0: none yet. */
/* The longest seen, checked or not, for HELLO: what a restored hub must know of. */
void contacts_newest(const struct node *n, struct ckpt *keys, struct ckpt *audit);
void contacts_heads(const struct node *n, struct ckpt *keys, struct ckpt *audit);

/* The page as received; what of it we have already is passed over. All of it or nothing; ends with
 * its own commit. ERR_SPLIT_VIEW, ERR_ROLLBACK, ERR_CHECKPOINT, ERR_RANGE (not at our end), or why
 * a statement is refused. */
enum err contacts_page(struct node *n, const struct msg_keys_page *page);
/* Heads told by the hub (WELCOME, HEADS): no shorter than what it said before. */
enum err contacts_see_keys(struct node *n, const struct ckpt *head);
/* opening: the receipt of leaf 0, empty in the first epoch. A new epoch is entered only with one
 * that says where the former ended (PROTOCOL.md 10.5): ERR_EPOCH. Own commit. */
enum err contacts_see_epoch(struct node *n, uint32_t epoch, struct span opening);
enum err contacts_see_audit(struct node *n, uint32_t epoch, const struct ckpt *head);
/* The same for a head that may be older than another: HEADS, when answers overtook it. */
enum err contacts_note_audit(struct node *n, uint32_t epoch, const struct ckpt *head);
enum err contacts_note_keys(struct node *n, const struct ckpt *head);
uint32_t contacts_epoch(const struct node *n);    /* of the audit log; 0: none known */
uint64_t contacts_restores(const struct node *n); /* how many epochs of it have been closed */
#define EPOCHS_KNOWN_MAX 64                       /* closed ones */
size_t contacts_epochs(const struct node *n, uint32_t out[EPOCHS_KNOWN_MAX + 1]);
/* The epoch a receipt's head is signed under, of those known, and by which key. ERR_CHECKPOINT. */
enum err contacts_epoch_of(const struct node *n, const struct ckpt *head, uint32_t *epoch,
                           struct sign_public *pk);
/* The key under which a head of that log verifies, of those that may sign there (PROTOCOL.md 7.8).
 * epoch: of the audit log. ERR_CHECKPOINT. */
enum err contacts_signer(const struct node *n, uint32_t log, uint32_t epoch,
                         const struct ckpt *head, struct sign_public *out);
/* Under which keys the hub may be met now: one, or two while it changes from out[0] to out[1]. */
size_t contacts_hub_transport(const struct node *n, uint64_t now_ms, struct box_public out[2]);
/* Are the hub's keys of the invitation those of the log, now or once? Asked when it is read. */
bool contacts_pins_logged(const struct node *n);
/* Where a closed epoch of the audit log ends for those who hold receipts of it; 0: it is open. */
uint64_t contacts_epoch_end(const struct node *n, uint32_t epoch);

/* A page of our replica, from there on, up to the head we have of it; give() sees it while what it
 * borrows lasts. ERR_RANGE: we have no more. */
enum err contacts_keys_give(struct node *n, const struct msg_keys *asked,
                            enum err (*give)(void *arg, const struct message *page), void *arg);

/* Every audit head seen anywhere waits until the hub has proven that it and the newest checked one
 * are one history. The next question to ask; ERR_AGAIN: nothing waits. */
struct head_question {
    uint32_t epoch;
    struct ckpt from;
    struct ckpt to;
    bool to_is_new; /* else `from` is the one in doubt */
};
enum err contacts_question(struct node *n, struct head_question *out);
/* The hub's answer: ERR_SPLIT_VIEW if it proves nothing, evidence kept. Own commit. */
enum err contacts_proved(struct node *n, const struct head_question *q,
                         const struct msg_consistency_proof *p);
enum err contacts_unproved(struct node *n, const struct head_question *q); /* it refused */
size_t contacts_unchecked(const struct node *n); /* in memory: written down by the next call of */
enum err contacts_heads_flush(struct node *n);   /* ERR_OK also when there is nothing */
/* Is this head known to be of the history we follow? (equal to the newest checked, or checked in
 * this process) */
bool contacts_is_checked(const struct node *n, uint32_t epoch, const struct ckpt *head);
/* Those in an envelope received (header.dir): a signed head that contradicts ours is evidence. */
enum err contacts_check_dir(struct node *n, const struct ckpt *keys, const struct ckpt *audit);

/* The receipt proves an entry of the audit log of this federation; for types 2, 3, 5, 6, 7 the
 * member's own signature in it is verified as well. */
enum err contacts_receipt(struct node *n, const struct receipt *r, struct receipt_facts *facts);

/* Signers of circle chains: keys that have signed are known for ever. Borrowed from n. */
struct circle_signers contacts_signers(struct node *n);
/* Name of an organisation, "" when it is not in the directory. Borrowed. */
struct span contacts_org_name(const struct node *n, const uint8_t org[ID_BYTES]);
/* Enrolled and neither suspended nor revoked, by what this node knows now. */
bool contacts_org_active(const struct node *n, const uint8_t org[ID_BYTES]);
/* The hub says that it has lost what it signed, and shows what it has: kept once beside our newest
 * head, if that is another. No alarm: it does not go on. ERR_CHECKPOINT: not its signature. */
enum err contacts_behind(struct node *n, const struct log_name *of, const struct ckpt *own);
/* Evidence and alarm: keeps it, sets node.alarm. Own commit; while a transaction is open, written
 * by contacts_alarm_flush() as soon as that has ended (node_commit(), node_abort()). */
void contacts_alarm_flush(struct node *n);
enum err contacts_alarm(struct node *n, enum err why, struct span what, struct span ours,
                        struct span theirs);

#endif
