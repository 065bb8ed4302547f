/*
 * raw_zmtp - a ZMTP 3.1 client with CURVE that obeys nobody: it can stop half-way, announce what
 * it does not send, lie in its metadata and never end a message. For tests of what a listener
 * makes of such a peer. From the public specifications ZeroMQ RFC 23 (ZMTP), 25 and 26 (CurveZMQ).
 * Calls block, ten seconds at most, then answer ERR_TIMEOUT. Thread rule: one thread per client.
 */
#ifndef TESTS_RAW_ZMTP_H
#define TESTS_RAW_ZMTP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

#define RAW_MORE 1
#define RAW_COMMAND 4
#define RAW_ANNOUNCE_ONLY 256 /* raw_frame(): the header alone */

struct raw_zmtp {
    int fd;
    uint64_t nonce;
    uint8_t shared[32]; /* after the handshake */
};

struct raw_identity {
    const uint8_t *server_key, *public_key, *secret_key; /* 32 bytes each */
    const char *routing_id;                              /* NULL: none */
    const char *property, *value;                        /* one more of metadata; NULL: none */
};

enum err raw_connect(int port, struct raw_zmtp *r); /* TCP to 127.0.0.1, nothing said yet */
/* From now on the kernel takes little for it that it does not read: the listener has the rest. */
enum err raw_narrow(struct raw_zmtp *r);
enum err raw_greet(struct raw_zmtp *r); /* both greetings, mechanism CURVE */
/* From after the greeting to READY. ERR_CLOSED: the listener does not want us. */
enum err raw_handshake(struct raw_zmtp *r, const struct raw_identity *who);
enum err raw_frame(struct raw_zmtp *r, unsigned flags, struct span body, uint64_t announced);
enum err raw_message(struct raw_zmtp *r, struct span payload, int more); /* one encrypted frame */
enum err raw_receive(struct raw_zmtp *r, struct bytes *payload);         /* one encrypted frame */
enum err raw_send(struct raw_zmtp *r, struct span bytes);
int raw_is_closed(struct raw_zmtp *r); /* waits for the end; 0: not in ten seconds */
void raw_close(struct raw_zmtp *r);

#endif
