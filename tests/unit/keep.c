/* SPDX-License-Identifier: Apache-2.0
 *
 * keep.c - what survives: a process that ends without a word, and the next one.
 */
#include "unit.h"

#include "clock.h"
#include "keep.h"
#include "said.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct keep_options each = { .sync = JOURNAL_EACH, .disk = 512 << 10 };
static const struct keep_targets nobody = { .count = 0 };
static const struct judge_rules rules = { .rise = 1, .fall = 3 };

static struct keep *keep;
static struct event_pool *pool;
static atomic_ullong seq;

static void
begin(unsigned long long wall)
{
    char why[JOURNAL_WHY] = "";

    keep = keep_new();
    pool = event_pool_new();
    atomic_store(&seq, wall);
    assert_int_equal(keep_open(keep, ".", &each, &seq, why), 0);
    assert_true(keep_disk(keep));
    keep_start(keep);
}

static void
end(void)
{
    keep_free(keep);
    event_pool_free(pool);
}

static struct known *
enter(const char *name)
{
    return recall_enter(keep_recall(keep),
                        recall_begin(origin_new(name, "tcp", "node-1", NULL, 0)));
}

static uint64_t
next_seq(void)
{
    uint64_t now = atomic_fetch_add(&seq, 1);

    keep_seq(keep, now);
    return now;
}

/* What check_answer.c does. */
static struct sonde_event *
answer(struct known *known, enum sonde_state found)
{
    struct recall *recall = keep_recall(keep);
    struct sonde_event *change = NULL;
    struct verdict verdict;

    recall_lock(recall, known);
    verdict = state_judge(&known->state, &rules, found, SONDE_OTHER, false, clock_wall());
    if (verdict.changed) {
        change = event_new(pool, known->origin);
        change->kind = EVENT_CHANGE;
        change->own = change->hard = true;
        change->state = found;
        change->previous = verdict.previous;
        change->seq = next_seq();
        change->since = change->time;
        state_remember(&known->state, change, clock_now());
        keep_event(keep, change, &nobody);
    } else
        keep_soft(keep, known);
    recall_unlock(recall, known);
    return change;
}

static void
judge(const char *name, enum sonde_state found)
{
    event_unref(answer(enter(name), found));
}

/* A process that is killed when all of that is on the disk. */
static void
killed(unsigned long long wall, void (*work)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        begin(wall);
        work();
        keep_flush(keep, clock_now() + 10 * CLOCK_SECOND);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- what checks are in ---- */

static void
some_judging(void)
{
    judge("up", SONDE_UP);
    judge("down", SONDE_UP);
    for (int i = 0; i < 3; i++)
        judge("down", SONDE_DOWN);
    judge("soft", SONDE_UP);
    judge("soft", SONDE_DOWN);
    judge("soft", SONDE_DOWN);
    judge("over", SONDE_UP);
    judge("over", SONDE_DOWN);
    judge("over", SONDE_UP);
    judge("never", SONDE_DOWN);
}

static void
states_and_streaks_survive(void **state)
{
    (void)state;
    killed(1000, some_judging);
    begin(1000);
    assert_int_equal(recall_count(keep_recall(keep)), 5);
    assert_int_equal(enter("up")->state.hard, SONDE_UP);
    assert_int_equal(enter("down")->state.hard, SONDE_DOWN);
    assert_int_equal(enter("down")->state.previous, SONDE_UP);
    assert_int_equal(enter("soft")->state.hard, SONDE_UP);
    assert_int_equal(enter("soft")->state.streak, 2);
    assert_int_equal(enter("over")->state.streak, 0);
    assert_int_equal(enter("never")->state.streak, 1);
    assert_true(enter("never")->history);
    assert_false(enter("new")->history);
    end();
}

static void
forget_one(struct known *known, void *arg)
{
    ++*(int *)arg;
    keep_forget(keep, known);
}

static void
sweeping(void)
{
    int swept = 0;

    enter("up");
    enter("soft");
    recall_sweep(keep_recall(keep), forget_one, &swept);
    if (swept != 3)
        _exit(1);
}

static void
what_was_forgotten_stays_so(void **state)
{
    (void)state;
    killed(1000, some_judging);
    killed(1000, sweeping);
    begin(1000);
    assert_int_equal(recall_count(keep_recall(keep)), 2);
    end();
}

static size_t
segments(void)
{
    DIR *directory = opendir("journal");
    size_t count = 0;

    for (struct dirent *at; (at = readdir(directory));)
        count += strncmp(at->d_name, "journal.", 8) == 0 && at->d_name[8] != 'n';
    closedir(directory);
    return count;
}

/* Far more than one segment holds. */
static void
much_judging(void)
{
    char name[32];

    for (int round = 0; round < 40; round++)
        for (int i = 0; i < 100; i++) {
            snprintf(name, sizeof(name), "host-%d", i);
            judge(name, round % 2 ? SONDE_UP : SONDE_DEGRADED);
            for (int fall = 0; fall < 2; fall++)
                if (round % 2 == 0)
                    judge(name, SONDE_DEGRADED);
        }
    judge("host-7", SONDE_DOWN);
}

static void
snapshots_carry_states_over_segments_that_go(void **state)
{
    (void)state;
    killed(1000, much_judging);
    assert_in_range(segments(), 1, 4);
    begin(1000);
    assert_int_equal(recall_count(keep_recall(keep)), 100);
    assert_int_equal(enter("host-99")->state.hard, SONDE_UP);
    assert_int_equal(enter("host-7")->state.hard, SONDE_UP);
    assert_int_equal(enter("host-7")->state.streak, 1);
    end();
}

static void
many_seqs(void)
{
    for (int i = 0; i < 5000000; i += 1000) {
        atomic_fetch_add(&seq, 999);
        next_seq();
    }
}

static void
a_clock_that_goes_back_uses_no_seq_twice(void **state)
{
    (void)state;
    killed(UINT64_C(1) << 40, many_seqs);
    begin(1000);
    assert_true(atomic_load(&seq) >= (UINT64_C(1) << 40) + 5000000);
    end();
    begin(UINT64_C(1) << 50);
    assert_int_equal(atomic_load(&seq), UINT64_C(1) << 50);
    end();
}

/* ---- what waits for sinks ---- */

static struct queue *queue;
static struct keep_targets target;

static void
attach(void)
{
    queue = queue_new((struct queue_bounds){ 1000, 1 << 20 });
    target.spools[0] = keep_spool(keep, "alerts");
    target.names[0] = (struct journal_target){ "alerts", "pager" };
    target.count = 1;
    spool_attach(target.spools[0], queue,
                 (struct spool_bounds){ 1 << 20, 512 << 10, false });
}

static struct sonde_event *
result(const char *name, struct receipt *receipt)
{
    struct sonde_event *event = event_new(pool, enter(name)->origin);

    event->seq = next_seq();
    event->receipt = receipt;
    return event;
}

static void
hundred_results(void)
{
    attach();
    for (int i = 0; i < 100; i++)
        keep_event(keep, result("shop", NULL), &target);
}

static void
tell_orphan(const char *name, uint64_t waiting, void *arg)
{
    assert_string_equal(name, "alerts");
    *(uint64_t *)arg = waiting;
}

static void
what_waits_for_a_sink_survives(void **state)
{
    struct queue_entry *batch[200];
    uint64_t waiting = 0;
    size_t count = 0;

    (void)state;
    killed(1000, hundred_results);
    begin(1000);
    assert_non_null(keep_spool_left(keep, "alerts"));
    assert_null(keep_spool_left(keep, "others"));
    keep_each_orphan(keep, tell_orphan, &waiting);
    assert_int_equal(waiting, 100);
    attach();
    for (int i = 0; i < 5000 && queue_count(queue) < 100; i++)
        usleep(1000);
    while (queue_take(queue, batch, 200, false, clock_now()) == 1) {
        assert_int_equal(batch[0]->event->seq, 1000 + count++);
        queue_settle(queue, batch[0], SONDE_DELIVERED, 0);
    }
    assert_int_equal(count, 100);
    assert_int_equal(spool_sum(target.spools[0]).restored, 100);
    spool_detach(target.spools[0]);
    queue_free(queue);
    end();
    begin(1000);
    assert_null(keep_spool_left(keep, "alerts"));
    end();
}

static atomic_int done;
static atomic_uint worst;

static void
is_done(struct receipt *receipt, enum sonde_fate fate)
{
    (void)receipt;
    atomic_store(&worst, fate);
    atomic_fetch_add(&done, 1);
}

static void
a_source_is_told_when_it_is_durable(void **state)
{
    enum { MANY = 500 };
    struct receipt receipts[MANY];

    (void)state;
    begin(1000);
    attach();
    for (int i = 0; i < MANY; i++) {
        struct sonde_event *event;

        receipt_init(&receipts[i], is_done);
        event = result("shop", &receipts[i]);
        keep_event(keep, event, &target);
        receipt_release(&receipts[i], SONDE_DELIVERED);
        event_unref(event);
    }
    for (int i = 0; i < 5000 && atomic_load(&done) < MANY; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&done), MANY);
    assert_int_equal(atomic_load(&worst), SONDE_DELIVERED);
    assert_int_equal(spool_waiting_count(target.spools[0]), MANY);
    spool_detach(target.spools[0]);
    queue_free(queue);
    end();
}

/* The disk takes nothing: the directory is gone before the journal begins to write. */
static void
a_source_is_told_when_the_daemon_ends_before_that(void **state)
{
    struct receipt receipt;
    struct sonde_event *event;
    char why[JOURNAL_WHY];

    (void)state;
    atomic_store(&done, 0);
    keep = keep_new();
    pool = event_pool_new();
    assert_int_equal(keep_open(keep, ".", &each, &seq, why), 0);
    attach();
    receipt_init(&receipt, is_done);
    event = result("shop", &receipt);
    keep_event(keep, event, &target);
    receipt_release(&receipt, SONDE_DELIVERED);
    event_unref(event);
    assert_int_equal(atomic_load(&done), 0);
    assert_int_equal(rmdir("journal"), 0);
    spool_detach(target.spools[0]);
    queue_free(queue);
    end();
    assert_int_equal(atomic_load(&done), 1);
    assert_int_equal(atomic_load(&worst), SONDE_RETRY);
}

static void
without_a_disk_it_forgets_at_the_end(void **state)
{
    struct known *known;

    (void)state;
    keep = keep_new();
    pool = event_pool_new();
    keep_start(keep);
    assert_false(keep_disk(keep));
    assert_null(keep_spool(keep, "alerts"));
    known = enter("shop");
    event_unref(answer(known, SONDE_UP));
    keep_seq(keep, 5);
    assert_ptr_equal(enter("shop"), known);
    keep_flush(keep, clock_now() + CLOCK_SECOND);
    end();
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, said_enter, said_leave)

static const struct CMUnitTest tests[] = {
    UNIT(states_and_streaks_survive),
    UNIT(what_was_forgotten_stays_so),
    UNIT(snapshots_carry_states_over_segments_that_go),
    UNIT(a_clock_that_goes_back_uses_no_seq_twice),
    UNIT(what_waits_for_a_sink_survives),
    UNIT(a_source_is_told_when_it_is_durable),
    UNIT(a_source_is_told_when_the_daemon_ends_before_that),
    UNIT(without_a_disk_it_forgets_at_the_end),
};

UNIT_MAIN(tests)
