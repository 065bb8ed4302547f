#include "token.h"

enum {
    FORM_FIRST = 0xc0, /* lead bytes with a row in forms[] */
    FORM_LAST = 0xdf,
};

/* Lead bytes 0xc0 to 0xdf. A value below `least` has a shorter form. For MP_INT `least` is the
 * sign bit, and a value above `most` has a shorter form or belongs to the uint family.
 * No row (c1, ext, float): MP_NONE, not of the profile. */
static const struct form {
    enum mp_type type;
    uint8_t width;
    uint64_t least;
    int64_t most;
} forms[FORM_LAST - FORM_FIRST + 1] = {
    [0xc0 - FORM_FIRST] = {MP_NIL,   0, 0,                  0          },
    [0xc2 - FORM_FIRST] = {MP_BOOL,  0, 0,                  0          },
    [0xc3 - FORM_FIRST] = {MP_BOOL,  0, 0,                  0          },
    [0xc4 - FORM_FIRST] = {MP_BIN,   1, 0,                  0          },
    [0xc5 - FORM_FIRST] = {MP_BIN,   2, 0x100,              0          },
    [0xc6 - FORM_FIRST] = {MP_BIN,   4, 0x10000,            0          },
    [0xcc - FORM_FIRST] = {MP_UINT,  1, 0x80,               0          },
    [0xcd - FORM_FIRST] = {MP_UINT,  2, 0x100,              0          },
    [0xce - FORM_FIRST] = {MP_UINT,  4, 0x10000,            0          },
    [0xcf - FORM_FIRST] = {MP_UINT,  8, 0x100000000,        0          },
    [0xd0 - FORM_FIRST] = {MP_INT,   1, 0x80,               -33        },
    [0xd1 - FORM_FIRST] = {MP_INT,   2, 0x8000,             -129       },
    [0xd2 - FORM_FIRST] = {MP_INT,   4, 0x80000000,         -32769     },
    [0xd3 - FORM_FIRST] = {MP_INT,   8, 0x8000000000000000, -2147483649},
    [0xd9 - FORM_FIRST] = {MP_TEXT,  1, 32,                 0          },
    [0xda - FORM_FIRST] = {MP_TEXT,  2, 0x100,              0          },
    [0xdb - FORM_FIRST] = {MP_TEXT,  4, 0x10000,            0          },
    [0xdc - FORM_FIRST] = {MP_ARRAY, 2, 16,                 0          },
    [0xdd - FORM_FIRST] = {MP_ARRAY, 4, 0x10000,            0          },
    [0xde - FORM_FIRST] = {MP_MAP,   2, 16,                 0          },
    [0xdf - FORM_FIRST] = {MP_MAP,   4, 0x10000,            0          },
};

static uint64_t big_endian(const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

static uint64_t sign_extended(uint64_t value, uint64_t sign_bit)
{
    return (value ^ sign_bit) - sign_bit;
}

/* Lead bytes that hold their value themselves. MP_NONE: see forms[]. */
static struct token short_token(uint8_t lead)
{
    if (lead <= 0x7f)
        return (struct token){MP_UINT, 1, lead, NULL};
    if (lead <= 0x8f)
        return (struct token){MP_MAP, 1, lead & 0x0f, NULL};
    if (lead <= 0x9f)
        return (struct token){MP_ARRAY, 1, lead & 0x0f, NULL};
    if (lead <= 0xbf)
        return (struct token){MP_TEXT, 1, lead & 0x1f, NULL};
    if (lead >= 0xe0)
        return (struct token){MP_INT, 1, sign_extended(lead, 0x80), NULL};
    return (struct token){MP_NONE, 0, 0, NULL};
}

static enum err long_token(const uint8_t *at, size_t left, struct token *t)
{
    const struct form *form = &forms[at[0] - FORM_FIRST];
    uint64_t value;

    if (form->type == MP_NONE)
        return ERR_TYPE;
    if (left < 1U + form->width)
        return ERR_TRUNCATED;
    value = big_endian(at + 1, form->width);
    if (form->type == MP_INT) {
        value = sign_extended(value, form->least);
        if ((int64_t)value > form->most)
            return ERR_NOT_CANONICAL;
    } else if (form->type == MP_BOOL) {
        value = at[0] & 1U;
    } else if (value < form->least) {
        return ERR_NOT_CANONICAL;
    }
    *t = (struct token){form->type, 1U + form->width, value, NULL};
    return ERR_OK;
}

enum err token_read(const uint8_t *at, size_t left, struct token *out)
{
    struct token t;
    enum err e;

    if (left == 0)
        return ERR_TRUNCATED;
    t = short_token(at[0]);
    if (t.type == MP_NONE && (e = long_token(at, left, &t)))
        return e;
    t.body = at + t.head;
    *out = t;
    return ERR_OK;
}
