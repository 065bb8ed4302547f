/* Judging: what only the whole history shows. */
#include <stdlib.h>
#include <string.h>

#include "checker_internal.h"

static const char *name(const struct checker *c, unsigned who)
{
    return c->names[who];
}

/* --- what became of each envelope ------------------------------------------------------------- */

static void judge_place(struct checker *c, const struct letter *l, const struct place *p)
{
    const char *to = name(c, p->who);

    if (p->deputy && !p->released) {
        if (p->got || p->final != FINAL_NONE)
            finding(c, &c->count.unexplained, "%s came to the deputy %s without being released",
                    l->mid, to);
        return;
    }
    if (p->deputy && (!p->release_told_sender || !p->release_told_recipient))
        finding(c, &c->count.unexplained, "%s was released to %s and only %s was told", l->mid, to,
                p->release_told_sender ? "its sender" : "its recipient");
    if (p->final == FINAL_NONE && !p->got) {
        finding(c, &c->count.lost, "%s, accepted from %s, never came to %s", l->mid,
                name(c, l->from), to);
        return;
    }
    if (p->final == FINAL_NONE)
        finding(c, &c->count.unexplained, "%s came to %s and %s was never told", l->mid, to,
                name(c, l->from));
    else if (p->final == FINAL_DELIVERED && !p->got)
        finding(c, &c->count.lost, "%s is reported delivered to %s, who has not got it", l->mid,
                to);
    else if (p->final == FINAL_DELIVERED)
        return;
    else if (!p->told_sender || !p->told_recipient)
        finding(c, &c->count.unexplained, "%s ended (%d) for %s and only %s was told", l->mid,
                p->final, to, p->told_sender ? "its sender" : "its recipient");
}

void judge_letters(struct checker *c)
{
    for (size_t i = 0; i < c->letters.n; i++) {
        const struct letter *l = &c->letters.at[i];

        if (!l->receipt_at) {
            if (!l->refused)
                finding(c, &c->count.unexplained, "%s of %s got no answer to the end", l->mid,
                        name(c, l->from));
            for (size_t k = 0; k < l->n; k++)
                if (l->to[k].got)
                    finding(c, &c->count.unexplained, "%s came to %s without being accepted",
                            l->mid, name(c, l->to[k].who));
            continue;
        }
        if (l->leaves == 0)
            finding(c, &c->count.lost, "%s has a receipt and no leaf in the log", l->mid);
        if (l->leaves > 1)
            finding(c, &c->count.doubled, "%s has %zu leaves in the log", l->mid, l->leaves);
        for (size_t k = 0; k < l->n; k++)
            judge_place(c, l, &l->to[k]);
        if (l->releases > 1)
            finding(c, &c->count.doubled, "%s has %zu leaves of a release", l->mid, l->releases);
    }
}

/* --- order -------------------------------------------------------------------------------------
 */

static int by_index(const void *a, const void *b)
{
    const struct letter *x = *(const struct letter *const *)a;
    const struct letter *y = *(const struct letter *const *)b;

    return (x->index > y->index) - (x->index < y->index);
}

struct last {
    uint64_t seq;
    size_t got_at;
    const struct letter *letter;
};

/* Down the log: what one sender sent to one recipient took effect, and stands in the mailbox, in
 * the same order. */
static void order_at(struct checker *c, const struct letter *l,
                     struct last (*last)[CHECKER_NAMES_MAX])
{
    for (size_t k = 0; k < l->n; k++) {
        const struct place *p = &l->to[k];
        struct last *before = &last[l->from][p->who];

        if (!p->got || p->deputy) /* who has his place from the release on */
            continue;
        if (before->letter && (p->seq < before->seq || p->got_at < before->got_at))
            finding(c, &c->count.disordered, "%s came to %s before %s, which was accepted first",
                    l->mid, name(c, p->who), before->letter->mid);
        *before = (struct last){p->seq, p->got_at, l};
    }
}

void judge_order(struct checker *c)
{
    const struct letter **list = calloc(c->letters.n + 1, sizeof *list);
    struct last(*last)[CHECKER_NAMES_MAX] = calloc(CHECKER_NAMES_MAX, sizeof *last);
    size_t newest[CHECKER_NAMES_MAX] = {0}; /* line of the latest offer with a smaller index */
    size_t n = 0;

    if (!list || !last)
        abort();
    for (size_t i = 0; i < c->letters.n; i++)
        if (c->letters.at[i].receipt_at)
            list[n++] = &c->letters.at[i];
    qsort(list, n, sizeof *list, by_index);
    for (size_t i = 0; i < n; i++) {
        const struct letter *l = list[i];

        if (l->receipt_at < newest[l->from])
            finding(c, &c->count.disordered,
                    "%s stands in the log behind what %s sent after its receipt", l->mid,
                    name(c, l->from));
        if (l->sent_at > newest[l->from])
            newest[l->from] = l->sent_at;
        order_at(c, l, last);
    }
    free(list);
    free(last);
}

/* --- checkpoints -------------------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b)
{
    const struct head *x = a;
    const struct head *y = b;
    int log = strcmp(x->log, y->log);

    return log ? log : (x->size > y->size) - (x->size < y->size);
}

void judge_heads(struct checker *c)
{
    if (c->trees.n)
        qsort(c->trees.at, c->trees.n, sizeof *c->trees.at, by_size);
    for (size_t i = 0; i < c->heads.n; i++) {
        const struct head *h = &c->heads.at[i];
        const struct head *t =
            c->trees.n ? bsearch(h, c->trees.at, c->trees.n, sizeof *h, by_size) : NULL;

        if (!t)
            finding(c, &c->count.unexplained,
                    "%s holds a checkpoint of %s at %llu, a size the log does not have",
                    name(c, h->who), h->log, (unsigned long long)h->size);
        else if (strcmp(t->root, h->root) != 0)
            finding(c, &c->count.unexplained,
                    "%s holds a checkpoint of %s at %llu (line %zu) that is not its history",
                    name(c, h->who), h->log, (unsigned long long)h->size, h->at);
    }
}

/* --- the nodes' sheets -------------------------------------------------------------------------
 */

static void judge_sheet(struct checker *c, const struct sheet *s)
{
    if (s->kept && s->out_state < 0)
        finding(c, &c->count.lost, "%s kept the sheet %s and has forgotten it", name(c, s->from),
                s->token);
    else if (s->out_state >= 0 && s->out_code)
        finding(c, &c->count.unexplained, "the sheet %s of %s was refused with %d", s->token,
                name(c, s->from), s->out_code);
    else if (s->out_state >= 0 && !s->shown)
        finding(c, &c->count.lost, "the sheet %s of %s never came to %s", s->token,
                name(c, s->from), name(c, s->to));
    else if (s->shown && s->out_state < 0)
        finding(c, &c->count.unexplained, "the sheet %s came and %s does not know it", s->token,
                name(c, s->from));
    else if (s->shown && !s->delivered)
        finding(c, &c->count.unexplained, "the sheet %s came to %s and its sender was never told",
                s->token, name(c, s->to));
}

static int by_mid(const void *a, const void *b)
{
    return strcmp(((const struct leaf *)a)->mid, ((const struct leaf *)b)->mid);
}

struct placed {
    const struct sheet *sheet;
    uint64_t index;
};

static int by_place_in_log(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

#define ASKED_MIN 5 /* a node that is asked so often and keeps nothing takes no part */

static void judge_nodes(struct checker *c)
{
    size_t wrote[CHECKER_NAMES_MAX] = {0};
    size_t kept[CHECKER_NAMES_MAX] = {0};

    for (size_t i = 0; i < c->sheets.n; i++) {
        wrote[c->sheets.at[i].from]++;
        kept[c->sheets.at[i].from] += c->sheets.at[i].kept;
    }
    for (unsigned who = 0; who < c->name_count; who++)
        if (wrote[who] >= ASKED_MIN && kept[who] == 0)
            finding(c, &c->count.unexplained, "%s kept none of the %zu sheets it was asked to send",
                    name(c, who), wrote[who]);
}

/* Those that are shown and stand in the log once, in the order of the log; how many. */
static size_t sheets_placed(struct checker *c, struct placed *list)
{
    size_t n = 0;

    if (c->leaves.n)
        qsort(c->leaves.at, c->leaves.n, sizeof *c->leaves.at, by_mid);
    for (size_t i = 0; i < c->sheets.n; i++) {
        const struct sheet *s = &c->sheets.at[i];
        struct leaf wanted = {0};
        const struct leaf *l;

        judge_sheet(c, s);
        memcpy(wanted.mid, s->mid, sizeof wanted.mid);
        l = c->leaves.n ? bsearch(&wanted, c->leaves.at, c->leaves.n, sizeof wanted, by_mid) : NULL;
        if (s->shown && s->out_state >= 0 && !l && !s->gone)
            finding(c, &c->count.lost, "the sheet %s has no leaf in the log", s->token);
        if (s->shown && l)
            list[n++] = (struct placed){s, l->index};
    }
    for (size_t i = 1; i < c->leaves.n; i++)
        if (strcmp(c->leaves.at[i - 1].mid, c->leaves.at[i].mid) == 0)
            finding(c, &c->count.doubled, "%s of a node has two leaves", c->leaves.at[i].mid);
    qsort(list, n, sizeof *list, by_place_in_log);
    return n;
}

void judge_sheets(struct checker *c)
{
    uint64_t latest[CHECKER_NAMES_MAX][CHECKER_NAMES_MAX] = {0};
    const struct sheet *newest[CHECKER_NAMES_MAX] = {0};
    struct placed *list = calloc(c->sheets.n + 1, sizeof *list);
    size_t n;

    if (!list)
        abort();
    judge_nodes(c);
    n = sheets_placed(c, list);
    for (size_t i = 0; i < n; i++) {
        const struct sheet *s = list[i].sheet;

        if (s->place < latest[s->from][s->to])
            finding(c, &c->count.disordered, "the sheet %s came to %s before one accepted first",
                    s->token, name(c, s->to));
        latest[s->from][s->to] = s->place;
        if (newest[s->from] && newest[s->from] > s && !s->filed)
            finding(c, &c->count.disordered,
                    "the sheet %s stands in the log behind %s, a later one", s->token,
                    newest[s->from]->token);
        if (!newest[s->from] || newest[s->from] < s)
            newest[s->from] = s;
    }
    free(list);
}
