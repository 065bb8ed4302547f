/*
 * shares - a node's secrets in n parts, printed on paper, of which any k give them back and any
 * k - 1 say nothing at all (Shamir, byte by byte, over the field of 256 elements).
 *
 *     shared = secret 1 (32) || secret 2 || secret 3 || check (8)
 *     check  = first 8 bytes of H-128("relais/share1/check", set || u8(k) || the secrets)
 *     part i of a byte = polynomial of degree k - 1 with that byte at 0 and random others, at i
 *     sheet  = u8(1) || set (8, random) || u8(k) || u8(n) || u8(i) || part (104) || tag (4)
 *     tag    = first 4 bytes of H-128("relais/share1/sheet", all before it)
 *
 * A sheet is written as eight lines of 15 bytes: "1: " and 24 characters of base32 in groups of
 * six, then four characters that check the line: the first 20 bits of
 * H-128("relais/share1/line", u8(line) || the 15 bytes). So a slip of the pen is found in its line.
 * The check lies inside what is shared: it tells k true parts from others, and helps nobody who
 * has fewer.
 * Thread rule: pure functions, any thread.
 */
#ifndef RELAIS_SHARES_H
#define RELAIS_SHARES_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "keys.h"
#include "random.h"
#include "span.h"

#define SHARE_SECRETS 3
#define SHARE_THRESHOLD_MIN 2
#define SHARES_MAX 16
#define SHARE_SET_BYTES 8
#define SHARE_CHECK_BYTES 8
#define SHARE_VALUE_BYTES (SHARE_SECRETS * KEY_BYTES + SHARE_CHECK_BYTES)
#define SHARE_LINES 8
#define SHARE_LINE_BYTES 15
#define SHARE_LINE_TEXT 36    /* "1: ABCDEF GHIJKL MNOPQR STUVWX YZ23" and NUL */
#define SHARE_SHEET_MAX 16384 /* of a file that holds one */

struct share {
    uint8_t set[SHARE_SET_BYTES]; /* of one sharing: parts of two do not mix */
    uint8_t threshold;            /* k */
    uint8_t count;                /* n */
    uint8_t number;               /* 1..n */
    uint8_t value[SHARE_VALUE_BYTES];
};

/* Writes `count` shares. ERR_RANGE: not 2 <= threshold <= count <= SHARES_MAX. shares_wipe() it. */
enum err shares_split(const struct secret32 *const secrets[SHARE_SECRETS], unsigned threshold,
                      unsigned count, const struct entropy *source, struct share *out);
/* The secrets, owned by the caller; nothing is written on error. ERR_RANGE: numbers that no sheet
 * has; ERR_FIELD_MISSING: fewer than the threshold; ERR_CONFLICT: of
 * different sharings; ERR_EXISTS: one of them twice; ERR_OPEN: one is not what was written then. */
enum err shares_join(const struct share *shares, size_t n, struct secret32 *secrets[SHARE_SECRETS]);
void shares_wipe(struct share *shares, size_t n);

/* A sheet's lines, each ended with NUL; seal_wipe() them. */
enum err share_write(const struct share *s, char lines[SHARE_LINES][SHARE_LINE_TEXT]);
/* Line `number` (1..8) as a person types it: with or without its "N:", in any case, blanks and
 * hyphens where she likes; 0, 1 and 8 are read as O, I and B. ERR_TEXT_FORM. */
enum err share_line_read(unsigned number, struct span typed, uint8_t out[SHARE_LINE_BYTES]);
/* All lines together. ERR_VERSION, ERR_FIELD_VALUE; ERR_CONFLICT: lines of different sheets. */
enum err share_lines_decode(const uint8_t lines[SHARE_LINES][SHARE_LINE_BYTES], struct share *out);
/* A sheet as text: lines that begin with "N:", in any order; all others are for people. *line is
 * the one that is wrong, or 0. ERR_TEXT_FORM, ERR_EXISTS (a line twice), ERR_FIELD_MISSING. */
enum err share_read(struct span text, struct share *out, unsigned *line);

#endif
