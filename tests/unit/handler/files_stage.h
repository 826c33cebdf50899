/* files_stage.h: a folder of files and a server in small, for the tests of serving it. The loop's clock is the test's, and a
 * work is run when the test reads the mail, so what waits and what does not can be seen. */
#ifndef LEAT_TEST_FILES_STAGE_H
#define LEAT_TEST_FILES_STAGE_H

#include "unit/exchange/fixture.h"

#include "handler/file_kept.h"
#include "handler/file_path.h"
#include "handler/files.h"
#include "loop/mailbox.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CACHE_SIZE = 1 << 20 };

struct stage {
    struct bench bench;
    struct region cache_ground;
    struct workers workers;
    struct mailbox mailbox;
    struct mail_place mails[MAILBOX_CAPACITY];
    int64_t now_ms;
    uint32_t waits;   /* works that the last request waited for */
    uint32_t retries; /* how often it was told to come back */
};

static struct stage stage;
static char folder[64];

/* ── The folder ── */

/* Two of them can be used at a time. */
static inline const char *place_of(const char *name)
{
    static char paths[2][256];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* A file of a second ago, or of age_s seconds. */
static inline void put_aged(const char *name, const char *text, size_t size, int age_s)
{
    struct timespec now, times[2];
    int fd = open(place_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    clock_gettime(CLOCK_REALTIME, &now);
    times[0] = times[1] = (struct timespec){now.tv_sec - age_s, 123456789};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static inline void put(const char *name, const char *text)
{
    put_aged(name, text, strlen(text), 100);
}

/* As large as needs a descriptor. */
static inline void put_large(const char *name, char letter)
{
    static char text[FILE_IN_MEMORY_MAX + 1];
    memset(text, letter, sizeof text);
    put_aged(name, text, sizeof text, 100);
}

static inline void add_folder(const char *name)
{
    assert_int_equal(mkdir(place_of(name), 0755), 0);
}

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/leat-serve-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* Changes count at once when they are older than the clock's tick. */
static inline void let_it_settle(void)
{
    static const struct timespec moment = {.tv_nsec = 20000000};
    nanosleep(&moment, NULL);
}

/* ── The server ── */

static inline void open_stage_of(const leat_files_options *options, size_t cache, uint32_t descriptors)
{
    struct bench *b = &stage.bench;
    leat_app *app = leat_app_create();
    leat_files *files = leat_files_open_with(app, folder, options);
    assert_non_null(files);
    leat_get_with(app, "/*path", leat_serve_files, files);
    leat_post_with(app, "/*path", leat_serve_files, files);
    open_bench(b, app);
    if (cache > 0)
        assert_int_equal(
            leat__region_create(&stage.cache_ground, leat__cache_footprint(cache), REGION_RESERVE), 0);
    leat__cache_init(&b->memory.file_cache, &stage.cache_ground, cache);
    b->memory.file_descriptors = descriptors;
    stage.now_ms = 1000000;
    b->common.now_ms = &stage.now_ms;
    b->common.file_check_ms = 1000;
    b->common.slots = &b->slot;
    let_it_settle();
}

static inline void open_with(const leat_files_options *options)
{
    open_stage_of(options, CACHE_SIZE, 4);
}

static inline void close_stage(void)
{
    leat__exchange_end(stage.bench.x);
    leat__exchange_begin(stage.bench.x);
    leat__cache_check(&stage.bench.memory.file_cache);
    leat__cache_clear(&stage.bench.memory.file_cache);
    close_bench(&stage.bench);
    leat__region_destroy(&stage.cache_ground);
}

/* With workers, whose works are run at once but come back by mail. */
static inline void with_workers(void)
{
    static struct pool_ground {
        struct region region;
    } ground;
    struct bench *b = &stage.bench;
    assert_int_equal(leat__mailbox_open(&stage.mailbox, stage.mails), 0);
    stage.workers = (struct workers){.mailbox = &stage.mailbox};
    b->common.workers = &stage.workers;
    assert_int_equal(
        leat__region_create(&ground.region, leat__pool_footprint(PLAN_WORK, 2), REGION_RESERVE), 0);
    leat__pool_init(&b->memory.works, &ground.region, "file work", PLAN_WORK, 2);
}

static inline void take_mail(struct bench *b, bool gone)
{
    struct mail mail;
    assert_true(leat__mailbox_take(&stage.mailbox, &mail));
    assert_int_equal(mail.kind, MAIL_WORK);
    leat__exchange_work_done(b->x, (struct work *)(uintptr_t)mail.value, gone);
}

static inline void prepare(struct bench *b)
{
    struct leat_exchange *x = b->x;
    stage.waits = stage.retries = 0;
    while (x->chain->prepare != NULL && x->chain->prepare(x, x->chain->prepare_data) == PREPARE_WAIT) {
        if (x->flags & X_RETRY) { /* as the connection does: a while later */
            x->flags &= (uint16_t)~X_RETRY;
            stage.now_ms += 128;
            stage.retries++;
            continue;
        }
        stage.waits++;
        take_mail(b, false);
    }
}

static inline const char *ask_all(const char *method, const char *target, const char *fields)
{
    static char request[4096];
    struct bench *b = &stage.bench;
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: leat\r\n%s\r\n", method, target, fields);
    begin(b, request);
    assert_int_equal(leat__exchange_route(b->x), 0);
    prepare(b);
    leat__exchange_run(b->x);
    return send_out(b);
}

static inline const char *ask(const char *target)
{
    return ask_all("GET", target, "");
}

static inline void assert_answer(const char *sent, int status, const char *content)
{
    assert_int_equal(status_of(sent), status);
    assert_string_equal(content_of(sent), content);
}

static inline void assert_redirect(const char *target, const char *location)
{
    char line[256];
    const char *sent = ask(target);
    assert_int_equal(status_of(sent), 301);
    snprintf(line, sizeof line, "Location: %s", location);
    assert_int_equal(count_line(sent, line), 1);
}

/* A response by descriptor: which octet it would send first. */
static inline char first_of_file(void)
{
    char octet = 0;
    const struct loop_send *send = &stage.bench.x->send;
    assert_true(send->file >= 0);
    assert_int_equal(pread(send->file, &octet, 1, (off_t)send->file_offset), 1);
    return octet;
}

static inline unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *all = opendir("/proc/self/fd");
    while (readdir(all) != NULL)
        count++;
    closedir(all);
    return count;
}

#endif
