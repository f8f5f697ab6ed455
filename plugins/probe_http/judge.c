/* SPDX-License-Identifier: Apache-2.0
 *
 * judge.c - an answer against the rules of its check.  See judge.h.
 *
 * Each stage answers whether its rule holds; the first that does not has written the
 * verdict.  What looks at a whole body is bounded by pattern.h and json_rule.h.
 */
#include "judge.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

const char *const judge_saves[] = { "never", "on-failure", NULL };

/* ---- open ---- */

static int
judge_open_pattern(struct sonde_instance *self, const char *option, const char *text,
                   struct pattern **pattern)
{
    char why[250];

    if (!*text)
        return 0;
    *pattern = pattern_new(text, why, sizeof(why));
    return *pattern ? 0 : sonde_fail(self, option, "%s", why);
}

static int
judge_open_headers(struct sonde_instance *self, const char *option,
                   const char *const *texts, struct header_rule **rules)
{
    char why[400];

    if (!texts || !*texts)
        return 0;
    *rules = header_rule_new(texts, why, sizeof(why));
    return *rules ? 0 : sonde_fail(self, option, "%s", why);
}

static int
judge_open_json(struct sonde_instance *self, struct http *http)
{
    char why[400];

    if (!http->json || !*http->json)
        return 0;
    if (http->max_body > JSON_RULE_BODY)
        return sonde_fail(self, "max_body",
                          "json looks at bodies of at most %dMiB; write less",
                          JSON_RULE_BODY >> 20);
    http->json_rules = json_rule_new(http->json, why, sizeof(why));
    return http->json_rules ? 0 : sonde_fail(self, "json", "%s", why);
}

static int
judge_open_digest(struct sonde_instance *self, const struct http *http)
{
    const char *text = http->body_sha256;
    size_t digits = strspn(text, "0123456789abcdefABCDEF");

    if (*text && (digits != 64 || text[digits]))
        return sonde_fail(self, "body_sha256",
                          "a digest is 64 hex digits, as sha256sum prints them");
    return 0;
}

/* The answer to HEAD has no body. */
static int
judge_open_head(struct sonde_instance *self, const struct http *http)
{
    static const char why[] = "the answer to HEAD has no body";
    const char *option = *http->body_match           ? "body_match"
                         : *http->body_not_match     ? "body_not_match"
                         : http->json && *http->json ? "json"
                         : *http->body_sha256        ? "body_sha256"
                         : http->min_body            ? "min_body"
                                                     : NULL;

    if (strcmp(http->method, "HEAD") != 0)
        return 0;
    if (option)
        return sonde_fail(self, option, "%s", why);
    return sonde_idle(self, "save_body", why);
}

int
judge_open(struct sonde_instance *self, struct http *http)
{
    char why[200];

    if (judge_open_head(self, http) == -1
        || judge_open_pattern(self, "body_match", http->body_match, &http->match) == -1
        || judge_open_pattern(self, "body_not_match", http->body_not_match,
                              &http->not_match)
               == -1
        || judge_open_headers(self, "headers_match", http->headers_match,
                              &http->headers_wanted)
               == -1
        || judge_open_headers(self, "headers_not_match", http->headers_not_match,
                              &http->headers_unwanted)
               == -1
        || judge_open_json(self, http) == -1 || judge_open_digest(self, http) == -1)
        return -1;
    if (http->min_body > http->max_body)
        return sonde_fail(self, "min_body",
                          "it is over max_body, which is 1MiB where it is not set");
    http->wanted = status_parse(http->status, why, sizeof(why));
    return http->wanted ? 0 : sonde_fail(self, "status", "%s", why);
}

void
judge_close(struct http *http)
{
    free(http->wanted);
    pattern_free(http->match);
    pattern_free(http->not_match);
    header_rule_free(http->headers_wanted);
    header_rule_free(http->headers_unwanted);
    json_rule_free(http->json_rules);
}

/* ---- stages ---- */

/* What the stages look at, and what they write. */
struct judge {
    const struct http *http;
    const struct answer *answer;
    const char *headers, *body; /* never NULL */
    struct sonde_event *event;
    struct verdict verdict;
};

/* False: the answer is wrong, for this reason. */
static bool SONDE_PRINTF(3)
    judge_wrong(struct judge *judge, enum sonde_reason reason, const char *format, ...)
{
    va_list args;

    judge->verdict.state = reason == SONDE_OBSERVER ? SONDE_UNKNOWN : SONDE_DOWN;
    judge->verdict.reason = reason;
    va_start(args, format);
    vsnprintf(judge->verdict.why, sizeof(judge->verdict.why), format, args);
    va_end(args);
    return false;
}

/* The wanted list as configured, cut where it is long. */
static void
judge_list_status(const struct http *http, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    for (const char *const *status = http->status; *status && length < size; status++)
        length += (size_t)snprintf(text + length, size - length, "%s%s",
                                   status == http->status ? "" : ", ", *status);
}

static bool
judge_status(struct judge *judge, long status)
{
    char wanted[100];

    if (status_wanted(judge->http->wanted, status))
        return true;
    judge_list_status(judge->http, wanted, sizeof(wanted));
    return judge_wrong(judge, SONDE_L7STS, "%s, wanted %s", judge->answer->line, wanted);
}

static bool
judge_headers(struct judge *judge)
{
    const struct http *http = judge->http;
    const struct answer *answer = judge->answer;
    char why[350];

    if ((!http->headers_wanted
         || header_rule_holds(http->headers_wanted, true, judge->headers,
                              answer->headers_length, why, sizeof(why)))
        && (!http->headers_unwanted
            || header_rule_holds(http->headers_unwanted, false, judge->headers,
                                 answer->headers_length, why, sizeof(why))))
        return true;
    return judge_wrong(judge, SONDE_L7BODY, "%s", why);
}

static bool
judge_size(struct judge *judge)
{
    const struct http *http = judge->http;
    long long bytes = (long long)judge->answer->body_bytes;

    if (judge->answer->bomb)
        return judge_wrong(judge, SONDE_L7BIG, "%lld bytes of body unpacked from %lld",
                           bytes, (long long)judge->answer->packed);
    if (judge->answer->body_big)
        return judge_wrong(judge, SONDE_L7BIG, "more than %lld bytes of body",
                           (long long)http->max_body);
    if (bytes < http->min_body)
        return judge_wrong(judge, SONDE_L7BODY,
                           "%lld bytes of body, wanted at least %lld", bytes,
                           (long long)http->min_body);
    return true;
}

static bool
judge_patterns(struct judge *judge)
{
    const struct http *http = judge->http;
    size_t length = judge->answer->body_length;
    enum pattern_answer match = PATTERN_YES, not_match = PATTERN_NO;

    if (http->match)
        match = pattern_match(http->match, judge->body, length);
    if (http->not_match && match == PATTERN_YES)
        not_match = pattern_match(http->not_match, judge->body, length);
    if (match == PATTERN_GAVE_UP || not_match == PATTERN_GAVE_UP)
        return judge_wrong(judge, SONDE_L7BODY, "%s takes too long on this body",
                           match == PATTERN_GAVE_UP ? "body_match" : "body_not_match");
    if (match == PATTERN_NO)
        return judge_wrong(judge, SONDE_L7BODY, "the body does not match body_match");
    if (not_match == PATTERN_YES)
        return judge_wrong(judge, SONDE_L7BODY, "the body matches body_not_match");
    return true;
}

static bool
judge_json(struct judge *judge)
{
    enum sonde_reason reason;
    char why[400];

    if (!judge->http->json_rules)
        return true;
    reason = json_rule_judge(judge->http->json_rules, judge->body,
                             judge->answer->body_length, why, sizeof(why));
    return reason == SONDE_OK || judge_wrong(judge, reason, "%s", why);
}

static bool
judge_digest(struct judge *judge)
{
    const char *wanted = judge->http->body_sha256, *sha256 = judge->answer->sha256;

    if (!*wanted || strcasecmp(wanted, sha256) == 0)
        return true;
    return judge_wrong(judge, SONDE_L7BODY, "the body's SHA-256 is %s, wanted %s", sha256,
                       wanted);
}

/* By our clock: a server's Date may be as old as what it sends. */
static bool
judge_age(struct judge *judge)
{
    int64_t most = judge->http->max_age, age;
    const char *value;
    char text[80];
    size_t length;
    time_t when;

    if (!most)
        return true;
    value = header_rule_find(judge->headers, judge->answer->headers_length,
                             "Last-Modified", &length);
    if (!value)
        return judge_wrong(judge, SONDE_L7BODY,
                           "the header Last-Modified is absent, and max_age wants it");
    snprintf(text, sizeof(text), "%.*s", (int)(length < 79 ? length : 79), value);
    when = curl_getdate(text, NULL);
    if (when == -1)
        return judge_wrong(judge, SONDE_L7BODY,
                           "the header Last-Modified is no date: \"%s\"", text);
    age = (int64_t)time(NULL) - (int64_t)when;
    sonde_metric(judge->event, "age", (double)age, "seconds");
    return age <= most / 1000
           || judge_wrong(judge, SONDE_L7BODY,
                          "last modified %lld s ago (%s), wanted at most %lld s",
                          (long long)age, text, (long long)(most / 1000));
}

struct verdict
judge_answer(const struct http *http, const struct answer *answer, long status,
             struct sonde_event *event)
{
    struct judge judge = { .http = http,
                           .answer = answer,
                           .event = event,
                           .headers = answer->headers ? answer->headers : "",
                           .body = answer->body ? answer->body : "",
                           .verdict = { SONDE_UP, SONDE_OK, "" } };

    if (judge_status(&judge, status) && judge_headers(&judge) && judge_size(&judge)
        && judge_patterns(&judge) && judge_json(&judge) && judge_digest(&judge)
        && judge_age(&judge))
        memcpy(judge.verdict.why, answer->line, sizeof(answer->line));
    return judge.verdict;
}
