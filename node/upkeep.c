#include "upkeep.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attfile.h"
#include "cli.h"
#include "file.h"
#include "fsck.h"
#include "vault.h"
#include "witness.h"
#include "words.h"

#define PATH_ROOM 1200
#define MIB (UINT64_C(1) << 20)

/* What a child is to do: a damaged file can end whoever reads it. */
struct work {
    const struct open_flags *flags;
    const char *from, *to;
    bool as_json;
    int (*run)(const struct work *w);
};

[[gnu::format(printf, 3, 4)]] static int refuse(const struct work *w, enum err e,
                                                const char *format, ...)
{
    char text[PATH_ROOM + 400];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (w->as_json)
        printf("{\"error\": \"%s\", \"code\": %d}\n", err_name(e), (int)e);
    fprintf(stderr, "relais-node : %s (%s)\n", text, err_name(e));
    return e == ERR_CORRUPT ? EXIT_BROKEN : cli_status(e);
}

static int failed(const struct work *w, enum err e, const char *where)
{
    return refuse(w, e, "« %s » : %s", where, word_error(e));
}

static int in_a_child(const struct work *w)
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid < 0)
        return failed(w, ERR_NOMEM, w->flags->dir);
    if (pid == 0) {
        status = w->run(w);
        fflush(stdout);
        _exit(status);
    }
    if (waitpid(pid, &status, 0) != pid)
        return failed(w, ERR_INTERNAL, w->flags->dir);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return refuse(
        w, ERR_CORRUPT,
        "store : le fichier du magasin est abîmé au point d'arrêter qui le lit (signal "
        "%d). N'effacez rien ; restaurez la dernière sauvegarde (« relais-node restore »)",
        WTERMSIG(status));
}

/* --- opening --------------------------------------------------------------------------------- */

static enum err passphrase_of(const struct work *w, const char *dir, struct bytes *out)
{
    struct node_settings s;
    char path[PATH_ROOM];
    char why[400];
    enum err e;

    snprintf(path, sizeof path, "%s/node.conf", dir);
    if ((e = settings_read(path, &s, why, sizeof why)))
        return e;
    return passphrase_read(w->flags, &s, false, out);
}

/* dir: of a node or of a backup. store: where data.mdb lies; NULL: as in a node. */
static void tell(void *arg, const char *table, struct span key, const char *what)
{
    const struct work *w = arg;
    struct bytes hex = {0};

    if (hex_write(&hex, key) == ERR_OK)
        fprintf(w->as_json ? stderr : stdout, "%s %s : %s\n", table,
                hex.ptr ? (const char *)hex.ptr : "", what);
    bytes_free(&hex);
}

static bool damaged(void *arg, const char *table, struct span key)
{
    tell(arg, table ? table : "page", key,
         table ? "la ligne n'est pas celle qui a été écrite"
               : "la page du fichier n'est pas à sa place, ou n'est plus ce qu'elle était");
    return false;
}

/* What is read to be checked is looked at as a whole; beside a daemon, nothing stands still. */
static enum err vault_of(const struct work *w, const char *dir, const char *store,
                         enum store_access access, struct node **out)
{
    struct node_options o = {.dir = dir,
                             .engine = "lmdb",
                             .clock = clock_system(),
                             .entropy = entropy_system(),
                             .caps = KEYFILE_CAPS,
                             .access = access,
                             .store = store,
                             .check_bytes = access == STORE_READ ? UINT64_MAX : 0,
                             .damaged = damaged,
                             .damaged_arg = (void *)(uintptr_t)w};
    struct bytes passphrase = {0};
    enum err e = passphrase_of(w, dir, &passphrase);

    if (!e) {
        o.passphrase = bytes_span(&passphrase);
        e = node_open_vault(&o, out);
    }
    seal_bytes_free(&passphrase);
    return e;
}

/* Of a backup, from its key file alone: its store is not opened before it was verified. */
static enum err key_of(const struct work *w, const char *dir, struct secret32 **out)
{
    struct bytes passphrase = {0};
    struct keyring *ring = NULL;
    char path[PATH_ROOM];
    enum err e = passphrase_of(w, dir, &passphrase);

    snprintf(path, sizeof path, "%s/node.key", dir);
    if (!e && !(e = keyfile_open(path, bytes_span(&passphrase), KEYFILE_CAPS, &ring)))
        e = node_backup_key(ring, out);
    seal_bytes_free(&passphrase);
    keyring_free(ring);
    return e;
}

static int check_told(const struct work *w, struct node *n, struct fsck_result *r)
{
    enum err e = node_fsck(n, tell, (void *)(uintptr_t)w, r);

    if (e == ERR_CORRUPT)
        return refuse(w, e,
                      "%" PRIu64 " défaut(s) sur %" PRIu64 " lignes lues. N'effacez rien ; "
                      "restaurez la dernière sauvegarde (« relais-node restore »)",
                      r->findings, r->rows);
    return e ? failed(w, e, n->dir) : EXIT_DONE;
}

/* --- backup ---------------------------------------------------------------------------------- */

/* They prove themselves: their names are the hashes of what they hold. */
static enum err attachments_copy(const char *from, const char *to)
{
    static const char *const dirs[] = {"attachments", "attachments/out", "attachments/in"};
    char source[PATH_ROOM];
    char target[PATH_ROOM];
    enum err e = ERR_OK;

    for (size_t i = 0; !e && i < sizeof dirs / sizeof dirs[0]; i++) {
        snprintf(source, sizeof source, "%s/%s", from, dirs[i]);
        snprintf(target, sizeof target, "%s/%s", to, dirs[i]);
        e = attfiles_copy(source, target);
    }
    return e;
}

/* Beside the daemon if it runs. */
static enum err copy_all(const struct work *w, struct backup *b)
{
    const char *dir = w->flags->dir;
    struct node *n = NULL;
    int lock = -1;
    enum err e = dir_lock(dir, &lock);

    if (e && e != ERR_LOCKED)
        return e;
    if (!(e = vault_of(w, dir, NULL, e ? STORE_READ_BESIDE : STORE_READ, &n)))
        e = backup_store(b, n->store);
    node_close(n);
    dir_unlock(&lock);
    if (!e)
        e = backup_file(b, dir, "node.conf", false);
    if (!e)
        e = backup_file(b, dir, "notify.conf", false);
    if (!e)
        e = backup_file(b, dir, "node.key", true);
    return e ? e : attachments_copy(dir, w->to);
}

static int seal_backup(const struct work *w, struct backup *b)
{
    struct secret32 *key = NULL;
    struct fsck_result r = {0};
    struct node *n = NULL;
    uint64_t bytes = 0;
    int status;
    enum err e = vault_of(w, w->to, w->to, STORE_READ, &n);

    if (e)
        return failed(w, e, w->to);
    status = check_told(w, n, &r); /* what cannot be restored is no backup */
    if (!status && *r.keys_origin)
        e = backup_log(b, r.keys_origin, r.keys_size, r.keys_root);
    if (!status && !e && !(e = node_backup_key(n->ring, &key)))
        e = backup_end(b, key);
    secret32_free(key);
    node_close(n);
    if (status || e)
        return status ? status : failed(w, e, w->to);
    for (size_t i = 0; i < b->m.file_count; i++)
        bytes += b->m.files[i].bytes;
    printf(w->as_json ? "{\"bytes\": %" PRIu64 ", \"rows\": %" PRIu64 "}\n"
                      : "Sauvegarde faite et relue : %" PRIu64 " octets, %" PRIu64 " lignes.\n"
                        "Elle est chiffrée comme le magasin. Gardez-la hors de cette machine, la "
                        "phrase secrète à part.\n",
           bytes, r.rows);
    return EXIT_DONE;
}

static int run_backup(const struct work *w)
{
    struct backup b;
    char lock[PATH_ROOM];
    int status;
    enum err e;

    if ((e = process_begin(w->flags)) ||
        (e = backup_begin(w->to, "relais-node", clock_now_ms(clock_system()), &b)) ||
        (e = copy_all(w, &b)))
        return e == ERR_EXISTS
                   ? refuse(w, e,
                            "« %s » existe déjà et n'a pas été touché. Rien n'est sauvegardé : "
                            "donnez un dossier nouveau",
                            w->to)
                   : failed(w, e, w->to);
    status = seal_backup(w, &b);
    snprintf(lock, sizeof lock, "%s/lock.mdb", w->to);
    if (unlink(lock) == 0 || status) /* of who looked into the copy */
        return status;
    return EXIT_DONE;
}

int upkeep_backup(const struct open_flags *flags, const char *to, bool as_json)
{
    return in_a_child(
        &(struct work){.flags = flags, .to = to, .as_json = as_json, .run = run_backup});
}

/* --- restore --------------------------------------------------------------------------------- */

static int no_backup(const struct work *w)
{
    return refuse(w, ERR_NOT_FOUND,
                  "« %s » n'est pas une sauvegarde de nœud : un fichier y manque. Rien n'est "
                  "restauré. Vérifiez le nom du dossier",
                  w->from);
}

static int refused_backup(const struct work *w, enum err e, const char *bad)
{
    if (bad)
        return refuse(w, e,
                      "le fichier %s de la sauvegarde %s manque ou a changé : rien n'est restauré. "
                      "Prenez une autre copie",
                      bad, w->from);
    if (e == ERR_FORGED || e == ERR_TEXT_FORM || e == ERR_VERSION)
        return refuse(w, e,
                      "le manifeste de la sauvegarde %s a changé ou n'est pas de ce nœud : rien "
                      "n'est restauré. Prenez une autre copie",
                      w->from);
    if (e == ERR_NOT_FOUND)
        return no_backup(w);
    return failed(w, e, w->from);
}

/* What the hub delivered since the backup is acknowledged, and not here: the hub would refuse a
 * cursor behind its own. A node that knows no hub begins where the hub stands (PROTOCOL.md 11). */
static enum err cursor_forget(struct node *n)
{
    struct txn *t = NULL;
    enum err e;

    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    e = store_del(t, TABLE_META, span_text("hub"));
    if (!e)
        e = store_commit(&t);
    store_abort(&t);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Read to the end, and under a new incarnation: the hub must not take it for the one before. */
static int made_ready(const struct work *w, const char *part)
{
    struct fsck_result r = {0};
    struct node *n = NULL;
    int status = EXIT_DONE;
    enum err e = vault_of(w, part, NULL, STORE_WRITE, &n);

    if (!e)
        status = check_told(w, n, &r);
    if (!e && !status)
        e = store_incarnation_renew(n->store);
    if (!e && !status)
        e = cursor_forget(n);
    if (!e && !status) /* what the old one has cosigned since the backup, nobody here knows */
        e = witness_key_renew(n->ring, &n->entropy);
    node_close(n);
    return e ? failed(w, e, part) : status;
}

static int put_back(const struct work *w, const struct secret32 *key)
{
    char part[PATH_ROOM];
    struct manifest m;
    const char *bad;
    int status;
    enum err e;

    snprintf(part, sizeof part, "%.1024s.restore", w->to);
    if ((e = backup_check(w->from, key, &m, &bad)))
        return refused_backup(w, e, bad);
    if (access(w->to, F_OK) == 0 && rmdir(w->to))
        return refuse(w, ERR_EXISTS,
                      "« %s » n'est pas vide : rien n'est restauré. Donnez un dossier nouveau",
                      w->to);
    e = backup_restore(w->from, &m, part, &bad);
    if (e == ERR_EXISTS && !bad)
        return refuse(w, e,
                      "« %s » est resté d'une restauration interrompue : rien n'est restauré. "
                      "Supprimez ce dossier et recommencez",
                      part);
    if (e)
        return bad ? refused_backup(w, e, bad) : failed(w, e, part);
    if ((e = attachments_copy(w->from, part)))
        return refused_backup(w, e, "attachments");
    if ((status = made_ready(w, part)))
        return status;
    if ((e = backup_place(part, w->to)))
        return failed(w, e, w->to);
    printf(w->as_json ? "{\"restored\": true}\n"
                      : "Nœud restauré. Le hub le verra comme une seconde copie et arrêtera ses "
                        "remises : prévenez\nl'opérateur du hub, qui le libère (« relais-hub org "
                        "release »). Les fiches reçues après la\nsauvegarde n'y sont pas : "
                        "demandez-les de nouveau à leurs expéditeurs.\n");
    return EXIT_DONE;
}

static int run_restore(const struct work *w)
{
    struct secret32 *key = NULL;
    int status;
    enum err e;

    if ((e = process_begin(w->flags)) || (e = key_of(w, w->from, &key)))
        return e == ERR_NOT_FOUND ? no_backup(w) : failed(w, e, w->from);
    status = put_back(w, key);
    secret32_free(key);
    return status;
}

int upkeep_restore(const struct open_flags *flags, const char *from, const char *to, bool as_json)
{
    return in_a_child(&(struct work){
        .flags = flags, .from = from, .to = to, .as_json = as_json, .run = run_restore});
}

/* --- fsck ------------------------------------------------------------------------------------ */

static int fsck_at(const struct work *w, const char *store)
{
    struct fsck_result r = {0};
    struct node *n = NULL;
    int status;
    enum err e = vault_of(w, w->flags->dir, store, STORE_READ, &n);

    if (e == ERR_CORRUPT || e == ERR_IO)
        return refuse(w, ERR_CORRUPT,
                      "store : le magasin ne s'ouvre pas, il est abîmé. N'effacez rien ; restaurez "
                      "la dernière sauvegarde (« relais-node restore »)");
    if (e)
        return failed(w, e, w->flags->dir);
    status = check_told(w, n, &r);
    node_close(n);
    if (!status)
        printf(w->as_json ? "{\"rows\": %" PRIu64 ", \"erased\": %" PRIu64 ", \"keys\": %" PRIu64
                            "}\n"
                          : "Magasin intact : %" PRIu64 " lignes lues, %" PRIu64
                            " de personnes effacées, journal des clés %" PRIu64 " feuilles.\n",
               r.rows, r.erased, r.keys_size);
    return status;
}

/* A store in use is looked at in a copy: what is checked must stand still. */
static int fsck_copy(const struct work *w)
{
    char to[BACKUP_PATH_MAX];
    struct node *n = NULL;
    struct backup b;
    int status;
    enum err e;

    if (!(e = look_aside(w->flags->dir, to)) && !(e = backup_begin(to, "relais-node", 0, &b)) &&
        !(e = vault_of(w, w->flags->dir, NULL, STORE_READ_BESIDE, &n)))
        e = backup_store(&b, n->store);
    node_close(n);
    status = e ? failed(w, e, to) : fsck_at(w, to);
    look_over(to);
    return status;
}

static int run_fsck(const struct work *w)
{
    int lock = -1;
    int status;
    enum err e;

    if ((e = process_begin(w->flags)))
        return failed(w, e, w->flags->dir);
    e = dir_lock(w->flags->dir, &lock);
    if (e == ERR_LOCKED)
        return fsck_copy(w);
    if (e)
        return failed(w, e, w->flags->dir);
    status = fsck_at(w, NULL);
    dir_unlock(&lock);
    return status;
}

int upkeep_fsck(const struct open_flags *flags, bool as_json)
{
    return in_a_child(&(struct work){.flags = flags, .as_json = as_json, .run = run_fsck});
}

/* --- compact --------------------------------------------------------------------------------- */

static int run_compact(const struct work *w)
{
    char where[PATH_ROOM];
    char file[PATH_ROOM + 16];
    struct stat before = {0};
    struct stat after = {0};
    struct node *n = NULL;
    int lock = -1;
    enum err e;

    snprintf(where, sizeof where, "%s/store", w->flags->dir);
    snprintf(file, sizeof file, "%s/" BACKUP_STORE, where);
    if ((e = process_begin(w->flags)) || (e = dir_lock(w->flags->dir, &lock)))
        return failed(w, e, w->flags->dir);
    if (stat(file, &before))
        e = ERR_NOT_FOUND;
    if (!e && !(e = vault_of(w, w->flags->dir, NULL, STORE_READ, &n)))
        e = store_compact(n->store, where);
    node_close(n);
    if (!e && stat(file, &after))
        e = ERR_IO;
    dir_unlock(&lock);
    if (e)
        return failed(w, e, where);
    printf(w->as_json ? "{\"before\": %lld, \"after\": %lld}\n"
                      : "Fichier du magasin : %lld octets avant, %lld après.\n",
           (long long)before.st_size, (long long)after.st_size);
    return EXIT_DONE;
}

int upkeep_compact(const struct open_flags *flags, bool as_json)
{
    return in_a_child(&(struct work){.flags = flags, .as_json = as_json, .run = run_compact});
}
