/* SPDX-License-Identifier: Apache-2.0
 *
 * tls.h - the options of a check that speaks TLS, and OpenSSL contexts made of them.
 *
 * The rows are the same for every such probe, whoever does the handshake.  A context
 * is shared by all checks with the same options; it holds nothing of one connection.
 */
#ifndef PLUGIN_TLS_H
#define PLUGIN_TLS_H

#include "cert.h"

/* The first member of a probe's private struct: the rows of TLS_OPTIONS count their
 * offsets from here. */
struct tls {
    const char *ca, *cert, *key_file, *sni;
    const char *const *cert_sha256;
    int64_t cert_warn, cert_fail; /* ms */
    int tls_min, tls_max;         /* enum tls_version */
    bool verify;
};

enum tls_version { TLS_DEFAULT, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };
extern const char *const tls_versions[]; /* "default", "1.0" ... "1.3", NULL */

#define TLS_OPTIONS                                                                      \
    SONDE_BOOL(struct tls, verify, .fallback = "true",                                   \
               .help = "Whether the server's certificate has to be right."),             \
        SONDE_STRING(struct tls, ca, .fallback = "",                                     \
                     .help = "A file of certificates to trust, instead of the "          \
                             "system's."),                                               \
        SONDE_STRING(struct tls, cert, .fallback = "",                                   \
                     .help = "A file with the client's certificate (and its chain)."),   \
        SONDE_STRING(struct tls, key_file, .fallback = "",                               \
                     .help = "A file with the client's key; default: the one of "        \
                             "cert."),                                                   \
        SONDE_STRING(struct tls, sni, .fallback = "",                                    \
                     .help = "The name to ask for, which the certificate must carry; "   \
                             "default: the host."),                                      \
        SONDE_CHOICE(struct tls, tls_min, .fallback = "default",                         \
                     .choices = tls_versions,                                            \
                     .help = "The lowest TLS version to take."),                         \
        SONDE_CHOICE(struct tls, tls_max, .fallback = "default",                         \
                     .choices = tls_versions,                                            \
                     .help = "The highest TLS version to offer."),                       \
        SONDE_DURATION(struct tls, cert_warn, .fallback = "14d", .max = 315360000000,    \
                       .help = "DEGRADED when the certificates hold for less; 0: "       \
                               "never."),                                                \
        SONDE_DURATION(struct tls, cert_fail, .fallback = "3d", .max = 315360000000,     \
                       .help = "DOWN when they hold for less; 0: never."),               \
        SONDE_STRINGS(struct tls, cert_sha256,                                           \
                      .help = "SHA-256 of the server's certificate in hex; one of the "  \
                              "list must match.")

/* Checks the options as far as that needs no file of the server; -1 after
 * sonde_fail.  used: whether the check speaks TLS at all; where it does not, an option
 * that was given is an error that says so. */
int tls_open(struct sonde_instance *self, const struct tls *tls, bool used);

/* What the options say of the server's certificates; pins are those of tls. */
struct cert_rules tls_rules(const struct tls *tls);

/* A context with trust, client certificate, versions and cert_watch_shared; a reference
 * to free with SSL_CTX_free.  alpn: a list, or NULL.  NULL after sonde_fail.  For open:
 * it reads files.  Any thread. */
SSL_CTX *tls_context(struct sonde_instance *self, const struct tls *tls,
                     const char *const *alpn);
/* Gives a context that somebody else made (libcurl) the same trust and versions, and
 * where client holds the client's certificate, without reading a file; cert_watch is the
 * caller's.  -1: out of memory. */
int tls_copy(SSL_CTX *to, SSL_CTX *from, bool client);

#endif
