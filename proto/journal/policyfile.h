/*
 * policyfile - inside of struct trust: policyfile.c fills it, trust.c asks it. Private to journal/.
 */
#ifndef RELAIS_JOURNAL_POLICYFILE_H
#define RELAIS_JOURNAL_POLICYFILE_H

#include "trust.h"

struct group {
    char name[NOTE_NAME_MAX + 1];
    unsigned least;     /* so many members make the group a witness */
    uint32_t witnesses; /* bit i: witness i is a member */
    uint32_t groups;    /* bit i: group i is; always one defined before */
};

struct org {
    uint8_t id[TRUST_ORG_BYTES];
    char name[TRUST_NAME_MAX + 1];
};

struct org_key {
    uint8_t org[TRUST_ORG_BYTES];
    uint8_t kid[KID_BYTES];
    struct sign_public pk;
};

struct trust {
    size_t log_count, witness_count, group_count, org_count, key_count;
    struct note_key logs[TRUST_LOGS_MAX];
    uint64_t log_most[TRUST_LOGS_MAX]; /* size of the largest tree it signs; UINT64_MAX: any */
    struct note_key witnesses[TRUST_WITNESSES_MAX];
    char witness_names[TRUST_WITNESSES_MAX][NOTE_NAME_MAX + 1];
    struct group groups[TRUST_GROUPS_MAX];
    int has_quorum;
    struct group quorum; /* of one member; least 0 for `none` */
    struct org *orgs;
    struct org_key *keys;
};

#endif
