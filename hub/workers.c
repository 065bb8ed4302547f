/* Workers: parsing and signatures, away from the door and from the store. Each has its own
 * replica of the directory, kept up by messages, so nothing is shared and nothing locked. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hub.h"
#include "log.h"
#include "proven.h"
#include "receipt.h"

#define KEYS_ROOM 65536 /* the door never waits for a worker, and must not */
#define WORKERS_ALL (HUB_WORKERS_MAX + 1)

struct worker {
    struct workers *all;
    struct fair *in;    /* its own, or shared with others */
    struct queue *keys; /* leaves of the keys log, applied before the next job */
    struct directory *dir;
    struct proven *proven;
    pthread_t thread;
    bool running;
};

struct workers {
    struct worker_options o;
    size_t n;
    struct fair *members; /* shared: an organisation has one of its jobs with a worker at a time */
    struct fair *emergency; /* of the last worker alone */
    struct worker each[WORKERS_ALL];
};

/* --- one job ------------------------------------------------------------------------------- */

static enum err signer_of(const struct directory *dir, const uint8_t org[ID_BYTES],
                          const uint8_t kid[KID_BYTES], const struct worker_options *o,
                          struct sign_public *pk)
{
    return directory_signer(dir, org, kid, DIRECTORY_NOW, clock_now_ms(o->clock), pk);
}

/* Steps 1 to 7 of the receive order (PROTOCOL.md 5.4). */
static enum err put_verify(struct job *j, const struct directory *dir,
                           const struct worker_options *o, struct proven *proven)
{
    struct envelope_claim claim;
    struct sign_public pk;
    enum err e;

    if ((e = envelope_parse(j->message.put.envelope, &j->view, &j->header, NULL)))
        return e;
    if (j->header.status != o->mode)
        return ERR_MODE;
    if ((e = signer_of(dir, j->header.from, j->header.skid, o, &pk)))
        return e;
    if ((e = envelope_digest(&j->view, j->digest)))
        return e;
    if ((e = envelope_claim(&j->view, &j->header, j->digest, &claim)))
        return e;
    e = proven_verify(proven, &claim, &pk);
    j->costly = e == ERR_FORGED;
    return e;
}

static enum err ack_verify(struct job *j, const struct directory *dir,
                           const struct worker_options *o)
{
    const struct msg_ack *a = &j->message.ack;
    const struct directory_node *n = directory_find_node(dir, j->who.node);
    struct ack_claim claim = {.after = j->after, .upto = a->upto, .count = a->count};
    uint8_t digest[DIGEST_BYTES];
    enum err e;

    if (!a->is_signed)
        return ERR_OK;
    if (!n)
        return ERR_NOT_ENROLLED;
    memcpy(claim.federation, o->federation, ID_BYTES);
    memcpy(claim.hub, o->incarnation, ID_BYTES);
    memcpy(claim.org, j->who.org, ID_BYTES);
    memcpy(claim.node, j->who.node, ID_BYTES);
    memcpy(claim.root, a->root, sizeof claim.root);
    if ((e = ack_digest(&claim, digest)))
        return e;
    e = verify_digest(SIGN_ACK, &n->signing, digest, a->sig);
    j->costly = e == ERR_FORGED;
    return e;
}

/* A report or recall has one signature, by a node of the session's organisation. */
static enum err report_verify(struct job *j, enum statement_family family,
                              const struct directory *dir, const struct worker_options *o)
{
    struct sign_public pk;
    enum err e;

    if ((e = statement_parse(j->message.statement.ss, &j->ss)))
        return e;
    if (j->ss.count != 1 || j->ss.sig[0].role != ROLE_NODE)
        return ERR_FIELD_VALUE;
    if (memcmp(j->ss.sig[0].org, j->who.org, ID_BYTES) != 0)
        return ERR_FROM;
    if ((e = signer_of(dir, j->who.org, j->ss.sig[0].kid, o, &pk)))
        return e;
    e = statement_verify(family, j->ss.stmt, &j->ss.sig[0], &pk);
    j->costly = e == ERR_FORGED;
    return e;
}

static enum err message_verify(struct job *j, const struct directory *dir,
                               const struct worker_options *o, struct proven *proven)
{
    enum err e = message_decode(bytes_span(&j->frame), SENT_BY_NODE, &j->message);

    if (e)
        return e;
    j->req = j->message.type == MSG_ACK ? 0 : message_req(bytes_span(&j->frame));
    switch (j->message.type) {
    case MSG_PUT:
        return put_verify(j, dir, o, proven);
    case MSG_ACK:
        return ack_verify(j, dir, o);
    case MSG_REPORT:
        return report_verify(j, STATEMENT_REPORT, dir, o);
    case MSG_RECALL:
        return report_verify(j, STATEMENT_RECALL, dir, o);
    case MSG_DECLARE: /* the circle decides who may sign: the core verifies, it has the chain */
    case MSG_KEYS_PUT:
        return statement_parse(j->message.statement.ss, &j->ss);
    default:
        return ERR_OK;
    }
}

void job_verify(struct job *j, const struct directory *dir, const struct worker_options *o,
                struct proven *proven)
{
    if (j->kind != JOB_MEMBER)
        return;
    j->req = message_req(bytes_span(&j->frame));
    j->verdict = message_verify(j, dir, o, proven);
}

/* --- threads ------------------------------------------------------------------------------- */

static void keys_apply(struct worker *w, struct job *j)
{
    enum err e = directory_apply(w->dir, j->index, j->time_ms, bytes_span(&j->frame));

    if (e) { /* the core accepted it: a replica that cannot follow must not go on judging */
        log_error("worker.directory", "why=%s index=%llu", err_name(e),
                  (unsigned long long)j->index);
        abort();
    }
    job_free(j);
}

static void keys_follow(struct worker *w)
{
    void *item;

    while (queue_pop(w->keys, &item) == ERR_OK)
        keys_apply(w, item);
}

static void *worker_thread(void *arg)
{
    struct worker *w = arg;
    struct job *j;
    enum err e;

    pthread_setname_np(pthread_self(), "hub-verify");
    while ((e = fair_pop(w->in, &j, FAIR_FOREVER)) == ERR_OK || e == ERR_AGAIN) {
        uint8_t org[ID_BYTES];
        enum lane lane;

        keys_follow(w);
        if (e)
            continue;
        lane = j->lane;
        memcpy(org, j->who.org, sizeof org);
        job_verify(j, w->dir, &w->all->o, w->proven);
        if (fair_push(w->all->o.core, j))
            job_free(j); /* the core is gone, or no memory: nothing was promised, it comes again */
        fair_done(w->in, lane, org);
    }
    keys_follow(w);
    return NULL;
}

static enum err worker_start(struct workers *all, struct fair *in)
{
    struct worker *w = &all->each[all->n];
    enum err e;

    w->all = all;
    w->in = in;
    all->n++;
    if ((e = queue_new(KEYS_ROOM, &w->keys)))
        return e;
    if ((e = directory_new(DIRECTORY_LEAF_TIME, all->o.entropy, &w->dir)))
        return e;
    if ((e = proven_new(&w->proven)))
        return e;
    if (pthread_create(&w->thread, NULL, worker_thread, w))
        return ERR_NOMEM;
    w->running = true;
    return ERR_OK;
}

enum err workers_start(const struct worker_options *options, struct workers **out)
{
    struct workers *all;
    enum err e;

    if (options->count < 1 || options->count > HUB_WORKERS_MAX)
        return ERR_RANGE;
    all = calloc(1, sizeof *all);
    if (!all)
        return ERR_NOMEM;
    all->o = *options;
    if ((e = fair_new(true, &all->members)) || (e = fair_new(true, &all->emergency)))
        goto fail;
    for (size_t i = 0; i < options->count; i++)
        if ((e = worker_start(all, all->members)))
            goto fail;
    if ((e = worker_start(all, all->emergency)))
        goto fail;
    *out = all;
    return ERR_OK;
fail:
    workers_stop(all);
    return e;
}

void workers_stop(struct workers *all)
{
    if (!all)
        return;
    if (all->members)
        fair_close(all->members);
    if (all->emergency)
        fair_close(all->emergency);
    for (size_t i = 0; i < all->n; i++) {
        struct worker *w = &all->each[i];

        if (w->running)
            pthread_join(w->thread, NULL);
        directory_free(w->dir);
        proven_free(w->proven);
        queue_free(w->keys);
    }
    fair_free(all->members);
    fair_free(all->emergency);
    free(all);
}

enum err workers_give(struct workers *all, struct job *j)
{
    return fair_push(j->lane == LANE_EMERGENCY ? all->emergency : all->members, j);
}

enum err workers_keys(struct workers *all, uint64_t index, uint64_t time_ms, struct span ss)
{
    for (size_t i = 0; i < all->n; i++) {
        struct job *j = calloc(1, sizeof *j);
        enum err e;

        if (!j)
            return ERR_NOMEM;
        j->kind = JOB_KEYS;
        j->index = index;
        j->time_ms = time_ms;
        if ((e = bytes_copy(&j->frame, ss)) || (e = queue_push(all->each[i].keys, j))) {
            job_free(j);
            return e;
        }
        fair_wake(all->each[i].in);
    }
    return ERR_OK;
}
