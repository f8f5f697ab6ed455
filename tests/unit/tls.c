/* SPDX-License-Identifier: Apache-2.0
 *
 * tls.c - options of TLS, the files that they name, and handshakes in memory with the
 * contexts made of them.
 */
#include "certs.h"
#include "said.h"

#include "instance.h"
#include "memory.h"

#include "../../plugins/common/tls.h"
#include "../../plugins/common/trust.h"

#include <openssl/pem.h>

static X509 *root, *leaf, *client;

static void
write_key(const char *file, const EVP_CIPHER *cipher)
{
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    assert_int_equal(PEM_write_PrivateKey(out, certs_key(false), cipher,
                                          (const unsigned char *)"secret", 6, NULL, NULL),
                     1);
    fclose(out);
}

static int
enter(void **state)
{
    if (said_enter(state) == -1)
        return -1;
    /* As strict systems have it; read by OpenSSL's first call. */
    said_write("openssl.cnf", "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\n"
                              "system_default = strict\n[strict]\n"
                              "MinProtocol = TLSv1.2\n");
    setenv("OPENSSL_CONF", "openssl.cnf", 1);
    root = certs_make((struct certs_wish){ .name = "root", .authority = true });
    leaf = certs_make((struct certs_wish){
        .name = "shop", .dns = "shop.test", .ip = "192.0.2.1", .issuer = root });
    client = certs_make((struct certs_wish){ .name = "client", .issuer = root });
    certs_write("root.pem", root, NULL);
    certs_write("both.pem", leaf, root, NULL);
    certs_write("leaf.pem", leaf, NULL);
    certs_write("client.pem", client, root, NULL);
    write_key("key.pem", NULL);
    write_key("locked.pem", EVP_aes_128_cbc());
    said_write("nothing.pem", "no certificate in here\n");
    said_write("broken.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n"
                             "-----END CERTIFICATE-----\n");
    return 0;
}

static int
leave(void **state)
{
    X509_free(root);
    X509_free(leaf);
    X509_free(client);
    EVP_PKEY_free(certs_key(true));
    EVP_PKEY_free(certs_key(false));
    return said_leave(state);
}

/* As the core fills it where nothing was given. */
static struct tls
defaults(void)
{
    return (struct tls){ .ca = "root.pem",
                         .cert = "",
                         .key_file = "",
                         .sni = "",
                         .cert_warn = 14LL * 86400000,
                         .cert_fail = 3LL * 86400000,
                         .verify = true };
}

/* ---- options ---- */

static void
opens(struct tls tls, bool used, const char *why)
{
    struct sonde_instance self = { .name = "test" };

    assert_int_equal(tls_open(&self, &tls, used), why ? -1 : 0);
    if (why)
        assert_string_equal(self.why, why);
    free(self.why);
}

static void
wrong_options_are_told(void **state)
{
    static const char *const pins[] = { "00", NULL };
    struct tls tls = defaults();

    (void)state;
    opens(tls, true, NULL);
    opens(tls, false, NULL); /* only what a section itself gives is told as idle */
    tls.tls_min = TLS_1_2;
    tls.tls_max = TLS_1_1;
    opens(tls, true, "1.2 is above tls_max, 1.1");
    tls = defaults();
    tls.key_file = "key.pem";
    opens(tls, true, "a key needs its certificate: set cert");
    tls = defaults();
    tls.cert_fail = tls.cert_warn;
    opens(tls, true,
          "must be longer than cert_fail (3d where it is not set), or nothing is "
          "DEGRADED; 0 switches it off");
    tls.cert_warn = 0;
    opens(tls, true, NULL);
    tls.sni = "192.0.2.1:443";
    opens(tls, true, "\"192.0.2.1:443\" is not a host name");
    tls = defaults();
    tls.cert_sha256 = pins;
    opens(tls, true, "\"00\" is not a SHA-256: write its 64 hex digits");
}

/* ---- files ---- */

static void
a_file_is_trusted_once(void **state)
{
    char why[300] = "";
    X509_STORE *one = trust_get("root.pem", why, sizeof(why)), *other;

    (void)state;
    assert_non_null(one);
    other = trust_get("root.pem", why, sizeof(why));
    assert_ptr_equal(one, other);
    X509_STORE_free(other);
    certs_write("root.pem", root, leaf, NULL);
    other = trust_get("root.pem", why, sizeof(why));
    assert_non_null(other);
    assert_ptr_not_equal(one, other);
    X509_STORE_free(other);
    X509_STORE_free(one);
    certs_write("root.pem", root, NULL);
}

static void
a_file_without_certificates_is_told(void **state)
{
    static const struct {
        const char *file, *why;
    } cases[] = {
        { "none.pem", "none.pem cannot be read: No such file or directory" },
        { ".", ". is not a regular file" },
        { "nothing.pem", "nothing.pem holds no certificate in PEM form" },
        { "key.pem", "key.pem holds no certificate in PEM form" },
        { "broken.pem", "broken.pem holds a certificate that cannot be read: " },
    };
    char why[300];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_null(trust_get(cases[i].file, why, sizeof(why)));
        assert_memory_equal(why, cases[i].why, strlen(cases[i].why));
    }
    setenv("SSL_CERT_FILE", "none.pem", 1);
    assert_null(trust_get("", why, sizeof(why)));
    assert_string_equal(why, cases[0].why);
    setenv("SSL_CERT_FILE", "root.pem", 1);
    X509_STORE_free(trust_get("", why, sizeof(why)));
    unsetenv("SSL_CERT_FILE");
}

static SSL_CTX *
context_of(struct tls tls, const char *why)
{
    struct sonde_instance self = { .name = "test" };
    SSL_CTX *context = tls_context(&self, &tls, NULL);

    assert_int_equal(context == NULL, why != NULL);
    if (why)
        assert_memory_equal(self.why, why, strlen(why));
    free(self.why);
    return context;
}

static void
the_same_options_share_a_context(void **state)
{
    struct tls tls = defaults();
    SSL_CTX *one = context_of(tls, NULL), *other = context_of(tls, NULL);

    (void)state;
    assert_ptr_equal(one, other);
    SSL_CTX_free(other);
    tls.tls_min = TLS_1_3;
    other = context_of(tls, NULL);
    assert_ptr_not_equal(one, other);
    SSL_CTX_free(other);
    tls = defaults();
    tls.cert = "client.pem";
    tls.key_file = "key.pem";
    other = context_of(tls, NULL);
    certs_write("client.pem", client, NULL); /* renewed */
    SSL_CTX_free(one);
    one = context_of(tls, NULL);
    assert_ptr_not_equal(one, other);
    SSL_CTX_free(one);
    SSL_CTX_free(other);
}

static void
a_client_certificate_that_cannot_be_used_is_told(void **state)
{
    struct tls tls = defaults();

    (void)state;
    tls.cert = "none.pem";
    context_of(tls, "none.pem cannot be read: No such file or directory");
    tls.cert = "nothing.pem";
    context_of(tls, "nothing.pem cannot be used: it is not in PEM form");
    tls.cert = "client.pem";
    context_of(tls, "client.pem holds no key in PEM form: set key_file");
    tls.key_file = "leaf.pem";
    context_of(tls, "leaf.pem holds no key in PEM form");
    tls.key_file = "locked.pem";
    context_of(tls, "locked.pem needs a passphrase: ");
    tls.key_file = "key.pem";
    tls.cert = "root.pem";
    context_of(tls, "key.pem cannot be used: key values mismatch");
    tls = defaults();
    tls.ca = "nothing.pem";
    tls.verify = false;
    context_of(tls, "nothing.pem holds no certificate in PEM form");
}

/* ---- handshakes ---- */

struct talk {
    SSL *ours, *theirs;
    struct cert_report report;
    int alert; /* the last one that the server got */
};

static void
hear(const SSL *ssl, int where, int what)
{
    struct talk *talk = SSL_get_app_data(ssl);

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        talk->alert = what & 0xFF;
}

static SSL_CTX *
server_context(int max)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_use_certificate(context, leaf);
    SSL_CTX_use_PrivateKey(context, certs_key(false));
    SSL_CTX_set_info_callback(context, hear);
    SSL_CTX_set_max_proto_version(context, max);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    if (max && max < TLS1_2_VERSION)
        SSL_CTX_set_cipher_list(context, "DEFAULT@SECLEVEL=0");
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

/* Whether the handshake comes about; max: the server's highest version, 0: any. */
static bool
shake(struct talk *talk, SSL_CTX *context, int max)
{
    SSL_CTX *server = server_context(max);
    BIO *here, *there;
    int one = 0, other = 0;

    talk->ours = SSL_new(context);
    talk->theirs = SSL_new(server);
    SSL_set_app_data(talk->theirs, talk);
    BIO_new_bio_pair(&here, 0, &there, 0);
    SSL_set_bio(talk->ours, here, here);
    SSL_set_bio(talk->theirs, there, there);
    SSL_set_connect_state(talk->ours);
    SSL_set_accept_state(talk->theirs);
    cert_watch_ssl(talk->ours, &talk->report);
    for (int i = 0; i < 20 && !(one == 1 && other == 1); i++) {
        one = SSL_do_handshake(talk->ours);
        other = SSL_do_handshake(talk->theirs);
    }
    SSL_CTX_free(server);
    return one == 1 && other == 1;
}

static void
hang_up(struct talk *talk)
{
    SSL_free(talk->ours);
    SSL_free(talk->theirs);
    *talk = (struct talk){ 0 };
}

static void
a_handshake_fills_the_report(void **state)
{
    struct cert_rules rules = { .verify = true };
    struct talk talk = { .report = { .rules = &rules, .host = "shop.test" } };
    struct tls tls = defaults();
    SSL_CTX *context;

    (void)state;
    tls.cert = "client.pem";
    tls.key_file = "key.pem";
    context = context_of(tls, NULL);
    assert_true(shake(&talk, context, 0));
    assert_true(talk.report.verified);
    assert_string_equal(talk.report.version, "TLSv1.3");
    assert_string_equal(talk.report.cipher, "TLS_AES_256_GCM_SHA384");
    X509_free(SSL_get_peer_certificate(talk.theirs));
    assert_int_equal(SSL_get_verify_result(talk.theirs), X509_V_OK);
    hang_up(&talk);
    talk.report = (struct cert_report){ .rules = &rules, .host = "shop.test" };
    assert_true(shake(&talk, context, TLS1_2_VERSION));
    assert_string_equal(talk.report.version, "TLSv1.2");
    assert_non_null(strstr(talk.report.cipher, "ECDHE"));
    hang_up(&talk);
    SSL_CTX_free(context);
}

static void
a_refusal_tells_the_server_why(void **state)
{
    struct cert_rules rules = { .verify = true };
    struct talk talk = { .report = { .rules = &rules, .host = "www.test" } };
    struct tls tls = defaults();
    SSL_CTX *context = context_of(tls, NULL);

    (void)state;
    assert_false(shake(&talk, context, TLS1_2_VERSION));
    assert_true(talk.report.seen && talk.report.refused);
    assert_int_equal(talk.alert, SSL_AD_BAD_CERTIFICATE);
    assert_string_equal(talk.report.version, "TLSv1.2");
    hang_up(&talk);
    rules.verify = false;
    talk.report = (struct cert_report){ .rules = &rules, .host = "www.test" };
    assert_true(shake(&talk, context, 0));
    assert_int_equal(SSL_get_verify_result(talk.ours), X509_V_OK);
    hang_up(&talk);
    SSL_CTX_free(context);
    certs_write("other.pem", client, NULL);
    tls.ca = "other.pem";
    context = context_of(tls, NULL);
    rules.verify = true;
    talk.report = (struct cert_report){ .rules = &rules, .host = "shop.test" };
    assert_false(shake(&talk, context, TLS1_2_VERSION));
    assert_int_equal(talk.alert, SSL_AD_UNKNOWN_CA);
    hang_up(&talk);
    SSL_CTX_free(context);
}

static void
a_server_certificate_may_be_trusted_itself(void **state)
{
    struct cert_rules rules = { .verify = true };
    struct talk talk = { .report = { .rules = &rules, .host = "192.0.2.1" } };
    struct tls tls = defaults();
    SSL_CTX *context;

    (void)state;
    tls.ca = "leaf.pem";
    context = context_of(tls, NULL);
    assert_true(shake(&talk, context, 0));
    assert_true(talk.report.verified);
    hang_up(&talk);
    SSL_CTX_free(context);
}

static void
old_versions_are_spoken_on_request_only(void **state)
{
    struct cert_rules rules = { .verify = true };
    struct talk talk = { .report = { .rules = &rules, .host = "shop.test" } };
    struct tls tls = defaults();
    SSL_CTX *context = context_of(tls, NULL);

    (void)state;
    assert_false(shake(&talk, context, TLS1_1_VERSION));
    hang_up(&talk);
    SSL_CTX_free(context);
    for (int i = 0; i < 2; i++) {
        tls = defaults();
        *(i ? &tls.tls_min : &tls.tls_max) = i ? TLS_1_0 : TLS_1_1;
        context = context_of(tls, NULL);
        talk.report = (struct cert_report){ .rules = &rules, .host = "shop.test" };
        assert_true(shake(&talk, context, TLS1_1_VERSION));
        assert_string_equal(talk.report.version, "TLSv1.1");
        hang_up(&talk);
        SSL_CTX_free(context);
    }
    tls = defaults();
    tls.tls_min = TLS_1_3;
    context = context_of(tls, NULL);
    talk.report = (struct cert_report){ .rules = &rules, .host = "shop.test" };
    assert_false(shake(&talk, context, TLS1_2_VERSION));
    assert_false(talk.report.seen);
    hang_up(&talk);
    SSL_CTX_free(context);
}

static void
a_copy_does_the_same(void **state)
{
    struct cert_rules rules = { .verify = true };
    struct cert_report report = { .rules = &rules, .host = "shop.test" };
    struct talk talk = { 0 };
    struct tls tls = defaults();
    SSL_CTX *context, *copy = SSL_CTX_new(TLS_client_method());

    (void)state;
    tls.cert = "client.pem";
    tls.key_file = "key.pem";
    tls.tls_max = TLS_1_1;
    context = context_of(tls, NULL);
    assert_int_equal(tls_copy(copy, context, true), 0);
    cert_watch(copy, &report);
    assert_true(shake(&talk, copy, TLS1_1_VERSION));
    assert_true(report.verified && !talk.report.seen);
    assert_string_equal(report.version, "TLSv1.1");
    assert_int_equal(SSL_get_verify_result(talk.theirs), X509_V_OK);
    hang_up(&talk);
    SSL_CTX_free(context);
    SSL_CTX_free(copy);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_options_are_told),
        cmocka_unit_test(a_file_is_trusted_once),
        cmocka_unit_test(a_file_without_certificates_is_told),
        cmocka_unit_test(the_same_options_share_a_context),
        cmocka_unit_test(a_client_certificate_that_cannot_be_used_is_told),
        cmocka_unit_test(a_handshake_fills_the_report),
        cmocka_unit_test(a_refusal_tells_the_server_why),
        cmocka_unit_test(a_server_certificate_may_be_trusted_itself),
        cmocka_unit_test(old_versions_are_spoken_on_request_only),
        cmocka_unit_test(a_copy_does_the_same),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, enter, leave);
}
