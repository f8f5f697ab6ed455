/* SPDX-License-Identifier: Apache-2.0
 *
 * cert_verify.c - looks at a server's certificates while OpenSSL has them.
 *
 * OpenSSL builds and checks the chain (cert_chain); dates do not end that, so that more
 * is known of a chain that is only too old.  Then the host and the pins are compared,
 * and all of it is put into the report.  How long it takes is bounded by what OpenSSL
 * takes of a peer: 100 KiB of certificates.
 */
#include "cert.h"

#include "cert_text.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* One verification under way. */
struct cert_check {
    struct cert_report *report;
    X509 *leaf;
    int64_t now;
    int error;            /* X509_V_OK: the chain leads to a trusted certificate */
    int depth;            /* of the certificate that error is about, */
    const X509 *about;    /* which is this one; NULL: none */
    const X509 *untimely; /* the certificate whose time is not now; NULL: none */
    bool named, pinned;
    size_t said; /* length of the report's trouble */
};

static pthread_once_t cert_once = PTHREAD_ONCE_INIT;
static int cert_of_ssl = -1, cert_of_store = -1;

static void
cert_prepare(void)
{
    cert_of_ssl = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    cert_of_store = X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* ---- the chain ---- */

/* OpenSSL asks here whether an error may pass. */
static int
cert_pass(int good, X509_STORE_CTX *store)
{
    struct cert_check *check = X509_STORE_CTX_get_ex_data(store, cert_of_store);
    int error = X509_STORE_CTX_get_error(store);

    if (good || !check)
        return good;
    if (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID) {
        check->untimely = X509_STORE_CTX_get_current_cert(store);
        return 1;
    }
    check->error = error;
    check->depth = X509_STORE_CTX_get_error_depth(store);
    check->about = X509_STORE_CTX_get_current_cert(store);
    return 0;
}

static bool
cert_is_timely(const X509 *cert, int64_t now)
{
    return cert_text_time(X509_get0_notBefore(cert)) <= now
           && cert_text_time(X509_get0_notAfter(cert)) >= now;
}

static void
cert_chain(struct cert_check *check, X509_STORE_CTX *store)
{
    X509_STORE_CTX_set_ex_data(store, cert_of_store, check);
    X509_STORE_CTX_set_verify_cb(store, cert_pass);
    if (X509_verify_cert(store) <= 0 && check->error == X509_V_OK) {
        check->error = X509_STORE_CTX_get_error(store); /* it could not even begin */
        if (check->error == X509_V_OK)
            check->error = X509_V_ERR_UNSPECIFIED;
    }
    X509_STORE_CTX_set_ex_data(store, cert_of_store, NULL);
    if (!cert_is_timely(check->leaf, check->now))
        check->untimely = check->leaf;
}

/* ---- the host, the pins ---- */

static bool
cert_names_host(X509 *leaf, const char *host)
{
    const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    size_t length = host ? strcspn(host, "%") : 0; /* without the scope of an address */
    unsigned char bytes[16];
    char text[CERT_TEXT];

    if (!length || length >= sizeof(text))
        return false;
    memcpy(text, host, length);
    text[length] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        return X509_check_ip(leaf, bytes, 4, 0) == 1;
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return X509_check_ip(leaf, bytes, 16, 0) == 1;
    if (length > 1 && text[length - 1] == '.')
        length--;
    return X509_check_host(leaf, text, length, flags, NULL) == 1;
}

static bool
cert_is_pinned(const char *sha256, const char *const *pins)
{
    for (const char *const *pin = pins; pin && *pin; pin++) {
        const char *at = *pin, *wanted = sha256;

        while (*wanted && (*at | 0x20) == *wanted) {
            at++;
            wanted++;
            if (*at == ':')
                at++;
        }
        if (!*wanted)
            return true;
    }
    return !pins || !*pins;
}

/* ---- what was found ---- */

static void
cert_fill_sha256(const X509 *leaf, char text[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    text[0] = '\0';
    if (!X509_digest(leaf, EVP_sha256(), digest, &length))
        return;
    for (unsigned i = 0; i < length && i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

/* The earliest end in the chain; first: whose, "" where it is the leaf's. */
static int64_t
cert_fill_until(const STACK_OF(X509) * chain, const X509 *leaf, char *first)
{
    int64_t until = INT64_MAX;
    const X509 *whose = NULL;

    for (int i = 0; i < sk_X509_num(chain); i++) {
        const X509 *cert = sk_X509_value(chain, i);
        int64_t end = cert_text_time(X509_get0_notAfter(cert));

        if (end < until) {
            until = end;
            whose = cert;
        }
    }
    first[0] = '\0';
    if (whose && X509_cmp(whose, leaf) != 0)
        cert_text_name(X509_get_subject_name(whose), first, CERT_TEXT);
    return until;
}

static void
cert_fill(struct cert_check *check, X509_STORE_CTX *store)
{
    struct cert_report *report = check->report;
    const X509 *leaf = check->leaf;

    report->seen = true;
    cert_text_name(X509_get_subject_name(leaf), report->subject, CERT_TEXT);
    cert_text_name(X509_get_issuer_name(leaf), report->issuer, CERT_TEXT);
    cert_text_serial(leaf, report->serial, sizeof(report->serial));
    cert_text_names(leaf, report->names, sizeof(report->names));
    cert_fill_sha256(leaf, report->sha256);
    report->until = cert_text_time(X509_get0_notAfter(leaf));
    report->sent_until = cert_fill_until(X509_STORE_CTX_get0_untrusted(store), leaf,
                                         report->first);
    report->verified_until = INT64_MAX;
    if (report->sent_until > report->until)
        report->sent_until = report->until; /* the leaf alone was sent */
    if (check->error == X509_V_OK)
        report->verified_until = cert_fill_until(X509_STORE_CTX_get0_chain(store), leaf,
                                                 report->first);
}

/* ---- trouble ---- */

/* One thing that the certificate is or does wrong. */
static void SONDE_PRINTF(2) cert_say(struct cert_check *check, const char *format, ...)
{
    char *text = check->report->trouble;
    size_t at = check->said;
    va_list args;

    at += (size_t)snprintf(text + at, CERT_TEXT - at, "%s",
                           at ? ", and " : "the certificate ");
    if (at >= CERT_TEXT)
        return;
    va_start(args, format);
    at += (size_t)vsnprintf(text + at, CERT_TEXT - at, format, args);
    va_end(args);
    check->said = at < CERT_TEXT ? at : CERT_TEXT - 1;
}

static void
cert_say_time(struct cert_check *check)
{
    const X509 *cert = check->untimely;
    int64_t from = cert_text_time(X509_get0_notBefore(cert));
    int64_t until = cert_text_time(X509_get0_notAfter(cert));
    char span[CERT_SPAN], issuer[100];
    bool early = from > check->now;
    const char *has = "", *that = "";

    issuer[0] = '\0';
    if (X509_cmp(cert, check->leaf) != 0) {
        cert_text_name(X509_get_subject_name(cert), issuer, sizeof(issuer));
        has = "has an issuer (";
        that = ") that ";
    }
    if (early && from == INT64_MAX)
        cert_say(check, "%s%s%sbears no readable date", has, issuer, that);
    else if (early)
        cert_say(check, "%s%s%sis not valid before %s from now", has, issuer, that,
                 cert_text_span(from - check->now, span));
    else
        cert_say(check, "%s%s%sexpired %s ago", has, issuer, that,
                 cert_text_span(check->now - until, span));
}

static void
cert_say_chain(struct cert_check *check, X509_STORE_CTX *store)
{
    const X509 *about = check->about ? check->about : check->leaf;
    bool alone = sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) < 2;
    char name[100];

    cert_text_name(X509_get_issuer_name(about), name, sizeof(name));
    switch (check->error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        cert_say(check, "is self-signed");
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        cert_say(check, "is signed by an unknown authority (%s)", name);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        cert_say(check, "is signed by an unknown authority (%s%s)", name,
                 alone ? "; no intermediate certificate was sent" : "");
        break;
    default:
        cert_text_name(X509_get_subject_name(about), name, sizeof(name));
        cert_say(check, "is not right: %s%s%s%s",
                 X509_verify_cert_error_string(check->error), check->depth ? " (" : "",
                 check->depth ? name : "", check->depth ? ")" : "");
    }
}

static void
cert_say_host(struct cert_check *check)
{
    const char *host = check->report->host;
    char names[100];

    cert_text_names(check->leaf, names, sizeof(names));
    if (!names[0])
        cert_text_name(X509_get_subject_name(check->leaf), names, sizeof(names));
    if (host && *host)
        cert_say(check, "is for %s and not for %.80s", names[0] ? names : "nobody", host);
    else
        cert_say(check, "is for %s, and no name was asked for",
                 names[0] ? names : "nobody");
}

/* Where only the pin counts, the sentence has nothing else. */
static void
cert_trouble(struct cert_check *check, X509_STORE_CTX *store)
{
    if (check->report->rules->verify || check->pinned) {
        if (check->untimely)
            cert_say_time(check);
        if (check->error != X509_V_OK)
            cert_say_chain(check, store);
        if (!check->named)
            cert_say_host(check);
    }
    if (!check->pinned)
        cert_say(check, "is not the pinned one");
}

/* What OpenSSL makes the alert of that the server gets. */
static int
cert_error(const struct cert_check *check)
{
    if (!check->report->refused)
        return X509_V_OK;
    if (!check->report->rules->verify)
        return X509_V_ERR_APPLICATION_VERIFICATION;
    if (check->error != X509_V_OK)
        return check->error;
    if (check->untimely)
        return X509_V_ERR_CERT_HAS_EXPIRED;
    return check->named ? X509_V_ERR_APPLICATION_VERIFICATION
                        : X509_V_ERR_HOSTNAME_MISMATCH;
}

int
cert_verify(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct cert_check check = { .leaf = X509_STORE_CTX_get0_cert(store),
                                .now = (int64_t)time(NULL),
                                .error = X509_V_OK };
    struct cert_report *report;

    pthread_once(&cert_once, cert_prepare);
    report = arg ? arg : ssl ? SSL_get_ex_data(ssl, cert_of_ssl) : NULL;
    if (!report || !check.leaf || cert_of_store == -1) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    *report = (struct cert_report){ .rules = report->rules, .host = report->host };
    check.report = report;
    cert_chain(&check, store);
    cert_fill(&check, store);
    check.named = cert_names_host(check.leaf, report->host);
    check.pinned = cert_is_pinned(report->sha256, report->rules->pins);
    report->verified = check.error == X509_V_OK && !check.untimely && check.named;
    report->refused = (report->rules->verify && !report->verified) || !check.pinned;
    cert_trouble(&check, store);
    if (ssl)
        cert_end(report, ssl);
    ERR_clear_error();
    X509_STORE_CTX_set_error(store, cert_error(&check));
    return report->refused ? 0 : 1;
}

/* ---- hooks ---- */

void
cert_watch(SSL_CTX *context, struct cert_report *report)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, cert_verify, report);
}

void
cert_watch_shared(SSL_CTX *context)
{
    cert_watch(context, NULL);
}

void
cert_watch_ssl(SSL *ssl, struct cert_report *report)
{
    pthread_once(&cert_once, cert_prepare);
    SSL_set_ex_data(ssl, cert_of_ssl, report);
}

void
cert_end(struct cert_report *report, const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

    if (!cipher)
        cipher = SSL_get_pending_cipher(ssl);
    if (!cipher)
        return;
    snprintf(report->version, sizeof(report->version), "%s", SSL_get_version(ssl));
    snprintf(report->cipher, sizeof(report->cipher), "%s", SSL_CIPHER_get_name(cipher));
}
