/* SPDX-License-Identifier: Apache-2.0
 *
 * keep.c - connections that outlive a run.  See keep.h.
 */
#include "keep.h"

#include <stdlib.h>

struct keep {
    struct cert_report report; /* libcurl's SSL objects point here */
    CURLSH *share;             /* a connection cache */
    struct address address;    /* of the connection made last */
};

bool
keep_wanted(const struct http_run *run)
{
    return run->http->keep && !run->foreign;
}

static struct keep *
keep_new(void)
{
    struct keep *keep = calloc(1, sizeof(*keep));

    if (!keep)
        return NULL;
    keep->share = curl_share_init();
    if (keep->share
        && curl_share_setopt(keep->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT)
               == CURLSHE_OK)
        return keep;
    curl_share_cleanup(keep->share);
    free(keep);
    return NULL;
}

int
keep_set(struct http_run *run)
{
    struct http *http = sonde_private(run->self);

    if (!http->kept)
        http->kept = keep_new();
    if (!http->kept)
        return -1;
    curl_easy_setopt(run->easy, CURLOPT_SHARE, http->kept->share);
    curl_easy_setopt(run->easy, CURLOPT_FRESH_CONNECT, 0L);
    curl_easy_setopt(run->easy, CURLOPT_FORBID_REUSE, 0L);
    /* However long the interval is; libcurl's own limit is 118 s. */
    curl_easy_setopt(run->easy, CURLOPT_MAXAGE_CONN, 366L * 86400);
    return 0;
}

void
keep_close(struct http *http)
{
    if (!http->kept)
        return;
    curl_share_cleanup(http->kept->share);
    free(http->kept);
    http->kept = NULL;
}

struct cert_report *
keep_report(const struct http_run *run)
{
    return keep_wanted(run) && run->http->kept ? &run->http->kept->report : NULL;
}

const struct address *
keep_address(const struct http_run *run)
{
    bool kept = keep_wanted(run) && !run->opened && run->heard;

    return kept && run->http->kept ? &run->http->kept->address : NULL;
}

void
keep_opened(const struct http_run *run, const struct address *address)
{
    if (keep_wanted(run) && run->http->kept)
        run->http->kept->address = *address;
}
