/*
 * Random transactions against a model that is obviously right: an array of versions. The seed is
 * printed; STORE_SEED=n repeats a run.
 */
#include <time.h>

#include "store_fixture.h"

enum {
    KEYS = 600,
    VALUE_LARGEST = 9000, /* three pages and more */
    TRANSACTIONS = 400,
    WRITES_MOST = 40
};

/* 0: absent; otherwise the value is made from it. */
struct model {
    uint32_t version[TABLES][KEYS];
};

struct run {
    struct store *s;
    struct model now;
    uint64_t random;
    uint32_t versions;
};

static uint32_t roll(struct run *r, uint32_t below)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (uint32_t)(r->random >> 32) % below;
}

/* Ascending in i, and every third key begins the two after it. */
static struct span key_of(uint32_t i, uint8_t buffer[STORE_KEY_MAX])
{
    memset(buffer, 0, STORE_KEY_MAX);
    buffer[0] = (uint8_t)(i / 3);
    return (struct span){buffer, 1 + (i % 3) * 31};
}

static struct span value_of(uint32_t version)
{
    static uint8_t buffer[VALUE_LARGEST];
    size_t len = version % 5 == 4 ? version * 37 % VALUE_LARGEST : version % 90;

    memset(buffer, (int)(version % 251), len);
    return (struct span){buffer, len};
}

static int model_below(const struct model *m, int table, uint32_t i)
{
    while (i-- > 0)
        if (m->version[table][i])
            return (int)i;
    return -1;
}

struct walk {
    const struct model *model;
    int table;
    uint32_t next, end;
    size_t seen;
};

static enum err check_visit(void *arg, struct span key, struct span value)
{
    struct walk *w = arg;
    uint8_t buffer[STORE_KEY_MAX];

    while (w->next < w->end && !w->model->version[w->table][w->next])
        w->next++;
    assert_true(w->next < w->end);
    assert_span(key, key_of(w->next, buffer));
    assert_span(value, value_of(w->model->version[w->table][w->next]));
    w->next++;
    w->seen++;
    return ERR_OK;
}

static void check_all(struct txn *t, const struct model *m, int table)
{
    struct walk w = {.model = m, .table = table, .end = KEYS};
    struct span none = {NULL, 0};

    assert_int_equal(store_scan(t, table, none, none, SIZE_MAX, check_visit, &w), ERR_OK);
    assert_int_equal(model_below(m, table, KEYS), model_below(m, table, w.next));
}

static void check_some(struct run *r, struct txn *t)
{
    int table = (int)roll(r, TABLES), below;
    uint32_t from = roll(r, KEYS), to = roll(r, KEYS), most = 1 + roll(r, 20);
    uint8_t from_buffer[STORE_KEY_MAX], to_buffer[STORE_KEY_MAX];
    struct walk w = {.model = &r->now, .table = table, .next = from, .end = to};
    struct span key = key_of(from, from_buffer), found, value;

    assert_int_equal(store_scan(t, table, key, key_of(to, to_buffer), most, check_visit, &w),
                     ERR_OK);
    if (w.seen < most && from < to) /* nothing left out at the end */
        assert_true(model_below(&r->now, table, to) < (int)w.next);
    below = model_below(&r->now, table, from);
    if (below < 0) {
        assert_int_equal(store_before(t, table, key, &found, &value), ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(store_before(t, table, key, &found, &value), ERR_OK);
    assert_span(found, key_of((uint32_t)below, to_buffer));
    assert_span(value, value_of(r->now.version[table][below]));
}

static void one_write(struct run *r, struct txn *t)
{
    int table = (int)roll(r, TABLES);
    uint32_t i = roll(r, KEYS), *at = &r->now.version[table][i], version = ++r->versions;
    uint8_t buffer[STORE_KEY_MAX];
    struct span key = key_of(i, buffer), value = value_of(version);
    bool grows = model_below(&r->now, table, KEYS) < (int)i;
    enum err want;

    switch (roll(r, 6)) {
    case 0:
        want = *at ? ERR_EXISTS : ERR_OK;
        assert_int_equal(store_put_new(t, table, key, value), want);
        *at = *at ? *at : version;
        break;
    case 1:
        assert_int_equal(store_append(t, table, key, value), grows ? ERR_OK : ERR_RANGE);
        *at = grows ? version : *at;
        break;
    case 2:
    case 3:
        assert_int_equal(store_del(t, table, key), *at ? ERR_OK : ERR_NOT_FOUND);
        *at = 0;
        break;
    default:
        assert_int_equal(store_put(t, table, key, value), ERR_OK);
        *at = version;
    }
}

static void one_transaction(struct run *r)
{
    struct txn *t = begin(r->s, TXN_WRITE);
    struct model before = r->now;

    for (uint32_t i = 1 + roll(r, WRITES_MOST); i > 0; i--)
        one_write(r, t);
    check_some(r, t);
    check_all(t, &r->now, (int)roll(r, TABLES));
    if (roll(r, 4)) {
        commit(&t);
    } else {
        store_abort(&t);
        r->now = before;
    }
}

static uint64_t seed_choose(void)
{
    const char *given = getenv("STORE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761U + 1;

    print_message("STORE_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void random_transactions_agree_with_the_model(void **state)
{
    struct fixture *f = *state;
    struct run *r = calloc(1, sizeof *r);
    struct model *held = calloc(1, sizeof *held); /* what a long reader must go on seeing */
    struct txn *reader = NULL;

    assert_true(r && held);
    r->s = f->s;
    r->random = seed_choose() | 1;
    for (int i = 0; i < TRANSACTIONS; i++) {
        if (i % 37 == 0) {
            store_abort(&reader);
            reader = begin(r->s, TXN_READ);
            *held = r->now;
        }
        one_transaction(r);
        check_all(reader, held, i % TABLES);
        if (i % 97 == 96 && !strcmp(f->engine, "lmdb")) {
            store_abort(&reader);
            fixture_reopen(f);
            r->s = f->s;
            reader = begin(r->s, TXN_READ);
            *held = r->now;
        }
    }
    store_abort(&reader);
    reader = begin(r->s, TXN_READ);
    for (int table = 0; table < TABLES; table++)
        check_all(reader, &r->now, table);
    store_abort(&reader);
    free(held);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_BOTH(random_transactions_agree_with_the_model)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
