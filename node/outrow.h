/*
 * outrow - the row of a sent envelope (TABLE_OUT): what is shown of it, and the header it was or
 * will be sealed under. Private to outbox.
 */
#ifndef NODE_OUTROW_H
#define NODE_OUTROW_H

#include "outbox.h"

#define OUT_LIVE_BYTES (8 + ID_BYTES) /* of a key of TABLE_OUT_LIVE; the mid is its end */

struct out_row {
    struct out_status status;
    struct env_header header; /* until sealed: intent, with an empty dir */
    bool find_consent;        /* looked up again when sealing */
    bool find_notice;
    uint8_t digest[DIGEST_BYTES]; /* once sealed */
};
enum err out_row_put(struct node *n, struct txn *t, const struct out_row *row);
/* Writes *out in place: it is large. ERR_NOT_FOUND. */
enum err out_row_get(struct node *n, struct txn *t, const uint8_t mid[ID_BYTES],
                     struct out_row *out);
/* Ends it: before the hub ever had it, or with the hub's word; nothing of it is offered any more.
 * which: enum disclosure_row, DISCLOSURE_ROWS when none. */
enum err out_row_end(struct node *n, struct txn *t, struct out_row *row, enum out_state state,
                     enum err why, uint32_t which);
/* It had reached the hub all the same, a receipt tells: OUT_ACCEPTED, and taken back again if it
 * was withdrawn here (outrecall.c). The caller writes the row. */
enum err out_row_had_flown(struct node *n, struct txn *t, struct out_row *row);
/* Refused by our own judgement, not by the hub. Had it flown already, a receipt tells. */
bool out_withheld(const struct out_status *s);
/* Seals, whatever the rules say (outseal.c). */
enum err out_seal(struct node *n, struct txn *t, struct out_row *row, struct bytes *sealed);
/* Judges once more and seals, if that was not done; *sealed stays empty if the row ends here
 * (refused, expired), and then its row is written. Else the caller goes on to out_row_sealed(). */
enum err out_row_seal(struct node *n, struct txn *t, struct out_row *row, struct bytes *sealed);
enum err out_row_sealed(struct node *n, struct txn *t, struct out_row *row,
                        const struct bytes *sealed);
void out_row_settled(struct node *n, const struct out_row *row); /* after the commit of its end */
enum err out_row_decode(struct span key, struct span row, struct out_row *out);

#endif
