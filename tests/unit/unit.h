/* SPDX-License-Identifier: Apache-2.0
 *
 * unit.h - what cmocka wants included before it, and the one way a unit test runs.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

/* Runs the tests and prints TAP for automake's driver. */
#define UNIT_MAIN(tests)                                                                  \
    int main(void)                                                                        \
    {                                                                                     \
        cmocka_set_message_output(CM_OUTPUT_TAP);                                         \
        return cmocka_run_group_tests(tests, NULL, NULL);                                 \
    }

#endif
