/*
 * identity - who this hub is: its keys (hub.key, sealed under a passphrase) and the public facts of
 * its federation (federation.id). Made once by `init`; the registrar's secret is never here.
 * Thread rule: immutable once open.
 */
#ifndef HUB_IDENTITY_H
#define HUB_IDENTITY_H

#include "core.h"
#include "keyfile.h"

struct identity_plan {
    const char *name; /* of the federation: [a-z0-9.-], 1..64 */
    enum mode mode;
    struct sign_public registrar;
    uint64_t emergency_delay_s;
    uint8_t operator_org[ID_BYTES];
    uint32_t epoch; /* of the audit log: the year */
};

#define KEYFILE_NAME "hub.key"
#define FEDERATION_FILE "federation.id"

/* One word that may become the origin of logs; what identity_make() takes. */
bool identity_name_ok(const char *name);
/* Writes both files into dir. ERR_EXISTS: there is a hub already. ERR_FIELD_VALUE: the name. */
enum err identity_make(const char *dir, const struct identity_plan *plan, struct span passphrase,
                       struct keyfile_cost cost, const struct entropy *entropy);
/* ERR_PASSPHRASE, ERR_CORRUPT and what reading files answers. */
enum err identity_open(const char *dir, struct span passphrase, struct identity **out);
/* What seals this hub's backups: only who opens its key file can make or check one. */
enum err identity_backup_key(const struct identity *id, struct secret32 **out);
/* Another key of that sort in hub.key, not in force; the service is stopped meanwhile. ERR_QUOTA.
 */
enum err identity_new_key(const char *dir, enum hub_key which, struct span passphrase,
                          const struct entropy *entropy, uint8_t pk[KEY_BYTES]);
/* All keys anew, for a hub whose hub.key is lost with every copy: none is in force before the
 * registrar and two houses have signed for it. ERR_EXISTS: hub.key is there. ERR_NOT_FOUND: there
 * is no hub. Killed at any instant: hub.key is there whole, or not at all. */
enum err identity_remake(const char *dir, struct span passphrase, struct keyfile_cost cost,
                         const struct entropy *entropy);
void identity_close(struct identity *id); /* wipes; NULL is fine */

#endif
