/*
 * fuzz_header - the header of an envelope. What is accepted is written back byte for byte, unless
 * it holds keys that a reader ignores; what is accepted keeps its promises.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "header.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

static bool has_ignorable_key(struct span hdr)
{
    struct reader r = reader_over(hdr);
    struct rd_map m = rd_map(&r, MP_KEY_MAX + 1);
    bool found = false;
    uint64_t key;

    while (rd_map_next(&r, &m, &key)) {
        found |= key >= MP_KEY_IGNORABLE;
        rd_skip(&r);
    }
    must(rd_end(&r) == ERR_OK);
    return found;
}

static void must_encode_to(const struct env_header *h, struct span hdr)
{
    struct bytes again = {0};
    struct writer w;

    wr_init(&w);
    header_encode(&w, h);
    must(wr_take(&w, &again) == ERR_OK);
    must(span_equal(bytes_span(&again), hdr));
    bytes_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span hdr = span_of(data, size);
    struct reader r = reader_over(hdr);
    enum err suite = header_check_suite(hdr);
    struct env_header h;
    enum err e = header_decode(&r, &h);

    if (suite)
        must(e != ERR_OK);
    if (e)
        return 0;
    fuzz_accepted++;
    must(h.to_count >= 1 && h.to_count <= RECIPIENTS_MAX);
    must(h.has_consent == (h.basis == BASIS_CONSENTI));
    must(header_recipient(&h, h.to[h.to_count - 1]) == h.to_count - 1);
    must(header_principals(&h) >= h.deputy_count);
    must(h.has_deputy == (h.deputy_count > 0));
    for (size_t i = 0; i < h.deputy_count; i++) {
        must(header_deputy(&h, h.deputy[i].instead) == NULL);
        must(header_deputy_of(&h, h.deputy[i].instead) == header_principals(&h) + i);
    }
    if (header_check_times(&h, h.ts) == ERR_OK)
        must(h.exp > h.ts);
    if (!has_ignorable_key(hdr))
        must_encode_to(&h, hdr);
    return 0;
}
