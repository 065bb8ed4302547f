#include "carry.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "loop.h"
#include "queue.h"

#define SYNC_EVERY 16 /* chunks, so that the end has little left to write */
#define PROGRESS_MS 1000

struct carry {
    struct carries *all; /* NULL: no thread */
    struct call *call;
    int fd; /* the request's, which outlives this */
    struct carry_job job;
    carry_ended_fn *ended;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint_least64_t done; /* bytes */
    enum err why;
};

struct carries {
    struct node *n;
    struct queue *ended; /* of struct carry */
    struct carry *list[CARRIES_MAX];
};

void carry_job_wipe(struct carry_job *job)
{
    if (job->way == CARRY_TAKE)
        attfile_discard(job->file);
    else
        attfile_close(job->file);
    seal_bytes_free(&job->content);
    seal_wipe(job, sizeof *job);
}

/* --- the caller's file ---------------------------------------------------------------------- */

static enum err regular(const struct call *c, int never, struct stat *out)
{
    int flags = c->file < 0 ? -1 : fcntl(c->file, F_GETFL);

    if (c->file < 0)
        return ERR_FIELD_MISSING;
    if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == never || fstat(c->file, out) ||
        !S_ISREG(out->st_mode))
        return ERR_FILE_KIND;
    return ERR_OK;
}

enum err carry_may_take(const struct call *c, uint64_t *size)
{
    struct stat st;
    enum err e = regular(c, O_WRONLY, &st);

    if (!e)
        *size = (uint64_t)st.st_size;
    return e;
}

enum err carry_may_give(const struct call *c)
{
    struct stat st;
    enum err e = regular(c, O_RDONLY, &st);

    return !e && st.st_size > 0 ? ERR_FILE_KIND : e;
}

static enum err piece_read(int fd, uint8_t *room, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pread(fd, room, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        if (n == 0)
            return ERR_FILE_CHANGED; /* it was longer when it was handed over */
        room += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

static enum err piece_write(int fd, struct span bytes, uint64_t at)
{
    while (bytes.len > 0) {
        ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        at += (uint64_t)n;
        bytes = span_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return ERR_OK;
}

/* --- in the thread -------------------------------------------------------------------------- */

static enum err chunk_take(struct carry *x, uint32_t i, uint8_t *room)
{
    uint64_t at = (uint64_t)i * ATTACHMENT_PLAIN;
    uint64_t left = x->job.plain - at;
    bool last = left <= ATTACHMENT_PLAIN;
    size_t len = last ? (size_t)left : ATTACHMENT_PLAIN;
    enum err e = piece_read(x->fd, room, len, at);

    if (e)
        return e;
    attachment_seal(x->job.key, i, last, span_of(room, len), room);
    if ((e = attfile_append(x->job.file, span_of(room, len + ATTACHMENT_TAG_BYTES))))
        return e;
    atomic_store(&x->done, at + len);
    return !last && (i + 1) % SYNC_EVERY == 0 ? attfile_sync(x->job.file) : ERR_OK;
}

static enum err chunk_give(struct carry *x, uint32_t i, uint8_t *room)
{
    bool last = i + 1 == attfile_count(x->job.file);
    uint64_t at = (uint64_t)i * ATTACHMENT_PLAIN;
    struct span chunk;
    enum err e = attfile_read(x->job.file, i, room, &chunk);

    if (e || (e = attachment_open(x->job.key, i, last, chunk, room)))
        return e;
    e = piece_write(x->fd, span_of(room, chunk.len - ATTACHMENT_TAG_BYTES), at);
    if (!e)
        atomic_store(&x->done, at + chunk.len - ATTACHMENT_TAG_BYTES);
    return e;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum err chunks(struct carry *x)
{
    enum err (*one)(struct carry * x, uint32_t i, uint8_t * room) =
        x->job.way == CARRY_TAKE ? chunk_take : chunk_give;
    uint32_t count = attfile_count(x->job.file);
    uint8_t *room = malloc(ATTACHMENT_CHUNK);
    enum err e = room ? ERR_OK : ERR_NOMEM;

    for (uint32_t i = 0; !e && i < count; i++)
        e = atomic_load(&x->stop) ? ERR_STOPPING : one(x, i, room);
    if (room)
        seal_wipe(room, ATTACHMENT_CHUNK);
    free(room);
    return e;
}

static enum err take(struct carry *x)
{
    struct stat before;
    struct stat after;
    enum err e;

    if (fstat(x->fd, &before))
        return ERR_IO;
    if ((uint64_t)before.st_size != x->job.plain)
        return ERR_FILE_CHANGED;
    if ((e = chunks(x)))
        return e;
    if (fstat(x->fd, &after))
        return ERR_IO;
    return is_same(&before, &after) ? attfile_seal(x->job.file, &x->job.facts) : ERR_FILE_CHANGED;
}

static void run(struct carry *x)
{
    if (x->job.way == CARRY_TAKE)
        x->why = take(x);
    else if (x->job.file)
        x->why = chunks(x);
    else
        x->why = piece_write(x->fd, bytes_span(&x->job.content), 0);
}

static void *carry_thread(void *arg)
{
    struct carry *x = arg;

    run(x);
    (void)!queue_push(x->all->ended, x); /* it has a place for each */
    return NULL;
}

/* --- in the loop ---------------------------------------------------------------------------- */

static enum err finish(struct node *n, struct carry *x)
{
    enum err e = x->why;

    if (!e && x->call->request && control_gone(x->call->request))
        e = ERR_CLOSED; /* nobody would ever make a sheet of it */
    x->ended(n, x->call, &x->job, e);
    carry_job_wipe(&x->job);
    free(x);
    return e;
}

static void join(struct carries *all, size_t i)
{
    struct carry *x = all->list[i];
    struct call *c = x->call;

    pthread_join(x->thread, NULL);
    all->list[i] = NULL;
    call_end(c, finish(all->n, x));
}

static void ended_ready(int fd, unsigned events, void *arg)
{
    struct carries *all = arg;
    void *item;

    (void)fd;
    (void)events;
    if (queue_pop(all->ended, &item))
        return;
    for (size_t i = 0; i < CARRIES_MAX; i++)
        if (all->list[i] == item) {
            join(all, i);
            return;
        }
}

static void tell_progress(void *arg)
{
    struct carries *all = arg;

    for (size_t i = 0; i < CARRIES_MAX; i++) {
        struct carry *x = all->list[i];
        enum err e;

        if (!x)
            continue;
        e = control_progress(x->call->request,
                             json_pack("{s:I, s:I}", "done", (json_int_t)atomic_load(&x->done),
                                       "size", (json_int_t)x->job.plain));
        if (e == ERR_CLOSED)
            atomic_store(&x->stop, true);
    }
}

static enum err threaded(struct carries *all, struct carry *x)
{
    size_t i = 0;

    while (i < CARRIES_MAX && all->list[i])
        i++;
    if (i == CARRIES_MAX)
        return ERR_BUSY;
    x->all = all;
    if (pthread_create(&x->thread, NULL, carry_thread, x))
        return ERR_NOMEM;
    all->list[i] = x;
    call_stands(x->call);
    return ERR_OK;
}

enum err carry_start(struct node *n, struct call *c, struct carry_job *job, carry_ended_fn *ended)
{
    struct carry *x = calloc(1, sizeof *x);

    if (!x) {
        ended(n, c, job, ERR_NOMEM);
        carry_job_wipe(job);
        return ERR_NOMEM;
    }
    x->call = c;
    x->fd = c->file;
    x->job = *job;
    x->ended = ended;
    seal_wipe(job, sizeof *job);
    if (n->carries) {
        if (!(x->why = threaded(n->carries, x)))
            return ERR_OK;
    } else {
        run(x);
    }
    return finish(n, x);
}

enum err carries_open(struct node *n, struct carries **out)
{
    struct carries *all = calloc(1, sizeof *all);
    enum err e = all ? queue_new(CARRIES_MAX, &all->ended) : ERR_NOMEM;

    if (!e)
        all->n = n;
    if (e || (e = loop_fd(n->loop, queue_fd(all->ended), ended_ready, all)) ||
        (e = loop_timer(n->loop, PROGRESS_MS, tell_progress, all))) {
        carries_close(all);
        return e;
    }
    *out = all;
    return ERR_OK;
}

void carries_close(struct carries *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < CARRIES_MAX; i++)
        if (all->list[i])
            atomic_store(&all->list[i]->stop, true);
    for (size_t i = 0; i < CARRIES_MAX; i++)
        if (all->list[i])
            join(all, i);
    if (all->ended) {
        loop_cancel(all->n->loop, tell_progress, all);
        loop_fd_remove(all->n->loop, queue_fd(all->ended));
    }
    queue_free(all->ended);
    free(all);
}
