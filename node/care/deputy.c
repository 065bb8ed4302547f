#include "deputy.h"

#include <string.h>

#include "commands.h"

#define NOTHING " Rien n'est parti.\n"

static enum err said(struct call *c, const char *text, enum err why)
{
    enum err e = bytes_printf(&c->text, "%s" NOTHING, text);

    return e ? e : why;
}

static size_t place_of(const struct sheet *s, const uint8_t org[ID_BYTES])
{
    size_t i = 0;

    while (i < s->audience_count && memcmp(s->audience[i].org, org, ID_BYTES) != 0)
        i++;
    return i;
}

static enum err delay_read(struct call *c, uint64_t *after_s)
{
    enum err e = arg_uint(c, "after_s", 0, (uint64_t)INT64_MAX, after_s);

    if (!e && (*after_s < DEPUTY_AFTER_MIN_S || *after_s > DEPUTY_AFTER_MAX_S))
        return said(c,
                    "Avec un suppléant, dites aussi dans quel délai il reçoit la fiche à défaut "
                    "du destinataire : « --after 4h », d'une minute à trente jours.",
                    ERR_FIELD_VALUE);
    return e;
}

static enum err instead_read(struct node *n, struct call *c, const struct sheet *s, uint64_t *place)
{
    const char *typed = arg_text(c, "instead_of");
    uint8_t org[ID_BYTES];
    enum err e;

    *place = 0;
    if (!typed && s->audience_count > 1)
        return said(c,
                    "La fiche a plusieurs destinataires : dites avec « --instead-of » à la place "
                    "duquel le suppléant la reçoit.",
                    ERR_USAGE);
    if (!typed)
        return ERR_OK;
    if ((e = arg_org(n, typed, org)))
        return e;
    *place = place_of(s, org);
    if (*place == s->audience_count)
        return said(c, "« --instead-of » ne nomme aucun des destinataires de la fiche.", ERR_USAGE);
    return ERR_OK;
}

static enum err deputy_named(struct node *n, struct call *c, const struct sheet *s,
                             const char *typed, uint8_t org[ID_BYTES])
{
    enum err e = arg_org(n, typed, org);

    if (e)
        return e;
    if (memcmp(org, n->self.org, ID_BYTES) == 0 || place_of(s, org) < s->audience_count)
        return said(c, "Le suppléant est une autre structure : ni la vôtre, ni un destinataire.",
                    ERR_USAGE);
    if (s->restricted)
        return said(c,
                    "Une fiche réservée aux seuls nommés n'a pas de suppléant : personne n'y est "
                    "nommé.",
                    ERR_USAGE);
    return s->audience_count == RECIPIENTS_MAX ? ERR_ITEMS : ERR_OK;
}

enum err deputy_read(struct node *n, struct call *c, struct sheet *s, struct out_intent *i)
{
    const char *typed = arg_text(c, "deputy");
    struct env_deputy d = {0};
    uint8_t org[ID_BYTES];
    enum err e;

    if (!typed && (json_object_get(c->args, "after_s") || arg_text(c, "instead_of")))
        return said(c, "« --after » et « --instead-of » vont avec « --deputy ».", ERR_USAGE);
    if (!typed)
        return ERR_OK;
    if ((e = deputy_named(n, c, s, typed, org)) || (e = delay_read(c, &d.after_s)) ||
        (e = instead_read(n, c, s, &d.instead)))
        return e;
    s->audience[s->audience_count] = (struct sheet_addressee){.kind = ADDRESSEE_ORG};
    memcpy(s->audience[s->audience_count++].org, org, ID_BYTES);
    i->deputy[0] = d;
    i->deputy_count = 1;
    return ERR_OK;
}

enum err deputy_in_time(struct node *n, struct call *c, const struct out_intent *i)
{
    uint64_t now_ms = node_now_ms(n);
    uint64_t exp_ms = i->exp_ms ? i->exp_ms : now_ms + n->settings.keep_for_s * 1000;

    if (i->deputy_count == 0 || now_ms + i->deputy[0].after_s * 1000 < exp_ms)
        return ERR_OK;
    return said(c,
                "Le délai laissé au destinataire finit après la date limite de la fiche : le "
                "suppléant ne la recevrait jamais. Raccourcissez « --after » ou repoussez "
                "« --expires ».",
                ERR_EXPIRY_LIMIT);
}
