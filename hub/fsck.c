#include "fsck.h"

#include <stdlib.h>
#include <string.h>

#include "fsck_internal.h"

void fsck_found(struct fsck *f, const char *table, struct span key, const char *what)
{
    if (f->r.findings++ < FSCK_FINDINGS_MAX)
        f->o->found(f->o->arg, table, key, what);
}

static bool damaged(void *arg, const char *table, struct span key)
{
    fsck_found(arg, table ? table : "page", key,
               table ? "la ligne n'est pas celle qui a été écrite"
                     : "la page du fichier n'est pas à sa place, ou n'est plus ce qu'elle était");
    return false;
}

/* A core without threads, mailboxes or a write transaction. */
static enum err parts_open(struct fsck *f)
{
    const struct fsck_options *o = f->o;
    const struct store_look whole = {UINT64_MAX, damaged, f};
    struct core *c = f->c;
    enum err e;

    c->entropy = o->entropy;
    c->clock = clock_system();
    c->id = o->identity;
    c->staged_end = &c->staged;
    if ((e = core_store_open("lmdb", o->where, o->access, 0, &whole, o->entropy, &c->store)))
        return e;
    if ((e = store_incarnation(c->store, f->r.incarnation)))
        return e;
    if ((e = core_logs_open(c)))
        return e;
    if ((e = circles_new(&c->circles)))
        return e;
    if ((e = directory_new(DIRECTORY_LEAF_TIME, o->entropy, &c->dir)))
        return e;
    return store_begin(c->store, TXN_READ, &c->t);
}

static void circles_drop(struct fsck *f)
{
    struct last_of *one;
    struct last_of *next;

    HASH_ITER (hh, f->circles, one, next) {
        HASH_DEL(f->circles, one);
        free(one);
    }
}

enum err hub_fsck(const struct fsck_options *options, struct fsck_result *out)
{
    struct fsck f = {.o = options};
    bool opened = false;
    enum err e = ERR_NOMEM;

    if (!(f.c = calloc(1, sizeof *f.c)))
        return e;
    e = parts_open(&f);
    if (!e) {
        fsck_logs(&f);
        if (!f.failed)
            fsck_tables(&f);
        e = f.failed;
        opened = true;
    }
    if (e == ERR_IO || e == ERR_CORRUPT) { /* pages that make no sense, or a disk that fails */
        fsck_found(&f, "store", (struct span){0},
                   opened ? "des pages du fichier ne se lisent pas"
                          : "l'entrepôt ne s'ouvre pas : il est abîmé");
        e = ERR_OK;
    }
    if (!e && f.r.findings > 0)
        e = ERR_CORRUPT;
    *out = f.r;
    store_abort(&f.c->t);
    circles_drop(&f);
    core_close(f.c);
    return e;
}
