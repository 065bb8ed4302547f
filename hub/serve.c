#include "serve.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attachments.h"
#include "conf.h"
#include "core.h"
#include "door.h"
#include "file.h"
#include "http.h"
#include "identity.h"
#include "log.h"
#include "memory.h"
#include "operators.h"
#include "watch.h"

#define OUT_DEPTH 8192
#define IO_THREADS 1 /* one more where emergency organisations have an endpoint of their own */
#define ENDPOINT_BYTES 512
#define NOTIFY_BYTES 108 /* of a UNIX socket's name */

#define AT(member) SETTING_AT(struct hub_conf, member)

/* clang-format off */
static const struct setting settings[] = {
    {"listen", SET_TEXT, AT(listen), "tcp://127.0.0.1:7411", 1, 0, "adresse où les membres se connectent"},
    {"join_listen", SET_TEXT, AT(join_listen), "tcp://127.0.0.1:7412", 1, 0, "adresse où les nœuds invités demandent à être enrôlés"},
    {"emergency_listen", SET_TEXT, AT(emergency_listen), "", 0, 0, "adresse des seuls services d'urgence, avec un fil d'exécution à elle, comme tcp://127.0.0.1:7414 (vide : ils passent par listen)"},
    {"public_emergency_endpoint", SET_TEXT, AT(public_emergency_endpoint), "", 0, 0, "de même que public_endpoint, pour les services d'urgence"},
    {"public_endpoint", SET_TEXT, AT(public_endpoint), "", 0, 0, "adresse écrite dans les invitations (vide : celle de listen)"},
    {"public_join_endpoint", SET_TEXT, AT(public_join_endpoint), "", 0, 0, "de même pour l'enrôlement (vide : celle de join_listen)"},
    {"passphrase_file", SET_PATH, AT(passphrase_file), "", 0, 0, "fichier de la phrase de passe de hub.key, fermé aux autres (chmod 600)"},
    {"workers", SET_UINT, AT(workers), "2", 1, HUB_WORKERS_MAX, "fils d'exécution qui vérifient les signatures"},
    {"rate_per_s", SET_UINT, AT(rate_per_s), "5000", 1, 1000000, "messages par seconde d'un nœud, accusés compris, avant toute vérification ; un grand compte pour autant de fois 8 Kio"},
    {"rate_burst", SET_UINT, AT(rate_burst), "10000", 1, 1000000, "de même, en une fois"},
    {"inflight_messages", SET_UINT, AT(inflight_messages), "512", 1, 65536, "messages d'une organisation qui attendent une réponse"},
    {"inflight_bytes", SET_SIZE, AT(inflight_bytes), "32m", 1 << 20, 1 << 30, "de même, en octets"},
    {"quota_messages", SET_UINT, AT(quota_messages), "250000", 1, UINT32_MAX, "messages d'une organisation qui attendent leurs destinataires (un par destinataire), et accusés qu'elle n'a pas relevés"},
    {"quota_bytes", SET_SIZE, AT(quota_bytes), "2g", 1 << 20, 0, "de même, en octets"},
    {"log_day", SET_SIZE, AT(log_day), "64m", 1 << 12, 0, "octets qu'une organisation met au journal en un jour (UTC), pour toujours ; voir OPERATIONS"},
    {"log_total", SET_SIZE, AT(log_total), "16g", 1 << 12, 0, "de même, en tout"},
    {"circles_day", SET_UINT, AT(circles_day), "5000", 1, UINT32_MAX, "cercles qu'une organisation crée en un jour (UTC)"},
    {"circles_total", SET_UINT, AT(circles_total), "100000", 1, UINT32_MAX, "de même, en tout"},
    {"waiting_max", SET_UINT, AT(waiting_max), "2000000", 1000, 100000000, "messages en attente de toutes les organisations"},
    {"nodes_max", SET_UINT, AT(nodes_max), "5000", 1, 65536, "nœuds connectés en même temps"},
    {"memory_max", SET_SIZE, AT(memory_max), "1g", 64 << 20, 0, "mémoire vive au plus ; voir OPERATIONS"},
    {"operators_required", SET_UINT, AT(operators_required), "2", 1, 2, "opérateurs nommés qui doivent s'accorder sur un acte grave ; 1 en exercice seulement"},
    {"heads_every", SET_DURATION, AT(heads_every_s), "10s", 1, 3600, "délai le plus court entre deux annonces de l'état des journaux"},
    {"restore_wait", SET_DURATION, AT(restore_wait_s), "600s", 1, 86400, "après une restauration : attente des membres, au plus, avant de servir"},
    {"silent_after", SET_DURATION, AT(silent_after_s), "24h", 60, 30 * 86400, "un nœud attendu et muet depuis si longtemps est signalé"},
    {"store_max", SET_SIZE, AT(store_max), "64g", 16 << 20, 0, "taille de l'entrepôt au plus"},
    {"store_check", SET_SIZE, AT(store_check), "64m", 0, 0, "au démarrage, un entrepôt jusqu'à cette taille est relu en entier ; un plus grand, ligne par ligne quand elle sert"},
    {"attachment_quota", SET_SIZE, AT(attachment_quota), "4g", 1 << 20, 0, "octets de grandes pièces jointes gardés pour une organisation"},
    {"attachment_max", SET_SIZE, AT(attachment_max), "32g", 1 << 20, 0, "de même, pour toutes ensemble"},
    {"metrics_listen", SET_TEXT, AT(metrics_listen), "", 0, 0, "adresse locale de /health et /metrics, comme 127.0.0.1:7413 (vide : aucune)"},
};
/* clang-format on */
#define SETTINGS (sizeof settings / sizeof settings[0])

struct hub {
    int lock;
    struct identity *id;
    struct entropy entropy;
    struct accounts *accounts;
    struct fair *in;
    struct queue *out;
    struct attachments *attachments;
    struct core *core;
    struct workers *workers;
    struct transport *transport;
    struct loop *loop;
    struct door *door;
    struct board *board;
    struct watch *watch;
    pthread_t thread;
    bool running;
    char endpoint[ENDPOINT_BYTES];
    char join_endpoint[ENDPOINT_BYTES];
    char emergency_endpoint[ENDPOINT_BYTES];
    char notify[NOTIFY_BYTES];
};

/* What only binding or writing an invitation would find, and name less well. */
static enum err addresses_check(const struct hub_conf *conf, const char *path, char *why,
                                size_t why_size)
{
    const struct {
        const char *name, *value;
        bool listener, needed;
    } rows[] = {
        {"listen",                    conf->listen,                    true,  true },
        {"join_listen",               conf->join_listen,               true,  true },
        {"emergency_listen",          conf->emergency_listen,          true,  false},
        {"public_endpoint",           conf->public_endpoint,           false, false},
        {"public_join_endpoint",      conf->public_join_endpoint,      false, false},
        {"public_emergency_endpoint", conf->public_emergency_endpoint, false, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((!*rows[i].value && !rows[i].needed) ||
            link_endpoint_ok(rows[i].value, rows[i].listener))
            continue;
        snprintf(why, why_size,
                 "%s: « %s » vaut « %s » : il faut une adresse et un port, comme "
                 "tcp://127.0.0.1:7411",
                 path, rows[i].name, rows[i].value);
        return ERR_CONF;
    }
    if (!*conf->metrics_listen || http_listen_ok(conf->metrics_listen))
        return ERR_OK;
    snprintf(why, why_size,
             "%s: « metrics_listen » vaut « %s » : il faut une adresse de cette seule machine, en "
             "chiffres, et un port, comme 127.0.0.1:7413",
             path, conf->metrics_listen);
    return ERR_CONF;
}

enum err hub_conf_read(const char *dir, struct hub_conf *out, char *why, size_t why_size)
{
    char path[SERVE_PATH_MAX + 16];
    struct memory_plan plan;
    const char *reason = "";
    struct stat st;
    enum err e;

    snprintf(path, sizeof path, "%s/hub.conf", dir);
    if (stat(path, &st) != 0)
        e = conf_defaults(settings, SETTINGS, out, why, why_size);
    else
        e = conf_read(path, settings, SETTINGS, out, why, why_size);
    if (!e)
        e = addresses_check(out, path, why, why_size);
    if (!e && (e = memory_plan(out, &plan, &reason)))
        snprintf(why, why_size, "%s", reason);
    return e;
}

const struct setting *hub_settings(size_t *n)
{
    *n = SETTINGS;
    return settings;
}

void hub_conf_help(void)
{
    conf_print_help(stdout, settings, SETTINGS);
}

static void on_signal(int number, void *arg)
{
    struct hub *h = arg;

    if (number == SIGHUP)
        return;
    watch_stopping(h->watch);
    loop_stop(h->loop);
}

static enum err replay_one(void *arg, uint64_t index, uint64_t time_ms, struct span ss)
{
    struct hub *h = arg;
    enum err e = door_keys(h->door, index, time_ms, ss);

    return e ? e : workers_keys(h->workers, index, time_ms, ss);
}

static enum err attachments_up(struct hub *h, const char *dir, const struct hub_conf *conf)
{
    char where[SERVE_PATH_MAX + 16];
    struct attachments_options o = {.dir = where,
                                    .clock = clock_system(),
                                    .out = h->out,
                                    .quota_bytes = conf->attachment_quota,
                                    .max_bytes = conf->attachment_max};

    snprintf(where, sizeof where, "%s/attachments", dir);
    return attachments_open(&o, &h->attachments);
}

static enum err core_up(struct hub *h, const char *dir, const struct hub_conf *conf)
{
    char where[SERVE_PATH_MAX + 16];
    struct core_options o = {.engine = "lmdb",
                             .where = where,
                             .store_max_bytes = conf->store_max,
                             .check_bytes = conf->store_check,
                             .silent_after_s = conf->silent_after_s,
                             .clock = clock_system(),
                             .entropy = &h->entropy,
                             .identity = h->id};
    struct memory_plan plan;
    const char *why;
    struct account_limits standard = {conf->inflight_messages, conf->inflight_bytes};
    enum err e;

    snprintf(where, sizeof where, "%s/store", dir);
    if ((e = memory_plan(conf, &plan, &why)) ||
        (e = accounts_new(plan.work, &standard, &h->accounts)))
        return e;
    if ((e = fair_new(false, &h->in)) || (e = queue_new(OUT_DEPTH, &h->out)))
        return e;
    if ((e = attachments_up(h, dir, conf)))
        return e;
    o.attachments = h->attachments;
    o.in = h->in;
    o.deliver_max_bytes = plan.deliver;
    o.out = h->out;
    o.conf = conf;
    if ((e = board_new(&h->board)))
        return e;
    o.board = h->board;
    return core_open(&o, &h->core);
}

static enum err workers_up(struct hub *h, const struct hub_conf *conf)
{
    struct worker_options o = {.count = conf->workers,
                               .entropy = &h->entropy,
                               .clock = clock_system(),
                               .mode = h->id->federation.mode,
                               .core = h->in};

    memcpy(o.federation, h->id->federation.id, ID_BYTES);
    memcpy(o.incarnation, h->core->incarnation, ID_BYTES);
    return workers_start(&o, &h->workers);
}

/* From the service manager; not for the processes we may start. */
static void manager_ask(struct watch_options *o, char socket[NOTIFY_BYTES])
{
    const char *name = getenv("NOTIFY_SOCKET");
    const char *us = getenv("WATCHDOG_USEC");

    snprintf(socket, NOTIFY_BYTES, "%s", name ? name : "");
    o->notify = socket;
    o->watchdog_us = us ? strtoull(us, NULL, 10) : 0;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
}

static enum err watch_up(struct hub *h, const char *dir, const struct hub_conf *conf)
{
    struct watch_options o = {.dir = dir,
                              .listen = conf->metrics_listen,
                              .memory_max_bytes = conf->memory_max,
                              .nodes_max = conf->nodes_max,
                              .board = h->board,
                              .in = h->in,
                              .out = h->out,
                              .accounts = h->accounts,
                              .out_most = OUT_DEPTH,
                              .loop = h->loop,
                              .clock = clock_system()};

    manager_ask(&o, h->notify);
    return watch_open(&o, &h->watch);
}

static json_t *facts(void *arg)
{
    const struct hub *h = arg;

    return watch_facts(h->watch);
}

static enum err door_up(struct hub *h, const char *dir, const struct hub_conf *conf)
{
    struct transport_options t = {.io_threads =
                                      *conf->emergency_listen ? IO_THREADS + 1 : IO_THREADS,
                                  .entropy = &h->entropy};
    char control[SERVE_PATH_MAX + 16];
    struct door_options o = {
        .listen = conf->listen,
        .join_listen = conf->join_listen,
        .emergency_listen = conf->emergency_listen,
        .nodes_max = conf->nodes_max,
        .control_path = control,
        .identity = h->id,
        .bound = identity_transport(h->id, h->core->dir, clock_now_ms(clock_system())),
        .rate_per_s = conf->rate_per_s,
        .rate_burst = conf->rate_burst,
        .accounts = h->accounts,
        .memory_max_bytes = conf->memory_max,
        .clock = clock_system(),
        .entropy = &h->entropy,
        .workers = h->workers,
        .attachments = h->attachments,
        .core = h->in,
        .out = h->out};
    enum err e;

    snprintf(control, sizeof control, "%s/control.sock", dir);
    if ((e = transport_open(&t, &h->transport)) || (e = loop_open(clock_system(), &h->loop)))
        return e;
    o.transport = h->transport;
    if ((e = watch_up(h, dir, conf)))
        return e;
    o.facts = facts;
    o.facts_arg = h;
    if ((e = door_open(&o, h->loop, &h->door)))
        return e;
    watch_door(h->watch, h->door);
    return loop_signals(h->loop, on_signal, h);
}

/* What is written into invitations: as configured, else where we listen, with the real port. */
static void reachable_at(const char *configured, const char *listen, const char *bound, char *out)
{
    const char *port = strrchr(bound, ':');
    size_t host = (size_t)(strrchr(listen, ':') - listen);

    if (configured[0])
        snprintf(out, ENDPOINT_BYTES, "%s", configured);
    else
        snprintf(out, ENDPOINT_BYTES, "%.*s%s", (int)host, listen, port ? port : "");
}

static enum err hub_up(struct hub *h, const char *dir, const struct hub_conf *conf,
                       struct span passphrase)
{
    enum err e;

    h->entropy = entropy_system();
    if ((e = seal_init()) || (e = loop_signals_block()))
        return e;
    if ((e = dir_lock(dir, &h->lock)))
        return e;
    if ((e = identity_open(dir, passphrase, &h->id)))
        return e;
    if (h->id->federation.mode == MODE_REAL && conf->operators_required < OPERATORS_REAL)
        return ERR_OPERATORS_FEW;
    if ((e = core_up(h, dir, conf)) || (e = workers_up(h, conf)) || (e = door_up(h, dir, conf)))
        return e;
    if ((e = registry_each(h->core, replay_one, h)))
        return e;
    door_bind_key(h->door);
    if ((e = door_fatal(h->door)))
        return e;
    reachable_at(conf->public_endpoint, conf->listen, door_endpoint(h->door), h->endpoint);
    reachable_at(conf->public_join_endpoint, conf->join_listen, door_join_endpoint(h->door),
                 h->join_endpoint);
    h->core->endpoint = h->endpoint;
    h->core->join_endpoint = h->join_endpoint;
    h->core->emergency_endpoint = h->endpoint;
    if (*conf->emergency_listen) {
        reachable_at(conf->public_emergency_endpoint, conf->emergency_listen,
                     door_emergency_endpoint(h->door), h->emergency_endpoint);
        h->core->emergency_endpoint = h->emergency_endpoint;
    }
    if ((e = core_started(h->core)) || (e = attachments_start(h->attachments)))
        return e;
    if (pthread_create(&h->thread, NULL, core_thread, h->core))
        return ERR_NOMEM;
    h->running = true;
    door_admit(h->door);
    return ERR_OK;
}

/* The door closes first: nothing new comes in. What the core still holds is decided and committed;
 * answers that cannot be sent any more are asked for again by their senders. */
static void hub_down(struct hub *h)
{
    void *item;

    if (h->watch)
        watch_door(h->watch, NULL);
    door_close(h->door);
    if (h->out)
        queue_close(h->out);
    if (h->in)
        fair_close(h->in);
    attachments_stop(h->attachments);
    workers_stop(h->workers);
    if (h->running)
        pthread_join(h->thread, NULL);
    while (h->out && queue_pop(h->out, &item) == ERR_OK)
        parcel_free(item);
    fair_free(h->in);
    watch_close(h->watch);
    core_close(h->core);
    attachments_free(h->attachments);
    board_free(h->board);
    queue_free(h->out);
    accounts_free(h->accounts);
    loop_close(h->loop);
    transport_close(h->transport);
    identity_close(h->id);
    dir_unlock(&h->lock);
}

enum err hub_serve(const char *dir, const struct hub_conf *conf, struct span passphrase)
{
    struct hub h = {.lock = -1};
    enum err e = hub_up(&h, dir, conf, passphrase);

    if (!e) {
        watch_ready(h.watch);
        log_info("hub.ready", "endpoint=%s join=%s", h.core->endpoint, h.core->join_endpoint);
        e = loop_run(h.loop);
        if (!e)
            e = door_fatal(h.door);
    }
    if (e == ERR_CORRUPT)
        log_error("store.corrupt", "do=%s", "keep everything; relais-hub fsck; relais-hub restore");
    if (e)
        log_error("hub.stopped", "why=%s text=%s", err_name(e), err_text(e));
    else
        log_info("hub.stopped", "why=%s", "asked");
    hub_down(&h);
    return e;
}
