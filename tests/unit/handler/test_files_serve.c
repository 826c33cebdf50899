/* test_files_serve.c: what a folder answers, and a bundle, and which options are none. */
#define _GNU_SOURCE
#include "unit/handler/files_stage.h"

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
        assert_int_equal(status_of(ask_all("GET", "/any", "Accept: text/html;q=0, image/png\r\n")), 404);
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

/* ── A bundle ── */

static void told(void *to, const char *file, uint64_t size)
{
    (void)to, (void)file, (void)size;
}

static void open_bundle(const leat_files_options *options)
{
    put_large("large.bin", 'a');
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
    assert_refused(&(leat_files_options){.fallback = "/none.html"},
                   "fallback \"none.html\": no such file in /tmp/leat-serve-");
    assert_refused(&(leat_files_options){.fallback = "docs"}, "fallback \"docs\": no such file");
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
        cmocka_unit_test(a_bundle_answers_as_its_folder_does),
        cmocka_unit_test(a_bundle_judges_conditions_and_ranges),
        cmocka_unit_test(wrong_options_are_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
