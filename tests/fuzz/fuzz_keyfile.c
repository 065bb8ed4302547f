/*
 * The same bytes twice: as a whole key file, whose costs the caps must keep low, and as the body
 * within one, which no mutation would reach behind the AEAD. Seeds file-*: keyring_seal() under
 * the passphrase below at 8 KiB and one pass; seeds body-*: what keyring_body_write() makes of 0,
 * 1, 2 and 16 secrets, and refused variations.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "keyring.h"

#define PASSPHRASE SPAN_STR("fuzzing passphrase")
#define CAPS ((struct keyfile_cost){64, 2})

static void must(int holds)
{
    if (!holds)
        abort();
}

static void as_file(struct span data)
{
    struct keyring *r = NULL;

    if (keyring_unseal(data, PASSPHRASE, CAPS, &r) != ERR_OK)
        return;
    must(keyring_count(r) <= KEYRING_MAX);
    for (size_t i = 0; i < keyring_count(r); i++) {
        struct span value;

        must(keyring_find(r, keyring_name(r, i), &value) == ERR_OK);
    }
    keyring_free(r);
    fuzz_accepted++;
}

static void as_body(struct span data)
{
    struct keyring *r = secret_alloc(sizeof *r);
    uint8_t again[KEYRING_BODY_MAX];
    size_t len = 0;

    must(r != NULL);
    if (keyring_body_read(r, data) == ERR_OK) {
        must(keyring_body_write(r, again, &len) == ERR_OK);
        must(len == data.len && memcmp(again, data.ptr, len) == 0); /* one value, one encoding */
        fuzz_accepted++;
    }
    keyring_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_file((struct span){data, size});
    as_body((struct span){data, size});
    return 0;
}
