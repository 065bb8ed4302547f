/* The epochs of the audit log: each a log of its own, in the same tables. A new one begins when a
 * restored hub has lost leaves that others have seen (PROTOCOL.md 10.5). */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "log.h"

#define ROW "epochs" /* of TABLE_META: u32 numbers in order; absent: the first alone */

static const struct ledger_tables audit_tables = {TABLE_A_ENTRY, TABLE_A_SIDE, TABLE_A_TILE,
                                                  TABLE_A_ROOT, 0};

void epochs_close(struct core *c)
{
    for (size_t i = 0; i < c->epoch_count; i++)
        ledger_close(c->epochs[i].ledger);
    c->epoch_count = 0;
    c->audit = NULL;
}

static enum err epoch_open(struct core *c, uint32_t number)
{
    struct span name = c->id->federation.name;
    struct ledger_tables tables = audit_tables;
    struct epoch *at = &c->epochs[c->epoch_count];
    enum err e;

    if (c->epoch_count == EPOCHS_MAX)
        return ERR_ITEMS;
    *at = (struct epoch){.number = number};
    snprintf(at->origin, sizeof at->origin, "%.*s/audit/%u", (int)name.len, (const char *)name.ptr,
             (unsigned)number);
    tables.epoch = (uint32_t)c->epoch_count;
    if ((e = ledger_open(c->store, &tables, span_text(at->origin), &at->ledger)))
        return e;
    c->epoch_count++;
    c->audit = at->ledger;
    return ERR_OK;
}

static enum err numbers_read(struct core *c, uint32_t out[EPOCHS_MAX], size_t *count)
{
    struct txn *t = NULL;
    struct span row;
    enum err e = store_begin(c->store, TXN_READ, &t);

    if (e)
        return e;
    e = store_get(t, TABLE_META, SPAN_STR(ROW), &row);
    *count = 1;
    out[0] = c->id->epoch;
    if (e == ERR_NOT_FOUND) {
        e = ERR_OK;
    } else if (!e && (row.len % 4 != 0 || row.len < 4 || row.len > 4 * EPOCHS_MAX)) {
        e = ERR_CORRUPT;
    } else if (!e) {
        *count = row.len / 4;
        for (size_t i = 0; i < *count; i++)
            out[i] = be32_read(row.ptr + 4 * i);
    }
    store_abort(&t);
    return e;
}

enum err epochs_open(struct core *c)
{
    uint32_t numbers[EPOCHS_MAX];
    size_t count;
    enum err e;

    epochs_close(c);
    if ((e = numbers_read(c, numbers, &count)))
        return e;
    for (size_t i = 0; i < count && !e; i++)
        e = epoch_open(c, numbers[i]);
    return e;
}

const struct epoch *epoch_now(const struct core *c)
{
    return &c->epochs[c->epoch_count - 1];
}

const struct epoch *epoch_numbered(const struct core *c, uint32_t number)
{
    for (size_t i = 0; i < c->epoch_count; i++)
        if (c->epochs[i].number == number)
            return &c->epochs[i];
    return NULL;
}

uint64_t leaf_place(const struct core *c, uint64_t index)
{
    return (uint64_t)(c->epoch_count - 1) << PLACE_SHIFT | index;
}

enum err place_read(const struct core *c, uint64_t place, const struct epoch **epoch,
                    uint64_t *index)
{
    uint64_t ordinal = place >> PLACE_SHIFT;

    if (ordinal >= c->epoch_count)
        return ERR_CORRUPT;
    *epoch = &c->epochs[ordinal];
    *index = place & ((UINT64_C(1) << PLACE_SHIFT) - 1);
    return ERR_OK;
}

enum err epoch_add(struct core *c)
{
    uint8_t row[4 * EPOCHS_MAX];
    uint32_t number = epoch_now(c)->number + 1;
    enum err e;

    if (number > EPOCH_MAX)
        return ERR_RANGE;
    if ((e = epoch_open(c, number)))
        return e;
    heads_forget(c->heads);
    witnessing_epoch(c);
    for (size_t i = 0; i < c->epoch_count; i++)
        be32_write(c->epochs[i].number, row + 4 * i);
    return store_put(c->t, TABLE_META, SPAN_STR(ROW), span_of(row, 4 * c->epoch_count));
}

void epochs_committed(struct core *c)
{
    for (size_t i = 0; i < c->epoch_count; i++)
        ledger_committed(c->epochs[i].ledger);
}

/* Connections are closed by binding anew: what is said in them speaks of the former epoch. */
static enum err everybody_again(struct core *c)
{
    struct parcel *p = calloc(1, sizeof *p);

    if (!p)
        return ERR_NOMEM;
    p->kind = PARCEL_AGAIN;
    return core_stage(c, p);
}

enum err epoch_turn(struct core *c)
{
    struct detail d = {.has = RD_KEY(DETAIL_EPOCH) | RD_KEY(DETAIL_COMMON) |
                              RD_KEY(DETAIL_COMMON_ROOT) | RD_KEY(DETAIL_LOST),
                       .epoch = epoch_now(c)->number,
                       .common = ledger_size(c->audit),
                       .lost = ledger_size(c->audit)};
    uint64_t index;
    enum err e;

    if ((e = ledger_root(c->audit, c->t, d.common, d.common_root)) || (e = core_head_row(c)))
        return e;
    if ((e = epoch_add(c)) || (e = audit_add(c, AUDIT_EPOCH, &d, &index)))
        return e;
    log_info("audit.epoch", "new=%u common=%llu", epoch_now(c)->number,
             (unsigned long long)d.common);
    return everybody_again(c);
}

enum err epoch_opening(struct core *c, struct bytes *out)
{
    if (c->epoch_count == 1) {
        bytes_free(out);
        return ERR_OK;
    }
    return audit_receipt(c, c->t, leaf_place(c, 0), NULL, out);
}
