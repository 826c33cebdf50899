/* test_event_log.c: from many threads into one file: every line whole, each thread's in their order, and what is missing is
 * counted; kinds are limited and summed up; a reader that stands still and a full disk keep nobody; the newest are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "observe/event_inside.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 4, LINES = 20000, TEXT_MAX = 16 << 20 };

static char place[64], path[128], old[160], error[512];

static int set_up(void **state)
{
    (void)state;
    strcpy(place, "/tmp/leat-events-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(path, sizeof path, "%s/leat.log", place);
    snprintf(old, sizeof old, "%s.1", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(old);
    unlink(path);
    rmdir(place);
    return 0;
}

static void open_log(const char *to, enum leat_log_level level)
{
    error[0] = '\0';
    assert_int_equal(leat__events_open(to, EVENT_TEXT, level, error, sizeof error), 0);
}

/* The whole file, NUL-terminated; to be freed. */
static char *contents(const char *of)
{
    char *text = calloc(1, TEXT_MAX);
    int fd = open(of, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_in_range(read(fd, text, TEXT_MAX - 1) + 1, 1, TEXT_MAX - 1);
    close(fd);
    return text;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        count++;
    return count;
}

static void *talk(void *argument)
{
    int who = *(int *)argument;
    char filling[200];
    memset(filling, 'x', sizeof filling);
    for (int i = 0; i < LINES; i++) {
        leat_log(LEAT_LOG_INFO, "thread %d line %d %.*s", who, i, i % 200, filling);
        if (i % 64 == 0)
            sched_yield();
    }
    return NULL;
}

static void all_threads_come_whole_and_in_order(void **state)
{
    (void)state;
    uint64_t before = leat__events_dropped();
    pthread_t threads[THREADS];
    int names[THREADS], next[THREADS] = {0};
    open_log(path, LEAT_LOG_INFO);
    for (int i = 0; i < THREADS; i++) {
        names[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, talk, &names[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    leat__events_close();
    char *text = contents(path), *rest = NULL;
    uint64_t lines = 0;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        int at = 0, about = 0;
        if (strstr(line, "lines were dropped") != NULL)
            continue;
        sscanf(line, "%*s info thread %n%*d line %*d %n", &about, &at);
        assert_int_not_equal(at, 0);
        char *behind;
        int who = (int)strtol(line + about, &behind, 10);
        int number = (int)strtol(behind + strlen(" line "), NULL, 10);
        assert_in_range(who, 0, THREADS - 1);
        assert_true(number >= next[who]);
        next[who] = number + 1;
        assert_int_equal(strspn(line + at, "x"), number % 200);
        assert_int_equal(strlen(line + at), number % 200);
        lines++;
    }
    assert_int_equal(lines + (leat__events_dropped() - before), THREADS * LINES);
    free(text);
}

static void levels_decide_what_is_written(void **state)
{
    (void)state;
    uint64_t infos = leat__events_count(LEAT_LOG_INFO);
    open_log(path, LEAT_LOG_ERROR);
    assert_false(leat_log_wants(LEAT_LOG_INFO));
    leat_log(LEAT_LOG_INFO, "quiet");
    leat_log(LEAT_LOG_WARNING, "kept");
    leat_log(LEAT_LOG_ERROR, "loud");
    leat_log((enum leat_log_level)77, "counts as an error");
    leat__events_close();
    char *text = contents(path);
    assert_null(strstr(text, "quiet"));
    assert_null(strstr(text, "kept"));
    assert_non_null(strstr(text, " error loud\n"));
    assert_non_null(strstr(text, " error counts as an error\n"));
    assert_int_equal(leat__events_count(LEAT_LOG_INFO), infos + 1);
    struct event_told told;
    assert_true(leat__events_newest(0, &told));
    assert_string_equal(told.text, "counts as an error");
    assert_true(leat__events_newest(2, &told));
    assert_string_equal(told.text, "kept");
    assert_int_equal(told.level, LEAT_LOG_WARNING);
    free(text);
}

static void the_newest_are_so_many(void **state)
{
    (void)state;
    struct event_told told;
    char expected[32];
    open_log(path, LEAT_LOG_ERROR);
    for (int i = 0; i < 3 * EVENTS_KEPT; i++)
        leat_log(LEAT_LOG_WARNING, "number %d", i);
    leat__events_close();
    for (uint32_t i = 0; i < EVENTS_KEPT; i++) {
        assert_true(leat__events_newest(i, &told));
        snprintf(expected, sizeof expected, "number %u", 3 * EVENTS_KEPT - 1 - i);
        assert_string_equal(told.text, expected);
    }
    assert_false(leat__events_newest(EVENTS_KEPT, &told));
}

static void a_kind_is_told_once_and_summed_up(void **state)
{
    (void)state;
    uint64_t warnings = leat__events_count(LEAT_LOG_WARNING);
    open_log(path, LEAT_LOG_INFO);
    for (int i = 0; i < 100; i++)
        leat__event(EVENT_REFUSED_SLOT);
    for (int i = 0; i < 5; i++)
        leat__event_with(EVENT_SLOW_TURN, NULL, "turn %d", i);
    leat__events_close();
    char *text = contents(path);
    assert_int_equal(count_of(text, "no slot is free"), 2);
    assert_int_equal(count_of(text, "--connections allows more: 99 more in 10 s\n"), 1);
    assert_int_equal(count_of(text, " loop: turn "), 3);
    assert_int_equal(count_of(text, "took long: 2 more in 10 s\n"), 1);
    assert_int_equal(leat__events_count(LEAT_LOG_WARNING), warnings + 105);
    free(text);
    open_log(path, LEAT_LOG_INFO); /* and begins anew */
    leat__event(EVENT_REFUSED_SLOT);
    leat__events_close();
    text = contents(path);
    assert_int_equal(count_of(text, "no slot is free"), 3);
    free(text);
}

static void a_rotation_loses_no_line(void **state)
{
    (void)state;
    open_log(path, LEAT_LOG_INFO);
    for (int i = 0; i < 200; i++) {
        leat_log(LEAT_LOG_INFO, "line %d.", i);
        if (i == 100) {
            assert_int_equal(rename(path, old), 0);
            assert_int_equal(leat__events_reopen(), 0);
        }
    }
    leat__events_close();
    char *first = contents(old), *second = contents(path);
    for (int i = 0; i < 200; i++) {
        char line[32];
        snprintf(line, sizeof line, " info line %d.\n", i);
        assert_int_equal(count_of(first, line) + count_of(second, line), 1);
    }
    free(first);
    free(second);
}

static void a_full_disk_keeps_nobody(void **state)
{
    (void)state;
    struct event_told told;
    uint64_t before = leat__events_dropped();
    open_log("/dev/full", LEAT_LOG_INFO);
    for (int i = 0; i < 50; i++)
        leat_log(LEAT_LOG_INFO, "lost");
    leat__events_close();
    assert_true(leat__events_dropped() - before >= 50);
    assert_true(leat__events_newest(0, &told));
    assert_non_null(strstr(told.text, "log /dev/full: lines that were dropped: "));
    assert_true(leat__events_newest(1, &told));
    assert_non_null(strstr(told.text, "No space left on device"));
}

/* The writer takes what comes although nobody takes its lines, so the newest are known. */
static void a_reader_that_stands_still_keeps_nobody(void **state)
{
    (void)state;
    struct event_told told = {0};
    uint64_t before = leat__events_dropped();
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDWR | O_CLOEXEC); /* never reads */
    assert_true(reader >= 0);
    open_log(path, LEAT_LOG_INFO);
    for (int i = 0; leat__events_dropped() - before < 1000; i++)
        leat_log(LEAT_LOG_INFO, "line %d of many, which fill the pipe, and then what is kept besides", i);
    for (bool seen = false; !seen; sched_yield()) {
        leat_log(LEAT_LOG_ERROR, "the last one"); /* the first of these may find the ring full */
        for (uint32_t i = 0; !seen && leat__events_newest(i, &told); i++)
            seen = strcmp(told.text, "the last one") == 0;
    }
    leat__events_close();
    close(reader);
}

static void who_opens_first_decides(void **state)
{
    (void)state;
    open_log(path, LEAT_LOG_INFO);
    open_log("/nowhere/at/all.log", LEAT_LOG_ERROR);
    leat_log(LEAT_LOG_INFO, "one");
    leat__events_close();
    leat_log(LEAT_LOG_INFO, "two");
    leat__events_close();
    char *text = contents(path);
    assert_int_equal(count_of(text, "\n"), 2);
    free(text);
    assert_int_equal(
        leat__events_open("/nowhere/at/all.log", EVENT_TEXT, LEAT_LOG_INFO, error, sizeof error), -ENOENT);
    assert_non_null(
        strstr(error, "log /nowhere/at/all.log: No such file or directory; make its folder first"));
}

static void a_long_line_is_cut_at_a_character(void **state)
{
    (void)state;
    static char longer[2 * EVENT_MESSAGE_MAX + 1];
    for (size_t i = 0; i + 2 < sizeof longer; i += 2)
        memcpy(longer + i, "\xc3\xa9", 3);
    open_log(path, LEAT_LOG_INFO);
    leat_log(LEAT_LOG_INFO, "%s", longer);
    leat_log(LEAT_LOG_INFO, "x%s", longer);
    leat__event_text(LEAT_LOG_INFO, longer, NULL);
    leat__events_close();
    char *text = contents(path);
    assert_int_equal(count_of(text, "\xc3\xa9\xe2\x80\xa6\n"), 3);
    assert_null(strstr(text, "\\x"));
    assert_in_range(strcspn(text, "\n"), EVENT_MESSAGE_MAX, EVENT_MESSAGE_MAX + 40);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_threads_come_whole_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels_decide_what_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_are_so_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kind_is_told_once_and_summed_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rotation_loses_no_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_keeps_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_that_stands_still_keeps_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_opens_first_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_at_a_character, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
