/* SPDX-License-Identifier: Apache-2.0
 *
 * source.c - the life of a source: its start, anew after each that failed; what it is
 * told; its health; its end.  See source.h.
 */
#include "clock.h"
#include "log.h"
#include "source_inside.h"

#include <stdio.h>
#include <string.h>

#define SOURCE_PAUSE      (500 * CLOCK_MS) /* before the next start, doubled up to ... */
#define SOURCE_PAUSE_MOST (30 * CLOCK_SECOND)

/* ---- health ---- */

static void
source_tell_health(struct source *source, enum sonde_state state, const char *why)
{
    if (state == SONDE_UP)
        sonde_log(&source->instance, SONDE_INFO, "UP");
    else
        sonde_log(&source->instance, SONDE_WARNING, "%s: %s", event_state_name(state),
                  why);
}

void
source_say(struct source_run *run, enum sonde_state state, bool own, const char *why)
{
    struct source *source = run->source;
    bool differs, may;

    pthread_mutex_lock(&run->lock);
    may = own || !run->own_word;
    differs = may && run->health.state != state;
    if (may)
        run->own_word = own && state != SONDE_UP;
    if (differs) {
        run->health.state = state;
        run->health.since = clock_wall();
        snprintf(run->health.why, sizeof(run->health.why), "%s",
                 state == SONDE_UP ? ""
                 : why && *why     ? why
                                   : "the plugin does not say why");
    }
    pthread_mutex_unlock(&run->lock);
    if (!differs)
        return;
    source_tell_health(source, state, why);
    if (source->on_health)
        source->on_health(source, source->arg);
}

static void
source_word(struct sonde_instance *self, enum sonde_state state, const char *why)
{
    struct text clean = { 0 };

    text_clean(&clean, why, strlen(why));
    source_say(source_of(self)->run, state, true, clean.length ? clean.bytes : "");
    text_deinit(&clean);
}

void
source_health(const struct source *source, struct source_health *health)
{
    *health = (struct source_health){ .state = SONDE_UNKNOWN };
    if (!source->run)
        return;
    pthread_mutex_lock(&source->run->lock);
    *health = source->run->health;
    pthread_mutex_unlock(&source->run->lock);
}

/* ---- what it is told ---- */

static void
source_settled(uint64_t lane, uint64_t cookie, enum sonde_fate worst, void *arg)
{
    struct source_run *run = arg;
    struct sonde_instance *instance = &run->source->instance;

    if (instance->plugin->source.settled)
        instance->plugin->source.settled(instance, lane, cookie, worst);
}

static void
source_tell(void *arg)
{
    struct source_run *run = arg;

    source_book_tell(run->book, source_settled, run);
    atomic_store_explicit(&run->out, source_book_out(run->book), memory_order_relaxed);
    source_resume(run);
}

static void
source_wake(void *arg)
{
    struct source_run *run = arg;

    loop_post(run->source->loop, source_tell, run);
}

static void
source_look(struct timer *timer)
{
    source_resume(container_of(timer, struct source_run, look));
}

size_t
source_out(const struct source *source)
{
    return source->run ? atomic_load(&source->run->out) : 0;
}

/* ---- the life of a source ---- */

static void
source_begin(struct source_run *run)
{
    struct source *source = run->source;
    int64_t pause = SOURCE_PAUSE;

    /* The thread is the source's alone: what blocks here keeps nobody else. */
    if ((run->failures == 0 || instance_reopen(&source->instance) == 0)
        && instance_start(&source->instance) == 0) {
        run->started = true;
        run->heard = false;
        return;
    }
    source_say(run, SONDE_DOWN, false, source->instance.why);
    for (unsigned i = 0; i < run->failures && pause < SOURCE_PAUSE_MOST; i++)
        pause *= 2;
    run->failures++;
    loop_set(source->loop, &run->again,
             clock_now() + (pause < SOURCE_PAUSE_MOST ? pause : SOURCE_PAUSE_MOST));
}

static void
source_again(struct timer *timer)
{
    source_begin(container_of(timer, struct source_run, again));
}

static void
source_on_loop(void *arg)
{
    struct source_run *run = arg;

    if (!run->stopped)
        source_begin(run);
}

static void
source_settle_in(struct source_run *run)
{
    const struct source_home *home = &run->source->home;

    source_book_bounds_set(run->book, home->bounds);
    source_cache_clear(&run->cache);
    path_set_deinit(&run->own);
    run->otherwise = home->otherwise ? router_path_to(home->router, &run->own,
                                                      home->otherwise, "otherwise")
                                     : NULL;
}

void
source_prepare(struct source *source)
{
    struct source_run *run = memory_new(sizeof(*run));
    char thread[16];

    snprintf(thread, sizeof(thread), "source %s", source->instance.name);
    source->loop = loop_new(thread);
    run->source = source;
    run->book = source_book_new(source->home.bounds, source_wake, run);
    run->blank = origin_new(source->instance.name, source->instance.plugin->name,
                            source->home.observer, NULL, 0);
    source_settle_in(run);
    timer_init(&run->look, source_look);
    timer_init(&run->again, source_again);
    pthread_mutex_init(&run->lock, NULL);
    run->health = (struct source_health){ .state = SONDE_UNKNOWN, .since = clock_wall() };
    source->run = run;
    source->instance.loop = source->loop;
    source->instance.on_word = source_word;
}

void
source_start(struct source *source)
{
    loop_start(source->loop);
    loop_post(source->loop, source_on_loop, source->run);
}

/* ---- a reload ---- */

struct source_change {
    struct source_run *run;
    struct source_home home;
};

static void
source_change(void *arg)
{
    struct source_change *change = arg;
    struct source_run *run = change->run;

    run->source->home = change->home;
    run->full = NULL; /* is perhaps no more */
    source_settle_in(run);
    source_resume(run);
    free(change);
}

static bool
source_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
source_same_home(const struct source *a, const struct source *b)
{
    const struct source_home *one = &a->home, *other = &b->home;

    if (a->options.memory != b->options.memory || a->options.events != b->options.events
        || !source_same_text(a->options.otherwise, b->options.otherwise)
        || one->label_count != other->label_count)
        return false;
    for (size_t i = 0; i < one->label_count; i++)
        if (strcmp(one->labels[i].name, other->labels[i].name) != 0
            || strcmp(one->labels[i].value, other->labels[i].value) != 0)
            return false;
    return true;
}

bool
source_adopt(struct source *source, const struct source *fresh)
{
    struct source_change *change = memory_new(sizeof(*change));
    bool same = source_same_home(source, fresh);

    *change = (struct source_change){ source->run, fresh->home };
    source->options = fresh->options;
    loop_post(source->loop, source_change, change);
    return !same;
}

/* ---- the end ---- */

static void
source_off_loop(void *arg)
{
    struct source_run *run = arg;

    loop_clear(run->source->loop, &run->again);
    loop_clear(run->source->loop, &run->look);
    atomic_store(&run->stopped, true);
    instance_stop(&run->source->instance);
    atomic_store(&run->left, true);
}

void
source_leave(struct source *source)
{
    loop_post(source->loop, source_off_loop, source->run);
}

bool
source_left(const struct source *source)
{
    return atomic_load(&source->run->left);
}

bool
source_stop(struct source *source, int64_t deadline)
{
    bool stopped = !source->run
                   || loop_call(source->loop, source_off_loop, source->run, deadline);

    if (!stopped)
        log_warning("source \"%s\" is stuck in its plugin and left behind",
                    source->instance.name);
    return stopped;
}

static void
source_last(void *arg)
{
    struct source_run *run = arg;

    source_tell(run);
    loop_unshare(run->source->loop);
    atomic_store(&run->gone, true);
}

void
source_quit(struct source *source)
{
    loop_post(source->loop, source_last, source->run);
}

bool
source_gone(const struct source *source)
{
    return atomic_load(&source->run->gone);
}

bool
source_end(struct source *source, int64_t deadline)
{
    return !source->run
           || (loop_call(source->loop, source_last, source->run, deadline)
               && loop_join(source->loop, deadline));
}

void
source_deinit(struct source *source)
{
    struct source_run *run = source->run;

    instance_deinit(&source->instance);
    if (run) {
        source_book_close(run->book);
        source_cache_clear(&run->cache);
        path_set_deinit(&run->own);
        origin_unref(run->blank);
        pthread_mutex_destroy(&run->lock);
        free(run);
    }
    source->run = NULL;
    loop_free(source->loop);
    source->loop = NULL;
}
