/* test_multipart.c: multipart/form-data as a stream: every part comes out whole however its octets come in, one at a time
 * too; every bound holds; what is malformed or cut off is answered 4xx and the connection closes; and files appear whole
 * or not at all. */
#include "fixture.h"
#include "exchange/multipart.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bench bench;
static const char *content; /* what leat_read gives */
static size_t content_size, content_at, step;
static bool breaks; /* the client goes at the end */

static int64_t read_some(struct leat_exchange *x, void *bytes, size_t size)
{
    size_t n = size_min(size_min(size, step), content_size - content_at);
    if (n == 0 && breaks)
        return -ECONNRESET;
    memcpy(bytes, content + content_at, n);
    content_at += n;
    if (n == 0)
        x->way.content = CONTENT_READ;
    return (int64_t)n;
}

static const struct exchange_carrier carrier = {.read = read_some};

static int open_it(void **state)
{
    (void)state;
    open_stage(&bench);
    bench.common.carrier = &carrier;
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    close_bench(&bench);
    return 0;
}

/* The handler reads these octets, so many at a time. */
static const char *post(leat_handler *handler, const char *type, const char *bytes, size_t size,
                        size_t at_a_time)
{
    char request[512];
    content = bytes;
    content_size = size;
    content_at = 0;
    step = at_a_time;
    bench_handler = handler;
    snprintf(request, sizeof request, "POST / HTTP/1.1\r\nHost: leat\r\nContent-Type: %s\r\n\r\n", type);
    begin(&bench, request);
    bench.x->way.content = CONTENT_READING;
    assert_int_equal(leat__exchange_route(bench.x), 0);
    leat__exchange_run(bench.x);
    if (bench.x->way.content == CONTENT_READING) /* what conn/ would do with the rest */
        bench.x->way.content = CONTENT_READ;
    return send_out(&bench);
}

#define TYPE "multipart/form-data; boundary=AaB03x"
#define FIELD(name) "--AaB03x\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define FILE_PART(name, filename)                                                                  \
    "--AaB03x\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" filename          \
    "\"\r\nContent-Type: image/gif\r\n\r\n"
#define END "--AaB03x--\r\n"

static size_t read_size;

/* Tells every part: name|filename|media type|content */
static void tell(leat_exchange *x)
{
    static char told[8192];
    size_t at = 0;
    leat_part part;
    leat_multipart *m = leat_multipart_begin(x, NULL);
    int more;
    while ((more = leat_multipart_next(m, &part)) == 1) {
        int64_t n;
        at += (size_t)snprintf(told + at, sizeof told - at, "%s|%s|%s|", part.name,
                               part.filename ? part.filename : "-", part.media_type);
        while ((n = leat_multipart_read(m, told + at, size_min(read_size, sizeof told - 512 - at))) > 0)
            at += (size_t)n;
        assert_int_equal(leat_multipart_read(m, told + at, 1), n); /* it stays at its end */
        at += (size_t)snprintf(told + at, sizeof told - at, "\n");
    }
    told[at] = '\0';
    assert_int_equal(m == NULL ? -EINVAL : leat_multipart_next(m, &part), more); /* and so does the whole */
    leat_text(x, 200, "%s", told);
}

static const char several[] =
    "a preamble\r\n" FIELD("larry") "first\r\n" FIELD("empty") "\r\n" FILE_PART(
        "pic", "C:\\\\a\\\\..\\\\b.gif") "\r\n--AaB03\r\n\r--AaB03x\n\r\n" FIELD("") "\r\n\r\n" END
                                                                                     "an epilogue";

static void parts_come_out_however_they_come_in(void **state)
{
    (void)state;
    for (size_t at_a_time = 1; at_a_time < sizeof several + 8; at_a_time += at_a_time < 90 ? 1 : 37) {
        for (read_size = 1; read_size <= 1000; read_size *= 10) {
            breaks = false;
            const char *sent = post(tell, TYPE, several, sizeof several - 1, at_a_time);
            assert_int_equal(status_of(sent), 200);
            assert_string_equal(content_of(sent),
                                "larry|-|text/plain|first\n"
                                "empty|-|text/plain|\n"
                                "pic|b.gif|image/gif|\r\n--AaB03\r\n\r--AaB03x\n\n"
                                "|-|text/plain|\r\n\n");
        }
    }
}

static void a_content_in_memory_does_as_well(void **state)
{
    (void)state;
    read_size = 100;
    const char *sent = act(&bench, tell,
                           "POST / HTTP/1.1\r\nHost: leat\r\nContent-Type: " TYPE
                           "\r\n\r\n" FIELD("a") "b\r\n" END);
    assert_string_equal(content_of(sent), "a|-|text/plain|b\n");
    sent = act(&bench, tell, "POST / HTTP/1.1\r\nHost: leat\r\nContent-Type: " TYPE "\r\n\r\n" END);
    assert_string_equal(content_of(sent), "");
}

static void filenames_are_data(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"a.txt", "a.txt"},  {"/etc/passwd", "passwd"},
                                           {"..\\\\x", "x"},    {"a/..", ""},
                                           {"..", ""},          {".", ""},
                                           {"a/", ""},          {"", ""},
                                           {"../../a b", "a b"}};
    read_size = 100;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char all[512], expected[64];
        int size = snprintf(all, sizeof all, FILE_PART("f", "%s") "x\r\n" END, names[i][0]);
        snprintf(expected, sizeof expected, "f|%s|image/gif|x\n", names[i][1]);
        assert_string_equal(content_of(post(tell, TYPE, all, (size_t)size, 7)), expected);
    }
    static const char nul[] = FILE_PART("f", "a\0b") "x\r\n" END;
    assert_int_equal(status_of(post(tell, TYPE, nul, sizeof nul - 1, 7)), 400);
}

static void what_is_malformed_is_400_and_closes(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "no delimiter at all",
        FIELD("a") "cut off",
        FIELD("a") "cut off\r\n--AaB03x",
        FIELD("a") "cut off\r\n--AaB03x-",
        "--AaB03x\r\nContent-Disposition: form-data; na",
        FIELD("a") "b\r\n--AaB03xy\r\n",
        "--AaB03x\r\nContent-Type: text/plain\r\n\r\nb\r\n" END,
        "--AaB03x\r\n\r\nb\r\n" END,
        "--AaB03x\r\nContent-Disposition: attachment; name=a\r\n\r\nb\r\n" END,
        "--AaB03x\nContent-Disposition: form-data; name=a\n\nb\n--AaB03x--\n",
    };
    read_size = 100;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        for (size_t at_a_time = 1; at_a_time < 200; at_a_time += 13) {
            const char *sent = post(tell, TYPE, bad[i], strlen(bad[i]), at_a_time);
            assert_int_equal(status_of(sent), 400);
            assert_int_equal(count_line(sent, "Connection: close"), 1);
        }
    }
}

static void another_type_is_415_and_no_boundary_400(void **state)
{
    (void)state;
    static const char all[] = FIELD("a") "b\r\n" END;
    assert_int_equal(
        status_of(post(tell, "multipart/mixed; boundary=AaB03x", all, sizeof all - 1, 100)), 415);
    assert_int_equal(status_of(post(tell, "text/plain", all, sizeof all - 1, 100)), 415);
    assert_int_equal(status_of(post(tell, "multipart/form-data", all, sizeof all - 1, 100)), 400);
    assert_int_equal(status_of(post(tell, "multipart/form-data; boundary=", all, sizeof all - 1, 100)),
                     400);
}

/* ── Bounds ── */

static leat_multipart_options limits;
static int ended;

static void pass_over(leat_exchange *x)
{
    leat_part part;
    leat_multipart *m = leat_multipart_begin(x, &limits);
    while ((ended = leat_multipart_next(m, &part)) == 1) {
    }
    leat_text(x, 200, "ok");
}

static void text_all(leat_exchange *x)
{
    leat_part part;
    leat_multipart *m = leat_multipart_begin(x, &limits);
    while ((ended = leat_multipart_next(m, &part)) == 1) {
        size_t size;
        const char *text = leat_multipart_text(m, &size);
        if (text != NULL) {
            assert_int_equal(strlen(text), size);
            assert_string_equal(leat_multipart_text(m, NULL), ""); /* nothing is left */
        }
    }
    leat_text(x, 200, "ok");
}

static char *repeat(const char *piece, size_t count, const char *behind, size_t *size)
{
    size_t piece_size = strlen(piece);
    char *all = malloc(piece_size * count + strlen(behind) + 1);
    assert_non_null(all);
    for (size_t i = 0; i < count; i++)
        memcpy(all + i * piece_size, piece, piece_size);
    strcpy(all + count * piece_size, behind);
    *size = piece_size * count + strlen(behind);
    return all;
}

static int status_for(leat_handler *handler, const char *begins, char octet, size_t count,
                      const char *ends)
{
    size_t begin_size = strlen(begins), size = begin_size + count + strlen(ends);
    char *all = malloc(size + 1);
    assert_non_null(all);
    memcpy(all, begins, begin_size);
    memset(all + begin_size, octet, count);
    strcpy(all + begin_size + count, ends);
    int status = status_of(post(handler, TYPE, all, size, 5000));
    free(all);
    return status;
}

static void endless_fields_are_413(void **state)
{
    (void)state;
    size_t size;
    limits = (leat_multipart_options){0};
    char *all = repeat(FIELD("a") "b\r\n", 1000, END, &size);
    assert_int_equal(status_of(post(text_all, TYPE, all, size, 5000)), 200);
    free(all);
    all = repeat(FIELD("a") "b\r\n", 1001, END, &size);
    assert_int_equal(status_of(post(text_all, TYPE, all, size, 5000)), 413);
    free(all);
    all = repeat(FIELD("a") "b\r\n", 5000, END, &size);
    const char *sent = post(text_all, TYPE, all, size, 5000);
    assert_int_equal(status_of(sent), 413);
    assert_int_equal(count_line(sent, "Connection: close"), 1);
    assert_int_equal(ended, -EMSGSIZE);
    assert_true(content_at < size); /* the rest was not even read */
    limits.parts_max = 10;
    assert_int_equal(status_of(post(pass_over, TYPE, all, size, 5000)), 413);
    free(all);
}

static void every_bound_holds(void **state)
{
    (void)state;
    static const char end[] = "\r\n" END;
    limits = (leat_multipart_options){.field_max = 100};
    assert_int_equal(status_for(text_all, FIELD("a"), 'x', 100, end), 200);
    assert_int_equal(status_for(text_all, FIELD("a"), 'x', 101, end), 413);
    assert_int_equal(status_for(pass_over, FIELD("a"), 'x', 101, end),
                     200); /* a field's bound is for fields that are read */
    limits = (leat_multipart_options){0};
    assert_int_equal(status_for(text_all, FIELD("a"), 'x', 16 << 10, end), 200);
    assert_int_equal(status_for(text_all, FIELD("a"), 'x', (16 << 10) + 1, end), 413);
    limits = (leat_multipart_options){.field_max = UINT64_MAX}; /* longer than the buffer */
    assert_int_equal(status_for(text_all, FIELD("a"), 'x', 56 << 10, end), 200);
    assert_int_equal(status_for(text_all, FIELD("a"), '\r', 56 << 10, end), 200);
    assert_int_equal(status_for(text_all, FIELD("a"), 'x', (56 << 10) + 1, end), 413);
    limits = (leat_multipart_options){.part_max = 5000};
    assert_int_equal(status_for(pass_over, FIELD("a"), 'x', 5000, end), 200);
    assert_int_equal(status_for(pass_over, FIELD("a"), 'x', 5001, end), 413);
    limits = (leat_multipart_options){.total_max = 20000};
    assert_int_equal(status_for(pass_over, FIELD("a"), 'x', 19000, end), 200);
    assert_int_equal(status_for(pass_over, FIELD("a"), 'x', 20000, end), 413);
    limits = (leat_multipart_options){0};
    assert_int_equal(status_for(pass_over, "", 'x', 4000, "\r\n" END), 200);
    assert_int_equal(status_for(pass_over, "", 'x', 1 << 20, "\r\n" END), 400); /* an endless preamble */
    assert_int_equal(status_for(pass_over, "--AaB03x\r\nX: ", 'x', 1 << 20, ""), 413); /* an endless head */
    assert_int_equal(status_for(pass_over, "--AaB03x", ' ', 1 << 20, ""), 400);
    assert_int_equal(status_for(pass_over, FIELD("a") "\r\n" END, 'x', 1 << 20, ""),
                     200); /* an epilogue is not read on */
}

static void text_alone(leat_exchange *x)
{
    leat_part part;
    leat_multipart *m = leat_multipart_begin(x, NULL);
    assert_null(leat_multipart_text(m, NULL)); /* there is no part yet */
    assert_int_equal(leat_multipart_next(m, &part), 1);
    const char *text = leat_multipart_text(m, NULL);
    leat_text(x, 200, "%s", text ? text : "none");
}

static void a_nul_in_a_text_is_400(void **state)
{
    (void)state;
    static const char good[] = FIELD("a") "b\r\n" END, bad[] = FIELD("a") "b\0c\r\n" END;
    assert_string_equal(content_of(post(text_alone, TYPE, good, sizeof good - 1, 1)), "b");
    assert_int_equal(status_of(post(text_alone, TYPE, bad, sizeof bad - 1, 1)), 400);
}

static void functions_take_null(void **state)
{
    (void)state;
    leat_part part;
    uint64_t size;
    assert_int_equal(leat_multipart_next(NULL, &part), -EINVAL);
    assert_int_equal(leat_multipart_read(NULL, &part, 1), -EINVAL);
    assert_null(leat_multipart_text(NULL, NULL));
    assert_int_equal(leat_multipart_save(NULL, AT_FDCWD, "a", &size), -EINVAL);
}

/* ── Files ── */

static int folder;
static int saved;
static uint64_t saved_size;
static const char *save_name;

static void save(leat_exchange *x)
{
    leat_part part;
    leat_multipart *m = leat_multipart_begin(x, &limits);
    saved = -1;
    while (leat_multipart_next(m, &part) == 1)
        saved = leat_multipart_save(m, folder, save_name, &saved_size);
    leat_text(x, 200, "ok");
}

static unsigned count_files(void)
{
    unsigned count = 0;
    DIR *all = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY));
    assert_non_null(all);
    for (const struct dirent *entry; (entry = readdir(all)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(all);
    return count;
}

static void a_part_becomes_a_file_or_nothing(void **state)
{
    (void)state;
    char path[] = "/tmp/leat-test-XXXXXX", written[100001];
    assert_non_null(mkdtemp(path));
    folder = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(folder >= 0);
    limits = (leat_multipart_options){0};
    save_name = "file";
    breaks = false;
    assert_int_equal(status_for(save, FILE_PART("f", "../x"), 'y', 100000, "\r\n" END), 200);
    assert_int_equal(saved, 0);
    assert_int_equal(saved_size, 100000);
    int fd = openat(folder, "file", O_RDONLY);
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(read(fd, written, sizeof written), 100000);
    assert_true(written[0] == 'y' && written[99999] == 'y');
    close(fd);
    /* one that is cut off leaves the old one as it was */
    assert_int_equal(status_for(save, FILE_PART("f", "x"), 'z', 50000, ""), 400);
    assert_int_equal(saved, -EBADMSG);
    breaks = true;
    status_for(save, FILE_PART("f", "x"), 'z', 50000, "");
    assert_int_equal(saved, -ECONNRESET);
    breaks = false;
    limits.part_max = 40000;
    assert_int_equal(status_for(save, FILE_PART("f", "x"), 'z', 50000, "\r\n" END), 413);
    assert_int_equal(count_files(), 1);
    static const char *const bad[] = {"", ".", "..", "a/b", "/a", NULL};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        save_name = bad[i];
        assert_int_equal(status_for(save, FILE_PART("f", "x"), 'z', 10, "\r\n" END), 200);
        assert_int_equal(saved, -EINVAL);
    }
    assert_int_equal(mkdirat(folder, "folder", 0700), 0);
    save_name = "folder"; /* the rename fails */
    assert_int_equal(status_for(save, FILE_PART("f", "x"), 'z', 10, "\r\n" END), 200);
    assert_true(saved < 0);
    assert_int_equal(count_files(), 2);
    assert_int_equal(unlinkat(folder, "folder", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(folder, "file", 0), 0);
    assert_int_equal(rmdir(path), 0);
    save_name = "file"; /* the folder is no more */
    assert_int_equal(status_for(save, FILE_PART("f", "x"), 'z', 10, "\r\n" END), 200);
    assert_int_equal(saved, -ENOENT);
    close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_out_however_they_come_in),
        cmocka_unit_test(a_content_in_memory_does_as_well),
        cmocka_unit_test(filenames_are_data),
        cmocka_unit_test(what_is_malformed_is_400_and_closes),
        cmocka_unit_test(another_type_is_415_and_no_boundary_400),
        cmocka_unit_test(endless_fields_are_413),
        cmocka_unit_test(every_bound_holds),
        cmocka_unit_test(a_nul_in_a_text_is_400),
        cmocka_unit_test(functions_take_null),
        cmocka_unit_test(a_part_becomes_a_file_or_nothing),
    };
    return cmocka_run_group_tests(tests, open_it, close_it);
}
