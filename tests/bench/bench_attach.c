/*
 * bench_attach - one attachment of 256 MiB from a file beside a node to another node's disk,
 * through a hub: three real processes and the command line, every chunk on the disk of each before
 * the next is told. The clock starts when `sheet send --attach FILE` is typed, and stops when the
 * recipient has all of it under its name; the parts are counted apart:
 *
 *   attach_take  until the command returns: encrypted, on the sender's disk, the sheet written
 *   attach_up    from there until the sender has sent the last chunk to the hub
 *   attach_down  from there until the recipient is done
 *
 *   bench_attach [--quick]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attachment.h"
#include "bench.h"
#include "nodepair.h"

#define MIB (1024.0 * 1024)
#define PATIENCE_S 60.0
#define PROCESSES 3

static struct nodepair pair;
static struct world w;

static uint64_t size(void)
{
    return quick ? ATTACHMENT_PLAIN_MAX / 16 : ATTACHMENT_PLAIN_MAX;
}

/* Bytes that no two places share, so that nothing on the way can spare itself some. */
static void file_make(const char *path)
{
    uint64_t room[8192];
    FILE *f = fopen(path, "we");

    must(f != NULL, "a file");
    for (uint64_t at = 0; at < size(); at += sizeof room) {
        for (size_t i = 0; i < sizeof room / sizeof room[0]; i++)
            room[i] = (at + i) * UINT64_C(0x9e3779b97f4a7c15);
        must(fwrite(room, sizeof room, 1, f) == 1, "a file");
    }
    must(fflush(f) == 0 && fsync(fileno(f)) == 0 && fclose(f) == 0, "a file");
}

static void sheet_send(const char *path)
{
    char attach[PAIR_PATH + 32];
    const char *words[] = {
        "sheet",        "send",      "--person", pair.person, "--to",
        pair.to.org,    "--subject", "Imagerie", "--text",    "social=Voir la pièce.",
        "--attach",     attach,      "--basis",  "echange",   "--purpose",
        "coordination", "--wait",    "0",        NULL};
    struct bytes out = {0};

    snprintf(attach, sizeof attach, "medical=%s", path);
    if (pair_run(&pair, &pair.from, words, &out))
        fprintf(stderr, "%.*s\n", (int)out.len, (const char *)out.ptr);
    must(out.len > 0, "sheet send");
    bytes_free(&out);
}

/* The recipient counts the last one when the file has its name, so when all of it is on disk. */
static json_int_t counted(const struct pair_side *s, const char *key)
{
    enum err e;
    json_t *data = pair_ask(s, "status", json_object(), &e);
    json_int_t n = json_integer_value(json_object_get(json_object_get(data, "link"), key));

    ok(e, "status");
    json_decref(data);
    return n;
}

static void await(const struct pair_side *s, const char *key, json_int_t wanted)
{
    double start = seconds();

    while (counted(s, key) < wanted) {
        must(seconds() - start < PATIENCE_S, "it does not arrive");
        ok_or(crew_turn(pair.scene.crew, 5), ERR_AGAIN, "turn");
    }
}

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
    must((fd = open(path, O_WRONLY)) >= 0 && write(fd, "5", 1) == 1, "clear_refs");
    close(fd);
    return pair_resident_kib(process(i), false);
}

enum part {
    TAKE,
    UP,
    DOWN,
    ALL,
    PARTS
};

struct figures {
    double rate[PARTS]; /* MiB/s */
    double rss;         /* MiB */
};

static double rate(double from, double to)
{
    return (double)size() / MIB / (to - from);
}

static struct figures run(const char *path)
{
    const json_int_t chunks = attachment_chunks(attachment_sealed_size(size()));
    const json_int_t sent = counted(&pair.from, "chunks_sent") + chunks;
    const json_int_t received = counted(&pair.to, "chunks_received") + chunks;
    size_t before[PROCESSES];
    struct figures f = {0};
    double at[PARTS];

    for (size_t i = 0; i < PROCESSES; i++)
        before[i] = high_begin(i);
    measure_begin(&w);
    at[0] = seconds();
    sheet_send(path);
    at[UP] = seconds();
    await(&pair.from, "chunks_sent", sent);
    at[DOWN] = seconds();
    await(&pair.to, "chunks_received", received);
    at[ALL] = seconds();
    measure_end(&w);
    for (enum part i = TAKE; i < ALL; i++)
        f.rate[i] = rate(at[i], at[i + 1]);
    f.rate[ALL] = rate(at[0], at[ALL]);
    for (size_t i = 0; i < PROCESSES; i++) {
        double more = ((double)pair_resident_kib(process(i), true) - (double)before[i]) / 1024;

        f.rss = more > f.rss ? more : f.rss;
    }
    return f;
}

int main(int argc, char **argv)
{
    static const char *const names[PARTS] = {"attach_take_mib_per_s", "attach_up_mib_per_s",
                                             "attach_down_mib_per_s", "attach_mib_per_s"};
    struct hubproc_start how = {.syncs = w.syncs_file};
    double rates[PARTS][RUNS_MAX];
    double rss[RUNS_MAX];
    char path[PAIR_PATH];
    size_t n;

    ok(seal_init(), "libsodium");
    quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    world_watch(&w);
    ok(pair_up(&pair, NULL, NULL, &how), "a pair");
    w.scene = pair.scene;
    n = (size_t)(size() / (uint64_t)MIB);
    snprintf(path, sizeof path, "%s/irm.dcm", pair.top);
    file_make(path);
    for (size_t i = 0; i < RUNS; i++) {
        struct figures f = run(path);

        for (enum part k = TAKE; k < PARTS; k++)
            rates[k][i] = f.rate[k];
        rss[i] = f.rss;
    }
    report(&w, names[ALL], "MiB/s", rates[ALL], RUNS, n);
    report(&w, "attach_rss_mib", "MiB", rss, RUNS, n);
    for (enum part k = TAKE; k < ALL; k++)
        report(&w, names[k], "MiB/s", rates[k], RUNS, n);
    pair_down(&pair);
    world_unwatch(&w);
    return 0;
}
