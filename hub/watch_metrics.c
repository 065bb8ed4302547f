/* The figures of the hub in the Prometheus text format: one place, one family a block. */
#include "door.h"
#include "watch_internal.h"

#define MS_PER_S 1000

static const char *const age_names[AGES] = {
    [AGE_MINUTE] = "under 1m", [AGE_HOUR] = "1m to 1h", [AGE_DAY] = "1h to 1d",
    [AGE_WEEK] = "1d to 7d",   [AGE_OLDER] = "over 7d",
};

static void messages(struct metrics *m, const struct figures *f)
{
    metric_family(m, "relais_hub_messages_total", METRIC_COUNTER, "Messages by what was decided.");
    metric_labelled(m, "state", "accepted", f->accepted);
    metric_labelled(m, "state", "delivered", f->delivered);
    metric_labelled(m, "state", "reported", f->reports);
    metric_labelled(m, "state", "held", f->held);
    metric_labelled(m, "state", "expired", f->expired);
    metric_labelled(m, "state", "recalled", f->recalled);
    metric_labelled(m, "state", "released_to_deputy", f->released);
    metric_one(m, "relais_hub_statements_total", METRIC_COUNTER,
               "Statements added to the chains of circles.", f->statements);
    metric_one(m, "relais_hub_damaged_total", METRIC_COUNTER,
               "Deliveries whose bytes the disk has lost; both sides were told.", f->damaged);
    metric_one(m, "relais_hub_clones_total", METRIC_COUNTER, "Alarms of a node in two copies.",
               f->clones);
}

static void refusals(struct metrics *m, const struct watch *w)
{
    metric_family(m, "relais_hub_refused_total", METRIC_COUNTER, "Refusals by error.");
    for (unsigned code = 1; code < ERR_CODES; code++) {
        uint64_t n = w->seen.f.refused[code] + (w->door ? door_refused(w->door, code) : 0);

        if (err_known(code) && n > 0)
            metric_labelled(m, "error", err_name((enum err)code), n);
    }
    metric_one(m, "relais_hub_refusals_unsigned_total", METRIC_COUNTER,
               "Refusals without a leaf of their own: their number has one the day after.",
               w->seen.f.untold);
}

static void waiting(struct metrics *m, const struct figures *f)
{
    metric_family(m, "relais_hub_deliveries_waiting", METRIC_GAUGE,
                  "Deliveries not acknowledged yet, by the time since they were accepted.");
    for (int i = 0; i < AGES; i++)
        metric_labelled(m, "age", age_names[i], f->waiting_by_age[i]);
    metric_one(m, "relais_hub_oldest_delivery_seconds", METRIC_GAUGE,
               "Age of the oldest delivery that waits.", f->oldest_ms / MS_PER_S);
    metric_one(m, "relais_hub_nodes", METRIC_GAUGE, "Nodes of the directory.", f->nodes);
    metric_one(m, "relais_hub_sessions", METRIC_GAUGE, "Open sessions.", f->sessions);
    metric_one(m, "relais_hub_nodes_stopped", METRIC_GAUGE,
               "Nodes without delivery after a clone alarm.", f->cloned);
    metric_one(m, "relais_hub_invitations", METRIC_GAUGE, "Invitations on their way.",
               f->invitations);
}

static void attachments(struct metrics *m, const struct figures *f)
{
    metric_one(m, "relais_hub_attachments", METRIC_GAUGE, "Attachments kept.", f->att.count);
    metric_family(m, "relais_hub_attachment_bytes", METRIC_GAUGE,
                  "What they take, of how much; what the organisation that keeps most takes.");
    metric_labelled(m, "kind", "used", f->att.bytes);
    metric_labelled(m, "kind", "max", f->att.max_bytes);
    metric_labelled(m, "kind", "fullest", f->att.fullest_bytes);
    metric_labelled(m, "kind", "quota", f->att.quota_bytes);
    metric_one(m, "relais_hub_attachments_removed_total", METRIC_COUNTER,
               "Attachments let go since the start.", f->att.removed);
    metric_one(m, "relais_hub_attachments_refused_total", METRIC_COUNTER,
               "Deposits put off because a quota was full.", f->att.refused);
    metric_one(m, "relais_hub_attachments_strangers_total", METRIC_COUNTER,
               "Attachments asked for by who may not have them.", f->att.strangers);
}

static void store(struct metrics *m, const struct figures *f)
{
    const struct store_stats *s = &f->store;

    metric_family(m, "relais_hub_store_bytes", METRIC_GAUGE,
                  "Store: pages in use, its file, pages to be used again, quota.");
    metric_labelled(m, "kind", "used", s->used_bytes);
    metric_labelled(m, "kind", "file", s->file_bytes);
    metric_labelled(m, "kind", "free", s->free_pages * s->page_bytes);
    metric_labelled(m, "kind", "quota", s->quota_bytes);
    metric_family(m, "relais_hub_store_growth_bytes_per_day", METRIC_GAUGE,
                  "Growth of the pages in use, from the last day; 0 in the first hour.");
    metric_signed(m, f->growth_per_day);
    metric_one(m, "relais_hub_store_readers", METRIC_GAUGE, "Live reads of the store.", s->readers);
    metric_one(m, "relais_hub_store_reader_age_seconds", METRIC_GAUGE, "Age of the oldest of them.",
               f->reader_age_ms / MS_PER_S);
    metric_one(m, "relais_hub_commits_total", METRIC_COUNTER, "Commits.", f->commits);
    metric_one(m, "relais_hub_failed_commits_total", METRIC_COUNTER,
               "Groups that were not confirmed: their senders ask again.", f->failed_commits);
    metric_family(m, "relais_hub_log_leaves", METRIC_GAUGE, "Leaves of the two logs.");
    metric_labelled(m, "log", "keys", f->keys_size);
    metric_labelled(m, "log", "audit", f->audit_size);
    metric_histogram(m, "relais_hub_accept_seconds",
                     "From a message's arrival to its receipt, after the commit.", &f->accept);
    metric_histogram(m, "relais_hub_commit_seconds", "The commit of a group.", &f->commit);
}

static void witnesses(struct metrics *m, const struct figures *f)
{
    metric_one(m, "relais_hub_witnesses", METRIC_GAUGE, "Witnesses of the set in force.",
               f->witnesses);
    metric_one(m, "relais_hub_witness_lag_leaves", METRIC_GAUGE,
               "Leaves of the audit log that no quorum has cosigned yet.", f->witness_lag);
    metric_one(m, "relais_hub_witness_age_seconds", METRIC_GAUGE,
               "Since the older of the two logs' last quorum.", f->witness_age_s);
}

static void machine(struct metrics *m, const struct seen *s)
{
    metric_one(m, "relais_hub_memory_bytes", METRIC_GAUGE, "Memory held, without the store's map.",
               s->m.held_bytes);
    metric_one(m, "relais_hub_memory_max_bytes", METRIC_GAUGE, "Bound of it (memory_max).",
               s->memory_max_bytes);
    metric_one(m, "relais_hub_descriptors", METRIC_GAUGE, "Open descriptors.", s->m.descriptors);
    metric_one(m, "relais_hub_descriptors_max", METRIC_GAUGE, "Bound of it.", s->m.descriptors_max);
    metric_one(m, "relais_hub_disk_bytes", METRIC_GAUGE, "Size of the store's file system.",
               s->m.disk_bytes);
    metric_one(m, "relais_hub_disk_free_bytes", METRIC_GAUGE, "What is free of it.",
               s->m.disk_free_bytes);
    metric_one(m, "relais_hub_clock_synchronised", METRIC_GAUGE,
               "1: a time service keeps the clock.", s->m.clock_synchronised);
    metric_family(m, "relais_hub_queue_depth", METRIC_GAUGE, "Work between the threads.");
    metric_labelled(m, "queue", "to_store", s->in_depth);
    metric_labelled(m, "queue", "from_store", s->out_depth);
    metric_family(m, "relais_hub_store_thread_silent_seconds", METRIC_GAUGE,
                  "Since the store thread was last heard.");
    metric_value(m, s->silent_ms / MS_PER_S);
}

static void bounds(struct metrics *m, const struct watch *w)
{
    metric_family(m, "relais_hub_limit", METRIC_GAUGE, "Figures that have a limit.");
    for (size_t i = 0; i < LIMITS; i++)
        metric_labelled(m, "limit", limits[i].name, w->value[i]);
    metric_family(m, "relais_hub_limit_level", METRIC_GAUGE, "0: fine, 1: near, 2: reached.");
    for (size_t i = 0; i < LIMITS; i++)
        metric_labelled(m, "limit", limits[i].name, (uint64_t)w->level[i]);
    metric_one(m, "relais_hub_ready", METRIC_GAUGE, "1: the hub takes and delivers.",
               watch_why_not_ready(w) == NULL);
}

enum err watch_metrics(const struct watch *w, struct bytes *out)
{
    struct metrics m = metrics_over(out);

    messages(&m, &w->seen.f);
    refusals(&m, w);
    waiting(&m, &w->seen.f);
    store(&m, &w->seen.f);
    attachments(&m, &w->seen.f);
    witnesses(&m, &w->seen.f);
    machine(&m, &w->seen);
    if (w->door)
        door_metrics(w->door, &m);
    bounds(&m, w);
    return m.failed;
}
