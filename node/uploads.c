/* Files on their way into a sheet: encrypted as they are read (carry.h), never in clear on our
 * disk. Until the sheet is written they are known to memory alone; a restart removes what was
 * begun. */
#include <stdio.h>
#include <string.h>

#include "attach_internal.h"
#include "carry.h"
#include "log.h"

#define UPLOAD_IDLE_MS (10 * 60 * 1000)

static struct upload *find(struct node *n, const uint8_t id[ID_BYTES])
{
    for (size_t i = 0; i < UPLOADS_MAX; i++)
        if (n->attach->uploads[i].used && memcmp(n->attach->uploads[i].id, id, ID_BYTES) == 0)
            return &n->attach->uploads[i];
    return NULL;
}

static void drop(struct node *n, struct upload *u)
{
    enum err e = u->ready ? attfile_remove(n->attach->out, u->a.address) : ERR_OK;

    if (e) /* it goes when the node starts next */
        log_info("upload.kept", "why=%s", err_name(e));
    seal_wipe(u, sizeof *u);
}

enum err upload_begin(struct node *n, uint64_t plain_size, struct carry_job *job)
{
    uint64_t now_ms = clock_mono_ms(n->clock);
    struct upload *u = NULL;
    char name[2 * ID_BYTES + 1];
    enum err e;

    if (attachment_sealed_size(plain_size) == 0)
        return ERR_ATTACHMENT_SIZE;
    for (size_t i = 0; i < UPLOADS_MAX; i++) {
        struct upload *one = &n->attach->uploads[i];

        if (one->ready && now_ms - one->ready_ms > UPLOAD_IDLE_MS)
            drop(n, one);
        if (!one->used)
            u = one;
    }
    if (!u)
        return ERR_BUSY;
    *job = (struct carry_job){.way = CARRY_TAKE, .plain = plain_size};
    job->facts.made_ms = node_now_ms(n);
    memcpy(job->facts.owner, n->self.org, ID_BYTES);
    if ((e = node_random(n, job->upload, ID_BYTES)) ||
        (e = node_random(n, job->key, sizeof job->key)))
        return e;
    for (size_t i = 0; i < ID_BYTES; i++)
        snprintf(name + 2 * i, 3, "%02x", job->upload[i]);
    u->a.plain = plain_size;
    u->a.size = attachment_sealed_size(plain_size);
    u->a.chunks = attachment_chunks(u->a.size);
    if ((e = attfile_draft(n->attach->out, name, u->a.size, &job->file)))
        return e;
    memcpy(u->a.key, job->key, sizeof u->a.key);
    memcpy(u->id, job->upload, ID_BYTES);
    u->used = true;
    return ERR_OK;
}

void upload_taken(struct node *n, const struct carry_job *job, enum err why)
{
    struct upload *u = find(n, job->upload);

    if (!u)
        return;
    u->ready = !why || attfile_whole(job->file);
    if (u->ready)
        memcpy(u->a.address, attfile_facts(job->file)->address, sizeof u->a.address);
    u->ready_ms = clock_mono_ms(n->clock);
    if (why)
        drop(n, u);
}

enum err upload_ready(struct node *n, const uint8_t id[ID_BYTES], struct att_ready *out)
{
    const struct upload *u = find(n, id);

    if (!u || !u->ready)
        return ERR_NOT_FOUND;
    *out = u->a;
    return ERR_OK;
}

void upload_end(struct node *n, const uint8_t id[ID_BYTES], bool sent)
{
    struct upload *u = find(n, id);

    if (!u || !u->ready)
        return;
    u->ready = !sent; /* its file stays then */
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
