#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "intake.h"
#include "outbox.h"
#include "text.h"

struct word {
    uint64_t value;
    const char *text;  /* as shown */
    const char *typed; /* other ways to type it, each in front of a comma; "" for none */
};

/* clang-format off */
static const struct word class_words[] = {
    {1, "identité", ""}, {2, "social", ""}, {4, "autonomie", ""}, {8, "médical", ""}, {16, "restreint", ""},
};
static const struct word category_words[] = {
    {1, "santé", ""}, {2, "social", "médico-social,"}, {3, "mixte", ""},
};
static const struct word basis_words[] = {
    {1, "échange", ""}, {2, "partage d'équipe", "équipe,"}, {3, "partage consenti", "consenti,consentement,"}, {4, "urgence", ""},
};
static const struct word purpose_words[] = {
    {1, "coordination", ""}, {2, "continuité", ""}, {3, "prévention", ""}, {4, "suivi médico-social", "suivi,"},
    {5, "urgence", ""}, {6, "droit de la personne", "droit,"}, {7, "administration", ""},
};
static const struct word way_words[] = {
    {1, "oral", ""}, {2, "écrit", ""}, {3, "FALC", ""}, {4, "par le représentant", "représentant,"},
};
static const struct word end_words[] = {
    {1, "fin", ""}, {2, "décès", ""}, {3, "déménagement", ""},
};
static const struct word status_words[] = {
    {1, "provisoire", "PROV,"}, {2, "récupérée", "RECUP,"}, {3, "validée", "VALI,"}, {4, "qualifiée", "QUAL,"},
};
static const struct word sex_words[] = {
    {1, "masculin", "M,H,homme,"}, {2, "féminin", "F,femme,"}, {3, "indéterminé", "I,"},
};
static const struct word measure_words[] = {
    {0, "aucune", ""}, {1, "sauvegarde", ""}, {2, "curatelle simple", "curatelle,"}, {3, "curatelle renforcée", ""},
    {4, "tutelle aux biens", ""}, {5, "tutelle à la personne", "tutelle,"}, {6, "habilitation familiale (biens)", "habilitation biens,"},
    {7, "habilitation familiale (personne)", "habilitation personne,"}, {8, "mandat de protection future", "mandat,"},
    {9, "autorité parentale", ""}, {10, "délégation", ""}, {11, "aide sociale à l'enfance", "ASE,"},
};
static const struct word note_words[] = {
    {1, "observation", "OBS,"}, {2, "intervention", "INTERV,"}, {3, "instruction", "INST,"},
    {4, "demande d'avis", "DEM-AVIS,avis,"}, {5, "note générale", "GEN,"},
};
static const struct word addressee_words[] = {
    {1, "structure", "organisation,"}, {2, "personne", ""}, {3, "fonction", ""}, {4, "unité", ""},
};
static const struct word scope_words[] = {
    {1, "biens", ""}, {2, "personne", ""}, {4, "santé", ""},
};
static const struct word right_words[] = {
    {1, "inviter", ""}, {2, "consentement", ""},
};
static const struct word giver_words[] = {
    {1, "personne", "elle-même,"}, {2, "représentant", ""},
};
static const struct word kind_words[] = {
    {1, "DAC", ""}, {2, "ESSMS", ""}, {3, "hôpital", ""}, {4, "urgences", ""}, {5, "MDPH", ""}, {6, "libéral", ""}, {7, "autre", ""},
};
static const struct word mode_words[] = {
    {1, "réel", ""}, {2, "exercice", ""},
};
static const struct word out_words[] = {
    {OUT_TO_SEAL, "à sceller", ""}, {OUT_SEALED, "en attente du hub", ""}, {OUT_ACCEPTED, "accepté", ""},
    {OUT_REFUSED, "refusé", ""}, {OUT_EXPIRED, "expiré", ""}, {OUT_WITHDRAWN, "retiré avant l'envoi", ""},
};
static const struct word in_words[] = {
    {IN_RECEIVED, "reçu", ""}, {IN_HELD, "en attente de l'histoire du cercle", ""}, {IN_QUARANTINED, "en quarantaine", ""},
    {IN_REFUSED, "refusé", ""}, {IN_UNREADABLE, "illisible", ""}, {IN_LAPSED, "échu", ""},
    {IN_RECALLED, "rappelé par l'expéditeur", ""}, {IN_WITHHELD, "retenu", ""},
};
static const struct word recall_words[] = {
    {RECALL_NO_REASON, "sans motif", "aucun,"}, {RECALL_CONTENT, "contenu", "erreur de contenu,"}, {RECALL_PERSON, "personne", "mauvaise personne,"},
    {RECALL_RECIPIENT, "destinataire", "mauvais destinataire,"}, {RECALL_REPLACED, "remplacée", "remplacé,"},
};
/* clang-format on */

struct table {
    const struct word *words;
    size_t count;
};
#define TABLE(a)                                                                                   \
    {                                                                                              \
        a, sizeof(a) / sizeof((a)[0])                                                              \
    }
static const struct table tables[WORD_TABLES] = {
    [WORDS_CLASS] = TABLE(class_words),
    [WORDS_CATEGORY] = TABLE(category_words),
    [WORDS_BASIS] = TABLE(basis_words),
    [WORDS_PURPOSE] = TABLE(purpose_words),
    [WORDS_WAY] = TABLE(way_words),
    [WORDS_CIRCLE_END] = TABLE(end_words),
    [WORDS_INS_STATUS] = TABLE(status_words),
    [WORDS_SEX] = TABLE(sex_words),
    [WORDS_MEASURE] = TABLE(measure_words),
    [WORDS_NOTE] = TABLE(note_words),
    [WORDS_ADDRESSEE] = TABLE(addressee_words),
    [WORDS_SCOPE] = TABLE(scope_words),
    [WORDS_RIGHT] = TABLE(right_words),
    [WORDS_GIVEN_BY] = TABLE(giver_words),
    [WORDS_RECALL] = TABLE(recall_words),
};

/* --- code to word ---------------------------------------------------------------------------- */

static const char *name_of(const struct word *words, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].value == value)
            return words[i].text;
    return "inconnu";
}
#define NAME(array, value) name_of(array, sizeof(array) / sizeof((array)[0]), value)

const char *word_class(uint64_t one_bit)
{
    return NAME(class_words, one_bit);
}

const char *word_category(uint64_t mask)
{
    return NAME(category_words, mask);
}

const char *word_basis(uint64_t basis)
{
    return NAME(basis_words, basis);
}

const char *word_purpose(uint64_t purpose)
{
    return NAME(purpose_words, purpose);
}

const char *word_org_kind(uint64_t kind)
{
    return NAME(kind_words, kind);
}

const char *word_mode(uint64_t mode)
{
    return NAME(mode_words, mode);
}

const char *word_way(uint64_t way)
{
    return NAME(way_words, way);
}

const char *word_circle_end(uint64_t reason)
{
    return NAME(end_words, reason);
}

const char *word_ins_status(uint64_t status)
{
    return NAME(status_words, status);
}

const char *word_sex(uint64_t sex)
{
    return NAME(sex_words, sex);
}

const char *word_measure(uint64_t measure)
{
    return NAME(measure_words, measure);
}

const char *word_note(uint64_t note)
{
    return NAME(note_words, note);
}

const char *word_addressee(uint64_t kind)
{
    return NAME(addressee_words, kind);
}

const char *word_out_state(uint64_t state)
{
    return NAME(out_words, state);
}

const char *word_in_state(uint64_t state)
{
    return NAME(in_words, state);
}

const char *word_recall(uint64_t reason)
{
    return NAME(recall_words, reason);
}

enum err word_classes(uint64_t mask, struct bytes *out)
{
    enum err e = ERR_OK;

    for (uint64_t bit = 1; !e && bit <= CLASS_RESTRICTED; bit <<= 1)
        if (mask & bit)
            e = bytes_printf(out, "%s%s", out->len > 0 ? ", " : "", word_class(bit));
    return e;
}

/* --- word to code ---------------------------------------------------------------------------- */

static bool folds_to(struct span key, struct span word)
{
    struct bytes folded = {0};
    bool same = !text_fold(word, &folded) && span_equal(bytes_span(&folded), key);

    bytes_free(&folded);
    return same;
}

static bool is_word(struct span key, const struct word *w)
{
    const char *at = w->typed;

    if (folds_to(key, span_text(w->text)))
        return true;
    for (const char *comma; (comma = strchr(at, ',')); at = comma + 1)
        if (folds_to(key, span_of(at, (size_t)(comma - at))))
            return true;
    return false;
}

static bool digits(struct span text, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || i == 4)
            return false;
        *value = *value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return text.len > 0;
}

enum err word_read(enum word_table table, struct span text, uint64_t *value)
{
    const struct table *t = &tables[table];
    struct bytes key = {0};
    uint64_t number;
    enum err e;

    if ((e = text_fold(text, &key)))
        return e == ERR_NOMEM ? e : ERR_FIELD_VALUE;
    e = ERR_FIELD_VALUE;
    for (size_t i = 0; e && key.len > 0 && i < t->count; i++)
        if ((digits(text, &number) && number == t->words[i].value) ||
            is_word(bytes_span(&key), &t->words[i])) {
            *value = t->words[i].value;
            e = ERR_OK;
        }
    bytes_free(&key);
    return e;
}

enum err word_read_mask(enum word_table table, struct span text, uint64_t *mask)
{
    uint64_t all = 0;
    size_t from = 0;

    for (size_t i = 0; i <= text.len; i++) {
        uint64_t bit;
        enum err e;

        if (i < text.len && text.ptr[i] != ',')
            continue;
        while (from < i && text.ptr[from] == ' ')
            from++;
        if ((e = word_read(table, span_of(text.ptr + from, i - from), &bit)))
            return e;
        all |= bit;
        from = i + 1;
    }
    *mask = all;
    return ERR_OK;
}

enum err word_list(enum word_table table, struct bytes *out)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < tables[table].count; i++)
        e = bytes_printf(out, "%s%s", i > 0 ? ", " : "", tables[table].words[i].text);
    return e;
}

/* --- text of others -------------------------------------------------------------------------- */

/* Length of what must not reach a terminal at p, 0 if it may: C0 and C1 controls, marks that turn
 * the direction of writing (U+061C, U+200E/F, U+202A-E, U+2066-9). Valid UTF-8 is the caller's. */
static size_t unprintable(const uint8_t *p, size_t left)
{
    if (p[0] < 0x20 || p[0] == 0x7f)
        return p[0] == '\n' || p[0] == '\t' ? 0 : 1;
    if (left >= 2 && p[0] == 0xc2 && p[1] < 0xa0)
        return 2;
    if (left >= 2 && p[0] == 0xd8 && p[1] == 0x9c)
        return 2;
    if (left < 3 || p[0] != 0xe2)
        return 0;
    if (p[1] == 0x80 && ((p[2] >= 0xaa && p[2] <= 0xae) || p[2] == 0x8e || p[2] == 0x8f))
        return 3;
    return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9 ? 3 : 0;
}

enum err word_printable(struct span text, struct bytes *out)
{
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < text.len;) {
        size_t skip = unprintable(text.ptr + i, text.len - i);

        e = bytes_append(out, skip ? SPAN_STR("\uFFFD") : span_of(text.ptr + i, 1));
        i += skip ? skip : 1;
    }
    return e;
}
