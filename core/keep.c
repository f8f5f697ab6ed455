/* SPDX-License-Identifier: Apache-2.0
 *
 * keep.c - what survives: its life, spools by name, the thread that reads back.  See
 * keep.h.
 *
 * Locks, each taken before those behind it: an entry's of recall, the order, a spool's, a
 * queue's, then the journal's own, and lock and shares_lock, which stand alone.
 */
#include "keep_inside.h"

#include "clock.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    KEEP_SEGMENTS = 8, /* that the smallest budget holds, and the disk */
    KEEP_LEAST = 64 << 10,
    KEEP_MOST = 16 << 20
};

/* ---- spools ---- */

static void
keep_wake(void *arg)
{
    struct keep *keep = arg;
    bool woken;

    pthread_mutex_lock(&keep->lock);
    woken = keep->woken;
    keep->woken = true;
    pthread_mutex_unlock(&keep->lock);
    if (!woken)
        pthread_cond_signal(&keep->wake);
}

struct spool *
keep_find(struct keep *keep, const char *name, size_t length, bool make)
{
    const struct spool_home home = { keep_wake, keep_again, keep };
    struct keep_spool *at = atomic_load(&keep->spools);
    AUTO_FREE char *text = NULL;

    for (; at; at = at->next)
        if (strlen(spool_name(at->spool)) == length
            && memcmp(spool_name(at->spool), name, length) == 0)
            return at->spool;
    if (!make)
        return NULL;
    text = memory_new(length + 1);
    memcpy(text, name, length);
    at = memory_new(sizeof(*at));
    at->spool = spool_new(text, &home);
    at->next = atomic_load(&keep->spools);
    pthread_mutex_lock(&keep->order);
    if (keep->journal)
        spool_open(at->spool, keep->journal);
    atomic_store(&keep->spools, at);
    pthread_mutex_unlock(&keep->order);
    return at->spool;
}

struct spool *
keep_spool(struct keep *keep, const char *name)
{
    return keep->journal ? keep_find(keep, name, strlen(name), true) : NULL;
}

struct spool *
keep_spool_left(struct keep *keep, const char *name)
{
    struct spool *spool = keep_find(keep, name, strlen(name), false);

    return spool && spool_waiting_count(spool) ? spool : NULL;
}

void
keep_each_orphan(struct keep *keep,
                 void (*fn)(const char *name, uint64_t waiting, void *arg), void *arg)
{
    for (struct keep_spool *at = atomic_load(&keep->spools); at; at = at->next) {
        uint64_t waiting = spool_queue(at->spool) ? 0 : spool_waiting_count(at->spool);

        if (waiting)
            fn(spool_name(at->spool), waiting, arg);
    }
}

/* ---- the disk is full, or well again ---- */

static bool
keep_full(const struct keep *keep)
{
    return keep->error == ENOSPC || keep->error == EDQUOT;
}

static void
keep_on_health(void *arg, int error, const char *why)
{
    struct keep *keep = arg;

    pthread_mutex_lock(&keep->lock);
    keep->error = error;
    snprintf(keep->why, sizeof(keep->why), "%s", why);
    keep->look_at = 0;
    pthread_mutex_unlock(&keep->lock);
    pthread_cond_signal(&keep->wake);
    if (error)
        log_warning("journal: %s", why);
    else
        log_info("journal: the disk takes everything again");
}

bool
keep_health(struct keep *keep, char why[JOURNAL_WHY])
{
    bool well;

    pthread_mutex_lock(&keep->lock);
    well = !keep->error;
    memcpy(why, keep->why, JOURNAL_WHY);
    pthread_mutex_unlock(&keep->lock);
    return well;
}

/* The one that keeps most segments from being removed gives one of them up. */
static void
keep_press(struct keep *keep)
{
    uint64_t needed;
    struct spool *most = keep_first(keep, &needed);

    if (most)
        spool_press(most);
}

/* ---- the reading thread ---- */

/* Each in its turn; true: there is more to do at once. */
static bool
keep_round(struct keep *keep)
{
    bool more = false;

    for (struct keep_spool *at = atomic_load(&keep->spools); at; at = at->next)
        more |= spool_work(at->spool);
    return more;
}

/* Woken, or once a second, for budgets; then a full disk is pressed, too. */
static void *
keep_thread(void *arg)
{
    struct keep *keep = arg;

    pthread_mutex_lock(&keep->lock);
    while (!keep->stopping) {
        bool look = clock_now() >= keep->look_at, press = look && keep_full(keep), more;
        struct timespec until = { .tv_sec = keep->look_at / CLOCK_SECOND,
                                  .tv_nsec = keep->look_at % CLOCK_SECOND };

        if (!look && !keep->woken) {
            pthread_cond_timedwait(&keep->wake, &keep->lock, &until);
            continue;
        }
        if (look)
            keep->look_at = clock_now() + CLOCK_SECOND;
        keep->woken = false;
        pthread_mutex_unlock(&keep->lock);
        if (press)
            keep_press(keep);
        more = keep_round(keep);
        pthread_mutex_lock(&keep->lock);
        keep->woken |= more;
    }
    pthread_mutex_unlock(&keep->lock);
    return NULL;
}

void
keep_start(struct keep *keep)
{
    sigset_t all, before;

    if (!keep->journal)
        return;
    journal_start(keep->journal);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&keep->thread, NULL, keep_thread, keep);
    keep->started = errno == 0;
    if (keep->started)
        pthread_setname_np(keep->thread, "journal-read");
    else
        log_error("no thread reads the journal: %s; what waits on the disk stays there",
                  strerror(errno));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- its life ---- */

struct keep *
keep_new(void)
{
    struct keep *keep = memory_new(sizeof(*keep));
    pthread_condattr_t monotonic;

    keep->recall = recall_new();
    keep->pool = event_pool_new();
    pthread_mutex_init(&keep->order, NULL);
    pthread_mutex_init(&keep->shares_lock, NULL);
    pthread_mutex_init(&keep->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&keep->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_init(&keep->reserved, UINT64_MAX); /* without a disk nothing is reserved */
    return keep;
}

/* A small disk may be full long before a budget is. */
static void
keep_measure(struct keep *keep, const char *directory)
{
    struct statvfs room;

    keep->room = UINT64_MAX;
    if (statvfs(directory, &room) == 0)
        keep->room = (uint64_t)room.f_blocks * room.f_frsize;
}

static struct journal_options
keep_tune(const struct keep *keep, const struct keep_options *options)
{
    bool budget = options->disk && options->disk < keep->room;
    uint64_t segment = (budget ? options->disk : keep->room) / KEEP_SEGMENTS;

    if (segment < KEEP_LEAST)
        segment = KEEP_LEAST;
    return (struct journal_options){ .sync = options->sync,
                                     .every = options->every,
                                     .segment = segment < KEEP_MOST ? segment
                                                                    : KEEP_MOST };
}

static void
keep_say(const struct keep *keep)
{
    size_t known = recall_count(keep->recall);

    log_info("journal: %zu check%s known", known, known == 1 ? "" : "s");
    for (struct keep_spool *at = atomic_load(&keep->spools); at; at = at->next) {
        uint64_t waiting = spool_waiting_count(at->spool);

        if (waiting)
            log_info("journal: %" PRIu64 " event%s restored for sink \"%s\"", waiting,
                     waiting == 1 ? "" : "s", spool_name(at->spool));
    }
}

int
keep_open(struct keep *keep, const char *directory, const struct keep_options *options,
          atomic_ullong *seq, char why[JOURNAL_WHY])
{
    const struct journal_client client = { .arg = keep,
                                           .restore = keep_restore,
                                           .snapshot = keep_snapshot,
                                           .checkpoint = keep_checkpoint,
                                           .needed = keep_needed,
                                           .told = keep_told,
                                           .health = keep_on_health };
    AUTO_FREE char *path = memory_format("%s/journal", directory);
    struct journal_options tuned;

    keep_measure(keep, directory);
    tuned = keep_tune(keep, options);
    atomic_store(&keep->reserved, 0);
    keep->journal = journal_open(path, &tuned, &client, why);
    if (!keep->journal)
        return -1;
    for (struct keep_spool *at = atomic_load(&keep->spools); at; at = at->next)
        spool_open(at->spool, keep->journal);
    if (atomic_load(seq) < atomic_load(&keep->reserved))
        atomic_store(seq, atomic_load(&keep->reserved));
    keep_seq(keep, atomic_load(seq));
    keep_say(keep);
    return 0;
}

bool
keep_disk(const struct keep *keep)
{
    return keep->journal != NULL;
}

void
keep_retune(struct keep *keep, const struct keep_options *options)
{
    struct journal_options tuned = keep_tune(keep, options);

    if (keep->journal)
        journal_retune(keep->journal, &tuned);
}

static bool
keep_has_shares(struct keep *keep)
{
    bool has;

    pthread_mutex_lock(&keep->shares_lock);
    has = keep->share_count;
    pthread_mutex_unlock(&keep->shares_lock);
    return has;
}

void
keep_flush(struct keep *keep, int64_t deadline)
{
    if (!keep->journal)
        return;
    journal_kick(keep->journal);
    while ((journal_durable(keep->journal) + 1 < journal_next(keep->journal)
            || keep_has_shares(keep))
           && clock_now() < deadline)
        usleep(5000);
}

static void
keep_stop_reading(struct keep *keep)
{
    if (!keep->started)
        return;
    pthread_mutex_lock(&keep->lock);
    keep->stopping = true;
    pthread_mutex_unlock(&keep->lock);
    pthread_cond_signal(&keep->wake);
    pthread_join(keep->thread, NULL);
}

static void
keep_free_spools(struct keep *keep)
{
    for (struct keep_spool *at = atomic_load(&keep->spools), *next; at; at = next) {
        next = at->next;
        spool_free(at->spool);
        free(at);
    }
}

/* Spools have readers of the journal: they let go of them before it ends, and are still
 * there for its last checkpoint. */
void
keep_free(struct keep *keep)
{
    uint64_t lost;

    if (!keep)
        return;
    keep_stop_reading(keep);
    for (struct keep_spool *at = atomic_load(&keep->spools); at; at = at->next)
        spool_close(at->spool);
    lost = journal_close(keep->journal);
    if (lost)
        log_warning("journal: the disk did not take the last %" PRIu64 " records", lost);
    keep_release(keep, UINT64_MAX, SONDE_RETRY);
    keep_free_spools(keep);
    recall_free(keep->recall);
    event_pool_free(keep->pool);
    pthread_cond_destroy(&keep->wake);
    pthread_mutex_destroy(&keep->lock);
    pthread_mutex_destroy(&keep->shares_lock);
    pthread_mutex_destroy(&keep->order);
    free(keep->shares);
    free(keep);
}

struct recall *
keep_recall(struct keep *keep)
{
    return keep->recall;
}

struct journal_counts
keep_counts(struct keep *keep)
{
    return keep->journal ? journal_counts(keep->journal) : (struct journal_counts){ 0 };
}
