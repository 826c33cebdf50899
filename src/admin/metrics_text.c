/* metrics_text.c: /metrics: the text format, or OpenMetrics for who takes that. The text is made in memory of its own, from
 * one look, without waiting, and copied into the exchange that asked: who reads slowly, or never to the end, holds up nobody
 * and reads what was true when it asked. It is made at most every TEXT_FRESH_MS, and never for more than a twentieth of the
 * time; who asks meanwhile gets the same again. */
#include "admin/metrics_text.h"
#include "base/clock.h"
#include "exchange/app.h"
#include "memory/seal.h"

enum { TEXT_FRESH_MS = 50, TEXT_PAUSE = 20, FORMATS = 2 };

/* The older format first: it is for who does not care. OpenMetrics is asked for with and without a word on names that are not
 * ours to have (all of ours are letters, digits and lines). */
static const char *const offers[] = {
    "text/plain; version=0.0.4; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
};

struct metrics_text {
    struct families families;
    struct text_made {
        char *text;
        size_t size;       /* 0: none was made */
        uint64_t until_ns; /* from then on it is made anew */
    } made[FORMATS];
    size_t room; /* octets of each text */
};

static void make(struct metrics_text *m, bool is_open)
{
    struct text_made *made = &m->made[is_open];
    struct expose e;
    const struct look *look = leat__look(m->families.looker);
    uint64_t began_ns = leat_now_ns();
    if (began_ns < made->until_ns)
        return; /* another handler has made it while this one waited for its look */
    leat__expose_begin(&e, made->text, m->room, is_open);
    made->size = leat__families_write(&m->families, look, &e);
    uint64_t took_ns = leat_now_ns() - began_ns, pause_ns = took_ns * TEXT_PAUSE;
    made->until_ns = began_ns + (pause_ns > TEXT_FRESH_MS * UINT64_C(1000000)
                                     ? pause_ns
                                     : TEXT_FRESH_MS * UINT64_C(1000000));
}

static void metrics(leat_exchange *x)
{
    struct metrics_text *m = ((const struct admin *)leat_data(x))->metrics;
    int offer = leat_accepts(x, offers, sizeof offers / sizeof offers[0]);
    bool is_open = offer > 0;
    struct text_made *made = &m->made[is_open];
    if (leat_now_ns() >= made->until_ns)
        make(m, is_open);
    leat_field_set(x, "Cache-Control", "no-store");
    if (made->size > 0)
        leat_bytes(x, 200, offers[is_open ? offer : 0], made->text, made->size);
    else
        leat_problem(x, 500, "The metrics do not fit into their memory");
}

static void remember(void *argument)
{
    struct metrics_text *m = argument;
    leat__families_remember(&m->families);
}

static void destroy(void *thing)
{
    struct metrics_text *m = thing;
    for (unsigned i = 0; i < FORMATS; i++)
        leat__start_free(m->made[i].text);
    leat__start_free(m);
}

void leat__admin_add_metrics(struct admin *admin, leat_app *group, const leat_app *looked_at)
{
    struct metrics_text *m = leat__start_alloc(sizeof *m);
    admin->metrics = m;
    m->room = align_up(leat__families_bound(looked_at), PAGE_SIZE_BYTES);
    for (unsigned i = 0; i < FORMATS; i++)
        m->made[i].text = leat__start_alloc_uncleared(m->room); /* pages as they are needed */
    leat__app_keep(leat__app_root(group), m, destroy);
    leat__app_count_table(group, sizeof *m + FORMATS * m->room);
    leat_get_with(group, "/metrics", metrics, admin);
    leat_every_ms(group, LATELY_EVERY_S * 1000, remember, m);
}

void leat__metrics_text_begin(struct metrics_text *m, struct looker *looker)
{
    leat__families_begin(&m->families, looker);
    for (unsigned i = 0; i < FORMATS; i++)
        m->made[i].size = m->made[i].until_ns = 0;
}
