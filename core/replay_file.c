/* SPDX-License-Identifier: Apache-2.0
 *
 * replay_file.c - the files of a replay.  See replay_file.h.
 *
 * FILE.rest begins with a line that says how many bytes of FILE are done with, and their
 * checksum (of the first 64 KiB): a file that was rotated and begun anew is another one,
 * and is read from its start.  Lines and head come to their place together, by a rename.
 */
#include "replay_file.h"

#include "checksum.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    REPLAY_CHUNK = 1 << 16,
    REPLAY_LINE_MOST = 16 << 20, /* no event comes near it */
    REPLAY_HEAD = 64             /* bytes, with the end of the line */
};

static const char replay_head[] = "{\"replayed\":{\"bytes\":%20jd,\"crc32c\":%10" PRIu32
                                  "}}";

static bool
replay_fault(const char *path, const char *what)
{
    fprintf(stderr, "sondectl: %s: %s\n", path, what);
    return false;
}

/* ---- lines in ---- */

bool
replay_input_open(struct replay_input *input, const char *path)
{
    struct stat is;

    *input = (struct replay_input){ .path = memory_text(path) };
    input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (input->fd == -1)
        return errno == ENOENT || replay_fault(path, strerror(errno));
    if (fstat(input->fd, &is) == -1)
        return replay_fault(path, strerror(errno));
    if (!S_ISREG(is.st_mode))
        return replay_fault(path, "is no regular file");
    input->end = is.st_size;
    return true;
}

void
replay_input_close(struct replay_input *input)
{
    memory_close(&input->fd);
    free(input->bytes);
    free(input->path);
    *input = (struct replay_input){ .fd = -1 };
}

/* More bytes behind those that are there; 0: there are no more. */
static ssize_t
replay_input_more(struct replay_input *input)
{
    off_t from = input->at + (off_t)input->length;
    size_t most = REPLAY_CHUNK;
    ssize_t got;

    if (input->begin) {
        memmove(input->bytes, input->bytes + input->begin, input->length);
        input->begin = 0;
    }
    if (input->room - input->length < most) {
        input->room = (input->room + most) * 2;
        input->bytes = memory_grow(input->bytes, input->room, 1);
    }
    if ((off_t)most > input->end - from)
        most = (size_t)(input->end - from);
    do
        got = most ? pread(input->fd, input->bytes + input->length, most, from) : 0;
    while (got == -1 && errno == EINTR);
    if (got > 0)
        input->length += (size_t)got;
    return got;
}

bool
replay_input_line(struct replay_input *input, const char **line, size_t *length,
                  bool *fault)
{
    const char *end = NULL;
    size_t seen = 0;

    *fault = false;
    while (!end) {
        if (input->length > seen)
            end = memchr(input->bytes + input->begin + seen, '\n', input->length - seen);
        if (end)
            break;
        seen = input->length;
        switch (seen > REPLAY_LINE_MOST ? -2 : replay_input_more(input)) {
        case -2:
            errno = EFBIG; /* fall through */
        case -1:
            *fault = !replay_fault(input->path, strerror(errno));
            return false;
        case 0:
            input->torn = input->length > 0;
            return false;
        }
    }
    *line = input->bytes + input->begin;
    *length = (size_t)(end - *line);
    input->begin += *length + 1;
    input->length -= *length + 1;
    input->at += (off_t)*length + 1;
    input->number++;
    return true;
}

/* ---- how far it has got ---- */

/* Of the first bytes of the file, at most so many; false: there are fewer. */
static bool
replay_checksum(const struct replay_input *input, off_t bytes, uint32_t *sum)
{
    char chunk[REPLAY_CHUNK];
    size_t most = bytes < (off_t)sizeof(chunk) ? (size_t)bytes : sizeof(chunk);
    ssize_t got = most ? pread(input->fd, chunk, most, 0) : 0;

    *sum = got > 0 ? checksum_crc32c(0, chunk, (size_t)got) : 0;
    return got == (ssize_t)most;
}

/* So that lines are told by their number in the whole file. */
static void
replay_pass(struct replay_input *input, off_t to)
{
    char chunk[REPLAY_CHUNK];

    while (input->at < to) {
        size_t most = to - input->at < (off_t)sizeof(chunk) ? (size_t)(to - input->at)
                                                            : sizeof(chunk);
        ssize_t got = pread(input->fd, chunk, most, input->at);

        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            input->number += chunk[i] == '\n';
        input->at += got;
    }
    input->at = to;
}

bool
replay_resume(struct replay_input *rest, struct replay_input *file)
{
    const char *line;
    size_t length;
    char head[REPLAY_HEAD + 1] = "";
    intmax_t bytes = 0;
    uint32_t sum = 0, now;
    bool fault;

    if (rest->fd == -1 || !rest->end)
        return true;
    if (replay_input_line(rest, &line, &length, &fault) && length < sizeof(head))
        memcpy(head, line, length);
    if (fault)
        return false;
    if (sscanf(head, "{\"replayed\":{\"bytes\":%jd,\"crc32c\":%" SCNu32 "}}", &bytes,
               &sum)
            != 2
        || bytes < 0)
        return replay_fault(rest->path, "was not left by a replay; move it away");
    if (file->fd != -1 && bytes <= (intmax_t)file->end
        && replay_checksum(file, (off_t)bytes, &now) && now == sum)
        replay_pass(file, (off_t)bytes);
    return true;
}

/* ---- what is left ---- */

/* The one that has the lock and is still in its place. */
static bool
replay_rest_lock(struct replay_rest *rest)
{
    struct stat ours, named;

    for (;;) {
        rest->fd = open(rest->fresh, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (rest->fd == -1)
            return replay_fault(rest->fresh, strerror(errno));
        if (flock(rest->fd, LOCK_EX | LOCK_NB) == -1) {
            memory_close(&rest->fd);
            return replay_fault(rest->fresh, "another replay is under way");
        }
        if (fstat(rest->fd, &ours) == 0 && stat(rest->fresh, &named) == 0
            && ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
            return true;
        memory_close(&rest->fd);
    }
}

bool
replay_rest_open(struct replay_rest *rest, const char *file)
{
    char head[REPLAY_HEAD];

    *rest = (struct replay_rest){ .path = memory_format("%s.rest", file),
                                  .fresh = memory_format("%s.rest.new", file),
                                  .fd = -1 };
    if (!replay_rest_lock(rest))
        return false;
    if (ftruncate(rest->fd, 0) == -1)
        return replay_fault(rest->fresh, strerror(errno));
    memset(head, ' ', sizeof(head) - 1); /* filled in at the end */
    replay_rest_add(rest, head, sizeof(head) - 1);
    return true;
}

static bool
replay_put(const struct replay_rest *rest, const char *bytes, size_t length, off_t at)
{
    while (length) {
        ssize_t put = pwrite(rest->fd, bytes, length, at);

        if (put == -1 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        length -= (size_t)put;
        at += put;
    }
    return true;
}

void
replay_rest_add(struct replay_rest *rest, const char *line, size_t length)
{
    if (rest->failed)
        return;
    rest->failed = !replay_put(rest, line, length, rest->length)
                   || !replay_put(rest, "\n", 1, rest->length + (off_t)length);
    rest->length += (off_t)length + 1;
    if (rest->failed)
        replay_fault(rest->fresh, strerror(errno));
}

bool
replay_rest_commit(struct replay_rest *rest, const struct replay_input *input)
{
    char head[REPLAY_HEAD + 1];
    uint32_t sum = 0;
    int length;

    if (rest->failed)
        return false;
    if (input->fd != -1 && !replay_checksum(input, input->at, &sum))
        return replay_fault(input->path, "became shorter meanwhile");
    length = snprintf(head, sizeof(head), replay_head, (intmax_t)input->at, sum);
    if (!replay_put(rest, head, (size_t)length, 0) || fsync(rest->fd) == -1
        || rename(rest->fresh, rest->path) == -1)
        return replay_fault(rest->fresh, strerror(errno));
    rest->committed = true;
    return true;
}

void
replay_rest_close(struct replay_rest *rest)
{
    if (rest->fd != -1 && !rest->committed)
        unlink(rest->fresh);
    memory_close(&rest->fd);
    free(rest->path);
    free(rest->fresh);
}
