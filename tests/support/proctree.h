/*
 * proctree - child processes of a test and the directories they leave: started with a few more
 * variables, their output drained by a thread into memory and a file, ended by pid. A child dies
 * with the thread that started it.
 * Thread rule: one thread starts and ends a child; the reader thread is inside.
 */
#ifndef TESTS_PROCTREE_H
#define TESTS_PROCTREE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "span.h"

struct child {
    pid_t pid; /* 0: none, or it has been waited for */
    int status;
    int out; /* the pipe's read end while `reading` */
    int copy;
    bool reading, ready;
    pthread_t reader;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool ended; /* its output has */
    struct bytes text;
};

/* A zeroed struct child first; it may be used again after the end, text goes on growing. args:
 * after the program's name, NULL at the end; env: "NAME=value", added, NULL at the end, may be
 * NULL; copy: file that the output is appended to, may be NULL. */
enum err child_start(struct child *c, const char *program, const char *const *args,
                     const char *const *env, const char *copy);
/* ERR_TIMEOUT: still runs. *status (may be NULL) as of waitpid(). */
enum err child_wait(struct child *c, uint64_t within_ms, int *status);
void child_drain(struct child *c); /* until its output has ended */
void child_end(struct child *c);   /* kills, waits, frees; a zeroed struct is fine */

size_t child_mark(struct child *c);
size_t child_count(struct child *c, size_t mark, const char *text); /* lines that contain it */
/* The first line with text, NUL-terminated; false: none. */
bool child_line(struct child *c, size_t mark, const char *text, char *out, size_t size);
/* ERR_CLOSED: it ended without; ERR_TIMEOUT. */
enum err child_await(struct child *c, size_t mark, const char *text, uint64_t within_ms);
enum err child_await_lines(struct child *c, size_t mark, const char *text, size_t lines,
                           uint64_t within_ms);
enum err child_output(struct child *c, struct bytes *out); /* a copy of all */
void child_print(struct child *c);                         /* the last lines, to stderr */
size_t child_resident_kib(const struct child *c);          /* 0: not running */

void tree_remove(const char *path); /* a directory and all in it, as far as possible */

#endif
