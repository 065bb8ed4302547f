/*
 * vectors_edits - what the tables of bad vectors do to an envelope while it is forged.
 * Thread rule: one thread.
 */
#ifndef TESTS_VECTORS_EDITS_H
#define TESTS_VECTORS_EDITS_H

#include "vectors.h"

#define EDIT(name) void name(struct forge *f, const struct forge_edit *how)

/* `text` is hex, `number` says which or how many. */
EDIT(set_value);    /* AT_PAIRS: value of header key number */
EDIT(drop_key);     /* AT_PAIRS: header key number */
EDIT(add_first);    /* AT_PAIRS: key and value in front */
EDIT(add_after);    /* AT_PAIRS: key and value after header key number */
EDIT(add_last);     /* AT_PAIRS: key and value at the end */
EDIT(set_hdr);      /* AT_HDR: all of it */
EDIT(cut_hdr);      /* AT_HDR: the last number bytes */
EDIT(append_hdr);   /* AT_HDR */
EDIT(set_hdr_head); /* AT_HDR: its first number bytes become text */
EDIT(set_part);     /* AT_PARTS: the encoded element number */
EDIT(size_part);    /* AT_PARTS: bin element `number / 100000` has `number % 100000` bytes */
EDIT(set_whole);    /* AT_WHOLE */
EDIT(cut_whole);    /* AT_WHOLE: the last number bytes */
EDIT(append_whole); /* AT_WHOLE */

struct bytes vec_unhex(const char *text); /* owned */

#endif
