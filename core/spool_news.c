/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_news.c - the newest change of each check among what waits in gap and tail.
 *
 * It answers whether a change may go because a newer one is behind it, without reading
 * the disk.  Names and not hashes: a check that is told nothing of its change because
 * another has the same hash would be a loss that nobody counts.
 */
#include "memory.h"
#include "spool_inside.h"

#include <string.h>

enum { NEWS_BUCKETS = 64 };

struct spool_newest {
    struct spool_newest *chain;
    uint64_t hash, seq;
    char check[];
};

static struct spool_newest *
news_find(const struct spool_news *news, const struct origin *origin)
{
    struct spool_newest *at;

    if (!news->bucket_count)
        return NULL;
    at = news->buckets[origin->hash & (news->bucket_count - 1)];
    while (at && (at->hash != origin->hash || strcmp(at->check, origin->check) != 0))
        at = at->chain;
    return at;
}

static void
news_grow(struct spool_news *news)
{
    size_t count = news->bucket_count ? news->bucket_count * 2 : NEWS_BUCKETS;
    struct spool_newest **buckets = memory_array(count, sizeof(struct spool_newest *));

    for (size_t i = 0; i < news->bucket_count; i++) {
        for (struct spool_newest *at = news->buckets[i], *chain; at; at = chain) {
            chain = at->chain;
            at->chain = buckets[at->hash & (count - 1)];
            buckets[at->hash & (count - 1)] = at;
        }
    }
    free(news->buckets);
    news->buckets = buckets;
    news->bucket_count = count;
}

void
spool_news_add(struct spool_news *news, const struct sonde_event *event)
{
    const struct origin *origin = event->origin;
    struct spool_newest *at, **bucket;
    size_t size;

    if (event->kind != EVENT_CHANGE)
        return;
    at = news_find(news, origin);
    if (at) {
        news->overtaken = true;
        if (at->seq < event->seq)
            at->seq = event->seq;
        return;
    }
    if (news->count++ >= news->bucket_count)
        news_grow(news);
    size = strlen(origin->check) + 1;
    at = memory_new(sizeof(*at) + size);
    *at = (struct spool_newest){ .hash = origin->hash, .seq = event->seq };
    memcpy(at->check, origin->check, size);
    bucket = &news->buckets[at->hash & (news->bucket_count - 1)];
    at->chain = *bucket;
    *bucket = at;
}

bool
spool_news_newer(const struct spool_news *news, const struct sonde_event *event)
{
    const struct spool_newest *at = NULL;

    if (event->kind == EVENT_CHANGE)
        at = news_find(news, event->origin);
    return at && at->seq > event->seq;
}

void
spool_news_clear(struct spool_news *news)
{
    for (size_t i = 0; i < news->bucket_count; i++) {
        for (struct spool_newest *at = news->buckets[i], *chain; at; at = chain) {
            chain = at->chain;
            free(at);
        }
    }
    free(news->buckets);
    *news = (struct spool_news){ 0 };
}
