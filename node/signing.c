/* Signatures this organisation is asked for, as founder or countersigner: a REQUEST file is shown
 * in French, and signed only when a human has said so (join.h). */
#include <string.h>

#include "contacts.h"
#include "join.h"
#include "reader.h"
#include "words.h"

struct asked {
    struct statement st;
    enum keys_kind kind;
    uint8_t org[ID_BYTES]; /* own, as the request or the pins know it */
    enum statement_role role;
};

/* What a founder has to know of it; the rest is judged by directory.h once all have signed. */
struct genesis_view {
    struct span name;
    uint64_t mode;
    uint64_t delay_s;
    size_t founders;
    bool ours;
    uint8_t org[ID_BYTES]; /* own, when ours */
};

static void founders_read(struct node *n, struct reader *r, struct genesis_view *v)
{
    const struct sign_public *own = secret_sign_public(n->sign);

    v->founders = rd_array_between(r, 1, FOUNDERS_MAX);
    for (size_t i = 0; i < v->founders; i++) {
        uint8_t org[ID_BYTES];
        struct sign_public pk;

        rd_array(r, 2);
        rd_fixed(r, org, sizeof org);
        rd_fixed(r, pk.b, sizeof pk.b);
        if (rd_error(r) || memcmp(pk.b, own->b, KEY_BYTES) != 0)
            continue;
        v->ours = true;
        memcpy(v->org, org, ID_BYTES);
    }
}

static enum err genesis_read(struct node *n, struct span stmt, struct genesis_view *v)
{
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, 64);
    uint64_t key;

    while (rd_map_next(&r, &m, &key)) {
        switch (key) {
        case 4:
            v->name = rd_text_between(&r, 1, FEDERATION_NAME_MAX);
            break;
        case 5:
            v->mode = rd_uint_between(&r, MODE_REAL, MODE_EXERCISE);
            break;
        case 11:
            founders_read(n, &r, v);
            break;
        case 12:
            v->delay_s = rd_uint(&r, EMERGENCY_DELAY_MAX_S);
            break;
        default:
            rd_skip(&r);
        }
    }
    rd_map_require(&r, &m, RD_KEY(4) | RD_KEY(5) | RD_KEY(11) | RD_KEY(12));
    return rd_end(&r);
}

/* A founder is named in genesis by organisation and key: ours is the one with our key. */
static enum err genesis_shown(struct node *n, struct asked *a, struct bytes *text)
{
    struct genesis_view v = {0};
    enum err e = genesis_read(n, a->st.stmt, &v);

    if (e)
        return e;
    a->role = ROLE_FOUNDER;
    memcpy(a->org, v.org, ID_BYTES);
    if ((e = bytes_printf(text,
                          "Acte de naissance de la fédération « %.*s » (%s), avec %zu membre(s) "
                          "fondateur(s).\nDélai avant l'entrée en vigueur d'un service d'urgence : "
                          "%llu s.\n",
                          (int)v.name.len, (const char *)v.name.ptr, word_mode(v.mode), v.founders,
                          (unsigned long long)v.delay_s)))
        return e;
    return v.ours ? ERR_OK : ERR_RIGHT;
}

#define RESET_TEXT                                                                                     \
    "Clés entièrement nouvelles, SANS les anciennes, qui sont perdues : tout ce qui est écrit "     \
    "désormais à cette organisation ira à qui les détient. Vérifiez de vive voix, auprès d'une " \
    "personne que vous y connaissez, qu'elle a bien perdu les siennes. Il s'agit de"

static enum err enrol_shown(struct node *n, struct asked *a, struct bytes *text)
{
    struct enrolment en;
    struct span body;
    uint64_t effect_ms;
    char when[TIME_TEXT_BYTES];
    bool own;
    enum err e;

    if ((e = enrol_decode(a->st.stmt, &body, &effect_ms)) || (e = enrolment_decode(body, &en)))
        return e;
    if ((e = time_text(effect_ms, when)))
        return e;
    own = n->self.joined && memcmp(en.org, n->self.org, ID_BYTES) == 0;
    a->role = own && a->kind == KEYS_ENROL ? ROLE_NODE : ROLE_COUNTERSIGNER;
    memcpy(a->org, n->self.org, ID_BYTES);
    if ((e = bytes_printf(text, "%s « %.*s » (%s), territoire « %.*s », en vigueur le %s.\n",
                          a->kind == KEYS_RESET ? RESET_TEXT
                          : own                 ? "Un autre nœud pour votre organisation,"
                                                : "Inscription de",
                          (int)en.name.len, (const char *)en.name.ptr, word_org_kind(en.kind),
                          (int)en.territory.len, (const char *)en.territory.ptr, when)))
        return e;
    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if (a->kind == KEYS_RESET)
        return own ? ERR_RIGHT : ERR_OK;
    return own || en.kind == ORG_EMERGENCY ? ERR_OK : ERR_RIGHT;
}

/* The hub's key is lost: two houses say that the new one is its own. */
static enum err hub_key_shown(struct node *n, struct asked *a, struct bytes *text)
{
    struct hub_key_statement h;
    char when[TIME_TEXT_BYTES];
    enum err e;

    if ((e = hub_key_decode(a->st.stmt, &h)) || (e = time_text(h.effect_ms, when)))
        return e;
    a->role = ROLE_COUNTERSIGNER;
    memcpy(a->org, n->self.org, ID_BYTES);
    if ((e = bytes_printf(
             text,
             "Nouvelle clé de signature du hub, dont l'ancienne est perdue ; en vigueur "
             "le %s. Vérifiez auprès des opérateurs du hub, par un moyen sûr, que la "
             "demande vient d'eux.\n",
             when)))
        return e;
    if (!n->self.joined)
        return ERR_NOT_JOINED;
    return statement_find(&a->st, ROLE_HUB, NULL) ? ERR_RIGHT : ERR_OK;
}

static enum err shown(struct node *n, struct span ss, struct asked *a, struct bytes *text)
{
    uint8_t federation[ID_BYTES];
    enum err e;

    if ((e = statement_parse_request(ss, &a->st)) ||
        (e = keys_stmt_peek(a->st.stmt, &a->kind, federation)))
        return e;
    if (n->self.joined && memcmp(federation, n->self.federation, ID_BYTES) != 0)
        return ERR_RIGHT;
    if (a->kind == KEYS_GENESIS)
        return genesis_shown(n, a, text);
    if (a->kind == KEYS_ENROL || a->kind == KEYS_RESET)
        return enrol_shown(n, a, text);
    if (a->kind == KEYS_ROTATE_HUB)
        return hub_key_shown(n, a, text);
    return ERR_RIGHT;
}

static enum err signature_make(struct node *n, const struct asked *a, struct bytes *armour)
{
    struct statement_sig sig;
    struct bytes data = {0};
    enum err e;

    if ((e = statement_sign(STATEMENT_KEYS, a->st.stmt, a->role, a->org, n->sign, &sig)))
        return e;
    if (!(e = signature_encode(a->st.stmt, &sig, &data)))
        e = armour_write(ARMOUR_SIGNATURE, bytes_span(&data), armour);
    bytes_free(&data);
    return e;
}

enum err sign_request(struct node *n, struct span armour, bool confirm, struct bytes *text,
                      struct bytes *signature)
{
    struct bytes request = {0};
    struct asked a = {0};
    enum err e;

    if ((e = armour_read(ARMOUR_REQUEST, armour, &request)))
        return e;
    if ((e = shown(n, bytes_span(&request), &a, text)))
        goto out;
    if (!confirm) {
        e = bytes_printf(text, "Rien n'est encore signé. Pour signer au nom de votre organisation, "
                               "répétez la commande avec --confirm.");
        goto out;
    }
    if ((e = signature_make(n, &a, signature)))
        goto out;
    e = bytes_printf(text, "Signé. Rendez le fichier de signature à l'opérateur du hub.");
out:
    bytes_free(&request);
    return e;
}
