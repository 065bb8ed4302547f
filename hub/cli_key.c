/* relais-hub key: the hub's own keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "file.h"
#include "identity.h"
#include "statement.h"

static const char *const hub_files[] = {"", "hub.key", NULL};

static const char usage[] =
    "key list | key new CLÉ | key rotate CLÉ [--lost] [--overlap DURÉE] --output FICHIER | "
    "key export [--from N] --output FICHIER | key remake ; CLÉ : transport, hub, keys-log, "
    "audit-log";

/* Runs on hub.key while no service does: what it prints on success is its own business. */
static int with_passphrase(struct cli *c, enum err (*work)(struct cli *c, struct span passphrase))
{
    struct bytes passphrase = {0};
    struct hub_conf conf;
    int lock = -1;
    int status;
    enum err e;

    if ((status = cli_conf(c, &conf)))
        return status;
    if ((e = seal_init()) || (e = dir_lock(c->dir, &lock)))
        return cli_error(c, e);
    if (!(status = cli_passphrase(c, conf.passphrase_file, &passphrase)) &&
        (e = work(c, bytes_span(&passphrase))))
        status = cli_error_keys(c, e, hub_files);
    seal_bytes_free(&passphrase);
    dir_unlock(&lock);
    return status;
}

static enum err new_work(struct cli *c, struct span passphrase)
{
    struct entropy entropy = entropy_system();
    struct bytes hex = {0};
    uint8_t pk[KEY_BYTES];
    enum hub_key which;
    enum err e;

    if (!hub_key_named(cli_argument(c, 1), &which))
        return ERR_USAGE;
    if ((e = identity_new_key(c->dir, which, passphrase, &entropy, pk)) ||
        (e = hex_write(&hex, SPAN_OF(pk))))
        return e;
    printf("Nouvelle clé (%s) dans hub.key : %s\nSauvegardez hub.key, démarrez le service, puis "
           "« key rotate %s ».\n",
           hub_key_name(which), (const char *)hex.ptr, hub_key_name(which));
    bytes_free(&hex);
    return ERR_OK;
}

static enum err remake_work(struct cli *c, struct span passphrase)
{
    struct entropy entropy = entropy_system();
    enum err e = identity_remake(c->dir, passphrase, cli_cost(c), &entropy);

    if (!e)
        printf("hub.key refait : quatre clés neuves, dont aucune ne vaut encore. Démarrez le "
               "service, puis « key rotate CLÉ --lost » pour chacune : hub, keys-log, audit-log, "
               "transport. Le hub ne sert personne avant.\n");
    return e;
}

/* 90, 45m, 12h, 30d: seconds. */
static bool overlap_read(const char *text, json_int_t *out)
{
    static const struct {
        char unit;
        json_int_t s;
    } units[] = {
        {'s', 1    },
        {'m', 60   },
        {'h', 3600 },
        {'d', 86400},
    };
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n > 8 || (text[n] && text[n + 1]))
        return false;
    *out = (json_int_t)strtoll(text, NULL, 10);
    if (!text[n])
        return true;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].unit == text[n]) {
            *out *= units[i].s;
            return true;
        }
    return false;
}

static int key_rotate(struct cli *c, const char *which, const char *output)
{
    const char *overlap = cli_option(c, "overlap", NULL);
    json_t *args = json_pack("{s:s,s:b}", "which", which, "lost", cli_flag(c, "lost"));
    json_int_t overlap_s;

    if (overlap && (!overlap_read(overlap, &overlap_s) ||
                    json_object_set_new(args, "overlap", json_integer(overlap_s)))) {
        json_decref(args);
        return cli_usage(c, "--overlap attend une durée comme 30d, 12h, 90s ; rien n'a été fait");
    }
    return cli_ask(c, "key.rotate", "request", output, args);
}

/* Page after page, one a line. */
static int key_export(struct cli *c, const char *output)
{
    const char *first = cli_option(c, "from", "0");
    json_int_t from = (json_int_t)strtoll(first, NULL, 10);
    json_int_t size = from + 1;
    struct bytes text = {0};
    json_t *answer = NULL;
    int status = EXIT_SUCCESS;
    enum err e = bytes_printf(&text, "%s\n", KEYS_FILE_TITLE);

    while (!e && !status && from < size) {
        const json_t *data;

        if ((status = cli_data(c, "key.export", json_pack("{s:I}", "from", from), &answer)))
            break;
        data = json_object_get(answer, "data");
        e = bytes_printf(&text, "%s\n", json_string_value(json_object_get(data, "page")));
        from = json_integer_value(json_object_get(data, "next"));
        size = json_integer_value(json_object_get(data, "size"));
        json_decref(answer);
        answer = NULL;
    }
    if (!status && (e || (e = file_write_atomic(output, bytes_span(&text), 0600))))
        status = cli_error_at(c, e, output);
    if (!status && c->json)
        printf("{\"statements\": %lld}\n", (long long)size);
    else if (!status)
        printf(
            "Journal des clés (%lld déclarations) écrit dans %s. Sur chaque nœud : « relais-node "
            "hub keys FICHIER ».\n",
            (long long)size, output);
    bytes_free(&text);
    return status;
}

int cli_key(struct cli *c)
{
    const char *word = cli_argument(c, 0);
    const char *name = cli_argument(c, 1);
    const char *output = cli_option(c, "output", NULL);
    enum hub_key which;
    bool named = name && hub_key_named(name, &which);

    if (word && strcmp(word, "list") == 0)
        return cli_ask(c, "key.list", NULL, NULL, json_object());
    if (word && strcmp(word, "export") == 0 && output)
        return key_export(c, output);
    if (word && strcmp(word, "remake") == 0)
        return with_passphrase(c, remake_work);
    if (word && named && strcmp(word, "new") == 0)
        return with_passphrase(c, new_work);
    if (word && named && strcmp(word, "rotate") == 0 && output)
        return key_rotate(c, name, output);
    return cli_usage(c, usage);
}
