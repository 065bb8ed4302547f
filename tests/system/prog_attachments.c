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

#include "attach.h"
#include "attachment.h"
#include "digest.h"
#include "nodepair.h"

#define MIB (1u << 20)
#define WAIT_TURNS 3000

static struct nodepair pair;
static char lab[PAIR_PATH / 4]; /* of the scanner */
static char node_conf[PAIR_PATH];

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

/* Both nodes' scanner: keeps what it was given, and answers what `verdict` says. */
static void lab_make(void)
{
    const char *base = getenv("TMPDIR");
    char path[PAIR_PATH];
    FILE *f;

    snprintf(lab, sizeof lab, "%s/lab-XXXXXX", base && *base ? base : "/tmp");
    CHECK(mkdtemp(lab) != NULL);
    snprintf(path, sizeof path, "%s/scanner", lab);
    CHECK((f = fopen(path, "we")) != NULL);
    fprintf(f,
            "#!/bin/sh\ncd %s\nif [ -e gate ]; then : >began; sleep 600; fi\ncat >seen; exit $(cat "
            "verdict)\n",
            lab);
    CHECK(fclose(f) == 0 && chmod(path, 0700) == 0);
    snprintf(node_conf, sizeof node_conf,
             "retry = 200ms\nping = 500ms\nscan_command = %s/scanner -\n", lab);
}

static void verdict(int status)
{
    char path[PAIR_PATH];
    FILE *f;

    snprintf(path, sizeof path, "%s/verdict", lab);
    CHECK((f = fopen(path, "we")) != NULL && fprintf(f, "%d\n", status) > 0 && fclose(f) == 0);
}

/* While the gate is there a scan begins and does not end. */
static bool gate_set(bool there)
{
    char path[PAIR_PATH];
    FILE *f;

    snprintf(path, sizeof path, "%s/gate", lab);
    if (!there)
        return unlink(path) == 0;
    return (f = fopen(path, "we")) && fclose(f) == 0;
}

static void await_scan(const char *mid, int wanted)
{
    int scan = -1;

    for (int i = 0; scan != wanted; i++) {
        CHECK(i < WAIT_TURNS);
        turn();
        chunks_here(&pair.to, mid, &scan);
    }
}

/* Is a part of this file in clear anywhere under dir? */
static bool is_in(const char *dir, const char *clear)
{
    char command[3 * PAIR_PATH];
    const char *args[] = {"-c", command, NULL};

    snprintf(command, sizeof command,
             "dd if='%s' bs=4096 skip=3 count=1 2>/dev/null | head -c 64 >'%s/needle' && "
             "LC_ALL=C grep -rlaF -f '%s/needle' '%s'",
             clear, lab, lab, dir);
    return hubproc_run("/bin/sh", args, NULL) != 1; /* grep: nothing found */
}

static void a_large_attachment_arrives_byte_for_byte(void)
{
    const char *path = strdup(file_of("scan.pdf"));
    const char *got = strdup(file_of("got.pdf"));
    char seen[PAIR_PATH];
    const uint64_t size = 5 * MIB + 17;
    char mid[PAIR_HEX];

    verdict(0);
    file_make(path, size);
    sheet_send(path, mid);
    await_whole(mid, size);
    await_scan(mid, SCAN_CLEAN);
    snprintf(seen, sizeof seen, "%s/seen", lab);
    CHECK(same_file(path, seen)); /* the scanner saw all of it */
    CHECK(sheet_take(mid, got, false) == 0);
    CHECK(same_file(path, got));
    CHECK(is_in(seen, path)); /* who looks finds it */
    CHECK(!is_in(pair.from.dir, path));
    CHECK(!is_in(pair.to.dir, path));
    CHECK(!is_in(hubproc_dir(pair.scene.hub), path));
    CHECK(counted(&pair.from, "chunks_sent") == chunks_of(size));
    CHECK(counted(&pair.to, "chunks_received") == chunks_of(size));
    free((char *)(uintptr_t)path);
    free((char *)(uintptr_t)got);
}

static void an_infected_one_is_given_to_nobody(void)
{
    const char *path = strdup(file_of("virus.pdf"));
    const char *got = strdup(file_of("caught.pdf"));
    char mid[PAIR_HEX];

    verdict(1);
    file_make(path, MIB);
    sheet_send(path, mid);
    await_scan(mid, SCAN_INFECTED);
    CHECK(sheet_take(mid, got, false) != 0);
    CHECK(sheet_take(mid, got, true) != 0);
    CHECK(access(got, F_OK) != 0);
    free((char *)(uintptr_t)path);
    free((char *)(uintptr_t)got);
}

/* Looked at again: a verdict is on disk, or was never given. */
static void a_scan_survives_the_death_of_the_node(void)
{
    const char *path = strdup(file_of("scan2.pdf"));
    char slow[PAIR_PATH + 32];
    char mid[PAIR_HEX];
    int scan = -1;

    verdict(0);
    file_make(path, MIB);
    CHECK(gate_set(true));
    snprintf(slow, sizeof slow, "%s/began", lab);
    sheet_send(path, mid);
    for (int i = 0; access(slow, F_OK) != 0; i++) {
        CHECK(i < WAIT_TURNS);
        turn();
    }
    pair_kill(&pair.to);
    CHECK(gate_set(false));
    CHECK_OK(pair_serve(&pair, &pair.to, true));
    CHECK(sheet_take(mid, file_of("never.pdf"), false) != 0 ||
          (chunks_here(&pair.to, mid, &scan) > 0 && scan == SCAN_CLEAN));
    await_scan(mid, SCAN_CLEAN);
    free((char *)(uintptr_t)path);
}

int main(int argc, char **argv)
{
    static const struct scene_test tests[] = {
        {"a large attachment arrives byte for byte", a_large_attachment_arrives_byte_for_byte},
        {"an infected one is given to nobody",       an_infected_one_is_given_to_nobody      },
        {"a scan survives the death of the node",    a_scan_survives_the_death_of_the_node   },
    };
    int status;

    lab_make();
    if (seal_init() || pair_up(&pair, NULL, node_conf, NULL)) {
        fprintf(stderr, "no pair\n");
        return 1;
    }
    status = scene_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
    pair_down(&pair);
    tree_remove(lab);
    return status;
}
