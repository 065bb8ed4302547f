/* The core: what an envelope names must be here, its recipients may then fetch it, who loses the
 * envelope loses that right, and what nobody waits for goes once, told to those it concerns. The
 * register is the hub's own; files and their thread are another test's. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <stdio.h>

#include "attached.h"
#include "attachments_internal.h"
#include "core_deeds.h"
#include "proctree.h"

#define SIZE 1000
#define DAY_MS UINT64_C(86400000)
#define MANY 300 /* more than one turn of deleting takes */

static struct attachments *att;
static char dir[64];
static uint8_t address[ATTACHMENT_ADDRESS_BYTES]; /* of the newest file */

static int up(void **state)
{
    struct attachments_options o = {
        .dir = dir, .quota_bytes = UINT64_C(1) << 40, .max_bytes = UINT64_C(1) << 40};
    struct world *w;

    if (world_up(state))
        return -1;
    w = *state;
    snprintf(dir, sizeof dir, "/tmp/attached-XXXXXX");
    assert_non_null(mkdtemp(dir));
    o.clock = &w->clock.clock;
    assert_ok(attachments_open(&o, &att));
    w->core->attachments = att;
    memset(address, 0, sizeof address);
    return 0;
}

static int down(void **state)
{
    world_down(state);
    attachments_free(att);
    tree_remove(dir);
    return 0;
}

static uint32_t number_of(const struct world *w, size_t i)
{
    return world_box(w, i)->who.number;
}

/* One more file in the register, of that member. */
static void file_comes(struct world *w, size_t owner, bool whole)
{
    struct attfile_facts facts = {
        .size = SIZE, .number = number_of(w, owner), .made_ms = clock_now_ms(&w->clock.clock)};

    for (size_t i = 0; i < sizeof address && ++address[i] == 0; i++)
        continue;
    memcpy(facts.address, address, sizeof address);
    memcpy(facts.owner, member_org(w->m[owner]), ID_BYTES);
    assert_ok(held_add(att, &facts, whole));
}

static struct env_header header_of(struct world *w, size_t to, size_t count)
{
    struct env_header h;

    assert_ok(member_header(w->m[0], w->circle->handle, &w->m[to], count, &h));
    h.has_att = true;
    h.att_count = 1;
    h.att[0].size = SIZE;
    memcpy(h.att[0].address, address, sizeof address);
    return h;
}

static struct bytes sealed(struct world *w, const struct env_header *h)
{
    struct bytes whole = {0};

    assert_ok(member_seal(w->m[0], h, SPAN_STR("corps"), &whole, NULL));
    return whole;
}

/* From 0, naming the newest file. */
static struct bytes letter(struct world *w, size_t to, size_t count)
{
    struct env_header h = header_of(w, to, count);

    return sealed(w, &h);
}

static void letter_sent(struct world *w, size_t to, size_t count)
{
    struct bytes whole = letter(w, to, count);

    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

static enum err put_of_size(struct world *w, uint64_t size)
{
    struct env_header h = header_of(w, 1, 1);
    struct bytes whole;
    enum err e;

    h.att[0].size = size;
    whole = sealed(w, &h);
    e = member_put(w->m[0], bytes_span(&whole), NULL);
    bytes_free(&whole);
    return e;
}

static enum err right_of(struct world *w, size_t i, struct attachment_ref *ref)
{
    struct attachment_ref unread;

    return attachments_may(att, address, member_org(w->m[i]), ref ? ref : &unread);
}

static enum err done_said(struct world *w, size_t i)
{
    struct message say = {.type = MSG_ATT_DONE, .att_chunk.req = member_next_req(w->m[i])};
    struct member_answer a = {0};
    enum err e;

    memcpy(say.att_chunk.address, address, sizeof address);
    if ((e = member_ask(w->m[i], &say, &a)) == ERR_OK) {
        assert_int_equal(a.message.type, MSG_ATT_STATE);
        assert_true(a.message.att_state.whole);
        assert_memory_equal(a.message.att_state.address, address, sizeof address);
    }
    member_answer_free(&a);
    return e;
}

static enum err row_counted(void *arg, struct span key, struct span row)
{
    (void)key, (void)row;
    ++*(size_t *)arg;
    return ERR_OK;
}

static size_t rows(struct world *w)
{
    struct txn *t = NULL;
    size_t n = 0;

    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(store_scan(t, TABLE_ATT_REF, (struct span){0}, (struct span){0}, SIZE_MAX,
                         row_counted, &n));
    store_abort(&t);
    return n;
}

static void row_put(struct world *w, struct span key, struct span row)
{
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    assert_ok(store_put(t, TABLE_ATT_REF, key, row));
    assert_ok(store_commit(&t));
}

/* --- what an envelope needs ---------------------------------------------------------------------
 */

static void an_envelope_waits_for_what_it_names_and_is_taken_then(void **state)
{
    struct world *w = *state;
    uint64_t refused = leaves_of(w, AUDIT_REFUSED);
    struct bytes whole;

    address[31] = 9; /* nobody has it */
    assert_int_equal(put_of_size(w, SIZE), ERR_ATTACHMENT_MISSING);
    file_comes(w, 2, true); /* somebody else's */
    assert_int_equal(put_of_size(w, SIZE), ERR_ATTACHMENT_MISSING);
    file_comes(w, 0, false); /* not all of it */
    assert_int_equal(put_of_size(w, SIZE), ERR_ATTACHMENT_MISSING);
    file_comes(w, 0, true);
    assert_int_equal(put_of_size(w, SIZE + 1), ERR_ATTACHMENT_MISSING);
    whole = letter(w, 1, 1);
    w->core->attachments = NULL; /* a hub that keeps none */
    assert_int_equal(member_put(w->m[0], bytes_span(&whole), NULL), ERR_ATTACHMENT_MISSING);
    w->core->attachments = att;
    assert_int_equal(leaves_of(w, AUDIT_REFUSED), refused); /* none of them is final */
    assert_int_equal(rows(w), 0);
    assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
    assert_int_equal(rows(w), 1);
    bytes_free(&whole);
}

static void its_recipients_may_fetch_and_nobody_else(void **state)
{
    struct world *w = *state;
    struct attachment_ref ref;

    file_comes(w, 0, true);
    assert_int_equal(right_of(w, 1, NULL), ERR_ATTACHMENT_RIGHT);
    letter_sent(w, 1, 1);
    assert_ok(right_of(w, 1, &ref));
    assert_int_equal(ref.number, number_of(w, 1));
    assert_int_equal(ref.grants, 1);
    assert_false(ref.done);
    assert_int_equal(right_of(w, 2, NULL), ERR_ATTACHMENT_RIGHT);
    assert_int_equal(done_said(w, 2), ERR_ATTACHMENT_RIGHT);
    assert_ok(done_said(w, 0)); /* it is his own, and changes nothing */
    assert_ok(right_of(w, 1, &ref));
    assert_false(ref.done);
    assert_int_equal(rows(w), 1);
}

/* The later end stays, whichever envelope comes first. */
static void two_envelopes_promise_until_the_later_of_both_ends(void **state)
{
    struct world *w = *state;
    struct attachment_ref ref;
    uint64_t longest = 0;

    file_comes(w, 0, true);
    for (size_t i = 0; i < 3; i++) {
        struct env_header h = header_of(w, 1, 1);
        struct bytes whole;

        h.exp = h.ts + (i == 1 ? 20 : 10) * DAY_MS;
        longest = h.exp > longest ? h.exp : longest;
        whole = sealed(w, &h);
        assert_ok(member_put(w->m[0], bytes_span(&whole), NULL));
        assert_ok(right_of(w, 1, &ref));
        assert_int_equal(ref.grants, i + 1);
        assert_int_equal(ref.until_ms, longest);
        bytes_free(&whole);
    }
    assert_ok(core_reload(w->core));
    assert_ok(right_of(w, 1, &ref));
    assert_int_equal(ref.grants, 3);
    assert_int_equal(ref.until_ms, longest);
}

/* --- who loses the envelope ---------------------------------------------------------------------
 */

static void who_loses_every_envelope_that_names_it_loses_the_right(void **state)
{
    struct world *w = *state;
    struct attachment_ref ref;
    struct bytes first, second;

    world_greet(w, 1, 0, 0);
    file_comes(w, 0, true);
    first = letter(w, 1, 1);
    second = letter(w, 1, 1);
    assert_ok(member_put(w->m[0], bytes_span(&first), NULL));
    assert_ok(member_put(w->m[0], bytes_span(&second), NULL));
    assert_ok(member_recall(w->m[0], bytes_span(&first), RECALL_CONTENT, NULL));
    assert_ok(right_of(w, 1, &ref)); /* the other one still names it */
    assert_int_equal(ref.grants, 1);
    assert_ok(member_recall(w->m[0], bytes_span(&second), RECALL_CONTENT, NULL));
    assert_int_equal(right_of(w, 1, &ref), ERR_ATTACHMENT_RIGHT);
    assert_int_equal(ref.grants, 0);
    assert_true(ref.until_ms < w->core->now_ms); /* nobody is waited for */
    assert_int_equal(done_said(w, 1), ERR_ATTACHMENT_RIGHT);
    assert_ok(core_reload(w->core));
    assert_int_equal(right_of(w, 1, NULL), ERR_ATTACHMENT_RIGHT);
    letter_sent(w, 1, 1); /* he is sent it again */
    assert_ok(right_of(w, 1, &ref));
    assert_int_equal(ref.grants, 1);
    assert_true(ref.until_ms > w->core->now_ms);
    bytes_free(&first);
    bytes_free(&second);
}

/* What the item named is lost, or it went to nobody known: the end itself is not stopped. */
static void an_end_goes_on_when_nobody_knows_what_was_named(void **state)
{
    struct world *w = *state;
    struct core *c = w->core;
    struct item it = {.seq = UINT64_C(1) << 40, .count = 1, .to = {UINT32_MAX}};
    struct env_header h;

    file_comes(w, 0, true);
    h = header_of(w, 1, 1);
    assert_ok(store_begin(c->store, TXN_WRITE, &c->t));
    assert_ok(attached_end(c, &it, UINT32_MAX));
    assert_ok(attached_end(c, &it, number_of(w, 1))); /* no body */
    assert_int_equal(attached_grant(c, &h, &it), ERR_INTERNAL);
    it.to[0] = number_of(w, 1);
    c->attachments = NULL;
    assert_ok(attached_grant(c, &h, &it));
    assert_ok(attached_end(c, &it, number_of(w, 1)));
    assert_ok(attached_sweep(c));
    c->attachments = att;
    h.att[0].address[5] ^= 1;
    assert_ok(attached_grant(c, &h, &it)); /* gone since: gone */
    store_abort(&c->t);
    assert_int_equal(rows(w), 0);
    c->attachments = NULL;
    assert_ok(attached_load(c));
    c->attachments = att;
}

/* --- what goes ----------------------------------------------------------------------------------
 */

static const struct detail *removal_told(struct world *w, size_t i, struct receipt_facts *f)
{
    const struct member_item *it = member_receipt_of(w->m[i], AUDIT_ATTACHMENT_REMOVED, 0);

    assert_non_null(it);
    assert_ok(member_item_facts(it, f));
    assert_memory_equal(f->detail.address, address, sizeof address);
    assert_memory_equal(f->detail.from, member_org(w->m[0]), ID_BYTES);
    assert_int_equal(f->detail.size, SIZE);
    return &f->detail;
}

static void what_all_have_goes_and_its_depositor_is_told(void **state)
{
    struct world *w = *state;
    struct receipt_facts f;
    struct attachment_ref ref;

    file_comes(w, 0, true);
    letter_sent(w, 1, 2);
    assert_int_equal(rows(w), 2);
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(done_said(w, 1));
        assert_ok(right_of(w, 1, &ref));
        assert_true(ref.done);
    }
    assert_ok(core_reload(w->core));
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), 0); /* one has not */
    assert_ok(done_said(w, 2));
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), 1);
    assert_int_equal(rows(w), 0);
    assert_int_equal(right_of(w, 0, NULL), ERR_NOT_FOUND);
    assert_int_equal(removal_told(w, 0, &f)->to_count, 0);
    assert_null(member_receipt_of(w->m[1], AUDIT_ATTACHMENT_REMOVED, 0));
    assert_ok(done_said(w, 1)); /* said again, of what is gone */
    w->core->attachments = NULL;
    assert_ok(done_said(w, 1));
    w->core->attachments = att;
}

static void what_is_not_fetched_in_time_goes_and_all_are_told_who_has_not(void **state)
{
    struct world *w = *state;
    struct receipt_facts f;

    crew_ahead(w->crew, (int64_t)(clock_now_ms(&w->clock.clock) - clock_now_ms(clock_system())));
    file_comes(w, 0, true);
    letter_sent(w, 1, 2);
    assert_ok(done_said(w, 2));
    assert_ok(member_ack_all(w->m[1]));
    assert_ok(member_ack_all(w->m[2]));
    clock_fixed_advance(&w->clock, 2 * DAY_MS);
    world_job(w, JOB_TICK);
    for (size_t i = 0; i < 2; i++) {
        world_greet(w, i, 100, 1 << 20);
        assert_int_equal(removal_told(w, i, &f)->to_count, 1);
        assert_memory_equal(f.detail.to[0], member_org(w->m[1]), ID_BYTES);
    }
    assert_null(member_receipt_of(w->m[2], AUDIT_ATTACHMENT_REMOVED, 0));
    assert_int_equal(rows(w), 0);
}

static void what_no_envelope_named_goes_after_a_day(void **state)
{
    struct world *w = *state;
    struct receipt_facts f;

    file_comes(w, 0, true);
    clock_fixed_advance(&w->clock, ATTACHMENT_UNCLAIMED_MS);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), 0);
    clock_fixed_advance(&w->clock, 1000);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), 1);
    world_greet(w, 0, 100, 1 << 20);
    assert_int_equal(removal_told(w, 0, &f)->to_count, 0);
}

/* No more in one tick than a commit can bear; the rest in the next. */
static void many_go_a_few_at_each_tick(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < ATTACHMENTS_A_TICK + 1; i++)
        file_comes(w, 0, true);
    clock_fixed_advance(&w->clock, 2 * ATTACHMENT_UNCLAIMED_MS);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), ATTACHMENTS_A_TICK);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), ATTACHMENTS_A_TICK + 1);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static struct span key_of(size_t number, uint8_t key[48])
{
    memcpy(key, address, 32);
    memset(key + 32, 0, 16);
    key[40] = (uint8_t)(number >> 8);
    key[41] = (uint8_t)number;
    return span_of(key, 48);
}

static void however_many_were_sent_it_every_row_goes_with_it(void **state)
{
    static const uint8_t done[17] = {[12] = 1, [16] = 1};
    struct world *w = *state;
    uint8_t key[48];
    uint8_t other[48];

    file_comes(w, 0, true); /* this one stays */
    memcpy(other, address, sizeof address);
    letter_sent(w, 1, 1);
    file_comes(w, 0, true);
    for (size_t i = 0; i < MANY; i++)
        row_put(w, key_of(i, key), SPAN_OF(done));
    assert_ok(core_reload(w->core));
    assert_int_equal(rows(w), MANY + 1);
    world_job(w, JOB_TICK);
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), 1);
    assert_int_equal(rows(w), 1);
    memcpy(address, other, sizeof address);
    assert_ok(right_of(w, 1, NULL));
}

static void a_row_is_read_in_its_one_form(void **state)
{
    uint8_t key[48] = {1}, row[17] = {[7] = 5, [11] = 3, [12] = 1, [16] = 2};
    struct attachment_ref ref;

    (void)state;
    assert_ok(attached_row_read(SPAN_OF(key), SPAN_OF(row), &ref));
    assert_int_equal(ref.until_ms, 5);
    assert_int_equal(ref.number, 3);
    assert_int_equal(ref.grants, 2);
    assert_true(ref.done);
    assert_int_equal(attached_row_read(span_of(key, 47), SPAN_OF(row), &ref), ERR_CORRUPT);
    assert_int_equal(attached_row_read(SPAN_OF(key), span_of(row, 16), &ref), ERR_CORRUPT);
    row[12] = 2;
    assert_int_equal(attached_row_read(SPAN_OF(key), SPAN_OF(row), &ref), ERR_CORRUPT);
}

/* The store was restored without the file: the others are served. */
static void a_row_of_a_file_that_is_not_there_stops_nobody(void **state)
{
    static const uint8_t waits[17] = {[16] = 1};
    struct world *w = *state;
    uint8_t key[48];

    address[31] = 7;
    row_put(w, key_of(1, key), SPAN_OF(waits));
    assert_ok(core_reload(w->core));
    memset(address, 0, sizeof address);
    file_comes(w, 0, true);
    letter_sent(w, 1, 1);
    assert_ok(right_of(w, 1, NULL));
}

static void a_damaged_row_is_not_passed_over(void **state)
{
    static const uint8_t done[17] = {[12] = 1, [16] = 1};
    struct world *w = *state;
    uint8_t key[48];

    file_comes(w, 0, true);
    letter_sent(w, 1, 1);
    assert_ok(done_said(w, 1));
    w->damaged = true;
    row_put(w, span_of(key_of(1, key).ptr, 40), SPAN_OF(done));
    world_job(w, JOB_TICK); /* it would go now */
    assert_int_equal(w->turned, ERR_CORRUPT);
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), 0);
    assert_int_equal(core_reload(w->core), ERR_CORRUPT);
}

/* --- every failure ------------------------------------------------------------------------------
 */

static void assert_register_is_the_store(struct world *w)
{
    struct attachment_ref before[PEOPLE], after;
    enum err e[PEOPLE];

    for (size_t i = 0; i < PEOPLE; i++)
        e[i] = right_of(w, i, &before[i]);
    assert_ok(core_reload(w->core));
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(right_of(w, i, &after), e[i]);
        assert_int_equal(after.until_ms, before[i].until_ms);
        assert_int_equal(after.grants, before[i].grants);
        assert_int_equal(after.number, before[i].number);
        assert_int_equal(after.done, before[i].done);
    }
}

/* All mail taken, that a deed starts from nothing. */
static void all_taken(struct world *w)
{
    for (size_t i = 0; i < PEOPLE; i++)
        member_credit(w->m[i], 100, 1 << 20);
    greet_all(w);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_ok(member_ack_all(w->m[i]));
        member_forget_mail(w->m[i]);
    }
}

static void granted_prepare(struct world *w, struct deed *d)
{
    file_comes(w, 0, true);
    d->bytes = letter(w, 1, 2);
}

static enum err granted_act(struct world *w, struct deed *d)
{
    return member_put(w->m[0], bytes_span(&d->bytes), NULL);
}

static void granted_check(struct world *w, struct deed *d)
{
    struct attachment_ref ref;

    (void)d;
    for (size_t i = 1; i < PEOPLE; i++) {
        assert_ok(right_of(w, i, &ref));
        assert_int_equal(ref.grants, 1);
    }
    assert_register_is_the_store(w);
    all_taken(w);
}

static void a_right_is_given_once_whatever_fails(void **state)
{
    struct deed d = {.prepare = granted_prepare, .act = granted_act, .check = granted_check};

    every_place(*state, &d);
}

static void ended_prepare(struct world *w, struct deed *d)
{
    world_greet(w, 1, 0, 0);
    file_comes(w, 0, true);
    d->bytes = letter(w, 1, 1);
    assert_ok(member_put(w->m[0], bytes_span(&d->bytes), NULL));
    letter_sent(w, 1, 1);
}

static enum err ended_act(struct world *w, struct deed *d)
{
    return member_recall(w->m[0], bytes_span(&d->bytes), RECALL_NO_REASON, NULL);
}

static void ended_check(struct world *w, struct deed *d)
{
    struct attachment_ref ref;

    (void)d;
    assert_ok(right_of(w, 1, &ref));
    assert_int_equal(ref.grants, 1); /* by the other one */
    assert_register_is_the_store(w);
    all_taken(w);
}

static void a_right_is_lost_once_whatever_fails(void **state)
{
    struct deed d = {.prepare = ended_prepare, .act = ended_act, .check = ended_check};

    every_place(*state, &d);
}

static void done_prepare(struct world *w, struct deed *d)
{
    (void)d;
    file_comes(w, 0, true);
    letter_sent(w, 1, 2);
}

static enum err done_act(struct world *w, struct deed *d)
{
    (void)d;
    return done_said(w, 1);
}

static void done_check(struct world *w, struct deed *d)
{
    struct attachment_ref ref;

    (void)d;
    assert_ok(right_of(w, 1, &ref));
    assert_true(ref.done);
    assert_ok(right_of(w, 2, &ref));
    assert_false(ref.done);
    assert_register_is_the_store(w);
    all_taken(w);
}

static void what_is_fetched_is_noted_whatever_fails(void **state)
{
    struct deed d = {.prepare = done_prepare, .act = done_act, .check = done_check};

    every_place(*state, &d);
}

static void gone_prepare(struct world *w, struct deed *d)
{
    done_prepare(w, d);
    assert_ok(done_said(w, 1));
    assert_ok(done_said(w, 2));
    d->count = leaves_of(w, AUDIT_ATTACHMENT_REMOVED);
}

static enum err gone_act(struct world *w, struct deed *d)
{
    (void)d;
    world_job(w, JOB_TICK);
    world_job(w, JOB_TICK);
    return ERR_OK;
}

static void gone_check(struct world *w, struct deed *d)
{
    assert_int_equal(leaves_of(w, AUDIT_ATTACHMENT_REMOVED), d->count + 1);
    assert_int_equal(rows(w), 0);
    all_taken(w);
}

static void one_goes_once_whatever_fails(void **state)
{
    struct deed d = {.prepare = gone_prepare, .act = gone_act, .check = gone_check};

    every_place(*state, &d);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
    static const struct CMUnitTest tests[] = {
        TEST(an_envelope_waits_for_what_it_names_and_is_taken_then),
        TEST(its_recipients_may_fetch_and_nobody_else),
        TEST(two_envelopes_promise_until_the_later_of_both_ends),
        TEST(who_loses_every_envelope_that_names_it_loses_the_right),
        TEST(an_end_goes_on_when_nobody_knows_what_was_named),
        TEST(what_all_have_goes_and_its_depositor_is_told),
        TEST(what_is_not_fetched_in_time_goes_and_all_are_told_who_has_not),
        TEST(what_no_envelope_named_goes_after_a_day),
        TEST(many_go_a_few_at_each_tick),
        TEST(however_many_were_sent_it_every_row_goes_with_it),
        TEST(a_row_is_read_in_its_one_form),
        TEST(a_row_of_a_file_that_is_not_there_stops_nobody),
        TEST(a_damaged_row_is_not_passed_over),
        TEST(a_right_is_given_once_whatever_fails),
        TEST(a_right_is_lost_once_whatever_fails),
        TEST(what_is_fetched_is_noted_whatever_fails),
        TEST(one_goes_once_whatever_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
