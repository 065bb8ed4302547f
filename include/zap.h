/*
 * zap - who may connect: the thread that answers the CURVE handshake of every listener (ZAP 1.0).
 * A key is let in for one domain under one user text; everything else is refused. Answers come
 * from a table in memory under a lock held for one look-up, never from a store; a slow answer
 * delays new handshakes only. Must start before the first link_listen() and outlive the last.
 * If the thread ends by itself nobody new is let in (messages of such peers have no user and are
 * dropped), established peers go on, and on_fatal() tells the program to end.
 * Thread rule: every function, any thread. The callbacks run in the ZAP thread: be short.
 */
#ifndef RELAIS_ZAP_H
#define RELAIS_ZAP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "transport.h"

#define ZAP_DOMAINS_MAX 8
#define ZAP_KEYS_MAX 65536 /* over all domains */

struct zap;

enum zap_reason {
    ZAP_KEY,       /* not allowed in this domain */
    ZAP_DOMAIN,    /* no such domain */
    ZAP_MECHANISM, /* not CURVE, or no 32-byte key */
    ZAP_REQUEST,   /* not ZAP 1.0: the library itself speaks wrongly */
};

struct zap_denial {
    enum zap_reason reason;
    const char *domain;  /* one of the known ones, or "" */
    const char *address; /* numeric; borrowed until the callback returns */
    const uint8_t *key;  /* LINK_KEY_BYTES, or NULL */
};

struct zap_options {
    const char *const *domains; /* NULL-terminated, 1 to ZAP_DOMAINS_MAX, not empty; copied */
    void (*on_denied)(const struct zap_denial *d, void *arg); /* may be NULL; limit your rate */
    void (*on_fatal)(enum err why, void *arg);                /* may be NULL; called once */
    void *arg;
};

/* One per transport (ERR_EXISTS). Borrows t. */
enum err zap_start(struct transport *t, const struct zap_options *options, struct zap **out);
void zap_stop(struct zap *z); /* after the last link_close(); NULL is fine */
/* 1: handshakes wait for their answer until 0. Whoever listens before its keys are known holds:
 * the library of a peer that is turned away never tries again (libzmq issue 4196). */
void zap_hold(struct zap *z, int held);

/* Lets the key in, or renames its user for handshakes to come. ERR_NOT_FOUND: no such domain;
 * ERR_FULL; ERR_SIZE: user empty or over LINK_USER_MAX; ERR_FIELD_VALUE: not printable ASCII. */
enum err zap_allow(struct zap *z, const char *domain, const uint8_t key[LINK_KEY_BYTES],
                   const char *user);
/* No new handshake with this key. Live connections stay: check the user of every frame, and
 * link_drop() to be rid of them. ERR_NOT_FOUND: was not let in. */
enum err zap_deny(struct zap *z, const char *domain, const uint8_t key[LINK_KEY_BYTES]);

struct zap_stats {
    uint64_t allowed, denied; /* handshakes answered */
    uint64_t beats;           /* grows at least once a second while the thread lives */
    size_t keys;
    int running;
};
struct zap_stats zap_stats(struct zap *z);
uint64_t zap_alive(struct zap *z); /* beats, or 0 once the thread has ended */

#endif
