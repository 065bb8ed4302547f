/*
 * control_socket - the file side of the control socket: who may listen, and who is calling.
 * Thread rule: pure functions over file descriptors and paths.
 */
#ifndef RELAIS_CONTROL_SOCKET_H
#define RELAIS_CONTROL_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "err.h"

enum err control_address(const char *path, struct sockaddr_un *out); /* ERR_SIZE */
/* A listening, non-blocking socket at path and the lock that keeps a second daemon away; both
 * the caller's to close, the socket file the caller's to unlink while it has the lock. Errors as
 * control_listen() says. */
enum err control_socket_open(const char *path, int *listener, int *lock);
/* ERR_PERMISSION unless the caller's user is ours or root. */
enum err control_caller(int fd, uint32_t *uid);

/* As send(); file (NULL: none) goes along with the first of these bytes. */
ssize_t control_send(int fd, const void *bytes, size_t len, const int *file);
/* As recv(), without waiting. A file that came along is put in *file, which is -1 before the first
 * call for a request and afterwards the caller's; errno is EMFILE, and *file closed, when there is
 * one already or there are two. */
ssize_t control_recv(int fd, void *room, size_t len, int *file);

#endif
