/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_model.c - random schedules of the journal on a disk that forgets.
 *
 * A small daemon of six checks and three sinks changes states, settles what its sinks
 * got, and is killed or loses its power at random moments, some of it on a disk whose
 * calls fail. After each start: every record that was promised and is not settled comes
 * back to its sink, in order and with its bytes; no cursor points at a segment that is
 * gone; a state is never older than the last one promised.  And where the disk is full
 * for a while, and then has room for one small segment, which is less than all that
 * waits, it is used again as soon as nobody needs what is in it.
 *
 * SONDE_MODEL_SCHEDULES tells how many, SONDE_MODEL_SEED the first: a failure names its
 * own.
 */
#include "unit.h"

#include "clock.h"
#include "cursor.h"
#include "journal_inside.h"
#include "log.h"
#include "memory.h"
#include "model_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCHEDULES = 10000,
    CHECKS = 6,
    SINKS = 3,
    RECORDS = 4096, /* of one schedule */
    LIVES = 4,
    STEPS = 60,
    FULL_STEPS = 8,
    SMALL = 12 << 10 /* bytes: room for a snapshot and what keeps being appended */
};
enum { STATE = 1, CURSOR = 2 };

struct payload {
    uint32_t check, sinks;
    uint64_t value; /* never twice in a schedule */
    char filler[300];
};

struct truth {
    uint64_t value;
    uint32_t check, sinks, settled; /* settled: a bit for each sink */
};

struct daemon {
    struct model_disk model;
    struct journal *journal;
    struct journal_options options;
    uint64_t seed, values;
    int64_t now;
    uint64_t state[CHECKS];
    struct cursor *cursors[SINKS];
    struct truth truth[RECORDS]; /* by number */
    uint64_t number_of[RECORDS]; /* by value */
    uint64_t powers, restored;
};

static struct daemon it;

#define HOLDS(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "# SONDE_MODEL_SEED=%ju: %s\n", (uintmax_t)it.seed,          \
                    #condition);                                                         \
            assert_true(condition);                                                      \
        }                                                                                \
    } while (0)

static unsigned
dice(unsigned below)
{
    return model_disk_random(&it.model, below);
}

/* ---- the client ---- */

static void change_a_state(void);
static void settle_some(void);

/* What other threads may do while the writer asks. */
static void
meanwhile(void)
{
    if (dice(3) == 0)
        change_a_state();
    if (dice(3) == 0)
        settle_some();
}

static void
put_state(struct journal_notes *notes, uint32_t check)
{
    struct payload payload = { .check = check, .value = it.state[check] };

    journal_note(notes, STATE,
                 &(struct iovec){ &payload, offsetof(struct payload, filler) }, 1);
}

static void
put_cursors(void *arg, struct journal_notes *notes, uint64_t written)
{
    static unsigned char bytes[CURSOR_PACKED];

    (void)arg;
    meanwhile();
    for (uint32_t sink = 0; sink < SINKS; sink++) {
        size_t length = cursor_pack(it.cursors[sink], written, bytes);

        journal_note(notes, CURSOR,
                     (struct iovec[]){ { &sink, sizeof(sink) }, { bytes, length } }, 2);
    }
}

static void
put_snapshot(void *arg, struct journal_notes *notes, uint64_t written)
{
    for (uint32_t check = 0; check < CHECKS; check++)
        put_state(notes, check), meanwhile();
    put_cursors(arg, notes, written);
}

static uint64_t
lowest_needed(void *arg)
{
    uint64_t lowest = JOURNAL_NOBODY;

    (void)arg;
    meanwhile();
    for (int sink = 0; sink < SINKS; sink++)
        if (cursor_base(it.cursors[sink]) < lowest)
            lowest = cursor_base(it.cursors[sink]);
    return lowest;
}

static void
restore(void *arg, const struct journal_record *record)
{
    struct payload payload;
    uint32_t sink;

    (void)arg;
    it.restored++;
    if (record->kind == STATE) {
        memcpy(&payload, record->payload, offsetof(struct payload, filler));
        it.state[payload.check] = payload.value;
        return;
    }
    memcpy(&sink, record->payload, sizeof(sink));
    cursor_free(it.cursors[sink]);
    it.cursors[sink] =
        cursor_unpack((const unsigned char *)record->payload + sizeof(sink),
                      record->length - sizeof(sink));
    HOLDS(it.cursors[sink]);
}

static const struct journal_client client = {
    .restore = restore,
    .snapshot = put_snapshot,
    .checkpoint = put_cursors,
    .needed = lowest_needed,
};

/* ---- what it does ---- */

static void
change_a_state(void)
{
    struct payload payload = { .check = dice(CHECKS), .sinks = dice(1 << SINKS) };
    size_t length = offsetof(struct payload, filler) + dice(3) * 100;
    uint64_t number;

    payload.value = ++it.values;
    memset(payload.filler, 'a' + (int)(it.values % 26), sizeof(payload.filler));
    number = journal_append(it.journal, STATE, &(struct iovec){ &payload, length }, 1);
    if (!number)
        return; /* a client would drop it, and count */
    it.state[payload.check] = payload.value;
    HOLDS(number < RECORDS && payload.value < RECORDS);
    it.number_of[payload.value] = number;
    it.truth[number] = (struct truth){ .value = payload.value,
                                       .check = payload.check,
                                       .sinks = payload.sinks };
    for (int sink = 0; sink < SINKS; sink++)
        if (payload.sinks >> sink & 1)
            HOLDS(cursor_begin(it.cursors[sink], number) == CURSOR_OPEN);
        else
            cursor_pass(it.cursors[sink], number);
}

static void
settle_some(void)
{
    bool all = dice(8) == 0;

    for (unsigned sink = all ? 0 : dice(SINKS); sink < SINKS; sink += all ? 1 : SINKS) {
        uint64_t at = cursor_base(it.cursors[sink]) + (all ? 0 : dice(8));

        for (; at <= cursor_seen(it.cursors[sink]) && (all || dice(20));
             at += all ? 1 : 1 + dice(2))
            if (cursor_settle(it.cursors[sink], at))
                it.truth[at].settled |= 1u << sink;
    }
    if (dice(3) == 0)
        journal_kick(it.journal);
}

static void
live(void)
{
    for (unsigned step = dice(STEPS); step && !it.model.dead; step--) {
        unsigned what = dice(100);

        if (what < 35)
            for (unsigned more = dice(6); more; more--)
                change_a_state();
        else if (what < 60)
            settle_some();
        else {
            it.now += dice(8) ? dice(60) * CLOCK_MS : 1100 * CLOCK_MS;
            clock_fake(it.now, 0);
            journal_step(it.journal);
        }
    }
}

static void
step_later(void)
{
    it.now += 1100 * CLOCK_MS;
    clock_fake(it.now, 0);
    journal_step(it.journal);
}

/* The disk takes nothing more until the journal refuses; then everything is settled. */
static void
fill_and_empty(void)
{
    uint64_t last;

    it.model.fail = 0;
    it.model.room = 1;
    for (int step = 0; step < FULL_STEPS; step++) {
        for (int more = 0; more < 20; more++)
            change_a_state();
        step_later();
    }
    for (int sink = 0; sink < SINKS; sink++)
        for (uint64_t at = 1; at <= cursor_seen(it.cursors[sink]); at++)
            if (cursor_settle(it.cursors[sink], at))
                it.truth[at].settled |= 1u << sink;
    last = journal_next(it.journal) - 1;
    it.model.room = model_disk_used(&it.model) + SMALL;
    for (int step = 0; step < FULL_STEPS && journal_written(it.journal) < last; step++)
        step_later();
    /* One that may have its name already is made again with all that it had. */
    HOLDS(journal_written(it.journal) >= last || it.journal->naming);
    it.model.room = 0;
}

/* ---- what must hold after a start ---- */

/* A sink reads again from its cursor on; promised: the highest number that must be there.
 */
static void
read_again(int sink, uint64_t promised)
{
    struct cursor *cursor = it.cursors[sink];
    struct journal_reader *reader = journal_reader_new(it.journal, cursor_base(cursor));
    struct journal_record record;
    uint64_t at = cursor_base(cursor), end = journal_next(it.journal);
    enum journal_read read;

    for (uint64_t number = 1; number < at && number <= promised; number++)
        HOLDS(!(it.truth[number].sinks >> sink & 1)
              || it.truth[number].settled >> sink & 1);
    while ((read = journal_read(reader, &record)) != JOURNAL_NONE) {
        struct payload payload = { 0 };
        struct truth *truth = &it.truth[record.number];

        HOLDS(read == JOURNAL_RECORD && record.number >= at && record.kind == STATE);
        for (; at < record.number; at++)
            HOLDS(at > promised);
        memcpy(&payload, record.payload, record.length);
        HOLDS(payload.value == truth->value && payload.check == truth->check);
        if (record.length > offsetof(struct payload, filler))
            HOLDS(payload.filler[0] == 'a' + (char)(payload.value % 26));
        at++;
        if (!(payload.sinks >> sink & 1)) {
            cursor_pass(cursor, record.number);
            continue;
        }
        if (cursor_begin(cursor, record.number) == CURSOR_SETTLED)
            HOLDS(truth->settled >> sink & 1);
        else
            truth->settled &= ~(1u << sink);
    }
    HOLDS(at > promised && at <= end);
    journal_reader_free(reader);
}

static void
start(uint64_t promised)
{
    uint64_t least[CHECKS] = { 0 };
    char why[JOURNAL_WHY];

    for (uint64_t number = 1; number <= promised; number++)
        if (it.truth[number]
                .value) /* else it came no further than memory, in another life */
            least[it.truth[number].check] = it.truth[number].value;
    memset(it.state, 0, sizeof(it.state));
    for (int sink = 0; sink < SINKS; sink++) {
        cursor_free(it.cursors[sink]);
        it.cursors[sink] = cursor_new(1);
    }
    it.journal = journal_open_on(&it.model.disk, &it.options, &client, why);
    HOLDS(it.journal);
    for (int check = 0; check < CHECKS; check++)
        HOLDS(it.state[check] >= least[check]);
    /* Nor does a state come back whose record does not: its change would never be told.
     */
    for (int check = 0; check < CHECKS; check++)
        if (it.state[check])
            HOLDS(it.number_of[it.state[check]] < journal_next(it.journal)
                  && it.truth[it.number_of[it.state[check]]].value == it.state[check]);
    HOLDS(journal_next(it.journal) > promised);
    for (int sink = 0; sink < SINKS; sink++)
        read_again(sink, promised);
    HOLDS(journal_counts(it.journal).gone == 0);
    HOLDS(journal_counts(it.journal).bad == 0);
}

static void
one_schedule(uint64_t seed)
{
    uint64_t promised = 0;
    unsigned fails;

    memset(it.truth, 0, sizeof(it.truth));
    it.seed = seed;
    it.values = 0;
    it.now = CLOCK_SECOND;
    clock_fake(it.now, 0);
    model_disk_init(&it.model, seed);
    it.options = (struct journal_options){ .sync = (enum journal_sync)dice(3),
                                           .buffer = 8192,
                                           .segment = 4096 };
    fails = dice(3) ? 0 : 5 + dice(40);
    for (int life = 0; life < LIVES; life++) {
        /* Without syncs, a sync that failed is not made up for: no power cut then. */
        bool power = dice(3) && !(fails && it.options.sync == JOURNAL_NEVER);

        start(promised);
        it.model.fail = fails;
        it.model.left = dice(3) ? 1 + dice(150) : 0;
        live();
        if (!it.model.dead && !it.model.left && dice(4) == 0)
            fill_and_empty();
        it.model.fail = it.model.left = 0;
        it.model.dead = false;
        promised = power ? journal_durable(it.journal) : journal_written(it.journal);
        if (power && it.options.sync == JOURNAL_NEVER)
            promised = 0;
        journal_free(it.journal); /* what it has not written is lost with it */
        if (power) {
            it.powers++;
            model_disk_power_cut(&it.model);
        }
    }
    start(promised);
    journal_free(it.journal);
    model_disk_deinit(&it.model);
    for (int sink = 0; sink < SINKS; sink++) {
        cursor_free(it.cursors[sink]);
        it.cursors[sink] = NULL;
    }
}

static uint64_t
number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void
nothing_promised_is_lost_in_any_schedule(void **state)
{
    uint64_t first = number_of("SONDE_MODEL_SEED", 1);
    uint64_t count = number_of("SONDE_MODEL_SCHEDULES",
                               getenv("SONDE_MODEL_SEED") ? 1 : SCHEDULES);

    (void)state;
    log_level(SONDE_ERROR + 1);
    for (uint64_t seed = first; seed < first + count; seed++)
        one_schedule(seed);
    clock_fake(-1, 0);
    print_message("# %ju schedules, %ju power cuts, %ju records restored\n",
                  (uintmax_t)count, (uintmax_t)it.powers, (uintmax_t)it.restored);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_promised_is_lost_in_any_schedule),
};

UNIT_MAIN(tests)
