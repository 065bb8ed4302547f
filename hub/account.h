/*
 * account - what each organisation has under way inside the hub: messages given to the workers and
 * not answered yet, in number and in bytes, answers that wait to be sent included. All together
 * never hold more than one budget, and nobody more than what he leaves free for others: K greedy
 * organisations get 1/(K+1) of the budget each, and who comes next finds as much.
 *
 * A charge is taken when a frame is let in; the job holds it, then its answer too, and its bytes
 * count until the last of them is freed: as long as the memory is there. The message counts until
 * its answer is sent, so that whoever waits for an answer may then ask again.
 *
 * Thread rule: accounts are confined to the door's thread; what has to do with a charge that was
 * taken, any.
 * Accounts outlive every charge.
 */
#ifndef HUB_ACCOUNT_H
#define HUB_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "ids.h"

struct account_limits {
    uint32_t messages;
    uint64_t bytes;
};

struct accounts;
struct account;

struct charge;

enum err accounts_new(uint64_t budget_bytes, const struct account_limits *standard,
                      struct accounts **out);
void accounts_free(struct accounts *a); /* NULL is fine */
/* That organisation's, made if need be; NULL: no memory. Borrowed for ever. */
struct account *account_of(struct accounts *a, const uint8_t org[ID_BYTES]);
/* NULL limits: the standard again. */
void account_limit(struct account *one, const struct account_limits *limits);

/* ERR_BUSY: too much under way; ERR_NOMEM. Who has nothing under way is let in while the budget
 * has room. messages: 1, or 0 for what has no answer or comes once a session. */
enum err charge_take(struct account *one, uint32_t messages, uint64_t bytes, struct charge **out);
void charge_answered(struct charge *c);        /* again is fine, NULL too */
struct charge *charge_share(struct charge *c); /* one more holder; NULL gives NULL */
void charge_drop(struct charge *c);            /* one less; NULL is fine */

struct accounts_use {
    uint64_t budget_bytes;
    uint64_t bytes;   /* now */
    uint64_t highest; /* ever */
};
struct accounts_use accounts_use(const struct accounts *a);

#endif
