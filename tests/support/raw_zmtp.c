/* raw_zmtp - see raw_zmtp.h. */
#include "raw_zmtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define GREETING 64
#define LIMIT_S 10
#define MAC crypto_box_MACBYTES
#define COOKIE 96
#define FRAME_MOST (1 << 20)
#define NARROW_BYTES (64 * 1024)

enum err raw_connect(int port, struct raw_zmtp *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval limit = {.tv_sec = LIMIT_S};
    const int yes = 1;

    memset(r, 0, sizeof *r);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if ((r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return ERR_IO;
    if (setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) ||
        setsockopt(r->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ||
        setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) ||
        connect(r->fd, (struct sockaddr *)&a, sizeof a)) {
        raw_close(r);
        return ERR_IO;
    }
    return ERR_OK;
}

enum err raw_narrow(struct raw_zmtp *r)
{
    const int bytes = NARROW_BYTES;

    return setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) ? ERR_IO : ERR_OK;
}

void raw_close(struct raw_zmtp *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

enum err raw_send(struct raw_zmtp *r, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(r->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
        bytes = span_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return ERR_OK;
}

static enum err receive(struct raw_zmtp *r, uint8_t *out, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(r->fd, out, n, 0);

        if (got <= 0)
            return got < 0 && errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
        out += got;
        n -= (size_t)got;
    }
    return ERR_OK;
}

int raw_is_closed(struct raw_zmtp *r)
{
    uint8_t ignored[4096];
    ssize_t n;

    while ((n = recv(r->fd, ignored, sizeof ignored, 0)) > 0)
        ;
    return n == 0 || errno != EAGAIN;
}

enum err raw_greet(struct raw_zmtp *r)
{
    uint8_t ours[GREETING] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'C', 'U', 'R', 'V', 'E'};
    uint8_t theirs[GREETING];
    enum err e;

    if ((e = raw_send(r, SPAN_OF(ours))))
        return e;
    if ((e = receive(r, theirs, sizeof theirs)))
        return e;
    return memcmp(theirs + 12, "CURVE", 6) == 0 ? ERR_OK : ERR_VERSION;
}

static void put_be(uint8_t *out, uint64_t v, size_t n)
{
    while (n-- > 0) {
        out[n] = (uint8_t)v;
        v >>= 8;
    }
}

enum err raw_frame(struct raw_zmtp *r, unsigned flags, struct span body, uint64_t announced)
{
    uint8_t head[9];
    uint64_t size = announced ? announced : body.len;
    size_t n = size > 255 ? 9 : 2;
    enum err e;

    head[0] = (uint8_t)((flags & 0xff) | (n == 9 ? 2 : 0));
    put_be(head + 1, size, n - 1);
    if ((e = raw_send(r, span_of(head, n))) || (flags & RAW_ANNOUNCE_ONLY))
        return e;
    return raw_send(r, body);
}

/* One frame, whatever it is, into *out. */
static enum err frame_receive(struct raw_zmtp *r, struct bytes *out)
{
    uint8_t head[9];
    uint64_t size = 0;
    size_t n;
    enum err e;

    if ((e = receive(r, head, 1)))
        return e;
    n = head[0] & 2 ? 8 : 1;
    if ((e = receive(r, head + 1, n)))
        return e;
    for (size_t i = 0; i < n; i++)
        size = size << 8 | head[1 + i];
    if (size > FRAME_MOST)
        return ERR_SIZE;
    out->len = 0;
    if ((e = bytes_reserve(out, size + 1)))
        return e;
    if ((e = receive(r, out->ptr, size)))
        return e;
    out->len = size;
    return ERR_OK;
}

static void nonce_short(uint8_t out[24], const char *prefix, uint64_t n)
{
    memcpy(out, prefix, 16);
    put_be(out + 16, n, 8);
}

static enum err hello(struct raw_zmtp *r, const struct raw_identity *who, const uint8_t *transient,
                      const uint8_t *transient_secret)
{
    static const uint8_t zeros[64];
    uint8_t body[200] = "\5HELLO\1";
    uint8_t nonce[24];

    memcpy(body + 80, transient, 32);
    nonce_short(nonce, "CurveZMQHELLO---", ++r->nonce);
    memcpy(body + 112, nonce + 16, 8);
    if (crypto_box_easy(body + 120, zeros, sizeof zeros, nonce, who->server_key, transient_secret))
        return ERR_INTERNAL;
    return raw_frame(r, RAW_COMMAND, SPAN_OF(body), 0);
}

/* The listener's transient key and cookie: 128 bytes. */
static enum err welcome(struct raw_zmtp *r, const struct raw_identity *who,
                        const uint8_t *transient_secret, uint8_t out[32 + COOKIE])
{
    struct bytes in = {0};
    uint8_t nonce[24];
    enum err e;

    if ((e = frame_receive(r, &in)))
        goto out;
    e = ERR_FORGED;
    if (in.len != 168 || memcmp(in.ptr, "\7WELCOME", 8) != 0)
        goto out;
    memcpy(nonce, "WELCOME-", 8);
    memcpy(nonce + 8, in.ptr + 8, 16);
    if (crypto_box_open_easy(out, in.ptr + 24, 144, nonce, who->server_key, transient_secret))
        goto out;
    e = ERR_OK;
out:
    bytes_free(&in);
    return e;
}

static enum err property(struct bytes *out, const char *name, const char *value)
{
    uint8_t n = (uint8_t)strlen(name);
    uint8_t size[4];
    enum err e;

    put_be(size, strlen(value), 4);
    if ((e = bytes_append(out, span_of(&n, 1))) || (e = bytes_append(out, span_text(name))) ||
        (e = bytes_append(out, SPAN_OF(size))))
        return e;
    return bytes_append(out, span_text(value));
}

/* What INITIATE seals: our key, the vouch that binds the transient one to it, the metadata. */
static enum err initiate_plain(const struct raw_identity *who, const uint8_t *transient,
                               const uint8_t *server_transient, struct bytes *out)
{
    uint8_t vouch[64], boxed[sizeof vouch + MAC], nonce[24] = "VOUCH---";
    enum err e;

    memcpy(vouch, transient, 32);
    memcpy(vouch + 32, who->server_key, 32);
    randombytes_buf(nonce + 8, 16);
    if (crypto_box_easy(boxed, vouch, sizeof vouch, nonce, server_transient, who->secret_key))
        return ERR_INTERNAL;
    if ((e = bytes_append(out, span_of(who->public_key, 32))) ||
        (e = bytes_append(out, span_of(nonce + 8, 16))) ||
        (e = bytes_append(out, SPAN_OF(boxed))) || (e = property(out, "Socket-Type", "DEALER")))
        return e;
    if ((e = property(out, "Identity", who->routing_id ? who->routing_id : "")))
        return e;
    return who->property ? property(out, who->property, who->value) : ERR_OK;
}

static enum err initiate(struct raw_zmtp *r, const struct raw_identity *who,
                         const uint8_t *transient, const uint8_t *transient_secret,
                         const uint8_t welcomed[32 + COOKIE])
{
    struct bytes plain = {0}, body = {0};
    uint8_t nonce[24];
    enum err e;

    if ((e = initiate_plain(who, transient, welcomed, &plain)))
        goto out;
    nonce_short(nonce, "CurveZMQINITIATE", ++r->nonce);
    if ((e = bytes_append(&body, SPAN_STR("\10INITIATE"))) ||
        (e = bytes_append(&body, span_of(welcomed + 32, COOKIE))) ||
        (e = bytes_append(&body, span_of(nonce + 16, 8))) ||
        (e = bytes_reserve(&body, plain.len + MAC)))
        goto out;
    e = ERR_INTERNAL;
    if (crypto_box_easy(body.ptr + body.len, plain.ptr, plain.len, nonce, welcomed,
                        transient_secret))
        goto out;
    body.len += plain.len + MAC;
    e = raw_frame(r, RAW_COMMAND, bytes_span(&body), 0);
out:
    bytes_free(&plain);
    bytes_free(&body);
    return e;
}

enum err raw_handshake(struct raw_zmtp *r, const struct raw_identity *who)
{
    uint8_t transient[32], transient_secret[32], welcomed[32 + COOKIE];
    struct bytes in = {0};
    enum err e;

    crypto_box_keypair(transient, transient_secret);
    if ((e = hello(r, who, transient, transient_secret)) ||
        (e = welcome(r, who, transient_secret, welcomed)) ||
        (e = initiate(r, who, transient, transient_secret, welcomed)) ||
        (e = frame_receive(r, &in)))
        goto out;
    e = ERR_CLOSED; /* an ERROR command */
    if (in.len < 6 || memcmp(in.ptr, "\5READY", 6) != 0)
        goto out;
    e = crypto_box_beforenm(r->shared, welcomed, transient_secret) ? ERR_INTERNAL : ERR_OK;
out:
    bytes_free(&in);
    return e;
}

enum err raw_message(struct raw_zmtp *r, struct span payload, int more)
{
    struct bytes body = {0}, plain = {0};
    const uint8_t flags = more ? 1 : 0;
    uint8_t nonce[24];
    enum err e;

    nonce_short(nonce, "CurveZMQMESSAGEC", ++r->nonce);
    if ((e = bytes_append(&plain, span_of(&flags, 1))) || (e = bytes_append(&plain, payload)) ||
        (e = bytes_append(&body, SPAN_STR("\7MESSAGE"))) ||
        (e = bytes_append(&body, span_of(nonce + 16, 8))) ||
        (e = bytes_reserve(&body, plain.len + MAC)))
        goto out;
    e = ERR_INTERNAL;
    if (crypto_box_easy_afternm(body.ptr + body.len, plain.ptr, plain.len, nonce, r->shared))
        goto out;
    body.len += plain.len + MAC;
    e = raw_frame(r, 0, bytes_span(&body), 0);
out:
    bytes_free(&plain);
    bytes_free(&body);
    return e;
}

enum err raw_receive(struct raw_zmtp *r, struct bytes *payload)
{
    struct bytes in = {0};
    uint8_t nonce[24];
    enum err e;

    if ((e = frame_receive(r, &in)))
        goto out;
    e = ERR_FORGED;
    if (in.len < 16 + MAC + 1 || memcmp(in.ptr, "\7MESSAGE", 8) != 0)
        goto out;
    memcpy(nonce, "CurveZMQMESSAGES", 16);
    memcpy(nonce + 16, in.ptr + 8, 8);
    payload->len = 0;
    if ((e = bytes_reserve(payload, in.len)))
        goto out;
    e = ERR_FORGED;
    if (crypto_box_open_easy_afternm(payload->ptr, in.ptr + 16, in.len - 16, nonce, r->shared))
        goto out;
    payload->len = in.len - 16 - MAC - 1;
    memmove(payload->ptr, payload->ptr + 1, payload->len); /* without the flags */
    e = ERR_OK;
out:
    bytes_free(&in);
    return e;
}
