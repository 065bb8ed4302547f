/* `journal`: who read or wrote what on this node, as people read it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "clock.h"
#include "commands_internal.h"
#include "meta.h"
#include "reader.h"
#include "vault.h"

#define JOURNAL_MOST 1000

struct journal_list {
    struct node *n;
    struct txn *t;
    struct call *c;
    json_t *list;
    const char *person; /* hex, or NULL */
};

static const char *act_word(uint64_t act)
{
    static const char *const words[] = {"",       "lecture",     "écriture",       "dossier",
                                        "cercle", "exportation", "administration", "masquage"};

    return act < sizeof words / sizeof *words ? words[act] : "?";
}

static json_t *id_or_null(struct span id)
{
    return id.len == ID_BYTES ? json_hex(id.ptr, ID_BYTES) : json_null();
}

/* Date, act, who, about whom: by the end of the person's id, as lists show it. The journal outlives
 * the name, which is erased with the person. */
static enum err journal_say(struct journal_list *l, uint64_t number, uint64_t ms, const char *act,
                            const struct actor *who, struct span person)
{
    char at[TIME_TEXT_BYTES];
    enum err e = time_text(ms, at);

    if (e || (e = bytes_printf(&l->c->text, "%" PRIu64 "  %.2s/%.2s/%.4s à %.5s  %s  ", number,
                               at + 8, at + 5, at, at + 11, act)))
        return e;
    if (*who->name)
        e = bytes_printf(&l->c->text, "%s (%s)", who->name, who->profession);
    else
        e = bytes_printf(&l->c->text, "ce nœud");
    if (!e && person.len == ID_BYTES)
        e = bytes_printf(&l->c->text, "  personne %02x%02x%02x%02x", person.ptr[ID_BYTES - 4],
                         person.ptr[ID_BYTES - 3], person.ptr[ID_BYTES - 2],
                         person.ptr[ID_BYTES - 1]);
    return e ? e : bytes_printf(&l->c->text, "\n");
}

static enum err journal_one(void *arg, struct span key, struct span row)
{
    struct journal_list *l = arg;
    struct reader r = reader_over(row);
    struct span ids[3] = {{0}};
    struct actor actor = {0};
    uint8_t link[32];
    uint64_t ms;
    uint64_t act;
    enum err e;

    rd_array(&r, 6);
    rd_fixed(&r, link, sizeof link);
    ms = rd_uint(&r, UINT64_MAX);
    act = rd_uint(&r, UINT64_MAX);
    for (int i = 0; i < 3; i++)
        if (!rd_skip_nil(&r))
            ids[i] = rd_blob(&r, ID_BYTES, ID_BYTES);
    if ((e = row_end(&r)))
        return e;
    if (l->person && (ids[1].len == 0 || !id_fits(l->person, ids[1].ptr)))
        return ERR_OK;
    if (ids[0].len && (e = actor_get(l->n, l->t, ids[0].ptr, &actor)) && e != ERR_NOT_FOUND)
        return e;
    if (json_array_append_new(l->list, json_pack("{s:I, s:o, s:s, s:s, s:s, s:o, s:o}", "n",
                                                 (json_int_t)get_be64(key.ptr), "at", json_time(ms),
                                                 "act", act_word(act), "name", actor.name,
                                                 "profession", actor.profession, "person",
                                                 id_or_null(ids[1]), "about", id_or_null(ids[2]))))
        return ERR_NOMEM;
    return journal_say(l, get_be64(key.ptr), ms, act_word(act), &actor, ids[1]);
}

enum err journal_shown(struct node *n, struct call *c)
{
    struct journal_list l = {.n = n, .c = c, .list = json_array(), .person = arg_text(c, "person")};
    uint64_t most;
    uint8_t from[8] = {0};
    struct span last;
    struct span value;
    enum err e = arg_uint(c, "most", 100, JOURNAL_MOST, &most);

    if (!e && !(e = store_begin(n->store, TXN_READ, &l.t)) &&
        !(e = store_last(l.t, TABLE_JOURNAL, &last, &value))) {
        uint64_t count = get_be64(last.ptr) + 1;

        put_be64(from, l.person || count < most ? 0 : count - most);
        e = vault_scan(n->vault, l.t, TABLE_JOURNAL, SPAN_OF(from), span_text(""), SIZE_MAX,
                       journal_one, &l);
    }
    store_abort(&l.t);
    if (json_object_set_new(c->data, "journal", l.list))
        return ERR_NOMEM;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
