/* event.c: saying something.
 *
 * A kind has a few lines in a period, for all shards together. Who says something takes one of them, or counts itself among
 * those that are told later. The writer begins a kind's period when it writes the first of its lines, and when it is over
 * tells how many more there were, and begins the next one; or, when there were none, gives all lines back. So a burst is told
 * at once and to its end, and a kind that is quiet costs nothing: nobody looks at it. */
#include "observe/event_inside.h"

#include "base/clock.h"
#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *area, *text;
    uint8_t level, most;
} kinds[EVENT_KINDS] = {
#define EVENT(name, area, level, most, text) {area, text, LEAT_LOG_##level, most},
#include "observe/events.def"
#undef EVENT
};

static struct {
    atomic_uint said;      /* lines of this period, and more */
    _Atomic uint64_t more; /* that were not told */
    int64_t until_ms;      /* the writer's: when the period is over; 0: none is under way */
} periods[EVENT_KINDS];

static _Atomic uint64_t counts[LEAT_LOG_DEBUG + 1];

static void count(enum leat_log_level level)
{
    atomic_fetch_add_explicit(&counts[level], 1, memory_order_relaxed);
}

uint64_t leat__events_count(enum leat_log_level level)
{
    return atomic_load_explicit(&counts[level], memory_order_relaxed);
}

const char *leat__event_kind_text(enum event_kind kind)
{
    return kinds[kind].text;
}

const char *leat__event_kind_area(enum event_kind kind)
{
    return kinds[kind].area;
}

enum leat_log_level leat__event_kind_level(enum event_kind kind)
{
    return kinds[kind].level;
}

/* ── Periods ── */

/* One more of a kind: true: it has a line. */
static bool take_line(enum event_kind kind)
{
    if (atomic_load_explicit(&periods[kind].said, memory_order_relaxed) < kinds[kind].most &&
        atomic_fetch_add_explicit(&periods[kind].said, 1, memory_order_relaxed) < kinds[kind].most)
        return true;
    atomic_fetch_add_explicit(&periods[kind].more, 1, memory_order_relaxed);
    return false;
}

void leat__event_kind_written(enum event_kind kind, int64_t now_ms)
{
    if (periods[kind].until_ms == 0)
        periods[kind].until_ms = now_ms + EVENT_PERIOD_MS;
}

int64_t leat__event_kind_next_ms(void)
{
    int64_t next_ms = INT64_MAX;
    for (unsigned i = 0; i < EVENT_KINDS; i++)
        if (periods[i].until_ms != 0 && periods[i].until_ms < next_ms)
            next_ms = periods[i].until_ms;
    return next_ms;
}

bool leat__event_kind_over(int64_t now_ms, enum event_kind *kind, uint64_t *more)
{
    for (unsigned i = 0; i < EVENT_KINDS; i++) {
        if (periods[i].until_ms == 0 || now_ms < periods[i].until_ms)
            continue;
        *more = atomic_exchange_explicit(&periods[i].more, 0, memory_order_relaxed);
        *kind = (enum event_kind)i;
        if (*more > 0) {
            periods[i].until_ms = now_ms + EVENT_PERIOD_MS;
            return true;
        }
        periods[i].until_ms = 0;
        atomic_store_explicit(&periods[i].said, 0, memory_order_relaxed);
    }
    return false;
}

void leat__event_kinds_begin(void)
{
    for (unsigned i = 0; i < EVENT_KINDS; i++) {
        periods[i].until_ms = 0;
        atomic_store_explicit(&periods[i].more, 0, memory_order_relaxed);
        atomic_store_explicit(&periods[i].said, 0, memory_order_relaxed);
    }
}

/* ── Putting ── */

bool leat__event_is_wanted(enum leat_log_level level)
{
    return !event_is_quiet(level) || level <= LEAT_LOG_WARNING; /* those are kept */
}

static bool put(struct event_record *record)
{
    record->time_ms = leat__clock_realtime_ms();
    record->is_quiet = event_is_quiet(record->level);
    if (LIKELY(atomic_load_explicit(&leat__event_is_open, memory_order_acquire)))
        return leat__event_ring_put(record);
    if (record->area == NULL)
        leat__event_write_directly(record);
    return true;
}

/* A message that is longer, at a whole character. */
static size_t cut(char message[static EVENT_MESSAGE_MAX])
{
    size_t at = EVENT_MESSAGE_MAX - 3;
    while (at > EVENT_MESSAGE_MAX - 6 && ((unsigned char)message[at] & 0xc0) == 0x80)
        at--;
    memcpy(message + at, "\xe2\x80\xa6", 3);
    return at + 3;
}

static size_t __attribute__((format(printf, 2, 0)))
print(char message[static EVENT_MESSAGE_MAX + 1], const char *format, va_list arguments)
{
    int size = vsnprintf(message, EVENT_MESSAGE_MAX + 1, format, arguments);
    if (size <= EVENT_MESSAGE_MAX)
        return size > 0 ? (size_t)size : 0;
    return cut(message);
}

/* A kind's line that finds no room is one of those that are told later; without a line its period would never end. */
static void put_kind(enum event_kind kind, const char *message, size_t size,
                     const struct event_fields *fields)
{
    struct event_record record = {
        .area = kinds[kind].area,
        .message = message,
        .message_size = (uint32_t)size,
        .level = kinds[kind].level,
        .kind = (uint8_t)kind,
    };
    if (fields != NULL) {
        record.fields = fields->bytes;
        record.fields_size = fields->size;
    }
    if (!put(&record))
        atomic_fetch_sub_explicit(&periods[kind].said, 1, memory_order_relaxed);
}

/* Counted, wanted, and in time. */
static bool begin(enum event_kind kind)
{
    count(kinds[kind].level);
    return atomic_load_explicit(&leat__event_is_open, memory_order_relaxed) &&
           leat__event_is_wanted(kinds[kind].level) && take_line(kind);
}

bool leat__event_is_due(enum event_kind kind)
{
    if (atomic_load_explicit(&periods[kind].said, memory_order_relaxed) < kinds[kind].most)
        return true;
    begin(kind);
    return false;
}

void leat__event(enum event_kind kind)
{
    if (begin(kind))
        put_kind(kind, kinds[kind].text, strlen(kinds[kind].text), NULL);
}

void leat__event_with(enum event_kind kind, const struct event_fields *fields, const char *format, ...)
{
    char message[EVENT_MESSAGE_MAX + 1];
    va_list arguments;
    if (!begin(kind))
        return;
    va_start(arguments, format);
    put_kind(kind, message, print(message, format, arguments), fields);
    va_end(arguments);
}

void leat__event_say(enum leat_log_level level, const char *area, bool is_said, const char *format, ...)
{
    char message[EVENT_MESSAGE_MAX + 1];
    va_list arguments;
    count(level);
    if (!leat__event_is_wanted(level))
        return;
    va_start(arguments, format);
    struct event_record record = {
        .area = area,
        .message = message,
        .message_size = (uint32_t)print(message, format, arguments),
        .level = (uint8_t)level,
        .kind = EVENT_UNLIMITED,
        .is_said = is_said,
    };
    va_end(arguments);
    put(&record);
}

void leat__event_put(enum leat_log_level level, const char *message, size_t size,
                     const struct event_fields *fields)
{
    struct event_record record = {
        .message = message,
        .message_size = (uint32_t)size_min(size, EVENT_MESSAGE_MAX),
        .level = (uint8_t)level,
        .kind = EVENT_UNLIMITED,
    };
    if (fields != NULL) {
        record.fields = fields->bytes;
        record.fields_size = fields->size;
    }
    count(level);
    put(&record);
}

static enum leat_log_level level_of(enum leat_log_level level)
{
    return level >= LEAT_LOG_ERROR && level <= LEAT_LOG_DEBUG ? level : LEAT_LOG_ERROR;
}

void leat__event_print(enum leat_log_level level, const struct event_fields *fields,
                       const char *format, va_list arguments)
{
    char message[EVENT_MESSAGE_MAX + 1];
    level = level_of(level);
    if (leat__event_is_wanted(level))
        leat__event_put(level, message, print(message, format, arguments), fields);
    else
        count(level);
}

void leat__event_text(enum leat_log_level level, const char *text, const struct event_fields *fields)
{
    size_t size = strlen(text);
    char message[EVENT_MESSAGE_MAX + 1];
    level = level_of(level);
    if (!leat__event_is_wanted(level)) {
        count(level);
        return;
    }
    if (size > EVENT_MESSAGE_MAX) {
        memcpy(message, text, EVENT_MESSAGE_MAX);
        size = cut(message);
        text = message;
    }
    leat__event_put(level, text, size, fields);
}

void leat_log(enum leat_log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    leat__event_print(level, NULL, format, arguments);
    va_end(arguments);
}

bool leat_log_wants(enum leat_log_level level)
{
    return leat__event_is_wanted(level_of(level));
}

/* ── Fields ── */

static void put_field(struct event_fields *fields, enum event_value kind, const char *name,
                      const void *value, size_t size)
{
    size_t name_size = strnlen(name, EVENT_NAME_MAX);
    if (EVENT_FIELDS_MAX - fields->size < sizeof(struct event_field_head) + name_size + size)
        return;
    struct event_field_head h = {(uint8_t)kind, (uint8_t)name_size, (uint16_t)size};
    char *at = fields->bytes + fields->size;
    memcpy(at, &h, sizeof h);
    memcpy(at + sizeof h, name, name_size);
    if (size > 0)
        memcpy(at + sizeof h + name_size, value, size);
    fields->size += (uint32_t)(sizeof h + name_size + size);
}

void leat__event_field_text(struct event_fields *fields, const char *name, const char *text, size_t size)
{
    put_field(fields, EVENT_VALUE_TEXT, name, text, size_min(size, EVENT_VALUE_MAX));
}

void leat__event_field_int(struct event_fields *fields, const char *name, int64_t value)
{
    put_field(fields, EVENT_VALUE_INT, name, &value, sizeof value);
}
