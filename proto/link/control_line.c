/* control_line - see control_line.h. */
#include "control_line.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"

/* Before the parser builds anything: brackets outside strings never nest deeper than allowed. */
static int shallow(struct span text)
{
    size_t depth = 0;
    int in_string = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > CONTROL_DEPTH_MAX)
            return 0;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return 1;
}

static enum err read_error(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return ERR_DUPLICATE_KEY;
    case json_error_invalid_utf8:
        return ERR_UTF8;
    case json_error_out_of_memory:
        return ERR_NOMEM;
    default:
        return ERR_TEXT_FORM;
    }
}

enum err line_read(struct span text, json_t **out)
{
    json_error_t error;
    json_t *value;

    if (text.len > CONTROL_LINE_MAX)
        return ERR_SIZE;
    if (!shallow(text))
        return ERR_DEPTH;
    value = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                       &error);
    if (!value)
        return read_error(&error);
    if (!json_is_object(value)) {
        json_decref(value);
        return ERR_TYPE;
    }
    *out = value;
    return ERR_OK;
}

enum err line_write(struct bytes *out, const json_t *object)
{
    char *text;
    enum err e;

    if (!json_is_object(object))
        return ERR_TYPE;
    if (!(text = json_dumps(object, JSON_COMPACT)))
        return ERR_NOMEM;
    e = strlen(text) > CONTROL_LINE_MAX ? ERR_SIZE : bytes_reserve(out, strlen(text) + 1);
    if (!e)
        e = bytes_append(out, span_text(text));
    if (!e)
        e = bytes_append(out, SPAN_STR("\n"));
    free(text);
    return e;
}

json_t *control_error(enum err why)
{
    return json_pack("{s:s,s:i,s:s}", "error", err_name(why), "code", (int)why, "text",
                     err_text(why));
}
