/* Who floods, fills, storms or never acknowledges, beside who does not: quotas, turns, the memory
 * bound, and the emergency services' own way in. Order is read from the log, not from a clock. */
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub_checks.h"

/* --- quotas ------------------------------------------------------------------------------------
 */

#define QUOTA 20

/* What `org list` says of one member's quota: messages kept, their bytes. */
static void kept_for(struct scene *s, size_t i, int64_t *messages, int64_t *bytes)
{
    json_t *data = NULL;
    const json_t *one;
    char org[33];
    size_t at;

    *messages = *bytes = -1;
    for (size_t k = 0; k < ID_BYTES; k++)
        snprintf(org + 2 * k, 3, "%02x", member_org(s->m[i])[k]);
    CHECK_OK(hubproc_command(s->hub, "org.list", NULL, &data));
    json_array_foreach(json_object_get(data, "orgs"), at, one)
    {
        const json_t *quota = json_object_get(one, "quota");

        if (strcmp(json_string_value(json_object_get(one, "org")), org) != 0)
            continue;
        *messages = json_integer_value(json_object_get(quota, "messages"));
        *bytes = json_integer_value(json_object_get(quota, "bytes"));
    }
    json_decref(data);
}

static enum err letter_to(struct scene *s, size_t from, size_t to)
{
    struct bytes whole = {0};
    enum err e;

    CHECK_OK(
        member_letter(s->m[from], s->circle->handle, &s->m[to], 1, SPAN_STR("un mot"), &whole));
    e = member_put(s->m[from], bytes_span(&whole), NULL);
    bytes_free(&whole);
    return e;
}

static void who_fills_an_absent_mailbox_reaches_his_own_quota_and_nobody_elses(void)
{
    int64_t messages, bytes, again, again_bytes, audit;
    struct bytes receipt = {0};
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "quota_messages = 20\n"}, &s));
    CHECK_OK(member_ack_all(s.m[0]));
    CHECK_OK(letter_to(&s, 2, 0)); /* something that m[0] will have to say */
    CHECK_OK(member_await(s.m[0], DELIVER_ENVELOPE, 1, SOON_MS));
    member_disconnect(s.m[2]);
    for (int i = 0; i < QUOTA; i++)
        CHECK_OK(letter_to(&s, 0, 2));
    audit = hubproc_status(s.hub, "audit_size");
    CHECK_ERR(letter_to(&s, 0, 2), ERR_SENDER_QUOTA);
    CHECK(hubproc_status(s.hub, "audit_size") == audit); /* not final: no leaf */
    CHECK(hubproc_status(s.hub, "memory.quota_refused") == 1);
    kept_for(&s, 0, &messages, &bytes);
    CHECK(messages == QUOTA && bytes > QUOTA * 300);
    CHECK_OK(letter_to(&s, 1, 2)); /* the others still reach him */
    /* What ends or narrows is never held against it. */
    CHECK_OK(member_ack_all(s.m[0]));
    CHECK_OK(member_report(s.m[0], member_item(s.m[0], member_items(s.m[0]) - 1), AUDIT_OPENED,
                           ERR_OK, &receipt));
    CHECK_OK(member_oppose(s.m[0], s.circle, CLASS_SOCIAL, s.m[1]));
    /* The figures are exact: a new start counts the same. */
    kept_for(&s, 0, &messages, &bytes);
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK_OK(hubproc_start(s.hub, NULL));
    kept_for(&s, 0, &again, &again_bytes);
    CHECK(again == messages && again_bytes == bytes);
    bytes_free(&receipt);
    scene_close(&s);
}

static void what_is_delivered_and_fetched_makes_room_again(void)
{
    int64_t messages, bytes;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "quota_messages = 20\n"}, &s));
    CHECK_OK(member_ack_all(s.m[0]));
    member_disconnect(s.m[2]);
    for (int i = 0; i < QUOTA; i++)
        CHECK_OK(letter_to(&s, 0, 2));
    CHECK_ERR(letter_to(&s, 0, 2), ERR_SENDER_QUOTA);
    CHECK_OK(member_open(s.m[2]));
    CHECK_OK(member_await(s.m[2], DELIVER_ENVELOPE, QUOTA, SOON_MS));
    CHECK_OK(member_ack_all(s.m[2]));
    CHECK_OK(member_await(s.m[0], DELIVER_RECEIPT, QUOTA, SOON_MS));
    kept_for(&s, 0, &messages, &bytes);
    CHECK(messages == QUOTA); /* his receipts, now */
    CHECK_ERR(letter_to(&s, 0, 2), ERR_SENDER_QUOTA);
    CHECK_OK(member_ack_all(s.m[0]));
    kept_for(&s, 0, &messages, &bytes);
    CHECK(messages == 0 && bytes == 0);
    CHECK_OK(letter_to(&s, 0, 2));
    scene_close(&s);
}

static void the_operator_gives_one_organisation_other_limits(void)
{
    char org[33];
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "quota_messages = 5\n"}, &s));
    for (size_t k = 0; k < ID_BYTES; k++)
        snprintf(org + 2 * k, 3, "%02x", member_org(s.m[0])[k]);
    CHECK_OK(member_ack_all(s.m[0]));
    member_disconnect(s.m[2]);
    for (int i = 0; i < 5; i++)
        CHECK_OK(letter_to(&s, 0, 2));
    CHECK_ERR(letter_to(&s, 0, 2), ERR_SENDER_QUOTA);
    CHECK_ERR(hubproc_command(s.hub, "org.quota",
                              json_pack("{s:s,s:s}", "org", org, "messages", "beaucoup"), NULL),
              ERR_RANGE);
    CHECK_OK(hubproc_command(
        s.hub, "org.quota",
        json_pack("{s:s,s:s,s:s}", "org", org, "messages", "7", "inflight-messages", "3"), NULL));
    CHECK(hubproc_entries(s.hub, AUDIT_ACT, 0, 1) == 1);
    CHECK_OK(hubproc_stop(s.hub, NULL)); /* kept on disk */
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(member_open(s.m[0]));
    CHECK_OK(letter_to(&s, 0, 2));
    CHECK_OK(letter_to(&s, 0, 2));
    CHECK_ERR(letter_to(&s, 0, 2), ERR_SENDER_QUOTA);
    CHECK_OK(hubproc_command(s.hub, "org.quota", json_pack("{s:s,s:b}", "org", org, "standard", 1),
                             NULL));
    CHECK_ERR(letter_to(&s, 0, 2), ERR_SENDER_QUOTA);
    scene_close(&s);
}

/* --- floods --------------------------------------------------------------------------------------
 */

#define FLOOD 1500
#define FLOOD_SEEN                                                                                 \
    1000          /* half of it is more than a group that was decided when the other spoke         \
                   */
#define FLOODS 20 /* at most: on a busy machine some are over before the other one speaks */
#define FLOOD_CONF                                                                                 \
    "workers = 1\ninflight_messages = 2000\ninflight_bytes = 128m\nrate_per_s = 100000\n"          \
    "rate_burst = 100000\n"

struct flood {
    struct bytes whole[FLOOD];
    uint64_t req[FLOOD];
};

static struct flood *flood_make(struct scene *s, size_t by, size_t to)
{
    struct flood *f = calloc(1, sizeof *f);

    CHECK(f);
    for (size_t i = 0; i < FLOOD; i++)
        CHECK_OK(member_letter(s->m[by], s->circle->handle, &s->m[to], 1, SPAN_STR("encore"),
                               &f->whole[i]));
    return f;
}

/* All at once, and nothing is waited for. */
static void flood_send(struct scene *s, size_t by, struct flood *f)
{
    for (size_t i = 0; i < FLOOD; i++) {
        struct message say = {.type = MSG_PUT, .put.envelope = bytes_span(&f->whole[i])};

        say.put.req = f->req[i] = member_next_req(s->m[by]);
        CHECK_OK(member_tell(s->m[by], &say));
    }
}

static uint64_t index_of_answer(struct member_node *m, uint64_t req)
{
    struct member_answer a = {0};
    struct receipt r;
    uint64_t index;

    CHECK_OK(member_answer(m, req, MEMBER_WAIT_MS, &a));
    CHECK_OK(a.code);
    CHECK_OK(receipt_decode(a.message.receipt.receipt, &r));
    index = r.index;
    member_answer_free(&a);
    return index;
}

/* How many of the flood are under way now: sent, and their answers have not come. */
static size_t under_way(struct scene *s, size_t by)
{
    for (int i = 0; i < FLOOD; i++)
        CHECK(crew_turn(s->crew, 0) != ERR_NOMEM);
    return FLOOD - member_answers(s->m[by]);
}

/* How many of the flood stand in the log after that. */
static size_t flood_after(struct scene *s, size_t by, struct flood *f, uint64_t index)
{
    size_t after = 0;

    for (size_t i = 0; i < FLOOD; i++) {
        after += index_of_answer(s->m[by], f->req[i]) > index;
        bytes_free(&f->whole[i]);
    }
    free(f);
    return after;
}

/* One flood by m[0], one letter by `late` sent when much of it was under way; true: the letter
 * stands before half of that, and more was under way than the group being decided. In one queue
 * it could not. */
static bool goes_before_a_flood(struct scene *s, struct member_node *late)
{
    struct flood *f = flood_make(s, 0, 2);
    struct message say = {.type = MSG_PUT};
    struct bytes whole = {0};
    size_t waiting, after;

    CHECK_OK(member_letter(late, s->circle->handle, &s->m[2], 1, SPAN_STR("un mot"), &whole));
    say.put.req = member_next_req(late);
    say.put.envelope = bytes_span(&whole);
    flood_send(s, 0, f);
    waiting = under_way(s, 0);
    CHECK_OK(member_tell(late, &say));
    after = flood_after(s, 0, f, index_of_answer(late, say.put.req));
    bytes_free(&whole);
    return waiting >= FLOOD_SEEN && after >= waiting / 2;
}

/* On a busy machine the hub may be far ahead of what its members have heard: it is asked again. */
static void goes_before_floods(struct scene *s, struct member_node *late)
{
    bool seen = false;

    for (int i = 0; i < FLOODS && !seen; i++)
        seen = goes_before_a_flood(s, late);
    CHECK(seen);
}

static void a_flood_of_valid_messages_waits_for_its_turns(void)
{
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = FLOOD_CONF}, &s));
    goes_before_floods(&s, s.m[1]);
    scene_close(&s);
}

static void a_storm_of_greetings_is_slowed_and_disturbs_nobody(void)
{
    size_t slowed = 0;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    for (int i = 0; i < 200; i++) {
        struct msg_hello hello;
        enum err e;

        CHECK_OK(member_hello_make(s.m[0], &hello));
        e = member_hello(s.m[0], &hello);
        CHECK(e == ERR_OK || e == ERR_RATE);
        slowed += e == ERR_RATE;
    }
    CHECK(slowed > 100);
    serves(&s, 1, 2);
    scene_close(&s);
}

static void a_flood_of_empty_acks_is_slowed_and_disturbs_nobody(void)
{
    struct msg_ack ack = {.credit_messages = 100, .credit_bytes = 1 << 20};
    struct message say = {.type = MSG_ACK};
    int64_t refused;
    struct scene s;

    CHECK_OK(
        scene_open(&(struct scene_options){.conf = "rate_per_s = 100\nrate_burst = 200\n"}, &s));
    refused = hubproc_status(s.hub, "door.refused");
    ack.upto = member_acked(s.m[0]);
    say.ack = ack;
    for (int i = 0; i < 2000; i++)
        CHECK_OK(member_tell(s.m[0], &say));
    serves(&s, 1, 2);
    for (int i = 0; i < 100 && hubproc_status(s.hub, "door.refused") <= refused + 1000; i++)
        listen_for(&s, 50);
    CHECK(hubproc_status(s.hub, "door.refused") > refused + 1000);
    scene_close(&s);
}

#define SLOW_CONF "rate_per_s = 20\nrate_burst = 40\n"
#define LARGEST_BODY (255 * 1024)
#define IN_VAIN 1000   /* 255 MB: more than all queues and windows between the two can take */
#define EVENT_MS 60000 /* for what comes in the end */
#define HONEST 100     /* messages: more than he may send at once */

struct vain {
    struct scene *s;
    struct bytes whole;
    size_t sent;
};

static bool said_all_or_held(void *arg)
{
    struct vain *v = arg;
    struct message say = {.type = MSG_PUT, .put.envelope = bytes_span(&v->whole)};

    while (v->sent < IN_VAIN) {
        say.put.req = member_next_req(v->s->m[0]);
        if (member_tell(v->s->m[0], &say))
            break;
        v->sent++;
    }
    return v->sent == IN_VAIN || hubproc_log_count(v->s->hub, 0, "session.held") > 0;
}

static size_t held_lines(const struct scene *s, size_t i)
{
    char line[64];
    int n = snprintf(line, sizeof line, "session.held user=node:");

    for (int k = 0; k < ID_BYTES; k++)
        n += snprintf(line + n, sizeof line - (size_t)n, "%02x", member_org(s->m[i])[k]);
    return hubproc_log_count(s->hub, 0, line);
}

/* How often he was refused before all that he has to say was taken: he waits when he is told. */
static size_t says_honestly(struct scene *s, size_t by, int n)
{
    size_t refused = 0;

    for (int i = 0; i < n; i++) {
        struct bytes whole = {0};
        enum err e;

        CHECK_OK(
            member_letter(s->m[by], s->circle->handle, &s->m[2], 1, SPAN_STR("un mot"), &whole));
        while ((e = member_put(s->m[by], bytes_span(&whole), NULL)) == ERR_RATE) {
            refused++;
            listen_for(s, 50);
        }
        CHECK_OK(e);
        bytes_free(&whole);
    }
    return refused;
}

/* Out of patience he leaves, and comes again until he is heard. */
static void comes_again(struct scene *s, size_t i)
{
    uint64_t until = clock_mono_ms(clock_system()) + EVENT_MS;
    enum err e;

    member_disconnect(s->m[i]);
    while ((e = member_open(s->m[i])) && clock_mono_ms(clock_system()) < until) {
        CHECK(e == ERR_RATE || e == ERR_MESSAGE_STATE || e == ERR_TIMEOUT);
        listen_for(s, 50);
    }
    CHECK_OK(e);
}

static void who_goes_on_in_vain_is_held_and_nobody_else(void)
{
    static uint8_t body[LARGEST_BODY];
    struct vain v = {0};
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = SLOW_CONF}, &s));
    v.s = &s;
    CHECK_OK(member_letter(s.m[0], s.circle->handle, &s.m[2], 1, SPAN_OF(body), &v.whole));
    crew_patience(s.crew, 0);
    CHECK(crew_until(s.crew, said_all_or_held, &v, EVENT_MS));
    CHECK(v.sent < IN_VAIN);
    crew_patience(s.crew, MEMBER_WAIT_MS);
    CHECK(says_honestly(&s, 1, HONEST) > 0);
    CHECK(held_lines(&s, 0) > 0 && held_lines(&s, 1) == 0);
    CHECK(hubproc_status(s.hub, "door.held") > 0);
    comes_again(&s, 0);
    (void)says_honestly(&s, 0, 1);
    bytes_free(&v.whole);
    scene_close(&s);
}

/* --- memory --------------------------------------------------------------------------------------
 */

#define CROWD 200
#define GROUP 64
#define LARGE 240000
#define LETTERS 6 /* to each group: more than anybody's first window */
#define FRAMES 4  /* of the largest, from everybody at once */

static int64_t peak_bytes;

static bool look(void *arg)
{
    struct scene *s = arg;
    int64_t now = hubproc_status(s->hub, "door.resident");

    peak_bytes = now > peak_bytes ? now : peak_bytes;
    return false;
}

static void everybody_is_sent_much(struct scene *s)
{
    static uint8_t body[LARGE];

    for (size_t first = 2; first < s->n; first += GROUP)
        for (int i = 0; i < LETTERS; i++) {
            size_t count = s->n - first < GROUP ? s->n - first : GROUP;
            struct bytes whole = {0};

            CHECK_OK(member_letter(s->m[0], s->circle->handle, &s->m[first], count, SPAN_OF(body),
                                   &whole));
            CHECK_OK(member_put(s->m[0], bytes_span(&whole), NULL));
            bytes_free(&whole);
            look(s);
        }
}

/* While the hub stands still, so that all of it comes at once. */
static void everybody_says_much(struct scene *s)
{
    static uint8_t junk[LARGE];
    struct message say = {.type = MSG_PUT, .put = {.envelope = SPAN_OF(junk)}};

    CHECK(kill(hubproc_pid(s->hub), SIGSTOP) == 0);
    for (size_t i = 2; i < s->n; i++)
        for (int k = 0; k < FRAMES; k++) {
            say.put.req = member_next_req(s->m[i]);
            CHECK_OK(member_tell(s->m[i], &say));
        }
    CHECK(kill(hubproc_pid(s->hub), SIGCONT) == 0);
}

static size_t answered(struct scene *s)
{
    size_t n = 0;

    for (size_t i = 2; i < s->n; i++)
        n += member_answers(s->m[i]);
    return n;
}

static bool all_answered(void *arg)
{
    struct scene *s = arg;

    look(s);
    return answered(s) >= (s->n - 2) * FRAMES;
}

static void two_hundred_members_who_fill_their_windows_stay_within_the_bound(void)
{
    int64_t bound, highest;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.members = CROWD,
                                                .conf = "memory_max = 512m\n"
                                                        "nodes_max = 400\n"
                                                        "waiting_max = 100000\n"},
                        &s));
    bound = hubproc_status(s.hub, "memory.bound");
    CHECK(bound > 0);
    everybody_is_sent_much(&s);
    everybody_says_much(&s);
    CHECK(crew_until(s.crew, all_answered, &s, 4 * MEMBER_WAIT_MS));
    highest = hubproc_status(s.hub, "memory.deliver_highest");
    printf("     bound %lld MiB, resident at most %lld MiB, issued at most %lld MiB, work at most "
           "%lld MiB\n",
           (long long)(bound >> 20), (long long)(peak_bytes >> 20), (long long)(highest >> 20),
           (long long)(hubproc_status(s.hub, "door.work_highest") >> 20));
    CHECK(peak_bytes > 0 && peak_bytes < bound);
    CHECK(highest > hubproc_status(s.hub, "memory.deliver") / 2);
    CHECK(highest <= hubproc_status(s.hub, "memory.deliver"));
    CHECK(hubproc_status(s.hub, "door.work_highest") <= hubproc_status(s.hub, "door.work_max"));
    CHECK(hubproc_status(s.hub, "door.kicks") == 0);
    serves(&s, 0, 1); /* who acknowledges is served all the same */
    scene_close(&s);
}

static void settings_that_need_more_than_there_is_do_not_start(void)
{
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "memory_max = 256m\nnodes_max = 100\n"
                                                        "waiting_max = 1000\n"},
                        &s));
    scene_close(&s);
    CHECK(scene_open(&(struct scene_options){.conf = "memory_max = 256m\nnodes_max = 5000\n",
                                             .no_session = true},
                     &s) != ERR_OK);
}

/* --- emergency services --------------------------------------------------------------------------
 */

static void enrol_emergency(struct scene *s, struct member_node **out)
{
    struct bytes request = {0}, signature = {0};
    bool complete = false;
    enum join_state state;
    enum err code;

    CHECK_OK(scene_invite(s, "samu", ORG_EMERGENCY, false, NULL, out));
    CHECK_OK(member_join(*out, &state, &code));
    CHECK_OK(scene_approve(s, *out, &request));
    CHECK_OK(scene_sign(s, bytes_span(&request), &complete));
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(
            member_sign_request(s->m[i], ROLE_COUNTERSIGNER, bytes_span(&request), &signature));
        CHECK_OK(scene_import(s, bytes_span(&signature), &complete));
        bytes_free(&signature);
    }
    CHECK(complete);
    CHECK_OK(member_join(*out, &state, &code));
    CHECK(state == JOIN_ENROLLED);
    bytes_free(&request);
}

static enum err opened_at(struct member_node *m, const char *endpoint)
{
    struct msg_hello hello;

    member_disconnect(m);
    snprintf(member_hub(m)->endpoint, sizeof member_hub(m)->endpoint, "%s", endpoint);
    CHECK_OK(member_connect(m));
    CHECK_OK(member_hello_make(m, &hello));
    return member_hello_within(m, &hello, SILENCE_MS);
}

/* Threads of libzmq that move bytes. */
static size_t io_threads(const struct hubproc *h)
{
    char pattern[64];
    size_t count = 0;
    glob_t all;

    snprintf(pattern, sizeof pattern, "/proc/%d/task/*/comm", (int)hubproc_pid(h));
    CHECK(glob(pattern, GLOB_NOSORT, NULL, &all) == 0);
    for (size_t i = 0; i < all.gl_pathc; i++) {
        char name[32] = "";
        FILE *f = fopen(all.gl_pathv[i], "re");

        if (f && fgets(name, sizeof name, f))
            count += strncmp(name, "ZMQbg/IO", 8) == 0;
        if (f)
            fclose(f);
    }
    globfree(&all);
    return count;
}

static void an_emergency_endpoint_has_a_thread_of_its_own(void)
{
    struct scene s;
    size_t without;

    CHECK_OK(scene_open(&(struct scene_options){.members = 1}, &s));
    without = io_threads(s.hub);
    CHECK(without > 0);
    scene_close(&s);
    CHECK_OK(scene_open(
        &(struct scene_options){.members = 1, .conf = "emergency_listen = tcp://127.0.0.1:*\n"},
        &s));
    CHECK(io_threads(s.hub) == without + 1);
    scene_close(&s);
}

static void everybody_has_one_door(void)
{
    char members[256], emergency[256];
    struct member_node *samu = NULL;
    struct scene s;

    CHECK_OK(
        scene_open(&(struct scene_options){.conf = "emergency_listen = tcp://127.0.0.1:*\n"}, &s));
    enrol_emergency(&s, &samu);
    snprintf(members, sizeof members, "%s", member_hub(s.m[0])->endpoint);
    snprintf(emergency, sizeof emergency, "%s", member_hub(samu)->endpoint);
    CHECK(strcmp(members, emergency) != 0); /* as the invitations said */
    CHECK_ERR(opened_at(samu, members), ERR_TIMEOUT);
    CHECK_ERR(opened_at(s.m[2], emergency), ERR_TIMEOUT);
    CHECK(hubproc_status(s.hub, "door.denied") >= 2);
    CHECK_OK(opened_at(samu, emergency));
    CHECK_OK(opened_at(s.m[2], members));
    member_free(samu);
    scene_close(&s);
}

static void an_emergency_service_goes_before_a_flood_of_members(void)
{
    struct member_node *samu = NULL;
    struct scene s;

    CHECK_OK(scene_open(
        &(struct scene_options){.conf = FLOOD_CONF "emergency_listen = tcp://127.0.0.1:*\n"}, &s));
    enrol_emergency(&s, &samu);
    CHECK_OK(member_open(samu));
    for (size_t i = 0; i < s.n; i++)
        CHECK_OK(member_sync(s.m[i]));
    CHECK_OK(member_circle_join(s.m[0], samu, s.circle, NULL));
    goes_before_floods(&s, samu);
    member_free(samu);
    scene_close(&s);
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(who_fills_an_absent_mailbox_reaches_his_own_quota_and_nobody_elses),
        TEST(what_is_delivered_and_fetched_makes_room_again),
        TEST(the_operator_gives_one_organisation_other_limits),
        TEST(a_flood_of_valid_messages_waits_for_its_turns),
        TEST(a_storm_of_greetings_is_slowed_and_disturbs_nobody),
        TEST(a_flood_of_empty_acks_is_slowed_and_disturbs_nobody),
        TEST(who_goes_on_in_vain_is_held_and_nobody_else),
        TEST(two_hundred_members_who_fill_their_windows_stay_within_the_bound),
        TEST(settings_that_need_more_than_there_is_do_not_start),
        TEST(an_emergency_endpoint_has_a_thread_of_its_own),
        TEST(everybody_has_one_door),
        TEST(an_emergency_service_goes_before_a_flood_of_members),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
