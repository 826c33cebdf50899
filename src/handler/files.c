/* files.c: a folder's files.
 *
 * openat2(2) with RESOLVE_BENEATH does the one thing that must never go wrong: whatever a path holds
 * ("..", absolute links, links that are swapped while we look), the kernel opens nothing outside of
 * the root. Links that stay within it are followed. What is opened is asked what it is only
 * afterwards, on the descriptor, so nobody can change it in between; O_NONBLOCK keeps a named pipe
 * from holding the shard up.
 *
 *     folder/         → folder/index.html, 404 without one
 *     folder          → 301 to folder/, so that relative links in its page work
 *     .hidden, a//b   → 404
 *
 * No memory but the exchange's, no state but the root's descriptor. */
#define _GNU_SOURCE
#include "handler/files.h"

#include "exchange/app.h"
#include "http/http.h"
#include "leat/leat.h"
#include "memory/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_TRIES = 4 };

static const char index_name[] = "index.html";

bool leat__files_is_servable(const char *path)
{
    static const char well_known[] = ".well-known";
    for (const char *segment = path; *segment != '\0';) {
        size_t size = strcspn(segment, "/");
        bool is_well_known = size == sizeof well_known - 1 && memcmp(segment, well_known, size) == 0;
        if (size == 0 || (segment[0] == '.' && !is_well_known))
            return false;
        segment += size;
        segment += *segment == '/';
    }
    return true;
}

static int open_beneath(int root, const char *path, uint64_t flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    /* EAGAIN: something above the path was renamed while the kernel looked */
    for (int tries = 0;; tries++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0)
            return (int)fd;
        if ((errno != EAGAIN && errno != EINTR) || tries == OPEN_TRIES)
            return -errno;
    }
}

int leat__files_open_beneath(int root, const char *path, struct stat *status)
{
    int fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fd;
    int error = fstat(fd, status) < 0 ? -errno : 0;
    if (error == 0 && !S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode))
        error = -ENOENT;
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

int leat__files_status_of(int error)
{
    switch (error) {
    case -EACCES:
    case -EPERM:
        return 403;
    case -ENOENT:
    case -ENOTDIR:
    case -EXDEV: /* leaves the root */
    case -ELOOP:
    case -ENAMETOOLONG:
    case -ENXIO: /* a socket, or a device nobody drives */
    case -ENODEV:
        return 404;
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -EAGAIN:
        return 503;
    default:
        return 500;
    }
}

/* ── At start ── */

static void destroy_files(void *thing)
{
    struct leat_files *files = thing;
    close(files->root);
    leat__start_free(files->directory);
    leat__start_free(files);
}

static const char *why_not(int error)
{
    switch (error) {
    case -ENOENT:
        return "no such folder";
    case -ENOTDIR:
        return "not a folder; name the one it lies in";
    case -EACCES:
        return "we may not read it";
    case -ENOSYS:
        return "serving files needs openat2(2), which this kernel lacks (Linux 5.6 has it)";
    case -EPERM:
        return "serving files needs openat2(2), which something here forbids (seccomp?)";
    default:
        return strerror(-error);
    }
}

leat_files *leat_files_open(leat_app *app, const char *directory)
{
    int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int probe = root < 0 ? -errno : open_beneath(root, ".", O_PATH | O_DIRECTORY);
    if (probe < 0) {
        leat__app_error(app, "%s: %s", directory, why_not(probe));
        if (root >= 0)
            close(root);
        return NULL;
    }
    close(probe);
    leat__http_types_load("/etc/mime.types"); /* without it the small table of our own serves */
    struct leat_files *files = leat__start_alloc(sizeof *files);
    files->root = root;
    files->directory = leat__start_copy(directory);
    leat__app_keep(app, files, destroy_files);
    leat__app_keep_descriptor(app, files->root);
    return files;
}

/* ── On a request ── */

/* To the same path with a slash behind it; the query stays. Built from what was sent, which is encoded. */
static void add_slash(leat_exchange *x)
{
    leat_slice path = leat_path(x), query = leat_query_string(x);
    const char *location = leat_printf(x, "%.*s/%s%.*s", (int)path.size, path.data,
                                       query.size > 0 ? "?" : "", (int)query.size, query.data);
    if (location != NULL)
        leat_redirect(x, 301, location);
}

static void send_file(leat_exchange *x, const char *path, int fd, const struct stat *status)
{
    char modified[HTTP_DATE_SIZE + 1];
    leat__http_date_write(modified, status->st_mtim.tv_sec);
    modified[HTTP_DATE_SIZE] = '\0';
    leat_send_file(x, 200, leat__http_type_of(path, strlen(path)), fd, 0, (uint64_t)status->st_size);
    leat_field_set(x, "Last-Modified", modified);
    leat_field_set(x, "X-Content-Type-Options", "nosniff");
}

void leat_serve_files(leat_exchange *x)
{
    const struct leat_files *files = leat_data(x);
    const char *path = leat_param(x, "path");
    struct stat status;
    if (!leat__files_is_servable(path)) {
        leat_problem(x, 404, NULL);
        return;
    }
    size_t size = strlen(path);
    bool wants_index = size == 0 || path[size - 1] == '/';
    if (wants_index)
        path = leat_printf(x, "%s%s", path, index_name);
    if (path == NULL)
        return; /* no memory, which the exchange remembers and answers */
    int fd = leat__files_open_beneath(files->root, path, &status);
    if (fd >= 0 && S_ISREG(status.st_mode)) {
        send_file(x, path, fd, &status);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !wants_index)
        add_slash(x);
    else
        leat_problem(x, fd >= 0 ? 404 : leat__files_status_of(fd), NULL);
}
