/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.c - dead letters out of a file, sent again.  See replay.h.
 *
 * Lines go in windows: a window's events are pushed to the queues of their sinks, and
 * when the fate of each is known (a receipt tells it), those that were not delivered are
 * written to what is left.  A sink that takes nothing for a while is stopped; what is
 * for it stays.  The graph is made whole, as the daemon makes it, and only its sinks that
 * letters name are started.
 */
#include "replay.h"

#include "clock.h"
#include "graph.h"
#include "log.h"
#include "replay_file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REPLAY_WINDOW = 1024, REPLAY_WINDOW_BYTES = 16 << 20 };
#define REPLAY_LOOK (100 * CLOCK_MS)
#define REPLAY_STOP (3 * CLOCK_SECOND)

enum replay_fate {
    REPLAY_OUT,
    REPLAY_DONE,
    REPLAY_REJECTED,
    REPLAY_UNSENT,
    REPLAY_FATES
};

struct replay_sink {
    struct sink *sink;
    bool started, gone;
    size_t out; /* under the replay's lock */
};

struct replay_item {
    struct receipt receipt;
    struct replay *replay;
    struct replay_sink *to; /* NULL: it was not sent */
    enum replay_fate fate;  /* under the lock while it is out */
    char *line;
    size_t length;
    const char *path;
    uint64_t number;
};

struct replay {
    const struct replay_options *options;
    struct engine engine;
    struct graph *graph;
    struct event_pool *pool;
    struct replay_sink *sinks; /* as in the graph */
    struct replay_rest rest;
    struct replay_item *items; /* of the window */
    size_t count, bytes;       /* likewise */
    uint64_t fates[REPLAY_FATES];
    bool stuck;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t told;
    size_t out;
    int64_t told_at;
};

static volatile sig_atomic_t replay_stopped;

static void
replay_on_signal(int number)
{
    (void)number;
    replay_stopped = 1;
}

/* ---- sinks ---- */

static struct replay_sink *
replay_sink_named(struct replay *replay, const char *name)
{
    for (size_t i = 0; i < replay->graph->sink_count; i++)
        if (strcmp(replay->graph->sinks[i]->instance.name, name) == 0)
            return &replay->sinks[i];
    return NULL;
}

/* What does not fit is told rather than dropped: a window fits. */
static void
replay_sink_start(struct replay *replay, struct replay_sink *to)
{
    const struct engine *engine = &replay->engine;

    if (to->started)
        return;
    to->started = true;
    queue_bounds_set(to->sink->queue, (struct queue_bounds){ SIZE_MAX, SIZE_MAX });
    sink_start(to->sink, engine->delivery, engine->workers);
}

/* Its events come back by their receipts, as not sent. */
static void
replay_sink_give_up(struct replay *replay, struct replay_sink *to)
{
    struct sink *sink = to->sink;
    struct queue *queue = sink->queue;
    struct sink_health health;

    sink_health(sink, &health);
    fprintf(stderr, "sondectl: sink \"%s\" takes nothing more%s%s\n", sink->instance.name,
            *health.why ? ": " : "", health.why);
    to->gone = true;
    if (!sink_stop(sink, clock_now() + REPLAY_STOP)) {
        replay->stuck = true;
        return;
    }
    sink->queue = queue_new((struct queue_bounds){ 1, 1 });
    queue_free(queue);
}

static bool
replay_sinks_end(struct replay *replay, int64_t deadline)
{
    bool all = true;

    for (size_t i = 0; i < replay->graph->sink_count; i++)
        if (replay->sinks[i].started && !replay->sinks[i].gone)
            sink_drain(replay->sinks[i].sink, deadline);
    for (size_t i = 0; i < replay->graph->sink_count; i++)
        if (replay->sinks[i].started && !replay->sinks[i].gone)
            all &= sink_stop(replay->sinks[i].sink, deadline);
    return all;
}

/* ---- events ---- */

static void
replay_told(struct receipt *receipt, enum sonde_fate worst)
{
    struct replay_item *item = container_of(receipt, struct replay_item, receipt);
    struct replay *replay = item->replay;

    pthread_mutex_lock(&replay->lock);
    item->fate = worst == SONDE_DELIVERED  ? REPLAY_DONE
                 : worst == SONDE_REJECTED ? REPLAY_REJECTED
                                           : REPLAY_UNSENT;
    item->to->out--;
    replay->out--;
    if (worst != SONDE_RETRY)
        replay->told_at = clock_now();
    pthread_cond_signal(&replay->told);
    pthread_mutex_unlock(&replay->lock);
}

/* As the router does it. */
static void
replay_push(struct replay *replay, struct replay_item *item, struct sonde_event *event,
            const char *route)
{
    struct sink *sink = item->to->sink;

    replay_sink_start(replay, item->to);
    receipt_init(&item->receipt, replay_told);
    event->receipt = &item->receipt;
    pthread_mutex_lock(&replay->lock);
    item->fate = REPLAY_OUT;
    item->to->out++;
    replay->out++;
    pthread_mutex_unlock(&replay->lock);
    if (!sink->payload)
        event_encoded(event, sink->format);
    sink_push(sink, event, route);
    receipt_release(&item->receipt, SONDE_DELIVERED);
}

static void
replay_say(const struct replay_item *item, const char *what, const char *name)
{
    fprintf(stderr, "%s:%ju: %s%s%s%s\n", item->path, (uintmax_t)item->number, what,
            name ? " \"" : "", name ? name : "", name ? "\"" : "");
}

/* Which sink the event is for; NULL: told. */
static struct replay_sink *
replay_to(struct replay *replay, const struct replay_item *item,
          const struct sonde_event *event)
{
    const char *name = replay->options->sink;
    struct replay_sink *to;

    if (!name && !event->letter) {
        replay_say(item, "is no dead letter: it names no sink", NULL);
        return NULL;
    }
    if (!name)
        name = event->letter->sink;
    to = replay_sink_named(replay, name);
    if (!to)
        replay_say(item, "no sink is named", name);
    return to && !to->gone ? to : NULL;
}

static void
replay_tell_dry(const struct replay_item *item, const struct sonde_event *event)
{
    char id[EVENT_ID_SIZE];

    printf("%s:%ju: %s of check \"%s\", id %s, to sink \"%s\"%s%s\n", item->path,
           (uintmax_t)item->number, event_kind_name(event->kind), event->origin->check,
           event_id_text(event->id, id), item->to->sink->instance.name,
           event->letter ? "; why: " : "", event->letter ? event->letter->reason : "");
}

static void
replay_send(struct replay *replay, struct replay_item *item)
{
    const char *fault, *route = "";
    struct sonde_event *event = event_decode(replay->pool, item->line, item->length,
                                             &fault);

    item->fate = REPLAY_UNSENT;
    if (!event) {
        fprintf(stderr, "%s:%ju: no event: %s\n", item->path, (uintmax_t)item->number,
                fault);
        return;
    }
    item->to = replay_to(replay, item, event);
    if (item->to && replay->options->dry_run) {
        replay_tell_dry(item, event);
        item->fate = REPLAY_DONE;
    } else if (item->to) {
        if (event->letter)
            route = event->letter->route;
        event->letter = NULL;
        replay_push(replay, item, event, route);
    }
    event_unref(event);
}

/* ---- windows ---- */

/* Until all fates are known, nothing is delivered any more, or a signal says so. */
static void
replay_wait(struct replay *replay)
{
    int64_t most = replay->options->wait * CLOCK_MS;

    pthread_mutex_lock(&replay->lock);
    replay->told_at = clock_now();
    while (replay->out && !replay_stopped && clock_now() - replay->told_at < most) {
        struct timespec until;
        int64_t at;

        clock_gettime(CLOCK_REALTIME, &until);
        at = until.tv_nsec + REPLAY_LOOK;
        until.tv_sec += at / CLOCK_SECOND;
        until.tv_nsec = at % CLOCK_SECOND;
        pthread_cond_timedwait(&replay->told, &replay->lock, &until);
    }
    pthread_mutex_unlock(&replay->lock);
}

static void
replay_give_up(struct replay *replay)
{
    for (size_t i = 0; i < replay->graph->sink_count; i++) {
        size_t out;

        pthread_mutex_lock(&replay->lock);
        out = replay->sinks[i].out;
        pthread_mutex_unlock(&replay->lock);
        if (out)
            replay_sink_give_up(replay, &replay->sinks[i]);
    }
}

/* What a stuck sink still has counts as not sent; its receipt may come at any time. */
static enum replay_fate
replay_fate(struct replay *replay, const struct replay_item *item)
{
    enum replay_fate fate;

    pthread_mutex_lock(&replay->lock);
    fate = item->fate == REPLAY_OUT ? REPLAY_UNSENT : item->fate;
    pthread_mutex_unlock(&replay->lock);
    return fate;
}

static void
replay_flush(struct replay *replay)
{
    replay_wait(replay);
    replay_give_up(replay);
    for (size_t i = 0; i < replay->count; i++) {
        struct replay_item *item = &replay->items[i];
        enum replay_fate fate = replay_fate(replay, item);

        replay->fates[fate]++;
        if (fate == REPLAY_REJECTED)
            replay_say(item, "was rejected again by sink", item->to->sink->instance.name);
        if (fate != REPLAY_DONE && !replay->options->dry_run)
            replay_rest_add(&replay->rest, item->line, item->length);
        free(item->line);
    }
    replay->count = replay->bytes = 0;
    if (replay->stuck) /* its receipts may still come to the ones before */
        replay->items = memory_array(REPLAY_WINDOW, sizeof(*replay->items));
}

/* false: it cannot be read. */
static bool
replay_lines(struct replay *replay, struct replay_input *input, bool all)
{
    const char *line;
    size_t length;
    bool fault = false;

    while ((all || (!replay_stopped && !replay->stuck))
           && replay_input_line(input, &line, &length, &fault)) {
        struct replay_item *item = &replay->items[replay->count++];

        *item = (struct replay_item){ .replay = replay,
                                      .fate = REPLAY_UNSENT,
                                      .line = memory_new(length + 1),
                                      .length = length,
                                      .path = input->path,
                                      .number = input->number };
        memcpy(item->line, line, length);
        replay->bytes += length;
        if (!replay_stopped && !replay->stuck)
            replay_send(replay, item);
        if (replay->count == REPLAY_WINDOW || replay->bytes >= REPLAY_WINDOW_BYTES)
            replay_flush(replay);
    }
    replay_flush(replay);
    if (input->torn)
        fprintf(stderr,
                "%s: the last line has no end, it may be being written: left for the "
                "next time\n",
                input->path);
    return !fault;
}

/* ---- the whole ---- */

static bool
replay_files(struct replay *replay, struct replay_input *rest, struct replay_input *file)
{
    const struct replay_options *options = replay->options;
    AUTO_FREE char *path = memory_format("%s.rest", options->file);

    if (!options->dry_run && !replay_rest_open(&replay->rest, options->file))
        return false;
    if (!replay_input_open(rest, path) || !replay_input_open(file, options->file))
        return false;
    if (rest->fd == -1 && file->fd == -1) {
        fprintf(stderr, "sondectl: %s: %s\n", options->file, strerror(ENOENT));
        return false;
    }
    if (!replay_resume(rest, file))
        return false;
    /* What is left stays, even if it is not sent; the file is there another time. */
    if (!replay_lines(replay, rest, true) || !replay_lines(replay, file, false))
        return false;
    return options->dry_run || replay_rest_commit(&replay->rest, file);
}

static int
replay_sum(const struct replay *replay)
{
    const uint64_t *fates = replay->fates;
    uint64_t left = fates[REPLAY_REJECTED] + fates[REPLAY_UNSENT];

    if (replay->options->dry_run)
        printf("%ju would be sent, %ju not\n", (uintmax_t)fates[REPLAY_DONE],
               (uintmax_t)left);
    else
        printf("%ju delivered, %ju rejected again, %ju not sent\n",
               (uintmax_t)fates[REPLAY_DONE], (uintmax_t)fates[REPLAY_REJECTED],
               (uintmax_t)fates[REPLAY_UNSENT]);
    if (left && !replay->options->dry_run)
        printf("%s holds what was not delivered; the next replay of %s begins with it\n",
               replay->rest.path, replay->options->file);
    if (replay_stopped)
        puts("stopped by a signal: the rest of the file was not looked at");
    return left || replay_stopped ? REPLAY_LEFT : REPLAY_DELIVERED;
}

static void
replay_free(struct replay *replay)
{
    graph_free(replay->graph);
    engine_deinit(&replay->engine);
    event_pool_free(replay->pool);
    free(replay->sinks);
    free(replay->items);
    free(replay);
}

/* false: something is stuck in a plugin, and nothing may be freed. */
static bool
replay_end(struct replay *replay)
{
    int64_t deadline = clock_now() + REPLAY_STOP;
    bool workers;

    if (replay->stuck || !replay_sinks_end(replay, deadline)
        || !engine_stop(&replay->engine, clock_now() + REPLAY_STOP, &workers))
        return false;
    replay_free(replay);
    return true;
}

static void
replay_signals(void)
{
    struct sigaction stop = { .sa_handler = replay_on_signal };

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* NULL: the configuration is wrong, told. */
static struct replay *
replay_new(const struct replay_options *options, struct plugins *plugins)
{
    struct replay *replay = memory_new(sizeof(*replay));
    struct problems problems = { 0 };

    replay->options = options;
    replay->rest.fd = -1;
    replay->items = memory_array(REPLAY_WINDOW, sizeof(*replay->items));
    pthread_mutex_init(&replay->lock, NULL);
    pthread_cond_init(&replay->told, NULL);
    replay->graph = graph_new(options->config, plugins, &replay->engine, &problems);
    if (!replay->graph) {
        problem_print(&problems, stderr);
        fprintf(stderr, "sondectl: nothing was sent\n");
        replay_free(replay);
        replay = NULL;
    }
    problems_deinit(&problems);
    return replay;
}

static void
replay_start(struct replay *replay)
{
    const struct graph *graph = replay->graph;

    replay->pool = event_pool_new();
    replay->sinks = memory_array(graph->sink_count, sizeof(*replay->sinks));
    for (size_t i = 0; i < graph->sink_count; i++) {
        sink_send_to(graph->sinks[i],
                     NULL); /* what is rejected again stays in the file */
        replay->sinks[i].sink = graph->sinks[i];
    }
    engine_start(&replay->engine);
}

int
replay_run(const struct replay_options *options, struct plugins *plugins)
{
    struct replay_input rest = { .fd = -1 }, file = { .fd = -1 };
    int status = REPLAY_WRONG;
    struct replay *replay;

    replay_signals();
    log_level(SONDE_WARNING);
    replay = replay_new(options, plugins);
    if (!replay)
        return REPLAY_WRONG;
    replay_start(replay);
    if (options->sink && !replay_sink_named(replay, options->sink))
        fprintf(stderr, "sondectl: no sink is named \"%s\"\n", options->sink);
    else if (replay_files(replay, &rest, &file))
        status = replay_sum(replay);
    replay_rest_close(&replay->rest);
    replay_input_close(&rest);
    replay_input_close(&file);
    fflush(stdout);
    if (!replay_end(replay))
        _exit(status);
    return status;
}
