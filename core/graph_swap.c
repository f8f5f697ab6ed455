/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_swap.c - a graph put in the place of another, while all goes on.
 *
 * The main thread finds out what is the same, makes the new sinks ready to be pushed to,
 * and posts to each loop; there the checks change over in one go.  Then no loop knows
 * the old paths any more, the old sinks leave, and what is of no use is freed.  Nothing
 * waits for anything: a loop that is stuck only puts the end of it off.
 */
#include "graph_inside.h"

#include "clock.h"
#include "observer.h"

#include <string.h>

/* A check before and after; one of them may be missing. */
struct swap_check {
    struct check *was, *fresh;
    const struct path *path; /* where the last word of a removed one goes */
    bool same;               /* was goes on, fresh is thrown away */
    bool adjusted;           /* the loop's answer: was goes on by other rules */
    bool stuck;              /* likewise: was has a run on a worker still */
};

/* Of one loop. */
struct swap_home {
    struct swap *swap;
    struct check_home *home;
    struct swap_check *each;
    size_t count, room;
};

struct swap_sink {
    struct sink *was, *heir;
    bool stays;
};

struct swap {
    struct graph *graph, *old; /* old NULL: the first start */
    struct retired *retired;
    struct swap_home *homes;
    struct swap_sink *sinks; /* for each of old */
    struct diff diff;
    graph_swapped_fn *fn;
    void *arg;
};

/* ---- sinks ---- */

static struct swap_sink *
swap_sink_of(struct swap *swap, const struct sink *fresh)
{
    for (size_t i = 0; swap->old && i < swap->old->sink_count; i++)
        if (strcmp(swap->sinks[i].was->instance.name, fresh->instance.name) == 0)
            return &swap->sinks[i];
    return NULL;
}

static void
swap_prepare(struct swap *swap, struct sink *fresh)
{
    struct engine *engine = swap->graph->engine;

    graph_keep_sink(swap->graph, fresh);
    presents_new(fresh, engine);
    sink_prepare(fresh, engine->delivery, engine->workers);
}

/* One that drains since an earlier reload had it removed is back: it gives what is left.
 */
static void
swap_sink_new(struct swap *swap, struct sink *fresh)
{
    struct sink *was = retire_find(swap->retired, fresh->instance.name);

    if (was)
        sink_inherit(fresh, was);
    swap_prepare(swap, fresh);
    if (was) {
        retire_send_to(swap->retired, was, fresh);
        retire_hand_over(swap->retired, was, fresh);
    } else
        sink_start(fresh, swap->graph->engine->delivery, swap->graph->engine->workers);
    if (swap->old)
        graph_diff_count(&swap->diff, DIFF_SINK, DIFF_ADDED, fresh->instance.name);
}

static void
swap_sink_stays(struct swap *swap, size_t at, struct swap_sink *pair)
{
    struct graph *graph = swap->graph;
    struct sink *fresh = graph->sinks[at], *was = pair->was;

    pair->stays = true;
    if (sink_adopt(was, fresh))
        graph_diff_count(&swap->diff, DIFF_SINK, DIFF_ADJUSTED, was->instance.name);
    router_exchange(graph->router, fresh, was);
    graph->sinks[at] = was;
    retire_free_sink(graph->engine, fresh);
}

static void
swap_sink_changes(struct swap *swap, struct sink *fresh, struct swap_sink *pair)
{
    pair->heir = fresh;
    sink_inherit(fresh, pair->was);
    swap_prepare(swap, fresh);
    graph_diff_count(&swap->diff, DIFF_SINK, DIFF_CHANGED, fresh->instance.name);
}

/* Of the new graph; NULL: it has none of that name. */
static struct sink *
swap_sink_named(const struct swap *swap, const char *name)
{
    const struct graph *graph = swap->graph;

    for (size_t i = 0; name && i < graph->sink_count; i++)
        if (strcmp(graph->sinks[i]->instance.name, name) == 0)
            return graph->sinks[i];
    return NULL;
}

/* What is rejected goes to sinks of the new graph, also from those that leave; what is
 * sent to one that leaves for good is not lost by that. */
static void
swap_link_sinks(struct swap *swap)
{
    struct graph *graph = swap->graph;

    for (size_t i = 0; i < graph->sink_count; i++)
        sink_send_to(graph->sinks[i],
                     swap_sink_named(swap, graph->sinks[i]->options.otherwise));
    for (size_t i = 0; swap->old && i < swap->old->sink_count; i++) {
        struct swap_sink *pair = &swap->sinks[i];
        struct sink *other = swap_sink_named(swap, pair->was->options.otherwise);

        if (!pair->stays && other)
            sink_send_to(pair->was, other);
        if (pair->heir)
            retire_send_to(swap->retired, pair->was, pair->heir);
    }
}

static void
swap_plan_sinks(struct swap *swap)
{
    struct graph *graph = swap->graph, *old = swap->old;

    swap->sinks = memory_array(old ? old->sink_count : 0, sizeof(*swap->sinks));
    for (size_t i = 0; old && i < old->sink_count; i++)
        swap->sinks[i].was = old->sinks[i];
    for (size_t i = 0; i < graph->sink_count; i++) {
        struct sink *fresh = graph->sinks[i];
        struct swap_sink *pair = swap_sink_of(swap, fresh);

        if (!pair)
            swap_sink_new(swap, fresh);
        else if (sink_same(pair->was, fresh))
            swap_sink_stays(swap, i, pair);
        else
            swap_sink_changes(swap, fresh, pair);
    }
    swap_link_sinks(swap);
    for (size_t i = 0; old && i < old->sink_count; i++)
        if (!swap->sinks[i].stays && !swap->sinks[i].heir)
            graph_diff_count(&swap->diff, DIFF_SINK, DIFF_REMOVED,
                             swap->sinks[i].was->instance.name);
}

/* No loop pushes to them any more. */
static void
swap_end_sinks(struct swap *swap)
{
    for (size_t i = 0; swap->old && i < swap->old->sink_count; i++)
        if (!swap->sinks[i].stays)
            retire_sink(swap->retired, swap->sinks[i].was, swap->sinks[i].heir);
}

/* ---- checks ---- */

static int
swap_by_name(const void *a, const void *b)
{
    const struct check *const *left = a, *const *right = b;

    return strcmp((*left)->instance.name, (*right)->instance.name);
}

static struct swap_check *
swap_add(struct swap *swap, struct check *was, struct check *fresh)
{
    struct check_home *homes = swap->graph->engine->homes;
    struct swap_home *home = &swap->homes[(fresh ? fresh : was)->home - homes];

    if (home->count == home->room) {
        home->room = home->room ? home->room * 2 : 64;
        home->each = memory_grow(home->each, home->room, sizeof(*home->each));
    }
    home->each[home->count] = (struct swap_check){ .was = was, .fresh = fresh };
    return &home->each[home->count++];
}

static bool
swap_same(const struct check *was, const struct check *fresh)
{
    const struct plugin *plugin = was->instance.plugin;

    return plugin == fresh->instance.plugin
           && option_equal(was->instance.private, fresh->instance.private,
                           plugin->options);
}

static void
swap_plan_check(struct swap *swap, size_t at, struct check *was)
{
    struct graph *graph = swap->graph;
    struct check *fresh = graph->checks[at];
    struct swap_check *pair = swap_add(swap, was, fresh);
    const char *name = fresh->instance.name;

    pair->same = was && swap_same(was, fresh);
    if (pair->same)
        graph->checks[at] = was;
    if (!was)
        fresh->known = recall_enter(keep_recall(graph->engine->keep), fresh->known);
    if (was && !pair->same)
        graph_diff_count(&swap->diff, DIFF_CHECK, DIFF_CHANGED, name);
    else if (!was && swap->old)
        graph_diff_count(&swap->diff, DIFF_CHECK, DIFF_ADDED, name);
}

static void
swap_plan_removed(struct swap *swap, struct check *was)
{
    struct swap_check *pair = swap_add(swap, was, NULL);

    pair->path = router_path(swap->graph->router, was->known->origin);
    graph_diff_count(&swap->diff, DIFF_CHECK, DIFF_REMOVED, was->instance.name);
}

static void
swap_plan_checks(struct swap *swap)
{
    struct graph *graph = swap->graph, *old = swap->old;
    size_t count = old ? old->check_count : 0;
    AUTO_FREE bool *found = memory_array(count, sizeof(*found));

    if (count)
        qsort(old->checks, count, sizeof(*old->checks), swap_by_name);
    for (size_t i = 0; i < graph->check_count; i++) {
        struct check **was = count ? bsearch(&graph->checks[i], old->checks, count,
                                             sizeof(*old->checks), swap_by_name)
                                   : NULL;

        if (was)
            found[was - old->checks] = true;
        swap_plan_check(swap, i, was ? *was : NULL);
    }
    for (size_t i = 0; i < count; i++)
        if (!found[i])
            swap_plan_removed(swap, old->checks[i]);
}

/* ---- on a loop ---- */

static void
swap_remove(const struct swap *swap, const struct swap_check *pair)
{
    struct check *was = pair->was;
    struct recall *recall = keep_recall(swap->graph->engine->keep);

    recall_lock(recall, was->known);
    graph_say_removed(swap->graph, pair->path, was->known, loop_pool(was->home->loop));
    recall_unlock(recall, was->known);
}

static void
swap_look_at_new(const struct check *check, struct graph *graph)
{
    if (check->instance.plugin == &observer_plugin)
        ((struct observer *)check->instance.private)->graph = graph;
}

static void
swap_change_over(struct swap *swap, struct swap_check *pair)
{
    if (pair->same) {
        pair->adjusted = check_adopt(pair->was, pair->fresh);
        swap_look_at_new(pair->was, swap->graph);
        return;
    }
    if (pair->was)
        check_stop(pair->was);
    if (pair->was && pair->fresh)
        check_inherit(pair->fresh, pair->was);
    else if (pair->was)
        swap_remove(swap, pair);
    if (pair->fresh)
        check_start(pair->fresh);
    pair->stuck = pair->was && check_stuck(pair->was);
}

static void
swap_on_loop(void *arg)
{
    struct swap_home *of = arg;
    struct check_home *home = of->home;

    free(home->checks);
    home->checks = memory_array(of->count, sizeof(struct check *));
    home->count = 0;
    home->all = of->swap->graph->check_count;
    for (size_t i = 0; i < of->count; i++) {
        struct swap_check *pair = &of->each[i];

        swap_change_over(of->swap, pair);
        if (pair->fresh)
            home->checks[home->count++] = pair->same ? pair->was : pair->fresh;
    }
}

/* ---- the end ---- */

/* What a loop has let go of. */
static void
swap_end_checks(struct swap *swap)
{
    for (int64_t i = 0; i < swap->graph->options.loops; i++) {
        struct swap_home *home = &swap->homes[i];
        struct check **gone = memory_array(home->count, sizeof(*gone));
        size_t count = 0;

        for (size_t k = 0; k < home->count; k++) {
            struct swap_check *pair = &home->each[k];

            if (!pair->fresh)
                recall_leave(keep_recall(swap->graph->engine->keep), pair->was->known);
            if (pair->adjusted)
                graph_diff_count(&swap->diff, DIFF_CHECK, DIFF_ADJUSTED,
                                 pair->was->instance.name);
            if (pair->stuck)
                retire_check(swap->retired, pair->was);
            else if (pair->same || pair->was)
                gone[count++] = pair->same ? pair->fresh : pair->was;
        }
        retire_checks(swap->graph->engine, gone, count);
        free(home->each);
    }
}

/* Other checks reach the sinks that stay, perhaps. */
static void
swap_present_again(struct swap *swap)
{
    for (size_t i = 0; swap->old && i < swap->old->sink_count; i++)
        if (swap->sinks[i].stays)
            sink_present_again(swap->sinks[i].was);
}

static void
swap_free_old(struct graph *old)
{
    if (!old)
        return;
    router_free(old->router);
    free(old->checks);
    free(old->sinks);
    free(old->sources);
    arena_deinit(&old->memory);
    free(old);
}

/* No loop knows anything of the old graph any more. */
static void
swap_done(void *arg)
{
    struct swap *swap = arg;
    AUTO_FREE char *said = NULL;

    swap_end_sinks(swap);
    swap_end_checks(swap);
    said = graph_diff_text(&swap->diff);
    if (*said)
        swap_present_again(swap);
    swap_free_old(swap->old);
    engine_trim(swap->graph->engine);
    swap->fn(said, swap->arg);
    graph_diff_deinit(&swap->diff);
    free(swap->sinks);
    free(swap->homes);
    free(swap);
}

void
graph_swap(struct graph *graph, struct graph *old, struct retired *retired,
           graph_swapped_fn *fn, void *arg)
{
    struct swap *swap = memory_new(sizeof(*swap));
    struct engine *engine = graph->engine;
    size_t loops = (size_t)engine->options.loops;

    *swap = (struct swap){
        .graph = graph, .old = old, .retired = retired, .fn = fn, .arg = arg
    };
    swap->homes = memory_array(loops, sizeof(*swap->homes));
    router_keep(graph->router, engine->keep);
    if (old)
        graph_diff_routes(&swap->diff, old->router, graph->router);
    swap_plan_checks(swap);
    if (!old) {
        engine->observer = graph->checks[graph->check_count - 1];
        engine_start(engine);
    }
    swap_plan_sinks(swap);
    if (!old)
        graph_sweep(graph);
    graph_swap_sources(&(struct swap_sources){
        .graph = graph, .old = old, .retired = retired, .diff = &swap->diff });
    for (size_t i = 0; i < loops; i++) {
        swap->homes[i].swap = swap;
        swap->homes[i].home = &engine->homes[i];
        loop_post(engine->homes[i].loop, swap_on_loop, &swap->homes[i]);
    }
    engine_after(engine, swap_done, swap);
}
