/* SPDX-License-Identifier: Apache-2.0
 *
 * limits.c - see limits.h.  One row a figure: how it is called, written and compared.
 */
#include "limits.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_TEXT = 48 };

enum limits_sense { ABOVE, BELOW, REACHED };
enum limits_kind { PERCENT, BYTES, COUNT, SECONDS };

static const struct {
    const char *name, *subject; /* of the options; in a sentence */
    const char *metric, *unit;
    const char *idle; /* the option at fault where warn would say nothing */
    enum limits_sense sense;
    enum limits_kind kind;
} rows[FIGURES] = {
    [FIGURE_CPU] = { "cpu", "cpu", "cpu", "percent", "cpu_warn", ABOVE, PERCENT },
    [FIGURE_RSS] = { "rss", "rss", "rss", "bytes", "rss_warn", ABOVE, BYTES },
    [FIGURE_PSS] = { "pss", "pss", "pss", "bytes", "pss_warn", ABOVE, BYTES },
    [FIGURE_THREADS] = { "threads", "number of threads", "threads", NULL, "threads_warn",
                         ABOVE, COUNT },
    [FIGURE_FDS] = { "fds", "number of descriptors", "fds", NULL, "fds_warn", ABOVE,
                     COUNT },
    [FIGURE_UPTIME] = { "uptime", "uptime", "uptime", "seconds", "uptime_warn", BELOW,
                        SECONDS },
    [FIGURE_RESTARTS] = { "restarts", "restarts", "restarts", NULL, "restarts_warn",
                          REACHED, COUNT },
};

/* ---- texts ---- */

static const char *
limits_bytes_text(double value, char *text)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;

    for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
        value /= 1024;
    snprintf(text, VALUE_TEXT, "%.5g %s", value, units[unit]);
    return text;
}

static const char *
limits_value_text(enum limits_kind kind, double value, char *text)
{
    switch (kind) {
    case PERCENT:
        snprintf(text, VALUE_TEXT, "%.4g %%", value);
        break;
    case BYTES:
        return limits_bytes_text(value, text);
    case COUNT:
        snprintf(text, VALUE_TEXT, "%.0f", value);
        break;
    case SECONDS:
        snprintf(text, VALUE_TEXT, "%.5g s", value);
        break;
    }
    return text;
}

void
limits_describe(const struct figures *figures, char *text, size_t size)
{
    size_t used = 0;
    char value[VALUE_TEXT];

    *text = '\0';
    for (enum figure f = 0; f < FIGURES; f++) {
        if (!figures->each[f].known || used >= size)
            continue;
        limits_value_text(rows[f].kind, figures->each[f].value, value);
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", used ? ", " : "",
                                 rows[f].name, value);
    }
}

void
limits_report(struct sonde_event *event, const struct figures *figures)
{
    for (enum figure f = 0; f < FIGURES; f++)
        if (figures->each[f].known)
            sonde_metric(event, rows[f].metric, figures->each[f].value, rows[f].unit);
}

/* ---- judgement ---- */

bool
limits_asked(const struct limits *limits, enum figure figure)
{
    return limits->each[figure].warn > 0 || limits->each[figure].fail > 0;
}

const char *
limits_check(const struct limits *limits)
{
    for (enum figure f = 0; f < FIGURES; f++) {
        double warn = limits->each[f].warn, fail = limits->each[f].fail;

        if (warn > 0 && fail > 0
            && (rows[f].sense == BELOW ? warn <= fail : warn >= fail))
            return rows[f].idle;
    }
    return NULL;
}

static bool
limits_crossed(enum figure figure, double value, double limit)
{
    if (limit <= 0)
        return false;
    switch (rows[figure].sense) {
    case ABOVE:
        return value > limit;
    case BELOW:
        return value < limit;
    case REACHED:
        return value >= limit;
    }
    return false;
}

/* Whose: one process, or several and the largest of them. */
static void
limits_sentence(const struct limits *limits, const struct figures *figures,
                enum figure figure, bool fail, char *text, size_t size)
{
    const struct figure_value *sum = &figures->each[figure];
    const char *which = fail ? "fail" : "warn", *name = rows[figure].name;
    bool several = figures->count > 1 && figure != FIGURE_UPTIME;
    double limit = fail ? limits->each[figure].fail : limits->each[figure].warn;
    char value[VALUE_TEXT], most[VALUE_TEXT], largest[VALUE_TEXT];

    limits_value_text(rows[figure].kind, sum->value, value);
    limits_value_text(rows[figure].kind, limit, most);
    limits_value_text(rows[figure].kind, sum->largest, largest);
    if (figure == FIGURE_RESTARTS)
        snprintf(text, size, "%s restart%s within %.5g s, as many as %s_%s = %s", value,
                 sum->value > 1 ? "s" : "", (double)limits->window / 1e3, name, which,
                 most);
    else if (several)
        snprintf(text, size,
                 "%s of %zu processes is %s, more than %s_%s = %s; the largest is pid %d "
                 "(%s) with %s",
                 rows[figure].subject, figures->count, value, name, which, most,
                 (int)sum->pid, sum->name, largest);
    else
        snprintf(text, size, "%s of pid %d (%s) is %s, %s than %s_%s = %s",
                 rows[figure].subject, (int)sum->pid, sum->name, value,
                 rows[figure].sense == BELOW ? "less" : "more", name, which, most);
}

/* How many are crossed, in one sentence: the first whole, the others by name. */
static unsigned
limits_find(const struct limits *limits, const struct figures *figures, bool fail,
            char *text, size_t size)
{
    unsigned crossed = 0;
    size_t used = 0;

    for (enum figure f = 0; f < FIGURES; f++) {
        double limit = fail ? limits->each[f].fail : limits->each[f].warn;

        if (!figures->each[f].known || !limits_crossed(f, figures->each[f].value, limit))
            continue;
        if (!crossed++)
            limits_sentence(limits, figures, f, fail, text, size);
        else
            snprintf(text + used, size - used, "%s %s_%s", crossed > 2 ? "," : "; also",
                     rows[f].name, fail ? "fail" : "warn");
        used = strlen(text);
    }
    return crossed;
}

static void
limits_change_sentence(const struct figure_change *change, char *text, size_t size)
{
    snprintf(text, size, "pid %d (%s) changed from uid %u, gid %u to uid %u, gid %u",
             (int)change->pid, change->name, (unsigned)change->was.uid,
             (unsigned)change->was.gid, (unsigned)change->is.uid,
             (unsigned)change->is.gid);
}

enum sonde_state
limits_judge(const struct limits *limits, const struct figures *figures, char *text,
             size_t size)
{
    bool changed = figures->change.pid && limits->id_change != CHANGE_IGNORE;

    if (changed && limits->id_change == CHANGE_FAIL) {
        limits_change_sentence(&figures->change, text, size);
        return SONDE_DOWN;
    }
    if (limits_find(limits, figures, true, text, size))
        return SONDE_DOWN;
    if (changed) {
        limits_change_sentence(&figures->change, text, size);
        return SONDE_DEGRADED;
    }
    if (limits_find(limits, figures, false, text, size))
        return SONDE_DEGRADED;
    *text = '\0';
    return SONDE_UP;
}
