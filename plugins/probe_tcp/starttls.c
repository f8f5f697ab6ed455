/* SPDX-License-Identifier: Apache-2.0
 *
 * starttls.c - the seven conversations that end with "go on with TLS".  See starttls.h.
 *
 * The expressions take whole lines or whole packets, so that nothing is left over that
 * would be taken for the beginning of TLS; and they are linear: no two ways to match the
 * same bytes.  A refusal is whatever complete line or packet is not the one wanted.
 */
#include "starttls.h"

#include <stdlib.h>
#include <string.h>

#define SAY(text)  .kind = STEP_SEND, .bytes = text, .length = sizeof(text) - 1
#define HEAR(what) .kind = STEP_EXPECT, .regex = what

/* ---- lines ---- */

#define LINE  "(?: [^\\r\\n]*)?\\r?\\n" /* what may follow a code or a word */
#define SAID  "(?<said>[^\\r\\n]*)\\r?\\n"
#define WORDS "the server answers"

/* An answer of SMTP: "250-text" lines, and "250 text" as the last. */
#define SMTP_MORE(code) "\\A(?:" code "-[^\\r\\n]*\\r?\\n)*+"
#define SMTP(code)      HEAR(SMTP_MORE(code) code LINE)
#define SMTP_NOT(code)  SMTP_MORE(code) "(?!" code "[- \\r\\n])" SAID

static const struct starttls_step smtp[] = {
    { SMTP("220"), .refusals = { { SMTP_NOT("220"), WORDS } } },
    { SAY("EHLO sonde.invalid\r\n") },
    { SMTP("250"), .refusals = { { SMTP_NOT("250"), WORDS } } },
    { SAY("STARTTLS\r\n") },
    { SMTP("220"), .refusals = { { SMTP_NOT("220"), WORDS } } },
    { .kind = STEP_TLS },
};

/* An answer of FTP: after "220-text" anything may stand until "220 text". */
#define FTP_MORE(code) "(?:-[^\\n]*\\n(?:(?!" code "[ \\r\\n])[^\\n]*\\n)*+" code ")?"
#define FTP(code)      HEAR("\\A" code FTP_MORE(code) LINE)
#define FTP_NOT(code)  "\\A(?!" code "[- \\r\\n])" SAID

static const struct starttls_step ftp[] = {
    { FTP("220"), .refusals = { { FTP_NOT("220"), WORDS } } },
    { SAY("AUTH TLS\r\n") },
    { FTP("234"), .refusals = { { FTP_NOT("234"), WORDS } } },
    { .kind = STEP_TLS },
};

/* Lines for everybody may come first, but for a good bye. */
#define IMAP_MORE "(?i)\\A(?:\\* (?!BYE)[^\\r\\n]*\\r?\\n)*+"

static const struct starttls_step imap[] = {
    { HEAR("(?i)\\A\\* OK" LINE),
      .refusals = { { "(?i)\\A(?!\\* OK[ \\r\\n])" SAID, WORDS } } },
    { SAY("a1 STARTTLS\r\n") },
    { HEAR(IMAP_MORE "a1 OK" LINE),
      .refusals = { { IMAP_MORE "(?!a1 OK[ \\r\\n])(?:a1 )?" SAID, WORDS } } },
    { .kind = STEP_TLS },
};

#define POP3     HEAR("\\A\\+OK" LINE)
#define POP3_NOT "\\A(?!\\+OK[ \\r\\n])" SAID

static const struct starttls_step pop3[] = {
    { POP3, .refusals = { { POP3_NOT, WORDS } } },
    { SAY("STLS\r\n") },
    { POP3, .refusals = { { POP3_NOT, WORDS } } },
    { .kind = STEP_TLS },
};

/* ---- packets ---- */

#define OFFERS_NONE "the server offers no TLS"
#define AN_ERROR    "the server answers with an error"
#define NOT_THIS    "the server does not speak this protocol"

/* SSLRequest.  The answer is one byte; of a packet that tells an error only the first is
 * waited for. */
static const struct starttls_step postgres[] = {
    { SAY("\0\0\0\x08\x04\xd2\x16\x2f") },
    { HEAR("\\AS"),
      .refusals = { { "\\AN", OFFERS_NONE }, { "\\AE", AN_ERROR }, { "", NOT_THIS } } },
    { .kind = STEP_TLS },
};

/* Three bytes of length, the lowest first, and a number, which is 0 for the first. */
static ssize_t
starttls_mysql_frame(const char *bytes, size_t length)
{
    const unsigned char *head = (const unsigned char *)bytes;
    size_t all;

    if (length < 4)
        return 0;
    all = 4 + (head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16);
    return all == 4 || head[3] != 0 || all > STEPS_HEARD ? -1 : (ssize_t)all;
}

/* The greeting: protocol 10, a version that ends with NUL, 13 bytes of id, salt and
 * filler, and the capabilities, whose bit 11 (bit 3 of the second byte) is TLS. */
#define MYSQL_TLS                                                                        \
    "[\\x08-\\x0f\\x18-\\x1f\\x28-\\x2f\\x38-\\x3f\\x48-\\x4f\\x58-\\x5f\\x68-\\x6f"     \
    "\\x78-\\x7f\\x88-\\x8f\\x98-\\x9f\\xa8-\\xaf\\xb8-\\xbf\\xc8-\\xcf\\xd8-\\xdf"      \
    "\\xe8-\\xef\\xf8-\\xff]"

/* Our request: TLS, protocol 4.1, secure connection; packets of 16 MiB; UTF-8. */
static const struct starttls_step mysql[] = {
    { HEAR("(?s)\\A.{4}\\x0a[^\\x00]*\\x00.{14}" MYSQL_TLS),
      .frame = starttls_mysql_frame,
      .refusals = { { "(?s)\\A.{4}\\xff..(?:#.{5})?(?<said>.*)", WORDS },
                    { "(?s)\\A.{4}\\x0a", OFFERS_NONE },
                    { "", NOT_THIS } } },
    { SAY("\x20\0\0\x01"
          "\0\x8a\0\0"
          "\0\0\0\x01"
          "\x21"
          "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
    { .kind = STEP_TLS },
};

/* A SEQUENCE of BER, with a length of one byte or of one to four that follow. */
static ssize_t
starttls_ldap_frame(const char *bytes, size_t length)
{
    const unsigned char *head = (const unsigned char *)bytes;
    size_t more, all = 0;

    if (length > 0 && head[0] != 0x30)
        return -1;
    if (length < 2)
        return 0;
    if (head[1] < 0x80)
        return 2 + head[1];
    more = head[1] - 0x80U;
    if (more < 1 || more > 4)
        return -1;
    if (length < 2 + more)
        return 0;
    for (size_t i = 0; i < more; i++)
        all = all << 8 | head[2 + i];
    return all > STEPS_HEARD ? -1 : (ssize_t)(2 + more + all);
}

#define BER "(?:[\\x00-\\x7f]|\\x81.|\\x82..|\\x83...|\\x84....)" /* any length */
/* Message 1 is an ExtendedResponse, and its resultCode is next. */
#define LDAP "(?s)\\A\\x30" BER "\\x02\\x01\\x01\\x78" BER "\\x0a\\x01"

/* In a refusal matchedDN is empty; the name of the request may come behind the text. */
static const struct starttls_step ldap[] = {
    { SAY("\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
          "1.3.6.1.4.1.1466.20037") },
    { HEAR(LDAP "\\x00"), .frame = starttls_ldap_frame,
      .refusals = { { LDAP ".\\x04\\x00\\x04" BER "(?<said>[^\\x8a]+)", WORDS },
                    { LDAP, AN_ERROR },
                    { "", NOT_THIS } } },
    { .kind = STEP_TLS },
};

/* ---- which ---- */

const struct starttls_step *
starttls_find(const char *protocol)
{
    static const struct {
        const char *name;
        const struct starttls_step *steps;
    } all[] = {
        { "smtp", smtp },         { "imap", imap },   { "pop3", pop3 }, { "ftp", ftp },
        { "postgres", postgres }, { "mysql", mysql }, { "ldap", ldap },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (strcmp(all[i].name, protocol) == 0)
            return all[i].steps;
    return NULL;
}

bool
starttls_make(const struct starttls_step *canned, struct step *step)
{
    char why[200];

    step->kind = canned->kind;
    step->most = STEPS_HEARD;
    step->frame = canned->frame;
    if (canned->length) {
        step->bytes = malloc(canned->length);
        if (!step->bytes)
            return false;
        memcpy(step->bytes, canned->bytes, canned->length);
        step->length = canned->length;
    }
    if (canned->regex && !(step->pattern = pattern_new(canned->regex, why, sizeof(why))))
        return false;
    for (unsigned i = 0; i < STEP_REFUSALS && canned->refusals[i].regex; i++) {
        const struct starttls_refusal *refusal = &canned->refusals[i];

        step->refusals[i].words = refusal->words;
        step->refusals[i].pattern = pattern_new(refusal->regex, why, sizeof(why));
        if (!step->refusals[i].pattern)
            return false;
    }
    return true;
}
