/*
 * keys_codec - statements of the keys log, bytes to structs (PROTOCOL.md 7.2 to 7.5). Encoders are
 * promised in directory.h. Decoders are strict about form and range; who may say it is judged in
 * directory_apply.c. Thread rule: pure functions.
 */
#ifndef RELAIS_KEYS_CODEC_H
#define RELAIS_KEYS_CODEC_H

#include "directory.h"

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

struct revoke_statement {
    struct keys_head head;
    uint8_t org[ID_BYTES];
    bool has_node;
    uint8_t node[ID_BYTES];
    uint64_t reason;
};

enum err keys_head_decode(struct span stmt, struct keys_head *out); /* the rest unread */
enum err genesis_decode(struct span stmt, struct federation *out);  /* name is borrowed */
enum err enrol_statement_decode(struct span stmt, struct enrol_statement *out);
enum err suspend_decode(struct span stmt, struct suspend_statement *out); /* suspend and resume */
enum err revoke_decode(struct span stmt, struct revoke_statement *out);

#endif
