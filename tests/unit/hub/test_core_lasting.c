/* What an organisation puts into the hub for ever: counted exactly, limited by day and in all, and
 * nothing that ends or narrows is ever refused for it. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_world.h"
#include "serve.h"

#define DAY (24u * 3600 * 1000)

static struct hub_conf conf;

static void limits(struct world *w, uint64_t log_day, uint64_t log_total, uint64_t circles_day,
                   uint64_t circles_total)
{
    conf = (struct hub_conf){.quota_messages = 1000000,
                             .quota_bytes = UINT64_MAX,
                             .waiting_max = 1000000,
                             .inflight_messages = 1000,
                             .inflight_bytes = 1u << 30,
                             .nodes_max = 10,
                             .memory_max = 1u << 30,
                             .log_day = log_day,
                             .log_total = log_total,
                             .circles_day = circles_day,
                             .circles_total = circles_total};
    w->core->conf = &conf;
}

static const struct lasting *lasting_of(struct world *w, size_t i)
{
    return &quota_usage(w->core, member_org(w->m[i]))->lasting;
}

static enum err letter(struct world *w, size_t from, size_t to)
{
    struct bytes whole = world_letter(w, from, to);
    enum err e = member_put(w->m[from], bytes_span(&whole), NULL);

    bytes_free(&whole);
    return e;
}

static const struct member_item *last_letter(struct world *w, size_t i)
{
    size_t n = member_items(w->m[i]);

    while (n-- > 0)
        if (member_item(w->m[i], n)->kind == DELIVER_ENVELOPE)
            return member_item(w->m[i], n);
    fail();
    return NULL;
}

static enum err circle_made(struct world *w, size_t by)
{
    struct member_circle *c = NULL;
    enum err e = member_circle_create(w->m[by], &c);

    member_circle_free(c);
    return e;
}

static void days_go_by(struct world *w, unsigned days)
{
    clock_fixed_advance(&w->clock, (uint64_t)days * DAY);
    world_job(w, JOB_TICK);
}

/* --- the day ------------------------------------------------------------------------------- */

static void who_has_filled_his_day_waits_for_the_next_and_leaves_no_leaf(void **state)
{
    struct world *w = *state;
    uint64_t used = lasting_of(w, 0)->day_bytes;
    uint64_t audit;
    int sent = 0;

    limits(w, used + 10000, UINT64_MAX, 1000, 1000);
    while (letter(w, 0, 1) == ERR_OK)
        assert_true(++sent < 100);
    assert_true(sent > 1);
    assert_true(lasting_of(w, 0)->day_bytes >= used + 10000);
    audit = ledger_committed_size(w->core->audit);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(letter(w, 0, 1), ERR_LOG_DAY);
        assert_int_equal(circle_made(w, 0), ERR_LOG_DAY);
    }
    assert_int_equal(ledger_committed_size(w->core->audit), audit);
    assert_ok(letter(w, 2, 1)); /* the others have their own day */
    days_go_by(w, 1);
    assert_ok(letter(w, 0, 1));
    assert_true(lasting_of(w, 0)->day_bytes < 10000);
    assert_true(lasting_of(w, 0)->bytes > used + 10000);
    assert_memory_is_the_store(w);
}

static void what_ends_or_narrows_is_never_refused_for_it(void **state)
{
    struct world *w = *state;
    struct bytes taken_back = world_letter(w, 0, 2);
    struct bytes receipt = {0};

    assert_ok(letter(w, 1, 0));
    assert_ok(member_put(w->m[0], bytes_span(&taken_back), NULL));
    limits(w, 1, 1, 1, 1);
    assert_int_equal(letter(w, 0, 1), ERR_LOG_TOTAL);
    assert_int_equal(member_notice(w->m[0], w->circle, CLASS_SOCIAL, w->m[1], NULL), ERR_LOG_TOTAL);
    assert_ok(member_recall(w->m[0], bytes_span(&taken_back), RECALL_CONTENT, NULL));
    assert_ok(member_ack_all(w->m[0]));
    assert_ok(member_report(w->m[0], last_letter(w, 0), AUDIT_OPENED, ERR_OK, &receipt));
    assert_ok(member_oppose(w->m[0], w->circle, CLASS_SOCIAL, w->m[1]));
    assert_ok(member_leave(w->m[1], w->circle));
    assert_memory_is_the_store(w);
    bytes_free(&taken_back);
    bytes_free(&receipt);
}

/* With his envelope the sender has paid for what others do with it. */
static void nobody_pays_for_what_others_send_him(void **state)
{
    struct world *w = *state;
    uint64_t before = lasting_of(w, 1)->bytes;
    uint64_t sender = lasting_of(w, 0)->bytes;
    struct bytes receipt = {0};

    for (int i = 0; i < 20; i++) {
        assert_ok(letter(w, 0, 1));
        assert_ok(member_ack_all(w->m[1]));
        assert_ok(member_report(w->m[1], last_letter(w, 1), AUDIT_UNREADABLE, ERR_OPEN, &receipt));
        bytes_free(&receipt);
    }
    assert_int_equal(lasting_of(w, 1)->bytes, before);
    assert_true(lasting_of(w, 0)->bytes >= sender + 20 * (uint64_t)LASTING_ENDS);
}

/* --- in all, and circles ------------------------------------------------------------------- */

static void circles_are_counted_by_day_and_in_all(void **state)
{
    struct world *w = *state;
    uint64_t had = lasting_of(w, 2)->circles;

    assert_int_equal(had, 0);
    limits(w, UINT64_MAX, UINT64_MAX, 3, 5);
    for (int i = 0; i < 3; i++)
        assert_ok(circle_made(w, 2));
    assert_int_equal(circle_made(w, 2), ERR_LOG_DAY);
    assert_ok(letter(w, 2, 1)); /* all else goes on */
    days_go_by(w, 1);
    assert_ok(circle_made(w, 2));
    assert_ok(circle_made(w, 2));
    assert_int_equal(circle_made(w, 2), ERR_CIRCLES_QUOTA);
    days_go_by(w, 2);
    assert_int_equal(circle_made(w, 2), ERR_CIRCLES_QUOTA);
    assert_int_equal(lasting_of(w, 2)->circles, 5);
    assert_ok(circle_made(w, 1));
    assert_memory_is_the_store(w);
}

static void the_operator_gives_one_organisation_more(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;
    char org[33];

    hex_id(member_org(w->m[0]), org);
    limits(w, UINT64_MAX, 1, UINT64_MAX, 1);
    assert_int_equal(letter(w, 0, 1), ERR_LOG_TOTAL);
    days_go_by(w, 1);
    assert_int_equal(letter(w, 0, 1), ERR_LOG_TOTAL);
    assert_int_equal(world_command(w, "org.quota",
                                   json_pack("{s:s,s:s}", "org", org, "log-total", "beaucoup"),
                                   NULL),
                     ERR_RANGE);
    assert_ok(world_command(
        w, "org.quota",
        json_pack("{s:s,s:s,s:s}", "org", org, "log-total", "1g", "circles-total", "7"), &data));
    json_decref(data);
    assert_non_null(strstr(json_string_value(json_object_get(w->answer, "text")), "au journal"));
    assert_ok(core_reload(w->core)); /* on disk */
    assert_ok(letter(w, 0, 1));
    assert_ok(circle_made(w, 0));
    assert_int_equal(letter(w, 1, 0), ERR_LOG_TOTAL);
    assert_ok(
        world_command(w, "org.quota", json_pack("{s:s,s:b}", "org", org, "standard", 1), NULL));
    assert_int_equal(letter(w, 0, 1), ERR_LOG_TOTAL);
}

static void how_near_the_nearest_is_can_be_seen(void **state)
{
    struct world *w = *state;

    limits(w, UINT64_MAX, UINT64_MAX, 10, 1000);
    assert_int_equal(quota_most(w->core, lasting_percent), 10); /* the circle of the scene */
    for (int i = 0; i < 8; i++)
        assert_ok(circle_made(w, 2));
    assert_int_equal(quota_most(w->core, lasting_percent), 80);
    days_go_by(w, 1);
    assert_int_equal(quota_most(w->core, lasting_percent), 0);
}

/* What waits: the quota of one, and of all together. Gone again with what is fetched. */
static void how_near_the_fullest_is_to_what_may_wait_can_be_seen(void **state)
{
    struct world *w = *state;

    limits(w, UINT64_MAX, UINT64_MAX, 1000, 1000);
    assert_ok(member_ack_all(w->m[0]));
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[2]));
    assert_int_equal(w->core->quotas->messages, 0); /* the control */
    world_greet(w, 1, 0, 0);
    conf.quota_messages = 10;
    conf.waiting_max = 20;
    for (int i = 0; i < 8; i++)
        assert_ok(letter(w, 0, 1));
    assert_int_equal(quota_most(w->core, quota_percent), 80);
    assert_int_equal(quota_hub_percent(w->core), 40);
    conf.quota_bytes = quota_usage(w->core, member_org(w->m[0]))->bytes;
    assert_int_equal(quota_most(w->core, quota_percent), 100); /* the nearer of the two */
    world_greet(w, 1, 100, 1 << 20);
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[0]));
    assert_int_equal(quota_most(w->core, quota_percent), 0);
    assert_int_equal(quota_hub_percent(w->core), 0);
}

/* --- refusals ------------------------------------------------------------------------------ */

/* Refused for good, and a leaf each: a statement of somebody else's. */
static void refused_by_the_hub(struct world *w, size_t i, unsigned times)
{
    struct circle_statement s;
    struct bytes ss = {0};

    assert_ok(member_statement(w->m[i], w->circle, CIRCLE_WITHDRAWAL, &s));
    s.n += 100; /* of a head that is not there */
    assert_ok(circle_sign(&s, member_sign_key(w->m[i]), &ss));
    for (unsigned k = 0; k < times; k++)
        assert_int_not_equal(member_declare_ss(w->m[i], bytes_span(&ss), NULL), ERR_OK);
    bytes_free(&ss);
}

static size_t untold_leaf(struct world *w, uint64_t from, uint64_t *count)
{
    uint64_t size = ledger_committed_size(w->core->audit);
    struct txn *t = NULL;
    struct detail d;
    size_t n = 0;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    w->core->t = t;
    for (uint64_t i = from; i < size; i++) {
        assert_ok(audit_detail(w->core, leaf_place(w->core, i), &d));
        if ((d.has & RD_KEY(DETAIL_FROM)) && (d.has & RD_KEY(DETAIL_COUNT))) {
            *count = d.count;
            n++;
        }
    }
    w->core->t = NULL;
    store_abort(&t);
    return n;
}

static void refusals_beyond_a_days_number_become_one_leaf_on_the_next_day(void **state)
{
    enum {
        MORE = 30
    };
    struct world *w = *state;
    uint64_t audit = ledger_committed_size(w->core->audit);
    uint64_t paid = lasting_of(w, 2)->bytes;
    uint64_t count = 0;

    limits(w, UINT64_MAX, UINT64_MAX, 1000, 1000);
    refused_by_the_hub(w, 2, LASTING_REFUSALS + MORE);
    assert_int_equal(ledger_committed_size(w->core->audit), audit + LASTING_REFUSALS);
    assert_true(lasting_of(w, 2)->bytes > paid + LASTING_REFUSALS * (uint64_t)LASTING_LEAF);
    assert_int_equal(w->core->count.untold, MORE);
    audit = ledger_committed_size(w->core->audit);
    world_job(w, JOB_TICK); /* the day is not over */
    refused_by_the_hub(w, 0, 1);
    assert_int_equal(ledger_committed_size(w->core->audit), audit + 1); /* another's is a leaf */
    assert_memory_is_the_store(w);
    clock_fixed_advance(&w->clock, DAY);
    refused_by_the_hub(w, 2, 1); /* he is there first */
    world_job(w, JOB_TICK);
    assert_int_equal(untold_leaf(w, audit, &count), 1);
    assert_int_equal(count, MORE);
    world_job(w, JOB_TICK);
    assert_int_equal(untold_leaf(w, audit, &count), 1); /* once */
    assert_memory_is_the_store(w);
}

static void who_has_used_up_everything_leaves_no_leaf_of_refusals(void **state)
{
    struct world *w = *state;
    uint64_t audit = ledger_committed_size(w->core->audit);

    limits(w, UINT64_MAX, 1, 1000, 1000);
    refused_by_the_hub(w, 2, 5);
    assert_int_equal(ledger_committed_size(w->core->audit), audit);
    assert_int_equal(lasting_of(w, 2)->untold, 5);
}

/* --- what fails ---------------------------------------------------------------------------- */

static void a_group_that_is_lost_is_not_counted(void **state)
{
    struct world *w = *state;
    struct bytes whole = world_letter(w, 0, 1);
    uint64_t before = lasting_of(w, 0)->bytes;

    w->strike = (struct strike){STRIKE_COMMIT, 1, ERR_OK, COMMIT_UNKNOWN_LOST};
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_UNKNOWN);
    assert_int_equal(lasting_of(w, 0)->bytes, before);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_true(lasting_of(w, 0)->bytes > before);
    assert_memory_is_the_store(w);
    bytes_free(&whole);
}

static void a_row_that_is_damaged_is_not_believed(void **state)
{
    struct lasting l;
    uint8_t row[9 * 8] = {0};
    uint8_t org[ID_BYTES] = {0};

    (void)state;
    assert_ok(lasting_decode(SPAN_OF(org), SPAN_OF(row), &l));
    assert_int_equal(lasting_decode(span_of(org, 3), SPAN_OF(row), &l), ERR_CORRUPT);
    assert_int_equal(lasting_decode(SPAN_OF(org), span_of(row, 8), &l), ERR_CORRUPT);
    be64_write(ERR_CODES, row + sizeof row - 8);
    assert_int_equal(lasting_decode(SPAN_OF(org), SPAN_OF(row), &l), ERR_CORRUPT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
    const struct CMUnitTest tests[] = {
        T(who_has_filled_his_day_waits_for_the_next_and_leaves_no_leaf),
        T(what_ends_or_narrows_is_never_refused_for_it),
        T(nobody_pays_for_what_others_send_him),
        T(circles_are_counted_by_day_and_in_all),
        T(the_operator_gives_one_organisation_more),
        T(how_near_the_nearest_is_can_be_seen),
        T(how_near_the_fullest_is_to_what_may_wait_can_be_seen),
        T(refusals_beyond_a_days_number_become_one_leaf_on_the_next_day),
        T(who_has_used_up_everything_leaves_no_leaf_of_refusals),
        T(a_group_that_is_lost_is_not_counted),
        cmocka_unit_test(a_row_that_is_damaged_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
