/* Acts that named operators sign, while store and memory fail at each place in turn, those of the
 * answers' JSON included: an act runs once, with both its leaves, or not at all. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_deeds.h"
#include "core_operators.h"
#include "operators_internal.h"

/* --- rows ---------------------------------------------------------------------------------------
 */

struct keys {
    struct bytes key[80];
    size_t n;
};

static enum err key_take(void *arg, struct span key, struct span value)
{
    struct keys *k = arg;

    (void)value;
    return bytes_copy(&k->key[k->n++], key);
}

static size_t rows_of(struct world *w, unsigned kind, struct keys *out)
{
    const uint8_t from[1] = {(uint8_t)kind}, to[1] = {(uint8_t)(kind + 1)};
    struct txn *t = NULL;

    *out = (struct keys){0};
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(store_scan(t, TABLE_OPERATOR, SPAN_OF(from), SPAN_OF(to), 80, key_take, out));
    store_abort(&t);
    return out->n;
}

static size_t count_of(struct world *w, unsigned kind)
{
    struct keys k;
    size_t n = rows_of(w, kind, &k);

    for (size_t i = 0; i < k.n; i++)
        bytes_free(&k.key[i]);
    return n;
}

#define NAMED 1
#define WAITING 2

/* So that a deed can be done as often as there are places: the persons stay. */
static void forget(struct world *w, unsigned kind)
{
    uint8_t kid[PERSONS][KID_BYTES];
    struct txn *t = NULL;
    struct keys k;

    for (size_t i = 0; i < PERSONS; i++)
        sign_kid(secret_sign_public(person[i]), kid[i]);
    (void)rows_of(w, kind, &k);
    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    for (size_t i = 0; i < k.n; i++) {
        bool stays = kind == NAMED && (memcmp(k.key[i].ptr + 1, kid[0], KID_BYTES) == 0 ||
                                       memcmp(k.key[i].ptr + 1, kid[1], KID_BYTES) == 0);

        if (!stays)
            assert_ok(store_del(t, TABLE_OPERATOR, bytes_span(&k.key[i])));
        bytes_free(&k.key[i]);
    }
    assert_ok(store_commit(&t));
}

/* --- one person names another -------------------------------------------------------------------
 */

static json_t *newcomer(struct world *w)
{
    struct secret_sign *fresh = NULL;
    json_t *args;

    assert_ok(secret_sign_generate(&w->entropy, &fresh));
    args = who_is("Nouvelle", secret_sign_public(fresh));
    secret_sign_free(fresh);
    return args;
}

static void add_prepare(struct world *w, struct deed *d)
{
    forget(w, NAMED);
    json_decref(d->data);
    d->data = newcomer(w);
    d->count = leaves_of(w, AUDIT_ACT);
    d->n = (uint32_t)count_of(w, NAMED);
}

static enum err add_act(struct world *w, struct deed *d)
{
    enum err e = world_command(w, "operator.add", json_incref(d->data), NULL);

    return e == ERR_EXISTS && count_of(w, NAMED) == d->n + 1 ? ERR_OK : e;
}

static void add_check(struct world *w, struct deed *d)
{
    assert_int_equal(count_of(w, NAMED), d->n + 1);
    assert_int_equal(leaves_of(w, AUDIT_ACT), d->count + 1);
}

static void naming_the_first_operator_survives_every_failure(void **state)
{
    struct deed d = {.prepare = add_prepare, .act = add_act, .check = add_check};

    set_conf(*state, MODE_EXERCISE);
    conf.operators_required = 0;
    every_place(*state, &d);
}

static void remove_prepare(struct world *w, struct deed *d)
{
    add_prepare(w, d);
    assert_ok(world_command(w, "operator.add", json_incref(d->data), NULL));
    d->count = leaves_of(w, AUDIT_ACT);
}

static enum err remove_act(struct world *w, struct deed *d)
{
    enum err e = world_command(w, "operator.remove", json_pack("{s:s}", "name", "Nouvelle"), NULL);

    return e == ERR_NOT_FOUND && leaves_of(w, AUDIT_ACT) == d->count + 1 ? ERR_OK : e;
}

static void remove_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_ACT), d->count + 1);
    assert_int_equal(
        world_command(w, "operator.remove", json_pack("{s:s}", "name", "Nouvelle"), NULL),
        ERR_NOT_FOUND);
}

static void removing_one_survives_every_failure(void **state)
{
    struct deed d = {.prepare = remove_prepare, .act = remove_act, .check = remove_check};

    set_conf(*state, MODE_EXERCISE);
    conf.operators_required = 0;
    every_place(*state, &d);
}

/* --- two persons -------------------------------------------------------------------------------
 */

static void first_prepare(struct world *w, struct deed *d)
{
    forget(w, WAITING);
    forget(w, NAMED);
    json_decref(d->data);
    d->data = prepare(w, "operator.add", newcomer(w));
    d->count = leaves_of(w, AUDIT_OPERATORS);
}

/* A parser of JSON without memory finds no JSON, or loses characters: what it has read is not what
 * was signed, and is refused. */
static enum err sign_again(struct world *w, const struct deed *d, size_t i)
{
    enum err e = sign(w, d->data, i);

    return w->struck && (e == ERR_FIELD_VALUE || e == ERR_TEXT_FORM || e == ERR_CONFLICT)
               ? ERR_NOMEM
               : e;
}

static enum err first_act(struct world *w, struct deed *d)
{
    enum err e = sign_again(w, d, 0);

    return e == ERR_OPERATOR_SAME ? ERR_OK : e; /* it was kept after all */
}

static void first_check(struct world *w, struct deed *d)
{
    assert_int_equal(count_of(w, WAITING), 1);
    assert_int_equal(count_of(w, NAMED), 2);
    assert_int_equal(leaves_of(w, AUDIT_OPERATORS), d->count + 1);
}

static void the_first_signature_survives_every_failure(void **state)
{
    struct deed d = {.prepare = first_prepare, .act = first_act, .check = first_check};

    set_conf(*state, MODE_REAL);
    name_persons(*state, 2);
    every_place(*state, &d);
}

static void second_prepare(struct world *w, struct deed *d)
{
    first_prepare(w, d);
    assert_ok(sign(w, d->data, 0));
    d->count = leaves_of(w, AUDIT_OPERATORS);
}

static enum err second_act(struct world *w, struct deed *d)
{
    enum err e = sign_again(w, d, 1);

    return e == ERR_DUPLICATE ? ERR_OK : e;
}

static void second_check(struct world *w, struct deed *d)
{
    assert_int_equal(count_of(w, NAMED), 3);
    assert_int_equal(leaves_of(w, AUDIT_OPERATORS), d->count + 1);
    assert_int_equal(sign(w, d->data, 1), ERR_DUPLICATE);
}

static void the_second_signature_survives_every_failure(void **state)
{
    struct deed d = {.prepare = second_prepare, .act = second_act, .check = second_check};

    set_conf(*state, MODE_REAL);
    name_persons(*state, 2);
    every_place(*state, &d);
}

/* Where one is enough. */
static enum err alone_act(struct world *w, struct deed *d)
{
    enum err e = sign_again(w, d, 0);

    return e == ERR_DUPLICATE ? ERR_OK : e;
}

static void the_only_signature_survives_every_failure(void **state)
{
    struct deed d = {.prepare = first_prepare, .act = alone_act, .check = second_check};

    set_conf(*state, MODE_EXERCISE);
    name_persons(*state, 1);
    conf.operators_required = 1;
    json_decref(d.data);
    d.data = prepare(*state, "operator.add", who(1));
    assert_ok(sign(*state, d.data, 0));
    every_place(*state, &d);
}

static void lapse_prepare(struct world *w, struct deed *d)
{
    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
    first_prepare(w, d);
    assert_ok(sign(w, d->data, 0));
    d->count = leaves_of(w, AUDIT_OPERATORS);
    clock_fixed_advance(&w->clock, OPERATOR_WAIT_MS);
    memset(&w->core->steady, 0, sizeof w->core->steady);
}

static enum err tick_act(struct world *w, struct deed *d)
{
    (void)d;
    world_job(w, JOB_TICK);
    return ERR_OK;
}

static void lapse_check(struct world *w, struct deed *d)
{
    assert_int_equal(count_of(w, WAITING), 0);
    assert_int_equal(leaves_of(w, AUDIT_OPERATORS), d->count + 1);
}

static void the_end_of_what_nobody_confirms_survives_every_failure(void **state)
{
    struct deed d = {.prepare = lapse_prepare, .act = tick_act, .check = lapse_check};

    set_conf(*state, MODE_REAL);
    name_persons(*state, 2);
    every_place(*state, &d);
}

/* --- what only reads ----------------------------------------------------------------------------
 */

static const char *reading;
static json_t *reading_args; /* NULL: none */

static enum err read_act(struct world *w, struct deed *d)
{
    (void)d;
    return world_command(w, reading, reading_args ? json_deep_copy(reading_args) : NULL, NULL);
}

static void reads(struct world *w, const char *command, json_t *args)
{
    reading = command;
    reading_args = args;
    assert_ok(read_act(w, NULL)); /* the control */
    reading_fails_and_is_asked_again(w, read_act);
    json_decref(args);
    reading_args = NULL;
}

/* From so many days on; m[0] stands in, if anybody does. */
static void is_closed(struct world *w, size_t i, uint64_t first, bool instead)
{
    struct absence_statement s = {.ts_ms = clock_now_ms(&w->clock.clock)};
    uint64_t day_ms = UINT64_C(24) * 3600 * 1000, today = s.ts_ms / day_ms;
    struct message say = {.type = MSG_KEYS_PUT};
    struct bytes ss = {0};

    s.from_ms = (today + first) * day_ms;
    s.until_ms = (today + first + 4) * day_ms;
    memcpy(s.federation, w->id.federation.id, ID_BYTES);
    memcpy(s.org, member_org(w->m[i]), ID_BYTES);
    memcpy(s.node, member_id(w->m[i]), ID_BYTES);
    s.has_substitute = instead;
    if (instead)
        memcpy(s.substitute, member_org(w->m[0]), ID_BYTES);
    assert_ok(absence_sign(&s, member_sign_key(w->m[i]), &ss));
    say.statement = (struct msg_statement){member_next_req(w->m[i]), bytes_span(&ss)};
    assert_ok(member_ask(w->m[i], &say, NULL));
    bytes_free(&ss);
}

static void is_away(struct world *w, size_t i)
{
    struct job *gone = job_of(w, JOB_GONE, w->m[i]);

    gone->session = w->session[i];
    assert_ok(fair_push(w->in, gone));
    world_turn(w);
}

/* A federation in which there is something to say of everything. m[1] stays away: no greeting of
 * his would hide it. */
static void what_operators_read_survives_every_failure(void **state)
{
    struct world *w = *state;
    json_t *act, *data = NULL;
    char id[9];

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    act = prepare(w, "operator.add", who(2));
    assert_ok(sign_as(w, act, 0, 0, &data));
    snprintf(id, sizeof id, "%s", json_string_value(json_object_get(data, "id")));
    json_decref(data);
    is_closed(w, 1, 0, true);
    is_closed(w, 2, 3, false);
    reads(w, "operator.list", NULL);
    reads(w, "operator.pending", json_pack("{s:s}", "id", id));
    reads(w, "org.list", NULL);
    reads(w, "status", NULL);
    assert_int_equal(world_command(w, "operator.pending", NULL, NULL), ERR_FIELD_MISSING);
    assert_int_equal(world_command(w, "operator.pending", json_pack("{s:s}", "id", "zzzz"), NULL),
                     ERR_NOT_FOUND);
    json_decref(act);
}

static enum err status_act(struct world *w, struct deed *d)
{
    (void)d;
    return world_command(w, "status", NULL, NULL);
}

static const char *said_of_him;

static void status_check(struct world *w, struct deed *d)
{
    (void)d;
    is_away(w, 1); /* whose greeting after a failure has ended it */
    assert_ok(world_command(w, "status", NULL, NULL));
    assert_non_null(strstr(json_string_value(json_object_get(w->answer, "text")), said_of_him));
}

static void status_fails_everywhere(struct world *w)
{
    static const enum strike_at some[] = {STRIKE_GET, STRIKE_SCAN, STRIKE_BEGIN, STRIKE_ALLOC};
    struct deed d = {.prepare = status_check, .act = status_act, .check = status_check};
    size_t struck = 0;

    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct strike s = {some[i], 1, ERR_IO, COMMIT_CONFLICT};

        for (; struck_once(w, &d, s); s.n++, struck++)
            assert_true(s.n < PLACES_MAX);
    }
    assert_true(struck > 20);
}

static void of_who_is_closed_and_has_mail_everything_is_told(void **state)
{
    struct world *w = *state;

    is_closed(w, 1, 0, true);
    is_closed(w, 2, 0, false); /* and there all the same */
    is_closed(w, 0, 5, false);
    world_send(w, 2, 0);
    is_away(w, 0);
    is_away(w, 1);
    said_of_him = "Opérateurs : ";
    status_check(w, NULL); /* nothing waits yet: he is not named */
    assert_null(strstr(json_string_value(json_object_get(w->answer, "text")), "Absent : "));
    world_greet(w, 0, 64, 1 << 20);
    world_send(w, 0, 1);
    world_send(w, 0, 2);
    said_of_him = "Absent : ";
    status_fails_everywhere(w);
}

/* --- what the lists say -------------------------------------------------------------------------
 */

/* A row as another version might have left it. */
static void waits(struct world *w, uint8_t first, uint8_t last, uint16_t act, unsigned state,
                  uint64_t expires_ms)
{
    struct operator_act o = {.act = act, .subject = SPAN_STR("x"), .expires_ms = expires_ms};
    struct waiting row = {.state = state};
    uint8_t nonce[ID_BYTES] = {first};

    nonce[ID_BYTES - 1] = last;
    sign_kid(secret_sign_public(person[0]), row.kid);
    if (act)
        assert_ok(operator_act_encode(&o, &row.act));
    else
        assert_ok(bytes_copy(&row.act, SPAN_STR("no act")));
    assert_ok(bytes_copy(&row.request, SPAN_STR("{}")));
    assert_ok(store_begin(w->core->store, TXN_WRITE, &w->core->t));
    assert_ok(waiting_put(w->core, nonce, &row));
    assert_ok(store_commit(&w->core->t));
    waiting_wipe(&row);
}

static const char *text_of(struct world *w, const char *command, json_t *args)
{
    assert_ok(world_command(w, command, args, NULL));
    return json_string_value(json_object_get(w->answer, "text"));
}

static void lists_name_persons_and_acts_by_their_digits(void **state)
{
    struct world *w = *state;
    uint64_t later = clock_now_ms(&w->clock.clock) + OPERATOR_WAIT_MS;

    set_conf(w, MODE_EXERCISE);
    conf.operators_required = 0;
    assert_non_null(strstr(text_of(w, "operator.list", NULL), "Aucun opérateur"));
    assert_non_null(strstr(text_of(w, "status", NULL), "aucun n'est nommé"));
    name_persons(w, 2);
    assert_ok(world_command(w, "operator.remove", json_pack("{s:s}", "name", names[1]), NULL));
    assert_non_null(strstr(text_of(w, "operator.list", NULL), "(retiré)"));
    waits(w, 0xab, 1, ACT_REVOKE, ACT_WAITS, later);
    waits(w, 0xab, 2, ACT_ALLOW, ACT_WAITS, later);
    waits(w, 0xcd, 1, 999, ACT_WAITS, later); /* of no guard of ours */
    waits(w, 0xef, 1, ACT_ALLOW, ACT_DONE, later);
    assert_non_null(strstr(text_of(w, "operator.pending", json_pack("{s:s}", "id", "cd00")), "?"));
    assert_int_equal(world_command(w, "operator.pending", json_pack("{s:s}", "id", "ab00"), NULL),
                     ERR_ITEMS);
    assert_int_equal(world_command(w, "operator.pending", json_pack("{s:s}", "id", "ef00"), NULL),
                     ERR_NOT_FOUND);
    for (unsigned i = 1; i <= 2; i++) {
        char id[33] = "ab000000000000000000000000000000";
        json_t *data = NULL;

        id[31] = (char)('0' + i);
        assert_ok(world_command(w, "operator.pending", json_pack("{s:s}", "id", id), &data));
        assert_int_equal(json_object_get(data, "output") != NULL, i == 1); /* for the registrar */
        json_decref(data);
    }
    set_conf(w, MODE_REAL);
    assert_non_null(strstr(text_of(w, "status", NULL), "ATTENTION : 1 opérateur"));
}

static void more_than_one_look_may_hold_lapse_in_turn(void **state)
{
    struct world *w = *state;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    for (uint8_t i = 0; i < OPERATOR_WAITING_MAX + 8; i++)
        waits(w, 1, i, ACT_ALLOW, i % 2 ? ACT_DONE : ACT_WAITS, 1);
    world_job(w, JOB_TICK);
    assert_int_equal(count_of(w, WAITING), 8);
    world_job(w, JOB_TICK);
    assert_int_equal(count_of(w, WAITING), 0);
    assert_int_equal(leaves_of(w, AUDIT_OPERATORS), OPERATOR_WAITING_MAX / 2 + 4);
}

static void bytes_that_are_no_act_stop_what_reads_them(void **state)
{
    struct world *w = *state;
    uint64_t failed;
    bool held;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    waits(w, 1, 1, 0, ACT_WAITS, 1);
    failed = w->core->count.failed_commits;
    world_job(w, JOB_TICK);
    assert_int_equal(w->core->count.failed_commits, failed + 1);
    assert_int_equal(world_command(w, "operator.list", NULL, NULL), ERR_UNKNOWN);
    assert_ok(store_begin(w->core->store, TXN_READ, &w->core->t));
    assert_int_equal(operators_recovered(w->core), ERR_CORRUPT);
    assert_ok(operators_hold(w->core, &held));
    assert_true(held);
    store_abort(&w->core->t);
}

/* --- acts to be signed --------------------------------------------------------------------------
 */

static void prepares(struct world *w, const char *command, json_t *args)
{
    reads(w, "operator.prepare", json_pack("{s:s,s:o}", "cmd", command, "args", args));
}

static enum err prepare_fails(struct world *w, const char *command, json_t *args)
{
    return world_command(w, "operator.prepare",
                         json_pack("{s:s,s:o}", "cmd", command, "args", args), NULL);
}

static json_t *of_node(struct world *w, size_t i)
{
    char hex[33];

    hex_id(member_id(w->m[i]), hex);
    return json_pack("{s:s}", "node", hex);
}

static json_t *of_invitation(const struct member_node *m)
{
    struct enrolment en;
    char id[33];

    assert_ok(enrolment_decode(member_enrol_body(m), &en));
    hex_id(en.invitation, id);
    return json_pack("{s:s,s:s}", "id", id, "fingerprint", member_fingerprint(m));
}

/* Of each guarded command: what its act names is said, or why there is nothing to sign. */
static void every_act_is_prepared_or_refused_by_name(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    struct secret_sign *fresh = NULL;
    struct msg_hello hello;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    assert_int_equal(prepare_fails(w, "org.revoke", json_object()), ERR_FIELD_MISSING);
    assert_int_equal(prepare_fails(w, "org.release", json_object()), ERR_FIELD_MISSING);
    assert_int_equal(prepare_fails(w, "org.release", json_pack("{s:s}", "node", "member-1")),
                     ERR_STATE); /* no alarm there */
    assert_int_equal(prepare_fails(w, "org.approve", json_object()), ERR_FIELD_MISSING);
    world_ask(m, JOIN_APPROVAL);
    assert_int_equal(prepare_fails(w, "org.approve", of_invitation(m)), ERR_STATE);
    assert_int_equal(prepare_fails(w, "operator.add", json_object()), ERR_FIELD_MISSING);
    assert_int_equal(prepare_fails(w, "operator.add", json_pack("{s:s}", "key", "00")),
                     ERR_TEXT_FORM);
    assert_int_equal(prepare_fails(w, "operator.remove", json_object()), ERR_FIELD_MISSING);
    assert_int_equal(prepare_fails(w, "operator.remove", json_pack("{s:s}", "name", "Zoé")),
                     ERR_NOT_FOUND);
    assert_int_equal(prepare_fails(w, "key.rotate", json_object()), ERR_UNSUPPORTED);
    assert_int_equal(prepare_fails(w, "restore.accept", json_object()), ERR_STATE);
    prepares(w, "org.revoke", of_org(w, 2));
    prepares(w, "operator.add", who(2));
    prepares(w, "operator.remove", json_pack("{s:s}", "name", names[1]));
    assert_int_equal(prepare_fails(w, "key.rotate", json_pack("{s:s}", "which", "hub")), ERR_STATE);
    assert_ok(secret_sign_generate(&w->entropy, &fresh));
    w->id.later[HUB_KEY_SIGNING][0] = fresh;
    w->id.later_count[HUB_KEY_SIGNING] = 1;
    prepares(w, "key.rotate", json_pack("{s:s}", "which", "hub"));
    w->id.later_count[HUB_KEY_SIGNING] = 0;
    secret_sign_free(fresh);
    assert_ok(member_hello_make(w->m[1], &hello));
    hello.incarnation[0] ^= 1;
    assert_int_equal(member_hello(w->m[1], &hello), ERR_CLONED);
    assert_ok(prepare_fails(w, "org.release", of_node(w, 1)));
    world_box(w, 1)->locked = true;
    assert_ok(prepare_fails(w, "node.allow", of_node(w, 1)));
    member_free(m);
}

/* Other keys for an organisation that has some take two persons; a newcomer takes one. */
static void a_reset_is_an_act_of_two(void **state)
{
    struct world *w = *state;
    struct member_node *m = NULL;
    json_t *data = NULL, *args = of_org(w, 2), *act;
    struct bytes request = {0};

    json_object_set_new(args, "name", json_string("member-2"));
    json_object_set_new(args, "kind", json_integer(ORG_DAC));
    assert_ok(world_command(w, "invite", args, &data));
    assert_ok(member_new(w->crew, "member-2", &m));
    member_wire(m, world_say, w);
    assert_ok(member_invited(m, span_text(json_string_value(json_object_get(data, "invitation")))));
    json_decref(data);
    world_ask(m, JOIN_APPROVAL);
    set_conf(w, MODE_REAL);
    assert_int_equal(world_approve(w, m, &request), ERR_OPERATORS_FEW);
    name_persons(w, 2);
    assert_int_equal(world_approve(w, m, &request), ERR_OPERATOR);
    assert_int_equal(world_command(w, "org.approve", NULL, NULL), ERR_FIELD_MISSING);
    prepares(w, "org.approve", of_invitation(m));
    act = prepare(w, "org.approve", of_invitation(m));
    assert_ok(sign(w, act, 0));
    assert_ok(sign(w, act, 1));
    world_ask(m, JOIN_REGISTRAR);
    json_decref(act);
    member_free(m);
}

static void who_is_revoked_is_not_revoked_again(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;
    bool complete = false;

    set_conf(w, MODE_EXERCISE);
    assert_ok(world_command(w, "org.revoke", of_org(w, 2), &data));
    assert_ok(
        world_sign(w, span_text(json_string_value(json_object_get(data, "request"))), &complete));
    assert_true(complete);
    json_decref(data);
    name_persons(w, 2);
    assert_int_equal(prepare_fails(w, "org.revoke", of_org(w, 2)), ERR_REVOKED);
}

/* --- what must not be signed -------------------------------------------------------------------
 */

static enum err signs(struct world *w, const char *act, const char *request, const char *sig)
{
    uint8_t kid[KID_BYTES];
    char hex[33];

    sign_kid(secret_sign_public(person[0]), kid);
    hex_id(kid, hex);
    return world_command(
        w, "operator.sign",
        json_pack("{s:s,s:s,s:s,s:s}", "act", act, "request", request, "operator", hex, "sig", sig),
        NULL);
}

static void what_is_no_act_is_not_signed(void **state)
{
    static const char ask[] = "{\"args\":{},\"cmd\":\"org.revoke\"}";
    char sig[2 * SIG_BYTES + 1];
    struct world *w = *state;
    const char *bytes;
    json_t *act;

    memset(sig, '0', sizeof sig - 1);
    sig[sizeof sig - 1] = '\0';
    set_conf(w, MODE_REAL);
    assert_int_equal(world_command(w, "operator.sign", NULL, NULL), ERR_TRUNCATED);
    name_persons(w, 1);
    act = json_object();
    assert_int_equal(signs(w, "zz", ask, sig), ERR_TEXT_FORM);
    json_decref(act);
    act = prepare(w, "org.revoke", of_org(w, 2));
    bytes = json_string_value(json_object_get(act, "act"));
    assert_int_equal(signs(w, bytes, ask, "zz"), ERR_TEXT_FORM);
    assert_int_equal(signs(w, bytes, "{\"cmd\":7}", sig), ERR_FIELD_VALUE);
    assert_int_equal(signs(w, bytes, "{\"cmd\":\"org.revoke\",\"cmd\":\"org.revoke\"}", sig),
                     ERR_FIELD_VALUE);
    assert_int_equal(signs(w, bytes, ask, sig), ERR_OPERATORS_FEW);
    name_persons(w, 0);
    assert_ok(world_command(w, "operator.add", who(1), NULL));
    assert_int_equal(signs(w, bytes, ask, sig), ERR_FIELD_MISSING); /* it names nobody */
    assert_int_equal(signs(w, bytes, json_string_value(json_object_get(act, "request")), sig),
                     ERR_FORGED);
    json_decref(act);
}

static void names_and_keys_of_operators_are_looked_at(void **state)
{
    char longer[OPERATOR_NAME_MAX + 2];
    struct world *w = *state;
    json_t *args;

    set_conf(w, MODE_EXERCISE);
    conf.operators_required = 0;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    for (int i = 0; i < 4; i++) {
        static const enum err wanted[] = {ERR_FIELD_MISSING, ERR_FIELD_VALUE, ERR_FIELD_VALUE,
                                          ERR_FIELD_MISSING};
        const char *const name[] = {"", longer, "a\nb", "Alice"};

        args = who_is(name[i], secret_sign_public(person[0]));
        if (i == 3)
            json_object_del(args, "key");
        assert_int_equal(world_command(w, "operator.add", args, NULL), wanted[i]);
    }
    for (size_t i = 0; i < OPERATORS_MAX; i++) {
        args = newcomer(w);
        json_object_set_new(args, "name", json_sprintf("n° %zu", i));
        assert_ok(world_command(w, "operator.add", args, NULL));
    }
    assert_int_equal(world_command(w, "operator.add", newcomer(w), NULL), ERR_QUOTA);
}

static void so_many_acts_wait_and_no_more(void **state)
{
    struct world *w = *state;
    json_t *act;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    for (size_t i = 0; i <= OPERATOR_WAITING_MAX; i++) {
        act = prepare(w, "operator.add", newcomer(w));
        assert_int_equal(sign(w, act, 0), i < OPERATOR_WAITING_MAX ? ERR_OK : ERR_QUOTA);
        json_decref(act);
    }
    assert_int_equal(world_command(w, "operator.pending", json_pack("{s:s}", "id", ""), NULL),
                     ERR_FIELD_MISSING);
}

/* --- rows of another form -----------------------------------------------------------------------
 */

static void row_is(struct world *w, unsigned kind, size_t left, size_t key_len)
{
    struct span value;
    struct txn *t = NULL;
    struct bytes row = {0};
    struct keys k;

    assert_true(rows_of(w, kind, &k) > 0);
    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_get(t, TABLE_OPERATOR, bytes_span(&k.key[0]), &value));
    assert_ok(bytes_copy(&row, value));
    assert_ok(store_put(t, TABLE_OPERATOR, span_of(k.key[0].ptr, key_len),
                        span_of(row.ptr, left ? left : row.len)));
    assert_ok(store_commit(&t));
    bytes_free(&row);
    for (size_t i = 0; i < k.n; i++)
        bytes_free(&k.key[i]);
    w->damaged = true;
}

static void rows_that_make_no_sense_stop_what_would_build_on_them(void **state)
{
    struct world *w = *state;
    json_t *act;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    act = prepare(w, "operator.add", who(2));
    assert_ok(sign(w, act, 0));
    row_is(w, WAITING, 5, 1 + ID_BYTES);
    assert_int_equal(sign(w, act, 1), ERR_UNKNOWN);
    assert_int_equal(world_command(w, "operator.list", NULL, NULL), ERR_UNKNOWN);
    world_job(w, JOB_TICK);
    assert_int_equal(count_of(w, WAITING), 1);
    row_is(w, NAMED, 0, 3);
    assert_int_equal(world_command(w, "operator.list", NULL, NULL), ERR_UNKNOWN);
    json_decref(act);
}

static void a_row_under_another_key_is_seen(void **state)
{
    struct world *w = *state;
    struct span key, value;
    struct txn *t = NULL;
    json_t *act;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    act = prepare(w, "operator.add", who(2));
    assert_ok(sign(w, act, 0));
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(store_last(t, TABLE_OPERATOR, &key, &value)); /* the one that waits */
    assert_ok(operator_row_check(key, value));
    assert_int_equal(operator_row_check(span_of(key.ptr, 3), value), ERR_CORRUPT);
    assert_int_equal(operator_row_check(key, span_of(value.ptr, value.len - 1)), ERR_CORRUPT);
    for (long n = 1; n <= 2; n++) {
        alloc_fail_after(n);
        assert_int_equal(operator_row_check(key, value), ERR_NOMEM);
        alloc_fail_after(-1);
    }
    {
        uint8_t named[1 + ID_BYTES] = {NAMED};
        uint8_t other[1 + ID_BYTES] = {9};

        assert_int_equal(operator_row_check(SPAN_OF(other), value), ERR_CORRUPT);
        assert_int_equal(operator_row_check(SPAN_OF(named), value), ERR_CORRUPT);
        assert_ok(store_before(t, TABLE_OPERATOR, key, &key, &value));
        assert_ok(operator_row_check(key, value));
        assert_int_equal(operator_row_check(SPAN_OF(named), value), ERR_CORRUPT);
    }
    store_abort(&t);
    row_is(w, WAITING, 0, 3);
    assert_int_equal(world_command(w, "operator.list", NULL, NULL), ERR_UNKNOWN);
    json_decref(act);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(naming_the_first_operator_survives_every_failure),
        TEST(removing_one_survives_every_failure),
        TEST(the_first_signature_survives_every_failure),
        TEST(the_second_signature_survives_every_failure),
        TEST(the_only_signature_survives_every_failure),
        TEST(the_end_of_what_nobody_confirms_survives_every_failure),
        TEST(what_operators_read_survives_every_failure),
        TEST(of_who_is_closed_and_has_mail_everything_is_told),
        TEST(lists_name_persons_and_acts_by_their_digits),
        TEST(more_than_one_look_may_hold_lapse_in_turn),
        TEST(bytes_that_are_no_act_stop_what_reads_them),
        TEST(every_act_is_prepared_or_refused_by_name),
        TEST(a_reset_is_an_act_of_two),
        TEST(who_is_revoked_is_not_revoked_again),
        TEST(what_is_no_act_is_not_signed),
        TEST(names_and_keys_of_operators_are_looked_at),
        TEST(so_many_acts_wait_and_no_more),
        TEST(rows_that_make_no_sense_stop_what_would_build_on_them),
        TEST(a_row_under_another_key_is_seen),
    };
    int failed;

    json_set_alloc_funcs(malloc, free); /* those of this program: JSON fails in its turn, too */
    if (persons_born())
        return EXIT_FAILURE;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    persons_gone();
    return failed;
}
