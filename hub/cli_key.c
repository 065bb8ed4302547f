/* relais-hub key: the hub's own keys. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "file.h"
#include "identity.h"

static const char *const hub_files[] = {"", "hub.key", NULL};

static int key_new(struct cli *c)
{
    struct entropy entropy = entropy_system();
    struct bytes passphrase = {0}, hex = {0};
    struct sign_public pk;
    struct hub_conf conf;
    int lock = -1;
    int status;
    enum err e;

    if ((status = cli_conf(c, &conf)))
        return status;
    if ((e = seal_init()) || (e = dir_lock(c->dir, &lock)))
        return cli_error(c, e);
    if (!(status = cli_passphrase(c, conf.passphrase_file, &passphrase))) {
        if (!(e = identity_new_key(c->dir, bytes_span(&passphrase), &entropy, &pk)))
            e = hex_write(&hex, SPAN_OF(pk.b));
        if (e)
            status = cli_error_keys(c, e, hub_files);
        else
            printf("Nouvelle clé de signature dans hub.key : %s\nSauvegardez hub.key, démarrez le "
                   "service, puis « key rotate hub ».\n",
                   (const char *)hex.ptr);
    }
    seal_bytes_free(&passphrase);
    bytes_free(&hex);
    dir_unlock(&lock);
    return status;
}

int cli_key(struct cli *c)
{
    const char *word = cli_argument(c, 0);
    const char *which = cli_argument(c, 1);
    const char *output = cli_option(c, "output", NULL);

    if (word && strcmp(word, "list") == 0)
        return cli_ask(c, "key.list", NULL, NULL, json_object());
    if (!word || !which || strcmp(which, "hub") != 0)
        return cli_usage(c, "key list | key new hub | key rotate hub [--lost] --output FICHIER");
    if (strcmp(word, "new") == 0)
        return key_new(c);
    if (strcmp(word, "rotate") == 0 && output)
        return cli_ask(c, "key.rotate", "request", output,
                       json_pack("{s:s,s:b}", "which", which, "lost", cli_flag(c, "lost")));
    return cli_usage(c, "key list | key new hub | key rotate hub [--lost] --output FICHIER");
}
