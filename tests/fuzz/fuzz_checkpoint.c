/*
 * A note that is read is written back byte for byte from what was read: nothing of it is lost, and
 * no head has two notes. Verifying it under a log's and a witness's key may only say yes or no.
 * Seeds: the notes of tests/vectors/c2sp-notes.h and edits of them.
 */
#include <stdlib.h>
#include <string.h>

#include "../vectors/c2sp-notes.h"
#include "checkpoint.h"
#include "fuzz.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

static void line_write(struct bytes *out, const struct note_line *line)
{
    uint8_t raw[NOTE_KEY_ID_BYTES + NOTE_BLOB_MAX];
    struct bytes base64 = {0};

    memcpy(raw, line->id, sizeof line->id);
    memcpy(raw + sizeof line->id, line->blob, line->blob_len);
    must(base64_write(&base64, span_of(raw, sizeof line->id + line->blob_len)) == ERR_OK);
    must(bytes_append(out, SPAN_STR(DASH)) == ERR_OK && bytes_append(out, line->name) == ERR_OK);
    must(bytes_printf(out, " %s\n", (const char *)base64.ptr) == ERR_OK);
    bytes_free(&base64);
}

/* Only what is kept whole can be written back: short signatures, an origin that is a key name. */
static void must_write_back(const struct checkpoint *c)
{
    struct bytes text = {0};
    size_t i = 0;

    if (note_name_check(c->origin) != ERR_OK)
        return;
    must(checkpoint_body(c->origin, c->size, c->root, &text) == ERR_OK);
    must(span_equal(bytes_span(&text), c->body));
    must(bytes_append(&text, SPAN_STR("\n")) == ERR_OK);
    while (i < c->line_count && c->lines[i].blob_len <= NOTE_BLOB_MAX)
        line_write(&text, &c->lines[i++]);
    must(i < c->line_count || span_equal(bytes_span(&text), c->note));
    bytes_free(&text);
}

static void as_vkey(struct span data)
{
    struct bytes text = {0};
    struct note_key k;

    if (note_key_read(data, &k) != ERR_OK)
        return;
    must(note_key_write(&k, &text) == ERR_OK);
    must(span_equal(bytes_span(&text), data));
    bytes_free(&text);
    fuzz_accepted++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct note_key log, witness;
    struct checkpoint c;
    uint64_t time_s;

    as_vkey((struct span){data, size});
    if (checkpoint_read((struct span){data, size}, &c) != ERR_OK)
        return 0;
    fuzz_accepted++;
    must(c.line_count >= 1 && c.line_count <= NOTE_SIGNATURES_MAX && c.size <= MERKLE_SIZE_MAX);
    must_write_back(&c);
    must(note_key_read(SPAN_STR(OTHER_LOG_VKEY), &log) == ERR_OK);
    must(note_key_read(SPAN_STR(OTHER_WITNESS_VKEY), &witness) == ERR_OK);
    if (checkpoint_verify(&c, &log) == ERR_OK) /* nobody here can sign another one */
        must(span_equal(c.body, SPAN_STR(OTHER_BODY)));
    if (checkpoint_verify_cosigned(&c, &witness, &time_s) == ERR_OK)
        must(span_equal(c.body, SPAN_STR(OTHER_BODY)) && time_s == OTHER_TIME_S);
    return 0;
}
