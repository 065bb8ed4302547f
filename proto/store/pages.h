/*
 * pages - the file of the embedded engine looked at page by page, before the engine trusts it. The
 * engine has no sums of its own: a bit that turns over in a page number or a header can make it
 * read elsewhere than it wrote, or crash. What holds of every whole file: the newer of the two meta
 * pages is one commit younger than the other, and its trees are of that commit; every page belongs
 * to one tree, once, or is free; every page says its own number; keys ascend; the trees have as
 * many pages and rows as they say. What rows hold is not looked at here (rowsum.h). Reads by
 * pread(), believes nothing. Thread rule: nobody writes the file meanwhile.
 */
#ifndef RELAIS_STORE_PAGES_H
#define RELAIS_STORE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* The file behind fd. Without `all`, what a large one can afford at every start: its meta pages,
 * its free pages, the roots of its tables. ERR_CORRUPT: *page is where;
 * ERR_NOMEM, ERR_IO. An empty file is whole. */
enum err pages_check(int fd, bool all, uint64_t *page);

#endif
