/* SPDX-License-Identifier: Apache-2.0
 *
 * problem.c - the list of what is wrong with a configuration.  See problem.h.
 *
 * Sentences quote what files hold, so they are made harmless on the way in.
 */
#include "problem.h"

#include <string.h>

__attribute__((format(printf, 4, 0))) static void
problem_keep(struct problems *problems, struct place place, bool warning,
             const char *format, va_list args)
{
    struct text said = { 0 }, clean = { 0 };

    text_vprintf(&said, format, args);
    if (said.length)
        text_clean(&clean, said.bytes, said.length);
    problems->all = memory_grow(problems->all, problems->count + 1,
                                sizeof(*problems->all));
    problems->all[problems->count++] = (struct problem){
        .place = { arena_text(&problems->memory, place.file), place.line },
        .warning = warning,
        .text = arena_copy(&problems->memory, clean.length ? clean.bytes : "",
                           clean.length),
    };
    if (!warning)
        problems->errors++;
    text_deinit(&said);
    text_deinit(&clean);
}

void
problem_add(struct problems *problems, struct place place, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    problem_keep(problems, place, false, format, args);
    va_end(args);
}

void
problem_warn(struct problems *problems, struct place place, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    problem_keep(problems, place, true, format, args);
    va_end(args);
}

static int
problem_order(const void *left, const void *right)
{
    const struct problem *a = left, *b = right;
    int order = strcmp(a->place.file ? a->place.file : "",
                       b->place.file ? b->place.file : "");

    if (order != 0)
        return order;
    if (a->place.line != b->place.line)
        return a->place.line < b->place.line ? -1 : 1;
    order = strcmp(a->text, b->text);
    return order != 0 ? order : a->warning - b->warning;
}

static void
problem_line(const struct problem *problem, FILE *out)
{
    struct text line = { 0 };

    if (problem->place.file) {
        text_clean(&line, problem->place.file, strlen(problem->place.file));
        if (problem->place.line)
            text_printf(&line, ":%u", problem->place.line);
        text_puts(&line, ": ");
    }
    if (problem->warning)
        text_puts(&line, "warning: ");
    text_puts(&line, problem->text);
    fprintf(out, "%s\n", line.bytes);
    text_deinit(&line);
}

void
problem_print(struct problems *problems, FILE *out)
{
    if (problems->count)
        qsort(problems->all, problems->count, sizeof(*problems->all), problem_order);
    for (size_t i = 0; i < problems->count; i++) {
        if (i == 0 || problem_order(&problems->all[i - 1], &problems->all[i]) != 0)
            problem_line(&problems->all[i], out);
    }
}

void
problems_deinit(struct problems *problems)
{
    free(problems->all);
    arena_deinit(&problems->memory);
    *problems = (struct problems){ 0 };
}
