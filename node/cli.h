/*
 * cli - the command line of relais-node: words and options become a request to the daemon's control
 * socket, the answer becomes French text, JSON (--json) or exact bytes (--raw, --output).
 *
 *     relais-node [--dir D] [--json] [--as-name ..] COMMAND ...
 *
 * Every command is a row: its words, the command of the daemon it asks, its arguments. What a
 * person typed is brought to Unicode form C here, before anything else sees it.
 * Exit codes: 0 done, 1 refused by a rule, 2 usage, 3 daemon or hub not reachable (the sentence
 * says what is kept), 4 the data given is not valid, 5 internal.
 *
 * Arguments as the daemon gets them (JSON; masks and codes are the numbers of PROTOCOL.md 3, ids
 * are hex or unique prefixes, dates are unix ms): circle.create    person, team, category, classes,
 * rights circle.invite    circle, to, team, category, classes, rights, message, days
 *   circle.invitations, circle.list
 *   circle.accept    circle         circle.show  circle      circle.ask  circle
 *   circle.leave     circle         circle.remove circle, org
 *   circle.close     circle, reason, date
 *   notice           circle, classes, orgs [..], way, date
 *   consent.give     circle, classes, orgs [..], way, by, opinion, date
 *   consent.withdraw circle, n (0: all), date
 *   oppose           circle, classes, orgs [..] (empty: everybody), emergency, date
 *   oppose.lift      circle, n, way, date
 *   sign             request (armour), confirm     -> data.signature (armour)
 *   receipts         mid                           -> data.receipts [{type, org, file, text}]
 *   org.list, status, journal (person, most)
 *   and the rows of commands_care.c. wait_ms (how long to wait for the hub's word) goes with all
 *   that send.
 */
#ifndef NODE_CLI_H
#define NODE_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "err.h"
#include "span.h"

enum {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    EXIT_AWAY = 3,
    EXIT_DATA = 4,
    EXIT_BROKEN = 5
};
#define CLI_DIR "/var/lib/relais-node"

/* All of the program but main(): parses, runs, prints. Returns the exit status. */
int cli_main(int argc, char **argv);

/* Which exit status tells of this error. */
int cli_status(enum err e);

#endif
