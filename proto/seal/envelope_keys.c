#include "envelope_keys.h"

#include <assert.h>
#include <string.h>

static_assert(AEAD_KEY_BYTES + AEAD_NONCE_BYTES <= DIGEST_512, "one digest gives key and nonce");
static_assert(RECIPIENTS_MAX <= UINT16_MAX, "an index fits le16");

#define PARTS(list) (list), sizeof(list) / sizeof((list)[0])

enum err envelope_header_hash(struct span hdr, uint8_t hh[DIGEST_512])
{
    return digest_of("relais/env1/hdr", hdr, hh, DIGEST_512);
}

enum err envelope_stanzas_hash(struct span rcp, uint8_t rh[DIGEST_512])
{
    return digest_of("relais/env1/rcp", rcp, rh, DIGEST_512);
}

void envelope_wrap_info(const uint8_t hh[DIGEST_512], uint8_t info[WRAP_INFO_BYTES])
{
    struct span label = SPAN_STR(WRAP_LABEL);

    info[0] = (uint8_t)label.len;
    memcpy(info + 1, label.ptr, label.len);
    memcpy(info + 1 + label.len, hh, DIGEST_512);
}

void envelope_wrap_aad(size_t index, const uint8_t kid[KID_BYTES], const uint8_t org[ID_BYTES],
                       uint8_t aad[WRAP_AAD_BYTES])
{
    aad[0] = (uint8_t)index;
    aad[1] = (uint8_t)(index >> 8);
    memcpy(aad + 2, kid, KID_BYTES);
    memcpy(aad + 2 + KID_BYTES, org, ID_BYTES);
}

enum err envelope_commitment(struct span mk, const uint8_t hh[DIGEST_512],
                             uint8_t com[ENVELOPE_COM_BYTES])
{
    const struct span parts[] = {span_of(hh, DIGEST_512)};

    return digest_parts("relais/env1/commit", mk, PARTS(parts), com, ENVELOPE_COM_BYTES);
}

enum err envelope_body_key(struct span mk, const uint8_t hh[DIGEST_512],
                           const uint8_t rh[DIGEST_512], const uint8_t com[ENVELOPE_COM_BYTES],
                           struct envelope_body_key *out)
{
    const struct span secret[] = {span_of(hh, DIGEST_512), span_of(com, ENVELOPE_COM_BYTES)};
    const struct span clear[] = {span_of(hh, DIGEST_512), span_of(rh, DIGEST_512),
                                 span_of(com, ENVELOPE_COM_BYTES)};
    enum err e;

    if ((e = digest_parts("relais/env1/body", mk, PARTS(secret), out->secret, DIGEST_512)))
        return e;
    return digest_parts("relais/env1/aad", NO_KEY, PARTS(clear), out->aad, DIGEST_512);
}
