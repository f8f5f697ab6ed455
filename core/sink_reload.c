/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_reload.c - what a reload does to a sink: it goes on with other options, or hands
 * its queue over to an heir, or ends beside those that stay.
 *
 * The queue itself goes over, so that nobody who pushes waits or notices.  Order holds,
 * since the heir takes nothing before the sink has let go of what is out.
 */
#include "sink_inside.h"

#include <string.h>

static bool
sink_same_format(const struct sink *a, const struct sink *b)
{
    if (a->format != b->format || !a->payload != !b->payload)
        return false;
    return !a->payload
           || strcmp(sonde_template_text(a->payload), sonde_template_text(b->payload))
                  == 0;
}

bool
sink_same(const struct sink *sink, const struct sink *fresh)
{
    const struct plugin *plugin = sink->instance.plugin;

    return plugin == fresh->instance.plugin && sink_same_format(sink, fresh)
           && !sink->options.disk == !fresh->options.disk
           && option_equal(sink->instance.private, fresh->instance.private,
                           plugin->options);
}

static bool
sink_same_otherwise(const struct sink *a, const struct sink *b)
{
    if (!a->otherwise || !b->otherwise)
        return a->otherwise == b->otherwise;
    return strcmp(a->otherwise, b->otherwise) == 0;
}

/* A spool that was there is kept until the next start: something may be on the disk. */
static void
sink_bound(struct sink *sink)
{
    const struct sink_options *options = &sink->options;

    if (sink->spool)
        spool_bounds_set(sink->spool,
                         (struct spool_bounds){ (size_t)options->memory, sink_disk(sink),
                                                options->block });
    else
        queue_bounds_set(sink->queue, (struct queue_bounds){ (size_t)options->events,
                                                             (size_t)options->memory });
}

bool
sink_adopt(struct sink *sink, const struct sink *fresh)
{
    struct sink_options *own = &sink->options;
    const struct sink_options *other = &fresh->options;
    bool same = own->present == other->present && own->memory == other->memory
                && own->events == other->events && own->block == other->block
                && own->disk == other->disk && own->sync == other->sync
                && own->every == other->every
                && own->failover_after == other->failover_after
                && sink_same_otherwise(sink, fresh);

    if (same)
        return false;
    pthread_mutex_lock(&sink->run->lock);
    own->present = other->present;
    own->failover_after = other->failover_after;
    pthread_mutex_unlock(&sink->run->lock);
    own->memory = other->memory;
    own->events = other->events;
    own->block = other->block;
    atomic_store(&sink->blocks, own->block);
    queue_block(sink->queue, own->block);
    own->disk = other->disk;
    own->sync = other->sync;
    own->every = other->every;
    free(sink->otherwise);
    own->otherwise = sink->otherwise = memory_text(fresh->otherwise);
    sink_bound(sink);
    return true;
}

void
sink_inherit(struct sink *heir, struct sink *sink)
{
    queue_free(heir->queue);
    heir->queue = sink->queue;
    heir->spool = sink->spool;
    heir->keep = sink->keep;
    sink_bound(heir);
    queue_block(heir->queue, heir->options.block);
}

void
sink_hand_over(struct sink *sink, int64_t deadline)
{
    struct sink_run *run = sink->run;

    pthread_mutex_lock(&run->lock);
    run->draining = run->handing = true;
    run->give_up_at = deadline;
    pthread_mutex_unlock(&run->lock);
    run->wake(run);
}

bool
sink_done(const struct sink *sink)
{
    struct sink_run *run = sink->run;
    bool done;

    pthread_mutex_lock(&run->lock);
    done = run->thread_done || run->done;
    pthread_mutex_unlock(&run->lock);
    return done;
}

void
sink_cancel(struct sink *sink)
{
    if (!sink->instance.plugin->sink.submit)
        sink_thread_cancel(sink->run);
}

void
sink_end(struct sink *sink)
{
    struct sink_run *run = sink->run;

    if (!sink->instance.plugin->sink.submit)
        pthread_join(run->thread, NULL);
    if (!sink->abandoned)
        queue_on_ready(sink->queue, NULL, NULL);
    loop_post(run->delivery, sink_off_loop, run);
}

/* With a hold on each. */
static size_t
sink_hold_out(struct sink_run *run, struct sonde_batch ***held)
{
    size_t count = 0;

    pthread_mutex_lock(&run->lock);
    *held = memory_array(run->out_count, sizeof(**held));
    list_each (link, &run->out) {
        struct sonde_batch *batch = container_of(link, struct sonde_batch, link);

        if (batch_hold(batch))
            (*held)[count++] = batch;
    }
    pthread_mutex_unlock(&run->lock);
    return count;
}

void
sink_take_back(struct sink *sink)
{
    struct sink_run *run = sink->run;
    struct sonde_batch **held;
    size_t count = sink_hold_out(run, &held);

    queue_on_ready(sink->queue, NULL, NULL);
    loop_post(run->delivery, sink_off_loop, run);
    atomic_store(&run->misused, true); /* settling late is no fault of the plugin */
    while (count-- > 0) {
        batch_take_back(held[count]);
        batch_release(held[count]);
    }
    free(held);
    sink->abandoned = true;
    sink_log(run, SONDE_WARNING, "is stuck in its plugin and left behind");
}

void
sink_present_again(struct sink *sink)
{
    struct sink_run *run = sink->run;

    pthread_mutex_lock(&run->lock);
    run->found |= run->health.state == SONDE_UP;
    pthread_mutex_unlock(&run->lock);
}
