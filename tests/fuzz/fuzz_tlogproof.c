/*
 * A receipt that is read is written back byte for byte, unless its path cannot fit its index and
 * size, which the writer refuses and the verifier too. Seeds: receipts over the notes of
 * tests/vectors/c2sp-notes.h and over logs of few leaves.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "tlogproof.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t leaf[MERKLE_HASH_BYTES] = {0};
    struct tlog_proof p = {0};
    struct bytes text = {0};
    enum err e;

    if (tlog_proof_read((struct span){data, size}, &p) != ERR_OK)
        return 0;
    must(p.path.count <= MERKLE_PROOF_MAX && p.extra.len <= TLOG_EXTRA_MAX);
    e = tlog_proof_write(bytes_span(&p.extra), p.index, &p.path, p.checkpoint.note, &text);
    if (e == ERR_OK) {
        must(span_equal(bytes_span(&text), (struct span){data, size}));
        fuzz_accepted++;
    } else {
        must(e == ERR_PROOF);
        must(merkle_verify_inclusion(p.checkpoint.root, p.checkpoint.size, p.index, leaf,
                                     &p.path) == ERR_PROOF);
    }
    bytes_free(&text);
    tlog_proof_wipe(&p);
    return 0;
}
