/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_close_fds.c - closes descriptors behind the loop's back.
 *
 * own: watches a pipe and closes it without freeing the watch, then goes on using
 * the watch.  victim: holds a pipe and is UP as long as what it writes comes out
 * at the other end.  thief: closes the victim's pipe.  All of them misbehave (or
 * suffer) at each run; what must hold is that everybody else is left alone.
 */
#include "sonde/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum mode { OWN, VICTIM, THIEF };

struct fds {
    int mode;
    int ends[2];
    struct sonde_watch *watch;
    struct sonde_event *event;
};

static const char *const modes[] = { "own", "victim", "thief", NULL };
static atomic_int victim = -1; /* the read end that the thief closes */

static const struct sonde_option options[] = {
    SONDE_CHOICE(struct fds, mode, .fallback = "own", .choices = modes,
                 .help = "what it does at each run"),
    { 0 }
};

static void
fds_ready(struct sonde_instance *self, int fd, unsigned ready, void *arg)
{
    struct fds *fds = sonde_private(self);
    struct sonde_event *event = fds->event;
    char byte;

    (void)ready, (void)arg;
    if (read(fd, &byte, 1) == -1 && errno == EAGAIN)
        return;
    fds->event = NULL;
    if (!event)
        return;
    sonde_reason(event, SONDE_OK, "the pipe holds");
    sonde_done(event, SONDE_UP);
}

static bool
fds_pipe(struct sonde_instance *self)
{
    struct fds *fds = sonde_private(self);

    if (pipe2(fds->ends, O_CLOEXEC | O_NONBLOCK) == -1)
        return false;
    fds->watch = sonde_watch_new(self, fds->ends[0], SONDE_READ, fds_ready, NULL);
    return fds->watch != NULL;
}

static void
own_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct fds *fds = sonde_private(self);

    sonde_watch_free(fds->watch); /* the one of the run before, long without its pipe */
    fds->watch = NULL;
    if (fds_pipe(self)) {
        close(fds->ends[0]);
        close(fds->ends[1]);
        sonde_watch_want(fds->watch, SONDE_READ | SONDE_WRITE);
    }
    sonde_reason(event, SONDE_OK, "closed what is watched");
    sonde_done(event, SONDE_UP);
}

static void
victim_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct fds *fds = sonde_private(self);

    if (!fds->watch && fds_pipe(self))
        atomic_store(&victim, fds->ends[0]);
    if (!fds->watch || write(fds->ends[1], "x", 1) == -1) {
        sonde_reason(event, SONDE_CLOSED, "the pipe is gone: %s", strerror(errno));
        sonde_done(event, SONDE_DOWN);
        return;
    }
    fds->event = event;
}

static void
fds_begin(struct sonde_instance *self, struct sonde_event *event)
{
    const struct fds *fds = sonde_private(self);

    if (fds->mode == OWN) {
        own_begin(self, event);
    } else if (fds->mode == VICTIM) {
        victim_begin(self, event);
    } else {
        int fd = atomic_exchange(&victim, -1);

        sonde_reason(event, SONDE_OK, fd == -1 ? "nothing to steal" : "stole %d", fd);
        if (fd != -1)
            close(fd);
        sonde_done(event, SONDE_UP);
    }
}

static void
fds_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    struct fds *fds = sonde_private(self);

    fds->event = NULL;
    sonde_reason(event, SONDE_CLOSED, "nothing came out of the pipe");
}

static const struct sonde_probe probe = {
    .name = "close-fds",
    .summary = "closes descriptors that are watched",
    .size = sizeof(struct fds),
    .options = options,
    .begin = fds_begin,
    .cancel = fds_cancel,
};

SONDE_PLUGIN(probe);
