/* Real nodes whose machine loses its current: what a node told its people it keeps, what it handed
 * to the hub and what it acknowledged is in the store that is on its disk then; and two nodes whose
 * current is cut again and again while they work lose and double nothing. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "envelope.h"
#include "noded.h"
#include "powercut.h"
#include "proctree.h"

#define SHEETS 60
#define IMAGES 20 /* of each node */
#define ROUNDS 8
#define SHEETS_A_ROUND 12
#define LOOK_MS 20
#define LONG_MS 40000
#define SHORT_MS 3000 /* where no answer is a finding that is hoped for */
#define NODES 2
#define WRITES 0 /* which of the two */
#define READS 1

struct world {
    struct scene s;
    struct noded *node[NODES];
    char log[NODES][1100];
    struct powercut *cut[NODES];
    size_t kept; /* sheets that the first said it keeps: subjects S-0000, S-0001, ... */
};

static struct world w;

static bool answers_within(struct noded *n, uint64_t ms)
{
    uint64_t until = clock_mono_ms(clock_system()) + ms;
    enum err e;

    while ((e = noded_call(n, "status", NULL, ms, NULL)) && noded_running(n, NULL) &&
           clock_mono_ms(clock_system()) < until)
        poll(NULL, 0, LOOK_MS);
    return !e;
}

/* Where that subject stands in a box; -1: it does not. *times: how often. */
static int place_of(const json_t *box, size_t number, size_t *times)
{
    char subject[16];
    int place = -1;

    snprintf(subject, sizeof subject, "S-%04zu", number);
    *times = 0;
    for (size_t i = 0; i < json_array_size(box); i++) {
        const char *one = json_string_value(json_object_get(json_array_get(box, i), "subject"));

        if (one && strcmp(one, subject) == 0) {
            place = (int)i;
            ++*times;
        }
    }
    return place;
}

static bool has_mid(const json_t *box, const uint8_t mid[ID_BYTES])
{
    char hex[2 * ID_BYTES + 1];

    for (size_t i = 0; i < ID_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", mid[i]);
    for (size_t i = 0; i < json_array_size(box); i++) {
        const char *one = json_string_value(json_object_get(json_array_get(box, i), "mid"));

        if (one && strcmp(one, hex) == 0)
            return true;
    }
    return false;
}

/* --- the recorded run ---------------------------------------------------------------------------
 */

static void write_sheet(void)
{
    char subject[16];

    snprintf(subject, sizeof subject, "S-%04zu", w.kept);
    if (noded_send(w.node[WRITES], subject) == ERR_OK)
        w.kept++;
}

/* Every sheet kept by the one is in the inbox of the other, once, in its order. */
static void all_arrive(void)
{
    uint64_t until = clock_mono_ms(clock_system()) + LONG_MS;
    json_t *box = NULL;
    size_t found;
    int former;

    for (;;) {
        size_t times;

        if (noded_box(w.node[READS], "in", &box) == ERR_OK)
            for (found = 0; found < w.kept && place_of(box, found, &times) >= 0; found++)
                ;
        else
            found = 0;
        if (found == w.kept || clock_mono_ms(clock_system()) > until)
            break;
        json_decref(box);
        box = NULL;
        poll(NULL, 0, LOOK_MS);
    }
    CHECK(found == w.kept);
    former = -1;
    for (size_t i = 0; i < w.kept; i++) {
        size_t times;
        int place = place_of(box, i, &times);

        CHECK(times == 1);
        CHECK(place > former);
        former = place;
    }
    json_decref(box);
}

static void world_open(void)
{
    static const char *const names[NODES] = {"a", "b"};
    char top[1024];

    w = (struct world){0};
    CHECK_OK(scene_open(&(struct scene_options){.members = 1, .no_circle = true}, &w.s));
    snprintf(top, sizeof top, "%.900s/..", hubproc_dir(w.s.hub));
    for (size_t i = 0; i < NODES; i++) {
        struct noded_options o = {.name = names[i], .top = top};

        snprintf(w.log[i], sizeof w.log[i], "%s/record-%s", top, names[i]);
        CHECK_OK(noded_new(&o, &w.s, &w.node[i]));
        CHECK_OK(noded_start(w.node[i], NULL));
    }
    for (size_t i = 0; i < NODES; i++)
        CHECK(noded_ready(w.node[i], LONG_MS));
    CHECK_OK(nodeds_meet(w.node[WRITES], w.node[READS]));
    for (size_t i = 0; i < NODES; i++)
        noded_stop(w.node[i]);
}

static void world_close(void)
{
    for (size_t i = 0; i < NODES; i++) {
        powercut_close(w.cut[i]);
        noded_free(w.node[i]);
    }
    scene_close(&w.s);
}

static void start_recorded(size_t i, const char *nosync)
{
    remove(w.log[i]);
    noded_record(w.node[i], w.log[i], nosync);
    CHECK_OK(noded_start(w.node[i], NULL));
    noded_record(w.node[i], NULL, NULL);
}

static void open_recording(size_t i)
{
    powercut_close(w.cut[i]);
    w.cut[i] = NULL;
    CHECK_OK(powercut_open(w.log[i], &w.cut[i], NULL));
}

/* --- what a node had said before a cut
 * ------------------------------------------------------------ */

struct told {
    size_t kept; /* answers "kept" to its people, in their order */
    size_t put;  /* envelopes handed to the network */
    uint8_t mid[4 * SHEETS][ID_BYTES];
    uint64_t upto;  /* newest ACK */
    uint64_t count; /* envelopes that all of them cover */
};

static void frame_told(struct span frame, struct told *t)
{
    struct envelope_view v;
    struct env_header h;
    struct message m;

    if (message_decode(frame, SENT_BY_NODE, &m))
        return;
    if (m.type == MSG_PUT) {
        CHECK_OK(envelope_parse(m.put.envelope, &v, &h, NULL));
        CHECK(t->put < sizeof t->mid / sizeof *t->mid);
        memcpy(t->mid[t->put++], h.mid, ID_BYTES);
    } else if (m.type == MSG_ACK && m.ack.upto > t->upto) {
        t->upto = m.ack.upto;
        t->count += m.ack.count;
    }
}

/* An answer of the control socket is a line; what we count is "ok" to a sheet.send. */
static void answer_told(struct span line, struct told *t)
{
    json_t *o = json_loadb((const char *)line.ptr, line.len, JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *data = json_object_get(o, "data");

    t->kept += json_is_true(json_object_get(o, "ok")) && json_object_get(data, "mid") != NULL;
    json_decref(o);
}

static void told_before(const struct powercut *p, size_t cut, struct told *t)
{
    *t = (struct told){0};
    for (size_t i = 0; i < cut; i++) {
        struct powercut_record r = powercut_record(p, i);

        if (r.kind == RECORD_FRAME)
            frame_told(r.data, t);
        else if (r.kind == RECORD_SEND)
            answer_told(r.data, t);
    }
}

/* --- nodes on what their disks hold
 * ---------------------------------------------------------------- */

struct findings {
    size_t images, kept, put, acked;
    size_t unstarted, lost;
    uint64_t patience_ms; /* with a node that is to answer */
};

static void image_of(size_t i, size_t cut, uint64_t seed)
{
    tree_remove(noded_dir(w.node[i]));
    CHECK_OK(powercut_rebuild(w.cut[i], cut, seed, noded_dir(w.node[i]), NULL));
}

static void check_writer(const struct told *t, struct findings *f)
{
    json_t *out = NULL;
    size_t times;

    CHECK_OK(noded_box(w.node[WRITES], "out", &out));
    for (size_t i = 0; i < t->kept; i++)
        f->lost += place_of(out, i, &times) < 0 || times != 1;
    for (size_t i = 0; i < t->put; i++)
        f->lost += !has_mid(out, t->mid[i]);
    f->kept += t->kept;
    f->put += t->put;
    json_decref(out);
}

static void check_reader(const struct told *t, struct findings *f)
{
    json_t *in = NULL;
    size_t times;

    CHECK_OK(noded_box(w.node[READS], "in", &in));
    for (size_t i = 0; i < t->count; i++)
        f->lost += place_of(in, i, &times) < 0 || times != 1;
    f->acked += t->count;
    json_decref(in);
}

/* The hub does not run: only what the node has itself is there. */
static void look_at_images(size_t i, struct findings *f)
{
    size_t first = powercut_next(w.cut[i], RECORD_FRAME, 0);
    size_t end = powercut_records(w.cut[i]) + 1;

    for (uint64_t k = 1; k <= IMAGES && !f->unstarted && !f->lost; k++) {
        size_t cut = powercut_choose(w.cut[i], k, first, end);
        struct told t;

        told_before(w.cut[i], cut, &t);
        image_of(i, cut, k);
        f->images++;
        CHECK_OK(noded_start(w.node[i], NULL));
        if (!answers_within(w.node[i], f->patience_ms))
            f->unstarted++;
        else if (i == WRITES)
            check_writer(&t, f);
        else
            check_reader(&t, f);
        noded_kill(w.node[i]);
        if (f->unstarted || f->lost)
            fprintf(stderr, "node %s, cut %zu, seed %llu\n", noded_name(w.node[i]), cut,
                    (unsigned long long)k);
    }
}

/* Both work under the recorder; then what their disks could hold. */
static void work_and_look(const char *nosync, struct findings *f)
{
    world_open();
    for (size_t i = 0; i < NODES; i++)
        start_recorded(i, nosync);
    CHECK(answers_within(w.node[WRITES], LONG_MS));
    for (size_t i = 0; i < SHEETS; i++)
        write_sheet();
    CHECK(w.kept == SHEETS);
    all_arrive();
    for (size_t i = 0; i < NODES; i++) {
        noded_kill(w.node[i]);
        open_recording(i);
    }
    CHECK_OK(hubproc_stop(w.s.hub, NULL));
    for (size_t i = 0; i < NODES; i++)
        look_at_images(i, f);
    printf("     %zu images: %zu sheets said to be kept, %zu handed over, %zu acknowledged; "
           "unstarted %zu, lost %zu\n",
           f->images, f->kept, f->put, f->acked, f->unstarted, f->lost);
    world_close();
}

static void trap_ack_before_disk_at_a_node(void)
{
    struct findings f = {.patience_ms = LONG_MS};

    work_and_look(NULL, &f);
    CHECK(f.unstarted == 0 && f.lost == 0);
    CHECK(f.images == NODES * IMAGES && f.kept > IMAGES && f.put > IMAGES && f.acked > IMAGES);
}

static void nodes_without_their_syncs_are_seen_to_break_their_word(void)
{
    struct findings f = {.patience_ms = SHORT_MS};

    work_and_look("lmdb", &f);
    CHECK(f.unstarted + f.lost > 0);
}

/* The hub goes on meanwhile, so the cut is at the last thing the node did. */
static void nodes_whose_power_is_cut_lose_and_double_nothing(void)
{
    size_t cuts = 0;

    world_open();
    for (uint64_t k = 0; k < ROUNDS; k++) {
        size_t which = k % NODES;

        start_recorded(which, NULL);
        CHECK_OK(noded_start(w.node[1 - which], NULL));
        for (size_t i = 0; i < NODES; i++)
            CHECK(noded_ready(w.node[i], LONG_MS));
        for (size_t i = 0; i < SHEETS_A_ROUND; i++)
            write_sheet();
        noded_kill(w.node[which]); /* the rest is under way */
        open_recording(which);
        image_of(which, powercut_records(w.cut[which]), k);
        cuts++;
        CHECK_OK(noded_start(w.node[which], NULL));
        CHECK(answers_within(w.node[which], LONG_MS));
        all_arrive();
        for (size_t i = 0; i < NODES; i++)
            noded_stop(w.node[i]);
    }
    printf("     %zu cuts, %zu sheets kept, all of them there once\n", cuts, w.kept);
    CHECK(cuts == ROUNDS && w.kept == ROUNDS * SHEETS_A_ROUND);
    world_close();
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(trap_ack_before_disk_at_a_node),
        TEST(nodes_without_their_syncs_are_seen_to_break_their_word),
        TEST(nodes_whose_power_is_cut_lose_and_double_nothing),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
