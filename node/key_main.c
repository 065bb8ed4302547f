/* relais-node key: the node's keys in printed parts, and back (shares.h, serve.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "serve.h"
#include "shares.h"
#include "witness.h"
#include "words.h"

#define PATH_ROOM 4096
#define LINE_ROOM 256
#define DATE_ROOM 16

/* As node.c puts them into node.key. */
static const char *const key_names[SHARE_SECRETS] = {"master", "sign", "curve"};

static int told(const char *what, enum err e, const char *text)
{
    fprintf(stderr, "relais-node key %s : %s [%s]\n", what, text ? text : word_error(e),
            err_name(e));
    return cli_status(e);
}

/* What was typed, or the files given, are no parts that fit. */
static int no_parts(enum err e, const char *text)
{
    (void)told("recover", e, text);
    return EXIT_DATA;
}

/* --- making parts ---------------------------------------------------------------------------- */

/* What a person reads who finds the sheet years later. No line of it begins with a number and a
 * colon but those of the part. */
static enum err sheet_text(const struct node *n, const struct share *s, const char *date,
                           struct bytes *out)
{
    char lines[SHARE_LINES][SHARE_LINE_TEXT];
    enum err e = share_write(s, lines);

    if (!e)
        e = bytes_printf(
            out,
            "RELAIS - CLÉ DE SECOURS D'UN NŒUD\n\n"
            "Part n° %u sur %u.  Il en faut %u pour retrouver la clé.\n\n"
            "Structure  %s\n"
            "Fédération %s\n"
            "Faite le   %s\n"
            "Jeu        %02x%02x%02x%02x%02x%02x%02x%02x (le même sur toutes les parts)\n\n",
            s->number, s->count, s->threshold,
            n->self.joined ? n->self.org_name : "(non raccordée)",
            n->self.joined ? n->self.federation_name : "(non raccordée)", date, s->set[0],
            s->set[1], s->set[2], s->set[3], s->set[4], s->set[5], s->set[6], s->set[7]);
    for (size_t i = 0; i < SHARE_LINES && !e; i++)
        e = bytes_printf(out, "    %s\n", lines[i]);
    seal_wipe(lines, sizeof lines);
    if (e)
        return e;
    return bytes_printf(
        out,
        "\nÀ quoi elle sert.  Si le fichier des clés du nœud (node.key) est perdu, ou sa phrase\n"
        "secrète oubliée, %u parts de ce jeu rendent les clés, et avec elles les dossiers.\n"
        "Moins de %u parts n'apprennent rien à personne.\n\n"
        "À qui la confier.  Une seule part par personne ou par lieu, sous enveloppe fermée et\n"
        "datée. Jamais deux au même endroit, jamais avec une sauvegarde, jamais en photo ni par\n"
        "messagerie. Après l'impression, effacez le fichier.\n\n"
        "Pour s'en servir.  Sur la machine du nœud, service arrêté :\n"
        "    relais-node --dir DOSSIER key recover --output DOSSIER/node.key\n"
        "puis tapez les lignes ci-dessus, part après part. Les espaces et les majuscules ne\n"
        "comptent pas ; les quatre derniers signes de chaque ligne révèlent une faute de frappe.\n"
        "Ensuite « relais-node check » dit si les clés ouvrent bien les dossiers.\n\n"
        "Si une part est perdue ou a été vue.  Refaites un jeu (« key shares »), puis détruisez\n"
        "toutes les parts de celui-ci : tant qu'il en reste assez, elles rendent la même clé.\n",
        s->threshold, s->threshold);
}

static enum err sheet_save(const struct node *n, const struct share *s, const char *date,
                           const char *dir)
{
    char path[PATH_ROOM];
    struct bytes text = {0};
    enum err e;

    if ((size_t)snprintf(path, sizeof path, "%s/part-%u-sur-%u.txt", dir, s->number, s->count) >=
        sizeof path)
        return ERR_SIZE;
    if (!(e = sheet_text(n, s, date, &text)))
        e = file_write_new(path, bytes_span(&text), 0600);
    seal_bytes_free(&text);
    return e;
}

static enum err secrets_of(const struct node *n, struct secret32 *out[SHARE_SECRETS])
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < SHARE_SECRETS && !e; i++)
        e = keyring_get(n->ring, key_names[i], &out[i]);
    return e;
}

static void secrets_free(struct secret32 *s[SHARE_SECRETS])
{
    for (size_t i = 0; i < SHARE_SECRETS; i++)
        secret32_free(s[i]);
}

static enum err shares_save(const struct node *n, unsigned threshold, unsigned count,
                            const char *dir)
{
    struct secret32 *secrets[SHARE_SECRETS] = {0};
    struct share shares[SHARES_MAX];
    char date[DATE_ROOM] = "";
    time_t now_s = (time_t)(node_now_ms(n) / 1000);
    struct tm tm;
    enum err e;

    if (!localtime_r(&now_s, &tm) || !strftime(date, sizeof date, "%d/%m/%Y", &tm))
        return ERR_RANGE;
    if ((e = secrets_of(n, secrets)))
        goto out;
    if ((e = shares_split((const struct secret32 *const *)secrets, threshold, count, &n->entropy,
                          shares)))
        goto out;
    if ((e = dir_make(dir, 0700)))
        goto out;
    for (unsigned i = 0; i < count && !e; i++)
        e = sheet_save(n, &shares[i], date, dir);
out:
    shares_wipe(shares, SHARES_MAX);
    secrets_free(secrets);
    return e;
}

int shares_main(const struct open_flags *flags, unsigned threshold, unsigned count, const char *dir,
                bool as_json)
{
    struct node *n = NULL;
    int lock = -1;
    enum err e;

    if (threshold < SHARE_THRESHOLD_MIN || threshold > count || count > SHARES_MAX)
        return told("shares", ERR_RANGE,
                    "il faut au moins 2 parts pour retrouver la clé, pas plus que de parts "
                    "écrites, et au plus 16 parts ; rien n'a été écrit");
    if (!(e = node_open_flags(flags, &n, &lock)))
        e = shares_save(n, threshold, count, dir);
    node_close(n);
    dir_unlock(&lock);
    if (e == ERR_EXISTS)
        return told("shares", e,
                    "des parts se trouvent déjà dans ce dossier ; rien n'a été remplacé. Donnez un "
                    "autre dossier");
    if (e)
        return told("shares", e, NULL);
    if (as_json)
        printf("{\"threshold\": %u, \"of\": %u}\n", threshold, count);
    else
        printf("%u parts écrites dans « %s » ; il en faut %u pour retrouver la clé. Imprimez "
               "chacune, remettez-la à une personne différente, puis effacez ces fichiers.\n",
               count, dir, threshold);
    return EXIT_DONE;
}

/* --- joining parts --------------------------------------------------------------------------- */

static int line_is_wrong(const char *path, unsigned line, enum err e)
{
    char text[PATH_ROOM + LINE_ROOM];

    if (e == ERR_TEXT_FORM)
        snprintf(text, sizeof text, "« %s » : la ligne %u est mal recopiée ; rien n'a été écrit",
                 path, line);
    else if (e == ERR_FIELD_MISSING)
        snprintf(text, sizeof text, "« %s » : la ligne %u manque ; rien n'a été écrit", path, line);
    else if (e == ERR_EXISTS)
        snprintf(text, sizeof text,
                 "« %s » : la ligne %u s'y trouve deux fois ; une seule part par fichier", path,
                 line);
    else if (e == ERR_CONFLICT)
        snprintf(text, sizeof text, "« %s » mêle les lignes de plusieurs parts", path);
    else if (e == ERR_NOT_FOUND)
        snprintf(text, sizeof text, "« %s » n'existe pas ; rien n'a été écrit", path);
    else
        snprintf(text, sizeof text, "« %s » ne se lit pas ; rien n'a été écrit", path);
    return no_parts(e, text);
}

static int read_files(const json_t *paths, struct share shares[SHARES_MAX], size_t *n)
{
    const json_t *one;
    size_t i;

    json_array_foreach(paths, i, one)
    {
        const char *path = json_string_value(one);
        struct bytes text = {0};
        unsigned line = 0;
        enum err e;

        if (*n == SHARES_MAX)
            return no_parts(ERR_RANGE, "il y a plus de parts qu'un jeu n'en a");
        e = file_read(path, SHARE_SHEET_MAX, &text);
        if (!e)
            e = share_read(bytes_span(&text), &shares[*n], &line);
        seal_bytes_free(&text);
        if (e)
            return line_is_wrong(path, line, e);
        *n += 1;
    }
    return EXIT_DONE;
}

/* Asks for a line until it is right; a program that types gets one try. */
static enum err type_line(size_t part, unsigned number, uint8_t out[SHARE_LINE_BYTES])
{
    char line[LINE_ROOM];
    enum err e;

    do {
        if (isatty(STDIN_FILENO))
            fprintf(stderr, "Part %zu, ligne %u : ", part, number);
        if (!fgets(line, sizeof line, stdin)) {
            e = ERR_FIELD_MISSING;
            break;
        }
        e = share_line_read(number, span_text(line), out);
        if (e)
            fprintf(stderr, "La ligne %u de la part %zu est mal recopiée (24 signes, puis 4).\n",
                    number, part);
    } while (e && isatty(STDIN_FILENO));
    seal_wipe(line, sizeof line);
    return e;
}

static int type_shares(struct share shares[SHARES_MAX], size_t *n)
{
    uint8_t lines[SHARE_LINES][SHARE_LINE_BYTES];
    enum err e = ERR_OK;

    do {
        for (unsigned i = 0; i < SHARE_LINES && !e; i++)
            e = type_line(*n + 1, i + 1, lines[i]);
        if (!e)
            e = share_lines_decode((const uint8_t(*)[SHARE_LINE_BYTES])lines, &shares[*n]);
        if (!e)
            *n += 1;
    } while (!e && *n < shares[0].threshold);
    seal_wipe(lines, sizeof lines);
    if (e == ERR_FIELD_MISSING)
        return no_parts(e, "il manque des lignes ou des parts. Rien n'a été écrit");
    if (e == ERR_CONFLICT)
        return no_parts(e, "ces lignes ne sont pas celles d'une même part. Rien n'a été écrit");
    return e ? no_parts(e, NULL) : EXIT_DONE;
}

static enum err ring_write(const char *output, struct secret32 *secrets[SHARE_SECRETS],
                           struct span passphrase, struct keyfile_cost cost)
{
    struct entropy source = entropy_system();
    struct keyring *ring = NULL;
    enum err e;

    if ((e = keyfile_create(output, passphrase, cost, &source, &ring)))
        return e;
    for (size_t i = 0; i < SHARE_SECRETS && !e; i++)
        e = keyring_add(ring, key_names[i], secrets[i]);
    if (!e)
        e = witness_key_make(ring, &source); /* a restored node retires the old one */
    if (!e)
        e = keyring_save(ring, &source);
    keyring_free(ring);
    return e;
}

static const char *why_not_joined(enum err e)
{
    switch (e) {
    case ERR_FIELD_MISSING:
        return "il manque des parts : chaque feuille dit combien il en faut. Rien n'a été écrit";
    case ERR_CONFLICT:
        return "ces parts ne sont pas du même jeu (le numéro du jeu est sur chaque feuille). Rien "
               "n'a été écrit";
    case ERR_EXISTS:
        return "la même part est là deux fois. Rien n'a été écrit";
    case ERR_OPEN:
        return "une de ces parts n'est pas celle qui a été imprimée : essayez avec d'autres parts "
               "du jeu. Rien n'a été écrit";
    default:
        return NULL;
    }
}

static int recover_from(const struct open_flags *flags, const char *output,
                        const struct share *shares, size_t n, struct keyfile_cost cost)
{
    struct secret32 *secrets[SHARE_SECRETS] = {0};
    struct bytes passphrase = {0};
    enum err e = shares_join(shares, n, secrets);

    if (e)
        return why_not_joined(e) ? no_parts(e, why_not_joined(e)) : told("recover", e, NULL);
    if (!(e = passphrase_read(flags, NULL, true, &passphrase)))
        e = ring_write(output, secrets, bytes_span(&passphrase), cost);
    seal_bytes_free(&passphrase);
    secrets_free(secrets);
    if (e == ERR_EXISTS)
        return told("recover", e, "ce fichier existe déjà ; il n'a pas été remplacé");
    if (e)
        return told("recover", e, NULL);
    printf("Clés retrouvées et écrites dans « %s », sous la nouvelle phrase secrète. Vérifiez "
           "maintenant avec « relais-node check ».\n",
           output);
    return EXIT_DONE;
}

int recover_main(const struct open_flags *flags, const char *output, const json_t *paths,
                 struct keyfile_cost cost)
{
    struct share shares[SHARES_MAX] = {0};
    size_t n = 0;
    int status;
    enum err e = process_begin(flags);

    if (e)
        return told("recover", e, NULL);
    if (access(output, F_OK) == 0)
        return told("recover", ERR_EXISTS, "ce fichier existe déjà ; il n'a pas été remplacé");
    status = json_array_size(paths) ? read_files(paths, shares, &n) : type_shares(shares, &n);
    if (status == EXIT_DONE)
        status = recover_from(flags, output, shares, n, cost);
    shares_wipe(shares, SHARES_MAX);
    return status;
}
