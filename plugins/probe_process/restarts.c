/* SPDX-License-Identifier: Apache-2.0
 *
 * restarts.c - see restarts.h.
 */
#include "restarts.h"

void
restarts_note(struct restarts *restarts, uint64_t found, uint64_t ended, int64_t window,
              int64_t now)
{
    uint64_t fresh = found - restarts->found, gone = ended - restarts->ended;

    if (gone)
        restarts->last_end = now;
    else if (now - restarts->last_end > window)
        restarts->missing = 0;
    restarts->missing += gone;
    for (; fresh && restarts->missing; fresh--, restarts->missing--) {
        restarts->at[restarts->next] = now;
        restarts->next = (restarts->next + 1) % RESTARTS_MOST;
    }
    restarts->found = found;
    restarts->ended = ended;
}

size_t
restarts_within(const struct restarts *restarts, int64_t window, int64_t now)
{
    size_t n = 0;

    for (size_t i = 0; i < RESTARTS_MOST; i++)
        n += restarts->at[i] && now - restarts->at[i] < window;
    return n;
}
