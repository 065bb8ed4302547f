/* Crews, members, their session and what they say and hear. */
#include "member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "member_internal.h"

#define CREDIT_MESSAGES 1024
#define CREDIT_BYTES (64u << 20)
#define RECONNECT_MS 50
#define HELLO_AGAIN_MS 400
#define BUSY_MS 3 /* until a connection that is being made is looked at again */
#define SENDING_MS 5000

static uint64_t mono_ms(void)
{
    return clock_mono_ms(clock_system());
}

/* --- crews ------------------------------------------------------------------------------------ */

static struct entropy entropy_named(const char *seed, const char *name, struct entropy_seed *state)
{
    const struct span parts[] = {span_text(seed), SPAN_STR("/"), span_text(name)};
    uint8_t key[SEED_BYTES];

    if (digest_parts("relais/test/member", NO_KEY, parts, 3, key, sizeof key))
        abort();
    return entropy_seeded(key, state);
}

enum err crew_open(const char *seed, struct crew **out)
{
    struct crew *c = calloc(1, sizeof *c);
    struct transport_options o = {.io_threads = 1};
    enum err e = ERR_NOMEM;

    if (!c)
        return e;
    c->patience_ms = SENDING_MS;
    snprintf(c->seed, sizeof c->seed, "%s", seed ? seed : "crew");
    if ((e = seal_init()))
        goto fail;
    c->entropy = entropy_named(c->seed, "", &c->state);
    o.entropy = &c->entropy;
    if ((e = transport_open(&o, &c->transport)) || (e = loop_open(clock_system(), &c->loop)))
        goto fail;
    *out = c;
    return ERR_OK;
fail:
    crew_close(c);
    return e;
}

void crew_close(struct crew *c)
{
    if (!c)
        return;
    loop_close(c->loop);
    transport_close(c->transport);
    free(c);
}

enum err crew_turn(struct crew *c, uint64_t wait_ms)
{
    return loop_turn(c->loop, wait_ms);
}

bool crew_until(struct crew *c, bool (*done)(void *arg), void *arg, uint64_t within_ms)
{
    uint64_t until = mono_ms() + within_ms;
    uint64_t now;

    while (!done(arg)) {
        if ((now = mono_ms()) >= until || loop_turn(c->loop, until - now))
            return done(arg);
    }
    return true;
}

void crew_ahead(struct crew *c, int64_t ms)
{
    c->ahead_ms = ms;
}

void crew_patience(struct crew *c, uint64_t ms)
{
    c->patience_ms = ms;
}

uint64_t crew_now_ms(const struct crew *c)
{
    return (uint64_t)((int64_t)clock_now_ms(clock_system()) + c->ahead_ms);
}

const struct entropy *crew_entropy(const struct crew *c)
{
    return &c->entropy;
}

/* --- members ---------------------------------------------------------------------------------- */

void member_random(struct member_node *m, uint8_t *out, size_t n)
{
    if (entropy_fill(&m->entropy, out, n))
        abort();
}

enum err member_make(struct crew *c, const char *name, struct member_node **out)
{
    struct member_node *m = calloc(1, sizeof *m);
    enum err e;

    if (!m)
        return ERR_NOMEM;
    m->crew = c;
    m->answers_end = &m->answers;
    m->credit_messages = CREDIT_MESSAGES;
    m->credit_bytes = CREDIT_BYTES;
    snprintf(m->name, sizeof m->name, "%s", name);
    m->entropy = entropy_named(c->seed, name, &m->state);
    member_random(m, m->actor, sizeof m->actor);
    member_random(m, m->incarnation, sizeof m->incarnation);
    if ((e = directory_new(DIRECTORY_STATEMENT_TIME, &m->entropy, &m->dir))) {
        member_free(m);
        return e;
    }
    *out = m;
    return ERR_OK;
}

enum err member_new(struct crew *c, const char *name, struct member_node **out)
{
    struct member_node *m = NULL;
    enum err e = member_make(c, name, &m);

    if (e)
        return e;
    member_random(m, m->id, sizeof m->id);
    if ((e = secret_sign_generate(&m->entropy, &m->sign)) ||
        (e = secret_box_generate(&m->entropy, &m->curve)) ||
        (e = secret_box_generate(&m->entropy, &m->prekey))) {
        member_free(m);
        return e;
    }
    *out = m;
    return ERR_OK;
}

enum err member_from_keys(struct crew *c, const char *name, const struct secret32 *sign,
                          const struct secret32 *curve, const uint8_t org[ID_BYTES],
                          const uint8_t node[ID_BYTES], const struct member_hub *hub,
                          struct member_node **out)
{
    struct member_node *m = NULL;
    enum err e = member_make(c, name, &m);

    if (e)
        return e;
    m->hub = *hub;
    memcpy(m->org, org, sizeof m->org);
    memcpy(m->id, node, sizeof m->id);
    if ((e = secret_sign_from_seed(sign, &m->sign)) || (e = secret_box_from(curve, &m->curve))) {
        member_free(m);
        return e;
    }
    *out = m;
    return ERR_OK;
}

enum err member_copy(const struct member_node *m, const char *name, struct member_node **out)
{
    struct secret32 *sign = NULL, *curve = NULL;
    enum err e;

    if ((e = secret_sign_seed(m->sign, &sign)) || (e = secret_box_secret(m->curve, &curve)))
        goto out;
    e = member_from_keys(m->crew, name, sign, curve, m->org, m->id, &m->hub, out);
out:
    secret32_free(sign);
    secret32_free(curve);
    return e;
}

void member_free(struct member_node *m)
{
    if (!m)
        return;
    member_disconnect(m);
    if (m->join)
        loop_link_remove(m->crew->loop, m->join);
    link_close(m->join);
    member_forget_answers(m);
    member_forget_mail(m);
    free(m->items);
    directory_free(m->dir);
    secret_sign_free(m->sign);
    secret_box_free(m->curve);
    secret_box_free(m->prekey);
    secret_box_free(m->once);
    bytes_free(&m->body);
    bytes_free(&m->join_answer);
    free(m);
}

const char *member_name(const struct member_node *m)
{
    return m->name;
}

const uint8_t *member_org(const struct member_node *m)
{
    return m->org;
}

const uint8_t *member_id(const struct member_node *m)
{
    return m->id;
}

const uint8_t *member_actor(const struct member_node *m)
{
    return m->actor;
}

const struct secret_sign *member_sign_key(const struct member_node *m)
{
    return m->sign;
}

const struct secret_box *member_transport_key(const struct member_node *m)
{
    return m->curve;
}

const struct secret_box *member_prekey(const struct member_node *m)
{
    return m->prekey;
}

struct member_hub *member_hub(struct member_node *m)
{
    return &m->hub;
}

struct crew *member_crew(const struct member_node *m)
{
    return m->crew;
}

struct directory *member_directory(const struct member_node *m)
{
    return m->dir;
}

void member_wire(struct member_node *m,
                 enum err (*say)(struct member_node *m, struct span frame, bool join, void *arg),
                 void *arg)
{
    m->wire = say;
    m->wire_arg = arg;
}

void member_hears(struct member_node *m, struct span frame, bool join)
{
    if (!join)
        member_heard(m, frame);
    else if (bytes_copy(&m->join_answer, frame) == ERR_OK)
        m->join_heard = true;
}

bool member_until(struct member_node *m, bool (*done)(void *arg), void *arg, uint64_t within_ms)
{
    return m->wire ? done(arg) : crew_until(m->crew, done, arg, within_ms);
}

/* --- hearing ---------------------------------------------------------------------------------- */

static uint64_t req_of(const struct message *m)
{
    switch (m->type) {
    case MSG_RECEIPT:
        return m->receipt.req;
    case MSG_CHAIN_PAGE:
        return m->chain_page.req;
    case MSG_KEYS_PAGE:
        return m->keys_page.req;
    case MSG_CONSISTENCY_PROOF:
        return m->consistency_proof.req;
    case MSG_ATT_STATE:
        return m->att_state.req;
    case MSG_ATT_CHUNK:
        return m->att_chunk.req;
    case MSG_ERR:
        return m->err.req;
    default:
        return 0;
    }
}

static void keep_answer(struct member_node *m, struct span frame)
{
    struct waiting_answer *w = calloc(1, sizeof *w);

    if (!w || bytes_copy(&w->a.frame, frame) ||
        message_decode(bytes_span(&w->a.frame), SENT_BY_HUB, &w->a.message))
        abort();
    w->req = req_of(&w->a.message);
    if (w->a.message.type == MSG_ERR)
        w->a.code = (enum err)w->a.message.err.code;
    *m->answers_end = w;
    m->answers_end = &w->next;
    m->answer_count++;
}

/* What a hub sends must decode: a hub that talks nonsense ends the test. */
void member_heard(struct member_node *m, struct span frame)
{
    struct message msg;
    enum err e = message_decode(frame, SENT_BY_HUB, &msg);

    if (e) {
        fprintf(stderr, "%s: the hub sent what cannot be read: %s\n", m->name, err_name(e));
        abort();
    }
    if (m->seen && m->seen(m, &msg, m->seen_arg))
        return;
    if (msg.type == MSG_DELIVER) {
        member_keep_item(m, &msg.deliver);
    } else if (msg.type == MSG_WELCOME) {
        m->welcome = msg.welcome;
        m->welcome.opening = span_text(""); /* it lay in the frame */
        m->keys_head = msg.welcome.keys;
        m->acked = msg.welcome.acked_seq; /* the hub's cursor: what the next ACK starts from */
        m->welcomed = true;
    } else if (msg.type == MSG_HEADS) {
        m->heads = msg.heads;
        m->heads_heard++;
    } else {
        keep_answer(m, frame);
    }
}

void member_on_frame(struct member_node *m,
                     bool (*seen)(struct member_node *m, const struct message *frame, void *arg),
                     void *arg)
{
    m->seen = seen;
    m->seen_arg = arg;
}

void member_answer_free(struct member_answer *a)
{
    bytes_free(&a->frame);
    *a = (struct member_answer){0};
}

size_t member_answers(const struct member_node *m)
{
    return m->answer_count;
}

static struct waiting_answer *take_answer(struct member_node *m, uint64_t req)
{
    for (struct waiting_answer **at = &m->answers; *at; at = &(*at)->next) {
        struct waiting_answer *w = *at;

        if (w->req != req)
            continue;
        *at = w->next;
        if (!w->next)
            m->answers_end = at;
        m->answer_count--;
        return w;
    }
    return NULL;
}

void member_forget_answers(struct member_node *m)
{
    while (m->answers) {
        struct waiting_answer *w = m->answers;

        m->answers = w->next;
        member_answer_free(&w->a);
        free(w);
    }
    m->answers_end = &m->answers;
    m->answer_count = 0;
}

struct asked_for {
    struct member_node *m;
    uint64_t req;
    struct waiting_answer *found;
};

static bool has_answer(void *arg)
{
    struct asked_for *a = arg;

    if (!a->found)
        a->found = take_answer(a->m, a->req);
    return a->found != NULL;
}

enum err member_answer(struct member_node *m, uint64_t req, uint64_t within_ms,
                       struct member_answer *out)
{
    struct asked_for a = {m, req, NULL};

    if (!member_until(m, has_answer, &a, within_ms))
        return ERR_TIMEOUT;
    *out = a.found->a;
    free(a.found);
    return ERR_OK;
}

/* --- saying ----------------------------------------------------------------------------------- */

enum err member_send(struct member_node *m, struct span frame)
{
    uint64_t until = mono_ms() + m->crew->patience_ms;
    enum err e;

    if (m->wire)
        return m->wire(m, frame, false, m->wire_arg);
    if (!m->link)
        return ERR_CLOSED;
    while ((e = link_send(m->link, NULL, frame)) == ERR_BUSY && mono_ms() < until)
        if ((e = crew_turn(m->crew, BUSY_MS)))
            return e;
    return e;
}

enum err member_tell(struct member_node *m, const struct message *say)
{
    struct bytes frame = {0};
    enum err e = message_encode(say, &frame);

    if (!e)
        e = member_send(m, bytes_span(&frame));
    bytes_free(&frame);
    return e;
}

uint64_t member_next_req(struct member_node *m)
{
    return ++m->req;
}

enum err member_ask_raw(struct member_node *m, struct span frame, uint64_t req,
                        struct member_answer *out)
{
    struct member_answer a = {0};
    enum err e;

    if ((e = member_send(m, frame)) || (e = member_answer(m, req, MEMBER_WAIT_MS, &a)))
        return e;
    e = a.code;
    if (out)
        *out = a;
    else
        member_answer_free(&a);
    return e;
}

static uint64_t req_asked(const struct message *say)
{
    switch (say->type) {
    case MSG_PUT:
        return say->put.req;
    case MSG_CONSISTENCY:
        return say->consistency.req;
    case MSG_COSIGN:
        return say->cosign.req;
    case MSG_CHAIN:
        return say->chain.req;
    case MSG_KEYS:
        return say->keys.req;
    case MSG_REPORT:
    case MSG_DECLARE:
    case MSG_KEYS_PUT:
    case MSG_RECALL:
        return say->statement.req;
    case MSG_ATT_OPEN:
        return say->att_open.req;
    case MSG_ATT_PUT:
    case MSG_ATT_GET:
    case MSG_ATT_DONE:
        return say->att_chunk.req;
    default:
        return 0;
    }
}

enum err member_ask(struct member_node *m, const struct message *say, struct member_answer *out)
{
    struct bytes frame = {0};
    enum err e = message_encode(say, &frame);

    if (!e)
        e = member_ask_raw(m, bytes_span(&frame), req_asked(say), out);
    bytes_free(&frame);
    return e;
}

enum err member_barrier(struct member_node *m)
{
    struct message say = {.type = MSG_KEYS, .keys = {.req = member_next_req(m)}};

    say.keys.from = UINT32_MAX; /* past the end: an empty page */
    return member_ask(m, &say, NULL);
}

/* --- session ---------------------------------------------------------------------------------- */

static void on_frame(struct link_socket *link, const struct link_frame *f, void *arg)
{
    (void)link;
    if (!f->fault)
        member_heard(arg, f->payload);
}

enum err member_connect(struct member_node *m)
{
    struct link_connect_options o = {.endpoint = m->hub.endpoint,
                                     .server_key = m->hub.transport.b,
                                     .public_key = secret_box_public(m->curve)->b,
                                     .secret_key = secret_box_span(m->curve).ptr,
                                     .reconnect_ms = RECONNECT_MS,
                                     .linger_ms = -1};
    enum err e;

    if (m->link || m->wire)
        return ERR_OK;
    if ((e = link_connect(m->crew->transport, &o, &m->link)))
        return e;
    return loop_link(m->crew->loop, m->link, on_frame, m);
}

void member_disconnect(struct member_node *m)
{
    if (!m->link)
        return;
    loop_link_remove(m->crew->loop, m->link);
    link_close(m->link);
    m->link = NULL;
    m->welcomed = false;
}

bool member_is_connected(const struct member_node *m)
{
    return m->link != NULL;
}

void member_credit(struct member_node *m, uint32_t messages, uint32_t bytes)
{
    m->credit_messages = messages;
    m->credit_bytes = bytes;
}

const struct msg_heads *member_heads(const struct member_node *m, size_t *heard)
{
    *heard = m->heads_heard;
    return &m->heads;
}

const struct msg_welcome *member_welcome(const struct member_node *m)
{
    return &m->welcome;
}

enum err member_hello_make(struct member_node *m, struct msg_hello *out)
{
    *out = (struct msg_hello){
        .versions = {1, {WIRE_VERSION}},
        .session = ++m->session,
        .last_seq = m->on_disk,
        .credit_messages = m->credit_messages,
        .credit_bytes = m->credit_bytes,
        .keys = m->welcome.keys,
        .epoch = m->welcome.epoch,
        .audit = m->welcome.audit
    };
    memcpy(out->incarnation, m->incarnation, ID_BYTES);
    memcpy(out->hub, m->welcome.hub, ID_BYTES);
    return entropy_fill(&m->entropy, out->nonce, ID_BYTES);
}

static bool greeted(void *arg)
{
    struct asked_for *a = arg;

    return a->m->welcomed || has_answer(a);
}

enum err member_hello_within(struct member_node *m, const struct msg_hello *hello,
                             uint64_t within_ms)
{
    struct message say = {.type = MSG_HELLO, .hello = *hello};
    struct asked_for a = {m, 0, NULL};
    uint64_t until = mono_ms() + within_ms;
    struct bytes frame = {0};
    uint64_t now;
    enum err e;

    m->welcomed = false;
    m->session = hello->session > m->session ? hello->session : m->session;
    member_forget_answers(m);
    if ((e = message_encode(&say, &frame)))
        return e;
    /* The same again while nobody answers: the connection may be on its way, or just lost. */
    while (!greeted(&a) && (now = mono_ms()) < until) {
        uint64_t wait_ms = until - now < HELLO_AGAIN_MS ? until - now : HELLO_AGAIN_MS;

        if (m->wire)
            until = 0; /* once: whoever is at the other end has answered or will not */
        e = m->wire ? member_send(m, bytes_span(&frame))
                    : link_send(m->link, NULL, bytes_span(&frame));
        if (e == ERR_BUSY)
            wait_ms = BUSY_MS;
        else if (e)
            break;
        member_until(m, greeted, &a, wait_ms);
    }
    bytes_free(&frame);
    if (m->welcomed)
        return ERR_OK;
    if (!a.found)
        return ERR_TIMEOUT;
    e = a.found->a.code;
    member_answer_free(&a.found->a);
    free(a.found);
    return e;
}

enum err member_hello(struct member_node *m, const struct msg_hello *hello)
{
    return member_hello_within(m, hello, MEMBER_WAIT_MS);
}

static enum err apply_page(struct member_node *m, const struct msg_keys_page *p)
{
    enum err e;

    for (size_t i = 0; i < p->n; i++)
        if ((e = directory_apply(m->dir, p->from + i, 0, p->ss[i])))
            return e;
    m->keys_head = p->head;
    return ERR_OK;
}

enum err member_sync(struct member_node *m)
{
    size_t n = 1;
    enum err e = ERR_OK;

    while (!e && n > 0) {
        struct message say = {.type = MSG_KEYS, .keys = {.req = member_next_req(m)}};
        struct member_answer a = {0};

        say.keys.from = directory_size(m->dir);
        if (!(e = member_ask(m, &say, &a))) {
            n = a.message.keys_page.n;
            e = apply_page(m, &a.message.keys_page);
        }
        member_answer_free(&a);
    }
    return e;
}

enum err member_open(struct member_node *m)
{
    struct msg_hello hello;
    enum err e;

    if ((e = member_connect(m)) || (e = member_hello_make(m, &hello)) ||
        (e = member_hello(m, &hello)))
        return e;
    return member_sync(m);
}
