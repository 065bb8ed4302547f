/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "journal_support.h"

#include "../../vectors/c2sp-notes.h"
#include "digest.h"
#include "failing_alloc.h"

#define ORIGIN "demo/audit/2026"
#define SIZE 12345
#define LOG_NOTE OTHER_BODY "\n" OTHER_LOG_LINE
#define FULL_NOTE LOG_NOTE OTHER_WITNESS_LINE

struct bench {
    struct secret_sign *log, *witness, *other;
    struct note_key log_key, witness_key;
    uint8_t root[32];
};

static int set_up(void **state)
{
    static struct bench b;

    b.log = key_of(1);
    b.witness = key_of(2);
    b.other = key_of(3);
    b.log_key = note_key_of(b.log, ORIGIN, NOTE_SIGNED);
    b.witness_key = note_key_of(b.witness, "witness.example/w1", NOTE_COSIGNED);
    sha256(SPAN_STR("a root"), b.root);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    secret_sign_free(b->log);
    secret_sign_free(b->witness);
    secret_sign_free(b->other);
    return 0;
}

static enum err read_text(const char *text)
{
    struct checkpoint c;

    return checkpoint_read(span_text(text), &c);
}

static void assert_text(const struct bytes *got, const char *expected)
{
    assert_int_equal(got->len, strlen(expected));
    assert_memory_equal(got->ptr, expected, got->len);
}

static void a_checkpoint_of_the_go_checksum_database_verifies(void **state)
{
    struct note_key key;
    struct checkpoint c;

    (void)state;
    assert_int_equal(note_key_read(SPAN_STR(GOLANG_VKEY), &key), ERR_OK);
    assert_int_equal(checkpoint_read(SPAN_STR(GOLANG_NOTE), &c), ERR_OK);
    assert_true(span_equal(c.origin, SPAN_STR("go.sum database tree")));
    assert_int_equal(c.size, 20852163);
    assert_int_equal(c.line_count, 1);
    assert_memory_equal(c.lines[0].id, key.id, sizeof key.id);
    assert_int_equal(verify_note(&key.pk, c.body, c.lines[0].blob), ERR_OK);
    /* its key is not named like its origin, so it is no log of ours */
    assert_int_equal(checkpoint_verify(&c, &key), ERR_KEY_UNKNOWN);
}

static void a_note_is_byte_for_byte_the_one_another_implementation_signed(void **state)
{
    struct bench *b = *state;
    struct bytes note = {0}, line = {0}, full = {0}, again = {0};
    struct checkpoint c;

    assert_int_equal(checkpoint_sign(SPAN_STR(ORIGIN), SIZE, b->root, b->log, &note), ERR_OK);
    assert_text(&note, LOG_NOTE);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    assert_int_equal(
        checkpoint_cosign(&c, SPAN_STR("witness.example/w1"), OTHER_TIME_S, b->witness, &line),
        ERR_OK);
    assert_text(&line, OTHER_WITNESS_LINE);
    assert_int_equal(checkpoint_add_line(&c, bytes_span(&line), &b->witness_key, &full), ERR_OK);
    assert_text(&full, FULL_NOTE);
    assert_int_equal(checkpoint_sign(SPAN_STR(ORIGIN), SIZE, b->root, b->log, &again), ERR_OK);
    assert_true(span_equal(bytes_span(&again), bytes_span(&note)));
    bytes_free(&again);
    bytes_free(&full);
    bytes_free(&line);
    bytes_free(&note);
}

static void a_note_reads_back_as_what_was_signed(void **state)
{
    struct bench *b = *state;
    struct checkpoint c;
    uint64_t time_s = 0;

    assert_int_equal(checkpoint_read(SPAN_STR(FULL_NOTE), &c), ERR_OK);
    assert_true(span_equal(c.origin, SPAN_STR(ORIGIN)));
    assert_true(span_equal(c.body, SPAN_STR(OTHER_BODY)));
    assert_int_equal(c.size, SIZE);
    assert_memory_equal(c.root, b->root, sizeof c.root);
    assert_int_equal(c.line_count, 2);
    assert_int_equal(checkpoint_verify(&c, &b->log_key), ERR_OK);
    assert_int_equal(checkpoint_verify_cosigned(&c, &b->witness_key, &time_s), ERR_OK);
    assert_int_equal(time_s, OTHER_TIME_S);
    assert_int_equal(checkpoint_verify_cosigned(&c, &b->witness_key, NULL), ERR_OK);
}

static void vkeys_of_others_are_read_and_written_back(void **state)
{
    static const char *const vkeys[] = {GOLANG_VKEY, SIGNED_VKEY, COSIGNED_VKEY, OTHER_LOG_VKEY,
                                        OTHER_WITNESS_VKEY};

    (void)state;
    for (size_t i = 0; i < sizeof vkeys / sizeof vkeys[0]; i++) {
        struct bytes text = {0};
        struct note_key k;

        assert_int_equal(note_key_read(span_text(vkeys[i]), &k), ERR_OK);
        assert_int_equal(note_key_write(&k, &text), ERR_OK);
        assert_text(&text, vkeys[i]);
        bytes_free(&text);
    }
}

static void a_vkey_with_a_slip_in_it_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err e;
    } bad[] = {
        {"",                                                                    ERR_TEXT_FORM  },
        {"PeterNeumann",                                                        ERR_TEXT_FORM  },
        {"PeterNeumann+c74f20a3",                                               ERR_TEXT_FORM  },
        {"PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",   ERR_TEXT_FORM  },
        {"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  ERR_TEXT_FORM  },
        {"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",   ERR_TEXT_FORM  },
        {"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW+", ERR_TEXT_FORM  },
        {"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TX",  ERR_FIELD_VALUE},
        {"PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",   ERR_FIELD_VALUE},
        {"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",              ERR_FIELD_VALUE},
        {"PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  ERR_UNSUPPORTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct note_key k;

        if (note_key_read(span_text(bad[i].text), &k) != bad[i].e)
            fail_msg("vkey %s", bad[i].text);
    }
}

static void key_names_have_no_space_plus_or_control_character(void **state)
{
    static const char *const bad[] = {"",
                                      "a b",
                                      "a+b",
                                      "a\tb",
                                      "a\nb",
                                      "a\xc2\xa0",
                                      "\xc2\x85",
                                      "\xe1\x9a\x80",
                                      "\xe2\x80\x80",
                                      "\xe2\x80\x8a",
                                      "\xe2\x80\xa8",
                                      "\xe2\x80\xa9",
                                      "\xe2\x80\xaf",
                                      "\xe2\x81\x9f",
                                      "\xe3\x80\x80",
                                      "\xff",
                                      "a\xe2\x80"};
    static const char *const good[] = {
        "a",           "demo/audit/2026", "\xc3\xa9t\xc3\xa9", "\xe2\x80\x94", "\xe2\x80\x8b",
        "\xe3\x80\x81"};
    char longest[NOTE_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (note_name_check(span_text(bad[i])) != ERR_FIELD_VALUE)
            fail_msg("name %zu is accepted", i);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(note_name_check(span_text(good[i])), ERR_OK);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(note_name_check(span_of(longest, NOTE_NAME_MAX)), ERR_OK);
    assert_int_equal(note_name_check(span_of(longest, NOTE_NAME_MAX + 1)), ERR_FIELD_VALUE);
}

#define ROOT64 "ULMS9cvHFnWfViDXOnzBFBVwc0n0Gwzgt897eAfsMdo="

static void everything_but_the_one_form_is_refused(void **state)
{
    static const struct {
        const char *what, *text;
        enum err e;
    } bad[] = {
        {"nothing",           "",                                                       ERR_TRUNCATED},
        {"no newline",        "a",                                                      ERR_TRUNCATED},
        {"empty origin",      "\n5\n" ROOT64 "\n\n" OTHER_LOG_LINE,                     ERR_TEXT_FORM},
        {"no size",           "a\n",                                                    ERR_TRUNCATED},
        {"empty size",        "a\n\n" ROOT64 "\n\n" OTHER_LOG_LINE,                     ERR_TEXT_FORM},
        {"leading zero",      "a\n05\n" ROOT64 "\n\n" OTHER_LOG_LINE,                   ERR_TEXT_FORM},
        {"double zero",       "a\n00\n" ROOT64 "\n\n" OTHER_LOG_LINE,                   ERR_TEXT_FORM},
        {"plus sign",         "a\n+5\n" ROOT64 "\n\n" OTHER_LOG_LINE,                   ERR_TEXT_FORM},
        {"minus sign",        "a\n-5\n" ROOT64 "\n\n" OTHER_LOG_LINE,                   ERR_TEXT_FORM},
        {"hex",               "a\n0x5\n" ROOT64 "\n\n" OTHER_LOG_LINE,                  ERR_TEXT_FORM},
        {"space after size",  "a\n5 \n" ROOT64 "\n\n" OTHER_LOG_LINE,                   ERR_TEXT_FORM},
        {"size 2^62 + 1",     "a\n4611686018427387905\n" ROOT64 "\n\n" OTHER_LOG_LINE,  ERR_RANGE    },
        {"size 2^64",         "a\n18446744073709551616\n" ROOT64 "\n\n" OTHER_LOG_LINE, ERR_RANGE    },
        {"huge size",         "a\n99999999999999999999999999999\n" ROOT64 "\n\n",       ERR_RANGE    },
        {"no root",           "a\n5\n",                                                 ERR_TRUNCATED},
        {"empty root",        "a\n5\n\n\n" OTHER_LOG_LINE,                              ERR_TEXT_FORM},
        {"short root",        "a\n5\nAAAA\n\n" OTHER_LOG_LINE,                          ERR_TEXT_FORM},
        {"33 bytes of root",  "a\n5\nAc4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8\n\n",
         ERR_TEXT_FORM                                                                               },
        {"root bits beyond",  "a\n5\nULMS9cvHFnWfViDXOnzBFBVwc0n0Gwzgt897eAfsMdp=\n\n",
         ERR_TEXT_FORM                                                                               },
        {"extension line",    "a\n5\n" ROOT64 "\next\n\n" OTHER_LOG_LINE,               ERR_TEXT_FORM},
        {"no blank line",     "a\n5\n" ROOT64 "\n" OTHER_LOG_LINE,                      ERR_TEXT_FORM},
        {"no signature",      "a\n5\n" ROOT64 "\n\n",                                   ERR_TRUNCATED},
        {"nor blank",         "a\n5\n" ROOT64 "\n",                                     ERR_TRUNCATED},
        {"line without end",  "a\n5\n" ROOT64 "\n\n" DASH "a AAAAAAAA",                 ERR_TRUNCATED},
        {"hyphen for dash",   "a\n5\n" ROOT64 "\n\n- a AAAAAAAA\n",                     ERR_TEXT_FORM},
        {"no name",           "a\n5\n" ROOT64 "\n\n" DASH " AAAAAAAA\n",                ERR_TEXT_FORM},
        {"name with plus",    "a\n5\n" ROOT64 "\n\n" DASH "a+b AAAAAAAA\n",             ERR_TEXT_FORM},
        {"name only",         "a\n5\n" ROOT64 "\n\n" DASH "a\n",                        ERR_TEXT_FORM},
        {"no base64",         "a\n5\n" ROOT64 "\n\n" DASH "a \n",                       ERR_TEXT_FORM},
        {"bad base64",        "a\n5\n" ROOT64 "\n\n" DASH "a A*AAAAAA\n",               ERR_TEXT_FORM},
        {"unpadded base64",   "a\n5\n" ROOT64 "\n\n" DASH "a AAAAAAA\n",                ERR_TEXT_FORM},
        {"key id alone",      "a\n5\n" ROOT64 "\n\n" DASH "a AAAAAA==\n",               ERR_TEXT_FORM},
        {"second blank line", "a\n5\n" ROOT64 "\n\n\n" DASH "a AAAAAAAA\n",             ERR_TEXT_FORM},
        {"blank line at end", LOG_NOTE "\n",                                            ERR_TEXT_FORM},
        {"text at end",       LOG_NOTE "x",                                             ERR_TRUNCATED},
        {"carriage return",   "a\r\n5\n" ROOT64 "\n\n" OTHER_LOG_LINE,                  ERR_UTF8     },
        {"tab",               "a\tb\n5\n" ROOT64 "\n\n" OTHER_LOG_LINE,                 ERR_UTF8     },
        {"not utf-8",         "a\xff\n5\n" ROOT64 "\n\n" OTHER_LOG_LINE,                ERR_UTF8     },
        {"overlong utf-8",    "a\xc0\xaf\n5\n" ROOT64 "\n\n" OTHER_LOG_LINE,            ERR_UTF8     },
    };
    static const char nul[] = "a\0b\n5\n" ROOT64 "\n\n" OTHER_LOG_LINE;
    struct checkpoint c;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_text(bad[i].text) != bad[i].e)
            fail_msg("%s: %s", bad[i].what, err_name(read_text(bad[i].text)));
    assert_int_equal(checkpoint_read(span_of(nul, sizeof nul - 1), &c), ERR_UTF8);
    assert_int_equal(checkpoint_read(span_of(NULL, 0), &c), ERR_TRUNCATED);
    assert_int_equal(read_text("a\n0\n" ROOT64 "\n\n" OTHER_LOG_LINE), ERR_OK);
    assert_int_equal(read_text("a b\n4611686018427387904\n" ROOT64 "\n\n" OTHER_LOG_LINE), ERR_OK);
}

static void sizes_and_counts_are_bounded(void **state)
{
    struct bytes note = {0};
    struct checkpoint c;
    char origin[NOTE_NAME_MAX + 2];

    (void)state;
    assert_int_equal(bytes_append(&note, SPAN_STR(OTHER_BODY "\n")), ERR_OK);
    for (int i = 0; i < NOTE_SIGNATURES_MAX; i++)
        assert_int_equal(bytes_append(&note, SPAN_STR(OTHER_WITNESS_LINE)), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    assert_int_equal(c.line_count, NOTE_SIGNATURES_MAX);
    assert_int_equal(bytes_append(&note, SPAN_STR(OTHER_WITNESS_LINE)), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_ITEMS);
    while (note.len <= NOTE_MAX)
        assert_int_equal(bytes_append(&note, SPAN_STR(OTHER_WITNESS_LINE)), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_SIZE);
    note.len = 0;
    memset(origin, 'o', sizeof origin);
    assert_int_equal(
        bytes_printf(&note, "%.*s\n5\n" ROOT64 "\n\n" OTHER_LOG_LINE, NOTE_NAME_MAX + 1, origin),
        ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_SIZE);
    bytes_free(&note);
}

static void a_long_unknown_signature_is_carried_and_ignored(void **state)
{
    struct bench *b = *state;
    struct bytes note = {0}, base64 = {0};
    uint8_t post_quantum[2432] = {1, 2, 3, 4};
    struct checkpoint c;

    assert_int_equal(base64_write(&base64, SPAN_OF(post_quantum)), ERR_OK);
    assert_int_equal(
        bytes_printf(&note, "%s" DASH "demo/audit/2026 %s\n", LOG_NOTE, (const char *)base64.ptr),
        ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    assert_int_equal(c.lines[1].blob_len, sizeof post_quantum - 4);
    assert_int_equal(checkpoint_verify(&c, &b->log_key), ERR_OK);
    bytes_free(&base64);
    bytes_free(&note);
}

static void only_name_and_id_together_make_a_known_key(void **state)
{
    struct bench *b = *state;
    struct note_key same_name = note_key_of(b->other, ORIGIN, NOTE_SIGNED);
    struct note_key same_key_other_name = note_key_of(b->log, "elsewhere", NOTE_SIGNED);
    struct note_key cosigner_as_log = note_key_of(b->log, ORIGIN, NOTE_COSIGNED);
    struct note_key log_as_cosigner = note_key_of(b->witness, "witness.example/w1", NOTE_SIGNED);
    struct note_key unknown = note_key_of(b->other, "witness.example/w1", NOTE_COSIGNED);
    struct checkpoint c;
    uint64_t time_s = 42;

    assert_int_equal(checkpoint_read(SPAN_STR(FULL_NOTE), &c), ERR_OK);
    assert_int_equal(checkpoint_verify(&c, &same_name), ERR_KEY_UNKNOWN);
    assert_int_equal(checkpoint_verify(&c, &same_key_other_name), ERR_KEY_UNKNOWN);
    assert_int_equal(checkpoint_verify(&c, &cosigner_as_log), ERR_KEY_UNKNOWN);
    assert_int_equal(checkpoint_verify(&c, &log_as_cosigner), ERR_KEY_UNKNOWN);
    assert_int_equal(checkpoint_verify_cosigned(&c, &unknown, &time_s), ERR_KEY_UNKNOWN);
    assert_int_equal(checkpoint_verify_cosigned(&c, &b->log_key, &time_s), ERR_KEY_UNKNOWN);
    assert_int_equal(time_s, 42);
}

/* A note whose second line is of `key`, with these bytes after the key id. */
static enum err verdict_on(const struct note_key *key, const uint8_t *blob, size_t blob_len)
{
    uint8_t raw[NOTE_KEY_ID_BYTES + 100];
    struct bytes note = {0}, base64 = {0};
    struct checkpoint c;
    enum err e;

    memcpy(raw, key->id, sizeof key->id);
    memcpy(raw + sizeof key->id, blob, blob_len);
    assert_int_equal(base64_write(&base64, span_of(raw, sizeof key->id + blob_len)), ERR_OK);
    assert_int_equal(
        bytes_printf(&note, "%s" DASH "%s %s\n", LOG_NOTE, key->name, (const char *)base64.ptr),
        ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    e = key->kind == NOTE_SIGNED ? checkpoint_verify(&c, key)
                                 : checkpoint_verify_cosigned(&c, key, NULL);
    bytes_free(&base64);
    bytes_free(&note);
    return e;
}

static void a_wrong_line_of_a_known_key_condemns_the_note(void **state)
{
    struct bench *b = *state;
    uint8_t blob[100] = {0};

    for (size_t n = 1; n <= sizeof blob; n++) { /* the first line is good, the second is not */
        assert_int_equal(verdict_on(&b->log_key, blob, n), ERR_CHECKPOINT);
        assert_int_equal(verdict_on(&b->witness_key, blob, n), ERR_CHECKPOINT);
    }
}

static void a_cosignature_binds_its_time_and_the_time_has_a_limit(void **state)
{
    struct bench *b = *state;
    struct bytes line = {0}, full = {0};
    struct checkpoint c, with;
    uint8_t blob[72];

    assert_int_equal(checkpoint_read(SPAN_STR(FULL_NOTE), &with), ERR_OK);
    memcpy(blob, with.lines[1].blob, sizeof blob);
    assert_int_equal(verdict_on(&b->witness_key, blob, sizeof blob), ERR_OK);
    blob[7] ^= 1; /* a second later */
    assert_int_equal(verdict_on(&b->witness_key, blob, sizeof blob), ERR_CHECKPOINT);

    assert_int_equal(checkpoint_read(SPAN_STR(LOG_NOTE), &c), ERR_OK);
    assert_int_equal(
        checkpoint_cosign(&c, SPAN_STR("w"), (uint64_t)NOTE_TIME_MAX + 1, b->witness, &line),
        ERR_RANGE);
    assert_int_equal(
        checkpoint_cosign(&c, SPAN_STR("witness.example/w1"), NOTE_TIME_MAX, b->witness, &line),
        ERR_OK);
    assert_int_equal(checkpoint_add_line(&c, bytes_span(&line), &b->witness_key, &full), ERR_OK);
    bytes_free(&full);
    bytes_free(&line);
}

static void a_time_above_the_limit_is_refused_even_if_signed(void **state)
{
    struct bench *b = *state;
    struct bytes text = {0};
    uint8_t blob[72] = {0x80};

    assert_int_equal(
        bytes_printf(&text, "cosignature/v1\ntime 9223372036854775808\n%s", OTHER_BODY), ERR_OK);
    assert_int_equal(sign_note(b->witness, bytes_span(&text), blob + 8), ERR_OK);
    assert_int_equal(verdict_on(&b->witness_key, blob, sizeof blob), ERR_CHECKPOINT);
    bytes_free(&text);
}

static void the_newest_of_several_cosignatures_counts(void **state)
{
    struct bench *b = *state;
    struct bytes line = {0}, note = {0};
    struct checkpoint c;
    uint64_t time_s = 0;

    assert_int_equal(checkpoint_read(SPAN_STR(FULL_NOTE), &c), ERR_OK);
    assert_int_equal(
        checkpoint_cosign(&c, SPAN_STR("witness.example/w1"), OTHER_TIME_S - 60, b->witness, &line),
        ERR_OK);
    assert_int_equal(bytes_append(&note, SPAN_STR(FULL_NOTE)), ERR_OK);
    assert_int_equal(bytes_append(&note, bytes_span(&line)), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    assert_int_equal(checkpoint_verify_cosigned(&c, &b->witness_key, &time_s), ERR_OK);
    assert_int_equal(time_s, OTHER_TIME_S);
    bytes_free(&note);
    bytes_free(&line);
}

static void a_line_is_added_only_once_and_only_if_it_verifies(void **state)
{
    struct bench *b = *state;
    struct note_key log_line_key = b->log_key;
    struct bytes out = {0}, full = {0};
    struct checkpoint c, with;
    char forged[] = OTHER_WITNESS_LINE;
    static const char two[] = OTHER_WITNESS_LINE OTHER_WITNESS_LINE;

    assert_int_equal(checkpoint_read(SPAN_STR(LOG_NOTE), &c), ERR_OK);
    assert_int_equal(checkpoint_read(SPAN_STR(FULL_NOTE), &with), ERR_OK);
    assert_int_equal(
        checkpoint_add_line(&with, SPAN_STR(OTHER_WITNESS_LINE), &b->witness_key, &out),
        ERR_EXISTS);
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR(two), &b->witness_key, &out), ERR_TRAILING);
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR("x"), &b->witness_key, &out), ERR_TRUNCATED);
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR("x\n"), &b->witness_key, &out),
                     ERR_TEXT_FORM);
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR(OTHER_LOG_LINE), &b->witness_key, &out),
                     ERR_KEY_UNKNOWN);
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR(OTHER_LOG_LINE), &log_line_key, &out),
                     ERR_KEY_UNKNOWN);
    forged[60] = forged[60] == 'A' ? 'B' : 'A';
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR(forged), &b->witness_key, &out),
                     ERR_CHECKPOINT);
    assert_null(out.ptr);

    /* the buffer that the checkpoint borrows from may be the result */
    assert_int_equal(bytes_copy(&full, SPAN_STR(LOG_NOTE)), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&full), &c), ERR_OK);
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR(OTHER_WITNESS_LINE), &b->witness_key, &full),
                     ERR_OK);
    assert_text(&full, FULL_NOTE);
    bytes_free(&full);
}

static void a_full_note_takes_no_more_lines(void **state)
{
    struct bench *b = *state;
    struct bytes note = {0}, out = {0};
    struct checkpoint c;
    char filler[2501];

    assert_int_equal(checkpoint_read(SPAN_STR(LOG_NOTE), &c), ERR_OK);
    assert_int_equal(bytes_append(&note, SPAN_STR(LOG_NOTE)), ERR_OK);
    for (int i = 1; i < NOTE_SIGNATURES_MAX; i++)
        assert_int_equal(bytes_append(&note, SPAN_STR(DASH "unknown AAAAAAAA\n")), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR(OTHER_WITNESS_LINE), &b->witness_key, &out),
                     ERR_ITEMS);
    note.len = 0;
    memset(filler, 'A', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    assert_int_equal(
        bytes_printf(&note, "%s" DASH "u %s\n" DASH "u %.1320s\n", LOG_NOTE, filler, filler),
        ERR_OK);
    assert_in_range(note.len, NOTE_MAX - 150, NOTE_MAX);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    assert_int_equal(checkpoint_add_line(&c, SPAN_STR(OTHER_WITNESS_LINE), &b->witness_key, &out),
                     ERR_SIZE);
    bytes_free(&note);
}

static void the_short_form_of_the_wire_gives_the_same_note(void **state)
{
    struct bench *b = *state;
    struct bytes note = {0}, body = {0};
    struct checkpoint c;
    uint8_t sig[64];

    assert_int_equal(checkpoint_read(SPAN_STR(FULL_NOTE), &c), ERR_OK);
    assert_int_equal(checkpoint_signature(&c, &b->log_key, sig), ERR_OK);
    assert_int_equal(checkpoint_signature(&c, &b->witness_key, sig), ERR_KEY_UNKNOWN);
    assert_int_equal(checkpoint_assemble(SPAN_STR(ORIGIN), SIZE, b->root,
                                         secret_sign_public(b->log), sig, &note),
                     ERR_OK);
    assert_text(&note, LOG_NOTE);
    assert_int_equal(checkpoint_body(SPAN_STR(ORIGIN), SIZE, b->root, &body), ERR_OK);
    assert_text(&body, OTHER_BODY);
    bytes_free(&body);
    bytes_free(&note);
}

static void what_cannot_be_a_note_is_not_signed(void **state)
{
    struct bench *b = *state;
    struct bytes out = {0};
    const uint8_t sig[64] = {0};

    assert_int_equal(checkpoint_sign(SPAN_STR("a b"), 1, b->root, b->log, &out), ERR_FIELD_VALUE);
    assert_int_equal(checkpoint_sign(SPAN_STR(""), 1, b->root, b->log, &out), ERR_FIELD_VALUE);
    assert_int_equal(checkpoint_sign(SPAN_STR("a"), MERKLE_SIZE_MAX + 1, b->root, b->log, &out),
                     ERR_RANGE);
    assert_int_equal(checkpoint_body(SPAN_STR("a\nb"), 1, b->root, &out), ERR_FIELD_VALUE);
    assert_int_equal(checkpoint_assemble(SPAN_STR("a+b"), 1, b->root, &b->log_key.pk, sig, &out),
                     ERR_FIELD_VALUE);
    assert_int_equal(
        checkpoint_assemble(SPAN_STR("a"), UINT64_MAX, b->root, &b->log_key.pk, sig, &out),
        ERR_RANGE);
    assert_null(out.ptr);
}

/* What every changed note must be: unreadable, or without the log's good signature. */
static void assert_worthless(struct span note, const struct bench *b, size_t at)
{
    struct checkpoint c;

    if (checkpoint_read(note, &c) == ERR_OK && checkpoint_verify(&c, &b->log_key) == ERR_OK)
        fail_msg("byte %zu changed: still accepted", at);
}

static void every_single_byte_change_of_a_note_is_refused(void **state)
{
    static const uint8_t masks[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
    struct bench *b = *state;
    char note[] = LOG_NOTE;
    size_t n = sizeof note - 1;
    struct bytes shorter = {0};

    for (size_t at = 0; at < n; at++) {
        for (size_t i = 0; i < sizeof masks; i++) {
            note[at] = (char)(note[at] ^ masks[i]);
            assert_worthless(span_of(note, n), b, at);
            note[at] = (char)(note[at] ^ masks[i]);
        }
        assert_worthless(span_of(note, at), b, at); /* cut off here */
        shorter.len = 0;                            /* this byte missing */
        assert_int_equal(bytes_append(&shorter, span_of(note, at)), ERR_OK);
        assert_int_equal(bytes_append(&shorter, span_of(note + at + 1, n - at - 1)), ERR_OK);
        assert_worthless(bytes_span(&shorter), b, at);
    }
    bytes_free(&shorter);
}

static enum err make_everything(const struct bench *b, struct bytes *note, struct bytes *vkey)
{
    struct bytes line = {0};
    struct checkpoint c;
    struct note_key k;
    enum err e;

    if ((e = checkpoint_sign(SPAN_STR(ORIGIN), SIZE, b->root, b->log, note)))
        goto out;
    if ((e = checkpoint_read(bytes_span(note), &c)))
        goto out;
    if ((e = checkpoint_cosign(&c, SPAN_STR("witness.example/w1"), 1, b->witness, &line)))
        goto out;
    if ((e = checkpoint_add_line(&c, bytes_span(&line), &b->witness_key, note)))
        goto out;
    if ((e = checkpoint_assemble(SPAN_STR(ORIGIN), SIZE, b->root, &b->log_key.pk,
                                 (const uint8_t[64]){0}, &line)))
        goto out;
    if ((e = note_key_write(&b->log_key, vkey)))
        goto out;
    e = note_key_read(SPAN_STR(OTHER_LOG_VKEY), &k);
out:
    bytes_free(&line);
    return e;
}

static void every_failed_allocation_comes_back_as_out_of_memory(void **state)
{
    struct bench *b = *state;
    struct bytes note = {0}, vkey = {0};
    enum err e = ERR_NOMEM;
    long n;

    for (n = 1; e == ERR_NOMEM; n++) {
        bytes_free(&note);
        bytes_free(&vkey);
        alloc_fail_after(n);
        e = make_everything(b, &note, &vkey);
        alloc_fail_after(-1);
    }
    assert_int_equal(e, ERR_OK);
    assert_in_range(n, 15, 60);
    bytes_free(&note);
    bytes_free(&vkey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_of_the_go_checksum_database_verifies),
        cmocka_unit_test(a_note_is_byte_for_byte_the_one_another_implementation_signed),
        cmocka_unit_test(a_note_reads_back_as_what_was_signed),
        cmocka_unit_test(vkeys_of_others_are_read_and_written_back),
        cmocka_unit_test(a_vkey_with_a_slip_in_it_is_refused),
        cmocka_unit_test(key_names_have_no_space_plus_or_control_character),
        cmocka_unit_test(everything_but_the_one_form_is_refused),
        cmocka_unit_test(sizes_and_counts_are_bounded),
        cmocka_unit_test(a_long_unknown_signature_is_carried_and_ignored),
        cmocka_unit_test(only_name_and_id_together_make_a_known_key),
        cmocka_unit_test(a_wrong_line_of_a_known_key_condemns_the_note),
        cmocka_unit_test(a_cosignature_binds_its_time_and_the_time_has_a_limit),
        cmocka_unit_test(a_time_above_the_limit_is_refused_even_if_signed),
        cmocka_unit_test(the_newest_of_several_cosignatures_counts),
        cmocka_unit_test(a_line_is_added_only_once_and_only_if_it_verifies),
        cmocka_unit_test(a_full_note_takes_no_more_lines),
        cmocka_unit_test(the_short_form_of_the_wire_gives_the_same_note),
        cmocka_unit_test(what_cannot_be_a_note_is_not_signed),
        cmocka_unit_test(every_single_byte_change_of_a_note_is_refused),
        cmocka_unit_test(every_failed_allocation_comes_back_as_out_of_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
