/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin.h - everything a Sonde plugin may use, and nothing else.
 *
 * A plugin is one shared object that exports one constant: a probe (answers when
 * asked), a source (hears by itself) or a sink (delivers).  The core owns time,
 * threads, retries, judgement and routing; a plugin owns its protocol.
 *
 * Life of an instance, which is one configured section of a plugin; an absent
 * callback does nothing and succeeds:
 *   open   checks the options and prepares.  It touches nothing outside the
 *          process: it also runs for `sonded --check` and for a reload that
 *          may be given up.
 *   start  connects, binds, subscribes.  -1 means not yet: the instance is
 *          closed and tried anew from open, with growing pauses.
 *   stop   after a start that succeeded: lets go of what lives on the loop, where
 *          watches, timers and posts left over go too.
 *   close  frees the rest, joins own threads.  It runs whatever open answered.
 *
 * Threads: open and close run beside the loops and may block for a moment.
 * An instance with run or write lives on a worker: start, stop, run and write may
 * block there, and the loop section below is not for it.  Everything else runs on
 * the instance's loop (a source has one of its own) and must not block.  Callbacks
 * of one instance never overlap, except where said.  Functions marked [any] may be
 * called from any thread, the others only on the instance's own loop or worker.
 *
 * Ownership: text given to the core is copied.  What the core hands over (an event
 * to fill, a batch) goes back exactly once, by its answer or by cancel returning.
 *
 * All of this only grows at the end.  A plugin that uses what an older daemon lacks
 * is refused by it with a sentence; everything else loads both ways.
 */
#ifndef SONDE_PLUGIN_H
#define SONDE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SONDE_ABI 1
#define SONDE_PRINTF(n) __attribute__((format(printf, n, (n) + 1)))

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)    /* the daemon itself is built hidden */
struct sonde_instance; struct sonde_event; struct sonde_template; struct sonde_watch;
struct sonde_timer; struct sonde_batch; struct sonde_item; /* events for a sink, one of them */

/* In each, 0 is what must hold when somebody forgot to say. */
enum sonde_state { SONDE_UNKNOWN, SONDE_UP, SONDE_DEGRADED, SONDE_DOWN };
enum sonde_fate  { SONDE_RETRY, SONDE_DELIVERED, SONDE_REJECTED };
enum sonde_level { SONDE_DEBUG, SONDE_INFO, SONDE_WARNING, SONDE_ERROR };
enum sonde_phase { SONDE_DNS, SONDE_CONNECT, SONDE_TLS, SONDE_SEND, SONDE_FIRST_BYTE,
                   SONDE_TRANSFER };
enum sonde_reason {
    SONDE_OTHER, SONDE_OK,
    SONDE_DNSERR, SONDE_DNSTOUT,              /* no such name; the resolver is silent */
    SONDE_L4CON, SONDE_L4TOUT, SONDE_L4UNR,   /* refused; not in time; unreachable */
    SONDE_L6RSP, SONDE_L6TOUT, SONDE_L6CERT,  /* TLS: failed, not in time, certificate */
    SONDE_L7RSP, SONDE_L7STS, SONDE_L7BODY,   /* broken answer, wrong status, wrong content */
    SONDE_L7BIG, SONDE_L7TOUT,                /* too large, not in time */
    SONDE_CLOSED,                             /* a held connection broke */
    SONDE_PROCNONE, SONDE_PROCEXIT, SONDE_PROCMANY,   /* none, has ended, too many */
    SONDE_EXITSTS, SONDE_SIGNAL,              /* a command's exit status, or its signal */
    SONDE_LIMIT, SONDE_STALE,                 /* threshold crossed; nothing heard in time */
    SONDE_TIMEOUT,                            /* no answer by the deadline */
    SONDE_REMOVED,                            /* the check is no more */
    SONDE_OBSERVER                            /* our own fault, says nothing about the target */
};

/* ---- options: one row drives parsing, checking, redaction, the manual ---- */

enum sonde_kind {
    SONDE_KIND_END, SONDE_KIND_STRING, SONDE_KIND_STRINGS, SONDE_KIND_BOOL,
    SONDE_KIND_INTEGER, SONDE_KIND_REAL, SONDE_KIND_DURATION, SONDE_KIND_SIZE,
    SONDE_KIND_CHOICE, SONDE_KIND_TEMPLATE, SONDE_KIND_TEMPLATES
};

struct sonde_option {
    const char *name;               /* of the field, and in the configuration */
    enum sonde_kind kind;
    size_t offset;
    bool required, secret;          /* a secret is never printed */
    const char *fallback;           /* text, read by the same parser */
    int64_t min, max;               /* both 0: no limits; max below min: none above */
    const char *const *choices;     /* ends with NULL */
    const char *help;               /* one sentence, printed in the manual */
};

#define SONDE_OPTION(K, C, T, f, ...) \
    { .name = #f, .kind = K, .offset = SONDE_OFFSET(T, f, C), __VA_ARGS__ }
#define SONDE_STRING(T, f, ...) \
    SONDE_OPTION(SONDE_KIND_STRING, const char *, T, f, __VA_ARGS__)
#define SONDE_STRINGS(T, f, ...)    /* a list, ends with NULL */ \
    SONDE_OPTION(SONDE_KIND_STRINGS, const char *const *, T, f, __VA_ARGS__)
#define SONDE_BOOL(T, f, ...) SONDE_OPTION(SONDE_KIND_BOOL, bool, T, f, __VA_ARGS__)
#define SONDE_INTEGER(T, f, ...) SONDE_OPTION(SONDE_KIND_INTEGER, int64_t, T, f, __VA_ARGS__)
#define SONDE_REAL(T, f, ...) SONDE_OPTION(SONDE_KIND_REAL, double, T, f, __VA_ARGS__)
#define SONDE_DURATION(T, f, ...)   /* milliseconds */ \
    SONDE_OPTION(SONDE_KIND_DURATION, int64_t, T, f, __VA_ARGS__)
#define SONDE_SIZE(T, f, ...)       /* bytes */ \
    SONDE_OPTION(SONDE_KIND_SIZE, int64_t, T, f, __VA_ARGS__)
#define SONDE_CHOICE(T, f, ...)     /* index into choices */ \
    SONDE_OPTION(SONDE_KIND_CHOICE, int, T, f, __VA_ARGS__)
#define SONDE_TEMPLATE(T, f, ...)   /* "{check} is {state}", for sonde_render */ \
    SONDE_OPTION(SONDE_KIND_TEMPLATE, const struct sonde_template *, T, f, __VA_ARGS__)
#define SONDE_TEMPLATES(T, f, ...)  /* a list, ends with NULL */ \
    SONDE_OPTION(SONDE_KIND_TEMPLATES, const struct sonde_template *const *, T, f, __VA_ARGS__)

/* ---- the three descriptors ---- */

struct sonde_probe {
    const char *name, *summary;
    size_t size;                    /* of the private struct: zeroed, then filled */
    const struct sonde_option *options;          /* ends with an empty row */
    int  (*open)(struct sonde_instance *self);
    int  (*start)(struct sonde_instance *self);
    void (*stop)(struct sonde_instance *self);
    void (*close)(struct sonde_instance *self);

    /* Either run, or begin and cancel.  One question is out at a time; begin answers
     * with sonde_done, now or later.  cancel: time is up, or nobody wants the answer;
     * what is known (reason, timings) may still be filled in.  With run, cancel is
     * optional, comes from another thread, and may only make run return. */
    enum sonde_state (*run)(struct sonde_instance *self, struct sonde_event *event);
    void (*begin)(struct sonde_instance *self, struct sonde_event *event);
    void (*cancel)(struct sonde_instance *self, struct sonde_event *event);
};

struct sonde_source {
    const char *name, *summary;
    size_t size;
    const struct sonde_option *options;
    int  (*open)(struct sonde_instance *self);
    int  (*start)(struct sonde_instance *self);
    void (*stop)(struct sonde_instance *self);   /* push nothing afterwards */
    void (*close)(struct sonde_instance *self);

    void (*resume)(struct sonde_instance *self); /* sonde_push has room again */
    /* Whatever was pushed on this lane up to and including this cookie has reached
     * every sink that wants it, or is safe on our disk (worst is DELIVERED), or was
     * given up in part (REJECTED).  In order within a lane, one call for many; still
     * comes after stop.  What is open when the daemon ends is never told. */
    void (*settled)(struct sonde_instance *self, uint64_t lane, uint64_t cookie,
                    enum sonde_fate worst);
};

struct sonde_sink {
    const char *name, *summary;
    size_t size;
    const struct sonde_option *options;
    int  (*open)(struct sonde_instance *self);
    int  (*start)(struct sonde_instance *self);
    void (*stop)(struct sonde_instance *self);
    void (*close)(struct sonde_instance *self);

    /* Either write, or submit and cancel.  write answers for each item that it did not
     * settle itself; while nothing may go it gets an empty batch once a second, to see
     * whether the far side is there.  A submitted batch goes back when its last item is
     * settled, though not before submit returns.  cancel gives all batches back: what it
     * leaves unsettled counts as RETRY.  With write, cancel is optional and works as it
     * does with run, in start as well. */
    enum sonde_fate (*write)(struct sonde_instance *self, struct sonde_batch *batch);
    void (*submit)(struct sonde_instance *self, struct sonde_batch *batch);
    void (*cancel)(struct sonde_instance *self);

    unsigned batch;                 /* most items in one; 0 = 512 */
    unsigned in_flight;             /* most batches out at once; 0 = 1, with one event of
                                     * a check in each.  More: the sink keeps their order */
};

/* ---- the instance ---- */

void *sonde_private(const struct sonde_instance *self);                     /* [any] */
const char *sonde_name(const struct sonde_instance *self);                  /* [any] */
int64_t sonde_now(void);                         /* monotonic nanoseconds; [any] */
int64_t sonde_time_left(const struct sonde_instance *self);  /* ms to answer; [any] */
void sonde_log(struct sonde_instance *self, enum sonde_level level,
               const char *format, ...) SONDE_PRINTF(3);                    /* [any] */
/* Says why open or start fails; returns -1.  option: the row at fault, or NULL. */
int sonde_fail(struct sonde_instance *self, const char *option,
               const char *format, ...) SONDE_PRINTF(3);
/* In open: the option does nothing beside the others.  Fails, -1, where the section itself
 * asks for it; 0 where it does not ("", [], 0, its fallback): a default may be idle. */
int sonde_idle(struct sonde_instance *self, const char *option, const char *why);

/* How a source or sink finds its far side.  UP after anything else means that it was
 * found again: a sink with present = true is then told every state. */
void sonde_health(struct sonde_instance *self, enum sonde_state state,
                  const char *format, ...) SONDE_PRINTF(3);                 /* [any] */

/* Probes: something happened, ask me now.  While a question is out one more
 * follows it; calls in between count once; a storm of them is slowed down. */
void sonde_recheck(struct sonde_instance *self);                            /* [any] */

/* What all instances on this loop share (a curl multi, a socket): an instance of its
 * own, with size bytes of private struct, which its callbacks get as self.  Made by the
 * first call, told apart by start, kept while the loop lives; NULL when start fails. */
struct sonde_instance *sonde_shared(struct sonde_instance *self, size_t size,
                                    int (*start)(struct sonde_instance *shared),
                                    void (*stop)(struct sonde_instance *shared));

/* ---- events: filled by one owner, on any thread (but sonde_done on the loop), constant
 * once handed over.  A field is named by its path in the JSON form: "labels.team". ---- */

void sonde_reason(struct sonde_event *event, enum sonde_reason reason,
                  const char *format, ...) SONDE_PRINTF(3);
void sonde_metric(struct sonde_event *event, const char *name, double value, const char *unit);
void sonde_timing(struct sonde_event *event, enum sonde_phase phase, int64_t us);
void sonde_certain(struct sonde_event *event);   /* a fact, not a sample: skip rise and fall */
bool sonde_explain(const struct sonde_event *event);  /* DOWN would be news: say why in details.* */
int sonde_set(struct sonde_event *event, const char *field, const char *text,
              size_t length);       /* -1: not to be set; a probe sets details.* only */
void sonde_done(struct sonde_event *event, enum sonde_state state);   /* answers begin */

/* Reading, from any thread.  Texts live as long as the event and end with NUL, "" is
 * absent, length may be NULL.  state, previous, reason are numbers too. */
const char *sonde_text(const struct sonde_event *event, const char *field, size_t *length);
double sonde_number(const struct sonde_event *event, const char *field, double absent);
const char *sonde_json(const struct sonde_event *event, size_t *length);
const struct sonde_event *sonde_event_ref(const struct sonde_event *event);
void sonde_event_unref(const struct sonde_event *event);

/* Sources: an event to fill, or one from our JSON (NULL: fault ends "no event: ").
 * sonde_set takes, besides details.*, its check (else the source's name), plugin,
 * observer (else us), labels.*, id, time, since, seq, kind (result, change, broken),
 * state, previous, hard, attempt, message, data (a payload).  push takes the event when
 * true; false: there is no room, it is still yours, and resume will come. */
struct sonde_event *sonde_event_new(struct sonde_instance *self);
struct sonde_event *sonde_decode(struct sonde_instance *self, const char *bytes,
                                 size_t length, const char **fault);
bool sonde_push(struct sonde_instance *self, struct sonde_event *event, uint64_t lane,
                uint64_t cookie);

/* ---- batches; texts live until the batch goes back ---- */

struct sonde_item *sonde_next(struct sonde_batch *batch, const struct sonde_item *item);
const struct sonde_event *sonde_item_event(const struct sonde_item *item);
const char *sonde_payload(struct sonde_item *item, size_t *length);  /* as option "format" says */
const char *sonde_template_text(const struct sonde_template *text);     /* as written; [any] */
const char *sonde_render(struct sonde_item *item, const struct sonde_template *text,
                         size_t *length);
void sonde_settle(struct sonde_item *item, enum sonde_fate fate, const char *why); /* both [any] */
void sonde_settle_rest(struct sonde_batch *batch, enum sonde_fate fate, const char *why);

/* ---- the loop: level-triggered; errors and hang-ups show as both bits ---- */

enum { SONDE_READ = 1, SONDE_WRITE = 2 };

typedef void sonde_ready_fn(struct sonde_instance *self, int fd, unsigned ready, void *arg);
typedef void sonde_call_fn(struct sonde_instance *self, void *arg);

struct sonde_watch *sonde_watch_new(struct sonde_instance *self, int fd, unsigned want,
                                    sonde_ready_fn *fn, void *arg);  /* NULL: cannot */
void sonde_watch_want(struct sonde_watch *watch, unsigned want);
void sonde_watch_free(struct sonde_watch *watch);            /* before fd is closed, */
void sonde_watch_close(struct sonde_watch *watch);           /* or both, for less */
struct sonde_timer *sonde_timer_new(struct sonde_instance *self, sonde_call_fn *fn, void *arg);
void sonde_timer_set(struct sonde_timer *timer, int64_t ms); /* once; < 0 disarms */
void sonde_timer_free(struct sonde_timer *timer);
void sonde_post(struct sonde_instance *self, sonde_call_fn *fn, void *arg); /* [any] */

/* ---- the one exported symbol ---- */

struct sonde_plugin {               /* frozen for ever */
    uint32_t abi, role;             /* 1 probe, 2 source, 3 sink */
    size_t size, option_size;       /* as the plugin was compiled */
    const void *descriptor;
};

#ifndef SONDE_SYMBOL
#define SONDE_SYMBOL sonde_plugin   /* a static build gives each its own */
#endif
extern __attribute__((visibility("default"))) const struct sonde_plugin SONDE_SYMBOL;

#pragma GCC visibility pop

#define SONDE_PLUGIN(d) \
    const struct sonde_plugin SONDE_SYMBOL = \
        { SONDE_ABI, SONDE_ROLE(d), sizeof(d), sizeof(struct sonde_option), &(d) }

#ifndef __cplusplus
#define SONDE_OFFSET(T, f, C) (offsetof(T, f) + 0 * sizeof(_Generic(((T *)0)->f, C: 0)))
#define SONDE_ROLE(d) _Generic(&(d), const struct sonde_probe *: 1, \
                               const struct sonde_source *: 2, const struct sonde_sink *: 3)
#else
}                                   /* extern "C" */
template <class A, class B> struct sonde_same;
template <class A> struct sonde_same<A, A> { };
#define SONDE_OFFSET(T, f, C) \
    (offsetof(T, f) + 0 * sizeof(sonde_same<C, decltype(((T *)nullptr)->f)>))
constexpr uint32_t sonde_role_of(const sonde_probe *) { return 1; }
constexpr uint32_t sonde_role_of(const sonde_source *) { return 2; }
constexpr uint32_t sonde_role_of(const sonde_sink *) { return 3; }
#define SONDE_ROLE(d) sonde_role_of(&(d))
#endif

#endif
