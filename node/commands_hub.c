/* The hub, for a node that cannot reach it: the keys log out of a file. */
#include <inttypes.h>
#include <string.h>

#include "commands_internal.h"
#include "contacts.h"
#include "courier.h"
#include "log.h"

/* One line of the file: a KEYS_PAGE in base64. */
static enum err page_line(struct node *n, struct span line)
{
    static struct message m; /* large, and of the loop's thread alone */
    struct bytes frame = {0};
    enum err e = base64_read(&frame, line, FRAME_MAX);

    if (!e && !(e = message_decode(bytes_span(&frame), SENT_BY_HUB, &m)))
        e = m.type == MSG_KEYS_PAGE ? contacts_page(n, &m.keys_page) : ERR_FIELD_VALUE;
    bytes_free(&frame);
    return e;
}

/* What each statement says is signed by others, and its order by the log's key: so the file may
 * have come by any way. */
enum err hub_keys(struct node *n, struct call *c)
{
    uint64_t before = contacts_keys_size(n);
    const char *text = arg_text(c, "file");
    struct span rest = span_text(text ? text : "");
    const struct span title = SPAN_STR(KEYS_FILE_TITLE "\n");
    enum err e = ERR_OK;

    if (!n->self.joined)
        return ERR_NOT_JOINED;
    if (n->alarm)
        return n->alarm;
    if (rest.len < title.len || memcmp(rest.ptr, title.ptr, title.len) != 0)
        return ERR_TEXT_FORM;
    rest = span_of(rest.ptr + title.len, rest.len - title.len);
    while (rest.len > 0 && !e) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;

        e = len ? page_line(n, span_of(rest.ptr, len)) : ERR_OK;
        len += end ? 1 : 0;
        rest = span_of(rest.ptr + len, rest.len - len);
    }
    log_info("hub.keys", "before=%" PRIu64 " size=%" PRIu64 " why=%s", before,
             contacts_keys_size(n), err_name(e));
    if (e)
        return e;
    return bytes_printf(&c->text,
                        "Annuaire relu : %" PRIu64 " déclaration(s) nouvelle(s), %" PRIu64
                        " en tout. La liaison reprend d'elle-même.",
                        contacts_keys_size(n) - before, contacts_keys_size(n));
}

enum err hub_resume(struct node *n, struct call *c)
{
    if (!n->courier)
        return ERR_NOT_JOINED;
    if (n->alarm)
        return n->alarm;
    courier_resume(n->courier);
    return bytes_printf(&c->text, "Nouvel essai de connexion au hub.");
}
