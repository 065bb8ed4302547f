/* Memory that peers make us hold where no account sees it: who holds most of it is cut off, and
 * nobody else. */
#include <stdlib.h>
#include <string.h>

#include "door_internal.h"
#include "log.h"
#include "machine.h"

#define SURVEY_MAX 8192
#define SURVEY_STEP (8u << 20) /* grown by that much, or after that long: look again */
#define SURVEY_EVERY_MS 1000
#define SETTLE_MS 60      /* when what was cut has gone: its memory is given back to the system */
#define LEAVE_MS 1000     /* the library has that long to let go of what was cut */
#define UNEXPLAINED_MAX 3 /* looks in a row, SETTLE_MS apart, before everybody goes */
#define GUESSES_SURE 3

/* Of one key, over all its connections. Its receive queue is 5 MiB at most and its send queue 20:
 * above HELD_MAX it is looked at, above HELD_SURE no honest node can be. */
#define CONNECTION_COST (48u << 10)
#define HELD_MAX (12u << 20)
#define HELD_SURE (32u << 20)
#define HELD_SHED (1u << 20) /* less than that is not worth an interruption */

/* More connections than sessions and this: who has many of them is looked for. */
#define CROWD_SLACK 64
#define CROWD_EVERY_MS 5000
#define CONNECTIONS_MAX 4 /* of one key: one lives, others have just died */

struct found {
    struct link_socket *link;
    struct link_connection c;
};

/* The connections of one key, or one whose key is not known. */
struct holder {
    const struct found *first;
    size_t n;
    uint64_t weight;
    uint64_t unfinished; /* received and not handed over, by the worst of them */
};

struct sight {
    struct found *all;
    size_t n;
    struct holder *holders;
    size_t holder_n;
};

/* --- looking ------------------------------------------------------------------------------- */

static const char *name_of(const struct found *f)
{
    return f->c.guessed ? "" : f->c.user;
}

static int by_name(const void *a, const void *b)
{
    const struct found *x = a;
    const struct found *y = b;
    int order = strcmp(name_of(x), name_of(y));

    return order ? order
                 : (x->c.connection > y->c.connection) - (x->c.connection < y->c.connection);
}

static int by_weight(const void *a, const void *b)
{
    const struct holder *x = a;
    const struct holder *y = b;

    return (x->weight < y->weight) - (x->weight > y->weight);
}

static void sight_free(struct sight *s)
{
    free(s->all);
    free(s->holders);
}

static enum err gather(struct link_socket *link, struct sight *s)
{
    struct link_connection *list;
    struct found *more;
    size_t n = 0;
    enum err e;

    if (!link)
        return ERR_OK;
    if (!(list = calloc(SURVEY_MAX, sizeof *list)))
        return ERR_NOMEM;
    if ((e = link_survey(link, list, SURVEY_MAX, &n)) || n == 0)
        goto out;
    n = n < SURVEY_MAX ? n : SURVEY_MAX;
    if (!(more = realloc(s->all, (s->n + n) * sizeof *more))) {
        e = ERR_NOMEM;
        goto out;
    }
    s->all = more;
    for (size_t i = 0; i < n; i++)
        s->all[s->n++] = (struct found){link, list[i]};
out:
    free(list);
    return e;
}

static bool same_holder(const struct found *a, const struct found *b)
{
    return *name_of(a) && strcmp(name_of(a), name_of(b)) == 0;
}

static enum err group(struct sight *s)
{
    struct holder *h = NULL;

    if (s->n == 0)
        return ERR_OK;
    if (!(s->holders = calloc(s->n, sizeof *s->holders)))
        return ERR_NOMEM;
    qsort(s->all, s->n, sizeof *s->all, by_name);
    for (size_t i = 0; i < s->n; i++) {
        const struct found *f = &s->all[i];
        uint64_t in = f->c.received > f->c.accounted ? f->c.received - f->c.accounted : 0;

        if (!h || !same_holder(h->first, f)) {
            h = &s->holders[s->holder_n++];
            h->first = f;
        }
        h->n++;
        h->weight += link_held(&f->c) + CONNECTION_COST;
        h->unfinished = in > h->unfinished ? in : h->unfinished;
    }
    qsort(s->holders, s->holder_n, sizeof *s->holders, by_weight);
    return ERR_OK;
}

/* Everybody who is connected, the heaviest key first. */
static enum err look(const struct door *d, struct sight *s)
{
    enum err e;

    *s = (struct sight){0};
    if ((e = gather(d->emergency, s)) || (e = gather(d->members, s)) || (e = gather(d->join, s)))
        return e;
    return group(s);
}

/* --- cutting off ----------------------------------------------------------------------------- */

/* Into the log and onto the disk: it stays so until the operator allows the node again. */
static void lock_out(struct door *d, const char *user)
{
    struct member who;
    const struct directory_node *n;
    struct job *j;

    if (user_member(user, &who) || !(n = directory_find_node(d->dir, who.node)))
        return;
    door_lock(d, who.node, true);
    if (!(j = calloc(1, sizeof *j)))
        return;
    j->kind = JOB_LOCK;
    j->lane = LANE_HUB;
    j->who = who;
    j->who.number = (uint32_t)n->enrolled_at;
    if (fair_push(d->o.core, j))
        job_free(j);
}

static struct session *session_on(const struct door *d, const struct found *f)
{
    struct member who;
    struct session *s = user_member(f->c.user, &who) ? NULL : session_find(d->sessions, who.node);

    return s && s->number && s->peer.connection == f->c.connection ? s : NULL;
}

static void cut(struct door *d, const struct found *f)
{
    struct session *s = session_on(d, f);

    if (link_drop(f->link, &f->c))
        return;
    d->cut_ms = d->now_ms;
    d->leaving[d->leaving_n++ % DOOR_LEAVING_MAX] = f->c;
    if (s)
        session_gone(d, s);
}

static void cut_all(struct door *d, const struct holder *h)
{
    for (size_t i = 0; i < h->n; i++)
        cut(d, h->first + i);
}

/* Who was found because he alone had said nothing may be somebody slow to speak: cut off each
 * time, locked out at the third in a row. */
static bool is_sure(struct door *d, const struct holder *h)
{
    const struct link_connection *c = &h->first->c;

    if (!c->guessed)
        return h->weight > HELD_SURE || h->unfinished > HELD_MAX;
    if (c->guessed != LINK_GUESS_SILENT)
        return true;
    if (strcmp(d->guessed_user, c->user) != 0)
        d->guesses = 0;
    snprintf(d->guessed_user, sizeof d->guessed_user, "%s", c->user);
    return ++d->guesses >= GUESSES_SURE;
}

static void cut_off(struct door *d, const struct holder *h, uint64_t resident)
{
    const char *user = h->first->c.user;
    bool sure = is_sure(d, h);

    log_error(sure ? "memory.culprit" : "memory.suspect",
              "user=%s held=%llu connections=%zu resident=%llu", user,
              (unsigned long long)h->weight, h->n, (unsigned long long)resident);
    d->count.kicks++;
    if (sure)
        lock_out(d, user);
    cut_all(d, h);
}

/* A survey can name the wrong user for a moment (transport.h): only what the very next one finds
 * again is acted on; of a connection whose user is guessed, under the same name. */
static void suspect(struct door *d, const struct holder *h, uint64_t resident)
{
    const struct link_connection *c = &h->first->c;
    bool again = strcmp(d->suspected_user, c->user) == 0 &&
                 (*name_of(h->first) || d->suspected == c->connection);

    if (d->suspected && again) {
        d->suspected = 0;
        cut_off(d, h, resident);
        return;
    }
    d->suspected = c->connection;
    snprintf(d->suspected_user, sizeof d->suspected_user, "%s", c->user);
}

/* --- when it comes to the end -------------------------------------------------------------- */

/* Has what was cut off last been freed? Only then the next look sees what others hold: a look too
 * early finds memory that nobody explains, and interrupts people for it. */
static bool settled(struct door *d)
{
    size_t n = d->leaving_n < DOOR_LEAVING_MAX ? d->leaving_n : DOOR_LEAVING_MAX;

    if (d->now_ms - d->cut_ms < SETTLE_MS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!link_gone(&d->leaving[i]) && d->now_ms - d->cut_ms < LEAVE_MS)
            return false;
    if (n > 0) { /* gone, and the library frees it now */
        d->leaving_n = 0;
        d->cut_ms = d->now_ms;
        return false;
    }
    machine_give_back();
    d->cut_ms = 0;
    return true;
}

/* The library cannot say where it has it: everybody's connections are closed. */
static void clear(struct door *d, uint64_t resident)
{
    log_error("memory.brake", "resident=%llu", (unsigned long long)resident);
    d->count.brakes++;
    d->count.kicks++;
    sessions_gone(d, d->members);
    if (link_rebind(d->members)) {
        d->fatal = ERR_IO;
        loop_stop(d->loop);
    }
}

/* Many together: the heaviest first, until a quarter of what is allowed should be free again. */
static void shed(struct door *d, const struct sight *s, uint64_t resident)
{
    uint64_t most = d->o.memory_max_bytes;
    uint64_t wanted = resident - (most - most / 4);
    uint64_t freed = 0;
    size_t n = 0;

    while (n < s->holder_n && freed < wanted && s->holders[n].weight > HELD_SHED) {
        freed += s->holders[n].weight;
        cut_all(d, &s->holders[n++]);
    }
    if (n > 0) {
        log_error("memory.shed", "keys=%zu freed=%llu resident=%llu", n, (unsigned long long)freed,
                  (unsigned long long)resident);
        d->count.sheds++;
    }
    if (freed >= wanted / 4) {
        d->unexplained = 0;
        return;
    }
    d->cut_ms = d->now_ms; /* once more when that has settled */
    if (resident < most && ++d->unexplained < UNEXPLAINED_MAX)
        return;
    d->unexplained = 0;
    clear(d, resident);
}

/*
 * What libzmq holds for a connection no application sees: the frames of a message that never ends,
 * answers that nobody reads. So the memory is watched. When it grows beyond half of what is
 * allowed, connections are looked at, and what all those of one key hold together. The heaviest
 * key, if that is more than an honest node could be held for, is cut off: its connections alone
 * are closed, and if no doubt is left it is let in no more until the operator says so. If memory
 * grows to the end of what is allowed all the same, the heaviest keys go, as many as need be; only
 * if no key explains it, everybody does.
 */
void door_watch_memory(struct door *d)
{
    uint64_t most = d->o.memory_max_bytes;
    uint64_t resident;
    struct sight s;

    if (d->cut_ms && !settled(d))
        return;
    resident = machine_held_bytes();
    if (resident < most / 2)
        return;
    if (!d->suspected && resident < d->surveyed_bytes + SURVEY_STEP &&
        d->now_ms < d->surveyed_ms + SURVEY_EVERY_MS)
        return;
    d->surveyed_bytes = resident;
    d->surveyed_ms = d->now_ms;
    if (look(d, &s) == ERR_OK && s.holder_n > 0 && s.holders[0].weight > HELD_MAX)
        suspect(d, &s.holders[0], resident);
    else
        d->suspected = 0;
    if (!d->cut_ms && resident >= most - most / 16)
        shed(d, &s, resident);
    else
        d->unexplained = 0;
    sight_free(&s);
}

/* --- too many connections ------------------------------------------------------------------ */

static bool was_silent(const struct door *d, uint64_t connection)
{
    for (size_t i = 0; i < d->silent_n; i++)
        if (d->silent[i] == connection)
            return true;
    return false;
}

/* Who has said nothing twice is cut; who has said nothing yet is remembered. */
static void silent_look(struct door *d, const struct sight *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct found *f = &s->all[i];

        if (*name_of(f))
            continue;
        if (was_silent(d, f->c.connection))
            cut(d, f);
        else if (n < DOOR_SILENT_MAX)
            d->silent_next[n++] = f->c.connection;
    }
    memcpy(d->silent, d->silent_next, n * sizeof d->silent[0]);
    d->silent_n = n;
}

/* All but the one of its session. */
static void crowd_look(struct door *d, const struct holder *h)
{
    if (!*name_of(h->first) || h->n <= CONNECTIONS_MAX)
        return;
    log_limited(LEVEL_WARN, "connections.many", "user=%s connections=%zu", h->first->c.user, h->n);
    d->count.crowds++;
    for (size_t i = 0; i < h->n; i++)
        if (!session_on(d, h->first + i))
            cut(d, h->first + i);
}

void door_watch_crowd(struct door *d)
{
    uint64_t most;
    struct sight s;

    if (d->now_ms < d->crowd_ms + CROWD_EVERY_MS)
        return;
    d->crowd_ms = d->now_ms;
    if (machine_descriptors(&most) < d->open + d->open / 4 + CROWD_SLACK) {
        d->silent_n = 0;
        return;
    }
    if (look(d, &s) == ERR_OK) {
        silent_look(d, &s);
        for (size_t i = 0; i < s.holder_n; i++)
            crowd_look(d, &s.holders[i]);
    }
    sight_free(&s);
}
