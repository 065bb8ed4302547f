#include "powercut.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

#define LOG_MAX ((size_t)4 << 30)
#define NONE SIZE_MAX
#define HOLE 4096u

/* One file or directory that ever was: an inode number is used again after its end. */
struct thing {
    uint64_t ino;
    bool folder;
    bool noise;    /* lock.mdb */
    uint32_t mode; /* it was made with */
    size_t *ops;
    size_t n, cap;
    size_t unsynced; /* of ops: where powercut_open() has come with its syncs */
};

/* One record, with what it is about. */
struct op {
    struct record_head head;   /* a copy: in the log it has no alignment */
    const uint8_t *rest;       /* of the record: name, other name, data */
    size_t thing, made, other; /* indices of ino, ino2, other; NONE */
    size_t durable;            /* the record that put it on the disk; NONE: never */
    size_t durable_too;        /* of a move between two directories: for the other one */
};

struct powercut {
    struct bytes log;
    struct op *ops;
    size_t n, cap;
    struct thing *things;
    size_t things_n, things_cap;
    const char *why;
    struct span why_text;
};

/* --- reading the recording -------------------------------------------------------------------- */

static enum err grow(void *at, size_t *cap, size_t n, size_t size)
{
    void **array = at;
    size_t wanted = *cap ? *cap * 2 : 64;
    void *more;

    if (n < *cap)
        return ERR_OK;
    if (!(more = realloc(*array, wanted * size)))
        return ERR_NOMEM;
    *array = more;
    *cap = wanted;
    return ERR_OK;
}

static enum err make_void(struct powercut *p, const char *why)
{
    p->why = why;
    return ERR_UNSUPPORTED;
}

static struct span name_of(const struct op *o)
{
    return span_of(o->rest, o->head.name_len);
}

static struct span name2_of(const struct op *o)
{
    return span_of(o->rest + o->head.name_len, o->head.name2_len);
}

static struct span data_of(const struct op *o)
{
    return span_of(o->rest + o->head.name_len + o->head.name2_len, o->head.data_len);
}

/* The youngest with that number. */
static size_t thing_of(const struct powercut *p, uint64_t ino)
{
    for (size_t i = p->things_n; i > 0; i--)
        if (p->things[i - 1].ino == ino)
            return i - 1;
    return NONE;
}

static enum err thing_new(struct powercut *p, uint64_t ino, const struct op *by, size_t *out)
{
    enum err e = grow(&p->things, &p->things_cap, p->things_n, sizeof *p->things);

    if (e)
        return e;
    p->things[p->things_n] = (struct thing){.ino = ino, .mode = by->head.mode};
    p->things[p->things_n].folder =
        by->head.kind == RECORD_ROOT || (by->head.flags & RECORD_FOLDER);
    p->things[p->things_n].noise = span_equal(name_of(by), SPAN_STR("lock.mdb"));
    *out = p->things_n++;
    return ERR_OK;
}

static enum err belongs(struct powercut *p, size_t thing, size_t op)
{
    struct thing *t = &p->things[thing];
    enum err e = grow(&t->ops, &t->cap, t->n, sizeof *t->ops);

    if (!e)
        t->ops[t->n++] = op;
    return e;
}

static bool names_something(enum record_kind k)
{
    return k == RECORD_CREATE || k == RECORD_LINK || k == RECORD_UNLINK || k == RECORD_RENAME;
}

static bool changes_a_thing(enum record_kind k)
{
    return k == RECORD_WRITE || k == RECORD_RESIZE || k == RECORD_CHMOD;
}

/* Finds what a record is about and lists it there. */
static enum err settle(struct powercut *p, size_t i)
{
    struct op *o = &p->ops[i];
    enum record_kind k = o->head.kind;
    enum err e;

    if (k == RECORD_ROOT)
        return p->things_n ? ERR_CORRUPT : thing_new(p, o->head.ino, o, &o->thing);
    if (!names_something(k) && !changes_a_thing(k) && k != RECORD_SYNC)
        return ERR_OK;
    if ((o->thing = thing_of(p, o->head.ino)) == NONE)
        return make_void(p, "a file was made in a way that is not recorded");
    if (o->head.flags & RECORD_BASE || (k == RECORD_WRITE && o->head.flags & RECORD_SYNCED))
        o->durable = i;
    if (k == RECORD_CREATE) {
        if ((e = thing_new(p, o->head.ino2, o, &o->made)))
            return e;
    } else if (names_something(k) && (o->made = thing_of(p, o->head.ino2)) == NONE) {
        return make_void(p, "a name was changed whose file was never seen");
    }
    if (k == RECORD_RENAME && o->head.other != o->head.ino) {
        if ((o->other = thing_of(p, o->head.other)) == NONE)
            return make_void(p, "a directory was made in a way that is not recorded");
        o->durable_too = NONE;
        if ((e = belongs(p, o->other, i)))
            return e;
    }
    return k == RECORD_SYNC ? ERR_OK : belongs(p, o->thing, i);
}

/* Sync s puts on the disk what stands before byte `reach` of the log and is about t. */
static void sync_thing(struct powercut *p, size_t t, size_t s, uint64_t reach, bool content)
{
    struct thing *about = &p->things[t];
    bool all = true;

    for (size_t i = about->unsynced; i < about->n; i++) {
        struct op *o = &p->ops[about->ops[i]];
        size_t *durable = o->other == t ? &o->durable_too : &o->durable;
        uint64_t at = (uint64_t)(o->rest - p->log.ptr) - sizeof o->head;

        if (*durable == NONE && at < reach && !(content && o->head.kind == RECORD_CHMOD))
            *durable = s;
        all = all && *durable != NONE;
        if (all)
            about->unsynced = i + 1;
    }
}

static void sync_one(struct powercut *p, size_t s)
{
    const struct op *o = &p->ops[s];
    bool content = o->head.flags & RECORD_CONTENT;

    if (o->head.kind == RECORD_SYNC)
        sync_thing(p, o->thing, s, o->head.at, content);
    else if (o->head.kind == RECORD_SYNC_ALL)
        for (size_t t = 0; t < p->things_n; t++)
            sync_thing(p, t, s, o->head.at, false);
}

static enum err read_records(struct powercut *p)
{
    size_t at = 0;
    enum err e;

    while (at + sizeof(struct record_head) <= p->log.len) {
        struct record_head h;
        size_t whole;

        memcpy(&h, p->log.ptr + at, sizeof h);
        whole = sizeof h + h.name_len + h.name2_len + (size_t)h.data_len;
        if (h.magic != RECORD_MAGIC || !h.kind || h.kind >= RECORD_KINDS)
            return ERR_CORRUPT;
        if (p->log.len - at < whole)
            break;
        if ((e = grow(&p->ops, &p->cap, p->n, sizeof *p->ops)))
            return e;
        p->ops[p->n] = (struct op){h, p->log.ptr + at + sizeof h, NONE, NONE, NONE, NONE, 0};
        if (h.kind == RECORD_VOID) {
            p->why_text = data_of(&p->ops[p->n]);
            return ERR_UNSUPPORTED;
        }
        if ((e = settle(p, p->n)))
            return e;
        sync_one(p, p->n++);
        at += whole;
    }
    return p->things_n ? ERR_OK : ERR_CORRUPT;
}

enum err powercut_open(const char *log, struct powercut **out, struct bytes *why)
{
    struct powercut *p = calloc(1, sizeof *p);
    enum err e = p ? file_read(log, LOG_MAX, &p->log) : ERR_NOMEM;

    if (!e && (e = read_records(p)) == ERR_UNSUPPORTED && why) {
        struct span text = p->why ? span_text(p->why) : p->why_text;

        why->len = 0;
        if (bytes_append(why, text) || bytes_append(why, span_of("", 1)))
            e = ERR_NOMEM;
    }
    if (e)
        powercut_close(p);
    else
        *out = p;
    return e;
}

void powercut_close(struct powercut *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->things_n; i++)
        free(p->things[i].ops);
    free(p->things);
    free(p->ops);
    bytes_free(&p->log);
    free(p);
}

size_t powercut_records(const struct powercut *p)
{
    return p->n;
}

size_t powercut_first(const struct powercut *p)
{
    return powercut_next(p, RECORD_START, 0) + 1;
}

struct powercut_record powercut_record(const struct powercut *p, size_t i)
{
    const struct op *o = &p->ops[i];

    return (struct powercut_record){.kind = o->head.kind,
                                    .flags = o->head.flags,
                                    .pid = o->head.pid,
                                    .ino = o->head.ino,
                                    .at = o->head.at,
                                    .name = name_of(o),
                                    .name2 = name2_of(o),
                                    .data = data_of(o)};
}

size_t powercut_next(const struct powercut *p, enum record_kind kind, size_t from)
{
    while (from < p->n && p->ops[from].head.kind != kind)
        from++;
    return from;
}

enum err powercut_mark(const char *log, struct span what)
{
    struct record_head h = {.magic = RECORD_MAGIC,
                            .kind = RECORD_MARK,
                            .pid = (int32_t)getpid(),
                            .data_len = (uint32_t)what.len};
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct bytes record = {0};
    int fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
    enum err e = fd < 0 ? err_from_errno(errno) : ERR_OK;

    if (e || (e = bytes_append(&record, span_of(&h, sizeof h))) ||
        (e = bytes_append(&record, what)))
        goto out;
    while (fcntl(fd, F_SETLKW, &whole))
        if (errno != EINTR) {
            e = err_from_errno(errno);
            goto out;
        }
    if (write(fd, record.ptr, record.len) != (ssize_t)record.len)
        e = ERR_IO;
out:
    if (fd >= 0)
        close(fd); /* lets go of the lock */
    bytes_free(&record);
    return e;
}

/* --- chance ----------------------------------------------------------------------------------- */

struct chance {
    uint64_t state;
};

static struct chance chance_of(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) ^ (b + 1) * UINT64_C(0xbf58476d1ce4e5b9) ^
                 (c + 1) * UINT64_C(0x94d049bb133111eb);

    return (struct chance){x};
}

/* splitmix64: any state will do, and neighbours have nothing in common */
static uint64_t roll(struct chance *c, uint64_t below)
{
    uint64_t x = c->state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) % below;
}

static bool is_a_hinge(const struct op *o)
{
    enum record_kind k = o->head.kind;

    return names_something(k) || k == RECORD_SYNC || k == RECORD_FRAME || k == RECORD_SEND ||
           (k == RECORD_WRITE && o->head.flags & RECORD_SYNCED);
}

size_t powercut_choose(const struct powercut *p, uint64_t seed, size_t from, size_t to)
{
    struct chance c = chance_of(seed, from, to);
    size_t at = from + (size_t)roll(&c, to - from);

    if (seed % 2 == 0)
        return at;
    while (at + 1 < to && !is_a_hinge(&p->ops[at]))
        at++;
    return at + (at + 1 < to && roll(&c, 2)); /* before it has returned, or just after */
}

/* --- one file --------------------------------------------------------------------------------- */

/* How the unsynced operations on one thing fared. */
enum fate {
    NONE_OF_THEM,
    ALL_OF_THEM,
    EACH_OR_NOT, /* whole or not at all, mostly */
    EACH_SECTOR, /* every sector for itself */
    UP_TO_ONE,   /* the first ones, in order; then one in part */
    LAST_ONES,   /* only the newest: the disk took them first */
    FATES,
};

struct image {
    const struct powercut *p;
    size_t cut;
    uint64_t seed;
    struct powercut_facts facts;
};

static bool is_durable(const struct image *m, const struct op *o)
{
    return o->durable < m->cut && o->durable_too < m->cut;
}

/* A record at the cut was under way; before it, it had returned. */
static bool has_begun(const struct image *m, size_t op)
{
    return op <= m->cut && op < m->p->n;
}

struct draw {
    struct chance chance;
    enum fate fate;
    size_t pending; /* how many unsynced there are */
    size_t line;    /* UP_TO_ONE, LAST_ONES: where it turns */
    size_t seen;
};

static struct draw draw_for(const struct image *m, size_t thing, size_t pending)
{
    struct draw d = {.chance = chance_of(m->seed, m->cut, thing), .pending = pending};

    d.fate = (enum fate)roll(&d.chance, FATES);
    d.line = pending ? (size_t)roll(&d.chance, pending) : 0;
    return d;
}

enum share {
    LOST,
    TORN,
    KEPT
};

/* The next unsynced one, in the order of the records. */
static enum share draw_next(struct draw *d)
{
    size_t i = d->seen++;
    uint64_t r = roll(&d->chance, 8);

    switch (d->fate) {
    case NONE_OF_THEM:
        return LOST;
    case ALL_OF_THEM:
        return KEPT;
    case EACH_OR_NOT:
        return r == 0 ? TORN : r < 5 ? KEPT : LOST;
    case EACH_SECTOR:
        return TORN;
    case UP_TO_ONE:
        return i < d->line ? KEPT : i == d->line ? TORN : LOST;
    default:
        return i < d->line ? LOST : r == 0 ? TORN : KEPT;
    }
}

struct content {
    struct bytes bytes; /* len is the size */
    uint32_t mode;
};

static enum err content_resize(struct content *c, uint64_t size)
{
    struct bytes *b = &c->bytes;
    enum err e;

    if (size > LOG_MAX)
        return ERR_SIZE;
    if (size > b->cap && (e = bytes_reserve(b, (size_t)size - b->len + b->cap / 2)))
        return e;
    if (size > b->len)
        memset(b->ptr + b->len, 0, (size_t)size - b->len);
    b->len = (size_t)size;
    return ERR_OK;
}

static enum err content_put(struct content *c, uint64_t at, struct span data)
{
    enum err e = ERR_OK;

    if (data.len == 0)
        return ERR_OK;
    if (at + data.len > c->bytes.len)
        e = content_resize(c, at + data.len);
    if (!e)
        memcpy(c->bytes.ptr + at, data.ptr, data.len);
    return e;
}

/* Some of its sectors; the file may have grown all the same. */
static enum err content_tear(struct content *c, uint64_t at, struct span data, struct chance *r)
{
    uint64_t end = at + data.len;
    bool some = false, all = true;
    enum err e = ERR_OK;

    if (end > c->bytes.len && roll(r, 4) == 0 && (e = content_resize(c, end)))
        return e;
    for (uint64_t from = at; from < end && !e;) {
        uint64_t to = (from / POWERCUT_SECTOR + 1) * POWERCUT_SECTOR;

        to = to < end ? to : end;
        /* the last one, too: a part is neither nothing nor everything, where it has two sectors */
        bool here = to == end && some == all ? !some : roll(r, 2);

        if (here)
            e = content_put(c, from, span_of(data.ptr + (from - at), (size_t)(to - from)));
        some = some || here;
        all = all && here;
        from = to;
    }
    return e;
}

static enum err content_apply(struct content *c, const struct op *o, enum share share,
                              struct chance *r)
{
    if (share == LOST)
        return ERR_OK;
    if (o->head.kind == RECORD_CHMOD) {
        c->mode = o->head.mode;
        return ERR_OK;
    }
    if (o->head.kind == RECORD_RESIZE)
        return content_resize(c, o->head.at);
    if (share == KEPT)
        return content_put(c, o->head.at, data_of(o));
    return content_tear(c, o->head.at, data_of(o), r);
}

static void count(struct image *m, const struct op *o, enum share share)
{
    if (share == TORN && o->head.kind == RECORD_WRITE)
        m->facts.torn++;
    else if (share == LOST)
        m->facts.lost++;
    else
        m->facts.kept++;
}

static enum err content_of(struct image *m, size_t thing, struct content *c)
{
    const struct thing *t = &m->p->things[thing];
    struct draw d;
    size_t pending = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; i < t->n && has_begun(m, t->ops[i]); i++)
        pending += changes_a_thing(m->p->ops[t->ops[i]].head.kind) &&
                   !is_durable(m, &m->p->ops[t->ops[i]]);
    d = draw_for(m, thing, pending);
    for (size_t i = 0; i < t->n && has_begun(m, t->ops[i]) && !e; i++) {
        const struct op *o = &m->p->ops[t->ops[i]];
        enum share share = KEPT;

        if (!changes_a_thing(o->head.kind))
            continue;
        if (is_durable(m, o)) {
            m->facts.synced++;
        } else {
            share = draw_next(&d);
            if (share == TORN && o->head.kind != RECORD_WRITE)
                share = roll(&d.chance, 2) ? KEPT : LOST;
            count(m, o, share);
        }
        e = content_apply(c, o, share, &d.chance);
    }
    if (!e && t->noise)
        for (size_t i = 0; i < c->bytes.len; i++)
            c->bytes.ptr[i] = (uint8_t)roll(&d.chance, 256);
    return e;
}

/* --- the names -------------------------------------------------------------------------------- */

struct entry {
    size_t dir;
    struct span name;
    size_t thing; /* NONE: free */
};

struct tree {
    struct entry *entries;
    size_t n, cap;
};

static size_t entry_of(const struct tree *t, size_t dir, struct span name)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->entries[i].thing != NONE && t->entries[i].dir == dir &&
            span_equal(t->entries[i].name, name))
            return i;
    return NONE;
}

static enum err tree_set(struct tree *t, size_t dir, struct span name, size_t thing)
{
    size_t i = entry_of(t, dir, name);
    enum err e;

    if (i == NONE) {
        if (thing == NONE)
            return ERR_OK;
        for (i = 0; i < t->n && t->entries[i].thing != NONE; i++)
            ;
        if (i == t->n) {
            if ((e = grow(&t->entries, &t->cap, t->n, sizeof *t->entries)))
                return e;
            t->n++;
        }
    }
    t->entries[i] = (struct entry){dir, name, thing};
    return ERR_OK;
}

static enum err tree_apply(struct tree *t, const struct op *o)
{
    enum err e;

    switch ((enum record_kind)o->head.kind) {
    case RECORD_CREATE:
    case RECORD_LINK:
        return tree_set(t, o->thing, name_of(o), o->made);
    case RECORD_UNLINK:
        return tree_set(t, o->thing, name_of(o), NONE);
    default:
        e = tree_set(t, o->thing, name_of(o), NONE);
        return e ? e : tree_set(t, o->other == NONE ? o->thing : o->other, name2_of(o), o->made);
    }
}

/* All directories together: names depend on each other. */
static enum err tree_of(struct image *m, struct tree *t)
{
    const struct powercut *p = m->p;
    size_t pending = 0;
    enum err e = ERR_OK;
    struct draw d;

    for (size_t i = 0; i < p->n && has_begun(m, i); i++)
        pending += names_something(p->ops[i].head.kind) && !is_durable(m, &p->ops[i]);
    d = draw_for(m, NONE, pending);
    for (size_t i = 0; i < p->n && has_begun(m, i) && !e; i++) {
        const struct op *o = &p->ops[i];
        enum share share = KEPT;

        if (!names_something(o->head.kind))
            continue;
        if (is_durable(m, o)) {
            m->facts.synced++;
        } else {
            share = draw_next(&d);
            if (share == TORN)
                share = roll(&d.chance, 2) ? KEPT : LOST;
            count(m, o, share);
            *(share == KEPT ? &m->facts.names_kept : &m->facts.names_lost) += 1;
        }
        if (share == KEPT)
            e = tree_apply(t, o);
    }
    return e;
}

/* --- onto the disk ---------------------------------------------------------------------------- */

static enum err write_sparse(int fd, struct span s)
{
    static const uint8_t zeros[HOLE];

    for (size_t at = 0; at < s.len; at += HOLE) {
        size_t n = s.len - at < HOLE ? s.len - at : HOLE;

        if (memcmp(s.ptr + at, zeros, n) == 0)
            continue;
        if (pwrite(fd, s.ptr + at, n, (off_t)at) != (ssize_t)n)
            return ERR_IO;
    }
    return ftruncate(fd, (off_t)s.len) ? err_from_errno(errno) : ERR_OK;
}

static enum err tree_write(struct image *m, const struct tree *t, size_t dir, int at);

static enum err entry_write(struct image *m, const struct tree *t, const struct entry *one, int at)
{
    struct content c = {.mode = m->p->things[one->thing].mode};
    char name[NAME_MAX + 1];
    int fd = -1;
    enum err e;

    snprintf(name, sizeof name, "%.*s", (int)one->name.len, (const char *)one->name.ptr);
    if ((e = content_of(m, one->thing, &c)))
        goto out;
    if (m->p->things[one->thing].folder) {
        if (mkdirat(at, name, 0700) ||
            (fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
            e = err_from_errno(errno);
        else
            e = tree_write(m, t, one->thing, fd);
    } else {
        fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        e = fd < 0 ? err_from_errno(errno) : write_sparse(fd, bytes_span(&c.bytes));
    }
    if (!e && fchmod(fd, c.mode))
        e = err_from_errno(errno);
out:
    if (fd >= 0)
        close(fd);
    bytes_free(&c.bytes);
    return e;
}

static enum err tree_write(struct image *m, const struct tree *t, size_t dir, int at)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < t->n && !e; i++)
        if (t->entries[i].thing != NONE && t->entries[i].dir == dir)
            e = entry_write(m, t, &t->entries[i], at);
    return e;
}

enum err powercut_rebuild(const struct powercut *p, size_t cut, uint64_t seed, const char *into,
                          struct powercut_facts *facts)
{
    struct image m = {.p = p, .cut = cut, .seed = seed};
    struct tree t = {0};
    int fd = -1;
    enum err e;

    if (cut > p->n || cut < powercut_first(p))
        return ERR_RANGE;
    if (mkdir(into, 0700) && errno != EEXIST)
        return err_from_errno(errno);
    fd = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, p->things[0].mode)) {
        e = err_from_errno(errno);
        goto out;
    }
    if ((e = tree_of(&m, &t)) || (e = tree_write(&m, &t, 0, fd)))
        goto out;
    if (facts)
        *facts = m.facts;
out:
    if (fd >= 0)
        close(fd);
    free(t.entries);
    return e;
}
