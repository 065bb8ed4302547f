/* store_trim(): what was read is given back, and nothing else changes. */
#include "store_fixture.h"

#define ROWS 2000
#define ROW_BYTES 3000 /* a page of its own each */

static void rows_write(struct fixture *f)
{
    uint8_t value[ROW_BYTES];
    struct txn *t = NULL;

    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint8_t key[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        memset(value, (int)i, sizeof value);
        assert_int_equal(store_append(t, TABLE_A, SPAN_OF(key), SPAN_OF(value)), ERR_OK);
    }
    assert_int_equal(store_commit(&t), ERR_OK);
}

struct sum {
    size_t rows;
    uint64_t bytes;
};

static enum err row_add(void *arg, struct span key, struct span value)
{
    struct sum *s = arg;

    (void)key;
    s->rows++;
    for (size_t i = 0; i < value.len; i++)
        s->bytes += value.ptr[i];
    return ERR_OK;
}

static struct sum rows_read(struct txn *t)
{
    struct sum s = {0};

    assert_int_equal(
        store_scan(t, TABLE_A, (struct span){0}, (struct span){0}, SIZE_MAX, row_add, &s), ERR_OK);
    return s;
}

/* Pages of files that this process has mapped and touched. */
static size_t mapped_kib(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    size_t kib = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "RssFile:", 8) == 0)
            kib = strtoul(line + 8, NULL, 10);
    fclose(f);
    return kib;
}

static void what_was_read_is_given_back_and_is_read_again_the_same(void **state)
{
    struct fixture *f = *state;
    struct txn *t = NULL;
    struct span value;
    struct sum first, again;
    size_t full;

    rows_write(f);
    assert_int_equal(store_begin(f->s, TXN_READ, &t), ERR_OK);
    first = rows_read(t);
    assert_int_equal(first.rows, ROWS);
    assert_int_equal(store_get(t, TABLE_A, SPAN_OF(((uint8_t[]){0, 0, 0, 7})), &value), ERR_OK);
    full = mapped_kib();

    store_trim(t);

    if (strcmp(f->engine, "lmdb") == 0)
        assert_true(mapped_kib() + ROWS * 4 / 2 < full); /* half of it, at least */
    assert_int_equal(value.len, ROW_BYTES);
    assert_int_equal(value.ptr[ROW_BYTES - 1], 7); /* borrowed before */
    again = rows_read(t);
    assert_memory_equal(&again, &first, sizeof again);
    store_abort(&t);
}

static void a_transaction_that_writes_keeps_what_it_has_written(void **state)
{
    struct fixture *f = *state;
    struct txn *t = NULL;
    struct span value;

    rows_write(f);
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_put(t, TABLE_B, SPAN_STR("key"), SPAN_STR("value")), ERR_OK);
    store_trim(t);
    assert_int_equal(store_commit(&t), ERR_OK);
    assert_int_equal(store_begin(f->s, TXN_READ, &t), ERR_OK);
    assert_int_equal(store_get(t, TABLE_B, SPAN_STR("key"), &value), ERR_OK);
    assert_int_equal(value.len, 5);
    assert_int_equal(rows_read(t).rows, ROWS);
    store_abort(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_was_read_is_given_back_and_is_read_again_the_same),
        ON_BOTH(a_transaction_that_writes_keeps_what_it_has_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
