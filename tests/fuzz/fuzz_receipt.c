/*
 * Receipts, their details and the extra of receipt files: what is read is written back byte for
 * byte, and checking never believes what was not made by the log. Seeds: receipts of a small log.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "receipt.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

static void detail_round(struct span in)
{
    struct detail d;
    struct bytes again = {0};

    if (detail_decode(in, &d) != ERR_OK)
        return;
    /* keys from 64 on are skipped, so only what the table knows comes back */
    must(detail_encode(&d, &again) == ERR_OK);
    must(again.len <= in.len);
    fuzz_accepted++;
    bytes_free(&again);
}

static void receipt_round(struct span in)
{
    static struct receipt r;
    static const struct sign_public nobody = {{9}};
    struct receipt_facts facts;
    struct bytes again = {0};

    if (receipt_decode(in, &r) != ERR_OK)
        return;
    must(receipt_encode(&r, &again) == ERR_OK && span_equal(bytes_span(&again), in));
    must(receipt_check(&r, SPAN_STR("fuzz/audit/2026"), &nobody, &facts) != ERR_OK);
    fuzz_accepted++;
    bytes_free(&again);
}

static void extra_round(struct span in)
{
    static struct receipt r;
    struct bytes again = {0};

    if (receipt_extra_decode(in, &r) != ERR_OK)
        return;
    must(receipt_extra_encode(&r, &again) == ERR_OK && span_equal(bytes_span(&again), in));
    fuzz_accepted++;
    bytes_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {data, size};

    detail_round(in);
    receipt_round(in);
    extra_round(in);
    return 0;
}
