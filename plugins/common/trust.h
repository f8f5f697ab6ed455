/* SPDX-License-Identifier: Apache-2.0
 *
 * trust.h - certificates to trust, read once and shared by all who name the same file.
 *
 * Reading the system's takes some 20 ms, so trust_get is for open, which runs beside
 * the loops.  A file that has changed since is read anew by the next trust_get: a
 * reload of the configuration is what brings it in.
 * Each certificate of a file is trusted, an authority's or not: an intermediate one or
 * a server's own may be given.
 */
#ifndef PLUGIN_TRUST_H
#define PLUGIN_TRUST_H

#include <openssl/x509.h>
#include <stddef.h>

enum { TRUST_STAMP = 96 };

/* A reference to free with X509_STORE_free; file "" is the system's: what SSL_CERT_FILE
 * names, or OpenSSL's or Debian's bundle.  NULL with a sentence in why.  Any thread. */
X509_STORE *trust_get(const char *file, char *why, size_t size);

/* A text that changes with the content of a file.  -1 with a sentence in why: it cannot
 * be read. */
int trust_stamp(const char *file, char stamp[TRUST_STAMP], char *why, size_t size);

#endif
