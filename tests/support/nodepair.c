#include "nodepair.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "file.h"

#define PATIENCE_MS 30000
#define RUN_MS 120000 /* 256 MiB through a control socket, on a busy machine */
#define PROFESSIONAL "{\"name\":\"Loïc Vanhœcke\",\"profession\":\"Infirmier\",\"category\":1}"
#define EVERY_CLASS (CLASS_IDENTITY | CLASS_SOCIAL | CLASS_AUTONOMY | CLASS_MEDICAL)

int pair_run(const struct nodepair *p, const struct pair_side *s, const char *const *words,
             struct bytes *out)
{
    const char *args[32] = {"--dir",
                            s->dir,
                            "--passphrase-file",
                            p->passphrase,
                            "--as-name",
                            "Loïc Vanhœcke",
                            "--as-profession",
                            "Infirmier",
                            "--as-category",
                            "1"};
    struct bytes said = {0};
    char program[1024];
    size_t n = 10;
    int status;

    while (*words && n < 31)
        args[n++] = *words++;
    status = hubproc_run_within(hubproc_program("relais-node", program), args, RUN_MS,
                                out ? out : &said);
    bytes_free(&said);
    return status;
}

json_t *pair_ask(const struct pair_side *s, const char *command, json_t *args, enum err *why)
{
    json_t *request = json_pack("{s:s, s:o, s:o}", "cmd", command, "args", args, "actor",
                                json_loads(PROFESSIONAL, 0, NULL));
    char path[PAIR_PATH + 16];
    struct control_call call = {.path = path, .timeout_ms = 20000};
    json_t *answer = NULL;
    json_t *data = NULL;
    enum err e;

    snprintf(path, sizeof path, "%s/control.sock", s->dir);
    e = request ? control_call(&call, request, &answer) : ERR_NOMEM;
    if (!e && json_object_get(answer, "error"))
        e = (enum err)json_integer_value(json_object_get(answer, "code"));
    if (!e)
        data = json_incref(json_object_get(answer, "data"));
    if (why)
        *why = e;
    json_decref(request);
    json_decref(answer);
    return data;
}

bool pair_linked(const struct pair_side *s)
{
    json_t *data = pair_ask(s, "status", json_object(), NULL);
    const char *state = json_string_value(json_object_get(json_object_get(data, "link"), "state"));
    bool linked = state && strcmp(state, "ready") == 0;

    json_decref(data);
    return linked;
}

/* --- enrolment ------------------------------------------------------------------------------ */

static const char *text_in(const json_t *data, const char *key)
{
    const char *text = json_string_value(json_object_get(data, key));

    return text ? text : "";
}

static enum err fingerprint_said(const struct bytes *out, char *room, size_t size)
{
    const uint8_t *at = memchr(out->ptr, '{', out->len);
    json_t *answer =
        at ? json_loadb((const char *)at, (size_t)(out->ptr + out->len - at), 0, NULL) : NULL;

    snprintf(room, size, "%s", text_in(answer, "fingerprint"));
    json_decref(answer);
    return *room ? ERR_OK : ERR_NOT_FOUND;
}

static enum err join(struct nodepair *p, struct pair_side *s, const char *invitation,
                     const char *id)
{
    char fingerprint[64];
    const char *first[] = {"--json", "join", invitation, NULL};
    const char *confirm[] = {"join", invitation, "--confirm", fingerprint, NULL};
    const char *wait[] = {"join", invitation, "--wait", "10", NULL};
    struct bytes out = {0};
    json_t *data = NULL;
    bool complete = false;
    enum err e = ERR_INTERNAL;

    if (pair_run(p, s, first, &out) ||
        (e = fingerprint_said(&out, fingerprint, sizeof fingerprint)))
        goto out;
    if ((e = hubproc_command(p->scene.hub, "org.approve",
                             json_pack("{s:s, s:s}", "id", id, "fingerprint", fingerprint), &data)))
        goto out;
    pair_run(p, s, confirm, NULL);
    if ((e = scene_sign(&p->scene, span_text(text_in(data, "request")), &complete)))
        goto out;
    e = complete && pair_run(p, s, wait, NULL) == 0 ? ERR_OK : ERR_INTERNAL;
out:
    bytes_free(&out);
    json_decref(data);
    return e;
}

static enum err conf_add(const struct pair_side *s, const char *conf)
{
    char path[PAIR_PATH + 16];
    struct bytes text = {0};
    enum err e;

    snprintf(path, sizeof path, "%s/node.conf", s->dir);
    if (!(e = file_read(path, 65536, &text)) && !(e = bytes_printf(&text, "\n%s\n", conf)))
        e = file_write_atomic(path, bytes_span(&text), 0600);
    bytes_free(&text);
    return e;
}

static enum err side_up(struct nodepair *p, struct pair_side *s, const char *name, const char *conf)
{
    const char *init[] = {"--light", "init", NULL};
    char invitation[PAIR_PATH + 16];
    json_t *data = NULL;
    enum err e;

    snprintf(s->dir, sizeof s->dir, "%s/%s", p->top, name);
    if (pair_run(p, s, init, NULL))
        return ERR_INTERNAL;
    if (conf && (e = conf_add(s, conf)))
        return e;
    if ((e = hubproc_command(p->scene.hub, "invite",
                             json_pack("{s:s, s:i}", "name", name, "kind", (int)ORG_ESSMS), &data)))
        return e;
    snprintf(s->org, sizeof s->org, "%s", text_in(data, "org"));
    snprintf(invitation, sizeof invitation, "%s/%s.invitation", p->top, name);
    if (!(e = file_write_atomic(invitation, span_text(text_in(data, "invitation")), 0600)))
        e = join(p, s, invitation, text_in(data, "id"));
    json_decref(data);
    return e;
}

static enum err pause_for(struct nodepair *p, uint64_t until_ms)
{
    struct timespec now;
    enum err e = crew_turn(p->scene.crew, 20);

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (e && e != ERR_AGAIN)
        return e;
    return (uint64_t)now.tv_sec * 1000 > until_ms ? ERR_TIMEOUT : ERR_OK;
}

static uint64_t deadline(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + PATIENCE_MS;
}

static enum err serve(struct nodepair *p, struct pair_side *s, const char *const *env)
{
    const char *args[] = {"--dir", s->dir, "--passphrase-file", p->passphrase, "serve", NULL};
    char program[1024];
    size_t mark = child_mark(&s->serve);
    enum err e = child_start(&s->serve, hubproc_program("relais-node", program), args, env, NULL);

    return e ? e : child_await(&s->serve, mark, "node.ready", PATIENCE_MS);
}

enum err pair_serve(struct nodepair *p, struct pair_side *s, bool await)
{
    uint64_t until_ms = deadline();
    enum err e = serve(p, s, NULL);

    while (!e && await && !pair_linked(s))
        e = pause_for(p, until_ms);
    return e;
}

enum err pair_serve_under(struct nodepair *p, struct pair_side *s, const char *fault)
{
    char preload[1100];
    char library[1024];
    char what[64];
    char log[PAIR_PATH];
    const char *env[] = {preload, what, log, NULL};

    snprintf(preload, sizeof preload, "LD_PRELOAD=%s",
             hubproc_program("preload_faults.so", library));
    snprintf(what, sizeof what, "RELAIS_FAULT=%s", fault);
    snprintf(log, sizeof log, "RELAIS_FAULT_LOG=%s/faults", p->top);
    return serve(p, s, env);
}

size_t pair_faults(const struct nodepair *p)
{
    char path[PAIR_PATH];
    struct bytes text = {0};
    size_t n = 0;

    snprintf(path, sizeof path, "%s/faults", p->top);
    if (!file_read(path, 1 << 20, &text))
        for (size_t i = 0; i < text.len; i++)
            n += text.ptr[i] == '\n';
    bytes_free(&text);
    return n;
}

enum err pair_wait(struct pair_side *s, int *status)
{
    return child_wait(&s->serve, PATIENCE_MS, status);
}

void pair_kill(struct pair_side *s)
{
    kill(s->serve.pid, SIGKILL);
    if (child_wait(&s->serve, PATIENCE_MS, NULL))
        fprintf(stderr, "a killed node lives\n");
}

/* --- a circle ------------------------------------------------------------------------------- */

static enum err ask_for(const struct pair_side *s, const char *command, json_t *args,
                        const char *key, char value[PAIR_HEX])
{
    enum err e;
    json_t *data = pair_ask(s, command, args, &e);

    if (data && value)
        snprintf(value, PAIR_HEX, "%s", text_in(data, key));
    json_decref(data);
    return e;
}

static enum err circle_up(struct nodepair *p)
{
    uint64_t until_ms = deadline();
    enum err e;

    if ((e = ask_for(&p->from, "person.add",
                     json_pack("{s:s, s:s, s:[s], s:s, s:i, s:s}", "local", "B-1", "birth_name",
                               "D'HAËNE", "birth_first_names", "Zoé", "birth_date", "1938-05-17",
                               "sex", 2, "birth_place", "62041"),
                     "id", p->person)) ||
        (e = ask_for(&p->from, "circle.create",
                     json_pack("{s:s, s:i, s:i, s:i, s:i}", "person", p->person, "team", 1,
                               "category", 1, "classes", EVERY_CLASS, "rights", 1),
                     "circle", p->circle)) ||
        (e = ask_for(&p->from, "circle.invite",
                     json_pack("{s:s, s:s, s:i, s:i, s:i}", "circle", p->circle, "to", p->to.org,
                               "team", 1, "category", 1, "classes", EVERY_CLASS),
                     NULL, NULL)))
        return e;
    while (ask_for(&p->to, "circle.accept", json_pack("{s:s}", "circle", p->circle), NULL, NULL))
        if ((e = pause_for(p, until_ms)))
            return e;
    return ERR_OK;
}

enum err pair_up(struct nodepair *p, const char *hub_conf, const char *node_conf,
                 const struct hubproc_start *start)
{
    struct scene_options o = {
        .members = 1, .no_circle = true, .no_session = true, .conf = hub_conf, .start = start};
    const char *base = getenv("TMPDIR");
    enum err e;

    *p = (struct nodepair){0};
    if ((e = scene_open(&o, &p->scene)))
        return e;
    snprintf(p->top, sizeof p->top, "%s/pair-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(p->top))
        return ERR_IO;
    snprintf(p->passphrase, sizeof p->passphrase, "%s/passphrase", p->top);
    if ((e = file_write_atomic(p->passphrase, span_text("phrase de passe d'exercice\n"), 0600)) ||
        (e = side_up(p, &p->from, "from", node_conf)) ||
        (e = side_up(p, &p->to, "to", node_conf)) || (e = pair_serve(p, &p->from, true)) ||
        (e = pair_serve(p, &p->to, true)))
        return e;
    return circle_up(p);
}

void pair_down(struct nodepair *p)
{
    child_end(&p->from.serve);
    child_end(&p->to.serve);
    if (*p->top)
        tree_remove(p->top);
    scene_close(&p->scene);
}

size_t pair_resident_kib(pid_t pid, bool high)
{
    char path[64];
    char line[256];
    unsigned long kib = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    if (!(f = fopen(path, "re")))
        return 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, high ? "VmHWM: %lu" : "VmRSS: %lu", &kib) == 1)
            break;
    fclose(f);
    return kib;
}
