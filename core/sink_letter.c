/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_letter.c - what a sink does not take: told, counted, and where it has another
 * sink (`otherwise`) sent there as a dead letter.
 *
 * An event that is given up goes at once, on whatever thread settled it.  Once the sink
 * has been DOWN for failover_after, what waits goes too, in slices on the delivery loop,
 * until it is UP again; as long as the other has no room it waits on here.  An event is
 * pushed to the other sink first and ended here then: in between it is at both, never at
 * none.
 * Not here: when an event is given up (sink_fate.c).
 */
#include "keep.h"
#include "sink_inside.h"

#include <stdio.h>

enum {
    LETTER_SLICE = 64,  /* events for one lock */
    LETTER_SLICES = 16, /* in one turn of the loop, */
};
#define LETTER_TURN  (2 * CLOCK_MS) /* ... which they may take */
#define LETTER_PAUSE (100 * CLOCK_MS)

/* ---- the other sink ---- */

static void
letter_leave(struct sink *other)
{
    atomic_fetch_sub(&other->feeders, 1);
    if (other->run)
        other->run->wake(other->run); /* it may be over now */
}

void
sink_send_to(struct sink *sink, struct sink *other)
{
    struct sink_run *run = sink->run;

    if (!run) {
        sink->other = other;
        return;
    }
    pthread_mutex_lock(&run->letters_lock);
    if (run->feeding && other)
        atomic_fetch_add(&other->feeders, 1);
    if (run->feeding && sink->other)
        letter_leave(sink->other);
    sink->other = other;
    pthread_mutex_unlock(&run->letters_lock);
}

void
sink_ended(struct sink_run *run)
{
    pthread_mutex_lock(&run->letters_lock);
    if (run->feeding && run->sink->other)
        letter_leave(run->sink->other);
    run->feeding = false;
    pthread_mutex_unlock(&run->letters_lock);
}

/* What has no share of the receipt may outlive it. */
static struct sonde_event *
letter_new(struct sink_run *run, const struct queue_entry *entry, unsigned attempts,
           const char *why)
{
    struct sonde_event *letter;

    if (!run->letters)
        run->letters = event_pool_new();
    letter = event_copy(run->letters, entry->event);
    letter->receipt = entry->share ? entry->event->receipt : NULL;
    if (!letter->letter) /* else it goes on, and where it was meant to go stays true */
        event_set_letter(letter, &(struct letter){ .sink = run->sink->instance.name,
                                                   .route = entry->route->name,
                                                   .reason = why,
                                                   .attempts = attempts,
                                                   .time = clock_wall() });
    return letter;
}

static void
letter_push(struct sink *other, struct sonde_event *letter, const char *route)
{
    struct keep_targets targets;

    if (!other->spool) {
        sink_push(other, letter, route);
        return;
    }
    targets.count = 1;
    targets.spools[0] = other->spool;
    targets.names[0] = (struct journal_target){ other->instance.name, route };
    keep_event(other->keep, letter, &targets);
}

/* Accepted by the other sink when this returns.  With the letters' lock. */
static void
letter_send(struct sink_run *run, const struct queue_entry *entry, unsigned attempts,
            const char *why)
{
    struct sink *other = run->sink->other;
    struct sonde_event *letter = letter_new(run, entry, attempts, why);

    if (!other->payload)
        event_encoded(letter, other->format); /* here, so that the queue counts it */
    letter_push(other, letter, entry->route->name);
    event_unref(letter);
}

/* ---- given up ---- */

void
sink_tell_rejects(struct sink_run *run, uint64_t count)
{
    sink_log(run, SONDE_WARNING, "rejected %llu more events", (unsigned long long)count);
}

/* One in SINK_TELL; the others are counted. */
static void
letter_tell(struct sink_run *run, const struct queue_entry *entry, const char *why)
{
    const struct sink *other = run->sink->other;
    const struct sonde_event *event = entry->event;
    char id[EVENT_ID_SIZE], to[EVENT_LETTER_NAME + 16] = "";
    int64_t now = clock_now();
    uint64_t untold = 0;
    bool tell;

    pthread_mutex_lock(&run->lock);
    tell = now - run->reject_told_at >= SINK_TELL;
    if (tell) {
        untold = run->rejects_untold;
        run->rejects_untold = 0;
        run->reject_told_at = now;
    } else
        run->rejects_untold++;
    pthread_mutex_unlock(&run->lock);
    if (!tell)
        return;
    if (untold)
        sink_tell_rejects(run, untold);
    if (other)
        snprintf(to, sizeof(to), " to sink \"%s\"", other->instance.name);
    sink_log(run, SONDE_WARNING, "%s an event of check \"%s\"%s, id %s, route \"%s\": %s",
             other ? "moved" : "rejected", event->origin->check, to,
             event_id_text(event->id, id), entry->route->name, why);
}

enum ledger_line
sink_give_up(struct sink_run *run, const struct queue_entry *entry, unsigned attempts,
             const char *why)
{
    enum ledger_line line = LEDGER_REJECTED;

    if (!why || !*why)
        why = "no reason given";
    pthread_mutex_lock(&run->letters_lock);
    letter_tell(run, entry, why);
    if (run->sink->other) {
        letter_send(run, entry, attempts, why);
        line = LEDGER_MOVED;
    }
    pthread_mutex_unlock(&run->letters_lock);
    return line;
}

/* ---- failover ---- */

bool
sink_moves(const struct sink_run *run, int64_t now)
{
    const struct sink_options *options = &run->sink->options;

    return options->failover_after && !run->handing && run->health.state == SONDE_DOWN
           && now - run->down_at >= options->failover_after * CLOCK_MS;
}

/* How long it has been DOWN, where that is long enough, and why; else -1.  *behind: what
 * is out has been for as long, so that nothing waits for it any more. */
static int64_t
letter_due(struct sink_run *run, int64_t now, char why[BATCH_WHY], bool *behind)
{
    const struct list *oldest;
    int64_t down = -1, after;

    pthread_mutex_lock(&run->lock);
    if (sink_moves(run, now)) {
        after = run->sink->options.failover_after * CLOCK_MS;
        down = now - run->down_at;
        snprintf(why, BATCH_WHY, "%s", run->health.why);
        oldest = list_first(&run->out);
        *behind = oldest
                  && now - container_of(oldest, struct sonde_batch, link)->since >= after;
    }
    pthread_mutex_unlock(&run->lock);
    return down;
}

static const char *
letter_duration(int64_t ns, char text[32])
{
    return text_duration_format(ns / CLOCK_SECOND * 1000, text, 32);
}

/* Returns how many went. */
static size_t
letter_move_slice(struct sink_run *run, bool behind, const char *why)
{
    struct queue *queue = run->owner.queue;
    struct queue_entry *entries[LETTER_SLICE];
    size_t count;

    if (!sink_room(run->sink->other))
        return 0;
    count = queue_withdraw(queue, entries, LETTER_SLICE, behind, clock_now());
    for (size_t i = 0; i < count; i++)
        letter_send(run, entries[i], entries[i]->attempts, why);
    if (count)
        queue_end(queue, entries, count, LEDGER_MOVED);
    run->moves_untold += count;
    return count;
}

void
sink_move(struct timer *timer)
{
    struct sink_run *run = container_of(timer, struct sink_run, move);
    char health[BATCH_WHY], why[BATCH_WHY + 64], text[32];
    int64_t began = clock_now(), down;
    bool behind = false, more;

    down = letter_due(run, began, health, &behind);
    if (down == -1)
        return;
    run->moves_down = down;
    snprintf(why, sizeof(why), "the sink has been DOWN for %s: %s",
             letter_duration(down, text), health);
    pthread_mutex_lock(&run->letters_lock);
    more = run->sink->other && run->feeding;
    for (int i = 0; more && i < LETTER_SLICES && clock_now() - began < LETTER_TURN; i++)
        more = letter_move_slice(run, behind, why);
    pthread_mutex_unlock(&run->letters_lock);
    loop_set(run->delivery, &run->move, clock_now() + (more ? 0 : LETTER_PAUSE));
    if (!queue_count(run->owner.queue))
        run->wake(run); /* it may be over now */
}

static void
letter_tell_moves(struct sink_run *run, int64_t now)
{
    char text[32];

    if (!run->moves_untold || now - run->move_told_at < SINK_TELL)
        return;
    pthread_mutex_lock(&run->letters_lock);
    if (run->sink->other)
        sink_log(run, SONDE_WARNING,
                 "moved %llu events to sink \"%s\", as it had been DOWN for %s",
                 (unsigned long long)run->moves_untold, run->sink->other->instance.name,
                 letter_duration(run->moves_down, text));
    pthread_mutex_unlock(&run->letters_lock);
    run->moves_untold = 0;
    run->move_told_at = now;
}

void
sink_failover(struct sink_run *run)
{
    int64_t now = clock_now();
    char why[BATCH_WHY];
    bool behind;

    letter_tell_moves(run, now);
    if (!timer_armed(&run->move) && letter_due(run, now, why, &behind) != -1)
        loop_set(run->delivery, &run->move, now);
}
