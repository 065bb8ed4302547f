/*
 * attached - attachments as the core sees them: what an envelope names must be here, its recipients
 * may then fetch it, and what nobody waits for goes. Confined to the core's thread.
 */
#ifndef HUB_ATTACHED_H
#define HUB_ATTACHED_H

#include "attachments.h"
#include "core.h"

/* Those that the envelope names: here, whole, and its sender's. ERR_ATTACHMENT_MISSING. */
enum err attached_check(struct core *c, const struct job *j);
/* To those whom the item goes to. One that is gone already is gone. */
enum err attached_grant(struct core *c, const struct env_header *h, const struct item *it);
/* It ends undelivered for that one: he may no longer fetch what it named, unless another envelope
 * to him names it. Before the item goes. */
enum err attached_end(struct core *c, const struct item *it, uint32_t number);
enum err attached_load(struct core *c);
enum err attached_sweep(struct core *c);
enum err attached_row_read(struct span key, struct span row, struct attachment_ref *out);
enum err on_att_done(struct core *c, struct job *j);

#endif
