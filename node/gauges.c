#include "gauges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bell.h"
#include "contacts.h"
#include "courier.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "machine.h"
#include "metrics.h"
#include "notify.h"
#include "outrow.h"
#include "prekeys.h"

#define LOOK_MS 10000
#define BEAT_MS 500
#define MS_PER_S 1000
#define DAY_S 86400
#define NOTIFY_BYTES 108 /* of a UNIX socket's name */

struct seen {
    struct machine m;
    struct store_stats store;
    uint64_t envelopes, statements, reports, held; /* waiting */
    uint64_t oldest_s;
    uint64_t prekey_s; /* age of the newest prekey; 0: none */
    uint64_t reader_s;
    uint64_t keys_size;
    uint64_t bells, bells_failed;
};

/* A figure with its two bounds; 0 is no bound. */
struct limit {
    const char *name;
    const char *unit;
    uint64_t near, reached;
    uint64_t (*value)(const struct seen *s);
    const char *text;   /* French, for `status` */
    const char *advice; /* the same: what to do */
};
#define LIMITS 8

struct gauges {
    struct node *n;
    struct http *http;
    char notify[NOTIFY_BYTES];
    uint64_t watchdog_us;
    bool ready, stopping;
    struct seen seen;
    uint64_t reader_sees, reader_since_ms;
    uint64_t value[LIMITS];
    enum limit_level level[LIMITS];
};

/* --- limits ---------------------------------------------------------------------------------- */

static uint64_t store_percent(const struct seen *s)
{
    return percent_of(s->store.used_bytes, s->store.quota_bytes);
}

static uint64_t disk_percent(const struct seen *s)
{
    return machine_disk_percent(&s->m);
}

static uint64_t descriptor_percent(const struct seen *s)
{
    return percent_of(s->m.descriptors, s->m.descriptors_max);
}

static uint64_t oldest_s(const struct seen *s)
{
    return s->oldest_s;
}

static uint64_t reader_s(const struct seen *s)
{
    return s->reader_s;
}

static uint64_t clock_free(const struct seen *s)
{
    return !s->m.clock_synchronised;
}

static uint64_t prekey_s(const struct seen *s)
{
    return s->prekey_s;
}

static uint64_t bells_failed(const struct seen *s)
{
    return s->bells_failed;
}

/* clang-format off */
static const struct limit limits[LIMITS] = {
    {"store",       "%", 80,         95,         store_percent,      "magasin rempli (store_max)",
     "augmentez store_max dans node.conf si le disque a la place"},
    {"disk",        "%", 80,         95,         disk_percent,       "disque rempli",
     "faites de la place sur ce disque, sans toucher au dossier du nœud"},
    {"descriptors", "%", 80,         95,         descriptor_percent, "descripteurs pris (LimitNOFILE)",
     "augmentez LimitNOFILE du service et redémarrez-le"},
    {"oldest",      "s", 3600,       DAY_S,      oldest_s,           "plus ancien envoi que le hub n'a pas décidé",
     "regardez plus bas si le nœud est en ligne ; sinon le réseau, puis l'exploitant du hub"},
    {"reader",      "s", 60,         600,        reader_s,           "plus ancienne lecture du magasin",
     "cherchez une sauvegarde lente ou un outil bloqué, et arrêtez-le"},
    {"clock",       "",  1,          0,          clock_free,         "horloge sans source de temps",
     "remettez en marche le service de temps de la machine"},
    {"prekey",      "s", 21 * DAY_S, 42 * DAY_S, prekey_s,           "âge de la préclé la plus récente",
     "remettez le nœud en ligne avec son hub"},
    {"notify",      "",  0,          1,          bells_failed,       "messages à lire dont la notification a échoué",
     "« inbox » dit lesquels et pourquoi ; réparez la commande, prévenez les personnes"},
};
/* clang-format on */

static void judge(struct gauges *w, size_t i)
{
    const struct limit *l = &limits[i];
    enum limit_level before = w->level[i];

    w->value[i] = l->value(&w->seen);
    w->level[i] = limit_judge(w->value[i], l->near, l->reached);
    if (w->level[i] == before)
        return;
    if (w->level[i] == LIMIT_REACHED)
        log_error("limit.reached", "limit=%s value=%llu bound=%llu", l->name,
                  (unsigned long long)w->value[i], (unsigned long long)l->reached);
    else if (w->level[i] == LIMIT_NEAR)
        log_warn("limit.near", "limit=%s value=%llu bound=%llu", l->name,
                 (unsigned long long)w->value[i], (unsigned long long)l->near);
    else
        log_info("limit.fine", "limit=%s value=%llu", l->name, (unsigned long long)w->value[i]);
}

/* --- looking --------------------------------------------------------------------------------- */

static enum err count_row(void *arg, struct span key, struct span value)
{
    (void)key;
    (void)value;
    ++*(uint64_t *)arg;
    return ERR_OK;
}

static enum err count_of(struct txn *t, int table, uint64_t *out)
{
    struct span all = {0};

    *out = 0;
    return store_scan(t, table, all, all, SIZE_MAX, count_row, out);
}

static enum err first_key(void *arg, struct span key, struct span value)
{
    uint8_t *ms = arg;

    (void)value;
    if (key.len == OUT_LIVE_BYTES)
        memcpy(ms + 2, key.ptr + OUT_LIVE_BYTES - ID_BYTES, 6);
    return ERR_ENOUGH;
}

/* Ids begin with the time they were made at. */
static enum err oldest_of(struct gauges *w, struct txn *t)
{
    struct span all = {0};
    uint8_t ms[8] = {0};
    uint64_t now_ms = node_now_ms(w->n);
    enum err e = store_scan(t, TABLE_OUT_LIVE, all, all, 1, first_key, ms);

    w->seen.oldest_s =
        w->seen.envelopes && now_ms > get_be64(ms) ? (now_ms - get_be64(ms)) / MS_PER_S : 0;
    return e;
}

static enum err prekey_of(struct gauges *w, struct txn *t)
{
    struct prekey p = {0};
    enum err e = prekey_newest(w->n, t, &p);

    w->seen.prekey_s = 0;
    if (!e && node_now_ms(w->n) > p.created_ms)
        w->seen.prekey_s = (node_now_ms(w->n) - p.created_ms) / MS_PER_S;
    prekey_wipe(&p);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err tables_look(struct gauges *w)
{
    struct seen *s = &w->seen;
    struct txn *t = NULL;
    enum err e = store_begin(w->n->store, TXN_READ, &t);

    if (!e && !(e = count_of(t, TABLE_OUT_LIVE, &s->envelopes)) &&
        !(e = count_of(t, TABLE_ACT_LIVE, &s->statements)) &&
        !(e = count_of(t, TABLE_REPORT, &s->reports)) &&
        !(e = count_of(t, TABLE_IN_HELD, &s->held)) &&
        !(e = bells_count(t, &s->bells, &s->bells_failed)) && !(e = oldest_of(w, t)))
        e = prekey_of(w, t);
    store_abort(&t);
    return e;
}

static void reader_look(struct gauges *w)
{
    const struct store_stats *s = &w->seen.store;
    uint64_t now_ms = clock_mono_ms(w->n->clock);
    uint64_t sees = s->commits - s->oldest_reader_lag;

    if (s->oldest_reader_lag == 0 || sees != w->reader_sees) {
        w->reader_sees = sees;
        w->reader_since_ms = now_ms;
    }
    w->seen.reader_s = (now_ms - w->reader_since_ms) / MS_PER_S;
}

static void look(struct gauges *w)
{
    enum err e;

    machine_look(w->n->dir, &w->seen.m);
    w->seen.keys_size = contacts_keys_size(w->n);
    if ((e = store_stats(w->n->store, &w->seen.store)) || (e = tables_look(w)))
        log_limited(LEVEL_WARN, "figures", "why=%s", err_name(e));
    else
        reader_look(w);
    for (size_t i = 0; i < LIMITS; i++)
        judge(w, i);
}

/* A node without its hub is ready: what is written is kept, and sent later. */
static const char *why_not_ready(const struct gauges *w)
{
    uint64_t waiting;

    if (w->stopping)
        return "stopping";
    if (!w->ready)
        return "starting";
    if (w->n->alarm)
        return "alarm";
    if (courier_full(w->n->courier, &waiting))
        return "store_full";
    if (machine_disk_full(&w->seen.m))
        return "disk_full";
    return w->n->courier && courier_state(w->n->courier) == COURIER_STOPPED ? "link_stopped" : NULL;
}

/* --- the service manager --------------------------------------------------------------------- */

static void tell(struct gauges *w, const char *states)
{
    enum err e = notify_send(w->notify, states);

    if (e)
        log_limited(LEVEL_WARN, "notify.unsent", "why=%s", err_name(e));
}

static void every_beat(void *arg)
{
    struct gauges *w = arg;

    if (w->watchdog_us && w->ready)
        tell(w, "WATCHDOG=1");
}

static void every_look(void *arg)
{
    look(arg);
}

void gauges_ready(struct gauges *w)
{
    w->ready = true;
    look(w);
    tell(w, "READY=1");
}

void gauges_stopping(struct gauges *w)
{
    if (!w->stopping)
        tell(w, "STOPPING=1");
    w->stopping = true;
}

/* --- pages ----------------------------------------------------------------------------------- */

static unsigned health_page(void *arg, struct bytes *body)
{
    const char *why;

    look(arg);
    why = why_not_ready(arg);
    if (bytes_printf(body, "{\"live\":true,\"ready\":%s,\"reason\":\"%s\"}\n",
                     why ? "false" : "true", why ? why : ""))
        return 500;
    return why ? 503 : 200;
}

static void work(struct metrics *m, const struct gauges *w)
{
    const struct seen *s = &w->seen;

    metric_one(m, "relais_node_joined", METRIC_GAUGE, "1: this node is enrolled at a hub.",
               w->n->self.joined);
    metric_one(m, "relais_node_link_ready", METRIC_GAUGE, "1: a session with the hub is open.",
               w->n->courier && courier_state(w->n->courier) == COURIER_READY);
    metric_one(m, "relais_node_alarm", METRIC_GAUGE,
               "1: two histories, nothing is sealed any more.", w->n->alarm != ERR_OK);
    metric_family(m, "relais_node_waiting", METRIC_GAUGE, "What the hub has not decided yet.");
    metric_labelled(m, "what", "envelopes", s->envelopes);
    metric_labelled(m, "what", "statements", s->statements);
    metric_labelled(m, "what", "reports", s->reports);
    metric_labelled(m, "what", "notifications", s->bells);
    metric_one(m, "relais_node_held", METRIC_GAUGE, "Received, waiting for their circle's chain.",
               s->held);
    metric_one(m, "relais_node_oldest_waiting_seconds", METRIC_GAUGE, "Age of the oldest envelope.",
               s->oldest_s);
    metric_one(m, "relais_node_prekey_age_seconds", METRIC_GAUGE, "Age of the newest prekey.",
               s->prekey_s);
    metric_one(m, "relais_node_keys_leaves", METRIC_GAUGE, "Leaves of the keys log here.",
               s->keys_size);
}

static void store_and_machine(struct metrics *m, const struct gauges *w)
{
    const struct seen *s = &w->seen;

    metric_family(m, "relais_node_store_bytes", METRIC_GAUGE,
                  "Store: pages in use, its file, pages to be used again, quota.");
    metric_labelled(m, "kind", "used", s->store.used_bytes);
    metric_labelled(m, "kind", "file", s->store.file_bytes);
    metric_labelled(m, "kind", "free", s->store.free_pages * s->store.page_bytes);
    metric_labelled(m, "kind", "quota", s->store.quota_bytes);
    metric_one(m, "relais_node_store_reader_age_seconds", METRIC_GAUGE,
               "Age of the oldest live read.", s->reader_s);
    metric_one(m, "relais_node_memory_bytes", METRIC_GAUGE, "Memory held, without the store's map.",
               s->m.held_bytes);
    metric_one(m, "relais_node_descriptors", METRIC_GAUGE, "Open descriptors.", s->m.descriptors);
    metric_one(m, "relais_node_disk_free_bytes", METRIC_GAUGE,
               "What is free of the store's file system.", s->m.disk_free_bytes);
    metric_one(m, "relais_node_clock_synchronised", METRIC_GAUGE,
               "1: a time service keeps the clock.", s->m.clock_synchronised);
    metric_family(m, "relais_node_limit", METRIC_GAUGE, "Figures that have a limit.");
    for (size_t i = 0; i < LIMITS; i++)
        metric_labelled(m, "limit", limits[i].name, w->value[i]);
    metric_family(m, "relais_node_limit_level", METRIC_GAUGE, "0: fine, 1: near, 2: reached.");
    for (size_t i = 0; i < LIMITS; i++)
        metric_labelled(m, "limit", limits[i].name, (uint64_t)w->level[i]);
    metric_one(m, "relais_node_ready", METRIC_GAUGE, "1: the node works, with or without its hub.",
               why_not_ready(w) == NULL);
}

static unsigned metrics_page(void *arg, struct bytes *body)
{
    struct gauges *w = arg;
    struct metrics m = metrics_over(body);

    look(w);
    work(&m, w);
    store_and_machine(&m, w);
    return m.failed ? 500 : 200;
}

static const struct http_page pages[] = {
    {"/health",  "application/json",                         health_page },
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics_page},
};

/* --- status ---------------------------------------------------------------------------------- */

static json_t *limit_fact(const struct gauges *w, size_t i)
{
    const struct limit *l = &limits[i];

    return json_pack("{s:s, s:I, s:s, s:I, s:I, s:i, s:s, s:s}", "limit", l->name, "value",
                     (json_int_t)w->value[i], "unit", l->unit, "near", (json_int_t)l->near,
                     "reached", (json_int_t)l->reached, "level", (int)w->level[i], "text", l->text,
                     "advice", l->advice);
}

json_t *gauges_facts(struct gauges *w)
{
    json_t *list;
    const char *why;

    if (!w)
        return json_null();
    list = json_array();
    look(w);
    why = why_not_ready(w);
    for (size_t i = 0; list && i < LIMITS; i++)
        if (json_array_append_new(list, limit_fact(w, i)))
            break;
    return json_pack("{s:b, s:s, s:o, s:I, s:I, s:I, s:s}", "ready", why == NULL, "reason",
                     why ? why : "", "limits", list, "memory", (json_int_t)w->seen.m.held_bytes,
                     "store_used", (json_int_t)w->seen.store.used_bytes, "store_file",
                     (json_int_t)w->seen.store.file_bytes, "metrics",
                     w->http ? http_endpoint(w->http) : "");
}

enum err gauges_text(struct gauges *w, struct bytes *text)
{
    enum err e = ERR_OK;

    for (size_t i = 0; w && i < LIMITS && !e; i++)
        if (w->level[i] != LIMIT_FINE)
            e = bytes_printf(text, "%s : %s : %llu%s\n    Que faire : %s.\n",
                             w->level[i] == LIMIT_REACHED ? "ALARME" : "Attention", limits[i].text,
                             (unsigned long long)w->value[i], limits[i].unit, limits[i].advice);
    return e;
}

/* --- opening --------------------------------------------------------------------------------- */

/* From the service manager; not for the processes we may start. */
static void manager_ask(struct gauges *w)
{
    const char *name = getenv("NOTIFY_SOCKET");
    const char *us = getenv("WATCHDOG_USEC");

    snprintf(w->notify, sizeof w->notify, "%s", name ? name : "");
    w->watchdog_us = us ? strtoull(us, NULL, 10) : 0;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
}

enum err gauges_open(struct node *n, struct gauges **out)
{
    struct gauges *w = calloc(1, sizeof *w);
    enum err e;

    if (!w)
        return ERR_NOMEM;
    w->n = n;
    manager_ask(w);
    if ((e = loop_timer(n->loop, BEAT_MS, every_beat, w)) ||
        (e = loop_timer(n->loop, LOOK_MS, every_look, w)))
        goto fail;
    if (*n->settings.metrics_listen && (e = http_open(n->loop, n->settings.metrics_listen, pages,
                                                      sizeof pages / sizeof pages[0], w, &w->http)))
        goto fail;
    if (w->http)
        log_info("metrics.ready", "endpoint=%s", http_endpoint(w->http));
    *out = w;
    return ERR_OK;
fail:
    gauges_close(w);
    return e;
}

void gauges_close(struct gauges *w)
{
    if (!w)
        return;
    loop_cancel(w->n->loop, every_beat, w);
    loop_cancel(w->n->loop, every_look, w);
    http_close(w->http);
    free(w);
}
