/* lmdb_err - what LMDB answers, in our words. */
#ifndef RELAIS_STORE_LMDB_ERR_H
#define RELAIS_STORE_LMDB_ERR_H

#include "err.h"

enum err err_of(int rc);

#endif
