/* The header of an envelope: one row per key, read and written by it (PROTOCOL.md 5.1). */
#include "header.h"

#include <string.h>

enum shape {
    SUITE,
    NUMBER,
    ID,
    ORGS,
    HEADS,
    CATEGORIES,
    ATTACHED,
    DEPUTIES
};

struct field {
    enum header_key key;
    enum shape shape;
    size_t at;
    size_t has; /* offset of the flag of an optional field */
    uint64_t min;
    uint64_t max;
};

#define AT(member) offsetof(struct env_header, member)
#define ALWAYS 0 /* no flag lies at offset 0 */
#define ANY UINT64_MAX

/* clang-format off */
static const struct field fields[] = {
    {HEADER_SUITE,   SUITE,      AT(suite),      ALWAYS,          0, 0},
    {HEADER_MID,     ID,         AT(mid),        ALWAYS,          0, 0},
    {HEADER_TYPE,    NUMBER,     AT(type),       ALWAYS,          ENVELOPE_SHEET, ENVELOPE_INVITATION},
    {HEADER_FROM,    ID,         AT(from),       ALWAYS,          0, 0},
    {HEADER_SKID,    ID,         AT(skid),       ALWAYS,          0, 0},
    {HEADER_TO,      ORGS,       AT(to),         ALWAYS,          0, 0},
    {HEADER_TS,      NUMBER,     AT(ts),         ALWAYS,          0, ANY},
    {HEADER_EXP,     NUMBER,     AT(exp),        ALWAYS,          0, ANY},
    {HEADER_SEQ,     NUMBER,     AT(seq),        ALWAYS,          0, ANY},
    {HEADER_CIRCLE,  ID,         AT(circle),     ALWAYS,          0, 0},
    {HEADER_CLASS,   NUMBER,     AT(class_mask), ALWAYS,          1, CLASS_ALL},
    {HEADER_BASIS,   NUMBER,     AT(basis),      ALWAYS,          BASIS_ECHANGE, BASIS_URGENCE},
    {HEADER_PURPOSE, NUMBER,     AT(purpose),    ALWAYS,          1, 7},
    {HEADER_CONSENT, NUMBER,     AT(consent),    AT(has_consent), 0, ANY},
    {HEADER_STATUS,  NUMBER,     AT(status),     ALWAYS,          MODE_REAL, MODE_EXERCISE},
    {HEADER_SIGN,    NUMBER,     AT(sign),       ALWAYS,          ENVELOPE_SIGN_SINGLE, ENVELOPE_SIGN_BATCH},
    {HEADER_PRIO,    NUMBER,     AT(prio),       ALWAYS,          0, 1},
    {HEADER_RE,      ID,         AT(re),         AT(has_re),      0, 0},
    {HEADER_DEPUTY,  DEPUTIES,   AT(deputy),     AT(has_deputy),  0, 0},
    {HEADER_DIR,     HEADS,      AT(keys_head),  ALWAYS,          0, 0},
    {HEADER_ATT,     ATTACHED,   AT(att),        AT(has_att),     0, 0},
    {HEADER_ACTOR,   ID,         AT(actor),      ALWAYS,          0, 0},
    {HEADER_SCAT,    NUMBER,     AT(scat),       ALWAYS,          CATEGORY_HEALTH, CATEGORY_SOCIAL},
    {HEADER_RCAT,    CATEGORIES, AT(rcat),       ALWAYS,          1, 3},
    {HEADER_NOTICE,  NUMBER,     AT(notice),     AT(has_notice),  0, ANY},
};
/* clang-format on */
#define FIELDS (sizeof fields / sizeof fields[0])

static bool is_optional(const struct field *f)
{
    return f->has != ALWAYS;
}

static bool is_present(const struct field *f, const struct env_header *h)
{
    bool has;

    if (!is_optional(f))
        return true;
    memcpy(&has, (const uint8_t *)h + f->has, sizeof has);
    return has;
}

/* ---- writing ---- */

static void field_write(struct writer *w, const struct field *f, const struct env_header *h)
{
    const uint8_t *at = (const uint8_t *)h + f->at;
    uint64_t number;

    wr_key(w, f->key);
    switch (f->shape) {
    case SUITE:
    case NUMBER:
        memcpy(&number, at, sizeof number);
        wr_uint(w, number);
        break;
    case ID:
        wr_bin(w, span_of(at, ID_BYTES));
        break;
    case ORGS:
        wr_array(w, h->to_count);
        for (size_t i = 0; i < h->to_count; i++)
            wr_bin(w, SPAN_OF(h->to[i]));
        break;
    case HEADS:
        wr_array(w, 2);
        wr_ckpt(w, &h->keys_head);
        wr_ckpt(w, &h->audit_head);
        break;
    case CATEGORIES:
        wr_array(w, h->to_count);
        for (size_t i = 0; i < h->to_count; i++)
            wr_uint(w, h->rcat[i]);
        break;
    case ATTACHED:
        wr_array(w, h->att_count);
        for (size_t i = 0; i < h->att_count; i++) {
            wr_array(w, 2);
            wr_bin(w, SPAN_OF(h->att[i].address));
            wr_uint(w, h->att[i].size);
        }
        break;
    case DEPUTIES:
        wr_array(w, h->deputy_count);
        for (size_t i = 0; i < h->deputy_count; i++) {
            wr_array(w, 2);
            wr_uint(w, h->deputy[i].instead);
            wr_uint(w, h->deputy[i].after_s);
        }
        break;
    }
}

void header_encode(struct writer *w, const struct env_header *h)
{
    size_t pairs = 0;

    if (h->to_count > RECIPIENTS_MAX || h->att_count > ATTACHMENTS_MAX ||
        h->deputy_count > DEPUTIES_MAX) {
        wr_fail(w, ERR_RANGE);
        return;
    }
    for (size_t i = 0; i < FIELDS; i++)
        pairs += is_present(&fields[i], h);
    wr_map(w, pairs);
    for (size_t i = 0; i < FIELDS; i++)
        if (is_present(&fields[i], h))
            field_write(w, &fields[i], h);
}

/* ---- reading ---- */

static uint64_t read_number(struct reader *r, uint64_t min, uint64_t max)
{
    uint64_t value = rd_uint(r, UINT64_MAX);

    if (value < min || value > max)
        rd_fail(r, ERR_FIELD_VALUE);
    return value;
}

static uint64_t read_suite(struct reader *r)
{
    uint64_t suite = rd_uint(r, UINT64_MAX);

    if (suite != ENVELOPE_SUITE)
        rd_fail(r, ERR_SUITE); /* an error of the reader came first and stands */
    return suite;
}

static void read_orgs(struct reader *r, struct env_header *h)
{
    h->to_count = rd_array_between(r, 1, RECIPIENTS_MAX);
    for (size_t i = 0; i < h->to_count; i++) {
        rd_fixed(r, h->to[i], ID_BYTES);
        for (size_t before = 0; before < i; before++)
            if (memcmp(h->to[before], h->to[i], ID_BYTES) == 0)
                rd_fail(r, ERR_FIELD_VALUE);
    }
}

/* Keys ascend, so `to` was read before; when it is absent, that is what will be reported. */
static void read_categories(struct reader *r, const struct field *f, struct env_header *h)
{
    uint32_t count = rd_array_between(r, 1, RECIPIENTS_MAX);

    for (uint32_t i = 0; i < count; i++)
        h->rcat[i] = read_number(r, f->min, f->max);
    if (h->to_count && count != h->to_count)
        rd_fail(r, ERR_FIELD_VALUE);
}

static void read_heads(struct reader *r, struct env_header *h)
{
    rd_array(r, 2);
    rd_ckpt(r, &h->keys_head);
    rd_ckpt(r, &h->audit_head);
}

/* A size that no attachment has, or one attachment twice, is FIELD_VALUE. */
static void read_attached(struct reader *r, struct env_header *h)
{
    h->att_count = rd_array_between(r, 1, ATTACHMENTS_MAX);
    for (size_t i = 0; i < h->att_count; i++) {
        rd_array(r, 2);
        rd_fixed(r, h->att[i].address, sizeof h->att[i].address);
        h->att[i].size = rd_uint(r, UINT64_MAX);
        if (attachment_chunks(h->att[i].size) == 0)
            rd_fail(r, ERR_FIELD_VALUE);
        for (size_t before = 0; before < i; before++)
            if (memcmp(h->att[before].address, h->att[i].address, sizeof h->att[i].address) == 0)
                rd_fail(r, ERR_FIELD_VALUE);
    }
}

/* They are the last ones of `to`; each stands in for another one of those before them. */
static void read_deputies(struct reader *r, struct env_header *h)
{
    size_t count = rd_array_between(r, 1, DEPUTIES_MAX);
    uint64_t least = 0;

    if (h->to_count && 2 * count > h->to_count)
        rd_fail(r, ERR_FIELD_VALUE);
    for (size_t i = 0; i < count; i++) {
        struct env_deputy *d = &h->deputy[i];

        rd_array(r, 2);
        d->instead = read_number(r, least, h->to_count ? h->to_count - count - 1 : ANY);
        d->after_s = read_number(r, DEPUTY_AFTER_MIN_S, DEPUTY_AFTER_MAX_S);
        least = d->instead + 1;
    }
    h->deputy_count = count;
}

static void store_number(struct env_header *h, size_t at, uint64_t value)
{
    memcpy((uint8_t *)h + at, &value, sizeof value);
}

static void field_read(struct reader *r, const struct field *f, struct env_header *h)
{
    static const bool yes = true;

    switch (f->shape) {
    case SUITE:
        store_number(h, f->at, read_suite(r));
        break;
    case NUMBER:
        store_number(h, f->at, read_number(r, f->min, f->max));
        break;
    case ID:
        rd_fixed(r, (uint8_t *)h + f->at, ID_BYTES);
        break;
    case ORGS:
        read_orgs(r, h);
        break;
    case HEADS:
        read_heads(r, h);
        break;
    case CATEGORIES:
        read_categories(r, f, h);
        break;
    case ATTACHED:
        read_attached(r, h);
        break;
    case DEPUTIES:
        read_deputies(r, h);
        break;
    }
    if (f->has != ALWAYS)
        memcpy((uint8_t *)h + f->has, &yes, sizeof yes);
}

static const struct field *field_of(uint64_t key)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].key == key)
            return &fields[i];
    return NULL;
}

static uint64_t mandatory(void)
{
    uint64_t keys = 0;

    for (size_t i = 0; i < FIELDS; i++)
        if (!is_optional(&fields[i]))
            keys |= RD_KEY(fields[i].key);
    return keys;
}

enum err header_decode(struct reader *r, struct env_header *out)
{
    struct env_header h = {0};
    struct rd_map m = rd_map(r, MP_KEY_MAX + 1);
    const struct field *f;
    uint64_t key;
    enum err e;

    while (rd_map_next(r, &m, &key)) {
        if ((f = field_of(key)))
            field_read(r, f, &h);
        else
            rd_unknown(r, key);
    }
    rd_map_require(r, &m, mandatory());
    if (h.basis == BASIS_CONSENTI && !h.has_consent)
        rd_fail(r, ERR_FIELD_MISSING);
    if (h.basis != BASIS_CONSENTI && h.has_consent)
        rd_fail(r, ERR_FIELD_VALUE);
    if ((e = rd_end(r)))
        return e;
    *out = h;
    return ERR_OK;
}

/* ---- judging ---- */

enum err header_check_suite(struct span hdr)
{
    struct reader r = reader_over(hdr);
    struct rd_map m = rd_map(&r, MP_KEY_MAX + 1);
    uint64_t key;
    uint64_t suite;

    if (!rd_map_next(&r, &m, &key) || key != HEADER_SUITE)
        return ERR_OK;
    suite = rd_uint(&r, UINT64_MAX);
    if (rd_error(&r) || suite == ENVELOPE_SUITE)
        return ERR_OK;
    return ERR_SUITE;
}

enum err header_check_times(const struct env_header *h, uint64_t now_ms)
{
    if (h->ts > now_ms && h->ts - now_ms > SKEW_MAX_MS)
        return ERR_SKEW;
    if (h->exp < now_ms)
        return ERR_EXPIRED;
    if (h->exp <= h->ts || h->exp - h->ts > LIFETIME_MAX_MS)
        return ERR_EXPIRY_LIMIT;
    return ERR_OK;
}

size_t header_principals(const struct env_header *h)
{
    return h->to_count - h->deputy_count;
}

const struct env_deputy *header_deputy(const struct env_header *h, size_t i)
{
    return i < header_principals(h) || i >= h->to_count ? NULL
                                                        : &h->deputy[i - header_principals(h)];
}

size_t header_deputy_of(const struct env_header *h, size_t i)
{
    size_t k = 0;

    while (k < h->deputy_count && h->deputy[k].instead != i)
        k++;
    return k < h->deputy_count ? header_principals(h) + k : h->to_count;
}

size_t header_recipient(const struct env_header *h, const uint8_t org[ID_BYTES])
{
    size_t i = 0;

    while (i < h->to_count && memcmp(h->to[i], org, ID_BYTES) != 0)
        i++;
    return i;
}
