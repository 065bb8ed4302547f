/*
 * deputy - the second organisation that a sheet goes to if the first has not received it in time
 * (PROTOCOL.md 5.5), as arguments of sheet.send:
 *     deputy     organisation, a member of the circle
 *     after_s    how long the hub waits; mandatory with deputy
 *     instead_of whom it stands in for; the one recipient when there is one
 * What cannot be is said in the call's text. Thread rule: the loop's.
 */
#ifndef CARE_DEPUTY_H
#define CARE_DEPUTY_H

#include "document.h"
#include "outbox.h"

struct call;
/* Behind the audience and into the intent; nothing is done when none is asked for. */
enum err deputy_read(struct node *n, struct call *c, struct sheet *sheet, struct out_intent *i);
/* Once the intent has its end: is there time for the deputy before it? ERR_EXPIRY_LIMIT. */
enum err deputy_in_time(struct node *n, struct call *c, const struct out_intent *i);

#endif
