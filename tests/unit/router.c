/* SPDX-License-Identifier: Apache-2.0
 *
 * router.c - which events reach which sinks, and what is said of wrong routes.
 */
#include "said.h"

#include "clock.h"
#include "conf.h"
#include "router.h"

static struct sink sinks[3] = { { .instance.name = "alerts" },
                                { .instance.name = "current" },
                                { .instance.name = "all" } };
static struct sink *const list[] = { &sinks[0], &sinks[1], &sinks[2] };
static struct event_pool *pool;
static struct arena memory;
static struct problems problems;
static struct router *router;

static int
set_up(void **state)
{
    for (int i = 0; i < 3; i++)
        sinks[i].queue = queue_new((struct queue_bounds){ 100, 1 << 20 });
    pool = event_pool_new();
    return said_enter(state);
}

static int
tear_down(void **state)
{
    router_free(router);
    router = NULL;
    for (int i = 0; i < 3; i++)
        queue_free(sinks[i].queue);
    event_pool_free(pool);
    arena_deinit(&memory);
    problems_deinit(&problems);
    return said_leave(state);
}

static void
read_routes(const char *routes)
{
    const struct setting *root;

    said_write("r.conf", routes);
    root = conf_read("r.conf", &memory, &problems);
    router = router_new(setting_find(root, "routes"), list, 3, &problems);
}

static struct origin *
check(const char *name, const char *plugin, const char *role)
{
    struct label label = { "role", role };

    return origin_new(name, plugin, "node-1", &label, role ? 1 : 0);
}

/* "alerts(by-route) current(other)" for an event of the check, which it consumes. */
static const char *
reached_by(struct origin *origin, enum event_kind kind, enum sonde_state state,
           enum sonde_state previous, enum sonde_reason reason)
{
    static char said[256];
    const struct path *path = router_path(router, origin);
    struct sonde_event *event = event_new(pool, origin);
    struct queue_entry *got[8];

    event->kind = kind;
    event->state = state;
    event->previous = previous;
    event->reason = reason;
    router_push(path, event);
    said[0] = '\0';
    for (int i = 0; i < 3; i++) {
        size_t count = queue_take(sinks[i].queue, got, 8, true, clock_now());
        const char *reaches = path_reaches(path, event, &sinks[i]);

        assert_true(count <= 1); /* a sink gets an event once */
        assert_int_equal(count, reaches ? 1 : 0);
        if (!count)
            continue;
        assert_string_equal(got[0]->route->name, reaches);
        assert_ptr_equal(got[0]->event, event);
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s(%s)",
                 said[0] ? " " : "", sinks[i].instance.name, got[0]->route->name);
        queue_settle(sinks[i].queue, got[0], SONDE_DELIVERED, 0);
    }
    event_unref(event);
    origin_unref(origin);
    return said;
}

static const char *
down(const char *name, const char *plugin, const char *role)
{
    return reached_by(check(name, plugin, role), EVENT_CHANGE, SONDE_DOWN, SONDE_UP,
                      SONDE_L4CON);
}

static void
a_route_takes_changes_unless_it_says_otherwise(void **state)
{
    (void)state;
    read_routes("routes = ( { name = \"r\"; to = [\"alerts\"]; },\n"
                "{ name = \"s\"; match = { kind = [\"result\", \"broken\"]; }; to = "
                "[\"all\"]; } );\n");
    assert_string_equal(down("a", "tcp", NULL), "alerts(r)");
    assert_string_equal(
        reached_by(check("a", "tcp", NULL), EVENT_RESULT, SONDE_UP, 0, SONDE_OK),
        "all(s)");
    assert_string_equal(reached_by(check("a", "tcp", NULL), EVENT_BROKEN, 0, 0, 0),
                        "all(s)");
    said_is(&problems, "");
}

static void
all_keys_must_hold_and_any_value_of_a_list_suffices(void **state)
{
    (void)state;
    read_routes(
        "routes = ( { name = \"r\"; to = [\"alerts\"]; match = {\n"
        "  state = [\"DOWN\", \"UNKNOWN\"]; previous = \"UP\"; reason = [\"L4CON\"];\n"
        "  check = [\"x*\", \"web-?\"]; plugin = \"tcp\"; labels = { role = [\"db\", "
        "\"d*\"]; };\n"
        "}; } );\n");
    said_is(&problems, "");
    assert_string_equal(down("web-1", "tcp", "db"), "alerts(r)");
    assert_string_equal(down("web-1", "tcp", "dns"), "alerts(r)");
    assert_string_equal(down("web-11", "tcp", "db"), "");
    assert_string_equal(down("web-1", "http", "db"), "");
    assert_string_equal(down("web-1", "tcp", "web"), "");
    assert_string_equal(down("web-1", "tcp", NULL), "");
    assert_string_equal(reached_by(check("web-1", "tcp", "db"), EVENT_CHANGE,
                                   SONDE_DEGRADED, SONDE_UP, SONDE_L4CON),
                        "");
    assert_string_equal(reached_by(check("web-1", "tcp", "db"), EVENT_CHANGE, SONDE_DOWN,
                                   SONDE_UNKNOWN, SONDE_L4CON),
                        "");
    assert_string_equal(reached_by(check("web-1", "tcp", "db"), EVENT_CHANGE, SONDE_DOWN,
                                   SONDE_UP, SONDE_L4TOUT),
                        "");
}

static void
not_excludes_an_event_for_which_all_its_keys_hold(void **state)
{
    (void)state;
    read_routes(
        "routes = ( { name = \"r\"; to = [\"alerts\"]; match = {\n"
        "  not = { labels = { role = \"test\"; }; state = \"DOWN\"; }; }; },\n"
        "{ name = \"s\"; to = [\"all\"]; match = { not = { check = \"x*\"; }; }; } );\n");
    said_is(&problems, "");
    assert_string_equal(down("a", "tcp", "db"), "alerts(r) all(s)");
    assert_string_equal(down("a", "tcp", "test"), "all(s)");
    assert_string_equal(reached_by(check("a", "tcp", "test"), EVENT_CHANGE, SONDE_UP,
                                   SONDE_DOWN, SONDE_OK),
                        "alerts(r) all(s)");
    assert_string_equal(down("xa", "tcp", "test"), "");
}

static void
the_first_route_that_names_a_sink_owns_the_event(void **state)
{
    (void)state;
    read_routes("routes = ( { name = \"db\"; match = { labels = { role = \"db\"; }; }; "
                "to = [\"alerts\", \"all\"]; },\n"
                "{ name = \"every\"; to = [\"current\", \"alerts\"]; } );\n");
    assert_string_equal(down("a", "tcp", "db"), "alerts(db) current(every) all(db)");
    assert_string_equal(down("a", "tcp", "web"), "alerts(every) current(every)");
}

static void
checks_alike_share_a_path(void **state)
{
    struct origin *a = check("a", "tcp", "db"), *b = check("b", "http", "db");
    struct origin *c = check("c", "tcp", "web");

    (void)state;
    read_routes("routes = ( { name = \"r\"; match = { labels = { role = \"db\"; }; }; to "
                "= [\"alerts\"]; } );\n");
    assert_ptr_equal(router_path(router, a), router_path(router, b));
    assert_ptr_not_equal(router_path(router, a), router_path(router, c));
    origin_unref(a);
    origin_unref(b);
    origin_unref(c);
}

static void
from_names_a_source_and_matches_no_check(void **state)
{
    (void)state;
    read_routes(
        "routes = ( { name = \"r\"; match = { from = \"edge\"; }; to = [\"alerts\"]; },\n"
        "{ name = \"s\"; match = { not = { from = \"edge\"; }; }; to = [\"all\"]; } "
        ");\n");
    said_is(&problems, "");
    assert_string_equal(down("a", "tcp", NULL), "all(s)");
    assert_true(router_route_idle(router, 0));
    assert_false(router_route_idle(router, 1));
    assert_true(router_sink_idle(router, &sinks[1]));
    assert_false(router_sink_idle(router, &sinks[0]));
    assert_int_equal(router_route_count(router), 2);
    assert_string_equal(router_route_name(router, 1), "s");
    assert_int_equal(router_route_place(router, 1).line, 2);
}

static void
no_routes_reach_nothing(void **state)
{
    (void)state;
    router = router_new(NULL, list, 3, &problems);
    assert_string_equal(down("a", "tcp", NULL), "");
}

static void
every_slip_is_told_with_its_line_and_the_nearest_name(void **state)
{
    (void)state;
    read_routes(
        "routes = (\n"
        "{ name = \"a\"; to = [\"alert\", \"all\", \"all\"]; match = { state = "
        "[\"UPP\"]; }; },\n"
        "{ name = \"a\"; mach = { }; to = []; },\n"
        "{ to = [\"all\"]; match = { kind = \"chnge\"; reson = \"OK\"; reason = "
        "\"L4CN\"; }; },\n"
        "{ name = \"b\"; match = { check = 3; labels = { role = []; }; not = { }; }; },\n"
        "{ name = \"c\"; to = [\"all\"]; match = { not = { not = { }; check = \"x\"; }; "
        "labels = \"db\"; }; }\n"
        ");\n");
    said_is(
        &problems,
        "r.conf:2: warning: route \"a\": sink \"all\" is named twice\n"
        "r.conf:2: route \"a\": unknown sink \"alert\"; did you mean \"alerts\"?\n"
        "r.conf:2: route \"a\": unknown state \"UPP\"; did you mean \"UP\"?\n"
        "r.conf:3: route \"a\": \"to\" names no sink\n"
        "r.conf:3: route \"a\": the name is taken at r.conf:2\n"
        "r.conf:3: route \"a\": unknown key \"mach\"; did you mean \"match\"?\n"
        "r.conf:4: a route without a name: every route has one, as a text\n"
        "r.conf:4: route \"?\": unknown key \"reson\"; did you mean \"reason\"?\n"
        "r.conf:4: route \"?\": unknown kind \"chnge\"; did you mean \"change\"?\n"
        "r.conf:4: route \"?\": unknown reason \"L4CN\"; did you mean \"L4CON\"?\n"
        "r.conf:5: route \"b\": \"to\" names no sink\n"
        "r.conf:5: route \"b\": check is an integer; expected a text or a list of texts\n"
        "r.conf:5: route \"b\": not: expected a group that names what to leave out\n"
        "r.conf:5: route \"b\": role is an empty list, which nothing matches\n"
        "r.conf:6: route \"c\": labels is a text; expected a group, as in { role = "
        "\"db\"; }\n"
        "r.conf:6: route \"c\": unknown key \"not\"\n");
}

#define ROUTER_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Whether a route, written in two ways, asks the same and leads to the same sinks. */
static bool
same(const char *one, const char *other)
{
    struct router *first;
    bool same;

    read_routes(one);
    first = router;
    read_routes(other);
    said_is(&problems, "");
    same = router_route_same(first, 0, router, 0);
    router_free(first);
    router_free(router);
    router = NULL;
    return same;
}

#define ROUTE(match, to)                                                                 \
    "routes = ( { name = \"r\"; match = { " match " }; to = [" to "]; } );\n"

static void
routes_are_the_same_that_ask_and_lead_the_same(void **state)
{
    (void)state;
    assert_true(same(ROUTE("", "\"all\""), ROUTE("kind = \"change\";", "\"all\"")));
    assert_true(same(ROUTE("state = [\"UP\", \"DOWN\"];", "\"all\""),
                     ROUTE("state = [\"DOWN\", \"UP\"];", "\"all\"")));
    assert_false(same(ROUTE("", "\"all\""), ROUTE("", "\"alerts\"")));
    assert_false(same(ROUTE("", "\"all\""), ROUTE("", "\"all\", \"alerts\"")));
    assert_false(
        same(ROUTE("", "\"all\""), ROUTE("kind = [\"change\", \"result\"];", "\"all\"")));
    assert_false(
        same(ROUTE("check = \"a\";", "\"all\""), ROUTE("check = \"b\";", "\"all\"")));
    assert_false(same(ROUTE("plugin = [\"a\"];", "\"all\""),
                      ROUTE("plugin = [\"a\", \"b\"];", "\"all\"")));
    assert_false(same(ROUTE("labels = { a = \"b\"; };", "\"all\""),
                      ROUTE("labels = { a = \"b\"; c = \"d\"; };", "\"all\"")));
    assert_false(same(ROUTE("labels = { a = \"b\"; };", "\"all\""),
                      ROUTE("labels = { a = \"c\"; };", "\"all\"")));
    assert_false(
        same(ROUTE("not = { state = \"UP\"; };", "\"all\""), ROUTE("", "\"all\"")));
    assert_false(same(ROUTE("not = { state = \"UP\"; };", "\"all\""),
                      ROUTE("not = { state = \"DOWN\"; };", "\"all\"")));
}

static void
a_sink_that_stays_takes_the_place_of_another(void **state)
{
    (void)state;
    read_routes(ROUTE("", "\"alerts\", \"current\""));
    assert_string_equal(down("a", "tcp", NULL), "alerts(r) current(r)");
    router_exchange(router, &sinks[0], &sinks[2]);
    assert_string_equal(down("a", "tcp", NULL), "current(r) all(r)");
    assert_true(router_sink_idle(router, &sinks[0]));
    assert_false(router_sink_idle(router, &sinks[2]));
}

static const struct CMUnitTest tests[] = {
    ROUTER_TEST(a_route_takes_changes_unless_it_says_otherwise),
    ROUTER_TEST(all_keys_must_hold_and_any_value_of_a_list_suffices),
    ROUTER_TEST(not_excludes_an_event_for_which_all_its_keys_hold),
    ROUTER_TEST(the_first_route_that_names_a_sink_owns_the_event),
    ROUTER_TEST(checks_alike_share_a_path),
    ROUTER_TEST(from_names_a_source_and_matches_no_check),
    ROUTER_TEST(no_routes_reach_nothing),
    ROUTER_TEST(routes_are_the_same_that_ask_and_lead_the_same),
    ROUTER_TEST(a_sink_that_stays_takes_the_place_of_another),
    ROUTER_TEST(every_slip_is_told_with_its_line_and_the_nearest_name),
};

UNIT_MAIN(tests)
