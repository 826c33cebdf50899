/* bundle_walk.c: gathers a folder's files for a bundle. See bundle_walk.h. */
#define _GNU_SOURCE
#include "handler/bundle_walk.h"

#include "handler/files.h"
#include "memory/seal.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_SYSTEM = 71 };

/* The folders that we are in: a link to one of them would lead round for ever. */
struct folder {
    const struct folder *parent;
    dev_t device;
    ino_t number;
};

static int walk_folder(struct bundle_list *list, const char *path, const struct folder *parent);

static void tell_left_out(const struct bundle_list *list, const char *path, const char *why)
{
    fprintf(stderr, "leat: %s/%s is left out: %s\n", list->directory, path, why);
}

static int tell_failure(const struct bundle_list *list, const char *path, const char *why)
{
    fprintf(stderr, "leat: %s/%s: %s; nothing was written\n", list->directory, path, why);
    return EXIT_SYSTEM;
}

static int add_file(struct bundle_list *list, const char *path, const struct stat *status)
{
    if (list->has_own && status->st_dev == list->own.st_dev && status->st_ino == list->own.st_ino) {
        tell_left_out(list, path, "it is the bundle itself");
        return 0;
    }
    if (list->count == BUNDLE_FILES_MAX)
        return tell_failure(list, path, "a bundle holds 16777216 files at most");
    if (list->count == list->room) {
        uint32_t room = list->room == 0 ? 256 : list->room * 2;
        list->items = leat__start_grow(list->items, list->room * sizeof *list->items,
                                       room * sizeof *list->items);
        list->room = room;
    }
    list->items[list->count++] = (struct bundle_item){
        .path = leat__start_copy(path),
        .size = (uint64_t)status->st_size,
        .modified = status->st_mtim,
    };
    return 0;
}

static bool is_inside(const struct folder *folder, const struct stat *status)
{
    for (; folder != NULL; folder = folder->parent)
        if (folder->device == status->st_dev && folder->number == status->st_ino)
            return true;
    return false;
}

static int add_link(struct bundle_list *list, const char *path, const struct folder *folder)
{
    struct stat status;
    int fd = leat__files_open_beneath(list->root, path, &status);
    if (fd < 0) {
        if (leat__files_status_of(fd) != 404)
            return tell_failure(list, path, strerror(-fd));
        tell_left_out(list, path, "a link that leads to nothing in the folder");
        return 0;
    }
    close(fd);
    if (S_ISREG(status.st_mode))
        return add_file(list, path, &status);
    if (is_inside(folder, &status)) {
        tell_left_out(list, path, "a link to a folder that it lies in");
        return 0;
    }
    return walk_folder(list, path, folder);
}

static int add_name(struct bundle_list *list, int fd, const char *name, const char *path,
                    const struct folder *folder)
{
    struct stat status;
    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return tell_failure(list, path, strerror(errno));
    if (S_ISREG(status.st_mode))
        return add_file(list, path, &status);
    if (S_ISDIR(status.st_mode))
        return walk_folder(list, path, folder);
    if (S_ISLNK(status.st_mode))
        return add_link(list, path, folder);
    tell_left_out(list, path, "neither a file nor a folder");
    return 0;
}

/* path: "" for the root. */
static int walk_names(struct bundle_list *list, DIR *names, const char *path, const struct folder *folder)
{
    int status = 0;
    for (struct dirent *entry; status == 0 && (errno = 0, entry = readdir(names)) != NULL;) {
        char inner[BUNDLE_PATH_MAX + 1];
        if (!leat__files_is_servable(entry->d_name))
            continue;
        int size = snprintf(inner, sizeof inner, "%s%s%s", path, path[0] != '\0' ? "/" : "",
                            entry->d_name);
        if (size < 0 || (size_t)size >= sizeof inner)
            return tell_failure(list, path, "a path in it has more than 4095 octets");
        status = add_name(list, dirfd(names), entry->d_name, inner, folder);
    }
    return status == 0 && errno != 0 ? tell_failure(list, path, strerror(errno)) : status;
}

static int walk_folder(struct bundle_list *list, const char *path, const struct folder *parent)
{
    struct stat status;
    int fd = leat__files_open_beneath(list->root, path[0] != '\0' ? path : ".", &status);
    if (fd < 0)
        return tell_failure(list, path, strerror(-fd));
    DIR *names = fdopendir(fd);
    if (names == NULL) {
        int number = errno;
        close(fd);
        return tell_failure(list, path, strerror(number));
    }
    struct folder folder = {parent, status.st_dev, status.st_ino};
    int result = walk_names(list, names, path, &folder);
    closedir(names);
    return result;
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const struct bundle_item *)a)->path, ((const struct bundle_item *)b)->path);
}

int leat__bundle_walk(struct bundle_list *list)
{
    int status = walk_folder(list, "", NULL);
    if (status == 0 && list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_items);
    return status;
}

const struct bundle_item *leat__bundle_list_find(const struct bundle_list *list, const char *path)
{
    const struct bundle_item key = {.path = (char *)(uintptr_t)path};
    if (list->count == 0)
        return NULL;
    return bsearch(&key, list->items, list->count, sizeof key, compare_items);
}

void leat__bundle_list_free(struct bundle_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        leat__start_free(list->items[i].path);
    leat__start_free(list->items);
}
