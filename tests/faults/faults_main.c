/*
 * faults - a campaign of faults over real processes, drawn from a seed, and its verdict.
 *
 *   faults [--seed N] [--rounds N | --short] [--only KIND[,KIND]] [--no-links] [--no-nodes]
 *          [--history FILE] [--patience SECONDS]
 *
 * Exit 0: nothing lost, doubled, disordered or unexplained, and every kind asked for has happened.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker.h"
#include "clock.h"
#include "rounds.h"

#define ROUNDS_USUAL 800
#define SEED_USUAL 7411

struct wish {
    uint64_t seed;
    size_t rounds;
    uint64_t patience_ms;
    bool brief, links, nodes;
    const char *only;
    const char *history;
};

static bool among(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    return false;
}

static bool wanted(const struct wish *w, const struct round_kind *k)
{
    if (w->only)
        return among(w->only, k->name);
    return (!k->needs_links || w->links) && (!k->needs_nodes || w->nodes) &&
           (!w->brief || k->short_run > 0 || k->share == 0);
}

/* --- the plan: every kind by its share, shuffled ------------------------------------------------
 */

struct plan {
    const struct round_kind **at;
    size_t n;
};

static void plan_make(const struct wish *w, struct plan *p)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);
    struct dice dice = {dice_named(w->seed, "plan", 0)};
    size_t room = 0;

    for (size_t i = 0; i < count; i++)
        room += w->brief ? kinds[i].short_run : kinds[i].share;
    if (!(p->at = calloc(room + 1, sizeof(struct round_kind *))))
        abort();
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < (w->brief ? kinds[i].short_run : kinds[i].share); k++)
            if (wanted(w, &kinds[i]))
                p->at[p->n++] = &kinds[i];
    for (size_t i = p->n; i > 1; i--) {
        size_t k = (size_t)dice_draw(&dice, i);
        const struct round_kind *was = p->at[i - 1];

        p->at[i - 1] = p->at[k];
        p->at[k] = was;
    }
}

static void play(struct campaign *c, const struct wish *w, const struct plan *p)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);
    uint64_t *turns = calloc(count, sizeof *turns);
    size_t rounds = w->rounds ? w->rounds : w->brief ? p->n : ROUNDS_USUAL;

    if (!turns)
        abort();
    for (size_t i = 0; i < rounds && c->stuck < 2; i++) {
        const struct round_kind *k = p->at[i % p->n];
        uint64_t start = clock_mono_ms(clock_system());

        history_say(c->history, "round %zu %s", i + 1, k->name);
        c->dice.state = dice_named(w->seed, k->name, i);
        k->run(c, k, ++turns[k - kinds]);
        c->rounds++;
        if (getenv("FAULTS_VERBOSE"))
            fprintf(stderr, "round %zu %s (%llu ms)\n", i + 1, k->name,
                    (unsigned long long)(clock_mono_ms(clock_system()) - start));
    }
    free(turns);
}

/* What comes last, if it was asked for. */
static const struct wish *wished;

static void last_rounds(struct campaign *c)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);

    for (size_t i = 0; i < count; i++) {
        if (kinds[i].share > 0 || !wanted(wished, &kinds[i]))
            continue;
        history_say(c->history, "round %zu %s", ++c->rounds, kinds[i].name);
        kinds[i].run(c, &kinds[i], 1);
    }
}

/* --- the verdict -------------------------------------------------------------------------------
 */

/* Every kind that was in the plan has really happened, or it is named. */
static size_t kinds_tell(const struct wish *w, const struct verdict_counts *v)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);
    size_t missing = 0;

    for (size_t i = 0; i < count; i++) {
        size_t n = checker_faults(v, kinds[i].name);

        if (!wanted(w, &kinds[i]))
            continue;
        printf("%6zu  %s%s\n", n, kinds[i].name, n ? "" : "   NEVER HAPPENED");
        missing += n == 0;
    }
    return missing;
}

static int verdict(const struct wish *w, const struct campaign *c, size_t kills, size_t cuts)
{
    struct verdict_counts v = {0};
    size_t missing;
    enum err e = checker_file(w->history, stdout, &v);

    (void)c;
    if (e) {
        printf("the history cannot be read: %s\n", err_name(e));
        return EXIT_FAILURE;
    }
    missing = kinds_tell(w, &v);
    if (v.flips.changed + v.flips.refused + v.flips.served)
        printf("        flipped bits: %zu changed a row or a page and were refused, %zu changed no "
               "row and were refused, %zu lay where nothing is kept\n",
               v.flips.changed, v.flips.refused, v.flips.served);
    printf("faults: rounds %zu, kills %zu, cuts %zu, accepted %zu, lost %zu, doubled %zu, "
           "disordered %zu, unexplained %zu, seed %llu\n",
           v.rounds, kills, cuts, v.accepted, v.lost, v.doubled, v.disordered, v.unexplained,
           (unsigned long long)w->seed);
    return v.lost + v.doubled + v.disordered + v.unexplained + missing ? EXIT_FAILURE
                                                                       : EXIT_SUCCESS;
}

static bool wish_read(int argc, char **argv, struct wish *w)
{
    static const struct option options[] = {
        {"seed",     required_argument, NULL, 's'},
        {"rounds",   required_argument, NULL, 'r'},
        {"short",    no_argument,       NULL, 'b'},
        {"only",     required_argument, NULL, 'o'},
        {"history",  required_argument, NULL, 'h'},
        {"patience", required_argument, NULL, 'p'},
        {"no-links", no_argument,       NULL, 'l'},
        {"no-nodes", no_argument,       NULL, 'n'},
        {NULL,       0,                 NULL, 0  },
    };
    int o;

    *w = (struct wish){
        .seed = SEED_USUAL, .links = true, .nodes = true, .history = "faults.history"};
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 's':
            w->seed = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            w->rounds = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            w->brief = true;
            break;
        case 'o':
            w->only = optarg;
            break;
        case 'h':
            w->history = optarg;
            break;
        case 'p':
            w->patience_ms = 1000 * strtoull(optarg, NULL, 10);
            break;
        case 'l':
            w->links = false;
            break;
        case 'n':
            w->nodes = false;
            break;
        default:
            return false;
        }
    }
    return optind == argc;
}

/* A short campaign does without links where nobody may make namespaces, and says so. */
static enum err begin(struct wish *w, struct campaign *c)
{
    struct campaign_options o = {.seed = w->seed,
                                 .history = w->history,
                                 .links = w->links,
                                 .nodes = w->nodes,
                                 .patience_ms = w->patience_ms};
    enum err e = campaign_open(&o, c);

    if (e != ERR_PERMISSION || !w->brief || !w->links)
        return e;
    printf("faults: no network namespaces here: cut and half-open are not in this campaign\n");
    o.links = w->links = false;
    return campaign_open(&o, c);
}

int main(int argc, char **argv)
{
    struct campaign c;
    struct plan plan = {0};
    struct wish w;
    size_t kills, cuts;
    enum err e;

    if (!wish_read(argc, argv, &w)) {
        fprintf(stderr, "faults [--seed N] [--rounds N | --short] [--only KIND,...] [--no-links] "
                        "[--no-nodes] [--history FILE]\n");
        return 2;
    }
    if ((e = begin(&w, &c))) {
        fprintf(stderr, "faults: the campaign cannot begin: %s\n", err_name(e));
        return EXIT_FAILURE;
    }
    plan_make(&w, &plan);
    if (plan.n > 0)
        play(&c, &w, &plan);
    wished = &w;
    e = campaign_end(&c, last_rounds);
    kills = c.kills;
    cuts = c.cuts;
    if (e)
        hubproc_keep(c.scene.hub);
    campaign_close(&c);
    free(plan.at);
    return verdict(&w, &c, kills, cuts);
}
