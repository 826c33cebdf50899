/* waiting.c: handlers that wait, for the end-to-end tests: what each route does is said by its name. */
#include <fcntl.h>
#include <leat/leat.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char block[1 << 20];

static void tell(const char *what, int64_t result)
{
    fprintf(stderr, "%s: %lld\n", what, (long long)result);
}

static void hello(leat_exchange *x)
{
    leat_text(x, 200, "Hello\n");
}

static void nap(leat_exchange *x)
{
    int64_t ms = leat_query_int(x, "ms", 50);
    if (ms >= 500)
        fprintf(stderr, "a long nap\n");
    int result = leat_sleep_ms((uint64_t)ms);
    if (result < 0)
        tell("nap", result);
    leat_text(x, 200, "%d\n", result);
}

static void receive(leat_exchange *x)
{
    char piece[16384];
    int64_t n, total = 0;
    while ((n = leat_read(x, piece, sizeof piece)) > 0)
        total += n;
    if (n == 0)
        leat_text(x, 200, "%lld\n", (long long)total);
    else
        tell("receive", n);
}

static void echo(leat_exchange *x)
{
    leat_slice content = leat_content(x);
    leat_bytes(x, 200, "application/octet-stream", content.data, content.size);
}

/* What comes goes out again, piece by piece. */
static void pipe_through(leat_exchange *x)
{
    char piece[5000];
    int64_t n;
    leat_begin(x, 200, "application/octet-stream");
    while ((n = leat_read(x, piece, sizeof piece)) > 0 && leat_write(x, piece, (size_t)n) == 0) {
    }
}

static void count(leat_exchange *x)
{
    int64_t n = leat_query_int(x, "n", 10), ms = leat_query_int(x, "ms", 0);
    leat_begin(x, 200, "text/plain");
    for (int64_t i = 0; i < n; i++) {
        int result = leat_writef(x, "%lld\n", (long long)i);
        if (result < 0) {
            tell("count", result);
            return;
        }
        if (ms > 0)
            leat_sleep_ms((uint64_t)ms);
    }
}

static void large(leat_exchange *x)
{
    int64_t n = leat_query_int(x, "n", 20);
    int result = leat_begin(x, 200, "application/octet-stream");
    for (int64_t i = 0; i < n && result == 0; i++)
        result = leat_write(x, block, sizeof block);
    if (result < 0)
        tell("large", result);
}

static void sized(leat_exchange *x)
{
    leat_begin_sized(x, 200, "application/octet-stream", sizeof block);
    leat_write(x, block, sizeof block - (size_t)leat_query_int(x, "less", 0));
}

static void set_seven(void *argument)
{
    leat_sleep_ms(30);
    *(int *)argument = 7;
}

static void join(leat_exchange *x)
{
    int value = 0;
    leat_task task = leat_spawn(set_seven, &value);
    int result = leat_join(task, -1);
    leat_text(x, 200, "%d %d\n", result, value);
}

static void wait_for_pipe(leat_exchange *x)
{
    int ends[2];
    if (pipe(ends) < 0) {
        leat_problem(x, 500, "no pipe");
        return;
    }
    int before = leat_wait_fd(ends[0], POLLIN, 20);
    ssize_t written = write(ends[1], "x", 1);
    int after = leat_wait_fd(ends[0], POLLIN, 5000);
    close(ends[0]);
    close(ends[1]);
    leat_text(x, 200, "%d %d %d\n", before, (int)written, after);
}

static void tag(leat_exchange *x)
{
    leat_next(x);
    leat_field_set(x, "X-Tag", "behind");
}

static void refuse(leat_exchange *x)
{
    leat_problem(x, 401, "before the content is read");
}

/* Content of n octets, and a field behind it. */
static void trail(leat_exchange *x)
{
    leat_begin(x, 200, "text/plain");
    leat_write(x, block, (size_t)leat_query_int(x, "n", 0));
    leat_trailer_set(x, "X-Behind", leat_printf(x, "%0*d", (int)leat_query_int(x, "size", 1), 1));
}

/* A head of n octets and more. */
static void long_head(leat_exchange *x)
{
    int64_t n = leat_query_int(x, "n", 20000);
    for (int64_t i = 0; i < n; i += 100)
        leat_field_setf(x, leat_printf(x, "X-%07d", (int)i), "%0*d", n - i < 100 ? (int)(n - i) : 87, 0);
    int result = leat_begin(x, 200, "text/plain");
    leat_write(x, "first", 5);
    leat_write(x, block, 5000);
    if (result < 0)
        tell("long_head", result);
}

/* Reads a little, and lets another handler go on. */
static void peek(leat_exchange *x)
{
    char piece[5];
    int64_t n = leat_read(x, piece, sizeof piece);
    leat_next(x);
    leat_field_setf(x, "X-Peeked", "%.*s", (int)n, piece);
}

static void show_size(leat_exchange *x)
{
    char piece[100];
    int64_t n = leat_read(x, piece, sizeof piece);
    leat_text(x, 200, "%zu, then %lld\n", leat_content(x).size, (long long)n);
}

static void yield(leat_exchange *x)
{
    int64_t i = 0;
    for (; i < leat_query_int(x, "n", 10); i++)
        if (leat_yield() < 0)
            break;
    leat_text(x, 200, "%lld\n", (long long)i);
}

/* Answers, and leaves the content to itself. */
static void ignore(leat_exchange *x)
{
    leat_text(x, 200, "unread\n");
}

static void wait_for_ever(leat_exchange *x)
{
    int result;
    (void)x;
    fprintf(stderr, "it waits for ever\n");
    do
        result = leat_park(-1);
    while (result == 0);
    tell("wait_for_ever", result);
}

static atomic_int ticks; /* of all shards */

static void tick(void *argument)
{
    (void)argument;
    ticks++;
}

static void show_ticks(leat_exchange *x)
{
    leat_text(x, 200, "%d\n", ticks);
}

static void *open_state(void *argument)
{
    leat_sleep_ms(5);
    return argument;
}

static void close_state(void *state)
{
    fprintf(stderr, "closed %s\n", (const char *)state);
}

static void show_state(leat_exchange *x)
{
    leat_text(x, 200, "%s\n", (const char *)leat_shard_data(x));
}

int main(int argc, char **argv)
{
    static char state[] = "the state", groups[] = "the group's";
    leat_app *app = leat_app_create();
    leat_get(app, "/", hello);
    leat_get(app, "/nap", nap);
    leat_post_stream(app, "/receive", receive);
    leat_post(app, "/echo", echo);
    leat_post_stream(app, "/pipe", pipe_through);
    leat_get(app, "/count", count);
    leat_get(app, "/large", large);
    leat_get(app, "/sized", sized);
    leat_get(app, "/trail", trail);
    leat_get(app, "/long-head", long_head);
    leat_get(app, "/yield", yield);
    leat_post_stream(app, "/ignore", ignore);
    leat_get(app, "/forever", wait_for_ever);
    leat_app *peeked = leat_group(app, "/peeked");
    leat_use(peeked, peek);
    leat_post(peeked, "/show", show_size);
    leat_get(app, "/join", join);
    leat_get(app, "/fd", wait_for_pipe);
    leat_get(app, "/state", show_state);
    leat_get(app, "/ticks", show_ticks);
    leat_app *tagged = leat_group(app, "/tagged");
    leat_use(tagged, tag);
    leat_limit_content(tagged, 100000);
    leat_post(tagged, "/echo", echo);
    leat_post_stream(tagged, "/receive", receive);
    leat_get(tagged, "/nap", nap);
    leat_get(tagged, "/state", show_state);
    leat_app *closed = leat_group(app, "/closed");
    leat_use(closed, refuse);
    leat_post(closed, "/echo", echo);
    leat_every_ms(app, 10, tick, NULL);
    leat_on_shard(app, open_state, close_state, state);
    leat_on_shard(tagged, open_state, close_state, groups);
    return leat_main(app, argc, argv);
}
