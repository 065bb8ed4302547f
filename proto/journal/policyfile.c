/* policyfile - reads the trust policy; see trust.h for the form of the file. */
#include "policyfile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "utf8.h"

static_assert(TRUST_WITNESSES_MAX <= 32 && TRUST_GROUPS_MAX <= 32, "members fit 32 bits");

/* Items of a line */

static struct span trim(struct span text)
{
    while (text.len != 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = (struct span){text.ptr + 1, text.len - 1};
    while (text.len != 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Takes the next item off a trimmed line; 0 at its end. */
static int item_next(struct span *line, struct span *item)
{
    size_t n = 0;

    while (n < line->len && line->ptr[n] != ' ' && line->ptr[n] != '\t')
        n++;
    *item = (struct span){line->ptr, n};
    *line = trim((struct span){line->ptr + n, line->len - n});
    return n != 0;
}

static enum err name_copy(struct span item, char name[NOTE_NAME_MAX + 1])
{
    if (item.len > NOTE_NAME_MAX || !utf8_plain(item))
        return ERR_FIELD_VALUE;
    memset(name, 0, NOTE_NAME_MAX + 1);
    memcpy(name, item.ptr, item.len);
    return ERR_OK;
}

/* Witnesses and groups share one namespace. */
static enum err member_find(const struct trust *t, struct span name, uint32_t *witness,
                            uint32_t *group)
{
    *witness = 0;
    *group = 0;
    for (size_t i = 0; i < t->witness_count; i++)
        if (span_equal(name, span_text(t->witness_names[i])))
            *witness = (uint32_t)1 << i;
    for (size_t i = 0; i < t->group_count; i++)
        if (span_equal(name, span_text(t->groups[i].name)))
            *group = (uint32_t)1 << i;
    return *witness != 0 || *group != 0 ? ERR_OK : ERR_NOT_FOUND;
}

static enum err name_new(const struct trust *t, struct span item, char name[NOTE_NAME_MAX + 1])
{
    uint32_t witness, group;

    if (span_equal(item, SPAN_STR("none")))
        return ERR_FIELD_VALUE;
    if (member_find(t, item, &witness, &group) == ERR_OK)
        return ERR_DUPLICATE_KEY;
    return name_copy(item, name);
}

/* A table with room for one more row: grown by doubling, from 16. NULL: out of memory, and the
 * old one still stands. */
static void *rows_with_room(void *rows, size_t count, size_t row_bytes)
{
    if (count != 0 && (count < 16 || (count & (count - 1)) != 0))
        return rows;
    return realloc(rows, (count < 16 ? 16 : 2 * count) * row_bytes);
}

static int pk_equal(const struct note_key *a, const struct note_key *b)
{
    return memcmp(a->pk.b, b->pk.b, KEY_BYTES) == 0;
}

/* Vkey and the optional URL, which is for people and other programs. */
static enum err vkey_item(struct span *rest, enum note_kind kind, struct note_key *out)
{
    struct span item, url;
    struct note_key k;
    enum err e;

    if (!item_next(rest, &item))
        return ERR_FIELD_MISSING;
    if ((e = note_key_read(item, &k)))
        return e;
    if (k.kind != kind)
        return ERR_FIELD_VALUE;
    if (item_next(rest, &url) && rest->len != 0)
        return ERR_TRAILING;
    *out = k;
    return ERR_OK;
}

/* Lines: each gets what follows its keyword */

static enum err log_add(struct trust *t, const struct note_key *key, uint64_t most)
{
    const struct note_key k = *key;

    for (size_t i = 0; i < t->log_count; i++)
        if (pk_equal(&t->logs[i], &k) && strcmp(t->logs[i].name, k.name) == 0)
            return ERR_DUPLICATE_KEY;
    for (size_t i = 0; i < t->witness_count; i++)
        if (pk_equal(&t->witnesses[i], &k))
            return ERR_DUPLICATE_KEY;
    t->log_most[t->log_count] = most;
    t->logs[t->log_count++] = k;
    return ERR_OK;
}

static enum err on_log(struct trust *t, struct span rest)
{
    struct note_key k;
    enum err e;

    if (t->log_count == TRUST_LOGS_MAX)
        return ERR_ITEMS;
    return (e = vkey_item(&rest, NOTE_SIGNED, &k)) ? e : log_add(t, &k, UINT64_MAX);
}

static enum err on_former(struct trust *t, struct span rest)
{
    struct span vkey, size;
    struct note_key k;
    uint64_t most;
    enum err e;

    if (t->log_count == TRUST_LOGS_MAX)
        return ERR_ITEMS;
    if (!item_next(&rest, &vkey) || !item_next(&rest, &size))
        return ERR_FIELD_MISSING;
    if (rest.len != 0)
        return ERR_TRAILING;
    if ((e = vkey_item(&vkey, NOTE_SIGNED, &k)))
        return e;
    if (line_number(size, INT64_MAX, &most) != ERR_OK)
        return ERR_FIELD_VALUE;
    return log_add(t, &k, most);
}

static enum err on_witness(struct trust *t, struct span rest)
{
    char name[NOTE_NAME_MAX + 1];
    struct span item;
    struct note_key k;
    enum err e;

    if (t->witness_count == TRUST_WITNESSES_MAX)
        return ERR_ITEMS;
    if (!item_next(&rest, &item))
        return ERR_FIELD_MISSING;
    if ((e = name_new(t, item, name)))
        return e;
    if ((e = vkey_item(&rest, NOTE_COSIGNED, &k)))
        return e;
    for (size_t i = 0; i < t->witness_count; i++)
        if (pk_equal(&t->witnesses[i], &k)) /* or one witness would count for two */
            return ERR_DUPLICATE_KEY;
    for (size_t i = 0; i < t->log_count; i++)
        if (pk_equal(&t->logs[i], &k)) /* nobody witnesses himself */
            return ERR_DUPLICATE_KEY;
    memcpy(t->witness_names[t->witness_count], name, sizeof name);
    t->witnesses[t->witness_count++] = k;
    return ERR_OK;
}

/* A thing is a member of one group at most, so that nobody counts twice. */
static int is_taken(const struct trust *t, uint32_t witness, uint32_t group)
{
    for (size_t i = 0; i < t->group_count; i++)
        if ((t->groups[i].witnesses & witness) != 0 || (t->groups[i].groups & group) != 0)
            return 1;
    return 0;
}

static enum err members_read(const struct trust *t, struct span rest, struct group *g, unsigned *n)
{
    struct span item;

    *n = 0;
    while (item_next(&rest, &item)) {
        uint32_t witness, group;

        if (member_find(t, item, &witness, &group) != ERR_OK)
            return ERR_NOT_FOUND;
        if (is_taken(t, witness, group) || (g->witnesses & witness) || (g->groups & group))
            return ERR_DUPLICATE_KEY;
        g->witnesses |= witness;
        g->groups |= group;
        (*n)++;
    }
    return *n != 0 ? ERR_OK : ERR_FIELD_MISSING;
}

static enum err on_group(struct trust *t, struct span rest)
{
    struct group g = {0};
    struct span item, least;
    uint64_t k = 1;
    unsigned n;
    enum err e;

    if (t->group_count == TRUST_GROUPS_MAX)
        return ERR_ITEMS;
    if (!item_next(&rest, &item) || !item_next(&rest, &least))
        return ERR_FIELD_MISSING;
    if ((e = name_new(t, item, g.name)))
        return e;
    if ((e = members_read(t, rest, &g, &n)))
        return e;
    if (span_equal(least, SPAN_STR("all")))
        k = n;
    else if (!span_equal(least, SPAN_STR("any")) && (line_number(least, n, &k) != ERR_OK || k == 0))
        return ERR_FIELD_VALUE;
    g.least = (unsigned)k;
    t->groups[t->group_count++] = g;
    return ERR_OK;
}

static enum err on_quorum(struct trust *t, struct span rest)
{
    struct span item;

    if (t->has_quorum)
        return ERR_DUPLICATE_KEY;
    if (!item_next(&rest, &item))
        return ERR_FIELD_MISSING;
    if (rest.len != 0)
        return ERR_TRAILING;
    if (!span_equal(item, SPAN_STR("none"))) {
        if (member_find(t, item, &t->quorum.witnesses, &t->quorum.groups) != ERR_OK)
            return ERR_NOT_FOUND;
        t->quorum.least = 1;
    }
    t->has_quorum = 1;
    return ERR_OK;
}

static enum err on_org(struct trust *t, struct span rest)
{
    struct org o = {0};
    struct span item;
    struct org *rows;
    enum err e;

    if (t->org_count == TRUST_ORGS_MAX)
        return ERR_ITEMS;
    if (!item_next(&rest, &item) || rest.len == 0)
        return ERR_FIELD_MISSING;
    if ((e = hex_read_fixed(o.id, sizeof o.id, item)))
        return e;
    if (rest.len > TRUST_NAME_MAX || !utf8_plain(rest))
        return ERR_FIELD_VALUE;
    if (trust_org_name(t, o.id) != NULL)
        return ERR_DUPLICATE_KEY;
    memcpy(o.name, rest.ptr, rest.len);
    if ((rows = rows_with_room(t->orgs, t->org_count, sizeof o)) == NULL)
        return ERR_NOMEM;
    t->orgs = rows;
    t->orgs[t->org_count++] = o;
    return ERR_OK;
}

static enum err on_key(struct trust *t, struct span rest)
{
    struct span org, kid, base64;
    uint8_t expected[KID_BYTES];
    struct sign_public unused;
    struct org_key *rows;
    struct org_key k;
    enum err e;

    if (t->key_count == TRUST_KEYS_MAX)
        return ERR_ITEMS;
    if (!item_next(&rest, &org) || !item_next(&rest, &kid) || !item_next(&rest, &base64))
        return ERR_FIELD_MISSING;
    if (rest.len != 0)
        return ERR_TRAILING;
    if ((e = hex_read_fixed(k.org, sizeof k.org, org)) ||
        (e = hex_read_fixed(k.kid, sizeof k.kid, kid)) ||
        (e = line_fixed(base64, k.pk.b, sizeof k.pk.b)))
        return e;
    if (trust_org_name(t, k.org) == NULL)
        return ERR_NOT_FOUND;
    sign_kid(&k.pk, expected);
    if (memcmp(expected, k.kid, sizeof expected) != 0)
        return ERR_FIELD_VALUE;
    if (trust_org_key(t, k.org, k.kid, &unused) == ERR_OK)
        return ERR_DUPLICATE_KEY;
    if ((rows = rows_with_room(t->keys, t->key_count, sizeof k)) == NULL)
        return ERR_NOMEM;
    t->keys = rows;
    t->keys[t->key_count++] = k;
    return ERR_OK;
}

static const struct {
    const char *keyword;
    enum err (*read)(struct trust *t, struct span rest);
} line_kinds[] = {
    {"log",     on_log    },
    {"former",  on_former },
    {"witness", on_witness},
    {"group",   on_group  },
    {"quorum",  on_quorum },
    {"org",     on_org    },
    {"key",     on_key    },
};

static enum err line_apply(struct trust *t, struct span line)
{
    struct span keyword;

    for (size_t i = 0; i < line.len; i++)
        if ((line.ptr[i] < 0x20 && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
            return ERR_TEXT_FORM;
    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#')
        return ERR_OK;
    (void)item_next(&line, &keyword);
    for (size_t i = 0; i < sizeof line_kinds / sizeof line_kinds[0]; i++)
        if (span_equal(keyword, span_text(line_kinds[i].keyword)))
            return line_kinds[i].read(t, line);
    return ERR_FIELD_UNKNOWN;
}

enum err trust_read(struct span text, struct trust **out, unsigned *line)
{
    struct trust *t = NULL;
    unsigned number = 0;
    struct span one;
    enum err e = ERR_SIZE;

    if (text.len > TRUST_FILE_MAX)
        goto out;
    t = calloc(1, sizeof *t);
    e = ERR_NOMEM;
    if (t == NULL)
        goto out;
    while (text.len != 0) {
        number++;
        if ((e = line_next(&text, &one)))
            goto out;
        if ((e = line_apply(t, one)))
            goto out;
    }
    number = 0;
    e = ERR_FIELD_MISSING;
    if (!t->has_quorum)
        goto out;
    *out = t;
    t = NULL;
    e = ERR_OK;
out:
    if (line != NULL)
        *line = e == ERR_NOMEM ? 0 : number;
    trust_free(t);
    return e;
}
