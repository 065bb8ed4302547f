#include "tables.h"

#include "core.h"

static enum err random_fill(void *arg, uint8_t *out, size_t n)
{
    return entropy_fill(arg, out, n);
}

enum err core_store_open(const char *engine, const char *where, enum store_access access,
                         uint64_t max_bytes, const struct store_look *look,
                         const struct entropy *entropy, struct store **out)
{
    const struct store_options o = {.where = where,
                                    .check_bytes = look ? look->check_bytes : 0,
                                    .damaged = look ? look->damaged : NULL,
                                    .damaged_arg = look ? look->arg : NULL,
                                    .names = core_table_names(),
                                    .n = HUB_TABLES,
                                    .schema = HUB_SCHEMA,
                                    .max_bytes = max_bytes,
                                    .access = access,
                                    .random_fill = random_fill,
                                    .random_arg = (void *)(uintptr_t)entropy};

    return store_open(engine, &o, out);
}
