/* site_pages.c: error pages are wanted when things go wrong, so they are read before anything can: into memory of the
 * start, from which they are lent to responses. See site_pages.h. */
#define _GNU_SOURCE
#include "handler/site_pages.h"

#include "handler/bundle.h"
#include "handler/files.h"
#include "http/http.h"
#include "memory/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool fail(const struct site_page *p, const char *where, const char *why, char *error,
                 size_t error_size)
{
    snprintf(error, error_size, "error-page \"%u /%s\": %s/%s: %s", p->status, p->path, where,
             p->path, why);
    return false;
}

static void take(struct site_page *p, size_t size)
{
    static const char name[] = "Content-Type: ";
    const char *type = leat__http_type_of(p->path, strlen(p->path));
    p->size = size;
    p->type_size = sizeof name - 1 + strlen(type) + 2;
    p->type_line = leat__start_alloc(p->type_size + 1);
    snprintf(p->type_line, p->type_size + 1, "%s%s\r\n", name, type);
    p->content = leat__start_alloc(size + 1);
}

static bool load_file(struct site_page *p, int root, const char *directory, char *error, size_t error_size)
{
    struct stat status;
    int fd = leat__files_open_beneath(root, p->path, &status);
    if (fd < 0)
        return fail(p, directory,
                    fd == -ENOENT ? "no such file; make it, or leave the rule out" : strerror(-fd),
                    error, error_size);
    const char *why = NULL;
    if (!S_ISREG(status.st_mode)) {
        why = "not a file";
    } else if (status.st_size > SITE_PAGE_MAX) {
        why = "larger than 64 KiB, which is the most that an error page may have";
    } else {
        take(p, (size_t)status.st_size);
        if (read(fd, p->content, p->size) != (ssize_t)p->size)
            why = "it can't be read whole; try again when nobody writes there";
    }
    close(fd);
    return why == NULL || fail(p, directory, why, error, error_size);
}

static bool load_packed(struct site_page *p, const struct bundle *bundle, const char *path,
                        char *error, size_t error_size)
{
    struct bundle_file files[CODING_COUNT];
    if (leat__bundle_find(bundle, p->path, strlen(p->path), files) == 0)
        return fail(p, path, "no such file in it; pack it in, or leave the rule out", error, error_size);
    if (files[CODING_IDENTITY].size > SITE_PAGE_MAX)
        return fail(p, path, "larger than 64 KiB, which is the most that an error page may have",
                    error, error_size);
    take(p, files[CODING_IDENTITY].size);
    memcpy(p->content, files[CODING_IDENTITY].bytes, p->size);
    return true;
}

bool leat__site_pages_load(struct site_page *pages, uint32_t count,
                           const struct site_options *options, char *error, size_t error_size)
{
    bool loaded = true;
    if (count == 0)
        return true;
    if (options->bundle != NULL) {
        struct bundle *bundle = leat__bundle_open(options->bundle, error, error_size);
        for (uint32_t i = 0; bundle != NULL && loaded && i < count; i++)
            loaded = load_packed(&pages[i], bundle, options->bundle, error, error_size);
        if (bundle != NULL)
            leat__bundle_close(bundle);
        return loaded && bundle != NULL;
    }
    int root = options->root == NULL ? -1 : open(options->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(&pages[0], options->root != NULL ? options->root : "(no root)",
                    "the site has no folder to read it from", error, error_size);
    for (uint32_t i = 0; loaded && i < count; i++)
        loaded = load_file(&pages[i], root, options->root, error, error_size);
    close(root);
    return loaded;
}
