/* SPDX-License-Identifier: Apache-2.0
 *
 * token.h - the words, texts and marks of a configuration file.
 *
 * Reading one has no side effect but to move on, so a copy of struct tokens looks
 * ahead.  What follows what is lexer.c's business.
 */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
    TOKEN_END,
    TOKEN_MARK,       /* one of = : ; , { } ( ) [ ], as token.mark */
    TOKEN_TEXT,       /* with its quotes */
    TOKEN_WORD,       /* all that stands bare: names, numbers, true, and faults */
    TOKEN_NO_QUOTE,   /* a text that lacks its closing quote; only the first " is taken */
    TOKEN_NO_COMMENT, /* a comment that lacks its end; the file is taken */
    TOKEN_NO_BLANK    /* a text directly followed by a word; only the first " is taken */
};

struct tokens {
    const char *at, *end;
    unsigned line;
};

struct token {
    enum token_kind kind;
    const char *at;
    size_t length;
    unsigned line; /* where it begins */
    char mark;
};

void token_next(struct tokens *tokens, struct token *token);

/* What a word is, read as libconfig does. */
enum token_word {
    TOKEN_BAD,
    TOKEN_NAME,
    TOKEN_BOOL,
    TOKEN_INTEGER,
    TOKEN_LONG, /* an integer with L */
    TOKEN_REAL,
    TOKEN_TOO_BIG /* a number that its kind cannot hold */
};

enum token_word token_word(const struct token *token);
/* The rest of the line from the word on, up to what ends a value; for messages. */
size_t token_run(const struct token *token, const char *end);

#endif
