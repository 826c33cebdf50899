/* test_access_log.c: the writer: every line of every ring comes to the file, whole and in its ring's order; a rotation
 * loses none; a disk that is full and a reader that is gone or stands still keep nobody. */
#include "access_test.h"
#include "memory/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RING = 1 << 16, RINGS = 3 };

static struct region region;
static struct access_ring rings[RINGS];
static char place[64], path[128], error[512];

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    strcpy(place, "/tmp/leat-access-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(path, sizeof path, "%s/access.log", place);
    make_rings(&region, rings, RINGS, RING);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char old[160];
    snprintf(old, sizeof old, "%s.1", path);
    unlink(old);
    unlink(path);
    rmdir(place);
    leat__region_destroy(&region);
    return 0;
}

static struct access_log *open_log(const char *to, enum access_format format)
{
    error[0] = '\0';
    struct access_log *log = leat__access_log_open(to, format, RINGS, error, sizeof error);
    if (log == NULL)
        fail_msg("%s", error);
    for (uint32_t i = 0; i < RINGS; i++)
        leat__access_log_attach(log, i, &rings[i]);
    return log;
}

static char *read_all(const char *from)
{
    FILE *file = fopen(from, "r");
    assert_non_null(file);
    char *text = NULL;
    size_t size = 0;
    ssize_t got = getdelim(&text, &size, '\0', file);
    fclose(file);
    if (got < 0) {
        free(text);
        text = calloc(1, 1);
    }
    assert_non_null(text);
    return text;
}

static bool put_numbered(unsigned ring, unsigned number)
{
    char target[64];
    snprintf(target, sizeof target, "/%u/%u", ring, number);
    struct access_record r = record_of("GET", target);
    return leat__access_put(&rings[ring], &r);
}

/* Reads numbered lines, each exactly as it must be, each ring's in order; adds to counts. */
static void read_numbered(const char *text, unsigned last[RINGS], unsigned counts[RINGS])
{
    static const char start[] = "127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] \"GET /";
    static const char end[] = " HTTP/1.1\" 200 2326\n";
    while (*text != '\0') {
        char *at;
        assert_memory_equal(text, start, sizeof start - 1);
        unsigned long ring = strtoul(text + sizeof start - 1, &at, 10);
        assert_int_equal(*at, '/');
        unsigned long number = strtoul(at + 1, &at, 10);
        assert_memory_equal(at, end, sizeof end - 1);
        text = at + sizeof end - 1;
        assert_in_range(ring, 0, RINGS - 1);
        assert_true(number > last[ring]);
        last[ring] = (unsigned)number;
        counts[ring]++;
    }
}

static void wait_for(bool (*is_so)(void *), void *what)
{
    static const struct timespec moment = {.tv_nsec = 2000000};
    for (unsigned i = 0; i < 15000; i++) {
        if (is_so(what))
            return;
        nanosleep(&moment, NULL);
    }
    fail_msg("waited in vain");
}

static bool has_octets(void *of)
{
    struct stat status;
    return stat(of, &status) == 0 && status.st_size > 0;
}

static void lines_come_by_themselves_and_at_close(void **state)
{
    (void)state;
    struct access_log *log = open_log(path, ACCESS_COMBINED);
    struct access_record r = record_of("GET", "/first");
    assert_true(leat__access_put(&rings[1], &r));
    wait_for(has_octets, path); /* without anybody asking for it */
    r.target = text_of("/second");
    r.user_agent = text_of("curl/7.88.1");
    assert_true(leat__access_put(&rings[2], &r));
    leat__access_log_close(log);
    char *text = read_all(path);
    assert_string_equal(
        text, "127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] \"GET /first HTTP/1.1\" 200 2326 \"-\" "
              "\"-\"\n127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] \"GET /second HTTP/1.1\" 200 2326 "
              "\"-\" \"curl/7.88.1\"\n");
    free(text);
}

static void what_was_there_stays_and_others_may_not_read_it(void **state)
{
    (void)state;
    for (unsigned round = 1; round <= 2; round++) {
        struct access_log *log = open_log(path, ACCESS_COMMON);
        put_numbered(0, round);
        leat__access_log_close(log);
    }
    unsigned last[RINGS] = {0}, counts[RINGS] = {0};
    char *text = read_all(path);
    read_numbered(text, last, counts);
    free(text);
    assert_int_equal(counts[0], 2);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07, 0);
}

struct shard {
    pthread_t thread;
    unsigned ring, lines, put;
};

static void *put_many(void *argument)
{
    struct shard *shard = argument;
    for (unsigned n = 1; n <= shard->lines; n++) {
        shard->put += put_numbered(shard->ring, n);
        if (n % 64 == 0)
            sched_yield();
    }
    return NULL;
}

static void start_shards(struct shard shards[RINGS], unsigned lines)
{
    for (unsigned i = 0; i < RINGS; i++) {
        shards[i] = (struct shard){.ring = i, .lines = lines};
        assert_int_equal(pthread_create(&shards[i].thread, NULL, put_many, &shards[i]), 0);
    }
}

static void join_shards(struct shard shards[RINGS])
{
    for (unsigned i = 0; i < RINGS; i++)
        pthread_join(shards[i].thread, NULL);
}

static void no_line_is_torn_or_lost_but_what_is_counted(void **state)
{
    (void)state;
    struct access_log *log = open_log(path, ACCESS_COMMON);
    struct shard shards[RINGS];
    start_shards(shards, 30000);
    join_shards(shards);
    leat__access_log_close(log);
    char *text = read_all(path);
    unsigned last[RINGS] = {0}, counts[RINGS] = {0};
    read_numbered(text, last, counts);
    free(text);
    for (unsigned i = 0; i < RINGS; i++) {
        assert_int_equal(counts[i], shards[i].put);
        assert_int_equal(counts[i] + rings[i].dropped, shards[i].lines);
    }
}

static void a_rotation_under_load_loses_nothing(void **state)
{
    (void)state;
    char old[160];
    snprintf(old, sizeof old, "%s.1", path);
    struct access_log *log = open_log(path, ACCESS_COMMON);
    struct shard shards[RINGS];
    start_shards(shards, 30000);
    wait_for(has_octets, path);
    assert_int_equal(rename(path, old), 0);
    assert_int_equal(leat__access_log_reopen(log), 0);
    join_shards(shards);
    while (!put_numbered(0, 30001)) /* the rings may be full still */
        sched_yield();
    wait_for(has_octets, path);
    leat__access_log_close(log);
    unsigned last[RINGS] = {0}, counts[RINGS] = {0};
    char *text = read_all(old);
    read_numbered(text, last, counts);
    free(text);
    text = read_all(path);
    read_numbered(text, last, counts); /* goes on where the old file ended */
    free(text);
    assert_int_equal(last[0], 30001);
    for (unsigned i = 0; i < RINGS; i++)
        assert_int_equal(counts[i], shards[i].put + (i == 0));
}

static void a_file_that_can_not_be_opened_leaves_the_old_one(void **state)
{
    (void)state;
    char elsewhere[80];
    snprintf(elsewhere, sizeof elsewhere, "%s.elsewhere", place);
    struct access_log *log = open_log(path, ACCESS_COMMON);
    assert_int_equal(rename(place, elsewhere), 0);
    assert_int_equal(leat__access_log_reopen(log), -ENOENT);
    put_numbered(0, 1);
    assert_int_equal(rename(elsewhere, place), 0);
    leat__access_log_close(log);
    unsigned last[RINGS] = {0}, counts[RINGS] = {0};
    char *text = read_all(path);
    read_numbered(text, last, counts);
    free(text);
    assert_int_equal(counts[0], 1);
}

static void opening_what_can_not_be_written_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *path, *line;
    } cases[] = {
        {"/nowhere/at/all.log",
         "access log /nowhere/at/all.log: No such file or directory; make its "
         "folder first, or name another"},
        {"/tmp", "access log /tmp: Is a directory; name a file in it"},
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        assert_null(leat__access_log_open(cases[i].path, ACCESS_COMMON, RINGS, error, sizeof error));
        assert_string_equal(error, cases[i].line);
    }
    leat__access_log_close(NULL);
}

/* ── When writing fails ── */

/* What is said on stderr meanwhile goes to a file. */
static int begin_to_listen(void)
{
    int kept = dup(STDERR_FILENO);
    char said[160];
    snprintf(said, sizeof said, "%s.1", path);
    int fd = open(said, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && kept >= 0);
    dup2(fd, STDERR_FILENO);
    close(fd);
    return kept;
}

static char *end_listening(int kept)
{
    char said[160];
    snprintf(said, sizeof said, "%s.1", path);
    dup2(kept, STDERR_FILENO);
    close(kept);
    return read_all(said);
}

static bool has_said_something(void *unused)
{
    (void)unused;
    char said[160];
    snprintf(said, sizeof said, "%s.1", path);
    return has_octets(said);
}

static unsigned count_of(const char *text, const char *piece)
{
    unsigned count = 0;
    for (; (text = strstr(text, piece)) != NULL; text += strlen(piece))
        count++;
    return count;
}

static void a_full_disk_is_told_once_and_nothing_blocks(void **state)
{
    (void)state;
    int kept = begin_to_listen();
    struct access_log *log = open_log("/dev/full", ACCESS_COMMON);
    unsigned put = 0;
    put_numbered(0, 1);
    wait_for(has_said_something, NULL);
    for (unsigned n = 2; n <= 5000; n++) /* many times what the ring holds */
        put += put_numbered(0, n);
    leat__access_log_close(log);
    char *said = end_listening(kept);
    assert_int_equal(count_of(said, "\n"), 2);
    assert_int_equal(count_of(said, "leat: access log /dev/full: No space left on device; "), 1);
    assert_int_equal(count_of(said, "leat: access log /dev/full: lines that were dropped: 5000\n"), 1);
    free(said);
    assert_int_equal(put + 1 + rings[0].dropped, 5000);
    assert_true(rings[0].dropped > 0);
}

static void after_an_outage_writing_goes_on(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/full", path), 0);
    int kept = begin_to_listen();
    struct access_log *log = open_log(path, ACCESS_COMMON);
    put_numbered(0, 1);
    wait_for(has_said_something, NULL);
    put_numbered(0, 2);
    unlink(path);
    assert_int_equal(leat__access_log_reopen(log), 0);
    wait_for(has_octets, path);
    leat__access_log_close(log);
    char *said = end_listening(kept);
    assert_int_equal(count_of(said, "\n"), 2);
    assert_int_equal(count_of(said, ": can be written again\n"), 1);
    free(said);
    unsigned last[RINGS] = {0}, counts[RINGS] = {0};
    char *text = read_all(path);
    read_numbered(text, last, counts);
    free(text);
    assert_int_equal(counts[0], 2);
}

/* A pipe in the place of standard output. */
static int pipe_as_output(int *reader)
{
    int ends[2], kept = dup(STDOUT_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    *reader = ends[0];
    return kept;
}

static void give_output_back(int kept)
{
    dup2(kept, STDOUT_FILENO);
    close(kept);
}

static void standard_output_can_be_a_pipe(void **state)
{
    (void)state;
    int reader, kept = pipe_as_output(&reader);
    struct access_log *log = open_log("-", ACCESS_COMMON);
    for (unsigned n = 1; n <= 300; n++) /* more than PIPE_BUF, less than a pipe holds */
        assert_true(put_numbered(2, n));
    assert_int_equal(leat__access_log_reopen(log), 0);
    leat__access_log_close(log);
    give_output_back(kept);
    static char text[1 << 16];
    size_t size = 0;
    ssize_t got;
    while ((got = read(reader, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    close(reader);
    text[size] = '\0';
    unsigned last[RINGS] = {0}, counts[RINGS] = {0};
    read_numbered(text, last, counts);
    assert_int_equal(counts[2], 300);
}

static void a_reader_that_is_gone_or_stands_still_keeps_nobody(void **state)
{
    (void)state;
    for (unsigned is_gone = 0; is_gone < 2; is_gone++) {
        int reader, kept_error = begin_to_listen(), kept = pipe_as_output(&reader);
        if (is_gone)
            close(reader);
        struct access_log *log = open_log("-", ACCESS_COMMON);
        for (unsigned n = 1; n <= 20000; n++)
            put_numbered(1, n);
        leat__access_log_close(log); /* comes back */
        give_output_back(kept);
        if (!is_gone)
            close(reader);
        char *said = end_listening(kept_error);
        assert_int_equal(count_of(said, is_gone ? ": Broken pipe;" : ": nobody takes what"), 1);
        assert_int_equal(count_of(said, "lines that were dropped: "), 1);
        free(said);
    }
}

static void nothing_is_allocated_after_start(void **state)
{
    (void)state;
    struct access_log *log = open_log(path, ACCESS_COMMON);
    leat__seal_set(SEAL_SEALED); /* start_alloc would assert */
    put_numbered(0, 1);
    wait_for(has_octets, path);
    assert_int_equal(leat__access_log_reopen(log), 0);
    leat__seal_set(SEAL_STOPPING);
    leat__access_log_close(log);
    leat__seal_set(SEAL_START);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(lines_come_by_themselves_and_at_close),
        TEST(what_was_there_stays_and_others_may_not_read_it),
        TEST(no_line_is_torn_or_lost_but_what_is_counted),
        TEST(a_rotation_under_load_loses_nothing),
        TEST(a_file_that_can_not_be_opened_leaves_the_old_one),
        TEST(opening_what_can_not_be_written_says_why),
        TEST(a_full_disk_is_told_once_and_nothing_blocks),
        TEST(after_an_outage_writing_goes_on),
        TEST(standard_output_can_be_a_pipe),
        TEST(a_reader_that_is_gone_or_stands_still_keeps_nobody),
        TEST(nothing_is_allocated_after_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
