#include "heads.h"

#include <stdio.h>
#include <string.h>

#include "checkpoint.h"

void keys_origin(const struct pins *p, char out[ORIGIN_ROOM])
{
    snprintf(out, ORIGIN_ROOM, "%s/keys", p->name);
}

void audit_origin(const struct pins *p, uint32_t epoch, char out[ORIGIN_ROOM])
{
    snprintf(out, ORIGIN_ROOM, "%s/audit/%u", p->name, (unsigned)epoch);
}

enum err head_verify(const char *origin, const struct sign_public *pk, const struct ckpt *head)
{
    struct bytes body = {0};
    enum err e = checkpoint_body(span_text(origin), head->size, head->root, &body);

    if (!e)
        e = verify_note(pk, bytes_span(&body), head->sig);
    bytes_free(&body);
    return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CHECKPOINT;
}

int head_same(const struct ckpt *a, const struct ckpt *b)
{
    return a->size == b->size && memcmp(a->root, b->root, sizeof a->root) == 0;
}
