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

static void
present_walk(struct timer *timer)
{
    struct present *present = container_of(timer, struct present, timer);
    struct check_home *home = present->home;
    int64_t pause = 0;

    for (int i = 0; i < PRESENT_SLICE && present->at < home->count; i++) {
        if (!queue_room(present->sink->queue)) {
            pause = PRESENT_PAUSE * CLOCK_MS;
            break;
        }
        check_present(home->checks[present->at++], present->sink);
    }
    if (present->at < home->count)
        loop_set(home->loop, &present->timer, clock_now() + pause);
}

void
present_init(struct present *present, struct check_home *home, struct sink *sink)
{
    *present = (struct present){ .home = home, .sink = sink };
    timer_init(&present->timer, present_walk);
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
present_ask(struct present *present)
{
    if (!atomic_exchange(&present->asked, true))
        loop_post(present->home->loop, present_begin, present);
}

void
present_stop(struct present *present)
{
    loop_clear(present->home->loop, &present->timer);
}
