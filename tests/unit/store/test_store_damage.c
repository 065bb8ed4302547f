/*
 * A disk that gives back something else than it was given: bits turned over all over the file of a
 * store. What is opened after a look at the whole file serves every row as it was written or is
 * refused; without that look a row is what it was, or an error. Each flip is tried in a process of
 * its own: what a damaged page makes of LMDB stays there.
 */
#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "rowsum.h"

#define ROWS 700
#define LARGE 9000
#define FLIPS 1500
#define READ_S 20

/* --- the sum --------------------------------------------------------------------------------- */

static void the_sum_is_CRC_32C(void **state)
{
    (void)state;
    assert_int_equal(rowsum_plain(0, SPAN_STR("123456789")), 0xe3069283); /* RFC 3720, B.4 */
    assert_int_equal(rowsum_fast(0, SPAN_STR("123456789")), 0xe3069283);
    assert_int_equal(rowsum_plain(0, (struct span){0}), 0);
}

static void the_processor_and_the_tables_agree(void **state)
{
    uint8_t bytes[300];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 131 + i / 7);
    for (size_t at = 0; at < 9; at++)
        for (size_t n = 0; at + n <= sizeof bytes; n += 7)
            assert_int_equal(rowsum_plain((uint32_t)n, span_of(bytes + at, n)),
                             rowsum_fast((uint32_t)n, span_of(bytes + at, n)));
}

static void a_sum_says_table_key_and_value(void **state)
{
    uint32_t seed = rowsum_seed("a");
    uint32_t sum = rowsum_of(seed, SPAN_STR("ab"), SPAN_STR("c"));

    (void)state;
    assert_int_not_equal(sum, rowsum_of(seed, SPAN_STR("a"), SPAN_STR("bc")));
    assert_int_not_equal(sum, rowsum_of(rowsum_seed("b"), SPAN_STR("ab"), SPAN_STR("c")));
    assert_int_not_equal(sum, rowsum_of(seed, SPAN_STR("ab"), SPAN_STR("d")));
}

/* --- a store with all that a store has -------------------------------------------------------- */

static size_t value_of(size_t i, uint8_t out[LARGE])
{
    size_t n = i % 50 == 0 ? LARGE : 20 + i % 90; /* some on pages of their own */

    for (size_t k = 0; k < n; k++)
        out[k] = (uint8_t)(i * 7 + k * 13);
    return n;
}

static struct span key_of(size_t i, uint8_t key[8])
{
    memset(key, 0, 8);
    key[6] = (uint8_t)(i * 5 >> 8);
    key[7] = (uint8_t)(i * 5);
    return span_of(key, 8);
}

static void last_say(struct fixture *f, const char *what)
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_put(t, TABLE_C, SPAN_STR("last"), span_text(what)), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
}

/* Rows in two tables, several levels deep, some written over, some deleted: free pages too. */
static void fill(struct fixture *f)
{
    static uint8_t value[LARGE];
    uint8_t key[8];

    for (size_t round = 0; round < 4; round++) {
        struct txn *t = NULL;

        assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
        for (size_t i = round; i < 2 * ROWS; i += round ? 9 : 1) {
            size_t n = value_of(i, value);
            int table = i % 2 ? TABLE_A : TABLE_B;

            if (round % 2 == 1 && i >= ROWS)
                assert_true(store_del(t, table, key_of(i, key)) != ERR_IO);
            else
                assert_int_equal(store_put(t, table, key_of(i, key), span_of(value, n)), ERR_OK);
        }
        if (round == 3)
            for (size_t i = ROWS; i < 2 * ROWS; i++)
                assert_true(store_del(t, i % 2 ? TABLE_A : TABLE_B, key_of(i, key)) != ERR_IO);
        assert_int_equal(store_commit(&t), ERR_OK);
    }
    last_say(f, "before");
    last_say(f, "after");
}

/* --- reading, in a child ---------------------------------------------------------------------- */

enum fate {
    FATE_RIGHT, /* everything is as it was written */
    FATE_OLDER, /* as it was before the last commit, all of it */
    FATE_REFUSED,
    FATE_CRASHED,
    FATE_WRONG,
    FATES
};

struct count {
    size_t rows;
    bool wrong;
};

static enum err row_seen(void *arg, struct span key, struct span value)
{
    static uint8_t wanted[LARGE];
    struct count *c = arg;
    size_t i = key.len == 8 ? ((size_t)key.ptr[6] << 8 | key.ptr[7]) / 5 : SIZE_MAX;

    c->rows++;
    if (i >= ROWS || !span_equal(value, span_of(wanted, value_of(i, wanted))))
        c->wrong = true;
    return ERR_OK;
}

static enum fate read_all(struct fixture *f)
{
    static uint8_t wanted[LARGE];
    struct count c = {0};
    struct store *s = NULL;
    struct txn *t = NULL;
    uint8_t key[8];
    struct span value;
    enum err e;

    if ((e = store_open(f->engine, &f->options, &s)) || (e = store_begin(s, TXN_READ, &t)))
        return FATE_REFUSED;
    for (size_t i = 0; i < 2 * ROWS; i++) {
        e = store_get(t, i % 2 ? TABLE_A : TABLE_B, key_of(i, key), &value);
        if (e && e != ERR_NOT_FOUND)
            return FATE_REFUSED;
        if (i >= ROWS ? !e : e || !span_equal(value, span_of(wanted, value_of(i, wanted))))
            return FATE_WRONG;
    }
    for (int table = TABLE_A; table <= TABLE_B; table++)
        if (store_scan(t, table, (struct span){0}, (struct span){0}, SIZE_MAX, row_seen, &c))
            return FATE_REFUSED;
    if ((e = store_get(t, TABLE_C, SPAN_STR("last"), &value)))
        return e == ERR_NOT_FOUND ? FATE_WRONG : FATE_REFUSED;
    if (c.wrong || c.rows != ROWS)
        return FATE_WRONG;
    return span_equal(value, SPAN_STR("after"))    ? FATE_RIGHT
           : span_equal(value, SPAN_STR("before")) ? FATE_OLDER
                                                   : FATE_WRONG;
}

static enum fate fate_of(struct fixture *f)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    int status = 0;
    pid_t pid;

    fflush(NULL);
    if ((pid = fork()) == 0) {
        const struct rlimit none = {0, 0};
        int null = open("/dev/null", O_WRONLY);

        setrlimit(RLIMIT_CORE, &none);
        for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
            signal(deadly[i], SIG_DFL); /* cmocka would go on with the tests in here */
        alarm(READ_S);                  /* a page may lead back to itself */
        _exit(dup2(null, STDERR_FILENO) < 0 ? FATES : (int)read_all(f));
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) >= FATES)
        return FATE_CRASHED;
    return (enum fate)WEXITSTATUS(status);
}

static void flip(const struct fixture *f, uint64_t draw)
{
    char file[120];
    uint8_t byte;
    off_t at, size;
    int fd;

    snprintf(file, sizeof file, "%s/data.mdb", f->path);
    assert_true((fd = open(file, O_RDWR)) >= 0);
    size = lseek(fd, 0, SEEK_END);
    at = (off_t)((draw >> 3) % (uint64_t)size);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1u << (draw & 7));
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

static uint64_t draw_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A quarter of the flips lie in the first pages, another in what the meta pages hold. */
static void flips(struct fixture *f, size_t n, size_t fates[FATES])
{
    uint64_t state = 7411;
    uint64_t older = 0;

    memset(fates, 0, FATES * sizeof *fates);
    fill(f);
    store_close(f->s);
    f->s = NULL;
    f->options.access = STORE_READ;
    assert_int_equal(fate_of(f), FATE_RIGHT);
    for (size_t i = 0; i < n; i++) {
        uint64_t draw = draw_next(&state);
        enum fate fate;

        if (i % 4 == 1)
            draw = draw % (8 * 8192);
        if (i % 4 == 3)
            draw = draw % (8 * 160) + 8 * 4096 * (draw >> 20 & 1);
        flip(f, draw);
        fate = fate_of(f);
        fates[fate]++;
        if (fate == FATE_OLDER) { /* one bit of the number of the last commit alone */
            assert_true(older == 0 || draw % (8 * 8192) == older);
            older = draw % (8 * 8192);
        }
        if (fate == FATE_WRONG)
            print_message("flip %llu is served wrong\n", (unsigned long long)draw);
        flip(f, draw);
    }
    assert_int_equal(fate_of(f), FATE_RIGHT);
    f->options.access = STORE_WRITE;
    print_message("flips %zu: as it was %zu, as of one commit ago %zu, refused %zu, ended the "
                  "reader %zu, served wrong %zu\n",
                  n, fates[FATE_RIGHT], fates[FATE_OLDER], fates[FATE_REFUSED], fates[FATE_CRASHED],
                  fates[FATE_WRONG]);
}

static void after_a_look_at_the_whole_file_nothing_is_served_wrong(void **state)
{
    struct fixture *f = *state;
    size_t fates[FATES];

    f->options.check_bytes = UINT64_MAX;
    flips(f, FLIPS, fates);
    assert_int_equal(fates[FATE_WRONG], 0);
    assert_int_equal(fates[FATE_CRASHED], 0);
    assert_true(fates[FATE_REFUSED] > FLIPS / 10);
    assert_true(fates[FATE_RIGHT] > FLIPS / 10);
}

/* Rows carry their sums, absence is proved by neighbours: what is left are pages that came back in
 * an older state, of which one bit seldom makes one. */
static void without_that_look_a_row_is_right_or_an_error(void **state)
{
    struct fixture *f = *state;
    size_t fates[FATES];

    f->options.check_bytes = 0;
    flips(f, FLIPS, fates);
    assert_true(fates[FATE_WRONG] <= FLIPS / 300);
    assert_true(fates[FATE_REFUSED] > FLIPS / 20);
}

/* --- what is told ------------------------------------------------------------------------------
 */

struct told {
    bool lived_with;
    size_t n;
    char table[40];
    uint8_t key[STORE_KEY_MAX];
    size_t len;
};

static bool on_damage(void *arg, const char *table, struct span key)
{
    struct told *t = arg;

    t->n++;
    snprintf(t->table, sizeof t->table, "%s", table ? table : "");
    memcpy(t->key, key.ptr, key.len);
    t->len = key.len;
    return t->lived_with;
}

static void a_damaged_row_is_named_by_its_table_and_key(void **state)
{
    static const char mark[] = "a value that is easily found";
    struct fixture *f = *state;
    struct told told = {0};
    struct txn *t = NULL;
    char file[120];
    static uint8_t all[1 << 20];
    const uint8_t *at;
    ssize_t n;
    int fd;

    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_put(t, TABLE_B, SPAN_STR("here"), SPAN_STR(mark)), ERR_OK);
    assert_int_equal(store_put(t, TABLE_B, SPAN_STR("there"), SPAN_STR("another")), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    store_close(f->s);
    f->s = NULL;
    snprintf(file, sizeof file, "%s/data.mdb", f->path);
    assert_true((fd = open(file, O_RDWR)) >= 0);
    assert_true((n = read(fd, all, sizeof all)) > 0);
    assert_non_null(at = memmem(all, (size_t)n, mark, sizeof mark - 1));
    assert_int_equal(pwrite(fd, "A", 1, at - all), 1);
    assert_int_equal(close(fd), 0);

    f->options.check_bytes = UINT64_MAX;
    f->options.damaged = on_damage;
    f->options.damaged_arg = &told;
    assert_int_equal(store_open(f->engine, &f->options, &f->s), ERR_CORRUPT);
    assert_int_equal(told.n, 1);
    assert_string_equal(told.table, f->options.names[TABLE_B]);
    assert_true(span_equal(span_of(told.key, told.len), SPAN_STR("here")));

    told.lived_with = true; /* it is opened; who reads that row is told */
    fixture_open(f);
    assert_int_equal(told.n, 2);
    assert_int_equal(store_begin(f->s, TXN_READ, &t), ERR_OK);
    {
        struct span value;

        assert_int_equal(store_get(t, TABLE_B, SPAN_STR("here"), &value), ERR_CORRUPT);
        assert_int_equal(store_get(t, TABLE_B, SPAN_STR("there"), &value), ERR_OK);
    }
    store_abort(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_is_CRC_32C),
        cmocka_unit_test(the_processor_and_the_tables_agree),
        cmocka_unit_test(a_sum_says_table_key_and_value),
        ON("lmdb", after_a_look_at_the_whole_file_nothing_is_served_wrong),
        ON("lmdb", without_that_look_a_row_is_right_or_an_error),
        ON("lmdb", a_damaged_row_is_named_by_its_table_and_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
