/* folder.c: the folder that is served, looked through as this user: is it there, is it ours to read and nobody
 * else's to write, and do the usual faults lie in it. A walk with a bound, which says so when it ends early. */
#define _GNU_SOURCE 1
#include "doctor/doctor.h"

#include "handler/site.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WALK_ENTRIES_MAX = 20000, WALK_DEPTH_MAX = 32, EXAMPLE_SIZE = 120 };

/* How many of a kind, and the first of them. */
struct sighting {
    unsigned count;
    char first[EXAMPLE_SIZE];
};

struct walk {
    char root[PATH_MAX]; /* resolved */
    unsigned entries, files;
    bool cut_short;
    struct sighting unreadable, leading_out, dangling, writable, copies;
};

static void see(struct sighting *s, const char *folder, const char *name)
{
    if (s->count++ == 0)
        snprintf(s->first, sizeof s->first, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
}

/* What editors and administrators leave lying about, with the source of what the real file hides. */
static bool is_copy(const char *name)
{
    static const char *const ends[] = {"~",    ".bak", ".old", ".orig",
                                       ".swp", ".sql", ".pem", ".key"};
    size_t length = strlen(name);
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        size_t end = strlen(ends[i]);
        if (length > end && strcmp(name + length - end, ends[i]) == 0)
            return true;
    }
    return false;
}

static void look_at_link(struct walk *w, int folder, const char *path, const char *name)
{
    char link[64], target[PATH_MAX];
    size_t root = strlen(w->root);
    int fd = openat(folder, name, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        see(&w->dangling, path, name);
        return;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, target, sizeof target - 1);
    target[size > 0 ? size : 0] = '\0';
    close(fd);
    bool inside = strncmp(target, w->root, root) == 0 && (target[root] == '/' || target[root] == '\0');
    if (!inside && strcmp(w->root, "/") != 0)
        see(&w->leading_out, path, name);
}

static void walk_folder(struct walk *w, int fd, const char *path, int depth);

static void look_at(struct walk *w, int folder, const char *path, const char *name, int depth)
{
    char below[PATH_MAX];
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (S_ISLNK(status.st_mode)) {
        look_at_link(w, folder, path, name);
        return;
    }
    if (status.st_mode & S_IWOTH && !(S_ISDIR(status.st_mode) && status.st_mode & S_ISVTX))
        see(&w->writable, path, name);
    if (S_ISDIR(status.st_mode)) {
        int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
            see(&w->unreadable, path, name);
        } else if (depth == WALK_DEPTH_MAX ||
                   snprintf(below, sizeof below, "%s%s%s", path, path[0] != '\0' ? "/" : "", name) >=
                       (int)sizeof below) {
            w->cut_short = true;
            close(fd);
        } else {
            walk_folder(w, fd, below, depth + 1);
        }
    } else if (S_ISREG(status.st_mode)) {
        w->files++;
        if (faccessat(folder, name, R_OK, AT_EACCESS) < 0)
            see(&w->unreadable, path, name);
        if (is_copy(name))
            see(&w->copies, path, name);
    }
}

/* Takes fd. Hidden names are never served, so what they hide is not looked at. */
static void walk_folder(struct walk *w, int fd, const char *path, int depth)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        if (++w->entries > WALK_ENTRIES_MAX) {
            w->cut_short = true;
            break;
        }
        look_at(w, fd, path, entry->d_name, depth);
    }
    closedir(folder);
}

/* ── Findings ── */

static void tell(struct doctor *d, const char *what, const char *why, enum doctor_state state,
                 const struct sighting *s, const char *remedy)
{
    struct finding *f = leat__doctor_begin(d, what, why);
    if (s->count == 0) {
        leat__doctor_found(f, DOCTOR_GOOD, "none");
        return;
    }
    if (s->count == 1)
        leat__doctor_found(f, state, "%s", s->first);
    else
        leat__doctor_found(f, state, "%u, the first is %s", s->count, s->first);
    leat__doctor_remedy(f, "%s", remedy);
}

static int open_folder(const char *path, struct finding *f, struct walk *w)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || realpath(path, w->root) == NULL) {
        int error = errno;
        leat__doctor_found(f, DOCTOR_BAD, "%s: %s", path, strerror(error));
        leat__doctor_remedy(
            f, "%s",
            error == EACCES
                ? "every folder on the way must be passable for this user: namei -l shows them"
            : error == ENOTDIR ? "give the folder, not a file in it"
                               : "make the folder, or mend its name");
        if (fd >= 0)
            close(fd);
        return -error;
    }
    return fd;
}

static void check_index(struct doctor *d, const struct doctor_folder *folder, int fd)
{
    struct stat status;
    const char *name = folder->index != NULL ? folder->index : "index.html";
    struct finding *f = leat__doctor_begin(d, "index", "without it / is answered 404");
    if (fstatat(fd, name, &status, 0) == 0 && S_ISREG(status.st_mode)) {
        leat__doctor_found(f, DOCTOR_GOOD, "%s", name);
    } else if (folder->listing) {
        leat__doctor_found(f, DOCTOR_GOOD, "no %s, so a listing is shown", name);
    } else {
        leat__doctor_found(f, DOCTOR_NOTE, "no %s in this folder", name);
        leat__doctor_remedy(
            f, "give the folder that has it, often public, dist, build or _site; or --listing");
    }
}

static void tell_walk(struct doctor *d, const struct walk *w)
{
    tell(d, "unreadable", "they are answered 403", DOCTOR_WARNING, &w->unreadable,
         "chmod -R a+rX on the folder, or run as the user who has them");
    tell(d, "links leading out", "nothing outside of the folder is served, whatever a link says",
         DOCTOR_NOTE, &w->leading_out,
         "put the files into the folder, or mount them there (mount --bind)");
    tell(d, "broken links", "they are answered 404", DOCTOR_NOTE, &w->dangling, "mend or remove them");
    tell(d, "writable by anyone", "every user of this machine can change what is served",
         DOCTOR_WARNING, &w->writable, "chmod -R o-w on the folder");
    tell(d, "left lying about", "copies, dumps and keys are served like everything else",
         DOCTOR_WARNING, &w->copies, "move them out of the folder");
}

static void check_folder(struct doctor *d, const struct doctor_folder *folder)
{
    struct walk w = {0};
    struct stat status;
    struct finding *f = leat__doctor_begin(d, "folder", "");
    int fd = open_folder(folder->path, f, &w);
    if (fd < 0)
        return;
    check_index(d, folder, fd);
    if (fstat(fd, &status) == 0 && status.st_mode & S_IWOTH)
        see(&w.writable, "", ".");
    walk_folder(&w, fd, "", 0);
    leat__doctor_found(f, DOCTOR_GOOD, "%s, %u file%s%s", w.root, w.files, w.files == 1 ? "" : "s",
                       w.cut_short ? ", and more that were not looked at" : "");
    tell_walk(d, &w);
}

static void check_bundle(struct doctor *d, const struct doctor_folder *bundle)
{
    struct stat status = {0};
    char human[PLAN_HUMAN_SIZE];
    struct finding *f = leat__doctor_begin(
        d, "bundle", "it is mapped before the start, and served as it is then");
    int error = access(bundle->path, R_OK) < 0 || stat(bundle->path, &status) < 0 ? errno : 0;
    if (error == 0) {
        leat__doctor_found(f, DOCTOR_GOOD, "%s, %s", bundle->path,
                           leat__plan_human(human, (uint64_t)status.st_size));
        return;
    }
    leat__doctor_found(f, DOCTOR_BAD, "%s: %s", bundle->path, strerror(error));
    leat__doctor_remedy(f, "leat bundle DIR %s makes it", bundle->path);
}

void leat__doctor_folders(struct doctor *d)
{
    static char groups[SITES_MAX][DOCTOR_FOUND_SIZE];
    ASSERT(d->folder_count <= SITES_MAX);
    for (uint32_t i = 0; i < d->folder_count; i++) {
        const struct doctor_folder *folder = &d->folders[i];
        snprintf(groups[i], sizeof groups[i], "%s %s", folder->is_bundle ? "Bundle" : "Folder",
                 folder->path);
        d->group = groups[i];
        if (folder->is_bundle)
            check_bundle(d, folder);
        else
            check_folder(d, folder);
    }
}
