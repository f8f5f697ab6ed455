/* SPDX-License-Identifier: Apache-2.0
 *
 * tls.c - options of TLS, and the contexts made of them.  See tls.h.
 *
 * Contexts are found again by a text of all that they were made of, for a minute after
 * they were asked for last: the checks of a configuration are opened in one go.  What is
 * not asked for any more then belongs to its checks alone.
 */
#include "tls.h"

#include "address.h"
#include "trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* TLS before 1.2 signs with SHA-1 and MD5, which higher levels forbid. */
#define TLS_OLD_CIPHERS "DEFAULT@SECLEVEL=0"

enum { TLS_WHY = 300, TLS_KEY = 8192, TLS_ALPN = 512 };

struct tls_row {
    struct tls_row *next;
    SSL_CTX *context;
    int64_t asked; /* sonde_now */
    char key[];
};

/* What a context is made of, and what its making says. */
struct tls_make {
    struct sonde_instance *self;
    const struct tls *tls;
    X509_STORE *store;
    unsigned char alpn[TLS_ALPN];
    unsigned alpn_length;
    bool asked; /* for a passphrase */
};

const char *const tls_versions[] = { "default", "1.0", "1.1", "1.2", "1.3", NULL };
static const int tls_numbers[] = { 0, TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
                                   TLS1_3_VERSION };

static pthread_mutex_t tls_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_row *tls_rows;
static const int64_t tls_minute = 60000000000;

/* ---- options ---- */

static int
tls_open_unused(struct sonde_instance *self)
{
    static const char *const idle[] = { "ca",      "cert",       "key_file",  "sni",
                                        "verify",  "cert_warn",  "cert_fail", "tls_min",
                                        "tls_max", "cert_sha256" };

    for (size_t i = 0; i < sizeof(idle) / sizeof(*idle); i++)
        if (sonde_idle(self, idle[i],
                       "has no meaning: this check does not speak TLS")
            == -1)
            return -1;
    return 0;
}

static int
tls_open_pins(struct sonde_instance *self, const struct tls *tls)
{
    for (const char *const *pin = tls->cert_sha256; pin && *pin; pin++)
        if (!cert_pin(*pin))
            return sonde_fail(self, "cert_sha256",
                              "\"%.80s\" is not a SHA-256: write its 64 hex digits",
                              *pin);
    return 0;
}

struct cert_rules
tls_rules(const struct tls *tls)
{
    return (struct cert_rules){ .verify = tls->verify,
                                .warn = tls->cert_warn,
                                .fail = tls->cert_fail,
                                .pins = tls->cert_sha256 };
}

int
tls_open(struct sonde_instance *self, const struct tls *tls, bool used)
{
    if (!used)
        return tls_open_unused(self);
    if (*tls->key_file && !*tls->cert)
        return sonde_fail(self, "key_file", "a key needs its certificate: set cert");
    if (tls->tls_min && tls->tls_max && tls->tls_min > tls->tls_max)
        return sonde_fail(self, "tls_min", "%s is above tls_max, %s",
                          tls_versions[tls->tls_min], tls_versions[tls->tls_max]);
    if (tls->cert_warn && tls->cert_fail && tls->cert_warn <= tls->cert_fail)
        return sonde_fail(self, "cert_warn",
                          "must be longer than cert_fail (3d where it is not set), or "
                          "nothing is DEGRADED; 0 switches it off");
    if (*tls->sni && !address_is_name(tls->sni, strlen(tls->sni)))
        return sonde_fail(self, "sni", "\"%.80s\" is not a host name", tls->sni);
    if (*tls->sni && tls->sni[strlen(tls->sni) - 1] == '.')
        return sonde_fail(self, "sni", "TLS asks for a name without the dot at its end");
    return tls_open_pins(self, tls);
}

/* ---- the client's certificate ---- */

/* Instead of OpenSSL's own, which would ask at the terminal. */
static int
tls_passphrase(char *bytes, int size, int writing, void *arg)
{
    struct tls_make *make = arg;

    (void)bytes, (void)size, (void)writing;
    make->asked = true;
    return -1;
}

static int
tls_fail(struct tls_make *make, const char *option, const char *file)
{
    unsigned long error = ERR_peek_error();
    bool empty = ERR_GET_LIB(error) == ERR_LIB_PEM
                 && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    const char *reason = empty ? NULL : ERR_reason_error_string(error);

    if (make->asked)
        sonde_fail(make->self, option,
                   "%s needs a passphrase: give a key without, readable for the daemon "
                   "only",
                   file);
    else
        sonde_fail(make->self, option, "%s cannot be used: %s", file,
                   reason ? reason : "it is not in PEM form");
    ERR_clear_error();
    return -1;
}

static int
tls_set_cert(struct tls_make *make, SSL_CTX *context)
{
    const char *cert = make->tls->cert, *key = make->tls->key_file;
    const char *option = *key ? "key_file" : "cert";

    if (!*cert)
        return 0;
    if (!*key)
        key = cert;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1)
        return tls_fail(make, "cert", cert);
    /* OpenSSL would say "no start line" of a key, of whatever kind. */
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        int reason = ERR_GET_REASON(ERR_peek_last_error());

        if (make->asked || reason == X509_R_KEY_VALUES_MISMATCH)
            return tls_fail(make, option, key);
        ERR_clear_error();
        return sonde_fail(make->self, option, "%s holds no key in PEM form%s", key,
                          key == cert ? ": set key_file" : "");
    }
    return SSL_CTX_check_private_key(context) == 1 ? 0 : tls_fail(make, option, key);
}

/* ---- a context ---- */

static int
tls_set_versions(struct tls_make *make, SSL_CTX *context)
{
    const struct tls *tls = make->tls;
    int min = tls_numbers[tls->tls_min], max = tls_numbers[tls->tls_max];

    /* The system may have set a lowest one that is above what is wanted. */
    if (!min && max && SSL_CTX_get_min_proto_version(context) > max)
        min = max < TLS1_2_VERSION ? TLS1_VERSION : max;
    if (min && SSL_CTX_set_min_proto_version(context, min) != 1)
        return sonde_fail(make->self, "tls_min", "OpenSSL has no TLS %s here",
                          tls_versions[tls->tls_min]);
    if (max && SSL_CTX_set_max_proto_version(context, max) != 1)
        return sonde_fail(make->self, "tls_max", "OpenSSL has no TLS %s here",
                          tls_versions[tls->tls_max]);
    if ((min && min < TLS1_2_VERSION) || (max && max < TLS1_2_VERSION))
        SSL_CTX_set_cipher_list(context, TLS_OLD_CIPHERS);
    return 0;
}

static SSL_CTX *
tls_make(struct tls_make *make)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (!context) {
        sonde_fail(make->self, NULL, "out of memory");
        return NULL;
    }
    /* Each handshake is whole: that is what is measured. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE
                                  | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                  | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set1_cert_store(context, make->store);
    SSL_CTX_set_default_passwd_cb(context, tls_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, make);
    cert_watch_shared(context);
    if (tls_set_versions(make, context) == -1 || tls_set_cert(make, context) == -1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (make->alpn_length)
        SSL_CTX_set_alpn_protos(context, make->alpn, make->alpn_length);
    return context;
}

static int
tls_set_alpn(struct tls_make *make, const char *const *alpn)
{
    for (; alpn && *alpn; alpn++) {
        size_t length = strlen(*alpn);

        if (length < 1 || length > 255)
            return sonde_fail(make->self, "alpn", "a protocol has 1 to 255 bytes");
        if (make->alpn_length + 1 + length > TLS_ALPN)
            return sonde_fail(make->self, "alpn", "too many protocols");
        make->alpn[make->alpn_length++] = (unsigned char)length;
        memcpy(make->alpn + make->alpn_length, *alpn, length);
        make->alpn_length += (unsigned)length;
    }
    return 0;
}

/* ---- found again: under the lock ---- */

static void
tls_forget_old(int64_t now)
{
    struct tls_row **link = &tls_rows, *row;

    while ((row = *link))
        if (now - row->asked > tls_minute) {
            *link = row->next;
            SSL_CTX_free(row->context);
            free(row);
        } else
            link = &row->next;
}

/* A reference, or NULL. */
static SSL_CTX *
tls_find(const char *key)
{
    int64_t now = sonde_now();
    struct tls_row *row;

    tls_forget_old(now);
    for (row = tls_rows; row; row = row->next)
        if (strcmp(row->key, key) == 0) {
            row->asked = now;
            SSL_CTX_up_ref(row->context);
            return row->context;
        }
    return NULL;
}

/* Without a row it is not found again, and does its work all the same. */
static void
tls_keep(SSL_CTX *context, const char *key)
{
    size_t size = strlen(key) + 1;
    struct tls_row *row = malloc(sizeof(*row) + size);

    if (!row)
        return;
    memcpy(row->key, key, size);
    SSL_CTX_up_ref(context);
    row->context = context;
    row->asked = sonde_now();
    row->next = tls_rows;
    tls_rows = row;
}

/* ---- tls_context ---- */

/* -1: a file cannot be read.  key "": the text would be too long. */
static int
tls_key(const struct tls_make *make, char key[TLS_KEY])
{
    const struct tls *tls = make->tls;
    const char *const files[] = { tls->cert, tls->key_file };
    char stamps[2][TRUST_STAMP] = { "", "" }, why[TLS_WHY];
    int length;

    for (int i = 0; i < 2; i++)
        if (*files[i] && trust_stamp(files[i], stamps[i], why, sizeof(why)) == -1)
            return sonde_fail(make->self, i ? "key_file" : "cert", "%s", why);
    /* The store is held by the context, so its address is nobody else's. */
    length = snprintf(key, TLS_KEY, "%p %d %d %zu:%s%s %zu:%s%s %.*s",
                      (void *)make->store, tls->tls_min, tls->tls_max, strlen(tls->cert),
                      tls->cert, stamps[0], strlen(tls->key_file), tls->key_file,
                      stamps[1], (int)make->alpn_length, (const char *)make->alpn);
    if (length >= TLS_KEY)
        key[0] = '\0';
    return 0;
}

static X509_STORE *
tls_store(struct sonde_instance *self, const struct tls *tls)
{
    char why[TLS_WHY];
    X509_STORE *store = trust_get(tls->ca, why, sizeof(why));

    if (store)
        return store;
    if (!tls->verify && !*tls->ca)
        return X509_STORE_new(); /* a system that trusts nobody will do */
    sonde_fail(self, "ca", "%s", why);
    return NULL;
}

SSL_CTX *
tls_context(struct sonde_instance *self, const struct tls *tls, const char *const *alpn)
{
    struct tls_make make = { .self = self, .tls = tls };
    SSL_CTX *context = NULL;
    char key[TLS_KEY];

    if (tls_set_alpn(&make, alpn) == -1)
        return NULL;
    make.store = tls_store(self, tls);
    if (!make.store)
        return NULL;
    if (tls_key(&make, key) == 0) {
        pthread_mutex_lock(&tls_lock);
        context = tls_find(key);
        if (!context && (context = tls_make(&make)) && *key)
            tls_keep(context, key);
        pthread_mutex_unlock(&tls_lock);
    }
    X509_STORE_free(make.store);
    return context;
}

int
tls_copy(SSL_CTX *to, SSL_CTX *from, bool client)
{
    X509 *cert = SSL_CTX_get0_certificate(from);
    STACK_OF(X509) *chain = NULL;

    SSL_CTX_set1_cert_store(to, SSL_CTX_get_cert_store(from));
    SSL_CTX_set_min_proto_version(to, (int)SSL_CTX_get_min_proto_version(from));
    SSL_CTX_set_max_proto_version(to, (int)SSL_CTX_get_max_proto_version(from));
    if (SSL_CTX_get_security_level(from) == 0)
        SSL_CTX_set_cipher_list(to, TLS_OLD_CIPHERS);
    if (!cert || !client)
        return 0;
    SSL_CTX_get0_chain_certs(from, &chain);
    return SSL_CTX_use_cert_and_key(to, cert, SSL_CTX_get0_privatekey(from), chain, 1)
                   == 1
               ? 0
               : -1;
}
