/* bundle_write.c: packs a folder.
 *
 *     walk → lay out → copy every content, digesting it on the way → write the index → sync → rename
 *
 * Every content is read once. Where it will lie is known before, from the sizes alone, because a tag is as long whatever
 * it says. The same folder gives the same octets: paths are sorted, gaps are zeros, and nothing of this machine or hour is
 * written down but the files' own times. Whoever serves the old bundle keeps it: the new one is another file, which takes
 * the name when it is whole and on the disk. */
#define _GNU_SOURCE
#include "handler/bundle.h"

#include "handler/bundle_walk.h"
#include "handler/files.h"
#include "memory/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, EXIT_SYSTEM = 71, COPY_PIECE = 1 << 18 };

struct packing {
    struct bundle_list list;
    struct bundle_parts parts;
    uint64_t text_size, size;
    int out;
    const char *path; /* where the bundle goes */
    char *beside;     /* its name while it grows: hidden, so that no bundle holds one */
    char *piece;      /* COPY_PIECE bytes */
    void (*told)(void *to, const char *file, uint64_t size);
    void *to;
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "leat: %s: %s; nothing was written\n", what, why);
    return EXIT_SYSTEM;
}

static int fail_at(const struct packing *p, const struct bundle_item *item, const char *why)
{
    fprintf(stderr, "leat: %s/%s: %s; nothing was written\n", p->list.directory, item->path, why);
    return EXIT_SYSTEM;
}

/* ── Lines ── */

static void write_etag(char out[BUNDLE_ETAG_SIZE + 1], const uint8_t digest[DIGEST_SIZE])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned held = 0, bits = 0;
    char *to = out;
    *to++ = '"';
    for (unsigned i = 0; i < DIGEST_SIZE; i++) {
        held = held << 8 | digest[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *to++ = letters[held >> (bits - 6) & 63];
    }
    *to++ = letters[held << (6 - bits) & 63];
    *to++ = '"';
    *to = '\0';
}

/* The field lines of item's content when it is asked for by the name of path; etag_at: where in them the tag is. */
static size_t make_lines(char out[BUNDLE_LINES_MAX], const char *path, enum http_coding coding,
                         const struct bundle_item *item, bool varies, uint16_t *etag_at)
{
    static const char *const codings[CODING_COUNT] = {"", "Content-Encoding: br\r\n",
                                                      "Content-Encoding: gzip\r\n"};
    char modified[HTTP_DATE_SIZE + 1] = "";
    leat__http_date_write(modified, item->modified.tv_sec);
    int before = snprintf(out, BUNDLE_LINES_MAX,
                          "Content-Type: %s\r\n%s%sETag: ", leat__http_type_of(path, strlen(path)),
                          codings[coding], varies ? "Vary: Accept-Encoding\r\n" : "");
    ASSERT(before > 0 && before < BUNDLE_LINES_MAX / 2);
    int behind = snprintf(out + before, (size_t)(BUNDLE_LINES_MAX - before),
                          "%-*s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n"
                          "X-Content-Type-Options: nosniff\r\n",
                          BUNDLE_ETAG_SIZE, item->etag, modified);
    ASSERT(behind > 0 && before + behind < BUNDLE_LINES_MAX);
    *etag_at = (uint16_t)before;
    return (size_t)before + (size_t)behind;
}

/* What answers for item in that coding: itself, or the file beside it that is named for it. */
static const struct bundle_item *variant_of(const struct bundle_list *list,
                                            const struct bundle_item *item, enum http_coding coding)
{
    static const char *const endings[CODING_COUNT] = {"", ".br", ".gz"};
    char path[BUNDLE_PATH_MAX + 1];
    if (coding == CODING_IDENTITY)
        return item;
    int size = snprintf(path, sizeof path, "%s%s", item->path, endings[coding]);
    return size < 0 || (size_t)size >= sizeof path ? NULL : leat__bundle_list_find(list, path);
}

/* ── Laying out ── */

/* Writes item's entry and text, the text at *text_at of text; text NULL: only counts. */
static void write_entry(const struct bundle_list *list, const struct bundle_item *item,
                        struct bundle_entry *entry, char *text, uint64_t *text_at)
{
    const struct bundle_item *variants[CODING_COUNT];
    char lines[BUNDLE_LINES_MAX];
    size_t path_size = strlen(item->path);
    bool varies = false;
    *entry = (struct bundle_entry){
        .hash = bundle_hash(item->path, path_size),
        .path_at = (uint32_t)*text_at,
        .path_size = (uint32_t)path_size,
    };
    if (text != NULL)
        memcpy(text + *text_at, item->path, path_size + 1);
    *text_at += path_size + 1;
    for (unsigned coding = 0; coding < CODING_COUNT; coding++) {
        variants[coding] = variant_of(list, item, (enum http_coding)coding);
        varies |= coding != CODING_IDENTITY && variants[coding] != NULL;
    }
    for (unsigned coding = 0; coding < CODING_COUNT; coding++) {
        const struct bundle_item *variant = variants[coding];
        if (variant == NULL)
            continue;
        struct bundle_variant *out = &entry->variants[coding];
        size_t size = make_lines(lines, item->path, (enum http_coding)coding, variant, varies,
                                 &out->etag_at);
        entry->there |= 1u << coding;
        out->offset = variant->offset;
        out->size = variant->size;
        out->modified_s = variant->modified.tv_sec;
        out->lines_at = (uint32_t)*text_at;
        out->lines_size = (uint16_t)size;
        if (text != NULL)
            memcpy(text + *text_at, lines, size);
        *text_at += size;
    }
}

static int lay_out(struct packing *p)
{
    struct bundle_entry entry;
    for (uint32_t i = 0; i < p->list.count; i++)
        write_entry(&p->list, &p->list.items[i], &entry, NULL, &p->text_size);
    if (p->text_size > UINT32_MAX)
        return fail(p->list.directory, "the names of its files take more than 4 GiB");
    p->parts = bundle_parts(p->list.count, p->text_size);
    p->size = p->parts.contents_at;
    for (uint32_t i = 0; i < p->list.count; i++) {
        struct bundle_item *item = &p->list.items[i];
        p->size = align_up(p->size, item->size >= BUNDLE_LARGE ? PAGE_SIZE_BYTES : BUNDLE_ALIGN);
        item->offset = p->size;
        p->size += item->size;
    }
    return 0;
}

static void place_entry(uint32_t *table, uint64_t places, uint64_t hash, uint32_t i)
{
    uint64_t place = hash & (places - 1);
    while (table[place] != 0)
        place = (place + 1) & (places - 1);
    table[place] = i + 1;
}

static char *make_index(const struct packing *p)
{
    char *bytes = leat__start_alloc(p->parts.contents_at);
    uint32_t *table = (uint32_t *)(void *)(bytes + BUNDLE_TABLE_AT);
    struct bundle_entry *entries = (struct bundle_entry *)(void *)(bytes + p->parts.entries_at);
    struct bundle_header header = {
        .magic = BUNDLE_MAGIC,
        .version = BUNDLE_VERSION,
        .file_count = p->list.count,
        .size = p->size,
        .text_size = p->text_size,
    };
    uint64_t text_at = 0;
    for (uint32_t i = 0; i < p->list.count; i++) {
        write_entry(&p->list, &p->list.items[i], entries + i, bytes + p->parts.text_at, &text_at);
        place_entry(table, p->parts.places, entries[i].hash, i);
    }
    ASSERT(text_at == p->text_size);
    memcpy(bytes, &header, sizeof header);
    leat__bundle_checksum(bytes, p->parts.contents_at, header.checksum);
    memcpy(bytes, &header, sizeof header);
    return bytes;
}

/* ── Writing ── */

static int write_at(const struct packing *p, const char *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t n = pwrite(p->out, bytes, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(p->path, n < 0 ? strerror(errno) : "the disk takes no more");
        bytes += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static bool is_as_listed(int fd, const struct bundle_item *item)
{
    struct stat status;
    return fstat(fd, &status) == 0 && (uint64_t)status.st_size == item->size &&
           status.st_mtim.tv_sec == item->modified.tv_sec &&
           status.st_mtim.tv_nsec == item->modified.tv_nsec;
}

/* Copies what fd holds to item's place; *copied: octets. */
static int copy_octets(const struct packing *p, int fd, struct bundle_item *item, uint64_t *copied)
{
    uint8_t octets[DIGEST_SIZE];
    struct digest digest;
    leat__digest_init(&digest);
    for (*copied = 0;;) {
        ssize_t n = read(fd, p->piece, COPY_PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_at(p, item, strerror(errno));
        if (n == 0)
            break;
        if ((uint64_t)n > item->size - *copied)
            break; /* it has grown, which the caller sees */
        leat__digest_add(&digest, p->piece, (size_t)n);
        int status = write_at(p, p->piece, (size_t)n, item->offset + *copied);
        if (status != 0)
            return status;
        *copied += (uint64_t)n;
    }
    leat__digest_end(&digest, octets);
    write_etag(item->etag, octets);
    return 0;
}

static int copy_content(const struct packing *p, struct bundle_item *item)
{
    struct stat found;
    uint64_t copied;
    int fd = leat__files_open_beneath(p->list.root, item->path, &found);
    if (fd < 0)
        return fail_at(p, item, strerror(-fd));
    int status = copy_octets(p, fd, item, &copied);
    if (status == 0 && (copied != item->size || !is_as_listed(fd, item)))
        status = fail_at(p, item, "it changed while it was packed; pack again when nobody writes there");
    close(fd);
    if (status == 0 && p->told != NULL)
        p->told(p->to, item->path, item->size);
    return status;
}

static int write_bundle(struct packing *p)
{
    if (ftruncate(p->out, (off_t)p->size) < 0)
        return fail(p->path, strerror(errno));
    for (uint32_t i = 0; i < p->list.count; i++) {
        int status = copy_content(p, &p->list.items[i]);
        if (status != 0)
            return status;
    }
    char *index = make_index(p);
    int status = write_at(p, index, p->parts.contents_at, 0);
    leat__start_free(index);
    if (status == 0 && fsync(p->out) < 0)
        status = fail(p->path, strerror(errno));
    return status;
}

/* ── Its name ── */

/* "folder/site.leat" → "folder/.site.leat.new-PID" */
static char *name_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    size_t room = strlen(path) + 32;
    char *beside = leat__start_alloc(room);
    snprintf(beside, room, "%.*s.%s.new-%d", (int)folder, path, path + folder, (int)getpid());
    return beside;
}

static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = leat__start_copy(slash == NULL ? "." : slash == path ? "/" : path);
    if (slash != NULL && slash != path)
        folder[slash - path] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd); /* the content is safe already; a name that is lost in a power cut is told by its absence */
        close(fd);
    }
    leat__start_free(folder);
}

static int write_and_name(struct packing *p)
{
    p->out = open(p->beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (p->out < 0)
        return fail(p->path, strerror(errno));
    int status = write_bundle(p);
    close(p->out);
    if (status == 0 && rename(p->beside, p->path) < 0)
        status = fail(p->path, strerror(errno));
    if (status != 0)
        unlink(p->beside);
    else
        sync_folder_of(p->path);
    return status;
}

int leat__bundle_write(const char *directory, const char *path,
                       void (*told)(void *to, const char *file, uint64_t size), void *to)
{
    struct packing p = {.path = path, .told = told, .to = to};
    p.list.directory = directory;
    p.list.root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (p.list.root < 0) {
        fprintf(stderr, "leat: %s: %s\n", directory,
                errno == ENOENT ? "no such folder" : strerror(errno));
        return EXIT_USAGE;
    }
    leat__http_types_load("/etc/mime.types"); /* as the server does, so that both tell the same types */
    p.list.has_own = stat(path, &p.list.own) == 0;
    int status = p.list.has_own && !S_ISREG(p.list.own.st_mode)
                     ? fail(path, "it is there, and not a file; name one, like site.leat")
                     : leat__bundle_walk(&p.list);
    if (status == 0)
        status = lay_out(&p);
    if (status == 0) {
        p.beside = name_beside(path);
        p.piece = leat__start_alloc(COPY_PIECE);
        status = write_and_name(&p);
        leat__start_free(p.piece);
        leat__start_free(p.beside);
    }
    leat__bundle_list_free(&p.list);
    close(p.list.root);
    return status;
}
