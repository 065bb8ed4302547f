/*
 * noded - a real relais-node process of the campaign, in a directory and on a site of its own:
 * invited, joined, approved and signed as people do it, then spoken to over its control socket.
 * What it answered is the harness's; what it says in its log is not read.
 * Thread rule: one thread.
 */
#ifndef TESTS_FAULTS_NODED_H
#define TESTS_FAULTS_NODED_H

#include <stdbool.h>

#include "control.h"
#include "history.h"
#include "links.h"
#include "scene.h"

struct noded;

struct noded_options {
    const char *name;    /* in the history */
    const char *top;     /* directory that holds the node's */
    struct links *links; /* NULL: where the hub is */
    size_t site;
};

/* Enrolled at the scene's hub, not running. */
enum err noded_new(const struct noded_options *o, struct scene *s, struct noded **out);
void noded_free(struct noded *n); /* kills it; NULL is fine */
const char *noded_name(const struct noded *n);
const char *noded_org(const struct noded *n); /* hex */
const char *noded_dir(const struct noded *n);
const char *noded_passphrase_file(const struct noded *n);
/* fault: RELAIS_FAULT of preload_faults.c, NULL: none. Does not wait. */
enum err noded_start(struct noded *n, const char *fault);
/* From its next start on under recorder.so, which appends to this file; NULL: no longer. nosync:
 * RELAIS_NOSYNC of preload_nosync.c, for controls; NULL: every sync as it is. */
void noded_record(struct noded *n, const char *log, const char *nosync);
bool noded_running(struct noded *n, int *status); /* *status when it has just ended */
void noded_stop(struct noded *n);                 /* SIGTERM and the end */
void noded_kill(struct noded *n);
/* Its wall clock, against the system's; from the next reading of the clock on. */
enum err noded_clock(struct noded *n, int64_t ahead_ms);
pid_t noded_pid(const struct noded *n);
size_t noded_resident_kib(const struct noded *n); /* 0: not running */
size_t noded_faults(const struct noded *n);       /* that have really fired */
/* One command, as the node's professional. Returns its code, or why it could not be asked. */
enum err noded_call(struct noded *n, const char *cmd, json_t *args, uint64_t within_ms,
                    json_t **data);
/* It has stopped its link because the hub contradicts what it has seen. */
bool noded_alarmed(struct noded *n);
bool noded_fenced(struct noded *n);                    /* the hub has heard its keys elsewhere */
bool noded_ready(struct noded *n, uint64_t within_ms); /* has a session with the hub */
/* Both run and are ready: a person, a circle of the first, the second accepts. */
enum err nodeds_meet(struct noded *first, struct noded *second);
/* A sheet with this subject to the other; ERR_OK: kept. */
enum err noded_send(struct noded *n, const char *subject);
/* The same with a file of that many bytes beside it, which the subject determines. */
enum err noded_attach(struct noded *n, const char *subject, size_t bytes);
/* Does it hold that file, with this received sheet? ERR_NOT_HERE_YET and the like: not yet;
 * ERR_CORRUPT: it holds another. */
enum err noded_attached(struct noded *n, const char *mid, const char *subject, size_t bytes);
/* Everything it has of that box ("in", "out"), oldest first: an array, owned. */
enum err noded_box(struct noded *n, const char *box, json_t **out);

#endif
