/* SPDX-License-Identifier: Apache-2.0
 *
 * lexer_stack.h - lexer.c's memory of a file: what is open in it, which keys its
 * groups hold, and how much was told.  For the lexer's own files only.
 */
#ifndef CORE_LEXER_STACK_H
#define CORE_LEXER_STACK_H

#include "lexer.h"
#include "token.h"

enum { LEXER_NESTING = 64 };

enum lexer_state {
    LEXER_FIRST, /* nothing here yet */
    LEXER_NEXT,  /* behind a comma or semicolon */
    LEXER_AFTER, /* behind a value */
    LEXER_LOST   /* behind something already told: a value, a mark, whatever comes */
};

struct lexer_frame {
    char open; /* 0 for the file itself */
    unsigned line;
    size_t keys;              /* where its own begin */
    enum token_word elements; /* of an array: what the first one was */
};

struct lexer_key {
    const char *name;
    size_t length;
    unsigned line;
};

struct lexer {
    const char *file;
    struct problems *problems;
    size_t told;
    struct tokens tokens;
    struct token last; /* the value last seen */
    enum lexer_state state;
    struct lexer_frame frames[LEXER_NESTING + 1];
    size_t depth; /* the last frame's index */
    struct lexer_key *keys;
    size_t key_count, key_room;
    unsigned forgiven[256]; /* closing marks that were thought to be missing */
    bool over;              /* too much is wrong to go on */
};

void lexer_tell(struct lexer *lexer, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For %.*s: as much of these bytes as a sentence shows. */
int lexer_shown(const char *bytes, size_t length);

struct lexer_frame *lexer_top(struct lexer *lexer);
bool lexer_in_list(struct lexer *lexer);
struct token lexer_peek(const struct lexer *lexer);
bool lexer_is(const struct token *token, const char *marks);

void lexer_push(struct lexer *lexer, const struct token *token);
void lexer_pop(struct lexer *lexer); /* complains about keys that are there twice */
/* As lexer_pop, where a closing mark is missing and that was told. */
void lexer_pop_forgiven(struct lexer *lexer);
void lexer_close(struct lexer *lexer, const struct token *token);
/* Skips the rest of the line of a fault, but for what it opens and closes. */
void lexer_skip_line(struct lexer *lexer);

void lexer_add_key(struct lexer *lexer, const struct token *token);
void lexer_check_keys(struct lexer *lexer, struct lexer_frame *frame);

#endif
