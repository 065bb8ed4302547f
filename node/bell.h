/*
 * bell - tells people that a message has come, without a word of it: a command of the
 * administrator's for each addressee (notify.conf), or one for all (`notify` of node.conf).
 *
 * A message that was kept gets its bell in the same transaction. Before a command starts, that it
 * starts is on disk: a node that was killed rings what had not begun, and never again what had; of
 * the latter a human is told, for nobody knows how it ended. A command that fails is tried
 * BELL_TRIES_MAX times, later each time, then shown by `status` and `inbox` until somebody opens
 * the message. What was opened, recalled, withheld or has expired meanwhile is not rung.
 *
 * The command gets no argument and an environment of PATH, RELAIS_URGENT (0, 1), RELAIS_ADDRESSEE
 * and RELAIS_TEXT. The addressee is spelt as in notify.conf: nothing that a sender wrote leaves
 * this process. No shell, no terminal, no open descriptor, a process group of its own, killed when
 * `notify_timeout` is over; at most BELL_RUNNING_MAX at once, and the loop waits for none.
 * Thread rule: the loop's.
 */
#ifndef NODE_BELL_H
#define NODE_BELL_H

#include "bell_rules.h"
#include "intake.h"

#define BELL_TRIES_MAX 5
#define BELL_RUNNING_MAX 4
#define BELL_AGAIN_MS 10000 /* after the first failure; doubled after each */
#define BELL_TICK_MS 200

struct bells;

/* Rings from now on what was not rung; n->loop is open. A notify.conf that cannot be read is an
 * error (bell_rules.h). */
enum err bells_open(struct node *n, struct bells **out);
/* Ends the commands that run. NULL is fine. */
void bells_close(struct bells *b);
size_t bells_running(const struct bells *b);

/* In the transaction that keeps `s` as received. Nothing without a daemon or without a command. */
enum err bell_hang(struct node *n, struct txn *t, const struct in_status *s,
                   const struct care_payload *p);
/* Somebody has opened it, or it is not to be shown any more. */
enum err bell_over(struct node *n, struct txn *t, const struct in_status *s);

/* --- for people -------------------------------------------------------------------------- */

enum bell_state {
    BELL_TO_RUN = 1,
    BELL_RUNNING,
    BELL_DONE,
    BELL_FAILED, /* for good */
    BELL_DROPPED /* the message was opened, taken back or had expired before */
};
enum bell_failure {
    BELL_NO_FAILURE,
    BELL_EXIT,   /* value: exit code */
    BELL_SIGNAL, /* value: its number */
    BELL_TIMEOUT,
    BELL_NOT_RUN,    /* no such file, no right to execute it, no process */
    BELL_NO_COMMAND, /* the settings have none any more */
    BELL_INTERRUPTED /* the node ended while it ran */
};
struct bell {
    uint8_t mid[ID_BYTES];
    uint8_t from[ID_BYTES];
    enum bell_state state;
    enum bell_failure why; /* of the last time */
    uint32_t value;
    uint32_t tries;
    bool urgent;
    uint64_t due_ms;
    uint64_t exp_ms; /* of the message */
    char label[BELL_LABEL_MAX + 1];
};

enum err bell_get(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                  const uint8_t from[ID_BYTES], struct bell *out); /* ERR_NOT_FOUND */
/* How many wait, and how many have failed for good with their message unopened. */
enum err bells_count(struct txn *t, uint64_t *waiting, uint64_t *failed);
/* For `status`: a line if there is something to say; data "notifications". */
struct call;
enum err bells_say(struct node *n, struct txn *t, struct call *c);
/* For a row of `inbox`: what failed, appended to text; "notification" into row. */
enum err bell_say(struct node *n, struct txn *t, const struct in_status *s, struct bytes *text,
                  json_t *row);

#endif
