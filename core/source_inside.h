/* SPDX-License-Identifier: Apache-2.0
 *
 * source_inside.h - a running source, shared by source.c, source_push.c (events on
 * their way in) and source_cache.c (who they are about).
 */
#ifndef CORE_SOURCE_INSIDE_H
#define CORE_SOURCE_INSIDE_H

#include "source.h"

#include <pthread.h>

/* What is made once for all events that are about the same. */
struct source_about {
    struct source_about *chain;
    uint64_t hash;
    struct origin *origin;
    const struct path *path;
};

struct source_cache {
    struct source_about **buckets;
    size_t count;
    struct path_set paths;
};

/* All but health belongs to the source's loop. */
struct source_run {
    struct source *source;
    struct source_book *book;
    struct origin *blank; /* of an event of which nothing was said */
    struct source_cache cache;
    const struct path *otherwise; /* NULL: none */
    struct path_set own;          /* for it */
    bool started, heard;
    atomic_bool stopped, left, gone; /* others look */
    bool held;                       /* push said so, resume is due */
    const struct sink *full;         /* for this one; NULL: for the book */
    struct timer look;               /* while a sink is full */
    struct timer again;              /* after a start that failed */
    unsigned failures;
    int64_t broken_told_at;

    pthread_mutex_t lock; /* of the two below */
    struct source_health health;
    bool own_word;     /* health is what the plugin said */
    atomic_size_t out; /* as the book says, for others to read */
};

static inline struct source *
source_of(struct sonde_instance *self)
{
    return (struct source *)self;
}

/* The event's origin is final from here on; NULL: it came from us or through us. */
const struct source_about *source_cache_find(struct source_run *run,
                                             struct sonde_event *event);
void source_cache_clear(struct source_cache *cache);
/* Calls resume if it is due and there is room. */
void source_resume(struct source_run *run);
/* own: the plugin says so itself. */
void source_say(struct source_run *run, enum sonde_state state, bool own,
                const char *why);

#endif
