#include "identity.h"

#include <string.h>

#include "random.h"
#include "text.h"

enum key {
    KEY_LOCAL = 1,
    KEY_INS,
    KEY_BIRTH_NAME,
    KEY_BIRTH_FIRST,
    KEY_BIRTH_DATE,
    KEY_SEX,
    KEY_BIRTH_PLACE,
    KEY_USED_NAME,
    KEY_USED_FIRST,
    KEY_REPRESENTATION
};
enum ins_key {
    INS_KEY_MATRICULE = 1,
    INS_KEY_OID,
    INS_KEY_STATUS
};
enum measure_key {
    MEASURE_CODE = 1,
    MEASURE_SCOPE,
    MEASURE_FROM,
    MEASURE_UNTIL,
    MEASURE_WHO
};

/* --- writing --------------------------------------------------------------------------------- */

static void key_text(struct writer *w, uint64_t key, const char *text)
{
    if (!*text)
        return;
    wr_key(w, key);
    wr_text(w, span_text(text));
}

static bool shows_matricule(const struct identity *p, enum identity_form form)
{
    return *p->matricule && (form == IDENTITY_KEPT || p->status == INS_QUAL);
}

static void ins_encode(struct writer *w, const struct identity *p, enum identity_form form)
{
    bool shown = shows_matricule(p, form);

    wr_key(w, KEY_INS);
    wr_map(w, shown ? 3 : 1);
    if (shown) {
        key_text(w, INS_KEY_MATRICULE, p->matricule);
        key_text(w, INS_KEY_OID, ins_oid_text(p->oid));
    }
    wr_key(w, INS_KEY_STATUS);
    wr_uint(w, p->status);
}

static void representation_encode(struct writer *w, const struct representation *r)
{
    wr_key(w, KEY_REPRESENTATION);
    wr_map(w, (size_t)4 + (*r->until != '\0'));
    wr_key(w, MEASURE_CODE);
    wr_uint(w, r->measure);
    wr_key(w, MEASURE_SCOPE);
    wr_uint(w, r->scope);
    key_text(w, MEASURE_FROM, r->from);
    key_text(w, MEASURE_UNTIL, r->until);
    key_text(w, MEASURE_WHO, r->representative);
}

static size_t pairs_of(const struct identity *p)
{
    return (size_t)(*p->local != '\0') + (p->status != INS_NONE) + (*p->birth_name != '\0') +
           (p->birth_first_count > 0) + (*p->birth_date != '\0') + (p->sex > 0) +
           (*p->birth_place != '\0') + (*p->used_name != '\0') + (*p->used_first != '\0') +
           p->representation.stated;
}

void identity_encode(struct writer *w, const struct identity *p, enum identity_form form)
{
    wr_map(w, pairs_of(p));
    key_text(w, KEY_LOCAL, p->local);
    if (p->status != INS_NONE)
        ins_encode(w, p, form);
    key_text(w, KEY_BIRTH_NAME, p->birth_name);
    if (p->birth_first_count > 0) {
        wr_key(w, KEY_BIRTH_FIRST);
        wr_array(w, p->birth_first_count);
        for (size_t i = 0; i < p->birth_first_count; i++)
            wr_text(w, span_text(p->birth_first[i]));
    }
    key_text(w, KEY_BIRTH_DATE, p->birth_date);
    if (p->sex > 0) {
        wr_key(w, KEY_SEX);
        wr_uint(w, p->sex);
    }
    key_text(w, KEY_BIRTH_PLACE, p->birth_place);
    key_text(w, KEY_USED_NAME, p->used_name);
    key_text(w, KEY_USED_FIRST, p->used_first);
    if (p->representation.stated)
        representation_encode(w, &p->representation);
}

/* --- reading --------------------------------------------------------------------------------- */

static void take_text(struct reader *r, size_t min, size_t max, char *out)
{
    struct span text = rd_text_between(r, min, max);
    enum err e;

    if (rd_error(r))
        return;
    if ((e = text_check_nfc(text))) {
        rd_fail(r, e);
        return;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

static void take_date(struct reader *r, char out[IDENTITY_DATE + 1])
{
    take_text(r, IDENTITY_DATE, IDENTITY_DATE, out);
    if (!rd_error(r) && !date_is_valid(out))
        rd_fail(r, ERR_FIELD_VALUE);
}

static bool place_is_valid(const char *place)
{
    for (size_t i = 0; i < IDENTITY_PLACE; i++) {
        bool corsica = i == 1 && place[0] == '2' && (place[1] == 'A' || place[1] == 'B');

        if (!corsica && (place[i] < '0' || place[i] > '9'))
            return false;
    }
    return place[IDENTITY_PLACE] == '\0';
}

static void take_oid(struct reader *r, enum ins_oid *out)
{
    struct span text = rd_text_between(r, 1, 64);

    if (!rd_error(r) && ins_oid_read(text, out))
        rd_fail(r, ERR_FIELD_VALUE);
}

static void ins_decode(struct reader *r, enum identity_form form, struct identity *p)
{
    struct rd_map m = rd_map(r, MP_KEY_MAX + 1);
    uint64_t key;
    bool both;

    while (rd_map_next(r, &m, &key)) {
        switch (key) {
        case INS_KEY_MATRICULE:
            take_text(r, INS_MATRICULE, INS_MATRICULE, p->matricule);
            break;
        case INS_KEY_OID:
            take_oid(r, &p->oid);
            break;
        case INS_KEY_STATUS:
            p->status = (enum ins_status)rd_uint_between(r, INS_PROV, INS_QUAL);
            break;
        default:
            rd_unknown(r, key);
        }
    }
    rd_map_require(r, &m, RD_KEY(INS_KEY_STATUS));
    if (rd_error(r))
        return;
    both = rd_map_has(&m, INS_KEY_MATRICULE) && rd_map_has(&m, INS_KEY_OID);
    if (!both && (rd_map_has(&m, INS_KEY_MATRICULE) || rd_map_has(&m, INS_KEY_OID)))
        rd_fail(r, ERR_FIELD_MISSING);
    else if (form == IDENTITY_TRAVELS && both != (p->status == INS_QUAL))
        rd_fail(r, ERR_FIELD_VALUE);
}

static void first_names_decode(struct reader *r, struct identity *p)
{
    uint32_t n = rd_array_between(r, 1, IDENTITY_FIRST_NAMES);

    for (uint32_t i = 0; i < n; i++)
        take_text(r, 1, IDENTITY_NAME_MAX, p->birth_first[i]);
    p->birth_first_count = n;
}

static void representation_decode(struct reader *r, struct representation *out)
{
    struct rd_map m = rd_map(r, MP_KEY_MAX + 1);
    uint64_t key;

    while (rd_map_next(r, &m, &key)) {
        switch (key) {
        case MEASURE_CODE:
            out->measure = rd_uint(r, IDENTITY_MEASURE_MAX);
            break;
        case MEASURE_SCOPE:
            out->scope = rd_uint(r, IDENTITY_SCOPE_ALL);
            break;
        case MEASURE_FROM:
            take_date(r, out->from);
            break;
        case MEASURE_UNTIL:
            take_date(r, out->until);
            break;
        case MEASURE_WHO:
            take_text(r, 1, IDENTITY_REPRESENTATIVE_MAX, out->representative);
            break;
        default:
            rd_unknown(r, key);
        }
    }
    rd_map_require(r, &m,
                   RD_KEY(MEASURE_CODE) | RD_KEY(MEASURE_SCOPE) | RD_KEY(MEASURE_FROM) |
                       RD_KEY(MEASURE_WHO));
    out->stated = true;
}

static void field_decode(struct reader *r, uint64_t key, enum identity_form form,
                         struct identity *p)
{
    switch (key) {
    case KEY_LOCAL:
        take_text(r, 1, IDENTITY_LOCAL_MAX, p->local);
        break;
    case KEY_INS:
        ins_decode(r, form, p);
        break;
    case KEY_BIRTH_NAME:
        take_text(r, 1, IDENTITY_NAME_MAX, p->birth_name);
        break;
    case KEY_BIRTH_FIRST:
        first_names_decode(r, p);
        break;
    case KEY_BIRTH_DATE:
        take_date(r, p->birth_date);
        break;
    case KEY_SEX:
        p->sex = rd_uint_between(r, 1, 3);
        break;
    case KEY_BIRTH_PLACE:
        take_text(r, IDENTITY_PLACE, IDENTITY_PLACE, p->birth_place);
        if (!rd_error(r) && !place_is_valid(p->birth_place))
            rd_fail(r, ERR_FIELD_VALUE);
        break;
    case KEY_USED_NAME:
        take_text(r, 1, IDENTITY_NAME_MAX, p->used_name);
        break;
    case KEY_USED_FIRST:
        take_text(r, 1, IDENTITY_NAME_MAX, p->used_first);
        break;
    case KEY_REPRESENTATION:
        representation_decode(r, &p->representation);
        break;
    default:
        rd_unknown(r, key);
    }
}

void identity_decode(struct reader *r, enum identity_form form, struct identity *out)
{
    struct identity p = {.status = INS_NONE};
    struct rd_map m = rd_map(r, MP_KEY_MAX + 1);
    uint64_t key;

    while (rd_map_next(r, &m, &key))
        field_decode(r, key, form, &p);
    rd_map_require(r, &m, RD_KEY(KEY_LOCAL) | RD_KEY(KEY_BIRTH_NAME));
    if (!rd_error(r) && p.status == INS_QUAL && !identity_has_traits(&p))
        rd_fail(r, ERR_FIELD_MISSING);
    if (!rd_error(r))
        *out = p;
    seal_wipe(&p, sizeof p);
}

/* --- rules ----------------------------------------------------------------------------------- */

static bool number_at(const char *text, size_t n, unsigned *out)
{
    unsigned value = 0;

    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *out = value;
    return true;
}

bool date_is_valid(const char *text)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year;
    unsigned month;
    unsigned day;
    bool leap;

    if (strlen(text) != IDENTITY_DATE || text[4] != '-' || text[7] != '-' ||
        !number_at(text, 4, &year) || !number_at(text + 5, 2, &month) ||
        !number_at(text + 8, 2, &day))
        return false;
    if (year < 1800 || month < 1 || month > 12 || day < 1)
        return false;
    leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

bool identity_has_traits(const struct identity *p)
{
    return *p->birth_name && p->birth_first_count > 0 && *p->birth_date && p->sex > 0 &&
           *p->birth_place;
}

enum err identity_ins_check(const struct identity *p, uint64_t mode)
{
    enum err e = *p->matricule ? ins_check(span_text(p->matricule)) : ERR_OK;

    return e || !*p->matricule ? e : ins_check_mode(p->oid, mode);
}

static enum err check_ins(const struct identity *p, uint64_t mode)
{
    if (!*p->matricule)
        return p->status == INS_QUAL || p->status == INS_RECUP ? ERR_INS_STATUS : ERR_OK;
    return p->status == INS_NONE ? ERR_INS_STATUS : identity_ins_check(p, mode);
}

static enum err check_texts(const struct identity *p)
{
    const char *all[] = {p->local, p->birth_name, p->used_name, p->used_first,
                         p->representation.representative};
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < sizeof all / sizeof all[0]; i++)
        e = text_check_nfc(span_text(all[i]));
    for (size_t i = 0; !e && i < p->birth_first_count; i++)
        e = *p->birth_first[i] ? text_check_nfc(span_text(p->birth_first[i])) : ERR_TRAITS;
    return e;
}

static bool measure_is_complete(const struct representation *r)
{
    return r->measure <= IDENTITY_MEASURE_MAX && r->scope <= IDENTITY_SCOPE_ALL &&
           date_is_valid(r->from) && (!*r->until || date_is_valid(r->until)) && *r->representative;
}

enum err identity_check(const struct identity *p, uint64_t mode)
{
    enum err e;

    if (!*p->local || !*p->birth_name)
        return ERR_FIELD_MISSING;
    if ((e = check_texts(p)))
        return e;
    if ((*p->birth_date && !date_is_valid(p->birth_date)) || p->sex > 3 ||
        p->birth_first_count > IDENTITY_FIRST_NAMES ||
        (*p->birth_place && !place_is_valid(p->birth_place)))
        return ERR_TRAITS;
    if (p->representation.stated && !measure_is_complete(&p->representation))
        return ERR_FIELD_VALUE;
    if ((e = check_ins(p, mode)))
        return e;
    return p->status == INS_QUAL && !identity_has_traits(p) ? ERR_TRAITS : ERR_OK;
}

/* Equal under folding; a fold that fails counts as different: never a wrong agreement. */
static bool same_name(const char *a, const char *b)
{
    struct bytes fa = {0};
    struct bytes fb = {0};
    bool same = !text_fold(span_text(a), &fa) && !text_fold(span_text(b), &fb) && fa.len > 0 &&
                span_equal(bytes_span(&fa), bytes_span(&fb));

    seal_bytes_free(&fa);
    seal_bytes_free(&fb);
    return same;
}

static bool share_a_name(const char *a1, const char *a2, const char *b1, const char *b2)
{
    return same_name(a1, b1) || same_name(a1, b2) || same_name(a2, b1) || same_name(a2, b2);
}

static bool first_names_agree(const struct identity *a, const struct identity *b)
{
    const char *a1 = a->birth_first_count > 0 ? a->birth_first[0] : "";
    const char *b1 = b->birth_first_count > 0 ? b->birth_first[0] : "";

    if ((!*a1 && !*a->used_first) || (!*b1 && !*b->used_first))
        return true;
    return share_a_name(a1, a->used_first, b1, b->used_first);
}

static bool differ(const char *a, const char *b)
{
    return *a && *b && strcmp(a, b) != 0;
}

bool identity_agree(const struct identity *a, const struct identity *b)
{
    if (a->status == INS_QUAL && b->status == INS_QUAL && differ(a->matricule, b->matricule))
        return false;
    if (differ(a->birth_date, b->birth_date) || differ(a->birth_place, b->birth_place))
        return false;
    /* "indeterminate" is what a record says that does not know yet */
    if ((a->sex == 1 && b->sex == 2) || (a->sex == 2 && b->sex == 1))
        return false;
    return share_a_name(a->birth_name, a->used_name, b->birth_name, b->used_name) &&
           first_names_agree(a, b);
}
