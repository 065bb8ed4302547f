#include "absence.h"

#include <string.h>

#include "contacts.h"
#include "log.h"
#include "meta.h"
#include "words.h"

#define ROW_NAME "absence"
#define ROW_FIELDS 7

void absence_wipe(struct absence *a)
{
    bytes_free(&a->ss);
    *a = (struct absence){0};
}

/* --- the one that waits ----------------------------------------------------------------------- */

static enum err absence_put(struct node *n, struct txn *t, const struct absence *a)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, ROW_FIELDS);
    wr_uint(&w, (uint64_t)a->state);
    wr_uint(&w, a->code);
    wr_uint(&w, a->ts_ms);
    wr_uint(&w, a->from_ms);
    wr_uint(&w, a->until_ms);
    wr_bin(&w, span_of(a->substitute, a->has_substitute ? ID_BYTES : 0));
    wr_bin(&w, bytes_span(&a->ss));
    return row_put(n, t, TABLE_META, NULL, span_text(ROW_NAME), &w);
}

static enum err row_read(struct span row, struct absence *out)
{
    struct reader r = reader_over(row);
    struct absence a = {0};
    struct span substitute;
    struct span ss;
    enum err e;

    rd_array(&r, ROW_FIELDS);
    a.state = (enum absence_state)rd_uint_between(&r, ABSENCE_WAITING, ABSENCE_REFUSED);
    a.code = rd_u32(&r, UINT32_MAX);
    a.ts_ms = rd_uint(&r, UINT64_MAX);
    a.from_ms = rd_uint(&r, UINT64_MAX);
    a.until_ms = rd_uint(&r, UINT64_MAX);
    substitute = rd_blob(&r, 0, ID_BYTES);
    ss = rd_blob(&r, 1, SS_MAX);
    if ((e = row_end(&r)))
        return e;
    if (substitute.len != 0 && substitute.len != ID_BYTES)
        return ERR_CORRUPT;
    a.has_substitute = substitute.len == ID_BYTES;
    if (a.has_substitute)
        memcpy(a.substitute, substitute.ptr, ID_BYTES);
    if ((e = bytes_copy(&a.ss, ss)))
        return e;
    *out = a;
    return ERR_OK;
}

enum err absence_get(struct node *n, struct txn *t, struct absence *out)
{
    struct bytes row = {0};
    enum err e = meta_get(n, t, ROW_NAME, &row);

    if (!e)
        e = row_read(bytes_span(&row), out);
    seal_bytes_free(&row);
    return e;
}

static const struct directory_absence *logged(const struct node *n)
{
    const struct directory_org *o = directory_find_org(contacts_directory(n), n->self.org);

    return o && o->absence.at > 0 ? &o->absence : NULL;
}

/* After every one of ours that the log has, or may have by now. */
static enum err next_ts(struct node *n, struct txn *t, uint64_t *ts_ms)
{
    const struct directory_absence *last = logged(n);
    struct absence waits = {0};
    enum err e = absence_get(n, t, &waits);

    if (e && e != ERR_NOT_FOUND)
        return e;
    *ts_ms = node_now_ms(n);
    if (!e && waits.ts_ms >= *ts_ms)
        *ts_ms = waits.ts_ms + 1;
    if (last && last->ts_ms >= *ts_ms)
        *ts_ms = last->ts_ms + 1;
    absence_wipe(&waits);
    return ERR_OK;
}

enum err absence_queue(struct node *n, struct txn *t, uint64_t from_ms, uint64_t until_ms,
                       const uint8_t *substitute)
{
    const struct directory *d = contacts_directory(n);
    struct absence_statement s = {.from_ms = from_ms, .until_ms = until_ms};
    struct absence a = {.state = ABSENCE_WAITING, .from_ms = from_ms, .until_ms = until_ms};
    enum err e;

    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if ((e = next_ts(n, t, &s.ts_ms)))
        return e;
    memcpy(s.federation, n->self.federation, ID_BYTES);
    memcpy(s.org, n->self.org, ID_BYTES);
    memcpy(s.node, n->self.node, ID_BYTES);
    if ((s.has_substitute = a.has_substitute = substitute != NULL)) {
        memcpy(s.substitute, substitute, ID_BYTES);
        memcpy(a.substitute, substitute, ID_BYTES);
    }
    a.ts_ms = s.ts_ms;
    if ((e = absence_sign(&s, n->sign, &a.ss)))
        goto out;
    if ((e = directory_check(d, directory_size(d), bytes_span(&a.ss))))
        goto out;
    if ((e = absence_put(n, t, &a)))
        goto out;
    n->absence_settled = false;
out:
    absence_wipe(&a);
    return e;
}

static enum err sign_anew(const struct node *n, struct absence *a)
{
    struct bytes fresh = {0};
    struct statement s;
    enum err e = statement_parse(bytes_span(&a->ss), &s);

    if (!e)
        e = statement_sign_alone(STATEMENT_KEYS, s.stmt, ROLE_NODE, n->self.org, n->sign, &fresh);
    if (e)
        return e;
    bytes_free(&a->ss);
    a->ss = fresh;
    return ERR_OK;
}

enum err absence_resign(struct node *n, struct txn *t)
{
    struct absence a = {0};
    enum err e = absence_get(n, t, &a);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    if (!(e = sign_anew(n, &a)))
        e = absence_put(n, t, &a);
    absence_wipe(&a);
    return e;
}

/* --- to the hub ------------------------------------------------------------------------------- */

static enum err settle(struct node *n, struct txn **t, struct absence *a, enum err why)
{
    enum err e;

    if (why) {
        a->state = ABSENCE_REFUSED;
        a->code = (uint32_t)why;
        log_warn("absence.refused", "why=%s", err_name(why));
        e = absence_put(n, *t, a);
    } else {
        e = meta_del(n, *t, ROW_NAME);
    }
    if (!e && !(e = node_commit(n, t)))
        n->absence_settled = true;
    return e;
}

/* ERR_AGAIN: the log has it, or one that came after it. */
static enum err due_in(struct node *n, struct txn **t, struct absence *a)
{
    const struct directory_absence *last = logged(n);
    enum err e = absence_get(n, *t, a);

    if (e == ERR_NOT_FOUND || (!e && a->state == ABSENCE_REFUSED)) {
        n->absence_settled = true;
        return ERR_AGAIN;
    }
    if (e || !last || last->ts_ms < a->ts_ms)
        return e;
    if (last->ts_ms == a->ts_ms && last->from_ms == a->from_ms && last->until_ms == a->until_ms)
        e = settle(n, t, a, ERR_OK);
    else
        e = settle(n, t, a, ERR_CHAIN); /* another node of ours was quicker */
    return e ? e : ERR_AGAIN;
}

enum err absence_due(struct node *n, uint64_t *ts_ms, struct bytes *ss)
{
    struct absence a = {0};
    struct txn *t = NULL;
    enum err e;

    if (n->absence_settled || !n->self.joined)
        return ERR_AGAIN;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = due_in(n, &t, &a))) {
        *ts_ms = a.ts_ms;
        *ss = a.ss;
        a.ss = (struct bytes){0};
    }
    node_abort(n, &t);
    absence_wipe(&a);
    return e;
}

enum err absence_refused(struct node *n, uint64_t ts_ms, enum err why)
{
    struct absence a = {0};
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_WRITE, &t);

    if (!e)
        e = absence_get(n, t, &a);
    if (!e && a.ts_ms == ts_ms && a.state == ABSENCE_WAITING)
        e = settle(n, &t, &a, why);
    node_abort(n, &t);
    absence_wipe(&a);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* --- for people --------------------------------------------------------------------------------
 */

static enum err day_say(uint64_t ms, struct bytes *out)
{
    char text[TIME_TEXT_BYTES];
    enum err e = time_text(ms, text);

    return e ? e : bytes_printf(out, "%.2s/%.2s/%.4s", text + 8, text + 5, text);
}

enum err absence_days(uint64_t from_ms, uint64_t until_ms, struct bytes *out)
{
    enum err e;

    if ((e = bytes_printf(out, " du ")) || (e = day_say(from_ms, out)) ||
        (e = bytes_printf(out, " au ")))
        return e;
    return day_say(until_ms - 1, out);
}

enum err absence_warn(struct node *n, const uint8_t org[ID_BYTES], struct bytes *out)
{
    const struct directory *d = contacts_directory(n);
    uint64_t now_ms = node_now_ms(n);
    const struct directory_absence *a = directory_absence(d, org, now_ms);
    const struct directory_org *instead;
    enum err e;

    if (!a || a->from_ms > now_ms + ABSENCE_SOON_MS)
        return ERR_OK;
    if ((e = word_printable(contacts_org_name(n, org), out)) ||
        (e = bytes_printf(out, " a annoncé sa fermeture")) ||
        (e = absence_days(a->from_ms, a->until_ms, out)))
        return e;
    instead = directory_org(d, a->substitute);
    if (instead && directory_org_state(d, instead, DIRECTORY_NOW, now_ms) == DIRECTORY_ACTIVE &&
        ((e = bytes_printf(out, " ; adressez-vous à ")) ||
         (e = word_printable(instead->name, out))))
        return e;
    return bytes_printf(out, ". La fiche l'attendra au hub.\n");
}

enum err absence_status(struct node *n, struct txn *t, struct bytes *out)
{
    struct absence a = {0};
    enum err e = absence_get(n, t, &a);

    if (!e && a.state == ABSENCE_REFUSED)
        e = bytes_printf(out, "Votre annonce de fermeture a été refusée par le hub : voyez « "
                              "absence list ».\n");
    absence_wipe(&a);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
