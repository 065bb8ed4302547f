/* What a listener makes of peers that lie, announce, stall, flood and never end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link_rig.h"
#include "machine.h"
#include "raw_zmtp.h"
#include "zap_hooks.h"

#define HANDSHAKE_MS 400
#define BLOCK (60 * 1024)
#define FLOOD_BLOCKS 800 /* 47 MiB */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

struct hostile {
    struct rig rig;
    struct raw_zmtp raw[2];
    struct secret_box *key[2];
    uint8_t *block;
    unsigned attempts;
};

static int setup(void **state)
{
    struct hostile *h = calloc(1, sizeof *h);

    *state = h;
    if (!h || !(h->block = calloc(1, BLOCK)) || rig_open(&h->rig, HANDSHAKE_MS))
        return -1;
    for (int i = 0; i < 2; i++)
        if (raw_connect(h->rig.port, &h->raw[i]))
            return -1;
    return 0;
}

static int teardown(void **state)
{
    struct hostile *h = *state;

    for (int i = 0; i < 2; i++) {
        raw_close(&h->raw[i]);
        secret_box_free(h->key[i]);
    }
    rig_close(&h->rig);
    free(h->block);
    free(h);
    return 0;
}

/* Raw peer i shakes hands with a key let in as `user` (NULL: not let in). */
static enum err enters(struct hostile *h, int i, const char *user, struct raw_identity more)
{
    enum err e;

    if (!h->key[i] && (e = rig_key(&h->rig, user, &h->key[i])))
        return e;
    more.server_key = secret_box_public(h->rig.key)->b;
    more.public_key = secret_box_public(h->key[i])->b;
    more.secret_key = secret_box_span(h->key[i]).ptr;
    if ((e = raw_greet(&h->raw[i])))
        return e;
    return raw_handshake(&h->raw[i], &more);
}

static int was_denied(void *arg)
{
    struct rig *r = arg;

    return atomic_load(&r->denied) > 0;
}

static int was_fatal(void *arg)
{
    struct rig *r = arg;

    return atomic_load(&r->fatal) == 1;
}

static int has_nameless(void *arg)
{
    struct rig *r = arg;

    return link_stats(r->hub).nameless > 0;
}

static int has_two_nameless(void *arg)
{
    struct rig *r = arg;

    return link_stats(r->hub).nameless > 1;
}

static void an_unknown_key_is_never_let_in(void **state)
{
    struct hostile *h = *state;
    struct rig_node *n;

    assert_int_not_equal(enters(h, 0, NULL, (struct raw_identity){0}), ERR_OK);
    assert_true(raw_is_closed(&h->raw[0]));
    assert_non_null(n = rig_join(&h->rig, NULL));
    assert_true(rig_until(&h->rig, was_denied, &h->rig));

    assert_int_equal(link_send(n->link, NULL, SPAN_STR("x")), ERR_BUSY);
    assert_int_equal(atomic_load(&h->rig.last_reason), ZAP_KEY);
    assert_int_equal(h->rig.inbox.count, 0);
}

static void a_key_of_another_domain_is_not_let_in(void **state)
{
    struct hostile *h = *state;

    assert_int_equal(rig_key(&h->rig, NULL, &h->key[0]), ERR_OK);
    assert_int_equal(
        zap_allow(h->rig.zap, RIG_OTHER_DOMAIN, secret_box_public(h->key[0])->b, "invite:1"),
        ERR_OK);

    assert_int_not_equal(enters(h, 0, NULL, (struct raw_identity){0}), ERR_OK);
}

struct unasked {
    struct hostile *h;
    int i;
    struct raw_identity who;
};

/* The library takes the ZAP socket away in a thread of its own: who comes just then waits for an
 * answer that never comes, and comes again. */
static int is_let_in(void *arg)
{
    const struct unasked *u = arg;

    raw_close(&u->h->raw[u->i]);
    return raw_connect(u->h->rig.port, &u->h->raw[u->i]) == ERR_OK &&
           enters(u->h, u->i, NULL, u->who) == ERR_OK;
}

static int enters_unasked(struct hostile *h, int i, struct raw_identity who)
{
    return rig_until(&h->rig, is_let_in, &(struct unasked){h, i, who});
}

static void without_zap_thread_the_library_lets_in_but_nothing_is_handed_over(void **state)
{
    struct hostile *h = *state;

    zap_kill(h->rig.zap);
    assert_true(rig_until(&h->rig, was_fatal, &h->rig));
    assert_int_equal(zap_alive(h->rig.zap), 0);

    /* If this fails the library has become stricter: good news, and the trap is gone. */
    assert_true(enters_unasked(h, 0, (struct raw_identity){0}));
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("let me in"), 0), ERR_OK);
    assert_true(rig_until(&h->rig, has_nameless, &h->rig));

    assert_int_equal(h->rig.inbox.count, 0);
    assert_int_equal(link_stats(h->rig.hub).frames, 0);
}

static void without_zap_thread_a_name_of_the_peers_own_is_no_name(void **state)
{
    struct hostile *h = *state;

    zap_kill(h->rig.zap);
    assert_true(enters_unasked(h, 0, (struct raw_identity){.property = "User-Id", .value = "a"}));
    assert_true(
        enters_unasked(h, 1,
                       (struct raw_identity){.property = "User-Id",
                                             .value = "00000000000000000000000000000000clinic-a"}));
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("1"), 0), ERR_OK);
    assert_true(rig_until(&h->rig, has_nameless, &h->rig));
    assert_int_equal(raw_message(&h->raw[1], SPAN_STR("2"), 1), ERR_OK); /* two parts, too */
    assert_int_equal(raw_message(&h->raw[1], SPAN_STR("3"), 0), ERR_OK);
    assert_true(rig_until(&h->rig, has_two_nameless, &h->rig));

    assert_int_equal(h->rig.inbox.count, 0);
}

static void a_lying_name_does_not_replace_the_one_from_zap(void **state)
{
    struct hostile *h = *state;

    assert_int_equal(
        enters(h, 0, "clinic-a", (struct raw_identity){.property = "User-Id", .value = "samu"}),
        ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("x"), 0), ERR_OK);
    assert_true(rig_receives(&h->rig, &h->rig.inbox, 1));
    assert_string_equal(h->rig.inbox.last.peer.user, "clinic-a");
}

static int first_is_gone(void *arg)
{
    struct link_connection c;
    size_t n = 0;

    return link_survey(((struct rig *)arg)->hub, &c, 1, &n) == ERR_OK && n == 1;
}

/* While a's queue is not gone the library takes b for a duplicate and is deaf to that connection
 * for ever: b comes again, as often as it takes. */
static int b_is_heard(void *arg)
{
    struct hostile *h = arg;

    if (strcmp(h->rig.inbox.last.peer.user, "b") == 0)
        return 1;
    if (h->attempts++ % 10 == 0) {
        raw_close(&h->raw[1]);
        if (raw_connect(h->rig.port, &h->raw[1]) ||
            enters(h, 1, "b", (struct raw_identity){.routing_id = "HOSPITAL"}) ||
            raw_message(&h->raw[1], SPAN_STR("I am b"), 0))
            return 0;
    }
    return 0;
}

static void a_routing_id_taken_over_confuses_nobody(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    const struct raw_identity same = {.routing_id = "HOSPITAL"};
    struct bytes got = {0};
    struct link_peer a;

    assert_int_equal(enters(h, 0, "a", same), ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("I am a"), 0), ERR_OK);
    assert_true(rig_receives(r, &r->inbox, 1));
    a = r->inbox.last.peer;
    assert_string_equal(a.user, "a");
    raw_close(&h->raw[0]);
    assert_true(rig_until(r, first_is_gone, r)); /* the other raw peer alone */

    assert_true(rig_until(r, b_is_heard, h));
    assert_memory_equal(r->inbox.last.peer.routing, "HOSPITAL", 8);
    assert_memory_equal(a.routing, "HOSPITAL", 8);

    assert_int_equal(link_send(r->hub, &a, SPAN_STR("mail of a")), ERR_CLOSED);
    assert_int_equal(link_send(r->hub, &r->inbox.last.peer, SPAN_STR("mail of b")), ERR_OK);
    assert_int_equal(raw_receive(&h->raw[1], &got), ERR_OK);
    assert_true(span_equal(bytes_span(&got), SPAN_STR("mail of b")));
    bytes_free(&got);
}

static void a_routing_id_in_use_is_not_taken_over(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    const struct raw_identity same = {.routing_id = "HOSPITAL"};
    struct bytes got = {0};

    assert_int_equal(enters(h, 0, "a", same), ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("I am a"), 0), ERR_OK);
    assert_true(rig_receives(r, &r->inbox, 1));
    assert_int_equal(enters(h, 1, "b", same), ERR_OK);
    assert_int_equal(raw_message(&h->raw[1], SPAN_STR("I am b"), 0), ERR_OK);

    assert_int_equal(rig_send(r, r->hub, &r->inbox.last.peer, SPAN_STR("for a")), ERR_OK);

    assert_int_equal(raw_receive(&h->raw[0], &got), ERR_OK);
    assert_true(span_equal(bytes_span(&got), SPAN_STR("for a")));
    assert_int_equal(r->inbox.count, 1);
    bytes_free(&got);
}

static void an_oversized_frame_before_authentication_costs_nothing(void **state)
{
    struct hostile *h = *state;
    size_t before = rig_memory_kib();
    size_t taken = 0;

    assert_int_equal(raw_greet(&h->raw[0]), ERR_OK);
    assert_int_equal(
        raw_frame(&h->raw[0], RAW_COMMAND | RAW_ANNOUNCE_ONLY, span_of(NULL, 0), UINT64_C(1) << 30),
        ERR_OK);
    while (taken < FLOOD_BLOCKS && !raw_send(&h->raw[0], span_of(h->block, BLOCK)))
        taken++;

    assert_true(taken < FLOOD_BLOCKS / 2);
    assert_true(raw_is_closed(&h->raw[0]));
    assert_true(rig_memory_kib() < before + 8 * 1024);
}

static void silent_and_half_greeted_peers_are_closed_in_time(void **state)
{
    struct hostile *h = *state;
    uint64_t began = clock_mono_ms(clock_system());

    assert_int_equal(raw_send(&h->raw[1], SPAN_STR("\xff\0\0\0\0\0\0\0\1\x7f")), ERR_OK);
    assert_true(raw_is_closed(&h->raw[0]));
    assert_true(raw_is_closed(&h->raw[1]));

    assert_in_range(clock_mono_ms(clock_system()) - began, HANDSHAKE_MS / 2, 8000);
}

static void an_oversized_frame_closes_its_sender_and_nobody_else(void **state)
{
    struct hostile *h = *state;
    struct rig_node *n;

    assert_non_null(n = rig_join(&h->rig, "honest"));
    assert_true(rig_says(&h->rig, n, "before"));
    assert_int_equal(enters(h, 0, "hostile", (struct raw_identity){0}), ERR_OK);
    assert_int_equal(raw_frame(&h->raw[0], 0, span_of(h->block, 100), LINK_PAYLOAD_MAX + 34),
                     ERR_OK);
    assert_true(raw_is_closed(&h->raw[0]));
    assert_true(rig_says(&h->rig, n, "after"));
    assert_int_equal(h->rig.inbox.count, 2);
}

static void a_message_in_parts_is_thrown_away_counted_and_attributed(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    struct link_connection c[2];
    size_t n = 0;

    assert_int_equal(enters(h, 0, "clinic-a", (struct raw_identity){0}), ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("one"), 1), ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("two"), 0), ERR_OK);
    assert_true(rig_receives(r, &r->inbox, 1));

    assert_int_equal(r->inbox.last.fault, ERR_MESSAGE_STATE);
    assert_int_equal(r->inbox.last.payload.len, 0);
    assert_string_equal(r->inbox.last.peer.user, "clinic-a");
    assert_int_equal(link_stats(r->hub).multipart, 1);
    assert_int_equal(link_stats(r->hub).frames, 0);
    raw_close(&h->raw[1]);
    assert_true(rig_until(r, first_is_gone, r));
    assert_int_equal(link_survey(r->hub, c, 2, &n), ERR_OK);
    assert_int_equal(c[0].multipart, 1);
    assert_string_equal(c[0].user, "clinic-a");
}

static void a_message_of_very_many_parts_is_thrown_away_in_turns(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    const int parts = 3 * LINK_PARTS_DRAIN_MAX + 7;

    assert_int_equal(enters(h, 0, "clinic-a", (struct raw_identity){0}), ERR_OK);
    for (int i = 1; i <= parts; i++)
        assert_int_equal(raw_message(&h->raw[0], SPAN_STR("part"), i < parts), ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("whole"), 0), ERR_OK);
    assert_true(rig_receives(r, &r->inbox, 2));

    assert_int_equal(r->inbox.count, 2);
    assert_int_equal(r->inbox.faults, 1);
    assert_int_equal(link_stats(r->hub).multipart, 1);
    assert_int_equal(r->inbox.last.fault, ERR_OK);
    assert_true(span_equal(r->inbox.last.payload, SPAN_STR("whole")));
}

static void a_slow_zap_answer_delays_only_new_handshakes(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    struct rig_node *old, *new;

    assert_non_null(old = rig_join(r, "old"));
    assert_true(rig_says(r, old, "in"));
    zap_hold(r->zap, 1);
    assert_non_null(new = rig_join(r, "new"));
    for (int i = 0; i < 50; i++)
        assert_true(rig_says(r, old, "still served"));
    assert_int_equal(link_send(new->link, NULL, SPAN_STR("x")), ERR_BUSY);
    assert_int_equal(r->inbox.count, 51);

    zap_hold(r->zap, 0);

    assert_true(rig_says(r, new, "me too"));
    assert_string_equal(r->inbox.last.peer.user, "new");
}

/* The allocators of AddressSanitizer and valgrind do, to find its later use. */
static int keeps_what_is_freed(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return SANITIZED || (preload && strstr(preload, "vgpreload"));
}

struct flood {
    struct rig *rig;
    uint64_t held;
    struct link_connection worst;
};

static int holds_enough(void *arg)
{
    struct flood *f = arg;
    struct link_connection c[8];
    size_t n = 0;

    if (link_survey(f->rig->hub, c, 8, &n) || n == 0 || c[0].received < c[0].accounted + f->held)
        return 0;
    f->worst = c[0];
    return 1;
}

/* Sends without end, never finishes; the hub's loop turns in between. */
static void floods(struct hostile *h, int i, struct flood *f)
{
    f->rig = &h->rig;
    for (int k = 0; k < FLOOD_BLOCKS; k++)
        assert_int_equal(raw_message(&h->raw[i], span_of(h->block, BLOCK), 1), ERR_OK);
    f->held = (uint64_t)BLOCK * (FLOOD_BLOCKS - 1);
    assert_true(rig_until(f->rig, holds_enough, f));
}

static void the_survey_names_who_never_ends_a_message_and_a_rebind_frees_it(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    struct flood f = {0};
    struct rig_node *n;
    size_t full;

    assert_non_null(n = rig_join(r, "honest"));
    for (int i = 0; i < 20; i++)
        assert_true(rig_says(r, n, "hello"));
    assert_int_equal(enters(h, 0, "hostile", (struct raw_identity){0}), ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("hello"), 0), ERR_OK);
    assert_true(rig_receives(r, &r->inbox, 21));
    floods(h, 0, &f);

    assert_string_equal(f.worst.user, "hostile");
    assert_int_equal(f.worst.guessed, 0);
    assert_true(strncmp(f.worst.address, "127.0.0.1:", 10) == 0);
    assert_true(rig_says(r, n, "still served"));
    full = rig_memory_kib();

    assert_int_equal(link_rebind(r->hub), ERR_OK);

    if (!keeps_what_is_freed())
        assert_true(rig_memory_kib() + 40 * 1024 < full);
    assert_true(raw_is_closed(&h->raw[0]));
    assert_true(rig_returns(r, n, "honest"));
}

/* --- one connection is cut ------------------------------------------------------------------ */

#define ANSWER (300 * 1024)
#define ANSWERS 48 /* fewer than a peer's queue */

static int has_shrunk(void *arg)
{
    const size_t *most = arg;

    machine_give_back();
    return keeps_what_is_freed() || rig_memory_kib() < *most;
}

static int has_gone(void *arg)
{
    return link_gone(arg);
}

static uint64_t connection_of_user(struct rig *r, const char *user)
{
    struct link_connection c[8];
    size_t n = 0;

    assert_int_equal(link_survey(r->hub, c, 8, &n), ERR_OK);
    for (size_t i = 0; i < n; i++)
        if (strcmp(c[i].user, user) == 0)
            return c[i].connection;
    return 0;
}

static void who_never_ends_a_message_is_cut_off_and_nobody_else(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    struct flood f = {0};
    struct rig_node *n;
    uint64_t honest;
    size_t most;

    assert_non_null(n = rig_join(r, "honest"));
    assert_true(rig_says(r, n, "hello"));
    honest = connection_of_user(r, "honest");
    assert_int_equal(enters(h, 0, "hostile", (struct raw_identity){0}), ERR_OK);
    floods(h, 0, &f);
    most = rig_memory_kib() - 40 * 1024;

    assert_int_equal(link_drop(r->hub, &f.worst), ERR_OK);

    assert_true(raw_is_closed(&h->raw[0]));
    assert_true(rig_until(r, has_gone, &f.worst));
    assert_true(rig_until(r, has_shrunk, &most));
    assert_true(rig_says(r, n, "still served"));
    assert_int_equal(connection_of_user(r, "honest"), honest);
    assert_int_equal(link_drop(r->hub, &f.worst), ERR_CLOSED);
    assert_int_equal(link_stats(r->hub).cuts, 1);
}

static void who_reads_nothing_of_what_is_sent_to_him_is_found_and_cut_off(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    struct link_connection worst;
    struct link_peer peer;
    struct rig_node *n;
    uint8_t *answer = calloc(1, ANSWER);
    uint64_t honest;
    size_t count = 0;
    size_t before;

    assert_non_null(answer);
    assert_non_null(n = rig_join(r, "honest"));
    assert_true(rig_says(r, n, "hello"));
    honest = connection_of_user(r, "honest");
    assert_int_equal(enters(h, 0, "hostile", (struct raw_identity){0}), ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("give me"), 0), ERR_OK);
    assert_true(rig_receives(r, &r->inbox, 2));
    peer = r->inbox.last.peer;
    before = rig_memory_kib();
    for (int i = 0; i < ANSWERS; i++)
        assert_int_equal(link_send(r->hub, &peer, span_of(answer, ANSWER)), ERR_OK);
    assert_int_equal(link_survey(r->hub, &worst, 1, &count), ERR_OK);
    assert_string_equal(worst.user, "hostile");
    assert_true(worst.unread > ANSWERS / 2 * (uint64_t)ANSWER);
    assert_true(link_held(&worst) >= worst.unread);

    assert_int_equal(link_drop(r->hub, &worst), ERR_OK);

    before += 2 * 1024;
    assert_true(rig_until(r, has_gone, &worst));
    assert_true(rig_until(r, has_shrunk, &before));
    assert_int_equal(link_send(r->hub, &peer, SPAN_STR("more")), ERR_CLOSED);
    assert_true(rig_says(r, n, "still served"));
    assert_int_equal(connection_of_user(r, "honest"), honest);
    free(answer);
}

static void who_never_completes_a_message_is_guessed_by_his_address(void **state)
{
    struct hostile *h = *state;
    struct flood f = {0};

    assert_int_equal(enters(h, 0, "hostile", (struct raw_identity){0}), ERR_OK);
    floods(h, 0, &f);

    assert_string_equal(f.worst.user, "hostile");
    assert_int_equal(f.worst.guessed, 1);
}

static void who_alone_has_said_nothing_is_guessed_among_many(void **state)
{
    struct hostile *h = *state;
    struct rig_node *n;
    struct flood f = {0};

    assert_non_null(n = rig_join(&h->rig, "honest"));
    assert_true(rig_says(&h->rig, n, "hello"));
    assert_int_equal(enters(h, 0, "hostile", (struct raw_identity){0}), ERR_OK);
    floods(h, 0, &f);

    assert_string_equal(f.worst.user, "hostile");
    assert_int_equal(f.worst.guessed, LINK_GUESS_SILENT);
}

static void two_who_have_said_nothing_are_not_guessed_between(void **state)
{
    struct hostile *h = *state;
    struct flood f = {0};

    assert_int_equal(enters(h, 1, "silent", (struct raw_identity){0}), ERR_OK);
    assert_int_equal(enters(h, 0, "hostile", (struct raw_identity){0}), ERR_OK);
    floods(h, 0, &f);

    assert_string_equal(f.worst.user, "");
    assert_int_equal(f.worst.guessed, 0);
}

static void bytes_on_the_wire_are_accounted_to_the_byte(void **state)
{
    struct hostile *h = *state;
    struct rig *r = &h->rig;
    static const size_t sizes[] = {0, 1, 221, 222, 223, 1000, 65536, LINK_PAYLOAD_MAX};
    const size_t count = sizeof sizes / sizeof *sizes;
    uint8_t *big = calloc(1, LINK_PAYLOAD_MAX);
    struct link_connection before, after;
    uint64_t sent = 0;
    size_t n = 0;

    assert_non_null(big);
    raw_close(&h->raw[1]);
    assert_int_equal(enters(h, 0, "a", (struct raw_identity){0}), ERR_OK);
    assert_int_equal(raw_message(&h->raw[0], SPAN_STR("hello"), 0), ERR_OK);
    assert_true(rig_receives(r, &r->inbox, 1));
    assert_true(rig_until(r, first_is_gone, r));
    assert_int_equal(link_survey(r->hub, &before, 1, &n), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(raw_message(&h->raw[0], span_of(big, sizes[i]), 0), ERR_OK);
        sent += sizes[i];
    }
    assert_true(rig_receives(r, &r->inbox, 1 + count));
    assert_int_equal(link_survey(r->hub, &after, 1, &n), ERR_OK);
    free(big);

    assert_int_equal(after.connection, before.connection);
    assert_int_equal(after.received - before.received, after.accounted - before.accounted);
    assert_true(after.accounted - before.accounted > sent);
    assert_true(before.received - before.accounted < 1024); /* the handshake */
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_unknown_key_is_never_let_in),
        T(a_key_of_another_domain_is_not_let_in),
        T(without_zap_thread_the_library_lets_in_but_nothing_is_handed_over),
        T(without_zap_thread_a_name_of_the_peers_own_is_no_name),
        T(a_lying_name_does_not_replace_the_one_from_zap),
        T(a_routing_id_taken_over_confuses_nobody),
        T(a_routing_id_in_use_is_not_taken_over),
        T(an_oversized_frame_before_authentication_costs_nothing),
        T(silent_and_half_greeted_peers_are_closed_in_time),
        T(an_oversized_frame_closes_its_sender_and_nobody_else),
        T(a_message_in_parts_is_thrown_away_counted_and_attributed),
        T(a_message_of_very_many_parts_is_thrown_away_in_turns),
        T(a_slow_zap_answer_delays_only_new_handshakes),
        T(the_survey_names_who_never_ends_a_message_and_a_rebind_frees_it),
        T(who_never_ends_a_message_is_cut_off_and_nobody_else),
        T(who_reads_nothing_of_what_is_sent_to_him_is_found_and_cut_off),
        T(who_never_completes_a_message_is_guessed_by_his_address),
        T(who_alone_has_said_nothing_is_guessed_among_many),
        T(two_who_have_said_nothing_are_not_guessed_between),
        T(bytes_on_the_wire_are_accounted_to_the_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
