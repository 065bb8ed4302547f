/*
 * keys_codec - statements of the keys log, bytes to structs (PROTOCOL.md 7.2 to 7.5). Encoders are
 * promised in directory.h. Decoders are strict about form and range; who may say it is judged in
 * directory_apply.c. Thread rule: pure functions.
 */
#ifndef RELAIS_KEYS_CODEC_H
#define RELAIS_KEYS_CODEC_H

#include "directory.h"
#include "reader.h"
#include "writer.h"

/* Keys 1 to 3 are in each statement; a kind's own begin at KEY_FIRST. */
enum {
    KEY_KIND = 1,
    KEY_FEDERATION,
    KEY_TS,
    KEY_FIRST
};
#define KEYS_HEAD (RD_KEY(KEY_KIND) | RD_KEY(KEY_FEDERATION) | RD_KEY(KEY_TS))

struct keys_head {
    uint64_t kind;
    uint8_t federation[ID_BYTES];
    uint64_t ts_ms;
};

struct enrol_statement {
    struct keys_head head;
    struct span body; /* borrowed */
    uint8_t possession[SIG_BYTES];
    uint64_t effect_ms;
};

struct suspend_statement {
    struct keys_head head;
    uint8_t org[ID_BYTES];
    uint64_t reason;
};

enum err keys_head_decode(struct span stmt, struct keys_head *out); /* the rest unread */
enum err genesis_decode(struct span stmt, struct federation *out);  /* name is borrowed */
enum err enrol_statement_decode(struct span stmt, struct enrol_statement *out);
enum err suspend_decode(struct span stmt, struct suspend_statement *out); /* suspend and resume */

/* For the codecs alone: the map's header with the first three pairs, and one of those pairs read
 * (true: it was one of them). */
void keys_head_write(struct writer *w, size_t pairs, enum keys_kind kind, const uint8_t *federation,
                     uint64_t ts_ms);
bool keys_head_field(struct reader *r, uint64_t key, struct keys_head *h);

#endif
