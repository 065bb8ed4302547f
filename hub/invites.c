#include "invites.h"

#include <string.h>

#define RECORD_VERSION 1

static void invite_write(struct writer *w, const struct invite *i)
{
    wr_array(w, 15);
    wr_uint(w, RECORD_VERSION);
    wr_bin(w, SPAN_OF(i->id));
    wr_uint(w, i->state);
    wr_uint(w, i->expires_ms);
    wr_bin(w, SPAN_OF(i->key));
    wr_bool(w, i->founder);
    wr_bin(w, SPAN_OF(i->org));
    wr_text(w, i->name);
    wr_uint(w, i->kind);
    wr_text(w, i->national_id);
    wr_text(w, i->territory);
    wr_array(w, i->service_count);
    for (size_t k = 0; k < i->service_count; k++)
        wr_text(w, i->services[k]);
    wr_bin(w, i->body);
    wr_bin(w, SPAN_OF(i->possession));
    wr_uint(w, i->leaf);
}

enum err invite_decode(struct span row, struct invite *out)
{
    struct reader r = reader_over(row);

    rd_array(&r, 15);
    rd_uint_between(&r, RECORD_VERSION, RECORD_VERSION);
    rd_fixed(&r, out->id, sizeof out->id);
    out->state = (enum invite_state)rd_uint(&r, INVITE_REFUSED);
    out->expires_ms = rd_uint(&r, UINT64_MAX);
    rd_fixed(&r, out->key, sizeof out->key);
    out->founder = rd_bool(&r);
    rd_fixed(&r, out->org, sizeof out->org);
    out->name = rd_text(&r, ORG_NAME_MAX);
    out->kind = rd_uint(&r, UINT8_MAX);
    out->national_id = rd_text(&r, 15);
    out->territory = rd_text(&r, ORG_TERRITORY_MAX);
    out->service_count = rd_array_between(&r, 0, ORG_SERVICES_MAX);
    for (size_t k = 0; k < out->service_count; k++)
        out->services[k] = rd_text(&r, ORG_SERVICE_MAX);
    out->body = rd_blob(&r, 0, STMT_MAX);
    rd_fixed(&r, out->possession, sizeof out->possession);
    out->leaf = rd_uint(&r, UINT64_MAX);
    return rd_end(&r) ? ERR_CORRUPT : ERR_OK;
}

enum err invite_put(struct core *c, const struct invite *i)
{
    struct bytes row = {0};
    struct writer w;
    enum err e;

    wr_init(&w);
    invite_write(&w, i);
    if ((e = wr_take(&w, &row)))
        return e;
    e = store_put(c->t, TABLE_INVITE, SPAN_OF(i->id), bytes_span(&row));
    bytes_free(&row);
    return e;
}

enum err invite_get(struct core *c, const uint8_t id[ID_BYTES], struct invite *out)
{
    struct span row;
    enum err e = store_get(c->t, TABLE_INVITE, span_of(id, ID_BYTES), &row);

    return e ? e : invite_decode(row, out);
}

struct each {
    enum err (*visit)(void *arg, const struct invite *i);
    void *arg;
};

static enum err each_row(void *arg, struct span key, struct span row)
{
    struct each *x = arg;
    struct invite i;
    enum err e = invite_decode(row, &i);

    (void)key;
    return e ? e : x->visit(x->arg, &i);
}

enum err invite_each(struct core *c, enum err (*visit)(void *arg, const struct invite *i),
                     void *arg)
{
    struct each x = {visit, arg};

    return store_scan(c->t, TABLE_INVITE, (struct span){0}, (struct span){0}, SIZE_MAX, each_row,
                      &x);
}

enum err invite_tell(struct core *c, const struct invite *i, bool allow)
{
    struct parcel *p = calloc(1, sizeof *p);

    if (!p)
        return ERR_NOMEM;
    p->kind = PARCEL_INVITE;
    p->allow = allow;
    memcpy(p->key, i->key, sizeof p->key);
    for (int k = 0; k < ID_BYTES; k++)
        snprintf(p->invite + 2 * k, 3, "%02x", i->id[k]);
    return core_stage(c, p);
}

/* --- requests -------------------------------------------------------------------------------- */

#define REQUEST_PREFIX "request:"
#define REQUEST_KEY_BYTES (sizeof REQUEST_PREFIX - 1 + 32)

static struct span request_key(const uint8_t about[32], uint8_t key[REQUEST_KEY_BYTES])
{
    memcpy(key, REQUEST_PREFIX, sizeof REQUEST_PREFIX - 1);
    memcpy(key + sizeof REQUEST_PREFIX - 1, about, 32);
    return span_of(key, REQUEST_KEY_BYTES);
}

enum err request_put(struct core *c, struct span request, uint8_t about[32])
{
    uint8_t key[REQUEST_KEY_BYTES];
    struct statement s;
    enum err e;

    if ((e = statement_parse_request(request, &s)))
        return e;
    if ((e = digest_of("relais/file1", s.stmt, about, DIGEST_256)))
        return e;
    return store_put(c->t, TABLE_META, request_key(about, key), request);
}

enum err request_get(struct core *c, const uint8_t about[32], struct span *out)
{
    uint8_t key[REQUEST_KEY_BYTES];

    return store_get(c->t, TABLE_META, request_key(about, key), out);
}

enum err request_drop(struct core *c, const uint8_t about[32])
{
    uint8_t key[REQUEST_KEY_BYTES];

    return store_del(c->t, TABLE_META, request_key(about, key));
}

struct each_request {
    enum err (*visit)(void *arg, struct span request);
    void *arg;
};

static enum err request_row(void *arg, struct span key, struct span row)
{
    struct each_request *x = arg;

    (void)key;
    return x->visit(x->arg, row);
}

enum err request_each(struct core *c, enum err (*visit)(void *arg, struct span request), void *arg)
{
    struct each_request x = {visit, arg};

    return store_scan(c->t, TABLE_META, SPAN_STR("request:"), SPAN_STR("request;"), SIZE_MAX,
                      request_row, &x);
}

/* A signature is still missing: not an error of the one that was brought. */
static bool is_incomplete(enum err e)
{
    return e == ERR_FIELD_MISSING || e == ERR_COUNTERSIGN;
}

static enum err enrolled(struct core *c, struct span ss, uint64_t leaf)
{
    struct enrolment enrolment;
    struct statement s;
    struct invite i;
    struct span body;
    uint64_t effect;
    enum err e;

    if ((e = statement_parse(ss, &s)) || (e = enrol_decode(s.stmt, &body, &effect)) ||
        (e = enrolment_decode(body, &enrolment)))
        return e;
    e = invite_get(c, enrolment.invitation, &i);
    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    i.state = INVITE_ENROLLED;
    i.leaf = leaf;
    return invite_put(c, &i);
}

/* The delay of an emergency enrolment, and of a reset, is there for others to object in: it counts
 * from the leaf. */
static enum err delay_check(struct core *c, enum keys_kind kind, struct span stmt)
{
    const struct federation *f = directory_federation(c->dir);
    struct enrolment enrolment;
    struct span body;
    uint64_t effect;
    enum err e;

    if ((e = enrol_decode(stmt, &body, &effect)) || (e = enrolment_decode(body, &enrolment)))
        return e;
    if ((enrolment.kind != ORG_EMERGENCY && kind != KEYS_RESET) || f->emergency_delay_s == 0)
        return ERR_OK;
    return effect < c->now_ms + f->emergency_delay_s * 1000 ? ERR_NOT_YET : ERR_OK;
}

/* So long at least have nodes that are there to read that another transport key comes. */
#define TRANSPORT_NOTICE_MS 10000

/* What the log cannot judge: is the key in our hands, and its epoch the next one? */
static enum err hub_key_fits(const struct core *c, const struct hub_key_statement *h)
{
    if (h->which == HUB_KEY_TRANSPORT)
        return identity_box_key(c->id, h->pk) ? ERR_OK : ERR_HUB_KEY;
    if (!identity_sign_key(c->id, (enum hub_key)h->which, h->pk))
        return ERR_HUB_KEY;
    if (h->which == HUB_KEY_AUDIT_LOG && h->epoch != (uint64_t)epoch_now(c)->number + 1)
        return ERR_CONFLICT;
    return ERR_OK;
}

/* The same for a key of the hub whose former one is lost. */
static enum err hub_key_check(struct core *c, const struct statement *s)
{
    const struct federation *f = directory_federation(c->dir);
    struct hub_key_statement h;
    enum err e;

    if ((e = hub_key_decode(s->stmt, &h)) || (e = hub_key_fits(c, &h)))
        return e;
    if (h.which == HUB_KEY_TRANSPORT && statement_find(s, ROLE_HUB, NULL))
        return h.effect_ms < c->now_ms + TRANSPORT_NOTICE_MS ? ERR_NOT_YET : ERR_OK;
    if (statement_find(s, ROLE_HUB, NULL) || f->emergency_delay_s == 0)
        return ERR_OK;
    return h.effect_ms < c->now_ms + f->emergency_delay_s * 1000 ? ERR_NOT_YET : ERR_OK;
}

static enum err complete(struct core *c, struct span ss, const uint8_t about[32])
{
    uint64_t leaf = directory_size(c->dir);
    uint8_t federation[ID_BYTES];
    struct statement s;
    enum keys_kind kind;
    enum err e;

    if ((e = statement_parse(ss, &s)) || (e = keys_stmt_peek(s.stmt, &kind, federation)))
        return e;
    if ((kind == KEYS_ENROL || kind == KEYS_RESET) && (e = delay_check(c, kind, s.stmt)))
        return e;
    if (kind == KEYS_ROTATE_HUB && (e = hub_key_check(c, &s)))
        return e;
    if ((e = registry_append(c, ss)))
        return e;
    if ((e = request_drop(c, about)))
        return e;
    return kind == KEYS_ENROL || kind == KEYS_RESET ? enrolled(c, ss, leaf) : ERR_OK;
}

struct founder_search {
    const uint8_t *org;
    struct sign_public pk;
    bool found;
};

static enum err founder_find(void *arg, const struct invite *i)
{
    struct founder_search *x = arg;
    struct enrolment en;

    if (!i->founder || memcmp(i->org, x->org, ID_BYTES) != 0 || enrolment_decode(i->body, &en))
        return ERR_OK;
    x->pk = en.signing;
    x->found = true;
    return ERR_ENOUGH;
}

/* The key under which this signature must verify. */
static enum err signer_of(struct core *c, const struct statement_sig *sig, struct sign_public *pk)
{
    struct founder_search x = {.org = sig->org};
    enum err e;

    switch (sig->role) {
    case ROLE_REGISTRAR:
        *pk = c->id->federation.registrar;
        return ERR_OK;
    case ROLE_FOUNDER:
        if ((e = invite_each(c, founder_find, &x)))
            return e;
        *pk = x.pk;
        return x.found ? ERR_OK : ERR_KEY_UNKNOWN;
    case ROLE_NODE: /* of the organisation that gets another node */
    case ROLE_COUNTERSIGNER:
        return directory_signer(c->dir, sig->org, sig->kid, DIRECTORY_NOW, c->now_ms, pk);
    default:
        return ERR_KEY_UNKNOWN;
    }
}

/* Each signature is verified when it is brought: a forged one that was kept would stand in the
 * way of the right one. */
static enum err signature_check(struct core *c, struct span request,
                                const struct statement_sig *sig)
{
    struct sign_public pk;
    struct statement s;
    enum err e;

    if ((e = statement_parse_request(request, &s)) || (e = signer_of(c, sig, &pk)))
        return e;
    return statement_verify(STATEMENT_KEYS, s.stmt, sig, &pk);
}

/* Whom the statement is about; zeros: nobody who could sign. */
static void subject_of(const struct statement *s, uint8_t org[ID_BYTES])
{
    struct enrolment en;
    struct span body;
    uint64_t effect_ms;

    memset(org, 0, ID_BYTES);
    if (!enrol_decode(s->stmt, &body, &effect_ms) && !enrolment_decode(body, &en))
        memcpy(org, en.org, ID_BYTES);
}

/* One that can never count would stand in the way of those that do: not the operator's, not of whom
 * it is about, not a second one of a kind. */
static enum err countersigns_apart(const struct core *c, struct span merged)
{
    const struct federation *f = directory_federation(c->dir);
    uint8_t about[ID_BYTES];
    struct statement s;
    unsigned kinds = 0;
    enum err e;

    if (!f || (e = statement_parse(merged, &s)))
        return f ? e : ERR_OK;
    subject_of(&s, about);
    for (size_t i = 0; i < s.count; i++) {
        const struct directory_org *o = directory_find_org(c->dir, s.sig[i].org);

        if (s.sig[i].role != ROLE_COUNTERSIGNER)
            continue;
        if (!o || memcmp(o->id, f->operator_org, ID_BYTES) == 0 ||
            memcmp(o->id, about, ID_BYTES) == 0 || kinds & (1U << o->kind))
            return ERR_COUNTERSIGN;
        kinds |= 1U << o->kind;
    }
    return ERR_OK;
}

enum err request_sign(struct core *c, struct span signature, bool *done)
{
    struct bytes merged = {0};
    struct statement_sig sig;
    struct span request;
    uint8_t about[32];
    enum err e;

    *done = false;
    if ((e = signature_decode(signature, about, &sig)))
        return e;
    if ((e = request_get(c, about, &request)))
        return e;
    if ((e = signature_check(c, request, &sig)))
        return e;
    if ((e = request_merge(request, signature, &merged)))
        return e;
    if ((e = countersigns_apart(c, bytes_span(&merged))))
        goto out;
    e = directory_check(c->dir, directory_size(c->dir), bytes_span(&merged));
    if (e == ERR_OK) {
        e = complete(c, bytes_span(&merged), about);
        *done = e == ERR_OK;
        if (e == ERR_NOT_YET && request_drop(c, about)) /* it will never be early enough again */
            e = ERR_IO;
    } else if (is_incomplete(e)) {
        e = request_put(c, bytes_span(&merged), about);
    }
out:
    bytes_free(&merged);
    return e;
}
