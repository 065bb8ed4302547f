/* Each limit of the node is crossed on a real node: its warning comes, its alarm, and both go. */
/* link: -Wl,--wrap=statvfs,--wrap=adjtimex */
#include "node_rig.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "bell_internal.h"
#include "gauges.h"
#include "log.h"
#include "loop.h"
#include "machine.h"

#define MINUTE_MS UINT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define QUOTA (UINT64_C(4) << 20)
#define ROW 4000
#define FILES_MAX 256

struct house {
    struct rig *r;
    struct loop *loop;
    struct gauges *g;
    struct rig_circle circle;
    int log;
    uint8_t mid[ID_BYTES];
    struct txn *reader;
    uint32_t rows;
    int files[FILES_MAX];
    size_t open;
};

/* --- the machine, as a test wants it --------------------------------------------------------- */

static unsigned disk_taken; /* percent; 0: what is there */
static bool clock_is_free;

int __real_statvfs(const char *path, struct statvfs *out);
int __wrap_statvfs(const char *path, struct statvfs *out);
int __wrap_statvfs(const char *path, struct statvfs *out)
{
    int status = __real_statvfs(path, out);

    if (status == 0) {
        out->f_blocks = 100 * ((UINT64_C(1) << 30) / out->f_frsize);
        out->f_bavail = out->f_blocks / 100 * (100 - disk_taken);
    }
    return status;
}

int __wrap_adjtimex(struct timex *t);
int __wrap_adjtimex(struct timex *t)
{
    (void)t;
    return clock_is_free ? TIME_ERROR : TIME_OK;
}

/* --- a node and its gauges ------------------------------------------------------------------- */

static int up(void **state)
{
    struct house *h = calloc(1, sizeof *h);
    char name[] = "/tmp/gauges-log-XXXXXX";
    void *rig = NULL;

    assert_non_null(h);
    disk_taken = 0;
    clock_is_free = false;
    assert_int_equal(rig_up(&rig), 0);
    h->r = rig;
    rig_circle_new(h->r, &h->circle);
    rig_circle_tell(h->r, &h->circle, 0, h->circle.n);
    assert_int_equal(loop_open(&h->r->clock.clock, &h->loop), ERR_OK);
    h->r->n->loop = h->loop;
    assert_int_equal(gauges_open(h->r->n, &h->g), ERR_OK);
    assert_true((h->log = mkstemp(name)) >= 0);
    unlink(name);
    log_setup(h->log, LEVEL_INFO, NULL);
    *state = h;
    return 0;
}

static int down(void **state)
{
    struct house *h = *state;
    void *rig = h->r;

    log_setup(STDERR_FILENO, LEVEL_INFO, NULL);
    close(h->log);
    gauges_close(h->g);
    h->r->n->loop = NULL;
    loop_close(h->loop);
    rig_circle_free(&h->circle);
    rig_down(&rig);
    free(h);
    return 0;
}

/* A write transaction around one change. */
static struct txn *writes(struct house *h)
{
    struct txn *t = NULL;

    assert_int_equal(store_begin(h->r->n->store, TXN_WRITE, &t), ERR_OK);
    return t;
}

static void passes(struct house *h, uint64_t ms)
{
    clock_fixed_advance(&h->r->clock, ms);
}

/* What status says of this limit; -1: there is none of that name. */
static int level_of(struct house *h, const char *limit)
{
    json_t *facts = gauges_facts(h->g);
    const json_t *list = json_object_get(facts, "limits");
    int level = -1;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if (strcmp(json_string_value(json_object_get(one, "limit")), limit) == 0)
            level = (int)json_integer_value(json_object_get(one, "level"));
    }
    json_decref(facts);
    return level;
}

/* How many lines of status begin so. */
static size_t lines_of(struct house *h, const char *word)
{
    struct bytes text = {0};
    size_t n = 0;

    assert_int_equal(gauges_text(h->g, &text), ERR_OK);
    assert_int_equal(bytes_append(&text, span_of("", 1)), ERR_OK);
    for (const char *at = (const char *)text.ptr; (at = strstr(at, word)); at++)
        n++;
    bytes_free(&text);
    return n;
}

static size_t events_of(const struct house *h, const char *event, const char *limit)
{
    static char log[65536];
    char wanted[80];
    ssize_t size = pread(h->log, log, sizeof log - 1, 0);
    size_t n = 0;

    assert_true(size >= 0);
    log[size] = '\0';
    snprintf(wanted, sizeof wanted, " %s limit=%s ", event, limit);
    for (const char *at = log; (at = strstr(at, wanted)); at++)
        n++;
    return n;
}

/* --- how each is crossed --------------------------------------------------------------------- */

static void store_fills(struct house *h, unsigned percent)
{
    static const uint8_t content[ROW];
    struct store_stats s = {0};
    uint8_t key[4];

    assert_int_equal(store_set_quota(store_unwrapped(h->r->n->store), QUOTA), ERR_OK);
    assert_int_equal(store_set_quota(h->r->n->store, QUOTA),
                     ERR_OK); /* the wrapper tells its own */
    while (percent_of(s.used_bytes, QUOTA) < percent) {
        struct txn *t = writes(h);

        for (int i = 0; i < 4; i++) {
            put_be32(key, h->rows++);
            assert_int_equal(store_put(t, TABLE_CARE, SPAN_OF(key), SPAN_OF(content)), ERR_OK);
        }
        assert_int_equal(store_commit(&t), ERR_OK);
        assert_int_equal(store_stats(h->r->n->store, &s), ERR_OK);
    }
}

static void store_near(struct house *h)
{
    store_fills(h, 80);
}

static void store_reached(struct house *h)
{
    store_fills(h, 95);
}

static void store_fine(struct house *h)
{
    struct txn *t = writes(h);
    uint8_t key[4];

    while (h->rows > 0) {
        put_be32(key, --h->rows);
        assert_int_equal(store_del(t, TABLE_CARE, SPAN_OF(key)), ERR_OK);
    }
    assert_int_equal(store_commit(&t), ERR_OK);
}

static void disk_near(struct house *h)
{
    (void)h;
    disk_taken = 80;
}

static void disk_reached(struct house *h)
{
    (void)h;
    disk_taken = 95;
}

static void disk_fine(struct house *h)
{
    (void)h;
    disk_taken = 79;
}

/* LimitNOFILE is four times what is open now; then files are opened. */
static void files_open(struct house *h, unsigned percent)
{
    struct rlimit files;
    uint64_t most;
    uint64_t n = machine_descriptors(&most);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    if (h->open == 0) {
        files.rlim_cur = 4 * n + 20;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    }
    while (percent_of(machine_descriptors(&most), files.rlim_cur) < percent) {
        assert_true(h->open < FILES_MAX);
        assert_true((h->files[h->open++] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
    }
}

static void descriptors_near(struct house *h)
{
    files_open(h, 80);
}

static void descriptors_reached(struct house *h)
{
    files_open(h, 95);
}

static void descriptors_fine(struct house *h)
{
    struct rlimit files;

    while (h->open > 0)
        close(h->files[--h->open]);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
}

/* A letter that no hub decides. */
static void oldest_near(struct house *h)
{
    struct out_intent i = {.type = ENVELOPE_SHEET,
                           .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                           .basis = BASIS_ECHANGE,
                           .purpose = 1,
                           .scat = CATEGORY_HEALTH,
                           .to_count = 1,
                           .rcat = {CATEGORY_HEALTH}};
    struct txn *t = writes(h);

    memcpy(i.circle, circle_handle(h->circle.c), ID_BYTES);
    memcpy(i.person, h->r->person[0], ID_BYTES);
    memcpy(i.to[0], h->r->other.org, ID_BYTES);
    assert_int_equal(outbox_add(h->r->n, t, &i, SPAN_STR("une fiche"), h->mid, NULL), ERR_OK);
    assert_int_equal(node_commit(h->r->n, &t), ERR_OK);
    passes(h, 59 * MINUTE_MS);
    assert_int_equal(level_of(h, "oldest"), LIMIT_FINE);
    passes(h, MINUTE_MS);
}

static void oldest_reached(struct house *h)
{
    passes(h, DAY_MS);
}

static void oldest_fine(struct house *h)
{
    static const uint8_t actor[ID_BYTES] = {1};
    struct txn *t = writes(h);

    assert_int_equal(outbox_recall(h->r->n, t, h->mid, RECALL_CONTENT, actor), ERR_OK);
    assert_int_equal(node_commit(h->r->n, &t), ERR_OK);
}

/* A read that does not end, while others write. */
static void reader_near(struct house *h)
{
    struct txn *t;

    assert_int_equal(store_begin(h->r->n->store, TXN_READ, &h->reader), ERR_OK);
    t = writes(h);
    assert_int_equal(store_put(t, TABLE_CARE, SPAN_STR("x"), SPAN_STR("x")), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
    assert_int_equal(level_of(h, "reader"), LIMIT_FINE);
    passes(h, MINUTE_MS);
}

static void reader_reached(struct house *h)
{
    passes(h, 10 * MINUTE_MS);
}

static void reader_fine(struct house *h)
{
    store_abort(&h->reader);
}

static void clock_near(struct house *h)
{
    (void)h;
    clock_is_free = true;
}

static void clock_fine(struct house *h)
{
    (void)h;
    clock_is_free = false;
}

/* Away from its hub for long. */
static void prekey_near(struct house *h)
{
    passes(h, 21 * DAY_MS);
}

static void prekey_reached(struct house *h)
{
    passes(h, 21 * DAY_MS);
}

static void prekey_fine(struct house *h)
{
    struct bytes ss = {0};

    assert_int_equal(prekey_due(h->r->n, &ss), ERR_OK);
    bytes_free(&ss);
}

static void notify_reached(struct house *h)
{
    uint8_t key[BELL_LIVE_BYTES] = {BELL_LIVE_FAILED};
    struct txn *t = writes(h);

    assert_int_equal(store_put(t, TABLE_BELL_LIVE, SPAN_OF(key), SPAN_STR("")), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
}

static void notify_fine(struct house *h)
{
    uint8_t key[BELL_LIVE_BYTES] = {BELL_LIVE_FAILED};
    struct txn *t = writes(h);

    assert_int_equal(store_del(t, TABLE_BELL_LIVE, SPAN_OF(key)), ERR_OK);
    assert_int_equal(store_commit(&t), ERR_OK);
}

static const struct crossing {
    const char *limit;
    void (*near)(struct house *h);    /* NULL: it has no warning before */
    void (*reached)(struct house *h); /* NULL: no more than a warning */
    void (*fine)(struct house *h);
} crossings[] = {
    {"store",       store_near,       store_reached,       store_fine      },
    {"disk",        disk_near,        disk_reached,        disk_fine       },
    {"descriptors", descriptors_near, descriptors_reached, descriptors_fine},
    {"oldest",      oldest_near,      oldest_reached,      oldest_fine     },
    {"reader",      reader_near,      reader_reached,      reader_fine     },
    {"clock",       clock_near,       NULL,                clock_fine      },
    {"prekey",      prekey_near,      prekey_reached,      prekey_fine     },
    {"notify",      NULL,             notify_reached,      notify_fine     },
};
#define CROSSINGS (sizeof crossings / sizeof crossings[0])

/* --- the tests ------------------------------------------------------------------------------- */

static void its_level_is(struct house *h, const char *limit, enum limit_level level)
{
    int now = level_of(h, limit);

    if (now != (int)level)
        fail_msg("limit %s: level %d instead of %d", limit, now, (int)level);
    assert_int_equal(lines_of(h, "Attention : "), level == LIMIT_NEAR);
    assert_int_equal(lines_of(h, "ALARME : "), level == LIMIT_REACHED);
    assert_int_equal(lines_of(h, "\n    Que faire : "), level != LIMIT_FINE);
}

static void cross(const struct crossing *c)
{
    void *state = NULL;
    struct house *h;

    assert_int_equal(up(&state), 0);
    h = state;
    its_level_is(h, c->limit, LIMIT_FINE);
    if (c->near) {
        c->near(h);
        its_level_is(h, c->limit, LIMIT_NEAR);
    }
    if (c->reached) {
        c->reached(h);
        its_level_is(h, c->limit, LIMIT_REACHED);
    }
    c->fine(h);
    its_level_is(h, c->limit, LIMIT_FINE);
    assert_int_equal(events_of(h, "limit.near", c->limit), c->near != NULL);
    assert_int_equal(events_of(h, "limit.reached", c->limit), c->reached != NULL);
    assert_int_equal(events_of(h, "limit.fine", c->limit), 1);
    down(&state);
}

static void each_limit_warns_alarms_and_is_fine_again_and_says_each_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < CROSSINGS; i++)
        cross(&crossings[i]);
}

static void no_limit_of_the_node_is_left_out(void **state)
{
    struct house *h = *state;
    json_t *facts = gauges_facts(h->g);

    for (size_t i = 0; i < CROSSINGS; i++)
        assert_true(level_of(h, crossings[i].limit) >= 0);
    assert_int_equal(json_array_size(json_object_get(facts, "limits")), CROSSINGS);
    json_decref(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_warns_alarms_and_is_fine_again_and_says_each_once),
        cmocka_unit_test_setup_teardown(no_limit_of_the_node_is_left_out, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
