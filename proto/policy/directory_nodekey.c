/* Other keys of a node (PROTOCOL.md 7.9, kind 7): signing key, transport key and the next prekey at
 * once, signed by the signing key in force and by the one that takes its place. */
#include <string.h>

#include "directory_state.h"
#include "keys_codec.h"

enum {
    N_ORG = KEY_FIRST,
    N_NODE,
    N_SIGNING,
    N_TRANSPORT,
    N_PREKEY
};
#define NODE_KEY_FIELDS 5
#define NODE_KEY_SIGNERS 2

enum err node_key_encode(const struct node_key_statement *s, struct bytes *out)
{
    struct writer w;

    wr_init(&w);
    keys_head_write(&w, NODE_KEY_FIELDS, KEYS_ROTATE_NODE, s->federation, s->ts_ms);
    wr_key_bin(&w, N_ORG, SPAN_OF(s->org));
    wr_key_bin(&w, N_NODE, SPAN_OF(s->node));
    wr_key_bin(&w, N_SIGNING, SPAN_OF(s->signing.b));
    wr_key_bin(&w, N_TRANSPORT, SPAN_OF(s->transport.b));
    wr_key_bin(&w, N_PREKEY, s->prekey);
    return wr_take(&w, out);
}

static void field(struct reader *r, uint64_t key, struct node_key_statement *s)
{
    switch (key) {
    case N_ORG:
        rd_fixed(r, s->org, sizeof s->org);
        break;
    case N_NODE:
        rd_fixed(r, s->node, sizeof s->node);
        break;
    case N_SIGNING:
        rd_fixed(r, s->signing.b, KEY_BYTES);
        break;
    case N_TRANSPORT:
        rd_fixed(r, s->transport.b, KEY_BYTES);
        break;
    case N_PREKEY:
        s->prekey = rd_blob(r, 1, STMT_MAX);
        break;
    default:
        rd_unknown(r, key);
    }
}

enum err node_key_decode(struct span stmt, struct node_key_statement *out)
{
    struct node_key_statement s = {0};
    struct keys_head h = {0};
    struct reader r = reader_over(stmt);
    struct rd_map m = rd_map(&r, MP_KEY_MAX);
    uint64_t key;
    enum err e;

    while (rd_map_next(&r, &m, &key)) {
        if (!keys_head_field(&r, key, &h))
            field(&r, key, &s);
    }
    rd_map_require(&r, &m,
                   KEYS_HEAD | RD_KEY(N_ORG) | RD_KEY(N_NODE) | RD_KEY(N_SIGNING) |
                       RD_KEY(N_TRANSPORT) | RD_KEY(N_PREKEY));
    if ((e = rd_end(&r)))
        return e;
    if (h.kind != KEYS_ROTATE_NODE)
        return ERR_FIELD_VALUE;
    memcpy(s.federation, h.federation, ID_BYTES);
    s.ts_ms = h.ts_ms;
    *out = s;
    return ERR_OK;
}

enum err node_key_sign(const struct node_key_statement *s, const struct secret_sign *former,
                       const struct secret_sign *next, struct bytes *out)
{
    struct node_key_statement own = *s;
    struct statement_sig sigs[NODE_KEY_SIGNERS];
    struct bytes stmt = {0};
    enum err e;

    own.signing = *secret_sign_public(next);
    if ((e = node_key_encode(&own, &stmt)))
        return e;
    if (!(e = statement_sign(STATEMENT_KEYS, bytes_span(&stmt), ROLE_NODE, s->org, former,
                             &sigs[0])) &&
        !(e = statement_sign(STATEMENT_KEYS, bytes_span(&stmt), ROLE_SUCCESSOR, s->org, next,
                             &sigs[1])))
        e = statement_join(bytes_span(&stmt), sigs, NODE_KEY_SIGNERS, out);
    bytes_free(&stmt);
    return e;
}

/* --- judging one ------------------------------------------------------------------------------ */

/* The next prekey of that node, and nothing but the new key has signed it. */
static enum err prekey_verify(const struct directory *d, const struct directory_node *n,
                              const struct node_key_statement *k, struct prekey_statement *out)
{
    struct prekey_statement p;
    struct statement s;
    enum err e;

    if ((e = statement_parse(k->prekey, &s)) || (e = prekey_decode(s.stmt, &p)))
        return e;
    if (memcmp(p.federation, k->federation, ID_BYTES) != 0 ||
        memcmp(p.org, k->org, ID_BYTES) != 0 || memcmp(p.node, k->node, ID_BYTES) != 0)
        return ERR_FIELD_VALUE;
    if ((e = directory_signed_alone(&s, ROLE_NODE, k->org, &k->signing)) ||
        (e = directory_prekey_follows(d, n, &p)))
        return e;
    *out = p;
    return ERR_OK;
}

enum err node_key_verify(const struct directory *d, const struct statement *s, struct verified *v)
{
    const struct directory_node *n;
    struct node_key_statement k;
    enum err e;

    if ((e = node_key_decode(s->stmt, &k)))
        return e;
    n = directory_find_node(d, k.node);
    if (!n || memcmp(d->orgs[n->org].id, k.org, ID_BYTES) != 0)
        return ERR_NOT_FOUND;
    if ((e = directory_signed_by(s, ROLE_NODE, k.org, &n->signing)) ||
        (e = directory_signed_by(s, ROLE_SUCCESSOR, k.org, &k.signing)))
        return e;
    if (s->count != NODE_KEY_SIGNERS)
        return ERR_FIELD_VALUE;
    /* pending is no obstacle, as for a prekey */
    if ((e = directory_state_err(directory_node_state(d, n, DIRECTORY_NOW, UINT64_MAX))))
        return e;
    if (!directory_signing_free(d, k.org, &k.signing) || !directory_box_free(d, &k.transport))
        return ERR_EXISTS;
    if ((e = prekey_verify(d, n, &k, &v->prekey)))
        return e;
    if (memcmp(v->prekey.pk.b, k.transport.b, KEY_BYTES) == 0)
        return ERR_EXISTS;
    v->node = (uint32_t)(n - d->nodes);
    v->node_key = k;
    return ERR_OK;
}
