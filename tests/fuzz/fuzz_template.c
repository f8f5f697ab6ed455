/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_template.c - any text is a template or a sentence that says why not.
 *
 * What compiles is rendered against one event that has everything, hostile texts
 * among it; what does not compile must say why.
 */
#include "event.h"
#include "template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sonde_event *
fixed_event(void)
{
    static const struct label labels[] = { { "role", "db" },
                                           { "team", "\"ops\"\n\x01" } };
    struct origin *origin = origin_new("shop \xFF", "http", "node-1", labels, 2);
    struct sonde_event *event = event_new(event_pool_new(), origin);

    event->kind = EVENT_CHANGE;
    event->state = SONDE_DOWN;
    event->since = event->onset = event->detected = event->time;
    event->has_was = true;
    event->was.since = event->time;
    event->duration_us = 412;
    sonde_reason(event, SONDE_L7STS, "answered \"%d\" \\ \x1B[2J", 503);
    for (int i = 0; i < EVENT_PHASES; i++)
        sonde_timing(event, (enum sonde_phase)i, i);
    sonde_metric(event, "used", 0.1, "percent");
    sonde_set(event, "details.body", "a\0\"b", 4);
    return event;
}

/* The same text twice, and no NUL within it. */
static void
render(const struct sonde_template *template, const struct sonde_event *event)
{
    struct text one = { 0 }, other = { 0 };

    template_render(template, event, &one);
    template_render(template, event, &other);
    if (one.length != other.length || memcmp(one.bytes, other.bytes, one.length) != 0)
        abort();
    if (strlen(one.bytes) != one.length)
        abort();
    text_deinit(&one);
    text_deinit(&other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sonde_event *event;
    struct arena memory = { 0 };
    const struct sonde_template *template;
    const char *error = NULL, *text;

    if (!event)
        event = fixed_event();
    text = arena_copy(&memory, (const char *)data, size);
    template = template_compile(&memory, text, &error);
    if (template)
        render(template, event);
    if ((template != NULL) == (error != NULL) || (error && !*error))
        abort();
    if (template && strcmp(sonde_template_text(template), text) != 0)
        abort();
    arena_deinit(&memory);
    return 0;
}
