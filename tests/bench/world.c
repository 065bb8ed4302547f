#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <time.h>

#include "bench.h"

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

void world_up(struct world *w, size_t senders, size_t recipients)
{
    struct scene_options o = {.members = senders + recipients, .seed = "bench"};

    ok(scene_open(&o, &w->scene), "scene");
    w->m = w->scene.m;
    w->to = w->scene.m + senders;
}

void world_down(struct world *w)
{
    scene_close(&w->scene);
}

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

void report(const struct world *w, const char *name, double value, const char *unit, size_t runs,
            size_t n)
{
    printf("{\"bench\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"runs\": %zu, \"n\": %zu, "
           "\"fs\": \"%s\"}\n",
           name, value, unit, runs, n, file_system(hubproc_dir(w->scene.hub)));
    fflush(stdout);
}
