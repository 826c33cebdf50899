/* statuses.c: statuses.def as status lines, laid out for copying.
 *
 * Each line lies in a cell of one cache line, so that a writer can copy a fixed number of octets
 * without asking how long it is; a table of one octet per status leads to its cell. Cell 0 is for
 * statuses that the table lacks. */
#include "http/http.h"

enum {
    CELL_NONE,
#define STATUS(code, reason) CELL_##code,
#include "http/statuses.def"
#undef STATUS
    CELL_COUNT
};

_Static_assert(CELL_COUNT <= 255, "an octet leads to every cell");

#define STATUS(code, reason)                                                                       \
    _Static_assert(sizeof "HTTP/1.1 " #code " " reason "\r\n" <= HTTP_STATUS_LINE_ROOM,            \
                   "a status line fits in what a writer copies");
#include "http/statuses.def"
#undef STATUS

_Alignas(CACHE_LINE) const struct http_status_cell leat__http_status_cells[CELL_COUNT] = {
#define STATUS(code, reason)                                                                       \
    [CELL_##code] = {"HTTP/1.1 " #code " " reason "\r\n",                                          \
                     sizeof "HTTP/1.1 " #code " " reason "\r\n" - 1},
#include "http/statuses.def"
#undef STATUS
};

const uint8_t leat__http_status_places[500] = {
#define STATUS(code, reason) [code - 100] = CELL_##code,
#include "http/statuses.def"
#undef STATUS
};

static const char *const reasons[CELL_COUNT] = {
    [CELL_NONE] = "Unknown",
#define STATUS(code, reason) [CELL_##code] = reason,
#include "http/statuses.def"
#undef STATUS
};

const char *leat__http_reason(unsigned status)
{
    return reasons[status - 100 < 500 ? leat__http_status_places[status - 100] : CELL_NONE];
}

const char *leat__http_status_line(unsigned status, size_t *size)
{
    const struct http_status_cell *cell = http_status_cell(status);
    if (cell->size == 0)
        return NULL;
    *size = cell->size;
    return cell->line;
}
