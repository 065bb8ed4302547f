/*
 * mapsize - the arithmetic of a map in a file: how large it may become, when it should grow, what
 * a record takes. Sizes in bytes; a quota of 0 is none. Pure functions, any thread.
 */
#ifndef RELAIS_STORE_MAPSIZE_H
#define RELAIS_STORE_MAPSIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_MAX (UINT64_C(1) << 46) /* half of what a process on x86-64 can address */
#define MAP_GRAIN UINT64_C(65536)   /* maps are multiples of any page size */

/* A tree needs new pages even to delete, so the map goes on beyond the quota by a sixteenth,
 * 1 MiB at least: a full store can be emptied. */
uint64_t map_limit(uint64_t quota);
uint64_t map_first(uint64_t asked, uint64_t quota); /* 0 asks for STORE_FIRST_MAP_BYTES */
bool map_is_crowded(uint64_t used, uint64_t map);   /* over 80 % */
uint64_t map_next(uint64_t used, uint64_t map, uint64_t limit); /* doubled until not crowded */

/* What a record takes at worst: pages are half full; over half a page it has pages of its own. */
uint64_t record_cost(uint64_t page, uint64_t key, uint64_t value);

/* How many numbers from `first` on are in a list of pages as LMDB stores it: native words, the
 * count before them. A count beyond the list's end counts what is there. */
uint64_t page_list_count(const void *list, size_t bytes, uint64_t first);

#endif
