#include "join.h"

#include <string.h>

#include "contacts.h"
#include "digest.h"
#include "log.h"
#include "meta.h"
#include "prekeys.h"
#include "vault.h"

#define JOINING_FIELDS 7
#define JOINING_ROW "joining"
#define BODY_MAX 8192

void joining_wipe(struct joining *j)
{
    seal_bytes_free(&j->invitation);
    bytes_free(&j->body);
    *j = (struct joining){0};
}

static enum err joining_put(struct node *n, struct txn *t, const struct joining *j)
{
    struct bytes row = {0};
    struct writer w;
    enum err e;

    wr_init(&w);
    wr_array(&w, JOINING_FIELDS);
    wr_bin(&w, bytes_span(&j->invitation));
    wr_bin(&w, bytes_span(&j->body));
    wr_fixed(&w, j->possession, sizeof j->possession);
    wr_fixed(&w, j->mac, sizeof j->mac);
    wr_bool(&w, j->confirmed);
    wr_bool(&w, j->heard);
    wr_text(&w, span_text(j->fingerprint));
    if (!(e = wr_take(&w, &row)))
        e = meta_put(n, t, JOINING_ROW, bytes_span(&row));
    seal_bytes_free(&row);
    return e;
}

static enum err joining_decode(struct span row, struct joining *out)
{
    struct reader r = reader_over(row);
    struct joining j = {0};
    struct span invitation;
    struct span body;
    struct span print;
    enum err e;

    rd_array(&r, JOINING_FIELDS);
    invitation = rd_blob(&r, 1, ARMOUR_DATA_MAX);
    body = rd_blob(&r, 1, BODY_MAX);
    rd_fixed(&r, j.possession, sizeof j.possession);
    rd_fixed(&r, j.mac, sizeof j.mac);
    j.confirmed = rd_bool(&r);
    j.heard = rd_bool(&r);
    print = rd_text_between(&r, FINGERPRINT_TEXT - 1, FINGERPRINT_TEXT - 1);
    if ((e = row_end(&r)))
        return e;
    memcpy(j.fingerprint, print.ptr, print.len);
    if (!(e = bytes_copy(&j.invitation, invitation)))
        e = bytes_copy(&j.body, body);
    if (e) {
        joining_wipe(&j);
        return e;
    }
    *out = j;
    return ERR_OK;
}

static enum err joining_read(struct node *n, struct txn *t, struct joining *out)
{
    struct bytes row = {0};
    enum err e = meta_get(n, t, JOINING_ROW, &row);

    if (!e)
        e = joining_decode(bytes_span(&row), out);
    seal_bytes_free(&row);
    return e;
}

enum err joining_get(struct node *n, struct joining *out)
{
    struct txn *t = NULL;
    enum err e = store_begin(n->store, TXN_READ, &t);

    if (!e)
        e = joining_read(n, t, out);
    store_abort(&t);
    return e;
}

/* --- beginning ------------------------------------------------------------------------------- */

static void enrolment_from(const struct invitation *i, struct enrolment *en)
{
    *en = (struct enrolment){.name = i->org_name,
                             .kind = i->kind,
                             .national_id = i->national_id,
                             .territory = i->territory,
                             .service_count = i->service_count};
    memcpy(en->org, i->org, ID_BYTES);
    memcpy(en->invitation, i->id, ID_BYTES);
    memcpy(en->services, i->services, i->service_count * sizeof en->services[0]);
}

/* What the invitation promises of the federation: the part the fingerprint covers. */
static void federation_from(const struct invitation *i, struct federation *f)
{
    *f = (struct federation){.hub_transport = i->hub_transport,
                             .hub = i->hub,
                             .keys_log = i->keys_log,
                             .audit_log = i->audit_log,
                             .registrar = i->registrar};
}

static enum err mac_make(struct node *n, const struct invitation *i, struct span body,
                         uint8_t mac[32])
{
    struct secret32 *shared = NULL;
    enum err e = secret_box_shared(n->curve, &i->hub_transport, &shared);

    if (!e)
        e = digest_parts("relais/join1", secret32_span(shared), &body, 1, mac, DIGEST_256);
    secret32_free(shared);
    return e;
}

static enum err joining_make(struct node *n, struct txn *t, const struct invitation *i,
                             struct joining *j)
{
    struct enrolment en;
    struct federation f;
    struct prekey p = {0};
    enum err e;

    enrolment_from(i, &en);
    federation_from(i, &f);
    if ((e = node_random(n, en.node, sizeof en.node)))
        return e;
    if ((e = prekey_make(n, n->sign, i->federation, i->org, en.node, 1, NULL, &p)))
        return e;
    en.signing = *secret_sign_public(n->sign);
    en.transport = *secret_box_public(n->curve);
    en.prekey = bytes_span(&p.ss);
    if ((e = enrolment_encode(&en, &j->body)))
        goto out;
    if ((e = possession_sign(bytes_span(&j->body), n->sign, j->possession)))
        goto out;
    if ((e = mac_make(n, i, bytes_span(&j->body), j->mac)))
        goto out;
    if ((e = fingerprint_of(&en.signing, &en.transport, secret_box_public(p.key), &f,
                            j->fingerprint)))
        goto out;
    if ((e = prekey_keep(n, t, &p)))
        goto out;
    e = joining_put(n, t, j);
out:
    prekey_wipe(&p);
    return e;
}

/* An invitation whose time is over, whose hub refused it (join_answer()) or never answered, stands
 * in nobody's way. One that may still be approved does: two enrolments of one node would follow. */
static enum err outdated(struct node *n, struct txn *t, const struct joining *j)
{
    struct invitation i;

    if (invitation_decode(bytes_span(&j->invitation), &i))
        return ERR_CORRUPT;
    return !j->heard || i.expires_ms < node_now_ms(n) ? meta_del(n, t, JOINING_ROW) : ERR_CONFLICT;
}

static enum err begin_in(struct node *n, struct txn **t, struct bytes *data,
                         const struct invitation *i, struct joining *j)
{
    enum err e = joining_read(n, *t, j);

    if (!e && span_equal(bytes_span(&j->invitation), bytes_span(data)))
        return ERR_OK;
    if (!e && !(e = outdated(n, *t, j)))
        joining_wipe(j);
    else if (e != ERR_NOT_FOUND)
        return e;
    if (i->expires_ms < node_now_ms(n))
        return ERR_INVITATION;
    if ((e = bytes_copy(&j->invitation, bytes_span(data))))
        return e;
    if ((e = joining_make(n, *t, i, j)))
        return e;
    return node_commit(n, t);
}

enum err join_begin(struct node *n, struct span armour, struct joining *out)
{
    struct bytes data = {0};
    struct joining j = {0};
    struct invitation i;
    struct txn *t = NULL;
    enum err e;

    if (n->self.joined)
        return ERR_EXISTS;
    if ((e = armour_read(ARMOUR_INVITATION, armour, &data)))
        return e;
    if ((e = invitation_decode(bytes_span(&data), &i)))
        goto out;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        goto out;
    if ((e = begin_in(n, &t, &data, &i, &j)))
        goto out;
    *out = j;
    j = (struct joining){0};
out:
    node_abort(n, &t);
    joining_wipe(&j);
    seal_bytes_free(&data);
    return e;
}

enum err join_say(struct node *n, struct txn *t, struct bytes *text)
{
    struct joining j = {0};
    enum err e = joining_read(n, t, &j);

    if (e)
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    e = bytes_printf(text,
                     "Inscription demandée, pas encore terminée. Empreinte à comparer de vive voix "
                     "avec l'opérateur du hub : %s\nQuand il l'a approuvée et que le registraire a "
                     "signé : arrêtez ce service, « relais-node join INVITATION%s », puis "
                     "relancez-le.\n",
                     j.fingerprint, j.confirmed ? "" : " --confirm EMPREINTE");
    joining_wipe(&j);
    return e;
}

enum err join_confirm(struct node *n, struct joining *j, struct span fp)
{
    struct txn *t = NULL;
    enum err e = fingerprint_compare(j->fingerprint, fp);

    if (e || j->confirmed)
        return e;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    j->confirmed = true;
    if (!(e = joining_put(n, t, j)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    if (e)
        j->confirmed = false;
    return e;
}

enum err join_message(const struct joining *j, struct bytes *frame)
{
    struct message m = {.type = MSG_JOIN, .join = {.versions = {1, {WIRE_VERSION}}}};

    m.join.body = bytes_span(&j->body);
    memcpy(m.join.possession, j->possession, sizeof m.join.possession);
    memcpy(m.join.mac, j->mac, sizeof m.join.mac);
    return message_encode(&m, frame);
}

/* --- the answer --------------------------------------------------------------------------------
 */

static enum err enrolment_check(const struct joining *j, const struct invitation *i, struct span ss)
{
    const struct statement_sig *sig;
    uint8_t federation[ID_BYTES];
    struct statement st;
    enum keys_kind kind;
    struct span body;
    uint64_t effect_ms;
    enum err e;

    if ((e = statement_parse(ss, &st)) || (e = keys_stmt_peek(st.stmt, &kind, federation)))
        return e;
    if ((kind != KEYS_ENROL && kind != KEYS_RESET) ||
        memcmp(federation, i->federation, ID_BYTES) != 0)
        return ERR_FORGED;
    if ((e = enrol_decode(st.stmt, &body, &effect_ms)))
        return e;
    if (!span_equal(body, bytes_span(&j->body)))
        return ERR_FORGED;
    if (!(sig = statement_find(&st, ROLE_REGISTRAR, NULL)))
        return ERR_FIELD_MISSING;
    return statement_verify(STATEMENT_KEYS, st.stmt, sig, &i->registrar);
}

/* Genesis verifies in full (registrar and every founder), and is what the invitation said. */
static enum err genesis_check(struct node *n, const struct invitation *i, struct span ss)
{
    struct directory *d = NULL;
    enum err e = directory_new(DIRECTORY_STATEMENT_TIME, &n->entropy, &d);

    if (!e && !(e = directory_apply(d, 0, 0, ss)))
        e = federation_matches(directory_federation(d), i);
    directory_free(d);
    return e;
}

static void text_copy(char *out, size_t room, struct span text)
{
    size_t size = text.len < room ? text.len : room - 1;

    memcpy(out, text.ptr, size);
    out[size] = '\0';
}

static enum err pins_from(const struct joining *j, const struct invitation *i, struct span genesis,
                          struct pins *p)
{
    struct enrolment en;
    enum err e = enrolment_decode(bytes_span(&j->body), &en);

    if (e)
        return e;
    *p = (struct pins){.mode = i->mode,
                       .hub_transport = i->hub_transport,
                       .hub = i->hub,
                       .keys_log = i->keys_log,
                       .audit_log = i->audit_log,
                       .registrar = i->registrar};
    memcpy(p->federation, i->federation, ID_BYTES);
    memcpy(p->org, i->org, ID_BYTES);
    memcpy(p->node, en.node, ID_BYTES);
    text_copy(p->name, sizeof p->name, i->federation_name);
    text_copy(p->endpoint, sizeof p->endpoint, i->endpoint);
    text_copy(p->org_name, sizeof p->org_name, i->org_name);
    return genesis_pin(genesis, p->genesis);
}

static enum err enrolled(struct node *n, struct joining *j, const struct invitation *i,
                         const struct msg_join_state *s)
{
    struct txn *t = NULL;
    struct pins p;
    enum err e;

    if ((e = genesis_check(n, i, s->genesis)) || (e = enrolment_check(j, i, s->enrolment)))
        return e;
    if (!j->confirmed)
        return ERR_FINGERPRINT;
    if ((e = pins_from(j, i, s->genesis, &p)))
        return e;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    if (!(e = pins_put(n, t, &p)) && !(e = meta_del(n, t, JOINING_ROW)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    return e ? e : node_forget(n);
}

/* Its hub knows of it now. */
static enum err heard(struct node *n, struct joining *j)
{
    struct txn *t = NULL;
    enum err e;

    if (j->heard)
        return ERR_OK;
    if ((e = store_begin(n->store, TXN_WRITE, &t)))
        return e;
    j->heard = true;
    if (!(e = joining_put(n, t, j)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    if (e)
        j->heard = false;
    return e;
}

enum err join_forget(struct node *n)
{
    struct txn *t = NULL;
    enum err e = n->self.joined ? ERR_OK : store_begin(n->store, TXN_WRITE, &t);

    if (n->self.joined)
        return ERR_OK;

    if (!e && !(e = meta_del(n, t, JOINING_ROW)))
        e = node_commit(n, &t);
    node_abort(n, &t);
    return e;
}

enum err join_answer(struct node *n, struct joining *j, const struct msg_join_state *s, bool *done)
{
    struct invitation i;
    enum err e;

    *done = false;
    if ((e = invitation_decode(bytes_span(&j->invitation), &i)))
        return ERR_CORRUPT;
    if (s->state != JOIN_REFUSED && (e = heard(n, j)))
        return e;
    switch (s->state) {
    case JOIN_ENROLLED:
        e = enrolled(n, j, &i, s);
        *done = e == ERR_OK;
        return e;
    case JOIN_REFUSED:
        if ((e = join_forget(n)))
            return e;
        return err_known(s->code) && s->code ? (enum err)s->code : ERR_INVITATION;
    case JOIN_APPROVAL:
    case JOIN_REGISTRAR:
        break;
    }
    return ERR_WAITING;
}
