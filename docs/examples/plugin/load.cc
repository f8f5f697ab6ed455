// SPDX-License-Identifier: Apache-2.0
//
// load.cc - the load average, as a C++ probe.  Designated initialisers are C++20;
// g++ and clang++ take them in C++17 as well.
#include <sonde/plugin.h>

#include <cstdlib>

struct load {
    double warning;
};

static const struct sonde_option options[] = {
    SONDE_REAL(struct load, warning, .fallback = "4", .help = "load that is DEGRADED"),
    {},
};

static enum sonde_state
load_run(struct sonde_instance *self, struct sonde_event *event)
{
    const auto *own = static_cast<const struct load *>(sonde_private(self));
    double now = 0;

    if (getloadavg(&now, 1) != 1)
        return SONDE_UNKNOWN;
    bool high = now >= own->warning;
    sonde_metric(event, "load1", now, "");
    sonde_reason(event, high ? SONDE_LIMIT : SONDE_OK, "the load is %.2f", now);
    return high ? SONDE_DEGRADED : SONDE_UP;
}

static const struct sonde_probe probe = {
    .name = "load",
    .summary = "load average of the last minute",
    .size = sizeof(struct load),
    .options = options,
    .run = load_run,
};

SONDE_PLUGIN(probe);
