/* lab.c: `leat lab`: becomes lab/run, a program in Python: of the source tree where this is a build of it, or else of what is
 * installed beside it. Where it is from this program's own place, never from where it is called: so a build measures itself. */
#define _GNU_SOURCE
#include "verbs.h"

#include "base/base.h"
#include "server/main.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 256 };

static const char *const places[] = {
    "../share/leat/lab/run", /* of PREFIX/bin */
    "../../lab/run",         /* of build/PRESET */
};

/* The folder of this program; false when the system does not tell. */
static bool find_own_folder(char *folder, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", folder, size - 1);
    if (n <= 0)
        return false;
    folder[n] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

static bool find_lab(const char *folder, char *found)
{
    char path[PATH_MAX + 32];
    for (unsigned i = 0; i < COUNT_OF(places); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, places[i]);
        if (realpath(path, found) != NULL)
            return true;
    }
    return false;
}

int leat__verb_lab(int argc, char **argv)
{
    static char folder[PATH_MAX], found[PATH_MAX], python[] = "python3";
    char *words[WORDS_MAX];
    if (argc >= WORDS_MAX - 1) {
        fprintf(stderr, "leat: lab: %d arguments; at most %d\n", argc - 1, WORDS_MAX - 3);
        return MAIN_USAGE;
    }
    if (!find_own_folder(folder, sizeof folder) || !find_lab(folder, found)) {
        fprintf(
            stderr,
            "leat: lab: it is not there: looked for ../share/leat/lab/run and ../../lab/run from "
            "%s; install Leat, or run ./dev lab in its source tree\n",
            folder[0] != '\0' ? folder : "this program, whose place is not known");
        return MAIN_SYSTEM;
    }
    words[0] = python;
    words[1] = found;
    memcpy(&words[2], &argv[1], (size_t)(argc - 1) * sizeof argv[0]);
    words[argc + 1] = NULL;
    setenv("LEAT_BUILD", folder, 1); /* what is measured, unless --build says otherwise */
    execvp(python, words);
    fprintf(stderr, "leat: lab: python3 can't be run: %s (Debian: python3)\n", strerror(errno));
    return MAIN_SYSTEM;
}
