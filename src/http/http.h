/* http.h: the values of RFC 9110: methods, statuses, dates, media types. The tables are .def
 * files. */
#ifndef LEAT_HTTP_H
#define LEAT_HTTP_H

#include "base/base.h"

enum http_method {
#define METHOD(name) HTTP_##name,
#include "http/methods.def"
#undef METHOD
    HTTP_METHOD_COUNT,
    HTTP_METHOD_UNKNOWN = HTTP_METHOD_COUNT, /* a token we don't know: 501 */
};

/* NUL-terminated: "GET" */
const char *leat__http_method_name(enum http_method method);
enum http_method leat__http_method_find(const char *name, size_t size);

/* "OK"; never NULL ("Unknown" for what the table lacks). */
const char *leat__http_reason(unsigned status);

/* "HTTP/1.1 200 OK\r\n", made at compile time, with its size; for a status the table lacks NULL. */
const char *leat__http_status_line(unsigned status, size_t *size);

/* The same laid out for the writer: HTTP_STATUS_LINE_ROOM octets can be copied blindly. size 0: not
 * in the table. */
enum { HTTP_STATUS_LINE_ROOM = 48 };

struct http_status_cell {
    char line[63];
    uint8_t size;
};

extern const struct http_status_cell leat__http_status_cells[];
extern const uint8_t leat__http_status_places[500];

static inline const struct http_status_cell *http_status_cell(unsigned status)
{
    return &leat__http_status_cells[status - 100 < 500 ? leat__http_status_places[status - 100] : 0];
}

enum { HTTP_DATE_SIZE = 29 };
/* IMF-fixdate (RFC 9110 5.6.7): 29 octets, no NUL. No libc time functions: they take locks and
 * memory. */
void leat__http_date_write(char *out, int64_t unix_seconds);
/* All three forms of RFC 9110 5.6.7. Seconds, or INT64_MIN. */
int64_t leat__http_date_parse(const char *text, size_t size);

/* Media type of a file name by its extension, from the system's table (/etc/mime.types) loaded at
 * start, or a small one of our own; never NULL: "application/octet-stream". Text types carry ";
 * charset=utf-8". */
int leat__http_types_load(const char *path); /* at start; 0 or -errno (the small table serves then) */
const char *leat__http_type_of(const char *name, size_t size);

#endif
