/* Persons, and links that lose and mix nothing. */
#include "care_fixture.h"

#include <stdio.h>

#include "inbox.h"
#include "mail.h"
#include "store.h"

static void add(struct care *c, struct person *p)
{
    assert_int_equal(person_add(&c->n, c->t, p), ERR_OK);
}

static void a_person_is_kept_as_she_was_entered(void **state)
{
    struct care *c = *state;
    struct person p = own(zoe());
    struct person back;

    add(c, &p);
    assert_int_equal(person_get(&c->n, c->t, p.id, &back), ERR_OK);
    assert_same_identity(&back.identity, &p.identity);
    assert_memory_equal(back.id, p.id, ID_BYTES);
    assert_int_equal(back.created_ms, 1767609000000);
    assert_false(back.provisional);
}

static enum err search_row(void *arg, struct span key, struct span value)
{
    const char *text = arg;
    bool there = memmem(key.ptr, key.len, text, strlen(text)) ||
                 memmem(value.ptr, value.len, text, strlen(text));

    return there ? ERR_EXISTS : ERR_OK;
}

static void nothing_of_her_stands_readable_in_the_store(void **state)
{
    static const char *const texts[] = {"238054410941733", "vrard-D", "Zo",      "1938-05-17",
                                        "HSA-2026",        "Le Goff", "oeuvrard"};
    struct care *c = *state;
    struct person p = own(zoe());
    struct span all = {NULL, 0};

    add(c, &p);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (int table = 0; table < NODE_TABLES; table++)
            assert_int_equal(store_scan(c->t, table, all, all, SIZE_MAX, search_row,
                                        (void *)(uintptr_t)texts[i]),
                             ERR_OK);
}

static void a_local_identifier_is_hers_alone(void **state)
{
    struct care *c = *state;
    struct person first = own(zoe());
    struct person second = own(zoe());

    add(c, &first);
    assert_int_equal(person_add(&c->n, c->t, &second), ERR_EXISTS);
    strncpy(second.identity.local, "HSA-2026-00418", IDENTITY_LOCAL_MAX);
    add(c, &second);
}

static void she_is_found_by_what_a_human_types(void **state)
{
    struct care *c = *state;
    struct person p = own(zoe());
    uint8_t id[ID_BYTES];
    struct bytes hex = {0};
    char prefix[9];

    add(c, &p);
    assert_int_equal(hex_write(&hex, SPAN_OF(p.id)), ERR_OK);
    memcpy(prefix, hex.ptr, 8);
    prefix[8] = '\0';
    assert_int_equal(person_find(&c->n, c->t, "HSA-2026-00417", id), ERR_OK);
    assert_memory_equal(id, p.id, ID_BYTES);
    assert_int_equal(person_find(&c->n, c->t, (const char *)hex.ptr, id), ERR_OK);
    assert_int_equal(person_find(&c->n, c->t, prefix, id), ERR_OK);
    assert_int_equal(person_find(&c->n, c->t, (const char *)hex.ptr + 24, id),
                     ERR_OK); /* its end */
    assert_memory_equal(id, p.id, ID_BYTES);
    assert_memory_equal(id, p.id, ID_BYTES);
    prefix[3] = '\0';
    assert_int_equal(person_find(&c->n, c->t, prefix, id), ERR_NOT_FOUND); /* too short a prefix */
    assert_int_equal(person_find(&c->n, c->t, "HSA", id), ERR_NOT_FOUND);
    assert_int_equal(person_find(&c->n, c->t, "0123456789", id), ERR_NOT_FOUND);
    bytes_free(&hex);
}

static void a_prefix_of_two_persons_is_asked_again(void **state)
{
    struct care *c = *state;
    uint8_t id[ID_BYTES];
    enum err e = ERR_OK;

    /* 16^4 prefixes: among so many persons two share four digits for certain one day; look for
     * one that does */
    for (unsigned i = 0; i < 600; i++) {
        struct person p = own(zoe());

        snprintf(p.identity.local, sizeof p.identity.local, "L%u", i);
        add(c, &p);
    }
    for (unsigned prefix = 0; prefix < 65536 && e != ERR_USAGE; prefix++) {
        char typed[5];

        snprintf(typed, sizeof typed, "%04x", prefix);
        e = person_find(&c->n, c->t, typed, id);
    }
    assert_int_equal(e, ERR_USAGE);
}

/* --- links ----------------------------------------------------------------------------------- */

static const uint8_t actor[ID_BYTES] = {9};

static void a_link_points_one_step_and_can_be_taken_back(void **state)
{
    struct care *c = *state;
    struct person a = own(zoe());
    struct person p = provisional(zoe(), 5);
    uint8_t id[ID_BYTES];

    add(c, &a);
    add(c, &p);
    assert_int_equal(person_link(&c->n, c->t, p.id, a.id, actor), ERR_OK);
    assert_int_equal(person_resolve(&c->n, c->t, p.id, id), ERR_OK);
    assert_memory_equal(id, a.id, ID_BYTES);
    assert_int_equal(person_unlink(&c->n, c->t, p.id, id), ERR_OK);
    assert_memory_equal(id, a.id, ID_BYTES);
    assert_int_equal(person_resolve(&c->n, c->t, p.id, id), ERR_OK);
    assert_memory_equal(id, p.id, ID_BYTES);
    assert_int_equal(person_unlink(&c->n, c->t, p.id, id), ERR_NOT_FOUND);
}

static void only_a_provisional_person_is_linked_and_only_to_an_own_one(void **state)
{
    struct care *c = *state;
    struct person a = own(zoe());
    struct person b = own(zoe());
    struct person p = provisional(zoe(), 5);
    struct person q = provisional(zoe(), 6);
    uint8_t nobody[ID_BYTES] = {1};

    strncpy(b.identity.local, "other", IDENTITY_LOCAL_MAX);
    add(c, &a);
    add(c, &b);
    add(c, &p);
    add(c, &q);
    assert_int_equal(person_link(&c->n, c->t, a.id, b.id, actor), ERR_STATE);
    assert_int_equal(person_link(&c->n, c->t, p.id, q.id, actor), ERR_STATE);
    assert_int_equal(person_link(&c->n, c->t, p.id, p.id, actor), ERR_STATE);
    assert_int_equal(person_link(&c->n, c->t, nobody, a.id, actor), ERR_NOT_FOUND);
    assert_int_equal(person_link(&c->n, c->t, p.id, nobody, actor), ERR_NOT_FOUND);
    assert_int_equal(person_link(&c->n, c->t, p.id, a.id, actor), ERR_OK);
    assert_int_equal(person_link(&c->n, c->t, p.id, b.id, actor), ERR_EXISTS);
}

/* --- the property: whatever is linked and unlinked, each document stays whose it was -----------
 */

#define OWN 4
#define PROVISIONAL 12
#define DOCUMENTS 300
#define STEPS 400

struct world {
    uint8_t own[OWN][ID_BYTES];
    uint8_t prov[PROVISIONAL][ID_BYTES];
    int link[PROVISIONAL]; /* which own person, -1: none: the model */
    int owner[DOCUMENTS];  /* which provisional person it came for */
};

static void receive(struct care *c, unsigned number, const uint8_t person[ID_BYTES])
{
    struct in_status s = {.state = IN_RECEIVED, .type = ENVELOPE_SHEET, .class_mask = 3};
    uint8_t key[IN_KEY_BYTES];
    char body[32];

    s.mid[0] = (uint8_t)(number >> 8);
    s.mid[1] = (uint8_t)number;
    memcpy(s.person, person, ID_BYTES);
    assert_int_equal(in_put(&c->n, c->t, &s), ERR_OK);
    in_key(s.mid, s.from, key);
    snprintf(body, sizeof body, "document %u", number);
    assert_int_equal(
        vault_put(c->n.vault, c->t, TABLE_IN_BODY, person, SPAN_OF(key), span_text(body)), ERR_OK);
}

struct tally {
    struct care *c;
    unsigned seen[DOCUMENTS];
    size_t count;
};

static enum err count_document(void *arg, const struct mail *m)
{
    unsigned number = (unsigned)m->in.mid[0] << 8 | m->in.mid[1];
    struct tally *all = arg;
    struct bytes body = {0};
    char wanted[32];

    assert_true(m->incoming && number < DOCUMENTS);
    snprintf(wanted, sizeof wanted, "document %u", number);
    assert_int_equal(inbox_payload(&all->c->n, all->c->t, &m->in, &body), ERR_OK);
    assert_true(span_equal(bytes_span(&body), span_text(wanted)));
    seal_bytes_free(&body);
    all->seen[number]++;
    all->count++;
    return ERR_OK;
}

/* Every document is listed under exactly the person the model says, with its own bytes. */
static void as_the_model_says(struct care *c, const struct world *w)
{
    size_t total = 0;

    for (int who = 0; who < OWN + PROVISIONAL; who++) {
        const uint8_t *id = who < OWN ? w->own[who] : w->prov[who - OWN];
        struct tally all = {.c = c};

        assert_int_equal(mail_each(&c->n, c->t, id, true, false, count_document, &all), ERR_OK);
        for (unsigned d = 0; d < DOCUMENTS; d++) {
            int link = w->link[w->owner[d]];
            bool hers = link >= 0 ? who == link : who == OWN + w->owner[d];

            assert_int_equal(all.seen[d], hers);
        }
        total += all.count;
    }
    assert_int_equal(total, DOCUMENTS);
}

static unsigned chance(struct care *c, unsigned below)
{
    uint8_t bytes[2];

    assert_int_equal(node_random(&c->n, bytes, sizeof bytes), ERR_OK);
    return ((unsigned)bytes[0] << 8 | bytes[1]) % below;
}

static void links_and_unlinks_lose_and_mix_nothing(void **state)
{
    struct care *c = *state;
    struct world w;

    for (unsigned i = 0; i < OWN; i++) {
        struct person p = own(zoe());

        snprintf(p.identity.local, sizeof p.identity.local, "own-%u", i);
        add(c, &p);
        memcpy(w.own[i], p.id, ID_BYTES);
    }
    for (unsigned i = 0; i < PROVISIONAL; i++) {
        struct person p = provisional(zoe(), (uint8_t)(i % 3));

        add(c, &p);
        memcpy(w.prov[i], p.id, ID_BYTES);
        w.link[i] = -1;
    }
    for (unsigned d = 0; d < DOCUMENTS; d++) {
        w.owner[d] = (int)chance(c, PROVISIONAL);
        receive(c, d, w.prov[w.owner[d]]);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned p = chance(c, PROVISIONAL);
        unsigned to = chance(c, OWN);
        uint8_t was[ID_BYTES];

        if (w.link[p] >= 0) {
            assert_int_equal(person_unlink(&c->n, c->t, w.prov[p], was), ERR_OK);
            assert_memory_equal(was, w.own[w.link[p]], ID_BYTES);
            w.link[p] = -1;
        } else {
            assert_int_equal(person_link(&c->n, c->t, w.prov[p], w.own[to], actor), ERR_OK);
            w.link[p] = (int)to;
        }
        if (step % 40 == 0)
            as_the_model_says(c, &w);
    }
    for (unsigned p = 0; p < PROVISIONAL; p++) {
        uint8_t was[ID_BYTES];

        if (w.link[p] >= 0)
            assert_int_equal(person_unlink(&c->n, c->t, w.prov[p], was), ERR_OK);
        w.link[p] = -1;
    }
    as_the_model_says(c, &w);
}

/* --- whose document is it? ------------------------------------------------------------------- */

static const uint8_t hospital[ID_BYTES] = {5};
static const uint8_t clinic[ID_BYTES] = {6};

static void somebody_unknown_becomes_a_person_to_identify(void **state)
{
    struct care *c = *state;
    struct person mine = own(zoe());
    struct identity who = zoe();
    struct person p;
    uint8_t id[ID_BYTES];

    add(c, &mine); /* even if we know her: a human decides */
    assert_int_equal(person_of_document(&c->n, c->t, &who, hospital, NULL, id), ERR_OK);
    assert_memory_not_equal(id, mine.id, ID_BYTES);
    assert_int_equal(person_get(&c->n, c->t, id, &p), ERR_OK);
    assert_true(p.provisional);
    assert_memory_equal(p.from, hospital, ID_BYTES);
    assert_same_identity(&p.identity, &who);
    assert_int_equal(person_circle_ready(&c->n, c->t, id), ERR_UNIDENTIFIED);
    assert_int_equal(person_link(&c->n, c->t, id, mine.id, actor), ERR_OK);
    assert_int_equal(person_circle_ready(&c->n, c->t, id), ERR_OK);
    assert_int_equal(person_circle_ready(&c->n, c->t, mine.id), ERR_OK);
}

static void the_same_sender_speaks_of_the_same_person(void **state)
{
    struct care *c = *state;
    struct identity who = zoe();
    struct identity other = zoe();
    uint8_t first[ID_BYTES];
    uint8_t again[ID_BYTES];

    assert_int_equal(person_of_document(&c->n, c->t, &who, hospital, NULL, first), ERR_OK);
    assert_int_equal(person_of_document(&c->n, c->t, &who, hospital, NULL, again), ERR_OK);
    assert_memory_equal(first, again, ID_BYTES);
    assert_int_equal(person_of_document(&c->n, c->t, &who, clinic, NULL, again), ERR_OK);
    assert_memory_not_equal(first, again, ID_BYTES); /* another sender's identifier */
    strncpy(other.birth_first[0], "Léa", IDENTITY_NAME_MAX);
    assert_int_equal(person_of_document(&c->n, c->t, &other, hospital, NULL, again), ERR_OK);
    assert_memory_not_equal(first, again, ID_BYTES); /* the same number, another person: apart */
}

static void a_document_about_another_than_the_circles_person_is_mislabelled(void **state)
{
    struct care *c = *state;
    struct person mine = own(zoe());
    struct identity who = zoe();
    uint8_t id[ID_BYTES];

    add(c, &mine);
    assert_int_equal(person_of_document(&c->n, c->t, &who, hospital, mine.id, id), ERR_OK);
    assert_memory_equal(id, mine.id, ID_BYTES);
    memcpy(who.birth_date, "1951-01-02", IDENTITY_DATE);
    assert_int_equal(person_of_document(&c->n, c->t, &who, hospital, mine.id, id), ERR_MISLABELLED);
}

static void a_person_to_identify_is_as_well_known_as_her_best_document(void **state)
{
    struct care *c = *state;
    struct identity poor = zoe();
    struct identity rich = zoe();
    struct person p;
    uint8_t id[ID_BYTES];

    poor.status = INS_NONE;
    poor.matricule[0] = '\0';
    poor.birth_place[0] = '\0';
    assert_int_equal(person_of_document(&c->n, c->t, &poor, hospital, NULL, id), ERR_OK);
    assert_int_equal(person_of_document(&c->n, c->t, &rich, hospital, id, id), ERR_OK);
    assert_int_equal(person_get(&c->n, c->t, id, &p), ERR_OK);
    assert_int_equal(p.identity.status, INS_QUAL);
    assert_int_equal(person_of_document(&c->n, c->t, &poor, hospital, id, id), ERR_OK);
    assert_int_equal(person_get(&c->n, c->t, id, &p), ERR_OK);
    assert_int_equal(p.identity.status, INS_QUAL); /* and not less again */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, care_up, care_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_person_is_kept_as_she_was_entered),
        TEST(nothing_of_her_stands_readable_in_the_store),
        TEST(a_local_identifier_is_hers_alone),
        TEST(she_is_found_by_what_a_human_types),
        TEST(a_prefix_of_two_persons_is_asked_again),
        TEST(a_link_points_one_step_and_can_be_taken_back),
        TEST(only_a_provisional_person_is_linked_and_only_to_an_own_one),
        TEST(links_and_unlinks_lose_and_mix_nothing),
        TEST(somebody_unknown_becomes_a_person_to_identify),
        TEST(the_same_sender_speaks_of_the_same_person),
        TEST(a_document_about_another_than_the_circles_person_is_mislabelled),
        TEST(a_person_to_identify_is_as_well_known_as_her_best_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
