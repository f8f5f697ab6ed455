/* SPDX-License-Identifier: Apache-2.0
 *
 * c11shim.c - C11 threads on pthreads, preloaded in runs under ThreadSanitizer.
 *
 * librdkafka 2.0 uses <threads.h>, which ThreadSanitizer of gcc 12 and clang 14 does
 * not intercept: it crashes in threads it has not seen begin.  Never linked into
 * anything that ships.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

struct call {
    thrd_start_t fn;
    void *arg;
};

static void *
shim_run(void *arg)
{
    struct call call = *(struct call *)arg;

    free(arg);
    return (void *)(intptr_t)call.fn(call.arg);
}

static int
shim_answer(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    case ENOMEM:
        return thrd_nomem;
    }
    return thrd_error;
}

int
thrd_create(thrd_t *thread, thrd_start_t fn, void *arg)
{
    struct call *call = malloc(sizeof(*call));

    if (!call)
        return thrd_nomem;
    *call = (struct call){ fn, arg };
    return shim_answer(pthread_create((pthread_t *)thread, NULL, shim_run, call));
}

int
thrd_join(thrd_t thread, int *result)
{
    void *value = NULL;
    int error = pthread_join((pthread_t)thread, &value);

    if (result)
        *result = (int)(intptr_t)value;
    return shim_answer(error);
}

thrd_t
thrd_current(void)
{
    return (thrd_t)pthread_self();
}

int
mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t kind;
    int error;

    pthread_mutexattr_init(&kind);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    error = pthread_mutex_init((pthread_mutex_t *)mutex, &kind);
    pthread_mutexattr_destroy(&kind);
    return shim_answer(error);
}

int
mtx_lock(mtx_t *mutex)
{
    return shim_answer(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int
mtx_trylock(mtx_t *mutex)
{
    return shim_answer(pthread_mutex_trylock((pthread_mutex_t *)mutex));
}

int
mtx_unlock(mtx_t *mutex)
{
    return shim_answer(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

void
mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int
cnd_init(cnd_t *cond)
{
    return shim_answer(pthread_cond_init((pthread_cond_t *)cond, NULL));
}

int
cnd_signal(cnd_t *cond)
{
    return shim_answer(pthread_cond_signal((pthread_cond_t *)cond));
}

int
cnd_broadcast(cnd_t *cond)
{
    return shim_answer(pthread_cond_broadcast((pthread_cond_t *)cond));
}

int
cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    return shim_answer(
        pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex));
}

int
cnd_timedwait(cnd_t *cond, mtx_t *mutex, const struct timespec *until)
{
    return shim_answer(
        pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, until));
}

void
cnd_destroy(cnd_t *cond)
{
    pthread_cond_destroy((pthread_cond_t *)cond);
}

void
call_once(once_flag *flag, void (*fn)(void))
{
    pthread_once((pthread_once_t *)flag, fn);
}
