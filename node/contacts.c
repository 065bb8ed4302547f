#include "contacts_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "heads.h"
#include "meta.h"
#include "vault.h"

const struct pins *contacts_pins(const struct node *n)
{
    return n->contacts->joined ? &n->contacts->pins : NULL;
}

const struct directory *contacts_directory(const struct node *n)
{
    return n->contacts->dir;
}

uint64_t contacts_keys_size(const struct node *n)
{
    return directory_size(n->contacts->dir);
}

void contacts_heads(const struct node *n, struct ckpt *keys, struct ckpt *audit)
{
    *keys = n->contacts->keys;
    *audit = n->contacts->audit;
}

void contacts_newest(const struct node *n, struct ckpt *keys, struct ckpt *audit)
{
    *keys = n->contacts->keys;
    *audit = n->contacts->newest;
}

struct span contacts_org_name(const struct node *n, const uint8_t org[ID_BYTES])
{
    const struct directory_org *o = directory_find_org(n->contacts->dir, org);

    return o ? o->name : span_text("");
}

bool contacts_org_active(const struct node *n, const uint8_t org[ID_BYTES])
{
    const struct directory *d = n->contacts->dir;
    const struct directory_org *o = directory_find_org(d, org);

    return o && directory_org_state(d, o, DIRECTORY_NOW, node_now_ms(n)) == DIRECTORY_ACTIVE;
}

struct circle_signers contacts_signers(struct node *n)
{
    return (struct circle_signers){.find = signer_ever, .arg = n};
}

/* --- loading --------------------------------------------------------------------------------- */

enum err head_load(struct node *n, struct txn *t, const char *name, struct ckpt *out)
{
    struct bytes row = {0};
    struct ckpt head = {0};
    enum err e = meta_get(n, t, name, &row);

    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (!e) {
        struct reader r = reader_over(bytes_span(&row));

        rd_ckpt(&r, &head);
        e = row_end(&r);
    }
    if (!e)
        *out = head;
    seal_bytes_free(&row);
    return e;
}

static enum err replay(struct contacts *c, struct txn *t)
{
    uint64_t size = ledger_size(c->ledger);
    enum err e = ERR_OK;

    for (uint64_t i = 0; i < size && !e; i++) {
        struct span entry;
        struct span side;

        if (!(e = ledger_entry(c->ledger, t, i, &entry, &side, NULL)))
            e = directory_apply(c->dir, i, 0, entry);
    }
    return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CORRUPT;
}

static enum err ledger_make(struct node *n, struct contacts *c)
{
    struct ledger_tables tables = {TABLE_K_ENTRY, TABLE_K_SIDE, TABLE_K_TILE, TABLE_K_ROOT,
                                   KEYS_EPOCH};
    char origin[ORIGIN_ROOM];

    keys_origin(&c->pins, origin);
    return ledger_open(n->store, &tables, span_text(origin), &c->ledger);
}

static void self_fill(struct node *n, const struct pins *p)
{
    n->self.joined = true;
    memcpy(n->self.org, p->org, ID_BYTES);
    memcpy(n->self.node, p->node, ID_BYTES);
    memcpy(n->self.federation, p->federation, ID_BYTES);
    n->self.mode = p->mode;
    sign_kid(secret_sign_public(n->sign), n->self.kid);
    snprintf(n->self.org_name, sizeof n->self.org_name, "%s", p->org_name);
    snprintf(n->self.federation_name, sizeof n->self.federation_name, "%s", p->name);
}

static enum err load(struct node *n, struct contacts *c)
{
    struct txn *t = NULL;
    uint64_t alarm;
    enum err e;

    if ((e = directory_new(DIRECTORY_STATEMENT_TIME, &n->entropy, &c->dir)))
        return e;
    if ((e = store_begin(n->store, TXN_READ, &t)))
        return e;
    e = pins_get(n, t, &c->pins);
    c->joined = e == ERR_OK;
    if (e && e != ERR_NOT_JOINED)
        goto out;
    if ((e = meta_get_u64(n, t, "alarm", ERR_OK, &alarm)))
        goto out;
    n->alarm = (enum err)alarm;
    if (!c->joined)
        goto out;
    self_fill(n, &c->pins);
    if ((e = head_load(n, t, "keys_head", &c->keys)) || (e = audit_load(n, t, c)))
        goto out;
    if ((e = ledger_make(n, c)))
        goto out;
    e = replay(c, t);
out:
    store_abort(&t);
    return e;
}

static void unload(struct contacts *c)
{
    ledger_close(c->ledger);
    directory_free(c->dir);
    evidence_free(c);
    free(c->fresh);
    *c = (struct contacts){0};
}

enum err contacts_open(struct node *n, struct contacts **out)
{
    struct contacts *c = calloc(1, sizeof *c);
    enum err e;

    if (!c)
        return ERR_NOMEM;
    if ((e = load(n, c))) {
        contacts_close(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void contacts_close(struct contacts *c)
{
    if (!c)
        return;
    unload(c);
    free(c);
}

enum err contacts_reload(struct node *n)
{
    struct contacts fresh = {0};
    enum err e = load(n, &fresh);

    if (e) {
        unload(&fresh);
        return e; /* the old stands: it is older than the store at worst, never newer */
    }
    fresh.unwritten = n->contacts->unwritten;
    n->contacts->unwritten = (struct evidence){0};
    fresh.fresh = n->contacts->fresh; /* seen, and in no transaction yet */
    fresh.fresh_count = n->contacts->fresh_count;
    fresh.fresh_cap = n->contacts->fresh_cap;
    n->contacts->fresh = NULL;
    unload(n->contacts);
    *n->contacts = fresh;
    return ERR_OK;
}

/* --- pages of the keys log ---------------------------------------------------------------------
 */

enum err genesis_pin(struct span ss, uint8_t out[32])
{
    return digest_of("relais/pin", ss, out, DIGEST_256);
}

static enum err page_entry(struct node *n, struct txn *t, uint64_t i, struct span ss)
{
    struct contacts *c = n->contacts;
    uint8_t pin[32];
    uint64_t at;
    enum err e;

    if (i == 0) {
        if ((e = genesis_pin(ss, pin)))
            return e;
        if (memcmp(pin, c->pins.genesis, sizeof pin) != 0)
            return ERR_SPLIT_VIEW;
    }
    if ((e = directory_apply(c->dir, i, 0, ss)))
        return e;
    return ledger_append(c->ledger, t, ss, span_text(""), &at);
}

enum err head_keep(struct node *n, struct txn *t, const char *name, const struct ckpt *head)
{
    struct bytes row = {0};
    enum err e = head_bytes(head, &row);

    if (!e)
        e = meta_put(n, t, name, bytes_span(&row));
    bytes_free(&row);
    return e;
}

/* Root of our own replica at the size of the head, against the head's. */
static enum err root_compare(struct contacts *c, struct txn *t, const struct ckpt *head)
{
    struct ckpt ours = {.size = head->size};
    enum err e = ledger_root(c->ledger, t, head->size, ours.root);

    if (e)
        return e;
    return head_same(&ours, head) ? ERR_OK : ERR_SPLIT_VIEW;
}

static enum err page_take(struct node *n, struct txn *t, const struct msg_keys_page *page)
{
    struct contacts *c = n->contacts;
    struct sign_public pk;
    enum err e;

    for (size_t i = directory_size(c->dir) - page->from; i < page->n; i++)
        if ((e = page_entry(n, t, page->from + i, page->ss[i])))
            return e;
    if (page->head.size != ledger_size(c->ledger))
        return ERR_RANGE;
    if ((e = keys_signer(c, &page->head, &pk))) /* by what the page itself may have brought */
        return e;
    if ((e = root_compare(c, t, &page->head)))
        return e;
    return head_keep(n, t, "keys_head", &page->head);
}

enum err contacts_page(struct node *n, const struct msg_keys_page *page)
{
    struct contacts *c = n->contacts;
    struct txn *t = NULL;
    enum err e;

    if (!c->joined)
        return ERR_NOT_JOINED;
    if (page->from > directory_size(c->dir))
        return ERR_RANGE;
    if (page->from + page->n <= directory_size(c->dir))
        return page->n == 0 ? contacts_see_keys(n, &page->head)
                            : keys_head_check(n, &page->head, "keys page");
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = page_take(n, t, page)) && !(e = store_commit(&t))) {
        ledger_committed(c->ledger);
        c->keys = page->head;
        return ERR_OK;
    }
    store_abort(&t);
    if (contacts_reload(n))
        return ERR_INTERNAL;
    if (e == ERR_SPLIT_VIEW)
        return two_histories(n, e, "keys page", &n->contacts->keys, &page->head);
    return e;
}

/* --- heads -------------------------------------------------------------------------------------
 */

enum err keys_head_check(struct node *n, const struct ckpt *head, const char *what)
{
    struct contacts *c = n->contacts;
    struct sign_public pk;
    struct txn *t = NULL;
    enum err e;

    if (head->size > ledger_committed_size(c->ledger))
        return ERR_OK; /* ahead of us, and perhaps under a key we have not read of: the page tells
                        */
    if ((e = keys_signer(c, head, &pk)))
        return e;
    if ((e = store_begin(n->store, TXN_READ, &t)))
        return e;
    e = root_compare(c, t, head);
    store_abort(&t);
    return e == ERR_SPLIT_VIEW ? two_histories(n, e, what, &c->keys, head) : e;
}

enum err contacts_note_keys(struct node *n, const struct ckpt *head)
{
    return n->contacts->joined ? keys_head_check(n, head, "keys head") : ERR_NOT_JOINED;
}

/* What the hub says its log is now: no less than what it said before. */
enum err contacts_see_keys(struct node *n, const struct ckpt *head)
{
    struct contacts *c = n->contacts;
    enum err e;

    if (!c->joined)
        return ERR_NOT_JOINED;
    if ((e = keys_head_check(n, head, "keys head")))
        return e;
    if (head->size < ledger_committed_size(c->ledger))
        return two_histories(n, ERR_ROLLBACK, "keys head", &c->keys, head);
    return ERR_OK;
}

/* --- for a hub that has lost them --------------------------------------------------------------
 */

enum err contacts_keys_give(struct node *n, const struct msg_keys *asked,
                            enum err (*give)(void *arg, const struct message *page), void *arg)
{
    static struct message m; /* large, and of the loop's thread alone */
    struct contacts *c = n->contacts;
    struct msg_keys_page *p = &m.keys_page;
    struct txn *t = NULL;
    enum err e;

    if (!c->joined || asked->from >= c->keys.size ||
        c->keys.size - asked->from > PAGE_ITEMS_MAX) /* the one head we have is at our end */
        return ERR_RANGE;
    m = (struct message){.type = MSG_KEYS_PAGE};
    p->req = asked->req;
    p->from = asked->from;
    p->head = c->keys;
    p->n = c->keys.size - asked->from;
    if ((e = store_begin(n->store, TXN_READ, &t)))
        return e;
    for (size_t i = 0; i < p->n && !e; i++) {
        struct span side;

        e = ledger_entry(c->ledger, t, p->from + i, &p->ss[i], &side, NULL);
    }
    if (!e)
        e = give(arg, &m);
    store_abort(&t);
    return e;
}
