/*
 * tables - the hub's store as a whole: opening it, and the forms of rows that its check reads as
 * well as their owners. Which tables there are: core.h.
 */
#ifndef HUB_TABLES_H
#define HUB_TABLES_H

#include "random.h"
#include "store.h"

#define COSIGN_ROW_BYTES (4 + 8 + 32 + 8 + 64) /* TABLE_COSIGN */
#define ESCALATED_ROW_BYTES (1 + 2 + 8 + 8)    /* TABLE_ESCALATED */
#define SILENT_KEY (2 * 4)                     /* TABLE_SILENT */

/* How much of a store is looked at before it is believed (store.h). */
struct store_look {
    uint64_t check_bytes;
    bool (*damaged)(void *arg, const char *table, struct span key);
    void *arg;
};

/* Only the store, with the hub's tables; max_bytes 0: no quota; look may be NULL: none. */
enum err core_store_open(const char *engine, const char *where, enum store_access access,
                         uint64_t max_bytes, const struct store_look *look,
                         const struct entropy *entropy, struct store **out);

/* Keys of the tables. */
struct span key_u64(uint64_t v, uint8_t buf[8]);
struct span key_u32(uint32_t v, uint8_t buf[4]);
uint64_t be64_read(const uint8_t *p);
uint32_t be32_read(const uint8_t *p);
void be64_write(uint64_t v, uint8_t *p);
void be32_write(uint32_t v, uint8_t *p);

#endif
