/* SPDX-License-Identifier: Apache-2.0
 *
 * instance.c - the life of one configured section of a plugin.  See instance.h.
 */
#include "instance.h"

#include "clock.h"
#include "log.h"
#include "loop.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The four callbacks that every role has. */
struct instance_calls {
    int (*open)(struct sonde_instance *self);
    int (*start)(struct sonde_instance *self);
    void (*stop)(struct sonde_instance *self);
    void (*close)(struct sonde_instance *self);
    size_t size;
};

static struct instance_calls
instance_calls(const struct sonde_instance *self)
{
    const struct plugin *plugin = self->plugin;

    switch (plugin->role) {
    case PLUGIN_PROBE:
        return (struct instance_calls){ plugin->probe.open, plugin->probe.start,
                                        plugin->probe.stop, plugin->probe.close,
                                        plugin->probe.size };
    case PLUGIN_SINK:
        return (struct instance_calls){ plugin->sink.open, plugin->sink.start,
                                        plugin->sink.stop, plugin->sink.close,
                                        plugin->sink.size };
    case PLUGIN_SOURCE:
        break;
    }
    return (struct instance_calls){ plugin->source.open, plugin->source.start,
                                    plugin->source.stop, plugin->source.close,
                                    plugin->source.size };
}

void
instance_init(struct sonde_instance *self, const struct plugin *plugin, const char *name)
{
    *self = (struct sonde_instance){ .plugin = plugin, .name = name };
    list_init(&self->watches);
    list_init(&self->timers);
    self->private = memory_new(instance_calls(self).size);
}

static int
instance_say(struct sonde_instance *self, int answer, const char *step)
{
    if (answer == 0)
        return 0;
    if (!self->why)
        self->why = memory_format("%s failed and did not say why", step);
    return -1;
}

int
instance_open(struct sonde_instance *self)
{
    struct instance_calls calls = instance_calls(self);

    free(self->why);
    self->why = NULL;
    self->stage = INSTANCE_OPEN; /* close runs whatever open answers */
    return instance_say(self, calls.open ? calls.open(self) : 0, "open");
}

int
instance_start(struct sonde_instance *self)
{
    struct instance_calls calls = instance_calls(self);

    free(self->why);
    self->why = NULL;
    if (instance_say(self, calls.start ? calls.start(self) : 0, "start") == -1) {
        if (self->loop)
            loop_forget(self->loop, self);
        return -1;
    }
    self->stage = INSTANCE_STARTED;
    return 0;
}

void
instance_stop(struct sonde_instance *self)
{
    struct instance_calls calls = instance_calls(self);

    if (self->stage == INSTANCE_STARTED) {
        if (calls.stop)
            calls.stop(self);
        self->stage = INSTANCE_OPEN;
    }
    if (self->loop)
        loop_forget(self->loop, self);
}

void
instance_close(struct sonde_instance *self)
{
    struct instance_calls calls = instance_calls(self);

    if (self->stage == INSTANCE_NEW || self->stage == INSTANCE_CLOSED)
        return;
    self->stage = INSTANCE_CLOSED;
    if (calls.close)
        calls.close(self);
}

static size_t
instance_field_size(enum sonde_kind kind)
{
    switch (kind) {
    case SONDE_KIND_BOOL:
        return sizeof(bool);
    case SONDE_KIND_CHOICE:
        return sizeof(int);
    case SONDE_KIND_INTEGER:
    case SONDE_KIND_DURATION:
    case SONDE_KIND_SIZE:
        return sizeof(int64_t);
    case SONDE_KIND_REAL:
        return sizeof(double);
    case SONDE_KIND_STRING:
    case SONDE_KIND_STRINGS:
    case SONDE_KIND_TEMPLATE:
    case SONDE_KIND_TEMPLATES:
        return sizeof(void *);
    case SONDE_KIND_END:
        break;
    }
    return 0;
}

/* The option values are not even written: a reload may be comparing them. */
static void
instance_wipe(struct sonde_instance *self)
{
    size_t size = instance_calls(self).size;
    AUTO_FREE bool *stays = memory_array(size, sizeof(*stays));
    char *private = self->private;

    for (const struct sonde_option *row = self->plugin->options;
         row->kind != SONDE_KIND_END; row++)
        memset(stays + row->offset, true, instance_field_size(row->kind));
    for (size_t i = 0; i < size; i++)
        if (!stays[i])
    private[i] = 0;
}

int
instance_reopen(struct sonde_instance *self)
{
    instance_close(self);
    instance_wipe(self);
    return instance_open(self);
}

void
instance_deinit(struct sonde_instance *self)
{
    instance_close(self);
    if (self->owns)
        free((char *)(uintptr_t)self->name);
    self->owns = false;
    free(self->private);
    free(self->why);
    self->private = NULL;
    self->why = NULL;
}

const char *
instance_role(const struct sonde_instance *self)
{
    return self->plugin->role == PLUGIN_PROBE ? "check"
                                              : plugin_role_name(self->plugin->role);
}

/* ---- what plugins call ---- */

void *
sonde_private(const struct sonde_instance *self)
{
    return self->private;
}

const char *
sonde_name(const struct sonde_instance *self)
{
    return self->name;
}

int64_t
sonde_time_left(const struct sonde_instance *self)
{
    int64_t deadline = atomic_load(&self->deadline), left;

    if (!deadline)
        return INT_MAX;
    left = (deadline - clock_now()) / CLOCK_MS;
    return left > 0 ? left : 0;
}

void
sonde_log(struct sonde_instance *self, enum sonde_level level, const char *format, ...)
{
    char who[256];
    va_list args;

    snprintf(who, sizeof(who), "%s \"%s\"", instance_role(self), self->name);
    va_start(args, format);
    log_about(level, who, format, args);
    va_end(args);
}

/* The words of a plugin without a value that is nobody's business.  Takes said. */
static char *
instance_hide(char *said, const struct setting *value, bool secret)
{
    struct text out = { 0 };
    const char *at = said, *found;

    if (value->kind != SETTING_TEXT || !*value->text || !(secret || value->secret))
        return said;
    while ((found = strstr(at, value->text))) {
        text_add(&out, at, (size_t)(found - at));
        text_puts(&out, "***");
        at = found + strlen(value->text);
    }
    text_puts(&out, at);
    free(said);
    return out.bytes ? out.bytes : memory_text("");
}

static char *
instance_hide_all(const struct sonde_instance *self, const char *option, char *said)
{
    const struct sonde_option *row = option_find(self->plugin->options, option);
    const struct setting *value = option_setting(self->birth->sources, option);

    if (!value)
        return said;
    said = instance_hide(said, value, row && row->secret);
    for (const struct setting *at = value->kind == SETTING_LIST ? value->first : NULL; at;
         at = at->next)
        said = instance_hide(said, at, row && row->secret);
    return said;
}

/* While the configuration is built the fault is a problem with a place; later it
 * is what the owner of the instance says of it. */
static void
instance_blame(struct sonde_instance *self, const char *option)
{
    struct instance_birth *birth = self->birth;
    const struct setting *setting;
    struct place place;

    if (!birth)
        return;
    setting = option ? option_setting(birth->sources, option) : NULL;
    place = setting ? setting->place : birth->place;
    birth->failed = true;
    problem_add(birth->problems, place, "%s \"%s\": %s%s%s", instance_role(self),
                self->name, option ? option : "", option ? ": " : "", self->why);
}

/* "", [], 0, or what holds anyway: that takes a default back, and asks for nothing. */
static bool
instance_asks(const struct sonde_option *row, const struct setting *given)
{
    const char *fallback = row && row->fallback ? row->fallback : "";

    switch (given->kind) {
    case SETTING_TEXT:
        return *given->text && strcmp(given->text, fallback) != 0
               && text_duration(given->text) != 0 && text_size(given->text) != 0;
    case SETTING_LIST:
        return given->first != NULL;
    case SETTING_INTEGER:
        return given->integer != 0 && given->integer != strtoll(fallback, NULL, 10);
    case SETTING_BOOL:
        return given->truth != (strcmp(fallback, "true") == 0);
    default:
        return true;
    }
}

int
sonde_idle(struct sonde_instance *self, const char *option, const char *why)
{
    const struct setting *given = self->birth
                                      ? setting_find(self->birth->sources->own, option)
                                      : NULL;

    if (!given || !instance_asks(option_find(self->plugin->options, option), given))
        return 0;
    return sonde_fail(self, option, "%s", why);
}

int
sonde_fail(struct sonde_instance *self, const char *option, const char *format, ...)
{
    struct text said = { 0 }, clean = { 0 };
    va_list args;

    va_start(args, format);
    text_vprintf(&said, format, args);
    va_end(args);
    if (option && self->birth && said.bytes) {
        said.bytes = instance_hide_all(self, option, said.bytes);
        said.length = strlen(said.bytes);
    }
    text_clean(&clean, said.bytes ? said.bytes : "", said.length);
    text_deinit(&said);
    free(self->why);
    self->why = clean.bytes ? clean.bytes : memory_text("");
    instance_blame(self, option);
    return -1;
}

void
sonde_health(struct sonde_instance *self, enum sonde_state state, const char *format, ...)
{
    char why[512];
    va_list args;

    if (!self->on_word)
        return;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    self->on_word(self, state > SONDE_DOWN ? SONDE_UNKNOWN : state, why);
}
