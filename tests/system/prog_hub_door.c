/* Strangers, hostile peers and enrolment at a real hub. A stranger gets silence; what libzmq does
 * not show is found by the memory it takes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "clock.h"
#include "hub_checks.h"
#include "raw_zmtp.h"

static enum err hello_for(struct member_node *m, uint64_t within_ms)
{
    struct msg_hello hello;

    CHECK_OK(member_connect(m));
    CHECK_OK(member_hello_make(m, &hello));
    return member_hello_within(m, &hello, within_ms);
}

/* Nothing is said to them, one event is counted, nothing enters the log. */
static void stranger_gets_silence(struct scene *s, struct member_node *m)
{
    struct hub_counts before = counts_of(s);
    int64_t denied = hubproc_status(s->hub, "door.denied");

    member_disconnect(m);
    CHECK_ERR(hello_for(m, SILENCE_MS), ERR_TIMEOUT);
    CHECK(member_answers(m) == 0);
    CHECK(hubproc_status(s->hub, "door.denied") > denied);
    CHECK(hubproc_log_count(s->hub, 0, "zap.denied") > 0);
    CHECK(counts_of(s).audit == before.audit && counts_of(s).refused == before.refused);
    serves(s, 0, 1);
}

static void an_unknown_key_gets_silence(void)
{
    struct member_node *m = NULL;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_new(s.crew, "stranger", &m));
    *member_hub(m) = *member_hub(s.m[0]);
    stranger_gets_silence(&s, m);
    member_free(m);
    scene_close(&s);
}

static void an_invited_key_that_is_not_enrolled_gets_silence(void)
{
    struct member_node *m = NULL;
    struct bytes request = {0};
    enum join_state state;
    enum err code;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(scene_invite(&s, "soon", ORG_LIBERAL, false, NULL, &m));
    stranger_gets_silence(&s, m);
    CHECK_OK(member_join(m, &state, &code)); /* on the JOIN port he may wait, and nothing else */
    CHECK(state == JOIN_APPROVAL && code == ERR_WAITING);
    stranger_gets_silence(&s, m);
    CHECK_OK(scene_approve(&s, m, &request));
    CHECK_OK(member_join(m, &state, &code));
    CHECK(state == JOIN_REGISTRAR && code == ERR_WAITING);
    stranger_gets_silence(&s, m);
    CHECK_OK(scene_sign(&s, bytes_span(&request), NULL));
    CHECK_OK(member_join(m, &state, &code));
    CHECK(state == JOIN_ENROLLED && code == ERR_OK);
    member_disconnect(m);
    CHECK_OK(member_open(m)); /* the control: now he is */
    bytes_free(&request);
    member_free(m);
    scene_close(&s);
}

static void joining_with_other_facts_or_keys_is_refused(void)
{
    struct member_node *m = NULL, *other = NULL;
    struct msg_join join;
    enum join_state state;
    enum err code;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(scene_invite(&s, "soon", ORG_LIBERAL, false, NULL, &m));
    CHECK_OK(scene_invite(&s, "other", ORG_LIBERAL, false, NULL, &other));
    CHECK_OK(member_join_make(m, &join)); /* without the transport key */
    join.mac[0] ^= 1;
    CHECK_OK(member_join_send(m, &join, &state, &code));
    CHECK(state == JOIN_REFUSED && code == ERR_POSSESSION);
    CHECK_OK(member_join_make(m, &join)); /* without the signing key */
    join.possession[0] ^= 1;
    CHECK_OK(member_join_send(m, &join, &state, &code));
    CHECK(state == JOIN_REFUSED && code == ERR_POSSESSION);
    CHECK_OK(member_join_make(other, &join)); /* another's body under this invitation */
    CHECK_OK(member_join_send(m, &join, &state, &code));
    CHECK(state == JOIN_REFUSED && code == ERR_INVITATION);
    CHECK(hubproc_log_count(s.hub, 0, "join.refused") == 3);
    CHECK_OK(member_join(m, &state, &code)); /* nothing of that has used it up */
    CHECK(state == JOIN_APPROVAL);
    CHECK_OK(member_join_make(other, &join)); /* now it is used */
    CHECK_OK(member_join_send(m, &join, &state, &code));
    CHECK(state == JOIN_REFUSED && code == ERR_INVITATION);
    member_free(m);
    member_free(other);
    scene_close(&s);
}

static void a_wrong_fingerprint_or_signature_enrols_nobody(void)
{
    struct member_node *m = NULL;
    struct bytes request = {0}, signature = {0};
    bool complete = false;
    enum join_state state;
    enum err code;
    char id[33];
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(scene_invite(&s, "soon", ORG_LIBERAL, false, NULL, &m));
    CHECK_OK(member_join(m, &state, &code));
    CHECK_ERR(hubproc_command(s.hub, "org.approve",
                              json_pack("{s:s,s:s}", "id", scene_invite_id(m, id), "fingerprint",
                                        member_fingerprint(s.m[0])),
                              NULL),
              ERR_FINGERPRINT);
    CHECK_OK(scene_approve(&s, m, &request));
    CHECK_OK(request_sign_with(member_sign_key(m), ROLE_REGISTRAR, NULL, bytes_span(&request),
                               &signature)); /* by the node itself */
    CHECK_ERR(scene_import(&s, bytes_span(&signature), &complete), ERR_KEY_UNKNOWN);
    CHECK_OK(member_join(m, &state, &code));
    CHECK(state == JOIN_REGISTRAR);
    CHECK_OK(scene_sign(&s, bytes_span(&request), &complete)); /* the right one still passes */
    CHECK(complete);
    bytes_free(&request);
    bytes_free(&signature);
    member_free(m);
    scene_close(&s);
}

static void an_emergency_service_needs_two_countersigners_of_two_kinds(void)
{
    struct member_node *m = NULL;
    struct bytes request = {0}, signature = {0};
    bool complete = false;
    enum join_state state;
    enum err code;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(scene_invite(&s, "samu", ORG_EMERGENCY, false, NULL, &m));
    CHECK_OK(member_join(m, &state, &code));
    CHECK_OK(scene_approve(&s, m, &request));
    CHECK_OK(scene_sign(&s, bytes_span(&request), &complete));
    CHECK(!complete);
    CHECK_OK(member_sign_request(s.m[0], ROLE_COUNTERSIGNER, bytes_span(&request), &signature));
    CHECK_OK(scene_import(&s, bytes_span(&signature), &complete));
    CHECK(!complete);
    CHECK_OK(member_join(m, &state, &code));
    CHECK(state == JOIN_REGISTRAR);
    CHECK_OK(member_sign_request(s.m[1], ROLE_COUNTERSIGNER, bytes_span(&request), &signature));
    CHECK_OK(scene_import(&s, bytes_span(&signature), &complete));
    CHECK(complete);
    CHECK_OK(member_join(m, &state, &code));
    CHECK(state == JOIN_ENROLLED);
    bytes_free(&request);
    bytes_free(&signature);
    member_free(m);
    scene_close(&s);
}

#define HOUR_MS (INT64_C(60) * 60 * 1000)

/* Registrar and two houses sign; what the last of them is told. */
static enum err all_sign(struct scene *s, struct member_node *m, int64_t late_ms, bool *complete)
{
    struct bytes request = {0}, signature = {0};
    enum err e;

    CHECK_OK(scene_approve(s, m, &request));
    CHECK_OK(hubproc_clock(s->hub, late_ms));
    CHECK_OK(scene_sign(s, bytes_span(&request), complete));
    CHECK(!*complete);
    CHECK_OK(member_sign_request(s->m[0], ROLE_COUNTERSIGNER, bytes_span(&request), &signature));
    CHECK_OK(scene_import(s, bytes_span(&signature), complete));
    CHECK_OK(member_sign_request(s->m[1], ROLE_COUNTERSIGNER, bytes_span(&request), &signature));
    e = scene_import(s, bytes_span(&signature), complete);
    if (e) /* and the request is gone */
        CHECK_ERR(scene_import(s, bytes_span(&signature), complete), ERR_NOT_FOUND);
    bytes_free(&request);
    bytes_free(&signature);
    return e;
}

/* PROTOCOL.md 7.3: the delay counts from publication, so that a late signature cannot hide it. */
static void an_emergency_service_signed_too_late_is_approved_again(void)
{
    struct member_node *m = NULL;
    bool complete = false;
    enum join_state state;
    int64_t keys;
    enum err code;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.start = &(struct hubproc_start){.clock = true},
                                                .emergency_delay_s = 86400},
                        &s));
    CHECK_OK(scene_invite(&s, "samu", ORG_EMERGENCY, false, NULL, &m));
    CHECK_OK(member_join(m, &state, &code));
    keys = hubproc_status(s.hub, "keys_size");
    CHECK_ERR(all_sign(&s, m, 73 * HOUR_MS, &complete), ERR_NOT_YET);
    CHECK(hubproc_status(s.hub, "keys_size") == keys);
    CHECK_OK(member_join(m, &state, &code));
    CHECK(state == JOIN_REGISTRAR);
    CHECK_OK(hubproc_clock(s.hub, 0));
    CHECK_OK(all_sign(&s, m, 71 * HOUR_MS, &complete));
    CHECK(complete && hubproc_status(s.hub, "keys_size") == keys + 1);
    CHECK_OK(member_join(m, &state, &code));
    CHECK(state == JOIN_ENROLLED);
    member_free(m);
    scene_close(&s);
}

/* --- hostile peers
 * --------------------------------------------------------------------------------- */

static struct raw_identity identity_of(struct member_node *m)
{
    return (struct raw_identity){.server_key = member_hub(m)->transport.b,
                                 .public_key = secret_box_public(member_transport_key(m))->b,
                                 .secret_key = secret_box_span(member_transport_key(m)).ptr};
}

static void a_giant_frame_before_authentication_takes_no_memory(void)
{
    struct raw_zmtp raw;
    static uint8_t junk[65536];
    struct scene s;
    size_t before;

    CHECK_OK(scene_open(NULL, &s));
    before = hubproc_resident_kib(s.hub);
    for (int i = 0; i < 8; i++) {
        CHECK_OK(raw_connect(hubproc_port(s.hub), &raw));
        CHECK_OK(raw_greet(&raw));
        CHECK_OK(
            raw_frame(&raw, RAW_COMMAND | RAW_ANNOUNCE_ONLY, (struct span){0}, UINT64_C(1) << 30));
        for (int k = 0; k < 64; k++)
            if (raw_send(&raw, SPAN_OF(junk)))
                break;
        CHECK(raw_is_closed(&raw));
        raw_close(&raw);
    }
    CHECK(hubproc_resident_kib(s.hub) < before + 4096);
    serves(&s, 0, 1);
    scene_close(&s);
}

static void a_frame_above_the_limit_closes_its_connection(void)
{
    static uint8_t large[330000];
    struct raw_identity who;
    struct raw_zmtp raw;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    who = identity_of(s.m[2]);
    member_disconnect(s.m[2]);
    CHECK_OK(raw_connect(hubproc_port(s.hub), &raw));
    CHECK_OK(raw_greet(&raw));
    CHECK_OK(raw_handshake(&raw, &who));
    if (raw_message(&raw, SPAN_OF(large), 0) == ERR_OK)
        CHECK(raw_is_closed(&raw));
    raw_close(&raw);
    serves(&s, 0, 1);
    CHECK_OK(member_open(s.m[2])); /* the member may come back */
    serves(&s, 0, 2);
    scene_close(&s);
}

static void a_message_in_parts_is_refused_and_counted(void)
{
    struct message answer;
    struct bytes frame = {0};
    struct raw_identity who;
    struct raw_zmtp raw;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    who = identity_of(s.m[2]);
    CHECK_OK(raw_connect(hubproc_port(s.hub), &raw));
    CHECK_OK(raw_greet(&raw));
    CHECK_OK(raw_handshake(&raw, &who));
    CHECK_OK(raw_message(&raw, SPAN_STR("one"), 1));
    CHECK_OK(raw_message(&raw, SPAN_STR("two"), 0));
    CHECK_OK(raw_receive(&raw, &frame));
    CHECK_OK(message_decode(bytes_span(&frame), SENT_BY_HUB, &answer));
    CHECK(answer.type == MSG_ERR && answer.err.code == ERR_MESSAGE_STATE);
    CHECK(hubproc_status(s.hub, "door.multipart") == 1);
    serves(&s, 0, 1);
    bytes_free(&frame);
    raw_close(&raw);
    scene_close(&s);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHADOW 2 /* what the sanitizer holds beside it */
#endif
#endif
#ifndef SHADOW
#define SHADOW 1
#endif
#define MEMORY_BOUND_KIB (SHADOW * 256 * 1024)
#define SMALL_MS 60000
#define ENDLESS_MAX 20000 /* parts of 60,000 bytes: far more than the bound */

/* Sends parts for ever, or until it is thrown out; watches what the hub holds meanwhile. */
static size_t endless(struct scene *s, struct raw_zmtp *raw, size_t *peak_kib)
{
    static uint8_t part[60000];
    size_t n = 0;

    *peak_kib = 0;
    while (n < ENDLESS_MAX && raw_message(raw, SPAN_OF(part), 1) == ERR_OK) {
        size_t now = hubproc_resident_kib(s->hub);

        *peak_kib = now > *peak_kib ? now : *peak_kib;
        n++;
    }
    return n;
}

/* What the library has freed goes back to the system when the hub looks again. */
static int is_small_again(struct scene *s)
{
    uint64_t end_ms = clock_mono_ms(clock_system()) + SMALL_MS;

    while (hubproc_resident_kib(s->hub) >= MEMORY_BOUND_KIB / 2) {
        (void)hubproc_status(s->hub, "door.kicks");
        if (clock_mono_ms(clock_system()) > end_ms)
            return 0;
    }
    return 1;
}

static void culprit_line(const struct member_node *m, char out[64])
{
    int n = snprintf(out, 64, "memory.culprit user=node:");

    for (int i = 0; i < ID_BYTES; i++)
        n += snprintf(out + n, 64 - (size_t)n, "%02x", member_org(m)[i]);
}

/* Locked out is what the log says, and what a new start finds; the operator ends it, once. */
static void until_allowed(struct scene *s)
{
    char org[33];
    size_t n = 0;

    for (size_t i = 0; i < ID_BYTES; i++)
        n += (size_t)snprintf(org + n, sizeof org - n, "%02x", member_org(s->m[2])[i]);
    CHECK(hubproc_entries(s->hub, AUDIT_ALARM, 0, 20) == 1);
    CHECK_OK(hubproc_stop(s->hub, NULL));
    CHECK_OK(hubproc_start(s->hub, NULL));
    CHECK_ERR(hello_for(s->m[2], SILENCE_MS), ERR_TIMEOUT);
    CHECK_OK(hubproc_command(s->hub, "node.allow", json_pack("{s:s}", "node", org), NULL));
    CHECK(hubproc_entries(s->hub, AUDIT_ACT, 0, 1) == 1);
    member_disconnect(s->m[2]);
    CHECK_OK(hello_for(s->m[2], SOON_MS));
    CHECK_ERR(hubproc_command(s->hub, "node.allow", json_pack("{s:s}", "node", org), NULL),
              ERR_STATE);
}

static void a_message_that_never_ends_is_cut_off_and_its_sender_named(void)
{
    char culprit[64];
    struct raw_identity who;
    struct raw_zmtp raw;
    struct msg_hello hello;
    uint64_t cut_ms;
    size_t peak = 0;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "memory_max = 256m\n"
                                                        "nodes_max = 500\n"
                                                        "waiting_max = 200000\n"},
                        &s));
    who = identity_of(s.m[2]);
    member_disconnect(s.m[2]);
    CHECK_OK(raw_connect(hubproc_port(s.hub), &raw));
    CHECK_OK(raw_greet(&raw));
    CHECK_OK(raw_handshake(&raw, &who));
    /* one whole message: now the hub knows whose connection it is */
    CHECK_OK(raw_message(&raw, SPAN_STR("\xc0"), 0));
    CHECK(endless(&s, &raw, &peak) < ENDLESS_MAX);
    cut_ms = clock_mono_ms(clock_system());
    CHECK_OK(hubproc_log_wait(s.hub, 0, "memory.culprit", SOON_MS));
    CHECK(peak < MEMORY_BOUND_KIB);
    /* The others are served again within five seconds. */
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(member_hello_make(s.m[i], &hello));
        CHECK_OK(member_hello(s.m[i], &hello));
    }
    serves(&s, 0, 1);
    CHECK(clock_mono_ms(clock_system()) - cut_ms < 5000);
    CHECK(is_small_again(&s));
    /* The right one was named, once; his key is let in no more, theirs are. */
    culprit_line(s.m[2], culprit);
    CHECK(hubproc_log_count(s.hub, 0, culprit) == 1);
    CHECK(hubproc_log_count(s.hub, 0, "memory.culprit") == 1);
    CHECK(hubproc_status(s.hub, "door.kicks") == 1);
    CHECK_ERR(hello_for(s.m[2], SILENCE_MS), ERR_TIMEOUT);
    raw_close(&raw);
    until_allowed(&s);
    scene_close(&s);
}

static void greeted_again(struct scene *s, size_t i)
{
    struct msg_hello hello;

    CHECK_OK(member_hello_make(s->m[i], &hello));
    CHECK_OK(member_hello(s->m[i], &hello));
}

/* He never completes a message: found because all others at his address have spoken, and believed
 * the third time. */
static void a_first_message_that_never_ends_names_its_sender_at_the_third_time(void)
{
    char culprit[64];
    struct raw_identity who;
    struct raw_zmtp raw;
    size_t peak = 0;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "memory_max = 256m\n"
                                                        "nodes_max = 500\n"
                                                        "waiting_max = 200000\n"},
                        &s));
    who = identity_of(s.m[2]);
    member_disconnect(s.m[2]);
    culprit_line(s.m[2], culprit);
    for (int time = 1; time <= 3; time++) {
        CHECK_OK(raw_connect(hubproc_port(s.hub), &raw));
        CHECK_OK(raw_greet(&raw));
        CHECK_OK(raw_handshake(&raw, &who));
        CHECK(endless(&s, &raw, &peak) < ENDLESS_MAX);
        CHECK(peak < MEMORY_BOUND_KIB);
        raw_close(&raw);
        greeted_again(&s, 0);
        greeted_again(&s, 1);
        serves(&s, 0, 1);
        CHECK(hubproc_status(s.hub, "door.kicks") == time);
        CHECK(hubproc_log_count(s.hub, 0, culprit) == (time == 3));
    }
    CHECK(hubproc_log_count(s.hub, 0, "memory.suspect") == 2);
    CHECK_ERR(hello_for(s.m[2], SILENCE_MS), ERR_TIMEOUT);
    until_allowed(&s);
    scene_close(&s);
}

/* --- the ZAP thread
 * ---------------------------------------------------------------------------------- */

static void trap_internal_worker_down_is_a_silent_drop(void)
{
    int status = 0;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK_OK(hubproc_start(s.hub, &(struct hubproc_start){.fault = "zap-dead:1"}));
    CHECK_ERR(hello_for(s.m[0], SILENCE_MS), ERR_TIMEOUT);
    CHECK_OK(hubproc_wait(s.hub, SOON_MS, &status));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(hubproc_faults(s.hub) == 1);
    CHECK(hubproc_log_count(s.hub, 0, "zap.dead") == 1);
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(scene_reopen(&s));
    serves(&s, 0, 1);
    scene_close(&s);
}

/* CURVE without ZAP lets everybody in: then no frame has a user, and none is heard. */
static void without_ZAP_nobody_has_a_name_and_nobody_is_heard(void)
{
    struct member_node *stranger = NULL;
    int64_t audit;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK_OK(hubproc_start(s.hub, &(struct hubproc_start){.fault = "zap-absent:1"}));
    CHECK(hubproc_faults(s.hub) == 1);
    audit = hubproc_status(s.hub, "audit_size");
    CHECK_OK(member_new(s.crew, "stranger", &stranger));
    *member_hub(stranger) = *member_hub(s.m[0]);
    CHECK_ERR(hello_for(stranger, SILENCE_MS), ERR_TIMEOUT);
    CHECK_ERR(hello_for(s.m[0], SILENCE_MS), ERR_TIMEOUT);
    CHECK(hubproc_status(s.hub, "door.nameless") >= 2); /* they did come in: the trap is real */
    CHECK(hubproc_status(s.hub, "audit_size") == audit);
    CHECK(hubproc_status(s.hub, "sessions") == 0);
    member_free(stranger);
    scene_close(&s);
}

/* The library of a peer that is turned away never tries again: for the moments between its ports
 * and its keys a hub that starts must turn nobody away. Here they last for 2 s. */
static void who_comes_while_the_hub_starts_waits_and_is_let_in(void)
{
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(hubproc_stop(s.hub, NULL));
    for (size_t i = 0; i < s.n; i++) {
        member_disconnect(s.m[i]);
        CHECK_OK(member_connect(s.m[i])); /* tries every second at least */
    }
    CHECK_OK(hubproc_start(s.hub, &(struct hubproc_start){.fault = "bind-wait:1"}));
    CHECK(hubproc_faults(s.hub) == 1);
    for (size_t i = 0; i < s.n; i++)
        CHECK_OK(hello_for(s.m[i], SOON_MS));
    CHECK(hubproc_status(s.hub, "door.denied") == 0);
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
        TEST(an_unknown_key_gets_silence),
        TEST(an_invited_key_that_is_not_enrolled_gets_silence),
        TEST(joining_with_other_facts_or_keys_is_refused),
        TEST(a_wrong_fingerprint_or_signature_enrols_nobody),
        TEST(an_emergency_service_needs_two_countersigners_of_two_kinds),
        TEST(an_emergency_service_signed_too_late_is_approved_again),
        TEST(a_giant_frame_before_authentication_takes_no_memory),
        TEST(a_frame_above_the_limit_closes_its_connection),
        TEST(a_message_in_parts_is_refused_and_counted),
        TEST(a_message_that_never_ends_is_cut_off_and_its_sender_named),
        TEST(a_first_message_that_never_ends_names_its_sender_at_the_third_time),
        TEST(trap_internal_worker_down_is_a_silent_drop),
        TEST(without_ZAP_nobody_has_a_name_and_nobody_is_heard),
        TEST(who_comes_while_the_hub_starts_waits_and_is_let_in),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
