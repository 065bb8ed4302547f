/* Admission: 2 KiB to three recipients, by eight senders (engineering: what durable, verified and
 * logged costs). Every acceptance counted is a RECEIPT, which the hub sends after its commit. */
#include "load.h"

#define SENDERS 8
#define RECIPIENTS 3

static bool pushed(const struct pusher *p, size_t n)
{
    size_t answered = 0;
    size_t all = 0;

    for (size_t i = 0; i < n; i++) {
        must(p[i].refused == 0, "an envelope was refused");
        answered += p[i].answered;
        all += p[i].load.n;
    }
    return answered == all;
}

static double accept_run(struct world *w, size_t each)
{
    struct pusher p[SENDERS];
    struct load loads[SENDERS];
    double start;

    loads_make(w, SENDERS, RECIPIENTS, each, loads);
    for (size_t i = 0; i < SENDERS; i++) {
        pusher_open(&p[i], w->m[i]);
        p[i].load = loads[i];
    }
    measure_begin(w);
    start = seconds();
    while (!pushed(p, SENDERS)) {
        for (size_t i = 0; i < SENDERS; i++)
            pusher_turn(&p[i]);
        ok_or(crew_turn(w->scene.crew, 1), ERR_AGAIN, "turn");
    }
    start = seconds() - start;
    measure_end(w);
    for (size_t i = 0; i < SENDERS; i++)
        pusher_close(&p[i]);
    return (double)(SENDERS * each) / start;
}

void bench_accept(void)
{
    struct world w;
    size_t each = quick ? 100 : 2000;
    double rate[RUNS_MAX];
    double syncs[RUNS_MAX];

    world_up(&w, SENDERS, RECIPIENTS);
    for (size_t i = 0; i < RECIPIENTS; i++)
        member_disconnect(w.to[i]);
    for (size_t i = 0; i < RUNS; i++) {
        uint64_t before = w.seen.counted;

        rate[i] = accept_run(&w, each);
        syncs[i] = (double)(w.seen.counted - before) / (double)(SENDERS * each);
    }
    report(&w, "accept_per_s", "1/s", rate, RUNS, SENDERS * each);
    report(&w, "fsync_per_accept", "1", syncs, RUNS, SENDERS * each);
    world_down(&w);
}

/* --- from PUT to the last ACK ------------------------------------------------------------------
 */

struct life {
    double verifies, leaves;
};

static struct life life_run(struct world *w, size_t each)
{
    struct load loads[SENDERS];
    struct pusher p[SENDERS];
    struct taker t[RECIPIENTS];
    struct known *known;
    int64_t verified = hubproc_status(w->scene.hub, "verified");
    int64_t leaves = hubproc_status(w->scene.hub, "audit_size");
    double messages = (double)(SENDERS * each);
    bool done = false;

    loads_make(w, SENDERS, RECIPIENTS, each, loads);
    known = known_make(loads, SENDERS);
    for (size_t i = 0; i < SENDERS; i++) {
        pusher_open(&p[i], w->m[i]);
        p[i].load = loads[i];
    }
    for (size_t i = 0; i < RECIPIENTS; i++)
        taker_open(&t[i], w->to[i], known);
    measure_begin(w);
    while (!done) {
        done = pushed(p, SENDERS);
        for (size_t i = 0; i < SENDERS; i++)
            pusher_turn(&p[i]);
        ok_or(crew_turn(w->scene.crew, 1), ERR_AGAIN, "turn");
        for (size_t i = 0; i < RECIPIENTS; i++) {
            taker_turn(&t[i]);
            done = done && t[i].acked == SENDERS * each;
        }
    }
    for (size_t i = 0; i < RECIPIENTS; i++) {
        taker_close(&t[i]);
        ok(member_barrier(w->to[i]), "barrier");
    }
    measure_end(w);
    for (size_t i = 0; i < SENDERS; i++)
        pusher_close(&p[i]);
    known_free(known);
    verified = hubproc_status(w->scene.hub, "verified") - verified;
    leaves = hubproc_status(w->scene.hub, "audit_size") - leaves;
    must(verified > 0 && leaves > 0, "status does not count");
    return (struct life){(double)verified / messages, (double)leaves / messages};
}

void bench_life(void)
{
    struct world w;
    size_t each = quick ? 100 : 1000;
    double verifies[RUNS_MAX];
    double leaves[RUNS_MAX];

    world_up(&w, SENDERS, RECIPIENTS);
    for (size_t i = 0; i < SENDERS + RECIPIENTS; i++)
        member_again(w.m[i], true);
    for (size_t i = 0; i < RUNS; i++) {
        struct life l = life_run(&w, each);

        verifies[i] = l.verifies;
        leaves[i] = l.leaves;
    }
    report(&w, "life_verifies", "1/message", verifies, RUNS, SENDERS * each);
    report(&w, "life_leaves", "1/message", leaves, RUNS, SENDERS * each);
    world_down(&w);
}
