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
#include <sys/wait.h>
#include <unistd.h>

#include "attach.h"
#include "attachment.h"
#include "courier_internal.h"
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

static uint64_t mib_asked(void)
{
    const char *text = getenv("ATTACH_MIB");
    uint64_t mib = text ? strtoul(text, NULL, 10) : 0;

    return mib ? mib : 8;
}

#define PROCESSES 3
#define MORE_KIB (16 * 1024) /* whatever the size */

static pid_t process(size_t i)
{
    const pid_t pids[PROCESSES] = {hubproc_pid(pair.scene.hub), pair.from.serve.pid,
                                   pair.to.serve.pid};

    return pids[i];
}

/* The most it ever was is what it is now: from here on it counts. */
static size_t high_begin(size_t i)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)process(i));
    CHECK((fd = open(path, O_WRONLY | O_CLOEXEC)) >= 0 && write(fd, "5", 1) == 1);
    close(fd);
    return pair_resident_kib(process(i), false);
}

static void a_large_attachment_arrives_byte_for_byte(void)
{
    const char *path = strdup(file_of("scan.pdf"));
    const char *got = strdup(file_of("got.pdf"));
    char seen[PAIR_PATH];
    const uint64_t size = mib_asked() * MIB - 17;
    size_t resident[PROCESSES];
    char mid[PAIR_HEX];

    verdict(0);
    file_make(path, size);
    for (size_t i = 0; i < PROCESSES; i++)
        resident[i] = high_begin(i);
    sheet_send(path, mid);
    await_whole(mid, size);
    await_scan(mid, SCAN_CLEAN);
    for (size_t i = 0; i < PROCESSES; i++)
        CHECK(pair_resident_kib(process(i), true) <= resident[i] + MORE_KIB);
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

/* --- cuts ----------------------------------------------------------------------------------- */

struct journey {
    const char *path, *got;
    uint64_t size;
    json_int_t chunks;
    char mid[PAIR_HEX];
};

static uint64_t drawn; /* seeded: which chunk it happens at */

static json_int_t draw(json_int_t from, json_int_t to)
{
    drawn = drawn * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return from + (json_int_t)((drawn >> 33) % (uint64_t)(to - from + 1));
}

static struct journey journey_begin(void)
{
    struct journey j = {.path = strdup(file_of("irm.dcm")), .got = strdup(file_of("irm.got"))};

    verdict(0);
    j.size = mib_asked() * MIB - 11;
    j.chunks = chunks_of(j.size);
    file_make(j.path, j.size);
    return j;
}

static void journey_end(struct journey *j)
{
    await_whole(j->mid, j->size);
    await_scan(j->mid, SCAN_CLEAN);
    CHECK(sheet_take(j->mid, j->got, false) == 0);
    CHECK(same_file(j->path, j->got));
    CHECK(unlink(j->path) == 0 && unlink(j->got) == 0);
    free((char *)(uintptr_t)j->path);
    free((char *)(uintptr_t)j->got);
}

static const char *fault_at(const char *point, json_int_t n)
{
    static char text[64];

    snprintf(text, sizeof text, "%s:%lld", point, (long long)n);
    return text;
}

static void serve_under(struct pair_side *s, const char *fault)
{
    pair_kill(s);
    CHECK_OK(pair_serve_under(&pair, s, fault));
}

static void serve_again(struct pair_side *s)
{
    int status = 0;

    CHECK_OK(pair_wait(s, &status));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_OK(pair_serve(&pair, s, true));
}

static void hub_under(const char *fault)
{
    CHECK_OK(hubproc_kill(pair.scene.hub));
    CHECK_OK(hubproc_start(pair.scene.hub, &(struct hubproc_start){.fault = fault}));
}

static void hub_again(void)
{
    int status = 0;

    CHECK_OK(hubproc_wait(pair.scene.hub, 30000, &status));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_OK(hubproc_start(pair.scene.hub, NULL));
}

/* What was under way is sent again, and no more. */
static void the_sender_dies_between_two_chunks(void)
{
    struct journey j = journey_begin();
    json_int_t at = draw(ATT_WINDOW + 2, j.chunks);
    size_t fired = pair_faults(&pair);

    serve_under(&pair.from, fault_at("kill-chunk", at));
    sheet_send(j.path, j.mid);
    serve_again(&pair.from);
    CHECK(pair_faults(&pair) == fired + 1);
    journey_end(&j);
    CHECK(counted(&pair.from, "chunks_sent") <= j.chunks - (at - 1) + ATT_WINDOW);
}

static void the_recipient_dies_in_the_middle_of_a_chunk(void)
{
    struct journey j = journey_begin();
    json_int_t at = draw(3, j.chunks); /* the first write is the header */
    size_t fired = pair_faults(&pair);

    serve_under(&pair.to, fault_at("kill-part", at));
    sheet_send(j.path, j.mid);
    serve_again(&pair.to);
    CHECK(pair_faults(&pair) == fired + 1);
    journey_end(&j);
    CHECK(counted(&pair.to, "chunks_received") == j.chunks - (at - 2));
}

static void the_hub_dies_in_the_middle_of_a_chunk(void)
{
    struct journey j = journey_begin();
    size_t fired = hubproc_faults(pair.scene.hub);
    json_int_t before = counted(&pair.from, "chunks_sent");

    hub_under(fault_at("kill-part", draw(3, j.chunks)));
    sheet_send(j.path, j.mid);
    hub_again();
    CHECK(hubproc_faults(pair.scene.hub) == fired + 1);
    journey_end(&j);
    CHECK(counted(&pair.from, "chunks_sent") - before <= j.chunks + ATT_WINDOW + 1);
}

static void the_hub_dies_while_it_is_fetched(void)
{
    struct journey j = journey_begin();
    size_t fired = hubproc_faults(pair.scene.hub);
    json_int_t before = counted(&pair.to, "chunks_received");

    hub_under(fault_at("kill-chunk", draw(2, j.chunks)));
    sheet_send(j.path, j.mid);
    hub_again();
    CHECK(hubproc_faults(pair.scene.hub) == fired + 1);
    journey_end(&j);
    CHECK(counted(&pair.to, "chunks_received") - before == j.chunks);
}

static void a_link_is_cut_on_either_way(void)
{
    struct journey j = journey_begin();
    size_t fired = hubproc_faults(pair.scene.hub);
    size_t nodes = pair_faults(&pair);
    json_int_t at = draw(ATT_WINDOW + 2, j.chunks);

    serve_under(&pair.from, fault_at("cut-chunk", at));
    hub_under(fault_at("cut-chunk", draw(2, j.chunks)));
    sheet_send(j.path, j.mid);
    journey_end(&j);
    CHECK(pair_faults(&pair) == nodes + 1);
    CHECK(hubproc_faults(pair.scene.hub) == fired + 1);
    CHECK(counted(&pair.from, "chunks_sent") <= j.chunks + ATT_WINDOW);
}

/* --- full disks ----------------------------------------------------------------------------- */

static void await_words(const struct pair_side *s, const char *mid, const char *words)
{
    bool said = false;

    for (int i = 0; !said; i++) {
        const char *args[] = {"sheet", "show", mid, NULL};
        struct bytes out = {0};

        CHECK(i < WAIT_TURNS);
        said = pair_run(&pair, s, args, &out) == 0;
        said = said && memmem(out.ptr, out.len, words, strlen(words));
        bytes_free(&out);
        turn();
    }
}

static void the_disk_of_the_hub_is_full_for_a_while(void)
{
    struct journey j = journey_begin();
    size_t fired = hubproc_faults(pair.scene.hub);
    char fault[64];

    snprintf(fault, sizeof fault, "part-enospc:%lld:*", (long long)draw(3, j.chunks - 2));
    hub_under(fault);
    sheet_send(j.path, j.mid);
    await_words(&pair.from, j.mid, "Le disque du hub est plein.");
    CHECK(hubproc_faults(pair.scene.hub) > fired);
    CHECK(chunks_here(&pair.to, j.mid, NULL) < 0); /* nothing of it was accepted */
    CHECK_OK(hubproc_kill(pair.scene.hub));
    CHECK_OK(hubproc_start(pair.scene.hub, NULL)); /* there is room again */
    journey_end(&j);
}

static void the_disk_of_the_recipient_is_full_for_a_while(void)
{
    struct journey j = journey_begin();
    json_int_t at = draw(3, j.chunks - 2);
    char fault[64];

    snprintf(fault, sizeof fault, "part-enospc:%lld:3", (long long)at);
    serve_under(&pair.to, fault);
    sheet_send(j.path, j.mid);
    await_words(&pair.to, j.mid, "Le disque de ce nœud est plein.");
    journey_end(&j); /* by itself */
    CHECK(counted(&pair.to, "chunks_received") == j.chunks);
}

/* --- backups -------------------------------------------------------------------------------- */

static int shell(const char *format, const char *a, const char *b)
{
    char command[4 * PAIR_PATH];
    const char *args[] = {"-c", command, NULL};

    snprintf(command, sizeof command, format, a, b);
    return hubproc_run("/bin/sh", args, NULL);
}

static void a_backup_holds_attachments_and_gives_them_back(void)
{
    struct journey j = journey_begin();
    const char *backup = strdup(file_of("backup"));
    const char *back = strdup(file_of("back"));
    const char *save[] = {"backup", backup, NULL};
    const char *restore[] = {"restore", backup, "--to", back, NULL};

    sheet_send(j.path, j.mid);
    journey_end(&j);
    CHECK(pair_run(&pair, &pair.to, save, NULL) == 0); /* beside the daemon */
    CHECK(pair_run(&pair, &pair.to, restore, NULL) == 0);
    CHECK(shell("diff -r '%s/attachments/in' '%s/attachments/in'", pair.to.dir, back) == 0);
    CHECK(shell("test -n \"$(ls '%s/attachments/in')\"", back, "") == 0);
    CHECK(shell("f=$(ls '%s'/attachments/in/* | head -1); printf x | dd of=\"$f\" bs=1 "
                "seek=200000 conv=notrunc 2>/dev/null; rm -rf '%s'",
                backup, back) == 0);
    CHECK(pair_run(&pair, &pair.to, restore, NULL) != 0); /* one changed byte */
    free((char *)(uintptr_t)backup);
    free((char *)(uintptr_t)back);
}

static void a_backup_of_the_hub_holds_what_was_not_fetched_yet(void)
{
    struct journey j = journey_begin();
    const char *backup = strdup(file_of("hub-backup"));
    const char *back = strdup(file_of("hub-back"));
    const char *dir = hubproc_dir(pair.scene.hub);
    const char *phrase = hubproc_passphrase_file(pair.scene.hub);
    const char *save[] = {"--dir", dir, "--passphrase-file", phrase, "backup", backup, NULL};
    const char *restore[] = {"--passphrase-file", phrase, "restore", backup, "--to", back, NULL};
    char program[1024];

    pair_kill(&pair.to);
    sheet_send(j.path, j.mid);
    await_chunks(&pair.from, j.mid, j.chunks);
    CHECK(hubproc_run(hubproc_program("relais-hub", program), save, NULL) == 0);
    CHECK(hubproc_run(hubproc_program("relais-hub", program), restore, NULL) == 0);
    CHECK(shell("test -n \"$(ls '%s/attachments')\"", back, "") == 0);
    CHECK(shell("diff -r '%s/attachments' '%s/attachments'", dir, back) == 0);
    CHECK_OK(pair_serve(&pair, &pair.to, true));
    journey_end(&j);
    free((char *)(uintptr_t)backup);
    free((char *)(uintptr_t)back);
}

/* Each test in a world of its own: it is a process of its own, and so are those that die in it. */
#define OWN(body)                                                                                  \
    static void own_##body(void)                                                                   \
    {                                                                                              \
        CHECK_OK(pair_up(&pair, NULL, node_conf, NULL));                                           \
        body();                                                                                    \
        pair_down(&pair);                                                                          \
    }
OWN(a_large_attachment_arrives_byte_for_byte)
OWN(an_infected_one_is_given_to_nobody)
OWN(the_sender_dies_between_two_chunks)
OWN(the_recipient_dies_in_the_middle_of_a_chunk)
OWN(the_hub_dies_in_the_middle_of_a_chunk)
OWN(the_hub_dies_while_it_is_fetched)
OWN(a_link_is_cut_on_either_way)
OWN(the_disk_of_the_hub_is_full_for_a_while)
OWN(the_disk_of_the_recipient_is_full_for_a_while)
OWN(a_scan_survives_the_death_of_the_node)

OWN(a_backup_holds_attachments_and_gives_them_back)
OWN(a_backup_of_the_hub_holds_what_was_not_fetched_yet)

int main(int argc, char **argv)
{
    static const struct scene_test tests[] = {
        {"a large attachment arrives byte for byte",           own_a_large_attachment_arrives_byte_for_byte},
        {"an infected one is given to nobody",                 own_an_infected_one_is_given_to_nobody      },
        {"the sender dies between two chunks",                 own_the_sender_dies_between_two_chunks      },
        {"the recipient dies in the middle of a chunk",
         own_the_recipient_dies_in_the_middle_of_a_chunk                                                   },
        {"the hub dies in the middle of a chunk",              own_the_hub_dies_in_the_middle_of_a_chunk   },
        {"the hub dies while it is fetched",                   own_the_hub_dies_while_it_is_fetched        },
        {"a link is cut, on either way",                       own_a_link_is_cut_on_either_way             },
        {"the disk of the hub is full for a while",            own_the_disk_of_the_hub_is_full_for_a_while },
        {"the disk of the recipient is full for a while",
         own_the_disk_of_the_recipient_is_full_for_a_while                                                 },
        {"a backup holds attachments and gives them back",
         own_a_backup_holds_attachments_and_gives_them_back                                                },
        {"a backup of the hub holds what was not fetched yet",
         own_a_backup_of_the_hub_holds_what_was_not_fetched_yet                                            },
        {"a scan survives the death of the node",              own_a_scan_survives_the_death_of_the_node   },
    };
    const char *seed = getenv("ATTACH_SEED");
    int status;

    drawn = seed ? strtoull(seed, NULL, 10) : 1;
    printf("     seed %llu, %llu MiB\n", (unsigned long long)drawn,
           (unsigned long long)mib_asked());
    fflush(stdout);
    lab_make();
    if (seal_init())
        return 1;
    status = scene_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
    tree_remove(lab);
    return status;
}
