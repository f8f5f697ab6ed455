/* SPDX-License-Identifier: Apache-2.0
 *
 * event.c - the life of an event: made by a loop's pool, filled, shared, recycled.
 *
 * A dropped event goes back to its pool as it is, still holding its small texts:
 * they are freed where they were allocated, on the pool's own thread, which costs a
 * fraction of freeing them elsewhere.  Only what grew large is let go at once.
 * Not here: what is put into it (event_fill.c), names (event_names.c), paths
 * (event_field.c), JSON (encode.c).
 */
#include "event.h"

#include "clock.h"
#include "json.h"

#include <string.h>
#include <sys/random.h>

enum {
    POOL_HALF = 2048,      /* free events kept: as many on the list as on the stack */
    RECYCLED_MOST = 2048,  /* bytes a free event may go on holding besides itself */
    ID_AHEAD = 4096 * 1000 /* ids may run ahead of the clock by this: a second */
};

/* Other threads touch only what is on the first cache line. */
struct event_pool {
    _Alignas(
        64) _Atomic(struct sonde_event *) stack; /* returned; &closed: no owner left */
    atomic_uint returned;                        /* about how many are on it */
    atomic_uint refs;                            /* the owner, and every event */
    _Alignas(64) struct sonde_event *list;       /* the owner's: free events */
    uint64_t random, last_id;
};

static struct sonde_event closed; /* only its address is used */

/* ---- origins ---- */

static void
add_member(struct text *out, const char *before, const char *value)
{
    text_puts(out, before);
    json_string(out, value, strlen(value));
}

static void
add_whole(struct text *all, const char *text)
{
    text_add(all, text, strlen(text) + 1);
}

/* All texts, each with its NUL, in the order of origin_spread. */
static void
origin_gather(struct text *all, const struct origin *origin)
{
    add_whole(all, origin->check);
    add_whole(all, origin->plugin);
    add_whole(all, origin->observer);
    for (size_t i = 0; i < origin->label_count; i++) {
        add_whole(all, origin->labels[i].name);
        add_whole(all, origin->labels[i].value);
    }
    for (size_t i = 0; i < origin->via_count; i++)
        add_whole(all, origin->via[i]);
}

/* Its JSON, of which ends says where each piece ends. */
static void
origin_write(struct text *all, const struct origin *origin, uint32_t ends[ORIGIN_PIECES])
{
    size_t json = all->length;

    add_member(all, "", origin->observer);
    for (size_t i = 0; i < origin->via_count; i++)
        add_member(all, i ? "," : ",\"via\":[", origin->via[i]);
    text_puts(all, origin->via_count ? "]" : "");
    ends[ORIGIN_OBSERVER] = (uint32_t)(all->length - json);
    add_member(all, "", origin->check);
    add_member(all, ",\"plugin\":", origin->plugin);
    ends[ORIGIN_CHECK] = (uint32_t)(all->length - json);
    for (size_t i = 0; i < origin->label_count; i++) {
        add_member(all, i ? "," : "", origin->labels[i].name);
        add_member(all, ":", origin->labels[i].value);
    }
    ends[ORIGIN_LABELS] = (uint32_t)(all->length - json);
}

static const char *
next_text(const char **at)
{
    const char *text = *at;

    *at += strlen(text) + 1;
    return text;
}

static void
origin_spread(struct origin *origin, const char *at)
{
    origin->check = next_text(&at);
    origin->plugin = next_text(&at);
    origin->observer = next_text(&at);
    for (size_t i = 0; i < origin->label_count; i++) {
        origin->labels[i].name = next_text(&at);
        origin->labels[i].value = next_text(&at);
    }
    for (size_t i = 0; i < origin->via_count; i++)
        origin->via[i] = next_text(&at);
}

struct origin *
origin_new_via(const char *check, const char *plugin, const char *observer,
               const struct label *labels, size_t count, const char *const *via,
               size_t via_count)
{
    struct origin given = { .check = check,
                            .plugin = plugin,
                            .observer = observer,
                            .labels = (struct label *)labels,
                            .label_count = count,
                            .via = (const char **)via,
                            .via_count = via_count };
    struct text all = { 0 };
    struct origin *origin;
    size_t json;
    char *texts;

    origin_gather(&all, &given);
    json = all.length;
    origin_write(&all, &given, given.ends);
    origin = memory_new(sizeof(*origin) + count * sizeof(*labels)
                        + via_count * sizeof(*via) + all.length);
    *origin = given;
    atomic_init(&origin->refs, 1);
    origin->hash = text_hash(check, strlen(check));
    origin->labels = (struct label *)(origin + 1);
    origin->via = (const char **)(origin->labels + count);
    texts = (char *)(origin->via + via_count);
    memcpy(texts, all.bytes, all.length);
    origin_spread(origin, texts);
    origin->json = texts + json;
    text_deinit(&all);
    return origin;
}

struct origin *
origin_new(const char *check, const char *plugin, const char *observer,
           const struct label *labels, size_t count)
{
    return origin_new_via(check, plugin, observer, labels, count, NULL, 0);
}

struct origin *
origin_ref(struct origin *origin)
{
    atomic_fetch_add_explicit(&origin->refs, 1, memory_order_relaxed);
    return origin;
}

void
origin_unref(struct origin *origin)
{
    if (origin && atomic_fetch_sub_explicit(&origin->refs, 1, memory_order_acq_rel) == 1)
        free(origin);
}

/* ---- memory of an event ---- */

static void
event_room(struct sonde_event *event)
{
    event->memory = (struct arena){ .at = event->room,
                                    .end = event->room + sizeof(event->room),
                                    .block = 1024 };
}

static void
event_empty(struct sonde_event *event)
{
    struct made_text *made = atomic_load_explicit(&event->made, memory_order_relaxed);

    for (int i = 0; i < EVENT_FORMATS; i++) {
        free(atomic_load_explicit(&event->encoded[i], memory_order_relaxed));
        atomic_store_explicit(&event->encoded[i], NULL, memory_order_relaxed);
    }
    for (struct made_text *next; made; made = next) {
        next = made->next;
        free(made);
    }
    atomic_store_explicit(&event->made, NULL, memory_order_relaxed);
    if (event->memory.blocks)
        arena_deinit(&event->memory);
    event_room(event);
    origin_unref(event->origin);
    event->origin = NULL;
}

size_t
event_bytes(const struct sonde_event *event)
{
    const struct made_text *made = atomic_load_explicit(&event->made,
                                                        memory_order_acquire);
    size_t bytes = sizeof(*event) + event->memory.total;

    for (int i = 0; i < EVENT_FORMATS; i++) {
        const struct encoded *encoded = atomic_load_explicit(&event->encoded[i],
                                                             memory_order_acquire);
        if (encoded)
            bytes += sizeof(*encoded) + encoded->length + 1;
    }
    for (; made; made = made->next)
        bytes += sizeof(*made) + made->length + 1 + strlen(made->rest) + 1;
    return bytes;
}

/* ---- pools ---- */

struct event_pool *
event_pool_new(void)
{
    struct event_pool *pool = memory_new(sizeof(*pool));

    atomic_init(&pool->refs, 1);
    if (getrandom(&pool->random, sizeof(pool->random), 0) != sizeof(pool->random))
        pool->random = (uint64_t)clock_now() ^ (uint64_t)(uintptr_t)pool;
    return pool;
}

static void
pool_unref(struct event_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) == 1)
        free(pool);
}

static void
event_free(struct sonde_event *event)
{
    struct event_pool *pool = event->home;

    event_empty(event);
    free(event);
    pool_unref(pool);
}

static void
event_free_all(struct sonde_event *event)
{
    for (struct sonde_event *next; event; event = next) {
        next = event->link;
        event_free(event);
    }
}

void
event_pool_trim(struct event_pool *pool)
{
    event_free_all(pool->list);
    pool->list = NULL;
    event_free_all(atomic_exchange_explicit(&pool->stack, NULL, memory_order_acquire));
    atomic_store_explicit(&pool->returned, 0, memory_order_relaxed);
}

void
event_pool_free(struct event_pool *pool)
{
    if (!pool)
        return;
    event_free_all(pool->list);
    event_free_all(atomic_exchange_explicit(&pool->stack, &closed, memory_order_acquire));
    pool_unref(pool);
}

/* Any thread.  Only pushes and exchanges of the whole: nothing is ever read through a
 * head that another thread may have taken. */
static void
pool_return(struct event_pool *pool, struct sonde_event *event)
{
    struct sonde_event *head;

    if (atomic_load_explicit(&pool->returned, memory_order_relaxed) >= POOL_HALF) {
        event_free(event);
        return;
    }
    if (event_bytes(event) > sizeof(*event) + RECYCLED_MOST)
        event_empty(event);
    atomic_fetch_add_explicit(&pool->returned, 1, memory_order_relaxed);
    head = atomic_load_explicit(&pool->stack, memory_order_relaxed);
    do {
        if (head == &closed) {
            event_free(event);
            return;
        }
        event->link = head;
    } while (!atomic_compare_exchange_weak_explicit(
        &pool->stack, &head, event, memory_order_release, memory_order_relaxed));
}

static struct sonde_event *
pool_take(struct event_pool *pool)
{
    struct sonde_event *event;

    if (!pool->list) {
        pool->list = atomic_exchange_explicit(&pool->stack, NULL, memory_order_acquire);
        atomic_store_explicit(&pool->returned, 0, memory_order_relaxed);
    }
    event = pool->list;
    if (event) {
        pool->list = event->link;
        event_empty(event);
        return event;
    }
    event = memory_new(sizeof(*event));
    event->home = pool;
    event_room(event);
    atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
    return event;
}

/* ---- ids ---- */

static uint64_t
pool_random(struct event_pool *pool) /* splitmix64 */
{
    uint64_t z = pool->random += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* UUIDv7 with the fraction of the millisecond in rand_a (RFC 9562, method 3): ids of a
 * pool rise, unless the clock was set back. */
static void
pool_id(struct event_pool *pool, int64_t wall, uint8_t id[16])
{
    uint64_t us = wall > 0 ? (uint64_t)wall : 0, tail = pool_random(pool);
    uint64_t time = us / 1000 << 12 | us % 1000 * 4096 / 1000;

    if (time <= pool->last_id && pool->last_id - time < ID_AHEAD)
        time = pool->last_id + 1;
    pool->last_id = time;
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)(time >> (52 - 8 * i));
    id[6] = (uint8_t)(0x70 | (time >> 8 & 0x0F));
    id[7] = (uint8_t)time;
    for (int i = 0; i < 8; i++)
        id[8 + i] = (uint8_t)(tail >> 8 * i);
    id[8] = (uint8_t)((id[8] & 0x3F) | 0x80);
}

/* ---- events ---- */

struct sonde_event *
event_new(struct event_pool *pool, struct origin *origin)
{
    const size_t head = offsetof(struct sonde_event, run);
    struct sonde_event *event = pool_take(pool);

    memset((char *)event + head, 0, offsetof(struct sonde_event, memory) - head);
    atomic_store_explicit(&event->refs, 1, memory_order_relaxed);
    event->origin = origin_ref(origin);
    event->time = clock_wall();
    pool_id(pool, event->time, event->id);
    event->message = "";
    event->duration_us = -1;
    for (int i = 0; i < EVENT_PHASES; i++)
        atomic_store_explicit(&event->timing_us[i], -1, memory_order_relaxed);
    return event;
}

struct sonde_event *
event_ref(struct sonde_event *event)
{
    atomic_fetch_add_explicit(&event->refs, 1, memory_order_relaxed);
    return event;
}

void
event_unref(struct sonde_event *event)
{
    if (event && atomic_fetch_sub_explicit(&event->refs, 1, memory_order_acq_rel) == 1)
        pool_return(event->home, event);
}

const struct sonde_event *
sonde_event_ref(const struct sonde_event *event)
{
    return event_ref((struct sonde_event *)event);
}

void
sonde_event_unref(const struct sonde_event *event)
{
    event_unref((struct sonde_event *)event);
}
