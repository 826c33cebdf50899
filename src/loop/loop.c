/* loop.c: what the three backends have in common: opening, the turn, and the one way out of a slot.
 *
 * Removal during dispatch is solved here. Closing a slot only marks it and lets the backend take its operations down;
 * when nothing is outstanding any more the slot goes to its grave, a list through slot->next, and the graves are
 * opened at the end of the turn, when no dispatch is under way. Until then the slot keeps its generation and CLOSING,
 * so completions that still arrive for it are recognised and dropped. */
#include "loop/loop.h"
#include <errno.h>

/* Tries one backend. */
static int open_backend(struct loop *loop, const struct loop_backend *backend,
                        const struct loop_options *options)
{
    loop->backend = backend;
    if (backend->state_size != NULL)
        clear_untouched(options->state, backend->state_size(options));
    return backend->open(loop, options);
}

static int open_kind(struct loop *loop, enum loop_kind kind, const struct loop_options *options)
{
    switch (kind) {
    case LOOP_URING:
        return open_backend(loop, &leat__loop_uring, options);
    case LOOP_EPOLL:
        return open_backend(loop, &leat__loop_epoll, options);
    case LOOP_SIM:
        return open_backend(loop, &leat__loop_sim, options);
    case LOOP_AUTO:
        break;
    }
    /* Probed as well as opened: something that calls itself io_uring may lack what we need of it. */
    char why[128];
    if (leat__loop_probe(LOOP_URING, why, sizeof why) == 0 &&
        open_backend(loop, &leat__loop_uring, options) == 0)
        return 0;
    return open_backend(loop, &leat__loop_epoll, options);
}

size_t leat__loop_state_size(enum loop_kind kind, const struct loop_options *options)
{
    switch (kind) {
    case LOOP_URING:
        return leat__loop_uring.state_size(options);
    case LOOP_EPOLL:
        return leat__loop_epoll.state_size(options);
    case LOOP_SIM:
        return 0;
    case LOOP_AUTO:
        break;
    }
    return size_max(leat__loop_uring.state_size(options), leat__loop_epoll.state_size(options));
}

int leat__loop_open(struct loop *loop, enum loop_kind kind, const struct loop_options *options)
{
    clear_untouched(loop, sizeof *loop);
    loop->events = options->events;
    loop->context = options->context;
    loop->slots = options->slots;
    loop->receive = options->receive;
    loop->mailbox = options->mailbox;
    loop->alarm_ms = loop->due_ms = INT64_MAX;
    loop->slow_ticks = ticks_of_ms(LOOP_SLOW_MS);
    loop->scratch = buffer_acquire(options->receive);
    if (loop->scratch == NULL)
        return -ENOMEM;
    int error = open_kind(loop, kind, options);
    if (error < 0) {
        buffer_release(loop->receive, loop->scratch);
        loop->scratch = NULL;
        return error;
    }
    leat__wheel_init(&loop->wheel, loop->now_ms);
    return 0;
}

void leat__loop_close_all(struct loop *loop)
{
    ASSERT(loop->dying == 0);
    loop->backend->close(loop);
    if (loop->scratch != NULL)
        buffer_release(loop->receive, loop->scratch);
    loop->scratch = NULL;
}

/* How long this turn may sleep: -1: for ever. */
static int64_t sleep_bound_ms(const struct loop *loop, int64_t wait_max_ms)
{
    if (loop->dying != 0)
        return 0;
    int64_t bound = wait_max_ms;
    int64_t wheel = leat__wheel_next_ms(&loop->wheel, loop->now_ms);
    if (wheel >= 0 && (bound < 0 || wheel < bound))
        bound = wheel;
    int64_t at_ms = loop->alarm_ms < loop->due_ms ? loop->alarm_ms : loop->due_ms;
    if (at_ms != INT64_MAX) {
        int64_t left = at_ms > loop->now_ms ? at_ms - loop->now_ms : 0;
        if (bound < 0 || left < bound)
            bound = left;
    }
    return bound;
}

static void deadline_came(void *context, struct slot *slot)
{
    struct loop *loop = context;
    loop->events->on_deadline(loop->context, slot);
}

/* on_closed may close others, whose graves are then opened in the same go. */
static void open_graves(struct loop *loop)
{
    while (loop->dying != 0) {
        struct slot *slot = &loop->slots[loop->dying - 1];
        loop->dying = slot->next;
        slot->next = 0;
        slot->fd = -1;
        slot->generation = 0;
        slot->loop_flags = 0;
        loop->events->on_closed(loop->context, slot);
    }
}

void leat__loop_turn(struct loop *loop, int64_t wait_max_ms)
{
    int64_t bound_ms = sleep_bound_ms(loop, wait_max_ms);
    loop->turns++;
    loop->waits += bound_ms != 0;
    loop->backend->wait(loop, bound_ms);
    leat__wheel_advance(&loop->wheel, loop->slots, loop->now_ms, deadline_came, loop);
    if (UNLIKELY(loop->now_ms >= loop->alarm_ms)) {
        loop->alarm_ms = INT64_MAX;
        loop->events->on_alarm(loop->context);
    }
    if (UNLIKELY(loop->now_ms >= loop->due_ms)) {
        loop->due_ms = INT64_MAX;
        loop->events->on_due(loop->context);
    }
    open_graves(loop);
    if (LIKELY(loop->metrics != NULL)) {
        uint64_t took = metrics_ticks() - loop->woke;
        metrics_record(&loop->metrics->turn, took);
        if (UNLIKELY(took >= loop->slow_ticks) && loop->events->on_slow_turn != NULL)
            loop->events->on_slow_turn(loop->context, took);
    }
    PROBE(turn_end, loop);
}

void leat__loop_close(struct loop *loop, struct slot *slot)
{
    if (slot->loop_flags & SLOT_CLOSING)
        return;
    ASSERT(slot->generation != 0);
    slot->loop_flags |= SLOT_CLOSING;
    slot->loop_flags &= (uint8_t)~SLOT_WANTED;
    slot->deadline = 0;
    if (slot->bucket != 0)
        leat__wheel_unlink(&loop->wheel, loop->slots, slot);
    loop->backend->close_slot(loop, slot);
}

void leat__loop_bury(struct loop *loop, struct slot *slot)
{
    ASSERT_DEBUG(slot->loop_flags & SLOT_CLOSING);
    ASSERT_DEBUG(slot->bucket == 0);
    slot->next = loop->dying;
    loop->dying = loop_slot_index(loop, slot) + 1;
}

void leat__loop_take_mail(struct loop *loop)
{
    leat__mailbox_drain_wake(loop->mailbox);
    struct mail mail;
    /* Not more than one ring full: what is posted after that has written a wake-up of its own. */
    for (unsigned i = 0; i < MAILBOX_CAPACITY && leat__mailbox_take(loop->mailbox, &mail); i++)
        loop->events->on_mail(loop->context, &mail);
}
