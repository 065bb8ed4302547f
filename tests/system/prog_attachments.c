/*
 * Large attachments, the whole way: command line, node, hub, node, command line, all of them real
 * processes; and what a cut at each phase costs. What is counted is chunks, never time.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attachment.h"
#include "digest.h"
#include "nodepair.h"

#define MIB (1u << 20)
#define WAIT_TURNS 3000

static struct nodepair pair;

static void turn(void)
{
    enum err e = crew_turn(pair.scene.crew, 20);

    CHECK(e == ERR_OK || e == ERR_AGAIN);
}

/* --- files ---------------------------------------------------------------------------------- */

static const char *file_of(const char *name)
{
    static char path[PAIR_PATH];

    snprintf(path, sizeof path, "%s/%s", pair.top, name);
    return path;
}

/* Bytes that no two places share. */
static void file_make(const char *path, size_t size)
{
    uint64_t room[8192];
    FILE *f = fopen(path, "we");

    CHECK(f != NULL);
    for (size_t at = 0; at < size; at += sizeof room) {
        size_t n = size - at < sizeof room ? size - at : sizeof room;

        for (size_t i = 0; i < sizeof room / 8; i++)
            room[i] = (at + 8 * i) * UINT64_C(0x9e3779b97f4a7c15);
        CHECK(fwrite(room, 1, n, f) == n);
    }
    CHECK(fclose(f) == 0);
}

static void file_digest(const char *path, uint8_t out[DIGEST_256])
{
    static uint8_t room[65536];
    struct digest d;
    FILE *f = fopen(path, "re");
    size_t n;

    CHECK(f != NULL);
    digest_init(&d, "test", NO_KEY, DIGEST_256);
    while ((n = fread(room, 1, sizeof room, f)) > 0)
        digest_add(&d, span_of(room, n));
    fclose(f);
    CHECK_OK(digest_final(&d, out));
}

static bool same_file(const char *a, const char *b)
{
    uint8_t x[DIGEST_256];
    uint8_t y[DIGEST_256];

    file_digest(a, x);
    file_digest(b, y);
    return memcmp(x, y, sizeof x) == 0;
}

/* --- sheets --------------------------------------------------------------------------------- */

static void sheet_send(const char *path, char mid[PAIR_HEX])
{
    char attach[PAIR_PATH + 32];
    const char *words[] = {"--json",
                           "sheet",
                           "send",
                           "--person",
                           pair.person,
                           "--to",
                           pair.to.org,
                           "--subject",
                           "Imagerie",
                           "--text",
                           "social=Voir la pièce.",
                           "--attach",
                           attach,
                           "--basis",
                           "echange",
                           "--purpose",
                           "coordination",
                           "--wait",
                           "0",
                           NULL};
    struct bytes out = {0};
    json_t *answer;

    snprintf(attach, sizeof attach, "medical=%s", path);
    if (pair_run(&pair, &pair.from, words, &out)) {
        fprintf(stderr, "%.*s\n", (int)out.len, (const char *)out.ptr);
        scene_fail(__FILE__, __LINE__, "sheet send", "");
    }
    answer = json_loadb((const char *)out.ptr, out.len, JSON_DISABLE_EOF_CHECK, NULL);
    CHECK(json_string_value(json_object_get(answer, "mid")));
    snprintf(mid, PAIR_HEX, "%s", json_string_value(json_object_get(answer, "mid")));
    json_decref(answer);
    bytes_free(&out);
}

static int sheet_take(const char *mid, const char *to, bool unscanned)
{
    const char *words[] = {
        "sheet", "attachment", mid, "1", "--output", to, unscanned ? "--non-analyse" : NULL, NULL};

    return pair_run(&pair, &pair.to, words, NULL);
}

static json_int_t counted(const struct pair_side *s, const char *key)
{
    json_t *data = pair_ask(s, "status", json_object(), NULL);
    json_int_t n = json_integer_value(json_object_get(json_object_get(data, "link"), key));

    json_decref(data);
    return n;
}

/* How an attachment of this sheet stands: chunks that are there, or -1. */
static json_int_t chunks_here(const struct pair_side *s, const char *mid, int *scan)
{
    json_t *data = pair_ask(s, "sheet.show", json_pack("{s:s}", "mid", mid), NULL);
    json_t *one = json_array_get(json_object_get(data, "attachments_state"), 0);
    json_int_t n = one ? json_integer_value(json_object_get(one, "chunks_done")) : -1;

    if (scan)
        *scan = (int)json_integer_value(json_object_get(one, "scan"));
    json_decref(data);
    return n;
}

static void await_chunks(const struct pair_side *s, const char *mid, json_int_t least)
{
    for (int i = 0; chunks_here(s, mid, NULL) < least; i++) {
        CHECK(i < WAIT_TURNS);
        turn();
    }
}

static json_int_t chunks_of(uint64_t size)
{
    return attachment_chunks(attachment_sealed_size(size));
}

static void await_whole(const char *mid, uint64_t size)
{
    await_chunks(&pair.to, mid, chunks_of(size));
}

/* --- tests ---------------------------------------------------------------------------------- */

static void a_large_attachment_arrives_byte_for_byte(void)
{
    const char *path = strdup(file_of("scan.pdf"));
    const char *got = strdup(file_of("got.pdf"));
    const uint64_t size = 5 * MIB + 17;
    char mid[PAIR_HEX];

    file_make(path, size);
    sheet_send(path, mid);
    await_whole(mid, size);
    CHECK(sheet_take(mid, got, false) != 0); /* nobody has looked at it */
    CHECK(access(got, F_OK) != 0);
    CHECK(sheet_take(mid, got, true) == 0);
    CHECK(same_file(path, got));
    CHECK(counted(&pair.from, "chunks_sent") == chunks_of(size));
    CHECK(counted(&pair.to, "chunks_received") == chunks_of(size));
    free((char *)(uintptr_t)path);
    free((char *)(uintptr_t)got);
}

int main(int argc, char **argv)
{
    static const struct scene_test tests[] = {
        {"a large attachment arrives byte for byte", a_large_attachment_arrives_byte_for_byte},
    };
    int status;

    if (seal_init() || pair_up(&pair, NULL, "retry = 200ms\nping = 500ms", NULL)) {
        fprintf(stderr, "no pair\n");
        return 1;
    }
    status = scene_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
    pair_down(&pair);
    return status;
}
