/*
 * carry - whole files between an open file that a caller has handed along (control.h) and this
 * node's disk. Each in a thread of its own: the caller's medium may be slow, and holds up nobody.
 *
 *   CARRY_TAKE  his file is read, encrypted, and kept as a draft of attfile.h that gets its address
 *   CARRY_GIVE  a chunk file, or what is small, is written in clear into his file
 *
 * A file that is taken must not change meanwhile, one that is given starts empty. The call waits,
 * hears progress {"done", "size"} every second, and is answered when it has ended; a caller who has
 * gone ends it. Without a daemon all of it happens at once.
 * Thread rule: the loop's.
 */
#ifndef NODE_CARRY_H
#define NODE_CARRY_H

#include "attach.h"
#include "commands.h"

#define CARRIES_MAX 4 /* one more: ERR_BUSY */

enum carry_way {
    CARRY_TAKE,
    CARRY_GIVE
};

struct carry_job {
    enum carry_way way;
    uint8_t key[ATTACHMENT_KEY_BYTES];
    uint64_t plain;
    struct attfile *file;       /* owned; CARRY_GIVE: NULL when it is content */
    struct bytes content;       /* owned */
    struct attfile_facts facts; /* CARRY_TAKE: what the draft becomes */
    uint8_t upload[ID_BYTES];   /* the same */
};
void carry_job_wipe(struct carry_job *job); /* what it owns is freed; a draft is removed */

/* What came along with the call: a regular file that is not empty, open for reading; an empty one,
 * open for writing. ERR_FIELD_MISSING: nothing came; ERR_FILE_KIND. */
enum err carry_may_take(const struct call *c, uint64_t *size);
enum err carry_may_give(const struct call *c);

/* Owns the job, also on error. ended is called exactly once, before c is answered or this returns
 * an error: it takes out of the job what it wants to keep. ERR_BUSY. */
typedef void carry_ended_fn(struct node *n, struct call *c, struct carry_job *job, enum err why);
enum err carry_start(struct node *n, struct call *c, struct carry_job *job, carry_ended_fn *ended);

struct carries;
enum err carries_open(struct node *n, struct carries **out); /* in n->loop */
void carries_close(struct carries *all); /* ends them, and answers ERR_STOPPING; NULL is fine */

#endif
