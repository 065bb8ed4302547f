/*
 * recovery - what the hub does instead of serving: after a restore it hears its members first, and
 * when a node shows more than its store holds it stops (PROTOCOL.md 10.5). Of the store's thread.
 */
#ifndef HUB_RECOVERY_H
#define HUB_RECOVERY_H

#include "core.h"

/* --- after a restore (restore.c) ------------------------------------------------------------- */
/* For `restore`: a new incarnation, and no service before members were heard. */
enum err restore_mark(struct store *s);
enum err recovery_load(struct core *c);
enum err recovery_text(struct core *c, struct bytes *text); /* for status */
/* While c->recovery.on: */
enum err recovery_hello(struct core *c, const struct job *j, struct mailbox *m);
enum err recovery_tick(struct core *c);
enum err recovery_accept(struct core *c); /* the operators agree that it serves */
enum err recovery_member(struct core *c, struct job *j);

/* --- older than what was signed (behind.c) --------------------------------------------------- */
/* Heads of ours that a member shows, the audit log's of that epoch. One that our log does not have
 * stops the hub: kept, told to all, the job refused (*stopped). */
enum err behind_check(struct core *c, const struct job *j, uint32_t epoch, const struct ckpt *keys,
                      const struct ckpt *audit, bool *stopped);
enum err behind_refuse(struct core *c, const struct job *j); /* BEHIND, with our own head */
enum err behind_load(struct txn *t, bool *behind);
enum err behind_forget(struct txn *t); /* for `restore` */
enum err behind_text(struct core *c, struct bytes *text);
/* ERR_CHECKPOINT: not signed by this key under this origin. ERR_NOMEM. */
enum err head_is_ours(const struct core *c, const struct log_name *of, const struct ckpt *head);

#endif
