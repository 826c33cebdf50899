/* depths.c: how deep the handlers of each route have gone on their stacks, on one shard. Three things tell: where a handler
 * waits, its stack pointer is noted; so it is where an entry point of Leat's is called with less than half of the stack left
 * (struct task, look_below); and runs 1, 2, 4, 8 … of a route are measured to the word (task/depth.h). A run that does none
 * of this pays for counting itself down. */
#include "exchange/exchange.h"
#include "task/depth.h"
#include <stdio.h>

_Static_assert(sizeof(struct route_depth) == PLAN_ROUTE_DEPTH, "the plan's row");

void leat__depths_open(struct exchange_common *common, struct route_depth *depths)
{
    uint32_t size = common->tasks->stacks->stride - STACK_GUARD;
    common->depths = depths;
    for (uint32_t i = 0; i < common->routes->count; i++)
        depths[i] = (struct route_depth){.until_measured = 1, .interval = 1, .left = size};
}

uint32_t leat__depth_of_route(const struct exchange_common *common, uint32_t number)
{
    if (common->depths == NULL)
        return 0;
    uint32_t left = atomic_load_explicit(&common->depths[number].left, memory_order_relaxed);
    return common->tasks->stacks->stride - STACK_GUARD - left;
}

void leat__deepest_add(struct deepest *deepest, const struct exchange_common *common)
{
    if (common->depths == NULL)
        return;
    deepest->of = common->tasks->stacks->stride - STACK_GUARD;
    for (uint32_t i = 0; i < common->routes->count; i++) {
        const struct chain *chain = &common->routes->all[i];
        uint32_t bytes = leat__depth_of_route(common, i);
        if (bytes <= deepest->bytes)
            continue;
        deepest->bytes = bytes;
        snprintf(deepest->route, sizeof deepest->route, "%s%s%s", chain->method,
                 chain->pattern[0] != '\0' ? " " : "no route", chain->pattern);
    }
}

static void note(struct leat_exchange *x, size_t left)
{
    if (x->chain == NULL)
        return;
    struct route_depth *depth = &x->common->depths[x->chain->number];
    if (left < atomic_load_explicit(&depth->left, memory_order_relaxed)) /* written by this thread only */
        atomic_store_explicit(&depth->left, (uint32_t)left, memory_order_relaxed);
}

bool leat__depth_look(struct leat_exchange *x, size_t need)
{
    size_t left = task_stack_left(x->common->tasks);
    note(x, left);
    if (left >= need)
        return false;
    x->flags |= X_NO_MEMORY;
    return true;
}

void leat__depth_waits(struct leat_exchange *x, const struct task *task)
{
    note(x, (size_t)((const char *)task->sp - task->stack_low));
}

void leat__depth_begins(struct leat_exchange *x, struct task *task)
{
    struct route_depth *depth = &x->common->depths[x->chain->number];
    depth->until_measured = depth->interval;
    depth->interval += depth->interval < UINT32_MAX / 2 ? depth->interval : 0;
    task->painted = leat__depth_paint(task->stack_low, task->stack_top);
    task->marked = task->painted != NULL || task->marked;
}

void leat__depth_ends(struct leat_exchange *x, struct task *task)
{
    note(x, leat__depth_left(task->stack_low, task->painted, task->stack_top));
    task->painted = NULL;
}
