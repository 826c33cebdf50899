/* listing.c: reads a folder for its listing.
 *
 * All memory is the exchange's: a name is a piece of its arena, the page is response memory of exactly its size. Both are
 * bounded by how many names are taken, by their octets, and by what other exchanges leave; what is over is not shown, and
 * the page says so. The order is made by merging lists, which needs no array. */
#define _GNU_SOURCE
#include "handler/listing.h"

#include "exchange/exchange.h"
#include "handler/files.h"
#include "handler/listing_page.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TYPE_PAGE "Content-Type: text/html; charset=utf-8\r\n"

enum {
    ITEMS_MAX = 2000,
    ITEMS_BYTES_MAX = 160 * 1024, /* of arena: well below EXCHANGE_CHUNKS_MAX chunks */
    HEAD_BYTES = 1024, /* of arena that are left for the response's head and a site's own fields */
    ENTRIES_SIZE = 8192, /* octets asked of the kernel at once, on the stack */
};

_Static_assert(ITEMS_BYTES_MAX <= (EXCHANGE_CHUNKS_MAX - 8) * (PLAN_CHUNK - HEAD_BYTES),
               "an exchange's arena holds the items");

/* getdents64(2) */
struct entry {
    uint64_t number;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

struct reading {
    leat_exchange *x;
    int fd;
    struct listing listing;
    uint32_t count, bytes;
};

/* Whether the name is shown, and what it is. A link is what it leads to, if that is in this folder; one that leads
 * elsewhere is shown without size and time, for where it leads is not for us to tell. */
static bool look_at(int folder, const char *name, struct listing_item *item)
{
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return false;
    item->is_known = true;
    if (S_ISLNK(status.st_mode)) {
        int fd = leat__files_open_beneath(folder, name, &status);
        if (fd >= 0)
            close(fd);
        else if (fd == -EXDEV)
            item->is_known = false;
        else
            return false;
    } else if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        return false;
    }
    item->is_folder = item->is_known && S_ISDIR(status.st_mode);
    item->size = item->is_known && !item->is_folder ? (uint64_t)status.st_size : 0;
    item->modified_s = item->is_known ? status.st_mtim.tv_sec : 0;
    return true;
}

static void add_name(struct reading *r, const char *name)
{
    struct listing_item seen = {0};
    size_t name_size = strlen(name), size = sizeof seen + name_size + 1;
    if (name[0] == '.' || !look_at(r->fd, name, &seen))
        return;
    if (r->count == ITEMS_MAX || r->bytes + align_up(size, 16) > ITEMS_BYTES_MAX ||
        leat__arena_reserve(&r->x->arena, size + HEAD_BYTES) < 0) {
        r->listing.is_cut = true;
        return;
    }
    struct listing_item *item = leat_alloc(r->x, size);
    *item = seen;
    item->next = r->listing.items;
    item->name_size = (uint16_t)name_size;
    memcpy(item->name, name, name_size + 1);
    r->listing.items = item;
    r->listing.folders += item->is_folder;
    r->listing.files += !item->is_folder;
    r->listing.size += item->size;
    r->count++;
    r->bytes += (uint32_t)align_up(size, 16);
}

/* 0 or -errno */
static int read_folder(struct reading *r)
{
    _Alignas(struct entry) char entries[ENTRIES_SIZE];
    while (!r->listing.is_cut) {
        long size = syscall(SYS_getdents64, r->fd, entries, sizeof entries);
        if (size <= 0)
            return size < 0 ? -errno : 0;
        for (long at = 0; at < size && !r->listing.is_cut;) {
            const struct entry *e = (const struct entry *)(const void *)(entries + at);
            add_name(r, e->name);
            at += e->size;
        }
    }
    return 0;
}

void leat__listing_warm(int folder_fd)
{
    _Alignas(struct entry) char entries[ENTRIES_SIZE];
    struct listing_item item;
    long size;
    uint32_t count = 0;
    while (count < ITEMS_MAX && (size = syscall(SYS_getdents64, folder_fd, entries, sizeof entries)) > 0) {
        for (long at = 0; at < size; count++) {
            const struct entry *e = (const struct entry *)(const void *)(entries + at);
            look_at(folder_fd, e->name, &item);
            at += e->size;
        }
    }
    lseek(folder_fd, 0, SEEK_SET);
}

static void send_page(leat_exchange *x, const struct listing *listing)
{
    size_t size = leat__listing_write(NULL, listing);
    response_forget(x);
    char *page = leat__response_memory(x, size);
    if (page == NULL)
        return; /* remembered: 503, or 500 when no memory of this server could ever hold it */
    leat__listing_write(page, listing);
    leat__response_make(x, 200, TYPE_PAGE, sizeof TYPE_PAGE - 1, page, size);
    leat_field_set(x, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    leat_field_set(x, "X-Content-Type-Options", "nosniff");
}

void leat__listing_send(leat_exchange *x, int folder_fd, const char *path)
{
    leat_slice authority = leat_authority(x);
    struct reading r = {
        .x = x,
        .fd = folder_fd,
        .listing = {.authority = {authority.data, authority.size}, .path = path},
    };
    int error = read_folder(&r);
    close(folder_fd);
    if (error < 0) {
        leat_problem(x, leat__files_status_of(error), NULL);
    } else {
        r.listing.items = leat__listing_sort(r.listing.items);
        send_page(x, &r.listing);
    }
}
