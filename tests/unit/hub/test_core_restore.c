/* A hub put back from a backup: it hears its members, fetches what of the keys log they have, opens
 * a new epoch where leaves are lost, and only then serves; whatever fails on the way. */
/* link: -Wl,--wrap=store_open,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "core_deeds.h"
#include "core_operators.h"
#include "recovery.h"

/* --- a store as it was ------------------------------------------------------------------------ */

#define ROWS_MAX 4096

struct kept {
    struct bytes key, value;
    int table;
};
static struct kept kept[ROWS_MAX];
static size_t kept_count;
static int kept_table;

static enum err row_keep(void *arg, struct span key, struct span value)
{
    struct kept *k = &kept[kept_count++];

    (void)arg;
    assert_true(kept_count < ROWS_MAX);
    k->table = kept_table;
    assert_ok(bytes_copy(&k->key, key));
    return bytes_copy(&k->value, value);
}

static void rows_forget(void)
{
    for (size_t i = 0; i < kept_count; i++) {
        bytes_free(&kept[i].key);
        bytes_free(&kept[i].value);
    }
    kept_count = 0;
}

static void rows_keep(struct world *w)
{
    struct txn *t = NULL;

    rows_forget();
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    for (kept_table = 0; kept_table < HUB_TABLES; kept_table++)
        assert_ok(store_scan(t, kept_table, (struct span){0}, (struct span){0}, SIZE_MAX, row_keep,
                             NULL));
    store_abort(&t);
}

static enum err row_first(void *arg, struct span key, struct span value)
{
    (void)value;
    assert_ok(bytes_copy(arg, key));
    return ERR_ENOUGH;
}

static void process_is_new(struct mailbox *m, void *arg)
{
    (void)arg;
    m->open = m->shown = false;
}

/* As `restore` leaves it: the rows of then, a new incarnation, and the mark. */
static void rows_back(struct world *w)
{
    struct bytes key = {0};
    struct txn *t = NULL;

    assert_ok(store_begin(w->core->store, TXN_WRITE, &t));
    for (int table = 0; table < HUB_TABLES; table++)
        for (;;) {
            bytes_free(&key);
            assert_ok(store_scan(t, table, (struct span){0}, (struct span){0}, 1, row_first, &key));
            if (key.len == 0)
                break;
            assert_ok(store_del(t, table, bytes_span(&key)));
        }
    for (size_t i = 0; i < kept_count; i++)
        assert_ok(
            store_put(t, kept[i].table, bytes_span(&kept[i].key), bytes_span(&kept[i].value)));
    assert_ok(store_commit(&t));
    assert_ok(restore_mark(w->core->store));
    mailbox_each(w->core, process_is_new, NULL);
    w->core->recovery = (struct recovery){0};
    assert_ok(core_reload(w->core));
    assert_true(w->core->recovery.on);
}

/* --- what members have -------------------------------------------------------------------------
 */

static struct ckpt audit_then, keys_then;
static struct bytes lost_ss; /* the statement of the keys log that the backup has not */
static uint64_t keys_before, audit_before;

static void more_happens(struct world *w)
{
    struct absence_statement s = {.ts_ms = clock_now_ms(&w->clock.clock)};
    uint64_t today = s.ts_ms / 86400000;
    struct message say = {.type = MSG_KEYS_PUT};
    struct txn *t = NULL;

    keys_before = ledger_committed_size(w->core->keys);
    audit_before = ledger_committed_size(w->core->audit);
    s.from_ms = today * 86400000;
    s.until_ms = (today + 3) * 86400000;
    memcpy(s.federation, w->id.federation.id, ID_BYTES);
    memcpy(s.org, member_org(w->m[1]), ID_BYTES);
    memcpy(s.node, member_id(w->m[1]), ID_BYTES);
    assert_ok(absence_sign(&s, member_sign_key(w->m[1]), &lost_ss));
    say.statement = (struct msg_statement){member_next_req(w->m[1]), bytes_span(&lost_ss)};
    assert_ok(member_ask(w->m[1], &say, NULL));
    world_send(w, 0, 1);
    assert_ok(store_begin(w->core->store, TXN_READ, &t));
    assert_ok(audit_head(w->core, t, ledger_committed_size(w->core->audit), &audit_then));
    assert_ok(keys_head(w->core, t, ledger_committed_size(w->core->keys), &keys_then));
    store_abort(&t);
    assert_true(keys_then.size == keys_before + 1 && audit_then.size > audit_before);
}

static enum err hello_with(struct world *w, size_t i, const struct ckpt *audit,
                           const struct ckpt *keys)
{
    struct msg_hello h;

    assert_ok(member_hello_make(w->m[i], &h));
    h.epoch = epoch_now(w->core)->number;
    h.audit = *audit;
    h.keys = *keys;
    h.last_seq = 0;
    return member_hello(w->m[i], &h);
}

static enum err page_from(struct world *w, size_t i, struct span ss, uint64_t from)
{
    struct message say = {.type = MSG_KEYS_PAGE};
    struct member_answer a = {0};
    enum err e;

    say.keys_page = (struct msg_keys_page){.req = 1, .from = from, .n = 1, .head = keys_then};
    say.keys_page.ss[0] = ss;
    member_forget_answers(w->m[i]);
    if ((e = member_tell(w->m[i], &say)))
        return e;
    e = member_answer(w->m[i], 1, 0, &a);
    if (!e)
        e = a.code;
    member_answer_free(&a);
    return e;
}

/* Everybody shows what he has until the hub serves. */
static void recovers(struct world *w)
{
    for (int turns = 0; w->core->recovery.on; turns++) {
        assert_true(turns < 20);
        for (size_t i = 0; i < PEOPLE; i++) {
            w->place[i] += 10;
            (void)hello_with(w, i, &audit_then, &keys_then) /* RECOVERING, or KEYS is asked */;
            if (ledger_committed_size(w->core->keys) < keys_then.size)
                (void)page_from(w, i, bytes_span(&lost_ss), keys_before);
        }
        world_job(w, JOB_TICK);
    }
}

static void serves_again(struct world *w)
{
    struct core *c = w->core;

    assert_int_equal(ledger_committed_size(c->keys), keys_then.size);
    assert_int_equal(c->epoch_count, 2);
    assert_int_equal(epoch_now(c)->number, w->id.epoch + 1);
    assert_ptr_equal(epoch_numbered(c, w->id.epoch), &c->epochs[0]);
    assert_null(epoch_numbered(c, w->id.epoch + 2));
    assert_int_equal(ledger_committed_size(c->epochs[0].ledger), audit_before);
    memcpy(w->verify.incarnation, c->incarnation, ID_BYTES);
}

static void a_restored_hub_fetches_what_it_lost_and_begins_an_epoch(void **state)
{
    struct world *w = *state;
    json_t *data = NULL;
    struct msg_hello h;

    rows_keep(w);
    more_happens(w);
    rows_back(w);
    assert_ok(world_command(w, "status", NULL, &data));
    json_decref(data);
    assert_non_null(strstr(json_string_value(json_object_get(w->answer, "text")), "RESTAURATION"));
    world_job(w, JOB_TICK);
    assert_true(w->core->recovery.on); /* nobody was heard */
    recovers(w);
    serves_again(w);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_ok(member_hello_make(w->m[i], &h));
        member_forget_mail(w->m[i]);
        h.audit = (struct ckpt){0};
        h.epoch = 0;
        h.keys = keys_then;
        h.last_seq = 0;
        memset(h.hub, 0, sizeof h.hub);
        assert_ok(member_hello(w->m[i], &h));
        assert_int_equal(member_welcome(w->m[i])->epoch, w->id.epoch + 1);
    }
    assert_ok(core_reload(w->core)); /* and the next start finds both epochs */
    assert_int_equal(w->core->epoch_count, 2);
    rows_forget();
    bytes_free(&lost_ss);
}

/* A page is believed only if it ends where our own signature says. */
static void pages_that_lie_bring_nothing_back(void **state)
{
    struct world *w = *state;
    struct ckpt honest;

    rows_keep(w);
    more_happens(w);
    honest = keys_then;
    rows_back(w);
    (void)hello_with(w, 0, &audit_then, &keys_then);
    assert_int_equal(page_from(w, 0, bytes_span(&lost_ss), keys_before + 1), ERR_RECOVERING);
    keys_then.sig[3] ^= 1;
    assert_int_equal(page_from(w, 0, bytes_span(&lost_ss), keys_before), ERR_RECOVERING);
    keys_then = honest;
    lost_ss.ptr[lost_ss.len / 2] ^= 1;
    assert_int_not_equal(page_from(w, 0, bytes_span(&lost_ss), keys_before), ERR_OK);
    lost_ss.ptr[lost_ss.len / 2] ^= 1;
    assert_int_equal(ledger_committed_size(w->core->keys), keys_before);
    assert_int_equal(w->core->epoch_count, 1);
    recovers(w); /* the control */
    serves_again(w);
    rows_forget();
    bytes_free(&lost_ss);
}

static void one_step(struct world *w, int step)
{
    if (step == 0)
        (void)hello_with(w, 0, &audit_then, &keys_then);
    else if (step == 1)
        (void)page_from(w, 0, bytes_span(&lost_ss), keys_before);
    else
        world_job(w, JOB_TICK);
}

static void recovery_survives_every_failure(void **state)
{
    struct world *w = *state;
    size_t struck = 0;

    rows_keep(w);
    more_happens(w);
    for (int step = 0; step < 3; step++)
        for (size_t k = 0; k < sizeof strikes / sizeof *strikes; k++)
            for (unsigned long n = 1;; n++) {
                rows_back(w);
                if (step == 2)
                    for (size_t i = 0; i < PEOPLE; i++) {
                        (void)hello_with(w, i, &audit_then, &keys_then);
                        (void)page_from(w, i, bytes_span(&lost_ss), keys_before);
                        (void)hello_with(w, i, &audit_then, &keys_then);
                    }
                else if (step == 1)
                    (void)hello_with(w, 0, &audit_then, &keys_then);
                w->strike = strikes[k];
                w->strike.n = n;
                w->struck = false;
                one_step(w, step);
                w->core->tight = false;
                struck += w->struck;
                assert_true(n < PLACES_MAX);
                if (!w->struck)
                    break;
                recovers(w);
                serves_again(w);
            }
    assert_true(struck > 50);
    rows_forget();
    bytes_free(&lost_ss);
}

/* --- operators ----------------------------------------------------------------------------------
 */

/* All have shown what they hold: what is left to wait for are two persons. */
static void all_have_shown(struct world *w)
{
    rows_back(w);
    for (size_t i = 0; i < PEOPLE; i++) {
        (void)hello_with(w, i, &audit_then, &keys_then);
        (void)page_from(w, i, bytes_span(&lost_ss), keys_before);
        (void)hello_with(w, i, &audit_then, &keys_then);
    }
    world_job(w, JOB_TICK);
    assert_true(w->core->recovery.on);
}

static void a_restored_hub_waits_for_two_operators(void **state)
{
    struct world *w = *state;
    json_t *act, *other;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    other = prepare(w, "org.revoke", of_org(w, 2));
    assert_int_equal(world_command(w, "restore.accept", NULL, NULL), ERR_OPERATOR);
    rows_keep(w);
    more_happens(w);
    all_have_shown(w);
    assert_ok(world_command(w, "status", NULL, NULL));
    assert_non_null(
        strstr(json_string_value(json_object_get(w->answer, "text")), "l'accord des opérateurs"));
    assert_int_equal(world_command(w, "org.list", NULL, NULL), ERR_RECOVERING);
    assert_int_equal(sign(w, other, 0), ERR_RECOVERING);
    act = prepare(w, "restore.accept", json_object());
    assert_ok(sign(w, act, 0));
    world_job(w, JOB_TICK);
    assert_true(w->core->recovery.on);
    assert_ok(sign(w, act, 1));
    assert_ok(world_command(w, "status", NULL, NULL));
    world_job(w, JOB_TICK);
    assert_false(w->core->recovery.on);
    serves_again(w);
    assert_int_equal(leaves_of(w, AUDIT_OPERATORS), 1); /* both names, in the new epoch */
    json_decref(act);
    json_decref(other);
    rows_forget();
    bytes_free(&lost_ss);
}

static void accepted_once(struct world *w, json_t *act)
{
    enum err e = w->core->recovery.on ? sign(w, act, 1) : ERR_DUPLICATE;

    assert_true(e == ERR_OK || e == ERR_DUPLICATE);
    recovers(w);
    serves_again(w);
    assert_int_equal(leaves_of(w, AUDIT_OPERATORS), 1);
}

/* The second signature (step 0), or the tick that lets the hub serve (step 1), fails. */
static void their_agreement_survives_every_failure(void **state)
{
    struct world *w = *state;
    size_t struck = 0;

    set_conf(w, MODE_REAL);
    name_persons(w, 2);
    rows_keep(w);
    more_happens(w);
    for (int step = 0; step < 2; step++)
        for (size_t k = 0; k < sizeof strikes / sizeof *strikes; k++)
            for (unsigned long n = 1;; n++) {
                json_t *act;

                all_have_shown(w);
                act = prepare(w, "restore.accept", json_object());
                assert_ok(sign(w, act, 0));
                if (step == 1)
                    assert_ok(sign(w, act, 1));
                w->strike = strikes[k];
                w->strike.n = n;
                w->struck = false;
                if (step == 0)
                    (void)sign(w, act, 1);
                else
                    world_job(w, JOB_TICK);
                w->core->tight = false;
                struck += w->struck;
                assert_true(n < PLACES_MAX);
                accepted_once(w, act);
                json_decref(act);
                if (!w->struck)
                    break;
            }
    assert_true(struck > 50);
    rows_forget();
    bytes_free(&lost_ss);
}

/* A mark that is not written makes no restored hub. */
static void a_mark_is_written_or_not(void **state)
{
    struct world *w = *state;
    struct store *s = w->core->store;

    w->faults.fail_begin = w->faults.begins + 1;
    w->faults.begin_error = ERR_IO;
    assert_int_equal(restore_mark(s), ERR_IO);
    w->faults.fail_begin = 0;
    for (unsigned long n = 1; n <= 2; n++) {
        w->faults.fail_put = n == 1 ? w->faults.puts + 1 : 0;
        w->faults.put_error = ERR_FULL;
        w->faults.fail_del = n == 2 ? w->faults.dels + 1 : 0;
        w->faults.del_error = ERR_IO;
        assert_int_not_equal(restore_mark(s), ERR_OK);
        w->faults.fail_put = w->faults.fail_del = 0;
        assert_ok(core_reload(w->core));
        assert_false(w->core->recovery.on);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_restored_hub_fetches_what_it_lost_and_begins_an_epoch),
        TEST(pages_that_lie_bring_nothing_back),
        TEST(recovery_survives_every_failure),
        TEST(a_restored_hub_waits_for_two_operators),
        TEST(their_agreement_survives_every_failure),
        TEST(a_mark_is_written_or_not),
    };
    int failed;

    if (persons_born())
        return EXIT_FAILURE;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    persons_gone();
    return failed;
}
