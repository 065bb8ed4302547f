/*
 * registrar - the key that says who belongs to the federation. It lives on a machine of its own,
 * off the hub and off the network, and signs files (PROTOCOL.md 7, 14): these commands use no
 * daemon, no store and no socket.
 */
#ifndef HUB_REGISTRAR_H
#define HUB_REGISTRAR_H

#include "keyfile.h"
#include "span.h"

#define REGISTRAR_KEYFILE "registrar.key"

/* Makes the key; *pk is what `relais-hub init` asks for. ERR_EXISTS. */
enum err registrar_make(const char *dir, struct span passphrase, struct keyfile_cost cost,
                        const struct entropy *entropy, struct sign_public *pk);
enum err registrar_public(const char *dir, struct span passphrase, struct sign_public *pk);

/* How who reads knows an organisation or a node (the other one is NULL): its name onto `text`, or
 * nothing and ERR_NOT_FOUND. */
struct request_names {
    enum err (*name)(const void *arg, const uint8_t *org, const uint8_t *node, struct bytes *text);
    const void *arg;
};
/* What a REQUEST file is about, in French, for the person who is asked to sign it. */
enum err request_describe(struct span request, const struct request_names *names,
                          struct bytes *text);
/* The names that this registrar has signed: it keeps them beside its key, for it believes nobody.
 */
struct request_names registrar_names(const char *dir);
/* The SIGNATURE file for a REQUEST file (both as armoured text); who is enrolled is noted down.
 * ERR_EXISTS: that organisation, or that node, is noted under another name. Nothing is signed. */
enum err registrar_sign(const char *dir, struct span passphrase, struct span request,
                        struct bytes *signature);

#endif
