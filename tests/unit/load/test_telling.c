/* What is told of a load: the summary, the page and the drawing, and the warnings, of figures that are known. */
#define _GNU_SOURCE
#include "fake.h"
#include "load/face.h"
#include "load/human.h"
#include "load/page.h"
#include "load/warnings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static struct load_options o;
static struct load_result r;
static struct load_by_request by_request[2];

static int begin(void **state)
{
    (void)state;
    fake_load(&o, &r, by_request);
    return 0;
}

static int end(void **state)
{
    (void)state;
    leat__load_options_free(&o);
    return 0;
}

static void says(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("\"%s\" is not in:\n%s", what, text);
}

static void says_not(const char *text, const char *what)
{
    if (strstr(text, what) != NULL)
        fail_msg("\"%s\" is in:\n%s", what, text);
}

/* ── The summary ── */

static void a_summary_of_what_went_well(void **state)
{
    (void)state;
    char *text = fake_text(leat__load_summary, &o, &r);
    says(text, "http://127.0.0.1:8080/, 64 connections; a closed loop\n2.00 s measured behind 1.00 "
               "s of warm-up; epoll, 1 thread\n");
    says(text,
         "answers              1000 right, 500 a second; 1.00 MiB/s received, 512 KiB/s sent\n");
    says(text, "errors               none\n");
    says(text, "\n  active             ");
    says(text, "500 us of processor time a request, 25% of a core; 3.00 MiB resident");
    says_not(text, "warning");
    says_not(text, "server");
    says_not(text, "quiet");
    assert_true(leat__load_result_is_well(&r));
    free(text);
}

static void a_summary_of_everything(void **state)
{
    (void)state;
    o.idle = 100;
    o.arrivals = LOAD_POISSON;
    o.rate = 500;
    o.pipeline = 4;
    o.per_connection = 1;
    o.pid = 123;
    r.idle.connections = 100;
    r.idle.answers = 1000;
    histogram_record(&r.idle.latency, 2000000);
    r.server = (struct load_server){.valid = true,
                                    .cpu_s = 0.02,
                                    .user_s = 0.01,
                                    .system_s = 0.01,
                                    .resident = 2 << 20,
                                    .resident_before = 1 << 20,
                                    .peak = 3 << 20,
                                    .minor_faults = 7,
                                    .threads = 2};
    char *text = fake_text(leat__load_summary, &o, &r);
    says(text, "64 connections and 100 quiet ones, 4 requests under way on each, a new one for "
               "each request; an open loop of 500/s, as people come\n");
    says(text, "of quiet ones        1000 right, 500 a second; 100 connections were held\n");
    says(text, "\n    from sending");
    says(text, "\n  quiet    ");
    says(text, "server, pid 123      10.0 us of processor time a request, 1% of a core (user 0.01 "
               "s, system 0.01 s)\n");
    says(text, "2.00 MiB resident, 1.00 MiB before, 3.00 MiB at the most\n");
    says(text, "7 minor, 0 major\n");
    free(text);
}

static void errors_are_told_by_kind_and_without_their_controls(void **state)
{
    (void)state;
    r.active.errors[LOAD_ERROR_TIMEOUT] = 3;
    r.idle.errors[LOAD_ERROR_STATUS] = 2;
    strcpy(r.first_error, "GET /\x1b[2J: answered 500");
    char *text = fake_text(leat__load_summary, &o, &r);
    says(text, "errors               timeout 3, status 2\n");
    says(text, "GET /?[2J: answered 500\n");
    assert_false(leat__load_result_is_well(&r));
    free(text);
}

/* ── Warnings ── */

static void gather(void *to, const char *line)
{
    strcat(to, line);
    strcat(to, "\n");
}

static const char *warnings(void)
{
    static char text[4096];
    text[0] = '\0';
    leat__load_warnings(&o, &r, gather, text);
    return text;
}

static void nothing_is_warned_of_when_all_is_well(void **state)
{
    (void)state;
    assert_string_equal(warnings(), "");
}

static void this_program_was_late(void **state)
{
    (void)state;
    histogram_record(&r.lateness, 50000);
    assert_string_equal(warnings(), "");
    for (int i = 0; i < 100; i++)
        histogram_record(&r.lateness, 5000000);
    says(warnings(), "this program itself was late");
}

static void its_core_was_full(void **state)
{
    (void)state;
    r.own_cpu_s = 1.96;
    says(warnings(), "own cores were full (98%)");
    r.threads = 2;
    assert_string_equal(warnings(), "");
}

static void the_schedule_was_missed(void **state)
{
    (void)state;
    o.arrivals = LOAD_CONSTANT;
    o.rate = 5000;
    r.missed = 9000;
    says(warnings(), "9000 requests of the schedule were still owing at the end: of the 5000/s "
                     "that were asked for 500/s were answered");
    r.missed = 10; /* under way when it ended */
    assert_string_equal(warnings(), "");
}

static void a_closed_loop_hides_a_stall(void **state)
{
    (void)state;
    says(warnings(), "");
    histogram_record(&r.active.latency, 1000000000);
    says(warnings(), "a closed loop waits while the server stands still: the longest answer took "
                     "998 ms, the median 1.01 ms");
    o.arrivals = LOAD_CONSTANT;
    o.rate = 500;
    assert_string_equal(warnings(), "");
}

static void contents_differ_quiet_ones_are_lost_and_nobody_answers(void **state)
{
    (void)state;
    r.active.errors[LOAD_ERROR_CONTENT] = 5;
    o.idle = 10;
    r.idle.connections = 8;
    o.pid = 1;
    r.active.answers = 0;
    says(warnings(), "5 answers had another content");
    says(warnings(), "of 10 quiet connections 8 were open at the end");
    says(warnings(), "the process 1 could not be read");
    says(warnings(), "there was no right answer");
}

/* ── The page ── */

static void a_page_escapes_what_it_is_told(void **state)
{
    (void)state;
    strcpy(o.requests[0].name, "GET /<script>");
    strcpy(o.url, "http://a/?b=1&c=\"<i>");
    r.active.errors[LOAD_ERROR_STATUS] = 1;
    strcpy(r.first_error, "<b>\x01&");
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    leat__load_page(to, "<svg/>", &o, &r);
    fclose(to);
    says(text, "http://a/?b=1&amp;c=&quot;&lt;i&gt;");
    says(text, "&lt;b&gt; &amp;");
    says(text, "<svg/>");
    says_not(text, "<script");
    says_not(text, "<i>");
    free(text);
}

static void reports_by_their_names(void **state)
{
    (void)state;
    char error[LOAD_ERROR_SIZE], path[] = "/tmp/leat-report-XXXXXX.svg", text[64] = "";
    assert_null(leat__load_report_fault("a.svg"));
    assert_null(leat__load_report_fault("b.c/a.html"));
    assert_null(leat__load_report_fault("a.png"));
    assert_non_null(leat__load_report_fault("a.svg/b"));
    assert_non_null(leat__load_report_fault("svg"));
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    assert_int_equal(leat__load_report(path, &o, &r, error, sizeof error), 0);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_memory_equal(text, "<svg ", 5);
    close(fd);
    unlink(path);
    assert_true(leat__load_report("/no/such/folder.svg", &o, &r, error, sizeof error) < 0);
    says(error, "No such file");
    memset(&r.active.latency, 0, sizeof r.active.latency); /* nothing to draw is drawn, too */
    memset(&r.active.service, 0, sizeof r.active.service);
    fd = mkstemps(strcpy(path, "/tmp/leat-report-XXXXXX.svg"), 4);
    assert_int_equal(leat__load_report(path, &o, &r, error, sizeof error), 0);
    close(fd);
    unlink(path);
}

/* ── Figures ── */

static void figures_have_three_digits(void **state)
{
    (void)state;
    char text[HUMAN_SIZE], line[] = "a\nb\x7f";
    static const struct {
        uint64_t ns;
        const char *text;
    } times[] = {{0, "0 ns"},           {7, "7.00 ns"},         {999, "999 ns"},
                 {1000, "1.00 us"},     {999499, "999 us"},     {999600, "1.00 ms"},
                 {12345678, "12.3 ms"}, {1500000000, "1.50 s"}, {100000000000, "100 s"}};
    for (unsigned i = 0; i < COUNT_OF(times); i++)
        assert_string_equal(leat__human_ns(text, times[i].ns), times[i].text);
    assert_string_equal(leat__human_count(text, 12345), "12345");
    assert_string_equal(leat__human_count(text, 1.5), "1.50");
    assert_string_equal(leat__human_count(text, 123456), "123k");
    assert_string_equal(leat__human_count(text, 999600), "1.00M");
    assert_string_equal(leat__human_bytes(text, 1023), "1023 B");
    assert_string_equal(leat__human_bytes(text, 1536), "1.50 KiB");
    leat__human_line(line);
    assert_string_equal(line, "a?b?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_summary_of_what_went_well, begin, end),
        cmocka_unit_test_setup_teardown(a_summary_of_everything, begin, end),
        cmocka_unit_test_setup_teardown(errors_are_told_by_kind_and_without_their_controls, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_warned_of_when_all_is_well, begin, end),
        cmocka_unit_test_setup_teardown(this_program_was_late, begin, end),
        cmocka_unit_test_setup_teardown(its_core_was_full, begin, end),
        cmocka_unit_test_setup_teardown(the_schedule_was_missed, begin, end),
        cmocka_unit_test_setup_teardown(a_closed_loop_hides_a_stall, begin, end),
        cmocka_unit_test_setup_teardown(contents_differ_quiet_ones_are_lost_and_nobody_answers, begin, end),
        cmocka_unit_test_setup_teardown(a_page_escapes_what_it_is_told, begin, end),
        cmocka_unit_test_setup_teardown(reports_by_their_names, begin, end),
        cmocka_unit_test(figures_have_three_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
