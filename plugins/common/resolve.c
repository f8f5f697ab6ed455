/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve.c - askers, the names they ask for, and what is known of them.  See
 * resolve.h; the c-ares channel itself is lookup.c's.
 *
 * c-ares calls back with its own structures half changed, so an answer is only
 * noted there; askers hear of it when c-ares has returned (resolver_settle).
 */
#include "resolve.h"

#include "lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    RESOLVE_OUT = 256,   /* names asked for at once: two questions each */
    RESOLVE_TURN = 32,   /* names asked for in one turn of the loop */
    RESOLVE_TTL_MIN = 1, /* seconds; /etc/hosts says 0 */
    RESOLVE_TTL_MAX = 60,
    RESOLVE_TTL_NONE = 5,
    RESOLVE_UNUSED = 600, /* seconds until a server list's resolver goes */
};
#define RESOLVE_SECOND INT64_C(1000000000)

struct resolve {
    TAILQ_ENTRY(resolve) link;
    struct name *name;
    resolve_fn *fn;
    void *arg;
    bool *told; /* set while resolve_start has not returned yet */
};

enum name_stage { NAME_KNOWN, NAME_WAITING, NAME_OUT };

struct name {
    LIST_ENTRY(name) bucket;
    STAILQ_ENTRY(name) link; /* while waiting, or ready to be told */
    struct resolver *resolver;
    TAILQ_HEAD(, resolve) asks;
    enum name_stage stage;
    bool ready; /* known, and the askers are being told */
    enum address_family family;
    struct lookup_answer answer;
    int64_t expires;
    size_t length;
    char text[];
};

LIST_HEAD(bucket, name);
STAILQ_HEAD(names, name);

/* For one server list. */
struct resolver {
    struct resolver *next;
    struct lookup *lookup;
    struct sonde_timer *timer;
    bool armed, settling;
    struct bucket *buckets;
    size_t bucket_count, name_count;
    struct names waiting, ready;
    unsigned out;
    int64_t used;
    char *server;
};

/* What sonde_shared keeps on each loop. */
struct resolvers {
    struct resolver *first;
};

/* ---- names ---- */

static struct bucket *
name_bucket(struct resolver *resolver, const char *text, size_t length,
            enum address_family family)
{
    uint64_t hash = UINT64_C(14695981039346656037) + (uint64_t)family;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return &resolver->buckets[(hash ^ hash >> 32) & (resolver->bucket_count - 1)];
}

static void
name_free(struct name *name)
{
    struct resolve *ask;

    while ((ask = TAILQ_FIRST(&name->asks))) {
        TAILQ_REMOVE(&name->asks, ask, link);
        free(ask);
    }
    LIST_REMOVE(name, bucket);
    name->resolver->name_count--;
    free(name->answer.addresses);
    free(name);
}

/* Forgets what is known no more, then grows if the rest is still too much. */
static int
resolver_make_room(struct resolver *resolver, int64_t now)
{
    struct bucket *before = resolver->buckets, *after;
    size_t count = resolver->bucket_count, i;
    struct name *name, *next;

    for (i = 0; i < count; i++)
        for (name = LIST_FIRST(&before[i]); name; name = next) {
            next = LIST_NEXT(name, bucket);
            if (name->stage == NAME_KNOWN && !name->ready && name->expires <= now)
                name_free(name);
        }
    if (resolver->name_count * 2 < count)
        return 0;
    after = calloc(count ? count * 2 : 16, sizeof(*after));
    if (!after)
        return -1;
    resolver->buckets = after;
    resolver->bucket_count = count ? count * 2 : 16;
    for (i = 0; i < count; i++)
        while ((name = LIST_FIRST(&before[i]))) {
            LIST_REMOVE(name, bucket);
            LIST_INSERT_HEAD(
                name_bucket(resolver, name->text, name->length, name->family), name,
                bucket);
        }
    free(before);
    return 0;
}

/* NULL: out of memory */
static struct name *
name_find(struct resolver *resolver, const char *text, size_t length,
          enum address_family family, int64_t now)
{
    struct name *name;

    if (resolver->bucket_count)
        LIST_FOREACH(name, name_bucket(resolver, text, length, family), bucket)
    if (name->length == length && name->family == family
        && memcmp(name->text, text, length) == 0)
        return name;
    if (resolver->name_count >= resolver->bucket_count
        && resolver_make_room(resolver, now) == -1)
        return NULL;
    name = calloc(1, sizeof(*name) + length + 1);
    if (!name)
        return NULL;
    name->resolver = resolver;
    name->family = family;
    name->length = length;
    memcpy(name->text, text, length);
    TAILQ_INIT(&name->asks);
    LIST_INSERT_HEAD(name_bucket(resolver, text, length, family), name, bucket);
    resolver->name_count++;
    return name;
}

static int64_t
name_lifetime(const struct lookup_answer *answer)
{
    int ttl = answer->ttl;

    if (answer->reason == SONDE_DNSERR)
        return RESOLVE_TTL_NONE;
    if (answer->reason != SONDE_OK)
        return 0; /* ask again at the next occasion */
    return ttl < RESOLVE_TTL_MIN ? RESOLVE_TTL_MIN
                                 : (ttl > RESOLVE_TTL_MAX ? RESOLVE_TTL_MAX : ttl);
}

static void
name_wait(struct name *name)
{
    name->stage = NAME_WAITING;
    STAILQ_INSERT_TAIL(&name->resolver->waiting, name, link);
}

/* From within c-ares. */
static void
name_answered(struct lookup_answer *answer, void *arg)
{
    struct name *name = arg;
    struct resolver *resolver = name->resolver;

    resolver->out--;
    if (!answer) { /* c-ares lets go of it: asked anew when it can be */
        name_wait(name);
        return;
    }
    free(name->answer.addresses);
    name->answer = *answer;
    name->expires = sonde_now() + name_lifetime(answer) * RESOLVE_SECOND;
    name->stage = NAME_KNOWN;
    name->ready = true;
    STAILQ_INSERT_TAIL(&resolver->ready, name, link);
}

static struct resolve_answer
name_answer(const struct name *name)
{
    return (struct resolve_answer){ .reason = name->answer.reason,
                                    .text = name->answer.text,
                                    .count = name->answer.count,
                                    .addresses = name->answer.addresses };
}

static void
name_tell(struct name *name)
{
    struct resolve_answer answer = name_answer(name);
    struct resolve *ask;

    while ((ask = TAILQ_FIRST(&name->asks))) {
        struct resolve now = *ask;

        TAILQ_REMOVE(&name->asks, ask, link);
        if (now.told)
            *now.told = true;
        free(ask);
        now.fn(&answer, now.arg);
    }
    name->ready = false;
}

/* ---- one resolver ---- */

/* Starts lookups of what waits; answers whether some had to be left for the next
 * turn.  A name that nobody waits for any more is dropped. */
static bool
resolver_ask(struct resolver *resolver)
{
    unsigned turn = 0;
    struct name *name;

    while (resolver->out < RESOLVE_OUT && (name = STAILQ_FIRST(&resolver->waiting))) {
        if (turn++ == RESOLVE_TURN)
            return true;
        STAILQ_REMOVE_HEAD(&resolver->waiting, link);
        name->stage = NAME_KNOWN;
        name->expires = 0;
        if (TAILQ_EMPTY(&name->asks))
            continue;
        name->stage = NAME_OUT;
        resolver->out++;
        lookup_start(resolver->lookup, name->text, name->family, name_answered, name);
    }
    return false;
}

/* Tells what is ready, asks what waits, arms the timer. */
static void
resolver_settle(struct resolver *resolver)
{
    bool more = false;
    struct name *name;

    if (resolver->settling)
        return;
    resolver->settling = true;
    do {
        while ((name = STAILQ_FIRST(&resolver->ready))) {
            STAILQ_REMOVE_HEAD(&resolver->ready, link);
            name_tell(name);
        }
        more = more || resolver_ask(resolver);
    } while (!STAILQ_EMPTY(&resolver->ready));
    resolver->settling = false;
    if (more)
        sonde_timer_set(resolver->timer, 0);
    else if (resolver->out && !resolver->armed)
        sonde_timer_set(resolver->timer, lookup_timeout(resolver->lookup));
    resolver->armed = more || resolver->out;
}

static void
resolver_due(struct sonde_instance *shared, void *arg)
{
    struct resolver *resolver = arg;

    (void)shared;
    resolver->armed = false;
    lookup_process(resolver->lookup);
    resolver_settle(resolver);
}

static void
resolver_processed(void *arg)
{
    resolver_settle(arg);
}

static void
resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    lookup_free(resolver->lookup);
    for (size_t i = 0; i < resolver->bucket_count; i++)
        while (!LIST_EMPTY(&resolver->buckets[i]))
            name_free(LIST_FIRST(&resolver->buckets[i]));
    sonde_timer_free(resolver->timer);
    free(resolver->buckets);
    free(resolver->server);
    free(resolver);
}

static struct resolver *
resolver_new(struct sonde_instance *shared, const char *server)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));

    if (!resolver)
        return NULL;
    STAILQ_INIT(&resolver->waiting);
    STAILQ_INIT(&resolver->ready);
    resolver->timer = sonde_timer_new(shared, resolver_due, resolver);
    resolver->server = strdup(server);
    if (resolver->server)
        resolver->lookup = lookup_new(shared, server, resolver_processed, resolver);
    if (resolver->lookup)
        return resolver;
    resolver_free(resolver);
    return NULL;
}

/* ---- all of a loop ---- */

static int
resolvers_start(struct sonde_instance *shared)
{
    (void)shared;
    return 0;
}

static void
resolvers_stop(struct sonde_instance *shared)
{
    struct resolvers *resolvers = sonde_private(shared);
    struct resolver *resolver;

    while ((resolver = resolvers->first)) {
        resolvers->first = resolver->next;
        resolver_free(resolver);
    }
}

/* Server lists come and go with the configuration. */
static void
resolvers_drop_unused(struct resolvers *resolvers, int64_t now)
{
    struct resolver **at = &resolvers->first, *resolver;

    while ((resolver = *at)) {
        if (resolver->out || resolver->settling || !STAILQ_EMPTY(&resolver->waiting)
            || now - resolver->used < RESOLVE_UNUSED * RESOLVE_SECOND) {
            at = &resolver->next;
            continue;
        }
        *at = resolver->next;
        resolver_free(resolver);
    }
}

static struct resolver *
resolvers_find(struct sonde_instance *self, const char *server, int64_t now)
{
    struct sonde_instance *shared = sonde_shared(self, sizeof(struct resolvers),
                                                 resolvers_start, resolvers_stop);
    struct resolvers *resolvers = shared ? sonde_private(shared) : NULL;
    struct resolver *resolver;

    if (!resolvers)
        return NULL;
    for (resolver = resolvers->first; resolver; resolver = resolver->next)
        if (strcmp(resolver->server, server) == 0)
            break;
    if (!resolver) {
        resolvers_drop_unused(resolvers, now);
        resolver = resolver_new(shared, server);
        if (!resolver)
            return NULL;
        resolver->next = resolvers->first;
        resolvers->first = resolver;
    }
    resolver->used = now;
    return resolver;
}

/* ---- what a probe calls ---- */

int
resolve_check(const char *server, char *why, size_t size)
{
    struct address address;

    if (!*server || lookup_server(server, &address))
        return 0;
    snprintf(why, size,
             "\"%.80s\" is no address of a name server, as 192.0.2.53 or "
             "[2001:db8::53]:5353",
             server);
    return -1;
}

static void
resolve_forget(struct resolver *resolver)
{
    struct name *name;

    for (size_t i = 0; i < resolver->bucket_count; i++)
        LIST_FOREACH(name, &resolver->buckets[i], bucket)
    name->expires = 0;
}

static struct resolve *
resolve_fail(resolve_fn *fn, void *arg)
{
    struct resolve_answer answer = { .reason = SONDE_OBSERVER,
                                     .text = "the resolver cannot be set up" };

    fn(&answer, arg);
    return NULL;
}

struct resolve *
resolve_start(struct sonde_instance *self, const char *server, const char *text,
              size_t length, enum address_family family, resolve_fn *fn, void *arg)
{
    int64_t now = sonde_now();
    struct resolver *resolver = resolvers_find(self, server ? server : "", now);
    struct name *name = NULL;
    struct resolve *ask;
    bool told = false;

    if (resolver && lookup_renew(resolver->lookup, now))
        resolve_forget(resolver);
    if (resolver)
        name = name_find(resolver, text, length, family, now);
    if (!name)
        return resolve_fail(fn, arg);
    if (name->stage == NAME_KNOWN && (name->ready || now < name->expires)) {
        struct resolve_answer answer = name_answer(name);

        fn(&answer, arg);
        return NULL;
    }
    ask = calloc(1, sizeof(*ask));
    if (!ask)
        return resolve_fail(fn, arg);
    *ask = (struct resolve){ .name = name, .fn = fn, .arg = arg, .told = &told };
    TAILQ_INSERT_TAIL(&name->asks, ask, link);
    if (name->stage == NAME_KNOWN)
        name_wait(name);
    resolver_settle(resolver);
    if (told)
        return NULL;
    ask->told = NULL;
    return ask;
}

void
resolve_stop(struct resolve *ask)
{
    if (!ask)
        return;
    TAILQ_REMOVE(&ask->name->asks, ask, link);
    free(ask);
}
