/* app.c: the handlers under simulation. */
#include "sim/app.h"
#include "exchange/exchange.h"
#include <stdio.h>
#include <string.h>

char sim_table[TABLE_SIZE];
int64_t sim_borrowed, sim_prepared;

/* A number that no process has open, so that closing it hits nothing. */
enum { FILE_NUMBER = 1 << 24 };

void sim_table_fill(void)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        x = x * 1664525 + 1013904223;
        sim_table[i] = (char)('!' + (x >> 24) % 90);
    }
}

void sim_read_file(void *context, int file, uint64_t offset, char *out, size_t size)
{
    (void)context;
    (void)file;
    memcpy(out, sim_table + offset, size);
}

static const char *content_of(leat_exchange *x, size_t *size)
{
    *size = (size_t)leat_param_int(x, "n", 0);
    return sim_table + leat_query_int(x, "at", 0);
}

static void hello(leat_exchange *x)
{
    leat_text(x, 200, "Hello, %s\n", leat_query(x, "t"));
}

static void sized(leat_exchange *x)
{
    size_t size;
    const char *content = content_of(x, &size);
    leat_bytes(x, 200, "application/octet-stream", content, size);
}

static void release(void *argument)
{
    int64_t *borrowed = argument;
    --*borrowed;
}

static void borrow(leat_exchange *x)
{
    size_t size;
    const char *content = content_of(x, &size);
    sim_borrowed++;
    leat_bytes_borrow(x, 200, "application/octet-stream", content, size, release, &sim_borrowed);
}

static void text(leat_exchange *x)
{
    size_t size;
    const char *content = content_of(x, &size);
    leat_text(x, 200, "%.*s", (int)size, content);
}

static void file(leat_exchange *x)
{
    size_t size;
    const char *content = content_of(x, &size);
    leat_send_file(x, 200, "text/plain", FILE_NUMBER, (uint64_t)(content - sim_table), size);
}

/* Several pieces of the table that together are one, each with a head of its own; from memory or from a file. */
static void send_pieces(leat_exchange *x, int file)
{
    static const char lines[] = "Content-Type: text/plain\r\nETag: \"1\"\r\n";
    enum { PIECES = 5, HEAD = 3 };
    size_t size, at = 0;
    const char *content = content_of(x, &size);
    size_t start = (size_t)(content - sim_table);
    struct response_piece *pieces = leat_alloc(x, PIECES * sizeof *pieces);
    uint32_t count = 0;
    if (pieces == NULL)
        return;
    for (; count < PIECES && size - at > HEAD + 1; count++) {
        size_t n = (size - at - HEAD) / 2;
        n = n > 0 ? n : 1;
        pieces[count] = (struct response_piece){content + at, HEAD, start + at + HEAD, n};
        at += HEAD + n;
    }
    if (count == 0) {
        leat_bytes(x, 200, "text/plain", content, size);
        return;
    }
    sim_borrowed++;
    leat__response_pieces(x, 200, lines, sizeof lines - 1, pieces, count, content + at, size - at,
                          file, file >= 0 ? NULL : sim_table, release, &sim_borrowed);
}

static void pieces(leat_exchange *x)
{
    send_pieces(x, -1);
}

static void filed(leat_exchange *x)
{
    send_pieces(x, FILE_NUMBER);
}

/* ── What is prepared ── */

struct prepared {
    bool is_done, failed;
};

static void let_go(struct leat_exchange *x, void *prepared)
{
    (void)x;
    (void)prepared;
    sim_prepared--;
}

static void run_work(struct work *work)
{
    memset(work + 1, 0x5a, PLAN_WORK - sizeof *work);
}

static void work_done(struct leat_exchange *x, struct work *work)
{
    (void)work;
    if (x != NULL)
        ((struct prepared *)x->prepared)->is_done = true;
}

static enum prepare_result prepare(leat_exchange *x, void *data)
{
    (void)data;
    struct prepared *p = x->flags & X_PREPARED ? x->prepared : NULL;
    if (p != NULL)
        return p->is_done || p->failed ? PREPARE_READY : PREPARE_WAIT;
    p = leat_alloc(x, sizeof *p);
    if (p == NULL)
        return PREPARE_READY;
    *p = (struct prepared){0};
    struct work *work = leat__exchange_work(x);
    p->failed = work == NULL;
    sim_prepared++;
    leat__exchange_keep(x, p, let_go);
    if (work == NULL)
        return PREPARE_READY;
    leat__exchange_submit(x, work, run_work, work_done);
    return PREPARE_WAIT;
}

static void prepared(leat_exchange *x)
{
    const struct prepared *p = x->flags & X_PREPARED ? x->prepared : NULL;
    size_t size;
    const char *content = content_of(x, &size);
    if (p == NULL || p->failed)
        leat_problem(x, 503, "no work");
    else
        leat_bytes(x, p->is_done ? 200 : 500, "text/plain", content, size);
}

void sim_open_mailbox(struct shard *shard)
{
    int error = leat__mailbox_open(&shard->mailbox, shard->mails);
    ASSERT(error == 0);
}

void sim_open_workers(struct shard *shard)
{
    int error = leat__workers_open(&shard->conns.workers, 0, &shard->mailbox);
    ASSERT(error == 0);
    shard->conns.common.workers = &shard->conns.workers;
}

void sim_close_workers(struct shard *shard)
{
    leat__workers_close(&shard->conns.workers);
    leat__mailbox_close(&shard->mailbox);
}

static void fields(leat_exchange *x)
{
    char name[32];
    size_t count;
    const char *content = content_of(x, &count);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "X-%zu", i);
        leat_field_setf(x, name, "%.*s", FIELD_VALUE, content + i);
    }
    leat_text(x, 200, "%zu\n", count);
}

/* Fills what it is given, and reads it again: pieces of different allocations must not overlap. */
static void alloc(leat_exchange *x)
{
    size_t count;
    const char *content = content_of(x, &count);
    char *pieces[16];
    if (count % 2 == 0 && leat_reserve(x, count * 512) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        pieces[i] = leat_alloc(x, 64 + i * 40);
        if (pieces[i] == NULL)
            return;
        memcpy(pieces[i], content + i, 64 + i * 40);
    }
    for (size_t i = 0; i < count; i++) {
        if (memcmp(pieces[i], content + i, 64 + i * 40) != 0) {
            leat_problem(x, 500, "memory was overwritten");
            return;
        }
    }
    leat_bytes(x, 200, "text/plain", content, count);
}

/* More than any exchange may have. */
static void greedy(leat_exchange *x)
{
    char *piece = leat_alloc(x, 1 << 20);
    leat_text(x, 200, "%s\n", piece != NULL ? "got it" : "did not");
}

static void redirect(leat_exchange *x)
{
    leat_redirect(x, 303, leat_printf(x, "/hello?t=%s", leat_query(x, "t")));
}

static void problem(leat_exchange *x)
{
    leat_problem_or(x, 422, 200, NULL);
    if (leat_response_status(x) == 422)
        leat_problem(x, 422, "a \"quoted\"\ndetail");
}

static void status(leat_exchange *x)
{
    leat_status(x, (int)leat_param_int(x, "n", 500));
}

static void echo(leat_exchange *x)
{
    leat_slice content = leat_content(x);
    leat_bytes(x, 200, "application/octet-stream", content.data, content.size);
}

static void pool(leat_exchange *x)
{
    leat_pool *objects = leat_data(x);
    void *object = leat_pool_acquire(objects);
    if (object == NULL) {
        leat_problem(x, 503, "no object");
        return;
    }
    memset(object, 0x5a, POOL_OBJECT);
    leat_text(x, 200, "pooled\n");
    leat_pool_release(objects, object);
}

static void silent(leat_exchange *x)
{
    (void)x;
}

static void tag(leat_exchange *x)
{
    leat_next(x);
    const char *token = leat_query(x, "t");
    leat_field_set(x, "X-Token", token ? token : "none");
}

leat_app *sim_app_create(uint32_t pool_count)
{
    leat_app *app = leat_app_create();
    leat_pool *objects = leat_pool_create(app, "object", POOL_OBJECT, pool_count);
    leat_use(app, tag);
    leat_get(app, "/hello", hello);
    leat_get(app, "/sized/:n", sized);
    leat_get(app, "/borrow/:n", borrow);
    leat_get(app, "/text/:n", text);
    leat_get(app, "/file/:n", file);
    leat_get(app, "/pieces/:n", pieces);
    leat_get(app, "/filed/:n", filed);
    leat_get(app, "/prepared/:n", prepared);
    leat__app_prepare(app, prepared, prepare);
    leat_get(app, "/fields/:n", fields);
    leat_get(app, "/alloc/:n", alloc);
    leat_get(app, "/status/:n", status);
    leat_post(app, "/echo", echo);
    leat_put(app, "/echo", echo);
    leat_get_with(app, "/pool", pool, objects);
    leat_get(app, "/silent", silent);
    leat_get(app, "/greedy", greedy);
    leat_get(app, "/redirect", redirect);
    leat_get(app, "/problem", problem);
    sim_app_wait(app);
    return app;
}
