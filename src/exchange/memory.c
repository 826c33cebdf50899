/* memory.c: the memory that a program takes: from the exchange's arena, and from pools of its own. */
#include "exchange/exchange.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

_Thread_local struct shard_memory *leat__shard_memory_here;

void *leat_alloc(leat_exchange *x, size_t size)
{
    return arena_alloc(&x->arena, size);
}

char *leat_printf(leat_exchange *x, const char *format, ...)
{
    if (exchange_lacks_stack(x, TASK_STACK_LEFT))
        return NULL;
    va_list arguments;
    size_t room = (size_t)(x->arena.end - x->arena.at);
    va_start(arguments, format);
    int n = vsnprintf(x->arena.at, room, format, arguments);
    va_end(arguments);
    if (n < 0)
        return NULL;
    char *text = arena_alloc(&x->arena, (size_t)n + 1);
    if (text == NULL || (size_t)n < room)
        return text;
    va_start(arguments, format);
    vsnprintf(text, (size_t)n + 1, format, arguments);
    va_end(arguments);
    return text;
}

int leat_reserve(leat_exchange *x, size_t size)
{
    int error = leat__arena_reserve(&x->arena, size);
    if (error == -ENOMEM) {
        exchange_count_refusal(x, &x->common->counters->refused_arena, EVENT_REFUSED_ARENA, "arena");
        leat_problem(x, 503, "The memory for this request is in use");
    } else if (error < 0) {
        leat_problem(x, 500, NULL);
    }
    return error;
}

void *leat_pool_acquire(leat_pool *pool)
{
    struct shard_memory *memory = leat__shard_memory_here;
    return memory ? pool_acquire(&memory->user[pool->index]) : NULL;
}

void leat_pool_release(leat_pool *pool, void *object)
{
    if (object == NULL)
        return;
    struct shard_memory *memory = leat__shard_memory_here;
    if (memory != NULL && pool_holds(&memory->user[pool->index], object)) {
        pool_release(&memory->user[pool->index], object);
        return;
    }
    for (uint32_t i = 0; i < pool->home_count; i++) {
        if (pool_holds(pool->homes[i], object)) {
            leat__pool_return(pool->homes[i], object, object);
            return;
        }
    }
    ASSERT(false && "leat_pool_release: the object is of another pool");
}
