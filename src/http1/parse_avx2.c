/* parse_avx2.c: the parser for processors with AVX2: 32 octets a step.
 *
 * An octet's class is looked up by its two halves: each upper half (the sixteen rows of the ASCII table, two columns
 * of which hold no legal octet anyway) owns a bit, each lower half has the bits of the rows in which it is not legal.
 * Where both agree, the octet stops the scan. A line's end is looked for from the line's first octet and not from its
 * colon: so the next line's address does not wait for this line's name. */
#if defined(__x86_64__)
#include "http1/classes.h"
#include "http1/head.h"

#include <immintrin.h>

#define FAST(name) name##_avx2
#define FAST_TARGET __attribute__((target("avx2,bmi")))

enum { STEP = 32 };
_Static_assert((int)STEP <= (int)HTTP1_SLACK,
               "a step that begins before the end stays within the slack");

#define BOTH_LANES(...)                                                                            \
    {                                                                                              \
        __VA_ARGS__, __VA_ARGS__                                                                   \
    }

/* Rows 8 and up share the bit of row 0, all of whose octets are stops. */
static const uint8_t rows[STEP]
    __attribute__((aligned(STEP))) = BOTH_LANES(1, 2, 4, 8, 16, 32, 64, 128, 1, 1, 1, 1, 1, 1, 1, 1);
static const uint8_t no_token[STEP] __attribute__((aligned(STEP))) = BOTH_LANES(
    0x17, 0x03, 0x07, 0x03, 0x03, 0x03, 0x03, 0x03, 0x07, 0x07, 0x0b, 0xab, 0x2f, 0xab, 0x0b, 0x8f);
static const uint8_t no_path[STEP] __attribute__((aligned(STEP))) = BOTH_LANES(
    0x47, 0x03, 0x07, 0x07, 0x03, 0x07, 0x03, 0x03, 0x03, 0x03, 0x03, 0x83, 0x2b, 0x83, 0x2b, 0x8b);
static const uint8_t no_query[STEP] __attribute__((aligned(STEP))) = BOTH_LANES(
    0x07, 0x03, 0x07, 0x07, 0x03, 0x03, 0x03, 0x03, 0x03, 0x03, 0x03, 0x03, 0x0b, 0x03, 0x0b, 0x83);
static const uint8_t no_name[STEP] __attribute__((aligned(STEP))) = BOTH_LANES(
    0x57, 0x03, 0x07, 0x07, 0x03, 0x07, 0x03, 0x03, 0x03, 0x03, 0x0b, 0xa3, 0xab, 0xa3, 0x2b, 0x8f);

FAST_TARGET static inline __m256i load_step(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* A bit for each of the octets that stops. */
FAST_TARGET static inline uint32_t stops(__m256i octets, const uint8_t *illegal)
{
    const __m256i low_half = _mm256_set1_epi8(15);
    __m256i row = _mm256_and_si256(_mm256_srli_epi16(octets, 4), low_half);
    __m256i column = _mm256_and_si256(octets, low_half);
    __m256i hit = _mm256_and_si256(_mm256_shuffle_epi8(load_step(rows), row),
                                   _mm256_shuffle_epi8(load_step(illegal), column));
    __m256i legal = _mm256_cmpeq_epi8(hit, _mm256_setzero_si256());
    return ~(uint32_t)_mm256_movemask_epi8(legal);
}

FAST_TARGET static inline uint32_t controls(__m256i octets)
{
    const __m256i last = _mm256_set1_epi8(0x1f), delete = _mm256_set1_epi8(0x7f);
    __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(octets, last), octets);
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, _mm256_cmpeq_epi8(octets, delete)));
}

FAST_TARGET static inline size_t scan_until(const char *p, const char *end, const uint8_t *illegal)
{
    const char *at = p;
    do {
        uint32_t bits = stops(load_step(at), illegal);
        if (bits != 0)
            return (size_t)(at - p) + (size_t)__builtin_ctz(bits);
        at += STEP;
    } while (at < end);
    return (size_t)(at - p);
}

FAST_TARGET static inline size_t scan_path_avx2(const char *p, const char *end)
{
    return scan_until(p, end, no_path);
}

FAST_TARGET static inline size_t scan_query_avx2(const char *p, const char *end)
{
    return scan_until(p, end, no_query);
}

FAST_TARGET static inline size_t scan_host_avx2(const char *p, const char *end)
{
    return scan_until(p, end, no_name);
}

/* The colon of a name of more than STEP octets is not found: the judge's. */
FAST_TARGET static inline size_t scan_line_avx2(const char *p, const char *end, size_t *colon)
{
    __m256i octets = load_step(p);
    *colon = _tzcnt_u32(stops(octets, no_token));
    const char *at = p;
    uint32_t bits;
    while ((bits = controls(octets)) == 0) {
        at += STEP;
        if (at >= end)
            return (size_t)(at - p);
        octets = load_step(at);
    }
    return (size_t)(at - p) + _tzcnt_u32(bits);
}

#include "http1/parse.inc"
#endif
