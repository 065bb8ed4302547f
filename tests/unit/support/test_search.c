/* The forms below were made by iconv, od and base64, not by search.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"
#include "image.h"
#include "search.h"

#define NEEDLE "Émilie O'Brien"

static struct search *search_for(const char *needle)
{
    struct search *s;

    assert_int_equal(search_new(&s), ERR_OK);
    assert_int_equal(search_add(s, span_text(needle)), ERR_OK);
    return s;
}

static uint64_t found_in(const char *needle, enum search_form form, struct span haystack)
{
    struct search *s = search_for(needle);
    uint64_t n;

    assert_int_equal(search_run(s, haystack), ERR_OK);
    n = search_count(s, 0, form);
    assert_true(search_total(s) >= n);
    search_free(s);
    return n;
}

static uint64_t found_in_hex(enum search_form form, const char *hex)
{
    struct bytes raw = {0};
    uint64_t n;

    assert_int_equal(hex_read(&raw, span_text(hex)), ERR_OK);
    n = found_in(NEEDLE, form, bytes_span(&raw));
    bytes_free(&raw);
    return n;
}

static void a_text_is_found_as_typed_at_both_ends_and_between(void **state)
{
    struct search *s = search_for(NEEDLE);

    (void)state;
    assert_int_equal(search_run(s, span_text(NEEDLE " et " NEEDLE ", puis " NEEDLE)), ERR_OK);
    assert_int_equal(search_as_typed(s, 0), 3);
    assert_int_equal(search_total(s), 3);
    search_free(s);
}

static void nothing_is_found_in_what_is_almost_the_text(void **state)
{
    struct search *s = search_for(NEEDLE);

    (void)state;
    assert_int_equal(search_run(s, span_text("Émilie O'Brie")), ERR_OK);
    assert_int_equal(search_run(s, span_text("n Émili O'Brien Émilie  O'Brien")), ERR_OK);
    assert_int_equal(search_run(s, span_of("", 0)), ERR_OK);
    assert_int_equal(search_total(s), 0);
    search_free(s);
}

static void case_accents_and_folding_do_not_hide_a_text(void **state)
{
    static const char *const spellings[] = {
        "émilie o'brien", "ÉMILIE O'BRIEN",         "Emilie O'Brien", "EMILIE O'BRIEN",
        "emilie o'brien", "E\xcc\x81milie O'Brien", "emilieobrien",
    };

    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        struct search *s = search_for(NEEDLE);

        assert_int_equal(search_run(s, span_text(spellings[i])), ERR_OK);
        assert_int_equal(search_count(s, 0, SEARCH_UTF8), 1);
        assert_int_equal(search_as_typed(s, 0), 0);
        search_free(s);
    }
}

static void wide_and_narrow_characters_do_not_hide_a_text(void **state)
{
    (void)state;
    assert_int_equal(found_in(NEEDLE, SEARCH_LATIN1, SPAN_STR("\xc9milie O'Brien")), 1);
    assert_int_equal(
        found_in_hex(SEARCH_UTF16LE, "c9006d0069006c006900650020004f00270042007200690065006e00"),
        1);
    assert_int_equal(
        found_in_hex(SEARCH_UTF16BE, "00c9006d0069006c006900650020004f00270042007200690065006e"),
        1);
    assert_int_equal(found_in_hex(SEARCH_UTF32LE,
                                  "c90000006d000000690000006c0000006900000065000000200000004f000000"
                                  "27000000420000007200000069000000650000006e000000"),
                     1);
    assert_int_equal(found_in_hex(SEARCH_UTF32BE,
                                  "000000c90000006d000000690000006c0000006900000065000000200000004f"
                                  "00000027000000420000007200000069000000650000006e"),
                     1);
}

static void escapes_and_hexadecimal_do_not_hide_a_text(void **state)
{
    (void)state;
    assert_int_equal(found_in(NEEDLE, SEARCH_JSON, SPAN_STR("\"\\u00c9milie O'Brien\"")), 1);
    assert_int_equal(found_in(NEEDLE, SEARCH_JSON, SPAN_STR("\\u00C9milie O'Brien")), 1);
    assert_int_equal(found_in(NEEDLE, SEARCH_HEX, SPAN_STR("00c3896d696c6965204f27427269656e")), 1);
    assert_int_equal(found_in(NEEDLE, SEARCH_HEX, SPAN_STR("C3896D696C6965204F27427269656E")), 1);
    assert_int_equal(
        found_in(NEEDLE, SEARCH_HEX, SPAN_STR("c3:89:6d:69 6c 69 65\n 20 4f 27 42 72 69 65 6e")),
        1);
}

static void base64_does_not_hide_a_text_at_any_alignment(void **state)
{
    (void)state;
    assert_int_equal(found_in(NEEDLE, SEARCH_BASE64, SPAN_STR("w4ltaWxpZSBPJ0JyaWVu")), 1);
    assert_int_equal(found_in(NEEDLE, SEARCH_BASE64, SPAN_STR("eMOJbWlsaWUgTydCcmllbiE=")), 1);
    assert_int_equal(found_in(NEEDLE, SEARCH_BASE64, SPAN_STR("eHjDiW1pbGllIE8nQnJpZW4hIQ==")), 1);
    assert_int_equal(found_in(NEEDLE, SEARCH_BASE64, SPAN_STR("w4ltaWxp\nZSBPJ0\r\nJyaWVu")), 1);
}

static void both_alphabets_of_base64_are_known(void **state)
{
    (void)state;
    assert_int_equal(found_in("ÿþ?>ÿþ?>ÿ", SEARCH_BASE64, SPAN_STR("w7/Dvj8+w7/Dvj8+w78=")), 1);
    assert_int_equal(found_in("ÿþ?>ÿþ?>ÿ", SEARCH_BASE64, SPAN_STR("w7_Dvj8-w7_Dvj8-w78=")), 1);
}

static void many_needles_are_counted_each_on_its_own(void **state)
{
    struct search *s = search_for("238086231802522");

    (void)state;
    assert_int_equal(search_add(s, span_text("2380862")), ERR_OK);
    assert_int_equal(search_add(s, span_text("2380862")), ERR_OK); /* counts as one */
    assert_int_equal(search_needles(s), 2);
    assert_int_equal(search_run(s, span_text("<238086231802522> <2380862>")), ERR_OK);
    assert_int_equal(search_as_typed(s, 0), 1);
    assert_int_equal(search_as_typed(s, 1), 2);
    search_free(s);
}

static void a_needle_that_would_be_found_by_chance_is_refused(void **state)
{
    struct search *s = search_for(NEEDLE);

    (void)state;
    assert_int_equal(search_add(s, span_text("62318")), ERR_SIZE);
    assert_int_equal(search_add(s, SPAN_STR("\xc9milie O'Brien")), ERR_UTF8);
    assert_int_equal(search_run(s, span_text("")), ERR_OK);
    assert_int_equal(search_add(s, span_text("trop tard")), ERR_STATE);
    search_free(s);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED /* terabytes of shadow memory: image_write() answers ERR_SIZE */
#endif
#endif

/* In a page that the process itself may not read; drawn, so that it stands nowhere else. */
static void an_image_holds_even_what_is_guarded(void **state)
{
    struct image_facts facts;
    struct bytes image = {0};
    char dir[] = "/tmp/relais-image.XXXXXX";
    char path[64];
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(page, MAP_FAILED);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/image", dir);
    assert_int_equal(getrandom(page, 32, 0), 32);
    for (int i = 0; i < 32; i++)
        page[i] = (char)('a' + (unsigned char)page[i] % 23);
    assert_int_equal(mprotect(page, 4096, PROT_NONE), 0);

#ifdef SANITIZED
    assert_int_equal(image_write(getpid(), path, &facts), ERR_SIZE);
    munmap(page, 4096);
    assert_int_equal(rmdir(dir), 0); /* nothing stays */
    return;
#endif
    assert_int_equal(image_write(getpid(), path, &facts), ERR_OK);
    assert_true(facts.mappings > 5 && facts.written > 0 && facts.bytes >= facts.written);
    assert_int_equal(file_read(path, SIZE_MAX, &image), ERR_OK);
    assert_int_equal(image.len, facts.written);
    assert_int_equal(mprotect(page, 4096, PROT_READ), 0);
    assert_int_equal(found_in(page, SEARCH_UTF8, bytes_span(&image)), 1);
    assert_int_equal(image_write(getpid(), path, &facts), ERR_EXISTS);

    bytes_free(&image);
    munmap(page, 4096);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void there_is_no_image_of_a_process_that_is_not(void **state)
{
    struct image_facts facts;

    (void)state;
    assert_int_equal(image_write(INT32_MAX, "/nonexistent/image", &facts), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_found_as_typed_at_both_ends_and_between),
        cmocka_unit_test(nothing_is_found_in_what_is_almost_the_text),
        cmocka_unit_test(case_accents_and_folding_do_not_hide_a_text),
        cmocka_unit_test(wide_and_narrow_characters_do_not_hide_a_text),
        cmocka_unit_test(escapes_and_hexadecimal_do_not_hide_a_text),
        cmocka_unit_test(base64_does_not_hide_a_text_at_any_alignment),
        cmocka_unit_test(both_alphabets_of_base64_are_known),
        cmocka_unit_test(many_needles_are_counted_each_on_its_own),
        cmocka_unit_test(a_needle_that_would_be_found_by_chance_is_refused),
        cmocka_unit_test(an_image_holds_even_what_is_guarded),
        cmocka_unit_test(there_is_no_image_of_a_process_that_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
