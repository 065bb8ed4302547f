/* Receipts as they came, and as files (outbox.h). */
#include "receipt.h"

#include <string.h>

#include "checkpoint.h"
#include "contacts.h"
#include "heads.h"
#include "meta.h"
#include "outbox.h"
#include "tlogproof.h"
#include "vault.h"

#define RECEIPT_KEY (ID_BYTES + 1 + ID_BYTES)

enum err receipts_put(struct node *n, struct txn *t, const uint8_t id[ID_BYTES], uint64_t type,
                      const uint8_t org[ID_BYTES], struct span receipt)
{
    uint8_t key[RECEIPT_KEY];

    memcpy(key, id, ID_BYTES);
    key[ID_BYTES] = (uint8_t)type;
    memcpy(key + ID_BYTES + 1, org, ID_BYTES);
    return vault_put(n->vault, t, TABLE_RECEIPT, NULL, SPAN_OF(key), receipt);
}

struct receipts_scan {
    receipts_visit_fn *visit;
    void *arg;
};

static enum err receipts_one(void *arg, struct span key, struct span receipt)
{
    struct receipts_scan *s = arg;

    if (key.len != RECEIPT_KEY)
        return ERR_CORRUPT;
    return s->visit(s->arg, key.ptr[ID_BYTES], key.ptr + ID_BYTES + 1, receipt);
}

enum err receipts_each(struct node *n, struct txn *t, const uint8_t id[ID_BYTES],
                       receipts_visit_fn *visit, void *arg)
{
    struct receipts_scan s = {visit, arg};
    uint8_t to[RECEIPT_KEY + 1];

    memcpy(to, id, ID_BYTES);
    memset(to + ID_BYTES, 0xff, sizeof to - ID_BYTES);
    return vault_scan(n->vault, t, TABLE_RECEIPT, span_of(id, ID_BYTES), SPAN_OF(to), SIZE_MAX,
                      receipts_one, &s);
}

enum err receipts_file(const struct node *n, struct span receipt, struct bytes *text)
{
    const struct pins *p = contacts_pins(n);
    char origin[ORIGIN_ROOM];
    struct bytes extra = {0};
    struct bytes note = {0};
    struct sign_public pk;
    struct receipt r;
    uint32_t epoch;
    enum err e;

    if (!p)
        return ERR_NOT_JOINED;
    if ((e = receipt_decode(receipt, &r)))
        return e;
    if ((e = contacts_epoch_of(n, &r.head, &epoch, &pk)))
        return e;
    audit_origin(p, epoch, origin);
    if ((e = receipt_extra_encode(&r, &extra)))
        goto out;
    if ((e = checkpoint_assemble(span_text(origin), r.head.size, r.head.root, &pk, r.head.sig,
                                 &note)))
        goto out;
    e = tlog_proof_write(bytes_span(&extra), r.index, &r.inclusion, bytes_span(&note), text);
out:
    bytes_free(&extra);
    bytes_free(&note);
    return e;
}
