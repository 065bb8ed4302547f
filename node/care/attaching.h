/*
 * attaching - attachments of a sheet, between its document and attach.h.
 *
 * attachment.take   and an open file to read      -> upload, when all of it is on our disk
 * sheet.send        attachments [{name, type, class, upload}]
 * sheet.attachment  mid, number, and an empty open file to write it into
 * Thread rule: the loop's.
 */
#ifndef CARE_ATTACHING_H
#define CARE_ATTACHING_H

#include "attach.h"
#include "commands.h"
#include "courier.h"
#include "document.h"
#include "mail.h"

enum err run_attachment_take(struct node *n, struct call *c);

/* The upload that `from` names becomes the content of a. */
enum err attaching_take(struct node *n, const json_t *from, struct sheet_attachment *a);
/* The sheet was written, or was not: its uploads are files of it, or gone. */
void attaching_end(struct node *n, const json_t *args, bool sent);
/* Those that travel beside the envelope, for its header; how many. */
size_t attaching_named(const struct sheet *s, struct env_attachment *out);
struct att_ready attaching_ready(const struct sheet_attachment *a);
/* Its bytes into the file that came with the call. The last thing a command does. */
enum err attaching_give(struct node *n, struct call *c, bool incoming,
                        const struct sheet_attachment *a);
/* Those inside a received sheet: to be scanned. In t. */
enum err attaching_kept(struct node *n, struct txn *t, const struct env_header *h,
                        const struct sheet *s);
/* For the scanner: care_hooks. */
enum err attaching_source(struct node *n, struct txn *t, const struct att_row *row,
                          struct att_source *out);
/* May this person open number (from 1) of a sheet? ERR_NOT_HERE_YET, ERR_INFECTED; ERR_NOT_SCANNED
 * without the argument `unscanned`, with which it is put down in the journal. */
enum err attaching_may_open(struct node *n, struct txn *t, const struct call *c,
                            const struct mail *m, const struct sheet *s, size_t number);
enum err attaching_say(struct node *n, struct txn *t, const struct mail *m, const struct sheet *s,
                       struct call *c);

#endif
