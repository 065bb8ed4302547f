/*
 * identity - who a person is, as one organisation knows her (PROTOCOL.md 6.1): its own identifier,
 * INS with status, the five strict traits, used names, protection measure.
 *
 * Two forms of the same map: what travels inside a payload shows the matricule only when the
 * identity is qualified; what this node keeps shows all it knows.
 * Plain data without pointers: copy it, seal_wipe() it.
 * Thread rule: pure functions.
 */
#ifndef CARE_IDENTITY_H
#define CARE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "ins.h"
#include "reader.h"
#include "writer.h"

#define IDENTITY_LOCAL_MAX 64
#define IDENTITY_NAME_MAX 100
#define IDENTITY_FIRST_NAMES 10
#define IDENTITY_DATE 10 /* YYYY-MM-DD */
#define IDENTITY_PLACE 5
#define IDENTITY_REPRESENTATIVE_MAX 200
#define IDENTITY_MEASURE_MAX 11
#define IDENTITY_SCOPE_ALL 7

struct representation {
    bool stated;
    uint64_t measure; /* 0 none .. 11 */
    uint64_t scope;   /* mask: 1 property, 2 person, 4 health */
    char from[IDENTITY_DATE + 1];
    char until[IDENTITY_DATE + 1]; /* "" open */
    char representative[IDENTITY_REPRESENTATIVE_MAX + 1];
};

/* Texts are "" when absent, birth_first_count and sex 0. */
struct identity {
    char local[IDENTITY_LOCAL_MAX + 1];
    enum ins_status status; /* INS_NONE: no INS map at all */
    char matricule[INS_MATRICULE + 1];
    enum ins_oid oid; /* means something with a matricule only */
    char birth_name[IDENTITY_NAME_MAX + 1];
    size_t birth_first_count;
    char birth_first[IDENTITY_FIRST_NAMES][IDENTITY_NAME_MAX + 1];
    char birth_date[IDENTITY_DATE + 1];
    uint64_t sex; /* 1 male, 2 female, 3 indeterminate */
    char birth_place[IDENTITY_PLACE + 1];
    char used_name[IDENTITY_NAME_MAX + 1];
    char used_first[IDENTITY_NAME_MAX + 1];
    struct representation representation;
};

enum identity_form {
    IDENTITY_TRAVELS,
    IDENTITY_KEPT
};

/* Encoding writes what it is given; decoding is strict (text in form C, forms of dates and places,
 * five traits with QUAL) and reads one map inside r, which keeps the error. Whether a matricule is
 * right is identity_ins_check()'s question. */
void identity_encode(struct writer *w, const struct identity *p, enum identity_form form);
void identity_decode(struct reader *r, enum identity_form form, struct identity *out);

/* May this record be kept in a federation of this mode? ERR_FIELD_MISSING (local, name), ERR_TRAITS
 * (QUAL without five traits, or a value that has no such form), ERR_INS_STATUS (QUAL or RECUP
 * without matricule, matricule without status), ERR_INS_KEY, ERR_INS_MODE, ERR_NFC. */
enum err identity_check(const struct identity *p, uint64_t mode);
/* Key and world of the matricule, if there is one: ERR_INS_KEY, ERR_INS_MODE, ERR_NOT_JOINED. */
enum err identity_ins_check(const struct identity *p, uint64_t mode);
bool identity_has_traits(const struct identity *p); /* the five strict ones */
bool date_is_valid(const char *text);               /* YYYY-MM-DD, a day of the calendar */

/* Could both be the same person? false when anything that both state contradicts: qualified
 * matricule, date, sex, place, all of the names, the first names. */
bool identity_agree(const struct identity *a, const struct identity *b);

#endif
