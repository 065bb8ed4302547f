/*
 * attaching - large attachments of a sheet, between its document and attach.h.
 *
 * attachment.begin  size                         -> upload
 * attachment.add    upload, base64               (ATTACHMENT_PLAIN bytes, fewer at the end)
 * sheet.send        attachments [{name, type, class, upload}]
 * attachment.read   mid, number, chunk (from 0)  -> base64
 * Thread rule: the loop's.
 */
#ifndef CARE_ATTACHING_H
#define CARE_ATTACHING_H

#include "attach.h"
#include "commands.h"
#include "courier.h"
#include "document.h"

enum err run_attachment_begin(struct node *n, struct call *c);
enum err run_attachment_add(struct node *n, struct call *c);
enum err run_attachment_read(struct node *n, struct call *c); /* reading.c */

/* The upload that `from` names becomes the content of a. */
enum err attaching_take(struct node *n, const json_t *from, struct sheet_attachment *a);
/* The sheet was written, or was not: its uploads are files of it, or gone. */
void attaching_end(struct node *n, const json_t *args, bool sent);
/* Those that travel beside the envelope, for its header; how many. */
size_t attaching_named(const struct sheet *s, struct env_attachment *out);
struct att_ready attaching_ready(const struct sheet_attachment *a);
/* ERR_NOT_HERE_YET, ERR_NOT_SCANNED (without the argument `unscanned`), ERR_INFECTED. */
enum err attaching_may_open(struct node *n, struct txn *t, const struct call *c, bool incoming,
                            const struct sheet_attachment *a);
enum err attaching_say(struct node *n, struct txn *t, bool incoming, const struct sheet *s,
                       struct call *c);

#endif
