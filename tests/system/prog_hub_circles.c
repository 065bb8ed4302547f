/* Circles at a real hub: who may say what, and the disclosure table for envelopes. The sender here
 * has no checks of its own: what is refused is refused by the hub. */
#include <stdlib.h>
#include <string.h>

#include "hub_checks.h"

static void statement_is_refused(struct scene *s, size_t by, const struct circle_statement *st,
                                 enum err code)
{
    struct hub_counts before = counts_of(s);

    CHECK_ERR(member_declare(s->m[by], s->circle, st, NULL), code);
    only_refused(s, &before, code);
    serves(s, 0, 1);
}

static void sheet_is_refused(struct scene *s, const struct env_header *h, enum err code)
{
    struct bytes whole = {0};
    struct hub_counts before = counts_of(s);

    CHECK_OK(member_seal(s->m[0], h, SPAN_STR("corps"), &whole, NULL));
    CHECK_ERR(member_put(s->m[0], bytes_span(&whole), NULL), code);
    only_refused(s, &before, code);
    bytes_free(&whole);
}

static void sheet_passes(struct scene *s, const struct env_header *h)
{
    struct bytes whole = {0};

    CHECK_OK(member_seal(s->m[0], h, SPAN_STR("corps"), &whole, NULL));
    CHECK_OK(member_put(s->m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
}

static struct env_header sheet(struct scene *s, size_t to)
{
    struct env_header h;

    CHECK_OK(member_header(s->m[0], s->circle->handle, &s->m[to], 1, &h));
    return h;
}

static struct env_header shared_under(struct scene *s, size_t to, uint32_t consent)
{
    struct env_header h = sheet(s, to);

    h.basis = BASIS_CONSENTI;
    h.has_consent = true;
    h.consent = consent;
    return h;
}

/* Four members enrolled, the last not in the circle. */
static void with_a_stranger(struct scene *s)
{
    CHECK_OK(scene_open(NULL, s));
    s->m = realloc(s->m, 4 * sizeof *s->m);
    CHECK(s->m);
    CHECK_OK(scene_enrol(s, "member-3", ORG_MDPH, &s->m[3]));
    s->n = 4;
    CHECK_OK(member_open(s->m[3]));
    CHECK_OK(member_sync(s->m[0]));
}

static void a_statement_by_a_non_member_is_refused(void)
{
    struct circle_statement st;
    struct member_answer a = {0};
    struct message ask = {.type = MSG_CHAIN};
    struct scene s;

    with_a_stranger(&s);
    CHECK_OK(member_statement(s.m[3], s.circle, CIRCLE_NOTICE, &st));
    st.class_mask = CLASS_SOCIAL;
    st.way = WAY_ORAL;
    st.org_count = 1;
    memcpy(st.orgs[0], member_org(s.m[3]), ID_BYTES);
    statement_is_refused(&s, 3, &st, ERR_NOT_IN_CIRCLE);
    st.prev[0] ^= 1; /* nor does he learn the head by asking about a wrong one */
    statement_is_refused(&s, 3, &st, ERR_NOT_IN_CIRCLE);
    ask.chain.req = member_next_req(s.m[3]);
    memcpy(ask.chain.circle, s.circle->handle, ID_BYTES);
    CHECK_ERR(member_ask(s.m[3], &ask, &a), ERR_NOT_IN_CIRCLE);
    CHECK(a.message.err.extra == EXTRA_NONE);
    member_answer_free(&a);
    ask.chain.req = member_next_req(s.m[1]); /* the control: a member gets it */
    CHECK_OK(member_ask(s.m[1], &ask, &a));
    CHECK(a.message.chain_page.n == 3 && a.message.chain_page.total == 3);
    member_answer_free(&a);
    scene_close(&s);
}

static void a_statement_by_a_former_member_is_refused(void)
{
    struct circle_statement st;
    struct message ask = {.type = MSG_CHAIN};
    size_t had;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_leave(s.m[2], s.circle));
    CHECK_OK(member_statement(s.m[2], s.circle, CIRCLE_OPPOSITION, &st));
    st.class_mask = CLASS_ALL;
    statement_is_refused(&s, 2, &st, ERR_FORMER_MEMBER);
    ask.chain.req = member_next_req(s.m[2]);
    memcpy(ask.chain.circle, s.circle->handle, ID_BYTES);
    CHECK_ERR(member_ask(s.m[2], &ask, NULL), ERR_FORMER_MEMBER);
    /* He has learned of his own leaving, and learns nothing after it. */
    CHECK_OK(member_ack_all(s.m[2]));
    had = member_items_of(s.m[2], DELIVER_STATEMENT);
    CHECK_OK(member_notice(s.m[0], s.circle, CLASS_SOCIAL, s.m[1], NULL));
    CHECK_OK(member_barrier(s.m[2]));
    CHECK(member_items_of(s.m[2], DELIVER_STATEMENT) == had);
    scene_close(&s);
}

static void a_statement_on_a_stale_head_is_refused_with_the_head(void)
{
    struct circle_statement st;
    struct hub_counts before;
    struct member_answer a = {0};
    struct bytes ss = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_statement(s.m[1], s.circle, CIRCLE_OPPOSITION, &st));
    st.class_mask = CLASS_MEDICAL;
    CHECK_OK(member_notice(s.m[0], s.circle, CLASS_SOCIAL, s.m[2], NULL)); /* it moves on */
    before = counts_of(&s);
    CHECK_OK(circle_sign(&st, member_sign_key(s.m[1]), &ss));
    CHECK_ERR(member_declare_ss(s.m[1], bytes_span(&ss), &a), ERR_STALE_HEAD);
    CHECK(a.message.err.extra == EXTRA_HEAD);
    CHECK(a.message.err.head_n == circle_size(s.circle->state) - 1);
    CHECK(memcmp(a.message.err.head, circle_head(s.circle->state), 32) == 0);
    only_refused(&s, &before, ERR_STALE_HEAD);
    CHECK_OK(
        member_statement(s.m[1], s.circle, CIRCLE_OPPOSITION, &st)); /* read again, and go on */
    st.class_mask = CLASS_MEDICAL;
    CHECK_OK(member_declare(s.m[1], s.circle, &st, NULL));
    member_answer_free(&a);
    bytes_free(&ss);
    scene_close(&s);
}

static void a_statement_in_anothers_name_is_refused(void)
{
    struct circle_statement st;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_statement(s.m[1], s.circle, CIRCLE_OPPOSITION, &st));
    st.class_mask = CLASS_MEDICAL;
    statement_is_refused(&s, 2, &st, ERR_FROM);
    scene_close(&s);
}

static void a_forged_statement_is_refused(void)
{
    struct circle_statement st;
    struct hub_counts before;
    struct bytes ss = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_statement(s.m[1], s.circle, CIRCLE_OPPOSITION, &st));
    st.class_mask = CLASS_MEDICAL;
    CHECK_OK(circle_sign(&st, member_sign_key(s.m[1]), &ss));
    ss.ptr[ss.len - 1] ^= 1;
    before = counts_of(&s);
    CHECK_ERR(member_declare_ss(s.m[1], bytes_span(&ss), NULL), ERR_FORGED);
    only_refused(&s, &before, ERR_FORGED);
    serves(&s, 0, 1);
    bytes_free(&ss);
    scene_close(&s);
}

static void a_joining_without_an_offer_is_refused(void)
{
    struct circle_row row;
    struct circle_statement st;
    struct bytes offer = {0};
    struct scene s;

    with_a_stranger(&s);
    row = member_row(s.m[3]);
    CHECK_OK(member_offer(s.m[3], s.circle, CIRCLE_JOIN, member_org(s.m[3]), &row, &offer));
    CHECK_OK(member_statement(s.m[3], s.circle, CIRCLE_JOIN, &st));
    st.row = row;
    st.offer = bytes_span(&offer); /* by himself, who is no member */
    statement_is_refused(&s, 3, &st, ERR_RIGHT);
    row.rights = 0;
    CHECK_OK(member_offer(s.m[0], s.circle, CIRCLE_JOIN, member_org(s.m[3]), &row, &offer));
    row.rights = CIRCLE_RIGHT_ALL; /* more than was offered */
    st.row = row;
    st.offer = bytes_span(&offer);
    statement_is_refused(&s, 3, &st, ERR_RIGHT);
    CHECK_OK(member_circle_join(s.m[0], s.m[3], s.circle, NULL)); /* the control */
    bytes_free(&offer);
    scene_close(&s);
}

static void a_declaration_repeated_has_the_same_receipt(void)
{
    struct circle_statement st;
    struct member_answer a = {0}, b = {0};
    struct bytes ss = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_statement(s.m[1], s.circle, CIRCLE_OPPOSITION, &st));
    st.class_mask = CLASS_MEDICAL;
    CHECK_OK(circle_sign(&st, member_sign_key(s.m[1]), &ss));
    CHECK_OK(member_declare_ss(s.m[1], bytes_span(&ss), &a));
    serves(&s, 0, 1);
    CHECK_OK(member_declare_ss(s.m[1], bytes_span(&ss), &b));
    CHECK(span_equal(a.message.receipt.receipt, b.message.receipt.receipt));
    CHECK(hubproc_entries(s.hub, AUDIT_STATEMENT, 0, 100) == 4);
    member_answer_free(&a);
    member_answer_free(&b);
    bytes_free(&ss);
    scene_close(&s);
}

static void who_is_not_in_the_circle_gets_and_sends_nothing(void)
{
    struct env_header h;
    struct bytes whole = {0};
    struct hub_counts before;
    struct scene s;

    with_a_stranger(&s);
    h = sheet(&s, 3);
    sheet_is_refused(&s, &h, ERR_NOT_IN_CIRCLE);
    CHECK_OK(member_header(s.m[3], s.circle->handle, &s.m[1], 1, &h));
    CHECK_OK(member_seal(s.m[3], &h, SPAN_STR("corps"), &whole, NULL));
    before = counts_of(&s);
    CHECK_ERR(member_put(s.m[3], bytes_span(&whole), NULL), ERR_NOT_IN_CIRCLE);
    only_refused(&s, &before, ERR_NOT_IN_CIRCLE);
    h = sheet(&s, 1); /* nor into a circle that there is not */
    h.circle[3] ^= 1;
    sheet_is_refused(&s, &h, ERR_NOT_IN_CIRCLE);
    h = sheet(&s, 1); /* the control */
    sheet_passes(&s, &h);
    bytes_free(&whole);
    scene_close(&s);
}

static void each_row_of_the_table_refuses_by_its_name(void)
{
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    h = sheet(&s, 1); /* restricted content has one reader */
    CHECK_OK(member_header(s.m[0], s.circle->handle, &s.m[1], 2, &h));
    h.class_mask = CLASS_IDENTITY | CLASS_RESTRICTED;
    sheet_is_refused(&s, &h, ERR_AUDIENCE);
    h = sheet(&s, 1); /* another category, and nobody was told */
    h.rcat[0] = CATEGORY_SOCIAL;
    sheet_is_refused(&s, &h, ERR_NOTICE_MISSING);
    h = sheet(&s, 1); /* not one team */
    h.basis = BASIS_EQUIPE;
    sheet_is_refused(&s, &h, ERR_NOT_IN_TEAM);
    h = shared_under(&s, 1, 2); /* position 2 is no consent */
    sheet_is_refused(&s, &h, ERR_CONSENT_MISSING);
    h = sheet(&s, 1); /* an emergency with another purpose */
    h.basis = BASIS_URGENCE;
    sheet_is_refused(&s, &h, ERR_BASIS);
    CHECK_OK(member_notice(s.m[0], s.circle, CLASS_SOCIAL, s.m[1], NULL));
    h = sheet(&s, 1); /* the control: now she was told */
    h.rcat[0] = CATEGORY_SOCIAL;
    h.has_notice = true;
    h.notice = circle_size(s.circle->state) - 1;
    sheet_passes(&s, &h);
    scene_close(&s);
}

static void a_withdrawn_consent_stops_the_sharing_and_not_the_exchange(void)
{
    struct env_header h;
    uint32_t consent = 0;
    uint32_t newer = 0;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_consent(s.m[0], s.circle, CLASS_SOCIAL, s.m[1], &consent));
    h = shared_under(&s, 1, consent);
    sheet_passes(&s, &h);
    CHECK_OK(member_withdraw(s.m[2], s.circle, consent)); /* any member passes on her word */
    h = shared_under(&s, 1, consent);
    sheet_is_refused(&s, &h, ERR_CONSENT_WITHDRAWN);
    h = sheet(&s, 1);
    sheet_passes(&s, &h); /* the échange stands */
    CHECK_OK(member_consent(s.m[0], s.circle, CLASS_SOCIAL, s.m[1], &newer));
    CHECK(newer > consent);
    h = shared_under(&s, 1, newer);
    sheet_passes(&s, &h);
    CHECK_OK(member_oppose(s.m[1], s.circle, CLASS_SOCIAL, s.m[1]));
    h = sheet(&s, 1);
    sheet_is_refused(&s, &h, ERR_OPPOSITION);
    h = sheet(&s, 2);
    sheet_passes(&s, &h); /* the opposition was about one of them */
    scene_close(&s);
}

/* Accepted under a consent, withdrawn before the recipient was there to receive. */
static void what_waits_when_consent_is_withdrawn_is_held_back_and_both_are_told(void)
{
    struct receipt_facts facts;
    struct env_header h;
    struct msg_hello hello;
    uint32_t consent = 0;
    size_t had;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_consent(s.m[0], s.circle, CLASS_SOCIAL, s.m[1], &consent));
    CHECK_OK(member_await(s.m[1], DELIVER_STATEMENT, 3, SOON_MS));
    CHECK_OK(member_ack_all(s.m[1]));
    had = member_items_of(s.m[1], DELIVER_ENVELOPE);
    member_disconnect(s.m[1]);
    member_credit(s.m[1], 0, 0); /* comes, and takes nothing yet */
    CHECK_OK(member_connect(s.m[1]));
    CHECK_OK(member_hello_make(s.m[1], &hello));
    CHECK_OK(member_hello(s.m[1], &hello));
    h = shared_under(&s, 1, consent);
    sheet_passes(&s, &h);
    CHECK_OK(member_withdraw(s.m[0], s.circle, consent));
    member_credit(s.m[1], 64, 1 << 20);
    CHECK_OK(member_hello_make(s.m[1], &hello));
    CHECK_OK(member_hello(s.m[1], &hello));
    CHECK_OK(member_await(s.m[1], DELIVER_RECEIPT, 1, SOON_MS));
    CHECK_OK(member_await(s.m[0], DELIVER_RECEIPT, 1, SOON_MS));
    CHECK(member_items_of(s.m[1], DELIVER_ENVELOPE) == had);
    for (size_t i = 0; i < 2; i++) {
        const struct member_item *it = member_receipt_of(s.m[i], AUDIT_HELD, 0);

        CHECK(it);
        CHECK_OK(member_item_facts(it, &facts));
        CHECK(facts.detail.code == ERR_CONSENT_WITHDRAWN);
        CHECK(memcmp(facts.detail.mid, h.mid, ID_BYTES) == 0);
        CHECK_OK(member_ack_all(s.m[i]));
    }
    CHECK(hubproc_status(s.hub, "held") == 1);
    CHECK(hubproc_entries(s.hub, AUDIT_HELD, ERR_CONSENT_WITHDRAWN, 10) == 1);
    serves(&s, 0, 1);
    scene_close(&s);
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(a_statement_by_a_non_member_is_refused),
        TEST(a_statement_by_a_former_member_is_refused),
        TEST(a_statement_on_a_stale_head_is_refused_with_the_head),
        TEST(a_statement_in_anothers_name_is_refused),
        TEST(a_forged_statement_is_refused),
        TEST(a_joining_without_an_offer_is_refused),
        TEST(a_declaration_repeated_has_the_same_receipt),
        TEST(who_is_not_in_the_circle_gets_and_sends_nothing),
        TEST(each_row_of_the_table_refuses_by_its_name),
        TEST(a_withdrawn_consent_stops_the_sharing_and_not_the_exchange),
        TEST(what_waits_when_consent_is_withdrawn_is_held_back_and_both_are_told),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
