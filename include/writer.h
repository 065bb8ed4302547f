/*
 * writer - builds one msgpack object of profile MP1 (reader.h) in owned memory.
 *
 * Every call emits the shortest form. The writer keeps its FIRST error (ERR_NOMEM; ERR_UTF8 for
 * text a reader would refuse; ERR_SIZE above 4 GiB - 1): after it calls do nothing, and wr_take()
 * returns it. The caller keeps counts and ascending keys right; the codec's test says so.
 *
 *   struct writer w;
 *   wr_init(&w);
 *   wr_array(&w, 2);
 *   wr_uint(&w, 7);
 *   wr_bin(&w, id);
 *   return wr_take(&w, out);
 *
 * Thread rule: a writer belongs to one thread.
 */
#ifndef RELAIS_WRITER_H
#define RELAIS_WRITER_H

#include <stdbool.h>

#include "span.h"

struct writer { /* caller's memory; the fields are writer.c's */
    struct bytes out;
    enum err error;
};

void wr_init(struct writer *w);
void wr_wipe(struct writer *w); /* overwrites and frees what is held; fine after wr_take() */

void wr_array(struct writer *w, size_t n);
void wr_map(struct writer *w, size_t pairs);
void wr_key(struct writer *w, uint64_t key); /* a map key: wr_uint under its own name */
void wr_uint(struct writer *w, uint64_t value);
void wr_key_uint(struct writer *w, uint64_t key, uint64_t value); /* a key and its value */
void wr_key_bin(struct writer *w, uint64_t key, struct span value);
void wr_key_text(struct writer *w, uint64_t key, struct span value);
void wr_int(struct writer *w, int64_t value); /* non-negative: uint family */
void wr_bool(struct writer *w, bool value);
void wr_nil(struct writer *w);
void wr_bin(struct writer *w, struct span value);
void wr_text(struct writer *w, struct span value);
void wr_raw(struct writer *w, struct span value); /* one value that is encoded already */

void wr_fail(struct writer *w, enum err e); /* the encoder's own finding; the first stands */
enum err wr_error(const struct writer *w);
struct span wr_span(const struct writer *w); /* what is written so far, until the next call */

/* Hands the bytes over and leaves the writer empty, ready for another object. On an error `out`
 * is untouched, what was written is wiped and the writer is empty as well. */
enum err wr_take(struct writer *w, struct bytes *out);

#endif
