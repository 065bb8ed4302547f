#include "hubproc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>

#include "clock.h"
#include "file.h"
#include "keyfile.h"
#include "proctree.h"

#define PATH_BYTES 1024
#define COMMAND_MS 20000

struct hubproc {
    char top[PATH_BYTES - 64]; /* holds everything below */
    char dir[PATH_BYTES];
    char registrar_dir[PATH_BYTES];
    char passphrase[PATH_BYTES];
    char clock_file[PATH_BYTES];
    char fault_log[PATH_BYTES];
    char listen[64];
    bool fresh; /* top is ours to remove */
    bool keep;
    struct bytes conf; /* the test's own lines */
    int port, join_port;
    struct secret_sign *registrar;
    struct child child;
    size_t statuses; /* answers to `status` of all processes: each has left a line in the log */
};

char *hubproc_program(const char *name, char out[1024])
{
    const char *build = getenv("BUILD");

    snprintf(out, PATH_BYTES, "%s/%s", build && *build ? build : "build", name);
    return out;
}

/* --- files ---------------------------------------------------------------------------------- */

static enum err conf_write(const struct hubproc *h)
{
    struct bytes text = {0};
    char path[PATH_BYTES + 16];
    char port[16] = "*";
    char join_port[16] = "*";
    enum err e;

    if (h->port)
        snprintf(port, sizeof port, "%d", h->port);
    if (h->join_port)
        snprintf(join_port, sizeof join_port, "%d", h->join_port);
    snprintf(path, sizeof path, "%s/hub.conf", h->dir);
    e = bytes_printf(&text,
                     "listen = tcp://%s:%s\njoin_listen = tcp://%s:%s\n"
                     "passphrase_file = %s\n%.*s",
                     h->listen, port, h->listen, join_port, h->passphrase, (int)h->conf.len,
                     h->conf.ptr ? (const char *)h->conf.ptr : "");
    if (!e)
        e = file_write_atomic(path, bytes_span(&text), 0600);
    bytes_free(&text);
    return e;
}

int hubproc_run(const char *program, const char *const *args, struct bytes *output)
{
    return hubproc_run_within(program, args, HUBPROC_WAIT_MS, output);
}

int hubproc_run_within(const char *program, const char *const *args, uint64_t within_ms,
                       struct bytes *output)
{
    struct child c = {0};
    int status = 0;

    if (child_start(&c, program, args, NULL, NULL) || child_wait(&c, within_ms, &status)) {
        child_end(&c);
        return -1;
    }
    child_drain(&c);
    if (output && child_output(&c, output))
        status = -1;
    child_end(&c);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static enum err registrar_make(struct hubproc *h, char hex[65])
{
    const char *args[] = {"--dir",
                          h->registrar_dir,
                          "--passphrase-file",
                          h->passphrase,
                          "--light",
                          "registrar",
                          "init",
                          NULL};
    struct bytes out = {0};
    char program[PATH_BYTES];
    enum err e = ERR_INTERNAL;

    if (hubproc_run(hubproc_program("relais-hub", program), args, &out) == 0 && out.len >= 64) {
        memcpy(hex, out.ptr, 64);
        hex[64] = '\0';
        e = ERR_OK;
    } else if (out.len) {
        fprintf(stderr, "%.*s\n", (int)out.len, (const char *)out.ptr);
    }
    bytes_free(&out);
    return e;
}

static enum err registrar_load(struct hubproc *h)
{
    struct secret32 *seed = NULL;
    struct keyring *ring = NULL;
    char path[PATH_BYTES + 16];
    enum err e;

    snprintf(path, sizeof path, "%s/registrar.key", h->registrar_dir);
    if ((e = keyfile_open(path, span_text(HUBPROC_PASSPHRASE), KEYFILE_CAPS, &ring)))
        return e;
    if (!(e = keyring_get(ring, "registrar", &seed)))
        e = secret_sign_from_seed(seed, &h->registrar);
    secret32_free(seed);
    keyring_free(ring);
    return e;
}

static enum err hub_make(struct hubproc *h, const char *registrar, uint64_t delay_s)
{
    char delay[24];
    char program[PATH_BYTES];
    const char *args[] = {"--dir",       h->dir,    "--passphrase-file", h->passphrase, "--light",
                          "init",        "--name",  "exercice.test",     "--mode",      "exercise",
                          "--registrar", registrar, "--emergency-delay", delay,         NULL};
    struct bytes out = {0};
    enum err e = ERR_OK;

    snprintf(delay, sizeof delay, "%llu", (unsigned long long)delay_s);
    if (hubproc_run(hubproc_program("relais-hub", program), args, &out)) {
        fprintf(stderr, "%.*s\n", (int)out.len, (const char *)out.ptr);
        e = ERR_INTERNAL;
    }
    bytes_free(&out);
    return e;
}

static enum err top_make(struct hubproc *h, const char *where)
{
    const char *base = getenv("TREE");

    if (!base || !*base)
        base = getenv("TMPDIR");
    if (!base || !*base)
        base = "/tmp";
    if (where) {
        snprintf(h->top, sizeof h->top, "%s", where);
        return ERR_OK;
    }
    snprintf(h->top, sizeof h->top, "%s/hub-XXXXXX", base);
    h->fresh = true;
    return mkdtemp(h->top) ? ERR_OK : err_from_errno(errno);
}

enum err hubproc_new(const struct hubproc_options *o, struct hubproc **out)
{
    static const struct hubproc_options usual;
    struct hubproc *h = calloc(1, sizeof *h);
    char registrar[65];
    enum err e = ERR_NOMEM;

    if (!h)
        return e;
    if (!o)
        o = &usual;
    if ((e = seal_init()) || (e = top_make(h, o->where)))
        goto fail;
    snprintf(h->listen, sizeof h->listen, "%s", o->listen ? o->listen : "127.0.0.1");
    snprintf(h->dir, sizeof h->dir, "%s/hub", h->top);
    snprintf(h->registrar_dir, sizeof h->registrar_dir, "%s/registrar", h->top);
    snprintf(h->passphrase, sizeof h->passphrase, "%s/passphrase", h->top);
    snprintf(h->clock_file, sizeof h->clock_file, "%s/clock", h->top);
    snprintf(h->fault_log, sizeof h->fault_log, "%s/faults", h->top);
    if (o->conf && (e = bytes_append(&h->conf, span_text(o->conf))))
        goto fail;
    if ((e = file_write_atomic(h->passphrase, span_text(HUBPROC_PASSPHRASE "\n"), 0600)))
        goto fail;
    if ((e = registrar_make(h, registrar)) || (e = registrar_load(h)) ||
        (e = hub_make(h, registrar, o->emergency_delay_s)) || (e = conf_write(h)))
        goto fail;
    *out = h;
    return ERR_OK;
fail:
    hubproc_free(h);
    return e;
}

void hubproc_keep(struct hubproc *h)
{
    h->keep = true;
}

void hubproc_free(struct hubproc *h)
{
    if (!h)
        return;
    child_end(&h->child);
    secret_sign_free(h->registrar);
    bytes_free(&h->conf);
    if (h->fresh && !h->keep)
        tree_remove(h->top);
    free(h);
}

/* --- the process ---------------------------------------------------------------------------- */

static int port_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    const char *end = at ? strpbrk(at, " \n") : NULL;

    if (!at)
        return 0;
    while (end && end > at && end[-1] >= '0' && end[-1] <= '9')
        end--;
    return end ? (int)strtol(end, NULL, 10) : 0;
}

static enum err ports_learn(struct hubproc *h, size_t mark)
{
    char line[1200];

    if (!child_line(&h->child, mark, "hub.ready", line, sizeof line))
        return ERR_NOT_FOUND;
    h->port = port_after(line, "endpoint=");
    h->join_port = port_after(line, "join=");
    return h->port && h->join_port ? conf_write(h) : ERR_INTERNAL;
}

#define ENV_MAX 16

/* What the process gets besides our own environment; text holds what is made here. */
static void env_make(const struct hubproc *h, const struct hubproc_start *how, char (*text)[2200],
                     const char **env)
{
    bool faults = how && (how->fault || how->clock);
    char preload[PATH_BYTES];
    size_t n = 0;

    if (faults || (how && how->preload))
        snprintf(text[n++], 2200, "LD_PRELOAD=%s%s%s",
                 faults ? hubproc_program("preload_faults.so", preload) : "",
                 faults && how->preload ? ":" : "", how->preload ? how->preload : "");
    if (faults) {
        snprintf(text[n++], 2200, "RELAIS_FAULT=%s", how->fault ? how->fault : "");
        snprintf(text[n++], 2200, "RELAIS_FAULT_LOG=%s", h->fault_log);
        if (how->clock)
            snprintf(text[n++], 2200, "RELAIS_CLOCK_FILE=%s", h->clock_file);
    } else if (how && how->syncs) {
        snprintf(text[n++], 2200, "LD_PRELOAD=%s", hubproc_program("preload_syncs.so", preload));
        snprintf(text[n++], 2200, "RELAIS_SYNCS=%s", how->syncs);
    }
    if (how && how->notify) {
        snprintf(text[n++], 2200, "NOTIFY_SOCKET=%s", how->notify);
        snprintf(text[n++], 2200, "WATCHDOG_USEC=%u", how->watchdog_us);
    }
    for (size_t i = 0; i < n; i++)
        env[i] = text[i];
    for (size_t i = 0; how && how->env && how->env[i] && n < ENV_MAX; i++)
        env[n++] = how->env[i];
    env[n] = NULL;
}

enum err hubproc_start(struct hubproc *h, const struct hubproc_start *how)
{
    const char *args[] = {"--dir", h->dir, "serve", NULL};
    char text[7][2200];
    const char *env[ENV_MAX + 1];
    char program[PATH_BYTES];
    char log[PATH_BYTES + 16];
    size_t mark = child_mark(&h->child);
    enum err e;

    env_make(h, how, text, env);
    snprintf(log, sizeof log, "%s/hub.log", h->top);
    if ((e = child_start(&h->child, hubproc_program("relais-hub", program), args, env, log)))
        return e;
    if ((e = child_await(&h->child, mark, "hub.ready", HUBPROC_WAIT_MS))) {
        if (e == ERR_CLOSED && child_wait(&h->child, HUBPROC_WAIT_MS, NULL))
            e = ERR_TIMEOUT;
        return e;
    }
    return ports_learn(h, mark);
}

enum err hubproc_stop(struct hubproc *h, int *status)
{
    if (h->child.pid <= 0)
        return ERR_STATE;
    if (kill(h->child.pid, SIGTERM))
        return err_from_errno(errno);
    return child_wait(&h->child, HUBPROC_WAIT_MS, status);
}

enum err hubproc_kill(struct hubproc *h)
{
    if (h->child.pid <= 0)
        return ERR_OK;
    kill(h->child.pid, SIGKILL);
    return child_wait(&h->child, HUBPROC_WAIT_MS, NULL);
}

enum err hubproc_wait(struct hubproc *h, uint64_t within_ms, int *status)
{
    return child_wait(&h->child, within_ms, status);
}

bool hubproc_running(struct hubproc *h)
{
    return h->child.pid > 0 && child_wait(&h->child, 0, NULL) == ERR_TIMEOUT;
}

pid_t hubproc_pid(const struct hubproc *h)
{
    return h->child.pid;
}

enum err hubproc_clock(struct hubproc *h, int64_t ahead_ms)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)ahead_ms);
    return file_write_atomic(h->clock_file, span_text(text), 0600);
}

size_t hubproc_faults(const struct hubproc *h)
{
    struct bytes text = {0};
    size_t lines = 0;

    if (file_read(h->fault_log, 1 << 24, &text))
        return 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    bytes_free(&text);
    return lines;
}

const char *hubproc_dir(const struct hubproc *h)
{
    return h->dir;
}

const char *hubproc_registrar_dir(const struct hubproc *h)
{
    return h->registrar_dir;
}

const char *hubproc_passphrase_file(const struct hubproc *h)
{
    return h->passphrase;
}

int hubproc_port(const struct hubproc *h)
{
    return h->port;
}

int hubproc_join_port(const struct hubproc *h)
{
    return h->join_port;
}

const struct secret_sign *hubproc_registrar(const struct hubproc *h)
{
    return h->registrar;
}

/* --- commands ------------------------------------------------------------------------------- */

enum err hubproc_command(struct hubproc *h, const char *name, json_t *args, json_t **data)
{
    json_t *request = json_pack("{s:s,s:o}", "cmd", name, "args", args ? args : json_object());
    char path[PATH_BYTES + 16];
    struct control_call call = {.path = path, .timeout_ms = COMMAND_MS};
    json_t *answer = NULL;
    enum err e;

    snprintf(path, sizeof path, "%s/control.sock", h->dir);
    e = request ? control_call(&call, request, &answer) : ERR_NOMEM;
    if (!e && json_object_get(answer, "error"))
        e = (enum err)json_integer_value(json_object_get(answer, "code"));
    h->statuses += !e && strcmp(name, "status") == 0;
    if (!e && data)
        *data = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    json_decref(request);
    return e;
}

int64_t hubproc_status(struct hubproc *h, const char *path)
{
    char part[64];
    const json_t *at;
    json_t *data = NULL;
    int64_t value = -1;
    size_t n;

    if (hubproc_command(h, "status", NULL, &data))
        return -1;
    at = data;
    while (at && (n = strcspn(path, ".")) > 0 && n < sizeof part) {
        memcpy(part, path, n);
        part[n] = '\0';
        path += n + (path[n] == '.');
        if (!json_object_get(at, part) && json_object_get(at, "counts"))
            at = json_object_get(at, "counts"); /* "accepted" is short for "counts.accepted" */
        at = json_object_get(at, part);
    }
    if (json_is_integer(at))
        value = json_integer_value(at);
    json_decref(data);
    return value;
}

size_t hubproc_entries(struct hubproc *h, unsigned type, int code, size_t last)
{
    json_t *data = NULL;
    const json_t *list;
    size_t n = 0;

    if (hubproc_command(h, "log", json_pack("{s:I}", "last", (json_int_t)last), &data))
        return 0;
    list = json_object_get(data, "entries");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        n += json_integer_value(json_object_get(one, "type")) == type &&
             (code == 0 || json_integer_value(json_object_get(one, "code")) == code);
    }
    json_decref(data);
    return n;
}

/* --- the log -------------------------------------------------------------------------------- */

size_t hubproc_log_mark(struct hubproc *h)
{
    return child_mark(&h->child);
}

/* What the hub has said reaches us through a pipe and a thread: asks it something that leaves a
 * line, and waits for that line, so that all before it is here. */
size_t hubproc_log_count(struct hubproc *h, size_t mark, const char *text)
{
    if (hubproc_running(h) && hubproc_command(h, "status", NULL, NULL) == ERR_OK &&
        child_await_lines(&h->child, 0, "command name=status result=ERR_OK", h->statuses,
                          HUBPROC_WAIT_MS))
        return 0;
    return child_count(&h->child, mark, text);
}

enum err hubproc_log_wait(struct hubproc *h, size_t mark, const char *text, uint64_t within_ms)
{
    return child_await(&h->child, mark, text, within_ms);
}

void hubproc_log_print(struct hubproc *h)
{
    child_print(&h->child);
}

size_t hubproc_resident_kib(const struct hubproc *h)
{
    return child_resident_kib(&h->child);
}
