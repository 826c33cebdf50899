/* bundle_format.h: a bundle's octets. See bundle.h for what it is.
 *
 *     0        struct bundle_header
 *     128      table: a u32 per place, entry + 1, or 0 for an open one; places: bundle_places(files)
 *              entries: struct bundle_entry, in the order of their paths' octets, no two alike
 *              text: paths, each with a NUL behind it, and field lines
 *              contents, each at a multiple of 64, large ones of a page
 *
 * Where each part lies follows from how many files and octets of text there are, so a damaged header has little to lie
 * about. Whoever reads octets as a bundle gets a view of them only when every number in them has been held against
 * what it counts or points at; behind that, nothing is asked again on a request. */
#ifndef LEAT_BUNDLE_FORMAT_H
#define LEAT_BUNDLE_FORMAT_H

#include "handler/bundle.h"
#include "base/digest.h"

enum {
    BUNDLE_VERSION = 1,
    BUNDLE_TABLE_AT = 128,
    BUNDLE_ALIGN = 64,
    BUNDLE_LARGE = 65536, /* contents from this size on begin a page */
    BUNDLE_FILES_MAX = 1 << 24,
    BUNDLE_PATH_MAX = 4095,  /* octets */
    BUNDLE_LINES_MAX = 4096, /* octets of one file's field lines */
    BUNDLE_ETAG_SIZE = 24,   /* 128 bits in base64url, between quotes */
};

/* Its third to sixth octet don't survive a copy as text. */
#define BUNDLE_MAGIC "LEAT\r\n\x1a\n"

struct bundle_header {
    char magic[8];
    uint32_t version, file_count;
    uint64_t size;                 /* of the whole file */
    uint64_t text_size;            /* below 4 GiB */
    uint8_t checksum[DIGEST_SIZE]; /* of all before the contents, itself taken as zeros */
};

struct bundle_variant {
    uint64_t offset, size; /* of the content, from the file's first octet */
    int64_t modified_s;
    uint32_t lines_at; /* in the text: complete lines, Content-Type first */
    uint16_t lines_size;
    uint16_t etag_at; /* in the lines */
};

struct bundle_entry {
    uint64_t hash;               /* of the path */
    uint32_t path_at, path_size; /* in the text */
    uint32_t there;              /* a bit per coding; identity always is */
    uint32_t zero;
    struct bundle_variant variants[CODING_COUNT];
};

_Static_assert(sizeof(struct bundle_header) == 48, "written as it lies");
_Static_assert(sizeof(struct bundle_entry) == 120, "written as it lies");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are used as they lie");

struct bundle_parts {
    uint64_t places; /* a power of two, at most half of them taken */
    uint64_t entries_at, text_at, contents_at;
};

static inline struct bundle_parts bundle_parts(uint64_t files, uint64_t text_size)
{
    struct bundle_parts p = {.places = 2};
    while (p.places < 2 * files)
        p.places *= 2;
    p.entries_at = align_up(BUNDLE_TABLE_AT + p.places * sizeof(uint32_t), BUNDLE_ALIGN);
    p.text_at = p.entries_at + files * sizeof(struct bundle_entry);
    p.contents_at = align_up(p.text_at + text_size, BUNDLE_ALIGN);
    return p;
}

static inline uint64_t bundle_hash(const char *path, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)path[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

struct bundle_view {
    const char *bytes;
    uint64_t size;
    const uint32_t *table;
    uint64_t mask; /* places - 1 */
    const struct bundle_entry *entries;
    const char *text;
};

/* bytes are aligned to 8 and must stay. NULL: the view is made; else a few words that say what is wrong, and *version is
 * the one that the bytes claim. */
const char *leat__bundle_view(struct bundle_view *view, const char *bytes, uint64_t size,
                              uint32_t *version);
unsigned leat__bundle_view_find(const struct bundle_view *view, const char *path, size_t size,
                                struct bundle_file out[CODING_COUNT]);

/* Of the first contents_at octets. */
void leat__bundle_checksum(const char *bytes, uint64_t contents_at, uint8_t out[DIGEST_SIZE]);

#endif
