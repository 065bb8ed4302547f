#include "settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "file.h"

#define AT(member) SETTING_AT(struct node_settings, member)

/* clang-format off */
static const struct setting rows[] = {
    {"passphrase_file", SET_PATH,        AT(passphrase_file), "",     0,     0,        "file with the passphrase of node.key, readable by this user alone; empty: system credential or terminal"},
    {"endpoint",        SET_TEXT,        AT(endpoint),        "",     0,     0,        "address of the hub; empty: as in the invitation"},
    {"join_endpoint",   SET_TEXT,        AT(join_endpoint),   "",     0,     0,        "address for joining; empty: as in the invitation"},
    {"ping",            SET_DURATION_MS, AT(ping_ms),         "30s",  100,   60000,    "time between two signs of life to the hub"},
    {"retry",           SET_DURATION_MS, AT(retry_ms),        "5s",   100,   60000,    "first repetition of what the hub has not answered"},
    {"retry_max",       SET_DURATION_MS, AT(retry_max_ms),    "60s",  100,   3600000,  "longest time between two repetitions"},
    {"store_max",       SET_SIZE,        AT(store_max_bytes), "0",    0,     0,        "quota of the store; 0: the disk is the limit"},
    {"keep_for",        SET_DURATION,    AT(keep_for_s),      "7d",   3600,  30 * 86400, "how long the hub keeps what a recipient has not fetched"},
    {"prekey_every",    SET_DURATION,    AT(prekey_every_s),  "7d",   1,     30 * 86400, "age at which the newest prekey gets a successor"},
    {"metrics_listen",  SET_TEXT,        AT(metrics_listen),  "",     0,     0,        "loopback address of /health and /metrics, as 127.0.0.1:7414; empty: none"},
    {"log_level",       SET_TEXT,        AT(log_level),       "info", 1,     0,        "debug, info, warn or error"},
    {"notify",          SET_PATH,        AT(notify),          "",     0,     0,        "command that tells people that a message has come, without its content; others for one addressee: notify.conf; empty: none"},
    {"scan_command",    SET_TEXT,        AT(scan_command),    "",     0,     0,        "scanner of received attachments: absolute path and arguments, no shell; gets the file on its standard input; exit status 0 clean, 1 infected, others failed; empty: none"},
    {"scan_timeout",    SET_DURATION_MS, AT(scan_timeout_ms), "5m",   100,   3600000,  "a scanner that runs longer is killed; tried again later"},
    {"notify_timeout",  SET_DURATION_MS, AT(notify_timeout_ms), "30s", 100,  300000,   "a command of notify that runs longer is killed"},
};
/* clang-format on */
#define ROWS (sizeof rows / sizeof *rows)

enum err settings_defaults(struct node_settings *out)
{
    char why[CONF_WHY_BYTES];

    return conf_defaults(rows, ROWS, out, why, sizeof why);
}

enum err settings_read(const char *path, struct node_settings *out, char *why, size_t why_size)
{
    enum err e = conf_read(path, rows, ROWS, out, why, why_size);

    return e == ERR_NOT_FOUND ? settings_defaults(out) : e;
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
