/* The line that shows how a load stands, on a terminal of some width. */
#define _GNU_SOURCE
#include "load/face.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static int master;
static FILE *terminal;
static struct load_options o;

static int begin(void **state)
{
    (void)state;
    master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int fd = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    struct termios t;
    tcgetattr(fd, &t);
    cfmakeraw(&t);
    tcsetattr(fd, TCSANOW, &t);
    terminal = fdopen(fd, "w");
    leat__load_options_init(&o);
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C", 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fclose(terminal);
    close(master);
    leat__load_options_free(&o);
    return 0;
}

static void be_wide(unsigned short columns)
{
    struct winsize size = {.ws_col = columns, .ws_row = 24};
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
}

static const char *shown(void)
{
    static char text[4096];
    ssize_t size = read(master, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static const struct load_moment measuring = {.phase = LOAD_MEASURING,
                                             .seconds = 5,
                                             .share = 0.5,
                                             .active = 64,
                                             .per_second = 12345,
                                             .p50_ns = 320000,
                                             .p99_ns = 1100000};

static void a_line_of_plain_text(void **state)
{
    (void)state;
    be_wide(120);
    struct load_face *face = leat__load_progress_open(&o, terminal, false);
    leat__load_progress_show(face, &measuring);
    assert_string_equal(
        shown(), "\rmeasuring  [######......]  50%   12345/s  p50  320 us  p99 1.10 ms  #\033[K");
    struct load_moment worse = measuring;
    worse.errors = 7;
    worse.per_second = 0;
    worse.p50_ns = 0;
    leat__load_progress_show(face, &worse);
    assert_string_equal(shown(), "\rmeasuring  [######......]  50%       0/s  7 errors  #_\033[K");
    leat__load_progress_close(face);
    assert_string_equal(shown(), "\r\033[K");
}

static void marks_where_the_terminal_has_them(void **state)
{
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    be_wide(120);
    struct load_face *face = leat__load_progress_open(&o, terminal, false);
    struct load_moment moment = measuring;
    moment.per_second /= 2;
    leat__load_progress_show(face, &measuring);
    (void)shown();
    leat__load_progress_show(face, &moment);
    assert_non_null(strstr(shown(), "▕██████      ▏"));
    leat__load_progress_show(face, &moment);
    assert_non_null(strstr(shown(), "█▄▄"));
    leat__load_progress_close(face);
    (void)shown();
    setenv("TERM", "dumb", 1);
    face = leat__load_progress_open(&o, terminal, false);
    leat__load_progress_show(face, &measuring);
    assert_non_null(strstr(shown(), "[######......]"));
    leat__load_progress_close(face);
}

static void it_fits_in_a_narrow_one(void **state)
{
    (void)state;
    struct load_face *face = leat__load_progress_open(&o, terminal, false);
    for (unsigned short columns = 20; columns < 100; columns++) {
        be_wide(columns);
        for (int i = 0; i < 2; i++) {
            leat__load_progress_show(face, &measuring);
            assert_in_range(strlen(shown()) - strlen("\r\033[K"), 1, columns - 1);
        }
    }
    leat__load_progress_close(face);
}

static void while_it_connects_connections_are_told(void **state)
{
    (void)state;
    be_wide(120);
    o.idle = 1000;
    struct load_face *face = leat__load_progress_open(&o, terminal, false);
    const struct load_moment moment = {.phase = LOAD_CONNECTING, .share = 0.1, .active = 64, .idle = 100};
    leat__load_progress_show(face, &moment);
    assert_non_null(strstr(shown(), "connecting [#...........]  10%  64 active, 100 of 1000 idle"));
    leat__load_progress_close(face);
}

static void a_log_says_nothing_at_once_and_quiet_never(void **state)
{
    (void)state;
    char text[256] = "";
    FILE *log = tmpfile();
    assert_non_null(log);
    struct load_face *face = leat__load_progress_open(&o, log, false);
    assert_non_null(face);
    leat__load_progress_show(face, &measuring);
    leat__load_progress_close(face);
    assert_int_equal(ftell(log), 0);
    rewind(log);
    assert_null(fgets(text, sizeof text, log));
    fclose(log);
    assert_null(leat__load_progress_open(&o, terminal, true));
    leat__load_progress_show(NULL, &measuring);
    leat__load_progress_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_of_plain_text, begin, end),
        cmocka_unit_test_setup_teardown(marks_where_the_terminal_has_them, begin, end),
        cmocka_unit_test_setup_teardown(it_fits_in_a_narrow_one, begin, end),
        cmocka_unit_test_setup_teardown(while_it_connects_connections_are_told, begin, end),
        cmocka_unit_test_setup_teardown(a_log_says_nothing_at_once_and_quiet_never, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
