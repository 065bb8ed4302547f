/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "failing_alloc.h"
#include "file.h"

struct demo {
    char listen[32];
    char data[40];
    uint64_t keep_for_s;
    uint32_t linger_ms;
    uint16_t port;
    uint64_t map_size;
    bool strict;
    char name[8];
};

#define AT(member) SETTING_AT(struct demo, member)

static const struct setting rows[] = {
    {"listen",     SET_TEXT,        AT(listen),     "tcp://[::1]:1", 1,    0,          "where"      },
    {"data",       SET_PATH,        AT(data),       "data",          1,    0,          "store"      },
    {"keep_for",   SET_DURATION,    AT(keep_for_s), "30d",           3600, 90 * 86400, "undelivered"},
    {"linger",     SET_DURATION_MS, AT(linger_ms),  "2ms",           0,    1000,       "group"      },
    {"http.port",  SET_UINT,        AT(port),       "8080",          1,    0,          "port"       },
    {"store.size", SET_SIZE,        AT(map_size),   "1g",            4096, 0,          "map"        },
    {"strict",     SET_BOOL,        AT(strict),     "yes",           0,    0,          "refuse"     },
    {"http.name",  SET_TEXT,        AT(name),       NULL,            2,    5,          "host name"  },
};

enum {
    ROWS = sizeof rows / sizeof rows[0]
};

static char why[CONF_WHY_BYTES];
static struct demo demo;

static enum err parse(const char *text)
{
    memset(&demo, 0, sizeof demo);
    why[0] = '\0';
    return conf_parse("/etc/relais/hub.conf", span_text(text), rows, ROWS, &demo, why, sizeof why);
}

static void assert_refused(const char *text, const char *reason)
{
    static const struct demo zero;

    assert_int_equal(parse(text), ERR_CONF);
    assert_string_equal(why, reason);
    assert_memory_equal(&demo, &zero, sizeof demo); /* untouched */
}

static void what_the_file_does_not_say_has_the_tables_value(void **state)
{
    (void)state;
    assert_int_equal(parse("[http]\nname = a.b\n"), ERR_OK);
    assert_string_equal(demo.listen, "tcp://[::1]:1");
    assert_string_equal(demo.data, "/etc/relais/data");
    assert_int_equal(demo.keep_for_s, 30 * 86400);
    assert_int_equal(demo.linger_ms, 2);
    assert_int_equal(demo.port, 8080);
    assert_int_equal(demo.map_size, 1 << 30);
    assert_true(demo.strict);
    assert_string_equal(demo.name, "a.b");
}

static void what_the_file_says_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("# a comment\r\n"
                           "; another\n"
                           "listen = ipc:///run/x ; and one here\n"
                           "data=/srv/relais\n"
                           "keep_for = 2h\n"
                           "linger =\t0\n"
                           "strict = off\n"
                           "\n"
                           "[http]\n"
                           "port = 65535\n"
                           "name = caf\xc3\xa9\n"
                           "[store]\n"
                           "size = 64k"),
                     ERR_OK);
    assert_string_equal(demo.listen, "ipc:///run/x");
    assert_string_equal(demo.data, "/srv/relais");
    assert_int_equal(demo.keep_for_s, 7200);
    assert_int_equal(demo.linger_ms, 0);
    assert_false(demo.strict);
    assert_int_equal(demo.port, 65535);
    assert_string_equal(demo.name, "caf\xc3\xa9");
    assert_int_equal(demo.map_size, 65536);
}

static void every_unit_is_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t s;
    } rows_of[] = {
        {"3600s",     3600  },
        {"60m",       3600  },
        {"1h",        3600  },
        {"2d",        172800},
        {"3600000ms", 3600  }
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows_of / sizeof rows_of[0]; i++) {
        snprintf(text, sizeof text, "keep_for=%s\n[http]\nname=ab", rows_of[i].text);
        assert_int_equal(parse(text), ERR_OK);
        assert_int_equal(demo.keep_for_s, rows_of[i].s);
    }
    assert_int_equal(parse("[store]\nsize=20m\n[http]\nname=ab"), ERR_OK);
    assert_int_equal(demo.map_size, 20 << 20);
    assert_int_equal(parse("[store]\nsize=4096\n[http]\nname=ab"), ERR_OK);
    assert_int_equal(demo.map_size, 4096);
    assert_int_equal(parse("strict=true\n[http]\nname=ab"), ERR_OK);
    assert_int_equal(parse("strict=no\n[http]\nname=ab"), ERR_OK);
    assert_false(demo.strict);
}

#define IN "/etc/relais/hub.conf:"

static void an_unknown_or_repeated_setting_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused("strict=yes\n\nlissten = x\n", IN "3: réglage inconnu « lissten »");
    assert_refused("[http]\nlisten = x\n", IN "2: réglage inconnu « http.listen »");
    assert_refused("http.port = 1\nport = 2\n", IN "2: réglage inconnu « port »");
    assert_refused("strict=yes\nstrict=yes\n",
                   IN "2: « strict » est donné deux fois, ou sur plusieurs lignes");
    assert_refused("[http]\nport=1\n[store]\nsize=1g\n[http]\nport=2\n",
                   IN "6: « http.port » est donné deux fois, ou sur plusieurs lignes");
    assert_refused("listen = a\n  b\n",
                   IN "2: « listen » est donné deux fois, ou sur plusieurs lignes");
}

static void a_missing_setting_is_refused(void **state)
{
    (void)state;
    assert_refused("", "/etc/relais/hub.conf: « http.name » doit être donné : host name");
}

static void a_value_out_of_range_or_shape_is_refused(void **state)
{
    (void)state;
    assert_refused("[http]\nport = 0", IN "2: « http.port » vaut « 0 » : de 1 à 65535");
    assert_refused("[http]\nport = 65536", IN "2: « http.port » vaut « 65536 » : de 1 à 65535");
    assert_refused("[http]\nport = -1",
                   IN "2: « http.port » vaut « -1 » : il faut un nombre entier");
    assert_refused("[http]\nport = ", IN "2: « http.port » vaut «  » : il faut un nombre entier");
    assert_refused("[http]\nport = 18446744073709551616",
                   IN "2: « http.port » vaut « 18446744073709551616 » : il faut un nombre entier");
    assert_refused("[store]\nsize = 18446744073709551615g",
                   IN "2: « store.size » vaut « 18446744073709551615g » : il faut une taille "
                      "comme 4096, 64k, 20m ou 2g");
    assert_refused("[store]\nsize = 4K", IN "2: « store.size » vaut « 4K » : il faut une taille "
                                            "comme 4096, 64k, 20m ou 2g");
    assert_refused("keep_for = 91d",
                   IN "1: « keep_for » vaut « 91d » : de 3600 à 7776000 secondes");
    assert_refused("keep_for = 3600", IN "1: « keep_for » vaut « 3600 » : il faut une durée en "
                                         "secondes entières, comme 30s, 5m ou 30d");
    assert_refused("keep_for = 3600500ms",
                   IN "1: « keep_for » vaut « 3600500ms » : il faut une durée en "
                      "secondes entières, comme 30s, 5m ou 30d");
    assert_refused("linger = 2s", IN "1: « linger » vaut « 2s » : de 0 à 1000 millisecondes");
    assert_refused("linger = 2 ms",
                   IN "1: « linger » vaut « 2 ms » : il faut une durée comme 500ms, "
                      "30s, 5m, 2h ou 30d");
    assert_refused("strict = maybe", IN "1: « strict » vaut « maybe » : il faut yes ou no");
    assert_refused("listen = ", IN "1: « listen » a 0 octets : de 1 à 31");
    assert_refused("listen = 12345678901234567890123456789012",
                   IN "1: « listen » a 32 octets : de 1 à 31");
    assert_refused("[http]\nname = abcdef", IN "2: « http.name » a 6 octets : de 2 à 5");
    assert_refused("data = 0123456789012345678901234567", /* 28 and "/etc/relais/" */
                   IN "1: « data » a 40 octets : de 1 à 39 avec le dossier de ce fichier");
}

static void a_line_that_is_none_is_refused(void **state)
{
    char text[400];

    (void)state;
    assert_refused("strict = yes\nhello\n", IN "2: il faut « réglage = valeur » ou « [section] »");
    assert_refused("[http\nname=x", IN "1: il faut « réglage = valeur » ou « [section] »");
    assert_refused("hello\nunknown = 1\n", IN "1: il faut « réglage = valeur » ou « [section] »");
    assert_refused("strict = \x01yes",
                   IN "1: la ligne contient un caractère de commande, ou n'est pas en UTF-8");
    assert_refused("strict = \xff",
                   IN "1: la ligne contient un caractère de commande, ou n'est pas en UTF-8");
    snprintf(text, sizeof text, "\nlisten = %0190d", 1);
    assert_refused(text, IN "2: la ligne dépasse 190 octets");
    snprintf(text, sizeof text, "#%0189d\n[http]\nname = ab\n", 1); /* 190 bytes are fine */
    assert_int_equal(parse(text), ERR_OK);
}

static void a_nul_does_not_hide_the_rest_of_the_file(void **state)
{
    (void)state;
    assert_int_equal(
        conf_parse("x", SPAN_STR("strict=yes\0\nlissten=1\n"), rows, ROWS, &demo, why, sizeof why),
        ERR_CONF);
    assert_string_equal(why,
                        "x:1: la ligne contient un caractère de commande, ou n'est pas en UTF-8");
}

static void a_path_without_a_directory_stays_relative(void **state)
{
    (void)state;
    assert_int_equal(
        conf_parse("hub.conf", SPAN_STR("[http]\nname=ab"), rows, ROWS, &demo, why, sizeof why),
        ERR_OK);
    assert_string_equal(demo.data, "data");
}

static void a_file_is_read_and_named_in_the_reason(void **state)
{
    char path[] = "/tmp/relais-conf-XXXXXX";
    int fd = mkstemp(path);
    char expected[100];

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_write_atomic(path, SPAN_STR("[http]\nname=ab\n"), 0600), ERR_OK);
    assert_int_equal(conf_read(path, rows, ROWS, &demo, why, sizeof why), ERR_OK);
    assert_string_equal(demo.data, "/tmp/data");
    assert_string_equal(demo.name, "ab");
    unlink(path);
    assert_int_equal(conf_read(path, rows, ROWS, &demo, why, sizeof why), ERR_NOT_FOUND);
    snprintf(expected, sizeof expected, "%s: no such thing", path);
    assert_string_equal(why, expected);
}

static void one_setting_is_set_by_name(void **state)
{
    (void)state;
    assert_int_equal(conf_set("http.port", "99", rows, ROWS, &demo, why, sizeof why), ERR_OK);
    assert_int_equal(demo.port, 99);
    assert_int_equal(conf_set("data", "here", rows, ROWS, &demo, why, sizeof why), ERR_OK);
    assert_string_equal(demo.data, "here"); /* where the user stands */
    assert_int_equal(conf_set("http.port", "x", rows, ROWS, &demo, why, sizeof why), ERR_CONF);
    assert_string_equal(why,
                        "ligne de commande: « http.port » vaut « x » : il faut un nombre entier");
    assert_int_equal(conf_set("listen", "a\nb", rows, ROWS, &demo, why, sizeof why), ERR_CONF);
    assert_string_equal(why, "ligne de commande: « listen » n'est pas du texte UTF-8 sans "
                             "caractère de commande");
    assert_int_equal(conf_set("nope", "x", rows, ROWS, &demo, why, sizeof why), ERR_CONF);
    assert_string_equal(why, "ligne de commande: réglage inconnu « nope »");
}

static void defaults_alone_fill_the_target(void **state)
{
    (void)state;
    memset(&demo, 0, sizeof demo);
    assert_int_equal(conf_defaults(rows, ROWS - 1, &demo, why, sizeof why), ERR_OK);
    assert_int_equal(demo.port, 8080);
    assert_string_equal(demo.data, "data");
    assert_int_equal(conf_defaults(rows, ROWS, &demo, why, sizeof why), ERR_CONF);
    assert_string_equal(why, "standards: « http.name » doit être donné : host name");
}

static void a_wrong_table_is_found(void **state)
{
    static const struct setting wrong[] = {
        {"a", SET_UINT, 0, 3, "1",   0, 0,     "no such integer"     },
        {"b", SET_UINT, 0, 2, "1",   0, 70000, "more than it holds"  },
        {"c", SET_BOOL, 0, 4, "yes", 0, 0,     "not a bool"          },
        {"d", SET_UINT, 0, 8, "x",   0, 0,     "default not a number"},
        {"e", SET_TEXT, 0, 0, "",    0, 0,     "no room"             },
    };
    static struct setting many[CONF_SETTINGS_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(conf_defaults(&wrong[i], 1, &demo, why, sizeof why), ERR_CONF);
    for (size_t i = 0; i <= CONF_SETTINGS_MAX; i++)
        many[i] = rows[0];
    assert_int_equal(conf_defaults(many, CONF_SETTINGS_MAX + 1, &demo, why, sizeof why), ERR_CONF);
    assert_int_equal(
        conf_parse("x", SPAN_STR(""), many, CONF_SETTINGS_MAX + 1, &demo, why, sizeof why),
        ERR_CONF);
    assert_int_equal(conf_set("listen", "x", many, CONF_SETTINGS_MAX + 1, &demo, why, sizeof why),
                     ERR_CONF);
}

static void help_is_a_file_with_every_setting_in_its_section(void **state)
{
    char text[2048] = "";
    FILE *out = fmemopen(text, sizeof text, "w");

    (void)state;
    conf_print_help(out, rows, ROWS);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "# where\n#listen = tcp://[::1]:1\n"
                              "# store\n#data = data\n"
                              "# undelivered (3600 … 7776000 s)\n#keep_for = 30d\n"
                              "# group (0 … 1000 ms)\n#linger = 2ms\n"
                              "# refuse\n#strict = yes\n"
                              "\n[http]\n# port\n#port = 8080\n"
                              "\n[store]\n# map\n#size = 1g\n"
                              "\n[http]\n# host name - à donner\n#name = \n");
    assert_int_equal(parse(text), ERR_CONF); /* it is a file we read: only the name is missing */
    assert_string_equal(why, "/etc/relais/hub.conf: « http.name » doit être donné : host name");
}

static void a_lack_of_memory_is_said(void **state)
{
    (void)state;
    alloc_fail_after(1);
    assert_int_equal(conf_read("/dev/null", rows, ROWS, &demo, why, sizeof why), ERR_NOMEM);
    alloc_fail_after(-1);
    assert_string_equal(why, "/dev/null: out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_file_does_not_say_has_the_tables_value),
        cmocka_unit_test(what_the_file_says_is_read),
        cmocka_unit_test(every_unit_is_read),
        cmocka_unit_test(an_unknown_or_repeated_setting_is_refused_with_its_line),
        cmocka_unit_test(a_missing_setting_is_refused),
        cmocka_unit_test(a_value_out_of_range_or_shape_is_refused),
        cmocka_unit_test(a_line_that_is_none_is_refused),
        cmocka_unit_test(a_nul_does_not_hide_the_rest_of_the_file),
        cmocka_unit_test(a_path_without_a_directory_stays_relative),
        cmocka_unit_test(a_file_is_read_and_named_in_the_reason),
        cmocka_unit_test(one_setting_is_set_by_name),
        cmocka_unit_test(defaults_alone_fill_the_target),
        cmocka_unit_test(a_wrong_table_is_found),
        cmocka_unit_test(help_is_a_file_with_every_setting_in_its_section),
        cmocka_unit_test(a_lack_of_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
