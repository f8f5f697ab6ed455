/* SPDX-License-Identifier: Apache-2.0
 *
 * source.h - a source: events in, held back while there is no room, and told what
 * became of them.
 *
 * It lives on a loop of its own, so that it may decode as much as it likes: nothing else
 * waits for that thread.  Its plugin pushes there, and is told there.
 * Not here: what is judged (nothing of a source is), who gets an event (router.c).
 */
#ifndef CORE_SOURCE_H
#define CORE_SOURCE_H

#include "instance.h"
#include "loop.h"
#include "router.h"
#include "source_book.h"

/* What every source may be told, whatever its plugin.  Belongs to the main thread. */
struct source_options {
    const char *name, *plugin;
    const char *otherwise; /* the sink for what it cannot decode; NULL: none */
    int64_t memory;        /* buffer.memory, bytes */
    int64_t events;        /* buffer.events */
};

/* What the source stage needs of the graph, which lives as long as its sources use it.
 * The labels are sorted by name. */
struct source_home {
    const struct router *router;
    struct sink *otherwise; /* NULL: what is broken is counted only */
    const char *observer;
    const struct label *labels;
    size_t label_count;
    struct source_bounds bounds;
    atomic_ullong *seq; /* the daemon's */
};

enum source_line {
    SOURCE_PUSHED, /* all that was taken */
    SOURCE_ECHOES, /* of these: came from us, or through us: dropped */
    SOURCE_BROKEN, /* of these: was no event, and went to otherwise, if anywhere */
    SOURCE_HELD,   /* answers that there is no room */
    SOURCE_LINES
};

struct source_health {
    enum sonde_state state;
    char why[256];
    int64_t since; /* wall microseconds */
};

struct source {
    struct sonde_instance instance; /* first: source_of() */
    struct source_options options;
    struct source_home home;
    struct loop *loop;      /* its own; NULL before source_prepare */
    struct source_run *run; /* source.c's; NULL before source_prepare */
    atomic_ullong lines[SOURCE_LINES];

    /* Handed over by the graph.  Any thread: health differs now. */
    void (*on_health)(struct source *source, void *arg);
    void *arg;
};

/* The instance is open, options and home are filled: from here on others may look. */
void source_prepare(struct source *source);
void source_start(struct source *source);
/* A reload: fresh is the same instance.  What is different beside it is taken over, on
 * the loop; whether that is anything but where its events go. */
bool source_adopt(struct source *source, const struct source *fresh);
/* Stops the instance, on its loop: it pushes nothing more, and is still told what becomes
 * of what it pushed. */
void source_leave(struct source *source);
bool source_left(const struct source *source); /* source_leave has come to its end */
/* Tells what is known by now, and ends the thread. */
void source_quit(struct source *source);
bool source_gone(const struct source *source); /* source_quit has come to its end */
/* The same two, waited for; false: it is stuck in its plugin. */
bool source_stop(struct source *source, int64_t deadline);
bool source_end(struct source *source, int64_t deadline);
void source_deinit(struct source *source); /* gone, or never started; closes it too */
void source_health(const struct source *source, struct source_health *health); /* any */
size_t
source_out(const struct source *source); /* pushed, not settled; about; any thread */

#endif
