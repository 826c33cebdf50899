/* top.c: `leat top`: becomes leat-top, a program of its own beside this one: a server shall not link what a terminal needs. */
#include "verbs.h"

#include "server/main.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int leat__verb_top(int argc, char **argv)
{
    static char path[PATH_MAX];
    static const char name[] = "leat-top";
    (void)argc;
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - sizeof name);
    path[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        memcpy(slash + 1, name, sizeof name);
        execv(path, argv);
    } else {
        execvp(name, argv);
    }
    fprintf(
        stderr,
        errno == ENOENT
            ? "leat: top: %s is not there: this Leat was built without ncurses or Jansson (Debian: "
              "libncurses-dev, libjansson-dev)\n"
            : "leat: top: %s: can't be run\n",
        slash != NULL ? path : name);
    return MAIN_SYSTEM;
}
