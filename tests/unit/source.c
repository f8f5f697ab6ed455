/* SPDX-License-Identifier: Apache-2.0
 *
 * source.c - what becomes of an event that a source pushes: what is filled in, where it
 * goes, what is dropped as an echo, when there is no room, and what is told.
 */
#include "said.h"

#include "clock.h"
#include "conf.h"
#include "source.h"

static struct sink sinks[3] = { { .instance.name = "all" },
                                { .instance.name = "some" },
                                { .instance.name = "dead" } };
static struct sink *const list[] = { &sinks[0], &sinks[1], &sinks[2] };
static const struct label labels[] = { { "role", "of-the-section" }, { "site", "icn" } };
static struct arena memory;
static struct problems problems;
static struct router *router;
static struct source *source;
static atomic_ullong seq;

static atomic_uint resumes, settled_calls;
static atomic_ullong settled_to; /* of lane 0 */
static atomic_uint settled_worst;

static void
fake_resume(struct sonde_instance *self)
{
    (void)self;
    atomic_fetch_add(&resumes, 1);
}

static void
fake_settled(struct sonde_instance *self, uint64_t lane, uint64_t cookie,
             enum sonde_fate worst)
{
    (void)self;
    assert_int_equal(lane, 0);
    atomic_store(&settled_to, cookie);
    atomic_store(&settled_worst, worst);
    atomic_fetch_add(&settled_calls, 1);
}

static const struct sonde_option no_options[] = { { 0 } };
static const struct plugin fake = { .role = PLUGIN_SOURCE,
                                    .name = "fake",
                                    .options = no_options,
                                    .source = { .name = "fake",
                                                .options = no_options,
                                                .resume = fake_resume,
                                                .settled = fake_settled } };

static void
sink_set_up(struct sink *sink, size_t events, bool block)
{
    sink->queue = queue_new((struct queue_bounds){ events, 1 << 20 });
    queue_block(sink->queue, block);
    atomic_init(&sink->blocks, block);
}

static int
set_up(void **state)
{
    static const char *const routes =
        "routes = ( { name = \"r\"; to = [\"all\"]; match = { kind = [\"result\", "
        "\"change\"]; }; },\n"
        "{ name = \"s\"; to = [\"some\"]; match = { from = \"in\"; check = \"key-*\"; }; "
        "},\n"
        "{ name = \"t\"; to = [\"some\"]; match = { from = \"another\"; }; } );\n";

    said_enter(state);
    sink_set_up(&sinks[0], 8, true);
    sink_set_up(&sinks[1], 2, false);
    sink_set_up(&sinks[2], 100, false);
    said_write("r.conf", routes);
    router = router_new(setting_find(conf_read("r.conf", &memory, &problems), "routes"),
                        list, 3, &problems);
    said_is(&problems, "");
    atomic_store(&seq, 1000);
    resumes = settled_calls = 0;
    settled_to = 0;
    source = memory_new(sizeof(*source));
    instance_init(&source->instance, &fake, "in");
    source->home = (struct source_home){ .router = router,
                                         .otherwise = &sinks[2],
                                         .observer = "node-1",
                                         .labels = labels,
                                         .label_count = 2,
                                         .bounds = { 100, 1 << 20 },
                                         .seq = &seq };
    assert_int_equal(instance_open(&source->instance), 0);
    source_prepare(source);
    source_start(source);
    return 0;
}

static int
tear_down(void **state)
{
    int64_t deadline = clock_now() + 10 * CLOCK_SECOND;

    assert_true(source_stop(source, deadline));
    for (int i = 0; i < 3; i++)
        queue_free(sinks[i].queue);
    assert_true(source_end(source, deadline));
    source_deinit(source);
    free(source);
    router_free(router);
    arena_deinit(&memory);
    problems_deinit(&problems);
    return said_leave(state);
}

static void
on_loop(loop_fn *fn, void *arg)
{
    assert_true(loop_call(source->loop, fn, arg, clock_now() + 10 * CLOCK_SECOND));
}

static void
nothing(void *arg)
{
    (void)arg;
}

/* ---- an event ---- */

struct said {
    const char *fields[12][2];
    const char *json; /* decoded instead, where it is not NULL */
    uint64_t cookie;
    bool taken;
    struct sonde_event *held; /* it was not taken; or what to push */
};

static void
push(void *arg)
{
    struct said *said = arg;
    struct sonde_instance *self = &source->instance;
    struct sonde_event *event = said->held;
    const char *fault = NULL;

    if (!event)
        event = said->json ? sonde_decode(self, said->json, strlen(said->json), &fault)
                           : sonde_event_new(self);
    assert_null(fault);
    for (int i = 0; !said->held && said->fields[i][0]; i++)
        assert_int_equal(sonde_set(event, said->fields[i][0], said->fields[i][1],
                                   strlen(said->fields[i][1])),
                         0);
    said->taken = sonde_push(self, event, 0, said->cookie);
    said->held = said->taken ? NULL : event;
}

static void
drop(void *arg)
{
    sonde_event_unref(arg);
}

static bool
pushed(struct said *said)
{
    on_loop(push, said);
    return said->taken;
}

/* The only event of that queue, settled; NULL: it has none. */
static const char *
arrived(struct sink *sink, enum sonde_fate fate)
{
    static char json[4096];
    struct queue_entry *got[1];

    if (!queue_take(sink->queue, got, 1, true, clock_now()))
        return NULL;
    snprintf(json, sizeof(json), "%s", sonde_json(got[0]->event, NULL));
    queue_settle(sink->queue, got[0], fate, 0);
    on_loop(nothing, NULL); /* what was posted before has run */
    return json;
}

#define holds(json, what) assert_non_null(strstr(json, what))

static void
what_is_missing_is_filled_in(void **state)
{
    struct said said = {
        .fields = { { "labels.role", "of-the-event" }, { "details.n", "1" } }, .cookie = 1
    };
    const char *json;

    (void)state;
    assert_true(pushed(&said));
    json = arrived(&sinks[0], SONDE_DELIVERED);
    holds(json,
          "\"kind\":\"result\",\"observer\":\"node-1\",\"seq\":1000,\"check\":\"in\","
          "\"plugin\":\"fake\",\"state\":\"UNKNOWN\"");
    holds(json, "\"labels\":{\"role\":\"of-the-event\",\"site\":\"icn\"}");
    assert_null(strstr(json, "via"));
    assert_null(arrived(&sinks[1], SONDE_DELIVERED));
    assert_int_equal(atomic_load(&settled_to), 1);
    assert_int_equal(atomic_load(&settled_worst), SONDE_DELIVERED);
}

static void
what_is_said_is_kept(void **state)
{
    struct said said = { .fields = { { "check", "key-\x1B[2J7" },
                                     { "plugin", "other" },
                                     { "observer", "far" },
                                     { "id", "0198f0c4-0000-7000-8000-000000000001" },
                                     { "time", "2026-11-20T15:04:05.123456Z" },
                                     { "seq", "77" },
                                     { "kind", "change" },
                                     { "state", "DOWN" },
                                     { "previous", "UP" },
                                     { "hard", "true" },
                                     { "data", "{\"a\":\x01 1}" } },
                         .cookie = 1 };
    const char *json;

    (void)state;
    assert_true(pushed(&said));
    json = arrived(&sinks[1], SONDE_DELIVERED); /* by `from` and a glob */
    holds(json,
          "{\"id\":\"0198f0c4-0000-7000-8000-000000000001\","
          "\"time\":\"2026-11-20T15:04:05.123456Z\",\"kind\":\"change\","
          "\"observer\":\"far\",\"via\":[\"node-1\"],\"seq\":77,\"check\":\"key-?[2J7\","
          "\"plugin\":\"other\",\"state\":\"DOWN\",\"previous\":\"UP\",\"hard\":true");
    holds(json, "\"data\":\"{\\\"a\\\":? 1}\"");
    assert_int_equal(atomic_load(&settled_calls), 0); /* the other one has it still */
    assert_non_null(arrived(&sinks[0], SONDE_REJECTED));
    assert_int_equal(atomic_load(&settled_to), 1);
    assert_int_equal(atomic_load(&settled_worst), SONDE_REJECTED);
}

static void
set_wrongly(void *arg)
{
    /* clang-format off */
    static const char *const wrong[][2] = {
        { "kind", "chang" }, { "state", "" }, { "seq", "-1" }, { "seq", "1x" },
        { "id", "1" }, { "time", "today" }, { "hard", "maybe" }, { "labels.", "x" },
        { "labels.a b", "x" }, { "via", "x" }, { "reason", "L4CON" }, { "nonsense", "x" },
        { "attempt", "99999999999" }, { "seq", "99999999999999999999" },
    };
    /* clang-format on */
    struct sonde_event *event = sonde_event_new(&source->instance);

    (void)arg;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(sonde_set(event, wrong[i][0], wrong[i][1], strlen(wrong[i][1])),
                         -1);
    sonde_event_unref(event);
}

static void
what_cannot_be_is_not_set(void **state)
{
    (void)state;
    on_loop(set_wrongly, NULL);
}

#define HEAD(more)                                                                       \
    "{\"id\":\"0198f0c4-0000-7000-8000-000000000001\",\"time\":"                         \
    "\"2026-11-20T15:04:05.123456Z\",\"kind\":\"result\",\"check\":\"x\",\"seq\":"       \
    "5," more "}"

static void
a_relayed_event_keeps_what_it_is_and_says_through_whom(void **state)
{
    struct said said = { .json = HEAD("\"observer\":\"edge\",\"via\":[\"node-7\"]"),
                         .cookie = 1 };
    const char *json;

    (void)state;
    assert_true(pushed(&said));
    json = arrived(&sinks[0], SONDE_DELIVERED);
    holds(json, "\"observer\":\"edge\",\"via\":[\"node-7\",\"node-1\"],\"seq\":5,");
    holds(json, "{\"id\":\"0198f0c4-0000-7000-8000-000000000001\"");
    holds(json, "\"labels\":{\"role\":\"of-the-section\",\"site\":\"icn\"}");
}

static void
an_echo_is_dropped_and_settled(void **state)
{
    static const char *const echoes[] = {
        HEAD("\"observer\":\"node-1\""),
        HEAD("\"observer\":\"edge\",\"via\":[\"node-1\"]"),
        HEAD("\"observer\":\"edge\",\"via\":[\"a\",\"node-1\",\"b\"]"),
        HEAD("\"observer\":\"edge\",\"via\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\","
             "\"8\","
             "\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\"]"), /* it goes round
                                                                          */
    };

    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        struct said said = { .json = echoes[i], .cookie = i + 1 };

        assert_true(pushed(&said));
        assert_null(arrived(&sinks[0], SONDE_DELIVERED));
        on_loop(nothing, NULL);
        assert_int_equal(atomic_load(&settled_to), i + 1);
        assert_int_equal(atomic_load(&settled_worst), SONDE_DELIVERED);
    }
    assert_int_equal(atomic_load(&source->lines[SOURCE_ECHOES]), 4);
}

static void
what_is_broken_goes_to_otherwise_only(void **state)
{
    struct said said = { .fields = { { "kind", "broken" },
                                     { "message", "it is no JSON object" },
                                     { "data", "%$&" } },
                         .cookie = 1 };
    const char *json;

    (void)state;
    assert_true(pushed(&said));
    assert_null(arrived(&sinks[0], SONDE_DELIVERED));
    json = arrived(&sinks[2], SONDE_DELIVERED);
    holds(json, "\"kind\":\"broken\"");
    holds(json, "\"message\":\"it is no JSON object\"");
    holds(json, "\"data\":\"%$&\"");
    assert_int_equal(atomic_load(&settled_to), 1);
    assert_int_equal(atomic_load(&source->lines[SOURCE_BROKEN]), 1);
}

static bool
push_plain(uint64_t cookie)
{
    struct said said = { .fields = { { "kind", "change" }, { "check", "key-1" } },
                         .cookie = cookie };
    bool taken = pushed(&said);

    if (!taken)
        on_loop(drop, said.held);
    return taken;
}

static bool
comes(atomic_uint *counter, unsigned value)
{
    int64_t until = clock_now() + 5 * CLOCK_SECOND;

    while (atomic_load(counter) < value && clock_now() < until)
        on_loop(nothing, NULL);
    return atomic_load(counter) == value;
}

static void
a_full_sink_that_blocks_holds_the_source(void **state)
{
    struct said again = { .fields = { { "check", "x" } }, .cookie = 9 };

    (void)state;
    for (uint64_t n = 1; n <= 8; n++)
        assert_true(push_plain(n));
    assert_false(pushed(&again) || pushed(&again));
    assert_int_equal(queue_count(sinks[0].queue), 8);
    assert_int_equal(queue_sum(sinks[0].queue).dropped, 0);
    for (int i = 0; i < 4; i++)
        assert_non_null(arrived(&sinks[0], SONDE_DELIVERED));
    assert_int_equal(atomic_load(&resumes), 0); /* half full still */
    assert_non_null(arrived(&sinks[0], SONDE_DELIVERED));
    assert_true(comes(&resumes, 1));
    assert_true(pushed(&again)); /* the same event, and no echo of itself */
    assert_int_equal(atomic_load(&source->lines[SOURCE_ECHOES]), 0);
    assert_int_equal(atomic_load(&source->lines[SOURCE_HELD]), 2);
    assert_int_equal(atomic_load(&resumes), 1);
}

/* The sink "some" takes two changes and drops the older ones, which counts as given up.
 */
static void
a_full_sink_that_drops_holds_nobody(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 40; n++) {
        assert_true(push_plain(n));
        assert_non_null(arrived(&sinks[0], SONDE_DELIVERED));
    }
    assert_int_equal(queue_sum(sinks[1].queue).dropped, 38);
    assert_int_equal(atomic_load(&settled_to), 38);
    assert_int_equal(atomic_load(&settled_worst), SONDE_REJECTED);
    assert_int_equal(atomic_load(&resumes), 0);
}

/* Checks never wait: where theirs and a source's meet in a full queue, theirs go. */
static void
what_a_source_asks_after_is_never_dropped_by_a_sink_that_blocks(void **state)
{
    struct origin *origin = origin_new("own", "tcp", "node-1", NULL, 0);
    struct event_pool *pool = event_pool_new();
    int mine = 0;

    (void)state;
    for (uint64_t n = 1; n <= 6; n++)
        assert_true(push_plain(n));
    for (int i = 0; i < 10; i++) {
        struct sonde_event *event = event_new(pool, origin);

        event->kind = EVENT_CHANGE;
        queue_push(sinks[0].queue, event, "r");
        event_unref(event);
    }
    assert_int_equal(queue_count(sinks[0].queue), 8);
    for (int i = 0; i < 8; i++) {
        const char *json = arrived(&sinks[0], SONDE_DELIVERED);

        mine += strstr(json, "key-1") != NULL;
    }
    assert_int_equal(mine, 6);
    origin_unref(origin);
    event_pool_free(pool);
}

static void
the_source_itself_is_bounded(void **state)
{
    struct said said = { .fields = { { "kind", "broken" } }, .cookie = 101 };

    (void)state;
    for (uint64_t n = 1; n <= 100; n++)
        assert_true(
            pushed(&(struct said){ .fields = { { "kind", "broken" } }, .cookie = n }));
    assert_false(pushed(&said));
    for (int i = 0; i < 51; i++)
        assert_non_null(arrived(&sinks[2], SONDE_DELIVERED));
    assert_true(comes(&resumes, 1));
    assert_true(pushed(&said));
}

static void
what_is_left_at_the_end_is_not_told(void **state)
{
    (void)state;
    assert_true(push_plain(1) && push_plain(2));
    assert_non_null(arrived(&sinks[0], SONDE_DELIVERED));
    assert_non_null(arrived(&sinks[1], SONDE_DELIVERED));
    assert_true(source_stop(source, clock_now() + 10 * CLOCK_SECOND));
    assert_false(push_plain(3)); /* it was stopped */
    for (int i = 0; i < 2; i++) {
        queue_free(sinks[i].queue);
        sinks[i].queue = NULL;
    }
    on_loop(nothing, NULL);
    assert_int_equal(atomic_load(&settled_to), 1);
}

static void
what_arrives_after_the_stop_is_told(void **state)
{
    (void)state;
    assert_true(push_plain(1));
    assert_true(source_stop(source, clock_now() + 10 * CLOCK_SECOND));
    assert_non_null(arrived(&sinks[0], SONDE_DELIVERED));
    assert_non_null(arrived(&sinks[1], SONDE_DELIVERED));
    assert_int_equal(atomic_load(&settled_to), 1);
}

/* A far side may make names up. */
static void
any_number_of_checks_is_bounded_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 25000; n++) {
        char name[32];
        struct said said = { .fields = { { "check", name } }, .cookie = n };

        snprintf(name, sizeof(name), "made-up-%u", (unsigned)n);
        assert_true(pushed(&said));
        assert_non_null(arrived(&sinks[0], SONDE_DELIVERED));
    }
    assert_int_equal(atomic_load(&settled_to), 25000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(what_is_missing_is_filled_in),
    TEST(what_is_said_is_kept),
    TEST(what_cannot_be_is_not_set),
    TEST(a_relayed_event_keeps_what_it_is_and_says_through_whom),
    TEST(an_echo_is_dropped_and_settled),
    TEST(what_is_broken_goes_to_otherwise_only),
    TEST(a_full_sink_that_blocks_holds_the_source),
    TEST(a_full_sink_that_drops_holds_nobody),
    TEST(what_a_source_asks_after_is_never_dropped_by_a_sink_that_blocks),
    TEST(the_source_itself_is_bounded),
    TEST(what_is_left_at_the_end_is_not_told),
    TEST(what_arrives_after_the_stop_is_told),
    TEST(any_number_of_checks_is_bounded_memory),
};

UNIT_MAIN(tests)
