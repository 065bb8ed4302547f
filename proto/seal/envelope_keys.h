/*
 * envelope_keys - the derivations of PROTOCOL.md 5.2 that sealing and opening share.
 * Thread rule: pure functions.
 */
#ifndef RELAIS_ENVELOPE_KEYS_H
#define RELAIS_ENVELOPE_KEYS_H

#include "envelope.h"

/* What the clear parts hash to: hh over the header's bytes, rh over the stanzas. */
enum err envelope_header_hash(struct span hdr, uint8_t hh[DIGEST_512]);
enum err envelope_stanzas_hash(struct span rcp, uint8_t rh[DIGEST_512]);

/* Info and associated data of one stanza: a wrap is worth nothing under another header, at another
 * place, for another key or another organisation. */
#define WRAP_LABEL "relais/env1/wrap"
#define WRAP_INFO_BYTES (1 + (sizeof WRAP_LABEL - 1) + DIGEST_512)
#define WRAP_AAD_BYTES (2 + KID_BYTES + ID_BYTES)
void envelope_wrap_info(const uint8_t hh[DIGEST_512], uint8_t info[WRAP_INFO_BYTES]);
void envelope_wrap_aad(size_t index, const uint8_t kid[KID_BYTES], const uint8_t org[ID_BYTES],
                       uint8_t aad[WRAP_AAD_BYTES]);

/* Binds mk to the header: without it one ciphertext could open differently under two keys. */
enum err envelope_commitment(struct span mk, const uint8_t hh[DIGEST_512],
                             uint8_t com[ENVELOPE_COM_BYTES]);

/* The body's key and nonce, used once, and what the body is bound to. Wipe after use. */
struct envelope_body_key {
    uint8_t secret[DIGEST_512]; /* key, nonce, eight bytes of no use */
    uint8_t aad[DIGEST_512];
};
enum err envelope_body_key(struct span mk, const uint8_t hh[DIGEST_512],
                           const uint8_t rh[DIGEST_512], const uint8_t com[ENVELOPE_COM_BYTES],
                           struct envelope_body_key *out);

#endif
