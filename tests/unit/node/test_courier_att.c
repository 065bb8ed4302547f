/* link: -Wl,--wrap=link_send */
/* Attachments on their way, one chunk at a time: what is asked first, what is sent next, what a cut
 * costs, and what happens when the hub, the disk or the store says no. The wire is a list of what
 * was sent, the hub's answers are made here, files and store are real. */
#include "node_rig.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "attach.h"
#include "courier_internal.h"
#include "proctree.h"

#define CHUNKS 20 /* more than are under way, and than one sync covers */
#define SIZE (UINT64_C(19) * ATTACHMENT_CHUNK + 1000)
#define SENT_MAX 256
#define HOUR_MS UINT64_C(3600000)

static struct {
    struct {
        enum message_type type;
        uint64_t req, size;
        uint32_t i;
        size_t bytes;
    } list[SENT_MAX];
    size_t n;
    enum err says; /* to whatever is sent */
    size_t room;   /* then it is full; 0: it never is */
} wire;

enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload);
enum err __wrap_link_send(struct link_socket *s, const struct link_peer *to, struct span payload)
{
    struct message m;

    (void)s, (void)to;
    if (wire.says)
        return wire.says;
    if (wire.room && wire.n == wire.room)
        return ERR_BUSY;
    assert_true(wire.n < SENT_MAX);
    assert_int_equal(message_decode(payload, SENT_BY_NODE, &m), ERR_OK);
    wire.list[wire.n].type = m.type;
    if (m.type == MSG_ATT_OPEN) {
        wire.list[wire.n].req = m.att_open.req;
        wire.list[wire.n].size = m.att_open.size;
        wire.list[wire.n].bytes = m.att_open.hashes.len;
    } else {
        wire.list[wire.n].req = m.att_chunk.req;
        wire.list[wire.n].i = m.att_chunk.i;
        wire.list[wire.n].bytes = m.att_chunk.chunk.len;
    }
    wire.n++;
    return ERR_OK;
}

struct desk {
    struct rig *r;
    struct courier c;
    struct att_flow *out, *in;
    uint8_t address[ATTACHMENT_ADDRESS_BYTES];
    uint8_t hashes[CHUNKS * ATTACHMENT_HASH_BYTES];
};

/* Nobody opens it here: any bytes are a chunk. */
static struct span chunk_of(uint32_t i)
{
    static uint8_t room[ATTACHMENT_CHUNK];

    memset(room, (int)i + 1, sizeof room);
    return span_of(room, attachment_chunk_len(SIZE, i));
}

static int up(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    void *rig = NULL;

    assert_non_null(d);
    rig_up(&rig);
    d->r = rig;
    d->c = (struct courier){.n = d->r->n, .state = COURIER_READY, .work_due = true};
    d->out = &d->c.flow[ATT_OUT - 1];
    d->in = &d->c.flow[ATT_IN - 1];
    memset(&wire, 0, sizeof wire);
    for (uint32_t i = 0; i < CHUNKS; i++)
        assert_int_equal(attachment_hash(i, chunk_of(i), d->hashes + i * ATTACHMENT_HASH_BYTES),
                         ERR_OK);
    assert_int_equal(attachment_address(SIZE, SPAN_OF(d->hashes), d->address), ERR_OK);
    *state = d;
    return 0;
}

static int down(void **state)
{
    struct desk *d = *state;
    void *rig = d->r;
    char path[96];

    flows_landed(&d->c);
    snprintf(path, sizeof path, "%s/attachments", d->r->dir);
    tree_remove(path);
    rig_down(&rig);
    free(d);
    return 0;
}

/* `have` of its chunks are on disk. */
static void file_put(struct desk *d, enum att_way way, uint32_t have, bool named)
{
    struct attfile_facts facts = {.size = SIZE, .made_ms = RIG_NOW};
    struct attfile *f = NULL;

    memcpy(facts.address, d->address, sizeof facts.address);
    assert_int_equal(attfile_create(attach_dir(d->r->n, way), &facts, SPAN_OF(d->hashes), &f),
                     ERR_OK);
    for (uint32_t i = 0; i < have; i++)
        assert_int_equal(attfile_write(f, i, chunk_of(i)), ERR_OK);
    if (named)
        assert_int_equal(attfile_finish(f), ERR_OK);
    attfile_close(f);
}

static void row_put_of(struct desk *d, enum att_way way)
{
    struct att_row row = {.way = way, .size = SIZE, .state = ATT_WAITS, .mid = {1}, .org = {2}};

    memcpy(row.address, d->address, sizeof row.address);
    assert_int_equal(attach_keep(d->r->n, &row), ERR_OK);
}

static struct att_row row_of(struct desk *d, enum att_way way)
{
    struct att_row row;
    struct txn *t = NULL;

    assert_int_equal(store_begin(d->r->n->store, TXN_READ, &t), ERR_OK);
    assert_int_equal(attach_get(d->r->n, t, way, d->address, &row), ERR_OK);
    store_abort(&t);
    return row;
}

static void upload_begins(struct desk *d)
{
    file_put(d, ATT_OUT, CHUNKS, true);
    row_put_of(d, ATT_OUT);
    att_work(&d->c);
}

static void download_begins(struct desk *d)
{
    row_put_of(d, ATT_IN);
    att_work(&d->c);
}

static enum err trouble(struct desk *d, enum att_way way)
{
    return att_trouble_of(&d->c, way, d->address);
}

static void passes(struct desk *d, uint64_t ms)
{
    clock_fixed_advance(&d->r->clock, ms);
    att_work(&d->c);
}

static size_t sent_of(enum message_type type)
{
    size_t n = 0;

    for (size_t i = 0; i < wire.n; i++)
        n += wire.list[i].type == type;
    return n;
}

/* --- what the hub says --------------------------------------------------------------------------
 */

static void hub_has(struct desk *d, uint32_t next, bool whole)
{
    struct message m = {
        .type = MSG_ATT_STATE,
        .att_state = {.req = d->out->last_req, .size = SIZE, .next = next, .whole = whole}
    };

    memcpy(m.att_state.address, d->address, sizeof d->address);
    on_att_state(&d->c, NULL, &m);
}

static void hub_lists(struct desk *d, uint64_t size, struct span hashes)
{
    struct message m = {
        .type = MSG_ATT_STATE,
        .att_state = {.req = d->in->last_req, .size = size, .whole = true, .hashes = hashes}
    };

    memcpy(m.att_state.address, d->address, sizeof d->address);
    on_att_state(&d->c, NULL, &m);
}

static void hub_gives(struct desk *d, uint32_t i, struct span chunk, uint64_t req)
{
    struct message m = {
        .type = MSG_ATT_CHUNK, .att_chunk = {.req = req, .i = i, .chunk = chunk}
    };

    memcpy(m.att_chunk.address, d->address, sizeof d->address);
    on_att_chunk(&d->c, NULL, &m);
}

static void hub_gives_next(struct desk *d, uint32_t upto)
{
    for (uint32_t i = d->in->got; i < upto; i++)
        hub_gives(d, i, chunk_of(i), d->in->last_req);
}

/* --- out ----------------------------------------------------------------------------------------
 */

static void an_upload_asks_first_and_keeps_a_few_chunks_under_way(void **state)
{
    struct desk *d = *state;
    uint32_t chunks = 0;

    assert_false(att_progress(&d->c, ATT_OUT, d->address, &chunks));
    upload_begins(d);
    assert_int_equal(wire.n, 1);
    assert_int_equal(wire.list[0].type, MSG_ATT_OPEN);
    assert_int_equal(wire.list[0].size, SIZE);
    assert_int_equal(wire.list[0].bytes, sizeof d->hashes);
    assert_false(att_progress(&d->c, ATT_OUT, d->address, &chunks));
    hub_has(d, 0, false);
    assert_int_equal(sent_of(MSG_ATT_PUT), ATT_WINDOW);
    for (uint32_t got = 1; got < CHUNKS; got++) {
        uint32_t under_way = CHUNKS - got < ATT_WINDOW ? CHUNKS - got : ATT_WINDOW;

        hub_has(d, got, false);
        assert_int_equal(sent_of(MSG_ATT_PUT), got + under_way);
        assert_true(att_progress(&d->c, ATT_OUT, d->address, &chunks));
        assert_int_equal(chunks, got);
    }
    for (uint32_t i = 0; i < CHUNKS; i++) {
        assert_int_equal(wire.list[i + 1].i, i);
        assert_int_equal(wire.list[i + 1].bytes, attachment_chunk_len(SIZE, i));
    }
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WAITS);
    hub_has(d, CHUNKS, true);
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WHOLE);
    assert_int_equal(d->c.att.sent, CHUNKS);
    passes(d, HOUR_MS);
    assert_int_equal(wire.n, CHUNKS + 1); /* nothing more to do */
}

static void after_a_cut_an_upload_goes_on_where_the_hub_stands(void **state)
{
    struct desk *d = *state;

    upload_begins(d);
    hub_has(d, 0, false);
    flows_landed(&d->c); /* the session is gone */
    hub_has(d, 3, false);
    assert_int_equal(wire.n, 1 + ATT_WINDOW); /* nobody listens any more */
    att_work(&d->c);
    assert_int_equal(wire.list[wire.n - 1].type, MSG_ATT_OPEN);
    wire.n = 0;
    hub_has(d, CHUNKS - 2, false);
    assert_int_equal(wire.n, 2);
    assert_int_equal(wire.list[0].i, CHUNKS - 2);
    hub_has(d, CHUNKS, true);
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WHOLE);
}

/* Less than it had, or more than was sent: somebody else began anew. It asks. */
static void a_hub_that_contradicts_itself_is_asked_again_later(void **state)
{
    static const uint32_t wrong[] = {4, CHUNKS};
    struct desk *d = *state;

    upload_begins(d);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hub_has(d, 5, false);
        hub_has(d, wrong[i], false);
        assert_false(d->out->running);
        assert_int_equal(trouble(d, ATT_OUT), ERR_AGAIN);
        wire.n = 0;
        att_work(&d->c);
        assert_int_equal(wire.n, 0); /* not at once */
        passes(d, HOUR_MS);
        assert_int_equal(wire.n, 1);
        assert_int_equal(wire.list[0].type, MSG_ATT_OPEN);
    }
    hub_has(d, 5, false);
    hub_has(d, 6, false); /* it has moved: no trouble any more */
    assert_int_equal(trouble(d, ATT_OUT), ERR_OK);
}

static void an_answer_to_an_earlier_attempt_changes_nothing(void **state)
{
    struct desk *d = *state;
    struct message m = {
        .type = MSG_ATT_STATE, .att_state = {.size = SIZE, .whole = true}
    };

    upload_begins(d);
    memcpy(m.att_state.address, d->address, sizeof d->address);
    m.att_state.req = d->out->first_req - 1;
    on_att_state(&d->c, NULL, &m);
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WAITS);
    m.att_state.req = d->out->first_req;
    m.att_state.address[0] ^= 1; /* of another one */
    on_att_state(&d->c, NULL, &m);
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WAITS);
    assert_true(d->out->running);
}

static void a_hub_that_says_nothing_is_asked_less_and_less_often(void **state)
{
    struct desk *d = *state;
    size_t asked;

    upload_begins(d);
    passes(d, 30000);
    assert_true(d->out->running);
    passes(d, 1);
    assert_int_equal(trouble(d, ATT_OUT), ERR_TIMEOUT);
    for (int i = 0; i < 12; i++) {
        passes(d, 61000);
        passes(d, 31000);
    }
    assert_in_range(d->out->wait_ms, 60000, 60000);
    asked = sent_of(MSG_ATT_OPEN);
    assert_in_range(asked, 8, 14);
}

static void a_full_line_is_waited_for_and_another_fault_is_not(void **state)
{
    struct desk *d = *state;

    upload_begins(d);
    wire.room = 4;
    hub_has(d, 0, false);
    assert_int_equal(wire.n, 4);
    assert_true(d->out->running);
    wire.room = 0;
    hub_has(d, 3, false); /* all that was sent */
    assert_int_equal(d->out->next - d->out->got, ATT_WINDOW);
    wire.room = wire.n;
    hub_has(d, d->out->next, false);
    assert_int_equal(d->out->next, d->out->got);
    wire.room = 0;
    att_work(&d->c); /* the tick goes on */
    assert_int_equal(d->out->next - d->out->got, ATT_WINDOW);
    passes(d, 31000); /* silence */
    passes(d, HOUR_MS);
    wire.says = ERR_CLOSED;
    hub_has(d, 0, false);
    assert_int_equal(trouble(d, ATT_OUT), ERR_CLOSED);
    passes(d, HOUR_MS); /* nor can it be asked */
    assert_false(d->out->running);
    wire.says = ERR_OK;
    passes(d, HOUR_MS);
    assert_true(d->out->running);
}

static void a_file_that_is_gone_or_damaged_is_a_trouble_people_see(void **state)
{
    struct desk *d = *state;

    row_put_of(d, ATT_OUT);
    att_work(&d->c);
    assert_int_equal(wire.n, 0);
    assert_int_equal(trouble(d, ATT_OUT), ERR_NOT_FOUND);
    file_put(d, ATT_OUT, 2, false); /* the rest is not there */
    passes(d, HOUR_MS);
    hub_has(d, 0, false);
    assert_int_equal(trouble(d, ATT_OUT), ERR_RANGE);
    assert_int_equal(att_trouble_of(NULL, ATT_OUT, d->address), ERR_OK);
}

/* --- in -----------------------------------------------------------------------------------------
 */

static void a_download_is_checked_named_and_told(void **state)
{
    struct desk *d = *state;
    struct attfile *f = NULL;
    uint32_t chunks = 0;

    download_begins(d);
    assert_int_equal(wire.list[0].type, MSG_ATT_OPEN);
    assert_int_equal(wire.list[0].size, 0);
    hub_lists(d, SIZE, SPAN_OF(d->hashes));
    assert_int_equal(sent_of(MSG_ATT_GET), ATT_WINDOW);
    hub_lists(d, SIZE, SPAN_OF(d->hashes)); /* said twice */
    assert_int_equal(sent_of(MSG_ATT_GET), ATT_WINDOW);
    hub_gives(d, 1, chunk_of(1), d->in->last_req);      /* not the next */
    hub_gives(d, 0, chunk_of(0), d->in->first_req - 1); /* to an earlier request */
    assert_int_equal(d->in->got, 0);
    hub_gives_next(d, CHUNKS - 1);
    assert_true(att_progress(&d->c, ATT_IN, d->address, &chunks));
    assert_int_equal(chunks, CHUNKS - 1);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WAITS);
    hub_gives_next(d, CHUNKS);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WHOLE);
    assert_int_equal(sent_of(MSG_ATT_GET), CHUNKS);
    assert_int_equal(d->c.att.received, CHUNKS);
    assert_int_equal(attfile_open(attach_dir(d->r->n, ATT_IN), d->address, &f), ERR_OK);
    assert_true(attfile_whole(f));
    attfile_close(f);
    wire.says = ERR_BUSY;
    att_work(&d->c); /* it cannot be told now */
    assert_int_equal(trouble(d, ATT_IN), ERR_BUSY);
    wire.says = ERR_OK;
    passes(d, HOUR_MS);
    assert_int_equal(sent_of(MSG_ATT_DONE), 1);
    hub_lists(d, 0, span_text(""));
    assert_int_equal(row_of(d, ATT_IN).state, ATT_TOLD);
    assert_int_equal(trouble(d, ATT_IN), ERR_OK);
}

static void after_a_cut_a_download_goes_on_with_what_is_on_disk(void **state)
{
    struct desk *d = *state;

    file_put(d, ATT_IN, CHUNKS - 1, false);
    download_begins(d);
    assert_int_equal(wire.n, 1); /* the hashes are here: nothing is asked */
    assert_int_equal(wire.list[0].type, MSG_ATT_GET);
    assert_int_equal(wire.list[0].i, CHUNKS - 1);
    hub_gives_next(d, CHUNKS);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WHOLE);
}

/* The end came between its last chunk and its name. */
static void a_download_that_lacks_nothing_but_its_name_gets_it(void **state)
{
    struct desk *d = *state;

    file_put(d, ATT_IN, CHUNKS, false);
    download_begins(d);
    assert_int_equal(wire.n, 0);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WHOLE);
}

static void path_of(struct desk *d, const char *end, char path[256])
{
    int n = snprintf(path, 256, "%s/", attach_dir(d->r->n, ATT_IN));

    for (size_t i = 0; i < sizeof d->address; i++)
        n += snprintf(path + n, (size_t)(256 - n), "%02x", d->address[i]);
    snprintf(path + n, (size_t)(256 - n), "%s", end);
}

static void a_file_that_is_none_is_fetched_anew(void **state)
{
    struct desk *d = *state;
    char path[256];
    FILE *f;

    path_of(d, ".part", path);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("rien", f);
    fclose(f);
    download_begins(d);
    assert_int_equal(wire.list[0].type, MSG_ATT_OPEN);
    hub_lists(d, SIZE, SPAN_OF(d->hashes));
    hub_gives_next(d, CHUNKS);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WHOLE);
}

static void another_list_size_or_chunk_is_not_kept(void **state)
{
    struct desk *d = *state;
    struct span chunk;

    download_begins(d);
    hub_lists(d, SIZE + 1, SPAN_OF(d->hashes));
    assert_int_equal(trouble(d, ATT_IN), ERR_ATTACHMENT_ADDRESS);
    passes(d, HOUR_MS);
    hub_lists(d, SIZE, span_text(""));
    assert_int_equal(trouble(d, ATT_IN), ERR_ATTACHMENT_ADDRESS);
    passes(d, HOUR_MS);
    d->hashes[40] ^= 1;
    hub_lists(d, SIZE, SPAN_OF(d->hashes));
    d->hashes[40] ^= 1;
    assert_int_equal(trouble(d, ATT_IN), ERR_ATTACHMENT_ADDRESS);
    assert_int_equal(sent_of(MSG_ATT_GET), 0);
    passes(d, HOUR_MS);
    hub_lists(d, SIZE, SPAN_OF(d->hashes));
    chunk = chunk_of(1); /* in the place of the first */
    hub_gives(d, 0, chunk, d->in->last_req);
    assert_int_equal(trouble(d, ATT_IN), ERR_ATTACHMENT_ADDRESS);
    hub_gives(d, 0, chunk_of(0), d->in->last_req); /* nobody waits for it now */
    assert_int_equal(d->c.att.received, 0);
    passes(d, HOUR_MS);
    hub_gives_next(d, CHUNKS);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WHOLE);
}

static void disk_has(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Ours, not the hub's: people are told which. */
static void a_disk_that_is_full_is_called_ours(void **state)
{
    struct desk *d = *state;

    download_begins(d);
    disk_has(1000);
    hub_lists(d, SIZE, SPAN_OF(d->hashes));
    disk_has(RLIM_INFINITY);
    assert_int_equal(trouble(d, ATT_IN), ERR_NO_ROOM);
    passes(d, HOUR_MS);
    hub_lists(d, SIZE, SPAN_OF(d->hashes));
    disk_has(100000);
    hub_gives(d, 0, chunk_of(0), d->in->last_req);
    disk_has(RLIM_INFINITY);
    assert_int_equal(trouble(d, ATT_IN), ERR_NO_ROOM);
    passes(d, HOUR_MS);
    hub_gives_next(d, CHUNKS);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WHOLE);
}

static void a_name_that_cannot_be_given_is_tried_again(void **state)
{
    struct desk *d = *state;
    char path[256];

    file_put(d, ATT_IN, CHUNKS - 1, false);
    download_begins(d);
    path_of(d, "", path);
    assert_int_equal(mkdir(path, 0700), 0); /* where its name would be */
    hub_gives_next(d, CHUNKS);
    assert_int_not_equal(trouble(d, ATT_IN), ERR_OK);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WAITS);
    assert_int_equal(rmdir(path), 0);
    passes(d, HOUR_MS);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WHOLE);
}

/* --- refusals -----------------------------------------------------------------------------------
 */

static void a_refusal_for_the_moment_is_waited_out(void **state)
{
    struct desk *d = *state;

    upload_begins(d);
    assert_false(att_refused(&d->c, d->out->first_req - 1, ERR_BUSY, false)); /* another's */
    assert_false(att_refused(&d->c, d->out->last_req + 1, ERR_BUSY, false));
    assert_true(att_refused(&d->c, d->out->last_req, ERR_FULL, false));
    assert_int_equal(trouble(d, ATT_OUT), ERR_HUB_FULL); /* not our disk */
    assert_false(att_refused(&d->c, d->out->last_req, ERR_FULL, false));
    passes(d, HOUR_MS);
    assert_true(att_refused(&d->c, d->out->last_req, ERR_ATTACHMENT_QUOTA, false));
    assert_int_equal(trouble(d, ATT_OUT), ERR_ATTACHMENT_QUOTA);
    passes(d, HOUR_MS);
    assert_true(att_refused(&d->c, d->out->last_req, ERR_CORRUPT, true)); /* may be mended */
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WAITS);
    passes(d, HOUR_MS);
    assert_true(att_refused(&d->c, d->out->last_req, ERR_NOMEM, true));
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WAITS);
    passes(d, HOUR_MS);
    hub_has(d, 0, true);
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WHOLE);
}

static void a_final_refusal_ends_a_download(void **state)
{
    struct desk *d = *state;

    download_begins(d);
    assert_true(att_refused(&d->c, d->in->last_req, ERR_ATTACHMENT_RIGHT, true));
    assert_int_equal(row_of(d, ATT_IN).state, ATT_REFUSED);
    assert_int_equal(row_of(d, ATT_IN).code, ERR_ATTACHMENT_RIGHT);
    passes(d, HOUR_MS);
    assert_int_equal(wire.n, 1);
}

/* The sheet that waits for it is told first; what cannot be told is not forgotten. */
static void a_final_refusal_of_an_upload_ends_its_sheet_too(void **state)
{
    struct desk *d = *state;
    struct out_intent i = {.type = ENVELOPE_SHEET,
                           .class_mask = CLASS_IDENTITY | CLASS_MEDICAL,
                           .basis = BASIS_ECHANGE,
                           .purpose = 1,
                           .scat = CATEGORY_HEALTH,
                           .to_count = 1,
                           .rcat = {CATEGORY_HEALTH}};
    struct att_row row;
    struct rig_circle circle;
    struct txn *t = NULL;

    rig_circle_new(d->r, &circle);
    rig_circle_tell(d->r, &circle, 0, circle.n);
    upload_begins(d);
    assert_true(att_refused(&d->c, d->out->last_req, ERR_ATTACHMENT_ADDRESS, true));
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WAITS); /* there is no such sheet */
    memcpy(i.circle, circle_handle(circle.c), ID_BYTES);
    memcpy(i.person, d->r->person[0], ID_BYTES);
    memcpy(i.to[0], d->r->other.org, ID_BYTES);
    row = row_of(d, ATT_OUT);
    assert_int_equal(store_begin(d->r->n->store, TXN_WRITE, &t), ERR_OK);
    assert_int_equal(outbox_add(d->r->n, t, &i, SPAN_STR("une fiche"), row.mid, NULL), ERR_OK);
    assert_int_equal(attach_put(d->r->n, t, &row), ERR_OK);
    assert_int_equal(node_commit(d->r->n, &t), ERR_OK);
    passes(d, HOUR_MS);
    assert_true(att_refused(&d->c, d->out->last_req, ERR_ATTACHMENT_ADDRESS, true));
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_REFUSED);
    rig_circle_free(&circle);
}

/* The sheet was refused, recalled or hidden: nobody here may read it any more. */
static void what_no_sheet_wants_is_removed(void **state)
{
    static const uint8_t bad[] = {ENVELOPE_SHEET, CLASS_IDENTITY | CLASS_MEDICAL, 0, FAULT_SCHEMA};
    struct desk *d = *state;
    struct att_row row = {.way = ATT_IN, .size = SIZE, .state = ATT_WAITS};
    struct rig_circle circle;
    struct rig_letter l;
    struct attfile *f = NULL;
    char path[256];

    rig_circle_new(d->r, &circle);
    rig_circle_tell(d->r, &circle, 0, circle.n);
    rig_letter_new(d->r, &circle, SPAN_OF(bad), circle.n - 1, &l);
    assert_int_equal(rig_deliver_letter(d->r, &l), ERR_OK);
    file_put(d, ATT_IN, 3, false);
    memcpy(row.address, d->address, sizeof row.address);
    memcpy(row.mid, l.header.mid, ID_BYTES);
    memcpy(row.org, l.header.from, ID_BYTES);
    assert_int_equal(attach_keep(d->r->n, &row), ERR_OK);
    path_of(d, "", path);
    assert_int_equal(mkdir(path, 0700), 0); /* it cannot be removed */
    att_work(&d->c);
    assert_int_not_equal(trouble(d, ATT_IN), ERR_OK);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_WAITS);
    assert_int_equal(rmdir(path), 0);
    passes(d, HOUR_MS);
    assert_int_equal(row_of(d, ATT_IN).state, ATT_REFUSED);
    assert_int_equal(row_of(d, ATT_IN).code, ERR_RECALLED);
    assert_int_equal(attfile_open(attach_dir(d->r->n, ATT_IN), d->address, &f), ERR_NOT_FOUND);
    assert_int_equal(wire.n, 0); /* the hub was not asked for it */
    bytes_free(&l.sealed);
    bytes_free(&l.receipt);
    rig_circle_free(&circle);
}

/* --- the store ----------------------------------------------------------------------------------
 */

/* Whatever fails while the end is written down: it is not lost, and comes again. */
static void an_end_that_cannot_be_written_comes_again(void **state)
{
    struct desk *d = *state;
    struct store_faults *f = &d->r->faults;
    size_t failed = 0;

    upload_begins(d);
    for (int what = 0; what < 4; what++) {
        f->fail_begin = what == 0 ? f->begins + 1 : 0;
        f->fail_get = what == 1 ? f->gets + 1 : 0;
        f->fail_put = what == 2 ? f->puts + 1 : 0;
        f->fail_commit = what == 3 ? f->commits + 1 : 0;
        f->commit_fault = COMMIT_IO;
        hub_has(d, CHUNKS, true);
        failed += trouble(d, ATT_OUT) == ERR_IO;
        assert_int_equal(row_of(d, ATT_OUT).state, ATT_WAITS);
        passes(d, HOUR_MS);
        assert_true(d->out->running);
    }
    assert_int_equal(failed, 4);
    hub_has(d, CHUNKS, true);
    assert_int_equal(row_of(d, ATT_OUT).state, ATT_WHOLE);
    assert_int_equal(trouble(d, ATT_OUT), ERR_OK);
}

static void a_list_of_what_waits_that_cannot_be_read_is_read_later(void **state)
{
    struct desk *d = *state;
    struct store_faults *f = &d->r->faults;

    file_put(d, ATT_OUT, CHUNKS, true);
    row_put_of(d, ATT_OUT);
    f->fail_scan = f->scans + 1;
    att_work(&d->c);
    assert_int_equal(wire.n, 0);
    att_work(&d->c);
    assert_int_equal(wire.n, 0);
    passes(d, HOUR_MS);
    assert_int_equal(wire.n, 1);
}

/* Whether it is still wanted is not known: it is fetched, and thrown away later if not. */
static void a_sheet_that_cannot_be_looked_up_is_no_reason_to_remove(void **state)
{
    struct desk *d = *state;
    struct store_faults *f = &d->r->faults;

    row_put_of(d, ATT_IN);
    f->fail_begin = f->begins + 3; /* out: which waits; in: which waits; is it wanted */
    att_work(&d->c);
    assert_true(f->begins >= f->fail_begin);
    assert_int_equal(wire.n, 1);
    assert_int_equal(wire.list[0].type, MSG_ATT_OPEN);
}

/* Only the last few are remembered. */
static void troubles_of_many_push_out_the_oldest(void **state)
{
    struct desk *d = *state;
    uint8_t first[ATTACHMENT_ADDRESS_BYTES];

    memcpy(first, d->address, sizeof first);
    for (uint8_t i = 0; i <= ATT_TROUBLES; i++) {
        d->address[0] = (uint8_t)(first[0] + i);
        row_put_of(d, ATT_OUT); /* there is no file */
    }
    for (int i = 0; i <= ATT_TROUBLES; i++)
        passes(d, HOUR_MS);
    assert_int_equal(d->c.trouble_next, ATT_TROUBLES + 1);
    for (size_t i = 0; i < ATT_TROUBLES; i++)
        assert_int_equal(d->c.trouble[i].why, ERR_NOT_FOUND);
    assert_int_equal(wire.n, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
    const struct CMUnitTest tests[] = {
        TEST(an_upload_asks_first_and_keeps_a_few_chunks_under_way),
        TEST(after_a_cut_an_upload_goes_on_where_the_hub_stands),
        TEST(a_hub_that_contradicts_itself_is_asked_again_later),
        TEST(an_answer_to_an_earlier_attempt_changes_nothing),
        TEST(a_hub_that_says_nothing_is_asked_less_and_less_often),
        TEST(a_full_line_is_waited_for_and_another_fault_is_not),
        TEST(a_file_that_is_gone_or_damaged_is_a_trouble_people_see),
        TEST(a_download_is_checked_named_and_told),
        TEST(after_a_cut_a_download_goes_on_with_what_is_on_disk),
        TEST(a_download_that_lacks_nothing_but_its_name_gets_it),
        TEST(a_file_that_is_none_is_fetched_anew),
        TEST(another_list_size_or_chunk_is_not_kept),
        TEST(a_disk_that_is_full_is_called_ours),
        TEST(a_name_that_cannot_be_given_is_tried_again),
        TEST(a_refusal_for_the_moment_is_waited_out),
        TEST(a_final_refusal_ends_a_download),
        TEST(a_final_refusal_of_an_upload_ends_its_sheet_too),
        TEST(what_no_sheet_wants_is_removed),
        TEST(an_end_that_cannot_be_written_comes_again),
        TEST(a_list_of_what_waits_that_cannot_be_read_is_read_later),
        TEST(a_sheet_that_cannot_be_looked_up_is_no_reason_to_remove),
        TEST(troubles_of_many_push_out_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
