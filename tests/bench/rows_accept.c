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

static double accept_run(struct world *w, size_t each, size_t batch)
{
    struct pusher p[SENDERS];
    struct load loads[SENDERS];
    double start;

    loads_make(w, SENDERS, RECIPIENTS, each, batch, loads);
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

static void accept_rows(size_t batch, const char *rate_row, const char *syncs_row)
{
    struct world w;
    size_t each = quick ? 128 : 2048;
    double rate[RUNS_MAX];
    double syncs[RUNS_MAX];

    world_up(&w, SENDERS, RECIPIENTS);
    for (size_t i = 0; i < RECIPIENTS; i++)
        member_disconnect(w.to[i]);
    for (size_t i = 0; i < RUNS; i++) {
        uint64_t before = w.seen.counted;

        rate[i] = accept_run(&w, each, batch);
        syncs[i] = (double)(w.seen.counted - before) / (double)(SENDERS * each);
    }
    report(&w, rate_row, "1/s", rate, RUNS, SENDERS * each);
    if (syncs_row)
        report(&w, syncs_row, "1", syncs, RUNS, SENDERS * each);
    world_down(&w);
}

void bench_accept(void)
{
    accept_rows(1, "accept_per_s", "fsync_per_accept");
}

void bench_batch(void)
{
    accept_rows(BATCH, "accept_batch_per_s", NULL);
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

    loads_make(w, SENDERS, RECIPIENTS, each, 1, loads);
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
