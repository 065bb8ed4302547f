/*
 * recorder_format - the file that recorder.so appends to and powercut.c reads.
 *
 * Records follow each other without gaps: a head, then name, other name and data. Their place in
 * the file is the global order of everything that several threads and processes did. A record is
 * appended after its operation has returned and before the caller learns of it; what is said to
 * the outside (FRAME, SEND) is appended before it is said. So whoever has seen something has seen
 * it after its record, and everything that stands before it had returned by then.
 * Numbers are the machine's own: a record is read where it was made.
 */
#ifndef TESTS_RECORDER_FORMAT_H
#define TESTS_RECORDER_FORMAT_H

#include <stdint.h>

#define RECORD_MAGIC 0x52435231u

enum record_kind {
    RECORD_ROOT = 1, /* ino: the directory; mode; data: its path. The first record, once */
    RECORD_START,    /* a process begins; data: its program */
    RECORD_CREATE,   /* in directory ino: name is now `ino2`, made with mode */
    RECORD_LINK,     /* in directory ino: name is now `ino2`, which was there */
    RECORD_UNLINK,   /* in directory ino: name, which was `ino2`, is gone */
    RECORD_RENAME,   /* from directory ino, name to directory `other`, name2; ino2: what moved */
    RECORD_WRITE,    /* data into file ino at `at` */
    RECORD_RESIZE,   /* file ino has `at` bytes */
    RECORD_CHMOD,    /* file or directory ino has `mode` */
    RECORD_SYNC,     /* ino: what stood in the first `at` bytes of this file is on disk */
    RECORD_SYNC_ALL, /* sync(): the same of everything */
    RECORD_MARK,     /* data: what the harness says (powercut_mark()) */
    RECORD_FRAME,    /* data: one part of a message handed to libzmq */
    RECORD_SEND,     /* data: bytes for a local socket, in clear */
    RECORD_VOID,     /* data: why this recording says nothing */
    RECORD_KINDS
};

enum record_flag {
    RECORD_BASE = 1,    /* was there before the first process began: on disk */
    RECORD_SYNCED = 2,  /* write: through a descriptor with O_SYNC or O_DSYNC */
    RECORD_FOLDER = 4,  /* create, unlink: of a directory */
    RECORD_CONTENT = 8, /* sync: fdatasync, without modes */
    RECORD_MORE = 16,   /* frame: another part follows */
};

struct record_head {
    uint32_t magic;
    uint16_t kind;
    uint16_t flags;
    int32_t pid;
    uint32_t mode;
    uint64_t ino;
    uint64_t ino2;
    uint64_t other;
    uint64_t at;
    uint16_t name_len;
    uint16_t name2_len;
    uint32_t data_len;
};

#endif
