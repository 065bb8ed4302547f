/* The command line: words and options into the request that the daemon gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli_rows.h"
#include "commands.h"
#include "document.h"
#include "file.h"

#define WORDS_MAX 40

struct line {
    struct cli c;
    char dir[64];
};

static int up(void **state)
{
    struct line *l = calloc(1, sizeof *l);

    assert_non_null(l);
    setenv("TZ", "UTC", 1);
    tzset();
    snprintf(l->dir, sizeof l->dir, "/tmp/test-cli-XXXXXX");
    assert_non_null(mkdtemp(l->dir));
    l->c.args = json_object();
    *state = l;
    return 0;
}

static int down(void **state)
{
    static const char *const files[] = {"text", "Radio d'Émilie.PDF", "big.pdf", "actor"};
    struct line *l = *state;
    char path[128];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", l->dir, files[i]);
        remove(path);
    }
    rmdir(l->dir);
    json_decref(l->c.args);
    json_decref(l->c.actor);
    free(l);
    return 0;
}

static const struct cli_row *row_of(const char *words)
{
    for (size_t i = 0; i < cli_row_count; i++)
        if (strcmp(cli_rows[i].words, words) == 0)
            return &cli_rows[i];
    fail_msg("no command \"%s\"", words);
    return NULL;
}

/* What a shell would give, "|" between the words; the status. */
static int parse(struct line *l, const char *words, const char *typed)
{
    char *argv[WORDS_MAX];
    char *copy = strdup(typed);
    char *rest = copy;
    char *one;
    int argc = 0;
    int status;

    assert_non_null(copy);
    while (*copy && (one = strsep(&rest, "|")) && argc < WORDS_MAX)
        argv[argc++] = one;
    json_object_clear(l->c.args);
    l->c.locals = 0;
    l->c.row = row_of(words);
    status = cli_parse_args(&l->c, argc, argv);
    l->c.locals = 0; /* they point into the copy */
    free(copy);
    return status;
}

static void args_are(struct line *l, const char *wanted)
{
    json_t *want = json_loads(wanted, 0, NULL);

    assert_non_null(want);
    if (!json_equal(want, l->c.args))
        fail_msg("%s", json_dumps(l->c.args, JSON_COMPACT));
    json_decref(want);
}

static void put_file(struct line *l, const char *name, struct span content, char path[128])
{
    snprintf(path, 128, "%s/%s", l->dir, name);
    assert_int_equal(file_write_atomic(path, content, 0600), ERR_OK);
}

/* --- the table ------------------------------------------------------------------------------- */

static void every_command_of_the_daemon_has_words_and_the_reverse(void **state)
{
    const struct command *command;

    (void)state;
    for (size_t i = 0; i < cli_row_count; i++)
        if (cli_rows[i].command && !(command = command_find(cli_rows[i].command)))
            fail_msg("the daemon has no %s", cli_rows[i].command);
        else if (cli_rows[i].command && command->needs_actor && !cli_rows[i].acts)
            fail_msg("%s does not say who acts", cli_rows[i].words);
    for (size_t i = 0; (command = command_at(i)); i++) {
        bool found = false;

        for (size_t k = 0; k < cli_row_count; k++)
            found |= cli_rows[k].command && strcmp(cli_rows[k].command, command->name) == 0;
        if (!found && strncmp(command->name, "attachment.", 11) != 0) /* of cli_att.c */
            fail_msg("no words for %s", command->name);
    }
}

static void every_error_has_an_exit_status(void **state)
{
    (void)state;
    assert_int_equal(cli_status(ERR_OK), EXIT_DONE);
    assert_int_equal(cli_status(ERR_NOTICE_MISSING), EXIT_REFUSED);
    assert_int_equal(cli_status(ERR_OPPOSITION), EXIT_REFUSED);
    assert_int_equal(cli_status(ERR_ATTACHMENT_SIZE), EXIT_REFUSED);
    assert_int_equal(cli_status(ERR_FINGERPRINT), EXIT_REFUSED);
    assert_int_equal(cli_status(ERR_NOT_FOUND), EXIT_REFUSED);
    assert_int_equal(cli_status(ERR_USAGE), EXIT_USAGE);
    assert_int_equal(cli_status(ERR_ACTOR), EXIT_USAGE);
    assert_int_equal(cli_status(ERR_OFFLINE), EXIT_AWAY);
    assert_int_equal(cli_status(ERR_TIMEOUT), EXIT_AWAY);
    assert_int_equal(cli_status(ERR_INS_KEY), EXIT_DATA);
    assert_int_equal(cli_status(ERR_NFC), EXIT_DATA);
    assert_int_equal(cli_status(ERR_FULL), EXIT_BROKEN);
    assert_int_equal(cli_status(ERR_INTERNAL), EXIT_BROKEN);
}

/* --- values ---------------------------------------------------------------------------------- */

static void a_person_is_entered_as_she_is_called(void **state)
{
    struct line *l = *state;

    assert_int_equal(
        parse(l, "person add",
              "--birth-name|O'Brien-Lefe\xcc\x80vre|--first-names|E\xcc\x81milie, "
              "Zoë|--sex|F|--birth-date|"
              "1938-05-17|--birth-place|2A004|--ins|2 38 05 44 109 417 "
              "33|--ins-status|qual|--measure|"
              "Curatelle renforcee|--measure-scope|biens,personne|--measure-from|2024-03-01|"
              "--representative|Mme Ève Château"),
        EXIT_DONE);
    args_are(l, "{\"birth_name\":\"O'Brien-Lefèvre\",\"birth_first_names\":[\"Émilie\",\"Zoë\"],"
                "\"sex\":2,\"birth_date\":\"1938-05-17\",\"birth_place\":\"2A004\","
                "\"ins\":{\"matricule\":\"2 38 05 44 109 417 33\",\"status\":4},"
                "\"representation\":{\"measure\":3,\"scope\":3,\"from\":\"2024-03-01\","
                "\"representative\":\"Mme Ève Château\"}}");
}

static void an_addressee_may_be_a_function_and_of_a_category(void **state)
{
    static const struct {
        const char *typed;
        const char *wanted;
    } cases[] = {
        {"EHPAD L'Âge d'Or",                  "{\"org\":\"EHPAD L'Âge d'Or\"}"     },
        {"ab12@sante",                         "{\"org\":\"ab12\",\"category\":1}"   },
        {"ab12/fonction:IDE de nuit@mixte",
         "{\"org\":\"ab12\",\"kind\":3,\"label\":\"IDE de nuit\",\"category\":3}"    },
        {"ab12/unité:Soins 1/2 : est@social",
         "{\"org\":\"ab12\",\"kind\":4,\"label\":\"Soins 1/2 : est\",\"category\":2}"},
        {"ab12/personne:Anaïs@domicile",
         "{\"org\":\"ab12\",\"kind\":2,\"label\":\"Anaïs@domicile\"}"               },
        {"Maison A/B",                         "{\"org\":\"Maison A/B\"}"            },
    };
    struct line *l = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *want = json_loads(cases[i].wanted, 0, NULL);
        char typed[256];

        snprintf(typed, sizeof typed, "--subject|x|--to|%s", cases[i].typed);
        assert_int_equal(parse(l, "sheet send", typed), EXIT_DONE);
        assert_non_null(want);
        if (!json_equal(want, json_array_get(json_object_get(l->c.args, "to"), 0)))
            fail_msg("%s: %s", cases[i].typed, json_dumps(l->c.args, 0));
        json_decref(want);
    }
}

static void texts_come_from_the_line_and_from_files_in_their_order(void **state)
{
    struct line *l = *state;
    const json_t *sections;
    char path[128];
    char typed[512];

    put_file(l, "text", SPAN_STR("Ligne 1\n\nŒdème — naïveté\r\n"), path);
    snprintf(typed, sizeof typed,
             "--subject|x|--to|a|--text|Me\xcc\x81"
             "dical=a=b|--text-file|social=%s",
             path);
    assert_int_equal(parse(l, "sheet send", typed), EXIT_DONE);
    sections = json_object_get(l->c.args, "sections");
    assert_int_equal(json_array_size(sections), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(sections, 0), "class")), 8);
    assert_string_equal(json_string_value(json_object_get(json_array_get(sections, 0), "text")),
                        "a=b");
    assert_string_equal(json_string_value(json_object_get(json_array_get(sections, 1), "text")),
                        "Ligne 1\n\nŒdème — naïveté\r\n");
    assert_int_equal(json_integer_value(json_object_get(l->c.args, "note")), 5); /* by itself */
}

static void an_attachment_keeps_its_name_and_bytes(void **state)
{
    static const uint8_t pdf[] = {'%', 'P', 'D', 'F', 0, 0xff, '\n'};
    struct line *l = *state;
    const json_t *a;
    struct bytes back = {0};
    char path[128];
    char typed[512];

    put_file(l, "Radio d'Émilie.PDF", SPAN_OF(pdf), path);
    snprintf(typed, sizeof typed, "--subject|x|--to|a|--attach|médical=%s", path);
    assert_int_equal(parse(l, "sheet send", typed), EXIT_DONE);
    a = json_array_get(json_object_get(l->c.args, "attachments"), 0);
    assert_string_equal(json_string_value(json_object_get(a, "name")), "Radio d'Émilie.PDF");
    assert_string_equal(json_string_value(json_object_get(a, "type")), "application/pdf");
    assert_int_equal(
        base64_read(&back, span_text(json_string_value(json_object_get(a, "base64"))), 99), ERR_OK);
    assert_true(span_equal(bytes_span(&back), SPAN_OF(pdf)));
    bytes_free(&back);
}

static void a_large_attachment_is_named_by_its_path_and_goes_ahead_in_pieces(void **state)
{
    uint8_t *much = calloc(1, ATTACHMENT_MAX + 1);
    struct line *l = *state;
    const json_t *one;
    char path[128];
    char typed[512];

    assert_non_null(much);
    put_file(l, "big.pdf", span_of(much, ATTACHMENT_MAX), path);
    snprintf(typed, sizeof typed, "--subject|x|--to|a|--attach|médical=%s", path);
    assert_int_equal(parse(l, "sheet send", typed), EXIT_DONE);
    put_file(l, "big.pdf", span_of(much, ATTACHMENT_MAX + 1), path);
    assert_int_equal(parse(l, "sheet send", typed), EXIT_DONE);
    one = json_array_get(json_object_get(l->c.args, "attachments"), 0);
    assert_string_equal(json_string_value(json_object_get(one, "path")), path);
    assert_null(json_object_get(one, "base64"));
    free(much);
}

static void dates_are_moments_of_this_machine(void **state)
{
    struct line *l = *state;

    assert_int_equal(
        parse(l, "notice",
              "c1c1|--classes|medical,social|--to|a|--to|b|--way|ecrit|--date|2026-01-05"),
        EXIT_DONE);
    args_are(l, "{\"circle\":\"c1c1\",\"classes\":10,\"orgs\":[\"a\",\"b\"],\"way\":2,\"date\":"
                "1767571200000}");
    assert_int_equal(parse(l, "notice", "c|--classes|social|--to|a|--date|2026-01-05T10:30"),
                     EXIT_DONE);
    args_are(l,
             "{\"circle\":\"c\",\"classes\":2,\"orgs\":[\"a\"],\"way\":1,\"date\":1767609000000}");
    assert_int_equal(parse(l, "notice", "c|--classes|social|--to|a|--date|05/01/2026 10:30"),
                     EXIT_DONE);
    args_are(l,
             "{\"circle\":\"c\",\"classes\":2,\"orgs\":[\"a\"],\"way\":1,\"date\":1767609000000}");
    assert_int_equal(parse(l, "notice", "c|--classes|social|--to|a|--date|05/01/2199"), EXIT_DATA);
    assert_int_equal(parse(l, "notice", "c|--classes|social|--to|a|--date|2026-04-31"), EXIT_DATA);
    assert_int_equal(parse(l, "notice", "c|--classes|social|--to|a|--date|hier"), EXIT_DATA);
    assert_int_equal(parse(l, "notice", "c|--classes|social|--to|a|--date|2026-01-05T10:30x"),
                     EXIT_DATA);
}

static void names_may_come_from_a_file(void **state)
{
    struct line *l = *state;
    char path[128];
    char typed[256];

    put_file(l, "text",
             SPAN_STR("# de Mme X\nbirth-name = Le Goff\r\n\nfirst-names=Zoé,Anne\nsex=F\n"
                      "ins=238054410941733\n"),
             path);
    snprintf(typed, sizeof typed, "--from-file|%s|--birth-date|17/05/1938", path);
    assert_int_equal(parse(l, "person add", typed), EXIT_DONE);
    args_are(l, "{\"birth_name\":\"Le Goff\",\"birth_first_names\":[\"Zoé\",\"Anne\"],\"sex\":2,"
                "\"ins\":{\"matricule\":\"238054410941733\"},\"birth_date\":\"17/05/1938\"}");
    put_file(l, "text", SPAN_STR("birth-name=A\nfrom-file=b\n"), path);
    assert_int_equal(parse(l, "person add", typed), EXIT_USAGE);
    put_file(l, "text", SPAN_STR("Le Goff\n"), path);
    assert_int_equal(parse(l, "person add", typed), EXIT_USAGE);
}

static void a_subject_is_one_line(void **state)
{
    struct line *l = *state;
    char path[128];
    char typed[256];

    put_file(l, "text", SPAN_STR("Chute de la nuit\n"), path);
    snprintf(typed, sizeof typed, "--to|a|--subject-file|%s", path);
    assert_int_equal(parse(l, "sheet send", typed), EXIT_DONE);
    assert_string_equal(json_string_value(json_object_get(l->c.args, "subject")),
                        "Chute de la nuit");
    assert_int_equal(parse(l, "sheet send", "--to|a|--subject|  "), EXIT_USAGE);
    assert_int_equal(parse(l, "sheet send", "--to|a|--subject|a\nb"), EXIT_DATA);
    assert_int_equal(parse(l, "sheet send", "--to|a|--subject|a\x1b[2J"), EXIT_DATA);
    assert_int_equal(parse(l, "sheet send", "--to|a|--subject|  Chute  "), EXIT_DONE);
    assert_string_equal(json_string_value(json_object_get(l->c.args, "subject")), "Chute");
}

static void what_is_not_found_is_named(void **state)
{
    struct line *l = *state;
    struct bytes text = {0};

    assert_int_equal(parse(l, "notice", "c1c1|--classes|social|--to|X"), EXIT_DONE);
    assert_true(cli_name(&l->c, ERR_NOT_FOUND, &text));
    assert_non_null(strstr((const char *)text.ptr, "Cercle introuvable : « c1c1 »"));
    assert_non_null(strstr((const char *)text.ptr,
                           "Aucune structure de l'annuaire ne commence par « X » (« org list »)."));
    bytes_free(&text);
    assert_int_equal(parse(l, "sheet send", "--to|X|--subject|x|--person|p"), EXIT_DONE);
    assert_true(cli_name(&l->c, ERR_FIELD_MISSING, &text));
    assert_non_null(strstr((const char *)text.ptr, "--text CLASSE=TEXTE"));
    bytes_free(&text);
    assert_false(cli_name(&l->c, ERR_OPPOSITION, &text));
}

static void what_is_not_said_has_its_usual_value(void **state)
{
    struct line *l = *state;

    assert_int_equal(parse(l, "oppose", "c1"), EXIT_DONE);
    args_are(l, "{\"circle\":\"c1\",\"classes\":31}");
    assert_int_equal(parse(l, "consent give", "c1|--classes|social|--to|dac"), EXIT_DONE);
    args_are(l, "{\"circle\":\"c1\",\"classes\":2,\"orgs\":[\"dac\"],\"way\":1,\"by\":1}");
    assert_int_equal(parse(l, "circle leave", "c1|--wait|3"), EXIT_DONE);
    args_are(l, "{\"circle\":\"c1\",\"wait_ms\":3000}");
}

/* --- what is refused ------------------------------------------------------------------------- */

static void what_is_not_in_the_table_is_refused(void **state)
{
    static const struct {
        const char *words;
        const char *typed;
        int status;
    } cases[] = {
        {"person add",       "",                                                      EXIT_USAGE  },
        {"person add",       "--birth-name",                                          EXIT_USAGE  },
        {"person add",       "--birth-name|A|--birth-name|B",                         EXIT_USAGE  },
        {"person add",       "--birth-name|A|--colour|B",                             EXIT_USAGE  },
        {"person add",       "--birth-name|A|B",                                      EXIT_USAGE  },
        {"person add",       "--birth-name|A|--sex|X",                                EXIT_DATA   },
        {"person add",       "--birth-name|A\xff",                                    EXIT_DATA   },
        {"person show",      "",                                                      EXIT_USAGE  },
        {"person show",      "a|b",                                                   EXIT_USAGE  },
        {"circle invite",    "c|--to|a|--category|santé",                            EXIT_USAGE  }, /* classes are not guessed */
        {"sheet send",       "--to|a|--subject|x|--text|secret=b",                    EXIT_DATA   },
        {"sheet send",       "--to|a|--subject|x|--text|b",                           EXIT_DATA   },
        {"sheet send",       "--to|a|--subject|x|--basis|parce que",                  EXIT_DATA   },
        {"sheet send",       "--to|a|--subject|x|--text-file|social=/nowhere/at/all", EXIT_REFUSED},
        {"sheet attachment", "m|un|--output|x",                                       EXIT_DATA   },
        {"sheet attachment", "m|1",                                                   EXIT_USAGE  },
        {"consent withdraw", "c|--n|-1",                                              EXIT_DATA   },
        {"circle leave",     "c|--wait|9999999999999999",                             EXIT_DATA   },
    };
    struct line *l = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = parse(l, cases[i].words, cases[i].typed);

        if (status != cases[i].status)
            fail_msg("%s %s: %d, not %d", cases[i].words, cases[i].typed, status, cases[i].status);
    }
}

/* --- who acts -------------------------------------------------------------------------------- */

static void the_professional_comes_from_options_or_a_file(void **state)
{
    struct line *l = *state;
    char path[128];
    char typed[512];

    assert_int_equal(parse(l, "inbox",
                           "--as-name|Loi\xcc\x88"
                           "c|--as-profession|Infirmier|--as-category|santé"),
                     EXIT_DONE);
    assert_string_equal(json_string_value(json_object_get(l->c.actor, "name")), "Loïc");
    assert_int_equal(json_integer_value(json_object_get(l->c.actor, "category")), 1);
    put_file(l, "actor",
             SPAN_STR("name = Maëlys D'Hondt-Prévost\nprofession = Assistante de service social\n"
                      "category = social\n"),
             path);
    snprintf(typed, sizeof typed, "--as|%s", path);
    assert_int_equal(parse(l, "inbox", typed), EXIT_DONE);
    assert_string_equal(json_string_value(json_object_get(l->c.actor, "name")),
                        "Maëlys D'Hondt-Prévost");
    assert_int_equal(json_integer_value(json_object_get(l->c.actor, "category")), 2);
    put_file(l, "actor", SPAN_STR("nom = Maëlys\n"), path);
    assert_int_equal(parse(l, "inbox", typed), EXIT_DATA);
    assert_int_equal(parse(l, "inbox", "--as-category|plombier"), EXIT_USAGE);
}

/* --- help ------------------------------------------------------------------------------------ */

static void help_names_every_command_option_and_exit_code(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    cli_help(out);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < cli_row_count; i++) {
        const struct cli_row *row = &cli_rows[i];

        if (!strstr(text, row->words) || !strstr(text, row->help))
            fail_msg("no help for %s", row->words);
        for (size_t k = 0; k < row->count; k++)
            if (*row->args[k].option && !strstr(text, row->args[k].option))
                fail_msg("no help for --%s", row->args[k].option);
    }
    for (int code = 0; code <= 5; code++) {
        char line[16];

        snprintf(line, sizeof line, "\n  %d  ", code);
        assert_non_null(strstr(text, line));
    }
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_command_of_the_daemon_has_words_and_the_reverse),
        TEST(every_error_has_an_exit_status),
        TEST(a_person_is_entered_as_she_is_called),
        TEST(an_addressee_may_be_a_function_and_of_a_category),
        TEST(texts_come_from_the_line_and_from_files_in_their_order),
        TEST(an_attachment_keeps_its_name_and_bytes),
        TEST(a_large_attachment_is_named_by_its_path_and_goes_ahead_in_pieces),
        TEST(dates_are_moments_of_this_machine),
        TEST(names_may_come_from_a_file),
        TEST(a_subject_is_one_line),
        TEST(what_is_not_found_is_named),
        TEST(what_is_not_said_has_its_usual_value),
        TEST(what_is_not_in_the_table_is_refused),
        TEST(the_professional_comes_from_options_or_a_file),
        TEST(help_names_every_command_option_and_exit_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
