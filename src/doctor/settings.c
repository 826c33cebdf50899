/* settings.c: what the server was told: from which file, whether it fits together, and whether the files that it
 * would write can be written. */
#include "doctor/doctor.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_file(struct doctor *d)
{
    const char *file = d->config->config_file;
    struct stat status;
    struct finding *f = leat__doctor_begin(
        d, "configuration file", "whoever may write it decides what is served, and as whom");
    if (file == NULL) {
        leat__doctor_found(f, DOCTOR_GOOD, "none: flags, environment and defaults");
        return;
    }
    bool shared = stat(file, &status) == 0 && status.st_mode & S_IWOTH;
    leat__doctor_found(f, shared ? DOCTOR_WARNING : DOCTOR_GOOD, "%s%s", file,
                       shared ? ", which everybody may write" : "");
    if (shared)
        leat__doctor_remedy(f, "chmod o-w %s", file);
}

/* The lines of the error, in one. */
static void check_options(struct doctor *d)
{
    struct finding *f = leat__doctor_begin(d, "options", "");
    char line[DOCTOR_FOUND_SIZE];
    size_t used = 0;
    if (d->error == NULL || d->error[0] == '\0') {
        leat__doctor_found(f, DOCTOR_GOOD, "they fit together");
        return;
    }
    for (const char *c = d->error; *c != '\0' && used < sizeof line - 3; c++) {
        if (*c == '\n')
            line[used++] = ';';
        line[used++] = *c == '\n' ? ' ' : *c;
    }
    line[used] = '\0';
    leat__doctor_found(f, DOCTOR_BAD, "%s", line);
    leat__doctor_remedy(f, "leat serve with these options refuses with the same words");
}

/* What opening the file to write to it would meet, without making it; 0: nothing. */
static int try_to_write(const char *path)
{
    char folder[PATH_MAX];
    struct stat status;
    size_t size = strlen(path);
    if ((stat(path, &status) == 0 && S_ISDIR(status.st_mode)) || (size > 0 && path[size - 1] == '/'))
        return EISDIR;
    if (access(path, W_OK) == 0)
        return 0;
    if (errno != ENOENT)
        return errno;
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return ENAMETOOLONG;
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = '\0';
    return access(slash != NULL ? folder : ".", W_OK | X_OK) < 0 ? errno : 0;
}

static void check_log(struct doctor *d)
{
    const char *log = d->config->access_log;
    if (log == NULL || strcmp(log, "-") == 0)
        return;
    struct finding *f = leat__doctor_begin(
        d, "access log", "a log that can't be opened keeps the server from starting");
    int error = try_to_write(log);
    if (error == 0) {
        leat__doctor_found(f, DOCTOR_GOOD, "%s", log);
        return;
    }
    leat__doctor_found(f, DOCTOR_BAD, "%s: %s", log, strerror(error));
    leat__doctor_remedy(
        f, "%s",
        error == EISDIR ? "name a file in it"
        : error == ENOENT
            ? "make its folder first; in a unit, LogsDirectory=leat makes /var/log/leat"
            : "name a file that this user may write, or make its folder theirs; in a unit, "
              "LogsDirectory=leat makes /var/log/leat, which is");
}

void leat__doctor_settings(struct doctor *d)
{
    d->group = "Configuration";
    check_file(d);
    check_options(d);
    check_log(d);
}
