/* SPDX-License-Identifier: Apache-2.0
 *
 * certs.h - certificates of any kind, the wrong ones above all, for cert.c and tls.c.
 */
#ifndef TESTS_CERTS_H
#define TESTS_CERTS_H

#include "unit.h"

#include <openssl/x509v3.h>
#include <stdbool.h>

/* What is left out is good: valid from yesterday for 90 days, for nobody. */
struct certs_wish {
    const char *name;     /* commonName */
    int name_length;      /* 0: up to its NUL */
    int name_type;        /* 0: V_ASN1_UTF8STRING */
    X509 *issuer;         /* NULL: itself */
    int64_t from, until;  /* seconds from now; both 0 */
    const char *dns, *ip; /* an alternative name */
    GENERAL_NAMES *names; /* or many, which are freed */
    bool authority;
};

/* Two keys, for authorities and for all others. */
EVP_PKEY *certs_key(bool authority);
X509 *certs_make(struct certs_wish wish);
void certs_add_dns(GENERAL_NAMES *names, const char *bytes, int length);
/* In PEM form; a NULL ends the list. */
void certs_write(const char *file, X509 *cert, ...);

#endif
