/* SPDX-License-Identifier: Apache-2.0
 *
 * source_numbers.c - emits events numbered 1, 2, 3 ..., and goes on after a restart
 * behind what it was told is settled.
 *
 * Number n is of the check `key-<n % keys>`, goes on lane n % lanes with n as its
 * cookie, and carries n as details.n: whoever reads the far side can tell what is
 * missing, double or out of order.  The state file holds a line `lane cookie` for each
 * lane; at the start the events behind these come again, and nothing else.
 */
#include "sonde/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LANES_MOST = 1024, TURN = 256, TICK = 10 };

struct numbers {
    int64_t rate, count, keys, lanes, size, every;
    int kind;
    bool sync, rejected_stops;
    const char *file;

    uint64_t settled[LANES_MOST]; /* the last cookie of each lane */
    uint64_t next;                /* the number to emit */
    int64_t began;                /* sonde_now, when `next` was `first` */
    uint64_t first;
    struct sonde_event *waiting; /* was refused, and is next */
    struct sonde_timer *tick, *write;
    bool held, dirty, posted;
    char *padding;
};

static const char *const kinds[] = { "result", "change", NULL };

static const struct sonde_option options[] = {
    SONDE_INTEGER(struct numbers, rate, .fallback = "0", .max = 10000000,
                  .help = "events per second; 0: as many as there is room for"),
    SONDE_INTEGER(struct numbers, count, .fallback = "0", .max = INT64_MAX,
                  .help = "the last number; 0: no end"),
    SONDE_INTEGER(struct numbers, keys, .fallback = "10", .min = 1, .max = 10000000,
                  .help = "checks that the events are of"),
    SONDE_INTEGER(struct numbers, lanes, .fallback = "1", .min = 1, .max = LANES_MOST,
                  .help = "lanes that they are pushed on"),
    SONDE_SIZE(struct numbers, size, .fallback = "0", .max = 65536,
               .help = "bytes of padding in each event"),
    SONDE_CHOICE(struct numbers, kind, .fallback = "change", .choices = kinds,
                 .help = "of the events"),
    SONDE_STRING(struct numbers, file, .help = "where it is kept what was settled"),
    SONDE_DURATION(struct numbers, every, .fallback = "0", .max = 60000,
                   .help = "how often at most the file is written; 0: each time"),
    SONDE_BOOL(struct numbers, sync, .fallback = "false",
               .help = "wait until the disk has the file"),
    SONDE_BOOL(struct numbers, rejected_stops, .fallback = "false",
               .help = "say so, loudly, when anything was given up"),
    { 0 }
};

/* ---- the state file ---- */

static int
numbers_read(struct sonde_instance *self)
{
    struct numbers *numbers = sonde_private(self);
    FILE *in = numbers->file ? fopen(numbers->file, "re") : NULL;
    uint64_t lane, cookie;

    if (!in)
        return !numbers->file || errno == ENOENT
                   ? 0
                   : sonde_fail(self, "file", "%s: %s", numbers->file, strerror(errno));
    while (fscanf(in, "%" SCNu64 " %" SCNu64, &lane, &cookie) == 2)
        if (lane < LANES_MOST)
            numbers->settled[lane] = cookie;
    fclose(in);
    return 0;
}

static bool
numbers_put(const struct numbers *numbers, const char *path)
{
    FILE *out = fopen(path, "we");
    bool good;

    if (!out)
        return false;
    for (int64_t lane = 0; lane < numbers->lanes; lane++)
        fprintf(out, "%" PRId64 " %" PRIu64 "\n", lane, numbers->settled[lane]);
    good = fflush(out) == 0 && (!numbers->sync || fdatasync(fileno(out)) == 0);
    return fclose(out) == 0 && good;
}

static void
numbers_keep(struct sonde_instance *self)
{
    struct numbers *numbers = sonde_private(self);
    char path[4096];

    if (!numbers->file)
        return;
    snprintf(path, sizeof(path), "%s.new", numbers->file);
    if (!numbers_put(numbers, path) || rename(path, numbers->file) != 0)
        sonde_log(self, SONDE_ERROR, "%s: %s", numbers->file, strerror(errno));
    numbers->dirty = false;
}

/* ---- numbers ---- */

static uint64_t
numbers_lane(const struct numbers *numbers, uint64_t n)
{
    return n % (uint64_t)numbers->lanes;
}

static struct sonde_event *
numbers_event(struct sonde_instance *self, uint64_t n)
{
    struct numbers *numbers = sonde_private(self);
    struct sonde_event *event = sonde_event_new(self);
    char text[64];

    snprintf(text, sizeof(text), "key-%" PRIu64, n % (uint64_t)numbers->keys);
    sonde_set(event, "check", text, strlen(text));
    sonde_set(event, "kind", kinds[numbers->kind], strlen(kinds[numbers->kind]));
    sonde_set(event, "state", n / (uint64_t)numbers->keys % 2 ? "UP" : "DOWN",
              n / (uint64_t)numbers->keys % 2 ? 2 : 4);
    snprintf(text, sizeof(text), "%" PRIu64, n);
    sonde_set(event, "details.n", text, strlen(text));
    if (numbers->padding)
        sonde_set(event, "data", numbers->padding, (size_t)numbers->size);
    return event;
}

/* False: there is no room. */
static bool
numbers_push(struct sonde_instance *self)
{
    struct numbers *numbers = sonde_private(self);
    uint64_t n = numbers->next, lane = numbers_lane(numbers, n);

    if (n > numbers->settled[lane]) {
        if (!numbers->waiting)
            numbers->waiting = numbers_event(self, n);
        if (!sonde_push(self, numbers->waiting, lane, n))
            return false;
        numbers->waiting = NULL;
    }
    numbers->next++;
    return true;
}

/* How many may be emitted by now. */
static uint64_t
numbers_due(const struct numbers *numbers)
{
    double ns = (double)(sonde_now() - numbers->began);
    uint64_t most = numbers->count ? (uint64_t)numbers->count : UINT64_MAX - 1, due;

    if (!numbers->rate)
        return most;
    due = numbers->first - 1 + (uint64_t)(ns * (double)numbers->rate / 1e9);
    return due < most ? due : most;
}

static void
numbers_turn(struct sonde_instance *self, void *arg)
{
    struct numbers *numbers = sonde_private(self);
    uint64_t due = numbers_due(numbers);

    (void)arg;
    numbers->posted = false;
    for (int i = 0; i < TURN && !numbers->held && numbers->next <= due; i++)
        numbers->held = !numbers_push(self);
    if (numbers->held || (numbers->count && numbers->next > (uint64_t)numbers->count))
        return;
    if (numbers->next <= due) { /* the loop has other things to do as well */
        numbers->posted = true;
        sonde_post(self, numbers_turn, NULL);
    } else {
        sonde_timer_set(numbers->tick, TICK);
    }
}

static void
numbers_resume(struct sonde_instance *self)
{
    struct numbers *numbers = sonde_private(self);

    if (!numbers->held)
        sonde_log(self, SONDE_ERROR, "resumed without being held");
    numbers->held = false;
    if (!numbers->posted)
        numbers_turn(self, NULL);
}

static void
numbers_write(struct sonde_instance *self, void *arg)
{
    (void)arg;
    numbers_keep(self);
}

static void
numbers_settled(struct sonde_instance *self, uint64_t lane, uint64_t cookie,
                enum sonde_fate worst)
{
    struct numbers *numbers = sonde_private(self);

    if (lane >= (uint64_t)numbers->lanes || cookie <= numbers->settled[lane]
        || numbers_lane(numbers, cookie) != lane || worst == SONDE_RETRY)
        sonde_log(self, SONDE_ERROR, "settled out of order: lane %" PRIu64 ", %" PRIu64,
                  lane, cookie);
    if (worst == SONDE_REJECTED && numbers->rejected_stops)
        sonde_log(self, SONDE_ERROR, "given up, up to %" PRIu64, cookie);
    numbers->settled[lane] = cookie;
    if (!numbers->every || !numbers->write)
        numbers_keep(self);
    else if (!numbers->dirty)
        sonde_timer_set(numbers->write, numbers->every);
    numbers->dirty = numbers->every;
}

/* ---- its life ---- */

static int
numbers_open(struct sonde_instance *self)
{
    struct numbers *numbers = sonde_private(self);

    if (!numbers->size)
        return 0;
    numbers->padding = malloc((size_t)numbers->size);
    if (!numbers->padding)
        return sonde_fail(self, "size", "no memory");
    memset(numbers->padding, 'x', (size_t)numbers->size);
    return 0;
}

static int
numbers_start(struct sonde_instance *self)
{
    struct numbers *numbers = sonde_private(self);

    if (numbers_read(self) == -1)
        return -1;
    numbers->next = UINT64_MAX;
    for (int64_t lane = 0; lane < numbers->lanes; lane++)
        if (numbers->settled[lane] < numbers->next)
            numbers->next = numbers->settled[lane];
    numbers->first = ++numbers->next;
    numbers->began = sonde_now();
    numbers->tick = sonde_timer_new(self, numbers_turn, NULL);
    numbers->write = sonde_timer_new(self, numbers_write, NULL);
    sonde_log(self, SONDE_INFO, "begins with %" PRIu64, numbers->next);
    numbers_turn(self, NULL);
    return 0;
}

static void
numbers_stop(struct sonde_instance *self)
{
    struct numbers *numbers = sonde_private(self);

    sonde_event_unref(numbers->waiting);
    numbers->waiting = NULL;
    numbers->tick = numbers->write = NULL; /* from here on each settled is kept at once */
    if (numbers->dirty)
        numbers_keep(self);
}

static void
numbers_close(struct sonde_instance *self)
{
    struct numbers *numbers = sonde_private(self);

    free(numbers->padding);
    numbers->padding = NULL;
}

static const struct sonde_source source = {
    .name = "numbers",
    .summary = "emits numbered events",
    .size = sizeof(struct numbers),
    .options = options,
    .open = numbers_open,
    .start = numbers_start,
    .stop = numbers_stop,
    .close = numbers_close,
    .resume = numbers_resume,
    .settled = numbers_settled,
};

SONDE_PLUGIN(source);
