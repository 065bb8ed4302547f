/* Attachments of a sheet: the commands that take a large one in and give one out, as files. */
#include <stdlib.h>
#include <string.h>

#include "attaching.h"
#include "carry.h"
#include "reading_internal.h"
#include "text.h"
#include "words.h"

/* --- in ------------------------------------------------------------------------------------- */

static void taken(struct node *n, struct call *c, struct carry_job *job, enum err why)
{
    (void)c;
    upload_taken(n, job, why);
}

enum err run_attachment_take(struct node *n, struct call *c)
{
    struct carry_job job;
    uint64_t size;
    enum err e;

    if (!n->carries) {
        e = bytes_printf(&c->text, "Une pièce jointe de plus de 128 Kio demande que le nœud tourne "
                                   "(« relais-node serve »). Rien n'est parti.\n");
        c->done = !e;
        return e ? e : ERR_OFFLINE;
    }
    if ((e = carry_may_take(c, &size)) || (e = upload_begin(n, size, &job)))
        return e;
    if (json_object_set_new(c->data, "upload", json_hex(job.upload, ID_BYTES))) {
        taken(n, c, &job, ERR_NOMEM);
        carry_job_wipe(&job);
        return ERR_NOMEM;
    }
    return carry_start(n, c, &job, taken);
}

enum err attaching_take(struct node *n, const json_t *from, struct sheet_attachment *a)
{
    const char *typed = json_string_value(json_object_get(from, "upload"));
    struct att_ready ready;
    uint8_t id[ID_BYTES];
    enum err e;

    if (!typed || hex_read_fixed(id, sizeof id, span_text(typed)))
        return ERR_FIELD_VALUE;
    if ((e = upload_ready(n, id, &ready)))
        return e;
    memcpy(a->key, ready.key, sizeof a->key);
    memcpy(a->address, ready.address, sizeof a->address);
    a->size = ready.plain;
    a->chunks = ready.chunks;
    seal_wipe(&ready, sizeof ready);
    return ERR_OK;
}

void attaching_end(struct node *n, const json_t *args, bool sent)
{
    const json_t *list = json_object_get(args, "attachments");
    const json_t *one;
    uint8_t id[ID_BYTES];
    size_t i;

    json_array_foreach(list, i, one)
    {
        const char *typed = json_string_value(json_object_get(one, "upload"));

        if (typed && !hex_read_fixed(id, sizeof id, span_text(typed)))
            upload_end(n, id, sent);
    }
}

size_t attaching_named(const struct sheet *s, struct env_attachment *out)
{
    size_t n = 0;

    for (size_t i = 0; i < s->attachment_count; i++) {
        const struct sheet_attachment *a = &s->attachments[i];

        if (a->chunks == 0)
            continue;
        memcpy(out[n].address, a->address, sizeof out[n].address);
        out[n++].size = attachment_sealed_size(a->size);
    }
    return n;
}

/* --- out ------------------------------------------------------------------------------------ */

struct att_ready attaching_ready(const struct sheet_attachment *a)
{
    struct att_ready r = {
        .plain = a->size, .size = attachment_sealed_size(a->size), .chunks = (uint32_t)a->chunks};

    memcpy(r.key, a->key, sizeof r.key);
    memcpy(r.address, a->address, sizeof r.address);
    return r;
}

static void given(struct node *n, struct call *c, struct carry_job *job, enum err why)
{
    (void)n;
    (void)job;
    if (why)
        bytes_free(&c->text);
}

enum err attaching_give(struct node *n, struct call *c, bool incoming,
                        const struct sheet_attachment *a)
{
    struct carry_job job = {.way = CARRY_GIVE, .plain = a->size};
    const char *dir = attach_dir(n, incoming ? ATT_IN : ATT_OUT);
    enum err e;

    if (a->chunks == 0) {
        job.plain = a->content.len;
        e = bytes_copy(&job.content, a->content);
    } else if ((e = attfile_open(dir, a->address, &job.file)) == ERR_NOT_FOUND) {
        e = ERR_NOT_HERE_YET;
    } else if (!e) {
        memcpy(job.key, a->key, sizeof job.key);
        e = !attfile_whole(job.file)                                   ? ERR_NOT_HERE_YET
            : attfile_facts(job.file)->size != attaching_ready(a).size ? ERR_RANGE
                                                                       : ERR_OK;
    }
    if (!e)
        return carry_start(n, c, &job, given);
    carry_job_wipe(&job);
    return e;
}

static bool is_it(const struct att_row *row, const struct sheet_attachment *a, size_t number)
{
    uint8_t name[ATTACHMENT_ADDRESS_BYTES];

    if (a->chunks)
        return memcmp(a->address, row->address, sizeof name) == 0;
    return !attach_inside_name(row->mid, row->org, number, name) &&
           memcmp(name, row->address, sizeof name) == 0;
}

enum err attaching_source(struct node *n, struct txn *t, const struct att_row *row,
                          struct att_source *out)
{
    struct document *d = calloc(1, sizeof *d);
    struct mail m = {.incoming = true};
    struct bytes body = {0};
    enum err e = d ? inbox_get(n, t, row->mid, row->org, &m.in) : ERR_NOMEM;

    if (!e)
        e = mail_open(n, t, &m, &body, d);
    if (!e)
        e = ERR_NOT_FOUND;
    for (size_t i = 0; e == ERR_NOT_FOUND && i < (d ? d->sheet.attachment_count : 0); i++) {
        const struct sheet_attachment *a = &d->sheet.attachments[i];

        if (!is_it(row, a, i + 1))
            continue;
        out->beside = a->chunks > 0;
        out->ready = attaching_ready(a);
        e = out->beside ? ERR_OK : bytes_copy(&out->content, a->content);
    }
    seal_bytes_free(&body);
    if (d)
        seal_wipe(d, sizeof *d);
    free(d);
    return e;
}

enum err attaching_kept(struct node *n, struct txn *t, const struct env_header *h,
                        const struct sheet *s)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < s->attachment_count; i++)
        if (s->attachments[i].chunks == 0)
            e = attach_inside(n, t, h, i + 1, s->attachments[i].content.len);
    return e;
}

/* One inside a sheet of ours has no row, and needs none. */
static enum err row_of(struct node *n, struct txn *t, const struct mail *m, const struct sheet *s,
                       size_t number, struct att_row *row)
{
    const struct sheet_attachment *a = &s->attachments[number - 1];
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    enum err e;

    *row = (struct att_row){.state = ATT_WAITS};
    memcpy(address, a->address, sizeof address);
    if (a->chunks == 0 && !m->incoming) {
        row->state = ATT_WHOLE;
        return ERR_OK;
    }
    if (a->chunks == 0 && (e = attach_inside_name(m->in.mid, m->in.from, number, address)))
        return e;
    return attach_get(n, t, m->incoming ? ATT_IN : ATT_OUT, address, row);
}

enum err attaching_may_open(struct node *n, struct txn *t, const struct call *c,
                            const struct mail *m, const struct sheet *s, size_t number)
{
    uint8_t actor[ID_BYTES];
    struct att_row row;
    enum err e = row_of(n, t, m, s, number, &row);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_NOT_HERE_YET : e;
    if (!m->incoming)
        return ERR_OK; /* our own file */
    if (row.state == ATT_REMOVED || row.state == ATT_REFUSED)
        return row.code ? (enum err)row.code : ERR_ATTACHMENT_MISSING;
    if (row.state == ATT_WAITS)
        return ERR_NOT_HERE_YET;
    if (row.scan == SCAN_INFECTED)
        return ERR_INFECTED;
    if (row.scan == SCAN_CLEAN)
        return ERR_OK;
    if (!arg_bool(c, "unscanned"))
        return ERR_NOT_SCANNED;
    return journal_read(n, t, c, JOURNAL_UNSCANNED, mail_person(m), mail_mid(m), actor);
}

static const char *word_scan(const struct node *n, enum att_scan scan)
{
    if (scan == SCAN_CLEAN)
        return "arrivée, analysée : rien trouvé";
    if (scan == SCAN_INFECTED)
        return "arrivée, INFECTÉE : elle n'est donnée à personne";
    if (!*n->settings.scan_command)
        return "arrivée, non analysée : aucun antivirus n'est configuré";
    return scan == SCAN_FAILED ? "arrivée, non analysée : l'antivirus a échoué, il essaiera de "
                                 "nouveau"
                               : "arrivée, en attente de l'antivirus";
}

static const char *word_state(const struct node *n, const struct att_row *row, bool incoming)
{
    static const char *const out[] = {
        [ATT_WAITS] = "en route vers le hub",
        [ATT_WHOLE] = "au hub, en entier",
        [ATT_TOLD] = "au hub, en entier",
        [ATT_REMOVED] = "retirée du hub, tous ne l'ont pas prise",
        [ATT_REFUSED] = "refusée par le hub",
    };

    if (!incoming)
        return out[row->state];
    if (row->state == ATT_WAITS)
        return "pas encore arrivée en entier";
    if (row->state == ATT_REMOVED)
        return "retirée du hub avant d'être arrivée";
    return row->state == ATT_REFUSED ? "n'arrivera pas" : word_scan(n, row->scan);
}

/* What it waits for, unless it is the line alone. */
static enum err trouble_say(const struct node *n, const struct mail *m,
                            const struct sheet_attachment *a, struct call *c, json_t *o)
{
    enum err why = att_trouble_of(n->courier, m->incoming ? ATT_IN : ATT_OUT, a->address);

    if (!why || why == ERR_AGAIN || why == ERR_TIMEOUT || why == ERR_BUSY || why == ERR_CLOSED)
        return ERR_OK;
    if (json_object_set_new(o, "waits_for", json_string(err_name(why))))
        return ERR_NOMEM;
    return bytes_printf(&c->text, "  Elle attend : %s\n", word_error(why));
}

/* State and progress: of those that travel beside the envelope, and of what was received inside. */
enum err attaching_say(struct node *n, struct txn *t, const struct mail *m, const struct sheet *s,
                       struct call *c)
{
    json_t *list = json_array();
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < s->attachment_count; i++) {
        const struct sheet_attachment *a = &s->attachments[i];
        struct att_row row;
        uint32_t chunks = 0;
        json_t *o;

        if (a->chunks == 0 && !m->incoming)
            continue;
        e = row_of(n, t, m, s, i + 1, &row);
        if (e && e != ERR_NOT_FOUND)
            break;
        if (!att_progress(n->courier, m->incoming ? ATT_IN : ATT_OUT, a->address, &chunks) &&
            row.state != ATT_WAITS)
            chunks = (uint32_t)a->chunks;
        o = json_pack("{s:i, s:s, s:i, s:I, s:I}", "number", (int)i + 1, "state",
                      word_state(n, &row, m->incoming), "scan", (int)row.scan, "chunks",
                      (json_int_t)a->chunks, "chunks_done", (json_int_t)chunks);
        e = json_array_append_new(list, o) ? ERR_NOMEM : ERR_OK;
        if (!e)
            e = bytes_printf(&c->text, "Pièce jointe %zu : %s", i + 1,
                             word_state(n, &row, m->incoming));
        if (!e && row.state == ATT_WAITS)
            e = bytes_printf(&c->text, " (%u morceaux sur %u)", chunks, (unsigned)a->chunks);
        if (!e)
            e = bytes_printf(&c->text, ".\n");
        if (!e && row.state == ATT_WAITS)
            e = trouble_say(n, m, a, c, o);
    }
    if (json_object_set_new(c->data, "attachments_state", list) && !e)
        e = ERR_NOMEM;
    return e;
}
