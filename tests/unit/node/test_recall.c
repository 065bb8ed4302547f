/* Taking back: what was sent from here, and what others take back that is here already. */
#include "sheet_rig.h"

#include "courier_internal.h"
#include "mail.h"
#include "statement.h"

/* --- what the hub says ------------------------------------------------------------------------ */

static void mail_of(struct desk *d, const char *mid, struct mail *out)
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(d->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(mail_find(d->r->n, t, mid, out), ERR_OK);
    store_abort(&t);
}

/* The SS of a recall by `who`; as the hub would log it, into d (who borrows from *ss). */
static void recall_of(struct rig_org *who, struct detail *d, enum recall_reason why,
                      struct bytes *ss)
{
    static const uint8_t nobody[ID_BYTES];
    struct bytes stmt = {0};
    struct statement st;
    struct writer w;

    wr_init(&w);
    wr_map(&w, 8);
    wr_key(&w, 1);
    wr_uint(&w, AUDIT_RECALLED);
    wr_key(&w, 2);
    wr_bin(&w, SPAN_OF(d->mid));
    wr_key(&w, 3);
    wr_bin(&w, SPAN_OF(d->digest));
    wr_key(&w, 4);
    wr_bin(&w, SPAN_OF(d->from));
    wr_key(&w, 5);
    wr_bin(&w, SPAN_OF(d->from));
    wr_key(&w, 6);
    wr_uint(&w, RIG_NOW);
    wr_key(&w, 7);
    wr_uint(&w, why);
    wr_key(&w, 8);
    wr_bin(&w, SPAN_OF(nobody));
    assert_int_equal(wr_take(&w, &stmt), ERR_OK);
    assert_int_equal(statement_sign_alone(STATEMENT_RECALL, bytes_span(&stmt), ROLE_NODE, who->org,
                                          who->sign, ss),
                     ERR_OK);
    assert_int_equal(statement_parse(bytes_span(ss), &st), ERR_OK);
    memcpy(d->by_org, st.sig[0].org, ID_BYTES);
    memcpy(d->kid, st.sig[0].kid, KID_BYTES);
    memcpy(d->sig, st.sig[0].sig, SIG_BYTES);
    d->about = st.stmt;
    d->has |=
        RD_KEY(DETAIL_BY_ORG) | RD_KEY(DETAIL_KID) | RD_KEY(DETAIL_SIG) | RD_KEY(DETAIL_ABOUT);
    d->code = why;
    bytes_free(&stmt);
}

static struct detail about(const uint8_t *mid, const uint8_t *digest, const uint8_t *from,
                           const uint8_t *circle, const uint8_t *to)
{
    struct detail d = {.has = RD_KEY(DETAIL_MID) | RD_KEY(DETAIL_DIGEST) | RD_KEY(DETAIL_FROM) |
                              RD_KEY(DETAIL_CIRCLE) | RD_KEY(DETAIL_TO) | RD_KEY(DETAIL_CODE),
                       .to_count = 1};

    memcpy(d.mid, mid, ID_BYTES);
    memcpy(d.digest, digest, DIGEST_BYTES);
    memcpy(d.from, from, ID_BYTES);
    memcpy(d.circle, circle, ID_BYTES);
    memcpy(d.to[0], to, ID_BYTES);
    return d;
}

static struct detail about_incoming(struct desk *d, const char *mid)
{
    struct mail m;

    mail_of(d, mid, &m);
    return about(m.in.mid, m.in.digest, m.in.from, m.in.circle, d->r->own.org);
}

/* A receipt of the mailbox. */
static void told(struct desk *d, enum audit_type type, const struct detail *detail)
{
    struct msg_deliver m = {.seq = ++d->r->seq, .kind = DELIVER_RECEIPT};
    struct bytes receipt = {0};
    struct covered covers;
    struct txn *t = NULL;

    rig_receipt(d->r, type, detail, NULL, &receipt);
    m.receipt = bytes_span(&receipt);
    assert_int_equal(store_begin(d->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(intake_item(d->r->n, t, &m, &covers), ERR_OK);
    assert_int_equal(node_commit(d->r->n, &t), ERR_OK);
    assert_false(covers.is_envelope);
    bytes_free(&receipt);
}

static void recalled_by_sender(struct desk *d, const char *mid)
{
    struct detail detail = about_incoming(d, mid);
    struct bytes ss = {0};

    recall_of(&d->r->other, &detail, RECALL_CONTENT, &ss);
    told(d, AUDIT_RECALLED, &detail);
    bytes_free(&ss);
}

static void received(struct desk *d, char mid[33])
{
    struct sheet s = letter_sheet(d);

    receive_sheet(d, &s, mid);
}

/* --- here already ----------------------------------------------------------------------------- */

static void what_nobody_has_opened_is_hidden_and_its_content_destroyed(void **state)
{
    struct desk *d = *state;
    size_t journal;
    char mid[33];
    struct mail m;

    received(d, mid);
    journal = rig_rows(d->r, TABLE_JOURNAL);
    recalled_by_sender(d, mid);
    assert_int_equal(rig_rows(d->r, TABLE_IN_BODY), 0);
    assert_int_equal(rig_rows(d->r, TABLE_JOURNAL), journal + 1);
    rig_restart(d->r);
    d->r->n->care = &care_hooks;
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_RECALLED);
    assert_null(strstr(answered_text(d), "Furos"));
    assert_int_equal(ask(d, NURSE, "inbox.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "rappelée par l'expéditeur"));
    assert_null(strstr(answered_text(d), "œdème"));
    mail_of(d, mid, &m);
    assert_int_equal(m.in.state, IN_RECALLED);
    assert_int_equal(m.in.opened_ms, 0);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 0); /* and nobody is told that it was read */
    recalled_by_sender(d, mid);                        /* again is fine */
    assert_int_equal(rig_rows(d->r, TABLE_JOURNAL), journal + 2); /* and the list */
}

static void what_was_opened_stays_and_says_so(void **state)
{
    struct desk *d = *state;
    struct mail m;
    char mid[33];

    received(d, mid);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    recalled_by_sender(d, mid);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_non_null(strstr(answered_text(d), "Furos"));
    assert_non_null(strstr(answered_text(d), "RAPPELÉE par l'expéditeur"));
    assert_true(json_is_true(answered(d, "recalled")));
    mail_of(d, mid, &m);
    assert_int_equal(m.in.state, IN_RECEIVED);
    assert_int_equal(m.in.ended, AUDIT_RECALLED);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 1); /* opened: said to the sender */
}

static void a_recall_that_the_sender_did_not_sign_changes_nothing(void **state)
{
    struct desk *d = *state;
    struct detail detail;
    struct bytes ss = {0};
    char mid[33];

    received(d, mid);
    detail = about_incoming(d, mid);
    told(d, AUDIT_RECALLED, &detail); /* by nobody */
    recall_of(&d->r->own, &detail, RECALL_CONTENT, &ss);
    told(d, AUDIT_RECALLED, &detail); /* by another than the sender */
    bytes_free(&ss);
    detail = about_incoming(d, mid);
    recall_of(&d->r->other, &detail, RECALL_CONTENT, &ss);
    detail.sig[0] ^= 1;
    told(d, AUDIT_RECALLED, &detail);
    bytes_free(&ss);
    detail = about_incoming(d, mid);
    detail.digest[0] ^= 1;
    recall_of(&d->r->other, &detail, RECALL_CONTENT, &ss);
    told(d, AUDIT_RECALLED, &detail); /* of other bytes */
    bytes_free(&ss);
    detail = about_incoming(d, mid);
    memcpy(detail.to[0], d->r->other.org, ID_BYTES);
    recall_of(&d->r->other, &detail, RECALL_CONTENT, &ss);
    told(d, AUDIT_RECALLED, &detail); /* from another recipient */
    bytes_free(&ss);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_false(json_is_true(answered(d, "recalled")));
}

static void what_comes_after_its_recall_is_not_opened(void **state)
{
    struct desk *d = *state;
    struct rig_letter l;
    struct detail detail;
    struct bytes ss = {0};
    struct in_status s;

    rig_letter_new(d->r, &d->circle, SPAN_OF(rig_body), 1, &l);
    detail = about(l.header.mid, l.digest, l.header.from, l.header.circle, d->r->own.org);
    recall_of(&d->r->other, &detail, RECALL_CONTENT, &ss);
    told(d, AUDIT_RECALLED, &detail);
    assert_int_equal(rig_inbox(d->r, &l, &s), ERR_OK);
    assert_int_equal(s.state, IN_RECALLED);
    assert_int_equal(rig_deliver_letter(d->r, &l), ERR_OK);
    assert_int_equal(rig_inbox(d->r, &l, &s), ERR_OK);
    assert_int_equal(s.state, IN_RECALLED);
    assert_int_equal(rig_rows(d->r, TABLE_IN_BODY), 0);
    bytes_free(&ss);
    rig_letter_free(&l);
}

static void oppose(struct desk *d)
{
    static const uint8_t actor[ID_BYTES] = {1};
    struct circle_statement s;

    assert_int_equal(circle_next(d->circle.c, CIRCLE_OPPOSITION, d->r->own.org, actor, RIG_NOW, &s),
                     ERR_OK);
    s.class_mask = CLASS_MEDICAL;
    s.date_ms = RIG_NOW;
    rig_say(d->r, d->circle.c, &d->r->own, &s, &d->circle.ss[d->circle.n++]);
    rig_circle_tell(d->r, &d->circle, d->circle.n - 1, d->circle.n);
}

static void what_its_circle_no_longer_allows_is_withheld(void **state)
{
    struct desk *d = *state;
    struct detail detail;
    struct mail m;
    char mid[33];

    received(d, mid);
    oppose(d);
    detail = about_incoming(d, mid);
    detail.code = ERR_OPPOSITION;
    told(d, AUDIT_HELD, &detail);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OPPOSITION);
    assert_int_equal(ask(d, NURSE, "inbox.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "retenue"));
    mail_of(d, mid, &m);
    assert_int_equal(m.in.state, IN_WITHHELD);
    assert_int_equal(rig_rows(d->r, TABLE_IN_BODY), 0);
}

/* A hub that says so against our own copy of the chain hides it, and destroys nothing. */
static void what_the_hub_alone_holds_back_is_kept_aside(void **state)
{
    struct desk *d = *state;
    struct detail detail;
    char mid[33];

    received(d, mid);
    detail = about_incoming(d, mid);
    detail.code = ERR_OPPOSITION;
    told(d, AUDIT_HELD, &detail);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OPPOSITION);
    assert_int_equal(rig_rows(d->r, TABLE_IN_BODY), 1);
}

/* --- from here -------------------------------------------------------------------------------- */

#define SEND_IT                                                                                    \
    "{\"note\":5,\"subject\":\"Nuit calme\",\"to\":[{\"org\":\"Autre\",\"category\":1}],"          \
    "\"sections\":[{\"class\":8,\"text\":\"Rien à signaler.\"}],\"basis\":1,\"person\":\"%s\"}"

static void written(struct desk *d, char mid[33])
{
    char first[33], unknown[33], person[33];

    received(d, first);
    enter_zoe(d, "EHPAD-12", 4, person);
    provisional_id(d, unknown);
    assert_int_equal(
        ask(d, NURSE, "person.link", "{\"person\":\"%s\",\"to\":\"%s\"}", unknown, person), ERR_OK);
    assert_int_equal(ask(d, NURSE, "sheet.send", SEND_IT, person), ERR_OK);
    snprintf(mid, 33, "%s", answered_string(d, "mid"));
}

static size_t offered(struct desk *d)
{
    struct out_pending mids[8];
    struct txn *t = NULL;
    size_t count = 0;

    assert_int_equal(store_begin(d->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(outbox_pending(d->r->n, t, mids, 8, &count), ERR_OK);
    store_abort(&t);
    return count;
}

/* Sealed, as a courier would offer it. */
static void taken(struct desk *d, const char *mid, struct bytes *sealed)
{
    struct mail m;

    mail_of(d, mid, &m);
    assert_int_equal(outbox_take(d->r->n, m.out.mid, sealed), ERR_OK);
    assert_true(sealed->len > 0);
}

static struct detail about_sealed(struct desk *d, struct span sealed)
{
    struct envelope_view v;
    struct env_header h;
    uint8_t digest[DIGEST_BYTES];

    assert_int_equal(envelope_parse(sealed, &v, &h, NULL), ERR_OK);
    assert_int_equal(envelope_digest(&v, digest), ERR_OK);
    return about(h.mid, digest, h.from, h.circle, d->r->other.org);
}

static void accepted(struct desk *d, struct span sealed)
{
    struct detail detail = about_sealed(d, sealed);
    struct bytes receipt = {0};

    rig_receipt(d->r, AUDIT_ACCEPTED, &detail, NULL, &receipt);
    assert_int_equal(outbox_accepted(d->r->n, detail.mid, bytes_span(&receipt)), ERR_OK);
    bytes_free(&receipt);
}

static struct out_status status(struct desk *d, const char *mid)
{
    struct mail m;

    mail_of(d, mid, &m);
    return m.out;
}

static void what_has_not_left_is_simply_withdrawn(void **state)
{
    struct desk *d = *state;
    char mid[33];

    written(d, mid);
    assert_int_equal(offered(d), 1);
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\",\"reason\":2}", mid), ERR_OK);
    assert_non_null(strstr(answered_text(d), "n'est jamais partie"));
    assert_int_equal(offered(d), 0);
    assert_int_equal(status(d, mid).state, OUT_WITHDRAWN);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 0);
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_int_equal(ask(d, NURSE, "sheet.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "retirée avant l'envoi"));
}

static void a_recall_waits_for_the_link_and_survives_a_restart(void **state)
{
    struct desk *d = *state;
    struct bytes sealed = {0}, ss = {0}, receipt = {0};
    struct detail detail;
    char mid[33];

    written(d, mid);
    taken(d, mid, &sealed);
    accepted(d, bytes_span(&sealed));
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\",\"reason\":1}", mid), ERR_OK);
    assert_non_null(strstr(answered_text(d), "le hub n'a pas encore répondu"));
    rig_restart(d->r);
    d->r->n->care = &care_hooks;
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 1);
    assert_int_equal(status(d, mid).recall, OUT_RECALL_ASKED);
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 1); /* once */
    assert_int_equal(ask(d, NURSE, "sheet.list", "{}"), ERR_OK);
    assert_non_null(strstr(answered_text(d), "rappel demandé"));
    detail = about_sealed(d, bytes_span(&sealed));
    recall_of(&d->r->own, &detail, RECALL_CONTENT, &ss);
    rig_receipt(d->r, AUDIT_RECALLED, &detail, NULL, &receipt);
    assert_int_equal(outbox_recall_done(d->r->n, detail.mid, bytes_span(&receipt)), ERR_OK);
    told(d, AUDIT_RECALLED, &detail); /* the mailbox says it too */
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 0);
    assert_int_equal(status(d, mid).recall, OUT_RECALL_DONE);
    assert_int_equal(status(d, mid).to[0].marks, OUT_RECALLED);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_non_null(strstr(answered_text(d), "rappelée"));
    assert_non_null(strstr(answered_text(d), "(contenu)"));
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_null(strstr(answered_text(d), "mais pas chez tous"));
    bytes_free(&sealed);
    bytes_free(&ss);
    bytes_free(&receipt);
}

static void what_was_sealed_and_never_reached_the_hub_is_withdrawn_on_its_word(void **state)
{
    struct desk *d = *state;
    struct bytes sealed = {0};
    struct detail detail;
    char mid[33];

    written(d, mid);
    taken(d, mid, &sealed);
    detail = about_sealed(d, bytes_span(&sealed));
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_int_equal(offered(d), 0); /* not again, while we ask */
    assert_int_equal(outbox_recall_refused(d->r->n, detail.mid, ERR_NOT_FOUND), ERR_OK);
    assert_int_equal(status(d, mid).state, OUT_WITHDRAWN);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 0);
    /* and if it had reached the hub all the same, it is taken back again */
    accepted(d, bytes_span(&sealed));
    assert_int_equal(status(d, mid).state, OUT_ACCEPTED);
    assert_int_equal(status(d, mid).recall, OUT_RECALL_ASKED);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 1);
    bytes_free(&sealed);
}

static void too_late_is_said(void **state)
{
    struct desk *d = *state;
    struct bytes sealed = {0};
    struct detail detail;
    char mid[33];

    written(d, mid);
    taken(d, mid, &sealed);
    accepted(d, bytes_span(&sealed));
    detail = about_sealed(d, bytes_span(&sealed));
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_int_equal(outbox_recall_refused(d->r->n, detail.mid, ERR_TOO_LATE), ERR_OK);
    assert_int_equal(status(d, mid).recall, OUT_RECALL_LATE);
    assert_int_equal(rig_rows(d->r, TABLE_REPORT), 0);
    assert_int_equal(ask(d, NURSE, "sheet.show", "{\"mid\":\"%s\"}", mid), ERR_OK);
    assert_non_null(strstr(answered_text(d), "trop tard"));
    bytes_free(&sealed);
}

static void what_was_received_is_not_ours_to_recall(void **state)
{
    struct desk *d = *state;
    char mid[33];

    received(d, mid);
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\"}", mid), ERR_RIGHT);
    assert_int_equal(ask(d, NURSE, "sheet.recall", "{\"mid\":\"%s\",\"reason\":9}", mid),
                     ERR_USAGE);
    assert_int_equal(ask(d, NULL, "sheet.recall", "{\"mid\":\"%s\"}", mid), ERR_ACTOR);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_up, desk_down)
    const struct CMUnitTest tests[] = {
        TEST(what_nobody_has_opened_is_hidden_and_its_content_destroyed),
        TEST(what_was_opened_stays_and_says_so),
        TEST(a_recall_that_the_sender_did_not_sign_changes_nothing),
        TEST(what_comes_after_its_recall_is_not_opened),
        TEST(what_its_circle_no_longer_allows_is_withheld),
        TEST(what_the_hub_alone_holds_back_is_kept_aside),
        TEST(what_has_not_left_is_simply_withdrawn),
        TEST(a_recall_waits_for_the_link_and_survives_a_restart),
        TEST(what_was_sealed_and_never_reached_the_hub_is_withdrawn_on_its_word),
        TEST(too_late_is_said),
        TEST(what_was_received_is_not_ours_to_recall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
