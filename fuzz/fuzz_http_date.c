/* fuzz_http_date.c: any bytes as a date; what is taken is written again and must be read as the
 * same second. And the same for percent-encoding, which is as small: decoding in place is decoding
 * apart, and never makes more. */
#include "http/http.h"
#include "http1/http1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_date(const char *text, size_t size)
{
    int64_t seconds = leat__http_date_parse(text, size);
    if (seconds == INT64_MIN)
        return;
    char out[HTTP_DATE_SIZE];
    leat__http_date_write(out, seconds);
    must(leat__http_date_parse(out, sizeof out) == seconds);
}

static void check_percent(const char *text, size_t size, bool plus, bool keep_slash)
{
    char *apart = malloc(size + 1), *same = malloc(size + 1);
    must(apart != NULL && same != NULL);
    memcpy(same, text, size);
    ptrdiff_t made = leat__http1_percent_decode(apart, text, size, plus, keep_slash);
    must(leat__http1_percent_decode(same, same, size, plus, keep_slash) == made);
    must(made >= -1 && made <= (ptrdiff_t)size);
    if (made > 0)
        must(memcmp(apart, same, (size_t)made) == 0);
    free(apart);
    free(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    check_date(text, size);
    check_percent(text, size, size % 2 != 0, size % 3 != 0);
    free(text);
    return 0;
}
