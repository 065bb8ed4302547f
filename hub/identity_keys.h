/*
 * identity_keys - who the hub is, as its modules see it: the federation and the keys it works with.
 * identity.h makes, opens and closes it. Thread rule: immutable once open.
 */
#ifndef HUB_IDENTITY_KEYS_H
#define HUB_IDENTITY_KEYS_H

#include "directory.h"
#include "keys.h"

#define HUB_KEYS_KEPT 8 /* of each sort, beyond the first */
#define HUB_KEY_SORTS (HUB_KEY_AUDIT_LOG + 1)

/* The keys a hub works with (registrar excluded: that one is never here). Borrowed by the core.
 * Which of them are in force is said by the keys log alone. */
struct identity {
    struct federation federation; /* before genesis: as init made it; spans live with identity */
    struct secret_sign *hub;      /* the first of each sort */
    struct secret_sign *keys_log;
    struct secret_sign *audit_log;
    struct secret_box *transport;
    struct secret_sign *later[HUB_KEY_SORTS][HUB_KEYS_KEPT]; /* made since, in order */
    struct secret_box *transport_later[HUB_KEYS_KEPT];
    size_t later_count[HUB_KEY_SORTS];
    struct bytes name;     /* what federation.name points to */
    char keys_origin[96];  /* "<name>/keys" */
    uint32_t epoch;        /* the first of the audit log */
    char audit_origin[96]; /* "<name>/audit/<epoch>", of the first epoch */
};

/* As people type it: "transport", "hub", "keys-log", "audit-log". NULL, false: no such key. */
const char *hub_key_name(enum hub_key which);
bool hub_key_named(const char *name, enum hub_key *out);

/* NULL: it is not in hub.key. */
const struct secret_sign *identity_sign_key(const struct identity *id, enum hub_key which,
                                            const uint8_t pk[KEY_BYTES]);
const struct secret_box *identity_box_key(const struct identity *id, const uint8_t pk[KEY_BYTES]);
/* The newest of hub.key of that sort, its public half. */
const uint8_t *identity_newest(const struct identity *id, enum hub_key which);
/* What members are served under at that moment: the newest key in effect that is here; else the
 * newest that is here at all, which nobody knows yet. */
const struct secret_box *identity_transport(const struct identity *id, const struct directory *d,
                                            uint64_t now_ms);

#endif
