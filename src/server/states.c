/* states.c: see states.h. */
#include "server/states.h"
#include <errno.h>

struct opening {
    struct shard *shard;
    const leat_app *root;
    void **states;
    bool ended;
};

static void close_last(struct shard *shard, const leat_app *root)
{
    uint32_t i = --shard->states_open;
    void *state = shard->conns.common.states[i];
    if (root->states[i].close != NULL)
        root->states[i].close(state);
}

static void open_all(void *argument)
{
    struct opening *o = argument;
    struct shard *shard = o->shard;
    for (uint32_t i = 0; i < o->root->state_count; i++) {
        o->states[i] = o->root->states[i].open(o->root->states[i].argument);
        if (o->states[i] == NULL)
            break;
        shard->states_open = i + 1;
    }
    while (shard->states_open < o->root->state_count && shard->states_open > 0)
        close_last(shard, o->root);
    o->ended = true;
}

static void close_all(void *argument)
{
    struct opening *o = argument;
    while (o->shard->states_open > 0)
        close_last(o->shard, o->root);
    o->ended = true;
}

/* As a task, while the loop turns; where nothing waits, at once. Who is told to stop meanwhile waits no longer: opening when
 * the drain begins, closing (which is a part of it) when everything is to stop. */
static void run(struct opening *o, void (*function)(void *argument))
{
    struct conns *c = &o->shard->conns;
    struct tasks *tasks = c->common.tasks;
    bool drained = c->common.draining, stopped = c->stopping;
    if (tasks == NULL || leat__task_spawn(tasks, function, o) == NULL) {
        function(o);
        return;
    }
    while (!o->ended) {
        shard_turn(o->shard, -1);
        if ((c->common.draining && !drained) || (c->stopping && !stopped))
            leat__tasks_cancel_all(tasks);
    }
}

int leat__states_open(struct shard *shard, const leat_app *root, void **states)
{
    struct opening o = {.shard = shard, .root = root, .states = states};
    shard->conns.common.states = states;
    if (root->state_count == 0)
        return 0;
    run(&o, open_all);
    return shard->states_open == root->state_count ? 0 : -ECANCELED;
}

void leat__states_close(struct shard *shard, const leat_app *root)
{
    struct opening o = {.shard = shard, .root = root};
    struct tasks *tasks = shard->conns.common.tasks;
    if (shard->states_open == 0)
        return;
    if (tasks != NULL)
        tasks->closing = false; /* for this one */
    run(&o, close_all);
    while (tasks != NULL && tasks->live > 0) {
        leat__tasks_cancel_all(tasks); /* what closing has begun */
        shard_turn(shard, -1);
    }
}

static void do_every(void *argument)
{
    const struct app_every *every = argument;
    while (leat_sleep_ms(every->interval_ms) == 0)
        every->function(every->argument);
}

int leat__states_begin_every(struct shard *shard, const leat_app *root)
{
    for (uint32_t i = 0; i < root->every_count; i++)
        if (shard->conns.common.tasks == NULL ||
            leat__task_spawn(shard->conns.common.tasks, do_every, &root->every[i]) == NULL)
            return -ENOMEM;
    return 0;
}

void leat__states_cancel(struct shard *shard)
{
    struct tasks *tasks = shard->conns.common.tasks;
    const struct conns *c = &shard->conns;
    if (tasks == NULL || tasks->closing || !c->common.draining || (c->open > 0 && !c->stopping))
        return;
    tasks->closing = true;
    leat__tasks_cancel_all(tasks);
}
