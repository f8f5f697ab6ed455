/* SPDX-License-Identifier: Apache-2.0
 *
 * sondectl.c - the program that looks at what a daemon keeps on the disk, and sends dead
 * letters again (replay.c).
 *
 * list, verify and dump only read, also beside a running daemon: a segment that goes
 * meanwhile is passed over.  trim takes the lock of the state directory, so it works on a
 * stopped one.
 */
#include "config.h"

#include "dump.h"
#include "memory.h"
#include "replay.h"
#include "segment.h"
#include "statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SONDECTL_OK, SONDECTL_DAMAGED, SONDECTL_WRONG };

static const char sondectl_usage[] =
    "Usage: sondectl journal list|verify|dump [DIR]\n"
    "       sondectl journal trim [--yes] [DIR]\n"
    "       sondectl [-c PATH] [--plugin-dir DIR]... deadletter replay FILE\n"
    "                [--sink NAME] [--wait TIME] [--dry-run]\n"
    "\n"
    "The journal of a sonded.  DIR is the state_dir of its configuration\n"
    "(default $STATE_DIRECTORY, else /var/lib/sonde).\n"
    "\n"
    "  list           the files: first number, bytes, what they hold\n"
    "  verify         read everything; exit 1 where something is damaged\n"
    "  dump           every record as a line of JSON: what it is, and what it says\n"
    "  trim [--yes]   remove all but the newest file, which holds every state; what\n"
    "                 waited for a sink in the others is dropped.  Tells what would go,\n"
    "                 and does it with --yes.  The daemon must be stopped\n"
    "\n"
    "Dead letters, as lines of JSON in a file, sent again to the sinks that they were\n"
    "meant for.  The daemon may run or not.  FILE is only read; FILE.rest says how far\n"
    "and holds what was not delivered, and the next replay begins with that.\n"
    "\n"
    "  -c, --config PATH     the configuration (default " SONDE_SYSCONFDIR
    "/sonde/conf.d)\n"
    "      --plugin-dir DIR  look for plugins here first; may be given several times\n"
    "      --sink NAME       send all of them to this sink\n"
    "      --wait TIME       give a sink up when nothing is delivered for so long (30s)\n"
    "      --dry-run         only tell what would be sent\n"
    "\n"
    "  -V, --version  print the version and end\n"
    "  -h, --help     print this and end\n"
    "\n"
    "Exit status: 0 all is well, 1 damaged, or not all was delivered, 2 it could not be\n"
    "done.\n";

/* ---- the segments of a directory ---- */

struct sondectl_list {
    uint64_t *numbers;
    size_t count;
};

static void
sondectl_add(void *arg, const char *name)
{
    struct sondectl_list *list = arg;
    uint64_t first;

    if (!segment_number(name, &first))
        return;
    list->numbers = memory_grow(list->numbers, list->count + 1, sizeof(first));
    list->numbers[list->count++] = first;
}

static int
sondectl_order(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;

    return *one < *other ? -1 : *one > *other;
}

static bool
sondectl_find(struct disk *disk, const char *state, struct sondectl_list *list)
{
    AUTO_FREE char *path = memory_format("%s/journal", state);

    if (!disk_init(disk, path) || disk->calls->list(disk, sondectl_add, list) == -1) {
        fprintf(stderr, "sondectl: %s: %s\n", path, strerror(errno));
        return false;
    }
    if (list->count)
        qsort(list->numbers, list->count, sizeof(*list->numbers), sondectl_order);
    else
        fprintf(stderr, "sondectl: %s holds no journal\n", path);
    return list->count > 0;
}

/* ---- what is done with each ---- */

struct sondectl_segment {
    struct disk *disk;
    int fd;
    uint64_t first;
    bool newest; /* may be written meanwhile: its end is no damage */
    char name[SEGMENT_NAME];
};

/* Where the daemon writes on meanwhile, what is new behind the end looks like damage: so
 * as long as the end moves, it is looked at once more. */
static void
sondectl_look(const struct sondectl_segment *segment, struct segment_found *found)
{
    off_t end = -1;

    segment_look(segment->disk, segment->fd, found);
    while (segment->newest && found->rest != SEGMENT_CLEAN && found->end != end) {
        end = found->end;
        segment_look(segment->disk, segment->fd, found);
    }
}

static int
sondectl_list_one(const struct sondectl_segment *segment)
{
    struct segment_found found;

    sondectl_look(segment, &found);
    printf("%s  %10jd bytes  %8ju records", segment->name, (intmax_t)found.end,
           (uintmax_t)found.records);
    if (found.records)
        printf("  to %ju", (uintmax_t)found.last);
    printf("%s\n", found.rest == SEGMENT_QUARANTINED                ? "  damaged"
                   : found.rest == SEGMENT_TORN && !segment->newest ? "  torn"
                                                                    : "");
    return SONDECTL_OK;
}

static int
sondectl_verify_one(const struct sondectl_segment *segment)
{
    struct segment_found found;

    sondectl_look(segment, &found);
    if (found.rest == SEGMENT_CLEAN && found.snapshot)
        return SONDECTL_OK;
    if (found.rest == SEGMENT_TORN && found.snapshot) {
        printf(
            "%s: %jd bytes behind byte %jd are no record: being written, or cut off by a "
            "crash\n",
            segment->name, (intmax_t)found.rest_length, (intmax_t)found.end);
        return SONDECTL_OK;
    }
    if (found.rest != SEGMENT_CLEAN)
        printf("%s: damaged at byte %jd%s%s\n", segment->name, (intmax_t)found.end,
               found.error ? ": " : "", found.error ? strerror(found.error) : "");
    if (!found.snapshot)
        printf("%s: does not begin with a whole snapshot\n", segment->name);
    return SONDECTL_DAMAGED;
}

static int
sondectl_dump_one(const struct sondectl_segment *segment)
{
    off_t size = segment->disk->calls->size(segment->disk, segment->fd);
    struct segment_scan scan;
    struct record record;
    struct text line = { 0 };

    segment_scan_init(&scan, segment->disk, segment->fd, size);
    while (segment_next(&scan, &record) == RECORD_TAKEN) {
        line.length = 0;
        dump_record(&line, segment->first, &record);
        fwrite(line.bytes, 1, line.length, stdout);
    }
    text_deinit(&line);
    segment_scan_deinit(&scan);
    return scan.error ? SONDECTL_DAMAGED : SONDECTL_OK;
}

static int
sondectl_open(struct disk *disk, const struct sondectl_list *list, size_t i,
              int (*each)(const struct sondectl_segment *segment))
{
    struct sondectl_segment segment = { .disk = disk,
                                        .first = list->numbers[i],
                                        .newest = i + 1 == list->count };
    uint64_t first = 0;
    int status = SONDECTL_DAMAGED;

    segment_name(segment.name, segment.first);
    segment.fd = disk->calls->open(disk, segment.name, O_RDONLY);
    if (segment.fd == -1) {
        if (errno == ENOENT)
            return SONDECTL_OK; /* not needed any more, just now */
        fprintf(stderr, "sondectl: %s: %s\n", segment.name, strerror(errno));
        return SONDECTL_WRONG;
    }
    switch (segment_take_head(disk, segment.fd, &first)) {
    case SEGMENT_OURS:
        if (first == segment.first) {
            status = each(&segment);
            break;
        }
        /* fall through */
    case SEGMENT_DAMAGED:
        printf("%s: does not begin as a segment does\n", segment.name);
        break;
    case SEGMENT_NEWER:
        fprintf(stderr, "sondectl: %s was written by a newer version of sonde\n",
                segment.name);
        status = SONDECTL_WRONG;
        break;
    }
    disk->calls->close(disk, segment.fd);
    return status;
}

static int
sondectl_each(const char *state, int (*each)(const struct sondectl_segment *segment))
{
    struct sondectl_list list = { 0 };
    struct disk disk = { .directory = -1 };
    int status = sondectl_find(&disk, state, &list) ? SONDECTL_OK : SONDECTL_WRONG;

    for (size_t i = 0; i < list.count && status != SONDECTL_WRONG; i++) {
        int one = sondectl_open(&disk, &list, i, each);

        status = one > status ? one : status;
    }
    free(list.numbers);
    memory_close(&disk.directory);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "sondectl: the output cannot be written: %s\n", strerror(errno));
        return SONDECTL_WRONG;
    }
    return status;
}

/* ---- trim ---- */

static int
sondectl_drop(struct disk *disk, const struct sondectl_list *list, bool yes)
{
    char name[SEGMENT_NAME];

    if (sondectl_open(disk, list, list->count - 1, sondectl_verify_one) != SONDECTL_OK) {
        fprintf(stderr,
                "sondectl: the newest file is not whole, so the others are needed: "
                "start sonded, which puts it right\n");
        return SONDECTL_DAMAGED;
    }
    if (list->count == 1)
        puts("There is one file only, and it is needed: nothing to remove.");
    for (size_t i = 0; i + 1 < list->count; i++) {
        segment_name(name, list->numbers[i]);
        printf("%s %s: numbers %ju to %ju\n", yes ? "removing" : "would remove", name,
               (uintmax_t)list->numbers[i], (uintmax_t)list->numbers[i + 1] - 1);
        if (yes && disk->calls->unlink(disk, name) == -1) {
            fprintf(stderr, "sondectl: %s: %s\n", name, strerror(errno));
            return SONDECTL_WRONG;
        }
    }
    if (!yes && list->count > 1)
        puts("What waited in them for a sink would be dropped.  Say --yes to do it.");
    return SONDECTL_OK;
}

static int
sondectl_trim(const char *state, bool yes)
{
    struct sondectl_list list = { 0 };
    struct disk disk = { .directory = -1 };
    int lock = -1, status = SONDECTL_WRONG;

    if (access(state, F_OK) == -1) /* the lock would make it */
        fprintf(stderr, "sondectl: %s: %s\n", state, strerror(errno));
    else if (statedir_take(state, "stop it first", &lock) == 0
             && sondectl_find(&disk, state, &list))
        status = sondectl_drop(&disk, &list, yes);
    free(list.numbers);
    memory_close(&disk.directory);
    memory_close(&lock);
    return status;
}

/* ---- the command line ---- */

static const char *
sondectl_state(const char *given)
{
    const char *state = given ? given : getenv("STATE_DIRECTORY");

    return state && *state ? state : "/var/lib/sonde";
}

static int
sondectl_journal(const char *verb, const char *state, bool yes)
{
    if (strcmp(verb, "trim") == 0)
        return sondectl_trim(state, yes);
    if (yes)
        fputs("sondectl: --yes is for trim\n", stderr);
    else if (strcmp(verb, "list") == 0)
        return sondectl_each(state, sondectl_list_one);
    else if (strcmp(verb, "verify") == 0)
        return sondectl_each(state, sondectl_verify_one);
    else if (strcmp(verb, "dump") == 0)
        return sondectl_each(state, sondectl_dump_one);
    else
        fprintf(stderr,
                "sondectl: the journal knows list, verify, dump and trim, not "
                "\"%s\"\n",
                verb);
    return SONDECTL_WRONG;
}

struct sondectl_arguments {
    struct replay_options replay;
    struct plugins plugins;
    bool yes, for_replay; /* some option is for trim, for replay */
};

static int
sondectl_deadletter(struct sondectl_arguments *arguments, const char *verb,
                    const char *file)
{
    if (strcmp(verb, "replay") != 0 || !file) {
        fputs("sondectl: dead letters are replayed: deadletter replay FILE\n", stderr);
        return SONDECTL_WRONG;
    }
    if (arguments->yes) {
        fputs("sondectl: --yes is for trim\n", stderr);
        return SONDECTL_WRONG;
    }
    arguments->replay.file = file;
    plugins_add_dir(&arguments->plugins, SONDE_PLUGINDIR, false);
    return replay_run(&arguments->replay, &arguments->plugins);
}

static const struct option sondectl_options[] = {
    { "config", required_argument, NULL, 'c' },
    { "dry-run", no_argument, NULL, 'd' },
    { "plugin-dir", required_argument, NULL, 'p' },
    { "sink", required_argument, NULL, 's' },
    { "wait", required_argument, NULL, 'w' },
    { "yes", no_argument, NULL, 'y' },
    { "version", no_argument, NULL, 'V' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* An exit status, or -1: go on. */
static int
sondectl_option(struct sondectl_arguments *arguments, int option)
{
    struct replay_options *replay = &arguments->replay;

    arguments->for_replay |= option != 'y';
    switch (option) {
    case 'c':
        replay->config = optarg;
        return -1;
    case 'd':
        replay->dry_run = true;
        return -1;
    case 'p':
        plugins_add_dir(&arguments->plugins, optarg, true);
        return -1;
    case 's':
        replay->sink = optarg;
        return -1;
    case 'w':
        replay->wait = text_duration(optarg);
        if (replay->wait > 0)
            return -1;
        fprintf(stderr, "sondectl: --wait is a duration, such as 30s, not \"%s\"\n",
                optarg);
        return SONDECTL_WRONG;
    case 'y':
        arguments->yes = true;
        return -1;
    case 'V':
        printf("sondectl %s\n", PACKAGE_VERSION);
        return SONDECTL_OK;
    case 'h':
        fputs(sondectl_usage, stdout);
        return SONDECTL_OK;
    default:
        fputs("Try 'sondectl --help'.\n", stderr);
        return SONDECTL_WRONG;
    }
}

static int
sondectl_run(struct sondectl_arguments *arguments, int argc, char **argv)
{
    int status, option;

    while ((option = getopt_long(argc, argv, "c:hV", sondectl_options, NULL)) != -1) {
        status = sondectl_option(arguments, option);
        if (status != -1)
            return status;
    }
    argc -= optind;
    argv += optind;
    if (argc >= 2 && argc <= 3 && strcmp(argv[0], "deadletter") == 0)
        return sondectl_deadletter(arguments, argv[1], argv[2]);
    if (argc < 2 || argc > 3 || strcmp(argv[0], "journal") != 0) {
        fputs("sondectl: what is to be done?  Try 'sondectl --help'.\n", stderr);
        return SONDECTL_WRONG;
    }
    if (!arguments->for_replay)
        return sondectl_journal(argv[1], sondectl_state(argv[2]), arguments->yes);
    fputs("sondectl: the journal takes no option but --yes\n", stderr);
    return SONDECTL_WRONG;
}

int
main(int argc, char **argv)
{
    struct sondectl_arguments arguments = {
        .replay = { .config = SONDE_SYSCONFDIR "/sonde/conf.d", .wait = 30000 }
    };
    int status = sondectl_run(&arguments, argc, argv);

    plugins_deinit(&arguments.plugins);
    return status;
}
