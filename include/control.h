/*
 * control - the local door of a daemon: one JSON object in, one JSON object out, over a UNIX
 * socket that only its own user and root may use. The daemon's side lives in the loop and never
 * blocks; the client's side (control_call) blocks and is for command lines.
 * On the wire: the client sends one object and a newline, at most CONTROL_LINE_MAX bytes, and may
 * hand along one open file (SCM_RIGHTS), so that what is large never passes as text; the daemon
 * may send progress lines {"progress": ...}, then one object and closes. Requests that are
 * no object, repeat a key, nest too deeply or are no UTF-8 get {"error":"ERR_...","code":n};
 * so does one with more than one file.
 * Thread rule: the daemon's side is confined to the loop's thread.
 */
#ifndef RELAIS_CONTROL_H
#define RELAIS_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "err.h"
#include "loop.h"

#define CONTROL_LINE_MAX (1024 * 1024)
#define CONTROL_DEPTH_MAX 32       /* nested objects and arrays */
#define CONTROL_CONNECTIONS_MAX 16 /* one more waits in the kernel until another closes */
#define CONTROL_REQUEST_MS 10000   /* to send the whole request */
#define CONTROL_STALL_MS 30000     /* to take an answer: without progress for so long, closed */

struct control;
struct control_request;

/* The directory must be the daemon's own and closed to others (0700), else ERR_PERMISSION; the
 * socket is 0600. ERR_LOCKED: another daemon listens here. A socket that a dead daemon left is
 * replaced. ERR_SIZE: path too long for a UNIX socket.
 * handler gets every valid request and owns it until it gives it to control_answer(), now or in a
 * later turn. Borrows loop. */
enum err control_listen(struct loop *loop, const char *path,
                        void (*handler)(struct control_request *r, void *arg), void *arg,
                        struct control **out);
/* Closes connections and removes the socket. Requests not yet answered stay valid for
 * control_answer(), which then only frees them. NULL is fine. */
void control_close(struct control *c);

const json_t *control_body(const struct control_request *r); /* an object; borrowed */
uint32_t control_uid(const struct control_request *r);       /* of the caller: ours, or 0 */
/* The file that came along, of any kind, open as the caller had it; -1: none. Closed by
 * control_answer(). */
int control_file(const struct control_request *r);
int control_gone(const struct control_request *r); /* 1: nobody waits for the answer any more */

/* Steals the reference, also on error. ERR_CLOSED: the caller has gone; ERR_BUSY: it does not
 * read; ERR_SIZE: longer than a line. */
enum err control_progress(struct control_request *r, json_t *progress);
/* Steals both references and frees the request, also on error; exactly once per request. */
enum err control_answer(struct control_request *r, json_t *answer);

/* {"error":"ERR_QUOTA","code":97,"text":"quota reached"}, NULL without memory. */
json_t *control_error(enum err why);

struct control_call {
    const char *path;
    uint64_t timeout_ms; /* between two lines; 0 is CONTROL_CALL_MS */
    void (*on_progress)(const json_t *progress, void *arg); /* may be NULL */
    void *arg;
    const int *file; /* an open file that goes along; NULL: none */
};
#define CONTROL_CALL_MS 60000

/* Sends the object, waits for the answer (the caller's, json_decref()). The answer may be an
 * error object: that is the daemon's word, not ours. ERR_NOT_FOUND: no daemon listens;
 * ERR_PERMISSION; ERR_TIMEOUT; ERR_CLOSED: it closed without an answer. */
enum err control_call(const struct control_call *call, const json_t *request, json_t **answer);

#endif
