/* SPDX-License-Identifier: Apache-2.0
 *
 * cert_judge.c - what is judged without a certificate at hand: days left, what can be a
 * pin.
 */
#include "unit.h"

#include "../../plugins/common/cert.h"

#include <string.h>

enum { DAY = 86400 };

static void
a_pin_has_64_digits(void **state)
{
#define PIN "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789"
    static const char *const wrong[] = { "",       ":",          PIN "a", PIN ":",
                                         ":" PIN,  "0:" PIN,     PIN " ", "g",
                                         "::" PIN, "sha256:" PIN };

    (void)state;
    assert_true(cert_pin(PIN));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(cert_pin(wrong[i]));
}

static void
days_are_judged(void **state)
{
    static const struct {
        int64_t left;
        enum sonde_state state;
        const char *why;
    } cases[] = {
        { 15 * DAY, SONDE_UP, "" },
        { 14 * DAY, SONDE_UP, "" },
        { 14 * DAY - 1, SONDE_DEGRADED, "the certificate ends in 14 days (" },
        { 9 * DAY + DAY / 2, SONDE_DEGRADED, "the certificate ends in 9.5 days (" },
        { 3 * DAY, SONDE_DEGRADED, "the certificate ends in 3 days (" },
        { 3 * DAY - 1, SONDE_DOWN, "the certificate ends in 3 days (" },
        { DAY, SONDE_DOWN, "the certificate ends in 1 day (" },
        { 7200, SONDE_DOWN, "the certificate ends in 2 hours (" },
        { 1, SONDE_DOWN, "the certificate ends in 1 second (" },
        { -86400 * 400, SONDE_DOWN, "the certificate expired 400 days ago (" },
    };
    struct cert_rules rules = { .warn = 14LL * DAY * 1000, .fail = 3LL * DAY * 1000 };
    struct cert_report report = { .rules = &rules, .seen = true };
    const int64_t now = 1796083200; /* 2026-12-01 */
    char why[CERT_TEXT];

    (void)state;
    report.verified_until = INT64_MAX;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        why[0] = '\0';
        report.sent_until = now + cases[i].left;
        assert_int_equal(cert_judge(&report, now, why, sizeof(why)), cases[i].state);
        assert_memory_equal(why, cases[i].why, strlen(cases[i].why));
    }
    assert_string_equal(why, "the certificate expired 400 days ago (2025-10-27)");
    report.verified_until = now + 20 * DAY; /* this one is judged, where there is one */
    assert_int_equal(cert_judge(&report, now, why, sizeof(why)), SONDE_UP);
    report.verified_until = now + 1;
    rules.fail = 0;
    assert_int_equal(cert_judge(&report, now, why, sizeof(why)), SONDE_DEGRADED);
    rules.warn = 0;
    assert_int_equal(cert_judge(&report, now, why, sizeof(why)), SONDE_UP);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_pin_has_64_digits),
    cmocka_unit_test(days_are_judged),
};

UNIT_MAIN(tests)
