/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "journal_support.h"

#include "failing_alloc.h"
#include "trust.h"

#define ORIGIN "demo/audit/2026"
#define ORG1 "000102030405060708090a0b0c0d0e0f"
#define ORG2 "f00102030405060708090a0b0c0d0e0f"

/* Keys by number: 1 and 2 are logs', 11 to 15 witnesses', 21 and 22 members'. */
struct bench {
    struct secret_sign *log, *log2, *witness[5], *member;
    struct bytes log_vkey, log2_vkey, witness_vkey[5];
    struct bytes kid, member64;
    struct bytes text; /* a policy with everything in it */
};

static struct bytes vkey_of(const struct secret_sign *key, const char *name, enum note_kind kind)
{
    struct note_key k = note_key_of(key, name, kind);
    struct bytes text = {0};

    assert_int_equal(note_key_write(&k, &text), ERR_OK);
    return text;
}

static const char *text_of(const struct bytes *b)
{
    return (const char *)b->ptr;
}

static int set_up(void **state)
{
    static const char *const names[] = {"w1.example", "w2.example", "w3.example", "w4.example",
                                        "w5.example"};
    static struct bench b;
    uint8_t kid[KID_BYTES];

    b.log = key_of(1);
    b.log2 = key_of(2);
    b.log_vkey = vkey_of(b.log, ORIGIN, NOTE_SIGNED);
    b.log2_vkey = vkey_of(b.log2, ORIGIN, NOTE_SIGNED);
    for (uint8_t i = 0; i < 5; i++) {
        b.witness[i] = key_of((uint8_t)(11 + i));
        b.witness_vkey[i] = vkey_of(b.witness[i], names[i], NOTE_COSIGNED);
    }
    b.member = key_of(21);
    sign_kid(secret_sign_public(b.member), kid);
    assert_int_equal(hex_write(&b.kid, SPAN_OF(kid)), ERR_OK);
    assert_int_equal(base64_write(&b.member64, SPAN_OF(secret_sign_public(b.member)->b)), ERR_OK);
    assert_int_equal(bytes_printf(&b.text,
                                  "# trust of an auditor\n\n"
                                  "log %s https://hub.example/audit\n"
                                  "\tlog  %s \n"
                                  "witness W1 %s\n"
                                  "witness W2 %s https://w2.example/\n"
                                  "witness W3 %s\n"
                                  "witness W4 %s\n"
                                  "witness W5 %s\n"
                                  "group three 3 W1 W2 W3 W4\n"
                                  "group all any three W5\n"
                                  "quorum all\n"
                                  "org " ORG1 " EHPAD Les  Glycines\n"
                                  "org " ORG2 " H\xc3\xb4pital\n"
                                  "key " ORG1 " %s %s\n",
                                  text_of(&b.log_vkey), text_of(&b.log2_vkey),
                                  text_of(&b.witness_vkey[0]), text_of(&b.witness_vkey[1]),
                                  text_of(&b.witness_vkey[2]), text_of(&b.witness_vkey[3]),
                                  text_of(&b.witness_vkey[4]), text_of(&b.kid),
                                  text_of(&b.member64)),
                     ERR_OK);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    secret_sign_free(b->log);
    secret_sign_free(b->log2);
    secret_sign_free(b->member);
    bytes_free(&b->log_vkey);
    bytes_free(&b->log2_vkey);
    for (size_t i = 0; i < 5; i++) {
        secret_sign_free(b->witness[i]);
        bytes_free(&b->witness_vkey[i]);
    }
    bytes_free(&b->kid);
    bytes_free(&b->member64);
    bytes_free(&b->text);
    return 0;
}

/* A note of this log over some head, cosigned by the witnesses of the mask at time 1000 + i. */
static struct bytes note_by(const struct bench *b, const struct secret_sign *log, unsigned mask)
{
    static const char *const names[] = {"w1.example", "w2.example", "w3.example", "w4.example",
                                        "w5.example"};
    struct bytes note = {0}, line = {0};
    struct checkpoint c;
    hash32 root = {7};

    assert_int_equal(checkpoint_sign(SPAN_STR(ORIGIN), 9, root, log, &note), ERR_OK);
    for (unsigned i = 0; i < 5; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
        assert_int_equal(checkpoint_cosign(&c, span_text(names[i]), 1000 + i, b->witness[i], &line),
                         ERR_OK);
        assert_int_equal(bytes_append(&note, bytes_span(&line)), ERR_OK);
    }
    bytes_free(&line);
    return note;
}

static struct trust *policy_of(const char *text)
{
    struct trust *t = NULL;
    unsigned line = 99;

    if (trust_read(span_text(text), &t, &line) != ERR_OK)
        fail_msg("line %u is refused", line);
    assert_int_equal(line, 0);
    return t;
}

static void a_policy_answers_what_its_lines_say(void **state)
{
    struct bench *b = *state;
    struct trust *t = NULL;
    uint8_t org[TRUST_ORG_BYTES], kid[KID_BYTES];
    struct sign_public pk;

    assert_int_equal(trust_read(bytes_span(&b->text), &t, NULL), ERR_OK);
    assert_int_equal(trust_log_count(t), 2);
    assert_string_equal(trust_log(t, 0)->name, ORIGIN);
    assert_memory_equal(trust_log(t, 1)->pk.b, secret_sign_public(b->log2)->b, KEY_BYTES);
    assert_null(trust_log(t, 2));
    assert_int_equal(trust_witness_count(t), 5);
    assert_string_equal(trust_witness_name(t, 1), "W2");
    assert_string_equal(trust_witness(t, 1)->name, "w2.example");
    assert_null(trust_witness(t, 5));
    assert_null(trust_witness_name(t, 5));

    assert_int_equal(hex_read_fixed(org, sizeof org, SPAN_STR(ORG1)), ERR_OK);
    sign_kid(secret_sign_public(b->member), kid);
    assert_string_equal(trust_org_name(t, org), "EHPAD Les  Glycines");
    assert_int_equal(trust_org_key(t, org, kid, &pk), ERR_OK);
    assert_memory_equal(pk.b, secret_sign_public(b->member)->b, KEY_BYTES);
    kid[0] ^= 1;
    assert_int_equal(trust_org_key(t, org, kid, &pk), ERR_KEY_UNKNOWN);
    kid[0] ^= 1;
    assert_int_equal(hex_read_fixed(org, sizeof org, SPAN_STR(ORG2)), ERR_OK);
    assert_string_equal(trust_org_name(t, org), "H\xc3\xb4pital");
    assert_int_equal(trust_org_key(t, org, kid, &pk), ERR_KEY_UNKNOWN);
    org[0] = 0x55;
    assert_null(trust_org_name(t, org));
    trust_free(t);
}

static void the_quorum_is_met_by_exactly_the_sets_the_groups_name(void **state)
{
    struct bench *b = *state;
    struct trust *t = NULL;

    assert_int_equal(trust_read(bytes_span(&b->text), &t, NULL), ERR_OK);
    for (uint32_t set = 0; set < 32; set++) {
        int of_four = __builtin_popcount(set & 15);

        assert_int_equal(trust_quorum(t, set), of_four >= 3 || (set & 16) != 0);
    }
    trust_free(t);
}

static void a_checkpoint_is_graded_by_who_signed_it(void **state)
{
    struct bench *b = *state;
    struct trust *t = NULL;

    assert_int_equal(trust_read(bytes_span(&b->text), &t, NULL), ERR_OK);
    for (unsigned mask = 0; mask < 32; mask++) {
        struct bytes note = note_by(b, mask & 1 ? b->log2 : b->log, mask);
        struct trust_verdict v;
        struct checkpoint c;

        assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
        assert_int_equal(trust_checkpoint(t, &c, &v), ERR_OK);
        assert_int_equal(v.log, mask & 1);
        assert_int_equal(v.witnesses, mask);
        assert_int_equal(v.cosigned, __builtin_popcount(mask));
        assert_int_equal(v.quorum_met, trust_quorum(t, mask));
        assert_int_equal(v.quorum_none, 0);
        assert_int_equal(v.oldest_s, mask ? 1000 + (uint64_t)__builtin_ctz(mask) : 0);
        assert_int_equal(v.newest_s, mask ? 1031 - (uint64_t)__builtin_clz(mask) : 0);
        bytes_free(&note);
    }
    trust_free(t);
}

static void a_wrong_signature_of_a_listed_key_condemns_the_checkpoint(void **state)
{
    struct bench *b = *state;
    struct bytes note = note_by(b, b->log, 3);
    struct trust *t = NULL;
    struct trust_verdict v;
    struct checkpoint c;

    assert_int_equal(trust_read(bytes_span(&b->text), &t, NULL), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    c.lines[2].blob[20] ^= 1;
    assert_int_equal(trust_checkpoint(t, &c, &v), ERR_CHECKPOINT);
    c.lines[2].blob[20] ^= 1;
    c.lines[0].blob[20] ^= 1;
    assert_int_equal(trust_checkpoint(t, &c, &v), ERR_CHECKPOINT);
    c.lines[0].blob[20] ^= 1;
    assert_int_equal(trust_checkpoint(t, &c, &v), ERR_OK);
    trust_free(t);
    bytes_free(&note);
}

static void an_unlisted_log_is_not_trusted_whoever_cosigned(void **state)
{
    struct bench *b = *state;
    struct bytes note = note_by(b, b->member, 31);
    struct trust *t = NULL;
    struct trust_verdict v;
    struct checkpoint c;

    assert_int_equal(trust_read(bytes_span(&b->text), &t, NULL), ERR_OK);
    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    assert_int_equal(trust_checkpoint(t, &c, &v), ERR_KEY_UNKNOWN);
    trust_free(t);
    bytes_free(&note);
}

/* The note is of size 9. */
static void a_former_key_counts_up_to_its_last_tree(void **state)
{
    static const struct {
        const char *most;
        enum err expected;
    } cases[] = {
        {"9",                   ERR_OK         },
        {"8",                   ERR_KEY_REVOKED},
        {"0",                   ERR_KEY_REVOKED},
        {"9223372036854775807", ERR_OK         },
    };
    struct bench *b = *state;
    struct bytes note = note_by(b, b->log, 0);
    struct trust_verdict v;
    struct checkpoint c;

    assert_int_equal(checkpoint_read(bytes_span(&note), &c), ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes text = {0};
        struct trust *t = NULL;

        assert_int_equal(bytes_printf(&text, "log %s\nformer %s %s\nquorum none\n",
                                      text_of(&b->log2_vkey), text_of(&b->log_vkey), cases[i].most),
                         ERR_OK);
        assert_int_equal(trust_read(bytes_span(&text), &t, NULL), ERR_OK);
        assert_int_equal(trust_checkpoint(t, &c, &v), cases[i].expected);
        trust_free(t);
        bytes_free(&text);
    }
    bytes_free(&note);
}

static void a_former_line_has_a_key_and_a_size_and_no_more(void **state)
{
    static const struct {
        const char *line;
        enum err expected;
    } cases[] = {
        {"former\n",          ERR_FIELD_MISSING},
        {"former %s\n",       ERR_FIELD_MISSING},
        {"former %s x\n",     ERR_FIELD_VALUE  },
        {"former %s -1\n",    ERR_FIELD_VALUE  },
        {"former %s 9 url\n", ERR_TRAILING     },
        {"former zz 9\n",     ERR_TEXT_FORM    },
    };
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes text = {0};
        struct trust *t = NULL;
        const char *hole = strstr(cases[i].line, "%s");
        size_t before = hole ? (size_t)(hole - cases[i].line) : strlen(cases[i].line);

        assert_int_equal(bytes_printf(&text, "%.*s%s%squorum none\n", (int)before, cases[i].line,
                                      hole ? text_of(&b->log_vkey) : "", hole ? hole + 2 : ""),
                         ERR_OK);
        assert_int_equal(trust_read(bytes_span(&text), &t, NULL), cases[i].expected);
        bytes_free(&text);
    }
}

static void quorum_none_asks_for_nobody(void **state)
{
    struct trust *t = policy_of("quorum none\n");

    (void)state;
    assert_true(trust_quorum(t, 0));
    assert_int_equal(trust_log_count(t), 0);
    trust_free(t);
}

static void a_single_witness_can_be_the_quorum(void **state)
{
    struct bench *b = *state;
    struct bytes text = {0};
    struct trust *t;

    assert_int_equal(bytes_printf(&text, "witness A %s\nwitness B %s\nquorum B\n",
                                  text_of(&b->witness_vkey[0]), text_of(&b->witness_vkey[1])),
                     ERR_OK);
    t = policy_of(text_of(&text));
    assert_false(trust_quorum(t, 0));
    assert_false(trust_quorum(t, 1));
    assert_true(trust_quorum(t, 2));
    trust_free(t);
    bytes_free(&text);
}

static void one_key_may_serve_two_origins_but_not_one_origin_twice(void **state)
{
    struct bench *b = *state;
    struct bytes next_year = vkey_of(b->log, "demo/audit/2027", NOTE_SIGNED);
    struct bytes text = {0};
    struct trust *t = NULL;
    unsigned line = 0;

    assert_int_equal(bytes_printf(&text, "log %s\nlog %s\nquorum none\n", text_of(&b->log_vkey),
                                  text_of(&next_year)),
                     ERR_OK);
    trust_free(policy_of(text_of(&text)));
    assert_int_equal(bytes_printf(&text, "log %s\n", text_of(&next_year)), ERR_OK);
    assert_int_equal(trust_read(bytes_span(&text), &t, &line), ERR_DUPLICATE_KEY);
    assert_int_equal(line, 4);
    bytes_free(&text);
    bytes_free(&next_year);
}

#define PK64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* In the texts below %1$s is a log's vkey, %2$s and %3$s witnesses', %4$s a member's key id and
 * %5$s its key, %6$s the vkey of a witness that uses the log's key. */
static const struct {
    const char *what, *text;
    enum err e;
    unsigned line;
} bad[] = {
    {"nothing",                "",                                                                 ERR_FIELD_MISSING, 0},
    {"no quorum",              "log %1$s\n",                                                       ERR_FIELD_MISSING, 0},
    {"unknown line",           "# a\n\nlogs %1$s\nquorum none\n",                                  ERR_FIELD_UNKNOWN, 3},
    {"upper case",             "LOG %1$s\n",                                                       ERR_FIELD_UNKNOWN, 1},
    {"no last newline",        "log %1$s\nquorum none",                                            ERR_TRUNCATED,     2},
    {"carriage return",        "log %1$s\r\nquorum none\n",                                        ERR_TEXT_FORM,     1},
    {"escape in a comment",    "# \033[2J\nquorum none\n",                                         ERR_TEXT_FORM,     1},
    {"delete character",       "# \177\nquorum none\n",                                            ERR_TEXT_FORM,     1},
    {"log alone",              "log\n",                                                            ERR_FIELD_MISSING, 1},
    {"log damaged",            "log x%1$s\n",                                                      ERR_FIELD_VALUE,   1},
    {"log no vkey",            "log demo\n",                                                       ERR_TEXT_FORM,     1},
    {"log with witness key",   "log %2$s\n",                                                       ERR_FIELD_VALUE,   1},
    {"log twice",              "log %1$s\nlog %1$s\n",                                             ERR_DUPLICATE_KEY, 2},
    {"log too much",           "log %1$s https://a b\n",                                           ERR_TRAILING,      1},
    {"witness alone",          "witness\n",                                                        ERR_FIELD_MISSING, 1},
    {"witness no key",         "witness A\n",                                                      ERR_FIELD_MISSING, 1},
    {"witness with log key",   "witness A %1$s\n",                                                 ERR_FIELD_VALUE,   1},
    {"witness name twice",     "witness A %2$s\nwitness A %3$s\n",                                 ERR_DUPLICATE_KEY, 2},
    {"witness key twice",      "witness A %2$s\nwitness B %2$s\n",                                 ERR_DUPLICATE_KEY, 2},
    {"witness none",           "witness none %2$s\n",                                              ERR_FIELD_VALUE,   1},
    {"witness not utf-8",      "witness \xff %2$s\n",                                              ERR_FIELD_VALUE,   1},
    {"witness is the log",     "log %1$s\nwitness A %6$s\n",                                       ERR_DUPLICATE_KEY, 2},
    {"log is the witness",     "witness A %6$s\nlog %1$s\n",                                       ERR_DUPLICATE_KEY, 2},
    {"group alone",            "group\n",                                                          ERR_FIELD_MISSING, 1},
    {"group no count",         "group g\n",                                                        ERR_FIELD_MISSING, 1},
    {"group no member",        "witness A %2$s\ngroup g 1\n",                                      ERR_FIELD_MISSING, 2},
    {"group unknown member",   "group g any A\n",                                                  ERR_NOT_FOUND,     1},
    {"group of itself",        "group g any g\n",                                                  ERR_NOT_FOUND,     1},
    {"group of none",          "group g any none\n",                                               ERR_NOT_FOUND,     1},
    {"group zero of one",      "witness A %2$s\ngroup g 0 A\n",                                    ERR_FIELD_VALUE,   2},
    {"group two of one",       "witness A %2$s\ngroup g 2 A\n",                                    ERR_FIELD_VALUE,   2},
    {"group leading zero",     "witness A %2$s\ngroup g 01 A\n",                                   ERR_FIELD_VALUE,   2},
    {"group some of one",      "witness A %2$s\ngroup g some A\n",                                 ERR_FIELD_VALUE,   2},
    {"group member twice",     "witness A %2$s\ngroup g any A A\n",                                ERR_DUPLICATE_KEY, 2},
    {"member of two",          "witness A %2$s\ngroup g any A\ngroup h any A\n",                   ERR_DUPLICATE_KEY, 3},
    {"group of two",           "witness A %2$s\ngroup g any A\ngroup h any g\ngroup i any g\n",
     ERR_DUPLICATE_KEY,                                                                                               4},
    {"group twice in one",     "witness A %2$s\ngroup g any A\ngroup h any g g\n",                 ERR_DUPLICATE_KEY,
     3                                                                                                                 },
    {"group named as witness", "witness A %2$s\ngroup A any A\n",                                  ERR_DUPLICATE_KEY, 2},
    {"quorum alone",           "quorum\n",                                                         ERR_FIELD_MISSING, 1},
    {"quorum twice",           "quorum none\nquorum none\n",                                       ERR_DUPLICATE_KEY, 2},
    {"quorum unknown",         "quorum A\n",                                                       ERR_NOT_FOUND,     1},
    {"quorum too early",       "quorum A\nwitness A %2$s\n",                                       ERR_NOT_FOUND,     1},
    {"quorum of two",          "quorum none none\n",                                               ERR_TRAILING,      1},
    {"org alone",              "org\n",                                                            ERR_FIELD_MISSING, 1},
    {"org no name",            "org " ORG1 "  \n",                                                 ERR_FIELD_MISSING, 1},
    {"org bad id",             "org 00 x\n",                                                       ERR_TEXT_FORM,     1},
    {"org upper case",         "org F00102030405060708090A0B0C0D0E0F x\n",                         ERR_TEXT_FORM,     1},
    {"org twice",              "org " ORG1 " a\norg " ORG1 " b\n",                                 ERR_DUPLICATE_KEY, 2},
    {"org not utf-8",          "org " ORG1 " \xc3\n",                                              ERR_FIELD_VALUE,   1},
    {"org control sign",
     "org " ORG1 " \xc2\x9b"
     "2J\n",                                                                                       ERR_FIELD_VALUE,   1},
    {"key alone",              "key\n",                                                            ERR_FIELD_MISSING, 1},
    {"key short",              "key " ORG1 " %4$s\n",                                              ERR_FIELD_MISSING, 1},
    {"key of nobody",          "key " ORG1 " %4$s %5$s\n",                                         ERR_NOT_FOUND,     1},
    {"key bad org",            "key 00 %4$s %5$s\n",                                               ERR_TEXT_FORM,     1},
    {"key bad id",             "key " ORG1 " 00 %5$s\n",                                           ERR_TEXT_FORM,     1},
    {"key bad base64",         "key " ORG1 " %4$s AAAA\n",                                         ERR_TEXT_FORM,     1},
    {"key of another id",      "org " ORG1 " a\nkey " ORG1 " %4$s " PK64 "\n",                     ERR_FIELD_VALUE,   2},
    {"key too much",           "org " ORG1 " a\nkey " ORG1 " %4$s %5$s x\n",                       ERR_TRAILING,      2},
    {"key twice",              "org " ORG1 " a\nkey " ORG1 " %4$s %5$s\nkey " ORG1 " %4$s %5$s\n",
     ERR_DUPLICATE_KEY,                                                                                               3},
};

/* Puts the words into a text: "%n$s" alone, without the warnings of a varying format. */
static void fill(struct bytes *out, const char *text, const char *const *words)
{
    while (*text != '\0') {
        if (text[0] == '%' && text[2] == '$') {
            assert_int_equal(bytes_append(out, span_text(words[text[1] - '1'])), ERR_OK);
            text += 4;
        } else {
            assert_int_equal(bytes_append(out, span_of(text++, 1)), ERR_OK);
        }
    }
}

static void every_other_line_is_refused_with_its_number(void **state)
{
    struct bench *b = *state;
    struct bytes own_witness = vkey_of(b->log, "w", NOTE_COSIGNED);
    const char *const words[] = {text_of(&b->log_vkey),        text_of(&b->witness_vkey[0]),
                                 text_of(&b->witness_vkey[1]), text_of(&b->kid),
                                 text_of(&b->member64),        text_of(&own_witness)};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes text = {0};
        struct trust *t = NULL;
        unsigned line = 99;
        enum err e;

        fill(&text, bad[i].text, words);
        e = trust_read(bytes_span(&text), &t, &line);
        if (e != bad[i].e || line != bad[i].line)
            fail_msg("%s: %s in line %u", bad[i].what, err_name(e), line);
        assert_null(t);
        bytes_free(&text);
    }
    bytes_free(&own_witness);
}

static void long_names_and_large_files_are_refused(void **state)
{
    struct bytes text = {0};
    struct trust *t = NULL;
    char name[TRUST_NAME_MAX + 2];

    (void)state;
    memset(name, 'n', sizeof name);
    assert_int_equal(bytes_printf(&text, "org " ORG1 " %.*s\nquorum none\n", TRUST_NAME_MAX, name),
                     ERR_OK);
    assert_int_equal(trust_read(bytes_span(&text), &t, NULL), ERR_OK);
    trust_free(t);
    t = NULL;
    text.len = 0;
    assert_int_equal(
        bytes_printf(&text, "org " ORG1 " %.*s\nquorum none\n", TRUST_NAME_MAX + 1, name), ERR_OK);
    assert_int_equal(trust_read(bytes_span(&text), &t, NULL), ERR_FIELD_VALUE);
    text.len = 0;
    assert_int_equal(bytes_printf(&text, "witness %.*s x\n", NOTE_NAME_MAX + 1, name), ERR_OK);
    assert_int_equal(trust_read(bytes_span(&text), &t, NULL), ERR_FIELD_VALUE);
    while (text.len <= TRUST_FILE_MAX)
        assert_int_equal(bytes_append(&text, SPAN_STR("# a comment of some length\n")), ERR_OK);
    assert_int_equal(trust_read(bytes_span(&text), &t, NULL), ERR_SIZE);
    assert_null(t);
    bytes_free(&text);
}

static void tables_hold_as_much_as_they_promise_and_no_more(void **state)
{
    struct bytes text = {0}, groups = {0};
    struct trust *t = NULL;
    unsigned line = 0;

    (void)state;
    for (unsigned i = 0; i <= TRUST_LOGS_MAX; i++) {
        struct secret_sign *key = key_of((uint8_t)(100 + i));
        struct bytes log = vkey_of(key, "log", NOTE_SIGNED);

        assert_int_equal(bytes_printf(&text, "log %s\n", text_of(&log)), ERR_OK);
        bytes_free(&log);
        secret_sign_free(key);
    }
    assert_int_equal(trust_read(bytes_span(&text), &t, &line), ERR_ITEMS);
    assert_int_equal(line, TRUST_LOGS_MAX + 1);
    text.len = 0;
    for (unsigned i = 0; i <= TRUST_WITNESSES_MAX; i++) {
        struct secret_sign *key = key_of((uint8_t)(100 + i));
        struct bytes witness = vkey_of(key, "w", NOTE_COSIGNED);

        if (i == TRUST_WITNESSES_MAX)
            assert_int_equal(bytes_copy(&groups, bytes_span(&text)), ERR_OK);
        assert_int_equal(bytes_printf(&text, "witness W%u %s\n", i, text_of(&witness)), ERR_OK);
        bytes_free(&witness);
        secret_sign_free(key);
    }
    assert_int_equal(trust_read(bytes_span(&text), &t, &line), ERR_ITEMS);
    assert_int_equal(line, TRUST_WITNESSES_MAX + 1);
    for (unsigned i = 0; i < TRUST_GROUPS_MAX; i++)
        assert_int_equal(bytes_printf(&groups, "group G%u all W%u\n", i, i), ERR_OK);
    assert_int_equal(bytes_printf(&groups, "quorum G31\n"), ERR_OK);
    assert_int_equal(trust_read(bytes_span(&groups), &t, &line), ERR_OK);
    assert_true(trust_quorum(t, 0x80000000U));
    assert_false(trust_quorum(t, 0x7fffffffU));
    trust_free(t);
    t = NULL;
    assert_int_equal(bytes_printf(&groups, "group G32 all G0\n"), ERR_OK);
    assert_int_equal(trust_read(bytes_span(&groups), &t, &line), ERR_ITEMS);
    bytes_free(&groups);
    bytes_free(&text);
}

static void thousands_of_organisations_and_keys_are_kept(void **state)
{
    struct bench *b = *state;
    struct bytes text = {0};
    struct trust *t = NULL;
    unsigned line = 0;
    uint8_t org[TRUST_ORG_BYTES] = {0};
    uint8_t kid[KID_BYTES];
    struct sign_public pk;

    for (unsigned i = 0; i < TRUST_ORGS_MAX; i++)
        assert_int_equal(bytes_printf(&text, "org %032x o%u\n", i, i), ERR_OK);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(
            bytes_printf(&text, "key %032x %s %s\n", i, text_of(&b->kid), text_of(&b->member64)),
            ERR_OK);
    assert_int_equal(bytes_printf(&text, "quorum none\n"), ERR_OK);
    assert_int_equal(trust_read(bytes_span(&text), &t, &line), ERR_OK);
    org[14] = 3;
    org[15] = 0xe7; /* 999 */
    sign_kid(secret_sign_public(b->member), kid);
    assert_string_equal(trust_org_name(t, org), "o999");
    assert_int_equal(trust_org_key(t, org, kid, &pk), ERR_OK);
    trust_free(t);
    t = NULL;
    assert_int_equal(bytes_printf(&text, "org %032x one too many\n", TRUST_ORGS_MAX), ERR_OK);
    assert_int_equal(trust_read(bytes_span(&text), &t, &line), ERR_ITEMS);
    assert_int_equal(line, TRUST_ORGS_MAX + 1002);
    bytes_free(&text);
}

static void the_table_of_keys_is_bounded(void **state)
{
    struct bytes text = {0}, kid64 = {0}, pk64 = {0};
    struct trust *t = NULL;
    unsigned line = 0;

    (void)state;
    for (unsigned o = 0; o < 64; o++)
        assert_int_equal(bytes_printf(&text, "org %032x o\n", o), ERR_OK);
    for (unsigned k = 0; k <= TRUST_KEYS_MAX / 64; k++) {
        struct secret_sign *key = key_of((uint8_t)k);
        uint8_t kid[KID_BYTES];

        sign_kid(secret_sign_public(key), kid);
        assert_int_equal(hex_write(&kid64, SPAN_OF(kid)), ERR_OK);
        assert_int_equal(base64_write(&pk64, SPAN_OF(secret_sign_public(key)->b)), ERR_OK);
        for (unsigned o = 0; o < 64; o++)
            assert_int_equal(
                bytes_printf(&text, "key %032x %s %s\n", o, text_of(&kid64), text_of(&pk64)),
                ERR_OK);
        secret_sign_free(key);
    }
    assert_int_equal(trust_read(bytes_span(&text), &t, &line), ERR_ITEMS);
    assert_int_equal(line, 64 + TRUST_KEYS_MAX + 1);
    bytes_free(&pk64);
    bytes_free(&kid64);
    bytes_free(&text);
}

static void every_failed_allocation_comes_back_as_out_of_memory(void **state)
{
    struct bench *b = *state;
    enum err e = ERR_NOMEM;
    long n;

    for (n = 1; e == ERR_NOMEM; n++) {
        struct trust *t = NULL;
        unsigned line = 99;

        alloc_fail_after(n);
        e = trust_read(bytes_span(&b->text), &t, &line);
        alloc_fail_after(-1);
        assert_int_equal(line, 0);
        assert_true((t != NULL) == (e == ERR_OK));
        trust_free(t);
    }
    assert_int_equal(e, ERR_OK);
    assert_in_range(n, 8, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_answers_what_its_lines_say),
        cmocka_unit_test(the_quorum_is_met_by_exactly_the_sets_the_groups_name),
        cmocka_unit_test(a_checkpoint_is_graded_by_who_signed_it),
        cmocka_unit_test(a_wrong_signature_of_a_listed_key_condemns_the_checkpoint),
        cmocka_unit_test(an_unlisted_log_is_not_trusted_whoever_cosigned),
        cmocka_unit_test(a_former_key_counts_up_to_its_last_tree),
        cmocka_unit_test(a_former_line_has_a_key_and_a_size_and_no_more),
        cmocka_unit_test(quorum_none_asks_for_nobody),
        cmocka_unit_test(a_single_witness_can_be_the_quorum),
        cmocka_unit_test(one_key_may_serve_two_origins_but_not_one_origin_twice),
        cmocka_unit_test(every_other_line_is_refused_with_its_number),
        cmocka_unit_test(long_names_and_large_files_are_refused),
        cmocka_unit_test(tables_hold_as_much_as_they_promise_and_no_more),
        cmocka_unit_test(thousands_of_organisations_and_keys_are_kept),
        cmocka_unit_test(the_table_of_keys_is_bounded),
        cmocka_unit_test(every_failed_allocation_comes_back_as_out_of_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
