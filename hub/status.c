/* `relais-hub status`: how the hub is, in French for the operator and as data. */
#include <inttypes.h>

#include "memory.h"
#include "operators.h"
#include "quota.h"
#include "recovery.h"
#include "sign.h"

#define MIB (UINT64_C(1) << 20)
#define MINUTE_MS UINT64_C(60000)

struct totals {
    size_t open;
    size_t cloned;
    uint64_t waiting;
};

static void total_one(struct mailbox *m, void *arg)
{
    struct totals *t = arg;

    t->open += m->open;
    t->cloned += m->cloned;
    t->waiting += m->len;
}

/* --- data ------------------------------------------------------------------------------------ */

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static enum err counts_data(struct asked *a)
{
    const struct core *c = a->c;
    json_t *counts = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "accepted",
        (json_int_t)c->count.accepted, "delivered", (json_int_t)c->count.delivered, "reports",
        (json_int_t)c->count.reports, "statements", (json_int_t)c->count.statements, "refused",
        (json_int_t)c->count.refused, "held", (json_int_t)c->count.held, "expired",
        (json_int_t)c->count.expired, "recalled", (json_int_t)c->count.recalled, "released",
        (json_int_t)c->count.released, "damaged", (json_int_t)c->count.damaged, "commits",
        (json_int_t)c->count.commits, "failed_commits", (json_int_t)c->count.failed_commits,
        "clones", (json_int_t)c->count.clones, "verified", (json_int_t)sign_verifications(),
        "unsigned", (json_int_t)c->count.untold, "hellos", (json_int_t)c->count.hellos);

    return data_set(a, "counts", counts);
}

static enum err refusals_data(struct asked *a)
{
    json_t *all = json_object();

    for (unsigned code = 1; all && code < ERR_CODES; code++)
        if (a->c->figures.refused[code] &&
            json_object_set_new(all, err_name((enum err)code), number(a->c->figures.refused[code])))
            break;
    return data_set(a, "refused_by", all);
}

static json_t *latency(const struct histogram *h)
{
    return json_pack("{s:I,s:I,s:I}", "count", (json_int_t)histogram_count(h), "p50_us",
                     (json_int_t)histogram_percentile_us(h, 50), "p99_us",
                     (json_int_t)histogram_percentile_us(h, 99));
}

static enum err store_data(struct asked *a, const struct store_stats *s)
{
    const struct figures *f = &a->c->figures;
    uint64_t free_bytes = s->free_pages * s->page_bytes;
    json_t *o =
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "used", (json_int_t)s->used_bytes, "file",
                  (json_int_t)s->file_bytes, "quota", (json_int_t)s->quota_bytes, "free",
                  (json_int_t)free_bytes, "growth_per_day", (json_int_t)f->growth_per_day,
                  "readers", (json_int_t)s->readers, "reader_age_ms", (json_int_t)f->reader_age_ms);

    return data_set(a, "store", o);
}

static enum err figures_data(struct asked *a)
{
    static const char *const names[AGES] = {"minute", "hour", "day", "week", "older"};
    const struct figures *f = &a->c->figures;
    json_t *ages = json_object();
    enum err e;

    for (int i = 0; ages && i < AGES; i++)
        if (json_object_set_new(ages, names[i], number(f->waiting_by_age[i])))
            break;
    if ((e = data_set(a, "waiting_by_age", ages)) ||
        (e = data_set(a, "oldest_ms", number(f->oldest_ms))) ||
        (e = data_set(a, "accept", latency(&f->accept))) ||
        (e = data_set(a, "commit", latency(&f->commit))))
        return e;
    if ((e = data_set(a, "attachments",
                      json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "count",
                                (json_int_t)f->att.count, "used", (json_int_t)f->att.bytes, "max",
                                (json_int_t)f->att.max_bytes, "fullest",
                                (json_int_t)f->att.fullest_bytes, "quota",
                                (json_int_t)f->att.quota_bytes, "removed",
                                (json_int_t)f->att.removed, "refused", (json_int_t)f->att.refused,
                                "strangers", (json_int_t)f->att.strangers))))
        return e;
    return data_set(a, "invitations", number(f->invitations));
}

static enum err memory_data(struct asked *a)
{
    const struct core *c = a->c;
    struct memory_plan p = {0};
    uint64_t refused;
    const char *why;
    enum err e;

    if (!c->conf)
        return ERR_OK;
    if ((e = memory_plan(c->conf, &p, &why)))
        return e;
    refused = c->quotas->sender_refused + c->quotas->hub_refused;
    return data_set(
        a, "memory",
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "bound", (json_int_t)p.bound,
                  "base", (json_int_t)p.base, "nodes", (json_int_t)p.nodes, "index",
                  (json_int_t)p.index, "work", (json_int_t)p.work, "deliver", (json_int_t)p.deliver,
                  "transport", (json_int_t)p.transport, "deliver_used", (json_int_t)c->window.bytes,
                  "deliver_highest", (json_int_t)c->window.highest, "kept",
                  (json_int_t)c->quotas->messages, "quota_refused", (json_int_t)refused));
}

static enum err memory_text(struct asked *a)
{
    struct memory_plan p = {0};
    const char *why;

    if (!a->c->conf || memory_plan(a->c->conf, &p, &why))
        return ERR_OK;
    return bytes_printf(&a->text,
                        "Mémoire au plus, d'après les réglages : %" PRIu64 " Mio (nœuds %" PRIu64
                        ", index %" PRIu64 ", travail %" PRIu64 ", remises %" PRIu64
                        " dont %" PRIu64 " en cours, transport %" PRIu64 ")\n",
                        p.bound / MIB, p.nodes / MIB, p.index / MIB, p.work / MIB, p.deliver / MIB,
                        a->c->window.bytes / MIB, p.transport / MIB);
}

static enum err data_fill(struct asked *a, size_t nodes, const struct totals *t,
                          const struct store_stats *s)
{
    struct core *c = a->c;
    enum err e;

    if ((e = counts_data(a)) || (e = data_set(a, "door", json_deep_copy(a->j->door))) ||
        (e = data_text(a, "federation", c->id->federation.name)) ||
        (e = data_set(a, "constituted", json_boolean(directory_federation(c->dir) != NULL))) ||
        (e = data_set(a, "nodes", number(nodes))) || (e = data_set(a, "sessions", number(t->open))))
        return e;
    if ((e = data_set(a, "cloned", number(t->cloned))) ||
        (e = data_set(a, "waiting", number(t->waiting))) ||
        (e = data_set(a, "keys_size", number(ledger_committed_size(c->keys)))) ||
        (e = data_set(a, "audit_size", number(ledger_committed_size(c->audit)))) ||
        (e = data_set(a, "store_bytes", number(s->used_bytes))) ||
        (e = data_hex(a, "incarnation", c->incarnation, sizeof c->incarnation)))
        return e;
    if ((e = store_data(a, s)) || (e = figures_data(a)) || (e = memory_data(a)))
        return e;
    return refusals_data(a);
}

/* --- text ------------------------------------------------------------------------------------ */

static enum err head_text(struct asked *a, size_t nodes, const struct totals *t)
{
    const struct core *c = a->c;

    return bytes_printf(
        &a->text,
        "Fédération %.*s (%s)\n"
        "Nœuds enrôlés : %zu ; connectés : %zu ; en alerte de clone : %zu\n"
        "Remises en attente : %" PRIu64 "\n"
        "Journal des clés : %" PRIu64 " entrées ; journal d'audit : %" PRIu64 " entrées\n"
        "Acceptés %" PRIu64 ", remis %" PRIu64 ", refusés %" PRIu64 ", retenus %" PRIu64
        ", expirés %" PRIu64 ", rappelés %" PRIu64 ", remis à des suppléants %" PRIu64 "\n",
        (int)c->id->federation.name.len, (const char *)c->id->federation.name.ptr,
        directory_federation(c->dir) ? "constituée" : "à constituer : « genesis »", nodes, t->open,
        t->cloned, t->waiting, ledger_committed_size(c->keys), ledger_committed_size(c->audit),
        c->count.accepted, c->count.delivered, c->count.refused, c->count.held, c->count.expired,
        c->count.recalled, c->count.released);
}

static enum err waiting_text(struct asked *a)
{
    const struct figures *f = &a->c->figures;

    if (f->oldest_ms == 0)
        return ERR_OK;
    return bytes_printf(&a->text,
                        "Attente : moins d'une minute %" PRIu64 ", moins d'une heure %" PRIu64
                        ", moins d'un jour %" PRIu64 ", moins d'une semaine %" PRIu64
                        ", au-delà %" PRIu64 " ; la plus ancienne : %" PRIu64 " min\n",
                        f->waiting_by_age[AGE_MINUTE], f->waiting_by_age[AGE_HOUR],
                        f->waiting_by_age[AGE_DAY], f->waiting_by_age[AGE_WEEK],
                        f->waiting_by_age[AGE_OLDER], f->oldest_ms / MINUTE_MS);
}

static enum err store_text(struct asked *a, const struct store_stats *s)
{
    const struct figures *f = &a->c->figures;
    enum err e;

    if ((e = bytes_printf(&a->text,
                          "Entrepôt : %" PRIu64 " Mio sur %" PRIu64 " ; fichier %" PRIu64
                          " Mio dont %" PRIu64 " libres ; croissance %" PRId64 " Mio par jour\n",
                          s->used_bytes / MIB, s->quota_bytes / MIB, s->file_bytes / MIB,
                          s->free_pages * s->page_bytes / MIB, f->growth_per_day / (int64_t)MIB)))
        return e;
    if ((e = bytes_printf(&a->text,
                          "Pièces jointes : %" PRIu64 ", %" PRIu64 " Mio sur %" PRIu64
                          " ; au plus %" PRIu64 " sur %" PRIu64 " pour une structure\n",
                          f->att.count, f->att.bytes / MIB, f->att.max_bytes / MIB,
                          f->att.fullest_bytes / MIB, f->att.quota_bytes / MIB)))
        return e;
    return bytes_printf(
        &a->text,
        "Délais : acceptation p50 %" PRIu64 " µs, p99 %" PRIu64 " µs ; écriture p50 %" PRIu64
        " µs, p99 %" PRIu64 " µs ; écritures échouées : %" PRIu64 "\n",
        histogram_percentile_us(&f->accept, 50), histogram_percentile_us(&f->accept, 99),
        histogram_percentile_us(&f->commit, 50), histogram_percentile_us(&f->commit, 99),
        a->c->count.failed_commits);
}

static enum err damaged_text(struct asked *a)
{
    return a->c->count.damaged == 0
               ? ERR_OK
               : bytes_printf(&a->text,
                              "ALARME : le disque n'a pas rendu ce qui y avait été écrit : %" PRIu64
                              " remises retenues, expéditeurs et destinataires prévenus ; le reste "
                              "est remis. Que faire : OPERATIONS.md, « Damaged store »\n",
                              a->c->count.damaged);
}

static enum err refusals_text(struct asked *a)
{
    const char *between = "Refus par raison : ";
    enum err e = ERR_OK;

    for (unsigned code = 1; code < ERR_CODES && !e; code++) {
        if (a->c->figures.refused[code] == 0)
            continue;
        e = bytes_printf(&a->text, "%s%s %" PRIu64, between, err_name((enum err)code),
                         a->c->figures.refused[code]);
        between = ", ";
    }
    return e || *between != ',' ? e : bytes_printf(&a->text, "%s", "\n");
}

/* Why the hub is not ready, as /health says it, and what that means for who waits. */
static const char *reason_word(const char *reason)
{
    static const struct {
        const char *reason, *words;
    } rows[] = {
        {"starting",     "il démarre ; attendez un instant"                                              },
        {"stopping",     "il s'arrête"                                                                   },
        {"store_thread", "l'entrepôt ne répond plus ; regardez le disque"                               },
        {"disk_full",    "il reste moins de 64 Mio sur son disque : faites de la place ; ce qui est "
                      "accepté est conservé, et ce qui ne peut plus être écrit reste chez ses "
                      "expéditeurs"                                                 },
        {"store_full",   "l'entrepôt est plein : les nouveaux messages sont refusés, leurs "
                       "expéditeurs les gardent ; "
                       "ce qui est accepté est conservé et continue d'être remis"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].reason, reason) == 0)
            return rows[i].words;
    return reason;
}

/* One limit. A clock has no figure; a time is told in the largest unit that says it. */
static enum err limit_say(struct asked *a, const json_t *one)
{
    int64_t value = json_integer_value(json_object_get(one, "value"));
    const char *unit = json_string_value(json_object_get(one, "unit"));
    const char *name = json_string_value(json_object_get(one, "limit"));
    enum err e =
        bytes_printf(&a->text, "%s : %s",
                     json_integer_value(json_object_get(one, "level")) > 1 ? "ALARME" : "Attention",
                     json_string_value(json_object_get(one, "text")));

    if (!e && strcmp(name, "clock") != 0)
        e = strcmp(unit, "s") != 0 || value < 120
                ? bytes_printf(&a->text, " : %" PRId64 " %s", value, unit)
            : value < 2 * 3600 ? bytes_printf(&a->text, " : %" PRId64 " min", value / 60)
                               : bytes_printf(&a->text, " : %" PRId64 " h", value / 3600);
    return e ? e
             : bytes_printf(&a->text, " (limite « %s »)\n    Que faire : %s.\n", name,
                            json_string_value(json_object_get(one, "advice")));
}

/* What is near a limit or has reached it: the main thread looked (watch.c). */
static enum err limits_text(struct asked *a)
{
    const json_t *watch = json_object_get(a->j->door, "watch");
    const json_t *list = json_object_get(watch, "limits");
    bool any = false;
    enum err e;

    if (!json_is_object(watch))
        return ERR_OK;
    if ((e = bytes_printf(&a->text, "Mémoire : %" PRIu64 " Mio sur %" PRIu64 " ; %s%s\n",
                          (uint64_t)json_integer_value(json_object_get(watch, "memory")) / MIB,
                          (uint64_t)json_integer_value(json_object_get(watch, "memory_max")) / MIB,
                          json_is_true(json_object_get(watch, "ready")) ? "prêt" : "PAS PRÊT : ",
                          reason_word(json_string_value(json_object_get(watch, "reason"))))))
        return e;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        json_int_t level = json_integer_value(json_object_get(one, "level"));

        any = any || level > 0;
        if (level > 0 && (e = limit_say(a, one)))
            return e;
    }
    return any ? bytes_printf(&a->text, "Davantage : OPERATIONS.md, section 7, à chaque limite.\n")
               : ERR_OK;
}

enum err status_run(struct asked *a)
{
    struct totals t = {0};
    struct store_stats s;
    size_t nodes;
    enum err e;

    if ((e = store_stats(a->c->store, &s)))
        return e;
    nodes = mailbox_each(a->c, total_one, &t);
    if ((e = data_fill(a, nodes, &t, &s)))
        return e;
    if ((e = recovery_text(a->c, &a->text)) || (e = head_text(a, nodes, &t)) ||
        (e = waiting_text(a)) || (e = store_text(a, &s)))
        return e;
    if ((e = damaged_text(a)) || (e = memory_text(a)) || (e = refusals_text(a)) ||
        (e = witness_facts(a)) || (e = clock_say(a)) || (e = silent_say(a)) ||
        (e = absent_say(a)) || (e = escalated_say(a)) || (e = operators_facts(a)) ||
        (e = key_facts(a)))
        return e;
    return limits_text(a);
}
