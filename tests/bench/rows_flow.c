/* Through the hub to those who are connected: latency at a steady rate, one to many, and one who
 * returns to a full mailbox. */
#include <stdlib.h>

#include "load.h"
#include "plant.h"

/* --- oneway ------------------------------------------------------------------------------------
 */

#define RATE_PER_S 500

struct oneway {
    double *sent;
    double *took;
};

static void on_message(struct taker *t, size_t load, size_t i, void *arg)
{
    struct oneway *o = arg;

    (void)t;
    (void)load;
    o->took[i] = seconds() - o->sent[i];
}

/* A queue that is full is waited for, and the wait is part of what it took. */
static void oneway_send(struct oneway *o, struct pusher *p, struct member_node *from,
                        const struct load *l, double now)
{
    enum err e;

    if (o->sent[p->sent] == 0)
        o->sent[p->sent] = now;
    e = member_send(from, bytes_span(&l->frame[p->sent]));
    ok_or(e, ERR_BUSY, "send");
    p->sent += e == ERR_OK;
}

void oneway_run(struct world *w, size_t n, size_t to_count, double *took)
{
    struct load l = load_make(w->m[0], w->scene.circle->handle, w->to, to_count, n, BODY_BYTES);
    struct known *known = known_make(&l, 1);
    struct oneway o = {calloc(n, sizeof(double)), took};
    struct pusher p;
    struct taker t;
    double start;

    must(o.sent != NULL, "memory");
    pusher_open(&p, w->m[0]);
    taker_open(&t, w->to[0], known);
    t.on_message = on_message;
    t.arg = &o;
    measure_begin(w);
    start = seconds();
    while (t.acked < n) {
        double now = seconds();

        must(now - start < 120, "not everything arrived");
        if (p.sent < n && now - start >= (double)p.sent / RATE_PER_S)
            oneway_send(&o, &p, w->m[0], &l, now);
        pusher_turn(&p); /* its load is empty: it only acknowledges */
        ok_or(crew_turn(w->scene.crew, 1), ERR_AGAIN, "turn");
        taker_turn(&t);
    }
    measure_end(w);
    taker_close(&t);
    pusher_close(&p);
    known_free(known);
    load_free(&l);
    free(o.sent);
}

void bench_oneway(void)
{
    struct world w;
    double p50[RUNS_MAX];
    double p99[RUNS_MAX];
    size_t n = quick ? 250 : 5000;
    double *took = calloc(n, sizeof *took);

    must(took != NULL, "memory");
    world_up(&w, 1, 1);
    member_again(w.m[0], true);
    member_again(w.to[0], true);
    for (size_t i = 0; i < RUNS; i++) {
        oneway_run(&w, n, 1, took);
        p50[i] = 1000 * quantile(took, n, 0.50);
        p99[i] = 1000 * quantile(took, n, 0.99);
    }
    report(&w, "oneway_p50_ms", "ms", p50, RUNS, n);
    report(&w, "oneway_p99_ms", "ms", p99, RUNS, n);
    free(took);
    world_down(&w);
}

/* --- fanout ------------------------------------------------------------------------------------
 */

#define FANOUT 10

static double fanout_run(struct world *w, size_t n)
{
    struct load l = load_make(w->m[0], w->scene.circle->handle, w->to, FANOUT, n, BODY_BYTES);
    struct known *known = known_make(&l, 1);
    struct taker t[FANOUT];
    struct pusher p;
    size_t acked = 0;
    double start;

    pusher_open(&p, w->m[0]);
    p.load = l;
    for (size_t i = 0; i < FANOUT; i++)
        taker_open(&t[i], w->to[i], known);
    measure_begin(w);
    start = seconds();
    while (acked < n * FANOUT || p.answered < n) { /* the next run must not hear of this one */
        acked = 0;
        pusher_turn(&p);
        must(p.refused == 0, "an envelope was refused");
        ok_or(crew_turn(w->scene.crew, 1), ERR_AGAIN, "turn");
        for (size_t i = 0; i < FANOUT; i++) {
            taker_turn(&t[i]);
            acked += t[i].acked;
        }
    }
    for (size_t i = 0; i < FANOUT; i++) {
        taker_close(&t[i]);
        ok(member_barrier(w->to[i]), "barrier"); /* the hub has taken the last ACK */
    }
    start = seconds() - start;
    measure_end(w);
    pusher_close(&p);
    known_free(known);
    return (double)(n * FANOUT) / start;
}

void bench_fanout(void)
{
    struct world w;
    double rate[RUNS_MAX];
    size_t n = quick ? 100 : 3000;

    world_up(&w, 1, FANOUT);
    for (size_t i = 0; i < 1 + FANOUT; i++)
        member_again(w.m[i], true);
    for (size_t i = 0; i < RUNS; i++)
        rate[i] = fanout_run(&w, n);
    report(&w, "fanout_per_s", "1/s", rate, RUNS, n * FANOUT);
    world_down(&w);
}

/* --- drain -------------------------------------------------------------------------------------
 */

static double drain_run(struct world *w, size_t n)
{
    struct load l = {0};
    struct known *known;
    struct taker t;
    double start;

    plant_mail(w, 1, n, BODY_BYTES, &l);
    known = known_make(&l, 1);
    ok(world_start(w), "start");
    taker_credit(w->to[0]);
    taker_open(&t, w->to[0], known);
    measure_begin(w);
    start = seconds();
    member_again(w->to[0], true);
    while (t.acked < n) {
        taker_turn(&t);
        ok_or(crew_turn(w->scene.crew, 1), ERR_AGAIN, "turn");
    }
    taker_close(&t);
    ok(member_barrier(w->to[0]), "barrier");
    start = seconds() - start;
    measure_end(w);
    must(hubproc_status(w->scene.hub, "waiting") >= 0, "status");
    known_free(known);
    load_free(&l);
    return (double)n / start;
}

void bench_drain(void)
{
    struct world w;
    double rate[RUNS_MAX];
    size_t n = quick ? 2000 : 100000;

    world_up(&w, 1, 1);
    for (size_t i = 0; i < RUNS; i++)
        rate[i] = drain_run(&w, n);
    report(&w, "drain_per_s", "1/s", rate, RUNS, n);
    world_down(&w);
}
