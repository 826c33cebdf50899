/* test_bundle.c: what goes into a bundle comes out of it, the same folder gives the same octets, and no damage to what is
 * not content passes for a bundle. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "handler/bundle.h"
#include "handler/bundle_format.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/socket.h>
#include <unistd.h>

static char base[64], site[80], packed[80], again[80];
static int root = -1;
static unsigned told_count;
static uint64_t told_size;

static void put_octets(const char *path, const char *octets, size_t size)
{
    int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, octets, size), size);
    struct timespec times[2] = {{1700000000, 0}, {1700000000, 123}};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void put(const char *path, const char *text)
{
    put_octets(path, text, strlen(text));
}

static void put_socket(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%.60s/socket", site);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
    close(fd);
}

static void put_large(void)
{
    size_t size = 300001;
    char *octets = malloc(size);
    for (size_t i = 0; i < size; i++)
        octets[i] = (char)(i * 7 + i / 256);
    put_octets("large.bin", octets, size);
    free(octets);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(base, sizeof base, "/tmp/leat-bundle-XXXXXX");
    if (mkdtemp(base) == NULL)
        return -1;
    snprintf(site, sizeof site, "%s/site", base);
    snprintf(packed, sizeof packed, "%s/site.leat", base);
    snprintf(again, sizeof again, "%s/again.leat", base);
    mkdir(site, 0755);
    root = open(site, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdirat(root, "deep", 0755);
    mkdirat(root, ".git", 0755);
    mkdirat(root, ".well-known", 0755);
    put("index.html", "<p>home");
    put("empty.txt", "");
    put("deep/style.css", "p { color: #000 }");
    put("deep/style.css.br", "brotli");
    put("deep/style.css.gz", "gzip");
    put(".git/config", "secret");
    put(".hidden", "secret");
    put(".well-known/security.txt", "Contact: us");
    put("na\xc3\xafve \"name\".txt", "odd");
    put_large();
    put_socket();
    assert_int_equal(mkfifoat(root, "pipe", 0644), 0);
    assert_int_equal(symlinkat("deep/style.css", root, "inside"), 0);
    assert_int_equal(symlinkat("/etc/passwd", root, "outside"), 0);
    assert_int_equal(symlinkat("..", root, "deep/up"), 0);
    assert_int_equal(symlinkat("nothing", root, "dangling"), 0);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    close(root);
    snprintf(command, sizeof command, "rm -r %s", base);
    return system(command);
}

static void told(void *to, const char *file, uint64_t size)
{
    (void)to;
    (void)file;
    told_count++;
    told_size += size;
}

/* Packs with standard error put away: what is left out is told there. */
static int pack(const char *directory, const char *path)
{
    int err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    told_count = 0;
    told_size = 0;
    dup2(null, STDERR_FILENO);
    int status = leat__bundle_write(directory, path, told, NULL);
    dup2(err, STDERR_FILENO);
    close(err);
    close(null);
    return status;
}

static char *read_all(const char *path, size_t *size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    *size = (size_t)status.st_size;
    char *octets = malloc(*size + 1);
    assert_int_equal(read(fd, octets, *size), *size);
    octets[*size] = '\0';
    close(fd);
    return octets;
}

static struct bundle *open_packed(void)
{
    char error[256] = "";
    assert_int_equal(pack(site, packed), 0);
    struct bundle *b = leat__bundle_open(packed, error, sizeof error);
    if (b == NULL)
        fail_msg("%s", error);
    return b;
}

static bool has_line(const struct bundle_file *f, const char *line)
{
    return memmem(f->lines, f->lines_size, line, strlen(line)) != NULL;
}

static unsigned find(const struct bundle *b, const char *path, struct bundle_file out[CODING_COUNT])
{
    return leat__bundle_find(b, path, strlen(path), out);
}

static void assert_holds(const struct bundle *b, const char *path, const char *text)
{
    struct bundle_file f[CODING_COUNT];
    assert_true(find(b, path, f) & 1u << CODING_IDENTITY);
    assert_int_equal(f[0].size, strlen(text));
    assert_memory_equal(f[0].bytes, text, f[0].size);
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    struct bundle *b = open_packed();
    struct bundle_file f[CODING_COUNT];
    size_t size;
    char name[160];
    assert_int_equal(told_count, 9);
    assert_holds(b, "index.html", "<p>home");
    assert_holds(b, "empty.txt", "");
    assert_holds(b, "inside", "p { color: #000 }");
    assert_holds(b, "na\xc3\xafve \"name\".txt", "odd");
    assert_holds(b, ".well-known/security.txt", "Contact: us");
    assert_int_equal(find(b, "large.bin", f), 1);
    snprintf(name, sizeof name, "%s/large.bin", site);
    char *octets = read_all(name, &size);
    assert_int_equal(f[0].size, size);
    assert_int_equal(f[0].offset % PAGE_SIZE_BYTES, 0);
    assert_memory_equal(f[0].bytes, octets, size);
    free(octets);
    char copy[64];
    assert_int_equal(pread(leat__bundle_fd(b), copy, sizeof copy, (off_t)f[0].offset), sizeof copy);
    assert_memory_equal(copy, f[0].bytes, sizeof copy);
    leat__bundle_close(b);
}

static void what_is_not_served_is_not_in_it(void **state)
{
    (void)state;
    static const char *const absent[] = {"",
                                         ".hidden",
                                         ".git/config",
                                         "pipe",
                                         "socket",
                                         "outside",
                                         "dangling",
                                         "deep",
                                         "deep/",
                                         "deep/up",
                                         "index.htm",
                                         "/index.html",
                                         "deep/up/index.html",
                                         "index.html/"};
    struct bundle *b = open_packed();
    struct bundle_file f[CODING_COUNT];
    for (size_t i = 0; i < COUNT_OF(absent); i++)
        if (find(b, absent[i], f) != 0)
            fail_msg("\"%s\" is in it", absent[i]);
    leat__bundle_close(b);
}

static void twins_are_variants_with_lines_and_tags_of_their_own(void **state)
{
    (void)state;
    struct bundle *b = open_packed();
    struct bundle_file f[CODING_COUNT], alone[CODING_COUNT];
    assert_int_equal(find(b, "deep/style.css", f), 7);
    assert_int_equal(f[CODING_BR].size, 6);
    assert_memory_equal(f[CODING_BR].bytes, "brotli", 6);
    assert_memory_equal(f[CODING_GZIP].bytes, "gzip", 4);
    for (unsigned coding = 0; coding < CODING_COUNT; coding++) {
        assert_true(has_line(&f[coding], "Content-Type: text/css; charset=utf-8\r\n"));
        assert_true(has_line(&f[coding], "Vary: Accept-Encoding\r\n"));
        assert_true(has_line(&f[coding], "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n"));
        assert_int_equal(f[coding].modified_s, 1700000000);
        assert_memory_equal(f[coding].etag.data - 6, "ETag: \"", 7);
        assert_memory_equal(f[coding].etag.data + f[coding].etag.size - 1, "\"\r\n", 3);
        for (unsigned other = 0; other < coding; other++)
            assert_memory_not_equal(f[coding].etag.data, f[other].etag.data, f[coding].etag.size);
    }
    assert_true(has_line(&f[CODING_BR], "Content-Encoding: br\r\n"));
    assert_true(has_line(&f[CODING_GZIP], "Content-Encoding: gzip\r\n"));
    assert_false(has_line(&f[CODING_IDENTITY], "Content-Encoding"));
    assert_int_equal(find(b, "deep/style.css.br", alone), 1);
    assert_ptr_equal(alone[0].bytes, f[CODING_BR].bytes);
    assert_false(has_line(&alone[0], "Content-Encoding"));
    assert_int_equal(find(b, "index.html", alone), 1);
    assert_false(has_line(&alone[0], "Vary"));
    leat__bundle_close(b);
}

static void the_same_folder_gives_the_same_octets(void **state)
{
    (void)state;
    size_t first_size, second_size;
    assert_int_equal(pack(site, packed), 0);
    assert_int_equal(pack(site, again), 0);
    char *first = read_all(packed, &first_size), *second = read_all(again, &second_size);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    free(first);
    free(second);
}

static void a_bundle_in_its_own_folder_is_left_out(void **state)
{
    (void)state;
    char inside[160];
    size_t first_size, second_size;
    snprintf(inside, sizeof inside, "%s/own.leat", site);
    assert_int_equal(pack(site, inside), 0);
    free(read_all(inside, &first_size));
    assert_int_equal(pack(site, inside), 0);
    free(read_all(inside, &second_size));
    assert_int_equal(first_size, second_size);
    unlink(inside);
}

static void an_empty_folder_is_a_bundle_too(void **state)
{
    (void)state;
    char empty[128], error[256];
    struct bundle_file f[CODING_COUNT];
    snprintf(empty, sizeof empty, "%s/empty", base);
    mkdir(empty, 0755);
    assert_int_equal(pack(empty, again), 0);
    struct bundle *b = leat__bundle_open(again, error, sizeof error);
    assert_non_null(b);
    assert_int_equal(leat__bundle_size(b), 192);
    assert_int_equal(find(b, "index.html", f), 0);
    leat__bundle_close(b);
}

static void no_damage_to_the_index_passes(void **state)
{
    (void)state;
    struct bundle_view view;
    struct bundle_header header;
    uint32_t version;
    size_t size;
    assert_int_equal(pack(site, packed), 0);
    char *octets = read_all(packed, &size);
    memcpy(&header, octets, sizeof header);
    size_t contents_at = bundle_parts(header.file_count, header.text_size).contents_at;
    assert_null(leat__bundle_view(&view, octets, size, &version));
    for (size_t i = 0; i < contents_at; i++) {
        octets[i] ^= 0x40;
        if (leat__bundle_view(&view, octets, size, &version) == NULL)
            fail_msg("octet %zu of %zu is changed unseen", i, contents_at);
        octets[i] ^= 0x40;
    }
    for (size_t cut = 0; cut < size; cut += cut < 4096 ? 1 : 997)
        assert_non_null(leat__bundle_view(&view, octets, cut, &version));
    free(octets);
}

/* ── The checksum is right, and what it covers is wrong: only the checks of every number are left ── */

struct parts {
    char *octets;
    size_t size;
    struct bundle_header header;
    struct bundle_parts at;
    uint32_t *table;
    struct bundle_entry *entries;
    char *text;
};

static void entry_beyond(struct parts *p)
{
    for (uint64_t i = 0; i < p->at.places; i++)
        if (p->table[i] == p->header.file_count) /* the last entry's place names one behind it */
            p->table[i]++;
}

static void entry_lost(struct parts *p)
{
    for (uint64_t i = 0; i < p->at.places; i++)
        if (p->table[i] == 1)
            p->table[i] = 0;
}

static void entry_twice(struct parts *p)
{
    for (uint64_t i = 0; i < p->at.places; i++)
        if (p->table[i] == 1)
            p->table[i] = 2;
}

static void table_full(struct parts *p)
{
    for (uint64_t i = 0; i < p->at.places; i++)
        if (p->table[i] == 0)
            p->table[i] = 1;
}

static void hash_wrong(struct parts *p)
{
    p->entries[0].hash ^= 1ull << 63; /* its place in the table stays right */
}

static void path_outside(struct parts *p)
{
    p->entries[0].path_at = (uint32_t)p->header.text_size;
}

static void path_longer(struct parts *p)
{
    p->entries[0].path_size++;
}

static void path_empty(struct parts *p)
{
    p->entries[0].path_size = 0;
}

static void path_hidden(struct parts *p)
{
    char *path = p->text + p->entries[0].path_at; /* ".well-known/security.txt" */
    path[1] = 'W';
    p->entries[0].hash = bundle_hash(path, p->entries[0].path_size);
}

static void order_wrong(struct parts *p)
{
    struct bundle_entry first = p->entries[0];
    p->entries[0] = p->entries[1];
    p->entries[1] = first;
    for (uint64_t i = 0; i < p->at.places; i++)
        p->table[i] = p->table[i] == 1 ? 2 : p->table[i] == 2 ? 1 : p->table[i];
}

static void nothing_there(struct parts *p)
{
    p->entries[0].there = 0;
}

static void unknown_coding(struct parts *p)
{
    p->entries[0].there |= 8;
}

static void absent_variant_claimed(struct parts *p)
{
    p->entries[0].there |= 2;
}

static void content_in_index(struct parts *p)
{
    p->entries[0].variants[0].offset = p->at.contents_at - 1;
}

static void content_behind_the_end(struct parts *p)
{
    p->entries[0].variants[0].offset = p->size + 1;
    p->entries[0].variants[0].size = 0;
}

static void content_longer(struct parts *p)
{
    p->entries[0].variants[0].size = p->size - p->entries[0].variants[0].offset + 1;
}

static void content_round_the_end(struct parts *p)
{
    p->entries[0].variants[0].size = UINT64_MAX;
}

static void lines_outside(struct parts *p)
{
    p->entries[0].variants[0].lines_at = (uint32_t)p->header.text_size - 10;
}

static void lines_short(struct parts *p)
{
    p->entries[0].variants[0].lines_size = 10;
}

static void lines_without_an_end(struct parts *p)
{
    p->entries[0].variants[0].lines_size--;
}

static void lines_with_a_control(struct parts *p)
{
    p->text[p->entries[0].variants[0].lines_at + 20] = '\n';
}

static void lines_without_a_type(struct parts *p)
{
    p->text[p->entries[0].variants[0].lines_at] = 'X';
}

static void tag_behind_the_lines(struct parts *p)
{
    p->entries[0].variants[0].etag_at = p->entries[0].variants[0].lines_size;
}

static void tag_without_quotes(struct parts *p)
{
    p->entries[0].variants[0].etag_at++;
}

static void more_files(struct parts *p)
{
    p->header.file_count += 1000;
}

static void endless_files(struct parts *p)
{
    p->header.file_count = UINT32_MAX;
}

static void endless_text(struct parts *p)
{
    p->header.text_size = UINT64_MAX - 100;
}

static const struct wrong {
    const char *name;
    void (*make)(struct parts *p);
} wrongs[] = {
#define WRONG(name)                                                                                \
    {                                                                                              \
#name, name                                                                                \
    }
    WRONG(entry_beyond),
    WRONG(entry_lost),
    WRONG(entry_twice),
    WRONG(table_full),
    WRONG(hash_wrong),
    WRONG(path_outside),
    WRONG(path_longer),
    WRONG(path_empty),
    WRONG(path_hidden),
    WRONG(order_wrong),
    WRONG(nothing_there),
    WRONG(unknown_coding),
    WRONG(absent_variant_claimed),
    WRONG(content_in_index),
    WRONG(content_behind_the_end),
    WRONG(content_longer),
    WRONG(content_round_the_end),
    WRONG(lines_outside),
    WRONG(lines_short),
    WRONG(lines_without_an_end),
    WRONG(lines_with_a_control),
    WRONG(lines_without_a_type),
    WRONG(tag_behind_the_lines),
    WRONG(tag_without_quotes),
    WRONG(more_files),
    WRONG(endless_files),
    WRONG(endless_text),
};

static struct parts read_parts(void)
{
    struct parts p;
    p.octets = read_all(packed, &p.size);
    memcpy(&p.header, p.octets, sizeof p.header);
    p.at = bundle_parts(p.header.file_count, p.header.text_size);
    p.table = (uint32_t *)(void *)(p.octets + BUNDLE_TABLE_AT);
    p.entries = (struct bundle_entry *)(void *)(p.octets + p.at.entries_at);
    p.text = p.octets + p.at.text_at;
    return p;
}

static const char *view_righted(struct parts *p)
{
    struct bundle_view view;
    uint32_t version;
    memcpy(p->octets, &p->header, sizeof p->header);
    leat__bundle_checksum(p->octets, p->at.contents_at, p->header.checksum);
    memcpy(p->octets, &p->header, sizeof p->header);
    return leat__bundle_view(&view, p->octets, p->size, &version);
}

static void no_wrong_number_passes(void **state)
{
    (void)state;
    assert_int_equal(pack(site, packed), 0);
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        struct parts p = read_parts();
        assert_null(view_righted(&p));
        wrongs[i].make(&p);
        if (view_righted(&p) == NULL)
            fail_msg("%s passes", wrongs[i].name);
        free(p.octets);
    }
}

static void assert_refused(const char *path, const char *words)
{
    char error[256] = "";
    assert_null(leat__bundle_open(path, error, sizeof error));
    if (strstr(error, words) == NULL || strstr(error, path) != error || strchr(error, '\n') != NULL)
        fail_msg("not told well: %s", error);
}

static void every_refusal_is_one_line_with_the_way_out(void **state)
{
    (void)state;
    struct bundle_header header;
    size_t size;
    assert_int_equal(pack(site, packed), 0);
    char *octets = read_all(packed, &size);
    assert_refused("/tmp/no-such.leat", "leat bundle DIR");
    assert_refused(site, "directory");
    int fd = open(again, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_refused(again, "not a bundle; leat bundle DIR FILE makes one");
    assert_int_equal(write(fd, octets, size - 1), size - 1);
    assert_refused(again, "a part of it is missing; copy it again");
    assert_int_equal(pwrite(fd, octets, size, 0), size);
    assert_int_equal(pwrite(fd, "!", 1, 200), 1);
    assert_refused(again, "its index is not what was written");
    memcpy(&header, octets, sizeof header);
    header.version = 7;
    assert_int_equal(pwrite(fd, &header, sizeof header, 0), sizeof header);
    assert_refused(again, "version 7, where this Leat reads version 1; make it anew");
    close(fd);
    free(octets);
}

static void what_can_not_be_packed_is_an_exit_status(void **state)
{
    (void)state;
    assert_int_equal(pack("/tmp/no-such-folder", packed), 64);
    assert_int_equal(pack(site, base), 71);
    assert_int_equal(pack(site, "/tmp/no-such-folder/site.leat"), 71);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(what_is_not_served_is_not_in_it),
        cmocka_unit_test(twins_are_variants_with_lines_and_tags_of_their_own),
        cmocka_unit_test(the_same_folder_gives_the_same_octets),
        cmocka_unit_test(a_bundle_in_its_own_folder_is_left_out),
        cmocka_unit_test(an_empty_folder_is_a_bundle_too),
        cmocka_unit_test(no_damage_to_the_index_passes),
        cmocka_unit_test(no_wrong_number_passes),
        cmocka_unit_test(every_refusal_is_one_line_with_the_way_out),
        cmocka_unit_test(what_can_not_be_packed_is_an_exit_status),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
