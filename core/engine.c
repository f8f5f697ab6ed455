/* SPDX-License-Identifier: Apache-2.0
 *
 * engine.c - the threads that everything configured runs on.  See engine.h.
 */
#include "engine.h"

#include "clock.h"

#include <stdio.h>

void
engine_init(struct engine *engine, const struct engine_options *options)
{
    engine->options = *options;
    engine->options.observer = memory_text(options->observer);
    engine->options.state_dir = memory_text(options->state_dir);
    engine->delivery = loop_new("delivery");
    engine->workers = workers_new((unsigned)options->workers);
    engine->homes = memory_array((size_t)options->loops, sizeof(*engine->homes));
    for (int64_t i = 0; i < options->loops; i++) {
        char name[16];

        snprintf(name, sizeof(name), "loop-%d", (int)i);
        engine->homes[i].loop = loop_new(name);
        engine->homes[i].workers = engine->workers;
        engine->homes[i].seq = &engine->seq;
    }
}

void
engine_start(struct engine *engine)
{
    loop_start(engine->delivery);
    for (int64_t i = 0; i < engine->options.loops; i++) {
        engine->homes[i].keep = engine->keep;
        loop_start(engine->homes[i].loop);
    }
    engine->started = true;
}

void
engine_add_loop(struct engine *engine, struct loop *loop)
{
    engine->others = memory_grow(engine->others, engine->other_count + 1,
                                 sizeof(struct loop *));
    engine->others[engine->other_count++] = loop;
}

void
engine_remove_loop(struct engine *engine, const struct loop *loop)
{
    for (size_t i = 0; i < engine->other_count; i++) {
        if (engine->others[i] == loop) {
            engine->others[i] = engine->others[--engine->other_count];
            return;
        }
    }
}

/* ---- after all that was posted ---- */

struct after {
    struct engine *engine;
    atomic_size_t left; /* loops that have not come to it */
    loop_fn *fn;
    void *arg;
};

static void
engine_came_back(void *arg)
{
    struct after *after = arg;

    after->engine->pending--;
    after->fn(after->arg);
    free(after);
}

static void
engine_passed(void *arg)
{
    struct after *after = arg;

    if (atomic_fetch_sub(&after->left, 1) == 1)
        loop_post(after->engine->main, engine_came_back, after);
}

void
engine_after(struct engine *engine, loop_fn *fn, void *arg)
{
    struct after *after;

    if (!engine->started) {
        fn(arg);
        return;
    }
    after = memory_new(sizeof(*after));
    *after = (struct after){ .engine = engine, .fn = fn, .arg = arg };
    atomic_init(&after->left, (size_t)engine->options.loops + engine->other_count + 1);
    engine->pending++;
    loop_post(engine->delivery, engine_passed, after);
    for (int64_t i = 0; i < engine->options.loops; i++)
        loop_post(engine->homes[i].loop, engine_passed, after);
    for (size_t i = 0; i < engine->other_count; i++)
        loop_post(engine->others[i], engine_passed, after);
}

static void
engine_trim_home(void *arg)
{
    struct check_home *home = arg;

    check_home_trim(home);
    loop_trim(home->loop);
}

void
engine_trim(struct engine *engine)
{
    for (int64_t i = 0; i < engine->options.loops; i++)
        loop_post(engine->homes[i].loop, engine_trim_home, &engine->homes[i]);
}

/* ---- the end ---- */

static void
engine_unshare(void *arg)
{
    loop_unshare(arg);
}

static bool
engine_stop_loop(struct loop *loop, int64_t deadline)
{
    return loop_call(loop, engine_unshare, loop, deadline) && loop_join(loop, deadline);
}

bool
engine_stop(struct engine *engine, int64_t deadline, bool *workers)
{
    bool all = true;

    *workers = !workers_free(engine->workers, deadline);
    if (*workers)
        return false;
    engine->workers = NULL;
    for (int64_t i = 0; i < engine->options.loops; i++)
        all &= engine_stop_loop(engine->homes[i].loop, deadline);
    all &= engine_stop_loop(engine->delivery, deadline);
    engine->started = !all;
    return all;
}

void
engine_deinit(struct engine *engine)
{
    workers_free(engine->workers, clock_now());
    for (int64_t i = 0; engine->homes && i < engine->options.loops; i++) {
        loop_free(engine->homes[i].loop);
        free(engine->homes[i].checks);
        check_home_trim(&engine->homes[i]);
    }
    loop_free(engine->delivery);
    free(engine->homes);
    free(engine->others);
    free((char *)(uintptr_t)engine->options.observer);
    free((char *)(uintptr_t)engine->options.state_dir);
}
