/* relais-hub: the daemon and, as another process, the commands that operate it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cli.h"
#include "core.h"
#include "file.h"
#include "identity.h"
#include "registrar.h"
#include "serve.h"
#include "upkeep.h"

static const char *const hub_files[] = {"", "hub.key", NULL};
static const char *const registrar_files[] = {"", "registrar.key", NULL};

/* A directory without hub.key is most often another directory than was meant. */
static int keys_refused(const struct cli *c, enum err e)
{
    if (e == ERR_NOT_FOUND)
        return cli_refuse(c, e, EXIT_REFUSED,
                          "aucun hub dans %s (hub.key y manque) : vérifiez --dir, ou créez-en un "
                          "(« relais-hub init »)",
                          c->dir);
    return cli_error_keys(c, e, hub_files);
}

static int run_serve(struct cli *c)
{
    struct bytes passphrase = {0};
    struct hub_conf conf;
    int status;
    enum err e;

    if ((status = cli_conf(c, &conf)) ||
        (status = cli_passphrase(c, conf.passphrase_file, &passphrase)))
        return status;
    if (!c->allow_core) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        prctl(PR_SET_DUMPABLE, 0);
    }
    e = hub_serve(c->dir, &conf, bytes_span(&passphrase));
    seal_bytes_free(&passphrase);
    if (!e)
        return EXIT_SUCCESS;
    keys_refused(c, e);
    return EXIT_FAILURE;
}

static int run_clock(struct cli *c)
{
    const char *word = cli_argument(c, 0);

    if (!word || strcmp(word, "confirm") != 0)
        return cli_usage(c, "clock confirm");
    return cli_ask(c, "clock.confirm", NULL, NULL, json_object());
}

static int run_check(struct cli *c)
{
    struct bytes passphrase = {0};
    struct identity *id = NULL;
    struct hub_conf conf;
    int status;
    enum err e;

    if ((status = cli_conf(c, &conf)) ||
        (status = cli_passphrase(c, conf.passphrase_file, &passphrase)))
        return status;
    if ((e = seal_init()) == ERR_OK)
        e = identity_open(c->dir, bytes_span(&passphrase), &id);
    seal_bytes_free(&passphrase);
    if (e)
        return keys_refused(c, e);
    printf(c->json ? "{\"federation\":\"%.*s\"}\n"
                   : "Configuration et clés en ordre : fédération %.*s.\n",
           (int)id->name.len, (const char *)id->name.ptr);
    identity_close(id);
    return EXIT_SUCCESS;
}

/* At most nine digits: what is mistyped must not become 0. */
static bool number_given(const char *text, uint64_t *out)
{
    size_t n = strspn(text, "0123456789");

    *out = n > 0 && n < 10 ? strtoull(text, NULL, 10) : 0;
    return n > 0 && n < 10 && !text[n];
}

static int print_object(const struct cli *c, json_t *o)
{
    if (!o || json_dumpf(o, stdout, 0)) {
        json_decref(o);
        return cli_error(c, ERR_NOMEM);
    }
    printf("\n");
    json_decref(o);
    return EXIT_SUCCESS;
}

static int run_init(struct cli *c)
{
    struct identity_plan plan = {.name = cli_option(c, "name", "")};
    const char *mode = cli_option(c, "mode", "real");
    struct bytes passphrase = {0};
    struct entropy entropy = entropy_system();
    uint64_t epoch;
    int status;
    enum err e;

    plan.mode = strcmp(mode, "exercise") == 0 ? MODE_EXERCISE : MODE_REAL;
    if (plan.mode == MODE_REAL && strcmp(mode, "real") != 0)
        return cli_usage(c, "--mode attend real ou exercise ; rien n'a été créé");
    if (!number_given(cli_option(c, "emergency-delay", "86400"), &plan.emergency_delay_s) ||
        !number_given(cli_option(c, "epoch", cli_year()), &epoch))
        return cli_usage(c, "--emergency-delay attend un nombre de secondes, --epoch un nombre ; "
                            "rien n'a été créé");
    plan.epoch = (uint32_t)epoch;
    if ((e = hex_read_fixed(plan.registrar.b, KEY_BYTES,
                            span_text(cli_option(c, "registrar", "")))))
        return cli_usage(c, "--registrar attend la clé publique du registraire (64 chiffres "
                            "hexadécimaux), que « registrar init » affiche");
    if (!identity_name_ok(plan.name))
        return cli_refuse(
            c, ERR_FIELD_VALUE, EXIT_INPUT,
            "--name attend un nom en minuscules sans accent, chiffres, points et tirets, "
            "comme dac34.example.org ; il restera celui de la fédération. Rien n'a "
            "été créé");
    if ((status = cli_passphrase(c, "", &passphrase)))
        return status;
    if ((e = seal_init()) || (e = dir_make(c->dir, 0700)))
        return cli_error(c, e);
    e = identity_make(c->dir, &plan, bytes_span(&passphrase), cli_cost(c), &entropy);
    seal_bytes_free(&passphrase);
    if (e)
        return cli_error(c, e);
    if (c->json)
        return print_object(
            c, json_pack("{s:s,s:s,s:s}", "dir", c->dir, "federation", plan.name, "mode", mode));
    printf("Hub créé dans %s. Réglez %s/hub.conf, puis : « relais-hub --dir %s check », et "
           "« serve ».\n",
           c->dir, c->dir, c->dir);
    return EXIT_SUCCESS;
}

static int registrar_init(struct cli *c)
{
    struct bytes passphrase = {0};
    struct entropy entropy = entropy_system();
    struct bytes hex = {0};
    struct sign_public pk;
    int status;
    enum err e;

    if ((status = cli_passphrase(c, "", &passphrase)))
        return status;
    if ((e = seal_init()) || (e = dir_make(c->dir, 0700)))
        return cli_error(c, e);
    e = registrar_make(c->dir, bytes_span(&passphrase), cli_cost(c), &entropy, &pk);
    seal_bytes_free(&passphrase);
    if (e || (e = hex_write(&hex, SPAN_OF(pk.b))))
        return cli_error(c, e);
    status = EXIT_SUCCESS;
    if (c->json)
        status = print_object(c, json_pack("{s:s,s:s}", "dir", c->dir, "key", (char *)hex.ptr));
    else
        printf("%s\n", (const char *)hex.ptr);
    bytes_free(&hex);
    return status;
}

static int registrar_sign_file(struct cli *c)
{
    const struct request_names names = registrar_names(c->dir);
    const char *path = cli_argument(c, 0);
    struct bytes passphrase = {0}, request = {0}, signature = {0}, text = {0};
    char out[SERVE_PATH_MAX];
    int status = EXIT_SUCCESS;
    enum err e;

    if (!path)
        return cli_usage(c, "registrar sign FICHIER");
    snprintf(out, sizeof out, "%s.sig", path);
    if ((e = seal_init()) || (e = file_read(path, ARMOUR_TEXT_MAX, &request)) ||
        (e = request_describe(bytes_span(&request), &names, &text))) {
        status = cli_error_at(c, e, path);
        goto out;
    }
    if (!c->json)
        fprintf(stderr, "%s", (const char *)text.ptr);
    if ((status = cli_passphrase(c, "", &passphrase)))
        goto out;
    e = registrar_sign(c->dir, bytes_span(&passphrase), bytes_span(&request), &signature);
    if (e == ERR_EXISTS)
        status =
            cli_refuse(c, e, EXIT_REFUSED,
                       "vous avez déjà signé pour cette organisation, ou ce nœud, sous un autre "
                       "nom (%s/organisations) ; rien n'est signé. Faites-vous dire pourquoi",
                       c->dir);
    else if (e)
        status = cli_error_keys(c, e, registrar_files);
    else if ((e = file_write_atomic(out, bytes_span(&signature), 0600)))
        status = cli_error_at(c, e, out);
    else if (c->json)
        status = print_object(c, json_pack("{s:s,s:s}", "path", out, "act", (char *)text.ptr));
    else
        printf("%s\n", out);
out:
    seal_bytes_free(&passphrase);
    bytes_free(&request);
    bytes_free(&signature);
    bytes_free(&text);
    return status;
}

static int run_registrar(struct cli *c)
{
    const char *what = cli_argument(c, 0);

    cli_shift(c);
    if (what && strcmp(what, "init") == 0)
        return registrar_init(c);
    if (what && strcmp(what, "sign") == 0)
        return registrar_sign_file(c);
    return cli_usage(c, "registrar init | registrar sign FICHIER");
}

/* clang-format off */
static const struct cli_command commands[] = {
    {"init",      run_init,       "--name NOM --registrar CLE [--mode real|exercise] [--epoch ANNEE] [--emergency-delay S] : crée les clés du hub"},
    {"registrar", run_registrar,  "init | sign FICHIER : le registraire, sur sa machine hors réseau"},
    {"serve",     run_serve,      "le service"},
    {"check",     run_check,      "vérifie configuration et clés, ne démarre rien"},
    {"status",    cli_remote,     "état du hub"},
    {"log",       cli_remote,     "[--last N] : fin du journal d'audit et tête signée"},
    {"invite",    cli_invite,     "--name NOM --kind dac|essms|hopital|urgence|mdph|liberal|autre --output FICHIER [--founder] [--org ID] [--national-id N] [--territory T] [--services A,B] [--hours N] : prépare une invitation"},
    {"org",       cli_org,        "list | approve NOM|INVITATION --fingerprint F [--lost] --output FICHIER | refuse NOM|INVITATION | suspend ORG | resume ORG | revoke ORG [--node NOEUD] | release NOEUD | quota ORG [--messages N] [--bytes TAILLE] [--inflight-messages N] [--inflight-bytes TAILLE] [--log-day TAILLE] [--log-total TAILLE] [--circles-day N] [--circles-total N] [--standard]"},
    {"node",      cli_node,       "allow NOEUD : admet de nouveau un nœud exclu pour ce qu'il faisait tenir en mémoire"},
    {"clock",     run_clock,      "confirm : l'horloge a sauté et elle est juste ; les délais courent de nouveau"},
    {"genesis",   cli_genesis,    "[--operator ORG] --output FICHIER : acte de constitution à faire signer"},
    {"sign-import", cli_import,   "FICHIER... : signatures reçues"},
    {"requests",  cli_remote,     "actes qui attendent des signatures, chacun avec son texte à faire signer"},
    {"backup",    upkeep_backup,  "DOSSIER : sauvegarde, service en marche ou non ; relue avant d'être annoncée"},
    {"restore",   upkeep_restore, "SAUVEGARDE --to DOSSIER : vérifie la sauvegarde et remet le hub dans un dossier neuf"},
    {"fsck",      upkeep_fsck,    "[--against SAUVEGARDE] : relit tout l'entrepôt et nomme ce qui n'est pas intact"},
    {"compact",   upkeep_compact, "service arrêté : rend au disque la place de ce qui a été supprimé"},
    {"witness",   cli_witness,    "set ORG... [--quorum N] --output FICHIER | list : témoins des journaux"},
    {"evidence",  cli_evidence,   "FICHIER FICHIER : la tête qu'un nœud a montrée et que ce hub n'a pas, puis la sienne (« relais-verify histories »)"},
    {"key",       cli_key,        "list | new CLÉ | rotate CLÉ [--lost] [--overlap DURÉE] --output FICHIER | export [--from N] --output FICHIER | remake : les clés du hub (transport, hub, keys-log, audit-log) et d'autres à leur place ; --lost quand l'ancienne est perdue"},
    {"operator",  cli_operator,   "key --output FICHIER | add NOM --key CLÉ | remove NOM | list | confirm ACTE --as FICHIER | accept-restore : personnes qui exploitent le hub ; deux s'accordent sur les actes graves (--as FICHIER signe une commande)"},
    {"trust",     cli_remote,     "clés de confiance, pour relais-verify"},
};
/* clang-format on */

int main(int argc, char **argv)
{
    umask(077);
    return cli_run(argc, argv, commands, sizeof commands / sizeof commands[0]);
}
