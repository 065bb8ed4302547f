/* Attachments on disk: what a name promises, what a crash leaves, what a bad disk changes. */
#include "attfile.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "keys.h"
#include "proctree.h"

#define COUNT 3
#define LAST 1000
#define HEADER 36864

static uint8_t chunk[COUNT][ATTACHMENT_CHUNK];
static uint8_t hashes[COUNT * ATTACHMENT_HASH_BYTES];
static uint8_t room[ATTACHMENT_CHUNK];
static struct attfile_facts facts;
static char dir[64];

static struct span part(uint32_t i)
{
    return span_of(chunk[i], attachment_chunk_len(facts.size, i));
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/attfile-XXXXXX");
    assert_non_null(mkdtemp(dir));
    facts = (struct attfile_facts){
        .owner = {1}, .number = 70000, .size = 2 * ATTACHMENT_CHUNK + LAST, .made_ms = 5};
    for (uint32_t i = 0; i < COUNT; i++) {
        memset(chunk[i], (int)i + 1, sizeof chunk[i]);
        assert_int_equal(attachment_hash(i, part(i), hashes + i * ATTACHMENT_HASH_BYTES), ERR_OK);
    }
    assert_int_equal(attachment_address(facts.size, SPAN_OF(hashes), facts.address), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tree_remove(dir);
    return 0;
}

static struct attfile *made(uint32_t chunks)
{
    struct attfile *f = NULL;

    assert_int_equal(attfile_create(dir, &facts, SPAN_OF(hashes), &f), ERR_OK);
    for (uint32_t i = 0; i < chunks; i++)
        assert_int_equal(attfile_write(f, i, part(i)), ERR_OK);
    return f;
}

static struct attfile *opened(void)
{
    struct attfile *f = NULL;

    assert_int_equal(attfile_open(dir, facts.address, &f), ERR_OK);
    return f;
}

static int fd_of(bool whole)
{
    char path[256];
    int at = snprintf(path, sizeof path, "%s/", dir);
    int fd;

    for (size_t i = 0; i < sizeof facts.address; i++)
        at += snprintf(path + at, 3, "%02x", facts.address[i]);
    snprintf(path + at, 6, "%s", whole ? "" : ".part");
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void a_file_gets_its_name_when_all_of_it_is_there(void **state)
{
    struct attfile *f = made(2);
    struct span got;

    (void)state;
    assert_int_equal(attfile_finish(f), ERR_AGAIN);
    assert_false(attfile_whole(f));
    assert_int_equal(attfile_write(f, 2, part(2)), ERR_OK);
    assert_int_equal(attfile_finish(f), ERR_OK);
    assert_int_equal(attfile_finish(f), ERR_OK);
    attfile_close(f);
    f = opened();
    assert_true(attfile_whole(f));
    assert_int_equal(attfile_facts(f)->number, 70000);
    assert_int_equal(attfile_facts(f)->made_ms, 5);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(attfile_read(f, i, room, &got), ERR_OK);
        assert_true(span_equal(got, part(i)));
    }
    assert_int_equal(attfile_read(f, COUNT, room, &got), ERR_RANGE);
    attfile_close(f);
}

static void only_the_next_and_the_listed_chunk_is_taken(void **state)
{
    struct attfile *f = made(1);

    (void)state;
    assert_int_equal(attfile_write(f, 0, part(0)), ERR_AGAIN);
    assert_int_equal(attfile_write(f, 2, part(2)), ERR_AGAIN);
    assert_int_equal(attfile_write(f, 1, part(0)), ERR_ATTACHMENT_ADDRESS);
    assert_int_equal(attfile_write(f, 1, part(2)), ERR_ATTACHMENT_ADDRESS);
    assert_int_equal(attfile_next(f), 1);
    attfile_close(f);
}

static void a_torn_end_is_no_chunk(void **state)
{
    int fd;
    struct attfile *f = made(2);

    (void)state;
    attfile_close(f);
    fd = fd_of(false);
    assert_int_equal(ftruncate(fd, HEADER + 2 * ATTACHMENT_CHUNK - 1), 0);
    close(fd);
    f = opened();
    assert_int_equal(attfile_next(f), 1);
    assert_int_equal(attfile_write(f, 1, part(1)), ERR_OK);
    attfile_close(f);
    f = opened();
    assert_int_equal(attfile_next(f), 2);
    attfile_close(f);
}

static void a_byte_that_the_disk_changed_is_found(void **state)
{
    struct attfile *f = made(COUNT);
    struct span got;
    int fd;

    (void)state;
    assert_int_equal(attfile_finish(f), ERR_OK);
    fd = fd_of(true);
    assert_int_equal(pwrite(fd, "x", 1, HEADER + ATTACHMENT_CHUNK + 9), 1);
    assert_int_equal(attfile_read(f, 0, room, &got), ERR_OK);
    assert_int_equal(attfile_read(f, 1, room, &got), ERR_CORRUPT);
    assert_int_equal(pwrite(fd, "x", 1, 100), 1); /* a hash of the header */
    close(fd);
    attfile_close(f);
    assert_int_equal(attfile_open(dir, facts.address, &f), ERR_CORRUPT);
}

static void an_address_that_is_not_that_of_the_hashes_makes_no_file(void **state)
{
    struct attfile *f = NULL;

    (void)state;
    facts.address[0] ^= 1;
    assert_int_equal(attfile_create(dir, &facts, SPAN_OF(hashes), &f), ERR_ATTACHMENT_ADDRESS);
    assert_int_equal(attfile_open(dir, facts.address, &f), ERR_NOT_FOUND);
}

static void a_draft_gets_hashes_address_and_name_when_it_is_sealed(void **state)
{
    struct attfile_facts blank = {.owner = {9}};
    struct attfile *f = NULL;

    (void)state;
    assert_int_equal(attfile_draft(dir, "draft", facts.size, &f), ERR_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(attfile_append(f, span_of(chunk[i], 5)), ERR_SIZE);
        assert_int_equal(attfile_seal(f, &blank), ERR_SIZE);
        assert_int_equal(attfile_append(f, part(i)), ERR_OK);
    }
    assert_int_equal(attfile_append(f, part(2)), ERR_SIZE);
    assert_int_equal(attfile_seal(f, &blank), ERR_OK);
    assert_memory_equal(attfile_facts(f)->address, facts.address, sizeof facts.address);
    attfile_close(f);
    f = opened();
    assert_true(attfile_whole(f));
    attfile_close(f);
    assert_int_equal(attfile_draft(dir, "draft", 0, &f), ERR_SIZE);
}

struct seen {
    size_t whole, parts;
};

static enum err see(void *arg, const struct attfile_facts *one, bool whole)
{
    struct seen *s = arg;

    assert_memory_equal(one->address, facts.address, sizeof facts.address);
    s->whole += whole;
    s->parts += !whole;
    return ERR_OK;
}

static void a_directory_lists_files_and_drops_what_is_none(void **state)
{
    struct attfile *f = made(1);
    struct attfile *draft = NULL;
    struct seen s = {0};
    char path[128];

    (void)state;
    attfile_close(f);
    assert_int_equal(attfile_draft(dir, "draft", facts.size, &draft), ERR_OK);
    attfile_close(draft);
    assert_int_equal(attfile_each(dir, see, &s), ERR_OK);
    assert_int_equal(s.parts, 1);
    assert_int_equal(s.whole, 0);
    snprintf(path, sizeof path, "%s/draft.part", dir);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(attfile_remove(dir, facts.address), ERR_OK);
    assert_int_equal(attfile_remove(dir, facts.address), ERR_NOT_FOUND);
    assert_int_equal(attfile_each("/nowhere", see, &s), ERR_NOT_FOUND);
}

static void whole_ones_are_copied_and_what_the_disk_changed_is_not(void **state)
{
    struct attfile *f = made(COUNT);
    struct attfile *draft = NULL;
    char to[80];
    struct span got;
    int fd;

    (void)state;
    snprintf(to, sizeof to, "%s.copy", dir);
    assert_int_equal(attfiles_copy("/nowhere/at/all", to), ERR_OK);
    assert_int_equal(attfile_draft(dir, "draft", facts.size, &draft), ERR_OK);
    assert_int_equal(attfiles_copy(dir, to), ERR_OK); /* one in the making, and a draft */
    assert_int_equal(attfile_open(to, facts.address, &f), ERR_NOT_FOUND);
    assert_int_equal(attfile_finish(f), ERR_OK);
    assert_int_equal(attfiles_copy(dir, to), ERR_OK);
    attfile_discard(f); /* it has a name: stays */
    assert_int_equal(attfile_open(to, facts.address, &f), ERR_OK);
    assert_true(attfile_whole(f));
    assert_int_equal(attfile_read(f, 2, room, &got), ERR_OK);
    assert_true(span_equal(got, part(2)));
    attfile_close(f);
    attfile_discard(draft);
    fd = fd_of(true);
    assert_int_equal(pwrite(fd, "x", 1, HEADER + 9), 1);
    close(fd);
    assert_int_equal(attfiles_copy(dir, to), ERR_CORRUPT);
    tree_remove(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_gets_its_name_when_all_of_it_is_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(only_the_next_and_the_listed_chunk_is_taken, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_torn_end_is_no_chunk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_byte_that_the_disk_changed_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_that_is_not_that_of_the_hashes_makes_no_file,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_draft_gets_hashes_address_and_name_when_it_is_sealed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(whole_ones_are_copied_and_what_the_disk_changed_is_not,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_lists_files_and_drops_what_is_none, set_up,
                                        tear_down),
    };

    return seal_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
