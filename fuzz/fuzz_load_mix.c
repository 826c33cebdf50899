/* fuzz_load_mix.c: any octets as a request file of leat load. What is refused is refused in one line that names the file; what is
 * taken becomes requests whose heads a server can read: lines of printable octets, one empty one, and behind it as much content as
 * Content-Length says. Files that it names are not read. */
#define _GNU_SOURCE
#include "load/request.h"
#include <stdlib.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_request(const struct load_request *r)
{
    const char *end = memmem(r->octets, r->size, "\r\n\r\n", 4);
    size_t length = 0, hosts = 0, lines = 0;
    must(end != NULL && r->weight > 0 && strnlen(r->name, sizeof r->name) < sizeof r->name);
    for (const char *line = r->octets, *next; line <= end; line = next + 2, lines++) {
        next = memmem(line, r->size - (size_t)(line - r->octets), "\r\n", 2);
        must(next != NULL && next > line);
        for (const char *c = line; c < next; c++)
            must((unsigned char)*c >= ' ' || *c == '\t');
        hosts += strncasecmp(line, "Host:", 5) == 0;
        if (strncasecmp(line, "Content-Length:", 15) == 0)
            length = strtoul(line + 15, NULL, 10);
    }
    must(hosts >= 1 && lines >= 2 && r->size == (size_t)(end + 4 - r->octets) + length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct load_options o;
    char error[LOAD_ERROR_SIZE] = "";
    if (size > 8192)
        return 0;
    leat__load_options_init(&o);
    must(leat__load_options_url(&o, "unix:/nowhere", error, sizeof error) == 0);
    struct load_wording *w = o.wording;
    w->mix_file = "visitors.mix";
    if (leat__load_mix_parse(w, (const char *)data, size, w->mix_file, error, sizeof error)) {
        must(w->mix_count >= 1 && w->mix_count <= LOAD_REQUESTS_MAX);
        for (uint32_t i = 0; i < w->mix_count; i++)
            w->mix[i].content.file = w->mix[i].expected.file = NULL;
        if (leat__load_compose(&o, error, sizeof error) == 0)
            for (uint32_t i = 0; i < o.request_count; i++)
                check_request(&o.requests[i]);
    } else {
        must(strncmp(error, "visitors.mix:", 13) == 0);
    }
    leat__load_options_free(&o);
    return 0;
}
