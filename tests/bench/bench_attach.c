/*
 * bench_attach - one attachment of 256 MiB from a node's disk to another's, through a hub: three
 * real processes, every chunk on the disk of each before the next is told. The clock starts when
 * the sender's node is told to send; the file is encrypted on its disk then (attach_take).
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
#include "text.h"

#define MIB (1024.0 * 1024)
#define PATIENCE_S 60.0
#define PROCESSES 3

static struct nodepair pair;
static struct world w;

static uint64_t size(void)
{
    return quick ? ATTACHMENT_PLAIN_MAX / 16 : ATTACHMENT_PLAIN_MAX;
}

static json_t *asked(const struct pair_side *s, const char *command, json_t *args)
{
    enum err e;
    json_t *data = pair_ask(s, command, args, &e);

    ok(e, command);
    return data;
}

static void take(char upload[PAIR_HEX])
{
    json_t *data = asked(&pair.from, "attachment.begin", json_pack("{s:I}", "size", size()));
    uint8_t *piece = malloc(ATTACHMENT_PLAIN);

    must(piece != NULL, "memory");
    snprintf(upload, PAIR_HEX, "%s", json_string_value(json_object_get(data, "upload")));
    json_decref(data);
    for (uint64_t at = 0; at < size(); at += ATTACHMENT_PLAIN) {
        size_t n = size() - at < ATTACHMENT_PLAIN ? (size_t)(size() - at) : ATTACHMENT_PLAIN;
        struct bytes base64 = {0};

        memset(piece, (int)(at / ATTACHMENT_PLAIN), n);
        ok(base64_write(&base64, span_of(piece, n)), "base64");
        json_decref(asked(&pair.from, "attachment.add",
                          json_pack("{s:s, s:s%}", "upload", upload, "base64",
                                    (const char *)base64.ptr, base64.len)));
        bytes_free(&base64);
    }
    free(piece);
}

static json_t *sheet(const char *upload)
{
    return json_pack("{s:s, s:[{s:s, s:i}], s:i, s:s, s:[{s:i, s:s}], s:[{s:s, s:s, s:i, s:s}], "
                     "s:i, s:i}",
                     "person", pair.person, "to", "org", pair.to.org, "category", 1, "note", 1,
                     "subject", "Imagerie", "sections", "class", CLASS_SOCIAL, "text",
                     "Voir la pièce.", "attachments", "name", "irm.dcm", "type",
                     "application/dicom", "class", CLASS_MEDICAL, "upload", upload, "basis",
                     BASIS_ECHANGE, "purpose", 1);
}

static json_int_t received(void)
{
    json_t *data = asked(&pair.to, "status", json_object());
    json_int_t n =
        json_integer_value(json_object_get(json_object_get(data, "link"), "chunks_received"));

    json_decref(data);
    return n;
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

struct figures {
    double take, transfer, rss;
};

static struct figures run(void)
{
    size_t before[PROCESSES];
    char upload[PAIR_HEX];
    struct figures f = {0};
    json_int_t had = received();
    json_int_t chunks = attachment_chunks(attachment_sealed_size(size()));
    double start = seconds();

    for (size_t i = 0; i < PROCESSES; i++)
        before[i] = high_begin(i);
    take(upload);
    f.take = (double)size() / MIB / (seconds() - start);
    measure_begin(&w);
    start = seconds();
    json_decref(asked(&pair.from, "sheet.send", sheet(upload)));
    while (received() - had < chunks) {
        must(seconds() - start < PATIENCE_S, "it does not arrive");
        ok_or(crew_turn(pair.scene.crew, 10), ERR_AGAIN, "turn");
    }
    f.transfer = (double)size() / MIB / (seconds() - start);
    measure_end(&w);
    for (size_t i = 0; i < PROCESSES; i++) {
        double more = ((double)pair_resident_kib(process(i), true) - (double)before[i]) / 1024;

        f.rss = more > f.rss ? more : f.rss;
    }
    return f;
}

int main(int argc, char **argv)
{
    double take_rate[RUNS_MAX];
    double transfer[RUNS_MAX];
    double rss[RUNS_MAX];
    struct hubproc_start how = {.syncs = w.syncs_file};

    ok(seal_init(), "libsodium");
    quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    world_watch(&w);
    ok(pair_up(&pair, NULL, NULL, &how), "a pair");
    w.scene = pair.scene;
    for (size_t i = 0; i < RUNS; i++) {
        struct figures f = run();

        take_rate[i] = f.take;
        transfer[i] = f.transfer;
        rss[i] = f.rss;
    }
    report(&w, "attach_mib_per_s", "MiB/s", transfer, RUNS, (size_t)(size() / (uint64_t)MIB));
    report(&w, "attach_rss_mib", "MiB", rss, RUNS, (size_t)(size() / (uint64_t)MIB));
    report(&w, "attach_take_mib_per_s", "MiB/s", take_rate, RUNS, (size_t)(size() / (uint64_t)MIB));
    pair_down(&pair);
    world_unwatch(&w);
    return 0;
}
