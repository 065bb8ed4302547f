/*
 * vault - encryption at rest. Key hierarchy:
 *
 *     master (key file) -- kdf "relaisno" --> K_idx    blinds what is searched for
 *                                          -> K_meta   records about no person
 *                                          -> K_actor  pseudonyms of professionals
 *                                          -> K_wrap   wraps one random data key per person
 *
 * A record is record_seal(key, aad = table name, 0, store key): it opens only where it was put.
 * A person's records open with her data key alone; who destroys that key has erased her. The
 * wrapped keys carry the id of an epoch key, so that shredding can re-wrap the others later.
 * No value that names a person stands in any store key: index keys are blinded tokens, ids are
 * random.
 * Plain bytes handed out are owned: seal_bytes_free() them.
 * Thread rule: confine a vault to one thread.
 */
#ifndef NODE_VAULT_H
#define NODE_VAULT_H

#include "ids.h"
#include "keys.h"
#include "random.h"
#include "span.h"
#include "store.h"

#define VAULT_DEKS_CACHED 256 /* opened data keys kept in guarded memory */

struct vault;

/* Table names of a node's store, NODE_TABLES of them, for store_open(). Static. */
const char *const *vault_table_names(void);

/* Copies what it needs of master; borrows source, which must outlive the vault. */
enum err vault_open(const struct secret32 *master, const struct entropy *source,
                    struct vault **out);
void vault_close(struct vault *v); /* wipes; NULL is fine */

void vault_forget(struct vault *v); /* opened data keys: each is read again when it is needed */

/* A new person: a random id and a data key. */
enum err vault_person_new(struct vault *v, struct txn *t, uint8_t person[ID_BYTES]);
/* Destroys her data key: none of her records opens any more. */
enum err vault_person_erase(struct vault *v, struct txn *t, const uint8_t person[ID_BYTES]);
/* ERR_OK, or ERR_NOT_FOUND: no such person (or erased). */
enum err vault_person_check(struct vault *v, struct txn *t, const uint8_t person[ID_BYTES]);

/* person: whose key; NULL: the node's own. ERR_NOT_FOUND: no such person, or (get) no such row.
 * ERR_CORRUPT: the record does not open. */
enum err vault_put(struct vault *v, struct txn *t, int table, const uint8_t *person,
                   struct span key, struct span plain);
enum err vault_put_new(struct vault *v, struct txn *t, int table, const uint8_t *person,
                       struct span key, struct span plain); /* ERR_EXISTS */
enum err vault_get(struct vault *v, struct txn *t, int table, const uint8_t *person,
                   struct span key, struct bytes *plain);
/* One record that was read from the store by other means, its key being `key`. */
enum err vault_reveal(struct vault *v, struct txn *t, int table, const uint8_t *person,
                      struct span key, struct span record, struct bytes *plain);

/* Ascending, from <= key < to, as store_scan(); rows of the node's own key only. The visitor gets
 * plain bytes, borrowed until it returns. */
typedef enum err vault_visit_fn(void *arg, struct span key, struct span plain);
enum err vault_scan(struct vault *v, struct txn *t, int table, struct span from, struct span to,
                    size_t most, vault_visit_fn *visit, void *arg);

/* Index `name` (a constant of the program) says: value -> id, many to many. */
enum err vault_index_put(struct vault *v, struct txn *t, const char *name, struct span value,
                         const uint8_t id[ID_BYTES]); /* again is fine */
enum err vault_index_del(struct vault *v, struct txn *t, const char *name, struct span value,
                         const uint8_t id[ID_BYTES]); /* ERR_NOT_FOUND */
/* At most `max` ids; *count is how many were found, ERR_FULL when there are more. */
enum err vault_index_find(struct vault *v, struct txn *t, const char *name, struct span value,
                          uint8_t (*ids)[ID_BYTES], size_t max, size_t *count);

/* Pseudonym of an acting professional: the same values always give the same one. */
enum err vault_pseudonym(struct vault *v, struct span value, uint8_t out[ID_BYTES]);

#endif
