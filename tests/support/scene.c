#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "member_internal.h"

/* --- enrolment ----------------------------------------------------------------------------------
 */

static enum err invite_text(struct scene *s, const char *name, enum org_kind kind, bool founder,
                            const uint8_t *org, struct bytes *out)
{
    json_t *args = json_pack("{s:s,s:i,s:b}", "name", name, "kind", (int)kind, "founder", founder);
    char hex[2 * ID_BYTES + 1];
    json_t *data = NULL;
    enum err e;

    if (args && org) {
        for (int i = 0; i < ID_BYTES; i++)
            snprintf(hex + 2 * i, 3, "%02x", org[i]);
        if (json_object_set_new(args, "org", json_string(hex)))
            return ERR_NOMEM;
    }
    if ((e = hubproc_command(s->hub, "invite", args, &data)))
        return e;
    e = bytes_copy(out, span_text(json_string_value(json_object_get(data, "invitation"))));
    json_decref(data);
    return e;
}

enum err scene_invite(struct scene *s, const char *name, enum org_kind kind, bool founder,
                      const uint8_t *org, struct member_node **out)
{
    struct member_node *m = NULL;
    struct bytes text = {0};
    enum err e;

    if ((e = invite_text(s, name, kind, founder, org, &text)))
        return e;
    if (!(e = member_new(s->crew, name, &m)))
        e = member_invited(m, bytes_span(&text));
    bytes_free(&text);
    if (e)
        member_free(m);
    else
        *out = m;
    return e;
}

const char *scene_invite_id(const struct member_node *m, char out[33])
{
    struct enrolment en;

    out[0] = '\0';
    if (enrolment_decode(bytes_span(&m->body), &en) == ERR_OK)
        for (int i = 0; i < ID_BYTES; i++)
            snprintf(out + 2 * i, 3, "%02x", en.invitation[i]);
    return out;
}

enum err scene_approve(struct scene *s, struct member_node *m, struct bytes *request)
{
    json_t *data = NULL;
    char id[33];
    enum err e = hubproc_command(
        s->hub, "org.approve",
        json_pack("{s:s,s:s}", "id", scene_invite_id(m, id), "fingerprint", member_fingerprint(m)),
        &data);

    if (!e)
        e = bytes_copy(request, span_text(json_string_value(json_object_get(data, "request"))));
    json_decref(data);
    return e;
}

enum err scene_import(struct scene *s, struct span signature, bool *complete)
{
    json_t *data = NULL;
    enum err e = hubproc_command(
        s->hub, "sign.import",
        json_pack("{s:s%}", "signature", (const char *)signature.ptr, signature.len), &data);

    if (!e && complete)
        *complete = json_is_true(json_object_get(data, "complete"));
    json_decref(data);
    return e;
}

enum err scene_sign(struct scene *s, struct span request, bool *complete)
{
    struct bytes signature = {0};
    enum err e =
        request_sign_with(hubproc_registrar(s->hub), ROLE_REGISTRAR, NULL, request, &signature);

    if (!e)
        e = scene_import(s, bytes_span(&signature), complete);
    bytes_free(&signature);
    return e;
}

static enum err asked(struct member_node *m)
{
    enum join_state state;
    enum err code;
    enum err e = member_join(m, &state, &code);

    if (e)
        return e;
    return state == JOIN_APPROVAL ? ERR_OK : code;
}

/* Invited, asked, approved: what is left is the registrar's signature. */
static enum err approved(struct scene *s, const char *name, enum org_kind kind, bool founder,
                         struct member_node **out, struct bytes *request)
{
    struct member_node *m = NULL;
    enum err e;

    if ((e = scene_invite(s, name, kind, founder, NULL, &m)))
        return e;
    if ((e = asked(m)) || (e = scene_approve(s, m, request)))
        member_free(m);
    else
        *out = m;
    return e;
}

enum err scene_enrol(struct scene *s, const char *name, enum org_kind kind,
                     struct member_node **out)
{
    struct member_node *m = NULL;
    struct bytes request = {0};
    bool complete = false;
    enum err e;

    if ((e = approved(s, name, kind, false, &m, &request)))
        goto out;
    if ((e = scene_sign(s, bytes_span(&request), &complete)))
        goto out;
    e = complete ? ERR_OK : ERR_WAITING;
out:
    bytes_free(&request);
    if (e)
        member_free(m);
    else
        *out = m;
    return e;
}

static enum err constitute(struct scene *s, struct member_node *founder)
{
    struct bytes signature = {0};
    json_t *data = NULL;
    bool complete = false;
    struct span request;
    enum err e;

    if ((e = hubproc_command(s->hub, "genesis", NULL, &data)))
        return e;
    request = span_text(json_string_value(json_object_get(data, "request")));
    if ((e = member_sign_request(founder, ROLE_FOUNDER, request, &signature)) ||
        (e = scene_import(s, bytes_span(&signature), NULL)) ||
        (e = scene_sign(s, request, &complete)))
        goto out;
    e = complete ? ERR_OK : ERR_WAITING;
out:
    bytes_free(&signature);
    json_decref(data);
    return e;
}

static enum err founder_enrol(struct scene *s)
{
    struct bytes request = {0};
    bool complete = false;
    enum err e;

    if ((e = approved(s, "member-0", ORG_HOSPITAL, true, &s->m[0], &request)))
        goto out;
    s->n = 1;
    if ((e = constitute(s, s->m[0])) || (e = scene_sign(s, bytes_span(&request), &complete)))
        goto out;
    e = complete ? ERR_OK : ERR_WAITING;
out:
    bytes_free(&request);
    return e;
}

/* --- scenes -------------------------------------------------------------------------------------
 */

static const enum org_kind kinds[] = {ORG_HOSPITAL, ORG_ESSMS,   ORG_DAC,
                                      ORG_MDPH,     ORG_LIBERAL, ORG_OTHER};
#define KINDS (sizeof kinds / sizeof *kinds)

static enum err people(struct scene *s, size_t members)
{
    char name[32];
    enum err e;

    s->m = calloc(members, sizeof *s->m);
    if (!s->m)
        return ERR_NOMEM;
    if ((e = founder_enrol(s)))
        return e;
    for (size_t i = 1; i < members; i++, s->n++) {
        snprintf(name, sizeof name, "member-%zu", i);
        if ((e = scene_enrol(s, name, kinds[i % KINDS], &s->m[i])))
            return e;
    }
    return ERR_OK;
}

static enum err meet(struct scene *s)
{
    enum err e = member_circle_create(s->m[0], &s->circle);

    for (size_t i = 1; i < s->n && !e; i++)
        e = member_circle_join(s->m[0], s->m[i], s->circle, NULL);
    return e;
}

/* What creating the circle put into the mailboxes is not what tests count. */
static enum err settle(struct scene *s)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < s->n && !e; i++) {
        /* the creator hears of its circle, and everybody of the joins from his own on */
        size_t statements = i == 0 ? s->n : s->n - i;

        if (!(e = member_await(s->m[i], DELIVER_STATEMENT, statements, MEMBER_WAIT_MS)))
            e = member_ack_all(s->m[i]);
    }
    return e;
}

enum err scene_reopen(struct scene *s)
{
    struct msg_hello hello;
    enum err e = ERR_OK;

    for (size_t i = 0; i < s->n && !e; i++)
        if (!(e = member_connect(s->m[i])) && !(e = member_hello_make(s->m[i], &hello)))
            e = member_hello(s->m[i], &hello);
    return e;
}

static struct hubproc *shown; /* printed when a check fails */

enum err scene_open(const struct scene_options *o, struct scene *out)
{
    static const struct scene_options usual;
    struct hubproc_options hub = {0};
    struct scene s = {0};
    size_t members;
    enum err e;

    if (!o)
        o = &usual;
    members = o->members ? o->members : 3;
    hub.conf = o->conf;
    hub.where = o->where;
    hub.listen = o->listen;
    hub.emergency_delay_s = o->emergency_delay_s;
    if ((e = hubproc_new(&hub, &s.hub)))
        goto out;
    shown = s.hub;
    if ((e = hubproc_start(s.hub, o->start)) ||
        (e = crew_open(o->seed ? o->seed : "scene", &s.crew)) || (e = people(&s, members)))
        goto out;
    for (size_t i = 0; i < s.n && !o->no_session; i++)
        if ((e = member_open(s.m[i])))
            goto out;
    if (!o->no_circle && !o->no_session && ((e = meet(&s)) || (e = settle(&s))))
        goto out;
    *out = s;
    return ERR_OK;
out:
    if (s.hub)
        hubproc_log_print(s.hub);
    scene_close(&s);
    return e;
}

void scene_close(struct scene *s)
{
    for (size_t i = 0; i < s->n; i++)
        member_free(s->m[i]);
    free(s->m);
    member_circle_free(s->circle);
    crew_close(s->crew);
    if (shown == s->hub)
        shown = NULL;
    hubproc_free(s->hub);
    *s = (struct scene){0};
}

/* --- test programs ------------------------------------------------------------------------------
 */

void scene_fail(const char *file, int line, const char *what, const char *detail)
{
    fprintf(stderr, "%s:%d: %s%s%s\n", file, line, what, *detail ? ": " : "", detail);
    if (shown) {
        fprintf(stderr, "--- the hub said ---\n");
        hubproc_log_print(shown);
        fprintf(stderr, "--- its directory is kept: %s\n", hubproc_dir(shown));
        if (hubproc_kill(shown))
            fprintf(stderr, "the hub could not be ended\n");
    }
    fflush(NULL);
    _exit(EXIT_FAILURE);
}

void scene_expect(const char *file, int line, const char *what, enum err got, enum err wanted)
{
    char detail[96];

    if (got == wanted)
        return;
    snprintf(detail, sizeof detail, "%s instead of %s", err_name(got), err_name(wanted));
    scene_fail(file, line, what, detail);
}

/* In a process of its own: a test that fails leaves nothing to the next. */
static bool run_one(const struct scene_test *t)
{
    uint64_t start = clock_mono_ms(clock_system());
    int status = 0;
    bool good;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        t->run();
        fflush(NULL);
        _exit(EXIT_SUCCESS);
    }
    good = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == EXIT_SUCCESS;
    printf("%s %s (%llu ms)\n", good ? "ok  " : "FAIL", t->name,
           (unsigned long long)(clock_mono_ms(clock_system()) - start));
    return good;
}

/* Named by a part of the name; "-part" leaves out. */
static bool wanted(int argc, char **argv, const char *name)
{
    bool listed = true;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && strstr(name, argv[i] + 1))
            return false;
        listed = listed && argv[i][0] == '-';
    }
    for (int i = 1; i < argc && !listed; i++)
        listed = argv[i][0] != '-' && strstr(name, argv[i]);
    return listed;
}

int scene_main(int argc, char **argv, const struct scene_test *tests, size_t n)
{
    size_t passed = 0;
    size_t failed = 0;

    for (size_t i = 0; i < n; i++) {
        if (!wanted(argc, argv, tests[i].name))
            continue;
        if (run_one(&tests[i]))
            passed++;
        else
            failed++;
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
