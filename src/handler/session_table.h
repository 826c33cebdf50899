/* session_table.h: sessions in memory: rows of one size in buckets, shared by all shards.
 *
 *     bucket ─ lock │ row │ row │ … 16            an id has two buckets, one for each half of it
 *
 * A new session goes where more room is. With a quarter more rows than sessions, both of its buckets are full only when
 * there are more of those than were asked for: then the row that was not used for longest makes room, or there is none. A lock is held for the copy of a row and never across a wait;
 * it is the kernel's affair only when two shards want the same bucket at once. */
#ifndef LEAT_SESSION_TABLE_H
#define LEAT_SESSION_TABLE_H

#include "base/base.h"

enum { SESSION_ID_BYTES = 16, SESSION_ROWS = 16 };

struct session_id {
    uint64_t halves[2];
};

struct session_bucket;

struct session_table {
    struct session_bucket *buckets;
    char *rows;
    uint32_t bucket_count;
    size_t data_size, stride;
    int64_t idle_ms, absolute_ms;
    bool refuses;
    _Atomic uint64_t live, begun, expired, evicted, refused, conflicts;
};

size_t leat__session_table_footprint(uint32_t count, size_t data_size);
/* memory: that many zeroed bytes, aligned to a cache line. */
void leat__session_table_init(struct session_table *t, void *memory, uint32_t count, size_t data_size);
void leat__session_table_finish(struct session_table *t);

/* Copies the data out; the session counts as used now. 0, -ENOENT. */
int leat__session_table_load(struct session_table *t, struct session_id id, int64_t now_ms,
                             void *data, uint64_t *version, int64_t *created_ms);
/* 0, -ENOSPC. */
int leat__session_table_add(struct session_table *t, struct session_id id, int64_t now_ms,
                            int64_t created_ms, const void *data, uint64_t *version);
/* 0; -EAGAIN: it has another version; -ENOENT. */
int leat__session_table_save(struct session_table *t, struct session_id id, const void *data,
                             uint64_t *version);
/* 0, -ENOENT. */
int leat__session_table_remove(struct session_table *t, struct session_id id);

#endif
