/* SPDX-License-Identifier: Apache-2.0
 *
 * log.h - lines on standard error, for people and for the journal.
 *
 * One line a call, written with one write(2), so threads do not interleave.
 * Under systemd (JOURNAL_STREAM) a line carries its priority and no time.
 * Control characters and broken UTF-8 never reach the terminal.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "sonde/plugin.h"

#include <stdarg.h>

void log_level(enum sonde_level least); /* what is below is not written */
void log_line(enum sonde_level level, const char *format, ...) SONDE_PRINTF(2);
/* who may be NULL; else the line begins with it: `sink "alerts": ...`. */
void log_about(enum sonde_level level, const char *who, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#define log_debug(...) log_line(SONDE_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(SONDE_INFO, __VA_ARGS__)
#define log_warning(...) log_line(SONDE_WARNING, __VA_ARGS__)
#define log_error(...) log_line(SONDE_ERROR, __VA_ARGS__)

#endif
