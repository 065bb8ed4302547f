/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* Other keys of a node (rekey.h), where every read, write, allocation and draw of randomness fails
 * once, and the node is killed there every other time: it always has the key set that the log
 * names, and a document that waits is signed with it, once all is done. */
#include "node_rig.h"

#include "failing_alloc.h"
#include "keyring.h"
#include "rekey.h"

#define ENOUGH 3000

enum source {
    PUT,
    GET,
    DEL,
    SCAN,
    BEGIN,
    COMMIT,
    LOST,
    RANDOM,
    MEMORY,
    SOURCES
};

struct desk {
    struct rig *r;
    struct rig_circle circle;
    uint8_t mid[ID_BYTES];
    struct entropy inner;
    unsigned long draws, fail_draw;
    unsigned long struck[SOURCES];
};

/* What a document is here: the kid that signed it, and its text. */
static enum err resign(struct node *n, struct span body, struct bytes *out)
{
    struct bytes b = {0};
    enum err e;

    if (!(e = bytes_append(&b, SPAN_OF(n->self.kid))) &&
        !(e = bytes_append(&b, span_of(body.ptr + KID_BYTES, body.len - KID_BYTES))))
        *out = b;
    else
        bytes_free(&b);
    return e;
}

static const struct care_hooks signing_hooks = {
    .open = rig_open, .release = rig_release, .person = rig_person, .resign = resign};

static enum err draw(void *arg, uint8_t *out, size_t size)
{
    struct desk *d = arg;

    return ++d->draws == d->fail_draw ? ERR_IO : entropy_fill(&d->inner, out, size);
}

static void opened(struct desk *d)
{
    d->r->n->care = &signing_hooks;
    d->r->n->entropy = (struct entropy){.fill = draw, .arg = d};
    d->r->faults.quiet = alloc_quiet;
}

static void killed(struct desk *d)
{
    alloc_quiet(true);
    rig_restart(d->r);
    alloc_quiet(false);
    opened(d);
}

static void document_waits(struct desk *d)
{
    struct out_intent i = {.type = ENVELOPE_SHEET,
                           .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                           .basis = BASIS_ECHANGE,
                           .purpose = 1,
                           .scat = CATEGORY_HEALTH,
                           .to_count = 1,
                           .rcat = {CATEGORY_HEALTH}};
    struct bytes body = {0};
    struct txn *t = NULL;

    memcpy(i.circle, circle_handle(d->circle.c), ID_BYTES);
    memcpy(i.person, d->r->person[0], ID_BYTES);
    memcpy(i.to[0], d->r->other.org, ID_BYTES);
    assert_int_equal(bytes_append(&body, SPAN_OF(d->r->n->self.kid)), ERR_OK);
    assert_int_equal(bytes_append(&body, SPAN_STR("une fiche")), ERR_OK);
    assert_int_equal(store_begin(d->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(outbox_add(d->r->n, t, &i, bytes_span(&body), d->mid, NULL), ERR_OK);
    assert_int_equal(node_commit(d->r->n, &t), ERR_OK);
    bytes_free(&body);
}

static void assert_document(struct desk *d)
{
    struct bytes body = {0};
    struct txn *t = NULL;

    assert_int_equal(store_begin(d->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(
        vault_get(d->r->n->vault, t, TABLE_OUT_BODY, d->r->person[0], SPAN_OF(d->mid), &body),
        ERR_OK);
    store_abort(&t);
    assert_int_equal(body.len, KID_BYTES + strlen("une fiche"));
    assert_memory_equal(body.ptr, d->r->n->self.kid, KID_BYTES);
    assert_memory_equal(body.ptr + KID_BYTES, "une fiche", strlen("une fiche"));
    seal_bytes_free(&body);
}

/* The key that the log names is the one that it signs with, or the next one, and it has that. */
static void assert_working(struct desk *d)
{
    const struct node *n = d->r->n;
    const struct directory_node *me = directory_find_node(contacts_directory(n), n->self.node);
    uint8_t own[KID_BYTES], next[KID_BYTES] = {0};

    assert_non_null(me);
    sign_kid(secret_sign_public(n->sign), own);
    assert_memory_equal(own, n->self.kid, KID_BYTES);
    if (n->rekey.sign)
        sign_kid(secret_sign_public(n->rekey.sign), next);
    assert_true(memcmp(me->kid, own, KID_BYTES) == 0 || memcmp(me->kid, next, KID_BYTES) == 0);
}

static void arm(struct desk *d, enum source s, unsigned long n)
{
    struct store_faults *f = &d->r->faults;

    f->fail_put = s == PUT ? f->puts + n : 0;
    f->fail_get = s == GET ? f->gets + n : 0;
    f->fail_del = s == DEL ? f->dels + n : 0;
    f->fail_scan = s == SCAN ? f->scans + n : 0;
    f->fail_begin = s == BEGIN ? f->begins + n : 0;
    f->fail_commit = s == COMMIT || s == LOST ? f->commits + n : 0;
    f->commit_fault = s == LOST ? COMMIT_UNKNOWN_LOST : COMMIT_IO;
    d->fail_draw = s == RANDOM ? d->draws + n : 0;
    alloc_fail_after(s == MEMORY ? (long)n : -1);
}

/* Until it is done, one failure further each time. */
static void sweep(struct desk *d, enum source s, enum err (*step)(struct node *n))
{
    enum err e = ERR_IO;

    for (unsigned long n = 1; e && n < ENOUGH; n++) {
        arm(d, s, n);
        e = step(d->r->n);
        arm(d, SOURCES, 0);
        if (e) {
            d->struck[s]++;
            if (n % 2 == 0)
                killed(d);
            assert_working(d);
        }
    }
    assert_int_equal(e, ERR_OK);
}

static enum err refused(struct node *n)
{
    return rekey_abandon(n, ERR_QUOTA);
}

static void log_takes(struct desk *d)
{
    struct bytes ss = {0};

    assert_int_equal(rekey_statement(d->r->n, &ss), ERR_OK);
    rig_append(&d->r->keys, bytes_span(&ss));
    rig_sync(d->r);
    bytes_free(&ss);
}

static void whatever_fails_the_keys_are_changed_once_and_nothing_is_lost(void **state)
{
    struct desk *d = *state;
    uint8_t former[KID_BYTES];

    for (enum source s = PUT; s < SOURCES; s++) {
        memcpy(former, d->r->n->self.kid, KID_BYTES);
        sweep(d, s, rekey_begin);
        assert_memory_equal(d->r->n->self.kid, former, KID_BYTES);
        sweep(d, s, rekey_offer);
        assert_memory_equal(d->r->n->self.kid, former, KID_BYTES);
        log_takes(d);
        assert_true(rekey_logged(d->r->n));
        sweep(d, s, rekey_settle);
        killed(d);
        assert_int_equal(d->r->n->rekey.phase, REKEY_NONE);
        assert_memory_not_equal(d->r->n->self.kid, former, KID_BYTES);
        assert_working(d);
        assert_document(d);
    }
    for (enum source s = PUT; s < SOURCES; s++)
        if (d->struck[s] == 0)
            fail_msg("nothing of source %d has failed", (int)s);
}

static void whatever_fails_a_refusal_leaves_the_former_keys(void **state)
{
    struct desk *d = *state;
    uint8_t former[KID_BYTES];

    memcpy(former, d->r->n->self.kid, KID_BYTES);
    for (enum source s = PUT; s < SOURCES; s++) {
        assert_int_equal(rekey_begin(d->r->n), ERR_OK);
        assert_int_equal(rekey_offer(d->r->n), ERR_OK);
        sweep(d, s, refused);
        killed(d);
        assert_int_equal(d->r->n->rekey.phase, REKEY_REFUSED);
        assert_memory_equal(d->r->n->self.kid, former, KID_BYTES);
        assert_working(d);
        assert_document(d);
        assert_int_equal(rig_rows(d->r, TABLE_PREKEY), 1); /* none that nobody will ever name */
    }
    assert_true(d->struck[PUT] && d->struck[GET] && d->struck[DEL] && d->struck[BEGIN] &&
                d->struck[COMMIT] && d->struck[LOST] && d->struck[MEMORY]);
}

static int up(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    void *rig = NULL;

    assert_non_null(d);
    rig_up(&rig);
    d->r = rig;
    d->inner = d->r->n->entropy;
    rig_circle_new(d->r, &d->circle);
    rig_circle_tell(d->r, &d->circle, 0, d->circle.n);
    document_waits(d);
    opened(d);
    *state = d;
    return 0;
}

static int down(void **state)
{
    struct desk *d = *state;
    void *rig = d->r;

    rig_circle_free(&d->circle);
    rig_down(&rig);
    free(d);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_fails_the_keys_are_changed_once_and_nothing_is_lost),
        TEST(whatever_fails_a_refusal_leaves_the_former_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
