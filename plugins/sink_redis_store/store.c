/* SPDX-License-Identifier: Apache-2.0
 *
 * store.c - the current state of each check in a Redis key.
 *
 * Each event is one call of one script, so that key, set of what is down,
 * version and message change together or not at all, and an event that comes
 * late or twice does no harm.
 */
#include "../common/redis.h"

#include <stdio.h>
#include <string.h>

enum { STORE_FIELDS = 64, STORE_ARGV = 16 + 2 * STORE_FIELDS };

enum store_type { STORE_STRING, STORE_HASH };

struct store {
    struct redis redis; /* first: see there */
    const struct sonde_template *key, *value, *down_set, *publish;
    const struct sonde_template *const *fields;
    const char *versions;
    int64_t ttl;
    int type;
    bool present;
    char ttl_text[24];
};

static const char *const types[] = { "string", "hash", NULL };

static const struct sonde_option options[] = {
    REDIS_OPTIONS,
    SONDE_TEMPLATE(struct store, key, .fallback = "server-health:{check}",
                   .help = "name of the key"),
    SONDE_CHOICE(struct store, type, .fallback = "string", .choices = types,
                 .help = "what the key holds: value, or a hash of fields"),
    SONDE_TEMPLATE(struct store, value, .fallback = "{state}",
                   .help = "what a string key holds"),
    SONDE_TEMPLATES(struct store, fields,
                    .help =
                        "what a hash key holds, each as name=template (default: state, "
                        "previous, since, reason, message, time, observer, seq, id)"),
    SONDE_DURATION(struct store, ttl, .fallback = "0s",
                   .help = "life of a key after each event; 0s: for ever"),
    SONDE_TEMPLATE(struct store, down_set, .fallback = "server-health:down",
                   .help = "set of the checks that are DOWN; empty: none"),
    SONDE_TEMPLATE(struct store, publish, .fallback = "",
                   .help = "channel to publish each new event on; empty: none"),
    SONDE_STRING(struct store, versions, .fallback = "server-health:versions",
                 .help = "hash that holds the version of each key"),
    SONDE_BOOL(struct store, present, .fallback = "true",
               .help = "tell every state after each connect"),
    { 0 }
};

/* KEYS: the key, the hash of versions, the set of what is down (or none).
 * ARGV: 1 seq, 2 time, 3 observer, 4 "set", "hash" or "gone", 5 TTL in ms,
 * 6 member of the set, 7 "1" when down, 8 channel, 9 message, then the value, or
 * field and value in turn.  Answers 0 older, 1 new, 2 the same once more.
 * What can fail for a foreign value in the way (HGET, SADD) comes first, so that
 * nothing is half done.  Numbers are compared as text: Lua's are doubles. */
static const char script[] =
    "local key, versions, down = KEYS[1], KEYS[2], KEYS[3]\n"
    "local seq, time, observer = ARGV[1], ARGV[2], ARGV[3]\n"
    "local known, answer = redis.call('HGET', versions, key), 1\n"
    "if known then\n"
    "  local t, s, o = string.match(known, '^(%S+) (%d+) (.*)$')\n"
    "  if o == observer then\n"
    "    if s == seq then answer = 2\n"
    "    elseif #s > #seq or (#s == #seq and s > seq) then return 0 end\n"
    "  elseif t and (t > time or (t == time and o > observer)) then return 0 end\n"
    "end\n"
    "if down then\n"
    "  local add = ARGV[7] == '1' and ARGV[4] ~= 'gone'\n"
    "  redis.call(add and 'SADD' or 'SREM', down, ARGV[6])\n"
    "end\n"
    "if ARGV[4] == 'gone' then\n"
    "  redis.call('DEL', key)\n"
    "  if redis.call('HDEL', versions, key) == 0 then answer = 2 end\n"
    "else\n"
    "  if ARGV[4] == 'hash' then\n"
    "    redis.call('DEL', key)\n"
    "    redis.call('HSET', key, unpack(ARGV, 10))\n"
    "    if ARGV[5] ~= '0' then redis.call('PEXPIRE', key, ARGV[5]) end\n"
    "  elseif ARGV[5] ~= '0' then redis.call('SET', key, ARGV[10], 'PX', ARGV[5])\n"
    "  else redis.call('SET', key, ARGV[10]) end\n"
    "  if answer == 1 then\n"
    "    redis.call('HSET', versions, key, time .. ' ' .. seq .. ' ' .. observer)\n"
    "  end\n"
    "end\n"
    "if answer == 1 and ARGV[8] ~= '' then\n"
    "  redis.call('PUBLISH', ARGV[8], ARGV[9])\n"
    "end\n"
    "return answer\n";

/* A command while it is put together. */
struct store_command {
    int argc;
    const char *argv[STORE_ARGV];
    size_t length[STORE_ARGV];
};

static void
store_add(struct store_command *command, const char *text, size_t length)
{
    command->argv[command->argc] = text;
    command->length[command->argc++] = length;
}

static void
store_word(struct store_command *command, const char *text)
{
    store_add(command, text, strlen(text));
}

static void
store_field(struct store_command *command, const struct sonde_event *event,
            const char *path)
{
    size_t length;
    const char *text = sonde_text(event, path, &length);

    store_add(command, text, length);
}

/* Answers the text's length, 0 also for a template that is not there. */
static size_t
store_render(struct sonde_item *item, const struct sonde_template *template,
             const char **text)
{
    size_t length = 0;

    *text = template ? sonde_render(item, template, &length) : "";
    return length;
}

static int
store_open(struct sonde_instance *self)
{
    struct store *store = sonde_private(self);
    size_t count = 0;

    store->redis.script = script;
    snprintf(store->ttl_text, sizeof(store->ttl_text), "%lld", (long long)store->ttl);
    if (redis_open(self) == -1)
        return -1;
    if (!store->versions[0])
        return sonde_fail(self, "versions",
                          "needs a name: without versions an old event "
                          "could replace a new one");
    for (; store->fields[count]; count++) {
        const char *text = sonde_template_text(store->fields[count]);
        size_t name = strcspn(text, "={");

        if (!name || text[name] != '=')
            return sonde_fail(self, "fields", "\"%s\": write name=template", text);
    }
    if (count && store->type != STORE_HASH)
        return sonde_fail(self, "fields", "belong to type = \"hash\"");
    if (count > STORE_FIELDS)
        return sonde_fail(self, "fields", "%zu are more than %d", count, STORE_FIELDS);
    return 0;
}

static void
store_add_defaults(struct store_command *command, const struct sonde_event *event)
{
    static const char *const names[] = { "state",   "previous", "since",    "reason",
                                         "message", "time",     "observer", "seq",
                                         "id",      NULL };

    for (const char *const *name = names; *name; name++) {
        store_word(command, *name);
        store_field(command, event, *name);
    }
}

/* false: a field has no name. */
static bool
store_add_fields(struct store_command *command, const struct store *store,
                 struct sonde_item *item)
{
    for (size_t i = 0; store->fields[i]; i++) {
        size_t length;
        const char *text = sonde_render(item, store->fields[i], &length);
        const char *equals = memchr(text, '=', length);
        if (!equals || equals == text)
            return false;
        const size_t name = (size_t)(equals - text);
        store_add(command, text, name);
        store_add(command, equals + 1, length - name - 1);
    }
    return true;
}

/* NULL, or why the event cannot be stored. */
static const char *
store_add_keys(struct store_command *command, const struct store *store,
               struct sonde_item *item)
{
    const char *key, *down;
    const size_t key_length = store_render(item, store->key, &key);
    const size_t down_length = store_render(item, store->down_set, &down);

    if (key_length == 0)
        return "its key is empty";
    if (strcmp(key, store->versions) == 0 || strcmp(key, down) == 0)
        return "its key is the name of versions or down_set";
    store_word(command, down_length ? "3" : "2");
    store_add(command, key, key_length);
    store_word(command, store->versions);
    if (down_length)
        store_add(command, down, down_length);
    return NULL;
}

/* ARGV 1 to 9. */
static void
store_add_event(struct store_command *command, const struct store *store,
                struct sonde_item *item)
{
    const struct sonde_event *event = sonde_item_event(item);
    const int reason = (int)sonde_number(event, "reason", SONDE_OTHER);
    const int state = (int)sonde_number(event, "state", SONDE_UNKNOWN);
    const bool gone = reason == SONDE_REMOVED, down = state == SONDE_DOWN;
    const char *channel, *message = "";
    size_t channel_length = store_render(item, store->publish, &channel);
    size_t message_length = 0;

    if (channel_length)
        message = sonde_payload(item, &message_length);
    store_field(command, event, "seq");
    store_field(command, event, "time");
    store_field(command, event, "observer");
    store_word(command, gone ? "gone" : store->type == STORE_HASH ? "hash" : "set");
    store_word(command, store->ttl_text);
    store_field(command, event, "check");
    store_word(command, down ? "1" : "0");
    store_add(command, channel, channel_length);
    store_add(command, message, message_length);
}

static bool
store_put(struct sonde_instance *self, struct sonde_item *item, bool whole)
{
    struct store *store = sonde_private(self);
    struct store_command command;
    const char *why, *value;

    command.argc = 0;
    store_word(&command, whole ? "EVAL" : "EVALSHA");
    store_word(&command, whole ? script : store->redis.digest);
    if ((why = store_add_keys(&command, store, item))) {
        sonde_settle(item, SONDE_REJECTED, why);
        return false;
    }
    store_add_event(&command, store, item);
    if (store->type == STORE_STRING) {
        const size_t length = store_render(item, store->value, &value);
        store_add(&command, value, length);
    } else if (!store->fields[0]) {
        store_add_defaults(&command, sonde_item_event(item));
    } else if (!store_add_fields(&command, store, item)) {
        sonde_settle(item, SONDE_REJECTED, "fields: an entry is not name=template");
        return false;
    }
    redis_append(&store->redis, command.argc, command.argv, command.length);
    return true;
}

static enum sonde_fate
store_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    return redis_write(self, batch, store_put);
}

static const struct sonde_sink sink = {
    .name = "redis-store",
    .summary = "the state of each check in a Redis key",
    .size = sizeof(struct store),
    .options = options,
    .open = store_open,
    .start = redis_start,
    .close = redis_close,
    .write = store_write,
    .cancel = redis_cancel,
    .batch = REDIS_BATCH,
};

_Static_assert(offsetof(struct store, redis) == 0, "REDIS_OPTIONS count from the start");

SONDE_PLUGIN(sink);
