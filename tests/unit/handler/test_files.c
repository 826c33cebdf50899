/* test_files.c: which paths a folder answers, and that nothing outside of it can be opened. */
#define _GNU_SOURCE /* O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "exchange/app.h"
#include "handler/file_open.h"
#include "handler/files.h"

static char root_name[] = "/tmp/leat-files-XXXXXX";
static int root = -1;

static void put(const char *name)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "water", 5), 5);
    close(fd);
}

static void put_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", root_name, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

/* root_name/outside.txt lies beside the root that is served, root_name/site. */
static int make_tree(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root_name));
    root = open(root_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put("outside.txt");
    assert_int_equal(mkdirat(root, "site", 0755), 0);
    assert_int_equal(mkdirat(root, "site/deep", 0755), 0);
    assert_int_equal(mkdirat(root, "site/.well-known", 0755), 0);
    put("site/index.html");
    put("site/deep/note.txt");
    put("site/.secret");
    put("site/.well-known/security.txt");
    put("site/closed.txt");
    assert_int_equal(fchmodat(root, "site/closed.txt", 0, 0), 0);
    assert_int_equal(symlinkat("deep/note.txt", root, "site/inside-link"), 0);
    assert_int_equal(symlinkat("../outside.txt", root, "site/outside-link"), 0);
    assert_int_equal(symlinkat("/etc/passwd", root, "site/absolute-link"), 0);
    assert_int_equal(symlinkat("/proc/self/root", root, "site/magic-link"), 0);
    assert_int_equal(symlinkat("..", root, "site/up"), 0);
    assert_int_equal(symlinkat("loop", root, "site/loop"), 0);
    assert_int_equal(mkfifoat(root, "site/pipe", 0644), 0);
    put_socket("site/socket");
    int site = openat(root, "site", O_PATH | O_DIRECTORY | O_CLOEXEC);
    close(root);
    root = site;
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    char command[128];
    close(root);
    snprintf(command, sizeof command, "rm -r %s", root_name);
    return system(command);
}

/* What opening path comes to: 0 for a file or folder, else the error. */
static int open_and_close(const char *path, struct stat *status)
{
    int fd = leat__files_open_beneath(root, path, status);
    if (fd < 0)
        return fd;
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    return 0;
}

static void dots_and_empty_segments_are_not_served(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",       "a",   "a.html",           "a/b/c",        "a/", "a.b/c",
        "a..b/c", "a b", ".well-known/acme", "x/.well-known"};
    static const char *const bad[] = {
        ".",         "..", "../a", "a/../b",     "a/..", "a/.",          "./a",       ".git/HEAD",
        "a/.hidden", "/a", "a//b", "//evil.org", "...",  ".well-knownx", ".well-know"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(leat__files_is_servable(good[i]));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(leat__files_is_servable(bad[i]));
}

static void files_and_folders_beneath_open(void **state)
{
    (void)state;
    struct stat status;
    assert_int_equal(open_and_close("index.html", &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(status.st_size, 5);
    assert_int_equal(open_and_close("deep/note.txt", &status), 0);
    assert_int_equal(open_and_close("deep", &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(open_and_close("inside-link", &status), 0);
    assert_true(S_ISREG(status.st_mode));
}

/* The kernel is the last line: these paths never get past leat__files_is_servable, or hide in links. */
static void nothing_outside_of_the_root_opens(void **state)
{
    (void)state;
    static const char *const outside[] = {
        "../outside.txt", "deep/../../outside.txt", "/etc/passwd",          "outside-link",
        "absolute-link",  "up/outside.txt",         "magic-link/etc/passwd"};
    struct stat status;
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        int error = open_and_close(outside[i], &status);
        assert_true(error < 0);
        assert_int_equal(leat__files_status_of(error), 404);
    }
}

static void special_files_are_not_there(void **state)
{
    (void)state;
    struct stat status;
    assert_int_equal(leat__files_status_of(open_and_close("pipe", &status)), 404);
    assert_int_equal(leat__files_status_of(open_and_close("socket", &status)), 404);
}

static void refusals_have_the_right_status(void **state)
{
    (void)state;
    struct stat status;
    char long_name[5000];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(leat__files_status_of(open_and_close("missing", &status)), 404);
    assert_int_equal(leat__files_status_of(open_and_close("index.html/x", &status)), 404);
    assert_int_equal(leat__files_status_of(open_and_close("index.html/", &status)), 404);
    assert_int_equal(leat__files_status_of(open_and_close("loop", &status)), 404);
    assert_int_equal(leat__files_status_of(open_and_close(long_name, &status)), 404);
    if (geteuid() != 0)
        assert_int_equal(open_and_close("closed.txt", &status), -EACCES);
    assert_int_equal(leat__files_status_of(-EACCES), 403);
    assert_int_equal(leat__files_status_of(-EMFILE), 503);
    assert_int_equal(leat__files_status_of(-EIO), 500);
}

static void a_refused_file_leaves_no_descriptor_behind(void **state)
{
    (void)state;
    struct stat status;
    int before = dup(root);
    close(before);
    assert_true(open_and_close("pipe", &status) < 0);
    assert_true(open_and_close("outside-link", &status) < 0);
    int after = dup(root);
    close(after);
    assert_int_equal(before, after);
}

/* ── Reading one version ── */

/* Called in place of libc's: what happens to a file between its octets being read and their being believed. */
static void (*while_reading)(void);

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's names are its own */
ssize_t preadv2(int fd, const struct iovec *pieces, int count, off_t at, int flags)
{
    ssize_t n = syscall(SYS_preadv2, fd, pieces, (long)count, (long)at, 0L, (long)flags);
    if (while_reading != NULL)
        while_reading();
    return n;
}

static void rewrite_note(void)
{
    int fd = openat(root, "deep/note.txt", O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "flood", 5), 5);
    close(fd);
}

static void shorten_note(void)
{
    int fd = openat(root, "deep/note.txt", O_WRONLY | O_TRUNC | O_CLOEXEC);
    close(fd);
}

static void what_changes_while_it_is_read_is_not_believed(void **state)
{
    (void)state;
    static void (*const changes[])(void) = {rewrite_note, shorten_note};
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        char text[16];
        struct file_identity identity;
        int fd = openat(root, "deep/note.txt", O_RDONLY | O_CLOEXEC);
        leat__file_await_quiet(fd);
        assert_int_equal(leat__file_identify(fd, &identity), 0);
        assert_int_equal(leat__file_read(fd, text, &identity, false), 0);
        while_reading = changes[i];
        assert_int_equal(leat__file_read(fd, text, &identity, false), -ESTALE);
        while_reading = NULL;
        rewrite_note();
        close(fd);
    }
}

/* Its next version may have the same times: who must not wait is told to come again, who may waits for it. */
static void what_was_written_in_the_tick_under_way_is_not_read(void **state)
{
    (void)state;
    char text[16];
    struct file_identity identity;
    unsigned again = 0;
    int fd = openat(root, "deep/note.txt", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 200; i++) {
        rewrite_note();
        assert_int_equal(leat__file_identify(fd, &identity), 0);
        int error = leat__file_read(fd, text, &identity, false);
        assert_true(error == 0 || error == -EAGAIN); /* 0: the tick was over just then */
        again += error == -EAGAIN;
    }
    assert_true(again > 0);
    rewrite_note();
    assert_int_equal(leat__file_identify(fd, &identity), 0);
    assert_int_equal(leat__file_read(fd, text, &identity, true), 0);
    assert_true(leat__file_is_quiet(&identity));
    close(fd);
}

static void another_version_is_not_read(void **state)
{
    (void)state;
    char text[16];
    struct file_identity identity, other;
    int fd = openat(root, "deep/note.txt", O_RDONLY | O_CLOEXEC);
    leat__file_await_quiet(fd);
    assert_int_equal(leat__file_identify(fd, &identity), 0);
    assert_int_equal(leat__file_read(fd, text, &identity, false), 0);
    assert_memory_equal(text, "flood", 5);
    other = identity;
    other.modified_ns++;
    assert_int_equal(leat__file_read(fd, text, &other, false), -ESTALE);
    other = identity;
    other.inode++;
    assert_int_equal(leat__file_read(fd, text, &other, true), -ESTALE);
    close(fd);
}

static void assert_open_error(const char *directory, const char *expected)
{
    leat_app *app = leat_app_create();
    assert_null(leat_files_open(app, directory));
    assert_string_equal(leat__app_errors(app), expected);
    leat_app_destroy(app);
}

static void a_folder_that_cannot_be_opened_is_told(void **state)
{
    (void)state;
    assert_open_error("/no/such/folder", "/no/such/folder: no such folder\n");
    assert_open_error("/etc/passwd", "/etc/passwd: not a folder; name the one it lies in\n");
    leat_app *app = leat_app_create();
    assert_non_null(leat_files_open(app, root_name));
    assert_string_equal(leat__app_errors(app), "");
    leat_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dots_and_empty_segments_are_not_served),
        cmocka_unit_test(files_and_folders_beneath_open),
        cmocka_unit_test(nothing_outside_of_the_root_opens),
        cmocka_unit_test(special_files_are_not_there),
        cmocka_unit_test(refusals_have_the_right_status),
        cmocka_unit_test(a_refused_file_leaves_no_descriptor_behind),
        cmocka_unit_test(what_changes_while_it_is_read_is_not_believed),
        cmocka_unit_test(what_was_written_in_the_tick_under_way_is_not_read),
        cmocka_unit_test(another_version_is_not_read),
        cmocka_unit_test(a_folder_that_cannot_be_opened_is_told),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
