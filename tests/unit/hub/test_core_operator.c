/* The operator's commands and the sessions of nodes, at a core driven one group at a time. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"

static const char *text_of(const struct world *w)
{
    const char *text = json_string_value(json_object_get(w->answer, "text"));

    return text ? text : "";
}

static void invite_id(const struct member_node *m, char out[33])
{
    struct enrolment en;

    assert_ok(enrolment_decode(member_enrol_body(m), &en));
    hex_id(en.invitation, out);
}

/* --- inviting and enrolling ----------------------------------------------------------------------
 */

static void an_invitation_that_makes_no_sense_is_refused(void **state)
{
    struct world *w = *state;

    assert_int_equal(world_command(w, "invite", NULL, NULL), ERR_FIELD_MISSING);
    assert_int_equal(world_command(w, "invite", json_pack("{s:s}", "name", "X"), NULL),
                     ERR_FIELD_VALUE); /* no kind */
    assert_int_equal(
        world_command(w, "invite", json_pack("{s:s,s:i}", "name", "X", "kind", 99), NULL),
        ERR_FIELD_VALUE);
    assert_int_equal(world_command(w, "invite",
                                   json_pack("{s:s,s:i,s:i}", "name", "X", "kind", 1, "hours", 0),
                                   NULL),
                     ERR_FIELD_VALUE);
    assert_int_equal(
        world_command(w, "invite",
                      json_pack("{s:s,s:i,s:[s]}", "name", "X", "kind", 1, "services", ""), NULL),
        ERR_FIELD_VALUE);
    assert_int_equal(world_command(w, "invite",
                                   json_pack("{s:s,s:i,s:b}", "name", "X", "kind", 1, "founder", 1),
                                   NULL),
                     ERR_STATE); /* founded already */
    assert_int_equal(world_command(w, "invite",
                                   json_pack("{s:s,s:i,s:s}", "name", "X", "kind", 1, "org", "zz"),
                                   NULL),
                     ERR_TEXT_FORM);
    assert_memory_is_the_store(w);
}

static void only_the_fingerprint_read_out_approves(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    struct bytes request = {0};
    char id[33];

    invite_id(m, id);
    assert_int_equal(world_approve(w, m, &request), ERR_STATE); /* nobody has come yet */
    world_ask(m, JOIN_APPROVAL);
    assert_int_equal(
        world_command(w, "org.approve",
                      json_pack("{s:s,s:s}", "id", id, "fingerprint", member_fingerprint(w->m[0])),
                      NULL),
        ERR_FINGERPRINT);
    assert_int_equal(world_command(w, "org.approve", json_pack("{s:s}", "id", "12"), NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(world_command(w, "org.approve", NULL, NULL), ERR_FIELD_MISSING);
    assert_int_equal(world_about(w, "org.approve", "id", member_org(m), NULL), ERR_NOT_FOUND);
    assert_ok(world_approve(w, m, &request));
    world_ask(m, JOIN_REGISTRAR);
    bytes_free(&request);
    member_free(m);
}

static void who_is_refused_is_told_and_his_key_is_let_in_no_more(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    char id[33];

    invite_id(m, id);
    world_ask(m, JOIN_APPROVAL);
    assert_ok(world_command(w, "org.refuse", json_pack("{s:s}", "id", id), NULL));
    assert_int_equal(w->denied_told, 1);
    world_ask(m, JOIN_REFUSED);
    invite_id(w->m[0], id);
    assert_int_equal(world_command(w, "org.refuse", json_pack("{s:s}", "id", id), NULL), ERR_STATE);
    assert_int_equal(world_about(w, "org.refuse", "id", member_org(m), NULL), ERR_NOT_FOUND);
    member_free(m);
}

static void an_old_invitation_is_worth_nothing(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    enum join_state joined;
    enum err code;

    clock_fixed_advance(&w->clock, 169 * UINT64_C(3600000));
    assert_ok(member_join(m, &joined, &code));
    assert_int_equal(joined, JOIN_REFUSED);
    assert_int_equal(code, ERR_INVITATION);
    member_free(m);
}

static void join_says(struct world *w, struct member_node *m, const struct msg_join *join,
                      enum err wanted)
{
    enum join_state joined;
    enum err code;

    (void)w;
    assert_ok(member_join_send(m, join, &joined, &code));
    assert_int_equal(joined, JOIN_REFUSED);
    assert_int_equal(code, wanted);
}

static void joining_proves_both_keys_and_changes_no_fact(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    struct member_node *other = world_invite(w, "other", ORG_DAC, false);
    struct msg_join join;

    assert_ok(member_join_make(m, &join));
    join.mac[0] ^= 1;
    join_says(w, m, &join, ERR_POSSESSION);
    assert_ok(member_join_make(m, &join));
    join.possession[0] ^= 1;
    join_says(w, m, &join, ERR_POSSESSION);
    assert_ok(member_join_make(m, &join));
    join.versions = (struct versions){1, {9}};
    join_says(w, m, &join, ERR_VERSION);
    assert_ok(member_join_make(other, &join));
    join_says(w, m, &join, ERR_INVITATION);
    world_ask(m, JOIN_APPROVAL);
    join_says(w, m, &join, ERR_INVITATION); /* used */
    member_free(m);
    member_free(other);
}

static void an_emergency_service_is_countersigned(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "samu", ORG_EMERGENCY, false);
    struct bytes request = {0}, signature = {0};
    json_t *data = NULL;
    bool complete = true;

    world_ask(m, JOIN_APPROVAL);
    assert_ok(world_approve(w, m, &request));
    assert_ok(world_command(w, "requests", NULL, &data));
    assert_int_equal(json_array_size(json_object_get(data, "requests")), 1);
    assert_ok(world_sign(w, bytes_span(&request), &complete));
    assert_false(complete);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(
            member_sign_request(w->m[i], ROLE_COUNTERSIGNER, bytes_span(&request), &signature));
        assert_ok(world_import(w, bytes_span(&signature), &complete));
        assert_int_equal(complete, i == 1);
    }
    world_ask(m, JOIN_ENROLLED);
    assert_int_equal(world_import(w, bytes_span(&signature), NULL), ERR_NOT_FOUND);
    json_decref(data);
    bytes_free(&request);
    bytes_free(&signature);
    member_free(m);
}

static void a_signature_that_does_not_count_is_not_kept(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    struct bytes request = {0}, signature = {0};

    world_ask(m, JOIN_APPROVAL);
    assert_ok(world_approve(w, m, &request));
    assert_ok(request_sign_with(member_sign_key(m), ROLE_REGISTRAR, NULL, bytes_span(&request),
                                &signature));
    assert_int_equal(world_import(w, bytes_span(&signature), NULL), ERR_KEY_UNKNOWN);
    assert_int_equal(world_import(w, SPAN_STR("no armour"), NULL), ERR_TEXT_FORM);
    assert_ok(world_sign(w, bytes_span(&request), NULL)); /* the right one is not kept out */
    world_ask(m, JOIN_ENROLLED);
    bytes_free(&request);
    bytes_free(&signature);
    member_free(m);
}

static void a_federation_is_founded_once(void **state)
{
    struct world *w = *state;

    assert_int_equal(world_command(w, "genesis", NULL, NULL), ERR_STATE);
}

/* --- standing ------------------------------------------------------------------------------------
 */

static void suspending_and_resuming_work_at_once(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 1, 2);

    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[1]), NULL));
    assert_int_equal(world_about(w, "org.suspend", "org", member_org(w->m[1]), NULL), ERR_STATE);
    assert_int_equal(member_put(w->m[1], bytes_span(&whole), NULL), ERR_SUSPENDED);
    assert_ok(world_about(w, "org.resume", "org", member_org(w->m[1]), NULL));
    assert_ok(member_put(w->m[1], bytes_span(&whole), NULL));
    assert_int_equal(world_command(w, "org.suspend", NULL, NULL), ERR_FIELD_MISSING);
    assert_int_equal(world_command(w, "org.resume", NULL, NULL), ERR_FIELD_MISSING);
    assert_int_equal(world_about(w, "org.suspend", "org", member_id(w->m[1]), NULL), ERR_NOT_FOUND);
    bytes_free(&whole);
}

static enum err suspend_typed(struct world *w, const char *command, const char *text)
{
    return world_command(w, command, json_pack("{s:s}", "org", text), NULL);
}

static void an_organisation_is_named_by_the_beginning_of_its_id_or_name(void **state)
{
    struct world *w = *state;
    const struct directory_org *o = directory_find_org(w->core->dir, member_org(w->m[1]));
    char name[ORG_NAME_MAX + 1];
    char id[33];

    hex_id(o->id, id);
    snprintf(name, sizeof name, "%.*s", (int)o->name.len, (const char *)o->name.ptr);
    id[8] = '\0';
    assert_ok(suspend_typed(w, "org.suspend", id));
    assert_ok(suspend_typed(w, "org.resume", name));
    id[3] = '\0'; /* too short */
    assert_int_equal(suspend_typed(w, "org.suspend", id), ERR_NOT_FOUND);
    assert_int_equal(suspend_typed(w, "org.suspend", "no such house"), ERR_NOT_FOUND);
    assert_memory_is_the_store(w);
}

static void nothing_is_delivered_to_who_is_suspended(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;
    size_t had;

    member_credit(w->m[1], 0, 0);
    assert_ok(member_ack(w->m[1], member_acked(w->m[1])));
    world_send(w, 0, 1);
    had = member_items(w->m[1]);
    assert_ok(world_about(w, "org.suspend", "org", member_org(w->m[1]), NULL));
    member_credit(w->m[1], 10, 1 << 20);
    assert_ok(member_ack(w->m[1], member_acked(w->m[1])));
    assert_int_equal(member_items(w->m[1]), had);
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_int_equal(member_hello(w->m[1], &hello), ERR_SUSPENDED);
    assert_ok(world_about(w, "org.resume", "org", member_org(w->m[1]), NULL));
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(member_hello(w->m[1], &hello));
    assert_int_equal(member_items(w->m[1]), had + 1); /* it was kept */
}

static void a_revocation_is_the_registrars(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;
    json_t *data = NULL;
    bool complete = false;

    assert_int_equal(world_command(w, "org.revoke", NULL, NULL), ERR_FIELD_MISSING);
    assert_int_equal(world_about(w, "org.revoke", "org", member_id(w->m[1]), NULL), ERR_NOT_FOUND);
    assert_ok(world_about(w, "org.revoke", "org", member_org(w->m[1]), &data));
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_int_equal(member_hello(w->m[1], &hello), ERR_SUSPENDED); /* at once */
    assert_ok(
        world_sign(w, span_text(json_string_value(json_object_get(data, "request"))), &complete));
    assert_true(complete);
    assert_int_equal(member_hello(w->m[1], &hello), ERR_REVOKED);
    assert_memory_is_the_store(w);
    json_decref(data);
}

/* --- reading -------------------------------------------------------------------------------------
 */

static void the_operator_reads_status_log_list_and_trust(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;

    world_send(w, 0, 1);
    assert_ok(world_command(w, "status", NULL, &data));
    assert_int_equal(json_integer_value(json_object_get(data, "nodes")), PEOPLE);
    assert_int_equal(json_integer_value(json_object_get(data, "sessions")), PEOPLE);
    json_decref(data);
    data = NULL;
    assert_ok(world_command(w, "log", json_pack("{s:i}", "last", 3), &data));
    assert_int_equal(json_array_size(json_object_get(data, "entries")), 3);
    assert_non_null(strstr(text_of(w), "accepté"));
    json_decref(data);
    data = NULL;
    assert_ok(world_command(w, "log", json_pack("{s:i}", "last", 1000000), &data));
    assert_int_equal(json_array_size(json_object_get(data, "entries")),
                     ledger_committed_size(w->core->audit));
    json_decref(data);
    data = NULL;
    assert_ok(world_command(w, "org.list", NULL, &data));
    assert_int_equal(json_array_size(json_object_get(data, "orgs")), PEOPLE);
    json_decref(data);
    assert_ok(world_command(w, "trust", NULL, NULL));
    assert_non_null(strstr(text_of(w), "log exercice.test/keys"));
    assert_int_equal(world_command(w, "no.such.command", NULL, NULL), ERR_USAGE);
}

/* --- sessions ------------------------------------------------------------------------------------
 */

static enum err hello_with(struct world *w, size_t i, const struct msg_hello *hello)
{
    return member_hello(w->m[i], hello);
}

static void a_clone_stops_delivery_until_it_is_released(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;
    size_t had = member_items(w->m[1]);

    assert_int_equal(world_about(w, "org.release", "node", member_id(w->m[1]), NULL), ERR_STATE);
    assert_int_equal(world_about(w, "org.release", "node", member_org(w->m[1]), NULL), ERR_STATE);
    assert_int_equal(world_command(w, "org.release", json_pack("{s:s}", "node", "zz"), NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(world_command(w, "org.release", NULL, NULL), ERR_FIELD_MISSING);
    assert_ok(member_hello_make(w->m[1], &hello));
    hello.incarnation[0] ^= 1;
    assert_int_equal(hello_with(w, 1, &hello), ERR_CLONED);
    assert_int_equal(hello_with(w, 1, &hello), ERR_CLONED); /* one alarm */
    assert_int_equal(w->core->count.clones, 1);
    world_send(w, 0, 1);
    assert_int_equal(member_items(w->m[1]), had);
    assert_memory_is_the_store(w);
    assert_ok(world_about(w, "org.release", "node", member_id(w->m[1]), NULL));
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(hello_with(w, 1, &hello));
    assert_int_equal(member_items(w->m[1]), had + 1);
}

static void a_session_number_that_does_not_grow_is_a_clone(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;

    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(hello_with(w, 1, &hello));
    assert_ok(hello_with(w, 1, &hello)); /* the very same: its answer was lost */
    hello.nonce[3] ^= 1;
    assert_int_equal(hello_with(w, 1, &hello), ERR_CLONED);
}

static void versions_and_cursors_are_checked(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;

    assert_ok(member_hello_make(w->m[1], &hello));
    hello.versions = (struct versions){1, {2}};
    assert_int_equal(hello_with(w, 1, &hello), ERR_VERSION);
    hello.versions = (struct versions){
        2, {1, 2}
    };
    hello.last_seq = 0;
    assert_int_equal(hello_with(w, 1, &hello), ERR_ROLLBACK);
    memset(hello.hub, 0, sizeof hello.hub); /* it knows no hub: it starts at our cursor */
    assert_ok(hello_with(w, 1, &hello));
    assert_int_equal(member_welcome(w->m[1])->acked_seq, member_acked(w->m[1]));
}

static void a_session_elsewhere_fences_and_one_here_does_not(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;

    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(hello_with(w, 1, &hello));
    assert_int_equal(member_answers(w->m[1]), 0); /* where it was: nothing is said */
    w->place[1] = 99;
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(hello_with(w, 1, &hello));
    assert_int_equal(member_answers(w->m[1]), 1); /* FENCED, to the former place */
}

static void an_unknown_node_has_no_session(void **state)
{
    struct world *w = *state;
    struct msg_hello hello;
    struct member_node *m = NULL;

    assert_ok(member_new(w->crew, "stranger", &m));
    w->m[PEOPLE] = m;
    member_wire(m, world_say, w);
    assert_ok(member_hello_make(m, &hello));
    assert_int_equal(member_hello(m, &hello), ERR_NOT_ENROLLED);
}

static void a_session_that_is_gone_gets_nothing(void **state)
{
    struct world *w = *state;
    struct job *j = job_of(w, JOB_GONE, w->m[1]);
    size_t had = member_items(w->m[1]);
    struct msg_hello hello;

    j->session = w->session[1];
    assert_ok(fair_push(w->in, j));
    world_turn(w);
    world_send(w, 0, 1);
    assert_int_equal(member_items(w->m[1]), had);
    assert_ok(member_hello_make(w->m[1], &hello));
    assert_ok(hello_with(w, 1, &hello));
    assert_int_equal(member_items(w->m[1]), had + 1);
}

static void credit_bounds_what_is_under_way(void **state)
{
    struct world *w = *state;
    size_t had = member_items(w->m[1]);

    member_credit(w->m[1], 2, 1 << 20);
    assert_ok(member_ack(w->m[1], member_acked(w->m[1])));
    for (int i = 0; i < 5; i++)
        world_send(w, 0, 1);
    assert_int_equal(member_items(w->m[1]), had + 2);
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_items(w->m[1]), had + 4);
    member_credit(w->m[1], 100, 1); /* one at a time, whatever its size */
    assert_ok(member_ack_all(w->m[1]));
    assert_int_equal(member_items(w->m[1]), had + 5);
}

/* --- starting anew
 * --------------------------------------------------------------------------------- */

static enum err count_one(void *arg, uint64_t index, uint64_t time_ms, struct span ss)
{
    size_t *n = arg;

    assert_int_equal(index, *n);
    assert_true(time_ms > 0 && ss.len > 0);
    ++*n;
    return ERR_OK;
}

static void at_the_start_replicas_and_open_invitations_are_told(void **state)
{
    struct world *w = *state;
    struct member_node *m = world_invite(w, "new", ORG_LIBERAL, false);
    size_t told = w->invites_told;
    size_t n = 0;

    assert_ok(registry_each(w->core, count_one, &n));
    assert_int_equal(n, directory_size(w->core->dir));
    assert_ok(core_started(w->core));
    parcels_out(w);
    assert_true(w->invites_told > told);
    assert_memory_is_the_store(w);
    member_free(m);
}

static void the_thread_ends_when_its_queue_is_closed_or_its_store_is_gone(void **state)
{
    struct world *w = *state;
    void *item;

    w->faults.fail_begin = w->faults.begins + 1;
    w->faults.begin_error = ERR_IO;
    w->faults.fail_scan = w->faults.scans + 1; /* and it cannot be read again */
    assert_ok(fair_push(w->in, job_of(w, JOB_TICK, NULL)));
    assert_null(core_thread(w->core));
    assert_ok(queue_pop(w->out, &item));
    assert_int_equal(((struct parcel *)item)->kind, PARCEL_FATAL);
    parcel_free(item);
    assert_ok(core_reload(w->core));
    fair_close(w->in);
    assert_null(core_thread(w->core));
    assert_int_equal(queue_pop(w->out, &item), ERR_AGAIN); /* asked to: nothing to say */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(an_invitation_that_makes_no_sense_is_refused),
        TEST(only_the_fingerprint_read_out_approves),
        TEST(who_is_refused_is_told_and_his_key_is_let_in_no_more),
        TEST(an_old_invitation_is_worth_nothing),
        TEST(joining_proves_both_keys_and_changes_no_fact),
        TEST(an_emergency_service_is_countersigned),
        TEST(a_signature_that_does_not_count_is_not_kept),
        TEST(a_federation_is_founded_once),
        TEST(suspending_and_resuming_work_at_once),
        TEST(an_organisation_is_named_by_the_beginning_of_its_id_or_name),
        TEST(nothing_is_delivered_to_who_is_suspended),
        TEST(a_revocation_is_the_registrars),
        TEST(the_operator_reads_status_log_list_and_trust),
        TEST(a_clone_stops_delivery_until_it_is_released),
        TEST(a_session_number_that_does_not_grow_is_a_clone),
        TEST(versions_and_cursors_are_checked),
        TEST(a_session_elsewhere_fences_and_one_here_does_not),
        TEST(an_unknown_node_has_no_session),
        TEST(a_session_that_is_gone_gets_nothing),
        TEST(credit_bounds_what_is_under_way),
        TEST(at_the_start_replicas_and_open_invitations_are_told),
        TEST(the_thread_ends_when_its_queue_is_closed_or_its_store_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
