/* parse_avx2.c: the parser for processors with AVX2: 32 octets a step.
 *
 * An octet's class is looked up by its two halves: each row of the ASCII table (the upper half, 0
 * to 7) owns a bit, and each column (the lower half) has the bits of the rows in which the octet
 * may stand. Where both agree, it may. The lookup of a column answers zero for octets of 0x80 and
 * up by itself.
 *
 * Lines' ends are found in windows of 64 octets that follow each other wherever the lines begin: so
 * finding the next line waits for a shift and a count only, not for a load and a comparison. */
#if defined(__x86_64__)
#include "http1/classes.h"
#include "http1/head.h"

#include <immintrin.h>

#define FAST(name) name##_avx2
#define FAST_TARGET __attribute__((target("avx2,bmi,bmi2")))

enum { STEP = 32 };
_Static_assert(2 * (int)STEP <= (int)HTTP1_SLACK,
               "a window that opens at the end stays within the slack");

#define BOTH_LANES(...)                                                                            \
    {                                                                                              \
        __VA_ARGS__, __VA_ARGS__                                                                   \
    }

static const uint8_t rows[STEP]
    __attribute__((aligned(STEP))) = BOTH_LANES(1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0);
static const uint8_t token_columns[STEP] __attribute__((aligned(STEP))) = BOTH_LANES(
    0xe8, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0xf8, 0xf8, 0xf4, 0x54, 0xd0, 0x54, 0xf4, 0x70);
static const uint8_t path_columns[STEP] __attribute__((aligned(STEP))) = BOTH_LANES(
    0xb8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0x7c, 0xd4, 0x7c, 0xd4, 0x74);
static const uint8_t query_columns[STEP] __attribute__((aligned(STEP))) = BOTH_LANES(
    0xf8, 0xfc, 0xf8, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0xfc, 0xf4, 0xfc, 0xf4, 0x7c);
static const uint8_t name_columns[STEP] __attribute__((aligned(STEP))) = BOTH_LANES(
    0xa8, 0xfc, 0xf8, 0xf8, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc, 0xfc, 0xf4, 0x5c, 0x54, 0x5c, 0xd4, 0x70);

FAST_TARGET static inline __m256i load_step(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* A bit for each of the octets that columns does not allow. */
FAST_TARGET static inline uint32_t stops(__m256i octets, const uint8_t *columns)
{
    __m256i row = _mm256_and_si256(_mm256_srli_epi16(octets, 4), _mm256_set1_epi8(15));
    __m256i hit = _mm256_and_si256(_mm256_shuffle_epi8(load_step(rows), row),
                                   _mm256_shuffle_epi8(load_step(columns), octets));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(hit, _mm256_setzero_si256()));
}

FAST_TARGET static inline uint32_t controls(__m256i octets)
{
    const __m256i last = _mm256_set1_epi8(0x1f), delete = _mm256_set1_epi8(0x7f);
    __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(octets, last), octets);
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, _mm256_cmpeq_epi8(octets, delete)));
}

FAST_TARGET static inline size_t scan_until(const char *p, const char *end, const uint8_t *columns)
{
    const char *at = p;
    do {
        uint32_t bits = stops(load_step(at), columns);
        if (bits != 0)
            return (size_t)(at - p) + (size_t)__builtin_ctz(bits);
        at += STEP;
    } while (at < end);
    return (size_t)(at - p);
}

FAST_TARGET static inline size_t scan_path_avx2(const char *p, const char *end)
{
    return scan_until(p, end, path_columns);
}

FAST_TARGET static inline size_t scan_query_avx2(const char *p, const char *end)
{
    return scan_until(p, end, query_columns);
}

FAST_TARGET static inline size_t scan_host_avx2(const char *p, const char *end)
{
    return scan_until(p, end, name_columns);
}

/* Of a name of more than STEP octets only these are looked at: behind them is no colon, and the
 * line is the judge's. */
FAST_TARGET static inline size_t scan_name_avx2(const char *p, const char *end)
{
    (void)end;
    return _tzcnt_u32(stops(load_step(p), token_columns));
}

/* The control octets of 64 octets: where these lie depends on no line before. */
struct window_avx2 {
    const char *base;
    uint64_t controls;
};

FAST_TARGET static inline struct window_avx2 open_window_avx2(const char *p)
{
    uint64_t low = controls(load_step(p)), high = controls(load_step(p + STEP));
    return (struct window_avx2){p, low | high << STEP};
}

FAST_TARGET static inline size_t scan_line_avx2(struct window_avx2 *w, const char *p,
                                                const char *end, size_t name)
{
    (void)name;
    size_t from = (size_t)(p - w->base);
    if (LIKELY(from < 2 * STEP) && LIKELY(w->controls >> from != 0))
        return _tzcnt_u64(w->controls >> from);
    uint64_t bits;
    do {
        const char *base = w->base + 2 * STEP;
        if (UNLIKELY(base >= end))
            return (size_t)(end - p);
        *w = open_window_avx2(base);
        bits = w->controls;
        if (UNLIKELY(base < p)) /* the last line's LF */
            bits &= ~(uint64_t)0 << (p - base);
    } while (bits == 0);
    return (size_t)(w->base - p) + _tzcnt_u64(bits);
}

#include "http1/parse.inc"
#endif
