/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_http.c - any bytes as what a web server answers: taken in as libcurl hands it
 * over, in lines and pieces, and judged by checks with every rule there is.
 *
 * A verdict always has a sentence, what is kept stays within its bounds, and nothing of
 * it depends on how the body was cut into pieces.
 */
#include "../../plugins/probe_http/judge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* All that the judge wants of the core. */
int
sonde_fail(struct sonde_instance *self, const char *option, const char *format, ...)
{
    (void)self, (void)option, (void)format;
    abort();
}

int
sonde_idle(struct sonde_instance *self, const char *option, const char *why)
{
    (void)self, (void)option, (void)why;
    return 0;
}

void
sonde_metric(struct sonde_event *event, const char *name, double value, const char *unit)
{
    (void)event, (void)name, (void)value, (void)unit;
}

enum { MOST_HEADERS = 2048, MOST_BODY = 8192 };

static const char *const any_status[] = { "!599", NULL };
static const char *const ok_status[] = { "200-299", "!204", NULL };
static const char *const headers[] = { "Content-Type: ^(text|application)/",
                                       "X-Any:", NULL };
static const char *const no_headers[] = { "Server: (?i)nginx/[0-9]+[.]", "x: [ab]+c",
                                          NULL };
static const char *const json[] = { "a.b[0] == \"ok\"", "[\"odd key\"].x >= 1.5",
                                    "a.name ~ \"^[a-z]+$\"", "a.on != false", NULL };
static const char *const root[] = { "$ != 1", NULL };

/* With all rules on few answers come far, so there are checks with few as well. */
static struct http checks[] = {
    { .status = ok_status,
      .headers_match = headers,
      .headers_not_match = no_headers,
      .body_match = "[{a-z]",
      .body_not_match = "error [0-9]{3}$",
      .json = json,
      .body_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      .min_body = 1,
      .max_age = 86400000,
      .save_body = 1 },
    { .status = any_status, .headers_match = headers, .headers_not_match = no_headers },
    { .status = any_status, .json = json },
    { .status = any_status, .json = root, .save_body = 1 },
    { .status = any_status, .max_age = 1000, .save_body = 1 },
};

static void
prepare(void)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        struct http *http = &checks[i];

        http->method = "GET";
        http->body_match = http->body_match ? http->body_match : "";
        http->body_not_match = http->body_not_match ? http->body_not_match : "";
        http->body_sha256 = http->body_sha256 ? http->body_sha256 : "";
        http->max_headers = MOST_HEADERS;
        http->max_body = MOST_BODY;
        if (judge_open(NULL, http) == -1)
            abort();
    }
}

/* Lines up to the first empty one, and what is left of the bytes. */
static bool
take_head(struct answer *answer, const struct http *http, const char **bytes,
          size_t *length)
{
    while (*length && !answer->headers_done) {
        const char *end = memchr(*bytes, '\n', *length);
        size_t line = end ? (size_t)(end - *bytes) + 1 : *length;

        if (!answer_take_header(answer, http, *bytes, line))
            return false;
        *bytes += line;
        *length -= line;
    }
    return true;
}

/* In pieces as large as the bytes say, or in one. */
static bool
take_body(struct answer *answer, const struct http *http, const char *bytes,
          size_t length, bool pieces)
{
    while (length) {
        size_t piece = pieces ? (unsigned char)*bytes % 64u + 1 : length;

        if (piece > length)
            piece = length;
        if (!answer_take_body(answer, http, bytes, piece, answer->body_bytes))
            return false;
        bytes += piece;
        length -= piece;
    }
    return answer_end(answer, http);
}

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static struct verdict
judge(const struct http *http, const char *bytes, size_t length, bool pieces)
{
    struct verdict verdict = { 0 };
    struct answer answer = { 0 };
    long status;

    if (take_head(&answer, http, &bytes, &length)
        && (take_body(&answer, http, bytes, length, pieces) || answer.body_big)) {
        status = strlen(answer.line) > 9 ? strtol(answer.line + 9, NULL, 10) : 200;
        verdict = judge_answer(http, &answer, status, NULL);
        must(verdict.state == SONDE_UP || *verdict.why);
        must((verdict.state == SONDE_UP) == (verdict.reason == SONDE_OK));
    }
    must(!answer.no_memory && answer.heard_length <= ANSWER_HEARD);
    must(answer.headers_length <= MOST_HEADERS);
    must(answer.body_length <= MOST_BODY + ANSWER_SAVED);
    must(!*answer.sha256 || strlen(answer.sha256) == 64);
    answer_drop(&answer);
    return verdict;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool prepared;

    if (!prepared)
        prepare();
    prepared = true;
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        struct verdict one = judge(&checks[i], (const char *)bytes, length, true),
                       other = judge(&checks[i], (const char *)bytes, length, false);

        /* Time is the one thing that may differ: a sanitizer takes some for itself. */
        must(strcmp(one.why, other.why) == 0 || strstr(one.why, "too long")
             || strstr(other.why, "too long") || checks[i].max_age);
    }
    return 0;
}
