/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.h - what a server answers, taken in within its bounds: counted, hashed, and
 * kept as far as somebody wants to look at it later.
 *
 * Knows no libcurl and no verdict: bytes in, a struct answer out.  Of several answers
 * in a row (interim ones, redirects) the headers of the last are kept; all count.
 */
#ifndef PROBE_HTTP_ANSWER_H
#define PROBE_HTTP_ANSWER_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;

enum {
    ANSWER_LINE = 200,   /* most of a status line that is kept */
    ANSWER_HEARD = 256,  /* first bytes, for who wants to know why */
    ANSWER_SAVED = 1024, /* of a body that save_body keeps */
    /* Of a redirect's body, however little max_body allows: to follow it, it must end. */
    ANSWER_REDIRECT = 64 << 10,
    /* A body that is larger than this, and than so many times what was sent, is a bomb:
     * it would be unpacked in one turn of the loop. */
    ANSWER_UNPACKED = 4 << 20,
    ANSWER_RATIO = 100
};

/* Zeroed it is empty. */
struct answer {
    int64_t header_bytes, body_bytes;
    int64_t packed;             /* body_bytes as they were sent */
    char line[ANSWER_LINE + 1]; /* the status line */
    char heard[ANSWER_HEARD];   /* headers and body as they came */
    size_t heard_length;
    char *headers; /* lines, kept only where a rule wants to see them */
    size_t headers_length, headers_room;
    char *body; /* kept as far as answer_keeps says */
    size_t body_length, body_room;
    EVP_MD_CTX *digest; /* where body_sha256 is set */
    char sha256[65];    /* by answer_end */
    bool headers_done;  /* what follows is no header of this answer */
    bool headers_big, body_big, bomb, no_memory; /* why it was stopped */
};

void answer_drop(struct answer *answer); /* it is empty again */

/* One whole line of the head, or a trailer; a part of the body, decoded: packed says how
 * much of it was sent so far.  False: stop, the answer says why. */
bool answer_take_header(struct answer *answer, const struct http *http, const char *bytes,
                        size_t length);
bool answer_take_body(struct answer *answer, const struct http *http, const char *bytes,
                      size_t length, int64_t packed);
/* All of it has come. */
bool answer_end(struct answer *answer, const struct http *http);

#endif
