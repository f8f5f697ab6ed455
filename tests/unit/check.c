/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - a run and its answer: deadlines, lag, workers written off, starts that
 * fail.  Probes made up here, a loop turned by hand, real time in milliseconds.
 */
#include "unit.h"

#include "check.h"
#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fake {
    struct sonde_event *out;
    int begun, cancelled;
};

static struct loop *loop;
static struct workers *workers;
static struct check_home home;
static atomic_ullong seq;

static struct {
    int count;
    enum sonde_state state;
    enum sonde_reason reason;
    char message[256];
} heard;

static void
hear(struct check *check, const struct sonde_event *result, void *arg)
{
    (void)check, (void)arg;
    heard.count++;
    heard.state = result->state;
    heard.reason = result->reason;
    snprintf(heard.message, sizeof(heard.message), "%s", result->message);
}

/* ---- probes ---- */

static int refusals;
static atomic_bool let_go;
static atomic_int returned;

static int
fake_start(struct sonde_instance *self)
{
    if (refusals-- > 0)
        return sonde_fail(self, NULL, "not yet");
    return 0;
}

static void
fake_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct fake *fake = sonde_private(self);

    fake->begun++;
    sonde_reason(event, SONDE_OK, "well");
    sonde_done(event, SONDE_UP);
}

static void
silent_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct fake *fake = sonde_private(self);

    fake->begun++;
    fake->out = event;
}

static void
silent_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    struct fake *fake = sonde_private(self);

    assert_ptr_equal(fake->out, event);
    fake->cancelled++;
    sonde_timing(event, SONDE_DNS, 77);
}

static void
dns_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self;
    sonde_reason(event, SONDE_DNSTOUT, "the resolver is silent");
}

static enum sonde_state
hang_run(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self;
    while (!atomic_load(&let_go))
        usleep(1000);
    sonde_reason(event, SONDE_OK, "late");
    atomic_fetch_add(&returned, 1);
    return SONDE_UP;
}

static const struct sonde_option none[] = { { 0 } };

static struct plugin
plugin_of(void (*begin)(struct sonde_instance *, struct sonde_event *),
          void (*cancel)(struct sonde_instance *, struct sonde_event *))
{
    return (struct plugin){ .role = PLUGIN_PROBE,
                            .name = "fake",
                            .options = none,
                            .probe = { .name = "fake",
                                       .size = sizeof(struct fake),
                                       .options = none,
                                       .begin = begin,
                                       .cancel = cancel } };
}

/* ---- a check at hand ---- */

static struct check *
check_at_hand(const struct plugin *plugin, int64_t timeout)
{
    struct check_options options = {
        .interval = 60000, .timeout = timeout, .retry_interval = 50, .rise = 1, .fall = 1
    };
    struct check *check = memory_new(sizeof(*check));

    check_init(check, plugin, &options, origin_new("it", "fake", "node-1", NULL, 0));
    check->home = &home;
    instance_open(&check->instance);
    return check;
}

static void
check_away(struct check *check)
{
    check_stop(check);
    check_deinit(check);
    free(check);
}

/* As if it had never run: at once. */
static void
run_now(struct check *check)
{
    check->schedule.began = 0;
    check_start(check);
}

/* Until `count` results were heard or two seconds have passed. */
static void
turn_until(int count)
{
    int64_t end = clock_now() + 2 * CLOCK_SECOND;

    while (heard.count < count && clock_now() < end)
        loop_turn(loop, 5);
}

static int
set_up(void **state)
{
    (void)state;
    memset(&heard, 0, sizeof(heard));
    memset(&home, 0, sizeof(home));
    refusals = 0;
    atomic_store(&let_go, false);
    atomic_store(&returned, 0);
    loop = loop_new("test");
    workers = workers_new(1);
    home = (struct check_home){
        .loop = loop, .workers = workers, .seq = &seq, .count = 1, .on_result = hear
    };
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    assert_true(workers_free(workers, clock_now() + 5 * CLOCK_SECOND));
    loop_turn(loop, 0); /* what workers posted last */
    loop_free(loop);
    check_home_trim(&home);
    return 0;
}

/* ---- what must hold ---- */

static void
an_answer_within_begin_is_heard(void **state)
{
    struct plugin plugin = plugin_of(fake_begin, silent_cancel);
    struct check *check = check_at_hand(&plugin, 500);

    (void)state;
    check_start(check);
    turn_until(1);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.state, SONDE_UP);
    assert_int_equal(heard.reason, SONDE_OK);
    check_away(check);
}

static void
no_answer_in_time_is_a_timeout_by_the_core(void **state)
{
    struct plugin plugin = plugin_of(silent_begin, silent_cancel);
    struct check *check = check_at_hand(&plugin, 30);

    (void)state;
    check_start(check);
    turn_until(1);
    assert_int_equal(heard.state, SONDE_DOWN);
    assert_int_equal(heard.reason, SONDE_TIMEOUT);
    assert_string_equal(heard.message, "no answer within 30ms");
    assert_int_equal(((struct fake *)check->instance.private)->cancelled, 1);
    check_away(check);
}

static void
a_silent_resolver_is_never_down(void **state)
{
    struct plugin plugin = plugin_of(silent_begin, dns_cancel);
    struct check *check = check_at_hand(&plugin, 30);

    (void)state;
    check_start(check);
    turn_until(1);
    assert_int_equal(heard.state, SONDE_UNKNOWN);
    assert_int_equal(heard.reason, SONDE_DNSTOUT);
    check_away(check);
}

static void
a_timeout_while_the_loop_lagged_is_our_own_fault(void **state)
{
    struct plugin plugin = plugin_of(silent_begin, silent_cancel);
    struct check *check = check_at_hand(&plugin, 30);

    (void)state;
    check_start(check);
    loop_turn(loop, 10);
    loop_turn(loop, 10);
    usleep(400000); /* the loop does not turn */
    turn_until(1);
    assert_int_equal(heard.state, SONDE_UNKNOWN);
    assert_int_equal(heard.reason, SONDE_OBSERVER);
    assert_int_equal(atomic_load(&home.stats.late), 1);
    check_away(check);
}

static void
stopping_takes_the_question_back(void **state)
{
    struct plugin plugin = plugin_of(silent_begin, silent_cancel);
    struct check *check = check_at_hand(&plugin, 5000);
    struct fake *fake = check->instance.private;

    (void)state;
    check_start(check);
    for (int i = 0; i < 100 && !fake->begun; i++)
        loop_turn(loop, 5);
    assert_int_equal(fake->begun, 1);
    check_stop(check);
    assert_int_equal(fake->cancelled, 1);
    assert_int_equal(heard.count, 0);
    check_deinit(check);
    free(check);
}

static void
a_blocking_run_past_its_deadline_is_written_off_and_not_run_again(void **state)
{
    struct plugin plugin = plugin_of(NULL, NULL);
    struct check *check, *other;

    (void)state;
    plugin.probe.run = hang_run;
    check = check_at_hand(&plugin, 200);
    other = check_at_hand(&plugin, 200);
    check_start(check);
    turn_until(1);
    assert_int_equal(heard.reason, SONDE_TIMEOUT);
    assert_int_equal(heard.state, SONDE_DOWN);
    assert_true(check_stuck(check));

    /* Asked again while it is stuck: the same answer, and no second thread is lost. */
    run_now(check);
    turn_until(2);
    assert_int_equal(heard.reason, SONDE_TIMEOUT);
    assert_non_null(strstr(heard.message, "has not returned"));

    /* Its worker was replaced: the only one of the pool is free for another. */
    check_start(other);
    turn_until(3);
    assert_int_equal(heard.reason, SONDE_TIMEOUT);
    assert_non_null(strstr(heard.message, "no answer within"));

    atomic_store(&let_go, true);
    for (int i = 0; i < 400 && (check_stuck(check) || check_stuck(other)); i++)
        loop_turn(loop, 5);
    assert_false(check_stuck(check));
    assert_int_equal(heard.count, 3); /* the late answers are not wanted */
    assert_int_equal(atomic_load(&returned), 2);
    check_away(check);
    check_away(other);
}

static void
no_free_worker_is_our_own_fault_and_names_the_longest(void **state)
{
    struct plugin plugin = plugin_of(NULL, NULL);
    struct check *long_one, *waiting;

    (void)state;
    plugin.probe.run = hang_run;
    long_one = check_at_hand(&plugin, 1500);
    waiting = check_at_hand(&plugin, 40);
    check_start(long_one);
    loop_turn(loop, 5);
    loop_turn(loop, 5);
    check_start(waiting);
    turn_until(1);
    assert_int_equal(heard.state, SONDE_UNKNOWN);
    assert_int_equal(heard.reason, SONDE_OBSERVER);
    assert_non_null(strstr(heard.message, "no free worker; it has held one"));
    atomic_store(&let_go, true);
    turn_until(2);
    assert_int_equal(heard.state, SONDE_UP);
    check_away(long_one);
    check_away(waiting);
}

static void
a_start_that_fails_is_tried_anew_from_open(void **state)
{
    struct plugin plugin = plugin_of(fake_begin, silent_cancel);
    struct check *check;

    (void)state;
    plugin.probe.start = fake_start;
    refusals = 1;
    check = check_at_hand(&plugin, 500);
    check_start(check);
    turn_until(1);
    assert_int_equal(heard.state, SONDE_UNKNOWN);
    assert_int_equal(heard.reason, SONDE_OBSERVER);
    assert_string_equal(heard.message, "cannot start: not yet");
    for (int i = 0; i < 30; i++)
        loop_turn(loop, 5); /* reopened meanwhile; the pause of 50 ms passes */
    run_now(check);
    turn_until(2);
    assert_int_equal(heard.state, SONDE_UP);
    check_away(check);
}

static useconds_t slow_work;

/* Answers UP after some work. */
static void
slow_begin(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self;
    usleep(slow_work);
    sonde_reason(event, SONDE_OK, "well");
    sonde_done(event, SONDE_UP);
}

static void
an_answer_that_came_late_is_degraded_or_down(void **state)
{
    static const struct {
        unsigned warn, fail;
        enum sonde_state state;
        const char *begins, *ends;
    } rows[] = {
        { 0, 0, SONDE_UP, "well", "well" },
        { 1000, 2000, SONDE_UP, "well", "well" },
        { 2, 2000, SONDE_DEGRADED, "took ", "more than latency_warn = 2ms; well" },
        { 2, 3, SONDE_DOWN, "took ", "more than latency_fail = 3ms; well" },
        { 0, 3, SONDE_DOWN, "took ", "more than latency_fail = 3ms; well" },
    };
    struct plugin plugin = plugin_of(slow_begin, silent_cancel);
    struct check *check = check_at_hand(&plugin, 4000);

    (void)state;
    slow_work = 5000;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        check->latency_warn = rows[i].warn;
        check->latency_fail = rows[i].fail;
        run_now(check);
        turn_until((int)i + 1);
        assert_int_equal(heard.state, rows[i].state);
        assert_int_equal(heard.reason,
                         rows[i].state == SONDE_UP ? SONDE_OK : SONDE_LIMIT);
        assert_ptr_equal(strstr(heard.message, rows[i].begins), heard.message);
        assert_non_null(strstr(heard.message, rows[i].ends));
    }
    check_away(check);
}

/* Not as 1.01e+03, nor in full to the microsecond. */
static void
a_latency_of_seconds_is_told_in_plain_figures(void **state)
{
    struct plugin plugin = plugin_of(slow_begin, silent_cancel);
    struct check *check = check_at_hand(&plugin, 60000);
    int ms = 0, tenths, end = 0;

    (void)state;
    slow_work = 1010 * 1000;
    check->latency_warn = 1000;
    run_now(check);
    turn_until(1);
    assert_int_equal(heard.state, SONDE_DEGRADED);
    sscanf(heard.message, "took %d.%1d ms, more than latency_warn = 1s; well%n", &ms,
           &tenths, &end);
    assert_int_equal(end, strlen(heard.message));
    assert_true(ms >= 1010);
    check_away(check);
}

static bool explained;

static void
explaining_begin(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self;
    explained = sonde_explain(event);
    sonde_done(event, SONDE_DOWN);
}

static void
only_the_answer_that_would_be_a_change_is_to_be_explained(void **state)
{
    static const struct {
        enum sonde_state hard;
        unsigned streak;
        bool wanted;
    } rows[] = { { SONDE_UNKNOWN, 0, false }, { SONDE_UNKNOWN, 2, true },
                 { SONDE_UP, 1, false },      { SONDE_UP, 2, true },
                 { SONDE_DEGRADED, 2, true }, { SONDE_DOWN, 0, false } };
    struct plugin plugin = plugin_of(explaining_begin, silent_cancel);
    struct check *check = check_at_hand(&plugin, 500);

    (void)state;
    check->rules.fall = 3;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        check->known->state.hard = rows[i].hard;
        check->known->state.streak = (uint16_t)rows[i].streak;
        run_now(check);
        turn_until((int)i + 1);
        assert_int_equal(explained, rows[i].wanted);
    }
    check_away(check);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_latency_of_seconds_is_told_in_plain_figures, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(an_answer_that_came_late_is_degraded_or_down, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(
        only_the_answer_that_would_be_a_change_is_to_be_explained, set_up, tear_down),
    cmocka_unit_test_setup_teardown(an_answer_within_begin_is_heard, set_up, tear_down),
    cmocka_unit_test_setup_teardown(no_answer_in_time_is_a_timeout_by_the_core, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(a_silent_resolver_is_never_down, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_timeout_while_the_loop_lagged_is_our_own_fault,
                                    set_up, tear_down),
    cmocka_unit_test_setup_teardown(stopping_takes_the_question_back, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        a_blocking_run_past_its_deadline_is_written_off_and_not_run_again, set_up,
        tear_down),
    cmocka_unit_test_setup_teardown(no_free_worker_is_our_own_fault_and_names_the_longest,
                                    set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_start_that_fails_is_tried_anew_from_open, set_up,
                                    tear_down),
};

UNIT_MAIN(tests)
