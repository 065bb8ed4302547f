/*
 * faults - a campaign of faults over real processes, drawn from a seed, and its verdict.
 *
 *   faults [--seed N] [--rounds N | --short] [--only KIND[,KIND]] [--no-links] [--no-nodes]
 *          [--without KIND[,KIND]] [--history FILE] [--patience SECONDS]
 *
 * Exit 0: nothing lost, doubled, disordered or unexplained, and every kind asked for has happened.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker.h"
#include "clock.h"
#include "plan.h"

#define SEED_USUAL 7411
#define TRIES 5 /* more rounds of a kind that has not happened */

struct wish {
    struct plan_wish plan;
    uint64_t patience_ms;
    const char *history;
};

struct player {
    struct campaign *c;
    const struct wish *w;
    const struct round_kind *kinds;
    uint64_t turns[ROUND_KINDS_MAX]; /* rounds of each kind */
    size_t played;
};

static void play_one(struct player *p, const struct round_kind *k)
{
    struct campaign *c = p->c;
    uint64_t start = clock_mono_ms(clock_system());

    history_say(c->history, "round %zu %s", ++c->rounds, k->name);
    c->dice.state = dice_named(p->w->plan.seed, k->name, p->played++);
    k->run(c, k, ++p->turns[k - p->kinds]);
    if (getenv("FAULTS_VERBOSE"))
        fprintf(stderr, "round %zu %s (%llu ms)\n", c->rounds, k->name,
                (unsigned long long)(clock_mono_ms(clock_system()) - start));
}

/* A fault that has not struck, because nobody came to the place where it lay, is laid again. */
static void play(struct campaign *c, const struct wish *w, const struct plan *plan)
{
    struct player p = {.c = c, .w = w};
    size_t count = round_kinds(&p.kinds);

    for (size_t i = 0; i < plan->n && c->stuck < 2; i++)
        play_one(&p, plan->at[i]);
    for (size_t i = 0; i < TRIES * count && c->stuck < 2; i++) {
        const struct round_kind *k = &p.kinds[i % count];

        if (k->share > 0 && p.turns[i % count] > 0 && !c->happened[i % count])
            play_one(&p, k);
    }
}

/* What comes last, if it was asked for. */
static const struct wish *wished;

static void last_rounds(struct campaign *c)
{
    const struct round_kind *kinds;
    size_t count = round_kinds(&kinds);

    for (size_t i = 0; i < count; i++) {
        if (kinds[i].share > 0 || !plan_plays(&wished->plan, &kinds[i]))
            continue;
        history_say(c->history, "round %zu %s", ++c->rounds, kinds[i].name);
        kinds[i].run(c, &kinds[i], 1);
    }
}

/* --- the verdict -------------------------------------------------------------------------------
 */

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
    missing = plan_missing(&w->plan, &v, stdout);
    if (v.flips.changed + v.flips.refused + v.flips.served)
        printf("        flipped bits: %zu changed a row or a page and were refused, %zu changed no "
               "row and were refused, %zu lay where nothing is kept\n",
               v.flips.changed, v.flips.refused, v.flips.served);
    printf("faults: rounds %zu, kills %zu, cuts %zu, accepted %zu, lost %zu, doubled %zu, "
           "disordered %zu, unexplained %zu, seed %llu\n",
           v.rounds, kills, cuts, v.accepted, v.lost, v.doubled, v.disordered, v.unexplained,
           (unsigned long long)w->plan.seed);
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
        {"without",  required_argument, NULL, 'w'},
        {"history",  required_argument, NULL, 'h'},
        {"patience", required_argument, NULL, 'p'},
        {"no-links", no_argument,       NULL, 'l'},
        {"no-nodes", no_argument,       NULL, 'n'},
        {NULL,       0,                 NULL, 0  },
    };
    int o;

    *w = (struct wish){
        .plan = {.seed = SEED_USUAL, .links = true, .nodes = true},
          .history = "faults.history"
    };
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 's':
            w->plan.seed = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            w->plan.rounds = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            w->plan.brief = true;
            break;
        case 'o':
            w->plan.only = optarg;
            break;
        case 'w':
            w->plan.without = optarg;
            break;
        case 'h':
            w->history = optarg;
            break;
        case 'p':
            w->patience_ms = 1000 * strtoull(optarg, NULL, 10);
            break;
        case 'l':
            w->plan.links = false;
            break;
        case 'n':
            w->plan.nodes = false;
            break;
        default:
            return false;
        }
    }
    return optind == argc && plan_knows(w->plan.only) && plan_knows(w->plan.without);
}

/* A short campaign does without links where nobody may make namespaces, and says so. */
static enum err begin(struct wish *w, struct campaign *c)
{
    struct campaign_options o = {.seed = w->plan.seed,
                                 .history = w->history,
                                 .links = w->plan.links,
                                 .nodes = w->plan.nodes,
                                 .patience_ms = w->patience_ms};
    enum err e = campaign_open(&o, c);

    if (e != ERR_PERMISSION || !w->plan.brief || !w->plan.links)
        return e;
    printf("faults: no network namespaces here: cut and half-open are not in this campaign\n");
    o.links = w->plan.links = false;
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
                        "[--no-nodes] [--without KIND,...] [--history FILE]\n");
        return 2;
    }
    if ((e = begin(&w, &c))) {
        fprintf(stderr, "faults: the campaign cannot begin: %s\n", err_name(e));
        return EXIT_FAILURE;
    }
    plan_make(&w.plan, &plan);
    play(&c, &w, &plan);
    wished = &w;
    e = campaign_end(&c, last_rounds);
    kills = c.kills;
    cuts = c.cuts;
    if (e)
        hubproc_keep(c.scene.hub);
    campaign_close(&c);
    plan_free(&plan);
    return verdict(&w, &c, kills, cuts);
}
