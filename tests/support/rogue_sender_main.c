/*
 * rogue_sender: a sender without any check of its own. It takes over an organisation's real keys
 * (node.key) and offers the hub one envelope under a basis that does not hold. Real key, real
 * socket, valid signature: what stops it is the hub. The hub's word is printed and is all it says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "keyfile.h"
#include "member.h"

enum status {
    ACCEPTED = 0,
    REFUSED = 1,
    BAD_USAGE = 2,
    NOT_SERVED = 3,
    BROKEN = 4
};

static const char help[] =
    "rogue_sender --invitation FICHIER --key NODE.KEY --passphrase-file FICHIER --circle HEX\n"
    "             --to ORG --classes MASQUE --basis N --category MASQUE [--consent N] [--notice "
    "N]\n"
    "             [--content CLASSE]\n"
    "Offre au hub une enveloppe sans rien vérifier. Affiche le mot du hub. Avec --content, une "
    "vraie\n"
    "fiche dont le texte est de cette classe, quoi que dise l'étiquette.\n"
    "Sortie : 0 acceptée, 1 refusée, 2 usage, 3 le hub ne sert pas cette clé, 4 panne.\n";

enum {
    TEXT_MAX = 64 * 1024
};

struct plan {
    const char *invitation;
    const char *key;
    const char *passphrase;
    const char *circle;
    const char *to;
    const char *classes;
    const char *basis;
    const char *category;
    const char *consent;
    const char *notice;
    const char *content;
};

static bool plan_read(int argc, char **argv, struct plan *p)
{
    const struct {
        const char *name;
        const char **value;
        bool needed;
    } options[] = {
        {"--invitation",      &p->invitation, true },
        {"--key",             &p->key,        true },
        {"--passphrase-file", &p->passphrase, true },
        {"--circle",          &p->circle,     true },
        {"--to",              &p->to,         true },
        {"--classes",         &p->classes,    true },
        {"--basis",           &p->basis,      true },
        {"--category",        &p->category,   true },
        {"--consent",         &p->consent,    false},
        {"--notice",          &p->notice,     false},
        {"--content",         &p->content,    false},
    };
    size_t n = sizeof options / sizeof options[0];

    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;

        while (k < n && strcmp(options[k].name, argv[i]) != 0)
            k++;
        if (k == n || i + 1 >= argc)
            return false;
        *options[k].value = argv[i + 1];
    }
    for (size_t k = 0; k < n; k++)
        if (options[k].needed && !*options[k].value)
            return false;
    return true;
}

static uint64_t number(const char *text)
{
    return text ? strtoull(text, NULL, 10) : 0;
}

/* --- taking over ------------------------------------------------------------------------------ */

static enum err hub_of_invitation(const char *path, struct member_hub *hub, uint8_t org[ID_BYTES])
{
    struct bytes text = {0};
    struct bytes data = {0};
    struct invitation i;
    enum err e;

    if ((e = file_read(path, TEXT_MAX, &text)) ||
        (e = armour_read(ARMOUR_INVITATION, bytes_span(&text), &data)) ||
        (e = invitation_decode(bytes_span(&data), &i)))
        goto out;
    snprintf(hub->endpoint, sizeof hub->endpoint, "%.*s", (int)i.endpoint.len,
             (const char *)i.endpoint.ptr);
    memcpy(hub->federation, i.federation, ID_BYTES);
    hub->mode = i.mode;
    hub->transport = i.hub_transport;
    memcpy(org, i.org, ID_BYTES);
out:
    bytes_free(&text);
    seal_bytes_free(&data);
    return e;
}

static enum err ring_open(const struct plan *p, struct keyring **out)
{
    struct bytes passphrase = {0};
    struct span s;
    enum err e;

    if ((e = file_read_secret(p->passphrase, PASSPHRASE_MAX, &passphrase)))
        return e;
    s = bytes_span(&passphrase);
    while (s.len > 0 && s.ptr[s.len - 1] == '\n')
        s.len--;
    e = keyfile_open(p->key, s, KEYFILE_CAPS, out);
    file_secret_free(&passphrase);
    return e;
}

static enum err take_over(const struct plan *p, struct crew *c, struct member_node **out)
{
    static const uint8_t no_node[ID_BYTES] = {0}; /* the hub knows us by the transport key */
    struct secret32 *sign = NULL;
    struct secret32 *curve = NULL;
    struct keyring *ring = NULL;
    struct member_hub hub = {0};
    uint8_t org[ID_BYTES];
    enum err e;

    if ((e = hub_of_invitation(p->invitation, &hub, org)) || (e = ring_open(p, &ring)) ||
        (e = keyring_get(ring, "sign", &sign)) || (e = keyring_get(ring, "curve", &curve)))
        goto out;
    e = member_from_keys(c, "rogue", sign, curve, org, no_node, &hub, out);
out:
    secret32_free(sign);
    secret32_free(curve);
    keyring_free(ring);
    return e;
}

/* One copy, however often it is started: the same incarnation, sessions that only grow. What a hub
 * must see is that it is not the node's own. */
static enum err say_hello(struct member_node *m)
{
    struct msg_hello hello;
    enum err e;

    if ((e = member_connect(m)) || (e = member_hello_make(m, &hello)))
        return e;
    memcpy(hello.incarnation, member_org(m), ID_BYTES);
    hello.session = crew_now_ms(member_crew(m));
    if ((e = member_hello(m, &hello)))
        return e;
    return member_sync(m);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void words(struct writer *w, uint64_t key, const char *value)
{
    wr_key(w, key);
    wr_text(w, span_text(value));
}

static void count(struct writer *w, uint64_t key, uint64_t value)
{
    wr_key(w, key);
    wr_uint(w, value);
}

/* A fiche de liaison (PROTOCOL.md 6.2) of one section, which says of what class it is. */
static enum err sheet_doc(const struct plan *p, const struct env_header *h, struct bytes *doc)
{
    struct writer w;

    wr_init(&w);
    wr_map(&w, 9);
    count(&w, 1, 1);
    wr_key(&w, 2);
    wr_map(&w, 2);
    words(&w, 1, "R-1");
    words(&w, 3, "Personne");
    count(&w, 3, 5);
    words(&w, 4, "Sous une autre étiquette");
    wr_key(&w, 5);
    wr_array(&w, 1);
    wr_map(&w, 2);
    count(&w, 1, number(p->content));
    words(&w, 2, "tout, sans rien demander");
    wr_key(&w, 6);
    wr_bool(&w, false);
    wr_key(&w, 7);
    wr_array(&w, 1);
    wr_map(&w, 3);
    wr_key(&w, 1);
    wr_bin(&w, SPAN_OF(h->to[0]));
    count(&w, 2, 1);
    count(&w, 4, h->rcat[0]);
    wr_key(&w, 8);
    wr_map(&w, 4);
    words(&w, 1, "Personne de connu");
    words(&w, 2, "aucune");
    count(&w, 3, h->scat);
    words(&w, 5, "Nulle part");
    count(&w, 9, h->ts);
    return wr_take(&w, doc);
}

static enum err payload(const struct plan *p, const struct member_node *m,
                        const struct env_header *h, struct bytes *out)
{
    uint8_t digest[DIGEST_512];
    uint8_t sig[SIG_BYTES];
    struct bytes doc = {0};
    struct writer w;
    enum err e;

    if (!p->content)
        return bytes_copy(out, SPAN_STR("tout, sans rien demander"));
    if ((e = sheet_doc(p, h, &doc)) ||
        (e = digest_of("relais/doc1/doc", bytes_span(&doc), digest, sizeof digest)) ||
        (e = sign_digest(SIGN_DOCUMENT, member_sign_key(m), digest, sig)))
        goto out;
    wr_init(&w);
    wr_array(&w, 5);
    wr_uint(&w, 1);
    wr_bin(&w, bytes_span(&doc));
    wr_bin(&w, SPAN_OF(h->from));
    wr_bin(&w, SPAN_OF(h->skid));
    wr_bin(&w, SPAN_OF(sig));
    e = wr_take(&w, out);
out:
    bytes_free(&doc);
    return e;
}

static enum err seal_anything(const struct plan *p, struct member_node *m, struct bytes *envelope)
{
    uint8_t circle[ID_BYTES];
    uint8_t to[1][ID_BYTES];
    struct bytes body = {0};
    struct env_header h;
    enum err e;

    if ((e = hex_read_fixed(circle, ID_BYTES, span_text(p->circle))) ||
        (e = hex_read_fixed(to[0], ID_BYTES, span_text(p->to))) ||
        (e = member_header_to(m, circle, (const uint8_t(*)[ID_BYTES])to, 1, &h)))
        return e;
    h.class_mask = number(p->classes);
    h.basis = number(p->basis);
    h.rcat[0] = number(p->category);
    h.has_consent = p->consent != NULL;
    h.consent = number(p->consent);
    h.has_notice = p->notice != NULL;
    h.notice = number(p->notice);
    if (!(e = payload(p, m, &h, &body)))
        e = member_seal(m, &h, bytes_span(&body), envelope, NULL);
    bytes_free(&body);
    return e;
}

static int say(int status, enum err e)
{
    printf("%s\n", err_name(e));
    return status;
}

static int send_one(const struct plan *p, struct crew *c)
{
    struct member_node *m = NULL;
    struct bytes envelope = {0};
    int status = BROKEN;
    enum err e;

    if ((e = take_over(p, c, &m)))
        status = say(BROKEN, e);
    else if ((e = say_hello(m)))
        status = say(e == ERR_TIMEOUT ? BROKEN : NOT_SERVED, e);
    else if ((e = seal_anything(p, m, &envelope)))
        status = say(BROKEN, e);
    else if ((e = member_put(m, bytes_span(&envelope), NULL)))
        status = say(e == ERR_TIMEOUT ? BROKEN : REFUSED, e);
    else
        status = say(ACCEPTED, ERR_OK);
    bytes_free(&envelope);
    member_free(m);
    return status;
}

/* A seed of its own for every run: message ids must differ. */
static enum err fresh_seed(char seed[33])
{
    struct entropy system = entropy_system();
    struct bytes hex = {0};
    uint8_t raw[16];
    enum err e;

    if ((e = entropy_fill(&system, raw, sizeof raw)) || (e = hex_write(&hex, SPAN_OF(raw))))
        return e;
    snprintf(seed, 33, "%s", (const char *)hex.ptr);
    bytes_free(&hex);
    return ERR_OK;
}

int main(int argc, char **argv)
{
    struct plan p = {0};
    struct crew *c = NULL;
    char seed[33];
    int status;
    enum err e;

    if (!plan_read(argc, argv, &p)) {
        fputs(help, stderr);
        return BAD_USAGE;
    }
    if ((e = seal_init()) || (e = fresh_seed(seed)) || (e = crew_open(seed, &c)))
        return say(BROKEN, e);
    status = send_one(&p, c);
    crew_close(c);
    return status;
}
