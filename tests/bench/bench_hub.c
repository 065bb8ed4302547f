/*
 * bench_hub - figures of a real hub process, over CURVE on loopback, on a real file system. One
 * JSON object a line. Envelopes are sealed before the clock starts.
 *
 *   bench_hub [--quick] [NAME…]    the rows of the table below; none: all of them
 */
#include <string.h>
#include <sys/resource.h>

#include "bench.h"

static const struct {
    const char *name;
    void (*run)(void);
} benches[] = {
    {"accept",  bench_accept },
    {"batch",   bench_batch  },
    {"ceiling", bench_ceiling},
    {"life",    bench_life   },
    {"oneway",  bench_oneway },
    {"fanout",  bench_fanout },
    {"drain",   bench_drain  },
    {"idle",    bench_idle   },
    {"restart", bench_restart},
    {"proof",   bench_proof  },
    {"hostile", bench_hostile},
};

static bool wanted(int argc, char **argv, const char *name)
{
    bool named = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
        named = named || argv[i][0] != '-';
    }
    return !named;
}

int main(int argc, char **argv)
{
    struct rlimit files;

    ok(seal_init(), "libsodium");
    must(getrlimit(RLIMIT_NOFILE, &files) == 0, "limits"); /* one descriptor a connected node */
    files.rlim_cur = files.rlim_max;
    must(setrlimit(RLIMIT_NOFILE, &files) == 0, "limits");
    for (int i = 1; i < argc; i++)
        quick = quick || strcmp(argv[i], "--quick") == 0;
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++)
        if (wanted(argc, argv, benches[i].name))
            benches[i].run();
    million_down();
    return 0;
}
