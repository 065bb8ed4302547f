/*
 * commands - the one table behind every door of the node: command line, control socket, later the
 * web page. Rights and the acting professional are checked here, once.
 *
 *   {"cmd":"sheet.send","actor":{...},"args":{...}}
 *   -> {"ok":true,"text":"<French>","data":{...}}
 *   -> {"error":"ERR_X","code":n,"text":"<French>","data":{...}}
 *
 * A command runs in the loop and never blocks. One that wants the hub's word waits with call_wait()
 * and is answered later.
 * Thread rule: the loop's.
 */
#ifndef NODE_COMMANDS_H
#define NODE_COMMANDS_H

#include <jansson.h>

#include "actor.h"
#include "control.h"
#include "node.h"
#include "span.h"

enum right {
    RIGHT_NONE = 0,
    RIGHT_READ = 1,
    RIGHT_WRITE = 2,
    RIGHT_ADMIN = 4,
    RIGHT_ALL = 7 /* what the control socket's own user has */
};

struct call {
    const json_t *args;              /* an object, never NULL; borrowed */
    const struct actor *actor;       /* NULL unless stated */
    json_t *data;                    /* an object to fill */
    struct bytes text;               /* French sentence(s) for humans; owned by the call */
    struct control_request *request; /* NULL when the command runs without a daemon */
    int file;                        /* open, handed along by the caller; -1: none; borrowed */
    bool waits;                      /* call_stands(): answered later */
    bool done;                       /* the text was made by the command also for an error */
};

struct command {
    const char *name; /* "sheet.send" */
    unsigned right;   /* of enum right */
    bool needs_actor;
    enum err (*run)(struct node *n, struct call *c);
    const char *help; /* French, one line */
};
extern const struct command care_commands[]; /* commands_care.c */
extern const size_t care_command_count;

/* Every row of every table, in order; NULL past the end. */
const struct command *command_at(size_t i);
const struct command *command_find(const char *name);

/* Runs a request. *answer is owned by the caller; NULL when the command waits (then `request` is
 * answered later). request may be NULL: no daemon, nothing waits. file: of struct call. */
void command_run(struct node *n, const json_t *body, unsigned rights,
                 struct control_request *request, int file, json_t **answer);

/* The call outlives its command, which then says nothing more: call_end() answers and frees it,
 * once, with the data and text that it has then. Only with a request. */
void call_stands(struct call *c);
void call_end(struct call *c, enum err why);

/* Answers when `id` (a mid or an act) is decided, or after wait_ms with what is known then; the
 * command's data is part of the answer. settled() may add to data and set text; why: ERR_OK,
 * ERR_OFFLINE when time is up, else the refusal. Only the last thing a command does. */
typedef void settle_fn(struct node *n, struct call *c, const uint8_t id[ID_BYTES], enum err why);
enum err call_wait(struct node *n, struct call *c, const uint8_t id[ID_BYTES], uint64_t wait_ms,
                   settle_fn *settled);
/* Something was decided: answers whoever waits for it. */
void waits_settle(struct node *n, const uint8_t id[ID_BYTES], enum err why);
void waits_tick(struct node *n); /* time is up for some */
enum err waits_open(struct waits **out);
void waits_close(struct waits *w); /* answers everybody with ERR_STOPPING */

/* --- reading arguments: the first error is the answer ---------------------------------------- */

const char *arg_text(const struct call *c, const char *name);                  /* NULL: absent */
enum err arg_id(const struct call *c, const char *name, uint8_t id[ID_BYTES]); /* ERR_USAGE */
enum err arg_uint(const struct call *c, const char *name, uint64_t standard, uint64_t max,
                  uint64_t *out);
bool arg_bool(const struct call *c, const char *name);
/* An organisation of the directory: hex id, unique hex prefix, or unique prefix of its name
 * (folded). ERR_NOT_FOUND; ERR_USAGE: several fit. */
enum err arg_org(struct node *n, const char *value, uint8_t org[ID_BYTES]);
/* A handle of a circle held here: hex or unique prefix. */
enum err arg_circle(struct node *n, struct txn *t, const struct call *c, const char *name,
                    uint8_t handle[ID_BYTES]);
/* Does what was typed name this id: at least 4 hex digits, its first ones or its last ones? The
 * last ones are random; the first ones of a message id are its date. */
bool id_fits(const char *typed, const uint8_t id[ID_BYTES]);
bool id_is_typed(const char *typed); /* could it name any? */
json_t *json_hex(const uint8_t *bytes, size_t size);
json_t *json_time(uint64_t ms); /* RFC 3339 text, null for 0 */
json_t *json_span(struct span text);

#endif
