/*
 * conf - settings are rows of a table; the file is INI: key = value, [section], lines of comment
 * after # or ;, and a comment at the end of a line after white space and ;.
 *
 * A row's key is "key", or "section.key". An unknown, repeated, missing or out-of-range setting
 * is ERR_CONF (ERR_NOT_FOUND, ERR_PERMISSION... if the file cannot be read) and `why` names file,
 * line and reason in one French sentence for the operator. On any error the target is untouched.
 *
 *   #define AT(member) SETTING_AT(struct hub_conf, member)
 *   static const struct setting settings[] = {
 *       {"listen",   SET_TEXT,     AT(listen),     "tcp://127.0.0.1:7411", 1, 0, "where nodes
 * connect"},
 *       {"keep_for", SET_DURATION, AT(keep_for_s), "30d", 3600, 90 * 86400,      "undelivered
 * messages"},
 *   };
 *
 * Thread rule: pure functions over the caller's memory.
 */
#ifndef RELAIS_CONF_H
#define RELAIS_CONF_H

#include <stdbool.h>
#include <stdio.h>

#include "span.h"

enum {
    CONF_FILE_MAX = 65536,
    CONF_LINE_MAX = 190, /* bytes; inih cuts what is longer, so we refuse it */
    CONF_SETTINGS_MAX = 256,
    CONF_WHY_BYTES = 400, /* a `why` of this size is never cut short in its reason */
};

enum setting_kind {
    SET_TEXT,        /* char[]: UTF-8 without control characters; min and max count bytes */
    SET_PATH,        /* char[]: as text; a relative path starts at the file's directory */
    SET_UINT,        /* uint64_t, uint32_t or uint16_t: decimal */
    SET_SIZE,        /* same: bytes, with k m g for 2^10 2^20 2^30 */
    SET_DURATION,    /* same: whole seconds; "500ms" "30s" "5m" "2h" "30d", a bare 0 */
    SET_DURATION_MS, /* same: milliseconds */
    SET_BOOL,        /* bool: yes no true false on off */
};

struct setting {
    const char *key;
    enum setting_kind kind;
    size_t at;            /* offset in the target, and */
    size_t room;          /* size of the member: SETTING_AT() gives both */
    const char *standard; /* value if the file says nothing; NULL: the file must set it */
    uint64_t min;
    uint64_t max; /* 0: what the member can hold */
    const char *help;
};

#define SETTING_AT(type, member) offsetof(type, member), sizeof(((type *)NULL)->member)

enum err conf_read(const char *path, const struct setting *rows, size_t n, void *target, char *why,
                   size_t why_size);
/* Same from memory; `name` stands for the file in messages and gives the base of paths. */
enum err conf_parse(const char *name, struct span text, const struct setting *rows, size_t n,
                    void *target, char *why, size_t why_size);
/* The table's own values only; ERR_CONF names the first row without one, or a wrong table. */
enum err conf_defaults(const struct setting *rows, size_t n, void *target, char *why,
                       size_t why_size);
/* One setting, as a flag of the command line would: "key", "value". */
enum err conf_set(const char *key, const char *value, const struct setting *rows, size_t n,
                  void *target, char *why, size_t why_size);
void conf_print_help(FILE *out, const struct setting *rows, size_t n); /* a commented file */

#endif
