/* test_files_kept.c: when a folder's files are looked at again, what is kept of them, and what waits for a worker. */
#define _GNU_SOURCE
#include "unit/handler/files_stage.h"

/* ── When the disk is looked at ── */

static void what_is_kept_is_believed_for_a_while(void **state)
{
    (void)state;
    put("fresh.txt", "one");
    open_with(NULL);
    assert_answer(ask("/fresh.txt"), 200, "one");
    put("fresh.txt", "two, longer");
    let_it_settle();
    stage.now_ms += 999;
    assert_answer(ask("/fresh.txt"), 200, "one");
    stage.now_ms += 1;
    assert_answer(ask("/fresh.txt"), 200, "two, longer");
    assert_int_equal(unlink(place_of("fresh.txt")), 0);
    assert_answer(ask("/fresh.txt"), 200, "two, longer");
    stage.now_ms += 1000;
    assert_int_equal(status_of(ask("/fresh.txt")), 404);
    assert_int_equal(stage.bench.memory.file_cache.count, 0);
    close_stage();
}

static void what_has_not_changed_is_not_read_again(void **state)
{
    (void)state;
    put("same.txt", "same");
    open_with(NULL);
    ask("/same.txt");
    const struct cache *cache = &stage.bench.memory.file_cache;
    size_t head = cache->head;
    stage.now_ms += 5000;
    assert_answer(ask("/same.txt"), 200, "same");
    assert_int_equal(cache->head, head);
    stage.now_ms += 999; /* and it is believed again */
    assert_int_equal(unlink(place_of("same.txt")), 0);
    assert_answer(ask("/same.txt"), 200, "same");
    close_stage();
}

static void never_checked_means_never(void **state)
{
    (void)state;
    put("eternal.txt", "one");
    open_with(NULL);
    stage.bench.common.file_check_ms = UINT32_MAX;
    ask("/eternal.txt");
    put("eternal.txt", "two");
    stage.now_ms += INT64_C(1) << 40;
    assert_answer(ask("/eternal.txt"), 200, "one");
    close_stage();
}

static void a_young_file_has_a_weak_tag_until_it_is_older(void **state)
{
    (void)state;
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    put("young.txt", "young");
    utimensat(AT_FDCWD, place_of("young.txt"), times, 0);
    open_with(NULL);
    assert_non_null(strstr(ask("/young.txt"), "ETag: W/\""));
    stage.now_ms += 1000;
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    assert_non_null(strstr(ask("/young.txt"), "ETag: \""));
    close_stage();
}

static void two_versions_of_one_size_have_two_tags(void **state)
{
    (void)state;
    char first[512];
    put("twice.txt", "aaaa");
    open_with(NULL);
    stage.bench.common.file_check_ms = 0;
    snprintf(first, sizeof first, "%s", ask("/twice.txt"));
    put_aged("twice.txt", "bbbb", 4, 99);
    let_it_settle();
    const char *second = ask("/twice.txt");
    assert_answer(second, 200, "bbbb");
    assert_string_not_equal(strstr(first, "ETag"), strstr(second, "ETag"));
    close_stage();
}

/* ── Memory and descriptors ── */

static void large_files_are_kept_open(void **state)
{
    (void)state;
    put_large("large.bin", 'a');
    open_with(NULL);
    ask("/large.bin");
    assert_int_equal(first_of_file(), 'a');
    int fd = stage.bench.x->send.file;
    unsigned before = count_descriptors();
    ask("/large.bin");
    assert_int_equal(stage.bench.x->send.file, fd);
    assert_int_equal(count_descriptors(), before);
    close_stage();
    assert_int_equal(count_descriptors(), before - 2); /* the file's and the root's */
}

static void there_are_no_more_descriptors_than_may_be(void **state)
{
    (void)state;
    char name[32], target[32];
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "many-%d.bin", i);
        put_large(name, (char)('a' + i));
    }
    open_with(NULL); /* 4 descriptors */
    unsigned before = count_descriptors();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) {
            snprintf(target, sizeof target, "/many-%d.bin", i);
            assert_int_equal(status_of(ask(target)), 200);
            assert_int_equal(first_of_file(), 'a' + i);
            assert_true(count_descriptors() <= before + 4);
        }
    }
    close_stage();
    assert_int_equal(count_descriptors(), before - 1);
}

static void without_a_cache_everything_is_answered_too(void **state)
{
    (void)state;
    put("page.html", "<p>water");
    put("coded.js", "as it is");
    put("coded.js.br", "br");
    put_large("large.bin", 'a');
    open_stage_of(NULL, 0, 4);
    unsigned before = count_descriptors();
    for (int i = 0; i < 2; i++) {
        const char *sent = ask("/page.html");
        assert_int_equal(status_of(sent), 200);
        assert_int_equal(count_line(sent, "Content-Length: 8"), 1);
        assert_int_equal(first_of_file(), '<');
        assert_int_equal(status_of(ask("/large.bin")), 200);
        assert_int_equal(first_of_file(), 'a');
        assert_int_equal(status_of(ask_all("GET", "/coded.js", "Accept-Encoding: br\r\n")), 200);
        assert_int_equal(first_of_file(), 'b');
    }
    leat__exchange_end(stage.bench.x);
    leat__exchange_begin(stage.bench.x);
    assert_int_equal(count_descriptors(), before);
    close_stage();
}

static void a_cache_that_is_too_small_holds_what_fits(void **state)
{
    (void)state;
    static char text[2048];
    memset(text, 'x', sizeof text);
    put_aged("medium.txt", text, sizeof text, 100);
    open_stage_of(NULL, 4096, 4);
    assert_answer(ask("/page.html"), 200, "<p>water");
    assert_int_equal(stage.bench.memory.file_cache.count, 1);
    assert_int_equal(status_of(ask("/medium.txt")), 200);
    assert_int_equal(first_of_file(), 'x');
    assert_int_equal(status_of(ask("/large.bin")), 200);
    assert_int_equal(first_of_file(), 'a');
    close_stage();
}

/* A change while the file is sent from its descriptor ends the connection; a new version beside it does not. */
static void a_file_that_changes_while_it_is_sent_breaks_the_response(void **state)
{
    (void)state;
    put_large("torn.bin", 'a');
    open_with(NULL);
    ask("/torn.bin");
    struct leat_exchange *x = stage.bench.x;
    assert_non_null(x->rest.still);
    assert_true(x->rest.still(x->rest.still_argument));
    put_large("torn.new", 'b');
    assert_int_equal(rename(place_of("torn.new"), place_of("torn.bin")), 0);
    assert_true(x->rest.still(x->rest.still_argument));
    ask("/torn.bin");
    assert_int_equal(first_of_file(), 'a'); /* believed, and still what it was */
    stage.now_ms += 1000;
    let_it_settle();
    ask("/torn.bin");
    assert_int_equal(first_of_file(), 'b');
    int fd = open(place_of("torn.bin"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "c", 1, 9), 1);
    close(fd);
    assert_false(x->rest.still(x->rest.still_argument));
    close_stage();
}

/* ── Workers ── */

static void what_is_at_hand_waits_for_nobody(void **state)
{
    (void)state;
    open_with(NULL);
    with_workers();
    ask("/page.html"); /* the names and the octets are in the kernel's memory: we have just written them */
    assert_int_equal(stage.waits, 0);
    ask("/page.html");
    assert_int_equal(stage.waits, 0);
    stage.now_ms += 1000;
    ask("/page.html");
    assert_int_equal(stage.waits, 0);
    close_stage();
}

static void a_file_that_was_just_written_is_read_by_a_worker(void **state)
{
    (void)state;
    open_with(NULL);
    with_workers();
    put("hot.txt", "hot"); /* within the clock's tick, mostly: then it is read when that has passed */
    for (int i = 0; i < 20; i++) {
        char text[16];
        snprintf(text, sizeof text, "hot %d", i);
        put("hot.txt", text);
        stage.now_ms += 1000;
        assert_answer(ask("/hot.txt"), 200, text);
    }
    close_stage();
}

/* A file that was just written is not read on the loop: it needs a work. */
static void when_all_works_stay_under_way_the_answer_is_503(void **state)
{
    (void)state;
    open_with(NULL);
    with_workers();
    struct pool *works = &stage.bench.memory.works;
    void *first = pool_acquire(works), *second = pool_acquire(works);
    bool seen = false;
    for (int i = 0; i < 100 && !seen; i++) {
        put("busy.txt", "busy");
        stage.now_ms += 1000;
        const char *sent = ask("/busy.txt");
        seen = stage.retries > 0 && status_of(sent) == 503;
        if (seen)
            assert_int_equal(count_line(sent, "Retry-After: 1"), 1);
    }
    /* Where the file is quiet by the second attempt, it is answered: then nobody was refused. */
    assert_int_equal(stage.bench.counters.refused_work, seen);
    pool_release(works, first);
    pool_release(works, second);
    assert_answer(ask("/busy.txt"), 200, "busy");
    close_stage();
}

/* The connection is closed while its work is under way: nothing of it is left. */
static void a_work_for_nobody_leaves_nothing(void **state)
{
    (void)state;
    open_with(NULL);
    with_workers();
    struct bench *b = &stage.bench;
    unsigned before = count_descriptors();
    for (int i = 0; i < 10; i++) {
        put(i % 2 ? "gone.txt" : "gone-too.txt", "gone");
        if (i % 3 == 0)
            put_large("gone.txt", 'g');
        stage.now_ms += 1000;
        begin(b, GET("/gone.txt"));
        assert_int_equal(leat__exchange_route(b->x), 0);
        if (b->x->chain->prepare(b->x, b->x->chain->prepare_data) == PREPARE_WAIT)
            take_mail(b, true);
        leat__exchange_end(b->x);
        leat__exchange_begin(b->x);
        leat__cache_check(&b->memory.file_cache);
    }
    assert_int_equal(b->memory.works.in_use, 0);
    assert_true(count_descriptors() <= before + 4);
    close_stage();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_believed_for_a_while),
        cmocka_unit_test(what_has_not_changed_is_not_read_again),
        cmocka_unit_test(never_checked_means_never),
        cmocka_unit_test(a_young_file_has_a_weak_tag_until_it_is_older),
        cmocka_unit_test(two_versions_of_one_size_have_two_tags),
        cmocka_unit_test(large_files_are_kept_open),
        cmocka_unit_test(there_are_no_more_descriptors_than_may_be),
        cmocka_unit_test(without_a_cache_everything_is_answered_too),
        cmocka_unit_test(a_cache_that_is_too_small_holds_what_fits),
        cmocka_unit_test(a_file_that_changes_while_it_is_sent_breaks_the_response),
        cmocka_unit_test(what_is_at_hand_waits_for_nobody),
        cmocka_unit_test(a_file_that_was_just_written_is_read_by_a_worker),
        cmocka_unit_test(when_all_works_stay_under_way_the_answer_is_503),
        cmocka_unit_test(a_work_for_nobody_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
