/* access_ring.c: records of any size in a ring, one writer, one reader, no lock.
 *
 * A record is its head, then the octets of its texts one after another, then what is missing to the next multiple of 32.
 * Heads are 32 octets, so a head never wraps around the end of the ring, and only the texts are copied in two pieces
 * where it does. head and tail count all octets ever put and taken; their places are the remainders.
 *
 * A record is put whole or not at all: head moves past it once, when it is all there. */
#include "observe/access_inside.h"
#include "observe/tally.h"

struct record_head {
    uint32_t size; /* of the whole record */
    uint16_t status;
    uint8_t minor;
    uint8_t host_size;
    int64_t time_s;
    uint64_t octets;
    uint16_t method_size, target_size, referer_size, user_agent_size;
};

/* In front of the texts, where there are any. */
struct record_details {
    int64_t time_ms;
    uint64_t ticks;
    uint16_t route_size, request_id_size, principal_size;
};

enum { RECORD_UNIT = 32, HAS_DETAILS = 0x80 /* in minor */ };
_Static_assert(sizeof(struct record_head) == RECORD_UNIT, "a head never wraps");
_Static_assert(ACCESS_RECORD_MAX % RECORD_UNIT == 0 &&
                   ACCESS_RECORD_MAX >= RECORD_UNIT + ACCESS_HOST_SIZE + ACCESS_METHOD_MAX +
                                            3 * ACCESS_TEXT_MAX + ACCESS_ROUTE_MAX + 2 * ACCESS_NAME_MAX +
                                            sizeof(struct record_details) + RECORD_UNIT - 1,
               "the longest record");
_Static_assert(ACCESS_RING_MIN >= ACCESS_RECORD_MAX, "an empty ring has room for any record");
_Static_assert(ACCESS_TEXT_MAX <= UINT16_MAX && ACCESS_HOST_SIZE <= UINT8_MAX, "sizes in a head");

size_t leat__access_ring_footprint(size_t size)
{
    return align_up(size, PAGE_SIZE_BYTES);
}

void leat__access_ring_init(struct access_ring *ring, struct region *r, size_t size)
{
    ASSERT(size >= ACCESS_RING_MIN && (size & (size - 1)) == 0);
    *ring = (struct access_ring){.size = size};
    ring->base = leat__region_take(r, leat__access_ring_footprint(size), PAGE_SIZE_BYTES);
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
}

/* ── The shard's side ── */

static size_t copy_in(struct access_ring *ring, size_t at, const char *from, size_t size)
{
    size_t place = at & (ring->size - 1);
    size_t before_end = size_min(size, ring->size - place);
    if (before_end > 0)
        memcpy(ring->base + place, from, before_end);
    if (UNLIKELY(before_end < size))
        memcpy(ring->base, from + before_end, size - before_end);
    return at + size;
}

static bool has_room(struct access_ring *ring, size_t head, size_t size)
{
    if (LIKELY(ring->size - (head - ring->tail_known) >= size))
        return true;
    ring->tail_known = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return ring->size - (head - ring->tail_known) >= size;
}

/* Looks anew before it says so: what is known of the tail only ever makes a ring fuller. */
static bool is_filling(struct access_ring *ring, size_t head)
{
    if (LIKELY(head - ring->tail_known <= ring->size / 2))
        return false;
    ring->tail_known = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return head - ring->tail_known > ring->size / 2;
}

static uint16_t cut(struct access_text text, size_t limit)
{
    return (uint16_t)size_min(text.size, limit);
}

static struct record_details details_of(const struct access_record *record)
{
    return (struct record_details){
        .time_ms = record->time_ms,
        .ticks = record->ticks,
        .route_size = cut(record->route, ACCESS_ROUTE_MAX),
        .request_id_size = cut(record->request_id, ACCESS_NAME_MAX),
        .principal_size = cut(record->principal, ACCESS_NAME_MAX),
    };
}

bool leat__access_put(struct access_ring *ring, const struct access_record *record)
{
    struct record_head h = {
        .status = record->status,
        .minor = record->minor & 1,
        .host_size = (uint8_t)strnlen(record->host, sizeof record->host),
        .time_s = record->time_s,
        .octets = record->octets,
        .method_size = cut(record->method, ACCESS_METHOD_MAX),
        .target_size = cut(record->target, ACCESS_TEXT_MAX),
        .referer_size = cut(record->referer, ACCESS_TEXT_MAX),
        .user_agent_size = cut(record->user_agent, ACCESS_TEXT_MAX),
    };
    struct record_details d = {0};
    size_t details = 0;
    if (record->has_details) {
        h.minor |= HAS_DETAILS;
        d = details_of(record);
        details = sizeof d + d.route_size + d.request_id_size + d.principal_size;
    }
    size_t texts = details + h.host_size + h.method_size + h.target_size + h.referer_size +
                   h.user_agent_size;
    h.size = (uint32_t)align_up(sizeof h + texts, RECORD_UNIT);
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (UNLIKELY(!has_room(ring, head, h.size))) {
        tally(&ring->dropped, 1);
        return false;
    }
    size_t at = copy_in(ring, head, (const char *)&h, sizeof h);
    if (details > 0) {
        at = copy_in(ring, at, (const char *)&d, sizeof d);
        at = copy_in(ring, at, record->route.data, d.route_size);
        at = copy_in(ring, at, record->request_id.data, d.request_id_size);
        at = copy_in(ring, at, record->principal.data, d.principal_size);
    }
    at = copy_in(ring, at, record->host, h.host_size);
    at = copy_in(ring, at, record->method.data, h.method_size);
    at = copy_in(ring, at, record->target.data, h.target_size);
    at = copy_in(ring, at, record->referer.data, h.referer_size);
    copy_in(ring, at, record->user_agent.data, h.user_agent_size);
    head += h.size;
    atomic_store(&ring->head, head); /* in one order with the writer's falling asleep */
    leat__access_wake(ring, is_filling(ring, head));
    return true;
}

/* ── The writer's side ── */

static size_t copy_out(const struct access_ring *ring, size_t at, char *to, size_t size)
{
    size_t place = at & (ring->size - 1);
    size_t before_end = size_min(size, ring->size - place);
    memcpy(to, ring->base + place, before_end);
    if (UNLIKELY(before_end < size))
        memcpy(to + before_end, ring->base, size - before_end);
    return at + size;
}

static const char *split(struct access_text *text, const char *at, size_t size)
{
    *text = (struct access_text){at, size};
    return at + size;
}

static const char *take_details(struct access_record *record, const char *text)
{
    struct record_details d;
    memcpy(&d, text, sizeof d);
    record->has_details = true;
    record->time_ms = d.time_ms;
    record->ticks = d.ticks;
    text = split(&record->route, text + sizeof d, d.route_size);
    text = split(&record->request_id, text, d.request_id_size);
    return split(&record->principal, text, d.principal_size);
}

bool leat__access_take(struct access_ring *ring, size_t until, struct access_record *record, char *memory)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == until)
        return false;
    struct record_head h;
    size_t at = copy_out(ring, tail, (char *)&h, sizeof h);
    ASSERT(h.size >= sizeof h && h.size <= ACCESS_RECORD_MAX && h.size <= until - tail);
    copy_out(ring, at, memory, h.size - sizeof h);
    atomic_store_explicit(&ring->tail, tail + h.size, memory_order_release);
    *record = (struct access_record){.time_s = h.time_s,
                                     .octets = h.octets,
                                     .status = h.status,
                                     .minor = h.minor & (uint8_t)~HAS_DETAILS};
    const char *text = memory;
    if (h.minor & HAS_DETAILS)
        text = take_details(record, text);
    memcpy(record->host, text, h.host_size);
    text = split(&record->method, text + h.host_size, h.method_size);
    text = split(&record->target, text, h.target_size);
    text = split(&record->referer, text, h.referer_size);
    split(&record->user_agent, text, h.user_agent_size);
    return true;
}
