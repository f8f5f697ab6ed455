/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.h - what a server's certificates are worth: whether they are verified, for
 * whom, by whom, for how many days still.
 *
 * Used by every probe that speaks TLS, whoever does the handshake: cert_watch hooks
 * into OpenSSL where the chain is verified, so that all is known even where the
 * handshake then fails.  It fails where rules->verify holds and the chain or the host
 * is wrong, and where a pin is (whatever verify says).
 */
#ifndef PLUGIN_CERT_H
#define PLUGIN_CERT_H

#include <openssl/ssl.h>
#include <sonde/plugin.h>

enum { CERT_TEXT = 256, CERT_NAMES = 1024 };

/* Of a check; constant. */
struct cert_rules {
    bool verify;
    int64_t warn, fail;      /* milliseconds left: DEGRADED below warn, DOWN below fail;
                              * 0: not judged */
    const char *const *pins; /* SHA-256 of the server's certificate in hex, any of them
                              * (checked by cert_pin); NULL or none: not judged */
};

/* Of one handshake.  rules and host are the caller's, the rest is filled in; zeroed it
 * is empty. */
struct cert_report {
    const struct cert_rules *rules;
    const char *host;        /* whom the certificate must name: a name or an address;
                              * NULL: nobody, so that it is wrong */
    bool seen;               /* the server has sent a chain */
    bool verified;           /* it leads to a trusted certificate and names the host */
    bool refused;            /* trouble counts: the handshake fails of it */
    char trouble[CERT_TEXT]; /* why it is not right, as a sentence's end; "" = it is:
                              * "the certificate expired 3 days ago",
                              * "... is for example.org and not for shop.example",
                              * "... is signed by an unknown authority (CN=...)",
                              * "... is self-signed", "... is not the pinned one";
                              * several joined by ", and " */
    int64_t sent_until, verified_until; /* the first notAfter in either chain, in seconds
                                         * since 1970; INT64_MAX: there is none.  A chain
                                         * counts as verified here though its time is over
                                         * or it names somebody else */
    int64_t until;                      /* notAfter of the server's own */
    char first[CERT_TEXT]; /* whose certificate ends first in the verified chain, or
                            * else the sent one; "": the server's own */
    char subject[CERT_TEXT], issuer[CERT_TEXT], serial[64], sha256[65];
    char names[CERT_NAMES]; /* subjectAltName: DNS and IP, joined by ", "; where there
                             * are too many, " and 12 more" ends it */
    char version[16], cipher[64]; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384" */
};

/* Whether a text can be a pin: 64 hex digits, colons between pairs allowed. */
bool cert_pin(const char *text);

/* Before the handshake: has OpenSSL fill report while it verifies a chain.  cert_watch
 * is for an SSL_CTX of one connection (libcurl makes one each), cert_watch_ssl for an
 * SSL of a shared SSL_CTX on which cert_watch_shared was called once.  report must live
 * until the SSL is freed.  They set SSL_VERIFY_PEER: verification is ours alone. */
void cert_watch(SSL_CTX *context, struct cert_report *report);
void cert_watch_shared(SSL_CTX *context);
void cert_watch_ssl(SSL *ssl, struct cert_report *report);
/* What they hook in; 1 or 0.  arg: a report, or NULL for the one of the SSL. */
int cert_verify(X509_STORE_CTX *store, void *arg);
/* After the handshake, however it ended: takes version and cipher, which are known
 * without it where the server has sent a chain. */
void cert_end(struct cert_report *report, const SSL *ssl);

/* Metrics cert_left_days and cert_verified_left_days (one decimal; negative once
 * expired), details.tls_version, tls_cipher, cert_subject, cert_issuer, cert_names,
 * cert_serial, cert_sha256, cert_not_after (of the server's own): those that are known;
 * details.cert_trouble where it does not count. */
void cert_tell(const struct cert_report *report, struct sonde_event *event);

/* SONDE_UP; or DEGRADED or DOWN with a sentence's end in why: the reason is then L6CERT.
 * Judges trouble (where it counts), then the days left: of the verified chain where
 * there is one, else of the sent one.  A handshake that failed though this is not DOWN
 * failed of something else.  now: seconds since 1970. */
enum sonde_state cert_judge(const struct cert_report *report, int64_t now, char *why,
                            size_t size);

#endif
