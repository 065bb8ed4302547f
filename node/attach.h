/*
 * attach - large attachments of this node: what is on its way out, what is to be fetched, and where
 * their ciphertext lies. DIR/attachments/out and /in hold files of attfile.h; the keys stand in the
 * sheets alone, under the person's key, so nothing here can be read without the vault, and who
 * erases the person has erased her files.
 *
 *   out:  upload (in memory, a file) --sheet.send--> ATT_WAITS --hub has it--> ATT_WHOLE
 *   in:   sheet received --> ATT_WAITS --fetched, checked--> ATT_WHOLE --hub told--> ATT_TOLD
 *         small, inside the sheet --> ATT_TOLD
 *         the hub let it go before: ATT_REMOVED; will never have or give it: ATT_REFUSED
 *
 * An envelope is offered to the hub only when the hub has its attachments.
 * Thread rule: the loop's.
 */
#ifndef NODE_ATTACH_H
#define NODE_ATTACH_H

#include "attfile.h"
#include "header.h"
#include "node.h"
#include "receipt.h"

enum att_way {
    ATT_OUT = 1,
    ATT_IN
};

enum att_state {
    ATT_WAITS = 1,
    ATT_WHOLE,
    ATT_TOLD,
    ATT_REMOVED,
    ATT_REFUSED
};

enum att_scan {
    SCAN_NONE, /* no scanner, or not looked at yet */
    SCAN_CLEAN,
    SCAN_INFECTED,
    SCAN_FAILED
};

struct att_row {
    enum att_way way;
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    uint8_t mid[ID_BYTES];
    uint8_t org[ID_BYTES]; /* whose envelope */
    uint64_t size;         /* of the ciphertext */
    enum att_state state;
    uint32_t code; /* ATT_REFUSED: enum err */
    enum att_scan scan;
};

/* Where the bytes of a received attachment are. */
struct att_ready {
    uint8_t key[ATTACHMENT_KEY_BYTES];
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    uint64_t plain;
    uint64_t size;
    uint32_t chunks;
};
struct att_source {
    bool beside; /* of the envelope: ready; else content, owned */
    struct att_ready ready;
    struct bytes content;
};
void att_source_wipe(struct att_source *s); /* a zeroed one is fine */

/* Makes the directories; what no row speaks of is removed. */
enum err attach_open(struct node *n, struct attach **out);
void attach_close(struct attach *a); /* NULL is fine */
const char *attach_dir(const struct node *n, enum att_way way);
uint8_t *attach_room(struct node *n); /* ATTACHMENT_CHUNK bytes, until the next call of anybody */

enum err attach_get(struct node *n, struct txn *t, enum att_way way,
                    const uint8_t address[ATTACHMENT_ADDRESS_BYTES], struct att_row *out);
enum err attach_put(struct node *n, struct txn *t, const struct att_row *row);
/* The same in a commit of its own. */
enum err attach_keep(struct node *n, const struct att_row *row);
/* One that still has something to do, after `after` (NULL: the first). ERR_NOT_FOUND. */
enum err attach_live(struct node *n, enum att_way way, const uint8_t *after, struct att_row *out);
/* Does this envelope still wait for an attachment to be at the hub? */
enum err attach_blocks(struct txn *t, const uint8_t mid[ID_BYTES], bool *yes);
/* The hub does not have them after all: all of that envelope are sent again. */
enum err attach_again(struct node *n, const uint8_t mid[ID_BYTES]);
/* Rows of an envelope of ours, or of one received. In t. */
enum err attach_sent(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                     const struct env_attachment *att, size_t count);
enum err attach_received(struct node *n, struct txn *t, const struct env_header *h);
/* One inside a received sheet: under a name of its own, only to be scanned. number from 1. */
enum err attach_inside(struct node *n, struct txn *t, const struct env_header *h, size_t number,
                       uint64_t size);
enum err attach_inside_name(const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                            size_t number, uint8_t name[ATTACHMENT_ADDRESS_BYTES]);
/* A receipt of type 20: the hub let one go. In t. */
enum err attach_removed(struct node *n, struct txn *t, const struct receipt_facts *f);

/* --- uploads: files on their way into a sheet --------------------------------------------------
 */

#define UPLOADS_MAX 32
struct carry_job;
/* What carry.h is to do for a file of that size. ERR_ATTACHMENT_SIZE; ERR_BUSY: UPLOADS_MAX. */
enum err upload_begin(struct node *n, uint64_t plain_size, struct carry_job *job);
void upload_taken(struct node *n, const struct carry_job *job, enum err why); /* it has ended */
/* All of it is here: on disk, with its address. ERR_NOT_FOUND. */
enum err upload_ready(struct node *n, const uint8_t id[ID_BYTES], struct att_ready *out);
void upload_end(struct node *n, const uint8_t id[ID_BYTES], bool sent); /* not sent: removed */

/* Chunk i of a sheet's attachment, in clear, in attach_room(). ERR_NOT_HERE_YET. */
enum err attach_read(struct node *n, enum att_way way, const struct att_ready *a, uint32_t i,
                     struct span *out);

#endif
