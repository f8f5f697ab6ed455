/* SPDX-License-Identifier: Apache-2.0
 *
 * fault.c - named places at which a test may end the process.  See fault.h.
 */
#include "fault.h"

#ifdef ENABLE_FAULT_POINTS

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAULT_STATUS = 137 }; /* what a shell says of SIGKILL */

static pthread_once_t fault_once = PTHREAD_ONCE_INIT;
static const char *fault_name;
static size_t fault_name_length;
static atomic_long fault_left;

static void
fault_read(void)
{
    const char *text = getenv("SONDE_FAULT");
    const char *colon = text ? strchr(text, ':') : NULL;

    if (!text)
        return;
    fault_name_length = colon ? (size_t)(colon - text) : strlen(text);
    atomic_store(&fault_left, colon ? strtol(colon + 1, NULL, 10) : 1);
    fault_name = text;
}

void
fault_point(const char *name)
{
    pthread_once(&fault_once, fault_read);
    if (fault_name && strlen(name) == fault_name_length
        && memcmp(name, fault_name, fault_name_length) == 0
        && atomic_fetch_sub(&fault_left, 1) == 1)
        _exit(FAULT_STATUS);
}

#endif
