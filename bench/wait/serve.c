/* serve.c: the server of bench/wait: one handler that answers at once, and three that wait for a very long time.
 *
 * /regions tells what is resident of the shard that answers, by what it is for: the pages of stacks, of rooms (exchange
 * and output) and of receive buffers, asked of the kernel (mincore). */
#define _GNU_SOURCE
#include "exchange/app.h"
#include "exchange/exchange.h"
#include "leat/leat.h"
#include "wait/bench_wait.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { LOOK = 4096, PIECE = 1024 };

static void hello(leat_exchange *x)
{
    leat_text(x, 200, "Hello, World!");
}

static void nap(leat_exchange *x)
{
    leat_sleep_ms(24 * 3600 * (uint64_t)1000);
    leat_text(x, 200, "Hello, World!");
}

static void receive(leat_exchange *x)
{
    char piece[PIECE];
    while (leat_read(x, piece, sizeof piece) > 0) {
    }
    leat_text(x, 200, "Hello, World!");
}

static void send_much(leat_exchange *x)
{
    static const char piece[PIECE];
    leat_begin(x, 200, "application/octet-stream");
    while (leat_write(x, piece, sizeof piece) == 0) {
    }
}

static uint64_t resident(char *base, uint64_t size)
{
    unsigned char pages[LOOK];
    uint64_t found = 0;
    for (uint64_t at = 0; at < size; at += (uint64_t)LOOK * PAGE_SIZE_BYTES) {
        uint64_t n = size - at < (uint64_t)LOOK * PAGE_SIZE_BYTES ? size - at
                                                                  : (uint64_t)LOOK * PAGE_SIZE_BYTES;
        if (mincore(base + at, n, pages) < 0)
            return 0;
        for (uint64_t i = 0; i < n / PAGE_SIZE_BYTES; i++)
            found += (pages[i] & 1) * (uint64_t)PAGE_SIZE_BYTES;
    }
    return found;
}

static uint64_t resident_of(const struct buffer_pool *p)
{
    return resident(p->base, (uint64_t)p->stride * p->count);
}

static void regions(leat_exchange *x)
{
    struct shard_memory *m = leat__shard_memory_here;
    const struct stack_pool *s = &m->stacks;
    leat_text(x, 200, "shard %p stack %llu room %llu buffer %llu task %llu\n", (void *)m,
              (unsigned long long)resident(s->base, (uint64_t)s->stride * s->count),
              (unsigned long long)resident_of(&m->rooms), (unsigned long long)resident_of(&m->receive),
              (unsigned long long)s->touched * sizeof(struct task));
}

int wait_serve(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    if (strcmp(argv[1], "direct") == 0) {
        leat__app_never_waits(app);
    } else {
        leat_get(app, "/nap", nap);
        leat_post_stream(app, "/up", receive);
        leat_get(app, "/down", send_much);
        leat_get(app, "/regions", regions);
    }
    leat_get(app, "/", hello);
    argv[1] = argv[0];
    return leat_main(app, argc - 1, argv + 1);
}
