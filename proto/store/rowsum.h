/*
 * rowsum - CRC-32C of what a row is: its table, its key, its value. A bit that turned over in a
 * file always changes it, and so does a row read in another's place. It guards against disks, not
 * against people: those who may write the file may write the sum.
 * Thread rule: any thread.
 */
#ifndef RELAIS_STORE_ROWSUM_H
#define RELAIS_STORE_ROWSUM_H

#include <stdint.h>

#include "span.h"

#define ROWSUM_BYTES 4

uint32_t rowsum_seed(const char *table); /* of a table's name */
uint32_t rowsum_of(uint32_t seed, struct span key, struct span value);
void rowsum_write(uint32_t sum, uint8_t out[ROWSUM_BYTES]);
uint32_t rowsum_read(const uint8_t in[ROWSUM_BYTES]);
/* The same, without what the processor may have for it: for the test that both agree. */
uint32_t rowsum_plain(uint32_t crc, struct span bytes);
uint32_t rowsum_fast(uint32_t crc, struct span bytes);

#endif
