/* The mailbox with several writers at once: every mail that was taken in arrives once, those of one writer in their
 * order, a full box says so, and a reader that sleeps on the descriptor is always woken. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loop/loop.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

enum { WRITERS = 4, MAILS = 20000 };

struct writer {
    struct mailbox *mailbox;
    uint32_t id;
    uint64_t refused;
};

static void *write_mails(void *context)
{
    struct writer *w = context;
    for (uint64_t i = 0; i < MAILS; i++) {
        struct mail mail = {.kind = MAIL_WAKE, .slot = w->id, .generation = ~w->id, .value = i};
        while (leat__loop_post(w->mailbox, &mail) == -EAGAIN) {
            w->refused++;
            sched_yield();
        }
    }
    return NULL;
}

static void every_mail_arrives_once_and_in_order(void **state)
{
    (void)state;
    static struct mailbox m;
    static struct mail_place places[MAILBOX_CAPACITY];
    assert_int_equal(leat__mailbox_open(&m, places), 0);
    pthread_t threads[WRITERS];
    struct writer writers[WRITERS];
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.mailbox = &m, .id = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_mails, &writers[i]), 0);
    }
    uint64_t next[WRITERS] = {0};
    for (unsigned taken = 0; taken < WRITERS * MAILS;) {
        struct pollfd sleep = {.fd = m.wake_fd, .events = POLLIN};
        assert_int_equal(poll(&sleep, 1, -1), 1); /* a lost wake-up would stop the test here */
        leat__mailbox_drain_wake(&m);
        struct mail mail;
        for (unsigned i = 0; i < MAILBOX_CAPACITY && leat__mailbox_take(&m, &mail); i++, taken++) {
            assert_true(mail.slot < WRITERS);
            assert_int_equal(mail.generation, ~mail.slot);
            assert_int_equal(mail.value, next[mail.slot]);
            next[mail.slot]++;
        }
    }
    for (uint32_t i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    struct mail none;
    assert_false(leat__mailbox_take(&m, &none));
    leat__mailbox_close(&m);
}

static void a_full_box_refuses_and_recovers(void **state)
{
    (void)state;
    static struct mailbox m;
    static struct mail_place places[MAILBOX_CAPACITY];
    assert_int_equal(leat__mailbox_open(&m, places), 0);
    struct mail mail = {.kind = MAIL_WAKE};
    for (unsigned round = 0; round < 3; round++) {
        for (mail.value = 0; mail.value < MAILBOX_CAPACITY; mail.value++)
            assert_int_equal(leat__loop_post(&m, &mail), 0);
        assert_int_equal(leat__loop_post(&m, &mail), -EAGAIN);
        struct mail taken;
        for (unsigned i = 0; i < MAILBOX_CAPACITY; i++) {
            assert_true(leat__mailbox_take(&m, &taken));
            assert_int_equal(taken.value, i);
        }
        assert_false(leat__mailbox_take(&m, &taken));
    }
    leat__mailbox_close(&m);
}

/* Tickets are 32 bits and go round. */
static void tickets_wrap_around(void **state)
{
    (void)state;
    static struct mailbox m;
    static struct mail_place places[MAILBOX_CAPACITY];
    assert_int_equal(leat__mailbox_open(&m, places), 0);
    unsigned start = 0u - MAILBOX_CAPACITY;
    m.head = start;
    atomic_store(&m.tail, start);
    for (unsigned i = 0; i < MAILBOX_CAPACITY; i++)
        atomic_store(&m.places[i].turn, start); /* less its index */
    struct mail taken;
    for (uint64_t i = 0; i < 4 * MAILBOX_CAPACITY; i++) {
        struct mail mail = {.kind = MAIL_WAKE, .value = i};
        assert_int_equal(leat__loop_post(&m, &mail), 0);
        assert_true(leat__mailbox_take(&m, &taken));
        assert_int_equal(taken.value, i);
    }
    leat__mailbox_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mail_arrives_once_and_in_order),
        cmocka_unit_test(a_full_box_refuses_and_recovers),
        cmocka_unit_test(tickets_wrap_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
