/* Flags and the URL become a load, or one line that says what is wrong and what to do. */
#define _GNU_SOURCE
#include "load/load.h"
#include "load/request.h"
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char error[LOAD_ERROR_SIZE];

/* NULL-terminated pairs of flag and value. */
static int give(struct load_options *o, const char *const *pairs)
{
    for (; *pairs != NULL; pairs += 2) {
        int taken = leat__load_options_flag(o, pairs[0], pairs[1], error, sizeof error);
        if (taken != 1)
            return taken;
    }
    return 0;
}

#define GIVE(o, ...) give(o, (const char *const[]){__VA_ARGS__, NULL})

static void begin(struct load_options *o, const char *url)
{
    leat__load_options_init(o);
    assert_int_equal(leat__load_options_url(o, url, error, sizeof error), 0);
}

static void check_well(struct load_options *o)
{
    if (leat__load_options_check(o, error, sizeof error) != 0)
        fail_msg("%s", error);
}

static void defaults_are_a_closed_loop_of_64(void **state)
{
    (void)state;
    struct load_options o;
    begin(&o, "http://127.0.0.1:8080/a?b");
    check_well(&o);
    assert_int_equal(o.active, 64);
    assert_int_equal(o.arrivals, LOAD_CLOSED);
    assert_int_equal(o.pipeline, 1);
    assert_true(o.duration_s == 10 && o.warmup_s == 1);
    assert_int_equal(o.timeout_ms, 5000);
    assert_int_equal(o.verify, LOAD_VERIFY_SAME);
    assert_string_equal(o.url, "http://127.0.0.1:8080/a?b");
    assert_int_equal(o.request_count, 1);
    assert_string_equal(o.requests[0].octets, "GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
    assert_int_equal(o.requests[0].size, strlen(o.requests[0].octets));
    assert_int_equal(o.requests[0].weight, 1);
    assert_string_equal(o.requests[0].name, "GET /a?b");
    assert_int_equal(o.to.ss_family, AF_INET);
    leat__load_options_free(&o);
}

static void a_url_alone_makes_its_request(void **state)
{
    (void)state;
    struct load_options o;
    begin(&o, "unix:/run/a.sock:/b");
    assert_string_equal(o.requests[0].octets, "GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_string_equal(o.url, "unix:/run/a.sock:/b");
    assert_int_equal(leat__load_options_url(&o, "http://127.0.0.1:1", error, sizeof error), 0);
    assert_string_equal(o.requests[0].octets, "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n");
    assert_int_equal(leat__load_options_url(&o, "https://127.0.0.1", error, sizeof error), 64);
    assert_non_null(strstr(error, "TLS"));
    leat__load_options_free(&o);
}

static void flags_in_all_forms(void **state)
{
    (void)state;
    struct load_options o;
    begin(&o, "http://127.0.0.1:8080");
    assert_int_equal(GIVE(&o, "-c", "7", "--idle", "100", "idle-rate", "2.5", "--rate", "10k/s",
                          "--threads", "2", "-d", "500ms", "--ramp", "2s", "--warm-up", "0",
                          "--timeout", "1m", "--pipeline", "4", "--loop", "epoll", "--verify", "status",
                          "--sources", "3", "--seed", "9", "-n", "1000", "--requests-per-connection",
                          "100", "--pid", "1", "--cores", "0", "--idle-cores", "0-0"),
                     0);
    check_well(&o);
    assert_int_equal(o.active, 7);
    assert_int_equal(o.idle, 100);
    assert_true(o.idle_rate == 2.5 && o.rate == 10000 && o.duration_s == 0.5 && o.ramp_s == 2 &&
                o.warmup_s == 0);
    assert_int_equal(o.arrivals, LOAD_CONSTANT);
    assert_int_equal(o.timeout_ms, 60000);
    assert_int_equal(o.pipeline, 4);
    assert_int_equal(o.loop, LOOP_EPOLL);
    assert_int_equal(o.verify, LOAD_VERIFY_STATUS);
    assert_int_equal(o.sources, 3);
    assert_int_equal(o.seed, 9);
    assert_int_equal(o.count, 1000);
    assert_int_equal(o.per_connection, 100);
    assert_int_equal(o.pid, 1);
    assert_true(CPU_ISSET(0, &o.active_cores) && CPU_COUNT(&o.idle_cores) == 1);
    leat__load_options_free(&o);
}

static void a_count_ends_it_alone(void **state)
{
    (void)state;
    struct load_options o;
    begin(&o, "http://127.0.0.1:8080");
    assert_int_equal(GIVE(&o, "--count", "10"), 0);
    check_well(&o);
    assert_true(o.duration_s == 0);
    assert_int_equal(GIVE(&o, "--duration", "1s"), 0);
    check_well(&o);
    assert_true(o.duration_s == 1 && o.count == 10);
    leat__load_options_free(&o);
}

static void a_request_as_it_is_asked_for(void **state)
{
    (void)state;
    struct load_options o;
    begin(&o, "http://127.0.0.1:8080/in");
    assert_int_equal(GIVE(&o, "--method", "POST", "--header", "A: b", "-H", "Host: other",
                          "--content-text", "x=1", "--status", "303", "--requests-per-connection", "1"),
                     0);
    check_well(&o);
    assert_string_equal(o.requests[0].octets,
                        "POST /in HTTP/1.1\r\nA: b\r\nHost: other\r\nContent-Length: "
                        "3\r\nConnection: close\r\n\r\nx=1");
    assert_int_equal(o.requests[0].status, 303);
    assert_false(o.requests[0].no_content);
    leat__load_options_free(&o);
    begin(&o, "http://127.0.0.1:8080");
    assert_int_equal(GIVE(&o, "-m", "HEAD"), 0);
    check_well(&o);
    assert_true(o.requests[0].no_content);
    assert_int_equal(GIVE(&o, "-m", "PUT"), 0);
    check_well(&o);
    assert_non_null(strstr(o.requests[0].octets, "Content-Length: 0\r\n"));
    leat__load_options_free(&o);
}

static void write_file(char path[static 32], const char *text)
{
    strcpy(path, "/tmp/leat-load-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void contents_come_from_files(void **state)
{
    (void)state;
    struct load_options o;
    char sent[32], expected[32], at_sent[40];
    write_file(sent, "question");
    snprintf(at_sent, sizeof at_sent, "@%s", sent);
    write_file(expected, "answer");
    begin(&o, "http://127.0.0.1:8080");
    assert_int_equal(GIVE(&o, "--content", at_sent, "--expect", expected), 0);
    assert_int_equal(leat__load_options_url(&o, "http://127.0.0.1:81/b", error, sizeof error),
                     0); /* either may come first */
    check_well(&o);
    check_well(&o); /* again, and nothing is other */
    assert_string_equal(
        o.requests[0].octets,
        "GET /b HTTP/1.1\r\nHost: 127.0.0.1:81\r\nContent-Length: 8\r\n\r\nquestion");
    assert_int_equal(o.requests[0].expected_size, 6);
    assert_memory_equal(o.requests[0].expected, "answer", 6);
    unlink(sent);
    unlink(expected);
    leat__load_options_free(&o);
    begin(&o, "http://127.0.0.1:8080");
    assert_int_equal(GIVE(&o, "--content", sent), 0);
    assert_int_equal(leat__load_options_check(&o, error, sizeof error), 78);
    assert_non_null(strstr(error, "No such file"));
    leat__load_options_free(&o);
}

static void mistakes_say_the_way_out(void **state)
{
    (void)state;
    static const struct {
        const char *flag, *value, *says;
    } rows[] = {
        {"--active", "0", "1 to 1000000"},
        {"--active", "many", "--active many"},
        {"--idle", "-1", "0 to 10000000"},
        {"--rate", "fast", "a second"},
        {"--rate", "0", "a second"},
        {"--rate", "nan", "a second"},
        {"--rate", "5/m", "a second"},
        {"--arrivals", "sometimes", "constant|poisson"},
        {"--duration", "0", "from 1ms to 24h"},
        {"--duration", "10", "from 1ms to 24h"},
        {"--duration", "never", "from 1ms to 24h"},
        {"--pipeline", "65", "1 to 64"},
        {"--loop", "kqueue", "auto|uring|epoll"},
        {"--verify", "all", "same|length|status"},
        {"--cores", "1-", "0,2-5"},
        {"--cores", "", "0,2-5"},
        {"--cores", "3-1", "0,2-5"},
        {"--cores", "99999999999999999999", "0,2-5"},
        {"--header", "nonsense", "Name: value"},
        {"--header", "A: b\r\nC: d", "control"},
        {"--header", "content-length: 5", "itself"},
        {"--method", "GE T", "a word"},
        {"--method", "CONNECT", "no HTTP"},
        {"--status", "99", "100 to 599"},
        {"--pid", "0", "1 to"},
        {"--content", NULL, "--content FILE"},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct load_options o;
        leat__load_options_init(&o);
        error[0] = '\0';
        assert_int_equal(leat__load_options_flag(&o, rows[i].flag, rows[i].value, error, sizeof error),
                         -EINVAL);
        if (strstr(error, rows[i].says) == NULL || strchr(error, '\n') != NULL)
            fail_msg("%s %s: %s", rows[i].flag, rows[i].value, error);
        leat__load_options_free(&o);
    }
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *flags[8];
        const char *says;
    } rows[] = {
        {{"--idle-rate", "1"}, "add --idle"},
        {{"--idle-cores", "0"}, "add --idle"},
        {{"--arrivals", "poisson"}, "add --rate"},
        {{"--pipeline", "2", "--requests-per-connection", "1"}, "leave one of them out"},
        {{"--pipeline", "8", "--requests-per-connection", "4"}, "make it smaller"},
        {{"--threads", "8", "--active", "4"}, "fewer"},
        {{"--method", "HEAD", "--expect", "/dev/null"}, "leave --expect out"},
        {{"--cores", "1023"}, "give some of"},
        {{"--mix", "/dev/null", "--method", "PUT"}, "leave it out"},
        {{"--mix", "/dev/null", "--status", "200"}, "leave it out"},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        struct load_options o;
        begin(&o, "http://127.0.0.1:8080");
        assert_int_equal(give(&o, rows[i].flags), 0);
        assert_int_equal(leat__load_options_check(&o, error, sizeof error), 64);
        if (strstr(error, rows[i].says) == NULL || strchr(error, '\n') != NULL)
            fail_msg("row %u: %s", i, error);
        leat__load_options_free(&o);
    }
    struct load_options o;
    begin(&o, "http://[::1]:8080");
    assert_int_equal(GIVE(&o, "--sources", "2"), 0);
    assert_int_equal(leat__load_options_check(&o, error, sizeof error), 64);
    leat__load_options_free(&o);
    leat__load_options_init(&o);
    assert_int_equal(leat__load_options_check(&o, error, sizeof error), 64);
    assert_non_null(strstr(error, "URL"));
    leat__load_options_free(&o);
    begin(&o, "http://127.0.0.1:8080");
    assert_int_equal(GIVE(&o, "--pid", "2147483647"), 0);
    assert_int_equal(leat__load_options_check(&o, error, sizeof error), 69);
    leat__load_options_free(&o);
}

static void the_flag_that_was_meant(void **state)
{
    (void)state;
    struct load_options o;
    static const char *const more[] = {"report"};
    leat__load_options_init(&o);
    assert_int_equal(leat__load_options_flag(&o, "--activ", "1", error, sizeof error), -ENOENT);
    assert_int_equal(leat__load_options_flag(&o, "-x", "1", error, sizeof error), -ENOENT);
    assert_int_equal(leat__load_options_flag(&o, "-", "1", error, sizeof error), -ENOENT);
    assert_string_equal(leat__load_options_nearest("--activ", NULL, 0), "--active");
    assert_string_equal(leat__load_options_nearest("--raport", more, 1), "--report");
    assert_null(leat__load_options_nearest("--zzzzzzzz", more, 1));
    leat__load_options_free(&o);
    leat__load_options_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_a_closed_loop_of_64),
        cmocka_unit_test(a_url_alone_makes_its_request),
        cmocka_unit_test(flags_in_all_forms),
        cmocka_unit_test(a_count_ends_it_alone),
        cmocka_unit_test(a_request_as_it_is_asked_for),
        cmocka_unit_test(contents_come_from_files),
        cmocka_unit_test(mistakes_say_the_way_out),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(the_flag_that_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
