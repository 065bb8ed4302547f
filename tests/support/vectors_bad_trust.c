/* Bad envelopes that steps 5 to 10 refuse: mode, signer, signature, addressee, times, replay. */
#include <string.h>

#include "vectors_edits.h"

/* ---- mode and signer ---- */

static void status_real(struct forge *f)
{
    f->h.status = MODE_REAL;
}

static void federation_real(struct forge *f)
{
    f->mode = MODE_REAL;
}

static void unknown_org(struct forge *f)
{
    vec_id("a stranger", f->h.from);
}

static void real_and_unknown(struct forge *f)
{
    status_real(f);
    unknown_org(f);
}

static void unknown_key(struct forge *f)
{
    struct sign_public pk = vec_sign_pk("hospital former signing");

    f->signer = "hospital former signing";
    MUST(digest_of("relais/kid/sign", SPAN_OF(pk.b), f->h.skid, 16));
}

static void key_of_another_org(struct forge *f)
{
    f->signer = "ehpad signing";
    vec_skid(EHPAD, f->h.skid);
}

static void send_as(struct forge *f, enum vec_member m, const char *signer)
{
    f->sender = m;
    f->signer = signer;
    vec_org(m, f->h.from);
    vec_skid(m, f->h.skid);
}

static void revoked(struct forge *f)
{
    send_as(f, SSIAD, "ssiad signing");
}

static void not_in_effect(struct forge *f)
{
    send_as(f, NEWCOMER, "newcomer signing");
}

/* ---- signature ---- */

static void by_another(struct forge *f)
{
    f->signer = "ehpad signing";
}

static void as_report(struct forge *f)
{
    f->context = SIGN_REPORT;
}

static void as_batch(struct forge *f)
{
    f->context = SIGN_BATCH;
}

static void forged_and_expired(struct forge *f)
{
    by_another(f);
    f->now_ms = f->h.exp + 1;
}

static EDIT(flip_sig)
{
    f->sig[how->number] ^= 1;
}

static EDIT(zero_sig)
{
    (void)how;
    memset(f->sig, 0, sizeof f->sig);
}

static EDIT(sign_the_ciphertext)
{
    (void)how;
    MUST(digest_of("relais/env1/ct", bytes_span(&f->ct), f->digest, 64));
}

/* S + L: the same signature for who does not demand S < L (RFC 8032 5.1.7). */
static EDIT(add_order)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    unsigned carry = 0;

    (void)how;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)f->sig[32 + i] + order[i];
        f->sig[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static EDIT(flip_com)
{
    (void)how;
    f->com[0] ^= 1;
}

static EDIT(flip_ct)
{
    (void)how;
    f->ct.ptr[f->ct.len / 2] ^= 1;
}

static EDIT(flip_enc)
{
    (void)how;
    f->rcp.ptr[20] ^= 1;
}

/* The first bytes of the header are map, key, suite, key, bin, length: mid follows. */
static EDIT(flip_mid)
{
    (void)how;
    f->hdr.ptr[3 + 2 + 1 + 2 + 15] ^= 1;
}

static EDIT(readdress)
{
    uint8_t from[ID_BYTES];
    uint8_t to[ID_BYTES];
    uint8_t *at;

    (void)how;
    vec_org(DAC, from);
    vec_org(EHPAD, to);
    at = memmem(f->hdr.ptr, f->hdr.len, from, sizeof from);
    memcpy(at, to, sizeof to);
}

static EDIT(swap_stanzas)
{
    uint8_t first[FORGE_STANZA];

    (void)how;
    memcpy(first, f->rcp.ptr, FORGE_STANZA);
    memcpy(f->rcp.ptr, f->rcp.ptr + FORGE_STANZA, FORGE_STANZA);
    memcpy(f->rcp.ptr + FORGE_STANZA, first, FORGE_STANZA);
}

/* ---- addressee ---- */

static void two_recipients(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC};

    forge_address(f, to, 2);
}

static void to_dac(struct forge *f)
{
    static const enum vec_member to[] = {DAC};

    forge_address(f, to, 1);
}

static void to_dac_under_own_key(struct forge *f)
{
    to_dac(f);
    f->prekey[0] = vec_box_pk("ehpad prekey 2");
}

static void to_unknown_prekey(struct forge *f)
{
    f->prekey[0] = vec_box_pk("ehpad prekey 3");
}

static void to_key_of_another(struct forge *f)
{
    f->prekey[0] = vec_box_pk("dac prekey 2");
}

static void prekeys_exchanged(struct forge *f)
{
    two_recipients(f);
    f->prekey[0] = vec_box_pk("dac prekey 2");
    f->prekey[1] = vec_box_pk("ehpad prekey 2");
}

static void elsewhere_and_expired(struct forge *f)
{
    to_dac(f);
    f->now_ms = f->h.exp + 1;
}

/* ---- times and repetition ---- */

static void too_far_ahead(struct forge *f)
{
    f->now_ms = f->h.ts - 10 * VEC_MINUTE - 1;
}

static void ts_at_the_end_of_time(struct forge *f)
{
    f->h.ts = UINT64_MAX;
    f->h.exp = UINT64_MAX;
}

static void expired(struct forge *f)
{
    f->now_ms = f->h.exp + 1;
}

static void exp_is_ts(struct forge *f)
{
    f->now_ms = f->h.ts;
    f->h.exp = f->h.ts;
}

static void exp_before_ts(struct forge *f)
{
    f->h.exp = f->h.ts - VEC_MINUTE;
    f->now_ms = f->h.exp - VEC_MINUTE;
}

static void thirty_days_and_more(struct forge *f)
{
    f->h.exp = f->h.ts + 30 * VEC_DAY + 1;
}

static void for_ever(struct forge *f)
{
    f->h.exp = UINT64_MAX;
}

static void again(struct forge *f)
{
    f->seen = SEEN_SAME;
}

static void other_bytes(struct forge *f)
{
    f->seen = SEEN_OTHER_BYTES;
}

static void expired_and_again(struct forge *f)
{
    expired(f);
    again(f);
}

/* clang-format off */
#define SCENE(scene) {scene, AT_WHOLE, NULL, 0, NULL}
#define AT(where, what) {NULL, where, what, 0, NULL}

const struct bad_envelope bad_trust[] = {
    {"real-in-exercise", "status real in a federation that exercises", 5, ERR_MODE, SCENE(status_real)},
    {"exercise-in-real", "status exercise in a real federation", 5, ERR_MODE, SCENE(federation_real)},
    {"mode-before-key", "status real, and from an unknown organisation", 5, ERR_MODE, SCENE(real_and_unknown)},

    {"unknown-organisation", "from is not in the directory", 6, ERR_KEY_UNKNOWN, SCENE(unknown_org)},
    {"unknown-key", "a key that the organisation never enrolled", 6, ERR_KEY_UNKNOWN, SCENE(unknown_key)},
    {"key-of-another-organisation", "skid of the EHPAD, from the hospital", 6, ERR_KEY_UNKNOWN, SCENE(key_of_another_org)},
    {"key-revoked", "a key that was revoked", 6, ERR_KEY_REVOKED, SCENE(revoked)},
    {"key-not-in-effect", "an enrolment that has not taken effect", 6, ERR_KEY_UNKNOWN, SCENE(not_in_effect)},

    {"signature-bit-of-r", "one bit of R", 7, ERR_FORGED, {NULL, AT_SIG, flip_sig, 0, NULL}},
    {"signature-bit-of-s", "one bit of S", 7, ERR_FORGED, {NULL, AT_SIG, flip_sig, 32, NULL}},
    {"signature-of-zeros", "64 zeros", 7, ERR_FORGED, AT(AT_SIG, zero_sig)},
    {"signature-plus-order", "S + L", 7, ERR_FORGED, AT(AT_SIG, add_order)},
    {"forged", "signed by another member, under the hospital's name and key id", 7, ERR_FORGED, SCENE(by_another)},
    {"signed-as-report", "a good signature over the digest, in the context of reports", 7, ERR_FORGED, SCENE(as_report)},
    {"signed-as-batch", "a good signature over the digest, in the context of batches", 7, ERR_FORGED, SCENE(as_batch)},
    {"signed-something-else", "a good signature over another digest", 7, ERR_FORGED, AT(AT_DIGEST, sign_the_ciphertext)},
    {"altered-header", "one bit of mid", 7, ERR_FORGED, AT(AT_SIG, flip_mid)},
    {"altered-stanza", "one bit of enc", 7, ERR_FORGED, AT(AT_SIG, flip_enc)},
    {"altered-commitment", "one bit of com", 7, ERR_FORGED, AT(AT_SIG, flip_com)},
    {"altered-ciphertext", "one bit of ct", 7, ERR_FORGED, AT(AT_SIG, flip_ct)},
    {"readdressed", "`to` now names the EHPAD instead of the DAC", 7, ERR_FORGED, {to_dac_under_own_key, AT_SIG, readdress, 0, NULL}},
    {"swapped-stanzas", "two stanzas have changed places", 7, ERR_FORGED, {two_recipients, AT_SIG, swap_stanzas, 0, NULL}},
    {"forged-before-expired", "forged, and expired", 7, ERR_FORGED, SCENE(forged_and_expired)},

    {"not-addressed", "sealed to the DAC, received by the EHPAD", 8, ERR_ADDRESSEE, SCENE(to_dac)},
    {"not-addressed-own-key", "sealed to the receiver's key in the name of the DAC", 8, ERR_ADDRESSEE, SCENE(to_dac_under_own_key)},
    {"prekey-unknown", "to the EHPAD, under a prekey that it does not hold", 8, ERR_ADDRESSEE, SCENE(to_unknown_prekey)},
    {"prekey-of-another", "to the EHPAD, under a prekey of the DAC", 8, ERR_ADDRESSEE, SCENE(to_key_of_another)},
    {"swapped-stanzas-signed", "the sender signed with two stanzas exchanged", 8, ERR_ADDRESSEE, {two_recipients, AT_RCP, swap_stanzas, 0, NULL}},
    {"prekeys-exchanged", "two recipients, each under the key of the other", 8, ERR_ADDRESSEE, SCENE(prekeys_exchanged)},
    {"addressee-before-times", "sealed to another, and expired", 8, ERR_ADDRESSEE, SCENE(elsewhere_and_expired)},

    {"skew", "ts ten minutes and a millisecond ahead", 9, ERR_SKEW, SCENE(too_far_ahead)},
    {"skew-of-all-times", "ts and exp 2^64 - 1", 9, ERR_SKEW, SCENE(ts_at_the_end_of_time)},
    {"expired", "exp was a millisecond ago", 9, ERR_EXPIRED, SCENE(expired)},
    {"expires-at-once", "exp equals ts", 9, ERR_EXPIRY_LIMIT, SCENE(exp_is_ts)},
    {"expires-before-it-is-made", "exp before ts, both ahead", 9, ERR_EXPIRY_LIMIT, SCENE(exp_before_ts)},
    {"expires-too-late", "thirty days and a millisecond", 9, ERR_EXPIRY_LIMIT, SCENE(thirty_days_and_more)},
    {"expires-never", "exp 2^64 - 1", 9, ERR_EXPIRY_LIMIT, SCENE(for_ever)},
    {"times-before-seen", "expired, and seen before", 9, ERR_EXPIRED, SCENE(expired_and_again)},

    {"duplicate", "seen with the same digest", 10, ERR_DUPLICATE, SCENE(again)},
    {"mid-reused", "the same mid and sender were seen with another digest", 10, ERR_MID_REUSED, SCENE(other_bytes)},
    {"seen-before-opened", "a duplicate whose stanza does not open", 10, ERR_DUPLICATE, {again, AT_RCP, flip_enc, 0, NULL}},
};
/* clang-format on */
const size_t bad_trust_count = sizeof bad_trust / sizeof bad_trust[0];
