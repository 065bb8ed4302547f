/* A real hub under load whose machine loses its current at some moment: what it had handed to the
 * network before is true of the hub that starts on what the disk then holds. The same hub with
 * MDB_NOSYNC must be seen to fail this. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub_checks.h"
#include "ledger.h"
#include "merkle.h"
#include "powercut.h"
#include "proctree.h"
#include "store.h"

#define MEMBERS                                                                                    \
    4 /* two send, two receive: the first of these acknowledges often, the other seldom */
#define SENDERS 2
#define EACH 260
#define LETTERS (SENDERS * EACH)
#define WINDOW 12
#define OFTEN 9 /* letters between two ACKs */
#define SELDOM 60
#define IMAGES 32
#define IMAGES_WITHOUT 8
#define STEP_MS 30000
#define CREDIT 1024

enum state {
    NOT_SENT,
    SENT,
    ACCEPTED
};

struct letter {
    uint8_t mid[ID_BYTES];
    struct bytes frame; /* PUT, with its place + 1 as req */
    struct bytes receipt;
    enum state state;
    uint64_t seq[2]; /* in the mailboxes of the two recipients */
};

struct world {
    struct scene s;
    struct letter letter[LETTERS];
    char top[1024], record[1100], faults[1100];
    struct powercut *cut;
    bool marking;     /* what comes into a hand is marked in the recording */
    const bool *kept; /* which receipts a hub must give again as they were; NULL: no matter */
    size_t changed;   /* how many it gave otherwise */
};

static struct world w;

static struct member_node *recipient(size_t i)
{
    return w.s.m[SENDERS + i];
}

/* --- letters ------------------------------------------------------------------------------------
 */

static void letters_write(void)
{
    for (size_t i = 0; i < LETTERS; i++) {
        struct member_node *from = w.s.m[i / EACH];
        struct bytes envelope = {0};
        struct env_header h;

        CHECK_OK(member_header(from, w.s.circle->handle, &w.s.m[SENDERS], 2, &h));
        CHECK_OK(member_seal(from, &h, SPAN_STR("corps"), &envelope, NULL));
        memcpy(w.letter[i].mid, h.mid, ID_BYTES);
        CHECK_OK(member_put_frame(i + 1, bytes_span(&envelope), &w.letter[i].frame));
        bytes_free(&envelope);
    }
}

static struct letter *letter_of(const uint8_t mid[ID_BYTES])
{
    for (size_t i = 0; i < LETTERS; i++)
        if (memcmp(w.letter[i].mid, mid, ID_BYTES) == 0)
            return &w.letter[i];
    return NULL;
}

static struct letter *letter_of_item(const struct member_item *it)
{
    struct envelope_view v;
    struct env_header h;

    CHECK_OK(envelope_parse(bytes_span(&it->item), &v, &h, NULL));
    return letter_of(h.mid);
}

/* The first receipt for a letter; any later one says the same, byte for byte. */
static bool on_answer(struct member_node *m, const struct message *f, void *arg)
{
    struct letter *l;

    (void)m;
    (void)arg;
    if (f->type == MSG_RECEIPT && f->receipt.req >= 1 && f->receipt.req <= LETTERS) {
        l = &w.letter[f->receipt.req - 1];
        l->state = ACCEPTED;
        if (w.marking) {
            CHECK_OK(bytes_copy(&l->receipt, f->receipt.receipt));
            CHECK_OK(powercut_mark(w.record, span_of(l->mid, ID_BYTES)));
        } else if (w.kept && w.kept[l - w.letter]) {
            w.changed += !span_equal(bytes_span(&l->receipt), f->receipt.receipt);
        }
        return true;
    }
    if (f->type == MSG_ERR && f->err.req >= 1 && f->err.req <= LETTERS) {
        CHECK(f->err.code == ERR_RATE || f->err.code == ERR_BUSY);
        w.letter[f->err.req - 1].state = NOT_SENT;
        return true;
    }
    return false;
}

/* Keeps WINDOW of each sender under way; true: every letter is accepted. */
static bool push(void)
{
    size_t accepted = 0;

    for (size_t k = 0; k < SENDERS; k++) {
        size_t under_way = 0;

        for (size_t i = k * EACH; i < (k + 1) * EACH; i++)
            under_way += w.letter[i].state == SENT;
        for (size_t i = k * EACH; i < (k + 1) * EACH; i++) {
            struct letter *l = &w.letter[i];

            accepted += l->state == ACCEPTED;
            if (l->state != NOT_SENT || under_way >= WINDOW)
                continue;
            CHECK_OK(member_send(w.s.m[k], bytes_span(&l->frame)));
            l->state = SENT;
            under_way++;
        }
    }
    return accepted == LETTERS;
}

/* What came, once there is so much of it: the hub's window opens as it is acknowledged. */
static void acknowledge(size_t r, uint64_t every)
{
    struct member_node *m = recipient(r);
    const struct member_item *last = member_items(m) ? member_item(m, member_items(m) - 1) : NULL;

    if (last && last->seq >= member_acked(m) + every)
        CHECK_OK(member_ack(m, last->seq));
}

static bool all_pushed(void *arg)
{
    (void)arg;
    acknowledge(0, OFTEN);
    acknowledge(1, SELDOM);
    return push();
}

static void push_all(void)
{
    CHECK(crew_until(w.s.crew, all_pushed, NULL, STEP_MS));
}

struct mail {
    size_t wanted[2];
};

static bool all_there(void *arg)
{
    const struct mail *mail = arg;
    bool all = true;

    for (size_t r = 0; r < 2; r++) {
        all = all && member_items_of(recipient(r), DELIVER_ENVELOPE) >= mail->wanted[r];
        acknowledge(r, 1);
    }
    return all;
}

/* --- the recorded run ---------------------------------------------------------------------------
 */

static void world_open(void)
{
    w = (struct world){0};
    CHECK_OK(scene_open(&(struct scene_options){.members = MEMBERS}, &w.s));
    snprintf(w.top, sizeof w.top, "%s/..", hubproc_dir(w.s.hub));
    snprintf(w.record, sizeof w.record, "%s/record", w.top);
    for (size_t i = 0; i < MEMBERS; i++)
        member_credit(w.s.m[i], CREDIT, CREDIT << 14);
    letters_write();
    CHECK_OK(hubproc_stop(w.s.hub, NULL));
}

static void world_close(void)
{
    for (size_t i = 0; i < LETTERS; i++) {
        bytes_free(&w.letter[i].frame);
        bytes_free(&w.letter[i].receipt);
    }
    powercut_close(w.cut);
    scene_close(&w.s);
}

/* The letters sent to a recorded hub; the end of it, and the recording. */
static void record(const char *nosync)
{
    char recorder[1024], other[1024], preload[2100], where[1200], out[1200], leave_out[64];
    const char *env[] = {where, out, leave_out, NULL};
    struct mail all = {
        {LETTERS, LETTERS}
    };

    hubproc_program("recorder.so", recorder);
    hubproc_program("preload_nosync.so", other);
    snprintf(preload, sizeof preload, "%s%s%s", nosync ? other : "", nosync ? ":" : "", recorder);
    snprintf(where, sizeof where, "RELAIS_RECORD_DIR=%s", hubproc_dir(w.s.hub));
    snprintf(out, sizeof out, "RELAIS_RECORD_OUT=%s", w.record);
    snprintf(leave_out, sizeof leave_out, "RELAIS_NOSYNC=%s", nosync ? nosync : "");
    for (size_t i = 0; i < MEMBERS; i++)
        member_disconnect(w.s.m[i]);
    CHECK_OK(hubproc_start(w.s.hub, &(struct hubproc_start){.preload = preload, .env = env}));
    CHECK_OK(scene_reopen(&w.s));
    for (size_t i = 0; i < SENDERS; i++)
        member_on_frame(w.s.m[i], on_answer, NULL);
    w.marking = true;
    push_all();
    w.marking = false;
    CHECK(crew_until(w.s.crew, all_there, &all, STEP_MS));
    for (size_t r = 0; r < 2; r++) {
        struct member_node *m = recipient(r);

        for (size_t i = 0; i < member_items(m); i++)
            if (member_item(m, i)->kind == DELIVER_ENVELOPE)
                letter_of_item(member_item(m, i))->seq[r] = member_item(m, i)->seq;
    }
    CHECK(member_acked(recipient(0)) > 0);
    CHECK_OK(hubproc_kill(w.s.hub));
    CHECK_OK(powercut_open(w.record, &w.cut, NULL));
}

/* --- what the world had been told ---------------------------------------------------------------
 */

struct told {
    bool accepted[LETTERS]; /* a RECEIPT had been handed to the network */
    size_t receipts;
    struct ckpt *head; /* of the audit log, every one */
    size_t heads, room;
};

static void head_told(struct told *t, const struct ckpt *head)
{
    if (t->heads == t->room) {
        t->room = t->room ? 2 * t->room : 256;
        t->head = realloc(t->head, t->room * sizeof *t->head);
        CHECK(t->head);
    }
    t->head[t->heads++] = *head;
}

static void receipt_told(struct told *t, struct span wire, bool answer)
{
    struct receipt_facts f;
    struct receipt r;
    const struct letter *l;

    if (wire.len == 0)
        return;
    CHECK_OK(receipt_decode(wire, &r));
    if (r.log == LOG_AUDIT)
        head_told(t, &r.head);
    CHECK_OK(receipt_read(&r, &f));
    l = answer && f.type == AUDIT_ACCEPTED ? letter_of(f.detail.mid) : NULL;
    if (!l)
        return;
    t->receipts += !t->accepted[l - w.letter];
    t->accepted[l - w.letter] = true;
}

/* Every frame before the cut; a record of a frame is older than the frame's way out. */
static void told_before(size_t cut, struct told *t)
{
    size_t marks = 0;

    for (size_t i = 0; i < cut; i++) {
        struct powercut_record r = powercut_record(w.cut, i);
        struct message m;

        if (r.kind == RECORD_MARK) { /* in a member's hand: then it had left the hub */
            CHECK(t->accepted[letter_of(r.data.ptr) - w.letter]);
            marks++;
        }
        if (r.kind != RECORD_FRAME || r.flags & RECORD_MORE ||
            message_decode(r.data, SENT_BY_HUB, &m))
            continue;
        if (m.type == MSG_RECEIPT)
            receipt_told(t, m.receipt.receipt, true);
        else if (m.type == MSG_DELIVER)
            receipt_told(t, m.deliver.receipt, false);
        else if (m.type == MSG_WELCOME)
            head_told(t, &m.welcome.audit);
    }
    CHECK(marks <= t->receipts);
}

/* --- the hub on what the disk holds
 * --------------------------------------------------------------- */

struct findings {
    size_t images, receipts, heads, letters;
    size_t unstarted, lost, changed, doubled, disordered, forked;
    struct powercut_facts facts;
};

static size_t wrong(const struct findings *f)
{
    return f->unstarted + f->lost + f->changed + f->doubled + f->disordered + f->forked;
}

/* All members begin anew with this hub. */
static bool reopen(void)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        member_disconnect(w.s.m[i]);
        member_forget_answers(w.s.m[i]);
        member_forget_mail(w.s.m[i]);
        member_forget_heads(w.s.m[i]); /* this is a hub of the past, and stops if it is told so */
    }
    for (size_t i = 0; i < LETTERS; i++)
        w.letter[i].state = NOT_SENT;
    return scene_reopen(&w.s) == ERR_OK;
}

static void check_mailbox(size_t r, const struct told *t, struct findings *f)
{
    struct member_node *m = recipient(r);
    uint64_t acked = member_welcome(m)->acked_seq; /* the last WELCOME: before the sending */
    bool there[LETTERS] = {0};
    uint64_t newest = 0;

    for (size_t i = 0; i < member_items(m); i++) {
        const struct member_item *it = member_item(m, i);
        const struct letter *l;
        size_t at;

        if (it->kind != DELIVER_ENVELOPE)
            continue;
        l = letter_of_item(it);
        at = (size_t)(l - w.letter);
        f->doubled += there[at];
        there[at] = true;
        if (t->accepted[at]) { /* where it stood before, and in the order of before */
            f->disordered += it->seq != l->seq[r] || l->seq[r] < newest;
            newest = l->seq[r];
        }
    }
    for (size_t i = 0; i < LETTERS; i++) {
        /* also before its sender was told: the hub may deliver first */
        bool taken = w.letter[i].seq[r] <= acked;

        f->letters += there[i];
        f->lost += t->accepted[i] && !there[i] && !taken;
        f->doubled += there[i] && taken;
    }
}

/* Every letter is offered again: those with a receipt get the same one (on_answer() looks), the
 * others their first. Then each is in each mailbox once. */
static void check_service(const struct told *t, struct findings *f)
{
    struct mail mail = {0};

    for (size_t r = 0; r < 2; r++) {
        uint64_t acked = member_welcome(recipient(r))->acked_seq;

        CHECK(acked <= member_acked(recipient(r)));
        for (size_t i = 0; i < LETTERS; i++)
            mail.wanted[r] += w.letter[i].seq[r] > acked;
    }
    w.kept = t->accepted;
    w.changed = 0;
    push_all();
    w.kept = NULL;
    f->changed += w.changed;
    if (!crew_until(w.s.crew, all_there, &mail, SOON_MS))
        f->lost++;
    for (size_t r = 0; r < 2; r++)
        check_mailbox(r, t, f);
}

static enum err fill(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    memset(out, 0, n);
    return ERR_OK;
}

/* How many of the heads that were shown are not of the log as it is; one more if it is not whole.
 */
static int heads_wrong(const struct told *t)
{
    static const char *const names[] = {"a_entry", "a_side", "a_tile", "a_root"};
    static const struct ledger_tables tables = {0, 1, 2, 3, 0};
    char where[1200];
    struct store_options o = {
        .where = where, .names = names, .n = 4, .schema = 1, .random_fill = fill};
    struct ledger_audit whole;
    struct ledger *l = NULL;
    struct store *s = NULL;
    struct txn *txn = NULL;
    int n = 0;

    snprintf(where, sizeof where, "%s/store", hubproc_dir(w.s.hub));
    if (store_open("lmdb", &o, &s) ||
        ledger_open(s, &tables, SPAN_STR("exercice.test/audit/0"), &l) ||
        store_begin(s, TXN_READ, &txn))
        return 1;
    for (size_t i = 0; i < t->heads; i++) {
        uint8_t root[MERKLE_HASH_BYTES];

        n += ledger_root(l, txn, t->head[i].size, root) != ERR_OK ||
             memcmp(root, t->head[i].root, sizeof root) != 0;
    }
    n += ledger_fsck(l, txn, NULL, NULL, &whole) != ERR_OK;
    store_abort(&txn);
    ledger_close(l);
    store_close(s);
    return n;
}

/* In a process of its own: what is not whole may end it. */
static void check_heads(const struct told *t, struct findings *f)
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        int n = heads_wrong(t);

        _exit(n > 100 ? 100 : n);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    f->forked += WIFEXITED(status) ? (size_t)WEXITSTATUS(status) : 1;
    f->heads += t->heads;
}

static void image(size_t cut, uint64_t seed, struct findings *f, bool whole_check)
{
    const char *dir = hubproc_dir(w.s.hub);
    struct powercut_facts facts;
    struct told t = {0};

    told_before(cut, &t);
    tree_remove(dir);
    CHECK_OK(powercut_rebuild(w.cut, cut, seed, dir, &facts));
    f->images++;
    f->receipts += t.receipts;
    f->facts.kept += facts.kept;
    f->facts.torn += facts.torn;
    f->facts.lost += facts.lost;
    if (hubproc_start(w.s.hub, NULL)) {
        f->unstarted++;
        if (whole_check)
            hubproc_log_print(w.s.hub);
    } else if (!reopen()) {
        f->lost++;
    } else {
        if (whole_check)
            check_service(&t, f);
        CHECK_OK(hubproc_kill(w.s.hub));
        check_heads(&t, f);
    }
    free(t.head);
    if (whole_check && wrong(f))
        fprintf(stderr, "cut %zu of %zu, seed %llu\n", cut, powercut_records(w.cut),
                (unsigned long long)seed);
}

static size_t load_begins(void)
{
    return powercut_next(w.cut, RECORD_MARK, 0);
}

static void print_findings(const char *what, const struct findings *f)
{
    printf("     %s: %zu images, %zu receipts and %zu heads told, %zu letters delivered on them; "
           "unsynced kept %zu, torn %zu, lost %zu\n"
           "     unstarted %zu, lost %zu, changed %zu, doubled %zu, disordered %zu, forked %zu\n",
           what, f->images, f->receipts, f->heads, f->letters, f->facts.kept, f->facts.torn,
           f->facts.lost, f->unstarted, f->lost, f->changed, f->doubled, f->disordered, f->forked);
}

static uint64_t first_seed(void)
{
    const char *given = getenv("POWERCUT_SEED");

    return given ? strtoull(given, NULL, 10) : 1;
}

static void trap_ack_before_disk_at_the_hub(void)
{
    const char *more = getenv("POWERCUT_IMAGES");
    size_t images = more ? strtoul(more, NULL, 10) : IMAGES;
    struct findings f = {0};

    world_open();
    record(NULL);
    for (uint64_t k = first_seed(); f.images < images && !wrong(&f); k++)
        image(powercut_choose(w.cut, k, load_begins(), powercut_records(w.cut) + 1), k, &f, true);
    print_findings("hub", &f);
    CHECK(wrong(&f) == 0);
    CHECK(f.images == images && f.receipts > images && f.heads && f.letters);
    CHECK(f.facts.kept && f.facts.torn && f.facts.lost);
    world_close();
}

static void a_hub_without_its_syncs_is_seen_to_break_its_word(void)
{
    struct findings f = {0};

    world_open();
    record("lmdb");
    for (uint64_t k = first_seed(); f.images < IMAGES_WITHOUT; k++)
        image(powercut_choose(w.cut, k, load_begins(), powercut_records(w.cut) + 1), k, &f, false);
    print_findings("hub with MDB_NOSYNC", &f);
    CHECK(f.unstarted + f.forked > f.images / 4);
    world_close();
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(trap_ack_before_disk_at_the_hub),
        TEST(a_hub_without_its_syncs_is_seen_to_break_its_word),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
