/*
 * http - a few fixed pages for the machine's own monitoring: GET or HEAD of exactly the paths of
 * a table, on a loopback address and for a Host that is this machine. Nothing is read from a
 * request but method, path and Host; no path is ever joined, no body is taken.
 * Thread rule: confined to the loop's thread; answers are made there too, and never block.
 */
#ifndef RELAIS_HTTP_H
#define RELAIS_HTTP_H

#include <stdbool.h>

#include <stddef.h>

#include "loop.h"
#include "span.h"

#define HTTP_ENDPOINT_BYTES 64
#define HTTP_CONNECTIONS_MAX 16

struct http;

struct http_page {
    const char *path;
    const char *type; /* Content-Type */
    /* Appends the body and returns the status; anything it could not say is 500. */
    unsigned (*answer)(void *arg, struct bytes *body);
};

/* listen: "127.0.0.1:7413", "[::1]:7413", or '*' as port for any. ERR_CONF: not that form, or not
 * a loopback address. ERR_BUSY: the port is taken. Borrows loop, pages and arg. */
enum err http_open(struct loop *loop, const char *listen, const struct http_page *pages, size_t n,
                   void *arg, struct http **out);
/* What http_open() would take, for whoever checks settings before. */
bool http_listen_ok(const char *listen);
void http_close(struct http *h);                 /* NULL is fine */
const char *http_endpoint(const struct http *h); /* "127.0.0.1:40123"; borrowed */

#endif
