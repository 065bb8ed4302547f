/* What an enrolled member can do to the others by acts that are each allowed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub_checks.h"

#define WAITING "waiting_max = 1000\n"
#define PAIRS 1100
#define SHARED 203 /* circles */
#define LISTED 200 /* of them */
#define ALONE 5
#define COSIGNS 60

static enum err sealed_for(struct scene *s, size_t from, size_t to, struct bytes *whole)
{
    return member_letter(s->m[from], s->circle->handle, &s->m[to], 1, SPAN_STR("un mot"), whole);
}

/* Sent and taken back: of each, the absent recipient is left a receipt that nobody ever fetches. */
static void who_takes_back_what_he_sends_to_one_absent_uses_up_his_own_quota_alone(void)
{
    const struct scene_options o = {.conf = WAITING "quota_messages = 200\n"};
    struct bytes whole = {0};
    enum err last = ERR_OK;
    size_t pairs = 0;
    struct scene s;

    CHECK_OK(scene_open(&o, &s));
    member_disconnect(s.m[2]);
    while (pairs < PAIRS) {
        CHECK_OK(sealed_for(&s, 0, 2, &whole));
        if ((last = member_put(s.m[0], bytes_span(&whole), NULL)))
            break;
        CHECK_OK(member_recall(s.m[0], bytes_span(&whole), RECALL_CONTENT, NULL));
        if (++pairs % 50 == 0)
            CHECK_OK(member_ack_all(s.m[0]));
    }
    CHECK_ERR(last, ERR_SENDER_QUOTA);
    CHECK(pairs > 100);
    CHECK_OK(sealed_for(&s, 1, 0, &whole)); /* the others have all their room */
    CHECK_OK(member_put(s.m[1], bytes_span(&whole), NULL));
    CHECK_OK(member_open(s.m[2]));
    CHECK_OK(sealed_for(&s, 2, 1, &whole)); /* the absent one, too, before he fetches anything */
    CHECK_OK(member_put(s.m[2], bytes_span(&whole), NULL));
    CHECK_OK(member_await(s.m[2], DELIVER_RECEIPT, pairs, SOON_MS));
    CHECK_OK(member_ack_all(s.m[2]));
    CHECK_OK(member_ack_all(s.m[0]));
    CHECK_OK(sealed_for(&s, 0, 1, &whole)); /* and once he has fetched them there is room again */
    CHECK_OK(member_put(s.m[0], bytes_span(&whole), NULL));
    bytes_free(&whole);
    scene_close(&s);
}

static void circle_of(struct scene *s, size_t by, size_t with)
{
    struct member_circle *c = NULL;

    CHECK_OK(member_circle_create(s->m[by], &c));
    if (with != by)
        CHECK_OK(member_circle_join(s->m[by], s->m[with], c, NULL));
    member_circle_free(c);
}

/* Each circle that he answered for would be a line of every status, more than one answer holds. */
static void circles_without_number_hinder_neither_a_suspension_nor_status(void)
{
    json_t *data = NULL;
    char org[33];
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    for (size_t i = 0; i < SHARED; i++)
        circle_of(&s, 2, 1);
    for (size_t i = 0; i < ALONE; i++)
        circle_of(&s, 2, 2);
    for (size_t k = 0; k < ID_BYTES; k++)
        snprintf(org + 2 * k, 3, "%02x", member_org(s.m[2])[k]);
    CHECK_OK(hubproc_command(s.hub, "org.suspend", json_pack("{s:s}", "org", org), &data));
    CHECK(json_integer_value(json_object_get(data, "escalated_count")) == SHARED);
    CHECK(json_array_size(json_object_get(data, "escalated")) == LISTED);
    json_decref(data);
    data = NULL;
    CHECK_OK(hubproc_command(s.hub, "status", NULL, &data));
    CHECK(json_array_size(json_object_get(data, "escalated")) == LISTED);
    json_decref(data);
    CHECK_ERR(member_put(s.m[2], SPAN_STR("x"), NULL), ERR_SUSPENDED);
    scene_close(&s);
}

#define TEST(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }

/* Each would be verified in the store thread, beside those of all other witnesses. */
static void a_storm_of_cosignatures_is_refused_before_anything_is_verified(void)
{
    uint64_t req[COSIGNS];
    size_t judged = 0;
    size_t slowed = 0;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    for (size_t i = 0; i < COSIGNS; i++) {
        struct message m = {
            .type = MSG_COSIGN, .cosign.of = {LOG_KEYS, 0}
        };

        m.cosign.req = req[i] = member_next_req(s.m[2]);
        CHECK_OK(member_tell(s.m[2], &m));
    }
    for (size_t i = 0; i < COSIGNS; i++) {
        struct member_answer a = {0};

        CHECK_OK(member_answer(s.m[2], req[i], MEMBER_WAIT_MS, &a));
        judged += a.code == ERR_RIGHT; /* no witness */
        slowed += a.code == ERR_RATE;
        member_answer_free(&a);
    }
    CHECK(judged > 0 && slowed > COSIGNS / 2 && judged + slowed == COSIGNS);
    serves(&s, 0, 1);
    scene_close(&s);
}

int main(int argc, char **argv)
{
    static const struct scene_test tests[] = {
        TEST(who_takes_back_what_he_sends_to_one_absent_uses_up_his_own_quota_alone),
        TEST(circles_without_number_hinder_neither_a_suspension_nor_status),
        TEST(a_storm_of_cosignatures_is_refused_before_anything_is_verified),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
