/* test_listing.c: the page of a folder: what is shown, in which order, and that no name does anything but stand there. */
#define _GNU_SOURCE
#include "unit/exchange/fixture.h"

#include "handler/listing.h"
#include "handler/listing_page.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bench bench;
static char base[64];
static int root = -1;
static const char *shown_folder, *shown_path;

static int open_it(void **state)
{
    (void)state;
    snprintf(base, sizeof base, "/tmp/leat-listing-XXXXXX");
    if (mkdtemp(base) == NULL)
        return -1;
    root = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    open_stage(&bench);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    char command[128];
    close(root);
    close_bench(&bench);
    snprintf(command, sizeof command, "rm -r %s", base);
    return system(command);
}

static void put(const char *path, size_t size)
{
    int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    struct timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void list(leat_exchange *x)
{
    leat__listing_send(x, openat(root, shown_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), shown_path);
}

static const char *show(const char *folder, const char *path)
{
    shown_folder = folder;
    shown_path = path;
    const char *sent = act(&bench, list, GET("/folder/"));
    const char *to = getenv("LEAT_LISTING_PAGE"); /* to look at it */
    if (to != NULL) {
        FILE *out = fopen(to, "w");
        fputs(strstr(sent, "\r\n\r\n") + 4, out);
        fclose(out);
    }
    return sent;
}

/* Whether the page has these pieces, one behind the other. */
static void assert_in_order(const char *page, const char *const *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = strstr(page, pieces[i]);
        if (at == NULL) {
            fail_msg("\"%s\" is not behind the one before it", pieces[i]);
            return;
        }
        page = at + strlen(pieces[i]);
    }
}

static void a_folder_is_shown_in_natural_order(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "<tr class='d'><td>", "href='Art/'",    "href='zoo/'",  "href='a1.txt'",
        "href='a2.txt'",      "href='a10.txt'", "href='B.png'", "href='c'",
        "3 folders",          "5 files",        "3.0 KiB"};
    mkdirat(root, "order", 0755);
    mkdirat(root, "order/zoo", 0755);
    mkdirat(root, "order/Art", 0755);
    mkdirat(root, "order/link-target", 0755);
    mkdirat(root, "order/.dotted", 0755);
    mkdirat(root, "order/.well-known", 0755);
    put("order/a10.txt", 1024);
    put("order/a2.txt", 1024);
    put("order/a1.txt", 1024);
    put("order/B.png", 0);
    put("order/c", 0);
    put("order/.secret", 0);
    assert_int_equal(mkfifoat(root, "order/pipe", 0644), 0);
    const char *page = show("order", "photos/order/");
    assert_int_equal(status_of(page), 200);
    assert_in_order(page, pieces, COUNT_OF(pieces));
    assert_null(strstr(page, "secret"));
    assert_null(strstr(page, "dotted"));
    assert_null(strstr(page, "well-known"));
    assert_null(strstr(page, "pipe"));
    assert_non_null(strstr(page, "<td>1.0 KiB</td><td>14 Nov 2023, 22:13</td>"));
}

static void the_way_up_is_relative(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "<title>a b/ c/ \xc2\xb7 leat</title>",
        "<h1><a href='./../../'>leat</a><i>/</i><a href='./../'><bdi>a b</bdi></a>",
        "<i>/</i><bdi>c</bdi></h1>", "<a href='../'>Up</a>"};
    mkdirat(root, "deep", 0755);
    assert_in_order(show("deep", "a b/c/"), pieces, COUNT_OF(pieces));
    const char *page = show("deep", "");
    assert_non_null(strstr(page, "<h1>leat</h1>"));
    assert_null(strstr(page, "Up</a>"));
    assert_non_null(strstr(page, "There is nothing in this folder."));
}

static void no_name_is_more_than_a_name(void **state)
{
    (void)state;
    mkdirat(root, "odd", 0755);
    put("odd/<script>alert(1)<", 0);
    put("odd/'\"&?#%.html", 0);
    put("odd/javascript:alert(1)", 0);
    put("odd/two\nlines\x7f", 0);
    put("odd/b\xc3\xa4r \xff \xe2\x80\xaegpj.exe", 0);
    put("odd/\xed\xa0\x80 \xc0\xaf \xe0\x82\xa9 \xf4\x90\x80\x80 \xe2\x82", 0);
    const char *page = show("odd", "<b>/");
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<b>"));
    assert_non_null(strstr(
        page, "href='%3Cscript%3Ealert%281%29%3C'><bdi>&#60;script&#62;alert(1)&#60;</bdi>"));
    assert_non_null(
        strstr(page, "href='%27%22%26%3F%23%25.html'><bdi>&#39;&#34;&#38;?#%.html</bdi>"));
    assert_non_null(strstr(page, "href='javascript%3Aalert%281%29'"));
    assert_non_null(strstr(page, "<bdi>two\xef\xbf\xbdlines\xef\xbf\xbd</bdi>"));
    assert_non_null(strstr(page, "b\xc3\xa4r \xef\xbf\xbd \xef\xbf\xbd"));
    assert_non_null(strstr(page, "href='b%C3%A4r%20%FF%20%E2%80%AEgpj.exe'"));
    assert_null(strstr(page, "\xed\xa0\x80"));
    assert_null(strstr(page, "\xc0\xaf"));
    assert_null(strstr(page, "\xe0\x82\xa9"));
    assert_null(strstr(page, "\xf4\x90"));
    assert_null(strstr(page, "\xe2\x80\xae"));
}

static void links_are_what_they_lead_to_or_tell_nothing(void **state)
{
    (void)state;
    mkdirat(root, "links", 0755);
    mkdirat(root, "links/inner", 0755);
    put("links/file.txt", 2048);
    assert_int_equal(symlinkat("file.txt", root, "links/to-file.txt"), 0);
    assert_int_equal(symlinkat("inner", root, "links/to-folder"), 0);
    assert_int_equal(symlinkat("/etc/passwd", root, "links/outside"), 0);
    assert_int_equal(symlinkat("nothing", root, "links/dangling"), 0);
    const char *page = show("links", "links/");
    assert_non_null(strstr(page, "<bdi>to-file.txt</bdi></a></td><td>2.0 KiB</td>"));
    assert_non_null(strstr(page, "href='to-folder/'"));
    assert_non_null(strstr(page, "<bdi>outside</bdi></a></td><td></td><td></td>"));
    assert_null(strstr(page, "dangling"));
}

static void the_page_asks_for_nothing_and_may_run_nothing(void **state)
{
    (void)state;
    mkdirat(root, "plain", 0755);
    put("plain/song.mp3", 1);
    const char *page = show("plain", "");
    assert_int_equal(
        count_line(page, "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'"), 1);
    assert_int_equal(count_line(page, "Content-Type: text/html; charset=utf-8"), 1);
    assert_int_equal(count_line(page, "X-Content-Type-Options: nosniff"), 1);
    assert_null(strstr(page, "src="));
    assert_null(strstr(page, "url(http"));
    assert_null(strstr(page, "//"));
}

/* Long names take all the memory that there is, and all is given back (close_it). */
static void a_large_folder_is_cut_and_says_so(void **state)
{
    (void)state;
    char name[300];
    mkdirat(root, "large", 0755);
    for (unsigned i = 0; i < 700; i++) {
        snprintf(name, sizeof name, "large/%04u-%0*d", i, 240, 0);
        put(name, 0);
    }
    const char *page = show("large", "large/");
    unsigned rows = 0;
    assert_int_equal(status_of(page), 200);
    for (const char *at = page; (at = strstr(at, "<bdi>0")) != NULL; at++)
        rows++;
    assert_true(rows > 100 && rows < 700);
    assert_non_null(strstr(page, "There is more in this folder"));
}

static struct listing_item *item_of(const char *name, bool is_folder)
{
    struct listing_item *item = calloc(1, sizeof *item + strlen(name) + 1);
    item->is_folder = is_folder;
    item->name_size = (uint16_t)strlen(name);
    strcpy(item->name, name);
    return item;
}

static void the_order_is_total(void **state)
{
    (void)state;
    static const char *const ordered[] = {"",
                                          "1",
                                          "01",
                                          "2",
                                          "2a",
                                          "10",
                                          "10a2",
                                          "10a10",
                                          "100",
                                          "9999999999999999999999",
                                          "99999999999999999999990",
                                          "A",
                                          "a",
                                          "a 1",
                                          "A1b",
                                          "a2",
                                          "a02",
                                          "aB",
                                          "b",
                                          "\xc3\xa4"};
    struct listing_item *items = NULL;
    for (size_t i = 0; i < COUNT_OF(ordered); i++) {
        struct listing_item *item = item_of(ordered[(i * 7 + 3) % COUNT_OF(ordered)], false);
        item->next = items;
        items = item;
    }
    items = leat__listing_sort(items);
    for (struct listing_item *item = items; item->next != NULL; item = item->next) {
        assert_true(leat__listing_compare(item, item->next) < 0);
        assert_true(leat__listing_compare(item->next, item) > 0);
        for (struct listing_item *later = item->next; later != NULL; later = later->next)
            assert_true(leat__listing_compare(item, later) < 0);
    }
    size_t count = 0;
    for (struct listing_item *item = items, *next; item != NULL; item = next) {
        next = item->next;
        if (count < 2) /* "01" and "1" are one number; the octets decide */
            assert_string_equal(item->name, count == 0 ? "" : "01");
        free(item);
        count++;
    }
    assert_int_equal(count, COUNT_OF(ordered));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_shown_in_natural_order),
        cmocka_unit_test(the_way_up_is_relative),
        cmocka_unit_test(no_name_is_more_than_a_name),
        cmocka_unit_test(links_are_what_they_lead_to_or_tell_nothing),
        cmocka_unit_test(the_page_asks_for_nothing_and_may_run_nothing),
        cmocka_unit_test(a_large_folder_is_cut_and_says_so),
        cmocka_unit_test(the_order_is_total),
    };
    return cmocka_run_group_tests(tests, open_it, close_it);
}
