/* top.h: `leat top`: what a server's admin listener tells (/leat/live.json), once a second, on a terminal.
 *
 *     ../address  URL → where to connect                         reply.c     octets of a response → the text
 *     fetch.c     one request, without waiting: poll is main's   frame.c     the text → numbers; the last ones are remembered
 *     views.c, parts.c   numbers → a sheet of characters         sheet.c     the sheet, as plain text
 *     screen.c    the sheet → the terminal, and keys (ncurses)   main.c      options, and the order of the day
 *
 * It is a program of its own, leat-top, which `leat top` becomes: so the server links neither ncurses nor Jansson. What a server
 * tells is not trusted: everything is bounded, and no octet of it reaches the terminal but as a character that takes one
 * column. */
#ifndef LEAT_TOP_H
#define LEAT_TOP_H

#include "address/address.h"
#include "base/base.h"
#include <jansson.h>
#include <sys/socket.h>

/* Exit statuses, as those of the other verbs where there is one. */
enum {
    TOP_DONE = 0,
    TOP_USAGE = 64,
    TOP_NOT_THERE = 69, /* nobody answers */
    TOP_SYSTEM = 71,
    TOP_NOT_LEAT = 76, /* somebody else does */
    TOP_DENIED = 77,   /* a token is wanted, or another one */
    TOP_CONFIG = 78,   /* the token's file */
};

/* ── Asking ── */

enum {
    TOP_REPLY_MAX = 4 << 20,
    TOP_TOKEN_MAX = 256,
    TOP_PATIENCE_MS = 4000, /* for one answer */
    TOP_ERROR_SIZE = 512,
};

enum top_progress { TOP_PENDING, TOP_ANSWERED, TOP_FAILED };

struct top_fetch {
    const struct address *address;
    char request[ADDRESS_NAME_SIZE + TOP_TOKEN_MAX + 256];
    size_t request_size, sent;
    unsigned at; /* of the addresses */
    int fd;      /* -1: none */
    bool is_connecting;
    int64_t until_ms;
    char *bytes; /* of the reply, TOP_REPLY_MAX; a page more is never touched than was received */
    size_t size;
    const char *content; /* when answered: in bytes, with a NUL behind it */
    size_t content_size;
    int status; /* when failed: the exit status */
    char error[TOP_ERROR_SIZE];
};

/* token: "" for none. false: no memory. */
bool leat__top_fetch_init(struct top_fetch *f, const struct address *address, const char *token);
void leat__top_fetch_finish(struct top_fetch *f);
/* Begins a request; whatever was under way is given up. */
void leat__top_fetch_begin(struct top_fetch *f);
/* Goes on as far as it can without waiting. */
enum top_progress leat__top_fetch_go_on(struct top_fetch *f);
/* What to poll f->fd for, and how long at most. */
short leat__top_fetch_events(const struct top_fetch *f);
int leat__top_fetch_wait_ms(const struct top_fetch *f);

/* A whole response (its connection has ended): finds its content, in place. 0, or the exit status and a line of error. */
int leat__top_reply_read(char *bytes, size_t size, const char **content, size_t *content_size,
                         char *error, size_t error_size);

/* ── What was told ── */

enum { TOP_HISTORY = 11, TOP_BUCKETS_MAX = 2048, TOP_ROUTES_MAX = 1024 };

/* The newest frames of one run of a server, a second apart. */
struct top_history {
    json_t *frames[TOP_HISTORY]; /* the oldest first */
    unsigned count;
};

/* NULL: a line of error. */
json_t *leat__top_frame_read(const char *text, size_t size, char *error, size_t error_size);
/* Takes the frame. Another run of the server, or another server: what was before is forgotten. */
void leat__top_history_add(struct top_history *h, json_t *frame);
void leat__top_history_clear(struct top_history *h);
const json_t *leat__top_newest(const struct top_history *h); /* NULL: none yet */

/* 0, "", where it is missing: an older or a newer server may tell other things. */
double leat__top_number(const json_t *object, const char *name);
const char *leat__top_text(const json_t *object, const char *name);
double leat__top_metric(const struct top_history *h, const char *name);
/* By how much a metric grew since the frame before; and in all that is remembered. seconds: how long that was. */
double leat__top_growth(const struct top_history *h, const char *name, double *seconds);
/* A second, of a counter; 0: nothing is known yet. */
double leat__top_rate(const struct top_history *h, const char *name);

/* A histogram's growth over all that is remembered; with one frame only: since the server's start. */
struct top_spread {
    struct {
        double bound, count;
    } buckets[TOP_BUCKETS_MAX];
    unsigned size;
    double count;
};
void leat__top_spread_read(struct top_spread *spread, const struct top_history *h, const char *name);
/* Seconds; negative: there was nothing. share 1: the largest. */
double leat__top_quantile(const struct top_spread *spread, double share);

enum top_sort { TOP_BY_P99, TOP_BY_RATE, TOP_BY_MAX, TOP_BY_TIME, TOP_SORTS };

struct top_route {
    const char *method, *route;
    double rate, requests, mean_s, p50_s, p99_s, max_s, sum_s, errors; /* errors: 5xx */
};
/* How many; the first by `sort` first. */
unsigned leat__top_routes(const struct top_history *h, struct top_route *routes, unsigned most,
                          enum top_sort sort);
const char *leat__top_sort_name(enum top_sort sort);

/* ── The sheet ── */

enum top_style { TOP_PLAIN, TOP_HEADING, TOP_DIM, TOP_GOOD, TOP_WARN, TOP_ALARM, TOP_STYLES };
enum { TOP_ROWS_MAX = 200, TOP_COLUMNS_MAX = 400, TOP_CELL = 5 };

struct top_sheet {
    int rows, columns;
    bool is_unicode; /* the terminal shows more than ASCII */
    struct top_cell {
        char text[TOP_CELL]; /* one character, UTF-8 */
        unsigned char style;
    } cells[TOP_ROWS_MAX][TOP_COLUMNS_MAX];
};

void leat__top_sheet_init(struct top_sheet *s, int rows, int columns, bool is_unicode);
/* Answers the column behind what was put; what lies outside of the sheet is cut off. */
int leat__top_put(struct top_sheet *s, int row, int column, enum top_style style,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* text, cut off or filled up to width columns. */
int leat__top_put_field(struct top_sheet *s, int row, int column, enum top_style style, int width,
                        const char *text);
/* A bar of width columns, filled to share (0 to 1). */
int leat__top_put_bar(struct top_sheet *s, int row, int column, enum top_style style, int width,
                      double share);
/* Its lines, without spaces at their ends or empty lines at its end; 0, or -errno. */
int leat__top_sheet_print(const struct top_sheet *s, FILE *to);

/* For people. out has TOP_HUMAN_SIZE octets and is answered. */
enum { TOP_HUMAN_SIZE = 32 };
const char *leat__top_count(char *out, double count);           /* 12.3k */
const char *leat__top_bytes(char *out, double bytes);           /* 1.2 MiB */
const char *leat__top_duration(char *out, double seconds);      /* 340 us; "-" when negative */
const char *leat__top_long_duration(char *out, double seconds); /* 3d 4h */

/* ── Views ── */

enum top_view { TOP_OVERVIEW, TOP_ROUTES, TOP_MEMORY, TOP_HELP, TOP_VIEWS };

struct top_shown {
    const struct top_history *history;
    const char *address;
    const char *trouble; /* "": the server answers */
    enum top_view view;
    enum top_sort sort;
    bool is_paused, is_interactive;
};

void leat__top_draw(struct top_sheet *s, const struct top_shown *shown);

/* Of the overview and others: each answers the row behind what it has put, at most `end`. */
int leat__top_draw_connections(struct top_sheet *s, const struct top_shown *shown, int row, int end);
int leat__top_draw_pools(struct top_sheet *s, const struct top_shown *shown, int row, int end);
int leat__top_draw_routes(struct top_sheet *s, const struct top_shown *shown, int row, int end);
int leat__top_draw_events(struct top_sheet *s, const struct top_shown *shown, int row, int end);
int leat__top_draw_doctor(struct top_sheet *s, const struct top_shown *shown, int row, int end);
int leat__top_draw_plan(struct top_sheet *s, const struct top_shown *shown, int row, int end);

/* ── The terminal ── */

bool leat__top_screen_open(void);
void leat__top_screen_close(void);
void leat__top_screen_size(int *rows, int *columns);
void leat__top_screen_show(const struct top_sheet *s);
/* A key that was pressed ('q', …); 0: none waits; -1: the terminal has gone. Never waits. */
int leat__top_screen_key(void);

#endif
