/* Evidence of two histories, as files that anybody can check (relais-verify histories). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checkpoint.h"
#include "commands_internal.h"
#include "contacts.h"
#include "heads.h"
#include "meta.h"
#include "vault.h"

struct list {
    struct node *n;
    struct call *c;
    json_t *files;
};

/* The note of a head that was kept, under whichever of our logs signed it. ERR_CHECKPOINT: none. */
static enum err head_note(struct node *n, struct span kept, struct bytes *note)
{
    const struct pins *p = contacts_pins(n);
    struct sign_public pk;
    struct reader r = reader_over(kept);
    char origin[ORIGIN_ROOM];
    struct ckpt head;
    uint32_t epoch;
    enum err e;

    rd_ckpt(&r, &head);
    if (rd_end(&r))
        return ERR_CHECKPOINT;
    keys_origin(p, origin);
    e = contacts_signer(n, LOG_KEYS, 0, &head, &pk);
    if (e == ERR_CHECKPOINT && !(e = contacts_epoch_of(n, &head, &epoch, &pk)))
        audit_origin(p, epoch, origin);
    return e ? e
             : checkpoint_assemble(span_text(origin), head.size, head.root, &pk, head.sig, note);
}

static enum err file_add(struct list *l, uint64_t number, const char *side, struct span kept)
{
    struct bytes note = {0};
    char name[64];
    enum err e = head_note(l->n, kept, &note);

    if (e)
        return e == ERR_CHECKPOINT ? ERR_OK : e; /* what was kept is no signed head */
    snprintf(name, sizeof name, "histoire-%" PRIu64 "-%s.note", number, side);
    if (json_array_append_new(
            l->files, json_pack("{s:s, s:o}", "file", name, "text", json_span(bytes_span(&note)))))
        e = ERR_NOMEM;
    if (!e)
        e = bytes_printf(&l->c->text, "    %s\n", name);
    bytes_free(&note);
    return e;
}

static enum err one_alarm(void *arg, struct span key, struct span row)
{
    struct list *l = arg;
    struct reader r = reader_over(row);
    char when[TIME_TEXT_BYTES];
    struct span what;
    struct span ours;
    struct span theirs;
    uint64_t number;
    uint64_t why;
    uint64_t ms;
    enum err e;

    rd_array(&r, 5);
    why = rd_uint(&r, UINT16_MAX);
    ms = rd_uint(&r, UINT64_MAX);
    what = rd_text(&r, 256);
    ours = rd_blob(&r, 0, SIZE_MAX);
    theirs = rd_blob(&r, 0, SIZE_MAX);
    if ((e = row_end(&r)) || key.len != 8 || (e = time_text(ms, when)))
        return e ? e : ERR_CORRUPT;
    number = get_be64(key.ptr) + 1;
    if ((e = bytes_printf(&l->c->text, "%" PRIu64 "  %s  %s (%.*s)\n", number, when,
                          err_name((enum err)why), (int)what.len, (const char *)what.ptr)))
        return e;
    if ((e = file_add(l, number, "a", ours)))
        return e;
    return file_add(l, number, "b", theirs);
}

enum err evidence_run(struct node *n, struct call *c)
{
    struct list l = {.n = n, .c = c, .files = json_array()};
    struct txn *t = NULL;
    enum err e = n->self.joined ? ERR_OK : ERR_NOT_JOINED;

    if (!e && !(e = store_begin(n->store, TXN_READ, &t)))
        e = vault_scan(n->vault, t, TABLE_ALARM, span_text(""), span_text(""), SIZE_MAX, one_alarm,
                       &l);
    store_abort(&t);
    if (!e && c->text.len == 0)
        e = bytes_printf(&c->text, "Aucune contradiction n'a été constatée.");
    if (json_object_set_new(c->data, "files", l.files))
        return ERR_NOMEM;
    return e;
}
