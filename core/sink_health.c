/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_health.c - how a sink finds its far side: a state with a reason.
 *
 * What the plugin says (sonde_health) goes before what its fates suggest, until it
 * says UP, or something is delivered while it said DOWN.  Every change of state is
 * logged once.  A sink that was found again is presented every state.
 */
#include "log.h"
#include "sink_inside.h"

#include <stdio.h>

#define SINK_FOUND_GAP  CLOCK_SECOND /* between two on_present */
#define SINK_MISSED_GAP (5 * CLOCK_SECOND)

void
sink_log(const struct sink_run *run, enum sonde_level level, const char *format, ...)
{
    char who[256];
    va_list args;

    snprintf(who, sizeof(who), "sink \"%s\"", run->sink->instance.name);
    va_start(args, format);
    log_about(level, who, format, args);
    va_end(args);
}

/* Every state is told again after the sink was found, and after a drop once there is
 * room; not in a storm where it comes and goes. */
void
sink_present(struct sink_run *run)
{
    struct sink *sink = run->sink;
    int64_t now = clock_now();
    bool due = false;

    if (!sink->on_present)
        return;
    pthread_mutex_lock(&run->lock);
    if (!sink->options.present || run->handing)
        due = false;
    else if (run->found)
        due = now - run->presented_at >= SINK_FOUND_GAP;
    else if (atomic_load(&run->missed))
        due = now - run->presented_at >= SINK_MISSED_GAP && run->health.state == SONDE_UP
              && sink_room(sink);
    if (due) {
        run->found = false;
        atomic_store(&run->missed, false);
        run->presented_at = now;
    }
    pthread_mutex_unlock(&run->lock);
    if (due)
        sink->on_present(sink, sink->arg);
}

static void
sink_tell_health(struct sink_run *run, const struct sink_health *health, int64_t away)
{
    char text[32];

    if (health->state != SONDE_UP)
        sink_log(run, SONDE_WARNING, "%s: %s", event_state_name(health->state),
                 health->why);
    else if (away >= 0)
        sink_log(run, SONDE_INFO, "UP again after %s",
                 text_duration_format(away < CLOCK_SECOND ? away / CLOCK_MS
                                                          : away / CLOCK_SECOND * 1000,
                                      text, sizeof(text)));
    else
        sink_log(run, SONDE_INFO, "UP");
}

/* Whether a state that the core concluded may replace what the plugin said.  With the
 * lock held. */
static bool
sink_may_conclude(const struct sink_run *run, enum sonde_state state)
{
    if (!run->own_word)
        return true;
    return run->health.state
           != (state == SONDE_UP     ? SONDE_DEGRADED
               : state == SONDE_DOWN ? SONDE_DOWN
                                     : state);
}

/* own: the plugin says so itself. */
void
sink_say(struct sink_run *run, enum sonde_state state, bool own, const char *why)
{
    struct sink *sink = run->sink;
    int64_t now = clock_now(), away = -1;
    struct sink_health health;
    enum sonde_state before;

    pthread_mutex_lock(&run->lock);
    before = run->health.state;
    if (!own && !sink_may_conclude(run, state)) {
        pthread_mutex_unlock(&run->lock);
        return;
    }
    run->own_word = own && state != SONDE_UP;
    run->health.state = state;
    if (state == SONDE_UP)
        run->health.why[0] = '\0';
    else
        batch_why(run->health.why, why && *why ? why : "the plugin does not say why");
    if (state != before) {
        run->health.since = clock_wall();
        if (state == SONDE_UP && run->lost_at)
            away = now - run->lost_at;
        if (before == SONDE_UP)
            run->lost_at = now;
        if (state == SONDE_DOWN)
            run->down_at = now;
        run->found |= state == SONDE_UP;
        if (own && state == SONDE_UP)
            run->resume_at = 0; /* the far side is there again: no need to wait longer */
    }
    atomic_store(&run->state, state);
    health = run->health;
    pthread_mutex_unlock(&run->lock);
    if (state == before)
        return;
    sink_tell_health(run, &health, away);
    if (sink->on_health)
        sink->on_health(sink, sink->arg);
    if (state == SONDE_UP) {
        sink_present(run);
        run->wake(run);
    }
}

void
sink_word(struct sonde_instance *self, enum sonde_state state, const char *why)
{
    struct sink *sink = (struct sink *)self;

    if (sink->run)
        sink_say(sink->run, state, true, why);
}

void
sink_health(const struct sink *sink, struct sink_health *health)
{
    *health = (struct sink_health){ .state = SONDE_UNKNOWN };
    if (!sink->run)
        return;
    pthread_mutex_lock(&sink->run->lock);
    *health = sink->run->health;
    pthread_mutex_unlock(&sink->run->lock);
}
