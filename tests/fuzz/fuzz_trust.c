/*
 * A policy that is read answers every question about itself: names and keys are there, and a larger
 * set of witnesses never loses a quorum. Seeds: policies over the keys of
 * tests/vectors/c2sp-notes.h, one with each kind of line.
 */
#include <stdlib.h>
#include <string.h>

#include "../vectors/c2sp-notes.h"
#include "fuzz.h"
#include "trust.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trust_verdict v;
    struct checkpoint c;
    struct trust *t = NULL;
    unsigned line = 0;

    if (trust_read((struct span){data, size}, &t, &line) != ERR_OK) {
        must(t == NULL && line <= size + 1);
        return 0;
    }
    fuzz_accepted++;
    for (size_t i = 0; i < trust_log_count(t); i++)
        must(trust_log(t, i)->kind == NOTE_SIGNED);
    for (size_t i = 0; i < trust_witness_count(t); i++)
        must(trust_witness(t, i)->kind == NOTE_COSIGNED && trust_witness_name(t, i)[0] != '\0');
    for (uint32_t set = 0, had = 0; set != 0xffffffffU; set = set << 1 | 1) {
        must(!had || trust_quorum(t, set)); /* one more witness each time */
        had = (uint32_t)trust_quorum(t, set);
    }
    must(checkpoint_read(SPAN_STR(OTHER_BODY "\n" OTHER_LOG_LINE OTHER_WITNESS_LINE), &c) ==
         ERR_OK);
    if (trust_checkpoint(t, &c, &v) == ERR_OK)
        must(strcmp(trust_log(t, v.log)->name, "demo/audit/2026") == 0 && v.cosigned <= 1);
    trust_free(t);
    return 0;
}
