/*
 * spawned - a command of the administrator's as a process: no shell, no terminal, no descriptor of
 * ours but the input it is given, an environment of its own, the root directory, a process group
 * that spawned_kill() ends. The loop is told of the end through a descriptor, and waits for none.
 * Thread rule: the loop's.
 */
#ifndef NODE_SPAWNED_H
#define NODE_SPAWNED_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

#define SPAWNED_PATH "PATH=/usr/local/bin:/usr/bin:/bin"

struct spawned {
    pid_t pid;
    int fd; /* readable when it has ended */
};

/* argv[0] is an absolute path. input: becomes its standard input, and stays the caller's; -1: none.
 * ERR_NOT_FOUND: cannot be executed; ERR_FULL, ERR_NOMEM: cannot be watched, and does not run. */
enum err spawned_start(char *const argv[], char *const env[], int input, struct spawned *out);
/* Has it ended? Then it is reaped, *status is as of waitpid(), and fd is closed. */
bool spawned_ended(struct spawned *s, int *status);
void spawned_kill(const struct spawned *s); /* the whole group; it ends then */
void spawned_drop(struct spawned *s);       /* kills and reaps it */

#endif
