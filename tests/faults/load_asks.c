/* Statements of the load's members, and envelopes under common signatures. */
#include <stdlib.h>
#include <string.h>

#include "load_internal.h"

#define ANSWER_MS 1500

static uint64_t mono(void)
{
    return clock_mono_ms(clock_system());
}

/* --- statements --------------------------------------------------------------------------------
 */

struct ask *load_ask(struct load *l, size_t actor, enum message_type type, struct bytes *ss)
{
    struct ask *a = calloc(1, sizeof *a);

    if (!a)
        abort();
    *a = (struct ask){.by = &l->actor[actor], .type = type, .ss = *ss};
    *ss = (struct bytes){0};
    *l->asks_end = a;
    l->asks_end = &a->next;
    l->asking++;
    return a;
}

bool load_asked(const struct ask *a, enum err *code)
{
    *code = a->code;
    return a->state >= LETTER_DONE;
}

size_t load_asking(const struct load *l)
{
    return l->asking;
}

void asks_free(struct load *l)
{
    while (l->asks) {
        struct ask *next = l->asks->next;

        bytes_free(&l->asks->ss);
        free(l->asks);
        l->asks = next;
    }
}

bool asks_offer(struct actor *a)
{
    for (struct ask *x = a->l->asks; x; x = x->next) {
        struct message say = {.type = x->type};

        if (x->by != a)
            continue;
        if (x->state == LETTER_SENT && mono() - x->sent_ms > ANSWER_MS)
            return false;
        if (x->state != LETTER_NEW || mono() < a->rest_ms)
            continue;
        x->req = member_next_req(a->m);
        say.statement.req = x->req;
        say.statement.ss = bytes_span(&x->ss);
        if (member_tell(a->m, &say) == ERR_OK) {
            x->state = LETTER_SENT;
            x->sent_ms = mono();
        }
    }
    return true;
}

void asks_lost(struct actor *a)
{
    for (struct ask *x = a->l->asks; x; x = x->next)
        if (x->by == a && x->state == LETTER_SENT)
            x->state = LETTER_NEW;
}

bool ask_answered(struct actor *a, uint64_t req, enum err code, bool final)
{
    for (struct ask *x = a->l->asks; x; x = x->next) {
        if (x->by != a || x->req != req || !req)
            continue;
        if (x->state != LETTER_SENT)
            return true;
        x->state = final ? LETTER_DONE : LETTER_NEW;
        x->code = code;
        a->l->asking -= final;
        return true;
    }
    return false;
}

size_t load_recall(struct load *l, size_t actor)
{
    struct actor *a = &l->actor[actor];
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++) {
        struct load_letter *x = a->letter[i];
        struct bytes ss = {0};

        if (!x->keep || x->recalled || x->state != LETTER_DONE || x->ended == x->to)
            continue;
        if (member_recall_make(a->m, bytes_span(&x->envelope), RECALL_CONTENT, &ss))
            abort();
        load_ask(l, actor, MSG_RECALL, &ss);
        x->recalled = true;
        n++;
    }
    return n;
}

size_t load_ended_so(const struct load *l, unsigned type)
{
    return type < sizeof l->ended_so / sizeof *l->ended_so ? l->ended_so[type] : 0;
}

/* --- common signatures -------------------------------------------------------------------------
 */

#define BATCH_ROOM 16

enum err load_write_batch(struct load *l, size_t actor, unsigned to, size_t n)
{
    struct member_node *who[LOAD_ACTORS_MAX];
    struct bytes out[BATCH_ROOM] = {0};
    struct actor *a = &l->actor[actor];
    size_t count = 0;
    enum err e;

    to &= ~(1u << actor) & ((1u << l->n) - 1);
    if (to == 0)
        to = 1u << (actor ? 0 : 1);
    for (size_t i = 0; i < l->n; i++)
        if (to & 1u << i)
            who[count++] = l->actor[i].m;
    if (n > BATCH_ROOM)
        return ERR_RANGE;
    e = member_letters(a->m, l->scene->circle->handle, who, count, SPAN_STR("corps"), out, n);
    for (size_t i = 0; i < n && !e; i++) {
        struct load_letter *x = calloc(1, sizeof *x);
        uint8_t digest[DIGEST_BYTES];
        struct envelope_view view;
        struct env_header h;

        if (!x || envelope_parse(bytes_span(&out[i]), &view, &h, NULL) ||
            envelope_digest(&view, digest))
            abort();
        *x = (struct load_letter){.by = a, .to = to, .batched = true, .envelope = out[i]};
        out[i] = (struct bytes){0};
        memcpy(x->mid, h.mid, ID_BYTES);
        hex_of(digest, 8, x->digest);
        load_keep(a, x);
    }
    for (size_t i = 0; i < n; i++)
        bytes_free(&out[i]);
    return e;
}

size_t load_batched(const struct load *l)
{
    return l->batched;
}
