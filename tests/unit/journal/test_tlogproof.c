/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "journal_support.h"

#include "failing_alloc.h"
#include "tlogproof.h"

#define ORIGIN "demo/audit/2026"
#define LEAVES 201
#define INDEX 42
#define EXTRA SPAN_STR("entry, salt and detail")

static hash32 leaves[LEAVES];

struct bench {
    struct secret_sign *log;
    struct note_key log_key;
    struct trust *policy;
    hash32 root;
    struct merkle_proof path;
    struct bytes note;
    struct bytes file; /* a good receipt of leaf INDEX */
};

static enum err leaf_source(void *arg, unsigned level, uint64_t index, uint8_t out[32])
{
    (void)arg;
    naive_root(leaves, index << level, (index + 1) << level, out);
    return ERR_OK;
}

static int set_up(void **state)
{
    const struct merkle_source source = {leaf_source, NULL};
    static struct bench b;
    struct bytes vkey = {0}, policy = {0};

    for (uint64_t i = 0; i < LEAVES; i++)
        entry_leaf(i, leaves[i]);
    naive_root(leaves, 0, LEAVES, b.root);
    b.log = key_of(1);
    b.log_key = note_key_of(b.log, ORIGIN, NOTE_SIGNED);
    assert_int_equal(merkle_inclusion(&source, INDEX, LEAVES, &b.path), ERR_OK);
    assert_int_equal(checkpoint_sign(SPAN_STR(ORIGIN), LEAVES, b.root, b.log, &b.note), ERR_OK);
    assert_int_equal(tlog_proof_write(EXTRA, INDEX, &b.path, bytes_span(&b.note), &b.file), ERR_OK);
    assert_int_equal(note_key_write(&b.log_key, &vkey), ERR_OK);
    assert_int_equal(bytes_printf(&policy, "log %s\nquorum none\n", (const char *)vkey.ptr),
                     ERR_OK);
    assert_int_equal(trust_read(bytes_span(&policy), &b.policy, NULL), ERR_OK);
    bytes_free(&vkey);
    bytes_free(&policy);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    secret_sign_free(b->log);
    trust_free(b->policy);
    bytes_free(&b->note);
    bytes_free(&b->file);
    return 0;
}

static enum err read_text(const char *text)
{
    struct tlog_proof p = {0};
    enum err e = tlog_proof_read(span_text(text), &p);

    tlog_proof_wipe(&p);
    return e;
}

static void a_receipt_reads_back_verifies_and_is_written_again_as_it_was(void **state)
{
    struct bench *b = *state;
    struct trust_verdict v = {0};
    struct tlog_proof p = {0};
    struct bytes again = {0};

    assert_int_equal(tlog_proof_read(bytes_span(&b->file), &p), ERR_OK);
    assert_true(span_equal(bytes_span(&p.extra), EXTRA));
    assert_int_equal(p.index, INDEX);
    assert_int_equal(p.path.count, b->path.count);
    assert_int_equal(p.checkpoint.size, LEAVES);
    assert_int_equal(tlog_proof_check(&p, leaves[INDEX], &b->log_key), ERR_OK);
    assert_int_equal(tlog_proof_verify(&p, leaves[INDEX], b->policy, &v), ERR_OK);
    assert_true(v.quorum_met && v.quorum_none);
    assert_int_equal(v.cosigned, 0);
    assert_int_equal(
        tlog_proof_write(bytes_span(&p.extra), p.index, &p.path, p.checkpoint.note, &again),
        ERR_OK);
    assert_true(span_equal(bytes_span(&again), bytes_span(&b->file)));
    bytes_free(&again);
    tlog_proof_wipe(&p);
}

static void a_receipt_begins_as_the_specification_says(void **state)
{
    struct bench *b = *state;
    static const char begin[] =
        "c2sp.org/tlog-proof@v1\nextra ZW50cnksIHNhbHQgYW5kIGRldGFpbA==\nindex 42\n";
    struct bytes file = {0};

    assert_memory_equal(b->file.ptr, begin, sizeof begin - 1);
    assert_int_equal(
        tlog_proof_write(span_of(NULL, 0), INDEX, &b->path, bytes_span(&b->note), &file), ERR_OK);
    assert_memory_equal(file.ptr, "c2sp.org/tlog-proof@v1\nindex 42\n", 32);
    assert_memory_equal(file.ptr + file.len - b->note.len, b->note.ptr, b->note.len);
    bytes_free(&file);
}

static void a_log_of_one_leaf_has_a_receipt_without_hashes(void **state)
{
    struct bench *b = *state;
    struct merkle_proof none = {0};
    struct bytes note = {0}, file = {0};
    struct tlog_proof p = {0};

    assert_int_equal(checkpoint_sign(SPAN_STR(ORIGIN), 1, leaves[0], b->log, &note), ERR_OK);
    assert_int_equal(tlog_proof_write(span_of(NULL, 0), 0, &none, bytes_span(&note), &file),
                     ERR_OK);
    assert_int_equal(tlog_proof_read(bytes_span(&file), &p), ERR_OK);
    assert_int_equal(p.extra.len, 0);
    assert_int_equal(tlog_proof_check(&p, leaves[0], &b->log_key), ERR_OK);
    assert_int_equal(tlog_proof_check(&p, leaves[1], &b->log_key), ERR_PROOF);
    tlog_proof_wipe(&p);
    bytes_free(&file);
    bytes_free(&note);
}

static void another_leaf_key_origin_or_policy_is_refused(void **state)
{
    struct bench *b = *state;
    struct secret_sign *stranger = key_of(9);
    struct note_key other_key = note_key_of(stranger, ORIGIN, NOTE_SIGNED);
    struct note_key other_origin = note_key_of(b->log, "demo/keys", NOTE_SIGNED);
    struct trust *empty = NULL;
    struct trust_verdict v;
    struct tlog_proof p = {0};

    assert_int_equal(trust_read(SPAN_STR("quorum none\n"), &empty, NULL), ERR_OK);
    assert_int_equal(tlog_proof_read(bytes_span(&b->file), &p), ERR_OK);
    assert_int_equal(tlog_proof_check(&p, leaves[INDEX + 1], &b->log_key), ERR_PROOF);
    assert_int_equal(tlog_proof_check(&p, leaves[INDEX], &other_key), ERR_KEY_UNKNOWN);
    assert_int_equal(tlog_proof_check(&p, leaves[INDEX], &other_origin), ERR_KEY_UNKNOWN);
    assert_int_equal(tlog_proof_verify(&p, leaves[INDEX], empty, &v), ERR_KEY_UNKNOWN);
    assert_int_equal(tlog_proof_verify(&p, leaves[INDEX + 1], b->policy, &v), ERR_PROOF);
    tlog_proof_wipe(&p);
    trust_free(empty);
    secret_sign_free(stranger);
}

#define H "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define NOTE "a\n2\n" H "\n\xe2\x80\x94 a AAAAAAAA\n"
#define V1 "c2sp.org/tlog-proof@v1\n"

static void everything_but_the_one_form_is_refused(void **state)
{
    static const struct {
        const char *what, *text;
        enum err e;
    } bad[] = {
        {"nothing",            "",                                              ERR_TRUNCATED},
        {"another version",    "c2sp.org/tlog-proof@v2\nindex 0\n" H "\n" NOTE, ERR_VERSION  },
        {"first line alone",   V1,                                              ERR_TRUNCATED},
        {"no index",           V1 H "\n" NOTE,                                  ERR_TEXT_FORM},
        {"empty extra",        V1 "extra \nindex 0\n" H "\n" NOTE,              ERR_TEXT_FORM},
        {"extra not base64",   V1 "extra A\nindex 0\n" H "\n" NOTE,             ERR_TEXT_FORM},
        {"extra alone",        V1 "extra AAAA\n",                               ERR_TRUNCATED},
        {"two extras",         V1 "extra AAAA\nextra AAAA\nindex 0\n\n" NOTE,   ERR_TEXT_FORM},
        {"extra after index",  V1 "index 0\nextra AAAA\n\n" NOTE,               ERR_TEXT_FORM},
        {"index empty",        V1 "index \n" H "\n" NOTE,                       ERR_TEXT_FORM},
        {"index leading zero", V1 "index 00\n" H "\n" NOTE,                     ERR_TEXT_FORM},
        {"index negative",     V1 "index -1\n" H "\n" NOTE,                     ERR_TEXT_FORM},
        {"index two spaces",   V1 "index  1\n" H "\n" NOTE,                     ERR_TEXT_FORM},
        {"index 2^62",         V1 "index 4611686018427387904\n" H "\n" NOTE,    ERR_RANGE    },
        {"index 2^64",         V1 "index 18446744073709551616\n" H "\n" NOTE,   ERR_RANGE    },
        {"short hash",         V1 "index 0\nAAAA\n\n" NOTE,                     ERR_TEXT_FORM},
        {"no blank line",      V1 "index 0\n" H NOTE,                           ERR_TEXT_FORM},
        {"two blank lines",    V1 "index 0\n" H "\n\n" NOTE,                    ERR_TEXT_FORM},
        {"no checkpoint",      V1 "index 0\n" H "\n",                           ERR_TRUNCATED},
        {"ends in the hashes", V1 "index 0\n" H,                                ERR_TRUNCATED},
        {"carriage returns",   "c2sp.org/tlog-proof@v1\r\nindex 0\r\n",         ERR_VERSION  },
        {"text behind",        V1 "index 0\n" H "\n" NOTE "\n",                 ERR_TEXT_FORM},
    };
    struct bytes many = {0};
    struct bytes large = {0};
    struct tlog_proof p = {0};

    (void)state;
    assert_int_equal(read_text(V1 "index 0\n" H "\n" NOTE), ERR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_text(bad[i].text) != bad[i].e)
            fail_msg("%s: %s", bad[i].what, err_name(read_text(bad[i].text)));

    assert_int_equal(bytes_append(&many, SPAN_STR(V1 "index 0\n")), ERR_OK);
    for (int i = 0; i <= MERKLE_PROOF_MAX; i++)
        assert_int_equal(bytes_append(&many, SPAN_STR(H)), ERR_OK);
    assert_int_equal(bytes_append(&many, SPAN_STR("\n" NOTE)), ERR_OK);
    assert_int_equal(tlog_proof_read(bytes_span(&many), &p), ERR_ITEMS);
    assert_int_equal(bytes_reserve(&large, TLOG_PROOF_MAX + 1), ERR_OK);
    memset(large.ptr, 'A', TLOG_PROOF_MAX + 1);
    large.len = TLOG_PROOF_MAX + 1;
    assert_int_equal(tlog_proof_read(bytes_span(&large), &p), ERR_SIZE);
    bytes_free(&large);
    bytes_free(&many);
}

static void an_extra_has_a_limit_on_both_sides(void **state)
{
    static uint8_t extra[TLOG_EXTRA_MAX + 3];
    struct bench *b = *state;
    struct bytes file = {0}, base64 = {0}, text = {0};
    struct tlog_proof p = {0};

    assert_int_equal(tlog_proof_write(span_of(extra, TLOG_EXTRA_MAX + 1), INDEX, &b->path,
                                      bytes_span(&b->note), &file),
                     ERR_SIZE);
    assert_int_equal(tlog_proof_write(span_of(extra, TLOG_EXTRA_MAX), INDEX, &b->path,
                                      bytes_span(&b->note), &file),
                     ERR_OK);
    assert_int_equal(tlog_proof_read(bytes_span(&file), &p), ERR_OK);
    assert_int_equal(p.extra.len, TLOG_EXTRA_MAX);
    tlog_proof_wipe(&p);
    assert_int_equal(base64_write(&base64, SPAN_OF(extra)), ERR_OK);
    assert_int_equal(
        bytes_printf(&text, V1 "extra %s\nindex 0\n" H "\n" NOTE, (const char *)base64.ptr),
        ERR_OK);
    assert_int_equal(tlog_proof_read(bytes_span(&text), &p), ERR_SIZE);
    bytes_free(&text);
    bytes_free(&base64);
    bytes_free(&file);
}

static void what_could_never_verify_is_not_written(void **state)
{
    struct bench *b = *state;
    struct merkle_proof shorter = b->path;
    struct bytes file = {0};

    shorter.count--;
    assert_int_equal(tlog_proof_write(EXTRA, INDEX, &shorter, bytes_span(&b->note), &file),
                     ERR_PROOF);
    assert_int_equal(tlog_proof_write(EXTRA, LEAVES, &b->path, bytes_span(&b->note), &file),
                     ERR_PROOF);
    assert_int_equal(tlog_proof_write(EXTRA, INDEX, &b->path, SPAN_STR("no note\n"), &file),
                     ERR_TRUNCATED);
    assert_null(file.ptr);
}

static const struct {
    const char *what;
    const char *from, *to;
} damages[] = {
    {"wrong index",       "index 42\n",        "index 43\n"            },
    {"index beyond size", "index 42\n",        "index 201\n"           },
    {"wrong size",        "\n201\n",           "\n200\n"               },
    {"larger size",       "\n201\n",           "\n202\n"               },
    {"another origin",    "\n" ORIGIN "\n201", "\ndemo/audit/2027\n201"},
    {"unknown key",       "\xe2\x80\x94 demo", "\xe2\x80\x94 dema"     },
};

static enum err verdict(const struct bench *b, struct span file)
{
    struct tlog_proof p = {0};
    enum err e = tlog_proof_read(file, &p);

    if (e == ERR_OK)
        e = tlog_proof_check(&p, leaves[INDEX], &b->log_key);
    tlog_proof_wipe(&p);
    return e;
}

static void every_named_damage_to_a_receipt_is_refused(void **state)
{
    struct bench *b = *state;
    struct bytes text = {0};

    assert_int_equal(verdict(b, bytes_span(&b->file)), ERR_OK);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        char *at;

        text.len = 0;
        assert_int_equal(bytes_printf(&text, "%.*s", (int)b->file.len, (const char *)b->file.ptr),
                         ERR_OK);
        at = strstr((char *)text.ptr, damages[i].from);
        assert_non_null(at);
        {
            struct bytes damaged = {0};

            assert_int_equal(
                bytes_append(&damaged, span_of(text.ptr, (size_t)(at - (char *)text.ptr))), ERR_OK);
            assert_int_equal(bytes_append(&damaged, span_text(damages[i].to)), ERR_OK);
            assert_int_equal(bytes_append(&damaged, span_text(at + strlen(damages[i].from))),
                             ERR_OK);
            if (verdict(b, bytes_span(&damaged)) == ERR_OK)
                fail_msg("%s: accepted", damages[i].what);
            bytes_free(&damaged);
        }
    }
    bytes_free(&text);
}

/* Writes the file by hand with these hashes, so that the writer's own care does not help. */
static enum err verdict_with_path(const struct bench *b, const struct merkle_proof *path)
{
    struct bytes file = {0}, base64 = {0};
    enum err e;

    assert_int_equal(bytes_append(&file, SPAN_STR(V1 "index 42\n")), ERR_OK);
    for (size_t i = 0; i < path->count; i++) {
        assert_int_equal(base64_write(&base64, SPAN_OF(path->hash[i])), ERR_OK);
        assert_int_equal(bytes_printf(&file, "%s\n", (const char *)base64.ptr), ERR_OK);
    }
    assert_int_equal(bytes_append(&file, SPAN_STR("\n")), ERR_OK);
    assert_int_equal(bytes_append(&file, bytes_span(&b->note)), ERR_OK);
    e = verdict(b, bytes_span(&file));
    bytes_free(&base64);
    bytes_free(&file);
    return e;
}

static void hashes_missing_added_or_swapped_are_refused(void **state)
{
    struct bench *b = *state;
    struct merkle_proof p = b->path;

    assert_int_equal(verdict_with_path(b, &p), ERR_OK);
    p.count = b->path.count - 1;
    assert_int_equal(verdict_with_path(b, &p), ERR_PROOF);
    p.count = b->path.count + 1;
    memcpy(p.hash[p.count - 1], p.hash[0], 32);
    assert_int_equal(verdict_with_path(b, &p), ERR_PROOF);
    for (size_t i = 1; i < b->path.count; i++) {
        p = b->path;
        memcpy(p.hash[i], b->path.hash[i - 1], 32);
        memcpy(p.hash[i - 1], b->path.hash[i], 32);
        assert_int_equal(verdict_with_path(b, &p), ERR_PROOF);
    }
}

static void every_single_byte_change_outside_extra_is_refused(void **state)
{
    static const uint8_t masks[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
    struct bench *b = *state;
    struct bytes file = {0}, shorter = {0};

    /* nobody signs the extra: a receipt without it shows that all the rest is bound */
    assert_int_equal(
        tlog_proof_write(span_of(NULL, 0), INDEX, &b->path, bytes_span(&b->note), &file), ERR_OK);
    assert_int_equal(verdict(b, bytes_span(&file)), ERR_OK);
    for (size_t at = 0; at < file.len; at++) {
        for (size_t i = 0; i < sizeof masks; i++) {
            file.ptr[at] ^= masks[i];
            if (verdict(b, bytes_span(&file)) == ERR_OK)
                fail_msg("byte %zu changed by %02x: still accepted", at, masks[i]);
            file.ptr[at] ^= masks[i];
        }
        assert_int_not_equal(verdict(b, span_of(file.ptr, at)), ERR_OK);
        shorter.len = 0;
        assert_int_equal(bytes_append(&shorter, span_of(file.ptr, at)), ERR_OK);
        assert_int_equal(bytes_append(&shorter, span_of(file.ptr + at + 1, file.len - at - 1)),
                         ERR_OK);
        assert_int_not_equal(verdict(b, bytes_span(&shorter)), ERR_OK);
    }
    bytes_free(&shorter);
    bytes_free(&file);
}

static void every_failed_allocation_comes_back_as_out_of_memory(void **state)
{
    struct bench *b = *state;
    enum err e = ERR_NOMEM;
    long n;

    for (n = 1; e == ERR_NOMEM; n++) {
        struct bytes file = {0};

        alloc_fail_after(n);
        e = tlog_proof_write(EXTRA, INDEX, &b->path, bytes_span(&b->note), &file);
        alloc_fail_after(-1);
        bytes_free(&file);
    }
    assert_int_equal(e, ERR_OK);
    assert_in_range(n, 10, 40);
    for (n = 1, e = ERR_NOMEM; e == ERR_NOMEM; n++) {
        struct tlog_proof p = {0};

        alloc_fail_after(n);
        e = tlog_proof_read(bytes_span(&b->file), &p);
        alloc_fail_after(-1);
        tlog_proof_wipe(&p);
    }
    assert_int_equal(e, ERR_OK);
    assert_in_range(n, 10, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_reads_back_verifies_and_is_written_again_as_it_was),
        cmocka_unit_test(a_receipt_begins_as_the_specification_says),
        cmocka_unit_test(a_log_of_one_leaf_has_a_receipt_without_hashes),
        cmocka_unit_test(another_leaf_key_origin_or_policy_is_refused),
        cmocka_unit_test(everything_but_the_one_form_is_refused),
        cmocka_unit_test(an_extra_has_a_limit_on_both_sides),
        cmocka_unit_test(what_could_never_verify_is_not_written),
        cmocka_unit_test(every_named_damage_to_a_receipt_is_refused),
        cmocka_unit_test(hashes_missing_added_or_swapped_are_refused),
        cmocka_unit_test(every_single_byte_change_outside_extra_is_refused),
        cmocka_unit_test(every_failed_allocation_comes_back_as_out_of_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
