/* The commands of notifications, as processes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bell_internal.h"
#include "conf.h"
#include "log.h"
#include "loop.h"
#include "spawned.h"

#define ENV_ROOM (BELL_LABEL_MAX + 32)

struct running {
    bool taken;
    bool ended; /* how is in `bell`; not on disk yet */
    bool late;  /* killed */
    struct spawned process;
    uint64_t kill_ms; /* monotonic */
    struct bell bell;
};
struct bells {
    struct node *n;
    struct bell_rules *rules;
    bool look;
    uint64_t next_ms; /* the earliest that waits for its time; UINT64_MAX: none */
    struct running running[BELL_RUNNING_MAX];
};

const char *bells_label(const struct bells *b, uint64_t kind, struct span name)
{
    return b ? bell_rules_label(b->rules, kind, name) : NULL;
}

void bells_look(struct bells *b)
{
    b->look = true;
}

size_t bells_running(const struct bells *b)
{
    size_t count = 0;

    for (size_t i = 0; i < BELL_RUNNING_MAX; i++)
        count += b->running[i].taken;
    return count;
}

/* --- the end of a command -------------------------------------------------------------------- */

static void again_or_never(struct node *n, struct bell *b)
{
    bool again = b->tries < BELL_TRIES_MAX && b->why != BELL_INTERRUPTED;

    b->state = again ? BELL_TO_RUN : BELL_FAILED;
    b->due_ms = node_now_ms(n) + ((uint64_t)BELL_AGAIN_MS << (b->tries ? b->tries - 1 : 0));
}

/* Not worth telling of any more: neither tried again nor shown. */
static enum err keep(struct node *n, const struct bell *bell)
{
    struct bell b = *bell;
    struct txn *t = NULL;
    bool worth = true;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (b.state != BELL_DONE && (e = bell_worth(n, t, &b, &worth)))
        goto out;
    if (!worth)
        b.state = BELL_DROPPED;
    if (!(e = bell_put(n, t, &b)))
        e = node_commit(n, &t);
out:
    node_abort(n, &t);
    return e;
}

static void say(const struct bell *b)
{
    if (b->state == BELL_FAILED)
        log_error("notification.failed", "why=%s value=%u tries=%u", bell_why(b->why),
                  (unsigned)b->value, (unsigned)b->tries);
    else if (b->state == BELL_TO_RUN)
        log_limited(LEVEL_WARN, "notification.again", "why=%s value=%u tries=%u", bell_why(b->why),
                    (unsigned)b->value, (unsigned)b->tries);
}

/* What was not kept is tried again by the next tick. */
static void settle(struct bells *b, struct running *r)
{
    enum err e = keep(b->n, &r->bell);

    if (e) {
        log_limited(LEVEL_ERROR, "notification.not_kept", "why=%s", err_name(e));
        return;
    }
    say(&r->bell);
    *r = (struct running){.process.fd = -1};
    b->look = true;
}

static void judge(struct bells *b, struct running *r, int status)
{
    struct bell *x = &r->bell;

    x->value = 0;
    if (!r->late && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        x->why = BELL_NO_FAILURE;
        x->state = BELL_DONE;
        return;
    }
    x->why = r->late ? BELL_TIMEOUT : WIFEXITED(status) ? BELL_EXIT : BELL_SIGNAL;
    if (x->why == BELL_EXIT)
        x->value = (uint32_t)WEXITSTATUS(status);
    if (x->why == BELL_SIGNAL)
        x->value = (uint32_t)WTERMSIG(status);
    again_or_never(b->n, x);
}

static void on_end(int fd, unsigned events, void *arg)
{
    struct bells *b = arg;
    int status = 0;

    (void)events;
    for (size_t i = 0; i < BELL_RUNNING_MAX; i++) {
        struct running *r = &b->running[i];

        if (!r->taken || r->process.fd != fd || !spawned_ended(&r->process, &status))
            continue;
        loop_fd_remove(b->n->loop, fd);
        r->ended = true;
        judge(b, r, status);
        settle(b, r);
    }
}

/* --- its beginning --------------------------------------------------------------------------- */

static enum err run(const char *command, const struct bell *b, struct spawned *out)
{
    char path[] = SPAWNED_PATH;
    char urgent[] = "RELAIS_URGENT=0";
    char urgently[] = "RELAIS_URGENT=1";
    char urgent_text[] = "RELAIS_TEXT=Un message urgent vous attend";
    char plain_text[] = "RELAIS_TEXT=Un message vous attend";
    char addressee[ENV_ROOM];
    char *argv[] = {(char *)(uintptr_t)command, NULL};
    char *env[] = {path, b->urgent ? urgently : urgent, addressee,
                   b->urgent ? urgent_text : plain_text, NULL};

    snprintf(addressee, sizeof addressee, "RELAIS_ADDRESSEE=%s", b->label);
    return spawned_start(argv, env, -1, out);
}

static void not_run(struct bells *b, struct running *r, enum bell_failure why)
{
    r->ended = true;
    r->bell.why = why;
    r->bell.value = 0;
    again_or_never(b->n, &r->bell);
    settle(b, r);
}

/* Its row says that it runs. Who cannot be watched is not left running. */
static void start(struct bells *b, struct running *r)
{
    const char *command = bell_rules_command(b->rules, r->bell.label);

    if (!command) {
        not_run(b, r, BELL_NO_COMMAND);
        return;
    }
    if (run(command, &r->bell, &r->process)) {
        not_run(b, r, BELL_NOT_RUN);
        return;
    }
    r->kill_ms = clock_mono_ms(b->n->clock) + b->n->settings.notify_timeout_ms;
    if (!loop_fd(b->n->loop, r->process.fd, on_end, b))
        return;
    spawned_drop(&r->process);
    not_run(b, r, BELL_NOT_RUN);
}

static struct running *free_place(struct bells *b)
{
    for (size_t i = 0; i < BELL_RUNNING_MAX; i++)
        if (!b->running[i].taken)
            return &b->running[i];
    return NULL;
}

static bool runs(const struct bells *b, const struct bell *x)
{
    for (size_t i = 0; i < BELL_RUNNING_MAX; i++)
        if (b->running[i].taken && memcmp(b->running[i].bell.mid, x->mid, ID_BYTES) == 0 &&
            memcmp(b->running[i].bell.from, x->from, ID_BYTES) == 0)
            return true;
    return false;
}

/* --- which one ------------------------------------------------------------------------------- */

struct search {
    struct bells *b;
    struct txn *t;
    struct bell found;
    bool any;
};

/* A clock that was set back delays nothing for longer than the longest wait. */
static bool is_due(struct search *s, const struct bell *x)
{
    uint64_t now_ms = node_now_ms(s->b->n);

    if (x->due_ms <= now_ms || x->due_ms > now_ms + ((uint64_t)BELL_AGAIN_MS << BELL_TRIES_MAX))
        return true;
    if (x->due_ms < s->b->next_ms)
        s->b->next_ms = x->due_ms;
    return false;
}

/* By urgency, then by mid, which is the order of their senders' clocks. */
static enum err search_one(void *arg, struct span key, struct span value)
{
    struct search *s = arg;
    struct bell x;
    enum err e;

    (void)value;
    if (key.len != BELL_LIVE_BYTES)
        return ERR_CORRUPT;
    if ((e = bell_get(s->b->n, s->t, key.ptr + 1, key.ptr + 1 + ID_BYTES, &x)))
        return e;
    if (runs(s->b, &x) || (x.state == BELL_TO_RUN && !is_due(s, &x)))
        return ERR_OK;
    s->found = x;
    s->any = true;
    return ERR_ENOUGH;
}

static enum err next_of(struct bells *b, struct txn *t, struct search *s)
{
    static const uint8_t from[] = {BELL_LIVE_URGENT};
    static const uint8_t to[] = {BELL_LIVE_FAILED};

    *s = (struct search){.b = b, .t = t};
    b->next_ms = UINT64_MAX;
    return store_scan(t, TABLE_BELL_LIVE, SPAN_OF(from), SPAN_OF(to), SIZE_MAX, search_one, s);
}

/* That it runs is on disk before it does. *more: ask again. */
static enum err begin(struct bells *b, struct running *r, bool *more)
{
    struct txn *t = NULL;
    struct search s;
    bool worth;
    enum err e;

    *more = false;
    if ((e = store_begin(b->n->store, TXN_WRITE, &t)))
        return e;
    if ((e = next_of(b, t, &s)) || !s.any || (e = bell_worth(b->n, t, &s.found, &worth)))
        goto out;
    if (!worth) {
        s.found.state = BELL_DROPPED;
    } else if (s.found.state == BELL_RUNNING) { /* of a life before: how did it end? */
        s.found.why = BELL_INTERRUPTED;
        s.found.state = BELL_FAILED;
    } else {
        s.found.state = BELL_RUNNING;
        s.found.tries++;
    }
    if ((e = bell_put(b->n, t, &s.found)) || (e = node_commit(b->n, &t)))
        goto out;
    *more = true;
    say(&s.found);
    if (s.found.state == BELL_RUNNING) {
        *r = (struct running){.taken = true, .process.fd = -1, .bell = s.found};
        start(b, r);
    }
out:
    node_abort(b->n, &t);
    return e;
}

/* --- time ------------------------------------------------------------------------------------ */

static void late_ones(struct bells *b)
{
    for (size_t i = 0; i < BELL_RUNNING_MAX; i++) {
        struct running *r = &b->running[i];

        if (r->taken && r->ended)
            settle(b, r);
        else if (r->taken && clock_mono_ms(b->n->clock) >= r->kill_ms) {
            r->late = true;
            spawned_kill(&r->process);
        }
    }
}

static void every_tick(void *arg)
{
    struct bells *b = arg;
    struct running *r;
    bool more = true;
    enum err e = ERR_OK;

    late_ones(b);
    if (!b->look && node_now_ms(b->n) < b->next_ms)
        return;
    for (size_t i = 0; i < 2 * BELL_RUNNING_MAX && more && !e && (r = free_place(b)); i++)
        e = begin(b, r, &more);
    b->look = more || e; /* else everything runs or waits for its time */
    if (e)
        log_limited(LEVEL_ERROR, "notification.not_kept", "why=%s", err_name(e));
}

/* --- opening --------------------------------------------------------------------------------- */

enum err bells_open(struct node *n, struct bells **out)
{
    struct bells *b = calloc(1, sizeof *b);
    char why[CONF_WHY_BYTES] = "";
    enum err e;

    if (!b)
        return ERR_NOMEM;
    b->n = n;
    b->look = true;
    if ((e = bell_rules_read(n->dir, &n->settings, &b->rules, why, sizeof why)))
        log_error("notification.conf", "why=%s", why);
    else
        e = loop_timer(n->loop, BELL_TICK_MS, every_tick, b);
    if (!e && bell_rules_broken(b->rules))
        log_error("notification.command", "why=%s", "a command cannot be executed: see check");
    if (e)
        bells_close(b);
    else
        *out = b;
    return e;
}

void bells_close(struct bells *b)
{
    if (!b)
        return;
    loop_cancel(b->n->loop, every_tick, b);
    for (size_t i = 0; i < BELL_RUNNING_MAX; i++) {
        struct running *r = &b->running[i];

        if (!r->taken || r->process.fd < 0)
            continue;
        loop_fd_remove(b->n->loop, r->process.fd);
        spawned_drop(&r->process);
    }
    bell_rules_free(b->rules);
    free(b);
}
