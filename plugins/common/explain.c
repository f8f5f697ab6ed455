/* SPDX-License-Identifier: Apache-2.0
 *
 * explain.c - what helps to find out why a target is DOWN.  See explain.h.
 *
 * Everything is at hand when it is asked for: two system calls at most, and texts that
 * are cut to fit.  The core cleans what a target said.
 */
#include "explain.h"

#include <inttypes.h>
#include <linux/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    EXPLAIN_TEXT = RESOLVE_MOST * 2 * ADDRESS_TEXT, /* all addresses with their errors */
    EXPLAIN_RECEIVED = 256,
};

/* Appends to a text that has room for all that is ever appended, or is cut. */
__attribute__((format(printf, 2, 3))) static void
explain_add(char *text, const char *format, ...)
{
    size_t length = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + length, EXPLAIN_TEXT - length, format, args);
    va_end(args);
}

static void
explain_set(struct sonde_event *event, const char *field, const char *text)
{
    if (*text)
        sonde_set(event, field, text, strlen(text));
}

void
explain_tries(struct sonde_event *event, const struct tries *tries)
{
    char all[EXPLAIN_TEXT] = "", failed[EXPLAIN_TEXT] = "";

    for (unsigned i = 0; tries && i < tries->count; i++) {
        char address[ADDRESS_TEXT], error[ADDRESS_TEXT];

        address_format(&tries->addresses[i], false, address, sizeof(address));
        explain_add(all, "%s%s", i ? ", " : "", address);
        if (tries->errors[i])
            explain_add(failed, "%s%s: %s", *failed ? "; " : "", address,
                        address_error(tries->errors[i], error, sizeof(error)));
    }
    explain_set(event, "details.addresses", all);
    explain_set(event, "details.tries", failed);
}

static const char *
explain_state(unsigned state)
{
    static const char *const states[] = {
        [1] = "ESTABLISHED", [2] = "SYN_SENT",  [3] = "SYN_RECV", [4] = "FIN_WAIT1",
        [5] = "FIN_WAIT2",   [6] = "TIME_WAIT", [7] = "CLOSE",    [8] = "CLOSE_WAIT",
        [9] = "LAST_ACK",    [10] = "LISTEN",   [11] = "CLOSING",
    };
    const unsigned count = sizeof(states) / sizeof(*states);

    return state && state < count ? states[state] : "?";
}

void
explain_socket(struct sonde_event *event, int fd)
{
    struct tcp_info info = { 0 };
    socklen_t length = sizeof(info);
    char text[EXPLAIN_TEXT] = "";

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == -1)
        return;
    explain_add(text, "%s, round trip %.3f ms, %u retransmitted, %u unacknowledged",
                explain_state(info.tcpi_state), (double)info.tcpi_rtt / 1e3,
                info.tcpi_total_retrans, info.tcpi_unacked);
    /* Kernels before 4.19 know less. */
    if (length >= offsetof(struct tcp_info, tcpi_bytes_sent) + sizeof(uint64_t))
        explain_add(text, ", %" PRIu64 " bytes sent, %" PRIu64 " received",
                    (uint64_t)info.tcpi_bytes_sent, (uint64_t)info.tcpi_bytes_received);
    sonde_set(event, "details.tcp_info", text, strlen(text));
}

void
explain_received(struct sonde_event *event, const char *bytes, size_t length, int64_t all)
{
    sonde_metric(event, "received", (double)all, "bytes");
    if (length)
        sonde_set(event, "details.received", bytes,
                  length < EXPLAIN_RECEIVED ? length : EXPLAIN_RECEIVED);
}
