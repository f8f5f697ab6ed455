/* SPDX-License-Identifier: Apache-2.0
 *
 * bare_http.c - the limit of the http check: libcurl's multi interface on epoll, a new
 * connection for each request, handles used again.
 *
 *   bare_http CPU COUNT IN_FLIGHT PORT
 *
 * It asks for what the check asks for: the same header lines, closed by a reset.
 */
#include "bare.h"

#include <curl/curl.h>
#include <sys/epoll.h>

enum { ADDRESSES = 16, EVENTS = 256 };

static CURLM *multi;
static int epoll, port;
static long begun, done, count, failed, due = -1; /* due: ms of the clock, -1 none */

static int
set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct epoll_event event = { .data.fd = fd };

    (void)easy, (void)arg;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
        curl_multi_assign(multi, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0)
                   | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    epoll_ctl(epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    if (!known)
        curl_multi_assign(multi, fd, multi);
    return 0;
}

static int
set_timer(CURLM *all, long ms, void *arg)
{
    (void)all, (void)arg;
    due = ms < 0 ? -1 : (long)(bare_now() / 1000000) + ms;
    return 0;
}

static size_t
take(char *bytes, size_t one, size_t length, void *arg)
{
    (void)bytes, (void)arg;
    return one * length;
}

static int
prepare(void *arg, curl_socket_t fd, curlsocktype type)
{
    static const struct linger reset = { .l_onoff = 1 };

    (void)arg, (void)type;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    return CURL_SOCKOPT_OK;
}

static CURL *
make(void)
{
    CURL *easy = curl_easy_init();

    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sonde/0.1.0");
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, prepare);
    return easy;
}

static void
begin(CURL *easy)
{
    char url[64];

    snprintf(url, sizeof(url), "http://127.0.1.%ld:%d/ok", 1 + begun++ % ADDRESSES, port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_multi_add_handle(multi, easy);
}

static void
reap(void)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        long status = 0;

        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        failed += code != CURLE_OK || status != 200;
        done++;
        curl_multi_remove_handle(multi, easy);
        if (begun < count)
            begin(easy);
        else
            curl_easy_cleanup(easy);
    }
}

static void
turn(void)
{
    struct epoll_event events[EVENTS];
    long now = (long)(bare_now() / 1000000);
    int wait = due < 0 ? 1000 : due <= now ? 0 : (int)(due - now), running;
    int ready = epoll_wait(epoll, events, EVENTS, wait);

    for (int i = 0; i < ready; i++) {
        uint32_t bits = events[i].events;

        curl_multi_socket_action(multi, events[i].data.fd,
                                 (bits & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0)
                                     | (bits & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                                     | (bits & EPOLLERR ? CURL_CSELECT_ERR : 0),
                                 &running);
    }
    if (due >= 0 && (long)(bare_now() / 1000000) >= due) {
        due = -1;
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    reap();
}

int
main(int argc, char **argv)
{
    struct bare_mark mark;
    long most;

    if (argc != 5) {
        fprintf(stderr, "usage: bare_http CPU COUNT IN_FLIGHT PORT\n");
        return 2;
    }
    bare_pin(atoi(argv[1]));
    count = atol(argv[2]);
    most = atol(argv[3]);
    port = atoi(argv[4]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    mark = bare_mark();
    while (begun < most && begun < count)
        begin(make());
    while (done < count)
        turn();
    bare_report(count, mark);
    if (failed)
        fprintf(stderr, "%ld failed\n", failed);
    return failed != 0;
}
