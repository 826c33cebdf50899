/* live.c: handing frames out (see live.h): one on demand, /leat/live.json, and one each second, /leat/events.
 *
 *     the streams' frames   [ 5 ][ 6 ][ 7 ][ 4 ]     the next one, 8, is written over the oldest
 *     on demand             [ . ]                    copied at once into the response
 *
 * The streams wake at the same moments; the first that wakes writes the frame, and the others find it. A stream copies its
 * frame in pieces, because it waits while its client is slow; when the frame is overwritten meanwhile, what it has sent has no
 * good end any more, and it lets the client go, which connects again. So a client that reads slowly holds its
 * exchange and nothing else, for no longer than the time of writing allows. */
#include "admin/live.h"
#include "base/clock.h"
#include "leat/sse.h"
#include "leat/stream.h"
#include "leat/wait.h"
#include "memory/seal.h"

enum { PIECE = 4096 };

struct live {
    struct looker *looker;
    uint64_t numbers; /* frames written */
    uint32_t streams;
    uint32_t newest; /* in ring */
    struct frame ring[LIVE_RING];
    struct frame once;
};

struct live *leat__live_create(struct looker *looker)
{
    struct live *live = leat__start_alloc_uncleared(sizeof *live); /* pages as they are needed */
    live->looker = looker;
    live->numbers = 0;
    live->streams = live->newest = 0;
    live->once.number = 0;
    for (unsigned i = 0; i < LIVE_RING; i++)
        live->ring[i].number = 0;
    return live;
}

static void write_frame(struct live *live, struct frame *f, const struct look *look)
{
    f->number = ++live->numbers;
    leat__frame_write(f, live->looker, look);
}

/* ── On demand ── */

static void live_json(leat_exchange *x)
{
    struct live *live = leat_data(x);
    struct frame *f = &live->once;
    const struct look *look = leat__look(live->looker); /* from here on nobody else runs */
    if (look->at_ms == 0) {
        leat_problem(x, 503, "There is nothing to be seen yet");
        return;
    }
    if (f->number == 0 || look->at_ms - f->at_ms >= LIVE_FRESH_MS)
        write_frame(live, f, look);
    leat_field_set(x, "Cache-Control", "no-store");
    leat_bytes(x, 200, "application/json", f->text, f->size);
}

/* ── The stream ── */

/* The newest frame, made when it is not of this second. */
static struct frame *frame_of_now(struct live *live)
{
    const struct look *look = leat__look(live->looker);
    struct frame *f = &live->ring[live->newest]; /* looked at behind the wait: another stream may have made one meanwhile */
    if (f->number != 0 && look->at_ms - f->at_ms < LIVE_PERIOD_MS / 2)
        return f;
    live->newest = (live->newest + 1) % LIVE_RING;
    f = &live->ring[live->newest];
    write_frame(live, f, look);
    return f;
}

/* 0; negative: the client has gone, or was too slow. */
static int send_frame(leat_exchange *x, const struct frame *f)
{
    static const char head[] = "event: look\ndata: ", end[] = "\n\n";
    uint64_t number = f->number;
    size_t size = f->size;
    int error = leat_write(x, head, sizeof head - 1);
    for (size_t at = 0; at < size && error == 0; at += PIECE) {
        if (f->number != number)
            return -1;
        error = leat_write(x, f->text + at, size - at < PIECE ? size - at : PIECE);
    }
    if (error == 0 && f->number == number)
        error = leat_write(x, end, sizeof end - 1);
    return error == 0 && f->number == number ? leat_flush(x) : -1;
}

static int sleep_to_next(void)
{
    return leat_sleep_ms(LIVE_PERIOD_MS - leat__clock_now_ms() % LIVE_PERIOD_MS);
}

static void watch(leat_exchange *x, struct live *live)
{
    uint64_t last = 0;
    do {
        const struct frame *f = frame_of_now(live);
        uint64_t number = f->number;
        if (number != last && send_frame(x, f) < 0)
            return;
        last = number;
    } while (sleep_to_next() == 0);
}

static void events(leat_exchange *x)
{
    struct live *live = leat_data(x);
    if (live->streams >= LIVE_STREAMS) {
        leat_field_set(x, "Retry-After", "5");
        leat_problem(x, 503, "As many watch as can watch at once");
        return;
    }
    live->streams++;
    if (leat_sse_begin(x) == 0)
        watch(x, live);
    live->streams--;
}

void leat__admin_add_live(struct admin *admin, leat_app *group)
{
    leat_get_with(group, "/leat/live.json", live_json, admin->live);
    leat_get_with(group, "/leat/events", events, admin->live);
}
