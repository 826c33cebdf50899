/* mailbox.c: the ring of mailbox.h.
 *
 * Each place tells whose turn it is. Place i begins at turn i: the writer who draws ticket i from the tail may fill it.
 * Filled, its turn is i + 1: the reader may empty it; emptied, i + CAPACITY: the writer one round later. So a writer
 * meets only the place it drew, and a full ring is seen from the place itself, without asking the reader. (What a place
 * holds is its turn less i, so that an untouched place is right as it is.)
 *
 * A mail is in its place before the wake-up is written, and the reader empties the wake-up before it looks: so either
 * it sees the mail or it is woken again. That holds behind a slow writer too, whose unfilled place hides the later
 * ones: it wakes the reader once more when it has filled it. */
#include "loop/loop.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

_Static_assert((MAILBOX_CAPACITY & (MAILBOX_CAPACITY - 1)) == 0, "tickets wrap around");

static unsigned turn_of(const struct mailbox *m, unsigned ticket)
{
    unsigned place = ticket % MAILBOX_CAPACITY;
    return atomic_load_explicit(&m->places[place].turn, memory_order_acquire) + place;
}

static void set_turn(struct mailbox *m, unsigned ticket, unsigned turn)
{
    unsigned place = ticket % MAILBOX_CAPACITY;
    atomic_store_explicit(&m->places[place].turn, turn - place, memory_order_release);
}

int leat__mailbox_open(struct mailbox *m, struct mail_place *places)
{
    m->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (m->wake_fd < 0)
        return -errno;
    m->head = 0;
    atomic_init(&m->tail, 0);
    m->places = places;
    clear_untouched(places, MAILBOX_CAPACITY * sizeof *places);
    return 0;
}

void leat__mailbox_close(struct mailbox *m)
{
    if (m->wake_fd >= 0)
        close(m->wake_fd);
    m->wake_fd = -1;
}

/* A kernel that is not out of its mind refuses this write only when the counter stands at its end, and then the
 * reader is about to wake anyway. */
static void wake(const struct mailbox *m)
{
    uint64_t one = 1;
    while (write(m->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

int leat__loop_post(struct mailbox *m, const struct mail *mail)
{
    unsigned ticket = atomic_load_explicit(&m->tail, memory_order_relaxed);
    for (;;) {
        unsigned turn = turn_of(m, ticket);
        if (turn == ticket) {
            if (atomic_compare_exchange_weak_explicit(&m->tail, &ticket, ticket + 1,
                                                      memory_order_relaxed, memory_order_relaxed))
                break;
        } else if ((int)(turn - ticket) < 0) {
            return -EAGAIN;
        } else {
            ticket = atomic_load_explicit(&m->tail, memory_order_relaxed);
        }
    }
    m->places[ticket % MAILBOX_CAPACITY].mail = *mail;
    set_turn(m, ticket, ticket + 1);
    wake(m);
    return 0;
}

bool leat__mailbox_has_mail(const struct mailbox *m)
{
    return turn_of(m, m->head) == m->head + 1;
}

bool leat__mailbox_take(struct mailbox *m, struct mail *mail)
{
    if (!leat__mailbox_has_mail(m))
        return false;
    *mail = m->places[m->head % MAILBOX_CAPACITY].mail;
    set_turn(m, m->head, m->head + MAILBOX_CAPACITY);
    m->head++;
    return true;
}

void leat__mailbox_drain_wake(struct mailbox *m)
{
    uint64_t count;
    while (read(m->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}
