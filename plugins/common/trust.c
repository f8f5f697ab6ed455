/* SPDX-License-Identifier: Apache-2.0
 *
 * trust.c - files of certificates, read once.  See trust.h.
 *
 * A file stays in memory until it has changed and is asked for again: there are few of
 * them, and most are asked for at each reload.  Only files, no directories of OpenSSL's:
 * those are searched during a handshake, on a loop that must not wait for a disk.
 */
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct trust {
    struct trust *next;
    char *file, stamp[TRUST_STAMP];
    X509_STORE *store;
};

static pthread_mutex_t trust_lock = PTHREAD_MUTEX_INITIALIZER;
static struct trust *trust_all;

int
trust_stamp(const char *file, char stamp[TRUST_STAMP], char *why, size_t size)
{
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), error = errno;
    struct stat stat;

    if (fd == -1 || fstat(fd, &stat) == -1) {
        snprintf(why, size, "%s cannot be read: %s", file, strerror(error));
        if (fd != -1)
            close(fd);
        return -1;
    }
    close(fd);
    if (!S_ISREG(stat.st_mode)) {
        snprintf(why, size, "%s is not a regular file", file);
        return -1;
    }
    snprintf(stamp, TRUST_STAMP, "%llx.%llx.%llx.%llx.%lx",
             (unsigned long long)stat.st_dev, (unsigned long long)stat.st_ino,
             (unsigned long long)stat.st_size, (unsigned long long)stat.st_mtim.tv_sec,
             (unsigned long)stat.st_mtim.tv_nsec);
    return 0;
}

/* NULL: there is none. */
static const char *
trust_system(void)
{
    const char *file = getenv(X509_get_default_cert_file_env());
    const char *const usual[] = { X509_get_default_cert_file(),
                                  "/etc/ssl/certs/ca-certificates.crt", NULL };

    if (file && *file)
        return file;
    for (const char *const *at = usual; *at; at++)
        if (access(*at, R_OK) == 0)
            return *at;
    return NULL;
}

/* How many certificates were put into the store; -1: one of them is broken. */
static int
trust_fill(X509_STORE *store, BIO *in)
{
    unsigned long error;
    int count = 0;
    X509 *cert;

    ERR_clear_error();
    while ((cert = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL))) {
        int added = X509_STORE_add_cert(store, cert);

        X509_free(cert);
        if (!added)
            return -1;
        count++;
    }
    /* The end of the file is told as an error, too. */
    error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM
                   && ERR_GET_REASON(error) == PEM_R_NO_START_LINE
               ? count
               : -1;
}

static X509_STORE *
trust_read(const char *file, char *why, size_t size)
{
    X509_STORE *store = X509_STORE_new();
    BIO *in = BIO_new_file(file, "r");
    int count = store && in ? trust_fill(store, in) : -1;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (count == -1)
        snprintf(why, size, "%s holds a certificate that cannot be read: %s", file,
                 reason ? reason : "out of memory");
    if (count == 0)
        snprintf(why, size, "%s holds no certificate in PEM form", file);
    BIO_free(in);
    ERR_clear_error();
    if (count > 0) {
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        return store;
    }
    X509_STORE_free(store);
    return NULL;
}

/* The row of a file, made where there is none; NULL: out of memory. */
static struct trust *
trust_row(const char *file)
{
    struct trust *trust = trust_all;

    while (trust && strcmp(trust->file, file) != 0)
        trust = trust->next;
    if (trust)
        return trust;
    trust = calloc(1, sizeof(*trust));
    if (trust)
        trust->file = strdup(file);
    if (!trust || !trust->file) {
        free(trust);
        return NULL;
    }
    trust->next = trust_all;
    return trust_all = trust;
}

/* Under the lock: who asks for the same file meanwhile waits for it. */
static X509_STORE *
trust_find(const char *file, const char *stamp, char *why, size_t size)
{
    struct trust *trust = trust_row(file);

    if (!trust) {
        snprintf(why, size, "out of memory");
        return NULL;
    }
    if (!trust->store || strcmp(trust->stamp, stamp) != 0) {
        X509_STORE_free(trust->store);
        trust->store = trust_read(file, why, size);
        memcpy(trust->stamp, stamp, TRUST_STAMP);
    }
    if (trust->store)
        X509_STORE_up_ref(trust->store);
    return trust->store;
}

X509_STORE *
trust_get(const char *file, char *why, size_t size)
{
    char stamp[TRUST_STAMP] = "";
    X509_STORE *store;

    if (!*file)
        file = trust_system();
    if (!file) {
        snprintf(why, size,
                 "this system has no file of trusted certificates: install "
                 "ca-certificates, or name one");
        return NULL;
    }
    if (trust_stamp(file, stamp, why, size) == -1)
        return NULL;
    pthread_mutex_lock(&trust_lock);
    store = trust_find(file, stamp, why, size);
    pthread_mutex_unlock(&trust_lock);
    return store;
}
