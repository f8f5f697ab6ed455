/* SPDX-License-Identifier: Apache-2.0
 *
 * source_push.c - events of a source on their way in: made, filled up with what is
 * missing, held back while there is no room, and handed to the router.
 */
#include "clock.h"
#include "log.h"
#include "source_inside.h"

#include <assert.h>

#define SOURCE_LOOK (10 * CLOCK_MS)     /* at a full sink that others may empty */
#define SOURCE_TELL (10 * CLOCK_SECOND) /* between lines that say much the same */

static struct source_run *
source_run_of(struct sonde_instance *self)
{
    assert(self->plugin->role == PLUGIN_SOURCE && !self->shared);
    assert(self->loop && loop_here(self->loop));
    return source_of(self)->run;
}

static void
source_count(struct source *source, enum source_line line)
{
    atomic_fetch_add_explicit(&source->lines[line], 1, memory_order_relaxed);
}

/* ---- made ---- */

static struct sonde_event *
source_draft(struct sonde_event *event)
{
    event->draft = arena_new(&event->memory, sizeof(*event->draft));
    return event;
}

struct sonde_event *
sonde_event_new(struct sonde_instance *self)
{
    struct source_run *run = source_run_of(self);
    struct sonde_event *event = event_new(loop_pool(self->loop), run->blank);

    event->mode = EVENT_EVENT;
    return source_draft(event);
}

struct sonde_event *
sonde_decode(struct sonde_instance *self, const char *bytes, size_t length,
             const char **fault)
{
    struct sonde_event *event;
    const char *why;

    source_run_of(self);
    event = event_decode(loop_pool(self->loop), bytes, length, &why);
    if (fault)
        *fault = why;
    return event ? source_draft(event) : NULL;
}

/* ---- room ---- */

static bool
source_hold(struct source_run *run, const struct sink *full)
{
    source_count(run->source, SOURCE_HELD);
    run->held = true;
    run->full = full;
    if (full)
        loop_set(run->source->loop, &run->look, clock_now() + SOURCE_LOOK);
    return false;
}

void
source_resume(struct source_run *run)
{
    struct sonde_instance *instance = &run->source->instance;

    if (!run->held || !run->started || run->stopped)
        return;
    if (run->full && !sink_eased((struct sink *)run->full)) {
        loop_set(run->source->loop, &run->look, clock_now() + SOURCE_LOOK);
        return;
    }
    if (!source_book_room(run->book))
        return; /* what is settled next comes here */
    run->held = false;
    run->full = NULL;
    loop_clear(run->source->loop, &run->look);
    if (instance->plugin->source.resume)
        instance->plugin->source.resume(instance);
}

/* ---- handed on ---- */

static void
source_tell_broken(struct source_run *run, const struct sonde_event *event)
{
    int64_t now = clock_now();

    if (run->broken_told_at && now - run->broken_told_at < SOURCE_TELL)
        return;
    run->broken_told_at = now;
    sonde_log(&run->source->instance, SONDE_WARNING, "%llu events were broken; now: %s",
              (unsigned long long)atomic_load(&run->source->lines[SOURCE_BROKEN]),
              event->message);
}

static const struct path *
source_path(struct source_run *run, const struct source_about *about,
            const struct sonde_event *event)
{
    if (event->kind == EVENT_BROKEN)
        return run->otherwise;
    return about ? about->path : NULL;
}

static void
source_number(struct source_run *run, struct sonde_event *event)
{
    if (!event->seq)
        event->seq = atomic_fetch_add_explicit(run->source->home.seq, 1,
                                               memory_order_relaxed);
    if (!event->detected && event->kind != EVENT_BROKEN)
        event->detected = clock_wall();
}

/* path NULL: it goes nowhere, because it is an echo, or broken and unwanted. */
static void
source_accept(struct source_run *run, struct sonde_event *event, const struct path *path,
              struct receipt *receipt)
{
    bool broken = event->kind == EVENT_BROKEN;
    enum sonde_fate fate = broken && !path ? SONDE_REJECTED : SONDE_DELIVERED;

    source_count(run->source, SOURCE_PUSHED);
    if (broken) {
        source_count(run->source, SOURCE_BROKEN);
        source_tell_broken(run, event);
    } else if (!path) {
        source_count(run->source, SOURCE_ECHOES);
    }
    if (path) {
        source_number(run, event);
        event->receipt = receipt;
        router_push(path, event);
    }
    receipt_release(receipt, fate);
    event_unref(event);
}

bool
sonde_push(struct sonde_instance *self, struct sonde_event *event, uint64_t lane,
           uint64_t cookie)
{
    struct source_run *run = source_run_of(self);
    const struct source_about *about;
    const struct path *path;
    struct sink *full;

    assert(event->draft);
    if (run->stopped)
        return false;
    if (source_book_full(run->book))
        return source_hold(run, NULL);
    about = source_cache_find(run, event);
    path = source_path(run, about, event);
    full = path ? path_blocks(path, event) : NULL;
    if (full)
        return source_hold(run, full);
    if (!run->heard)
        source_say(run, SONDE_UP, false, NULL);
    run->heard = true;
    source_accept(run, event, path,
                  source_book_enter(run->book, lane, cookie, event_bytes(event)));
    atomic_store_explicit(&run->out, source_book_out(run->book), memory_order_relaxed);
    return true;
}
