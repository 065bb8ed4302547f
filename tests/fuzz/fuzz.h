/*
 * fuzz - shared by all fuzzers: how many inputs reached the accept path. A fuzzer that never
 * accepts anything tests only its first branch; the number is printed at exit.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

extern unsigned long fuzz_accepted;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
