#include "lmdb_err.h"

#include <errno.h>
#include <lmdb.h>
#include <stddef.h>

#include "file.h"

enum err err_of(int rc)
{
    static const struct {
        int rc;
        enum err e;
    } rows[] = {
        {MDB_NOTFOUND,         ERR_NOT_FOUND},
        {MDB_MAP_FULL,         ERR_FULL     },
        {MDB_READERS_FULL,     ERR_FULL     },
        {EFBIG,                ERR_FULL     },
        {MDB_INVALID,          ERR_CORRUPT  },
        {MDB_CORRUPTED,        ERR_CORRUPT  },
        {MDB_PAGE_NOTFOUND,    ERR_CORRUPT  },
        {MDB_VERSION_MISMATCH, ERR_VERSION  },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].rc == rc)
            return rows[i].e;
    return rc < 0 ? ERR_IO : err_from_errno(rc); /* LMDB's own codes are negative */
}
