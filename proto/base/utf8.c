#include "utf8.h"

/* One sequence at `at`; 0 if it is none. The second byte's limits exclude overlong forms,
 * surrogates and what lies above U+10FFFF (Unicode 15, table 3-7). */
static size_t sequence_length(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t n;

    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead == 0xe0)
        low = 0xa0;
    if (lead == 0xf0)
        low = 0x90;
    if (lead == 0xed)
        high = 0x9f;
    if (lead == 0xf4)
        high = 0x8f;
    if (left < n || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    return n;
}

static bool is_control(const uint8_t *at)
{
    return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
}

static bool scan(struct span text, bool controls_too)
{
    size_t i = 0;

    while (i < text.len) {
        size_t n = sequence_length(text.ptr + i, text.len - i);

        if (n == 0 || text.ptr[i] == 0)
            return false;
        if (!controls_too && is_control(text.ptr + i))
            return false;
        i += n;
    }
    return true;
}

bool utf8_valid(struct span text)
{
    return scan(text, true);
}

bool utf8_plain(struct span text)
{
    return scan(text, false);
}
