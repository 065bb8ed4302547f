/*
 * replay - runs a fuzzer over the files named on the command line, once each, without libFuzzer:
 * for coverage with gcc, or to look at one finding in a debugger.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path, uint8_t *room)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    if (!f) {
        perror(path);
        return -1;
    }
    n = fread(room, 1, SEED_MAX, f);
    (void)fclose(f);
    /* a block of exactly n bytes, so that a read past its end is seen by a memory checker */
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        return -1;
    for (size_t i = 0; i < n; i++)
        exact[i] = room[i];
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t *room = malloc(SEED_MAX);
    int failed = room == NULL;

    for (int i = 1; i < argc && !failed; i++)
        failed = replay(argv[i], room) != 0;
    free(room);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
