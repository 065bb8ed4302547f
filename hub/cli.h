/*
 * cli - the operator's command line: options, the passphrase, and commands sent to the running hub
 * over its control socket. What a person reads is French; --json gives the daemon's own answer.
 * Exit status: 0 done, 1 refused, 2 usage, 3 the daemon does not answer, 4 input not valid,
 * 5 something is broken.
 */
#ifndef HUB_CLI_H
#define HUB_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "keyfile.h"
#include "serve.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 2
#define EXIT_AWAY 3
#define EXIT_INPUT 4
#define EXIT_BROKEN 5

#define CLI_OPTIONS_MAX 32
#define CLI_WORDS_MAX 64

struct cli {
    const char *program;
    const char *dir;
    const char *command;
    bool json;
    bool allow_core;
    const char *passphrase_file;
    const char *option_name[CLI_OPTIONS_MAX];
    const char *option_value[CLI_OPTIONS_MAX]; /* "" for a flag */
    size_t options;
    const char *word[CLI_WORDS_MAX];
    size_t words;
};

struct cli_command {
    const char *name;
    int (*run)(struct cli *c);
    const char *help;
};

int cli_run(int argc, char **argv, const struct cli_command *commands, size_t n);

const char *cli_option(const struct cli *c, const char *name, const char *standard);
bool cli_flag(const struct cli *c, const char *name);
const char *cli_argument(const struct cli *c, size_t i); /* NULL past the end */
void cli_shift(struct cli *c);                           /* drops the first argument */
const char *cli_year(void);
struct keyfile_cost cli_cost(const struct cli *c); /* --light: for exercises and tests */
int cli_conf(struct cli *c, struct hub_conf *out);
/* From --passphrase-file, else `configured`, else the systemd credential relais-passphrase, else
 * asked on the terminal. Free with seal_bytes_free(). */
int cli_passphrase(const struct cli *c, const char *configured, struct bytes *out);

/* cli_say.c: a French sentence on stderr; with --json also {"error","code","text"} on stdout. They
 * return the exit status. */
int cli_usage(const struct cli *c, const char *what);
int cli_error(const struct cli *c, enum err e);
int cli_status(enum err e); /* the exit status that goes with it */
int cli_error_at(const struct cli *c, enum err e, const char *path); /* and which file */
/* ERR_PERMISSION names the first of these files of the directory ("": itself) open to others. */
int cli_error_keys(const struct cli *c, enum err e, const char *const *names);
[[gnu::format(printf, 4, 5)]] int cli_refuse(const struct cli *c, enum err e, int status,
                                             const char *format, ...);

/* Options as arguments of a command, NULL when a number is none. */
json_t *cli_args(const struct cli *c);
/* Sends it; `save` (or NULL): the member of the answer that is written to `path`. Steals args. */
int cli_ask(const struct cli *c, const char *name, const char *save, const char *path,
            json_t *args);
int cli_remote(struct cli *c);
int cli_invite(struct cli *c);
int cli_org(struct cli *c);
int cli_node(struct cli *c);
int cli_genesis(struct cli *c);
int cli_import(struct cli *c);
int cli_witness(struct cli *c);
int cli_evidence(struct cli *c);
int cli_operator(struct cli *c);
int cli_key(struct cli *c);
/* What the hub prepared (data.act, data.request), signed with the key file of --as: the arguments
 * of operator.sign. */
int cli_act_sign(const struct cli *c, const json_t *prepared, json_t **args);
/* Signs `prepared` and sends it; `save` as for cli_ask(), once the act is done. */
int cli_act_send(const struct cli *c, const json_t *prepared, const char *save, const char *path);
/* Asks for data and shows nothing. Steals args. */
int cli_data(const struct cli *c, const char *name, json_t *args, json_t **answer);

#endif
