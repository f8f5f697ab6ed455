/* SPDX-License-Identifier: Apache-2.0
 *
 * lexer.c - what is wrong with the text of a configuration file.  See lexer.h.
 *
 * A parser that builds nothing: it follows libconfig's grammar with a stack of
 * what is open, says what it stumbles over, and goes on where sense returns, so
 * that one fault is one sentence.  What it accepts, libconfig accepts.
 */
#include "lexer_stack.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- values ---- */

/* Escapes that are cut short, or that versions of libconfig read differently. */
static void
lexer_text(struct lexer *lexer, const struct token *token)
{
    unsigned line = token->line;

    for (const char *at = token->at + 1; at < token->at + token->length - 1; at++) {
        if (*at == '\n')
            line++;
        if (*at != '\\')
            continue;
        at++;
        if (*at == 'a' || *at == 'b' || *at == 'v')
            lexer_tell(
                lexer, line,
                "\"\\%c\" in a text means different things to different versions of "
                "libconfig; for a backslash write \"\\\\%c\"",
                *at, *at);
        else if ((*at == 'x' || *at == 'X') && at[1] == '0' && at[2] == '0')
            lexer_tell(lexer, line, "a text cannot hold a zero byte (\"\\x00\")");
        else if (*at == '\n')
            line++;
    }
}

static bool
lexer_reads(const struct token *token, const char *word)
{
    return token->length == strlen(word)
           && strncasecmp(token->at, word, token->length) == 0;
}

/* A word that stands where a value should: what is it meant to be? */
static void
lexer_bare(struct lexer *lexer, const struct token *token)
{
    const char *word = token->at, *end = word + token_run(token, lexer->tokens.end);
    int shown = lexer_shown(word, (size_t)(end - word));
    bool yes = lexer_reads(token, "yes") || lexer_reads(token, "on");

    if (yes || lexer_reads(token, "no") || lexer_reads(token, "off")) {
        lexer_tell(lexer, token->line, "%.*s is no value; write %s", (int)token->length,
                   word, yes ? "true" : "false");
        return;
    }
    lexer->tokens.at = end;
    if (end < lexer->tokens.end && *end == '"') {
        lexer->tokens.at = end + 1;
        lexer_tell(lexer, token->line, "a quote is missing before %.*s: write \"%.*s\"",
                   shown, word, shown, word);
    } else if (*word == '\'') {
        lexer_tell(lexer, token->line, "%.*s: a text stands in double quotes", shown,
                   word);
    } else if ((unsigned char)*word >= 0x80) {
        lexer_tell(lexer, token->line, "%.*s: a text stands in plain quotes (\")", shown,
                   word);
    } else {
        lexer_tell(lexer, token->line, "%.*s needs quotes: write \"%.*s\"", shown, word,
                   shown, word);
    }
}

static enum token_word
lexer_word(struct lexer *lexer, const struct token *token)
{
    enum token_word word = token_word(token);
    int shown = lexer_shown(token->at, token->length);

    if (word == TOKEN_BAD || word == TOKEN_NAME)
        lexer_bare(lexer, token);
    else if (word == TOKEN_TOO_BIG)
        lexer_tell(
            lexer, token->line,
            "%.*s is too large a number: 31 bits are the most, 63 with an L behind it",
            shown, token->at);
    return word;
}

/* Text, word, or the beginning of a group or list. */
static void
lexer_value(struct lexer *lexer, const struct token *token)
{
    struct lexer_frame *top = lexer_top(lexer);
    enum token_word word = TOKEN_NAME; /* stands for a text */

    lexer->state = LEXER_AFTER;
    lexer->last = *token;
    if (token->kind == TOKEN_MARK) {
        if (top->open == '[')
            lexer_tell(lexer, token->line,
                       "an array [ ] holds plain values only; a list ( ) holds anything");
        lexer_push(lexer, token);
        return;
    }
    if (token->kind == TOKEN_TEXT)
        lexer_text(lexer, token);
    else
        word = lexer_word(lexer, token);
    if (top->open != '[' || (token->kind == TOKEN_WORD && word == TOKEN_NAME)
        || word == TOKEN_BAD || word == TOKEN_TOO_BIG)
        return;
    if (top->elements == TOKEN_BAD)
        top->elements = word;
    else if (top->elements != word)
        lexer_tell(lexer, token->line,
                   "an array [ ] holds values of one kind only; a list ( ) may mix them");
}

static bool
lexer_is_value(const struct token *token)
{
    return token->kind == TOKEN_TEXT || token->kind == TOKEN_WORD
           || lexer_is(token, "{([");
}

/* ---- inside a list or array ---- */

/* name = */
static bool
lexer_sets(const struct lexer *lexer)
{
    struct tokens ahead = lexer->tokens;
    struct token name, next;

    token_next(&ahead, &name);
    token_next(&ahead, &next);
    return name.kind == TOKEN_WORD && lexer_is(&next, "=:");
}

static void
lexer_comma(struct lexer *lexer, const struct token *token)
{
    struct lexer_frame *top = lexer_top(lexer);
    struct token next = lexer_peek(lexer);

    if (token->mark == ';' && (lexer_is(&next, "}") || lexer_sets(lexer))) {
        lexer_tell(lexer, token->line,
                   "\";\" stands here while the \"%c\" of line %u is not closed",
                   top->open, top->line);
        lexer_pop_forgiven(lexer);
        return;
    }
    if (token->mark == ';')
        lexer_tell(lexer, token->line,
                   "\";\" stands in a list: its values are separated by commas");
    else if (lexer->state == LEXER_FIRST || lexer->state == LEXER_NEXT)
        lexer_tell(lexer, token->line, "a value is missing before this comma");
    lexer->state = token->mark == ';' ? LEXER_LOST : LEXER_NEXT;
}

static void
lexer_no_comma(struct lexer *lexer, const struct token *token)
{
    int shown = lexer_shown(token->at, token->length);

    if (token->kind == TOKEN_TEXT && lexer->last.kind == TOKEN_TEXT)
        lexer_tell(lexer, token->line, "a comma is missing between %.*s and %.*s",
                   lexer_shown(lexer->last.at, lexer->last.length), lexer->last.at, shown,
                   token->at);
    else
        lexer_tell(lexer, token->line, "a comma is missing before %.*s", shown,
                   token->at);
}

static void lexer_setting(struct lexer *lexer, const struct token *token);

static void
lexer_element(struct lexer *lexer, const struct token *token)
{
    struct token next = lexer_peek(lexer);

    if (lexer_is(token, ")]}")) {
        lexer_close(lexer, token);
    } else if (lexer_is(token, ",;")) {
        lexer_comma(lexer, token);
    } else if (lexer_is(token, "=:")) {
        lexer_tell(lexer, token->line, "\"%c\" stands in a list", token->mark);
        lexer_skip_line(lexer);
    } else if (token->kind == TOKEN_WORD && lexer_is(&next, "=:")) {
        lexer_tell(
            lexer, token->line,
            "\"%.*s =\" stands in a list; is the \"%c\" of line %u not closed? Settings "
            "stand in { }",
            lexer_shown(token->at, token->length), token->at, lexer_top(lexer)->open,
            lexer_top(lexer)->line);
        while (lexer_in_list(lexer))
            lexer_pop_forgiven(lexer);
        lexer_setting(lexer, token);
    } else {
        if (lexer->state == LEXER_AFTER)
            lexer_no_comma(lexer, token);
        lexer_value(lexer, token);
    }
}

/* ---- inside a group, or the file itself ---- */

/* Behind `name =`. */
static void
lexer_set(struct lexer *lexer, const struct token *name)
{
    struct token value;
    bool elsewhere;

    for (value = lexer_peek(lexer); lexer_is(&value, "=:"); value = lexer_peek(lexer)) {
        lexer_tell(lexer, value.line, "one \"%c\" too many", value.mark);
        token_next(&lexer->tokens, &value);
    }
    elsewhere = value.line > name->line && lexer_sets(lexer); /* the next setting */

    if (!elsewhere && lexer_is_value(&value)) {
        token_next(&lexer->tokens, &value);
        lexer_value(lexer, &value);
    } else if (elsewhere || value.kind == TOKEN_MARK || value.kind == TOKEN_END) {
        lexer_tell(lexer, name->line, "\"%.*s =\" has no value",
                   lexer_shown(name->at, name->length), name->at);
        lexer->state = LEXER_LOST;
    }
}

static void
lexer_bad_name(struct lexer *lexer, const struct token *token)
{
    static const char include[] = "@include";
    int shown = lexer_shown(token->at, token->length);

    lexer->state = LEXER_LOST;
    if (token->kind == TOKEN_TEXT) {
        lexer_tell(lexer, token->line, "%.*s: a name has no quotes", shown, token->at);
    } else if (lexer_reads(token, include)) {
        lexer_tell(
            lexer, token->line,
            "@include is not supported: put the file into the configuration directory");
        lexer_skip_line(lexer);
    } else if (token_word(token) == TOKEN_BOOL) {
        lexer_tell(lexer, token->line, "\"%.*s\" is a value and no name", shown,
                   token->at);
    } else {
        lexer_tell(lexer, token->line,
                   "%.*s is no name: a letter, then letters, digits, \"-\" and \"_\"",
                   shown, token->at);
    }
}

static void
lexer_name(struct lexer *lexer, const struct token *token)
{
    bool good = token->kind == TOKEN_WORD && token_word(token) == TOKEN_NAME;
    struct token next;

    if (good)
        lexer_add_key(lexer, token);
    else
        lexer_bad_name(lexer, token);
    next = lexer_peek(lexer);
    if (lexer_is(&next, "=:")) {
        token_next(&lexer->tokens, &next);
        lexer_set(lexer, token);
        return;
    }
    if (good)
        lexer_tell(lexer, token->line, "a \"=\" is missing behind \"%.*s\"",
                   lexer_shown(token->at, token->length), token->at);
    lexer->state = LEXER_LOST;
    if (good && next.line == token->line && lexer_is_value(&next)) {
        token_next(&lexer->tokens, &next);
        lexer_value(lexer, &next);
    }
}

/* { ( or [ where a name should stand. */
static void
lexer_nameless(struct lexer *lexer, const struct token *token)
{
    struct lexer_frame *top = lexer_top(lexer);

    if (lexer->depth == 0) {
        lexer_tell(lexer, token->line, "\"%c\" needs a name before it, as in: checks = (",
                   token->mark);
    } else {
        lexer_tell(
            lexer, token->line,
            "\"%c\" stands where a name should; is the \"%c\" of line %u not closed?",
            token->mark, top->open, top->line);
        if (token->mark == '{' && lexer->frames[lexer->depth - 1].open == '(') {
            lexer_pop_forgiven(lexer);
        }
    }
    lexer_push(lexer, token);
}

static void
lexer_setting(struct lexer *lexer, const struct token *token)
{
    struct token next = lexer_peek(lexer);

    if (lexer_is(token, "}])")) {
        lexer_close(lexer, token);
    } else if (lexer_is(token, ";,")) {
        if (lexer->state == LEXER_FIRST || lexer->state == LEXER_NEXT)
            lexer_tell(lexer, token->line, "one \"%c\" too many", token->mark);
        lexer->state = LEXER_NEXT;
    } else if (lexer_is(token, "=:")) {
        lexer_tell(lexer, token->line, "\"%c\" has no name before it", token->mark);
        lexer_skip_line(lexer);
    } else if (lexer_is(token, "{([")) {
        lexer_nameless(lexer, token);
    } else if (token->kind == TOKEN_TEXT && !lexer_is(&next, "=:")) {
        /* Two texts in a row are one to libconfig, and a way to write a long one. */
        if (lexer->state == LEXER_AFTER && lexer->last.kind == TOKEN_TEXT)
            lexer_text(lexer, token);
        else if (lexer->state != LEXER_LOST)
            lexer_tell(lexer, token->line, "%.*s stands where a name should",
                       lexer_shown(token->at, token->length), token->at);
    } else {
        lexer_name(lexer, token);
    }
}

/* ---- the whole file ---- */

static void
lexer_fault(struct lexer *lexer, const struct token *token)
{
    const char *eol = memchr(token->at, '\n', (size_t)(lexer->tokens.end - token->at));
    size_t length = (size_t)((eol ? eol : lexer->tokens.end) - token->at);

    if (token->kind == TOKEN_NO_COMMENT) {
        lexer_tell(lexer, token->line,
                   "the comment that begins here is never closed by */");
        return;
    }
    if (token->kind == TOKEN_NO_QUOTE)
        lexer_tell(lexer, token->line, "the closing quote is missing in %.*s",
                   lexer_shown(token->at, length), token->at);
    else
        lexer_tell(lexer, token->line, "a quote is missing, or one too many, in %.*s",
                   lexer_shown(token->at, length), token->at);
    lexer_skip_line(lexer);
}

static void
lexer_end(struct lexer *lexer)
{
    for (; lexer->depth > 0 && !lexer->over; lexer_pop(lexer))
        lexer_tell(lexer, lexer_top(lexer)->line,
                   "the \"%c\" that stands here is never closed", lexer_top(lexer)->open);
    lexer_check_keys(lexer, lexer_top(lexer));
}

static void
lexer_parse(struct lexer *lexer)
{
    struct token token;

    do {
        token_next(&lexer->tokens, &token);
        if (token.kind == TOKEN_NO_QUOTE || token.kind == TOKEN_NO_BLANK
            || token.kind == TOKEN_NO_COMMENT)
            lexer_fault(lexer, &token);
        else if (token.kind == TOKEN_END)
            lexer_end(lexer);
        else if (lexer_in_list(lexer))
            lexer_element(lexer, &token);
        else
            lexer_setting(lexer, &token);
    } while (token.kind != TOKEN_END && !lexer->over);
}

enum { LEXER_SIZE = 16 << 20 };

/* What no text file holds.  false: it is not worth parsing. */
static bool
lexer_bytes(struct lexer *lexer, const char *bytes, size_t length)
{
    unsigned line = 1;
    size_t step;

    if (length > LEXER_SIZE) {
        lexer_tell(lexer, 0, "is larger than 16 MiB, which no configuration file may be");
        return false;
    }
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        lexer_tell(lexer, 1, "begins with a byte order mark; save it as plain UTF-8");
        lexer->tokens.at += 3;
    }
    for (size_t i = 0; i < length; i += step) {
        step = bytes[i] ? text_utf8(bytes + i, length - i) : 0;
        if (step == 0) {
            lexer_tell(lexer, line,
                       bytes[i] ? "holds bytes that are not UTF-8" : "holds a zero byte");
            return bytes[i] != '\0';
        }
        line += bytes[i] == '\n';
    }
    return true;
}

bool
lexer_check(const char *file, const char *bytes, size_t length, struct problems *problems)
{
    struct lexer lexer = {
        .file = file,
        .problems = problems,
        .tokens = { bytes, bytes + length, 1 },
    };

    if (lexer_bytes(&lexer, bytes, length))
        lexer_parse(&lexer);
    free(lexer.keys);
    return lexer.told == 0;
}
