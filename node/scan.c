#include "scan.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "intake.h"
#include "log.h"
#include "loop.h"
#include "spawned.h"

#define EXIT_CLEAN 0
#define EXIT_INFECTED 1
#define PIECES_A_TURN 4

struct scans {
    struct node *n;
    char words[sizeof(((struct node_settings *)NULL)->scan_command)];
    char *argv[SCAN_ARGS_MAX + 1];
    bool look;
    uint64_t again_ms; /* monotonic: what failed gets another try */
    uint64_t wait_ms;
    uint8_t after[ATTACHMENT_ADDRESS_BYTES]; /* the one that failed last */
    bool running;
    bool ended; /* row.scan is the verdict; not on disk yet */
    bool late;
    bool given; /* all of it is in the pipe, or was read from it */
    struct att_row row;
    struct att_source source;
    struct spawned process;
    int in, out; /* the pipe's ends: what is left unread can be asked at `in` */
    uint64_t kill_ms;
    uint32_t next;    /* piece */
    uint8_t *room;    /* ATTACHMENT_CHUNK */
    struct span left; /* of the present piece */
};

static void pipe_end_close(struct scans *s, int *fd)
{
    if (*fd < 0)
        return;
    loop_fd_remove(s->n->loop, *fd);
    close(*fd);
    *fd = -1;
}

static void forget(struct scans *s)
{
    pipe_end_close(s, &s->out);
    pipe_end_close(s, &s->in);
    if (s->process.fd >= 0) {
        loop_fd_remove(s->n->loop, s->process.fd);
        spawned_drop(&s->process);
    }
    att_source_wipe(&s->source);
    seal_wipe(s->room, ATTACHMENT_CHUNK);
    s->left = (struct span){0};
    s->running = false;
}

/* --- verdict -------------------------------------------------------------------------------- */

static void put_off(struct scans *s)
{
    s->again_ms = clock_mono_ms(s->n->clock) + s->wait_ms;
    s->wait_ms = 2 * s->wait_ms > SCAN_AGAIN_MAX_MS ? SCAN_AGAIN_MAX_MS : 2 * s->wait_ms;
}

static void say(const struct scans *s)
{
    if (s->row.scan == SCAN_INFECTED)
        log_error("attachment.infected", "size=%" PRIu64, s->row.size);
    else if (s->row.scan == SCAN_CLEAN)
        log_info("attachment.clean", "size=%" PRIu64, s->row.size);
}

static enum err keep(const struct scans *s)
{
    struct txn *t = NULL;
    struct att_row row;
    enum err e = store_begin(s->n->store, TXN_WRITE, &t);

    if (!e && !(e = attach_get(s->n, t, ATT_IN, s->row.address, &row))) {
        row.scan = s->row.scan;
        if (!(e = attach_put(s->n, t, &row)))
            e = node_commit(s->n, &t);
    }
    node_abort(s->n, &t);
    return e;
}

/* What was not kept is tried again by the next tick. */
static void settle(struct scans *s)
{
    enum err e = keep(s);

    if (e) {
        log_limited(LEVEL_ERROR, "scan.not_kept", "why=%s", err_name(e));
        return;
    }
    say(s);
    if (s->row.scan == SCAN_FAILED) {
        put_off(s);
    } else {
        s->wait_ms = SCAN_AGAIN_MS;
        s->again_ms = 0;
    }
    memcpy(s->after, s->row.address, sizeof s->after);
    forget(s);
    s->look = true;
}

static void ends(struct scans *s, enum att_scan verdict, const char *why)
{
    s->ended = true;
    s->row.scan = verdict;
    if (verdict == SCAN_FAILED)
        log_limited(LEVEL_WARN, "scan.failed", "why=%s", why);
    settle(s);
}

static void judge(struct scans *s, int status)
{
    int unread = 0;

    if (s->late)
        ends(s, SCAN_FAILED, "timeout");
    else if (!WIFEXITED(status))
        ends(s, SCAN_FAILED, "signal");
    else if (WEXITSTATUS(status) == EXIT_INFECTED)
        ends(s, SCAN_INFECTED, "");
    else if (WEXITSTATUS(status) != EXIT_CLEAN)
        ends(s, SCAN_FAILED, "exit status");
    else if (!s->given || ioctl(s->in, FIONREAD, &unread) || unread > 0)
        ends(s, SCAN_FAILED, "not all of it was read");
    else
        ends(s, SCAN_CLEAN, "");
}

static void on_end(int fd, unsigned events, void *arg)
{
    struct scans *s = arg;
    int status = 0;

    (void)events;
    if (!s->running || s->ended || !spawned_ended(&s->process, &status))
        return;
    loop_fd_remove(s->n->loop, fd);
    judge(s, status);
}

/* --- giving --------------------------------------------------------------------------------- */

static enum err piece_next(struct scans *s)
{
    const struct att_source *a = &s->source;
    struct span piece;
    enum err e;

    if (!a->beside) {
        s->left = s->next == 0 ? bytes_span(&a->content) : (struct span){0};
    } else if (s->next < a->ready.chunks) {
        if ((e = attach_read(s->n, ATT_IN, &a->ready, s->next, &piece)))
            return e;
        memcpy(s->room, piece.ptr, piece.len);
        s->left = span_of(s->room, piece.len);
    }
    if (s->left.len > 0)
        s->next++;
    else
        s->given = true;
    return ERR_OK;
}

static void on_room(int fd, unsigned events, void *arg)
{
    struct scans *s = arg;
    enum err e;

    (void)events;
    for (int i = 0; i < PIECES_A_TURN;) {
        ssize_t n;

        if (s->left.len == 0) {
            if ((e = piece_next(s))) {
                spawned_kill(&s->process); /* no verdict of half a file */
                log_limited(LEVEL_ERROR, "scan.read", "why=%s", err_name(e));
                pipe_end_close(s, &s->out);
                return;
            }
            if (s->given) {
                pipe_end_close(s, &s->out);
                return;
            }
            i++;
        }
        if ((n = write(fd, s->left.ptr, s->left.len)) < 0)
            return; /* full: called again */
        s->left = span_of(s->left.ptr + n, s->left.len - (size_t)n);
    }
}

static bool watched(struct scans *s)
{
    int ends_of[2];

    if (pipe2(ends_of, O_CLOEXEC))
        return false;
    s->in = ends_of[0];
    s->out = ends_of[1];
    return fcntl(s->out, F_SETFL, O_NONBLOCK) == 0;
}

static void start(struct scans *s)
{
    char path[] = SPAWNED_PATH;
    char *env[] = {path, NULL};

    s->running = true;
    s->ended = s->late = s->given = false;
    s->next = 0;
    s->process.fd = -1;
    if (!watched(s) || spawned_start(s->argv, env, s->in, &s->process) ||
        loop_fd(s->n->loop, s->process.fd, on_end, s) || loop_fd(s->n->loop, s->out, on_room, s) ||
        loop_fd_events(s->n->loop, s->out, LOOP_WRITE)) {
        ends(s, SCAN_FAILED, "it cannot be run");
        return;
    }
    s->kill_ms = clock_mono_ms(s->n->clock) + s->n->settings.scan_timeout_ms;
}

/* --- which one ------------------------------------------------------------------------------ */

struct search {
    enum att_scan wanted;
    bool found;
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
};

static enum err search_one(void *arg, struct span key, struct span value)
{
    struct search *s = arg;

    if (key.len != ATTACHMENT_ADDRESS_BYTES || value.len != 1)
        return ERR_CORRUPT;
    if (value.ptr[0] != (uint8_t)s->wanted)
        return ERR_OK;
    memcpy(s->address, key.ptr, sizeof s->address);
    s->found = true;
    return ERR_ENOUGH;
}

static enum err search_run(struct txn *t, enum att_scan wanted, const uint8_t *after,
                           struct search *s)
{
    uint8_t from[ATTACHMENT_ADDRESS_BYTES + 1] = {0};
    size_t len = 0;
    enum err e;

    *s = (struct search){.wanted = wanted};
    if (after) {
        memcpy(from, after, ATTACHMENT_ADDRESS_BYTES);
        len = sizeof from; /* one zero more: what comes behind it */
    }
    e = store_scan(t, TABLE_ATT_SCAN, span_of(from, len), span_text(""), SIZE_MAX, search_one, s);
    return e == ERR_ENOUGH ? ERR_OK : e;
}

/* New ones first; what failed in turn, each time a while later. */
static enum err next_of(struct scans *s, struct txn *t, struct search *found)
{
    enum err e = search_run(t, SCAN_NONE, NULL, found);

    if (e || found->found || clock_mono_ms(s->n->clock) < s->again_ms)
        return e;
    if ((e = search_run(t, SCAN_FAILED, s->after, found)) || found->found)
        return e;
    return search_run(t, SCAN_FAILED, NULL, found);
}

/* The sheet is gone, so nobody will open what came with it. */
static enum err unwanted(struct scans *s, const uint8_t *address)
{
    struct txn *t = NULL;
    enum err e = store_begin(s->n->store, TXN_WRITE, &t);

    if (!e && !(e = store_del(t, TABLE_ATT_SCAN, span_of(address, ATTACHMENT_ADDRESS_BYTES))))
        e = node_commit(s->n, &t);
    node_abort(s->n, &t);
    return e;
}

static enum err begin(struct scans *s, bool *more)
{
    struct txn *t = NULL;
    struct search found = {0};
    enum err e = store_begin(s->n->store, TXN_READ, &t);

    *more = false;
    if (!e && !(e = next_of(s, t, &found)) && found.found &&
        !(e = attach_get(s->n, t, ATT_IN, found.address, &s->row)))
        e = s->n->care->attachment(s->n, t, &s->row, &s->source);
    store_abort(&t);
    if (e && found.found && !err_of_machine(e)) {
        *more = true;
        return unwanted(s, found.address);
    }
    if (!e && found.found)
        start(s);
    return e;
}

/* --- time ----------------------------------------------------------------------------------- */

static void every_tick(void *arg)
{
    struct scans *s = arg;
    uint64_t now_ms = clock_mono_ms(s->n->clock);
    bool more = true;
    enum err e = ERR_OK;

    if (s->running && s->ended) {
        settle(s);
    } else if (s->running && now_ms >= s->kill_ms) {
        s->late = true;
        spawned_kill(&s->process);
    }
    while (!s->running && !e && more && (s->look || now_ms >= s->again_ms)) {
        s->look = false;
        e = begin(s, &more);
        if (!s->running && !more && s->again_ms <= now_ms)
            s->again_ms = now_ms + SCAN_AGAIN_MS; /* nothing there */
        s->look |= more;
    }
    if (e) {
        put_off(s);
        log_limited(LEVEL_ERROR, "scan.begin", "why=%s", err_name(e));
    }
}

/* --- opening -------------------------------------------------------------------------------- */

/* Words into argv; the first is an absolute path. */
static enum err words_split(char *words, char *argv[SCAN_ARGS_MAX + 1])
{
    char *rest = NULL;
    size_t n = 0;

    for (char *w = strtok_r(words, " \t", &rest); w; w = strtok_r(NULL, " \t", &rest)) {
        if (n == SCAN_ARGS_MAX)
            return ERR_CONF;
        argv[n++] = w;
    }
    argv[n] = NULL;
    return n > 0 && argv[0][0] == '/' ? ERR_OK : ERR_CONF;
}

enum err scan_check(const struct node_settings *settings)
{
    char words[sizeof settings->scan_command];
    char *argv[SCAN_ARGS_MAX + 1];

    snprintf(words, sizeof words, "%s", settings->scan_command);
    if (!*words)
        return ERR_OK;
    if (words_split(words, argv))
        return ERR_CONF;
    return access(argv[0], X_OK) ? ERR_NOT_FOUND : ERR_OK;
}

enum err scans_open(struct node *n, struct scans **out)
{
    struct scans *s;
    enum err e = ERR_NOMEM;

    if (!*n->settings.scan_command)
        return ERR_OK;
    if (!(s = calloc(1, sizeof *s)) || !(s->room = malloc(ATTACHMENT_CHUNK)))
        goto fail;
    s->n = n;
    s->in = s->out = s->process.fd = -1;
    s->wait_ms = SCAN_AGAIN_MS;
    s->look = true;
    snprintf(s->words, sizeof s->words, "%s", n->settings.scan_command);
    if ((e = words_split(s->words, s->argv))) {
        log_error("scan.command", "why=%s", "not an absolute path and its arguments");
        goto fail;
    }
    if (scan_check(&n->settings))
        log_error("scan.command", "why=%s", "it cannot be executed: see check");
    if ((e = loop_timer(n->loop, SCAN_TICK_MS, every_tick, s)))
        goto fail;
    *out = s;
    return ERR_OK;
fail:
    if (s)
        free(s->room);
    free(s);
    return e;
}

void scans_close(struct scans *s)
{
    if (!s)
        return;
    loop_cancel(s->n->loop, every_tick, s);
    forget(s);
    free(s->room);
    free(s);
}

void scans_look(struct scans *s)
{
    if (s)
        s->look = true;
}

bool scans_running(const struct scans *s)
{
    return s && s->running;
}

/* --- for people ----------------------------------------------------------------------------- */

static enum err count_one(void *arg, struct span key, struct span value)
{
    struct scan_counts *counts = arg;

    if (key.len != ATTACHMENT_ADDRESS_BYTES || value.len != 1)
        return ERR_CORRUPT;
    counts->waiting += value.ptr[0] == SCAN_NONE;
    counts->failed += value.ptr[0] == SCAN_FAILED;
    counts->infected += value.ptr[0] == SCAN_INFECTED;
    return ERR_OK;
}

enum err scans_count(struct txn *t, struct scan_counts *out)
{
    *out = (struct scan_counts){0};
    return store_scan(t, TABLE_ATT_SCAN, span_text(""), span_text(""), SIZE_MAX, count_one, out);
}

enum err scans_say(struct node *n, struct txn *t, struct call *c)
{
    bool any = *n->settings.scan_command != '\0';
    struct scan_counts k;
    enum err e = scans_count(t, &k);

    if (e)
        return e;
    if (json_object_set_new(c->data, "scan",
                            json_pack("{s:b, s:I, s:I, s:I}", "command", any ? 1 : 0, "waiting",
                                      (json_int_t)k.waiting, "failed", (json_int_t)k.failed,
                                      "infected", (json_int_t)k.infected)))
        return ERR_NOMEM;
    if (k.waiting + k.failed > 0)
        e = bytes_printf(&c->text,
                         any ? "ANTIVIRUS : %" PRIu64 " à analyser, %" PRIu64
                               " à analyser de nouveau après un échec.\n"
                             : "ANTIVIRUS : aucun antivirus n'est configuré ; pièces jointes non "
                               "analysées : %" PRIu64 ".\n",
                         any ? k.waiting : k.waiting + k.failed, k.failed);
    if (!e && k.infected > 0)
        e = bytes_printf(&c->text,
                         "PIÈCES JOINTES INFECTÉES : %" PRIu64
                         ", gardées chiffrées, données à personne. Appelez l'expéditeur et votre "
                         "informatique.\n",
                         k.infected);
    return e;
}
