/* app_waiting.c: the handlers under simulation that wait. What they answer does not depend on whether a wait was cut short:
 * a client that closes its half has gone as far as the server can tell, and still reads. */
#include "sim/app.h"
#include "exchange/exchange.h"
#include <string.h>

enum { PIECE_MAX = 6000, PIECES_MAX = 30, NAP_MAX_MS = 300, CHILDREN_MAX = 3 };

/* Pieces of all kinds: gathered, just too large for that, sent from where they lie. */
static size_t piece_size(size_t i, size_t at, size_t left)
{
    static const size_t sizes[] = {1, 100, 4096, 5000, 13, 6000, 4097, 2000};
    size_t size = sizes[(i + at) % COUNT_OF(sizes)];
    return size < left ? size : left;
}

static void set_token(leat_exchange *x)
{
    const char *token = leat_query(x, "t");
    leat_field_set(x, "X-Token", token ? token : "none");
}

static void nap(leat_exchange *x)
{
    int64_t n = leat_param_int(x, "n", 0);
    leat_sleep_ms((uint64_t)n);
    leat_text(x, 200, "napped %lld\n", (long long)n);
}

static void doze(leat_exchange *x)
{
    int64_t n = leat_param_int(x, "n", 0);
    for (int64_t i = 0; i < n; i++)
        leat_sleep_ms(1);
    leat_text(x, 200, "dozed\n");
}

/* In pieces of the handler's own, which lie on its stack. */
static void stream(leat_exchange *x)
{
    char piece[PIECE_MAX];
    size_t size = (size_t)leat_param_int(x, "n", 0), at = 0;
    size_t start = (size_t)leat_query_int(x, "at", 0);
    set_token(x);
    if (leat_begin(x, 200, "application/octet-stream") < 0)
        return;
    for (size_t i = 0; at < size; i++) {
        size_t n = i < PIECES_MAX ? piece_size(i, start, size - at) : size_min(PIECE_MAX, size - at);
        memcpy(piece, sim_table + start + at, n);
        if (leat_write(x, piece, n) < 0)
            return;
        memset(piece, '?', n);
        at += n;
        if (i < PIECES_MAX && (start + i) % 5 == 0)
            leat_sleep_ms(start % 20);
        if ((start + i) % 7 == 0)
            leat_flush(x);
    }
    if (start % 3 == 0)
        leat_trailer_set(x, "X-Trailer", "the end");
}

static void sized_stream(leat_exchange *x)
{
    size_t size = (size_t)leat_param_int(x, "n", 0), at = 0;
    size_t start = (size_t)leat_query_int(x, "at", 0);
    set_token(x);
    if (leat_begin_sized(x, 200, "text/plain", size) < 0)
        return;
    for (size_t i = 0; at < size; i++) {
        size_t n = i < PIECES_MAX ? piece_size(i, start, size - at) : size - at;
        if (leat_write(x, sim_table + start + at, n) < 0)
            return;
        at += n;
    }
}

uint32_t sim_sum(uint32_t sum, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + (unsigned char)bytes[i];
    return sum;
}

static void receive(leat_exchange *x)
{
    char piece[PIECE_MAX];
    uint32_t sum = 0;
    int64_t n = 0;
    size_t at = (size_t)leat_query_int(x, "at", 0);
    for (size_t i = 0; (n = leat_read(x, piece, piece_size(i, at, sizeof piece))) > 0; i++) {
        sum = sim_sum(sum, piece, (size_t)n);
        if (i < PIECES_MAX && (at + i) % 11 == 0)
            leat_sleep_ms(at % 10);
    }
    leat_text(x, n == 0 ? 200 : 500, "%u\n", sum);
}

/* What comes goes out again, both at once. */
static void pipe_through(leat_exchange *x)
{
    char piece[PIECE_MAX];
    int64_t n;
    set_token(x);
    if (leat_begin(x, 200, "application/octet-stream") < 0)
        return;
    while ((n = leat_read(x, piece, sizeof piece)) > 0 && leat_write(x, piece, (size_t)n) == 0)
        if (n % 3 == 0)
            leat_yield();
}

/* ── Tasks of the program's own ── */

static void child(void *argument)
{
    leat_task parent = (uintptr_t)argument;
    leat_sleep_ms(parent % 30);
    leat_yield();
    leat_unpark(parent);
}

static void family(leat_exchange *x)
{
    leat_task children[CHILDREN_MAX];
    int64_t n = leat_param_int(x, "n", 0) % (CHILDREN_MAX + 1);
    for (int64_t i = 0; i < n; i++) {
        children[i] = leat_spawn(child, (void *)(uintptr_t)leat_task_self());
        if (children[i] == 0) {
            leat_problem(x, 503, "no task");
            return;
        }
    }
    if (n > 0)
        leat_park(50);
    if (n > 1)
        leat_cancel(children[0]);
    for (int64_t i = 0; i < n; i++)
        leat_join(children[i], i == 1 ? 5 : -1);
    leat_text(x, 200, "family\n");
}

/* Answered before the content is read, which is skipped when it is here. */
static void turn_away(leat_exchange *x)
{
    leat_problem(x, 401, NULL);
}

void sim_app_wait(leat_app *app)
{
    leat_get(app, "/nap/:n", nap);
    leat_get(app, "/doze/:n", doze);
    leat_get(app, "/stream/:n", stream);
    leat_get(app, "/sized-stream/:n", sized_stream);
    leat_post_stream(app, "/receive", receive);
    leat_put_stream(app, "/receive", receive);
    leat_post_stream(app, "/pipe", pipe_through);
    leat_put_stream(app, "/pipe", pipe_through);
    leat_get(app, "/family/:n", family);
    leat_app *closed = leat_group(app, "/closed");
    leat_use(closed, turn_away);
    leat_post(closed, "/echo", turn_away);
    leat_put(closed, "/echo", turn_away);
}
