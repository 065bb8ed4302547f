/* hub_checks - what every test of a refusal asks of the hub afterwards. */
#ifndef TESTS_HUB_CHECKS_H
#define TESTS_HUB_CHECKS_H

#include "scene.h"

#define SOON_MS 5000
#define SILENCE_MS 700 /* how long we listen to be sure that nothing is said */

/* What must not move when something is refused. */
struct hub_counts {
    int64_t audit, accepted, waiting, refused, keys;
};

static inline struct hub_counts counts_of(struct scene *s)
{
    return (struct hub_counts){
        .audit = hubproc_status(s->hub, "audit_size"),
        .accepted = hubproc_status(s->hub, "accepted"),
        .waiting = hubproc_status(s->hub, "waiting"),
        .refused = hubproc_status(s->hub, "refused"),
        .keys = hubproc_status(s->hub, "keys_size"),
    };
}

/* One envelope from one to the other, accepted and delivered: the hub serves. */
static inline void serves(struct scene *s, size_t from, size_t to)
{
    size_t had = member_items_of(s->m[to], DELIVER_ENVELOPE);
    struct bytes envelope = {0};

    CHECK_OK(member_letter(s->m[from], s->circle->handle, &s->m[to], 1, SPAN_STR("encore là"),
                           &envelope));
    CHECK_OK(member_put(s->m[from], bytes_span(&envelope), NULL));
    CHECK_OK(member_await(s->m[to], DELIVER_ENVELOPE, had + 1, SOON_MS));
    bytes_free(&envelope);
}

/* Counted, in the signed log as one leaf of type 11 with that code, and without any other effect.
 */
static inline void only_refused(struct scene *s, const struct hub_counts *before, enum err code)
{
    struct hub_counts now = counts_of(s);

    CHECK(now.refused == before->refused + 1);
    CHECK(now.audit == before->audit + 1);
    CHECK(hubproc_entries(s->hub, AUDIT_REJECTED, (int)code, 1) == 1);
    CHECK(now.accepted == before->accepted);
    CHECK(now.waiting == before->waiting);
    CHECK(now.keys == before->keys);
}

/* The envelope is refused with that code and nothing else happens; m[1] and m[2] are served. */
static inline void put_is_refused(struct scene *s, size_t by, struct span envelope, enum err code)
{
    struct hub_counts before = counts_of(s);

    CHECK_ERR(member_put(s->m[by], envelope, NULL), code);
    only_refused(s, &before, code);
    serves(s, 1, 2);
}

static inline bool never(void *arg)
{
    (void)arg;
    return false;
}

/* Lets the members hear whatever comes in that time. */
static inline void listen_for(struct scene *s, uint64_t ms)
{
    CHECK(!crew_until(s->crew, never, NULL, ms));
}

#define HUB_LOOK_MS 10
#define SURE_MS 60000 /* for what must come, on whatever machine */

/* Until `done`, which asks the hub and not what the members hear. */
static inline bool hub_until(struct scene *s, bool (*done)(void *arg), void *arg)
{
    for (uint64_t waited_ms = 0; waited_ms < SURE_MS; waited_ms += HUB_LOOK_MS) {
        if (done(arg))
            return true;
        listen_for(s, HUB_LOOK_MS);
    }
    return false;
}

#endif
