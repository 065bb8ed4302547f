/* attachments, inside: the register that attachments.c (files, thread) and attachments_register.c
 * share. */
#ifndef HUB_ATTACHMENTS_INTERNAL_H
#define HUB_ATTACHMENTS_INTERNAL_H

#ifndef HASH_NONFATAL_OOM
#define HASH_NONFATAL_OOM 1 /* hh.tbl stays NULL then; without this uthash would exit */
#endif
#include <pthread.h>
#include <uthash.h>

#include "attachments.h"
#include "attfile.h"

enum going {
    STAYS,
    GOING, /* decided by the core, not committed yet */
    GOES   /* committed */
};

struct att_owner {
    uint8_t org[ID_BYTES];
    uint64_t bytes; /* the costs of all that it keeps here */
    UT_hash_handle hh;
};

struct held_attachment {
    struct attfile_facts facts; /* the address is the key */
    struct att_owner *owner;
    bool whole;
    enum going going;
    struct attachment_ref *refs;
    size_t count;
    UT_hash_handle hh;
};

#define OPEN_FILES 16

struct open_file {
    struct attfile *file; /* NULL: free */
    uint64_t used;        /* the turn that needed it last */
    bool dirty;
    enum err why; /* the sync of this turn */
};

struct attachments {
    struct attachments_options o;
    char dir[512];
    struct fair *in;
    pthread_t thread;
    bool running;
    uint64_t turn;
    struct open_file open[OPEN_FILES];
    uint8_t *room;        /* ATTACHMENT_CHUNK */
    pthread_mutex_t lock; /* of what follows */
    struct held_attachment *held;
    struct att_owner *owners;
    uint64_t bytes;
    uint64_t removed;
    uint64_t refused;
    uint64_t strangers;
};

/* With the lock held. */
struct held_attachment *held_find(struct attachments *a, const uint8_t *address); /* NULL */
enum err held_add(struct attachments *a, const struct attfile_facts *facts, bool whole);
void held_drop(struct attachments *a, struct held_attachment *h);
void owners_free(struct attachments *a); /* when nothing is held */
enum err held_room(struct attachments *a, const uint8_t owner[ID_BYTES], uint64_t size);

#endif
