/* SPDX-License-Identifier: Apache-2.0
 *
 * stats.c - delays and their quantiles.
 */
#include "unit.h"

#include "stats.h"

static void
a_quantile_is_at_most_an_eighth_too_large(void **state)
{
    static struct delays delays;

    (void)state;
    assert_int_equal(stats_quantile(&delays, 0.99), 0);
    for (int64_t us = 1; us <= 1000; us++)
        stats_delay(&delays, us * 1000);
    assert_in_range(stats_quantile(&delays, 0.5), 500, 500 + 500 / 8 + 1);
    assert_in_range(stats_quantile(&delays, 0.99), 990, 990 + 990 / 8 + 1);
    assert_in_range(stats_quantile(&delays, 1), 1000, 1000 + 1000 / 8 + 1);
}

static void
extremes_have_a_place(void **state)
{
    static struct delays delays;

    (void)state;
    stats_delay(&delays, -5);
    assert_int_equal(stats_quantile(&delays, 1), 1);
    stats_delay(&delays, INT64_MAX);
    assert_true(stats_quantile(&delays, 1) > (uint64_t)1 << 40);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_quantile_is_at_most_an_eighth_too_large),
    cmocka_unit_test(extremes_have_a_place),
};

UNIT_MAIN(tests)
