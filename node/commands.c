#include "commands_internal.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "words.h"

struct table {
    const struct command *rows;
    const size_t *count;
};

static const struct table tables[] = {
    {node_commands,   &node_command_count  },
    {circle_commands, &circle_command_count},
    {care_commands,   &care_command_count  },
};

const struct command *command_at(size_t i)
{
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        if (i < *tables[k].count)
            return &tables[k].rows[i];
        i -= *tables[k].count;
    }
    return NULL;
}

const struct command *command_find(const char *name)
{
    const struct command *row;

    for (size_t i = 0; (row = command_at(i)); i++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

void standing_free(struct standing_call *s)
{
    if (!s)
        return;
    json_decref(s->call.data);
    json_decref(s->no_args);
    seal_bytes_free(&s->call.text);
    free(s);
}

static json_t *text_of(const struct call *c, enum err why)
{
    if (c->text.len > 0 && (!why || c->done))
        return json_stringn((const char *)c->text.ptr, c->text.len);
    return json_string(why ? word_error(why) : "Fait.");
}

json_t *call_answer(struct call *c, enum err why)
{
    json_t *answer = json_object();
    int bad = 0;

    if (why) {
        bad |= json_object_set_new(answer, "error", json_string(err_name(why)));
        bad |= json_object_set_new(answer, "code", json_integer((json_int_t)why));
        if (*word_article(why))
            bad |= json_object_set_new(answer, "article", json_string(word_article(why)));
    } else {
        bad |= json_object_set_new(answer, "ok", json_true());
    }
    bad |= json_object_set_new(answer, "text", text_of(c, why));
    bad |= json_object_set(answer, "data", c->data);
    if (!bad)
        return answer;
    json_decref(answer);
    return control_error(ERR_NOMEM);
}

/* --- running -----------------------------------------------------------------------------------
 */

static enum err standing_make(const json_t *body, struct control_request *request, int file,
                              struct standing_call **out)
{
    struct standing_call *s = calloc(1, sizeof *s);
    const json_t *args = json_object_get(body, "args");

    if (!s)
        return ERR_NOMEM;
    s->call.data = json_object();
    s->no_args = json_object();
    s->call.args = json_is_object(args) ? args : s->no_args;
    s->call.request = request;
    s->call.file = file;
    if (!s->call.data || !s->no_args) {
        standing_free(s);
        return ERR_NOMEM;
    }
    *out = s;
    return args && !json_is_object(args) ? ERR_USAGE : ERR_OK;
}

/* The one place where rights and the acting professional are checked. */
static enum err allowed(const struct command *row, const json_t *body, unsigned rights,
                        struct standing_call *s)
{
    const json_t *actor = json_object_get(body, "actor");
    enum err e;

    if ((row->right & rights) != row->right)
        return ERR_PERMISSION;
    if (!actor || json_is_null(actor))
        return row->needs_actor ? ERR_ACTOR : ERR_OK;
    if ((e = actor_read(actor, &s->actor)))
        return e;
    s->call.actor = &s->actor;
    return ERR_OK;
}

void command_run(struct node *n, const json_t *body, unsigned rights,
                 struct control_request *request, int file, json_t **answer)
{
    const char *name = json_string_value(json_object_get(body, "cmd"));
    const struct command *row = name ? command_find(name) : NULL;
    struct standing_call *s = NULL;
    enum err e;

    *answer = NULL;
    e = standing_make(body, request, file, &s);
    if (!e)
        e = row ? allowed(row, body, rights, s) : ERR_USAGE;
    if (!e)
        e = row->run(n, &s->call);
    if (!e && s->call.waits)
        return; /* call_end() answers and frees */
    if (e)
        log_info("command.refused", "cmd=%s why=%s", row ? row->name : "?", err_name(e));
    *answer = s ? call_answer(&s->call, e) : control_error(e);
    if (!*answer)
        *answer = json_null();
    standing_free(s);
}
