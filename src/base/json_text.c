/* json_text.c: strings and numbers as JSON has them.
 *
 * Strings are looked at eight octets at a time: a word without a quote, a backslash, a control or an octet outside ASCII is
 * copied as it is. A word that has one is copied too, up to it (what lies behind is overwritten), and the one character is
 * handled by itself.
 *
 * Numbers with a fraction: nearly all that programs write (prices, seconds, percentages) are n / 10^k for a small k and an n
 * of at most fifteen digits. Such an n is found by one multiplication and proven by one division, which IEEE 754 rounds
 * correctly: if n / 10^k is value, then the text "n / 10^k" reads back as value. Others are printed with 15, 16 and 17
 * digits (the smallest of all have fewer) until one reads back. Digits and exponent are taken out of what printf made, so that no locale's point gets in. */
#include "base/json_text.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ── Strings ── */

#define EACH(octet) ((uint64_t)(octet)*0x0101010101010101u)

/* A high bit at the lowest octet that can't be copied, and perhaps at some above it; 0: all can. */
static uint64_t find_special(uint64_t word)
{
    uint64_t quote = word ^ EACH('"'), backslash = word ^ EACH('\\');
    uint64_t controls = (word - EACH(0x20)) & ~word;
    uint64_t quotes = (quote - EACH(1)) & ~quote;
    uint64_t backslashes = (backslash - EACH(1)) & ~backslash;
    return (controls | quotes | backslashes | word) & EACH(0x80);
}

bool leat__utf8_take(const char *text, size_t left, size_t *size)
{
    const unsigned char *in = (const unsigned char *)text;
    unsigned char lead = in[0], low = 0x80, high = 0xbf;
    size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    *size = 1;
    if (lead < 0x80)
        return true;
    if (lead < 0xc2 || lead > 0xf4)
        return false;
    if (lead == 0xe0)
        low = 0xa0; /* shorter would do */
    else if (lead == 0xed)
        high = 0x9f; /* surrogates */
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f; /* behind U+10FFFF */
    for (; more > 0; more--, low = 0x80, high = 0xbf) {
        if (*size >= left || in[*size] < low || in[*size] > high)
            return false;
        ++*size;
    }
    return true;
}

static size_t escape_ascii(char unit[static JSON_UNIT_MAX], unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char letter = c < 0x20 ? letters[c] : c == '"' || c == '\\' ? (char)c : '\0';
    if (c >= 0x20 && letter == '\0') {
        unit[0] = (char)c;
        return 1;
    }
    unit[0] = '\\';
    unit[1] = letter;
    if (letter != '\0')
        return 2;
    memcpy(unit + 1, "u00", 3);
    unit[4] = hex[c >> 4];
    unit[5] = hex[c & 15];
    return 6;
}

/* What one character becomes, and how many octets it has itself. */
static size_t escape_one(char unit[static JSON_UNIT_MAX], const char *in, size_t left, size_t *taken)
{
    *taken = 1;
    if ((unsigned char)*in < 0x80)
        return escape_ascii(unit, (unsigned char)*in);
    if (leat__utf8_take(in, left, taken)) {
        for (size_t i = 0; i < *taken; i++)
            unit[i] = in[i];
        return *taken;
    }
    memcpy(unit, "\xef\xbf\xbd", 3);
    return 3;
}

size_t leat__json_escape(char *out, size_t room, const char **text, const char *end)
{
    const char *in = *text;
    char *at = out, *out_end = out + room;
    while (in < end) {
        size_t ahead = size_min((size_t)(end - in), (size_t)(out_end - at));
        if (LIKELY(ahead >= sizeof(uint64_t))) {
            uint64_t word;
            memcpy(&word, in, sizeof word);
            memcpy(at, &word, sizeof word);
            uint64_t special = find_special(word);
            size_t plain = special ? (size_t)__builtin_ctzll(special) / 8 : sizeof word;
            in += plain;
            at += plain;
            if (special == 0)
                continue;
        }
        char unit[JSON_UNIT_MAX];
        size_t taken, size = escape_one(unit, in, (size_t)(end - in), &taken);
        if (size > (size_t)(out_end - at))
            break;
        for (size_t i = 0; i < size; i++)
            at[i] = unit[i];
        at += size;
        in += taken;
    }
    *text = in;
    return (size_t)(at - out);
}

/* ── Numbers ── */

size_t leat__json_uint(char out[static JSON_NUMBER_MAX], uint64_t value)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

size_t leat__json_int(char out[static JSON_NUMBER_MAX], int64_t value)
{
    char digits[JSON_NUMBER_MAX];
    uint64_t magnitude = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    size_t n = leat__json_uint(digits, magnitude), sign = value < 0;
    out[0] = '-';
    memcpy(out + sign, digits, n);
    return n + sign;
}

/* value = 0.ddd… × 10^point, of count digits. */
struct decimal {
    char digits[JSON_NUMBER_MAX];
    int count, point;
};

static void drop_zeros(struct decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0')
        d->count--;
}

/* As n / 10^k. */
static bool find_fraction(struct decimal *d, double value)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    for (int k = 0; k < (int)COUNT_OF(powers); k++) {
        double scaled = value * powers[k];
        if (!(scaled < 1e15)) /* so many digits are always exact */
            return false;
        uint64_t n = (uint64_t)(scaled + 0.5);
        if ((double)n / powers[k] == value && n > 0) {
            d->count = (int)leat__json_uint(d->digits, n);
            d->point = d->count - k;
            drop_zeros(d);
            return true;
        }
    }
    return false;
}

/* With the fewest digits that read back. */
static void find_digits(struct decimal *d, double value)
{
    for (int precision = value < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        char made[64], again[64];
        snprintf(made, sizeof made, "%.*e", precision - 1, value);
        const char *at = made;
        for (d->count = 0; *at != 'e'; at++)
            if (*at >= '0' && *at <= '9')
                d->digits[d->count++] = *at;
        int exponent = (int)strtol(at + 1, NULL, 10);
        d->point = exponent + 1;
        snprintf(again, sizeof again, "%.*se%d", d->count, d->digits, exponent - (d->count - 1));
        if (strtod(again, NULL) == value)
            break;
    }
    drop_zeros(d);
}

static size_t put(char *out, size_t n, const char *octets, int size)
{
    if (size > 0)
        memcpy(out + n, octets, (size_t)size);
    return n + (size_t)(size > 0 ? size : 0);
}

static size_t write_decimal(char *out, size_t n, const struct decimal *d)
{
    static const char zeros[] = "00000000000000000000000";
    if (d->point > 21 || d->point < -5) {
        n = put(out, n, d->digits, 1);
        if (d->count > 1) {
            out[n++] = '.';
            n = put(out, n, d->digits + 1, d->count - 1);
        }
        out[n++] = 'e';
        return n + leat__json_int(out + n, d->point - 1);
    }
    if (d->point <= 0) {
        n = put(out, n, "0.", 2);
        n = put(out, n, zeros, -d->point);
        return put(out, n, d->digits, d->count);
    }
    int whole = d->count < d->point ? d->count : d->point;
    n = put(out, n, d->digits, whole);
    n = put(out, n, zeros, d->point - whole);
    if (d->count > whole) {
        out[n++] = '.';
        n = put(out, n, d->digits + whole, d->count - whole);
    }
    return n;
}

size_t leat__json_double(char out[static JSON_NUMBER_MAX], double value)
{
    struct decimal decimal;
    size_t n = 0;
    if (!isfinite(value))
        return 0;
    if (signbit(value)) {
        out[n++] = '-';
        value = -value;
    }
    if (value == 0) { /* "-0" would read back as an integer, which has no sign there */
        memcpy(out + n, "0.0", 3);
        return n == 0 ? 1 : n + 3;
    }
    if (!find_fraction(&decimal, value))
        find_digits(&decimal, value);
    char text[64]; /* an exponent's own room is as for any number */
    size_t size = write_decimal(text, 0, &decimal);
    ASSERT(n + size <= JSON_NUMBER_MAX);
    memcpy(out + n, text, size);
    return n + size;
}
