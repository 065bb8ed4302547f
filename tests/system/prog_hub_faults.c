/* A real hub that is killed, whose disk fills, fails or turns read-only at each write in turn, and
 * whose clock moves by a month: what it has acknowledged is delivered exactly once, in order. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "clock.h"
#include "hub_checks.h"
#include "keyfile.h"
#include "proctree.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define ANSWER_MS 400
#define TRIES 200
#define AGAIN_MS 10 /* before the same again: a node waits for seconds */

/* Envelopes of one sender, with what is known of each. */
#define LETTERS_MAX 64

struct letters {
    size_t n;
    struct bytes whole[LETTERS_MAX];
    uint8_t mid[LETTERS_MAX][ID_BYTES];
    bool accepted[LETTERS_MAX];
};

static void letters_write(struct scene *s, struct letters *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct env_header h;

        CHECK(l->n < LETTERS_MAX);
        CHECK_OK(member_header(s->m[0], s->circle->handle, &s->m[1], 2, &h));
        CHECK_OK(member_seal(s->m[0], &h, SPAN_STR("corps"), &l->whole[l->n], NULL));
        memcpy(l->mid[l->n], h.mid, ID_BYTES);
        l->accepted[l->n++] = false;
    }
}

static void letters_free(struct letters *l)
{
    for (size_t i = 0; i < l->n; i++)
        bytes_free(&l->whole[i]);
    *l = (struct letters){0};
}

static int place_of_mid(const struct letters *l, const struct member_item *it)
{
    struct envelope_view v;
    struct env_header h;

    CHECK_OK(envelope_parse(bytes_span(&it->item), &v, &h, NULL));
    for (size_t i = 0; i < l->n; i++)
        if (memcmp(l->mid[i], h.mid, ID_BYTES) == 0)
            return (int)i;
    return -1;
}

/* Every letter in the mailbox exactly once, in the order in which they were sent; no other. */
static void delivered_once_in_order(struct scene *s, size_t to, const struct letters *l,
                                    size_t from)
{
    size_t next = from;

    CHECK_OK(member_await(s->m[to], DELIVER_ENVELOPE, l->n, MEMBER_WAIT_MS));
    CHECK_OK(member_barrier(s->m[to]));
    CHECK(member_items_of(s->m[to], DELIVER_ENVELOPE) == l->n);
    for (size_t i = 0; i < member_items(s->m[to]); i++) {
        const struct member_item *it = member_item(s->m[to], i);

        CHECK(it->previous < it->seq); /* items are listed by seq, whichever came first */
        if (it->kind == DELIVER_ENVELOPE)
            CHECK(place_of_mid(l, it) == (int)next++);
    }
}

static bool may_be_asked_again(enum err e)
{
    return e == ERR_BUSY || e == ERR_RATE || e == ERR_UNKNOWN || e == ERR_FULL ||
           e == ERR_READONLY || e == ERR_IO || e == ERR_NOMEM || e == ERR_TIMEOUT ||
           e == ERR_CLOSED || e == ERR_MESSAGE_STATE;
}

/* A session, as often as it takes; false: the hub has ended. */
static bool greet(struct scene *s, size_t i)
{
    for (int k = 0; k < TRIES; k++) {
        struct msg_hello hello;
        enum err e;

        if (!hubproc_running(s->hub))
            return false;
        CHECK_OK(member_connect(s->m[i]));
        CHECK_OK(member_hello_make(s->m[i], &hello));
        if ((e = member_hello_within(s->m[i], &hello, ANSWER_MS)) == ERR_OK)
            return true;
        CHECK(may_be_asked_again(e));
    }
    scene_fail(__FILE__, __LINE__, "no session", member_name(s->m[i]));
}

static enum err ask_shortly(struct member_node *m, struct message *say)
{
    struct member_answer a = {0};
    uint64_t req = member_next_req(m);
    enum err e;

    if (say->type == MSG_PUT)
        say->put.req = req;
    else
        say->keys.req = req;
    if ((e = member_tell(m, say)) || (e = member_answer(m, req, ANSWER_MS, &a)))
        return e;
    e = a.code;
    member_answer_free(&a);
    return e;
}

/* One letter until the hub has given its receipt; false: the hub has ended. */
static bool put_until_accepted(struct scene *s, struct letters *l, size_t i)
{
    struct message say = {.type = MSG_PUT, .put.envelope = bytes_span(&l->whole[i])};

    for (int k = 0; k < TRIES; k++) {
        enum err e = ask_shortly(s->m[0], &say);

        if (e == ERR_OK)
            return l->accepted[i] = true;
        CHECK(may_be_asked_again(e));
        listen_for(s, AGAIN_MS);
        if (!hubproc_running(s->hub) || !greet(s, 0))
            return false;
    }
    scene_fail(__FILE__, __LINE__, "never accepted", "");
}

/* ACK of everything there, certain to be kept; false: the hub has ended. */
static bool ack_until_kept(struct scene *s, size_t i)
{
    for (int k = 0; k < TRIES; k++) {
        const struct member_node *m = s->m[i];
        struct message ask = {.type = MSG_KEYS, .keys.from = UINT32_MAX};
        uint64_t last = member_items(m) ? member_item(m, member_items(m) - 1)->seq : 0;
        enum err e = last > member_acked(m) ? member_ack(s->m[i], last) : ERR_OK;

        if (!e)
            e = ask_shortly(s->m[i], &ask);
        CHECK(!e || may_be_asked_again(e));
        if (!hubproc_running(s->hub))
            return false;
        if (!e && member_answers(m) == 0)
            return true;
        if (!greet(s, i)) /* what the hub knows is in WELCOME: a node starts again from there */
            return false;
    }
    scene_fail(__FILE__, __LINE__, "never acknowledged", "");
}

/* --- the disk
 * ------------------------------------------------------------------------------------- */

#define ROUNDS_MAX 200
#define LETTERS_A_ROUND 2

static void all_leave(struct scene *s)
{
    for (size_t i = 0; i < s->n; i++) {
        member_disconnect(s->m[i]);
        member_forget_answers(s->m[i]);
    }
}

/* One round under the n-th fault. False: the hub did not start, or ended; or it said that the disk
 * is full: then it looks again a second later, which has a test of its own. */
static bool round_under(struct scene *s, const char *fault, struct letters *l)
{
    size_t mark = hubproc_log_mark(s->hub);

    all_leave(s);
    if (hubproc_start(s->hub, &(struct hubproc_start){.fault = fault}))
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (!greet(s, i))
            return false;
    for (size_t i = 0; i < l->n; i++) {
        struct message say = {.type = MSG_PUT, .put.envelope = bytes_span(&l->whole[i])};

        if (hubproc_log_count(s->hub, mark, "store.full") ||
            ask_shortly(s->m[0], &say) == ERR_FULL || !put_until_accepted(s, l, i))
            return false;
    }
    return true;
}

static void after_the_fault(struct scene *s, struct letters *l)
{
    for (size_t i = 0; i < s->n; i++)
        CHECK(greet(s, i));
    for (size_t i = 0; i < l->n; i++)
        CHECK(put_until_accepted(s, l, i)); /* again: the first receipt, or for the first time */
}

/* Kills the hub, starts it anew and asks who has what. */
static void count_deliveries(struct scene *s, const struct letters *l, size_t had[3])
{
    for (size_t to = 1; to < 3; to++) {
        size_t place = 0;

        CHECK_OK(member_await(s->m[to], DELIVER_ENVELOPE, had[to] + l->n, MEMBER_WAIT_MS));
        CHECK(ack_until_kept(s, to));
        CHECK(member_items_of(s->m[to], DELIVER_ENVELOPE) == had[to] + l->n);
        for (size_t i = member_items(s->m[to]); i > 0 && place < l->n; i--) {
            const struct member_item *it = member_item(s->m[to], i - 1);

            if (it->kind == DELIVER_ENVELOPE)
                CHECK(place_of_mid(l, it) == (int)(l->n - 1 - place++));
        }
        had[to] += l->n;
    }
}

/* The n-th write (or sync) fails, for n = 1, 2, ... until there is no n-th any more. */
static void each_write_fails(const char *kind, bool must_live)
{
    size_t had[3] = {0};
    size_t fired = 0;
    size_t ended = 0;
    unsigned n = 0;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(hubproc_stop(s.hub, NULL));
    for (;;) {
        struct letters l = {0};
        char fault[64];

        CHECK(++n < ROUNDS_MAX);
        snprintf(fault, sizeof fault, "%s:%u", kind, n);
        letters_write(&s, &l, LETTERS_A_ROUND);
        if (!round_under(&s, fault, &l)) {
            ended++;
            CHECK_OK(hubproc_kill(s.hub));
            all_leave(&s);
            CHECK_OK(hubproc_start(s.hub, NULL));
        }
        after_the_fault(&s, &l);
        count_deliveries(&s, &l, had);
        CHECK_OK(hubproc_stop(s.hub, NULL));
        letters_free(&l);
        if (hubproc_faults(s.hub) == fired)
            break;
        CHECK(hubproc_faults(s.hub) == ++fired);
    }
    /* Nothing fired in the last round: every write had its turn. A hub that meets the fault while
     * it opens its store does not start; one that serves goes on serving. */
    printf("     %s: %u of them, %zu starts anew\n", kind, n - 1, ended);
    CHECK(fired > 5 && fired == n - 1);
    CHECK(!must_live || ended < fired / 2);
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(scene_reopen(&s));
    serves(&s, 0, 1);
    scene_close(&s);
}

static void a_full_disk_at_each_write_loses_nothing(void)
{
    each_write_fails("write-enospc", false);
}

static void a_write_cut_short_at_each_write_loses_nothing(void)
{
    each_write_fails("write-short", true);
}

static void a_failing_disk_at_each_write_loses_nothing(void)
{
    each_write_fails("write-eio", true);
}

static void a_disk_turned_read_only_at_each_write_loses_nothing(void)
{
    each_write_fails("write-erofs", true);
}

static void a_failing_sync_at_each_sync_loses_nothing(void)
{
    each_write_fails("sync-eio", true);
}

/* Full for a while, in the middle of service: named as such, and it goes on by itself. */
static void a_disk_that_is_full_for_a_while_is_named_and_service_resumes(void)
{
    struct letters l = {0};
    size_t refused = 0;
    struct scene s;

    CHECK_OK(scene_open(
        &(struct scene_options){.start = &(struct hubproc_start){.fault = "write-enospc:250:3"}},
        &s));
    for (size_t i = 0; i < 60; i++) {
        struct message say = {.type = MSG_PUT};
        enum err e;

        letters_write(&s, &l, 1);
        say.put.envelope = bytes_span(&l.whole[i]);
        while ((e = ask_shortly(s.m[0], &say)) != ERR_OK) {
            CHECK(e == ERR_FULL);
            refused++;
            listen_for(&s, AGAIN_MS);
        }
    }
    CHECK(hubproc_running(s.hub));
    CHECK(hubproc_faults(s.hub) == 3);
    CHECK(refused > 0);
    CHECK(hubproc_status(s.hub, "failed_commits") > 0);
    CHECK(hubproc_log_count(s.hub, 0, "commit.failed why=ERR_FULL") > 0);
    for (size_t to = 1; to < 3; to++)
        delivered_once_in_order(&s, to, &l, 0);
    letters_free(&l);
    scene_close(&s);
}

/* The store's own bound: what was accepted stays, more is FULL until something has left. */
static void a_full_store_is_named_and_empties_again(void)
{
    static uint8_t large[200000];
    struct bytes whole = {0};
    size_t accepted = 0;
    size_t got = 0;
    enum err e = ERR_OK;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "store_max = 16m\n"}, &s));
    member_disconnect(s.m[1]);
    while (accepted < 100) {
        CHECK_OK(member_letter(s.m[0], s.circle->handle, &s.m[1], 1, SPAN_OF(large), &whole));
        if ((e = member_put(s.m[0], bytes_span(&whole), NULL)))
            break;
        accepted++;
    }
    CHECK_ERR(e, ERR_FULL);
    CHECK(accepted > 20);
    member_credit(s.m[1], 8, 4 << 20); /* with some credit at a time, as a node does */
    CHECK(greet(&s, 1));
    while (got < accepted) {
        CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, got + 1, MEMBER_WAIT_MS));
        got = member_items_of(s.m[1], DELIVER_ENVELOPE);
        CHECK(ack_until_kept(&s, 1));
    }
    CHECK(got == accepted);
    do /* the same again: there is room by now, and the hub will notice */
        listen_for(&s, 50);
    while ((e = member_put(s.m[0], bytes_span(&whole), NULL)) == ERR_FULL);
    CHECK_OK(e);
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, accepted + 1, MEMBER_WAIT_MS));
    bytes_free(&whole);
    scene_close(&s);
}

/* Making the hub's files: whatever fails, there is a whole hub or none, and init works again. */
static void a_failing_disk_leaves_no_half_made_hub(void)
{
    static const char *const kinds[] = {"file-enospc", "file-eio", "file-erofs"};
    char program[1024], preload[1100], fault[96], log[300], env_log[320], dir[300];
    char top[200];
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.members = 1, .no_session = true}, &s));
    snprintf(top, sizeof top, "%.180s/..", hubproc_dir(s.hub));
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s",
             hubproc_program("preload_faults.so", program));
    hubproc_program("relais-hub", program);
    snprintf(log, sizeof log, "%s/init-faults", top);
    snprintf(env_log, sizeof env_log, "RELAIS_FAULT_LOG=%s", log);
    for (unsigned k = 0, n = 1; k < 3; n++) {
        const char *env[] = {preload, fault, env_log, NULL};
        const char *args[] = {"--dir",
                              dir,
                              "--passphrase-file",
                              hubproc_passphrase_file(s.hub),
                              "--light",
                              "init",
                              "--name",
                              "x.test",
                              "--registrar",
                              "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                              NULL};
        struct child c = {0};
        struct stat st;
        int status = 0;
        bool fired;

        CHECK(n < ROUNDS_MAX);
        snprintf(fault, sizeof fault, "RELAIS_FAULT=%s:%u", kinds[k], n);
        snprintf(dir, sizeof dir, "%s/fresh-%u-%u", top, k, n);
        CHECK_OK(child_start(&c, program, args, env, NULL));
        CHECK_OK(child_wait(&c, SOON_MS, &status));
        fired = stat(log, &st) == 0;
        CHECK(remove(log) == 0 || !fired);
        if (!fired || status) {
            /* no fault: made. A fault: refused, and then made as if nothing had been. */
            CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0) == !fired);
            CHECK(!fired || hubproc_run(program, args, NULL) == 0);
        }
        child_end(&c);
        if (!fired) {
            CHECK(n > 3); /* the control: something had failed before */
            k++;
            n = 0;
        }
    }
    scene_close(&s);
}

/* What makes a key file, and a secret that is in it when it is there at all. */
static const struct maker {
    const char *program;
    const char *words[6];
    const char *file;
    const char *secret;
    unsigned calls; /* to be killed at, of each kind, at the least */
} makers[] = {
    {"relais-hub",
     {"init", "--name", "x.test", "--registrar",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
     "hub.key",                                                                             "transport",
     3                                                                                                    },
    {"relais-hub",  {"registrar", "init"},                                 "registrar.key", "registrar", 1},
    {"relais-node", {"init"},                                              "node.key",      "witness",   2},
};

static bool has_drafts(const char *dir)
{
    DIR *list = opendir(dir);
    const struct dirent *d;
    bool found = false;

    CHECK(list != NULL);
    while ((d = readdir(list)))
        found |= strncmp(d->d_name, ".tmp-", 5) == 0 || strstr(d->d_name, ".new");
    closedir(list);
    return found;
}

static void is_whole(const struct maker *m, const char *dir)
{
    struct keyring *ring = NULL;
    struct span secret;
    char path[400];

    snprintf(path, sizeof path, "%s/%s", dir, m->file);
    CHECK_OK(keyfile_open(path, span_text(HUBPROC_PASSPHRASE), KEYFILE_CAPS, &ring));
    CHECK_OK(keyring_find(ring, m->secret, &secret));
    keyring_free(ring);
    CHECK(!has_drafts(dir));
}

/* Killed at its n-th call of that kind, and asked again. Whether it was killed. */
static bool made_under(const struct scene *s, const struct maker *m, const char *kind, unsigned n,
                       const char *dir)
{
    const char *args[12] = {"--dir", dir, "--passphrase-file", hubproc_passphrase_file(s->hub),
                            "--light"};
    char program[1024], library[1024], preload[1100], fault[96];
    const char *env[] = {preload, fault, NULL};
    struct child c = {0};
    int status = 0;

    memcpy(&args[5], m->words, sizeof m->words);
    hubproc_program(m->program, program);
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s",
             hubproc_program("preload_faults.so", library));
    snprintf(fault, sizeof fault, "RELAIS_FAULT=%s:%u", kind, n);
    CHECK_OK(child_start(&c, program, args, env, NULL));
    CHECK_OK(child_wait(&c, SOON_MS, &status));
    child_end(&c);
    if (WIFSIGNALED(status)) {
        int again = hubproc_run(program, args, NULL);

        CHECK(again == 0 || again == 1); /* made now, or whole already */
    } else {
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    is_whole(m, dir);
    return WIFSIGNALED(status);
}

/* The same killed at each write, sync and rename: whole keys, or none that are in the way, and
 * nothing left behind. */
static void keys_that_are_killed_while_they_are_made_are_made_by_the_next_try(void)
{
    static const char *const kinds[] = {"kill-write", "kill-torn", "kill-sync", "kill-rename"};
    char dir[300];
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.members = 1, .no_session = true}, &s));
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            unsigned n = 0;

            do {
                CHECK(++n < ROUNDS_MAX);
                snprintf(dir, sizeof dir, "%.180s/../killed-%zu-%zu-%u", hubproc_dir(s.hub), i, k,
                         n);
            } while (made_under(&s, &makers[i], kinds[k], n, dir));
            CHECK(n > makers[i].calls); /* the control: it was killed before */
        }
    scene_close(&s);
}

/* --- kill -9
 * ----------------------------------------------------------------------------------------- */

#define TWENTY 20

struct answers {
    const struct member_node *m;
    size_t most;
};

/* So many have come, or the hub that gave them has gone. */
static bool has_answers(void *arg)
{
    const struct answers *a = arg;

    return member_answers(a->m) >= a->most;
}

/* Twenty sends under way, the hub killed at its n-th step of that kind, and started again. */
static void killed_at(struct scene *s, const char *point, unsigned n, size_t had[3])
{
    uint64_t req[TWENTY];
    struct letters l = {0};
    size_t fired = hubproc_faults(s->hub);
    char fault[64];
    bool alive;

    snprintf(fault, sizeof fault, "%s:%u", point, n);
    letters_write(s, &l, TWENTY);
    CHECK_OK(hubproc_stop(s->hub, NULL));
    all_leave(s);
    alive = hubproc_start(s->hub, &(struct hubproc_start){.fault = fault}) == ERR_OK;
    for (size_t i = 0; i < 3 && alive; i++)
        alive = greet(s, i);
    for (size_t i = 0; i < TWENTY && alive; i++) {
        struct message say = {.type = MSG_PUT, .put.envelope = bytes_span(&l.whole[i])};

        say.put.req = req[i] = member_next_req(s->m[0]);
        if (i % 4 == 3) /* in groups, so that there is more than one commit to be killed at */
            crew_until(s->crew, has_answers, &(struct answers){s->m[0], i}, ANSWER_MS);
        alive = member_tell(s->m[0], &say) == ERR_OK && hubproc_running(s->hub);
    }
    for (int k = 0; k < 20 && alive; k++) { /* until it is dead, or has nothing more to do */
        if (member_items(s->m[1]))
            alive = !member_ack(s->m[1], member_item(s->m[1], member_items(s->m[1]) - 1)->seq);
        listen_for(s, 5);
        alive = alive && hubproc_running(s->hub);
    }
    if (hubproc_running(s->hub)) /* it is about to end, or the fault has not come */
        CHECK_OK(hubproc_wait(s->hub, SOON_MS, NULL));
    CHECK(hubproc_faults(s->hub) == fired + 1); /* the kill has really happened, at its point */
    all_leave(s);
    CHECK_OK(hubproc_start(s->hub, NULL));
    after_the_fault(s, &l);
    count_deliveries(s, &l, had);
    for (size_t i = 0; i < l.n; i++)
        CHECK(l.accepted[i]);
    letters_free(&l);
}

static void killed_at_each(const char *point, const unsigned *steps, size_t count)
{
    size_t had[3] = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    crew_patience(s.crew, 200);
    for (size_t i = 0; i < count; i++)
        killed_at(&s, point, steps[i], had);
    CHECK(hubproc_status(s.hub, "waiting") >= 0);
    serves(&s, 0, 1);
    scene_close(&s);
}

static void killed_before_the_commit_every_send_ends_delivered_once(void)
{
    static const unsigned steps[] = {1, 2, 3, 4, 5, 6, 8};

    killed_at_each("before-commit", steps, sizeof steps / sizeof *steps);
}

static void killed_after_the_commit_every_send_ends_delivered_once(void)
{
    static const unsigned steps[] = {1, 2, 3, 4, 5, 6, 8};

    killed_at_each("after-commit", steps, sizeof steps / sizeof *steps);
}

static void killed_before_the_receipt_every_send_ends_delivered_once(void)
{
    static const unsigned steps[] = {1, 2, 7, 20};

    killed_at_each("before-receipt", steps, sizeof steps / sizeof *steps);
}

static void killed_during_delivery_every_send_ends_delivered_once(void)
{
    static const unsigned steps[] = {1, 2, 5, 17, 40};

    killed_at_each("during-delivery", steps, sizeof steps / sizeof *steps);
}

/* --- order and time
 * ------------------------------------------------------------------------------------- */

static void trap_order_lost_at_restart(void)
{
    struct letters l = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    member_disconnect(s.m[1]);
    for (int k = 0; k < 4; k++) {
        letters_write(&s, &l, 5);
        for (size_t i = l.n - 5; i < l.n; i++)
            CHECK(put_until_accepted(&s, &l, i));
        if (k % 2)
            CHECK_OK(hubproc_stop(s.hub, NULL));
        else
            CHECK_OK(hubproc_kill(s.hub));
        CHECK_OK(hubproc_start(s.hub, NULL));
        CHECK(greet(&s, 0));
        if (k == 2) { /* some of it is taken in between, the rest after another restart */
            CHECK(greet(&s, 1));
            CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 15, SOON_MS));
            CHECK_OK(member_ack(s.m[1], member_item(s.m[1], member_items(s.m[1]) - 8)->seq));
            CHECK_OK(member_barrier(s.m[1]));
            member_disconnect(s.m[1]);
        }
    }
    for (size_t i = 1; i < 3; i++)
        CHECK(greet(&s, i));
    for (size_t i = 1; i < 3; i++)
        delivered_once_in_order(&s, i, &l, 0);
    letters_free(&l);
    scene_close(&s);
}

static void month_passes(struct scene *s, int64_t ms)
{
    size_t mark = hubproc_log_mark(s->hub);

    CHECK_OK(hubproc_clock(s->hub, ms));
    crew_ahead(s->crew, ms);
    CHECK_OK(hubproc_log_wait(s->hub, mark, "clock.doubt", SOON_MS)); /* nothing expires yet */
    CHECK_OK(hubproc_command(s->hub, "clock.confirm", NULL, NULL));
}

/* The recipient is away for 31 days: nobody has to come for the time to run out. */
static void trap_expired_silently(void)
{
    struct receipt_facts facts;
    struct bytes whole = {0}, first = {0}, again = {0};
    struct env_header h;
    struct scene s;

    CHECK_OK(
        scene_open(&(struct scene_options){.start = &(struct hubproc_start){.clock = true}}, &s));
    member_disconnect(s.m[1]);
    CHECK_OK(member_header(s.m[0], s.circle->handle, &s.m[1], 1, &h));
    h.exp = h.ts + LIFETIME_MAX_MS;
    CHECK_OK(member_seal(s.m[0], &h, SPAN_STR("corps"), &whole, NULL));
    CHECK_OK(member_put(s.m[0], bytes_span(&whole), &first));
    month_passes(&s, 29 * DAY_MS);
    CHECK(member_await(s.m[0], DELIVER_RECEIPT, 1, 2500) == ERR_TIMEOUT); /* the control */
    CHECK(hubproc_status(s.hub, "expired") == 0);
    month_passes(&s, 30 * DAY_MS + HOUR_MS);
    CHECK_OK(member_await(s.m[0], DELIVER_RECEIPT, 1, SOON_MS));
    CHECK_OK(member_put(s.m[0], bytes_span(&whole), &again)); /* still known: the first receipt */
    CHECK(span_equal(bytes_span(&first), bytes_span(&again)));
    month_passes(&s, 31 * DAY_MS);
    CHECK(greet(&s, 1));
    CHECK_OK(member_await(s.m[1], DELIVER_RECEIPT, 1, SOON_MS));
    CHECK(member_items_of(s.m[1], DELIVER_ENVELOPE) == 0);
    for (size_t i = 0; i < 2; i++) {
        CHECK(member_receipt_of(s.m[i], AUDIT_EXPIRED, 0));
        CHECK(!member_receipt_of(s.m[i], AUDIT_EXPIRED, 1));
        CHECK_OK(member_item_facts(member_receipt_of(s.m[i], AUDIT_EXPIRED, 0), &facts));
        CHECK(memcmp(facts.detail.mid, h.mid, ID_BYTES) == 0);
        CHECK(ack_until_kept(&s, i));
    }
    CHECK(hubproc_entries(s.hub, AUDIT_EXPIRED, ERR_EXPIRED, 20) == 1);
    CHECK(hubproc_status(s.hub, "expired") == 1);
    month_passes(&s, 32 * DAY_MS); /* the dedupe row has gone with its use: now it is too late */
    listen_for(&s, 2200);
    CHECK_ERR(member_put(s.m[0], bytes_span(&whole), NULL), ERR_EXPIRED);
    bytes_free(&whole);
    bytes_free(&first);
    bytes_free(&again);
    scene_close(&s);
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(a_full_disk_at_each_write_loses_nothing),
        TEST(a_write_cut_short_at_each_write_loses_nothing),
        TEST(a_failing_disk_at_each_write_loses_nothing),
        TEST(a_disk_turned_read_only_at_each_write_loses_nothing),
        TEST(a_failing_sync_at_each_sync_loses_nothing),
        TEST(a_disk_that_is_full_for_a_while_is_named_and_service_resumes),
        TEST(a_full_store_is_named_and_empties_again),
        TEST(a_failing_disk_leaves_no_half_made_hub),
        TEST(keys_that_are_killed_while_they_are_made_are_made_by_the_next_try),
        TEST(killed_before_the_commit_every_send_ends_delivered_once),
        TEST(killed_after_the_commit_every_send_ends_delivered_once),
        TEST(killed_before_the_receipt_every_send_ends_delivered_once),
        TEST(killed_during_delivery_every_send_ends_delivered_once),
        TEST(trap_order_lost_at_restart),
        TEST(trap_expired_silently),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
