#include "heads.h"

#include <stdio.h>
#include <string.h>

#include "checkpoint.h"

#define YEARS_AROUND 3

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

static uint32_t year_of(uint64_t now_ms)
{
    char text[TIME_TEXT_BYTES];
    uint32_t year = 0;

    if (time_text(now_ms, text))
        return 0;
    for (int i = 0; i < 4; i++)
        year = 10 * year + (uint32_t)(text[i] - '0');
    return year;
}

enum err audit_epoch_find(const struct pins *p, const struct ckpt *head, uint32_t known,
                          uint64_t now_ms, uint32_t *epoch)
{
    uint32_t year = year_of(now_ms);
    uint32_t try[2 * YEARS_AROUND + 4];
    size_t n = 0;

    if (known) {
        try[n++] = known;
        try[n++] = known + 1;
    }
    for (uint32_t y = year; y + YEARS_AROUND > year && y > 0; y--)
        try[n++] = y;
    for (uint32_t y = year + 1; y <= year + YEARS_AROUND; y++)
        try[n++] = y;
    try[n++] = 1;
    for (size_t i = 0; i < n; i++) {
        char origin[ORIGIN_ROOM];
        enum err e;

        audit_origin(p, try[i], origin);
        e = head_verify(origin, &p->audit_log, head);
        if (e == ERR_CHECKPOINT)
            continue;
        if (!e)
            *epoch = try[i];
        return e;
    }
    return ERR_CHECKPOINT;
}

int head_same(const struct ckpt *a, const struct ckpt *b)
{
    return a->size == b->size && memcmp(a->root, b->root, sizeof a->root) == 0;
}
