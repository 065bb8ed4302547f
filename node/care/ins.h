/*
 * ins - the national health identifier: form and check key of a matricule (NIR or NIA, Corsica
 * included), the OIDs that say where it comes from, and which of them a federation's mode admits.
 * The key proves a typing error, never a person: a matricule alone matches nobody.
 * Thread rule: pure functions.
 */
#ifndef CARE_INS_H
#define CARE_INS_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

#define INS_MATRICULE 15 /* 13 characters and the key */

enum ins_status {
    INS_NONE = 0, /* not stated */
    INS_PROV,
    INS_RECUP,
    INS_VALI,
    INS_QUAL
};

enum ins_oid {
    INS_OID_NIR, /* real */
    INS_OID_NIA, /* real, provisional numbers */
    INS_OID_TEST,
    INS_OID_DEMO,
    INS_OIDS
};
const char *ins_oid_text(enum ins_oid which); /* dotted; "" for a number that is no row */
enum err ins_oid_read(struct span text, enum ins_oid *out); /* ERR_FIELD_VALUE */
/* What a matricule typed without an OID is, in a federation of this mode. */
enum ins_oid ins_oid_standard(const char matricule[INS_MATRICULE], uint64_t mode);

/* As typed: blanks, dots and hyphens between groups are dropped, letters become capitals.
 * ERR_INS_KEY when not 15 characters are left. */
enum err ins_compact(struct span typed, char out[INS_MATRICULE + 1]);
/* 15 characters: form (sex 1 2 3 4 7 8; month 01-12, 20-42, 50-99; 2A and 2B for Corsica) and key.
 * ERR_INS_KEY. */
enum err ins_check(struct span matricule);
/* ERR_INS_MODE: test and demonstration numbers in a real federation, or real ones in an exercise;
 * ERR_NOT_JOINED: the mode is not known yet (0). */
enum err ins_check_mode(enum ins_oid which, uint64_t mode);

#endif
