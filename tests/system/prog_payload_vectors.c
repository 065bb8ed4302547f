/*
 * prog_payload_vectors - writes proto/vectors/payload-bad.json: prog_payload_vectors [directory].
 * It is committed, and a unit test refuses any difference.
 */
#include <stdio.h>
#include <stdlib.h>

#include "random.h"
#include "vectors_bad_payload.h"

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : "proto/vectors";
    char *text = NULL;
    char path[4096];
    FILE *out;
    int bad;

    if (seal_init())
        return EXIT_FAILURE;
    text = vectors_text(&vectors_payload_file);
    snprintf(path, sizeof path, "%s/%s", directory, vectors_payload_file.name);
    out = fopen(path, "w");
    bad = !out || fputs(text, out) == EOF;
    if (out && fclose(out))
        bad = 1;
    free(text);
    if (bad)
        perror(path);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
