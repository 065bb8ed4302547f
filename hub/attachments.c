#include "attachments.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attachments_internal.h"
#include "file.h"
#include "log.h"

#define TURN_JOBS OPEN_FILES /* each needs one file at most */
#define TURN_BYTES (4u << 20)
#define TURN_WAIT_MS 1000
static_assert(sizeof(((struct attachment_gone *)NULL)->waiting) / sizeof(struct attachment_ref) >=
                  RECIPIENTS_MAX,
              "all recipients of one envelope");

/* --- files ---------------------------------------------------------------------------------- */

static void file_shut(struct open_file *o)
{
    attfile_close(o->file);
    *o = (struct open_file){0};
}

static struct open_file *slot(struct attachments *a)
{
    struct open_file *oldest = &a->open[0];

    for (size_t i = 0; i < OPEN_FILES; i++) {
        if (!a->open[i].file)
            return &a->open[i];
        if (a->open[i].used < oldest->used)
            oldest = &a->open[i];
    }
    file_shut(oldest); /* of an earlier turn: it was synced then */
    return oldest;
}

static struct open_file *file_keep(struct attachments *a, struct attfile *file)
{
    struct open_file *o = slot(a);

    *o = (struct open_file){.file = file, .used = a->turn};
    return o;
}

static enum err file_of(struct attachments *a, const uint8_t *address, struct open_file **out)
{
    struct attfile *file = NULL;
    enum err e;

    for (size_t i = 0; i < OPEN_FILES; i++)
        if (a->open[i].file && memcmp(attfile_facts(a->open[i].file)->address, address,
                                      ATTACHMENT_ADDRESS_BYTES) == 0) {
            a->open[i].used = a->turn;
            *out = &a->open[i];
            return a->open[i].why;
        }
    if ((e = attfile_open(a->dir, address, &file)))
        return e;
    *out = file_keep(a, file);
    /* the end came between its last chunk and its name: nobody would send anything any more */
    (*out)->dirty = !attfile_whole(file) && attfile_next(file) == attfile_count(file);
    return ERR_OK;
}

/* After the commit that let it go. */
static void remove_gone(struct attachments *a)
{
    struct held_attachment *h;
    struct held_attachment *next;

    pthread_mutex_lock(&a->lock);
    HASH_ITER (hh, a->held, h, next) {
        enum err e;

        if (h->going != GOES)
            continue;
        for (size_t i = 0; i < OPEN_FILES; i++)
            if (a->open[i].file && memcmp(attfile_facts(a->open[i].file)->address, h->facts.address,
                                          ATTACHMENT_ADDRESS_BYTES) == 0)
                file_shut(&a->open[i]);
        e = attfile_remove(a->dir, h->facts.address);
        if (e && e != ERR_NOT_FOUND) {
            log_limited(LEVEL_ERROR, "attachment.not_removed", "why=%s", err_name(e));
            continue;
        }
        a->removed++;
        held_drop(a, h);
    }
    pthread_mutex_unlock(&a->lock);
}

/* --- answers -------------------------------------------------------------------------------- */

static void say(struct attachments *a, const struct job *j, const struct message *m)
{
    struct parcel *p = calloc(1, sizeof *p);

    if (!p)
        return; /* he asks again */
    p->kind = PARCEL_FRAME;
    p->peer = j->peer;
    p->session = j->session;
    p->who = j->who;
    p->charge = charge_share(j->charge);
    if (message_encode(m, &p->frame) || queue_push_wait(a->o.out, p, -1))
        parcel_free(p);
}

static void refuse(struct attachments *a, const struct job *j, enum err why)
{
    struct message m = {
        .type = MSG_ERR, .err = {.req = j->req, .code = (uint32_t)why}
    };

    log_limited(LEVEL_INFO, "attachment.refused", "why=%s", err_name(why));
    if (why == ERR_ATTACHMENT_RIGHT) {
        pthread_mutex_lock(&a->lock);
        a->strangers++;
        pthread_mutex_unlock(&a->lock);
    }
    say(a, j, &m);
}

static void tell(struct attachments *a, const struct job *j, const struct attfile *f, bool hashes)
{
    struct message m = {
        .type = MSG_ATT_STATE,
        .att_state = {.req = j->req,
                      .size = attfile_facts(f)->size,
                      .next = attfile_next(f),
                      .whole = attfile_whole(f)}
    };

    memcpy(m.att_state.address, attfile_facts(f)->address, sizeof m.att_state.address);
    if (hashes)
        m.att_state.hashes = attfile_hashes(f);
    say(a, j, &m);
}

/* --- requests ------------------------------------------------------------------------------- */

static enum err deposit(struct attachments *a, const struct job *j, const struct msg_att_open *m)
{
    struct attfile_facts facts = {
        .size = m->size, .number = j->who.number, .made_ms = clock_now_ms(a->o.clock)};
    struct attfile *file = NULL;
    enum err e;

    memcpy(facts.address, m->address, sizeof facts.address);
    memcpy(facts.owner, j->who.org, ID_BYTES);
    pthread_mutex_lock(&a->lock);
    e = held_room(a, j->who.org, m->size);
    pthread_mutex_unlock(&a->lock);
    if (e || (e = attfile_create(a->dir, &facts, m->hashes, &file)))
        return e;
    pthread_mutex_lock(&a->lock);
    e = held_add(a, &facts, false);
    pthread_mutex_unlock(&a->lock);
    if (e) {
        attfile_close(file);
        return e;
    }
    file_keep(a, file);
    return ERR_OK;
}

/* Only its depositor adds to one; others may look if it was sent to them. */
static enum err on_open(struct attachments *a, const struct job *j, struct open_file **out)
{
    const struct msg_att_open *m = &j->message.att_open;
    struct attachment_ref ref;
    enum err e = attachments_may(a, m->address, j->who.org, &ref);

    if (e == ERR_NOT_FOUND)
        e = m->size ? deposit(a, j, m) : ERR_ATTACHMENT_MISSING;
    else if (!e && m->size && ref.number)
        e = ERR_ATTACHMENT_RIGHT;
    return e ? e : file_of(a, m->address, out);
}

static enum err on_chunk(struct attachments *a, const struct job *j, struct open_file **out)
{
    const struct msg_att_chunk *m = &j->message.att_chunk;
    struct attachment_ref ref;
    enum err e = attachments_may(a, m->address, j->who.org, &ref);

    if (e == ERR_NOT_FOUND)
        return ERR_ATTACHMENT_MISSING;
    if (!e && ref.number)
        e = ERR_ATTACHMENT_RIGHT;
    if (e || (e = file_of(a, m->address, out)))
        return e;
    e = attfile_write((*out)->file, m->i, m->chunk);
    if (e == ERR_AGAIN)
        return ERR_OK; /* the state tells which one is wanted */
    (*out)->dirty |= e == ERR_OK;
    return e;
}

static enum err on_get(struct attachments *a, const struct job *j)
{
    const struct msg_att_chunk *asked = &j->message.att_chunk;
    struct message m = {
        .type = MSG_ATT_CHUNK, .att_chunk = {.req = j->req, .i = asked->i}
    };
    struct attachment_ref ref;
    struct open_file *o;
    enum err e = attachments_may(a, asked->address, j->who.org, &ref);

    if (e == ERR_NOT_FOUND)
        return ERR_ATTACHMENT_MISSING;
    if (e || (e = file_of(a, asked->address, &o)) ||
        (e = attfile_read(o->file, asked->i, a->room, &m.att_chunk.chunk)))
        return e;
    memcpy(m.att_chunk.address, asked->address, sizeof m.att_chunk.address);
    say(a, j, &m);
    return ERR_OK;
}

/* --- a turn --------------------------------------------------------------------------------- */

struct turn {
    struct job *jobs[TURN_JOBS];
    struct open_file *file[TURN_JOBS]; /* whose state answers the job; NULL: answered */
    size_t n;
};

static void decide(struct attachments *a, struct turn *t, size_t i)
{
    struct job *j = t->jobs[i];
    enum err e = message_decode(bytes_span(&j->frame), SENT_BY_NODE, &j->message);

    j->req = message_req(bytes_span(&j->frame));
    if (!e) {
        switch (j->message.type) {
        case MSG_ATT_OPEN:
            e = on_open(a, j, &t->file[i]);
            break;
        case MSG_ATT_PUT:
            e = on_chunk(a, j, &t->file[i]);
            break;
        case MSG_ATT_GET:
            e = on_get(a, j);
            break;
        default:
            e = ERR_MESSAGE_STATE;
        }
    }
    if (e) {
        t->file[i] = NULL;
        refuse(a, j, e);
    }
}

static void files_sync(struct attachments *a)
{
    for (size_t i = 0; i < OPEN_FILES; i++) {
        struct open_file *o = &a->open[i];
        struct held_attachment *h;

        if (!o->dirty)
            continue;
        o->dirty = false;
        if (attfile_next(o->file) < attfile_count(o->file)) {
            o->why = attfile_sync(o->file);
            continue;
        }
        if ((o->why = attfile_finish(o->file)))
            continue;
        pthread_mutex_lock(&a->lock);
        if ((h = held_find(a, attfile_facts(o->file)->address)))
            h->whole = true;
        pthread_mutex_unlock(&a->lock);
    }
}

static void turn(struct attachments *a, struct turn *t)
{
    a->turn++;
    for (size_t i = 0; i < t->n; i++)
        decide(a, t, i);
    files_sync(a);
    for (size_t i = 0; i < t->n; i++) {
        if (t->file[i] && t->file[i]->why)
            refuse(a, t->jobs[i], t->file[i]->why);
        else if (t->file[i])
            tell(a, t->jobs[i], t->file[i]->file,
                 t->jobs[i]->message.type == MSG_ATT_OPEN &&
                     t->jobs[i]->message.att_open.size == 0);
        job_free(t->jobs[i]);
    }
    for (size_t i = 0; i < OPEN_FILES; i++)
        if (a->open[i].why)
            file_shut(&a->open[i]); /* what it holds is read again before it is relied on */
}

static void *attach_thread(void *arg)
{
    const struct fair_group most = {TURN_JOBS, TURN_BYTES, UINT64_MAX, 0};
    struct attachments *a = arg;
    enum err e;

    for (;;) {
        struct turn t = {0};

        e = fair_pop_many(a->in, t.jobs, &most, TURN_WAIT_MS, &t.n);
        if (e && e != ERR_TIMEOUT && e != ERR_AGAIN)
            return NULL;
        remove_gone(a);
        turn(a, &t);
    }
}

/* --- opening -------------------------------------------------------------------------------- */

static enum err found(void *arg, const struct attfile_facts *facts, bool whole)
{
    struct attachments *a = arg;

    return held_find(a, facts->address) ? ERR_OK : held_add(a, facts, whole);
}

enum err attachments_open(const struct attachments_options *options, struct attachments **out)
{
    struct attachments *a = calloc(1, sizeof *a);
    enum err e;

    if (!a)
        return ERR_NOMEM;
    pthread_mutex_init(&a->lock, NULL);
    a->o = *options;
    snprintf(a->dir, sizeof a->dir, "%s", options->dir);
    if (!(a->room = malloc(ATTACHMENT_CHUNK))) {
        e = ERR_NOMEM;
        goto fail;
    }
    if ((e = dir_make(a->dir, 0700)) || (e = fair_new(false, &a->in)) ||
        (e = attfile_each(a->dir, found, a)))
        goto fail;
    *out = a;
    return ERR_OK;
fail:
    attachments_free(a);
    return e;
}

enum err attachments_start(struct attachments *a)
{
    if (pthread_create(&a->thread, NULL, attach_thread, a))
        return ERR_NOMEM;
    a->running = true;
    return ERR_OK;
}

void attachments_stop(struct attachments *a)
{
    if (!a)
        return;
    fair_close(a->in);
    if (a->running)
        pthread_join(a->thread, NULL);
    a->running = false;
}

void attachments_free(struct attachments *a)
{
    struct held_attachment *h;
    struct held_attachment *next;

    if (!a)
        return;
    for (size_t i = 0; i < OPEN_FILES; i++)
        file_shut(&a->open[i]);
    HASH_ITER (hh, a->held, h, next)
        held_drop(a, h);
    owners_free(a);
    fair_free(a->in);
    pthread_mutex_destroy(&a->lock);
    free(a->room);
    free(a);
}

enum err attachments_give(struct attachments *a, struct job *j)
{
    return fair_push(a->in, j);
}
