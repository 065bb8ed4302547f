/*
 * treap - ordered keys and values that are never changed in place. Every write gives a new root
 * that shares what is the same with the old one, so an old root is a snapshot for nothing.
 *
 * A root is owned: treap_release() once. NULL is the empty treap. Nothing here knows of limits.
 * Thread rule: roots may be shared between threads (counts are atomic, content is constant);
 * one root variable belongs to one thread.
 */
#ifndef RELAIS_STORE_TREAP_H
#define RELAIS_STORE_TREAP_H

#include "err.h"
#include "span.h"

struct treap;

struct treap *treap_retain(struct treap *root); /* NULL is fine; the same root, owned once more */
void treap_release(struct treap *root);         /* NULL is fine */

/* Replace *root, whose former value is released; on ERR_NOMEM it stays as it was. Key and value
 * are copied first, so they may lie in the treap itself. */
enum err treap_put(struct treap **root, struct span key, struct span value);
enum err treap_del(struct treap **root, struct span key); /* ERR_NOT_FOUND, ERR_NOMEM */

/* The node at, at or above, above, or below a key; NULL if there is none. Borrowed from root. */
const struct treap *treap_at(const struct treap *root, struct span key);
const struct treap *treap_from(const struct treap *root, struct span key); /* empty: the first */
const struct treap *treap_above(const struct treap *root, struct span key);
const struct treap *treap_below(const struct treap *root, struct span key); /* empty: the last */

struct span treap_key(const struct treap *node);
struct span treap_value(const struct treap *node);

#endif
