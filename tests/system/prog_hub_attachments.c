/*
 * Attachments at a real hub, message by message: who gets the ciphertext and who does not, whatever
 * became of the letter that names it; and what both sides are told when one goes.
 */
#include <string.h>

#include "attachment.h"
#include "hub_checks.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define PLAIN (2 * ATTACHMENT_PLAIN - 1000)
#define CHUNKS 2

enum {
    SENDER,
    FIRST,
    SECOND,
    NOT_ADDRESSED,
    MEMBERS
};

static struct scene s;
static struct member_node *stranger; /* of the hub, of no circle */
static uint8_t chunks[CHUNKS][ATTACHMENT_CHUNK];
static uint8_t hashes[CHUNKS][ATTACHMENT_HASH_BYTES];
static uint8_t address[ATTACHMENT_ADDRESS_BYTES];
static int64_t strangers; /* asked so far */

static uint64_t sealed_size(void)
{
    return attachment_sealed_size(PLAIN);
}

static struct span chunk(uint32_t i)
{
    return span_of(chunks[i], attachment_chunk_len(sealed_size(), i));
}

/* Every test has a world, and a file, of its own. */
static void begin(void)
{
    static const struct hubproc_start start = {.clock = true};
    const struct scene_options o = {.members = MEMBERS, .start = &start};
    const uint8_t key[ATTACHMENT_KEY_BYTES] = {7};

    CHECK_OK(scene_open(&o, &s));
    CHECK_OK(scene_enrol(&s, "ailleurs", ORG_HOSPITAL, &stranger));
    CHECK_OK(member_open(stranger));
    strangers = 0;
    for (uint32_t i = 0; i < CHUNKS; i++) {
        struct span sealed = chunk(i);

        memset(chunks[i], (int)('a' + i), sizeof chunks[i]);
        attachment_seal(key, i, i + 1 == CHUNKS,
                        span_of(chunks[i], sealed.len - ATTACHMENT_TAG_BYTES), chunks[i]);
        CHECK_OK(attachment_hash(i, sealed, hashes[i]));
    }
    CHECK_OK(attachment_address(sealed_size(), SPAN_OF(hashes), address));
}

static void end(void)
{
    member_free(stranger);
    scene_close(&s);
}

/* --- what a node says ------------------------------------------------------------------------- */

static enum err say_open(struct member_node *m, bool deposits, struct member_answer *a)
{
    struct message say = {.type = MSG_ATT_OPEN, .att_open = {.req = member_next_req(m)}};

    memcpy(say.att_open.address, address, sizeof address);
    if (deposits) {
        say.att_open.size = sealed_size();
        say.att_open.hashes = SPAN_OF(hashes);
    }
    return member_ask(m, &say, a);
}

static enum err say_chunk(struct member_node *m, enum message_type type, uint32_t i,
                          struct member_answer *a)
{
    struct message say = {
        .type = type, .att_chunk = {.req = member_next_req(m), .i = i}
    };

    memcpy(say.att_chunk.address, address, sizeof address);
    if (type == MSG_ATT_PUT)
        say.att_chunk.chunk = chunk(i);
    return member_ask(m, &say, a);
}

static void deposit(struct member_node *m)
{
    struct member_answer a;

    CHECK_OK(say_open(m, true, NULL));
    for (uint32_t i = 0; i < CHUNKS; i++) {
        CHECK_OK(say_chunk(m, MSG_ATT_PUT, i, &a));
        CHECK(a.message.type == MSG_ATT_STATE && a.message.att_state.next == i + 1);
        CHECK(a.message.att_state.whole == (i + 1 == CHUNKS));
        member_answer_free(&a);
    }
}

/* From SENDER to as many from FIRST on; it lives for a day. */
static struct bytes letter(size_t to)
{
    struct bytes whole = {0};
    struct env_header h;

    CHECK_OK(member_header(s.m[SENDER], s.circle->handle, &s.m[FIRST], to, &h));
    h.has_att = true;
    h.att_count = 1;
    memcpy(h.att[0].address, address, sizeof address);
    h.att[0].size = sealed_size();
    CHECK_OK(member_seal(s.m[SENDER], &h, SPAN_STR("Voir la pièce."), &whole, NULL));
    CHECK_OK(member_put(s.m[SENDER], bytes_span(&whole), NULL));
    return whole;
}

static void fetches(struct member_node *m)
{
    struct member_answer a;

    CHECK_OK(say_open(m, false, &a));
    CHECK(a.message.att_state.whole && span_equal(a.message.att_state.hashes, SPAN_OF(hashes)));
    member_answer_free(&a);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        CHECK_OK(say_chunk(m, MSG_ATT_GET, i, &a));
        CHECK(a.message.type == MSG_ATT_CHUNK && a.message.att_chunk.i == i);
        CHECK(span_equal(a.message.att_chunk.chunk, chunk(i)));
        member_answer_free(&a);
    }
}

/* By every way there is; each time it is counted, and the last one as a refusal of the core's. */
static void gets_nothing(struct member_node *m)
{
    int64_t refused = hubproc_status(s.hub, "refused");

    CHECK_ERR(say_open(m, false, NULL), ERR_ATTACHMENT_RIGHT);
    CHECK_ERR(say_open(m, true, NULL), ERR_ATTACHMENT_RIGHT);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        CHECK_ERR(say_chunk(m, MSG_ATT_GET, i, NULL), ERR_ATTACHMENT_RIGHT);
        CHECK_ERR(say_chunk(m, MSG_ATT_PUT, i, NULL), ERR_ATTACHMENT_RIGHT);
    }
    CHECK_ERR(say_chunk(m, MSG_ATT_DONE, 0, NULL), ERR_ATTACHMENT_RIGHT);
    strangers += 2 + 2 * CHUNKS;
    CHECK(hubproc_status(s.hub, "refused") == refused + 1);
}

static bool all_counted(void *arg)
{
    (void)arg;
    return hubproc_status(s.hub, "attachments.strangers") == strangers;
}

static void nothing_uncounted(void)
{
    CHECK(strangers > 0);
    CHECK(crew_until(s.crew, all_counted, NULL, 12 * SOON_MS));
}

/* --- who may --------------------------------------------------------------------------------- */

static void only_who_it_was_sent_to_gets_the_ciphertext(void)
{
    struct bytes whole;

    begin();
    CHECK_ERR(say_open(s.m[FIRST], false, NULL), ERR_ATTACHMENT_MISSING);
    deposit(s.m[SENDER]);
    gets_nothing(s.m[FIRST]); /* nobody has sent it to him yet */
    whole = letter(1);
    fetches(s.m[FIRST]);
    fetches(s.m[SENDER]);
    gets_nothing(s.m[NOT_ADDRESSED]);
    gets_nothing(stranger);
    CHECK_OK(say_chunk(s.m[FIRST], MSG_ATT_DONE, 0, NULL));
    gets_nothing(s.m[NOT_ADDRESSED]);
    nothing_uncounted();
    bytes_free(&whole);
    end();
}

static void no_letter_names_what_another_has_deposited(void)
{
    struct bytes whole = {0};
    struct env_header h;

    begin();
    deposit(stranger);
    CHECK_OK(member_header(s.m[SENDER], s.circle->handle, &s.m[FIRST], 1, &h));
    h.has_att = true;
    h.att_count = 1;
    memcpy(h.att[0].address, address, sizeof address);
    h.att[0].size = sealed_size();
    CHECK_OK(member_seal(s.m[SENDER], &h, SPAN_STR("x"), &whole, NULL));
    CHECK_ERR(member_put(s.m[SENDER], bytes_span(&whole), NULL), ERR_ATTACHMENT_MISSING);
    gets_nothing(s.m[SENDER]);
    gets_nothing(s.m[FIRST]);
    nothing_uncounted();
    bytes_free(&whole);
    end();
}

/* --- a letter that ends undelivered ----------------------------------------------------------- */

static void credit(struct member_node *m, uint32_t messages)
{
    struct msg_hello hello;

    member_credit(m, messages, 1 << 20);
    CHECK_OK(member_hello_make(m, &hello));
    CHECK_OK(member_hello(m, &hello));
}

static const struct receipt_facts *told_gone(struct member_node *m, struct receipt_facts *f)
{
    const struct member_item *it;

    for (int i = 0; !(it = member_receipt_of(m, AUDIT_ATTACHMENT_REMOVED, 0)); i++) {
        enum err e = crew_turn(s.crew, 20);

        CHECK(i < 3000 && (e == ERR_OK || e == ERR_AGAIN));
    }
    CHECK_OK(member_item_facts(it, f));
    CHECK(memcmp(f->detail.address, address, sizeof address) == 0);
    CHECK(f->detail.size == sealed_size());
    CHECK(memcmp(f->detail.from, member_org(s.m[SENDER]), ID_BYTES) == 0);
    return f;
}

/* Both sides have the same leaf, and it names whom it did not reach. */
static void both_are_told_of(size_t missed)
{
    struct receipt_facts f;
    uint8_t root[sizeof f.detail.address];

    memcpy(root, told_gone(s.m[SENDER], &f)->detail.address, sizeof root);
    CHECK(f.detail.to_count == 1);
    CHECK(memcmp(f.detail.to[0], member_org(s.m[missed]), ID_BYTES) == 0);
    CHECK(told_gone(s.m[missed], &f)->detail.to_count == 1);
    CHECK(memcmp(f.detail.to[0], member_org(s.m[missed]), ID_BYTES) == 0);
    CHECK(hubproc_entries(s.hub, AUDIT_ATTACHMENT_REMOVED, 0, 64) == 1);
}

static void what_is_recalled_is_refused_to_him_alone(void)
{
    struct bytes whole;

    begin();
    deposit(s.m[SENDER]);
    credit(s.m[FIRST], 0);
    whole = letter(2);
    CHECK_OK(member_await(s.m[SECOND], DELIVER_ENVELOPE, 1, 12 * SOON_MS));
    CHECK_OK(member_ack_all(s.m[SECOND]));
    fetches(s.m[FIRST]); /* until then it is his */
    CHECK_OK(member_recall(s.m[SENDER], bytes_span(&whole), RECALL_PERSON, NULL));
    gets_nothing(s.m[FIRST]);
    fetches(s.m[SECOND]);
    nothing_uncounted();
    CHECK_OK(say_chunk(s.m[SECOND], MSG_ATT_DONE, 0, NULL)); /* nobody else waits */
    credit(s.m[FIRST], 64);
    both_are_told_of(FIRST);
    CHECK(!member_receipt_of(s.m[SECOND], AUDIT_ATTACHMENT_REMOVED, 0));
    bytes_free(&whole);
    end();
}

static void what_is_held_back_is_refused(void)
{
    struct bytes whole;

    begin();
    deposit(s.m[SENDER]);
    credit(s.m[FIRST], 0);
    whole = letter(1);
    CHECK_OK(member_oppose(s.m[SENDER], s.circle, CLASS_SOCIAL, s.m[FIRST]));
    credit(s.m[FIRST], 64);
    for (int i = 0; !member_receipt_of(s.m[FIRST], AUDIT_HELD, 0); i++)
        CHECK(crew_turn(s.crew, 20) <= ERR_AGAIN && i < 3000);
    CHECK(member_items_of(s.m[FIRST], DELIVER_ENVELOPE) == 0);
    both_are_told_of(FIRST); /* nobody waits for it: it goes at once */
    CHECK_ERR(say_chunk(s.m[FIRST], MSG_ATT_GET, 0, NULL), ERR_ATTACHMENT_MISSING);
    bytes_free(&whole);
    end();
}

static void another_letter_that_names_it_keeps_the_right(void)
{
    struct bytes first;
    struct bytes second;

    begin();
    deposit(s.m[SENDER]);
    credit(s.m[FIRST], 0);
    first = letter(1);
    second = letter(1);
    CHECK_OK(member_recall(s.m[SENDER], bytes_span(&first), RECALL_CONTENT, NULL));
    fetches(s.m[FIRST]);
    CHECK_OK(member_recall(s.m[SENDER], bytes_span(&second), RECALL_CONTENT, NULL));
    CHECK(say_chunk(s.m[FIRST], MSG_ATT_GET, 0, NULL) != ERR_OK); /* or it has gone already */
    credit(s.m[FIRST], 64);
    both_are_told_of(FIRST);
    bytes_free(&first);
    bytes_free(&second);
    end();
}

/* --- time ------------------------------------------------------------------------------------ */

/* The hub believes no jump before an operator has looked. */
static void later(int64_t ms)
{
    CHECK_OK(hubproc_clock(s.hub, ms));
    crew_ahead(s.crew, ms);
    for (int i = 0; hubproc_command(s.hub, "clock.confirm", NULL, NULL) != ERR_OK; i++)
        CHECK(crew_turn(s.crew, 20) <= ERR_AGAIN && i < 3000);
}

static void one_whose_letter_expires_is_told_to_both(void)
{
    struct bytes whole;

    begin();
    deposit(s.m[SENDER]);
    credit(s.m[FIRST], 0);
    whole = letter(1);
    later(2 * DAY_MS);
    credit(s.m[FIRST], 64);
    both_are_told_of(FIRST);
    for (size_t i = SENDER; i <= FIRST; i++)
        CHECK(member_receipt_of(s.m[i], AUDIT_EXPIRED, 0)); /* the letter, too */
    CHECK_ERR(say_chunk(s.m[FIRST], MSG_ATT_GET, 0, NULL), ERR_ATTACHMENT_MISSING);
    bytes_free(&whole);
    end();
}

static void one_that_was_not_fetched_in_time_is_told_to_both(void)
{
    struct bytes whole;

    begin();
    deposit(s.m[SENDER]);
    whole = letter(2);
    for (size_t i = FIRST; i <= SECOND; i++) {
        CHECK_OK(member_await(s.m[i], DELIVER_ENVELOPE, 1, 12 * SOON_MS));
        CHECK_OK(member_ack_all(s.m[i]));
    }
    fetches(s.m[SECOND]);
    CHECK_OK(say_chunk(s.m[SECOND], MSG_ATT_DONE, 0, NULL));
    later(2 * DAY_MS);
    both_are_told_of(FIRST);
    CHECK(!member_receipt_of(s.m[SECOND], AUDIT_ATTACHMENT_REMOVED, 0)); /* he has it */
    CHECK(!member_receipt_of(s.m[SENDER], AUDIT_EXPIRED, 0));            /* the letter came */
    bytes_free(&whole);
    end();
}

static void one_that_everybody_has_is_told_to_its_sender(void)
{
    struct receipt_facts f;
    struct bytes whole;

    begin();
    deposit(s.m[SENDER]);
    whole = letter(1);
    CHECK_OK(member_await(s.m[FIRST], DELIVER_ENVELOPE, 1, 12 * SOON_MS));
    CHECK_OK(member_ack_all(s.m[FIRST]));
    CHECK_OK(say_chunk(s.m[FIRST], MSG_ATT_DONE, 0, NULL));
    CHECK(told_gone(s.m[SENDER], &f)->detail.to_count == 0);
    CHECK(!member_receipt_of(s.m[FIRST], AUDIT_ATTACHMENT_REMOVED, 0));
    CHECK_OK(say_chunk(s.m[FIRST], MSG_ATT_DONE, 0, NULL)); /* again is fine */
    bytes_free(&whole);
    end();
}

static void one_that_no_letter_names_goes_after_a_day(void)
{
    struct receipt_facts f;

    begin();
    deposit(s.m[SENDER]);
    later(DAY_MS / 2);
    CHECK_OK(member_barrier(s.m[SENDER]));
    CHECK(!member_receipt_of(s.m[SENDER], AUDIT_ATTACHMENT_REMOVED, 0));
    later(2 * DAY_MS);
    CHECK(told_gone(s.m[SENDER], &f)->detail.to_count == 0);
    CHECK_ERR(say_open(s.m[SENDER], false, NULL), ERR_ATTACHMENT_MISSING);
    end();
}

int main(int argc, char **argv)
{
    static const struct scene_test tests[] = {
        {"only who it was sent to gets the ciphertext",
         only_who_it_was_sent_to_gets_the_ciphertext                                                   },
        {"no letter names what another has deposited",       no_letter_names_what_another_has_deposited},
        {"what is recalled is refused to him alone",         what_is_recalled_is_refused_to_him_alone  },
        {"what is held back is refused",                     what_is_held_back_is_refused              },
        {"another letter that names it keeps the right",
         another_letter_that_names_it_keeps_the_right                                                  },
        {"one whose letter expires is told to both",         one_whose_letter_expires_is_told_to_both  },
        {"one that was not fetched in time is told to both",
         one_that_was_not_fetched_in_time_is_told_to_both                                              },
        {"one that everybody has is told to its sender",
         one_that_everybody_has_is_told_to_its_sender                                                  },
        {"one that no letter names goes after a day",        one_that_no_letter_names_goes_after_a_day },
    };

    return seal_init() ? 1 : scene_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
