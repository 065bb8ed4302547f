/*
 * An operator's act comes from a control socket as hex: what decodes encodes to the same bytes.
 * Seeds: acts over an organisation, a node and an operator, and refused variations.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "operator_act.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct operator_act a;
    struct bytes again = {0};

    if (operator_act_decode((struct span){data, size}, &a) != ERR_OK)
        return 0;
    must(a.subject.len >= 1 && a.subject.len <= OPERATOR_SUBJECT_MAX);
    must(operator_act_encode(&a, &again) == ERR_OK);
    must(span_equal(bytes_span(&again), (struct span){data, size}));
    bytes_free(&again);
    fuzz_accepted++;
    return 0;
}
