/* file_kept.c: the fields of a file, made once; and the entries and descriptors that a shard keeps.
 *
 * A descriptor lies in a table beside its entry, because entries move and there are fewer descriptors than entries: the
 * hand of a clock goes over the table, and takes the place of the first that was not used since it came by. A place has a
 * generation, so an entry whose descriptor has gone knows it. */
#include "handler/file_kept.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000ll

enum { TABLE_SHARE = 16 };

struct table {
    _Alignas(struct kept_file) char head[sizeof(struct kept_file)]; /* one whose is_table is true */
    uint32_t count, hand, generation;
    struct open_file places[];
};

/* ── Fields ── */

static size_t write_tag(char *out, const struct lookup *l, bool weak)
{
    const char *coding = leat__http_coding_name(l->coding);
    return (size_t)snprintf(out, FILE_TAG_MAX + 8, "%s\"%llx-%llx%s%s\"", weak ? "W/" : "",
                            (unsigned long long)l->identity.modified_ns,
                            (unsigned long long)l->identity.size, coding[0] ? "-" : "", coding);
}

/* The media type of a twin is that of what it is a twin of. */
static size_t write_type(char *out, size_t room, const struct lookup *l, const char *name, size_t name_size)
{
    const char *coding = leat__http_coding_name(l->coding);
    return (size_t)snprintf(out, room,
                            "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n"
                            "Accept-Ranges: bytes\r\n%s%s%s",
                            leat__http_type_of(name, name_size),
                            coding[0] ? "Content-Encoding: " : "", coding, coding[0] ? "\r\n" : "");
}

void leat__kept_describe(struct kept_file *kept, char *lines, const struct lookup *l, int64_t now_s)
{
    char name[FILE_PATH_MAX], tag[FILE_TAG_MAX + 8], date[HTTP_DATE_SIZE];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ns = (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
    size_t name_size = leat__file_path_write(name, l->files, l->path, l->path_size, l->how,
                                             CODING_IDENTITY);
    const struct file_rule *rule = leat__file_rule_find(l->files, name_size > 0 ? name : "");
    *kept = (struct kept_file){.how = (uint8_t)l->how, .there = (uint8_t)l->there, .identity = l->identity};
    kept->weak = l->identity.modified_ns > now_ns - SECOND_NS;
    kept->modified_s = l->identity.modified_ns / SECOND_NS;
    if (kept->modified_s > now_s) /* RFC 9110 8.8.2.1: never later than the response's Date */
        kept->modified_s = now_s;
    size_t at = write_type(lines, FILE_LINES_MAX, l, name, name_size);
    ASSERT(at < FILE_LINES_MAX / 2);
    kept->validators_at = (uint16_t)at;
    size_t tag_size = write_tag(tag, l, kept->weak);
    kept->etag_at = (uint16_t)(at + strlen("ETag: ") + (kept->weak ? 2 : 0));
    kept->etag_size = (uint16_t)(tag_size - (kept->weak ? 2 : 0));
    leat__http_date_write(date, kept->modified_s);
    at += (size_t)snprintf(lines + at, FILE_LINES_MAX - at,
                           "ETag: %s\r\nLast-Modified: %.*s\r\n%s%s%s%s", tag, HTTP_DATE_SIZE, date,
                           l->there != 1u << CODING_IDENTITY ? "Vary: Accept-Encoding\r\n" : "",
                           rule ? "Cache-Control: " : "", rule ? rule->value : "", rule ? "\r\n" : "");
    ASSERT(at < FILE_LINES_MAX);
    kept->lines_size = (uint16_t)at;
}

/* ── Entries ── */

bool leat__kept_key(struct kept_key *key, const struct leat_files *files, const char *path,
                    size_t size, enum http_coding coding)
{
    if (size >= FILE_PATH_MAX)
        return false;
    memcpy(key->text, &files, sizeof files);
    key->text[sizeof files] = (char)coding;
    memcpy(key->text + sizeof files + 1, path, size);
    key->size = (uint32_t)(sizeof files + 1 + size);
    key->hash = leat__cache_hash(key->text, key->size);
    return true;
}

static void leave(void *argument, void *value)
{
    const struct kept_file *kept = value;
    struct table *table = argument;
    if (kept->is_table || kept->generation == 0 || table == NULL)
        return;
    struct open_file *place = &table->places[kept->place];
    if (place->generation != kept->generation || place->fd < 0)
        return;
    ASSERT(place->pins == 0);
    close(place->fd);
    place->fd = -1;
}

struct open_file *leat__kept_descriptor(struct cache *cache, const struct kept_file *kept)
{
    struct table *table = cache->argument;
    if (table == NULL || kept->generation == 0)
        return NULL;
    struct open_file *place = &table->places[kept->place];
    return place->generation == kept->generation && place->fd >= 0 ? place : NULL;
}

struct cache_entry *leat__kept_find(struct cache *cache, const struct kept_key *key)
{
    struct cache_entry *entry = leat__cache_find(cache, key->hash, key->text, key->size);
    if (entry == NULL)
        return NULL;
    const struct kept_file *kept = kept_of(entry);
    bool usable = kept->ready && (kept->in_memory || leat__kept_descriptor(cache, kept) != NULL);
    return LIKELY(usable) ? entry : NULL;
}

struct cache_entry *leat__kept_add(struct cache *cache, const struct kept_key *key,
                                   const struct kept_file *kept, const char *lines, size_t content_size)
{
    cache->on_leave = leave;
    struct cache_entry *entry = leat__cache_add(cache, key->hash, key->text, key->size,
                                                kept_size(kept->lines_size) + content_size);
    if (entry == NULL)
        return NULL;
    struct kept_file *own = kept_of(entry);
    *own = *kept;
    memcpy(own->lines, lines, kept->lines_size);
    return entry;
}

/* ── Descriptors ── */

/* As many places as there may be, but no more than a small part of the cache; NULL: there can't be one. */
static struct table *make_table(struct cache *cache, uint32_t count)
{
    static const char key[] = "descriptors";
    uint32_t hash = leat__cache_hash(key, sizeof key);
    count = (uint32_t)size_min(count, cache->size / TABLE_SHARE / sizeof(struct open_file));
    size_t size = sizeof(struct table) + count * sizeof(struct open_file);
    struct cache_entry *entry = count > 0 ? leat__cache_add(cache, hash, key, sizeof key, size) : NULL;
    if (entry == NULL)
        return NULL;
    entry->pins = CACHE_STANDING;
    struct table *table = cache_value(entry);
    memset(table, 0, size);
    ((struct kept_file *)(void *)table->head)->is_table = true;
    table->count = count;
    for (uint32_t i = 0; i < count; i++)
        table->places[i].fd = -1;
    cache->argument = table;
    return table;
}

/* A place for a descriptor: free, or the next whose file was not used lately; NULL: all are being sent from. */
static struct open_file *take_place(struct table *table)
{
    for (uint32_t steps = 0; steps < 2 * table->count; steps++) {
        struct open_file *place = &table->places[table->hand];
        table->hand = table->hand + 1 == table->count ? 0 : table->hand + 1;
        if (place->pins > 0)
            continue;
        if (place->fd < 0)
            return place;
        if (!place->used) {
            close(place->fd);
            place->fd = -1;
            return place;
        }
        place->used = false;
    }
    return NULL;
}

struct open_file *leat__kept_hand_over(struct shard_memory *memory, struct kept_file *kept, int fd)
{
    struct table *table = memory->file_cache.argument;
    if (table == NULL)
        table = make_table(&memory->file_cache, memory->file_descriptors);
    struct open_file *place = table != NULL ? take_place(table) : NULL;
    if (place == NULL)
        return NULL;
    table->generation += table->generation == UINT32_MAX ? 2 : 1;
    *place = (struct open_file){.fd = fd, .generation = table->generation, .pins = 1};
    kept->place = (uint32_t)(place - table->places);
    kept->generation = place->generation;
    return place;
}
