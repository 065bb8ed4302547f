/* What one enrolled hostile member takes from the others: their p99 beside it, over without. It is
 * a member of their circle, with real keys, in a process of its own that does nothing else. That
 * process runs at the lowest priority: what its own cryptography takes of this machine would be
 * another machine's, and it has all that the hub and the others leave. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"
#include "member_internal.h"

#define LARGEST_BODY (255 * 1024)

struct enemy {
    struct world *w;
    struct crew *crew;
    struct member_node *m;
    struct load load; /* valid envelopes to one who is not connected */
    int say;
};

enum {
    HONEST,  /* who sends and is measured */
    TAKING,  /* who takes what is measured */
    HOSTILE, /* gets the same messages, too */
    AWAY     /* whom the hostile one writes to */
};

static void enemy_hello(struct enemy *x)
{
    struct msg_hello hello;

    ok(member_hello_make(x->m, &hello), "hello");
    if (member_hello_within(x->m, &hello, 1000))
        ok_or(crew_turn(x->crew, 1), ERR_AGAIN,
              "turn"); /* banned for a while, or too busy to answer: again */
}

static bool swallow(struct member_node *m, const struct message *frame, void *arg)
{
    (void)m;
    (void)arg;
    return frame->type != MSG_WELCOME;
}

/* As fast as the link takes it, without waiting for any answer. */
static void enemy_push(struct enemy *x)
{
    crew_patience(x->crew, 0);
    for (size_t i = 0;; i++) {
        struct span frame = bytes_span(&x->load.frame[i % x->load.n]);
        enum err e = member_send(x->m, frame);

        if (e || i % 16 == 0)
            ok_or(crew_turn(x->crew, e ? 1 : 0), ERR_AGAIN, "turn");
    }
}

static void flood(struct enemy *x)
{
    enemy_push(x);
}

/* The third bad signature ends the session: it greets anew all the time. */
static void forge(struct enemy *x)
{
    for (size_t i = 0; i < x->load.n; i++)
        x->load.frame[i].ptr[x->load.frame[i].len - 1] ^= 1;
    crew_patience(x->crew, 0);
    for (size_t i = 0;; i++) {
        struct msg_hello hello;
        struct message say = {.type = MSG_HELLO};
        struct bytes frame = {0};

        if (i % 64 == 0) {
            ok(member_hello_make(x->m, &hello), "hello");
            say.hello = hello;
            ok(message_encode(&say, &frame), "hello");
            ok_or(member_send(x->m, bytes_span(&frame)), ERR_BUSY, "send");
            bytes_free(&frame);
        }
        if (member_send(x->m, bytes_span(&x->load.frame[i % x->load.n])) || i % 16 == 0)
            ok_or(crew_turn(x->crew, 1), ERR_AGAIN, "turn");
    }
}

static void never_acknowledge(struct enemy *x)
{
    for (;;)
        ok_or(crew_turn(x->crew, 100), ERR_AGAIN, "turn");
}

static void reconnect(struct enemy *x)
{
    for (;;) {
        member_disconnect(x->m);
        ok(member_connect(x->m), "connect");
        enemy_hello(x);
    }
}

static const struct {
    const char *name;
    void (*act)(struct enemy *x);
    size_t n, body_bytes; /* of its load */
} enemies[] = {
    {"flood",     flood,             2000, BODY_BYTES  },
    {"forged",    forge,             500,  BODY_BYTES  },
    {"largest",   flood,             16,   LARGEST_BODY},
    {"no_ack",    never_acknowledge, 0,    0           },
    {"reconnect", reconnect,         0,    0           },
};
#define ENEMIES (sizeof enemies / sizeof enemies[0])

static _Noreturn void enemy_main(size_t kind, struct world *w, int say, uint64_t session)
{
    struct enemy x = {.w = w, .say = say};
    const struct member_node *m = w->m[HOSTILE];
    struct secret32 *sign = NULL;
    struct secret32 *curve = NULL;
    enum err e;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    must(setpriority(PRIO_PROCESS, 0, 19) == 0, "priority");
    ok(crew_open("enemy", &x.crew), "crew");
    ok(secret_sign_seed(m->sign, &sign), "key");
    ok(secret_box_secret(m->curve, &curve), "key");
    ok(member_from_keys(x.crew, m->name, sign, curve, m->org, m->id, &m->hub, &x.m), "member");
    memcpy(x.m->incarnation, m->incarnation, ID_BYTES);
    x.m->session = session; /* not taken for a clone */
    x.m->welcome = m->welcome;
    x.m->on_disk = m->on_disk;
    /* of the last time it is still held, or banned, or what it said then is still being decided */
    while ((e = member_open(x.m)) == ERR_RATE || e == ERR_MESSAGE_STATE || e == ERR_TIMEOUT)
        ok_or(crew_turn(x.crew, 50), ERR_AGAIN, "turn");
    ok(e, "open");
    if (enemies[kind].n)
        x.load = load_make(x.m, w->scene.circle->handle, w->m + AWAY, 1, enemies[kind].n,
                           enemies[kind].body_bytes);
    member_on_frame(x.m, swallow, NULL);
    must(write(say, "r", 1) == 1, "pipe");
    enemies[kind].act(&x);
    _exit(0);
}

static pid_t enemy_start(size_t kind, struct world *w)
{
    static uint64_t session = 1000;
    int ready[2];
    pid_t pid;
    char one;

    session += 1000000;
    must(pipe(ready) == 0, "pipe");
    pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0)
        enemy_main(kind, w, ready[1], session);
    close(ready[1]);
    must(read(ready[0], &one, 1) == 1, "the hostile member failed");
    close(ready[0]);
    return pid;
}

/* BENCH_ENEMY names the only one to try, for who looks where the time goes. */
static bool tried(size_t kind)
{
    const char *only = getenv("BENCH_ENEMY");

    return !only || strcmp(only, enemies[kind].name) == 0;
}

static double others_p99(struct world *w, size_t n)
{
    double *took = calloc(n, sizeof *took);
    double p99;

    must(took != NULL, "memory");
    oneway_run(w, n, 2, took); /* to TAKING and HOSTILE */
    p99 = 1000 * quantile(took, n, 0.99);
    free(took);
    return p99;
}

static double beside(size_t kind, struct world *w, size_t n)
{
    pid_t pid = enemy_start(kind, w);
    int status;
    double p99 = others_p99(w, n);

    must(waitpid(pid, &status, WNOHANG) == 0, "the hostile member has given up");
    kill(pid, SIGKILL);
    must(waitpid(pid, &status, 0) == pid, "wait");
    return p99;
}

void bench_hostile(void)
{
    struct world w;
    size_t n = quick ? 250 : 2000;
    double ratio[ENEMIES][RUNS_MAX];
    double worst[RUNS_MAX];
    char name[64];

    world_up_standard(&w, 1, 3);
    member_disconnect(w.m[HOSTILE]);
    member_disconnect(w.m[AWAY]);
    member_again(w.m[HONEST], true);
    member_again(w.m[TAKING], true);
    for (size_t i = 0; i < RUNS; i++) {
        double without = others_p99(&w, n);

        worst[i] = 0;
        for (size_t k = 0; k < ENEMIES; k++) {
            ratio[k][i] = tried(k) ? beside(k, &w, n) / without : 0;
            worst[i] = ratio[k][i] > worst[i] ? ratio[k][i] : worst[i];
        }
    }
    if (!getenv("BENCH_ENEMY"))
        report(&w, "hostile_ratio", "1", worst, RUNS, n);
    for (size_t k = 0; k < ENEMIES; k++) {
        if (!tried(k))
            continue;
        snprintf(name, sizeof name, "hostile_ratio_%s", enemies[k].name);
        report(&w, name, "1", ratio[k], RUNS, n);
    }
    world_down(&w);
}
