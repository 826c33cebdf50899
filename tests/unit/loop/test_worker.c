/* Works are done on other threads, each once, and come back by mail; without threads the submitter does them. What is in
 * memory of a file is known, and what is not is brought there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loop/file.h"
#include "loop/loop.h"
#include "loop/worker.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKS = 40 };

struct job {
    struct work work;
    int runs;
    pthread_t by;
};

static void run_job(struct work *work)
{
    struct job *job = (struct job *)work;
    job->runs++;
    job->by = pthread_self();
}

static void submit_and_collect(uint32_t threads)
{
    static struct job jobs[WORKS];
    struct mailbox box;
    static struct mail_place places[MAILBOX_CAPACITY];
    struct workers workers;
    unsigned back = 0, elsewhere = 0;
    assert_int_equal(leat__mailbox_open(&box, places), 0);
    assert_int_equal(leat__workers_open(&workers, threads, &box), 0);
    for (unsigned i = 0; i < WORKS; i++) {
        jobs[i] = (struct job){.work = {.run = run_job, .slot = i}};
        leat__workers_submit(&workers, &jobs[i].work);
    }
    while (back < WORKS) {
        struct mail mail;
        struct pollfd wake = {.fd = box.wake_fd, .events = POLLIN};
        poll(&wake, 1, -1);
        leat__mailbox_drain_wake(&box);
        while (leat__mailbox_take(&box, &mail)) {
            struct job *job = (struct job *)(uintptr_t)mail.value;
            assert_int_equal(mail.kind, MAIL_WORK);
            assert_int_equal(job->runs, 1);
            assert_ptr_equal(job, &jobs[job->work.slot]);
            elsewhere += !pthread_equal(job->by, pthread_self());
            back++;
        }
    }
    assert_int_equal(elsewhere, threads > 0 ? WORKS : 0);
    leat__workers_close(&workers);
    leat__mailbox_close(&box);
}

static void works_come_back_once(void **state)
{
    (void)state;
    submit_and_collect(1);
    submit_and_collect(4);
}

static void without_threads_the_submitter_works(void **state)
{
    (void)state;
    submit_and_collect(0);
}

static void what_is_in_memory_is_known(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    char name[] = "/var/tmp/leat-worker-XXXXXX";
    char *bytes = calloc(1, SIZE);
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, bytes, SIZE), SIZE);
    free(bytes);
    assert_true(leat__file_is_resident(fd, 0, SIZE));
    assert_true(leat__file_is_resident(fd, SIZE - 1, 1));
    assert_true(leat__file_is_resident(fd, SIZE, 0));
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    if (leat__file_is_resident(fd, 0, SIZE))
        skip(); /* a file system that lives in memory lets nothing go */
    leat__file_warm(fd, 0, SIZE);
    assert_true(leat__file_is_resident(fd, 0, SIZE));
    close(fd);
    assert_false(leat__file_is_resident(fd, 0, SIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_come_back_once),
        cmocka_unit_test(without_threads_the_submitter_works),
        cmocka_unit_test(what_is_in_memory_is_known),
    };
    return cmocka_run_group_tests_name("loop.worker", tests, NULL, NULL);
}
