#include "upkeep.h"
#include "attfile.h"
#include "recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "fsck.h"
#include "identity.h"

#define PATH_ROOM (SERVE_PATH_MAX + 64)
#define MIB (UINT64_C(1) << 20)

static const char *const hub_files[] = {"", KEYFILE_NAME, NULL};

struct opened {
    struct identity *id;
    struct secret32 *key;
    struct entropy entropy;
};

static void opened_close(struct opened *o)
{
    secret32_free(o->key);
    identity_close(o->id);
    *o = (struct opened){0};
}

/* Keys and settings of `dir`, which is a hub's directory or a backup of one. */
static int keys_open(const struct cli *c, const char *dir, struct opened *out)
{
    struct bytes passphrase = {0};
    struct cli there = *c;
    struct hub_conf conf;
    int status;
    enum err e;

    *out = (struct opened){.entropy = entropy_system()};
    there.dir = dir;
    if ((status = cli_conf(&there, &conf)) ||
        (status = cli_passphrase(&there, conf.passphrase_file, &passphrase)))
        return status;
    if ((e = seal_init()) == ERR_OK && !(e = identity_open(dir, bytes_span(&passphrase), &out->id)))
        e = identity_backup_key(out->id, &out->key);
    seal_bytes_free(&passphrase);
    if (!e)
        return EXIT_SUCCESS;
    opened_close(out);
    return cli_error_keys(&there, e, hub_files);
}

/* --- reading a whole store ------------------------------------------------------------------- */

struct telling {
    const struct cli *c;
    json_t *list;
};

static void tell(void *arg, const char *table, struct span key, const char *what)
{
    struct telling *t = arg;
    struct bytes hex = {0};
    const char *where = key.len > 0 && hex_write(&hex, key) == ERR_OK ? (const char *)hex.ptr : "";

    if (!t->c->json)
        printf("%s %s : %s\n", table, where, what);
    else if (json_array_append_new(
                 t->list, json_pack("{s:s,s:s,s:s}", "table", table, "key", where, "what", what)))
        fprintf(stderr, "relais-hub : %s %s\n", table, where);
    bytes_free(&hex);
}

static enum err check(const struct cli *c, const struct opened *o, const char *where,
                      const struct manifest *against, struct fsck_result *r, json_t *list)
{
    struct telling t = {c, list};
    const struct fsck_options options = {.where = where,
                                         .identity = o->id,
                                         .entropy = &o->entropy,
                                         .access = STORE_READ,
                                         .against = against,
                                         .found = tell,
                                         .arg = &t};

    return hub_fsck(&options, r);
}

static int check_told(const struct cli *c, const struct opened *o, const char *where,
                      const struct manifest *against)
{
    struct fsck_result r = {0};
    json_t *list = json_array();
    enum err e = check(c, o, where, against, &r, list);

    if (c->json) {
        json_t *answer = json_pack("{s:I,s:I,s:o}", "rows", (json_int_t)r.rows, "findings",
                                   (json_int_t)r.findings, "list", list);

        json_dumpf(answer, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(answer);
    } else {
        json_decref(list);
    }
    if (e == ERR_CORRUPT)
        return cli_refuse(c, e, EXIT_BROKEN,
                          "%" PRIu64 " défaut(s) sur %" PRIu64 " lignes lues. N'effacez rien ; "
                          "restaurez la dernière sauvegarde (« relais-hub restore »)",
                          r.findings, r.rows);
    if (e)
        return cli_error(c, e);
    if (!c->json)
        printf("Entrepôt intact : %" PRIu64 " lignes lues, journal des clés %" PRIu64
               " feuilles, journal d'audit %" PRIu64 ".\n",
               r.rows, r.logs[0].size, r.logs[1].size);
    return EXIT_SUCCESS;
}

/* A damaged file can end whoever reads it: that is a finding too, told by the parent. */
static int in_a_child(const struct cli *c, int (*run)(const struct cli *c))
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid < 0)
        return cli_error(c, ERR_NOMEM);
    if (pid == 0) {
        status = run(c);
        fflush(stdout);
        _exit(status);
    }
    if (waitpid(pid, &status, 0) != pid)
        return cli_error(c, ERR_INTERNAL);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return cli_refuse(c, ERR_CORRUPT, EXIT_BROKEN,
                      "store : le fichier de l'entrepôt est abîmé au point d'arrêter qui le lit "
                      "(signal %d). N'effacez rien ; restaurez la dernière sauvegarde "
                      "(« relais-hub restore »)",
                      WTERMSIG(status));
}

/* --- backup ---------------------------------------------------------------------------------- */

/* Beside the daemon if it runs. */
static enum err snapshot(const struct cli *c, const struct opened *o, struct backup *b)
{
    char where[PATH_ROOM];
    struct store *s = NULL;
    int lock = -1;
    enum err e = dir_lock(c->dir, &lock);

    if (e && e != ERR_LOCKED)
        return e;
    snprintf(where, sizeof where, "%s/store", c->dir);
    e = core_store_open("lmdb", where, e ? STORE_READ_BESIDE : STORE_READ, 0, NULL, &o->entropy,
                        &s);
    if (!e)
        e = backup_store(b, s);
    store_close(s);
    dir_unlock(&lock);
    return e;
}

/* They prove themselves: their names are the hashes of what they hold. */
static enum err attachments_copy(const char *from, const char *to)
{
    char source[SERVE_PATH_MAX + 32];
    char target[SERVE_PATH_MAX + 32];

    snprintf(source, sizeof source, "%.*s/attachments", SERVE_PATH_MAX, from);
    snprintf(target, sizeof target, "%.*s/attachments", SERVE_PATH_MAX, to);
    return attfiles_copy(source, target);
}

static enum err backup_files(const struct cli *c, struct backup *b)
{
    enum err e;

    if ((e = attachments_copy(c->dir, b->to)) || (e = backup_file(b, c->dir, "hub.conf", false)) ||
        (e = backup_file(b, c->dir, FEDERATION_FILE, true)))
        return e;
    return backup_file(b, c->dir, KEYFILE_NAME, true);
}

static void backup_told(const struct cli *c, const struct backup *b, const struct fsck_result *r)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < b->m.file_count; i++)
        bytes += b->m.files[i].bytes;
    if (c->json)
        printf("{\"backup\":\"%s\",\"bytes\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"keys\":%" PRIu64
               ",\"audit\":%" PRIu64 "}\n",
               b->to, bytes, r->rows, r->logs[0].size, r->logs[1].size);
    else
        printf("Sauvegarde faite et relue dans %s : %" PRIu64 " Mio, %" PRIu64
               " lignes, journal des clés %" PRIu64 " feuilles, journal d'audit %" PRIu64 ".\n"
               "Gardez-la hors de cette machine, avec la phrase de passe à part.\n",
               b->to, (bytes + MIB - 1) / MIB, r->rows, r->logs[0].size, r->logs[1].size);
}

static int run_backup(const struct cli *c)
{
    const char *to = cli_argument(c, 0);
    struct fsck_result r = {0};
    struct opened o = {0};
    struct backup b;
    json_t *list = json_array();
    int status;
    enum err e;

    if ((status = keys_open(c, c->dir, &o)))
        goto out;
    if ((e = backup_begin(to, "relais-hub", clock_now_ms(clock_system()), &b)) ||
        (e = snapshot(c, &o, &b)) || (e = backup_files(c, &b))) {
        status = cli_error_at(c, e, to);
        goto out;
    }
    if ((e = check(c, &o, to, NULL, &r, list))) { /* what cannot be restored is no backup */
        status = cli_refuse(c, e, EXIT_BROKEN,
                            "la copie ne se relit pas : la sauvegarde de %s n'est pas faite. "
                            "Lancez « relais-hub fsck »",
                            to);
        goto out;
    }
    for (int i = 0; i < 2 && !e; i++)
        e = backup_log(&b, r.logs[i].origin, r.logs[i].size, r.logs[i].root);
    if (!e)
        e = backup_end(&b, o.key);
    if (e)
        status = cli_error_at(c, e, to);
    else
        backup_told(c, &b, &r);
out:
    json_decref(list);
    opened_close(&o);
    return status;
}

int upkeep_backup(struct cli *c)
{
    if (!cli_argument(c, 0))
        return cli_usage(c, "backup DOSSIER (nouveau ou vide)");
    return in_a_child(c, run_backup);
}

/* --- restore --------------------------------------------------------------------------------- */

static int refused_backup(const struct cli *c, enum err e, const char *from, const char *bad)
{
    if (bad)
        return cli_refuse(c, e, EXIT_REFUSED,
                          "le fichier %s de la sauvegarde %s manque ou a changé : rien n'est "
                          "restauré. Prenez une autre copie",
                          bad, from);
    if (e == ERR_FORGED || e == ERR_TEXT_FORM || e == ERR_VERSION)
        return cli_refuse(c, e, EXIT_REFUSED,
                          "le manifeste de la sauvegarde %s a changé ou n'est pas de ce hub : rien "
                          "n'est restauré. Prenez une autre copie",
                          from);
    return cli_error_at(c, e, from);
}

/* A hub put back must not be taken for the one that went on: nodes see a new incarnation. */
static enum err renew(const struct opened *o, const char *part)
{
    char where[PATH_ROOM + 8];
    struct store *s = NULL;
    enum err e;

    snprintf(where, sizeof where, "%s/store", part);
    if (!(e = core_store_open("lmdb", where, STORE_WRITE, 0, NULL, &o->entropy, &s)))
        e = restore_mark(s);
    store_close(s);
    return e;
}

static int restore_into(const struct cli *c, const struct opened *o, const char *from,
                        const char *to)
{
    char part[PATH_ROOM];
    char where[PATH_ROOM + 8];
    struct manifest m;
    const char *bad;
    int status;
    enum err e;

    snprintf(part, sizeof part, "%.*s.restore", SERVE_PATH_MAX, to);
    snprintf(where, sizeof where, "%s/store", part);
    if ((e = backup_check(from, o->key, &m, &bad)))
        return refused_backup(c, e, from, bad);
    if (access(to, F_OK) == 0 && rmdir(to))
        return cli_refuse(c, ERR_EXISTS, EXIT_REFUSED,
                          "%s n'est pas vide : rien n'est restauré. Donnez un dossier nouveau", to);
    e = backup_restore(from, &m, part, &bad);
    if (e == ERR_EXISTS && !bad)
        return cli_refuse(c, e, EXIT_REFUSED,
                          "%s est resté d'une restauration interrompue : rien n'est restauré. "
                          "Supprimez ce dossier et recommencez",
                          part);
    if (e)
        return bad ? refused_backup(c, e, from, bad) : cli_error_at(c, e, part);
    if ((e = attachments_copy(from, part)))
        return refused_backup(c, e, from, "attachments");
    if ((status = check_told(c, o, where, &m)))
        return status;
    if ((e = renew(o, part)) || (e = backup_place(part, to)))
        return cli_error_at(c, e, to);
    if (!c->json)
        printf("Hub restauré dans %s, sous une nouvelle incarnation. Les nœuds le verront.\n"
               "Ce qu'il a accepté depuis la sauvegarde lui manque. Gardez l'ancien dossier et "
               "lisez la section 5\nd'OPERATIONS.md avant de le démarrer : il attendra que ses "
               "membres disent ce qu'ils détiennent.\n",
               to);
    return EXIT_SUCCESS;
}

static int run_restore(const struct cli *c)
{
    const char *from = cli_argument(c, 0);
    struct opened o = {0};
    char path[SERVE_PATH_MAX + 16];
    int status;

    snprintf(path, sizeof path, "%.*s/manifest", SERVE_PATH_MAX, from);
    if (access(path, F_OK))
        return cli_refuse(c, ERR_NOT_FOUND, EXIT_REFUSED,
                          "sauvegarde introuvable : %s ne contient pas de manifeste. Rien n'est "
                          "restauré ; vérifiez le nom du dossier",
                          from);
    if (!(status = keys_open(c, from, &o)))
        status = restore_into(c, &o, from, cli_option(c, "to", ""));
    opened_close(&o);
    return status;
}

int upkeep_restore(struct cli *c)
{
    if (!cli_argument(c, 0) || !*cli_option(c, "to", ""))
        return cli_usage(c, "restore SAUVEGARDE --to DOSSIER (nouveau ou vide)");
    return in_a_child(c, run_restore);
}

/* --- fsck ------------------------------------------------------------------------------------ */

/* A store in use is looked at in a copy: what is checked must stand still. */
static int fsck_copy(const struct cli *c, const struct opened *o, const struct manifest *against)
{
    char to[BACKUP_PATH_MAX];
    struct backup b;
    int status;
    enum err e;

    if ((e = look_aside(c->dir, to)))
        return cli_error_at(c, e, c->dir);
    if ((e = backup_begin(to, "relais-hub", 0, &b)) || (e = snapshot(c, o, &b)))
        status = cli_error_at(c, e, to);
    else
        status = check_told(c, o, to, against);
    look_over(to);
    return status;
}

static int fsck_one(const struct cli *c, const struct opened *o, const struct manifest *against)
{
    char where[PATH_ROOM];
    int lock = -1;
    int status;
    enum err e = dir_lock(c->dir, &lock);

    if (e == ERR_LOCKED)
        return fsck_copy(c, o, against);
    if (e)
        return cli_error_at(c, e, c->dir);
    snprintf(where, sizeof where, "%s/store", c->dir);
    status = check_told(c, o, where, against);
    dir_unlock(&lock);
    return status;
}

static int run_fsck(const struct cli *c)
{
    const char *from = cli_option(c, "against", NULL);
    struct opened o = {0};
    struct manifest m;
    const char *bad = NULL;
    int status = keys_open(c, c->dir, &o);
    enum err e;

    if (!status && from && (e = backup_check(from, o.key, &m, &bad)))
        status = refused_backup(c, e, from, bad);
    if (!status)
        status = fsck_one(c, &o, from ? &m : NULL);
    opened_close(&o);
    return status;
}

int upkeep_fsck(struct cli *c)
{
    return in_a_child(c, run_fsck);
}

/* --- compact --------------------------------------------------------------------------------- */

static enum err file_bytes(const char *where, uint64_t *out)
{
    char path[PATH_ROOM + 16];
    struct stat st;

    snprintf(path, sizeof path, "%s/" BACKUP_STORE, where);
    if (stat(path, &st))
        return ERR_NOT_FOUND;
    *out = (uint64_t)st.st_size;
    return ERR_OK;
}

static int run_compact(const struct cli *c)
{
    const struct entropy entropy = entropy_system();
    char where[PATH_ROOM];
    struct store *s = NULL;
    uint64_t before = 0;
    uint64_t after = 0;
    int lock = -1;
    enum err e;

    if ((e = seal_init()) || (e = dir_lock(c->dir, &lock)))
        return cli_error(c, e);
    snprintf(where, sizeof where, "%s/store", c->dir);
    if (!(e = file_bytes(where, &before)) &&
        !(e = core_store_open("lmdb", where, STORE_READ, 0, NULL, &entropy, &s)))
        e = store_compact(s, where);
    store_close(s);
    if (!e)
        e = file_bytes(where, &after);
    dir_unlock(&lock);
    if (e)
        return cli_error_at(c, e, where);
    printf(c->json ? "{\"before\":%" PRIu64 ",\"after\":%" PRIu64 "}\n"
                   : "Fichier de l'entrepôt : %" PRIu64 " octets avant, %" PRIu64 " après.\n",
           before, after);
    return EXIT_SUCCESS;
}

int upkeep_compact(struct cli *c)
{
    return in_a_child(c, run_compact);
}
