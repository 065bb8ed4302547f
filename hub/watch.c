#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "door.h"
#include "http.h"
#include "log.h"
#include "notify.h"
#include "watch_internal.h"

#define LOOK_MS 5000
#define BEAT_MS 500
#define STUCK_S 30 /* a store thread silent for so long, if no watchdog says less: not alive */
#define US_PER_MS 1000
#define MS_PER_S 1000
#define DAY_S 86400

static uint64_t stuck_ms(const struct watch *w)
{
    return w->o.watchdog_us ? w->o.watchdog_us / US_PER_MS / 2 : STUCK_S * MS_PER_S;
}

/* --- limits ---------------------------------------------------------------------------------- */

static uint64_t store_percent(const struct seen *s)
{
    return percent_of(s->f.store.used_bytes, s->f.store.quota_bytes);
}

static uint64_t disk_percent(const struct seen *s)
{
    return machine_disk_percent(&s->m);
}

static uint64_t memory_percent(const struct seen *s)
{
    return percent_of(s->m.held_bytes, s->memory_max_bytes);
}

static uint64_t descriptor_percent(const struct seen *s)
{
    return percent_of(s->m.descriptors, s->m.descriptors_max);
}

static uint64_t queue_percent(const struct seen *s)
{
    return s->queue_percent;
}

static uint64_t oldest_s(const struct seen *s)
{
    return s->f.oldest_ms / MS_PER_S;
}

static uint64_t reader_s(const struct seen *s)
{
    return s->f.reader_age_ms / MS_PER_S;
}

static uint64_t clock_free(const struct seen *s)
{
    return !s->m.clock_synchronised;
}

static uint64_t silent_s(const struct seen *s)
{
    return s->silent_ms / MS_PER_S;
}

static uint64_t witness_s(const struct seen *s)
{
    return s->f.witness_age_s;
}

static uint64_t clones(const struct seen *s)
{
    return s->f.cloned;
}

static uint64_t attachment_percent(const struct seen *s)
{
    return percent_of(s->f.att.bytes, s->f.att.max_bytes);
}

static uint64_t fullest_percent(const struct seen *s)
{
    return percent_of(s->f.att.fullest_bytes, s->f.att.quota_bytes);
}

static uint64_t nodes_percent(const struct seen *s)
{
    return percent_of(s->sessions, s->nodes_max);
}

static uint64_t waiting_percent(const struct seen *s)
{
    return s->f.waiting_percent;
}

static uint64_t member_percent(const struct seen *s)
{
    return s->f.member_percent;
}

static uint64_t log_percent(const struct seen *s)
{
    return s->f.log_percent;
}

/* clang-format off */
const struct limit limits[LIMITS] = {
    {"store",          "%", 80,       95,        store_percent,      "entrepôt rempli (store_max)",
     "augmentez store_max si le disque a la place ; « org list » dit qui ne relève pas"},
    {"disk",           "%", 80,       95,        disk_percent,       "disque rempli",
     "faites de la place sur ce disque, sans toucher au dossier du hub"},
    {"memory",         "%", 80,       95,        memory_percent,     "mémoire vive prise (memory_max)",
     "lisez « memory. » dans les événements ; augmentez memory_max et MemoryMax ensemble"},
    {"descriptors",    "%", 80,       95,        descriptor_percent, "descripteurs pris (LimitNOFILE)",
     "augmentez LimitNOFILE du service et redémarrez-le"},
    {"nodes",          "%", 80,       100,       nodes_percent,      "nœuds connectés (nodes_max)",
     "augmentez nodes_max, et memory_max de 48 Kio par nœud"},
    {"queue",          "%", 50,       90,        queue_percent,      "file interne remplie",
     "regardez le délai d'écriture ci-dessus : le disque est lent ; rien n'est perdu"},
    {"waiting",        "%", 80,       95,        waiting_percent,    "messages en attente, de toutes les organisations (waiting_max)",
     "« org list » dit qui ne relève pas : appelez ; sinon augmentez waiting_max"},
    {"member_waiting", "%", 80,       95,        member_percent,     "une organisation près de ce qui peut attendre pour elle (quota_messages, quota_bytes)",
     "« org list » la nomme ; appelez ceux qui ne relèvent pas, ou accordez-lui plus : « org quota »"},
    {"oldest",         "s", DAY_S,    7 * DAY_S, oldest_s,           "plus ancienne remise en attente",
     "« org list » dit qui ne relève pas : appelez"},
    {"reader",         "s", 60,       600,       reader_s,           "plus ancienne lecture de l'entrepôt",
     "cherchez une sauvegarde lente ou un outil bloqué, et arrêtez-le"},
    {"clock",          "",  1,        0,         clock_free,         "horloge sans source de temps",
     "remettez en marche le service de temps de la machine"},
    {"store_thread",   "s", 5,        STUCK_S,   silent_s,           "silence du fil de l'entrepôt",
     "le disque ne répond pas : regardez les messages du noyau"},
    {"witnesses",      "s", 2 * 3600, DAY_S,     witness_s,          "dernier accord des témoins",
     "« witness list » dit qui est en retard : appelez"},
    {"clones",         "",  0,        1,         clones,             "nœuds arrêtés pour clone",
     "« org list » les nomme ; téléphonez, puis « org release » quand un seul vit"},
    {"attachments",    "%", 80,       95,        attachment_percent, "place des pièces jointes prise (attachment_max)",
     "augmentez attachment_max si le disque a la place ; appelez ceux qui ne relèvent pas"},
    {"att_quota",      "%", 80,       95,        fullest_percent,    "place des pièces jointes prise par une structure (attachment_quota)",
     "appelez-la, et ses destinataires ; sinon augmentez attachment_quota"},
    {"member_log",     "%", 80,       100,       log_percent,        "une organisation près de ce qu'elle peut mettre au journal (org list)",
     "« org list » la nomme ; dix fois son jour habituel : appelez ; sinon « org quota »"},
};
/* clang-format on */

static void judge(struct watch *w, size_t i)
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

void watch_look(struct watch *w)
{
    struct accounts_use work = accounts_use(w->o.accounts);
    struct queue_counters out = queue_counters(w->o.out);
    uint64_t beat_ms = board_last_beat(w->o.board);
    uint64_t now_ms = clock_mono_ms(w->o.clock);
    struct seen *s = &w->seen;

    board_read(w->o.board, &s->f);
    machine_look(w->o.dir, &s->m);
    s->memory_max_bytes = w->o.memory_max_bytes;
    s->sessions = w->door ? door_sessions(w->door) : 0;
    s->nodes_max = w->o.nodes_max;
    s->in_depth = fair_counters(w->o.in).depth;
    s->out_depth = out.depth;
    s->queue_percent = percent_of(work.bytes, work.budget_bytes);
    if (percent_of(out.depth, w->o.out_most) > s->queue_percent)
        s->queue_percent = percent_of(out.depth, w->o.out_most);
    s->silent_ms = beat_ms && now_ms > beat_ms ? now_ms - beat_ms : 0;
    for (size_t i = 0; i < LIMITS; i++)
        judge(w, i);
}

/* --- alive, ready ---------------------------------------------------------------------------- */

const char *watch_why_not_alive(const struct watch *w)
{
    return w->seen.silent_ms >= stuck_ms(w) ? "store_thread" : NULL;
}

const char *watch_why_not_ready(const struct watch *w)
{
    const char *why = watch_why_not_alive(w);

    if (why)
        return why;
    if (w->stopping)
        return "stopping";
    if (!w->ready || w->seen.f.told_ms == 0)
        return "starting";
    if (w->seen.f.tight)
        return "store_full";
    return machine_disk_full(&w->seen.m) ? "disk_full" : NULL;
}

static void tell(struct watch *w, const char *states)
{
    enum err e = notify_send(w->o.notify, states);

    if (e)
        log_limited(LEVEL_WARN, "notify.unsent", "why=%s", err_name(e));
}

/* The manager hears a beat only while the store thread beats too: one that hangs is as bad as a
 * loop that does. */
static void beat(void *arg)
{
    struct watch *w = arg;
    uint64_t last_ms = board_last_beat(w->o.board);
    uint64_t silent_ms = clock_mono_ms(w->o.clock) - last_ms;

    if (w->o.watchdog_us == 0 || !w->ready)
        return;
    if (last_ms && silent_ms < stuck_ms(w))
        tell(w, "WATCHDOG=1");
    else
        log_limited(LEVEL_ERROR, "watchdog.silent", "store_thread_ms=%llu",
                    (unsigned long long)silent_ms);
}

static void look(void *arg)
{
    watch_look(arg);
}

void watch_ready(struct watch *w)
{
    w->ready = true;
    watch_look(w);
    tell(w, "READY=1");
}

void watch_stopping(struct watch *w)
{
    if (!w->stopping)
        tell(w, "STOPPING=1");
    w->stopping = true;
}

/* --- pages ----------------------------------------------------------------------------------- */

static unsigned health_page(void *arg, struct bytes *body)
{
    struct watch *w = arg;
    const char *why;

    watch_look(w);
    why = watch_why_not_ready(w);
    if (bytes_printf(body, "{\"live\":%s,\"ready\":%s,\"reason\":\"%s\"}\n",
                     watch_why_not_alive(w) ? "false" : "true", why ? "false" : "true",
                     why ? why : ""))
        return 500;
    return why ? 503 : 200;
}

static unsigned metrics_page(void *arg, struct bytes *body)
{
    struct watch *w = arg;

    watch_look(w);
    return watch_metrics(w, body) ? 500 : 200;
}

static const struct http_page pages[] = {
    {"/health",  "application/json",                         health_page },
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics_page},
};

static json_t *limit_fact(const struct watch *w, size_t i)
{
    const struct limit *l = &limits[i];

    return json_pack("{s:s,s:I,s:s,s:I,s:I,s:i,s:s,s:s}", "limit", l->name, "value",
                     (json_int_t)w->value[i], "unit", l->unit, "near", (json_int_t)l->near,
                     "reached", (json_int_t)l->reached, "level", (int)w->level[i], "text", l->text,
                     "advice", l->advice);
}

json_t *watch_facts(struct watch *w)
{
    json_t *list = json_array();
    const struct seen *s = &w->seen;
    const char *why;

    watch_look(w);
    why = watch_why_not_ready(w);
    for (size_t i = 0; list && i < LIMITS; i++)
        if (json_array_append_new(list, limit_fact(w, i)))
            break;
    return json_pack("{s:b,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:b,s:s}", "ready", why == NULL, "reason",
                     why ? why : "", "limits", list, "memory", (json_int_t)s->m.held_bytes,
                     "memory_max", (json_int_t)s->memory_max_bytes, "descriptors",
                     (json_int_t)s->m.descriptors, "disk", (json_int_t)s->m.disk_bytes, "disk_free",
                     (json_int_t)s->m.disk_free_bytes, "clock_synchronised",
                     s->m.clock_synchronised, "metrics", w->http ? http_endpoint(w->http) : "");
}

/* --- opening --------------------------------------------------------------------------------- */

enum err watch_open(const struct watch_options *options, struct watch **out)
{
    struct watch *w = calloc(1, sizeof *w);
    enum err e;

    if (!w)
        return ERR_NOMEM;
    w->o = *options;
    if ((e = loop_timer(w->o.loop, BEAT_MS, beat, w)) ||
        (e = loop_timer(w->o.loop, LOOK_MS, look, w)))
        goto fail;
    if (*w->o.listen &&
        (e = http_open(w->o.loop, w->o.listen, pages, sizeof pages / sizeof pages[0], w, &w->http)))
        goto fail;
    if (w->http)
        log_info("metrics.ready", "endpoint=%s", http_endpoint(w->http));
    *out = w;
    return ERR_OK;
fail:
    watch_close(w);
    return e;
}

void watch_door(struct watch *w, const struct door *d)
{
    w->door = d;
}

void watch_close(struct watch *w)
{
    if (!w)
        return;
    loop_cancel(w->o.loop, beat, w);
    loop_cancel(w->o.loop, look, w);
    http_close(w->http);
    free(w);
}
