/* relais-verify over receipts that witnesses have cosigned, or pretend to have: real files, the
 * real program, its words and its exit status (PROTOCOL.md 10.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"
#include "file.h"
#include "hub_checks.h"
#include "hubproc.h"
#include "merkle.h"
#include "random.h"
#include "receipt.h"
#include "statement.h"
#include "tlogproof.h"
#include "writer.h"

#define ORIGIN "verif.test/audit/2026"
#define LEAF_MS UINT64_C(1790000000000)
#define LEAF_S (LEAF_MS / 1000)
#define SEATS 5

static const uint8_t nobody[DIGEST_BYTES];
static char program[1024];
static char dir[1024];

static struct scene_keys {
    struct secret_sign *log;
    struct secret_sign *witness[SEATS];
    struct secret_sign *retired; /* what witness 0 signed with before */
    struct secret_sign *foreign; /* of another federation */
    struct secret_sign *member;  /* whose organisation is all zeros */
    struct bytes extra;
    uint8_t leaf[32];
    struct bytes note; /* signed by the log alone */
} k;

static void name_of(size_t i, char out[64])
{
    snprintf(out, 64, "verif.test/witness/%02zu", i);
}

static void file_put(const char *name, struct span text, char path[1200])
{
    snprintf(path, 1200, "%s/%s", dir, name);
    CHECK_OK(file_write_atomic(path, text, 0600));
}

/* The only leaf of its tree: the path is empty. */
static void leaf_put(enum audit_type type, const struct detail *d)
{
    struct bytes detail = {0}, entry = {0};
    struct receipt r = {.log = LOG_AUDIT};
    uint8_t c[32];

    bytes_free(&k.extra);
    bytes_free(&k.note);
    CHECK_OK(detail_encode(d, &detail));
    CHECK_OK(detail_commit(r.salt, bytes_span(&detail), c));
    CHECK_OK(entry_encode(type, LEAF_MS, c, &entry));
    r.entry = bytes_span(&entry);
    r.detail = bytes_span(&detail);
    merkle_leaf_hash(r.entry, k.leaf);
    CHECK_OK(receipt_extra_encode(&r, &k.extra));
    CHECK_OK(checkpoint_sign(SPAN_STR(ORIGIN), 1, k.leaf, k.log, &k.note));
    bytes_free(&detail);
    bytes_free(&entry);
}

static void act_put(void)
{
    leaf_put(AUDIT_ACT, &(struct detail){.has = RD_KEY(DETAIL_ACT), .act = 7});
}

static void world(void)
{
    struct entropy world_entropy = entropy_system();

    CHECK_OK(secret_sign_generate(&world_entropy, &k.log));
    CHECK_OK(secret_sign_generate(&world_entropy, &k.retired));
    CHECK_OK(secret_sign_generate(&world_entropy, &k.foreign));
    CHECK_OK(secret_sign_generate(&world_entropy, &k.member));
    for (size_t i = 0; i < SEATS; i++)
        CHECK_OK(secret_sign_generate(&world_entropy, &k.witness[i]));
    act_put();
}

static void vkey_line(struct bytes *text, const char *word, const char *name, enum note_kind kind,
                      const struct secret_sign *key)
{
    struct note_key n;
    struct bytes vkey = {0};

    CHECK_OK(note_key_init(&n, span_text(name), kind, secret_sign_public(key)));
    CHECK_OK(note_key_write(&n, &vkey));
    CHECK_OK(bytes_printf(text, "%s%s\n", word, (const char *)vkey.ptr));
    bytes_free(&vkey);
}

static void member_line(struct bytes *text)
{
    const struct sign_public *pk = secret_sign_public(k.member);
    struct bytes org = {0}, kid = {0}, key = {0};
    uint8_t id[KID_BYTES];

    sign_kid(pk, id);
    CHECK_OK(hex_write(&org, span_of(nobody, ID_BYTES)));
    CHECK_OK(hex_write(&kid, SPAN_OF(id)));
    CHECK_OK(base64_write(&key, SPAN_OF(pk->b)));
    CHECK_OK(bytes_printf(text, "org %s Maison\nkey %s %s %s\n", (const char *)org.ptr,
                          (const char *)org.ptr, (const char *)kid.ptr, (const char *)key.ptr));
    bytes_free(&org);
    bytes_free(&kid);
    bytes_free(&key);
}

/* Five witnesses, three make a quorum; or nobody is asked. */
static void policy_put(const char *file, bool quorum, char path[1200])
{
    struct bytes text = {0};
    char word[32], name[64];

    vkey_line(&text, "log ", ORIGIN, NOTE_SIGNED, k.log);
    for (size_t i = 0; i < SEATS; i++) {
        name_of(i, name);
        snprintf(word, sizeof word, "witness w%zu ", i);
        vkey_line(&text, word, name, NOTE_COSIGNED, k.witness[i]);
    }
    CHECK_OK(
        bytes_printf(&text, quorum ? "group g 3 w0 w1 w2 w3 w4\nquorum g\n" : "quorum none\n"));
    member_line(&text);
    file_put(file, bytes_span(&text), path);
    bytes_free(&text);
}

struct line {
    size_t seat; /* whose name it bears */
    const struct secret_sign *key;
    uint64_t time_s;
    bool forged;
};

static void line_add(struct bytes *note, const struct line *l)
{
    struct bytes text = {0};
    uint8_t sig[SIG_BYTES];
    char name[64];

    name_of(l->seat, name);
    CHECK_OK(cosignature_make(SPAN_STR(ORIGIN), 1, k.leaf, l->time_s, l->key, sig));
    sig[5] ^= l->forged;
    CHECK_OK(cosignature_line(span_text(name), secret_sign_public(l->key), l->time_s, sig, &text));
    CHECK_OK(bytes_append(note, bytes_span(&text)));
    bytes_free(&text);
}

static bool says(const struct bytes *said, const char *words)
{
    return said->len > 0 && memmem(said->ptr, said->len, words, strlen(words));
}

/* The receipt with these lines under that policy: exit status and words. */
static void verify(const char *what, const struct line *lines, size_t count, bool quorum,
                   const char *option, int wanted, const char *words)
{
    struct bytes note = {0}, text = {0}, said = {0};
    struct merkle_proof alone = {0};
    char file[1200], policy[1200];
    const char *args[] = {"receipt", file, "--policy", policy, option, NULL};
    int status;

    CHECK_OK(bytes_copy(&note, bytes_span(&k.note)));
    for (size_t i = 0; i < count; i++)
        line_add(&note, &lines[i]);
    CHECK_OK(tlog_proof_write(bytes_span(&k.extra), 0, &alone, bytes_span(&note), &text));
    file_put("recu.tlog-proof", bytes_span(&text), file);
    policy_put("politique", quorum, policy);
    status = hubproc_run(program, args, &said);
    if (status != wanted || !says(&said, words))
        fprintf(stderr, "%s: %d, wanted %d and « %s »: %.*s\n", what, status, wanted, words,
                (int)said.len, (const char *)said.ptr);
    CHECK(status == wanted && says(&said, words));
    bytes_free(&note);
    bytes_free(&text);
    bytes_free(&said);
}

static struct line good(size_t seat)
{
    return (struct line){seat, k.witness[seat], LEAF_S + 20, false};
}

static void a_quorum_of_witnesses_is_said_in_numbers(void)
{
    const struct line three[] = {good(0), good(2), good(4)};

    verify("none", NULL, 0, true, NULL, 0, "degré journalisé");
    verify("none", NULL, 0, true, NULL, 0, "Témoins : 0 témoin sur 5");
    verify("two", three, 2, true, NULL, 0, "Témoins : 2 témoins sur 5");
    verify("two", three, 2, true, NULL, 0, "n'est pas atteint");
    verify("three", three, 3, true, NULL, 0, "degré attesté");
    verify("three", three, 3, true, "--witnesses", 0, "Témoins : 3 témoins sur 5");
}

static void below_the_quorum_it_is_refused_where_that_was_asked(void)
{
    const struct line three[] = {good(0), good(2), good(4)};

    verify("none", NULL, 0, true, "--witnesses", 1, "PAS PROUVÉ au degré attesté");
    verify("two", three, 2, true, "--witnesses", 1, "Témoins : 2 témoins sur 5");
    verify("no quorum asked", three, 3, false, "--witnesses", 1, "n'en demande aucun");
    verify("the control", three, 3, true, "--witnesses", 0, "degré attesté");
}

static void a_witness_counts_once_however_often_it_signs(void)
{
    struct line lines[] = {good(0), good(0), good(1), good(1)};

    lines[1].time_s += 3600;
    lines[3].time_s += 60;
    verify("two, twice each", lines, 4, true, NULL, 0, "Témoins : 2 témoins sur 5");
    verify("two, twice each", lines, 4, true, "--witnesses", 1, "PAS PROUVÉ");
}

static void a_forged_line_of_a_known_witness_refuses_the_file(void)
{
    struct line lines[] = {good(0), good(1), good(2), good(3)};

    lines[3].forged = true;
    verify("forged", lines, 4, true, NULL, 1, "PAS PROUVÉ");
    verify("without it", lines, 3, true, "--witnesses", 0, "degré attesté");
}

static void retired_and_foreign_keys_do_not_count(void)
{
    struct line lines[] = {good(1), good(2), good(0), good(3)};

    lines[2].key = k.retired; /* under the name of a witness, and not its key any more */
    lines[3].key = k.foreign;
    verify("retired, foreign", lines, 4, true, NULL, 0, "Témoins : 2 témoins sur 5");
    verify("retired, foreign", lines, 4, true, "--witnesses", 1, "PAS PROUVÉ");
}

static void a_time_before_the_entry_does_not_count(void)
{
    struct line lines[] = {good(0), good(1), good(2)};

    lines[2].time_s = LEAF_S - 600; /* a slow clock: the control */
    verify("ten minutes", lines, 3, true, "--witnesses", 0, "degré attesté");
    lines[2].time_s = LEAF_S - 601;
    verify("older", lines, 3, true, "--witnesses", 1, "datée d'avant l'entrée ne compte pas");
    verify("older", lines, 3, true, NULL, 0, "Témoins : 2 témoins sur 5");
}

/* What the member signed: that he takes it back, for this reason. */
static void recalled_put(uint64_t reason, uint32_t logged)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CODE) | RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_KID) |
                              RD_KEY(DETAIL_SIG) | RD_KEY(DETAIL_ABOUT),
                       .code = logged};
    struct statement_sig sig;
    struct bytes stmt = {0};
    struct writer w;

    wr_init(&w);
    wr_map(&w, 8);
    for (uint8_t key = 1; key <= 8; key++) {
        wr_key(&w, key);
        if (key == 1 || key == 6 || key == 7)
            wr_uint(&w, key == 1 ? AUDIT_RECALLED : key == 6 ? LEAF_MS : reason);
        else
            wr_bin(&w, span_of(nobody, key == 3 ? DIGEST_BYTES : ID_BYTES));
    }
    CHECK_OK(wr_take(&w, &stmt));
    CHECK_OK(
        statement_sign(STATEMENT_RECALL, bytes_span(&stmt), ROLE_NODE, nobody, k.member, &sig));
    d.about = bytes_span(&stmt);
    memcpy(d.kid, sig.kid, sizeof d.kid);
    memcpy(d.sig, sig.sig, sizeof d.sig);
    leaf_put(AUDIT_RECALLED, &d);
    bytes_free(&stmt);
}

static void a_motive_that_its_author_has_not_signed_is_refused(void)
{
    recalled_put(RECALL_RECIPIENT, RECALL_RECIPIENT);
    verify("the control", NULL, 0, true, NULL, 0, "erreur de destinataire");
    verify("the control", NULL, 0, true, NULL, 0, "signé par « Maison »");
    recalled_put(RECALL_NO_REASON, RECALL_RECIPIENT);
    verify("another motive", NULL, 0, true, NULL, 1, "PAS PROUVÉ");
    recalled_put(RECALL_RECIPIENT, RECALL_NO_REASON);
    verify("no motive", NULL, 0, true, NULL, 1, "PAS PROUVÉ");
    act_put();
}

static void nobody_is_said_to_have_signed_what_he_has_not(void)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_FROM) | RD_KEY(DETAIL_TO),
                       .to_count = 1};

    leaf_put(AUDIT_EXPIRED, &d);
    verify("the control", NULL, 0, true, NULL, 0, "expiré");
    d.has |= RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_SIG);
    leaf_put(AUDIT_EXPIRED, &d);
    verify("a signature of nobody", NULL, 0, true, NULL, 1, "PAS PROUVÉ");
    d.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_FROM) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_INSTEAD);
    leaf_put(AUDIT_ACCEPTED, &d);
    verify("a deputy of nobody", NULL, 0, true, NULL, 1, "PAS PROUVÉ");
    act_put();
}

static void an_unknown_option_is_refused(void)
{
    const char *args[] = {"histories", "a", "b", "--policy", "c", "--witnesses", NULL};
    struct bytes said = {0};

    CHECK(hubproc_run(program, args, &said) == 2);
    bytes_free(&said);
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(a_quorum_of_witnesses_is_said_in_numbers),
        TEST(below_the_quorum_it_is_refused_where_that_was_asked),
        TEST(a_witness_counts_once_however_often_it_signs),
        TEST(a_forged_line_of_a_known_witness_refuses_the_file),
        TEST(retired_and_foreign_keys_do_not_count),
        TEST(a_time_before_the_entry_does_not_count),
        TEST(a_motive_that_its_author_has_not_signed_is_refused),
        TEST(nobody_is_said_to_have_signed_what_he_has_not),
        TEST(an_unknown_option_is_refused),
    };
    const char *tree = getenv("TREE");

    snprintf(dir, sizeof dir, "%s", tree ? tree : "/tmp");
    hubproc_program("relais-verify", program);
    CHECK_OK(seal_init());
    world();
    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
