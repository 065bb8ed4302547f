/* checkpoint - see checkpoint.h. Section names are those of C2SP signed-note and tlog-checkpoint.
 */
#include "checkpoint.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lines.h"

#define DASH "\xe2\x80\x94 " /* em dash and space: how a signature line begins */
#define TIME_BYTES 8
#define SIZE_DIGITS_MAX 20
#define LINE_MAX_BYTES (sizeof DASH - 1 + NOTE_NAME_MAX + 1 + 104 + 1) /* 76 bytes in base64 */

static_assert(NOTE_NAME_MAX + 1 + SIZE_DIGITS_MAX + 1 + LINE_HASH_CHARS + 2 +
                      NOTE_SIGNATURES_MAX * LINE_MAX_BYTES <=
                  NOTE_MAX,
              "a checkpoint with the longest names and sixteen cosignatures fits");

/* Reading */

/* One line without its newline: "— name base64". */
static enum err signature_read(struct span line, struct note_line *out)
{
    struct bytes raw = {0};
    struct note_line got = {0};
    enum err e = ERR_TEXT_FORM;

    if (!line_skip(&line, SPAN_STR(DASH)) || !line_until(&line, ' ', &got.name) ||
        note_name_check(got.name) != ERR_OK)
        goto out;
    if ((e = base64_read(&raw, line, NOTE_MAX)))
        goto out;
    if (raw.len <= NOTE_KEY_ID_BYTES) {
        e = ERR_TEXT_FORM;
        goto out;
    }
    memcpy(got.id, raw.ptr, NOTE_KEY_ID_BYTES);
    got.blob_len = raw.len - NOTE_KEY_ID_BYTES;
    if (got.blob_len <= sizeof got.blob)
        memcpy(got.blob, raw.ptr + NOTE_KEY_ID_BYTES, got.blob_len);
    *out = got;
out:
    bytes_free(&raw);
    return e == ERR_OK || e == ERR_NOMEM ? e : ERR_TEXT_FORM;
}

/* The three lines that are signed, and the blank one after them. */
static enum err body_read(struct span *rest, struct checkpoint *c)
{
    struct span line;
    enum err e;

    if ((e = line_next(rest, &c->origin)))
        return e;
    if (c->origin.len == 0)
        return ERR_TEXT_FORM;
    if (c->origin.len > NOTE_NAME_MAX)
        return ERR_SIZE;
    if ((e = line_next(rest, &line)))
        return e;
    if ((e = line_number(line, MERKLE_SIZE_MAX, &c->size)))
        return e;
    if ((e = line_next(rest, &line)))
        return e;
    if ((e = line_fixed(line, c->root, sizeof c->root)))
        return e;
    c->body = (struct span){c->note.ptr, c->note.len - rest->len};
    if ((e = line_next(rest, &line)))
        return e;
    return line.len == 0 ? ERR_OK : ERR_TEXT_FORM; /* an extension line: none of ours */
}

enum err checkpoint_read(struct span note, struct checkpoint *out)
{
    struct checkpoint c = {.note = note};
    struct span rest = note;
    struct span line;
    enum err e;

    if (note.len > NOTE_MAX)
        return ERR_SIZE;
    if ((e = text_check(note)))
        return e;
    if ((e = body_read(&rest, &c)))
        return e;
    do {
        if ((e = line_next(&rest, &line)))
            return e;
        if (c.line_count == NOTE_SIGNATURES_MAX)
            return ERR_ITEMS;
        if ((e = signature_read(line, &c.lines[c.line_count])))
            return e;
        c.line_count++;
    } while (rest.len != 0);
    *out = c;
    return ERR_OK;
}

/* Verifying */

static int line_is_of(const struct note_line *line, const struct note_key *key)
{
    return span_equal(line->name, span_of(key->name, key->name_len)) &&
           memcmp(line->id, key->id, sizeof line->id) == 0;
}

static uint64_t time_read(const uint8_t from[TIME_BYTES])
{
    uint64_t time_s = 0;

    for (size_t i = 0; i < TIME_BYTES; i++)
        time_s = time_s << 8 | from[i];
    return time_s;
}

enum {
    COSIGNED_MAX = NOTE_MAX + 64
}; /* header and time line before the body */

/* The text a witness signs: cosignature/v1, its time, the body. */
static enum err text_of_cosignature(uint64_t time_s, struct span body, uint8_t *text, size_t room,
                                    struct span *out)
{
    int n = snprintf((char *)text, room, "cosignature/v1\ntime %" PRIu64 "\n", time_s);

    if (n < 0 || (size_t)n + body.len > room)
        return ERR_SIZE;
    memcpy(text + n, body.ptr, body.len);
    *out = span_of(text, (size_t)n + body.len);
    return ERR_OK;
}

static enum err signed_line_verify(const struct checkpoint *c, const struct note_line *line,
                                   const struct note_key *key)
{
    if (line->blob_len != SIG_BYTES || verify_note(&key->pk, c->body, line->blob) != ERR_OK)
        return ERR_CHECKPOINT;
    return ERR_OK;
}

static enum err cosigned_line_verify(const struct checkpoint *c, const struct note_line *line,
                                     const struct note_key *key, uint64_t *time_s)
{
    uint8_t text[COSIGNED_MAX];
    struct span signed_text;
    uint64_t t;

    if (line->blob_len != TIME_BYTES + SIG_BYTES)
        return ERR_CHECKPOINT;
    t = time_read(line->blob);
    if (t > NOTE_TIME_MAX ||
        text_of_cosignature(t, c->body, text, sizeof text, &signed_text) != ERR_OK ||
        verify_note(&key->pk, signed_text, line->blob + TIME_BYTES) != ERR_OK)
        return ERR_CHECKPOINT;
    *time_s = t;
    return ERR_OK;
}

enum err checkpoint_verify(const struct checkpoint *c, const struct note_key *log_key)
{
    enum err answer = ERR_KEY_UNKNOWN;
    enum err e;

    if (log_key->kind != NOTE_SIGNED ||
        !span_equal(c->origin, span_of(log_key->name, log_key->name_len)))
        return ERR_KEY_UNKNOWN;
    for (size_t i = 0; i < c->line_count; i++) {
        if (!line_is_of(&c->lines[i], log_key))
            continue;
        if ((e = signed_line_verify(c, &c->lines[i], log_key)))
            return e;
        answer = ERR_OK;
    }
    return answer;
}

enum err checkpoint_signature(const struct checkpoint *c, const struct note_key *log_key,
                              uint8_t sig[SIG_BYTES])
{
    enum err e;

    if ((e = checkpoint_verify(c, log_key)))
        return e;
    for (size_t i = c->line_count; i-- > 0;)
        if (line_is_of(&c->lines[i], log_key))
            memcpy(sig, c->lines[i].blob, SIG_BYTES);
    return ERR_OK;
}

enum err checkpoint_verify_cosigned(const struct checkpoint *c, const struct note_key *witness,
                                    uint64_t *time_s)
{
    enum err answer = ERR_KEY_UNKNOWN;
    uint64_t newest_s = 0;
    enum err e;

    if (witness->kind != NOTE_COSIGNED)
        return ERR_KEY_UNKNOWN;
    for (size_t i = 0; i < c->line_count; i++) {
        uint64_t t;

        if (!line_is_of(&c->lines[i], witness))
            continue;
        if ((e = cosigned_line_verify(c, &c->lines[i], witness, &t)))
            return e;
        newest_s = t > newest_s ? t : newest_s;
        answer = ERR_OK;
    }
    if (answer == ERR_OK && time_s != NULL)
        *time_s = newest_s;
    return answer;
}

/* Writing */

/* Appends "— name base64(key id || blob)\n". */
static enum err line_write(struct bytes *out, const struct note_key *key, const uint8_t *blob,
                           size_t blob_len)
{
    uint8_t raw[NOTE_KEY_ID_BYTES + NOTE_BLOB_MAX];
    struct bytes base64 = {0};
    enum err e;

    memcpy(raw, key->id, NOTE_KEY_ID_BYTES);
    memcpy(raw + NOTE_KEY_ID_BYTES, blob, blob_len);
    if ((e = base64_write(&base64, span_of(raw, NOTE_KEY_ID_BYTES + blob_len))))
        goto out;
    if ((e = bytes_printf(out, DASH "%s ", key->name)))
        goto out;
    if ((e = bytes_append(out, bytes_span(&base64))))
        goto out;
    e = bytes_append(out, SPAN_STR("\n"));
out:
    bytes_free(&base64);
    return e;
}

enum err checkpoint_body(struct span origin, uint64_t size, const uint8_t root[MERKLE_HASH_BYTES],
                         struct bytes *out)
{
    struct bytes body = {0}, base64 = {0};
    enum err e;

    if (size > MERKLE_SIZE_MAX)
        return ERR_RANGE;
    if ((e = note_name_check(origin)))
        goto out;
    if ((e = base64_write(&base64, span_of(root, MERKLE_HASH_BYTES))))
        goto out;
    if ((e = bytes_printf(&body, "%.*s\n%" PRIu64 "\n", (int)origin.len, (const char *)origin.ptr,
                          size)))
        goto out;
    if ((e = bytes_append(&body, bytes_span(&base64))))
        goto out;
    if ((e = bytes_append(&body, SPAN_STR("\n"))))
        goto out;
    bytes_replace(out, &body);
out:
    bytes_free(&base64);
    bytes_free(&body);
    return e;
}

/* Makes a note of a body: adds the blank line and the log's signature line. */
static enum err note_finish(struct bytes *body, const struct note_key *key,
                            const uint8_t sig[SIG_BYTES])
{
    enum err e;

    if ((e = bytes_append(body, SPAN_STR("\n"))))
        return e;
    return line_write(body, key, sig, SIG_BYTES);
}

enum err checkpoint_sign(struct span origin, uint64_t size, const uint8_t root[MERKLE_HASH_BYTES],
                         const struct secret_sign *key, struct bytes *out)
{
    struct bytes note = {0};
    uint8_t sig[SIG_BYTES];
    struct note_key id;
    enum err e;

    if ((e = note_key_init(&id, origin, NOTE_SIGNED, secret_sign_public(key))))
        goto out;
    if ((e = checkpoint_body(origin, size, root, &note)))
        goto out;
    if ((e = sign_note(key, bytes_span(&note), sig)))
        goto out;
    if ((e = note_finish(&note, &id, sig)))
        goto out;
    bytes_replace(out, &note);
out:
    bytes_free(&note);
    return e;
}

enum err checkpoint_assemble(struct span origin, uint64_t size,
                             const uint8_t root[MERKLE_HASH_BYTES], const struct sign_public *pk,
                             const uint8_t sig[SIG_BYTES], struct bytes *out)
{
    struct bytes note = {0};
    struct note_key id;
    enum err e;

    if ((e = note_key_init(&id, origin, NOTE_SIGNED, pk)))
        goto out;
    if ((e = checkpoint_body(origin, size, root, &note)))
        goto out;
    if ((e = note_finish(&note, &id, sig)))
        goto out;
    bytes_replace(out, &note);
out:
    bytes_free(&note);
    return e;
}

enum err checkpoint_cosign(const struct checkpoint *c, struct span name, uint64_t time_s,
                           const struct secret_sign *key, struct bytes *out)
{
    uint8_t blob[TIME_BYTES + SIG_BYTES];
    uint8_t text[COSIGNED_MAX];
    struct bytes line = {0};
    struct note_key id;
    struct span signed_text;
    enum err e;

    if (time_s > NOTE_TIME_MAX)
        return ERR_RANGE;
    if ((e = note_key_init(&id, name, NOTE_COSIGNED, secret_sign_public(key))))
        goto out;
    if ((e = text_of_cosignature(time_s, c->body, text, sizeof text, &signed_text)))
        goto out;
    for (size_t i = 0; i < TIME_BYTES; i++)
        blob[i] = (uint8_t)(time_s >> (8 * (TIME_BYTES - 1 - i)));
    if ((e = sign_note(key, signed_text, blob + TIME_BYTES)))
        goto out;
    if ((e = line_write(&line, &id, blob, sizeof blob)))
        goto out;
    bytes_replace(out, &line);
out:
    bytes_free(&line);
    return e;
}

enum err checkpoint_add_line(const struct checkpoint *c, struct span line,
                             const struct note_key *witness, struct bytes *out)
{
    struct bytes note = {0};
    struct note_line got;
    struct span rest = line;
    struct span text;
    uint64_t time_s;
    enum err e;

    if ((e = line_next(&rest, &text)))
        goto out;
    if (rest.len != 0) {
        e = ERR_TRAILING;
        goto out;
    }
    if ((e = signature_read(text, &got)))
        goto out;
    e = ERR_KEY_UNKNOWN;
    if (witness->kind != NOTE_COSIGNED || !line_is_of(&got, witness))
        goto out;
    if ((e = cosigned_line_verify(c, &got, witness, &time_s)))
        goto out;
    e = ERR_EXISTS;
    for (size_t i = 0; i < c->line_count; i++)
        if (line_is_of(&c->lines[i], witness))
            goto out;
    e = c->line_count == NOTE_SIGNATURES_MAX ? ERR_ITEMS : ERR_SIZE;
    if (c->line_count == NOTE_SIGNATURES_MAX || c->note.len + line.len > NOTE_MAX)
        goto out;
    if ((e = bytes_copy(&note, c->note)))
        goto out;
    if ((e = bytes_append(&note, line)))
        goto out;
    bytes_replace(out, &note);
out:
    bytes_free(&note);
    return e;
}

/* The short form of a cosignature */

static enum err cosigned_text(struct span origin, uint64_t size,
                              const uint8_t root[MERKLE_HASH_BYTES], uint64_t time_s,
                              uint8_t text[COSIGNED_MAX], struct span *out)
{
    struct bytes body = {0};
    enum err e;

    if (time_s > NOTE_TIME_MAX)
        return ERR_RANGE;
    if ((e = checkpoint_body(origin, size, root, &body)))
        return e;
    e = text_of_cosignature(time_s, bytes_span(&body), text, COSIGNED_MAX, out);
    bytes_free(&body);
    return e;
}

enum err cosignature_make(struct span origin, uint64_t size, const uint8_t root[MERKLE_HASH_BYTES],
                          uint64_t time_s, const struct secret_sign *key, uint8_t sig[SIG_BYTES])
{
    uint8_t text[COSIGNED_MAX];
    struct span signed_text;
    enum err e;

    if ((e = cosigned_text(origin, size, root, time_s, text, &signed_text)))
        return e;
    return sign_note(key, signed_text, sig);
}

enum err cosignature_verify(struct span origin, uint64_t size,
                            const uint8_t root[MERKLE_HASH_BYTES], uint64_t time_s,
                            const struct sign_public *witness, const uint8_t sig[SIG_BYTES])
{
    uint8_t text[COSIGNED_MAX];
    struct span signed_text;
    enum err e;

    if ((e = cosigned_text(origin, size, root, time_s, text, &signed_text)))
        return e == ERR_NOMEM ? e : ERR_CHECKPOINT;
    return verify_note(witness, signed_text, sig) ? ERR_CHECKPOINT : ERR_OK;
}

enum err cosignature_line(struct span name, const struct sign_public *witness, uint64_t time_s,
                          const uint8_t sig[SIG_BYTES], struct bytes *out)
{
    uint8_t blob[TIME_BYTES + SIG_BYTES];
    struct bytes line = {0};
    struct note_key id;
    enum err e;

    if (time_s > NOTE_TIME_MAX)
        return ERR_RANGE;
    if ((e = note_key_init(&id, name, NOTE_COSIGNED, witness)))
        return e;
    for (size_t i = 0; i < TIME_BYTES; i++)
        blob[i] = (uint8_t)(time_s >> (8 * (TIME_BYTES - 1 - i)));
    memcpy(blob + TIME_BYTES, sig, SIG_BYTES);
    if (!(e = line_write(&line, &id, blob, sizeof blob)))
        bytes_replace(out, &line);
    bytes_free(&line);
    return e;
}
