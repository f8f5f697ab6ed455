/* SPDX-License-Identifier: Apache-2.0
 *
 * log.c - lines on standard error.  See log.h.
 */
#include "log.h"

#include "clock.h"
#include "text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *priority, *word;
} levels[] = {
    [SONDE_DEBUG] = { "<7>", "debug: " },
    [SONDE_INFO] = { "<6>", "" },
    [SONDE_WARNING] = { "<4>", "warning: " },
    [SONDE_ERROR] = { "<3>", "error: " },
};

static atomic_int log_least = SONDE_INFO;

void
log_level(enum sonde_level least)
{
    atomic_store(&log_least, (int)least);
}

/* systemd says so when standard error is the journal: it adds the time itself. */
static bool
log_to_journal(void)
{
    static atomic_int known; /* 0 = not asked yet */

    if (atomic_load(&known) == 0)
        atomic_store(&known, getenv("JOURNAL_STREAM") ? 2 : 1);
    return atomic_load(&known) == 2;
}

static void
log_head(struct text *line, enum sonde_level level)
{
    char time[CLOCK_TEXT_SIZE];

    if (log_to_journal()) {
        text_puts(line, levels[level].priority);
        return;
    }
    clock_text(clock_wall(), time);
    time[10] = ' ';
    text_add(line, time, 23); /* to the millisecond */
    text_puts(line, "Z ");
    text_puts(line, levels[level].word);
}

void
log_about(enum sonde_level level, const char *who, const char *format, va_list args)
{
    struct text said = { 0 }, line = { 0 };
    ssize_t written;

    if ((int)level < atomic_load_explicit(&log_least, memory_order_relaxed))
        return;
    text_vprintf(&said, format, args);
    log_head(&line, level);
    if (who) {
        text_clean(&line, who, strlen(who));
        text_puts(&line, ": ");
    }
    if (said.length)
        text_clean(&line, said.bytes, said.length);
    text_add(&line, "\n", 1);
    written = write(STDERR_FILENO, line.bytes, line.length);
    (void)written; /* nobody is left to be told */
    text_deinit(&said);
    text_deinit(&line);
}

void
log_line(enum sonde_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_about(level, NULL, format, args);
    va_end(args);
}
