/* What a link promises to honest programs: frames, names, replies, kicks. */
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
#include "zap_hooks.h"

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    *state = r;
    return r && rig_open(r, 0) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    rig_close(*state);
    free(*state);
    return 0;
}

static void a_frame_arrives_with_the_name_that_zap_gave(void **state)
{
    struct rig *r = *state;
    struct rig_node *n;

    assert_non_null(n = rig_join(r, "clinic-a:1"));
    assert_true(rig_says(r, n, "bonjour"));

    assert_string_equal(r->inbox.last.peer.user, "clinic-a:1");
    assert_string_equal(r->inbox.last.peer.address, "127.0.0.1");
    assert_true(span_equal(r->inbox.last.payload, SPAN_STR("bonjour")));
    assert_int_equal(r->inbox.last.fault, ERR_OK);
    assert_int_equal(link_stats(r->hub).frames, 1);
    assert_int_equal(link_stats(r->hub).bytes, 7);
}

static void a_reply_reaches_the_peer_and_only_that_one(void **state)
{
    struct rig *r = *state;
    struct rig_node *a, *b;

    assert_non_null(a = rig_join(r, "a"));
    assert_non_null(b = rig_join(r, "b"));
    assert_true(rig_says(r, b, "I am b"));
    assert_true(rig_says(r, a, "I am a"));
    assert_string_equal(r->inbox.last.peer.user, "a");

    assert_int_equal(rig_send(r, r->hub, &r->inbox.last.peer, SPAN_STR("for a")), ERR_OK);

    assert_true(rig_receives(r, &a->inbox, 1));
    assert_true(span_equal(a->inbox.last.payload, SPAN_STR("for a")));
    assert_string_equal(a->inbox.last.peer.user, ""); /* the hub has no name here */
    assert_true(rig_says(r, b, "still here"));
    assert_int_equal(b->inbox.count, 0);
}

struct lookout {
    struct link_socket *s;
    struct link_connection first;
};

static int sees_a_user(void *arg)
{
    struct lookout *l = arg;
    size_t n = 0;

    return link_survey(l->s, &l->first, 1, &n) == ERR_OK && n == 1 && l->first.user[0];
}

static void an_ipv6_peer_has_its_address_too(void **state)
{
    struct rig *r = *state;
    struct link_listen_options o = {.endpoint = "tcp://[::1]:*",
                                    .domain = RIG_DOMAIN,
                                    .secret_key = secret_box_span(r->key).ptr};
    struct link_socket *six = NULL, *four = r->hub;
    struct lookout seen = {0};
    struct rig_node *n;

    if (link_listen(r->transport, &o, &six) == ERR_NOT_FOUND)
        skip(); /* a machine without IPv6 */
    assert_non_null(six);
    r->hub = six; /* rig_join() goes there */
    loop_link_remove(r->loop, four);
    link_close(four);
    assert_non_null(n = rig_join(r, "clinic-six"));
    seen.s = six;
    assert_true(rig_until(r, sees_a_user, &seen));

    assert_string_equal(seen.first.user, "clinic-six");
    assert_int_equal(seen.first.guessed, 1);
    assert_true(strncmp(seen.first.address, "[::1]:", 6) == 0);
    assert_true(strtol(seen.first.address + 6, NULL, 10) > 0);
}

static void a_survey_counts_all_and_writes_what_fits(void **state)
{
    struct rig *r = *state;
    struct link_connection c[2];
    struct rig_node *a, *b;
    size_t n = 0;

    assert_int_equal(link_survey(r->hub, c, 2, &n), ERR_OK);
    assert_int_equal(n, 0);
    assert_non_null(a = rig_join(r, "a"));
    assert_non_null(b = rig_join(r, "b"));
    assert_true(rig_says(r, a, "hello"));
    assert_true(rig_says(r, b, "hello"));
    memset(c, 0, sizeof c);
    assert_int_equal(link_survey(r->hub, c, 1, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_string_not_equal(c[0].user, "");
    assert_string_equal(c[1].address, "");
    assert_int_equal(link_survey(r->hub, NULL, 0, &n), ERR_OK);
    assert_int_equal(n, 2);
}

static void an_empty_frame_is_a_frame(void **state)
{
    struct rig *r = *state;
    struct rig_node *n;

    assert_non_null(n = rig_join(r, "a"));
    assert_true(rig_says(r, n, ""));
    assert_int_equal(r->inbox.last.payload.len, 0);
    assert_int_equal(r->inbox.last.fault, ERR_OK);
}

static void the_largest_payload_passes_and_one_byte_more_is_refused(void **state)
{
    struct rig *r = *state;
    struct bytes big = {0};
    struct rig_node *n;

    assert_int_equal(bytes_reserve(&big, LINK_PAYLOAD_MAX + 1), ERR_OK);
    memset(big.ptr, 'x', LINK_PAYLOAD_MAX + 1);
    assert_non_null(n = rig_join(r, "a"));
    assert_int_equal(rig_send(r, n->link, NULL, span_of(big.ptr, LINK_PAYLOAD_MAX)), ERR_OK);
    assert_true(rig_receives(r, &r->inbox, 1));
    assert_int_equal(r->inbox.last.payload.len, LINK_PAYLOAD_MAX);

    assert_int_equal(link_send(n->link, NULL, span_of(big.ptr, LINK_PAYLOAD_MAX + 1)), ERR_SIZE);
    assert_int_equal(link_send(r->hub, &r->inbox.last.peer, span_of(big.ptr, LINK_PAYLOAD_MAX + 1)),
                     ERR_SIZE);

    bytes_free(&big);
}

static void nothing_waiting_is_said_without_waiting(void **state)
{
    struct rig *r = *state;
    struct link_frame f;

    assert_int_equal(link_recv(r->hub, &f), ERR_AGAIN);
}

static void a_connector_without_connection_is_busy(void **state)
{
    struct rig *r = *state;
    const uint8_t *key = secret_box_span(r->key).ptr;
    struct link_socket *s = NULL;
    struct link_connect_options o = {
        .endpoint = "tcp://127.0.0.1:1", /* nobody */
        .server_key = secret_box_public(r->key)->b,
        .public_key = secret_box_public(r->key)->b,
        .secret_key = key,
        .linger_ms = 1,
    };
    enum err e;

    assert_int_equal(link_connect(r->transport, &o, &s), ERR_OK);
    e = link_send(s, NULL, SPAN_STR("x"));
    uint64_t busy = link_stats(s).busy;
    link_close(s);

    assert_int_equal(e, ERR_BUSY);
    assert_int_equal(busy, 1);
}

static int fills_up(void *arg)
{
    struct rig *r = arg;
    static const uint8_t block[60000];
    enum err e;

    while (!(e = link_send(r->hub, &r->inbox.last.peer, SPAN_OF(block))))
        ;
    return e == ERR_BUSY;
}

static void a_peer_that_does_not_read_makes_the_sender_busy_not_silent(void **state)
{
    struct rig *r = *state;
    struct rig_node *n;

    assert_non_null(n = rig_join(r, "slow"));
    assert_true(rig_says(r, n, "hello"));
    assert_int_equal(loop_link_pause(r->loop, n->link, 1), ERR_OK);

    assert_true(rig_until(r, fills_up, r));

    assert_true(link_stats(r->hub).busy > 0);
}

static int is_gone(void *arg)
{
    struct rig *r = arg;

    return link_send(r->hub, &r->inbox.last.peer, SPAN_STR("?")) == ERR_CLOSED;
}

static void a_peer_that_left_is_closed_not_silent(void **state)
{
    struct rig *r = *state;
    struct rig_node *n;
    struct link_peer never = {.routing = "nobody", .routing_len = 6, .fd = -1};

    assert_non_null(n = rig_join(r, "a"));
    assert_true(rig_says(r, n, "hello"));
    rig_leave(r, n);

    assert_true(rig_until(r, is_gone, r));
    assert_int_equal(link_send(r->hub, &never, SPAN_STR("?")), ERR_CLOSED);
    assert_true(link_stats(r->hub).closed >= 2);
}

static void a_live_connection_under_another_routing_id_is_not_reachable(void **state)
{
    struct rig *r = *state;
    struct rig_node *n;
    struct link_peer other;

    assert_non_null(n = rig_join(r, "a"));
    assert_true(rig_says(r, n, "hello"));
    other = r->inbox.last.peer;
    other.routing[0] ^= 0x55;
    assert_int_equal(link_send(r->hub, &other, SPAN_STR("?")), ERR_CLOSED);
}

static void who_is_held_is_heard_later_and_all_others_at_once(void **state)
{
    struct rig *r = *state;
    struct link_held held = {0}, twice = {0};
    struct rig_node *a, *b;
    struct link_peer peer;
    size_t heard;

    assert_non_null(a = rig_join(r, "a"));
    assert_non_null(b = rig_join(r, "b"));
    assert_true(rig_says(r, b, "hello"));
    assert_true(rig_says(r, a, "hello"));
    peer = r->inbox.last.peer;
    assert_int_equal(link_hold(&peer, &held), ERR_OK);
    assert_int_equal(link_hold(&peer, &twice), ERR_OK); /* once more is the same */
    heard = r->inbox.count;
    assert_int_equal(rig_send(r, a->link, NULL, SPAN_STR("not yet")), ERR_OK);
    for (int i = 0; i < 20; i++) {
        assert_true(rig_says(r, b, "here"));
        assert_string_equal(r->inbox.last.peer.user, "b");
    }
    assert_int_equal(r->inbox.count, heard + 20);
    assert_int_equal(rig_send(r, r->hub, &peer, SPAN_STR("wait")), ERR_OK);
    assert_true(rig_receives(r, &a->inbox, 1)); /* it is not cut off */

    link_let_go(&held);

    assert_true(rig_receives(r, &r->inbox, heard + 21));
    assert_string_equal(r->inbox.last.peer.user, "a");
    assert_true(span_equal(r->inbox.last.payload, SPAN_STR("not yet"))); /* nothing was lost */
}

static void nobody_is_held_in_the_place_of_one_who_left(void **state)
{
    struct rig *r = *state;
    struct link_peer never = {.fd = -1};
    struct link_held held = {0};
    struct rig_node *a, *b;
    struct link_peer other;

    assert_non_null(a = rig_join(r, "a"));
    assert_true(rig_says(r, a, "hello"));
    assert_int_equal(link_hold(&r->inbox.last.peer, &held), ERR_OK);
    other = r->inbox.last.peer;
    other.connection++;
    assert_int_equal(link_hold(&other, &held), ERR_CLOSED);
    assert_int_equal(link_hold(&never, &held), ERR_CLOSED);
    rig_leave(r, a);
    assert_true(rig_until(r, is_gone, r));
    assert_int_equal(link_hold(&r->inbox.last.peer, &held), ERR_CLOSED);
    link_let_go(&held); /* whoever has its descriptor now is left as he is */
    link_let_go(&(struct link_held){.fd = -1});
    assert_non_null(b = rig_join(r, "b"));
    assert_true(rig_says(r, b, "hello"));
}

static void sending_to_nobody_in_particular_makes_no_sense(void **state)
{
    struct rig *r = *state;
    struct link_peer p = {0};
    struct rig_node *n;

    assert_non_null(n = rig_join(r, "a"));
    assert_int_equal(link_send(r->hub, NULL, SPAN_STR("x")), ERR_USAGE);
    assert_int_equal(link_send(n->link, &p, SPAN_STR("x")), ERR_USAGE);
    assert_int_equal(link_rebind(n->link), ERR_USAGE);
    assert_int_equal(link_survey(n->link, NULL, 0, &(size_t){0}), ERR_USAGE);
}

static void after_a_rebind_honest_nodes_are_back_on_the_same_port(void **state)
{
    struct rig *r = *state;
    struct rig_node *a, *b;
    struct link_peer before;
    char endpoint[LINK_ENDPOINT_MAX + 1];

    assert_non_null(a = rig_join(r, "a"));
    assert_non_null(b = rig_join(r, "b"));
    assert_true(rig_says(r, a, "one"));
    before = r->inbox.last.peer;
    assert_true(rig_says(r, b, "two"));
    snprintf(endpoint, sizeof endpoint, "%s", link_endpoint(r->hub));

    assert_int_equal(link_rebind(r->hub), ERR_OK);

    assert_string_equal(link_endpoint(r->hub), endpoint);
    assert_int_equal(link_stats(r->hub).rebinds, 1);
    assert_int_equal(link_send(r->hub, &before, SPAN_STR("old")), ERR_CLOSED);
    assert_true(rig_returns(r, a, "a"));
    assert_true(rig_returns(r, b, "b"));
}

static void after_a_rekey_only_the_new_key_is_met(void **state)
{
    struct rig *r = *state;
    struct secret_box *fresh = NULL;
    struct box_public pk;
    struct rig_node *old, *b;

    assert_non_null(old = rig_join(r, "old"));
    assert_true(rig_says(r, old, "one"));
    assert_int_equal(secret_box_generate(&r->entropy, &fresh), ERR_OK);
    pk = *secret_box_public(fresh);
    assert_int_equal(link_rekey(r->hub, secret_box_span(fresh).ptr), ERR_OK);
    secret_box_free(r->key);
    r->key = fresh; /* what nodes are told from here on */
    assert_non_null(b = rig_join(r, "b"));
    assert_true(rig_says(r, b, "in"));
    assert_memory_equal(secret_box_public(r->key)->b, pk.b, sizeof pk.b);
    assert_int_equal(link_send(old->link, NULL, SPAN_STR("out")), ERR_BUSY); /* no handshake */
}

static void a_rebind_may_follow_a_rebind_at_once(void **state)
{
    struct rig *r = *state;
    struct rig_node *n;

    assert_non_null(n = rig_join(r, "a"));
    for (int i = 0; i < 100; i++)
        assert_int_equal(link_rebind(r->hub), ERR_OK);
    assert_true(rig_returns(r, n, "a"));
}

static void a_denied_key_stays_until_the_rebind_and_never_comes_back(void **state)
{
    struct rig *r = *state;
    struct rig_node *a, *b;
    size_t before;

    assert_non_null(a = rig_join(r, "revoked"));
    assert_true(rig_says(r, a, "one"));
    assert_int_equal(zap_deny(r->zap, RIG_DOMAIN, secret_box_public(a->key)->b), ERR_OK);
    assert_true(rig_says(r, a, "live connections stay"));

    assert_int_equal(link_rebind(r->hub), ERR_OK);

    assert_non_null(b = rig_join(r, "b"));
    assert_true(rig_says(r, b, "in"));
    before = r->inbox.count;
    while (atomic_load(&r->denied) < 1)
        assert_int_equal(loop_turn(r->loop, 20), ERR_OK);
    assert_int_equal(link_send(a->link, NULL, SPAN_STR("out")), ERR_BUSY);
    assert_true(rig_says(r, b, "again"));
    assert_int_equal(r->inbox.count, before + 1);
}

static void a_port_in_use_is_said(void **state)
{
    struct rig *r = *state;
    struct link_socket *second = NULL;
    struct link_listen_options o = {.endpoint = link_endpoint(r->hub),
                                    .domain = RIG_DOMAIN,
                                    .secret_key = secret_box_span(r->key).ptr};

    assert_int_equal(link_listen(r->transport, &o, &second), ERR_EXISTS);
    assert_null(second);
}

static void what_is_no_tcp_endpoint_is_refused(void **state)
{
    struct rig *r = *state;
    const uint8_t *key = secret_box_span(r->key).ptr;
    static const char *const wrong[] = {NULL,
                                        "",
                                        "inproc://x",
                                        "ipc:///tmp/x",
                                        "127.0.0.1:1",
                                        "tcp://",
                                        "tcp://nowhere",
                                        "tcp://127.0.0.1:99999",
                                        "tcp://:1",
                                        "tcp://127.0.0.1:",
                                        "tcp://127.0.0.1:1x"};
    struct link_socket *s = NULL;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct link_listen_options l = {
            .endpoint = wrong[i], .domain = RIG_DOMAIN, .secret_key = key};
        struct link_connect_options c = {
            .endpoint = wrong[i], .server_key = key, .public_key = key, .secret_key = key};

        enum err listening = link_listen(r->transport, &l, &s);
        enum err connecting = link_connect(r->transport, &c, &s);
        link_close(s);

        if (!listening || !connecting)
            print_message("%s\n", wrong[i]);
        assert_int_not_equal(listening, ERR_OK);
        assert_int_not_equal(connecting, ERR_OK);
        assert_null(s);
    }
}

static void missing_keys_and_unknown_domains_are_refused(void **state)
{
    struct rig *r = *state;
    const uint8_t *key = secret_box_span(r->key).ptr;
    struct link_socket *s = NULL;
    struct link_listen_options l = {.endpoint = "tcp://127.0.0.1:*", .domain = RIG_DOMAIN};
    struct link_connect_options c = {.endpoint = "tcp://127.0.0.1:1", .server_key = key};

    assert_int_equal(link_listen(r->transport, &l, &s), ERR_USAGE);
    assert_int_equal(link_connect(r->transport, &c, &s), ERR_USAGE);
    l.secret_key = key;
    l.domain = NULL;
    assert_int_equal(link_listen(r->transport, &l, &s), ERR_USAGE);
    l.domain = "nobody-knows";
    assert_int_equal(link_listen(r->transport, &l, &s), ERR_STATE);
    l.domain = "a-domain-of-more-than-thirty-one-characters";
    assert_int_equal(link_listen(r->transport, &l, &s), ERR_USAGE);
    c.public_key = c.secret_key = key;
    c.reconnect_ms = 40000;
    assert_int_equal(link_connect(r->transport, &c, &s), ERR_RANGE);
    assert_null(s);
}

static void a_listener_without_zap_thread_does_not_open(void **state)
{
    struct rig *r = *state;
    struct transport *t = NULL;
    struct link_socket *s = NULL;
    struct link_listen_options l = {.endpoint = "tcp://127.0.0.1:*",
                                    .domain = RIG_DOMAIN,
                                    .secret_key = secret_box_span(r->key).ptr};

    assert_int_equal(
        transport_open(&(struct transport_options){.entropy = &r->entropy, .io_threads = 2}, &t),
        ERR_OK);
    assert_int_equal(link_listen(t, &l, &s), ERR_STATE);
    zap_kill(r->zap);
    assert_int_equal(link_listen(r->transport, &l, &s), ERR_STATE);
    assert_null(s);
    transport_close(t);
}

static void options_of_a_transport_are_checked(void **state)
{
    struct rig *r = *state;
    struct transport *t = NULL;

    assert_int_equal(transport_open(&(struct transport_options){0}, &t), ERR_USAGE);
    assert_int_equal(
        transport_open(&(struct transport_options){.entropy = &r->entropy, .io_threads = -1}, &t),
        ERR_RANGE);
    assert_int_equal(
        transport_open(&(struct transport_options){.entropy = &r->entropy, .max_sockets = -1}, &t),
        ERR_RANGE);
    assert_null(t);
    transport_close(NULL);
    link_close(NULL);
}

static enum err no_entropy(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    (void)out;
    (void)n;
    return ERR_RANDOM;
}

static void without_randomness_there_is_no_transport(void **state)
{
    struct entropy none = {.fill = no_entropy};
    struct transport *t = NULL;

    (void)state;
    assert_int_equal(transport_open(&(struct transport_options){.entropy = &none}, &t), ERR_RANDOM);
    assert_null(t);
}

static void a_transport_out_of_sockets_says_so(void **state)
{
    struct rig *r = *state;
    struct transport *t = NULL;
    struct link_socket *s[8] = {NULL};
    const uint8_t *key = secret_box_span(r->key).ptr;
    struct link_connect_options c = {.endpoint = "tcp://127.0.0.1:1",
                                     .server_key = key,
                                     .public_key = key,
                                     .secret_key = key,
                                     .linger_ms = -1};
    size_t n = 0;
    enum err e = ERR_OK;

    assert_int_equal(
        transport_open(&(struct transport_options){.entropy = &r->entropy, .max_sockets = 2}, &t),
        ERR_OK);
    while (n < 8 && !(e = link_connect(t, &c, &s[n])))
        n++;
    assert_int_equal(e, ERR_FULL);
    while (n > 0)
        link_close(s[--n]);
    transport_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_frame_arrives_with_the_name_that_zap_gave, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reply_reaches_the_peer_and_only_that_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_ipv6_peer_has_its_address_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_survey_counts_all_and_writes_what_fits, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_frame_is_a_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_payload_passes_and_one_byte_more_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_waiting_is_said_without_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connector_without_connection_is_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_does_not_read_makes_the_sender_busy_not_silent,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_left_is_closed_not_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_live_connection_under_another_routing_id_is_not_reachable,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_held_is_heard_later_and_all_others_at_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nobody_is_held_in_the_place_of_one_who_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sending_to_nobody_in_particular_makes_no_sense, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(after_a_rebind_honest_nodes_are_back_on_the_same_port,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_rekey_only_the_new_key_is_met, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rebind_may_follow_a_rebind_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_denied_key_stays_until_the_rebind_and_never_comes_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_port_in_use_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_tcp_endpoint_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_keys_and_unknown_domains_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_listener_without_zap_thread_does_not_open, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(options_of_a_transport_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transport_out_of_sockets_says_so, setup, teardown),
        cmocka_unit_test(without_randomness_there_is_no_transport),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
