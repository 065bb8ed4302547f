/* What many nodes and many messages cost: memory and processor of those who only are connected,
 * the way back after a crash with a full queue, proofs from a long log. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member_internal.h"
#include "plant.h"
#include "procstat.h"

/* --- idle --------------------------------------------------------------------------------------
 */

#define IDLE_CHILD 250
#define PING_EVERY_S 30.0 /* as a node does */
#define IDLE_WINDOW_S (quick ? 2.0 : 20.0)

/* Says HELLO with the keys log read to its end, which is what a node has on its disk. */
static struct member_node *idle_open(struct crew *crew, const struct member_node *m)
{
    struct secret32 *sign = NULL;
    struct secret32 *curve = NULL;
    struct member_node *copy = NULL;
    struct msg_hello hello;

    ok(secret_sign_seed(m->sign, &sign), "key");
    ok(secret_box_secret(m->curve, &curve), "key");
    ok(member_from_keys(crew, m->name, sign, curve, m->org, m->id, &m->hub, &copy), "member");
    secret32_free(sign);
    secret32_free(curve);
    ok(member_connect(copy), "connect");
    ok(member_hello_make(copy, &hello), "hello");
    ok(member_hello(copy, &hello), "hello");
    return copy;
}

static void ping(struct member_node *m)
{
    struct message say = {.type = MSG_PING};

    ok(member_tell(m, &say), "ping");
    member_forget_answers(m);
}

/* Nodes live in child processes: the hub is what is measured. A child says one byte when all its
 * members are connected, pings as nodes do, and goes when it is told. */
static void idle_child(struct member_node **m, size_t n, int say, int hear)
{
    struct member_node *mine[IDLE_CHILD];
    struct crew *crew = NULL;
    double start;
    size_t pings = 0;
    char done;

    ok(crew_open("idle", &crew), "crew");
    for (size_t i = 0; i < n; i++)
        mine[i] = idle_open(crew, m[i]);
    for (size_t i = 0; i < n; i++)
        ping(mine[i]);
    must(write(say, "r", 1) == 1, "pipe");
    start = seconds();
    while (read(hear, &done, 1) != 0) {
        ok_or(crew_turn(crew, 20), ERR_AGAIN, "turn");
        if (seconds() - start >= PING_EVERY_S * (double)pings / (double)n)
            ping(mine[pings++ % n]);
    }
    _exit(0);
}

static void idle_start(struct member_node **m, size_t n, int say, int hear, int keep, pid_t *pids)
{
    for (size_t i = 0; i < n; i += IDLE_CHILD) {
        pid_t pid = fork();

        must(pid >= 0, "fork");
        pids[i / IDLE_CHILD] = pid;
        if (pid > 0)
            continue;
        close(keep); /* its end in the parent alone keeps the children */
        idle_child(m + i, n - i < IDLE_CHILD ? n - i : IDLE_CHILD, say, hear);
    }
}

static double cpu_seconds(pid_t pid)
{
    char text[1024] = "";
    char path[64];
    char *at;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    must(f && fgets(text, sizeof text, f), "/proc/<pid>/stat");
    fclose(f);
    at = strrchr(text, ')');
    must(at, "/proc/<pid>/stat has no name");
    return (double)(nth_number(at + 1, 11) + nth_number(at + 1, 12)) / (double)sysconf(_SC_CLK_TCK);
}

struct idle {
    double kib, cpu_pct;
};

static struct idle idle_run(struct world *w, struct member_node **m, size_t n)
{
    pid_t hub = hubproc_pid(w->scene.hub);
    size_t before = hubproc_resident_kib(w->scene.hub);
    pid_t pids[64];
    struct idle is;
    int ready[2];
    int go[2];
    double start;
    char one;

    must(n <= IDLE_CHILD * sizeof pids / sizeof pids[0], "too many");
    must(pipe(ready) == 0 && pipe2(go, O_NONBLOCK) == 0, "pipes");
    idle_start(m, n, ready[1], go[0], go[1], pids);
    for (size_t i = 0; i < n; i += IDLE_CHILD)
        must(read(ready[0], &one, 1) == 1, "a child failed");
    must(hubproc_status(w->scene.hub, "sessions") >= (int64_t)n, "sessions are missing");
    measure_begin(w);
    start = seconds();
    is.cpu_pct = cpu_seconds(hub);
    while (seconds() - start < IDLE_WINDOW_S)
        ok_or(crew_turn(w->scene.crew, 100), ERR_AGAIN, "turn");
    is.cpu_pct = 100 * (cpu_seconds(hub) - is.cpu_pct) / (seconds() - start);
    measure_end(w);
    is.kib = (double)(hubproc_resident_kib(w->scene.hub) - before) / (double)n;
    must(hubproc_status(w->scene.hub, "sessions") >= (int64_t)n, "sessions were lost");
    close(go[1]);
    for (size_t i = 0; i < n; i += IDLE_CHILD)
        must(waitpid(pids[i / IDLE_CHILD], NULL, 0) > 0, "wait");
    close(go[0]);
    close(ready[0]);
    close(ready[1]);
    return is;
}

void bench_idle(void)
{
    size_t n = quick ? 500 : 5000;
    struct member_node **m = calloc(n, sizeof(struct member_node *));
    struct world w;
    double kib[RUNS_MAX];
    double cpu[RUNS_MAX];

    must(m != NULL, "memory");
    world_up(&w, 1, 1);
    plant_enrol(&w, m, n);
    for (size_t i = 0; i < RUNS; i++) {
        struct idle is;

        if (hubproc_running(w.scene.hub))
            ok(hubproc_stop(w.scene.hub, NULL), "stop");
        ok(world_start(&w), "start");
        is = idle_run(&w, m, n);
        kib[i] = is.kib;
        cpu[i] = is.cpu_pct;
    }
    report(&w, "idle_kib_per_node", "KiB", kib, RUNS, n);
    report(&w, "idle_cpu_pct", "%", cpu, RUNS, n);
    for (size_t i = 0; i < n; i++)
        member_free(m[i]);
    free(m);
    world_down(&w);
}

/* --- a million ---------------------------------------------------------------------------------
 */

static struct world million;
static size_t million_n; /* 0: not there yet */

static struct world *million_up(void)
{
    if (million_n)
        return &million;
    million_n = quick ? 20000 : 1000000;
    world_up(&million, 1, 1);
    member_disconnect(million.to[0]);
    member_disconnect(million.m[0]);
    plant_mail(&million, 1, million_n, BODY_BYTES, NULL);
    return &million;
}

/* From exec to the WELCOME of a member that was waiting: sockets, store, index, directory. */
void bench_restart(void)
{
    struct world *w = million_up();
    double took[RUNS_MAX];
    double rss[RUNS_MAX];

    for (size_t i = 0; i < RUNS; i++) {
        struct msg_hello hello;
        double start;

        if (hubproc_running(w->scene.hub))
            ok(hubproc_kill(w->scene.hub), "kill");
        measure_begin(w);
        start = seconds();
        ok(world_start(w), "start");
        ok(member_connect(w->m[0]), "connect");
        ok(member_hello_make(w->m[0], &hello), "hello");
        ok(member_hello(w->m[0], &hello), "hello");
        took[i] = 1000 * (seconds() - start);
        rss[i] = (double)hubproc_resident_kib(w->scene.hub) / 1024;
        measure_end(w);
        must(hubproc_status(w->scene.hub, "waiting") >= (int64_t)million_n, "the queue is gone");
        member_disconnect(w->m[0]);
    }
    report(w, "restart_ms", "ms", took, RUNS, million_n);
    report(w, "restart_rss_mib", "MiB", rss, RUNS, million_n);
}

#define PROOFS 100000

void bench_proof(void)
{
    struct world *w = million_up();
    double *took = calloc(PROOFS, sizeof *took);
    double p99[RUNS_MAX];
    struct plant p;

    must(took != NULL, "memory");
    plant_open(&p, w);
    for (size_t run = 0; run < RUNS; run++) {
        measure_begin(w);
        for (size_t i = 0; i < PROOFS; i++) {
            uint64_t size = ledger_committed_size(p.core->audit);
            struct merkle_proof proof;
            struct txn *t = NULL;
            uint64_t index;
            double start;

            ok(entropy_fill(&p.entropy, (uint8_t *)&index, sizeof index), "entropy");
            start = seconds();
            ok(store_begin(p.core->store, TXN_READ, &t), "begin");
            ok(ledger_inclusion(p.core->audit, t, index % size, size, &proof), "proof");
            store_abort(&t);
            took[i] = 1e6 * (seconds() - start);
            must(proof.count > 0, "a proof without hashes");
        }
        measure_end(w);
        p99[run] = quantile(took, PROOFS, 0.99);
    }
    report(w, "proof_p99_us", "us", p99, RUNS, million_n);
    plant_close(&p);
    free(took);
}

void million_down(void)
{
    if (million_n)
        world_down(&million);
}
