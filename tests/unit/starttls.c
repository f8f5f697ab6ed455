/* SPDX-License-Identifier: Apache-2.0
 *
 * starttls.c - the conversations of the tcp probe's option `starttls`, each with servers
 * that agree, refuse, babble and never come to an end.
 */
#include "unit.h"

#include "../../plugins/probe_tcp/starttls.h"
#include "../../plugins/probe_tcp/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES(...)                                                                       \
    (const char *const[])                                                                \
    {                                                                                    \
        __VA_ARGS__, NULL                                                                \
    }
#define BYTES(text) text, sizeof(text) - 1

static struct steps *
made(const char *protocol, const char *const *lines)
{
    char why[400] = "";
    struct steps *steps = steps_new(protocol, lines, why, sizeof(why));

    if (!steps)
        fail_msg("%s", why);
    return steps;
}

static struct talk *
talk_made(const struct steps *steps, bool datagrams)
{
    struct talk *talk = talk_new(steps, datagrams);

    assert_non_null(talk);
    return talk;
}

/* ---- a server ---- */

struct turn {
    const char *bytes;
    size_t length;
};

/* Talks with a server that says these turns, in pieces, and then nothing more.  The
 * answer at which it stops; with TALK_YES the handshake is due. */
static enum talk_answer
talk_with(struct talk *talk, const struct turn *turns, size_t piece, bool ended)
{
    size_t at = 0, length;

    for (;;) {
        enum talk_answer answer = TALK_MORE;

        if (talk_kind(talk) == STEP_TLS)
            return TALK_YES;
        if (talk_kind(talk) == STEP_SEND) {
            assert_non_null(talk_bytes(talk, &length));
            assert_true(length > 0);
            talk_next(talk);
            continue;
        }
        assert_int_equal(talk_waiting(talk), 0);
        while (answer == TALK_MORE && turns->bytes && at < turns->length) {
            size_t left = turns->length - at, size = left < piece ? left : piece;

            answer = talk_hear(talk, turns->bytes + at, size, false);
            at += size;
        }
        if (answer == TALK_MORE && ended)
            answer = talk_hear(talk, NULL, 0, true);
        if (answer != TALK_YES)
            return answer;
        talk_next(talk);
        turns++;
        at = 0;
    }
}

static void
ends_so(const char *protocol, const struct turn *turns, enum talk_answer answer,
        const char *said)
{
    struct steps *steps = made(protocol, NULL);

    for (size_t piece = 1; piece < 200; piece += piece < 10 ? 1 : 95) {
        struct talk *talk = talk_made(steps, false);
        char why[200] = "";

        assert_int_equal(talk_with(talk, turns, piece, false), answer);
        assert_int_equal(talk_refused(talk, why, sizeof(why)), said != NULL);
        assert_string_equal(why, said ? said : "");
        assert_int_equal(talk_number(talk), 0);
        if (answer == TALK_YES)
            assert_int_equal(talk_waiting(talk), 0);
        talk_free(talk);
    }
    steps_free(steps);
}

#define TURNS(...)                                                                       \
    (const struct turn[])                                                                \
    {                                                                                    \
        __VA_ARGS__,                                                                     \
        {                                                                                \
            NULL, 0                                                                      \
        }                                                                                \
    }
#define SAY(text)                                                                        \
    {                                                                                    \
        BYTES(text)                                                                      \
    }

/* ---- each protocol ---- */

static void
smtp(void **state)
{
    (void)state;
    ends_so("smtp",
            TURNS(SAY("220 mx ESMTP\r\n"), SAY("250-mx\r\n250-STARTTLS\r\n250 HELP\r\n"),
                  SAY("220 go\r\n")),
            TALK_YES, NULL);
    ends_so(
        "smtp",
        TURNS(SAY("220-wait\r\n220-220 more\n220\r\n"), SAY("250 mx\n"), SAY("220\n")),
        TALK_YES, NULL);
    ends_so(
        "smtp",
        TURNS(SAY("220 mx\r\n"), SAY("250 mx\r\n"), SAY("454 TLS not available\r\nmore")),
        TALK_NO, "the server answers 454 TLS not available");
    ends_so("smtp", TURNS(SAY("220-mx\r\n554 no\r\n")), TALK_NO,
            "the server answers 554 no");
    ends_so("smtp", TURNS(SAY("220 mx\r\n"), SAY("500-no\r\n500 EHLO\r\n")), TALK_NO,
            "the server answers 500-no");
    ends_so("smtp", TURNS(SAY("SSH-2.0-OpenSSH_9\r\n")), TALK_NO,
            "the server answers SSH-2.0-OpenSSH_9");
    ends_so("smtp", TURNS(SAY("220 mx\r\n"), SAY("250-mx\r\n250-STARTTLS\r\n")),
            TALK_MORE, NULL);
}

static void
imap(void **state)
{
    (void)state;
    ends_so("imap",
            TURNS(SAY("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
                  SAY("* FLAGS ()\r\n* 1 EXISTS\r\na1 OK Begin\r\n")),
            TALK_YES, NULL);
    ends_so("imap", TURNS(SAY("* ok\n"), SAY("A1 ok\n")), TALK_YES, NULL);
    ends_so("imap", TURNS(SAY("* OK hi\r\n"), SAY("* X\r\na1 NO not here\r\n")), TALK_NO,
            "the server answers NO not here");
    ends_so("imap", TURNS(SAY("* OK hi\r\n"), SAY("a1 BAD what\r\n")), TALK_NO,
            "the server answers BAD what");
    ends_so("imap", TURNS(SAY("* OK hi\r\n"), SAY("* BYE gone\r\n")), TALK_NO,
            "the server answers * BYE gone");
    ends_so("imap", TURNS(SAY("* BYE busy\r\n")), TALK_NO,
            "the server answers * BYE busy");
    ends_so("imap", TURNS(SAY("* PREAUTH in\r\n")), TALK_NO,
            "the server answers * PREAUTH in");
    ends_so("imap", TURNS(SAY("\x80\xff\n")), TALK_NO, "the server answers \x80\xff");
}

static void
pop3(void **state)
{
    (void)state;
    ends_so("pop3", TURNS(SAY("+OK ready\r\n"), SAY("+OK\r\n")), TALK_YES, NULL);
    ends_so("pop3", TURNS(SAY("+OK ready\r\n"), SAY("-ERR Unknown command.\r\n")),
            TALK_NO, "the server answers -ERR Unknown command.");
    ends_so("pop3", TURNS(SAY("-ERR [SYS/TEMP]\r\n")), TALK_NO,
            "the server answers -ERR [SYS/TEMP]");
    ends_so("pop3", TURNS(SAY("+OKAY\r\n")), TALK_NO, "the server answers +OKAY");
    ends_so("pop3", TURNS(SAY("+OK re")), TALK_MORE, NULL);
}

static void
ftp(void **state)
{
    (void)state;
    ends_so("ftp", TURNS(SAY("220 (vsFTPd 3.0.3)\r\n"), SAY("234 Proceed.\r\n")),
            TALK_YES, NULL);
    ends_so(
        "ftp",
        TURNS(SAY("220-Hello\r\nany thing\r\n 220 not yet\r\n\r\n220-x\r\n220 you\r\n"),
              SAY("234-a\r\n234 b\r\n")),
        TALK_YES, NULL);
    ends_so("ftp", TURNS(SAY("220 x\r\n"), SAY("530 Please login\r\n")), TALK_NO,
            "the server answers 530 Please login");
    ends_so("ftp", TURNS(SAY("421 too many\r\n")), TALK_NO,
            "the server answers 421 too many");
    ends_so("ftp", TURNS(SAY("220-Hello\r\nany thing\r\n")), TALK_MORE, NULL);
}

static void
postgres(void **state)
{
    (void)state;
    ends_so("postgres", TURNS(SAY("S")), TALK_YES, NULL);
    ends_so("postgres", TURNS(SAY("N")), TALK_NO, "the server offers no TLS");
    ends_so("postgres", TURNS(SAY("E\0\0\0\x10too many")), TALK_NO,
            "the server answers with an error");
    ends_so("postgres", TURNS(SAY("HTTP/1.1 400")), TALK_NO,
            "the server does not speak this protocol");
}

#define GREETING(caps)                                                                   \
    "\x49\0\0\0\x0a"                                                                     \
    "5.7.1\0"                                                                            \
    "\x08\0\0\0saltsalt\0" caps "\x21\x02\0\xff\x81\x15"                                 \
    "\0\0\0\0\0\0\0\0\0\0saltsaltsalt\0mysql_native_password\0"

static void
mysql(void **state)
{
    static const char greeting[] = GREETING("\0\x08");
    char longest[sizeof(greeting) - 1 + 245];

    (void)state;
    memset(longest, 'v', sizeof(longest));
    memcpy(longest, "\x3e\x01\0\0\x0a", 5);
    memcpy(longest + 255, greeting + 10, sizeof(greeting) - 11);
    ends_so("mysql", TURNS(SAY(GREETING("\xff\xff"))), TALK_YES, NULL);
    ends_so("mysql", TURNS(SAY(GREETING("\0\x08"))), TALK_YES, NULL);
    ends_so("mysql", TURNS(SAY(GREETING("\xff\xf7"))), TALK_NO,
            "the server offers no TLS");
    ends_so("mysql", TURNS(SAY("\x10\0\0\0\xff\x6a\x04#HY000Blocked")), TALK_NO,
            "the server answers Blocked");
    ends_so("mysql",
            TURNS(SAY("\x0a\0\0\0\xff\x6a\x04"
                      "Blocked")),
            TALK_NO, "the server answers Blocked");
    /* a version of 250 bytes: the length takes two */
    ends_so("mysql", TURNS({ longest, sizeof(longest) }), TALK_YES, NULL);
    ends_so("mysql", TURNS(SAY("\x02\0\0\0\x09x")), TALK_NO,
            "the server does not speak this protocol");
    ends_so("mysql", TURNS(SAY("SSH-2.0-OpenSSH\r\n")), TALK_NO,
            "the server does not speak this protocol");
    ends_so("mysql", TURNS(SAY("\xff\xff\0\0\x0a")), TALK_NO,
            "the server does not speak this protocol");
    ends_so("mysql",
            TURNS(SAY("\x4a\0\0\0\x0a"
                      "5.7.1\0")),
            TALK_MORE, NULL);
}

static void
ldap(void **state)
{
    (void)state;
    ends_so("ldap", TURNS(SAY("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0")),
            TALK_YES, NULL);
    ends_so(
        "ldap",
        TURNS(SAY("\x30\x84\0\0\0\x28\x02\x01\x01\x78\x84\0\0\0\x1f\x0a\x01\0\x04\0\x04\0"
                  "\x8a\x16"
                  "1.3.6.1.4.1.1466.20037")),
        TALK_YES, NULL);
    ends_so("ldap",
            TURNS(SAY("\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\x02\x04\0\x04\x02no")),
            TALK_NO, "the server answers no");
    ends_so("ldap",
            TURNS(SAY("\x30\x12\x02\x01\x01\x78\x0d\x0a\x01\x34\x04\0\x04\x02no\x8a\x02"
                      "1.")),
            TALK_NO, "the server answers no");
    ends_so("ldap", TURNS(SAY("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x35\x04\0\x04\0")),
            TALK_NO, "the server answers with an error");
    ends_so("ldap", TURNS(SAY("\x30\x03\x02\x01\0")), TALK_NO,
            "the server does not speak this protocol");
    ends_so("ldap", TURNS(SAY("HTTP/1.1 400\r\n")), TALK_NO,
            "the server does not speak this protocol");
    ends_so("ldap",
            TURNS(SAY("\x30\x82\0\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0")),
            TALK_YES, NULL);
    ends_so("ldap", TURNS(SAY("\x30\x80\x02\x01\x01\x78")), TALK_NO,
            "the server does not speak this protocol");
    ends_so("ldap", TURNS(SAY("\x30\x84\xff\xff\xff\xff\x02")), TALK_NO,
            "the server does not speak this protocol");
    ends_so("ldap", TURNS(SAY("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0")), TALK_MORE,
            NULL);
}

/* As the packets' own documents write them. */
static void
packets_are_sent_whole(void **state)
{
    static const char zeros[23];
    struct steps *steps = made("mysql", NULL);
    struct talk *talk = talk_made(steps, false);
    const char *bytes;
    size_t length;

    (void)state;
    talk_next(talk);
    bytes = talk_bytes(talk, &length);
    assert_int_equal(length, 36);
    assert_memory_equal(bytes, "\x20\0\0\x01\0\x8a\0\0\0\0\0\x01\x21", 13);
    assert_memory_equal(bytes + 13, zeros, 23);
    assert_string_equal(talk_words(talk), "starttls mysql");
    talk_free(talk);
    steps_free(steps);
    steps = made("ldap", NULL);
    talk = talk_made(steps, false);
    bytes = talk_bytes(talk, &length);
    assert_int_equal(length, 31);
    assert_int_equal(bytes[1], 29);
    talk_free(talk);
    steps_free(steps);
    steps = made("postgres", NULL);
    talk = talk_made(steps, false);
    bytes = talk_bytes(talk, &length);
    assert_int_equal(length, 8);
    assert_memory_equal(bytes, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
    talk_free(talk);
    steps_free(steps);
}

/* ---- bounds ---- */

/* What comes with the last answer would be taken for TLS. */
static void
bytes_before_tls_are_seen(void **state)
{
    struct steps *steps = made("pop3", LINES("expect +OK", "send QUIT\r\n"));
    struct talk *talk = talk_made(steps, false);

    (void)state;
    assert_int_equal(talk_with(talk,
                               TURNS(SAY("+OK hi\r\n"), SAY("+OK\r\n+OK injected\r\n")),
                               99, false),
                     TALK_YES);
    assert_int_equal(talk_waiting(talk), 14);
    talk_next(talk);
    assert_int_equal(talk_number(talk), 1);
    talk_free(talk);
    steps_free(steps);
}

static int64_t
cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
greetings_without_end_are_bounded(void **state)
{
    static const struct {
        const char *protocol, *line;
    } all[] = { { "smtp", "220-\r\n" }, { "smtp", "2" },    { "ftp", "220-\r\n" },
                { "imap", "* OK" },     { "pop3", "+OK " }, { "ldap", "\x30\x83" },
                { "mysql", "\xf0\xf0" } };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct steps *steps = made(all[i].protocol, NULL);
        struct talk *talk = talk_made(steps, false);
        enum talk_answer answer = TALK_MORE;
        int64_t began = cpu_ms();
        size_t length;

        if (talk_kind(talk) == STEP_SEND)
            talk_next(talk);
        for (int at = 0; at <= STEPS_HEARD && answer == TALK_MORE; at++)
            answer = talk_hear(talk, all[i].line, strlen(all[i].line), false);
        assert_int_not_equal(answer, TALK_MORE);
        assert_int_not_equal(answer, TALK_YES);
        talk_heard(talk, &length);
        assert_in_range(length, 1, STEPS_HEARD + 10);
        assert_in_range(cpu_ms() - began, 0, 1500);
        talk_free(talk);
        steps_free(steps);
    }
}

/* A greeting that is right, if long, and comes in pieces of a packet's size. */
static void
a_long_greeting_is_taken(void **state)
{
    static const char line[] =
        "220-Whoever uses this server without leave will be told off\r\n";
    static char greeting[30000];
    const size_t size = sizeof(line) - 1;
    struct steps *steps = made("smtp", NULL);
    struct talk *talk = talk_made(steps, false);

    (void)state;
    memset(greeting, ' ', sizeof(greeting));
    for (size_t at = 0; at + 2 * size < sizeof(greeting); at += size)
        memcpy(greeting + at, line, size);
    memcpy(greeting + sizeof(greeting) / size * size - size, "220", 3);
    memcpy(greeting + sizeof(greeting) - 2, "\r\n", 2);
    for (size_t at = 0; at < sizeof(greeting); at += 1500)
        assert_int_equal(talk_hear(talk, greeting + at, 1500, false),
                         at + 1500 < sizeof(greeting) ? TALK_MORE : TALK_YES);
    talk_free(talk);
    steps_free(steps);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(smtp),
    cmocka_unit_test(imap),
    cmocka_unit_test(pop3),
    cmocka_unit_test(ftp),
    cmocka_unit_test(postgres),
    cmocka_unit_test(mysql),
    cmocka_unit_test(ldap),
    cmocka_unit_test(packets_are_sent_whole),
    cmocka_unit_test(bytes_before_tls_are_seen),
    cmocka_unit_test(greetings_without_end_are_bounded),
    cmocka_unit_test(a_long_greeting_is_taken),
};

UNIT_MAIN(tests)
