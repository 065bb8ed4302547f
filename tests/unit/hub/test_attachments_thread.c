/* link: -Wl,--wrap=pread,--wrap=pwrite,--wrap=fdatasync,--wrap=fsync,--wrap=renameat */
/* link: -Wl,--wrap=openat,--wrap=unlinkat,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* The hub's attachment thread where the disk or the memory fails: nothing is told that is not on
 * disk, everything is answered, and whoever asks again is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "attachments_internal.h"
#include "failing_alloc.h"
#include "keys.h"
#include "proctree.h"
#include "queue.h"

#define CHUNKS 3
#define SIZE (2 * ATTACHMENT_CHUNK + 500)
#define WAIT_MS 60000

/* --- the machine that makes a call fail ------------------------------------------------------- */

static struct {
    const char *_Atomic name; /* of the function; NULL: none fails */
    atomic_int left;          /* calls that pass before */
    int error;
    atomic_bool hit;
} fault;

static bool fails(const char *name)
{
    const char *which = atomic_load(&fault.name);

    if (!which || strcmp(which, name) != 0 || atomic_fetch_sub(&fault.left, 1) != 0)
        return false;
    atomic_store(&fault.hit, true);
    errno = fault.error;
    return true;
}

#define WRAP(type, name, params, args)                                                             \
    type __real_##name params;                                                                     \
    type __wrap_##name params;                                                                     \
    type __wrap_##name params                                                                      \
    {                                                                                              \
        return fails(#name) ? -1 : __real_##name args;                                             \
    }

WRAP(ssize_t, pread, (int f, void *b, size_t n, off_t at), (f, b, n, at))
WRAP(ssize_t, pwrite, (int f, const void *b, size_t n, off_t at), (f, b, n, at))
WRAP(int, fdatasync, (int f), (f))
WRAP(int, fsync, (int f), (f))
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
WRAP(int, openat, (int d, const char *p, int f, mode_t m), (d, p, f, m))
WRAP(int, unlinkat, (int d, const char *p, int f), (d, p, f))

static void arm(const char *name, int after, int error)
{
    atomic_store(&fault.left, after);
    fault.error = error;
    atomic_store(&fault.hit, false);
    atomic_store(&fault.name, name);
}

static bool disarm(void)
{
    atomic_store(&fault.name, NULL);
    return atomic_load(&fault.hit);
}

/* --- a hub's thread, and who asks ------------------------------------------------------------- */

struct rig {
    char dir[64];
    struct clock_fixed clock;
    struct queue *out;
    struct attachments *a;
    uint64_t req;
    bool started;
};

static uint8_t chunks[CHUNKS][ATTACHMENT_CHUNK];
static uint8_t hashes[CHUNKS][ATTACHMENT_HASH_BYTES];
static uint8_t address[ATTACHMENT_ADDRESS_BYTES];
static const struct member owner = {.org = {1}, .number = 7};
static const struct member other = {.org = {2}, .number = 9};

static struct span chunk(uint32_t i)
{
    return span_of(chunks[i], attachment_chunk_len(SIZE, i));
}

static enum err opens(struct rig *r)
{
    struct attachments_options o = {.dir = r->dir,
                                    .clock = &r->clock.clock,
                                    .out = r->out,
                                    .quota_bytes = 3 * ATTACHMENT_COST(SIZE),
                                    .max_bytes = 3 * ATTACHMENT_COST(SIZE)};

    return attachments_open(&o, &r->a);
}

static void closes(struct rig *r)
{
    attachments_stop(r->a);
    attachments_free(r->a);
    r->a = NULL;
}

static void restarts(struct rig *r)
{
    closes(r);
    assert_int_equal(opens(r), ERR_OK);
    assert_int_equal(attachments_start(r->a), ERR_OK);
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    clock_fixed_init(&r->clock, 1790000000000);
    snprintf(r->dir, sizeof r->dir, "/tmp/att-thread-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    assert_int_equal(queue_new(64, &r->out), ERR_OK);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        memset(chunks[i], (int)('a' + i), sizeof chunks[i]);
        assert_int_equal(attachment_hash(i, chunk(i), hashes[i]), ERR_OK);
    }
    assert_int_equal(attachment_address(SIZE, SPAN_OF(hashes), address), ERR_OK);
    assert_int_equal(opens(r), ERR_OK);
    assert_int_equal(attachments_start(r->a), ERR_OK);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    disarm();
    closes(r);
    queue_free(r->out);
    tree_remove(r->dir);
    free(r);
    return 0;
}

/* A frame of that member; its answer, until the next one. *state may be NULL. */
static enum err ask(struct rig *r, const struct member *who, struct message *say,
                    struct msg_att_state *state)
{
    struct job *j = calloc(1, sizeof *j);
    struct parcel *p = NULL;
    struct message m;
    void *item = NULL;
    enum err e;

    assert_non_null(j);
    j->who = *who;
    if (say->type == MSG_ATT_OPEN)
        say->att_open.req = ++r->req;
    else
        say->att_chunk.req = ++r->req;
    assert_int_equal(message_encode(say, &j->frame), ERR_OK);
    assert_int_equal(attachments_give(r->a, j), ERR_OK);
    assert_int_equal(queue_pop_wait(r->out, &item, WAIT_MS), ERR_OK);
    p = item;
    assert_int_equal(message_decode(bytes_span(&p->frame), SENT_BY_HUB, &m), ERR_OK);
    assert_int_equal(message_req(bytes_span(&p->frame)), r->req);
    e = m.type == MSG_ERR ? (enum err)m.err.code : ERR_OK;
    if (m.type == MSG_ATT_STATE && state)
        *state = m.att_state;
    if (m.type == MSG_ATT_CHUNK)
        assert_true(span_equal(m.att_chunk.chunk, chunk(m.att_chunk.i)));
    parcel_free(p);
    return e;
}

static enum err open_(struct rig *r, const struct member *who, bool deposits,
                      struct msg_att_state *state)
{
    struct message say = {.type = MSG_ATT_OPEN};

    memcpy(say.att_open.address, address, sizeof address);
    if (deposits) {
        say.att_open.size = SIZE;
        say.att_open.hashes = SPAN_OF(hashes);
    }
    return ask(r, who, &say, state);
}

static enum err chunk_(struct rig *r, const struct member *who, enum message_type type, uint32_t i,
                       struct msg_att_state *state)
{
    struct message say = {.type = type, .att_chunk = {.i = i}};

    memcpy(say.att_chunk.address, address, sizeof address);
    if (type == MSG_ATT_PUT)
        say.att_chunk.chunk = chunk(i);
    return ask(r, who, &say, state);
}

/* From where the hub says it stands, as a node does, until the first failure. */
static enum err deposit(struct rig *r)
{
    struct msg_att_state s = {0};
    enum err e = open_(r, &owner, true, &s);

    while (!e && !s.whole) {
        uint32_t had = s.next;

        assert_true(had < CHUNKS); /* all of it, and not whole: nobody could go on */

        e = chunk_(r, &owner, MSG_ATT_PUT, had, &s);
        if (!e)
            assert_int_equal(s.next, had + 1);
    }
    return e;
}

static void removed(struct rig *r)
{
    struct attachment_gone gone;
    uint64_t now_ms = clock_now_ms(&r->clock.clock) + ATTACHMENT_UNCLAIMED_MS + 1;

    assert_int_equal(attachments_next_gone(r->a, now_ms, &gone), ERR_OK);
    attachments_committed(r->a);
    assert_int_equal(open_(r, &owner, false, NULL), ERR_ATTACHMENT_MISSING);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void every_failure_of_the_disk_is_told_and_overcome(void **state)
{
    static const struct {
        const char *name;
        int error;
        enum err told;
    } calls[] = {
        {"pwrite",    ENOSPC, ERR_FULL    },
        {"pwrite",    EIO,    ERR_IO      },
        {"fdatasync", EIO,    ERR_IO      },
        {"fsync",     EIO,    ERR_IO      },
        {"renameat",  EIO,    ERR_IO      },
        {"openat",    EROFS,  ERR_READONLY},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t met = 0;

        for (int after = 0;; after++) {
            enum err e;

            arm(calls[i].name, after, calls[i].error);
            e = deposit(r);
            if (!disarm()) {
                assert_int_equal(e, ERR_OK);
                removed(r);
                break;
            }
            met++;
            assert_int_equal(e, calls[i].told);
            restarts(r); /* what it said is on disk, and nothing else counts */
            assert_int_equal(deposit(r), ERR_OK);
            for (uint32_t k = 0; k < CHUNKS; k++)
                assert_int_equal(chunk_(r, &owner, MSG_ATT_GET, k, NULL), ERR_OK);
            removed(r);
        }
        assert_true(met > 0);
    }
}

static void the_same_thread_goes_on_after_a_failure(void **state)
{
    static const char *const calls[] = {"pwrite", "fdatasync", "renameat"};
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        arm(calls[i], i == 2 ? 0 : 1, EIO);
        assert_int_equal(deposit(r), ERR_IO);
        assert_true(disarm());
        assert_int_equal(deposit(r), ERR_OK);
        removed(r);
    }
}

static void what_the_disk_has_changed_is_not_given(void **state)
{
    struct rig *r = *state;

    assert_int_equal(deposit(r), ERR_OK);
    arm("pread", 0, EIO);
    assert_int_equal(chunk_(r, &owner, MSG_ATT_GET, 1, NULL), ERR_IO);
    assert_true(disarm());
    assert_int_equal(chunk_(r, &owner, MSG_ATT_GET, 1, NULL), ERR_OK);
    assert_int_equal(chunk_(r, &owner, MSG_ATT_GET, CHUNKS, NULL), ERR_RANGE);
    assert_int_equal(chunk_(r, &other, MSG_ATT_GET, 1, NULL), ERR_ATTACHMENT_RIGHT);
    assert_int_equal(chunk_(r, &other, MSG_ATT_PUT, 1, NULL), ERR_ATTACHMENT_RIGHT);
    assert_int_equal(open_(r, &other, true, NULL), ERR_ATTACHMENT_RIGHT);
    assert_int_equal(attachments_use(r->a).strangers, 3);
}

static void one_that_cannot_be_removed_is_tried_again(void **state)
{
    struct rig *r = *state;
    struct attachment_gone gone;
    uint64_t later_ms = clock_now_ms(&r->clock.clock) + ATTACHMENT_UNCLAIMED_MS + 1;

    assert_int_equal(deposit(r), ERR_OK);
    arm("unlinkat", 0, EIO);
    assert_int_equal(attachments_next_gone(r->a, later_ms, &gone), ERR_OK);
    attachments_committed(r->a);
    while (!atomic_load(&fault.hit)) /* its turn comes by itself */
        assert_int_equal(open_(r, &owner, false, NULL), ERR_ATTACHMENT_MISSING);
    disarm();
    while (attachments_use(r->a).count > 0)
        assert_int_equal(open_(r, &owner, false, NULL), ERR_ATTACHMENT_MISSING);
    assert_int_equal(attachments_use(r->a).removed, 1);
    assert_int_equal(attachments_use(r->a).bytes, 0);
}

static void it_does_not_open_half(void **state)
{
    struct rig *r = *state;
    size_t met = 0;

    assert_int_equal(deposit(r), ERR_OK);
    closes(r);
    for (long n = 1; n < 40; n++) {
        enum err e;

        alloc_fail_after(n);
        e = opens(r);
        alloc_fail_after(-1);
        if (!e)
            break;
        assert_int_equal(e, ERR_NOMEM);
        met++;
    }
    assert_true(met >= 4);
    assert_int_equal(attachments_use(r->a).whole, 1);
    closes(r);
    arm("pread", 0, EIO);
    assert_int_equal(opens(r), ERR_IO);
    assert_true(disarm());
    assert_int_equal(opens(r), ERR_OK);
    assert_int_equal(attachments_start(r->a), ERR_OK);
}

static void what_cannot_be_read_or_does_not_belong_is_refused(void **state)
{
    struct rig *r = *state;
    struct message ping = {.type = MSG_KEYS};
    struct msg_att_state s;

    assert_int_equal(ask(r, &owner, &ping, NULL), ERR_MESSAGE_STATE);
    assert_int_equal(chunk_(r, &owner, MSG_ATT_PUT, 0, NULL), ERR_ATTACHMENT_MISSING);
    assert_int_equal(chunk_(r, &owner, MSG_ATT_GET, 0, NULL), ERR_ATTACHMENT_MISSING);
    assert_int_equal(open_(r, &owner, true, &s), ERR_OK);
    assert_int_equal(chunk_(r, &owner, MSG_ATT_PUT, 2, &s), ERR_OK); /* not the next one */
    assert_int_equal(s.next, 0);
    chunks[0][9] ^= 1;
    assert_int_equal(chunk_(r, &owner, MSG_ATT_PUT, 0, NULL), ERR_ATTACHMENT_ADDRESS);
    chunks[0][9] ^= 1;
    assert_int_equal(deposit(r), ERR_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_failure_of_the_disk_is_told_and_overcome),
        T(the_same_thread_goes_on_after_a_failure),
        T(what_the_disk_has_changed_is_not_given),
        T(one_that_cannot_be_removed_is_tried_again),
        T(it_does_not_open_half),
        T(what_cannot_be_read_or_does_not_belong_is_refused),
    };

    return seal_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
