/* test_site.c: which site answers for which host, what it does around its responses, and which configurations are none. */
#define _GNU_SOURCE
#include "unit/exchange/fixture.h"

#include "handler/site.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64];

static int make_folder(void **state)
{
    (void)state;
    char path[128];
    snprintf(base, sizeof base, "/tmp/leat-site-XXXXXX");
    if (mkdtemp(base) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/large.html", base);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    int failed = ftruncate(fd, 65537);
    close(fd);
    snprintf(path, sizeof path, "%s/folder", base);
    return failed | mkdir(path, 0755);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", base);
    return system(command);
}

/* A site that redirects everything to https://NAME/: who answers can be read from the Location. */
static struct site_options site_to(const char *rule, const char *name, const char *other_name)
{
    struct site_options o = {.coded = true};
    o.redirects.items[o.redirects.count++] = rule;
    if (name != NULL)
        o.names.items[o.names.count++] = name;
    if (other_name != NULL)
        o.names.items[o.names.count++] = other_name;
    return o;
}

static void open_sites(struct bench *b, const struct site_options *options, uint32_t count)
{
    char error[512] = "";
    leat_app *app = leat_app_create();
    struct sites *sites = leat__sites_create(app, options, count, error, sizeof error);
    assert_string_equal(error, "");
    leat__sites_mount(app, sites);
    open_bench(b, app);
}

static const char *ask_host(struct bench *b, const char *target, const char *host)
{
    char request[512];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, host);
    return answer(b, request);
}

static void the_host_says_which_site_answers(void **state)
{
    (void)state;
    static const struct {
        const char *host, *location;
    } cases[] = {
        {"one.example", "https://one/x"},
        {"ONE.Example", "https://one/x"},
        {"one.example:8080", "https://one/x"},
        {"one.example.", "https://one/x"},
        {"one.example.:8080", "https://one/x"},
        {"www.one.example", "https://one/x"},
        {"two.example", "https://otherwise/x"},
        {"a.two.example", "https://two/x"},
        {"a.b.two.example:1", "https://two/x"},
        {"special.two.example", "https://special/x"},
        {"a.special.two.example", "https://two/x"},
        {"atwo.example", "https://otherwise/x"},
        {".two.example", "https://otherwise/x"},
        {"[2001:db8::1]", "https://address/x"},
        {"[2001:db8::1]:8080", "https://address/x"},
        {"[2001:db8::2]:8080", "https://otherwise/x"},
        {"127.0.0.1", "https://otherwise/x"},
        {"", "https://otherwise/x"},
    };
    const struct site_options options[] = {
        site_to("/* https://one/*", "one.example", "WWW.one.example"),
        site_to("/* https://two/*", "*.two.example", NULL),
        site_to("/* https://otherwise/*", NULL, NULL),
        site_to("/* https://special/*", "special.two.example", NULL),
        site_to("/* https://address/*", "[2001:db8::1]", NULL),
    };
    static struct bench b;
    open_sites(&b, options, COUNT_OF(options));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[128];
        snprintf(line, sizeof line, "Location: %s", cases[i].location);
        const char *sent = ask_host(&b, "/x", cases[i].host);
        if (status_of(sent) != 301 || count_line(sent, line) != 1)
            fail_msg("Host: %s → %s", cases[i].host, sent);
    }
    close_bench(&b);
}

static void a_host_of_nobody_is_misdirected(void **state)
{
    (void)state;
    static struct bench b;
    const struct site_options options[] = {site_to("/* https://one/*", "one.example", NULL)};
    char host[400];
    open_sites(&b, options, 1);
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_int_equal(status_of(ask_host(&b, "/", "two.example")), 421);
    assert_int_equal(status_of(ask_host(&b, "/", host)), 421);
    assert_int_equal(status_of(answer(&b, "POST / HTTP/1.1\r\nHost: two.example\r\n\r\n")), 421);
    assert_int_equal(status_of(answer(&b, "GET / HTTP/1.0\r\n\r\n")), 421);
    assert_int_equal(
        status_of(answer(&b, "GET http://one.example/ HTTP/1.1\r\nHost: two.example\r\n\r\n")), 301);
    assert_int_equal(status_of(ask_host(&b, "/", "one.example")), 301);
    close_bench(&b);
}

static void the_first_redirect_that_fits_counts_with_its_status(void **state)
{
    (void)state;
    static struct bench b;
    struct site_options o = {.coded = true};
    static const char *const rules[] = {"/a https://one/ 302", "/a https://two/",
                                        "/b/* https://three/* 308", "/* https://rest/* 307"};
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        o.redirects.items[o.redirects.count++] = rules[i];
    open_sites(&b, &o, 1);
    const char *sent = answer(&b, GET("/a?q=1"));
    assert_int_equal(status_of(sent), 302);
    assert_int_equal(count_line(sent, "Location: https://one/?q=1"), 1);
    sent = answer(&b, "POST /b/c HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(status_of(sent), 308);
    assert_int_equal(count_line(sent, "Location: https://three/c"), 1);
    assert_int_equal(status_of(answer(&b, GET("/"))), 307);
    assert_int_equal(status_of(answer(&b, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")), 204);
    close_bench(&b);
}

static void fields_are_on_every_response(void **state)
{
    (void)state;
    static struct bench b;
    struct site_options o = site_to("/* https://one/*", NULL, NULL);
    o.fields.items[o.fields.count++] = "X-Water: deep";
    o.fields.items[o.fields.count++] = "Link: </a>; rel=preload";
    o.fields.items[o.fields.count++] = "link: </b>; rel=preload";
    open_sites(&b, &o, 1);
    static const char *const requests[] = {GET("/x"), HEAD("/x"), "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
                                           "BREW /x HTTP/1.1\r\nHost: a\r\n\r\n"};
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        const char *sent = answer(&b, requests[i]);
        assert_int_equal(count_line(sent, "X-Water: deep"), 1);
        assert_int_equal(count_line(sent, "Link: </a>; rel=preload"), 1);
        assert_int_equal(count_line(sent, "link: </b>; rel=preload"), 1);
    }
    close_bench(&b);
}

static char told[512];

static const char *refusal(const struct site_options *options, uint32_t count)
{
    leat_app *app = leat_app_create();
    told[0] = '\0';
    assert_null(leat__sites_create(app, options, count, told, sizeof told));
    assert_null(strchr(told, '\n'));
    leat_app_destroy(app);
    return told;
}

static void assert_says(const char *told_line, const char *words)
{
    if (strstr(told_line, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, told_line);
}

static void wrong_names_are_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "http://a.example",    "a.example:80", "*",   "*.", "a.*.example", "*a.example",
        ".a.example",          "a b",          "a/b", "",   "[::1",        "[nothing]",
        "stra\xc3\x9f.example"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct site_options o = site_to("/* https://x/*", wrong[i], NULL);
        char words[64];
        snprintf(words, sizeof words, "site %s: ", wrong[i]);
        assert_says(refusal(&o, 1), words);
    }
    const struct site_options same[] = {site_to("/* https://x/*", "a.example", "b.example"),
                                        site_to("/* https://y/*", "B.Example.", NULL)};
    assert_says(refusal(same, 2), "two sites have this name");
    const struct site_options nameless[] = {site_to("/* https://x/*", NULL, NULL),
                                            site_to("/* https://y/*", NULL, NULL)};
    assert_says(refusal(nameless, 2), "two sites have no name");
}

static void wrong_rules_name_their_site(void **state)
{
    (void)state;
    struct site_options o = site_to("/a /b 200", "a.example", NULL);
    assert_says(refusal(&o, 1), "site a.example: redirect \"/a /b 200\": the status");
    o.redirects.items[0] = "/a\n/b";
    assert_says(refusal(&o, 1), "redirect \"/a?/b\"");
    o.redirects.items[0] = "/a /b 200";
    o.names.count = 0;
    assert_ptr_equal(strstr(refusal(&o, 1), "redirect \"/a /b 200\": the status"), told);
}

static void a_site_without_anything_to_serve_is_told(void **state)
{
    (void)state;
    struct site_options o = {.coded = true};
    assert_says(refusal(&o, 1), "give it a root or a bundle");
    o.redirects.items[o.redirects.count++] = "/a/* /b/*";
    assert_says(refusal(&o, 1), "give it a root or a bundle");
    o.root = base;
    o.bundle = "site.leat";
    assert_says(refusal(&o, 1), "a folder");
    o.root = "/no/such/folder";
    o.bundle = NULL;
    assert_says(refusal(&o, 1), "/no/such/folder: no such folder");
    o.root = NULL;
    o.bundle = "/no/such.leat";
    assert_says(refusal(&o, 1), "/no/such.leat: no such file; leat bundle");
}

static void error_pages_that_can_not_be_read_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *words;
    } cases[] = {
        {"404 /none.html", "none.html: no such file; make it"},
        {"404 /large.html", "larger than 64 KiB"},
        {"404 /folder", "not a file"},
        {"404 /../../../etc/passwd", "etc/passwd: "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct site_options o = {.root = base, .coded = true};
        o.error_pages.items[o.error_pages.count++] = cases[i].rule;
        assert_says(refusal(&o, 1), cases[i].words);
        assert_true(strncmp(told, "error-page \"404 /", 17) == 0);
    }
    struct site_options o = {.coded = true};
    o.error_pages.items[o.error_pages.count++] = "404 /a.html";
    assert_says(refusal(&o, 1), "no folder to read it from");
}

static void too_much_is_told(void **state)
{
    (void)state;
    static char long_field[9000];
    struct site_options o = site_to("/* https://x/*", NULL, NULL);
    snprintf(long_field, sizeof long_field, "X-Long: %0*d", 8300, 0);
    o.fields.items[o.fields.count++] = long_field;
    assert_says(refusal(&o, 1), "8192 are allowed");
    struct site_options *many = calloc(SITES_MAX + 1, sizeof *many);
    assert_says(refusal(many, SITES_MAX + 1), "64 at most");
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_says_which_site_answers),
        cmocka_unit_test(a_host_of_nobody_is_misdirected),
        cmocka_unit_test(the_first_redirect_that_fits_counts_with_its_status),
        cmocka_unit_test(fields_are_on_every_response),
        cmocka_unit_test(wrong_names_are_told),
        cmocka_unit_test(wrong_rules_name_their_site),
        cmocka_unit_test(a_site_without_anything_to_serve_is_told),
        cmocka_unit_test(error_pages_that_can_not_be_read_are_told),
        cmocka_unit_test(too_much_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
