/*
 * identity_keys - who the hub is, as its modules see it: the federation and the keys it works with.
 * identity.h makes, opens and closes it. Thread rule: immutable once open.
 */
#ifndef HUB_IDENTITY_KEYS_H
#define HUB_IDENTITY_KEYS_H

#include "directory.h"
#include "keys.h"

#define HUB_KEYS_KEPT 8 /* signing keys beyond the first */
/* The keys a hub works with (registrar excluded: that one is never here). Borrowed by the core. */
struct identity {
    struct federation federation; /* before genesis: as init made it; spans live with identity */
    struct secret_sign *hub;
    struct secret_sign *hub_later[HUB_KEYS_KEPT]; /* made since, in order; core_hub_key() */
    size_t hub_later_count;
    struct secret_sign *keys_log;
    struct secret_sign *audit_log;
    struct secret_box *transport;
    struct bytes name;     /* what federation.name points to */
    char keys_origin[96];  /* "<name>/keys" */
    uint32_t epoch;        /* the first of the audit log */
    char audit_origin[96]; /* "<name>/audit/<epoch>", of the first epoch */
};

#endif
