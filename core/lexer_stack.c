/* SPDX-License-Identifier: Apache-2.0
 *
 * lexer_stack.c - what is open in a configuration file, and what was said about it.
 *
 * Groups, lists and arrays, and the keys of each group.  See lexer_stack.h.
 */
#include "lexer_stack.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEXER_KEYS = 1024, /* in one group: libconfig takes n * n for n of them */
    LEXER_TOLD = 50,   /* sentences about one file */
    LEXER_SHOWN = 40   /* bytes of the file in a sentence */
};

void
lexer_tell(struct lexer *lexer, unsigned line, const char *format, ...)
{
    struct place place = { lexer->file, line };
    struct text said = { 0 };
    va_list args;

    if (lexer->over)
        return;
    va_start(args, format);
    text_vprintf(&said, format, args);
    va_end(args);
    problem_add(lexer->problems, place, "%s", said.bytes);
    text_deinit(&said);
    if (++lexer->told < LEXER_TOLD)
        return;
    problem_add(lexer->problems, place,
                "too much is wrong here: the rest of the file is not read");
    lexer->over = true;
}

/* For %.*s: as much of these bytes as a sentence shows. */
int
lexer_shown(const char *bytes, size_t length)
{
    size_t shown = 0, step;

    while (shown < length && shown < LEXER_SHOWN && bytes[shown] != '\n') {
        step = text_utf8(bytes + shown, length - shown);
        shown += step ? step : 1;
    }
    return (int)shown;
}

struct lexer_frame *
lexer_top(struct lexer *lexer)
{
    return &lexer->frames[lexer->depth];
}

bool
lexer_in_list(struct lexer *lexer)
{
    return lexer_top(lexer)->open == '(' || lexer_top(lexer)->open == '[';
}

struct token
lexer_peek(const struct lexer *lexer)
{
    struct tokens ahead = lexer->tokens;
    struct token token;

    token_next(&ahead, &token);
    return token;
}

bool
lexer_is(const struct token *token, const char *marks)
{
    return token->kind == TOKEN_MARK && strchr(marks, token->mark);
}

static char
lexer_closer(char open)
{
    return open == '{' ? '}' : open == '(' ? ')' : ']';
}

void
lexer_push(struct lexer *lexer, const struct token *token)
{
    if (lexer->depth == LEXER_NESTING) {
        lexer_tell(lexer, token->line, "groups and lists are nested deeper than %d here",
                   LEXER_NESTING);
        lexer->over = true;
        return;
    }
    lexer->frames[++lexer->depth] = (struct lexer_frame){ .open = token->mark,
                                                          .line = token->line,
                                                          .keys = lexer->key_count };
    lexer->state = LEXER_FIRST;
}

static int
lexer_key_order(const void *left, const void *right)
{
    const struct lexer_key *a = left, *b = right;
    int order = memcmp(a->name, b->name, a->length < b->length ? a->length : b->length);

    if (order == 0 && a->length != b->length)
        order = a->length < b->length ? -1 : 1;
    return order != 0 ? order : a->name < b->name ? -1 : a->name > b->name;
}

/* The same key twice in the group that ends. */
void
lexer_check_keys(struct lexer *lexer, struct lexer_frame *frame)
{
    size_t count = lexer->key_count - frame->keys;
    struct lexer_key *keys = count ? lexer->keys + frame->keys : NULL;

    if (count > LEXER_KEYS)
        lexer_tell(lexer, frame->line, "more than %d settings in one group", LEXER_KEYS);
    if (count > 1)
        qsort(keys, count, sizeof(*keys), lexer_key_order);
    for (size_t i = 1; i < count; i++) {
        if (keys[i].length == keys[i - 1].length
            && memcmp(keys[i].name, keys[i - 1].name, keys[i].length) == 0)
            lexer_tell(lexer, keys[i].line, "\"%.*s\" is already set in line %u",
                       lexer_shown(keys[i].name, keys[i].length), keys[i].name,
                       keys[i - 1].line);
    }
    lexer->key_count = frame->keys;
}

void
lexer_pop(struct lexer *lexer)
{
    lexer_check_keys(lexer, lexer_top(lexer));
    lexer->depth--;
    lexer->state = LEXER_AFTER;
    lexer->last.kind = TOKEN_MARK; /* no text goes on behind a bracket */
}

void
lexer_pop_forgiven(struct lexer *lexer)
{
    lexer->forgiven[(unsigned char)lexer_closer(lexer_top(lexer)->open)]++;
    lexer_pop(lexer);
}

/* A mark that closes something else than what was opened last. */
static void
lexer_mismatch(struct lexer *lexer, const struct token *token)
{
    struct lexer_frame *top = lexer_top(lexer);
    size_t at = lexer->depth;
    struct token next = lexer_peek(lexer);

    while (at > 0 && lexer_closer(lexer->frames[at].open) != token->mark)
        at--;
    if (lexer->depth > 0 && top->line == token->line)
        at = 0; /* a slip within the line */
    if (at == 0 && lexer->depth > 0
        && (token->mark != '}' || top->line == token->line || lexer_is(&next, ";"))) {
        lexer_tell(lexer, token->line, "the \"%c\" of line %u needs \"%c\", not \"%c\"",
                   top->open, top->line, lexer_closer(top->open), token->mark);
        lexer_pop(lexer);
    } else if (at > 0) {
        lexer_tell(lexer, token->line,
                   "\"%c\" stands here while the \"%c\" of line %u is not closed",
                   token->mark, top->open, top->line);
        while (lexer->depth >= at)
            lexer_pop(lexer);
    } else if (lexer->forgiven[(unsigned char)token->mark] > 0) {
        lexer->forgiven[(unsigned char)token->mark]--;
    } else {
        lexer_tell(lexer, token->line, "this \"%c\" closes nothing", token->mark);
    }
}

void
lexer_close(struct lexer *lexer, const struct token *token)
{
    struct lexer_frame *top = lexer_top(lexer);

    if (lexer_in_list(lexer) && lexer->state == LEXER_NEXT)
        lexer_tell(lexer, token->line,
                   "a comma stands before the closing \"%c\": take it away", token->mark);
    if (lexer->depth > 0 && lexer_closer(top->open) == token->mark)
        lexer_pop(lexer);
    else
        lexer_mismatch(lexer, token);
}

/* Skips the rest of the line of a fault, but for what it opens and closes. */
void
lexer_skip_line(struct lexer *lexer)
{
    struct tokens *tokens = &lexer->tokens;

    for (; tokens->at < tokens->end && *tokens->at != '\n' && *tokens->at != '#';
         tokens->at++) {
        struct token token = { TOKEN_MARK, tokens->at, 1, tokens->line, *tokens->at };

        if (strchr("{([", token.mark) && token.mark != '\0')
            lexer_push(lexer, &token);
        else if (lexer->depth > 0 && token.mark == lexer_closer(lexer_top(lexer)->open))
            lexer_pop(lexer);
    }
    lexer->state = LEXER_LOST;
}

void
lexer_add_key(struct lexer *lexer, const struct token *token)
{
    if (lexer->key_count == lexer->key_room) {
        lexer->key_room = lexer->key_room ? lexer->key_room * 2 : 64;
        lexer->keys = memory_grow(lexer->keys, lexer->key_room, sizeof(*lexer->keys));
    }
    lexer->keys[lexer->key_count++] = (struct lexer_key){ token->at, token->length,
                                                          token->line };
}
