/*
 * history - what the load program and the harness saw, one event a line, blank-separated words:
 *
 *   time_ms event words...
 *
 *   round N KIND             a round begins
 *   fault KIND               a fault of that kind has really happened
 *   sent S MID DIGEST R,...  S offers an envelope for the first time
 *   receipt S MID INDEX      S holds the receipt `accepted`, proved, of that leaf
 *   refused S MID CODE       S holds a final refusal
 *   got R SEQ MID DIGEST     an envelope came to R; each time that it comes
 *   acked R SEQ              R knows from the hub that its ACK up to SEQ is kept
 *   ended X MID R TYPE       X holds a receipt: MID ended for R that way (delivered 2, expired 8,
 *                            recalled 9, held 12)
 *   head LOG SIZE ROOT X     X holds a signed checkpoint
 *   tree LOG SIZE ROOT       the root of that size, recomputed from the entries at the end
 *   leaf INDEX TYPE MID      an entry about a message in the log at the end
 *   wrote N TOKEN TO         node N was asked to send a sheet with that subject
 *   kept N TOKEN             N answered that it holds it
 *   filed TOKEN              a file goes beside it: it takes its place in its sender's order when
 *                            the hub has that (PROTOCOL.md 11)
 *   listed N TOKEN PLACE STATE at the end N shows it there in its inbox, oldest first;
 *                            what came in one moment has one place
 *   outbox N TOKEN MID STATE CODE DELIVERED at the end, at its sender
 *   restored X, noticed X WHAT, replaced X  an old store put back; what X said; undone
 *   exit X STATUS ARMED      a daemon ended by itself; ARMED: the fault it ran under, or -
 *   memory X KIB BOUND       resident memory
 *   gone TOKEN               that sheet had been delivered when the hub was put back from a backup
 *                            made before it: no leaf speaks of it any more (PROTOCOL.md 10.5)
 *   shared MID R             it is sent to R under a consent
 *   withdrawn R              that consent is withdrawn: what of it has not come to R may not come
 *   deputy MID R             R stands in for its recipient
 *   released X MID R CODE INDEX  X holds the receipt of that leaf: released to the deputy R, or,
 *                            with a code, not
 *   act INDEX CODE DIGEST    an act of operators in the log at the end: signed by one, or agreed
 *   flip WHERE FSCK START    a bit of the hub's store turned over; WHERE: the table or "pages" that
 *                            are others now, or -; FSCK: found, clean; START: refused, nameless,
 *                            served
 *   bad X WHAT               what no rule of the protocol allows
 *   end                      everything has been given the time to arrive
 *
 * Written by one process, never by a daemon; read by the checker alone.
 * Thread rule: one thread.
 */
#ifndef TESTS_FAULTS_HISTORY_H
#define TESTS_FAULTS_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define HISTORY_LINE_MAX 1024
#define HISTORY_WORDS_MAX 12

struct history;

enum err history_open(const char *path, struct history **out);
void history_close(struct history *h); /* NULL is fine */
/* "event words...", without a newline. A line that cannot be written ends the process: a history
 * with holes proves nothing. */
__attribute__((format(printf, 2, 3))) void history_say(struct history *h, const char *form, ...);
size_t history_lines(const struct history *h);
void history_flush(struct history *h);

/* Cuts a line at its blanks; the words point into it. */
size_t history_split(char *line, char *words[HISTORY_WORDS_MAX]);

#endif
