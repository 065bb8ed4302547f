/*
 * tree - the logs of a stopped hub, recomputed from the entries in its store by nothing but the
 * hash functions: what every checkpoint that anybody holds is held against.
 */
#ifndef TESTS_FAULTS_TREE_H
#define TESTS_FAULTS_TREE_H

#include "history.h"

/* `tree` and `leaf` lines for both logs of the store in that directory. */
enum err tree_tell(const char *store_dir, struct history *h);

#endif
