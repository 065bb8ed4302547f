/*
 * nodepair - two relais-node processes at a relais-hub process, enrolled, in one circle: what a
 * test of the whole way needs. Everything is said through the programs and their control sockets.
 * Thread rule: confine to one thread.
 */
#ifndef TESTS_NODEPAIR_H
#define TESTS_NODEPAIR_H

#include <jansson.h>

#include "ids.h"
#include "proctree.h"
#include "scene.h"

#define PAIR_PATH 400
#define PAIR_HEX (2 * ID_BYTES + 1)

struct pair_side {
    char dir[PAIR_PATH];
    char org[PAIR_HEX];
    struct child serve;
};

struct nodepair {
    struct scene scene;
    char top[PAIR_PATH / 2];
    char passphrase[PAIR_PATH];
    struct pair_side from, to;
    char person[PAIR_HEX];
    char circle[PAIR_HEX];
};

/* start: of the hub; NULL: the usual. */
enum err pair_up(struct nodepair *p, const char *hub_conf, const char *node_conf,
                 const struct hubproc_start *start);
void pair_down(struct nodepair *p);
/* serve, until its link is up (await) or at once. */
enum err pair_serve(struct nodepair *p, struct pair_side *s, bool await);
/* The same under a fault of preload_faults.c; the link is not awaited. */
enum err pair_serve_under(struct nodepair *p, struct pair_side *s, const char *fault);
/* How many faults have really fired in nodes so far. */
size_t pair_faults(const struct nodepair *p);
enum err pair_wait(struct pair_side *s, int *status); /* until it ends by itself */
void pair_kill(struct pair_side *s);                  /* SIGKILL */
bool pair_linked(const struct pair_side *s);

/* A run of the program on that side: its exit status, and (out may be NULL) what it said. */
int pair_run(const struct nodepair *p, const struct pair_side *s, const char *const *words,
             struct bytes *out);
/* One request to a serving node; its "data", owned. NULL: refused; *why (may be NULL) then. */
json_t *pair_ask(const struct pair_side *s, const char *command, json_t *args, enum err *why);
/* Resident memory of a process in KiB; 0: not running. high: the most it ever was. */
size_t pair_resident_kib(pid_t pid, bool high);

#endif
