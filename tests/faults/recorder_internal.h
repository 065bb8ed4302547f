/* recorder_internal - what the two halves of recorder.so share. */
#ifndef TESTS_RECORDER_INTERNAL_H
#define TESTS_RECORDER_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "recorder_format.h"

#define PIECES_MAX 1024 /* of one writev */
#define MODE_BITS 07777u

/* Nothing of ours stands in front of a program's own function of the same name. */
#pragma GCC visibility push(hidden)

/* The next one of that name in the order of libraries; ends the process if there is none. */
void *real_of(void *_Atomic *kept, const char *name);
#define REAL(type, name) ((type)(uintptr_t)real_of(&real_##name, #name))

bool recording(void);

/* One thread of one process at a time is between these two. errno stays. */
void enter(void);
void leave(void);

/* Between enter() and leave(). data has h.data_len bytes; names may be NULL. */
void note(struct record_head h, const char *name, const char *name2, const void *data);
void note_void(const char *why);
uint64_t log_size(void);

void make_void(const char *why);                   /* not between them */
void note_said(int fd, const void *buf, size_t n); /* if it is a local socket; not between them */

bool path_of(int fd, char path[PATH_MAX]);
bool counts(int fd, struct stat *st); /* a file or directory of ours? Leaves errno alone */
bool is_file(const struct stat *st);  /* or a directory */
uint16_t folder(const struct stat *st);

/* A name in a directory of ours: where it is and what it is now. */
struct place {
    uint64_t dir;
    char name[NAME_MAX + 1];
    bool there;
    struct stat st;
};
bool place_of(int at, const char *path, struct place *p); /* false: not ours */

#pragma GCC visibility pop

#endif
