/* What was acknowledged is there after a power cut at any moment: store and file functions, each
 * beside the same without its syncs, which must be seen to lose. The recorder and the model
 * themselves (tests/faults/powercut.h) are shown first. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "hubproc.h"
#include "powercut.h"
#include "proctree.h"
#include "scene.h"
#include "store.h"

#define PATH_BYTES 1024
#define WRITER_MS 60000
#define COMMITS 120
#define CUTS 40
#define SEEDS 6
#define MODEL_SEEDS 64

/* --- a recorded process ------------------------------------------------------------------------
 */

struct bench {
    char top[PATH_BYTES];
    char memory[32];
    char dir[PATH_BYTES + 16];   /* that is recorded */
    char log[PATH_BYTES + 16];   /* of the recorder */
    char image[PATH_BYTES + 16]; /* rebuilt; in memory where there is such a place */
    struct powercut *cut;
};

static void bench_open(struct bench *b)
{
    const char *base = getenv("TREE");

    *b = (struct bench){0};
    snprintf(b->top, sizeof b->top, "%s/cut-XXXXXX", base && *base ? base : "/tmp");
    CHECK(mkdtemp(b->top));
    snprintf(b->dir, sizeof b->dir, "%s/dir", b->top);
    snprintf(b->log, sizeof b->log, "%s/log", b->top);
    CHECK(mkdir(b->dir, 0700) == 0);
    snprintf(b->memory, sizeof b->memory, "/dev/shm/cut-XXXXXX");
    if (!mkdtemp(b->memory))
        b->memory[0] = '\0';
    snprintf(b->image, sizeof b->image, "%s/image", b->memory[0] ? b->memory : b->top);
}

static void bench_close(struct bench *b)
{
    powercut_close(b->cut);
    tree_remove(b->top);
    if (b->memory[0])
        tree_remove(b->memory);
}

/* Runs this program again as `writer`, recorded; nosync: what it leaves out, or NULL. */
static enum err record(struct bench *b, const char *writer, const char *nosync, struct bytes *why)
{
    char self[PATH_BYTES], recorder[1024], other[1024], preload[2200], where[PATH_BYTES + 64],
        out[PATH_BYTES + 64], leave_out[64], number[16];
    const char *env[] = {preload, where, out, leave_out, NULL};
    const char *args[] = {"--writer", writer, b->dir, number, NULL};
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    struct child c = {0};
    int ends[2], status;
    uint32_t said;

    CHECK(n > 0);
    self[n] = '\0';
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0);
    snprintf(number, sizeof number, "%d", ends[1]);
    hubproc_program("recorder.so", recorder);
    hubproc_program("preload_nosync.so", other);
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s%s%s", nosync ? other : "", nosync ? ":" : "",
             recorder);
    snprintf(where, sizeof where, "RELAIS_RECORD_DIR=%s", b->dir);
    snprintf(out, sizeof out, "RELAIS_RECORD_OUT=%s", b->log);
    snprintf(leave_out, sizeof leave_out, "RELAIS_NOSYNC=%s", nosync ? nosync : "");
    CHECK_OK(child_start(&c, self, args, env, NULL));
    close(ends[1]);
    while (read(ends[0], &said, sizeof said) > 0)
        ;
    close(ends[0]);
    CHECK_OK(child_wait(&c, WRITER_MS, &status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        child_print(&c);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    child_end(&c);
    return powercut_open(b->log, &b->cut, why);
}

/* In the writer: `done` of them are certain. The recorder notes it before it is said. */
static void say(int to, uint32_t done)
{
    if (send(to, &done, sizeof done, 0) != sizeof done)
        _exit(3);
}

/* What had been said before the cut; -1: nothing yet. */
static int64_t said_before(const struct powercut *p, size_t cut)
{
    int64_t done = -1;

    for (size_t i = powercut_next(p, RECORD_SEND, 0); i < cut;
         i = powercut_next(p, RECORD_SEND, i + 1)) {
        uint32_t n;

        CHECK(powercut_record(p, i).data.len == sizeof n);
        memcpy(&n, powercut_record(p, i).data.ptr, sizeof n);
        done = n;
    }
    return done;
}

/* --- the model ----------------------------------------------------------------------------------
 */

static void put_file(int dir, const char *name, int flags, char with, size_t n, bool sync)
{
    char buf[4096];
    int fd = openat(dir, name, flags | O_WRONLY | O_CREAT, 0600);

    memset(buf, with, sizeof buf);
    if (fd < 0 || write(fd, buf, n) != (ssize_t)n || (sync && fsync(fd)) || close(fd))
        _exit(4);
}

/* Every kind of thing that may or may not last, by name. */
static void write_all_kinds(const char *where, int to)
{
    int dir = open(where, O_RDONLY | O_DIRECTORY);

    put_file(dir, "sure", 0, 's', 4096, true);
    put_file(dir, "old", 0, 'o', 100, true);
    put_file(dir, "gone", 0, 'g', 100, true);
    put_file(dir, "pending", 0, 'a', 2048, true);
    if (dir < 0 || fsync(dir))
        _exit(4);
    say(to, 1);
    put_file(dir, "pending", 0, 'b', 2048, false); /* over the old content */
    put_file(dir, "dsync", O_DSYNC, 'd', 1000, false);
    put_file(dir, "nameless", 0, 'n', 100, true);
    if (renameat(dir, "old", dir, "new") || unlinkat(dir, "gone", 0) || mkdirat(dir, "sub", 0700))
        _exit(4);
    say(to, 2);
}

static size_t content_of(const struct bench *b, const char *name, struct bytes *out)
{
    char path[PATH_BYTES + 64];

    out->len = 0;
    snprintf(path, sizeof path, "%s/%s", b->image, name);
    return file_read(path, 1 << 20, out) == ERR_OK ? out->len : SIZE_MAX;
}

static size_t how_many(const struct bytes *b, char what)
{
    size_t n = 0;

    for (size_t i = 0; i < b->len; i++)
        n += b->ptr[i] == (uint8_t)what;
    return n;
}

static void what_was_synced_is_there_and_of_the_rest_anything(void)
{
    size_t without = 0, with = 0, mixed = 0, old = 0, moved = 0, gone = 0, sub = 0, there = 0;
    struct bytes c = {0};
    struct bench b;

    bench_open(&b);
    CHECK_OK(record(&b, "kinds", NULL, NULL));
    CHECK(said_before(b.cut, powercut_records(b.cut)) == 2);
    for (uint64_t seed = 0; seed < MODEL_SEEDS; seed++) {
        struct stat st;
        size_t n;

        CHECK_OK(powercut_rebuild(b.cut, powercut_records(b.cut), seed, b.image, NULL));
        CHECK(content_of(&b, "sure", &c) == 4096 && how_many(&c, 's') == 4096);
        CHECK(content_of(&b, "pending", &c) == 2048);
        n = how_many(&c, 'b');
        CHECK(n % POWERCUT_SECTOR == 0 && how_many(&c, 'a') == 2048 - n);
        without += n == 0;
        with += n == 2048;
        mixed += n > 0 && n < 2048;
        /* one of two names, with the synced content */
        old += content_of(&b, "old", &c) == 100 && how_many(&c, 'o') == 100;
        moved += content_of(&b, "new", &c) == 100 && how_many(&c, 'o') == 100;
        CHECK(old + moved == seed + 1);
        gone += content_of(&b, "gone", &c) == SIZE_MAX;
        /* its content is on the disk; its name may be */
        n = content_of(&b, "dsync", &c);
        CHECK(n == SIZE_MAX || (n == 1000 && how_many(&c, 'd') == 1000));
        n = content_of(&b, "nameless", &c);
        CHECK(n == SIZE_MAX || (n == 100 && how_many(&c, 'n') == 100));
        there += n == 100;
        content_of(&b, "sub", &c);
        snprintf(b.image + strlen(b.image), 8, "/sub");
        sub += stat(b.image, &st) == 0;
        b.image[strlen(b.image) - 4] = '\0';
        tree_remove(b.image);
    }
    CHECK(without && with && mixed && old && moved && sub && sub < MODEL_SEEDS);
    CHECK(gone && gone < MODEL_SEEDS && there && there < MODEL_SEEDS);
    printf(
        "     %d images: unsynced write absent %zu, whole %zu, torn %zu; name old %zu, new %zu\n",
        MODEL_SEEDS, without, with, mixed, old, moved);
    bytes_free(&c);
    bench_close(&b);
}

static void the_same_seed_gives_the_same_bytes(void)
{
    struct bytes one = {0}, two = {0};
    size_t differ = 0;
    struct bench b;

    bench_open(&b);
    CHECK_OK(record(&b, "kinds", NULL, NULL));
    for (uint64_t seed = 0; seed < MODEL_SEEDS; seed++) {
        struct powercut_facts f, g;

        CHECK_OK(powercut_rebuild(b.cut, powercut_records(b.cut), seed, b.image, &f));
        content_of(&b, "pending", &one);
        tree_remove(b.image);
        CHECK_OK(powercut_rebuild(b.cut, powercut_records(b.cut), seed, b.image, &g));
        content_of(&b, "pending", &two);
        tree_remove(b.image);
        CHECK(span_equal(bytes_span(&one), bytes_span(&two)) && memcmp(&f, &g, sizeof f) == 0);
        CHECK_OK(powercut_rebuild(b.cut, powercut_records(b.cut), seed + 1000, b.image, NULL));
        content_of(&b, "pending", &two);
        tree_remove(b.image);
        differ += !span_equal(bytes_span(&one), bytes_span(&two));
    }
    CHECK(differ > MODEL_SEEDS / 4);
    bytes_free(&one);
    bytes_free(&two);
    bench_close(&b);
}

static void write_through_a_map(const char *where, int to)
{
    int dir = open(where, O_RDONLY | O_DIRECTORY);
    int fd = openat(dir, "mapped", O_RDWR | O_CREAT, 0600);
    char *map;

    if (ftruncate(fd, 4096))
        _exit(4);
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        _exit(4);
    map[0] = 1;
    say(to, 1);
}

static void write_with_stdio(const char *where, int to)
{
    char path[PATH_BYTES];
    FILE *f;

    snprintf(path, sizeof path, "%s/stdio", where);
    f = fopen(path, "w");
    if (!f || fputs("text", f) < 0 || fclose(f))
        _exit(4);
    say(to, 1);
}

static void what_cannot_be_followed_makes_a_recording_void(void)
{
    static const char *const writers[] = {"map", "stdio"};
    static const char *const reasons[] = {"shared mapping", "stdio"};

    for (size_t i = 0; i < 2; i++) {
        struct bytes why = {0};
        struct bench b;

        bench_open(&b);
        CHECK_ERR(record(&b, writers[i], NULL, &why), ERR_UNSUPPORTED);
        CHECK(strstr((const char *)why.ptr, reasons[i]));
        bytes_free(&why);
        bench_close(&b);
    }
}

/* --- the store ----------------------------------------------------------------------------------
 */

enum {
    TABLE_A,
    TABLE_B
};

static enum err fill_zero(void *arg, uint8_t *out, size_t n)
{
    (void)arg;
    memset(out, 7, n);
    return ERR_OK;
}

static enum err store_at(const char *dir, struct store **out)
{
    static const char *const names[] = {"a", "b"};
    char where[PATH_BYTES + 64];
    struct store_options o = {.where = where, .names = names, .n = 2, .random_fill = fill_zero};

    snprintf(where, sizeof where, "%s/store", dir);
    return store_open("lmdb", &o, out);
}

/* Record n is in both tables with the same content; one in five is larger than a page. */
static struct span key_of(uint32_t n, uint8_t out[4])
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(n >> (24 - 8 * i));
    return span_of(out, 4);
}

static struct span value_of(uint32_t n)
{
    static uint8_t buffer[12000];

    memset(buffer, (int)(n % 255 + 1), sizeof buffer);
    return span_of(buffer, n % 5 ? 200 + n % 700 : 6000 + n % 6000);
}

static void commit_many(const char *dir, int to)
{
    struct store *s;

    if (store_at(dir, &s))
        _exit(4);
    say(to, 0);
    for (uint32_t n = 0; n < COMMITS; n++) {
        uint8_t a[4], b[4];
        struct txn *t = NULL;

        if (store_begin(s, TXN_WRITE, &t) || store_append(t, TABLE_A, key_of(n, a), value_of(n)) ||
            store_put(t, TABLE_B, key_of(n * 2654435761U, b), value_of(n)) || store_commit(&t))
            _exit(5);
        say(to, n + 1);
    }
    store_close(s);
}

/* How many records there are, all whole; -1: the store does not open, -2: something is in part. */
static int64_t records_here(const struct bench *b, enum err *why)
{
    struct span key, value;
    struct txn *t = NULL;
    struct store *s;
    int64_t n = 0;

    if ((*why = store_at(b->image, &s)))
        return -1;
    if ((*why = store_begin(s, TXN_READ, &t)))
        n = -2;
    else if (!(*why = store_last(t, TABLE_A, &key, &value)))
        n = 1 + (key.ptr[0] << 24 | key.ptr[1] << 16 | key.ptr[2] << 8 | key.ptr[3]);
    else if (*why != ERR_NOT_FOUND)
        n = -2;
    for (uint32_t i = 0; (int64_t)i < n; i++) {
        uint8_t a[4], c[4];

        if ((*why = store_get(t, TABLE_A, key_of(i, a), &value)) ||
            !span_equal(value, value_of(i)) ||
            (*why = store_get(t, TABLE_B, key_of(i * 2654435761U, c), &value)) ||
            !span_equal(value, value_of(i)))
            n = -2;
    }
    store_abort(&t);
    store_close(s);
    return n;
}

/* In a process of its own: what is not whole may end it. */
static int64_t records_in(const struct bench *b, enum err *why)
{
    struct {
        int64_t n;
        enum err why;
    } answer = {-2, ERR_CLOSED};
    int ends[2], status;
    pid_t pid;

    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    fflush(NULL);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        answer.n = records_here(b, &answer.why);
        _exit(write(ends[1], &answer, sizeof answer) != sizeof answer);
    }
    close(ends[1]);
    if (read(ends[0], &answer, sizeof answer) != sizeof answer)
        answer.n = -2;
    close(ends[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    *why = answer.why;
    return answer.n;
}

struct tally {
    size_t images;
    size_t lost;    /* an acknowledged one was not there, or the store did not open at all */
    size_t damaged; /* something in part */
    size_t early;   /* of these, before anything was acknowledged */
    size_t beyond;  /* one more than acknowledged was there: allowed */
    struct powercut_facts facts;
};

static void add_facts(struct tally *t, const struct powercut_facts *f)
{
    t->images++;
    t->facts.synced += f->synced;
    t->facts.kept += f->kept;
    t->facts.torn += f->torn;
    t->facts.lost += f->lost;
    t->facts.names_kept += f->names_kept;
    t->facts.names_lost += f->names_lost;
}

static void print_tally(const char *what, const struct tally *t)
{
    printf("     %s: %zu images of %d cuts; lost %zu, in part %zu, unopened before the first "
           "acknowledgement %zu, one more there %zu; unsynced kept %zu, torn %zu, lost %zu\n",
           what, t->images, CUTS, t->lost, t->damaged, t->early, t->beyond, t->facts.kept,
           t->facts.torn, t->facts.lost);
}

/* One image: `there` of them are in it (below 0: none can be had). */
static void judge(struct tally *t, int64_t said, int64_t there, const char *detail)
{
    if (said < 0)
        t->early += there < 0;
    else if (there == -2)
        t->damaged++;
    else if (there < said)
        t->lost++;
    else if (there > said + 1)
        scene_fail(__FILE__, __LINE__, "more than was ever begun", detail);
    else
        t->beyond += there == said + 1;
}

static void cut_everywhere(struct bench *b, int64_t (*count)(const struct bench *b, enum err *why),
                           struct tally *t)
{
    size_t first = powercut_first(b->cut), end = powercut_records(b->cut) + 1;

    for (uint64_t k = 0; k < CUTS; k++) {
        size_t cut = powercut_choose(b->cut, k, first, end);

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct powercut_facts f;
            char detail[96];
            enum err why = ERR_OK;
            int64_t there;

            CHECK_OK(powercut_rebuild(b->cut, cut, seed, b->image, &f));
            add_facts(t, &f);
            there = count(b, &why);
            snprintf(detail, sizeof detail, "cut %zu seed %llu: %s", cut, (unsigned long long)seed,
                     err_name(why));
            judge(t, said_before(b->cut, cut), there, detail);
            tree_remove(b->image);
        }
    }
}

static void every_acknowledged_commit_survives_the_power(void)
{
    struct tally t = {0};
    struct bench b;

    bench_open(&b);
    CHECK_OK(record(&b, "store", NULL, NULL));
    CHECK(said_before(b.cut, powercut_records(b.cut)) == COMMITS);
    cut_everywhere(&b, records_in, &t);
    print_tally("store", &t);
    CHECK(t.lost == 0 && t.damaged == 0 && t.early == 0);
    CHECK(t.images == CUTS * SEEDS && t.facts.kept && t.facts.torn && t.facts.lost && t.beyond);
    bench_close(&b);
}

/* Before the first acknowledgement there are few records, so each of them is a cut. */
static void a_store_cut_while_it_is_made_opens_empty(void)
{
    struct tally t = {0};
    struct bench b;

    bench_open(&b);
    CHECK_OK(record(&b, "store", NULL, NULL));
    for (size_t cut = powercut_first(b.cut); said_before(b.cut, cut) < 0; cut++)
        for (uint64_t seed = 0; seed < SEEDS * SEEDS; seed++) {
            struct powercut_facts f;
            char detail[96];
            enum err why = ERR_OK;
            int64_t there;

            CHECK_OK(powercut_rebuild(b.cut, cut, seed, b.image, &f));
            add_facts(&t, &f);
            there = records_in(&b, &why);
            snprintf(detail, sizeof detail, "cut %zu seed %llu: %s", cut, (unsigned long long)seed,
                     err_name(why));
            if (there != 0)
                scene_fail(__FILE__, __LINE__, "not an empty store", detail);
            tree_remove(b.image);
        }
    printf("     a store in the making: %zu images\n", t.images);
    CHECK(t.images > SEEDS * SEEDS && t.facts.torn && t.facts.lost && t.facts.kept);
    bench_close(&b);
}

static void without_its_syncs_a_store_is_seen_to_lose(void)
{
    struct tally t = {0};
    struct bench b;

    bench_open(&b);
    CHECK_OK(record(&b, "store", "lmdb", NULL));
    CHECK(said_before(b.cut, powercut_records(b.cut)) == COMMITS);
    cut_everywhere(&b, records_in, &t);
    print_tally("store with MDB_NOSYNC", &t);
    CHECK(t.lost + t.damaged > t.images / 4);
    bench_close(&b);
}

/* --- whole small files --------------------------------------------------------------------------
 */

#define NEW_EVERY 4

static struct span text_of(uint32_t n)
{
    static uint8_t buffer[3000];

    memset(buffer, (int)(n % 251 + 1), sizeof buffer);
    return span_of(buffer, 100 + n * 37 % 2900);
}

/* Step n writes "state"; every fourth makes a directory with a file, and the step after that
 * removes the file of the time before. */
static void write_files(const char *dir, int to)
{
    char path[PATH_BYTES], sub[PATH_BYTES];

    for (uint32_t n = 0; n < COMMITS; n++) {
        if (n % NEW_EVERY == 1) {
            snprintf(sub, sizeof sub, "%s/d%u", dir, n);
            snprintf(path, sizeof path, "%s/d%u/new", dir, n);
            if (dir_make(sub, 0700) || file_write_new(path, text_of(n), 0600))
                _exit(5);
        } else if (n % NEW_EVERY == 2) {
            snprintf(path, sizeof path, "%s/d%u/new", dir, n - 1 - NEW_EVERY);
            if (n > NEW_EVERY && file_remove(path))
                _exit(5);
        } else {
            snprintf(path, sizeof path, "%s/state", dir);
            if (file_write_atomic(path, text_of(n), 0640))
                _exit(5);
        }
        say(to, n + 1);
    }
}

/* Is the trace of step n there? 1, 0, or -1: in part. `state` is of the last step that wrote it. */
static int trace_of(const struct bench *b, uint32_t n)
{
    char path[PATH_BYTES + 64];
    struct bytes c = {0};
    struct stat st;
    int is;
    enum err e;

    if (n % NEW_EVERY == 1)
        snprintf(path, sizeof path, "%s/d%u/new", b->image, n);
    else if (n % NEW_EVERY == 2)
        snprintf(path, sizeof path, "%s/d%u/new", b->image, n - 1 - NEW_EVERY);
    else
        snprintf(path, sizeof path, "%s/state", b->image);
    e = file_read(path, 1 << 16, &c);
    if (n % NEW_EVERY == 2) {
        is = e == ERR_NOT_FOUND;
    } else if (e || stat(path, &st)) {
        is = 0;
    } else {
        is = span_equal(bytes_span(&c), text_of(n)) ? 1 : -1;
        if (is == 1 && (st.st_mode & 0777) != (n % NEW_EVERY == 1 ? 0600 : 0640))
            is = -1;
    }
    bytes_free(&c);
    return is;
}

/* A number for judge(): what was acknowledged and what follows it, seen together. */
static int64_t files_in(const struct bench *b, int64_t said)
{
    uint32_t last_state = 0;
    bool any = false;

    for (uint32_t n = 0; (int64_t)n < said; n++) {
        bool state = n % NEW_EVERY == 0 || n % NEW_EVERY == 3;

        if (state) {
            last_state = n;
            any = true;
        }
        /* a file that a later step has removed, or is removing, may be gone */
        if (state || (n % NEW_EVERY == 1 && said > n + NEW_EVERY) ||
            (n % NEW_EVERY == 2 && n < NEW_EVERY))
            continue;
        if (trace_of(b, n) != 1)
            return trace_of(b, n) < 0 ? -2 : 0;
    }
    if (any && trace_of(b, last_state) == 1)
        return said;
    /* or already that of the step under way, whole */
    for (uint32_t n = last_state + 1; any && n <= (uint32_t)said; n++)
        if ((n % NEW_EVERY == 0 || n % NEW_EVERY == 3) && trace_of(b, n) == 1)
            return said + 1;
    return any ? -2 : said;
}

static void cut_files(struct bench *b, struct tally *t)
{
    size_t first = powercut_first(b->cut), end = powercut_records(b->cut) + 1;

    for (uint64_t k = 0; k < CUTS; k++) {
        size_t cut = powercut_choose(b->cut, k, first, end);
        int64_t said = said_before(b->cut, cut);

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct powercut_facts f;
            int64_t there;

            CHECK_OK(powercut_rebuild(b->cut, cut, seed, b->image, &f));
            add_facts(t, &f);
            there = files_in(b, said < 0 ? 0 : said);
            if (there < said || there < 0)
                t->damaged += there == -2, t->lost += there != -2;
            else
                t->beyond += there > said;
            tree_remove(b->image);
        }
    }
}

static void an_acknowledged_file_survives_the_power_whole(void)
{
    struct tally t = {0};
    struct bench b;

    bench_open(&b);
    CHECK_OK(record(&b, "files", NULL, NULL));
    CHECK(said_before(b.cut, powercut_records(b.cut)) == COMMITS);
    cut_files(&b, &t);
    print_tally("files", &t);
    CHECK(t.lost == 0 && t.damaged == 0);
    CHECK(t.images == CUTS * SEEDS && t.facts.names_kept && t.facts.names_lost);
    bench_close(&b);
}

static void without_their_syncs_files_are_seen_to_be_lost(void)
{
    static const char *const without[] = {"files", "directories"};

    for (size_t i = 0; i < 2; i++) {
        struct tally t = {0};
        struct bench b;

        bench_open(&b);
        CHECK_OK(record(&b, "files", without[i], NULL));
        cut_files(&b, &t);
        print_tally(i ? "files without directory syncs" : "files without file syncs", &t);
        CHECK(t.lost + t.damaged > t.images / 4);
        bench_close(&b);
    }
}

/* --- main ---------------------------------------------------------------------------------------
 */

static int be_writer(const char *what, const char *dir, int to)
{
    static const struct {
        const char *name;
        void (*run)(const char *dir, int to);
    } writers[] = {
        {"kinds", write_all_kinds    },
        {"map",   write_through_a_map},
        {"stdio", write_with_stdio   },
        {"store", commit_many        },
        {"files", write_files        },
    };

    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (strcmp(writers[i].name, what) == 0) {
            writers[i].run(dir, to);
            return EXIT_SUCCESS;
        }
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(what_was_synced_is_there_and_of_the_rest_anything),
        TEST(the_same_seed_gives_the_same_bytes),
        TEST(what_cannot_be_followed_makes_a_recording_void),
        TEST(every_acknowledged_commit_survives_the_power),
        TEST(a_store_cut_while_it_is_made_opens_empty),
        TEST(without_its_syncs_a_store_is_seen_to_lose),
        TEST(an_acknowledged_file_survives_the_power_whole),
        TEST(without_their_syncs_files_are_seen_to_be_lost),
    };

    if (argc == 5 && strcmp(argv[1], "--writer") == 0)
        return be_writer(argv[2], argv[3], (int)strtol(argv[4], NULL, 10));
    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
