/*
 * prog_vectors - writes the frozen vectors, and with them the seeds of two fuzzers:
 *     prog_vectors [proto/vectors [tests/fuzz/corpus]]
 * Both are committed, and a unit test refuses any difference in the vectors: whoever runs this has
 * changed the protocol, or added to the vectors, and says so in the commit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "vectors.h"

#define SEED_MAX 2000 /* bytes of an envelope that may be a seed */

static int write_bytes(const char *directory, const char *name, const void *data, size_t len)
{
    char path[4096];
    FILE *out;
    int bad;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    out = fopen(path, "w");
    bad = !out || fwrite(data, 1, len, out) != len;
    if (out && fclose(out))
        bad = 1;
    if (bad)
        perror(path);
    return bad;
}

static int write_vectors(const char *directory, const struct vectors_file *f)
{
    char *text = vectors_text(f);
    int bad = write_bytes(directory, f->name, text, strlen(text));

    free(text);
    return bad;
}

static int write_seed(const char *corpus, const char *name, const struct forge *f)
{
    char directory[4000];
    int bad;

    snprintf(directory, sizeof directory, "%s/header", corpus);
    bad = write_bytes(directory, name, f->hdr.ptr, f->hdr.len);
    snprintf(directory, sizeof directory, "%s/envelope", corpus);
    if (f->whole.len <= SEED_MAX)
        bad |= write_bytes(directory, name, f->whole.ptr, f->whole.len);
    return bad;
}

/* All good ones, and what few of the bad ones show. */
static int write_seeds(const char *corpus)
{
    static const struct bad_envelope *const some[] = {&bad_header[0], &bad_content[0]};
    static struct forge f;
    const char *name;
    int bad = 0;

    for (size_t i = 0; (name = vectors_good_envelope(i, &f)); i++) {
        bad |= write_seed(corpus, name, &f);
        forge_free(&f);
    }
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        vectors_plain_envelope(&f, some[i]->name, &some[i]->edit);
        bad |= write_seed(corpus, some[i]->name, &f);
        forge_free(&f);
    }
    return bad;
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : "proto/vectors";
    int bad = 0;

    if (seal_init())
        return EXIT_FAILURE;
    for (size_t i = 0; i < vectors_file_count; i++)
        bad |= write_vectors(directory, &vectors_files[i]);
    if (argc > 2)
        bad |= write_seeds(argv[2]);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
