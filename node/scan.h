/*
 * scan - the administrator's scanner (`scan_command` of node.conf) looks at every attachment that
 * was received, before a person may open it: small ones inside a sheet, large ones when they are
 * whole.
 *
 * The command is words without a shell, the first an absolute path. It gets the attachment in clear
 * on its standard input, through a pipe, a piece at a time as it reads: nothing in clear is ever on
 * a disk, and this process never holds more than one piece. It answers with its exit status: 0
 * clean, 1 infected, anything else, its death or `scan_timeout` a failure; and who says clean
 * without having read it all has failed. A failure is tried again, later each time, for as long as
 * the attachment is here; one that fails always delays no other.
 *
 * What is to be looked at is on disk (TABLE_ATT_SCAN), the verdict in the attachment's row. A node
 * that dies meanwhile looks again from the beginning: a verdict is on disk or was never given.
 * Thread rule: the loop's.
 */
#ifndef NODE_SCAN_H
#define NODE_SCAN_H

#include "attach.h"

#define SCAN_ARGS_MAX 32
#define SCAN_TICK_MS 200
#define SCAN_AGAIN_MS 60000 /* after a failure; doubled after each until a verdict */
#define SCAN_AGAIN_MAX_MS 3600000

struct scans;

/* Looks from now on at what nobody has looked at; n->loop is open. No command: does nothing.
 * ERR_CONF: it is not words of which the first is an absolute path. */
enum err scans_open(struct node *n, struct scans **out);
void scans_close(struct scans *s); /* what runs is ended, and looked at again. NULL is fine */
void scans_look(struct scans *s);  /* there may be something to look at. NULL is fine */
bool scans_running(const struct scans *s);
/* Could the command be executed now? Yes without one. ERR_CONF; ERR_NOT_FOUND. */
enum err scan_check(const struct node_settings *settings);

struct scan_counts {
    uint64_t waiting, failed, infected;
};
enum err scans_count(struct txn *t, struct scan_counts *out);
/* For `status`: lines if there is something to say; data "scan". */
struct call;
enum err scans_say(struct node *n, struct txn *t, struct call *c);

#endif
