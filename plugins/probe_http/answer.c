/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.c - takes an answer in, within its bounds.  See answer.h.
 *
 * Memory is what max_headers and max_body allow, and less where no rule asks for it;
 * the digest is taken as the bytes come, so that no turn of the loop is a long one.
 */
#include "answer.h"

#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room by doubling; at most twice of what is needed. */
static bool
answer_keep(char **kept, size_t *used, size_t *room, const char *bytes, size_t length)
{
    if (*used + length > *room) {
        size_t more = *room ? *room * 2 : 1024;
        char *longer;

        while (more < *used + length)
            more *= 2;
        longer = realloc(*kept, more);
        if (!longer)
            return false;
        *kept = longer;
        *room = more;
    }
    memcpy(*kept + *used, bytes, length);
    *used += length;
    return true;
}

static void
answer_hear(struct answer *answer, const char *bytes, size_t length)
{
    size_t room = sizeof(answer->heard) - answer->heard_length;

    if (length > room)
        length = room;
    memcpy(answer->heard + answer->heard_length, bytes, length);
    answer->heard_length += length;
}

/* ---- the head ---- */

static bool
answer_looks_at_headers(const struct http *http)
{
    return http->headers_wanted || http->headers_unwanted || http->max_age;
}

/* What came before was an interim answer, a redirect, or a proxy's. */
static void
answer_begin(struct answer *answer, const char *line, size_t length)
{
    size_t end = 0;

    while (end < length && line[end] != '\r' && line[end] != '\n')
        end++;
    if (end >= sizeof(answer->line))
        end = sizeof(answer->line) - 1;
    for (size_t i = 0; i < end; i++)
        answer->line[i] = line[i] ? line[i] : ' ';
    answer->line[end] = '\0';
    answer->heard_length = 0;
    answer->headers_length = 0;
    answer->headers_done = false;
}

/* A line that begins with a blank goes on with the value before it. */
static bool
answer_keep_header(struct answer *answer, const char *bytes, size_t length)
{
    if (*bytes == ' ' || *bytes == '\t')
        while (answer->headers_length
               && strchr("\r\n", answer->headers[answer->headers_length - 1]))
            answer->headers_length--;
    return answer_keep(&answer->headers, &answer->headers_length, &answer->headers_room,
                       bytes, length);
}

bool
answer_take_header(struct answer *answer, const struct http *http, const char *bytes,
                   size_t length)
{
    bool starts = length > 5 && memcmp(bytes, "HTTP/", 5) == 0;

    answer->header_bytes += (int64_t)length;
    if (answer->header_bytes > http->max_headers) {
        answer->headers_big = true;
        return false;
    }
    if (starts)
        answer_begin(answer, bytes, length);
    answer_hear(answer, bytes, length);
    if (length == 0 || *bytes == '\r' || *bytes == '\n')
        answer->headers_done = true;
    if (!starts && !answer->headers_done && answer_looks_at_headers(http)
        && !answer_keep_header(answer, bytes, length))
        answer->no_memory = true;
    return !answer->no_memory;
}

/* ---- the body ---- */

/* Whether it may be one to follow, of which nobody looks at the body. */
static bool
answer_redirects(const struct answer *answer, const struct http *http)
{
    const char *status = strchr(answer->line, ' ');

    return http->max_redirects && status && status[1] == '3';
}

/* How many bytes of a body somebody will look at. */
static size_t
answer_keeps(const struct http *http)
{
    if (http->match || http->not_match || http->json_rules)
        return SIZE_MAX;
    return http->save_body ? ANSWER_SAVED : 0;
}

static bool
answer_digest(struct answer *answer, const char *bytes, size_t length)
{
    if (!answer->digest) {
        answer->digest = EVP_MD_CTX_new();
        if (!answer->digest || EVP_DigestInit_ex(answer->digest, EVP_sha256(), NULL) != 1)
            return false;
    }
    return EVP_DigestUpdate(answer->digest, bytes, length) == 1;
}

bool
answer_take_body(struct answer *answer, const struct http *http, const char *bytes,
                 size_t length, int64_t packed)
{
    size_t keeps = answer_keeps(http) - answer->body_length;

    answer->body_bytes += (int64_t)length;
    answer->packed = packed;
    answer->bomb = answer->body_bytes > ANSWER_UNPACKED
                   && answer->body_bytes / ANSWER_RATIO > packed;
    answer->body_big = answer->bomb || answer->body_bytes > http->max_body;
    answer_hear(answer, bytes, length);
    if (keeps > length)
        keeps = length;
    if (answer->body_big && keeps > ANSWER_SAVED)
        keeps = ANSWER_SAVED; /* of one piece; the rest is not to be looked at */
    if ((keeps
         && !answer_keep(&answer->body, &answer->body_length, &answer->body_room, bytes,
                         keeps))
        || (*http->body_sha256 && !answer_digest(answer, bytes, length)))
        answer->no_memory = true;
    if (answer->no_memory || answer->bomb)
        return false;
    return !answer->body_big
           || (answer_redirects(answer, http) && answer->body_bytes <= ANSWER_REDIRECT);
}

/* ---- the end ---- */

bool
answer_end(struct answer *answer, const struct http *http)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (!*http->body_sha256)
        return true;
    if (!answer_digest(answer, "", 0)
        || EVP_DigestFinal_ex(answer->digest, digest, &length) != 1) {
        answer->no_memory = true;
        return false;
    }
    for (unsigned i = 0; i < length && i < 32; i++)
        snprintf(answer->sha256 + 2 * i, 3, "%02x", digest[i]);
    return true;
}

void
answer_drop(struct answer *answer)
{
    free(answer->headers);
    free(answer->body);
    EVP_MD_CTX_free(answer->digest);
    memset(answer, 0, sizeof(*answer));
}
