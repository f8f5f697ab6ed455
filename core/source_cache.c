/* SPDX-License-Identifier: Apache-2.0
 *
 * source_cache.c - who a source's event is about, and so where it goes.
 *
 * A source may name any check, so origins and paths are made as events come, kept to be
 * found again, and all let go of when they are too many: whoever is on the other side may
 * make them up.
 */
#include "source_inside.h"

#include <string.h>

enum { CACHE_MOST = 10000, CACHE_BUCKETS = 16384 };

/* All that makes an origin; labels sorted by name. */
struct about_key {
    const char *check, *plugin, *observer;
    struct label labels[EVENT_LABELS];
    size_t label_count;
    const char *via[EVENT_VIA + 1];
    size_t via_count;
};

/* ---- what an event says, and what is added ---- */

static void
key_label(struct about_key *key, const struct label *label)
{
    size_t at = 0;

    while (at < key->label_count && strcmp(key->labels[at].name, label->name) < 0)
        at++;
    if (at < key->label_count && strcmp(key->labels[at].name, label->name) == 0)
        return; /* what was said first holds */
    if (key->label_count == EVENT_LABELS)
        return;
    memmove(key->labels + at + 1, key->labels + at,
            (key->label_count - at) * sizeof(*key->labels));
    key->labels[at] = *label;
    key->label_count++;
}

static const char *
key_text(const char *said, const char *known, const char *absent)
{
    return said && *said ? said : known && *known ? known : absent;
}

/* False: the event is an echo. */
static bool
key_via(struct about_key *key, const struct origin *origin, const char *ours,
        bool foreign)
{
    for (size_t i = 0; i < origin->via_count; i++)
        if (strcmp(origin->via[i], ours) == 0)
            return false;
    key->via_count = origin->via_count;
    if (key->via_count)
        memcpy(key->via, origin->via, key->via_count * sizeof(*key->via));
    if (!foreign)
        return true;
    if (key->via_count == EVENT_VIA)
        return false; /* nobody relays so often: it goes round among others */
    key->via[key->via_count++] = ours;
    return true;
}

static bool
key_init(struct about_key *key, const struct source_run *run,
         const struct sonde_event *event)
{
    const struct source_home *home = &run->source->home;
    const struct origin *origin = event->origin;
    const struct draft *draft = event->draft;
    const char *said = key_text(draft->observer,
                                origin == run->blank ? NULL : origin->observer, "");

    key->check = key_text(draft->check, origin->check, "");
    key->plugin = key_text(draft->plugin, origin->plugin, run->blank->plugin);
    key->observer = key_text(said, NULL, home->observer);
    key->label_count = 0;
    for (size_t i = 0; i < draft->label_count; i++)
        key_label(key, &draft->labels[i]);
    for (size_t i = 0; i < origin->label_count; i++)
        key_label(key, &origin->labels[i]);
    for (size_t i = 0; i < home->label_count; i++)
        key_label(key, &home->labels[i]);
    return strcmp(said, home->observer) != 0
           && key_via(key, origin, home->observer, *said != '\0');
}

/* Of an event that was here before and had to wait. */
static void
key_again(struct about_key *key, const struct origin *origin)
{
    key->check = origin->check;
    key->plugin = origin->plugin;
    key->observer = origin->observer;
    key->label_count = origin->label_count;
    key->via_count = origin->via_count;
    for (size_t i = 0; i < key->label_count; i++)
        key->labels[i] = origin->labels[i];
    for (size_t i = 0; i < key->via_count; i++)
        key->via[i] = origin->via[i];
}

/* ---- what is known ---- */

static uint64_t
hash_add(uint64_t hash, const char *text)
{
    return (hash ^ text_hash(text, strlen(text))) * UINT64_C(0x9E3779B97F4A7C15);
}

static uint64_t
key_hash(const struct about_key *key)
{
    uint64_t hash = hash_add(hash_add(hash_add(0, key->check), key->plugin),
                             key->observer);

    for (size_t i = 0; i < key->label_count; i++)
        hash = hash_add(hash_add(hash, key->labels[i].name), key->labels[i].value);
    for (size_t i = 0; i < key->via_count; i++)
        hash = hash_add(hash, key->via[i]);
    return hash ^ hash >> 32;
}

static bool
key_is(const struct about_key *key, const struct origin *origin)
{
    if (key->label_count != origin->label_count || key->via_count != origin->via_count
        || strcmp(key->check, origin->check) != 0
        || strcmp(key->plugin, origin->plugin) != 0
        || strcmp(key->observer, origin->observer) != 0)
        return false;
    for (size_t i = 0; i < key->label_count; i++)
        if (strcmp(key->labels[i].name, origin->labels[i].name) != 0
            || strcmp(key->labels[i].value, origin->labels[i].value) != 0)
            return false;
    for (size_t i = 0; i < key->via_count; i++)
        if (strcmp(key->via[i], origin->via[i]) != 0)
            return false;
    return true;
}

void
source_cache_clear(struct source_cache *cache)
{
    for (size_t i = 0; cache->buckets && i < CACHE_BUCKETS; i++) {
        for (struct source_about *about = cache->buckets[i], *chain; about;
             about = chain) {
            chain = about->chain;
            origin_unref(about->origin);
            free(about);
        }
    }
    free(cache->buckets);
    path_set_deinit(&cache->paths);
    *cache = (struct source_cache){ 0 };
}

static struct source_about *
about_new(struct source_run *run, const struct about_key *key, uint64_t hash)
{
    struct source_cache *cache = &run->cache;
    struct source_about *about = memory_new(sizeof(*about)), **bucket;

    if (cache->count == CACHE_MOST)
        source_cache_clear(cache);
    if (!cache->buckets)
        cache->buckets = memory_array(CACHE_BUCKETS, sizeof(struct source_about *));
    bucket = &cache->buckets[hash % CACHE_BUCKETS];
    about->hash = hash;
    about->origin = origin_new_via(key->check, key->plugin, key->observer, key->labels,
                                   key->label_count, key->via, key->via_count);
    about->path = router_path_from(run->source->home.router, &cache->paths, about->origin,
                                   run->source->instance.name);
    about->chain = *bucket;
    *bucket = about;
    cache->count++;
    return about;
}

static struct source_about *
about_find(struct source_run *run, const struct about_key *key)
{
    uint64_t hash = key_hash(key);
    struct source_about *about = run->cache.buckets
                                     ? run->cache.buckets[hash % CACHE_BUCKETS]
                                     : NULL;

    while (about && !(about->hash == hash && key_is(key, about->origin)))
        about = about->chain;
    return about ? about : about_new(run, key, hash);
}

const struct source_about *
source_cache_find(struct source_run *run, struct sonde_event *event)
{
    struct about_key key;
    const struct source_about *about;

    if (event->draft->ready)
        key_again(&key, event->origin);
    else if (!key_init(&key, run, event))
        return NULL;
    about = about_find(run, &key);
    origin_unref(event->origin);
    event->origin = origin_ref(about->origin);
    event->draft->ready = true;
    return about;
}
