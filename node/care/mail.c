#include "mail.h"

#include <string.h>

#include "commands.h"
#include "payload.h"
#include "person.h"

const uint8_t *mail_mid(const struct mail *m)
{
    return m->incoming ? m->in.mid : m->out.mid;
}

const uint8_t *mail_person(const struct mail *m)
{
    return m->incoming ? m->in.person : m->out.person;
}

uint64_t mail_type(const struct mail *m)
{
    return m->incoming ? m->in.type : m->out.type;
}

struct walk {
    struct node *n;
    struct txn *t;
    const uint8_t *person;
    enum err (*visit)(void *arg, const struct mail *m);
    void *arg;
    bool enough;
    struct mail mail;
};

static enum err visited(struct walk *w)
{
    uint8_t resolved[ID_BYTES];
    enum err e = ERR_OK;

    if (w->person && !(e = person_resolve(w->n, w->t, mail_person(&w->mail), resolved)) &&
        memcmp(resolved, w->person, ID_BYTES) != 0)
        return ERR_OK;
    if (!e)
        e = w->visit(w->arg, &w->mail);
    w->enough = e == ERR_ENOUGH;
    return e;
}

static enum err in_row(void *arg, const struct in_status *s)
{
    struct walk *w = arg;

    w->mail.incoming = true;
    w->mail.in = *s;
    return visited(w);
}

static enum err out_row(void *arg, const struct out_status *s)
{
    struct walk *w = arg;

    w->mail.incoming = false;
    w->mail.out = *s;
    return visited(w);
}

enum err mail_each(struct node *n, struct txn *t, const uint8_t *person, bool incoming,
                   bool outgoing, enum err (*visit)(void *arg, const struct mail *m), void *arg)
{
    struct walk w = {.n = n, .t = t, .person = person, .visit = visit, .arg = arg};
    enum err e = incoming ? inbox_each(n, t, in_row, &w) : ERR_OK;

    if (e || w.enough || !outgoing)
        return e;
    return outbox_each(n, t, out_row, &w);
}

struct finding {
    const char *typed;
    size_t hits;
    struct mail *out;
};

static enum err compare(void *arg, const struct mail *m)
{
    struct finding *f = arg;

    if (id_fits(f->typed, mail_mid(m))) {
        f->hits++;
        *f->out = *m;
    }
    return f->hits > 1 ? ERR_ENOUGH : ERR_OK;
}

enum err mail_find(struct node *n, struct txn *t, const char *typed, struct mail *out)
{
    struct finding f = {.typed = typed, .out = out};
    enum err e;

    if (!id_is_typed(typed))
        return ERR_USAGE;
    if ((e = mail_each(n, t, NULL, true, true, compare, &f)))
        return e;
    return f.hits == 1 ? ERR_OK : f.hits == 0 ? ERR_NOT_FOUND : ERR_USAGE;
}

enum err mail_open(struct node *n, struct txn *t, const struct mail *m, struct bytes *body,
                   struct document *out)
{
    struct payload p;
    enum err e =
        m->incoming ? inbox_payload(n, t, &m->in, body) : outbox_payload(n, t, m->out.mid, body);

    if (e)
        return e;
    if (payload_decode(bytes_span(body), &p) || document_decode(p.doc, mail_type(m), out) ||
        out->type != mail_type(m))
        return ERR_CORRUPT; /* it was read once, before it was kept */
    return ERR_OK;
}
