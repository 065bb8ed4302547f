#include "metrics.h"

#include <inttypes.h>
#include <string.h>

static const uint64_t steps_us[HISTOGRAM_STEPS] = {
    100,   200,    500,    1000,   2000,    5000,    10000,   20000,
    50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000,
};
#define US_PER_S 1000000

struct metrics metrics_over(struct bytes *out)
{
    return (struct metrics){.out = out};
}

static void keep(struct metrics *m, enum err e)
{
    if (!m->failed)
        m->failed = e;
}

void metric_family(struct metrics *m, const char *name, enum metric_kind kind, const char *help)
{
    static const char *const kinds[] = {"gauge", "counter", "histogram"};

    m->family = name;
    if (!m->failed)
        keep(m,
             bytes_printf(m->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kinds[kind]));
}

void metric_value(struct metrics *m, uint64_t value)
{
    if (!m->failed)
        keep(m, bytes_printf(m->out, "%s %" PRIu64 "\n", m->family, value));
}

void metric_signed(struct metrics *m, int64_t value)
{
    if (!m->failed)
        keep(m, bytes_printf(m->out, "%s %" PRId64 "\n", m->family, value));
}

static void escaped(struct metrics *m, const char *text)
{
    for (; *text && !m->failed; text++) {
        if (*text == '\n')
            keep(m, bytes_append(m->out, SPAN_STR("\\n")));
        else if (*text == '\\' || *text == '"')
            keep(m, bytes_printf(m->out, "\\%c", *text));
        else
            keep(m, bytes_append(m->out, span_of(text, 1)));
    }
}

void metric_labelled(struct metrics *m, const char *label, const char *label_value, uint64_t value)
{
    if (!m->failed)
        keep(m, bytes_printf(m->out, "%s{%s=\"", m->family, label));
    escaped(m, label_value);
    if (!m->failed)
        keep(m, bytes_printf(m->out, "\"} %" PRIu64 "\n", value));
}

void metric_one(struct metrics *m, const char *name, enum metric_kind kind, const char *help,
                uint64_t value)
{
    metric_family(m, name, kind, help);
    metric_value(m, value);
}

/* --- histograms ------------------------------------------------------------------------------ */

void histogram_add(struct histogram *h, uint64_t us)
{
    size_t i = 0;

    while (i < HISTOGRAM_STEPS && us > steps_us[i])
        i++;
    h->count[i]++;
    h->sum_us += us;
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= HISTOGRAM_STEPS; i++)
        n += h->count[i];
    return n;
}

uint64_t histogram_percentile_us(const struct histogram *h, unsigned percent)
{
    uint64_t all = histogram_count(h);
    uint64_t below = 0;

    if (all == 0)
        return 0;
    for (size_t i = 0; i < HISTOGRAM_STEPS; i++) {
        below += h->count[i];
        if (below * 100 >= all * percent)
            return steps_us[i];
    }
    return steps_us[HISTOGRAM_STEPS - 1];
}

static void seconds(struct metrics *m, const char *before, uint64_t us, const char *after)
{
    if (!m->failed)
        keep(m, bytes_printf(m->out, "%s%s%" PRIu64 ".%06" PRIu64 "%s", m->family, before,
                             us / US_PER_S, us % US_PER_S, after));
}

static void number(struct metrics *m, uint64_t value)
{
    if (!m->failed)
        keep(m, bytes_printf(m->out, "%" PRIu64 "\n", value));
}

void metric_histogram(struct metrics *m, const char *name, const char *help,
                      const struct histogram *h)
{
    uint64_t below = 0;

    metric_family(m, name, METRIC_HISTOGRAM, help);
    for (size_t i = 0; i < HISTOGRAM_STEPS; i++) {
        below += h->count[i];
        seconds(m, "_bucket{le=\"", steps_us[i], "\"} ");
        number(m, below);
    }
    below += h->count[HISTOGRAM_STEPS];
    if (!m->failed)
        keep(m, bytes_printf(m->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, below));
    seconds(m, "_sum ", h->sum_us, "\n");
    if (!m->failed)
        keep(m, bytes_printf(m->out, "%s_count %" PRIu64 "\n", name, below));
}
