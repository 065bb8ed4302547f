/*
 * survey - what each TCP connection of a listener has sent, and to whom it belongs.
 * The library tells the descriptor a message came from, and the kernel how much that descriptor
 * has received; the difference to what was handed over is what the library holds.
 * Thread rule: confined to the thread of the link.
 */
#ifndef RELAIS_SURVEY_H
#define RELAIS_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "transport.h"

#define SEEN_FD_MAX (1 << 20) /* descriptors above are served but not accounted */
#define GUESS_MAX 16          /* nameless connections of a survey for which a user is guessed */

struct seen {
    uint64_t connection; /* 0: never used */
    uint64_t accounted;
    uint64_t sent;
    uint64_t multipart;
    char user[LINK_USER_MAX + 1];
};

struct seen_table {
    struct seen *rows; /* by descriptor */
    size_t n;
};

/* The kernel's number of the connection behind fd, 0 if there is none. */
uint64_t connection_of(int fd);
/* The row of this connection, emptied if the descriptor served another one before; NULL if it is
 * not to be accounted (no memory, no such connection). */
struct seen *seen_row(struct seen_table *t, int fd, uint64_t connection);
/* What a message part of n bytes takes on the wire: CURVE and frame header included. */
uint64_t wire_bytes(size_t n);
void seen_free(struct seen_table *t);

/* An IPv4 address mapped into IPv6 is the IPv4 address: "::ffff:192.0.2.7" is "192.0.2.7". */
const char *address_plain(const char *address);

#endif
