/* SPDX-License-Identifier: Apache-2.0
 *
 * source_lines.c - reads events as JSON, one a line, from a file that others append to.
 *
 * What is no event is pushed as broken, with the line as its data.  The cookie is where
 * the line ends.
 */
#include "sonde/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 1 << 17, PAUSE = 20 };

struct lines {
    const char *path;

    struct sonde_timer *timer;
    struct sonde_event *waiting;
    uint64_t waiting_end;
    int64_t offset; /* of what is in buffer */
    size_t length;
    char *buffer;
};

static const struct sonde_option options[] = {
    SONDE_STRING(struct lines, path, .required = true, .help = "the file"), { 0 }
};

static struct sonde_event *
lines_event(struct sonde_instance *self, const char *line, size_t length)
{
    const char *fault;
    struct sonde_event *event = sonde_decode(self, line, length, &fault);

    if (event)
        return event;
    event = sonde_event_new(self);
    sonde_set(event, "kind", "broken", 6);
    sonde_set(event, "data", line, length);
    sonde_reason(event, SONDE_OTHER, "no event: %s", fault);
    return event;
}

/* False: there is no room. */
static bool
lines_push(struct sonde_instance *self)
{
    struct lines *lines = sonde_private(self);

    if (lines->waiting && !sonde_push(self, lines->waiting, 0, lines->waiting_end))
        return false;
    lines->waiting = NULL;
    return true;
}

static bool
lines_give(struct sonde_instance *self)
{
    struct lines *lines = sonde_private(self);
    char *end;

    while (lines_push(self)) {
        size_t length;

        end = memchr(lines->buffer, '\n', lines->length);
        if (!end)
            return true;
        length = (size_t)(end - lines->buffer);
        lines->waiting = lines_event(self, lines->buffer, length);
        lines->offset += (int64_t)length + 1;
        lines->waiting_end = (uint64_t)lines->offset;
        lines->length -= length + 1;
        memmove(lines->buffer, end + 1, lines->length);
    }
    return false;
}

static void
lines_read(struct sonde_instance *self, void *arg)
{
    struct lines *lines = sonde_private(self);
    int fd = open(lines->path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;

    (void)arg;
    if (fd != -1) {
        got = pread(fd, lines->buffer + lines->length, ROOM - lines->length,
                    lines->offset + (int64_t)lines->length);
        close(fd);
    }
    if (got > 0)
        lines->length += (size_t)got;
    if (lines_give(self)) /* else resume goes on */
        sonde_timer_set(lines->timer, got > 0 ? 0 : PAUSE);
}

static void
lines_resume(struct sonde_instance *self)
{
    lines_read(self, NULL);
}

static int
lines_start(struct sonde_instance *self)
{
    struct lines *lines = sonde_private(self);

    lines->buffer = malloc(ROOM);
    if (!lines->buffer)
        return sonde_fail(self, NULL, "no memory");
    lines->timer = sonde_timer_new(self, lines_read, NULL);
    sonde_timer_set(lines->timer, 0);
    return 0;
}

static void
lines_stop(struct sonde_instance *self)
{
    struct lines *lines = sonde_private(self);

    sonde_event_unref(lines->waiting);
    lines->waiting = NULL;
}

static void
lines_close(struct sonde_instance *self)
{
    struct lines *lines = sonde_private(self);

    free(lines->buffer);
    lines->buffer = NULL;
}

static const struct sonde_source source = {
    .name = "lines",
    .summary = "reads events from a file",
    .size = sizeof(struct lines),
    .options = options,
    .start = lines_start,
    .stop = lines_stop,
    .close = lines_close,
    .resume = lines_resume,
};

SONDE_PLUGIN(source);
