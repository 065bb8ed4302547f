/*
 * own - the store's own page: a table no caller can name, with the format of the store, the
 * schema of its caller and its incarnation. Thread rule: that of store.h.
 */
#ifndef RELAIS_STORE_OWN_H
#define RELAIS_STORE_OWN_H

#include <stdint.h>

#include "err.h"

struct store;

#define OWN_TABLE_NAME "!store" /* "!" is in no caller's table name */

/* Writes the page of an empty store; otherwise checks it: ERR_VERSION, or ERR_CORRUPT when there
 * is data without a page. */
enum err own_check(struct store *s, uint32_t schema);

#endif
