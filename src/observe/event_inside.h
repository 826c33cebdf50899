/* event_inside.h: what the parts of the event log share; nobody else includes it but its tests.
 *
 *   event.c        saying something: kinds and how often, fields
 *   event_ring.c   records in a ring: anybody puts, the writer takes
 *   event_line.c   a record as a line
 *   event_log.c    the writer, and what it keeps */
#ifndef LEAT_EVENT_INSIDE_H
#define LEAT_EVENT_INSIDE_H

#include "observe/events.h"
#include <stdatomic.h>

enum {
    EVENT_RING = 128 << 10,    /* octets; a power of two */
    EVENT_LINE_MAX = 12 << 10, /* of any line with its end: what is escaped at its longest */
    EVENT_OUT = 32 << 10,      /* lines that are not written yet */
    EVENT_UNLIMITED = 255,     /* in place of a kind */
};

struct event_record {
    int64_t time_ms;  /* Unix time */
    const char *area; /* static; NULL: the program's */
    const char *message;
    uint32_t message_size;
    uint32_t fields_size;
    const char *fields;
    uint8_t level; /* enum leat_log_level */
    uint8_t kind;  /* enum event_kind, or EVENT_UNLIMITED */
    bool is_said;  /* on stdout */
    bool is_quiet; /* kept and not written: the level did not ask for it when it was said */
};

/* ── Fields ── */

enum event_value { EVENT_VALUE_TEXT, EVENT_VALUE_INT };
enum { EVENT_NAME_MAX = 32, EVENT_VALUE_MAX = 256 };

/* Then the name, then the value: a text, or an int64_t. */
struct event_field_head {
    uint8_t kind; /* enum event_value */
    uint8_t name_size;
    uint16_t size;
};

/* ── The ring ── */

/* false: no room, and it was counted. */
bool leat__event_ring_put(const struct event_record *record);
/* The next one; its texts lie in memory, which has EVENT_MESSAGE_MAX + EVENT_FIELDS_MAX octets. One thread at a time. */
bool leat__event_ring_take(struct event_record *record, char *memory);
bool leat__event_ring_is_empty(void);
uint64_t leat__event_ring_dropped(void);

/* ── Lines ── */

struct event_style {
    enum event_format format;
    bool is_journal; /* text, with priorities and without time */
};

/* One line with its end; answers its size. */
size_t leat__event_line_write(char out[static EVENT_LINE_MAX], const struct event_style *style,
                              const struct event_record *record);
/* What the live page shows: NUL-terminated, cut at a whole character. scratch has EVENT_LINE_MAX octets. */
void leat__event_tell(char out[static EVENT_TOLD_MAX], char scratch[static EVENT_LINE_MAX],
                      const struct event_record *record);

/* ── The writer ── */

extern atomic_int leat__event_level;    /* what is written: up to this */
extern atomic_bool leat__event_is_open; /* a writer runs */

static inline bool event_is_quiet(enum leat_log_level level)
{
    return (int)level > atomic_load_explicit(&leat__event_level, memory_order_relaxed);
}

/* A record is there; filling: it should not be left waiting. */
void leat__event_wake(bool filling);
/* No writer runs: straight to stderr. */
void leat__event_write_directly(const struct event_record *record);

/* ── Kinds ── */

/* Before the writer starts. */
void leat__event_kinds_begin(void);
/* The writer has written a line of a kind, at now_ms (monotonic): its period begins, if none is under way. */
void leat__event_kind_written(enum event_kind kind, int64_t now_ms);
/* A period that is over with more to tell: its kind, and how many more; called until it answers false. */
bool leat__event_kind_over(int64_t now_ms, enum event_kind *kind, uint64_t *more);
/* When the next period is over; INT64_MAX: none is under way. */
int64_t leat__event_kind_next_ms(void);
const char *leat__event_kind_text(enum event_kind kind);
const char *leat__event_kind_area(enum event_kind kind);
enum leat_log_level leat__event_kind_level(enum event_kind kind);

#endif
