#include "httpget.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_S 20

static int reach(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval wait = {.tv_sec = WAIT_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) ||
                    connect(fd, (const struct sockaddr *)&at, sizeof at))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

int http_ask(int port, const char *method, const char *path, const char *host, struct bytes *body)
{
    struct bytes text = {0};
    char buf[4096];
    const char *split;
    int fd = reach(port);
    int status = 0;
    ssize_t n;

    if (fd < 0)
        return 0;
    if (host)
        n = snprintf(buf, sizeof buf, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                     method, path, host);
    else
        n = snprintf(buf, sizeof buf,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n", method,
                     path, port);
    if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
        goto out;
    while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
        if (bytes_append(&text, span_of(buf, (size_t)n)))
            goto out;
    if (bytes_append(&text, span_of("", 1)) || strncmp((char *)text.ptr, "HTTP/1.1 ", 9) != 0)
        goto out;
    status = (int)strtol((char *)text.ptr + 9, NULL, 10);
    split = strstr((char *)text.ptr, "\r\n\r\n");
    if (body && split &&
        bytes_copy(body, span_of(split + 4, text.len - 1 - (size_t)(split + 4 - (char *)text.ptr))))
        status = 0;
out:
    bytes_free(&text);
    close(fd);
    return status;
}
