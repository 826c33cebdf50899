/* event_ring.c: records of any size in a ring, many writers, one reader, no lock.
 *
 * A record is its head, then its message, then its fields, then what is missing to the next multiple of 32. Heads are 32
 * octets, so a head never wraps around the end of the ring, and only the texts are copied in two pieces where it does.
 *
 * Who puts reserves its place by moving head, copies what belongs there, and last of all stores the record's size, the head's
 * first word: before that it is 0, and the reader stops there. So the reader leaves zeros behind wherever a head may come to
 * lie. Somebody who is made to wait between the two holds up the reader, never other writers, until the ring is full. */
#include "observe/event_inside.h"

struct record_head {
    _Atomic uint32_t size; /* of the whole record; 0: not there yet */
    uint16_t message_size, fields_size;
    int64_t time_ms;
    const char *area;
    uint8_t level, kind, is_said, is_quiet;
    uint8_t padding[4];
};

enum { RECORD_UNIT = 32 };
_Static_assert(sizeof(struct record_head) == RECORD_UNIT, "a head never wraps");
_Static_assert((EVENT_RING & (EVENT_RING - 1)) == 0, "places are remainders");

static _Alignas(CACHE_LINE) char ring[EVENT_RING];
static _Alignas(CACHE_LINE) atomic_size_t head; /* octets ever reserved */
static _Alignas(CACHE_LINE) atomic_size_t tail; /* octets ever taken */
static _Atomic uint64_t dropped;

static struct record_head *head_at(size_t at)
{
    return (struct record_head *)(void *)(ring + (at & (EVENT_RING - 1)));
}

/* A place of size octets; SIZE_MAX: there is none. filling: half of the ring is in use. */
static size_t reserve(size_t size, bool *filling)
{
    size_t at = atomic_load_explicit(&head, memory_order_relaxed);
    for (;;) {
        size_t used = at - atomic_load_explicit(&tail, memory_order_acquire);
        if (used > EVENT_RING) { /* head is known no more: the reader is past it */
            at = atomic_load_explicit(&head, memory_order_relaxed);
            continue;
        }
        if (EVENT_RING - used < size)
            return SIZE_MAX;
        *filling = used > EVENT_RING / 2;
        if (atomic_compare_exchange_weak_explicit(&head, &at, at + size, memory_order_relaxed,
                                                  memory_order_relaxed))
            return at;
    }
}

static size_t copy_in(size_t at, const char *from, size_t size)
{
    size_t place = at & (EVENT_RING - 1);
    size_t before_end = size_min(size, EVENT_RING - place);
    if (before_end > 0)
        memcpy(ring + place, from, before_end);
    if (before_end < size)
        memcpy(ring, from + before_end, size - before_end);
    return at + size;
}

bool leat__event_ring_put(const struct event_record *record)
{
    size_t message = size_min(record->message_size, EVENT_MESSAGE_MAX);
    size_t fields = record->fields_size <= EVENT_FIELDS_MAX ? record->fields_size : 0;
    size_t size = align_up(RECORD_UNIT + message + fields, RECORD_UNIT);
    bool filling;
    size_t at = reserve(size, &filling);
    if (at == SIZE_MAX) {
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
        return false;
    }
    struct record_head *h = head_at(at);
    h->message_size = (uint16_t)message;
    h->fields_size = (uint16_t)fields;
    h->time_ms = record->time_ms;
    h->area = record->area;
    h->level = record->level;
    h->kind = record->kind;
    h->is_said = record->is_said;
    h->is_quiet = record->is_quiet;
    copy_in(copy_in(at + RECORD_UNIT, record->message, message), record->fields, fields);
    atomic_store(&h->size, (uint32_t)size); /* in one order with the writer's falling asleep */
    leat__event_wake(filling);
    return true;
}

static void copy_out(size_t at, char *to, size_t size)
{
    size_t place = at & (EVENT_RING - 1);
    size_t before_end = size_min(size, EVENT_RING - place);
    memcpy(to, ring + place, before_end);
    if (before_end < size)
        memcpy(to + before_end, ring, size - before_end);
}

/* Where the next heads may begin. */
static void clear(size_t at, size_t size)
{
    for (size_t i = 0; i < size; i += RECORD_UNIT)
        atomic_store_explicit(&head_at(at + i)->size, 0, memory_order_relaxed);
}

bool leat__event_ring_take(struct event_record *record, char *memory)
{
    size_t at = atomic_load_explicit(&tail, memory_order_relaxed);
    struct record_head *h = head_at(at);
    size_t size = atomic_load_explicit(&h->size, memory_order_acquire);
    if (size == 0)
        return false;
    ASSERT(size <= align_up(RECORD_UNIT + EVENT_MESSAGE_MAX + EVENT_FIELDS_MAX, RECORD_UNIT));
    *record = (struct event_record){
        .time_ms = h->time_ms,
        .area = h->area,
        .message = memory,
        .message_size = h->message_size,
        .fields_size = h->fields_size,
        .fields = memory + h->message_size,
        .level = h->level,
        .kind = h->kind,
        .is_said = h->is_said,
        .is_quiet = h->is_quiet,
    };
    copy_out(at + RECORD_UNIT, memory, (size_t)h->message_size + h->fields_size);
    clear(at, size);
    atomic_store_explicit(&tail, at + size, memory_order_release);
    return true;
}

bool leat__event_ring_is_empty(void)
{
    return atomic_load(&head_at(atomic_load_explicit(&tail, memory_order_relaxed))->size) == 0;
}

uint64_t leat__event_ring_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}
