/*
 * hubproc - a real relais-hub process in a directory of its own, with a registrar beside it, on
 * free loopback ports. The programs are those of $BUILD (or of build/). Keys are light: exercise.
 * What the hub says on its error output is kept here line by line, and in <dir>/../hub.log.
 * Thread rule: one thread; a reader thread of its own drains the log.
 */
#ifndef TESTS_HUBPROC_H
#define TESTS_HUBPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "control.h"
#include "keys.h"
#include "span.h"

#define HUBPROC_WAIT_MS 20000
#define HUBPROC_PASSPHRASE "phrase de passe d'exercice"

struct hubproc;

struct hubproc_options {
    const char *conf;  /* more lines of hub.conf; NULL: none */
    const char *where; /* directory that is there; NULL: a fresh one, removed at the end */
    uint64_t emergency_delay_s;
    const char *listen; /* address bound, without the port; NULL: 127.0.0.1 */
};

/* init of registrar and hub; nothing runs yet. NULL options: the usual. */
enum err hubproc_new(const struct hubproc_options *o, struct hubproc **out);
/* Kills what runs; removes the fresh directory unless a check has failed (hubproc_keep()). */
void hubproc_free(struct hubproc *h);
void hubproc_keep(struct hubproc *h);

struct hubproc_start {
    const char *fault;  /* RELAIS_FAULT, see preload_faults.c; NULL: none */
    bool clock;         /* under the clock file: hubproc_clock() */
    const char *notify; /* NOTIFY_SOCKET; NULL: no service manager */
    unsigned watchdog_us;
    const char *syncs;   /* RELAIS_SYNCS, see preload_syncs.c; without the two above; NULL: none */
    const char *preload; /* another library to load; NULL: none */
    const char *const *env; /* more of "NAME=value", NULL at the end; may be NULL */
};
/* Starts `serve` and waits for hub.ready: ERR_OK; ERR_CLOSED: it ended before. NULL: plain. */
enum err hubproc_start(struct hubproc *h, const struct hubproc_start *how);
/* SIGTERM and the end; *status (may be NULL) as of waitpid(). */
enum err hubproc_stop(struct hubproc *h, int *status);
enum err hubproc_kill(struct hubproc *h); /* SIGKILL and the end; fine if it has ended */
/* Until it ends by itself. ERR_TIMEOUT. */
enum err hubproc_wait(struct hubproc *h, uint64_t within_ms, int *status);
bool hubproc_running(struct hubproc *h);
pid_t hubproc_pid(const struct hubproc *h);
/* The hub's wall clock, against the system's; from the next reading of the clock on. */
enum err hubproc_clock(struct hubproc *h, int64_t ahead_ms);
/* How many faults have really fired since hubproc_new(). */
size_t hubproc_faults(const struct hubproc *h);

const char *hubproc_dir(const struct hubproc *h); /* of the hub */
const char *hubproc_registrar_dir(const struct hubproc *h);
const char *hubproc_passphrase_file(const struct hubproc *h);
int hubproc_port(const struct hubproc *h);
int hubproc_join_port(const struct hubproc *h);
const struct secret_sign *hubproc_registrar(const struct hubproc *h); /* the key, for signing */

/* The operator's command; *data (may be NULL) is the answer's "data", owned. Returns the hub's
 * code. args may be NULL, is stolen. */
enum err hubproc_command(struct hubproc *h, const char *name, json_t *args, json_t **data);
/* A number of `status`: "accepted", "door.refused", "audit_size", ... -1: not there. */
int64_t hubproc_status(struct hubproc *h, const char *path);
/* How many of the last `last` entries of the audit log have that type; and code, unless 0. */
size_t hubproc_entries(struct hubproc *h, unsigned type, int code, size_t last);
/* A run of the program: argv after the program's name, NULL at the end. Returns its exit status;
 * *output (may be NULL) is what it printed on both outputs. */
int hubproc_run(const char *program, const char *const *args, struct bytes *output);
/* The same, for what takes longer than HUBPROC_WAIT_MS. */
int hubproc_run_within(const char *program, const char *const *args, uint64_t within_ms,
                       struct bytes *output);
char *hubproc_program(const char *name, char out[1024]);

/* The log. A mark is a place in it; 0 is the beginning. */
size_t hubproc_log_mark(struct hubproc *h);
size_t hubproc_log_count(struct hubproc *h, size_t mark, const char *text); /* lines with text */
enum err hubproc_log_wait(struct hubproc *h, size_t mark, const char *text, uint64_t within_ms);
void hubproc_log_print(struct hubproc *h); /* to stderr, for a test that fails */
/* Resident memory of the process, and how many of its frames wait; KiB. 0: not running. */
size_t hubproc_resident_kib(const struct hubproc *h);

#endif
