/* proof - the tlog-proof file; see tlogproof.h. */
#include <inttypes.h>
#include <string.h>

#include "lines.h"
#include "tlogproof.h"

#define MAGIC "c2sp.org/tlog-proof@v1"
#define EXTRA "extra "
#define INDEX "index "

/* Writing */

static enum err base64_append(struct bytes *out, const char *before, struct span raw)
{
    struct bytes base64 = {0};
    enum err e;

    if ((e = base64_write(&base64, raw)))
        goto out;
    if ((e = bytes_append(out, span_text(before))))
        goto out;
    if ((e = bytes_append(out, bytes_span(&base64))))
        goto out;
    e = bytes_append(out, SPAN_STR("\n"));
out:
    bytes_free(&base64);
    return e;
}

enum err tlog_proof_write(struct span extra, uint64_t index, const struct merkle_proof *path,
                          struct span note, struct bytes *out)
{
    struct bytes text = {0};
    struct checkpoint c;
    enum err e;

    if (extra.len > TLOG_EXTRA_MAX)
        return ERR_SIZE;
    if ((e = checkpoint_read(note, &c)))
        goto out;
    if (index >= c.size || path->count != merkle_inclusion_count(index, c.size)) {
        e = ERR_PROOF;
        goto out;
    }
    if ((e = bytes_append(&text, SPAN_STR(MAGIC "\n"))))
        goto out;
    if (extra.len != 0 && (e = base64_append(&text, EXTRA, extra)))
        goto out;
    if ((e = bytes_printf(&text, INDEX "%" PRIu64 "\n", index)))
        goto out;
    for (size_t i = 0; i < path->count; i++)
        if ((e = base64_append(&text, "", SPAN_OF(path->hash[i]))))
            goto out;
    if ((e = bytes_append(&text, SPAN_STR("\n"))))
        goto out;
    if ((e = bytes_append(&text, note)))
        goto out;
    bytes_replace(out, &text);
out:
    bytes_free(&text);
    return e;
}

/* Reading */

/* The optional second line, and the one after it, which is left in *line. */
static enum err extra_read(struct span *rest, struct span *line, struct bytes *extra)
{
    enum err e;

    if ((e = line_next(rest, line)))
        return e;
    if (!line_skip(line, SPAN_STR(EXTRA)))
        return ERR_OK;
    if (line->len == 0) /* nothing to say is said by leaving the line out */
        return ERR_TEXT_FORM;
    if ((e = base64_read(extra, *line, TLOG_EXTRA_MAX)))
        return e;
    return line_next(rest, line);
}

static enum err path_read(struct span *rest, struct merkle_proof *path)
{
    struct span line;
    enum err e;

    for (path->count = 0;; path->count++) {
        if ((e = line_next(rest, &line)))
            return e;
        if (line.len == 0)
            return ERR_OK;
        if (path->count == MERKLE_PROOF_MAX)
            return ERR_ITEMS;
        if ((e = line_fixed(line, path->hash[path->count], MERKLE_HASH_BYTES)))
            return e;
    }
}

enum err tlog_proof_read(struct span text, struct tlog_proof *out)
{
    struct tlog_proof p = {0};
    struct span rest = text;
    struct span line;
    enum err e = ERR_SIZE;

    if (text.len > TLOG_PROOF_MAX)
        goto out;
    if ((e = line_next(&rest, &line)))
        goto out;
    if (!span_equal(line, SPAN_STR(MAGIC))) {
        e = ERR_VERSION;
        goto out;
    }
    if ((e = extra_read(&rest, &line, &p.extra)))
        goto out;
    if (!line_skip(&line, SPAN_STR(INDEX))) {
        e = ERR_TEXT_FORM;
        goto out;
    }
    if ((e = line_number(line, MERKLE_SIZE_MAX - 1, &p.index)))
        goto out;
    if ((e = path_read(&rest, &p.path)))
        goto out;
    if ((e = checkpoint_read(rest, &p.checkpoint)))
        goto out;
    *out = p;
    p.extra = (struct bytes){0};
out:
    bytes_free(&p.extra);
    return e;
}

void tlog_proof_wipe(struct tlog_proof *p)
{
    bytes_free(&p->extra);
    *p = (struct tlog_proof){0};
}

/* Verifying: the signature first, so that nobody's unsigned root is worth a hash. */

static enum err path_verify(const struct tlog_proof *p, const uint8_t leaf[MERKLE_HASH_BYTES])
{
    return merkle_verify_inclusion(p->checkpoint.root, p->checkpoint.size, p->index, leaf,
                                   &p->path);
}

enum err tlog_proof_check(const struct tlog_proof *p, const uint8_t leaf[MERKLE_HASH_BYTES],
                          const struct note_key *log_key)
{
    enum err e;

    if ((e = checkpoint_verify(&p->checkpoint, log_key)))
        return e;
    return path_verify(p, leaf);
}

enum err tlog_proof_verify(const struct tlog_proof *p, const uint8_t leaf[MERKLE_HASH_BYTES],
                           const struct trust *policy, struct trust_verdict *out)
{
    struct trust_verdict v;
    enum err e;

    if ((e = trust_checkpoint(policy, &p->checkpoint, &v)))
        return e;
    if ((e = path_verify(p, leaf)))
        return e;
    *out = v;
    return ERR_OK;
}
