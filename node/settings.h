/*
 * settings - node.conf: the rows an administrator may set, and nothing else (include/conf.h).
 * Thread rule: plain data.
 */
#ifndef NODE_SETTINGS_H
#define NODE_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct node_settings {
    char passphrase_file[512]; /* "": ask the terminal, or the system's credential */
    char endpoint[256];        /* "": as in the invitation */
    char join_endpoint[256];
    uint32_t ping_ms;  /* between two signs of life */
    uint32_t retry_ms; /* first repetition of what was not answered */
    uint32_t retry_max_ms;
    uint64_t store_max_bytes; /* 0: the disk is the limit */
    uint64_t keep_for_s;      /* lifetime of an envelope */
    uint64_t prekey_every_s;  /* between two prekeys */
    char metrics_listen[64];  /* loopback; "": no pages */
    char log_level[8];
    char notify[512];           /* command that says that a message has come; "": none */
    uint64_t notify_timeout_ms; /* what runs longer is killed */
    char scan_command[512];     /* looks at attachments: words, no shell; "": none */
    uint64_t scan_timeout_ms;   /* same */
};

/* The defaults alone. */
enum err settings_defaults(struct node_settings *out);
/* path: node.conf. A file that is not there gives the defaults. `why` is English, for operators. */
enum err settings_read(const char *path, struct node_settings *out, char *why, size_t why_size);
/* A commented node.conf with every row. */
enum err settings_write(const char *path);

#endif
