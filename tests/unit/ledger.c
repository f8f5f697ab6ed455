/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger.c - lines by route and in all; and a receipt's shares.
 */
#include "unit.h"

#include "ledger.h"
#include "receipt.h"

#include <string.h>

static void
what_a_route_counts_the_whole_counts(void **state)
{
    struct ledger ledger;
    struct ledger_route *one, *other;
    struct ledger_sum sum;

    (void)state;
    ledger_init(&ledger);
    one = ledger_route(&ledger, "one");
    other = ledger_route(&ledger, NULL);
    assert_ptr_equal(ledger_route(&ledger, "one"), one);
    assert_string_equal(other->name, "");
    ledger_add(&ledger, one, LEDGER_ACCEPTED, 8);
    ledger_add(&ledger, other, LEDGER_RESTORED, 4);
    for (int line = LEDGER_DELIVERED; line < LEDGER_LINES; line++)
        ledger_add(&ledger, line % 2 ? one : other, (enum ledger_line)line, 1);
    sum = ledger_sum(&ledger, 12 - (LEDGER_LINES - LEDGER_DELIVERED));
    assert_int_equal(sum.dropped, LEDGER_LINES - LEDGER_DROPPED);
    assert_int_equal(sum.accepted + sum.restored,
                     sum.delivered + sum.rejected + sum.moved + sum.dropped + sum.queued);
    assert_int_equal(ledger_dropped(one->lines) + ledger_dropped(other->lines),
                     sum.dropped);
    for (int line = 0; line < LEDGER_LINES; line++)
        assert_non_null(ledger_line_names[line]);
    ledger_deinit(&ledger);
}

static int told;
static enum sonde_fate fate;

static void
done(struct receipt *receipt, enum sonde_fate worst)
{
    (void)receipt;
    told++;
    fate = worst;
}

static enum sonde_fate
worst_of(enum sonde_fate one, enum sonde_fate other)
{
    struct receipt receipt;

    told = 0;
    receipt_init(&receipt, done);
    receipt_hold(&receipt);
    receipt_hold(&receipt);
    receipt_release(&receipt, SONDE_DELIVERED); /* the router's */
    receipt_release(&receipt, one);
    assert_int_equal(told, 0);
    receipt_release(&receipt, other);
    assert_int_equal(told, 1);
    return fate;
}

static void
the_last_share_tells_the_worst(void **state)
{
    (void)state;
    assert_int_equal(worst_of(SONDE_DELIVERED, SONDE_DELIVERED), SONDE_DELIVERED);
    assert_int_equal(worst_of(SONDE_REJECTED, SONDE_DELIVERED), SONDE_REJECTED);
    assert_int_equal(worst_of(SONDE_DELIVERED, SONDE_RETRY), SONDE_RETRY);
    assert_int_equal(worst_of(SONDE_RETRY, SONDE_REJECTED), SONDE_RETRY);
    assert_int_equal(worst_of(SONDE_REJECTED, SONDE_RETRY), SONDE_RETRY);
    receipt_hold(NULL);
    receipt_release(NULL, SONDE_DELIVERED);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_a_route_counts_the_whole_counts),
    cmocka_unit_test(the_last_share_tells_the_worst),
};

UNIT_MAIN(tests)
