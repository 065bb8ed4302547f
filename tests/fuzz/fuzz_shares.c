/*
 * The same bytes twice: as a sheet that somebody typed, and as the 120 bytes behind its lines,
 * whose checks no mutation would find. What reads is written back and reads the same. Seeds
 * sheet-*: what share_write() made of two sharings, as printed and as typed, and refused
 * variations; seeds raw-*: such a sheet's bytes without the tag.
 */
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "fuzz.h"
#include "shares.h"

#define SHEET_BYTES ((size_t)SHARE_LINES * SHARE_LINE_BYTES)
#define TAG_BYTES 4

static void must(int holds)
{
    if (!holds)
        abort();
}

static void writes_back(const struct share *s)
{
    char lines[SHARE_LINES][SHARE_LINE_TEXT];
    char text[SHARE_LINES * SHARE_LINE_TEXT];
    struct share again;
    unsigned line;

    must(share_write(s, lines) == ERR_OK);
    for (size_t i = 0; i < SHARE_LINES; i++) {
        memcpy(text + i * SHARE_LINE_TEXT, lines[i], SHARE_LINE_TEXT - 1);
        text[(i + 1) * SHARE_LINE_TEXT - 1] = '\n';
    }
    must(share_read(SPAN_OF(text), &again, &line) == ERR_OK);
    must(memcmp(&again, s, sizeof again) == 0);
    fuzz_accepted++;
}

static void as_text(struct span data)
{
    struct share s;
    unsigned line = 99;
    enum err e = share_read(data, &s, &line);

    if (e == ERR_OK)
        writes_back(&s);
    else
        must(line <= SHARE_LINES || e == ERR_SIZE);
}

static void as_bytes(struct span data)
{
    uint8_t sheet[SHARE_LINES][SHARE_LINE_BYTES];
    uint8_t hash[DIGEST_128];
    struct share s;

    if (data.len != SHEET_BYTES - TAG_BYTES)
        return;
    memcpy(sheet, data.ptr, data.len);
    must(digest_of("relais/share1/sheet", data, hash, sizeof hash) == ERR_OK);
    memcpy((uint8_t *)sheet + SHEET_BYTES - TAG_BYTES, hash, TAG_BYTES);
    if (share_lines_decode((const uint8_t(*)[SHARE_LINE_BYTES])sheet, &s) == ERR_OK)
        writes_back(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_text((struct span){data, size});
    as_bytes((struct span){data, size});
    return 0;
}
