/* The core's later duties when store or memory fail at each place in turn: recall, silence,
 * escalation, absences, what is found lost, named operators, and what an operator reads of it. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_deeds.h"
#include "operator_act.h"
#include "operators.h"
#include "serve.h"

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

static void clock_together(struct world *w)
{
    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
}

static void gone(struct world *w, size_t i)
{
    struct job *j = job_of(w, JOB_GONE, w->m[i]);

    j->session = w->session[i];
    assert_ok(fair_push(w->in, j));
    world_turn(w);
}

static void all_acknowledge(struct world *w)
{
    for (size_t i = 0; i < PEOPLE; i++)
        assert_ok(member_ack_all(w->m[i]));
}

/* --- recall ------------------------------------------------------------------------------------
 */

static void recall_prepare(struct world *w, struct deed *d)
{
    struct bytes whole = {0};

    assert_ok(member_letter(w->m[0], w->circle->handle, &w->m[1], 2, SPAN_STR("corps"), &whole));
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_ok(member_recall_make(w->m[0], bytes_span(&whole), RECALL_CONTENT, &d->bytes));
    d->count = leaves_of(w, AUDIT_RECALLED);
    bytes_free(&whole);
}

static enum err recall_act(struct world *w, struct deed *d)
{
    return member_recall_ss(w->m[0], bytes_span(&d->bytes), NULL);
}

static void recall_check(struct world *w, struct deed *d)
{
    struct bytes first = {0}, again = {0};

    assert_int_equal(leaves_of(w, AUDIT_RECALLED), d->count + 2); /* one for each recipient */
    assert_ok(member_recall_ss(w->m[0], bytes_span(&d->bytes), &first));
    assert_ok(member_recall_ss(w->m[0], bytes_span(&d->bytes), &again));
    assert_true(span_equal(bytes_span(&first), bytes_span(&again)));
    greet_all(w);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_int_equal(last_item(w, i)->kind, DELIVER_RECEIPT);
    all_acknowledge(w);
    bytes_free(&first);
    bytes_free(&again);
}

static void a_recall_survives_every_failure(void **state)
{
    struct deed d = {.prepare = recall_prepare, .act = recall_act, .check = recall_check};

    every_place(*state, &d);
}

/* --- silence ------------------------------------------------------------------------------------
 */

static void silence_prepare(struct world *w, struct deed *d)
{
    struct env_header h;

    all_acknowledge(w);
    clock_together(w);
    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[1], 1, &h));
    h.exp = h.ts + 20 * DAY_MS;
    assert_ok(member_seal(w->m[0], &h, SPAN_STR("x"), &d->bytes, NULL));
    gone(w, 1);
    assert_ok(member_put(w->m[0], bytes_span(&d->bytes), NULL));
    for (int i = 0; i < 23; i++) {
        clock_fixed_advance(&w->clock, HOUR_MS);
        world_job(w, JOB_TICK);
    }
    clock_fixed_advance(&w->clock, 2 * HOUR_MS);
    d->count = leaves_of(w, AUDIT_SILENT);
}

static enum err silence_act(struct world *w, struct deed *d)
{
    (void)d;
    w->session[1] = 0;
    world_job(w, JOB_TICK);
    clock_fixed_advance(&w->clock, 2 * MINUTE_MS); /* it looks once a minute */
    if (w->strike.at == STRIKE_NOTHING)
        world_job(w, JOB_TICK);
    return ERR_OK;
}

static void silence_check(struct world *w, struct deed *d)
{
    struct job *j;

    if (leaves_of(w, AUDIT_SILENT) == d->count) { /* greet_all() has ended that silence */
        assert_true(w->struck);
        return;
    }
    assert_int_equal(leaves_of(w, AUDIT_SILENT), d->count + 1);
    j = job_of(w, JOB_TICK, NULL);
    assert_ok(fair_push(w->in, j));
    world_turn(w);
    assert_int_equal(leaves_of(w, AUDIT_SILENT), d->count + 1);
    greet_all(w);
}

static void silence_survives_every_failure(void **state)
{
    struct deed d = {.prepare = silence_prepare, .act = silence_act, .check = silence_check};

    every_place(*state, &d);
}

/* --- escalation ---------------------------------------------------------------------------------
 */

static struct member_circle *theirs;

static void escalate_prepare(struct world *w, struct deed *d)
{
    if (org_is_suspended(w))
        assert_ok(world_about(w, "org.resume", "org", member_org(w->m[2]), NULL));
    world_greet(w, 2, 100, 1 << 20);
    if (!theirs) { /* m[2] answers for a circle, and m[1] is in it */
        assert_ok(member_circle_create(w->m[2], &theirs));
        assert_ok(member_circle_join(w->m[2], w->m[1], theirs, NULL));
    }
    all_acknowledge(w);
    d->count = leaves_of(w, AUDIT_ESCALATED);
}

static enum err escalate_act(struct world *w, struct deed *d)
{
    (void)d;
    if (org_is_suspended(w))
        return ERR_OK;
    return world_about(w, "org.suspend", "org", member_org(w->m[2]), NULL);
}

static void escalate_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_ESCALATED), d->count + 1);
    assert_int_equal(last_item(w, 1)->kind, DELIVER_RECEIPT);
    assert_ok(member_ack_all(w->m[1]));
}

static void an_escalation_survives_every_failure(void **state)
{
    struct deed d = {.prepare = escalate_prepare, .act = escalate_act, .check = escalate_check};

    every_place(*state, &d);
    member_circle_free(theirs);
    theirs = NULL;
}

/* --- absences -----------------------------------------------------------------------------------
 */

static void absence_make(struct world *w, size_t of, uint64_t days, bool substitute,
                         struct bytes *ss)
{
    struct absence_statement s = {.ts_ms = clock_now_ms(&w->clock.clock)};
    uint64_t today = s.ts_ms / DAY_MS;

    s.from_ms = today * DAY_MS;
    s.until_ms = (today + days) * DAY_MS;
    memcpy(s.federation, w->id.federation.id, ID_BYTES);
    memcpy(s.org, member_org(w->m[of]), ID_BYTES);
    memcpy(s.node, member_id(w->m[of]), ID_BYTES);
    s.has_substitute = substitute;
    memcpy(s.substitute, member_org(w->m[0]), substitute ? ID_BYTES : 0);
    assert_ok(absence_sign(&s, member_sign_key(w->m[of]), ss));
}

static enum err absence_put(struct world *w, size_t by, struct span ss)
{
    struct message say = {.type = MSG_KEYS_PUT};

    say.statement = (struct msg_statement){member_next_req(w->m[by]), ss};
    return member_ask(w->m[by], &say, NULL);
}

static void absence_prepare(struct world *w, struct deed *d)
{
    for (int i = 0; i < 5; i++) { /* four a day */
        clock_fixed_advance(&w->clock, 5 * HOUR_MS);
        world_job(w, JOB_TICK);
    }
    absence_make(w, 1, 4, true, &d->bytes);
    d->count = ledger_committed_size(w->core->keys);
}

static enum err absence_act(struct world *w, struct deed *d)
{
    enum err e = absence_put(w, 1, bytes_span(&d->bytes));

    return e == ERR_EXISTS ? ERR_OK : e; /* said again: it is there */
}

static void absence_check(struct world *w, struct deed *d)
{
    assert_int_equal(ledger_committed_size(w->core->keys), d->count + 1);
}

static void an_absence_survives_every_failure(void **state)
{
    struct deed d = {.prepare = absence_prepare, .act = absence_act, .check = absence_check};

    every_place(*state, &d);
}

/* --- what the disk has lost ---------------------------------------------------------------------
 */

static void lost_prepare(struct world *w, struct deed *d)
{
    struct txn *t = NULL;
    struct span key, value;

    member_credit(w->m[1], 0, 0);
    greet_all(w);
    world_send(w, 0, 1);
    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_last(t, TABLE_BODY, &key, &value));
    assert_ok(store_del(t, TABLE_BODY, key));
    assert_ok(store_commit(&t));
    member_credit(w->m[1], 100, 1 << 20);
    d->count = leaves_of(w, AUDIT_HELD);
}

static enum err lost_act(struct world *w, struct deed *d)
{
    struct msg_hello hello;

    (void)d;
    assert_ok(member_hello_make(w->m[1], &hello));
    return member_hello(w->m[1], &hello);
}

static void lost_check(struct world *w, struct deed *d)
{
    greet_all(w);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_HELD), d->count + 1);
    assert_int_equal(world_box(w, 1)->len, 1); /* the receipt */
    all_acknowledge(w);
}

static void what_is_found_lost_survives_every_failure(void **state)
{
    struct deed d = {.prepare = lost_prepare, .act = lost_act, .check = lost_check};

    every_place(*state, &d);
}

/* --- named operators ----------------------------------------------------------------------------
 */

static struct secret_sign *person[2];
static struct secret_sign *later;
static struct hub_conf conf = {.operators_required = 2};

static void persons_named(struct world *w)
{
    static const char *const names[] = {"Alice", "Bruno"};

    w->core->conf = &conf;
    w->id.federation.mode = MODE_REAL;
    for (size_t i = 0; i < 2; i++) {
        struct bytes hex = {0};

        assert_ok(secret_sign_generate(&w->entropy, &person[i]));
        assert_ok(hex_write(&hex, SPAN_OF(secret_sign_public(person[i])->b)));
        assert_ok(world_command(
            w, "operator.add",
            json_pack("{s:s,s:s}", "name", names[i], "key", (const char *)hex.ptr), NULL));
        bytes_free(&hex);
    }
    assert_ok(secret_sign_generate(&w->entropy, &later));
    w->id.later[HUB_KEY_SIGNING][0] = later;
    w->id.later_count[HUB_KEY_SIGNING] = 1;
}

static void persons_gone(struct world *w)
{
    w->id.later_count[HUB_KEY_SIGNING] = 0;
    w->id.federation.mode = MODE_EXERCISE;
    secret_sign_free(later);
    for (size_t i = 0; i < 2; i++)
        secret_sign_free(person[i]);
}

static enum err operator_signs(struct world *w, const json_t *act, size_t i)
{
    struct bytes raw = {0}, kid_hex = {0}, sig_hex = {0};
    uint8_t sig[SIG_BYTES], kid[KID_BYTES];
    json_t *args;

    assert_ok(hex_read(&raw, span_text(json_string_value(json_object_get(act, "act")))));
    assert_ok(operator_act_sign(bytes_span(&raw), person[i], sig));
    sign_kid(secret_sign_public(person[i]), kid);
    assert_ok(hex_write(&kid_hex, SPAN_OF(kid)));
    assert_ok(hex_write(&sig_hex, SPAN_OF(sig)));
    args = json_pack("{s:O,s:O,s:s,s:s}", "act", json_object_get(act, "act"), "request",
                     json_object_get(act, "request"), "operator", (const char *)kid_hex.ptr, "sig",
                     (const char *)sig_hex.ptr);
    bytes_free(&raw);
    bytes_free(&kid_hex);
    bytes_free(&sig_hex);
    return world_command(w, "operator.sign", args, NULL);
}

static void act_prepare(struct world *w, struct deed *d)
{
    json_decref(d->data);
    d->data = NULL;
    clock_fixed_advance(&w->clock, 25 * HOUR_MS); /* what waits from before lapses */
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK);
    assert_ok(world_command(w, "operator.prepare",
                            json_pack("{s:s,s:{s:s}}", "cmd", "key.rotate", "args", "which", "hub"),
                            &d->data));
    d->count = leaves_of(w, AUDIT_OPERATORS);
}

static enum err first_signs(struct world *w, struct deed *d)
{
    enum err e = operator_signs(w, d->data, 0);

    return e == ERR_OPERATOR_SAME ? ERR_OK : e;
}

static void first_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_OPERATORS), d->count + 1);
}

static void second_prepare(struct world *w, struct deed *d)
{
    act_prepare(w, d);
    assert_ok(operator_signs(w, d->data, 0));
}

static enum err second_signs(struct world *w, struct deed *d)
{
    enum err e = operator_signs(w, d->data, 1);

    return e == ERR_DUPLICATE ? ERR_OK : e;
}

static void second_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_OPERATORS), d->count + 2);
}

static enum err lapse_act(struct world *w, struct deed *d)
{
    if (leaves_of(w, AUDIT_OPERATORS) < d->count + 2)
        clock_fixed_advance(&w->clock, 25 * HOUR_MS);
    world_job(w, JOB_TICK);
    return ERR_OK;
}

static void acts_of_operators_survive_every_failure(void **state)
{
    struct deed one = {.prepare = act_prepare, .act = first_signs, .check = first_check};
    struct deed two = {.prepare = second_prepare, .act = second_signs, .check = second_check};
    struct deed lapse = {.prepare = second_prepare, .act = lapse_act, .check = second_check};

    persons_named(*state);
    every_place(*state, &one);
    every_place(*state, &two);
    every_place(*state, &lapse);
    persons_gone(*state);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static const char *reading;
static json_t *reading_args;

static enum err read_act(struct world *w, struct deed *d)
{
    (void)d;
    return world_command(w, reading, json_deep_copy(reading_args), NULL);
}

/* A hub that has all of it to tell: who is absent, silent, suspended, named, and what waits. */
static void what_an_operator_reads_of_it_survives_every_failure(void **state)
{
    static const char *const names[] = {"status",   "org.list",     "operator.list",
                                        "key.list", "witness.list", "log"};
    struct world *w = *state;
    struct deed d = {0};
    struct bytes ss = {0};

    escalate_prepare(w, &d);
    absence_make(w, 1, 9, true, &ss);
    assert_ok(absence_put(w, 1, bytes_span(&ss)));
    silence_prepare(w, &d);
    assert_ok(silence_act(w, &d));
    assert_ok(escalate_act(w, &d));
    persons_named(w);
    act_prepare(w, &d);
    assert_ok(operator_signs(w, d.data, 0));
    w->core->conf = NULL; /* of the settings only these two persons are here */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        reading = names[i];
        reading_fails_and_is_asked_again(w, read_act);
    }
    w->core->conf = &conf;
    reading = "operator.prepare";
    reading_args = json_pack("{s:s,s:{s:s}}", "cmd", "key.rotate", "args", "which", "hub");
    reading_fails_and_is_asked_again(w, read_act);
    json_decref(reading_args);
    reading_args = NULL;
    persons_gone(w);
    json_decref(d.data);
    bytes_free(&d.bytes);
    bytes_free(&ss);
    member_circle_free(theirs);
    theirs = NULL;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_recall_survives_every_failure),
        TEST(silence_survives_every_failure),
        TEST(an_escalation_survives_every_failure),
        TEST(an_absence_survives_every_failure),
        TEST(what_is_found_lost_survives_every_failure),
        TEST(acts_of_operators_survive_every_failure),
        TEST(what_an_operator_reads_of_it_survives_every_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
