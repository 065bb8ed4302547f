#include "ins.h"

#include <string.h>

#include "ids.h"

#define NUMBER 13 /* before the key */

/* Who issues OIDs: 1.2.250.1.213.1.4, the French health agency's arc for INS. */
static const struct {
    const char *dotted;
    enum mode mode;
} oids[INS_OIDS] = {
    [INS_OID_NIR] = {"1.2.250.1.213.1.4.8",  MODE_REAL    },
    [INS_OID_NIA] = {"1.2.250.1.213.1.4.9",  MODE_REAL    },
    [INS_OID_TEST] = {"1.2.250.1.213.1.4.10", MODE_EXERCISE},
    [INS_OID_DEMO] = {"1.2.250.1.213.1.4.11", MODE_EXERCISE},
};

const char *ins_oid_text(enum ins_oid which)
{
    return (unsigned)which < INS_OIDS ? oids[which].dotted : "";
}

enum err ins_oid_read(struct span text, enum ins_oid *out)
{
    for (unsigned i = 0; i < INS_OIDS; i++)
        if (span_equal(text, span_text(oids[i].dotted))) {
            *out = (enum ins_oid)i;
            return ERR_OK;
        }
    return ERR_FIELD_VALUE;
}

enum ins_oid ins_oid_standard(const char matricule[INS_MATRICULE], uint64_t mode)
{
    if (mode != MODE_REAL)
        return INS_OID_TEST;
    return matricule[0] == '7' || matricule[0] == '8' ? INS_OID_NIA : INS_OID_NIR;
}

enum err ins_compact(struct span typed, char out[INS_MATRICULE + 1])
{
    char kept[INS_MATRICULE + 1] = "";
    size_t n = 0;

    for (size_t i = 0; i < typed.len; i++) {
        char c = (char)typed.ptr[i];

        if (c == ' ' || c == '.' || c == '-')
            continue;
        if (n == INS_MATRICULE)
            return ERR_INS_KEY;
        kept[n++] = c == 'a' ? 'A' : c == 'b' ? 'B' : c;
    }
    if (n != INS_MATRICULE)
        return ERR_INS_KEY;
    memcpy(out, kept, sizeof kept);
    return ERR_OK;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static unsigned two_digits(const uint8_t *at)
{
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

/* Incomplete civil records gave months of 20 to 42, and of 50 and more. */
static bool month_is_known(unsigned month)
{
    return (month >= 1 && month <= 12) || (month >= 20 && month <= 42) || month >= 50;
}

/* Corsica counts as 19 (2A) and 18 (2B), so that the number is one again. */
static enum err number_of(struct span matricule, uint64_t *number)
{
    uint64_t value = 0;

    for (size_t i = 0; i < NUMBER; i++) {
        uint8_t c = matricule.ptr[i];
        bool corsica = i == 6 && matricule.ptr[5] == '2' && (c == 'A' || c == 'B');

        if (corsica) {
            value = (value / 10 * 10 + 1) * 10 + (c == 'A' ? 9 : 8);
            continue;
        }
        if (!is_digit(c))
            return ERR_INS_KEY;
        value = value * 10 + (uint64_t)(c - '0');
    }
    *number = value;
    return ERR_OK;
}

enum err ins_check(struct span matricule)
{
    uint64_t number = 0;

    if (matricule.len != INS_MATRICULE || number_of(matricule, &number))
        return ERR_INS_KEY;
    if (!strchr("123478", matricule.ptr[0]) || !month_is_known(two_digits(matricule.ptr + 3)))
        return ERR_INS_KEY;
    if (!is_digit(matricule.ptr[13]) || !is_digit(matricule.ptr[14]))
        return ERR_INS_KEY;
    return two_digits(matricule.ptr + NUMBER) == 97 - number % 97 ? ERR_OK : ERR_INS_KEY;
}

enum err ins_check_mode(enum ins_oid which, uint64_t mode)
{
    if (mode != MODE_REAL && mode != MODE_EXERCISE)
        return ERR_NOT_JOINED;
    return (unsigned)which < INS_OIDS && oids[which].mode == mode ? ERR_OK : ERR_INS_MODE;
}
