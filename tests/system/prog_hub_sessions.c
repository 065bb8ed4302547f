/* Sessions at a real hub: who may open one, clones, limits, frames that are no messages, ACKs and
 * reports that lie, the operator's side of the keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hub_checks.h"

static struct bytes letter(struct scene *s, size_t from, size_t to)
{
    struct bytes whole = {0};

    CHECK_OK(member_letter(s->m[from], s->circle->handle, &s->m[to], 1, SPAN_STR("corps"), &whole));
    return whole;
}

static void hex_of(const uint8_t id[ID_BYTES], char out[33])
{
    for (int i = 0; i < ID_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static enum err operator(struct scene *s, const char *command, const char *argument,
                         const uint8_t id[ID_BYTES], json_t **data) {
    char hex[33];

        hex_of(id, hex);
        return hubproc_command(s->hub, command, json_pack("{s:s}", argument, hex), data);
}

/* --- standing -----------------------------------------------------------------------------------
 */

static void a_suspended_member_is_told_so_on_its_live_connection(void)
{
    struct hub_counts before;
    struct msg_hello hello;
    struct bytes one;
    int64_t refused;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    one = letter(&s, 1, 2);
    CHECK_OK(operator(&s, "org.suspend", "org", member_org(s.m[1]), NULL));
    before = counts_of(&s);
    refused = hubproc_status(s.hub, "door.refused");
    CHECK_ERR(member_put(s.m[1], bytes_span(&one), NULL), ERR_SUSPENDED);
    CHECK_OK(member_hello_make(s.m[1], &hello));
    CHECK_ERR(member_hello(s.m[1], &hello), ERR_SUSPENDED);
    CHECK(hubproc_status(s.hub, "door.refused") == refused + 1); /* the greeting */
    CHECK(hubproc_log_count(s.hub, 0, "door.refused why=ERR_SUSPENDED") >= 1);
    CHECK(counts_of(&s).accepted == before.accepted && counts_of(&s).audit == before.audit + 1);
    serves(&s, 0, 2);
    CHECK_OK(member_letter(s.m[0], s.circle->handle, &s.m[2], 1, SPAN_STR("x"), &one));
    CHECK_OK(operator(&s, "org.resume", "org", member_org(s.m[1]), NULL));
    CHECK_OK(member_open(s.m[1]));
    serves(&s, 1, 2);
    bytes_free(&one);
    scene_close(&s);
}

static void nothing_is_accepted_for_a_suspended_member(void)
{
    struct hub_counts before;
    struct bytes one;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    one = letter(&s, 0, 1);
    CHECK_OK(operator(&s, "org.suspend", "org", member_org(s.m[1]), NULL));
    before = counts_of(&s);
    CHECK_ERR(member_put(s.m[0], bytes_span(&one), NULL), ERR_ADDRESSEE);
    only_refused(&s, &before, ERR_ADDRESSEE);
    bytes_free(&one);
    scene_close(&s);
}

static void a_revoked_member_is_refused_at_once_and_then_unknown(void)
{
    json_t *data = NULL;
    struct msg_hello hello;
    struct bytes one;
    struct hub_counts before;
    bool complete = false;
    int64_t denied;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    one = letter(&s, 1, 2);
    CHECK_OK(operator(&s, "org.revoke", "org", member_org(s.m[1]), &data));
    before = counts_of(&s);
    CHECK_ERR(member_put(s.m[1], bytes_span(&one), NULL), ERR_SUSPENDED);
    only_refused(&s, &before, ERR_SUSPENDED); /* an act, in a session that was open: in the log */
    CHECK_OK(
        scene_sign(&s, span_text(json_string_value(json_object_get(data, "request"))), &complete));
    CHECK(complete);
    CHECK_ERR(member_put(s.m[1], bytes_span(&one), NULL), ERR_REVOKED);
    CHECK(hubproc_entries(s.hub, AUDIT_REJECTED, ERR_REVOKED, 1) == 1);
    denied = hubproc_status(s.hub, "door.denied");
    member_disconnect(s.m[1]);
    CHECK_OK(member_connect(s.m[1]));
    CHECK_OK(member_hello_make(s.m[1], &hello));
    CHECK_ERR(member_hello_within(s.m[1], &hello, SILENCE_MS), ERR_TIMEOUT);
    CHECK(hubproc_status(s.hub, "door.denied") > denied);
    serves(&s, 0, 2);
    json_decref(data);
    bytes_free(&one);
    scene_close(&s);
}

/* --- before and around a session ----------------------------------------------------------------
 */

static void nothing_is_heard_before_hello(void)
{
    struct hub_counts before;
    struct bytes one;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    one = letter(&s, 1, 2);
    member_disconnect(s.m[1]);
    CHECK_OK(member_connect(s.m[1]));
    before = counts_of(&s);
    CHECK_ERR(member_put(s.m[1], bytes_span(&one), NULL), ERR_MESSAGE_STATE);
    CHECK(counts_of(&s).accepted == before.accepted && counts_of(&s).audit == before.audit);
    serves(&s, 0, 2);
    bytes_free(&one);
    scene_close(&s);
}

static void without_a_common_version_there_is_no_session(void)
{
    struct msg_hello hello;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_hello_make(s.m[1], &hello));
    hello.versions = (struct versions){
        2, {7, 9}
    };
    CHECK_ERR(member_hello(s.m[1], &hello), ERR_VERSION);
    CHECK(hubproc_entries(s.hub, AUDIT_REJECTED, ERR_VERSION, 5) == 1);
    hello.versions = (struct versions){
        2, {1, 9}
    };
    CHECK_OK(member_hello(s.m[1], &hello));
    scene_close(&s);
}

static void a_newer_session_fences_the_former(void)
{
    struct member_answer a = {0};
    struct member_node *again = NULL;
    struct msg_hello hello;
    struct bytes one;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    one = letter(&s, 1, 2);
    CHECK_OK(member_copy(s.m[1], "again", &again)); /* the same node on a new connection */
    CHECK_OK(member_hello_make(s.m[1], &hello));
    hello.hub[0] ^= 1; /* knows no hub yet: starts at the cursor */
    CHECK_OK(member_connect(again));
    CHECK_OK(member_hello(again, &hello));
    CHECK_OK(member_answer(s.m[1], 0, SOON_MS, &a));
    CHECK(a.code == ERR_FENCED);
    CHECK_ERR(member_put(s.m[1], bytes_span(&one), NULL), ERR_MESSAGE_STATE);
    CHECK_OK(member_put(again, bytes_span(&one), NULL));
    CHECK(hubproc_status(s.hub, "cloned") == 0);
    member_answer_free(&a);
    bytes_free(&one);
    member_free(again);
    scene_close(&s);
}

/* What `org list` shows: an operator has to know whom to telephone. */
static size_t clones_listed(const struct scene *s)
{
    json_t *data = NULL;
    size_t count = 0;
    size_t i;
    json_t *org;

    CHECK_OK(hubproc_command(s->hub, "org.list", NULL, &data));
    json_array_foreach(json_object_get(data, "orgs"), i, org) count +=
        json_array_size(json_object_get(org, "cloned"));
    json_decref(data);
    return count;
}

static void clone_is_caught(struct scene *s, const struct msg_hello *hello, struct member_node *by)
{
    struct hub_counts before = counts_of(s);
    size_t had = member_items_of(s->m[1], DELIVER_ENVELOPE);
    struct msg_hello next;
    struct bytes one;

    CHECK_OK(member_connect(by));
    CHECK_ERR(member_hello(by, hello), ERR_CLONED);
    CHECK(hubproc_status(s->hub, "cloned") == 1);
    CHECK(counts_of(s).audit == before.audit + 2);
    CHECK(hubproc_entries(s->hub, AUDIT_ALARM, 0, 2) == 1);
    CHECK(hubproc_entries(s->hub, AUDIT_REJECTED, ERR_CLONED, 2) == 1);
    CHECK_OK(hubproc_log_wait(s->hub, 0, "node.cloned", SOON_MS));
    CHECK(clones_listed(s) == 1);
    one = letter(s, 0, 1); /* accepted, and not delivered to either */
    CHECK_OK(member_put(s->m[0], bytes_span(&one), NULL));
    CHECK_OK(member_barrier(s->m[0]));
    CHECK_OK(member_hello_make(s->m[1], &next));
    CHECK_ERR(member_hello(s->m[1], &next), ERR_CLONED);
    CHECK(member_items_of(s->m[1], DELIVER_ENVELOPE) == had);
    serves(s, 0, 2);
    CHECK_OK(operator(s, "org.release", "node", member_id(s->m[1]), NULL));
    CHECK(hubproc_status(s->hub, "cloned") == 0);
    CHECK(clones_listed(s) == 0);
    CHECK_OK(member_hello_make(s->m[1], &next)); /* the next one counts */
    CHECK_OK(member_hello(s->m[1], &next));
    CHECK_OK(member_await(s->m[1], DELIVER_ENVELOPE, had + 1, SOON_MS));
    bytes_free(&one);
}

static void another_incarnation_is_a_clone(void)
{
    struct member_node *clone = NULL;
    struct msg_hello hello;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_copy(s.m[1], "clone", &clone));
    CHECK_OK(member_hello_make(clone, &hello));
    hello.session = 1000;
    clone_is_caught(&s, &hello, clone);
    member_free(clone);
    scene_close(&s);
}

static void the_same_session_number_again_is_a_clone(void)
{
    struct member_node *clone = NULL;
    struct msg_hello honest, hello;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_copy(s.m[1], "clone", &clone));
    CHECK_OK(member_hello_make(s.m[1], &honest));
    CHECK_OK(member_hello(s.m[1], &honest));
    CHECK_OK(member_hello(s.m[1], &honest)); /* the very same HELLO: its answer was lost */
    hello = honest;
    hello.nonce[0] ^= 1;
    clone_is_caught(&s, &hello, clone);
    member_free(clone);
    scene_close(&s);
}

static void a_lower_session_number_is_a_clone(void)
{
    struct member_node *clone = NULL;
    struct msg_hello hello;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_copy(s.m[1], "clone", &clone));
    CHECK_OK(member_hello_make(s.m[1], &hello));
    CHECK_OK(member_hello(s.m[1], &hello));
    hello.session--;
    clone_is_caught(&s, &hello, clone);
    member_free(clone);
    scene_close(&s);
}

static void a_clone_alarm_survives_a_restart(void)
{
    struct member_node *clone = NULL;
    struct msg_hello hello;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_copy(s.m[1], "clone", &clone));
    CHECK_OK(member_connect(clone));
    CHECK_OK(member_hello_make(clone, &hello));
    CHECK_ERR(member_hello(clone, &hello), ERR_CLONED);
    CHECK_OK(hubproc_kill(s.hub));
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK(hubproc_status(s.hub, "cloned") == 1);
    CHECK_OK(member_hello_make(s.m[1], &hello));
    CHECK_ERR(member_hello(s.m[1], &hello), ERR_CLONED);
    member_free(clone);
    scene_close(&s);
}

static void a_node_that_forgot_what_it_acknowledged_is_refused(void)
{
    struct msg_hello hello;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_hello_make(s.m[1], &hello));
    CHECK(hello.last_seq > 0);
    hello.last_seq--;
    CHECK_ERR(member_hello(s.m[1], &hello), ERR_ROLLBACK);
    CHECK_OK(member_hello_make(s.m[1], &hello));
    CHECK_OK(member_hello(s.m[1], &hello));
    scene_close(&s);
}

/* --- limits -------------------------------------------------------------------------------------
 */

#define BURST 40

static size_t sent_at_once(struct scene *s, struct bytes *all, enum err limit, size_t *accepted)
{
    uint64_t req[BURST];
    size_t limited = 0;

    *accepted = 0;
    for (size_t i = 0; i < BURST; i++) {
        struct message say = {.type = MSG_PUT};

        say.put.req = req[i] = member_next_req(s->m[0]);
        say.put.envelope = bytes_span(&all[i]);
        CHECK_OK(member_tell(s->m[0], &say));
    }
    for (size_t i = 0; i < BURST; i++) {
        struct member_answer a = {0};

        CHECK_OK(member_answer(s->m[0], req[i], SOON_MS, &a));
        CHECK(a.code == ERR_OK || a.code == limit);
        limited += a.code == limit;
        *accepted += a.code == ERR_OK;
        member_answer_free(&a);
    }
    return limited;
}

/* Sends again, as a node does, what was not taken; nothing is lost and nothing comes twice. */
static void limit_loses_nothing(const char *conf, enum err limit)
{
    struct bytes all[BURST] = {0};
    struct hub_counts before;
    size_t accepted, limited;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = conf}, &s));
    for (size_t i = 0; i < BURST; i++)
        all[i] = letter(&s, 0, 1);
    before = counts_of(&s);
    limited = sent_at_once(&s, all, limit, &accepted);
    CHECK(limited > 0 && accepted > 0);
    CHECK(hubproc_status(s.hub, "door.refused") >= (int64_t)limited);
    serves(&s, 1, 2);
    for (size_t i = 0; i < BURST; i++) {
        enum err e;

        while ((e = member_put(s.m[0], bytes_span(&all[i]), NULL)) == limit)
            listen_for(&s, 20);
        CHECK_OK(e);
    }
    CHECK(counts_of(&s).accepted == before.accepted + BURST + 1);
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, BURST, SOON_MS));
    CHECK(member_items_of(s.m[1], DELIVER_ENVELOPE) == BURST);
    for (size_t i = 0; i < BURST; i++)
        bytes_free(&all[i]);
    scene_close(&s);
}

static void too_fast_is_RATE_and_loses_nothing(void)
{
    limit_loses_nothing("rate_per_s = 50\nrate_burst = 20\n", ERR_RATE);
}

static void too_much_in_flight_is_BUSY_and_loses_nothing(void)
{
    limit_loses_nothing("inflight_messages = 1\n", ERR_BUSY);
}

/* --- frames that are no messages
 * ------------------------------------------------------------------ */

static void frame_is_refused(struct scene *s, struct span frame, uint64_t req, enum err code)
{
    struct hub_counts before = counts_of(s);

    CHECK_ERR(member_ask_raw(s->m[0], frame, req, NULL), code);
    only_refused(s, &before, code);
}

/* PUT, req 77: 93 03 cc 4d c5 ... is what the others are made of. */
static void damaged_frames_are_refused_by_name(void)
{
    static const uint8_t float_req[] = {0x93, 0x03, 0xca, 0, 0, 0, 0, 0xc4, 1, 0};
    static const uint8_t long_form[] = {0x93, 0x03, 0xcd, 0x00, 0x4d, 0xc4, 1, 0};
    static const uint8_t deep[] = {0x93, 0x0b, 0x4d, 0x91, 0x91, 0x91,
                                   0x91, 0x91, 0x91, 0x91, 0x91, 0xc0};
    static const uint8_t unknown[] = {0x92, 0x3f, 0x4d};
    static const uint8_t hubs_own[] = {0x93, 0x04, 0x4d, 0xc4, 1, 0};
    static const uint8_t not_array[] = {0x81, 0x03, 0x4d};
    static const uint8_t lying_length[] = {0x93, 0x03, 0x4d, 0xc6, 0x00, 0x04, 0x00, 0x00, 0};
    static const uint8_t nothing[] = {0xc0};
    struct bytes one, frame = {0};
    struct hub_counts before;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    one = letter(&s, 0, 1);
    CHECK_OK(member_put_frame(77, bytes_span(&one), &frame));
    frame_is_refused(&s, span_of(frame.ptr, frame.len - 1), 77, ERR_TRUNCATED);
    CHECK_OK(bytes_append(&frame, SPAN_STR("\xc0")));
    frame_is_refused(&s, bytes_span(&frame), 77, ERR_TRAILING);
    frame_is_refused(&s, SPAN_OF(float_req), 0, ERR_TYPE);
    frame_is_refused(&s, SPAN_OF(long_form), 0, ERR_NOT_CANONICAL);
    frame_is_refused(&s, SPAN_OF(unknown), 77, ERR_MESSAGE_UNKNOWN);
    before = counts_of(&s); /* a question of state: counted, and no leaf */
    CHECK_ERR(member_ask_raw(s.m[0], SPAN_OF(hubs_own), 77, NULL), ERR_MESSAGE_STATE);
    CHECK(counts_of(&s).refused == before.refused + 1 && counts_of(&s).audit == before.audit);
    frame_is_refused(&s, SPAN_OF(lying_length), 77, ERR_TRUNCATED);
    frame_is_refused(&s, SPAN_OF(deep), 77, ERR_TYPE);
    frame_is_refused(&s, SPAN_OF(not_array), 0, ERR_TYPE);
    frame_is_refused(&s, SPAN_OF(nothing), 0, ERR_TYPE);
    serves(&s, 0, 1);
    serves(&s, 1, 2);
    bytes_free(&one);
    bytes_free(&frame);
    scene_close(&s);
}

/* The header is a map of its own inside the envelope: damaged, and signed by its sender. */
static void header_is_refused(struct scene *s, struct span hdr, enum err code)
{
    struct member_parts p = {0};
    struct bytes one = letter(s, 0, 1);

    CHECK_OK(member_parts_read(bytes_span(&one), &p));
    CHECK_OK(bytes_copy(&p.hdr, hdr));
    CHECK_OK(member_parts_sign(s->m[0], &p));
    CHECK_OK(member_parts_write(&p, &one));
    put_is_refused(s, 0, bytes_span(&one), code);
    member_parts_free(&p);
    bytes_free(&one);
}

static void damaged_headers_are_refused_by_name(void)
{
    static const uint8_t twice[] = {0x82, 0x01, 0x01, 0x01, 0x01};
    static const uint8_t descending[] = {0x83, 0x01, 0x01, 0x41, 0x00, 0x40, 0x00};
    static const uint8_t unknown[] = {0x82, 0x01, 0x01, 0x3f, 0x00};
    static const uint8_t alone[] = {0x81, 0x01, 0x01};
    static const uint8_t deep[] = {0x82, 0x01, 0x01, 0x40, 0x91, 0x91, 0x91,
                                   0x91, 0x91, 0x91, 0x91, 0x91, 0xc0};
    struct member_parts p = {0};
    struct bytes one;
    struct bytes trailing = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    header_is_refused(&s, SPAN_OF(twice), ERR_DUPLICATE_KEY);
    header_is_refused(&s, SPAN_OF(descending), ERR_KEY_ORDER);
    header_is_refused(&s, SPAN_OF(unknown), ERR_FIELD_UNKNOWN);
    header_is_refused(&s, SPAN_OF(alone), ERR_FIELD_MISSING);
    header_is_refused(&s, SPAN_OF(deep), ERR_DEPTH);
    one = letter(&s, 0, 1);
    CHECK_OK(member_parts_read(bytes_span(&one), &p));
    CHECK_OK(bytes_copy(&trailing, bytes_span(&p.hdr)));
    CHECK_OK(bytes_append(&trailing, SPAN_STR("\xc0")));
    header_is_refused(&s, bytes_span(&trailing), ERR_TRAILING);
    bytes_free(&trailing);
    bytes_free(&one);
    member_parts_free(&p);
    scene_close(&s);
}

/* --- acknowledging ------------------------------------------------------------------------------
 */

static void ack_is_refused(struct scene *s, const struct msg_ack *ack, enum err code)
{
    struct message say = {.type = MSG_ACK, .ack = *ack};
    struct hub_counts before = counts_of(s);
    struct member_answer a = {0};
    struct msg_hello hello;

    CHECK_OK(member_tell(s->m[1], &say));
    CHECK_OK(member_answer(s->m[1], 0, SOON_MS, &a));
    CHECK_ERR(a.code, code);
    only_refused(s, &before, code);
    CHECK_OK(member_hello_make(s->m[1], &hello)); /* as a node does: greet anew and go on */
    CHECK_OK(member_hello(s->m[1], &hello));
    member_answer_free(&a);
}

static void an_ack_that_lies_confirms_nothing(void)
{
    const struct member_item *last;
    struct msg_ack honest, ack;
    struct bytes one;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    one = letter(&s, 0, 1);
    CHECK_OK(member_put(s.m[0], bytes_span(&one), NULL));
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 1, SOON_MS));
    last = member_item(s.m[1], member_items(s.m[1]) - 1);
    CHECK_OK(member_ack_make(s.m[1], last->seq, &honest));
    ack = honest;
    ack.sig[5] ^= 1;
    ack_is_refused(&s, &ack, ERR_FORGED);
    ack = honest;
    ack.upto += 100; /* what was never sent: the signature is over another number */
    ack_is_refused(&s, &ack, ERR_FORGED);
    ack = honest; /* well signed, about something else than what was delivered */
    ack.root[9] ^= 1;
    CHECK_OK(member_ack_sign(s.m[1], &ack));
    ack_is_refused(&s, &ack, ERR_PROOF);
    ack = honest;
    ack.count++;
    CHECK_OK(member_ack_sign(s.m[1], &ack));
    ack_is_refused(&s, &ack, ERR_PROOF);
    ack = honest;
    ack.is_signed = false;
    ack_is_refused(&s, &ack, ERR_PROOF);
    ack = honest;
    ack.is_signed = false;
    ack.upto += 100;
    ack_is_refused(&s, &ack, ERR_RANGE);
    CHECK(!member_receipt_of(s.m[0], AUDIT_DELIVERED, 0));
    CHECK(hubproc_entries(s.hub, AUDIT_DELIVERED, 0, 50) == 0);
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 1, SOON_MS));
    CHECK_OK(member_ack_all(s.m[1])); /* the control */
    CHECK_OK(member_await(s.m[0], DELIVER_RECEIPT, 1, SOON_MS));
    CHECK(member_receipt_of(s.m[0], AUDIT_DELIVERED, 0));
    bytes_free(&one);
    scene_close(&s);
}

static void a_report_that_lies_is_refused(void)
{
    const struct member_item *it;
    struct bytes one, first = {0}, again = {0}, ss = {0};
    struct message say = {.type = MSG_REPORT};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    one = letter(&s, 0, 1);
    CHECK_OK(member_put(s.m[0], bytes_span(&one), NULL));
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 1, SOON_MS));
    it = member_item(s.m[1], member_items(s.m[1]) - 1);
    CHECK_ERR(member_report(s.m[1], it, AUDIT_OPENED, ERR_OK, NULL), ERR_STATE); /* not acked */
    CHECK_ERR(member_report(s.m[2], it, AUDIT_OPENED, ERR_OK, NULL), ERR_NOT_FOUND);
    CHECK_OK(member_ack_all(s.m[1]));
    it = member_item(s.m[1], member_items(s.m[1]) - 1);
    CHECK_OK(member_report_make(s.m[1], it, AUDIT_OPENED, ERR_OK, &ss));
    say.statement = (struct msg_statement){member_next_req(s.m[2]), bytes_span(&ss)};
    CHECK_ERR(member_ask(s.m[2], &say, NULL), ERR_FROM); /* through another's session */
    ss.ptr[ss.len - 1] ^= 1;
    say.statement = (struct msg_statement){member_next_req(s.m[1]), bytes_span(&ss)};
    CHECK_ERR(member_ask(s.m[1], &say, NULL), ERR_FORGED);
    CHECK_OK(member_report(s.m[1], it, AUDIT_OPENED, ERR_OK, &first));
    CHECK_OK(member_report(s.m[1], it, AUDIT_OPENED, ERR_OK, &again)); /* once per outcome */
    CHECK(span_equal(bytes_span(&first), bytes_span(&again)));
    CHECK(hubproc_entries(s.hub, AUDIT_OPENED, 0, 50) == 1);
    CHECK_OK(member_await(s.m[0], DELIVER_RECEIPT, 2, SOON_MS));
    CHECK(member_receipt_of(s.m[0], AUDIT_OPENED, 0) &&
          !member_receipt_of(s.m[0], AUDIT_OPENED, 1));
    bytes_free(&one);
    bytes_free(&first);
    bytes_free(&again);
    bytes_free(&ss);
    scene_close(&s);
}

/* --- the operator's keys and directories
 * ------------------------------------------------------------ */

static int serve_once(const struct scene *s, const char *passphrase_file, struct bytes *out)
{
    const char *args[] = {
        "--dir", hubproc_dir(s->hub), "--passphrase-file", passphrase_file, "serve", NULL};
    char program[1024];

    return hubproc_run(hubproc_program("relais-hub", program), args, out);
}

static void a_wrong_passphrase_opens_nothing(void)
{
    char path[1200];
    struct bytes out = {0};
    FILE *f;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(hubproc_stop(s.hub, NULL));
    snprintf(path, sizeof path, "%s/../wrong", hubproc_dir(s.hub));
    CHECK((f = fopen(path, "we")) && fputs("une autre phrase\n", f) >= 0 && fclose(f) == 0);
    CHECK(chmod(path, 0600) == 0);
    CHECK(serve_once(&s, path, &out) != 0);
    CHECK(memmem(out.ptr, out.len, "ERR_PASSPHRASE", 14));
    CHECK_OK(hubproc_start(s.hub, NULL)); /* nothing was changed */
    CHECK_OK(scene_reopen(&s));
    serves(&s, 0, 1);
    bytes_free(&out);
    scene_close(&s);
}

static void a_second_daemon_on_the_directory_does_not_start(void)
{
    struct bytes out = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK(serve_once(&s, hubproc_passphrase_file(s.hub), &out) != 0);
    CHECK(memmem(out.ptr, out.len, "ERR_LOCKED", 10));
    serves(&s, 0, 1);
    bytes_free(&out);
    scene_close(&s);
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(a_suspended_member_is_told_so_on_its_live_connection),
        TEST(nothing_is_accepted_for_a_suspended_member),
        TEST(a_revoked_member_is_refused_at_once_and_then_unknown),
        TEST(nothing_is_heard_before_hello),
        TEST(without_a_common_version_there_is_no_session),
        TEST(a_newer_session_fences_the_former),
        TEST(another_incarnation_is_a_clone),
        TEST(the_same_session_number_again_is_a_clone),
        TEST(a_lower_session_number_is_a_clone),
        TEST(a_clone_alarm_survives_a_restart),
        TEST(a_node_that_forgot_what_it_acknowledged_is_refused),
        TEST(too_fast_is_RATE_and_loses_nothing),
        TEST(too_much_in_flight_is_BUSY_and_loses_nothing),
        TEST(damaged_frames_are_refused_by_name),
        TEST(damaged_headers_are_refused_by_name),
        TEST(an_ack_that_lies_confirms_nothing),
        TEST(a_report_that_lies_is_refused),
        TEST(a_wrong_passphrase_opens_nothing),
        TEST(a_second_daemon_on_the_directory_does_not_start),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
