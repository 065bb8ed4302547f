#include "noded.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attachment.h"
#include "clock.h"
#include "file.h"
#include "proctree.h"

#define PATH_BYTES 1024
#define JOIN_S 10
#define CALL_MS 10000
#define MEET_MS 30000
#define LOOK_MS 50
#define BOX_MAX 1000

struct noded {
    char name[8];
    char top[PATH_BYTES - 128];
    char dir[PATH_BYTES - 64];
    char fault_log[PATH_BYTES];
    char clock_file[PATH_BYTES];
    char passphrase[PATH_BYTES];
    char record[PATH_BYTES]; /* of the recorder; empty: none */
    char nosync[16];
    struct links *links;
    size_t site;
    struct child child;
    char org[33], peer[33];
    char person[64];
};

static enum err at_site(struct noded *n)
{
    return n->links ? links_enter(n->links, n->site) : ERR_OK;
}

static void back(struct noded *n)
{
    if (n->links && links_leave(n->links))
        abort();
}

/* --- enrolment ---------------------------------------------------------------------------------
 */

/* relais-node with these words, where the node lives. */
static enum err run(struct noded *n, const char *const *words, struct bytes *said)
{
    const char *args[24] = {"--dir", n->dir, "--passphrase-file", n->passphrase, "--json"};
    char program[PATH_BYTES];
    size_t k = 5;
    int status;
    enum err e;

    while (*words && k < 23)
        args[k++] = *words++;
    if ((e = at_site(n)))
        return e;
    status = hubproc_run(hubproc_program("relais-node", program), args, said);
    back(n);
    if (status)
        fprintf(stderr, "relais-node: %.*s\n", said ? (int)said->len : 0,
                said ? (const char *)said->ptr : "");
    return status ? ERR_INTERNAL : ERR_OK;
}

static enum err conf_write(struct noded *n, struct scene *s)
{
    struct bytes text = {0};
    char path[PATH_BYTES];
    const char *hub = n->links ? links_hub(n->links, n->site) : "127.0.0.1";
    enum err e;

    snprintf(path, sizeof path, "%s/node.conf", n->dir);
    e = bytes_printf(&text,
                     "ping = 1s\nretry = 200ms\nretry_max = 500ms\npassphrase_file = %s\n"
                     "endpoint = tcp://%s:%d\njoin_endpoint = tcp://%s:%d\n",
                     n->passphrase, hub, hubproc_port(s->hub), hub, hubproc_join_port(s->hub));
    if (!e)
        e = file_write_atomic(path, bytes_span(&text), 0600);
    bytes_free(&text);
    return e;
}

static enum err invite(struct noded *n, struct scene *s, char id[33], char file[PATH_BYTES])
{
    json_t *data = NULL;
    enum err e = hubproc_command(
        s->hub, "invite",
        json_pack("{s:s,s:i,s:b}", "name", n->name, "kind", (int)ORG_ESSMS, "founder", 0), &data);

    if (e)
        return e;
    snprintf(file, PATH_BYTES, "%s/%s.invitation", n->top, n->name);
    snprintf(id, 33, "%s", json_string_value(json_object_get(data, "id")));
    snprintf(n->org, sizeof n->org, "%s", json_string_value(json_object_get(data, "org")));
    e = file_write_atomic(file, span_text(json_string_value(json_object_get(data, "invitation"))),
                          0600);
    json_decref(data);
    return e;
}

static enum err fingerprint_said(const struct bytes *said, char out[40])
{
    json_t *o = json_loadb((const char *)said->ptr, said->len, 0, NULL);
    const char *text = json_string_value(json_object_get(o, "fingerprint"));

    snprintf(out, 40, "%s", text ? text : "");
    json_decref(o);
    return *out ? ERR_OK : ERR_NOT_FOUND;
}

static enum err approve(struct noded *n, struct scene *s, const char *id, const char *fingerprint)
{
    json_t *data = NULL;
    bool complete = false;
    enum err e = hubproc_command(
        s->hub, "org.approve", json_pack("{s:s,s:s}", "id", id, "fingerprint", fingerprint), &data);

    (void)n;
    if (!e)
        e = scene_sign(s, span_text(json_string_value(json_object_get(data, "request"))),
                       &complete);
    json_decref(data);
    return e ? e : complete ? ERR_OK : ERR_WAITING;
}

static enum err enrol(struct noded *n, struct scene *s)
{
    char id[33], file[PATH_BYTES], fingerprint[40];
    char wait[8];
    const char *init[] = {"--light", "init", NULL};
    const char *ask[] = {"join", file, NULL};
    const char *confirm[] = {"join", file, "--confirm", fingerprint, "--wait", wait, NULL};
    struct bytes said = {0};
    enum err e;

    snprintf(wait, sizeof wait, "%d", JOIN_S);
    if ((e = invite(n, s, id, file)) || (e = run(n, init, &said)) || (e = conf_write(n, s)))
        goto out;
    bytes_free(&said);
    if ((e = run(n, ask, &said)) || (e = fingerprint_said(&said, fingerprint)) ||
        (e = approve(n, s, id, fingerprint)))
        goto out;
    bytes_free(&said);
    e = run(n, confirm, &said);
out:
    bytes_free(&said);
    return e;
}

enum err noded_new(const struct noded_options *o, struct scene *s, struct noded **out)
{
    struct noded *n = calloc(1, sizeof *n);
    enum err e;

    if (!n)
        return ERR_NOMEM;
    snprintf(n->name, sizeof n->name, "%s", o->name);
    snprintf(n->top, sizeof n->top, "%s", o->top);
    snprintf(n->dir, sizeof n->dir, "%s/node-%s", n->top, n->name);
    snprintf(n->fault_log, sizeof n->fault_log, "%s/node-%s.faults", n->top, n->name);
    snprintf(n->clock_file, sizeof n->clock_file, "%s/node-%s.clock", n->top, n->name);
    snprintf(n->passphrase, sizeof n->passphrase, "%s/node-%s.pass", n->top, n->name);
    n->links = o->links;
    n->site = o->site;
    if (!(e = file_write_atomic(n->passphrase, span_text(HUBPROC_PASSPHRASE "\n"), 0600)))
        e = enrol(n, s);
    if (e)
        noded_free(n);
    else
        *out = n;
    return e;
}

void noded_free(struct noded *n)
{
    if (!n)
        return;
    child_end(&n->child);
    free(n);
}

const char *noded_name(const struct noded *n)
{
    return n->name;
}

const char *noded_org(const struct noded *n)
{
    return n->org;
}

const char *noded_dir(const struct noded *n)
{
    return n->dir;
}

const char *noded_passphrase_file(const struct noded *n)
{
    return n->passphrase;
}

/* --- the process -------------------------------------------------------------------------------
 */

void noded_record(struct noded *n, const char *log, const char *nosync)
{
    snprintf(n->nosync, sizeof n->nosync, "%s", nosync ? nosync : "");
    snprintf(n->record, sizeof n->record, "%s", log ? log : "");
}

/* What stands between the node and the C library: faults, left-out syncs, the recorder. */
static void preloads(const struct noded *n, char *out, size_t size)
{
    char path[PATH_BYTES];

    snprintf(out, size, "LD_PRELOAD=%s", hubproc_program("preload_faults.so", path));
    if (n->nosync[0])
        snprintf(out + strlen(out), size - strlen(out), ":%s",
                 hubproc_program("preload_nosync.so", path));
    if (n->record[0])
        snprintf(out + strlen(out), size - strlen(out), ":%s",
                 hubproc_program("recorder.so", path));
}

enum err noded_start(struct noded *n, const char *fault)
{
    const char *args[] = {"--dir", n->dir, "serve", NULL};
    char program[PATH_BYTES], log[PATH_BYTES + 16];
    char text[7][3 * PATH_BYTES];
    const char *env[] = {text[0], text[1], text[2], text[3], text[4], text[5], text[6], NULL};
    enum err e;

    preloads(n, text[0], sizeof text[0]);
    snprintf(text[1], sizeof text[1], "RELAIS_FAULT=%s", fault ? fault : "");
    snprintf(text[2], sizeof text[2], "RELAIS_FAULT_LOG=%s", n->fault_log);
    snprintf(text[3], sizeof text[3], "RELAIS_CLOCK_FILE=%s", n->clock_file);
    snprintf(text[4], sizeof text[4], "RELAIS_NOSYNC=%s", n->nosync);
    snprintf(text[5], sizeof text[5], "RELAIS_RECORD_OUT=%s", n->record);
    snprintf(text[6], sizeof text[6], "RELAIS_RECORD_DIR=%s", n->dir);
    if (!n->record[0])
        env[6] = NULL;
    snprintf(log, sizeof log, "%s/node-%s.log", n->top, n->name);
    if ((e = at_site(n)))
        return e;
    e = child_start(&n->child, hubproc_program("relais-node", program), args, env, log);
    back(n);
    return e;
}

enum err noded_clock(struct noded *n, int64_t ahead_ms)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)ahead_ms);
    return file_write_atomic(n->clock_file, span_text(text), 0600);
}

bool noded_running(struct noded *n, int *status)
{
    return n->child.pid > 0 && child_wait(&n->child, 0, status) == ERR_TIMEOUT;
}

static void end_by(struct noded *n, int signal)
{
    if (n->child.pid <= 0)
        return;
    kill(n->child.pid, SIGCONT);
    kill(n->child.pid, signal);
    if (child_wait(&n->child, CALL_MS, NULL)) {
        kill(n->child.pid, SIGKILL);
        if (child_wait(&n->child, CALL_MS, NULL))
            abort();
    }
}

void noded_stop(struct noded *n)
{
    end_by(n, SIGTERM);
}

void noded_kill(struct noded *n)
{
    end_by(n, SIGKILL);
}

pid_t noded_pid(const struct noded *n)
{
    return n->child.pid;
}

size_t noded_resident_kib(const struct noded *n)
{
    return child_resident_kib(&n->child);
}

size_t noded_faults(const struct noded *n)
{
    struct bytes text = {0};
    size_t lines = 0;

    if (file_read(n->fault_log, 1 << 24, &text))
        return 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    bytes_free(&text);
    return lines;
}

/* --- commands ----------------------------------------------------------------------------------
 */

/* file: goes along; NULL: none. */
static enum err called(struct noded *n, const char *cmd, json_t *args, const int *file,
                       uint64_t within_ms, json_t **data)
{
    json_t *request =
        json_pack("{s:s,s:o,s:{s:s,s:s,s:i,s:s}}", "cmd", cmd, "args", args ? args : json_object(),
                  "actor", "name", "Camille Essai", "profession", "infirmier", "category",
                  (int)CATEGORY_HEALTH, "rpps", "");
    char path[PATH_BYTES];
    struct control_call call = {.path = path, .timeout_ms = within_ms, .file = file};
    json_t *answer = NULL;
    enum err e;

    snprintf(path, sizeof path, "%s/control.sock", n->dir);
    e = request ? control_call(&call, request, &answer) : ERR_NOMEM;
    if (!e && json_object_get(answer, "error"))
        e = (enum err)json_integer_value(json_object_get(answer, "code"));
    if (!e && data)
        *data = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    json_decref(request);
    return e;
}

enum err noded_call(struct noded *n, const char *cmd, json_t *args, uint64_t within_ms,
                    json_t **data)
{
    return called(n, cmd, args, NULL, within_ms, data);
}

static void look_again(void)
{
    poll(NULL, 0, LOOK_MS);
}

bool noded_ready(struct noded *n, uint64_t within_ms)
{
    uint64_t until = clock_mono_ms(clock_system()) + within_ms;
    bool ready = false;

    do {
        json_t *data = NULL;
        const char *state = NULL;

        if (noded_call(n, "status", NULL, CALL_MS, &data) == ERR_OK)
            state = json_string_value(json_object_get(json_object_get(data, "link"), "state"));
        ready = state && strcmp(state, "ready") == 0;
        json_decref(data);
        if (!ready && within_ms)
            look_again();
    } while (!ready && clock_mono_ms(clock_system()) < until);
    return ready;
}

/* Its status has an alarm, or says that its link stands still for that reason. */
static bool stands_for(struct noded *n, const char *reason, bool or_alarm)
{
    json_t *data = NULL;
    const char *alarm = NULL;
    const char *why = NULL;
    bool is;

    if (noded_call(n, "status", NULL, CALL_MS, &data) == ERR_OK) {
        alarm = json_string_value(json_object_get(data, "alarm"));
        why = json_string_value(json_object_get(json_object_get(data, "link"), "why"));
    }
    is = (or_alarm && alarm && *alarm) || (why && strcmp(why, reason) == 0);
    json_decref(data);
    return is;
}

bool noded_alarmed(struct noded *n)
{
    return stands_for(n, "ERR_BEHIND", true); /* the hub says so itself */
}

bool noded_fenced(struct noded *n)
{
    return stands_for(n, "ERR_CLONED", false);
}

/* The same until it works: the other side's statement may be on its way. */
static enum err until_done(struct noded *n, const char *cmd, const json_t *args, json_t **data)
{
    uint64_t until = clock_mono_ms(clock_system()) + MEET_MS;
    enum err e;

    while ((e = noded_call(n, cmd, json_deep_copy(args), CALL_MS, data)) &&
           clock_mono_ms(clock_system()) < until)
        look_again();
    return e;
}

static enum err person_make(struct noded *n)
{
    json_t *data = NULL;
    enum err e =
        noded_call(n, "person.add",
                   json_pack("{s:s,s:[s],s:s,s:i,s:s}", "birth_name", "ESSAI", "birth_first_names",
                             "CAMILLE", "birth_date", "1950-01-02", "sex", 1, "local", "E-1"),
                   CALL_MS, &data);

    if (!e)
        snprintf(n->person, sizeof n->person, "%s", json_string_value(json_object_get(data, "id")));
    json_decref(data);
    return e;
}

/* What came in the invitation is a provisional dossier here; somebody says that it is the person he
 * knows, or nothing could be written about it. */
static enum err person_learn(struct noded *n)
{
    json_t *data = NULL;
    char unknown[sizeof n->person];
    const json_t *list;
    enum err e = noded_call(n, "person.list", NULL, CALL_MS, &data);

    if (e)
        return e;
    list = json_object_get(data, "persons");
    e = json_array_size(list) ? ERR_OK : ERR_NOT_FOUND;
    if (!e)
        snprintf(unknown, sizeof unknown, "%s",
                 json_string_value(json_object_get(json_array_get(list, 0), "id")));
    json_decref(data);
    if (!e && !(e = person_make(n)))
        e = noded_call(n, "person.link", json_pack("{s:s,s:s}", "person", unknown, "to", n->person),
                       CALL_MS, NULL);
    return e;
}

enum err nodeds_meet(struct noded *a, struct noded *b)
{
    json_t *data = NULL;
    json_t *args = NULL;
    char circle[64];
    enum err e;

    memcpy(a->peer, b->org, sizeof a->peer);
    memcpy(b->peer, a->org, sizeof b->peer);
    if ((e = person_make(a)))
        return e;
    if ((e = noded_call(
             a, "circle.create",
             json_pack("{s:s,s:i}", "person", a->person, "category", (int)CATEGORY_HEALTH), CALL_MS,
             &data)))
        goto out;
    snprintf(circle, sizeof circle, "%s", json_string_value(json_object_get(data, "circle")));
    args = json_pack("{s:s,s:s,s:i}", "circle", circle, "to", b->org, "category",
                     (int)CATEGORY_HEALTH);
    if ((e = until_done(a, "circle.invite", args, NULL)))
        goto out;
    json_decref(args);
    args = json_pack("{s:s}", "circle", circle);
    if ((e = until_done(b, "circle.accept", args, NULL)))
        goto out;
    e = person_learn(b);
out:
    if (e)
        fprintf(stderr, "%s and %s do not meet: %s\n", a->name, b->name, err_name(e));
    json_decref(args);
    json_decref(data);
    return e;
}

static json_t *sheet_args(const struct noded *n, const char *subject)
{
    return json_pack("{s:s,s:i,s:s,s:[{s:i,s:s}],s:[{s:s,s:i}],s:i,s:i,s:i}", "person", n->person,
                     "note", 1, "subject", subject, "sections", "class", (int)CLASS_SOCIAL, "text",
                     subject, "to", "org", n->peer, "category", (int)CATEGORY_HEALTH, "basis",
                     (int)BASIS_ECHANGE, "purpose", 1, "wait_ms", 0);
}

enum err noded_send(struct noded *n, const char *subject)
{
    return noded_call(n, "sheet.send", sheet_args(n, subject), 1000, NULL);
}

/* --- files -------------------------------------------------------------------------------------
 */

static void file_piece(const char *subject, size_t from, size_t bytes, uint8_t *out)
{
    size_t salt = 0;

    for (; *subject; subject++)
        salt = salt * 31 + (unsigned char)*subject;
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)((from + i) * 167 + (from + i) / 251 + salt);
}

/* A file of memory: what is tried here is the daemon's disk. -1: none. */
static int memory_file(void)
{
    return memfd_create("essai.bin", MFD_CLOEXEC);
}

static enum err upload(struct noded *n, const char *subject, size_t bytes, json_t **out)
{
    static uint8_t piece[ATTACHMENT_PLAIN];
    json_t *data = NULL;
    int file = memory_file();
    enum err e = file < 0 ? ERR_IO : ERR_OK;

    for (size_t at = 0; !e && at < bytes; at += sizeof piece) {
        size_t size = bytes - at < sizeof piece ? bytes - at : sizeof piece;

        file_piece(subject, at, size, piece);
        if (pwrite(file, piece, size, (off_t)at) != (ssize_t)size)
            e = ERR_IO;
    }
    if (!e && !(e = called(n, "attachment.take", NULL, &file, CALL_MS, &data)))
        *out = json_pack("[{s:s,s:s,s:i,s:O}]", "name", "essai.bin", "type",
                         "application/octet-stream", "class", (int)CLASS_SOCIAL, "upload",
                         json_object_get(data, "upload"));
    json_decref(data);
    if (file >= 0)
        close(file);
    return e;
}

enum err noded_attach(struct noded *n, const char *subject, size_t bytes)
{
    json_t *args = sheet_args(n, subject);
    json_t *list = NULL;
    enum err e = upload(n, subject, bytes, &list);

    if (!e && json_object_set(args, "attachments", list))
        e = ERR_NOMEM;
    if (!e)
        e = noded_call(n, "sheet.send", json_incref(args), CALL_MS, NULL);
    json_decref(list);
    json_decref(args);
    return e;
}

enum err noded_attached(struct noded *n, const char *mid, const char *subject, size_t bytes)
{
    static uint8_t wanted[ATTACHMENT_PLAIN];
    static uint8_t got[ATTACHMENT_PLAIN];
    int file = memory_file();
    enum err e =
        file < 0 ? ERR_IO
                 : called(n, "sheet.attachment",
                          json_pack("{s:s,s:i,s:b}", "mid", mid, "number", 1, "unscanned", true),
                          &file, CALL_MS, NULL);

    for (size_t at = 0; !e && at < bytes; at += sizeof wanted) {
        size_t size = bytes - at < sizeof wanted ? bytes - at : sizeof wanted;

        file_piece(subject, at, size, wanted);
        if (pread(file, got, size, (off_t)at) != (ssize_t)size || memcmp(got, wanted, size) != 0)
            e = ERR_CORRUPT;
    }
    if (!e && pread(file, got, 1, (off_t)bytes) != 0)
        e = ERR_CORRUPT;
    if (file >= 0)
        close(file);
    return e;
}

enum err noded_box(struct noded *n, const char *box, json_t **out)
{
    json_t *data = NULL;
    enum err e = noded_call(n, "sheet.list", json_pack("{s:s,s:i}", "box", box, "most", BOX_MAX),
                            CALL_MS, &data);

    if (!e)
        *out = json_incref(json_object_get(data, "sheets"));
    json_decref(data);
    return e;
}
