/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - the command line of sonded.
 */
#include "config.h"

#include "daemon.h"
#include "describe.h"
#include "graph.h"
#include "text.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum main_action { MAIN_RUN, MAIN_CHECK, MAIN_ONCE, MAIN_DESCRIBE };

struct arguments {
    enum main_action action;
    const char *path;
};

static const char main_usage[] =
    "Usage: sonded [-c PATH] [--plugin-dir DIR]... [--check | --once | --describe "
    "[PLUGIN]]\n"
    "\n"
    "Runs checks and sends what they find to sinks, as the files of PATH say.\n"
    "\n"
    "  -c, --config PATH     a directory of *.conf files, or one file\n"
    "                        (default " SONDE_SYSCONFDIR "/sonde/conf.d)\n"
    "      --check           check the configuration, print what it will do, and end\n"
    "      --once            run every check once and end: 0 all UP, 1 any not\n"
    "      --describe [NAME] list the plugins, or tell all about one\n"
    "      --plugin-dir DIR  look for plugins here first; may be given several times\n"
    "                        (then " SONDE_PLUGINDIR ")\n"
    "  -V, --version         print the version and end\n"
    "  -h, --help            print this and end\n"
    "\n"
    "Signals: TERM and INT end it, HUP reads the configuration anew, USR1 logs what\n"
    "each sink has got.  Exit status 2: the configuration or the command line is "
    "wrong.\n";

static const struct option main_options[] = {
    { "config", required_argument, NULL, 'c' },
    { "check", no_argument, NULL, 'k' },
    { "once", no_argument, NULL, 'o' },
    { "describe", no_argument, NULL, 'd' },
    { "plugin-dir", required_argument, NULL, 'p' },
    { "version", no_argument, NULL, 'V' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* An exit status, or -1: go on. */
static int
main_arguments(int argc, char **argv, struct arguments *arguments,
               struct plugins *plugins)
{
    int option;

    while ((option = getopt_long(argc, argv, "c:hV", main_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            arguments->path = optarg;
            break;
        case 'k':
            arguments->action = MAIN_CHECK;
            break;
        case 'o':
            arguments->action = MAIN_ONCE;
            break;
        case 'd':
            arguments->action = MAIN_DESCRIBE;
            break;
        case 'p':
            plugins_add_dir(plugins, optarg, true);
            break;
        case 'V':
            printf("sonded %s (plugin ABI %d)\n", PACKAGE_VERSION, SONDE_ABI);
            return DAEMON_OK;
        case 'h':
            fputs(main_usage, stdout);
            return DAEMON_OK;
        default:
            fputs("Try 'sonded --help'.\n", stderr);
            return DAEMON_WRONG;
        }
    }
    if (optind + (arguments->action == MAIN_DESCRIBE) < argc) {
        fprintf(stderr, "sonded: \"%s\" is not an option; try 'sonded --help'\n",
                argv[argc - 1]);
        return DAEMON_WRONG;
    }
    return -1;
}

static int
main_describe(struct plugins *plugins, const char *name)
{
    const char *why;

    if (!name) {
        describe_all(plugins, stdout);
        describe_options(
            "Every check may have, beside labels, targets, where and except:",
            check_option_rows, stdout);
        describe_options("Every sink may have:", graph_sink_rows, stdout);
        describe_options("The group buffer of a sink may have:", graph_buffer_rows,
                         stdout);
        describe_options("The section daemon may have:", graph_option_rows, stdout);
        puts("\nsonded --describe PLUGIN tells the options of one; sonde.conf(5) the "
             "rest.");
        return DAEMON_OK;
    }
    if (describe_named(plugins, name, stdout, &why))
        return DAEMON_OK;
    fprintf(stderr, "sonded: %s\n", why);
    return DAEMON_WRONG;
}

int
main(int argc, char **argv)
{
    struct arguments arguments = { .path = SONDE_SYSCONFDIR "/sonde/conf.d" };
    struct plugins plugins = { 0 };
    int status = main_arguments(argc, argv, &arguments, &plugins);

    if (status != -1) {
        plugins_deinit(&plugins);
        return status;
    }
    plugins_add_dir(&plugins, SONDE_PLUGINDIR, false);
    switch (arguments.action) {
    case MAIN_RUN:
        status = daemon_run(arguments.path, &plugins);
        break;
    case MAIN_CHECK:
        status = daemon_check(arguments.path, &plugins);
        break;
    case MAIN_ONCE:
        status = daemon_once(arguments.path, &plugins);
        break;
    case MAIN_DESCRIBE:
        status = main_describe(&plugins, optind < argc ? argv[optind] : NULL);
        break;
    }
    plugins_deinit(&plugins);
    return status;
}
