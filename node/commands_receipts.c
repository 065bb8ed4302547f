/* What proves that a sheet was accepted, delivered, opened, as files that anybody can check
 * (relais-verify receipt). */
#include <stdio.h>
#include <string.h>

#include "commands_internal.h"
#include "courier.h"
#include "inbox.h"
#include "outbox.h"
#include "receipt.h"

struct mid_search {
    const char *typed;
    size_t out, in;
    uint8_t mid[ID_BYTES];
    struct in_status status;
};

static bool hex_begins(const char *typed, const uint8_t mid[ID_BYTES])
{
    struct bytes hex = {0};
    bool yes = hex_write(&hex, span_of(mid, ID_BYTES)) == ERR_OK &&
               strncmp((const char *)hex.ptr, typed, strlen(typed)) == 0;

    bytes_free(&hex);
    return yes;
}

static enum err search_out(void *arg, const struct out_status *s)
{
    struct mid_search *x = arg;

    if (!hex_begins(x->typed, s->mid))
        return ERR_OK;
    x->out++;
    memcpy(x->mid, s->mid, ID_BYTES);
    return ERR_OK;
}

static enum err search_in(void *arg, const struct in_status *s)
{
    struct mid_search *x = arg;

    if (!hex_begins(x->typed, s->mid))
        return ERR_OK;
    x->in++;
    x->status = *s;
    memcpy(x->mid, s->mid, ID_BYTES);
    return ERR_OK;
}

struct receipt_files {
    struct node *n;
    struct txn *t;
    struct call *c;
    json_t *list;
    char mid[2 * ID_BYTES + 1];
};

static const char *type_word(uint64_t type)
{
    switch (type) {
    case AUDIT_ACCEPTED:
        return "accepted";
    case AUDIT_DELIVERED:
        return "delivered";
    case AUDIT_OPENED:
        return "opened";
    case AUDIT_REFUSED:
        return "refused";
    case AUDIT_UNREADABLE:
        return "unreadable";
    case AUDIT_MISLABELLED:
        return "mislabelled";
    case AUDIT_EXPIRED:
        return "expired";
    case AUDIT_RECALLED:
        return "recalled";
    case AUDIT_STATEMENT:
        return "statement";
    case AUDIT_HELD:
        return "held";
    case AUDIT_DEPUTY:
        return "deputy";
    default:
        return "refused-by-hub";
    }
}

static enum err receipt_add(struct receipt_files *f, uint64_t type, const uint8_t org[ID_BYTES],
                            const char *grade, struct bytes *text)
{
    char name[128];
    enum err e = ERR_OK;

    snprintf(name, sizeof name, "%s-%s-%02x%02x%02x%02x%s.tlog-proof", f->mid, type_word(type),
             org[0], org[1], org[2], org[3], grade);
    if (json_array_append_new(f->list, json_pack("{s:s, s:o, s:s, s:o}", "type", type_word(type),
                                                 "org", json_hex(org, ID_BYTES), "file", name,
                                                 "text", json_span(bytes_span(text)))))
        e = ERR_NOMEM;
    if (!e)
        e = bytes_printf(&f->c->text, "%s\n", name);
    bytes_free(text);
    return e;
}

/* As it came, and once witnesses have cosigned a head beyond it, under that head. */
static enum err receipt_one(void *arg, uint64_t type, const uint8_t org[ID_BYTES],
                            struct span receipt)
{
    struct receipt_files *f = arg;
    struct bytes text = {0};
    enum err e = receipts_file(f->n, receipt, &text);

    if (e || (e = receipt_add(f, type, org, "", &text)))
        return e;
    e = attest_file(f->n, f->t, receipt, &text);
    return e ? (e == ERR_AGAIN ? ERR_OK : e) : receipt_add(f, type, org, "-atteste", &text);
}

static enum err receipts_of(struct node *n, struct txn *t, struct call *c, struct mid_search *x,
                            json_t *list)
{
    struct receipt_files f = {.n = n, .t = t, .c = c, .list = list};
    struct bytes receipt = {0};
    enum err e;

    if ((e = outbox_each(n, t, search_out, x)) || (e = inbox_each(n, t, search_in, x)))
        return e;
    if (x->out + x->in != 1)
        return x->out + x->in == 0 ? ERR_NOT_FOUND : ERR_USAGE;
    for (int i = 0; i < ID_BYTES; i++)
        snprintf(f.mid + 2 * i, 3, "%02x", x->mid[i]);
    if ((e = receipts_each(n, t, x->mid, receipt_one, &f)) || x->in == 0)
        return e;
    if (!(e = inbox_receipt(n, t, &x->status, &receipt)))
        e = receipt_one(&f, AUDIT_ACCEPTED, x->status.from, bytes_span(&receipt));
    bytes_free(&receipt);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err receipts_run(struct node *n, struct call *c)
{
    struct mid_search x = {.typed = arg_text(c, "mid")};
    json_t *list = json_array();
    struct txn *t = NULL;
    enum err e = x.typed && strlen(x.typed) >= 4 ? ERR_OK : ERR_USAGE;

    if (!e && !(e = store_begin(n->store, TXN_READ, &t)))
        e = receipts_of(n, t, c, &x, list);
    store_abort(&t);
    if (json_object_set_new(c->data, "receipts", list))
        return ERR_NOMEM;
    return e;
}
