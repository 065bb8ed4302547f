/* Bad envelopes that steps 11 to 14 refuse: properly signed, and not to be opened. */
#include <string.h>

#include "vectors_edits.h"

static void two_recipients(struct forge *f)
{
    static const enum vec_member to[] = {EHPAD, DAC};

    forge_address(f, to, 2);
}

static void second_of_two(struct forge *f)
{
    two_recipients(f);
    f->receiver = DAC;
}

/* ---- step 11 ---- */

static EDIT(flip_rcp)
{
    f->rcp.ptr[how->number] ^= 1;
}

/* enc is a point of small order: with every key it agrees on zero. */
static EDIT(point_of_small_order)
{
    memset(f->rcp.ptr + 16, 0, 32);
    f->rcp.ptr[16] = (uint8_t)how->number;
}

static EDIT(other_place)
{
    f->wrap_index[0] = how->number;
}

/* The stanza is sealed to prekey 2 and says prekey 1. */
static EDIT(other_kid)
{
    (void)how;
    vec_prekey_kid(EHPAD, 1, f->rcp.ptr);
}

/* The header says the EHPAD, the stanza is bound to the DAC. */
static EDIT(other_org_in_wrap)
{
    (void)how;
    vec_org(DAC, f->h.to[0]);
}

static void from_dac(struct forge *f)
{
    f->sender = DAC;
    f->signer = "dac signing";
    vec_org(DAC, f->h.from);
    vec_skid(DAC, f->h.skid);
}

static EDIT(sealed_by_somebody_else)
{
    static struct forge other;

    (void)how;
    vectors_plain_envelope(&other, "taken", NULL);
    forge_set_bytes(&f->rcp, bytes_span(&other.rcp));
    memcpy(f->com, other.com, sizeof f->com);
    forge_set_bytes(&f->ct, bytes_span(&other.ct));
    MUST(digest_of("relais/env1/rcp", bytes_span(&f->rcp), f->rh, 64));
    forge_free(&other);
}

/* ---- step 12 ---- */

static EDIT(flip_com)
{
    f->com[how->number] ^= 1;
}

static EDIT(other_key_wrapped)
{
    vec_secret("another mk", f->mk[how->number]);
}

/* Committed to the key, but under another header. */
static EDIT(com_of_another_header)
{
    uint8_t zeros[64] = {0};
    struct span hh = SPAN_OF(zeros);

    (void)how;
    MUST(digest_parts("relais/env1/commit", SPAN_OF(f->body_mk), &hh, 1, f->com, 32));
}

/* ---- step 13 ---- */

static EDIT(flip_ct)
{
    f->ct.ptr[how->number] ^= 1;
}

static EDIT(flip_tag)
{
    (void)how;
    f->ct.ptr[f->ct.len - 1] ^= 1;
}

static EDIT(shorter_ct)
{
    f->ct.len -= how->number;
}

static EDIT(other_body_key)
{
    uint8_t mk[32];

    (void)how;
    vec_secret("another mk", mk);
    forge_encrypt(f, mk, f->rh, f->com);
}

static EDIT(body_under_other_stanzas)
{
    uint8_t rh[64];

    (void)how;
    memcpy(rh, f->rh, sizeof rh);
    rh[0] ^= 1;
    forge_encrypt(f, f->body_mk, rh, f->com);
}

static EDIT(body_under_other_commitment)
{
    uint8_t com[32] = {0};

    (void)how;
    forge_encrypt(f, f->body_mk, f->rh, com);
}

/* The other recipient's stanza was exchanged after the body was sealed. */
static EDIT(other_stanza_exchanged)
{
    (void)how;
    f->rcp.ptr[FORGE_STANZA + 20] ^= 1;
    MUST(digest_of("relais/env1/rcp", bytes_span(&f->rcp), f->rh, 64));
}

/* ---- step 14: `padded` has other ends ---- */

static void add_zeros(struct forge *f, size_t n)
{
    static const uint8_t zero[1];

    while (n-- > 0)
        MUST(bytes_append(&f->padded, SPAN_OF(zero)));
}

static EDIT(no_mark)
{
    (void)how;
    f->padded.ptr[f->body.len] = 0;
}

static EDIT(other_mark)
{
    f->padded.ptr[f->body.len] = (uint8_t)how->number;
}

static EDIT(dirty_padding)
{
    (void)how;
    f->padded.ptr[f->padded.len - 1] = 1;
}

static EDIT(longer)
{
    add_zeros(f, how->number);
}

static EDIT(nothing_but_zeros)
{
    (void)how;
    memset(f->padded.ptr, 0, f->padded.len);
}

static EDIT(empty_body)
{
    (void)how;
    f->padded.len = 0;
    add_zeros(f, 256);
    f->padded.ptr[0] = 0x80;
}

/* 8,301 bytes to the next multiple of 256, not to Padmé's 8,704. */
static EDIT(blocks_for_a_large_body)
{
    while (f->padded.len < 8300)
        MUST(bytes_append(&f->padded, SPAN_STR("x")));
    f->padded.len = 8300;
    MUST(bytes_append(&f->padded, SPAN_STR("\x80")));
    add_zeros(f, how->number - f->padded.len);
}

static EDIT(steps_for_a_small_body)
{
    f->padded.len = f->body.len + 1;
    add_zeros(f, how->number - f->padded.len);
}

/* clang-format off */
#define AT(where, what, number) {NULL, where, what, number, NULL}

const struct bad_envelope bad_content[] = {
    {"wrap-altered", "one bit of the wrapped key", 11, ERR_OPEN, AT(AT_RCP, flip_rcp, 48)},
    {"wrap-tag-altered", "one bit of its tag", 11, ERR_OPEN, AT(AT_RCP, flip_rcp, 95)},
    {"enc-altered", "one bit of enc", 11, ERR_OPEN, AT(AT_RCP, flip_rcp, 20)},
    {"enc-zero", "enc is the point 0", 11, ERR_OPEN, AT(AT_RCP, point_of_small_order, 0)},
    {"enc-one", "enc is the point 1", 11, ERR_OPEN, AT(AT_RCP, point_of_small_order, 1)},
    {"wrap-for-another-place", "bound to stanza 1, standing at 0", 11, ERR_OPEN, AT(AT_KEYS, other_place, 1)},
    {"wrap-for-place-256", "bound to stanza 256: the index has two bytes", 11, ERR_OPEN, AT(AT_KEYS, other_place, 256)},
    {"wrap-for-another-key", "the kid of another prekey of the receiver", 11, ERR_OPEN, AT(AT_RCP, other_kid, 0)},
    {"wrap-for-another-organisation", "bound to the DAC, addressed to the EHPAD", 11, ERR_OPEN, AT(AT_KEYS, other_org_in_wrap, 0)},
    {"re-signed-by-another", "the DAC puts its name on what the hospital sealed, and signs", 11, ERR_OPEN, {from_dac, AT_CT, sealed_by_somebody_else, 0, NULL}},
    {"other-header", "stanzas, commitment and body of another envelope of the same sender", 11, ERR_OPEN, AT(AT_CT, sealed_by_somebody_else, 0)},

    {"commitment-altered", "one bit; the body is sealed under it", 12, ERR_OPEN, AT(AT_COM, flip_com, 31)},
    {"commitment-to-another-key", "another key is wrapped than the one committed to", 12, ERR_OPEN, AT(AT_KEYS, other_key_wrapped, 0)},
    {"commitment-under-another-header", "the right key, committed to under another header", 12, ERR_OPEN, AT(AT_COM, com_of_another_header, 0)},
    {"split-content-second", "two keys for two recipients: the second sees that his is not the one", 12, ERR_OPEN, {second_of_two, AT_KEYS, other_key_wrapped, 1, NULL}},

    {"body-altered", "one bit of the ciphertext, signed", 13, ERR_OPEN, AT(AT_CT, flip_ct, 0)},
    {"body-tag-altered", "one bit of the tag, signed", 13, ERR_OPEN, AT(AT_CT, flip_tag, 0)},
    {"body-shortened", "256 bytes less, signed", 13, ERR_OPEN, AT(AT_CT, shorter_ct, 256)},
    {"body-under-another-key", "sealed under a key that is not derived from mk", 13, ERR_OPEN, AT(AT_CT, other_body_key, 0)},
    {"body-under-other-stanzas", "bound to other stanzas", 13, ERR_OPEN, AT(AT_CT, body_under_other_stanzas, 0)},
    {"body-under-another-commitment", "bound to another commitment", 13, ERR_OPEN, AT(AT_CT, body_under_other_commitment, 0)},
    {"other-stanza-exchanged", "the stanza of the other recipient was exchanged, and all signed again", 13, ERR_OPEN, {two_recipients, AT_CT, other_stanza_exchanged, 0, NULL}},

    {"padding-without-mark", "zeros, and no 80", 14, ERR_OPEN, AT(AT_PADDED, no_mark, 0)},
    {"padding-with-another-mark", "81 instead of 80", 14, ERR_OPEN, AT(AT_PADDED, other_mark, 0x81)},
    {"padding-dirty", "a last byte that is not zero", 14, ERR_OPEN, AT(AT_PADDED, dirty_padding, 0)},
    {"padding-of-a-block-too-much", "256 zeros more than needed", 14, ERR_OPEN, AT(AT_PADDED, longer, 256)},
    {"padding-of-a-byte-too-much", "a length that no body has", 14, ERR_OPEN, AT(AT_PADDED, longer, 1)},
    {"padding-alone", "zeros only", 14, ERR_OPEN, AT(AT_PADDED, nothing_but_zeros, 0)},
    {"body-empty", "padding of a body of no byte", 14, ERR_OPEN, AT(AT_PADDED, empty_body, 0)},
    {"padding-by-blocks-above-4096", "a body of 8,300 bytes padded to 8,448, not to Padmé's 8,704", 14, ERR_OPEN, AT(AT_PADDED, blocks_for_a_large_body, 8448)},
    {"padding-by-steps-below-4096", "a small body padded to 4,096", 14, ERR_OPEN, AT(AT_PADDED, steps_for_a_small_body, 4096)},
};
/* clang-format on */
const size_t bad_content_count = sizeof bad_content / sizeof bad_content[0];
