/* The body of an enrolment (PROTOCOL.md 7.3): what a node asks for, and the proof that it holds
 * the keys it names. */
#include <string.h>

#include "keys_codec.h"
#include "reader.h"
#include "text.h"
#include "utf8.h"
#include "writer.h"

enum field {
    F_ORG = 1,
    F_NAME,
    F_KIND,
    F_NATIONAL_ID,
    F_TERRITORY,
    F_SERVICES,
    F_NODE,
    F_SIGNING,
    F_TRANSPORT,
    F_PREKEY,
    F_INVITATION,
    F_COUNT = F_INVITATION
};
#define F_ALL (((RD_KEY(F_INVITATION) << 1) - 1) & ~UINT64_C(1))

enum {
    NATIONAL_ID_MAX = 15,
    FINESS_LEN = 1 + 9, /* with its type digit */
    SIRET_LEN = 1 + 14,
};

enum err enrolment_encode(const struct enrolment *e, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    if (e->service_count > ORG_SERVICES_MAX)
        return ERR_ITEMS;
    wr_map(&w, F_COUNT);
    wr_key_bin(&w, F_ORG, SPAN_OF(e->org));
    wr_key_text(&w, F_NAME, e->name);
    wr_key_uint(&w, F_KIND, e->kind);
    wr_key_text(&w, F_NATIONAL_ID, e->national_id);
    wr_key_text(&w, F_TERRITORY, e->territory);
    wr_key(&w, F_SERVICES);
    wr_array(&w, e->service_count);
    for (size_t i = 0; i < e->service_count; i++)
        wr_text(&w, e->services[i]);
    wr_key_bin(&w, F_NODE, SPAN_OF(e->node));
    wr_key_bin(&w, F_SIGNING, SPAN_OF(e->signing.b));
    wr_key_bin(&w, F_TRANSPORT, SPAN_OF(e->transport.b));
    wr_key_bin(&w, F_PREKEY, e->prekey);
    wr_key_bin(&w, F_INVITATION, SPAN_OF(e->invitation));
    return wr_take(&w, out);
}

/* Shown to humans who decide by it: normal form, and no control character. */
static struct span rd_shown(struct reader *r, size_t min, size_t max)
{
    struct span text = rd_text_between(r, min, max);
    enum err e;

    if (rd_error(r))
        return text;
    if (!utf8_plain(text))
        rd_fail(r, ERR_FIELD_VALUE);
    else if ((e = text_check_nfc(text)))
        rd_fail(r, e);
    return text;
}

/* Nothing, 1 and a FINESS number, or 3 and a SIRET. FINESS may hold the letter of Corsica. */
static struct span rd_national_id(struct reader *r)
{
    struct span id = rd_text_between(r, 0, NATIONAL_ID_MAX);
    bool finess = id.len == FINESS_LEN && id.ptr[0] == '1';
    bool siret = id.len == SIRET_LEN && id.ptr[0] == '3';

    if (id.len > 0 && !finess && !siret)
        rd_fail(r, ERR_FIELD_VALUE);
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.ptr[i];
        if (!(c >= '0' && c <= '9') && !(finess && (c == 'A' || c == 'B')))
            rd_fail(r, ERR_FIELD_VALUE);
    }
    return id;
}

static void services_read(struct reader *r, struct enrolment *e)
{
    e->service_count = rd_array_between(r, 0, ORG_SERVICES_MAX);
    for (size_t i = 0; i < e->service_count && !rd_error(r); i++)
        e->services[i] = rd_shown(r, 1, ORG_SERVICE_MAX);
}

static void field_read(struct reader *r, uint64_t key, struct enrolment *e)
{
    switch (key) {
    case F_ORG:
        rd_fixed(r, e->org, sizeof e->org);
        break;
    case F_NAME:
        e->name = rd_shown(r, 1, ORG_NAME_MAX);
        break;
    case F_KIND:
        e->kind = rd_uint_between(r, ORG_DAC, ORG_OTHER);
        break;
    case F_NATIONAL_ID:
        e->national_id = rd_national_id(r);
        break;
    case F_TERRITORY:
        e->territory = rd_shown(r, 0, ORG_TERRITORY_MAX);
        break;
    case F_SERVICES:
        services_read(r, e);
        break;
    case F_NODE:
        rd_fixed(r, e->node, sizeof e->node);
        break;
    case F_SIGNING:
        rd_fixed(r, e->signing.b, KEY_BYTES);
        break;
    case F_TRANSPORT:
        rd_fixed(r, e->transport.b, KEY_BYTES);
        break;
    case F_PREKEY:
        e->prekey = rd_blob(r, 1, STMT_MAX);
        break;
    case F_INVITATION:
        rd_fixed(r, e->invitation, sizeof e->invitation);
        break;
    default:
        rd_unknown(r, key);
    }
}

enum err enrolment_decode(struct span body, struct enrolment *out)
{
    static const uint8_t nobody[ID_BYTES];
    struct enrolment en = {0};
    struct reader r = reader_over(body);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key))
        field_read(&r, key, &en);
    rd_map_require(&r, &m, F_ALL);
    if ((e = rd_end(&r)))
        return e;
    if (memcmp(en.org, nobody, ID_BYTES) == 0) /* the org of registrar and hub in an SS */
        return ERR_FIELD_VALUE;
    *out = en;
    return ERR_OK;
}

enum err possession_sign(struct span body, const struct secret_sign *key, uint8_t sig[SIG_BYTES])
{
    uint8_t digest[DIGEST_512];
    enum err e;

    if ((e = digest_of("relais/keys1/possession", body, digest, sizeof digest)))
        return e;
    return sign_digest(SIGN_POSSESSION, key, digest, sig);
}

/* Prekey 1 is of this node, number 1, signed by its signing key and nobody else. */
static enum err first_prekey_verify(const struct enrolment *en, const uint8_t *federation)
{
    struct prekey_statement p;
    struct statement s;
    const struct statement_sig *sig;
    enum err e;

    if ((e = statement_parse(en->prekey, &s)))
        return e;
    if ((e = prekey_decode(s.stmt, &p)))
        return e;
    if (memcmp(p.federation, federation, ID_BYTES) != 0 || memcmp(p.org, en->org, ID_BYTES) != 0 ||
        memcmp(p.node, en->node, ID_BYTES) != 0)
        return ERR_FIELD_VALUE;
    if (p.number != 1)
        return ERR_CHAIN;
    if (!(sig = statement_find(&s, ROLE_NODE, en->org)))
        return ERR_FIELD_MISSING;
    if (s.count != 1)
        return ERR_FIELD_VALUE;
    return statement_verify(STATEMENT_KEYS, s.stmt, sig, &en->signing);
}

enum err enrolment_verify(struct span body, const uint8_t possession[SIG_BYTES],
                          const uint8_t federation[ID_BYTES], struct enrolment *out)
{
    struct enrolment en;
    uint8_t digest[DIGEST_512];
    enum err e;

    if ((e = enrolment_decode(body, &en)))
        return e;
    if ((e = digest_of("relais/keys1/possession", body, digest, sizeof digest)))
        return e;
    if (verify_digest(SIGN_POSSESSION, &en.signing, digest, possession))
        return ERR_POSSESSION;
    if ((e = first_prekey_verify(&en, federation)))
        return e;
    *out = en;
    return ERR_OK;
}
