/* fake.h: a load that never ran, with figures that are known. */
#ifndef LEAT_TESTS_LOAD_FAKE_H
#define LEAT_TESTS_LOAD_FAKE_H

#include "load/load.h"
#include <stdio.h>
#include <stdlib.h>

/* 1000 answers in 2 s: 990 of them took 1 ms, 9 took 10 ms, 1 took 40 ms. */
static inline void fake_load(struct load_options *o, struct load_result *r,
                             struct load_by_request by_request[static 2])
{
    char error[LOAD_ERROR_SIZE];
    static const struct {
        uint64_t ns;
        int count;
    } taken[] = {{1000000, 990}, {10000000, 9}, {40000000, 1}};
    leat__load_options_init(o);
    (void)leat__load_options_url(o, "http://127.0.0.1:8080/", error, sizeof error);
    memset(r, 0, sizeof *r);
    memset(by_request, 0, 2 * sizeof *by_request);
    r->seconds = 2;
    r->loop = "epoll";
    r->threads = 1;
    r->sources = 1;
    r->own_cpu_s = 0.5;
    r->own_resident = 3 << 20;
    r->by_request = by_request;
    r->active = (struct load_group){.connections = 64,
                                    .opened = 64,
                                    .requests = 1000,
                                    .answers = 1000,
                                    .octets_in = 2 << 20,
                                    .octets_out = 1 << 20};
    for (unsigned i = 0; i < COUNT_OF(taken); i++)
        for (int j = 0; j < taken[i].count; j++) {
            histogram_record(&r->active.latency, taken[i].ns);
            histogram_record(&r->active.service, taken[i].ns);
            histogram_record(&by_request[0].latency, taken[i].ns);
        }
    by_request[0].answers = 1000;
}

/* What a function writes; freed by the caller. */
typedef void fake_writer(FILE *to, const struct load_options *o, const struct load_result *r);
static inline char *fake_text(fake_writer *write, const struct load_options *o,
                              const struct load_result *r)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    write(to, o, r);
    fclose(to);
    return text;
}

#endif
