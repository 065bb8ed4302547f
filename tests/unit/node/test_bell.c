/* Notifications: real commands, small scripts that write down what they were given. */
#include "node_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "bell.h"
#include "gauges.h"
#include "loop.h"

#define TURN_MS 50
#define TURNS_MAX 400 /* of real waiting: a bound, never a measure */

struct tower {
    struct rig *r;
    struct loop *loop;
    struct rig_circle circle;
    char log[128]; /* what the scripts wrote */
    uint64_t to_kind;
    const char *to_name;
    struct care_hooks hooks;
};
static struct tower *tower;

/* --- the world ------------------------------------------------------------------------------- */

static enum err open_addressed(struct node *n, struct span body, const struct env_header *h,
                               struct care_payload *out)
{
    enum err e = rig_hooks.open(n, body, h, out);

    if (!e) {
        out->to_kind = tower->to_kind;
        out->to_name = span_text(tower->to_name);
    }
    return e;
}

static void path_of(const struct tower *w, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", w->r->dir, name);
}

static void file_put(const struct tower *w, const char *name, const char *text, mode_t mode)
{
    char path[128];
    FILE *f;

    path_of(w, name, path);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void script(const struct tower *w, const char *name, const char *body)
{
    char text[1024];

    snprintf(text, sizeof text, "#!/bin/sh\nL=%s\n%s\n", w->log, body);
    file_put(w, name, text, 0700);
}

static void command_for_all(struct tower *w, const char *name)
{
    snprintf(w->r->n->settings.notify, sizeof w->r->n->settings.notify, "%s/%s", w->r->dir, name);
}

/* A daemon begins: its loop, its bells. */
static void ring_up(struct tower *w)
{
    assert_int_equal(loop_open(&w->r->clock.clock, &w->loop), ERR_OK);
    w->r->n->loop = w->loop;
    w->r->n->care = &w->hooks;
    assert_int_equal(bells_open(w->r->n, &w->r->n->bells), ERR_OK);
}

static void ring_down(struct tower *w)
{
    bells_close(w->r->n->bells);
    w->r->n->bells = NULL;
    w->r->n->loop = NULL;
    loop_close(w->loop);
    w->loop = NULL;
}

/* As after a crash: nothing in memory is left but the setting. */
static void crash(struct tower *w)
{
    struct node_settings s = w->r->n->settings;

    ring_down(w);
    rig_restart(w->r);
    w->r->n->settings = s;
}

static int tower_up(void **state)
{
    struct tower *w = calloc(1, sizeof *w);
    void *r = NULL;

    assert_non_null(w);
    assert_int_equal(rig_up(&r), 0);
    w->r = r;
    tower = w;
    w->to_name = "";
    w->hooks = rig_hooks;
    w->hooks.open = open_addressed;
    path_of(w, "log", w->log);
    rig_circle_new(w->r, &w->circle);
    rig_circle_tell(w->r, &w->circle, 0, 2);
    *state = w;
    return 0;
}

static int tower_down(void **state)
{
    static const char *const files[] = {"log",  "ring",        "other", "slow", "fail",
                                        "none", "notify.conf", "began", "plain"};
    struct tower *w = *state;
    void *r = w->r;
    char path[128];

    if (w->loop)
        ring_down(w);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        path_of(w, files[i], path);
        remove(path);
    }
    rig_circle_free(&w->circle);
    free(w);
    return rig_down(&r);
}

static void receive(struct tower *w, bool urgent, struct rig_letter *l)
{
    struct box_public to = rig_own_prekey(w->r);

    *l = (struct rig_letter){0};
    rig_header(w->r, &w->circle, &l->header);
    l->header.prio = urgent;
    rig_seal(w->r, l, &to, SPAN_OF(rig_body));
    rig_accept(w->r, l, 1);
    assert_int_equal(rig_deliver_letter(w->r, l), ERR_OK);
    rig_letter_free(l);
}

static struct bell bell_of(const struct tower *w, const struct rig_letter *l)
{
    struct txn *t = NULL;
    struct bell b;

    assert_int_equal(store_begin(w->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(bell_get(w->r->n, t, l->header.mid, l->header.from, &b), ERR_OK);
    store_abort(&t);
    return b;
}

/* The clock goes on by one tick; what is ready is served. */
static void turn(struct tower *w)
{
    clock_fixed_advance(&w->r->clock, BELL_TICK_MS);
    assert_int_equal(loop_turn(w->loop, TURN_MS), ERR_OK);
}

/* A command is a process: its end is waited for with the clock stopped. */
static void until_none_runs(struct tower *w)
{
    turn(w);
    for (int i = 0; bells_running(w->r->n->bells) > 0; i++) {
        assert_true(i < TURNS_MAX);
        assert_int_equal(loop_turn(w->loop, TURN_MS), ERR_OK);
    }
}

static size_t logged(const struct tower *w, char *out, size_t room)
{
    FILE *f = fopen(w->log, "r");
    size_t size = 0;

    if (f) {
        size = fread(out, 1, room - 1, f);
        fclose(f);
    }
    out[size] = '\0';
    return size;
}

static size_t lines(const struct tower *w)
{
    char text[8192];
    size_t n = 0;

    logged(w, text, sizeof text);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        n++;
    return n;
}

static uint64_t failed_ones(const struct tower *w)
{
    uint64_t waiting, failed;
    struct txn *t = NULL;

    assert_int_equal(store_begin(w->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(bells_count(t, &waiting, &failed), ERR_OK);
    store_abort(&t);
    return failed;
}

/* --- running --------------------------------------------------------------------------------- */

static void a_message_rings_once(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;

    script(w, "ring", "echo x >>$L");
    command_for_all(w, "ring");
    ring_up(w);
    receive(w, false, &l);
    assert_int_equal(lines(w), 0); /* nothing before the loop's turn */
    until_none_runs(w);
    assert_int_equal(lines(w), 1);
    assert_int_equal(bell_of(w, &l).state, BELL_DONE);
    for (int i = 0; i < 10; i++)
        until_none_runs(w);
    crash(w);
    ring_up(w);
    for (int i = 0; i < 10; i++)
        until_none_runs(w);
    assert_int_equal(lines(w), 1);
}

static void nothing_of_the_message_reaches_the_command(void **state)
{
    static const char *const needles[] = {"Étienne", "O'Brien", "bonjour", "Nous", "SECRET"};
    struct tower *w = *state;
    struct rig_letter l;
    char text[8192];

    assert_int_equal(setenv("RELAIS_TEST_SECRET", "SECRET É", 1), 0);
    script(w, "ring",
           "tr '\\0' '\\n' </proc/$$/environ >>$L; tr '\\0' '|' </proc/$$/cmdline >>$L\n"
           "echo >>$L; ls -l /proc/$$/fd >>$L");
    command_for_all(w, "ring");
    w->to_kind = 3;
    w->to_name = "IDE d'Étienne O'Brien"; /* what a sender wrote */
    ring_up(w);
    receive(w, true, &l);
    until_none_runs(w);
    assert_int_equal(unsetenv("RELAIS_TEST_SECRET"), 0);
    assert_true(logged(w, text, sizeof text) > 0);
    for (size_t i = 0; i < sizeof needles / sizeof *needles; i++)
        if (strstr(text, needles[i]))
            fail_msg("%s in: %s", needles[i], text);
    assert_ptr_equal(strstr(text, "PATH=/usr/local/bin:/usr/bin:/bin\nRELAIS_URGENT=1\n"
                                  "RELAIS_ADDRESSEE=structure\n"
                                  "RELAIS_TEXT=Un message urgent vous attend\n/bin/sh|"),
                     text);
    assert_non_null(strstr(text, " 0 -> /dev/null"));
    assert_null(strstr(text, " 3 -> ")); /* 10 is the shell's own */
}

static void each_addressee_has_its_command(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;
    char conf[512], text[8192];

    script(w, "ring", "echo all $RELAIS_ADDRESSEE $RELAIS_URGENT $RELAIS_TEXT >>$L");
    script(w, "other", "echo one $RELAIS_ADDRESSEE $RELAIS_URGENT $RELAIS_TEXT >>$L");
    snprintf(conf, sizeof conf, "# essai\n\nfonction:IDE de nuit = %s/other\n", w->r->dir);
    file_put(w, "notify.conf", conf, 0600);
    command_for_all(w, "ring");
    ring_up(w);
    w->to_kind = 3;
    w->to_name = "ide de NUIT";
    receive(w, true, &l);
    until_none_runs(w);
    w->to_kind = 4; /* a unit of that name is another addressee */
    receive(w, false, &l);
    until_none_runs(w);
    logged(w, text, sizeof text);
    assert_string_equal(text, "one fonction:IDE de nuit 1 Un message urgent vous attend\n"
                              "all structure 0 Un message vous attend\n");
}

static void without_a_command_nothing_is_queued(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;

    ring_up(w);
    receive(w, true, &l);
    until_none_runs(w);
    assert_int_equal(rig_rows(w->r, TABLE_BELL), 0);
    assert_int_equal(rig_rows(w->r, TABLE_BELL_LIVE), 0);
}

/* --- failing --------------------------------------------------------------------------------- */

static void a_command_that_fails_is_tried_again_later_then_shown(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;
    struct txn *t = NULL;
    struct in_status s;
    struct bytes text = {0};
    json_t *row = json_object();
    struct bell b;

    script(w, "fail", "echo x >>$L; exit 7");
    command_for_all(w, "fail");
    ring_up(w);
    receive(w, false, &l);
    for (unsigned tries = 1; tries <= BELL_TRIES_MAX; tries++) {
        until_none_runs(w);
        assert_int_equal(lines(w), tries);
        until_none_runs(w); /* not before its time */
        assert_int_equal(lines(w), tries);
        b = bell_of(w, &l);
        assert_int_equal(b.state, tries < BELL_TRIES_MAX ? BELL_TO_RUN : BELL_FAILED);
        clock_fixed_advance(&w->r->clock, (uint64_t)BELL_AGAIN_MS << (tries - 1));
    }
    for (int i = 0; i < 20; i++) {
        clock_fixed_advance(&w->r->clock, 3600000);
        until_none_runs(w);
    }
    assert_int_equal(lines(w), BELL_TRIES_MAX);
    assert_int_equal(failed_ones(w), 1);
    assert_int_equal(rig_inbox(w->r, &l, &s), ERR_OK);
    assert_int_equal(store_begin(w->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(bell_say(w->r->n, t, &s, &text, row), ERR_OK);
    assert_int_equal(bytes_printf(&text, "%s", ""), ERR_OK);
    assert_non_null(strstr((const char *)text.ptr, "NOTIFICATION ÉCHOUÉE (code de sortie 7)"));
    assert_int_equal(inbox_opened(w->r->n, t, s.mid, s.from, s.from), ERR_OK);
    assert_int_equal(node_commit(w->r->n, &t), ERR_OK);
    assert_int_equal(failed_ones(w), 0); /* who has read it needs no bell */
    json_decref(row);
    bytes_free(&text);
}

static void status_says_how_many_failed(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;
    json_t *request = json_pack("{s:s}", "cmd", "status");
    json_t *answer = NULL;
    char *text;

    command_for_all(w, "none"); /* there is no such file */
    ring_up(w);
    receive(w, false, &l);
    for (unsigned i = 0; i < BELL_TRIES_MAX; i++) {
        until_none_runs(w);
        clock_fixed_advance(&w->r->clock, (uint64_t)BELL_AGAIN_MS << BELL_TRIES_MAX);
    }
    assert_int_equal(bell_of(w, &l).state, BELL_FAILED);
    assert_int_equal(bell_of(w, &l).why, BELL_NOT_RUN);
    command_run(w->r->n, request, RIGHT_ALL, NULL, -1, &answer);
    assert_non_null(text = json_dumps(answer, 0));
    assert_non_null(strstr(text, "NOTIFICATIONS : 1 "));
    assert_non_null(strstr(text, "\"failed\": 1"));
    free(text);
    json_decref(answer);
    json_decref(request);
}

static void a_file_without_the_right_to_execute_it_is_a_failure(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;

    file_put(w, "plain", "#!/bin/sh\n", 0600);
    command_for_all(w, "plain");
    ring_up(w);
    receive(w, false, &l);
    until_none_runs(w);
    assert_int_equal(bell_of(w, &l).state, BELL_TO_RUN);
    assert_int_equal(bell_of(w, &l).why, BELL_NOT_RUN);
    assert_int_equal(bell_of(w, &l).tries, 1);
}

static void other_timer(void *arg)
{
    ++*(unsigned *)arg;
}

/* Waits for the script's first word, with the clock stopped. */
static void until_begun(struct tower *w)
{
    turn(w);
    for (int i = 0; lines(w) == 0; i++) {
        assert_true(i < TURNS_MAX);
        assert_int_equal(loop_turn(w->loop, TURN_MS), ERR_OK);
    }
}

static void a_command_that_hangs_is_killed_and_blocks_nothing(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;
    unsigned fired = 0;

    script(w, "slow", "echo x >>$L; sleep 1000 & wait");
    command_for_all(w, "slow");
    ring_up(w);
    receive(w, false, &l);
    until_begun(w);
    assert_int_equal(bells_running(w->r->n->bells), 1);
    assert_int_equal(bell_of(w, &l).state, BELL_RUNNING);
    assert_int_equal(loop_timer(w->loop, BELL_TICK_MS, other_timer, &fired), ERR_OK);
    for (int i = 0; i < 5; i++)
        turn(w);
    assert_int_equal(fired, 5);
    assert_int_equal(bells_running(w->r->n->bells), 1);
    clock_fixed_advance(&w->r->clock, w->r->n->settings.notify_timeout_ms);
    until_none_runs(w);
    assert_int_equal(bell_of(w, &l).state, BELL_TO_RUN);
    assert_int_equal(bell_of(w, &l).why, BELL_TIMEOUT);
    loop_cancel(w->loop, other_timer, &fired);
}

static void only_so_many_run_at_once_and_the_urgent_first(void **state)
{
    struct tower *w = *state;
    struct rig_letter l[BELL_RUNNING_MAX + 2];
    char gate[128], body[256];

    path_of(w, "began", gate);
    snprintf(body, sizeof body, "echo x >>$L; while [ ! -e %s ]; do sleep 0.02; done", gate);
    script(w, "slow", body);
    command_for_all(w, "slow");
    ring_up(w);
    for (size_t i = 0; i < BELL_RUNNING_MAX + 2; i++)
        receive(w, i == BELL_RUNNING_MAX + 1, &l[i]);
    for (int i = 0; i < 5; i++)
        turn(w);
    assert_int_equal(bells_running(w->r->n->bells), BELL_RUNNING_MAX);
    assert_int_equal(bell_of(w, &l[BELL_RUNNING_MAX + 1]).state, BELL_RUNNING);
    file_put(w, "began", "", 0600);
    for (int i = 0; lines(w) < BELL_RUNNING_MAX + 2; i++) {
        assert_true(i < TURNS_MAX);
        until_none_runs(w);
    }
    for (size_t i = 0; i < BELL_RUNNING_MAX + 2; i++)
        assert_int_equal(bell_of(w, &l[i]).state, BELL_DONE);
    assert_int_equal(lines(w), BELL_RUNNING_MAX + 2);
}

/* --- crashes --------------------------------------------------------------------------------- */

static void a_crash_between_commit_and_command_loses_nothing(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;

    script(w, "ring", "echo x >>$L");
    command_for_all(w, "ring");
    ring_up(w);
    receive(w, false, &l);
    crash(w);
    assert_int_equal(lines(w), 0);
    assert_int_equal(bell_of(w, &l).state, BELL_TO_RUN);
    ring_up(w);
    until_none_runs(w);
    assert_int_equal(lines(w), 1);
    assert_int_equal(bell_of(w, &l).state, BELL_DONE);
}

static void a_crash_while_it_runs_is_shown_and_never_rings_twice(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;

    script(w, "slow", "echo x >>$L; sleep 1000 & wait");
    command_for_all(w, "slow");
    ring_up(w);
    receive(w, false, &l);
    until_begun(w);
    crash(w);
    assert_int_equal(bell_of(w, &l).state, BELL_RUNNING);
    ring_up(w);
    for (int i = 0; i < 10; i++)
        until_none_runs(w);
    assert_int_equal(lines(w), 1);
    assert_int_equal(bell_of(w, &l).state, BELL_FAILED);
    assert_int_equal(bell_of(w, &l).why, BELL_INTERRUPTED);
    assert_int_equal(failed_ones(w), 1);
}

static void what_the_store_does_not_keep_does_not_start(void **state)
{
    struct tower *w = *state;
    struct rig_letter l;

    script(w, "ring", "echo x >>$L");
    command_for_all(w, "ring");
    ring_up(w);
    receive(w, false, &l);
    w->r->faults.commit_fault = COMMIT_IO;
    w->r->faults.fail_commit = w->r->faults.commits + 1;
    turn(w);
    assert_int_equal(bells_running(w->r->n->bells), 0);
    assert_int_equal(lines(w), 0);
    until_none_runs(w);
    assert_int_equal(lines(w), 1);
    assert_int_equal(bell_of(w, &l).state, BELL_DONE);
}

/* --- what is not worth it any more -------------------------------------------------------------
 */

static void what_was_opened_or_has_expired_is_not_rung(void **state)
{
    struct tower *w = *state;
    struct rig_letter opened, expired;
    struct txn *t = NULL;

    script(w, "ring", "echo x >>$L");
    command_for_all(w, "ring");
    ring_up(w);
    receive(w, false, &opened);
    receive(w, false, &expired);
    assert_int_equal(store_begin(w->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(
        inbox_opened(w->r->n, t, opened.header.mid, opened.header.from, opened.header.from),
        ERR_OK);
    assert_int_equal(node_commit(w->r->n, &t), ERR_OK);
    clock_fixed_jump(&w->r->clock, expired.header.exp + 1);
    until_none_runs(w);
    assert_int_equal(bell_of(w, &opened).state, BELL_DROPPED);
    assert_int_equal(bell_of(w, &expired).state, BELL_DROPPED);
    assert_int_equal(rig_rows(w->r, TABLE_BELL_LIVE), 0);
    assert_int_equal(lines(w), 0);
}

static void what_was_held_back_is_not_rung(void **state)
{
    static const enum audit_type ends[] = {AUDIT_HELD};
    struct tower *w = *state;
    struct rig_letter l;

    script(w, "ring", "echo x >>$L");
    command_for_all(w, "ring");
    ring_up(w);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct receipt_facts f = {.type = ends[i], .time_ms = RIG_NOW};
        struct txn *t = NULL;

        receive(w, false, &l);
        f.detail.to_count = 1;
        f.detail.code = ERR_CLASS;
        memcpy(f.detail.to[0], w->r->own.org, ID_BYTES);
        memcpy(f.detail.mid, l.header.mid, ID_BYTES);
        memcpy(f.detail.from, l.header.from, ID_BYTES);
        memcpy(f.detail.digest, l.digest, DIGEST_BYTES);
        assert_int_equal(store_begin(w->r->n->store, TXN_WRITE, &t), ERR_OK);
        assert_int_equal(intake_ended(w->r->n, t, span_text("x"), &f), ERR_OK);
        assert_int_equal(node_commit(w->r->n, &t), ERR_OK);
        until_none_runs(w);
        assert_int_equal(bell_of(w, &l).state, BELL_DROPPED);
    }
    assert_int_equal(lines(w), 0);
}

/* --- notify.conf ----------------------------------------------------------------------------- */

static void what_is_not_understood_in_notify_conf_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"\nfonction:IDE de nuit\n",                                 "notify.conf:2: il faut «"  },
        {"fonction:IDE = commande\n",                                "notify.conf:1: la commande" },
        {"fonction:IDE =\n",                                         "notify.conf:1: la commande" },
        {"service:IDE = /bin/true\n",                                "notify.conf:1: il faut str" },
        {"fonction = /bin/true\n",                                   "notify.conf:1: il manque"   },
        {"structure:Nous = /bin/true\n",                             "notify.conf:1: « structure"},
        {"fonction:IDE = /bin/true\n# x\nFonction:idé = /bin/sh\n",
         "notify.conf:3: « Fonction:idé »"                                                     },
        {"fonction:I\001DE = /bin/true\n",                           "notify.conf:1: la ligne"    },
        {"fonction:\xff = /bin/true\n",                              "notify.conf:1: la ligne"    },
    };
    struct tower *w = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bell_rules *rules = NULL;
        char why[400] = "";

        file_put(w, "notify.conf", bad[i].text, 0600);
        assert_int_equal(bell_rules_read(w->r->dir, &w->r->n->settings, &rules, why, sizeof why),
                         ERR_CONF);
        assert_null(rules);
        if (!strstr(why, bad[i].why))
            fail_msg("%s: %s", bad[i].text, why);
    }
}

static void a_broken_command_is_found_before_it_is_needed(void **state)
{
    struct tower *w = *state;
    struct bell_rules *rules = NULL;
    char why[400];

    file_put(w, "notify.conf",
             "structure = /bin/sh\r\npersonne:Mme Bay = /bin/sh\nunité:SSR = /nulle/part\n", 0600);
    assert_int_equal(bell_rules_read(w->r->dir, &w->r->n->settings, &rules, why, sizeof why),
                     ERR_OK);
    assert_string_equal(bell_rules_broken(rules), "/nulle/part");
    assert_string_equal(bell_rules_label(rules, 4, span_text("S.S.R.")), "unité:SSR");
    assert_string_equal(bell_rules_label(rules, 1, span_text("")), BELL_ALL);
    assert_string_equal(bell_rules_command(rules, "of another time"), "/bin/sh");
    bell_rules_free(rules);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tower_up, tower_down)
    const struct CMUnitTest tests[] = {
        TEST(a_message_rings_once),
        TEST(nothing_of_the_message_reaches_the_command),
        TEST(each_addressee_has_its_command),
        TEST(without_a_command_nothing_is_queued),
        TEST(a_command_that_fails_is_tried_again_later_then_shown),
        TEST(status_says_how_many_failed),
        TEST(a_file_without_the_right_to_execute_it_is_a_failure),
        TEST(a_command_that_hangs_is_killed_and_blocks_nothing),
        TEST(only_so_many_run_at_once_and_the_urgent_first),
        TEST(a_crash_between_commit_and_command_loses_nothing),
        TEST(a_crash_while_it_runs_is_shown_and_never_rings_twice),
        TEST(what_the_store_does_not_keep_does_not_start),
        TEST(what_was_opened_or_has_expired_is_not_rung),
        TEST(what_was_held_back_is_not_rung),
        TEST(what_is_not_understood_in_notify_conf_is_refused_with_its_line),
        TEST(a_broken_command_is_found_before_it_is_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
