/* SPDX-License-Identifier: Apache-2.0
 *
 * tries.c - the addresses of a name, one after the other.  See tries.h.
 */
#include "tries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tries *
tries_new(const struct resolve_answer *answer, uint16_t port)
{
    struct tries *tries =
        calloc(1, sizeof(*tries) + answer->count * sizeof(*tries->addresses));

    if (!tries)
        return NULL;
    tries->count = answer->count;
    for (unsigned i = 0; i < answer->count; i++) {
        tries->addresses[i] = answer->addresses[i];
        address_set_port(&tries->addresses[i], port);
    }
    return tries;
}

static int
tries_weight(int error)
{
    switch (address_reason(error)) {
    case SONDE_L4CON:
        return 3;
    case SONDE_L4TOUT:
        return 2;
    case SONDE_L4UNR:
        return 1;
    default:
        return 0;
    }
}

/* A machine without IPv6 says so in these ways; the other addresses may do. */
static bool
tries_lack_ipv6(const struct address *address, int error)
{
    return address->any.sa_family == AF_INET6
           && (error == EADDRNOTAVAIL || error == EAFNOSUPPORT);
}

void
tries_note(struct tries *tries, int error)
{
    if (tries)
        tries->errors[tries->at] = error;
}

bool
tries_next(struct tries *tries, int error)
{
    const struct address *address = &tries->addresses[tries->at];
    bool ours = address_reason(error) == SONDE_OBSERVER
                && !tries_lack_ipv6(address, error);

    tries_note(tries, error);
    if (ours || tries->at == 0 || tries_weight(error) > tries_weight(tries->error)) {
        tries->failed = *address;
        tries->error = error;
    }
    if (ours || tries->at + 1 >= tries->count)
        return false;
    tries->at++;
    return true;
}

int64_t
tries_share(const struct tries *tries, const struct sonde_instance *self)
{
    unsigned left = tries->count - tries->at;

    return left > 1 ? sonde_time_left(self) / left : -1;
}

bool
tries_tell_more(const struct tries *tries)
{
    return tries && tries->at && tries_weight(tries->error) > tries_weight(ETIMEDOUT);
}
