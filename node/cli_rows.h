/*
 * cli_rows - the table of the command line: one row per command, one row per argument. What is not
 * listed is refused. Shared by the parser (cli_args.c), the help and the program's runners.
 * Thread rule: constants; the rest confined to the one thread of a command line.
 */
#ifndef NODE_CLI_ROWS_H
#define NODE_CLI_ROWS_H

#include <stdio.h>

#include <jansson.h>

#include "cli.h"
#include "serve.h"
#include "words.h"

enum cli_kind {
    CLI_TEXT,       /* as typed, composed (NFC) */
    CLI_DAY,        /* a date that the daemon reads: a text for here */
    CLI_LINE,       /* one line of text: trimmed, no control character, not blank */
    CLI_LINE_OF,    /* path of a file with that line */
    CLI_ROWS,       /* path of a file with option=value lines, read as if typed */
    CLI_NUMBER,     /* decimal */
    CLI_FLAG,       /* no value */
    CLI_DATE,       /* DD/MM/YYYY or YYYY-MM-DD, with HH:MM or not, local time -> unix ms */
    CLI_SECONDS,    /* -> ms */
    CLI_DURATION,   /* 90s, 30m, 4h, 2d -> s */
    CLI_WORD,       /* a name of `table` */
    CLI_MASK,       /* names of `table`, commas between */
    CLI_LIST,       /* may be repeated -> array of texts */
    CLI_COMMAS,     /* texts with commas between -> array */
    CLI_TO,         /* may be repeated: ORG[/kind:label][@category] */
    CLI_SECTION,    /* may be repeated: CLASS=TEXT */
    CLI_SECTION_OF, /* may be repeated: CLASS=PATH */
    CLI_ATTACH,     /* may be repeated: CLASS=PATH */
    CLI_FILE,       /* path of a text file, its content is the argument */
    CLI_LOCAL       /* for the command line alone: kept in struct cli */
};

struct cli_arg {
    const char *option; /* without "--"; "" for a word in its place */
    const char *name;   /* in the request; "ins.status" is a member of the object "ins" */
    enum cli_kind kind;
    enum word_table table; /* CLI_WORD, CLI_MASK */
    bool must;
    const char *standard; /* as typed, when it is not given; NULL: left out */
};

struct cli;
struct cli_row {
    const char *words;         /* "person add" */
    const char *command;       /* of the daemon; NULL: run() does it all */
    bool acts;                 /* takes the acting professional */
    int (*run)(struct cli *c); /* NULL: ask the daemon, show the answer */
    const struct cli_arg *args;
    size_t count;
    const char *help;
    bool alone; /* runs in this process when no daemon listens */
};
extern const struct cli_row cli_rows[];
extern const size_t cli_row_count;

#define CLI_LOCALS_MAX 8
struct cli {
    const struct cli_row *row;
    struct open_flags flags;
    bool json;
    bool light;
    json_t *actor; /* owned; NULL: none given */
    json_t *args;  /* owned */
    size_t locals; /* CLI_LOCAL arguments, borrowed from argv */
    const char *local_name[CLI_LOCALS_MAX];
    const char *local_value[CLI_LOCALS_MAX];
};
const char *cli_local(const struct cli *c, const char *name); /* NULL: not given */

const struct cli_arg *cli_option(const struct cli_row *row, const char *option); /* or NULL */
/* A sentence that names what was typed, in place of the general one of e; false: none is known.
 * text is ended with NUL. */
bool cli_name(const struct cli *c, enum err e, struct bytes *text);

/* Why `typed` is no value of `a`; the exit status. */
int cli_complain(const struct cli *c, const struct cli_arg *a, const char *typed, enum err e);

/* Reads what was typed for `a` and keeps it. EXIT_DONE, or what was told already. */
int cli_take(struct cli *c, const struct cli_arg *a, const char *typed);
/* argv from after the command's words on. EXIT_DONE, or what was told already. */
int cli_parse_args(struct cli *c, int argc, char **argv);
/* One global option at argv[*i], if it is one: EXIT_DONE and *i behind it; -1: it is none. */
int cli_parse_global(struct cli *c, int argc, char **argv, int *i);
int cli_usage(const struct cli *c, const char *what);            /* says it on stderr; EXIT_USAGE */
int cli_fail(const struct cli *c, enum err e, const char *text); /* says it; text may be NULL */
/* The same, after the name of the file it is about. */
int cli_fail_path(const struct cli *c, enum err e, const char *path);
void cli_help(FILE *out);

/* Asks the daemon; the answer is an object whose "error" is absent, or it was told already. */
int cli_ask(const struct cli *c, const char *command, json_t *args, json_t **answer);
/* The same, and hands an open file along; -1: none. */
int cli_ask_file(const struct cli *c, const char *command, json_t *args, int file, json_t **answer);
/* Shows text, or data with --json. */
void cli_show(const struct cli *c, const json_t *answer);

/* runners (cli_run.c) */
int cli_run_init(struct cli *c);
int cli_run_serve(struct cli *c);
int cli_run_check(struct cli *c);
int cli_run_join(struct cli *c);
int cli_run_backup(struct cli *c);
int cli_run_restore(struct cli *c);
int cli_run_fsck(struct cli *c);
int cli_run_compact(struct cli *c);
int cli_run_sign(struct cli *c);
int cli_run_policy(struct cli *c);
int cli_run_show(struct cli *c);
int cli_run_attachment(struct cli *c);
int cli_run_send(struct cli *c); /* cli_att.c */
/* sheet.attachment into a new file, which is on disk or not there; args are its arguments. */
int cli_attachment_save(const struct cli *c, json_t *args, const char *path, json_t **answer);
int cli_run_receipts(struct cli *c);
int cli_run_export(struct cli *c);
int cli_run_key_shares(struct cli *c);
int cli_run_key_recover(struct cli *c);

#endif
