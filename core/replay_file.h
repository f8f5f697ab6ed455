/* SPDX-License-Identifier: Apache-2.0
 *
 * replay_file.h - the files of a replay: lines in, and what is left.
 */
#ifndef CORE_REPLAY_FILE_H
#define CORE_REPLAY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A file read line by line, up to its size at the start: a daemon may go on appending. */
struct replay_input {
    char *path;
    int fd;
    off_t at, end;   /* of the next line; of what is read */
    uint64_t number; /* of the last line given, from 1 */
    char *bytes;
    size_t begin, length, room;
    bool torn; /* what follows has no end: it may be written at this moment */
};

/* false: told.  One that is not there has no lines. */
bool replay_input_open(struct replay_input *input, const char *path);
void replay_input_close(struct replay_input *input);
/* The next line, without its end; valid until the call after.  false: there is no more,
 * or
 * (*fault) it cannot be read, told. */
bool replay_input_line(struct replay_input *input, const char **line, size_t *length,
                       bool *fault);

/* What is left of a file: FILE.rest. */
struct replay_rest {
    char *path, *fresh; /* written beside it, and put in its place at the end */
    int fd;
    off_t length;
    bool failed, committed;
};

/* Takes the lock against other replays of the file; false: told. */
bool replay_rest_open(struct replay_rest *rest, const char *file);
void replay_rest_add(struct replay_rest *rest, const char *line, size_t length);
/* Puts it in place, as what is left of the file up to where input is; false: told. */
bool replay_rest_commit(struct replay_rest *rest, const struct replay_input *input);
void replay_rest_close(struct replay_rest *rest);

/* Passes over the head of an older rest, and in the file over what it says is done.
 * false: told. */
bool replay_resume(struct replay_input *rest, struct replay_input *file);

#endif
