/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_decode.c - any bytes are an event or a sentence that says why not; what was an
 * event is written as JSON that reads back to the same JSON.
 */
#include "event.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_back(struct event_pool *pool, const struct sonde_event *event)
{
    const struct encoded *once = event_encoded(event, EVENT_JSON), *twice;
    const char *fault;
    struct sonde_event *again = event_decode(pool, once->bytes, once->length, &fault);

    if (!again)
        abort();
    twice = event_encoded(again, EVENT_JSON);
    if (once->length != twice->length
        || memcmp(once->bytes, twice->bytes, once->length) != 0)
        abort();
    event_unref(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct event_pool *pool;
    const char *fault = NULL;
    struct sonde_event *event;

    if (!pool)
        pool = event_pool_new();
    event = event_decode(pool, (const char *)data, size, &fault);
    if ((event != NULL) == (fault != NULL))
        abort();
    if (!event)
        return 0;
    read_back(pool, event);
    event_unref(event);
    return 0;
}
