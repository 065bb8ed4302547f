/* Manifests and the steps of a backup; the whole way of it is in tests/system/prog_hub_upkeep.c. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "backup.h"
#include "file.h"
#include "random.h"
#include "store_fixture.h"

static struct secret32 *key(uint8_t with)
{
    uint8_t raw[32];
    struct secret32 *k = NULL;

    memset(raw, with, sizeof raw);
    assert_int_equal(secret32_copy(SPAN_OF(raw), &k), ERR_OK);
    return k;
}

static struct manifest example(void)
{
    struct manifest m = {
        .program = "relais-hub", .made_ms = 1767225600000, .log_count = 2, .file_count = 2};

    snprintf(m.logs[0].origin, sizeof m.logs[0].origin, "exercice.test/keys");
    m.logs[0].size = 4;
    snprintf(m.logs[1].origin, sizeof m.logs[1].origin, "exercice.test/audit/2026");
    m.logs[1].size = UINT64_MAX;
    snprintf(m.files[0].name, sizeof m.files[0].name, "data.mdb");
    m.files[0].bytes = 8192;
    snprintf(m.files[1].name, sizeof m.files[1].name, "hub.key");
    m.files[1].hash[31] = 0xab;
    return m;
}

static void a_manifest_is_read_as_it_was_written(void **state)
{
    struct secret32 *k = key(1);
    struct manifest m = example();
    struct manifest again;
    struct bytes out = {0};

    (void)state;
    assert_int_equal(manifest_encode(&m, k, &out), ERR_OK);
    assert_int_equal(manifest_check(bytes_span(&out), k), ERR_OK);
    assert_int_equal(manifest_decode(bytes_span(&out), &again), ERR_OK);
    assert_memory_equal(&again, &m, sizeof m);
    bytes_free(&out);
    secret32_free(k);
}

static void every_changed_byte_and_every_other_key_is_noticed(void **state)
{
    struct secret32 *k = key(1);
    struct secret32 *other = key(2);
    struct manifest m = example();
    struct bytes out = {0};

    (void)state;
    assert_int_equal(manifest_encode(&m, k, &out), ERR_OK);
    assert_int_equal(manifest_check(bytes_span(&out), other), ERR_FORGED);
    assert_int_equal(manifest_check(span_of(out.ptr, 20), k), ERR_FORGED);
    for (size_t i = 0; i < out.len; i++) {
        struct manifest read;

        out.ptr[i] ^= 1;
        if (manifest_check(bytes_span(&out), k) == ERR_OK &&
            manifest_decode(bytes_span(&out), &read) == ERR_OK)
            fail_msg("byte %zu changed and nobody noticed", i);
        out.ptr[i] ^= 1;
    }
    bytes_free(&out);
    secret32_free(k);
    secret32_free(other);
}

static void one_value_has_one_text(void **state)
{
    static const char seal[] =
        "seal 0000000000000000000000000000000000000000000000000000000000000000\n";
    static const char head[] = "relais-backup 1\nprogram relais-hub\nmade 7\n"
                               "incarnation 00000000000000000000000000000000\n";
    static const struct {
        const char *text;
        bool sealed;
        enum err e;
    } rows[] = {
        {"",                                                                                    false, ERR_TEXT_FORM},
        {"relais-backup 2\n",                                                                   false, ERR_VERSION  },
        {"relais-backup 1\n",                                                                   true,  ERR_TEXT_FORM},
        {"relais-backup 1\nprogram x\nmade 07\nincarnation 00000000000000000000000000000000\n",
         true,                                                                                         ERR_TEXT_FORM},
        {"relais-backup 1\nprogram X\nmade 7\nincarnation 00000000000000000000000000000000\n",  true,
         ERR_TEXT_FORM                                                                                              },
        {"relais-backup 1\nprogram x\nmade 7\nincarnation 0000000000000000000000000000000\n",   true,
         ERR_TEXT_FORM                                                                                              },
        {"relais-backup 1\nprogram x\nmade 99999999999999999999\nincarnation "
         "00000000000000000000000000000000\n",                                         true,  ERR_TEXT_FORM},
    };
    char text[1024];
    struct manifest m;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "%s%s", rows[i].text, rows[i].sealed ? seal : "");
        assert_int_equal(manifest_decode(span_text(text), &m), rows[i].e);
    }
    snprintf(text, sizeof text, "%s%s", head, seal);
    assert_int_equal(manifest_decode(span_text(text), &m), ERR_OK);
    snprintf(text, sizeof text, "%sfile ../hub.key 1 %064d\n%s", head, 0, seal);
    assert_int_equal(manifest_decode(span_text(text), &m), ERR_TEXT_FORM);
    snprintf(text, sizeof text, "%sfile .. 1 %064d\n%s", head, 0, seal);
    assert_int_equal(manifest_decode(span_text(text), &m), ERR_TEXT_FORM);
    snprintf(text, sizeof text, "%s%sx", head, seal);
    assert_int_equal(manifest_decode(span_text(text), &m), ERR_TEXT_FORM);
    assert_int_equal(manifest_decode(span_of(head, sizeof head), &m), ERR_TEXT_FORM); /* a NUL */
}

static void what_does_not_fit_a_manifest_is_not_written(void **state)
{
    static const char *const names[] = {"", ".hidden", "a/b", "A", "a b"};
    struct secret32 *k = key(1);
    struct bytes out = {0};
    struct manifest m;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        m = example();
        snprintf(m.files[0].name, sizeof m.files[0].name, "%s", names[i]);
        assert_int_equal(manifest_encode(&m, k, &out), ERR_RANGE);
    }
    m = example();
    snprintf(m.logs[0].origin, sizeof m.logs[0].origin, "with blank");
    assert_int_equal(manifest_encode(&m, k, &out), ERR_RANGE);
    m = example();
    m.file_count = BACKUP_FILES_MAX + 1;
    assert_int_equal(manifest_encode(&m, k, &out), ERR_RANGE);
    assert_null(out.ptr);
    secret32_free(k);
}

/* --- the steps ---------------------------------------------------------------------------------
 */

static void value_put(struct fixture *f)
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_put(t, TABLE_A, text("k"), text("v")), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
}

static enum err whole(struct fixture *f, const char *to, const struct secret32 *k)
{
    static const uint8_t root[32] = {9};
    struct backup b;
    enum err e;

    if ((e = backup_begin(to, "relais-test", 7, &b)) || (e = backup_store(&b, f->s)) ||
        (e = backup_file(&b, f->dir, "absent", false)) || (e = backup_log(&b, "x/keys", 1, root)))
        return e;
    return backup_end(&b, k);
}

static void a_backup_put_back_opens_as_the_store(void **state)
{
    struct fixture *f = *state;
    struct secret32 *k = key(1);
    char to[96], back[96], where[128];
    struct manifest m;
    const char *bad = "x";
    struct txn *t = NULL;
    struct span value;
    struct stat st;

    snprintf(to, sizeof to, "%s/backup", f->dir);
    snprintf(back, sizeof back, "%s/back", f->dir);
    snprintf(where, sizeof where, "%s/store", back);
    value_put(f);
    assert_int_equal(whole(f, to, k), ERR_OK);
    assert_true(stat(to, &st) == 0 && (st.st_mode & 077) == 0);
    assert_int_equal(whole(f, to, k), ERR_EXISTS);
    assert_int_equal(backup_check(to, k, &m, &bad), ERR_OK);
    assert_null(bad);
    assert_int_equal(m.log_count, 1);
    assert_int_equal(backup_restore(to, &m, back, &bad), ERR_OK);
    assert_int_equal(backup_restore(to, &m, back, &bad), ERR_EXISTS);
    store_close(f->s);
    f->options.where = where;
    fixture_open(f);
    assert_int_equal(store_begin(f->s, TXN_READ, &t), ERR_OK);
    assert_int_equal(store_get(t, TABLE_A, text("k"), &value), ERR_OK);
    store_abort(&t);
    secret32_free(k);
}

static void what_is_missing_or_no_file_is_named(void **state)
{
    struct fixture *f = *state;
    struct secret32 *k = key(1);
    char to[96], path[128], other[128];
    struct backup b;
    struct manifest m;
    const char *bad;

    snprintf(to, sizeof to, "%s/backup", f->dir);
    snprintf(path, sizeof path, "%s/data.mdb", to);
    snprintf(other, sizeof other, "%s/elsewhere", to);
    assert_int_equal(whole(f, to, k), ERR_OK);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(backup_check(to, k, &m, &bad), ERR_NOT_FOUND);
    assert_string_equal(bad, "data.mdb");
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(backup_check(to, k, &m, &bad), ERR_USAGE); /* a link is no backup */
    assert_string_equal(bad, "data.mdb");
    snprintf(path, sizeof path, "%s/more", f->dir);
    assert_int_equal(backup_begin(path, "relais-test", 7, &b), ERR_OK);
    assert_int_equal(backup_file(&b, f->dir, "absent", true), ERR_NOT_FOUND);
    assert_int_equal(backup_begin(path, "a-program-with-a-name-that-is-far-too-long", 7, &b),
                     ERR_RANGE);
    assert_int_equal(backup_begin("/nonexistent/there", "relais-test", 7, &b), ERR_NOT_FOUND);
    secret32_free(k);
}

static void a_directory_takes_its_name_only_when_that_is_free(void **state)
{
    struct fixture *f = *state;
    char part[96], to[96], in_it[128];

    snprintf(part, sizeof part, "%s/part", f->dir);
    snprintf(to, sizeof to, "%s/to", f->dir);
    snprintf(in_it, sizeof in_it, "%s/to/x", f->dir);
    assert_int_equal(backup_place(part, to), ERR_NOT_FOUND);
    assert_int_equal(mkdir(part, 0700), 0);
    assert_int_equal(mkdir(to, 0700), 0);
    assert_int_equal(mkdir(in_it, 0700), 0);
    assert_int_equal(backup_place(part, to), ERR_EXISTS);
    assert_int_equal(rmdir(in_it), 0);
    assert_int_equal(backup_place(part, to), ERR_OK);
}

static off_t size_of(const struct fixture *f)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void compaction_keeps_what_is_there_and_gives_back_the_rest(void **state)
{
    static uint8_t big[500000];
    struct fixture *f = *state;
    struct txn *t = NULL;
    struct span value;
    off_t before;

    value_put(f);
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_put(t, TABLE_B, text("b"), SPAN_OF(big)), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    assert_int_equal(store_begin(f->s, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(store_del(t, TABLE_B, text("b")), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    before = size_of(f);
    assert_int_equal(store_compact(f->s, f->path), ERR_OK);
    assert_true(size_of(f) < before / 2);
    fixture_reopen(f);
    assert_int_equal(store_begin(f->s, TXN_READ, &t), ERR_OK);
    assert_int_equal(store_get(t, TABLE_A, text("k"), &value), ERR_OK);
    store_abort(&t);
    assert_int_equal(store_compact(f->s, "/nonexistent"), ERR_NOT_FOUND);
}

/* A killed fsck leaves a copy as large as the store; the next one removes it, and no other's. */
static void what_the_dead_left_is_removed_and_the_living_keep_theirs(void **state)
{
    struct fixture *f = *state;
    char dead[96], living[96], file[128], to[BACKUP_PATH_MAX];
    char deep[BACKUP_PATH_MAX + 8];
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child); /* nobody has its number now */
    snprintf(dead, sizeof dead, "%s/fsck.%ld", f->dir, (long)child);
    snprintf(living, sizeof living, "%s/fsck.%ld", f->dir, (long)getppid());
    snprintf(file, sizeof file, "%s/" BACKUP_STORE, dead);
    assert_int_equal(mkdir(dead, 0700) | mkdir(living, 0700), 0);
    assert_int_equal(file_write_new(file, SPAN_STR("half a store"), 0600), ERR_OK);
    assert_int_equal(look_aside(f->dir, to), ERR_OK);
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(access(living, F_OK), 0);
    assert_int_equal(mkdir(to, 0700), 0);
    look_over(to);
    assert_int_equal(access(to, F_OK), -1);
    assert_int_equal(rmdir(living), 0);
    memset(deep, 'x', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(look_aside(deep, to), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_read_as_it_was_written),
        cmocka_unit_test(every_changed_byte_and_every_other_key_is_noticed),
        cmocka_unit_test(one_value_has_one_text),
        cmocka_unit_test(what_does_not_fit_a_manifest_is_not_written),
        ON("lmdb", a_backup_put_back_opens_as_the_store),
        ON("lmdb", what_is_missing_or_no_file_is_named),
        ON("lmdb", a_directory_takes_its_name_only_when_that_is_free),
        ON("lmdb", what_the_dead_left_is_removed_and_the_living_keep_theirs),
        ON("lmdb", compaction_keeps_what_is_there_and_gives_back_the_rest),
    };

    if (seal_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
