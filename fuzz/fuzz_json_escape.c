/* fuzz_json_escape.c: any octets as a string of JSON, through any room: what comes out is printable, valid UTF-8 without an
 * octet that a string may not have, the same however it was cut, and reads back as what went in where that was UTF-8. */
#include "base/json_text.h"

#include <stdlib.h>

enum { INPUT_MAX = 4096 };

/* Exactly what room a harness says, with its bounds known to the sanitizer. */
static size_t escape_by(const char *text, size_t size, size_t room, char *whole)
{
    const char *at = text, *end = text + size;
    size_t n = 0;
    while (at < end) {
        char *out = malloc(room);
        size_t now = leat__json_escape(out, room, &at, end);
        ASSERT(now > 0 && now <= room);
        memcpy(whole + n, out, now);
        n += now;
        free(out);
    }
    return n;
}

static unsigned hex(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The octet that an escape stands for, and how long it is. */
static char unescape(const char *at, size_t *size)
{
    static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    *size = 2;
    for (const char *pair = letters; *pair != '\0'; pair += 2)
        if (at[1] == pair[0])
            return pair[1];
    *size = 6;
    ASSERT(at[1] == 'u' && at[2] == '0' && at[3] == '0');
    return (char)(hex(at[4]) * 16 + hex(at[5]));
}

static void check_reads_back(const char *text, size_t size, const char *out, size_t n)
{
    size_t in = 0;
    for (size_t i = 0; i < n;) {
        ASSERT((unsigned char)out[i] >= 0x20 && out[i] != '"');
        size_t taken = 1;
        char octet = out[i] == '\\' ? unescape(out + i, &taken) : out[i];
        bool stands_in = n - i >= 3 && memcmp(out + i, "\xef\xbf\xbd", 3) == 0;
        if (stands_in && (size - in < 3 || memcmp(text + in, out + i, 3) != 0))
            return; /* what was no character: from here on nothing is comparable */
        ASSERT(in < size && octet == text[in]);
        in++;
        i += taken;
    }
    ASSERT(in == size);
}

/* What has been made valid is taken as it is: only escapes are escaped again. */
static void check_is_utf8(const char *out, size_t n)
{
    char *again = malloc(n * JSON_UNIT_MAX + 1);
    const char *at = out;
    size_t size = leat__json_escape(again, n * JSON_UNIT_MAX, &at, out + n), escapes = 0;
    for (size_t i = 0; i < n; i++)
        escapes += out[i] == '\\' || out[i] == '"';
    ASSERT(size == n + escapes);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_MAX)
        return 0;
    size_t room = JSON_UNIT_MAX + *data++ % 40;
    char *text = malloc(--size + 1);
    memcpy(text, data, size);
    char *cut = malloc(size * JSON_UNIT_MAX + 1), *whole = malloc(size * JSON_UNIT_MAX + 1);
    size_t n = escape_by(text, size, room, cut);
    const char *at = text;
    ASSERT(leat__json_escape(whole, size * JSON_UNIT_MAX, &at, text + size) == n && at == text + size);
    ASSERT(memcmp(cut, whole, n) == 0);
    check_reads_back(text, size, whole, n);
    check_is_utf8(whole, n);
    free(whole);
    free(cut);
    free(text);
    return 0;
}
