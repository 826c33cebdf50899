/* bench_parse.c: what one head costs, read and written.
 *
 *   bench_parse                nanoseconds per head, the best of many batches
 *   bench_parse instructions   instructions per head: runs itself under callgrind, twice for each
 *                              case, and divides the difference: only the heads are counted
 *   bench_parse run CASE N     case CASE, N times: what the other two run
 *
 * The small head is what load generators send, the browser head what browsers do: 12 fields, about
 * 750 octets. */
#define _GNU_SOURCE
#include "http1/http1.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char small_head[] = "GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";
static const char browser_head[] =
    "GET / HTTP/1.1\r\n"
    "Host: www.example.com:8080\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cache-Control: no-cache\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; "
    "visited=2024-06-11T09%3A21%3A07Z;"
    " consent=necessary,statistics\r\n"
    "Pragma: no-cache\r\n"
    "Referer: http://www.example.com:8080/articles/the-channel-that-people-dig-first?page=2\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Priority: u=0, i\r\n"
    "\r\n";

typedef enum http1_result parse_head(struct http1_head *h, const char *bytes, size_t size,
                                     const struct http1_limits *limits);

static const struct http1_limits limits = {8192, 32768, HTTP1_FIELDS_MAX};
static struct http1_head head;
static char text[sizeof browser_head + HTTP1_SLACK];

static void parse(parse_head *function, const char *bytes, size_t size, long times)
{
    memcpy(text, bytes, size);
    for (; times > 0; times--) {
        http1_head_init(&head);
        if (function(&head, text, size, &limits) != HTTP1_DONE || head.size != size)
            abort();
        __asm__ volatile("" ::: "memory");
    }
}

static void small(parse_head *function, long times)
{
    parse(function, small_head, sizeof small_head - 1, times);
}

static void browser(parse_head *function, long times)
{
    parse(function, browser_head, sizeof browser_head - 1, times);
}

static void write_heads(parse_head *unused, long times)
{
    static const char fields[] = "Content-Type: text/plain; charset=utf-8\r\n";
    static char out[1024];
    struct http1_response r = {.status = 200,
                               .fields = fields,
                               .fields_size = sizeof fields - 1,
                               .date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                               .content_length = 13,
                               .has_length = true};
    (void)unused;
    for (; times > 0; times--) {
        if (leat__http1_write_head(out, sizeof out, &r) == 0)
            abort();
        __asm__ volatile("" ::: "memory");
    }
}

static const struct {
    const char *name;
    void (*run)(parse_head *function, long times);
    parse_head *function;
} cases[] = {
    {"small head, as chosen", small, leat__http1_parse_head},
    {"small head, scalar", small, leat__http1_parse_head_scalar},
    {"browser head, as chosen", browser, leat__http1_parse_head},
    {"browser head, scalar", browser, leat__http1_parse_head_scalar},
    {"response head", write_heads, NULL},
};

static double best_ns(unsigned which)
{
    enum { BATCHES = 200, BATCH = 2000 };
    double best = 1e9;
    for (int i = 0; i < BATCHES; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        cases[which].run(cases[which].function, BATCH);
        clock_gettime(CLOCK_MONOTONIC, &b);
        double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
        if (ns / BATCH < best)
            best = ns / BATCH;
    }
    return best;
}

/* Instructions of one whole run under callgrind, or -1. */
static double collected(unsigned which, long times)
{
    char self[512], command[768], line[256];
    double count = -1;
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size < 0)
        return -1;
    self[size] = 0;
    snprintf(command, sizeof command,
             "valgrind --tool=callgrind --callgrind-out-file=/dev/null '%s' run %u %ld 2>&1", self,
             which, times);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL)
        return -1;
    while (fgets(line, sizeof line, pipe) != NULL) {
        const char *found = strstr(line, "Collected :");
        if (found != NULL)
            count = strtod(found + sizeof "Collected :" - 1, NULL);
    }
    return pclose(pipe) == 0 ? count : -1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "run") == 0) {
        unsigned long which = strtoul(argv[2], NULL, 10);
        if (which >= COUNT_OF(cases))
            return 2;
        cases[which].run(cases[which].function, strtol(argv[3], NULL, 10));
        return 0;
    }
    bool instructions = argc == 2 && strcmp(argv[1], "instructions") == 0;
    printf("heads: small %zu octets, browser %zu octets\n", sizeof small_head - 1,
           sizeof browser_head - 1);
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        if (instructions)
            printf("%-26s %7.1f instructions\n", cases[i].name,
                   (collected(i, 1100) - collected(i, 100)) / 1000);
        else
            printf("%-26s %7.1f ns\n", cases[i].name, best_ns(i));
        fflush(stdout);
    }
    return 0;
}
