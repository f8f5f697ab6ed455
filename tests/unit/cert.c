/* SPDX-License-Identifier: Apache-2.0
 *
 * cert.c - what is said of certificates: which fault, whose, for how long, and that
 * nothing a stranger wrote into one does harm.
 */
#include "certs.h"

#include "event.h"
#include "memory.h"

#include "../../plugins/common/cert.h"

#include <string.h>
#include <time.h>

enum { DAY = 86400 };

static X509 *root, *mid;

static int
make_authorities(void **state)
{
    (void)state;
    root = certs_make((struct certs_wish){ .name = "root", .authority = true });
    mid = certs_make(
        (struct certs_wish){ .name = "mid", .issuer = root, .authority = true });
    return 0;
}

static int
free_authorities(void **state)
{
    (void)state;
    X509_free(root);
    X509_free(mid);
    EVP_PKEY_free(certs_key(true));
    EVP_PKEY_free(certs_key(false));
    return 0;
}

/* As a server would send them; leaf is freed. */
static int
verify_by(struct cert_report *report, X509 *trusted, X509 *leaf, X509 *second,
          X509 *third)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *sent = sk_X509_new_null();
    int answer, error;

    if (trusted)
        X509_STORE_add_cert(store, trusted);
    sk_X509_push(sent, leaf);
    if (second)
        sk_X509_push(sent, second);
    if (third)
        sk_X509_push(sent, third);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, sent), 1);
    answer = cert_verify(context, report);
    error = X509_STORE_CTX_get_error(context);
    assert_int_equal(answer == 1, error == X509_V_OK);
    assert_int_equal(answer == 0, report->refused);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    sk_X509_free(sent);
    X509_free(leaf);
    return error;
}

static const struct cert_rules strict = { .verify = true };
static const struct cert_rules lenient = { .verify = false };

static struct cert_report
seen_at(const char *host, struct certs_wish wish)
{
    struct cert_report report = { .rules = &strict, .host = host };

    if (!wish.issuer)
        wish.issuer = mid;
    verify_by(&report, root, certs_make(wish), mid, NULL);
    return report;
}

static void
a_right_one_is_verified(void **state)
{
    struct cert_report report =
        seen_at("shop.test", (struct certs_wish){ .name = "shop", .dns = "shop.test" });
    char why[CERT_TEXT] = "";
    int64_t now = (int64_t)time(NULL);

    (void)state;
    assert_true(report.seen && report.verified && !report.refused);
    assert_string_equal(report.trouble, "");
    assert_string_equal(report.subject, "CN=shop");
    assert_string_equal(report.issuer, "CN=mid");
    assert_string_equal(report.names, "shop.test");
    assert_int_equal(strlen(report.sha256), 64);
    assert_int_equal(report.serial[0], '1');
    assert_in_range(report.until - now, 90 * DAY - 5, 90 * DAY);
    assert_int_equal(report.sent_until, report.verified_until);
    assert_int_equal(cert_judge(&report, now, why, sizeof(why)), SONDE_UP);
}

static void
a_host_must_be_named(void **state)
{
    static const struct {
        const char *host, *dns, *ip, *trouble;
    } cases[] = {
        { "shop.test", "shop.test", NULL, "" },
        { "SHOP.test.", "shop.test", NULL, "" },
        { "a.wild.test", "*.wild.test", NULL, "" },
        { "192.0.2.1", NULL, "192.0.2.1", "" },
        { "2001:db8::1", NULL, "2001:db8:0::1", "" },
        { "fe80::1%eth0", NULL, "fe80::1", "" },
        { "b.a.wild.test", "*.wild.test", NULL,
          "the certificate is for *.wild.test and not for b.a.wild.test" },
        { "192.0.2.1", "192.0.2.1", NULL,
          "the certificate is for 192.0.2.1 and not for 192.0.2.1" },
        { "192.0.2.1", "shop.test", "192.0.2.2",
          "the certificate is for shop.test, 192.0.2.2 and not for 192.0.2.1" },
        { "other.test", "shop.test", NULL,
          "the certificate is for shop.test and not for other.test" },
        { "other.test", NULL, NULL,
          "the certificate is for CN=shop and not for other.test" },
        { NULL, "shop.test", NULL,
          "the certificate is for shop.test, and no name was asked for" },
        { "", "shop.test", NULL,
          "the certificate is for shop.test, and no name was asked for" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct cert_report report = seen_at(
            cases[i].host, (struct certs_wish){
                               .name = "shop", .dns = cases[i].dns, .ip = cases[i].ip });

        assert_string_equal(report.trouble, cases[i].trouble);
        assert_int_equal(report.verified, !cases[i].trouble[0]);
    }
}

static void
its_time_is_told(void **state)
{
    struct cert_report report = seen_at(
        "shop.test",
        (struct certs_wish){
            .name = "shop", .dns = "shop.test", .from = -30 * DAY, .until = -3 * DAY });
    int64_t now = (int64_t)time(NULL);

    (void)state;
    assert_string_equal(report.trouble, "the certificate expired 3 days ago");
    assert_true(report.refused);
    assert_in_range(now - report.verified_until, 3 * DAY, 3 * DAY + 5);
    report = seen_at("shop.test", (struct certs_wish){ .name = "shop",
                                                       .dns = "shop.test",
                                                       .from = 5 * 3600 + 60,
                                                       .until = 90 * DAY });
    assert_string_equal(report.trouble,
                        "the certificate is not valid before 5 hours from now");
    report = seen_at("www.test", (struct certs_wish){ .name = "shop",
                                                      .dns = "shop.test",
                                                      .from = -30 * DAY,
                                                      .until = -90 });
    assert_string_equal(report.trouble,
                        "the certificate expired 1 minute ago, and is for shop.test and "
                        "not for www.test");
}

static void
an_issuer_past_its_time_is_named(void **state)
{
    X509 *old = certs_make((struct certs_wish){ .name = "old",
                                                .issuer = root,
                                                .authority = true,
                                                .from = -30 * DAY,
                                                .until = -3 * DAY });
    X509 *brief = certs_make((struct certs_wish){ .name = "brief",
                                                  .issuer = root,
                                                  .authority = true,
                                                  .from = -DAY,
                                                  .until = 2 * DAY });
    struct cert_rules rules = { .verify = true, .warn = 14LL * DAY * 1000 };
    struct cert_report report = { .rules = &rules, .host = "shop.test" };
    struct certs_wish wish = { .name = "shop", .dns = "shop.test", .issuer = old };
    char why[CERT_TEXT] = "";

    (void)state;
    assert_int_equal(verify_by(&report, root, certs_make(wish), old, NULL),
                     X509_V_ERR_CERT_HAS_EXPIRED);
    assert_string_equal(report.trouble,
                        "the certificate has an issuer (CN=old) that expired 3 days ago");
    wish.issuer = brief;
    assert_int_equal(verify_by(&report, root, certs_make(wish), brief, NULL), X509_V_OK);
    assert_int_equal(cert_judge(&report, time(NULL), why, sizeof(why)), SONDE_DEGRADED);
    assert_memory_equal(why, "the certificate's issuer (CN=brief) ends in 2 days (", 52);
    X509_free(old);
    X509_free(brief);
}

static void
who_vouches_is_told(void **state)
{
    struct cert_report report = { .rules = &strict, .host = "shop.test" };
    struct certs_wish wish = { .name = "shop", .dns = "shop.test", .issuer = mid };
    X509 *alone;

    (void)state;
    assert_int_equal(verify_by(&report, NULL, certs_make(wish), mid, NULL),
                     X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_string_equal(report.trouble,
                        "the certificate is signed by an unknown authority (CN=root)");
    verify_by(&report, NULL, certs_make(wish), mid, root);
    assert_string_equal(report.trouble,
                        "the certificate is signed by an unknown authority (CN=root)");
    verify_by(&report, root, certs_make(wish), NULL, NULL);
    assert_string_equal(report.trouble,
                        "the certificate is signed by an unknown authority (CN=mid; no "
                        "intermediate certificate was sent)");
    assert_true(report.verified_until == INT64_MAX);
    wish.issuer = NULL;
    assert_int_equal(verify_by(&report, root, certs_make(wish), NULL, NULL),
                     X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
    assert_string_equal(report.trouble, "the certificate is self-signed");
    alone = certs_make(wish);
    X509_up_ref(alone);
    assert_int_equal(verify_by(&report, alone, alone, NULL, NULL), X509_V_OK);
    assert_string_equal(report.trouble, "");
    X509_free(alone);
}

static void
another_fault_is_told_in_openssls_words(void **state)
{
    X509 *fake = certs_make((struct certs_wish){ .name = "fake", .issuer = root });
    struct cert_report report = { .rules = &strict, .host = "shop.test" };
    struct certs_wish wish = { .name = "shop", .dns = "shop.test", .issuer = fake };

    (void)state;
    verify_by(&report, root, certs_make(wish), fake, NULL);
    assert_true(report.refused);
    assert_memory_equal(report.trouble, "the certificate is not right: ", 30);
    assert_non_null(strstr(report.trouble, "(CN=fake)"));
    X509_free(fake);
}

static void
without_verify_all_is_told_and_nothing_refused(void **state)
{
    struct cert_rules rules = { .fail = 3LL * DAY * 1000 };
    struct cert_report report = { .rules = &lenient, .host = "other.test" };
    struct certs_wish wish = { .name = "shop",
                               .dns = "shop.test",
                               .issuer = mid,
                               .from = -30 * DAY,
                               .until = -3 * DAY };
    char why[CERT_TEXT] = "";

    (void)state;
    assert_int_equal(verify_by(&report, NULL, certs_make(wish), mid, NULL), X509_V_OK);
    assert_false(report.verified || report.refused);
    assert_string_equal(report.trouble,
                        "the certificate expired 3 days ago, and is signed by an unknown "
                        "authority (CN=root), and is for shop.test and not for "
                        "other.test");
    assert_int_equal(cert_judge(&report, time(NULL), why, sizeof(why)), SONDE_UP);
    report.rules = &rules;
    assert_int_equal(cert_judge(&report, time(NULL), why, sizeof(why)), SONDE_DOWN);
    assert_memory_equal(why, "the certificate expired 3 days ago (", 36);
}

static void
a_pin_counts_whatever_verify_says(void **state)
{
    struct cert_report report = { .rules = &lenient, .host = "other.test" };
    struct certs_wish wish = { .name = "shop", .dns = "shop.test", .issuer = mid };
    X509 *leaf = certs_make(wish);
    char pin[96] = "";
    const char *const pins[] = { "00", pin, NULL };
    struct cert_rules pinned = { .verify = false, .pins = pins };

    (void)state;
    X509_up_ref(leaf);
    verify_by(&report, NULL, leaf, NULL, NULL);
    for (int i = 0; i < 64; i += 2)
        snprintf(pin + strlen(pin), 4, "%s%c%c", i ? ":" : "",
                 report.sha256[i] & ~(report.sha256[i] >= 'a' ? 0x20 : 0),
                 report.sha256[i + 1]);
    assert_true(cert_pin(pin));
    report.rules = &pinned;
    X509_up_ref(leaf);
    assert_int_equal(verify_by(&report, NULL, leaf, NULL, NULL), X509_V_OK);
    pin[0] = pin[0] == '0' ? '1' : '0';
    assert_int_equal(verify_by(&report, NULL, leaf, NULL, NULL),
                     X509_V_ERR_APPLICATION_VERIFICATION);
    assert_string_equal(report.trouble, "the certificate is not the pinned one");
}

/* ---- what strangers write ---- */

static struct sonde_event *
told(const struct cert_report *report)
{
    struct origin *origin = origin_new("a", "tcp", "b", NULL, 0);
    struct event_pool *pool = event_pool_new();
    struct sonde_event *event = event_new(pool, origin);

    cert_tell(report, event);
    event_pool_free(pool);
    origin_unref(origin);
    return event;
}

static void
a_name_in_a_certificate_harms_nobody(void **state)
{
    static const struct {
        const char *bytes;
        int length, type;
        const char *subject;
    } cases[] = {
        { "a\0b", 3, V_ASN1_UTF8STRING, "CN=a\\00b" },
        { "\x1B[2J\a", 5, V_ASN1_UTF8STRING, "CN=\\1B[2J\\07" },
        { "a, CN=b", 0, V_ASN1_UTF8STRING, "CN=a\\, CN=b" },
        { "M\xC3\xBCller", 0, V_ASN1_UTF8STRING, "CN=M\xC3\xBCller" },
        { "M\xFCller", 0, V_ASN1_T61STRING, "CN=M\xC3\xBCller" },
        { "x\xE2\x80\xAEtxt", 0, V_ASN1_UTF8STRING, "CN=x?txt" },
        { "x\xFF\xC3", 0, V_ASN1_UTF8STRING, "" }, /* OpenSSL refuses it */
        { "\0M", 2, V_ASN1_BMPSTRING, "CN=M" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct cert_report report =
            seen_at("shop.test", (struct certs_wish){ .name = cases[i].bytes,
                                                      .name_length = cases[i].length,
                                                      .name_type = cases[i].type,
                                                      .dns = "shop.test" });
        struct sonde_event *event = told(&report);

        assert_string_equal(sonde_text(event, "details.cert_subject", NULL),
                            cases[i].subject);
        assert_true(report.verified);
        sonde_event_unref(event);
    }
}

static void
a_name_with_a_nul_is_not_its_beginning(void **state)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    struct cert_report report;

    (void)state;
    certs_add_dns(names, "shop.test\0.evil.test", 20);
    certs_add_dns(names, "a, shop.test", 12);
    certs_add_dns(names, "\x1B]0;\xE2\x80\xAE\\", 8);
    report = seen_at("shop.test",
                     (struct certs_wish){ .name = "shop.test", .names = names });
    assert_false(report.verified);
    assert_string_equal(report.names, "shop.test\\00.evil.test, a\\2C\\20shop.test, "
                                      "\\1B]0;\\E2\\80\\AE\\5C");
    assert_string_equal(report.trouble,
                        "the certificate is for shop.test\\00.evil.test, "
                        "a\\2C\\20shop.test, \\1B]0;\\E2\\80\\AE\\5C and not for "
                        "shop.test");
}

static void
a_thousand_names_are_few_words(void **state)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    struct cert_report report;
    struct sonde_event *event;
    char long_name[3000];
    size_t length;

    (void)state;
    memset(long_name, 'x', sizeof(long_name));
    for (int i = 0; i < 1000; i++) {
        AUTO_FREE char *name = memory_format("host-%d.shop.test", i);

        certs_add_dns(names, name, (int)strlen(name));
    }
    certs_add_dns(names, long_name, sizeof(long_name));
    report = seen_at("x", (struct certs_wish){ .name = long_name,
                                               .name_length = sizeof(long_name),
                                               .names = names });
    length = strlen(report.names);
    assert_in_range(length, CERT_NAMES - 60, CERT_NAMES - 1);
    assert_string_equal(report.names + length - 13, " and 948 more");
    assert_int_equal(strlen(report.subject), CERT_TEXT - 1);
    assert_non_null(strstr(report.trouble, " more and not for x"));
    event = told(&report);
    assert_string_equal(sonde_text(event, "details.cert_names", NULL), report.names);
    sonde_event_unref(event);
}

/* In a sentence there is less room than one name may need. */
static void
a_long_name_is_cut(void **state)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    struct cert_report report;
    char long_name[200];

    (void)state;
    memset(long_name, 'x', sizeof(long_name));
    certs_add_dns(names, long_name, sizeof(long_name));
    certs_add_dns(names, "shop.test", 9);
    report = seen_at("y", (struct certs_wish){ .name = "shop.test", .names = names });
    assert_non_null(strstr(report.trouble, "is for xxxx"));
    assert_non_null(strstr(report.trouble, "xxxx... and 1 more and not for y"));
    assert_non_null(strstr(report.names, "xxxx, shop.test"));
}

static void
a_stray_old_certificate_is_told_apart(void **state)
{
    X509 *stray = certs_make((struct certs_wish){
        .name = "stray", .authority = true, .from = -30 * DAY, .until = -10 * DAY });
    struct cert_rules rules = { .verify = true, .fail = 3LL * DAY * 1000 };
    struct cert_report report = { .rules = &rules, .host = "shop.test" };
    struct certs_wish wish = { .name = "shop", .dns = "shop.test", .issuer = mid };
    struct sonde_event *event;
    char why[CERT_TEXT];

    (void)state;
    assert_int_equal(verify_by(&report, root, certs_make(wish), mid, stray), X509_V_OK);
    assert_int_equal(cert_judge(&report, time(NULL), why, sizeof(why)), SONDE_UP);
    event = told(&report);
    assert_true(sonde_number(event, "metrics.cert_left_days", 0) == -10);
    assert_true(sonde_number(event, "metrics.cert_verified_left_days", 0) == 90);
    sonde_event_unref(event);
    X509_free(stray);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_one_is_verified),
        cmocka_unit_test(a_host_must_be_named),
        cmocka_unit_test(its_time_is_told),
        cmocka_unit_test(an_issuer_past_its_time_is_named),
        cmocka_unit_test(who_vouches_is_told),
        cmocka_unit_test(another_fault_is_told_in_openssls_words),
        cmocka_unit_test(without_verify_all_is_told_and_nothing_refused),
        cmocka_unit_test(a_pin_counts_whatever_verify_says),
        cmocka_unit_test(a_name_in_a_certificate_harms_nobody),
        cmocka_unit_test(a_name_with_a_nul_is_not_its_beginning),
        cmocka_unit_test(a_thousand_names_are_few_words),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(a_stray_old_certificate_is_told_apart),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
