#include "mapsize.h"

#include <string.h>

#include "store.h"

enum {
    NODE_OVERHEAD = 16,
    PAGE_OVERHEAD = 16
};

static uint64_t map_round(uint64_t bytes)
{
    return bytes < MAP_MAX ? (bytes + MAP_GRAIN - 1) / MAP_GRAIN * MAP_GRAIN : MAP_MAX;
}

uint64_t map_limit(uint64_t quota)
{
    uint64_t spare = quota / 16 > STORE_QUOTA_MIN ? quota / 16 : STORE_QUOTA_MIN;

    return quota && quota < MAP_MAX - spare ? map_round(quota + spare) : MAP_MAX;
}

uint64_t map_first(uint64_t asked, uint64_t quota)
{
    uint64_t wanted = map_round(asked ? asked : STORE_FIRST_MAP_BYTES);
    uint64_t limit = map_limit(quota);

    return wanted < limit ? wanted : limit;
}

bool map_is_crowded(uint64_t used, uint64_t map)
{
    return used / 4 > map / 5;
}

uint64_t map_next(uint64_t used, uint64_t map, uint64_t limit)
{
    do
        map = map < limit / 2 ? map * 2 : limit;
    while (map < limit && map_is_crowded(used, map));
    return map;
}

uint64_t record_cost(uint64_t page, uint64_t key, uint64_t value)
{
    uint64_t node = key + NODE_OVERHEAD;

    if (node + value <= page / 2)
        return 2 * (node + value);
    return 2 * node + (value + PAGE_OVERHEAD + page - 1) / page * page;
}

uint64_t page_list_count(const void *list, size_t bytes, uint64_t first)
{
    const uint8_t *at = list;
    size_t count, page;
    uint64_t n = 0;

    if (bytes < sizeof count)
        return 0;
    memcpy(&count, at, sizeof count);
    for (size_t i = 1; i <= count && i < bytes / sizeof page; i++) {
        memcpy(&page, at + i * sizeof page, sizeof page);
        n += page >= first;
    }
    return n;
}
