/* fuzz_json_scan.c: any octets through the scan that stands before the parser of JSON, beside a parser of JSON's strings and
 * brackets that recurses as parsers do: as far as that gets, it is never deeper than the scan has allowed. */
#include "extra/json/scan.h"

#include "base/base.h"
#include <stdlib.h>

enum { INPUT_MAX = 8192 };

struct reader {
    const char *at, *end;
    unsigned depth, deepest;
};

/* From behind the opening quote; false: the string never ends, or has what no string may have. */
static bool read_string(struct reader *r)
{
    while (r->at < r->end) {
        char c = *r->at++;
        if (c == '"')
            return true;
        if ((unsigned char)c < 0x20)
            return false;
        if (c == '\\' && r->at < r->end && strchr("\"\\/bfnrtu", *r->at++) == NULL)
            return false;
    }
    return false;
}

/* As lenient as a parser could be: brackets need not match, and anything may stand between them. */
static bool read_values(struct reader *r)
{
    while (r->at < r->end) {
        char c = *r->at++;
        if (c == '"' && !read_string(r))
            return false;
        if (c == '[' || c == '{') {
            if (++r->depth > r->deepest)
                r->deepest = r->depth;
        } else if (c == ']' || c == '}') {
            if (r->depth-- == 0)
                return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    unsigned depth_max = 1 + *data++ % 64;
    char *text = malloc(--size + 1);
    memcpy(text, data, size);
    char *exact = malloc(size > 0 ? size : 1); /* with its bounds known to the sanitizer */
    memcpy(exact, text, size);
    size_t at = 0, line, column;
    enum json_scan found = json_scan(exact, size, depth_max, &at);
    struct reader reader = {.at = text, .end = text + (found == JSON_SCAN_FINE ? size : at)};
    text[size] = '\0';
    read_values(&reader);
    ASSERT(reader.deepest <= depth_max);
    if (found != JSON_SCAN_FINE) {
        ASSERT(at < size);
        ASSERT(found == JSON_SCAN_NUL ? exact[at] == '\0' : exact[at] == '[' || exact[at] == '{');
    } else {
        ASSERT(memchr(exact, '\0', size) == NULL);
        at = size;
    }
    json_place(exact, at, &line, &column);
    ASSERT(line >= 1 && column >= 1 && line <= at + 1 && column <= at + 1);
    free(exact);
    free(text);
    return 0;
}
