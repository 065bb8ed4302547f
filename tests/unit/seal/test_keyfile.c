/* link: -Wl,--wrap=sodium_malloc,--wrap=crypto_pwhash */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "seal_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "file.h"
#include "keyfile.h"
#include "keyring.h"
#include "secretbox.h"

#define PASSPHRASE SPAN_STR("correct horse battery")
#define CHEAP ((struct keyfile_cost){8192, 1})
#define CHEAPEST ((struct keyfile_cost){8, 1})

/* Counts the uses of Argon2id, and is out of memory on demand. */
static unsigned long derivations;
static int argon2_broken;

int __real_crypto_pwhash(unsigned char *, unsigned long long, const char *, unsigned long long,
                         const unsigned char *, unsigned long long, size_t, int);
int __wrap_crypto_pwhash(unsigned char *, unsigned long long, const char *, unsigned long long,
                         const unsigned char *, unsigned long long, size_t, int);
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *passphrase,
                         unsigned long long len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int alg)
{
    derivations++;
    if (argon2_broken)
        return -1;
    return __real_crypto_pwhash(out, out_len, passphrase, len, salt, passes, memory, alg);
}

struct bench {
    char dir[64], path[96];
    struct entropy source;
};

static int set_up(void **state)
{
    static struct bench b;

    (void)snprintf(b.dir, sizeof b.dir, "/tmp/relais-keyfile-XXXXXX");
    if (mkdtemp(b.dir) == NULL)
        return -1;
    (void)snprintf(b.path, sizeof b.path, "%s/keys", b.dir);
    b.source = replayed(1);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    (void)unlink(b->path);
    return rmdir(b->dir); /* fails if a temporary file was left behind */
}

/* A file with one secret under "sign", and its bytes. */
static void make_file(struct bench *b, struct keyfile_cost cost, struct bytes *file)
{
    struct keyring *r = NULL;

    assert_int_equal(keyfile_create(b->path, PASSPHRASE, cost, &b->source, &r), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "sign", SPAN_STR("thirty-two bytes of secret seed!")),
                     ERR_OK);
    assert_int_equal(keyring_save(r, &b->source), ERR_OK);
    keyring_free(r);
    assert_int_equal(file_read(b->path, KEYFILE_MAX, file), ERR_OK);
}

static enum err unseal(const struct bytes *file, struct span passphrase, struct keyfile_cost caps)
{
    struct keyring *r = NULL;
    enum err e = keyring_unseal(bytes_span(file), passphrase, caps, &r);

    assert_true((e == ERR_OK) == (r != NULL));
    keyring_free(r);
    return e;
}

static void what_was_saved_is_opened(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};
    struct keyring *r = NULL;
    struct span value;

    make_file(b, CHEAP, &file);
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, KEYFILE_CAPS, &r), ERR_OK);
    assert_int_equal(keyring_count(r), 1);
    assert_int_equal(keyring_find(r, "sign", &value), ERR_OK);
    assert_true(span_equal(value, SPAN_STR("thirty-two bytes of secret seed!")));
    keyring_free(r);
    bytes_free(&file);
}

static void a_new_file_appears_with_its_contents_and_never_replaces(void **state)
{
    struct bench *b = *state;
    struct keyring *r = NULL, *second = NULL, *third = NULL;
    struct stat st;

    assert_int_equal(keyfile_create(b->path, PASSPHRASE, CHEAPEST, &b->source, &r), ERR_OK);
    assert_int_equal(keyfile_create(b->path, PASSPHRASE, CHEAPEST, &b->source, &second), ERR_OK);
    assert_int_equal(keyring_count(r), 0);
    assert_int_equal(keyring_add_bytes(r, "one", SPAN_STR("1")), ERR_OK);
    assert_int_equal(access(b->path, F_OK), -1); /* who is killed here leaves nothing */
    assert_int_equal(keyring_save(r, &b->source), ERR_OK);
    assert_int_equal(stat(b->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(keyring_save(second, &b->source), ERR_EXISTS); /* another was faster */
    assert_int_equal(keyfile_create(b->path, PASSPHRASE, CHEAPEST, &b->source, &third), ERR_EXISTS);
    assert_null(third);
    assert_int_equal(keyring_add_bytes(r, "two", SPAN_STR("2")), ERR_OK);
    assert_int_equal(keyring_save(r, &b->source), ERR_OK); /* its own it may replace */
    keyring_free(r);
    keyring_free(second);
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, KEYFILE_CAPS, &r), ERR_OK);
    assert_int_equal(keyring_count(r), 2);
    keyring_free(r);
    keyring_free(NULL);
}

static void the_header_is_as_documented_and_the_rest_is_sealed(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};

    make_file(b, CHEAP, &file);
    assert_memory_equal(file.ptr, "RELAISK1", 8);
    assert_hex(file.ptr + 8, 8, "0000200000000001");
    /* array of 1, array of 2, "sign", bin of 32 */
    assert_int_equal(file.len, KEYFILE_HEADER_BYTES + 1 + 1 + 5 + 34 + AEAD_TAG_BYTES);
    assert_null(memmem(file.ptr, file.len, "secret", 6));
    assert_null(memmem(file.ptr, file.len, "sign", 4));
    bytes_free(&file);
}

static void a_saved_file_has_another_nonce(void **state)
{
    struct bench *b = *state;
    struct bytes first = {0}, second = {0};
    struct keyring *r = NULL;

    make_file(b, CHEAPEST, &first);
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, KEYFILE_CAPS, &r), ERR_OK);
    assert_int_equal(keyring_save(r, &b->source), ERR_OK);
    assert_int_equal(file_read(b->path, KEYFILE_MAX, &second), ERR_OK);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.ptr, second.ptr, 32); /* same salt: the derived key was kept */
    assert_memory_not_equal(first.ptr + 32, second.ptr + 32, AEAD_NONCE_BYTES);
    keyring_free(r);
    bytes_free(&first);
    bytes_free(&second);
}

static void a_wrong_passphrase_and_an_altered_file_look_the_same(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};
    struct keyring *r = NULL;

    make_file(b, CHEAPEST, &file);
    assert_int_equal(keyfile_open(b->path, SPAN_STR("correct horse batterz"), KEYFILE_CAPS, &r),
                     ERR_PASSPHRASE);
    assert_null(r);
    for (size_t i = 0; i < file.len; i++) {
        if (i >= 8 && i < 16)
            continue; /* the costs: below */
        file.ptr[i] ^= 1;
        assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_PASSPHRASE);
        file.ptr[i] ^= 1;
    }
    assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_OK);
    bytes_free(&file);
}

static void altered_costs_are_authenticated(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};

    make_file(b, CHEAPEST, &file);
    file.ptr[11] = 9; /* 9 KiB */
    assert_int_equal(unseal(&file, PASSPHRASE, KEYFILE_CAPS), ERR_PASSPHRASE);
    file.ptr[11] = 8;
    file.ptr[15] = 2;
    assert_int_equal(unseal(&file, PASSPHRASE, KEYFILE_CAPS), ERR_PASSPHRASE);
    bytes_free(&file);
}

static void a_cut_or_longer_file_is_refused(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0}, none = {0};
    unsigned long before;
    size_t full;

    make_file(b, CHEAPEST, &file);
    full = file.len;
    assert_int_equal(unseal(&none, PASSPHRASE, CHEAP), ERR_PASSPHRASE);
    for (file.len = 0; file.len < full; file.len++)
        assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_PASSPHRASE);
    assert_int_equal(bytes_append(&file, SPAN_STR("x")), ERR_OK);
    assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_PASSPHRASE);
    assert_int_equal(bytes_reserve(&file, KEYFILE_MAX), ERR_OK);
    memset(file.ptr + file.len, 0, KEYFILE_MAX + 1 - file.len);
    file.len = KEYFILE_MAX + 1;
    before = derivations;
    assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_PASSPHRASE);
    assert_int_equal(derivations, before);
    bytes_free(&file);
}

static void a_hostile_cost_or_format_is_refused_before_any_work(void **state)
{
    static const struct {
        const char *costs;
        struct keyfile_cost caps;
    } rows[] = {
        {"0000200100000001", {8192, 1}               }, /* a KiB above the caps */
        {"0000200000000002", {8192, 1}               }, /* a pass above the caps */
        {"0010000100000001", {UINT32_MAX, UINT32_MAX}}, /* above what any program allows */
        {"000020000000000b", {UINT32_MAX, UINT32_MAX}},
        {"ffffffffffffffff", {UINT32_MAX, UINT32_MAX}},
        {"0000000700000001", {8192, 1}               }, /* less than Argon2id can do */
        {"0000000800000000", {8192, 1}               },
        {"0000000000000000", {8192, 1}               },
    };
    struct bench *b = *state;
    struct bytes file = {0};
    unsigned long before;

    make_file(b, CHEAPEST, &file);
    before = derivations;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unhex(rows[i].costs, file.ptr + 8, 8);
        assert_int_equal(unseal(&file, PASSPHRASE, rows[i].caps), ERR_RANGE);
    }
    unhex("0000000800000001", file.ptr + 8, 8);
    file.ptr[7] = '2'; /* RELAISK2: another format */
    assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_PASSPHRASE);
    assert_int_equal(derivations, before);
    bytes_free(&file);
}

static void a_cost_at_the_caps_is_accepted(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};

    make_file(b, CHEAP, &file);
    assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_OK);
    bytes_free(&file);
}

static void a_passphrase_outside_the_limits_is_refused(void **state)
{
    struct bench *b = *state;
    static const char large[PASSPHRASE_MAX + 1];
    struct bytes file = {0};
    struct keyring *r = NULL;

    assert_int_equal(keyfile_create(b->path, SPAN_STR(""), CHEAPEST, &b->source, &r), ERR_RANGE);
    assert_int_equal(keyfile_create(b->path, SPAN_STR("7 bytes"), CHEAPEST, &b->source, &r),
                     ERR_RANGE);
    assert_int_equal(keyfile_create(b->path, SPAN_OF(large), CHEAPEST, &b->source, &r), ERR_RANGE);
    assert_null(r);
    assert_int_equal(access(b->path, F_OK), -1);
    make_file(b, CHEAPEST, &file);
    assert_int_equal(unseal(&file, SPAN_STR("7 bytes"), CHEAP), ERR_PASSPHRASE);
    assert_int_equal(unseal(&file, SPAN_OF(large), CHEAP), ERR_PASSPHRASE);
    bytes_free(&file);
}

static void a_cost_or_path_outside_the_limits_makes_no_file(void **state)
{
    static const struct keyfile_cost costs[] = {
        {7,               1 },
        {8,               0 },
        {8,               11},
        {1024 * 1024 + 1, 1 }
    };
    struct bench *b = *state;
    char path[KEYFILE_PATH_MAX + 1];
    struct keyring *r = NULL;

    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++)
        assert_int_equal(keyfile_create(b->path, PASSPHRASE, costs[i], &b->source, &r), ERR_RANGE);
    memset(path, '/', sizeof path);
    path[KEYFILE_PATH_MAX] = '\0';
    assert_int_equal(keyfile_create(path, PASSPHRASE, CHEAPEST, &b->source, &r), ERR_RANGE);
    assert_int_equal(keyfile_create("", PASSPHRASE, CHEAPEST, &b->source, &r), ERR_RANGE);
    assert_null(r);
    assert_int_equal(access(b->path, F_OK), -1);
}

static void another_passphrase_holds_from_the_next_save(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};
    struct keyring *r = NULL;

    make_file(b, CHEAPEST, &file);
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, KEYFILE_CAPS, &r), ERR_OK);
    assert_int_equal(keyring_rekey(r, SPAN_STR("another passphrase"), CHEAP, &b->source), ERR_OK);
    assert_int_equal(keyring_save(r, &b->source), ERR_OK);
    keyring_free(r);
    r = NULL;
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, KEYFILE_CAPS, &r), ERR_PASSPHRASE);
    assert_int_equal(keyfile_open(b->path, SPAN_STR("another passphrase"), CHEAPEST, &r),
                     ERR_RANGE);
    assert_int_equal(keyfile_open(b->path, SPAN_STR("another passphrase"), CHEAP, &r), ERR_OK);
    assert_int_equal(keyring_count(r), 1);
    keyring_free(r);
    bytes_free(&file);
}

static void a_failed_rekey_leaves_the_ring_as_it_was(void **state)
{
    struct bench *b = *state;
    int good = 0;
    struct entropy none = failing_entropy(&good);
    const struct span other = SPAN_STR("another passphrase");
    struct bytes file = {0};
    struct keyring *r = NULL;

    make_file(b, CHEAPEST, &file);
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, KEYFILE_CAPS, &r), ERR_OK);
    assert_int_equal(keyring_rekey(r, SPAN_STR("short"), CHEAP, &b->source), ERR_RANGE);
    assert_int_equal(keyring_rekey(r, other, CHEAP, &none), ERR_RANDOM);
    secret_alloc_fail_after(1);
    assert_int_equal(keyring_rekey(r, other, CHEAP, &b->source), ERR_NOMEM);
    argon2_broken = 1;
    assert_int_equal(keyring_rekey(r, other, CHEAP, &b->source), ERR_NOMEM);
    argon2_broken = 0;
    assert_int_equal(keyring_save(r, &b->source), ERR_OK);
    keyring_free(r);
    r = NULL;
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, CHEAPEST, &r), ERR_OK);
    keyring_free(r);
    bytes_free(&file);
}

static void a_file_open_to_others_or_absent_is_refused(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};
    struct keyring *r = NULL;

    assert_int_equal(keyfile_open(b->path, PASSPHRASE, CHEAP, &r), ERR_NOT_FOUND);
    make_file(b, CHEAPEST, &file);
    assert_int_equal(chmod(b->path, 0640), 0);
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, CHEAP, &r), ERR_PERMISSION);
    assert_null(r);
    bytes_free(&file);
}

static void a_path_too_long_to_keep_is_refused_on_opening(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};
    struct keyring *r = NULL;
    char path[2 * KEYFILE_PATH_MAX];
    size_t dir = strlen(b->dir);

    make_file(b, CHEAPEST, &file);
    memset(path, '/', sizeof path);
    memcpy(path, b->dir, dir);
    memcpy(path + sizeof path - 5, "keys", 5); /* /tmp/...//////keys is the same file */
    assert_int_equal(keyfile_open(path, PASSPHRASE, CHEAP, &r), ERR_RANGE);
    assert_null(r);
    bytes_free(&file);
}

static void a_ring_without_a_file_is_not_saved(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};
    struct keyring *r = NULL;

    make_file(b, CHEAPEST, &file);
    assert_int_equal(keyring_unseal(bytes_span(&file), PASSPHRASE, CHEAP, &r), ERR_OK);
    assert_int_equal(keyring_save(r, &b->source), ERR_STATE);
    keyring_free(r);
    bytes_free(&file);
}

static void a_save_that_fails_leaves_the_file_of_before(void **state)
{
    struct bench *b = *state;
    int good = 0;
    struct entropy none = failing_entropy(&good);
    struct bytes before = {0}, after = {0};
    struct keyring *r = NULL;

    make_file(b, CHEAPEST, &before);
    assert_int_equal(keyfile_open(b->path, PASSPHRASE, CHEAP, &r), ERR_OK);
    assert_int_equal(keyring_add_bytes(r, "more", SPAN_STR("1")), ERR_OK);
    assert_int_equal(keyring_save(r, &none), ERR_RANDOM);
    secret_alloc_fail_after(1);
    assert_int_equal(keyring_save(r, &b->source), ERR_NOMEM);
    alloc_fail_after(1);
    assert_int_equal(keyring_save(r, &b->source), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_int_equal(file_read(b->path, KEYFILE_MAX, &after), ERR_OK);
    assert_true(span_equal(bytes_span(&before), bytes_span(&after)));
    keyring_free(r);
    bytes_free(&before);
    bytes_free(&after);
}

static void creation_needs_memory_and_randomness(void **state)
{
    struct bench *b = *state;
    int good;
    struct entropy few = failing_entropy(&good);
    struct keyring *r = NULL;

    good = 0; /* for the salt */
    assert_int_equal(keyfile_create(b->path, PASSPHRASE, CHEAPEST, &few, &r), ERR_RANDOM);
    for (long n = 1; n <= 2; n++) { /* ring, derived key */
        secret_alloc_fail_after(n);
        assert_int_equal(keyfile_create(b->path, PASSPHRASE, CHEAPEST, &b->source, &r), ERR_NOMEM);
    }
    secret_alloc_fail_after(-1);
    assert_null(r);
    assert_int_equal(access(b->path, F_OK), -1);
}

static void opening_needs_memory(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};

    make_file(b, CHEAPEST, &file);
    for (long n = 1; n <= 2; n++) { /* ring, body */
        secret_alloc_fail_after(n);
        assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_NOMEM);
    }
    secret_alloc_fail_after(-1);
    argon2_broken = 1;
    assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_NOMEM);
    argon2_broken = 0;
    bytes_free(&file);
}

/* What only someone with the passphrase can make: a newer version, or a program gone wrong. */
static void an_authentic_file_without_a_proper_body_is_corrupt(void **state)
{
    struct bench *b = *state;
    struct bytes file = {0};
    struct keyring *r = NULL;
    const struct span body = SPAN_STR("\xc0");

    make_file(b, CHEAPEST, &file);
    assert_int_equal(keyring_unseal(bytes_span(&file), PASSPHRASE, CHEAP, &r), ERR_OK);
    aead_seal(r->key.b, file.ptr + 32, (struct span){file.ptr, KEYFILE_HEADER_BYTES}, body,
              file.ptr + KEYFILE_HEADER_BYTES);
    file.len = KEYFILE_HEADER_BYTES + body.len + AEAD_TAG_BYTES;
    assert_int_equal(unseal(&file, PASSPHRASE, CHEAP), ERR_CORRUPT);
    keyring_free(r);
    bytes_free(&file);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(what_was_saved_is_opened),
        WITH_DIR(a_new_file_appears_with_its_contents_and_never_replaces),
        WITH_DIR(the_header_is_as_documented_and_the_rest_is_sealed),
        WITH_DIR(a_saved_file_has_another_nonce),
        WITH_DIR(a_wrong_passphrase_and_an_altered_file_look_the_same),
        WITH_DIR(altered_costs_are_authenticated),
        WITH_DIR(a_cut_or_longer_file_is_refused),
        WITH_DIR(a_hostile_cost_or_format_is_refused_before_any_work),
        WITH_DIR(a_cost_at_the_caps_is_accepted),
        WITH_DIR(a_passphrase_outside_the_limits_is_refused),
        WITH_DIR(a_cost_or_path_outside_the_limits_makes_no_file),
        WITH_DIR(another_passphrase_holds_from_the_next_save),
        WITH_DIR(a_failed_rekey_leaves_the_ring_as_it_was),
        WITH_DIR(a_file_open_to_others_or_absent_is_refused),
        WITH_DIR(a_path_too_long_to_keep_is_refused_on_opening),
        WITH_DIR(a_ring_without_a_file_is_not_saved),
        WITH_DIR(a_save_that_fails_leaves_the_file_of_before),
        WITH_DIR(creation_needs_memory_and_randomness),
        WITH_DIR(opening_needs_memory),
        WITH_DIR(an_authentic_file_without_a_proper_body_is_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
