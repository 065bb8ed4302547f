/*
 * A manifest that is read is written again as the same text, but for its seal; its names lead into
 * no other directory. Seeds: manifests of a hub and of a node, one without logs, and damaged ones.
 */
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "fuzz.h"

#define SEAL_LINE 70 /* "seal ", 64 digits, a newline */

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct secret32 *key;
    struct bytes again = {0};
    struct manifest m;

    if (!key)
        must(seal_init() == ERR_OK && secret32_new(&key) == ERR_OK);
    if (manifest_check((struct span){data, size}, key) == ERR_OK)
        must(size > SEAL_LINE);
    if (manifest_decode((struct span){data, size}, &m) != ERR_OK)
        return 0;
    fuzz_accepted++;
    must(m.file_count <= BACKUP_FILES_MAX && m.log_count <= BACKUP_LOGS_MAX);
    for (size_t i = 0; i < m.file_count; i++)
        must(!strchr(m.files[i].name, '/') && m.files[i].name[0] != '.');
    must(manifest_encode(&m, key, &again) == ERR_OK);
    must(again.len == size && memcmp(again.ptr, data, size - SEAL_LINE) == 0);
    bytes_free(&again);
    return 0;
}
