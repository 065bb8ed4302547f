/*
 * notify - what a daemon tells its service manager (sd_notify's protocol: one datagram to the
 * socket that NOTIFY_SOCKET names). The programs read the environment; this only sends.
 * Thread rule: any thread.
 */
#ifndef RELAIS_NOTIFY_H
#define RELAIS_NOTIFY_H

#include "err.h"

/* socket: a path, or '@' and an abstract name; NULL or empty: nobody asked, ERR_OK. states:
 * "READY=1", "STOPPING=1", "WATCHDOG=1", or several with newlines between. ERR_USAGE: no such
 * form of name; ERR_NOT_FOUND, ERR_IO: nobody listens. Never blocks. */
enum err notify_send(const char *socket, const char *states);

#endif
