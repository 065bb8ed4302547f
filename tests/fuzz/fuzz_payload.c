/*
 * A document that is read is written again as it is read: encoding and reading meet, and what its
 * label would be is within the codes. Type by the first byte: an even one for a sheet, an odd one
 * for an invitation. The rest is the document, or (bit 1) the payload around one.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "payload.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

static struct bytes encoded(const struct document *d)
{
    struct bytes out = {0};
    struct writer w;

    wr_init(&w);
    if (d->type == ENVELOPE_SHEET)
        sheet_encode(&w, &d->sheet);
    else
        invitation_doc_encode(&w, &d->invitation);
    must(wr_take(&w, &out) == ERR_OK);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct document d;
    static struct document again;
    struct span doc = {data + 1, size - 1};
    struct payload p;
    struct bytes first;
    struct bytes second;
    uint64_t type;

    if (size == 0)
        return 0;
    type = data[0] & 1 ? ENVELOPE_INVITATION : ENVELOPE_SHEET;
    if (data[0] & 2) {
        if (payload_decode(doc, &p))
            return 0;
        doc = p.doc;
    }
    if (document_decode(doc, type, &d))
        return 0;
    fuzz_accepted++;
    must(d.type == type && (document_classes(&d) & ~(uint64_t)CLASS_ALL) == 0);
    first = encoded(&d); /* without keys of extensions */
    must(document_decode((struct span){first.ptr, first.len}, type, &again) == ERR_OK);
    second = encoded(&again);
    must(span_equal(bytes_span(&first), bytes_span(&second)));
    must(document_classes(&d) == document_classes(&again));
    bytes_free(&first);
    bytes_free(&second);
    return 0;
}
