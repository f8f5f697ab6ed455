/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon.c - the process.  See daemon.h.
 *
 * The main thread has a loop of its own, for signals and for what a reload leaves to be
 * done.  Making, swapping and freeing graphs happens on it, beside the loops that probe
 * and deliver.
 */
#include "config.h"

#include "daemon.h"

#include "clock.h"
#include "graph.h"
#include "log.h"
#include "notify.h"
#include "preview.h"
#include "statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    DAEMON_DEADLINE = 10,      /* seconds for what waits to be delivered at the end */
    DAEMON_DESCRIPTORS = 16384 /* for which there is room from the start */
};

#define DAEMON_AGAIN (10 * CLOCK_MS)    /* to look whether the reload before is over */
#define DAEMON_LATE  (5 * CLOCK_SECOND) /* a reload should not take */

#define DAEMON_NOTHING "nothing was started"

struct daemon {
    const char *path;
    struct plugins *plugins;
    struct engine engine;
    struct graph *graph;
    struct retired retired;
    struct keep *keep;
    struct loop *loop;
    struct timer reload; /* asked for while the one before is not over */
    struct timer late;   /* of a reload that is under way */
    int signals, state_lock;
    bool ending;
};

/* Prints what is wrong or doubtful.  NULL: wrong, with this consequence. */
static struct graph *
daemon_build(const char *path, struct plugins *plugins, struct engine *engine,
             const char *consequence)
{
    struct problems problems = { 0 };
    struct graph *graph = graph_new(path, plugins, engine, &problems);

    problem_print(&problems, stderr);
    if (!graph)
        fprintf(stderr, "%zu error%s: %s\n", problems.errors,
                problems.errors == 1 ? "" : "s", consequence);
    problems_deinit(&problems);
    return graph;
}

/* The first one, for which the engine is made; NULL: told. */
static struct graph *
daemon_build_first(const char *path, struct plugins *plugins, struct engine *engine)
{
    struct graph *graph = daemon_build(path, plugins, engine, DAEMON_NOTHING);

    if (!graph)
        engine_deinit(engine);
    return graph;
}

static void
daemon_free(struct graph *graph, struct engine *engine)
{
    graph_free(graph);
    engine_deinit(engine);
}

static int64_t
daemon_deadline(void)
{
    return clock_now() + DAEMON_DEADLINE * CLOCK_SECOND;
}

static void
daemon_say(const struct graph *graph, const char *what)
{
    size_t checks = graph->check_count - 1; /* without the daemon's own */
    size_t routes = router_route_count(graph->router);

    AUTO_FREE char *sources = graph->source_count
                                  ? memory_format("%zu source%s, ", graph->source_count,
                                                  graph->source_count == 1 ? "" : "s")
                                  : memory_text("");

    log_info("%s %zu check%s, %s%zu sink%s, %zu route%s", what, checks,
             checks == 1 ? "" : "s", sources, graph->sink_count,
             graph->sink_count == 1 ? "" : "s", routes, routes == 1 ? "" : "s");
}

/* ---- signals ---- */

static void
daemon_reloaded(const char *diff, void *arg)
{
    struct daemon *daemon = arg;
    AUTO_FREE char *what = memory_format("reloaded: %s;",
                                         *diff ? diff : "nothing changed");
    struct keep_options options;

    graph_keep_options(daemon->graph, &options);
    keep_retune(daemon->keep, &options);
    loop_clear(daemon->loop, &daemon->late);
    daemon_say(daemon->graph, what);
    if (!daemon->ending)
        notify_send("READY=1");
}

static void
daemon_late(struct timer *timer)
{
    (void)timer;
    log_warning("the reload goes on when a loop has come back that is stuck in a plugin");
}

/* One after the other: queues may still be on their way from the sinks of the one
 * before. */
static bool
daemon_is_reloading(const struct daemon *daemon)
{
    return daemon->engine.pending || daemon->retired.heirs;
}

static void
daemon_reload(struct timer *timer)
{
    struct daemon *daemon = container_of(timer, struct daemon, reload);
    struct graph *old = daemon->graph, *graph;

    if (daemon->ending)
        return;
    if (daemon_is_reloading(daemon)) {
        loop_set(daemon->loop, &daemon->reload, clock_now() + DAEMON_AGAIN);
        return;
    }
    notify_send("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_now() / 1000));
    graph = daemon_build(daemon->path, daemon->plugins, &daemon->engine,
                         "the configuration that runs goes on unchanged");
    if (!graph) {
        notify_send("READY=1");
        return;
    }
    daemon->graph = graph;
    log_level((enum sonde_level)graph->options.log);
    loop_set(daemon->loop, &daemon->late, clock_now() + DAEMON_LATE);
    graph_swap(graph, old, &daemon->retired, daemon_reloaded, daemon);
}

static void
daemon_signal(void *arg)
{
    struct daemon *daemon = arg;
    struct signalfd_siginfo signal;

    while (read(daemon->signals, &signal, sizeof(signal)) == sizeof(signal)) {
        switch (signal.ssi_signo) {
        case SIGHUP:
            daemon_reload(&daemon->reload);
            break;
        case SIGUSR1:
            graph_log_counts(daemon->graph);
            break;
        default:
            loop_quit(daemon->loop);
        }
    }
}

/* Blocked in every thread; read on the main loop. */
static int
daemon_hear(void)
{
    sigset_t heard;

    sigemptyset(&heard);
    sigaddset(&heard, SIGTERM);
    sigaddset(&heard, SIGINT);
    sigaddset(&heard, SIGHUP);
    sigaddset(&heard, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &heard, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- running ---- */

/* Who does not want to wait for the deadline sends the signal again: it kills. */
static void
daemon_hear_no_more(void)
{
    sigset_t deadly;

    sigemptyset(&deadly);
    sigaddset(&deadly, SIGTERM);
    sigaddset(&deadly, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &deadly, NULL);
}

static int
daemon_finish(struct daemon *daemon)
{
    bool ended;

    log_info("ending; up to %d s for what waits", DAEMON_DEADLINE);
    notify_send("STOPPING=1");
    daemon_hear_no_more();
    daemon->ending = true;
    ended = graph_stop(daemon->graph, &daemon->retired, daemon_deadline());
    graph_log_counts(daemon->graph);
    if (!ended) {
        keep_flush(daemon->keep, clock_now() + CLOCK_SECOND);
        log_warning("ended with threads stuck in plugins");
        _exit(DAEMON_FAILED); /* their memory must stay while they run */
    }
    daemon_free(daemon->graph, &daemon->engine);
    keep_free(daemon->keep);
    loop_free(daemon->loop);
    memory_close(&daemon->signals);
    memory_close(&daemon->state_lock);
    return DAEMON_OK;
}

/* When the table of descriptors grows while there are several threads, the kernel holds
 * the one that opened a socket until all others have been through the scheduler: up to
 * 0.3 s were seen on a busy machine.  Growing it now costs 128 KiB. */
static void
daemon_grow_descriptors(void)
{
    struct rlimit limit;
    int fd;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC,
               limit.rlim_cur < DAEMON_DESCRIPTORS ? (int)limit.rlim_cur - 1
                                                   : DAEMON_DESCRIPTORS - 1);
    if (fd != -1)
        close(fd);
}

/* Takes what survived the last end. */
static bool
daemon_keep(struct daemon *daemon)
{
    const struct graph *graph = daemon->graph;
    const char *directory = statedir_path(graph->options.state_dir);
    struct keep_options options;
    char why[JOURNAL_WHY];

    if (statedir_take(graph->options.state_dir, "give this one a state_dir of its own",
                      &daemon->state_lock)
        == -1)
        return false;
    daemon->keep = daemon->engine.keep = keep_new();
    graph_keep_options(graph, &options);
    if (!directory
        || keep_open(daemon->keep, directory, &options, &daemon->engine.seq, why) == 0)
        return true;
    log_error("journal: %s", why);
    keep_free(daemon->keep);
    return false;
}

static void
daemon_started(const char *diff, void *arg)
{
    (void)diff, (void)arg;
}

static void
daemon_start(struct daemon *daemon)
{
    daemon->loop = daemon->engine.main = loop_new("sonded");
    loop_watch(daemon->loop, daemon->signals, daemon_signal, daemon);
    timer_init(&daemon->reload, daemon_reload);
    timer_init(&daemon->late, daemon_late);
    retired_init(&daemon->retired, &daemon->engine);
    graph_swap(daemon->graph, NULL, &daemon->retired, daemon_started, NULL);
    keep_start(daemon->keep);
    daemon_say(daemon->graph, "sonded " PACKAGE_VERSION ":");
    graph_say_orphans(daemon->graph);
    notify_send("READY=1");
}

int
daemon_run(const char *path, struct plugins *plugins)
{
    struct daemon daemon = { .path = path, .plugins = plugins, .state_lock = -1 };

    atomic_init(&daemon.engine.seq, (unsigned long long)clock_wall());
    daemon_grow_descriptors();
    daemon.signals = daemon_hear();
    daemon.graph = daemon_build_first(path, plugins, &daemon.engine);
    if (!daemon.graph)
        return DAEMON_WRONG;
    log_level((enum sonde_level)daemon.graph->options.log);
    if (!daemon_keep(&daemon)) {
        daemon_free(daemon.graph, &daemon.engine);
        return DAEMON_FAILED;
    }
    daemon_start(&daemon);
    loop_run(daemon.loop);
    return daemon_finish(&daemon);
}

int
daemon_check(const char *path, struct plugins *plugins)
{
    struct engine engine = { 0 };
    struct graph *graph = daemon_build_first(path, plugins, &engine);

    if (!graph)
        return DAEMON_WRONG;
    preview_print(graph, stdout);
    daemon_free(graph, &engine);
    return DAEMON_OK;
}

/* ---- --once ---- */

struct once {
    pthread_mutex_t lock;
    pthread_cond_t all;
    size_t left, not_up;
};

static void
daemon_once_result(struct check *check, const struct sonde_event *result, void *arg)
{
    const struct encoded *line = event_encoded(result, EVENT_TEXT);
    struct once *once = arg;

    (void)check;
    pthread_mutex_lock(&once->lock);
    printf("%s\n", line->bytes);
    once->not_up += result->state != SONDE_UP;
    if (--once->left == 0)
        pthread_cond_signal(&once->all);
    pthread_mutex_unlock(&once->lock);
}

int
daemon_once(const char *path, struct plugins *plugins)
{
    struct engine engine = { 0 };
    struct once once = { 0 };
    struct graph *graph;

    signal(SIGPIPE, SIG_IGN);
    graph = daemon_build_first(path, plugins, &engine);
    if (!graph)
        return DAEMON_WRONG;
    pthread_mutex_init(&once.lock, NULL);
    pthread_cond_init(&once.all, NULL);
    once.left = graph->check_count - 1; /* without the daemon itself */
    graph_start_once(graph, daemon_once_result, &once);
    pthread_mutex_lock(&once.lock);
    while (once.left)
        pthread_cond_wait(&once.all, &once.lock);
    pthread_mutex_unlock(&once.lock);
    fflush(stdout);
    if (!graph_stop(graph, NULL, daemon_deadline()))
        _exit(once.not_up ? DAEMON_FAILED : DAEMON_OK);
    daemon_free(graph, &engine);
    return once.not_up ? DAEMON_FAILED : DAEMON_OK;
}
