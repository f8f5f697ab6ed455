/* SPDX-License-Identifier: Apache-2.0
 *
 * web.c - libcurl's multi socket interface on the loop.  See web.h.
 *
 * libcurl must not be called from within its own callbacks, so these only set
 * watches and the timer.  A transfer has one socket at a time.  libcurl 7.88 closes
 * one that is not connected yet without a word, so its watch goes first.  libcurl 8
 * takes leave of a socket in the name of a handle of its own: what is assigned to the
 * socket tells whose it was.
 */
#include "web.h"

#include <errno.h>
#include <sys/socket.h>

struct web_multi {
    CURLM *multi;
    struct sonde_timer *timer;
    int count; /* transfers under way, or ended and not told yet */
};

/* A peer that is fast, or the first to speak, may be connected and done with in one call
 * of libcurl's, in which we saw nothing.  One that resets the connection at once may be
 * gone before anybody looks: what is reset was open, else it would have been refused. */
static void
web_see_connected(struct web *web)
{
    curl_off_t took = 0;
    long error = 0, socks = 0; /* what a SOCKS proxy says, it says over a connection */

    if (web->connected)
        return;
    curl_easy_getinfo(web->easy, CURLINFO_CONNECT_TIME_T, &took);
    curl_easy_getinfo(web->easy, CURLINFO_OS_ERRNO, &error);
    curl_easy_getinfo(web->easy, CURLINFO_PROXY_ERROR, &socks);
    if (took > 0 || socks || error == ECONNRESET || error == EPIPE)
        web->connected = sonde_now();
}

/* Tells those whose transfers ended.  What they do may end others. */
static void
web_tell(struct web_multi *all)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(all->multi, &left))) {
        CURLcode code = message->data.result;
        void *private = NULL;
        struct web *web;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        web = private;
        web_see_connected(web);
        web_stop(web);
        web->fn(web->arg, code);
    }
}

static void
web_unwatch(struct web *web)
{
    struct web_multi *all;

    if (!web->watch)
        return;
    all = sonde_private(web->shared);
    curl_multi_assign(all->multi, web->fd, NULL);
    sonde_watch_free(web->watch);
    web->watch = NULL;
}

/* libcurl 8.10 would tell this, older ones do not: all that was to be sent has been taken
 * by the kernel. */
static void
web_see_sent(struct web *web)
{
    curl_off_t ready = 0, gone = 0;

    if (web->sent)
        return;
    curl_easy_getinfo(web->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    if (!ready)
        return;
    if (web->length)
        curl_easy_getinfo(web->easy, CURLINFO_SIZE_UPLOAD_T, &gone);
    if (gone >= web->length)
        web->sent = sonde_now();
}

/* libcurl shows nothing of what is no HTTP, and it is just that which tells whom one is
 * talking to. */
static void
web_look(struct web *web, int fd)
{
    ssize_t got = recv(fd, web->first, sizeof(web->first), MSG_PEEK | MSG_DONTWAIT);

    web->first_length = got > 0 ? (size_t)got : 0;
    web->look = got <= 0;
}

/* libcurl tells when TLS was through, but not when TCP was: a socket that only was
 * to be written to, and can be, is connected.  One that can be read as well has failed,
 * or its peer was the first to speak. */
static bool
web_is_open(int fd, unsigned ready)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);

    return ready == SONDE_WRITE
           || getpeername(fd, (struct sockaddr *)&peer, &length) == 0;
}

static void
web_ready(struct sonde_instance *shared, int fd, unsigned ready, void *arg)
{
    struct web_multi *all = sonde_private(shared);
    struct web *web = arg;
    int what = (ready & SONDE_READ ? CURL_CSELECT_IN : 0)
               | (ready & SONDE_WRITE ? CURL_CSELECT_OUT : 0),
        running;

    if (web->look && (ready & SONDE_READ))
        web_look(web, fd);
    if (!web->connected && web_is_open(fd, ready))
        web->connected = sonde_now();
    else if (!web->connected)
        web_unwatch(web); /* it failed */
    curl_multi_socket_action(all->multi, fd, what, &running);
    web_see_sent(web);
    web_tell(all);
}

static void
web_due(struct sonde_instance *shared, void *arg)
{
    struct web_multi *all = sonde_private(shared);
    int running;

    (void)arg;
    curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    web_tell(all);
}

static int
web_set_timer(CURLM *multi, long ms, void *arg)
{
    struct web_multi *all = arg;

    (void)multi;
    sonde_timer_set(all->timer, ms);
    return 0;
}

static int
web_set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *at)
{
    struct sonde_instance *shared = arg;
    unsigned want = (what & CURL_POLL_IN ? SONDE_READ : 0u)
                    | (what & CURL_POLL_OUT ? SONDE_WRITE : 0u);
    struct web_multi *all = sonde_private(shared);
    void *private = NULL;
    struct web *web;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    web = private ? private : at;
    if (!web)
        return 0;
    if (web->watch && (web->fd == fd) == (what == CURL_POLL_REMOVE))
        web_unwatch(web);
    if (what == CURL_POLL_REMOVE)
        return 0;
    if ((want & SONDE_READ) && !web->connected)
        web->connected = sonde_now();
    if (web->watch) {
        sonde_watch_want(web->watch, want);
        return 0;
    }
    web->fd = fd;
    web->watch = sonde_watch_new(shared, fd, want, web_ready, web);
    web->blind = !web->watch;
    if (web->watch)
        curl_multi_assign(all->multi, fd, web);
    return 0; /* -1 would end the transfers of everybody */
}

static int
web_share(struct sonde_instance *shared)
{
    struct web_multi *all = sonde_private(shared);

    all->multi = curl_multi_init();
    if (!all->multi)
        return -1;
    all->timer = sonde_timer_new(shared, web_due, NULL);
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, web_set_socket);
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, shared);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, web_set_timer);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all);
    curl_multi_setopt(all->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return 0;
}

static void
web_unshare(struct sonde_instance *shared)
{
    struct web_multi *all = sonde_private(shared);

    curl_multi_cleanup(all->multi);
}

static struct sonde_instance *
web_shared(struct sonde_instance *self)
{
    return sonde_shared(self, sizeof(struct web_multi), web_share, web_unshare);
}

int
web_start(struct web *web, struct sonde_instance *self, CURL *easy, int64_t length,
          web_fn *fn, void *arg)
{
    struct sonde_instance *shared = web_shared(self);
    struct web_multi *all = shared ? sonde_private(shared) : NULL;
    int running = 0;

    *web = (struct web){ .fn = fn, .arg = arg, .length = length };
    if (!all || curl_easy_setopt(easy, CURLOPT_PRIVATE, web) != CURLE_OK
        || curl_multi_add_handle(all->multi, easy) != CURLM_OK)
        return -1;
    web->shared = shared;
    web->easy = easy;
    all->count++;
    /* It begins now, not when the timer fires, which takes a millisecond.  What
     * ends at once is told later. */
    curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    web_see_sent(web);
    if (running < all->count)
        sonde_post(shared, web_due, NULL);
    return 0;
}

void
web_stop(struct web *web)
{
    struct web_multi *all = web->easy ? sonde_private(web->shared) : NULL;

    web_unwatch(web);
    if (all) {
        curl_multi_remove_handle(all->multi, web->easy);
        all->count--;
    }
    web->easy = NULL;
}

void
web_reopen(struct web *web)
{
    web->connected = 0;
    web->sent = 0;
}
