/* test_files_serve.c: what a folder answers, and when it looks at the disk again. The loop's clock is ours, and a work is
 * run when the test reads the mail, so what waits and what does not can be seen. */
#define _GNU_SOURCE
#include "unit/exchange/fixture.h"

#include "handler/file_kept.h"
#include "handler/file_path.h"
#include "handler/files.h"
#include "loop/mailbox.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CACHE_SIZE = 1 << 20 };

struct stage {
    struct bench bench;
    struct region cache_ground;
    struct workers workers;
    struct mailbox mailbox;
    int64_t now_ms;
    uint32_t waits;   /* works that the last request waited for */
    uint32_t retries; /* how often it was told to come back */
};

static struct stage stage;
static char folder[64];

/* ── The folder ── */

/* Two of them can be used at a time. */
static const char *place_of(const char *name)
{
    static char paths[2][256];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* A file of a second ago, or of age_s seconds. */
static void put_aged(const char *name, const char *text, size_t size, int age_s)
{
    struct timespec now, times[2];
    int fd = open(place_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    clock_gettime(CLOCK_REALTIME, &now);
    times[0] = times[1] = (struct timespec){now.tv_sec - age_s, 123456789};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void put(const char *name, const char *text)
{
    put_aged(name, text, strlen(text), 100);
}

/* As large as needs a descriptor. */
static void put_large(const char *name, char letter)
{
    static char text[FILE_IN_MEMORY_MAX + 1];
    memset(text, letter, sizeof text);
    put_aged(name, text, sizeof text, 100);
}

static void add_folder(const char *name)
{
    assert_int_equal(mkdir(place_of(name), 0755), 0);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/leat-serve-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* Changes count at once when they are older than the clock's tick. */
static void let_it_settle(void)
{
    static const struct timespec moment = {.tv_nsec = 20000000};
    nanosleep(&moment, NULL);
}

/* ── The server ── */

static void open_stage_of(const leat_files_options *options, size_t cache, uint32_t descriptors)
{
    struct bench *b = &stage.bench;
    leat_app *app = leat_app_create();
    leat_files *files = leat_files_open_with(app, folder, options);
    assert_non_null(files);
    leat_get_with(app, "/*path", leat_serve_files, files);
    leat_post_with(app, "/*path", leat_serve_files, files);
    open_bench(b, app);
    if (cache > 0)
        assert_int_equal(
            leat__region_create(&stage.cache_ground, leat__cache_footprint(cache), REGION_RESERVE), 0);
    leat__cache_init(&b->memory.file_cache, &stage.cache_ground, cache);
    b->memory.file_descriptors = descriptors;
    stage.now_ms = 1000000;
    b->common.now_ms = &stage.now_ms;
    b->common.file_check_ms = 1000;
    b->common.slots = &b->slot;
    let_it_settle();
}

static void open_with(const leat_files_options *options)
{
    open_stage_of(options, CACHE_SIZE, 4);
}

static void close_stage(void)
{
    leat__exchange_end(stage.bench.x);
    leat__exchange_begin(stage.bench.x);
    leat__cache_check(&stage.bench.memory.file_cache);
    leat__cache_clear(&stage.bench.memory.file_cache);
    close_bench(&stage.bench);
    leat__region_destroy(&stage.cache_ground);
}

/* With workers, whose works are run at once but come back by mail. */
static void with_workers(void)
{
    static struct pool_ground {
        struct region region;
    } ground;
    struct bench *b = &stage.bench;
    assert_int_equal(leat__mailbox_open(&stage.mailbox), 0);
    stage.workers = (struct workers){.mailbox = &stage.mailbox};
    b->common.workers = &stage.workers;
    assert_int_equal(
        leat__region_create(&ground.region, leat__pool_footprint(PLAN_WORK, 2), REGION_RESERVE), 0);
    leat__pool_init(&b->memory.works, &ground.region, "file work", PLAN_WORK, 2);
}

static void take_mail(struct bench *b, bool gone)
{
    struct mail mail;
    assert_true(leat__mailbox_take(&stage.mailbox, &mail));
    assert_int_equal(mail.kind, MAIL_WORK);
    leat__exchange_work_done(b->x, (struct work *)(uintptr_t)mail.value, gone);
}

static void prepare(struct bench *b)
{
    struct leat_exchange *x = b->x;
    stage.waits = stage.retries = 0;
    while (x->link->prepare != NULL && x->link->prepare(x, x->link->prepare_data) == PREPARE_WAIT) {
        if (x->flags & X_RETRY) { /* as the connection does: a while later */
            x->flags &= (uint16_t)~X_RETRY;
            stage.now_ms += 128;
            stage.retries++;
            continue;
        }
        stage.waits++;
        take_mail(b, false);
    }
}

static const char *ask_all(const char *method, const char *target, const char *fields)
{
    static char request[4096];
    struct bench *b = &stage.bench;
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: leat\r\n%s\r\n", method, target, fields);
    begin(b, request);
    assert_int_equal(leat__exchange_route(b->x), 0);
    prepare(b);
    leat__exchange_run(b->x);
    return send_out(b);
}

static const char *ask(const char *target)
{
    return ask_all("GET", target, "");
}

static void assert_answer(const char *sent, int status, const char *content)
{
    assert_int_equal(status_of(sent), status);
    assert_string_equal(content_of(sent), content);
}

static void assert_redirect(const char *target, const char *location)
{
    char line[256];
    const char *sent = ask(target);
    assert_int_equal(status_of(sent), 301);
    snprintf(line, sizeof line, "Location: %s", location);
    assert_int_equal(count_line(sent, line), 1);
}

/* A response by descriptor: which octet it would send first. */
static char first_of_file(void)
{
    char octet = 0;
    const struct loop_send *send = &stage.bench.x->send;
    assert_true(send->file >= 0);
    assert_int_equal(pread(send->file, &octet, 1, (off_t)send->file_offset), 1);
    return octet;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *all = opendir("/proc/self/fd");
    while (readdir(all) != NULL)
        count++;
    closedir(all);
    return count;
}

/* ── Paths ── */

static void patterns_fit_by_their_stars(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {{"*", "/", true},
                 {"/a", "/a", true},
                 {"/a", "/ab", false},
                 {"/a*", "/ab/c", true},
                 {"/a*", "/a", true},
                 {"*.css", "/x/y.css", true},
                 {"*.css", "/x/y.css.br", false},
                 {"/*/b*c", "/a/b/bc", true},
                 {"/*b*d", "/abcbd", true},
                 {"*a*b*", "/a", false},
                 {"", "/", false},
                 {"**", "/x", true},
                 {"/a*a*a*a*a*b", "/aaaaaaaaaaaaaaaaaaaaaaaa", false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(leat__file_pattern_fits(cases[i].pattern, cases[i].text), cases[i].fits);
}

static void a_path_that_no_file_can_have_is_not_written(void **state)
{
    (void)state;
    static char path[FILE_PATH_MAX + 8], out[FILE_PATH_MAX];
    struct leat_files files = {.index = (char *)(uintptr_t) "index.html"};
    memset(path, 'a', sizeof path);
    assert_int_equal(
        leat__file_path_write(out, &files, path, FILE_PATH_MAX - 1, FILE_AS_NAMED, CODING_IDENTITY),
        FILE_PATH_MAX - 1);
    assert_int_equal(
        leat__file_path_write(out, &files, path, FILE_PATH_MAX, FILE_AS_NAMED, CODING_IDENTITY), 0);
    assert_int_equal(
        leat__file_path_write(out, &files, path, FILE_PATH_MAX - 2, FILE_AS_NAMED, CODING_BR), 0);
    assert_int_equal(
        leat__file_path_write(out, &files, path, FILE_PATH_MAX - 5, FILE_INDEX, CODING_IDENTITY), 0);
    assert_int_equal(leat__file_path_write(out, &files, "x/", 2, FILE_INDEX, CODING_GZIP), 15);
    assert_string_equal(out, "x/index.html.gz");
}

/* ── What is answered ── */

static void a_file_comes_with_its_fields(void **state)
{
    (void)state;
    put("page.html", "<p>water");
    open_with(NULL);
    for (int i = 0; i < 2; i++) { /* from the disk, and from memory */
        const char *sent = ask("/page.html");
        assert_answer(sent, 200, "<p>water");
        assert_int_equal(count_line(sent, "Content-Type: text/html; charset=utf-8"), 1);
        assert_int_equal(count_line(sent, "X-Content-Type-Options: nosniff"), 1);
        assert_int_equal(count_line(sent, "Accept-Ranges: bytes"), 1);
        assert_int_equal(count_field(sent, "ETag"), 1);
        assert_int_equal(count_field(sent, "Last-Modified"), 1);
        assert_int_equal(count_field(sent, "Vary"), 0);
        assert_int_equal(count_field(sent, "Cache-Control"), 0);
        assert_answer(ask_all("HEAD", "/page.html", ""), 200, "");
    }
    assert_int_equal(stage.bench.memory.file_cache.count, 1);
    assert_answer(ask("/nothing"), 404, "{\"title\":\"Not Found\",\"status\":404}\n");
    close_stage();
}

static void folders_have_an_index_and_a_slash(void **state)
{
    (void)state;
    add_folder("docs");
    add_folder("empty");
    put("docs/index.html", "docs");
    put("index.html", "home");
    open_with(NULL);
    assert_answer(ask("/"), 200, "home");
    assert_answer(ask("/docs/"), 200, "docs");
    assert_redirect("/docs", "/docs/");
    assert_redirect("/docs?q=1", "/docs/?q=1");
    assert_int_equal(status_of(ask("/empty/")), 404);
    assert_answer(ask("/index.html"), 200, "home");
    close_stage();
}

static void another_index_can_be_named(void **state)
{
    (void)state;
    put("home.txt", "another");
    open_with(&(leat_files_options){.index = "home.txt"});
    assert_answer(ask("/"), 200, "another");
    close_stage();
}

static void clean_urls_leave_endings_away(void **state)
{
    (void)state;
    put("about.html", "about");
    add_folder("both");
    put("both.html", "page");
    put("both/index.html", "index of both");
    put("exact", "exact");
    put("exact.html", "hidden behind exact");
    open_with(&(leat_files_options){.clean_urls = true});
    assert_answer(ask("/about"), 200, "about");
    assert_answer(ask("/about"), 200, "about");
    assert_redirect("/about.html?a=b", "/about?a=b");
    assert_redirect("/docs/index.html", "/docs/");
    assert_redirect("/index.html", "/");
    assert_redirect("/both", "/both/");
    assert_answer(ask("/both.html"), 200, "page"); /* else nobody could have it */
    assert_answer(ask("/exact"), 200, "exact");
    assert_answer(ask("/exact.html"), 200, "hidden behind exact");
    assert_int_equal(status_of(ask("/nothing.html")), 404);
    assert_int_equal(status_of(ask("/nothing")), 404);
    close_stage();
    open_with(NULL);
    assert_int_equal(status_of(ask("/about")), 404);
    assert_answer(ask("/about.html"), 200, "about");
    close_stage();
}

static void the_fallback_answers_for_pages(void **state)
{
    (void)state;
    put("app.html", "app");
    open_with(&(leat_files_options){.fallback = "/app.html"});
    for (int i = 0; i < 2; i++) {
        assert_answer(ask("/any/where"), 200, "app");
        assert_answer(ask_all("GET", "/any", "Accept: text/html;q=0.9, image/png\r\n"), 200, "app");
        assert_answer(ask_all("GET", "/any", "Accept: image/png\r\nAccept: */*\r\n"), 200, "app");
        assert_int_equal(status_of(ask_all("GET", "/any", "Accept: application/json\r\n")), 404);
        assert_int_equal(status_of(ask("/any/image.png")), 404);
        assert_int_equal(status_of(ask("/.git")), 404);
        assert_answer(ask_all("HEAD", "/any", ""), 200, "");
    }
    close_stage();
}

static void cache_control_is_what_the_first_rule_says(void **state)
{
    (void)state;
    static const char *const rules[] = {"/docs/* no-cache", "*.css  public, max-age=60",
                                        "* private", NULL};
    put("style.css", "p {}");
    open_with(&(leat_files_options){.cache_control = rules});
    assert_int_equal(count_line(ask("/style.css"), "Cache-Control: public, max-age=60"), 1);
    assert_int_equal(count_line(ask("/docs/"), "Cache-Control: no-cache"), 1);
    const char *sent = ask("/page.html");
    assert_int_equal(count_line(sent, "Cache-Control: private"), 1);
    assert_int_equal(count_field(ask("/nothing"), "Cache-Control"), 0);
    close_stage();
}

static void twins_are_sent_to_those_who_take_them(void **state)
{
    (void)state;
    put("coded.js", "as it is");
    put("coded.js.br", "br");
    put("coded.js.gz", "gz");
    open_with(NULL);
    for (int i = 0; i < 2; i++) {
        const char *sent = ask("/coded.js");
        assert_answer(sent, 200, "as it is");
        assert_int_equal(count_line(sent, "Vary: Accept-Encoding"), 1);
        assert_int_equal(count_field(sent, "Content-Encoding"), 0);
        sent = ask_all("GET", "/coded.js", "Accept-Encoding: gzip, br\r\n");
        assert_answer(sent, 200, "br");
        assert_int_equal(count_line(sent, "Content-Encoding: br"), 1);
        assert_int_equal(count_line(sent, "Vary: Accept-Encoding"), 1);
        assert_non_null(strstr(sent, "Content-Type: text/javascript"));
        assert_non_null(strstr(sent, "-br\"\r\n"));
        assert_answer(ask_all("GET", "/coded.js", "accept-encoding: gzip\r\n"), 200, "gz");
        assert_answer(ask_all("GET", "/coded.js", "Accept-Encoding: br;q=0, *;q=0\r\n"), 200, "as it is");
    }
    assert_int_equal(stage.bench.memory.file_cache.count, 3);
    close_stage();
    open_with(&(leat_files_options){.plain = true});
    assert_answer(ask_all("GET", "/coded.js", "Accept-Encoding: br\r\n"), 200, "as it is");
    close_stage();
}

static void a_stale_twin_is_left_alone(void **state)
{
    (void)state;
    put_aged("stale.js", "new", 3, 50);
    put_aged("stale.js.br", "old", 3, 53);
    put_aged("stale.js.gz", "a moment older", 14, 51);
    open_with(NULL);
    assert_answer(ask_all("GET", "/stale.js", "Accept-Encoding: br\r\n"), 200, "new");
    assert_answer(ask_all("GET", "/stale.js", "Accept-Encoding: br, gzip\r\n"), 200, "a moment older");
    close_stage();
}

static void a_twin_that_has_gone_is_replaced_by_the_original(void **state)
{
    (void)state;
    put("going.js", "original");
    put("going.js.br", "twin");
    open_with(NULL);
    assert_answer(ask("/going.js"), 200, "original");
    assert_int_equal(unlink(place_of("going.js.br")), 0);
    assert_answer(ask_all("GET", "/going.js", "Accept-Encoding: br\r\n"), 200, "original");
    close_stage();
}

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
        if (b->x->link->prepare(b->x, b->x->link->prepare_data) == PREPARE_WAIT)
            take_mail(b, true);
        leat__exchange_end(b->x);
        leat__exchange_begin(b->x);
        leat__cache_check(&b->memory.file_cache);
    }
    assert_int_equal(b->memory.works.in_use, 0);
    assert_true(count_descriptors() <= before + 4);
    close_stage();
}

/* ── A bundle ── */

static void told(void *to, const char *file, uint64_t size)
{
    (void)to, (void)file, (void)size;
}

static void open_bundle(const leat_files_options *options)
{
    char path[80];
    snprintf(path, sizeof path, "%s.bundle", folder);
    assert_int_equal(leat__bundle_write(folder, path, told, NULL), 0);
    leat_app *app = leat_app_create();
    leat_files *files = leat_bundle_open_with(app, path, options);
    assert_string_equal(leat__app_errors(app), "");
    assert_int_equal(unlink(path), 0); /* it is open */
    leat_get_with(app, "/*path", leat_serve_files, files);
    open_bench(&stage.bench, app);
    leat__cache_init(&stage.bench.memory.file_cache, NULL, 0);
}

static void a_bundle_answers_as_its_folder_does(void **state)
{
    (void)state;
    static const char *const rules[] = {"*.js no-cache", NULL};
    open_bundle(&(leat_files_options){.clean_urls = true, .fallback = "app.html", .cache_control = rules});
    assert_answer(ask("/docs/"), 200, "docs");
    assert_redirect("/docs?q=1", "/docs/?q=1");
    assert_redirect("/docs/index.html", "/docs/");
    assert_answer(ask("/about"), 200, "about");
    assert_redirect("/about.html", "/about");
    assert_answer(ask("/both.html"), 200, "page");
    assert_answer(ask("/exact.html"), 200, "hidden behind exact");
    assert_answer(ask("/any/where"), 200, "app");
    assert_int_equal(status_of(ask("/any/where.png")), 404);
    assert_int_equal(status_of(ask("/.git/config")), 404);
    assert_int_equal(status_of(ask("/large.bin")), 200);
    assert_int_equal(first_of_file(), 'a');
    const char *sent = ask_all("GET", "/coded.js", "Accept-Encoding: br\r\n");
    assert_answer(sent, 200, "br");
    assert_int_equal(count_line(sent, "Content-Encoding: br"), 1);
    assert_int_equal(count_line(sent, "Cache-Control: no-cache"), 1);
    assert_int_equal(count_field(sent, "ETag"), 1);
    close_bench(&stage.bench);
}

static void a_bundle_judges_conditions_and_ranges(void **state)
{
    (void)state;
    open_bundle(NULL);
    char tag[128], fields[160];
    const char *at = strstr(ask("/page.html"), "ETag: ") + 6;
    snprintf(tag, sizeof tag, "%.*s", (int)strcspn(at, "\r"), at);
    snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", tag);
    const char *sent = ask_all("GET", "/page.html", fields);
    assert_answer(sent, 304, "");
    assert_int_equal(count_field(sent, "ETag"), 1);
    assert_int_equal(count_field(sent, "Content-Type"), 0);
    sent = ask_all("GET", "/page.html", "Range: bytes=3-\r\n");
    assert_answer(sent, 206, "water");
    assert_int_equal(count_line(sent, "Content-Range: bytes 3-7/8"), 1);
    assert_int_equal(status_of(ask_all("GET", "/page.html", "Range: bytes=8-\r\n")), 416);
    close_bench(&stage.bench);
}

/* ── Options ── */

static void assert_refused(const leat_files_options *options, const char *words)
{
    leat_app *app = leat_app_create();
    leat_files_open_with(app, folder, options);
    if (strstr(leat__app_errors(app), words) == NULL)
        fail_msg("\"%s\" is not told by \"%s\"", words, leat__app_errors(app));
    leat_app_destroy(app);
}

static void wrong_options_are_told(void **state)
{
    (void)state;
    static const char *const no_value[] = {"/assets/*", NULL};
    static const char *const no_pattern[] = {"assets/ no-cache", NULL};
    static const char *const control[] = {"/a no-cache\r\nX: y", NULL};
    assert_refused(&(leat_files_options){.index = "a/b.html"}, "is a name without '/'");
    assert_refused(&(leat_files_options){.index = "../x"}, "is not the name of a file");
    assert_refused(&(leat_files_options){.fallback = "../x"}, "is not the name of a file");
    assert_refused(&(leat_files_options){.fallback = "docs/"}, "is not the name of a file");
    assert_refused(&(leat_files_options){.cache_control = no_value},
                   "\"/assets/*\": needs a pattern");
    assert_refused(&(leat_files_options){.cache_control = no_pattern},
                   "needs a pattern that begins with '/'");
    assert_refused(&(leat_files_options){.cache_control = control}, "needs a pattern");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_fit_by_their_stars),
        cmocka_unit_test(a_path_that_no_file_can_have_is_not_written),
        cmocka_unit_test(a_file_comes_with_its_fields),
        cmocka_unit_test(folders_have_an_index_and_a_slash),
        cmocka_unit_test(another_index_can_be_named),
        cmocka_unit_test(clean_urls_leave_endings_away),
        cmocka_unit_test(the_fallback_answers_for_pages),
        cmocka_unit_test(cache_control_is_what_the_first_rule_says),
        cmocka_unit_test(twins_are_sent_to_those_who_take_them),
        cmocka_unit_test(a_stale_twin_is_left_alone),
        cmocka_unit_test(a_twin_that_has_gone_is_replaced_by_the_original),
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
        cmocka_unit_test(a_bundle_answers_as_its_folder_does),
        cmocka_unit_test(a_bundle_judges_conditions_and_ranges),
        cmocka_unit_test(wrong_options_are_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
