/*
 * bench_hub - figures of a real hub process, over CURVE on loopback, on a real file system. One
 * JSON object a line. Envelopes are sealed before the clock starts; every acceptance counted is a
 * RECEIPT, which the hub sends after its commit alone.
 *
 *   bench_hub [--quick] [NAME…]    accept oneway idle restart
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define BODY_BYTES 1500 /* sealed for three: about 2 KiB on the wire */
#define SENDERS 8
#define RECIPIENTS 3
#define WINDOW 64

static bool quick;

/* --- a load of sealed envelopes ----------------------------------------------------------------
 */

struct load {
    struct bytes *frame;
    size_t n;
};

static struct load load_make(struct member_node *from, const uint8_t circle[ID_BYTES],
                             struct member_node *const *to, size_t to_count, size_t n,
                             size_t body_bytes)
{
    struct load l = {calloc(n, sizeof *l.frame), n};
    uint8_t *body = calloc(1, body_bytes);

    must(l.frame && body, "memory");
    for (size_t i = 0; i < n; i++) {
        struct bytes envelope = {0};

        ok(member_letter(from, circle, to, to_count, span_of(body, body_bytes), &envelope), "seal");
        ok(member_put_frame(i + 1, bytes_span(&envelope), &l.frame[i]), "frame");
        bytes_free(&envelope);
    }
    free(body);
    return l;
}

static void load_free(struct load *l)
{
    for (size_t i = 0; i < l->n; i++)
        bytes_free(&l->frame[i]);
    free(l->frame);
}

/* --- accept_per_s ------------------------------------------------------------------------------
 */

struct pusher {
    struct member_node *m;
    struct load load;
    size_t sent;
    size_t answered;
    size_t refused;
};

static bool on_answer(struct member_node *m, const struct message *frame, void *arg)
{
    struct pusher *p = arg;

    (void)m;
    if (frame->type == MSG_RECEIPT) {
        p->answered++;
        return true;
    }
    if (frame->type == MSG_ERR) {
        p->answered++;
        p->refused++;
        return true;
    }
    return frame->type == MSG_DELIVER;
}

static void push_some(struct pusher *p)
{
    while (p->sent < p->load.n && p->sent - p->answered < WINDOW) {
        if (member_send(p->m, bytes_span(&p->load.frame[p->sent])))
            return;
        p->sent++;
    }
}

static double accept_run(struct world *w, size_t each)
{
    struct pusher p[SENDERS] = {0};
    size_t done = 0;
    double start;

    for (size_t i = 0; i < SENDERS; i++) {
        p[i].m = w->m[i];
        p[i].load =
            load_make(w->m[i], w->scene.circle->handle, w->to, RECIPIENTS, each, BODY_BYTES);
        member_on_frame(w->m[i], on_answer, &p[i]);
    }
    start = seconds();
    while (done < SENDERS * each) {
        done = 0;
        for (size_t i = 0; i < SENDERS; i++) {
            push_some(&p[i]);
            done += p[i].answered;
        }
        ok_or(crew_turn(w->scene.crew, 1), ERR_AGAIN, "turn");
    }
    start = seconds() - start;
    for (size_t i = 0; i < SENDERS; i++) {
        must(p[i].refused == 0, "an envelope was refused");
        member_on_frame(w->m[i], NULL, NULL);
        load_free(&p[i].load);
    }
    return (double)(SENDERS * each) / start;
}

static void bench_accept(void)
{
    struct world w;
    size_t each = quick ? 100 : 1000;
    size_t runs = quick ? 1 : 3;
    double rate[8];

    world_up(&w, SENDERS, RECIPIENTS);
    for (size_t i = 0; i < runs; i++)
        rate[i] = accept_run(&w, each);
    report(&w, "accept_per_s", median(rate, runs), "1/s", runs, SENDERS * each);
    world_down(&w);
}

/* --- oneway ------------------------------------------------------------------------------------
 */

#define RATE_PER_S 500

struct oneway {
    double *sent;
    double *took;
    size_t n;
    size_t arrived;
    struct member_node *to;
};

static uint64_t order_of(const struct msg_deliver *d)
{
    struct envelope_view view;
    struct env_header header;

    if (d->kind != DELIVER_ENVELOPE || envelope_parse(d->item, &view, &header, NULL))
        return UINT64_MAX;
    return header.seq;
}

static bool on_delivery(struct member_node *m, const struct message *frame, void *arg)
{
    struct oneway *o = arg;
    uint64_t i;

    (void)m;
    if (frame->type != MSG_DELIVER)
        return false;
    i = order_of(&frame->deliver) - 1;
    if (i < o->n && o->took[i] == 0) {
        o->took[i] = seconds() - o->sent[i];
        o->arrived++;
    }
    return false; /* the member keeps it, to acknowledge */
}

static void oneway_run(struct world *w, struct oneway *o)
{
    struct load l = load_make(w->m[0], w->scene.circle->handle, w->to, 1, o->n, BODY_BYTES);
    struct pusher p = {.m = w->m[0]};
    double start = seconds();
    size_t sent = 0;
    size_t acked = 0;

    member_on_frame(w->m[0], on_answer, &p);
    member_on_frame(w->to[0], on_delivery, o);
    while (o->arrived < o->n && seconds() - start < 120) {
        while (sent < o->n && seconds() - start >= (double)sent / RATE_PER_S) {
            o->sent[sent] = seconds();
            ok(member_send(w->m[0], bytes_span(&l.frame[sent])), "send");
            sent++;
        }
        ok_or(crew_turn(w->scene.crew, 1), ERR_AGAIN, "turn");
        if (o->arrived - acked >= 16) {
            size_t items = member_items(w->to[0]);

            ok(member_ack(w->to[0], member_item(w->to[0], items - 1)->seq), "ack");
            acked = o->arrived;
        }
    }
    must(o->arrived == o->n, "not everything arrived");
    member_on_frame(w->m[0], NULL, NULL);
    member_on_frame(w->to[0], NULL, NULL);
    load_free(&l);
}

static void bench_oneway(void)
{
    struct world w;
    size_t runs = quick ? 1 : 3;
    double p50[8];
    double p99[8];
    size_t n = quick ? 250 : 5000;

    for (size_t i = 0; i < runs; i++) {
        struct oneway o = {calloc(n, sizeof(double)), calloc(n, sizeof(double)), n, 0, NULL};

        must(o.sent && o.took, "memory");
        world_up(&w, 1, 1);
        oneway_run(&w, &o);
        p50[i] = 1000 * quantile(o.took, n, 0.50);
        p99[i] = 1000 * quantile(o.took, n, 0.99);
        free(o.sent);
        free(o.took);
        if (i + 1 < runs)
            world_down(&w);
    }
    report(&w, "oneway_p50_ms", median(p50, runs), "ms", runs, n);
    report(&w, "oneway_p99_ms", median(p99, runs), "ms", runs, n);
    world_down(&w);
}

/* --- idle_kib_per_node -------------------------------------------------------------------------
 */

#define IDLE_CHILD 200

/* Nodes live in child processes: the hub is what is measured. A child says one byte when all its
 * members are connected, and goes when it is told. */
static void idle_child(struct member_node **m, size_t n, int say, int hear)
{
    struct crew *crew = NULL;
    char done;

    ok(crew_open("idle", &crew), "crew");
    for (size_t i = 0; i < n; i++) {
        struct secret32 *sign = NULL;
        struct secret32 *curve = NULL;
        struct member_node *copy = NULL;

        ok(secret_sign_seed(member_sign_key(m[i]), &sign), "key");
        ok(secret_box_secret(member_transport_key(m[i]), &curve), "key");
        ok(member_from_keys(crew, member_name(m[i]), sign, curve, member_org(m[i]), member_id(m[i]),
                            member_hub(m[i]), &copy),
           "member");
        ok(member_open(copy), "open");
        secret32_free(sign);
        secret32_free(curve);
    }
    must(write(say, "r", 1) == 1, "pipe");
    must(read(hear, &done, 1) >= 0, "pipe");
    _exit(0);
}

static void idle_start(struct member_node **m, size_t n, size_t per, int say, const int go[2])
{
    for (size_t i = 0; i < n; i += per) {
        pid_t pid = fork();

        must(pid >= 0, "fork");
        if (pid > 0)
            continue;
        close(go[1]); /* its end in the parent alone keeps the children */
        idle_child(m + i, per, say, go[0]);
    }
}

static void bench_idle(void)
{
    size_t n = quick ? 40 : 1000;
    size_t per = quick ? 20 : IDLE_CHILD;
    struct member_node **m = calloc(n, sizeof(struct member_node *));
    struct world w;
    int ready[2];
    int go[2];
    size_t before;
    char one;

    must(m && pipe(ready) == 0 && pipe(go) == 0, "pipes");
    world_up(&w, 1, 1);
    for (size_t i = 0; i < n; i++) {
        char name[32];

        snprintf(name, sizeof name, "idle-%zu", i);
        ok(scene_enrol(&w.scene, name, ORG_ESSMS, &m[i]), "enrol");
    }
    before = hubproc_resident_kib(w.scene.hub);
    idle_start(m, n, per, ready[1], go);
    for (size_t i = 0; i < n; i += per)
        must(read(ready[0], &one, 1) == 1, "a child failed");
    must(hubproc_status(w.scene.hub, "sessions") >= (int64_t)n, "sessions are missing");
    report(&w, "idle_kib_per_node",
           (double)(hubproc_resident_kib(w.scene.hub) - before) / (double)n, "KiB", 1, n);
    close(go[1]);
    while (wait(NULL) > 0)
        ;
    free(m);
    world_down(&w);
}

/* --- restart_ms --------------------------------------------------------------------------------
 */

static void queue_up(struct world *w, size_t n)
{
    struct pusher p = {.m = w->m[0]};

    p.load = load_make(w->m[0], w->scene.circle->handle, w->to, 1, n, 200);
    member_on_frame(w->m[0], on_answer, &p);
    while (p.answered < n) {
        push_some(&p);
        ok_or(crew_turn(w->scene.crew, 1), ERR_AGAIN, "turn");
    }
    must(p.refused == 0, "an envelope was refused");
    member_on_frame(w->m[0], NULL, NULL);
    load_free(&p.load);
}

/* From exec to the WELCOME of a member that was waiting: sockets, store, index, directory. */
static void bench_restart(void)
{
    size_t n = quick ? 1000 : 100000;
    size_t runs = quick ? 1 : 3;
    struct world w;
    double took[8];

    world_up(&w, 1, 1);
    member_disconnect(w.to[0]);
    queue_up(&w, n);
    member_disconnect(w.m[0]);
    for (size_t i = 0; i < runs; i++) {
        double start;

        ok(hubproc_kill(w.scene.hub), "kill");
        start = seconds();
        ok(hubproc_start(w.scene.hub, NULL), "start");
        ok(member_open(w.m[0]), "open");
        took[i] = 1000 * (seconds() - start);
        must(hubproc_status(w.scene.hub, "waiting") >= (int64_t)n, "the queue is gone");
        member_disconnect(w.m[0]);
    }
    report(&w, "restart_ms", median(took, runs), "ms", runs, n);
    world_down(&w);
}

/* -----------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    void (*run)(void);
} benches[] = {
    {"accept",  bench_accept },
    {"oneway",  bench_oneway },
    {"idle",    bench_idle   },
    {"restart", bench_restart},
};

static bool wanted(int argc, char **argv, const char *name)
{
    bool named = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
        named = named || argv[i][0] != '-';
    }
    return !named;
}

int main(int argc, char **argv)
{
    ok(seal_init(), "libsodium");
    for (int i = 1; i < argc; i++)
        quick = quick || strcmp(argv[i], "--quick") == 0;
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++)
        if (wanted(argc, argv, benches[i].name))
            benches[i].run();
    return 0;
}
