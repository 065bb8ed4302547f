/* What the product's own verification, decision, log and store reach without a network: the real
 * workers and the real store thread, fed from memory. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "member_internal.h"
#include "plant.h"

#define SENDERS 8
#define RECIPIENTS 3
#define UNDER_WAY (SENDERS * WINDOW)

static struct job *job_of(const struct core *c, const struct member_node *m, struct span frame)
{
    struct job *j = calloc(1, sizeof *j);

    must(j && bytes_copy(&j->frame, frame) == ERR_OK, "memory");
    j->kind = JOB_MEMBER;
    j->session = 1;
    memcpy(j->who.org, m->org, ID_BYTES);
    memcpy(j->who.node, m->id, ID_BYTES);
    j->who.number = (uint32_t)directory_find_node(c->dir, m->id)->enrolled_at;
    j->who.keyed_at = (uint32_t)directory_find_node(c->dir, m->id)->keyed_at;
    return j;
}

static enum err replay(void *arg, uint64_t index, uint64_t time_ms, struct span ss)
{
    return workers_keys(arg, index, time_ms, ss);
}

static size_t answers_take(struct plant *p)
{
    size_t n = 0;
    void *item;

    while (queue_pop(p->out, &item) == ERR_OK) {
        parcel_free(item);
        n++;
    }
    return n;
}

static double ceiling_feed(struct plant *p, struct workers *workers, struct world *w,
                           const struct load *loads, size_t each)
{
    size_t given = 0;
    size_t answered = 0;
    double start = seconds();
    void *item;

    while (answered < SENDERS * each) {
        while (given < SENDERS * each && given - answered < UNDER_WAY) {
            size_t s = given % SENDERS;

            ok(workers_give(workers,
                            job_of(p->core, w->m[s], bytes_span(&loads[s].frame[given / SENDERS]))),
               "give");
            given++;
        }
        ok(queue_pop_wait(p->out, &item, 10000), "the core is silent");
        parcel_free(item);
        answered += 1 + answers_take(p);
    }
    return (double)(SENDERS * each) / (seconds() - start);
}

static double ceiling_run(struct world *w, size_t each)
{
    struct load loads[SENDERS];
    struct worker_options o = {.count = 2, .clock = clock_system()};
    struct workers *workers = NULL;
    struct plant p;
    pthread_t thread;
    double rate;

    loads_make(w, SENDERS, RECIPIENTS, each, 1, loads);
    plant_open(&p, w);
    o.entropy = &p.entropy;
    o.mode = p.id->federation.mode;
    memcpy(o.federation, p.id->federation.id, ID_BYTES);
    memcpy(o.incarnation, p.core->incarnation, ID_BYTES);
    o.core = p.in;
    ok(workers_start(&o, &workers), "workers");
    ok(registry_each(p.core, replay, workers), "replay");
    must(pthread_create(&thread, NULL, core_thread, p.core) == 0, "thread");
    measure_begin(w);
    rate = ceiling_feed(&p, workers, w, loads, each);
    measure_end(w);
    fair_close(p.in);
    workers_stop(workers);
    pthread_join(thread, NULL);
    must(p.core->count.accepted == SENDERS * each, "an envelope was refused");
    plant_close(&p);
    for (size_t i = 0; i < SENDERS; i++)
        load_free(&loads[i]);
    return rate;
}

void bench_ceiling(void)
{
    struct world w;
    size_t each = quick ? 100 : 2000;
    double rate[RUNS_MAX];

    world_up(&w, SENDERS, RECIPIENTS);
    for (size_t i = 0; i < SENDERS + RECIPIENTS; i++)
        member_disconnect(w.m[i]);
    for (size_t i = 0; i < RUNS; i++)
        rate[i] = ceiling_run(&w, each);
    report(&w, "ceiling_per_s", "1/s", rate, RUNS, SENDERS * each);
    world_down(&w);
}
