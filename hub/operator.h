/*
 * operator - what an operator may ask of a running hub: one table, one row each. A command runs in
 * the core, inside a group, so that what it changes is logged and committed like everything else.
 * Answers are JSON: {"ok":true,"text":"French, for the operator","data":{...}} or an error object.
 */
#ifndef HUB_OPERATOR_H
#define HUB_OPERATOR_H

#include "core.h"

struct asked {
    struct core *c;
    struct job *j;
    const json_t *args; /* an object */
    json_t *data;       /* for the answer: filled by the command */
    struct bytes text;  /* the same for a human, French */
    struct bytes why;   /* of an error: what its own sentence does not say, French; mostly empty */
};

struct hub_command {
    const char *name;
    enum err (*run)(struct asked *a); /* what it answers in error is told to the operator */
};
const struct hub_command *command_find(const char *name); /* NULL */
bool command_ends_group(enum err e); /* the store failed: nothing is answered */
extern const struct hub_command org_commands[];
extern const size_t org_command_count;

/* A stmt without signatures becomes a request, kept and shown to the operator as a file. */
enum err request_new(struct asked *a, struct span stmt);
/* request_commands.c */
enum err request_import(struct asked *a);
enum err request_list(struct asked *a);
enum err request_keep(struct asked *a, struct span ss); /* one that has signatures already */
/* standing_commands.c */
enum err org_suspend(struct asked *a);
enum err org_resume(struct asked *a);
enum err org_revoke(struct asked *a);
enum err org_release(struct asked *a);
enum err org_trust(struct asked *a);
/* What the operator typed for an organisation. ERR_FIELD_MISSING, ERR_NOT_FOUND, ERR_ITEMS. */
enum err arg_org(const struct asked *a, uint8_t org[ID_BYTES]);
/* An invitation by the first digits of its id, or by the beginning of the name of who has not been
 * enrolled on it yet. ERR_FIELD_MISSING, ERR_NOT_FOUND, ERR_ITEMS. */
enum err invite_typed(struct asked *a, const char *argument, uint8_t id[ID_BYTES]);
/* A node by its id, or the one of an organisation of which `is` holds; else ERR_STATE. */
/* What `org revoke` is about: an organisation, or the node of it that was named, with others left;
 * else *node is NULL. Nothing of it is revoked yet. */
enum err arg_revoked(struct asked *a, const struct directory_org **org, struct mailbox **node);
enum err arg_node(const struct asked *a, bool (*is)(const struct mailbox *m), struct mailbox **out);
/* quota_commands.c */
enum err org_quota(struct asked *a);
enum err node_allow(struct asked *a);
enum err quota_say(struct asked *a, const uint8_t org[ID_BYTES], json_t *one);
/* care_commands.c: parts of `status`, text and data */
enum err escalated_say(struct asked *a);
enum err silent_say(struct asked *a);
enum err clock_say(struct asked *a);
/* absence_commands.c: of "org list" ("absence" of its JSON), and a part of `status` */
enum err absence_say(struct asked *a, const uint8_t org[ID_BYTES], json_t *one);
enum err absent_say(struct asked *a);
enum err clock_confirm(struct asked *a);
/* key_commands.c */
enum err key_rotate(struct asked *a);
enum err key_list(struct asked *a);
enum err key_export(struct asked *a);
/* For status: what keeps the hub from serving, or waits for its hour. Nothing: no word. */
enum err key_facts(struct asked *a);
/* Of the key that key_rotate() would put in force. ERR_STATE: none is prepared. ERR_UNSUPPORTED:
 * the hub has no such key. */
enum err hub_key_subject(const struct asked *a, uint8_t kid[KID_BYTES]);
/* status.c */
enum err status_run(struct asked *a);
/* An organisation by name, or by the first digits of its id. ERR_FIELD_MISSING, ERR_NOT_FOUND;
 * ERR_ITEMS when several fit. A whole name wins over the beginning of a longer one. */
enum err org_typed(const struct asked *a, const char *text, const struct directory_org **out);
/* behind.c: the head that a node showed, and ours. ERR_NOT_FOUND: nothing was shown */
enum err evidence_run(struct asked *a);
/* witness_commands.c */
enum err witness_set(struct asked *a);
enum err witness_list(struct asked *a);
enum err witness_facts(struct asked *a); /* for status: data and text */

/* Says what exactly is wrong, French, in place of the sentence of the error; returns that error. */
__attribute__((format(printf, 3, 4))) enum err because(struct asked *a, enum err e,
                                                       const char *format, ...);
/* --- help for commands ----------------------------------------------------------------------- */
const char *arg_text(const struct asked *a, const char *name); /* "" when absent */
uint64_t arg_uint(const struct asked *a, const char *name, uint64_t standard);
bool arg_flag(const struct asked *a, const char *name);
/* 32 hex digits. ERR_FIELD_MISSING, ERR_TEXT_FORM. */
enum err arg_id(const struct asked *a, const char *name, uint8_t out[ID_BYTES]);
void hex_text(const uint8_t *in, size_t n, char *out);               /* 2n + 1 */
enum err data_set(struct asked *a, const char *name, json_t *value); /* steals value */
enum err data_text(struct asked *a, const char *name, struct span text);
enum err data_hex(struct asked *a, const char *name, const uint8_t *in, size_t n);
/* An administrative act for the log (type 13). about may be empty. */
enum err act_log(struct core *c, enum audit_act act, const uint8_t *org, struct span about);

#endif
