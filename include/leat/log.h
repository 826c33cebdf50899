/* log.h: lines of a program's own in the event log (--log), beside the server's.
 *
 *     leat_log(LEAT_LOG_NOTICE, "prices loaded: %zu", count);
 *     leat_log_x(x, LEAT_LOG_WARNING, "order %d failed: %s", id, strerror(error));   // + request_id, method, route
 *     leat_log_with(x, LEAT_LOG_ERROR, "payment refused", leat_log_text("bank", bank), leat_log_int("cents", cents));
 *
 * From any thread: handlers, tasks, threads for blocking calls, the program's own. Nothing here waits, takes memory, or writes:
 * a line is copied into a ring, and a thread of the log's writes it. Where that can't be done fast enough, lines are dropped,
 * counted, and the loss is told in the log. Before the server starts, lines go straight to standard error.
 *
 * A line is one line, whatever is in it: line ends, controls and what is not UTF-8 are escaped. */
#ifndef LEAT_LOG_H
#define LEAT_LOG_H

#include "leat/leat.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As syslog has them; what is said of --log-level's and those above is written, of --log-level info all but debug. */
enum leat_log_level {
    LEAT_LOG_ERROR = 1, /* something was to be done and was not: somebody should look */
    LEAT_LOG_WARNING = 2, /* it was done, or could not be for want of room: somebody should look some day */
    LEAT_LOG_NOTICE = 3, /* rare and normal: started, reloaded */
    LEAT_LOG_INFO = 4,
    LEAT_LOG_DEBUG = 5,
};

enum { LEAT_LOG_LINE_MAX = 1024 }; /* octets of a message; a longer one is cut, and ends with "…" */

/* A level that is none counts as LEAT_LOG_ERROR. */
LEAT_API void leat_log(enum leat_log_level level, const char *format, ...) LEAT_PRINTF(2, 3);

/* The same from a handler, with what is known of its request: fields request_id (if leat_request_ids gave it one), method
 * and route (the pattern, as it was registered). */
LEAT_API void leat_log_x(leat_exchange *x, enum leat_log_level level, const char *format, ...)
    LEAT_PRINTF(3, 4);

/* Would a line of that level be written? For those that are dear to make. */
LEAT_API bool leat_log_wants(enum leat_log_level level);

/* ── Fields ── */

/* A name and a value: in text lines name=value, in JSON a member. Names are letters, digits and '_'. All fields of a line
 * together may have some 700 octets; those behind that are left out. */
typedef struct leat_log_field {
    const char *name;
    const char *text; /* NULL: it is the number */
    int64_t number;
} leat_log_field;

/* A field of a line: a text (NULL: ""), which must stay until the line has been said; a number. */
static inline leat_log_field leat_log_text(const char *name, const char *text)
{
    leat_log_field field = {name, text != NULL ? text : "", 0};
    return field;
}
static inline leat_log_field leat_log_int(const char *name, int64_t number)
{
    leat_log_field field = {name, NULL, number};
    return field;
}

/* x may be NULL: outside of a request. */
LEAT_API void leat_log_fields(leat_exchange *x, enum leat_log_level level, const char *message,
                              const leat_log_field *fields, size_t count);

/* The same in C, with the fields themselves as arguments. */
#define leat_log_with(x, level, message, ...)                                                      \
    leat_log_fields((x), (level), (message), (const leat_log_field[]){__VA_ARGS__},                \
                    sizeof((const leat_log_field[]){__VA_ARGS__}) / sizeof(leat_log_field))

#ifdef __cplusplus
}
#endif

#endif
