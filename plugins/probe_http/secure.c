/* SPDX-License-Identifier: Apache-2.0
 *
 * secure.c - TLS of a request.  See secure.h.
 *
 * libcurl makes an SSL_CTX for each connection and shows it to us before its first use.
 * What open has put into a context of our own is then handed over by reference.
 */
#include "secure.h"

#include "keep.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int secure_index = -1; /* of our run in libcurl's SSL_CTX, see secure_told */

static void
secure_make_index(void)
{
    secure_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int
secure_open(struct sonde_instance *self, struct http *http, bool used)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, secure_make_index);
    if (tls_open(self, &http->tls, used) == -1)
        return -1;
    if (!used)
        return 0;
    http->rules = tls_rules(&http->tls);
    http->context = tls_context(self, &http->tls, NULL);
    return http->context ? 0 : -1;
}

void
secure_close(struct http *http)
{
    SSL_CTX_free(http->context);
    http->context = NULL;
}

/* ---- a handshake ---- */

/* libcurl asks for a name in small letters, without the dot that may end it. */
static bool
secure_names(const char *name, const char *host)
{
    size_t length = strlen(host);

    if (length > 1 && host[length - 1] == '.')
        length--;
    return name && strlen(name) == length && strncasecmp(name, host, length) == 0;
}

/* libcurl has no option for the name, and OpenSSL none for a whole SSL_CTX: it is set
 * when the handshake starts. */
static void
secure_told(const SSL *ssl, int where, int value)
{
    struct cert_report *report = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), secure_index);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct address address;

    (void)value;
    if (!report)
        return;
    if (where == SSL_CB_HANDSHAKE_DONE)
        cert_end(report, ssl);
    if (where == SSL_CB_HANDSHAKE_START && !secure_names(name, report->host)
        && !address_literal(report->host, strlen(report->host), &address))
        SSL_set_tlsext_host_name((SSL *)(uintptr_t)ssl, report->host);
}

static CURLcode
secure_context(CURL *easy, void *context, void *arg)
{
    struct http_run *run = arg;
    struct cert_report *report = run->report;
    const char *sni = run->http->tls.sni;

    (void)easy;
    run->handshake = sonde_now();
    run->heard = 0; /* that was a proxy */
    *report = (struct cert_report){
        .rules = &run->http->rules,
        .host = run->foreign ? run->to->host
                : *sni       ? sni
                             : run->http->first.host,
    };
    /* The client's certificate is for the first origin only. */
    if (tls_copy(context, run->http->context, !run->foreign) == -1
        || SSL_CTX_set_ex_data(context, secure_index, report) != 1)
        return CURLE_SSL_CERTPROBLEM;
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    /* Many servers end a connection without the end of TLS.  Where that cuts an answer
     * short its length tells; else it is the end of the answer, whatever libcurl thinks.
     */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
    SSL_CTX_set_info_callback(context, secure_told);
    cert_watch(context, report);
    return CURLE_OK;
}

void
secure_prepare(struct http_run *run, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    /* cert.h verifies, and ends the handshake of what is wrong. */
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, secure_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, run);
}

int
secure_set(struct http_run *run)
{
    run->report = keep_report(run);
    if (!run->report)
        run->report = calloc(1, sizeof(*run->report));
    return run->report ? 0 : -1;
}

void
secure_reopen(struct http_run *run)
{
    struct cert_report *report = run->report;

    if (report)
        *report = (struct cert_report){ .rules = report->rules, .host = report->host };
}

void
secure_drop(struct http_run *run)
{
    if (run->report != keep_report(run))
        free(run->report);
    run->report = NULL;
}
