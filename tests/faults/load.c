/* Offering, acknowledging, connecting: what members do by themselves. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_internal.h"

#define WINDOW 24
#define ANSWER_MS 1500
#define HELLO_MS 250
#define ACK_EVERY_MS 15
#define TURN_MS 2

static uint64_t mono(void)
{
    return clock_mono_ms(clock_system());
}

/* --- dice --------------------------------------------------------------------------------------
 */

uint64_t dice_draw(struct dice *d, uint64_t below)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return below ? z % below : z;
}

uint64_t dice_named(uint64_t seed, const char *name, uint64_t n)
{
    struct dice d = {seed ^ (n << 32)};

    for (; *name; name++)
        d.state = dice_draw(&d, 0) ^ (unsigned char)*name;
    return dice_draw(&d, 0);
}

/* --- who takes part ----------------------------------------------------------------------------
 */

enum err load_new(struct history *h, const struct scene *s, struct load **out)
{
    struct load *l = calloc(1, sizeof *l);

    if (!l)
        return ERR_NOMEM;
    l->h = h;
    l->asks_end = &l->asks;
    l->scene = s;
    *out = l;
    return ERR_OK;
}

static void letter_free(struct load_letter *x)
{
    bytes_free(&x->envelope);
    free(x);
}

void load_free(struct load *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++) {
        member_on_frame(l->actor[i].m, NULL, NULL);
        for (size_t k = 0; k < l->actor[i].n; k++)
            letter_free(l->actor[i].letter[k]);
        free(l->actor[i].letter);
    }
    asks_free(l);
    free(l->slot);
    free(l);
}

static enum err keys_learn(struct load *l, struct member_node *m)
{
    const struct federation *f = directory_federation(member_directory(m));

    if (!f)
        return ERR_NOT_FOUND;
    l->audit_key = f->audit_log;
    l->keys_key = f->keys_log;
    snprintf(l->keys_origin, sizeof l->keys_origin, "%.*s/keys", (int)f->name.len,
             (const char *)f->name.ptr);
    l->key_known = true;
    return ERR_OK;
}

enum err load_add(struct load *l, const char *name, struct member_node *m)
{
    struct actor *a = &l->actor[l->n];
    enum err e;

    if (l->n == LOAD_ACTORS_MAX)
        return ERR_ITEMS;
    if (!l->key_known && (e = keys_learn(l, m)))
        return e;
    *a = (struct actor){.l = l, .number = l->n, .m = m};
    snprintf(a->name, sizeof a->name, "%s", name);
    l->n++;
    load_origin(l, &member_welcome(m)->audit);
    member_on_frame(m, load_hear, a);
    for (size_t i = 0; i < l->crew_count; i++)
        if (l->crews[i] == member_crew(m))
            return ERR_OK;
    l->crews[l->crew_count++] = member_crew(m);
    crew_patience(member_crew(m), 0);
    return ERR_OK;
}

size_t load_actors(const struct load *l)
{
    return l->n;
}

struct actor *load_by_org(struct load *l, const uint8_t org[ID_BYTES])
{
    for (size_t i = 0; i < l->n; i++)
        if (memcmp(member_org(l->actor[i].m), org, ID_BYTES) == 0)
            return &l->actor[i];
    return NULL;
}

const char *hex_of(const uint8_t *in, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", in[i]);
    return out;
}

/* --- envelopes ---------------------------------------------------------------------------------
 */

/* Where it is, or the free slot where it would be. A mid ends in random bytes. */
static size_t slot_of(const struct load *l, const uint8_t mid[ID_BYTES])
{
    size_t at;

    memcpy(&at, mid + ID_BYTES - sizeof at, sizeof at);
    for (at &= l->slots - 1; l->slot[at] && memcmp(l->slot[at]->mid, mid, ID_BYTES) != 0;)
        at = (at + 1) & (l->slots - 1);
    return at;
}

struct load_letter *load_find(struct load *l, const uint8_t mid[ID_BYTES])
{
    return l->slots ? l->slot[slot_of(l, mid)] : NULL;
}

static void slots_grow(struct load *l)
{
    struct load_letter **old = l->slot;
    size_t n = l->slots;

    l->slots = n ? 2 * n : 1024;
    if (!(l->slot = calloc(l->slots, sizeof(struct load_letter *))))
        abort();
    for (size_t i = 0; i < n; i++)
        if (old[i])
            l->slot[slot_of(l, old[i]->mid)] = old[i];
    free(old);
}

void load_keep(struct actor *a, struct load_letter *x)
{
    struct load *l = a->l;

    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 64;
        if (!(a->letter = realloc(a->letter, a->cap * sizeof(struct load_letter *))))
            abort();
    }
    a->letter[a->n++] = x;
    if (2 * ++l->letters > l->slots)
        slots_grow(l);
    l->slot[slot_of(l, x->mid)] = x;
    l->undecided++;
}

static enum err letter_seal(struct actor *a, struct load_letter *x, const struct load_wish *w)
{
    struct member_node *to[LOAD_ACTORS_MAX + 1];
    uint8_t digest[DIGEST_BYTES];
    struct env_header h;
    uint8_t *body = calloc(1, w->bytes);
    size_t n = 0;
    enum err e = ERR_NOMEM;

    if (!body)
        goto out;
    for (size_t i = 0; i < a->l->n; i++)
        if (x->to & 1u << i)
            to[n++] = a->l->actor[i].m;
    if (w->deputy)
        to[n++] = a->l->actor[w->deputy - 1].m;
    if ((e = member_header(a->m, a->l->scene->circle->handle, to, n, &h)))
        goto out;
    h.exp = h.ts + w->life_ms;
    if (w->consent) {
        h.basis = BASIS_CONSENTI;
        h.has_consent = true;
        h.consent = w->consent;
    }
    if (w->deputy) {
        h.has_deputy = true;
        h.deputy_count = 1;
        h.deputy[0] = (struct env_deputy){0, w->after_s};
    }
    if ((e = member_seal(a->m, &h, span_of(body, w->bytes), &x->envelope, digest)))
        goto out;
    memcpy(x->mid, h.mid, ID_BYTES);
    hex_of(digest, 8, x->digest);
out:
    free(body);
    return e;
}

enum err load_write(struct load *l, size_t actor, unsigned to, uint64_t life_ms, size_t bytes)
{
    return load_write_as(l, actor, to, &(struct load_wish){.life_ms = life_ms, .bytes = bytes});
}

enum err load_write_as(struct load *l, size_t actor, unsigned to, const struct load_wish *wish)
{
    struct actor *a = &l->actor[actor];
    struct load_letter *x = calloc(1, sizeof *x);
    enum err e;

    if (!x)
        return ERR_NOMEM;
    x->by = a;
    x->to = to & ~(1u << actor) & ((1u << l->n) - 1);
    if (x->to == 0)
        x->to = 1u << (actor ? 0 : 1);
    if ((e = letter_seal(a, x, wish))) {
        letter_free(x);
        return e;
    }
    x->keep = wish->keep;
    x->shared = wish->consent != 0;
    x->deputy = wish->deputy;
    load_keep(a, x);
    return ERR_OK;
}

static void first_offer(struct load_letter *x)
{
    struct load *l = x->by->l;
    char mid[33];
    char to[LOAD_ACTORS_MAX * (LOAD_NAME + 1)] = "";
    size_t at = 0;

    for (size_t i = 0; i < l->n; i++)
        if (x->to & 1u << i)
            at +=
                (size_t)snprintf(to + at, sizeof to - at, "%s%s", at ? "," : "", l->actor[i].name);
    history_say(l->h, "sent %s %s %s %s", x->by->name, hex_of(x->mid, ID_BYTES, mid), x->digest,
                to);
    for (size_t i = 0; x->shared && i < l->n; i++)
        if (x->to & 1u << i)
            history_say(l->h, "shared %s %s", mid, l->actor[i].name);
    if (x->deputy)
        history_say(l->h, "deputy %s %s", mid, l->actor[x->deputy - 1].name);
    x->said = true;
}

static void offer(struct actor *a)
{
    uint64_t now = mono();
    size_t in_flight = 0;

    while (a->first < a->n && a->letter[a->first]->state >= LETTER_DONE)
        a->first++;
    for (size_t i = a->first; i < a->n && in_flight < WINDOW; i++) {
        struct load_letter *x = a->letter[i];
        struct bytes frame = {0};

        if (x->state == LETTER_SENT) {
            in_flight++;
            if (now - x->sent_ms > ANSWER_MS) {
                actor_lost(a, 0);
                return;
            }
        }
        if (x->state != LETTER_NEW)
            continue;
        if (now < a->rest_ms)
            return;
        if (!x->said)
            first_offer(x);
        x->req = member_next_req(a->m);
        if (member_put_frame(x->req, bytes_span(&x->envelope), &frame))
            abort();
        if (member_send(a->m, bytes_span(&frame)) == ERR_OK) {
            x->state = LETTER_SENT;
            x->sent_ms = now;
            in_flight++;
        } else {
            in_flight = WINDOW;
        }
        bytes_free(&frame);
    }
}

/* --- session -----------------------------------------------------------------------------------
 */

void actor_lost(struct actor *a, uint64_t wait_ms)
{
    a->up = false;
    a->hello_ms = mono() + wait_ms;
    for (size_t i = a->first; i < a->n; i++)
        if (a->letter[i]->state == LETTER_SENT)
            a->letter[i]->state = LETTER_NEW;
    asks_lost(a);
}

static void greet(struct actor *a)
{
    struct message say = {.type = MSG_HELLO};

    if (mono() < a->hello_ms)
        return;
    a->hello_ms = mono() + HELLO_MS;
    if (member_connect(a->m) || member_hello_make(a->m, &say.hello))
        abort();
    if (member_tell(a->m, &say))
        a->hello_ms = mono() + 5; /* no connection yet */
}

static void acknowledge(struct actor *a)
{
    const struct member_node *m = a->m;
    uint64_t last = member_items(m) ? member_item(m, member_items(m) - 1)->seq : 0;

    if (last <= member_acked(m) || mono() < a->ack_ms)
        return;
    a->ack_ms = mono() + ACK_EVERY_MS;
    if (member_ack(a->m, last))
        a->ack_ms = mono() + HELLO_MS;
}

static void actor_turn(struct actor *a)
{
    if (a->away)
        return;
    if (!a->up) {
        greet(a);
        return;
    }
    if (a->watching)
        return;
    if (!asks_offer(a)) {
        actor_lost(a, 0);
        return;
    }
    offer(a);
    acknowledge(a);
}

void load_turn(struct load *l)
{
    for (size_t i = 0; i < l->n; i++)
        actor_turn(&l->actor[i]);
    for (size_t i = 0; i < l->crew_count; i++) {
        enum err e = crew_turn(l->crews[i], i == 0 ? TURN_MS : 0);

        if (e && e != ERR_AGAIN && e != ERR_TIMEOUT)
            abort();
    }
}

void load_reconnect_one(struct load *l, size_t actor)
{
    struct actor *a = &l->actor[actor];

    member_disconnect(a->m);
    member_forget_answers(a->m);
    actor_lost(a, 0);
}

void load_reconnect(struct load *l)
{
    for (size_t i = 0; i < l->n; i++)
        load_reconnect_one(l, i);
}

void load_away(struct load *l, size_t actor, bool away)
{
    if (away)
        load_reconnect_one(l, actor);
    l->actor[actor].away = away;
}

bool load_is_away(const struct load *l, size_t actor)
{
    return l->actor[actor].away;
}

bool load_sees_rollback(struct load *l, size_t actor, uint64_t within_ms)
{
    struct actor *a = &l->actor[actor];
    uint64_t until = mono() + within_ms;

    load_reconnect_one(l, actor);
    a->watching = true;
    a->rollback = false;
    while (!a->rollback && mono() < until)
        load_turn(l);
    load_reconnect_one(l, actor);
    a->watching = false;
    return a->rollback;
}

/* --- counting ----------------------------------------------------------------------------------
 */

size_t load_undecided(const struct load *l)
{
    return l->undecided;
}

size_t load_outstanding(const struct load *l)
{
    return l->outstanding;
}

size_t load_released(const struct load *l)
{
    return l->released;
}

size_t load_accepted(const struct load *l)
{
    return l->accepted;
}

size_t load_greeted(const struct load *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        n += l->actor[i].up;
    return n;
}

uint64_t load_audit_size(const struct load *l)
{
    uint64_t size = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->actor[i].newest.size > size)
            size = l->actor[i].newest.size;
    return size;
}

void load_explain(const struct load *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct actor *a = &l->actor[i];
        size_t undecided = 0;
        size_t outstanding = 0;

        for (size_t k = 0; k < a->n; k++) {
            undecided += a->letter[k]->state < LETTER_DONE;
            outstanding +=
                a->letter[k]->state == LETTER_DONE && a->letter[k]->ended != a->letter[k]->to;
        }
        fprintf(stderr, "%s: %s%s, %zu written, %zu undecided, %zu not ended, acked %llu of %zu\n",
                a->name, a->up ? "in session" : "no session", a->away ? ", away" : "", a->n,
                undecided, outstanding, (unsigned long long)member_acked(a->m), member_items(a->m));
    }
}
