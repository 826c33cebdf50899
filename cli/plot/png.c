/* png.c: a picture, by the program that can: rsvg-convert. It reads the drawing from a memory file, so no pipe can fill up. */
#include "plot/plot.h"
#include <errno.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_PROGRAM = 127 };

static int fail(int status, char *error, size_t error_size, const char *path, const char *why)
{
    snprintf(error, error_size, "%.300s: %s", path, why);
    return status;
}

/* The drawing as standard input; -errno. */
static int open_drawing(const char *svg, size_t size)
{
    int fd = memfd_create("drawing", MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < size;) {
        ssize_t written = write(fd, svg + done, size - done);
        if (written < 0) {
            int why = -errno;
            close(fd);
            return why;
        }
        done += (size_t)written;
    }
    return fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? fd : -errno;
}

int leat__plot_png(const char *path, const char *svg, size_t size, char *error, size_t error_size)
{
    char program[] = "rsvg-convert", zoom[] = "--zoom=2", format[] = "--format=png",
         output[] = "--output", name[4096];
    char *const arguments[] = {program, zoom, format, output, name, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status, input = open_drawing(svg, size);
    if (input < 0)
        return fail(input, error, error_size, path, strerror(-input));
    snprintf(name, sizeof name, "%s%s", path[0] == '-' ? "./" : "", path);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    int why = posix_spawnp(&pid, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(input);
    if (why == ENOENT)
        return fail(-why, error, error_size,
                    path, "pictures are made by rsvg-convert, which is not there (Debian: librsvg2-bin); write an .svg or .html");
    if (why != 0)
        return fail(-why, error, error_size, path, strerror(why));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail(-errno, error, error_size, path, strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
        return fail(-ENOENT, error, error_size, path, "rsvg-convert can't be run; write an .svg or .html");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(-EIO, error, error_size, path, "rsvg-convert refused; write an .svg or .html");
    return 0;
}
