/* welcome.c: makes the welcome page once, at start: a fixed head and foot (welcome_page.c) with the
 * plan between them as tables. Afterwards it is only lent to responses, so showing it costs no copy. */
#include "handler/welcome.h"

#include "exchange/app.h"
#include "memory/seal.h"
#include <stdarg.h>
#include <stdio.h>

struct welcome {
    char *page;
    size_t size, room;
};

static void add(struct welcome *w, const char *text, size_t size)
{
    if (w->size + size + 1 > w->room) {
        size_t room = w->room * 2 + size + 1;
        w->page = leat__start_grow(w->page, w->room, room);
        w->room = room;
    }
    memcpy(w->page + w->size, text, size);
    w->size += size;
    w->page[w->size] = '\0';
}

LEAT_PRINTF(2, 3)
static void addf(struct welcome *w, const char *format, ...)
{
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0 && (size_t)size < sizeof text);
    add(w, text, (size_t)size);
}

/* Names of pools are the program's: they may hold anything. */
static void add_escaped(struct welcome *w, const char *text)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "&<>\"'");
        add(w, text, plain);
        text += plain;
        if (*text != '\0')
            addf(w, "&#%d;", *text++);
    }
}

/* ── The plan ── */

static void add_count(struct welcome *w, uint64_t count)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    for (int i = 0; i < size; i++)
        addf(w, "%s%c", i > 0 && (size - i) % 3 == 0 ? "," : "", digits[i]);
}

static void add_name(struct welcome *w, const struct plan_row *row)
{
    addf(w, "<tr><th scope='row'>");
    add_escaped(w, row->what);
    addf(w, "<small>");
    add_escaped(w, row->note != NULL ? row->note : "");
    if (row->option != NULL && row->option[0] == '-') {
        addf(w, " (<code>");
        add_escaped(w, row->option);
        addf(w, "</code>)");
    }
    addf(w, "</small></th>");
}

static void add_memory_row(struct welcome *w, const struct plan_row *row, uint64_t whole)
{
    char each[PLAN_HUMAN_SIZE], total[PLAN_HUMAN_SIZE];
    double share = whole > 0 ? 100.0 * (double)row->bytes / (double)whole : 0;
    add_name(w, row);
    addf(w, "<td>%s</td><td>", row->each != 0 ? leat__plan_human(each, row->each) : "");
    if (row->each != 0)
        add_count(w, row->count);
    else
        addf(w, "shared");
    addf(w,
         "</td><td>%s</td><td class='share'><span aria-hidden='true'><span class='bar' "
         "style='width:%.1f%%'></span></span></td></tr>\n",
         leat__plan_human(total, row->bytes), share);
}

static void add_memory_table(struct welcome *w, const struct plan *plan, enum plan_kind kind,
                             const char *caption, const char *sum_name, uint64_t sum)
{
    char total[PLAN_HUMAN_SIZE];
    addf(w,
         "<div class='wide' tabindex='0' role='region' aria-label='%s'><table><caption>%s</caption>"
         "<thead><tr><th scope='col'>What</th><th scope='col'>Each</th><th scope='col'>Count</th>"
         "<th scope='col'>Total</th><td class='share'></td></tr></thead>\n<tbody>\n",
         sum_name, caption);
    for (uint32_t i = 0; i < plan->row_count; i++)
        if (plan->rows[i].kind == kind)
            add_memory_row(w, &plan->rows[i], sum);
    addf(w,
         "</tbody><tbody class='sum'><tr><th scope='row'>%s</th><td></td><td></td><td>%s</td>"
         "<td class='share'></td></tr></tbody></table></div>\n",
         sum_name, leat__plan_human(total, sum));
}

static void add_sum(struct welcome *w, const char *what, uint64_t bytes, uint64_t limit)
{
    char sum[PLAN_HUMAN_SIZE], of[PLAN_HUMAN_SIZE];
    addf(w, "<div><dt>%s</dt><dd>%s", what, leat__plan_human(sum, bytes));
    if (limit != 0)
        addf(w, "<small>of %s allowed</small>", leat__plan_human(of, limit));
    else
        addf(w, "<small>no bound was given</small>");
    addf(w, "</dd></div>\n");
}

static void add_sums(struct welcome *w, const struct plan *plan)
{
    const struct plan_input *in = &plan->input;
    addf(w, "<dl class='sums'>\n");
    add_sum(w, "Our memory, at the very most", plan->ours, in->memory);
    addf(w, "<div><dt>Connections at once</dt><dd>");
    add_count(w, in->connections);
    addf(w, "<small>");
    add_count(w, in->exchanges);
    addf(w, " of them active, %u shard%s</small></dd></div>\n", in->shards, in->shards == 1 ? "" : "s");
    addf(w, "<div><dt>File descriptors</dt><dd>");
    add_count(w, plan->descriptors);
    addf(w, "<small>of ");
    add_count(w, in->descriptor_limit);
    addf(w, " allowed</small></dd></div>\n</dl>\n");
}

/* ── The page ── */

static void destroy_welcome(void *thing)
{
    struct welcome *w = thing;
    leat__start_free(w->page);
    leat__start_free(w);
}

struct welcome *leat__welcome_create(leat_app *app)
{
    struct welcome *w = leat__start_alloc(sizeof *w);
    leat__app_keep(app, w, destroy_welcome);
    return w;
}

void leat__welcome_fill(struct welcome *w, const struct plan *plan)
{
    w->size = 0;
    add(w, leat__welcome_head, strlen(leat__welcome_head));
    add_sums(w, plan);
    addf(w,
         "<h2>The plan of this process</h2>\n<p>Every pool was made from this table and from "
         "nothing else: its sum is a bound, not an estimate. When a pool is empty, the next client "
         "is told so with a 503; nothing grows.</p>\n");
    add_memory_table(w, plan, PLAN_OURS, "What is ours, in all shards together", "All of ours",
                     plan->ours);
    add_memory_table(w, plan, PLAN_KERNEL,
                     "What the kernel is likely to hold for us when all connections are open",
                     "The kernel&#39;s, estimated", plan->kernel);
    add(w, leat__welcome_foot, strlen(leat__welcome_foot));
}

const char *leat__welcome_page(const struct welcome *w, size_t *size)
{
    *size = w->size;
    return w->page;
}

void leat__welcome_show(leat_exchange *x)
{
    const struct welcome *w = leat_data(x);
    leat_bytes_borrow(x, 200, "text/html; charset=utf-8", w->page, w->size, NULL, NULL);
    leat_field_set(x, "Content-Security-Policy",
                   "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    leat_field_set(x, "X-Content-Type-Options", "nosniff");
}
