/* Enrolment, from the invitation to the registrar's signature (PROTOCOL.md 7, 11, 14). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "member_internal.h"

#define RECONNECT_MS 50
#define JOIN_AGAIN_MS 500
#define BUSY_MS 3

static enum err prekey_first(struct member_node *m, struct bytes *ss)
{
    struct prekey_statement p = {.ts_ms = crew_now_ms(m->crew), .number = 1};

    memcpy(p.federation, m->hub.federation, ID_BYTES);
    memcpy(p.org, m->org, ID_BYTES);
    memcpy(p.node, m->id, ID_BYTES);
    p.pk = *secret_box_public(m->prekey);
    return prekey_sign(&p, m->sign, ss);
}

static enum err body_make(struct member_node *m, const struct invitation *i)
{
    struct enrolment en = {.name = i->org_name,
                           .kind = i->kind,
                           .national_id = i->national_id,
                           .territory = i->territory,
                           .service_count = i->service_count,
                           .signing = *secret_sign_public(m->sign),
                           .transport = *secret_box_public(m->curve)};
    struct bytes prekey = {0};
    enum err e;

    memcpy(en.org, m->org, ID_BYTES);
    memcpy(en.node, m->id, ID_BYTES);
    memcpy(en.invitation, i->id, ID_BYTES);
    for (size_t k = 0; k < i->service_count; k++)
        en.services[k] = i->services[k];
    if ((e = prekey_first(m, &prekey)))
        return e;
    en.prekey = bytes_span(&prekey);
    bytes_free(&m->body);
    if (!(e = enrolment_encode(&en, &m->body)))
        e = possession_sign(bytes_span(&m->body), m->sign, m->possession);
    bytes_free(&prekey);
    return e;
}

static enum err trust_of(struct member_node *m, const struct invitation *i)
{
    struct federation f = {.hub_transport = i->hub_transport,
                           .hub = i->hub,
                           .keys_log = i->keys_log,
                           .audit_log = i->audit_log,
                           .registrar = i->registrar};

    snprintf(m->hub.endpoint, sizeof m->hub.endpoint, "%.*s", (int)i->endpoint.len,
             (const char *)i->endpoint.ptr);
    snprintf(m->hub.join_endpoint, sizeof m->hub.join_endpoint, "%.*s", (int)i->join_endpoint.len,
             (const char *)i->join_endpoint.ptr);
    memcpy(m->hub.federation, i->federation, ID_BYTES);
    memcpy(m->org, i->org, ID_BYTES);
    m->hub.mode = i->mode;
    m->hub.transport = i->hub_transport;
    return fingerprint_of(secret_sign_public(m->sign), secret_box_public(m->curve),
                          secret_box_public(m->prekey), &f, m->fingerprint);
}

enum err member_invited(struct member_node *m, struct span text)
{
    struct secret32 *secret = NULL;
    struct bytes data = {0};
    struct invitation i;
    enum err e;

    if ((e = armour_read(ARMOUR_INVITATION, text, &data)))
        return e;
    if ((e = invitation_decode(bytes_span(&data), &i)) || (e = trust_of(m, &i)) ||
        (e = body_make(m, &i)) || (e = secret32_copy(i.secret, &secret)))
        goto out;
    secret_box_free(m->once);
    m->once = NULL;
    e = secret_box_from(secret, &m->once);
out:
    secret32_free(secret);
    seal_bytes_free(&data);
    return e;
}

const char *member_fingerprint(const struct member_node *m)
{
    return m->fingerprint;
}

struct span member_enrol_body(const struct member_node *m)
{
    return bytes_span(&m->body);
}

enum err member_join_make(struct member_node *m, struct msg_join *out)
{
    struct secret32 *shared = NULL;
    enum err e;

    *out = (struct msg_join){
        .versions = {1, {WIRE_VERSION}},
          .body = bytes_span(&m->body)
    };
    memcpy(out->possession, m->possession, sizeof out->possession);
    if ((e = secret_box_shared(m->curve, &m->hub.transport, &shared)))
        return e;
    e = digest_parts("relais/join1", secret32_span(shared), &out->body, 1, out->mac, DIGEST_256);
    secret32_free(shared);
    return e;
}

static void on_join(struct link_socket *link, const struct link_frame *f, void *arg)
{
    struct member_node *m = arg;

    (void)link;
    if (!f->fault)
        member_hears(m, f->payload, true);
}

static bool join_heard(void *arg)
{
    return ((struct member_node *)arg)->join_heard;
}

static enum err join_connect(struct member_node *m)
{
    struct link_connect_options o = {.endpoint = m->hub.join_endpoint,
                                     .server_key = m->hub.transport.b,
                                     .public_key = secret_box_public(m->once)->b,
                                     .secret_key = secret_box_span(m->once).ptr,
                                     .reconnect_ms = RECONNECT_MS,
                                     .linger_ms = -1};
    enum err e;

    if (m->join)
        return ERR_OK;
    if ((e = link_connect(m->crew->transport, &o, &m->join)))
        return e;
    return loop_link(m->crew->loop, m->join, on_join, m);
}

static void join_disconnect(struct member_node *m)
{
    if (m->join)
        loop_link_remove(m->crew->loop, m->join);
    link_close(m->join);
    m->join = NULL;
}

static enum err join_hear(struct member_node *m, enum join_state *state, enum err *code)
{
    struct message answer;
    enum err e = message_decode(bytes_span(&m->join_answer), SENT_BY_HUB, &answer);

    if (e)
        return e;
    if (answer.type != MSG_JOIN_STATE)
        return ERR_MESSAGE_UNKNOWN;
    *state = answer.join_state.state;
    *code = (enum err)answer.join_state.code;
    return ERR_OK;
}

enum err member_join_send(struct member_node *m, const struct msg_join *join,
                          enum join_state *state, enum err *code)
{
    struct message say = {.type = MSG_JOIN, .join = *join};
    struct bytes frame = {0};
    uint64_t until;
    enum err sent;
    enum err e;

    if ((e = message_encode(&say, &frame)))
        return e;
    m->join_heard = false;
    e = m->wire ? m->wire(m, bytes_span(&frame), true, m->wire_arg) : join_connect(m);
    until = clock_mono_ms(clock_system()) + MEMBER_WAIT_MS;
    while (!e && !m->wire && !m->join_heard && clock_mono_ms(clock_system()) < until) {
        sent = link_send(m->join, NULL, bytes_span(&frame));
        crew_until(m->crew, join_heard, m, sent == ERR_BUSY ? BUSY_MS : JOIN_AGAIN_MS);
    }
    bytes_free(&frame);
    join_disconnect(m);
    if (e)
        return e;
    return m->join_heard ? join_hear(m, state, code) : ERR_TIMEOUT;
}

enum err member_join(struct member_node *m, enum join_state *state, enum err *code)
{
    struct msg_join join;
    enum err e = member_join_make(m, &join);

    return e ? e : member_join_send(m, &join, state, code);
}

enum err request_sign_with(const struct secret_sign *key, enum statement_role role,
                           const uint8_t *org, struct span request, struct bytes *out)
{
    struct bytes data = {0}, file = {0};
    struct statement_sig sig;
    struct statement s;
    enum err e;

    if ((e = armour_read(ARMOUR_REQUEST, request, &data)))
        return e;
    if ((e = statement_parse_request(bytes_span(&data), &s)) ||
        (e = statement_sign(STATEMENT_KEYS, s.stmt, role, org, key, &sig)) ||
        (e = signature_encode(s.stmt, &sig, &file)))
        goto out;
    bytes_free(out);
    e = armour_write(ARMOUR_SIGNATURE, bytes_span(&file), out);
out:
    bytes_free(&data);
    bytes_free(&file);
    return e;
}

enum err member_sign_request(const struct member_node *m, enum statement_role role,
                             struct span request, struct bytes *out)
{
    return request_sign_with(m->sign, role, m->org, request, out);
}
