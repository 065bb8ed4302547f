#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "procstat.h"

bool quick;

void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void ok_or(enum err e, enum err fine, const char *what)
{
    if (e == ERR_OK || e == fine)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, err_name(e));
    exit(1);
}

void ok(enum err e, const char *what)
{
    ok_or(e, ERR_OK, what);
}

double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

double quantile(double *v, size_t n, double q)
{
    size_t i = (size_t)((double)n * q);

    qsort(v, n, sizeof *v, by_value);
    return v[i < n ? i : n - 1];
}

double median(double *v, size_t n)
{
    return quantile(v, n, 0.5);
}

/* --- the world ---------------------------------------------------------------------------------
 */

/* Counters that a preloaded library writes: syncs, then synced writes. */
static const volatile uint64_t *counters_map(int fd)
{
    void *at = mmap(NULL, 2 * sizeof(uint64_t), PROT_READ, MAP_SHARED, fd, 0);

    must(at != MAP_FAILED, "the counters");
    close(fd);
    return at;
}

void world_watch(struct world *w)
{
    const char *base = getenv("TMPDIR");
    const char *own = getenv("RELAIS_SYNCS");
    int fd;

    *w = (struct world){0};
    snprintf(w->syncs_file, sizeof w->syncs_file, "%s/bench-syncs-XXXXXX",
             base && *base ? base : "/tmp");
    fd = mkstemp(w->syncs_file);
    must(fd >= 0 && ftruncate(fd, 2 * sizeof(uint64_t)) == 0, "a file for the counters");
    w->syncs = counters_map(fd);
    if (own && (fd = open(own, O_RDONLY)) >= 0)
        w->own = counters_map(fd);
}

uint64_t world_syncs(const struct world *w)
{
    return w->syncs[0] + w->syncs[1] + (w->own ? w->own[0] + w->own[1] : 0);
}

enum err world_start(struct world *w)
{
    return hubproc_start(w->scene.hub, &(struct hubproc_start){.syncs = w->syncs_file});
}

/* Room for a million messages of one organisation, 5,000 nodes, and members that send as fast as
 * eight of them can: bounds that the standard settings set much lower. */
static const char roomy[] = "log_day = 4096g\nlog_total = 4096g\nquota_messages = "
                            "8000000\nquota_bytes = 256g\nwaiting_max = 8000000\n"
                            "nodes_max = 6000\nrate_per_s = 1000000\nrate_burst = 1000000\n"
                            "memory_max = 8g\n";

static void world_open(struct world *w, struct scene_options *o)
{
    struct hubproc_start how = {.syncs = w->syncs_file};

    world_watch(w);
    o->seed = "bench";
    o->start = &how;
    ok(scene_open(o, &w->scene), "scene");
    w->m = w->scene.m;
    must(world_syncs(w) > 0, "the hub's syncs are not counted: preload_syncs.so is missing");
}

void world_up(struct world *w, size_t senders, size_t recipients)
{
    struct scene_options o = {.members = senders + recipients, .conf = roomy};

    world_open(w, &o);
    w->to = w->scene.m + senders;
}

void world_up_standard(struct world *w, size_t senders, size_t recipients)
{
    struct scene_options o = {.members = senders + recipients};

    world_open(w, &o);
    w->to = w->scene.m + senders;
}

void world_up_alone(struct world *w)
{
    struct scene_options o = {.members = 1, .no_circle = true, .no_session = true};

    world_open(w, &o);
}

void world_unwatch(struct world *w)
{
    munmap((void *)(uintptr_t)w->syncs, 2 * sizeof(uint64_t));
    if (w->own)
        munmap((void *)(uintptr_t)w->own, 2 * sizeof(uint64_t));
    unlink(w->syncs_file);
}

void world_down(struct world *w)
{
    scene_close(&w->scene);
    world_unwatch(w);
}

/* --- whose processor it was ------------------------------------------------------------------- */

/* Clock ticks that were spent at all, and by processes of our group (hub, children, ourselves). */
static uint64_t ticks_all(void)
{
    FILE *f = fopen("/proc/stat", "r");
    static const unsigned busy[] = {1, 2, 3, 6, 7, 8}; /* neither idle nor waiting for a disk */
    char text[1024] = "";
    uint64_t sum = 0;

    must(f && fgets(text, sizeof text, f) && strncmp(text, "cpu ", 4) == 0, "/proc/stat");
    fclose(f);
    for (size_t i = 0; i < sizeof busy / sizeof *busy; i++)
        sum += nth_number(text, busy[i]);
    return sum;
}

static uint64_t ticks_of(const char *pid)
{
    char path[300];
    char text[1024] = "";
    uint64_t spent = 0;
    char *at;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if (!(f = fopen(path, "r")))
        return 0; /* it has just ended */
    if (fgets(text, sizeof text, f) && (at = strrchr(text, ')')) &&
        nth_number(at + 1, 2) == (uint64_t)getpgrp())
        spent = nth_number(at + 1, 11) + nth_number(at + 1, 12);
    fclose(f);
    return spent;
}

static uint64_t ticks_ours(void)
{
    DIR *proc = opendir("/proc");
    uint64_t sum = 0;

    must(proc != NULL, "/proc");
    for (const struct dirent *one; (one = readdir(proc));)
        if (one->d_name[0] >= '1' && one->d_name[0] <= '9')
            sum += ticks_of(one->d_name);
    closedir(proc);
    return sum;
}

void measure_begin(struct world *w)
{
    w->seen.syncs = world_syncs(w);
    w->seen.ours = ticks_ours();
    w->seen.others = ticks_all();
}

void measure_end(struct world *w)
{
    uint64_t all = ticks_all() - w->seen.others;
    uint64_t now = ticks_ours();
    uint64_t ours = now > w->seen.ours ? now - w->seen.ours : 0;

    w->seen.counted += world_syncs(w) - w->seen.syncs;
    w->seen.busy += all;
    w->seen.busy_others += all > ours ? all - ours : 0;
}

/* --- saying it -------------------------------------------------------------------------------- */

static const char *file_system(const char *dir)
{
    struct statfs s;

    must(statfs(dir, &s) == 0, "statfs");
    switch ((unsigned long)s.f_type) {
    case 0xef53:
        return "ext4";
    case 0x58465342:
        return "xfs";
    case 0x9123683e:
        return "btrfs";
    case 0x794c7630:
        return "overlay";
    case 0x01021994:
        must(false, "the store is on tmpfs: set TMPDIR to a directory on a disk");
        return "tmpfs";
    default:
        return "other";
    }
}

void report(const struct world *w, const char *name, const char *unit, double *of_runs, size_t runs,
            size_t n)
{
    const char *flags = getenv("BENCH_FLAGS");
    double middle = median(of_runs, runs); /* sorted now */

    printf("{\"bench\": \"%s\", \"value\": %.3f, \"min\": %.3f, \"max\": %.3f, \"unit\": \"%s\", "
           "\"runs\": %zu, \"n\": %zu, \"fs\": \"%s\", \"flags\": \"%s\", \"syncs\": %llu, "
           "\"others_pct\": %.0f}\n",
           name, middle, of_runs[0], of_runs[runs - 1], unit, runs, n,
           file_system(hubproc_dir(w->scene.hub)), flags ? flags : "not checked: use run.sh",
           (unsigned long long)w->seen.counted,
           w->seen.busy ? 100.0 * (double)w->seen.busy_others / (double)w->seen.busy : 0.0);
    fflush(stdout);
}
