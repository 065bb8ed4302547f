/* The text form of a manifest. One value, one text: what is read is written again and compared. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "digest.h"

#define FIRST_LINE "relais-backup 1\n"
#define SEAL_WORD "seal "
#define SEAL_LINE_BYTES (sizeof SEAL_WORD - 1 + 2 * DIGEST_256 + 1)

static bool name_valid(const char *name, size_t most)
{
    size_t n = strlen(name);

    return n > 0 && n <= most && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") == n;
}

static bool origin_valid(const char *origin)
{
    size_t n = strlen(origin);

    return n > 0 && n <= BACKUP_ORIGIN_MAX &&
           strspn(origin, "abcdefghijklmnopqrstuvwxyz0123456789-._/") == n;
}

static bool manifest_valid(const struct manifest *m)
{
    if (!name_valid(m->program, BACKUP_NAME_MAX) || m->log_count > BACKUP_LOGS_MAX ||
        m->file_count > BACKUP_FILES_MAX)
        return false;
    for (size_t i = 0; i < m->log_count; i++)
        if (!origin_valid(m->logs[i].origin))
            return false;
    for (size_t i = 0; i < m->file_count; i++)
        if (!name_valid(m->files[i].name, BACKUP_NAME_MAX))
            return false;
    return true;
}

static enum err hex_line(struct bytes *out, const uint8_t *in, size_t n)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < n && !e; i++)
        e = bytes_printf(out, "%02x", in[i]);
    return e ? e : bytes_append(out, SPAN_STR("\n"));
}

static enum err body_write(const struct manifest *m, struct bytes *out)
{
    enum err e;

    if ((e = bytes_printf(out, FIRST_LINE "program %s\nmade %" PRIu64 "\nincarnation ", m->program,
                          m->made_ms)) ||
        (e = hex_line(out, m->incarnation, sizeof m->incarnation)))
        return e;
    for (size_t i = 0; i < m->log_count; i++)
        if ((e = bytes_printf(out, "log %s %" PRIu64 " ", m->logs[i].origin, m->logs[i].size)) ||
            (e = hex_line(out, m->logs[i].root, sizeof m->logs[i].root)))
            return e;
    for (size_t i = 0; i < m->file_count; i++)
        if ((e = bytes_printf(out, "file %s %" PRIu64 " ", m->files[i].name, m->files[i].bytes)) ||
            (e = hex_line(out, m->files[i].hash, sizeof m->files[i].hash)))
            return e;
    return ERR_OK;
}

static enum err seal_of(struct span body, const struct secret32 *key, uint8_t seal[DIGEST_256])
{
    return digest_parts("relais/backup/manifest", secret32_span(key), &body, 1, seal, DIGEST_256);
}

enum err manifest_encode(const struct manifest *m, const struct secret32 *key, struct bytes *out)
{
    struct bytes text = {0};
    uint8_t seal[DIGEST_256];
    enum err e;

    if (!manifest_valid(m))
        return ERR_RANGE;
    if ((e = body_write(m, &text)) || (e = seal_of(bytes_span(&text), key, seal)) ||
        (e = bytes_append(&text, SPAN_STR(SEAL_WORD))) ||
        (e = hex_line(&text, seal, sizeof seal))) {
        bytes_free(&text);
        return e;
    }
    bytes_free(out);
    *out = text;
    return ERR_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

/* What is left of a text, word by word; a word that is not there ends it. */
struct words {
    const char *at;
    bool bad;
};

static bool word_is(struct words *w, const char *word)
{
    size_t n = strlen(word);

    if (w->bad || strncmp(w->at, word, n) != 0)
        return false;
    w->at += n;
    return true;
}

static void word_text(struct words *w, char end, char *out, size_t size)
{
    size_t n = strcspn(w->at, " \n");

    if (w->bad || n == 0 || n >= size || w->at[n] != end) {
        w->bad = true;
        return;
    }
    memcpy(out, w->at, n);
    out[n] = '\0';
    w->at += n + 1;
}

static uint64_t word_number(struct words *w, char end)
{
    char text[24] = "";

    word_text(w, end, text, sizeof text);
    if (strspn(text, "0123456789") != strlen(text))
        w->bad = true;
    return w->bad ? 0 : strtoull(text, NULL, 10); /* another form of it: the comparison sees it */
}

static void word_hex(struct words *w, uint8_t *out, size_t n)
{
    char text[2 * DIGEST_256 + 1] = "";

    word_text(w, '\n', text, sizeof text);
    if (!w->bad && hex_read_fixed(out, n, span_text(text)))
        w->bad = true;
}

static void body_read(struct words *w, struct manifest *m)
{
    w->bad = !word_is(w, "program ");
    word_text(w, '\n', m->program, sizeof m->program);
    w->bad = w->bad || !word_is(w, "made ");
    m->made_ms = word_number(w, '\n');
    w->bad = w->bad || !word_is(w, "incarnation ");
    word_hex(w, m->incarnation, sizeof m->incarnation);
    while (m->log_count < BACKUP_LOGS_MAX && word_is(w, "log ")) {
        word_text(w, ' ', m->logs[m->log_count].origin, sizeof m->logs[0].origin);
        m->logs[m->log_count].size = word_number(w, ' ');
        word_hex(w, m->logs[m->log_count++].root, sizeof m->logs[0].root);
    }
    while (m->file_count < BACKUP_FILES_MAX && word_is(w, "file ")) {
        word_text(w, ' ', m->files[m->file_count].name, sizeof m->files[0].name);
        m->files[m->file_count].bytes = word_number(w, ' ');
        word_hex(w, m->files[m->file_count++].hash, sizeof m->files[0].hash);
    }
}

enum err manifest_decode(struct span text, struct manifest *out)
{
    char copy[BACKUP_MANIFEST_MAX + 1];
    struct words w = {.at = copy};
    uint8_t seal[DIGEST_256];
    struct bytes again = {0};
    struct manifest m = {0};
    enum err e;

    if (text.len > BACKUP_MANIFEST_MAX)
        return ERR_SIZE;
    if (text.len == 0 || memchr(text.ptr, 0, text.len))
        return ERR_TEXT_FORM;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (!word_is(&w, FIRST_LINE))
        return strncmp(copy, "relais-backup ", 14) == 0 ? ERR_VERSION : ERR_TEXT_FORM;
    body_read(&w, &m);
    w.bad = w.bad || !word_is(&w, SEAL_WORD);
    word_hex(&w, seal, sizeof seal);
    if (w.bad || *w.at || !manifest_valid(&m))
        return ERR_TEXT_FORM;
    if ((e = body_write(&m, &again)))
        return e;
    if (again.len + SEAL_LINE_BYTES != text.len || memcmp(again.ptr, text.ptr, again.len) != 0)
        e = ERR_TEXT_FORM;
    bytes_free(&again);
    if (!e)
        *out = m;
    return e;
}

enum err manifest_check(struct span text, const struct secret32 *key)
{
    uint8_t seal[DIGEST_256];
    uint8_t said[DIGEST_256];
    enum err e;

    if (text.len <= SEAL_LINE_BYTES ||
        hex_read_fixed(said, sizeof said,
                       span_of(text.ptr + text.len - 1 - 2 * DIGEST_256, 2 * DIGEST_256)))
        return ERR_FORGED;
    if ((e = seal_of(span_of(text.ptr, text.len - SEAL_LINE_BYTES), key, seal)))
        return e;
    return seal_equal(seal, said, sizeof seal) ? ERR_OK : ERR_FORGED;
}
