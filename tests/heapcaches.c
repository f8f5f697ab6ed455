/* SPDX-License-Identifier: Apache-2.0
 *
 * heapcaches.c - prints how large the blocks are of what the flow of events keeps for the
 * next time, as malloc_usable_size tells it: an event (a loop keeps at most twice
 * POOL_HALF) and the block that it takes for texts beyond its own room, an entry and a
 * lane of a queue (each at most QUEUE_SPARE).  What is kept depends on how busy the
 * machine was, so the test of growth leaves these out.
 */
#include "event.h"
#include "queue_inside.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM_BLOCK = 1024 + 16 }; /* event_room, and the head of a block of an arena */

int
main(void)
{
    const size_t sizes[] = { sizeof(struct sonde_event), ROOM_BLOCK,
                             sizeof(struct queue_entry), sizeof(struct lane) };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        void *block = malloc(sizes[i]);

        printf("%zu\n", malloc_usable_size(block));
        free(block);
    }
    return 0;
}
