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
 *     json        an object: time, peer, method, target, protocol, status, octets, duration_s, route, request_id, principal,
 *                 referer, user_agent; what is not known is left out
 *
 * In the first two what clients sent is escaped (\\xhh for control octets and those that are not ASCII, \\" and \\\\), so a line is always
 * one line and its quotes are ours. A text that is empty is written "-". In JSON controls are escaped as JSON has it, and what
 * is not UTF-8 becomes U+FFFD.
 *
 * The zone is the machine's as it was at start, with the changes to summer time that were known then: asking libc for it
 * later would mean files and allocation. Whoever changes the zone of the machine starts the server anew.
 *
 * When writing fails (a full disk, a pipe whose reader is gone), what was made is kept and tried again every second; until
 * then the rings fill and drop. So nothing is lost but what is counted, and stderr has one line when that begins and one
 * when it is over. */
#ifndef LEAT_ACCESS_LOG_H
#define LEAT_ACCESS_LOG_H

#include "base/base.h"
#include "memory/region.h"
#include <stdatomic.h>

enum access_format { ACCESS_COMMON, ACCESS_COMBINED, ACCESS_JSON };

enum {
    ACCESS_TEXT_MAX = 2048, /* octets that are kept of a target, of a Referer and of a User-Agent, each */
    ACCESS_METHOD_MAX = 32, /* and of a method */
    ACCESS_HOST_SIZE = 48,
    ACCESS_ROUTE_MAX = 256,   /* of a route's pattern */
    ACCESS_NAME_MAX = 128,    /* of a request's id, and of a principal */
    ACCESS_RECORD_MAX = 6880, /* octets of a ring that one record takes at most */
    ACCESS_RING_MIN = 8192,
};

struct access_text {
    const char *data;
    size_t size;
};

struct access_record {
    int64_t time_s;                    /* Unix time */
    char host[ACCESS_HOST_SIZE];       /* the peer as text, NUL-terminated */
    struct access_text method, target; /* as sent; size 0: the request was never understood */
    struct access_text referer, user_agent;
    uint64_t octets; /* of content that were sent */
    uint16_t status;
    uint8_t minor; /* HTTP/1.minor */
    /* JSON's alone: only for a ring that wants_details */
    bool has_details;
    int64_t time_ms; /* Unix time, of the end */
    uint64_t ticks;  /* from the head's end to the response's; 0: not known */
    struct access_text route, request_id, principal;
};

struct access_log;

/* One writer (the shard), one reader (the writer thread). */
struct access_ring {
    char *base;
    size_t size;                             /* a power of two */
    struct access_log *log;                  /* NULL before it is attached */
    bool wants_details;                      /* once it is attached */
    uint64_t dropped;                        /* records, the shard's count */
    size_t tail_known;                       /* what the shard last saw of tail */
    _Alignas(CACHE_LINE) atomic_size_t head; /* octets ever put */
    _Alignas(CACHE_LINE) atomic_size_t tail; /* octets ever taken */
};

/* size: octets, a power of two, ACCESS_RING_MIN at least. What is bigger than that is never logged whole: texts are cut,
 * and a record takes at most ACCESS_RECORD_MAX. */
size_t leat__access_ring_footprint(size_t size); /* 0 for 0 */
void leat__access_ring_init(struct access_ring *ring, struct region *r, size_t size);

/* Copies the record. false: no room, counted in ring->dropped. */
bool leat__access_put(struct access_ring *ring, const struct access_record *record);

/* At start: opens path ("-": standard output) and starts the writer; NULL with a line in error. ring_count rings are told
 * one by one by leat__access_log_attach, from any thread, before their first record. */
struct access_log *leat__access_log_open(const char *path, enum access_format format,
                                         uint32_t ring_count, char *error, size_t error_size);
void leat__access_log_attach(struct access_log *log, uint32_t index, struct access_ring *ring);
/* Opens the path anew (after a rotation). 0, or -errno, and the old file stays. No allocation. From any thread. The writer
 * turns to the new file between two lines, at once unless a write is under way; standard output stays what it is. */
int leat__access_log_reopen(struct access_log *log);
/* Lines that were written since the process began, to any of them. From any thread. */
uint64_t leat__access_lines(void);
/* Writes all that is there, ends the writer; what nobody takes for a second is told on stderr and let go. The shards must
 * have put their last. NULL is taken. */
void leat__access_log_close(struct access_log *log);

#endif
