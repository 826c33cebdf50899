/* access_inside.h: what the parts of the access log share; nobody else includes it but its tests.
 *
 *   access_ring.c   records in a ring: the shard puts, the writer takes
 *   access_zone.c   local time without libc's help, from a table that was made at start
 *   access_line.c   a record as a line
 *   access_json.c   … of JSON
 *   access_log.c    the writer: when it sleeps, what it does when it can't write */
#ifndef LEAT_ACCESS_INSIDE_H
#define LEAT_ACCESS_INSIDE_H

#include "observe/access_log.h"

/* ── Rings ── */

/* Tells the writer, when it sleeps, or gathers while a ring is filling: shard's side. */
void leat__access_wake(struct access_ring *ring, bool filling);

/* The next record, if its first octet lies before `until` (a value of head). Its texts lie in memory, which has
 * ACCESS_RECORD_MAX octets, until the next one is taken. */
bool leat__access_take(struct access_ring *ring, size_t until, struct access_record *record, char *memory);

static inline bool access_ring_is_empty(struct access_ring *ring)
{
    return atomic_load(&ring->head) == atomic_load_explicit(&ring->tail, memory_order_relaxed);
}

/* ── Time ── */

enum { ACCESS_ZONE_CHANGES = 128, ACCESS_TIME_SIZE = 28 };

/* From changes[i].from_s to that of the next the local time is offset_s ahead of UTC. The first has no beginning, the last
 * no end. */
struct access_zone {
    unsigned count;
    struct {
        int64_t from_s;
        int32_t offset_s;
    } changes[ACCESS_ZONE_CHANGES];
};

/* Asks libc, so at start only: what is known of the years from since_s on, as many as the table holds, thirty at most. */
void leat__access_zone_init(struct access_zone *zone, int64_t since_s);

/* "[10/Oct/2000:13:55:36 -0700]". Years before 1970 and after 9999 are written as the nearest. */
void leat__access_time_write(char *out, const struct access_zone *zone, int64_t time_s);

/* ── Lines ── */

enum {
    ACCESS_LINE_MAX = 6 * (3 * ACCESS_TEXT_MAX + ACCESS_METHOD_MAX + ACCESS_HOST_SIZE +
                           ACCESS_ROUTE_MAX + 2 * ACCESS_NAME_MAX) +
                      512,
};

/* What stays the same from line to line. */
struct access_style {
    enum access_format format;
    struct access_zone zone;
    int64_t time_s; /* of text; INT64_MIN: of nothing yet */
    char text[ACCESS_TIME_SIZE];
};

void leat__access_style_init(struct access_style *style, enum access_format format, int64_t since_s);

/* One line with its end; answers its size, at most ACCESS_LINE_MAX. */
size_t leat__access_line_write(char *out, struct access_style *style, const struct access_record *record);

/* The same in JSON. ticks_per_s: what record->ticks are counted in. */
size_t leat__access_json_write(char *out, const struct access_record *record, uint64_t ticks_per_s);

#endif
