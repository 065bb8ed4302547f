/* zap - the handler thread of ZAP 1.0 (ZeroMQ RFC 27). */
#include "zap.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "link.h"
#include "zap_hooks.h"
#include "zap_keys.h"

#define BEAT_MS 1000
#define PART_MAX 255 /* of RFC 27's fields ours need no more */

enum part {
    PART_VERSION,
    PART_REQUEST_ID,
    PART_DOMAIN,
    PART_ADDRESS,
    PART_ROUTING,
    PART_MECHANISM,
    PART_KEY,
    PARTS,
};

struct request {
    size_t count;                   /* parts that came, which may be more than PARTS */
    char part[PARTS][PART_MAX + 1]; /* each followed by a NUL */
    size_t len[PARTS];              /* as it came, which may be more than PART_MAX */
};

enum order {
    ORDER_RUN,
    ORDER_HOLD,
    ORDER_KILL,
    ORDER_STOP,
};

struct zap {
    struct transport *transport;
    void *rep; /* the thread's own after zap_start() */
    pthread_t thread;
    int wake; /* eventfd: `order` has changed */
    _Atomic int order;
    _Atomic int running;
    _Atomic uint64_t beats, allowed, denied;
    pthread_mutex_t lock; /* keys */
    struct zap_keys keys;
    char domains[ZAP_DOMAINS_MAX][LINK_DOMAIN_MAX + 1];
    uint8_t domain_count;
    struct zap_options options; /* domains: NULL, they are above */
};

/* Place of the domain in the list, domain_count if it is none of ours. */
static uint8_t domain_find(const struct zap *z, const char *name)
{
    uint8_t i = 0;

    while (i < z->domain_count && strcmp(z->domains[i], name) != 0)
        i++;
    return i;
}

static enum err part_recv(struct zap *z, struct request *r, int *more)
{
    char *into = r->count < PARTS ? r->part[r->count] : NULL;
    char discard[1];
    size_t size = sizeof *more;
    int n;

    do
        n = zmq_recv(z->rep, into ? into : discard, into ? PART_MAX : sizeof discard, 0);
    while (n < 0 && zmq_errno() == EINTR);
    if (n < 0 || zmq_getsockopt(z->rep, ZMQ_RCVMORE, more, &size))
        return zmq_error();
    if (into) {
        r->len[r->count] = (size_t)n;
        into[n < PART_MAX ? n : PART_MAX] = '\0';
    }
    r->count++;
    return ERR_OK;
}

static enum err request_recv(struct zap *z, struct request *r)
{
    int more = 1;
    enum err e = ERR_OK;

    memset(r, 0, sizeof *r);
    while (more && !(e = part_recv(z, r, &more)))
        ;
    return e;
}

/* Copies the user's name while the lock is held; 0 and a reason if there is none. */
static int judge(struct zap *z, const struct request *r, char user[LINK_USER_MAX + 1],
                 enum zap_reason *why)
{
    struct zap_key k = {.domain = domain_find(z, r->part[PART_DOMAIN])};
    const char *found;

    *why = ZAP_REQUEST;
    if (strcmp(r->part[PART_VERSION], "1.0") != 0 || r->count < PART_MECHANISM + 1)
        return 0;
    *why = ZAP_MECHANISM;
    if (strcmp(r->part[PART_MECHANISM], "CURVE") != 0 || r->count != PARTS ||
        r->len[PART_KEY] != LINK_KEY_BYTES)
        return 0;
    *why = ZAP_DOMAIN;
    if (k.domain == z->domain_count || r->len[PART_DOMAIN] != strlen(r->part[PART_DOMAIN]))
        return 0;
    *why = ZAP_KEY;
    memcpy(k.key, r->part[PART_KEY], sizeof k.key);
    pthread_mutex_lock(&z->lock);
    found = zap_keys_admit(&z->keys, &k, address_plain(r->part[PART_ADDRESS]));
    if (found)
        snprintf(user, LINK_USER_MAX + 1, "%s", found);
    pthread_mutex_unlock(&z->lock);
    return found != NULL;
}

static void denial_report(const struct zap *z, const struct request *r, enum zap_reason why)
{
    uint8_t at = domain_find(z, r->part[PART_DOMAIN]);
    struct zap_denial d = {
        .reason = why,
        .domain = at < z->domain_count ? z->domains[at] : "",
        .address = address_plain(r->part[PART_ADDRESS]),
        .key = why == ZAP_KEY ? (const uint8_t *)r->part[PART_KEY] : NULL,
    };

    if (z->options.on_denied)
        z->options.on_denied(&d, z->options.arg);
}

/* 200 or 400 and nothing else: after a 300 some clients hang. After a 400 libzmq's own never try
 * again: whoever would be let in a moment later must not be asked about yet (zap_hold()). */
static enum err reply_send(struct zap *z, const struct request *r, const char *user)
{
    size_t id_len = r->len[PART_REQUEST_ID] < PART_MAX ? r->len[PART_REQUEST_ID] : PART_MAX;
    char named[TAG_CHARS + LINK_USER_MAX + 1] = "";
    const struct span parts[] = {
        SPAN_STR("1.0"),
        span_of(r->part[PART_REQUEST_ID], id_len),
        user ? SPAN_STR("200") : SPAN_STR("400"),
        user ? SPAN_STR("OK") : SPAN_STR("no"),
        {(const uint8_t *)named, 0},
        {(const uint8_t *)named, 0}, /* no metadata */
    };
    const size_t n = sizeof parts / sizeof *parts;

    if (user)
        snprintf(named, sizeof named, "%s%s", z->transport->tag, user);
    for (size_t i = 0; i < n; i++) {
        size_t len = i == 4 ? strlen(named) : parts[i].len;
        int rc;

        do
            rc = zmq_send(z->rep, parts[i].ptr, len, i + 1 < n ? ZMQ_SNDMORE : 0);
        while (rc < 0 && zmq_errno() == EINTR);
        if (rc < 0)
            return zmq_error();
    }
    return ERR_OK;
}

static enum err serve(struct zap *z)
{
    struct request r;
    char user[LINK_USER_MAX + 1];
    enum zap_reason why;
    enum err e;

    if ((e = request_recv(z, &r)))
        return e;
    if (judge(z, &r, user, &why)) {
        atomic_fetch_add(&z->allowed, 1);
        return reply_send(z, &r, user);
    }
    atomic_fetch_add(&z->denied, 1);
    e = reply_send(z, &r, NULL);
    denial_report(z, &r, why);
    return e;
}

static enum err turn(struct zap *z)
{
    zmq_pollitem_t items[] = {
        {.fd = z->wake,    .events = ZMQ_POLLIN},
        {.socket = z->rep, .events = ZMQ_POLLIN},
    };
    int held = atomic_load(&z->order) == ORDER_HOLD;
    uint64_t count;

    atomic_fetch_add(&z->beats, 1);
    if (zmq_poll(items, held ? 1 : 2, BEAT_MS) < 0 && zmq_errno() != EINTR)
        return zmq_error();
    if (items[0].revents && read(z->wake, &count, sizeof count) < 0 && errno != EAGAIN)
        return ERR_IO;
    if (!held && items[1].revents && atomic_load(&z->order) != ORDER_HOLD)
        return serve(z);
    return ERR_OK;
}

static void *zap_thread(void *arg)
{
    struct zap *z = arg;
    enum err e = ERR_OK;

    while (!e && atomic_load(&z->order) < ORDER_KILL)
        e = turn(z);
    zmq_close(z->rep);
    if (!e && atomic_load(&z->order) == ORDER_KILL)
        e = ERR_INTERNAL;
    atomic_store(&z->running, 0);
    if (e && e != ERR_STOPPING && z->options.on_fatal)
        z->options.on_fatal(e, z->options.arg);
    return NULL;
}

static void order(struct zap *z, enum order what)
{
    const uint64_t one = 1;

    atomic_store(&z->order, what);
    while (write(z->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static enum err domains_copy(struct zap *z, const char *const *domains)
{
    for (; domains && domains[z->domain_count]; z->domain_count++) {
        const char *name = domains[z->domain_count];

        if (z->domain_count == ZAP_DOMAINS_MAX || !name[0] || strlen(name) > LINK_DOMAIN_MAX)
            return ERR_RANGE;
        memcpy(z->domains[z->domain_count], name, strlen(name) + 1);
    }
    return z->domain_count ? ERR_OK : ERR_USAGE;
}

static void zap_free(struct zap *z)
{
    if (z->wake >= 0)
        close(z->wake);
    zap_keys_free(&z->keys);
    pthread_mutex_destroy(&z->lock);
    free(z);
}

enum err zap_start(struct transport *t, const struct zap_options *options, struct zap **out)
{
    struct zap *z = calloc(1, sizeof *z);
    enum err e;

    if (!z)
        return ERR_NOMEM;
    pthread_mutex_init(&z->lock, NULL); /* cannot fail with the default attributes */
    z->transport = t;
    z->options = *options;
    z->options.domains = NULL;
    z->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    e = ERR_IO;
    if (z->wake < 0)
        goto out;
    if ((e = domains_copy(z, options->domains)))
        goto out;
    if (!(z->rep = zmq_socket(t->ctx, ZMQ_REP))) {
        e = zmq_error();
        goto out;
    }
    if ((e = zmq_set_int(z->rep, ZMQ_LINGER, 0)))
        goto out;
    if (zmq_bind(z->rep, ZAP_ENDPOINT)) {
        e = zmq_error();
        goto out;
    }
    atomic_store(&z->running, 1);
    if (pthread_create(&z->thread, NULL, zap_thread, z)) {
        e = ERR_NOMEM;
        goto out;
    }
    atomic_store(&t->zap, z);
    *out = z;
    return ERR_OK;
out:
    if (z->rep)
        zmq_close(z->rep);
    zap_free(z);
    return e;
}

void zap_stop(struct zap *z)
{
    if (!z)
        return;
    order(z, ORDER_STOP);
    pthread_join(z->thread, NULL);
    atomic_store(&z->transport->zap, NULL);
    zap_free(z);
}

void zap_kill(struct zap *z)
{
    order(z, ORDER_KILL);
    while (atomic_load(&z->running))
        sched_yield();
}

void zap_hold(struct zap *z, int held)
{
    order(z, held ? ORDER_HOLD : ORDER_RUN);
}

static enum err user_check(const char *user)
{
    size_t n = user ? strlen(user) : 0;

    if (n == 0 || n > LINK_USER_MAX)
        return ERR_SIZE;
    for (size_t i = 0; i < n; i++)
        if (user[i] <= ' ' || user[i] > '~')
            return ERR_FIELD_VALUE;
    return ERR_OK;
}

static enum err key_make(const struct zap *z, const char *domain, const uint8_t *key,
                         struct zap_key *out)
{
    out->domain = domain_find(z, domain);
    memcpy(out->key, key, sizeof out->key);
    return out->domain < z->domain_count ? ERR_OK : ERR_NOT_FOUND;
}

enum err zap_allow(struct zap *z, const char *domain, const uint8_t key[LINK_KEY_BYTES],
                   const char *user)
{
    struct zap_key k;
    enum err e;

    if ((e = user_check(user)) || (e = key_make(z, domain, key, &k)))
        return e;
    pthread_mutex_lock(&z->lock);
    e = zap_keys_put(&z->keys, &k, user);
    pthread_mutex_unlock(&z->lock);
    return e;
}

enum err zap_deny(struct zap *z, const char *domain, const uint8_t key[LINK_KEY_BYTES])
{
    struct zap_key k;
    enum err e;

    if ((e = key_make(z, domain, key, &k)))
        return e;
    pthread_mutex_lock(&z->lock);
    e = zap_keys_remove(&z->keys, &k);
    pthread_mutex_unlock(&z->lock);
    return e;
}

struct zap_stats zap_stats(struct zap *z)
{
    struct zap_stats s = {
        .allowed = atomic_load(&z->allowed),
        .denied = atomic_load(&z->denied),
        .beats = atomic_load(&z->beats),
        .running = atomic_load(&z->running),
    };

    pthread_mutex_lock(&z->lock);
    s.keys = z->keys.n;
    pthread_mutex_unlock(&z->lock);
    return s;
}

uint64_t zap_alive(struct zap *z)
{
    return atomic_load(&z->running) ? atomic_load(&z->beats) + 1 : 0;
}

int zap_knows(const struct zap *z, const char *domain)
{
    return domain_find(z, domain) < z->domain_count;
}

enum err zap_only_user_from(struct zap *z, const char *domain, const char *address,
                            int (*left_out)(const char *user, void *arg), void *arg,
                            char user[LINK_USER_MAX + 1])
{
    const char *found;
    enum err e;

    pthread_mutex_lock(&z->lock);
    e = zap_keys_only_from(&z->keys, domain_find(z, domain), address, left_out, arg, &found);
    if (!e)
        snprintf(user, LINK_USER_MAX + 1, "%s", found);
    pthread_mutex_unlock(&z->lock);
    return e;
}
