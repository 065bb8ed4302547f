/* The ZAP thread: its table, its answers to requests right and wrong, its life and death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "link.h"
#include "zap_hooks.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define REPLY_PART 256

struct fixture {
    struct entropy entropy;
    struct entropy_seed seed;
    struct transport *transport;
    struct zap *zap;
    void *req; /* the library's side of the conversation */
    _Atomic int denied, fatal, reason;
    char domain[LINK_DOMAIN_MAX + 1], address[LINK_ADDRESS_MAX + 1];
    int had_key;
};

static void on_denied(const struct zap_denial *d, void *arg)
{
    struct fixture *f = arg;

    snprintf(f->domain, sizeof f->domain, "%s", d->domain);
    snprintf(f->address, sizeof f->address, "%s", d->address);
    f->had_key = d->key != NULL;
    atomic_store(&f->reason, (int)d->reason);
    atomic_fetch_add(&f->denied, 1);
}

static void on_fatal(enum err why, void *arg)
{
    struct fixture *f = arg;

    assert(why);
    atomic_fetch_add(&f->fatal, 1);
}

static const char *const two_domains[] = {"hub", "join", NULL};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const uint8_t seed[SEED_BYTES] = "zap";
    int ms = 10000;

    *state = f;
    if (!f)
        return -1;
    f->entropy = entropy_seeded(seed, &f->seed);
    if (transport_open(&(struct transport_options){.entropy = &f->entropy}, &f->transport) ||
        zap_start(
            f->transport,
            &(struct zap_options){
                .domains = two_domains, .on_denied = on_denied, .on_fatal = on_fatal, .arg = f},
            &f->zap) ||
        !(f->req = zmq_socket(f->transport->ctx, ZMQ_REQ)))
        return -1;
    return zmq_set_int(f->req, ZMQ_LINGER, 0) || zmq_set_int(f->req, ZMQ_RCVTIMEO, ms) ||
           zmq_connect(f->req, ZAP_ENDPOINT);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    zmq_close(f->req);
    zap_stop(f->zap);
    transport_close(f->transport);
    free(f);
    return 0;
}

/* Sends these parts as a ZAP request; the status code and the user that came back. */
static void ask(struct fixture *f, const struct span *parts, size_t n, char code[4],
                char user[REPLY_PART])
{
    char reply[6][REPLY_PART];

    memset(reply, 0, sizeof reply);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(zmq_send(f->req, parts[i].ptr, parts[i].len, i + 1 < n ? ZMQ_SNDMORE : 0),
                         parts[i].len);
    for (int i = 0; i < 6; i++)
        assert_true(zmq_recv(f->req, reply[i], sizeof reply[i] - 1, 0) >= 0);
    assert_string_equal(reply[0], "1.0");
    if (n > 1)
        assert_memory_equal(reply[1], parts[1].ptr, parts[1].len > 255 ? 255 : parts[1].len);
    assert_string_equal(reply[5], ""); /* metadata */
    snprintf(code, 4, "%.3s", reply[2]);
    memcpy(user, reply[4], sizeof reply[4]);
}

struct question {
    const char *version, *domain, *mechanism, *key;
    size_t key_len, parts;
};

static const struct question right = {"1.0", "hub", "CURVE", KEY_A, 32, 7};

static int is_allowed(struct fixture *f, const struct question *q)
{
    char code[4], user[REPLY_PART];
    const struct span parts[] = {
        span_text(q->version),        SPAN_STR("request-1"), span_text(q->domain),
        SPAN_STR("::ffff:192.0.2.7"), SPAN_STR("routing"),   span_text(q->mechanism),
        span_of(q->key, q->key_len),  SPAN_STR("extra"),     SPAN_STR("more"),
    };

    ask(f, parts, q->parts, code, user);
    if (strcmp(code, "200") == 0) {
        assert_memory_equal(user, f->transport->tag, TAG_CHARS);
        assert_string_equal(user + TAG_CHARS, "clinic-a:1");
        return 1;
    }
    assert_string_equal(code, "400");
    assert_string_equal(user, "");
    return 0;
}

static const uint8_t *bytes_of(const char *text)
{
    return (const uint8_t *)text;
}

static void a_known_key_is_named_and_an_unknown_one_is_not(void **state)
{
    struct fixture *f = *state;
    struct question other = right;

    other.key = KEY_B;
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "clinic-a:1"), ERR_OK);
    assert_true(is_allowed(f, &right));
    assert_false(is_allowed(f, &other));
    assert_int_equal(zap_stats(f->zap).allowed, 1);
    assert_int_equal(zap_stats(f->zap).denied, 1);
    while (!atomic_load(&f->denied))
        assert_true(zap_alive(f->zap) > 0);
    assert_int_equal(atomic_load(&f->reason), ZAP_KEY);
    assert_string_equal(f->domain, "hub");
    assert_string_equal(f->address, "192.0.2.7");
    assert_true(f->had_key);
}

static void a_key_counts_in_its_domain_only(void **state)
{
    struct fixture *f = *state;
    struct question join = right;

    join.domain = "join";
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "clinic-a:1"), ERR_OK);
    assert_false(is_allowed(f, &join));
    assert_int_equal(zap_allow(f->zap, "join", bytes_of(KEY_A), "clinic-a:1"), ERR_OK);
    assert_true(is_allowed(f, &join));
    assert_int_equal(zap_stats(f->zap).keys, 2);
}

static void a_denied_key_is_denied_from_then_on(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "clinic-a:1"), ERR_OK);
    assert_true(is_allowed(f, &right));
    assert_int_equal(zap_deny(f->zap, "hub", bytes_of(KEY_A)), ERR_OK);
    assert_false(is_allowed(f, &right));
    assert_int_equal(zap_deny(f->zap, "hub", bytes_of(KEY_A)), ERR_NOT_FOUND);
    assert_int_equal(zap_deny(f->zap, "nowhere", bytes_of(KEY_A)), ERR_NOT_FOUND);
}

static void a_key_let_in_again_takes_its_new_name(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "old"), ERR_OK);
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "clinic-a:1"), ERR_OK);
    assert_int_equal(zap_stats(f->zap).keys, 1);
    assert_true(is_allowed(f, &right));
}

static void wrong_requests_are_answered_with_400(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct question q;
        enum zap_reason why;
    } wrong[] = {
        {{"2.0", "hub", "CURVE", KEY_A, 32, 7},  ZAP_REQUEST  },
        {{"", "hub", "CURVE", KEY_A, 32, 7},     ZAP_REQUEST  },
        {{"1.0", "hub", "CURVE", KEY_A, 32, 1},  ZAP_REQUEST  },
        {{"1.0", "hub", "CURVE", KEY_A, 32, 5},  ZAP_REQUEST  },
        {{"1.0", "hub", "NULL", KEY_A, 32, 7},   ZAP_MECHANISM},
        {{"1.0", "hub", "NULL", KEY_A, 32, 6},   ZAP_MECHANISM},
        {{"1.0", "hub", "PLAIN", KEY_A, 32, 8},  ZAP_MECHANISM},
        {{"1.0", "hub", "CURVE", KEY_A, 32, 6},  ZAP_MECHANISM},
        {{"1.0", "hub", "CURVE", KEY_A, 32, 8},  ZAP_MECHANISM},
        {{"1.0", "hub", "CURVE", KEY_A, 32, 9},  ZAP_MECHANISM},
        {{"1.0", "hub", "CURVE", KEY_A, 31, 7},  ZAP_MECHANISM},
        {{"1.0", "hub", "CURVE", KEY_A, 0, 7},   ZAP_MECHANISM},
        {{"1.0", "", "CURVE", KEY_A, 32, 7},     ZAP_DOMAIN   },
        {{"1.0", "hubs", "CURVE", KEY_A, 32, 7}, ZAP_DOMAIN   },
    };

    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "clinic-a:1"), ERR_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(is_allowed(f, &wrong[i].q));
        while (atomic_load(&f->denied) <= (int)i)
            assert_true(zap_alive(f->zap) > 0);
        assert_int_equal(atomic_load(&f->reason), wrong[i].why);
        assert_false(f->had_key);
    }
    assert_true(is_allowed(f, &right)); /* and goes on */
}

static void a_domain_with_a_hidden_tail_is_unknown(void **state)
{
    struct fixture *f = *state;
    char code[4], user[REPLY_PART];
    const struct span parts[] = {SPAN_STR("1.0"), SPAN_STR("1"), SPAN_STR("hub\0join"),
                                 SPAN_STR("::1"), SPAN_STR(""),  SPAN_STR("CURVE"),
                                 SPAN_STR(KEY_A)};

    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "clinic-a:1"), ERR_OK);
    ask(f, parts, 7, code, user);
    assert_string_equal(code, "400");
}

static void very_long_parts_are_answered_too(void **state)
{
    struct fixture *f = *state;
    static char big[5000];
    char code[4], user[REPLY_PART];
    struct span parts[7];

    memset(big, 'x', sizeof big);
    for (int i = 0; i < 7; i++)
        parts[i] = SPAN_OF(big);
    ask(f, parts, 7, code, user);
    assert_string_equal(code, "400");
}

static void names_are_checked(void **state)
{
    struct fixture *f = *state;
    char longest[LINK_USER_MAX + 2];

    memset(longest, 'x', sizeof longest);
    longest[LINK_USER_MAX + 1] = '\0';
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), NULL), ERR_SIZE);
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), ""), ERR_SIZE);
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), longest), ERR_SIZE);
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "a b"), ERR_FIELD_VALUE);
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), "\xc3\xa9"), ERR_FIELD_VALUE);
    assert_int_equal(zap_allow(f->zap, "nowhere", bytes_of(KEY_A), "a"), ERR_NOT_FOUND);
    longest[LINK_USER_MAX] = '\0';
    assert_int_equal(zap_allow(f->zap, "hub", bytes_of(KEY_A), longest), ERR_OK);
}

static void the_table_has_a_limit(void **state)
{
    struct fixture *f = *state;
    uint8_t key[LINK_KEY_BYTES] = {0};

    for (uint32_t i = 0; i < ZAP_KEYS_MAX; i++) {
        key[0] = (uint8_t)(i >> 8); /* ascending: order is another test's point */
        key[1] = (uint8_t)i;
        if (zap_allow(f->zap, "hub", key, "u"))
            fail_msg("key %u", i);
    }
    memset(key, 0xff, sizeof key);
    assert_int_equal(zap_allow(f->zap, "hub", key, "u"), ERR_FULL);
    assert_int_equal(zap_deny(f->zap, "hub", (const uint8_t[LINK_KEY_BYTES]){7}), ERR_OK);
    assert_int_equal(zap_allow(f->zap, "hub", key, "u"), ERR_OK);
}

static void keys_are_found_in_whatever_order_they_came_and_go(void **state)
{
    struct fixture *f = *state;
    const uint32_t n = 1009; /* a prime: i * 389 visits every number once */
    uint8_t key[LINK_KEY_BYTES] = {0};

    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i * 389 % n;

        memcpy(key, &k, sizeof k);
        assert_int_equal(zap_allow(f->zap, i % 2 ? "hub" : "join", key, "u"), ERR_OK);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i * 389 % n;

        memcpy(key, &k, sizeof k);
        assert_int_equal(zap_deny(f->zap, i % 2 ? "join" : "hub", key), ERR_NOT_FOUND);
        assert_int_equal(zap_deny(f->zap, i % 2 ? "hub" : "join", key), ERR_OK);
        assert_int_equal(zap_deny(f->zap, i % 2 ? "hub" : "join", key), ERR_NOT_FOUND);
    }
    assert_int_equal(zap_stats(f->zap).keys, 0);
}

static void there_is_one_zap_thread_per_transport(void **state)
{
    struct fixture *f = *state;
    struct zap *second = NULL;

    assert_int_equal(
        zap_start(f->transport, &(struct zap_options){.domains = two_domains}, &second),
        ERR_EXISTS);
    assert_null(second);
}

static void domains_are_checked(void **state)
{
    struct fixture *f = *state;
    static const char *const none[] = {NULL};
    static const char *const empty[] = {"hub", "", NULL};
    static const char *const lengthy[] = {"a-domain-of-more-than-thirty-one-characters", NULL};
    static const char *const many[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
    struct zap *z = NULL;

    assert_int_equal(zap_start(f->transport, &(struct zap_options){0}, &z), ERR_USAGE);
    assert_int_equal(zap_start(f->transport, &(struct zap_options){.domains = none}, &z),
                     ERR_USAGE);
    assert_int_equal(zap_start(f->transport, &(struct zap_options){.domains = empty}, &z),
                     ERR_RANGE);
    assert_int_equal(zap_start(f->transport, &(struct zap_options){.domains = lengthy}, &z),
                     ERR_RANGE);
    assert_int_equal(zap_start(f->transport, &(struct zap_options){.domains = many}, &z),
                     ERR_RANGE);
    assert_null(z);
    zap_stop(NULL);
}

static void the_heart_beats_and_its_end_is_told_once(void **state)
{
    struct fixture *f = *state;
    uint64_t first = zap_alive(f->zap);

    assert_true(first > 0);
    assert_false(is_allowed(f, &right)); /* a turn of the thread */
    assert_false(is_allowed(f, &right));
    assert_true(zap_alive(f->zap) > first);
    zap_kill(f->zap);
    assert_int_equal(zap_alive(f->zap), 0);
    assert_int_equal(zap_stats(f->zap).running, 0);
    while (!atomic_load(&f->fatal))
        sched_yield();
    zap_stop(f->zap);
    f->zap = NULL;
    assert_int_equal(atomic_load(&f->fatal), 1);
}

static void an_ordered_end_is_not_fatal(void **state)
{
    struct fixture *f = *state;

    zap_stop(f->zap);
    f->zap = NULL;
    assert_int_equal(atomic_load(&f->fatal), 0);
}

static void *ends_context(void *ctx)
{
    zmq_ctx_shutdown(ctx);
    return NULL;
}

static void a_context_that_ends_ends_the_thread_without_alarm(void **state)
{
    struct fixture *f = *state;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, ends_context, f->transport->ctx), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    while (zap_alive(f->zap))
        sched_yield();
    zap_stop(f->zap);
    f->zap = NULL;
    assert_int_equal(atomic_load(&f->fatal), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_known_key_is_named_and_an_unknown_one_is_not),
        T(a_key_counts_in_its_domain_only),
        T(a_denied_key_is_denied_from_then_on),
        T(a_key_let_in_again_takes_its_new_name),
        T(wrong_requests_are_answered_with_400),
        T(a_domain_with_a_hidden_tail_is_unknown),
        T(very_long_parts_are_answered_too),
        T(names_are_checked),
        T(the_table_has_a_limit),
        T(keys_are_found_in_whatever_order_they_came_and_go),
        T(there_is_one_zap_thread_per_transport),
        T(domains_are_checked),
        T(the_heart_beats_and_its_end_is_told_once),
        T(an_ordered_end_is_not_fatal),
        T(a_context_that_ends_ends_the_thread_without_alarm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
