/* What both envelope files begin with, and what each vector says about its receiver. */
#include <string.h>

#include "vectors.h"

static const char *const states[MEMBERS] = {"active", "active",  "active",
                                            "active", "revoked", "pending"};

static void put_directory(json_t *file)
{
    json_t *list = put_array(file, "directory");

    for (enum vec_member m = HOSPITAL; m < MEMBERS; m++) {
        struct sign_public pk = vec_sign_pk(vec_key(m, "signing"));
        json_t *o = add_object(list);
        uint8_t id[ID_BYTES];

        vec_org(m, id);
        put_text(o, "name", vec_cast[m].name);
        put_id(o, "org", id);
        vec_skid(m, id);
        put_id(o, "skid", id);
        put_span(o, "pk", SPAN_OF(pk.b));
        put_text(o, "state", states[m]);
    }
}

static void put_receivers(json_t *file)
{
    json_t *all = put_object(file, "receivers");

    for (enum vec_member m = HOSPITAL; m < SSIAD; m++) {
        json_t *o = put_object(all, vec_cast[m].key);
        uint8_t org[ID_BYTES];
        json_t *list;

        vec_org(m, org);
        put_id(o, "org", org);
        list = put_array(o, "prekeys");
        for (unsigned number = 1; number <= 2; number++) {
            json_t *k = add_object(list);
            uint8_t kid[KID_BYTES];
            uint8_t secret[32];

            vec_prekey_kid(m, number, kid);
            vec_secret(vec_key(m, number == 1 ? "prekey 1" : "prekey 2"), secret);
            put_id(k, "kid", kid);
            put_span(k, "secret", SPAN_OF(secret));
        }
    }
}

void vectors_put_world(json_t *file)
{
    put_directory(file);
    put_receivers(file);
}

static void put_seen(json_t *o, const struct forge *f)
{
    json_t *list = put_array(o, "seen");
    uint8_t from[ID_BYTES];
    uint8_t digest[64];
    json_t *s;

    if (f->seen == SEEN_NOTHING)
        return;
    memcpy(from, f->h.from, sizeof from);
    memcpy(digest, f->digest, sizeof digest);
    if (f->seen == SEEN_OTHER_SENDER)
        vec_org(SAMU, from);
    if (f->seen != SEEN_SAME)
        MUST(digest_of("relais/vectors1/other", SPAN_OF(f->digest), digest, 64));
    s = add_object(list);
    put_id(s, "mid", f->h.mid);
    put_id(s, "from", from);
    put_span(s, "digest", SPAN_OF(digest));
}

void vectors_put_scene(json_t *vector, const struct forge *f)
{
    put_text(vector, "receiver", vec_cast[f->receiver].key);
    put_uint(vector, "mode", f->mode);
    put_uint(vector, "now_ms", f->now_ms);
    put_seen(vector, f);
    put_span(vector, "envelope", bytes_span(&f->whole));
    if (f->zeros)
        put_uint(vector, "then_zeros", f->zeros);
}
