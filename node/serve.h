/*
 * serve - the programs within relais-node that open the node's directory themselves: init, check,
 * join, serve. And opening a node from flags, which they share.
 * Exit statuses are those of cli.h.
 */
#ifndef NODE_SERVE_H
#define NODE_SERVE_H

#include <stdbool.h>

#include <jansson.h>

#include "node.h"

struct open_flags {
    const char *dir;
    const char *passphrase_file; /* NULL: settings, the system's credential, the terminal */
    bool allow_core;             /* tests search core images; never in service */
};

/* Signals, core images, umask, libsodium: the first thing of every program here. */
enum err process_begin(const struct open_flags *flags);
/* Lock, settings, passphrase, node_open(). *lock is -1 on failure. */
enum err node_open_flags(const struct open_flags *flags, struct node **out, int *lock);
/* The passphrase, seal_bytes_free(): from a file closed to others, the system's credential, or the
 * terminal (twice: a new one, asked two times). ERR_PERMISSION: others may read the file. */
enum err passphrase_read(const struct open_flags *flags, const struct node_settings *s, bool twice,
                         struct bytes *out);
/* A new node: node_create() from flags. */
enum err node_init(const struct open_flags *flags, struct keyfile_cost cost);

/* Each says on stdout or stderr, in French, what happened. */
int serve_main(const struct open_flags *flags);
int check_main(const struct open_flags *flags);
int init_main(const struct open_flags *flags, struct keyfile_cost cost);
/* fingerprint: as read out by the hub's operator, NULL: not compared yet. wait_ms 0: one answer. */
int join_main(const struct open_flags *flags, const char *file, const char *fingerprint,
              bool replace, uint64_t wait_ms, bool as_json);

/* The node's keys, on `count` sheets of text in a directory of their own, of which `threshold` give
 * them back; and back, from such files (an array of texts) or typed on the standard input, into a
 * key file that is not there yet. */
int shares_main(const struct open_flags *flags, unsigned threshold, unsigned count, const char *dir,
                bool as_json);
int recover_main(const struct open_flags *flags, const char *output, const json_t *paths,
                 struct keyfile_cost cost);

/* Runs one request in this process, for lack of a daemon; the answer is the caller's, file (-1:
 * none) is what control_call() would hand along. Commands that need the hub say so. ERR_LOCKED: a
 * daemon has the directory. */
enum err command_alone(const struct open_flags *flags, const json_t *request, int file,
                       json_t **answer);

#endif
