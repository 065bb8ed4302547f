/*
 * bench_node - from one node's command to the other node's disk: written, sealed and committed at
 * the sender (a relais-node process, through its control socket), admitted and committed at the hub
 * (a relais-hub process), verified, opened and committed at the recipient. The recipient is
 * relais-node's own code on a thread of this program, so that the end of its commit can be seen.
 *
 *   bench_node [--quick]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "courier.h"
#include "file.h"
#include "loop.h"
#include "proctree.h"
#include "serve.h"
#include "transport.h"

#define RATE_PER_S 200
#define TEXT_BYTES 800 /* with what a sheet says of itself, sealed: about 2 KiB */
#define PATIENCE_S 30.0
#define PATH_BYTES 400
#define HEX_BYTES (2 * ID_BYTES + 1)

#define PROFESSIONAL "{\"name\":\"Loïc Vanhœcke\",\"profession\":\"Infirmier\",\"category\":1}"

struct side {
    char dir[PATH_BYTES];
    char org[HEX_BYTES];
    struct child serve;
};

struct pair {
    struct world w;
    char top[PATH_BYTES / 2];
    char passphrase[PATH_BYTES];
    struct side from, to;
    char person[HEX_BYTES];
    char circle[HEX_BYTES];
};

/* --- asking nodes ------------------------------------------------------------------------------
 */

/* A run of the program on that side's directory. What it says as JSON, owned; NULL: it failed. */
static json_t *node_run(const struct pair *p, const struct side *s, const char *const *words)
{
    const char *args[16] = {"--dir", s->dir, "--passphrase-file", p->passphrase, "--json"};
    struct bytes out = {0};
    char program[1024];
    json_t *answer = NULL;
    size_t n = 5;

    for (; *words; words++)
        args[n++] = *words;
    if (hubproc_run(hubproc_program("relais-node", program), args, &out) == 0) {
        const uint8_t *at = memchr(out.ptr, '{', out.len);

        answer = at ? json_loadb((const char *)at, (size_t)(out.ptr + out.len - at), 0, NULL)
                    : json_object();
    } else {
        fprintf(stderr, "%.*s\n", (int)out.len, (const char *)out.ptr);
    }
    bytes_free(&out);
    return answer;
}

/* One request to a serving node; its "data", owned. NULL: refused. */
static json_t *node_ask(const struct side *s, const char *command, json_t *args)
{
    json_t *request = json_pack("{s:s, s:o, s:o}", "cmd", command, "args", args, "actor",
                                json_loads(PROFESSIONAL, 0, NULL));
    char path[PATH_BYTES + 16];
    struct control_call call = {.path = path, .timeout_ms = 20000};
    json_t *answer = NULL;
    json_t *data = NULL;

    must(request != NULL, "a request");
    snprintf(path, sizeof path, "%s/control.sock", s->dir);
    ok(control_call(&call, request, &answer), command);
    if (!json_object_get(answer, "error"))
        data = json_incref(json_object_get(answer, "data"));
    json_decref(request);
    json_decref(answer);
    return data;
}

static void node_must(const struct side *s, const char *command, json_t *args, const char *key,
                      char value[HEX_BYTES])
{
    json_t *data = node_ask(s, command, args);
    const char *text = data ? json_string_value(json_object_get(data, key)) : NULL;

    must(data != NULL, command);
    if (value) {
        must(text && strlen(text) < HEX_BYTES, command);
        snprintf(value, HEX_BYTES, "%s", text ? text : "");
    }
    json_decref(data);
}

static bool is_linked(const struct side *s)
{
    json_t *data = node_ask(s, "status", json_object());
    const char *state = json_string_value(json_object_get(json_object_get(data, "link"), "state"));
    bool linked = state && strcmp(state, "ready") == 0;

    json_decref(data);
    return linked;
}

/* --- two nodes, enrolled, in one circle --------------------------------------------------------
 */

static void joined(struct pair *p, struct side *s, const char *invitation, const char *id)
{
    const char *first[] = {"join", invitation, NULL};
    const char *confirm[] = {"join", invitation, "--confirm", NULL, NULL};
    const char *wait[] = {"join", invitation, "--wait", "10", NULL};
    json_t *answer = node_run(p, s, first);
    json_t *data = NULL;
    bool complete = false;

    must(answer != NULL, "join");
    confirm[3] = json_string_value(json_object_get(answer, "fingerprint"));
    ok(hubproc_command(p->w.scene.hub, "org.approve",
                       json_pack("{s:s, s:s}", "id", id, "fingerprint", confirm[3]), &data),
       "approve");
    json_decref(node_run(p, s, confirm));
    ok(scene_sign(&p->w.scene, span_text(json_string_value(json_object_get(data, "request"))),
                  &complete),
       "sign");
    must(complete, "an enrolment that is not complete");
    json_decref(node_run(p, s, wait));
    json_decref(answer);
    json_decref(data);
}

static void side_up(struct pair *p, struct side *s, const char *name)
{
    const char *init[] = {"--light", "init", NULL};
    char invitation[PATH_BYTES + 16];
    json_t *data = NULL;

    snprintf(s->dir, sizeof s->dir, "%s/%s", p->top, name);
    must(node_run(p, s, init) != NULL, "init");
    ok(hubproc_command(p->w.scene.hub, "invite",
                       json_pack("{s:s, s:i}", "name", name, "kind", (int)ORG_ESSMS), &data),
       "invite");
    snprintf(s->org, sizeof s->org, "%s", json_string_value(json_object_get(data, "org")));
    snprintf(invitation, sizeof invitation, "%s/%s.invitation", p->top, name);
    ok(file_write_atomic(invitation,
                         span_text(json_string_value(json_object_get(data, "invitation"))), 0600),
       "invitation");
    joined(p, s, invitation, json_string_value(json_object_get(data, "id")));
    json_decref(data);
}

static void side_serve(struct pair *p, struct side *s)
{
    const char *args[] = {"--dir", s->dir, "--passphrase-file", p->passphrase, "serve", NULL};
    char program[1024];
    double start = seconds();

    ok(child_start(&s->serve, hubproc_program("relais-node", program), args, NULL, NULL), "serve");
    ok(child_await(&s->serve, 0, "node.ready", 20000), "serve");
    while (!is_linked(s)) {
        must(seconds() - start < PATIENCE_S, "a node does not reach the hub");
        ok_or(crew_turn(p->w.scene.crew, 20), ERR_AGAIN, "turn");
    }
}

static void circle_up(struct pair *p)
{
    json_t *accepted = NULL;
    double start = seconds();

    node_must(&p->from, "person.add",
              json_pack("{s:s, s:s, s:[s], s:s, s:i, s:s}", "local", "B-1", "birth_name", "D'HAËNE",
                        "birth_first_names", "Zoé", "birth_date", "1938-05-17", "sex", 2,
                        "birth_place", "62041"),
              "id", p->person);
    node_must(&p->from, "circle.create",
              json_pack("{s:s, s:i, s:i, s:i, s:i}", "person", p->person, "team", 1, "category", 1,
                        "classes", CLASS_IDENTITY | CLASS_SOCIAL | CLASS_AUTONOMY | CLASS_MEDICAL,
                        "rights", 1),
              "circle", p->circle);
    node_must(&p->from, "circle.invite",
              json_pack("{s:s, s:s, s:i, s:i, s:i}", "circle", p->circle, "to", p->to.org, "team",
                        1, "category", 1, "classes",
                        CLASS_IDENTITY | CLASS_SOCIAL | CLASS_AUTONOMY | CLASS_MEDICAL),
              NULL, NULL);
    while (
        !(accepted = node_ask(&p->to, "circle.accept", json_pack("{s:s}", "circle", p->circle)))) {
        must(seconds() - start < PATIENCE_S, "the invitation does not arrive");
        ok_or(crew_turn(p->w.scene.crew, 20), ERR_AGAIN, "turn");
    }
    json_decref(accepted);
}

static json_t *sheet_args(const struct pair *p, const char *text)
{
    return json_pack("{s:s, s:[{s:s, s:i}], s:i, s:s, s:[{s:i, s:s}], s:i, s:i}", "person",
                     p->person, "to", "org", p->to.org, "category", 1, "note", 1, "subject",
                     "Consignes pour la nuit", "sections", "class", CLASS_SOCIAL, "text", text,
                     "basis", BASIS_ECHANGE, "purpose", 1);
}

static void pair_up(struct pair *p)
{
    const char *base = getenv("TMPDIR");

    *p = (struct pair){0};
    world_up_alone(&p->w);
    snprintf(p->top, sizeof p->top, "%s/bench-XXXXXX", base && *base ? base : "/tmp");
    must(mkdtemp(p->top) != NULL, "a directory");
    snprintf(p->passphrase, sizeof p->passphrase, "%s/passphrase", p->top);
    ok(file_write_atomic(p->passphrase, span_text("phrase de passe d'exercice\n"), 0600),
       "passphrase");
    side_up(p, &p->from, "from");
    side_up(p, &p->to, "to");
    side_serve(p, &p->from);
    side_serve(p, &p->to);
    circle_up(p);
}

static void pair_down(struct pair *p)
{
    child_end(&p->from.serve);
    child_end(&p->to.serve);
    tree_remove(p->top);
    world_down(&p->w);
}

/* --- the recipient, on a thread of this program ------------------------------------------------
 */

struct recipient {
    const struct pair *p;
    double *at; /* when the i-th delivery was on disk */
    size_t n;
    atomic_size_t got;
    atomic_bool ready;
    atomic_bool stop;
    pthread_t thread;
};

static json_int_t delivered(const struct node *n)
{
    json_t *s = courier_status(n);
    json_int_t got = json_integer_value(json_object_get(s, "delivered"));

    json_decref(s);
    return got;
}

static void *recipient_main(void *arg)
{
    struct recipient *r = arg;
    struct open_flags flags = {.dir = r->p->to.dir, .passphrase_file = r->p->passphrase};
    struct transport_options o = {0};
    struct transport *transport = NULL;
    struct node *n = NULL;
    json_int_t before = 0;
    int lock = -1;

    ok(node_open_flags(&flags, &n, &lock), "open the recipient");
    ok(loop_open(n->clock, &n->loop), "loop");
    o.entropy = &n->entropy;
    ok(transport_open(&o, &transport), "transport");
    ok(courier_open(n, transport, &n->courier), "courier");
    while (courier_state(n->courier) != COURIER_READY)
        ok_or(loop_turn(n->loop, 20), ERR_AGAIN, "turn");
    before = delivered(n);
    atomic_store(&r->ready, true);
    while (!atomic_load(&r->stop)) {
        size_t got = atomic_load(&r->got);

        ok_or(loop_turn(n->loop, 50), ERR_AGAIN, "turn");
        while (got < r->n && delivered(n) - before > (json_int_t)got)
            r->at[got++] = seconds();
        atomic_store(&r->got, got);
    }
    courier_close(n->courier);
    n->courier = NULL;
    loop_close(n->loop);
    transport_close(transport);
    node_close(n);
    dir_unlock(&lock);
    return NULL;
}

static void recipient_start(struct recipient *r, struct pair *p, size_t n)
{
    *r = (struct recipient){.p = p, .at = calloc(n, sizeof *r->at), .n = n};
    must(r->at && pthread_create(&r->thread, NULL, recipient_main, r) == 0, "thread");
    while (!atomic_load(&r->ready))
        ok_or(crew_turn(p->w.scene.crew, 10), ERR_AGAIN, "turn");
}

static void recipient_stop(struct recipient *r)
{
    atomic_store(&r->stop, true);
    pthread_join(r->thread, NULL);
    free(r->at);
}

/* --- the row -----------------------------------------------------------------------------------
 */

static double run(struct pair *p, size_t n)
{
    double *sent = calloc(n, sizeof *sent);
    char text[TEXT_BYTES + 1];
    struct recipient r;
    double p99;
    double start;

    must(sent != NULL, "memory");
    memset(text, 'a', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    recipient_start(&r, p, n);
    measure_begin(&p->w);
    start = seconds();
    for (size_t i = 0; i < n; i++) {
        while (seconds() - start < (double)i / RATE_PER_S)
            ok_or(crew_turn(p->w.scene.crew, 1), ERR_AGAIN, "turn");
        sent[i] = seconds();
        node_must(&p->from, "sheet.send", sheet_args(p, text), NULL, NULL);
    }
    while (atomic_load(&r.got) < n) {
        must(seconds() - start < 120, "not everything arrived");
        ok_or(crew_turn(p->w.scene.crew, 1), ERR_AGAIN, "turn");
    }
    measure_end(&p->w);
    for (size_t i = 0; i < n; i++) /* one sender, one recipient: in order */
        sent[i] = r.at[i] - sent[i];
    p99 = 1000 * quantile(sent, n, 0.99);
    recipient_stop(&r);
    free(sent);
    return p99;
}

int main(int argc, char **argv)
{
    struct pair p;
    double p99[RUNS_MAX];

    ok(seal_init(), "libsodium");
    quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    pair_up(&p);
    child_end(&p.to.serve); /* from here on it is ours */
    p.to.serve = (struct child){0};
    for (size_t i = 0; i < RUNS; i++)
        p99[i] = run(&p, quick ? 100 : 2000);
    report(&p.w, "node_to_node_p99_ms", "ms", p99, RUNS, quick ? 100 : 2000);
    pair_down(&p);
    return 0;
}
