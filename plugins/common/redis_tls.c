/* SPDX-License-Identifier: Apache-2.0
 *
 * redis_tls.c - TLS under a connection to Redis.
 *
 * hiredis carries the bytes, but its own set-up does not compare the name in
 * the certificate: the session is prepared here, and that name is checked.
 * Certificates are read at each connect, so renewed ones are found.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "redis_tls.h"

#include "redis_link.h"

#ifdef HAVE_HIREDIS_SSL

#include <arpa/inet.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static const char *
redis_tls_name(const struct redis *redis, const char *host)
{
    return redis->sni && redis->sni[0] ? redis->sni : host;
}

int
redis_tls_open(struct sonde_instance *self, bool named)
{
    const struct redis *redis = sonde_private(self);

    if (!redis->tls)
        return 0;
    if (!redis->cert != !redis->key_file)
        return sonde_fail(self, redis->cert ? "cert" : "key_file",
                          "cert and key_file go together");
    if (!named && !(redis->sni && redis->sni[0]))
        return sonde_fail(self, "tls",
                          "a unix socket has no host name to find in the "
                          "certificate: set sni");
    return 0;
}

static const char *
redis_tls_error(struct redis *redis, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_get_error());

    ERR_clear_error();
    return redis_link_why(redis, "TLS: %s: %s", what, reason ? reason : "failed");
}

static const char *
redis_tls_files(struct redis *redis, SSL_CTX *settings)
{
    if (redis->ca && SSL_CTX_load_verify_locations(settings, redis->ca, NULL) != 1)
        return redis_tls_error(redis, redis->ca);
    if (!redis->ca && SSL_CTX_set_default_verify_paths(settings) != 1)
        return redis_tls_error(redis, "the system's certificates");
    if (redis->cert && SSL_CTX_use_certificate_chain_file(settings, redis->cert) != 1)
        return redis_tls_error(redis, redis->cert);
    if (redis->key_file
        && SSL_CTX_use_PrivateKey_file(settings, redis->key_file, SSL_FILETYPE_PEM) != 1)
        return redis_tls_error(redis, redis->key_file);
    return NULL;
}

static bool
redis_tls_expect(SSL *session, const char *name)
{
    unsigned char address[16];

    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name) == 1;
    return SSL_set1_host(session, name) == 1
           && SSL_set_tlsext_host_name(session, name) == 1;
}

static const char *
redis_tls_shake(struct redis *redis, SSL *session)
{
    if (redisInitiateSSL(redis->context, session) == REDIS_OK)
        return NULL; /* the context owns it now */

    const long verdict = SSL_get_verify_result(session);
    const char *why = verdict == X509_V_OK
                          ? redis_link_why(redis, "TLS: %s", redis->context->errstr)
                          : redis_link_why(redis, "TLS: the server's certificate: %s",
                                           X509_verify_cert_error_string(verdict));
    SSL_free(session);
    ERR_clear_error();
    return why;
}

const char *
redis_tls_begin(struct redis *redis, const char *host)
{
    SSL_CTX *settings = SSL_CTX_new(TLS_client_method());

    if (!settings)
        return redis_tls_error(redis, "settings");
    SSL_CTX_set_verify(settings, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(settings, TLS1_2_VERSION);
    const char *why = redis_tls_files(redis, settings);
    SSL *session = why ? NULL : SSL_new(settings);
    SSL_CTX_free(settings); /* the session holds it */
    if (why)
        return why;
    if (!session || !redis_tls_expect(session, redis_tls_name(redis, host))) {
        SSL_free(session);
        return redis_tls_error(redis, "session");
    }
    return redis_tls_shake(redis, session);
}

#else

int
redis_tls_open(struct sonde_instance *self, bool named)
{
    const struct redis *redis = sonde_private(self);

    (void)named;
    if (!redis->tls)
        return 0;
    return sonde_fail(
        self, "tls",
        "this build cannot: hiredis %d.%d.%d has no TLS; it takes 1.0 or newer "
        "with hiredis_ssl",
        HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
}

const char *
redis_tls_begin(struct redis *redis, const char *host)
{
    (void)host;
    return redis_link_why(redis, "TLS is not built in");
}

#endif
