#include "plan.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_USUAL 800

static bool among(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : "")
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    return false;
}

bool plan_knows(const char *list)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);
    size_t names = 0;
    size_t known = 0;

    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        names++;
    for (size_t i = 0; i < count; i++)
        known += among(list, kinds[i].name);
    return known == names;
}

static bool asked_for(const struct plan_wish *w, const struct round_kind *k)
{
    if (w->only)
        return among(w->only, k->name);
    return (!k->needs_links || w->links) && (!k->needs_nodes || w->nodes);
}

bool plan_plays(const struct plan_wish *w, const struct round_kind *k)
{
    return asked_for(w, k) && !among(w->without, k->name);
}

static void shuffle(const struct round_kind **at, size_t n, struct dice *dice)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)dice_draw(dice, i);
        const struct round_kind *was = at[i - 1];

        at[i - 1] = at[k];
        at[k] = was;
    }
}

/* Once through the shares; *firsts: how many stand in front, each kind once. */
static void deal(const struct plan_wish *w, struct plan *p, size_t *firsts)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);

    for (unsigned turn = 0, more = 1; more; turn++) {
        more = 0;
        for (size_t i = 0; i < count; i++) {
            if (turn >= (w->brief ? kinds[i].short_run : kinds[i].share) ||
                !plan_plays(w, &kinds[i]))
                continue;
            p->at[p->n++] = &kinds[i];
            more = 1;
        }
        if (turn == 0)
            *firsts = p->n;
    }
}

void plan_make(const struct plan_wish *w, struct plan *p)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);
    struct dice dice = {dice_named(w->seed, "plan", 0)};
    size_t rounds, dealt, firsts;
    size_t room = 0;

    *p = (struct plan){0};
    for (size_t i = 0; i < count; i++)
        room += w->brief ? kinds[i].short_run : kinds[i].share;
    if (!(p->at = calloc(room + w->rounds + ROUNDS_USUAL, sizeof(struct round_kind *))))
        abort();
    deal(w, p, &firsts);
    shuffle(p->at, firsts, &dice);
    shuffle(p->at + firsts, p->n - firsts, &dice);
    dealt = p->n;
    rounds = w->rounds ? w->rounds : w->brief ? p->n : ROUNDS_USUAL;
    for (; dealt > 0 && p->n < rounds; p->n++)
        p->at[p->n] = p->at[p->n - dealt];
    if (p->n > rounds)
        p->n = rounds;
}

void plan_free(struct plan *p)
{
    free(p->at);
    *p = (struct plan){0};
}

size_t plan_missing(const struct plan_wish *w, const struct verdict_counts *v, FILE *out)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);
    size_t missing = 0;

    for (size_t i = 0; i < count; i++) {
        size_t n = checker_faults(v, kinds[i].name);

        if (!asked_for(w, &kinds[i]))
            continue;
        fprintf(out, "%6zu  %s%s\n", n, kinds[i].name, n ? "" : "   NEVER HAPPENED");
        missing += n == 0;
    }
    return missing;
}
