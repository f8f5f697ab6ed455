/* SPDX-License-Identifier: Apache-2.0
 *
 * certs.c - certificates of any kind.  See certs.h.
 */
#include "certs.h"

#include <openssl/pem.h>
#include <string.h>
#include <time.h>

static EVP_PKEY *
new_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    EVP_PKEY *key = NULL;

    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(
        EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1), 1);
    assert_int_equal(EVP_PKEY_keygen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

EVP_PKEY *
certs_key(bool authority)
{
    static EVP_PKEY *keys[2];

    if (!keys[authority])
        keys[authority] = new_key();
    return keys[authority];
}

void
certs_add_dns(GENERAL_NAMES *names, const char *bytes, int length)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    ASN1_STRING_set(text, bytes, length);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, name);
}

static void
add_ip(GENERAL_NAMES *names, const char *address)
{
    GENERAL_NAME *name = GENERAL_NAME_new();

    GENERAL_NAME_set0_value(name, GEN_IPADD, a2i_IPADDRESS(address));
    sk_GENERAL_NAME_push(names, name);
}

static void
set_names(X509 *cert, const struct certs_wish *wish)
{
    GENERAL_NAMES *names = wish->names ? wish->names : GENERAL_NAMES_new();

    if (wish->dns)
        certs_add_dns(names, wish->dns, (int)strlen(wish->dns));
    if (wish->ip)
        add_ip(names, wish->ip);
    if (sk_GENERAL_NAME_num(names))
        X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0);
    GENERAL_NAMES_free(names);
}

X509 *
certs_make(struct certs_wish wish)
{
    static long serial = 0x1F00;
    BASIC_CONSTRAINTS basic = { .ca = wish.authority ? 0xFF : 0 };
    X509_NAME *name = X509_NAME_new();
    X509 *cert = X509_new();
    bool dated = wish.from || wish.until;
    int64_t now = (int64_t)time(NULL);

    X509_NAME_add_entry_by_NID(
        name, NID_commonName, wish.name_type ? wish.name_type : V_ASN1_UTF8STRING,
        (const unsigned char *)wish.name,
        wish.name_length ? wish.name_length : (int)strlen(wish.name), -1, 0);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_set_subject_name(cert, name);
    X509_set_issuer_name(cert, wish.issuer ? X509_get_subject_name(wish.issuer) : name);
    ASN1_TIME_set(X509_getm_notBefore(cert), now + (dated ? wish.from : -86400));
    ASN1_TIME_set(X509_getm_notAfter(cert), now + (dated ? wish.until : 90 * 86400));
    X509_set_pubkey(cert, certs_key(wish.authority));
    X509_add1_ext_i2d(cert, NID_basic_constraints, &basic, 1, 0);
    set_names(cert, &wish);
    assert_true(X509_sign(cert, certs_key(wish.authority || wish.issuer), EVP_sha256()));
    X509_NAME_free(name);
    return cert;
}

void
certs_write(const char *file, X509 *cert, ...)
{
    FILE *out = fopen(file, "w");
    va_list args;

    assert_non_null(out);
    va_start(args, cert);
    for (; cert; cert = va_arg(args, X509 *))
        assert_int_equal(PEM_write_X509(out, cert), 1);
    va_end(args);
    assert_int_equal(fclose(out), 0);
}
