/* The detail map of an audit entry (PROTOCOL.md 9): one row per key, read and written by it. */
#include <stddef.h>
#include <string.h>

#include "digest.h"
#include "receipt.h"

#define TO_MAX 64
#define CODE_MAX 65535
#define ABOUT_MAX 4096

enum shape {
    FIXED,
    NUMBER,
    CODE,
    ORGS,
    BLOB
};

struct field {
    enum detail_key key;
    enum shape shape;
    size_t at;
    size_t size;
};

#define AT(member) offsetof(struct detail, member), sizeof(((struct detail *)NULL)->member)

static const struct field fields[] = {
    {DETAIL_MID,          FIXED,  AT(mid)          },
    {DETAIL_DIGEST,       FIXED,  AT(digest)       },
    {DETAIL_FROM,         FIXED,  AT(from)         },
    {DETAIL_ACTOR,        FIXED,  AT(actor)        },
    {DETAIL_CIRCLE,       FIXED,  AT(circle)       },
    {DETAIL_N,            NUMBER, AT(n)            },
    {DETAIL_LINK,         FIXED,  AT(link)         },
    {DETAIL_TO,           ORGS,   AT(to)           },
    {DETAIL_CODE,         CODE,   AT(code)         },
    {DETAIL_ROOT,         FIXED,  AT(root)         },
    {DETAIL_UPTO,         NUMBER, AT(upto)         },
    {DETAIL_STATEMENT,    FIXED,  AT(statement)    },
    {DETAIL_CHAIN_N,      NUMBER, AT(chain_n)      },
    {DETAIL_BY_ORG,       FIXED,  AT(by_org)       },
    {DETAIL_BY_NODE,      FIXED,  AT(by_node)      },
    {DETAIL_KID,          FIXED,  AT(kid)          },
    {DETAIL_SIG,          FIXED,  AT(sig)          },
    {DETAIL_COUNT,        NUMBER, AT(count)        },
    {DETAIL_ACT,          NUMBER, AT(act)          },
    {DETAIL_ABOUT,        BLOB,   AT(about)        },
    {DETAIL_HEARD,        NUMBER, AT(heard_ms)     },
    {DETAIL_ROLES,        NUMBER, AT(roles)        },
    {DETAIL_INSTEAD,      FIXED,  AT(instead)      },
    {DETAIL_DUE,          NUMBER, AT(due_ms)       },
    {DETAIL_EPOCH,        NUMBER, AT(epoch)        },
    {DETAIL_COMMON,       NUMBER, AT(common)       },
    {DETAIL_COMMON_ROOT,  FIXED,  AT(common_root)  },
    {DETAIL_LOST,         NUMBER, AT(lost)         },
    {DETAIL_ADDRESS,      FIXED,  AT(address)      },
    {DETAIL_SIZE,         NUMBER, AT(size)         },
    {DETAIL_OPERATOR,     FIXED,  AT(operator1)    },
    {DETAIL_OPERATOR_SIG, FIXED,  AT(operator1_sig)},
    {DETAIL_SECOND,       FIXED,  AT(operator2)    },
    {DETAIL_SECOND_SIG,   FIXED,  AT(operator2_sig)},
};
#define FIELDS (sizeof fields / sizeof fields[0])

static void field_write(struct writer *w, const struct field *f, const struct detail *d)
{
    const uint8_t *at = (const uint8_t *)d + f->at;

    switch (f->shape) {
    case FIXED:
        wr_bin(w, span_of(at, f->size));
        break;
    case NUMBER: {
        uint64_t value;

        memcpy(&value, at, sizeof value);
        wr_uint(w, value);
        break;
    }
    case CODE:
        wr_uint(w, d->code);
        break;
    case ORGS:
        wr_array(w, d->to_count);
        for (size_t i = 0; i < d->to_count; i++)
            wr_bin(w, SPAN_OF(d->to[i]));
        break;
    case BLOB:
        wr_bin(w, d->about);
        break;
    }
}

static void field_read(struct reader *r, const struct field *f, struct detail *d)
{
    uint8_t *at = (uint8_t *)d + f->at;

    switch (f->shape) {
    case FIXED:
        rd_fixed(r, at, f->size);
        break;
    case NUMBER: {
        uint64_t value = rd_uint(r, UINT64_MAX);

        memcpy(at, &value, sizeof value);
        break;
    }
    case CODE:
        d->code = rd_u32(r, CODE_MAX);
        break;
    case ORGS:
        d->to_count = rd_array_between(r, 1, TO_MAX);
        for (size_t i = 0; i < d->to_count; i++)
            rd_fixed(r, d->to[i], sizeof d->to[i]);
        break;
    case BLOB:
        d->about = rd_blob(r, 0, ABOUT_MAX);
        break;
    }
}

enum err detail_encode(const struct detail *d, struct bytes *out)
{
    struct writer w;
    size_t pairs = 0;

    if (d->to_count > TO_MAX || d->about.len > ABOUT_MAX)
        return ERR_SIZE;
    for (size_t i = 0; i < FIELDS; i++)
        pairs += (d->has & RD_KEY(fields[i].key)) != 0;
    wr_init(&w);
    wr_map(&w, pairs);
    for (size_t i = 0; i < FIELDS; i++) {
        if (!(d->has & RD_KEY(fields[i].key)))
            continue;
        wr_key(&w, fields[i].key);
        field_write(&w, &fields[i], d);
    }
    return wr_take(&w, out);
}

static const struct field *field_of(uint64_t key)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].key == key)
            return &fields[i];
    return NULL;
}

enum err detail_decode(struct span in, struct detail *out)
{
    struct detail d = {0};
    struct reader r = reader_over(in);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        const struct field *f = field_of(key);

        if (f)
            field_read(&r, f, &d);
        else
            rd_unknown(&r, key);
    }
    d.has = m.seen;
    if ((e = rd_end(&r)))
        return e;
    *out = d;
    return ERR_OK;
}

enum err entry_encode(enum audit_type type, uint64_t time_ms, const uint8_t c[32],
                      struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, 3);
    wr_uint(&w, type);
    wr_uint(&w, time_ms);
    wr_bin(&w, span_of(c, 32));
    return wr_take(&w, out);
}

enum err entry_decode(struct span in, uint64_t *type, uint64_t *time_ms, uint8_t c[32])
{
    struct reader r = reader_over(in);
    uint8_t commitment[32];
    uint64_t t;
    uint64_t ms;
    enum err e;

    rd_array(&r, 3);
    t = rd_uint_between(&r, 1, UINT16_MAX);
    ms = rd_uint(&r, UINT64_MAX);
    rd_fixed(&r, commitment, sizeof commitment);
    if ((e = rd_end(&r)))
        return e;
    *type = t;
    *time_ms = ms;
    memcpy(c, commitment, sizeof commitment);
    return ERR_OK;
}

enum err detail_commit(const uint8_t salt[SALT_BYTES], struct span detail, uint8_t c[32])
{
    return digest_parts("relais/audit1", span_of(salt, SALT_BYTES), &detail, 1, c, DIGEST_256);
}

enum err entry_link(struct span entry, uint8_t link[LINK_BYTES])
{
    return digest_of("relais/audit1/link", entry, link, DIGEST_256);
}
