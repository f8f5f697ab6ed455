/* SPDX-License-Identifier: Apache-2.0
 *
 * token.c - reads words, texts and marks.  See token.h.
 */
#include "token.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_NUMBER = 64 }; /* bytes; no number that a person writes is longer */

static bool
token_is(const char *set, char byte)
{
    return byte != '\0' && strchr(set, byte);
}

static bool
token_starts(const struct tokens *tokens, const char *with)
{
    size_t length = strlen(with);

    return (size_t)(tokens->end - tokens->at) >= length
           && memcmp(tokens->at, with, length) == 0;
}

static bool
token_comment(const struct tokens *tokens)
{
    return token_starts(tokens, "#") || token_starts(tokens, "//")
           || token_starts(tokens, "/*");
}

/* Moves on, counting lines. */
static void
token_skip(struct tokens *tokens, const char *to)
{
    for (; tokens->at < to; tokens->at++) {
        if (*tokens->at == '\n')
            tokens->line++;
    }
}

/* Past blanks and comments.  false: a comment does not end; token says where it began. */
static bool
token_skip_blanks(struct tokens *tokens, struct token *token)
{
    const char *to;

    while (tokens->at < tokens->end) {
        if (token_starts(tokens, "/*")) {
            *token = (struct token){ TOKEN_NO_COMMENT, tokens->at, 2, tokens->line, 0 };
            to = memmem(tokens->at + 2, (size_t)(tokens->end - tokens->at) - 2, "*/", 2);
            token_skip(tokens, to ? to + 2 : tokens->end);
            if (!to)
                return false;
        } else if (token_comment(tokens)) {
            to = memchr(tokens->at, '\n', (size_t)(tokens->end - tokens->at));
            token_skip(tokens, to ? to : tokens->end);
        } else if (token_is(" \t\r\n\f", *tokens->at)) {
            token_skip(tokens, tokens->at + 1);
        } else {
            return true;
        }
    }
    return true;
}

/* Whether the last line of a text reads `name =`, or `name = (`: then what was taken
 * for its end is the beginning of the next text, and its own end is missing. */
static bool
token_swallowed(const char *begin, const char *end)
{
    const char *line = memrchr(begin, '\n', (size_t)(end - begin));

    if (!line)
        return false;
    while (end > line && token_is(" \t[({", end[-1]))
        end--;
    if (end == line || *--end != '=')
        return false;
    while (end > line && token_is(" \t", end[-1]))
        end--;
    return end > line && (isalnum((unsigned char)end[-1]) || token_is("_-*", end[-1]));
}

static void
token_text(struct tokens *tokens, struct token *token)
{
    const char *at = tokens->at + 1;

    while (at < tokens->end && *at != '"')
        at += *at == '\\' && at + 1 < tokens->end && token_is("\\\"", at[1]) ? 2 : 1;
    token->kind = TOKEN_TEXT;
    if (at >= tokens->end || token_swallowed(token->at, at)) {
        token->kind = TOKEN_NO_QUOTE;
    } else if (at + 1 < tokens->end && !token_is(" \t\r\n\f=:;,{}()[]\"#/", at[1])) {
        bool lines = memchr(token->at, '\n', (size_t)(at - token->at)) != NULL;

        token->kind = lines ? TOKEN_NO_QUOTE : TOKEN_NO_BLANK;
    }
    token->length = token->kind == TOKEN_TEXT ? (size_t)(at + 1 - token->at) : 1;
    token_skip(tokens, token->at + token->length);
}

void
token_next(struct tokens *tokens, struct token *token)
{
    if (!token_skip_blanks(tokens, token))
        return;
    *token = (struct token){ TOKEN_END, tokens->at, 0, tokens->line, 0 };
    if (tokens->at == tokens->end)
        return;
    if (*tokens->at == '"') {
        token_text(tokens, token);
    } else if (token_is("=:;,{}()[]", *tokens->at)) {
        token->kind = TOKEN_MARK;
        token->mark = *tokens->at++;
        token->length = 1;
    } else {
        token->kind = TOKEN_WORD;
        do
            tokens->at++;
        while (tokens->at < tokens->end && !token_is(" \t\r\n\f=:;,{}()[]\"", *tokens->at)
               && !token_comment(tokens));
        token->length = (size_t)(tokens->at - token->at);
    }
}

static const char *
token_digits(const char *at)
{
    while (isdigit((unsigned char)*at))
        at++;
    return at;
}

static bool
token_suffix(const char *at)
{
    return strcmp(at, "L") == 0 || strcmp(at, "LL") == 0;
}

/* [-+]?digits or 0x, with or without L. */
static enum token_word
token_integer(const char *word)
{
    bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
    const char *begin = hex ? word + 2 : word + (*word == '-' || *word == '+');
    const char *end = hex ? begin + strspn(begin, "0123456789abcdefABCDEF")
                          : token_digits(begin);
    long long value;

    if (end == begin || (*end != '\0' && !token_suffix(end)))
        return TOKEN_BAD;
    errno = 0;
    value = strtoll(word, NULL, hex ? 16 : 10);
    if (errno == ERANGE)
        return TOKEN_TOO_BIG;
    if (*end != '\0')
        return TOKEN_LONG;
    return value < INT32_MIN || value > INT32_MAX ? TOKEN_TOO_BIG : TOKEN_INTEGER;
}

/* Digits around a point, or an exponent behind digits. */
static enum token_word
token_real(const char *word)
{
    const char *begin = word + (*word == '-' || *word == '+');
    const char *end = token_digits(begin);
    bool digits = end > begin, point = *end == '.';

    if (point) {
        begin = end + 1;
        end = token_digits(begin);
        digits = digits || end > begin;
    }
    if (!digits)
        return TOKEN_BAD;
    if (*end == 'e' || *end == 'E') {
        begin = end + 1 + (end[1] == '-' || end[1] == '+');
        end = token_digits(begin);
        if (end == begin)
            return TOKEN_BAD;
    } else if (!point) {
        return TOKEN_BAD;
    }
    if (*end != '\0')
        return TOKEN_BAD;
    return isfinite(strtod(word, NULL)) ? TOKEN_REAL : TOKEN_TOO_BIG;
}

static bool
token_name(const struct token *token)
{
    if (!isalpha((unsigned char)*token->at) && *token->at != '*')
        return false;
    for (size_t i = 1; i < token->length; i++) {
        if (!isalnum((unsigned char)token->at[i]) && !token_is("-_*", token->at[i]))
            return false;
    }
    return true;
}

enum token_word
token_word(const struct token *token)
{
    char word[TOKEN_NUMBER + 1];
    enum token_word integer;

    if (token->length == 4 && strncasecmp(token->at, "true", 4) == 0)
        return TOKEN_BOOL;
    if (token->length == 5 && strncasecmp(token->at, "false", 5) == 0)
        return TOKEN_BOOL;
    if (token_name(token))
        return TOKEN_NAME;
    if (token->length > TOKEN_NUMBER)
        return TOKEN_BAD;
    memcpy(word, token->at, token->length);
    word[token->length] = '\0';
    integer = token_integer(word);
    return integer != TOKEN_BAD ? integer : token_real(word);
}

size_t
token_run(const struct token *token, const char *end)
{
    const char *at = token->at + token->length;

    while (at < end && !token_is("\r\n;,{}()[]\"#", *at)
           && !(token_is(" \t", at[-1]) && *at == '/'))
        at++;
    while (at > token->at + token->length && token_is(" \t", at[-1]))
        at--;
    return (size_t)(at - token->at);
}
