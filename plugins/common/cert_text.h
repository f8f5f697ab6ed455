/* SPDX-License-Identifier: Apache-2.0
 *
 * cert_text.h - what stands in a certificate, as bounded text.
 *
 * For cert.c and cert_verify.c.  Who made the certificate chose what stands in it: there
 * are no control characters in these texts, but any others, so they go to an event only.
 */
#ifndef PLUGIN_CERT_TEXT_H
#define PLUGIN_CERT_TEXT_H

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

enum { CERT_SPAN = 32 };

/* "CN=R3,O=Some Authority,C=US". */
void cert_text_name(const X509_NAME *name, char *text, size_t size);
/* "shop.example, 192.0.2.1 and 12 more"; "": there are none.  size is 64 or more. */
void cert_text_names(const X509 *cert, char *text, size_t size);
void cert_text_serial(const X509 *cert, char *text, size_t size);
/* "9.5 days", "5 hours", "1 minute"; the sign does not matter. */
const char *cert_text_span(int64_t seconds, char text[CERT_SPAN]);
/* "2026-12-01". */
const char *cert_text_date(int64_t time, char text[CERT_SPAN]);

/* Seconds since 1970; INT64_MAX: it cannot be read. */
int64_t cert_text_time(const ASN1_TIME *time);

#endif
