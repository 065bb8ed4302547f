/* A hub's directory from outside: backed up under load, put back, checked row by row, compacted. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup.h"
#include "core.h"
#include "file.h"
#include "hub_checks.h"
#include "proctree.h"
#include "random.h"

#define LETTERS 12

static char program[1024];

static void path_at(struct scene *s, const char *name, char out[1200])
{
    const char *dir = hubproc_dir(s->hub);

    snprintf(out, 1200, "%.*s/%s", (int)(strrchr(dir, '/') - dir), dir, name);
}

/* relais-hub on the hub's directory; its exit status, what it said in *said (may be NULL). */
static int hub_says(struct scene *s, const char *const *words, struct bytes *said)
{
    const char *args[16] = {"--dir", hubproc_dir(s->hub), "--passphrase-file",
                            hubproc_passphrase_file(s->hub)};
    size_t n = 4;
    struct bytes out = {0};
    int status;

    while (*words)
        args[n++] = *words++;
    status = hubproc_run(hubproc_program("relais-hub", program), args, &out);
    if (said)
        *said = out;
    else
        bytes_free(&out);
    return status;
}

static bool contains(const struct bytes *text, const char *what)
{
    return memmem(text->ptr, text->len, what, strlen(what)) != NULL;
}

static int backup_to(struct scene *s, const char *to)
{
    const char *const words[] = {"backup", to, NULL};

    return hub_says(s, words, NULL);
}

static int restore_from(struct scene *s, const char *from, const char *to, struct bytes *said)
{
    const char *const words[] = {"restore", from, "--to", to, NULL};

    return hub_says(s, words, said);
}

static int fsck_says(struct scene *s, struct bytes *said)
{
    const char *const words[] = {"fsck", NULL};

    return hub_says(s, words, said);
}

static void letter_to(struct scene *s, size_t from, size_t to)
{
    struct bytes one = {0};

    CHECK_OK(member_letter(s->m[from], s->circle->handle, &s->m[to], 1, SPAN_STR("corps"), &one));
    CHECK_OK(member_put(s->m[from], bytes_span(&one), NULL));
    bytes_free(&one);
}

/* --- backup and restore -------------------------------------------------------------------------
 */

struct comers {
    struct scene *s;
    bool open[SCENE_MEMBERS_MAX];
    size_t told; /* that the hub is recovering */
};

/* A restored hub serves when all have shown what they hold: each asks until it is let in. */
static bool all_are_in(void *arg)
{
    struct comers *x = arg;
    bool all = true;

    for (size_t i = 0; i < x->s->n; i++) {
        enum err e = x->open[i] ? ERR_OK : member_open(x->s->m[i]);

        CHECK(e == ERR_OK || e == ERR_RECOVERING);
        x->open[i] = e == ERR_OK;
        x->told += e == ERR_RECOVERING;
        all = all && x->open[i];
    }
    return all;
}

static void reopen_after_restore(struct scene *s)
{
    static struct comers x;

    x = (struct comers){.s = s};
    for (size_t i = 0; i < s->n; i++)
        member_disconnect(s->m[i]);
    CHECK(crew_until(s->crew, all_are_in, &x, SOON_MS));
    CHECK(x.told > 0);
}

static void a_backup_made_under_load_is_restored_and_delivers(void)
{
    char to[1200], lost[1200];
    const char *args[] = {"--dir", NULL, "--passphrase-file", NULL, "backup", to, NULL};
    struct child backup = {0};
    uint8_t before[64] = {0}, after[64] = {0};
    json_t *data = NULL;
    size_t during = 0;
    int status = -1;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    path_at(&s, "backup", to);
    path_at(&s, "lost", lost);
    member_disconnect(s.m[2]);
    for (int i = 0; i < LETTERS; i++)
        letter_to(&s, 0, 2);
    CHECK_OK(hubproc_command(s.hub, "status", NULL, &data));
    memcpy(before, json_string_value(json_object_get(data, "incarnation")), 32);
    json_decref(data);
    args[1] = hubproc_dir(s.hub);
    args[3] = hubproc_passphrase_file(s.hub);
    CHECK_OK(child_start(&backup, hubproc_program("relais-hub", program), args, NULL, NULL));
    while (child_wait(&backup, 0, &status) == ERR_TIMEOUT) { /* the hub goes on accepting */
        letter_to(&s, 0, 1);
        during++;
    }
    child_drain(&backup);
    child_end(&backup);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0 && during > 0);
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK(rename(hubproc_dir(s.hub), lost) == 0);
    CHECK(restore_from(&s, to, hubproc_dir(s.hub), NULL) == 0);
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(hubproc_command(s.hub, "status", NULL, &data));
    memcpy(after, json_string_value(json_object_get(data, "incarnation")), 32);
    json_decref(data);
    CHECK(memcmp(before, after, 32) != 0); /* it does not pass for the one that went on */
    reopen_after_restore(&s);
    CHECK_OK(member_await(s.m[2], DELIVER_ENVELOPE, LETTERS, SOON_MS));
    scene_close(&s);
}

static void flip(const char *dir, const char *name, off_t at)
{
    char path[1400];
    uint8_t byte;
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    if (at < 0) /* -1: in the middle; -2: in the comment at the end */
        at = at == -1 ? lseek(fd, 0, SEEK_END) / 2 : lseek(fd, 0, SEEK_END) - 4;
    CHECK(pread(fd, &byte, 1, at) == 1);
    byte ^= 1;
    CHECK(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

static void one_changed_byte_and_the_backup_is_refused_by_name(void)
{
    static const struct {
        const char *file;
        off_t at;
        const char *word;
    } rows[] = {
        {"data.mdb", -1, "le fichier data.mdb de la sauvegarde"},
        {"data.mdb", 0,  "le fichier data.mdb de la sauvegarde"},
        {"hub.conf", -2, "le fichier hub.conf de la sauvegarde"},
        {"manifest", 20, "le manifeste de la sauvegarde"       },
        {"manifest", -1, "le manifeste de la sauvegarde"       },
        {"hub.key",  90, "ERR_PASSPHRASE"                      },
    };
    char from[1200], to[1200], path[1400];
    struct bytes said = {0};
    const struct scene_options o = {.conf = "# commentaire\n"};
    struct scene s;

    CHECK_OK(scene_open(&o, &s));
    path_at(&s, "backup", from);
    path_at(&s, "other", to);
    CHECK(backup_to(&s, from) == 0);
    CHECK(backup_to(&s, from) != 0); /* never into what is there */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        flip(from, rows[i].file, rows[i].at);
        if (restore_from(&s, from, to, &said) == 0 || !contains(&said, rows[i].word))
            scene_fail(__FILE__, __LINE__, rows[i].file, (const char *)said.ptr);
        bytes_free(&said);
        CHECK(access(to, F_OK) != 0);
        flip(from, rows[i].file, rows[i].at);
    }
    CHECK(mkdir(to, 0700) == 0);
    snprintf(path, sizeof path, "%s/something", to);
    CHECK_OK(file_write_new(path, SPAN_STR("x"), 0600));
    CHECK(restore_from(&s, from, to, &said) == 1 && contains(&said, "n'est pas vide"));
    bytes_free(&said);
    CHECK(unlink(path) == 0);
    CHECK(restore_from(&s, from, to, NULL) == 0);
    scene_close(&s);
}

static void a_backup_that_was_not_finished_is_none(void)
{
    char from[1200], to[1200], path[1400];
    struct bytes said = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    path_at(&s, "backup", from);
    path_at(&s, "other", to);
    CHECK(backup_to(&s, from) == 0);
    snprintf(path, sizeof path, "%s/manifest", from);
    CHECK(unlink(path) == 0);
    CHECK(restore_from(&s, from, to, &said) == 1 && contains(&said, "introuvable"));
    bytes_free(&said);
    scene_close(&s);
}

/* --- fsck ---------------------------------------------------------------------------------------
 */

enum edit {
    EDIT_FLIP, /* one byte of the value */
    EDIT_DROP,
    EDIT_ADD /* a row that nothing speaks of */
};

struct damage {
    const char *name;
    enum hub_table table;
    enum edit edit;
    size_t at; /* EDIT_FLIP: from the front */
    const char *word;
};

struct first {
    uint8_t key[64], value[70000];
    size_t key_len, value_len;
};

static enum err take_first(void *arg, struct span key, struct span value)
{
    struct first *f = arg;

    CHECK(value.len <= sizeof f->value);
    memcpy(f->key, key.ptr, key.len);
    memcpy(f->value, value.ptr, value.len);
    f->key_len = key.len;
    f->value_len = value.len;
    return ERR_ENOUGH;
}

static void store_edit(struct scene *s, const struct damage *d, struct first *kept, bool undo)
{
    const struct entropy entropy = entropy_system();
    char where[1200];
    struct store *store;
    struct txn *t;
    struct span key, value;

    snprintf(where, sizeof where, "%s/store", hubproc_dir(s->hub));
    CHECK_OK(core_store_open("lmdb", where, STORE_WRITE, 0, NULL, &entropy, &store));
    CHECK_OK(store_begin(store, TXN_WRITE, &t));
    if (!undo) {
        kept->key_len = 0;
        if (d->table == TABLE_ITEM || d->table == TABLE_BODY) { /* the newest is an envelope */
            CHECK_OK(store_last(t, (int)d->table, &key, &value));
            CHECK_ERR(take_first(kept, key, value), ERR_ENOUGH);
        } else {
            CHECK_OK(store_scan(t, (int)d->table, (struct span){0}, (struct span){0}, 1, take_first,
                                kept));
        }
        CHECK(kept->key_len > 0); /* there is such a row to damage */
    }
    if (d->edit == EDIT_ADD)
        kept->key[0] ^= 0x55;
    key = span_of(kept->key, kept->key_len);
    if (d->edit == EDIT_FLIP || undo == (d->edit == EDIT_DROP)) {
        if (d->edit == EDIT_FLIP) {
            CHECK(d->at < kept->value_len);
            kept->value[d->at] ^= 1;
        }
        CHECK_OK(store_put(t, (int)d->table, key, span_of(kept->value, kept->value_len)));
    } else {
        CHECK_OK(store_del(t, (int)d->table, key));
    }
    if (d->edit == EDIT_ADD)
        kept->key[0] ^= 0x55;
    CHECK_OK(store_commit(&t));
    store_close(store);
}

/* One for each kind of row. A leaf that was edited together with its hash is the trap of
 * tessera#629: proofs from stored hashes still pass, only the raw entries tell. */
static void trap_bit_flip_undetected(void)
{
    static const struct damage rows[] = {
        {"keys leaf",            TABLE_K_ENTRY,  EDIT_FLIP, 40, "k_entry 0000000000000000"},
        {"keys time",            TABLE_K_SIDE,   EDIT_DROP, 0,  "k_entry"                 },
        {"audit leaf",           TABLE_A_ENTRY,  EDIT_FLIP, 36, "a_entry 0000000000000000"},
        {"audit leaf hash",      TABLE_A_ENTRY,  EDIT_FLIP, 0,  "a_entry 0000000000000000"},
        {"audit leaf gone",      TABLE_A_ENTRY,  EDIT_DROP, 0,  "ne s'ouvre pas"          },
        {"detail",               TABLE_A_SIDE,   EDIT_FLIP, 33, "a_side 0000000000000000" },
        {"salt",                 TABLE_A_SIDE,   EDIT_FLIP, 0,  "a_side 0000000000000000" },
        {"detail gone",          TABLE_A_SIDE,   EDIT_DROP, 0,  "a_entry 0000000000000000"},
        {"next number",          TABLE_META,     EDIT_FLIP, 0,  NULL                      },
        {"invitation",           TABLE_INVITE,   EDIT_FLIP, 0,  "invite "                 },
        {"invitation moved",     TABLE_INVITE,   EDIT_ADD,  0,  "invite "                 },
        {"node",                 TABLE_NODE,     EDIT_FLIP, 20, "node "                   },
        {"node added",           TABLE_NODE,     EDIT_ADD,  0,  "node "                   },
        {"item",                 TABLE_ITEM,     EDIT_FLIP, 24, "item "                   },
        {"item gone",            TABLE_ITEM,     EDIT_DROP, 0,  "body "                   },
        {"body",                 TABLE_BODY,     EDIT_FLIP, 60, "item "                   },
        {"body gone",            TABLE_BODY,     EDIT_DROP, 0,  "corps manque"            },
        {"dedupe",               TABLE_SEEN,     EDIT_FLIP, 5,  "seen "                   },
        {"dedupe added",         TABLE_SEEN,     EDIT_ADD,  0,  "seen "                   },
        {"outcome",              TABLE_REPORTED, EDIT_FLIP, 7,  "report "                 },
        {"circle",               TABLE_CIRCLE,   EDIT_FLIP, 7,  "circle "                 },
        {"circle gone",          TABLE_CIRCLE,   EDIT_DROP, 0,  "circle "                 },
        {"circle added",         TABLE_CIRCLE,   EDIT_ADD,  0,  "circle "                 },
        {"chain",                TABLE_CHAIN,    EDIT_FLIP, 30, "chain "                  },
        {"chain without a leaf", TABLE_CHAIN,    EDIT_FLIP, 7,  "chain "                  },
        {"chain gone",           TABLE_CHAIN,    EDIT_DROP, 0,  "chain "                  },
        {"head",                 TABLE_HEAD,     EDIT_ADD,  0,  "head "                   },
    };
    static struct first kept;
    struct bytes said = {0};
    const struct member_item *item = NULL;
    size_t named = 0;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    letter_to(&s, 0, 1);
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 1, SOON_MS));
    for (size_t i = 0; i < member_items(s.m[1]); i++)
        if (member_item(s.m[1], i)->kind == DELIVER_ENVELOPE)
            item = member_item(s.m[1], i);
    CHECK(item);
    CHECK_OK(member_ack_all(s.m[1]));
    CHECK_OK(member_report(s.m[1], item, AUDIT_OPENED, ERR_OK, NULL));
    CHECK_OK(member_ack_all(s.m[0]));
    CHECK_OK(member_ack_all(s.m[1]));
    CHECK_OK(member_ack_all(s.m[2]));
    member_disconnect(s.m[2]);
    letter_to(&s, 0, 2);
    CHECK(fsck_says(&s, &said) == 0); /* beside the running hub */
    bytes_free(&said);
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK(fsck_says(&s, NULL) == 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status;

        store_edit(&s, &rows[i], &kept, false);
        status = fsck_says(&s, &said);
        if (rows[i].word && (status != 5 || !contains(&said, rows[i].word)))
            scene_fail(__FILE__, __LINE__, rows[i].name, (const char *)said.ptr);
        named += status == 5;
        bytes_free(&said);
        store_edit(&s, &rows[i], &kept, true);
    }
    CHECK(named >= sizeof rows / sizeof *rows - 1);
    CHECK(fsck_says(&s, NULL) == 0);
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(scene_reopen(&s));
    serves(&s, 0, 1);
    scene_close(&s);
}

/* The whole log replaced by another that agrees with itself: only what was kept elsewhere tells. */
static void trap_tail_of_the_log_cut(void)
{
    char early[1200], late[1200], old[1200];
    const char *const words[] = {"fsck", "--against", late, NULL};
    struct bytes said = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    path_at(&s, "early", early);
    path_at(&s, "late", late);
    path_at(&s, "old", old);
    CHECK(backup_to(&s, early) == 0);
    letter_to(&s, 0, 1);
    CHECK(backup_to(&s, late) == 0);
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK(hub_says(&s, words, NULL) == 0);
    CHECK(rename(hubproc_dir(s.hub), old) == 0);
    CHECK(restore_from(&s, early, hubproc_dir(s.hub), NULL) == 0);
    CHECK(fsck_says(&s, NULL) == 0);
    CHECK(hub_says(&s, words, &said) == 5 && contains(&said, "plus court"));
    bytes_free(&said);
    scene_close(&s);
}

/* --- a damaged file ------------------------------------------------------------------------------
 */

/* mosquitto#3160: a corrupt file and no start, without a word. Ours says what to do. */
static void trap_corrupt_file_and_no_start(void)
{
    const char *const serve[] = {"serve", NULL};
    struct bytes said = {0};
    char path[1200];
    struct stat st;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(hubproc_stop(s.hub, NULL));
    snprintf(path, sizeof path, "%s/store/data.mdb", hubproc_dir(s.hub));
    CHECK(stat(path, &st) == 0 && truncate(path, st.st_size / 2 / 4096 * 4096) == 0);
    if (hub_says(&s, serve, &said) == 0)
        scene_fail(__FILE__, __LINE__, "serve", (const char *)said.ptr);
    CHECK(contains(&said, "relais-hub fsck") && contains(&said, "relais-hub restore"));
    bytes_free(&said);
    CHECK(fsck_says(&s, &said) == 5 && contains(&said, "relais-hub restore"));
    bytes_free(&said);
    scene_close(&s);
}

/* Whatever a page holds, the check ends with a sentence: 0 is impossible where it reads a page
 * that says nonsense, and a signal is told as a finding. */
static void pages_of_nonsense_are_found_and_never_the_end_of_the_check(void)
{
    static const uint8_t nonsense[4096] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct bytes said = {0};
    char path[1200];
    size_t found = 0;
    off_t pages;
    struct stat st;
    struct scene s;
    int fd;

    CHECK_OK(scene_open(NULL, &s));
    letter_to(&s, 0, 1);
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK(fsck_says(&s, NULL) == 0);
    snprintf(path, sizeof path, "%s/store/data.mdb", hubproc_dir(s.hub));
    fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    pages = st.st_size / 4096;
    for (off_t page = 2; page < pages; page += pages / 24 + 1) {
        uint8_t before[4096];
        int status;

        CHECK(pread(fd, before, sizeof before, page * 4096) == sizeof before);
        CHECK(pwrite(fd, nonsense, sizeof nonsense, page * 4096) == sizeof nonsense);
        status = fsck_says(&s, &said);
        CHECK(status == 0 || status == 5); /* 0: a page that is free */
        if (status && !contains(&said, "relais-hub restore"))
            scene_fail(__FILE__, __LINE__, "fsck", (const char *)said.ptr);
        found += status == 5;
        bytes_free(&said);
        CHECK(pwrite(fd, before, sizeof before, page * 4096) == sizeof before);
    }
    close(fd);
    CHECK(found > 0);
    CHECK(fsck_says(&s, NULL) == 0);
    scene_close(&s);
}

/* --- compaction
 * ----------------------------------------------------------------------------------- */

static void compaction_gives_the_disk_back_and_keeps_everything(void)
{
    static uint8_t content[100000];
    const char *const compact[] = {"compact", NULL};
    char path[1200];
    struct bytes said = {0};
    struct stat before, after;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    for (size_t i = 1; i <= 40; i++) {
        struct bytes one = {0};

        CHECK_OK(member_letter(s.m[0], s.circle->handle, &s.m[1], 1, SPAN_OF(content), &one));
        CHECK_OK(member_put(s.m[0], bytes_span(&one), NULL));
        CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, i, SOON_MS));
        if (i % 10 == 0)
            CHECK_OK(member_ack_all(s.m[1])); /* within its credit */
        bytes_free(&one);
    }
    member_disconnect(s.m[2]);
    letter_to(&s, 0, 2);
    CHECK(hub_says(&s, compact, &said) == 1); /* not under the daemon */
    bytes_free(&said);
    CHECK_OK(hubproc_stop(s.hub, NULL));
    snprintf(path, sizeof path, "%s/store/data.mdb", hubproc_dir(s.hub));
    CHECK(stat(path, &before) == 0);
    CHECK(hub_says(&s, compact, NULL) == 0);
    CHECK(stat(path, &after) == 0);
    CHECK(after.st_size < before.st_size / 2);
    CHECK(fsck_says(&s, NULL) == 0);
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(scene_reopen(&s));
    CHECK_OK(member_await(s.m[2], DELIVER_ENVELOPE, 1, SOON_MS));
    scene_close(&s);
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(a_backup_made_under_load_is_restored_and_delivers),
        TEST(one_changed_byte_and_the_backup_is_refused_by_name),
        TEST(a_backup_that_was_not_finished_is_none),
        TEST(trap_bit_flip_undetected),
        TEST(trap_tail_of_the_log_cut),
        TEST(trap_corrupt_file_and_no_start),
        TEST(pages_of_nonsense_are_found_and_never_the_end_of_the_check),
        TEST(compaction_gives_the_disk_back_and_keeps_everything),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
