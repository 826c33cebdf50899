/* file_kept.h: what a shard keeps of a file it has sent: an entry of its file cache, found by folder, path and coding.
 *
 *     struct kept_file │ field lines │ content (small files), or else a descriptor of the table
 *
 * The table of descriptors is an entry of the same cache that stands for as long as it does; where the cache is too small
 * for it, large files are opened each time. A file that can't be kept is described by the same struct in the exchange's
 * arena, for one request. */
#ifndef LEAT_FILE_KEPT_H
#define LEAT_FILE_KEPT_H

#include "exchange/exchange.h"
#include "handler/file_open.h"

enum {
    FILE_IN_MEMORY_MAX = 65536, /* octets: up to there reading whole and sending from memory is as cheap as sendfile(2) */
    FILE_LINES_MAX = 1024,
    FILE_TAG_MAX = 48,
    FILE_KEY_MAX = 16 + FILE_PATH_MAX,
};

struct kept_file {
    bool is_table; /* it is the table of descriptors */
    bool ready;    /* the content is there; else it is being read, and nobody else may have it */
    bool weak;     /* of the entity tag */
    uint8_t how;   /* enum file_how */
    uint8_t there; /* a bit per coding that the file comes in */
    uint8_t confirmed; /* times that its name alone was looked at since everything was */
    bool in_memory;
    uint16_t lines_size;
    uint16_t validators_at; /* in the lines: from here on they belong to a 304 too */
    uint16_t etag_at, etag_size;
    uint32_t place, generation; /* in the table, of the descriptor; generation 0: none */
    int64_t checked_ms;         /* when the path was last looked up; the loop's clock */
    int64_t modified_s;
    struct file_identity identity;
    char lines[]; /* lines_size octets; content in memory begins behind them, aligned to 16 */
};

struct kept_key {
    uint32_t hash, size;
    char text[FILE_KEY_MAX];
};

struct open_file {
    int32_t fd; /* -1: none */
    uint32_t generation;
    uint32_t pins; /* exchanges that send from it */
    bool used;
};

/* false: the path is longer than any file's. */
bool leat__kept_key(struct kept_key *key, const struct leat_files *files, const char *path,
                    size_t size, enum http_coding coding);

/* The entry, ready or not; a table that has lost its descriptor is none. NULL: not there. */
struct cache_entry *leat__kept_find(struct cache *cache, const struct kept_key *key);

static inline struct kept_file *kept_of(struct cache_entry *entry)
{
    return cache_value(entry);
}

/* Bytes of a file described with lines of that size, without content. */
static inline size_t kept_size(size_t lines_size)
{
    return align_up(sizeof(struct kept_file) + lines_size, 16);
}

static inline char *kept_content(const struct kept_file *kept)
{
    return (char *)(uintptr_t)kept + kept_size(kept->lines_size);
}

/* Describes a file as looked up; its lines, of at most FILE_LINES_MAX octets, are written to lines. now_s: Unix time. */
void leat__kept_describe(struct kept_file *kept, char *lines, const struct lookup *lookup, int64_t now_s);

/* Room for it in the cache, copied, with content of content_size bytes behind it, not ready; NULL: there is none. */
struct cache_entry *leat__kept_add(struct cache *cache, const struct kept_key *key,
                                   const struct kept_file *kept, const char *lines, size_t content_size);

/* The table takes fd, and the entry its place, pinned. NULL: there is no room, and fd stays the caller's. */
struct open_file *leat__kept_hand_over(struct shard_memory *memory, struct kept_file *kept, int fd);

/* The descriptor of a file that is not in memory; NULL: it was closed for others. */
struct open_file *leat__kept_descriptor(struct cache *cache, const struct kept_file *kept);

#endif
