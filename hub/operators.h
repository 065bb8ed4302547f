/*
 * operators - the persons who operate the hub, by name, and the acts that two of them decide
 * together (PROTOCOL.md 9.1). A guarded command runs only when enough different operators have
 * signed it; the first signature makes it wait, shown in status, for 24 hours at most.
 * Names stay in the hub's store; the log knows an operator by the id of his key.
 *
 * How many must sign: two in a real federation. In an exercise: as `operators_required` says once
 * somebody is named; before that none, so that an exercise can begin without ceremony.
 * Thread rule: the core's.
 */
#ifndef HUB_OPERATORS_H
#define HUB_OPERATORS_H

#include "operator.h"

#define OPERATORS_MAX 32
#define OPERATORS_REAL 2 /* must agree in a real federation, whatever hub.conf says */
#define OPERATOR_NAME_MAX 60
#define OPERATOR_WAIT_MS (UINT64_C(24) * 60 * 60 * 1000)
#define OPERATOR_WAITING_MAX 32 /* acts kept, done ones until they would have expired */

/* A row of TABLE_OPERATOR can be read. ERR_CORRUPT, ERR_NOMEM. */
enum err operator_row_check(struct span key, struct span row);
/* May this command run without a signature? ERR_OPERATOR: it must be signed; ERR_OPERATORS_FEW:
 * too few persons are named for it. */
enum err operators_gate(struct asked *a, const char *command);
/* Acts that nobody confirmed in time are ended, with a leaf. Every tick. */
enum err operators_sweep(struct core *c);
enum err operators_facts(struct asked *a); /* for status: data and text */

/* A hub put back from a backup serves again only when they have agreed: where they must sign, and
 * enough are named in that backup. */
enum err operators_hold(struct core *c, bool *held);
/* Their agreement is a leaf as soon as the hub writes leaves again. */
enum err operators_recovered(struct core *c);
enum err restore_accept(struct asked *a);

enum err operator_add(struct asked *a);     /* name, key */
enum err operator_remove(struct asked *a);  /* name */
enum err operator_list(struct asked *a);    /* named persons and waiting acts */
enum err operator_prepare(struct asked *a); /* cmd, args -> act and request, to be signed */
enum err operator_pending(struct asked *a); /* id: the same for a waiting act */
enum err operator_sign(struct asked *a);    /* act, request, operator, sig */

#endif
