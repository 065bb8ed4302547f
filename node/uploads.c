/* Files on their way into a sheet: encrypted piece by piece as they come, never in clear on disk.
 * Until the sheet is written they are known to memory alone; a restart removes what was begun. */
#include <stdio.h>
#include <string.h>

#include "attach_internal.h"

#define UPLOAD_IDLE_MS (10 * 60 * 1000)
#define SYNC_EVERY 16 /* chunks, so that the end has little left to write */

static struct upload *find(struct node *n, const uint8_t id[ID_BYTES])
{
    for (size_t i = 0; i < UPLOADS_MAX; i++)
        if (n->attach->uploads[i].used && memcmp(n->attach->uploads[i].id, id, ID_BYTES) == 0)
            return &n->attach->uploads[i];
    return NULL;
}

static void drop(struct node *n, struct upload *u)
{
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    bool named = u->ready;

    memcpy(address, u->a.address, sizeof address);
    attfile_discard(u->file);
    seal_wipe(u, sizeof *u);
    if (named && attfile_remove(n->attach->out, address))
        return; /* the same */
}

enum err upload_begin(struct node *n, uint64_t plain_size, uint8_t id[ID_BYTES])
{
    uint64_t now_ms = clock_mono_ms(n->clock);
    struct upload *u = NULL;
    char name[2 * ID_BYTES + 1];
    enum err e;

    if (attachment_sealed_size(plain_size) == 0)
        return ERR_ATTACHMENT_SIZE;
    for (size_t i = 0; i < UPLOADS_MAX; i++) {
        struct upload *one = &n->attach->uploads[i];

        if (one->used && now_ms - one->touched_ms > UPLOAD_IDLE_MS)
            drop(n, one);
        if (!one->used)
            u = one;
    }
    if (!u)
        return ERR_FULL;
    if ((e = node_random(n, u->id, ID_BYTES)) || (e = node_random(n, u->a.key, sizeof u->a.key)))
        return e;
    for (size_t i = 0; i < ID_BYTES; i++)
        snprintf(name + 2 * i, 3, "%02x", u->id[i]);
    u->a.plain = plain_size;
    u->a.size = attachment_sealed_size(plain_size);
    u->a.chunks = attachment_chunks(u->a.size);
    if ((e = attfile_draft(n->attach->out, name, u->a.size, &u->file))) {
        seal_wipe(u, sizeof *u);
        return e;
    }
    u->used = true;
    u->touched_ms = now_ms;
    memcpy(id, u->id, ID_BYTES);
    return ERR_OK;
}

enum err upload_add(struct node *n, const uint8_t id[ID_BYTES], struct span piece)
{
    struct upload *u = find(n, id);
    uint32_t i;
    bool last;
    enum err e;

    if (!u)
        return ERR_NOT_FOUND;
    i = attfile_next(u->file);
    if (u->ready || i == u->a.chunks ||
        piece.len + ATTACHMENT_TAG_BYTES != attachment_chunk_len(u->a.size, i))
        return ERR_SIZE;
    last = i + 1 == u->a.chunks;
    u->touched_ms = clock_mono_ms(n->clock);
    attachment_seal(u->a.key, i, last, piece, n->attach->room);
    e = attfile_append(u->file, span_of(n->attach->room, piece.len + ATTACHMENT_TAG_BYTES));
    if (!e && (i + 1) % SYNC_EVERY == 0)
        e = attfile_sync(u->file);
    if (e == ERR_FULL)
        drop(n, u); /* what it took is free again */
    return e;
}

enum err upload_ready(struct node *n, const uint8_t id[ID_BYTES], struct att_ready *out)
{
    struct upload *u = find(n, id);
    struct attfile_facts facts = {.made_ms = node_now_ms(n)};
    enum err e;

    if (!u)
        return ERR_NOT_FOUND;
    if (!u->ready) {
        memcpy(facts.owner, n->self.org, ID_BYTES);
        if ((e = attfile_seal(u->file, &facts)))
            return e;
        memcpy(u->a.address, attfile_facts(u->file)->address, sizeof u->a.address);
        u->ready = true;
    }
    *out = u->a;
    return ERR_OK;
}

void upload_end(struct node *n, const uint8_t id[ID_BYTES], bool sent)
{
    struct upload *u = find(n, id);

    if (!u)
        return;
    u->ready = u->ready && !sent; /* its file stays then */
    drop(n, u);
}

enum err attach_read(struct node *n, enum att_way way, const struct att_ready *a, uint32_t i,
                     struct span *out)
{
    struct attfile *f = NULL;
    struct span chunk;
    enum err e = attfile_open(attach_dir(n, way), a->address, &f);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_NOT_HERE_YET : e;
    if (!attfile_whole(f))
        e = ERR_NOT_HERE_YET;
    else if (i >= a->chunks || attfile_facts(f)->size != a->size)
        e = ERR_RANGE;
    if (!e && !(e = attfile_read(f, i, n->attach->room, &chunk)) &&
        !(e = attachment_open(a->key, i, i + 1 == a->chunks, chunk, n->attach->room)))
        *out = span_of(n->attach->room, chunk.len - ATTACHMENT_TAG_BYTES);
    attfile_close(f);
    return e;
}
