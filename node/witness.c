#include "witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "contacts.h"
#include "heads.h"
#include "log.h"
#include "meta.h"
#include "vault.h"

#define KEY_NAME "witness"
#define AGAIN_S 3600 /* the same head is cosigned again: so it stays fresh when nothing grows */
#define LOGS 2

struct witness {
    struct own {
        struct msg_cosign last; /* on disk; time_s 0: none */
        bool to_say;
        uint32_t epoch; /* of `announced` */
        struct ckpt announced;
        uint32_t attested_epoch;
        struct cosigned attested;
        uint64_t attested_s;
    } log[LOGS];
};

/* --- the key ----------------------------------------------------------------------------------
 */

enum err witness_key_make(struct keyring *ring, const struct entropy *source)
{
    struct secret_sign *key = NULL;
    struct secret32 *seed = NULL;
    enum err e;

    if (!(e = secret_sign_generate(source, &key)) && !(e = secret_sign_seed(key, &seed)))
        e = keyring_add(ring, KEY_NAME, seed);
    secret_sign_free(key);
    secret32_free(seed);
    return e;
}

enum err witness_key_renew(struct keyring *ring, const struct entropy *source)
{
    enum err e = keyring_remove(ring, KEY_NAME);

    if (e && e != ERR_NOT_FOUND)
        return e;
    if ((e = witness_key_make(ring, source)))
        return e;
    return keyring_save(ring, source);
}

enum err witness_key_open(const struct keyring *ring, struct secret_sign **out)
{
    struct secret32 *seed = NULL;
    enum err e;

    if ((e = keyring_get(ring, KEY_NAME, &seed)))
        return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
    e = secret_sign_from_seed(seed, out);
    secret32_free(seed);
    return e;
}

enum err witness_key_due(struct node *n, struct bytes *ss)
{
    const struct directory_node *me = directory_find_node(contacts_directory(n), n->self.node);
    struct witness_key_statement s = {.ts_ms = node_now_ms(n)};

    if (!n->self.joined || !me ||
        (me->witness_number > 0 &&
         memcmp(me->witness.b, secret_sign_public(n->witness)->b, KEY_BYTES) == 0))
        return ERR_AGAIN;
    memcpy(s.federation, n->self.federation, ID_BYTES);
    memcpy(s.org, n->self.org, ID_BYTES);
    memcpy(s.node, n->self.node, ID_BYTES);
    s.number = me->witness_number + 1;
    s.pk = *secret_sign_public(n->witness);
    return witness_key_sign(&s, n->sign, ss);
}

/* --- rows -------------------------------------------------------------------------------------
 */

static const char *row_name(uint32_t log, bool attested)
{
    if (log == LOG_KEYS)
        return attested ? "attested_keys" : "cosigned_keys";
    return attested ? "attested_audit" : "cosigned_audit";
}

static enum err last_load(struct node *n, struct txn *t, uint32_t log, struct msg_cosign *out)
{
    struct bytes row = {0};
    struct msg_cosign s = {.of.log = log};
    enum err e = meta_get(n, t, row_name(log, false), &row);

    if (!e) {
        struct reader r = reader_over(bytes_span(&row));

        rd_array(&r, 5);
        s.of.epoch = rd_u32(&r, EPOCH_MAX);
        s.size = rd_uint(&r, UINT64_MAX);
        rd_fixed(&r, s.root, sizeof s.root);
        s.time_s = rd_uint(&r, UINT64_MAX);
        rd_fixed(&r, s.sig, sizeof s.sig);
        e = row_end(&r);
    }
    seal_bytes_free(&row);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    *out = s;
    return ERR_OK;
}

static enum err last_put(struct node *n, struct txn *t, const struct msg_cosign *s)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, 5);
    wr_uint(&w, s->of.epoch);
    wr_uint(&w, s->size);
    wr_fixed(&w, s->root, sizeof s->root);
    wr_uint(&w, s->time_s);
    wr_fixed(&w, s->sig, sizeof s->sig);
    return row_put(n, t, TABLE_META, NULL, span_text(row_name(s->of.log, false)), &w);
}

static enum err attested_load(struct node *n, struct txn *t, uint32_t log, struct own *out)
{
    struct cosigned c = {0};
    struct bytes row = {0};
    uint32_t epoch = 0;
    uint64_t time_s = 0;
    enum err e = meta_get(n, t, row_name(log, true), &row);

    if (!e) {
        struct reader r = reader_over(bytes_span(&row));

        rd_array(&r, 4);
        epoch = rd_u32(&r, EPOCH_MAX);
        time_s = rd_uint(&r, UINT64_MAX);
        rd_ckpt(&r, &c.head);
        c.n = rd_array_between(&r, 1, WITNESSES_MAX);
        for (size_t i = 0; i < c.n && !rd_error(&r); i++) {
            rd_array(&r, 3);
            rd_fixed(&r, c.by[i].node, ID_BYTES);
            c.by[i].time_s = rd_uint(&r, UINT64_MAX);
            rd_fixed(&r, c.by[i].sig, sizeof c.by[i].sig);
        }
        e = row_end(&r);
    }
    seal_bytes_free(&row);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    out->attested = c;
    out->attested_epoch = epoch;
    out->attested_s = time_s;
    return ERR_OK;
}

static enum err attested_put(struct node *n, struct txn *t, uint32_t log, uint32_t epoch,
                             uint64_t time_s, const struct cosigned *c)
{
    struct writer w;

    wr_init(&w);
    wr_array(&w, 4);
    wr_uint(&w, epoch);
    wr_uint(&w, time_s);
    wr_ckpt(&w, &c->head);
    wr_array(&w, c->n);
    for (size_t i = 0; i < c->n; i++) {
        wr_array(&w, 3);
        wr_fixed(&w, c->by[i].node, ID_BYTES);
        wr_uint(&w, c->by[i].time_s);
        wr_fixed(&w, c->by[i].sig, sizeof c->by[i].sig);
    }
    return row_put(n, t, TABLE_META, NULL, span_text(row_name(log, true)), &w);
}

enum err witness_open(struct node *n, struct witness **out)
{
    struct witness *w = calloc(1, sizeof *w);
    struct txn *t = NULL;
    enum err e = w ? store_begin(n->store, TXN_READ, &t) : ERR_NOMEM;

    for (uint32_t log = LOG_KEYS; log <= LOG_AUDIT && !e; log++)
        if (!(e = last_load(n, t, log, &w->log[log - 1].last)))
            e = attested_load(n, t, log, &w->log[log - 1]);
    store_abort(&t);
    if (e) {
        witness_close(w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

void witness_close(struct witness *w)
{
    free(w);
}

/* --- what the hub announces -------------------------------------------------------------------
 */

static void origin_of(const struct node *n, uint32_t log, uint32_t epoch, char out[ORIGIN_ROOM])
{
    if (log == LOG_KEYS)
        keys_origin(contacts_pins(n), out);
    else
        audit_origin(contacts_pins(n), epoch, out);
}

static int newest_first(const void *a, const void *b)
{
    uint64_t x = ((const struct cosignature *)a)->time_s;
    uint64_t y = ((const struct cosignature *)b)->time_s;

    return x < y ? 1 : x > y ? -1 : 0;
}

static bool counted(const struct cosigned *c, const uint8_t node[ID_BYTES])
{
    for (size_t i = 0; i < c->n; i++)
        if (memcmp(c->by[i].node, node, ID_BYTES) == 0)
            return true;
    return false;
}

/* Those of them that are really by witnesses of the set, each once. ERR_NOMEM: who knows. */
static enum err cosigned_check(const struct node *n, const char *origin,
                               const struct cosigned *said, struct cosigned *out)
{
    const struct directory *d = contacts_directory(n);

    *out = (struct cosigned){.head = said->head};
    for (size_t i = 0; i < said->n; i++) {
        const struct cosignature *one = &said->by[i];
        const struct directory_node *node = directory_find_node(d, one->node);
        enum err e;

        if (!node || !directory_is_witness(d, node) || counted(out, one->node))
            continue;
        e = cosignature_verify(span_text(origin), said->head.size, said->head.root, one->time_s,
                               &node->witness, one->sig);
        if (e == ERR_NOMEM)
            return e;
        if (e)
            log_limited(LEVEL_WARN, "witness.cosignature", "why=%s", err_name(e));
        else
            out->by[out->n++] = *one;
    }
    qsort(out->by, out->n, sizeof out->by[0], newest_first);
    return ERR_OK;
}

/* Does it tell more than what we have? Times are whole seconds: two sizes may share one. */
static bool is_further(const struct own *own, uint32_t epoch, uint64_t size, uint64_t time_s)
{
    if (own->attested.n == 0 || epoch != own->attested_epoch)
        return true;
    if (size != own->attested.head.size)
        return size > own->attested.head.size;
    return time_s > own->attested_s;
}

static enum err attested_keep(struct node *n, uint32_t log, uint32_t epoch,
                              const struct cosigned *said)
{
    const struct directory_witnesses *set = directory_witnesses(contacts_directory(n));
    struct own *own = &n->watch->log[log - 1];
    char origin[ORIGIN_ROOM];
    struct cosigned good;
    struct txn *t = NULL;
    uint64_t time_s;
    enum err e;

    if (!set || said->n == 0)
        return ERR_OK;
    if ((e = log == LOG_KEYS ? contacts_note_keys(n, &said->head)
                             : contacts_note_audit(n, epoch, &said->head)))
        return e;
    if (log == LOG_KEYS && said->head.size > contacts_keys_size(n))
        return ERR_OK; /* its history is not read yet */
    origin_of(n, log, epoch, origin);
    if ((e = cosigned_check(n, origin, said, &good)))
        return e;
    if (good.n < set->quorum)
        return ERR_OK;
    time_s = good.by[set->quorum - 1].time_s;
    if (!is_further(own, epoch, said->head.size, time_s))
        return ERR_OK;
    if (epoch == own->attested_epoch && time_s < own->attested_s)
        time_s = own->attested_s; /* of a longer log: what is known of its beginning stays known */
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = attested_put(n, t, log, epoch, time_s, &good)))
        e = store_commit(&t);
    store_abort(&t);
    if (e)
        return e;
    own->attested = good;
    own->attested_epoch = epoch;
    own->attested_s = time_s;
    return ERR_OK;
}

enum err witness_announced(struct node *n, const struct msg_heads *h)
{
    struct own *keys = &n->watch->log[LOG_KEYS - 1];
    struct own *audit = &n->watch->log[LOG_AUDIT - 1];
    enum err e;

    if ((e = contacts_note_keys(n, &h->keys)) || (e = contacts_note_audit(n, h->epoch, &h->audit)))
        return e;
    keys->announced = h->keys;
    audit->announced = h->audit;
    audit->epoch = h->epoch;
    if ((e = attested_keep(n, LOG_KEYS, 0, &h->keys_seen)))
        return e;
    return attested_keep(n, LOG_AUDIT, h->epoch, &h->audit_seen);
}

/* --- cosigning --------------------------------------------------------------------------------
 */

static bool is_witness(const struct node *n)
{
    const struct directory *d = contacts_directory(n);
    const struct directory_node *me = directory_find_node(d, n->self.node);

    return me && directory_is_witness(d, me) &&
           memcmp(me->witness.b, secret_sign_public(n->witness)->b, KEY_BYTES) == 0;
}

/* Is what was announced of our history, and news to those who read cosignatures? */
static bool is_due(struct node *n, uint32_t log)
{
    const struct own *own = &n->watch->log[log - 1];
    const struct msg_cosign *last = &own->last;
    bool same_log = last->time_s > 0 && last->of.epoch == own->epoch;
    uint64_t now_s = node_now_ms(n) / 1000;

    if (own->announced.size == 0 || (same_log && own->announced.size < last->size))
        return false;
    if (same_log && own->announced.size == last->size && now_s < last->time_s + AGAIN_S)
        return false;
    if (log == LOG_KEYS) /* compared with our replica when it was announced, or not read yet */
        return own->announced.size <= contacts_keys_size(n) &&
               contacts_note_keys(n, &own->announced) == ERR_OK;
    return contacts_is_checked(n, own->epoch, &own->announced);
}

static enum err cosign(struct node *n, uint32_t log)
{
    struct own *own = &n->watch->log[log - 1];
    struct msg_cosign s = {
        .of = {log, own->epoch},
          .size = own->announced.size, .time_s = node_now_ms(n) / 1000
    };
    char origin[ORIGIN_ROOM];
    struct txn *t = NULL;
    enum err e;

    origin_of(n, log, own->epoch, origin);
    memcpy(s.root, own->announced.root, sizeof s.root);
    if ((e = cosignature_make(span_text(origin), s.size, s.root, s.time_s, n->witness, s.sig)))
        return e;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = last_put(n, t, &s)))
        e = store_commit(&t);
    store_abort(&t);
    if (e)
        return e;
    own->last = s;
    own->to_say = true;
    return ERR_OK;
}

enum err witness_due(struct node *n, struct msg_cosign *out)
{
    enum err e;

    if (n->alarm || !is_witness(n))
        return ERR_AGAIN;
    for (uint32_t log = LOG_KEYS; log <= LOG_AUDIT; log++) {
        struct own *own = &n->watch->log[log - 1];

        if (is_due(n, log) && (e = cosign(n, log)))
            return e;
        if (own->to_say) {
            *out = own->last;
            return ERR_OK;
        }
    }
    return ERR_AGAIN;
}

void witness_said(struct node *n, const struct msg_cosign *s)
{
    n->watch->log[s->of.log - 1].to_say = false;
}

/* --- what it is worth -------------------------------------------------------------------------
 */

void witness_attested(const struct node *n, uint32_t log, struct attestation *out)
{
    const struct directory_witnesses *set = directory_witnesses(contacts_directory(n));
    const struct own *own = &n->watch->log[log - 1];

    *out = (struct attestation){.named = set != NULL};
    if (!set)
        return;
    out->is_witness = is_witness(n);
    out->members = set->count;
    out->quorum = set->quorum;
    out->since_s = set->ts_ms / 1000;
    out->time_s = own->attested_s;
    out->epoch = own->attested_epoch;
    out->what = &own->attested;
}

enum err witness_may_seal(const struct node *n)
{
    struct attestation a;
    uint64_t now_s = node_now_ms(n) / 1000;
    uint64_t from_s;

    if (node_now_ms(n) < directory_hub_hold_ms(contacts_directory(n)))
        return ERR_HUB_KEY_HOLD;
    witness_attested(n, LOG_KEYS, &a);
    from_s = a.time_s > a.since_s ? a.time_s : a.since_s;
    return a.named && now_s > from_s + WITNESS_HOLD_S ? ERR_UNWITNESSED : ERR_OK;
}

void witness_name(const struct node *n, const uint8_t node[ID_BYTES], char out[WITNESS_NAME_ROOM])
{
    int at = snprintf(out, WITNESS_NAME_ROOM, "%s/witness/", contacts_pins(n)->name);

    for (int i = 0; i < ID_BYTES; i++)
        at += snprintf(out + at, (size_t)(WITNESS_NAME_ROOM - at), "%02x", node[i]);
}

static enum err line_add(const struct node *n, const struct cosignature *one, struct bytes *note)
{
    const struct directory_node *node = directory_find_node(contacts_directory(n), one->node);
    char name[WITNESS_NAME_ROOM];
    struct bytes line = {0};
    enum err e;

    if (!node)
        return ERR_OK;
    witness_name(n, one->node, name);
    if (!(e = cosignature_line(span_text(name), &node->witness, one->time_s, one->sig, &line)))
        e = bytes_append(note, bytes_span(&line));
    bytes_free(&line);
    return e;
}

enum err witness_note(const struct node *n, uint32_t log, struct bytes *out)
{
    const struct own *own = &n->watch->log[log - 1];
    const struct pins *p = contacts_pins(n);
    const struct ckpt *head = &own->attested.head;
    struct bytes note = {0};
    char origin[ORIGIN_ROOM];
    struct sign_public pk;
    enum err e;

    if (!p || own->attested.n == 0)
        return ERR_NOT_FOUND;
    origin_of(n, log, own->attested_epoch, origin);
    if ((e = contacts_signer(n, log, own->attested_epoch, head, &pk)) ||
        (e = checkpoint_assemble(span_text(origin), head->size, head->root, &pk, head->sig, &note)))
        return e;
    for (size_t i = 0; i < own->attested.n && !e; i++)
        e = line_add(n, &own->attested.by[i], &note);
    if (e) {
        bytes_free(&note);
        return e;
    }
    bytes_free(out);
    *out = note;
    return ERR_OK;
}
