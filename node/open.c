/* Opening a node from flags: lock, settings, passphrase (serve.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "bell_rules.h"
#include "care.h"
#include "file.h"
#include "log.h"
#include "loop.h"
#include "serve.h"
#include "words.h"

#define PATH_ROOM 640
#define CHECK_BYTES (UINT64_C(64) << 20) /* 0.1 s */
#define CREDENTIAL "node-passphrase"

/* Nothing of this process may reach a disk by accident. */
static enum err harden(bool allow_core)
{
    struct rlimit none = {0, 0};

    umask(077);
    if (allow_core)
        return ERR_OK;
    if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return ERR_PERMISSION;
    return ERR_OK;
}

/* --- passphrase ---------------------------------------------------------------------------------
 */

static void newline_cut(struct bytes *b)
{
    while (b->len > 0 && (b->ptr[b->len - 1] == '\n' || b->ptr[b->len - 1] == '\r'))
        b->len--;
}

static enum err from_file(const char *path, struct bytes *out)
{
    enum err e = file_read_secret(path, PASSPHRASE_MAX + 2, out);

    if (!e)
        newline_cut(out);
    else
        fprintf(stderr, "relais-node : le fichier « %s » de la phrase de passe n'a pas été lu%s.\n",
                path,
                e == ERR_NOT_FOUND    ? " : il est introuvable"
                : e == ERR_PERMISSION ? " : droits insuffisants, ou ouverts à d'autres (600)"
                                      : "");
    return e;
}

/* The service manager gives a credential as a file in a directory of its own. */
static enum err from_credential(struct bytes *out)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_ROOM];
    enum err e;

    if (!dir || (size_t)snprintf(path, sizeof path, "%s/" CREDENTIAL, dir) >= sizeof path)
        return ERR_NOT_FOUND;
    if (!(e = file_read(path, PASSPHRASE_MAX + 2, out)))
        newline_cut(out);
    return e;
}

static enum err ask(const char *question, struct bytes *out)
{
    char line[PASSPHRASE_MAX + 2] = "";
    struct termios before;
    struct termios silent;
    enum err e = ERR_OK;

    if (tcgetattr(STDIN_FILENO, &before)) {
        fprintf(stderr, "relais-node : pas de terminal pour demander la phrase de passe : donnez "
                        "--passphrase-file FICHIER.\n");
        return ERR_USAGE;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s", question);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) || !fgets(line, sizeof line, stdin))
        e = ERR_PASSPHRASE;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fprintf(stderr, "\n");
    if (!e && !(e = bytes_copy(out, span_text(line))))
        newline_cut(out);
    seal_wipe(line, sizeof line);
    return e;
}

static enum err from_terminal(bool twice, struct bytes *out)
{
    struct bytes again = {0};
    enum err e = ask("Phrase secrète du nœud : ", out);

    if (!e && twice && !(e = ask("Encore une fois : ", &again)) &&
        !span_equal(bytes_span(out), bytes_span(&again)))
        e = ERR_PASSPHRASE;
    seal_bytes_free(&again);
    return e;
}

enum err passphrase_read(const struct open_flags *flags, const struct node_settings *s, bool twice,
                         struct bytes *out)
{
    enum err e;

    if (flags->passphrase_file)
        return from_file(flags->passphrase_file, out);
    if (s && *s->passphrase_file)
        return from_file(s->passphrase_file, out);
    e = from_credential(out);
    return e == ERR_NOT_FOUND ? from_terminal(twice, out) : e;
}

/* --- opening
 * -------------------------------------------------------------------------------------- */

static enum err settings_of(const char *dir, struct node_settings *out)
{
    char path[PATH_ROOM];
    char why[400] = "";
    struct bell_rules *rules = NULL;
    enum err e;

    if ((size_t)snprintf(path, sizeof path, "%s/node.conf", dir) >= sizeof path)
        return ERR_SIZE;
    e = settings_read(path, out, why, sizeof why);
    if (!e)
        e = bell_rules_read(dir, out, &rules, why, sizeof why);
    bell_rules_free(rules);
    if (e)
        fprintf(stderr, "relais-node: %s\n", *why ? why : word_error(e));
    return e;
}

enum err process_begin(const struct open_flags *flags)
{
    enum err e;

    if ((e = loop_signals_block()) || (e = harden(flags->allow_core)))
        return e;
    return seal_init();
}

static bool damaged(void *arg, const char *table, struct span key)
{
    (void)arg;
    (void)key;
    log_limited(LEVEL_ERROR, "store.damaged", "table=%s", table ? table : "page");
    return false;
}

enum err node_open_flags(const struct open_flags *flags, struct node **out, int *lock)
{
    struct node_options o = {.dir = flags->dir,
                             .engine = "lmdb",
                             .clock = clock_system(),
                             .entropy = entropy_system(),
                             .care = &care_hooks,
                             .caps = KEYFILE_CAPS,
                             .check_bytes = CHECK_BYTES,
                             .damaged = damaged};
    struct node_settings s;
    struct bytes passphrase = {0};
    enum log_level level;
    enum err e;

    *lock = -1;
    if ((e = process_begin(flags)) || (e = settings_of(flags->dir, &s)))
        return e;
    if (log_level_read(s.log_level, &level) == ERR_OK)
        log_setup(STDERR_FILENO, level, NULL);
    if ((e = dir_lock(flags->dir, lock)))
        return e;
    if (!(e = passphrase_read(flags, &s, false, &passphrase))) {
        o.passphrase = bytes_span(&passphrase);
        e = node_open(&o, out);
    }
    seal_bytes_free(&passphrase);
    if (e)
        dir_unlock(lock);
    return e;
}

/* --- init
 * ------------------------------------------------------------------------------------------- */

enum err node_init(const struct open_flags *flags, struct keyfile_cost cost)
{
    struct node_options o = {.dir = flags->dir, .entropy = entropy_system()};
    struct bytes passphrase = {0};
    enum err e;

    if ((e = process_begin(flags)))
        return e;
    if (!(e = passphrase_read(flags, NULL, true, &passphrase))) {
        o.passphrase = bytes_span(&passphrase);
        e = node_create(&o, cost);
    }
    seal_bytes_free(&passphrase);
    return e;
}
