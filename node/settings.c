#include "settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "file.h"
#include "http.h"
#include "transport.h"

#define STORE_MAX_LEAST (16u << 20) /* as the hub's */
#define AT(member) SETTING_AT(struct node_settings, member)

/* clang-format off */
static const struct setting rows[] = {
    {"passphrase_file", SET_PATH,        AT(passphrase_file), "",     0,     0,        "fichier de la phrase de passe de node.key, fermé aux autres (chmod 600) ; vide : secret remis par systemd, ou terminal"},
    {"endpoint",        SET_TEXT,        AT(endpoint),        "",     0,     0,        "adresse du hub ; vide : celle de l'invitation"},
    {"join_endpoint",   SET_TEXT,        AT(join_endpoint),   "",     0,     0,        "adresse où s'inscrire ; vide : celle de l'invitation"},
    {"ping",            SET_DURATION_MS, AT(ping_ms),         "30s",  100,   60000,    "délai entre deux signes de vie au hub"},
    {"retry",           SET_DURATION_MS, AT(retry_ms),        "5s",   100,   60000,    "première répétition de ce à quoi le hub n'a pas répondu"},
    {"retry_max",       SET_DURATION_MS, AT(retry_max_ms),    "60s",  100,   3600000,  "délai le plus long entre deux répétitions"},
    {"store_max",       SET_SIZE,        AT(store_max_bytes), "0",    0,     0,        "taille du magasin au plus ; 0 : le disque est la limite"},
    {"keep_for",        SET_DURATION,    AT(keep_for_s),      "7d",   3600,  30 * 86400, "durée pendant laquelle le hub garde ce qu'un destinataire n'a pas relevé"},
    {"prekey_every",    SET_DURATION,    AT(prekey_every_s),  "7d",   1,     30 * 86400, "âge auquel la clé de réception la plus récente a une suivante"},
    {"metrics_listen",  SET_TEXT,        AT(metrics_listen),  "",     0,     0,        "adresse locale de /health et /metrics, comme 127.0.0.1:7414 ; vide : aucune"},
    {"log_level",       SET_TEXT,        AT(log_level),       "info", 1,     0,        "événements notés : debug, info, warn ou error"},
    {"notify",          SET_PATH,        AT(notify),          "",     0,     0,        "commande qui prévient qu'un message est arrivé, sans son contenu ; une autre pour un destinataire : notify.conf ; vide : aucune"},
    {"scan_command",    SET_TEXT,        AT(scan_command),    "",     0,     0,        "antivirus des pièces reçues : chemin absolu et arguments ; lit le fichier sur son entrée ; code 0 sain, 1 infecté, autre : panne ; vide : aucun"},
    {"scan_timeout",    SET_DURATION_MS, AT(scan_timeout_ms), "5m",   100,   3600000,  "un antivirus qui dure davantage est arrêté, et rappelé plus tard"},
    {"notify_timeout",  SET_DURATION_MS, AT(notify_timeout_ms), "30s", 100,  300000,   "une commande de notify qui dure davantage est arrêtée"},
};
/* clang-format on */
#define ROWS (sizeof rows / sizeof *rows)

enum err settings_defaults(struct node_settings *out)
{
    char why[CONF_WHY_BYTES];

    return conf_defaults(rows, ROWS, out, why, sizeof why);
}

/* What only opening, connecting or binding would find, and name less well. */
static enum err values_check(const struct node_settings *s, const char *path, char *why,
                             size_t why_size)
{
    const struct {
        const char *name, *value;
    } hub[] = {
        {"endpoint",      s->endpoint     },
        {"join_endpoint", s->join_endpoint},
    };

    if (s->store_max_bytes > 0 && s->store_max_bytes < STORE_MAX_LEAST) {
        snprintf(why, why_size,
                 "%s: « store_max » vaut %" PRIu64 " octets : il en faut 16m au moins, ou 0 pour "
                 "que le disque soit la seule limite",
                 path, s->store_max_bytes);
        return ERR_CONF;
    }
    for (size_t i = 0; i < sizeof hub / sizeof *hub; i++) {
        if (!*hub[i].value || link_endpoint_ok(hub[i].value, false))
            continue;
        snprintf(why, why_size,
                 "%s: « %s » vaut « %s » : il faut l'adresse du hub et son port, comme "
                 "tcp://hub.example.org:7411",
                 path, hub[i].name, hub[i].value);
        return ERR_CONF;
    }
    if (!*s->metrics_listen || http_listen_ok(s->metrics_listen))
        return ERR_OK;
    snprintf(why, why_size,
             "%s: « metrics_listen » vaut « %s » : il faut une adresse de cette seule machine, en "
             "chiffres, et un port, comme 127.0.0.1:7414",
             path, s->metrics_listen);
    return ERR_CONF;
}

enum err settings_read(const char *path, struct node_settings *out, char *why, size_t why_size)
{
    enum err e = conf_read(path, rows, ROWS, out, why, why_size);

    if (e)
        return e == ERR_NOT_FOUND ? settings_defaults(out) : e;
    return values_check(out, path, why, why_size);
}

enum err settings_write(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    enum err e;

    if (!memory)
        return ERR_NOMEM;
    conf_print_help(memory, rows, ROWS);
    e = fclose(memory) ? ERR_NOMEM : file_write_new(path, span_of(text, size), 0600);
    free(text);
    return e;
}
