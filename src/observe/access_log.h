/* access_log.h: one line for every request, off the request's path.
 *
 * A shard copies what a line needs into a ring of its own (leat__access_put: a memcpy, no system call unless the writer
 * sleeps, no waiting). One thread for all shards, the writer, empties the rings, makes the lines and writes them, many at
 * a time. A ring that is full drops the record and counts it: a slow disk costs lines, never requests. The rings lie in
 * memory of the plan; the writer has its buffers from the start.
 *
 *     common      host - - [day/month/year:hour:minute:second zone] "request line" status octets
 *     combined    the same, "Referer" "User-Agent"
 *
 * What clients sent is escaped (\\xhh for control octets and those that are not ASCII, \\" and \\\\), so a line is always
 * one line and its quotes are ours. */
#ifndef LEAT_ACCESS_LOG_H
#define LEAT_ACCESS_LOG_H

#include "base/base.h"
#include "memory/region.h"
#include <stdatomic.h>

enum access_format { ACCESS_COMMON, ACCESS_COMBINED };

enum { ACCESS_TEXT_MAX = 2048 }; /* octets that are kept of a target, of a Referer and of a User-Agent, each */

struct access_text {
    const char *data;
    size_t size;
};

struct access_record {
    int64_t time_s;                /* Unix time */
    char host[48];                 /* the peer as text, NUL-terminated */
    struct access_text method, target; /* as sent; size 0: the request was never understood */
    struct access_text referer, user_agent;
    uint64_t octets; /* of content that were sent */
    uint16_t status;
    uint8_t minor; /* HTTP/1.minor */
};

struct access_log;

/* One writer (the shard), one reader (the writer thread). */
struct access_ring {
    char *base;
    size_t size; /* a power of two */
    struct access_log *log;
    uint64_t dropped; /* records, the shard's count */
    _Alignas(CACHE_LINE) atomic_size_t head; /* octets ever put */
    _Alignas(CACHE_LINE) atomic_size_t tail; /* octets ever taken */
};

size_t leat__access_ring_footprint(size_t size);
void leat__access_ring_init(struct access_ring *ring, struct region *r, size_t size);

/* Copies the record. false: no room, counted in ring->dropped. */
bool leat__access_put(struct access_ring *ring, const struct access_record *record);

/* At start: opens path ("-": standard output) and starts the writer; NULL with a line in error. ring_count rings are told
 * one by one by leat__access_log_attach, from any thread, before their first record. */
struct access_log *leat__access_log_open(const char *path, enum access_format format, uint32_t ring_count,
                                         char *error, size_t error_size);
void leat__access_log_attach(struct access_log *log, uint32_t index, struct access_ring *ring);
/* Opens the path anew (after a rotation). 0, or -errno, and the old file stays. No allocation. From any thread. */
int leat__access_log_reopen(struct access_log *log);
/* Writes all that is there, ends the writer. The shards must have put their last. */
void leat__access_log_close(struct access_log *log);

#endif
