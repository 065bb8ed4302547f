/* An organisation's invitation to a hub (PROTOCOL.md 14). It carries a secret. */
#include <string.h>

#include "random.h"
#include "reader.h"
#include "statement.h"
#include "utf8.h"
#include "writer.h"

enum field {
    F_ID = 1,
    F_FEDERATION,
    F_FEDERATION_NAME,
    F_MODE,
    F_ENDPOINT,
    F_JOIN_ENDPOINT,
    F_HUB_TRANSPORT,
    F_HUB,
    F_KEYS_LOG,
    F_AUDIT_LOG,
    F_REGISTRAR,
    F_SECRET,
    F_EXPIRES,
    F_ORG,
    F_ORG_NAME,
    F_KIND,
    F_NATIONAL_ID,
    F_TERRITORY,
    F_SERVICES,
    F_FOUNDER,
    F_COUNT = F_FOUNDER
};
#define F_ALL (((RD_KEY(F_FOUNDER) << 1) - 1) & ~UINT64_C(1))

enum {
    INVITATION_NAME_MAX = 64,
    INVITATION_ORG_NAME_MAX = 200,
    INVITATION_TERRITORY_MAX = 100,
    INVITATION_NATIONAL_ID_MAX = 15,
    INVITATION_SERVICE_MAX = 32,
};

static void body_write(struct writer *w, const struct invitation *i)
{
    wr_map(w, F_COUNT);
    wr_key_bin(w, F_ID, SPAN_OF(i->id));
    wr_key_bin(w, F_FEDERATION, SPAN_OF(i->federation));
    wr_key_text(w, F_FEDERATION_NAME, i->federation_name);
    wr_key_uint(w, F_MODE, i->mode);
    wr_key_text(w, F_ENDPOINT, i->endpoint);
    wr_key_text(w, F_JOIN_ENDPOINT, i->join_endpoint);
    wr_key_bin(w, F_HUB_TRANSPORT, SPAN_OF(i->hub_transport.b));
    wr_key_bin(w, F_HUB, SPAN_OF(i->hub.b));
    wr_key_bin(w, F_KEYS_LOG, SPAN_OF(i->keys_log.b));
    wr_key_bin(w, F_AUDIT_LOG, SPAN_OF(i->audit_log.b));
    wr_key_bin(w, F_REGISTRAR, SPAN_OF(i->registrar.b));
    wr_key_bin(w, F_SECRET, i->secret);
    wr_key_uint(w, F_EXPIRES, i->expires_ms);
    wr_key_bin(w, F_ORG, SPAN_OF(i->org));
    wr_key_text(w, F_ORG_NAME, i->org_name);
    wr_key_uint(w, F_KIND, i->kind);
    wr_key_text(w, F_NATIONAL_ID, i->national_id);
    wr_key_text(w, F_TERRITORY, i->territory);
    wr_key(w, F_SERVICES);
    wr_array(w, i->service_count);
    for (size_t s = 0; s < i->service_count; s++)
        wr_text(w, i->services[s]);
    wr_key(w, F_FOUNDER);
    wr_bool(w, i->founder);
}

/* Shown to a human, and names of machines: no control character in any of them. */
static struct span rd_plain(struct reader *r, size_t min, size_t max)
{
    struct span text = rd_text_between(r, min, max);

    if (!rd_error(r) && !utf8_plain(text))
        rd_fail(r, ERR_FIELD_VALUE);
    return text;
}

static void services_read(struct reader *r, struct invitation *i)
{
    i->service_count = rd_array_between(r, 0, INVITATION_SERVICES_MAX);
    for (size_t s = 0; s < i->service_count && !rd_error(r); s++)
        i->services[s] = rd_plain(r, 1, INVITATION_SERVICE_MAX);
}

static void field_read(struct reader *r, uint64_t key, struct invitation *i)
{
    switch (key) {
    case F_ID:
        rd_fixed(r, i->id, sizeof i->id);
        break;
    case F_FEDERATION:
        rd_fixed(r, i->federation, sizeof i->federation);
        break;
    case F_FEDERATION_NAME:
        i->federation_name = rd_plain(r, 1, INVITATION_NAME_MAX);
        break;
    case F_MODE:
        i->mode = rd_uint_between(r, MODE_REAL, MODE_EXERCISE);
        break;
    case F_ENDPOINT:
        i->endpoint = rd_plain(r, 1, INVITATION_TEXT_MAX);
        break;
    case F_JOIN_ENDPOINT:
        i->join_endpoint = rd_plain(r, 1, INVITATION_TEXT_MAX);
        break;
    case F_HUB_TRANSPORT:
        rd_fixed(r, i->hub_transport.b, KEY_BYTES);
        break;
    case F_HUB:
        rd_fixed(r, i->hub.b, KEY_BYTES);
        break;
    case F_KEYS_LOG:
        rd_fixed(r, i->keys_log.b, KEY_BYTES);
        break;
    case F_AUDIT_LOG:
        rd_fixed(r, i->audit_log.b, KEY_BYTES);
        break;
    case F_REGISTRAR:
        rd_fixed(r, i->registrar.b, KEY_BYTES);
        break;
    case F_SECRET:
        i->secret = rd_blob(r, KEY_BYTES, KEY_BYTES);
        break;
    case F_EXPIRES:
        i->expires_ms = rd_uint(r, STMT_TIME_MAX);
        break;
    case F_ORG:
        rd_fixed(r, i->org, sizeof i->org);
        break;
    case F_ORG_NAME:
        i->org_name = rd_plain(r, 1, INVITATION_ORG_NAME_MAX);
        break;
    case F_KIND:
        i->kind = rd_uint_between(r, ORG_DAC, ORG_OTHER);
        break;
    case F_NATIONAL_ID:
        i->national_id = rd_plain(r, 0, INVITATION_NATIONAL_ID_MAX);
        break;
    case F_TERRITORY:
        i->territory = rd_plain(r, 0, INVITATION_TERRITORY_MAX);
        break;
    case F_SERVICES:
        services_read(r, i);
        break;
    case F_FOUNDER:
        i->founder = rd_bool(r);
        break;
    default:
        rd_unknown(r, key);
    }
}

static enum err body_read(struct span body, struct invitation *out)
{
    struct reader r = reader_over(body);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;

    while (rd_map_next(&r, &m, &key))
        field_read(&r, key, out);
    rd_map_require(&r, &m, F_ALL);
    return rd_end(&r);
}

enum err invitation_decode(struct span data, struct invitation *out)
{
    struct invitation i = {0};
    struct reader r = reader_over(data);
    uint8_t digest[DIGEST_512];
    uint8_t sig[SIG_BYTES];
    struct span body;
    enum err e;

    if (data.len > ARMOUR_DATA_MAX)
        return ERR_SIZE;
    rd_array(&r, 2);
    body = rd_blob(&r, 1, ARMOUR_DATA_MAX);
    rd_fixed(&r, sig, sizeof sig);
    if ((e = rd_end(&r)))
        return e;
    if ((e = body_read(body, &i)))
        return e;
    if ((e = digest_of("relais/invitation1/body", body, digest, sizeof digest)))
        return e;
    if ((e = verify_digest(SIGN_INVITATION, &i.hub, digest, sig)))
        return e;
    *out = i;
    return ERR_OK;
}

enum err invitation_encode(const struct invitation *i, const struct secret_sign *hub,
                           struct bytes *out)
{
    struct bytes body = {0};
    struct bytes made = {0};
    struct invitation back;
    uint8_t digest[DIGEST_512];
    uint8_t sig[SIG_BYTES];
    struct writer w;
    enum err e;

    wr_init(&w);
    if (i->service_count > INVITATION_SERVICES_MAX)
        return ERR_ITEMS;
    if (memcmp(i->hub.b, secret_sign_public(hub)->b, KEY_BYTES) != 0)
        return ERR_USAGE;
    body_write(&w, i);
    if ((e = wr_take(&w, &body)))
        goto out;
    if ((e = digest_of("relais/invitation1/body", bytes_span(&body), digest, sizeof digest)))
        goto out;
    if ((e = sign_digest(SIGN_INVITATION, hub, digest, sig)))
        goto out;
    wr_array(&w, 2);
    wr_bin(&w, bytes_span(&body));
    wr_bin(&w, SPAN_OF(sig));
    if ((e = wr_take(&w, &made)))
        goto out;
    if ((e = invitation_decode(bytes_span(&made), &back)))
        goto out;
    *out = made;
    made = (struct bytes){0};
out:
    wr_wipe(&w);
    seal_bytes_free(&body);
    seal_bytes_free(&made);
    return e;
}
