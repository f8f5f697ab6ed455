/* SPDX-License-Identifier: Apache-2.0
 *
 * present.c - tells a sink every state again.  See present.h.
 */
#include "present.h"

#include "clock.h"

enum {
    PRESENT_SLICE = 256, /* checks in one go, a fraction of a millisecond */
    PRESENT_PAUSE = 100, /* ms, until the queue may have room again */
};

/* The walk over one loop's checks. */
struct present {
    struct check_home *home;
    struct sink *sink;
    struct timer timer;
    size_t at;
    atomic_bool asked;
};

struct presents {
    struct engine *engine;
    size_t count;
    struct present each[];
};

static void
present_walk(struct timer *timer)
{
    struct present *present = container_of(timer, struct present, timer);
    struct check_home *home = present->home;
    int64_t pause = 0;

    for (int i = 0; i < PRESENT_SLICE && present->at < home->count; i++) {
        if (!sink_room(present->sink)) {
            pause = PRESENT_PAUSE * CLOCK_MS;
            break;
        }
        check_present(home->checks[present->at++], present->sink);
    }
    if (present->at < home->count)
        loop_set(home->loop, &present->timer, clock_now() + pause);
}

/* A sink's health differs: the daemon's own check says so at once. */
static void
presents_on_health(struct sink *sink, void *arg)
{
    const struct presents *presents = arg;

    (void)sink;
    sonde_recheck(&presents->engine->observer->instance);
}

static void
presents_on_present(struct sink *sink, void *arg)
{
    (void)sink;
    presents_ask(arg);
}

struct presents *
presents_new(struct sink *sink, struct engine *engine)
{
    size_t count = (size_t)engine->options.loops;
    struct presents *presents =
        memory_new(sizeof(*presents) + count * sizeof(*presents->each));

    presents->engine = engine;
    presents->count = count;
    for (size_t i = 0; i < count; i++) {
        presents->each[i].home = &engine->homes[i];
        presents->each[i].sink = sink;
        timer_init(&presents->each[i].timer, present_walk);
    }
    sink->on_health = presents_on_health;
    sink->on_present = presents_on_present;
    sink->arg = presents;
    return presents;
}

static void
present_begin(void *arg)
{
    struct present *present = arg;

    atomic_store(&present->asked, false);
    present->at = 0;
    loop_set(present->home->loop, &present->timer, clock_now());
}

void
presents_ask(struct presents *presents)
{
    for (size_t i = 0; i < presents->count; i++) {
        struct present *present = &presents->each[i];

        if (!atomic_exchange(&present->asked, true))
            loop_post(present->home->loop, present_begin, present);
    }
}

static void
present_end(void *arg)
{
    struct present *present = arg;

    loop_clear(present->home->loop, &present->timer);
}

void
presents_stop(struct presents *presents)
{
    for (size_t i = 0; i < presents->count; i++)
        loop_post(presents->each[i].home->loop, present_end, &presents->each[i]);
}

void
presents_free(struct presents *presents)
{
    free(presents);
}
