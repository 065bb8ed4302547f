#include "match.h"

#include <string.h>

#include "random.h"
#include "text.h"
#include "vault.h"

#define INDEX_INS "person.ins"
#define INDEX_BLOCK "person.block"
#define INDEX_NAME "person.name"
#define LOOKED_AT_MAX 256 /* persons of one name */

const char *match_word(enum match_grade g)
{
    switch (g) {
    case MATCH_INS:
        return "même matricule INS qualifié, rien ne le contredit";
    case MATCH_TRAITS:
        return "les cinq traits stricts sont égaux";
    case MATCH_POSSIBLE:
        return "possible : à vérifier, les traits connus ne suffisent pas";
    case MATCH_CONTRADICTED:
        return "même matricule, mais des traits se contredisent : l'un des dossiers est faux";
    }
    return "";
}

/* --- index ----------------------------------------------------------------------------------- */

typedef enum err index_fn(struct vault *v, struct txn *t, const char *name, struct span value,
                          const uint8_t id[ID_BYTES]);

/* date ‖ sex ‖ folded name; nothing when one of them is not known. */
static enum err block_value(const struct identity *p, const char *name, struct bytes *out)
{
    struct bytes folded = {0};
    enum err e;

    if (!*p->birth_date || p->sex == 0 || !*name)
        return ERR_OK;
    if (!(e = text_fold(span_text(name), &folded)) && folded.len > 0 &&
        !(e = bytes_printf(out, "%s/%u/", p->birth_date, (unsigned)p->sex)))
        e = bytes_append(out, bytes_span(&folded));
    seal_bytes_free(&folded);
    return e;
}

static enum err name_value(const struct identity *p, const char *name, struct bytes *out)
{
    (void)p;
    return *name ? text_fold(span_text(name), out) : ERR_OK;
}

typedef enum err value_fn(const struct identity *p, const char *name, struct bytes *out);

static enum err index_one(struct node *n, struct txn *t, const struct person *p, index_fn *act,
                          const char *index, value_fn *make, const char *name)
{
    struct bytes value = {0};
    enum err e = make(&p->identity, name, &value);

    if (!e && value.len > 0)
        e = act(n->vault, t, index, bytes_span(&value), p->id);
    seal_bytes_free(&value);
    return e == ERR_NOT_FOUND ? ERR_OK : e; /* both names alike: taken away by the first */
}

static enum err index_all(struct node *n, struct txn *t, const struct person *p, index_fn *act)
{
    const struct identity *i = &p->identity;
    enum err e = ERR_OK;

    if (i->status == INS_QUAL)
        e = act(n->vault, t, INDEX_INS, span_text(i->matricule), p->id);
    if (!e)
        e = index_one(n, t, p, act, INDEX_BLOCK, block_value, i->birth_name);
    if (!e)
        e = index_one(n, t, p, act, INDEX_BLOCK, block_value, i->used_name);
    if (!e)
        e = index_one(n, t, p, act, INDEX_NAME, name_value, i->birth_name);
    if (!e)
        e = index_one(n, t, p, act, INDEX_NAME, name_value, i->used_name);
    return e;
}

enum err match_index(struct node *n, struct txn *t, const struct person *p)
{
    return index_all(n, t, p, vault_index_put);
}

enum err match_unindex(struct node *n, struct txn *t, const struct person *p)
{
    return index_all(n, t, p, vault_index_del);
}

/* --- grades ---------------------------------------------------------------------------------- */

static bool same_folded(const char *a, const char *b)
{
    struct bytes fa = {0};
    struct bytes fb = {0};
    bool same = !text_fold(span_text(a), &fa) && !text_fold(span_text(b), &fb) &&
                span_equal(bytes_span(&fa), bytes_span(&fb));

    seal_bytes_free(&fa);
    seal_bytes_free(&fb);
    return same;
}

static bool same_traits(const struct identity *a, const struct identity *b)
{
    return identity_has_traits(a) && identity_has_traits(b) &&
           same_folded(a->birth_name, b->birth_name) &&
           same_folded(a->birth_first[0], b->birth_first[0]) &&
           strcmp(a->birth_date, b->birth_date) == 0 && a->sex == b->sex &&
           strcmp(a->birth_place, b->birth_place) == 0;
}

static bool same_ins(const struct identity *a, const struct identity *b)
{
    return a->status == INS_QUAL && b->status == INS_QUAL &&
           strcmp(a->matricule, b->matricule) == 0;
}

static enum match_grade grade_of(const struct identity *a, const struct identity *b, bool blocked)
{
    bool agree = identity_agree(a, b);

    if (same_ins(a, b))
        return agree ? MATCH_INS : MATCH_CONTRADICTED;
    if (a->status == INS_QUAL && b->status == INS_QUAL)
        return 0; /* two qualified identities: two persons, twins perhaps */
    if (agree && same_traits(a, b))
        return MATCH_TRAITS;
    return agree || blocked ? MATCH_POSSIBLE : 0;
}

/* --- search ---------------------------------------------------------------------------------- */

struct search {
    struct node *n;
    struct txn *t;
    const struct identity *who;
    const uint8_t *except;
    struct match *out;
    size_t count;
    bool truncated;
};

static bool found_before(const struct search *s, const uint8_t id[ID_BYTES])
{
    for (size_t i = 0; i < s->count; i++)
        if (memcmp(s->out[i].person, id, ID_BYTES) == 0)
            return true;
    return s->except && memcmp(s->except, id, ID_BYTES) == 0;
}

static enum err consider(struct search *s, const uint8_t id[ID_BYTES], bool blocked)
{
    enum match_grade g;
    struct person p;
    size_t at;
    enum err e;

    if (found_before(s, id))
        return ERR_OK;
    if ((e = person_get(s->n, s->t, id, &p)))
        return e == ERR_NOT_FOUND ? ERR_OK : e; /* erased: her index entries are dead */
    g = grade_of(s->who, &p.identity, blocked);
    seal_wipe(&p.identity, sizeof p.identity);
    if (g == 0)
        return ERR_OK;
    if (s->count == MATCHES_MAX) {
        s->truncated = true;
        return ERR_OK;
    }
    for (at = s->count; at > 0 && s->out[at - 1].grade > g; at--)
        s->out[at] = s->out[at - 1];
    s->out[at].grade = g;
    s->out[at].provisional = p.provisional;
    memcpy(s->out[at].person, id, ID_BYTES);
    s->count++;
    return ERR_OK;
}

static enum err search_index(struct search *s, const char *index, struct span value, bool blocked)
{
    uint8_t ids[LOOKED_AT_MAX][ID_BYTES];
    size_t count = 0;
    enum err e;

    if (value.len == 0)
        return ERR_OK;
    e = vault_index_find(s->n->vault, s->t, index, value, ids, LOOKED_AT_MAX, &count);
    if (e == ERR_FULL) {
        s->truncated = true;
        count = LOOKED_AT_MAX;
        e = ERR_OK;
    }
    for (size_t i = 0; !e && i < count; i++)
        e = consider(s, ids[i], blocked);
    return e;
}

static enum err search_by(struct search *s, const char *index, value_fn *make, const char *name,
                          bool blocked)
{
    struct bytes value = {0};
    enum err e = make(s->who, name, &value);

    if (!e)
        e = search_index(s, index, bytes_span(&value), blocked);
    seal_bytes_free(&value);
    return e;
}

enum err match_find(struct node *n, struct txn *t, const struct identity *who,
                    const uint8_t *except, struct match out[MATCHES_MAX], size_t *count,
                    bool *truncated)
{
    struct search s = {.n = n, .t = t, .who = who, .except = except, .out = out};
    enum err e = ERR_OK;

    if (who->status == INS_QUAL)
        e = search_index(&s, INDEX_INS, span_text(who->matricule), false);
    if (!e)
        e = search_by(&s, INDEX_BLOCK, block_value, who->birth_name, true);
    if (!e)
        e = search_by(&s, INDEX_BLOCK, block_value, who->used_name, true);
    if (!e)
        e = search_by(&s, INDEX_NAME, name_value, who->birth_name, false);
    if (!e)
        e = search_by(&s, INDEX_NAME, name_value, who->used_name, false);
    if (e)
        return e;
    *count = s.count;
    *truncated = s.truncated;
    return ERR_OK;
}
