/* Mistakes that other systems shipped, replayed on real hubs, real nodes and real files: each test
 * is named after one. Those that have their place elsewhere are in the table of tests/README.md. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "core.h"
#include "file.h"
#include "hub_checks.h"
#include "noded.h"
#include "nodepair.h"
#include "random.h"
#include "raw_zmtp.h"

#define LONG_MS 40000
#define LOOK_MS 20
#define BOX_MAX 200

/* --- a stopped hub's store ---------------------------------------------------------------------
 */

static struct store *store_of(struct scene *s)
{
    const struct entropy entropy = entropy_system();
    struct store *store = NULL;
    char where[1200];

    CHECK_OK(hubproc_stop(s->hub, NULL));
    snprintf(where, sizeof where, "%s/store", hubproc_dir(s->hub));
    CHECK_OK(core_store_open("lmdb", where, STORE_WRITE, 0, NULL, &entropy, &store));
    return store;
}

static void put_one(struct scene *s, size_t from, size_t to, uint8_t mid[ID_BYTES])
{
    struct bytes whole = {0};
    struct env_header h;

    CHECK_OK(member_header(s->m[from], s->circle->handle, &s->m[to], 1, &h));
    CHECK_OK(member_seal(s->m[from], &h, SPAN_STR("corps"), &whole, NULL));
    CHECK_OK(member_put(s->m[from], bytes_span(&whole), NULL));
    memcpy(mid, h.mid, ID_BYTES);
    bytes_free(&whole);
}

static void mid_of(const struct member_item *it, uint8_t mid[ID_BYTES])
{
    struct envelope_view v;
    struct env_header h;

    CHECK_OK(envelope_parse(bytes_span(&it->item), &v, &h, NULL));
    memcpy(mid, h.mid, ID_BYTES);
}

/* Sender and recipient are told that this one is lost; the operator too. */
static void told_of_loss(struct scene *s, const uint8_t mid[ID_BYTES])
{
    struct receipt_facts facts;

    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(member_await(s->m[i], DELIVER_RECEIPT, 1, SOON_MS));
        CHECK(member_receipt_of(s->m[i], AUDIT_HELD, 0));
        CHECK(!member_receipt_of(s->m[i], AUDIT_HELD, 1));
        CHECK_OK(member_item_facts(member_receipt_of(s->m[i], AUDIT_HELD, 0), &facts));
        CHECK(memcmp(facts.detail.mid, mid, ID_BYTES) == 0);
        CHECK(facts.detail.code == ERR_CORRUPT);
    }
    CHECK(hubproc_log_count(s->hub, 0, "item.damaged") == 1);
    CHECK(hubproc_status(s->hub, "counts.damaged") == 1);
}

#define WAITING 5
#define LOST 2 /* the one in the middle */

/* Five for m[1], who is away. */
static void five_wait(struct scene *s, uint8_t mid[WAITING][ID_BYTES])
{
    CHECK_OK(scene_open(NULL, s));
    member_disconnect(s->m[1]);
    for (size_t i = 0; i < WAITING; i++)
        put_one(s, 0, 1, mid[i]);
}

static void four_arrive_in_order(struct scene *s, uint8_t mid[WAITING][ID_BYTES])
{
    uint8_t got[ID_BYTES];
    size_t k = 0;

    CHECK_OK(scene_reopen(s));
    CHECK_OK(member_await(s->m[1], DELIVER_ENVELOPE, WAITING - 1, SOON_MS));
    for (size_t i = 0; i < member_items(s->m[1]); i++)
        if (member_item(s->m[1], i)->kind == DELIVER_ENVELOPE) {
            mid_of(member_item(s->m[1], i), got);
            k += k == LOST;
            CHECK(memcmp(got, mid[k++], ID_BYTES) == 0);
        }
    CHECK(k == WAITING);
    told_of_loss(s, mid[LOST]);
    CHECK_OK(member_ack_all(s->m[1]));
    serves(s, 0, 1);
}

/* nuts-node#469. The bytes of one of five that wait are gone from the hub's disk: the other four
 * arrive in order, and both sides are told what became of that one. */
static void trap_one_missing_payload_blocks_all(void)
{
    uint8_t mid[WAITING][ID_BYTES], key[8];
    struct store *store;
    struct txn *t = NULL;
    struct span at, value;
    struct scene s;

    five_wait(&s, mid);
    store = store_of(&s);
    CHECK_OK(store_begin(store, TXN_WRITE, &t));
    CHECK_OK(store_last(t, TABLE_BODY, &at, &value));
    CHECK_OK(store_del(t, TABLE_BODY, key_u64(be64_read(at.ptr) - LOST, key)));
    CHECK_OK(store_commit(&t));
    store_close(store);
    CHECK_OK(hubproc_start(s.hub, NULL));
    four_arrive_in_order(&s, mid);
    scene_close(&s);
}

/* Turns over one bit in the middle of these bytes, wherever the hub's store has them. */
static void disk_flips(struct scene *s, struct span bytes)
{
    struct bytes file = {0};
    char where[1200];
    size_t flips = 0;
    FILE *f;

    snprintf(where, sizeof where, "%s/store/data.mdb", hubproc_dir(s->hub));
    CHECK_OK(file_read(where, SIZE_MAX, &file));
    CHECK(f = fopen(where, "r+b"));
    for (uint8_t *p = file.ptr;
         (p = memmem(p, file.len - (size_t)(p - file.ptr), bytes.ptr, bytes.len)); p++) {
        CHECK(fseek(f, (long)(p - file.ptr) + (long)bytes.len / 2, SEEK_SET) == 0);
        CHECK(fputc(p[bytes.len / 2] ^ 4, f) != EOF);
        flips++;
    }
    CHECK(fclose(f) == 0);
    CHECK(flips > 0);
    bytes_free(&file);
}

static void body_of_last_but(struct scene *s, uint64_t back, struct bytes *out)
{
    struct store *store = store_of(s);
    struct span at, value;
    struct txn *t = NULL;
    uint8_t key[8];

    CHECK_OK(store_begin(store, TXN_READ, &t));
    CHECK_OK(store_last(t, TABLE_BODY, &at, &value));
    CHECK_OK(store_get(t, TABLE_BODY, key_u64(be64_read(at.ptr) - back, key), &value));
    CHECK_OK(bytes_copy(out, value));
    store_abort(&t);
    store_close(store);
}

static int fsck(struct scene *s, struct bytes *said)
{
    const char *const args[] = {
        "--dir", hubproc_dir(s->hub), "--passphrase-file", hubproc_passphrase_file(s->hub), "fsck",
        NULL};
    char program[1024];

    return hubproc_run(hubproc_program("relais-hub", program), args, said);
}

/* The same with one bit of it turned over: it is not served as it is now, it does not keep the hub
 * from starting, and fsck names it. */
static void one_flipped_bit_of_a_payload_blocks_no_other(void)
{
    uint8_t mid[WAITING][ID_BYTES];
    struct bytes body = {0}, said = {0};
    struct scene s;

    five_wait(&s, mid);
    body_of_last_but(&s, LOST, &body);
    CHECK(fsck(&s, NULL) == 0);
    disk_flips(&s, bytes_span(&body));
    CHECK(fsck(&s, &said) == 5);
    CHECK(memmem(said.ptr, said.len, "body 00", strlen("body 00")));
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK(hubproc_log_count(s.hub, 0, "store.damaged table=body") == 1);
    four_arrive_in_order(&s, mid);
    CHECK_OK(hubproc_stop(s.hub, NULL));
    CHECK(fsck(&s, NULL) == 0); /* what was lost has its end, and is gone */
    bytes_free(&body);
    bytes_free(&said);
    scene_close(&s);
}

/* Delivered and not acknowledged, when the disk loses it and its recipient opposes: the opposition
 * is a fact at once. */
static void a_payload_that_rots_hinders_no_opposition(void)
{
    struct circle_statement st;
    struct bytes whole = {0};
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_header(s.m[0], s.circle->handle, &s.m[1], 1, &h));
    CHECK_OK(member_seal(s.m[0], &h, SPAN_STR("corps"), &whole, NULL));
    CHECK_OK(member_put(s.m[0], bytes_span(&whole), NULL));
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 1, SOON_MS));
    disk_flips(&s, bytes_span(&whole)); /* under the running hub */
    CHECK_OK(member_statement(s.m[1], s.circle, CIRCLE_OPPOSITION, &st));
    st.class_mask = CLASS_SOCIAL;
    st.way = WAY_ORAL;
    CHECK_OK(member_declare(s.m[1], s.circle, &st, NULL));
    told_of_loss(&s, h.mid);
    bytes_free(&whole);
    scene_close(&s);
}

/* --- refused is refused ------------------------------------------------------------------------
 */

/* Holodeck#142. What was refused once was known by its id the second time, and got a receipt. */
static void trap_receipt_for_a_failed_message(void)
{
    struct bytes whole = {0}, receipt = {0};
    struct env_header h;
    int64_t audit;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_header(s.m[0], s.circle->handle, &s.m[1], 1, &h));
    h.basis = BASIS_CONSENTI; /* nobody has consented */
    h.has_consent = true;
    h.consent = 1;
    CHECK_OK(member_seal(s.m[0], &h, SPAN_STR("corps"), &whole, NULL));
    audit = hubproc_status(s.hub, "audit_size");
    for (int i = 0; i < 4; i++) {
        enum err e = member_put(s.m[0], bytes_span(&whole), &receipt);

        CHECK(e != ERR_OK && e != ERR_DUPLICATE && refusal_is_final(e));
        CHECK(receipt.len == 0);
        if (i != 1)
            continue;
        CHECK(hubproc_status(s.hub, "audit_size") == audit + 2);
        CHECK_OK(
            hubproc_kill(s.hub)); /* nor is it forgotten, or remembered otherwise, by a crash */
        CHECK_OK(hubproc_start(s.hub, NULL));
        CHECK_OK(scene_reopen(&s));
    }
    serves(&s, 0, 1); /* and what comes after it passes */
    CHECK_OK(member_barrier(s.m[1]));
    CHECK(member_items_of(s.m[1], DELIVER_ENVELOPE) == 1);
    CHECK(hubproc_entries(s.hub, AUDIT_ACCEPTED, 0, 100) == 1);
    CHECK(hubproc_entries(s.hub, AUDIT_REJECTED, 0, 100) == 4);
    bytes_free(&whole);
    scene_close(&s);
}

static void altered_is_refused(struct scene *s, struct span whole, enum err code,
                               void (*alter)(struct member_parts *p))
{
    struct member_parts p;
    struct bytes other = {0};
    struct msg_hello hello;

    CHECK_OK(member_parts_read(whole, &p));
    alter(&p);
    CHECK_OK(member_parts_write(&p, &other));
    CHECK_ERR(member_put(s->m[0], bytes_span(&other), NULL), code);
    CHECK_OK(member_hello_make(s->m[0], &hello)); /* three forgeries end a session */
    CHECK_OK(member_hello(s->m[0], &hello));
    bytes_free(&other);
    member_parts_free(&p);
}

static void no_signature(struct member_parts *p)
{
    p->sig.len = 0;
}

static void zero_signature(struct member_parts *p)
{
    memset(p->sig.ptr, 0, p->sig.len);
}

static void no_keys(struct member_parts *p)
{
    p->rcp.len = 0;
}

static void no_encryption(struct member_parts *p)
{
    p->ct.len = 5; /* the body as it is */
    memcpy(p->ct.ptr, "corps", 5);
}

static void older_version(struct member_parts *p)
{
    p->version = 0;
}

/* phase4#162. Whatever is stripped, of the message or of the connection, the answer is no. */
static void trap_unsigned_accepted_by_default(void)
{
    static const struct {
        enum err code;
        void (*alter)(struct member_parts *p);
    } kinds[] = {
        {ERR_SIZE,    no_signature  },
        {ERR_FORGED,  zero_signature},
        {ERR_SIZE,    no_keys       },
        {ERR_SIZE,    no_encryption },
        {ERR_VERSION, older_version },
    };
    static const uint8_t plain[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    struct raw_zmtp raw;
    struct bytes whole = {0};
    struct env_header h;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    CHECK_OK(member_header(s.m[0], s.circle->handle, &s.m[1], 1, &h));
    CHECK_OK(member_seal(s.m[0], &h, SPAN_STR("corps"), &whole, NULL));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        altered_is_refused(&s, bytes_span(&whole), kinds[i].code, kinds[i].alter);
    CHECK_OK(raw_connect(hubproc_port(s.hub), &raw)); /* and without CURVE */
    CHECK_OK(raw_send(&raw, SPAN_OF(plain)));
    CHECK(raw_is_closed(&raw));
    raw_close(&raw);
    CHECK(hubproc_entries(s.hub, AUDIT_ACCEPTED, 0, 100) == 0);
    CHECK_OK(member_put(s.m[0], bytes_span(&whole), NULL)); /* the control */
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 1, SOON_MS));
    bytes_free(&whole);
    scene_close(&s);
}

/* --- a long queue ------------------------------------------------------------------------------
 */

#define PENDING 200000
#define A_COMMIT 20000
#define PENDING_KIB_MAX (64 * 1024)

/* The newest entry of both tables, again and again under higher numbers. */
static uint64_t queue_lengthen(struct store *store)
{
    static uint8_t item[2048], body[8192];
    struct span key, value;
    struct txn *t = NULL;
    size_t item_len, body_len;
    uint8_t k[8];
    uint64_t seq;

    CHECK_OK(store_begin(store, TXN_WRITE, &t));
    CHECK_OK(store_last(t, TABLE_ITEM, &key, &value));
    seq = be64_read(key.ptr);
    CHECK(value.len <= sizeof item);
    memcpy(item, value.ptr, item_len = value.len);
    CHECK_OK(store_last(t, TABLE_BODY, &key, &value));
    CHECK(be64_read(key.ptr) == seq && value.len <= sizeof body);
    memcpy(body, value.ptr, body_len = value.len);
    for (size_t i = 1; i <= PENDING; i++) {
        CHECK_OK(store_append(t, TABLE_ITEM, key_u64(seq + i, k), span_of(item, item_len)));
        CHECK_OK(store_append(t, TABLE_BODY, key_u64(seq + i, k), span_of(body, body_len)));
        if (i % A_COMMIT)
            continue;
        CHECK_OK(store_commit(&t));
        CHECK_OK(store_begin(store, TXN_WRITE, &t));
    }
    store_abort(&t);
    return (uint64_t)body_len * PENDING;
}

/* Mirth#3089. What waits is read at the start slice by slice: the bytes stay on disk. */
static void trap_recovery_loads_all_in_memory(void)
{
    struct store *store;
    uint64_t bytes;
    uint8_t mid[ID_BYTES];
    size_t peak_kib;
    struct scene s;

    CHECK_OK(scene_open(NULL, &s));
    member_disconnect(s.m[1]);
    put_one(&s, 0, 1, mid);
    store = store_of(&s);
    bytes = queue_lengthen(store);
    store_close(store);
    CHECK_OK(hubproc_start(s.hub, NULL));
    CHECK(hubproc_status(s.hub, "waiting") >= PENDING);
    peak_kib = pair_resident_kib(hubproc_pid(s.hub), true);
    printf("     %d wait, %llu KiB of them; the hub never held more than %zu KiB\n", PENDING,
           (unsigned long long)bytes / 1024, peak_kib);
    CHECK(bytes / 1024 > 2 * PENDING_KIB_MAX);
    CHECK(peak_kib > 0 && peak_kib < PENDING_KIB_MAX);
    CHECK_OK(scene_reopen(&s));
    CHECK_OK(member_await(s.m[1], DELIVER_ENVELOPE, 1, SOON_MS));
    scene_close(&s);
}

/* --- two nodes ----------------------------------------------------------------------------------
 */

#define WRITES 0
#define READS 1

static struct world {
    struct scene s;
    struct noded *node[2];
    size_t said; /* sheets that were asked for: S-0000 ...; kept or not, for their node may have
                    died */
} w;

static void world_open(const char *conf)
{
    struct scene_options o = {.members = 1, .no_circle = true, .conf = conf};
    char top[1024];

    w = (struct world){0};
    CHECK_OK(scene_open(&o, &w.s));
    snprintf(top, sizeof top, "%.900s/..", hubproc_dir(w.s.hub));
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(noded_new(&(struct noded_options){.name = i ? "b" : "a", .top = top}, &w.s,
                           &w.node[i]));
        CHECK_OK(noded_start(w.node[i], NULL));
    }
    for (size_t i = 0; i < 2; i++)
        CHECK(noded_ready(w.node[i], LONG_MS));
    CHECK_OK(nodeds_meet(w.node[WRITES], w.node[READS]));
}

static void world_close(void)
{
    for (size_t i = 0; i < 2; i++)
        noded_free(w.node[i]);
    scene_close(&w.s);
}

static enum err write_sheet(void)
{
    char subject[16];

    snprintf(subject, sizeof subject, "S-%04zu", w.said++);
    return noded_send(w.node[WRITES], subject);
}

/* Subjects of a box, in its order: numbers of ours. */
static size_t numbers_in(size_t node, const char *box, size_t out[BOX_MAX])
{
    json_t *list = NULL;
    size_t n = 0;

    if (noded_box(w.node[node], box, &list))
        return 0;
    for (size_t i = 0; i < json_array_size(list) && n < BOX_MAX; i++) {
        const char *text = json_string_value(json_object_get(json_array_get(list, i), "subject"));

        if (text && strncmp(text, "S-", 2) == 0)
            out[n++] = strtoul(text + 2, NULL, 10);
    }
    json_decref(list);
    return n;
}

static int by_number(const void *a, const void *b)
{
    const size_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* All that the writer has kept is in the other's inbox: once each, in the order it was written. */
static size_t all_arrive(void)
{
    uint64_t until = clock_mono_ms(clock_system()) + LONG_MS;
    size_t out[BOX_MAX], in[BOX_MAX];
    size_t kept = numbers_in(WRITES, "out", out);
    size_t there;

    while ((there = numbers_in(READS, "in", in)) < kept && clock_mono_ms(clock_system()) < until)
        poll(NULL, 0, LOOK_MS);
    CHECK(there == kept);
    qsort(out, kept, sizeof *out, by_number); /* written in that order, listed by time */
    for (size_t i = 0; i < kept; i++)
        if (in[i] != out[i]) {
            for (size_t k = 0; k < kept; k++)
                fprintf(stderr, "sheet %zu, came %zu\n", out[k], in[k]);
            scene_fail(__FILE__, __LINE__, "order", "");
        }
    return kept;
}

/* Until that process, which a fault has met or will, has ended; false: it had nothing to do. */
static bool dies(struct noded *n, size_t fired)
{
    uint64_t until = clock_mono_ms(clock_system()) + 3000;

    while (noded_running(n, NULL) && clock_mono_ms(clock_system()) < until)
        poll(NULL, 0, LOOK_MS);
    return noded_faults(n) > fired;
}

static const struct step {
    const char *kind;
    unsigned n;
} steps[] = {
    {"before-commit", 2},
    {"before-commit", 3},
    {"before-commit", 4},
    {"after-commit",  2},
    {"after-commit",  3},
    {"after-commit",  4},
    {"kill-sync",     5},
    {"kill-write",    6},
    {"kill-send",     9},
};
#define STEPS (sizeof steps / sizeof *steps)

/* A node that is killed at that step of its work while it has two sheets to write or to read. */
static bool killed_at(size_t which, const struct step *at)
{
    size_t fired = noded_faults(w.node[which]);
    char fault[64];
    bool died;

    snprintf(fault, sizeof fault, "%s:%u", at->kind, at->n);
    noded_stop(w.node[which]);
    if (which == READS)
        for (int i = 0; i < 2; i++)
            CHECK_OK(write_sheet());
    CHECK_OK(noded_start(w.node[which], fault));
    if (which == WRITES)
        for (int i = 0; i < 4 && noded_running(w.node[which], NULL); i++)
            if (write_sheet()) /* not up yet, or dead: perhaps it was kept all the same */
                noded_ready(w.node[which], 500);
    died = dies(w.node[which], fired);
    noded_kill(w.node[which]);
    CHECK_OK(noded_start(w.node[which], NULL));
    CHECK(noded_ready(w.node[which], LONG_MS));
    return died;
}

/* phase4-peppol-standalone#6: after a restart the same message went out under a new id, and was
 * there twice. Writer and hub are killed at each step of a sending in turn. */
static void trap_retry_makes_a_new_id(void)
{
    static const struct step at_hub[] = {
        {"before-commit",  1},
        {"after-commit",   1},
        {"before-receipt", 1},
        {"before-receipt", 2}
    };
    size_t deaths = 0;
    size_t kept, accepted;

    world_open(NULL);
    accepted = hubproc_entries(w.s.hub, AUDIT_ACCEPTED, 0, 1000);
    for (size_t i = 0; i < STEPS; i++)
        deaths += killed_at(WRITES, &steps[i]);
    CHECK(deaths >= STEPS - 2);
    for (size_t i = 0; i < sizeof at_hub / sizeof *at_hub; i++) {
        size_t fired = hubproc_faults(w.s.hub);
        char fault[64];

        snprintf(fault, sizeof fault, "%s:%u", at_hub[i].kind, at_hub[i].n);
        all_arrive();
        CHECK_OK(hubproc_stop(w.s.hub, NULL));
        for (int k = 0; k < 3; k++)
            CHECK_OK(write_sheet());
        if (hubproc_start(w.s.hub, &(struct hubproc_start){.fault = fault}) == ERR_OK)
            CHECK_OK(hubproc_wait(w.s.hub, LONG_MS, NULL));
        CHECK(hubproc_faults(w.s.hub) == fired + 1);
        CHECK_OK(hubproc_start(w.s.hub, NULL));
    }
    kept = all_arrive();
    CHECK(kept > 3 * sizeof at_hub / sizeof *at_hub);
    CHECK(hubproc_entries(w.s.hub, AUDIT_ACCEPTED, 0, 1000) == accepted + kept);
    printf("     %zu sheets, %zu deaths of their node, %zu of the hub\n", kept, deaths,
           sizeof at_hub / sizeof *at_hub);
    world_close();
}

/* Holodeck 8.1.0: marked as seen, then the crash, and never read. The reader is killed at each step
 * of taking a delivery in. */
static void trap_duplicate_marked_before_processing_ended(void)
{
    size_t deaths = 0;
    size_t kept;

    world_open(NULL);
    for (size_t i = 0; i < STEPS; i++) {
        deaths += killed_at(READS, &steps[i]);
        kept = all_arrive();
    }
    CHECK(deaths >= STEPS - 2);
    CHECK(kept == 2 * STEPS);
    printf("     %zu sheets, %zu deaths of who reads them\n", kept, deaths);
    world_close();
}

/* --- impatience ---------------------------------------------------------------------------------
 */

#define WATCHED_MS 4000
#define RETRY_MAX_MS 500 /* of noded's nodes; pauses are jittered between half and all of it */

static void a_while(void)
{
    uint64_t until = clock_mono_ms(clock_system()) + WATCHED_MS;

    while (clock_mono_ms(clock_system()) < until)
        poll(NULL, 0, LOOK_MS);
}

/* As many as its settings allow in that time, and no more. A slow machine makes fewer. */
static void counted(int64_t before, int64_t after, uint64_t since_ms)
{
    uint64_t took_ms = clock_mono_ms(clock_system()) - since_ms;
    int64_t most = (int64_t)(took_ms / (RETRY_MAX_MS / 2)) + 4;

    printf("     %lld requests in %llu ms, %lld at most\n", (long long)(after - before),
           (unsigned long long)took_ms, (long long)most);
    CHECK(after - before >= 2); /* it does not give up */
    CHECK(after - before <= most);
}

/* nuts-node#2138. What a node sends is refused for the moment, for ever; then not answered at all.
 * Counted where it arrives, at a real hub. The bound over hours is in test_courier_session. */
static void trap_tight_retry_loop(void)
{
    uint64_t since_ms;
    int64_t before;

    world_open("quota_messages = 4\n");
    noded_stop(w.node[READS]);
    while (hubproc_status(w.s.hub, "refused_by.ERR_SENDER_QUOTA") <= 0) {
        CHECK(w.said < 20);
        CHECK_OK(write_sheet());
        poll(NULL, 0, 10 * LOOK_MS);
    }
    before = hubproc_status(w.s.hub, "refused_by.ERR_SENDER_QUOTA");
    since_ms = clock_mono_ms(clock_system());
    a_while();
    counted(before, hubproc_status(w.s.hub, "refused_by.ERR_SENDER_QUOTA"), since_ms);
    before = hubproc_status(w.s.hub, "counts.verified");
    since_ms = clock_mono_ms(clock_system());
    CHECK(kill(hubproc_pid(w.s.hub), SIGSTOP) == 0);
    a_while();
    CHECK(kill(hubproc_pid(w.s.hub), SIGCONT) == 0);
    a_while();
    counted(before, hubproc_status(w.s.hub, "counts.verified"), since_ms);
    CHECK_OK(noded_start(w.node[READS], NULL)); /* and in the end it all arrives */
    CHECK(all_arrive() == w.said);
    world_close();
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(trap_one_missing_payload_blocks_all),
        TEST(one_flipped_bit_of_a_payload_blocks_no_other),
        TEST(a_payload_that_rots_hinders_no_opposition),
        TEST(trap_receipt_for_a_failed_message),
        TEST(trap_unsigned_accepted_by_default),
        TEST(trap_recovery_loads_all_in_memory),
        TEST(trap_retry_makes_a_new_id),
        TEST(trap_duplicate_marked_before_processing_ended),
        TEST(trap_tight_retry_loop),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
