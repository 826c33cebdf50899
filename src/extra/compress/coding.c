/* coding.c: contexts, and the codings by their names. */
#include "coding.h"
#include <string.h>
#include <strings.h>

const struct coding *const all_codings[CODINGS] = {&zstd_coding, &brotli_coding, &gzip_coding};

void coder_init(struct coder *coder, const struct coding *coding, void *owner, size_t memory_size)
{
    memset(coder, 0, offsetof(struct coder, buffer));
    coder->coding = coding;
    coder->owner = owner;
    coder->memory_size = memory_size;
    coder->input.in = coder->buffer;
}

static bool is_named(const char *name, const char *text, size_t size)
{
    return name != NULL && strlen(name) == size && strncasecmp(name, text, size) == 0;
}

const struct coding *coding_find(const char *name, size_t size)
{
    for (size_t i = 0; i < CODINGS; i++)
        if (is_named(all_codings[i]->name, name, size) || is_named(all_codings[i]->alias, name, size))
            return all_codings[i];
    return NULL;
}
