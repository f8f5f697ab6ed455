/* SPDX-License-Identifier: Apache-2.0
 *
 * cert_text.c - what stands in a certificate, as bounded text.  See cert_text.h.
 */
#include "cert_text.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CERT_TEXT_ITEM = 260 /* a name in the DNS has at most 253 bytes */ };

/* At most size - 1 bytes, not ending within a character. */
static void
cert_text_copy(const char *bytes, size_t length, char *text, size_t size)
{
    size_t most = length < size ? length : size - 1;

    for (int i = 0; most < length && i < 3 && most; i++) {
        if (((unsigned char)bytes[most] & 0xC0) != 0x80)
            break;
        most--;
    }
    memcpy(text, bytes, most);
    text[most] = '\0';
}

/* Escapes what has a meaning in a name, and control characters; UTF-8 stays. */
void
cert_text_name(const X509_NAME *name, char *text, size_t size)
{
    const unsigned long how = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    BIO *out = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    long length = 0;

    if (out && X509_NAME_print_ex(out, name, 0, how) >= 0)
        length = BIO_get_mem_data(out, &bytes);
    cert_text_copy(length > 0 ? bytes : "", length > 0 ? (size_t)length : 0, text, size);
    BIO_free(out);
    ERR_clear_error();
}

/* ---- alternative names ---- */

/* A list under way. */
struct cert_text_list {
    char *text;
    size_t size, length;
    unsigned more; /* that found no room */
};

/* Room for " and 4294967295 more" is kept.  Of the first, what has room is told. */
static void
cert_text_add(struct cert_text_list *list, const char *item)
{
    size_t length = strlen(item), between = list->length ? 2 : 0;
    bool fits = list->length + between + length + 22 <= list->size;

    if (!fits && list->length) {
        list->more++;
        return;
    }
    list->length += (size_t)snprintf(list->text + list->length, list->size - list->length,
                                     "%s%.*s%s", between ? ", " : "",
                                     (int)(fits ? length : list->size - 25), item,
                                     fits ? "" : "...");
}

static void
cert_text_add_dns(struct cert_text_list *list, const ASN1_IA5STRING *name)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(name);
    int count = ASN1_STRING_length(name);
    char item[CERT_TEXT_ITEM];
    size_t length = 0;

    for (int i = 0; i < count && length + 8 < sizeof(item); i++) {
        unsigned char c = bytes[i];
        bool plain = c > ' ' && c < 0x7F && c != ',' && c != '\\';

        length += (size_t)snprintf(item + length, sizeof(item) - length,
                                   plain ? "%c" : "\\%02X", c);
    }
    item[length] = '\0';
    cert_text_add(list, item);
}

static void
cert_text_add_address(struct cert_text_list *list, const ASN1_OCTET_STRING *address)
{
    int length = ASN1_STRING_length(address);
    char item[INET6_ADDRSTRLEN];

    if ((length == 4 || length == 16)
        && inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address),
                     item, sizeof(item)))
        cert_text_add(list, item);
}

void
cert_text_names(const X509 *cert, char *text, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    struct cert_text_list list = { .text = text, .size = size };

    text[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (list.more)
            list.more += name->type == GEN_DNS || name->type == GEN_IPADD;
        else if (name->type == GEN_DNS)
            cert_text_add_dns(&list, name->d.dNSName);
        else if (name->type == GEN_IPADD)
            cert_text_add_address(&list, name->d.iPAddress);
    }
    if (list.more)
        snprintf(text + list.length, size - list.length, " and %u more", list.more);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
}

/* ---- numbers ---- */

void
cert_text_serial(const X509 *cert, char *text, size_t size)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    const unsigned char *bytes = ASN1_STRING_get0_data(serial);
    int count = ASN1_STRING_length(serial);
    size_t length = 0;

    text[0] = '\0';
    for (int i = 0; i < count && length + 3 <= size; i++)
        length += (size_t)snprintf(text + length, size - length, "%02x", bytes[i]);
}

int64_t
cert_text_time(const ASN1_TIME *time)
{
    struct tm tm = { 0 };
    bool good = time && ASN1_TIME_to_tm(time, &tm);

    ERR_clear_error();
    return good ? (int64_t)timegm(&tm) : INT64_MAX;
}

const char *
cert_text_span(int64_t seconds, char text[CERT_SPAN])
{
    static const struct {
        int64_t worth;
        const char *name;
    } units[] = { { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
    const int64_t day = 86400;
    unsigned unit = 0;

    seconds = seconds < 0 ? -seconds : seconds;
    if (seconds >= day) {
        int64_t tenths = (seconds * 10 + day / 2) / day;

        if (tenths < 100 && tenths % 10)
            snprintf(text, CERT_SPAN, "%.1f days", (double)tenths / 10);
        else
            snprintf(text, CERT_SPAN, "%lld day%s", (long long)(tenths / 10),
                     tenths < 20 ? "" : "s");
        return text;
    }
    while (unit < 2 && seconds < units[unit].worth)
        unit++;
    seconds /= units[unit].worth;
    snprintf(text, CERT_SPAN, "%lld %s%s", (long long)seconds, units[unit].name,
             seconds == 1 ? "" : "s");
    return text;
}

const char *
cert_text_date(int64_t time, char text[CERT_SPAN])
{
    time_t seconds = (time_t)time;
    struct tm tm = { 0 };

    text[0] = '\0';
    if (gmtime_r(&seconds, &tm))
        strftime(text, CERT_SPAN, "%Y-%m-%d", &tm);
    return text;
}
