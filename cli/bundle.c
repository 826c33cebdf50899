/* bundle.c: `leat bundle DIR FILE`: packs a folder. On a terminal one line counts along; elsewhere only the last line is
 * told. */
#define _GNU_SOURCE
#include "verbs.h"

#include "base/base.h"
#include "base/clock.h"
#include "handler/bundle.h"
#include "memory/plan.h"
#include "server/main.h"
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TELL_EVERY_MS = 100 };

struct progress {
    bool shown;
    int64_t told_ms;
    uint64_t files, size;
};

static const char usage[] =
    "Usage: leat bundle DIR FILE [OPTION]...\n\n"
    "Packs the files of DIR into FILE, which leat serve --bundle FILE then serves in place of\n"
    "the folder: mapped once, with every type, tag and date ready made. What the server would\n"
    "not serve is left out: hidden names, special files, links that lead out of DIR. STYLE.css.br\n"
    "and STYLE.css.gz beside STYLE.css are sent in its place to clients that accept them.\n"
    "The same folder gives the same bytes. A server that runs keeps the bundle that it has; "
    "restart\n"
    "it to serve the new one.\n\n"
    "  --quiet    tell nothing but what goes wrong\n"
    "  --help     print this and exit\n\n"
    "Exit status: 0 it is written, 64 wrong usage, 71 the system refuses: nothing was written.\n";

static void show(void *to, const char *file, uint64_t size)
{
    struct progress *p = to;
    char human[PLAN_HUMAN_SIZE];
    p->files++;
    p->size += size;
    int64_t now_ms = leat__clock_now_ms();
    if (!p->shown || now_ms - p->told_ms < TELL_EVERY_MS)
        return;
    p->told_ms = now_ms;
    fprintf(stderr, "\r\033[K%llu files, %s: %.60s", (unsigned long long)p->files,
            leat__plan_human(human, p->size), file);
}

static int tell_done(const struct progress *p, const char *path)
{
    char contents[PLAN_HUMAN_SIZE], whole[PLAN_HUMAN_SIZE];
    struct stat status;
    if (stat(path, &status) < 0) {
        fprintf(stderr, "leat: %s: %s\n", path, strerror(errno));
        return MAIN_SYSTEM;
    }
    printf("leat: %s: %llu file%s of %s, packed into %s\n", path, (unsigned long long)p->files,
           p->files == 1 ? "" : "s", leat__plan_human(contents, p->size),
           leat__plan_human(whole, (uint64_t)status.st_size));
    return leat__end_output(MAIN_DONE);
}

static int tell_usage(const char *what)
{
    fprintf(stderr, "leat: bundle: %s; write leat bundle DIR FILE, like leat bundle /srv/www site.leat\n",
            what);
    return MAIN_USAGE;
}

/* Whether the bundle lies where the folder's own files are served from. Hidden ones are not. */
static bool lies_within(const char *directory, const char *path)
{
    char folder[PATH_MAX], bundle[PATH_MAX];
    if (realpath(directory, folder) == NULL || realpath(path, bundle) == NULL)
        return false;
    size_t size = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(bundle, folder, size) == 0 && bundle[size] == '/' &&
           strstr(bundle + size, "/.") == NULL;
}

static int pack(const char *directory, const char *path, bool quiet)
{
    struct progress progress = {.shown = !quiet && isatty(STDERR_FILENO)};
    int status = leat__bundle_write(directory, path, show, &progress);
    if (progress.shown)
        fputs("\r\033[K", stderr);
    if (status == 0 && lies_within(directory, path))
        fprintf(
            stderr,
            "leat: %s: lies in the folder that it packs, is served with it, and the next bundle "
            "holds it; write it elsewhere\n",
            path);
    return status == 0 && !quiet ? tell_done(&progress, path) : status;
}

int leat__verb_bundle(int argc, char **argv)
{
    static const struct option flags[] = {
        {"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {0}};
    bool quiet = false;
    opterr = 0;
    optind = 1;
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        if (flag == 'h') {
            fputs(usage, stdout);
            return leat__end_output(MAIN_DONE);
        }
        if (flag != 'q') {
            fprintf(stderr, "leat: %s: no such option; leat help bundle lists them\n", argv[optind - 1]);
            return MAIN_USAGE;
        }
        quiet = true;
    }
    if (argc - optind != 2)
        return tell_usage(argc - optind < 2 ? "needs a folder and a file to write" : "takes two names");
    return pack(argv[optind], argv[optind + 1], quiet);
}
