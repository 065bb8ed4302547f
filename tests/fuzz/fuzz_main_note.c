/* Linked into every fuzzer: says at exit how many inputs reached the accept path. */
#include <stdio.h>

#include "fuzz.h"

unsigned long fuzz_accepted;

__attribute__((destructor)) static void note(void)
{
    fprintf(stderr, "fuzz_accepted %lu\n", fuzz_accepted);
}
