/* SPDX-License-Identifier: Apache-2.0
 *
 * event_names.c - what things are called outside: states, reasons, kinds, modes,
 * phases, ids.
 *
 * The one place for the sentence that tells a person what to do about a reason.
 * Plugins choose from the table of reasons; it grows at the end.
 */
#include "event.h"

#include <string.h>

const char *const event_state_names[] = {
    [SONDE_UNKNOWN] = "UNKNOWN", [SONDE_UP] = "UP",     [SONDE_DEGRADED] = "DEGRADED",
    [SONDE_DOWN] = "DOWN",       [EVENT_STATES] = NULL,
};

const char *const event_kind_names[] = {
    [EVENT_RESULT] = "result",
    [EVENT_CHANGE] = "change",
    [EVENT_BROKEN] = "broken",
    [EVENT_KINDS] = NULL,
};

const char *const event_mode_names[] = {
    [EVENT_POLL] = "poll",
    [EVENT_EVENT] = "event",
    [EVENT_PASSIVE] = "passive",
    [EVENT_MODES] = NULL,
};

const char *const event_phase_names[] = {
    [SONDE_DNS] = "dns",
    [SONDE_CONNECT] = "connect",
    [SONDE_TLS] = "tls",
    [SONDE_SEND] = "send",
    [SONDE_FIRST_BYTE] = "first_byte",
    [SONDE_TRANSFER] = "transfer",
    [EVENT_PHASES] = NULL,
};

const char *const event_reason_names[] = {
    [SONDE_OTHER] = "OTHER",       [SONDE_OK] = "OK",
    [SONDE_DNSERR] = "DNSERR",     [SONDE_DNSTOUT] = "DNSTOUT",
    [SONDE_L4CON] = "L4CON",       [SONDE_L4TOUT] = "L4TOUT",
    [SONDE_L4UNR] = "L4UNR",       [SONDE_L6RSP] = "L6RSP",
    [SONDE_L6TOUT] = "L6TOUT",     [SONDE_L6CERT] = "L6CERT",
    [SONDE_L7RSP] = "L7RSP",       [SONDE_L7STS] = "L7STS",
    [SONDE_L7BODY] = "L7BODY",     [SONDE_L7BIG] = "L7BIG",
    [SONDE_L7TOUT] = "L7TOUT",     [SONDE_CLOSED] = "CLOSED",
    [SONDE_PROCNONE] = "PROCNONE", [SONDE_PROCEXIT] = "PROCEXIT",
    [SONDE_PROCMANY] = "PROCMANY", [SONDE_EXITSTS] = "EXITSTS",
    [SONDE_SIGNAL] = "SIGNAL",     [SONDE_LIMIT] = "LIMIT",
    [SONDE_STALE] = "STALE",       [SONDE_TIMEOUT] = "TIMEOUT",
    [SONDE_REMOVED] = "REMOVED",   [SONDE_OBSERVER] = "OBSERVER",
    [EVENT_REASONS] = NULL,
};

static const char *const reason_helps[EVENT_REASONS] = {
    [SONDE_OTHER] = "The message says what is wrong: no closer reason fits.",
    [SONDE_OK] = "All is well and there is nothing to do.",
    [SONDE_DNSERR] =
        "The name does not resolve: check its spelling and the records of its zone.",
    [SONDE_DNSTOUT] =
        "The resolver does not answer, which says nothing about the target: check "
        "the name servers in /etc/resolv.conf.",
    [SONDE_L4CON] =
        "The connection was refused: check that the service runs and listens on "
        "this address and port.",
    [SONDE_L4TOUT] =
        "Nobody answered the connection attempt: check that the host is up and "
        "that no firewall drops the packets.",
    [SONDE_L4UNR] =
        "The host cannot be reached: check the route to it, the interface, and "
        "firewalls that reject.",
    [SONDE_L6RSP] =
        "The TLS handshake failed: check that the port speaks TLS, and the versions "
        "and ciphers that it allows.",
    [SONDE_L6TOUT] =
        "The TLS handshake did not end in time: check the load of the server, and "
        "that the port speaks TLS at all.",
    [SONDE_L6CERT] =
        "The certificate was not accepted: check its dates, its names and its chain.",
    [SONDE_L7RSP] =
        "The answer breaks the protocol: check that the right service listens on "
        "this port, and read its log.",
    [SONDE_L7STS] =
        "The service answered with a status that is not wanted: read its log at the "
        "time of the event.",
    [SONDE_L7BODY] =
        "The content is not what the check asks for: look at the answer by hand, "
        "then at the service or at the check.",
    [SONDE_L7BIG] =
        "The answer is larger than allowed: ask for something smaller or raise the "
        "limit.",
    [SONDE_L7TOUT] =
        "The service took the connection and answered too late: check its load and "
        "what it waits for itself.",
    [SONDE_CLOSED] =
        "A held connection broke: check whether the service restarted, or whether "
        "something between drops idle connections.",
    [SONDE_PROCNONE] =
        "No process matches: start the service, or correct what the check looks "
        "for.",
    [SONDE_PROCEXIT] =
        "The process has ended: read its log, and its exit status or signal in "
        "the message.",
    [SONDE_PROCMANY] =
        "More processes match than allowed: look for what a restart left behind, "
        "or match more narrowly.",
    [SONDE_EXITSTS] =
        "The command ended with a status that is not wanted: run it by hand as "
        "the user of the daemon.",
    [SONDE_SIGNAL] =
        "The command was ended by a signal: look for a crash, or for the kernel "
        "running out of memory.",
    [SONDE_LIMIT] =
        "A value crossed its threshold: relieve what the metrics show, or move the "
        "threshold.",
    [SONDE_STALE] = "Nothing was heard in time: check that whoever reports still runs.",
    [SONDE_TIMEOUT] =
        "There was no answer by the deadline: timing_us shows where the time "
        "went; relieve the target or raise timeout.",
    [SONDE_REMOVED] =
        "The check is no longer configured: nothing to do if that was meant.",
    [SONDE_OBSERVER] =
        "The observer itself failed, which says nothing about the target: read "
        "the log of the daemon and check its load.",
};

const char *
event_state_name(enum sonde_state state)
{
    return event_state_names[(unsigned)state < EVENT_STATES ? state : SONDE_UNKNOWN];
}

const char *
event_reason_name(enum sonde_reason reason)
{
    return event_reason_names[(unsigned)reason < EVENT_REASONS ? reason : SONDE_OTHER];
}

const char *
event_reason_help(enum sonde_reason reason)
{
    return reason_helps[(unsigned)reason < EVENT_REASONS ? reason : SONDE_OTHER];
}

const char *
event_kind_name(enum event_kind kind)
{
    return event_kind_names[(unsigned)kind < EVENT_KINDS ? kind : EVENT_BROKEN];
}

char *
event_id_text(const uint8_t id[16], char text[EVENT_ID_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    char *at = text;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[id[i] >> 4];
        *at++ = hex[id[i] & 15];
    }
    *at = '\0';
    return text;
}

bool
event_id_parse(const char *text, uint8_t id[16])
{
    static const char hex[] = "0123456789abcdef";
    int digits = 0;

    for (int i = 0; i < EVENT_ID_SIZE - 1; i++) {
        const char *digit;

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return false;
            continue;
        }
        digit = text[i] ? strchr(hex, text[i] | 0x20) : NULL;
        if (!digit)
            return false;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | (digit - hex));
        digits++;
    }
    return text[EVENT_ID_SIZE - 1] == '\0';
}
