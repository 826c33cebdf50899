/* events.h: the event log: what the server and the program have to say, off the request's path.
 *
 * There is one for the process. Whoever has something to say copies it into one ring (a reservation by one atomic exchange, a
 * memcpy; no lock, no system call unless the writer sleeps, no waiting, no memory), from any thread. One thread, the writer,
 * takes the ring's records, makes lines of them and writes them. It never stops taking: where nobody takes its lines, those
 * without room are dropped and counted, and so are records that find the ring full. So a slow log costs lines, never requests.
 *
 * All of its memory is static: a thread that outlives the server may say something still. While no writer runs (before the
 * start, after the stop), what the program says goes straight to stderr, and what the server's parts say goes nowhere.
 *
 *     text     2026-11-21T17:00:00.123Z warning exchange: answered 503, … name=value
 *     journal  the same without time and level, behind <4>: stderr is a journal's (JOURNAL_STREAM)
 *     json     {"time":"2026-11-21T17:00:00.123Z","level":"warning","area":"exchange","message":"…","name":"value"}
 *
 * A line is always one line: controls and what is not UTF-8 are escaped.
 *
 * The newest warnings and errors are kept besides, whatever the level, for the live page. */
#ifndef LEAT_EVENTS_H
#define LEAT_EVENTS_H

#include "base/base.h"
#include "leat/log.h"
#include <stdarg.h>

enum {
    EVENT_MESSAGE_MAX = LEAT_LOG_LINE_MAX, /* octets of a message */
    EVENT_FIELDS_MAX = 768,                /* octets of all fields with their heads */
    EVENT_TOLD_MAX = 480,                  /* octets of a kept event's text */
    EVENTS_KEPT = 32,
    EVENT_PERIOD_MS = 10000,
};

enum event_format { EVENT_TEXT, EVENT_JSON };

enum event_kind {
#define EVENT(name, area, level, most, text) EVENT_##name,
#include "observe/events.def"
#undef EVENT
    EVENT_KINDS,
};

/* ── Saying something ── */

/* Names and values beside a message, in the order in which they are put; what does not fit is left out. */
struct event_fields {
    uint32_t size;
    char bytes[EVENT_FIELDS_MAX];
};

static inline void event_fields_init(struct event_fields *fields)
{
    fields->size = 0;
}
void leat__event_field_text(struct event_fields *fields, const char *name, const char *text, size_t size);
void leat__event_field_int(struct event_fields *fields, const char *name, int64_t value);

/* An event of a kind, with its own text, or with another. fields may be NULL. */
void leat__event(enum event_kind kind);
void leat__event_with(enum event_kind kind, const struct event_fields *fields, const char *format, ...)
    LEAT_PRINTF(3, 4);
/* Would a line of that kind still be written in this period? It is counted as one more if not. For what is dear to say. */
bool leat__event_is_due(enum event_kind kind);

/* What happens once: the start, a drain, a reload. area stays. is_said: the program's lines on stdout say it too, so it is not
 * written where the log is what nobody asked for: text on stderr. */
void leat__event_say(enum leat_log_level level, const char *area, bool is_said, const char *format,
                     ...) LEAT_PRINTF(4, 5);

/* The program's (leat/log.h). message: size octets. */
void leat__event_put(enum leat_log_level level, const char *message, size_t size,
                     const struct event_fields *fields);
void leat__event_print(enum leat_log_level level, const struct event_fields *fields,
                       const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));
void leat__event_text(enum leat_log_level level, const char *text, const struct event_fields *fields);
/* Whether a line of that level would go anywhere. */
bool leat__event_is_wanted(enum leat_log_level level);

/* ── Looking ── */

struct event_told {
    int64_t time_ms; /* Unix time */
    enum leat_log_level level;
    char text[EVENT_TOLD_MAX]; /* "area: message name=value …", one line of UTF-8 */
};

/* The i-th of the newest warnings and errors; 0 is the newest. false: there are not so many. From any thread but a shard's. */
bool leat__events_newest(uint32_t i, struct event_told *told);

const char *leat__event_level_name(enum leat_log_level level);
/* Since the process began; what was folded into a summary line counts. From any thread. */
uint64_t leat__events_count(enum leat_log_level level);
/* Lines that are lost: the ring was full, or nobody took them. */
uint64_t leat__events_dropped(void);

/* ── The writer ── */

/* At start: path NULL or "-": standard error. The first who opens decides; others share. 0, or -errno with a line in error. */
int leat__events_open(const char *path, enum event_format format, enum leat_log_level level,
                      char *error, size_t error_size);
/* From any thread. */
void leat__events_set_level(enum leat_log_level level);
/* After a rotation. 0, or -errno, and the old file stays. No allocation. From any thread. */
int leat__events_reopen(void);
/* The last who closes ends the writer: what is there is written, unless nobody takes it. */
void leat__events_close(void);

/* Bytes of ours, for the plan. */
size_t leat__events_footprint(void);

#endif
