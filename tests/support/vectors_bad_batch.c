/* Bad vectors of batch signatures (PROTOCOL.md 5.3): the form at step 4, the proof at step 7. */
#include <string.h>

#include "batch.h"
#include "vectors_edits.h"

static void fourth_of(struct forge *f, size_t count)
{
    f->h.sign = ENVELOPE_SIGN_BATCH;
    f->context = SIGN_BATCH;
    f->batch_index = 3;
    f->batch_count = count;
}

static void in_batch(struct forge *f)
{
    fourth_of(f, 6);
}

static void of_two(struct forge *f)
{
    fourth_of(f, 2);
    f->batch_index = 0;
}

static void single_in_header(struct forge *f)
{
    in_batch(f);
    f->h.sign = ENVELOPE_SIGN_SINGLE;
}

static void root_of_another(struct forge *f)
{
    in_batch(f);
    f->batch_from_set = true;
    f->batch_from = EHPAD;
}

static void signed_singly(struct forge *f)
{
    in_batch(f);
    f->context = SIGN_ENVELOPE;
}

static void by_another(struct forge *f)
{
    in_batch(f);
    f->signer = "ehpad signing";
}

static EDIT(index_is)
{
    f->batch_index = how->number;
}

static EDIT(count_is)
{
    f->batch_count = how->number;
}

static EDIT(one_hash_less)
{
    (void)how;
    f->batch_path.len -= BATCH_HASH_BYTES;
}

static EDIT(one_byte_less)
{
    (void)how;
    f->batch_path.len--;
}

static EDIT(one_hash_more)
{
    uint8_t again[BATCH_HASH_BYTES];

    (void)how;
    memcpy(again, f->batch_path.ptr, sizeof again);
    MUST(bytes_append(&f->batch_path, SPAN_OF(again)));
}

static EDIT(flip_path)
{
    f->batch_path.ptr[how->number] ^= 1;
}

static EDIT(swap_steps)
{
    uint8_t first[BATCH_HASH_BYTES];

    (void)how;
    memcpy(first, f->batch_path.ptr, sizeof first);
    memcpy(f->batch_path.ptr, f->batch_path.ptr + sizeof first, sizeof first);
    memcpy(f->batch_path.ptr + sizeof first, first, sizeof first);
}

static EDIT(flip_batch_sig)
{
    f->sig[how->number] ^= 1;
}

static EDIT(flip_batched_ct)
{
    (void)how;
    f->ct.ptr[f->ct.len / 2] ^= 1;
}

/* clang-format off */
#define SIG(scene, what, number) {scene, AT_SIG, what, number, NULL}

const struct bad_envelope bad_batch[] = {
    {"batch-in-single", "says single, and carries the signature of a batch", 4, ERR_SIZE, SIG(single_in_header, NULL, 0)},
    {"batch-of-one", "count 1", 4, ERR_FIELD_VALUE, SIG(of_two, count_is, 1)},
    {"batch-of-none", "count 0: a single signature does it", 4, ERR_SIZE, SIG(of_two, count_is, 0)},
    {"batch-of-1025", "one more than a signature may cover", 4, ERR_FIELD_VALUE, SIG(in_batch, count_is, 1025)},
    {"batch-index-is-count", "the place after the last", 4, ERR_FIELD_VALUE, SIG(in_batch, index_is, 6)},
    {"batch-path-short", "one hash too few", 4, ERR_SIZE, SIG(in_batch, one_hash_less, 0)},
    {"batch-path-long", "one hash too many", 4, ERR_SIZE, SIG(in_batch, one_hash_more, 0)},
    {"batch-path-cut", "one byte too few", 4, ERR_SIZE, SIG(in_batch, one_byte_less, 0)},

    {"batch-other-index", "the place of a neighbour", 7, ERR_FORGED, SIG(in_batch, index_is, 2)},
    {"batch-other-count", "one less, with a path of the same length", 7, ERR_FORGED, SIG(in_batch, count_is, 5)},
    {"batch-path-first", "one bit of the first hash", 7, ERR_FORGED, SIG(in_batch, flip_path, 0)},
    {"batch-path-last", "one bit of the last hash", 7, ERR_FORGED, SIG(in_batch, flip_path, 95)},
    {"batch-path-swapped", "two hashes have changed places", 7, ERR_FORGED, SIG(in_batch, swap_steps, 0)},
    {"batch-signature-bit", "one bit of S", 7, ERR_FORGED, SIG(in_batch, flip_batch_sig, 40)},
    {"batch-root-of-another", "the root names another organisation", 7, ERR_FORGED, SIG(root_of_another, NULL, 0)},
    {"batch-by-another", "signed by another member", 7, ERR_FORGED, SIG(by_another, NULL, 0)},
    {"batch-signed-as-single", "a good signature over the root, in the context of one envelope", 7, ERR_FORGED, SIG(signed_singly, NULL, 0)},
    {"batch-altered-ciphertext", "one bit of ct: not the envelope that the root holds", 7, ERR_FORGED, SIG(in_batch, flip_batched_ct, 0)},
};
/* clang-format on */
const size_t bad_batch_count = sizeof bad_batch / sizeof bad_batch[0];
