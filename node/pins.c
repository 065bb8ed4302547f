/* What is pinned of a federation: the keys and addresses of the invitation, once genesis and
 * enrolment were found to agree with it. */
#include <string.h>

#include "contacts.h"
#include "meta.h"
#include "vault.h"

#define PIN_FIELDS 14

static void text_copy(char *out, size_t room, struct span text)
{
    size_t size = text.len < room ? text.len : room - 1;

    if (size)
        memcpy(out, text.ptr, size);
    out[size] = '\0';
}

enum err pins_put(struct node *n, struct txn *t, const struct pins *p)
{
    struct writer w;
    enum err e;

    wr_init(&w);
    wr_array(&w, PIN_FIELDS);
    wr_fixed(&w, p->federation, sizeof p->federation);
    wr_text(&w, span_text(p->name));
    wr_uint(&w, p->mode);
    wr_fixed(&w, p->hub_transport.b, KEY_BYTES);
    wr_fixed(&w, p->hub.b, KEY_BYTES);
    wr_fixed(&w, p->keys_log.b, KEY_BYTES);
    wr_fixed(&w, p->audit_log.b, KEY_BYTES);
    wr_fixed(&w, p->registrar.b, KEY_BYTES);
    wr_text(&w, span_text(p->endpoint));
    wr_fixed(&w, p->org, sizeof p->org);
    wr_fixed(&w, p->node, sizeof p->node);
    wr_text(&w, span_text(p->org_name));
    wr_fixed(&w, p->genesis, sizeof p->genesis);
    wr_nil(&w);
    if ((e = row_put(n, t, TABLE_PIN, NULL, SPAN_OF(p->federation), &w)))
        return e;
    return meta_put(n, t, "federation", SPAN_OF(p->federation));
}

static enum err pins_decode(struct span row, struct pins *p)
{
    struct reader r = reader_over(row);

    rd_array(&r, PIN_FIELDS);
    rd_fixed(&r, p->federation, sizeof p->federation);
    text_copy(p->name, sizeof p->name, rd_text(&r, FEDERATION_NAME_MAX));
    p->mode = rd_uint_between(&r, MODE_REAL, MODE_EXERCISE);
    rd_fixed(&r, p->hub_transport.b, KEY_BYTES);
    rd_fixed(&r, p->hub.b, KEY_BYTES);
    rd_fixed(&r, p->keys_log.b, KEY_BYTES);
    rd_fixed(&r, p->audit_log.b, KEY_BYTES);
    rd_fixed(&r, p->registrar.b, KEY_BYTES);
    text_copy(p->endpoint, sizeof p->endpoint, rd_text(&r, INVITATION_TEXT_MAX));
    rd_fixed(&r, p->org, sizeof p->org);
    rd_fixed(&r, p->node, sizeof p->node);
    text_copy(p->org_name, sizeof p->org_name, rd_text(&r, ORG_NAME_MAX));
    rd_fixed(&r, p->genesis, sizeof p->genesis);
    rd_nil(&r);
    return row_end(&r);
}

enum err pins_get(struct node *n, struct txn *t, struct pins *out)
{
    struct bytes id = {0};
    struct bytes row = {0};
    struct pins p = {0};
    enum err e;

    if ((e = meta_get(n, t, "federation", &id))) {
        e = e == ERR_NOT_FOUND ? ERR_NOT_JOINED : e;
        goto out;
    }
    if ((e = vault_get(n->vault, t, TABLE_PIN, NULL, bytes_span(&id), &row)))
        goto out;
    if ((e = pins_decode(bytes_span(&row), &p)))
        goto out;
    *out = p;
out:
    seal_bytes_free(&id);
    seal_bytes_free(&row);
    return e;
}
