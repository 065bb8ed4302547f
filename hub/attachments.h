/*
 * attachments - attachments at the hub: a thread that keeps their files, and a register of what
 * there is. The files say what they are (attfile.h); who may fetch them is TABLE_ATT_REF, which the
 * core writes in the commit that accepts the envelope. The register holds both in memory, and is
 * rebuilt at every start.
 *
 *   door --ATT_OPEN, ATT_PUT, ATT_GET--> this thread --> door; the store thread never waits for it
 *   door --ATT_DONE--> core --> register
 *
 * A chunk is on disk before its ATT_STATE says so; the chunks that wait together share one sync.
 * Only the core decides that a file goes, and it goes after that commit.
 * Thread rule: attachments_give() the door's, attachments_free() nobody else's, the rest any.
 */
#ifndef HUB_ATTACHMENTS_H
#define HUB_ATTACHMENTS_H

#include "attachment.h"
#include "clock.h"
#include "hub.h"

#define ATTACHMENT_UNCLAIMED_MS (UINT64_C(24) * 3600 * 1000)
#define ATTACHMENTS_A_TICK 16 /* looked at for removal */

struct attachments;

struct attachments_options {
    const char *dir; /* made if need be */
    const struct clock *clock;
    struct queue *out;    /* of struct parcel; borrowed */
    uint64_t quota_bytes; /* of one organisation */
    uint64_t max_bytes;   /* of all together */
};

/* Who may fetch one, and until when the hub promises it. */
struct attachment_ref {
    uint8_t org[ID_BYTES];
    uint32_t number;
    uint64_t until_ms;
    bool done;       /* he has it */
    uint32_t grants; /* envelopes to him that name it and have not ended undelivered; 0: he had the
                        right, and has lost it */
};

/* What may go now. */
struct attachment_gone {
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    uint8_t owner[ID_BYTES];
    uint32_t number; /* of the depositor's node */
    uint64_t size;
    bool was_sent; /* some envelope names it */
    size_t count;
    struct attachment_ref waiting[64]; /* those who have not fetched it */
};

/* What one costs of a quota: its bytes, and what any file costs, or a quota of bytes would hold
 * files without number. */
#define ATTACHMENT_COST(size) ((size) + 65536)

struct attachments_use {
    uint64_t count, whole, removed;
    uint64_t refused;                    /* deposits, for a quota */
    uint64_t strangers;                  /* asked for by who may not have it */
    uint64_t bytes, max_bytes;           /* in costs */
    uint64_t fullest_bytes, quota_bytes; /* of the organisation that keeps most, of each */
};

enum err attachments_open(const struct attachments_options *options, struct attachments **out);
enum err attachments_start(struct attachments *a); /* after the references were read */
void attachments_stop(struct attachments *a);      /* what is queued is dealt with; NULL is fine */
void attachments_free(struct attachments *a);
/* ERR_NOMEM, ERR_CLOSED: the job stays the caller's. */
enum err attachments_give(struct attachments *a, struct job *j);
struct attachments_use attachments_use(struct attachments *a);

/* --- the core's ------------------------------------------------------------------------------- */

/* Whole, of that size, deposited by that organisation, and not about to go. */
enum err attachments_check(struct attachments *a, const uint8_t address[ATTACHMENT_ADDRESS_BYTES],
                           uint64_t size, const uint8_t owner[ID_BYTES]);
/* One more reference, or a change of one. ERR_NOT_FOUND: no such file. */
enum err attachments_refer(struct attachments *a, const uint8_t address[ATTACHMENT_ADDRESS_BYTES],
                           const struct attachment_ref *ref);
void attachments_forget(struct attachments *a); /* all references, before they are read again */
/* May this one fetch it? ERR_NOT_FOUND; ERR_ATTACHMENT_RIGHT. *ref is his, also when he has lost
 * the right; zero for the owner and for who never had any. */
enum err attachments_may(struct attachments *a, const uint8_t address[ATTACHMENT_ADDRESS_BYTES],
                         const uint8_t org[ID_BYTES], struct attachment_ref *ref);
/* The next that may go, if any, from then on refused to PUT. ERR_NOT_FOUND. */
enum err attachments_next_gone(struct attachments *a, uint64_t now_ms, struct attachment_gone *out);
void attachments_committed(struct attachments *a); /* they do go */

#endif
