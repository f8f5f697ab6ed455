/* SPDX-License-Identifier: Apache-2.0
 *
 * spare.c - runs and handles used again.  See spare.h.
 *
 * The last that came back goes out first: it is the one that the caches still know.
 */
#include "spare.h"

#include <stdlib.h>

/* Some 10 KiB each; what a stall of 10 ms leaves under way at 12,000 runs a second. */
enum { SPARE_RUNS = 128 };

struct spare {
    struct http_run *runs[SPARE_RUNS];
    unsigned count;
};

static void
spare_free(struct http_run *run)
{
    curl_easy_cleanup(run->spare);
    free(run);
}

static int
spare_share(struct sonde_instance *shared)
{
    (void)shared;
    return 0;
}

static void
spare_unshare(struct sonde_instance *shared)
{
    struct spare *all = sonde_private(shared);

    while (all->count)
        spare_free(all->runs[--all->count]);
}

static struct spare *
spare_all(struct sonde_instance *self)
{
    struct sonde_instance *shared = sonde_shared(self, sizeof(struct spare), spare_share,
                                                 spare_unshare);

    return shared ? sonde_private(shared) : NULL;
}

struct http_run *
spare_take(struct sonde_instance *self)
{
    struct spare *all = spare_all(self);
    struct http_run *run = all && all->count ? all->runs[--all->count]
                                             : calloc(1, sizeof(*run));

    if (run)
        run->self = self;
    return run;
}

void
spare_give(struct http_run *run)
{
    struct spare *all = spare_all(run->self);

    if (!all || all->count == SPARE_RUNS) {
        spare_free(run);
        return;
    }
    *run = (struct http_run){ .spare = run->spare };
    all->runs[all->count++] = run;
}
