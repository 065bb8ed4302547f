/* The scanner of attachments: real commands, small scripts that say what they were given. */
#include "sheet_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attach.h"
#include "inbox.h"
#include "loop.h"
#include "scan.h"

#define TURN_MS 50
#define TURNS_MAX 400 /* of real waiting: a bound, never a measure */

struct lab {
    struct desk *d;
    struct loop *loop;
    char log[128]; /* what the scripts wrote */
    char mid[33];
};

static void path_of(const struct lab *w, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", w->d->r->dir, name);
}

/* The scanner from now on; body: what it does. L is its log. */
static void scanner(const struct lab *w, const char *body)
{
    struct node_settings *s = &w->d->r->n->settings;
    char path[128];
    FILE *f;

    path_of(w, "scanner", path);
    remove(path);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fprintf(f, "#!/bin/sh\nL=%s\n%s\n", w->log, body) > 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0700), 0);
    snprintf(s->scan_command, sizeof s->scan_command, "%s --no-summary -", path);
}

static void lab_begin(struct lab *w)
{
    struct node *n = w->d->r->n;

    assert_int_equal(loop_open(&w->d->r->clock.clock, &w->loop), ERR_OK);
    n->loop = w->loop;
    assert_int_equal(scans_open(n, &n->scans), ERR_OK);
}

static void lab_end(struct lab *w)
{
    struct node *n = w->d->r->n;

    if (!w->loop)
        return;
    scans_close(n->scans);
    n->scans = NULL;
    n->loop = NULL;
    loop_close(w->loop);
    w->loop = NULL;
}

/* As after a crash: nothing in memory is left but the settings. */
static void crash(struct lab *w)
{
    struct node_settings s = w->d->r->n->settings;

    lab_end(w);
    rig_restart(w->d->r);
    w->d->r->n->care = &care_hooks;
    w->d->r->n->settings = s;
}

static int lab_up(void **state)
{
    struct lab *w = calloc(1, sizeof *w);
    void *d = NULL;

    assert_non_null(w);
    assert_int_equal(desk_up(&d), 0);
    w->d = d;
    path_of(w, "log", w->log);
    *state = w;
    return 0;
}

static int lab_down(void **state)
{
    struct lab *w = *state;
    void *d = w->d;
    char path[128];

    lab_end(w);
    remove(w->log);
    path_of(w, "scanner", path);
    remove(path);
    free(w);
    return desk_down(&d);
}

static void receive(struct lab *w)
{
    struct sheet s = letter_sheet(w->d);

    receive_sheet(w->d, &s, w->mid);
}

/* The clock goes on by one tick; what is ready is served. */
static void turn(struct lab *w)
{
    clock_fixed_advance(&w->d->r->clock, SCAN_TICK_MS);
    assert_int_equal(loop_turn(w->loop, TURN_MS), ERR_OK);
}

/* Its end is waited for with the clock stopped. */
static void until_none_runs(struct lab *w)
{
    turn(w);
    for (int i = 0; scans_running(w->d->r->n->scans); i++) {
        assert_true(i < TURNS_MAX);
        assert_int_equal(loop_turn(w->loop, TURN_MS), ERR_OK);
    }
}

static size_t logged(const struct lab *w, uint8_t *out, size_t room)
{
    FILE *f = fopen(w->log, "r");
    size_t size = 0;

    if (f) {
        size = fread(out, 1, room, f);
        fclose(f);
    }
    return size;
}

static size_t runs(const struct lab *w)
{
    uint8_t text[4096];

    return logged(w, text, sizeof text);
}

static enum err opens(struct lab *w, bool unscanned)
{
    return ask(w->d, NURSE, "sheet.attachment", "{\"mid\":\"%s\",\"number\":1,\"unscanned\":%s}",
               w->mid, unscanned ? "true" : "false");
}

static bool says(struct lab *w, const char *words)
{
    assert_int_equal(ask(w->d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", w->mid), ERR_OK);
    return strstr(answered_text(w->d), words) != NULL;
}

static bool status_says(struct lab *w, const char *words)
{
    assert_int_equal(ask(w->d, NURSE, "status", "{}"), ERR_OK);
    return strstr(answered_text(w->d), words) != NULL;
}

static struct scan_counts counts(const struct lab *w)
{
    struct txn *t = NULL;
    struct scan_counts k;

    assert_int_equal(store_begin(w->d->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(scans_count(t, &k), ERR_OK);
    store_abort(&t);
    return k;
}

/* --- verdicts -------------------------------------------------------------------------------- */

static void what_the_scanner_read_whole_and_found_clean_opens(void **state)
{
    struct lab *w = *state;
    uint8_t seen[256];

    scanner(w, "cat >$L; exit 0");
    lab_begin(w);
    receive(w);
    assert_int_equal(opens(w, false), ERR_NOT_SCANNED); /* not yet */
    assert_true(says(w, "en attente de l'antivirus"));
    assert_int_equal(counts(w).waiting, 1);
    assert_true(status_says(w, "ANTIVIRUS : 1 à analyser"));
    until_none_runs(w);
    assert_int_equal(logged(w, seen, sizeof seen), sizeof desk_pdf);
    assert_memory_equal(seen, desk_pdf, sizeof desk_pdf);
    assert_int_equal(opens(w, false), ERR_OK);
    assert_true(says(w, "rien trouvé"));
    assert_int_equal(counts(w).waiting, 0);
    assert_false(status_says(w, "ANTIVIRUS"));
}

static void an_infected_one_is_given_to_nobody_whatever_he_says(void **state)
{
    struct lab *w = *state;

    scanner(w, "cat >/dev/null; exit 1");
    lab_begin(w);
    receive(w);
    until_none_runs(w);
    assert_int_equal(opens(w, false), ERR_INFECTED);
    assert_int_equal(opens(w, true), ERR_INFECTED);
    assert_true(says(w, "INFECTÉE"));
    assert_true(status_says(w, "PIÈCES JOINTES INFECTÉES : 1"));
    assert_int_equal(counts(w).infected, 1);
    scanner(w, "cat >/dev/null; exit 0"); /* a verdict stays */
    crash(w);
    lab_begin(w);
    until_none_runs(w);
    assert_int_equal(opens(w, true), ERR_INFECTED);
}

static void infected_is_believed_of_who_stopped_reading(void **state)
{
    struct lab *w = *state;

    scanner(w, "exit 1");
    lab_begin(w);
    receive(w);
    until_none_runs(w);
    assert_int_equal(opens(w, true), ERR_INFECTED);
}

static void clean_is_not_believed_of_who_did_not_read_it_all(void **state)
{
    struct lab *w = *state;

    scanner(w, "exit 0");
    lab_begin(w);
    receive(w);
    until_none_runs(w);
    assert_int_equal(opens(w, false), ERR_NOT_SCANNED);
    assert_int_equal(counts(w).failed, 1);
}

static void without_a_scanner_the_state_says_so_and_a_word_is_asked_for(void **state)
{
    struct lab *w = *state;
    size_t journal;

    lab_begin(w);
    assert_null(w->d->r->n->scans);
    receive(w);
    turn(w);
    assert_true(says(w, "aucun antivirus n'est configuré"));
    assert_true(status_says(w, "aucun antivirus n'est configuré"));
    assert_int_equal(opens(w, false), ERR_NOT_SCANNED);
    journal = rig_rows(w->d->r, TABLE_JOURNAL);
    assert_int_equal(opens(w, true), ERR_OK);
    assert_int_equal(rig_rows(w->d->r, TABLE_JOURNAL), journal + 2); /* that, and the reading */
    scanner(w, "cat >/dev/null; echo >>$L");                         /* set later: it looks then */
    crash(w);
    lab_begin(w);
    until_none_runs(w);
    assert_int_equal(runs(w), 1);
    assert_int_equal(opens(w, false), ERR_OK);
}

/* --- failures -------------------------------------------------------------------------------- */

static void a_failure_is_tried_again_later_each_time_and_a_word_opens_meanwhile(void **state)
{
    struct lab *w = *state;

    scanner(w, "cat >/dev/null; echo >>$L; exit 2");
    lab_begin(w);
    receive(w);
    until_none_runs(w);
    assert_int_equal(runs(w), 1);
    assert_int_equal(opens(w, false), ERR_NOT_SCANNED);
    assert_true(says(w, "l'antivirus a échoué"));
    assert_true(status_says(w, "1 à analyser de nouveau après un échec"));
    assert_int_equal(opens(w, true), ERR_OK);
    until_none_runs(w);
    assert_int_equal(runs(w), 1); /* not at once */
    clock_fixed_advance(&w->d->r->clock, SCAN_AGAIN_MS);
    until_none_runs(w);
    assert_int_equal(runs(w), 2);
    clock_fixed_advance(&w->d->r->clock, SCAN_AGAIN_MS);
    until_none_runs(w);
    assert_int_equal(runs(w), 2); /* twice as long */
    scanner(w, "cat >/dev/null; echo >>$L; exit 0");
    clock_fixed_advance(&w->d->r->clock, SCAN_AGAIN_MS);
    until_none_runs(w);
    assert_int_equal(runs(w), 3);
    assert_int_equal(opens(w, false), ERR_OK);
}

static void one_that_always_fails_delays_no_other(void **state)
{
    struct lab *w = *state;
    char first[33];

    scanner(w, "cat >/dev/null; exit 2");
    lab_begin(w);
    receive(w);
    memcpy(first, w->mid, sizeof first);
    until_none_runs(w);
    assert_int_equal(counts(w).failed, 1);
    scanner(w, "cat >/dev/null; exit 0");
    receive(w);
    until_none_runs(w); /* the new one, at once */
    assert_int_equal(opens(w, false), ERR_OK);
    until_none_runs(w); /* and as the scanner works, the other too */
    memcpy(w->mid, first, sizeof first);
    assert_int_equal(opens(w, false), ERR_OK);
}

static void one_that_never_ends_is_killed(void **state)
{
    struct lab *w = *state;

    scanner(w, "sleep 600");
    w->d->r->n->settings.scan_timeout_ms = 1000;
    lab_begin(w);
    receive(w);
    turn(w);
    assert_true(scans_running(w->d->r->n->scans));
    clock_fixed_advance(&w->d->r->clock, 1000);
    until_none_runs(w);
    assert_int_equal(counts(w).failed, 1);
}

static void a_command_that_does_not_exist_fails_and_check_says_so(void **state)
{
    struct lab *w = *state;
    struct node_settings *s = &w->d->r->n->settings;

    assert_int_equal(scan_check(s), ERR_OK);
    snprintf(s->scan_command, sizeof s->scan_command, "/nowhere/scanner -");
    assert_int_equal(scan_check(s), ERR_NOT_FOUND);
    lab_begin(w);
    receive(w);
    until_none_runs(w);
    assert_int_equal(counts(w).failed, 1);
}

static void a_command_is_words_and_the_first_an_absolute_path(void **state)
{
    struct lab *w = *state;
    struct node *n = w->d->r->n;
    char *command = n->settings.scan_command;

    assert_int_equal(loop_open(&w->d->r->clock.clock, &w->loop), ERR_OK);
    n->loop = w->loop;
    snprintf(command, sizeof n->settings.scan_command, "clamdscan -");
    assert_int_equal(scans_open(n, &n->scans), ERR_CONF);
    assert_int_equal(scan_check(&n->settings), ERR_CONF);
    snprintf(command, sizeof n->settings.scan_command, "  \t ");
    assert_int_equal(scans_open(n, &n->scans), ERR_CONF);
    snprintf(command, sizeof n->settings.scan_command, "/x%s",
             " a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a");
    assert_int_equal(scans_open(n, &n->scans), ERR_CONF);
    assert_null(n->scans);
}

/* --- crashes --------------------------------------------------------------------------------- */

static void a_node_that_died_meanwhile_looks_again_from_the_beginning(void **state)
{
    struct lab *w = *state;
    uint8_t seen[256];

    scanner(w, "sleep 600");
    lab_begin(w);
    receive(w);
    turn(w);
    assert_true(scans_running(w->d->r->n->scans));
    crash(w);
    assert_int_equal(opens(w, false), ERR_NOT_SCANNED);
    scanner(w, "cat >$L");
    lab_begin(w);
    until_none_runs(w);
    assert_int_equal(logged(w, seen, sizeof seen), sizeof desk_pdf);
    assert_int_equal(opens(w, false), ERR_OK);
}

static void a_verdict_that_was_not_kept_is_kept_by_the_next_tick(void **state)
{
    struct lab *w = *state;
    struct store_faults *f = &w->d->r->faults;

    scanner(w, "cat >/dev/null; echo >>$L");
    lab_begin(w);
    receive(w);
    turn(w);
    assert_true(scans_running(w->d->r->n->scans));
    f->fail_commit = f->commits + 1;
    f->commit_fault = COMMIT_FULL;
    while (f->commits < f->fail_commit)
        assert_int_equal(loop_turn(w->loop, TURN_MS), ERR_OK);
    assert_true(scans_running(w->d->r->n->scans));
    assert_int_equal(counts(w).waiting, 1);
    until_none_runs(w);
    assert_int_equal(runs(w), 1);
    assert_int_equal(opens(w, false), ERR_OK);
}

static void what_came_with_a_sheet_that_is_gone_is_not_looked_at(void **state)
{
    struct lab *w = *state;
    struct txn *t = NULL;
    uint8_t key[IN_KEY_BYTES];
    uint8_t mid[ID_BYTES];

    scanner(w, "cat >/dev/null; echo >>$L");
    lab_begin(w);
    receive(w);
    assert_int_equal(hex_read_fixed(mid, sizeof mid, span_text(w->mid)), ERR_OK);
    in_key(mid, w->d->r->other.org, key);
    assert_int_equal(store_begin(w->d->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_del(t, TABLE_IN_BODY, SPAN_OF(key)), ERR_OK);
    assert_int_equal(store_del(t, TABLE_IN, SPAN_OF(key)), ERR_OK);
    assert_int_equal(node_commit(w->d->r->n, &t), ERR_OK);
    until_none_runs(w);
    assert_int_equal(runs(w), 0);
    assert_int_equal(counts(w).waiting, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_up, lab_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_scanner_read_whole_and_found_clean_opens),
        TEST(an_infected_one_is_given_to_nobody_whatever_he_says),
        TEST(infected_is_believed_of_who_stopped_reading),
        TEST(clean_is_not_believed_of_who_did_not_read_it_all),
        TEST(without_a_scanner_the_state_says_so_and_a_word_is_asked_for),
        TEST(a_failure_is_tried_again_later_each_time_and_a_word_opens_meanwhile),
        TEST(one_that_always_fails_delays_no_other),
        TEST(one_that_never_ends_is_killed),
        TEST(a_command_that_does_not_exist_fails_and_check_says_so),
        TEST(a_command_is_words_and_the_first_an_absolute_path),
        TEST(a_node_that_died_meanwhile_looks_again_from_the_beginning),
        TEST(a_verdict_that_was_not_kept_is_kept_by_the_next_tick),
        TEST(what_came_with_a_sheet_that_is_gone_is_not_looked_at),
    };

    return seal_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
