/*
 * A message that is read, from either side, is written back byte for byte. Seeds: one frame of
 * each type, as tests/unit/wire/test_messages.c makes them.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "messages.h"

static void round_trip(struct span frame, enum message_sender by)
{
    static struct message m;
    struct bytes again = {0};

    if (message_decode(frame, by, &m) != ERR_OK)
        return;
    if (message_encode(&m, &again) != ERR_OK || !span_equal(bytes_span(&again), frame))
        abort();
    fuzz_accepted++;
    bytes_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span frame = {data, size};

    round_trip(frame, SENT_BY_NODE);
    round_trip(frame, SENT_BY_HUB);
    return 0;
}
