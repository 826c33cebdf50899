/* fuzz_bundle.c: any octets as a bundle. The first octet says whether the checksum is put right first, without which
 * hardly anything would pass it. What is accepted lies, with all that is found in it, within the octets, and every path
 * that it names is found; what is refused says why. */
#include "handler/bundle_format.h"

#include <stdlib.h>

static void check_file(const struct bundle_view *view, const struct bundle_file *file)
{
    ASSERT(file->offset <= view->size && file->size <= view->size - file->offset);
    ASSERT(file->bytes == view->bytes + file->offset);
    ASSERT(file->lines >= view->bytes && file->lines + file->lines_size <= view->bytes + view->size);
    ASSERT(memcmp(file->lines + file->lines_size - 2, "\r\n", 2) == 0);
    ASSERT(file->etag.data >= file->lines &&
           file->etag.data + file->etag.size <= file->lines + file->lines_size);
    /* the sanitizer sees to it that these octets are there */
    unsigned char sum = 0;
    for (uint64_t i = 0; i < file->size; i++)
        sum = (unsigned char)(sum + (unsigned char)file->bytes[i]);
    __asm__ volatile("" ::"r"(sum));
}

static void check_accepted(const struct bundle_view *view)
{
    struct bundle_file files[CODING_COUNT];
    struct bundle_header header;
    memcpy(&header, view->bytes, sizeof header);
    ASSERT(leat__bundle_view_find(view, "no such/path", 12, files) == 0 || header.file_count > 0);
    for (uint32_t i = 0; i < header.file_count; i++) {
        const struct bundle_entry *e = view->entries + i;
        unsigned there = leat__bundle_view_find(view, view->text + e->path_at, e->path_size, files);
        ASSERT(there & 1u << CODING_IDENTITY);
        for (unsigned coding = 0; coding < CODING_COUNT; coding++)
            if (there & 1u << coding)
                check_file(view, &files[coding]);
    }
}

static void put_checksum_right(char *bytes, size_t size)
{
    struct bundle_header header;
    if (size < sizeof header)
        return;
    memcpy(&header, bytes, sizeof header);
    if (header.file_count > BUNDLE_FILES_MAX || header.text_size > UINT32_MAX)
        return;
    uint64_t contents_at = bundle_parts(header.file_count, header.text_size).contents_at;
    if (contents_at > size)
        return;
    header.size = size;
    memcpy(bytes, &header, sizeof header);
    leat__bundle_checksum(bytes, contents_at, header.checksum);
    memcpy(bytes, &header, sizeof header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 16)
        return 0;
    struct bundle_view view;
    uint32_t version = 0;
    char *bytes = malloc(size - 1 + (size == 1)); /* exactly: an octet too far is seen */
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1)
        put_checksum_right(bytes, size - 1);
    const char *why = leat__bundle_view(&view, bytes, size - 1, &version);
    if (why == NULL)
        check_accepted(&view);
    else
        ASSERT(why[0] != '\0');
    free(bytes);
    return 0;
}
