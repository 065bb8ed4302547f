/* relais-hub operator: named operators, their key files, and the acts that two of them sign. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "operator_act.h"

/* --- signing ---------------------------------------------------------------------------------- */

/* What is signed must be what is shown: the request, hashed here. */
static enum err act_check(const json_t *data, struct bytes *act)
{
    const char *hex = json_string_value(json_object_get(data, "act"));
    const char *request = json_string_value(json_object_get(data, "request"));
    uint8_t hash[DIGEST_256];
    struct operator_act o;
    enum err e;

    if (!hex || !request)
        return ERR_INTERNAL;
    if ((e = hex_read(act, span_text(hex))) || (e = operator_act_decode(bytes_span(act), &o)) ||
        (e = operator_request_hash(span_text(request), hash)))
        return e;
    return memcmp(hash, o.request, sizeof hash) == 0 ? ERR_OK : ERR_FORGED;
}

static enum err sign_with(struct span act, const struct secret_sign *key, json_t *args)
{
    uint8_t kid[KID_BYTES];
    uint8_t sig[SIG_BYTES];
    struct bytes kid_hex = {0}, sig_hex = {0};
    enum err e;

    sign_kid(secret_sign_public(key), kid);
    if (!(e = operator_act_sign(act, key, sig)) && !(e = hex_write(&kid_hex, SPAN_OF(kid))) &&
        !(e = hex_write(&sig_hex, SPAN_OF(sig))) &&
        (json_object_set_new(args, "operator", json_string((const char *)kid_hex.ptr)) ||
         json_object_set_new(args, "sig", json_string((const char *)sig_hex.ptr))))
        e = ERR_NOMEM;
    bytes_free(&kid_hex);
    bytes_free(&sig_hex);
    return e;
}

int cli_act_sign(const struct cli *c, const json_t *prepared, json_t **args)
{
    const json_t *data = json_object_get(prepared, "data");
    const char *text = json_string_value(json_object_get(prepared, "text"));
    const char *path = cli_option(c, "as", "");
    struct bytes passphrase = {0}, act = {0};
    struct secret_sign *key = NULL;
    json_t *made = NULL;
    int status = EXIT_SUCCESS;
    enum err e = seal_init();

    if (!e && (e = act_check(data, &act)) == ERR_OK)
        fprintf(stderr, "%sVous signez : %s\n", text ? text : "",
                json_string_value(json_object_get(data, "request")));
    if (!e && (status = cli_passphrase(c, "", &passphrase)))
        goto out;
    if (!e && (e = operator_key_open(path, bytes_span(&passphrase), &key))) {
        status = cli_error_at(c, e, path);
        goto out;
    }
    made = json_pack("{s:O,s:O}", "act", json_object_get(data, "act"), "request",
                     json_object_get(data, "request"));
    if (!e)
        e = made ? sign_with(bytes_span(&act), key, made) : ERR_NOMEM;
    if (e) {
        json_decref(made);
        status = cli_error(c, e);
    } else {
        *args = made;
    }
out:
    seal_bytes_free(&passphrase);
    secret_sign_free(key);
    bytes_free(&act);
    return status;
}

/* --- commands --------------------------------------------------------------------------------- */

static int key_make(struct cli *c)
{
    const char *path = cli_option(c, "output", NULL);
    struct entropy entropy = entropy_system();
    struct bytes passphrase = {0}, hex = {0};
    struct sign_public pk;
    int status;
    enum err e;

    if (!path)
        return cli_usage(c, "operator key --output FICHIER");
    if ((e = seal_init()))
        return cli_error(c, e);
    if ((status = cli_passphrase(c, "", &passphrase)))
        return status;
    if (!(e = operator_key_make(path, bytes_span(&passphrase), cli_cost(c), &entropy, &pk)))
        e = hex_write(&hex, SPAN_OF(pk.b));
    seal_bytes_free(&passphrase);
    if (e)
        status = cli_error_at(c, e, path);
    else
        printf("%s\n", (const char *)hex.ptr);
    bytes_free(&hex);
    return status;
}

static int confirm(struct cli *c, const char *id)
{
    const char *output = cli_option(c, "output", NULL);
    json_t *waiting = NULL;
    int status;

    if (!id || !cli_option(c, "as", NULL))
        return cli_usage(c, "operator confirm ACTE --as FICHIER [--output FICHIER]");
    status = cli_data(c, "operator.pending", json_pack("{s:s}", "id", id), &waiting);
    if (status == EXIT_SUCCESS && !output &&
        json_string_value(json_object_get(json_object_get(waiting, "data"), "output")))
        status = cli_usage(c, "cet acte donne une demande à faire signer par le registraire : "
                              "ajoutez --output FICHIER");
    if (status == EXIT_SUCCESS)
        status = cli_act_send(c, waiting, output ? "request" : NULL, output);
    json_decref(waiting);
    return status;
}

int cli_operator(struct cli *c)
{
    const char *word = cli_argument(c, 0);
    const char *name = cli_argument(c, 1);
    const char *key = cli_option(c, "key", NULL);

    if (word && strcmp(word, "key") == 0)
        return key_make(c);
    if (word && strcmp(word, "list") == 0)
        return cli_ask(c, "operator.list", NULL, NULL, json_object());
    if (word && strcmp(word, "add") == 0 && name && key)
        return cli_ask(c, "operator.add", NULL, NULL,
                       json_pack("{s:s,s:s}", "name", name, "key", key));
    if (word && strcmp(word, "remove") == 0 && name)
        return cli_ask(c, "operator.remove", NULL, NULL, json_pack("{s:s}", "name", name));
    if (word && strcmp(word, "accept-restore") == 0)
        return cli_ask(c, "restore.accept", NULL, NULL, json_object());
    if (word && strcmp(word, "confirm") == 0)
        return confirm(c, name);
    return cli_usage(c, "operator key --output FICHIER | add NOM --key CLÉ | remove NOM | list | "
                        "confirm ACTE --as FICHIER | accept-restore --as FICHIER");
}
