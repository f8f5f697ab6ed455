/* SPDX-License-Identifier: Apache-2.0
 *
 * recall.c - what is known of checks by name: entered, swept, restored, and read beside a
 * thread that judges.
 */
#include "unit.h"

#include "recall.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct judge_rules rules = { .rise = 2, .fall = 5 };

static struct known *
fresh(const char *name)
{
    return recall_begin(origin_new(name, "tcp", "node-1", NULL, 0));
}

static void
down(struct known *known)
{
    state_judge(&known->state, &rules, SONDE_DOWN, SONDE_L4CON, false, 1000);
}

static void
count(struct known *known, void *arg)
{
    (void)known;
    ++*(int *)arg;
}

static int
sweep(struct recall *recall)
{
    int swept = 0;

    recall_sweep(recall, count, &swept);
    return swept;
}

/* ---- by name ---- */

static void
who_enters_goes_on_with_what_is_known_of_the_name(void **state)
{
    struct recall *recall = recall_new();
    struct known *known = recall_enter(recall, fresh("shop")), *next = fresh("shop");
    struct origin *origin = next->origin;

    (void)state;
    assert_false(known->history);
    down(known);
    assert_ptr_equal(recall_enter(recall, next), known);
    assert_ptr_equal(known->origin, origin);
    assert_int_equal(known->state.streak, 1);
    assert_ptr_not_equal(recall_enter(recall, fresh("shop2")), known);
    assert_int_equal(recall_count(recall), 2);
    recall_end(known); /* it is the table's */
    recall_free(recall);
}

static void
a_check_that_goes_on_has_the_labels_of_the_other(void **state)
{
    struct recall *recall = recall_new();
    struct known *known = recall_enter(recall, fresh("shop")), *next = fresh("shop");
    struct origin *was = known->origin, *is = next->origin;

    (void)state;
    recall_exchange(recall, known, next);
    assert_ptr_equal(known->origin, is);
    assert_ptr_equal(next->origin, was);
    recall_end(next);
    recall_leave(recall, known);
    assert_int_equal(recall_count(recall), 0);
    recall_end(known);
    recall_free(recall);
}

static void
who_is_in_no_table_is_freed_by_its_owner(void **state)
{
    (void)state;
    recall_end(fresh("shop"));
    recall_end(NULL);
}

/* ---- after a restart ---- */

static struct sonde_event *
change_of(struct event_pool *pool, const char *name, enum sonde_state is)
{
    struct origin *origin = origin_new(name, "tcp", "node-1", NULL, 0);
    struct sonde_event *change = event_new(pool, origin);

    origin_unref(origin);
    change->kind = EVENT_CHANGE;
    change->state = is;
    change->hard = true;
    change->seq = 77;
    change->since = 5000;
    change->reason = is == SONDE_UP ? SONDE_OK : SONDE_L4CON;
    event_set_message(change, "refused");
    return change;
}

static void
restore(struct recall *recall, struct sonde_event *change)
{
    recall_restore(recall, change);
    event_unref(change);
}

static void
who_was_restored_and_is_not_entered_is_swept(void **state)
{
    enum { MANY = 3000 };
    struct event_pool *pool = event_pool_new();
    struct recall *recall = recall_new();
    char name[32];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "host-%d", i);
        restore(recall, change_of(pool, name, SONDE_UP));
    }
    for (int i = 0; i < MANY; i += 3) {
        snprintf(name, sizeof(name), "host-%d", i);
        assert_true(recall_enter(recall, fresh(name))->history);
    }
    assert_false(recall_enter(recall, fresh("new"))->history);
    assert_int_equal(recall_count(recall), MANY + 1);
    assert_int_equal(sweep(recall), MANY - MANY / 3);
    assert_int_equal(recall_count(recall), MANY / 3 + 1);
    assert_int_equal(sweep(recall), 0);
    recall_free(recall);
    event_pool_free(pool);
}

static void
the_last_change_is_restored_and_removed_forgets(void **state)
{
    struct event_pool *pool = event_pool_new();
    struct recall *recall = recall_new();
    struct sonde_event *removed = change_of(pool, "gone", SONDE_UNKNOWN);
    struct known *known;

    (void)state;
    restore(recall, change_of(pool, "shop", SONDE_UP));
    restore(recall, change_of(pool, "shop", SONDE_DOWN));
    restore(recall, change_of(pool, "gone", SONDE_UP));
    removed->reason = SONDE_REMOVED;
    restore(recall, removed);
    recall_restore_forget(recall, "nobody", 6);
    assert_int_equal(recall_count(recall), 1);
    known = recall_enter(recall, fresh("shop"));
    assert_true(known->history);
    assert_int_equal(known->state.hard, SONDE_DOWN);
    assert_int_equal(known->state.since, 5000);
    assert_int_equal(known->state.seq, 77);
    assert_string_equal(known->state.message, "refused");
    assert_int_equal(recall_count(recall), 1);
    recall_free(recall);
    event_pool_free(pool);
}

static struct known *
soft_again(struct recall *recall, const struct known *known)
{
    AUTO_FREE struct journal_head *head = recall_pack_soft(known);

    for (size_t length = 0; length < head->length - 4; length++)
        assert_false(recall_restore_soft(recall, head->bytes, length));
    assert_true(recall_restore_soft(recall, head->bytes, head->length));
    return recall_enter(recall, fresh("shop"));
}

static void
unconfirmed_answers_count_on(void **state)
{
    struct recall *recall = recall_new();
    struct known *was = fresh("shop"), *known;

    (void)state;
    down(was);
    down(was);
    known = soft_again(recall, was);
    assert_int_equal(known->state.streak, 2);
    assert_int_equal(known->state.onset, 1000);
    assert_true(known->history && !known->state.changed);
    recall_end(was);
    recall_free(recall);
}

static void
a_streak_on_another_hard_state_counts_for_nothing(void **state)
{
    struct event_pool *pool = event_pool_new();
    struct recall *recall = recall_new();
    struct known *was = fresh("shop");

    (void)state;
    down(was); /* while UNKNOWN */
    restore(recall, change_of(pool, "shop", SONDE_UP));
    assert_int_equal(soft_again(recall, was)->state.streak, 0);
    recall_end(was);
    recall_free(recall);
    event_pool_free(pool);
}

/* ---- threads ---- */

static atomic_bool over;

static void
look(const struct known *known, void *arg)
{
    unsigned *most = arg;

    assert_true(known->origin->check[0] >= '0' && known->origin->check[0] <= '9');
    if (known->state.streak > *most)
        *most = known->state.streak;
}

static void *
reader(void *arg)
{
    unsigned most = 0;

    while (!atomic_load(&over))
        recall_each(arg, look, &most);
    assert_true(most <= rules.fall);
    return NULL;
}

static void
a_snapshot_is_taken_beside_the_judging(void **state)
{
    struct recall *recall = recall_new();
    struct known *entries[100];
    pthread_t thread;
    char name[32];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%d", i);
        entries[i] = recall_enter(recall, fresh(name));
    }
    pthread_create(&thread, NULL, reader, recall);
    for (int i = 0; i < 20000; i++) {
        struct known *known = entries[i % 100];

        recall_lock(recall, known);
        state_judge(&known->state, &rules, i / 100 % 7 ? SONDE_DOWN : SONDE_UP,
                    SONDE_OTHER, false, i);
        recall_unlock(recall, known);
        assert_true(known->state.streak < rules.fall); /* no lock on the check's loop */
        if (i % 10 == 0) { /* a reload meanwhile, and what was before is freed */
            struct known *next = fresh(known->origin->check);

            recall_exchange(recall, known, next);
            recall_end(next);
        }
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    recall_free(recall);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_enters_goes_on_with_what_is_known_of_the_name),
    cmocka_unit_test(a_check_that_goes_on_has_the_labels_of_the_other),
    cmocka_unit_test(who_is_in_no_table_is_freed_by_its_owner),
    cmocka_unit_test(who_was_restored_and_is_not_entered_is_swept),
    cmocka_unit_test(the_last_change_is_restored_and_removed_forgets),
    cmocka_unit_test(unconfirmed_answers_count_on),
    cmocka_unit_test(a_streak_on_another_hard_state_counts_for_nothing),
    cmocka_unit_test(a_snapshot_is_taken_beside_the_judging),
};

UNIT_MAIN(tests)
