/*
 * commands, inside: a call that lives as long as it waits, and the tables of rows.
 */
#ifndef NODE_COMMANDS_INTERNAL_H
#define NODE_COMMANDS_INTERNAL_H

#include "commands.h"

extern const struct command node_commands[]; /* commands_node.c */
extern const size_t node_command_count;
extern const struct command circle_commands[]; /* commands_circle.c */
extern const size_t circle_command_count;

/* Heap: what call_wait() keeps. The call comes first: a call made by command_run() is one. */
struct standing_call {
    struct call call;
    struct actor actor;
    json_t *no_args; /* owned: the args of a request without any */
};
void standing_free(struct standing_call *s); /* NULL is fine */
/* {"ok":..} or {"error":..}; takes data and text out of the call. */
json_t *call_answer(struct call *c, enum err why);

/* circle_show.c */
enum err circle_shown(struct node *n, struct txn *t, const uint8_t handle[ID_BYTES],
                      struct call *c);
enum err circles_listed(struct node *n, struct txn *t, struct call *c);
enum err invited_listed(struct node *n, struct txn *t, struct call *c);

/* status_link.c */
enum err witness_text(const struct node *n, struct bytes *text); /* nothing when all is well */
json_t *witness_status(const struct node *n);
enum err evidence_run(struct node *n, struct call *c);
/* commands_receipts.c */
enum err receipts_run(struct node *n, struct call *c);
const char *link_text(const struct node *n);
enum err disk_text(const struct node *n, struct bytes *text); /* nothing while there is room */

/* commands_journal.c */
enum err journal_shown(struct node *n, struct call *c);

/* commands_hub.c */
enum err hub_keys(struct node *n, struct call *c);
enum err hub_resume(struct node *n, struct call *c);

/* commands_key.c */
enum err key_rotate(struct node *n, struct call *c);
json_t *rekey_status(const struct node *n);
enum err rekey_text(const struct node *n, struct bytes *text); /* nothing when none is under way */

/* commands_absence.c */
enum err absence_set(struct node *n, struct call *c);
enum err absence_clear(struct node *n, struct call *c);
enum err absence_list(struct node *n, struct call *c);
struct directory_absence;
json_t *absence_json(struct node *n, const struct directory_absence *a);

/* circle_open.c: ERR_EXISTS, with the handle told, when the person has an open circle here. */
enum err circle_is_first(struct node *n, struct txn *t, const uint8_t person[ID_BYTES],
                         struct call *c);

/* circle_look.c */
enum err circle_list(struct node *n, struct call *c);
enum err circle_invitations(struct node *n, struct call *c);
enum err circle_show(struct node *n, struct call *c);
enum err circle_ask(struct node *n, struct call *c);

#endif
