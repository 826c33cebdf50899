/* test_error_page.c: who gets a page for an error, who a problem, and what comes with each. */
#define _GNU_SOURCE
#include "fixture.h"

#include "http/http.h"

static int wanted;
static const char *detail;

static void fail_so(leat_exchange *x)
{
    leat_problem(x, wanted, detail);
}

static void open_failing(struct bench *b, int status)
{
    leat_app *app = leat_app_create();
    wanted = status;
    leat_get(app, "/", fail_so);
    open_bench(b, app);
}

static const char *ask(struct bench *b, const char *method, const char *fields)
{
    char request[512];
    snprintf(request, sizeof request, "%s / HTTP/1.1\r\nHost: leat\r\n%s\r\n", method, fields);
    return answer(b, request);
}

static bool is_page(const char *sent)
{
    bool is = count_line(sent, "Content-Type: text/html; charset=utf-8") == 1;
    assert_int_equal(count_line(sent, "Content-Type: application/problem+json"), !is);
    assert_int_equal(
        count_line(sent, "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'"), is);
    assert_int_equal(count_line(sent, "X-Content-Type-Options: nosniff"), is);
    assert_int_equal(count_line(sent, "Vary: Accept"), 1);
    return is;
}

static void who_names_html_gets_a_page(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        bool page;
    } cases[] = {
        {"Accept: text/html\r\n", true},
        {"accept: image/png, TEXT/HTML\r\n", true},
        {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", true},
        {"Accept: ,, text/html ; q=0.001\r\n", true},
        {"Accept: text/html;level=1;Q=1\r\n", true},
        {"Accept: application/json;q=0.5\r\nAccept: text/html;q=0.6\r\n", true},
        {"Accept: text/html;q=1.000, application/problem+json;q=0.999\r\n", true},
        {"Accept: application/json\r\nAccept: text/html;q=0.5\r\n", false},
        {"Accept: text/html, application/json\r\n", false},
        {"Accept: text/html, application/problem+json\r\n", false},
        {"Accept: text/html;q=0, text/html;level=1\r\n", true},
        {"", false},
        {"Accept:\r\n", false},
        {"Accept: */*\r\n", false},
        {"Accept: text/*\r\n", false},
        {"Accept: text/html;q=0\r\n", false},
        {"Accept: text/html; q=0.000, */*\r\n", false},
        {"Accept: text/html;q=\r\n", false},
        {"Accept: text/htmlx, xtext/html, text/htm\r\n", false},
        {"Accept: application/xhtml+xml;of=text/html\r\n", false},
        {"Accept-Language: text/html\r\n", false},
        {"Accept: ;;,;q=1,text\r\n", false},
    };
    static struct bench b;
    open_failing(&b, 404);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *sent = ask(&b, "GET", cases[i].fields);
        assert_int_equal(status_of(sent), 404);
        if (is_page(sent) != cases[i].page)
            fail_msg("%s→ %s", cases[i].fields, sent);
    }
    close_bench(&b);
}

static void a_page_says_its_status_and_its_reason(void **state)
{
    (void)state;
    static const int statuses[] = {400, 403, 404, 421, 500, 503, 511};
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        static struct bench b;
        char words[128];
        open_failing(&b, statuses[i]);
        const char *sent = ask(&b, "GET", "Accept: text/html\r\n");
        assert_int_equal(status_of(sent), statuses[i]);
        assert_true(is_page(sent));
        assert_int_equal(count_field(sent, "Retry-After"), statuses[i] == 503);
        snprintf(words, sizeof words, "<h1><b>%d</b> %s</h1>", statuses[i],
                 leat__http_reason((unsigned)statuses[i]));
        assert_non_null(strstr(content_of(sent), words));
        snprintf(words, sizeof words, "Content-Length: %zu", strlen(content_of(sent)));
        assert_int_equal(count_line(sent, words), 1);
        sent = ask(&b, "HEAD", "Accept: text/html\r\n");
        assert_int_equal(count_line(sent, words), 1);
        assert_string_equal(content_of(sent), "");
        sent = ask(&b, "GET", "");
        assert_int_equal(status_of(sent), statuses[i]);
        assert_false(is_page(sent));
        assert_int_equal(count_field(sent, "Retry-After"), statuses[i] == 503);
        close_bench(&b);
    }
}

static void a_detail_stands_on_the_page(void **state)
{
    (void)state;
    static struct bench b;
    open_failing(&b, 404);
    detail = "No \"<b>\" & no \\ \x01 caf\xc3\xa9";
    const char *sent = ask(&b, "GET", "Accept: text/html\r\n");
    assert_true(is_page(sent));
    assert_non_null(strstr(content_of(sent), "<p>No \"&lt;b&gt;\" &amp; no \\   caf\xc3\xa9</p>"));
    static char endless[3000];
    memset(endless, '<', sizeof endless - 1);
    detail = endless; /* too long for a page: it is told as a problem */
    sent = ask(&b, "GET", "Accept: text/html\r\n");
    assert_int_equal(status_of(sent), 404);
    assert_false(is_page(sent));
    detail = NULL;
    close_bench(&b);
}

static void a_page_that_finds_no_room_stays_a_problem(void **state)
{
    (void)state;
    static struct bench b;
    open_failing(&b, 418);
    static char long_one[300];
    memset(long_one, 'x', sizeof long_one - 1);
    detail = long_one; /* with it the page does not fit into the arena's first piece */
    struct buffer *taken[1024];
    uint32_t count = 0;
    while (count < COUNT_OF(taken) && (taken[count] = buffer_acquire(&b.memory.chunks)) != NULL)
        count++;
    assert_true(count < COUNT_OF(taken));
    const char *sent = ask(&b, "GET", "Accept: text/html\r\n");
    assert_int_equal(status_of(sent), 418);
    assert_false(is_page(sent));
    while (count > 0)
        buffer_release(&b.memory.chunks, taken[--count]);
    sent = ask(&b, "GET", "Accept: text/html\r\n");
    assert_true(is_page(sent));
    detail = NULL;
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_names_html_gets_a_page),
        cmocka_unit_test(a_page_says_its_status_and_its_reason),
        cmocka_unit_test(a_detail_stands_on_the_page),
        cmocka_unit_test(a_page_that_finds_no_room_stays_a_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
