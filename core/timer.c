/* SPDX-License-Identifier: Apache-2.0
 *
 * timer.c - the timing wheel.  See timer.h.
 *
 * Level 0 has a slot for each of the next 256 ms; a slot of level n holds what
 * is due within 256^n ms of each other, and is turned over into the level below
 * when its time comes near.  A bit map per level finds the next slot that may
 * hold something, so an idle loop sleeps.
 */
#include "timer.h"

#include "clock.h"

#include <string.h>

enum { WHEEL_BITS = 8, WHEEL_MASK = WHEEL_SLOTS - 1 };

void
wheel_init(struct wheel *wheel, int64_t now)
{
    *wheel = (struct wheel){ .tick = now / CLOCK_MS };
    for (int level = 0; level < WHEEL_LEVELS; level++)
        for (int slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
}

void
timer_init(struct timer *timer, void (*fn)(struct timer *timer))
{
    list_init(&timer->link);
    timer->due = 0;
    timer->fn = fn;
}

bool
timer_armed(const struct timer *timer)
{
    return !list_empty(&timer->link);
}

/* The first millisecond at which the timer may fire. */
static int64_t
timer_tick(const struct timer *timer)
{
    return (timer->due + CLOCK_MS - 1) / CLOCK_MS;
}

static void
wheel_place(struct wheel *wheel, struct timer *timer)
{
    const int64_t farthest = ((int64_t)1 << (WHEEL_BITS * WHEEL_LEVELS)) - 1;
    int64_t tick = timer_tick(timer), away;
    int level = 0, slot;

    if (tick < wheel->tick)
        tick = wheel->tick;
    if (tick - wheel->tick > farthest)
        tick = wheel->tick + farthest; /* turned over, it is placed anew */
    away = tick ^ wheel->tick;
    while (level < WHEEL_LEVELS - 1 && away >> (WHEEL_BITS * (level + 1)))
        level++;
    slot = (int)(tick >> (WHEEL_BITS * level)) & WHEEL_MASK;
    list_push(&wheel->slots[level][slot], &timer->link);
    wheel->filled[level][slot / 64] |= UINT64_C(1) << (slot % 64);
}

void
wheel_set(struct wheel *wheel, struct timer *timer, int64_t due)
{
    if (timer_armed(timer))
        list_remove(&timer->link);
    else
        wheel->count++;
    timer->due = due;
    wheel_place(wheel, timer);
}

void
wheel_clear(struct wheel *wheel, struct timer *timer)
{
    if (!timer_armed(timer))
        return;
    list_remove(&timer->link);
    wheel->count--;
}

/* The next slot at or behind from that may hold something, in turning order;
 * WHEEL_SLOTS if there is none before the level ends. */
static int
wheel_next_slot(const struct wheel *wheel, int level, int from)
{
    for (int word = from / 64; word < WHEEL_SLOTS / 64; word++) {
        uint64_t bits = wheel->filled[level][word];

        if (word == from / 64)
            bits &= ~UINT64_C(0) << (from % 64);
        if (bits)
            return word * 64 + __builtin_ctzll(bits);
    }
    return WHEEL_SLOTS;
}

static void
wheel_empty_slot(struct wheel *wheel, int level, int slot, struct list *out)
{
    list_init(out);
    list_move_all(out, &wheel->slots[level][slot]);
    wheel->filled[level][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

/* The tick has just reached a multiple of 256: what lies in the slots of the
 * levels above that begin here moves down. */
static void
wheel_turn(struct wheel *wheel)
{
    struct list due;

    for (int level = 1; level < WHEEL_LEVELS; level++) {
        int slot = (int)(wheel->tick >> (WHEEL_BITS * level)) & WHEEL_MASK;

        wheel_empty_slot(wheel, level, slot, &due);
        for (struct list *link; (link = list_first(&due));) {
            list_remove(link);
            wheel_place(wheel, container_of(link, struct timer, link));
        }
        if (slot)
            break;
    }
}

/* Timers are unlinked one by one, so that a timer's function may clear or free any
 * other. */
static void
wheel_fire(struct wheel *wheel, struct list *due)
{
    for (struct list *link; (link = list_first(due));) {
        struct timer *timer = container_of(link, struct timer, link);

        list_remove(link);
        wheel->count--;
        timer->fn(timer);
    }
}

/* Goes to a later tick of the same 256, or to the first of the next. */
static void
wheel_advance(struct wheel *wheel, int64_t ticks)
{
    wheel->tick += ticks;
    if (!(wheel->tick & WHEEL_MASK))
        wheel_turn(wheel);
}

void
wheel_run(struct wheel *wheel, int64_t now)
{
    int64_t until = now / CLOCK_MS; /* the last millisecond that has come */

    while (wheel->tick <= until) {
        int slot = (int)(wheel->tick & WHEEL_MASK);
        int next = wheel_next_slot(wheel, 0, slot);
        int64_t left = until - wheel->tick;

        if (!wheel->count) {
            wheel->tick = until + 1; /* nothing to turn over either */
        } else if (next < WHEEL_SLOTS && next - slot <= left) {
            struct list due;

            /* First out of its slot: the turn may refill it for the next round. */
            wheel_empty_slot(wheel, 0, next, &due);
            wheel_advance(wheel, next - slot + 1);
            wheel_fire(wheel, &due);
        } else {
            int64_t end = WHEEL_SLOTS - slot;

            wheel_advance(wheel, left + 1 < end ? left + 1 : end);
        }
    }
}

/* The tick of the first slot above level 0 that will be turned over. */
static int64_t
wheel_next_turn(const struct wheel *wheel)
{
    for (int level = 1; level < WHEEL_LEVELS; level++) {
        int shift = WHEEL_BITS * level;
        int slot = (int)(wheel->tick >> shift) & WHEEL_MASK;
        int next = wheel_next_slot(wheel, level,
                                   slot + 1 < WHEEL_SLOTS ? slot + 1 : slot);

        if (slot + 1 < WHEEL_SLOTS && next < WHEEL_SLOTS)
            return ((wheel->tick >> shift) + (next - slot)) << shift;
    }
    /* Behind the end of every level: look again when the lowest of them ends. */
    return ((wheel->tick >> WHEEL_BITS) + 1) << WHEEL_BITS;
}

int64_t
wheel_due(const struct wheel *wheel)
{
    int slot = (int)(wheel->tick & WHEEL_MASK), next;

    if (!wheel->count)
        return INT64_MAX;
    next = wheel_next_slot(wheel, 0, slot);
    return (next < WHEEL_SLOTS ? wheel->tick + (next - slot) : wheel_next_turn(wheel))
           * CLOCK_MS;
}

int
wheel_wait(const struct wheel *wheel, int64_t now, int limit)
{
    int64_t due = wheel_due(wheel), wait;

    if (due == INT64_MAX)
        return limit;
    wait = due <= now ? 0 : (due - now + CLOCK_MS - 1) / CLOCK_MS;
    return wait < limit ? (int)wait : limit;
}
