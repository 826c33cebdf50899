/* app_blocking.c: registering pools of threads for calls that block (task/blocking.h): they go with the app, and the server
 * starts and ends them. */
#include "exchange/app.h"
#include "memory/seal.h"
#include "task/blocking.h"
#include <stdio.h>

enum { THREADS = 4, QUEUE = 64, STACK = 256 * 1024 };

static void destroy(void *thing)
{
    struct leat_blocking *pool = thing;
    leat__blocking_finish(pool);
    leat__start_free(pool->threads);
    leat__start_free((char *)(uintptr_t)pool->name);
    leat__start_free((char *)(uintptr_t)pool->stack_name);
    leat__start_free(pool);
}

/* An options struct of any version: what is not said is zero. false: it says what this library does not know. */
static bool take_options(leat_blocking_options *known, const leat_blocking_options *said, size_t size)
{
    *known = (leat_blocking_options){0};
    if (said == NULL)
        return true;
    memcpy(known, said, size_min(size, sizeof *known));
    for (size_t i = sizeof *known; i < size; i++)
        if (((const char *)said)[i] != 0)
            return false;
    return true;
}

static uint64_t or_else(uint64_t said, uint64_t otherwise)
{
    return said != 0 ? said : otherwise;
}

static void check(leat_app *app, const char *name, const leat_blocking_options *o)
{
    if (name == NULL || name[0] == '\0')
        leat__app_error(app, "leat_blocking_create: needs a name");
    if (o->threads > BLOCKING_THREADS_MAX || o->queue > BLOCKING_QUEUE_MAX)
        leat__app_error(app, "leat_blocking_create \"%s\": give at most %d threads and a queue of %d",
                        name ? name : "", BLOCKING_THREADS_MAX, BLOCKING_QUEUE_MAX);
    if (o->stack != 0 && (o->stack < BLOCKING_STACK_MIN || o->stack > (1u << 30)))
        leat__app_error(app, "leat_blocking_create \"%s\": a stack has %d bytes to 1 GiB",
                        name ? name : "", BLOCKING_STACK_MIN);
    if (leat__app_root(app)->blocking_count == APP_BLOCKING_MAX)
        leat__app_error(app, "leat_blocking_create \"%s\": an app has at most %d pools of threads",
                        name ? name : "", APP_BLOCKING_MAX);
}

leat_blocking *leat_blocking_create_sized(leat_app *app, const char *name,
                                          const leat_blocking_options *options, size_t options_size)
{
    static const char suffix[] = " stack";
    leat_app *root = leat__app_root(app);
    leat_blocking_options o;
    if (!take_options(&o, options, options_size))
        leat__app_error(app, "leat_blocking_create: options of a newer Leat than this library");
    check(app, name, &o);
    struct leat_blocking *pool = leat__start_alloc(sizeof *pool);
    name = name != NULL ? name : "";
    pool->name = leat__start_copy(name);
    size_t size = strlen(name) + sizeof suffix;
    char *stack_name = leat__start_alloc(size);
    snprintf(stack_name, size, "%s%s", name, suffix);
    pool->stack_name = stack_name;
    pool->thread_count = (uint32_t)or_else(o.threads, THREADS);
    pool->queue_max = (uint32_t)or_else(o.queue, QUEUE);
    pool->stack = align_up(or_else(o.stack, STACK), PAGE_SIZE_BYTES);
    pool->threads = leat__start_alloc(size_min(pool->thread_count, BLOCKING_THREADS_MAX) *
                                      sizeof *pool->threads);
    leat__blocking_init(pool);
    leat__app_keep(root, pool, destroy);
    if (root->blocking_count < APP_BLOCKING_MAX)
        root->blocking[root->blocking_count++] = pool;
    return pool;
}

void leat__app_blocking_plan(leat_app *app, struct plan_input *input)
{
    const leat_app *root = leat__app_root(app);
    for (uint32_t i = 0; i < root->blocking_count; i++) {
        const struct leat_blocking *pool = root->blocking[i];
        input->threads[i] = (struct plan_threads){pool->stack_name, pool->stack, pool->thread_count};
    }
    input->thread_pool_count = root->blocking_count;
}

int leat__app_blocking_start(leat_app *app)
{
    leat_app *root = leat__app_root(app);
    int error = 0;
    for (uint32_t i = 0; i < root->blocking_count && error == 0; i++)
        error = leat__blocking_start(root->blocking[i]);
    return error;
}

void leat__app_blocking_stop(leat_app *app)
{
    leat_app *root = leat__app_root(app);
    for (uint32_t i = 0; i < root->blocking_count; i++)
        leat__blocking_stop(root->blocking[i]);
}
