/* link: -Wl,--wrap=pread,--wrap=pwrite,--wrap=fstat,--wrap=fdatasync,--wrap=fsync */
/* link: -Wl,--wrap=renameat,--wrap=openat,--wrap=unlinkat */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
/* Files between a caller and this node's disk: whole, or not at all and said, wherever it fails;
 * and what the node remembers of its attachments. */
#include "node_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "attach_internal.h"
#include "attaching.h"
#include "carry.h"
#include "failing_alloc.h"
#include "proctree.h"

#define PLAIN (2 * ATTACHMENT_PLAIN + 77)
#define CHUNKS 3

/* --- the machine that makes a call fail ------------------------------------------------------- */

static struct {
    const char *name; /* of the function; NULL: none fails */
    int left;         /* calls that pass before */
    int error;
    bool hit;
    void (*meanwhile)(void); /* at the first read of the caller's file */
} fault;

static bool fails(const char *name)
{
    if (!fault.name || strcmp(fault.name, name) != 0 || fault.left-- != 0)
        return false;
    fault.hit = true;
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

WRAP(ssize_t, pwrite, (int f, const void *b, size_t n, off_t at), (f, b, n, at))
WRAP(int, fstat, (int f, struct stat *s), (f, s))
WRAP(int, fdatasync, (int f), (f))
WRAP(int, fsync, (int f), (f))
WRAP(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
WRAP(int, openat, (int d, const char *p, int f, mode_t m), (d, p, f, m))
WRAP(int, unlinkat, (int d, const char *p, int f), (d, p, f))

ssize_t __real_pread(int f, void *b, size_t n, off_t at);
ssize_t __wrap_pread(int f, void *b, size_t n, off_t at);
ssize_t __wrap_pread(int f, void *b, size_t n, off_t at)
{
    void (*meanwhile)(void) = fault.meanwhile;

    fault.meanwhile = NULL;
    if (meanwhile)
        meanwhile();
    if (fails("pread"))
        return -1;
    return __real_pread(f, b, n > 1000 ? n - 999 : n, at); /* a read may be a short one */
}

static void arm(const char *name, int after, int error)
{
    fault.left = after;
    fault.error = error;
    fault.hit = false;
    fault.name = name;
}

static bool disarm(void)
{
    fault.name = NULL;
    return fault.hit;
}

/* --- files ------------------------------------------------------------------------------------ */

static uint8_t content[PLAIN];
static int given_file; /* for what happens meanwhile */

static int file_with(size_t size)
{
    int fd = memfd_create("irm", MFD_CLOEXEC);

    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * 31 + i / 251);
    assert_int_equal(write(fd, content, size), (ssize_t)size);
    return fd;
}

static size_t files_in(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *one;
    size_t n = 0;

    assert_non_null(d);
    while ((one = readdir(d)))
        n += one->d_name[0] != '.';
    closedir(d);
    return n;
}

static void ended(struct node *n, struct call *c, struct carry_job *job, enum err why)
{
    (void)c;
    upload_taken(n, job, why);
}

static enum err take(struct node *n, int fd, uint8_t id[ID_BYTES])
{
    struct call c = {.file = fd};
    struct carry_job job;
    uint64_t size = 0;
    enum err e = carry_may_take(&c, &size);

    if (e || (e = upload_begin(n, size, &job)))
        return e;
    memcpy(id, job.upload, ID_BYTES);
    return carry_start(n, &c, &job, ended);
}

static enum err give(struct node *n, const struct att_ready *a, int fd)
{
    struct sheet_attachment of = {.size = a->plain, .chunks = a->chunks};
    struct call c = {.file = fd};

    memcpy(of.key, a->key, sizeof of.key);
    memcpy(of.address, a->address, sizeof of.address);
    return attaching_give(n, &c, false, &of);
}

static void holds(int fd, size_t size)
{
    static uint8_t got[PLAIN + 1];

    assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)size);
    assert_int_equal(__real_pread(fd, got, sizeof got, 0), (ssize_t)size);
    assert_memory_equal(got, content, size);
}

static struct att_ready taken(struct rig *r, uint8_t id[ID_BYTES])
{
    struct att_ready a;
    int fd = file_with(PLAIN);

    assert_int_equal(take(r->n, fd, id), ERR_OK);
    assert_int_equal(upload_ready(r->n, id, &a), ERR_OK);
    close(fd);
    return a;
}

/* --- taking and giving ------------------------------------------------------------------------ */

static void what_is_taken_is_given_back_byte_for_byte(void **state)
{
    struct rig *r = *state;
    uint8_t id[ID_BYTES];
    struct att_ready a = taken(r, id);
    int out = memfd_create("out", MFD_CLOEXEC);

    assert_int_equal(a.chunks, CHUNKS);
    assert_int_equal(give(r->n, &a, out), ERR_OK);
    holds(out, PLAIN);
    close(out);
    upload_end(r->n, id, false); /* no sheet: its file goes */
    assert_int_equal(files_in(r->n->attach->out), 0);
    assert_int_equal(upload_ready(r->n, id, &a), ERR_NOT_FOUND);
    upload_end(r->n, id, false);
}

static void only_an_open_regular_file_is_taken(void **state)
{
    struct rig *r = *state;
    uint8_t id[ID_BYTES];
    uint64_t size;
    int ends[2];
    int dir = open(r->dir, O_RDONLY | O_CLOEXEC);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int file = file_with(10);
    int empty = memfd_create("empty", MFD_CLOEXEC);
    char path[64];
    struct call none = {.file = -1};

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(carry_may_take(&none, &size), ERR_FIELD_MISSING);
    assert_int_equal(carry_may_give(&none), ERR_FIELD_MISSING);
    assert_int_equal(take(r->n, ends[0], id), ERR_FILE_KIND);
    assert_int_equal(take(r->n, dir, id), ERR_FILE_KIND);
    assert_int_equal(take(r->n, null, id), ERR_FILE_KIND);
    assert_int_equal(take(r->n, 4000, id), ERR_FILE_KIND); /* not open */
    assert_int_equal(take(r->n, empty, id), ERR_ATTACHMENT_SIZE);
    assert_int_equal(ftruncate(empty, ATTACHMENT_PLAIN_MAX + 1), 0);
    assert_int_equal(take(r->n, empty, id), ERR_ATTACHMENT_SIZE);
    for (int i = 0; i < 3; i++) { /* open another way than it is needed */
        static const int how[] = {O_WRONLY, O_PATH, O_RDONLY};
        int fd;

        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        assert_true((fd = open(path, how[i] | O_CLOEXEC)) >= 0);
        assert_int_equal(carry_may_take(&(struct call){.file = fd}, &size),
                         how[i] == O_RDONLY ? ERR_OK : ERR_FILE_KIND);
        if (how[i] != O_WRONLY)
            assert_int_equal(carry_may_give(&(struct call){.file = fd}), ERR_FILE_KIND);
        close(fd);
    }
    assert_int_equal(carry_may_give(&(struct call){.file = file}), ERR_FILE_KIND); /* not empty */
    arm("fstat", 0, EIO);
    assert_int_equal(take(r->n, file, id), ERR_FILE_KIND);
    assert_true(disarm());
    assert_int_equal(files_in(r->n->attach->out), 0);
    close(ends[0]), close(ends[1]), close(dir), close(null), close(file), close(empty);
}

static void shrinks(void)
{
    assert_int_equal(ftruncate(given_file, ATTACHMENT_PLAIN), 0);
}

static void grows(void)
{
    assert_int_equal(pwrite(given_file, "x", 1, PLAIN), 1);
}

static void is_written_over(void)
{
    const struct timespec then[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    assert_int_equal(pwrite(given_file, "x", 1, 5), 1);
    assert_int_equal(futimens(given_file, then), 0);
}

static void a_file_that_changes_meanwhile_is_not_taken(void **state)
{
    void (*const ways[])(void) = {shrinks, grows, is_written_over};
    struct rig *r = *state;
    uint8_t id[ID_BYTES];

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct att_ready a;

        given_file = file_with(PLAIN);
        fault.meanwhile = ways[i];
        assert_int_equal(take(r->n, given_file, id), ERR_FILE_CHANGED);
        assert_null(fault.meanwhile); /* it did happen */
        assert_int_equal(upload_ready(r->n, id, &a), ERR_NOT_FOUND);
        assert_int_equal(files_in(r->n->attach->out), 0);
        close(given_file);
    }
}

/* Each call of the system in its turn: said, nothing kept, and the next one passes. */
static void taking_fails_at_every_place_and_leaves_nothing(void **state)
{
    static const struct {
        const char *name;
        int error;
        enum err said;
    } calls[] = {
        {"pread",     EIO,    ERR_IO      },
        {"pwrite",    ENOSPC, ERR_FULL    },
        {"pwrite",    EIO,    ERR_IO      },
        {"fdatasync", EIO,    ERR_IO      },
        {"fsync",     EIO,    ERR_IO      },
        {"renameat",  EIO,    ERR_IO      },
        {"openat",    EROFS,  ERR_READONLY},
        {"fstat",     EIO,    ERR_OK      }, /* of either kind */
    };
    struct rig *r = *state;
    int fd = file_with(PLAIN);
    uint8_t id[ID_BYTES];

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t met = 0;

        for (int after = 0;; after++) {
            enum err e;

            arm(calls[i].name, after, calls[i].error);
            e = take(r->n, fd, id);
            if (!disarm()) {
                assert_int_equal(e, ERR_OK);
                upload_end(r->n, id, false);
                break;
            }
            met++;
            assert_int_not_equal(e, ERR_OK);
            if (calls[i].said)
                assert_int_equal(e, calls[i].said);
            assert_int_equal(files_in(r->n->attach->out), 0);
        }
        assert_true(met > 0);
    }
    arm("pread", 1, EINTR); /* no failure */
    assert_int_equal(take(r->n, fd, id), ERR_OK);
    assert_true(disarm());
    arm("pwrite", 1, EINTR);
    assert_int_equal(take(r->n, fd, id), ERR_OK);
    assert_true(disarm());
    close(fd);
}

static void giving_fails_at_every_place_and_is_said(void **state)
{
    static const struct {
        const char *name;
        int error;
    } calls[] = {
        {"pread",  EIO   },
        {"pwrite", ENOSPC},
        {"openat", EIO   },
    };
    struct rig *r = *state;
    uint8_t id[ID_BYTES];
    struct att_ready a = taken(r, id);
    struct att_ready other = a;
    int out;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        bool met = false;

        for (int after = 0;; after++) {
            enum err e;

            out = memfd_create("out", MFD_CLOEXEC);
            arm(calls[i].name, after, calls[i].error);
            e = give(r->n, &a, out);
            if (!disarm()) {
                assert_int_equal(e, ERR_OK);
                holds(out, PLAIN);
                close(out);
                break;
            }
            met = true;
            /* the first opening looks for the name of a whole one, the second of one in the making
             */
            assert_int_not_equal(e, ERR_OK);
            close(out);
        }
        assert_true(met);
    }
    out = memfd_create("out", MFD_CLOEXEC);
    arm("pwrite", 1, EINTR);
    assert_int_equal(give(r->n, &a, out), ERR_OK);
    assert_true(disarm());
    other.key[0] ^= 1;
    assert_int_equal(give(r->n, &other, out), ERR_OPEN);
    other = a;
    other.plain--;
    assert_int_equal(give(r->n, &other, out), ERR_RANGE);
    other.address[0] ^= 1;
    assert_int_equal(give(r->n, &other, out), ERR_NOT_HERE_YET);
    close(out);
}

static void without_memory_nothing_is_kept(void **state)
{
    struct rig *r = *state;
    int fd = file_with(PLAIN);
    uint8_t id[ID_BYTES];
    size_t met = 0;

    for (long n = 1; n < 50; n++) {
        enum err e;

        alloc_fail_after(n);
        e = take(r->n, fd, id);
        alloc_fail_after(-1);
        if (!e)
            break;
        met++;
        assert_int_equal(e, ERR_NOMEM);
        assert_int_equal(files_in(r->n->attach->out), 0);
    }
    assert_true(met >= 3);
    close(fd);
}

static void uploads_are_bounded_and_the_forgotten_make_room(void **state)
{
    struct rig *r = *state;
    int fd = file_with(100);
    uint8_t id[ID_BYTES];

    for (size_t i = 0; i < UPLOADS_MAX; i++)
        assert_int_equal(take(r->n, fd, id), ERR_OK);
    assert_int_equal(take(r->n, fd, id), ERR_BUSY);
    assert_int_equal(files_in(r->n->attach->out), UPLOADS_MAX);
    clock_fixed_advance(&r->clock, 10 * 60 * 1000 + 1);
    assert_int_equal(take(r->n, fd, id), ERR_OK);
    assert_int_equal(files_in(r->n->attach->out), 1);
    upload_end(r->n, id, true); /* a sheet was made of it: its file stays */
    assert_int_equal(files_in(r->n->attach->out), 1);
    rig_restart(r); /* ... but no row speaks of it */
    assert_int_equal(files_in(r->n->attach->out), 0);
    close(fd);
}

/* --- rows --------------------------------------------------------------------------------------
 */

static struct att_row row_of(struct rig *r, enum att_way way, enum att_state state)
{
    struct att_row row = {.way = way, .address = {3}, .mid = {4}, .size = 1000, .state = state};

    memcpy(row.org, way == ATT_OUT ? r->own.org : r->other.org, ID_BYTES);
    return row;
}

static enum att_state state_of(struct rig *r, enum att_way way)
{
    const uint8_t address[ATTACHMENT_ADDRESS_BYTES] = {3};
    struct att_row row = {.state = ATT_WAITS};
    struct txn *t = NULL;

    assert_int_equal(store_begin(r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(attach_get(r->n, t, way, address, &row), ERR_OK);
    store_abort(&t);
    return row.state;
}

/* The hub has let it go, and says who had not fetched it. */
static enum err hub_removed(struct rig *r, bool ours, size_t missed)
{
    struct receipt_facts f = {.type = AUDIT_ATTACHMENT_REMOVED, .detail = {.address = {3}}};
    struct txn *t = NULL;
    enum err e;

    f.detail.to_count = missed;
    memcpy(f.detail.from, ours ? r->own.org : r->other.org, ID_BYTES);
    assert_int_equal(store_begin(r->n->store, TXN_WRITE, &t), ERR_OK);
    if (!(e = attach_removed(r->n, t, &f)))
        e = node_commit(r->n, &t);
    node_abort(r->n, &t);
    return e;
}

static void what_the_hub_let_go_is_known_on_both_sides(void **state)
{
    static const struct {
        enum att_way way;
        enum att_state before;
        size_t missed;
        enum att_state after;
    } rows[] = {
        {ATT_OUT, ATT_WHOLE, 0, ATT_WHOLE  }, /* everybody has it */
        {ATT_OUT, ATT_WHOLE, 1, ATT_REMOVED},
        {ATT_OUT, ATT_WAITS, 1, ATT_REMOVED},
        {ATT_IN,  ATT_WAITS, 1, ATT_REMOVED},
        {ATT_IN,  ATT_WHOLE, 1, ATT_WHOLE  }, /* it came in time */
        {ATT_IN,  ATT_TOLD,  0, ATT_TOLD   },
    };
    struct rig *r = *state;

    assert_int_equal(hub_removed(r, true, 1), ERR_OK); /* nothing here knows of it */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct att_row row = row_of(r, rows[i].way, rows[i].before);
        struct att_row live;

        assert_int_equal(attach_keep(r->n, &row), ERR_OK);
        assert_int_equal(hub_removed(r, rows[i].way == ATT_OUT, rows[i].missed), ERR_OK);
        assert_int_equal(state_of(r, rows[i].way), rows[i].after);
        if (rows[i].after == ATT_REMOVED) /* nothing is asked for any more */
            assert_int_equal(attach_live(r->n, rows[i].way, NULL, &live), ERR_NOT_FOUND);
    }
}

static void a_row_that_cannot_be_written_changes_nothing(void **state)
{
    struct rig *r = *state;
    struct att_row row = row_of(r, ATT_IN, ATT_WAITS);
    struct att_row live;
    size_t met = 0;

    for (int kind = 0; kind < 4; kind++) {
        row.state = ATT_WAITS;
        assert_int_equal(attach_keep(r->n, &row), ERR_OK);
        row.state = ATT_WHOLE;
        for (unsigned long n = 1; n < 8; n++) {
            struct store_faults *f = &r->faults;
            unsigned long *at[] = {&f->fail_begin, &f->fail_put, &f->fail_del, &f->fail_commit};
            const unsigned long seen[] = {f->begins, f->puts, f->dels, f->commits};
            enum err e;

            f->commit_fault = COMMIT_IO;
            *at[kind] = seen[kind] + n;
            e = attach_keep(r->n, &row);
            *at[kind] = 0;
            if (!e)
                break;
            met++;
            assert_int_equal(state_of(r, ATT_IN), ATT_WAITS);
        }
    }
    assert_true(met >= 4);
    assert_int_equal(attach_live(r->n, ATT_IN, NULL, &live), ERR_OK); /* the hub is to be told */
    assert_int_equal(live.state, ATT_WHOLE);
    assert_int_equal(attach_live(r->n, ATT_IN, live.address, &live), ERR_NOT_FOUND);
    r->faults.fail_scan = r->faults.scans + 1;
    assert_int_equal(attach_live(r->n, ATT_IN, NULL, &live), ERR_IO);
    r->faults.fail_get = r->faults.gets + 1;
    assert_int_equal(hub_removed(r, false, 1), ERR_IO);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_taken_is_given_back_byte_for_byte),
        T(only_an_open_regular_file_is_taken),
        T(a_file_that_changes_meanwhile_is_not_taken),
        T(taking_fails_at_every_place_and_leaves_nothing),
        T(giving_fails_at_every_place_and_is_said),
        T(without_memory_nothing_is_kept),
        T(uploads_are_bounded_and_the_forgotten_make_room),
        T(what_the_hub_let_go_is_known_on_both_sides),
        T(a_row_that_cannot_be_written_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
