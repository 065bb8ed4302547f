/* Who goes on sending what he is refused is read no further for a while: his frames are what the
 * transport deciphers and the door answers, and no limit behind it can spare that. */
#include "door_internal.h"
#include "log.h"

/* What a node is refused, in messages of up to 8 KiB. An honest one has at most a window of
 * messages and one of chunks under way when its session ends, and waits after a refusal. */
#define VAIN_A_SECOND 64
#define VAIN_AT_ONCE 1024
#define HELD_MOST_MS 5000

/* Another connection that he had before stays held until he closes it: else he would take turns. */
static bool hold(struct door *d, struct session *s, const struct link_peer *peer)
{
    struct link_held held;

    if (link_hold(peer, &held))
        return false; /* gone: there is nothing to be held */
    if (s->held_until_ms == 0) {
        s->next_held = d->held;
        d->held = s;
    }
    s->held = held;
    d->count.held++;
    log_limited(LEVEL_WARN, "session.held", "user=%s", peer->user);
    return true;
}

/* Until what he was refused is paid for; then he begins with nothing saved, or each time would
 * begin with all that his rate allows at once. */
void door_hold(struct door *d, struct session *s, const struct link_frame *refused)
{
    uint64_t owed_ms = bucket_owe_ms(&s->vain, d->now_ms, VAIN_A_SECOND, VAIN_AT_ONCE,
                                     frame_weight(refused->payload.len), HELD_MOST_MS);
    bool is_held = s->held_until_ms && s->held.connection == refused->peer.connection;

    if (owed_ms == 0 || (!is_held && !hold(d, s, &refused->peer)))
        return;
    s->held_until_ms = d->now_ms + owed_ms;
    bucket_drain(&s->messages, s->held_until_ms);
}

void door_let_go(struct door *d)
{
    struct session **at = &d->held;

    while (*at) {
        struct session *s = *at;

        if (d->now_ms < s->held_until_ms) {
            at = &s->next_held;
            continue;
        }
        *at = s->next_held;
        s->held_until_ms = 0;
        link_let_go(&s->held);
    }
}
