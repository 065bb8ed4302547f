/*
 * faulty_store - a store around another one, that fails where a test says. What it does not fail
 * it passes on, so a test runs the code above store/ unchanged and looks at the inner store, or
 * goes on with the wrapper, to see what was written.
 *
 * Counts begin at 1 and run over the life of the wrapper; 0 is never. A fault strikes once.
 * Change the faults between transactions whenever you like (same thread as the transactions).
 * Quota, incarnation and copy are those of the inner store: set the quota there.
 */
#ifndef TESTS_FAULTY_STORE_H
#define TESTS_FAULTY_STORE_H

#include <stdbool.h>

#include "store.h"

enum commit_fault {
    COMMIT_CONFLICT,        /* ERR_CONFLICT, nothing written */
    COMMIT_FULL,            /* ERR_FULL, nothing written */
    COMMIT_IO,              /* ERR_IO, nothing written */
    COMMIT_UNKNOWN_WRITTEN, /* ERR_UNKNOWN, and the data is there */
    COMMIT_UNKNOWN_LOST     /* ERR_UNKNOWN, and it is not */
};

struct store_faults {
    unsigned long fail_commit; /* which one; of those that reach the store, so not a doomed one */
    enum commit_fault commit_fault;
    unsigned long fail_put; /* put, put_new, append */
    enum err put_error;     /* ERR_OK stands for ERR_IO, here and below */
    unsigned long fail_get; /* each get and get_many counts 1 */
    enum err get_error;
    unsigned long fail_del;
    enum err del_error;
    unsigned long fail_scan; /* before the first visit; last and before count too */
    enum err scan_error;
    unsigned long fail_begin; /* of either kind */
    enum err begin_error;

    /* May be NULL: called with true before and with false after the inner store writes or begins,
     * so that a count of allocations need not depend on how it does so. */
    void (*quiet)(bool on);

    unsigned long commits, puts, gets, dels, scans, begins; /* seen so far; written by the store */
};

/* Owns `inner` from now on (also if it answers NULL, for want of memory); borrows `faults`.
 * store_close() of the wrapper closes both. */
struct store *store_wrap(struct store *inner, struct store_faults *faults);
struct store *store_unwrapped(struct store *wrapper); /* the inner one; borrowed */

#endif
