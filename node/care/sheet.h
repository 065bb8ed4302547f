/*
 * sheet - the commands about fiches de liaison: write and send, list, read, take an attachment
 * out, export. Rows of care_commands (commands_care.c).
 *
 * sheet.send  person | re, circle?, to [{org, kind?, label?, category?}], note, subject,
 *             sections [{class, text}], attachments? [{name, type, class, base64 | upload}],
 *             urgent?, basis,
 *             purpose?, consent?, notice?, re?, expires?, restricted?, answer_by?, wait_ms?,
 *             deputy?, after_s?, instead_of? (deputy.h)
 *             -> mid, state
 * sheet.list  person?, box? ("in", "out", "all")         -> sheets [...]
 * sheet.show  mid, export?                               -> mid, direction, state, document {...}
 * sheet.recall mid, reason?, wait_ms?                     -> mid, state, recall, recipients [...]
 * sheet.attachment mid, number (from 1), export?         -> name, type, size, base64
 * Thread rule: the loop's.
 */
#ifndef CARE_SHEET_H
#define CARE_SHEET_H

#include "commands.h"
#include "document.h"

enum err run_sheet_send(struct node *n, struct call *c);
enum err run_sheet_list(struct node *n, struct call *c);
enum err run_inbox_list(struct node *n, struct call *c);
enum err run_sheet_show(struct node *n, struct call *c);
enum err run_sheet_recall(struct node *n, struct call *c); /* recalling.c */
enum err run_sheet_attachment(struct node *n, struct call *c);

/* Whether a professional may read what was addressed to this organisation so: his category is
 * among those addressed (ERR_CATEGORY), and a sheet for named persons alone names him (ERR_RIGHT).
 */
enum err sheet_may_read(const struct sheet *s, const uint8_t org[ID_BYTES], const struct actor *a);

/* Reads arguments into a sheet; owned texts live in `hold` until drafts_free(). */
#define DRAFT_TEXTS 192
struct draft {
    struct sheet sheet;
    size_t count;
    struct bytes hold[DRAFT_TEXTS];
};
void draft_free(struct draft *d);
enum err draft_read(struct node *n, const json_t *args, struct draft *d);

#endif
