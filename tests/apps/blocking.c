/* blocking.c: calls that block, for the end-to-end tests. /hold waits on a thread until somebody says /release. */
#include <leat/leat.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static sem_t gate;
static atomic_int asked, entered, ended;

static void wait_at_gate(void *argument)
{
    atomic_fetch_add(&entered, 1);
    while (sem_wait(&gate) < 0) {
    }
    *(int *)argument = 7;
}

static void hold(leat_exchange *x)
{
    int value = 0;
    atomic_fetch_add(&asked, 1);
    int result = leat_blocking_call(leat_data(x), wait_at_gate, &value);
    fprintf(stderr, "hold: %d %d\n", result, value);
    atomic_fetch_add(&ended, 1);
    if (result < 0)
        leat_problem(x, 503, "All threads are in use");
    else
        leat_text(x, 200, "%d\n", value);
}

static void release(leat_exchange *x)
{
    sem_post(&gate);
    leat_text(x, 200, "released\n");
}

static void show(leat_exchange *x)
{
    leat_text(x, 200, "%d %d %d\n", atomic_load(&asked), atomic_load(&entered), atomic_load(&ended));
}

static void nap(void *argument)
{
    struct timespec time = {.tv_nsec = *(const long *)argument};
    nanosleep(&time, NULL);
}

static void slow(leat_exchange *x)
{
    long ns = (long)leat_query_int(x, "ms", 1) * 1000000;
    int result = leat_blocking_call(leat_data(x), nap, &ns);
    if (result < 0)
        leat_problem(x, 503, NULL);
    else
        leat_text(x, 200, "done\n");
}

static void cancel_it(void *argument)
{
    leat_cancel(*(leat_task *)argument);
}

/* Canceled by a task of its shard, which runs once this one waits. */
static void canceled(leat_exchange *x)
{
    int value = 0;
    leat_task self = leat_task_self();
    leat_spawn(cancel_it, &self);
    int result = leat_blocking_call(leat_data(x), wait_at_gate, &value);
    leat_text(x, 200, "%d %d\n", result, value);
}

int main(int argc, char **argv)
{
    leat_app *app = leat_app_create();
    leat_blocking *pool = leat_blocking_create(app, "slow work",
                                               &(leat_blocking_options){.threads = 2, .queue = 2});
    leat_blocking *wide = leat_blocking_create(app, "wide",
                                               &(leat_blocking_options){.threads = 3, .queue = 500});
    sem_init(&gate, 0, 0);
    leat_get_with(app, "/hold", hold, pool);
    leat_get_with(app, "/canceled", canceled, pool);
    leat_get_with(app, "/slow", slow, wide);
    leat_get(app, "/release", release);
    leat_get(app, "/state", show);
    return leat_main(app, argc, argv);
}
