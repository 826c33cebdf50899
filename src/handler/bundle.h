/* bundle.h: a packed folder: one file, mapped once before the seal, that holds every file of a site with its coded twins,
 * its validators and its response fields ready made. Small contents are copied from the mapping into the response's
 * output, larger ones go out of the bundle's descriptor by sendfile(2), without a copy of ours. All shards share it; it
 * never changes: a new bundle is a new file and a restart.
 *
 *     header │ index: open-addressed table by path hash │ entries │ paths and field lines │ contents, each aligned
 *
 * Integers are little-endian; the format carries a version and a checksum over all but the contents
 * (bundle_format.h). */
#ifndef LEAT_BUNDLE_H
#define LEAT_BUNDLE_H

#include "base/base.h"
#include "http/conditions.h"

struct bundle;

struct bundle_file {
    const char *bytes;     /* in the mapping */
    uint64_t offset, size; /* of the same in the bundle's file */
    /* complete field lines: Content-Type first; Content-Encoding, Vary, ETag, Last-Modified, Accept-Ranges … */
    const char *lines;
    size_t lines_size;
    struct http_text etag; /* within lines; strong: made of the content */
    int64_t modified_s;
};

/* At start. NULL with a line in error: not a bundle, damaged, another version, can't be read. */
struct bundle *leat__bundle_open(const char *path, char *error, size_t error_size);
void leat__bundle_close(struct bundle *b);
int leat__bundle_fd(const struct bundle *b);
uint64_t leat__bundle_size(const struct bundle *b); /* bytes of the mapping */

/* The file of that decoded path without its first slash. there: a bit per coding that it comes in; 0: no such file. */
unsigned leat__bundle_find(const struct bundle *b, const char *path, size_t size,
                           struct bundle_file out[CODING_COUNT]);

/* Packs directory into path (written beside it, synced, then renamed). told is called for every file. 0, or an exit status
 * after a line on stderr. */
int leat__bundle_write(const char *directory, const char *path,
                       void (*told)(void *to, const char *file, uint64_t size), void *to);

#endif
