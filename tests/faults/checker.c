/* Reading: every event of history.h, and what a single event already proves. */
#include "checker.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "checker_internal.h"

#define LEAF_RELEASE 15
#define BODIES "body" /* the table of envelopes that wait */

void finding(struct checker *c, size_t *kind, const char *form, ...)
{
    const char *name = kind == &c->count.lost         ? "lost"
                       : kind == &c->count.doubled    ? "doubled"
                       : kind == &c->count.disordered ? "disordered"
                                                      : "unexplained";
    va_list args;

    ++*kind;
    fprintf(c->findings, "%s (line %zu): ", name, c->line);
    va_start(args, form);
    vfprintf(c->findings, form, args);
    va_end(args);
    fputc('\n', c->findings);
}

/* --- lists and names -------------------------------------------------------------------------- */

void *list_room(void *at, size_t *n, size_t *cap, size_t size)
{
    size_t wanted = *cap ? 2 * *cap : 64;

    if (*n < *cap)
        return at;
    if (!(at = realloc(at, wanted * size)))
        abort();
    memset((char *)at + *n * size, 0, (wanted - *n) * size);
    *cap = wanted;
    return at;
}

static unsigned name_of(struct checker *c, const char *name)
{
    for (unsigned i = 0; i < c->name_count; i++)
        if (strcmp(c->names[i], name) == 0)
            return i;
    if (c->name_count == CHECKER_NAMES_MAX)
        abort();
    snprintf(c->names[c->name_count], NAME_BYTES, "%s", name);
    return (unsigned)c->name_count++;
}

static size_t hash_of(const char *mid)
{
    size_t h = 1469598103934665603u;

    for (; *mid; mid++)
        h = (h ^ (unsigned char)*mid) * 1099511628211u;
    return h;
}

static void slots_grow(struct checker *c)
{
    size_t cap = c->slots.cap ? 2 * c->slots.cap : 1024;

    free(c->slots.at);
    if (!(c->slots.at = calloc(cap, sizeof *c->slots.at)))
        abort();
    c->slots.cap = cap;
    for (size_t i = 0; i < c->letters.n; i++) {
        size_t at = hash_of(c->letters.at[i].mid) & (cap - 1);

        while (c->slots.at[at])
            at = (at + 1) & (cap - 1);
        c->slots.at[at] = i + 1;
    }
}

struct letter *letter_find(struct checker *c, const char *mid)
{
    size_t at;

    if (!c->slots.cap)
        return NULL;
    for (at = hash_of(mid) & (c->slots.cap - 1); c->slots.at[at];
         at = (at + 1) & (c->slots.cap - 1))
        if (strcmp(c->letters.at[c->slots.at[at] - 1].mid, mid) == 0)
            return &c->letters.at[c->slots.at[at] - 1];
    return NULL;
}

struct place *place_find(struct letter *l, unsigned who)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->to[i].who == who)
            return &l->to[i];
    return NULL;
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

/* --- events ------------------------------------------------------------------------------------
 */

static void on_round(struct checker *c, char **w)
{
    (void)w;
    c->count.rounds++;
}

static void on_fault(struct checker *c, char **w)
{
    struct verdict_counts *v = &c->count;

    for (size_t i = 0; i < v->faults; i++)
        if (strcmp(v->fault[i].kind, w[0]) == 0) {
            v->fault[i].n++;
            return;
        }
    if (v->faults == CHECKER_FAULTS_MAX)
        abort();
    snprintf(v->fault[v->faults].kind, sizeof v->fault->kind, "%s", w[0]);
    v->fault[v->faults++].n = 1;
}

static void on_sent(struct checker *c, char **w)
{
    struct letter *l = letter_find(c, w[1]);
    char *rest = NULL;

    if (l) {
        finding(c, &c->count.unexplained, "%s offered twice as new", w[1]);
        return;
    }
    l = LIST_ADD(c->letters, struct letter);
    *l = (struct letter){.from = name_of(c, w[0]), .sent_at = c->line};
    snprintf(l->mid, sizeof l->mid, "%s", w[1]);
    snprintf(l->digest, sizeof l->digest, "%s", w[2]);
    for (char *to = strtok_r(w[3], ",", &rest); to && l->n < TO_MAX;
         to = strtok_r(NULL, ",", &rest))
        l->to[l->n++].who = name_of(c, to);
    if (2 * c->letters.n > c->slots.cap)
        slots_grow(c);
    else {
        size_t at = hash_of(l->mid) & (c->slots.cap - 1);

        while (c->slots.at[at])
            at = (at + 1) & (c->slots.cap - 1);
        c->slots.at[at] = c->letters.n;
    }
}

static void on_receipt(struct checker *c, char **w)
{
    struct letter *l = letter_find(c, w[1]);
    uint64_t index = number(w[2]);

    if (!l || l->from != name_of(c, w[0])) {
        finding(c, &c->count.unexplained, "a receipt for %s, which %s never sent", w[1], w[0]);
        return;
    }
    if (l->refused)
        finding(c, &c->count.unexplained, "%s accepted after it was refused", w[1]);
    if (l->receipt_at && l->index != index)
        finding(c, &c->count.doubled, "%s accepted twice: leaves %llu and %llu", w[1],
                (unsigned long long)l->index, (unsigned long long)index);
    if (l->receipt_at)
        return;
    l->receipt_at = c->line;
    l->index = index;
    c->count.accepted++;
}

static void on_refused(struct checker *c, char **w)
{
    struct letter *l = letter_find(c, w[1]);

    if (!l) {
        finding(c, &c->count.unexplained, "%s refused, which was never sent", w[1]);
        return;
    }
    l->refused = (int)number(w[2]);
    if (l->receipt_at)
        finding(c, &c->count.unexplained, "%s refused (%s) after its receipt", w[1], w[2]);
    else
        finding(c, &c->count.unexplained, "%s, honest, refused with %s", w[1], w[2]);
}

/* The place of an event about one recipient of a known envelope. */
static struct place *place_named(struct checker *c, const char *mid, const char *who,
                                 struct letter **l)
{
    struct place *p = NULL;

    if (!(*l = letter_find(c, mid)) || !(p = place_find(*l, name_of(c, who))))
        finding(c, &c->count.unexplained, "%s at %s, to whom nobody sent it", mid, who);
    return p;
}

static void on_got(struct checker *c, char **w)
{
    uint64_t seq = number(w[1]);
    struct letter *l;
    struct place *p = place_named(c, w[2], w[0], &l);

    if (!p)
        return;
    if (strcmp(l->digest, w[3]) != 0)
        finding(c, &c->count.unexplained, "%s came to %s with another content", w[2], w[0]);
    if (seq <= c->acked[p->who])
        finding(c, &c->count.doubled, "%s came to %s again after its ACK was kept", w[2], w[0]);
    if (p->got && p->seq != seq)
        finding(c, &c->count.doubled, "%s twice in the mailbox of %s: %llu, %llu", w[2], w[0],
                (unsigned long long)p->seq, (unsigned long long)seq);
    if (!p->got && p->final != FINAL_NONE && p->final != FINAL_DELIVERED)
        finding(c, &c->count.unexplained, "%s came to %s after its end was reported", w[2], w[0]);
    if (!p->got && p->closed)
        finding(c, &c->count.unexplained, "%s came to %s after its consent was withdrawn", w[2],
                w[0]);
    if (p->got)
        return;
    p->got = true;
    p->seq = seq;
    p->got_at = c->line;
}

static void on_acked(struct checker *c, char **w)
{
    unsigned who = name_of(c, w[0]);
    uint64_t seq = number(w[1]);

    if (seq > c->acked[who])
        c->acked[who] = seq;
}

static void on_ended(struct checker *c, char **w)
{
    enum final how = (enum final)number(w[3]);
    struct letter *l;
    struct place *p = place_named(c, w[1], w[2], &l);
    unsigned by = name_of(c, w[0]);

    if (!p)
        return;
    if (p->final != FINAL_NONE && p->final != how)
        finding(c, &c->count.unexplained, "%s ended twice for %s: %d and %d", w[1], w[2], p->final,
                how);
    p->final = how;
    if (by == l->from)
        p->told_sender = true;
    else if (by == p->who)
        p->told_recipient = true;
    else
        finding(c, &c->count.unexplained, "%s told of %s, which is not its own", w[0], w[1]);
}

static void head_add(struct checker *c, char **w, bool tree)
{
    struct head h = {.size = number(w[1]), .at = c->line};

    snprintf(h.log, sizeof h.log, "%s", w[0]);
    snprintf(h.root, sizeof h.root, "%s", w[2]);
    if (!tree)
        h.who = name_of(c, w[3]);
    if (tree)
        *LIST_ADD(c->trees, struct head) = h;
    else
        *LIST_ADD(c->heads, struct head) = h;
}

static void on_head(struct checker *c, char **w)
{
    head_add(c, w, false);
}

static void on_tree(struct checker *c, char **w)
{
    head_add(c, w, true);
}

static void on_leaf(struct checker *c, char **w)
{
    struct letter *l = letter_find(c, w[2]);
    struct leaf *of_node;

    if (l && number(w[1]) == LEAF_RELEASE)
        l->releases++;
    if (number(w[1]) != 1)
        return;
    if (!l) { /* a node's own message has no `sent` line */
        of_node = LIST_ADD(c->leaves, struct leaf);
        of_node->index = number(w[0]);
        snprintf(of_node->mid, sizeof of_node->mid, "%s", w[2]);
        return;
    }
    l->leaves++;
    if (l->receipt_at && l->index != number(w[0]))
        finding(c, &c->count.unexplained, "%s has leaf %s, its receipt said %llu", w[2], w[0],
                (unsigned long long)l->index);
}

static struct sheet *sheet_find(struct checker *c, const char *token)
{
    for (size_t i = c->sheets.n; i > 0; i--)
        if (strcmp(c->sheets.at[i - 1].token, token) == 0)
            return &c->sheets.at[i - 1];
    return NULL;
}

static void on_wrote(struct checker *c, char **w)
{
    struct sheet *s = LIST_ADD(c->sheets, struct sheet);

    *s = (struct sheet){.from = name_of(c, w[0]), .to = name_of(c, w[2]), .out_state = -1};
    snprintf(s->token, sizeof s->token, "%s", w[1]);
}

static struct sheet *sheet_named(struct checker *c, const char *token)
{
    struct sheet *s = sheet_find(c, token);

    if (!s)
        finding(c, &c->count.unexplained, "the sheet %s, which nobody wrote", token);
    return s;
}

static void on_kept(struct checker *c, char **w)
{
    struct sheet *s = sheet_named(c, w[1]);

    if (s)
        s->kept = true;
}

static void on_gone(struct checker *c, char **w)
{
    struct sheet *s = sheet_named(c, w[0]);

    if (s)
        s->gone = true;
}

static void on_filed(struct checker *c, char **w)
{
    struct sheet *s = sheet_named(c, w[0]);

    if (s)
        s->filed = true;
}

static void on_listed(struct checker *c, char **w)
{
    struct sheet *s = sheet_named(c, w[1]);

    if (!s)
        return;
    if (s->to != name_of(c, w[0]))
        finding(c, &c->count.unexplained, "the sheet %s at %s", w[1], w[0]);
    if (s->shown++)
        finding(c, &c->count.doubled, "the sheet %s is shown twice by %s", w[1], w[0]);
    s->place = number(w[2]);
}

static void on_outbox(struct checker *c, char **w)
{
    struct sheet *s = sheet_named(c, w[1]);

    if (!s)
        return;
    if (s->out_state >= 0)
        finding(c, &c->count.doubled, "%s has the sheet %s twice in its outbox", w[0], w[1]);
    snprintf(s->mid, sizeof s->mid, "%s", w[2]);
    s->out_state = (int)number(w[3]);
    s->out_code = (int)number(w[4]);
    s->delivered = (int)number(w[5]);
}

static void on_restored(struct checker *c, char **w)
{
    (void)w;
    c->restored = true;
    c->noticed = false;
}

static void on_noticed(struct checker *c, char **w)
{
    (void)w;
    c->noticed = true;
}

static void on_replaced(struct checker *c, char **w)
{
    if (!c->noticed)
        finding(c, &c->count.unexplained, "%s served an old store and nobody noticed", w[0]);
    c->restored = false;
}

static void on_exit_line(struct checker *c, char **w)
{
    if (strcmp(w[2], "-") == 0 || strncmp(w[1], "signal", 6) == 0)
        finding(c, &c->count.unexplained, "%s ended by itself: %s under %s", w[0], w[1], w[2]);
}

static void on_memory(struct checker *c, char **w)
{
    if (number(w[1]) > number(w[2]))
        finding(c, &c->count.unexplained, "%s holds %s KiB, more than %s", w[0], w[1], w[2]);
}

static void on_bad(struct checker *c, char **w)
{
    finding(c, &c->count.unexplained, "%s: %s", w[0], w[1]);
}

static void on_shared(struct checker *c, char **w)
{
    struct letter *l = letter_find(c, w[0]);
    struct place *p = l ? place_find(l, name_of(c, w[1])) : NULL;

    if (p)
        p->shared = true;
    else
        finding(c, &c->count.unexplained, "%s is shared, which nobody offered", w[0]);
}

static void on_withdrawn(struct checker *c, char **w)
{
    unsigned who = name_of(c, w[0]);

    for (size_t i = 0; i < c->letters.n; i++) {
        struct place *p = place_find(&c->letters.at[i], who);

        if (p && p->shared)
            p->closed = true;
    }
}

static void on_deputy(struct checker *c, char **w)
{
    struct letter *l = letter_find(c, w[0]);

    if (l && l->n < TO_MAX)
        l->to[l->n++] = (struct place){.who = name_of(c, w[1]), .deputy = true};
    else
        finding(c, &c->count.unexplained, "%s has a deputy, which nobody offered", w[0]);
}

static void on_released(struct checker *c, char **w)
{
    uint64_t index = number(w[4]);
    struct letter *l;
    struct place *p = place_named(c, w[1], w[2], &l);

    if (!p)
        return;
    if (!p->deputy || number(w[3]) != 0) {
        finding(c, &c->count.unexplained, "%s released to %s with %s", w[1], w[2], w[3]);
        return;
    }
    if (p->released && p->release_index != index)
        finding(c, &c->count.doubled, "%s released to %s twice: leaves %llu and %llu", w[1], w[2],
                (unsigned long long)p->release_index, (unsigned long long)index);
    p->released = true;
    p->release_index = index;
    if (name_of(c, w[0]) == l->from)
        p->release_told_sender = true;
    else
        p->release_told_recipient = true;
}

static void on_act(struct checker *c, char **w)
{
    struct stage s = {.code = (int)number(w[1])};

    snprintf(s.digest, sizeof s.digest, "%s", w[2]);
    for (size_t i = 0; i < c->stages.n; i++)
        if (c->stages.at[i].code == s.code && strcmp(c->stages.at[i].digest, s.digest) == 0)
            finding(c, &c->count.doubled, "the act %s stands in the log twice with %d", w[2],
                    s.code);
    *LIST_ADD(c->stages, struct stage) = s;
}

static void on_flip(struct checker *c, char **w)
{
    bool same = strcmp(w[0], "-") == 0;
    bool served = strcmp(w[2], "served") == 0;

    if (!same && strcmp(w[1], "found") != 0)
        finding(c, &c->count.unexplained, "a bit turned over in %s, and fsck says %s", w[0], w[1]);
    if (!same && served && strcmp(w[0], BODIES) != 0) /* of those, each is held back by itself */
        finding(c, &c->count.unexplained, "a hub serves a store whose %s is another", w[0]);
    if (strcmp(w[2], "nameless") == 0)
        finding(c, &c->count.unexplained, "a hub ends over a damaged %s without a word", w[0]);
    c->count.flips.changed += !same;
    c->count.flips.refused += same && !served;
    c->count.flips.served += same && served;
}

static void on_end(struct checker *c, char **w)
{
    (void)w;
    c->ended = true;
}

static const struct event {
    const char *name;
    size_t words;
    void (*take)(struct checker *c, char **words);
} events[] = {
    {"round",     2, on_round    },
    {"fault",     1, on_fault    },
    {"sent",      4, on_sent     },
    {"receipt",   3, on_receipt  },
    {"refused",   3, on_refused  },
    {"got",       4, on_got      },
    {"acked",     2, on_acked    },
    {"ended",     4, on_ended    },
    {"head",      4, on_head     },
    {"tree",      3, on_tree     },
    {"leaf",      3, on_leaf     },
    {"wrote",     3, on_wrote    },
    {"kept",      2, on_kept     },
    {"listed",    4, on_listed   },
    {"outbox",    6, on_outbox   },
    {"restored",  1, on_restored },
    {"noticed",   2, on_noticed  },
    {"replaced",  1, on_replaced },
    {"exit",      3, on_exit_line},
    {"memory",    3, on_memory   },
    {"bad",       2, on_bad      },
    {"gone",      1, on_gone     },
    {"shared",    2, on_shared   },
    {"withdrawn", 1, on_withdrawn},
    {"filed",     1, on_filed    },
    {"deputy",    2, on_deputy   },
    {"released",  5, on_released },
    {"act",       3, on_act      },
    {"flip",      3, on_flip     },
    {"end",       0, on_end      },
};

enum err checker_line(struct checker *c, char *line)
{
    char *words[HISTORY_WORDS_MAX];
    size_t n = history_split(line, words);

    c->line++;
    for (size_t i = 0; n >= 2 && i < sizeof events / sizeof *events; i++) {
        if (strcmp(words[1], events[i].name) != 0)
            continue;
        if (n - 2 != events[i].words)
            break;
        events[i].take(c, words + 2);
        return ERR_OK;
    }
    return ERR_TEXT_FORM;
}

/* --- all of it ---------------------------------------------------------------------------------
 */

enum err checker_new(FILE *findings, struct checker **out)
{
    struct checker *c = calloc(1, sizeof *c);

    if (!c)
        return ERR_NOMEM;
    c->findings = findings;
    *out = c;
    return ERR_OK;
}

void checker_free(struct checker *c)
{
    if (!c)
        return;
    free(c->letters.at);
    free(c->sheets.at);
    free(c->heads.at);
    free(c->trees.at);
    free(c->leaves.at);
    free(c->stages.at);
    free(c->slots.at);
    free(c);
}

void checker_verdict(struct checker *c, struct verdict_counts *out)
{
    if (!c->ended)
        finding(c, &c->count.unexplained, "the history has no end");
    if (c->restored)
        finding(c, &c->count.unexplained, "an old store was left in place");
    judge_letters(c);
    judge_order(c);
    judge_heads(c);
    judge_sheets(c);
    *out = c->count;
}

enum err checker_file(const char *path, FILE *findings, struct verdict_counts *out)
{
    struct checker *c = NULL;
    char line[HISTORY_LINE_MAX];
    FILE *in = fopen(path, "re");
    enum err e = in ? checker_new(findings, &c) : ERR_NOT_FOUND;

    while (!e && fgets(line, sizeof line, in))
        if ((e = checker_line(c, line)))
            fprintf(findings, "line %zu is no line of a history\n", c->line);
    if (!e)
        checker_verdict(c, out);
    checker_free(c);
    if (in)
        fclose(in);
    return e;
}

size_t checker_faults(const struct verdict_counts *v, const char *kind)
{
    for (size_t i = 0; i < v->faults; i++)
        if (strcmp(v->fault[i].kind, kind) == 0)
            return v->fault[i].n;
    return 0;
}
