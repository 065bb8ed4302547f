#include "attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach_internal.h"
#include "digest.h"
#include "file.h"
#include "log.h"
#include "meta.h"
#include "outrow.h"
#include "scan.h"
#include "vault.h"

#define ATT_KEY_BYTES (1 + ATTACHMENT_ADDRESS_BYTES)
#define ROW_FIELDS 6

/* --- rows ----------------------------------------------------------------------------------- */

static struct span key_of(enum att_way way, const uint8_t *address, uint8_t key[ATT_KEY_BYTES])
{
    key[0] = (uint8_t)way;
    memcpy(key + 1, address, ATTACHMENT_ADDRESS_BYTES);
    return span_of(key, ATT_KEY_BYTES);
}

static bool is_live(const struct att_row *r)
{
    return r->state == ATT_WAITS || (r->way == ATT_IN && r->state == ATT_WHOLE);
}

/* What a scanner is to look at, and what it has not found clean. */
static enum err scan_put(struct node *n, struct txn *t, const struct att_row *row)
{
    const uint8_t verdict = (uint8_t)row->scan;
    enum err e;

    if (row->way == ATT_OUT)
        return ERR_OK;
    if (row->scan != SCAN_CLEAN && (row->state == ATT_WHOLE || row->state == ATT_TOLD)) {
        scans_look(n->scans);
        return store_put(t, TABLE_ATT_SCAN, SPAN_OF(row->address), span_of(&verdict, 1));
    }
    e = store_del(t, TABLE_ATT_SCAN, SPAN_OF(row->address));
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err attach_put(struct node *n, struct txn *t, const struct att_row *row)
{
    uint8_t key[ATT_KEY_BYTES];
    struct span at = key_of(row->way, row->address, key);
    struct writer w;
    enum err e;

    wr_init(&w);
    wr_array(&w, ROW_FIELDS);
    wr_fixed(&w, row->mid, ID_BYTES);
    wr_fixed(&w, row->org, ID_BYTES);
    wr_uint(&w, row->size);
    wr_uint(&w, (uint64_t)row->state);
    wr_uint(&w, row->code);
    wr_uint(&w, (uint64_t)row->scan);
    if ((e = row_put(n, t, TABLE_ATT, NULL, at, &w)) || (e = scan_put(n, t, row)))
        return e;
    if (is_live(row))
        return store_put(t, TABLE_ATT_LIVE, at, SPAN_OF(row->mid));
    e = store_del(t, TABLE_ATT_LIVE, at);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err attach_get(struct node *n, struct txn *t, enum att_way way,
                    const uint8_t address[ATTACHMENT_ADDRESS_BYTES], struct att_row *out)
{
    struct att_row row = {.way = way};
    uint8_t key[ATT_KEY_BYTES];
    struct bytes plain = {0};
    struct reader r;
    enum err e = vault_get(n->vault, t, TABLE_ATT, NULL, key_of(way, address, key), &plain);

    if (e)
        return e;
    memcpy(row.address, address, sizeof row.address);
    r = reader_over(bytes_span(&plain));
    rd_array(&r, ROW_FIELDS);
    rd_fixed(&r, row.mid, ID_BYTES);
    rd_fixed(&r, row.org, ID_BYTES);
    row.size = rd_uint(&r, ATTACHMENT_SEALED_MAX);
    row.state = (enum att_state)rd_uint_between(&r, ATT_WAITS, ATT_REFUSED);
    row.code = rd_u32(&r, UINT32_MAX);
    row.scan = (enum att_scan)rd_uint(&r, SCAN_FAILED);
    if (!(e = row_end(&r)))
        *out = row;
    seal_bytes_free(&plain);
    return e;
}

enum err attach_keep(struct node *n, const struct att_row *row)
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e && !(e = attach_put(n, t, row)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    return e;
}

struct live_seek {
    const uint8_t *mid; /* NULL: any */
    bool found;
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
};

static enum err live_one(void *arg, struct span key, struct span mid)
{
    struct live_seek *s = arg;

    if (key.len != ATT_KEY_BYTES || mid.len != ID_BYTES)
        return ERR_CORRUPT;
    if (s->mid && memcmp(s->mid, mid.ptr, ID_BYTES) != 0)
        return ERR_OK;
    s->found = true;
    memcpy(s->address, key.ptr + 1, sizeof s->address);
    return ERR_ENOUGH;
}

static enum err live_find(struct txn *t, enum att_way way, const uint8_t *after,
                          struct live_seek *s)
{
    uint8_t from[ATT_KEY_BYTES + 1] = {(uint8_t)way};
    uint8_t to[1] = {(uint8_t)(way + 1)};
    size_t len = 1;
    enum err e;

    if (after) {
        memcpy(from + 1, after, ATTACHMENT_ADDRESS_BYTES);
        len = sizeof from; /* one zero more: what comes behind it */
    }
    e = store_scan(t, TABLE_ATT_LIVE, span_of(from, len), SPAN_OF(to), SIZE_MAX, live_one, s);
    return e == ERR_ENOUGH ? ERR_OK : e;
}

enum err attach_live(struct node *n, enum att_way way, const uint8_t *after, struct att_row *out)
{
    struct live_seek s = {0};
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_READ, &t);

    if (!e)
        e = live_find(t, way, after, &s);
    if (!e)
        e = s.found ? attach_get(n, t, way, s.address, out) : ERR_NOT_FOUND;
    store_abort(&t);
    return e;
}

enum err attach_blocks(struct txn *t, const uint8_t mid[ID_BYTES], bool *yes)
{
    struct live_seek s = {.mid = mid};
    enum err e = live_find(t, ATT_OUT, NULL, &s);

    if (!e)
        *yes = s.found;
    return e;
}

enum err attach_sent(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                     const struct env_attachment *att, size_t count)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < count; i++) {
        struct att_row row = {.way = ATT_OUT, .size = att[i].size, .state = ATT_WAITS};

        memcpy(row.address, att[i].address, sizeof row.address);
        memcpy(row.mid, mid, ID_BYTES);
        memcpy(row.org, n->self.org, ID_BYTES);
        e = attach_put(n, t, &row);
    }
    return e;
}

enum err attach_again(struct node *n, const uint8_t mid[ID_BYTES])
{
    struct txn *t = NULL;
    struct out_row row;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e && !(e = out_row_get(n, t, mid, &row)) &&
        !(e = attach_sent(n, t, mid, row.header.att, row.header.att_count)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    return e;
}

/* One that came before under another sheet is here already, or on its way. */
enum err attach_received(struct node *n, struct txn *t, const struct env_header *h)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < h->att_count; i++) {
        struct att_row row = {.way = ATT_IN, .size = h->att[i].size, .state = ATT_WAITS};
        struct att_row before;

        e = attach_get(n, t, ATT_IN, h->att[i].address, &before);
        if (e != ERR_NOT_FOUND &&
            (e || (before.state != ATT_REFUSED && before.state != ATT_REMOVED)))
            continue;
        memcpy(row.address, h->att[i].address, sizeof row.address);
        memcpy(row.mid, h->mid, ID_BYTES);
        memcpy(row.org, h->from, ID_BYTES);
        e = attach_put(n, t, &row);
    }
    return e;
}

enum err attach_inside_name(const uint8_t mid[ID_BYTES], const uint8_t from[ID_BYTES],
                            size_t number, uint8_t name[ATTACHMENT_ADDRESS_BYTES])
{
    const uint8_t n = (uint8_t)number;
    struct digest d;

    digest_init(&d, "relais/node/inside", NO_KEY, DIGEST_256);
    digest_add(&d, span_of(mid, ID_BYTES));
    digest_add(&d, span_of(from, ID_BYTES));
    digest_add(&d, span_of(&n, 1));
    return digest_final(&d, name);
}

enum err attach_inside(struct node *n, struct txn *t, const struct env_header *h, size_t number,
                       uint64_t size)
{
    struct att_row row = {.way = ATT_IN, .size = size, .state = ATT_TOLD};
    struct att_row before;
    enum err e = attach_inside_name(h->mid, h->from, number, row.address);

    if (e || (e = attach_get(n, t, ATT_IN, row.address, &before)) != ERR_NOT_FOUND)
        return e;
    memcpy(row.mid, h->mid, ID_BYTES);
    memcpy(row.org, h->from, ID_BYTES);
    return attach_put(n, t, &row);
}

void att_source_wipe(struct att_source *s)
{
    seal_bytes_free(&s->content);
    seal_wipe(s, sizeof *s);
}

enum err attach_removed(struct node *n, struct txn *t, const struct receipt_facts *f)
{
    const struct detail *d = &f->detail;
    bool ours = memcmp(d->from, n->self.org, ID_BYTES) == 0;
    struct att_row row;
    enum err e = attach_get(n, t, ours ? ATT_OUT : ATT_IN, d->address, &row);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (ours && d->to_count == 0)
        return ERR_OK; /* everybody has it */
    if (row.state != ATT_WAITS && !ours)
        return ERR_OK; /* it came in time */
    log_info("attachment.removed", "ours=%d", ours ? 1 : 0);
    row.state = ATT_REMOVED;
    return attach_put(n, t, &row);
}

/* --- opening -------------------------------------------------------------------------------- */

struct sweep {
    struct node *n;
    struct txn *t;
    enum att_way way;
};

static enum err sweep_one(void *arg, const struct attfile_facts *facts, bool whole)
{
    struct sweep *s = arg;
    struct att_row row;
    enum err e = attach_get(s->n, s->t, s->way, facts->address, &row);

    (void)whole;
    if (e == ERR_NOT_FOUND) /* no sheet was made of it */
        e = attfile_remove(attach_dir(s->n, s->way), facts->address);
    return e;
}

static enum err dirs_make(struct node *n, struct attach *a)
{
    char top[ATTACH_PATH];
    enum err e;

    snprintf(top, sizeof top, "%s/attachments", n->dir);
    snprintf(a->out, sizeof a->out, "%s/attachments/out", n->dir);
    snprintf(a->in, sizeof a->in, "%s/attachments/in", n->dir);
    if ((e = dir_make(top, 0700)) || (e = dir_make(a->out, 0700)))
        return e;
    return dir_make(a->in, 0700);
}

enum err attach_open(struct node *n, struct attach **out)
{
    struct sweep s = {.n = n};
    struct attach *a = calloc(1, sizeof *a);
    enum err e = ERR_NOMEM;

    if (!a)
        return e;
    n->attach = a;
    if (!(a->room = malloc(ATTACHMENT_CHUNK)) || (e = dirs_make(n, a)) ||
        (e = store_begin(n->store, TXN_READ, &s.t)))
        goto fail;
    for (s.way = ATT_OUT; !e && s.way <= ATT_IN; s.way++)
        e = attfile_each(attach_dir(n, s.way), sweep_one, &s);
    store_abort(&s.t);
    if (e)
        goto fail;
    *out = a;
    return ERR_OK;
fail:
    n->attach = NULL;
    attach_close(a);
    return e;
}

void attach_close(struct attach *a)
{
    if (!a)
        return;
    seal_wipe(a->uploads, sizeof a->uploads);
    if (a->room)
        seal_wipe(a->room, ATTACHMENT_CHUNK);
    free(a->room);
    free(a);
}

const char *attach_dir(const struct node *n, enum att_way way)
{
    return way == ATT_OUT ? n->attach->out : n->attach->in;
}

uint8_t *attach_room(struct node *n)
{
    return n->attach->room;
}
