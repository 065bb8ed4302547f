/* httpget - one HTTP request over loopback, for tests: any method, path and Host. */
#ifndef TESTS_HTTPGET_H
#define TESTS_HTTPGET_H

#include "span.h"

/* Status of the answer, 0: none came. host NULL: the right one. *body (may be NULL) is what
 * follows the headers. */
int http_ask(int port, const char *method, const char *path, const char *host, struct bytes *body);

#endif
