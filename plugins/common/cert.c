/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.c - what a report on certificates means: told in an event, judged by the days
 * that are left.  See cert.h; how a report is filled is in cert_verify.c.
 */
#include "cert.h"

#include "cert_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool
cert_pin(const char *text)
{
    int digits = 0;

    for (; *text; text++) {
        if (*text == ':' && digits && digits % 2 == 0 && text[1] && text[-1] != ':')
            continue;
        if (!isxdigit((unsigned char)*text))
            return false;
        digits++;
    }
    return digits == 64;
}

/* ---- told ---- */

static void
cert_tell_left(struct sonde_event *event, const char *name, int64_t until, int64_t now)
{
    int64_t left = until - now, tenths = (left + (left < 0 ? -4320 : 4320)) / 8640;

    if (until != INT64_MAX)
        sonde_metric(event, name, (double)tenths / 10, "days");
}

static void
cert_tell_text(struct sonde_event *event, const char *field, const char *text)
{
    if (*text)
        sonde_set(event, field, text, strlen(text));
}

void
cert_tell(const struct cert_report *report, struct sonde_event *event)
{
    int64_t now = (int64_t)time(NULL);
    char date[CERT_SPAN];

    cert_tell_text(event, "details.tls_version", report->version);
    cert_tell_text(event, "details.tls_cipher", report->cipher);
    if (!report->seen)
        return;
    cert_tell_left(event, "cert_left", report->sent_until, now);
    cert_tell_left(event, "cert_verified_left", report->verified_until, now);
    cert_tell_text(event, "details.cert_subject", report->subject);
    cert_tell_text(event, "details.cert_issuer", report->issuer);
    cert_tell_text(event, "details.cert_names", report->names);
    cert_tell_text(event, "details.cert_serial", report->serial);
    cert_tell_text(event, "details.cert_sha256", report->sha256);
    if (report->until != INT64_MAX)
        cert_tell_text(event, "details.cert_not_after",
                       cert_text_date(report->until, date));
    if (!report->refused)
        cert_tell_text(event, "details.cert_trouble", report->trouble);
}

/* ---- judged ---- */

enum sonde_state
cert_judge(const struct cert_report *report, int64_t now, char *why, size_t size)
{
    const struct cert_rules *rules = report->rules;
    int64_t until = report->verified_until != INT64_MAX ? report->verified_until
                                                        : report->sent_until;
    char span[CERT_SPAN], date[CERT_SPAN];
    enum sonde_state state = SONDE_UP;
    int64_t left;

    if (report->seen && report->refused) {
        snprintf(why, size, "%s", report->trouble);
        return SONDE_DOWN;
    }
    if (!report->seen || until == INT64_MAX)
        return SONDE_UP;
    left = (until - now) * 1000;
    if (rules->fail && left < rules->fail)
        state = SONDE_DOWN;
    else if (rules->warn && left < rules->warn)
        state = SONDE_DEGRADED;
    cert_text_span(until - now, span);
    cert_text_date(until, date);
    if (state != SONDE_UP)
        snprintf(why, size, "the certificate%s%s%s %s%s%s (%s)",
                 *report->first ? "'s issuer (" : "", report->first,
                 *report->first ? ")" : "", left < 0 ? "expired " : "ends in ", span,
                 left < 0 ? " ago" : "", date);
    return state;
}
