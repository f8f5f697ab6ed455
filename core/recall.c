/* SPDX-License-Identifier: Apache-2.0
 *
 * recall.c - what is known of every check, by its name.  See recall.h.
 *
 * The table has a lock of its own, for entering, forgetting and walking, and for the
 * origins in it: to find an entry's lock one must look at its origin.  What else an entry
 * holds is under one of a few locks that entries share by their hash, since a mutex in
 * each would be a twentieth of what an idle check may take.
 */
#include "recall.h"

#include <pthread.h>
#include <string.h>

enum {
    RECALL_LOCKS = 64,
    RECALL_LOAD = 2 /* entries a bucket before the table grows: it is hardly searched */
};

struct recall {
    pthread_mutex_t locks[RECALL_LOCKS];
    pthread_mutex_t table; /* taken before one of locks */
    struct known **buckets;
    size_t room, count; /* room: a power of two */
};

/* ---- one entry ---- */

struct known *
recall_begin(struct origin *origin)
{
    struct known *known = memory_new(sizeof(*known));

    known->origin = origin;
    return known;
}

void
recall_end(struct known *known)
{
    if (!known || known->kept)
        return;
    state_deinit(&known->state);
    origin_unref(known->origin);
    free(known);
}

/* ---- the table ---- */

struct recall *
recall_new(void)
{
    struct recall *recall = memory_new(sizeof(*recall));

    for (int i = 0; i < RECALL_LOCKS; i++)
        pthread_mutex_init(&recall->locks[i], NULL);
    pthread_mutex_init(&recall->table, NULL);
    recall->room = RECALL_LOCKS;
    recall->buckets = memory_array(recall->room, sizeof(struct known *));
    return recall;
}

void
recall_lock(struct recall *recall, const struct known *known)
{
    pthread_mutex_lock(&recall->locks[known->origin->hash % RECALL_LOCKS]);
}

void
recall_unlock(struct recall *recall, const struct known *known)
{
    pthread_mutex_unlock(&recall->locks[known->origin->hash % RECALL_LOCKS]);
}

/* Where the entry of that name hangs, or would. */
static struct known **
recall_find(const struct recall *recall, const char *name, size_t length, uint64_t hash)
{
    struct known **at = &recall->buckets[hash & (recall->room - 1)];

    while (*at
           && ((*at)->origin->hash != hash || strlen((*at)->origin->check) != length
               || memcmp((*at)->origin->check, name, length) != 0))
        at = &(*at)->chain;
    return at;
}

static struct known **
recall_find_origin(const struct recall *recall, const struct origin *origin)
{
    return recall_find(recall, origin->check, strlen(origin->check), origin->hash);
}

static void
recall_grow(struct recall *recall)
{
    struct known **old = recall->buckets;
    size_t room = recall->room;

    recall->room *= 2;
    recall->buckets = memory_array(recall->room, sizeof(struct known *));
    for (size_t i = 0; i < room; i++)
        for (struct known *at = old[i], *next; at; at = next) {
            struct known **to = &recall->buckets[at->origin->hash & (recall->room - 1)];

            next = at->chain;
            at->chain = *to;
            *to = at;
        }
    free(old);
}

static void
recall_insert(struct recall *recall, struct known *known)
{
    struct known **at;

    if (recall->count == recall->room * RECALL_LOAD)
        recall_grow(recall);
    at = &recall->buckets[known->origin->hash & (recall->room - 1)];
    known->chain = *at;
    known->kept = true;
    *at = known;
    recall->count++;
}

static void
recall_remove(struct recall *recall, struct known **at)
{
    struct known *known = *at;

    *at = known->chain;
    recall->count--;
    known->kept = false;
}

/* With the table locked. */
static void
recall_swap(struct recall *recall, struct known *known, struct known *fresh)
{
    struct origin *origin = fresh->origin;

    recall_lock(recall, known);
    fresh->origin = known->origin;
    known->origin = origin;
    recall_unlock(recall, known); /* of the same name, so it is the same lock */
}

struct known *
recall_enter(struct recall *recall, struct known *known)
{
    struct known *was;

    pthread_mutex_lock(&recall->table);
    was = *recall_find_origin(recall, known->origin);
    if (was) {
        recall_swap(recall, was, known);
        recall_end(known);
    } else {
        recall_insert(recall, known);
        was = known;
    }
    was->entered = true;
    pthread_mutex_unlock(&recall->table);
    return was;
}

void
recall_leave(struct recall *recall, struct known *known)
{
    pthread_mutex_lock(&recall->table);
    recall_remove(recall, recall_find_origin(recall, known->origin));
    pthread_mutex_unlock(&recall->table);
}

void
recall_exchange(struct recall *recall, struct known *known, struct known *fresh)
{
    pthread_mutex_lock(&recall->table);
    recall_swap(recall, known, fresh);
    pthread_mutex_unlock(&recall->table);
}

static void
recall_each_of(struct recall *recall, const struct known *at,
               void (*fn)(const struct known *known, void *arg), void *arg)
{
    for (; at; at = at->chain) {
        recall_lock(recall, at);
        fn(at, arg);
        recall_unlock(recall, at);
    }
}

/* The table may grow in between: what is not told yet is never before the place then. */
void
recall_each(struct recall *recall, void (*fn)(const struct known *known, void *arg),
            void *arg)
{
    size_t room = 1;

    for (size_t i = 0; i < room; i++) {
        pthread_mutex_lock(&recall->table);
        room = recall->room;
        recall_each_of(recall, recall->buckets[i], fn, arg);
        pthread_mutex_unlock(&recall->table);
    }
}

void
recall_sweep(struct recall *recall, void (*fn)(struct known *known, void *arg), void *arg)
{
    pthread_mutex_lock(&recall->table);
    for (size_t i = 0; i < recall->room; i++)
        for (struct known **at = &recall->buckets[i]; *at;) {
            struct known *known = *at;

            if (known->entered) {
                at = &known->chain;
                continue;
            }
            recall_lock(recall, known);
            fn(known, arg);
            recall_unlock(recall, known);
            recall_remove(recall, at);
            recall_end(known);
        }
    pthread_mutex_unlock(&recall->table);
}

size_t
recall_count(struct recall *recall)
{
    size_t count;

    pthread_mutex_lock(&recall->table);
    count = recall->count;
    pthread_mutex_unlock(&recall->table);
    return count;
}

void
recall_free(struct recall *recall)
{
    if (!recall)
        return;
    for (size_t i = 0; i < recall->room; i++)
        while (recall->buckets[i]) {
            struct known *known = recall->buckets[i];

            recall_remove(recall, &recall->buckets[i]);
            recall_end(known);
        }
    free(recall->buckets);
    pthread_mutex_destroy(&recall->table);
    for (int i = 0; i < RECALL_LOCKS; i++)
        pthread_mutex_destroy(&recall->locks[i]);
    free(recall);
}

/* ---- after a restart: one thread, nothing runs yet ---- */

static struct known *
recall_restored(struct recall *recall, struct origin *origin)
{
    struct known *known = *recall_find_origin(recall, origin);

    if (!known) {
        known = recall_begin(origin_ref(origin));
        recall_insert(recall, known);
    }
    known->history = true;
    return known;
}

void
recall_restore(struct recall *recall, const struct sonde_event *change)
{
    struct origin *origin = change->origin;
    struct known *known;

    if (change->reason == SONDE_REMOVED) {
        recall_restore_forget(recall, origin->check, strlen(origin->check));
        return;
    }
    known = recall_restored(recall, origin);
    origin_ref(origin);
    origin_unref(known->origin);
    known->origin = origin;
    known->state.hard = change->state;
    known->state.streak = 0;
    state_remember(&known->state, change, 0);
}

void
recall_restore_forget(struct recall *recall, const void *name, size_t length)
{
    struct known **at = recall_find(recall, name, length, text_hash(name, length));

    struct known *known = *at;

    if (!known)
        return;
    recall_remove(recall, at);
    recall_end(known);
}

/* ---- unconfirmed answers: hard state, streak, onset, name ---- */

enum { RECALL_SOFT = 1 + 2 + 8, RECALL_STREAK = 1000 /* as rise and fall at most */ };

static void
recall_put(char **at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++, value >>= 8)
        *(*at)++ = (char)(unsigned char)value;
}

static uint64_t
recall_take(const unsigned char **at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint64_t) * (*at)++ << 8 * i;
    return value;
}

struct journal_head *
recall_pack_soft(const struct known *known)
{
    size_t name = strlen(known->origin->check);
    struct journal_head *head = memory_new(sizeof(*head) + RECALL_SOFT + name);
    char *at = head->bytes;

    head->length = RECALL_SOFT + name;
    recall_put(&at, known->state.hard, 1);
    recall_put(&at, known->state.streak, 2);
    recall_put(&at, (uint64_t)known->state.onset, 8);
    memcpy(at, known->origin->check, name);
    return head;
}

static struct known *
recall_restored_name(struct recall *recall, const void *name, size_t length)
{
    AUTO_FREE char *text = memory_new(length + 1);
    struct origin *origin;
    struct known *known;

    memcpy(text, name, length);
    origin = origin_new(text, "", "", NULL, 0);
    known = recall_restored(recall, origin);
    origin_unref(origin);
    return known;
}

bool
recall_read_soft(const void *payload, size_t length, struct recall_soft *soft)
{
    const unsigned char *at = payload;
    uint64_t hard, streak;

    if (length <= RECALL_SOFT)
        return false;
    hard = recall_take(&at, 1);
    streak = recall_take(&at, 2);
    *soft = (struct recall_soft){
        .hard = (enum sonde_state)hard,
        .streak = (uint16_t)(streak < RECALL_STREAK ? streak : RECALL_STREAK),
        .onset = (int64_t)recall_take(&at, 8),
        .name = (const char *)at,
        .length = length - RECALL_SOFT
    };
    return hard <= SONDE_DOWN;
}

/* What is said of another hard state than the one known here belongs to a change that
 * the journal did not take. */
bool
recall_restore_soft(struct recall *recall, const void *payload, size_t length)
{
    struct recall_soft soft;
    struct known *known;

    if (!recall_read_soft(payload, length, &soft))
        return false;
    known = recall_restored_name(recall, soft.name, soft.length);
    known->state.streak = known->state.hard == soft.hard ? soft.streak : 0;
    known->state.onset = soft.onset;
    return true;
}
