/* A hub seen from outside: figures and health pages, warnings, what a service manager hears. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "exposition.h"
#include "file.h"
#include "httpget.h"
#include "hub_checks.h"

#define PAGES "metrics_listen = 127.0.0.1:*\n"
#define WATCHDOG_US 4000000
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static int pages_port(struct hubproc *h)
{
    json_t *data = NULL;
    const char *at, *colon;
    int port = 0;

    CHECK_OK(hubproc_command(h, "status", NULL, &data));
    at = json_string_value(
        json_object_get(json_object_get(json_object_get(data, "door"), "watch"), "metrics"));
    if (at && (colon = strrchr(at, ':')))
        port = (int)strtol(colon + 1, NULL, 10);
    json_decref(data);
    CHECK(port > 0);
    return port;
}

static struct bytes page(int port, const char *path, int wanted)
{
    struct bytes body = {0};

    CHECK(http_ask(port, "GET", path, NULL, &body) == wanted);
    return body;
}

static double value(int port, const char *sample)
{
    struct bytes text = page(port, "/metrics", 200);
    double v = exposition_value(bytes_span(&text), sample);

    bytes_free(&text);
    return v;
}

/* --- figures ---------------------------------------------------------------------------------- */

static void absent(struct span text, const uint8_t *id, size_t n)
{
    struct bytes hex = {0};

    CHECK_OK(hex_write(&hex, span_of(id, n)));
    CHECK(!memmem(text.ptr, text.len, hex.ptr, hex.len));
    CHECK(!memmem(text.ptr, text.len, hex.ptr, 8));
    bytes_free(&hex);
}

static bool told(void *arg) /* the board is written once a second */
{
    return value(*(int *)arg, "relais_hub_messages_total{state=\"accepted\"}") >= 2;
}

static void figures_are_well_formed_and_name_nobody(void)
{
    const struct scene_options o = {.conf = PAGES};
    struct exposition_facts facts;
    struct bytes text;
    struct bytes late = {0};
    struct env_header header;
    struct scene s;
    int port;

    CHECK_OK(scene_open(&o, &s));
    port = pages_port(s.hub);
    serves(&s, 0, 1);
    serves(&s, 1, 2);
    CHECK_OK(member_header(s.m[0], s.circle->handle, &s.m[1], 1, &header));
    CHECK_OK(member_seal(s.m[0], &header, SPAN_STR("x"), &late, NULL));
    late.ptr[late.len - 1] ^= 1;
    CHECK_ERR(member_put(s.m[0], bytes_span(&late), NULL), ERR_FORGED);
    CHECK(crew_until(s.crew, told, &port, SOON_MS));
    text = page(port, "/metrics", 200);
    const char *why = exposition_check(bytes_span(&text), &facts);
    if (why)
        scene_fail(__FILE__, __LINE__, "exposition", why);
    CHECK(facts.histograms == 2 && facts.families > 25);
    CHECK(exposition_value(bytes_span(&text), "relais_hub_accept_seconds_count") >= 2);
    CHECK(exposition_value(bytes_span(&text), "relais_hub_commit_seconds_count") >= 2);
    CHECK(exposition_value(bytes_span(&text), "relais_hub_refused_total{error=\"ERR_FORGED\"}") ==
          1);
    CHECK(exposition_value(bytes_span(&text), "relais_hub_store_bytes{kind=\"used\"}") > 0);
    CHECK(exposition_value(bytes_span(&text), "relais_hub_sessions") == (double)s.n);
    absent(bytes_span(&text), s.circle->handle, ID_BYTES);
    for (size_t i = 0; i < s.n; i++) {
        absent(bytes_span(&text), member_org(s.m[i]), ID_BYTES);
        absent(bytes_span(&text), member_id(s.m[i]), ID_BYTES);
        CHECK(!memmem(text.ptr, text.len, member_name(s.m[i]), strlen(member_name(s.m[i]))));
    }
    absent(bytes_span(&text), header.mid, ID_BYTES);
    absent(bytes_span(&text), header.actor, ID_BYTES);
    bytes_free(&text);
    bytes_free(&late);
    scene_close(&s);
}

static bool ages_told(void *arg)
{
    return value(*(int *)arg, "relais_hub_deliveries_waiting{age=\"1d to 7d\"}") >= 1;
}

/* Ages follow the log's time: two days later the same delivery is two days old, and warned of. */
static void what_waits_is_counted_by_age_and_warned_of(void)
{
    const struct hubproc_start start = {.clock = true};
    const struct scene_options o = {.conf = PAGES, .start = &start};
    struct bytes one = {0};
    struct env_header header;
    struct scene s;
    int port;

    CHECK_OK(scene_open(&o, &s));
    port = pages_port(s.hub);
    member_disconnect(s.m[2]);
    CHECK_OK(member_header(s.m[0], s.circle->handle, &s.m[2], 1, &header));
    header.exp = header.ts + 10 * (uint64_t)DAY_MS;
    CHECK_OK(member_seal(s.m[0], &header, SPAN_STR("x"), &one, NULL));
    CHECK_OK(member_put(s.m[0], bytes_span(&one), NULL));
    CHECK(value(port, "relais_hub_limit_level{limit=\"oldest\"}") == 0);
    CHECK_OK(hubproc_clock(s.hub, 2 * DAY_MS));
    CHECK(crew_until(s.crew, ages_told, &port, 4 * SOON_MS));
    CHECK(value(port, "relais_hub_oldest_delivery_seconds") >= 2 * 86400 - 60);
    CHECK(value(port, "relais_hub_limit_level{limit=\"oldest\"}") == 1);
    CHECK(hubproc_log_count(s.hub, 0, "limit.near limit=oldest") == 1);
    bytes_free(&one);
    scene_close(&s);
}

/* --- pages ------------------------------------------------------------------------------------ */

static void only_two_pages_and_only_for_this_machine(void)
{
    struct hubproc_options o = {.conf = PAGES};
    struct bytes body = {0};
    struct hubproc *h;
    char local[32];
    int port;

    CHECK_OK(hubproc_new(&o, &h));
    CHECK_OK(hubproc_start(h, NULL));
    port = pages_port(h);
    CHECK(http_ask(port, "GET", "/health", NULL, &body) == 200);
    CHECK(memmem(body.ptr, body.len, "\"ready\":true", 12));
    snprintf(local, sizeof local, "localhost:%d", port);
    CHECK(http_ask(port, "GET", "/health", local, NULL) == 200);
    CHECK(http_ask(port, "HEAD", "/metrics", NULL, NULL) == 200);
    CHECK(http_ask(port, "GET", "/metrics", "hub.example.org", NULL) == 421);
    CHECK(http_ask(port, "GET", "/metrics", "127.0.0.1", NULL) == 421);
    CHECK(http_ask(port, "POST", "/metrics", NULL, NULL) == 405);
    CHECK(http_ask(port, "GET", "/", NULL, NULL) == 404);
    CHECK(http_ask(port, "GET", "/metrics/", NULL, NULL) == 404);
    CHECK(http_ask(port, "GET", "/../hub.key", NULL, NULL) == 404);
    bytes_free(&body);
    hubproc_free(h);
}

static void an_address_that_others_reach_is_refused(void)
{
    struct hubproc_options o = {.conf = "metrics_listen = 0.0.0.0:7413\n"};
    struct hubproc *h;

    CHECK_OK(hubproc_new(&o, &h));
    CHECK_ERR(hubproc_start(h, NULL), ERR_CLOSED);
    CHECK_OK(hubproc_log_wait(h, 0, "« metrics_listen »", SOON_MS));
    hubproc_free(h);
}

/* --- the service manager ---------------------------------------------------------------------- */

struct manager {
    char path[108];
    int fd;
};

static void manager_open(struct manager *m)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    snprintf(m->path, sizeof m->path, "/tmp/relais-notify-%d", (int)getpid());
    memcpy(at.sun_path, m->path, sizeof at.sun_path);
    unlink(m->path);
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(m->fd >= 0 && bind(m->fd, (struct sockaddr *)&at, sizeof at) == 0);
}

static void manager_close(struct manager *m)
{
    close(m->fd);
    unlink(m->path);
}

/* The next datagram; false: none in time. */
static bool manager_hears(struct manager *m, int within_ms, char out[256])
{
    struct pollfd p = {m->fd, POLLIN, 0};
    ssize_t n;

    if (poll(&p, 1, within_ms) != 1)
        return false;
    n = recv(m->fd, out, 255, 0);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static bool manager_waits_for(struct manager *m, const char *what)
{
    char text[256];

    while (manager_hears(m, HUBPROC_WAIT_MS, text))
        if (strcmp(text, what) == 0)
            return true;
    return false;
}

static void the_manager_hears_ready_beats_and_stopping(void)
{
    struct hubproc_start start = {.watchdog_us = WATCHDOG_US};
    struct manager m;
    struct hubproc *h;
    char text[256];
    int status = -1;

    manager_open(&m);
    start.notify = m.path;
    CHECK_OK(hubproc_new(NULL, &h));
    CHECK_OK(hubproc_start(h, &start));
    CHECK(manager_hears(&m, HUBPROC_WAIT_MS, text) && strcmp(text, "READY=1") == 0);
    for (int i = 0; i < 3; i++)
        CHECK(manager_hears(&m, HUBPROC_WAIT_MS, text) && strcmp(text, "WATCHDOG=1") == 0);
    CHECK_OK(hubproc_stop(h, &status));
    CHECK(status == 0);
    CHECK(manager_waits_for(&m, "STOPPING=1"));
    hubproc_free(h);
    manager_close(&m);
}

static enum err invite_without_patience(struct hubproc *h)
{
    char path[1100];
    struct control_call call = {.path = path, .timeout_ms = 300};
    json_t *request = json_pack("{s:s,s:{s:s,s:i,s:s,s:s,s:s,s:s,s:b,s:i,s:[]}}", "cmd", "invite",
                                "args", "name", "Un", "kind", 1, "national_id", "", "territory", "",
                                "org", "", "key", "", "founder", 0, "hours", 1, "services");
    json_t *answer = NULL;
    enum err e;

    snprintf(path, sizeof path, "%s/control.sock", hubproc_dir(h));
    e = control_call(&call, request, &answer);
    json_decref(request);
    json_decref(answer);
    return e;
}

static bool not_alive(struct bytes *body)
{
    return memmem(body->ptr, body->len, "\"live\":false", 12) &&
           memmem(body->ptr, body->len, "\"reason\":\"store_thread\"", 23);
}

/* The loop goes on, the disk answers no more: the beat must stop although somebody is there to
 * send it. */
static void the_beat_stops_when_the_store_thread_hangs(void)
{
    struct hubproc_start start = {.watchdog_us = WATCHDOG_US, .fault = "commit-hang:2"};
    struct hubproc_options o = {.conf = PAGES};
    struct bytes body = {0};
    struct manager m;
    struct hubproc *h;
    char text[256];
    size_t beats = 0;
    int port;

    manager_open(&m);
    start.notify = m.path;
    CHECK_OK(hubproc_new(&o, &h));
    CHECK_OK(hubproc_start(h, NULL)); /* the store is made */
    CHECK_OK(hubproc_stop(h, NULL));
    CHECK_OK(hubproc_start(h, &start));
    port = pages_port(h);
    CHECK(manager_waits_for(&m, "WATCHDOG=1"));
    CHECK_ERR(invite_without_patience(h), ERR_TIMEOUT);
    CHECK(hubproc_faults(h) == 1);
    CHECK_OK(hubproc_log_wait(h, 0, "watchdog.silent", HUBPROC_WAIT_MS));
    while (manager_hears(&m, 0, text)) /* what was sent before */
        beats++;
    CHECK(beats > 0);
    CHECK(!manager_hears(&m, SILENCE_MS * 2, text));
    CHECK(http_ask(port, "GET", "/health", NULL, &body) == 503 && not_alive(&body));
    CHECK_OK(hubproc_kill(h));
    bytes_free(&body);
    hubproc_free(h);
    manager_close(&m);
}

/* --- limits ----------------------------------------------------------------------------------- */

static bool store_is_near(void *arg)
{
    return value(*(int *)arg, "relais_hub_limit_level{limit=\"store\"}") >= 1;
}

static void a_store_that_fills_is_warned_of_and_then_not_ready(void)
{
    const struct scene_options o = {.conf = PAGES "store_max = 16m\n"};
    static uint8_t content[200000];
    struct bytes text;
    struct scene s;
    enum err e = ERR_OK;
    size_t n = 0;
    int port;

    CHECK_OK(scene_open(&o, &s));
    port = pages_port(s.hub);
    member_disconnect(s.m[2]);
    for (; !e && n < 200; n++) {
        struct bytes one = {0};

        CHECK_OK(member_letter(s.m[0], s.circle->handle, &s.m[2], 1, SPAN_OF(content), &one));
        e = member_put(s.m[0], bytes_span(&one), NULL);
        bytes_free(&one);
    }
    CHECK(e == ERR_FULL && n > 10);
    CHECK(crew_until(s.crew, store_is_near, &port, 4 * SOON_MS));
    text = page(port, "/health", 503);
    CHECK(memmem(text.ptr, text.len, "\"live\":true", 11));
    CHECK(memmem(text.ptr, text.len, "\"reason\":\"store_full\"", 21));
    CHECK(hubproc_log_count(s.hub, 0, "limit=store") >= 1);
    bytes_free(&text);
    scene_close(&s);
}

static double level(int port, const char *limit)
{
    char sample[80];

    snprintf(sample, sizeof sample, "relais_hub_limit_level{limit=\"%s\"}", limit);
    return value(port, sample);
}

struct house {
    struct scene *s;
    int port;
};

/* Everybody fetches what there is, receipts of what others fetched too. */
static bool all_is_fetched(void *arg)
{
    const struct house *h = arg;

    for (size_t i = 0; i < h->s->n; i++)
        CHECK_OK(member_ack_all(h->s->m[i]));
    return level(h->port, "member_waiting") == 0;
}

static bool member_is_near(void *arg)
{
    return level(((const struct house *)arg)->port, "member_waiting") == 1;
}

static bool one_has_gone(void *arg)
{
    return level(((const struct house *)arg)->port, "nodes") == 0;
}

#define WARNED_MS 60000
#define SAID                                                                                       \
    "Attention : une organisation près de ce qui peut attendre pour elle (quota_messages, "       \
    "quota_bytes) : 80 % (limite « member_waiting »)\n    Que faire : « org list » la nomme"

/* Before anybody is refused, the operator is told, in status what to do; and when it is over. */
static void who_has_much_waiting_and_a_full_house_are_warned_of(void)
{
    const struct scene_options o = {.conf = PAGES "quota_messages = 10\nnodes_max = 3\n"};
    struct bytes text = {0};
    char program[1024];
    struct scene s;
    struct house h = {.s = &s};
    size_t mark;

    CHECK_OK(scene_open(&o, &s));
    h.port = pages_port(s.hub);
    CHECK(crew_until(s.crew, all_is_fetched, &h, WARNED_MS));
    CHECK(level(h.port, "nodes") == 2); /* three of three */
    mark = hubproc_log_mark(s.hub);
    member_disconnect(s.m[2]);
    CHECK(crew_until(s.crew, one_has_gone, &h, WARNED_MS));
    CHECK(hubproc_log_count(s.hub, mark, "limit.fine limit=nodes") == 1);
    for (int i = 0; i < 8; i++) {
        struct bytes one = {0};

        CHECK_OK(member_letter(s.m[0], s.circle->handle, &s.m[2], 1, SPAN_STR("x"), &one));
        CHECK_OK(member_put(s.m[0], bytes_span(&one), NULL));
        bytes_free(&one);
    }
    CHECK(crew_until(s.crew, member_is_near, &h, WARNED_MS));
    CHECK(hubproc_log_count(s.hub, mark, "limit.near limit=member_waiting") == 1);
    const char *const args[] = {"--dir", hubproc_dir(s.hub), "status", NULL};
    CHECK(hubproc_run(hubproc_program("relais-hub", program), args, &text) == 0);
    CHECK(memmem(text.ptr, text.len, SAID, strlen(SAID)));
    CHECK_OK(member_open(s.m[2]));
    CHECK_OK(member_await(s.m[2], DELIVER_ENVELOPE, 8, WARNED_MS));
    CHECK(crew_until(s.crew, all_is_fetched, &h, WARNED_MS));
    CHECK(hubproc_log_count(s.hub, mark, "limit.fine limit=member_waiting") == 1);
    bytes_free(&text);
    scene_close(&s);
}

static void disk_has(const char *file, uint64_t free_bytes)
{
    char text[32];

    snprintf(text, sizeof text, "%llu", (unsigned long long)free_bytes);
    CHECK_OK(file_write_atomic(file, span_text(text), 0600));
}

/* The rule: under 64 MiB free, whatever the store could still write into pages of its own. */
static void a_full_disk_is_not_ready_though_messages_still_fit(void)
{
    char library[1024], setting[1100], file[1000];
    const char *env[] = {setting, NULL};
    const struct hubproc_start start = {.preload = hubproc_program("preload_disk.so", library),
                                        .env = env};
    const struct scene_options o = {.conf = PAGES, .start = &start};
    struct bytes body;
    struct scene s;
    int port;

    snprintf(file, sizeof file, "/tmp/relais-disk-%d", (int)getpid());
    snprintf(setting, sizeof setting, "RELAIS_DISK_FILE=%s", file);
    disk_has(file, UINT64_C(64) << 20);
    CHECK_OK(scene_open(&o, &s));
    port = pages_port(s.hub);
    body = page(port, "/health", 200);
    bytes_free(&body);
    disk_has(file, (UINT64_C(64) << 20) - 65536);
    body = page(port, "/health", 503);
    CHECK(memmem(body.ptr, body.len, "\"live\":true", 11));
    CHECK(memmem(body.ptr, body.len, "\"reason\":\"disk_full\"", 20));
    bytes_free(&body);
    CHECK(value(port, "relais_hub_ready") == 0);
    CHECK(value(port, "relais_hub_limit_level{limit=\"disk\"}") == 2);
    serves(&s, 0, 1);
    CHECK(hubproc_log_count(s.hub, 0, "limit.reached limit=disk") == 1);
    disk_has(file, UINT64_C(65) << 20);
    body = page(port, "/health", 200);
    bytes_free(&body);
    unlink(file);
    scene_close(&s);
}

int main(int argc, char **argv)
{
#define TEST(name)                                                                                 \
    {                                                                                              \
#name, name                                                                                \
    }
    static const struct scene_test tests[] = {
        TEST(figures_are_well_formed_and_name_nobody),
        TEST(what_waits_is_counted_by_age_and_warned_of),
        TEST(only_two_pages_and_only_for_this_machine),
        TEST(an_address_that_others_reach_is_refused),
        TEST(the_manager_hears_ready_beats_and_stopping),
        TEST(the_beat_stops_when_the_store_thread_hangs),
        TEST(a_store_that_fills_is_warned_of_and_then_not_ready),
        TEST(who_has_much_waiting_and_a_full_house_are_warned_of),
        TEST(a_full_disk_is_not_ready_though_messages_still_fit),
    };

    return scene_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
