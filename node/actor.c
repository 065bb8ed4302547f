#include "actor.h"

#include <string.h>

#include "digest.h"
#include "meta.h"
#include "text.h"
#include "utf8.h"
#include "vault.h"

#define ACTOR_FIELDS 4
#define JOURNAL_FIELDS 6

bool rpps_check(const char digits[RPPS_DIGITS])
{
    unsigned sum = 0;

    for (size_t i = 0; i < RPPS_DIGITS; i++) {
        unsigned d;

        if (digits[i] < '0' || digits[i] > '9')
            return false;
        d = (unsigned)(digits[i] - '0');
        if ((RPPS_DIGITS - i) % 2 == 0) /* every second one from the right is doubled */
            d = d > 4 ? 2 * d - 9 : 2 * d;
        sum += d;
    }
    return sum % 10 == 0;
}

static enum err text_field(const json_t *from, const char *name, char *out, size_t max)
{
    const json_t *value = json_object_get(from, name);
    struct bytes nfc = {0};
    struct span raw;
    enum err e = ERR_ACTOR;

    if (!json_is_string(value))
        return ERR_ACTOR;
    raw = span_of(json_string_value(value), json_string_length(value));
    if (!utf8_plain(raw) || raw.len == 0)
        return ERR_ACTOR;
    if ((e = text_nfc(raw, &nfc)))
        return e == ERR_NOMEM ? e : ERR_ACTOR;
    if (nfc.len <= max) {
        memcpy(out, nfc.ptr, nfc.len);
        out[nfc.len] = '\0';
    } else {
        e = ERR_ACTOR;
    }
    bytes_free(&nfc);
    return e;
}

enum err actor_read(const json_t *from, struct actor *out)
{
    const json_t *category;
    const json_t *rpps;
    struct actor a = {0};
    enum err e;

    if (!json_is_object(from))
        return ERR_ACTOR;
    if ((e = text_field(from, "name", a.name, ACTOR_NAME_MAX)) ||
        (e = text_field(from, "profession", a.profession, ACTOR_PROFESSION_MAX)))
        return e;
    category = json_object_get(from, "category");
    if (!json_is_integer(category) || (json_integer_value(category) != CATEGORY_HEALTH &&
                                       json_integer_value(category) != CATEGORY_SOCIAL))
        return ERR_ACTOR;
    a.category = (uint64_t)json_integer_value(category);
    rpps = json_object_get(from, "rpps");
    if (json_is_string(rpps) && json_string_length(rpps) > 0) {
        const char *digits = json_string_value(rpps);

        if (json_string_length(rpps) != RPPS_DIGITS || strspn(digits, "0123456789") != RPPS_DIGITS)
            return ERR_ACTOR;
        memcpy(a.rpps, digits, RPPS_DIGITS);
        a.rpps_doubtful = !rpps_check(digits);
    } else if (rpps && !json_is_null(rpps) && !json_is_string(rpps)) {
        return ERR_ACTOR;
    }
    *out = a;
    return ERR_OK;
}

static enum err actor_encode(const struct actor *a, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, ACTOR_FIELDS);
    wr_text(&w, span_text(a->name));
    wr_text(&w, span_text(a->profession));
    wr_uint(&w, a->category);
    wr_text(&w, span_text(a->rpps));
    return wr_take(&w, out);
}

enum err actor_id(struct node *n, struct txn *t, const struct actor *a, uint8_t id[ID_BYTES])
{
    struct bytes row = {0};
    uint8_t name[ID_BYTES];
    enum err e;

    if ((e = actor_encode(a, &row)))
        return e;
    if ((e = vault_pseudonym(n->vault, bytes_span(&row), name)))
        goto out;
    e = vault_put_new(n->vault, t, TABLE_ACTOR, NULL, SPAN_OF(name), bytes_span(&row));
    if (e == ERR_EXISTS)
        e = ERR_OK;
    if (!e)
        memcpy(id, name, sizeof name);
out:
    bytes_free(&row);
    return e;
}

static void text_take(char *out, struct span text)
{
    if (text.len)
        memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

enum err actor_get(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], struct actor *out)
{
    struct bytes row = {0};
    struct actor a = {0};
    enum err e = vault_get(n->vault, t, TABLE_ACTOR, NULL, span_of(id, ID_BYTES), &row);

    if (!e) {
        struct reader r = reader_over(bytes_span(&row));

        rd_array(&r, ACTOR_FIELDS);
        text_take(a.name, rd_text(&r, ACTOR_NAME_MAX));
        text_take(a.profession, rd_text(&r, ACTOR_PROFESSION_MAX));
        a.category = rd_uint(&r, CATEGORY_SOCIAL);
        text_take(a.rpps, rd_text(&r, RPPS_DIGITS));
        e = row_end(&r);
    }
    if (!e)
        *out = a;
    seal_bytes_free(&row);
    return e;
}

/* --- journal ---------------------------------------------------------------------------------- */

/* Hash of the row before, so that none can be taken out or put in. */
static enum err journal_link(struct node *n, struct txn *t, uint64_t *number, uint8_t link[32])
{
    struct bytes row = {0};
    struct span key;
    struct span record;
    enum err e = store_last(t, TABLE_JOURNAL, &key, &record);

    if (e == ERR_NOT_FOUND) {
        *number = 0;
        memset(link, 0, 32);
        return ERR_OK;
    }
    if (e || key.len != 8)
        return e ? e : ERR_CORRUPT;
    *number = get_be64(key.ptr) + 1;
    if (!(e = vault_reveal(n->vault, t, TABLE_JOURNAL, NULL, key, record, &row)))
        e = digest_of("relais/node/journal", bytes_span(&row), link, DIGEST_256);
    seal_bytes_free(&row);
    return e;
}

static void optional_id(struct writer *w, const uint8_t *id)
{
    if (id)
        wr_fixed(w, id, ID_BYTES);
    else
        wr_nil(w);
}

enum err journal_add(struct node *n, struct txn *t, enum journal_act act, const uint8_t *actor,
                     const uint8_t *person, const uint8_t *about)
{
    uint64_t number;
    uint8_t link[32];
    uint8_t key[8];
    struct writer w;
    enum err e = journal_link(n, t, &number, link);

    if (e)
        return e;
    put_be64(key, number);
    wr_init(&w);
    wr_array(&w, JOURNAL_FIELDS);
    wr_fixed(&w, link, sizeof link);
    wr_uint(&w, node_now_ms(n));
    wr_uint(&w, (uint64_t)act);
    optional_id(&w, actor);
    optional_id(&w, person);
    optional_id(&w, about);
    return row_put(n, t, TABLE_JOURNAL, NULL, SPAN_OF(key), &w);
}
