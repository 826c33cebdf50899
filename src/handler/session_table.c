/* session_table.c: see session_table.h. */
#include "handler/session_table.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

struct session_bucket {
    pthread_mutex_t lock;
};

struct row {
    struct session_id id;
    uint64_t version; /* 0: nobody's row */
    int64_t created_ms, used_ms;
    char data[];
};

static uint32_t buckets_for(uint32_t count)
{
    /* Both buckets of an id are full before the table is. */
    uint64_t rows = (uint64_t)count + count / 4 + SESSION_ROWS;
    return (uint32_t)((rows + SESSION_ROWS - 1) / SESSION_ROWS);
}

static size_t stride_of(size_t data_size)
{
    return align_up(sizeof(struct row) + data_size, 16);
}

static size_t locks_size(uint32_t buckets)
{
    return align_up(buckets * sizeof(struct session_bucket), CACHE_LINE);
}

size_t leat__session_table_footprint(uint32_t count, size_t data_size)
{
    uint32_t buckets = buckets_for(count);
    return locks_size(buckets) + (size_t)buckets * SESSION_ROWS * stride_of(data_size);
}

void leat__session_table_init(struct session_table *t, void *memory, uint32_t count, size_t data_size)
{
    *t = (struct session_table){.buckets = memory,
                                .bucket_count = buckets_for(count),
                                .data_size = data_size,
                                .stride = stride_of(data_size)};
    t->rows = (char *)memory + locks_size(t->bucket_count);
    for (uint32_t i = 0; i < t->bucket_count; i++)
        pthread_mutex_init(&t->buckets[i].lock, NULL);
}

void leat__session_table_finish(struct session_table *t)
{
    for (uint32_t i = 0; i < t->bucket_count; i++)
        pthread_mutex_destroy(&t->buckets[i].lock);
}

static struct row *row_at(const struct session_table *t, uint32_t bucket, unsigned i)
{
    return (struct row *)(void *)(t->rows + ((size_t)bucket * SESSION_ROWS + i) * t->stride);
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void clear(struct session_table *t, struct row *row)
{
    memset(row, 0, t->stride); /* what it held is nobody's any more */
    atomic_fetch_sub_explicit(&t->live, 1, memory_order_relaxed);
}

static bool has_expired(const struct session_table *t, const struct row *row, int64_t now_ms)
{
    return now_ms - row->used_ms > t->idle_ms || now_ms - row->created_ms > t->absolute_ms;
}

/* How long finding takes tells nothing: all rows of the bucket are looked at whole. */
static struct row *find_in(const struct session_table *t, uint32_t bucket, struct session_id id)
{
    struct row *found = NULL;
    for (unsigned i = 0; i < SESSION_ROWS; i++) {
        struct row *row = row_at(t, bucket, i);
        uint64_t differs = (row->id.halves[0] ^ id.halves[0]) | (row->id.halves[1] ^ id.halves[1]);
        if (differs == 0 && row->version != 0)
            found = row;
    }
    return found;
}

static uint32_t bucket_of(const struct session_table *t, struct session_id id, unsigned which)
{
    return (uint32_t)(id.halves[which] % t->bucket_count);
}

/* The row, its bucket locked; NULL: there is none, nothing is locked. */
static struct row *find(struct session_table *t, struct session_id id, pthread_mutex_t **lock)
{
    for (unsigned which = 0; which < 2; which++) {
        uint32_t bucket = bucket_of(t, id, which);
        *lock = &t->buckets[bucket].lock;
        pthread_mutex_lock(*lock);
        struct row *row = find_in(t, bucket, id);
        if (row != NULL)
            return row;
        pthread_mutex_unlock(*lock);
    }
    return NULL;
}

int leat__session_table_load(struct session_table *t, struct session_id id, int64_t now_ms,
                             void *data, uint64_t *version, int64_t *created_ms)
{
    pthread_mutex_t *lock;
    struct row *row = find(t, id, &lock);
    if (row == NULL)
        return -ENOENT;
    int error = 0;
    if (has_expired(t, row, now_ms)) {
        clear(t, row);
        count(&t->expired);
        error = -ENOENT;
    } else {
        row->used_ms = now_ms > row->used_ms ? now_ms : row->used_ms; /* shards' clocks differ a little */
        memcpy(data, row->data, t->data_size);
        *version = row->version;
        *created_ms = row->created_ms;
    }
    pthread_mutex_unlock(lock);
    return error;
}

static unsigned count_free(struct session_table *t, uint32_t bucket, int64_t now_ms)
{
    unsigned n = 0;
    pthread_mutex_lock(&t->buckets[bucket].lock);
    for (unsigned i = 0; i < SESSION_ROWS; i++) {
        const struct row *row = row_at(t, bucket, i);
        n += row->version == 0 || has_expired(t, row, now_ms);
    }
    pthread_mutex_unlock(&t->buckets[bucket].lock);
    return n;
}

/* A row for a new session, cleared; NULL: there is none. The bucket is locked. */
static struct row *take_row(struct session_table *t, uint32_t bucket, int64_t now_ms)
{
    struct row *oldest = NULL;
    for (unsigned i = 0; i < SESSION_ROWS; i++) {
        struct row *row = row_at(t, bucket, i);
        if (row->version == 0)
            return row;
        if (has_expired(t, row, now_ms)) {
            clear(t, row);
            count(&t->expired);
            return row;
        }
        if (oldest == NULL || row->used_ms < oldest->used_ms)
            oldest = row;
    }
    if (t->refuses)
        return NULL;
    clear(t, oldest);
    count(&t->evicted);
    return oldest;
}

int leat__session_table_add(struct session_table *t, struct session_id id, int64_t now_ms,
                            int64_t created_ms, const void *data, uint64_t *version)
{
    uint32_t first = bucket_of(t, id, 0), second = bucket_of(t, id, 1);
    uint32_t bucket = count_free(t, second, now_ms) > count_free(t, first, now_ms) ? second : first;
    pthread_mutex_lock(&t->buckets[bucket].lock);
    struct row *row = take_row(t, bucket, now_ms);
    if (row != NULL) {
        row->id = id;
        row->version = *version = 1;
        row->created_ms = created_ms;
        row->used_ms = now_ms;
        memcpy(row->data, data, t->data_size);
        count(&t->live);
    } else {
        count(&t->refused);
    }
    pthread_mutex_unlock(&t->buckets[bucket].lock);
    return row != NULL ? 0 : -ENOSPC;
}

int leat__session_table_save(struct session_table *t, struct session_id id, const void *data,
                             uint64_t *version)
{
    pthread_mutex_t *lock;
    struct row *row = find(t, id, &lock);
    if (row == NULL)
        return -ENOENT;
    int error = row->version == *version ? 0 : -EAGAIN;
    if (error == 0) {
        memcpy(row->data, data, t->data_size);
        *version = ++row->version;
    } else {
        count(&t->conflicts);
    }
    pthread_mutex_unlock(lock);
    return error;
}

int leat__session_table_remove(struct session_table *t, struct session_id id)
{
    pthread_mutex_t *lock;
    struct row *row = find(t, id, &lock);
    if (row == NULL)
        return -ENOENT;
    clear(t, row);
    pthread_mutex_unlock(lock);
    return 0;
}
