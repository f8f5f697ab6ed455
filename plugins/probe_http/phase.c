/* SPDX-License-Identifier: Apache-2.0
 *
 * phase.c - times of a transfer.  See phase.h.
 *
 * Most are moments that we see ourselves: a socket is asked for, is connected, TLS
 * begins, the request has gone, a line is heard (libcurl's own first byte is, with a
 * large body, the first that was sent).
 */
#include "phase.h"

#define PHASES (SONDE_TRANSFER + 1)

/* When TLS and tunnels were through and the request could go; 0: it cannot yet. */
static int64_t
phase_ready(const struct http_run *run)
{
    curl_off_t us = 0;

    curl_easy_getinfo(run->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
    return us > 0 ? run->began + us * 1000 : 0;
}

/* Through a SOCKS proxy or a tunnel, connected means that its far end is. */
static int64_t
phase_connected(const struct http_run *run, int64_t ready)
{
    if (run->to->tls)
        return run->handshake;
    return run->http->proxy[0] ? ready : run->web.connected;
}

/* end 0: it has not ended. */
static void
phase_set(int64_t us[PHASES], enum sonde_phase phase, int64_t from, int64_t end,
          int64_t now)
{
    int64_t took = (end ? end : now) - from;

    us[phase] = took > 0 ? took / 1000 : 0;
}

/* us: -1 where there is no such phase. */
static enum sonde_phase
phase_measure(const struct http_run *run, int64_t us[PHASES])
{
    int64_t now = sonde_now();
    int64_t ready = phase_ready(run), first = run->heard;
    int64_t connected = phase_connected(run, ready);
    int64_t sent = run->web.sent && (!first || run->web.sent < first) ? run->web.sent
                                                                      : first;
    bool kept = !run->opened && ready; /* no socket was asked for */

    for (int i = 0; i < PHASES; i++)
        us[i] = -1;
    if (!run->easy)
        return SONDE_DNS;
    if (!kept) {
        phase_set(us, SONDE_CONNECT, run->opened ? run->opened : run->began, connected,
                  now);
        if (!connected)
            return SONDE_CONNECT;
        if (run->to->tls)
            phase_set(us, SONDE_TLS, connected, ready, now);
    }
    if (!ready)
        return run->to->tls ? SONDE_TLS : SONDE_SEND;
    phase_set(us, SONDE_SEND, ready, sent, now);
    if (!sent)
        return SONDE_SEND;
    phase_set(us, SONDE_FIRST_BYTE, sent, first, now);
    if (!first)
        return SONDE_FIRST_BYTE;
    phase_set(us, SONDE_TRANSFER, first, 0, now);
    return SONDE_TRANSFER;
}

enum sonde_phase
phase_tell(const struct http_run *run)
{
    int64_t us[PHASES];
    enum sonde_phase at = phase_measure(run, us);

    for (unsigned phase = SONDE_DNS; phase < PHASES; phase++)
        if (us[phase] >= 0 || run->phases & 1u << phase)
            sonde_timing(run->event, (enum sonde_phase)phase,
                         run->spent[phase] + (us[phase] > 0 ? us[phase] : 0));
    return at;
}

static void
phase_add(struct http_run *run, unsigned phase, int64_t us)
{
    run->spent[phase] += us;
    run->phases |= 1u << phase;
}

void
phase_named(struct http_run *run)
{
    phase_add(run, SONDE_DNS, (sonde_now() - run->began) / 1000);
}

void
phase_close(struct http_run *run)
{
    int64_t us[PHASES];

    phase_measure(run, us);
    for (unsigned phase = SONDE_DNS; phase < PHASES; phase++)
        if (us[phase] >= 0)
            phase_add(run, phase, us[phase]);
}
