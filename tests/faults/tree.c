#include "tree.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core.h"
#include "merkle.h"
#include "random.h"

#define LEAF_HASH 32
#define READ_S 60          /* a damaged page may lead back to itself */
#define ENTRY_KEY_BYTES 12 /* epoch u32, index u64 */

enum {
    K_ENTRY,
    A_ENTRY,
    A_SIDE,
    TABLES
};

static const char *const names[TABLES] = {"k_entry", "a_entry", "a_side"};

struct telling {
    struct history *h;
    const char *log;
    uint64_t next;
    uint32_t epoch;
    bool ended;
    uint8_t peak[64][32]; /* roots of the complete subtrees, by level */
};

/* One more leaf joins the complete subtrees; the root folds what is left of them. */
static void push(struct telling *t, const uint8_t leaf[32])
{
    uint8_t at[32];
    unsigned level = 0;

    memcpy(at, leaf, sizeof at);
    for (; t->next >> level & 1; level++)
        merkle_node_hash(t->peak[level], at, at);
    memcpy(t->peak[level], at, sizeof at);
    t->next++;
}

static void root_of(const struct telling *t, uint8_t out[32])
{
    bool first = true;

    for (unsigned level = 0; level < 64; level++) {
        if (!(t->next >> level & 1))
            continue;
        if (first)
            memcpy(out, t->peak[level], 32);
        else
            merkle_node_hash(t->peak[level], out, out);
        first = false;
    }
}

static void root_say(const struct telling *t)
{
    uint8_t root[32];
    char text[65];

    root_of(t, root);
    for (size_t i = 0; i < sizeof root; i++)
        snprintf(text + 2 * i, 3, "%02x", root[i]);
    history_say(t->h, "tree %s %llu %s", t->log, (unsigned long long)t->next, text);
}

static enum err entry_seen(void *arg, struct span key, struct span value)
{
    struct telling *t = arg;
    uint8_t leaf[32];

    if (key.len != ENTRY_KEY_BYTES || value.len < LEAF_HASH)
        return ERR_CORRUPT;
    if (be32_read(key.ptr) != t->epoch && t->next > 0) { /* another log, under the same name */
        if (be64_read(key.ptr + 4) != 0)
            return ERR_CORRUPT;
        t->ended = true;
    }
    t->epoch = be32_read(key.ptr);
    if (t->ended) /* nobody of the load has seen a head of it */
        return ERR_OK;
    if (be64_read(key.ptr + 4) != t->next)
        return ERR_CORRUPT;
    merkle_leaf_hash(span_of(value.ptr + LEAF_HASH, value.len - LEAF_HASH), leaf);
    push(t, leaf);
    root_say(t);
    return ERR_OK;
}

struct naming {
    struct history *h;
    struct txn *t;
    bool any;
    uint32_t epoch;
    uint64_t epochs; /* begun so far: what a later one has accepted comes behind */
};

static uint64_t index_of(const struct naming *n, struct span key)
{
    return n->epochs << PLACE_SHIFT | be64_read(key.ptr + 4);
}

/* Operators sign bytes: an act is its digest. */
static void act_say(const struct naming *n, struct span key, const struct detail *d)
{
    uint8_t digest[32];
    char text[17];

    merkle_leaf_hash(d->about, digest);
    for (size_t i = 0; i < 8; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    history_say(n->h, "act %llu %u %s", (unsigned long long)index_of(n, key), (unsigned)d->code,
                text);
}

/* What the entry is about stands in its side; its type in the entry. */
static enum err side_seen(void *arg, struct span key, struct span value)
{
    struct naming *n = arg;
    uint64_t type, time_ms;
    struct span entry;
    struct detail d;
    uint8_t c[32];
    char mid[2 * ID_BYTES + 1];
    enum err e;

    if (key.len != ENTRY_KEY_BYTES || value.len < SALT_BYTES)
        return ERR_CORRUPT;
    if ((e = store_get(n->t, A_ENTRY, key, &entry)) ||
        (e = entry_decode(span_of(entry.ptr + LEAF_HASH, entry.len - LEAF_HASH), &type, &time_ms,
                          c)) ||
        (e = detail_decode(span_of(value.ptr + SALT_BYTES, value.len - SALT_BYTES), &d)))
        return e;
    if (be32_read(key.ptr) != n->epoch && n->any)
        n->epochs++;
    n->any = true;
    n->epoch = be32_read(key.ptr);
    if (type == AUDIT_OPERATORS)
        act_say(n, key, &d);
    if (!(d.has & RD_KEY(DETAIL_MID)))
        return ERR_OK;
    for (size_t i = 0; i < ID_BYTES; i++)
        snprintf(mid + 2 * i, 3, "%02x", d.mid[i]);
    history_say(n->h, "leaf %llu %llu %s", (unsigned long long)index_of(n, key),
                (unsigned long long)type, mid);
    return ERR_OK;
}

static enum err random_fill(void *arg, uint8_t *out, size_t n)
{
    const struct entropy source = entropy_system();

    (void)arg;
    return entropy_fill(&source, out, n);
}

static enum err tell_here(const char *store_dir, struct history *h)
{
    struct store_options o = {.where = store_dir,
                              .names = names,
                              .n = TABLES,
                              .schema = HUB_SCHEMA,
                              .random_fill = random_fill};
    struct telling keys = {.h = h, .log = "keys"};
    struct telling audit = {.h = h, .log = "audit"};
    struct naming naming = {.h = h};
    struct store *s = NULL;
    struct txn *t = NULL;
    struct span all = {0};
    enum err e;

    if ((e = store_open("lmdb", &o, &s)) || (e = store_begin(s, TXN_READ, &t)))
        goto out;
    naming.t = t;
    if ((e = store_scan(t, K_ENTRY, all, all, SIZE_MAX, entry_seen, &keys)) ||
        (e = store_scan(t, A_ENTRY, all, all, SIZE_MAX, entry_seen, &audit)))
        goto out;
    e = store_scan(t, A_SIDE, all, all, SIZE_MAX, side_seen, &naming);
out:
    store_abort(&t);
    store_close(s);
    return e;
}

/* In a process of its own: what a damaged store makes of its reader stays there. */
enum err tree_tell(const char *store_dir, struct history *h)
{
    int status = 1;
    pid_t pid;

    history_flush(h);
    fflush(NULL);
    if ((pid = fork()) == 0) {
        enum err e;

        alarm(READ_S);
        e = tell_here(store_dir, h);
        history_flush(h);
        _exit(e != ERR_OK);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ERR_OK : ERR_CORRUPT;
}
