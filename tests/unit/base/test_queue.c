/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=eventfd */
/* link: -Wl,--wrap=pthread_cond_wait,--wrap=pthread_cond_timedwait */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "failing_alloc.h"
#include "queue.h"

enum {
    LONG_MS = 60000,
    LONG_US = LONG_MS * 1000,
    PRODUCERS = 4,
    EACH = 5000
};

static bool no_descriptors;

int __real_eventfd(unsigned initial, int flags);
int __wrap_eventfd(unsigned initial, int flags);
int __wrap_eventfd(unsigned initial, int flags)
{
    if (no_descriptors) {
        errno = EMFILE;
        return -1;
    }
    return __real_eventfd(initial, flags);
}

/* Posted by a thread that is about to wait on a queue. It holds the queue's mutex until it really
 * waits, so whoever saw this and then calls the queue finds it waiting. */
static sem_t waits;

int __real_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    sem_post(&waits);
    return __real_pthread_cond_wait(cond, mutex);
}

int __real_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                  const struct timespec *until)
{
    sem_post(&waits);
    return __real_pthread_cond_timedwait(cond, mutex, until);
}

static int setup(void **state)
{
    (void)state;
    return sem_init(&waits, 0, 0);
}

static struct queue *queue_of(size_t most)
{
    struct queue *q = NULL;

    assert_int_equal(queue_new(most, &q), ERR_OK);
    return q;
}

static bool readable(struct queue *q)
{
    struct pollfd p = {.fd = queue_fd(q), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void items_come_out_in_the_order_they_went_in(void **state)
{
    int a[5];
    struct queue *q = queue_of(3);
    void *item = NULL;

    (void)state;
    for (int i = 0; i < 5; i++) { /* goes around the ring */
        assert_int_equal(queue_push(q, &a[i]), ERR_OK);
        if (i > 0) {
            assert_int_equal(queue_pop(q, &item), ERR_OK);
            assert_ptr_equal(item, &a[i - 1]);
        }
    }
    assert_int_equal(queue_pop(q, &item), ERR_OK);
    assert_ptr_equal(item, &a[4]);
    assert_int_equal(queue_pop(q, &item), ERR_AGAIN);
    queue_free(q);
}

static void a_full_queue_answers_busy_and_counts_it(void **state)
{
    int a;
    struct queue *q = queue_of(2);
    struct queue_counters c;

    (void)state;
    assert_int_equal(queue_push(q, &a), ERR_OK);
    assert_int_equal(queue_push(q, &a), ERR_OK);
    assert_int_equal(queue_push(q, &a), ERR_BUSY);
    assert_int_equal(queue_push_wait(q, &a, 0), ERR_TIMEOUT);
    c = queue_counters(q);
    assert_int_equal(c.pushed, 2);
    assert_int_equal(c.popped, 0);
    assert_int_equal(c.refused, 2);
    assert_int_equal(c.depth, 2);
    assert_int_equal(c.deepest, 2);
    queue_free(q);
}

static void the_descriptor_is_readable_while_something_is_there(void **state)
{
    int a;
    void *item;
    struct queue *q = queue_of(4);

    (void)state;
    assert_false(readable(q));
    assert_int_equal(queue_push(q, &a), ERR_OK);
    assert_int_equal(queue_push(q, &a), ERR_OK);
    assert_true(readable(q));
    assert_int_equal(queue_pop(q, &item), ERR_OK);
    assert_true(readable(q));
    assert_int_equal(queue_pop(q, &item), ERR_OK);
    assert_false(readable(q));
    queue_close(q);
    assert_true(readable(q)); /* so that a loop learns of it */
    queue_free(q);
}

static void a_closed_queue_is_drained_and_then_says_so(void **state)
{
    int a;
    void *item = NULL;
    void *many[2];
    size_t n = 9;
    struct queue *q = queue_of(4);

    (void)state;
    assert_int_equal(queue_push(q, &a), ERR_OK);
    queue_close(q);
    queue_close(q);
    assert_int_equal(queue_push(q, &a), ERR_CLOSED);
    assert_int_equal(queue_push_wait(q, &a, QUEUE_FOREVER), ERR_CLOSED);
    assert_int_equal(queue_pop_wait(q, &item, QUEUE_FOREVER), ERR_OK);
    assert_ptr_equal(item, &a);
    assert_int_equal(queue_pop(q, &item), ERR_CLOSED);
    assert_int_equal(queue_pop_wait(q, &item, QUEUE_FOREVER), ERR_CLOSED);
    assert_int_equal(queue_pop_many(q, many, 2, QUEUE_FOREVER, LONG_US, &n), ERR_CLOSED);
    assert_int_equal(n, 9);
    queue_free(q);
}

static void an_empty_queue_times_out(void **state)
{
    void *item;
    void *many[2];
    size_t n;
    struct queue *q = queue_of(4);

    (void)state;
    assert_int_equal(queue_pop_wait(q, &item, 0), ERR_TIMEOUT);
    assert_int_equal(queue_pop_wait(q, &item, 1), ERR_TIMEOUT);
    assert_int_equal(queue_pop_many(q, many, 2, 0, 10, &n), ERR_TIMEOUT);
    assert_int_equal(queue_pop_many(q, many, 0, 0, 0, &n), ERR_RANGE);
    queue_free(q);
}

static void a_group_holds_what_is_there_up_to_its_limit(void **state)
{
    int a[5];
    void *many[3];
    size_t n = 0;
    struct queue *q = queue_of(8);

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(queue_push(q, &a[i]), ERR_OK);
    /* complete at once, so the long linger is not waited for */
    assert_int_equal(queue_pop_many(q, many, 3, QUEUE_FOREVER, LONG_US, &n), ERR_OK);
    assert_int_equal(n, 3);
    assert_ptr_equal(many[2], &a[2]);
    /* incomplete: what is there after the linger */
    assert_int_equal(queue_pop_many(q, many, 3, QUEUE_FOREVER, 100, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_ptr_equal(many[1], &a[4]);
    queue_free(q);
}

/* ---- with threads ---- */

struct group {
    struct queue *q;
    void *item[4];
    size_t most;
    size_t n;
    enum err e;
};

static void *pop_group(void *arg)
{
    struct group *g = arg;

    g->e = queue_pop_many(g->q, g->item, g->most, QUEUE_FOREVER, LONG_US, &g->n);
    return NULL;
}

static void a_lingering_consumer_wakes_when_its_group_is_complete(void **state)
{
    int a;
    struct group g = {.q = queue_of(8), .most = 4};
    pthread_t thread;

    (void)state;
    assert_int_equal(queue_push(g.q, &a), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, pop_group, &g), 0);
    sem_wait(&waits); /* it lingers */
    for (int i = 0; i < 3; i++)
        assert_int_equal(queue_push(g.q, &a), ERR_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(g.e, ERR_OK);
    assert_int_equal(g.n, 4);
    queue_free(g.q);
}

static void a_waiting_consumer_wakes_for_the_first_item(void **state)
{
    int a;
    struct group g = {.q = queue_of(8), .most = 1};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, pop_group, &g), 0);
    sem_wait(&waits);
    assert_int_equal(queue_push(g.q, &a), ERR_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(g.n, 1);
    assert_ptr_equal(g.item[0], &a);
    queue_free(g.q);
}

static void a_group_larger_than_the_queue_does_not_wait_for_ever(void **state)
{
    int a;
    struct group g = {.q = queue_of(2), .most = 4};
    pthread_t thread;

    (void)state;
    assert_int_equal(queue_push(g.q, &a), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, pop_group, &g), 0);
    sem_wait(&waits);
    assert_int_equal(queue_push(g.q, &a), ERR_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(g.n, 2);
    queue_free(g.q);
}

static void closing_wakes_who_waits_and_who_lingers(void **state)
{
    int a;
    struct group waiting = {.q = queue_of(8), .most = 4};
    struct group lingering = {.q = queue_of(8), .most = 4};
    pthread_t thread[2];

    (void)state;
    assert_int_equal(queue_push(lingering.q, &a), ERR_OK);
    assert_int_equal(pthread_create(&thread[0], NULL, pop_group, &waiting), 0);
    assert_int_equal(pthread_create(&thread[1], NULL, pop_group, &lingering), 0);
    sem_wait(&waits);
    sem_wait(&waits);
    queue_close(waiting.q);
    queue_close(lingering.q);
    assert_int_equal(pthread_join(thread[0], NULL), 0);
    assert_int_equal(pthread_join(thread[1], NULL), 0);
    assert_int_equal(waiting.e, ERR_CLOSED);
    assert_int_equal(lingering.e, ERR_OK);
    assert_int_equal(lingering.n, 1);
    queue_free(waiting.q);
    queue_free(lingering.q);
}

static void *push_one(void *arg)
{
    static int item;
    enum err e = queue_push_wait(arg, &item, QUEUE_FOREVER);

    return e == ERR_CLOSED ? arg : NULL;
}

static void closing_wakes_a_producer_that_waits_for_room(void **state)
{
    int a;
    struct queue *q = queue_of(1);
    pthread_t thread;
    void *result = NULL;

    (void)state;
    assert_int_equal(queue_push(q, &a), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, push_one, q), 0);
    sem_wait(&waits);
    queue_close(q);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, q); /* ERR_CLOSED */
    queue_free(q);
}

static void a_producer_that_waits_goes_on_when_there_is_room(void **state)
{
    int a;
    void *item = NULL;
    struct queue *q = queue_of(1);
    pthread_t thread;
    void *result = q;

    (void)state;
    assert_int_equal(queue_push(q, &a), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, push_one, q), 0);
    sem_wait(&waits);
    assert_int_equal(queue_pop(q, &item), ERR_OK);
    assert_ptr_equal(item, &a);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result); /* accepted */
    assert_int_equal(queue_counters(q).depth, 1);
    queue_free(q);
}

struct work {
    struct queue *q;
    atomic_uchar seen[PRODUCERS * EACH];
    atomic_int next;
    atomic_bool doubled;
};

static void *produce(void *arg)
{
    struct work *w = arg;
    int from = atomic_fetch_add(&w->next, EACH);

    for (int i = from; i < from + EACH; i++)
        if (queue_push_wait(w->q, &w->seen[i], QUEUE_FOREVER))
            return arg;
    return NULL;
}

static void mark(struct work *w, void *item)
{
    if (atomic_fetch_add((atomic_uchar *)item, 1) != 0)
        w->doubled = true;
}

static void *consume_groups(void *arg)
{
    struct work *w = arg;
    void *item[16];
    size_t n;

    while (queue_pop_many(w->q, item, 16, QUEUE_FOREVER, 50, &n) == ERR_OK)
        for (size_t i = 0; i < n; i++)
            mark(w, item[i]);
    return NULL;
}

static void *consume_singly(void *arg)
{
    struct work *w = arg;
    void *item;

    while (queue_pop_wait(w->q, &item, QUEUE_FOREVER) == ERR_OK)
        mark(w, item);
    return NULL;
}

static void nothing_is_lost_or_doubled_between_many_threads(void **state)
{
    static struct work w;
    void *(*const consume[])(void *) = {consume_groups, consume_singly, consume_groups};
    pthread_t producer[PRODUCERS];
    pthread_t consumer[3];
    struct queue_counters c;

    (void)state;
    w.q = queue_of(32);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&consumer[i], NULL, consume[i], &w), 0);
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producer[i], NULL, produce, &w), 0);
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_join(producer[i], NULL), 0);
    queue_close(w.q);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(consumer[i], NULL), 0);

    for (int i = 0; i < PRODUCERS * EACH; i++)
        assert_int_equal(w.seen[i], 1);
    assert_false(w.doubled);
    c = queue_counters(w.q);
    assert_int_equal(c.pushed, PRODUCERS * EACH);
    assert_int_equal(c.popped, PRODUCERS * EACH);
    assert_int_equal(c.depth, 0);
    assert_true(c.deepest <= 32);
    queue_free(w.q);
}

static void a_queue_that_cannot_be_made_is_refused(void **state)
{
    struct queue *q = NULL;

    (void)state;
    assert_int_equal(queue_new(0, &q), ERR_RANGE);
    assert_int_equal(queue_new(SIZE_MAX, &q), ERR_RANGE);
    alloc_fail_after(1);
    assert_int_equal(queue_new(4, &q), ERR_NOMEM);
    alloc_fail_after(-1);
    no_descriptors = true;
    assert_int_equal(queue_new(4, &q), ERR_NOMEM);
    no_descriptors = false;
    assert_null(q);
    queue_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(items_come_out_in_the_order_they_went_in),
        TEST(a_full_queue_answers_busy_and_counts_it),
        TEST(the_descriptor_is_readable_while_something_is_there),
        TEST(a_closed_queue_is_drained_and_then_says_so),
        TEST(an_empty_queue_times_out),
        TEST(a_group_holds_what_is_there_up_to_its_limit),
        TEST(a_lingering_consumer_wakes_when_its_group_is_complete),
        TEST(a_waiting_consumer_wakes_for_the_first_item),
        TEST(a_group_larger_than_the_queue_does_not_wait_for_ever),
        TEST(closing_wakes_who_waits_and_who_lingers),
        TEST(closing_wakes_a_producer_that_waits_for_room),
        TEST(a_producer_that_waits_goes_on_when_there_is_room),
        TEST(nothing_is_lost_or_doubled_between_many_threads),
        TEST(a_queue_that_cannot_be_made_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
