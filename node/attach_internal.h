/* attach, inside: what attach.c (rows) and uploads.c (files on their way into a sheet) share. */
#ifndef NODE_ATTACH_INTERNAL_H
#define NODE_ATTACH_INTERNAL_H

#include "attach.h"

#define ATTACH_PATH 544

struct upload {
    bool used;
    bool ready;
    uint8_t id[ID_BYTES];
    uint64_t ready_ms;
    struct att_ready a;
};

struct attach {
    char out[ATTACH_PATH];
    char in[ATTACH_PATH];
    uint8_t *room;
    struct upload uploads[UPLOADS_MAX];
};

#endif
