#include "serve.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bell.h"
#include "carry.h"
#include "cli.h"
#include "commands.h"
#include "contacts.h"
#include "control.h"
#include "courier.h"
#include "file.h"
#include "gauges.h"
#include "join.h"
#include "log.h"
#include "loop.h"
#include "scan.h"
#include "words.h"

#define PATH_ROOM 640
#define WAITS_EVERY_MS 100
#define SECOND_MS 1000
#define MINUTE_MS 60000

static int failed(const char *what, enum err e)
{
    fprintf(stderr, "relais-node %s : %s [%s]\n", what, word_error(e), err_name(e));
    return cli_status(e);
}

/* --- serve -------------------------------------------------------------------------------------
 */

struct daemon {
    struct node *n;
    int lock;
    struct loop *loop;
    struct transport *transport;
    struct control *control;
};

static void on_request(struct control_request *r, void *arg)
{
    struct daemon *d = arg;
    json_t *answer;
    enum err e;

    command_run(d->n, control_body(r), RIGHT_ALL, r, control_file(r), &answer);
    if (!answer)
        return; /* it waits for the hub */
    if ((e = control_answer(r, answer)) && e != ERR_CLOSED)
        log_limited(LEVEL_INFO, "control.unanswered", "why=%s", err_name(e));
}

static void on_signal(int number, void *arg)
{
    struct daemon *d = arg;

    if (number == SIGHUP)
        return;
    gauges_stopping(d->n->gauges);
    loop_stop(d->loop);
}

static void every_100_ms(void *arg)
{
    struct daemon *d = arg;

    waits_tick(d->n);
}

static void every_second(void *arg)
{
    (void)arg;
    log_tick();
}

static void every_minute(void *arg)
{
    struct daemon *d = arg;
    enum err e = store_reader_check(d->n->store, NULL);

    if (e)
        log_warn("store.readers", "why=%s", err_name(e));
}

static enum err link_up(struct daemon *d)
{
    struct transport_options o = {.entropy = &d->n->entropy};
    enum err e = transport_open(&o, &d->transport);

    if (e)
        return e;
    e = courier_open(d->n, d->transport, &d->n->courier);
    if (e == ERR_NOT_JOINED) {
        log_warn("node.alone", "why=%s", "not joined: local work only");
        return ERR_OK;
    }
    return e;
}

static enum err daemon_up(struct daemon *d)
{
    char path[PATH_ROOM];
    enum err e;

    snprintf(path, sizeof path, "%s/control.sock", d->n->dir);
    if ((e = loop_open(d->n->clock, &d->loop)))
        return e;
    d->n->loop = d->loop;
    if ((e = gauges_open(d->n, &d->n->gauges)) || (e = bells_open(d->n, &d->n->bells)) ||
        (e = scans_open(d->n, &d->n->scans)) || (e = carries_open(d->n, &d->n->carries)) ||
        (e = link_up(d)))
        return e;
    if ((e = loop_timer(d->loop, WAITS_EVERY_MS, every_100_ms, d)) ||
        (e = loop_timer(d->loop, SECOND_MS, every_second, d)) ||
        (e = loop_timer(d->loop, MINUTE_MS, every_minute, d)))
        return e;
    if ((e = loop_signals(d->loop, on_signal, d)))
        return e;
    return control_listen(d->loop, path, on_request, d, &d->control);
}

/* Those who wait are answered before their door closes. */
static void daemon_down(struct daemon *d)
{
    if (d->n) {
        carries_close(d->n->carries);
        d->n->carries = NULL;
        waits_close(d->n->waits);
        d->n->waits = NULL;
        courier_close(d->n->courier);
        d->n->courier = NULL;
        scans_close(d->n->scans);
        d->n->scans = NULL;
        bells_close(d->n->bells);
        d->n->bells = NULL;
        gauges_close(d->n->gauges);
        d->n->gauges = NULL;
    }
    control_close(d->control);
    loop_close(d->loop);
    transport_close(d->transport);
    node_close(d->n);
    dir_unlock(&d->lock);
}

int serve_main(const struct open_flags *flags)
{
    struct daemon d = {.lock = -1};
    enum err e = node_open_flags(flags, &d.n, &d.lock);

    if (!e && !(e = daemon_up(&d))) {
        gauges_ready(d.n->gauges);
        log_info("node.ready", "joined=%d keys=%" PRIu64, d.n->self.joined ? 1 : 0,
                 contacts_keys_size(d.n));
        e = loop_run(d.loop);
        log_info("node.stopped", "why=%s", err_name(e));
    }
    daemon_down(&d);
    return e ? failed("serve", e) : EXIT_DONE;
}

/* --- init, check ---------------------------------------------------------------------------------
 */

int init_main(const struct open_flags *flags, struct keyfile_cost cost)
{
    enum err e = node_init(flags, cost);

    if (e)
        return failed("init", e);
    printf("Nœud créé dans %s. Gardez la phrase secrète : sans elle, rien ne peut être relu.\n"
           "Ensuite : relais-node --dir %s join INVITATION\n",
           flags->dir, flags->dir);
    return EXIT_DONE;
}

/* The node works without it, but people would not be told. */
static enum err commands_check(const struct node *n)
{
    struct bell_rules *rules = NULL;
    const char *broken;
    char why[400];
    enum err e = bell_rules_read(n->dir, &n->settings, &rules, why, sizeof why);

    if (e)
        return e;
    if ((broken = bell_rules_broken(rules))) {
        fprintf(stderr,
                "relais-node check : la commande de notification « %s » est introuvable ou ne peut "
                "pas être exécutée.\n",
                broken);
        e = ERR_CONF;
    }
    bell_rules_free(rules);
    if (scan_check(&n->settings)) {
        fprintf(stderr, "relais-node check : scan_command n'est pas le chemin absolu d'un "
                        "programme qui peut être exécuté, suivi de ses arguments.\n");
        e = ERR_CONF;
    }
    return e;
}

int check_main(const struct open_flags *flags)
{
    struct node *n = NULL;
    int lock;
    enum err e = node_open_flags(flags, &n, &lock);

    if (e)
        return failed("check", e);
    printf("Réglages, clés et magasin : en ordre. %s\n",
           n->self.joined ? "Nœud raccordé." : "Nœud pas encore raccordé.");
    e = commands_check(n);
    if (n->alarm) {
        e = n->alarm;
        failed("check", e);
    }
    node_close(n);
    dir_unlock(&lock);
    return e ? cli_status(e) : EXIT_DONE;
}

/* --- one command without a daemon
 * ------------------------------------------------------------------ */

enum err command_alone(const struct open_flags *flags, const json_t *request, int file,
                       json_t **answer)
{
    struct node *n = NULL;
    int lock;
    enum err e = node_open_flags(flags, &n, &lock);

    if (e)
        return e;
    command_run(n, request, RIGHT_ALL, NULL, file, answer);
    node_close(n);
    dir_unlock(&lock);
    return ERR_OK;
}
