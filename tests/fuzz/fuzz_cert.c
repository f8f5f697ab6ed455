/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_cert.c - whatever stands in the certificates that a server sends, a report on them
 * is filled, told and judged.
 *
 * The input is a chain, the server's own first.  It is verified twice: against nobody,
 * and against its own certificates.
 */
#include "event.h"

#include "../../plugins/common/cert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHAIN_MOST = 10 };

static STACK_OF(X509) * chain_of(const uint8_t *data, size_t size)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    const unsigned char *at = data;
    X509 *cert;

    while (sk_X509_num(chain) < CHAIN_MOST && at < data + size
           && (cert = d2i_X509(NULL, &at, data + size - at)))
        sk_X509_push(chain, cert);
    return chain;
}

/* Every text ends, and what is known is said. */
static void
look(const struct cert_report *report, int answer)
{
    struct origin *origin = origin_new("shop", "tcp", "node-1", NULL, 0);
    struct event_pool *pool = event_pool_new();
    struct sonde_event *event = event_new(pool, origin);
    char why[CERT_TEXT] = "";
    enum sonde_state state = cert_judge(report, 0, why, sizeof(why));

    if (!report->seen || strlen(report->sha256) != 64 || answer != !report->refused)
        abort();
    if (report->refused != (state == SONDE_DOWN) || report->refused != (*why != '\0'))
        abort();
    if (report->verified == (*report->trouble != '\0'))
        abort();
    cert_tell(report, event);
    if (strcmp(sonde_text(event, "details.cert_sha256", NULL), report->sha256) != 0)
        abort();
    sonde_event_unref(event);
    event_pool_free(pool);
    origin_unref(origin);
}

static void
verify(STACK_OF(X509) * chain, bool trusted, const char *host)
{
    static const struct cert_rules rules = { .verify = true };
    struct cert_report report = { .rules = &rules, .host = host };
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE *store = X509_STORE_new();

    for (int i = 0; trusted && i < sk_X509_num(chain); i++)
        X509_STORE_add_cert(store, sk_X509_value(chain, i));
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    if (X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) == 1
        && X509_STORE_CTX_set_default(context, "ssl_server") == 1)
        look(&report, cert_verify(context, &report));
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    STACK_OF(X509) *chain = chain_of(data, size);

    if (sk_X509_num(chain) > 0) {
        verify(chain, false, "127.0.0.1");
        verify(chain, true, "shop.test");
    }
    sk_X509_pop_free(chain, X509_free);
    return 0;
}
