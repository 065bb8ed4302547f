/* Bad envelopes at a real hub: each gets its named error, one leaf of type 11, and no effect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checkpoint.h"
#include "hub_checks.h"
#include "keyfile.h"

#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)

static struct span body(void)
{
    return SPAN_STR("Madame Müller, née Le Goff : rien de nouveau.");
}

/* A header to change, from m[0] to m[1] and m[2]. */
static struct env_header header(struct scene *s)
{
    struct env_header h;

    CHECK_OK(member_header(s->m[0], s->circle->handle, &s->m[1], 2, &h));
    return h;
}

static void seal_with(struct scene *s, const struct env_header *h, struct bytes *out)
{
    CHECK_OK(member_seal(s->m[0], h, body(), out, NULL));
}

/* Sealed honestly and taken apart. */
static struct member_parts parts(struct scene *s)
{
    struct member_parts p = {0};
    struct bytes whole = {0};
    struct env_header h = header(s);

    seal_with(s, &h, &whole);
    CHECK_OK(member_parts_read(bytes_span(&whole), &p));
    bytes_free(&whole);
    return p;
}

static void parts_are_refused(struct scene *s, struct member_parts *p, enum err code)
{
    struct bytes whole = {0};

    CHECK_OK(member_parts_write(p, &whole));
    put_is_refused(s, 0, bytes_span(&whole), code);
    bytes_free(&whole);
    member_parts_free(p);
}

static void sealed_is_refused(struct scene *s, const struct env_header *h, enum err code)
{
    struct bytes whole = {0};

    seal_with(s, h, &whole);
    put_is_refused(s, 0, bytes_span(&whole), code);
    bytes_free(&whole);
}

static void an_honest_envelope_is_accepted_and_delivered(void)
{
    struct receipt_facts facts;
    struct bytes whole = {0};
    struct bytes receipt = {0};
    struct env_header h;
    struct receipt r;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    h = header(&s);
    seal_with(&s, &h, &whole);
    CHECK_OK(member_put(s.m[0], bytes_span(&whole), &receipt));
    CHECK_OK(receipt_decode(bytes_span(&receipt), &r));
    CHECK_OK(receipt_read(&r, &facts));
    CHECK(facts.type == AUDIT_ACCEPTED);
    CHECK(memcmp(facts.detail.mid, h.mid, ID_BYTES) == 0);
    for (size_t i = 1; i <= 2; i++) {
        CHECK_OK(member_await(s.m[i], DELIVER_ENVELOPE, 1, SOON_MS));
        CHECK(span_equal(bytes_span(&member_item(s.m[i], member_items(s.m[i]) - 1)->item),
                         bytes_span(&whole)));
    }
    bytes_free(&whole);
    bytes_free(&receipt);
    scene_close(&s);
}

static void another_suite_is_refused(void)
{
    struct member_parts p;
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s);
    h = header(&s);
    h.suite = 2;
    CHECK_OK(member_parts_header(&p, &h));
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_SUITE);
    p = parts(&s);
    p.version = 2;
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_VERSION);
    scene_close(&s);
}

static void a_forged_envelope_is_refused(void)
{
    struct member_parts p;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s);
    p.ct.ptr[17] ^= 1;
    parts_are_refused(&s, &p, ERR_FORGED);
    p = parts(&s);
    p.sig.ptr[0] ^= 1;
    parts_are_refused(&s, &p, ERR_FORGED);
    scene_close(&s);
}

static void the_third_forgery_ends_the_session(void)
{
    struct msg_hello hello;
    struct bytes whole = {0};
    struct member_parts p;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s);
    p.com.ptr[3] ^= 1;
    CHECK_OK(member_parts_write(&p, &whole));
    for (int i = 0; i < 3; i++)
        CHECK_ERR(member_put(s.m[0], bytes_span(&whole), NULL), ERR_FORGED);
    CHECK_ERR(member_put(s.m[0], bytes_span(&whole), NULL), ERR_MESSAGE_STATE);
    CHECK_OK(member_hello_make(s.m[0], &hello));
    CHECK_ERR(member_hello(s.m[0], &hello), ERR_RATE);
    CHECK(hubproc_log_count(s.hub, 0, "session.banned") == 1);
    serves(&s, 1, 2);
    bytes_free(&whole);
    member_parts_free(&p);
    scene_close(&s);
}

static void signed_by_another_member_is_refused(void)
{
    struct member_parts p;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s); /* the header says whose key signs: another's signature does not verify */
    CHECK_OK(member_parts_sign(s.m[1], &p));
    parts_are_refused(&s, &p, ERR_FORGED);
    scene_close(&s);
}

static void trap_sender_not_bound_to_login(void)
{
    struct bytes whole = {0};
    struct member_parts p;
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s)); /* m[0] seals; m[1] takes it for his, from and key and all */
    p = parts(&s);
    h = header(&s);
    memcpy(h.from, member_org(s.m[1]), ID_BYTES);
    sign_kid(secret_sign_public(member_sign_key(s.m[1])), h.skid);
    CHECK_OK(member_parts_header(&p, &h));
    CHECK_OK(member_parts_sign(s.m[1], &p));
    /* What m[0] wrote to m[1] and m[2] cannot be opened under this header, which the hub cannot
     * see: it takes it as an envelope of m[1], never of m[0]. In the session of m[0] it is none. */
    parts_are_refused(&s, &p, ERR_FROM);
    p = parts(&s);
    CHECK_OK(member_parts_write(&p, &whole));
    put_is_refused(&s, 1, bytes_span(&whole), ERR_FROM); /* as it was, through another session */
    bytes_free(&whole);
    member_parts_free(&p);
    scene_close(&s);
}

static void a_key_that_nobody_has_is_refused(void)
{
    struct member_parts p;
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s);
    h = header(&s);
    h.skid[5] ^= 1;
    CHECK_OK(member_parts_header(&p, &h));
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_KEY_UNKNOWN);
    scene_close(&s);
}

static void a_readdressed_envelope_is_refused(void)
{
    struct member_parts p;
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.members = 4}, &s));
    p = parts(&s); /* another name on the same stanzas, not signed again */
    h = header(&s);
    memcpy(h.to[1], member_org(s.m[3]), ID_BYTES);
    CHECK_OK(member_parts_header(&p, &h));
    parts_are_refused(&s, &p, ERR_FORGED);
    p = parts(&s); /* signed again: the stanza is not under a key of that organisation */
    CHECK_OK(member_parts_header(&p, &h));
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_ADDRESSEE);
    p = parts(&s); /* to nobody there is */
    h.to[1][0] ^= 0x55;
    CHECK_OK(member_parts_header(&p, &h));
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_ADDRESSEE);
    scene_close(&s);
}

static void swap_stanzas(struct member_parts *p)
{
    uint8_t first[ENVELOPE_STANZA_BYTES];

    memcpy(first, p->rcp.ptr, sizeof first);
    memmove(p->rcp.ptr, p->rcp.ptr + sizeof first, sizeof first);
    memcpy(p->rcp.ptr + sizeof first, first, sizeof first);
}

static void swapped_stanzas_are_refused(void)
{
    struct member_parts p;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s);
    swap_stanzas(&p);
    parts_are_refused(&s, &p, ERR_FORGED);
    p = parts(&s);
    swap_stanzas(&p);
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_ADDRESSEE);
    scene_close(&s);
}

static void fewer_stanzas_than_names_are_refused(void)
{
    struct member_parts p;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s);
    p.rcp.len -= ENVELOPE_STANZA_BYTES;
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_FIELD_VALUE);
    p = parts(&s);
    p.rcp.len -= 1;
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_SIZE);
    scene_close(&s);
}

/* Two keys for two recipients: only the one whose stanza holds another key can see it. The hub
 * admits it; the node's test shows the rest. */
static void two_keys_for_two_recipients_pass_the_hub(void)
{
    struct bytes whole = {0};
    struct member_parts p;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s);
    p.rcp.ptr[p.rcp.len - 1] ^= 1; /* the second recipient's wrap */
    CHECK_OK(member_parts_sign(s.m[0], &p));
    CHECK_OK(member_parts_write(&p, &whole));
    CHECK_OK(member_put(s.m[0], bytes_span(&whole), NULL));
    CHECK_OK(member_await(s.m[2], DELIVER_ENVELOPE, 1, SOON_MS));
    bytes_free(&whole);
    member_parts_free(&p);
    scene_close(&s);
}

static void trap_duplicate_detected_yet_delivered(void)
{
    struct bytes receipt[4] = {0};
    struct bytes whole = {0};
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    h = header(&s);
    seal_with(&s, &h, &whole);
    for (int i = 0; i < 3; i++)
        CHECK_OK(member_put(s.m[0], bytes_span(&whole), &receipt[i]));
    serves(&s, 1, 2); /* the log has grown: the receipt has not changed */
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(scene_reopen(&s));
    CHECK_OK(member_put(s.m[0], bytes_span(&whole), &receipt[3]));
    for (int i = 1; i < 4; i++)
        CHECK(span_equal(bytes_span(&receipt[0]), bytes_span(&receipt[i])));
    CHECK_OK(member_ack_all(s.m[1]));
    CHECK(member_items_of(s.m[1], DELIVER_ENVELOPE) == 1);
    CHECK(hubproc_entries(s.hub, AUDIT_ACCEPTED, 0, 100) == 2); /* it and the other one */
    for (int i = 0; i < 4; i++)
        bytes_free(&receipt[i]);
    bytes_free(&whole);
    scene_close(&s);
}

static void the_same_id_with_other_bytes_is_refused(void)
{
    struct bytes first = {0};
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    h = header(&s);
    seal_with(&s, &h, &first);
    CHECK_OK(member_put(s.m[0], bytes_span(&first), NULL));
    sealed_is_refused(&s, &h, ERR_MID_REUSED); /* the same header, other keys */
    sealed_is_refused(&s, &h, ERR_MID_REUSED); /* refused, sent again, still refused */
    CHECK_OK(member_put(s.m[0], bytes_span(&first), NULL));
    CHECK(member_items_of(s.m[1], DELIVER_ENVELOPE) == 1);
    bytes_free(&first);
    scene_close(&s);
}

static void times_that_do_not_fit_are_refused(void)
{
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    h = header(&s); /* expired */
    h.ts -= 2 * DAY_MS;
    h.exp = h.ts + DAY_MS;
    sealed_is_refused(&s, &h, ERR_EXPIRED);
    h = header(&s); /* a clock eleven minutes ahead */
    h.ts += SKEW_MAX_MS + 60000;
    h.exp = h.ts + DAY_MS;
    sealed_is_refused(&s, &h, ERR_SKEW);
    h = header(&s); /* nine minutes are fine: the control of it */
    h.ts += SKEW_MAX_MS - 60000;
    h.exp = h.ts + DAY_MS;
    {
        struct bytes whole = {0};

        seal_with(&s, &h, &whole);
        CHECK_OK(member_put(s.m[0], bytes_span(&whole), NULL));
        bytes_free(&whole);
    }
    h = header(&s); /* for a day too long */
    h.exp = h.ts + LIFETIME_MAX_MS + DAY_MS;
    sealed_is_refused(&s, &h, ERR_EXPIRY_LIMIT);
    scene_close(&s);
}

static void another_mode_is_refused(void)
{
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    h = header(&s);
    h.status = MODE_REAL; /* the federation exercises */
    sealed_is_refused(&s, &h, ERR_MODE);
    scene_close(&s);
}

/* Each of a batch is accepted, delivered and receipted as if it had been signed alone; what does
 * not stand where it says is refused, although its neighbours' root is good. */
static void each_of_a_batch_is_worth_what_one_alone_is(void)
{
    enum {
        MANY = 5
    };
    struct member_node *to[1];
    struct bytes letter[MANY] = {0};
    struct bytes receipt = {0};
    struct member_parts p;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    to[0] = s.m[1];
    CHECK_OK(member_letters(s.m[0], s.circle->handle, to, 1, SPAN_STR("fiche"), letter, MANY));
    for (size_t i = 0; i < MANY; i++) {
        CHECK_OK(member_put(s.m[0], bytes_span(&letter[i]), &receipt));
        CHECK(receipt.len > 0);
        bytes_free(&receipt);
    }
    CHECK_OK(member_parts_read(bytes_span(&letter[2]), &p));
    p.sig.ptr[SIG_BYTES] = 3; /* its neighbour's place */
    parts_are_refused(&s, &p, ERR_FORGED);
    for (size_t i = 0; i < MANY; i++)
        bytes_free(&letter[i]);
    scene_close(&s);
}

static void a_single_signature_that_says_batch_is_refused(void)
{
    struct member_parts p;
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    p = parts(&s);
    h = header(&s);
    h.sign = ENVELOPE_SIGN_BATCH;
    CHECK_OK(member_parts_header(&p, &h));
    CHECK_OK(member_parts_sign(s.m[0], &p));
    parts_are_refused(&s, &p, ERR_SIZE);
    scene_close(&s);
}

static void a_head_that_the_log_did_not_sign_is_refused(void)
{
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    h = header(&s);
    h.audit_head.root[0] ^= 1;
    sealed_is_refused(&s, &h, ERR_CHECKPOINT);
    h = header(&s);
    h.keys_head.sig[7] ^= 1;
    sealed_is_refused(&s, &h, ERR_CHECKPOINT);
    scene_close(&s);
}

static void audit_key(struct scene *s, struct secret_sign **key, char origin[64])
{
    time_t now = (time_t)(crew_now_ms(s->crew) / 1000);
    struct secret32 *seed = NULL;
    struct keyring *ring = NULL;
    char path[1100];
    struct tm tm;

    snprintf(path, sizeof path, "%s/hub.key", hubproc_dir(s->hub));
    CHECK_OK(keyfile_open(path, span_text(HUBPROC_PASSPHRASE), KEYFILE_CAPS, &ring));
    CHECK_OK(keyring_get(ring, "audit-log", &seed));
    CHECK_OK(secret_sign_from_seed(seed, key));
    strftime(origin, 64, "exercice.test/audit/%Y", gmtime_r(&now, &tm));
    secret32_free(seed);
    keyring_free(ring);
}

/* Signed by the hub's own log key over a history that is not ours: somebody has two hubs. */
static void two_histories_of_the_log_stop_the_hub(void)
{
    struct hub_counts before, now;
    struct secret_sign *key = NULL;
    struct bytes note = {0};
    struct bytes whole = {0};
    struct env_header h;
    char origin[64];
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    audit_key(&s, &key, origin);
    h = header(&s);
    h.audit_head.root[0] ^= 1;
    CHECK_OK(checkpoint_body(span_text(origin), h.audit_head.size, h.audit_head.root, &note));
    CHECK_OK(sign_note(key, bytes_span(&note), h.audit_head.sig));
    seal_with(&s, &h, &whole);
    before = counts_of(&s);
    CHECK_ERR(member_put(s.m[0], bytes_span(&whole), NULL), ERR_BEHIND);
    CHECK_ERR(member_put(s.m[0], bytes_span(&whole), NULL), ERR_BEHIND); /* and stays so */
    now = counts_of(&s);
    CHECK(now.accepted == before.accepted);
    CHECK(now.audit == before.audit + 1);
    CHECK(hubproc_log_count(s.hub, 0, " behind ") == 1);
    bytes_free(&note);
    bytes_free(&whole);
    secret_sign_free(key);
    scene_close(&s);
}

/* A poison message between good ones blocks nothing, and order is kept. */
static void good_ones_around_a_bad_one_arrive_in_order(void)
{
    struct env_header h[5];
    struct bytes whole = {0};
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    for (size_t i = 0; i < 5; i++) {
        h[i] = header(&s);
        if (i == 2)
            h[i].status = MODE_REAL;
        seal_with(&s, &h[i], &whole);
        CHECK_ERR(member_put(s.m[0], bytes_span(&whole), NULL), i == 2 ? ERR_MODE : ERR_OK);
    }
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 4, SOON_MS));
    for (size_t i = 0, k = 0; i < member_items(s.m[1]); i++) {
        struct envelope_view v;
        struct env_header got;

        if (member_item(s.m[1], i)->kind != DELIVER_ENVELOPE)
            continue;
        k += k == 2;
        CHECK_OK(envelope_parse(bytes_span(&member_item(s.m[1], i)->item), &v, &got, NULL));
        CHECK(memcmp(got.mid, h[k].mid, ID_BYTES) == 0);
        k++;
    }
    bytes_free(&whole);
    scene_close(&s);
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(an_honest_envelope_is_accepted_and_delivered),
        TEST(another_suite_is_refused),
        TEST(a_forged_envelope_is_refused),
        TEST(the_third_forgery_ends_the_session),
        TEST(signed_by_another_member_is_refused),
        TEST(trap_sender_not_bound_to_login),
        TEST(a_key_that_nobody_has_is_refused),
        TEST(a_readdressed_envelope_is_refused),
        TEST(swapped_stanzas_are_refused),
        TEST(fewer_stanzas_than_names_are_refused),
        TEST(two_keys_for_two_recipients_pass_the_hub),
        TEST(trap_duplicate_detected_yet_delivered),
        TEST(the_same_id_with_other_bytes_is_refused),
        TEST(times_that_do_not_fit_are_refused),
        TEST(another_mode_is_refused),
        TEST(each_of_a_batch_is_worth_what_one_alone_is),
        TEST(a_single_signature_that_says_batch_is_refused),
        TEST(a_head_that_the_log_did_not_sign_is_refused),
        TEST(two_histories_of_the_log_stop_the_hub),
        TEST(good_ones_around_a_bad_one_arrive_in_order),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
