/* bundle.c: reading a bundle: mapped once, held against everything it says of itself, then only looked up.
 *
 * The mapping is shared and read-only, so its pages are the page cache's and cost nothing twice. What it must not live
 * through is a bundle that is cut short in place; leat__bundle_write never does that (it renames a new file over the
 * old), and whoever copies one should do the same. */
#define _GNU_SOURCE
#include "handler/bundle.h"

#include "handler/bundle_format.h"
#include "handler/files.h"
#include "http1/http1.h"
#include "memory/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct bundle {
    struct bundle_view view;
    int fd;
};

/* ── What octets must be ── */

void leat__bundle_checksum(const char *bytes, uint64_t contents_at, uint8_t out[DIGEST_SIZE])
{
    struct bundle_header header;
    struct digest digest;
    memcpy(&header, bytes, sizeof header);
    memset(header.checksum, 0, sizeof header.checksum);
    leat__digest_init(&digest);
    leat__digest_add(&digest, &header, sizeof header);
    leat__digest_add(&digest, bytes + sizeof header, contents_at - sizeof header);
    leat__digest_end(&digest, out);
}

static bool is_tag(const char *etag)
{
    for (unsigned i = 1; i < BUNDLE_ETAG_SIZE - 1; i++)
        if (etag[i] <= ' ' || etag[i] == '"' || etag[i] > '~')
            return false;
    return etag[0] == '"' && etag[BUNDLE_ETAG_SIZE - 1] == '"';
}

/* Complete lines that a head may hold as they are. */
static bool are_lines(const char *lines, size_t size)
{
    static const char first[] = "Content-Type: ";
    if (size < sizeof first || memcmp(lines, first, sizeof first - 1) != 0)
        return false;
    for (const char *end = lines + size; lines < end;) {
        const char *line_end = memmem(lines, (size_t)(end - lines), "\r\n", 2);
        const char *colon = line_end == NULL ? NULL
                                             : memmem(lines, (size_t)(line_end - lines), ": ", 2);
        if (colon == NULL || !leat__http1_is_token(lines, (size_t)(colon - lines)) ||
            !leat__http1_is_field_value(colon + 2, (size_t)(line_end - colon) - 2))
            return false;
        lines = line_end + 2;
    }
    return true;
}

static bool is_variant(const struct bundle_variant *v, const char *text, uint64_t text_size,
                       uint64_t contents_at, uint64_t size)
{
    if (v->offset < contents_at || v->offset > size || v->size > size - v->offset)
        return false;
    if (v->lines_at > text_size || v->lines_size > text_size - v->lines_at ||
        v->lines_size > BUNDLE_LINES_MAX || v->lines_size < BUNDLE_ETAG_SIZE ||
        v->etag_at > v->lines_size - BUNDLE_ETAG_SIZE)
        return false;
    const char *lines = text + v->lines_at;
    return are_lines(lines, v->lines_size) && is_tag(lines + v->etag_at);
}

static bool is_path(const struct bundle_entry *e, const char *text, uint64_t text_size)
{
    if (e->path_size == 0 || e->path_size > BUNDLE_PATH_MAX || e->path_at >= text_size ||
        e->path_size >= text_size - e->path_at)
        return false;
    const char *path = text + e->path_at;
    return strnlen(path, e->path_size + (size_t)1) == e->path_size && leat__files_is_servable(path) &&
           path[e->path_size - 1] != '/' && e->hash == bundle_hash(path, e->path_size);
}

static bool are_entries(const struct bundle_view *v, uint32_t count, uint64_t text_size,
                        uint64_t contents_at)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct bundle_entry *e = v->entries + i;
        if (!is_path(e, v->text, text_size) || !(e->there & 1u << CODING_IDENTITY) ||
            e->there >> CODING_COUNT != 0)
            return false;
        for (unsigned coding = 0; coding < CODING_COUNT; coding++)
            if ((e->there & 1u << coding) &&
                !is_variant(&e->variants[coding], v->text, text_size, contents_at, v->size))
                return false;
        if (i > 0 && strcmp(v->text + e[-1].path_at, v->text + e->path_at) >= 0)
            return false;
    }
    return true;
}

/* Every entry is found by its path, and every place is open or an entry's. At most half are taken, so that a search
 * ends. */
static bool is_table(const struct bundle_view *v, uint32_t count)
{
    uint64_t taken = 0;
    for (uint64_t i = 0; i <= v->mask; i++) {
        if (v->table[i] > count)
            return false;
        taken += v->table[i] != 0;
    }
    if (taken != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bundle_file files[CODING_COUNT];
        const struct bundle_entry *e = v->entries + i;
        if (leat__bundle_view_find(v, v->text + e->path_at, e->path_size, files) == 0)
            return false;
    }
    return true;
}

const char *leat__bundle_view(struct bundle_view *v, const char *bytes, uint64_t size, uint32_t *version)
{
    static const char other[] = "its index is not what was written";
    struct bundle_header header;
    if (bytes == NULL || size < sizeof header || memcmp(bytes, BUNDLE_MAGIC, sizeof header.magic) != 0)
        return "not a bundle";
    memcpy(&header, bytes, sizeof header);
    *version = header.version;
    if (header.version != BUNDLE_VERSION)
        return "another version";
    if (header.size != size)
        return size < header.size ? "a part of it is missing" : "something was added to it";
    if (header.file_count > BUNDLE_FILES_MAX || header.text_size > UINT32_MAX)
        return other;
    struct bundle_parts parts = bundle_parts(header.file_count, header.text_size);
    uint8_t checksum[DIGEST_SIZE];
    if (parts.contents_at > size)
        return other;
    leat__bundle_checksum(bytes, parts.contents_at, checksum);
    if (memcmp(checksum, header.checksum, sizeof checksum) != 0)
        return other;
    *v = (struct bundle_view){
        .bytes = bytes,
        .size = size,
        .table = (const uint32_t *)(const void *)(bytes + BUNDLE_TABLE_AT),
        .mask = parts.places - 1,
        .entries = (const struct bundle_entry *)(const void *)(bytes + parts.entries_at),
        .text = bytes + parts.text_at,
    };
    if (!are_entries(v, header.file_count, header.text_size, parts.contents_at) ||
        !is_table(v, header.file_count))
        return other;
    return NULL;
}

/* ── Looking up ── */

unsigned leat__bundle_view_find(const struct bundle_view *v, const char *path, size_t size,
                                struct bundle_file out[CODING_COUNT])
{
    uint64_t hash = bundle_hash(path, size);
    const struct bundle_entry *e = NULL;
    for (uint64_t place = hash & v->mask;; place = (place + 1) & v->mask) {
        if (v->table[place] == 0)
            return 0;
        e = v->entries + v->table[place] - 1;
        if (e->hash == hash && e->path_size == size && memcmp(v->text + e->path_at, path, size) == 0)
            break;
    }
    for (unsigned coding = 0; coding < CODING_COUNT; coding++) {
        if (!(e->there & 1u << coding))
            continue;
        const struct bundle_variant *variant = &e->variants[coding];
        const char *lines = v->text + variant->lines_at;
        out[coding] = (struct bundle_file){
            .bytes = v->bytes + variant->offset,
            .offset = variant->offset,
            .size = variant->size,
            .lines = lines,
            .lines_size = variant->lines_size,
            .etag = {lines + variant->etag_at, BUNDLE_ETAG_SIZE},
            .modified_s = variant->modified_s,
        };
    }
    return e->there;
}

unsigned leat__bundle_find(const struct bundle *b, const char *path, size_t size,
                           struct bundle_file out[CODING_COUNT])
{
    return leat__bundle_view_find(&b->view, path, size, out);
}

/* ── Opening ── */

int leat__bundle_fd(const struct bundle *b)
{
    return b->fd;
}

uint64_t leat__bundle_size(const struct bundle *b)
{
    return b->view.size;
}

static void tell_unreadable(const char *path, int number, char *error, size_t error_size)
{
    if (number == ENOENT)
        snprintf(error, error_size, "%s: no such file; leat bundle DIR %s makes it", path, path);
    else
        snprintf(error, error_size, "%s: can't be read as a bundle: %s", path, strerror(number));
}

static void tell_wrong(const char *path, const char *why, uint32_t version, char *error, size_t error_size)
{
    if (version == 0)
        snprintf(error, error_size, "%s: not a bundle; leat bundle DIR FILE makes one of a folder", path);
    else if (version != BUNDLE_VERSION)
        snprintf(error, error_size,
                 "%s: a bundle of version %u, where this Leat reads version %d; make it anew with "
                 "leat bundle",
                 path, version, BUNDLE_VERSION);
    else
        snprintf(error, error_size,
                 "%s: a damaged bundle: %s; copy it again, or make it anew with leat bundle", path, why);
}

/* 0 or an errno */
static int map(int fd, const char **bytes, uint64_t *size)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    if (!S_ISREG(status.st_mode))
        return EINVAL;
    *size = (uint64_t)status.st_size;
    *bytes = NULL;
    if (*size == 0)
        return 0;
    void *mapped = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        return errno;
    *bytes = mapped;
    return 0;
}

struct bundle *leat__bundle_open(const char *path, char *error, size_t error_size)
{
    const char *bytes = NULL;
    uint64_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int number = fd < 0 ? errno : map(fd, &bytes, &size);
    if (number != 0) {
        tell_unreadable(path, number, error, error_size);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct bundle *b = leat__start_alloc(sizeof *b);
    uint32_t version = 0;
    b->fd = fd;
    const char *why = leat__bundle_view(&b->view, bytes, size, &version);
    if (why == NULL)
        return b;
    tell_wrong(path, why, version, error, error_size);
    b->view.bytes = bytes;
    b->view.size = size;
    leat__bundle_close(b);
    return NULL;
}

void leat__bundle_close(struct bundle *b)
{
    if (b->view.bytes != NULL)
        munmap((void *)(uintptr_t)b->view.bytes, b->view.size);
    close(b->fd);
    leat__start_free(b);
}
