/* What an enrolled member can do to the others by acts that are each allowed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub_checks.h"
#include "member_internal.h"
#include "raw_zmtp.h"

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

static bool walked(void *arg)
{
    struct scene *s = arg;
    json_t *data = NULL;
    bool done;

    CHECK_OK(hubproc_command(s->hub, "status", NULL, &data));
    done = json_is_false(json_object_get(data, "escalating"));
    json_decref(data);
    return done;
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
    CHECK(json_integer_value(json_object_get(data, "escalated_count")) < SHARED);
    CHECK(
        json_is_true(json_object_get(data, "escalating"))); /* a step of it: others come between */
    json_decref(data);
    CHECK_OK(hubproc_kill(s.hub)); /* it goes on where it was */
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(member_open(s.m[1]));
    CHECK(hub_until(&s, walked, &s));
    data = NULL;
    CHECK_OK(hubproc_command(s.hub, "status", NULL, &data));
    CHECK(json_array_size(json_object_get(data, "escalated")) == LISTED);
    CHECK(json_integer_value(json_object_get(data, "escalated_count")) == SHARED);
    json_decref(data);
    CHECK_OK(member_barrier(s.m[1]));
    CHECK(hubproc_entries(s.hub, AUDIT_ESCALATED, 0, 1000) == SHARED); /* each once */
    CHECK_ERR(member_put(s.m[2], SPAN_STR("x"), NULL), ERR_SUSPENDED);
    scene_close(&s);
}

/* --- full ------------------------------------------------------------------------------------ */

#define WAITING_MAX 1000
#define AT_ONCE 50

static void fetched(struct member_node *m, enum deliver_kind kind, size_t count)
{
    for (size_t n = 0; n < count;) {
        n = n + AT_ONCE < count ? n + AT_ONCE : count;
        CHECK_OK(member_await(m, kind, n, SOON_MS));
        CHECK_OK(member_ack_all(m));
    }
}

static void a_full_hub_says_so_to_everybody_and_keeps_what_it_has(void)
{
    const struct scene_options o = {.conf = WAITING};
    struct bytes whole = {0};
    enum err last = ERR_OK;
    int64_t audit;
    size_t sent = 0;
    struct scene s;

    CHECK_OK(scene_open(&o, &s));
    for (size_t i = 0; i < s.n; i++)
        CHECK_OK(member_ack_all(s.m[i]));
    member_disconnect(s.m[2]);
    while (!last && sent <= WAITING_MAX) {
        CHECK_OK(sealed_for(&s, sent % 2, 2, &whole));
        if (!(last = member_put(s.m[sent % 2], bytes_span(&whole), NULL)))
            sent++;
        bytes_free(&whole);
    }
    CHECK_ERR(last, ERR_HUB_QUOTA);
    CHECK(sent > WAITING_MAX - 20); /* something else may wait, too */
    audit = hubproc_status(s.hub, "audit_size");
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(sealed_for(&s, i, 2, &whole));
        CHECK_ERR(member_put(s.m[i], bytes_span(&whole), NULL), ERR_HUB_QUOTA);
        bytes_free(&whole);
    }
    CHECK(hubproc_status(s.hub, "audit_size") == audit); /* not final: no leaf */
    CHECK_OK(member_open(s.m[2]));
    fetched(s.m[2], DELIVER_ENVELOPE, sent);
    for (size_t i = 0; i < 2; i++)
        fetched(s.m[i], DELIVER_RECEIPT, sent / 2);
    serves(&s, 0, 2);
    scene_close(&s);
}

static void no_more_nodes_than_nodes_max_are_served_and_those_who_are_stay(void)
{
    struct member_node *late = NULL;
    struct msg_hello hello;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "nodes_max = 3\n"}, &s));
    CHECK_OK(scene_enrol(&s, "late", ORG_LIBERAL, &late));
    CHECK_OK(member_connect(late));
    CHECK_OK(member_hello_make(late, &hello));
    CHECK_ERR(member_hello(late, &hello), ERR_FULL);
    CHECK_OK(member_hello_make(s.m[1], &hello)); /* who has a session may greet again */
    CHECK_OK(member_hello(s.m[1], &hello));
    serves(&s, 0, 1);
    member_free(late);
    scene_close(&s);
}

#define JOINS 2000

static bool most_refused(void *arg)
{
    struct scene *s = arg;

    return hubproc_status(s->hub, "door.refused") > JOINS - JOINS / 10;
}

/* One that repeats himself all day; the other wants to be let in. */
static void a_flood_of_joins_by_one_invited_keeps_no_other_out(void)
{
    struct member_node *flooder = NULL, *honest = NULL;
    struct message say = {.type = MSG_JOIN};
    struct bytes frame = {0};
    struct raw_identity who;
    enum join_state state;
    struct raw_zmtp raw;
    enum err code;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(scene_invite(&s, "flooder", ORG_LIBERAL, false, NULL, &flooder));
    CHECK_OK(scene_invite(&s, "honest", ORG_LIBERAL, false, NULL, &honest));
    CHECK_OK(member_join_make(flooder, &say.join));
    CHECK_OK(message_encode(&say, &frame));
    who = (struct raw_identity){.server_key = flooder->hub.transport.b,
                                .public_key = secret_box_public(flooder->once)->b,
                                .secret_key = secret_box_span(flooder->once).ptr};
    CHECK_OK(raw_connect(hubproc_join_port(s.hub), &raw));
    CHECK_OK(raw_greet(&raw));
    CHECK_OK(raw_handshake(&raw, &who));
    for (size_t i = 0; i < JOINS; i++)
        CHECK_OK(raw_message(&raw, bytes_span(&frame), 0));
    CHECK_OK(member_join(honest, &state, &code));
    CHECK(state == JOIN_APPROVAL);
    CHECK(hub_until(&s, most_refused, &s));
    serves(&s, 0, 1);
    raw_close(&raw);
    bytes_free(&frame);
    member_free(flooder);
    member_free(honest);
    scene_close(&s);
}

/* --- what lasts ------------------------------------------------------------------------------ */

#define CIRCLES 40
#define INSIST 300
#define REFUSED 2600
#define REFUSALS_A_DAY 2000

/* He goes on all the same: nothing of it may stay. */
static void who_creates_circles_without_end_is_stopped_for_the_day(void)
{
    struct member_circle *c = NULL;
    enum err last = ERR_OK;
    json_t *data = NULL;
    int64_t audit;
    size_t made = 0;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "circles_day = 40\n"}, &s));
    while (made < 2 * CIRCLES && !(last = member_circle_create(s.m[2], &c))) {
        made++;
        member_circle_free(c);
        c = NULL;
    }
    CHECK_ERR(last, ERR_LOG_DAY);
    CHECK(made == CIRCLES);
    audit = hubproc_status(s.hub, "audit_size");
    for (size_t i = 0; i < INSIST; i++)
        CHECK_ERR(member_circle_create(s.m[2], &c), ERR_LOG_DAY);
    CHECK(hubproc_status(s.hub, "audit_size") == audit);
    CHECK_OK(member_circle_create(s.m[1], &c)); /* another has his own */
    member_circle_free(c);
    serves(&s, 2, 1);
    CHECK_OK(hubproc_kill(s.hub));
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK_OK(scene_reopen(&s));
    c = NULL;
    CHECK_ERR(member_circle_create(s.m[2], &c), ERR_LOG_DAY); /* counted on disk */
    CHECK_OK(hubproc_command(s.hub, "status", NULL, &data));
    CHECK(json_integer_value(json_object_get(json_object_get(data, "refused_by"), "ERR_LOG_DAY")) ==
          1);
    json_decref(data);
    scene_close(&s);
}

static void who_sends_without_end_fills_his_own_day_and_nobody_elses(void)
{
    struct bytes whole = {0};
    enum err last = ERR_OK;
    int64_t audit;
    size_t sent = 0;
    struct scene s;

    CHECK_OK(scene_open(&(struct scene_options){.conf = "log_day = 64k\n"}, &s));
    while (!last && sent < INSIST) {
        CHECK_OK(sealed_for(&s, 0, 1, &whole));
        if (!(last = member_put(s.m[0], bytes_span(&whole), NULL)) && ++sent % 10 == 0) {
            CHECK_OK(member_ack_all(s.m[1]));
            CHECK_OK(member_ack_all(s.m[0]));
        }
        bytes_free(&whole);
    }
    CHECK_ERR(last, ERR_LOG_DAY);
    CHECK(sent > 10);
    CHECK_OK(member_ack_all(s.m[1])); /* what is here already is finished */
    audit = hubproc_status(s.hub, "audit_size");
    CHECK_OK(sealed_for(&s, 0, 1, &whole));
    for (size_t i = 0; i < INSIST; i++)
        CHECK_ERR(member_put(s.m[0], bytes_span(&whole), NULL), ERR_LOG_DAY);
    CHECK(hubproc_status(s.hub, "audit_size") == audit);
    serves(&s, 1, 0); /* he who was written to all the time has his whole day */
    serves(&s, 2, 1);
    bytes_free(&whole);
    scene_close(&s);
}

/* Each refusal was a leaf for ever, and cost him nothing. */
static void a_storm_of_refused_acts_leaves_a_bounded_number_of_leaves(void)
{
    struct message say = {.type = MSG_PUT, .put.envelope = SPAN_STR("no envelope")};
    int64_t audit, refused, grown, told;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    audit = hubproc_status(s.hub, "audit_size");
    refused = hubproc_status(s.hub, "refused");
    for (size_t i = 0; i < REFUSED; i++) {
        say.put.req = member_next_req(s.m[2]);
        CHECK_OK(member_tell(s.m[2], &say));
        if (i % 100 == 99)
            CHECK_OK(member_barrier(s.m[2]));
    }
    CHECK_OK(member_barrier(s.m[2]));
    CHECK(hubproc_status(s.hub, "refused") == refused + REFUSED);
    grown = hubproc_status(s.hub, "audit_size") - audit;
    told = hubproc_status(s.hub, "counts.unsigned");
    CHECK(grown > 0 && grown <= REFUSALS_A_DAY);
    CHECK(grown + told == REFUSED); /* none is forgotten */
    serves(&s, 0, 1);
    scene_close(&s);
}

/* --- answers that nobody reads --------------------------------------------------------------- */

#define CROWD 200
#define ABANDONED 48
#define ASKED 60 /* pages of the keys log on each, of 100 KiB and more */

static void raw_say(struct raw_zmtp *raw, const struct message *say, enum err *e)
{
    struct bytes frame = {0};

    CHECK_OK(message_encode(say, &frame));
    if (!*e)
        *e = raw_message(raw, bytes_span(&frame), 0);
    bytes_free(&frame);
}

/* One more connection of m[2]: greets, asks for pages without reading one, and is left as it is. */
static enum err abandon(struct scene *s, struct raw_zmtp *raw)
{
    struct raw_identity who = {.server_key = member_hub(s->m[2])->transport.b,
                               .public_key = secret_box_public(member_transport_key(s->m[2]))->b,
                               .secret_key = secret_box_span(member_transport_key(s->m[2])).ptr};
    struct message hello = {.type = MSG_HELLO};
    struct message keys = {.type = MSG_KEYS};
    struct bytes welcome = {0};
    enum err e;

    CHECK_OK(member_hello_make(s->m[2], &hello.hello));
    if ((e = raw_connect(hubproc_port(s->hub), raw)) || (e = raw_greet(raw)) ||
        (e = raw_handshake(raw, &who)))
        return e;
    raw_say(raw, &hello, &e);
    if (!e)
        e = raw_receive(raw, &welcome); /* the session is open */
    bytes_free(&welcome);
    for (size_t i = 0; i < ASKED && !e; i++) {
        keys.keys.req = i + 1;
        raw_say(raw, &keys, &e);
    }
    return e;
}

/* Nobody else is interrupted: the same connection, the same session. */
static void others_are_served(struct scene *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (i != 2)
            CHECK_OK(member_barrier(s->m[i]));
}

/* Until it is locked out or has no idea left. How many connections it took. */
static size_t abandon_many(struct scene *s, struct raw_zmtp *raw, int64_t *peak)
{
    size_t n = 0;
    enum err e = ERR_OK;

    while (n < ABANDONED && !e) {
        int64_t now;

        e = abandon(s, &raw[n++]);
        if (n % 8 == 0)
            others_are_served(s);
        now = hubproc_status(s->hub, "door.resident");
        *peak = now > *peak ? now : *peak;
    }
    return n;
}

static void who_leaves_answers_unread_on_many_connections_is_cut_off_and_nobody_else(void)
{
    static struct raw_zmtp raw[ABANDONED];
    const struct scene_options o = {.members = CROWD,
                                    .no_circle = true,
                                    .conf = "memory_max = 256m\nnodes_max = 400\n"
                                            "waiting_max = 100000\n"};
    int64_t peak = 0;
    int64_t sessions;
    size_t used;
    struct scene s;

    CHECK_OK(scene_open(&o, &s));
    CHECK_OK(member_circle_create(s.m[0], &s.circle));
    CHECK_OK(member_circle_join(s.m[0], s.m[1], s.circle, NULL));
    sessions = hubproc_status(s.hub, "counts.hellos");
    member_disconnect(s.m[2]);
    used = abandon_many(&s, raw, &peak);
    printf("     %zu connections abandoned, resident at most %lld MiB of 256\n", used,
           (long long)(peak >> 20));
    CHECK(peak > 64 << 20); /* the control: it weighs */
    CHECK_OK(hubproc_log_wait(s.hub, 0, "memory.culprit", SURE_MS));
    CHECK(hubproc_log_count(s.hub, 0, "memory.culprit") == 1);
    CHECK(hubproc_status(s.hub, "door.brakes") == 0);
    CHECK(hubproc_status(s.hub, "door.cuts") > 1);
    others_are_served(&s);
    serves(&s, 0, 1);
    CHECK(hubproc_status(s.hub, "counts.hellos") < sessions + (int64_t)used + 1);
    CHECK(hubproc_entries(s.hub, AUDIT_ALARM, 0, 1000) == 1);
    for (size_t i = 0; i < used; i++)
        raw_close(&raw[i]);
    scene_close(&s);
}

#define ENEMIES 60
#define EACH (6 << 20) /* answers for each of them: less than one is cut off for alone */
#define PACE 8         /* pages asked for at a time: no more under way than there may be */

struct taken {
    struct scene *s;
    int64_t frames;
};

/* The hub has read that many frames, and has answered them all. */
static bool answered(void *arg)
{
    const struct taken *x = arg;

    return hubproc_status(x->s->hub, "door.frames") >= x->frames &&
           hubproc_status(x->s->hub, "door.work") == 0;
}

/* One connection, many pages asked for, and only the first of them read, to know their size. */
static void ask_and_never_read(struct scene *s, size_t i, struct raw_zmtp *raw)
{
    struct raw_identity who = {.server_key = member_hub(s->m[i])->transport.b,
                               .public_key = secret_box_public(member_transport_key(s->m[i]))->b,
                               .secret_key = secret_box_span(member_transport_key(s->m[i])).ptr};
    struct message hello = {.type = MSG_HELLO};
    struct message keys = {.type = MSG_KEYS};
    struct bytes read = {0};
    struct taken taken = {s, 0};
    enum err e = ERR_OK;
    size_t pages;

    member_disconnect(s->m[i]);
    CHECK_OK(member_hello_make(s->m[i], &hello.hello));
    CHECK_OK(raw_connect(hubproc_port(s->hub), raw));
    CHECK_OK(raw_narrow(raw));
    CHECK_OK(raw_greet(raw));
    CHECK_OK(raw_handshake(raw, &who));
    raw_say(raw, &hello, &e);
    CHECK_OK(e);
    CHECK_OK(raw_receive(raw, &read));
    bytes_free(&read);
    keys.keys.req = 1;
    raw_say(raw, &keys, &e);
    do { /* heads may come before it */
        bytes_free(&read);
        CHECK_OK(raw_receive(raw, &read));
    } while (read.len < EACH / 64); /* fewer pages than a peer's queue takes */
    pages = EACH / read.len;
    bytes_free(&read);
    taken.frames = hubproc_status(s->hub, "door.frames");
    for (size_t k = 1; k <= pages && !e; k++) {
        keys.keys.req++;
        raw_say(raw, &keys, &e);
        taken.frames++;
        if (k % PACE == 0 || k == pages)
            CHECK(hub_until(s, answered, &taken));
    }
    CHECK_OK(e);
}

/* Those who read: they are served on the connection that they have had from the beginning. */
static void honest_are_served(struct scene *s, size_t enemies)
{
    for (size_t i = 0; i < s->n; i++)
        if (i < 2 || i >= enemies + 2)
            CHECK_OK(member_barrier(s->m[i]));
}

/* Back below what it sheds at, 15/16 of memory_max. */
static bool has_room(void *arg)
{
    struct scene *s = arg;

    return hubproc_status(s->hub, "door.resident") < 85 << 20;
}

static void many_who_leave_answers_unread_go_and_those_who_read_stay(void)
{
    static struct raw_zmtp raw[ENEMIES];
    const struct scene_options o = {.members = CROWD,
                                    .no_circle = true,
                                    .conf = "memory_max = 96m\nnodes_max = 250\n"
                                            "waiting_max = 1000\n"};
    size_t enemies = 0;
    int64_t hellos;
    struct scene s;

    CHECK_OK(scene_open(&o, &s));
    hellos = hubproc_status(s.hub, "counts.hellos");
    for (; enemies < ENEMIES && !hubproc_log_count(s.hub, 0, "memory.shed"); enemies++) {
        ask_and_never_read(&s, enemies + 2, &raw[enemies]);
        if (enemies % 4 == 3) /* and nobody is silent so long that his session ends for it */
            honest_are_served(&s, enemies + 1);
    }
    CHECK_OK(hubproc_log_wait(s.hub, 0, "memory.shed", SURE_MS));
    printf("     %zu members who do not read, %lld MiB each\n", enemies, (long long)(EACH >> 20));
    CHECK(enemies > 4);
    CHECK(hub_until(&s, has_room, &s));
    CHECK(hubproc_status(s.hub, "door.cuts") > 0);
    CHECK(hubproc_log_count(s.hub, 0, "memory.culprit") == 0);
    honest_are_served(&s, enemies);
    CHECK(hubproc_status(s.hub, "door.brakes") == 0);
    CHECK(hubproc_status(s.hub, "counts.hellos") ==
          hellos + (int64_t)enemies); /* nobody else's anew */
    for (size_t i = 0; i < enemies; i++)
        raw_close(&raw[i]);
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
        TEST(a_full_hub_says_so_to_everybody_and_keeps_what_it_has),
        TEST(no_more_nodes_than_nodes_max_are_served_and_those_who_are_stay),
        TEST(a_flood_of_joins_by_one_invited_keeps_no_other_out),
        TEST(many_who_leave_answers_unread_go_and_those_who_read_stay),
        TEST(who_leaves_answers_unread_on_many_connections_is_cut_off_and_nobody_else),
        TEST(who_creates_circles_without_end_is_stopped_for_the_day),
        TEST(who_sends_without_end_fills_his_own_day_and_nobody_elses),
        TEST(a_storm_of_refused_acts_leaves_a_bounded_number_of_leaves),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
